"""What `mnist-course progress` does: it runs the checks on the answers in a student's notebooks.

Outputs that a notebook has stored are not looked at. The answers of a notebook run in a Python
process of their own, in an empty folder: one that hangs, or ends Python, costs its own points
and no others.
"""

import ast
import contextlib
import io
import json
import linecache
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import types
from dataclasses import dataclass
from pathlib import Path

import click

from mnist_course import runtime

SECONDS_TO_START = 120  # a slow disk needs most of them to read torch
SECONDS_FOR_AN_ANSWER = 20  # a check takes one; the others are for what else is in the cell
STATES = ("passed", "failed", "unsolved")  # as in `checks`; the best first
WORDS = {"passed": "right", "failed": "not right yet", "unsolved": "not solved yet"}
PLACES = ("own", "below", "anywhere")  # where an answer is looked for, as `groups` finds them
BAR = 20  # characters
# Python's own functions that may be called for a constant of another cell
QUICK = {"bool", "dict", "float", "int", "len", "list", "max", "min", "range", "set", "str", "sum"}
QUICK |= {"abs", "complex", "frozenset", "round", "slice", "sorted", "tuple"}
# modules whose functions may be called for a constant, too: none trains or fetches anything
CALCULATING = {"collections", "fractions", "functools", "itertools", "math", "numpy", "operator"}
CALCULATING |= {"random", "re", "statistics", "string", "torch"}


@dataclass(frozen=True)
class Cell:
    """A cell of code, and the two ids by which an answer is found again."""

    source: str
    id: str
    grade_id: str


@dataclass(frozen=True)
class Finding:
    """What became of one exercise."""

    state: str  # one of STATES
    text: str = ""  # why it is not right


# --- a student's notebook -----------------------------------------------------------------


def code_cells(path):
    """The cells of code in a notebook file. Raises CourseError for a file that is none."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return [_cell(cell) for cell in cells if cell["cell_type"] == "code"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise runtime.CourseError(
            f"{path.name} is no notebook that can be read ({type(error).__name__}: {error})"
        ) from error


def _cell(cell):
    metadata = cell.get("metadata", {}).get("nbgrader", {})
    source = as_python("".join(cell["source"]))
    return Cell(source, str(cell.get("id")), str(metadata.get("grade_id")))


def as_python(source):
    """A cell's source with the notebook's own commands, `%timeit` or `torch.roll?`, as calls."""
    from IPython.core.inputtransformer2 import TransformerManager  # takes a moment to import

    source = re.sub(r"\A\s*%%", "# %%", source)  # `%%time` would turn the whole cell into a text
    try:
        return TransformerManager().transform_cell(source)
    except Exception:  # the answer's own; what is no Python is told when it is run
        return source


class NoNotebook:
    """Does nothing, in place of the notebook that `get_ipython()` gives."""

    def __getattr__(self, name):
        return lambda *arguments, **named: None


def _statements(source):
    """The statements of a cell; none when it is not Python."""
    try:
        return ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _defines(statement, modules):
    """The names that a statement defines, if it is quick to run; else none.

    Quick are imports, functions, classes, and constants: assignments that call no more than
    Python's small functions and `modules`, names of calculating modules.
    """
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(name.asname or name.name).partition(".")[0] for name in statement.names}
    if isinstance(statement, ast.Assign | ast.AnnAssign) and _is_quick(statement.value, modules):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        nodes = [node for target in targets for node in ast.walk(target)]
        return {node.id for node in nodes if isinstance(node, ast.Name)}
    return set()


def _is_quick(value, modules):
    """Whether an assigned expression trains nothing: a lambda, or no calls but the quick ones."""
    if value is None or isinstance(value, ast.Lambda):
        return value is not None
    for call in ast.walk(value):
        if isinstance(call, ast.Call):
            called = call.func
            while isinstance(called, ast.Attribute | ast.Call):
                called = called.func if isinstance(called, ast.Call) else called.value
            if isinstance(called, ast.Subscript):
                return False  # which function it is, only running tells
            if isinstance(called, ast.Name) and called.id not in QUICK | modules:
                return False
    return True


def _modules(statements):
    """The names that are imported from `CALCULATING` modules."""
    found = set()
    for statement in statements:
        if isinstance(statement, ast.ImportFrom) and _calculates(statement.module or ""):
            found |= {name.asname or name.name for name in statement.names}
        elif isinstance(statement, ast.Import):
            found |= {
                (name.asname or name.name).partition(".")[0]
                for name in statement.names
                if _calculates(name.name)
            }
    return found


def _calculates(module):
    return module.partition(".")[0] in CALCULATING


def _names(statement):
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}


def groups(cells, name, function):
    """The cells that may hold the answer to an exercise: own, below and anywhere, lists of cells.

    The exercise's own cell is found by its grade_id, else by its id; a copied one has the same
    grade_id, then the last definition counts, as in the notebook. Below it, and anywhere, are the
    cells that define the function. Run from top to bottom, the notebook's own check judges what
    stands in the exercise's cell. So that is tried first, and when it is right, it stays right. A
    second try below counts when the first is wrong or missing; a copy above only when none of
    both was written.
    """
    own = [cell for cell in cells if cell.grade_id == name] or [c for c in cells if c.id == name]
    anywhere = [
        cell
        for cell in cells
        if any(function in _defines(s, set()) for s in _statements(cell.source))
    ]
    below = cells[cells.index(own[-1]) + 1 :] if own else []
    return own, [cell for cell in anywhere if cell in below], anywhere


def prelude(cells, answer):
    """What the cells of an answer need of the others, as texts: imports, functions, constants.

    What is defined again below the answer counts as it was above, as when all cells are run.
    """
    wanted = {name for cell in answer for s in _statements(cell.source) for name in _names(s)}
    wanted.add("*")  # `from math import *` may define any of them
    place = max(index for index, cell in enumerate(cells) if cell in answer)
    above = [s for cell in cells[:place] if cell not in answer for s in _statements(cell.source)]
    below = [s for cell in cells[place + 1 :] for s in _statements(cell.source)]
    modules = _modules([*above, *below])
    defined = {name for statement in above for name in _defines(statement, modules)}
    others = [*above, *(s for s in below if not _defines(s, modules) & defined)]
    kept: list[ast.stmt] = []
    while more := [s for s in others if s not in kept and _defines(s, modules) & wanted]:
        kept += more
        wanted |= {name for statement in more for name in _names(statement)}
    return [ast.unparse(statement) for statement in others if statement in kept]


# --- the process that runs the answers ----------------------------------------------------


def serve():
    """Judge the answers that stand, as JSON, in the standard input; a line of JSON for each.

    This is the process of its own: what an answer prints goes nowhere.
    """
    answers = json.load(sys.stdin)
    from mnist_course import checks

    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    print("ready", file=channel, flush=True)
    for answer in answers:
        state, text = "unsolved", ""
        for place in PLACES:
            if state == "unsolved" or (state == "failed" and place == "below"):
                if group := answer["groups"].get(place):
                    found = _judge(checks, answer["name"], answer["function"], group)
                    if found[0] != "unsolved":  # a copy of the stub hides no answer above it
                        state, text = found
        line = json.dumps({"name": answer["name"], "state": state, "text": text})
        print(line, file=channel, flush=True)


def _judge(checks, name, function, group):
    """State and sentence for the cells of one group."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module  # where the classes of an answer say that they come from
    names = vars(module)
    names |= {"display": print, "get_ipython": NoNotebook}  # which a notebook has
    for number, source in enumerate(group["prelude"]):
        with contextlib.suppress(Exception):  # whatever fails is missed by name if it matters
            _execute(ast.parse(source), source, f"<{name}, another cell {number}>", names)
    names.pop(function, None)  # another cell's copy is not judged in its place
    try:
        for number, source in enumerate(group["cells"]):
            file = f"<{name} {number}>"
            for statement in ast.parse(source, file).body:
                try:
                    _execute(ast.Module([statement], []), source, file, names)
                except NameError:  # the answer is tried on what another cell computes
                    if function not in names:
                        raise
    except BaseException as error:  # exit(), too
        if isinstance(error, NameError):
            return "failed", f"its cell needs what only other cells compute: {error}"
        return "failed", f"its cell stops with {type(error).__name__}: {error}"
    if function not in names:
        return "unsolved", ""
    result = checks.judge(name, names[function])
    told = checks.showing.plain(result.sentence or result.hint)
    if "NameError" in told:
        told += " Of the other cells only imports, functions, classes and constants are run here."
    return result.state, told


def _execute(tree, source, file, names):
    """Run a piece of a notebook; `file` is a name by which the lines of `source` are found."""
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    exec(compile(tree, file, "exec"), names)


def judge_all(answers):
    """Judge answers in processes of their own. Returns a dict from name to `Finding`.

    answers: dicts of a name, a function and groups: by their place, as in `groups`, a prelude and
    cells. Raises CourseError when Python can't be started.
    """
    findings: dict[str, Finding] = {}
    waiting = answers
    while waiting:  # every round judges one answer at least
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            findings |= _round(waiting, folder)
        waiting = [answer for answer in waiting if answer["name"] not in findings]
    return findings


def _round(answers, folder):
    """The findings of one process: of all answers, or of those up to one that breaks it."""
    # the package may have been found by a path that only this process knows
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    settings = {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "MPLBACKEND": "agg",
        "PYTHONIOENCODING": "utf-8",  # as in a notebook; on Windows "→" could not be printed
    }
    if cases := os.environ.get("MNIST_COURSE_CASES"):
        settings["MNIST_COURSE_CASES"] = os.path.abspath(cases)  # as named from this folder
    process = subprocess.Popen(
        [sys.executable, "-c", "from mnist_course.cli.answers import serve; serve()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=folder,
        env={**os.environ, **settings}, text=True, encoding="utf-8", start_new_session=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    reader = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
    reader.start()
    findings = {}
    try:
        with contextlib.suppress(OSError), process.stdin as pipe:
            json.dump(answers, pipe)
        if _next(lines, SECONDS_TO_START) != "ready\n":
            line = runtime.command("doctor")
            raise runtime.CourseError(f"Python can't run the checks. Type: {line}")
        for answer in answers:
            line = _next(lines, SECONDS_FOR_AN_ANSWER)
            if not line:
                ended = "it ended Python" if line == "" else "it did not come to an end"
                findings[answer["name"]] = Finding("failed", f"{ended}, and was stopped")
                break
            found = _told(line, answer["name"])
            findings[answer["name"]] = found or Finding("failed", "it disturbed its check")
            if found is None:
                break
    finally:
        _end(process)
        reader.join()
        process.stdout.close()
    return findings


def _told(line, name):
    """The finding in a line; None when it is not what `serve` writes about this exercise."""
    try:
        told = json.loads(line)
        if told["name"] == name and told["state"] in STATES:
            return Finding(told["state"], str(told["text"]))
    except (ValueError, KeyError, TypeError):
        pass
    return None


def _read(stream, lines):
    for line in stream:
        lines.put(line)
    lines.put("")  # the end


def _next(lines, seconds):
    """The next line; empty when the process has ended, None when the time is over."""
    try:
        return lines.get(timeout=seconds)
    except queue.Empty:
        return None


def _end(process):
    """End a process and what it may have started."""
    if hasattr(os, "killpg"):
        # macOS forbids, instead of not finding, a group whose processes have all ended
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


# --- the table ----------------------------------------------------------------------------


def look(cells, exercises):
    """What is solved in the cells of a notebook: a dict from an exercise's name to a `Finding`."""
    answers = []
    for exercise in exercises:
        function = exercise.reference.__name__
        found = {
            place: {"prelude": prelude(cells, group), "cells": [cell.source for cell in group]}
            for place, group in zip(PLACES, groups(cells, exercise.name, function), strict=True)
            if group
        }
        if found:
            answers.append({"name": exercise.name, "function": function, "groups": found})
    return judge_all(answers)


def best(findings):
    """The best of several findings on one exercise; "unsolved" when there is none."""
    return min(findings, key=lambda one: STATES.index(one.state), default=Finding("unsolved"))


def bar(earned, points):
    filled = BAR * earned // points if points else 0
    return f"[{'#' * filled}{'-' * (BAR - filled)}] {earned} of {points} points"


def run(folder):
    """Print what is solved in each lesson of a folder. Raises CourseError when it isn't there."""
    from mnist_course import checks

    if not folder.is_dir():
        raise runtime.CourseError(
            f"there is no folder {folder}. This makes it: {runtime.command('lab')}"
        )
    if isinstance(sys.stdout, io.TextIOWrapper):  # a student's line may hold any character,
        sys.stdout.reconfigure(errors="replace")  # and a file on Windows takes few
    earned, points = 0, 0
    for lesson in sorted({exercise.lesson for exercise in checks.EXERCISES.values()}):
        exercises = [one for one in checks.EXERCISES.values() if one.lesson == lesson]
        one_earned, one_points = _run_lesson(lesson, exercises, folder)
        earned, points = earned + one_earned, points + one_points
    click.echo(f"{'all lessons':36} {bar(earned, points)}")


def _run_lesson(lesson, exercises, folder):
    """Print one lesson's rows. Returns the points earned and the points there are."""
    looks, notes = [], []
    paths = sorted(folder.glob(f"{lesson}_*.ipynb"))  # a newer version may lie beside
    for path in paths:
        try:
            cells = code_cells(path)
        except runtime.CourseError as error:
            notes.append(str(error))
        else:
            looks.append(look(cells, exercises))
    findings = {
        one.name: best([found[one.name] for found in looks if one.name in found])
        for one in exercises
    }
    earned = sum(one.points for one in exercises if findings[one.name].state == "passed")
    points = sum(one.points for one in exercises)
    name = paths[0].stem if paths else f"{lesson} (no notebook here)"
    click.echo(f"{name:36} {bar(earned, points)}")
    for note in notes:
        click.echo(f"    {note}")
    for one in exercises if paths else ():
        found = findings[one.name]
        click.echo(f"    {one.number}  {WORDS[found.state]:15} {one.title}")
        if found.state == "failed":
            click.echo(f"{'':27}{found.text}")
    return earned, points
