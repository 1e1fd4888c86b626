"""A class of invented students with the marks that real answers earn.

The answers are those by which the checks are tested (`mutants`), so that verdicts, sentences and
hints are what the checks say of them.
"""

import functools
import importlib
import inspect
import math
import random
import re
import textwrap
from pathlib import Path

import mutants

from mnist_course.assessment.judgement import judge
from mnist_course.assessment.observation import observe
from mnist_course.assessment.verdict import Verdict
from mnist_course.exercises import EXERCISES
from mnist_course.grading.marks import (
    NOT_HANDED_IN,
    ExerciseMark,
    HiddenCase,
    LessonMark,
    StudentMark,
)

for path in sorted(Path(mutants.__file__).parent.glob("lesson_*.py")):
    importlib.import_module(f"mutants.{path.stem}")

NAMES = """
Ana Müller, Łukasz Wójcik, 王芳, José García López, Zoë O’Neil, محمد الأحمد, Priya Raman, Björn Åkesson,
Nguyễn Thị Mai, Fatima Zahra Idrissi, Søren Kjær, 佐藤 健, Ada Okonkwo, Élise Lefèvre, Ivan Petrov,
Olga Кузнецова, Mehmet Yılmaz, Chiara De Luca, Kim Min-jun, Thabo Mokoena, Lea Schmidt, Noah Weiß,
Sofía Hernández, Aarav Sharma, 李伟, Marta Kowalska, Jonas Berg, Amélie Dubois, David Cohen, Grace Mensah
""".replace("\n", " ")  # noqa: E501
FEWEST_LINES = 2


def students(count=30, lessons=("01", "02", "03"), seed=7):
    """Marks of `count` students in some lessons; the same ones for the same arguments."""
    chance = random.Random(seed)
    names = [name.strip() for name in NAMES.split(",")]
    return [
        _student(number, names[number % len(names)], lessons, chance) for number in range(count)
    ]


def _student(number, name, lessons, chance):
    ability = chance.gauss(0.6, 1.2)
    marks = tuple(
        _lesson(lesson, ability, chance, missing=chance.random() < 0.08) for lesson in lessons
    )
    return StudentMark(
        key=f"student-{number + 1:02}",
        name=name,
        number=str(1000 + number),
        points=sum(one.points for one in marks),
        possible=sum(one.possible for one in marks),
        lessons=marks,
    )


def _lesson(lesson, ability, chance, missing):
    exercises = [one for one in EXERCISES.values() if one.lesson == lesson]
    marks = tuple(
        ExerciseMark(one.name, NOT_HANDED_IN, 0, one.points, visible=len(one.cases))
        if missing
        else _mark(one, ability, chance)
        for one in exercises
    )
    earned, late = sum(mark.points for mark in marks), not missing and chance.random() < 0.1
    return LessonMark(
        lesson=lesson,
        file="" if missing else f"{lesson}_lesson ({chance.randint(1, 3)}).ipynb",
        points=round(earned * (0.9 if late else 1), 2),
        possible=sum(mark.possible for mark in marks),
        exercises=marks,
        late=late,
        remarks=("The notebook was saved by an older version of the course.",)
        if chance.random() < 0.1
        else (),
    )


def _mark(exercise, ability, chance):
    difficulty = exercise.points - 1.6
    if chance.random() < 1 / (1 + math.exp(difficulty - ability)):
        answers = [exercise.reference, *mutants.RIGHT[exercise.name]]
        weights = [4, *[1] * (len(answers) - 1)]
        result, source = judged(exercise, chance.choices(answers, weights)[0])
        outcomes = ["passed" if chance.random() < 0.94 else "failed" for _ in range(3)]
    elif chance.random() < 0.3:
        source = f"def {exercise.reference.__name__}(…):\n    ..."
        return ExerciseMark(
            exercise.name, Verdict.UNSOLVED.value, 0, exercise.points,
            explanation="This is still the cell that you were given.",
            visible=len(exercise.cases), source=source,
        )  # fmt: skip
    else:
        wrong = [one.answer for one in mutants.WRONG[exercise.name]]
        place = min(int(chance.expovariate(0.5)), len(wrong) - 1)  # a few mistakes are frequent
        result, source = judged(exercise, wrong[place])
        outcomes = [chance.choice(["failed", "crashed", "out of time", "passed"]) for _ in range(3)]
    passed = result.verdict is Verdict.PASSED
    lost = exercise.points / 6 if passed else 0
    hidden = tuple(
        HiddenCase(number + 1, outcome, 0 if outcome == "passed" else lost)
        for number, outcome in enumerate(outcomes)
    )
    return ExerciseMark(
        exercise=exercise.name,
        verdict=result.verdict.value,
        points=exercise.points - sum(case.cost for case in hidden) if passed else 0,
        possible=exercise.points,
        explanation=told(result),
        hint=result.hint,
        mistake=result.mistake,
        visible=len(exercise.cases),
        hidden=hidden,
        source=source,
    )


@functools.cache
def judged(exercise, answer):
    """What the check finds in an answer, and the answer's source under the exercise's name."""
    source = textwrap.dedent(inspect.getsource(answer))
    source = re.sub(r"\A(@.*\n)+", "", source)
    name = exercise.reference.__name__
    source = re.sub(rf"\b{re.escape(answer.__name__)}\b", name, source)
    return judge(exercise, observe(exercise, answer)), source


def told(result):
    """A result in a few lines, as a grader tells it."""
    lines = [result.sentence]
    if result.call:
        lines += [f"On {result.call}", *(f"  {name}: {value}" for name, value in result.inputs)]
        lines += [f"expected: {result.expected}", *([f"yours: {result.got}"] if result.got else [])]
    return "\n".join(filter(None, lines))
