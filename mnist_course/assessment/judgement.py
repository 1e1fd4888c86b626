"""Judge an attempt: say what is wrong with it in a sentence or two.

The judge sees plain data alone, so an answer can do nothing to it.
"""

import inspect
from functools import cache

from mnist_course.assessment import limits
from mnist_course.assessment.attempts import PYTHON, Ending
from mnist_course.assessment.comparison import both_shown, code, difference, shown
from mnist_course.assessment.observation import argument_values, reference_value
from mnist_course.assessment.values import Tensor
from mnist_course.assessment.verdict import Result, Verdict

LINES, CHARACTERS = 8, 600  # of what an answer printed
# The first general hint helps with these.
GENERAL = (Verdict.VALUE, Verdict.SHAPE, Verdict.RAISED)


def judge(exercise, attempt):
    """The `Result` of an attempt at an exercise."""

    def result(verdict, sentence="", **more):
        return Result(exercise.name, verdict, exercise.points, sentence=sentence, **more)

    if attempt.kind == "not a function":
        name = exercise.reference.__name__
        return result(
            Verdict.TYPE,
            f'Hand over the function itself, without brackets: check("{exercise.name}", {name}). '
            f"What came is {code(attempt.described)}.",
        )
    if attempt.kind == "stub":
        return result(Verdict.UNSOLVED, "Not solved yet.")

    cases = exercise.cases
    observations = attempt.observations[: len(cases)]
    found = [_fault(exercise, case, one) for case, one in zip(cases, observations, strict=False)]
    complete = len(observations) == len(cases)
    if complete and not any(found):
        return result(Verdict.PASSED, "Right.")
    if not any(found):
        return result(Verdict.NOT_JUDGED, "The answer was not run to the end.")

    number = next(index for index, fault in enumerate(found) if fault)
    verdict, sentence = found[number]
    failed = observations[number]
    mistake = _mistake(exercise, cases, observations) if complete else None
    if mistake is not None:
        verdict = Verdict.MISTAKE
        if failed.ending is Ending.RETURNED:  # else the line that stopped is told as well
            sentence = ""
    elif verdict in (Verdict.VALUE, Verdict.RAISED, Verdict.SHAPE) and number > 0:
        sentence = (
            f"{sentence} Right for {_some(number)}, but not for this one. Is there something in "
            "it that fits those alone?"
        ).strip()
    told = _told(exercise, cases[number], failed)
    told["printed"] = _cut(failed.printed)
    if mistake is not None:
        told |= {"mistake": mistake.name, "hint": mistake.hint}
    elif verdict in GENERAL or (verdict is Verdict.TYPE and failed.returned is None):
        told["hint"] = exercise.hints[0]
    return result(verdict, sentence, **told)


def _some(number):
    return "the check's first input" if number == 1 else f"the check's first {number} inputs"


# What the course's own functions give never changes, so it is worked out once.
@cache
def expected_value(exercise, function, case):
    """Plain data that a function of the course gives for a case. Raises what it raises."""
    return reference_value(exercise, function, case)


@cache
def _before(exercise, case):
    return argument_values(exercise, case)


def _fault(exercise, case, observed):
    """What is wrong with one call: None, or verdict and sentence."""
    if observed.ending is not Ending.RETURNED:
        return _stopped(exercise, observed)
    for name in observed.settings:
        return Verdict.SETTING, SETTINGS[name]
    expected = expected_value(exercise, exercise.reference, case)
    found = difference(expected, observed.returned, exercise.tolerance)
    if found is not None:
        return found
    before = _before(exercise, case)
    names = _names(exercise, before)
    if len(observed.arguments) != len(before):
        return Verdict.NOT_JUDGED, "The record of the attempt is damaged."
    for name, old, new in zip(names, before, observed.arguments, strict=True):
        if name not in exercise.may_change and not same(old, new):
            return Verdict.CHANGED, _changed(name, old, new)
    if exercise.new_tensors and observed.shared:
        return Verdict.ALIAS, (
            f"The numbers are right, but your function hands back the "
            f"`{names[observed.shared[0] % len(names)]}` that it is given, or a view of it. A new "
            "tensor is asked for, because whoever changes one of the two later would change the "
            "other as well. `.clone()` makes a new one."
        )
    return None


def _names(exercise, arguments):
    """The names of the arguments; a case may leave out the last ones, which have defaults."""
    return list(inspect.signature(exercise.reference).parameters)[: len(arguments)]


def same(before, after):
    """Whether plain data is what it was. NaN is the same as NaN here."""
    return before == after or repr(before) == repr(after)


SETTINGS = {
    "seed": (
        "Your function calls `torch.manual_seed`. Then all random numbers after it are the same "
        "in each call, in the whole lesson. Seeding is left to whoever calls."
    ),
    "dtype": (
        "Your function changes torch's default dtype, for everyone and everything after it. Give "
        "the dtype where the tensor is made: `dtype=...`."
    ),
    "gradients": (
        "Your function turns gradients off, and they stay off: no network in the lesson could be "
        "trained after it. `with torch.no_grad():` turns them on again at its end."
    ),
}


def _changed(name, before, after):
    """The sentence for an argument that the answer has changed."""
    what = f"changes the `{name}` that it is given"
    copied = "`copy.deepcopy(...)`"
    if type(before) is Tensor:
        copied = "`.clone()`, or a new tensor"
        if type(after) is Tensor and before.requires_grad != after.requires_grad:
            what = f"sets `requires_grad` of the `{name}` that it is given"
        elif type(after) is Tensor and not same(before.gradient, after.gradient):
            what = (
                f"leaves a gradient in the `{name}` that it is given, and the next call adds to it"
            )
    elif type(before) is list:
        copied = "`.copy()`, or a new list"
    return (
        f"The answer is right, but your function {what}. Whoever calls it may still need it as it "
        f"was. Work on a copy: {copied}."
    )


def _mistake(exercise, cases, observations):
    """The typical mistake that gives the same as the answer on every case, if there is one."""
    for mistake in exercise.mistakes:
        if all(
            _alike(exercise, mistake.function, case, observed)
            for case, observed in zip(cases, observations, strict=True)
        ):
            return mistake
    return None


@cache
def _mistaken(exercise, function, case):
    """What a mistake gives for a case, or the name of the exception's class that it raises."""
    try:
        return expected_value(exercise, function, case), ""
    except Exception as error:
        return None, f"{type(error).__module__}.{type(error).__name__}"


def _alike(exercise, function, case, observed):
    wrong, raised = _mistaken(exercise, function, case)
    if raised or observed.ending is not Ending.RETURNED:
        return observed.ending is Ending.RAISED and observed.classes[:1] == (raised,)
    return difference(wrong, observed.returned, exercise.tolerance, any_number=True) is None


def _stopped(exercise, observed):
    """Verdict and sentence for a call that did not return."""
    line = observed.line
    where = f" Line {line[0]}: {code(line[1])}" if line and line[1] else ""
    if observed.ending is Ending.TIME:
        return Verdict.TIME, (
            f"It was stopped: the check's inputs are tiny, and it took longer than "
            f"{limits.SECONDS:g} s. Is there a loop that never ends?{where}"
        )  # fmt: skip
    if observed.ending is Ending.WAITED:
        return Verdict.TIME, (
            "It was stopped: it hardly computed, and still did not come back. Does it sleep, or "
            f"wait for something?{where}"
        )
    if observed.ending is Ending.INTERRUPTED:
        return Verdict.TIME, f"It was interrupted.{where}"
    if observed.ending is Ending.PRINTED:
        return Verdict.PRINTED, (
            f"It was stopped: it printed more than {limits.PRINTED:,} characters. Take the "
            f"`print` out of the loop.{where}"
        )  # fmt: skip
    if observed.ending is Ending.EXITED:
        return Verdict.EXITED, f"It calls `exit()`, which ends the program. Use `return`.{where}"
    builtin = [name.removeprefix("builtins.") for name in observed.classes if name in PYTHON]
    if "RecursionError" in builtin:
        return Verdict.RAISED, f"It calls itself again and again, without end.{where}"
    if line is None and "TypeError" in builtin:
        said = f" Python says: {code(observed.message)}"
        return Verdict.ARGUMENTS, (
            f"It can't be called as {exercise.reference.__name__}"
            f"{inspect.signature(exercise.reference)}.{said}"
        )
    kind = observed.classes[0].rpartition(".")[2]
    message = observed.message.split("\n")[0][:200]
    said = code(f"{kind}: {message}" if message else kind)
    why = _why(builtin, observed.message)
    return Verdict.RAISED, f"Python stops in your function.{where} Python says: {said}{why}"


def _why(classes, message):
    """What an exception usually means, for a beginner. classes: names of Python's own."""
    if "NameError" in classes:
        return " — is that name spelt as where it was made, and was its cell run?"
    if "IndexError" in classes:
        return " — a place was asked for that is not there. Counting starts at 0."
    if "RuntimeError" in classes and ("size" in message or "shape" in message):
        return " — print the shapes of the tensors that meet in this line."
    if "NoneType" in message:
        return " — something in this line is None. Does a function return nothing?"
    if "more than one value is ambiguous" in message:
        return " — `if`, `and`, `or` and `not` need one True or False, and here are many."
    if "does not require grad" in message:
        return " — torch keeps track only of what comes from a tensor with `requires_grad`."
    if "AttributeError" in classes:
        return " — there is no such thing on that object. What type is it?"
    if "ZeroDivisionError" in classes:
        return " — the number that is divided by is 0 for this input."
    return ""


def _told(exercise, case, observed):
    """The failing call, its input, what was expected and what came, as texts."""
    before = _before(exercise, case)
    names = _names(exercise, before)
    if case.text:
        inputs = [("input", case.text)]
    else:
        inputs = [(name, shown(value)) for name, value in zip(names, before, strict=True)]
    right, came = both_shown(expected_value(exercise, exercise.reference, case), observed.returned)
    return {
        "call": f"{exercise.reference.__name__}({', '.join(names)})",
        "inputs": inputs,
        "expected": right,
        "got": came if observed.returned is not None else "",
    }


def _cut(printed):
    """The beginning of what was printed."""
    text = "\n".join(printed.splitlines()[:LINES])[:CHARACTERS]
    more = " …" if len(text) < len(printed.rstrip()) else ""
    return "".join(one if one.isprintable() or one in "\n\t" else " " for one in text) + more
