"""The exercise `early-stopping`: answer, cases, and typical mistakes with their hints."""

import math
import operator

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
        Case(([0.0, 0.0, 0.5], 1)),
        Case(([0.98, 0.9801, 0.9802, 0.98, 0.98], 1)),
        Case(([0.9, 1.0, 0.95, 1.0, 0.9], 2)),
        Case(([0.0, 0.1, 0.05], 1)),
        Case(([0.5, 0.6, 0.4, 0.7], 2)),
        Case(([0.5], 1)),
        Case(([], 3)),
    ),
    hints=(
        "Go through the epochs in order, as training does: it can't know what comes later.",
        "Two things have to be remembered: the best accuracy so far, and how many epochs have "
        "passed since.",
        "When an accuracy is above the best, set the count to 0; else add 1. When the count "
        "reaches the patience, return the epoch. `enumerate(accuracies, start=1)` counts from 1.",
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


def watching(better=operator.gt, keep=max, best=-math.inf, reset=True):
    """A wrong answer: the same loop with other parts.

    better: whether an accuracy is a new best. keep: what is remembered of the best and of the
    accuracy. best: before the first epoch. reset: whether a new best starts the count again.
    """

    def answer(accuracies, patience):
        remembered, waited = best, 0
        for epoch, accuracy in enumerate(accuracies, start=1):
            if not better(accuracy, remembered):
                waited += 1
            elif reset:
                waited = 0
            remembered = keep(remembered, accuracy)
            if waited == patience:
                return epoch
        return len(accuracies)

    return answer


EXERCISE.mistake(
    "starts from 0",
    "Your best is 0 before the first epoch, so a first accuracy of 0.0 is not taken for a best. "
    "The first epoch always brings a new best.",
)(watching(best=0))
EXERCISE.mistake(
    "ties are better",
    "An accuracy that only equals the best counts as a new best in your function. It has to be "
    "higher.",
)(watching(better=operator.ge))
EXERCISE.mistake(
    "compared with the one before",
    "You compare each accuracy with the one just before it. Compare it with the best of all so "
    "far.",
)(watching(keep=lambda best, accuracy: accuracy))
EXERCISE.mistake(
    "compared with the first",
    "You compare each accuracy with the first. A new best has to be remembered for the epochs "
    "after it.",
)(watching(keep=lambda best, accuracy: accuracy if best == -math.inf else best))
EXERCISE.mistake(
    "never reset",
    "You count the epochs without a new best over the whole training. But they must come in a "
    "row, so a new best starts the count again.",
)(watching(reset=False))
EXERCISE.mistake(
    "return inside the loop",
    "Your function returns in the first turn of the loop, and without epochs it returns nothing. "
    "Does the last `return` stand inside the loop?",
)(lambda accuracies, patience: len(accuracies) if accuracies else None)
EXERCISE.mistake(
    "one too late",
    "Your training ends one epoch too late. With a patience of 1 it ends after the first epoch "
    "without a new best.",
)(lambda accuracies, patience: last_epoch(accuracies, patience + 1))
EXERCISE.mistake(
    "one too early",
    "Your training ends one epoch too early. With a patience of 2 it goes on after one epoch "
    "without a new best, and ends after the second in a row.",
)(lambda accuracies, patience: last_epoch(accuracies, max(1, patience - 1)))
EXERCISE.mistake("counted from 0", "You count the epochs from 0. The first one is epoch 1.")(
    lambda accuracies, patience: max(0, last_epoch(accuracies, patience) - 1)
)


@EXERCISE.mistake(
    "stop counted from 0",
    "Where training is stopped, you count the epochs from 0. The first one is epoch 1.",
)
def _(accuracies, patience):
    longer = [*accuracies, math.inf]  # so that the end of training differs from a stop there
    epoch = last_epoch(longer, patience)
    return epoch - 1 if epoch < len(longer) else len(accuracies)


EXERCISE.mistake(
    "never stops",
    "Your training always goes on to the last epoch. It should end as soon as the patience is "
    "used up.",
)(lambda accuracies, patience: len(accuracies))
EXERCISE.mistake(
    "lower is better",
    "You wait for a lower number, as for a loss. An accuracy is better when it is higher.",
)(lambda accuracies, patience: last_epoch([-one for one in accuracies], patience))
EXERCISE.mistake(
    "best epoch of all",
    "This is the epoch with the best accuracy of the whole list. But early stopping may end "
    "training before that, and it always goes on after its best epoch, as long as the patience "
    "lasts.",
)(lambda accuracies, patience: accuracies.index(max(accuracies)) + 1 if accuracies else 0)


@EXERCISE.mistake(
    "best epoch",
    "This is the epoch with the best accuracy. But training goes on after it, as long as the "
    "patience lasts. After which epoch does it end?",
)
def _(accuracies, patience):
    seen = accuracies[: last_epoch(accuracies, patience)]
    return seen.index(max(seen)) + 1 if seen else 0
