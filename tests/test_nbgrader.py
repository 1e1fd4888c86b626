"""nbgrader takes a solved lesson as it is, by its own commands, and its scores are right."""

import csv
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import make_notebooks
import nbformat
import pytest

from mnist_course.exercises import EXERCISES

ROOT = Path(__file__).parent.parent
LESSON = "02_convolution_and_pooling"
OURS = {name: one for name, one in EXERCISES.items() if one.lesson == "02"}
SOLVED = {"untouched": [], "partly": list(OURS)[:2], "fully": list(OURS)}

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("nbgrader") is None, reason="nbgrader is not installed"
)


@pytest.fixture(scope="module")
def nbgrader(tmp_path_factory):
    """Runs a command of nbgrader's in the folder of a course, and returns what it said."""
    folder = tmp_path_factory.mktemp("a course")
    (folder / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.course_id = 'digits'\nc.Execute.timeout = 600\n"
    )
    scripts = os.path.dirname(sys.executable)  # it starts alembic by its bare name
    environment = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    environment |= {"MNIST_COURSE_QUICK": "1"}
    environment.pop("MNIST_COURSE_STRICT", None)

    def run(*words):
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *words],
            cwd=folder, env=environment, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stderr

    run.folder = folder
    return run


@pytest.fixture(scope="module")
def source(nbgrader):
    """The path of the solved notebook, as the source of an assignment."""
    folder = nbgrader.folder / "source" / LESSON
    make_notebooks.make_solved(ROOT / "lessons" / f"{LESSON}.py", folder)
    return folder / f"{LESSON}.ipynb"


@pytest.fixture(scope="module")
def released(nbgrader, source):
    """The path of the notebook that nbgrader hands out."""
    nbgrader("generate_assignment", LESSON, "--create")
    return nbgrader.folder / "release" / LESSON / f"{LESSON}.ipynb"


def read(path):
    return nbformat.read(path, as_version=4)


def hand_in(folder, released, source, names):
    """Put a submission into a folder, with the right answers to these exercises."""
    notebook, solved = read(released), {cell.id: cell.source for cell in read(source).cells}
    for cell in notebook.cells:
        if cell.id in names:
            cell.source = solved[cell.id]
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / released.name)


def test_students_get_our_cells_without_solutions(released):
    ours = read(ROOT / "notebooks" / f"{LESSON}.ipynb")
    cells = read(released).cells
    assert [cell.id for cell in cells] == [cell.id for cell in ours.cells]
    text = "\n".join(cell.source for cell in cells)
    assert "SOLUTION" not in text
    assert text.count("raise NotImplementedError()") == len(OURS)


def test_untouched_partly_and_fully_solved_submissions_get_their_points(nbgrader, released, source):
    for student, names in SOLVED.items():
        hand_in(nbgrader.folder / "submitted" / student / LESSON, released, source, names)
    nbgrader("autograde", LESSON)
    nbgrader("export")
    with open(nbgrader.folder / "grades.csv", encoding="utf-8", newline="") as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert scores == {
        student: sum(OURS[name].points for name in names) for student, names in SOLVED.items()
    }
    nbgrader("generate_feedback", LESSON)
    page = nbgrader.folder / "feedback" / "partly" / LESSON / f"{LESSON}.html"
    assert "Not solved yet" in page.read_text(encoding="utf-8")
