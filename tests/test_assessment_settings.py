"""What an answer changes in the process is afterwards as before, and it can't end the process."""

import builtins
import concurrent.futures
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
from pathlib import Path

import matplotlib
import numpy
import pytest
import torch
from doubling import judged, right
from matplotlib import pyplot as plt
from torch.nn.modules import module
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from mnist_course.assessment import settings
from mnist_course.assessment.verdict import Verdict

unix = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="Windows has no such timers")
KEPT = []  # what an answer keeps, so that it is not tidied up by being forgotten


def entered(context):
    """Enter a context and never leave it."""
    KEPT.append(context)
    context.__enter__()


def hook(*arguments):
    """Of modules; it changes nothing."""


class FunctionMode(TorchFunctionMode):
    """Makes every result of torch's functions wrong."""

    def __torch_function__(self, function, types, arguments=(), named=None):
        raise LookupError("a mode of the answer's is still active")


class DispatchMode(TorchDispatchMode):
    """The same for its operators."""

    def __torch_dispatch__(self, function, types, arguments=(), named=None):
        raise LookupError("a mode of the answer's is still active")


CHANGES = {
    "threads": (lambda: torch.set_num_threads(3), torch.get_num_threads),
    "gradients": (lambda: torch.set_grad_enabled(False), torch.is_grad_enabled),
    "dtype": (lambda: torch.set_default_dtype(torch.float64), torch.get_default_dtype),
    "torch's random numbers": (
        lambda: torch.manual_seed(1),
        lambda: torch.get_rng_state().tolist(),
    ),
    "inference mode": (
        lambda: entered(torch.inference_mode()),
        lambda: (torch.is_inference_mode_enabled(), torch.is_grad_enabled()),
    ),
    "autocast": (
        lambda: entered(torch.autocast("cpu", torch.float16)),
        lambda: (
            torch.is_autocast_enabled("cpu"),
            torch.get_autocast_dtype("cpu"),
            settings._autocast_nesting(),
            (torch.ones(2, 2) @ torch.ones(2, 2)).dtype,
        ),
    ),
    "a mode of functions": (lambda: entered(FunctionMode()), settings.modes),
    "a mode of operators": (lambda: entered(DispatchMode()), settings.modes),
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
    "a device entered": (lambda: entered(torch.device("meta")), torch.get_default_device),
    "precision": (
        lambda: torch.set_float32_matmul_precision("medium"),
        torch.get_float32_matmul_precision,
    ),
    "torch's print options": (
        lambda: torch.set_printoptions(1, 2, 3, "full", True),
        lambda: repr(torch.rand(40, 40, generator=torch.Generator().manual_seed(1))),
    ),
    "hooks of all modules": (
        lambda: module.register_module_forward_hook(hook, always_call=True),
        lambda: [dict(hooks) for hooks in settings.HOOKS],
    ),
    "backward hooks of all modules": (
        lambda: module.register_module_full_backward_hook(hook),
        lambda: (module._global_is_full_backward_hook, dict(module._global_backward_hooks)),
    ),
    "numpy's errors": (lambda: numpy.seterr(all="raise"), numpy.geterr),
    "numpy's print options": (lambda: numpy.set_printoptions(1), numpy.get_printoptions),
    "depth of calls": (lambda: sys.setrecursionlimit(444), sys.getrecursionlimit),
    "no depth of calls": (lambda: sys.setrecursionlimit(10**9), sys.getrecursionlimit),
    "switch interval": (lambda: sys.setswitchinterval(0.5), sys.getswitchinterval),
    "garbage": (gc.disable, gc.isenabled),
    "random numbers": (lambda: random.seed(1), random.getstate),
    "numpy's random numbers": (
        lambda: numpy.random.seed(1),
        lambda: numpy.random.get_state()[1].tolist(),
    ),
    "the environment": (
        lambda: os.environ.update(HOME="elsewhere", ONE_MORE="1"),
        lambda: dict(os.environ),
    ),
    "an empty environment": (lambda: os.environ.clear(), lambda: os.environ.get("PATH")),
    "where modules are found": (lambda: sys.path.insert(0, "elsewhere"), lambda: list(sys.path)),
    "the input": (lambda: setattr(sys, "stdin", None), lambda: id(sys.stdin)),
    "how a value is shown": (lambda: setattr(sys, "displayhook", None), lambda: sys.displayhook),
    "how an error is shown": (lambda: setattr(sys, "excepthook", None), lambda: sys.excepthook),
    "digits of a whole number": (
        lambda: sys.set_int_max_str_digits(700),
        sys.get_int_max_str_digits,
    ),
    "decimal numbers": (
        lambda: setattr(decimal.getcontext(), "prec", 3),
        lambda: decimal.getcontext().prec,
    ),
    "what is logged": (lambda: logging.disable(), lambda: logging.root.manager.disable),
    "how often torch warns": (
        lambda: torch.set_warn_always(True),
        torch.is_warn_always_enabled,
    ),
    "matplotlib's style": (
        lambda: plt.style.use("dark_background"),
        lambda: dict(matplotlib.rcParams),
    ),
    "how often garbage is collected": (lambda: gc.set_threshold(0), gc.get_threshold),
    "a name of Python's own": (lambda: setattr(builtins, "sum", 1), lambda: builtins.sum),
    "one more name": (
        lambda: setattr(builtins, "answer", 1),
        lambda: hasattr(builtins, "answer"),
    ),
    "the folder": (lambda: os.chdir("/"), os.getcwd),
    "the output": (lambda: setattr(sys, "stdout", None), lambda: id(sys.stdout)),
    "errors": (lambda: setattr(sys, "stderr", None), lambda: id(sys.stderr)),
    "a trace": (lambda: sys.settrace(lambda *arguments: None), sys.gettrace),
    "a profile": (lambda: sys.setprofile(lambda *arguments: None), sys.getprofile),
    "warnings": (lambda: warnings.simplefilter("error"), lambda: list(warnings.filters)),
    "a handler of an interrupt": (
        lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        lambda: signal.getsignal(signal.SIGINT),
    ),
    "a handler of an end": (
        lambda: signal.signal(signal.SIGTERM, lambda *arguments: None),
        lambda: signal.getsignal(signal.SIGTERM),
    ),
    "exit": (lambda: setattr(builtins, "exit", None), lambda: builtins.exit),
    "input": (lambda: setattr(builtins, "input", None), lambda: builtins.input),
}


@pytest.mark.filterwarnings("ignore")  # of deterministic algorithms and of a precision
@pytest.mark.parametrize("name", CHANGES)
def test_a_setting_that_an_answer_changes_is_afterwards_as_before(name):
    change, read = CHANGES[name]

    def answer(image, factor):
        returned = image * factor
        change()
        return returned

    before = read(), in_a_new_thread(read)
    result = judged(answer)
    assert read() == before[0]
    assert in_a_new_thread(read) == before[1]
    assert result.verdict in (Verdict.PASSED, Verdict.SETTING), result
    assert judged(right).verdict is Verdict.PASSED
    KEPT.clear()
    assert read() == before[0]


def in_a_new_thread(read):
    """What a thread that starts now would read."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return pool.submit(read).result()


def test_what_a_notebook_has_set_is_kept_and_does_not_count():
    """Inside a check every setting is torch's own; after it, the notebook's again."""
    with torch.inference_mode(), torch.autocast("cpu"):
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        try:
            assert judged(right).verdict is Verdict.PASSED
            assert torch.get_default_dtype() == torch.float64
            assert torch.get_default_device() == torch.device("meta")
            assert torch.is_inference_mode_enabled()
            assert torch.is_autocast_enabled("cpu")
        finally:
            torch.set_default_dtype(torch.float32)
            torch.set_default_device(None)
    with torch.device("meta"):
        judged(right)
    assert torch.get_default_device() == torch.device("cpu")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda: torch.manual_seed(1), "manual_seed"),
        (lambda: torch.set_default_dtype(torch.float64), "default dtype"),
        (lambda: torch.set_grad_enabled(False), "`with torch.no_grad():`"),
        (lambda: entered(torch.inference_mode()), "`with torch.no_grad():`"),
    ],
)
def test_a_student_is_told_of_a_change_that_matters_in_the_lesson(change, word):
    def answer(image, factor):
        returned = image * factor
        change()
        return returned

    result = judged(answer)
    assert result.verdict is Verdict.SETTING
    assert word in result.sentence


def test_a_mode_that_is_left_on_does_not_change_what_is_read():
    def answer(image, factor):
        entered(FunctionMode())
        entered(DispatchMode())
        with torch._C.DisableTorchFunction(), torch.utils._python_dispatch._disable_current_modes():
            return image * factor

    assert judged(answer).verdict is Verdict.PASSED


def test_a_mode_is_left_when_the_answer_raises():
    def answer(image, factor):
        entered(FunctionMode())
        entered(DispatchMode())
        raise ValueError

    before = settings.modes()
    assert judged(answer).verdict is Verdict.RAISED
    assert settings.modes() == before


def test_the_folder_is_afterwards_as_before(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    other = tmp_path / "other"
    other.mkdir()

    def moving(image, factor):
        os.chdir(other)
        return image * factor

    assert judged(moving).verdict is Verdict.PASSED
    assert Path.cwd() == tmp_path


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no folder that is in use")
def test_a_folder_that_is_removed_does_not_break_a_check(tmp_path, monkeypatch):
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def removing(image, factor):
        os.chdir(tmp_path)
        if folder.exists():
            folder.rmdir()
        return image * factor

    assert judged(removing).verdict is Verdict.PASSED
    folder.mkdir()
    os.chdir(folder)
    folder.rmdir()
    assert judged(right).verdict is Verdict.PASSED


@unix
def test_an_alarm_of_the_answer_s_never_rings():
    rung = []

    def answer(image, factor):
        signal.signal(signal.SIGALRM, lambda *arguments: rung.append(1))
        signal.signal(signal.SIGVTALRM, lambda *arguments: rung.append(1))
        signal.setitimer(signal.ITIMER_REAL, 30)
        signal.setitimer(signal.ITIMER_VIRTUAL, 30)
        return image * factor

    before = signal.getsignal(signal.SIGALRM), signal.getsignal(signal.SIGVTALRM)
    judged(answer)
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0, 0)
    assert (signal.getsignal(signal.SIGALRM), signal.getsignal(signal.SIGVTALRM)) == before
    assert not rung


@unix
def test_an_alarm_that_was_set_before_still_rings():
    rung = []
    handler = signal.signal(signal.SIGALRM, lambda *arguments: rung.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 1000, 7)
        judged(right)
        left, interval = signal.getitimer(signal.ITIMER_REAL)
        assert 0 < left <= 1000
        assert interval == 7
        signal.setitimer(signal.ITIMER_REAL, 1e-6)
        judged(right)
        while not rung:  # it would have rung in the meantime
            time.sleep(0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)


def test_a_thread_that_goes_on_does_not_disturb_a_check():
    end = threading.Event()

    def work():
        while not end.wait(0.001):
            torch.manual_seed(1)
            print(end="")

    def answer(image, factor):
        threading.Thread(target=work).start()
        return image * factor

    try:
        assert judged(answer).verdict in (Verdict.PASSED, Verdict.SETTING)
        assert sys.stdout is not None
    finally:
        end.set()


# --- no way out ---------------------------------------------------------------------------


def exits(image, factor):
    exit()


def quits(image, factor):
    quit(3)


def exits_by_sys(image, factor):
    sys.exit("enough")


def ends_the_process(image, factor):
    os._exit(1)


@pytest.mark.parametrize("answer", [exits, quits, exits_by_sys, ends_the_process])
def test_an_answer_can_not_end_python(answer):
    result = judged(answer)
    assert result.verdict is Verdict.EXITED
    assert "It calls `exit()`, which ends the program" in result.sentence


@pytest.mark.parametrize("name", ["exit", "quit"])
def test_a_notebook_s_own_exit_is_not_called(name):
    called = []
    names = {name: lambda *arguments: called.append(1)}
    exec(f"def answer(image, factor):\n    {name}()", names)
    own = names[name]
    assert judged(names["answer"]).verdict is Verdict.EXITED
    assert not called
    assert names[name] is own


def test_a_question_is_answered_by_an_error():
    result = judged(lambda image, factor: input("size?"))
    assert result.verdict is Verdict.RAISED
    assert "EOFError: there is nobody to answer input() in a check" in result.sentence


def recursive(image, factor):
    return recursive(image, factor)


def unlimited(image, factor):
    sys.setrecursionlimit(10**9)
    return recursive(image, factor)


def swallowing(image, factor):
    sys.setrecursionlimit(10**9)
    try:
        recursive(image, factor)
    except RecursionError:
        pass
    return image * factor


def test_recursion_without_end_comes_back_whatever_the_limit_is():
    for answer in (recursive, unlimited):
        result = judged(answer)
        assert result.verdict is Verdict.RAISED
        assert "It calls itself again and again, without end. Line" in result.sentence
    assert judged(swallowing).verdict is Verdict.PASSED


def test_recursion_comes_back_where_the_notebook_has_lifted_the_limit():
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(10**9)
    try:
        assert "without end" in judged(recursive).sentence
        assert sys.getrecursionlimit() == 10**9
    finally:
        sys.setrecursionlimit(before)


def test_the_names_that_are_replaced_come_back():
    before = builtins.exit, builtins.quit, builtins.input, os._exit, sys.setrecursionlimit
    for answer in (right, exits, recursive):
        judged(answer)
    assert before == (builtins.exit, builtins.quit, builtins.input, os._exit, sys.setrecursionlimit)
