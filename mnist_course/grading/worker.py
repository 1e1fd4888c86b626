"""The process that runs a student's answers and tells what they did, a line of JSON for each.

It knows no right answer but those of the package, sees no outcome of a check, and says nothing
that the judge in the other process has to trust.
"""

import contextlib
import json
import os
import signal
import sys
import threading

from mnist_course.assessment import further
from mnist_course.exercises import EXERCISES
from mnist_course.grading.answers import NotRun, as_python_cells, attempts
from mnist_course.grading.notebooks import Cell, one_line

PROCESSOR = 60  # seconds, and as much again for each answer; then the system ends the process
FILE = 50_000_000  # bytes of a file that an answer may write


def serve():
    """Run the answers that the first line of the standard input asks for.

    The line is JSON: cells (source, id, grade id), exercises (names), folder (of the notebook),
    cases (further ones, by exercise). What an answer prints goes nowhere.
    """
    task = json.loads(sys.stdin.readline())
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    _end_with_the_parent(os.dup(0))
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    _limit(len(task["exercises"]))
    sys.path.append(task["folder"])  # an answer may import a file that lies beside the notebook
    cells = as_python_cells([Cell(*cell) for cell in task["cells"]])
    print("ready", file=channel, flush=True)
    for name in task["exercises"]:
        exercise = EXERCISES[name]
        cases = (*exercise.cases, *further.decoded(exercise, task["cases"].get(name, [])))
        line = json.dumps({"name": name, "told": told(cells, exercise, cases)})
        print(line, file=channel, flush=True)


def told(cells, exercise, cases):
    """What is told of the answers to an exercise: a list of {"attempt": …} or {"error": …}."""
    return [
        {"error": one_line(str(one))} if type(one) is NotRun else {"attempt": one.encoded()}
        for one in attempts(cells, exercise, cases)
    ]


def _limit(answers):
    """Limits that the system keeps, where it has them."""
    try:
        import resource
    except ImportError:  # Windows
        return
    seconds = PROCESSOR * (1 + answers)
    for kind, most in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, FILE),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        if hard == resource.RLIM_INFINITY or most < hard:
            resource.setrlimit(kind, (most, hard))


def _end_with_the_parent(descriptor):
    """End this process and all that it started when the other side of the pipe is closed."""

    def watch():
        with contextlib.suppress(OSError):
            while os.read(descriptor, 1000):
                pass
        if hasattr(os, "killpg"):
            os.killpg(os.getpgid(0), signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    serve()
