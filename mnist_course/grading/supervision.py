"""Start a worker, take what it tells with limits on everything, and leave nothing behind.

It runs in a sandbox where there is one. Elsewhere an answer runs with the rights of whoever started
it; it is kept from disturbing the others, from holding them up, and from what the judge knows.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import uuid
from pathlib import Path

import psutil

from mnist_course import runtime
from mnist_course.grading import sandbox

SECONDS_TO_START = 300  # a slow or busy machine needs most of them to read torch
SECONDS_FOR_AN_ANSWER = 120  # the worker stops an answer long before, by the processor's time
LINE = 20_000_000  # bytes of what is told of one answer
MARK = "MNIST_COURSE_ATTEMPT"  # in the environment of everything that an answer starts


def run(cells, exercises, folder, cases):
    """Run answers in processes of their own. Returns what is told of each, by exercise.

    exercises: names; cases: further ones as JSON, by exercise. What is told is a list, as
    `worker.serve` writes it: {"attempt": …} or {"error": …}. Raises CourseError when Python can't
    be started.
    """
    told: dict[str, list] = {}
    waiting = list(exercises)
    while waiting:  # every round tells of one answer at least
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as empty:
            told |= _round(cells, waiting, folder, cases, empty)
        waiting = [name for name in waiting if name not in told]
    return told


def _round(cells, exercises, folder, cases, empty):
    """What one process tells: of all answers, or of those up to one that breaks it."""
    mark = uuid.uuid4().hex
    task = {
        "cells": [[cell.source, cell.id, cell.grade_id] for cell in cells],
        "exercises": exercises,
        "folder": str(folder),
        "cases": cases,
    }
    command = [sys.executable, "-m", "mnist_course.grading.worker"]
    environment = {**_outside(), **_environment(mark)}
    if not sandbox.problem():
        command = sandbox.command(command, folder)
        environment = sandbox.environment(_environment(mark))
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        cwd=empty, env=environment, start_new_session=True,
    )  # fmt: skip
    assert process.stdin is not None
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(process.stdout, lines), daemon=True).start()
    told = {}
    try:
        with contextlib.suppress(OSError):
            process.stdin.write(json.dumps(task).encode() + b"\n")
            process.stdin.flush()  # it stays open: when it closes, the worker ends
        if _next(lines, SECONDS_TO_START) != b"ready\n":
            line = runtime.command("doctor")
            raise runtime.CourseError(f"Python can't run the checks. Type: {line}")
        for name in exercises:
            line = _next(lines, SECONDS_FOR_AN_ANSWER)
            told[name] = _told(line, name)
            if told[name] is None:
                ended = "it did not come to an end" if line is None else "it ended Python"
                ended = "it disturbed its check" if line else f"{ended}, and was stopped"
                told[name] = [{"error": ended}]
                break
    finally:
        _end(process, mark)
    return told


def _environment(mark):
    """What the worker's environment sets: passive and single, whatever the machine is busy with."""
    # the package may have been found by a path that only this process knows
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHONIOENCODING": "utf-8",  # as in a notebook; on Windows "→" could not be printed
        "PYTHONDONTWRITEBYTECODE": "1",  # an import must leave nothing beside the notebook
        "MPLBACKEND": "agg",
        "OMP_NUM_THREADS": "1",
        MARK: mark,
    }


def _outside():
    """The user's environment, but for the file of further cases."""
    environment = runtime.worker_environment()
    environment.pop("MNIST_COURSE_CASES", None)
    return environment


def _told(line, name):
    """What a line tells of an exercise; None when it is not what the worker writes about it."""
    try:
        told = json.loads(line)
        if told["name"] == name and all(type(one) is dict for one in told["told"]):
            return told["told"]
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    return None


def _read(stream, lines):
    with contextlib.suppress(ValueError, OSError):  # closed at the end
        while line := stream.readline(LINE):
            lines.put(line)
    lines.put(b"")  # the end


def _next(lines, seconds):
    """The next line; empty when the process has ended, None when the time is over."""
    try:
        return lines.get(timeout=seconds)
    except queue.Empty:
        return None


def _end(process, mark):
    """End a process and all that it has started, also what has left its group."""
    if hasattr(os, "killpg"):
        # macOS forbids, instead of not finding, a group whose processes have all ended
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
    for _ in range(20):  # what starts others as fast as they are ended is not followed for ever
        if not (found := _marked(mark)):
            break
        for one in found:
            with contextlib.suppress(psutil.Error):
                one.kill()
        psutil.wait_procs(found, timeout=5)
    with contextlib.suppress(OSError):
        process.stdin.close()
    process.stdout.close()


def _marked(mark):
    """Running processes that carry the mark in their environment."""
    found = []
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if one.environ().get(MARK) == mark and one.status() != psutil.STATUS_ZOMBIE:
                found.append(one)
    return found


@contextlib.contextmanager
def ended_by_sigterm():
    """In the block, SIGTERM ends this process as an exception does: what was started ends too."""

    def end(number, frame):
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
