"""The exercise `leaky-relu`: answer, cases, and typical mistakes with their hints."""

import torch
from torch.nn import functional as F

from mnist_course.assessment.exercise import Case, Exercise
from mnist_course.exercises.inputs import spread_out, tensor

EXERCISE = Exercise(
    name="leaky-relu",
    points=1,
    cases=(
        Case((tensor(-2, 0, 3), 0.1)),
        Case((tensor(-1, 2, -3, 4, -0.5, 0.25, shape=(2, 3)), 0.5)),
        Case((spread_out(2, 1, 2, 3), 0.01), "a batch of two small feature maps, slope 0.01"),
        Case((tensor(-4, 5), 0.0)),
        Case((tensor(-4, 5), 1.0)),
    ),
    hints=(
        "For each number there are two ways: kept, or multiplied by the slope.",
        "`inputs > 0` is a tensor of True and False in the shape of the inputs: it says which way "
        "each number goes.",
        "`torch.where(condition, a, b)` takes a number of a where the condition is True, else one "
        "of b.",
    ),
)


@EXERCISE.answer
def leaky_relu(inputs, slope):
    return torch.where(inputs > 0, inputs, slope * inputs)


@EXERCISE.mistake(
    "plain relu",
    "This is the plain [ReLU](#relu): what is negative became 0. "
    "Here it shall become small, and stay negative.",
)
def _(inputs, slope):
    return torch.relu(inputs)


@EXERCISE.mistake(
    "slope for all",
    "Positive numbers were multiplied by the slope, too. They shall stay as they are.",
)
def _(inputs, slope):
    return slope * inputs


@EXERCISE.mistake(
    "sides swapped",
    "The two sides are swapped: the positive numbers were made small, the negative ones kept.",
)
def _(inputs, slope):
    return torch.where(inputs > 0, slope * inputs, inputs)


@EXERCISE.mistake(
    "slope itself",
    "Negative numbers all became the slope itself. Each shall be multiplied by it, so that "
    "-4 becomes twice as large as -2.",
)
def _(inputs, slope):
    return torch.where(inputs > 0, inputs, torch.full_like(inputs, slope) * (inputs < 0))


@EXERCISE.mistake(
    "slope itself, for 0 as well",
    "All that is not positive became the slope itself. Each number shall be multiplied by "
    "it: -4 becomes twice as large as -2, and 0 stays 0.",
)
def _(inputs, slope):
    return torch.where(inputs > 0, inputs, slope)


@EXERCISE.mistake(
    "minus the slope, for 0 as well",
    "All that is not positive became minus the slope. Each number shall be multiplied by "
    "the slope: -4 becomes twice as large as -2, and 0 stays 0.",
)
def _(inputs, slope):
    return torch.where(inputs > 0, inputs, -slope)


@EXERCISE.mistake(
    "slope subtracted below 0",
    "The slope was subtracted from what is below 0. Multiply it by the slope.",
)
def _(inputs, slope):
    return torch.where(inputs < 0, inputs - slope, inputs)


@EXERCISE.mistake(
    "slope added below 0", "The slope was added to what is below 0. Multiply it by the slope."
)
def _(inputs, slope):
    return torch.where(inputs < 0, inputs + slope, inputs)


@EXERCISE.mistake(
    "sign lost",
    "Negative numbers came out positive. A negative number times a positive slope stays negative.",
)
def _(inputs, slope):
    return torch.where(inputs > 0, inputs, -slope * inputs)


@EXERCISE.mistake(
    "parts overlap",
    "Positive numbers grew: they were kept, and then the slope's part was added to them as "
    "well. Each number shall go through one of the two ways only.",
)
def _(inputs, slope):
    return torch.relu(inputs) + slope * inputs


@EXERCISE.mistake(
    "minus the slope",
    "Negative numbers all became minus the slope. Each shall be multiplied by it, so that "
    "-4 becomes twice as large as -2.",
)
def _(inputs, slope):
    return torch.where(inputs < 0, torch.full_like(inputs, -slope), inputs)


@EXERCISE.mistake(
    "slope fixed", "Your slope is always 0.01, torch's own. Hand over the one that is given."
)
def _(inputs, slope):
    return F.leaky_relu(inputs)


@EXERCISE.mistake(
    "slope subtracted", "The slope was subtracted from the negative numbers. Multiply them by it."
)
def _(inputs, slope):
    return torch.where(inputs > 0, inputs, inputs - slope)


@EXERCISE.mistake(
    "slope added", "The slope was added to the negative numbers. Multiply them by it."
)
def _(inputs, slope):
    return torch.where(inputs > 0, inputs, inputs + slope)
