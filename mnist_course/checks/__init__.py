"""Exercises and their checks: `check("strided-correlation", strided_correlation)`.

One module a lesson holds its exercises; `exercise` their form, `running` how a student's
function is run, `judging` what is said about it, `showing` how.
"""

import difflib
import os

from mnist_course.checks import (
    further,
    judging,
    lesson_01,
    lesson_02,
    lesson_03,
    lesson_04,
    lesson_05,
    showing,
)
from mnist_course.checks.judging import PASSED, Result

LESSONS = (lesson_01, lesson_02, lesson_03, lesson_04, lesson_05)
EXERCISES = {exercise.name: exercise for lesson in LESSONS for exercise in lesson.EXERCISES}

_hints_given: dict[str, int] = {}  # general hints shown so far, by exercise


class NotPassed(Exception):
    """An exercise is not passed, in strict mode (`MNIST_COURSE_STRICT=1`)."""


def strict():
    """True when every check that is not passed shall fail its cell."""
    return os.environ.get("MNIST_COURSE_STRICT", "0") not in ("", "0")


def judge(name, answer):
    """Judge an answer to the exercise of this name, and show nothing. Returns a `Result`.

    Tries the cases of the table and those of the file that `MNIST_COURSE_CASES` names. Never
    raises for whatever the answer does; KeyError for an exercise that is not there, RuntimeError
    when it is called inside an answer that is being judged.
    """
    exercise = EXERCISES[name]
    try:
        cases = further.cases(exercise, EXERCISES)
    except further.CasesError as error:
        return Result(name, judging.FAILED, "check", str(error), points=exercise.points)
    return judging.judge(exercise, answer, cases)


def check(name, answer):
    """Judge an answer and show what was found: right, not solved yet, or what is wrong.

    Raises nothing but, in strict mode, NotPassed for an answer that did not pass; and what
    `judge` raises for a check inside of an answer.
    """
    exercise = _exercise(name)
    if exercise is None:
        if strict():
            raise NotPassed(f"no exercise {name!r}")
        return
    result = judge(name, answer)
    lines = showing.lines_of(result, exercise)
    showing.display(lines, result.state)
    if result.hint:
        _hints_given[name] = max(1, _hints_given.get(name, 0))
    if strict() and result.state != PASSED:
        raise NotPassed(showing.as_text(lines, result.state))


def hint(name):
    """Show the next hint of an exercise; after the last, all of them and where to read again."""
    exercise = _exercise(name)
    if exercise is None:
        return
    given = _hints_given.get(name, 0)
    _hints_given[name] = given + 1
    if given < len(exercise.hints):
        lines = [f"Hint {given + 1} of {len(exercise.hints)}: {exercise.hints[given]}"]
    else:  # all of them: the cells that showed them may have run again
        lines = [f"Read again: {showing.link(exercise)}. All hints:", *exercise.hints]
    showing.display([("", line) for line in lines])


def _exercise(name):
    """The exercise of this name; without one, says which are there."""
    if isinstance(name, str) and name in EXERCISES:
        return EXERCISES[name]
    near = difflib.get_close_matches(str(name), EXERCISES, n=1)
    meant = f' Did you mean "{near[0]}"?' if near else ""
    showing.display([("", f"There is no exercise {str(name)[:60]!r}.{meant}")])
    return None
