"""What an answer did on the cases of its exercise, noted as plain data.

It holds nothing that the answer made, so it can be judged anywhere, even outside the process in
which the answer ran: `Attempt.encoded` and `Attempt.decoded` carry it as JSON.
"""

import builtins
import math
from dataclasses import dataclass
from enum import Enum
from typing import Any

from mnist_course.assessment.values import decoded, encoded

TEXT = 300  # characters of an exception's message and of a line of code
PRINTED = 1_000  # characters kept of what was printed
LISTED = 100  # arguments of an answer, or classes of an exception
CHANGES = ("seed", "dtype", "gradients")  # settings whose change a student is told of
PYTHON = {  # Python's own exceptions, as they are noted
    f"builtins.{name}"
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
}


class Ending(Enum):
    """How a call ended."""

    RETURNED = "returned"
    RAISED = "raised"
    TIME = "out of time"
    WAITED = "waited too long"
    INTERRUPTED = "interrupted"
    PRINTED = "printed too much"
    EXITED = "ended Python"


@dataclass(frozen=True)
class Observation:
    """What one call of an answer did."""

    ending: Ending
    returned: Any = None  # plain data, after the exercise's `outcome`
    arguments: tuple = ()  # plain data: the arguments after the call
    shared: tuple[int, ...] = ()  # places of the arguments whose memory the returned tensors use
    classes: tuple[str, ...] = ()  # of the exception, then Python's own among its bases
    message: str = ""  # of the exception
    line: tuple[int, str] | None = None  # the answer's own line that failed: number and text
    printed: str = ""
    settings: tuple[str, ...] = ()  # CHANGES that it made
    seconds: float = 0.0


@dataclass(frozen=True)
class Attempt:
    """What an answer did on the cases of its exercise; it ends early where a call was stopped."""

    kind: str  # "answer", "stub" or "not a function"
    described: str = ""  # what came in place of a function
    observations: tuple[Observation, ...] = ()

    def encoded(self):
        """As JSON holds it."""
        rows = [
            {
                **vars(one),
                "ending": one.ending.value,
                "returned": encoded(one.returned),
                "arguments": [encoded(argument) for argument in one.arguments],
            }
            for one in self.observations
        ]
        return {"kind": self.kind, "described": self.described, "observations": rows}

    @classmethod
    def decoded(cls, data):
        """From JSON. Raises ValueError for anything that `encoded` does not write."""
        try:
            if data["kind"] not in ("answer", "stub", "not a function"):
                raise ValueError("an attempt of no known kind")
            rows = tuple(_decoded(row) for row in data["observations"])
            return cls(data["kind"], _text(data["described"], TEXT), rows)
        except (LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
            raise ValueError("this is no record of an attempt") from error


def _decoded(row):
    ending, line, seconds = Ending(row["ending"]), row["line"], row["seconds"]
    classes = tuple(_text(name, TEXT) for name in _list(row["classes"]))
    if ending is Ending.RAISED and PYTHON.isdisjoint(classes):
        raise ValueError("an exception has a class of Python's own")
    if set(_list(row["settings"])) - set(CHANGES):
        raise ValueError("unknown settings")
    if type(seconds) is not float or not 0 <= seconds < math.inf:
        raise ValueError("a call takes some seconds")
    return Observation(
        ending=ending,
        returned=decoded(row["returned"]),
        arguments=tuple(decoded(argument) for argument in _list(row["arguments"])),
        shared=tuple(_whole(place) for place in _list(row["shared"])),
        classes=classes,
        message=_text(row["message"], TEXT),
        line=None if line is None else (_whole(line[0]), _text(line[1], TEXT)),
        printed=_text(row["printed"], PRINTED),
        settings=tuple(row["settings"]),
        seconds=seconds,
    )


def _list(data):
    if type(data) not in (list, tuple) or len(data) > LISTED:
        raise ValueError(f"no list of at most {LISTED} parts")
    return data


def _text(data, length):
    if type(data) is not str or len(data) > length:
        raise ValueError(f"no text of at most {length} characters")
    return data


def _whole(data):
    if type(data) is not int or data < 0:
        raise ValueError("no whole number")
    return data
