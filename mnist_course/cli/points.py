"""What `mnist-course progress` does: judge the answers in a folder of notebooks, print a table.

Outputs that a notebook has stored are not looked at.
"""

import json

import click

from mnist_course import runtime
from mnist_course.assessment.verdict import Verdict
from mnist_course.exercises import EXERCISES, LESSONS
from mnist_course.grading import examination, notebooks, processes, sandbox
from mnist_course.grading.findings import Finding, best

BAR = 20  # characters
WORDS = {  # for any other verdict: not right yet
    Verdict.PASSED: "right",
    Verdict.UNSOLVED: "not solved yet",
    Verdict.NOT_JUDGED: "can't be checked here",
}


def run(folder, json_file=None):
    """Print what is solved in each lesson of a folder.

    json_file: a path to write the same to, for programs. Raises CourseError when there is no such
    folder.
    """
    if folder.is_file():
        raise runtime.CourseError(f"{folder} is a file: name the folder that holds it")
    if not folder.is_dir():
        raise runtime.CourseError(
            f"there is no folder {folder}. This makes it: {runtime.command('lab')}"
        )
    found: dict[str, list[Finding]] = {name: [] for name in EXERCISES}
    files: dict[str, list[str]] = {}  # by lesson
    notes = []
    with processes.ended_by_sigterm():
        for path in notebooks.find(folder):
            shown = notebooks.one_line(str(path.relative_to(folder)), 100)
            try:
                notebook = notebooks.read(path)
            except runtime.CourseError as error:
                notes.append(str(error) if shown == path.name else f"{shown}: {error}")
                continue
            names = notebooks.exercises_of(notebook, EXERCISES)
            if not names:
                notes.append(f"{shown}: fits no lesson, and was not looked at")
                continue
            for lesson in sorted({EXERCISES[name].lesson for name in names}):
                files.setdefault(lesson, []).append(shown)
            for name, finding in judged(notebook, names).items():
                found[name].append(finding)
    rows = {name: best(findings) for name, findings in found.items()}
    _print(rows, files, notes)
    if json_file is not None:
        content = json.dumps(_data(rows, files, notes), ensure_ascii=False, indent=1)
        runtime.write_whole(json_file, f"{content}\n".encode())


def judged(notebook, names):
    """The `Finding` on each exercise of a notebook, by name; `names` are those to judge."""
    [found] = examination.judged([(notebook, names)], {})
    return found


def word(finding):
    """What the table calls a finding."""
    return WORDS.get(finding.verdict, "not right yet")


def _print(rows, files, notes):
    """The table: a row for each lesson, and under it one for each exercise.

    rows: the best `Finding` on each exercise, by name; files: notebooks by lesson.
    """
    for lesson in LESSONS:
        here = {name: row for name, row in rows.items() if EXERCISES[name].lesson == lesson}
        name = f"{lesson} ({', '.join(files.get(lesson, ['no notebook here']))})"
        click.echo(f"{name:44} {bar(*_sums(here))}")
        for name, row in here.items() if lesson in files else ():
            click.echo(f"    {EXERCISES[name].number}  {word(row):21} {EXERCISES[name].title}")
            if row.remark:
                click.echo(f"{'':33}{row.remark}")
    for note in notes:
        click.echo(note)
    click.echo(f"{'all lessons':44} {bar(*_sums(rows))}")
    if files and sandbox.problem():
        click.echo(f"The answers ran with your rights: {sandbox.problem()}.")


def _data(rows, files, notes):
    """What the table says, as JSON holds it."""
    earned, possible = _sums(rows)
    return {
        "points": earned,
        "possible": possible,
        "exercises": [
            {
                "name": name,
                "number": EXERCISES[name].number,
                "title": EXERCISES[name].title,
                "verdict": word(row),
                "remark": row.remark,
                "points": _points(name, row),
                "possible": EXERCISES[name].points,
            }
            for name, row in rows.items()
        ],
        "notebooks": files,
        "notes": notes,
        "sandboxed": not sandbox.problem(),
    }


def _sums(rows):
    """Points that are earned, and points that could be."""
    earned = sum(_points(name, row) for name, row in rows.items())
    return earned, sum(EXERCISES[name].points for name in rows)


def _points(name, row):
    return EXERCISES[name].points if row.verdict is Verdict.PASSED else 0


def bar(earned, points):
    """[#####---------------] 3 of 12 points"""
    filled = BAR * earned // points if points else 0
    return f"[{'#' * filled}{'-' * (BAR - filled)}] {earned} of {points} points"
