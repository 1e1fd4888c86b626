"""What an exercise is: a right answer, cases, and typical mistakes, each with its hint."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, eq=False)
class Case:
    """One input that an answer is tried on.

    values: plain numbers, texts, bytes, tensors, and lists or tuples of them; they are the
    arguments, or what the exercise's `prepare` makes the arguments from. text: says in a few
    words what the input is, where the values would not.
    """

    values: tuple
    text: str = ""


@dataclass(frozen=True, eq=False)
class Mistake:
    """A typical mistake: a function that makes it, and the hint for whoever does the same.

    An answer makes this mistake when it gives the same as `function` on every case, or raises an
    exception of the same class. The hint leads on without giving the answer away.
    """

    name: str
    function: Callable
    hint: str


@dataclass(eq=False)
class Exercise:
    """All that is known about an exercise. Each has a module of its own in `exercises`.

    `[stride](#output-size)` in a hint is a link to the section of the lesson with this id, and
    `[](#output-size)` is one that says its number. Number, title and section are the lesson's
    own; `exercises` fills them in.
    """

    name: str  # unique, kebab-case, as in the lesson's `check("…")`
    points: int  # 1 easy, 2 medium, 3 hard
    cases: tuple[Case, ...]  # small, fixed, of different sizes
    hints: tuple[str, str, str]  # for any other mistake, from light to strong
    prepare: Callable[..., tuple] | None = None  # from a case's values to the arguments
    outcome: Callable[..., Any] | None = None  # (returned, *arguments) to what is compared
    may_change: tuple[str, ...] = ()  # arguments that the contract lets the answer change
    new_tensors: bool = False  # whether the contract asks for them: no argument, and no view of one
    tolerance: float = 1e-4  # relative, of float numbers; a tenth of it absolute
    reference: Callable = None  # type: ignore[assignment]  # a right answer, see `answer`
    mistakes: list[Mistake] = field(default_factory=list)
    number: str = ""  # "02.1": the lesson, and the place in it
    title: str = ""
    section: str = ""  # id of the section that explains what is asked
    sections: dict[str, str] = field(default_factory=dict)  # the lesson's headings by id

    @property
    def lesson(self):
        """The lesson's number, two digits."""
        return self.number[:2]

    def answer(self, function):
        """Take the function below as the right answer."""
        self.reference = function
        return function

    def mistake(self, name, hint):
        """Take the function below as a typical mistake."""

        def take(function):
            self.mistakes.append(Mistake(name, function, hint))
            return function

        return take

    def arguments(self, case):
        """The arguments that a case stands for; not copied."""
        return case.values if self.prepare is None else self.prepare(*case.values)
