"""Checks, tested by mutation: wrong answers are rejected with the hint that fits, right ones pass.

Every answer is judged on the check's own cases and on others that its table does not hold.
"""

import dataclasses
import importlib
import inspect
from pathlib import Path

import make_exercise_table
import mutants
import pytest
from mutants import FURTHER, RIGHT, WRONG

from mnist_course.checks import EXERCISES, judging

for path in sorted(Path(mutants.__file__).parent.glob("lesson_*.py")):
    importlib.import_module(f"mutants.{path.stem}")

every_exercise = pytest.mark.parametrize("name", EXERCISES)


def called(answers):
    """(exercise, answer) for each, with ids that name both."""
    return [
        pytest.param(name, one, id=f"{name}-{getattr(one, 'answer', one).__name__}")
        for name, listed in answers.items()
        for one in listed
    ]


def with_further_cases(exercise):
    return dataclasses.replace(exercise, cases=FURTHER[exercise.name], prepare=None)


def described(result):
    return f"{result.state}, {result.kind}: {result.sentence} {result.expected} {result.got}"


@pytest.mark.parametrize("cases", ["its own cases", "further cases"])
@pytest.mark.parametrize(("name", "mutant"), called(WRONG))
def test_a_wrong_answer_is_rejected_with_its_own_hint(name, mutant, cases):
    exercise = EXERCISES[name]
    judged = exercise if cases == "its own cases" else with_further_cases(exercise)
    result = judging.judge(judged, mutant.answer)
    assert result.state == "failed", described(result)
    if mutant.kind:
        assert result.kind == mutant.kind, described(result)
    else:
        assert result.kind not in {one.name for one in exercise.mistakes}, described(result)
    for one in exercise.mistakes:
        assert (result.hint == one.hint) == (result.kind == one.name)


@pytest.mark.parametrize("cases", ["its own cases", "further cases"])
@pytest.mark.parametrize(("name", "answer"), called(RIGHT))
def test_a_right_answer_is_accepted_however_it_is_written(name, answer, cases):
    exercise = EXERCISES[name]
    judged = exercise if cases == "its own cases" else with_further_cases(exercise)
    result = judging.judge(judged, answer)
    assert result.state == "passed", described(result)
    assert not result.hint


@every_exercise
def test_there_are_enough_of_both(name):
    assert len(WRONG[name]) >= 6
    assert len(RIGHT[name]) >= 3


@every_exercise
def test_further_cases_are_not_in_the_table(name):
    exercise = EXERCISES[name]
    for case in FURTHER[name]:
        for own in exercise.cases:
            assert not judging.same(case.values, exercise.arguments(own))


@every_exercise
def test_answers_to_one_exercise_differ(name):
    """No answer is counted twice."""
    answers = (*(one.answer for one in WRONG[name]), *RIGHT[name])
    codes = [inspect.unwrap(one).__code__ for one in answers]
    assert len({(one.co_code, one.co_consts, one.co_names) for one in codes}) == len(codes)


def test_the_table_in_the_documentation_is_up_to_date():
    written = make_exercise_table.PAGE.read_text(encoding="utf-8")
    assert written == make_exercise_table.page(), "python scripts/make_exercise_table.py"
