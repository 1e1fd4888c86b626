"""The course's own answers as a student would hand them in: each as the source of a cell.

They are what is graded first of all. Unless they score full marks, something is wrong with the
machine or with the teacher's cases, and no student may pay for that.
"""

import ast
import importlib
import inspect
import json
import sys
from pathlib import PurePosixPath

from mnist_course.grading import syntax
from mnist_course.grading.submissions import File, Submission

NAME = "the course's own solutions"


def submission(exercises):
    """A `Submission` of the solutions to these exercises, a notebook for each lesson."""
    files = []
    for lesson in sorted({one.lesson for one in exercises}):
        cells = [_cell(one.name, source(one)) for one in exercises if one.lesson == lesson]
        notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
        files.append(_file(f"{lesson}_a.ipynb", json.dumps(notebook).encode()))
    return Submission(NAME, files=files)


def _file(name, content):
    return File(PurePosixPath(name), len(content), lambda: content)


def _cell(name, source):
    return {
        "cell_type": "code", "id": name, "metadata": {}, "source": source, "outputs": [],
        "execution_count": None,
    }  # fmt: skip


def source(exercise):
    """The source of an exercise's right answer, with the imports and helpers that it needs."""
    reference = exercise.reference
    return "\n".join(_needed(sys.modules[reference.__module__], {reference.__name__}))


def _needed(module, wanted):
    """Texts of the statements of a module that define the wanted names, and what those need."""
    statements = [_undecorated(one) for one in ast.parse(inspect.getsource(module)).body]
    kept = syntax.needed(statements, wanted)
    wanted = wanted.union(*map(syntax.named, kept))
    found: list[str] = []
    for statement in kept:
        origin = statement.module or "" if isinstance(statement, ast.ImportFrom) else ""
        if origin.startswith("mnist_course.exercises."):  # a student can't import a solution
            names = {alias.name for alias in statement.names} & wanted
            found += _needed(importlib.import_module(origin), names)
        elif not origin.startswith("mnist_course."):
            found.append(ast.unparse(statement))
    return found


def _undecorated(statement):
    """A statement of a module without the mark that makes its function the exercise's answer."""
    if isinstance(statement, ast.FunctionDef):
        kept = [one for one in statement.decorator_list if "EXERCISE" not in ast.unparse(one)]
        statement.decorator_list = kept
    return statement
