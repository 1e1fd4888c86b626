"""The exercise `gain-and-spread`: answer, cases, and typical mistakes with their hints."""

import math
import statistics

from mnist_course.assessment.exercise import Case, Exercise

EXERCISE = Exercise(
    name="gain-and-spread",
    points=3,
    cases=(
        Case(([98.0, 99.0, 100.0], [99.0, 101.0])),
        Case(([98.5, 98.75, 99.0, 98.25], [99.0, 99.5, 98.875])),
        Case(([99.25, 99.0], [98.0, 98.5, 98.25, 98.125, 98.75])),
        Case(([97.0, 97.0, 97.0], [97.5, 98.5])),
        Case(([98.0, 98.25, 98.5], [98.75, 99.0, 99.125])),
        Case(([98.0, 98.0], [99.0, 99.0])),
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


def with_spread(spread):
    """A wrong answer: the right gain, and another spread."""
    return lambda base, new: (statistics.mean(new) - statistics.mean(base), spread(base, new))


def of_a_mean(runs):
    return statistics.stdev(runs) / math.sqrt(len(runs))


def pooled(base, new):
    squares = sum(statistics.variance(runs) * (len(runs) - 1) for runs in (base, new))
    shares = 1 / len(base) + 1 / len(new)
    return math.sqrt(squares / (len(base) + len(new) - 2) * shares)


EXERCISE.mistake(
    "sign turned", "The gain has the wrong sign: it is positive when the new runs are better."
)(lambda base, new: (-gain_and_spread(base, new)[0], gain_and_spread(base, new)[1]))
EXERCISE.mistake(
    "spreads added",
    "You add the two spreads as they are. Good and bad luck partly cancel, so square them first, "
    "add, and take the root.",
)(with_spread(lambda base, new: of_a_mean(base) + of_a_mean(new)))
EXERCISE.mistake(
    "spread of single runs",
    "This is how far the difference of two single *runs* spreads. A [mean](#seeds) of n runs "
    "spreads √n times less.",
)(with_spread(lambda base, new: math.hypot(statistics.stdev(base), statistics.stdev(new))))
EXERCISE.mistake(
    "divided by n",
    "You divide the deviations by the number of runs n. The mean of n runs spreads √n times less, "
    "not n times.",
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
    "You compute the deviation with n. For a few runs that is too small: use n - 1, as "
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
    "You subtract the squares of the spreads. Each mean has luck of its own, so the squares add "
    "up.",
)(with_spread(lambda base, new: math.sqrt(abs(of_a_mean(new) ** 2 - of_a_mean(base) ** 2))))
EXERCISE.mistake(
    "divided by all runs",
    "You add the squares first and divide by the number of all runs. Divide each square by the "
    "number of its own runs, and then add.",
)(
    with_spread(
        lambda base, new: math.sqrt(
            (statistics.variance(base) + statistics.variance(new)) / (len(base) + len(new))
        )
    )
)
EXERCISE.mistake(
    "difference of spreads",
    "You subtract the spreads. The gain is a difference, but each mean has luck of its own, so "
    "the spread of the gain is larger than each of the two.",
)(with_spread(lambda base, new: abs(of_a_mean(new) - of_a_mean(base))))
EXERCISE.mistake(
    "pooled deviation",
    "You take one deviation for both lists, as if both spread equally. Each mean has its own "
    "spread.",
)(with_spread(pooled))
EXERCISE.mistake("results swapped", "The two results are swapped: the gain comes first.")(
    lambda base, new: gain_and_spread(base, new)[::-1]
)
EXERCISE.mistake(
    "best runs compared",
    "The spread is right, but the gain compares the best runs. Compare the means.",
)(lambda base, new: (max(new) - max(base), gain_and_spread(base, new)[1]))
EXERCISE.mistake(
    "all in one heap",
    "You put all runs into one list, so the gain between them counts as spread, too. Compute the "
    "deviation of each list on its own.",
)(with_spread(lambda base, new: of_a_mean(base + new)))
