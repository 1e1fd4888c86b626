"""Every check bears every answer: it says the right sentence, and the lesson goes on."""

import concurrent.futures
import copy
import math
import random
import re
import sys
import types

import numpy
import pytest
import torch

from mnist_course import checks
from mnist_course.checks import judging, running
from mnist_course.checks.exercise import Exercise

every_exercise = pytest.mark.parametrize("name", checks.EXERCISES)


@pytest.fixture(autouse=True)
def settings(monkeypatch):
    monkeypatch.delenv("MNIST_COURSE_STRICT", raising=False)
    monkeypatch.delenv("MNIST_COURSE_CASES", raising=False)


def right_answer(exercise: Exercise):
    """A right answer that the check doesn't know as its own: another function, the same code."""
    reference = exercise.reference
    return types.FunctionType(reference.__code__, reference.__globals__, "answer")


def changed(value, change):
    """A value with its first part changed: a tuple's or a dict's, else the value's own."""
    if isinstance(value, tuple):
        return (changed(value[0], change), *value[1:])
    return change(value)


def returns(change):
    """A misbehaviour: the right answer, changed."""

    def misbehave(right, *arguments):
        return changed(right(*arguments), change)

    return misbehave


def other_dtype(value):
    if isinstance(value, torch.Tensor):
        return value.to(torch.float64 if value.dtype != torch.float64 else torch.float32)
    return torch.tensor(value)


def not_a_number(value):
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        return value * math.nan
    return math.nan


class EqualToAll:
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    def __len__(self):
        return 1

    __hash__ = None


def raises(right, *arguments):
    raise LookupError("the pen is empty")


def recurses(right, *arguments):
    return recurses(right, *arguments)


def loops(right, *arguments):
    while True:
        pass


def loops_and_catches(right, *arguments):
    while True:
        try:
            right(*arguments)
        except BaseException:
            pass


def prints(right, *arguments):
    for line in range(1_000_000):
        print("line", line)
    return right(*arguments)


def exits(right, *arguments):
    exit()


def exits_by_sys(right, *arguments):
    sys.exit("enough")


def seeds(right, *arguments):
    torch.manual_seed(1)
    return right(*arguments)


def sets_dtype(right, *arguments):
    torch.set_default_dtype(torch.float64)
    return right(*arguments)


def turns_gradients_off(right, *arguments):
    answer = right(*arguments)
    torch.set_grad_enabled(False)
    return answer


def spoil(value):
    """Change a value in place; True when that was possible."""
    if isinstance(value, torch.Tensor):
        with torch.no_grad():
            value.add_(1)
        return True
    if isinstance(value, torch.nn.Module):
        return all(map(spoil, value.state_dict().values()))
    if isinstance(value, list) and value:
        value.clear()
        return True
    return False


def spoils(right, *arguments):
    answer = right(*arguments)
    for argument in arguments:
        spoil(argument)
    return answer


def deletes(right, *arguments):
    answer = right(*arguments)
    for argument in arguments:
        if isinstance(argument, torch.Tensor):
            argument.data = torch.empty(0)
        spoil(argument)
    del arguments
    return answer


def several(right, *arguments):
    raise ExceptionGroup("two", [ValueError("a"), KeyboardInterrupt()][:1])


# What the answer does, the kinds that its check may tell, and a word of its sentence.
MISBEHAVIOUR = {
    "returns None": (lambda right, *arguments: print(end=""), {"nothing"}, "returns nothing"),
    "returns a string": (returns(lambda value: "done"), {"type"}, "a text"),
    "returns a list": (returns(lambda value: [1, 2]), {"type"}, "a list"),
    "returns a list of the numbers": (
        returns(lambda value: value.tolist() if isinstance(value, torch.Tensor) else [value]),
        {"type"},
        "should be",
    ),
    "returns NaN": (returns(not_a_number), {"nan", "type"}, "NaN|should be"),
    "returns another dtype": (returns(other_dtype), {"dtype", "type"}, "should"),
    "returns another shape": (
        returns(lambda value: value[None] if isinstance(value, torch.Tensor) else (value,)),
        {"shape", "type"},
        "should",
    ),
    "returns a tensor without numbers": (
        returns(lambda value: torch.empty(0, device="meta")),
        {"shape", "dtype", "device", "type"},
        "should",
    ),
    "returns a function": (returns(lambda value: print), {"type"}, "should be"),
    "returns a class": (returns(lambda value: int), {"type"}, "should be"),
    "returns what equals everything": (
        returns(lambda value: EqualToAll()),
        {"type"},
        "EqualToAll",
    ),
    "raises": (raises, {"raises"}, "the pen is empty"),
    "raises a group": (several, {"raises"}, "ExceptionGroup"),
    "recurses for ever": (recurses, {"recursion"}, "without end"),
    "loops for ever": (loops, {"time"}, "never ends"),
    "loops for ever and catches": (loops_and_catches, {"time"}, "never ends"),
    "prints a million lines": (prints, {"prints"}, "`print` out of the loop"),
    "calls exit()": (exits, {"exit"}, "exit"),
    "calls sys.exit()": (exits_by_sys, {"exit"}, "exit"),
    "sets the seed": (seeds, {"seed"}, "manual_seed"),
    "sets the default dtype": (sets_dtype, {"default dtype"}, "default dtype"),
    "turns gradients off": (turns_gradients_off, {"gradients off"}, r"`with torch.no_grad\(\):`"),
    "changes its arguments": (spoils, {"changes input"}, "changes the"),
    "deletes its arguments": (deletes, {"changes input"}, "changes the"),
}


@every_exercise
@pytest.mark.parametrize("misbehaviour", MISBEHAVIOUR)
def test_a_misbehaving_answer_gets_its_sentence(name, misbehaviour, capsys, monkeypatch):
    misbehave, kinds, word = MISBEHAVIOUR[misbehaviour]
    exercise = checks.EXERCISES[name]
    right = right_answer(exercise)
    if kinds == {"time"}:
        monkeypatch.setattr(running, "SECONDS", 0.1)  # 1 s is tried in test_checks_engine.py
    if kinds == {"changes input"} and not any(
        spoil(copy.deepcopy(argument))
        for case in exercise.cases
        for argument in exercise.arguments(case)
    ):
        pytest.skip("numbers and bytes can't be changed")

    def answer(*arguments):
        return misbehave(right, *arguments)

    before = torch.get_rng_state(), torch.get_default_dtype(), sys.stdout, sys.getrecursionlimit()
    judged = []
    judge = checks.judge
    monkeypatch.setattr(checks, "judge", lambda *both: judged.append(judge(*both)) or judged[0])
    checks.check(name, answer)
    [result] = judged
    assert result.state == "failed"
    assert result.earned == 0
    if misbehaviour == "sets the default dtype" and result.kind == "dtype":
        kinds, word = {"dtype"}, "should hold"
    assert result.kind in kinds, result
    assert re.search(word, result.sentence), result.sentence
    # the lesson goes on as if nothing had happened
    shown = capsys.readouterr().out
    assert f"Exercise {exercise.number}" in shown
    assert "Not right yet" in shown
    assert len(shown) < 4_000
    after = torch.get_rng_state(), torch.get_default_dtype(), sys.stdout, sys.getrecursionlimit()
    assert torch.equal(before[0], after[0])
    assert before[1:2] + before[3:] == after[1:2] + after[3:]
    assert judging.judge(exercise, right).state == "passed"


def in_a_new_thread(read):
    """What a thread that starts now would read."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return pool.submit(read).result()


CHANGES = {
    "threads": (lambda: torch.set_num_threads(3), torch.get_num_threads),
    "gradients": (lambda: torch.set_grad_enabled(False), torch.is_grad_enabled),
    "deterministic algorithms": (
        lambda: torch.use_deterministic_algorithms(True),
        torch.are_deterministic_algorithms_enabled,
    ),
    "a warning for others": (
        lambda: torch.use_deterministic_algorithms(True, warn_only=True),
        torch.is_deterministic_algorithms_warn_only_enabled,
    ),
    "anomaly mode": (lambda: torch.autograd.set_detect_anomaly(True), torch.is_anomaly_enabled),
    "torch's device": (lambda: torch.set_default_device("meta"), torch.get_default_device),
    "numpy's errors": (lambda: numpy.seterr(all="raise"), numpy.geterr),
    "depth of calls": (lambda: sys.setrecursionlimit(444), sys.getrecursionlimit),
    "random numbers": (lambda: random.seed(1), random.getstate),
    "numpy's random numbers": (
        lambda: numpy.random.seed(1),
        lambda: numpy.random.get_state()[1].tolist(),
    ),
}


@pytest.mark.parametrize("setting", CHANGES)
def test_a_setting_that_an_answer_changes_is_afterwards_as_before(setting):
    change, read = CHANGES[setting]
    right = right_answer(checks.EXERCISES["leaky-relu"])

    def answer(*arguments):
        returned = right(*arguments)
        change()
        return returned

    before = read(), in_a_new_thread(read)
    checks.judge("leaky-relu", answer)
    assert (read(), in_a_new_thread(read)) == before


@every_exercise
def test_a_right_answer_passes_and_an_own_answer_of_the_package_does_not(name):
    exercise = checks.EXERCISES[name]
    assert checks.judge(name, right_answer(exercise)).state == "passed"
    result = checks.judge(name, lambda *arguments: exercise.reference(*arguments))
    assert (result.state, result.kind) == ("failed", "package")


@every_exercise
def test_an_answer_that_keeps_the_graph_is_told_so(name):
    exercise = checks.EXERCISES[name]
    right = right_answer(exercise)
    arguments = exercise.arguments(exercise.cases[0])
    if not isinstance(exercise.reference(*copy.deepcopy(arguments)), torch.Tensor):
        pytest.skip("it returns no tensor")

    def other_graph(*arguments):
        answer = right(*arguments)
        if answer.requires_grad:
            return answer.detach()
        if not answer.is_floating_point():
            pytest.skip("whole numbers have no gradient")
        return answer + torch.zeros((), requires_grad=True)

    if not exercise.reference(*copy.deepcopy(arguments)).is_floating_point():
        pytest.skip("whole numbers have no gradient")
    result = checks.judge(name, other_graph)
    assert result.kind == "graph"
    assert re.search("gradients|backward", result.sentence)


@every_exercise
def test_an_answer_that_fits_the_first_input_alone_is_told_so(name):
    """It gives the first input's answer for every input."""
    exercise = checks.EXERCISES[name]
    right = right_answer(exercise)
    first = exercise.arguments(exercise.cases[0])
    result = checks.judge(name, lambda *arguments: right(*copy.deepcopy(first)))
    assert result.state == "failed"
    if name == "stable-cross-entropy":  # the loss leads back to other logits than the input
        assert result.kind == "graph"
        return
    assert result.kind in ("value", "shape")
    assert "but not for this one" in result.sentence
