"""The exercise `padded-shortcut`: answer, cases, and typical mistakes with their hints."""

import math

import torch
from torch.nn import functional as F

from mnist_course.assessment.exercise import Case, Exercise
from mnist_course.exercises.inputs import spread_out

EXERCISE = Exercise(
    name="padded-shortcut",
    points=2,
    cases=(
        Case((torch.arange(1.0, 10.0).reshape(1, 1, 3, 3), 2, 2)),
        Case((torch.arange(1.0, 9.0).reshape(1, 2, 2, 2), 3, 1)),
        Case((spread_out(2, 3, 4, 5), 6, 2), "2 images, 3 channels, 4 x 5; 6 channels, stride 2"),
        Case((spread_out(1, 2, 7, 4), 5, 3), "1 image, 2 channels, 7 x 4; 5 channels, stride 3"),
        Case((spread_out(1, 2, 3, 4), 2, 2), "1 image, 2 channels, 3 x 4; 2 channels, stride 2"),
        Case((spread_out(1, 2, 3, 2), 2, 1), "1 image, 2 channels, 3 x 2, nothing to mend"),
    ),
    hints=(
        "Two steps: leave out rows and columns, then add channels.",
        "A slice with a step, `row[::2]`, takes every second element. It works on each axis of a "
        "tensor.",
        "Make a tensor of zeros in the shape that is wanted, and copy what you kept into its "
        "first channels. Or make the missing channels and join both with `torch.cat(..., dim=1)`.",
    ),
)


@EXERCISE.answer
def padded_shortcut(images, outputs, stride):
    kept = images[:, :, ::stride, ::stride]
    wanted = kept.new_zeros(len(images), outputs, *kept.shape[2:])
    wanted[:, : images.shape[1]] = kept
    return wanted


def filled_up(kept, outputs):
    """Feature maps, followed by channels of zeros."""
    missing = outputs - kept.shape[1]
    return F.pad(kept, (0, 0, 0, 0, 0, missing))


def cropped(images, outputs, stride):
    rows, columns = (math.ceil(size / stride) for size in images.shape[2:])
    return filled_up(images[:, :, :rows, :columns].clone(), outputs)


EXERCISE.mistake(
    "zeros in front", "The zeros stand in front. The input's own channels come first."
)(
    lambda images, outputs, stride: F.pad(
        images[:, :, ::stride, ::stride], (0, 0, 0, 0, outputs - images.shape[1], 0)
    )
)


@EXERCISE.mistake(
    "zeros on both sides",
    "Your zeros stand on both sides of the input's own channels. All of them belong behind.",
)
def _(images, outputs, stride):
    missing = outputs - images.shape[1]
    kept = images[:, :, ::stride, ::stride]
    return F.pad(kept, (0, 0, 0, 0, missing // 2, missing - missing // 2))


@EXERCISE.mistake(
    "channels repeated", "The new channels repeat the input's own. They should be zeros."
)
def _(images, outputs, stride):
    index = torch.arange(outputs) % images.shape[1]
    return images[:, index, ::stride, ::stride]


EXERCISE.mistake(
    "averaged",
    "Your pixels are means of neighbours, as in average pooling. Here one pixel is taken as it "
    "is, and its neighbours are left out.",
)(lambda images, outputs, stride: filled_up(F.avg_pool2d(images, stride, ceil_mode=True), outputs))
EXERCISE.mistake(
    "maximum",
    "Your pixels are the largest of their neighbours, as in max pooling. Here one pixel is taken "
    "as it is, and its neighbours are left out.",
)(lambda images, outputs, stride: filled_up(F.max_pool2d(images, stride, ceil_mode=True), outputs))
EXERCISE.mistake(
    "cropped",
    "You keep the top left corner of each image, without gaps. Take every stride-th row and "
    "column of the whole image.",
)(lambda images, outputs, stride: cropped(images, outputs, stride))
EXERCISE.mistake(
    "last of each step", "You begin in the middle of a step. Begin with row 0 and column 0."
)(
    lambda images, outputs, stride: filled_up(
        images[:, :, stride - 1 :: stride, stride - 1 :: stride], outputs
    )
)
EXERCISE.mistake(
    "rows only", "You take the stride over the rows alone. It holds for the columns, too."
)(lambda images, outputs, stride: filled_up(images[:, :, ::stride], outputs))
EXERCISE.mistake(
    "columns only", "You take the stride over the columns alone. It holds for the rows, too."
)(lambda images, outputs, stride: filled_up(images[..., ::stride], outputs))
EXERCISE.mistake(
    "stride ignored",
    "The zeros are right, but all rows and columns are still there. Take every stride-th.",
)(lambda images, outputs, stride: filled_up(images, outputs))
EXERCISE.mistake("stride fixed", "You take every second row and column, whatever the stride is.")(
    lambda images, outputs, stride: filled_up(images[:, :, ::2, ::2], outputs)
)
EXERCISE.mistake(
    "zeros forgotten",
    "Rows and columns are right, but there are too few channels. Add channels of zeros.",
)(lambda images, outputs, stride: images[:, :, ::stride, ::stride].clone())
EXERCISE.mistake(
    "zeros added to the count",
    "You add as many channels as there should be in the end. But some are there already.",
)(
    lambda images, outputs, stride: filled_up(
        images[:, :, ::stride, ::stride], outputs + images.shape[1]
    )
)
EXERCISE.mistake(
    "stride forgotten for equal channels",
    "When there are enough channels already, you return the images as they are. But the stride "
    "may still leave out rows and columns.",
)(
    lambda images, outputs, stride: (
        images if outputs == images.shape[1] else padded_shortcut(images, outputs, stride)
    )
)
