"""The exercise `writer-accuracy`: answer, cases, and typical mistakes with their hints."""

import statistics

import torch

from mnist_course.assessment.exercise import Case, Exercise


def read(right, writers):
    return torch.tensor(right, dtype=torch.bool), torch.tensor(writers)


EXERCISE = Exercise(
    name="writer-accuracy",
    points=2,
    cases=(
        Case(read([1, 1, 0, 1], [3, 3, 8, 8]), "the example: writers 3 and 8"),
        Case(
            read([1, 1, 1, 1, 1, 1, 0, 0, 1], [0, 0, 0, 0, 0, 0, 1, 2, 2]),
            "three writers with six digits, one and two",
        ),
        Case(
            read([1, 0, 1, 1, 0, 1, 1, 1, 0, 1, 1], [7, 2, 7, 9, 2, 9, 7, 2, 7, 4, 9]),
            "four writers, in no order",
        ),
        Case(read([1, 1, 1], [5, 6, 7]), "three writers without an error"),
        Case(read([0, 1, 1, 1, 0], [1, 1, 1, 1, 0]), "a writer of whom nothing was read"),
        Case(read([1, 0, 0, 1, 1], [-2, 4, -2, 4, 4]), "a writer whose number is -2"),
    ),
    hints=(
        "First make a list with one number for each writer: the share of his or her digits that "
        "was read right.",
        "`writers.unique()` are the writers, and `right[writers == one]` are the digits of one of "
        "them.",
        "`statistics.mean` and `statistics.stdev` do the rest, and the second is to be divided by "
        "the root of the number of writers.",
    ),
)


def shares(right, writers):
    return [right[writers == one].double().mean().item() for one in writers.unique()]


@EXERCISE.answer
def accuracy_by_writer(right, writers):
    each = shares(right, writers)
    return statistics.mean(each), statistics.stdev(each) / len(each) ** 0.5


def answer_of(mean, spread):
    """An answer made of two functions of (right, the writers' accuracies)."""

    def answer(right, writers):
        each = shares(right, writers)
        return mean(right, each), spread(right, each)

    return answer


def root(number):
    return number**0.5


EXERCISE.mistake(
    "every digit counts the same",
    "Your mean is that of all digits, so that a writer with many digits counts more. Take the mean "
    "of the writers' accuracies.",
)(
    answer_of(
        lambda right, each: right.double().mean().item(),
        lambda right, each: statistics.stdev(each) / root(len(each)),
    )
)
EXERCISE.mistake(
    "of the writers, not of the mean",
    "Your second number is how far the writers lie apart. The mean of n writers is steadier, by "
    "the square root of n.",
)(answer_of(lambda right, each: statistics.mean(each), lambda right, each: statistics.stdev(each)))
EXERCISE.mistake(
    "n instead of n - 1",
    "Your standard deviation divides by n. Of a sample it divides by n - 1, as `statistics.stdev` "
    "does.",
)(
    answer_of(
        lambda right, each: statistics.mean(each),
        lambda right, each: statistics.pstdev(each) / root(len(each)),
    )
)
EXERCISE.mistake(
    "root of the digits",
    "You divide by the root of the number of digits. The independent ones are the writers.",
)(
    answer_of(
        lambda right, each: statistics.mean(each),
        lambda right, each: statistics.stdev(each) / root(len(right)),
    )
)
EXERCISE.mistake(
    "without the root", "You divide by the number of writers. Its square root is missing."
)(
    answer_of(
        lambda right, each: statistics.mean(each),
        lambda right, each: statistics.stdev(each) / len(each),
    )
)
EXERCISE.mistake(
    "as if digits were independent",
    "Your spread is the one for independent digits. Digits of one writer are not independent: read "
    "[](#collection) again.",
)(
    answer_of(
        lambda right, each: statistics.mean(each),
        lambda right, each: right.double().std().item() / root(len(right)),
    )
)
EXERCISE.mistake("the variance", "The square root is missing: you return a variance divided by n.")(
    answer_of(
        lambda right, each: statistics.mean(each),
        lambda right, each: statistics.variance(each) / len(each),
    )
)
EXERCISE.mistake("percent", "These are per cent. The accuracies lie from 0 to 1.")(
    answer_of(
        lambda right, each: 100 * statistics.mean(each),
        lambda right, each: 100 * statistics.stdev(each) / root(len(each)),
    )
)
