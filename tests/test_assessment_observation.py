"""What an answer does is noted as plain data, whatever it does, and carried as JSON."""

import copy
import dataclasses
import functools
import itertools
import json
import math
import sys
import threading

import pytest
import torch
from doubling import EXERCISE, double, judged, right, through_json

from mnist_course.assessment import limits, values
from mnist_course.assessment.exercise import Case
from mnist_course.assessment.judgement import judge
from mnist_course.assessment.observation import (
    Attempt,
    CheckInsideAnswer,
    Ending,
    observe,
    reference_value,
)
from mnist_course.assessment.values import Tensor
from mnist_course.assessment.verdict import Verdict


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(limits, "SECONDS", 0.05)


# --- what is noted ------------------------------------------------------------------------


def test_a_call_is_noted_with_all_that_it_did():
    def answer(image, factor):
        print("doubled")
        image.zero_()
        torch.manual_seed(3)
        return image, factor

    attempt = observe(EXERCISE, answer)
    assert attempt.kind == "answer"
    assert len(attempt.observations) == 2
    first = attempt.observations[0]
    zeros = Tensor((2,), "float32", (0.0, 0.0))
    assert first.ending is Ending.RETURNED
    assert first.returned == (zeros, 2)
    assert first.arguments == (zeros, 2)
    assert first.shared == (0,)
    assert first.settings == ("seed",)
    assert first.printed == "doubled\n"
    assert first.seconds > 0


def test_an_exception_is_noted_by_the_names_of_its_classes():
    class Own(IndexError):
        pass

    def answer(image, factor):
        raise Own("lost")

    first = observe(EXERCISE, answer).observations[0]
    assert first.ending is Ending.RAISED
    assert first.classes[0].endswith("Own")
    assert first.classes[1:3] == ("builtins.IndexError", "builtins.LookupError")
    assert first.message == "lost"
    assert first.line[1] == 'raise Own("lost")'


def test_no_case_is_tried_after_an_answer_was_stopped(short):
    def looping(image, factor):
        while True:
            pass

    assert len(observe(EXERCISE, looping).observations) == 1
    assert len(observe(EXERCISE, lambda image, factor: sys.exit()).observations) == 1
    assert len(observe(EXERCISE, lambda image, factor: 1 / 0).observations) == 2


def test_the_cases_stay_as_they_are():
    before = copy.deepcopy([case.values for case in EXERCISE.cases])
    observe(EXERCISE, lambda image, factor: image.zero_())
    assert repr([case.values for case in EXERCISE.cases]) == repr(before)


def test_random_numbers_are_the_same_in_each_attempt_and_may_be_drawn():
    drawn = []

    def answer(image, factor):
        drawn.append(torch.rand(1).item())
        return image * factor

    assert judged(answer).verdict is Verdict.PASSED
    assert judged(answer).verdict is Verdict.PASSED
    assert len(set(drawn)) == 1


def test_what_draws_its_arguments_draws_the_same_for_everyone():
    """In every case, also when an earlier one has drawn other numbers of random numbers."""
    exercise = dataclasses.replace(
        EXERCISE,
        cases=(Case((2,)), Case((3,))),
        prepare=lambda size: (torch.nn.Linear(size, 1), 2),
        reference=lambda network, factor: network.weight.detach() * factor,
        mistakes=[],
    )
    attempt = observe(exercise, lambda network, factor: factor * network.weight.detach())
    for case, one in zip(exercise.cases, attempt.observations, strict=True):
        assert one.returned == reference_value(exercise, exercise.reference, case)


# --- answers ------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [None, 3, torch.ones(2), "double", b"x" * 10**6])
def test_what_is_no_function_is_described(answer):
    attempt = through_json(observe(EXERCISE, answer))
    assert attempt.kind == "not a function"
    assert 0 < len(attempt.described) <= 300


def documented(image, factor):
    """Double."""


def dots(image, factor): ...


def passing(image, factor):
    pass


def not_implemented(image, factor):
    """Double."""
    raise NotImplementedError()


def not_implemented_at_all(image, factor):
    raise NotImplementedError


@torch.no_grad()
def decorated_stub(image, factor):
    """Double."""


class Method:
    def stub(self, image, factor):
        """Double."""


STUBS = [documented, dots, passing, not_implemented, not_implemented_at_all, decorated_stub]
STUBS += [Method().stub, functools.partial(documented)]


@pytest.mark.parametrize("stub", STUBS)
def test_a_stub_is_known(stub):
    assert observe(EXERCISE, stub).kind == "stub"


def assigned(image, factor):
    answer = image * factor  # noqa: F841


def raising(image, factor):
    raise ValueError


def returning(image, factor):
    return 0


@pytest.mark.parametrize("answer", [assigned, raising, returning, abs, double])
def test_what_does_anything_is_no_stub(answer):
    assert observe(EXERCISE, answer).kind == "answer"


class Doubler:
    def __init__(self, image, factor):
        self.product = image * factor

    def forward(self):
        return self.product


def test_a_class_is_a_stub_while_a_method_that_is_asked_for_is_empty():
    class Stub:
        def __init__(self, image, factor):
            self.product = image * factor

        def forward(self):
            """To be written."""

    class WithAMethodMore:
        def __init__(self, image, factor):
            self.answer = factor * image

        def forward(self):
            return self.answer

        def train(self):
            pass

    exercise = {"reference": Doubler, "outcome": lambda made, *_: made.forward(), "mistakes": []}
    assert judged(Stub, **exercise).verdict is Verdict.UNSOLVED
    assert judged(WithAMethodMore, **exercise).verdict is Verdict.PASSED


def test_a_class_and_a_callable_object_can_be_answers():
    class Callable:
        def __call__(self, image, factor):
            return image * factor

    assert judged(Callable()).verdict is Verdict.PASSED

    class Holder:
        def __init__(self, image, factor):
            self.product = image * factor

    exercise = {"reference": Doubler, "outcome": lambda made, *_: made.product, "mistakes": []}
    asked = {**exercise, "reference": Holder}
    assert judged(Doubler, **asked).verdict is Verdict.PASSED
    result = judged(lambda image, factor: print(image), **asked)
    assert result.verdict is Verdict.TYPE
    assert "returns nothing" in result.sentence


# --- the answer's own line ----------------------------------------------------------------


@torch.no_grad()
def decorated(image, factor):
    return image.reshape("two")


def shifted(by, image, factor):
    return image.reshape("two")


class Reshaper:
    def __call__(self, image, factor):
        return image.reshape("two")

    def method(self, image, factor):
        return image.reshape("two")


@pytest.mark.parametrize(
    "answer", [decorated, functools.partial(shifted, 1), Reshaper(), Reshaper().method]
)
def test_the_own_line_is_found_inside_of_decorators_and_objects(answer):
    result = judged(answer)
    assert result.verdict is Verdict.RAISED
    assert '`return image.reshape("two")`' in result.sentence


def test_the_own_line_is_the_innermost_of_the_answer_and_not_torch_s():
    def helper(image):
        return torch.nn.functional.conv2d(image, image)

    def answer(image, factor):
        return helper(image)

    first = observe(EXERCISE, answer).observations[0]
    assert first.line == (
        helper.__code__.co_firstlineno + 1,
        "return torch.nn.functional.conv2d(image, image)",
    )


def test_an_own_line_that_python_does_not_keep_is_empty():
    names = {}
    exec("def answer(image, factor):\n    return image + None", names)
    assert observe(EXERCISE, names["answer"]).observations[0].line == (2, "")


def test_wrappers_may_go_round_in_a_circle():
    def answer(image, factor):
        return image * factor

    answer.__wrapped__ = answer
    assert judged(answer).verdict is Verdict.PASSED


def test_an_answer_from_a_module_that_is_not_there_is_judged(monkeypatch):
    class Answer:
        __module__ = "gone"

        def __call__(self, image, factor):
            return image * factor

    for module in (None, 3):
        monkeypatch.setitem(sys.modules, "gone", module)
        assert judged(Answer()).verdict is Verdict.PASSED


# --- hostile answers ----------------------------------------------------------------------


def system_exit(*arguments):
    raise SystemExit


def interrupt(*arguments):
    raise KeyboardInterrupt


def recursion(*arguments):
    return recursion(*arguments)


def loop(*arguments):
    for _ in itertools.count():
        pass


METHODS = """__str__ __repr__ __format__ __eq__ __hash__ __len__ __iter__ __bool__ __float__
__getattribute__ __getitem__ __del__""".split()


def made(do, base=object):
    """An object of a class whose every method does this."""
    members = {**dict.fromkeys(METHODS, do), "__class__": property(do)}
    members.pop("__del__")  # it would be called outside of the check as well
    return type("Hostile", (base,), members)


MISDEEDS = pytest.mark.parametrize("do", [system_exit, interrupt, recursion, loop])
OUTCOMES = {
    "as it is": None,
    "compared": lambda returned, image, factor: returned == 3,
    "asked for its class": lambda returned, image, factor: isinstance(returned, int),
    "counted": lambda returned, image, factor: len(returned),
    "gone through": lambda returned, image, factor: list(returned),
    "shown": lambda returned, image, factor: f"{returned}",
}


@MISDEEDS
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_hostile_object_that_is_returned_does_no_harm(do, outcome, short):
    answer = lambda image, factor: object.__new__(made(do))  # noqa: E731
    result = judged(answer, outcome=OUTCOMES[outcome] and tolerant(OUTCOMES[outcome]))
    assert result.verdict in (Verdict.TYPE, Verdict.TIME, Verdict.EXITED), result
    assert judged(right).verdict is Verdict.PASSED


def tolerant(outcome):
    """An outcome that takes the right answers as they are."""

    def of(returned, image, factor):
        if type(returned) is torch.Tensor:
            return returned
        return outcome(returned, image, factor)

    return of


@MISDEEDS
def test_a_hostile_exception_does_no_harm(do, short):
    kind = made(do, ValueError)

    def answer(image, factor):
        raise kind.__new__(kind)

    result = judged(answer)
    assert result.verdict is Verdict.RAISED
    assert "Python says: `Hostile`" in result.sentence
    assert "Line" in result.sentence


@MISDEEDS
def test_a_hostile_answer_does_no_harm(do, short):
    kind = type("Answer", (made(do),), {"__call__": lambda self, image, factor: image * factor})
    results = [judged(object.__new__(kind))]
    members = {"__new__": lambda kind, image, factor: image * factor}
    for name in ("__eq__", "__getattribute__"):  # Python looks for `__new__` by the second
        Answer = type("Meta", (type,), {name: do, "__hash__": do})("Answer", (), members)
        results.append(judged(Answer, reference=Doubler, outcome=product))
    assert [result.verdict for result in results[:2]] == [Verdict.PASSED] * 2, results
    assert results[2].verdict in (Verdict.EXITED, Verdict.TIME, Verdict.RAISED)


def product(returned, image, factor):
    return returned.product if type(returned) is Doubler else returned


class Anything:
    """Answers to every attribute."""

    def __getattr__(self, name):
        return self


def test_an_object_with_every_attribute_is_of_the_wrong_type():
    for outcome in (None, product):
        result = judged(lambda image, factor: Anything(), outcome=outcome)
        assert result.verdict is Verdict.TYPE
        assert "yours is an Anything" in result.sentence
    result = judged(Anything())
    assert "Hand over the function itself" in result.sentence


def test_a_text_of_a_class_of_its_own_is_no_message():
    class Text(str):
        __getitem__ = __len__ = system_exit

    class Odd(ValueError):
        def __str__(self):
            return Text("odd")

    class Long(ValueError):
        def __str__(self):
            return "x" * 10**7

    def raises(kind):
        def answer(image, factor):
            raise kind

        return observe(EXERCISE, answer).observations[0]

    assert raises(Odd).message == ""
    assert raises(Long).message == "x" * 300


def test_a_long_family_of_exceptions_is_noted_short():
    kind = ValueError
    for _ in range(500):
        kind = type("Kind" * 100, (kind,), {})

    def answer(image, factor):
        raise kind

    attempt = observe(EXERCISE, answer)
    assert len(json.dumps(attempt.encoded())) < 5_000
    assert judge(EXERCISE, attempt).verdict is Verdict.RAISED


LARGE = {
    "text": lambda: "x" * 10**7,
    "bytes": lambda: b"x" * 10**7,
    "key": lambda: {"x" * 10**7: 1},
    "keys": lambda: {"x" * 1_000 + str(number): 1 for number in range(1000)},
    "lists": lambda: [[["x" * 1_000] * 20] * 20] * 20,
    "numbers": lambda: torch.zeros(3000, 3000),
    "tensors": lambda: [torch.zeros(90_000) for _ in range(100)],
    "dimensions": lambda: torch.zeros([1] * 5000),
    "wide": lambda: torch.zeros([1] * 30),
    "class": lambda: type("x" * 10**6, (), {})(),
    "int": lambda: 10 ** (10**6),
}


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("expected", [torch.ones(2), 3, [3], {"a": 1}, "text"], ids=repr)
def test_what_is_large_is_noted_and_told_short(name, expected):
    value = LARGE[name]()
    exercise = dataclasses.replace(
        EXERCISE, reference=lambda image, factor: expected, mistakes=[], cases=EXERCISE.cases[:1]
    )

    def answer(image, factor):
        print("x" * 90_000)
        return value

    attempt = observe(exercise, answer)
    assert len(json.dumps(attempt.encoded())) < 1_000_000
    result = judge(exercise, through_json(attempt))
    assert result.verdict in (Verdict.TYPE, Verdict.SHAPE, Verdict.VALUE)
    assert len(repr(result)) < 4_000


def test_a_network_among_the_arguments_that_is_spoilt_does_no_harm():
    class Odd(torch.nn.Module):
        def state_dict(self, *arguments, **named):
            raise SystemExit

    def answer(network, factor):
        network.add_module("odd", Odd())
        return 2

    result = judged(
        answer,
        reference=lambda network, factor: 2,
        prepare=lambda image, factor: (torch.nn.Linear(1, 1), factor),
        mistakes=[],
    )
    assert result.verdict is Verdict.EXITED

    def named(network, factor):
        network._parameters["x" * 10**6] = torch.nn.Parameter(torch.ones(1))
        return 2

    result = judged(
        named,
        reference=lambda network, factor: 2,
        prepare=lambda image, factor: (torch.nn.Linear(1, 1), factor),
        mistakes=[],
    )
    assert result.verdict is Verdict.CHANGED


# --- one at a time ------------------------------------------------------------------------


def test_a_check_inside_of_an_answer_is_told():
    def answer(image, factor):
        observe(EXERCISE, right)
        while True:
            pass

    result = judged(answer)
    assert result.verdict is Verdict.RAISED
    assert "`observe(EXERCISE, right)`" in result.sentence
    assert "a check is called inside the function" in result.sentence
    assert issubclass(CheckInsideAnswer, RuntimeError)


def test_two_answers_at_once_wait_for_each_other():
    """Else the second one would put back what the first one has replaced."""
    at_work, found = [], []

    def answer(image, factor):
        at_work.append(threading.get_ident())
        wait.wait(0.05)  # without a lock, the others come in now
        assert at_work.pop() == threading.get_ident()
        assert not at_work
        return image * factor

    wait = threading.Event()  # that never comes
    threads = [
        threading.Thread(target=lambda: found.append(judged(answer).verdict)) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [Verdict.PASSED] * 3


# --- through JSON -------------------------------------------------------------------------


def nan(image, factor):
    return torch.tensor([math.nan, math.inf]), math.nan, -math.inf


def everything(image, factor):
    image.requires_grad_()
    image.sum().backward()
    print("\ud800 half of a letter")
    return {"a": (1, [None, True, b"\x00"]), 2: 10**300, (): image, "x": 10**5000, "s": "\ud800"}


ANSWERS = [right, nan, everything, decorated, raising, returning, not_implemented, None]
ANSWERS += [lambda image: 1, lambda image, factor: sys.exit(), lambda image, factor: image + factor]


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_attempt_is_the_same_after_json_and_judged_the_same(answer):
    attempt = observe(EXERCISE, answer)
    again = through_json(attempt)
    assert again == attempt or repr(again) == repr(attempt)
    assert judge(EXERCISE, again) == judge(EXERCISE, attempt)


def record(**changed):
    """The record of a right attempt, with changes in its first call."""
    data = json.loads(json.dumps(observe(EXERCISE, right).encoded()))
    data["observations"][0] |= changed
    return data


def without(name):
    data = record()
    del data["observations"][0][name]
    return data


def deep(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


RAISED = {"ending": "raised", "classes": ["builtins.ValueError", "builtins.Exception"]}
DAMAGED = [
    None,
    [],
    "attempt",
    {},
    {"kind": "answer"},
    {"kind": "answer", "described": "", "observations": None},
    {"kind": "answer", "described": "", "observations": [None]},
    {"kind": "answer", "described": "", "observations": [[]]},
    {"kind": "answer", "described": "x" * 10**6, "observations": []},
    {"kind": "answer", "described": 3, "observations": []},
    {"kind": ["answer"], "described": "", "observations": []},
    {"kind": "other", "described": "", "observations": []},
    {"kind": deep(10_000), "described": "", "observations": []},
    {"kind": "answer", "described": deep(10_000), "observations": deep(10_000)},
    *[
        record(**{name: value})
        for name in ("ending", "arguments", "shared", "classes", "message", "line", "printed",
                     "settings", "seconds")
        for value in (3, "x" * 10**5, [[]], {"a": 1}, [None], deep(10_000), math.nan, 10**400)
        if name != "arguments" or value not in ([[]], [None])
    ],
    record(returned={"unknown": 1}),
    record(returned=deep(10_000)),
    record(returned=10**400),
    record(arguments=[deep(10_000)]),
    record(ending="raised"),
    record(**{**RAISED, "classes": ["own.Error"]}),
    record(line=[1]),
    record(line=[-1, "a"]),
    record(shared=[-1]),
    record(settings=["other"]),
    record(seconds=-1.0),
    record(seconds=math.inf),
]  # fmt: skip


@pytest.mark.parametrize("data", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_record_is_a_value_error(data):
    with pytest.raises(ValueError, match="."):
        Attempt.decoded(data)


@pytest.mark.parametrize("name", list(record()["observations"][0]))
def test_a_record_that_lacks_something_is_a_value_error(name):
    with pytest.raises(ValueError, match="no record"):
        Attempt.decoded(without(name))


STRANGE = [
    record(returned=None),
    record(returned={"thing": ["object", "[a](#b)"]}),
    record(returned={"tensor": {"shape": [2], "dtype": "float32", "numbers": None,
                                "device": "cpu", "requires_grad": False, "gradient": None}}),
    record(returned={"tensor": {"shape": [2], "dtype": "float32", "numbers": [10**300, True],
                                "device": "cpu", "requires_grad": False, "gradient": None}}),
    record(arguments=[]),
    record(arguments=[1, 2, 3]),
    record(shared=[0, 999]),
    record(settings=["seed", "seed"]),
    record(**RAISED),
    record(**{**RAISED, "message": "\x00" * 300, "line": [0, ""]}),
    record(ending="out of time", classes=[]),
    record(ending="interrupted", classes=[]),
    {**record(), "observations": []},
    {**record(), "observations": record()["observations"] * 100},
]  # fmt: skip


@pytest.mark.parametrize("data", STRANGE, ids=range(len(STRANGE)))
def test_any_record_that_can_be_read_can_be_judged(data):
    result = judge(EXERCISE, Attempt.decoded(data))
    right = data in (STRANGE[6], STRANGE[-1])
    assert (result.verdict is Verdict.PASSED) == right


def test_limits_of_a_record_are_those_of_what_is_noted():
    """What is noted at its largest can be read again."""

    def largest(image, factor):
        print("x" * 5_000)
        raise type("K" * 1_000, (ValueError,), {})("m" * 1_000)

    through_json(observe(EXERCISE, largest))
    for value in (["x" * (values.TEXT // 2)] * 2, [0] * (values.PARTS - 1), "x" * values.TEXT):
        attempt = observe(EXERCISE, lambda image, factor, value=value: value)
        assert through_json(attempt).observations[0].returned == value
