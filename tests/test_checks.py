"""`check`, `hint` and strict mode, as lessons use them; every check bears every answer."""

import copy
import math
import os
import re
import sys
import types

import nbformat
import pytest
import torch
from doubling import EXERCISE, double, right
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from mnist_course import checks
from mnist_course.assessment import limits
from mnist_course.assessment.observation import CheckInsideAnswer
from mnist_course.assessment.verdict import Verdict

every_exercise = pytest.mark.parametrize("name", checks.EXERCISES)


@pytest.fixture(autouse=True)
def table(monkeypatch):
    """The exercise "double" is one of the course's, and nothing was asked for yet."""
    monkeypatch.setitem(checks.EXERCISES, "double", EXERCISE)
    monkeypatch.setattr(checks, "_hints_given", {})
    monkeypatch.delenv("MNIST_COURSE_STRICT", raising=False)


# --- check, hint, strict mode -------------------------------------------------------------


def test_a_right_answer_is_told_so(capsys):
    checks.check("double", right)
    assert capsys.readouterr().out == (
        "✓ Exercise 02.9: Double. Right on all 2 visible cases. 2 points.\n"
    )


def test_the_course_s_own_answer_passes():
    """Whoever has the course has its answers: there is no guard against them."""
    assert checks.judge("double", double).verdict is Verdict.PASSED


def test_hints_come_one_after_the_other_and_then_the_section(capsys):
    checks.check("double", lambda image, factor: image * 0)
    assert "Hint: light" in capsys.readouterr().out
    for text in ("Hint 2 of 3: medium", "Hint 3 of 3: strong"):
        checks.hint("double")
        assert text in capsys.readouterr().out
    for _ in range(2):
        checks.hint("double")
        shown = capsys.readouterr().out
        assert "Read again: Pooling (section 7)" in shown
        for text in ("light", "medium", "strong"):
            assert text in shown


def test_a_hint_may_be_asked_for_before_anything_was_tried(capsys):
    checks.hint("double")
    assert "Hint 1 of 3: light" in capsys.readouterr().out


NEAR = ["dubble", b"double", ["double"]]


@pytest.mark.parametrize("name", [*NEAR, 3, None, "x" * 10**6])
def test_a_name_that_is_not_there_is_told(name, capsys):
    for call in (lambda: checks.check(name, double), lambda: checks.hint(name)):
        call()
        shown = capsys.readouterr().out
        assert "There is no exercise" in shown
        assert len(shown) < 200
        assert ('Did you mean "double"?' in shown) == (name in NEAR)
    with pytest.raises((KeyError, TypeError)):
        checks.judge(name, double)


def test_strict_mode_raises_for_all_that_is_not_passed(monkeypatch, capsys):
    monkeypatch.setenv("MNIST_COURSE_STRICT", "1")

    def stub(image, factor):
        """Double."""

    def shaped(image, factor):
        return image.reshape("two")

    with pytest.raises(checks.NotPassed, match="You add"):
        checks.check("double", lambda image, factor: image + factor)
    with pytest.raises(checks.NotPassed, match="Not solved yet"):
        checks.check("double", stub)
    with pytest.raises(checks.NotPassed, match="no exercise"):
        checks.check("dubble", stub)
    with pytest.raises(checks.NotPassed, match=r"Line \d+: `return image\.reshape"):
        checks.check("double", shaped)
    checks.check("double", right)
    assert "Right on all 2 visible cases." in capsys.readouterr().out


def test_a_check_inside_of_an_answer_is_an_error_there(capsys):
    def answer(image, factor):
        checks.check("leaky-relu", right)
        return image * factor

    checks.check("double", answer)
    shown = capsys.readouterr().out
    assert "Exercise 02.9: Double. Not right yet." in shown
    assert "CheckInsideAnswer: a check is called inside the function that is checked" in shown
    assert issubclass(CheckInsideAnswer, RuntimeError)


def test_a_check_that_breaks_does_not_break_the_lesson(monkeypatch):
    def broken(*arguments):
        raise ValueError("table")

    for function in ("observe", "judge_attempt"):
        monkeypatch.setattr(checks, function, broken)
        result = checks.judge("double", right)
        assert result.verdict is Verdict.NOT_JUDGED
        assert "(ValueError: table)" in result.sentence
        assert "please report it" in result.sentence
        monkeypatch.undo()
        monkeypatch.setitem(checks.EXERCISES, "double", EXERCISE)


@torch.no_grad()
@every_exercise
def test_a_notebook_with_gradients_off_is_no_mistake_of_the_course(name):
    assert checks.judge(name, checks.EXERCISES[name].reference).verdict is Verdict.PASSED


# --- in a kernel --------------------------------------------------------------------------

WRONG = {
    "exit": "exit()",
    "quit": "quit()",
    "system exit": "import sys; sys.exit()",
    "end of the process": "import os; os._exit(1)",
    "question": "return input('size?')",
    "own line": "return image[99]",
    "half a letter": "return {'\\ud800': '\\ud800'}",
}


def test_a_kernel_outlives_everything_an_answer_does(tmp_path):
    """`exit()` in a notebook is not Python's own: it asks for the kernel's end."""
    cells = [new_code_cell("from mnist_course.checks import check")]
    for body in WRONG.values():
        cells += [
            new_code_cell(f"def f(image, kernel, stride):\n    {body}"),
            new_code_cell('check("strided-correlation", f)'),
        ]
    cells.append(new_code_cell("print('the end')"))
    notebook = new_notebook(cells=cells)
    os.environ.pop("MNIST_COURSE_STRICT", None)
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}}).execute()
    texts = {}
    for name, cell in zip(WRONG, notebook.cells[2::2], strict=False):
        [output] = cell.outputs
        assert output.output_type == "display_data"
        assert 'role="status"' in output.data["text/html"]
        texts[name] = output.data["text/plain"]
    for name in ("exit", "quit", "system exit", "end of the process"):
        assert "It calls `exit()`" in texts[name], name
    assert "EOFError" in texts["question"]
    assert "Line 2: `return image[99]`" in texts["own line"]
    assert "should be a torch tensor" in texts["half a letter"]
    assert notebook.cells[-1].outputs[0].text == "the end\n"
    nbformat.validate(notebook)


# --- misbehaving answers ------------------------------------------------------------------


def right_answer(exercise):
    """A right answer of the student's own: another function, the same code."""
    reference = exercise.reference
    return types.FunctionType(
        reference.__code__, {**reference.__globals__}, "answer", reference.__defaults__
    )


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


def prints(right, *arguments):
    while True:
        print("x" * 1_000)


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
            value.logical_not_() if value.dtype == torch.bool else value.add_(1)
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
    raise ExceptionGroup("two", [ValueError("a"), KeyError("b")])


# What the answer does, the verdicts that its check may give, and a word of its sentence.
MISBEHAVIOUR = {
    "returns None": (lambda right, *arguments: print(end=""), "TYPE", "returns nothing"),
    "returns a string": (returns(lambda value: "done"), "TYPE", "a text"),
    "returns a list": (returns(lambda value: [1, 2]), "TYPE", "a list"),
    "returns a list of the numbers": (
        returns(lambda value: value.tolist() if isinstance(value, torch.Tensor) else [value]),
        "TYPE",
        "should be",
    ),
    "returns NaN": (returns(not_a_number), "VALUE TYPE", "NaN|should be"),
    "returns another dtype": (returns(other_dtype), "DTYPE TYPE", "should"),
    "returns another shape": (
        returns(lambda value: value[None] if isinstance(value, torch.Tensor) else (value,)),
        "SHAPE TYPE",
        "should",
    ),
    "returns a tensor without numbers": (
        returns(lambda value: torch.empty(0, device="meta")),
        "SHAPE DTYPE TYPE",
        "should",
    ),
    "returns a function": (returns(lambda value: print), "TYPE", "should be"),
    "returns a class": (returns(lambda value: int), "TYPE", "should be"),
    "returns what equals everything": (returns(lambda value: EqualToAll()), "TYPE", "EqualToAll"),
    "raises": (raises, "RAISED", "the pen is empty"),
    "raises a group": (several, "RAISED", "ExceptionGroup"),
    "recurses for ever": (recurses, "RAISED", "without end"),
    "prints without end": (prints, "PRINTED", "`print` out of the loop"),
    "calls exit()": (exits, "EXITED", "exit"),
    "calls sys.exit()": (exits_by_sys, "EXITED", "exit"),
    "sets the seed": (seeds, "SETTING", "manual_seed"),
    "sets the default dtype": (sets_dtype, "SETTING", "default dtype"),
    "turns gradients off": (turns_gradients_off, "SETTING", r"`with torch.no_grad\(\):`"),
    "changes its arguments": (spoils, "CHANGED", "changes the"),
    "deletes its arguments": (deletes, "CHANGED", "changes the"),
}


def misbehaving(name, misbehave):
    """An answer that does so, with the right one at hand."""
    right = right_answer(checks.EXERCISES[name])
    return lambda *arguments: misbehave(right, *arguments)


@every_exercise
@pytest.mark.parametrize("misbehaviour", MISBEHAVIOUR)
def test_a_misbehaving_answer_gets_its_sentence(name, misbehaviour, capsys, monkeypatch):
    misbehave, verdicts, word = MISBEHAVIOUR[misbehaviour]
    exercise = checks.EXERCISES[name]
    experiment = name.endswith("-experiment")
    if experiment and misbehaviour in ("returns a string", "returns another dtype"):
        pytest.skip("it asks for a text, and its outcome tells of the part that is none")
    if verdicts == "CHANGED" and not any(
        spoil(copy.deepcopy(argument))
        for case in exercise.cases
        for argument in exercise.arguments(case)
    ):
        pytest.skip("numbers and bytes can't be changed")

    before = torch.get_rng_state(), torch.get_default_dtype(), sys.stdout, sys.getrecursionlimit()
    results = []
    judge = checks.judge
    monkeypatch.setattr(checks, "judge", lambda *both: results.append(judge(*both)) or results[0])
    checks.check(name, misbehaving(name, misbehave))
    [result] = results
    assert result.earned == 0
    assert result.verdict.name in verdicts.split(), result
    assert re.search(word, result.sentence), result.sentence
    # the lesson goes on as if nothing had happened
    shown = capsys.readouterr().out
    assert f"Exercise {exercise.number}" in shown
    assert "Not right yet" in shown
    assert len(shown) < 4_000
    after = torch.get_rng_state(), torch.get_default_dtype(), sys.stdout, sys.getrecursionlimit()
    assert torch.equal(before[0], after[0])
    assert before[1:2] + before[3:] == after[1:2] + after[3:]


@every_exercise
def test_a_loop_without_end_is_stopped_and_the_right_answer_passes_after_it(name, monkeypatch):
    monkeypatch.setattr(limits, "SECONDS", 0.01)
    result = checks.judge(name, misbehaving(name, loops))
    assert result.verdict is Verdict.TIME
    assert "a loop that never ends?" in result.sentence
    monkeypatch.undo()
    assert checks.judge(name, right_answer(checks.EXERCISES[name])).verdict is Verdict.PASSED


@every_exercise
def test_an_answer_that_keeps_the_graph_is_told_so(name):
    exercise = checks.EXERCISES[name]
    right = right_answer(exercise)
    arguments = exercise.arguments(exercise.cases[0])
    returned = exercise.reference(*copy.deepcopy(arguments))
    if not isinstance(returned, torch.Tensor) or not returned.is_floating_point():
        pytest.skip("numbers, and tensors of whole numbers, have no gradient")

    def other_graph(*arguments):
        answer = right(*arguments)
        if answer.requires_grad:
            return answer.detach()
        return answer + torch.zeros((), requires_grad=True)

    result = checks.judge(name, other_graph)
    assert result.verdict is Verdict.GRAPH
    assert re.search("gradients|backward", result.sentence)


@every_exercise
def test_an_answer_that_fits_the_first_input_alone_is_told_so(name):
    """It gives the first input's answer for every input."""
    exercise = checks.EXERCISES[name]
    right = right_answer(exercise)
    first = exercise.arguments(exercise.cases[0])
    result = checks.judge(name, lambda *arguments: right(*copy.deepcopy(first)))
    if name == "stable-cross-entropy":  # the loss leads back to other logits than the input
        assert result.verdict is Verdict.GRAPH
        return
    if name.endswith("-experiment"):  # the comparison that it is given is never used
        assert result.mistake == "nothing run"
        return
    assert result.verdict in (Verdict.VALUE, Verdict.SHAPE)
    assert "but not for this one" in result.sentence
