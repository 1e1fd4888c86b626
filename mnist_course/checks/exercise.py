"""The form of an exercise: one function that is right, and one row of a table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Case:
    """One input that an answer is tried on.

    values: plain numbers, texts, bytes, tensors, and lists or tuples of them; they are the
    arguments, or what the exercise's `prepare` makes the arguments from. text: says in a few
    words what the input is, where the values would not.
    """

    values: tuple
    text: str = ""


@dataclass(frozen=True)
class Mistake:
    """A typical mistake: a function that makes it, and the hint for whoever does the same.

    An answer makes this mistake when it gives the same as `function` on every case, or raises an
    exception of the same class. The hint leads on without giving the answer away;
    `[stride](4. Padding, stride, output size)` in it is a link to that section of the lesson.
    """

    name: str
    function: Callable
    hint: str


@dataclass(frozen=True)
class Exercise:
    """All that is known about an exercise."""

    name: str  # unique, kebab-case
    number: str  # "02.1": the lesson, and the place in it
    title: str
    points: int  # 1 easy, 2 medium, 3 hard
    paragraph: str  # the heading of the section it belongs to: "7. Pooling"
    reference: Callable  # a right answer, named as in the lesson
    cases: tuple[Case, ...]  # small, fixed, of different sizes
    mistakes: tuple[Mistake, ...]
    hints: tuple[str, str, str]  # for any other mistake, from light to strong
    package: tuple[str, ...] = ()  # the package's own answers, "data.read_idx": no solution
    prepare: Callable[..., tuple] | None = None  # from a case's values to the arguments
    outcome: Callable[..., Any] | None = None  # (returned, *arguments) to what is compared
    may_change: tuple[str, ...] = ()  # arguments that the contract lets the answer change
    tolerance: float = 1e-4  # relative, of float numbers; a tenth of it absolute

    @property
    def lesson(self):
        """The lesson's number, two digits."""
        return self.number[:2]

    def arguments(self, case):
        """The arguments that a case stands for; not copied."""
        return case.values if self.prepare is None else self.prepare(*case.values)


def numbers(*shape, dtype=torch.float32):
    """Small whole numbers of no pattern: the same at each call, different at each place.

    What is made of them has no symmetry, so a flipped or transposed table gives other results.
    """
    count = torch.Size(shape).numel()
    return ((torch.arange(count) * 7 + 3) % 11 - 4).to(dtype).reshape(shape)
