"""The exercise `mirror-each`: answer, cases, and typical mistakes with their hints."""

import torch

from mnist_course.assessment.exercise import Case, Exercise
from mnist_course.exercises.inputs import numbers


def flags(*values):
    return torch.tensor(values, dtype=torch.bool)


EXERCISE = Exercise(
    name="mirror-each",
    points=2,
    new_tensors=True,
    cases=(
        Case((torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]] * 2), flags(True, False))),
        Case((numbers(3, 1, 3, 4), flags(False, True, True))),
        Case((numbers(2, 3, 3, 3), flags(True, False))),
        Case((numbers(2, 2, 2, 3), flags(False, False))),
        Case((numbers(4, 1, 2, 2), flags(True, True, True, True))),
        Case((numbers(2, 1, 4, 4), flags(False, True))),
        Case((torch.tensor([[[[9, 0, 255]]]] * 2, dtype=torch.uint8), flags(True, False))),
    ),
    hints=(
        "Which axis counts the columns? A mirror image has them in the opposite order.",
        "`images.flip(dims)` turns the order of an axis. Mirror all images first, and then choose, "
        "image by image, between the two.",
        "`torch.where(condition, a, b)` chooses. Its condition needs the shape (N, 1, 1, 1), which "
        "`flags[:, None, None, None]` has.",
    ),
)


@EXERCISE.answer
def mirror_each(images, flags):
    return torch.where(flags[:, None, None, None], images.flip(-1), images)


EXERCISE.mistake(
    "upside down", "Your images stand on their heads. The last axis counts the columns."
)(lambda images, flags: torch.where(flags[:, None, None, None], images.flip(-2), images))
EXERCISE.mistake(
    "turned by half a turn",
    "You turn both the rows and the columns, so the image is rotated by half a turn. A mirror "
    "leaves the rows where they are.",
)(lambda images, flags: torch.where(flags[:, None, None, None], images.flip(-1, -2), images))
EXERCISE.mistake(
    "the others", "You mirror the images whose flag is False. Which two should change places?"
)(lambda images, flags: torch.where(flags[:, None, None, None], images, images.flip(-1)))
EXERCISE.mistake("all of them", "You mirror all images, whatever their flags say.")(
    lambda images, flags: images.flip(-1)
)
EXERCISE.mistake("none of them", "Your images come back as they were.")(
    lambda images, flags: images.clone()
)


@EXERCISE.mistake(
    "order of the batch turned",
    "You turn the order of the images in the batch. The first axis counts the images.",
)
def _(images, flags):
    return torch.where(flags[:, None, None, None], images.flip(0), images)


@EXERCISE.mistake(
    "all as the first", "All images do what the first flag says. Each has a flag of its own."
)
def _(images, flags):
    return images.flip(-1) if flags[0] else images.clone()


@EXERCISE.mistake(
    "transposed",
    "You have exchanged rows and columns, so that the image lies on its side. A mirror only turns "
    "the order of the columns.",
)
def _(images, flags):
    return torch.where(flags[:, None, None, None], images.transpose(-1, -2), images)


@EXERCISE.mistake(
    "only the mirrored ones",
    "You return the mirrored images alone. The others belong into the batch, too, at their places.",
)
def _(images, flags):
    return images[flags].flip(-1)


@EXERCISE.mistake(
    "first channel alone",
    "Only the first channel is mirrored. All channels of an image belong together.",
)
def _(images, flags):
    mirrored = images.clone()
    mirrored[:, :1] = mirror_each(images[:, :1], flags)
    return mirrored
