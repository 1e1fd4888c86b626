"""A teacher's policy: what is graded, what it is worth, and the cases that students don't see.

It is a TOML file; `EXAMPLE`, beside this module, explains every key. Teachers keep theirs outside
of the course, because its cases are secret. Without a file every lesson is graded with the course's
own points. TOML holds no code, so a file from anywhere is safe to read.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from mnist_course import runtime
from mnist_course.assessment import hidden_cases
from mnist_course.exercises import EXERCISES, LESSONS

EXAMPLE = Path(__file__).with_name("policy.toml")
MOST = 1_000_000  # points, or a factor on them: more is a slip of the keyboard


@dataclass(frozen=True)
class Policy:
    """What is graded and what it is worth."""

    lessons: tuple[str, ...] = LESSONS  # two digits each, in order
    points: Mapping[str, float] = field(default_factory=dict)  # by exercise, where not the course's
    weights: Mapping[str, float] = field(default_factory=dict)  # by lesson, where it is not 1
    hidden_share: float = 0.5  # of an exercise's points: what its hidden cases are worth together
    late_percent: float = 0.0  # taken off the points of a lesson that was handed in late
    late_students: frozenset[str] = frozenset()  # names or numbers, whatever the platform says
    excused: frozenset[str] = frozenset()  # names or numbers: these are never late
    cases: Mapping[str, list] = field(default_factory=dict)  # hidden ones, by exercise, as JSON

    def exercises(self, lesson=None):
        """The exercises that are graded, in order: of one lesson, or of all."""
        lessons = self.lessons if lesson is None else (lesson,)
        return [one for one in EXERCISES.values() if one.lesson in lessons]

    def possible(self, exercise):
        """Points that an exercise is worth, before the lesson's weight."""
        return rounded(self.points.get(exercise.name, exercise.points))

    def weight(self, lesson):
        """The factor on a lesson's points."""
        return self.weights.get(lesson, 1.0)

    def costs(self, exercise):
        """What each hidden case of an exercise costs, in points. They add up to their share."""
        count = len(self.cases.get(exercise.name, ()))
        share = self.possible(exercise) * self.hidden_share
        # differences of rounded sums, because parts that are rounded alone might not add up
        sums = [rounded(share * number / max(count, 1)) for number in range(count + 1)]
        return [rounded(more - less) for less, more in zip(sums, sums[1:], strict=False)]

    def is_late(self, submission):
        """Whether a submission counts as late; the policy's own lists are stronger."""
        names = {submission.name, submission.number, submission.key} - {""}
        if names & self.excused:
            return False
        return bool(submission.late or names & self.late_students)

    def after_late_rule(self, points):
        """What is left of the points of a lesson that was handed in late."""
        return rounded(points * (1 - self.late_percent / 100))


def rounded(points):
    """Points to two decimals; halves go up, so 0.125 is 0.13 on every machine."""
    return float(Decimal(repr(float(points))).quantize(Decimal("0.01"), ROUND_HALF_UP))


def case_counts(policy):
    """How many cases of each graded exercise students see, and how many they don't see.

    Returns {name: (visible, hidden)}, for what students are told.
    """
    return {
        one.name: (len(one.cases), len(policy.cases.get(one.name, ())))
        for one in policy.exercises()
    }


# --- from a file --------------------------------------------------------------------------


def read(path=None):
    """The `Policy` in a TOML file; the default one without a file.

    Raises CourseError, with the line or the key and what to do, for a file that can't be used.
    """
    if path is None:
        return Policy()
    path = Path(path)
    try:
        return _policy(tomllib.loads(path.read_bytes().decode("utf-8-sig")))
    except OSError as error:
        reason = error.strerror or str(error)
    except UnicodeDecodeError:
        reason = "it is not in UTF-8. Save it as UTF-8"
    except RecursionError:
        reason = "its lists are too deep"
    except (tomllib.TOMLDecodeError, ValueError) as error:
        reason = str(error)
    line = runtime.command("grade --example-policy")
    raise runtime.CourseError(
        f"the policy {path} can't be used: {reason}. This prints an example that explains every "
        f"key: {line}"
    )


def _policy(data):
    """The policy that a file's data says. Raises ValueError, which names the key."""
    _known("", data, ("lessons", "points", "weights", "hidden_share", "late", "cases"))
    late = _table("late", data.get("late", {}), ("percent", "students", "excused"))
    given = {
        "lessons": _lessons(data.get("lessons", list(LESSONS))),
        "points": _numbers("points", data.get("points", {}), EXERCISES),
        "weights": _numbers("weights", data.get("weights", {}), LESSONS),
        "hidden_share": _number("hidden_share", data.get("hidden_share", 0.5), 1),
        "late_percent": _number("late.percent", late.get("percent", 0), 100),
        "late_students": _names("late.students", late.get("students", [])),
        "excused": _names("late.excused", late.get("excused", [])),
        "cases": _table("cases", data.get("cases", {}), EXERCISES),
    }
    for name, rows in given["cases"].items():
        try:
            hidden_cases.decoded(EXERCISES[name], rows)
        except ValueError as error:
            raise ValueError(f"cases.{name}, {error}") from error
    return Policy(**given)


def _known(place, table, keys):
    """Raises ValueError for a key that means nothing: it may be misspelt."""
    for key in table:
        if key not in keys:
            where = f"{place}.{key}" if place else key
            raise ValueError(f"{where} is unknown; the keys here are {', '.join(keys)}")


def _table(place, value, keys):
    if type(value) is not dict:
        raise ValueError(f"{place} is {value!r}, but a table is asked for: [{place}]")
    _known(place, value, keys)
    return value


def _lessons(value):
    if type(value) is not list or not value or not set(map(str, value)) <= set(LESSONS):
        raise ValueError(
            f"lessons is {value!r}, but a list of some of these is asked for: {list(LESSONS)}"
        )
    return tuple(sorted(set(value)))


def _number(place, value, most=MOST):
    if type(value) not in (int, float) or not 0 <= value <= most:
        raise ValueError(f"{place} is {value!r}, but a number from 0 to {most:,} is asked for")
    return float(value)


def _numbers(place, value, keys):
    table = _table(place, value, keys)
    return {key: _number(f"{place}.{key}", one) for key, one in table.items()}


def _names(place, value):
    if type(value) is not list or not all(type(one) is str for one in value):
        raise ValueError(f'{place} is {value!r}, but a list of texts is asked for: ["4711"]')
    return frozenset(value)
