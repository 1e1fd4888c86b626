"""Students' notebooks: answers are found wherever they are, and do no harm to others."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from unittest import mock

import make_notebooks
import psutil
import pytest
from click.testing import CliRunner

from mnist_course import runtime
from mnist_course.assessment import display
from mnist_course.cli import main, points
from mnist_course.exercises import EXERCISES
from mnist_course.grading import answers, findings, notebooks, sandbox, supervision, worker
from mnist_course.grading.notebooks import Cell

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


def test_an_answer_is_found_by_grade_id_by_id_and_by_name(tmp_path):
    found = judged(
        tmp_path,
        code(LEAKY.splitlines(keepends=True), grade_id="leaky-relu"),  # as Jupyter stores it
        code("%%time\n" + STOP, id="early-stopping"),
        code(GAIN.split("def gain")[0]),
        code("def gain" + GAIN.split("def gain")[1]),
        code(STUB.replace("leaky_relu", "momentum_step"), grade_id="momentum-step"),
    )
    assert {name: word for name, (word, _) in found.items()} == {
        "leaky-relu": RIGHT,
        "early-stopping": RIGHT,
        "gain-and-spread": RIGHT,
        "momentum-step": UNSOLVED,
    }


def test_the_grade_id_counts_first_and_the_last_of_two_copies(tmp_path):
    wrong = code("def leaky_relu(inputs, slope):\n    return torch.relu(inputs)")
    right, first = code(LEAKY, grade_id="leaky-relu"), code(STUB, grade_id="leaky-relu")
    cells = cells_of(write(tmp_path / "04_a.ipynb", wrong, first, right))
    own, below, anywhere = answers.groups(cells, "leaky-relu", "leaky_relu")
    assert [cell.source for cell in own] == [STUB, LEAKY.lstrip()]
    assert below == []
    assert len(anywhere) == 3
    assert word(tmp_path, wrong, first, right) == RIGHT


def test_an_answer_beside_the_stub_is_seen_and_stored_outputs_are_not(tmp_path):
    output = {"output_type": "stream", "name": "stdout", "text": "right. 2 points."}
    found = judged(
        tmp_path,
        code(STUB, grade_id="leaky-relu"),
        code(LEAKY),
        code('check("early-stopping", last_epoch)', "check-early-stopping", outputs=[output]),
        code(STUB.replace("leaky_relu", "last_epoch"), "early-stopping", outputs=[output]),
    )
    assert found["leaky-relu"][0] == RIGHT
    assert found["early-stopping"][0] == UNSOLVED


def test_what_an_answer_does_costs_its_own_points_alone(tmp_path, monkeypatch):
    (tmp_path / "kept.txt").write_text("mine")
    found = judged(
        tmp_path,
        code("while True:\n    pass\n" + LEAKY, grade_id="leaky-relu"),
        code("import os\nos._exit(0)\n", grade_id="running-mean"),
        code("print('x' * 10**6)\nimport os\nassert not os.listdir()\n" + STOP, "early-stopping"),
        code("def momentum_step(weights:\n", grade_id="momentum-step"),
        code("exit()\n" + GAIN, grade_id="gain-and-spread"),
        apart=True,
    )
    assert {name: word for name, (word, _) in found.items()} == {
        "leaky-relu": WRONG,
        "running-mean": WRONG,
        "early-stopping": RIGHT,
        "momentum-step": WRONG,
        "gain-and-spread": WRONG,
    }
    assert "did not come to an end" in found["leaky-relu"][1]
    assert "ended Python" in found["running-mean"][1]
    assert "SyntaxError" in found["momentum-step"][1]
    assert "SystemExit" in found["gain-and-spread"][1]


NOISE = """
import os
for descriptor in range(3, 20):
    try:
        os.write(descriptor, b'{"name": "leaky-relu", "state": RIGHT, "text": ""}')
        os.write(descriptor, b"\\n{}\\n")
    except OSError:
        pass
"""


def test_an_answer_that_writes_where_the_check_does_costs_its_own_points(tmp_path):
    found = judged(
        tmp_path, code(NOISE + GAIN, "gain-and-spread"), code(LEAKY, "leaky-relu"), apart=True
    )
    assert found["gain-and-spread"][0] == WRONG
    assert found["leaky-relu"][0] == RIGHT
    found = judged(
        tmp_path, code(NOISE + STOP, "early-stopping"), code(GAIN, "gain-and-spread"), apart=True
    )
    assert found["early-stopping"] == (WRONG, "it disturbed its check")
    assert found["gain-and-spread"][0] == RIGHT


def test_an_answer_that_needs_more_than_its_own_cell_is_told(tmp_path):
    needs = code("middle = batch.mean()\n" + LEAKY, grade_id="leaky-relu")
    inside = code(GAIN.replace(", root(", ", scale * root("), grade_id="gain-and-spread")
    computed = code("def train():\n    return torch.ones(3)\nbatch = train()\nscale = train()")
    found = judged(tmp_path, computed, needs, inside)
    assert found["leaky-relu"][0] == WRONG
    assert "name 'batch' is not defined" in found["leaky-relu"][1]
    assert "name 'scale' is not defined" in found["gain-and-spread"][1]
    assert found["gain-and-spread"][1].endswith("constants are run.")


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
    return kept + slope * torch.where(inputs > ZERO, torch.zeros(ONE).sum(), inputs)
"""


def test_constants_of_other_cells_are_kept(tmp_path):
    found = judged(tmp_path, code(CONSTANTS), code(USES_THEM, grade_id="leaky-relu"))
    assert found["leaky-relu"] == (RIGHT, "")
    found = judged(tmp_path, code(USES_THEM, grade_id="leaky-relu"), code(CONSTANTS))
    assert found["leaky-relu"][0] == RIGHT, "also below the answer"


def test_names_may_come_from_an_import_of_all(tmp_path):
    helper = code("from math import *\nROOT = 0.5")
    answer = GAIN.split("def gain")[1].replace("root(sum(variances))", "sqrt(sum(variances))")
    found = judged(tmp_path, helper, code("def gain" + answer, "gain-and-spread"))
    assert found["gain-and-spread"][0] == RIGHT


def test_a_constant_counts_as_it_is_above_the_answer(tmp_path):
    uses = "def leaky_relu(inputs, slope):\n    return torch.maximum(inputs, STEP * slope * inputs)"
    cells = [code("STEP = 3"), code("STEP = 1"), code(uses, "leaky-relu"), code("STEP = 2")]
    assert word(tmp_path, *cells) == RIGHT


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
    cells = cells_of(path)
    assert answers.prelude(cells, cells[2:]) == []


def test_a_copy_in_another_cell_is_not_judged_in_its_place(tmp_path):
    broken = "@missing\n" + LEAKY.strip()
    cells = [code(LEAKY + "again = leaky_relu"), code(broken, "leaky-relu"), code("leaky_relu")]
    found = judged(tmp_path, *cells)["leaky-relu"]
    assert found[0] == WRONG
    assert "missing" in found[1]


RELU = "def leaky_relu(inputs, slope):\n    return torch.relu(inputs)"


@pytest.mark.parametrize("first", [RELU, "def leaky_relu(inputs:\n", "@missing" + LEAKY, "1 / 0"])
def test_a_second_try_below_counts_when_the_first_is_wrong(tmp_path, first):
    check = code('check("leaky-relu", leaky_relu)', "check-leaky-relu")
    cells = [code(first, "leaky-relu"), check, code(LEAKY), check]
    assert word(tmp_path, *cells) == RIGHT
    assert word(tmp_path, *cells, code(RELU)) == WRONG
    again = [code(first, grade_id="leaky-relu"), code(RELU), code(LEAKY)]
    assert word(tmp_path, *again) == RIGHT


def test_a_right_answer_stays_right_whatever_is_tried_below_it(tmp_path):
    found = judged(tmp_path, code(LEAKY, "leaky-relu"), code(RELU))
    assert found["leaky-relu"][0] == RIGHT


def test_a_hint_in_the_table_of_points_is_plain_text(tmp_path):
    text = reason(tmp_path, code(RELU, "leaky-relu"))
    [mistake] = [m for m in EXERCISES["leaky-relu"].mistakes if "plain [ReLU](" in m.hint]
    assert text == display.plain(mistake.hint, EXERCISES["leaky-relu"].sections) != mistake.hint


def test_a_copy_of_the_stub_below_hides_no_wrong_answer(tmp_path):
    stub = 'def leaky_relu(inputs, slope):\n    """Not yet."""'
    found = judged(tmp_path, code(RELU, "leaky-relu"), code(stub))
    assert found["leaky-relu"][0] == WRONG


def test_no_cell_of_a_lesson_is_taken_for_an_answer_of_a_student():
    for lesson in make_notebooks.LESSONS.glob("*.py"):
        notebook = make_notebooks.build(lesson)
        cells = [
            Cell(cell.source, cell.id, "") for cell in notebook.cells if cell.cell_type == "code"
        ]
        for exercise in EXERCISES.values():
            if exercise.lesson == lesson.stem[:2]:
                own, below, anywhere = answers.groups(
                    cells, exercise.name, exercise.reference.__name__
                )
                assert own == anywhere
                assert below == []


def test_the_own_line_is_quoted_also_from_a_helper_in_another_cell(tmp_path):
    helper = "def root(number):\n    return number.sqrt('of a number')"
    answer = "def gain_and_spread(base, new):\n    return root(torch.ones(1))"
    found = judged(tmp_path, code(helper), code(answer, "gain-and-spread"))
    assert "`return number.sqrt('of a number')`" in found["gain-and-spread"][1]
    answer = "def gain_and_spread(base, new):\n    a = 1\n    return a + base"
    found = judged(tmp_path, code(answer, "gain-and-spread"))
    assert "Line 3: `return a + base`" in found["gain-and-spread"][1]


def test_an_answer_may_be_tried_below_itself(tmp_path):
    tried = LEAKY + "print(leaky_relu(images[0], 0.1))\nleaky_relu?\n?torch.where;\n"
    tried += "for size in 1, 2:\n    %timeit leaky_relu(images[:size])\n    !ls\n    size?\n"
    tried += "files = !ls\nget_ipython().run_line_magic('time', '1')\nseen = leaky_relu"
    found = judged(tmp_path, code("images = load()"), code(tried, "leaky-relu"))
    assert found["leaky-relu"][0] == RIGHT
    quoted = LEAKY.replace(":", ':\n    """Is it\n    %so?\n    """', 1)
    quoted = quoted.replace("inputs > 0", "0 * inputs\n        % 1 < inputs")
    assert word(tmp_path, code("%%time\n" + quoted)) == RIGHT
    assert "%so?" in answers.as_python(quoted)
    helper = "def small(number):\n    return number\n?torch.where\n!ls"
    uses = LEAKY.replace("slope *", "small(slope) *")
    assert word(tmp_path, code(helper), code(uses)) == RIGHT


def test_no_line_of_a_lesson_is_taken_for_a_notebook_s_own_command():
    """Such as the first line of a docstring that asks something."""
    for lesson in make_notebooks.LESSONS.glob("*.py"):
        for cell in make_notebooks.build(lesson, solved=True).cells:
            if cell.cell_type == "code":
                assert answers.as_python(cell.source) == cell.source + "\n"


def test_a_lambda_and_an_object_can_be_answers(tmp_path):
    stub = code(STUB, grade_id="leaky-relu")
    answer = "leaky_relu = lambda inputs, slope: torch.maximum(inputs, slope * inputs)"
    assert word(tmp_path, stub, code(answer)) == RIGHT
    answer = "import functools\nleaky_relu = functools.partial(torch.where)\nleaky_relu = Leaky()"
    leaky = "class Leaky:\n    def __call__(self, inputs, slope):\n        " + answer.split("\n")[0]
    leaky += "\n        return inputs.clamp(min=0) + slope * inputs.clamp(max=0)"
    found = judged(tmp_path, code(leaky), code(answer, "leaky-relu"))
    assert found["leaky-relu"][0] == RIGHT


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


def run_progress(*arguments):
    return CliRunner().invoke(main, ["progress", *map(str, arguments)])


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
    result = run_progress(tmp_path)
    assert result.exit_code == 0, result.output
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    lines = result.output.splitlines()
    of_lesson = {
        number: sum(one.points for one in EXERCISES.values() if one.lesson == number)
        for number in ("01", "04", "05")
    }
    total = sum(one.points for one in EXERCISES.values())
    [row] = [line for line in lines if line.startswith("04 (04_relu.ipynb, 04_relu.new-1.ipynb)")]
    assert row.endswith(points.bar(1, of_lesson["04"]))
    assert any(
        line.startswith("    04.1  right ") and line.endswith(EXERCISES["leaky-relu"].title)
        for line in lines
    )
    assert any(line.startswith("    04.2  not solved yet") for line in lines)
    wrong = EXERCISES["early-stopping"].number
    assert any(line.startswith(f"    {wrong}  not right yet") for line in lines)
    [broken] = [line for line in lines if "05_residual.ipynb" in line]
    assert "can't be read" in broken
    assert any(line.startswith("01 (no notebook here)") for line in lines)
    assert lines[-1].endswith(f"1 of {total} points")


@pytest.mark.parametrize(
    "name",
    [
        "doejane_12345_67890_04_relu_and_max_pooling.ipynb", "Copy of 04_relu.ipynb",
        "04_relu_and_max_pooling (1).ipynb", "Untitled.ipynb", "王 O'Neill/answers/x.ipynb",
    ],
)  # fmt: skip
def test_a_notebook_is_known_by_what_is_in_it(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, code(IMPORTS), code(LEAKY, grade_id="leaky-relu"))
    assert "04.1  right" in run_progress(tmp_path).output


def test_a_notebook_without_ids_is_known_by_its_names_and_another_one_is_listed(tmp_path):
    path = write(tmp_path / "mine.ipynb", code(IMPORTS), code("mine = 1"))
    assert "mine.ipynb: fits no lesson" in run_progress(tmp_path).output
    write(path, code(IMPORTS), code(LEAKY))
    assert "04.1  right" in run_progress(tmp_path).output


def test_a_file_beside_the_notebook_can_be_imported(tmp_path):
    (tmp_path / "helpers.py").write_text("import torch\ndef keep(inputs): return inputs > 0\n")
    uses = "import helpers\n" + LEAKY.replace("inputs > 0", "helpers.keep(inputs)")
    write(tmp_path / "04.ipynb", code(IMPORTS), code(uses, "leaky-relu"))
    assert "04.1  right" in run_progress(tmp_path).output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["04.ipynb", "helpers.py"]


DEEP = "deep = " + " + ".join(["1"] * 3_000)  # too deep for Python 3.11, not for 3.13
NESTED = "deep = " + "(" * 3_000 + "1" + ")" * 3_000


def test_a_cell_that_is_too_deep_for_python_costs_no_other(tmp_path):
    cells = [code(DEEP), code(LEAKY, "leaky-relu"), code(f"{NESTED}\n{GAIN}", "gain-and-spread")]
    found = words(tmp_path, *cells)
    assert found == {"leaky-relu": RIGHT, "gain-and-spread": WRONG}


def test_thousands_of_a_notebook_s_own_commands_are_borne(tmp_path):
    assert word(tmp_path, code("!echo\n" * 3_000), code(LEAKY, "leaky-relu")) == RIGHT


def test_nbgrader_s_stub_is_not_solved_yet(tmp_path):
    for stub in ("raise NotImplementedError()", "raise NotImplementedError"):
        source = f"def leaky_relu(inputs, slope):\n    # YOUR CODE HERE\n    {stub}"
        assert word(tmp_path, code(source, "leaky-relu")) == UNSOLVED


def test_what_an_answer_says_is_one_short_line(tmp_path):
    loud = 'raise ValueError("\\x1b[2J\\r" + "04.1  right\\n" * 1_000_000)'
    write(tmp_path / "04.ipynb", code(IMPORTS),
          code(f"def leaky_relu(inputs, slope):\n    {loud}", "leaky-relu"),
          code(f"{loud}", "running-mean"))  # fmt: skip
    output = run_progress(tmp_path).output
    assert "\x1b" not in output
    assert "\r" not in output
    assert all(len(line) < 400 for line in output.splitlines())
    assert "    04.1  right" not in output


SPY = """
import os, socket
from pathlib import Path
seen = Path({secret!r}).exists() or "HOME_OF_A_TEST" in os.environ
try:
    socket.create_connection(("127.0.0.1", {port}), timeout=5)
    seen = True
except OSError:
    pass
try:
    Path({folder!r}, "written").touch()
    seen = True
except OSError:
    pass
assert not seen
"""


@pytest.mark.skipif(bool(sandbox.problem()), reason=f"no sandbox here: {sandbox.problem()}")
def test_an_answer_in_the_sandbox_sees_nothing_of_the_user_s(tmp_path, monkeypatch):
    folder, secret = tmp_path / "notebooks", tmp_path / "secret"
    folder.mkdir()
    secret.touch()
    monkeypatch.setenv("HOME_OF_A_TEST", "1")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        spy = SPY.format(secret=str(secret), port=port, folder=str(folder))
        write(folder / "04.ipynb", code(IMPORTS), code(spy + LEAKY, "leaky-relu"))
        assert "04.1  right" in run_progress(folder).output
        monkeypatch.setattr(sandbox, "problem", lambda: "it is switched off")
        output = run_progress(folder).output
    assert "its cell stops with AssertionError" in output
    assert output.endswith("The answers ran with your rights: it is switched off.\n")


@pytest.mark.parametrize(
    ("platform", "program", "reason"),
    [
        ("darwin", "/bin/true", "on Linux alone"),
        ("linux", None, "is not installed"),
        ("linux", "/bin/false", "can't run here"),
    ],
)
def test_a_sandbox_is_tried_and_not_believed(monkeypatch, platform, program, reason):
    monkeypatch.setattr(sandbox.sys, "platform", platform)
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: program)
    monkeypatch.setattr(sandbox, "command", lambda arguments: [program])
    assert reason in sandbox.problem.__wrapped__()


LEAVES_A_PROCESS = """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no sessions")
@pytest.mark.parametrize("end", ["", "import os; os._exit(0)", "while True: pass"])
def test_what_an_answer_starts_is_ended_with_it(tmp_path, monkeypatch, end):
    marks = []
    environment = supervision._environment
    monkeypatch.setattr(
        supervision, "_environment", lambda mark: marks.append(mark) or environment(mark)
    )
    cell = code(f"{LEAVES_A_PROCESS}\n{LEAKY}\n{end}", "leaky-relu")
    found = judged(tmp_path, cell, apart=True)
    assert found["leaky-relu"][0] == (WRONG if end else RIGHT)
    assert marks
    for mark in marks:
        assert supervision._marked(mark) == []


STARTED = """
import json, sys
from pathlib import Path
from mnist_course.cli import main
main(["progress", sys.argv[1]])
"""


def workers_of(process):
    """The processes below this one that run answers, in a sandbox or not."""
    found = []
    with contextlib.suppress(psutil.Error):  # one may end while it is looked at
        for one in psutil.Process(process.pid).children(recursive=True):
            if "mnist_course.grading.worker" in one.cmdline():
                found.append(one)
    return found


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_when_progress_is_ended_its_worker_ends_too(tmp_path, number):
    write(tmp_path / "04.ipynb", code(IMPORTS), code("while True: pass", "leaky-relu"))
    own = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
    (tmp_path / "temporary").mkdir()
    command = [sys.executable, "-c", STARTED, str(tmp_path)]
    nothing = subprocess.DEVNULL
    with subprocess.Popen(command, env=own, stdout=nothing, stderr=nothing) as process:
        try:
            while not (workers := workers_of(process)):
                assert process.poll() is None
                time.sleep(0.05)
            process.send_signal(number)
            process.wait(timeout=120)
        finally:
            process.kill()
    assert psutil.wait_procs(workers, timeout=120)[1] == []
    if number != signal.SIGKILL:  # which leaves nobody who could tidy up
        assert list((tmp_path / "temporary").iterdir()) == []


def test_a_folder_that_is_not_there(tmp_path):
    result = run_progress(tmp_path / "none")
    assert result.exit_code == 1
    assert "there is no folder" in result.stderr


def test_the_help_says_that_students_code_is_run():
    text = " ".join(CliRunner().invoke(main, ["progress", "--help"]).output.split())
    assert "with your rights" in text


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="Windows has no process groups")
@pytest.mark.parametrize("error", [ProcessLookupError, PermissionError])
def test_a_process_group_that_has_ended_is_no_error(tmp_path, monkeypatch, error):
    """Linux does not find it, macOS forbids to stop it."""

    def refuse(group, number):
        raise error

    monkeypatch.setattr(supervision.os, "killpg", refuse)
    assert judged(tmp_path, code(LEAKY), apart=True) == {"leaky-relu": (RIGHT, "")}


def test_an_answer_prints_any_character_as_in_a_notebook(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")  # what Windows takes for a pipe
    found = judged(tmp_path, code(LEAKY + 'print("→ done ✓")\n'), apart=True)
    assert found == {"leaky-relu": (RIGHT, "")}


def test_what_the_output_can_not_hold_is_replaced(tmp_path):
    wrong = 'def leaky_relu(inputs, slope):\n    raise ValueError("→")'
    write(tmp_path / "04_relu.ipynb", code(wrong, "leaky-relu"))
    result = CliRunner(charset="cp1252").invoke(main, ["progress", str(tmp_path)])
    assert result.exit_code == 0, result.exception
    assert 'raise ValueError("?")' in result.stdout
