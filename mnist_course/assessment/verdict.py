"""What a check can find, and all that it tells about one answer."""

from dataclasses import dataclass, field
from enum import Enum


class Verdict(Enum):
    """What is said of an answer; the text is what a report on a class calls it."""

    PASSED = "passed"
    UNSOLVED = "unsolved"  # the stub was not changed
    MISTAKE = "a typical mistake"  # one that the exercise knows, with a hint of its own
    VALUE = "wrong values"
    TYPE = "wrong type"
    SHAPE = "wrong shape"
    DTYPE = "wrong dtype"
    GRAPH = "wrong gradients"  # a graph that is kept, or the way back to the input that is lost
    RAISED = "an exception"
    ARGUMENTS = "wrong arguments"  # the answer can't be called as the exercise asks
    TIME = "out of time"
    PRINTED = "too much printed"
    EXITED = "ended Python"
    CHANGED = "changed input"
    ALIAS = "input handed back"  # where a new tensor is asked for
    SETTING = "changed setting"  # torch's seed, default dtype or gradients
    NOT_JUDGED = "not judged"  # the answer is not at fault


@dataclass
class Result:
    """What a check found."""

    name: str  # of the exercise
    verdict: Verdict
    points: int  # to be had
    mistake: str = ""  # the name of the typical mistake
    sentence: str = ""  # what is wrong
    call: str = ""  # the call that shows it
    inputs: list[tuple[str, str]] = field(default_factory=list)  # its arguments: name, value
    expected: str = ""
    got: str = ""
    hint: str = ""
    printed: str = ""  # what the answer printed in that call

    @property
    def earned(self):
        """Points earned: all or none."""
        return self.points if self.verdict is Verdict.PASSED else 0
