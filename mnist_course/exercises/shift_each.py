"""The exercise `shift-each`: answer, cases, and typical mistakes with their hints."""

import torch

from mnist_course.assessment.exercise import Case, Exercise
from mnist_course.exercises.inputs import numbers

EXERCISE = Exercise(
    name="shift-each",
    points=3,
    new_tensors=True,
    cases=(
        Case((numbers(2, 1, 3, 3) + 5, torch.tensor([1, 0]), torch.tensor([0, 2]))),
        Case((numbers(3, 1, 3, 4) + 5, torch.tensor([-1, 2, 0]), torch.tensor([1, -1, 0]))),
        Case((numbers(2, 2, 4, 3), torch.tensor([-2, 1]), torch.tensor([-1, 3]))),
        Case((numbers(2, 1, 2, 2) + 5, torch.tensor([1, -1]), torch.tensor([0, -1]))),
        Case(
            (torch.tensor([[[[1.0, 2], [3, 4]]]] * 2), torch.tensor([1, 0]), torch.tensor([0, -1]))
        ),
        Case((numbers(1, 1, 2, 3) + 5, torch.tensor([0]), torch.tensor([0]))),
    ),
    hints=(
        "Begin with an output of zeros: `torch.zeros_like(images)`. For each image, copy the part "
        "that stays visible to its new place, with [slices](#slices) on both sides of `=`.",
        "One axis at a time: shifted by 1 to the right, the columns 0 to W − 2 of the image "
        "become the columns 1 to W − 1 of the output.",
        "`roll` does most of the work: what came in at the other side has to be set to 0 "
        "afterwards. How many rows or columns is that, and on which side, when the shift is "
        "negative?",
    ),
)


@EXERCISE.answer
def shift_each(images, right, down):
    height, width = images.shape[2:]
    shifted = torch.zeros_like(images)
    for index in range(len(images)):
        x, y = int(right[index]), int(down[index])
        if abs(x) < width and abs(y) < height:
            kept = images[index, :, max(0, -y) : height - max(0, y), max(0, -x) : width - max(0, x)]
            rows = slice(max(0, y), height - max(0, -y))
            shifted[index, :, rows, max(0, x) : width - max(0, -x)] = kept
    return shifted


@EXERCISE.mistake(
    "around the border",
    "What leaves at one side comes in at the other, as with `roll`. It should be gone, and zeros "
    "should come in.",
)
def _(images, right, down):
    return torch.stack(
        [
            image.roll((int(y), int(x)), dims=(1, 2))
            for image, x, y in zip(images, right, down, strict=True)
        ]
    )


EXERCISE.mistake(
    "right and down swapped",
    "Right and down are swapped. The last axis counts the columns, so a shift to the right goes "
    "along it.",
)(lambda images, right, down: shift_each(images, down, right))
EXERCISE.mistake("left and up", "Your images move the other way, to the left and up.")(
    lambda images, right, down: shift_each(images, -right, -down)
)
EXERCISE.mistake("up instead of down", "Your images move up where they should move down.")(
    lambda images, right, down: shift_each(images, right, -down)
)
EXERCISE.mistake(
    "left instead of right", "Your images move to the left where they should move to the right."
)(lambda images, right, down: shift_each(images, -right, down))
EXERCISE.mistake(
    "all as the first", "All images move as the first does. Each has a shift of its own."
)(
    lambda images, right, down: shift_each(
        images, right[:1].expand_as(right), down[:1].expand_as(down)
    )
)
EXERCISE.mistake("down forgotten", "Your images move sideways only.")(
    lambda images, right, down: shift_each(images, right, torch.zeros_like(down))
)
EXERCISE.mistake("right forgotten", "Your images move up and down only.")(
    lambda images, right, down: shift_each(images, torch.zeros_like(right), down)
)
EXERCISE.mistake(
    "negative shifts forgotten",
    "A negative shift goes to the left, or up. In your function it does nothing.",
)(lambda images, right, down: shift_each(images, right.clamp(min=0), down.clamp(min=0)))
EXERCISE.mistake(
    "the sign of the shift lost",
    "A negative shift goes to the left, or up. In your function it goes the other way.",
)(lambda images, right, down: shift_each(images, right.abs(), down.abs()))


@EXERCISE.mistake(
    "edge repeated",
    "Where the image has left, you repeat its last row or column. Zeros should come in there.",
)
def _(images, right, down):
    rows, columns = (torch.arange(size) for size in images.shape[2:])
    return torch.stack(
        [
            image[:, (rows - y).clamp(0, len(rows) - 1)][
                :, :, (columns - x).clamp(0, len(columns) - 1)
            ]
            for image, x, y in zip(images, right, down, strict=True)
        ]
    )


@EXERCISE.mistake(
    "first image alone",
    "The first image is right, and the others are empty. Is there a `return` inside the loop?",
)
def _(images, right, down):
    shifted = torch.zeros_like(images)
    shifted[:1] = shift_each(images[:1], right[:1], down[:1])
    return shifted


@EXERCISE.mistake(
    "first channel alone", "Only the first channel moves. All channels of an image move together."
)
def _(images, right, down):
    shifted = images.clone()
    shifted[:, :1] = shift_each(images[:, :1], right, down)
    return shifted


@EXERCISE.mistake(
    "other channels empty",
    "Only the first channel is copied to its new place, and the others stay at 0.",
)
def _(images, right, down):
    shifted = torch.zeros_like(images)
    shifted[:, :1] = shift_each(images[:, :1], right, down)
    return shifted
