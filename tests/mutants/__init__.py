"""Wrong and right answers to the exercises, one module a lesson.

They are written from an exercise's text in the lesson, not from its check: a wrong one as
students write it, a right one in a way of its own. `test_exercises_mutants` tries them.
"""

from collections import defaultdict
from dataclasses import dataclass


@dataclass(frozen=True)
class Wrong:
    """A wrong answer, and what its check has to say."""

    answer: object
    kind: str  # the mistake's name, or the verdict's in small letters; "" for any verdict


WRONG: dict[str, list[Wrong]] = defaultdict(list)  # by the exercise's name
RIGHT: dict[str, list[object]] = defaultdict(list)
FURTHER: dict[str, tuple] = {}  # cases that the check's table does not hold


def wrong(exercise, kind=""):
    """Note the function or class below as a wrong answer to an exercise."""

    def note(answer):
        WRONG[exercise].append(Wrong(answer, kind))
        return answer

    return note


def right(exercise):
    """Note the function or class below as a right answer."""

    def note(answer):
        RIGHT[exercise].append(answer)
        return answer

    return note


def further(exercise, *cases):
    """Inputs for the answers to an exercise, other ones than the check's own.

    The values of a case are the arguments themselves here, networks included.
    """
    FURTHER[exercise] = cases
