"""Examiners: processes that examine submissions, each on a core of its own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import psutil

from mnist_course import runtime
from mnist_course.grading import sandbox, supervision

SECONDS_TO_END = 30  # an examiner ends what it has started, and then itself
TOLD = 300  # characters of what an examiner said last before it ended


class ExaminerLost(Exception):
    """An examiner's process has ended in the midst of its work; the message says what it said."""

    for_good = False  # whether it is of no use to ask for the same again


class Examiner:
    """One process that examines one submission after another. It starts when it is first asked."""

    def __init__(self):
        self.process = None
        self.ended = False
        self.changing = threading.Lock()  # of the process, which another thread may end

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.end()

    def ask(self, **task):
        """What `examination.examine` gives for these arguments, as JSON holds it.

        Raises CourseError when answers can't be run here, and ExaminerLost when the process ends.
        The next question then starts another one, but none does after `end`.
        """
        process = self._started()
        try:
            process.stdin.write(json.dumps(task).encode() + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except (OSError, ValueError):  # ended, or its pipes were closed
            line = b""
        if not line:
            raise ExaminerLost(self._stop())
        answer = json.loads(line)
        if "error" in answer:
            raise runtime.CourseError(answer["error"])
        return answer["examined"]

    def _started(self):
        with self.changing:
            if self.ended:
                raise ExaminerLost
            if self.process is None:
                self._start()
            return self.process

    def _start(self):
        # the package may have been found by a path that only this process knows
        paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
        self.said = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mnist_course.grading.examination"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.said,
            env={
                **runtime.worker_environment(),
                "PYTHONPATH": os.pathsep.join(filter(None, paths)),
                "PYTHONIOENCODING": "utf-8",
                sandbox.TRIED: sandbox.problem(),  # to try it again would take seconds
            },
            start_new_session=True,  # Ctrl-C is for whoever asks, who then ends this process
        )  # fmt: skip

    def end(self):
        """End the process and what it has started, for good; another thread may do so."""
        self.ended = True
        self._stop()

    def _stop(self):
        """End the process and what it has started. Returns what it said last."""
        with self.changing:
            process, self.process = self.process, None
            if process is None:
                return ""
            _end(process)
            with self.said:
                self.said.seek(0)
                return _last_line(self.said.read())


def _end(process):
    started = supervision.below(process)[1:]
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(SECONDS_TO_END)
    for one in started:  # none is left where it could tidy up itself
        with contextlib.suppress(psutil.Error):
            one.kill()
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):  # what was not sent yet has nowhere to go
            pipe.close()


def _last_line(content):
    lines = content[-10 * TOLD :].decode("utf-8", "replace").strip().splitlines()
    return "".join(c if c.isprintable() else " " for c in (lines or [""])[-1])[:TOLD]
