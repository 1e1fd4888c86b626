"""Further cases from a file: read where they fit, and named where they don't."""

import dataclasses
import json

import pytest
import torch
from doubling import EXERCISE

from mnist_course.assessment import further
from mnist_course.assessment.further import CasesError, decoded, table
from mnist_course.exercises import EXERCISES

ALL = {"double": EXERCISE}


@pytest.fixture
def written(tmp_path, monkeypatch):
    """A function that writes the file of further cases and names it."""
    path = tmp_path / "cases.json"
    monkeypatch.setenv("MNIST_COURSE_CASES", str(path))
    return path.write_bytes


def test_without_a_file_there_are_none(monkeypatch):
    for named in (None, ""):
        if named is None:
            monkeypatch.delenv("MNIST_COURSE_CASES", raising=False)
        else:
            monkeypatch.setenv("MNIST_COURSE_CASES", named)
        assert table(ALL) == {}
    assert decoded(EXERCISE, []) == ()


def test_the_values_of_a_case_are_read_from_json(written):
    rows = {
        "double": [
            [{"tensor": [[1, 2]], "dtype": "float32"}, 7],
            [[1.5, "a", None, True], {"tuple": [{"bytes": "00 ff"}, []]}],
        ]
    }
    written(json.dumps(rows).encode())
    assert table(ALL) == rows
    first, second = decoded(EXERCISE, rows["double"])
    tensor, number = first.values
    assert torch.equal(tensor, torch.tensor([[1.0, 2.0]]))
    assert tensor.dtype == torch.float32
    assert number == 7
    assert second.values == ([1.5, "a", None, True], (b"\x00\xff", []))


def test_every_exercise_s_own_cases_could_stand_in_a_file():
    """So a teacher can write any case that the course can."""

    def written(value):
        if isinstance(value, torch.Tensor):
            return {"tensor": value.tolist(), "dtype": str(value.dtype).removeprefix("torch.")}
        if isinstance(value, bytes):
            return {"bytes": value.hex()}
        if isinstance(value, tuple):
            return {"tuple": [written(part) for part in value]}
        return [written(part) for part in value] if isinstance(value, list) else value

    for exercise in EXERCISES.values():
        size = len(exercise.cases[0].values)  # others leave an argument to its default
        own = [case.values for case in exercise.cases if len(case.values) == size]
        rows = [[written(value) for value in values] for values in own]
        again = decoded(exercise, json.loads(json.dumps(rows)))
        assert repr([case.values for case in again]) == repr(own)


BAD = {
    "no JSON": b"no json",
    "a list": b"[]",
    "a number": b"3",
    "another encoding": b"\xff\xfe{",
    "an unknown exercise": b'{"dubble": []}',
    "too few values": b'{"double": [[1]]}',
    "no list of cases": b'{"double": 3}',
    "nothing": b'{"double": null}',
    "no list of values": b'{"double": [3]}',
    "no dtype": b'{"double": [[{"tensor": [1], "dtype": "load"}, 2]]}',
    "a dtype that is no text": b'{"double": [[{"tensor": [1], "dtype": 5}, 2]]}',
    "a number that does not fit": b'{"double": [[{"tensor": [300], "dtype": "uint8"}, 2]]}',
    "a huge number": b'{"double": [[{"tensor": [1%s], "dtype": "float32"}, 2]]}' % (b"0" * 400),
    "a table with a hole": b'{"double": [[{"tensor": [[1], [2, 3]], "dtype": "int64"}, 2]]}',
    "an unknown kind": b'{"double": [[{"pickle": "x"}, 2]]}',
    "no bytes": b'{"double": [[{"bytes": "xyz"}, 2]]}',
    "a number of bytes": b'{"double": [[{"bytes": 5}, 2]]}',
    "a number for a tuple": b'{"double": [[{"tuple": 5}, 2]]}',
    "deep lists": b'{"double": [[' + b"[" * 5_000 + b"]" * 5_000 + b", 2]]}",
    "open lists": b"[" * 100_000,
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_can_t_be_used_is_named(name, written):
    written(BAD[name])
    with pytest.raises(CasesError, match=r"The further cases in .*cases\.json can't be read: ."):
        table(ALL)


def test_a_file_that_is_not_there_is_named(monkeypatch, tmp_path):
    for named in (tmp_path / "none.json", tmp_path):
        monkeypatch.setenv("MNIST_COURSE_CASES", str(named))
        with pytest.raises(CasesError, match=named.name):
            table(ALL)


def test_an_unknown_number_of_values_is_told_with_the_exercise():
    one_more = dataclasses.replace(EXERCISE, name="triple")
    with pytest.raises(ValueError, match="a case of triple has 1 values"):
        further.decoded(one_more, [[1]])
