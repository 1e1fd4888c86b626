"""What `mnist-course progress` does: judge the answers in a folder of notebooks, print a table.

Outputs that a notebook has stored are not looked at.
"""

import io
import sys

import click

from mnist_course import runtime
from mnist_course.assessment.verdict import Verdict
from mnist_course.exercises import EXERCISES
from mnist_course.grading import examination, notebooks, sandbox, supervision
from mnist_course.grading.findings import Finding, best

BAR = 20  # characters
WORDS = {  # for any other verdict: not right yet
    Verdict.PASSED: "right",
    Verdict.UNSOLVED: "not solved yet",
    Verdict.NOT_JUDGED: "can't be checked here",
}


def run(folder):
    """Print what is solved in each lesson of a folder. Raises CourseError when it isn't there."""
    if not folder.is_dir():
        raise runtime.CourseError(
            f"there is no folder {folder}. This makes it: {runtime.command('lab')}"
        )
    if isinstance(sys.stdout, io.TextIOWrapper):  # a student's line may hold any character,
        sys.stdout.reconfigure(errors="replace")  # and a file on Windows takes few
    found: dict[str, list[Finding]] = {name: [] for name in EXERCISES}
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
            for name, finding in judged(notebook, names).items():
                found[name].append(finding)
    _print(found, files, notes)


def judged(notebook, names):
    """The `Finding` on each exercise of a notebook, by name; `names` are those to judge."""
    [found] = examination.judged([(notebook, names)], {})
    return found


def word(finding):
    """What the table calls a finding."""
    return WORDS.get(finding.verdict, "not right yet")


def _print(found, files, notes):
    """The table: a row for each lesson, and under it one for each exercise."""
    earned, points = 0, 0
    for lesson in sorted({exercise.lesson for exercise in EXERCISES.values()}):
        exercises = [one for one in EXERCISES.values() if one.lesson == lesson]
        rows = {one.name: best(found[one.name]) for one in exercises}
        right = [one for one in exercises if rows[one.name].verdict is Verdict.PASSED]
        here = sum(one.points for one in right)
        possible = sum(one.points for one in exercises)
        earned, points = earned + here, points + possible
        name = f"{lesson} ({', '.join(files.get(lesson, ['no notebook here']))})"
        click.echo(f"{name:44} {bar(here, possible)}")
        for one in exercises if lesson in files else ():
            finding = rows[one.name]
            click.echo(f"    {one.number}  {word(finding):21} {one.title}")
            if finding.remark:
                click.echo(f"{'':33}{finding.remark}")
    for note in notes:
        click.echo(note)
    click.echo(f"{'all lessons':44} {bar(earned, points)}")
    if files and sandbox.problem():
        click.echo(f"The answers ran with your rights: {sandbox.problem()}.")


def bar(earned, points):
    """[#####---------------] 3 of 12 points"""
    filled = BAR * earned // points if points else 0
    return f"[{'#' * filled}{'-' * (BAR - filled)}] {earned} of {points} points"
