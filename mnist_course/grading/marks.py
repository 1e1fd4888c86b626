"""What grading found, as plain data: the marks of an exercise, a notebook, a student.

The reports (`grades.csv`, a filled gradebook, a student's page, the class's page) are made from
these alone, so they can be made again without running anything.
"""

from dataclasses import dataclass

NOT_HANDED_IN = "not handed in"  # in place of a verdict


@dataclass(frozen=True)
class HiddenCase:
    """What became of one hidden case. It never says what the case was."""

    number: int  # counts from 1, within its exercise
    outcome: str  # "passed", "failed", "crashed", "out of time", "printed too much", "not run"
    cost: float  # points that it cost; 0 when it passed


@dataclass(frozen=True)
class ExerciseMark:
    """What one exercise earned, and why."""

    exercise: str  # its name
    verdict: str  # a `Verdict`'s value, or NOT_HANDED_IN
    points: float
    possible: float
    remark: str = ""  # one line for the teacher's table; "" when nothing has to be said
    explanation: str = ""  # what the check says, for the student; from visible cases alone
    hint: str = ""
    mistake: str = ""  # the typical mistake's name
    visible: int = 0  # cases that students see
    hidden: tuple[HiddenCase, ...] = ()
    source: str = ""  # the cells of the answer, as they were handed in


@dataclass(frozen=True)
class LessonMark:
    """What one lesson of a student earned."""

    lesson: str  # two digits
    file: str  # where it stands in the submission; "" when no notebook was handed in
    points: float  # with weight and late rule applied
    possible: float
    exercises: tuple[ExerciseMark, ...]
    late: bool = False
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class StudentMark:
    """What one student earned, in all lessons that are graded."""

    key: str  # tells this student from all others; names the files that are written
    name: str  # as the platform writes it
    number: str  # by which the platform's own files know the student; "" when it gives none
    points: float
    possible: float
    lessons: tuple[LessonMark, ...]
    remarks: tuple[str, ...] = ()
