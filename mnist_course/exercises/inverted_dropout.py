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
        Case(
            (spread_out(2, 2, 3), 0.5 + spread_out(2, 2, 3).flip(0) / 4.1, 0.3, True),
            "units in three axes, a share of 0.3",
        ),
    ),
    hints=(
        "There are two cases, training or not. The second is the easy one: begin with it.",
        "`draws >= share` is True where a unit is kept. A number times True is itself, times "
        "False 0.",
        "When the share is dropped, 1 - share is left. Divide what is kept by that.",
    ),
)


@EXERCISE.answer
def drop_units(units, draws, share, training):
    if not training:
        return units.clone()
    return units * (draws >= share) / (1 - share)


@EXERCISE.mistake(
    "not enlarged",
    "The right units were dropped, but the others were not enlarged: their sum is too "
    "small on average.",
)
def _(units, draws, share, training):
    return units * (draws >= share) if training else units.clone()


@EXERCISE.mistake(
    "divided by the dropped share",
    "The kept units were divided by the share that is dropped. When a fifth is dropped, "
    "four fifths are left: which number makes up for that?",
)
def _(units, draws, share, training):
    return units * (draws >= share) / share if training else units.clone()


@EXERCISE.mistake(
    "enlarged by 1 / share",
    "The factor is 1 / share, from the share that is dropped; without any it can't be "
    "computed. When a fifth is dropped, four fifths are left: which number makes up for "
    "that?",
)
def _(units, draws, share, training):
    return units * (draws >= share) * (1 / share) if training else units.clone()


@EXERCISE.mistake(
    "multiplied by what is left",
    "The kept units became smaller. They have to stand in for the dropped ones: make them larger.",
)
def _(units, draws, share, training):
    return units * (draws >= share) * (1 - share) if training else units.clone()


@EXERCISE.mistake(
    "kept and dropped swapped",
    "Kept and dropped are swapped: a unit is dropped where its draw is *below* the share.",
)
def _(units, draws, share, training):
    return units * (draws < share) / (1 - share) if training else units.clone()


@EXERCISE.mistake(
    "kept below what is left",
    "You keep the units whose draws are small. As many are kept on average, but asked are "
    "others: a unit is dropped where its draw is *below* the share.",
)
def _(units, draws, share, training):
    return units * (draws < 1 - share) / (1 - share) if training else units.clone()


@EXERCISE.mistake(
    "dropped in evaluation",
    "Units were dropped in evaluation, too. With `training=False` all of them are returned "
    "as they are.",
)
def _(units, draws, share, training):
    return units * (draws >= share) / (1 - share)


@EXERCISE.mistake(
    "modes swapped",
    "The modes are swapped: units are dropped while training, and kept in evaluation.",
)
def _(units, draws, share, training):
    return drop_units(units, draws, share, not training)


@EXERCISE.mistake(
    "scaled in evaluation",
    "Here the units are made smaller in evaluation, which was the first form of dropout. "
    "Asked is the other form: enlarge while training, and leave evaluation alone.",
)
def _(units, draws, share, training):
    return units * (draws >= share) if training else units * (1 - share)


@EXERCISE.mistake(
    "dropped at the share",
    "Nearly right. A unit whose draw equals the share is kept: dropped is what lies below.",
)
def _(units, draws, share, training):
    return units * (draws > share) / (1 - share) if training else units.clone()


@EXERCISE.mistake(
    "enlarged by what is left",
    "The kept units were enlarged by how many were left this time. Use the share itself: "
    "the factor is the same in every step, and right on average.",
)
def _(units, draws, share, training):
    if not training:
        return units.clone()
    kept = (draws >= share).float()
    return units * kept / kept.mean() if kept.any() else 0 * units


@EXERCISE.mistake(
    "always doubled",
    "The kept units are always doubled. That is right when half of the units are dropped; "
    "here the share may be another.",
)
def _(units, draws, share, training):
    return 2 * units * (draws >= share) if training else units.clone()


@EXERCISE.mistake(
    "brackets forgotten",
    "Python divides before it subtracts: `/ 1 - share` divides by 1 and takes the share "
    "away. Brackets: `/ (1 - share)`.",
)
def _(units, draws, share, training):
    return units * (draws >= share) - share if training else units.clone()


@EXERCISE.mistake(
    "its own random numbers",
    "This is torch's dropout, which draws random numbers itself. Here they are handed in, "
    "as `draws`.",
)
def _(units, draws, share, training):
    return F.dropout(units, share, training)
