"""What a lesson runs on: a shared machine, settings, folders, files that are written whole."""

import ast
import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from mnist_course import capacity, runtime

ROOT = Path(__file__).parent.parent
LESSONS = sorted((ROOT / "lessons").glob("*.py"))

FLOORS = {"quick_floor": 0.9, "full_floor": 0.985}


@pytest.fixture
def mode(monkeypatch):
    """Sets quick and strict mode, each to a text or not at all."""

    def choose(quick=None, strict=None):
        for name, value in (("MNIST_COURSE_QUICK", quick), ("MNIST_COURSE_STRICT", strict)):
            monkeypatch.delenv(name, raising=False)
            if value is not None:
                monkeypatch.setenv(name, value)

    return choose


def test_each_mode_has_its_floor(mode, capsys):
    for quick, accuracy, floor in (("1", 0.93, "90%"), ("0", 0.99, "98.5%")):
        mode(quick)
        runtime.check_floor(accuracy, **FLOORS)
        assert f"{accuracy:.2%}: above {floor}," in capsys.readouterr().out


@pytest.mark.parametrize(
    ("quick", "strict", "floor"),
    [("1", None, "90%"), (None, "1", "98.5%"), ("0", "1", "98.5%"), ("0", "floors", "98.5%")],
)
def test_a_miss_fails_an_automatic_run(mode, quick, strict, floor):
    mode(quick, strict)
    with pytest.raises(AssertionError, match=f"11.35%: below {floor}. If you interrupted"):
        runtime.check_floor(0.1135, **FLOORS)


@pytest.mark.parametrize("strict", [None, "", "0", "off"])
def test_a_student_is_only_told(mode, strict, capsys):
    mode(strict=strict)
    runtime.check_floor(0.98, **FLOORS)
    assert "98.00%: below 98.5%. If you interrupted" in capsys.readouterr().out


def test_a_training_without_a_complete_epoch_has_nothing_to_judge(mode, capsys):
    mode()
    runtime.check_floor(math.nan, **FLOORS)
    assert capsys.readouterr().out.startswith("Nothing to judge: no epoch was completed.")
    mode(strict="1")  # where nobody interrupts
    with pytest.raises(AssertionError, match="no epoch was completed"):
        runtime.check_floor(math.nan, **FLOORS)


def test_exercises_and_floors_are_strict_together_or_floors_alone(mode):
    for value, exercises, floors in (
        ("1", True, True), ("floors", False, True), (" Floors ", False, True), ("0", False, False),
    ):  # fmt: skip
        mode(strict=value)
        assert (runtime.strict(), runtime.strict("floors")) == (exercises, floors)


@pytest.mark.parametrize("strict", [None, "0", "floors"])
def test_exercises_are_strict_where_nbgrader_runs_a_notebook(mode, monkeypatch, strict):
    mode(strict=strict)
    assert not runtime.strict()
    floors = runtime.strict("floors")
    for said in ("autograde", "validate"):
        monkeypatch.setenv("NBGRADER_EXECUTION", said)
        assert runtime.strict()
        assert runtime.strict("floors") == floors


# --- settings of the environment ----------------------------------------------------------


@pytest.mark.parametrize("value", [None, "", "0", "0 ", "false", "False", "off", "OFF", " no"])
def test_a_flag_is_off(mode, value):
    mode(quick=value)
    assert not runtime.quick()


@pytest.mark.parametrize("value", ["1", " 1", "true", "True", "on", "yes"])
def test_a_flag_is_on(mode, value, capsys):
    mode(quick=value)
    assert runtime.quick()
    assert capsys.readouterr().err == ""


def test_a_flag_with_another_value_is_on_which_is_said_once(mode, capsys):
    mode(quick="perhaps")
    assert runtime.quick()
    assert runtime.quick()
    said = "MNIST_COURSE_QUICK=perhaps counts as on. Write 1 for on, or 0 for off.\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("relative", ["here", "./here", "../here"])
def test_a_relative_folder_is_refused_since_it_would_be_two(monkeypatch, tmp_path, relative):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MNIST_COURSE_DATA", relative)
    with pytest.raises(runtime.CourseError) as caught:
        runtime.data_folder()
    assert str(caught.value).startswith(f"MNIST_COURSE_DATA={relative} would mean one folder to")
    assert str(tmp_path) in str(caught.value)


# --- a machine that others use too --------------------------------------------------------


def quiet_environment(**settings):
    """This environment without what was set of threads, as before the package was imported."""
    return {k: v for k, v in os.environ.items() if not k.startswith("OMP_")} | settings


@pytest.mark.parametrize(
    ("given", "policy"), [({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE")]
)
def test_torch_waits_passively_unless_the_user_chose(given, policy):
    """libgomp itself says what it took when torch was loaded, in lesson 01's order of imports."""
    if sys.platform != "linux":
        pytest.skip("another library for threads, which says it in other words")
    imports = first_code_cell(LESSONS[0]).replace("runtime.report()", "")
    done = subprocess.run(
        [sys.executable, "-c", imports], capture_output=True, text=True, check=True,
        env=quiet_environment(OMP_DISPLAY_ENV="true", PYTHONPATH=str(ROOT), **given),
    )  # fmt: skip
    said = [line for line in done.stderr.splitlines() if "OMP_WAIT_POLICY" in line]
    assert said
    assert all(f"'{policy}'" in line for line in said)


def first_code_cell(lesson):
    return lesson.read_text(encoding="utf-8").split("\n# %%\n")[1].partition("\n# %%")[0]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_imports_the_course_before_anything_that_computes(lesson):
    """Wherever its kernel was started, in VS Code for example: torch reads the settings once."""
    modules = []
    for node in ast.parse(first_code_cell(lesson)).body:
        if isinstance(node, ast.Import):
            modules += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules.append(node.module)
    tops = [module.partition(".")[0] for module in modules]
    before = tops[: tops.index("mnist_course")]
    assert set(before) <= set(sys.stdlib_module_names)


@pytest.fixture
def control_groups(monkeypatch, tmp_path):
    """A machine with eight cores and the given files of Linux's control groups."""

    def make(own, **files):
        monkeypatch.setattr(capacity, "CONTROL_GROUPS", tmp_path)
        monkeypatch.setattr(capacity, "OWN_CONTROL_GROUPS", tmp_path / "own")
        monkeypatch.setattr(capacity.os, "sched_getaffinity", lambda _: range(8), raising=False)
        monkeypatch.setattr(capacity.os, "cpu_count", lambda: 16)
        (tmp_path / "own").write_text(own)
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return make


V2 = "0::/user.slice/job\n"
V1 = "4:memory:/docker/1\n3:cpu,cpuacct:/docker/1\n0::/\n"


@pytest.mark.parametrize(
    ("own", "files", "cores"),
    [
        (V2, {}, 8),
        (V2, {"user.slice__job__cpu.max": "max 100000\n"}, 8),
        (V2, {"user.slice__job__cpu.max": "300000 100000\n"}, 3),
        (V2, {"user.slice__job__cpu.max": "50000 100000\n"}, 1),
        (V2, {"user.slice__job__cpu.max": "max 100000", "user.slice__cpu.max": "250000 100000"}, 2),
        ("0::/\n", {"cpu.max": "200000 100000\n"}, 2),  # as seen from inside a container
        (
            V1,
            {"cpu__docker__1__cpu.cfs_quota_us": "-1", "cpu__docker__1__cpu.cfs_period_us": "1"},
            8,
        ),
        (V1, {"cpu__cpu.cfs_quota_us": "400000", "cpu__cpu.cfs_period_us": "100000"}, 4),
    ],
)
def test_cores_that_may_be_used(control_groups, monkeypatch, own, files, cores):
    control_groups(own, **files)
    assert capacity.cores() == cores
    assert f", {cores} of 16 cores, " in runtime.machine()
    # torch sees what a process is bound to, but no quota
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    capacity.share_machine()
    assert os.environ.get("OMP_NUM_THREADS") == (None if cores == 8 else str(cores))
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    capacity.share_machine()
    assert os.environ["OMP_NUM_THREADS"] == "7"  # the user's own


@pytest.mark.parametrize(
    ("own", "files", "megabytes"),
    [
        (V2, {"user.slice__job__memory.max": "max"}, None),
        (V2, {"user.slice__job__memory.max": "1000000000"}, 1000),
        (V2, {"user.slice__job__memory.max": "max", "user.slice__memory.max": "600000000"}, 600),
        (V1, {"memory__docker__1__memory.limit_in_bytes": "9223372036854771712"}, None),
        (V1, {"memory__docker__1__memory.limit_in_bytes": "700000000"}, 700),
    ],
)
def test_memory_that_may_be_used(control_groups, own, files, megabytes):
    control_groups(own, **files)
    expected = psutil.virtual_memory().total if megabytes is None else megabytes * 1_000_000
    assert capacity.memory() == expected


@pytest.mark.skipif(sys.platform != "linux", reason="other systems may refuse such a limit")
def test_memory_with_a_limit_of_the_process():
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (10**9, 10**9))\n"
        "from mnist_course import capacity; print(capacity.memory())"
    )
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert int(said) == 10**9


def test_lesson_01_makes_no_floats_of_all_images(digits, capsys):
    """A limit of 1 GB of memory ended it there, in quick mode too."""
    [cell] = (
        cell
        for cell in LESSONS[0].read_text(encoding="utf-8").split("\n# %%")
        if "standard deviation {deviation:" in cell
    )
    images = digits.train.images[:1000]
    largest = [0]

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, arguments=(), options=None):
            result = function(*arguments, **(options or {}))
            if isinstance(result, torch.Tensor) and result.is_floating_point():
                largest.append(result.numel())
            return result

    with Watch():
        exec(cell, {"torch": torch, "mnist": SimpleNamespace(data=images)})
    assert max(largest) == 256
    scaled = images.double() / 255
    said = f"mean {scaled.mean():.4f}, standard deviation {scaled.std():.4f}\n"
    assert capsys.readouterr().out.startswith(said)


# --- files that are written whole ---------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permission bits")
@pytest.mark.parametrize("mask", [0o002, 0o022, 0o077])
def test_a_file_gets_the_permissions_that_open_would_give(tmp_path, mask):
    before = os.umask(mask)
    try:
        runtime.write_whole(tmp_path / "ours", b"new")
        (tmp_path / "open's").write_bytes(b"new")
        (tmp_path / "kept").touch(mode=0o640)
        runtime.write_whole(tmp_path / "kept", b"new")
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"ours": 0o666 & ~mask, "open's": 0o666 & ~mask, "kept": 0o640 & ~mask}


def test_a_drive_that_refuses_permissions_can_be_written(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "chmod", refuse)
    monkeypatch.setattr(os, "fchmod", refuse, raising=False)
    for content in (b"first", b"second"):
        runtime.write_whole(tmp_path / "file", content)
        assert (tmp_path / "file").read_bytes() == content


@pytest.mark.skipif(sys.platform == "win32", reason="nobody can be killed in the middle there")
def test_the_next_write_removes_what_a_killed_one_has_left(tmp_path):
    code = (
        "import os, signal, sys\nfrom mnist_course import runtime\n"
        "os.fsync = lambda file: os.kill(os.getpid(), signal.SIGKILL)\n"
        "runtime.write_whole(sys.argv[1], b'half')"
    )
    path = tmp_path / "[weights].bin"
    done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 1
    others = [
        tmp_path / f".{path.name}.part",  # not ours
        tmp_path / f"{runtime._part(path)}{os.getpid()}-9",  # of a program that runs
    ]
    for other in others:
        other.touch()
    runtime.write_whole(path, b"whole")
    assert set(tmp_path.iterdir()) == {path, *others}
    assert path.read_bytes() == b"whole"


# --- the device ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claimed", "working", "expected"),
    [
        ((), (), ["cpu"]),
        (("cuda",), ("cuda",), ["cuda", "cpu"]),
        (("mps",), ("mps",), ["mps", "cpu"]),
        (("cuda", "mps"), ("cuda", "mps"), ["cuda", "mps", "cpu"]),
        (("cuda", "mps"), ("mps",), ["mps", "cpu"]),  # as where a driver is too old
        (("cuda",), (), ["cpu"]),
    ],
)
def test_the_best_device_that_works_is_taken(monkeypatch, claimed, working, expected):
    def zeros(*size, device, real=torch.zeros):
        if torch.device(device).type not in (*working, "cpu"):
            raise RuntimeError(f"no {device} here")
        return real(*size)

    monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in claimed)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in claimed)
    monkeypatch.setattr(torch, "zeros", zeros)
    assert runtime.device() == torch.device(expected[0])
    for name in ("cuda", "mps", "cpu"):
        if name in expected:
            assert runtime.device(name) == torch.device(name)
        else:
            words = f"no device '{name}' here; this machine has {', '.join(expected)}"
            with pytest.raises(ValueError, match=words):
                runtime.device(name)


def test_a_line_to_type_names_the_program_where_it_is(monkeypatch):
    monkeypatch.setattr(runtime.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert runtime.command("doctor") == "mnist-course doctor"
    monkeypatch.setattr(runtime.shutil, "which", lambda name: None)
    place = Path(sys.executable).parent / "mnist-course"  # in an environment made by venv
    assert runtime.command("doctor") == f"{place} doctor"
    monkeypatch.setattr(runtime.shutil, "which", lambda name: str(place))
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    assert runtime.command("doctor") == "mnist-course doctor"
    monkeypatch.delenv("VIRTUAL_ENV")  # as in a cell, but a terminal would not find it
    assert runtime.command("doctor") == f"{place} doctor"
    monkeypatch.setattr(runtime.shutil, "which", lambda name: None)
    spaced = Path("/home/a b")
    monkeypatch.setattr(runtime.sysconfig, "get_path", lambda name: str(spaced))
    assert runtime.command("lab") == '"' + str(spaced / "mnist-course") + '" lab'


def test_a_notebook_shows_a_foreseen_mistake_without_its_traceback(capsys):
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    shell.run_cell(
        "from mnist_course.data import DataError\n"
        "try:\n    open('/no/such/file')\n"
        "except OSError as error:\n    raise DataError('say what to do') from error"
    )
    assert capsys.readouterr().out == "say what to do\n"


def test_two_devices_in_one_call():
    """The sentence says what is where, and what to type. A network is where its weights are."""
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2, device="meta"))
    images = torch.zeros(1, 2, 2)
    runtime.require_one_device(network=network, labels=torch.zeros(1, device="meta"))
    runtime.require_one_device(network=torch.nn.Flatten(), images=images, names=["no tensor"])
    with pytest.raises(runtime.CourseError) as caught:
        runtime.require_one_device(network=network, images=images)
    assert str(caught.value) == (
        "The network is on the device meta, but the images are on cpu, and torch computes only "
        'with what is on one device. Type: images = images.to("meta")'
    )
    with pytest.raises(
        runtime.CourseError, match=r"The images are .* labels .* Type: there\(meta\)"
    ):
        runtime.require_one_device("there({})", images=images.to("meta"), labels=images)
