"""The exercise `inverted-dropout`: answer, cases, and typical mistakes with their hints."""

import torch
from torch.nn import functional as F

from mnist_course.assessment.exercise import Case, Exercise
from mnist_course.exercises.inputs import spread_out, tensor

FOUR_DRAWS = tensor(0.1, 0.9, 0.3, 0.7)


EXERCISE = Exercise(
    name="inverted-dropout",
    points=2,
    cases=(
        Case((torch.ones(4), FOUR_DRAWS, 0.5, True)),
        Case((tensor(1, 2, 3, 4), FOUR_DRAWS, 0.2, True)),
        Case((tensor(1, 2, 3, 4), FOUR_DRAWS, 0.2, False)),
        Case((tensor(8, 9, -4), tensor(0.75, 0.5, 0.25), 0.75, True)),
        Case((tensor(5, -6), tensor(0.0, 0.4), 0.0, True)),
        Case((tensor(3, -2), tensor(0.1, 0.2), 0.5, True)),
        Case((tensor(6), tensor(0.6), 0.25, True)),
        Case(
            (spread_out(2, 2, 3), 0.5 + spread_out(2, 2, 3).flip(0) / 4.1, 0.3, True),
            "units in three axes, a share of 0.3",
        ),
    ),
    hints=(
        "There are two cases, training or not. The second is the easy one: begin with it.",
        "`draws >= share` is True where a unit is kept. A number times True is the number itself, "
        "and times False it is 0.",
        "When the share is dropped, 1 - share is left. Divide what is kept by that.",
    ),
)


@EXERCISE.answer
def drop_units(units, draws, share, training):
    if not training:
        return units.clone()
    return units * (draws >= share) / (1 - share)


EXERCISE.mistake(
    "not enlarged",
    "You drop the right units, but do not enlarge the others, so their sum is too small on "
    "average.",
)(lambda units, draws, share, training: units * (draws >= share) if training else units.clone())
EXERCISE.mistake(
    "divided by the dropped share",
    "You divide the kept units by the share that is dropped. When a fifth is dropped, four fifths "
    "are left: which number makes up for that?",
)(
    lambda units, draws, share, training: (
        units * (draws >= share) / share if training else units.clone()
    )
)
EXERCISE.mistake(
    "enlarged by 1 / share",
    "Your factor is 1 / share, and share is what is dropped; when nothing is dropped, that can't "
    "even be computed. When a fifth is dropped, four fifths are left: which number makes up for "
    "that?",
)(
    lambda units, draws, share, training: (
        units * (draws >= share) * (1 / share) if training else units.clone()
    )
)
EXERCISE.mistake(
    "multiplied by what is left",
    "Your kept units become smaller. They have to make up for the dropped ones, so they should "
    "become larger.",
)(
    lambda units, draws, share, training: (
        units * (draws >= share) * (1 - share) if training else units.clone()
    )
)
EXERCISE.mistake(
    "kept and dropped swapped",
    "Kept and dropped are swapped: a unit is dropped where its draw is *below* the share.",
)(
    lambda units, draws, share, training: (
        units * (draws < share) / (1 - share) if training else units.clone()
    )
)
EXERCISE.mistake(
    "kept below what is left",
    "You keep the units whose draws are small. That is the right number on average, but they are "
    "the wrong ones: a unit is dropped where its draw is *below* the share.",
)(
    lambda units, draws, share, training: (
        units * (draws < 1 - share) / (1 - share) if training else units.clone()
    )
)
EXERCISE.mistake(
    "dropped in evaluation",
    "You drop units in evaluation, too. With `training=False` all of them are returned as they "
    "are.",
)(lambda units, draws, share, training: units * (draws >= share) / (1 - share))
EXERCISE.mistake(
    "modes swapped",
    "The modes are swapped: units are dropped while training, and kept in evaluation.",
)(lambda units, draws, share, training: drop_units(units, draws, share, not training))
EXERCISE.mistake(
    "scaled in evaluation",
    "You make the units smaller in evaluation, as the first form of dropout did. Here they are "
    "enlarged while training instead, so that evaluation has nothing to do.",
)(
    lambda units, draws, share, training: (
        units * (draws >= share) if training else units * (1 - share)
    )
)
EXERCISE.mistake(
    "dropped at the share",
    "Nearly right. But a unit whose draw equals the share is kept, because only what lies *below* "
    "the share is dropped.",
)(
    lambda units, draws, share, training: (
        units * (draws > share) / (1 - share) if training else units.clone()
    )
)


@EXERCISE.mistake(
    "enlarged by what is left",
    "You enlarge the kept units by how many are left this time. Use the share itself, so that the "
    "factor is the same in every step and right on average.",
)
def _(units, draws, share, training):
    if not training:
        return units.clone()
    kept = (draws >= share).float()
    return units * kept / kept.mean() if kept.any() else 0 * units


EXERCISE.mistake(
    "always doubled",
    "You always double the kept units. That is right when half of the units are dropped, but the "
    "share may be another.",
)(lambda units, draws, share, training: 2 * units * (draws >= share) if training else units.clone())
EXERCISE.mistake(
    "brackets forgotten",
    "Python divides before it subtracts: `/ 1 - share` divides by 1 and then subtracts the share. "
    "Where do brackets belong?",
)(
    lambda units, draws, share, training: (
        units * (draws >= share) - share if training else units.clone()
    )
)
EXERCISE.mistake(
    "its own random numbers",
    "This is torch's dropout, which draws random numbers itself. Here they are given, as `draws`.",
)(lambda units, draws, share, training: F.dropout(units, share, training))
