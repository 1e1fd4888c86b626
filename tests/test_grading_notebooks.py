"""Notebooks are read whatever wrote them, and known by what is in them."""

import json
import os

import hostile
import pytest
from lesson_four import LEAKY, code, write

from mnist_course import runtime
from mnist_course.exercises import EXERCISES
from mnist_course.grading import notebooks
from mnist_course.grading.notebooks import Cell, Notebook, exercises_of


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[1]", b"{}", b'{"cells": 3}', b'{"nbformat": 4, "cells": 3}',
        b'{"nbformat": 4, "cells": [{"cell_type": "code"}]}', b"\xff",
        b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": 3}]}', b'{"nbformat": 3}',
        b"[" * 100_000,
        "{}".encode("utf-16"), b"<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> theirs\n",
    ],
)  # fmt: skip
def test_a_file_that_can_t_be_read_is_named_with_the_reason(tmp_path, content):
    path = tmp_path / "04_lesson.ipynb"
    path.write_bytes(content)
    with pytest.raises(runtime.CourseError, match=r"04_lesson.ipynb can't be read: \w"):
        notebooks.read(path)


@pytest.mark.skipif(os.name == "nt", reason="Windows has neither")
def test_what_is_no_ordinary_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.ipynb")
    (tmp_path / "endless.ipynb").symlink_to("/dev/zero")
    for name in ("pipe", "endless"):
        with pytest.raises(runtime.CourseError, match="no ordinary file"):
            notebooks.read(tmp_path / f"{name}.ipynb")


def test_a_byte_order_mark_and_an_older_format_are_read(tmp_path):
    path = write(tmp_path / "04_lesson.ipynb", code(LEAKY, "leaky-relu"))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert notebooks.read(path).cells[0].source == LEAKY
    cell = {"cell_type": "code", "input": LEAKY, "language": "python", "outputs": []}
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": [cell]}]}
    path.write_text(json.dumps(old))
    assert notebooks.read(path).cells[0].source == LEAKY


# --- to which exercises a notebook belongs -----------------------------------------------------


def lessons(*names):
    """The lessons of a notebook that defines functions of these names, and has no ids."""
    cells = tuple(Cell(f"def {name}(*values):\n    return 1", "", "") for name in names)
    return {EXERCISES[name].lesson for name in exercises_of(Notebook("", cells, "05"), EXERCISES)}


def test_a_name_of_one_lesson_alone():
    assert lessons("leaky_relu") == {"04"}


def test_a_name_that_several_lessons_use_says_nothing():
    assert EXERCISES["kernel-experiment"].reference.__name__ == "experiment"
    assert lessons("leaky_relu", "experiment") == {"04"}
    assert lessons("experiment") == {"05"}  # by the notebook's title


def lessons_of(folder, content, name="notebook.ipynb"):
    path = folder / name
    path.write_text(json.dumps(content), encoding="utf-8")
    found = exercises_of(notebooks.read(path), EXERCISES)
    return {EXERCISES[name].lesson for name in found}


def test_a_notebook_is_known_by_ids_then_by_names_then_by_its_title(tmp_path):
    bare = hostile.pasted("x = 1")
    assert lessons_of(tmp_path, bare) == set()
    assert lessons_of(tmp_path, bare, "Copy of 03_lenet (2).ipynb") == {"03"}
    answer = hostile.pasted(hostile.RIGHT)
    assert lessons_of(tmp_path, answer, "03_lenet.ipynb") == {"04"}
    checked = hostile.pasted("check( 'one-cycle-rate', mine)")
    assert lessons_of(tmp_path, checked) == {"05"}
    both = hostile.pasted("def read_labels(content):\n    return 1", hostile.RIGHT)
    assert lessons_of(tmp_path, both) == {"01", "04"}
    ids = hostile.notebook(hostile.cell("def read_labels(content):\n    return 1"))
    assert lessons_of(tmp_path, ids) == {"04"}


def test_an_example_in_prose_is_not_read_as_code(tmp_path):
    prose = "Look at this:\n```python\ndef leaky_relu(inputs, slope):\n    return inputs\n```"
    assert lessons_of(tmp_path, hostile.pasted("x = 1")) == set()
    content = hostile.notebook(hostile.cell(prose, "", "markdown"))
    path = tmp_path / "04.ipynb"
    path.write_text(json.dumps(content), encoding="utf-8")
    assert notebooks.read(path).cells == ()
    assert notebooks.read(path).remarks == ()
