"""The exercise `colour-batch`: answer, cases, and typical mistakes with their hints."""

import torch

from mnist_course.assessment.exercise import Case, Exercise
from mnist_course.exercises.inputs import numbers


def pixel(red, green, blue):
    """A batch of one image of one pixel."""
    return torch.tensor([[[[red, green, blue]]]], dtype=torch.uint8)


def pixels(*shape):
    return numbers(*shape, dtype=torch.int64).add(4).mul(25).to(torch.uint8)


EXERCISE = Exercise(
    name="colour-batch",
    points=2,
    cases=(
        Case((pixel(0, 51, 255), torch.tensor([0.5, 0.0, 0.5]), torch.tensor([0.5, 0.1, 0.25]))),
        Case((pixels(1, 1, 2, 3), torch.tensor([0.4, 0.2, 0.0]), torch.tensor([0.2, 0.1, 0.5]))),
        Case((pixels(2, 2, 3, 3), torch.tensor([0.5, 0.4, 0.3]), torch.tensor([0.2, 0.25, 0.5]))),
        Case((pixels(1, 4, 3, 3), torch.tensor([0.1, 0.6, 0.3]), torch.tensor([0.3, 0.2, 0.1]))),
        Case((pixels(3, 3, 3, 3), torch.tensor([0.2, 0.3, 0.5]), torch.tensor([0.5, 0.2, 0.4]))),
        Case((pixel(1, 0, 1), torch.tensor([0.2, 0.3, 0.5]), torch.tensor([0.5, 0.2, 0.4]))),
    ),
    hints=(
        "The same steps as in [section](#batch): scale, bring the channel to its place, "
        "normalise. Print the shape after each.",
        "`images.permute(...)` takes the axes in a new order, by their numbers. The first axis "
        "stays the first; which number has the channel now?",
        "A tensor of shape (3,) fits along the *last* axis. `means.reshape(3, 1, 1)` has the "
        "shape that fits N, 3, H, W.",
    ),
)


@EXERCISE.answer
def colour_batch(images, means, deviations):
    scaled = images.permute(0, 3, 1, 2).float() / 255
    return (scaled - means[:, None, None]) / deviations[:, None, None]


def normalised(images, means, deviations):
    """The right answer for images (N, 3, H, W), scaled or not."""
    return (images - means[:, None, None]) / deviations[:, None, None]


def not_scaled(images, means, deviations):
    return normalised(images.permute(0, 3, 1, 2).float(), means, deviations)


def only_scaled(images, means, deviations):
    return images.permute(0, 3, 1, 2).float() / 255


EXERCISE.mistake(
    "not scaled",
    "The bytes still reach up to 255. Mean and deviation belong to pixels [from 0 to "
    "1](#statistics).",
)(not_scaled)
EXERCISE.mistake(
    "scaled where it seems needed",
    "You scale only when some byte is above 1. A dark image may hold none, and its bytes still go "
    "up to 255, so divide always.",
)(
    lambda images, means, deviations: colour_batch(
        images * (1 if images.max() > 1 else 255), means, deviations
    )
)
EXERCISE.mistake("divided by 256", "The largest byte should become 1. It is 255.")(
    lambda images, means, deviations: colour_batch(images * 255.0 / 256, means, deviations)
)


@EXERCISE.mistake(
    "reshaped",
    "The shape is right, but the numbers went to wrong places: `reshape` reads them in their old "
    "order and does not move an axis. `permute` does.",
)
def _(images, means, deviations):
    count, height, width, channels = images.shape
    scaled = images.reshape(count, channels, height, width).float() / 255
    return normalised(scaled, means, deviations)


EXERCISE.mistake(
    "height and width swapped", "Height and width are swapped: the order should be N, C, **H, W**."
)(lambda images, means, deviations: colour_batch(images, means, deviations).transpose(2, 3))
EXERCISE.mistake(
    "channels last",
    "The numbers are right, but the channel is still the last axis. It should be the second: N, "
    "C, H, W.",
)(lambda images, means, deviations: (images.float() / 255 - means) / deviations)


@EXERCISE.mistake(
    "the batch's own mean",
    "You use the mean and the deviation of these images. But every image is treated with the two "
    "that are given, those of the training set.",
)
def _(images, means, deviations):
    scaled = only_scaled(images, means, deviations)
    return normalised(scaled, scaled.mean(dim=(0, 2, 3)), scaled.std(dim=(0, 2, 3)))


EXERCISE.mistake(
    "deviation forgotten", "The means are subtracted, but nothing is divided by the deviations."
)(lambda images, means, deviations: colour_batch(images, means, torch.ones_like(deviations)))
EXERCISE.mistake(
    "divided by the variance",
    "You divide by the square of the deviation. Divide by the deviation itself.",
)(lambda images, means, deviations: colour_batch(images, means, deviations**2))
EXERCISE.mistake("multiplied by the deviation", "You multiply by the deviations. Divide by them.")(
    lambda images, means, deviations: colour_batch(images, means, 1 / deviations)
)
EXERCISE.mistake(
    "first channel's numbers for all",
    "All channels are treated with the mean and the deviation of the first.",
)(
    lambda images, means, deviations: colour_batch(
        images, means[:1].expand(3), deviations[:1].expand(3)
    )
)
EXERCISE.mistake(
    "scaled last",
    "You scale after normalising. But mean and deviation belong to pixels from 0 to 1, so scale "
    "first.",
)(lambda images, means, deviations: not_scaled(images, means, deviations) / 255)
EXERCISE.mistake("not normalised", "You do not use the means and the deviations.")(only_scaled)
EXERCISE.mistake(
    "one mean for all",
    "All channels are treated with the mean of the three means and the mean of the three "
    "deviations. But each channel has its own.",
)(
    lambda images, means, deviations: colour_batch(
        images, means.mean().expand(3), deviations.mean().expand(3)
    )
)
EXERCISE.mistake(
    "brackets forgotten",
    "Python divides before it subtracts, so only the means are divided. Where do brackets belong?",
)(
    lambda images, means, deviations: (
        only_scaled(images, means, deviations) - (means / deviations)[:, None, None]
    )
)
EXERCISE.mistake(
    "a mean for each column",
    "A tensor of shape (3,) is laid along the *last* axis, and after `permute` that is the width. "
    "`means.reshape(3, 1, 1)` is laid along the channels.",
)(lambda images, means, deviations: (images.permute(0, 3, 1, 2).float() / 255 - means) / deviations)
