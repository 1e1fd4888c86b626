"""Answers are found wherever they stand in a notebook, and run with what they need."""

import make_notebooks
import pytest
from lesson_four import (
    GAIN,
    LEAKY,
    RELU,
    RIGHT,
    STOP,
    STUB,
    UNSOLVED,
    WRONG,
    cells_of,
    code,
    judged,
    reason,
    word,
    words,
    write,
)

from mnist_course.assessment import display
from mnist_course.exercises import EXERCISES
from mnist_course.grading import answers
from mnist_course.grading.notebooks import Cell


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


DEEP = "deep = " + " + ".join(["1"] * 3_000)  # too deep for Python 3.11, not for 3.13
NESTED = "deep = " + "(" * 3_000 + "1" + ")" * 3_000


def test_a_cell_that_does_not_come_to_an_end_is_stopped_by_its_own_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(answers, "SECONDS", 0.3)
    endless = code("while True:\n    pass\n" + LEAKY, grade_id="leaky-relu")
    assert reason(tmp_path, endless) == "its cell did not come to an end"


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


def test_what_an_answer_needs_of_other_cells_changes_no_module():
    changing = "import torch, os\ntorch.where = None\nos.environ['A'] = '1'\ntorch.nn.relu = 1"
    keeping = "TABLE = [0, 0]\nTABLE[torch.tensor(1)] = 3"
    found = [
        Cell(changing, "", ""),
        Cell(keeping, "", ""),
        Cell("torch, os, TABLE", "leaky-relu", ""),
    ]
    needed = answers.prelude(found, found[2:])
    assert needed == ["import torch, os", "TABLE = [0, 0]", "TABLE[torch.tensor(1)] = 3"]
