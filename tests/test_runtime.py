"""What a lesson says of itself: floors that a working network reaches."""

import pytest

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
    with pytest.raises(AssertionError, match=f"11.35%: below {floor}. Something is broken"):
        runtime.check_floor(0.1135, **FLOORS)


@pytest.mark.parametrize("floors", [None, "", "0"])
def test_a_student_is_only_told(mode, floors, capsys):
    mode(floors=floors)
    runtime.check_floor(0.98, **FLOORS)
    assert "98.00%: below 98.5%. Something is broken" in capsys.readouterr().out
