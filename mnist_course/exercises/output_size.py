"""The exercise `output-size`: answer, cases, and typical mistakes with their hints."""

import math

from mnist_course.assessment.exercise import Case, Exercise

EXERCISE = Exercise(
    name="output-size",
    points=1,
    cases=(
        Case((28, [(5, 2, 1), (2, 0, 2)])),
        Case((28, [(5, 0, 2), (3, 1, 2), (3, 1, 1)])),
        Case((9, [(2, 0, 2)])),
        Case((15, [(4, 1, 3), (2, 0, 1)])),
        Case((6, [(3, 1, 2), (1, 0, 1), (2, 1, 2)])),
        Case((7, [(1, 0, 2), (4, 2, 1), (5, 0, 1), (2, 1, 1)])),
        Case((10, [])),
    ),
    hints=(
        "The formula of [the output size](#output-size) gives the size after one layer. Do it for "
        "one layer on paper first.",
        "What leaves one layer enters the next: a loop over the layers, and one variable for the "
        "size, which changes in each turn.",
        "`for kernel, padding, stride in layers:` takes the layers apart. `//` divides and rounds "
        "down in one step.",
    ),
)


@EXERCISE.answer
def size_after(size, layers):
    for kernel, padding, stride in layers:
        size = (size + 2 * padding - kernel) // stride + 1
    return size


@EXERCISE.mistake(
    "rounded up",
    "You round up where the formula rounds down. A kernel that would reach over the edge has no "
    "place there.",
)
def _(size, layers):
    for kernel, padding, stride in layers:
        size = math.ceil((size + 2 * padding - kernel) / stride) + 1
    return size


@EXERCISE.mistake(
    "+ 1 forgotten", "Each layer comes out one too small. Look at the end of the formula."
)
def _(size, layers):
    for kernel, padding, stride in layers:
        size = (size + 2 * padding - kernel) // stride
    return size


@EXERCISE.mistake("padding on one side", "Padding puts zeros on both sides, so it counts twice.")
def _(size, layers):
    for kernel, padding, stride in layers:
        size = (size + padding - kernel) // stride + 1
    return size


EXERCISE.mistake(
    "the last layer alone",
    "Your result is that of the last layer alone. Each layer gets what the layer before it "
    "leaves, not the first size.",
)(lambda size, layers: size_after(size, layers[-1:]))
EXERCISE.mistake(
    "the first layer alone",
    "Your result is that of the first layer. Is there a `return` inside the loop?",
)(lambda size, layers: size_after(size, layers[:1]))
EXERCISE.mistake(
    "return inside the loop",
    "The loop ends in its first turn, and without layers nothing is returned. Is there a `return` "
    "inside the loop?",
)(lambda size, layers: size_after(size, layers[:1]) if layers else None)


@EXERCISE.mistake(
    "brackets forgotten",
    "Python divides before it subtracts, so only the kernel is divided. Where do brackets belong?",
)
def _(size, layers):
    for kernel, padding, stride in layers:
        size = size + 2 * padding - kernel // stride + 1
    return size


EXERCISE.mistake(
    "stride ignored",
    "You do not use the stride. With stride 2 only about half of the places are left.",
)(lambda size, layers: size_after(size, [(kernel, padding, 1) for kernel, padding, _ in layers]))


@EXERCISE.mistake(
    "divided too early",
    "You divide the size alone by the stride. The formula divides the whole of size + 2 · padding "
    "− kernel. Where do brackets belong?",
)
def _(size, layers):
    for kernel, padding, stride in layers:
        size = size // stride + 2 * padding - kernel + 1
    return size


EXERCISE.mistake("padding ignored", "You do not use the padding.")(
    lambda size, layers: size_after(size, [(kernel, 0, stride) for kernel, _, stride in layers])
)


@EXERCISE.mistake(
    "1 added too early",
    "You add the 1 before dividing. In the formula it comes last, after the rounding.",
)
def _(size, layers):
    for kernel, padding, stride in layers:
        size = (size + 2 * padding - kernel + 1) // stride
    return size


EXERCISE.mistake(
    "layers in reverse",
    "You take the layers in reverse. The first of the list stands next to the image.",
)(lambda size, layers: size_after(size, layers[::-1]))
EXERCISE.mistake(
    "padding and stride swapped",
    "Padding and stride are swapped: a layer is (kernel, padding, stride), in this order.",
)(
    lambda size, layers: size_after(
        size, [(kernel, padding, stride) for kernel, stride, padding in layers]
    )
)
