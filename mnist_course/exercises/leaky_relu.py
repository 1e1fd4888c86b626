"""The exercise `leaky-relu`: answer, cases, and typical mistakes with their hints."""

import torch
from torch.nn import functional as F

from mnist_course.assessment.exercise import Case, Exercise
from mnist_course.exercises.inputs import spread_out, tensor

EXERCISE = Exercise(
    name="leaky-relu",
    points=1,
    new_tensors=True,
    cases=(
        Case((tensor(-2, 0, 3), 0.1)),
        Case((tensor(-1, 2, -3, 4, -0.5, 0.25, shape=(2, 3)), 0.5)),
        Case((spread_out(2, 1, 2, 3), 0.01), "a batch of two small feature maps, slope 0.01"),
        Case((tensor(-4, 5), 0.0)),
        Case((tensor(-4, 5), 1.0)),
        Case((tensor(1, 2), 0.3)),
        Case((tensor(-2, shape=()), 0.25)),
    ),
    hints=(
        "Each number goes one of two ways: it is kept, or it is multiplied by the slope.",
        "`inputs > 0` is a tensor of True and False in the shape of the inputs: it says which way "
        "each number goes.",
        "`torch.where(condition, a, b)` takes a number of a where the condition is True, else one "
        "of b.",
    ),
)


@EXERCISE.answer
def leaky_relu(inputs, slope):
    return torch.where(inputs > 0, inputs, slope * inputs)


EXERCISE.mistake(
    "plain relu",
    "This is the plain [ReLU](#relu), which sets negative numbers to 0. Here they should become "
    "small, and stay negative.",
)(lambda inputs, slope: torch.relu(inputs))
EXERCISE.mistake(
    "slope for all",
    "You multiply the positive numbers by the slope, too. They should stay as they are.",
)(lambda inputs, slope: slope * inputs)
EXERCISE.mistake(
    "sides swapped",
    "The two sides are swapped: you make the positive numbers small and keep the negative ones.",
)(lambda inputs, slope: torch.where(inputs > 0, slope * inputs, inputs))
EXERCISE.mistake(
    "slope itself",
    "All your negative numbers become the slope itself. Multiply each of them by it, so that the "
    "result for -4 is twice the result for -2.",
)(
    lambda inputs, slope: torch.where(
        inputs > 0, inputs, torch.full_like(inputs, slope) * (inputs < 0)
    )
)
EXERCISE.mistake(
    "slope itself, for 0 as well",
    "Everything that is not positive becomes the slope itself. Multiply each number by it, so "
    "that the result for -4 is twice the result for -2, and 0 stays 0.",
)(lambda inputs, slope: torch.where(inputs > 0, inputs, slope))
EXERCISE.mistake(
    "minus the slope, for 0 as well",
    "Everything that is not positive becomes minus the slope. Multiply each number by the slope, "
    "so that the result for -4 is twice the result for -2, and 0 stays 0.",
)(lambda inputs, slope: torch.where(inputs > 0, inputs, -slope))
EXERCISE.mistake(
    "slope subtracted below 0",
    "You subtract the slope from what is below 0. Multiply it by the slope.",
)(lambda inputs, slope: torch.where(inputs < 0, inputs - slope, inputs))
EXERCISE.mistake(
    "slope added below 0", "You add the slope to what is below 0. Multiply it by the slope."
)(lambda inputs, slope: torch.where(inputs < 0, inputs + slope, inputs))
EXERCISE.mistake(
    "sign lost",
    "Your negative numbers come out positive. But a negative number times a positive slope stays "
    "negative.",
)(lambda inputs, slope: torch.where(inputs > 0, inputs, -slope * inputs))
EXERCISE.mistake(
    "parts overlap",
    "Your positive numbers grow, because you keep them and then add the slope's part to them as "
    "well. Each number goes through one of the two ways only.",
)(lambda inputs, slope: torch.relu(inputs) + slope * inputs)
EXERCISE.mistake(
    "minus the slope",
    "All your negative numbers become minus the slope. Multiply each of them by it, so that the "
    "result for -4 is twice the result for -2.",
)(lambda inputs, slope: torch.where(inputs < 0, torch.full_like(inputs, -slope), inputs))
EXERCISE.mistake(
    "slope fixed", "Your slope is always 0.01, torch's own. Use the one that is given."
)(lambda inputs, slope: F.leaky_relu(inputs))
EXERCISE.mistake(
    "slope subtracted", "You subtract the slope from the negative numbers. Multiply them by it."
)(lambda inputs, slope: torch.where(inputs > 0, inputs, inputs - slope))
EXERCISE.mistake("slope added", "You add the slope to the negative numbers. Multiply them by it.")(
    lambda inputs, slope: torch.where(inputs > 0, inputs, inputs + slope)
)
