"""The exercise `wilson-interval`: answer, cases, and typical mistakes with their hints."""

import math

from mnist_course.assessment.exercise import Case, Exercise

EXERCISE = Exercise(
    name="wilson-interval",
    points=2,
    cases=(
        Case((100, 100, 1.96)),
        Case((7, 10, 1.96)),
        Case((9, 10, 1.96)),
        Case((0, 5, 1.96)),
        Case((2, 3, 1.0)),
        Case((9_950, 10_000, 1.96)),
        Case((30, 40, 2.576)),
        Case((1, 1, 1.96)),
        Case((100, 100)),  # as in the lesson, which leaves z to its default
    ),
    tolerance=1e-6,
    hints=(
        "Begin with the share, correct / total, and with d. Print them for 7 of 10.",
        "Write `middle` and `half` each in a line of its own. `math.sqrt` takes a root, `z**2` is "
        "z squared.",
        "2n under a fraction needs brackets in Python: `z**2 / (2 * total)`. So does 4n²: `z**2 / "
        "(4 * total**2)`.",
    ),
)


@EXERCISE.answer
def wilson_interval(correct, total, z=1.96):
    share = correct / total
    d = 1 + z**2 / total
    middle = (share + z**2 / (2 * total)) / d
    half = z / d * math.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def around(middle, half):
    """A wrong interval: middle and half of it as functions of share, total and z."""

    def interval(correct, total, z=1.96):
        values = correct / total, total, z
        return middle(*values) - half(*values), middle(*values) + half(*values)

    return interval


def with_ends(change):
    """A wrong interval: made from the two ends of the right one."""
    return lambda correct, total, z=1.96: change(*wilson_interval(correct, total, z))


def right_middle(share, total, z):
    return undivided_middle(share, total, z) / (1 + z**2 / total)


def undivided_middle(share, total, z):
    return share + z**2 / (2 * total)


def half_with(last=lambda total, z: z**2 / (4 * total**2), root=math.sqrt, divided=True):
    """A half as a function of share, total and z; `last` stands last under its root."""

    def half(share, total, z):
        d = 1 + z**2 / total if divided else 1
        return z / d * root(share * (1 - share) / total + last(total, z))

    return half


right_half = half_with()
plain_half = half_with(last=lambda total, z: 0, divided=False)


EXERCISE.mistake(
    "plain interval",
    "This is the plain interval, share ± z · root, which is not honest near 0 and 1: for 100 of "
    "100 it has no width.",
)(around(lambda share, total, z: share, plain_half))


@EXERCISE.mistake(
    "plain interval, cut",
    "This is the plain interval, cut at 0 and 1. For 100 of 100 it still has no width. Wilson's "
    "has another middle and another half.",
)
def _(correct, total, z=1.96):
    low, high = around(lambda share, total, z: share, plain_half)(correct, total, z)
    return max(0.0, low), min(1.0, high)


EXERCISE.mistake(
    "middle not moved",
    "The width is right, but the middle is the share itself. Wilson's middle lies nearer to one "
    "half.",
)(around(lambda share, total, z: share, right_half))
EXERCISE.mistake(
    "not divided by d", "The division by d is missing, in the middle and in the half."
)(around(undivided_middle, half_with(divided=False)))
EXERCISE.mistake(
    "half not divided by d", "The middle is right, but the half has to be divided by d, too."
)(around(right_middle, half_with(divided=False)))
EXERCISE.mistake(
    "middle not divided by d",
    "The half is right, but the whole middle has to be divided by d, too.",
)(around(undivided_middle, right_half))
EXERCISE.mistake("root forgotten", "The middle is right, but the half lacks its root.")(
    around(right_middle, half_with(root=float))
)
EXERCISE.mistake(
    "n not squared", "The interval is far too wide. In the last part under the root, n is squared."
)(around(right_middle, half_with(last=lambda total, z: z**2 / (4 * total))))
EXERCISE.mistake("z not squared", "The middle is right. Under the root of the half, z is squared.")(
    around(right_middle, half_with(last=lambda total, z: z / (4 * total**2)))
)
EXERCISE.mistake(
    "whole division",
    "`//` rounds down, so the share is 0 unless all are right. `/` does not round.",
)(lambda correct, total, z=1.96: wilson_interval(correct // total * total, total, z))
EXERCISE.mistake("z not squared in d", "In d, z is squared: 1 + z² / n.")(
    around(
        lambda share, total, z: undivided_middle(share, total, z) / (1 + z / total),
        lambda share, total, z: right_half(share, total, z) * (1 + z**2 / total) / (1 + z / total),
    )
)
EXERCISE.mistake(
    "brackets forgotten in the middle",
    "Python reads `z**2 / 2 * total` from left to right, so it multiplies by total. Where do "
    "brackets belong?",
)(around(lambda share, total, z: (share + z**2 / 2 * total) / (1 + z**2 / total), right_half))
EXERCISE.mistake(
    "brackets forgotten in the half",
    "Python reads `z**2 / 4 * total**2` from left to right, so it multiplies by total². Where do "
    "brackets belong?",
)(around(right_middle, half_with(last=lambda total, z: z**2 / 4 * total**2)))
EXERCISE.mistake(
    "share of mistakes",
    "This is the interval for the share that is wrong. Which one is asked for?",
)(with_ends(lambda low, high: (1 - high, 1 - low)))
EXERCISE.mistake("whole width as half", "The interval is twice as wide as it should be.")(
    with_ends(lambda low, high: ((3 * low - high) / 2, (3 * high - low) / 2))
)
EXERCISE.mistake("z fixed", "Your function always takes 1.96, whatever `z` is.")(
    lambda correct, total, z=1.96: wilson_interval(correct, total)
)
EXERCISE.mistake(
    "middle and half",
    "You return the middle and the half. The exercise asks for the two ends, low and high.",
)(with_ends(lambda low, high: ((low + high) / 2, (high - low) / 2)))
EXERCISE.mistake("high before low", "The two ends are in the wrong order: low comes first.")(
    with_ends(lambda low, high: (high, low))
)
EXERCISE.mistake(
    "rounded", "You round the two ends. Return them as they are: whoever prints them may round."
)(with_ends(lambda low, high: (round(low, 4), round(high, 4))))
EXERCISE.mistake("in percent", "These are percentages. The exercise asks for shares from 0 to 1.")(
    with_ends(lambda low, high: (100 * low, 100 * high))
)
