"""What lesson 04 says of gains, spreads and schedules is what the stored runs say."""

import ast
import json
import math
import statistics
from itertools import pairwise
from pathlib import Path

import jupytext
import pytest
import torch
from test_claims import LESSONS, split
from test_shown_code import definitions

from mnist_course import data, metrics, models, plots, results, runtime
from mnist_course.exercises.conclusion import concluded
from mnist_course.training import Recipe, fit

[LESSON] = (path for path in LESSONS if path.stem.startswith("04"))
EVIDENCE = Path(__file__).parent.parent / "research" / "evidence"


def accuracies(topic):
    """The accuracies of a topic's runs in per cent, by row."""
    rows = results.load(topic)["rows"]
    return {name: [100 * one for one in row["accuracies"]] for name, row in rows.items()}


def settled(base, new):
    """Whether a gain is settled by the course's rule; five seeds each are there."""
    assert min(len(base), len(new)) >= 5
    gain, spread = metrics.gain(base, new)
    return abs(gain) > 2 * spread


def test_only_the_first_of_lesson_04_s_changes_is_settled_and_three_of_them_together():
    runs = accuracies("steps")
    verdicts = [settled(runs[old], runs[new]) for old, new in pairwise(runs)]
    assert verdicts == [True, False, False, False, False]
    assert metrics.gain(runs["adam"], runs["batch-norm"])[0] < 0
    assert settled(runs["relu"], runs["adam"])


def test_with_a_rate_that_was_not_searched_for_max_pooling_seemed_to_gain_a_point():
    earlier = json.loads((EVIDENCE / "steps.json").read_text(encoding="utf-8"))["earlier"]
    base, new = (
        [
            100 * run["validation_accuracy"][-1]
            for run in earlier
            if run["name"] == name and run["recipe"]["learning_rate"] == 0.1
        ]
        for name in ("relu", "max-pooling")
    )
    assert len(base) == len(new) == 5
    gain, spread = metrics.gain(base, new)
    assert f"{gain:.1f}" == "1.0"
    assert gain > 4 * spread
    runs = accuracies("steps")
    assert metrics.gain(runs["relu"], runs["max-pooling"])[0] < gain / 2


def test_what_lesson_04_says_of_the_searched_rates():
    searches = results.load("rates")["searches"]

    def loss(name, rate):
        search = searches[name]
        return statistics.median(search["losses"][search["rates"].index(rate)])

    nothing_learned = 2.2
    assert loss("lenet5", 1.5) < 1 < loss("lenet5", 3)
    assert loss("relu", 0.9) > nothing_learned > loss("relu", 0.3)
    assert loss("momentum", 0.1) > nothing_learned > loss("momentum", 0.03)
    assert loss("relu", 0.1) > 1.5 * loss("relu", 0.3)
    assert max(loss("adam", rate) for rate in (0.001, 0.003, 0.01)) < 0.1


def test_every_searched_rate_lies_within_its_picture(monkeypatch):
    """The four share an axis, on which the last one's own limits once hid the others."""
    [cell] = (
        cell.source for cell in jupytext.read(LESSON).cells if "plots.rate_search(" in cell.source
    )
    shown = []
    monkeypatch.setattr(plots, "show", lambda axes, alt: shown.extend(axes))
    names = {"results": results, "plots": plots}
    exec(cell, names)
    assert len(shown) == 4
    for ax, name in zip(shown, names["chosen"], strict=True):
        search = names["searches"][name]
        low, high = ax.get_ylim()
        dots = [y for line in ax.lines if line.get_marker() == "o" for y in line.get_ydata()]
        assert dots == [loss for losses in search["losses"] for loss in losses]
        assert low < min(dots) <= max(dots) < high
        assert math.isclose(max(dots), math.log(10), rel_tol=0.01) == (name != "adam")


def test_all_rows_of_the_ablation_are_settled():
    base, *rows = accuracies("ablation").values()
    assert len(rows) == 4
    assert all(settled(base, row) for row in rows)


def test_the_interaction_of_the_ablation_is_below_zero_and_not_settled():
    base, *singles, together = accuracies("ablation").values()
    gains = [metrics.gain(base, row)[0] for row in (together, *singles)]
    interaction = gains[0] - sum(gains[1:])
    variances = [statistics.variance(row) for row in (together, *singles)]
    spread = ((4 * statistics.variance(base) + sum(variances)) / len(base)) ** 0.5
    assert -2 * spread < interaction < 0


def test_comparing_seed_by_seed_helps_two_rows_of_the_ablation_and_harms_two():
    base, *rows = accuracies("ablation").values()
    helps = []
    for row in rows:
        pairs = [new - old for old, new in zip(base, row, strict=True)]
        by_seed = statistics.stdev(pairs) / len(pairs) ** 0.5
        helps.append(by_seed < metrics.gain(base, row)[1])
        assert helps[-1] == (statistics.correlation(base, row) > 0)
    assert sorted(helps) == [False, False, True, True]


def test_what_lesson_04_says_of_base_and_seconds_of_the_ablation():
    rows = results.load("ablation")["rows"]
    assert rows["base"]["low"] > 0.987  # all of them above the write-up's last number
    seconds = {name: row["seconds_an_epoch"] for name, row in rows.items()}
    assert max(seconds, key=seconds.get) == "batch norm alone"
    assert abs(seconds["augmentation alone"] - seconds["base"]) < 0.1 * seconds["base"]


def test_what_lesson_04_says_of_write_up_b():
    runs, stored = accuracies("writeups"), results.load("writeups")["runs"]
    assert not settled(runs["b"], runs["b-shuffled"])
    gains = []
    for name in ("b", "b-shuffled"):
        mine = [run["validation_accuracy"] for run in stored if run["name"] == name]
        gains.append(statistics.mean(100 * (run[9] - run[1]) for run in mine))
    assert min(gains) < 0 < max(gains) < 0.25  # "after the second epoch … next to nothing"


def test_when_the_plateau_rule_would_have_halved_write_up_b_s_rate():
    [run] = [
        one for one in results.load("writeups")["runs"] if (one["name"], one["seed"]) == ("b", 2)
    ]
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.01)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, "max", factor=0.5, patience=2)
    rates = []
    for accuracy in run["validation_accuracy"]:
        rates.append(optimizer.param_groups[0]["lr"])
        schedule.step(accuracy)
    assert rates == [0.01] * 5 + [0.005] * 3 + [0.0025] * 2
    assert run["validation_accuracy"].index(max(run["validation_accuracy"])) == 1  # epoch 2


# --- with networks ------------------------------------------------------------------------


def test_the_slopes_of_sigmoids_vanish_and_those_of_relu_do_not():
    names = {"models": models, "nn": torch.nn}
    exec(definitions(LESSON)["lenet_with"], names)
    images, labels = next(iter(data.Batches(split().train, 256)))
    shares = []
    for activation in (torch.nn.Sigmoid, torch.nn.ReLU):
        runtime.seed_everything(0)
        network = names["lenet_with"](activation)
        torch.nn.functional.cross_entropy(network(images), labels).backward()
        sizes = [layer.weight.grad.abs().mean() for layer in network if hasattr(layer, "weight")]
        shares.append(sizes[0] / sizes[-1])
    sigmoid, relu = shares
    assert sigmoid < 1 / 100
    assert relu > 1


@pytest.mark.parametrize(("rate", "least", "most"), [(0.1, 0, 12), (0.9, 61, 120)])
def test_a_rate_that_is_too_large_kills_more_than_half_of_the_units(rate, least, most):
    names = {"models": models, "nn": torch.nn}
    exec(definitions(LESSON)["lenet_with"], names)
    some = data.Digits(split().train[:5000], split().validation[:500])
    runtime.seed_everything(1)  # a seed at which rounding makes no difference
    network = names["lenet_with"](torch.nn.ReLU)
    recipe = Recipe(epochs=1, batch_size=64, learning_rate=rate, momentum=0.0)
    fit(network, some, recipe, seed=1, device="cpu")
    with torch.no_grad():
        answers = network[:9](data.normalise(data.scale(some.validation.images)))
    assert least <= (answers == 0).all(dim=0).sum() <= most


def base():
    """The recipe that the lesson's experiment begins with."""
    [assigned] = (
        node.value
        for node in ast.parse(LESSON.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "BASE"
    )
    return ast.literal_eval(assigned)


@pytest.fixture(scope="module")
def tried():
    """The lesson's trial for five seeds, as a function of what is changed in its base."""
    few = data.Digits(split().train[:1000], split().validation[:1000])
    names = {"runtime": runtime, "models": models, "Recipe": Recipe, "fit": fit, "few": few}
    names["lenet5_variant"] = models.lenet5_variant
    exec(definitions(LESSON)["trial"], names)
    before = [names["trial"](base(), seed) for seed in range(5)]

    def numbers(**change):
        return before, [names["trial"]({**base(), **change}, seed) for seed in range(5)]

    return numbers


@pytest.mark.parametrize(
    "change",
    [{"batch_size": 250}, {"learning_rate": 0.03}, {"learning_rate": 0.0003}, {"epochs": 2}],
    ids=str,
)
def test_what_lesson_04_tells_of_its_changes_is_so(tried, change):
    assert concluded(*tried(**change)) == "lower"


def test_more_epochs_are_a_settled_gain_in_lesson_04_s_trial(tried):
    assert settled(*tried(epochs=10))
