"""Hidden cases, which students don't see, as a teacher's file or JSON holds them.

Each case is a list of the values that a row of an exercise's own table holds. A tensor is written
as {"tensor": [[1, 2], [3, 4]], "dtype": "float32"}, bytes as {"bytes": "00 ff"}, a tuple as
{"tuple": [...]}, and None, which TOML lacks, as {"none": true}. None of these is code, so a file
from anywhere is safe to read.
"""

import torch

from mnist_course.assessment.exercise import Case


def decoded(exercise, rows):
    """The rows of an exercise as a tuple of `Case`. Raises ValueError for another form."""
    if type(rows) is not list:
        raise ValueError("a list of cases is asked for")
    counts = sorted({len(case.values) for case in exercise.cases})  # defaults may be left out
    found = []
    for number, values in enumerate(rows, start=1):
        try:
            if type(values) is not list or len(values) not in counts:
                raise ValueError(f"a list of {' or '.join(map(str, counts))} values is asked for")
            found.append(Case(tuple(map(_decoded, values))))
        except (ValueError, TypeError, ArithmeticError, RuntimeError) as error:
            raise ValueError(f"case {number}: {error}") from error
    return tuple(found)


def _decoded(value):
    if isinstance(value, list):
        return [_decoded(part) for part in value]
    if not isinstance(value, dict):
        if isinstance(value, bool | int | float | str | None):
            return value
        raise ValueError(f"{value} is no number, text, list or table")
    if value.keys() == {"tensor", "dtype"}:
        dtype = getattr(torch, str(value["dtype"]), None)
        if not isinstance(dtype, torch.dtype):
            raise ValueError(f"no dtype {value['dtype']!r}")
        return torch.tensor(value["tensor"], dtype=dtype)
    if value.keys() == {"bytes"}:
        return bytes.fromhex(value["bytes"])
    if value.keys() == {"tuple"}:
        return tuple(_decoded(part) for part in value["tuple"])
    if value == {"none": True}:
        return None
    raise ValueError(f"unknown value {value}")
