"""Each exercise is complete: its place in a lesson, its cases, and mistakes that can be told."""

import copy
import inspect
import json
import re

import pytest

from mnist_course.assessment import display
from mnist_course.assessment.comparison import difference
from mnist_course.assessment.judgement import same
from mnist_course.assessment.observation import argument_values, reference_value
from mnist_course.exercises import CONTENTS, EXERCISES

every_exercise = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda one: one.name)


def texts(exercise):
    """All that a student may read of it."""
    return [*exercise.hints, *(mistake.hint for mistake in exercise.mistakes)]


@every_exercise
def test_an_exercise_is_complete(exercise):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", exercise.name)
    assert re.fullmatch(r"\d\d\.[1-7]", exercise.number)
    assert exercise.title[0].isupper()
    assert exercise.points in (1, 2, 3)
    assert len(exercise.cases) >= 3
    assert len(exercise.mistakes) >= 6
    assert len({mistake.name for mistake in exercise.mistakes}) == len(exercise.mistakes)
    assert len(set(exercise.hints)) == 3
    for text in texts(exercise):
        assert text[-1] in ".?", text


def test_names_and_numbers_are_unique_and_in_the_order_of_the_lessons():
    numbers = [exercise.number for exercise in EXERCISES.values()]
    assert numbers == sorted(set(numbers))
    named = {(exercise.lesson, exercise.reference.__name__) for exercise in EXERCISES.values()}
    assert len(named) == len(EXERCISES)
    assert all(name == exercise.name for name, exercise in EXERCISES.items())
    assert [*json.loads(CONTENTS.read_text(encoding="utf-8"))["exercises"]] == [*EXERCISES]


@every_exercise
def test_its_section_and_its_links_are_sections_of_the_lesson(exercise):
    assert exercise.section in exercise.sections
    for text in texts(exercise):
        for link in display.LINK.finditer(text):
            assert link[2] in exercise.sections, text


@every_exercise
def test_cases_are_small_and_do_not_wear_out(exercise):
    """Each case makes the same arguments twice, and a right answer leaves them as they are."""
    names = list(inspect.signature(exercise.reference).parameters)
    for case in exercise.cases:
        before = argument_values(exercise, case)
        assert same(before, argument_values(exercise, case))
        first = reference_value(exercise, exercise.reference, case)
        assert same(first, reference_value(exercise, exercise.reference, case))
        assert same(before, argument_values(exercise, case))
        assert len(before) <= len(names)


def values(exercise, function):
    """What a function gives for every case, or the class of the exception that it raises."""
    found = []
    for case in exercise.cases:
        try:
            found.append(reference_value(exercise, function, case))
        except Exception as error:
            found.append(type(error))
    return found


def agree(first, second, tolerance):
    return all(
        one is other
        if isinstance(one, type) or isinstance(other, type)
        else difference(one, other, tolerance, any_number=True) is None
        for one, other in zip(first, second, strict=True)
    )


@every_exercise
def test_every_mistake_can_be_told_from_the_right_answer_and_from_the_others(exercise):
    right = values(exercise, exercise.reference)
    wrong = {mistake.name: values(exercise, mistake.function) for mistake in exercise.mistakes}
    names = list(wrong)
    for index, name in enumerate(names):
        assert not same(right, wrong[name]), name
        for other in names[:index]:
            assert not agree(wrong[other], wrong[name], exercise.tolerance), (name, other)


@every_exercise
def test_an_exercise_can_be_copied(exercise):
    """Its cases are copied for each call, so nothing in them may refuse that."""
    for case in exercise.cases:
        copy.deepcopy(exercise.arguments(case))
