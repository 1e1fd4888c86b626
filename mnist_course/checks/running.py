"""Run a student's function: on a thread of its own, with a time limit, without side effects.

Whatever the function does, `run` comes back: it stops an endless loop, catches every exception
and `exit()`, cuts what is printed, and puts random numbers, settings of the process and the folder
back. No signals are needed, which Windows has not: Python raises an exception in the thread.

What never comes back to Python can't be stopped from within it: a single call such as
`sum(itertools.count())` or `10**10**10` holds the whole kernel, until Kernel → Restart.
"""

import builtins
import contextlib
import ctypes
import functools
import importlib
import inspect
import io
import linecache
import os
import random
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy
import torch

SECONDS = 1.0  # for all calls of one check together; a right answer needs some hundredths
LOADING = 10  # times this limit is extended while Python loads a package: torch.optim takes two
BUSY = 5  # times it is extended while other programs take the processor, or the function sleeps
STOPPING = 0.4  # seconds in which a loop that catches exceptions is stopped again and again
PRINTED = 100_000  # characters after which a function that prints is stopped
SEED = 8191  # of torch's random numbers before each call; any number that nobody else takes


class OutOfTime(BaseException):
    """Raised inside the student's function when its time is over."""


class PrintedTooMuch(BaseException):
    """Raised inside a `print` of the student's function."""


class PackageUsed(BaseException):
    """Raised when the student's function calls the package's own answer."""


STOPPED = (
    OutOfTime,
    PrintedTooMuch,
    PackageUsed,
    SystemExit,
)  # no further call is made after these


@dataclass
class Call:
    """What one call of the student's function did."""

    arguments: tuple
    value: Any = None
    error: BaseException | None = None
    printed: str = ""
    line: tuple[int, str] | None = None  # the student's own line that failed: number and text
    seeded: bool = False  # torch.manual_seed was called
    dtype_set: bool = False  # torch.set_default_dtype was called
    gradients_off: bool = False  # torch.set_grad_enabled(False) was called


class _Worker(threading.Thread):
    """The thread on which a student's function runs."""


_one_check = threading.Lock()


@contextlib.contextmanager
def alone():
    """One check at a time: they exchange parts of the process, and have to put them back in order.

    Raises RuntimeError inside a student's function that is being checked.
    """
    if isinstance(threading.current_thread(), _Worker):
        raise RuntimeError("a check is called inside the function that is checked")
    with _one_check:
        yield


class _Printed(io.TextIOBase):
    """Takes what is printed, up to a limit."""

    def __init__(self):
        self.text, self.length = [], 0

    def writable(self):
        return True

    def write(self, text):
        self.length += len(text)
        if self.length > PRINTED:
            raise PrintedTooMuch
        self.text.append(text)
        return len(text)


def run(function, arguments_of_calls, package=(), reference=None):
    """Call a student's function on each tuple of arguments. Returns a list of `Call`.

    The list ends early when the time is over or a call was stopped. package: names of functions
    and classes such as "data.scale"; whoever calls one of them, or `reference`, is stopped by
    PackageUsed. The arguments are handed over as they are: the caller copies.
    """
    calls: list[Call] = []
    finished = threading.Event()

    def work():
        try:
            for arguments in arguments_of_calls:
                call = Call(arguments)
                calls.append(call)
                _one_call(function, call)
                if isinstance(call.error, STOPPED):
                    break
        except OutOfTime:
            pass  # it came between two calls
        finally:
            finished.set()

    worker = _Worker(target=work, daemon=True)
    with kept_settings(), _no_way_out(_namespace(function)), _closed(package, reference) as used:
        worker.start()
        try:
            in_time = _in_time(worker, finished)
        except KeyboardInterrupt:  # Kernel → Interrupt, by an impatient student
            in_time = False
        if not in_time:
            _stop(worker, finished, function, calls)
    if worker.ident in used:  # also when the function swallowed the exception
        calls[-1].error = PackageUsed()
    return calls


def _in_time(worker, finished):
    """Wait for the worker; True when it finished.

    Loading a package is not the student's time, nor is what a busy machine gives to others.
    """
    began = time.process_time()
    for waited in range(1, LOADING + 1):
        if finished.wait(SECONDS):
            return True
        loading = any("importlib" in frame.f_code.co_filename for frame, _ in _frames(worker))
        idle = time.process_time() - began < 0.5 * SECONDS and waited < BUSY
        if not (loading or idle):
            break
    return finished.is_set()


def _frames(worker):
    """Where the worker is: frames and their lines, the innermost first; none when it has ended."""
    frame = sys._current_frames().get(worker.ident)
    return [] if frame is None else list(traceback.walk_stack(frame))


def _one_call(function, call):
    printed = _Printed()
    dtype = torch.get_default_dtype()
    torch.default_generator.manual_seed(SEED)  # torch.manual_seed would seed GPUs as well
    try:
        try:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                call.value = function(*call.arguments)
        except BaseException as error:  # SystemExit and KeyboardInterrupt, too
            call.error = error
            call.line = _own_line(traceback.walk_tb(error.__traceback__), function)
            error.__traceback__ = None  # it holds every tensor of the function
    except OutOfTime as error:  # the second that `_stop` sends
        call.error = error
    call.printed = "".join(printed.text)
    call.seeded = torch.initial_seed() != SEED
    call.dtype_set = torch.get_default_dtype() != dtype
    torch.set_default_dtype(dtype)
    call.gradients_off = not torch.is_grad_enabled()
    torch.set_grad_enabled(True)


_used: list[int | None] = []  # the threads that called the package's own answer


def note_use():
    """Note that the package's own answer was called, and stop who called it."""
    _used.append(threading.get_ident())
    raise PackageUsed


def _refusal(*arguments, **named):
    from mnist_course.checks import running  # its body runs in another module

    running.note_use()


@contextlib.contextmanager
def _closed(package, reference):
    """The package's own answers refuse to work; yields the list of the threads that asked one.

    A function's body is exchanged, so it does not matter by which name it was imported.
    """
    found = [reference]
    for name in package:
        module, _, piece = name.rpartition(".")
        found.append(getattr(importlib.import_module(f"mnist_course.{module}"), piece))
    functions = [inspect.unwrap(one) for one in found if inspect.isroutine(one)]
    classes = [one for one in found if inspect.isclass(one)]
    bodies = [(function, function.__code__) for function in functions]
    starts = [(one, one.__init__) for one in classes]
    _used.clear()
    try:
        for function in functions:
            function.__code__ = _refusal.__code__
        for one in classes:
            setattr(one, "__init__", _refusal)  # noqa: B010, for mypy
        yield _used
    finally:
        for function, body in bodies:
            function.__code__ = body
        for one, start in starts:
            setattr(one, "__init__", start)  # noqa: B010


def _stop(worker, finished, function, calls):
    """End the worker's function. One that waits in C code (`time.sleep`) is left behind."""
    call = calls[-1]
    line = _own_line(reversed(_frames(worker)), function)

    # `except:` in an endless loop swallows an exception. So the exception, as soon as it is made,
    # sends another after it, which comes when the first has just been swallowed. It must be sent
    # without a line of Python, at whose end it would be raised too early. Each `with` on the way
    # takes one: if two do not end the loop, three may.
    chain: type[BaseException] = OutOfTime
    ends = time.monotonic() + STOPPING
    while not finished.is_set() and time.monotonic() < ends:
        if _in_the_call(worker):
            send_next = functools.partial(_raise_in, worker.ident, chain)
            chain = type("OutOfTime", (OutOfTime,), {"__init__": staticmethod(send_next)})
            _raise_in(worker.ident, chain)
        finished.wait(0.02)
    # What was swallowed or came too late counts as well: the time was over.
    call.error, call.line = OutOfTime(), line or call.line


_raise_in = ctypes.PYFUNCTYPE(None, ctypes.c_ulong, ctypes.py_object)(
    ("PyThreadState_SetAsyncExc", ctypes.pythonapi)
)


def _in_the_call(worker):
    """Whether the worker is in the student's function, and not before or after it."""
    return any(frame.f_code is _one_call.__code__ for frame, _ in _frames(worker))


def _own_line(frames, function):
    """The innermost line of the student's code: its number in the cell, and its text.

    frames: with their lines, the outermost first. The text is empty where it isn't kept.
    """
    namespace = _namespace(function)
    own = None
    for frame, number in frames:
        if frame.f_globals is namespace and number is not None:
            own = number, linecache.getline(frame.f_code.co_filename, number).strip()
    return own


def unwrapped(function):
    """The function inside of decorators and `functools.partial`."""
    while isinstance(function, functools.partial):
        function = function.func
    return inspect.unwrap(function)


def _namespace(function):
    """The global names that a function or class sees."""
    function = unwrapped(function)
    found = getattr(function, "__globals__", None)
    if found is None:
        module = sys.modules.get(getattr(function, "__module__", None) or "")
        found = vars(module) if module else {}
    return found


def _folder():
    """The current folder; None when it was removed."""
    try:
        return os.getcwd()
    except OSError:
        return None


# Settings of the whole process: how each is read and set. Others, such as `no_grad` or numpy's
# `seterr`, belong to a thread, and end with that of the answer.
SETTINGS: tuple[tuple[Callable, Callable], ...] = (
    (random.getstate, random.setstate),
    (numpy.random.get_state, numpy.random.set_state),
    (torch.get_rng_state, torch.set_rng_state),
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.get_num_threads, torch.set_num_threads),
    (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
    (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    (sys.getrecursionlimit, sys.setrecursionlimit),
)


@contextlib.contextmanager
def kept_settings():
    """`SETTINGS`, folder, output and warnings are afterwards as before."""
    before = [(put, get()) for get, put in SETTINGS]
    output, errors, folder = sys.stdout, sys.stderr, _folder()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.stdout, sys.stderr = output, errors
        if folder is not None:
            with contextlib.suppress(OSError):  # the answer may have removed it
                os.chdir(folder)
        for put, value in before:
            put(value)


def _exit(*arguments):
    raise SystemExit


def _no_input(*arguments):
    raise EOFError("there is nobody to answer input() in a check")


@contextlib.contextmanager
def _no_way_out(namespace):
    """`exit()` and `quit()` raise SystemExit: a notebook's own ones would end the kernel."""
    missing = object()
    places = [
        (vars(builtins), "exit", _exit),
        (vars(builtins), "quit", _exit),
        (vars(builtins), "input", _no_input),
        (vars(os), "_exit", _exit),
        *((namespace, name, _exit) for name in ("exit", "quit") if name in namespace),
    ]
    before = [(names, name, names.get(name, missing)) for names, name, _ in places]
    for names, name, value in places:
        names[name] = value
    try:
        yield
    finally:
        for names, name, value in before:
            if value is missing:
                names.pop(name, None)
            else:
                names[name] = value
