"""Judge an answer: run it on its exercise's cases, and say what is wrong in a sentence or two."""

import copy
import dis
import inspect
from dataclasses import dataclass, field

import torch

from mnist_course.checks import running
from mnist_course.checks.comparing import both_shown, difference, shown

PASSED, UNSOLVED, FAILED = "passed", "unsolved", "failed"


@dataclass
class Result:
    """What a check found.

    state: "passed", "unsolved" (the stub was not changed) or "failed". kind: the name of the
    mistake, or what else is wrong: "nothing", "type", "dtype", "shape", "device", "graph", "nan",
    "value", "raises", "recursion", "time", "prints", "exit", "changes input", "seed",
    "default dtype", "gradients off", "package", "arguments", "not a function", "check".
    """

    name: str
    state: str
    kind: str = ""
    sentence: str = ""  # what is wrong
    call: str = ""  # the call that shows it
    inputs: list[tuple[str, str]] = field(default_factory=list)  # its arguments: name, value
    expected: str = ""
    got: str = ""
    hint: str = ""
    printed: str = ""  # what the answer printed in that call
    points: int = 0  # to be had

    @property
    def earned(self):
        """Points earned: all or none."""
        return self.points if self.state == PASSED else 0


def judge(exercise, answer, further=()):
    """Judge an answer to an exercise. Returns a `Result`; never shows anything.

    further: more cases than the visible ones; their inputs are not told. Raises nothing but
    RuntimeError, when it is called inside the function that is judged.
    """
    with running.alone():
        try:
            # references and mistakes are seeded, too, and may need gradients
            with running.kept_settings(), torch.enable_grad():
                result = _judge(exercise, answer, tuple(further))
        except Exception as error:  # a check that breaks must not break a lesson
            result = Result(
                exercise.name, FAILED, "check",
                f"The check itself failed on this answer ({type(error).__name__}: {error}). That "
                "is a mistake of the course: please report it.",
            )  # fmt: skip
    result.points = exercise.points
    return result


def _judge(exercise, answer, further):
    def failed(kind, sentence, **more):
        return Result(exercise.name, FAILED, kind, sentence, **more)

    name = exercise.reference.__name__
    if not callable(answer):
        return failed(
            "not a function",
            f'Hand over the function itself, without brackets: check("{exercise.name}", {name}). '
            f"What came is {shown(answer)}.",
        )
    if is_stub(answer, exercise.reference):
        return Result(exercise.name, UNSOLVED, "", "Not solved yet.")

    cases = (*exercise.cases, *further)
    originals, right = [], []
    for place, case in enumerate(cases, start=1 - len(exercise.cases)):
        try:
            originals.append(exercise.arguments(case))
            right.append(_right(exercise, exercise.reference, originals[-1]))
        except Exception as error:
            if place < 1:  # one of the course's own
                raise
            return failed(
                "check",
                f"The answer was not judged: further case {place} of {exercise.name} does not fit "
                f"this exercise ({type(error).__name__}: {error}).",
            )
    calls = running.run(
        answer, [copy.deepcopy(a) for a in originals], exercise.package, exercise.reference
    )
    if any(isinstance(call.error, running.PackageUsed) for call in calls):
        return failed(
            "package",
            "This is the course's own answer at work, not yours. It may well be right; but write "
            "the steps yourself, that is the exercise.",
        )
    verdicts = [
        _verdict(exercise, call, original, expected, further=place >= len(exercise.cases))
        for place, (call, original, expected) in enumerate(
            zip(calls, originals, right, strict=False)
        )
    ]
    if len(calls) == len(cases) and not any(verdicts):
        return Result(exercise.name, PASSED, "", "Right.")

    number = next(index for index, verdict in enumerate(verdicts) if verdict)
    kind, sentence, got = verdicts[number]
    mistake = None
    if len(calls) == len(cases):
        mistake = _mistake(exercise, originals, right, calls)
    if mistake is not None:
        kind = mistake.name
        if calls[number].error is None:  # else the line that stopped is told as well
            sentence = ""
    elif kind in ("value", "raises", "shape") and number > 0:
        sentence = (
            f"{sentence} Right for {_some(number)}, but not for this one. Is there something in "
            "it that fits those alone?"
        ).strip()
    if number >= len(exercise.cases):
        told = {"sentence": f"{sentence} It fails on an input that is not shown.".strip()}
    else:
        told = _told(exercise, cases[number], originals[number], right[number], got)
        told["sentence"] = sentence
        told["printed"] = _cut(calls[number].printed)
    return failed(
        kind,
        **told,
        hint=mistake.hint if mistake else exercise.hints[0] if kind in GENERAL else "",
    )


GENERAL = ("nothing", "nan", "value", "shape", "raises")  # for these the first hint is of use


def _some(number):
    return "the check's first input" if number == 1 else f"the check's first {number} inputs"


def is_stub(answer, reference):
    """Whether nothing was written yet: a function, or a method of `reference`, without a body."""
    if inspect.isclass(answer):
        asked = [vars(answer).get(name) for name in vars(reference)]
    else:
        asked = [running.unwrapped(answer)]
    return any(inspect.isfunction(one) and _is_empty(one) for one in asked)


EMPTY = {"RESUME", "NOP", "CACHE", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST", "COPY_FREE_VARS"}


def _is_empty(function):
    """A body of a docstring, `pass` or `...` alone: it does nothing but return None."""
    steps = list(dis.get_instructions(function))
    constants = [step.argval for step in steps if step.opname in ("LOAD_CONST", "RETURN_CONST")]
    return {step.opname for step in steps} <= EMPTY and constants == [None]


def _right(exercise, function, original):
    """What a function of the course gives on its own copy of the arguments."""
    arguments = copy.deepcopy(original)
    torch.default_generator.manual_seed(running.SEED)
    return _observed(exercise, function(*arguments), arguments)


def _observed(exercise, returned, arguments):
    return returned if exercise.outcome is None else exercise.outcome(returned, *arguments)


def _verdict(exercise, call, original, expected, further):
    """What is wrong with one call: None, or kind, sentence and what came.

    further: the case is one of the grader's, so no words of the answer's own may tell its input.
    """
    if call.error is not None:
        return (*_stopped(exercise, call, further), None)
    if call.seeded:
        return "seed", (
            "Your function calls `torch.manual_seed`. Then all random numbers after it are the "
            "same in each call, in the whole lesson. Seeding is left to whoever calls."
        ), None  # fmt: skip
    if call.dtype_set:
        return "default dtype", (
            "Your function changes torch's default dtype, for everyone and everything after it. "
            "Give the dtype where the tensor is made: `dtype=...`."
        ), None  # fmt: skip
    if call.gradients_off:
        return "gradients off", (
            "Your function turns gradients off, and they stay off: no network in the lesson could "
            "be trained after it. `with torch.no_grad():` turns them on again at its end."
        ), None  # fmt: skip
    try:
        got = _observed(exercise, call.value, call.arguments)
    except Exception:
        got = call.value  # not of the form that `outcome` takes: compared as it is
    found = difference(expected, got, exercise.tolerance)
    if found is not None:
        return (found[0], "" if further else found[1], got)
    names = list(inspect.signature(exercise.reference).parameters)
    for name, before, after in zip(names, original, call.arguments, strict=True):
        if name not in exercise.may_change and not same(before, after):
            return "changes input", _changed(name, before, after), got
    return None


def _changed(name, before, after):
    """The sentence for an argument that the answer has changed."""
    if isinstance(before, torch.Tensor) and before.requires_grad != after.requires_grad:
        what = f"sets `requires_grad` of the `{name}` that it is given"
    elif isinstance(before, torch.Tensor) and not same(before.grad, after.grad):
        what = f"leaves a gradient in the `{name}` that it is given, and the next call adds to it"
    else:
        what = f"changes the `{name}` that it is given"
    copied = "`copy.deepcopy(...)`"
    if isinstance(before, torch.Tensor):
        copied = "`.clone()`, or a new tensor"
    elif isinstance(before, list):
        copied = "`.copy()`, or a new list"
    return (
        f"The answer is right, but your function {what}. Whoever calls it still needs that as it "
        f"was. Work on a copy: {copied}."
    )


def same(before, after):
    """Whether an argument is what it was: tensors, networks, and lists, tuples, dicts of them."""
    if isinstance(before, torch.Tensor):
        return (
            isinstance(after, torch.Tensor)
            and before.shape == after.shape
            and before.dtype == after.dtype
            and before.device == after.device
            and before.requires_grad == after.requires_grad
            and same(before.grad, after.grad)
            # as `torch.equal`, but NaN is the same as NaN
            and bool(torch.isclose(before, after, rtol=0, atol=0, equal_nan=True).all())
        )
    if isinstance(before, torch.nn.Module):
        return same(before.state_dict(keep_vars=True), after.state_dict(keep_vars=True))
    if isinstance(before, list | tuple):
        return len(before) == len(after) and all(map(same, before, after))
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(same(before[k], after[k]) for k in before)
    if isinstance(before, int | float | str | bytes | None):
        return before is after or before == after  # NaN is not equal to itself
    return True  # an iterator, an optimizer: what they do to tensors shows there


def _mistake(exercise, originals, right, calls):
    """The typical mistake that gives the same as the answer on every case, if there is one."""
    for mistake in exercise.mistakes:
        if all(
            _alike(exercise, mistake.function, original, call)
            for original, call in zip(originals, calls, strict=True)
        ):
            return mistake
    return None


def _alike(exercise, function, original, call):
    try:
        wrong = _right(exercise, function, original)
    except Exception as error:
        return type(error) is type(call.error)
    if call.error is not None:
        return False
    try:
        got = _observed(exercise, call.value, call.arguments)
    except Exception:
        return False
    return difference(wrong, got, exercise.tolerance, any_number=True) is None


def _stopped(exercise, call, further):
    """Kind and sentence for a call that raised, or was stopped."""
    error, line = call.error, call.line
    where = f" Line {line[0]}: {_code(line[1])}" if line and line[1] else ""
    if isinstance(error, running.OutOfTime):
        return "time", (
            f"It was stopped: the check's inputs are tiny, and it took longer than "
            f"{running.SECONDS:g} s. Is there a loop that never ends?{where}"
        )  # fmt: skip
    if isinstance(error, running.PrintedTooMuch):
        return "prints", (
            f"It was stopped: it printed more than {running.PRINTED:,} characters. Take the "
            f"`print` out of the loop.{where}"
        )  # fmt: skip
    if isinstance(error, SystemExit):
        return "exit", f"It calls `exit()`, which ends the program. Use `return`.{where}"
    if isinstance(error, RecursionError):
        return "recursion", f"It calls itself again and again, without end.{where}"
    if line is None and isinstance(error, TypeError):
        return "arguments", (
            f"It can't be called as {exercise.reference.__name__}"
            f"{inspect.signature(exercise.reference)}. Python says: {_code(_words(error))}"
        )  # fmt: skip
    classes = [one for one in type(error).__mro__ if not further or one.__module__ == "builtins"]
    kind = classes[0].__name__
    told = "" if further else _words(error).split("\n")[0][:200]
    said = _code(f"{kind}: {told}" if told else kind)
    return "raises", f"Python stops in your function.{where} Python says: {said}{_why(error)}"


def _code(text):
    """Python's or a student's own words, set as code."""
    return f"`{str(text).replace('`', chr(39))}`"


def _words(error):
    """What an exception says; nothing when that fails: it may be of the student's own class."""
    try:
        return str(error)
    except Exception:
        return ""


def _why(error):
    """What an exception usually means, for a beginner."""
    text = _words(error)
    if isinstance(error, NameError):
        return " — is that name spelt as where it was made, and was its cell run?"
    if isinstance(error, IndexError):
        return " — a place was asked for that is not there. Counting starts at 0."
    if isinstance(error, RuntimeError) and ("size" in text or "shape" in text):
        return " — print the shapes of what meets in this line."
    if "NoneType" in text:
        return " — something in this line is None. Did a function hand nothing back?"
    if "more than one value is ambiguous" in text:
        return " — `if`, `and`, `or` and `not` need one True or False, and here are many."
    if "does not require grad" in text:
        return " — torch keeps track only of what comes from a tensor with `requires_grad`."
    if isinstance(error, AttributeError):
        return " — there is no such thing on that object. What type is it?"
    if isinstance(error, ZeroDivisionError):
        return " — what was divided by is 0 for this input."
    return ""


def _told(exercise, case, arguments, expected, got):
    """The failing call, its input, what was expected and what came, as texts."""
    names = list(inspect.signature(exercise.reference).parameters)
    if case.text:
        inputs = [("input", case.text)]
    else:
        inputs = [(n, shown(value)) for n, value in zip(names, arguments, strict=True)]
    right, came = both_shown(expected, got)
    return {
        "call": f"{exercise.reference.__name__}({', '.join(names)})",
        "inputs": inputs,
        "expected": right,
        "got": came if got is not None else "",
    }


def _cut(printed, lines=8, characters=600):
    """The beginning of what was printed."""
    text = "\n".join(printed.splitlines()[:lines])[:characters]
    return text + (" …" if len(text) < len(printed.rstrip()) else "")
