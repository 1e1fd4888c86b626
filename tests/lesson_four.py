"""Notebooks of lesson 04 for the tests, and what becomes of the answers in them."""

import json
import sys
from unittest import mock

from mnist_course.cli import points
from mnist_course.exercises import EXERCISES
from mnist_course.grading import answers, findings, notebooks, worker

RIGHT, WRONG, UNSOLVED = "right", "not right yet", "not solved yet"

LEAKY = """
def leaky_relu(inputs, slope):
    return torch.where(inputs > 0, inputs, slope * inputs)
"""
STUB = 'def leaky_relu(inputs, slope):\n    """The contract."""\n'
STOP = """
def last_epoch(accuracies, patience):
    best, waited = -1, 0
    for epoch, accuracy in enumerate(accuracies, start=1):
        waited = 0 if accuracy > best else waited + 1
        best = max(best, accuracy)
        if waited == patience:
            return epoch
    return len(accuracies)
"""
GAIN = """
def root(number):
    return number ** 0.5

def gain_and_spread(base, new):
    variances = [statistics.variance(runs) / len(runs) for runs in (base, new)]
    return statistics.mean(new) - statistics.mean(base), root(sum(variances))
"""
IMPORTS = "import statistics\nimport torch\nfrom no_such_package import nothing\n"

RELU = "def leaky_relu(inputs, slope):\n    return torch.relu(inputs)"


def code(source, id="x", grade_id=None, outputs=()):
    metadata = {"nbgrader": {"grade_id": grade_id}} if grade_id else {}
    return {
        "cell_type": "code", "source": source, "id": id, "metadata": metadata,
        "outputs": list(outputs), "execution_count": 1,
    }  # fmt: skip


def write(path, *cells):
    prose = {"cell_type": "markdown", "source": "Read this.", "id": "p", "metadata": {}}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [prose, *cells]}
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path


def judged(tmp_path, *cells, names=None, apart=False):
    """What became of exercises of lesson 04 in a notebook of these cells: (word, reason) by name.

    apart: in a process of its own, as `progress` does, which takes seconds to start.
    """
    notebook = notebooks.read(write(tmp_path / "04_lesson.ipynb", code(IMPORTS), *cells))
    if names is None:
        texts = " ".join(f"{cell.source} {cell.id} {cell.grade_id}" for cell in notebook.cells)
        lesson = [one for one in EXERCISES.values() if one.lesson == "04"]
        names = [n.name for n in lesson if n.name in texts or n.reference.__name__ in texts]
    if apart:
        return {name: shown(one) for name, one in points.judged(notebook, names).items()}
    cells, found = answers.as_python_cells(notebook.cells), {}
    with mock.patch.dict(sys.modules):  # the cells have a `__main__` of their own
        for name in names:
            told = worker.told(cells, EXERCISES[name], EXERCISES[name].cases)
            told = json.loads(json.dumps(told))
            found[name] = shown(findings.best(findings.judged(EXERCISES[name], told)))
    return found


def shown(finding):
    """The word and the reason that the table of points shows."""
    return points.word(finding), finding.remark


def words(tmp_path, *cells):
    return {name: word for name, (word, _) in judged(tmp_path, *cells).items()}


def word(tmp_path, *cells, name="leaky-relu"):
    return judged(tmp_path, *cells, names=[name])[name][0]


def reason(tmp_path, *cells, name="leaky-relu"):
    return judged(tmp_path, *cells, names=[name])[name][1]


def cells_of(path):
    return answers.as_python_cells(notebooks.read(path).cells)
