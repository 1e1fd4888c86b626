"""The exercise `average-pooling`: answer, cases, and typical mistakes with their hints."""

import torch
from torch.nn import functional as F

from mnist_course.assessment.exercise import Case, Exercise
from mnist_course.exercises.inputs import numbers

EXERCISE = Exercise(
    name="average-pooling",
    points=2,
    cases=(
        Case((numbers(5, 5), 3, 2)),
        Case((numbers(4, 6), 2, 2)),
        Case((numbers(4, 7), 3, 1)),
        Case((numbers(7, 5), 2, 3)),
        Case((numbers(6, 6), 3, 2)),
        Case((torch.arange(9.0).reshape(3, 3), 2, 1)),
        Case((numbers(6, 5), 1, 3)),
        Case((numbers(3, 3), 3, 1)),
    ),
    hints=(
        "Begin with `max_pool2d` of [](#pooling). There the window moves by its own size; here it "
        "moves by `stride`.",
        "How many windows fit? The formula of [the output size](#output-size), without padding, "
        "says it for rows and for columns.",
        "A window is cut out by `image[top : top + size, left : left + size]`. Only where it "
        "begins depends on the stride.",
    ),
)


@EXERCISE.answer
def average_pool(image, size, stride):
    return F.avg_pool2d(image[None, None], size, stride)[0, 0]


EXERCISE.mistake(
    "the largest instead of the mean",
    "You keep the largest number of each window. The exercise asks for the mean.",
)(lambda image, size, stride: F.max_pool2d(image[None, None], size, stride)[0, 0])
EXERCISE.mistake(
    "the sum instead of the mean",
    "You add up each window, but do not divide by the number of its pixels.",
)(lambda image, size, stride: average_pool(image, size, stride) * size * size)
EXERCISE.mistake(
    "moved by its size",
    "Your window moves by its own size. It should move by `stride`, so that windows may overlap.",
)(lambda image, size, stride: average_pool(image, size, size))


@EXERCISE.mistake(
    "windows side by side",
    "Your output has the right size, but its windows lie one pixel apart, because the stride is "
    "not used to find where a window begins.",
)
def _(image, size, stride):
    rows, columns = average_pool(image, size, stride).shape
    return average_pool(image, size, 1)[:rows, :columns]


EXERCISE.mistake(
    "divided by one side",
    "A mean divides by the number of pixels in the window. How many are in a window of 3 × 3?",
)(lambda image, size, stride: average_pool(image, size, stride) * size)
EXERCISE.mistake(
    "divided by the stride",
    "You divide by the stride times itself. The number of pixels in a window depends on its size "
    "alone.",
)(lambda image, size, stride: average_pool(image, size, stride) * size * size / (stride * stride))


@EXERCISE.mistake(
    "one window short",
    "The last row and column of windows are missing: the formula of [the output "
    "size](#output-size) ends with + 1.",
)
def _(image, size, stride):
    rows, columns = ((side - size) // stride for side in image.shape)
    return average_pool(image, size, stride)[:rows, :columns]


@EXERCISE.mistake(
    "first row alone",
    "The first row of the output is right, and zeros follow. Is there a `return` inside the loop "
    "over the rows?",
)
def _(image, size, stride):
    output = average_pool(image, size, stride)
    output[1:] = 0
    return output


@EXERCISE.mistake(
    "windows over the edge",
    "Your last windows reach over the edge of the image. Only windows that lie inside count.",
)
def _(image, size, stride):
    rows, columns = (-(-side // stride) for side in image.shape)
    windows = [
        image[r * stride : r * stride + size, c * stride : c * stride + size].mean()
        for r in range(rows)
        for c in range(columns)
    ]
    return torch.stack(windows).reshape(rows, columns)


EXERCISE.mistake(
    "size and stride swapped",
    "Size and stride are swapped: the size belongs to the window, the stride to its steps.",
)(lambda image, size, stride: average_pool(image, stride, size))
EXERCISE.mistake(
    "stride ignored", "Your window moves pixel by pixel. It should move by `stride` pixels."
)(lambda image, size, stride: average_pool(image, size, 1))
EXERCISE.mistake("transposed output", "Rows and columns of the output are swapped.")(
    lambda image, size, stride: average_pool(image, size, stride).T
)
EXERCISE.mistake(
    "rounded up",
    "You round the size of the output up, so the last windows reach over the edge. Only windows "
    "that lie inside the image count.",
)(lambda image, size, stride: F.avg_pool2d(image[None, None], size, stride, ceil_mode=True)[0, 0])


@EXERCISE.mistake(
    "median instead of mean",
    "You take the median of each window, the number in the middle. The exercise asks for the mean.",
)
def _(image, size, stride):
    windows = image.unfold(0, size, stride).unfold(1, size, stride)
    return windows.flatten(2).median(dim=2).values
