"""Start a worker, take what it tells with limits on everything, and leave nothing behind.

It runs in a sandbox where there is one. Elsewhere an answer runs with the rights of whoever started
it; it is kept from disturbing the others, from holding them up, and from what the judge knows.
"""

import contextlib
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import psutil

from mnist_course import runtime
from mnist_course.assessment.verdict import Verdict
from mnist_course.grading import processes, questions, sandbox

SECONDS_TO_START = 300  # a slow or busy machine needs most of them to read torch
PROCESSOR = 60  # seconds for the answers to one exercise; then the system ends their process
# A right answer takes hundredths of a second. The clock ends only what sleeps, so a machine may be
# a hundred times slower, or as busy, and costs nobody a point.
WAITING = 60  # seconds on the clock for one call of an answer, and for the cells that define it
SECONDS_FOR_AN_ANSWER = 300  # on the clock for one exercise, also where no signal gets through
LINE = 20_000_000  # bytes of what is told of one exercise
MEMORY = 4_000_000_000  # bytes of all processes of a worker; a right answer needs some millions
PROCESSES = 32  # of a worker, beside its own; a loader of torch's starts a few
LOOK = 0.1  # seconds between two looks at memory and processes
BESIDE = 5_000_000  # bytes of the modules beside a notebook that are handed to the worker
DEPTH = 5  # folders inside of folders that are looked through for them
OWN = 4  # a worker's own processes: two of bubblewrap's, the worker, and its child
FORKS = sys.platform.startswith("linux")  # macOS and Windows can't copy a process that uses torch
VERDICTS = {verdict.value for verdict in Verdict} - {Verdict.PASSED.value, Verdict.UNSOLVED.value}


class Stopped(Exception):
    """What an answer did was too much; the message says what, and the verdict what it is called."""

    def __init__(self, message, verdict):
        super().__init__(f"{message}, and was stopped")
        self.verdict = verdict


class Session:
    """A worker for the notebooks of one person, which is started anew when an answer breaks it.

    `with Session() as session:` ends it, and whatever was started in it.
    """

    def __init__(self):
        self._worker = None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._end()

    def run(self, cells, exercises, folder, cases):
        """Run answers in processes of their own. Returns what is told of each, by exercise.

        exercises: names; folder: the notebook's own, whose modules an answer may import; None where
        there is none; cases: hidden ones as JSON, by exercise. What is told is a list, as
        `worker.told` makes it: {"attempt": …} or {"error": …, "verdict": …}, in the order of the
        answers. Raises CourseError when Python can't be started.
        """
        rows = [[cell.source, cell.id, cell.grade_id] for cell in cells]
        files = modules_beside(folder) if folder is not None else {}
        return {
            name: self._told(
                {"name": name, "cells": rows, "cases": cases.get(name, []), "files": files}
            )
            for name in exercises
        }

    def _told(self, request):
        """What is told of one exercise."""
        try:
            if self._worker is None:
                self._worker = _Worker()
            line = self._worker.answer(request)
            told = _told(line, request["name"])
            if told is not None:
                return told
            said, verdict = "it disturbed its check", Verdict.EXITED
            if line and FORKS:  # the line is the child's, but the worker is unharmed
                return _error(said, verdict)
            if not line:
                said = "it ended Python, and was stopped"
        except Stopped as stopped:
            said, verdict = str(stopped), stopped.verdict
        except BaseException:
            self._end()
            raise
        self._end()
        return _error(said, verdict)

    def _end(self):
        if self._worker is not None:
            worker, self._worker = self._worker, None
            worker.end()


def _error(said, verdict):
    return [{"error": said, "verdict": verdict.value}]


class _Worker:
    """A running worker, ready to be asked."""

    def __init__(self):
        self.mark = uuid.uuid4().hex
        self.folder = Path(tempfile.mkdtemp(prefix="mnist-course-"))
        self.process: Any = None
        try:
            self._start()
        except BaseException:
            self.end()
            raise

    def _start(self):
        # -P: what lies in the folder where it starts is not imported
        command = [sys.executable, "-P", "-m", "mnist_course.grading.worker"]
        environment = {**os.environ, **_environment(self.mark)}
        empty, without = self.folder / "empty", self.folder / "exercises"
        empty.mkdir()
        if not sandbox.problem():
            without.mkdir()
            questions.write(without)
            command = sandbox.command(command, without)
            environment = sandbox.environment(_environment(self.mark))
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            cwd=empty, env=environment, start_new_session=True,
        )  # fmt: skip
        self.lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        reader = threading.Thread(
            target=_read, args=(self.process.stdout, self.lines, LINE), daemon=True
        )
        reader.start()
        # half of it for each process, so that one alone is always told by a MemoryError
        limits = {"processor": PROCESSOR, "waiting": WAITING, "line": LINE}
        self._ask({**limits, "memory": MEMORY // 2})
        if self._line(SECONDS_TO_START) != b"ready\n":
            line = runtime.command("doctor")
            raise runtime.CourseError(f"Python can't run the checks. Type: {line}")

    def answer(self, request):
        """The line about an exercise; empty when the worker has ended. Raises Stopped."""
        self._ask(request)
        line = self._line(SECONDS_FOR_AN_ANSWER)
        if line is None:
            raise Stopped("it did not come to an end", Verdict.TIME)
        return line

    def _ask(self, request):
        line = json.dumps(request).encode() + b"\n"
        # a worker that was halted would not read it, and this thread would wait for ever
        threading.Thread(target=self._write, args=(line,), daemon=True).start()

    def _write(self, line):
        with contextlib.suppress(OSError, ValueError):  # then no line comes, either
            self.process.stdin.write(line)
            self.process.stdin.flush()  # it stays open: when it closes, the worker ends

    def _line(self, seconds):
        """The next line; empty when the process has ended, None when the time is over."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(queue.Empty):
                return self.lines.get(timeout=LOOK)
            self._look()
        return None

    def _look(self):
        """Raises Stopped when the worker's processes are too many, or take too much memory.

        The system's own limits hold for each process, or for each user, but not for a group.
        """
        found = processes.below(self.process)
        taken = 0
        for one in found[: PROCESSES + OWN]:
            with contextlib.suppress(psutil.Error):
                taken += one.memory_info().rss
        if len(found) > PROCESSES + OWN or taken > MEMORY:
            # which of the two is seen first may differ from time to time
            limits = f"{PROCESSES} processes or {MEMORY / 1e9:g} GB of memory"
            what = f"it took too much of the machine (more than {limits})"
            raise Stopped(what, Verdict.EXITED)

    def end(self):
        """End the worker and all that it has started, and remove its folder."""
        if self.process is not None:
            processes.end(self.process, self.mark)
        _remove(self.folder)


def _environment(mark):
    """What the worker's environment sets: the same wherever it runs, passive and single."""
    return {
        **processes.environment(),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",  # sets are printed in the same order each time
        "CUDA_VISIBLE_DEVICES": "",  # an answer is tried on the processor alone
        "MPLBACKEND": "agg",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        processes.MARK: mark,
    }


def modules_beside(folder):
    """The texts of the Python modules in a notebook's folder and in its packages, by path.

    Links are not followed: one in a submission may lead to a file of the teacher's. What is not in
    UTF-8, and what comes after `BESIDE` bytes, is left out.
    """
    found: dict[str, str] = {}
    left = BESIDE
    for path in _modules(Path(folder), DEPTH):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            size = path.stat().st_size
            if size <= left:
                found[path.relative_to(folder).as_posix()] = path.read_text(encoding="utf-8")
                left -= size
    return found


def _modules(folder, depth):
    """Yield paths of ordinary files `*.py`, also of those in packages."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.name.endswith(".py") and entry.is_file(follow_symlinks=False):
            yield Path(entry)
        elif entry.is_dir(follow_symlinks=False) and depth:
            if os.path.isfile(os.path.join(entry, "__init__.py")):
                yield from _modules(entry, depth - 1)


def _told(line, name):
    """What a line tells of an exercise; None when it is not what the worker writes about it."""
    try:
        told = json.loads(line)
        if told["name"] == name and all(map(_is_told, told["told"])):
            return told["told"]
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    return None


def _is_told(one):
    if type(one) is not dict:
        return False
    if one.keys() == {"error", "verdict"}:
        return type(one["error"]) is str and one["verdict"] in VERDICTS
    return one.keys() == {"attempt"}


def _read(stream, lines, most):
    with contextlib.suppress(ValueError, OSError):  # closed at the end
        while line := stream.readline(most + 1):
            lines.put(line)
    lines.put(b"")  # the end


def _remove(folder):
    """Remove a folder, whatever an answer has made in it."""
    with contextlib.suppress(OSError, RecursionError):
        shutil.rmtree(folder)
    if folder.exists() and os.name != "nt":  # folders that forbid it, or thousands in each other
        subprocess.run(["chmod", "-R", "u+rwx", folder], stderr=subprocess.DEVNULL)
        subprocess.run(["rm", "-rf", folder], stderr=subprocess.DEVNULL)
