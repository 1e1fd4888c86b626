"""Checks, tested by mutation: wrong answers are rejected with the hint that fits, right ones pass.

Every answer is judged on the check's own cases and on others that its table does not hold.
"""

import ast
import dataclasses
import doctest
import functools
import importlib
import inspect
import math
import statistics
from pathlib import Path

import make_exercise_table
import mutants
import pytest
import torch
from mutants import FURTHER, RIGHT, WRONG

from mnist_course import experiments
from mnist_course.assessment.judgement import judge, same
from mnist_course.assessment.observation import argument_values, observe
from mnist_course.assessment.values import plain
from mnist_course.assessment.verdict import Verdict
from mnist_course.exercises import EXERCISES

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


@functools.cache  # so that what the course's own functions give is worked out once
def with_further_cases(name):
    return dataclasses.replace(EXERCISES[name], cases=FURTHER[name], prepare=None)


def judged(exercise, answer):
    return judge(exercise, observe(exercise, answer))


def kind(result):
    """The name of the mistake, or of the verdict."""
    return result.mistake or result.verdict.name.lower()


def described(result):
    return f"{result.verdict}, {kind(result)}: {result.sentence} {result.expected} {result.got}"


@pytest.mark.parametrize("cases", ["its own cases", "further cases"])
@pytest.mark.parametrize(("name", "mutant"), called(WRONG))
def test_a_wrong_answer_is_rejected_with_its_own_hint(name, mutant, cases):
    exercise = EXERCISES[name]
    tried = exercise if cases == "its own cases" else with_further_cases(name)
    result = judged(tried, mutant.answer)
    assert result.verdict not in (Verdict.PASSED, Verdict.UNSOLVED), described(result)
    assert kind(result) == mutant.kind if mutant.kind else not result.mistake, described(result)
    for one in exercise.mistakes:
        assert (result.hint == one.hint) == (result.mistake == one.name)


@pytest.mark.parametrize("cases", ["its own cases", "further cases"])
@pytest.mark.parametrize(("name", "answer"), called(RIGHT))
def test_a_right_answer_is_accepted_however_it_is_written(name, answer, cases):
    exercise = EXERCISES[name]
    tried = exercise if cases == "its own cases" else with_further_cases(name)
    result = judged(tried, answer)
    assert result.verdict is Verdict.PASSED, described(result)
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
            arguments = argument_values(with_further_cases(name), case)
            assert not same(arguments, argument_values(exercise, own))


def examples(exercise):
    """The calls in the text of an exercise: the arguments of each as plain data."""
    [lesson] = (Path(__file__).parent.parent / "lessons").glob(f"{exercise.lesson}_*.py")
    name = exercise.reference.__name__
    [stub] = [
        node
        for node in ast.parse(lesson.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name == name
    ]
    calls = []

    def noted(*given, **named):
        bound = inspect.signature(exercise.reference).bind(*given, **named)
        calls.append(tuple(plain(one, networks=True) for one in bound.args))
        return exercise.reference(*given, **named)

    modules = (torch, torch.nn, math, statistics, experiments)
    names = {one.__name__.rpartition(".")[2]: one for one in modules} | {name: noted}
    test = doctest.DocTestParser().get_doctest(ast.get_docstring(stub), names, name, None, None)
    assert doctest.DocTestRunner().run(test).failed == 0
    return calls


@every_exercise
def test_the_example_in_the_text_is_among_the_cases(name):
    exercise = EXERCISES[name]
    calls = examples(exercise)
    assert calls
    for call in calls:
        assert any(same(call, argument_values(exercise, case)) for case in exercise.cases)


@every_exercise
def test_answers_to_one_exercise_differ(name):
    """No answer is counted twice."""
    answers = (*(one.answer for one in WRONG[name]), *RIGHT[name])
    codes = [inspect.unwrap(one).__code__ for one in answers]
    assert len({(one.co_code, one.co_consts, one.co_names) for one in codes}) == len(codes)


def test_the_table_in_the_documentation_is_up_to_date():
    written = make_exercise_table.PAGE.read_text(encoding="utf-8")
    assert written == make_exercise_table.page(), "python scripts/make_exercise_table.py"
