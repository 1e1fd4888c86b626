"""Examiners: processes that examine submissions, each on a core of its own."""

import json
import os
import subprocess
import sys
import tempfile
import threading

from mnist_course import runtime
from mnist_course.grading import processes, sandbox
from mnist_course.grading.notebooks import one_line

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
        self.said = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mnist_course.grading.examination"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.said,
            # to try the sandbox again would take seconds
            env={**os.environ, **processes.environment(), sandbox.TRIED: sandbox.problem()},
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
            processes.end(process, seconds=SECONDS_TO_END)
            with self.said:
                self.said.seek(0)
                return _last_line(self.said.read())


def _last_line(content):
    lines = content[-10 * TOLD :].decode("utf-8", "replace").strip().splitlines()
    return one_line((lines or [""])[-1], TOLD)
