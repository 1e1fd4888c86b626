"""Pictures of losses, slopes, steps, batch norm and learning rates, against torch."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mnist_course import plots

pytestmark = pytest.mark.usefixtures("drawing")


def heights(ax):
    return [bar.get_height() for bar in ax.patches]


@pytest.mark.parametrize("label", [0, 2])
def test_softmax_as_bars_and_the_loss_on_its_curve(label):
    logits = torch.tensor([2.0, -1.0, 0.5])
    left, middle, right = plots.softmax_and_loss(logits, label, names="abc")
    assert heights(left) == logits.tolist()
    assert heights(middle) == pytest.approx(logits.softmax(0).tolist())
    colours = [bar.get_facecolor()[:3] for bar in middle.patches]
    assert [colour == colours[label] for colour in colours].count(True) == 1
    assert [tick.get_text() for tick in middle.get_xticklabels()] == list("abc")
    curve, point = right.lines
    assert np.allclose(curve.get_ydata(), -np.log(curve.get_xdata()))
    loss = F.cross_entropy(logits[None], torch.tensor([label])).item()
    assert point.get_ydata()[0] == pytest.approx(loss)
    assert f"loss = {loss:.2f}" in right.texts[0].get_text()
    assert right.get_ylim()[1] > loss


def test_softmax_of_large_logits_has_no_overflow():
    axes = plots.softmax_and_loss(torch.tensor([1000.0, 998.0]), 1)
    assert heights(axes[1]) == pytest.approx([0.8808, 0.1192], abs=1e-4)
    right = plots.softmax_and_loss([1000.0, 0.0], 1)[2]  # p rounds to 0, and ln 0 is no number
    assert right.lines[1].get_ydata()[0] == 1000
    assert "loss = 1000.00" in right.texts[0].get_text()


@pytest.mark.parametrize("label", [-1, 3])
def test_a_label_that_is_no_class(label):
    with pytest.raises(ValueError, match=f"label {label} is none of the classes 0 to 2"):
        plots.softmax_and_loss([1.0, 2.0, 3.0], label)


def points(ax):
    """The dots that are drawn, as (x, y)."""
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    return [(float(dot.get_xdata()[0]), float(dot.get_ydata()[0])) for dot in dots]


def test_steps_of_gradient_descent_are_torchs():
    weight = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.2)
    expected = []
    for _ in range(5):
        loss = (weight - 3) ** 2 + 1
        expected.append((weight.item(), loss.item()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    tangent, steps = plots.descent(lambda w: (w - 3) ** 2 + 1, 0.5, 0.2, steps=4)
    assert np.allclose(points(steps), expected)
    assert [text.get_text() for text in steps.texts if text.get_text()] == list("01234")
    assert "0.2" in steps.get_title()
    assert points(tangent) == [pytest.approx(expected[0])]
    assert tangent.get_title().endswith("= −5.00")
    [line] = [
        one for one in tangent.lines if len(one.get_xdata()) == 2 and one.get_linestyle() == "-"
    ]
    run, rise = np.diff(line.get_xdata())[0], np.diff(line.get_ydata())[0]
    assert rise / run == pytest.approx(-5)
    assert plots.descent(lambda w: w * w, 0.0, 0.1)[0].get_title().endswith("= 0.00")


@pytest.mark.parametrize("steep", [0.001, 1, 1000])
def test_the_triangle_of_a_slope_lies_within_the_axes(steep):
    ax, _ = plots.descent(lambda w: steep * math.cos(w), 0.7, 0.1, limits=(-1, 7))
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    dotted = [line for line in ax.lines if line.get_linestyle() == ":"]
    assert len(dotted) == 2
    for line in dotted:
        assert all(left <= x <= right for x in line.get_xdata())
        assert all(low <= y <= high for y in line.get_ydata())


def test_steps_that_leave_the_axes_are_not_shown():
    _, steps = plots.descent(lambda w: w * w, 1.0, 1.5, steps=5, limits=(-3, 3))
    assert [x for x, _ in points(steps)] == pytest.approx([1.0, -2.0])
    assert steps.get_xlim() == (-3, 3)
    _, steps = plots.descent(lambda w: w**2, 1.0, 1e9, steps=2000)  # would overflow
    assert len(points(steps)) == 2


@pytest.mark.parametrize("places", [(6, 6), ()])
def test_batch_norm_before_and_after(places):
    torch.manual_seed(0)
    before = 3 + 2 * torch.randn(50, 4, *places)
    norm = nn.BatchNorm2d(4) if places else nn.BatchNorm1d(4)
    left, right = plots.batch_norm(before, norm(before), channels=2)
    for index, text in enumerate(left.get_legend().get_texts()):
        channel = before[:, index]
        mean, deviation = channel.mean(), channel.std(correction=0)
        assert text.get_text() == f"channel {index}: mean {mean:.2f}, deviation {deviation:.2f}"
    for index, text in enumerate(right.get_legend().get_texts()):
        assert text.get_text() == f"channel {index}: mean 0.00, deviation 1.00"
    assert len(left.get_legend().get_texts()) == 2


def test_a_search_shows_each_run_and_those_that_diverged():
    losses = np.array([[2.3, 2.2], [0.5, 0.7], [math.nan, 3.0]])
    ax = plots.rate_search([0.1, 1, 10], losses, chosen=1, title="a search")
    line, first, second, *_ = ax.lines
    assert list(line.get_xdata()) == [0.1, 1]  # no median of a run that has no loss
    assert line.get_ydata() == pytest.approx([2.25, 0.6])
    for dots, column in zip((first, second), losses.T, strict=True):
        assert np.array_equal(dots.get_ydata(), column, equal_nan=True)
    by_label = {one.get_label(): one for one in ax.lines}
    assert list(by_label["diverged"].get_xdata()) == [10]
    assert list(by_label["chosen: 1"].get_xdata()) == [1, 1]
    assert ax.get_ylim()[0] == 0
    assert ax.get_ylim()[1] > 3
    ax.figure.canvas.draw()
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0.1", "1", "10"]
    levels = [list(one.get_ydata()) for one in ax.lines]
    assert [math.log(10)] * 2 in levels
    with pytest.raises(ValueError, match=r"2 rates need losses \(2, runs\), got \(3, 2\)"):
        plots.rate_search([0.1, 1], losses)


def test_small_losses_of_a_search_fill_the_picture():
    ax = plots.rate_search([0.1, 1], [[0.2], [0.1]])
    assert ax.get_ylim()[1] < 0.3
    assert not ax.texts


def test_a_search_in_which_nothing_converged():
    ax = plots.rate_search([1, 10], [[math.nan], [math.inf]])
    by_label = {one.get_label(): one for one in ax.lines}
    assert list(by_label["diverged"].get_xdata()) == [1, 10]


def test_lines_with_the_spread_of_their_runs():
    series = {"LeNet-5": [[0.9, 0.5], [0.8, 0.7]], "other": [[0.3, 0.2], [0.3, 0.4]]}
    ax = plots.spread_lines(series, x=[0, 1], xlabel="shift", percent=True)
    for container, runs in zip(ax.containers, series.values(), strict=True):
        mean, deviation = np.mean(runs, axis=0), np.std(runs, axis=0, ddof=1)
        bars = container[2][0].get_segments()
        assert [bar[0][0] for bar in bars] == [0, 1]
        assert [bar[0][1] for bar in bars] == pytest.approx(mean - deviation)
        assert [bar[1][1] for bar in bars] == pytest.approx(mean + deviation)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(series)
    ax.figure.canvas.draw()
    assert ax.get_yticklabels()[0].get_text().endswith("%")


def run(name, losses, accuracies):
    return {
        "name": name,
        "validation_loss": losses,
        "validation_accuracy": accuracies,
        "train_loss": [2 * loss for loss in losses],
        "train_accuracy": [accuracy / 2 for accuracy in accuracies],
    }


RUNS = [
    run("a", [1.0, 0.5, 0.4], [0.7, 0.8, 0.9]),
    run("a", [3.0, 1.5], [0.5, 0.6]),  # it stopped early
    run("b", [1.0], [0.5]),
]


@pytest.mark.parametrize("training", [True, False])
def test_runs_are_compared_by_their_mean_and_their_range(training):
    loss, accuracy = plots.compare_runs(RUNS, {"a": "the first"}, training, accuracy_from=0.4)
    means = {line.get_label(): list(line.get_ydata()) for line in loss.lines}
    assert means["the first"] == [2.0, 1.0]
    lines = [list(line.get_ydata()) for line in loss.lines]
    assert ([4.0, 2.0] in lines) == training
    [band] = accuracy.collections
    assert band.get_datalim(accuracy.transData).intervaly.tolist() == [0.5, 0.8]
    assert accuracy.get_ylim()[0] == 0.4
    assert loss.get_yscale() == "log"
    texts = [text.get_text() for text in loss.get_legend().get_texts()]
    assert texts == ["the first", "dashed: training"][: 1 + training]


def test_a_name_without_runs_is_named():
    with pytest.raises(ValueError, match="no runs named 'c'; there are a, b"):
        plots.compare_runs(RUNS, {"a": "the first", "c": "the third"})
