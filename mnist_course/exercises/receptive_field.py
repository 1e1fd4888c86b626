"""The exercise `receptive-field`: answer, cases, and typical mistakes with their hints."""

import math

from mnist_course.assessment.exercise import Case, Exercise

EXERCISE = Exercise(
    name="receptive-field",
    points=1,
    cases=(
        Case(([(5, 1), (2, 2)],)),
        Case(([(5, 1), (2, 2), (5, 1)],)),
        Case(([(3, 1), (3, 1), (3, 1)],)),
        Case(([(5, 2), (3, 1), (3, 2), (3, 1)],)),
        Case(([(7, 3), (2, 2), (4, 2), (3, 1)],)),
        Case(([(3, 1), (1, 2), (2, 4), (3, 1)],)),
        Case(([],)),
    ),
    hints=(
        "Keep two numbers, `field` and `step`, both 1 at first. Go through the layers in order.",
        "In each layer the field grows by kernel - 1 steps.",
        "After that, and not before, the step is multiplied by the layer's stride.",
    ),
)


@EXERCISE.answer
def receptive_field(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
    return field


EXERCISE.mistake(
    "strides ignored",
    "You do not use the strides. After a stride of 2, neighbouring numbers lie 2 image pixels "
    "apart, so the next kernel spans twice as much of the image.",
)(lambda layers: 1 + sum(kernel - 1 for kernel, _ in layers))


@EXERCISE.mistake(
    "step too early",
    "You count a layer's stride for the layer itself. But its kernel still looks at numbers that "
    "lie the *old* step apart; the stride counts for the layers after it.",
)
def _(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        step *= stride
        field += (kernel - 1) * step
    return field


@EXERCISE.mistake(
    "whole kernels",
    "Each of your layers adds one step too many: a kernel of 3 adds 2 neighbours to the place "
    "that is counted already.",
)
def _(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        field += kernel * step
        step *= stride
    return field


@EXERCISE.mistake("strides added", "You add the strides. But steps multiply: 3 after 2 makes 6.")
def _(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step += stride
    return field


@EXERCISE.mistake(
    "last stride alone",
    "Each of your strides replaces the step before it. But all the strides so far count, "
    "multiplied.",
)
def _(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step = stride
    return field


EXERCISE.mistake(
    "from output to image",
    "This is the field of the layers in reverse order. At which end does your loop begin, and "
    "which end does your formula need?",
)(lambda layers: receptive_field(layers[::-1]))
EXERCISE.mistake(
    "return inside the loop",
    "That is the first layer alone, and for no layers nothing is returned. Is there a `return` "
    "inside the loop?",
)(lambda layers: receptive_field(layers[:1]) if layers else None)
EXERCISE.mistake(
    "kernel and stride swapped",
    "Kernel and stride are swapped: a layer is (kernel, stride), in this order.",
)(lambda layers: receptive_field([(kernel, stride) for stride, kernel in layers]))
EXERCISE.mistake(
    "kernels multiplied",
    "You multiply the kernels. But each layer *adds* to the field: kernel - 1 steps.",
)(lambda layers: math.prod(kernel for kernel, _ in layers))


@EXERCISE.mistake(
    "field multiplied",
    "You multiply the whole field by the stride. But a stride only makes the step larger, and so "
    "what the layers *after* it add.",
)
def _(layers):
    field = 1
    for kernel, stride in layers:
        field = (field + kernel - 1) * stride
    return field


EXERCISE.mistake(
    "kernels added",
    "You add the kernel sizes. But neighbouring patches overlap, and strides spread them, so each "
    "layer adds kernel - 1 steps.",
)(lambda layers: sum(kernel for kernel, _ in layers))
EXERCISE.mistake(
    "starts at 0",
    "Your field is one pixel too small: before the first layer a number sees 1 pixel, not 0.",
)(lambda layers: receptive_field(layers) - 1)
EXERCISE.mistake(
    "the step",
    "That is the step: how far apart neighbouring numbers lie in the image. The exercise asks how "
    "wide one of them sees.",
)(lambda layers: math.prod(stride for _, stride in layers))
EXERCISE.mistake(
    "an area", "That is how many pixels there are in the field. The exercise asks for its side."
)(lambda layers: receptive_field(layers) ** 2)
EXERCISE.mistake(
    "kernel of 1 left out",
    "You leave out layers with a kernel of 1. They don't make the field wider, but their stride "
    "counts for the layers after them.",
)(lambda layers: receptive_field([layer for layer in layers if layer[0] > 1]))
