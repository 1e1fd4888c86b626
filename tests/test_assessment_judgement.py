"""What is said of an attempt: its verdict, the sentence, and what is told of the failing call."""

import functools
import math

import pytest
import torch
from doubling import EXERCISE, judged, right

from mnist_course.assessment.exercise import Case, Mistake
from mnist_course.assessment.judgement import judge, same
from mnist_course.assessment.observation import Attempt, observe
from mnist_course.assessment.values import plain
from mnist_course.assessment.verdict import Verdict


def test_a_right_answer_passes_and_earns_its_points():
    result = judged(right)
    assert (result.verdict, result.earned, result.points) == (Verdict.PASSED, 2, 2)
    assert not result.hint


def test_a_stub_is_not_solved_yet():
    def stub(image, factor):
        """Double."""

    result = judged(stub)
    assert (result.verdict, result.earned, result.points) == (Verdict.UNSOLVED, 0, 2)

    def no_return(image, factor):
        answer = image * factor  # noqa: F841

    result = judged(no_return)
    assert result.verdict is Verdict.TYPE
    assert "returns nothing (None)" in result.sentence
    assert result.hint == "light"
    assert result.got == ""


def test_a_mistake_is_named_by_what_it_does_not_by_its_text():
    def disguised(image, factor):
        for _ in range(factor):
            image = image + 1
        return image

    result = judged(disguised)
    assert result.verdict is Verdict.MISTAKE
    assert (result.mistake, result.hint, result.earned) == ("sum", "You add.", 0)
    assert result.sentence == ""
    assert result.call == "double(image, factor)"
    assert result.expected == "[2, 4], shape (2,), float32"
    assert result.got == "[3, 4], shape (2,), float32"
    assert result.inputs == [("image", "[1, 2], shape (2,), float32"), ("factor", "2")]


def test_a_case_may_be_described_by_a_text():
    cases = (Case((torch.tensor([1.0]), 2), "one number"),)
    assert judged(lambda image, factor: image, cases=cases).inputs == [("input", "one number")]


def test_an_answer_that_makes_a_mistake_in_one_case_only_does_not_get_its_hint():
    result = judged(lambda image, factor: image + factor if factor == 2 else image * 0)
    assert (result.verdict, result.mistake, result.hint) == (Verdict.VALUE, "", "light")


def test_an_answer_that_fits_one_size_only_is_told_so():
    result = judged(lambda image, factor: torch.stack([image[0] * 2, image[1] * 2]))
    assert result.verdict is Verdict.VALUE
    assert "Right for the check's first input, but not for this one" in result.sentence
    assert result.inputs[1] == ("factor", "3")
    three = (*EXERCISE.cases, Case((torch.zeros(1), 9)))
    result = judged(lambda image, factor: image * factor + factor // 9, cases=three)
    assert "Right for the check's first 2 inputs" in result.sentence


def test_an_input_that_is_changed_is_noticed():
    def in_place(image, factor):
        image *= factor
        return image

    result = judged(in_place)
    assert result.verdict is Verdict.CHANGED
    assert "changes the `image`" in result.sentence
    assert judged(in_place, may_change=("image",)).verdict is Verdict.PASSED

    def marked(image, factor):
        answer = image * factor
        image.requires_grad_()
        return answer

    result = judged(marked)
    assert result.verdict is Verdict.CHANGED
    assert "sets `requires_grad` of the `image`" in result.sentence

    def left_behind(image, factor):
        image.requires_grad_()
        answer = image * factor
        answer.sum().backward()
        image.requires_grad_(False)
        return answer.detach()

    result = judged(left_behind)
    assert result.verdict is Verdict.CHANGED
    assert "leaves a gradient in the `image`" in result.sentence


@pytest.mark.parametrize(
    ("image", "change", "advice"),
    [
        (torch.ones(2), lambda image: image.zero_(), "`.clone()`, or a new tensor"),
        ([1, 2], lambda image: image.pop(), "`.copy()`, or a new list"),
        ({"a": 1}, lambda image: image.clear(), "`copy.deepcopy(...)`"),
    ],
)
def test_how_to_copy_depends_on_what_is_changed(image, change, advice):
    def answer(image, factor):
        change(image)
        return 7

    exercise = {"reference": lambda image, factor: 7, "mistakes": []}
    result = judged(answer, cases=(Case((image, 3)),), **exercise)
    assert result.verdict is Verdict.CHANGED
    assert advice in result.sentence


def test_an_input_with_nan_that_is_left_alone_is_not_called_changed():
    def reference(image, factor):
        return factor * torch.as_tensor(image[0]).nan_to_num()

    def answer(image, factor):
        return torch.nan_to_num(torch.as_tensor(image[0])) * factor

    def in_place(image, factor):
        image[0] = 0.0
        return torch.tensor(0.0)

    cases = (Case((torch.tensor([torch.nan, 1.0]), 3)), Case(([float("nan"), 1.0], 3)))
    table = {"reference": reference, "mistakes": []}
    for case in cases:
        assert judged(answer, cases=(case,), **table).verdict is Verdict.PASSED
        assert judged(in_place, cases=(case,), **table).verdict is Verdict.CHANGED


def test_the_same_is_what_python_calls_equal_and_nan():
    assert same(plain([math.nan, torch.ones(2)]), plain([math.nan, torch.ones(2)]))
    assert not same(plain(torch.ones(2)), plain(torch.zeros(2)))


# --- exceptions ---------------------------------------------------------------------------


def test_an_exception_quotes_the_student_s_own_line():
    def answer(image, factor):
        rows = image.tolist()
        return rows[factor * 7]

    result = judged(answer)
    assert result.verdict is Verdict.RAISED
    assert "`return rows[factor * 7]`" in result.sentence
    assert "IndexError" in result.sentence
    assert result.hint == "light"


def test_an_exception_inside_torch_quotes_the_student_s_line_and_not_torch_s():
    def answer(image, factor):
        return torch.nn.functional.conv2d(image, image)

    assert "`return torch.nn.functional.conv2d(image, image)`" in judged(answer).sentence


def test_an_own_line_that_python_does_not_keep_is_left_out():
    names = {}
    exec("def answer(image, factor):\n    return image + None", names)
    result = judged(names["answer"])
    assert result.verdict is Verdict.RAISED
    assert result.sentence.startswith("Python stops in your function. Python says: `TypeError")


def test_an_exception_that_says_nothing_is_named():
    class Silent(Exception):
        def __str__(self):
            raise RuntimeError

    def answer(image, factor):
        raise Silent

    assert "Python says: `Silent`" in judged(answer).sentence


def test_an_exception_s_message_is_one_line_that_can_be_printed():
    def answer(image, factor):
        raise ValueError("\x1b[2J `a` " + "x" * 1000 + "\nmore")

    sentence = judged(answer).sentence
    assert "`ValueError:  [2J 'a' x" in sentence
    assert sentence.isprintable()
    assert len(sentence) < 500


def test_a_group_of_exceptions_is_one():
    def answer(image, factor):
        raise ExceptionGroup("two", [ValueError("a"), KeyError("b")])

    result = judged(answer)
    assert result.verdict is Verdict.RAISED
    assert "ExceptionGroup: two (2 sub-exceptions)" in result.sentence


def test_a_mistake_that_raises_is_told_with_its_line():
    def rows(image, factor):
        return image[5]

    mistake = Mistake("five", lambda image, factor: image[5], "Five is too many.")
    result = judged(rows, mistakes=[mistake])
    assert result.verdict is Verdict.MISTAKE
    assert (result.mistake, result.hint) == ("five", "Five is too many.")
    assert "`return image[5]`" in result.sentence

    def other(image, factor):
        raise KeyError

    assert judged(other, mistakes=[mistake]).verdict is Verdict.RAISED


@pytest.mark.parametrize("reference", [lambda image, factor: 2, lambda image, factor: 2.0])
def test_a_number_too_large_for_a_float_is_no_mistake_of_the_course(reference):
    for power in (400, 5000):
        result = judged(lambda image, factor, n=power: 10**n, reference=reference, mistakes=[])
        assert result.verdict is Verdict.VALUE
        assert result.got.startswith("a whole number of")


def test_wrong_arguments_are_told_by_the_right_ones():
    for answer in (lambda image: image, functools.partial(lambda image: image)):
        result = judged(answer)
        assert result.verdict is Verdict.ARGUMENTS
        assert "It can't be called as double(image, factor). Python says: `" in result.sentence


@pytest.mark.parametrize("answer", [None, 3, torch.ones(2), "double"])
def test_what_is_no_function_is_told_so(answer):
    result = judged(answer)
    assert result.verdict is Verdict.TYPE
    assert 'check("double", double)' in result.sentence


def test_what_is_no_function_is_shown_as_code():
    assert "What came is `'[a](#b)'`." in judged("[a](#b)").sentence


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("return None + image", "something in this line is None"),
        ("return image if image > 0 else -image", "need one True or False"),
        ("return image.sum().backward()", "a tensor with `requires_grad`"),
        ("return image[9]", "Counting starts at 0"),
        ("return imag", "is that name spelt"),
        ("return image + torch.ones(7)", "print the shapes"),
        ("return image.numbers()", "What type is it?"),
        ("return factor / 0", "divided by is 0"),
    ],
)
def test_what_an_exception_usually_means_is_told(line, advice):
    names = {"torch": torch}
    exec(f"def answer(image, factor):\n    {line}", names)
    assert advice in judged(names["answer"]).sentence


def test_an_attempt_that_is_not_whole_is_not_passed():
    attempt = observe(EXERCISE, right)
    for shorter in (attempt.observations[:1], ()):
        result = judge(EXERCISE, Attempt("answer", "", shorter))
        assert result.verdict is Verdict.NOT_JUDGED
        assert result.earned == 0
    wrong = observe(EXERCISE, lambda image, factor: image).observations[:1]
    assert judge(EXERCISE, Attempt("answer", "", wrong)).verdict is Verdict.VALUE
