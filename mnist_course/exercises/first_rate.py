"""The exercise `first-rate`: answer, cases, and typical mistakes with their hints."""

from mnist_course.assessment.exercise import Case, Exercise

EXERCISE = Exercise(
    name="first-rate",
    points=1,
    cases=(
        Case((1.75, 0.5, 3)),
        Case((0.3, 0.7, 1)),
        Case((0.08, 0.7, 8)),
        Case((2.0, 1.0, 5)),
        Case((6.0, 0.9, 14)),
        Case((0.5, 0.25, 2)),
    ),
    hints=(
        "Take 1 for the first rate. What are the rates of the epochs then, and what do they add up "
        "to?",
        "The rates are the first one times 1, decay, decay², and so on. Twice the first rate gives "
        "twice the sum.",
        "Divide `total` by `sum(decay**epoch for epoch in range(epochs))`.",
    ),
)


@EXERCISE.answer
def first_rate(total, decay, epochs):
    return total / sum(decay**epoch for epoch in range(epochs))


EXERCISE.mistake(
    "decayed before the first epoch",
    "The first epoch has the first rate itself. In your sum it is decayed already.",
)(lambda total, decay, epochs: total / sum(decay**epoch for epoch in range(1, epochs + 1)))
EXERCISE.mistake(
    "one epoch too many",
    "You add up one epoch too many: the last one has decayed `epochs - 1` times.",
)(lambda total, decay, epochs: total / sum(decay**epoch for epoch in range(epochs + 1)))


@EXERCISE.mistake(
    "one epoch too few",
    "The last epoch is missing. `range(epochs)` has one number for each of them.",
)
def _(total, decay, epochs):
    return total / sum(decay**epoch for epoch in range(epochs - 1))


EXERCISE.mistake(
    "no decay",
    "That is right for a rate that never changes. Here each epoch's rate is smaller than the last.",
)(lambda total, decay, epochs: total / epochs)


@EXERCISE.mistake(
    "infinitely many epochs",
    "1 / (1 - decay) is the sum over infinitely many epochs, and it does not exist for a decay of "
    "1. Add up as many as there are.",
)
def _(total, decay, epochs):
    return total * (1 - decay)


EXERCISE.mistake(
    "the last rate",
    "That is the rate of the last epoch. The exercise asks for the first.",
)(lambda total, decay, epochs: first_rate(total, decay, epochs) * decay ** (epochs - 1))
EXERCISE.mistake(
    "straight fall",
    "Your rates fall by the same amount each epoch. Here each is the one before, times `decay`.",
)(lambda total, decay, epochs: total / sum(1 - (1 - decay) * epoch for epoch in range(epochs)))
EXERCISE.mistake(
    "multiplied by the sum",
    "You multiply by what the rates add up to for a first rate of 1. The first rate times that sum "
    "is `total`, so divide.",
)(lambda total, decay, epochs: total * sum(decay**epoch for epoch in range(epochs)))


@EXERCISE.mistake(
    "1 - decay divides by zero",
    "The formula with 1 - decay in it can't do a decay of 1, when all rates are equal. Add the "
    "rates up with a loop, or treat that case apart.",
)
def _(total, decay, epochs):
    return total * (1 - decay) / (1 - decay**epochs)
