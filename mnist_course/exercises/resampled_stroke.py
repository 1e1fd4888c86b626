"""The exercise `resampled-stroke`: answer, cases, and typical mistakes with their hints."""

import numpy as np
import torch

from mnist_course.assessment.exercise import Case, Exercise


def points(*pairs):
    return torch.tensor(pairs, dtype=torch.float32)


EXAMPLE = points((0, 0), (1, 0), (4, 0), (4, 4))
SEVEN = points((0, 1), (2, 0.5), (9, 0), (8, 2), (3, 12))
BACK = points((0, 0), (6, 0), (0, 0), (0, 2))  # to and fro
RESTING = points((1, 1), (1, 1), (4, 5), (4, 5), (4, 5), (10, 13))  # the pen waits at places
LINE = points((2, 7), (12, 7))

EXERCISE = Exercise(
    name="resampled-stroke",
    points=3,
    cases=(
        Case((EXAMPLE, 5)),
        Case((SEVEN, 7), "a 7 of five points"),
        Case((SEVEN, 2), "the same 7 by two points"),
        Case((BACK, 8), "a line that goes to and fro"),
        Case((RESTING, 6), "a pen that rests at some points"),
        Case((LINE, 4), "a straight line"),
        Case((points((3, 5)), 3), "one point alone"),
        Case((points((3, 5), (3, 5)), 2), "a pen that does not move"),
    ),
    hints=(
        "First work out for each point how far the pen had gone when it came there. These "
        "distances begin with 0, and the last one is the whole length.",
        "`(stroke[1:] - stroke[:-1]).norm(dim=1)` are the lengths from point to point, and "
        "`cumsum` adds them up. `np.linspace(0, length, count)` are the distances that you want.",
        "`np.interp(wanted, gone, values)` reads off the values at the wanted distances. It does "
        "so for one axis, so call it for x and for y.",
    ),
)


def gone(stroke):
    """How far the pen has gone at each point: float64 (N,)."""
    lengths = (stroke[1:] - stroke[:-1]).double().norm(dim=1)
    return np.concatenate([[0.0], lengths.cumsum(dim=0).numpy()])


def read_off(stroke, distances, wanted):
    """The points of a stroke at wanted distances, where its own lie at `distances`."""
    axes = [np.interp(wanted, distances, stroke[:, axis].numpy()) for axis in (0, 1)]
    return torch.tensor(np.stack(axes, axis=1), dtype=torch.float32)


@EXERCISE.answer
def resampled(stroke, count):
    distances = gone(stroke)
    return read_off(stroke, distances, np.linspace(0, distances[-1], count))


EXERCISE.mistake(
    "equal times",
    "You go through the points by their number, so that a slow pen gets more points. Go through "
    "them by the distance that the pen has gone.",
)(
    lambda stroke, count: read_off(
        stroke, np.arange(len(stroke)), np.linspace(0, len(stroke) - 1, count)
    )
)
EXERCISE.mistake(
    "straight from end to end",
    "Your points lie on the straight line from the first point to the last. Follow the stroke.",
)(lambda stroke, count: read_off(stroke[[0, -1]], np.array([0.0, 1.0]), np.linspace(0, 1, count)))
EXERCISE.mistake(
    "last point missing",
    "Your last point is not the stroke's last one: `count` points have `count - 1` gaps between "
    "them.",
)(
    lambda stroke, count: read_off(
        stroke, gone(stroke), np.linspace(0, gone(stroke)[-1], count, endpoint=False)
    )
)
EXERCISE.mistake(
    "one point too many", "You return `count + 1` points: there are `count - 1` gaps, not `count`."
)(lambda stroke, count: resampled(stroke, count + 1))
EXERCISE.mistake(
    "along the axes",
    "You add up the distances along x and y. The length from point to point is the root of the sum "
    "of their squares.",
)(
    lambda stroke, count: read_off(
        stroke,
        along := np.concatenate([[0.0], (stroke[1:] - stroke[:-1]).abs().sum(1).cumsum(0).numpy()]),
        np.linspace(0, along[-1], count),
    )
)
EXERCISE.mistake(
    "squares",
    "The root is missing: you add up the squares of the distances.",
)(
    lambda stroke, count: read_off(
        stroke,
        along := np.concatenate(
            [[0.0], (stroke[1:] - stroke[:-1]).square().sum(1).cumsum(0).numpy()]
        ),
        np.linspace(0, along[-1], count),
    )
)
EXERCISE.mistake(
    "some of its points",
    "You choose among the points that are there. New points have to be put between them.",
)(
    lambda stroke, count: stroke[
        [int(np.abs(gone(stroke) - one).argmin())
         for one in np.linspace(0, gone(stroke)[-1], count)]
    ]
)  # fmt: skip
