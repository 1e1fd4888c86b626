"""The exercises of lesson 02: convolution and pooling."""

import torch
from torch.nn import functional as F

from mnist_course.checks.exercise import Case, Exercise, Mistake


def numbers(*shape):
    """Small whole numbers of no pattern, float32: the same at each call, different at each place.

    Kernels made of them have no symmetry, so a flipped or transposed one gives other results.
    """
    count = torch.Size(shape).numel()
    return ((torch.arange(count) * 7 + 3) % 11 - 4.0).reshape(shape)


# --- 02.2 ---------------------------------------------------------------------------------


def strided_correlation(image, kernel, stride):
    return F.conv2d(image[None, None], kernel[None, None], stride=stride)[0, 0]


def _transposed_steps(image, kernel, stride):
    return strided_correlation(image, kernel, stride).T.contiguous()


def _size_without_stride(image, kernel, stride):
    right = strided_correlation(image, kernel, stride)
    output = torch.zeros(image.shape[0] - kernel.shape[0] + 1, image.shape[1] - kernel.shape[1] + 1)
    output[: right.shape[0], : right.shape[1]] = right
    return output


def _size_divided(image, kernel, stride):
    right = strided_correlation(image, kernel, stride)
    rows = (image.shape[0] - kernel.shape[0]) // stride
    columns = (image.shape[1] - kernel.shape[1]) // stride
    return right[:rows, :columns]


def _patches_without_stride(image, kernel, stride):
    shape = strided_correlation(image, kernel, stride).shape
    return strided_correlation(image, kernel, 1)[: shape[0], : shape[1]]


STRIDED_CORRELATION = Exercise(
    name="strided-correlation",
    number="02.2",
    title="correlation with stride",
    points=2,
    paragraph="4. Padding, stride, output size",
    reference=strided_correlation,
    cases=(
        Case((numbers(4, 4), torch.tensor([[0.0, 1.0], [2.0, 3.0]]), 2)),
        Case((numbers(5, 5), numbers(2, 2), 2)),
        Case((numbers(4, 7), numbers(3, 2), 2)),
        Case((numbers(7, 4), numbers(1, 3), 3)),
        Case((numbers(3, 3), numbers(2, 2), 1)),
    ),
    mistakes=(
        Mistake(
            "flipped kernel",
            lambda image, kernel, stride: strided_correlation(image, kernel.flip(0, 1), stride),
            "You compute what mathematicians call convolution: your kernel is turned round. "
            "[Correlation](2. Correlation by hand) lays it on the patch as it is.",
        ),
        Mistake(
            "transposed kernel",
            lambda image, kernel, stride: strided_correlation(image, kernel.T, stride),
            "Rows and columns of the kernel are swapped.",
        ),
        Mistake(
            "stride ignored",
            lambda image, kernel, stride: strided_correlation(image, kernel, 1),
            "The kernel still visits every place. With stride 2 it stands on every second row "
            "and every second column.",
        ),
        Mistake(
            "patches without stride",
            _patches_without_stride,
            "Your output has the right size, but its patches lie side by side, one pixel apart. "
            "Output row 1 belongs to image row 1 · stride.",
        ),
        Mistake(
            "output too large",
            _size_without_stride,
            "The numbers at the top left are right, and zeros follow: the output is made for "
            "stride 1. The formula of [the output size](4. Padding, stride, output size) helps.",
        ),
        Mistake(
            "output too small",
            _size_divided,
            "The last row and the last column are missing: the formula of "
            "[the output size](4. Padding, stride, output size) ends with + 1.",
        ),
        Mistake(
            "mean instead of sum",
            lambda image, kernel, stride: (
                strided_correlation(image, kernel, stride) / kernel.numel()
            ),
            "Add the products up; you take their mean.",
        ),
        Mistake(
            "transposed output", _transposed_steps, "Rows and columns of the output are swapped."
        ),
    ),
    hints=(
        "Begin with `corr2d` of section 2. Two things change: the size of the output, and where "
        "each patch begins.",
        "With the formula of [output size](4. Padding, stride, output size), padding is 0 here. "
        "Use it for the rows and, apart from them, for the columns.",
        "Output place (row, column) looks at the patch whose top left pixel is image place "
        "(row · stride, column · stride).",
    ),
)

EXERCISES = (STRIDED_CORRELATION,)
