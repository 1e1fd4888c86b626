"""What is found of the answers to an exercise: told by a worker, judged here, in plain texts.

`mnist-course progress` and grading share this. A finding knows nothing of points, so it stays true
when a teacher changes them.
"""

import functools
import json
import re
from dataclasses import asdict, dataclass, replace

from mnist_course.assessment import display, hidden_cases
from mnist_course.assessment.attempts import Attempt
from mnist_course.assessment.judgement import judge
from mnist_course.assessment.verdict import Verdict
from mnist_course.exercises import EXERCISES
from mnist_course.grading.notebooks import one_line

LONGEST = 4_000  # characters of an explanation
SOURCE = 20_000  # characters of an answer's cells
DISTURBED = "it disturbed its check"
OTHER_CELLS = "Of the other cells only imports, functions, classes and constants are run."
ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")  # of an object in memory, which differs at each run
OUTCOMES = {  # of a hidden case; any other verdict is "failed"
    Verdict.PASSED: "passed",
    Verdict.TIME: "out of time",
    Verdict.PRINTED: "printed too much",
    Verdict.RAISED: "crashed",
    Verdict.ARGUMENTS: "crashed",
    Verdict.EXITED: "crashed",
    Verdict.NOT_JUDGED: "not run",
}
NOT_RUN = "not run"


@dataclass(frozen=True)
class Finding:
    """What was found of one exercise in one notebook.

    Explanation and hint may hold the marks of `assessment.display`, such as links to sections.
    """

    verdict: Verdict  # of the visible cases
    remark: str = ""  # one line: what is wrong
    explanation: str = ""  # the same for the student, and in lines below the call that shows it
    hint: str = ""
    mistake: str = ""  # the typical mistake's name
    hidden: tuple[str, ...] = ()  # the outcome of each hidden case
    source: str = ""  # the answer's cells
    seconds: float = 0.0  # that the answer took on the visible cases

    def encoded(self):
        """As JSON holds it."""
        return {**asdict(self), "verdict": self.verdict.value}

    @classmethod
    def decoded(cls, data):
        """From what `encoded` gives, also after JSON."""
        return cls(**{**data, "verdict": Verdict(data["verdict"]), "hidden": tuple(data["hidden"])})

    @property
    def rank(self):
        """Sorts the best finding of an exercise to the front."""
        kind = {Verdict.PASSED: 0, Verdict.NOT_JUDGED: 2, Verdict.UNSOLVED: 3}
        return kind.get(self.verdict, 1), -self.hidden.count("passed")


UNSOLVED = Finding(Verdict.UNSOLVED, explanation="Not solved yet.")


def best(findings):
    """The best of several findings on one exercise, the first of equal ones."""
    return min(findings, key=lambda one: one.rank, default=UNSOLVED)


def judged(exercise, told):
    """A `Finding` for each answer that a worker tells of; it was run on the visible cases alone."""
    return [_judged(exercise, one) for one in told]


def _judged(exercise, told):
    if "error" in told:
        return _stopped(str(told["error"]), Verdict(told["verdict"]))
    try:
        attempt = Attempt.decoded(told.get("attempt"))
        result = judge(exercise, attempt)
    except (ValueError, RecursionError):
        return _stopped(DISTURBED, Verdict.EXITED)
    seconds = round(sum(one.seconds for one in attempt.observations), 3)
    if result.verdict is Verdict.UNSOLVED:
        return replace(UNSOLVED, seconds=seconds)
    if result.verdict is Verdict.PASSED:
        count = len(exercise.cases)
        return Finding(result.verdict, "", f"Right on all {count} visible cases.", seconds=seconds)
    said = display.plain(result.sentence or result.hint, exercise.sections)
    more = f" {OTHER_CELLS}" if "NameError" in said else ""
    return Finding(
        result.verdict,
        remark=steady(one_line(said)) + more,
        explanation=steady(cleaned(_explained(result, more), LONGEST)),
        hint=result.hint,
        mistake=result.mistake,
        seconds=seconds,
    )


def _stopped(said, verdict):
    """The finding for cells that did not run to their end."""
    said = steady(one_line(said))
    return Finding(verdict, said, f"{said[:1].upper()}{said[1:]}.")


def _explained(result, more):
    """What a check says of a wrong answer: a sentence, and under it the call that shows it."""
    lines = [(result.sentence or "Not right yet.") + more]
    if result.call:
        lines += [f"on: {result.call}", *(f"{name}: {value}" for name, value in result.inputs)]
        lines.append(f"expected: {result.expected}")
    if result.got:
        lines.append(f"yours: {result.got}")
    if result.printed:
        lines.append(f"it printed: {result.printed}")
    return "\n".join(lines)


# --- hidden cases -------------------------------------------------------------------------


def outcomes(exercise, told, place, rows):
    """The outcome of each hidden case, from what a worker tells of the answers.

    The worker ran each answer on the visible cases and then on the hidden ones. place: of the
    answer among them; rows: the hidden cases, as JSON. Nothing that the answer says is kept.
    """
    found = [NOT_RUN] * len(rows)
    if not place < len(told) or "attempt" not in told[place]:
        return tuple(found)
    try:
        observations = Attempt.decoded(told[place]["attempt"]).observations[len(exercise.cases) :]
        each = hidden_exercises(exercise.name, json.dumps(rows))
        for number, (one, seen) in enumerate(zip(each, observations, strict=False)):
            result = judge(one, Attempt("answer", "", (seen,)))
            found[number] = OUTCOMES.get(result.verdict, "failed")
    except (ValueError, RecursionError):
        return (NOT_RUN,) * len(rows)
    return tuple(found)


@functools.cache  # the judge keeps what the reference gives for an exercise and a case
def hidden_exercises(name, rows):
    """The exercise of this name once for each hidden case, which is then its only case.

    rows: the cases as a text of JSON.
    """
    exercise = EXERCISES[name]
    return [replace(exercise, cases=(c,)) for c in hidden_cases.decoded(exercise, json.loads(rows))]


# --- texts of anybody's -------------------------------------------------------------------


def cleaned(text, longest):
    """A text without control characters but line ends and tabs, cut where it is too long."""
    text = "".join(c if c.isprintable() or c in "\n\t" else " " for c in text[:longest])
    return text.rstrip()


def steady(text):
    """A text without addresses in memory, so that the same answer gives the same text again."""
    return ADDRESS.sub("0x…", text)


def source_of(cells, exercise):
    """The cells of an answer as they were handed in: its own by their ids, else by its name.

    They are looked for in the text, because a hostile one must not be parsed in this process.
    """
    name, function = exercise.name, re.escape(exercise.reference.__name__)
    defines = re.compile(rf"^\s*(?:def|class)\s+{function}\b|^{function}\s*=", re.MULTILINE)
    own = [one for one in cells if name in (one.grade_id, one.id)]
    found = [one for one in own if defines.search(one.source)]
    found = found or [one for one in cells if defines.search(one.source)] or own
    return cleaned("\n\n".join(dict.fromkeys(one.source for one in found)), SOURCE)
