"""The exercise `gain-and-spread`: answer, cases, and typical mistakes with their hints."""

import math
import statistics

from mnist_course.assessment.exercise import Case, Exercise


def with_spread(spread):
    """A wrong answer: the right gain, and another spread."""
    return lambda base, new: (statistics.mean(new) - statistics.mean(base), spread(base, new))


def of_a_mean(runs):
    return statistics.stdev(runs) / math.sqrt(len(runs))


def pooled(base, new):
    squares = sum(statistics.variance(runs) * (len(runs) - 1) for runs in (base, new))
    shares = 1 / len(base) + 1 / len(new)
    return math.sqrt(squares / (len(base) + len(new) - 2) * shares)


EXERCISE = Exercise(
    name="gain-and-spread",
    points=3,
    cases=(
        Case(([98.0, 99.0, 100.0], [99.0, 101.0])),
        Case(([98.5, 98.75, 99.0, 98.25], [99.0, 99.5, 98.875])),
        Case(([99.25, 99.0], [98.0, 98.5, 98.25, 98.125, 98.75])),
        Case(([97.0, 97.0, 97.0], [97.5, 98.5])),
    ),
    hints=(
        "Three steps: the two means and their difference; the spread of each mean; the spread of "
        "the difference.",
        "The spread of a mean is `statistics.stdev(runs) / len(runs) ** 0.5`. Both lists have one.",
        "Square both spreads, add them, and take the root of the sum: `math.hypot` or `** 0.5`.",
    ),
)


@EXERCISE.answer
def gain_and_spread(base, new):
    gain = statistics.mean(new) - statistics.mean(base)
    squares = statistics.variance(base) / len(base) + statistics.variance(new) / len(new)
    return gain, math.sqrt(squares)


@EXERCISE.mistake(
    "sign turned", "The gain has the wrong sign: it is positive when the new runs are better."
)
def _(base, new):
    return (-gain_and_spread(base, new)[0], gain_and_spread(base, new)[1])


EXERCISE.mistake(
    "spreads added",
    "The spreads of the two means were added as they are. Square them first, add, and take "
    "the root: luck and bad luck partly cancel.",
)(with_spread(lambda base, new: of_a_mean(base) + of_a_mean(new)))


EXERCISE.mistake(
    "spread of single runs",
    "This is how far the difference of two single *runs* spreads. A "
    "[mean](#seeds) of n runs spreads √n times less.",
)(with_spread(lambda base, new: math.hypot(statistics.stdev(base), statistics.stdev(new))))


EXERCISE.mistake(
    "divided by n",
    "The deviations were divided by the number of runs. A mean of n runs spreads √n times "
    "less, not n times.",
)(
    with_spread(
        lambda base, new: math.hypot(
            statistics.stdev(base) / len(base), statistics.stdev(new) / len(new)
        )
    )
)


EXERCISE.mistake("root forgotten", "The last root is missing: this is the square of the spread.")(
    with_spread(lambda base, new: of_a_mean(base) ** 2 + of_a_mean(new) ** 2)
)


EXERCISE.mistake(
    "deviation with n",
    "The deviation was computed with n. For a few runs that is too small: use n - 1, as "
    "`statistics.stdev` does.",
)(
    with_spread(
        lambda base, new: math.hypot(
            statistics.pstdev(base) / math.sqrt(len(base)),
            statistics.pstdev(new) / math.sqrt(len(new)),
        )
    )
)


EXERCISE.mistake(
    "difference of squares",
    "The squares of the spreads were subtracted. Add them: both means bring luck of their own.",
)(with_spread(lambda base, new: math.sqrt(abs(of_a_mean(new) ** 2 - of_a_mean(base) ** 2))))


EXERCISE.mistake(
    "divided by all runs",
    "The squares were added first and divided by the number of all runs. Each square is "
    "divided by the number of its own runs, and then they are added.",
)(
    with_spread(
        lambda base, new: math.sqrt(
            (statistics.variance(base) + statistics.variance(new)) / (len(base) + len(new))
        )
    )
)


EXERCISE.mistake(
    "difference of spreads",
    "The spreads were subtracted. The gain is a difference, but its spread is not: both "
    "means bring luck of their own, so it becomes larger.",
)(with_spread(lambda base, new: abs(of_a_mean(new) - of_a_mean(base))))


EXERCISE.mistake(
    "pooled deviation",
    "You take one deviation for both lists, as if they spread alike. Each mean has its own spread.",
)(with_spread(pooled))


@EXERCISE.mistake("results swapped", "The two results are swapped: the gain comes first.")
def _(base, new):
    return gain_and_spread(base, new)[::-1]


@EXERCISE.mistake(
    "best runs compared",
    "The spread is right, but the gain compares the best runs. Compare the means.",
)
def _(base, new):
    return (max(new) - max(base), gain_and_spread(base, new)[1])


EXERCISE.mistake(
    "all in one heap",
    "All runs were thrown into one heap. Then the gain counts as spread, too. Compute the "
    "deviation of each list on its own.",
)(with_spread(lambda base, new: of_a_mean(base + new)))
