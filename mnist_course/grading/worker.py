"""The process that runs a student's answers and tells what they did, a line of JSON for each.

It knows no right answer but those of the package, sees no outcome of a check, and says nothing
that the judge in the other process has to trust.

On Linux it runs no answer itself. It starts a child for each, which begins with everything imported
and nothing changed, and which can't reach the pipe to the judge. What an answer leaves behind
(a changed torch, a running process, a file) is gone with its child. Elsewhere the answers run in
this process, one after the other.
"""

import contextlib
import ctypes
import gc
import json
import os
import queue
import select
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from mnist_course import runtime
from mnist_course.assessment import hidden_cases
from mnist_course.assessment import limits as time_limits
from mnist_course.assessment.verdict import Verdict
from mnist_course.exercises import EXERCISES
from mnist_course.grading.answers import NotRun, as_python, as_python_cells, attempts
from mnist_course.grading.notebooks import Cell, one_line
from mnist_course.grading.supervision import FORKS

FILE = 50_000_000  # bytes of a file that an answer may write
ROUNDS = 1_000  # of ending what an answer has started, which may start others meanwhile

# of Linux's prctl
END_WITH_PARENT, DUMPABLE, ADOPT = 1, 4, 36


def serve():
    """Answer every line of the standard input by a line.

    The first line holds the limits: processor and waiting (seconds), memory and line (bytes). Each
    other one asks for one exercise: name, cells (source, id, grade id), cases (hidden ones), files
    (modules beside the notebook, by path). All are JSON. What an answer prints goes nowhere.
    """
    requests, channel = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)
    limits = json.loads(requests.readline())
    time_limits.WAITING = limits["waiting"]
    as_python("")  # which takes a moment the first time
    if FORKS:
        gc.freeze()  # so that a child's collector does not copy all that it shares
        _prctl(ADOPT, 1)  # processes whose own parent ends
        _prctl(DUMPABLE, 0)  # no answer can look into this process, or at its pipes
    lines = requests if FORKS else _watched(requests)
    _tell(channel, b"ready")
    for line in lines:
        request = json.loads(line)
        folder = tempfile.mkdtemp(dir=".")
        if FORKS:
            said = _told_by_a_child(request, folder, limits, (requests, channel))
        else:
            said = _told_here(request, folder, limits)
        with contextlib.suppress(Exception):  # an answer may have made thousands in each other
            shutil.rmtree(folder, ignore_errors=True)
        _tell(channel, said)


def _tell(channel, line):
    channel.write(line + b"\n")
    channel.flush()


def _told_here(request, folder, limits):
    """The line about one exercise, whose answers run in this process and in this folder."""
    _limit(limits)
    with contextlib.chdir(folder), _importable(request["files"]):
        exercise = EXERCISES[request["name"]]
        cells = as_python_cells([Cell(*cell) for cell in request["cells"]])
        cases = (*exercise.cases, *hidden_cases.decoded(exercise, request["cases"]))
        runtime.seed_everything(0)  # an answer that draws numbers gets the same ones each time
        found = told(cells, exercise, cases)
    return json.dumps({"name": exercise.name, "told": found}).encode()


@contextlib.contextmanager
def _importable(files):
    """In the block these modules, texts by path, can be imported, after all that are installed."""
    with tempfile.TemporaryDirectory(dir="..", ignore_cleanup_errors=True) as beside:
        beside = os.path.abspath(beside)
        for name, text in files.items():
            path = Path(beside, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        sys.path.append(beside)
        before = set(sys.modules)
        yield
        with contextlib.suppress(ValueError):  # the answer may have removed it
            sys.path.remove(beside)
        own = {name.partition("/")[0].removesuffix(".py") for name in files}
        for name in set(sys.modules) - before:  # another notebook may bring one of the same name
            if name.partition(".")[0] in own:
                del sys.modules[name]


def told(cells, exercise, cases):
    """What is told of the answers to an exercise: a list of dicts.

    Each holds an attempt, or an error with its verdict, which is a `Verdict`'s value.
    """
    return [
        {"error": one_line(str(one)), "verdict": one.verdict.value}
        if type(one) is NotRun
        else {"attempt": one.encoded()}
        for one in attempts(cells, exercise, cases)
    ]


# --- a child for each exercise ------------------------------------------------------------


def _told_by_a_child(request, folder, limits, own):
    """The same from a child of this process, of which nothing is left afterwards.

    own: the files of this process, which the child closes.
    """
    inlet, outlet = os.pipe()
    leave, child = os._exit, os.fork()
    if child == 0:
        try:
            for file in own:
                file.close()
            os.close(inlet)
            _prctl(END_WITH_PARENT, signal.SIGKILL)
            _prctl(DUMPABLE, 1)  # so that the supervisor finds it by its environment
            said = _told_here(request, folder, limits)
            with os.fdopen(outlet, "wb") as pipe:
                _tell(pipe, said)
        finally:
            leave(0)
    os.close(outlet)
    try:
        said = _read(inlet, child, own[0], limits["line"])
    finally:
        os.close(inlet)
        status, used = _ended(child)
    line, complete, _ = bytes(said).partition(b"\n")
    if complete:
        return line
    verdict, reason = Verdict.EXITED, "it ended Python, and was stopped"
    if len(said) > limits["line"]:
        verdict, reason = Verdict.PRINTED, "it told more than an answer can, and was stopped"
    elif os.WIFSIGNALED(status) and used > limits["processor"] - 1:
        verdict, reason = Verdict.TIME, "it did not come to an end, and was stopped"
    found = [{"error": reason, "verdict": verdict.value}]
    return json.dumps({"name": request["name"], "told": found}).encode()


def _read(inlet, child, requests, most):
    """What a child writes: up to the end of a line, of the child, or of what it may write."""
    watched = select.poll()
    watched.register(inlet, select.POLLIN)
    watched.register(requests.fileno(), 0)  # it speaks only when the other side has closed it
    said = bytearray()
    while b"\n" not in said[-65_536:] and len(said) <= most:
        ready = dict(watched.poll(100))  # milliseconds
        if requests.fileno() in ready:
            _ended(child)
            os._exit(1)
        if inlet in ready:
            part = os.read(inlet, 65_536)
            if not part:
                break
            said += part
        elif os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            break  # what it has started may hold the pipe open
    return said


def _ended(child):
    """End a child and all that it has started. Returns its status and its processor's seconds."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    _, status, usage = os.wait4(child, 0)
    for _ in range(ROUNDS):
        found = psutil.Process().children(recursive=True)
        if not found:
            break
        for one in found:
            with contextlib.suppress(psutil.Error):
                one.kill()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.001)
    return status, usage.ru_utime + usage.ru_stime


def _prctl(option, value):
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


# --- limits -------------------------------------------------------------------------------


def _limit(limits):
    """Limits that the system keeps, where it has them."""
    try:
        import resource
    except ImportError:  # Windows
        return
    here = psutil.Process()
    used = sum(here.cpu_times()[:2])
    wanted = {
        resource.RLIMIT_CPU: int(used) + limits["processor"],
        resource.RLIMIT_FSIZE: FILE,
        resource.RLIMIT_CORE: 0,
    }
    if FORKS:  # in a child, to which no other answer comes
        # libraries reserve much memory that they never use, so it is counted from here on
        wanted[resource.RLIMIT_AS] = here.memory_info().vms + limits["memory"]
    for kind, most in wanted.items():
        _, hard = resource.getrlimit(kind)
        if hard == resource.RLIM_INFINITY or most < hard:
            resource.setrlimit(kind, (most, most if FORKS else hard))


def _watched(requests):
    """The lines of the standard input. When it is closed, this process and all others end."""
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def watch():
        with contextlib.suppress(OSError):
            while line := requests.readline():
                lines.put(line)
        if hasattr(os, "killpg"):
            os.killpg(os.getpgid(0), signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    while True:
        yield lines.get()


if __name__ == "__main__":
    serve()
