"""What lessons 01, 02, 03 and 05 say of their experiments and small examples, in full mode."""

import ast
from dataclasses import replace

import pytest
import torch
from test_claims import LESSONS, split
from test_shown_code import definitions
from torch import nn
from torch.nn import functional as F

from mnist_course import data, models, recipes, runtime, training
from mnist_course.augment import RandomAffine
from mnist_course.exercises.experiment import concluded
from mnist_course.exercises.padded_shortcut import padded_shortcut
from mnist_course.training import Recipe, fit


def lesson(number):
    [path] = (one for one in LESSONS if one.stem.startswith(number))
    return path


def base(path):
    """The recipe that a lesson's experiment begins with."""
    [assigned] = (
        node.value
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "BASE"
    )
    return ast.literal_eval(assigned)


def test_the_small_correlation_of_lesson_02_gives_the_numbers_of_its_text():
    path = lesson("02")
    names = {"torch": torch}
    exec(definitions(path)["corr2d"], names)
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("image", "kernel"):
            exec(ast.unparse(node), names)
    assert names["corr2d"](names["image"], names["kernel"]).tolist() == [[8, 1], [2, 7]]


def found(path, names, before, after):
    """What a change does, by the lesson's own trial and rule. before, after: recipes."""
    names = {"torch": torch, "data": data, "F": F, "RandomAffine": RandomAffine, **names}
    for name in ("nearest_labels", "accuracy", "task", "trial"):
        if name in definitions(path):
            exec(definitions(path)[name], names)
    numbers = [[names["trial"](one, seed) for seed in range(5)] for one in (before, after)]
    return concluded(*numbers)


def test_augmented_copies_help_the_nearest_neighbour_of_lesson_01():
    path = lesson("01")
    assert found(path, {"parts": split()}, base(path), {**base(path), "copies": 4}) == "higher"


@pytest.mark.parametrize(
    ("change", "result"),
    [
        ({"images": 1000}, "higher"),
        ({"degrees": 180}, "lower"),
        ({"shift": 0.2}, "lower"),
        ({"shift": 0}, "unclear"),
    ],
    ids=str,
)
def test_what_lesson_01_tells_of_other_changes_is_so(change, result):
    path = lesson("01")
    before = {**base(path), "copies": 4}
    assert found(path, {"parts": split()}, before, {**before, **change}) == result


@pytest.mark.parametrize(
    ("change", "result"),
    [
        ({"steps": 10}, "higher"),
        ({"learning_rate": 0.08}, "lower"),
        ({"learning_rate": 0.02}, "higher"),
        ({"learning_rate": 0.2}, "higher"),
        ({"images": 8}, "unclear"),
        ({"noise": 1.0}, "unclear"),
    ],
    ids=str,
)
def test_what_lesson_02_tells_of_its_changes_is_so(change, result):
    path = lesson("02")
    sobel = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])[None, None]
    names = {"digits": split(), "secret": sobel}
    assert found(path, names, base(path), {**base(path), **change}) == result


@pytest.mark.parametrize(
    ("change", "result"),
    [
        ({"batch_size": 256}, "lower"),
        ({"learning_rate": 0.1}, "lower"),
        ({"learning_rate": 0.9}, "unclear"),
        ({"learning_rate": 10.0}, "lower"),
        ({"images": 4000}, "higher"),
        ({"weights": 10.0}, "lower"),
        ({"weights": 0.0}, "lower"),
    ],
    ids=str,
)
def test_what_lesson_03_tells_of_its_changes_is_so(change, result):
    path = lesson("03")
    names = {"digits": split(), "runtime": runtime, "models": models, "Recipe": Recipe, "fit": fit}
    assert found(path, names, base(path), {**base(path), **change}) == result


@pytest.fixture(scope="module")
def trial_of_lesson_05():
    """The lesson's own trial, and what it gives with its base recipe and five seeds."""
    path = lesson("05")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MNIST_COURSE_QUICK", raising=False)
        names = {
            "data": data, "digits": split(), "models": models, "nn": nn, "recipes": recipes,
            "replace": replace, "runtime": runtime, "torch": torch, "training": training,
        }  # fmt: skip
        for name in ("Shortcut", "network_of", "trial"):
            exec(definitions(path)[name], names)
        yield names["trial"], base(path), [names["trial"](base(path), seed) for seed in range(5)]


@pytest.mark.parametrize(
    ("change", "result"),
    [
        ({"learning_rate": 0.0006}, "lower"),
        ({"images": 1000}, "lower"),
        ({"shortcut": padded_shortcut}, "unclear"),
    ],
    ids=["rate", "images", "shortcut"],
)
def test_what_lesson_05_tells_of_its_changes_is_so(change, result, trial_of_lesson_05):
    trial, recipe, before = trial_of_lesson_05
    assert concluded(before, [trial({**recipe, **change}, seed) for seed in range(5)]) == result
