"""What `mnist-course hand-in` does: say what would be handed in, then make one file of it."""

import contextlib
import datetime
import json
import os
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import click

from mnist_course import runtime
from mnist_course.cli import lessons as course
from mnist_course.cli import points
from mnist_course.exercises import EXERCISES
from mnist_course.grading import hand_in, notebooks, processes, submissions

SAVE_FIRST = (
    "What you typed after a notebook was saved is not in its file, and nobody can see it from\n"
    "outside. So if you have not saved every notebook (Ctrl-S), save them and hand in again."
)
NO_PROOF = (
    "The digests show accidental changes. They prove nothing, since anybody can make new ones."
)
LINE = "mnist-course hand-in"  # in a cell that runs this
SECONDS_TO_ASK = 5  # a JupyterLab that is busy may answer later, but nobody wants to wait


def run(folder, target, lessons, name):
    """Print what is solved in a folder's notebooks, then write the hand-in file."""
    if folder.is_file():
        raise runtime.CourseError(f"{folder} is a file: name the folder that holds it")
    if not folder.is_dir():
        raise runtime.CourseError(
            f"there is no folder {folder}: name the folder that holds your notebooks"
        )
    folder = folder.resolve()
    note = hand_in.note(folder)
    lessons = lessons or note.get("lessons")
    target = _target(folder, target)
    parts, left_out = hand_in.collect(folder, lessons, course.course_folder())
    if not any(part.notebook for part in parts):
        for part in parts:
            click.echo(part.problem)
        raise runtime.CourseError(
            f"there is nothing to hand in: {folder} holds no readable notebook of the lessons"
        )
    told = _table(folder, parts, note.get("hidden"))
    openings, problem = hand_in.openings(folder)
    for line in (*left_out, problem):
        if line:
            click.echo(f"left out: {line}" if line != problem else line)
    if openings is not None:
        click.echo(f"The sealed test set was opened {openings} time(s) in this folder.")
    _unchanged(folder, parts)
    content = hand_in.packed(parts, name, openings, told)
    path = hand_in.save(content, target)
    modules = sum(not (part.notebook or part.problem) for part in parts)
    click.echo(
        f"\nMade {path}: {len(parts) - modules} notebook(s) and {modules} file(s) that they "
        f"import, {len(content):,} bytes.\nSHA-256 {hand_in.digest(content)}"
    )
    line = runtime.command(f'hand-in --show "{path}"')
    click.echo(f"This shows what is in it: {line}")


def _target(folder, target):
    """Where the hand-in goes: to what is named, else into the drop box, else into the folder.

    Raises CourseError when the drop box is not there, or the file would be no zip.
    """
    if target is not None:
        if not target.is_dir() and target.suffix.lower() != ".zip":
            raise runtime.CourseError(
                f"{target} is neither a folder nor the name of a zip: type --to {target.name}.zip"
            )
        return target.resolve()
    if box := runtime.named_folder("MNIST_COURSE_DROPBOX"):
        if not box.is_dir():
            raise runtime.CourseError(
                f"the folder {box} for hand-ins, which MNIST_COURSE_DROPBOX names, is not there: "
                "tell your teacher, or name a file with --to"
            )
        return box
    return folder / "hand-in.zip"


def _table(folder, parts, hidden):
    """Print a table of the notebooks and their exercises. Returns a word on each exercise.

    hidden: how many hidden cases there are, by exercise; None where nobody said so.
    """
    told: dict[str, tuple[str, str]] = {}
    sessions = _open_in_jupyter()
    click.echo(f"As saved in {folder}:\n{SAVE_FIRST}\n")
    with processes.ended_by_sigterm():
        for part in parts:
            if part.problem:
                click.echo(f"{part.problem}. Until then it goes in as it is.")
            if not part.notebook:
                continue
            shown = notebooks.one_line(str(part.path), 44)
            rows = _judged(part)
            earned = sum(EXERCISES[one].points for one in rows if rows[one][0] == "right")
            possible = sum(EXERCISES[one].points for one in rows)
            click.echo(f"{shown:44} {points.bar(earned, possible)}")
            for line in _rows(rows, hidden):
                click.echo(line)
            for line in _saved(folder / part.path, part, rows, sessions):
                click.echo(f"    {line}")
            for one, row in rows.items():
                if one not in told or row[0] == "right":  # the better of two copies
                    told[one] = row
    click.echo(_for_the_mark(told, hidden))
    return {one: word for one, (word, _) in told.items()}


def _judged(part):
    """What became of a notebook's answers: by exercise, a word and a reason."""
    found = points.judged(part.notebook, list(part.exercises))
    return {name: (points.word(one), one.remark) for name, one in found.items()}


def _rows(rows, hidden):
    for one, (word, text) in rows.items():
        exercise = EXERCISES[one]
        cases = f"cases: {len(exercise.cases)} visible"
        if hidden is not None:
            cases += f", {hidden.get(one, 0)} hidden"
        yield f"    {exercise.number}  {word:21} {exercise.title} ({cases})"
        if text:
            yield f"{'':33}{text}"


def _for_the_mark(names, hidden):
    """A sentence on the cases on which answers to these exercises will be tried."""
    if hidden is None:
        more = "Your teacher may try them on hidden ones, too, and has not said on how many."
    elif count := sum(hidden.get(one, 0) for one in names):
        more = f"Answers that pass them will be tried on the hidden ones, too: {count} in all."
    else:
        more = "There are no hidden ones."
    return f"The table says what became of your answers on the visible cases of the checks.\n{more}"


def _saved(path, part, rows, sessions):
    """What can be known about whether a notebook's file holds the student's last work."""
    saved = datetime.datetime.fromtimestamp(path.stat().st_mtime).astimezone()
    yield f"saved {saved:%Y-%m-%d %H:%M:%S}"
    active = sessions.get(path.resolve())
    if _runs_this(path):  # so its kernel is active now
        if not any(LINE in cell.source for cell in part.notebook.cells):
            yield (
                "The cell that runs this is not in its file, so the notebook was not saved since "
                "you typed it. Save it (Ctrl-S), and run the cell again."
            )
    elif active and active > saved:
        yield (
            "It is open in JupyterLab, and its kernel was active after it was saved. Save it, and "
            "hand in again, if you changed anything."
        )
    if all(word == "not solved yet" for word, _ in rows.values()):
        yield "Nothing in it is solved. If you worked on it, it may not be saved yet."


def _runs_this(path):
    """Whether a cell of this notebook runs this command, as Jupyter's server tells its kernels."""
    name = os.environ.get("JPY_SESSION_NAME", "")
    return bool(name) and Path(name).resolve() == path.resolve()


def _open_in_jupyter():
    """When the kernels of open notebooks were last active, by path, as this user's servers say.

    A server that does not answer is passed over: this is a hint, not a condition.
    """
    found = {}
    with contextlib.suppress(Exception):  # whatever another program's files and answers lead to
        from jupyter_server.serverapp import list_running_servers

        for server in list_running_servers():
            with contextlib.suppress(urllib.error.URLError, OSError, ValueError, KeyError):
                root = Path(server["root_dir"])
                for session in _sessions(server):
                    text = session["kernel"]["last_activity"].replace("Z", "+00:00")
                    active = datetime.datetime.fromisoformat(text)
                    found[(root / session["path"]).resolve()] = active
    return found


def _sessions(server):
    request = urllib.request.Request(
        f"{server['url']}api/sessions", headers={"Authorization": f"token {server['token']}"}
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=SECONDS_TO_ASK) as answer:
        return json.load(answer)


def _unchanged(folder, parts):
    """Raises CourseError when a file has changed since it was judged.

    JupyterLab saves a notebook by itself now and then. While a cell of it hands in, nothing has
    changed in that file but outputs.
    """
    for part in parts:
        path = folder / part.path
        if part.notebook:
            changed = notebooks.read(path).cells != part.notebook.cells
        else:
            changed = path.read_bytes() != part.content
        if changed:
            raise runtime.CourseError(
                f"{part.path} was saved while it was looked at: type the same line again"
            )


def show(path):
    """Print what is in a hand-in file. Returns whether it is as it was made."""
    if not path.is_file():
        raise runtime.CourseError(f"there is no file {path}")
    found = submissions.read(path)
    if len(found) != 1 or not found[0].stated:
        said = [*found[0].remarks, "it has no list hand-in.json"] if found else []
        raise runtime.CourseError(f"{path} is no hand-in file: {said[0]}")
    [one] = found
    stated = one.stated
    with tempfile.TemporaryDirectory() as folder:
        lines = [
            line for file, place in submissions.prepare(one, folder) for line in _of(file, place)
        ]
    versions = ", ".join(f"{name} {version}" for name, version in stated.versions.items())
    by = f" by {stated.name}" if stated.name else ""
    opened = "an unknown number of" if stated.openings is None else stated.openings
    for line in (
        notebooks.one_line(f"made {stated.made}{by} with {versions}"),
        f"The sealed test set was opened {opened} time(s).",
        *lines,
        "What the student was told, of the visible cases alone, when it was made:",
        *(
            f"    {EXERCISES[one].number}  {notebooks.one_line(word, 21):21} {EXERCISES[one].title}"
            for one, word in stated.exercises.items()
            if one in EXERCISES
        ),
        *(f"CHANGED: {text}" for text in (*one.remarks, *one.problems)),
    ):
        click.echo(line)
    if not (one.remarks or one.problems):
        click.echo(f"All {len(one.files)} files are as they were when the file was made.")
    click.echo(NO_PROOF)
    return not (one.remarks or one.problems)


def _of(file, place):
    """Lines on a file of a hand-in, which lies at a place now."""
    shown = notebooks.one_line(str(file.path), 100)
    yield f"{shown}: {file.size:,} bytes, SHA-256 {hand_in.digest(place.read_bytes())}"
    if place.suffix == ".ipynb":
        try:
            names = notebooks.exercises_of(notebooks.read(place), EXERCISES)
            yield f"    exercises {', '.join(EXERCISES[name].number for name in names)}"
        except runtime.CourseError as error:
            yield f"    {error}"
