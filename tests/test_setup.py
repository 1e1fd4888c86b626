"""scripts/setup.py, run for real on a small project, without a network."""

import ast
import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
import time
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
    ast.parse(SCRIPT.read_text(), feature_version=(3, 6))


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
        "scripts/setup.py": SCRIPT.read_text(),
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


def set_up(project, *arguments, prefix=(), pip=(), **options):
    """Run the script there, its index a port where nobody answers; pip: more of its settings."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PIP_")}
    environment |= {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "1",
        "no_proxy": "127.0.0.1",
        **dict(pip),
    }
    command = [*prefix, sys.executable, "scripts/setup.py", *arguments]
    return subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, **options
    )


def failed(done):
    """The one sentence of a set-up that failed."""
    assert done.returncode == 1, done.stdout
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.endswith(".\n")
    return done.stderr


def test_set_up_and_what_comes_after(project):
    """One story, since a new environment takes seconds."""
    assert "can't reach its package index" in failed(set_up(project))

    # the second try has wheels, but no room for the data
    course = project / "mnist_course/__init__.py"
    good = course.read_text()
    course.write_text("import sys\ndef main(): sys.exit('No room for MNIST.')\n")
    done = set_up(project, "--wheels", "wheels")
    assert failed(done) == "No room for MNIST.\n"
    assert "unfinished" in done.stdout

    # the third keeps the environment, and adds the tests' packages
    course.write_text(good)
    done = set_up(project, "--wheels", "wheels", "--tests")
    assert done.returncode == 0, done.stderr
    assert "Making" not in done.stdout
    assert "data is there" in done.stdout

    start = time.perf_counter()
    assert set_up(project).stdout == "Set up already.\n"
    assert time.perf_counter() - start < 1

    assert set_up(project, "--tests").stdout == "Set up already.\n"

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

    # new dependencies, but no network: the environment that works is kept
    (project / "pyproject.toml").write_text(PYPROJECT.replace("[]", '["hatchling"]'))
    assert "can't reach its package index" in failed(set_up(project))
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


@pytest.mark.parametrize("torn", ["", "{", '{"folder'])
def test_a_set_up_that_lost_its_power_starts_afresh(monkeypatch, tmp_path, torn):
    script = load_script()
    monkeypatch.setattr(script, "VENV", tmp_path)
    monkeypatch.setattr(script, "STATE", tmp_path / "set-up.json")
    assert script.read_state() == {}  # .venv made, nothing in it
    script.STATE.write_text(torn)
    assert script.read_state() == {}


def test_an_environment_that_was_moved_is_made_again():
    """Its scripts name the folder where they were made."""
    assert not load_script().works({"folder": str(ROOT / "elsewhere")})


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
