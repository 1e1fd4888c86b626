"""Settings of the whole process that an answer may change, all of which are put back."""

import builtins
import contextlib
import decimal
import gc
import logging
import os
import random
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from unittest import mock

import numpy
import torch
from torch._tensor_str import PRINT_OPTS
from torch.nn.modules import module
from torch.overrides import _pop_mode as pop_function_mode
from torch.utils._python_dispatch import _pop_mode as pop_dispatch_mode

DEPTH_OF_CALLS = 5_000  # the highest limit of recursion: 10**9 would fill the memory first
NAMES = vars(builtins)  # Python's own, such as `sum`
STREAMS = ("stdin", "stdout", "stderr", "displayhook", "excepthook")
HOOKS = [value for name, value in vars(module).items() if name.startswith("_global_") and
         isinstance(value, dict)]  # fmt: skip


def _set_device(device):
    with torch._C.DisableTorchFunction():  # else a mode of the answer's would see these calls
        if torch.get_default_device() != device:
            torch.set_default_device(None if device.type == "cpu" else device)


def _autocast_nesting():
    torch.autocast_increment_nesting()
    return torch.autocast_decrement_nesting()


def _set_autocast_nesting(before):
    while _autocast_nesting() > before:
        if torch.autocast_decrement_nesting() == 0:
            torch.clear_autocast_cache()


def modes():
    """How many modes, which may change what torch does, are active: of functions, of operators."""
    return torch._C._len_torch_function_stack(), torch._C._len_torch_dispatch_stack()


def leave_modes(before):
    """Leave the modes that were entered since."""
    while torch._C._len_torch_function_stack() > before[0]:
        pop_function_mode()
    while torch._C._len_torch_dispatch_stack() > before[1]:
        pop_dispatch_mode()


def _set_environment(before):
    if os.environ != before:
        os.environ.clear()
        os.environ.update(before)


def _set_hooks(before):
    for hooks, kept in zip(HOOKS, before, strict=True):
        hooks.clear()
        hooks.update(kept)


def _set_names(before):
    for name in {*NAMES} - {*before}:
        del NAMES[name]
    NAMES.update(before)


def _style():
    """Matplotlib's settings, or None while nobody has imported it."""
    matplotlib = sys.modules.get("matplotlib")
    return None if matplotlib is None else dict.copy(matplotlib.rcParams)


def _set_style(before):
    if before is not None:
        dict.update(sys.modules["matplotlib"].rcParams, before)


def _set_folder(folder):
    if folder is not None:
        with contextlib.suppress(OSError):  # the answer may have removed it
            os.chdir(folder)


def _folder():
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return None


# How each setting is read and put back.
SETTINGS: tuple[tuple[Callable[[], Any], Callable[[Any], Any]], ...] = (
    (NAMES.copy, _set_names),  # first, because the others are put back by some of them
    (torch.get_default_device, _set_device),  # before the modes, because it is one itself
    (modes, leave_modes),  # a mode may change what those below do
    (random.getstate, random.setstate),
    (numpy.random.get_state, numpy.random.set_state),
    (numpy.geterr, lambda before: numpy.seterr(**before)),
    (numpy.get_printoptions, lambda before: numpy.set_printoptions(**before)),
    (torch.get_rng_state, torch.set_rng_state),
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.get_num_threads, torch.set_num_threads),
    (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    (lambda: torch.get_autocast_dtype("cpu"), lambda before: torch.set_autocast_dtype(
        "cpu", before)),
    (_autocast_nesting, _set_autocast_nesting),
    (lambda: asdict(PRINT_OPTS), lambda before: vars(PRINT_OPTS).update(before)),
    (lambda: [dict(hooks) for hooks in HOOKS], _set_hooks),
    (lambda: module._global_is_full_backward_hook, lambda before: setattr(
        module, "_global_is_full_backward_hook", before)),
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (sys.getswitchinterval, sys.setswitchinterval),
    (sys.get_int_max_str_digits, sys.set_int_max_str_digits),
    (lambda: list(sys.path), lambda before: sys.path.__setitem__(slice(None), before)),
    (lambda: decimal.getcontext().copy(), decimal.setcontext),
    (lambda: logging.root.manager.disable, logging.disable),
    (torch.is_warn_always_enabled, torch.set_warn_always),
    (_style, _set_style),
    (gc.get_threshold, lambda before: gc.set_threshold(*before)),
    (gc.isenabled, lambda before: gc.enable() if before else gc.disable()),
    (lambda: dict(os.environ), _set_environment),
    (_folder, _set_folder),
    (lambda: {name: vars(sys)[name] for name in STREAMS}, vars(sys).update),
    (sys.gettrace, sys.settrace),
    (sys.getprofile, sys.setprofile),
)  # fmt: skip


@contextlib.contextmanager
def kept():
    """After the block, all `SETTINGS`, the warnings' filters and the alarms are as before it."""
    before = [(put, get()) for get, put in SETTINGS]
    try:
        # inference mode, autocast and gradients are kept for each thread, in one state, which
        # torch puts back at the end of this block; inside of it, gradients are on
        with warnings.catch_warnings(), _kept_alarms(), torch.inference_mode(False):
            warnings.simplefilter("ignore")
            yield
    finally:
        for put, value in before:
            put(value)


@contextlib.contextmanager
def _kept_alarms():
    """Timers and the handlers of signals. Only the main thread can set them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
    names = ("ITIMER_REAL", "ITIMER_VIRTUAL", "ITIMER_PROF")
    clocks = [getattr(signal, name) for name in names if hasattr(signal, name)]
    timers = [(clock, *signal.setitimer(clock, 0)) for clock in clocks]
    started = time.monotonic()
    try:
        yield
    finally:
        for clock in clocks:  # the answer's own
            signal.setitimer(clock, 0)
        for number, handler in handlers.items():
            if signal.getsignal(number) is not handler:
                signal.signal(number, handler)
        for clock, left, interval in timers:
            if left:  # one that would have rung in the meantime rings now
                passed = time.monotonic() - started if clock == signal.ITIMER_REAL else 0
                signal.setitimer(clock, max(left - passed, 1e-6), interval)


def _exit(*arguments):
    raise SystemExit


def _no_input(*arguments):
    raise EOFError("there is nobody to answer input() in a check")


@contextlib.contextmanager
def no_way_out(namespace):
    """In the block nothing ends the process, waits for a person or calls itself without end.

    namespace: the answer's global names. A notebook's own `exit` would ask for the kernel's end.
    """
    limit = sys.setrecursionlimit
    own = {name: namespace[name] for name in ("exit", "quit") if name in namespace}
    namespace.update(dict.fromkeys(own, _exit))
    limit(min(sys.getrecursionlimit(), DEPTH_OF_CALLS))  # the notebook may have set it already
    try:
        with (
            mock.patch.multiple(builtins, exit=_exit, quit=_exit, input=_no_input, create=True),
            mock.patch.object(os, "_exit", _exit),
            mock.patch.object(
                sys, "setrecursionlimit", lambda depth: limit(min(depth, DEPTH_OF_CALLS))
            ),
        ):
            yield
    finally:
        namespace.update(own)
