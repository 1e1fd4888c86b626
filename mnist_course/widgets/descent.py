"""Gradient descent over one weight: a loss, its slope, and steps that end well or badly."""

import math

import numpy as np

from mnist_course.widgets import charts, pixels
from mnist_course.widgets.controls import buttons, rows, slider
from mnist_course.widgets.explorer import Explorer, ExplorerError
from mnist_course.widgets.picture import Picture

STARTS, RATES, STEPS = (-3.0, 5.0), (0.01, 1.2), (0, 30)  # what the sliders allow
WEIGHTS = (-3.5, 5.5)  # where the curve is drawn
BEYOND = 1e3  # a weight this far away has diverged
WIDTH, HEIGHT = 820, 340


def one_valley(weight):
    """(w − 1)²: its slope is 2(w − 1), and its lowest point lies at 1."""
    return (weight - 1) ** 2


def two_valleys(weight):
    """A curve with a deep valley near −2 and a flatter one near 4."""
    return 0.03 * (weight + 2) ** 2 * (weight - 4) ** 2 + 0.25 * weight + 0.6


LOSSES = {  # name: (loss, its slope)
    "one valley": (one_valley, lambda weight: 2 * (weight - 1)),
    "two valleys": (
        two_valleys,
        lambda weight: 0.06 * (weight + 2) * (weight - 4) * (2 * weight - 2) + 0.25,
    ),
}


def descend(slope, start, learning_rate, steps):
    """The weights on the way: the start, and one after each step `w − learning_rate · slope(w)`.

    Ends early where a weight has left the range ±BEYOND.
    """
    weights = [float(start)]
    while len(weights) <= steps and abs(weights[-1]) < BEYOND:
        weights.append(weights[-1] - learning_rate * slope(weights[-1]))
    return weights


def descent_picture(start=-2.0, learning_rate=0.1, steps=8, loss="one valley"):
    """A loss over one weight, with the steps of gradient descent on it, as a `Picture`.

    start: the weight before the first step, within STARTS; learning_rate within RATES; steps
    within STEPS; loss: one of LOSSES. Raises ExplorerError for anything outside.
    """
    if loss not in LOSSES:
        raise ExplorerError(f"no loss {loss!r}; there are {', '.join(LOSSES)}")
    pixels.check_range("start", start, *STARTS)
    pixels.check_range("learning rate", learning_rate, *RATES)
    pixels.check_whole("steps", steps, *STEPS)
    curve, slope = LOSSES[loss]
    weights = descend(slope, start, learning_rate, steps)
    sheet = pixels.Sheet(WIDTH, HEIGHT)
    _draw_valley(sheet, curve, slope, weights)
    _draw_losses(sheet, [curve(weight) for weight in weights], steps)
    return Picture(sheet, _describe(curve, slope, weights, learning_rate))


def _draw_valley(sheet, curve, slope, weights):
    """The curve, the weights on it, and the slope at the last one."""
    places = np.linspace(*WEIGHTS, 181)
    top = 1.05 * max(curve(weight) for weight in STARTS)
    axes = charts.Axes(sheet, 46, 34, 440, HEIGHT - 86, WEIGHTS, (0, top))
    axes.frame("loss over one weight", "weight w", ticks=8)
    _line_within(axes, places, [curve(place) for place in places], pixels.SOFT)
    seen = [weight for weight in weights if WEIGHTS[0] <= weight <= WEIGHTS[1]]
    for before, after in zip(weights, weights[1:], strict=False):
        if before in seen and after in seen:
            points = [axes.place(weight, curve(weight)) for weight in (before, after)]
            sheet.line(points, pixels.MARK, 1)
    for weight in seen:
        axes.dot(weight, curve(weight), pixels.MARK, 3)
    axes.dot(weights[0], curve(weights[0]), pixels.MARK, 7, hollow=True)
    if weights[-1] in seen:
        last, height, rise = weights[-1], curve(weights[-1]), slope(weights[-1])
        around = last + np.linspace(-0.9, 0.9, 61) / math.hypot(1, rise * 0.25)
        _line_within(axes, around, height + rise * (around - last), pixels.RED)
        axes.dot(last, height, pixels.RED, 5)
    sheet.text(266, HEIGHT - 16, "ring: start   red: last weight, with its slope", 11, pixels.SOFT,
               "ma")  # fmt: skip
    step = axes.width / 90  # one tenth of a weight
    left, _ = axes.place(STARTS[0] - 0.05, 0)
    sheet.point(
        left, axes.y, 1, 81, (step, axes.height), "start", "Start", start=STARTS[0], by=0.1,
        hover=False, keys=False,
    )  # fmt: skip


def _line_within(axes, across, up, colour):
    """A line whose parts outside of the axes are left out."""
    inside = [
        value if axes.up[0] <= value <= axes.up[1] and low <= place <= high else math.nan
        for low, high in [axes.across]
        for place, value in zip(across, up, strict=True)
    ]
    axes.line(across, inside, colour)


def _draw_losses(sheet, losses, steps):
    """The loss after every step."""
    top = 1.1 * min(max(losses), 10 * max(losses[0], 0.1))  # enough to see it grow
    span = (0, max(top, 0.1))
    axes = charts.Axes(sheet, 560, 34, 246, HEIGHT - 86, (0, max(steps, 1)), span)
    axes.frame("loss after every step", "step", ticks=5)
    axes.line(range(len(losses)), losses, pixels.MARK)
    for number, loss in enumerate(losses):
        if loss <= axes.up[1]:
            axes.dot(number, loss, pixels.MARK, 3)


def _describe(curve, slope, weights, learning_rate):
    first, last = weights[0], weights[-1]
    number = pixels.number
    text = f"At the start, w = {number(first)}, the slope is {number(slope(first))}. "
    if len(weights) > 1:
        text += (
            f"So the first step goes to {number(first)} − {learning_rate:g} · "
            f"({number(slope(first))}) = {number(weights[1])}. "
        )
    steps = len(weights) - 1
    if steps == 0:
        return text + "Allow a step, and the weight moves against the slope."
    count = f"{steps} step{'s' * (steps > 1)}"
    if abs(last) >= BEYOND:
        return text + (
            f"Every step overshoots the valley by more than it came from, so that after {count} "
            f"the weight has left the picture: the learning rate is too large."
        )
    loss = curve(last)
    text += f"After {count} w = {number(last)} and the loss is {number(loss, 3)}, "
    if loss > curve(first) + 1e-9:
        return text + "which is more than at the start, because the learning rate is too large."
    if abs(loss - curve(first)) <= 1e-9 and abs(slope(first)) > 1e-9:
        return text + "as at the start, because the steps only jump from one side to the other."
    if abs(slope(last)) < 0.05:
        return text + "where the slope is close to 0, so that further steps change little."
    return text + "so there is still a slope to follow."


def descent_explorer():
    """An explorer: gradient descent over one weight, with a start and a learning rate to choose."""
    controls = {
        "start": slider("Start", -2.0, *STARTS, 0.1, "the weight before the first step"),
        "learning_rate": slider(
            "Learning rate", 0.1, *RATES, 0.01, "how far a step goes for a slope of 1"
        ),
        "steps": slider("Steps", 8, *STEPS, help="how many steps are made"),
        "loss": buttons("Loss", LOSSES, "one valley", "the curve to descend on"),
    }
    named = list(controls.values())
    ahead = ("start", "learning_rate", "steps")
    return Explorer(
        descent_picture, controls, "Down a slope", rows(named[:3], named[3:]), ahead=ahead
    )
