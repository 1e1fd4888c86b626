"""The exercises as the sandbox sees them: cases, but neither right answers nor mistakes.

The worker needs the inputs of the cases, and what makes arguments of them. The right answers stand
in the same modules, so an answer could call them. Therefore other texts of these modules lie over
them in the sandbox.
"""

import ast
import functools
from pathlib import Path

from mnist_course.grading import syntax

EXERCISES = Path(__file__).parents[1] / "exercises"
NOT_HERE = 'raise RuntimeError("the right answers are not here")'


def write(folder):
    """Write the package `exercises` into a folder, without answers."""
    for name, text in _texts().items():
        (folder / name).write_text(text, encoding="utf-8")


@functools.cache
def _texts():
    """The files of the package by name."""
    paths = [path for path in EXERCISES.iterdir() if path.suffix in (".py", ".json")]
    return {path.name: without_answer(path.read_text(encoding="utf-8")) for path in sorted(paths)}


def without_answer(source):
    """The text of an exercise's module with `EXERCISE`, what that needs, and an empty answer.

    Of a module that holds answers alone, nothing is left but names. Other texts stay as they are.
    """
    if "\nMISTAKES = " in source:
        return _names_alone(source)
    if "@EXERCISE.answer" not in source:
        return source
    statements = ast.parse(source).body
    [answer] = [one for one in statements if "EXERCISE.answer" in _decorators(one)]
    kept = syntax.needed([one for one in statements if one is not answer], {"EXERCISE"})
    _empty(answer)
    kept += [answer, *(one for one in statements if isinstance(one, ast.Import | ast.ImportFrom))]
    return ast.unparse(ast.Module([one for one in statements if one in kept], []))


def _names_alone(source):
    """The text of a module with empty functions, and nothing in its tables."""
    kept: list[ast.stmt] = []
    for one in ast.parse(source).body:
        if isinstance(one, ast.FunctionDef):
            _empty(one)
            kept.append(one)
        elif isinstance(one, ast.Assign):
            one.value = ast.Tuple([], ast.Load())
            kept.append(one)
    return ast.unparse(ast.Module(kept, []))


def _decorators(statement):
    return [ast.unparse(one) for one in getattr(statement, "decorator_list", ())]


def _empty(answer):
    """Replace the bodies of a function, or of a class's methods."""
    for one in ast.walk(answer):
        if isinstance(one, ast.FunctionDef):
            one.body = ast.parse(NOT_HERE).body
