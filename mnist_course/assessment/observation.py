"""Run an answer on the cases of its exercise, and note as plain data what it did.

What is noted holds nothing that the answer made, so it can be judged anywhere, also outside of
the process in which the answer ran: `Attempt.encoded` and `Attempt.decoded` carry it as JSON.
"""

import contextvars
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
from dataclasses import dataclass
from enum import Enum
from typing import Any

import torch

from mnist_course.assessment import settings
from mnist_course.assessment.comparison import shown
from mnist_course.assessment.limits import OutOfTime, PrintedTooMuch, TimeLimit, printed
from mnist_course.assessment.values import (
    bases,
    class_name,
    decoded,
    encoded,
    module_name,
    plain,
)

SEED = 8191  # of torch's random numbers before each call; any number that nobody else takes
TEXT = 300  # characters of an exception's message and of a line of code
PRINTED = 1_000  # characters kept of what was printed


class Ending(Enum):
    """How a call ended."""

    RETURNED = "returned"
    RAISED = "raised"
    TIME = "out of time"
    INTERRUPTED = "interrupted"
    PRINTED = "printed too much"
    EXITED = "ended Python"


# No further case is tried after these.
LAST = (Ending.TIME, Ending.INTERRUPTED, Ending.PRINTED, Ending.EXITED)


@dataclass(frozen=True)
class Observation:
    """What one call of an answer did."""

    ending: Ending
    returned: Any = None  # plain data, after the exercise's `outcome`
    arguments: tuple = ()  # plain data: the arguments after the call
    shared: tuple[int, ...] = ()  # places of the arguments whose memory the returned tensors use
    classes: tuple[str, ...] = ()  # of the exception and its bases, "builtins.IndexError" first
    message: str = ""  # of the exception
    line: tuple[int, str] | None = None  # the answer's own line that failed: number and text
    printed: str = ""
    settings: tuple[str, ...] = ()  # "seed", "dtype", "gradients": changed for everyone after it
    seconds: float = 0.0


@dataclass(frozen=True)
class Attempt:
    """What an answer did on the cases of its exercise; it ends early where a call was stopped."""

    kind: str  # "answer", "stub" or "not a function"
    described: str = ""  # what came in place of a function
    observations: tuple[Observation, ...] = ()

    def encoded(self):
        """As JSON holds it."""
        rows = [
            {
                **vars(one),
                "ending": one.ending.value,
                "returned": encoded(one.returned),
                "arguments": [encoded(argument) for argument in one.arguments],
            }
            for one in self.observations
        ]
        return {"kind": self.kind, "described": self.described, "observations": rows}

    @classmethod
    def decoded(cls, data):
        """From JSON. Raises ValueError for what `encoded` does not write."""
        try:
            rows = tuple(_decoded(row) for row in data["observations"])
            if data["kind"] not in ("answer", "stub", "not a function"):
                raise ValueError(f"no attempt is a {str(data['kind'])[:30]!r}")
            return cls(data["kind"], str(data["described"])[:TEXT], rows)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("this is no record of an attempt") from error


def _decoded(row):
    line = row["line"]
    return Observation(
        ending=Ending(row["ending"]),
        returned=decoded(row["returned"]),
        arguments=tuple(decoded(argument) for argument in row["arguments"]),
        shared=tuple(int(place) for place in row["shared"]),
        classes=tuple(str(name)[:TEXT] for name in row["classes"]),
        message=str(row["message"])[:TEXT],
        line=None if line is None else (int(line[0]), str(line[1])[:TEXT]),
        printed=str(row["printed"])[:PRINTED],
        settings=tuple(str(name) for name in row["settings"]),
        seconds=float(row["seconds"]),
    )


_running: list[int] = []  # the thread that runs an answer now
_one_at_a_time = threading.Lock()


@contextmanager
def _alone():
    """One answer at a time: each run exchanges parts of the process and puts them back.

    Raises RuntimeError inside an answer that is being observed.
    """
    if threading.get_ident() in _running:
        raise RuntimeError("a check is called inside the function that is checked")
    with _one_at_a_time:
        _running.append(threading.get_ident())
        try:
            yield
        finally:
            _running.clear()


def observe(exercise, answer, cases=None):
    """Run an answer on the cases, those of the exercise by default. Returns an `Attempt`.

    Raises nothing for whatever the answer does; RuntimeError when it is called inside an answer
    that is being observed, and what `exercise.arguments` raises for a case that does not fit.
    """
    if not callable(answer):
        return Attempt("not a function", shown(plain(answer))[:TEXT])
    if is_stub(answer, exercise.reference):
        return Attempt("stub")
    cases = exercise.cases if cases is None else cases
    with _alone(), settings.kept(), torch.enable_grad():
        _prepare()
        calls = [copy.deepcopy(exercise.arguments(case)) for case in cases]
        observations: list[Observation] = []
        for arguments in calls:
            observations.append(_observed(exercise, answer, arguments))
            if observations[-1].ending in LAST:
                break
    return Attempt("answer", "", tuple(observations))


def reference_value(exercise, function, case):
    """What a function of the course gives for a case, as plain data. Raises what it raises."""
    with settings.kept(), torch.enable_grad():
        _prepare()
        arguments = copy.deepcopy(exercise.arguments(case))
        _prepare()  # a network among the arguments has drawn its weights
        returned = function(*arguments)
        if exercise.outcome is not None:
            returned = exercise.outcome(returned, *arguments)
        return plain(returned)


def argument_values(exercise, case):
    """The arguments of a case before any call, as plain data."""
    with settings.kept(), torch.enable_grad():
        _prepare()
        return tuple(plain(one, networks=True) for one in exercise.arguments(case))


def _prepare():
    """The same settings before each call, whatever the notebook or the last call has set."""
    torch.set_default_device(None)
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    torch.default_generator.manual_seed(SEED)  # torch.manual_seed would seed GPUs as well


def _observed(exercise, answer, arguments):
    """One call, with all that touches what the answer made inside of the limits."""
    _prepare()
    seen: dict[str, Any] = {"ending": Ending.RETURNED}
    context = contextvars.copy_context()  # numpy keeps its settings in one
    with settings.no_way_out(_namespace(answer)), printed() as output:
        started = time.perf_counter()
        try:
            with TimeLimit() as limit:
                context.run(_call, exercise, answer, arguments, seen)
        except OutOfTime:
            pass  # it came when the call had just ended
        seen["seconds"] = time.perf_counter() - started
    if limit.over:  # the answer may have swallowed the exception
        seen["ending"] = Ending.TIME
    return Observation(**seen | {"printed": str(output)[:PRINTED]})


def _call(exercise, answer, arguments, seen):
    try:
        returned = answer(*arguments)
        seen["settings"] = _changed_settings()
        seen["shared"] = _shared(returned, arguments)
        seen["returned"] = _outcome(exercise, returned, arguments)
        seen["arguments"] = tuple(plain(one, networks=True) for one in arguments)
    except BaseException as error:  # SystemExit and KeyboardInterrupt, too
        seen |= _raised(error, answer)


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
    changed = {
        "seed": torch.initial_seed() != SEED,
        "dtype": torch.get_default_dtype() != torch.float32,
        "gradients": not torch.is_grad_enabled(),
    }
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    return tuple(name for name, is_so in changed.items() if is_so)


ENDINGS = (
    (OutOfTime, Ending.TIME),
    (PrintedTooMuch, Ending.PRINTED),
    (KeyboardInterrupt, Ending.INTERRUPTED),
    (SystemExit, Ending.EXITED),
)


def _raised(error, answer):
    """What is noted of an exception: its classes by name, its message, and the answer's line."""
    kind = type(error)
    line = _own_line(traceback.walk_tb(error.__traceback__), answer)
    ending = next((known for one, known in ENDINGS if issubclass(kind, one)), Ending.RAISED)
    try:
        message = str(error)
    except BaseException:  # a class of the answer's own may do anything here
        message = ""
    names = [f"{module_name(one)}.{class_name(one)}" for one in bases(kind)[:-1]]
    return {
        "ending": ending,
        "classes": tuple(name[:TEXT] for name in names),
        "message": message[:TEXT] if type(message) is str else "",
        "line": line,
    }


def _own_line(frames, answer):
    """The innermost line of the answer's code: its number in the cell, and its text.

    frames: with their lines, the outermost first. The text is empty where it isn't kept.
    """
    namespace = _namespace(answer)
    own = None
    for frame, number in frames:
        if frame.f_globals is namespace and number is not None:
            text = linecache.getline(frame.f_code.co_filename, number).strip()
            own = number, text[:TEXT]
    return own


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
    return vars(sys.modules.get(module_name(owner), types.ModuleType("none")))


# --- the stub -----------------------------------------------------------------------------


def is_stub(answer, reference):
    """Whether nothing was written yet: a function, or a method of `reference`, without a body."""
    if issubclass(type(answer), type):
        asked = [vars(answer).get(name) for name in vars(reference)]
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
