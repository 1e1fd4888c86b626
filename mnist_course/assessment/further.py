"""Further cases, for grading: from a JSON file outside the repository, if one is named.

`MNIST_COURSE_CASES=/home/me/cases.json` names it, by its whole path: a notebook's kernel runs in
the notebook's folder. The file holds a list of cases for each exercise, and each case is a list of
the values that a row of the table holds:

    {"strided-correlation": [[{"tensor": [[1, 2], [3, 4]], "dtype": "float32"}, ...], ...]}

A tensor is written as above, bytes as {"bytes": "00 ff"}, a tuple as {"tuple": [...]}. JSON
holds no code, so a file from anywhere is safe to read.
"""

import json
import os
from pathlib import Path

import torch

from mnist_course.assessment.exercise import Case


class CasesError(Exception):
    """The file of further cases can't be used; the message says why."""


def table(exercises):
    """The file's rows by exercise, as JSON; empty when no file is named.

    exercises: all of them, by name. Raises CasesError when the file is missing or damaged, names
    an exercise that is not there, or has a case of another form.
    """
    named = os.environ.get("MNIST_COURSE_CASES")
    if not named:
        return {}
    try:
        rows = json.loads(Path(named).read_text(encoding="utf-8"))
        if type(rows) is not dict:
            raise ValueError("it holds no table")
        for name in rows:
            if name not in exercises:
                raise ValueError(f"there is no exercise {name}")
            decoded(exercises[name], rows[name])
        return rows
    except (OSError, ValueError, TypeError, ArithmeticError, RuntimeError) as error:
        raise CasesError(f"The further cases in {named} can't be read: {error}") from error


def decoded(exercise, rows):
    """The rows of an exercise as a tuple of `Case`. Raises ValueError for another form."""
    found = tuple(Case(tuple(map(_decoded, values))) for values in rows)
    counts = {len(case.values) for case in exercise.cases}  # the last may be left to a default
    for case in found:
        if len(case.values) not in counts:
            raise ValueError(f"a case of {exercise.name} has {len(case.values)} values")
    return found


def _decoded(value):
    if isinstance(value, list):
        return [_decoded(part) for part in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"tensor", "dtype"}:
        dtype = getattr(torch, value["dtype"], None)
        if not isinstance(dtype, torch.dtype):
            raise ValueError(f"no dtype {value['dtype']!r}")
        return torch.tensor(value["tensor"], dtype=dtype)
    if value.keys() == {"bytes"}:
        return bytes.fromhex(value["bytes"])
    if value.keys() == {"tuple"}:
        return tuple(_decoded(part) for part in value["tuple"])
    raise ValueError(f"unknown value {value}")
