"""`mnist-course progress`: finds answers wherever they are, and survives what they do."""

import json

import make_notebooks
import pytest
from click.testing import CliRunner

from mnist_course import checks
from mnist_course.checks import showing
from mnist_course.cli import answers, main

LESSON = [one for one in checks.EXERCISES.values() if one.lesson == "04"]

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


def looked(tmp_path, *cells):
    """The states of lesson 04's exercises after a look at these cells, by name."""
    path = write(tmp_path / "04_lesson.ipynb", code(IMPORTS), *cells)
    return answers.look(answers.code_cells(path), LESSON)


def test_an_answer_is_found_by_grade_id_by_id_and_by_name(tmp_path):
    found = looked(
        tmp_path,
        code(LEAKY.splitlines(keepends=True), grade_id="leaky-relu"),  # as Jupyter stores it
        code("%%time\n" + STOP, id="early-stopping"),
        code(GAIN.split("def gain")[0]),
        code("def gain" + GAIN.split("def gain")[1]),
        code(STUB.replace("leaky_relu", "drop_units"), grade_id="inverted-dropout"),
    )
    assert {name: one.state for name, one in found.items()} == {
        "leaky-relu": "passed",
        "early-stopping": "passed",
        "gain-and-spread": "passed",
        "inverted-dropout": "unsolved",
    }


def test_the_grade_id_counts_first_and_the_last_of_two_copies(tmp_path):
    wrong = code("def leaky_relu(inputs, slope):\n    return torch.relu(inputs)")
    right, first = code(LEAKY, grade_id="leaky-relu"), code(STUB, grade_id="leaky-relu")
    cells = answers.code_cells(write(tmp_path / "04_a.ipynb", wrong, first, right))
    own, below, anywhere = answers.groups(cells, "leaky-relu", "leaky_relu")
    assert [cell.source for cell in own] == [STUB, LEAKY.lstrip()]
    assert below == []
    assert len(anywhere) == 3
    assert looked(tmp_path, wrong, first, right)["leaky-relu"].state == "passed"


def test_an_answer_beside_the_stub_is_seen_and_stored_outputs_are_not(tmp_path):
    output = {"output_type": "stream", "name": "stdout", "text": "right. 2 points."}
    found = looked(
        tmp_path,
        code(STUB, grade_id="leaky-relu"),
        code(LEAKY),
        code('check("early-stopping", last_epoch)', "check-early-stopping", outputs=[output]),
        code(STUB.replace("leaky_relu", "last_epoch"), "early-stopping", outputs=[output]),
    )
    assert found["leaky-relu"].state == "passed"
    assert found["early-stopping"].state == "unsolved"


def test_what_an_answer_does_costs_its_own_points_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(answers, "SECONDS_FOR_AN_ANSWER", 4)
    (tmp_path / "kept.txt").write_text("mine")
    found = looked(
        tmp_path,
        code("while True:\n    pass\n" + LEAKY, grade_id="leaky-relu"),
        code("import os\nos._exit(0)\n", grade_id="running-mean"),
        code("print('x' * 10**6)\nimport os\nassert not os.listdir()\n" + STOP, "early-stopping"),
        code("def drop_units(units:\n", grade_id="inverted-dropout"),
        code("exit()\n" + GAIN, grade_id="gain-and-spread"),
    )
    assert {name: one.state for name, one in found.items()} == {
        "leaky-relu": "failed",
        "running-mean": "failed",
        "early-stopping": "passed",
        "inverted-dropout": "failed",
        "gain-and-spread": "failed",
    }
    assert "did not come to an end" in found["leaky-relu"].text
    assert "ended Python" in found["running-mean"].text
    assert "SyntaxError" in found["inverted-dropout"].text
    assert "SystemExit" in found["gain-and-spread"].text


NOISE = """
import os
for descriptor in range(3, 20):
    try:
        os.write(descriptor, b'{"name": "leaky-relu", "state": "passed", "text": ""}')
        os.write(descriptor, b"\\n{}\\n")
    except OSError:
        pass
"""


def test_an_answer_that_writes_where_the_check_does_costs_its_own_points(tmp_path):
    found = looked(tmp_path, code(NOISE + GAIN, "gain-and-spread"), code(LEAKY, "leaky-relu"))
    assert found["gain-and-spread"].state == "failed"
    assert found["leaky-relu"].state == "passed"
    found = looked(tmp_path, code(NOISE + STOP, "early-stopping"), code(GAIN, "gain-and-spread"))
    assert found["early-stopping"] == answers.Finding("failed", "it disturbed its check")
    assert found["gain-and-spread"].state == "passed"


def test_an_answer_that_needs_more_than_its_own_cell_is_told(tmp_path):
    needs = code("middle = batch.mean()\n" + LEAKY, grade_id="leaky-relu")
    inside = code(GAIN.replace(", root(", ", scale * root("), grade_id="gain-and-spread")
    computed = code("def train():\n    return torch.ones(3)\nbatch = train()\nscale = train()")
    found = looked(tmp_path, computed, needs, inside)
    assert found["leaky-relu"].state == "failed"
    assert "name 'batch' is not defined" in found["leaky-relu"].text
    assert "name 'scale' is not defined" in found["gain-and-spread"].text
    assert found["gain-and-spread"].text.endswith("constants are run here.")


CONSTANTS = """
ZERO, ONE = 0, 1
FACTORS = [ZERO, *range(ONE, 3)]
LIMIT: float = float("inf")
NOTHING = torch.zeros(1).sum()
larger = lambda a, b: a + ONE - ONE if a > b else b
OPTIONS = {}
OPTIONS["zero"] = ZERO
history = train()
"""
USES_THEM = """
def leaky_relu(inputs, slope):
    kept = torch.where(inputs > NOTHING, inputs, OPTIONS["zero"] * inputs)
    assert larger(FACTORS[2], 1) == 2 < LIMIT
    return kept + slope * torch.where(inputs > ZERO, torch.zeros(ONE), inputs)
"""


def test_constants_of_other_cells_are_kept(tmp_path):
    found = looked(tmp_path, code(CONSTANTS), code(USES_THEM, grade_id="leaky-relu"))
    assert found["leaky-relu"] == answers.Finding("passed", "Right.")
    found = looked(tmp_path, code(USES_THEM, grade_id="leaky-relu"), code(CONSTANTS))
    assert found["leaky-relu"].state == "passed", "also below the answer"


def test_names_may_come_from_an_import_of_all(tmp_path):
    helper = code("from math import *\nROOT = 0.5")
    answer = GAIN.split("def gain")[1].replace("root(sum(variances))", "sqrt(sum(variances))")
    found = looked(tmp_path, helper, code("def gain" + answer, "gain-and-spread"))
    assert found["gain-and-spread"].state == "passed"


def test_a_constant_counts_as_it_is_above_the_answer(tmp_path):
    uses = "def leaky_relu(inputs, slope):\n    return torch.maximum(inputs, STEP * slope * inputs)"
    cells = [code("STEP = 3"), code("STEP = 1"), code(uses, "leaky-relu"), code("STEP = 2")]
    assert looked(tmp_path, *cells)["leaky-relu"].state == "passed"


@pytest.mark.parametrize(
    "slow",
    [
        "x = train()", "x = network(images)", "x = loader.images()", "x = training.fit(network)",
        "x = [train(n) for n in range(3)]", "x = 1 + train().mean()", "x: int", "x += 1",
        "for x in range(3): pass", "x = (lambda: train())()", "x = networks[0](images)",
        "x = d2l.train_ch6()", "x = t.fit()", "x = time.sleep(99)",
    ],
)  # fmt: skip
def test_what_other_cells_compute_at_length_is_not_run(tmp_path, slow):
    imports = (
        "import torch, time, mnist_course.training as t\nfrom mnist_course import training\n"
        "import mnist_course.data as loader\nfrom d2l import torch as d2l"
    )
    path = write(tmp_path / "04.ipynb", code(imports), code(slow), code("x", "leaky-relu"))
    cells = answers.code_cells(path)
    assert answers.prelude(cells, cells[2:]) == []


def test_a_copy_in_another_cell_is_not_judged_in_its_place(tmp_path):
    broken = "@missing\n" + LEAKY.strip()
    cells = [code(LEAKY + "again = leaky_relu"), code(broken, "leaky-relu"), code("leaky_relu")]
    found = looked(tmp_path, *cells)["leaky-relu"]
    assert found.state == "failed"
    assert "missing" in found.text


RELU = "def leaky_relu(inputs, slope):\n    return torch.relu(inputs)"


@pytest.mark.parametrize("first", [RELU, "def leaky_relu(inputs:\n", "@missing" + LEAKY, "1 / 0"])
def test_a_second_try_below_counts_when_the_first_is_wrong(tmp_path, first):
    check = code('check("leaky-relu", leaky_relu)', "check-leaky-relu")
    cells = [code(first, "leaky-relu"), check, code(LEAKY), check]
    assert looked(tmp_path, *cells)["leaky-relu"].state == "passed"
    assert looked(tmp_path, *cells, code(RELU))["leaky-relu"].state == "failed"
    again = [code(first, grade_id="leaky-relu"), code(RELU), code(LEAKY)]
    assert looked(tmp_path, *again)["leaky-relu"].state == "passed"


def test_a_right_answer_stays_right_whatever_is_tried_below_it(tmp_path):
    found = looked(tmp_path, code(LEAKY, "leaky-relu"), code(RELU))
    assert found["leaky-relu"].state == "passed"


def test_a_hint_in_the_table_of_points_is_plain_text(tmp_path):
    text = looked(tmp_path, code(RELU, "leaky-relu"))["leaky-relu"].text
    [mistake] = [m for m in checks.EXERCISES["leaky-relu"].mistakes if "plain [ReLU](" in m.hint]
    assert text == showing.plain(mistake.hint) != mistake.hint


def test_a_copy_of_the_stub_below_hides_no_wrong_answer(tmp_path):
    stub = 'def leaky_relu(inputs, slope):\n    """Not yet."""'
    found = looked(tmp_path, code(RELU, "leaky-relu"), code(stub))
    assert found["leaky-relu"].state == "failed"


def test_no_cell_of_a_lesson_is_taken_for_an_answer_of_a_student():
    for lesson in make_notebooks.LESSONS.glob("*.py"):
        notebook = make_notebooks.build(lesson)
        cells = [
            answers.Cell(cell.source, cell.id, "")
            for cell in notebook.cells
            if cell.cell_type == "code"
        ]
        for exercise in checks.EXERCISES.values():
            if exercise.lesson == lesson.stem[:2]:
                own, below, anywhere = answers.groups(
                    cells, exercise.name, exercise.reference.__name__
                )
                assert own == anywhere
                assert below == []


def test_the_own_line_is_quoted_also_from_a_helper_in_another_cell(tmp_path):
    helper = "def root(number):\n    return number.sqrt('of a number')"
    answer = "def gain_and_spread(base, new):\n    return root(torch.ones(1))"
    found = looked(tmp_path, code(helper), code(answer, "gain-and-spread"))
    assert "`return number.sqrt('of a number')`" in found["gain-and-spread"].text
    answer = "def gain_and_spread(base, new):\n    a = 1\n    return a + base"
    found = looked(tmp_path, code(answer, "gain-and-spread"))
    assert "Line 3: `return a + base`" in found["gain-and-spread"].text


def test_an_answer_may_be_tried_below_itself(tmp_path):
    tried = LEAKY + "print(leaky_relu(images[0], 0.1))\nleaky_relu?\n?torch.where;\n"
    tried += "for size in 1, 2:\n    %timeit leaky_relu(images[:size])\n    !ls\n    size?\n"
    tried += "files = !ls\nget_ipython().run_line_magic('time', '1')\nseen = leaky_relu"
    found = looked(tmp_path, code("images = load()"), code(tried, "leaky-relu"))
    assert found["leaky-relu"].state == "passed"
    quoted = LEAKY.replace(":", ':\n    """Is it\n    %so?\n    """', 1)
    quoted = quoted.replace("inputs > 0", "0 * inputs\n        % 1 < inputs")
    assert looked(tmp_path, code("%%time\n" + quoted))["leaky-relu"].state == "passed"
    assert "%so?" in answers.as_python(quoted)
    helper = "def small(number):\n    return number\n?torch.where\n!ls"
    uses = LEAKY.replace("slope *", "small(slope) *")
    assert looked(tmp_path, code(helper), code(uses))["leaky-relu"].state == "passed"


def test_no_line_of_a_lesson_is_taken_for_a_notebook_s_own_command():
    """Such as the first line of a docstring that asks something."""
    for lesson in make_notebooks.LESSONS.glob("*.py"):
        for cell in make_notebooks.build(lesson, solved=True).cells:
            if cell.cell_type == "code":
                assert answers.as_python(cell.source) == cell.source + "\n"


def test_a_lambda_and_an_object_can_be_answers(tmp_path):
    stub = code(STUB, grade_id="leaky-relu")
    answer = "leaky_relu = lambda inputs, slope: torch.maximum(inputs, slope * inputs)"
    assert looked(tmp_path, stub, code(answer))["leaky-relu"].state == "passed"
    answer = "import functools\nleaky_relu = functools.partial(torch.where)\nleaky_relu = Leaky()"
    leaky = "class Leaky:\n    def __call__(self, inputs, slope):\n        " + answer.split("\n")[0]
    leaky += "\n        return inputs.clamp(min=0) + slope * inputs.clamp(max=0)"
    found = looked(tmp_path, code(leaky), code(answer, "leaky-relu"))
    assert found["leaky-relu"].state == "passed"


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[1]", b"{}", b'{"cells": 3}', b'{"cells": [{"cell_type": "code"}]}', b"\xff",
        b'{"cells": [{"cell_type": "code", "source": 3}]}', b"[" * 100_000,
    ],
)  # fmt: skip
def test_a_file_that_is_no_notebook_is_named(tmp_path, content):
    path = tmp_path / "04_lesson.ipynb"
    path.write_bytes(content)
    with pytest.raises(answers.runtime.CourseError, match="04_lesson.ipynb is no notebook"):
        answers.code_cells(path)


def progress(*arguments):
    return CliRunner().invoke(main, ["progress", *map(str, arguments)])


def test_further_cases_are_found_from_the_folder_where_the_command_is_given(tmp_path, monkeypatch):
    inputs = {"tensor": [-3.25, 5], "dtype": "float32"}
    (tmp_path / "cases.json").write_text(json.dumps({"leaky-relu": [[inputs, 0.5]]}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MNIST_COURSE_CASES", "cases.json")
    assert looked(tmp_path, code(LEAKY))["leaky-relu"].state == "passed"
    fits_the_others = LEAKY.replace("slope *", "(slope if inputs.min() != -3.25 else 7) *")
    found = looked(tmp_path, code(fits_the_others))["leaky-relu"]
    assert found.text.endswith("It fails on an input that is not shown.")


def test_the_table(tmp_path):
    write(tmp_path / "04_relu.ipynb", code(IMPORTS), code(STUB, "leaky-relu"))
    newer = [
        code(IMPORTS),
        code(LEAKY, "leaky-relu"),
        code(STOP.replace("+ 1", "+ 2"), "early-stopping"),
    ]
    write(tmp_path / "04_relu.new-1.ipynb", *newer)
    (tmp_path / "05_residual.ipynb").write_text("{")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    result = progress(tmp_path)
    assert result.exit_code == 0, result.output
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    lines = result.output.splitlines()
    of_lesson = {
        number: sum(one.points for one in checks.EXERCISES.values() if one.lesson == number)
        for number in ("01", "04", "05")
    }
    total = sum(one.points for one in checks.EXERCISES.values())
    [row] = [line for line in lines if line.startswith("04_relu")]
    assert row.endswith(f"[##------------------] 1 of {of_lesson['04']} points")
    assert f"    04.1  right           {checks.EXERCISES['leaky-relu'].title}" in lines
    assert any(line.startswith("    04.2  not solved yet") for line in lines)
    assert any(line.startswith("    04.3  not right yet") for line in lines)
    [broken] = [line for line in lines if "05_residual.ipynb" in line]
    assert "no notebook" in broken
    assert any(line.startswith("01 (no notebook here)") for line in lines)
    assert lines[-1].endswith(f"1 of {total} points")


def test_a_folder_that_is_not_there(tmp_path):
    result = progress(tmp_path / "none")
    assert result.exit_code == 1
    assert "there is no folder" in result.stderr


@pytest.mark.skipif(not hasattr(answers.os, "killpg"), reason="Windows has no process groups")
@pytest.mark.parametrize("error", [ProcessLookupError, PermissionError])
def test_a_process_group_that_has_ended_is_no_error(tmp_path, monkeypatch, error):
    """Linux does not find it, macOS forbids to stop it."""

    def refuse(group, number):
        raise error

    monkeypatch.setattr(answers.os, "killpg", refuse)
    assert looked(tmp_path, code(LEAKY))["leaky-relu"].state == "passed"


def test_an_answer_prints_any_character_as_in_a_notebook(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")  # what Windows takes for a pipe
    found = looked(tmp_path, code(LEAKY + 'print("→ done ✓")\n'))
    assert found["leaky-relu"].state == "passed"


def test_what_the_output_can_not_hold_is_replaced(tmp_path):
    wrong = 'def leaky_relu(inputs, slope):\n    raise ValueError("→")'
    write(tmp_path / "04_relu.ipynb", code(wrong, "leaky-relu"))
    result = CliRunner(charset="cp1252").invoke(main, ["progress", str(tmp_path)])
    assert result.exit_code == 0, result.exception
    assert 'raise ValueError("?")' in result.stdout
