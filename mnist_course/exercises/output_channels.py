"""The exercise `output-channels`: answer, cases, and typical mistakes with their hints."""

import torch
from torch.nn import functional as F

from mnist_course.assessment.exercise import Case, Exercise
from mnist_course.exercises.inputs import numbers, tensor

EXERCISE = Exercise(
    name="output-channels",
    points=2,
    cases=(
        Case(
            (
                tensor(1, 2, 3, 4, shape=(2, 1, 2)),
                tensor(1, 0, 1, -1, shape=(2, 2, 1, 1)),
                tensor(10, 0.5),
            )
        ),
        Case((numbers(2, 3, 3), numbers(2, 2, 2, 2), torch.tensor([1.0, -2.0]))),
        Case((numbers(3, 4, 5), numbers(2, 3, 2, 3), torch.tensor([0.5, 3.0]))),
        Case((numbers(2, 5, 4), numbers(4, 2, 3, 1), torch.tensor([2.0, 0.0, -1.0, 4.0]))),
        Case((numbers(1, 3, 3), numbers(1, 1, 3, 3), torch.tensor([2.0]))),
        Case((numbers(3, 2, 2), numbers(2, 3, 1, 1), torch.tensor([1.0, 5.0]))),
    ),
    hints=(
        "`corr2d_channels` makes one output channel from one stack of kernels. How many stacks "
        "are there?",
        "The first axis of `kernels` counts the output channels: `kernels[0]` is the first stack "
        "and `biases[0]` its bias.",
        "Make one map for each stack, add its bias, and `torch.stack` the maps.",
    ),
)


@EXERCISE.answer
def convolve(images, kernels, biases):
    return F.conv2d(images[None], kernels, biases)[0]


def without_bias(images, kernels, biases):
    return F.conv2d(images[None], kernels)[0]


EXERCISE.mistake("bias forgotten", "You do not add the biases.")(
    lambda images, kernels, biases: without_bias(images, kernels, biases)
)
EXERCISE.mistake(
    "bias added for every input channel",
    "You add the bias once for each input channel. But it belongs to the output channel, so add "
    "it once, after the sum.",
)(lambda images, kernels, biases: F.conv2d(images[None], kernels, biases * len(images))[0])
EXERCISE.mistake(
    "first bias everywhere", "Every output channel gets the first bias. Each has one of its own."
)(lambda images, kernels, biases: F.conv2d(images[None], kernels, biases[:1].expand_as(biases))[0])
EXERCISE.mistake(
    "first input channel alone",
    "You only look at the first input channel. A stack of kernels has one table for each input "
    "channel, and the results are added.",
)(lambda images, kernels, biases: F.conv2d(images[None, :1], kernels[:, :1], biases)[0])
EXERCISE.mistake(
    "input channels averaged",
    "You take the mean over the input channels. Add their results instead.",
)(lambda images, kernels, biases: F.conv2d(images[None], kernels / len(images), biases)[0])
EXERCISE.mistake(
    "first kernel everywhere",
    "All your output channels come from the first stack of kernels. Each output channel has a "
    "stack of its own.",
)(lambda images, kernels, biases: F.conv2d(images[None], kernels[:1].expand_as(kernels), biases)[0])
EXERCISE.mistake(
    "output channels added",
    "You add up the output channels. Add only over the input channels, because each stack of "
    "kernels makes a feature map of its own.",
)(lambda images, kernels, biases: F.conv2d(images[None], kernels, biases)[0].sum(dim=0))
EXERCISE.mistake(
    "flipped kernels",
    "Your kernels are turned round. [Correlation](#correlation) lays them on the patch as they "
    "are.",
)(lambda images, kernels, biases: F.conv2d(images[None], kernels.flip(2, 3), biases)[0])
EXERCISE.mistake(
    "channels last",
    "The numbers are right, but the channel is the last axis. It should be the first.",
)(lambda images, kernels, biases: convolve(images, kernels, biases).permute(1, 2, 0))
EXERCISE.mistake("bias multiplied", "You multiply by the biases. A bias is added.")(
    lambda images, kernels, biases: without_bias(images, kernels, biases) * biases[:, None, None]
)
EXERCISE.mistake("padding added", "You put zeros around the images. Here there is no padding.")(
    lambda images, kernels, biases: F.conv2d(images[None], kernels, biases, padding=1)[0]
)
EXERCISE.mistake(
    "one output channel",
    "That is the first output channel alone. Is there a `return` inside the loop?",
)(lambda images, kernels, biases: convolve(images, kernels, biases)[0])
EXERCISE.mistake(
    "biases added up", "Every output channel gets the sum of all biases. Each has one of its own."
)(lambda images, kernels, biases: without_bias(images, kernels, biases) + biases.sum())
