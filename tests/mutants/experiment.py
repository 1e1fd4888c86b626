"""Answers to the exercise that asks for an experiment; every lesson has one of the kind."""

import statistics

from mnist_course.assessment.exercise import Case
from mnist_course.exercises.experiment import Comparison
from mutants import further, right, wrong

SEEDS = [3, 5, 8, 13, 21, 34]
WHY = "the other direction would surprise me more"


def twice(base):
    """A recipe whose first setting is twice what it was, and one more."""
    name, value = next(iter(base.items()))
    return {**base, name: 2 * value + 1}


# --- wrong --------------------------------------------------------------------------------


def made_up_in_the_head(base, compare):
    return "higher", True


def looks_first(base, compare):
    before, after = compare(base, twice(base), "unclear", WHY, SEEDS)
    prediction = "higher" if sum(after) > sum(before) else "lower"
    before, after = compare(base, twice(base), prediction, WHY, SEEDS)
    if min(after) > max(before):
        return "higher", prediction == "higher"
    return ("lower", prediction == "lower") if max(after) < min(before) else ("unclear", False)


def above_means_lower(base, compare):
    before, after = compare(base, twice(base), "lower", WHY, SEEDS)
    found = "unclear"
    if min(before) > max(after):
        found = "higher"
    if max(before) < min(after):
        found = "lower"
    return found, found == "lower"


def averages(base, compare):
    before, after = compare(base, twice(base), "lower", WHY, SEEDS)
    gain = statistics.fmean(after) - statistics.fmean(before)
    found = "higher" if gain > 0 else "lower" if gain < 0 else "unclear"
    return found, found == "lower"


def each_with_its_partner(base, compare):
    before, after = compare(base, twice(base), "higher", WHY, SEEDS)
    signs = {(new > old) - (new < old) for old, new in zip(before, after, strict=True)}
    found = {1: "higher", -1: "lower"}.get(signs.pop() if len(signs) == 1 else 0, "unclear")
    return found, found == "higher"


def the_first_pair(base, compare):
    (before, *_), (after, *_) = compare(base, twice(base), "lower", WHY, SEEDS)
    found = "higher" if after > before else "lower" if after < before else "unclear"
    return found, "lower" == found


def the_largest_of_each(base, compare):
    best_before, best_after = map(max, compare(base, twice(base), "lower", WHY, SEEDS))
    found = "unclear" if best_before == best_after else "lower"
    if best_after > best_before:
        found = "higher"
    return found, found == "lower"


def touching_is_apart(base, compare):
    before, after = compare(base, twice(base), "higher", WHY, SEEDS)
    found = "unclear"
    if max(after) <= min(before):
        found = "lower"
    if min(after) >= max(before):
        found = "higher"
    return found, found == "higher"


def nothing_gets_smaller(base, compare):
    before, after = compare(base, twice(base), "higher", WHY, SEEDS)
    return ("higher", True) if min(after) > max(before) else ("unclear", False)


def always_a_direction(base, compare):
    before, after = compare(base, twice(base), "lower", WHY, SEEDS)
    found = "higher" if sorted(after)[0] > sorted(before)[-1] else "lower"
    return found, found == "lower"


def right_as_ever(base, compare):
    before, after = compare(base, twice(base), "lower", WHY, SEEDS)
    if min(after) > max(before):
        return "higher", True
    return ("lower", True) if max(after) < min(before) else ("unclear", True)


def wrong_as_ever(base, compare):
    before, after = compare(base, twice(base), "higher", WHY, SEEDS)
    if min(after) > max(before):
        return "higher", False
    return ("lower", False) if max(after) < min(before) else ("unclear", False)


def was_it_wrong(base, compare):
    before, after = compare(base, twice(base), "unclear", WHY, SEEDS)
    found = "unclear"
    if min(after) > max(before):
        found = "higher"
    elif max(after) < min(before):
        found = "lower"
    return found, not found == "unclear"


def undecided_is_fine(base, compare):
    before, after = compare(base, twice(base), "lower", WHY, SEEDS)
    found = "unclear"
    if min(after) > max(before):
        found = "higher"
    elif max(after) < min(before):
        found = "lower"
    return found, found != "higher"


def two_changes(base, compare):
    changed = {name: 2 * value + 1 for name, value in base.items()}
    before, after = compare(base, changed, "higher", WHY, SEEDS)
    return "unclear", False


def nothing_changed(base, compare):
    before, after = compare(base, dict(base), "unclear", WHY, SEEDS)
    return "unclear", True


def setting_alone(base, compare):
    name = next(iter(base))
    compare(base, {name: 2 * base[name] + 1}, "higher", WHY, SEEDS)
    return "higher", True


def three_seeds(base, compare):
    before, after = compare(base, twice(base), "higher", WHY, [0, 1, 2])
    return "higher", min(after) > max(before)


def one_seed_again(base, compare):
    before, after = compare(base, twice(base), "higher", WHY, [7] * 6)
    return "higher", min(after) > max(before)


def in_other_words(base, compare):
    before, after = compare(base, twice(base), "better", WHY, SEEDS)
    return "better", min(after) > max(before)


def no_reason(base, compare):
    before, after = compare(base, twice(base), "higher", "", SEEDS)
    return "higher", min(after) > max(before)


def no_verdict(base, compare):
    before, after = compare(base, twice(base), "higher", WHY, SEEDS)
    return "higher" if min(after) > max(before) else "lower"


def changes_the_base(base, compare):
    original = dict(base)
    base.update(twice(base))
    before, after = compare(original, base, "higher", WHY, SEEDS)
    found = "higher" if min(after) > max(before) else "unclear"
    if max(after) < min(before):
        found = "lower"
    return found, found == "higher"


WRONG = {
    made_up_in_the_head: "nothing run",
    looks_first: "run twice",
    above_means_lower: "sides turned",
    averages: "means compared",
    each_with_its_partner: "seed by seed",
    the_first_pair: "first seed alone",
    the_largest_of_each: "best of each",
    touching_is_apart: "ties count",
    nothing_gets_smaller: "never lower",
    always_a_direction: "never unclear",
    right_as_ever: "always came true",
    wrong_as_ever: "never came true",
    was_it_wrong: "came true turned",
    undecided_is_fine: "unclear came true",
    two_changes: "raised",
    nothing_changed: "raised",
    setting_alone: "raised",
    three_seeds: "raised",
    one_seed_again: "raised",
    in_other_words: "raised",
    no_reason: "raised",
    no_verdict: "type",
    changes_the_base: "changed",
}


# --- right --------------------------------------------------------------------------------


def step_by_step(base, compare):
    name = list(base)[0]
    changed = dict(base)
    changed[name] = base[name] * 10 + 1
    prediction = "lower"
    before, after = compare(base, changed, prediction, WHY, seeds=range(5))
    if all(a > b for a in after for b in before):
        found = "higher"
    elif all(a < b for a in after for b in before):
        found = "lower"
    else:
        found = "unclear"
    return found, found == prediction


def sorted_lists(base, compare):
    before, after = map(sorted, compare(base, twice(base), "higher", WHY, seeds=(9, 1, 4, 6, 2, 0)))
    above, below = after[0] > before[-1], after[-1] < before[0]
    return "higher" if above else "lower" if below else "unclear", above


def expects_nothing(base, compare):
    before, after = compare(
        base, twice(base), prediction="unclear", because=WHY, seeds=list(range(100, 107))
    )
    overlap = min(after) <= max(before) and min(before) <= max(after)
    if overlap:
        return ("unclear", True)
    return ("higher" if after[0] > before[0] else "lower", False)


def the_last_setting(base, compare):
    *_, name = base
    found = "unclear"
    before, after = compare(base, base | {name: base[name] + 3}, "lower", WHY, {1, 2, 3, 4, 5})
    if min(after) > max(before):
        found = "higher"
    if max(after) < min(before):
        found = "lower"
    return found, found == "lower"


RIGHT = (step_by_step, sorted_lists, expects_nothing, the_last_setting)


def experiment_answers(name, base):
    """Note all of them for a lesson's exercise. base: a recipe with numbers, unlike the check's."""
    above, below = [11.0, 14.0, 12.5, 13.0, 12.0, 15.0], [4.0, 2.0, 8.0, 3.5, 5.0, 1.0]
    made_up = [
        Comparison((below, above)),
        Comparison((above, below)),
        Comparison((above, [one + 0.25 for one in above])),
        Comparison((above, [one - 0.25 for one in above])),
        Comparison(([1.0, 2.0, 3.0, 4.0, 9.0], [9.0, 9.5, 12.0, 10.0, 11.0])),
        Comparison(([6.0, 7.0, 8.0], [6.0, 5.0, 4.0])),
        Comparison(([5.0, 5.0], [5.0, 5.0])),
        Comparison(([14.0, 29.0, 11.0, 12.0, 13.0], [13.0, 26.0, 27.0, 25.0, 14.0])),
        Comparison(([8.0, 10.0, 2.0, 4.0, 6.0], [6.0, 2.0, 12.0, 4.0, 2.0])),
        Comparison(([2.0, 9.0, 4.0, 7.0, 3.0], [5.0, 4.0, 8.0, 3.0, 6.0])),
        *(Comparison(turn=turn) for turn in range(3)),
    ]
    further(name, *(Case((dict(base), one)) for one in made_up))
    for answer, kind in WRONG.items():
        wrong(name, kind)(answer)
    for answer in RIGHT:
        right(name)(answer)
