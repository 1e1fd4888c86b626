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


class Trials:
    """The trials of a lesson's experiment, by its own code; each recipe is tried once."""

    def __init__(self, number, **names):
        path = lesson(number)
        self.base, self.known = base(path), {}
        names |= {
            "F": F, "RandomAffine": RandomAffine, "Recipe": Recipe, "data": data, "fit": fit,
            "models": models, "nn": nn, "recipes": recipes, "replace": replace,
            "runtime": runtime, "torch": torch, "training": training,
        }  # fmt: skip
        for name in ("nearest_labels", "accuracy", "task", "Shortcut", "network_of", "trial"):
            if name in definitions(path):
                exec(definitions(path)[name], names)
        self.trial = names["trial"]

    def numbers(self, recipe):
        """What a recipe gives with five seeds."""
        key = repr(sorted(recipe.items()))
        if key not in self.known:
            self.known[key] = [self.trial(recipe, seed) for seed in range(5)]
        return self.known[key]

    def found(self, change, before=None):
        """What a change of a recipe does, by the lessons' rule. before: by default the base."""
        before = before or self.base
        return concluded(self.numbers(before), self.numbers({**before, **change}))


@pytest.fixture(scope="module", autouse=True)
def full_mode():
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MNIST_COURSE_QUICK", raising=False)
        yield


@pytest.fixture(scope="module")
def lesson_01():
    return Trials("01", parts=split())


@pytest.fixture(scope="module")
def lesson_02():
    sobel = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])[None, None]
    return Trials("02", digits=split(), secret=sobel)


@pytest.fixture(scope="module")
def lesson_03():
    return Trials("03", digits=split())


@pytest.fixture(scope="module")
def lesson_05():
    return Trials("05", digits=split())


def test_augmented_copies_help_the_nearest_neighbour_of_lesson_01(lesson_01):
    assert lesson_01.found({"copies": 4}) == "higher"


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
def test_what_lesson_01_tells_of_other_changes_is_so(change, result, lesson_01):
    assert lesson_01.found(change, {**lesson_01.base, "copies": 4}) == result


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
def test_what_lesson_02_tells_of_its_changes_is_so(change, result, lesson_02):
    assert lesson_02.found(change) == result


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
def test_what_lesson_03_tells_of_its_changes_is_so(change, result, lesson_03):
    assert lesson_03.found(change) == result


@pytest.mark.parametrize(
    ("change", "result"),
    [
        ({"learning_rate": 0.0006}, "lower"),
        ({"images": 1000}, "lower"),
        ({"shortcut": padded_shortcut}, "unclear"),
    ],
    ids=["rate", "images", "shortcut"],
)
def test_what_lesson_05_tells_of_its_changes_is_so(change, result, lesson_05):
    assert lesson_05.found(change) == result
