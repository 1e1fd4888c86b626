"""Find the answers to exercises among a notebook's cells, and run those cells.

The other cells may train networks for minutes, so of them only what an answer needs is run:
imports, functions, classes and constants.
"""

import ast
import contextlib
import linecache
import re
import sys
import types
from dataclasses import replace

from mnist_course.assessment.limits import OutOfTime, TimeLimit
from mnist_course.assessment.observation import observe
from mnist_course.assessment.values import bases, class_name, module_name
from mnist_course.assessment.verdict import Verdict
from mnist_course.grading import syntax

SECONDS = 10.0  # of the processor, for all cells of one answer
# Python's own functions that may be called for a constant of another cell
QUICK = {"bool", "dict", "float", "int", "len", "list", "max", "min", "range", "set", "str", "sum"}
QUICK |= {"abs", "complex", "frozenset", "round", "slice", "sorted", "tuple"}
# modules whose functions may be called for a constant, too: none trains or fetches anything
CALCULATING = {"collections", "fractions", "functools", "itertools", "math", "numpy", "operator"}
CALCULATING |= {"random", "re", "statistics", "string", "torch"}


class NoNotebook:
    """Does nothing, in place of the notebook that `get_ipython()` gives."""

    def __getattr__(self, name):
        return lambda *arguments, **named: None


class NotRun(Exception):
    """An answer's cells could not be run. The message says why; a verdict says it in a word."""

    def __init__(self, message, verdict=Verdict.RAISED):
        super().__init__(message)
        self.verdict = verdict


def as_python(source):
    """A cell's source with the notebook's own commands, `%timeit` or `torch.roll?`, as calls."""
    from IPython.core.inputtransformer2 import TransformerManager  # takes a moment to import

    source = re.sub(r"\A\s*%%", "# %%", source)  # `%%time` would turn the whole cell into a text
    # IPython goes through the whole cell again for each of its commands
    if len(re.findall(r"^\s*[%!?]|\?\s*$", source, re.MULTILINE)) > 100:
        return source
    try:
        return TransformerManager().transform_cell(source)
    except Exception:  # the answer's own; what is no Python is told when it is run
        return source


def attempts(cells, exercise, cases):
    """Run the answers to an exercise that stand in the cells. Yields an `Attempt` for each.

    cells: of code, with their sources as Python; cases: those to try. When a notebook is run from
    top to bottom, its own check judges what stands in the exercise's cell, so that is tried first.
    A second answer below it counts when the first is wrong or missing; one above it only when
    neither was written. In place of an attempt comes a `NotRun` for an answer whose cells stop.
    """
    name, function = exercise.name, exercise.reference.__name__
    own, below, anywhere = groups(cells, name, function)
    written = False
    for group in (own, below, [] if own and below == anywhere else anywhere):
        if not group or (written and group is not below):
            continue
        try:
            answer = defined(cells, group, name, function)
        except NotRun as error:
            written = True
            yield error
            continue
        if answer is None:
            continue
        attempt = observe(exercise, answer, cases)
        written = written or attempt.kind != "stub"
        yield attempt


def groups(cells, name, function):
    """The cells that may hold the answer to an exercise: own, below and anywhere, lists of cells.

    The exercise's own cell is found by its grade_id, else by its id; a copied one has the same
    grade_id, then the last definition counts, as in the notebook. Below it, and anywhere, are the
    cells that define the function.
    """
    own = [cell for cell in cells if cell.grade_id == name] or [c for c in cells if c.id == name]
    anywhere = [
        cell
        for cell in cells
        if any(function in _defines(s, set()) for s in syntax.statements(cell.source))
    ]
    below = cells[cells.index(own[-1]) + 1 :] if own else []
    return own, [cell for cell in anywhere if cell in below], anywhere


def defined(cells, group, name, function):
    """What the cells of a group define under the function's name; None when they do not.

    Raises NotRun when they stop.
    """
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module  # where the classes of an answer say that they come from
    names = vars(module)
    names |= {"display": print, "get_ipython": NoNotebook}  # which a notebook has
    try:
        with TimeLimit(SECONDS):
            for number, source in enumerate(prelude(cells, group)):
                with contextlib.suppress(Exception):  # what fails is missed by name if it matters
                    _execute(ast.parse(source), source, f"<{name}, another cell {number}>", names)
            names.pop(function, None)  # another cell's copy is not judged in its place
            for number, cell in enumerate(group):
                _run(cell.source, f"<{name} {number}>", names, function)
    except NameError as error:
        raise NotRun(f"its cell needs what only other cells compute: {error}") from None
    except FileNotFoundError as error:
        raise NotRun(
            f"its cell stops with FileNotFoundError: {error}. Answers are run in an empty folder"
        ) from None
    except OutOfTime:
        raise NotRun("its cell did not come to an end", Verdict.TIME) from None
    except BaseException as error:  # exit(), too
        kind = next(one for one in bases(type(error)) if module_name(one) == "builtins")
        verdict = Verdict.EXITED if kind is SystemExit else Verdict.RAISED
        raise NotRun(f"its cell stops with {class_name(kind)}: {error}", verdict) from None
    return names.get(function)


def _run(source, file, names, function):
    """Run a cell, statement by statement."""
    for statement in ast.parse(source, file).body:
        try:
            _execute(ast.Module([statement], []), source, file, names)
        except NameError:  # the answer is tried on what another cell computes
            if function not in names:
                raise


def _execute(tree, source, file, names):
    """Run a piece of a notebook; `file` is a name by which the lines of `source` are found."""
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    exec(compile(tree, file, "exec"), names)


# --- what an answer needs of the other cells ----------------------------------------------


def prelude(cells, answer):
    """What the cells of an answer need of the others, as texts: imports, functions, constants.

    What is defined again below the answer counts as it was above, as when all cells are run.
    """
    wanted = {
        name for cell in answer for s in syntax.statements(cell.source) for name in syntax.named(s)
    }
    wanted.add("*")  # `from math import *` may define any of them
    place = max(index for index, cell in enumerate(cells) if cell in answer)
    above = [
        (s, cell)
        for cell in cells[:place]
        if cell not in answer
        for s in syntax.statements(cell.source)
    ]
    below = [(s, cell) for cell in cells[place + 1 :] for s in syntax.statements(cell.source)]
    modules = _modules([statement for statement, _ in (*above, *below)])
    imported = {name for s, _ in (*above, *below) if _imports(s) for name in _defines(s, modules)}
    above, below = (
        [one for one in part if not _changes(one[0], imported)] for part in (above, below)
    )
    defined_above = {name for statement, _ in above for name in _defines(statement, modules)}
    others = [*above, *(one for one in below if not _defines(one[0], modules) & defined_above)]
    kept = syntax.needed([s for s, _ in others], wanted, lambda s: _defines(s, modules))
    return [_text(statement, cell.source) for statement, cell in others if statement in kept]


def _imports(statement):
    return isinstance(statement, ast.Import | ast.ImportFrom)


def _changes(statement, imported):
    """Whether a statement changes a module, as `torch.where = …` does, for all answers below it."""
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    for target in targets:
        while isinstance(target, ast.Attribute | ast.Subscript):
            target = target.value
            if isinstance(target, ast.Name) and target.id in imported:
                return True
    return False


def _text(statement, source):
    """The text of a statement, with its decorators."""
    decorators = getattr(statement, "decorator_list", None)
    if not decorators:
        return ast.get_source_segment(source, statement)
    lines = source.splitlines()
    return "\n".join(lines[decorators[0].lineno - 1 : statement.end_lineno])


def _defines(statement, modules):
    """The names that a statement defines, if it is quick to run; else none.

    Quick are imports, functions, classes, and constants: assignments that call no more than
    Python's small functions and `modules`, names of calculating modules.
    """
    assigned = isinstance(statement, ast.Assign | ast.AnnAssign)
    if assigned and not _is_quick(statement.value, modules):
        return set()
    return syntax.defined(statement)


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


def as_python_cells(cells):
    """The same cells with sources that Python can run. One that takes too long stays as it is."""
    found = []
    for cell in cells:
        try:
            with TimeLimit(SECONDS):
                found.append(replace(cell, source=as_python(cell.source)))
        except OutOfTime:
            found.append(cell)
    return found
