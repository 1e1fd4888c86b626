"""What lesson 07 says of clothes is what the stored runs say; and it runs without their files."""

import ast
import itertools
import statistics

import jupytext
import make_notebooks
import nbformat
import numpy
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell
from test_claims import LESSONS
from test_lesson_experiments import base
from test_lesson_gains import accuracies
from test_plots import changed_by, names, read_by
from test_shown_code import definitions

from mnist_course import data, metrics, models, recipes, results, runtime
from mnist_course.exercises.conclusion import concluded
from mnist_course.training import Recipe, fit

[LESSON] = (path for path in LESSONS if path.stem.startswith("07"))
FASHION_IS_HERE = data.datasets.DEBIAN_FASHION.is_dir()


def code():
    return [cell.source for cell in jupytext.read(LESSON).cells if cell.cell_type == "code"]


# --- without the files --------------------------------------------------------------------


def pictures(cells):
    """Yield for each picture its code, whether it has a note, and whether it shows clothes.

    It does when something in it comes from the images, directly or by way of others.
    """
    of_clothes, assigned = {"clothes", "validation", "KINDS", "THINGS"}, set()
    for statement in ast.parse("\n".join(cells)).body:
        assigned |= names(statement, ast.Store)
        if read_by(statement) & of_clothes and not isinstance(statement, ast.FunctionDef):
            of_clothes |= changed_by(statement) & assigned
        for call in ast.walk(statement):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "plots.show":
                noted = any(word.arg == "note" for word in call.keywords)
                yield ast.unparse(call)[:80], noted, bool(read_by(call) & of_clothes)


def test_each_picture_of_clothes_says_when_digits_stand_in():
    found = list(pictures(code()))
    assert len(found) > 6
    assert [one for one in found if one[1] != one[2]] == []


HIDE = """
from mnist_course import data
from mnist_course.data import datasets
datasets.fashion_sources = lambda: []
load = data.load
def load_few(*given):  # what is learned from them is not looked at here
    found = load(*given)
    return data.Digits(found.train[:1500], found.validation[:300])
data.load = load_few
"""


def test_the_lesson_runs_to_its_end_without_the_files(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_COURSE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("MNIST_COURSE_QUICK", "1")
    notebook = nbformat.from_dict(make_notebooks.build(LESSON))
    notebook.cells.insert(0, new_code_cell(HIDE))
    folder = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=600, resources=folder).execute()
    text = "\n".join(
        output.get("text", "") or str(output.get("data", {}).get("text/plain", ""))
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )
    assert "Type: " in text  # how to get them
    assert "Until then digits stand in for clothes" in text
    assert "(digits stand in for clothes" in text  # in the text of a picture
    assert "that was d2l, on digits" in text
    assert "T-shirt" not in text


# --- what the cells print and the prose says ----------------------------------------------


def test_the_recipe_that_is_written_out_is_write_up_d_s():
    [assigned] = (
        node.value
        for node in ast.parse("\n".join(code())).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "second"
    )
    written = eval(ast.unparse(assigned), {"Recipe": Recipe})
    assert written.plain() | {"epochs": 14} == recipes.WRITEUP_D.plain()


def test_the_augmentation_that_is_shown_is_that_of_the_stored_runs():
    from mnist_course import augment

    [assigned] = (
        node.value
        for node in ast.parse("\n".join(code())).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "upright"
    )
    assert eval(ast.unparse(assigned), {"augment": augment}) == recipes.UPRIGHT


def gap(name):
    mine = [run for run in results.load("fashion")["runs"] if run["name"] == name]
    return statistics.mean(
        100 * (run["train_accuracy"][-1] - run["validation_accuracy"][-1]) for run in mine
    )


def test_who_overfits_and_who_underfits():
    runs = accuracies("fashion")
    for name in ("lenet5", "d1"):
        assert abs(gap(name)) < 3
        assert statistics.mean(runs[name]) < 82
    for name in ("d2", "d4"):
        assert 1 <= round(gap(name), 1) <= 2
    assert gap("d3") < 0
    assert statistics.mean(runs["d2"]) - statistics.mean(runs["d1"]) > 10  # "more than ten points"
    deviations = {name: statistics.stdev(one) for name, one in runs.items()}
    assert max(deviations, key=deviations.get) == "lenet5"
    errors = [100 - statistics.mean(one) for one in (runs["lenet5"], accuracies("lenet")["lenet5"])]
    assert errors[0] / errors[1] == pytest.approx(7, abs=0.5)  # "about seven times"


def test_the_fourth_model_is_not_worse_and_does_not_overfit_more():
    runs = accuracies("fashion")
    second, fourth = runs["d2"], runs["d4"]
    assert len(second) == len(fourth) == 5
    gain, spread = metrics.gain(second, fourth)
    assert 0 < gain < 2 * spread
    assert gain - 3 * spread > -1  # a loss of a point "may be ruled out"
    assert gap("d4") <= gap("d2") + 0.05
    assert max(runs["d3"]) < min(second)
    pairs = [new - old for old, new in zip(second, fourth, strict=True)]
    by_seed = statistics.stdev(pairs) / len(pairs) ** 0.5
    assert by_seed < spread
    assert statistics.mean(pairs) < 2 * by_seed


def first_model():
    """Accuracies of write-up D's first model after eight epochs, by seed."""
    return [
        100 * run["validation_accuracy"][7]
        for run in results.load("fashion")["runs"]
        if run["name"] == "d1"
    ]


def test_the_first_model_is_held_back_by_the_sum_of_its_rates():
    runs = accuracies("fashion-why")
    assert list(runs) == ["constant", "ten-times", "normalised"]
    assert concluded(first_model(), runs["constant"]) == "higher"
    assert concluded(runs["constant"], runs["ten-times"]) == "higher"
    assert concluded(first_model(), runs["normalised"]) == "unclear"
    second = statistics.mean(accuracies("fashion")["d2"])
    assert 2 < second - statistics.mean(runs["ten-times"]) < 3  # "within two or three points"


def test_where_two_have_walked_equally_far_the_one_with_shorter_steps_is_ahead():
    curves = {}
    every = [*results.load("fashion")["runs"], *results.load("fashion-why")["runs"]]
    for name in ("d1", "constant", "ten-times"):
        mine = [run for run in every if run["name"] == name]
        accuracy = numpy.mean([run["validation_accuracy"] for run in mine], axis=0)
        curves[name] = walked(mine[0]["recipe"]), 100 * accuracy
    for short, long in (("d1", "constant"), ("constant", "ten-times")):
        (x, y), (other_x, other_y) = curves[short], curves[long]
        ahead = y[-1] - numpy.interp(x[-1], [0, *other_x], [10, *other_y])
        assert 0 < ahead < 20
    x, y = curves["ten-times"]
    assert (numpy.diff(y) > 0).all()  # "still rising"


def walked(recipe):
    given = {"itertools": itertools}
    exec(definitions(LESSON)["walked"], given)
    return given["walked"](recipe)


def test_the_sum_of_the_rates_is_that_of_the_recipe():
    stored = {run["name"]: run["recipe"] for run in results.load("fashion-why")["runs"]}
    for name, recipe in stored.items():
        assert len(walked(recipe)) == 8, name
    ten_times = [10 * one for one in walked(stored["normalised"])]
    assert walked(stored["ten-times"]) == pytest.approx(ten_times)
    assert walked(stored["constant"])[-1] == pytest.approx(550 * 0.08)


def test_the_recipe_of_digits_is_worse_on_clothes_than_model_2_until_it_is_fitted():
    runs = accuracies("fashion-residual")
    second = accuracies("fashion")["d2"]
    assert list(runs) == ["unchanged", "fitted"]
    assert max(runs["unchanged"]) < min(second)
    assert min(runs["unchanged"]) > 83.5  # better than people
    assert concluded(runs["unchanged"], runs["fitted"]) == "higher"
    before, after = (100 - statistics.mean(runs[name]) for name in ("unchanged", "fitted"))
    assert (before - after) / before == pytest.approx(0.25, abs=0.03)  # "a quarter"
    assert before - after == pytest.approx(3, abs=0.3)  # "about three points"
    assert statistics.mean(runs["fitted"]) < statistics.mean(second)  # "still not better"


@pytest.fixture(scope="module")
def tried():
    """The lesson's trial on clothes, in full mode, as a function of what is changed."""
    if not FASHION_IS_HERE:
        pytest.skip("Fashion-MNIST is not installed here")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MNIST_COURSE_QUICK", raising=False)
        clothes = data.load("fashion")
        few = data.Digits(clothes.train[:2000], clothes.validation[:1000])
        given = {"runtime": runtime, "models": models, "Recipe": Recipe, "fit": fit, "few": few}
        exec(definitions(LESSON)["trial"], given)
        before = [given["trial"](base(LESSON), seed) for seed in range(5)]

        def found(**change):
            after = [given["trial"]({**base(LESSON), **change}, seed) for seed in range(5)]
            return concluded(before, after)

        yield found


@pytest.mark.parametrize(
    ("change", "result"),
    [
        ({"decay": 0.3}, "lower"),
        ({"momentum": 0.9}, "higher"),
        ({"learning_rate": 0.09}, "higher"),
        ({"learning_rate": 0.3}, "higher"),
        ({"decay": 1.0}, "unclear"),
    ],
    ids=str,
)
def test_what_lesson_07_tells_of_its_changes_is_so(tried, change, result):
    assert tried(**change) == result


def test_shoes_point_to_the_left_and_clothes_reach_the_border():
    if not FASHION_IS_HERE:
        pytest.skip("Fashion-MNIST is not installed here")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MNIST_COURSE_QUICK", raising=False)
        train = data.load("fashion").train
    ink = data.scale(train.images)[:, 0]
    mean, deviation = recipes.FASHION_NORMALISATION
    assert (ink.mean().item(), ink.std().item()) == pytest.approx((mean, deviation), abs=5e-4)
    border = 1 - ink[:, 2:-2, 2:-2].sum() / ink.sum()
    assert border.item() == pytest.approx(1 / 12, abs=0.004)
    for label in (5, 7, 9):  # the heel is the heavier half, though not of every sandal
        shoes = ink[train.labels == label]
        left, right = shoes[:, :, :14].sum(dim=(1, 2)), shoes[:, :, 14:].sum(dim=(1, 2))
        assert (left < right).float().mean() > 0.9
