"""A class of students for the tests of grading: who hands in what, and as a platform packs it."""

import json
import threading
import zipfile
from unittest import mock

from mnist_course.assessment import hidden_cases
from mnist_course.exercises import EXERCISES
from mnist_course.grading import answers, supervision, worker
from mnist_course.grading.examination import examine
from mnist_course.grading.solutions import source


def notebook(sources):
    """The bytes of a notebook with these answers: sources by exercise."""
    cells = [
        {"cell_type": "code", "id": name, "metadata": {}, "source": text, "outputs": [],
         "execution_count": None}
        for name, text in sources.items()
    ]  # fmt: skip
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()


def right(name):
    """A right answer to an exercise, as the source of a cell."""
    return source(EXERCISES[name])


def wrong(name):
    """An answer that gives nothing that is asked for."""
    return f"def {EXERCISES[name].reference.__name__}(*values):\n    return 'nothing'"


def stub(name):
    """An exercise that nobody has begun."""
    return f"def {EXERCISES[name].reference.__name__}(*values):\n    ..."


def first(lesson, count=2):
    """The names of the first exercises of a lesson."""
    return [name for name, one in EXERCISES.items() if one.lesson == lesson][:count]


def handed_in(student, lessons):
    """What student number so-and-so has in each lesson: (file, bytes). Some have nothing."""
    kinds = (right, right, wrong, stub)
    for lesson in lessons:
        if (student + int(lesson)) % 7 == 0:
            continue  # not handed in
        sources = {
            name: kinds[(student * (place + 1) + int(lesson)) % 4](name)
            for place, name in enumerate(first(lesson))
        }
        yield f"{lesson}_lesson.ipynb", notebook(sources)


def pack(path, students, lessons):
    """Write a class as Moodle's zip of all submissions. Returns its path."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for student in range(students):
            folder = f"Student {student:02}_{1000 + student}_assignsubmission_file"
            archive.writestr(f"{folder}/readme.txt", "Please find my work enclosed.")
            for name, content in handed_in(student, lessons):
                archive.writestr(f"{folder}/{name}", content)
    return path


_one_at_a_time = threading.Lock()  # what is replaced below is the whole process's


class Here:
    """Examines in this process, where the answers are trusted: quick, and the judge is the same."""

    def __init__(self):
        self.asked = []  # names of exercises, for each submission
        self.is_ended = False

    def ask(self, folder, paths, names, cases):
        self.asked.append(sorted(names))
        with _one_at_a_time, mock.patch.object(supervision, "Session", SessionHere):
            return json.loads(json.dumps(examine(folder, paths, names, cases).encoded()))

    def end(self):
        self.is_ended = True


class SessionHere:
    """Runs answers in this process, in place of a worker."""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def run(self, cells, names, folder, cases):
        cells, told = answers.as_python_cells(cells), {}
        with mock.patch.dict("sys.modules"):  # the cells have a `__main__` of their own
            for name in names:
                exercise = EXERCISES[name]
                hidden = hidden_cases.decoded(exercise, cases.get(name, []))
                told[name] = worker.told(cells, exercise, (*exercise.cases, *hidden))
        return json.loads(json.dumps(told))
