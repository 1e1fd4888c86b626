"""Answers are compared strictly by type, and what is wrong is said in a beginner's words."""

import collections
import math

import numpy
import pytest
import torch

from mnist_course.assessment import comparison
from mnist_course.assessment.values import Tensor, Thing, plain
from mnist_course.assessment.verdict import Verdict

ONES = torch.ones(2, 3)


def difference(expected, got, *arguments, **settings):
    return comparison.difference(plain(expected), plain(got), *arguments, **settings)


def shown(value, *arguments):
    return comparison.shown(plain(value), *arguments)


def both_shown(expected, got):
    return comparison.both_shown(plain(expected), plain(got))


class Yes:
    """Equal to everything."""

    def __eq__(self, other):
        return True

    __hash__ = None


class LongerThanItSays(tuple):
    """A tuple that hides what it holds."""

    def __len__(self):
        return 2

    def __iter__(self):
        return iter((1, 2))


@pytest.mark.parametrize(
    ("expected", "got", "verdict"),
    [
        (ONES, ONES.clone(), None),
        (ONES, ONES + 1e-6, None),
        (ONES, ONES + 1e-2, "VALUE"),
        (ONES, ONES.double(), "DTYPE"),
        (ONES, ONES.int(), "DTYPE"),
        (ONES, ONES.T, "SHAPE"),
        (ONES, ONES[None], "SHAPE"),
        (torch.tensor(1.0), torch.ones(1), "SHAPE"),
        (ONES, ONES * math.nan, "VALUE: NaN"),
        (ONES, ONES * math.inf, "VALUE"),
        (ONES * math.inf, ONES * math.inf, None),
        (ONES * math.inf, -ONES * math.inf, "VALUE"),
        (ONES, torch.ones(2, 3, device="meta"), "TYPE: on the device of the input, cpu"),
        (ONES, ONES.to_sparse(), "TYPE"),
        (ONES, ONES.tolist(), "TYPE"),
        (ONES, ONES.numpy(), "TYPE"),
        (ONES, torch.nn.Parameter(ONES), "TYPE"),
        (ONES, ONES.clone().requires_grad_(), "GRAPH"),
        (ONES.clone().requires_grad_(), ONES, "GRAPH"),
        (ONES, Yes(), "TYPE"),
        (ONES, None, "TYPE: returns nothing"),
        (ONES.long(), ONES.long() + 1, "VALUE"),
        (3, 3, None),
        (3, 4, "VALUE"),
        (3, 3.0, "TYPE"),
        (3, True, "TYPE"),
        (3, torch.tensor(3), "TYPE"),
        (3, numpy.int64(3), "TYPE"),
        (3, Yes(), "TYPE"),
        (3, None, "TYPE: returns nothing"),
        (0.5, 0.5, None),
        (0.5, 0.5000001, None),
        (0.5, 0.51, "VALUE"),
        (0.5, math.nan, "VALUE: NaN"),
        (0.5, numpy.float64(0.5), None),
        (0.5, numpy.float32(0.5), "TYPE"),
        (2.0, 2, None),
        (2.0, 10**400, "VALUE"),
        (2.0, -(10**400), "VALUE"),
        (2, 10**400, "VALUE"),
        (2.0, numpy.float64("inf"), "VALUE"),
        (1.0, True, "TYPE"),
        (0.5, torch.tensor(0.5), "TYPE"),
        (True, True, None),
        (True, 1, "TYPE"),
        ("a", "a", None),
        ("a", "b", "VALUE"),
        ((1, 2), (1, 2), None),
        ((1, 2), [1, 2], "TYPE"),
        (ONES, numpy.ones((2, 3)), "TYPE"),
        (ONES, numpy.float32(1), "TYPE"),
        ((1, 2), (1, 2, 3), "SHAPE"),
        ((1, 2), torch.Size((1, 2)), None),
        ((1, 2), collections.namedtuple("Pair", "a b")(1, 2), None),
        ((1, 2), LongerThanItSays((1, 2, 3)), "SHAPE"),
        ((1, 2), (1, 2.0), "TYPE"),
        ([1, 2], [1, 3], "VALUE"),
        ((ONES, ONES), (ONES, ONES.T), "SHAPE"),
        ({"a": 1}, {"a": 1}, None),
        ({"a": 1}, {"b": 1}, "SHAPE"),
        ({"a": 1}, {"a": 2}, "VALUE"),
        (math.nan, math.nan, None),
        (ONES * math.nan, ONES * math.nan, None),
    ],
)
def test_answers_are_compared_strictly_by_type(expected, got, verdict):
    found = difference(expected, got)
    if verdict is None:
        assert found is None
        return
    name, _, word = verdict.partition(": ")
    assert found[0] is Verdict[name]
    assert word in found[1]
    if verdict != "VALUE":
        assert found[1].endswith((".", "?")), "all but a wrong value have their sentence"


def test_a_whole_number_is_as_good_as_a_float_where_any_number_is():
    assert difference(3, 3.0, any_number=True) is None
    assert difference([3], [3.0], any_number=True) is None
    assert difference(3, True, any_number=True)[0] is Verdict.TYPE


def test_the_tolerance_is_relative_and_absolute():
    assert difference(1000.0, 1000.5, 1e-3) is None
    assert difference(1000.0, 1001.5, 1e-3)[0] is Verdict.VALUE
    assert difference(0.0, 0.00009, 1e-3) is None
    assert difference(0.0, 0.0002, 1e-3)[0] is Verdict.VALUE
    for number in (1000.0, 0.0):
        right = torch.tensor([number])
        for error in (0.5, 1.5, 0.00009, 0.0002):
            alone = difference(number, number + error, 1e-3)
            assert difference(right.double(), right.double() + error, 1e-3) == alone


@pytest.mark.parametrize(
    ("expected", "got", "advice"),
    [
        (ONES, [1.0], "`torch.tensor(...)`"),
        (ONES, [], "`torch.tensor(...)`"),
        (ONES, [ONES, ONES], "`torch.stack(...)`"),
        (ONES, (ONES.sum(), ONES.sum()), "`torch.stack(...)`"),
        (ONES, numpy.ones(3), "`torch.from_numpy(...)`"),
        (ONES.clone().requires_grad_(), 1.0, "`backward()` needs a tensor"),
        ((ONES, ONES), ONES, "`return a, b`"),
        (3, numpy.int64(3), "`.item()`"),
        (3, ONES, "`.item()`"),
        (0.5, torch.nn.Parameter(ONES), "`.item()`"),
        ([1], ONES, "`.tolist()`"),
        (3, 3.0, "`//`"),
        ({"accuracy": 0.5}, {"accuracy": torch.tensor(1.0)}, "The accuracy should be"),
        ({"a": 1}, {"b": 1}, "The keys of the answer should be `['a']`, not `['b']`"),
    ],
)
def test_what_to_do_about_a_wrong_type_depends_on_what_is_asked_for(expected, got, advice):
    assert advice in difference(expected, got)[1]


def test_values_are_shown_so_that_the_difference_can_be_seen():
    assert both_shown(0.123456, 0.123457) == ("0.123456", "0.123457")
    assert both_shown(1 / 3, 1 / 3) == ("0.3333", "0.3333")
    large = torch.zeros(8, 8)
    other = large.clone()
    other[5, 2] = 3
    right, came = both_shown(large, other)
    assert right == "0 at [5, 2], a tensor of shape (8, 8), float32"
    assert came.startswith("3 at [5, 2]")


def test_a_value_is_shown_as_python_writes_it():
    assert (
        shown(torch.tensor([[1.0, 2.0], [3.0, 4.0]])) == "[[1, 2],\n [3, 4]], shape (2, 2), float32"
    )
    assert shown(torch.zeros([1] * 6)) == f"{'[' * 6}0{']' * 6}, shape (1, 1, 1, 1, 1, 1), float32"
    assert shown(torch.tensor(3)) == "3, shape (), int64"
    assert shown((1,)) == "(1,)"
    assert shown({"accuracy": 0.5, "mode": "train"}) == "accuracy: 0.5, mode: 'train'"
    assert shown(10**200) == str(10**200)
    assert shown(b"\x00\xff") == "the bytes 00 ff"
    assert shown(None) == "None"


def test_what_is_large_is_shown_short():
    endless = [1]
    endless.append(endless)
    assert shown(endless) == "[1, [1, [1, [1, a list of 2 parts]]]]"
    assert shown(-(10**5000)) == "a whole number of 16610 bits"
    assert shown({10**5000: 1}).startswith("a whole number of 16610 bits: 1")
    assert shown(dict.fromkeys(range(1000), 0)) == "a dict of 1000 parts"
    assert shown(torch.zeros(40)) == "a tensor of shape (40,), float32"
    nested = [["x" * 1000] * 30] * 30
    for value in ("x" * 10_000, b"x" * 10_000, {"x" * 10_000: 1}, [10**300] * 36, nested):
        assert len(shown(value)) < 700


def test_a_class_or_a_key_with_a_strange_name_stays_a_text():
    made = type("[x](#y)\x1b`*", (), {})()
    assert shown(made) == "a ?x?(?y)???"
    sentence = difference(ONES, made)[1]
    assert "a ?x?(?y)???" in sentence
    assert shown({"\x1b[2J": 1}) == "'\\x1b[2J': 1"
    sentence = difference({"a": 1}, {"`[x](#y)\x1b": 1})[1]
    assert "`[''[x](#y)\\x1b']`" in sentence
    assert comparison.code("a\x1b[2J`b`\nc") == "`a [2J'b' c`"


def test_data_from_elsewhere_that_has_no_numbers_is_no_answer():
    found = comparison.difference(plain(ONES), Tensor((2, 3), "float32", None))
    assert found == (Verdict.TYPE, "The answer is a tensor whose numbers can't be read.")
    found = comparison.difference(1.0, Thing("huge", "a whole number of 5000 bits"))
    assert found == (Verdict.VALUE, "")
