"""What `mnist-course progress` does: judge the answers in a folder of notebooks, print a table.

Outputs that a notebook has stored are not looked at.
"""

import io
import sys

import click

from mnist_course import runtime
from mnist_course.assessment import display, further
from mnist_course.assessment.judgement import judge
from mnist_course.assessment.observation import Attempt
from mnist_course.assessment.verdict import Verdict
from mnist_course.exercises import EXERCISES
from mnist_course.grading import notebooks, sandbox, supervision

BAR = 20  # characters
WORDS = {Verdict.PASSED: "right", Verdict.UNSOLVED: "not solved yet"}
BEST_FIRST = ("right", "not right yet", "can't be checked here", "not solved yet")


def run(folder):
    """Print what is solved in each lesson of a folder. Raises CourseError when it isn't there."""
    if not folder.is_dir():
        raise runtime.CourseError(
            f"there is no folder {folder}. This makes it: {runtime.command('lab')}"
        )
    if isinstance(sys.stdout, io.TextIOWrapper):  # a student's line may hold any character,
        sys.stdout.reconfigure(errors="replace")  # and a file on Windows takes few
    try:
        cases = further.table(EXERCISES)
    except further.CasesError as error:
        raise runtime.CourseError(str(error)) from error
    found: dict[str, list[tuple[str, str]]] = {name: [] for name in EXERCISES}
    files: dict[str, list[str]] = {}  # by lesson
    notes = []
    with supervision.ended_by_sigterm():
        for path in notebooks.find(folder):
            shown = notebooks.one_line(str(path.relative_to(folder)), 100)
            try:
                notebook = notebooks.read(path)
            except runtime.CourseError as error:
                notes.append(f"{shown}: {error}")
                continue
            names = notebooks.exercises_of(notebook, EXERCISES)
            if not names:
                notes.append(f"{shown}: fits no lesson, and was not looked at")
                continue
            for lesson in sorted({EXERCISES[name].lesson for name in names}):
                files.setdefault(lesson, []).append(shown)
            for name, row in judged(notebook, names, cases).items():
                found[name].append(row)
    _print(found, files, notes)


def judged(notebook, names, cases):
    """What became of a notebook's answers: by exercise, a word of `BEST_FIRST` and a reason."""
    told = supervision.run(notebook.cells, names, notebook.path.parent.resolve(), cases)
    return {name: finding(EXERCISES[name], told[name], cases) for name in names}


def finding(exercise, told, cases):
    """A word of `BEST_FIRST` and a reason, from what the worker tells of an exercise."""
    more = further.decoded(exercise, cases.get(exercise.name, []))
    found = []
    for one in told:
        if "error" in one:
            error = str(one["error"])
            if cases:  # an exception's own words may hold what a further case has told
                error = error.partition(":")[0]
            found.append(("not right yet", notebooks.one_line(error)))
            continue
        try:
            result = judge(exercise, Attempt.decoded(one.get("attempt")), more)
        except (ValueError, RecursionError):
            found.append(("not right yet", "it disturbed its check"))
            continue
        text = notebooks.one_line(display.plain(result.sentence or result.hint, exercise.sections))
        if "NameError" in text:
            text += " Of the other cells only imports, functions, classes and constants are run."
        word = WORDS.get(result.verdict, "not right yet")
        if result.verdict is Verdict.NOT_JUDGED:
            word = "can't be checked here"
        found.append((word, "" if result.verdict in WORDS else text))
    return best(found)


def best(found):
    """The best of several findings on one exercise, the first of equal ones."""
    order = sorted(found, key=lambda one: BEST_FIRST.index(one[0]))
    return order[0] if order else ("not solved yet", "")


def _print(found, files, notes):
    """The table: a row for each lesson, and under it one for each exercise."""
    earned, points = 0, 0
    for lesson in sorted({exercise.lesson for exercise in EXERCISES.values()}):
        exercises = [one for one in EXERCISES.values() if one.lesson == lesson]
        rows = {one.name: best(found[one.name]) for one in exercises}
        here = sum(one.points for one in exercises if rows[one.name][0] == "right")
        possible = sum(one.points for one in exercises)
        earned, points = earned + here, points + possible
        name = f"{lesson} ({', '.join(files.get(lesson, ['no notebook here']))})"
        click.echo(f"{name:44} {bar(here, possible)}")
        for one in exercises if lesson in files else ():
            word, text = rows[one.name]
            click.echo(f"    {one.number}  {word:21} {one.title}")
            if text:
                click.echo(f"{'':33}{text}")
    for note in notes:
        click.echo(note)
    click.echo(f"{'all lessons':44} {bar(earned, points)}")
    if files and sandbox.problem():
        click.echo(f"The answers ran with your rights: {sandbox.problem()}.")


def bar(earned, points):
    """[#####---------------] 3 of 12 points"""
    filled = BAR * earned // points if points else 0
    return f"[{'#' * filled}{'-' * (BAR - filled)}] {earned} of {points} points"
