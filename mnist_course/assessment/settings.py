"""Settings of the whole process that an answer may change: put back after each attempt."""

import builtins
import contextlib
import gc
import os
import random
import signal
import sys
import threading
import warnings
from dataclasses import asdict
from unittest import mock

import numpy
import torch
from torch._tensor_str import PRINT_OPTS
from torch.nn.modules import module

DEPTH_OF_CALLS = 5_000  # what `sys.setrecursionlimit` may set: with 10**9, recursion has no end
HOOKS = [value for name, value in vars(module).items() if name.startswith("_global_") and
         isinstance(value, dict)]  # fmt: skip


def _set_device(device):
    torch.set_default_device(None if device.type == "cpu" else device)


def _set_environment(before):
    if os.environ != before:
        os.environ.clear()
        os.environ.update(before)


def _set_hooks(before):
    for hooks, kept in zip(HOOKS, before, strict=True):
        hooks.clear()
        hooks.update(kept)


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
SETTINGS = (
    (random.getstate, random.setstate),
    (numpy.random.get_state, numpy.random.set_state),
    (numpy.geterr, lambda before: numpy.seterr(**before)),
    (numpy.get_printoptions, lambda before: numpy.set_printoptions(**before)),
    (torch.get_rng_state, torch.set_rng_state),
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.get_default_device, _set_device),
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (torch.get_num_threads, torch.set_num_threads),
    (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    (lambda: asdict(PRINT_OPTS), lambda before: vars(PRINT_OPTS).update(before)),
    (lambda: [dict(hooks) for hooks in HOOKS], _set_hooks),
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (sys.getswitchinterval, sys.setswitchinterval),
    (gc.isenabled, lambda before: gc.enable() if before else gc.disable()),
    (lambda: dict(os.environ), _set_environment),
    (_folder, _set_folder),
    (lambda: (sys.stdout, sys.stderr), lambda before: vars(sys).update(
        stdout=before[0], stderr=before[1])),
    (lambda: (sys.gettrace(), sys.getprofile()), lambda before: (
        sys.settrace(before[0]), sys.setprofile(before[1]))),
)  # fmt: skip


@contextlib.contextmanager
def kept():
    """All `SETTINGS`, the warnings' filters and the alarm are afterwards as before."""
    before = [(put, get()) for get, put in SETTINGS]
    try:
        with warnings.catch_warnings(), _kept_alarms():
            warnings.simplefilter("ignore")
            yield
    finally:
        for put, value in before:
            put(value)


@contextlib.contextmanager
def _kept_alarms():
    """Handlers of signals, and an alarm that the answer has set. On the main thread alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = [name for name in ("SIGINT", "SIGTERM", "SIGALRM") if hasattr(signal, name)]
    before = {name: signal.getsignal(getattr(signal, name)) for name in names}
    try:
        yield
    finally:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
        for name, handler in before.items():
            if handler is not None:  # None: it was not set by Python, and can't be set again
                signal.signal(getattr(signal, name), handler)


def _exit(*arguments):
    raise SystemExit


def _no_input(*arguments):
    raise EOFError("there is nobody to answer input() in a check")


@contextlib.contextmanager
def no_way_out(namespace):
    """Nothing in the block ends the process, waits for a person or lifts the limit of recursion.

    namespace: the answer's global names. A notebook's own `exit` would ask for the kernel's end.
    """
    limit = sys.setrecursionlimit
    own = {name: namespace[name] for name in ("exit", "quit") if name in namespace}
    namespace.update(dict.fromkeys(own, _exit))
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
