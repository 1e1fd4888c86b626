"""What a lesson runs on, and what it says of itself: floors that a working network reaches."""

import math
import sys
from pathlib import Path

import pytest
import torch

from mnist_course import runtime

FLOORS = {"quick_floor": 0.9, "full_floor": 0.985}


@pytest.fixture
def mode(monkeypatch):
    """Sets quick mode and strict floors, each "1", "0" or not at all."""

    def choose(quick=None, floors=None):
        for name, value in (("MNIST_COURSE_QUICK", quick), ("MNIST_COURSE_FLOORS", floors)):
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
    ("quick", "floors", "floor"), [("1", None, "90%"), (None, "1", "98.5%"), ("0", "1", "98.5%")]
)
def test_a_miss_fails_an_automatic_run(mode, quick, floors, floor):
    mode(quick, floors)
    with pytest.raises(AssertionError, match=f"11.35%: below {floor}. If you interrupted"):
        runtime.check_floor(0.1135, **FLOORS)


@pytest.mark.parametrize("floors", [None, "", "0"])
def test_a_student_is_only_told(mode, floors, capsys):
    mode(floors=floors)
    runtime.check_floor(0.98, **FLOORS)
    assert "98.00%: below 98.5%. If you interrupted" in capsys.readouterr().out


def test_a_training_without_a_complete_epoch_has_nothing_to_judge(mode, capsys):
    mode()
    runtime.check_floor(math.nan, **FLOORS)
    assert capsys.readouterr().out.startswith("Nothing to judge: no epoch was completed.")
    mode(floors="1")  # where nobody interrupts
    with pytest.raises(AssertionError, match="no epoch was completed"):
        runtime.check_floor(math.nan, **FLOORS)


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
