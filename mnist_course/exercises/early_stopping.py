"""The exercise `early-stopping`: answer, cases, and typical mistakes with their hints."""

import math

from mnist_course.assessment.exercise import Case, Exercise

EXERCISE = Exercise(
    name="early-stopping",
    points=2,
    cases=(
        Case(([0.95, 0.97, 0.96, 0.97, 0.98], 2)),
        Case(([0.9, 0.8, 0.85, 0.86, 0.95, 0.96], 3)),
        Case(([0.5, 0.6, 0.55, 0.7, 0.65, 0.8, 0.75, 0.9], 2)),
        Case(([0.9, 0.91, 0.92], 1)),
        Case(([0.9, 0.8, 0.7, 0.6, 0.5, 0.4], 2)),
        Case(([0.9, 0.8, 0.7], 5)),
        Case(([0.9, 0.8, 0.95], 1)),
        Case(([0.6, 0.7, 0.65, 0.66, 0.9], 2)),
        Case(([], 3)),
    ),
    hints=(
        "Go through the epochs in order, as training does: it can't know what comes later.",
        "Two things have to be remembered: the best accuracy so far, and how many epochs have "
        "passed since.",
        "When an accuracy is above the best, set the count to 0; else add 1. When the count is the "
        "patience, return the epoch. `enumerate(accuracies, start=1)` counts from 1.",
    ),
)


@EXERCISE.answer
def last_epoch(accuracies, patience):
    best, waited = -math.inf, 0
    for epoch, accuracy in enumerate(accuracies, start=1):
        waited = 0 if accuracy > best else waited + 1
        best = max(best, accuracy)
        if waited == patience:
            return epoch
    return len(accuracies)


@EXERCISE.mistake(
    "ties are better",
    "An accuracy that only equals the best was taken for a new best. It has to be higher.",
)
def _(accuracies, patience):
    best, waited = -math.inf, 0
    for epoch, accuracy in enumerate(accuracies, start=1):
        waited = 0 if accuracy >= best else waited + 1
        best = max(best, accuracy)
        if waited == patience:
            return epoch
    return len(accuracies)


@EXERCISE.mistake(
    "compared with the one before",
    "Each accuracy was compared with the one just before it. Compare with the best of all so far.",
)
def _(accuracies, patience):
    before, waited = -math.inf, 0
    for epoch, accuracy in enumerate(accuracies, start=1):
        waited = 0 if accuracy > before else waited + 1
        before = accuracy
        if waited == patience:
            return epoch
    return len(accuracies)


@EXERCISE.mistake(
    "compared with the first",
    "Each accuracy was compared with the first. A new best has to be remembered, for the "
    "epochs after it.",
)
def _(accuracies, patience):
    waited = -1  # the first is not above itself
    for epoch, accuracy in enumerate(accuracies, start=1):
        waited = 0 if accuracy > accuracies[0] else waited + 1
        if waited == patience:
            return epoch
    return len(accuracies)


@EXERCISE.mistake(
    "return inside the loop",
    "Your training always goes on to the last epoch, and without epochs nothing is "
    "returned. Does the last `return` stand inside the loop?",
)
def _(accuracies, patience):
    return len(accuracies) if accuracies else None


@EXERCISE.mistake(
    "never reset",
    "Epochs without a new best were counted over the whole training. They must come in a "
    "row: a new best starts the count again.",
)
def _(accuracies, patience):
    best, waited = -math.inf, 0
    for epoch, accuracy in enumerate(accuracies, start=1):
        waited += accuracy <= best
        best = max(best, accuracy)
        if waited == patience:
            return epoch
    return len(accuracies)


@EXERCISE.mistake(
    "one too late",
    "Training ended one epoch too late. With a patience of 1 it ends after the first epoch "
    "without a new best.",
)
def _(accuracies, patience):
    return last_epoch(accuracies, patience + 1)


@EXERCISE.mistake(
    "one too early",
    "Training ended one epoch too early. With a patience of 2 one epoch without a new best "
    "is forgiven, the second is the last.",
)
def _(accuracies, patience):
    return last_epoch(accuracies, max(1, patience - 1))


@EXERCISE.mistake("counted from 0", "Epochs were counted from 0. The first one is epoch 1.")
def _(accuracies, patience):
    return max(0, last_epoch(accuracies, patience) - 1)


@EXERCISE.mistake(
    "stop counted from 0",
    "Where training is stopped, epochs were counted from 0. The first one is epoch 1.",
)
def _(accuracies, patience):
    longer = [*accuracies, math.inf]  # so that the end of training differs from a stop there
    epoch = last_epoch(longer, patience)
    return epoch - 1 if epoch < len(longer) else len(accuracies)


@EXERCISE.mistake(
    "never stops",
    "Your training always goes on to the last epoch. It ends as soon as the patience is used up.",
)
def _(accuracies, patience):
    return len(accuracies)


@EXERCISE.mistake(
    "lower is better",
    "You wait for a lower number, as for a loss. An accuracy is better when it is higher.",
)
def _(accuracies, patience):
    return last_epoch([-one for one in accuracies], patience)


@EXERCISE.mistake(
    "best epoch of all",
    "This is the epoch with the best accuracy of the whole list. Training that stops early "
    "never sees the end of the list; and it goes on after its best epoch, by the patience.",
)
def _(accuracies, patience):
    return accuracies.index(max(accuracies)) + 1 if accuracies else 0


@EXERCISE.mistake(
    "best epoch",
    "This is the epoch with the best accuracy. Asked is the epoch after which training "
    "ends; that is later, by the patience.",
)
def _(accuracies, patience):
    seen = accuracies[: last_epoch(accuracies, patience)]
    return seen.index(max(seen)) + 1 if seen else 0
