"""Comparing a recipe with a changed one: what is a fair test, and what comes back."""

from math import comb

import pytest

from mnist_course import checks
from mnist_course.assessment import hidden_cases
from mnist_course.assessment.observation import observe, reference_value
from mnist_course.exercises import EXERCISES
from mnist_course.experiments import SEEDS, Comparison, changed_setting

BASE = {"rate": 0.1, "steps": 5}
WHY = "more steps lead to more"


def product(recipe, seed):
    return recipe["rate"] * recipe["steps"] + seed


def test_both_recipes_are_tried_on_the_same_seeds(capsys):
    compare = Comparison(product, "metres")
    before, after = compare(BASE, {**BASE, "steps": 7}, "higher", WHY, seeds=range(5))
    assert before == [product(BASE, seed) for seed in range(5)]
    assert after == [product({"rate": 0.1, "steps": 7}, seed) for seed in range(5)]
    [run] = compare.runs
    assert (run.changed, run.prediction) == ({"rate": 0.1, "steps": 7}, "higher")
    assert (run.before, run.after) == (before, after)
    printed = capsys.readouterr().out
    for text in ("steps, from 5 to 7", "higher, because more steps", "metres", "5 seeds", "0.7"):
        assert text in printed


def test_a_quiet_one_prints_nothing(capsys):
    Comparison(product, quiet=True)(BASE, {**BASE, "rate": 1}, "higher", WHY, [3, 1, 4, 5, 9])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"changed": {**BASE, "steps": 7, "rate": 1}}, "yours changes rate, steps"),
        ({"changed": dict(BASE)}, "yours changes none"),
        ({"changed": {"steps": 7}}, "needs the settings of the base, rate, steps"),
        ({"changed": {**BASE, "stpes": 7}}, "and no others"),
        ({"changed": [7]}, "needs the settings of the base"),
        ({"prediction": "better"}, "yours is 'better'"),
        ({"because": ""}, "give your reason"),
        ({"because": "more is more"}, "at least 5 words"),
        ({"because": None}, "give your reason"),
        ({"seeds": range(4)}, "at least 5 different whole numbers"),
        ({"seeds": [1] * 5}, "different"),
        ({"seeds": [0.5, 1.5, 2.5, 3.5, 4.5]}, "whole numbers"),
        ({"seeds": [True, 2, 3, 4, 5]}, "whole numbers"),
    ],
)
def test_an_unfair_comparison_is_refused_before_anything_runs(change, said):
    def never(recipe, seed):
        raise AssertionError("a recipe was run")

    fair = {
        "changed": {**BASE, "steps": 7},
        "prediction": "lower",
        "because": WHY,
        "seeds": range(5),
    }
    compare = Comparison(never)
    with pytest.raises(ValueError, match=said):
        compare(BASE, **(fair | change))
    assert not compare.runs


def test_a_check_shows_no_comparison_of_its_own(capsys):
    def experiment(base, compare):
        changed = {**base, "learning_rate": 1.0}
        before, after = compare(base, changed, "lower", "because it learns faster", range(5))
        return "lower", max(after) < min(before)

    checks.check("kernel-experiment", experiment)
    printed = capsys.readouterr().out
    assert "Not right yet" in printed
    assert "prediction: " not in printed


def test_a_policy_may_hold_hidden_cases_of_an_experiment():
    rows = [[[["learning_rate", 0.5], ["steps", 3]], [[1, 2, 3, 4, 5], [7, 8, 9, 10, 11]], 0]]
    exercise = EXERCISES["kernel-experiment"]
    [case] = hidden_cases.decoded(exercise, rows)
    asked = []

    def experiment(base, compare):
        asked.append(base)
        before, after = compare(base, {**base, "steps": 9}, "higher", WHY, range(5))
        found = "higher" if min(after) > max(before) else "unclear"
        found = "lower" if max(after) < min(before) else found
        return found, found == "higher"

    [observed] = observe(exercise, experiment, (case,)).observations
    assert observed.returned == reference_value(exercise, exercise.reference, case)
    assert asked == [{"learning_rate": 0.5, "steps": 3}]


def test_a_trial_cannot_change_the_recipes():
    def greedy(recipe, seed):
        return recipe.pop("steps") + seed

    before, after = Comparison(greedy, quiet=True)(
        BASE, {**BASE, "steps": 7}, "higher", WHY, range(5)
    )
    assert (before, after) == ([5, 6, 7, 8, 9], [7, 8, 9, 10, 11])
    assert BASE == {"rate": 0.1, "steps": 5}


def test_the_setting_that_changed():
    assert changed_setting(BASE, {**BASE, "rate": 3}) == "rate"


def test_luck_parts_so_few_seeds_as_lesson_01_says():
    assert 2 / comb(2 * SEEDS, SEEDS) == 2 / 252
