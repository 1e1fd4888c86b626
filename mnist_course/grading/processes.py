"""Processes that a grading starts: what they need, and how nothing of them is left."""

import contextlib
import os
import signal
import subprocess
import threading
from pathlib import Path

import psutil

MARK = "MNIST_COURSE_ATTEMPT"  # in the environment of everything that an answer starts


def environment():
    """What the environment sets for another Python, one of several that compute at once."""
    # the package may have been found by a path that only this process knows
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHONIOENCODING": "utf-8",  # as in a notebook; on Windows "→" could not be printed
        "OMP_NUM_THREADS": "1",
    }


def below(process):
    """The process, and all running ones that it or they have started."""
    try:
        first = psutil.Process(process.pid)
        return [first, *first.children(recursive=True)]
    except psutil.Error:  # it has ended
        return []


def marked(mark):
    """Running processes that carry the mark in their environment."""
    found = []
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if one.environ().get(MARK) == mark and _runs(one):
                found.append(one)
    return found


def _runs(process):
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def end(process, mark="", seconds=0):
    """End a process and all that it has started, also what has left its group.

    mark: of further processes that are to end; seconds: that the process is given to end what it
    has started, and then itself.
    """
    started = below(process)
    if seconds:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    if hasattr(os, "killpg"):
        # macOS forbids, instead of not finding, a group whose processes have all ended
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
    for _ in range(20):  # what starts others as fast as they are ended is not followed for ever
        found = [one for one in started if _runs(one)] + (marked(mark) if mark else [])
        if not found:
            break
        for one in found:
            with contextlib.suppress(psutil.Error):
                one.kill()
        psutil.wait_procs(found, timeout=5)
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):  # what was not sent yet has nowhere to go
            pipe.close()


@contextlib.contextmanager
def ended_by_sigterm():
    """In the block, SIGTERM ends this process as an exception does: what was started ends too."""

    def leave(number, frame):
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
