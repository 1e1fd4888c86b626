"""What the check says of an answer's arguments: handed back as they are, or left to a default."""

import pytest
import torch

from mnist_course.assessment.exercise import Case, Exercise
from mnist_course.assessment.judgement import judge
from mnist_course.assessment.observation import Attempt, observe
from mnist_course.assessment.verdict import Verdict


def doubled(numbers, factor=2):
    """A right answer."""
    return factor * numbers


def exercise(*cases, new_tensors=True):
    return Exercise(
        name="doubled",
        points=1,
        cases=tuple(map(Case, cases)),
        hints=("One.", "Two.", "Three."),
        new_tensors=new_tensors,
        reference=doubled,
    )


def judged(answer, *cases, **settings):
    asked = exercise(*cases, **settings)
    attempt = Attempt.decoded(observe(asked, answer).encoded())  # as it comes from elsewhere
    return judge(asked, attempt)


def the_argument_itself(numbers, factor=2):
    return numbers if factor == 1 else factor * numbers


def a_view(numbers, factor=2):
    return numbers.reshape(1, -1)[0] if factor == 1 else factor * numbers


ONCE = torch.tensor([1.0, 2.0]), 1


@pytest.mark.parametrize("answer", [the_argument_itself, a_view])
def test_an_argument_handed_back_is_no_new_tensor(answer):
    result = judged(answer, ONCE)
    assert result.verdict is Verdict.ALIAS
    assert "`numbers`" in result.sentence
    assert judged(answer, ONCE, new_tensors=False).verdict is Verdict.PASSED


def test_a_copy_and_an_empty_tensor_are_new():
    assert judged(lambda numbers, factor=2: numbers.clone(), ONCE).verdict is Verdict.PASSED
    assert judged(the_argument_itself, (torch.zeros(0), 1)).verdict is Verdict.PASSED


def test_the_memory_of_a_part_of_what_is_returned_counts():
    asked = exercise(ONCE)
    asked.reference = lambda numbers, factor=2: (numbers * factor, numbers * factor)
    attempt = observe(asked, lambda numbers, factor=2: (numbers.clone(), numbers))
    assert judge(asked, attempt).verdict is Verdict.ALIAS


def test_a_case_may_leave_an_argument_to_its_default():
    case = (torch.tensor([3.0]),)
    assert judged(doubled, case).verdict is Verdict.PASSED
    tripled = judged(lambda numbers, factor=3: factor * numbers, case)
    assert tripled.verdict is Verdict.VALUE
    assert tripled.call == "doubled(numbers)"
    assert [name for name, _ in tripled.inputs] == ["numbers"]
    without = judged(lambda numbers, factor: factor * numbers, case)
    assert without.verdict is Verdict.ARGUMENTS
