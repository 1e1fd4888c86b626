"""Examine one submission: read its notebooks, have their answers run, judge what they did.

`python -m mnist_course.grading.examination` does so for one submission after another, because a
hostile file may end the process that reads it. `examiners` starts it, on this machine or another.
"""

import json
import os
import queue
import signal
import sys
import threading
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from mnist_course import runtime
from mnist_course.assessment.verdict import Verdict
from mnist_course.exercises import EXERCISES
from mnist_course.grading import findings, notebooks, supervision
from mnist_course.grading.findings import Finding

MOST_NOTEBOOKS = 40  # of one submission; more would hold up the others


@dataclass
class Examined:
    """What was found in one submission."""

    findings: dict[str, Finding] = field(default_factory=dict)  # by exercise
    files: dict[str, list[str]] = field(default_factory=dict)  # notebooks by lesson
    remarks: list[str] = field(default_factory=list)  # one line each, on the submission

    def encoded(self):
        """As JSON holds it."""
        return {**asdict(self), "findings": {n: f.encoded() for n, f in self.findings.items()}}

    @classmethod
    def decoded(cls, data):
        """From what `encoded` gives, also after JSON."""
        return cls(
            {name: Finding.decoded(one) for name, one in data["findings"].items()},
            data["files"],
            data["remarks"],
        )


def examine(folder, paths, names, cases):
    """Examine the notebooks of one submission. Returns what is `Examined`.

    folder: holds the submission's files; paths: [place in it, path as it was handed in] of each
    notebook; names: exercises to judge; cases: hidden ones as JSON, by exercise. Raises CourseError
    when answers can't be run here at all.
    """
    examined = Examined()
    found: dict[str, list[Finding]] = {}
    seen = set()
    for place, shown in paths[:MOST_NOTEBOOKS]:
        try:
            notebook = notebooks.read(Path(folder) / place)
        except runtime.CourseError as error:
            examined.remarks.append(notebooks.one_line(str(error)))
            continue
        shown = notebooks.one_line(shown, 100)
        belongs = notebooks.exercises_of(notebook, EXERCISES)
        if not belongs:
            examined.remarks.append(f"{shown} fits no lesson, and was not looked at")
        for lesson in sorted({EXERCISES[name].lesson for name in belongs}):
            examined.files.setdefault(lesson, []).append(shown)
        wanted = tuple(name for name in belongs if name in names)
        if not wanted or (notebook.cells, wanted) in seen:
            continue  # an identical copy is not run again
        seen.add((notebook.cells, wanted))
        for name, finding in judged(notebook, wanted, cases).items():
            found.setdefault(name, []).append(finding)
    if len(paths) > MOST_NOTEBOOKS:
        examined.remarks.append(
            f"{len(paths)} notebooks were handed in; the first {MOST_NOTEBOOKS} were looked at"
        )
    examined.findings = {name: findings.best(several) for name, several in found.items()}
    return examined


def judged(notebook, names, cases):
    """The best `Finding` on each exercise of a notebook, by name.

    The visible cases are tried in one process and the hidden ones in another, which nothing leaves
    but the outcomes. So an answer that notes a hidden input has no way to tell it to anybody, and
    what it says on the visible cases can be shown.
    """
    folder = notebook.path.parent.resolve()
    told = supervision.run(notebook.cells, names, folder, {})
    found = {name: findings.judged(EXERCISES[name], told[name]) for name in names}
    hidden = [
        name
        for name in names
        if cases.get(name) and any(one.verdict is Verdict.PASSED for one in found[name])
    ]
    if hidden:
        again = supervision.run(
            notebook.cells, hidden, folder, {name: cases[name] for name in hidden}
        )
        for name in hidden:
            found[name] = [
                replace(
                    one, hidden=findings.outcomes(EXERCISES[name], again[name], place, cases[name])
                )
                if one.verdict is Verdict.PASSED
                else one
                for place, one in enumerate(found[name])
            ]
    return {
        name: replace(
            findings.best(found[name]),
            source=findings.source_of(notebook.cells, EXERCISES[name]),
        )
        for name in names
    }


# --- the process --------------------------------------------------------------------------


def serve():
    """Examine a submission for each line of the standard input; answer each with a line.

    A line in is JSON with the arguments of `examine`. A line out is {"examined": …}, or {"error":
    …} where answers can't be run here. When the input ends, so does this process, and with it all
    that it has started.
    """
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what anything prints must not come between the lines
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(lines,), daemon=True).start()
    with supervision.ended_by_sigterm():
        while line := lines.get():
            try:
                answer = {"examined": examine(**json.loads(line)).encoded()}
            except runtime.CourseError as error:
                answer = {"error": str(error)}
            print(json.dumps(answer), file=channel, flush=True)


def _read(lines):
    for line in sys.stdin:
        lines.put(line)
    # whoever asked is gone: end also in the midst of an examination
    if hasattr(os, "killpg"):
        os.kill(os.getpid(), signal.SIGTERM)
    lines.put("")


if __name__ == "__main__":
    serve()
