"""Run an answer on the cases of its exercise, and note as plain data what it did."""

import copy
import dis
import functools
import linecache
import sys
import threading
import time
import traceback
import types
from contextlib import contextmanager
from typing import Any

import torch

from mnist_course.assessment import settings
from mnist_course.assessment.attempts import (
    CHANGES,
    LISTED,
    PRINTED,
    PYTHON,
    TEXT,
    Attempt,
    Ending,
    Observation,
)
from mnist_course.assessment.comparison import shown
from mnist_course.assessment.limits import OutOfTime, PrintedTooMuch, TimeLimit, printed
from mnist_course.assessment.values import bases, class_dict, class_name, module_name, plain

SEED = 8191  # of torch's random numbers before each call; any number that nobody else takes
# No further case is tried after these.
LAST = (Ending.TIME, Ending.WAITED, Ending.INTERRUPTED, Ending.PRINTED, Ending.EXITED)

_running: list[int] = []  # the thread that runs an answer now
_one_at_a_time = threading.Lock()


class CheckInsideAnswer(RuntimeError):
    """An answer calls a check."""


@contextmanager
def _alone():
    """One answer at a time, because each run replaces parts of the process and puts them back.

    Raises CheckInsideAnswer inside an answer that is being observed.
    """
    if threading.get_ident() in _running:
        raise CheckInsideAnswer("a check is called inside the function that is checked")
    with _one_at_a_time:
        _running.append(threading.get_ident())
        try:
            yield
        finally:
            _running.clear()


def observe(exercise, answer, cases=None):
    """Run an answer on the cases, those of the exercise by default. Returns an `Attempt`.

    Whatever the answer does, it raises nothing but CheckInsideAnswer, where it is called inside an
    answer that is being observed, and what `exercise.arguments` raises for a case that does not
    fit.
    """
    if not callable(answer):
        return Attempt("not a function", shown(plain(answer))[:TEXT])
    if is_stub(answer, exercise.reference):
        return Attempt("stub")
    with _alone():
        with settings.kept():
            calls = [_arguments(exercise, case) for case in (cases or exercise.cases)]
        observations: list[Observation] = []
        for arguments in calls:
            observations.append(_observed(exercise, answer, arguments))
            if observations[-1].ending in LAST:
                break
    return Attempt("answer", "", tuple(observations))


def reference_value(exercise, function, case):
    """What a function of the course gives for a case, as plain data. Raises what it raises."""
    with _alone(), settings.kept():
        arguments = _arguments(exercise, case)
        _prepare()
        returned = function(*arguments)
        if exercise.outcome is not None:
            returned = exercise.outcome(returned, *arguments)
        return plain(returned)


def argument_values(exercise, case):
    """The arguments of a case before any call, as plain data."""
    with _alone(), settings.kept():
        return tuple(plain(one, networks=True) for one in _arguments(exercise, case))


def _arguments(exercise, case):
    _prepare()  # a network among them draws its weights
    return copy.deepcopy(exercise.arguments(case))


def _prepare():
    """The same settings before each call, whatever the notebook has set."""
    torch.set_default_device(None)
    torch.set_default_dtype(torch.float32)
    torch.set_autocast_enabled("cpu", False)
    torch.default_generator.manual_seed(SEED)  # torch.manual_seed would seed GPUs as well


def _observed(exercise, answer, arguments):
    """One call. Everything that touches what the answer made happens inside the limits."""
    seen: dict[str, Any] = {"ending": Ending.RETURNED}
    namespace = _namespace(answer)
    with settings.kept(), settings.no_way_out(namespace), printed() as output:
        _prepare()
        started = time.perf_counter()
        try:
            with TimeLimit() as limit:
                _call(exercise, answer, arguments, seen)
        except BaseException as error:  # SystemExit and KeyboardInterrupt, too
            seen |= _raised(error, namespace)
        seen["seconds"] = time.perf_counter() - started
    if limit.over:  # the answer may have swallowed the exception
        seen["ending"] = Ending.WAITED if limit.waited else Ending.TIME
    return Observation(**seen | {"printed": str(output)[:PRINTED]})


def _call(exercise, answer, arguments, seen):
    modes = settings.modes()
    returned = answer(*arguments)
    settings.leave_modes(modes)  # a mode may change what is read below
    seen["settings"] = _changed_settings()
    seen["shared"] = _shared(returned, arguments)
    seen["returned"] = _outcome(exercise, returned, arguments)
    seen["arguments"] = tuple(plain(one, networks=True) for one in arguments)


def _outcome(exercise, returned, arguments):
    if exercise.outcome is not None:
        try:
            return plain(exercise.outcome(returned, *arguments))
        except Exception:
            pass  # not of the form that `outcome` takes: compared as it is
    return plain(returned)


def _shared(returned, arguments):
    """Places of the arguments whose memory a returned tensor uses: it is one of them, or a view."""
    parts = tuple.__iter__(returned) if issubclass(type(returned), tuple) else (returned,)
    used = {_memory(part) for part in parts} - {0}
    return tuple(place for place, one in enumerate(arguments) if _memory(one) in used)


def _memory(value):
    """The address of a plain tensor's numbers; 0 for anything that has none."""
    if type(value) is not torch.Tensor:
        return 0
    try:
        return torch.Tensor.untyped_storage(value).data_ptr()
    except Exception:  # a kind of tensor without a table of numbers
        return 0


def _changed_settings():
    """What the answer changed that a student should know of; all of it is put back."""
    changed = (
        torch.initial_seed() != SEED,
        torch.get_default_dtype() != torch.float32,
        not torch.is_grad_enabled(),
    )
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    return tuple(name for name, is_so in zip(CHANGES, changed, strict=True) if is_so)


ENDINGS = (
    (OutOfTime, Ending.TIME),
    (PrintedTooMuch, Ending.PRINTED),
    (KeyboardInterrupt, Ending.INTERRUPTED),
    (SystemExit, Ending.EXITED),
)


def _raised(error, namespace):
    """What is noted of an exception: its classes by name, its message, and the answer's line."""
    kind = type(error)
    try:
        with TimeLimit():  # a class of the answer's own may do anything here
            message = str(error)
    except BaseException:
        message = ""
    names = [f"{module_name(one)}.{class_name(one)}"[:TEXT] for one in bases(kind)]
    own = [name for name in names if name in PYTHON]
    trace = BaseException.__traceback__.__get__(error)  # type: ignore[union-attr]
    return {
        "ending": next((known for one, known in ENDINGS if issubclass(kind, one)), Ending.RAISED),
        "classes": tuple(dict.fromkeys([names[0], *own]))[:LISTED],
        "message": message[:TEXT] if type(message) is str else "",
        "line": _own_line(traceback.walk_tb(trace), namespace),
    }


def _own_line(frames, namespace):
    """The innermost line of the answer's code: its number in the cell, and its text.

    frames: with their lines, the outermost first. The text is empty where Python doesn't keep it.
    """
    own = None
    for frame, number in frames:
        if frame.f_globals is namespace and number is not None:
            own = frame.f_code.co_filename, number
    if own is None:
        return None
    return own[1], linecache.getline(*own).strip()[:TEXT]


def unwrapped(function):
    """The function inside of decorators, methods and `functools.partial`."""
    for _ in range(100):  # wrappers may go round in a circle
        if type(function) is functools.partial:
            function = function.func
        elif type(function) is types.MethodType:
            function = function.__func__
        elif type(function) is types.FunctionType and "__wrapped__" in vars(function):
            function = vars(function)["__wrapped__"]
        else:
            break
    return function


def _namespace(function):
    """The global names that a function or class sees."""
    function = unwrapped(function)
    if type(function) is types.FunctionType:
        return function.__globals__
    owner = function if issubclass(type(function), type) else type(function)
    module = sys.modules.get(module_name(owner))
    return vars(module) if type(module) is types.ModuleType else {}


# --- the stub -----------------------------------------------------------------------------


def is_stub(answer, reference):
    """Whether nothing was written yet: a function, or a method of `reference`, without a body."""
    if issubclass(type(answer), type):
        asked = [class_dict(answer).get(name) for name in vars(reference)]
    else:
        asked = [unwrapped(answer)]
    return any(type(one) is types.FunctionType and _is_empty(one) for one in asked)


EMPTY = {"RESUME", "NOP", "CACHE", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST", "COPY_FREE_VARS"}
# a body of `raise NotImplementedError()`, which is nbgrader's stub
NOT_IMPLEMENTED = {"RESUME", "NOP", "CACHE", "LOAD_GLOBAL", "PRECALL", "CALL", "RAISE_VARARGS",
                   "COPY_FREE_VARS", "LOAD_CONST", "PUSH_NULL"}  # fmt: skip


def _is_empty(function):
    """A body of a docstring, `pass`, `...` or `raise NotImplementedError` alone."""
    steps = list(dis.get_instructions(function))
    names = {step.opname for step in steps}
    constants = [step.argval for step in steps if step.opname in ("LOAD_CONST", "RETURN_CONST")]
    if names <= EMPTY:
        return constants == [None]
    return names <= NOT_IMPLEMENTED and function.__code__.co_names == ("NotImplementedError",)
