"""The exercise `one-cycle-rate`: answer, cases, and typical mistakes with their hints."""

import math

from mnist_course.assessment.exercise import Case, Exercise

EXERCISE = Exercise(
    name="one-cycle-rate",
    points=2,
    cases=(
        Case((0, 10, 0.4, 0.2)),
        Case((1, 10, 0.4, 0.2)),
        Case((2, 10, 0.4, 0.2)),
        Case((4, 10, 0.4, 0.2)),
        Case((6, 10, 0.4, 0.2)),
        Case((10, 10, 0.4, 0.2)),
        Case((3, 8, 0.02, 0.5)),
        Case((5, 8, 0.02, 0.5)),
        Case((2, 7, 1.0, 0.3)),
        Case((3, 7, 1.0, 0.3)),
        Case((1, 4, 0.5, 0.1)),
        Case((1, 1, 0.4, 0.5)),
    ),
    hints=(
        "There are two parts. First find the step at which the first ends and the second begins.",
        "The peak is at `top = warm_up * steps`. Before it, what share of the way up is done?",
        "After it, t is (step - top) / (steps - top), and `math.cos(math.pi * t)` goes from 1 to "
        "-1.",
    ),
)


@EXERCISE.answer
def one_cycle(step, steps, peak, warm_up):
    top = warm_up * steps
    if step < top:
        return peak * step / top
    t = (step - top) / (steps - top)
    return peak * (1 + math.cos(math.pi * t)) / 2


def with_fall(fall):
    """A wrong schedule: the right rise, then peak times fall(step, steps, top)."""

    def schedule(step, steps, peak, warm_up):
        top = warm_up * steps
        return peak * step / top if step < top else peak * fall(step, steps, top)

    return schedule


def with_rise(rise):
    """A wrong schedule: peak times rise(step, steps, top), then the right fall."""

    def schedule(step, steps, peak, warm_up):
        top = warm_up * steps
        if step < top:
            return peak * rise(step, steps, top)
        return one_cycle(step, steps, peak, warm_up)

    return schedule


def half_wave(t):
    return (1 + math.cos(math.pi * t)) / 2


EXERCISE.mistake(
    "straight fall",
    "The rise is right, but the rate falls on a straight line. It should fall like half a cosine "
    "wave: slowly at first, then faster, then slowly again.",
)(with_fall(lambda step, steps, top: (steps - step) / (steps - top)))
EXERCISE.mistake(
    "t from step 0",
    "In the fall, t is counted from the first step. It starts with 0 where the warm-up ends.",
)(with_fall(lambda step, steps, top: half_wave(step / steps)))
EXERCISE.mistake(
    "t over all steps",
    "In the fall, t does not reach 1 at the last step. Divide by the steps that the fall has, not "
    "by all of them.",
)(with_fall(lambda step, steps, top: half_wave((step - top) / steps)))
EXERCISE.mistake(
    "not halved",
    "In the fall the rate is twice as large as it should be: 1 + cos goes from 2 to 0.",
)(with_fall(lambda step, steps, top: 2 * half_wave((step - top) / (steps - top))))
EXERCISE.mistake(
    "cosine alone",
    "The rate becomes negative: a cosine goes from 1 to -1. Lift it by 1 and halve it.",
)(with_fall(lambda step, steps, top: math.cos(math.pi * (step - top) / (steps - top))))
EXERCISE.mistake(
    "quarter of a wave",
    "This is a quarter of a wave: it ends in a steep fall. Half a wave ends level.",
)(with_fall(lambda step, steps, top: math.cos(math.pi / 2 * (step - top) / (steps - top))))
EXERCISE.mistake(
    "π forgotten",
    "In the fall π is missing. For `math.cos` half a wave is π long.",
)(with_fall(lambda step, steps, top: (1 + math.cos((step - top) / (steps - top))) / 2))
EXERCISE.mistake(
    "degrees",
    "`math.cos` does not count in degrees. Half a turn is π, and `math.pi` is that number.",
)(with_fall(lambda step, steps, top: (1 + math.cos(180 * (step - top) / (steps - top))) / 2))
EXERCISE.mistake(
    "never falls",
    "After the warm-up your rate stays at its peak. It should fall to 0 by the last step.",
)(with_fall(lambda step, steps, top: 1.0))
EXERCISE.mistake(
    "rises again",
    "After the warm-up your rate starts at 0 and rises again. But cos 0 is 1, so the cosine "
    "should be added, not subtracted.",
)(with_fall(lambda step, steps, top: 1 - half_wave((step - top) / (steps - top))))
EXERCISE.mistake(
    "warm-up rounded",
    "You round the step at which the warm-up ends. It need not be a whole number: 0.3 of 7 steps "
    "is 2.1.",
)(lambda step, steps, peak, warm_up: one_cycle(step, steps, peak, int(warm_up * steps) / steps))
EXERCISE.mistake(
    "rise over all steps",
    "The rise is too slow: it should reach the peak at the end of the warm-up, not at the end of "
    "all steps.",
)(with_rise(lambda step, steps, top: step / steps))
EXERCISE.mistake(
    "brackets forgotten",
    "In the fall, Python divides before it subtracts: `/ steps - top` divides by the steps alone. "
    "Where do brackets belong?",
)(with_fall(lambda step, steps, top: half_wave((step - top) / steps - top)))
EXERCISE.mistake(
    "peak forgotten", "Your rate always rises to 1. Multiply it by the peak that is given."
)(lambda step, steps, peak, warm_up: one_cycle(step, steps, 1.0, warm_up))
EXERCISE.mistake(
    "rise with a cosine",
    "The fall is right, but your rate rises like a wave too. Here it rises on a straight line.",
)(with_rise(lambda step, steps, top: (1 - math.cos(math.pi * step / top)) / 2))
EXERCISE.mistake(
    "no rise", "Your schedule has no warm-up: the rate is at its peak from the start."
)(with_rise(lambda step, steps, top: 1.0))
EXERCISE.mistake("one step late", "Your rate is that of the next step. At step 0 it should be 0.")(
    lambda step, steps, peak, warm_up: one_cycle(min(step + 1, steps), steps, peak, warm_up)
)
