"""scripts/setup.py, run for real on a small project, without a network."""

import ast
import ctypes
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "scripts" / "setup.py"


def load_script():
    spec = importlib.util.spec_from_file_location("set_up", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- an old Python ------------------------------------------------------------------------


def test_an_old_python_can_read_the_script():
    ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 6))


@pytest.mark.parametrize("version", [(3, 6, 15), (3, 10, 13)])
def test_an_old_python_is_named(monkeypatch, version):
    script = load_script()
    monkeypatch.setattr(sys, "version_info", version)
    sentence = script.main()
    assert "Python 3.11 or newer is needed" in sentence
    assert "this is {}.{}".format(*version) in sentence


@pytest.mark.skipif(sys.platform == "win32", reason="needs a PATH made of links")
def test_make_without_any_python(tmp_path):
    for tool in ("make", "sh"):
        (tmp_path / tool).symlink_to(shutil.which(tool))
    done = subprocess.run(
        ["make", "setup"], cwd=ROOT, env={"PATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "Python 3.11 or newer is needed" in done.stderr


# --- a small project that sets up in seconds ----------------------------------------------

# A build backend without dependencies, which makes an editable wheel by hand.
BACKEND = """
import zipfile
from pathlib import Path

def get_requires_for_build_editable(settings=None):
    return []

def build_editable(folder, settings=None, metadata=None):
    name = "mnist_course-1.0-py3-none-any.whl"
    info = "mnist_course-1.0.dist-info/"
    with zipfile.ZipFile(Path(folder) / name, "w") as wheel:
        wheel.writestr("mnist_course.pth", str(Path.cwd()))
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: mnist-course\\n"
                       "Version: 1.0\\nProvides-Extra: test\\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\n"
                       "Tag: py3-none-any\\n")
        wheel.writestr(info + "entry_points.txt", "[console_scripts]\\n"
                       "mnist-course = mnist_course:main\\n")
        wheel.writestr(info + "RECORD", "")
    return name

def build_wheel(folder, settings=None, metadata=None):
    return build_editable(folder)
"""
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


@pytest.fixture
def project(tmp_path):
    """The script in a folder of its own, with a course that installs offline, and d2l's wheel."""
    folder = tmp_path / "course"
    for name, text in {
        "scripts/setup.py": SCRIPT.read_text(encoding="utf-8"),
        "pyproject.toml": PYPROJECT,
        "backend.py": BACKEND,
        "mnist_course/__init__.py": "def main(): print('data is there')\n",
        "mnist_course/jupyterlab.json": "{}",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    wheels = folder / "wheels"
    wheels.mkdir()
    with zipfile.ZipFile(wheels / "d2l-1.0.3-py3-none-any.whl", "w") as wheel:
        info = "d2l-1.0.3.dist-info/"
        wheel.writestr("d2l/__init__.py", "")
        wheel.writestr(
            info + "METADATA",
            "Metadata-Version: 2.1\nName: d2l\nVersion: 1.0.3\nRequires-Dist: numpy==1.23.5\n",
        )
        wheel.writestr(
            info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(info + "RECORD", "")
    return folder


PROGRAMS = "Scripts" if os.name == "nt" else "bin"


def environment_of(pip):
    environment = {k: v for k, v in os.environ.items() if k[:4] not in ("PIP_", "PYTH")}
    environment |= {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "1",
        "no_proxy": "127.0.0.1",
        **dict(pip),
    }
    return environment


def set_up(project, *arguments, prefix=(), python=(), pip=(), **options):
    """Run the script there, its index a port where nobody answers; pip: more of its settings."""
    return subprocess.run(
        [*prefix, sys.executable, *python, "scripts/setup.py", *arguments],
        cwd=project, env=environment_of(pip), capture_output=True, encoding="utf-8", **options,
    )  # fmt: skip


def start_set_up(project, *arguments):
    return subprocess.Popen(
        [sys.executable, "scripts/setup.py", *arguments],
        cwd=project, env=environment_of(()), encoding="utf-8",
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def snapshot(project):
    """Every file below a folder, with the time when it was last changed."""
    paths = (path for path in project.rglob("*") if "__pycache__" not in path.parts)
    return {path: path.lstat().st_mtime_ns for path in paths}


def left_over(project):
    return {path.name for path in project.glob(".v*")}


def failed(done):
    """The one sentence of a set-up that failed."""
    assert done.returncode == 1, done.stdout
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.endswith(".\n")
    return done.stderr


def test_set_up_and_what_comes_after(project):
    """One story, since a new environment takes seconds."""
    assert "can't reach its package index" in failed(set_up(project))
    assert not (project / ".venv").exists()

    # the second try has wheels, but no room for the data
    course = project / "mnist_course/__init__.py"
    good = course.read_text()
    course.write_text("import sys\ndef main(): sys.exit('No room for MNIST.')\n")
    done = set_up(project, "--wheels", "wheels")
    assert failed(done) == "No room for MNIST.\n"

    # the third keeps the environment, and adds the tests' packages
    course.write_text(good)
    done = set_up(project, "--wheels", "wheels", "--tests")
    assert done.returncode == 0, done.stderr
    assert "Making" not in done.stdout
    assert "data is there" in done.stdout

    # now it only looks: it writes nothing, not even in a folder that others may write
    (project / ".venv.lock").unlink()
    before = snapshot(project)
    assert set_up(project).stdout == "Set up already.\n"
    assert set_up(project, "--tests").stdout == "Set up already.\n"
    assert snapshot(project) == before

    # a folder of wheels, filled from wherever pip gets its own
    here = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(project / "wheels")}
    done = set_up(project, "--fill", "filled", pip=here)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"make setup WHEELS={project / 'filled'}\n")
    names = sorted(path.name for path in (project / "filled").iterdir())
    assert names == ["d2l-1.0.3-py3-none-any.whl", "mnist_course-1.0-py3-none-any.whl"]

    # an environment of another Python stays unless this one is asked for
    made_by = project / ".venv" / "pyvenv.cfg"
    now = "version = {}.{}".format(*sys.version_info)
    assert now in made_by.read_text()
    made_by.write_text(made_by.read_text().replace(now, "version = 3.9"))
    assert set_up(project).stdout == "Set up already.\n"
    done = set_up(project, "--this-python", "--wheels", "filled")
    assert done.returncode == 0, done.stderr
    assert "has another Python: making it again" in done.stdout
    assert now in made_by.read_text()
    assert set_up(project, "--this-python").stdout == "Set up already.\n"

    # a new dependency, but no network: the environment that works is kept
    needs = '\n[project]\nname = "mnist-course"\nversion = "1"\ndependencies = ["{}"]\n'
    cut_off = PYPROJECT.replace("[]", '["hatchling"]')  # what builds the course must be fetched
    (project / "pyproject.toml").write_text(cut_off + needs.format("d2l>=2"))
    assert "can't reach its package index" in failed(set_up(project))
    (project / "pyproject.toml").write_text(PYPROJECT)
    assert set_up(project).stdout == "Set up already.\n"

    # an update that needs nothing new, and no network: the course can be used, which is said
    (project / "pyproject.toml").write_text(cut_off + needs.format("d2l>=1"))
    done = set_up(project)
    assert done.returncode == 0, done.stderr
    assert "all that the course needs is here" in done.stdout
    assert "all that the course needs is here" in set_up(project).stdout  # it tries again
    (project / "pyproject.toml").write_text(PYPROJECT)
    assert set_up(project).stdout == "Set up already.\n"

    # an error that we don't know is shown as pip said it
    backend = project / "backend.py"
    backend.write_text("raise RuntimeError('something new')\n" + BACKEND)
    course.write_text(good + "# changed\n")
    done = set_up(project, "--wheels", "wheels")
    assert done.returncode == 1
    assert "something new" in done.stderr
    assert done.stderr.endswith("pip failed for the reason above: mend it, then try again.\n")


@pytest.mark.parametrize("torn", ["", "{", '{"folder', "[]"])
def test_a_set_up_that_lost_its_power_starts_afresh(monkeypatch, tmp_path, torn):
    script = load_script()
    monkeypatch.setattr(script, "VENV", tmp_path)
    assert script.read_state() == {}  # .venv made, nothing in it
    (tmp_path / script.STATE).write_text(torn)
    assert script.read_state() == {}


def test_a_working_environment_is_replaced_only_by_one_that_works(project):
    """The folder gets another name, first without a network; and then it moves to a new machine."""
    assert set_up(project, "--wheels", "wheels").returncode == 0
    first = project / ".venv" / "of the first"
    first.touch()

    renamed = project.rename(project.with_name("数字"))
    sentence = failed(set_up(renamed))
    assert "can't reach its package index" in sentence
    assert f"its old name, {project}" in sentence
    renamed.rename(project)
    assert set_up(project).stdout == "Set up already.\n"
    assert first.exists()

    # no encoding is left to the locale, which in China may not be UTF-8
    utf8 = ["-X", "warn_default_encoding", "-W", "error::EncodingWarning:__main__"]
    project.rename(renamed)
    done = set_up(renamed, "--wheels", "wheels", python=utf8)
    assert done.returncode == 0, done.stderr
    assert "was made elsewhere" in done.stdout
    assert not (renamed / ".venv" / first.name).exists()
    assert left_over(renamed) == {".venv", ".venv.lock"}
    program = renamed / ".venv" / PROGRAMS / "mnist-course"
    said = subprocess.run([program], capture_output=True, env=environment_of(()), check=True)
    assert said.stdout.split() == b"data is there".split()  # its paths are those of its place
    assert set_up(renamed, "--this-python", python=utf8).stdout == "Set up already.\n"

    state = renamed / ".venv" / "set-up.json"
    foreign = {**json.loads(state.read_text(encoding="utf-8")), "machine": "pdp11"}
    state.write_text(json.dumps(foreign), encoding="utf-8")
    assert "can't reach its package index" in failed(set_up(renamed))
    assert json.loads(state.read_text(encoding="utf-8")) == foreign


def test_a_python_that_does_not_start_here_is_no_working_one(monkeypatch, tmp_path):
    script = load_script()
    monkeypatch.setattr(script, "VENV", tmp_path)
    state = {"folder": str(ROOT)}
    assert not script.works(state)  # there is none
    python = script.python_of(tmp_path)
    python.parent.mkdir()
    python.write_bytes(b"\x7fELF of another processor")
    python.chmod(0o755)
    assert not script.works(state)


@pytest.fixture
def course_folder(monkeypatch, tmp_path):
    """The script, as if it stood in an empty folder; and that folder."""
    script = load_script()
    monkeypatch.setattr(script, "ROOT", tmp_path)
    for name in ("VENV", "NEW", "OLD"):
        monkeypatch.setattr(script, name, tmp_path / getattr(script, name).name)
    return script


def half_made(script, environment):
    """What an environment has in common with a real one: a program that names its own place."""
    program = environment / script.PROGRAMS / "mnist-course"
    program.parent.mkdir(parents=True)
    (environment / "pyvenv.cfg").write_text(f"made in {environment}\n", encoding="utf-8")
    program.write_bytes(b"\0\xff#!" + os.fsencode(str(environment)) + b"/python\0\xff")


def test_the_new_environment_takes_the_old_one_s_place(course_folder):
    half_made(course_folder, course_folder.VENV)
    (course_folder.VENV / "old").touch()
    half_made(course_folder, course_folder.NEW)
    size = (course_folder.NEW / course_folder.PROGRAMS / "mnist-course").stat().st_size
    course_folder.exchange()
    assert left_over(course_folder.ROOT) == {".venv"}
    assert not (course_folder.VENV / "old").exists()
    program = course_folder.VENV / course_folder.PROGRAMS / "mnist-course"
    assert os.fsencode(str(program.parent.parent)) + b"/python" in program.read_bytes()
    assert program.stat().st_size == size  # a launcher finds its parts by counting from its end
    assert ".vnew" not in (course_folder.VENV / "pyvenv.cfg").read_text(encoding="utf-8")


def test_an_exchange_that_fails_half_way_leaves_the_old_one(course_folder, monkeypatch):
    half_made(course_folder, course_folder.VENV)
    half_made(course_folder, course_folder.NEW)
    rename = Path.rename

    def refuse(self, target):
        if self == course_folder.NEW:
            raise PermissionError(13, "in use")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(PermissionError):
        course_folder.exchange()
    assert left_over(course_folder.ROOT) == {".venv", ".vnew"}


def test_an_exchange_that_was_killed_half_way_is_put_right(course_folder):
    half_made(course_folder, course_folder.OLD)
    (course_folder.OLD / "old").touch()
    course_folder.NEW.mkdir()
    course_folder.clear_up()
    assert left_over(course_folder.ROOT) == {".venv"}
    assert (course_folder.VENV / "old").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="a link needs a right there")
@pytest.mark.parametrize("target", ["large disk", "nowhere"])
def test_a_link_in_the_place_of_an_environment(course_folder, target):
    """It is replaced; what it links to is not ours to remove."""
    elsewhere = course_folder.ROOT / "large disk"
    elsewhere.mkdir()
    (elsewhere / "set-up.json").write_text('{"folder": "here"}')
    course_folder.VENV.symlink_to(course_folder.ROOT / target)
    state = {"folder": "here"} if target == "large disk" else {}
    assert course_folder.read_state() == state
    half_made(course_folder, course_folder.NEW)
    course_folder.exchange()
    assert left_over(course_folder.ROOT) == {".venv"}
    assert not course_folder.VENV.is_symlink()
    assert [path.name for path in elsewhere.iterdir()] == ["set-up.json"]


def test_two_set_ups_at_once(project):
    """The second waits, and finds done what it came for."""
    script = load_script()
    with open(project / ".venv.lock", "ab") as file:
        assert script.lock(file)
        waiting = start_set_up(project, "--wheels", "wheels")
        assert "waiting for it" in waiting.stdout.readline()
        assert not (project / ".vnew").exists()
    second = start_set_up(project, "--wheels", "wheels")
    said = [process.communicate() for process in (waiting, second)]
    assert (waiting.returncode, second.returncode) == (0, 0), said
    assert sorted("Set up already." in text for text, _ in said) == [False, True]
    assert set_up(project).stdout == "Set up already.\n"


def test_an_environment_of_someone_else_is_left_alone(project):
    (project / ".venv").mkdir()
    (project / ".venv" / "mine").touch()
    assert "rename or delete it" in failed(set_up(project))
    assert (project / ".venv" / "mine").exists()


def test_wheels_come_after_a_set_up(project):
    assert "Set the course up first" in failed(set_up(project, "--fill", "filled"))


def test_a_folder_without_wheels(project):
    assert "no wheels in" in failed(set_up(project, "--wheels", "elsewhere"))


def obey_permissions():
    """Root too: take from it the right to write where it may not (CAP_DAC_OVERRIDE)."""
    if os.geteuid() == 0:
        ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)  # PR_CAPBSET_DROP


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permission bits")
def test_no_write_permission(project):
    project.chmod(0o555)
    try:
        done = set_up(project, preexec_fn=obey_permissions)
    finally:
        project.chmod(0o755)
    sentence = failed(done)
    assert "No permission to write" in sentence
    assert str(project / ".venv") in sentence


def test_a_full_disk(project, tmp_path):
    """On a disk of 4 MB that then grows."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    story = f"""
        mount -t tmpfs -o size=4m none '{disk}' && cp -r . '{disk}' && cd '{disk}' || exit 77
        "$@" || echo "exit status $?"
        mount -o remount,size=200m '{disk}' && exec "$@"
    """
    if (
        not shutil.which("unshare")
        or subprocess.call([*mount, "true"], stderr=subprocess.DEVNULL) != 0
    ):
        pytest.skip("this system lets nobody mount a small disk")
    done = set_up(project, "--wheels", "wheels", prefix=[*mount, story, "sh"])
    assert done.returncode == 0, done.stderr
    assert "exit status 1" in done.stdout
    assert done.stderr.startswith("The disk is full (")
    assert done.stderr.count("\n") == 1


# --- what pip says, and what we say -------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on "
            "device",
            "The disk is full",
        ),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 122] Disk quota exceeded",
            "The disk is full",
        ),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: "
            "'/course/.venv/lib'\nConsider using the `--user` option or check the permissions.",
            "No permission to write /course/.venv/lib",
        ),
        (
            "ERROR: Could not install packages due to an OSError: [WinError 5] Access is denied: "
            "'C:\\\\course\\\\.venv\\\\zmq.pyd'",
            "close JupyterLab",
        ),
        ("[Errno 30] Read-only file system: '/course/.venv'", "No permission to write /course"),
        (
            "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('"
            "Failed to establish a new connection: [Errno -3] Temporary failure in name "
            "resolution')': /simple/torch/\nERROR: No matching distribution found for torch>=2.6",
            "can't reach its package index",
        ),
        (
            "WARNING: Retrying (Retry(total=0)) after connection broken by 'SSLError("
            "SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]'))': /simple/torch/",
            "certificate",
        ),
        (
            "ERROR: Could not find a version that satisfies the requirement torch>=2.6 (from "
            "versions: none)\nERROR: No matching distribution found for torch>=2.6",
            "pip finds no torch>=2.6 for Python",
        ),
    ],
)
def test_what_pip_says_becomes_a_sentence(said, words):
    assert words in load_script().explain(said)
