"""Exercises in the lessons: what students get, what the solved notebooks hold, and strict mode."""

import ast
import contextlib
import doctest
import inspect
import json
import os
import re
import subprocess
import sys
from collections import Counter

import make_notebooks
import nbformat
import pytest
import render
from make_notebooks import BEGIN, END
from nbformat.v4 import new_code_cell, new_notebook

from mnist_course import checks
from mnist_course.assessment import display
from mnist_course.assessment.verdict import Verdict
from mnist_course.exercises import CONTENTS
from mnist_course.grading import answers
from mnist_course.grading.notebooks import Cell

LESSONS = sorted(make_notebooks.LESSONS.glob("*.py"))
every_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
every_exercise = pytest.mark.parametrize("name", checks.EXERCISES)
LINK = r"\]\(#((?:[^()\s]|\([^()\s]*\))+)\)"  # brackets in pairs

STUDENT = {lesson.stem: make_notebooks.build(lesson) for lesson in LESSONS}
SOLVED = {lesson.stem: make_notebooks.build(lesson, solved=True) for lesson in LESSONS}


def graded(notebook):
    """The cells of a notebook that carry nbgrader's metadata, by grade_id."""
    return {
        cell.metadata["nbgrader"]["grade_id"]: cell
        for cell in notebook.cells
        if "nbgrader" in cell.metadata
    }


def of_exercise(name, notebooks):
    """The notebook that holds an exercise, and its answer cell."""
    [notebook] = [one for one in notebooks.values() if name in graded(one)]
    return notebook, graded(notebook)[name]


def namespace(notebook, cell, more=""):
    """The names that there are when a cell has run: its own, and what it and more code need."""
    names = {}
    cells = [Cell(one.source, one.id, "") for one in notebook.cells if code(one)]
    [own] = [one for one in cells if one.id == cell.id]
    for statement in answers.prelude(cells, [own, Cell(more, "", "")]):
        with contextlib.suppress(NameError):  # what is only computed, as in the worker
            exec(statement, names)
    exec(cell.source, names)
    return names


def code(cell):
    return cell.cell_type == "code"


# --- the parts of an exercise -------------------------------------------------------------


@every_lesson
def test_a_lesson_has_three_to_seven_exercises_in_the_order_of_the_table(lesson):
    wanted = [one for one in checks.EXERCISES.values() if one.lesson == lesson.stem[:2]]
    assert 3 <= len(wanted) <= 7
    assert len({one.points for one in wanted}) > 1, "graded in difficulty"
    cells = STUDENT[lesson.stem].cells
    order = [cell.id for cell in cells if "nbgrader" in cell.metadata]
    assert order == [id for one in wanted for id in (one.name, f"check-{one.name}")]
    for number, exercise in enumerate(wanted, start=1):
        assert exercise.number == f"{lesson.stem[:2]}.{number}"
        index = next(i for i, cell in enumerate(cells) if cell.id == exercise.name)
        heading, _, check = cells[index - 1 : index + 2]
        assert heading.source.startswith(f"### Exercise {exercise.number}: {exercise.title}\n")
        function = exercise.reference.__name__
        assert check.source == f'check("{exercise.name}", {function})'
        sections = make_notebooks.sections(make_notebooks.jupytext.read(lesson).cells)
        assert exercise.sections == sections
        assert exercise.section in sections


def test_contents_are_those_of_the_lessons():
    stored = json.loads(CONTENTS.read_text(encoding="utf-8"))
    assert stored == make_notebooks.contents(LESSONS), "make notebooks"


@every_exercise
def test_every_link_of_a_hint_leads_to_a_section_of_its_lesson(name):
    exercise = checks.EXERCISES[name]
    texts = [*exercise.hints, *(mistake.hint for mistake in exercise.mistakes)]
    for text in texts:
        assert "](#" not in display.plain(text, exercise.sections)
        assert not re.search(r"[Ss]ection \d", text), "a number that changes with the lesson"


@every_lesson
def test_links_lead_to_headings_of_the_notebook(lesson):
    cells = [one for one in STUDENT[lesson.stem].cells if not code(one)]
    headings = {
        display.anchor(heading)
        for cell in cells
        for heading in re.findall(r"^#+ (.+)$", cell.source, re.MULTILINE)
    }
    links = {link for cell in cells for link in re.findall(LINK, cell.source)}
    assert links
    assert links <= headings
    for cell in cells:
        assert not re.search(r"\{#|\]\(#\)", cell.source)


@pytest.mark.parametrize(
    ("source", "built"),
    [
        ("## 7. Pooling {#pooling}\ntext", "## 7. Pooling\ntext"),
        ("see [](#pooling).", "see [section 7](#7.-Pooling)."),
        ("[Section](#pooling) says", "[Section 7](#7.-Pooling) says"),
        ("[windows](#pooling)", "[windows](#7.-Pooling)"),
        ("[`eval`](#modes)", "[`eval`](#10.-train()-and-eval())"),
    ],
)
def test_ids_become_what_jupyterlab_jumps_to(source, built):
    headings = {"pooling": "7. Pooling", "modes": "10. `train()` and `eval()`"}
    assert make_notebooks.linked(source, headings) == built


def test_an_id_that_is_not_there_or_stands_twice_is_refused():
    with pytest.raises(KeyError):
        make_notebooks.linked("[](#nowhere)", {"pooling": "7. Pooling"})
    twice = [nbformat.v4.new_markdown_cell(f"## {n}. A {{#a}}") for n in (1, 2)]
    with pytest.raises(ValueError, match="stands twice"):
        make_notebooks.sections(twice)


@every_exercise
def test_a_stub_is_the_solution_without_the_marked_lines(name):
    _, solved = of_exercise(name, SOLVED)
    _, stub = of_exercise(name, STUDENT)
    assert solved.source.count(BEGIN) == solved.source.count(END) == 1
    before, rest = solved.source.split(BEGIN)
    after = rest.split(END)[1]
    assert stub.source == (before.rstrip(" ") + after.lstrip("\n")).rstrip()
    assert stub.source != solved.source


@every_lesson
def test_all_other_cells_are_the_same_in_both(lesson):
    student, solved = STUDENT[lesson.stem], SOLVED[lesson.stem]
    exercises = {name for name in checks.EXERCISES if name in graded(student)}
    for ours, theirs in zip(solved.cells, student.cells, strict=True):
        assert ours.id == theirs.id
        assert ours.metadata == theirs.metadata
        assert (ours.source == theirs.source) != (ours.id in exercises)


@every_exercise
def test_a_stub_is_recognised_and_has_the_reference_s_form(name):
    exercise = checks.EXERCISES[name]
    notebook, stub = of_exercise(name, STUDENT)
    function = namespace(notebook, stub)[exercise.reference.__name__]
    assert checks.judge(name, function).verdict is Verdict.UNSOLVED
    assert inspect.getdoc(function)
    assert list(inspect.signature(function).parameters) == list(
        inspect.signature(exercise.reference).parameters
    )


@every_exercise
def test_the_worked_example_is_right(name):
    notebook, solved = of_exercise(name, SOLVED)
    text = ast.get_docstring(ast.parse(solved.source).body[-1])
    example = doctest.DocTestParser().get_doctest(text, {}, name, None, None)
    assert example.examples
    code_of_it = "".join(one.source for one in example.examples)
    example.globs = namespace(notebook, solved, code_of_it)
    report = []
    result = doctest.DocTestRunner().run(example, out=report.append)
    assert result.failed == 0, "".join(report)


@every_exercise
def test_the_solution_passes_its_check_in_strict_mode(name, monkeypatch):
    monkeypatch.setenv("MNIST_COURSE_STRICT", "1")
    notebook, solved = of_exercise(name, SOLVED)
    names = {**namespace(notebook, solved), "check": checks.check}
    exec(graded(notebook)[f"check-{name}"].source, names)  # else it raises NotPassed
    monkeypatch.setattr(checks, "EXERCISES", {})
    with pytest.raises(checks.NotPassed):
        exec(graded(notebook)[f"check-{name}"].source, names)


# --- no solution gets out -----------------------------------------------------------------


def solution_lines(lesson):
    """The marked lines of a lesson that stand nowhere else in it, as they are told apart."""
    text = lesson.read_text(encoding="utf-8")
    blocks = re.findall(rf"{BEGIN}\n(.*?){END}", text, re.DOTALL)
    others = re.sub(rf"{BEGIN}\n.*?{END}", "", text, flags=re.DOTALL)
    lines = {line.strip() for block in blocks for line in block.splitlines()}
    return {line for line in lines if len(line) > 20 and line not in others}


@every_lesson
def test_no_solution_is_in_the_notebook_file(lesson):
    """In no cell, output, metadata or attachment: nowhere in the text of the file."""
    text = (make_notebooks.NOTEBOOKS / f"{lesson.stem}.ipynb").read_text(encoding="utf-8")
    assert not re.search("(BEGIN|END) SOLUTION", text)
    hidden = solution_lines(lesson)
    assert hidden
    for line in hidden:
        assert json.dumps(line, ensure_ascii=False)[1:-1] not in text
    assert not re.search("(BEGIN|END) SOLUTION", nbformat.writes(STUDENT[lesson.stem]))


def test_the_site_shows_what_students_have():
    assert render.NOTEBOOKS == make_notebooks.NOTEBOOKS != make_notebooks.SOLUTIONS


@pytest.mark.parametrize(
    "source",
    [BEGIN, END, f"{END}\n{BEGIN}", f"{BEGIN}\n{BEGIN}\n{END}", f"{BEGIN}\n1\n{END}\n{END}"],
)
def test_a_mark_without_its_partner_is_refused(source):
    with pytest.raises(ValueError, match="without its partner"):
        make_notebooks.without_solution(source)


CHECK = 'check("leaky-relu", leaky_relu)'


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ([CHECK], "no answer stands before"),
        ([f"{BEGIN}\n{END}"], "no check stands after"),
        ([f"{BEGIN}\n{END}", f"{BEGIN}\n{END}", CHECK], "no check stands after"),
        ([f"{BEGIN}\n{END}", CHECK, CHECK], "no answer stands before"),
    ],
)
def test_an_exercise_without_one_of_its_parts_is_refused(cells, reason):
    with pytest.raises(ValueError, match=reason):
        list(make_notebooks.exercise_cells([new_code_cell(source) for source in cells]))


# --- nbgrader's metadata ------------------------------------------------------------------

# Schema 3, as nbgrader's own nbgraderformat/v3.json states it: keys, and the type of each.
KEYS = {
    "schema_version": int, "grade": bool, "solution": bool, "locked": bool, "task": bool,
    "grade_id": str, "points": int,
}  # fmt: skip


@every_lesson
def test_metadata_follows_nbgrader_s_schema_3(lesson):
    for cell in STUDENT[lesson.stem].cells:
        if "nbgrader" not in cell.metadata:
            assert cell.metadata == {}
            continue
        metadata = cell.metadata["nbgrader"]
        assert metadata["schema_version"] == 3
        assert metadata.keys() <= KEYS.keys()
        assert metadata.keys() >= KEYS.keys() - {"points"}
        for key, value in metadata.items():
            assert type(value) is KEYS[key]
        assert re.fullmatch(r"[a-zA-Z0-9_-]+", metadata["grade_id"])
        assert code(cell)  # a markdown cell would have to be graded and solution at once
        assert not metadata["task"]  # a task is a markdown cell
        assert ("points" in metadata) == metadata["grade"]
        name = metadata["grade_id"].removeprefix("check-")
        if metadata["solution"]:
            assert (metadata["grade"], metadata["locked"]) == (False, False)
            assert cell.metadata["editable"]
        else:
            assert (metadata["grade"], metadata["locked"]) == (True, True)
            assert metadata["points"] == checks.EXERCISES[name].points > 0
            assert not cell.metadata["editable"]
        assert not cell.metadata["deletable"]


def test_grade_ids_are_unique_in_the_whole_course():
    found = Counter(
        cell.metadata["nbgrader"]["grade_id"]
        for notebook in STUDENT.values()
        for cell in notebook.cells
        if "nbgrader" in cell.metadata
    )
    assert set(found.values()) == {1}
    assert found.keys() == {*checks.EXERCISES, *(f"check-{name}" for name in checks.EXERCISES)}


def test_ids_stay_when_a_cell_changes(tmp_path):
    lesson = LESSONS[3]
    changed = tmp_path / lesson.name
    text = lesson.read_text(encoding="utf-8")
    changed.write_text(text.replace("def leaky_relu(inputs,", "def leaky_relu(x,"))
    assert graded(make_notebooks.build(changed)).keys() == graded(STUDENT[lesson.stem]).keys()


def test_solved_notebooks_are_written_with_the_outputs_that_students_have(tmp_path):
    lesson = LESSONS[3]
    make_notebooks.make_solved(lesson, tmp_path)
    solved = nbformat.read(tmp_path / f"{lesson.stem}.ipynb", as_version=4)
    nbformat.validate(solved)
    assert BEGIN in graded(solved)["leaky-relu"].source
    for cell in solved.cells:
        if code(cell):
            assert bool(cell.outputs) == (make_notebooks.CHECKED in cell.source)
            ast.parse(cell.source)


# --- strict mode --------------------------------------------------------------------------


def nbval(path, **environment):
    """Run a notebook as a student's own test would be run, in the folder where it lies."""
    options = [
        "--nbval-current-env",
        "--nbval-cell-timeout=60",
        "--nbval-kernel-startup-timeout=60",
    ]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval-lax", "-q", "-p", "no:cacheprovider", *options,
         path.name],
        cwd=path.parent, env={**os.environ, "MNIST_COURSE_STRICT": "0", **environment},
        capture_output=True, text=True,
    )  # fmt: skip


def test_strict_mode_fails_the_cells_of_checks_that_are_not_passed(tmp_path):
    imports = new_code_cell("import torch\nfrom mnist_course.checks import check")
    student, solved = STUDENT[LESSONS[3].stem], SOLVED[LESSONS[3].stem]
    right = [graded(solved)[name] for name in ("leaky-relu", "check-leaky-relu")]
    stub = [graded(student)[name] for name in ("running-mean", "check-running-mean")]
    wrong = [
        new_code_cell("def last_epoch(accuracies, patience):\n    return accuracies[99]"),
        graded(solved)["check-early-stopping"],
    ]
    end = new_code_cell("print('the end of the lesson')")
    path = tmp_path / "04_mine.ipynb"
    nbformat.write(new_notebook(cells=[imports, *right, *stub, *wrong, end]), path)
    relaxed = nbval(path)
    assert relaxed.returncode == 0, relaxed.stdout
    assert "8 passed" in relaxed.stdout
    strict = nbval(path, MNIST_COURSE_STRICT="1")
    assert strict.returncode == 1
    assert "2 failed, 6 passed" in strict.stdout
    assert "Line 2: `return accuracies[99]`" in strict.stdout
    for name in ("running-mean", "early-stopping"):
        exercise = checks.EXERCISES[name]
        assert exercise.title in strict.stdout
