"""The exercise `strided-correlation`: answer, cases, and typical mistakes with their hints."""

import torch
from torch.nn import functional as F

from mnist_course.assessment.exercise import Case, Exercise
from mnist_course.exercises.inputs import numbers

EXERCISE = Exercise(
    name="strided-correlation",
    points=2,
    cases=(
        Case((torch.arange(16.0).reshape(4, 4), torch.tensor([[1.0, -1.0], [2.0, 0.0]]), 2)),
        Case((numbers(5, 5), numbers(2, 2), 2)),
        Case((numbers(4, 7), numbers(3, 2), 2)),
        Case((numbers(7, 4), numbers(1, 3), 3)),
        Case((numbers(3, 3), numbers(2, 2), 1)),
        Case((numbers(7, 8) / 4, numbers(2, 3), 4)),
        Case((numbers(3, 2), numbers(3, 2), 2)),
    ),
    hints=(
        "Begin with `corr2d` of [section](#correlation). Two things change: the size of the "
        "output, and where each patch begins.",
        "In the formula of [the output size](#output-size) padding is 0 here. Use it once for the "
        "rows and once for the columns.",
        "With stride 2, at which image row does output row 1 begin? And output row 2? The same "
        "goes for columns.",
    ),
)


@EXERCISE.answer
def strided_correlation(image, kernel, stride):
    return F.conv2d(image[None, None], kernel[None, None], stride=stride)[0, 0]


def with_strides(image, kernel, rows, columns):
    return F.conv2d(image[None, None], kernel[None, None], stride=(rows, columns))[0, 0]


def first_row_alone(image, kernel, stride):
    output = strided_correlation(image, kernel, stride)
    output[1:] = 0
    return output


EXERCISE.mistake(
    "flipped kernel",
    "You compute what mathematicians call a convolution: your kernel is turned round. "
    "[Correlation](#correlation) lays it on the patch as it is.",
)(lambda image, kernel, stride: strided_correlation(image, kernel.flip(0, 1), stride))
EXERCISE.mistake("transposed kernel", "Rows and columns of the kernel are swapped.")(
    lambda image, kernel, stride: strided_correlation(image, kernel.T, stride)
)
EXERCISE.mistake(
    "stride ignored",
    "The kernel still visits every place. With stride 2 it stands on every second row and every "
    "second column.",
)(lambda image, kernel, stride: strided_correlation(image, kernel, 1))


@EXERCISE.mistake(
    "neighbouring patches",
    "Your output has the right size, but its patches lie one pixel apart. How far apart should "
    "two neighbouring patches begin?",
)
def _(image, kernel, stride):
    rows, columns = strided_correlation(image, kernel, stride).shape
    return strided_correlation(image, kernel, 1)[:rows, :columns]


@EXERCISE.mistake(
    "output too large",
    "The numbers at the top left are right, and zeros follow, because the output has the size for "
    "stride 1. The formula of [the output size](#output-size) helps.",
)
def _(image, kernel, stride):
    right = strided_correlation(image, kernel, stride)
    output = torch.zeros_like(strided_correlation(image, kernel, 1))
    output[: right.shape[0], : right.shape[1]] = right
    return output


@EXERCISE.mistake(
    "output too small",
    "The last row and the last column are missing: the formula of [the output size](#output-size) "
    "ends with + 1.",
)
def _(image, kernel, stride):
    rows = (image.shape[0] - kernel.shape[0]) // stride
    columns = (image.shape[1] - kernel.shape[1]) // stride
    return strided_correlation(image, kernel, stride)[:rows, :columns]


EXERCISE.mistake(
    "first row alone",
    "The first row of the output is right, and zeros follow. Is there a `return` inside the loop "
    "over the rows?",
)(first_row_alone)


@EXERCISE.mistake(
    "first place alone",
    "The first number of the output is right, and zeros follow. Is there a `return` inside the "
    "loops?",
)
def _(image, kernel, stride):
    output = first_row_alone(image, kernel, stride)
    output[:, 1:] = 0
    return output


EXERCISE.mistake("mean instead of sum", "You take the mean of the products. Add them up instead.")(
    lambda image, kernel, stride: strided_correlation(image, kernel, stride) / kernel.numel()
)
EXERCISE.mistake("transposed output", "Rows and columns of the output are swapped.")(
    lambda image, kernel, stride: strided_correlation(image, kernel, stride).T
)


@EXERCISE.mistake(
    "the largest product",
    "You keep the largest product of each patch. Add the products up instead.",
)
def _(image, kernel, stride):
    windows = image.unfold(0, kernel.shape[0], stride).unfold(1, kernel.shape[1], stride)
    return (windows * kernel).amax(dim=(2, 3))


EXERCISE.mistake(
    "stride for the rows alone",
    "The kernel takes its steps downwards, but to the right it visits every place.",
)(lambda image, kernel, stride: with_strides(image, kernel, stride, 1))
EXERCISE.mistake(
    "stride for the columns alone",
    "The kernel takes its steps to the right, but downwards it visits every place.",
)(lambda image, kernel, stride: with_strides(image, kernel, 1, stride))
EXERCISE.mistake("padding added", "You put zeros around the image. Here there is no padding.")(
    lambda image, kernel, stride: F.conv2d(
        image[None, None], kernel[None, None], stride=stride, padding=1
    )[0, 0]
)
EXERCISE.mistake(
    "kernel not used", "You add up the pixels of each patch. Multiply them by the kernel first."
)(lambda image, kernel, stride: strided_correlation(image, torch.ones_like(kernel), stride))
