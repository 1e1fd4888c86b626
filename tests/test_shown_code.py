"""Code that a lesson shows and the package's are the same, to the letter."""

import ast
import statistics
from pathlib import Path

import pytest
import torch
from torch import nn

from mnist_course import data, runtime

ROOT = Path(__file__).parent.parent
LESSONS = sorted((ROOT / "lessons").glob("*.py"))
SHOWN = {
    "train_epoch", "evaluate", "lenet5", "initialise_xavier", "lenet5_variant", "network_b",
    "network_c", "network_e", "ResidualBlock", "residual_network", "softmax_regression", "mlp",
    "WriteupABlock", "network_a", "small_residual_network",
    "FivePlaces", "Ensemble", "voting_networks",
}  # fmt: skip


def definitions(path):
    """The text of each function and class at the top of a file, with comments, by name."""
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines()
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            found[node.name] = "\n".join(lines[first - 1 : node.end_lineno])
    return found


def package():
    found: dict[str, str] = {}
    for module in ("models", "writeups", "training"):
        here = definitions(ROOT / "mnist_course" / f"{module}.py")
        assert not found.keys() & here.keys()
        found |= here
    return found


PAIRS = [(lesson, name) for lesson in LESSONS for name in definitions(lesson) if name in package()]


@pytest.mark.parametrize(("lesson", "name"), PAIRS, ids=lambda value: getattr(value, "stem", value))
def test_the_lesson_shows_what_the_package_does(lesson, name):
    assert definitions(lesson)[name] == package()[name]


def test_lesson_05_tells_what_its_three_towers_do(digits):
    """The plain one does not begin, larger first weights let it begin, skips are faster."""
    [lesson] = (path for path in LESSONS if path.stem.startswith("05"))
    names = {"nn": nn, "F": nn.functional}
    for name in ("Plain", "Skip", "tower", "larger_weights"):
        exec(definitions(lesson)[name], names)
    tower, losses = names["tower"], []
    for build in (
        lambda: tower(names["Plain"]),
        lambda: names["larger_weights"](tower(names["Plain"])),
        lambda: tower(names["Skip"]),
    ):
        runtime.seed_everything(0)
        network = build()
        optimizer = torch.optim.Adam(network.parameters(), lr=0.003)
        values = []
        for images, labels in data.Batches(digits.train[: 64 * 120], 64, shuffle=True):
            loss = nn.functional.cross_entropy(network(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            values.append(loss.item())
        losses.append(statistics.mean(values[-10:]))
    plain, larger, skips = losses
    assert plain > 2.2 > 1.8 > larger > skips


def uses(tree):
    """Line and name of each network and metric that a lesson takes from the package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id in ("models", "writeups", "metrics"):
                yield node.lineno, node.attr


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_nothing_is_hidden_before_it_was_shown(lesson):
    before = {name for path in LESSONS if path < lesson for name in definitions(path)}
    # their formulas: exercises of these lessons, just above
    formulas = (("gain", "04"), ("interval", "05"), ("expected_calibration_error", "06"))
    before |= {name for name, since in formulas if lesson.stem >= since}
    tree = ast.parse(lesson.read_text(encoding="utf-8"))
    here = {node.name: node.lineno for node in tree.body if hasattr(node, "name")}
    hidden = {
        name for line, name in uses(tree) if name not in before and here.get(name, line) >= line
    }
    assert not hidden


def test_what_a_student_should_understand_is_shown_once():
    names = [name for _, name in PAIRS]
    assert SHOWN <= set(names)
    assert len(names) == len(set(names)), "show once, then import"
