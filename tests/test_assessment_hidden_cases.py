"""Hidden cases: read where they fit, and named where they don't."""

import dataclasses
import json

import pytest
import torch
from doubling import EXERCISE

from mnist_course.assessment.hidden_cases import decoded
from mnist_course.exercises import EXERCISES


def test_the_values_of_a_case_are_read():
    rows = [
        [{"tensor": [[1, 2]], "dtype": "float32"}, 7],
        [[1.5, "a", {"none": True}, True], {"tuple": [{"bytes": "00 ff"}, []]}],
    ]
    first, second = decoded(EXERCISE, rows)
    tensor, number = first.values
    assert torch.equal(tensor, torch.tensor([[1.0, 2.0]]))
    assert tensor.dtype == torch.float32
    assert number == 7
    assert second.values == ([1.5, "a", None, True], (b"\x00\xff", []))
    assert decoded(EXERCISE, []) == ()


def written(value):
    """A value as a file holds it."""
    if isinstance(value, torch.Tensor):
        return {"tensor": value.tolist(), "dtype": str(value.dtype).removeprefix("torch.")}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, tuple):
        return {"tuple": [written(part) for part in value]}
    if value is None:
        return {"none": True}
    return [written(part) for part in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", EXERCISES)
def test_every_exercise_s_own_cases_could_stand_in_a_file(name):
    """So a teacher can write any case that the course can."""
    own = [case.values for case in EXERCISES[name].cases]
    rows = [[written(value) for value in values] for values in own]
    again = decoded(EXERCISES[name], json.loads(json.dumps(rows)))
    assert repr([case.values for case in again]) == repr(own)


BAD = {
    "too few values": [[1]],
    "no list of cases": 3,
    "nothing": None,
    "no list of values": [3],
    "no dtype": [[{"tensor": [1], "dtype": "load"}, 2]],
    "a dtype that is no text": [[{"tensor": [1], "dtype": 5}, 2]],
    "a number that does not fit": [[{"tensor": [300], "dtype": "uint8"}, 2]],
    "a huge number": [[{"tensor": [10**400], "dtype": "float32"}, 2]],
    "a table with a hole": [[{"tensor": [[1], [2, 3]], "dtype": "int64"}, 2]],
    "an unknown kind": [[{"pickle": "x"}, 2]],
    "a none that is not": [[{"none": 1.5}, 2]],
    "no bytes": [[{"bytes": "xyz"}, 2]],
    "a number of bytes": [[{"bytes": 5}, 2]],
    "a number for a tuple": [[{"tuple": 5}, 2]],
    "what is no plain value": [[object(), 2]],
}


@pytest.mark.parametrize("name", BAD)
def test_a_case_that_can_t_be_used_is_refused(name):
    with pytest.raises(ValueError, match="."):
        decoded(EXERCISE, BAD[name])


def test_the_case_is_named_by_its_number():
    with pytest.raises(ValueError, match="case 2: a list of 2 values is asked for"):
        decoded(EXERCISE, [[1, 2], [1]])
    fewer = dataclasses.replace(EXERCISE, cases=(*EXERCISE.cases, EXERCISE.cases[0]))
    assert len(decoded(fewer, [[1, 2]])) == 1
