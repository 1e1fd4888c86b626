"""What a lesson calls under each exercise: `check("leaky-relu", leaky_relu)`, `hint("leaky-relu")`.

The answers stand in the package, in `exercises`, so whoever has the course has them, too.
"""

import difflib

from mnist_course import runtime
from mnist_course.assessment import display
from mnist_course.assessment.judgement import judge as judge_attempt
from mnist_course.assessment.observation import CheckInsideAnswer, observe
from mnist_course.assessment.verdict import Result, Verdict
from mnist_course.exercises import EXERCISES

_hints_given: dict[str, int] = {}  # general hints shown so far, by exercise


class NotPassed(Exception):
    """An exercise is not passed, in strict mode (`MNIST_COURSE_STRICT=1`)."""


def judge(name, answer):
    """Judge an answer to the exercise of this name, and show nothing. Returns a `Result`.

    Tries the exercise's own cases, which are the visible ones. Raises KeyError for an exercise that
    is not there and CheckInsideAnswer when an answer calls it, but nothing else, whatever the
    answer does.
    """
    exercise = EXERCISES[name]
    try:
        return judge_attempt(exercise, observe(exercise, answer))
    except CheckInsideAnswer:
        raise
    except Exception as error:  # a check that breaks must not break a lesson
        return Result(
            name, Verdict.NOT_JUDGED, exercise.points,
            sentence=f"The check itself failed on this answer ({type(error).__name__}: {error}). "
            "That is a mistake of the course: please report it.",
        )  # fmt: skip


def check(name, answer):
    """Judge an answer and show what was found: right, not solved yet, or what is wrong.

    Raises NotPassed, in strict mode alone, for an answer that did not pass, and CheckInsideAnswer
    when an answer calls it.
    """
    exercise = _exercise(name)
    if exercise is None:
        if runtime.strict():
            raise NotPassed(f"no exercise {name!r}")
        return
    result = judge(name, answer)
    lines = display.lines_of(result, exercise)
    display.display(lines, exercise.sections, result.verdict)
    if result.hint:
        _hints_given[name] = max(1, _hints_given.get(name, 0))
    if runtime.strict() and result.verdict is not Verdict.PASSED:
        raise NotPassed(display.as_text(lines, exercise.sections, result.verdict))


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
        lines = [f"Read again: {display.link(exercise)}. All hints:", *exercise.hints]
    display.display([("", line) for line in lines], exercise.sections)


def _exercise(name):
    """The exercise of this name; without one, says which are there."""
    if isinstance(name, str) and name in EXERCISES:
        return EXERCISES[name]
    near = difflib.get_close_matches(str(name), EXERCISES, n=1)
    meant = f' Did you mean "{near[0]}"?' if near else ""
    display.display([("", f"There is no exercise {str(name)[:60]!r}.{meant}")], {})
    return None
