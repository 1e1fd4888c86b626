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
from mnist_course.grading import findings, notebooks, processes, supervision
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
    chosen: dict[tuple, notebooks.Notebook] = {}
    for place, shown in paths[:MOST_NOTEBOOKS]:
        shown = notebooks.one_line(shown, 100)
        try:
            notebook = notebooks.read(Path(folder) / place)
        except runtime.CourseError as error:
            examined.remarks.append(notebooks.one_line(str(error)))
            continue
        examined.remarks += [f"{shown}: {remark}" for remark in notebook.remarks]
        belongs = notebooks.exercises_of(notebook, EXERCISES)
        if not belongs:
            examined.remarks.append(f"{shown} fits no lesson, and was not looked at")
        for lesson in sorted({EXERCISES[name].lesson for name in belongs}):
            examined.files.setdefault(lesson, []).append(shown)
        if wanted := tuple(name for name in belongs if name in names):
            chosen.setdefault((notebook.cells, wanted), notebook)  # a copy is not run again
    if len(paths) > MOST_NOTEBOOKS:
        examined.remarks.append(
            f"{len(paths)} notebooks were handed in; the first {MOST_NOTEBOOKS} were looked at"
        )
    found: dict[str, list[Finding]] = {}
    for one in judged([(notebook, names) for (_, names), notebook in chosen.items()], cases):
        for name, finding in one.items():
            found.setdefault(name, []).append(finding)
    examined.findings = {name: findings.best(several) for name, several in found.items()}
    return examined


def judged(asked, cases):
    """The best `Finding` on each exercise of some notebooks of one person: by name, for each.

    asked: pairs of a notebook and the names of exercises. All visible cases are tried before the
    first hidden one, and of the hidden ones nothing but the outcomes is kept. So an answer that
    notes a hidden input can tell it to nobody, and what it says on the visible ones can be shown.
    """
    found = []
    with supervision.Session() as session:
        for notebook, names in asked:
            told = session.run(notebook.cells, names, _folder(notebook), {})
            found.append({name: findings.judged(EXERCISES[name], told[name]) for name in names})
        for (notebook, _), several in zip(asked, found, strict=True):
            hidden = [n for n in several if cases.get(n) and any(map(_passed, several[n]))]
            told = session.run(notebook.cells, hidden, _folder(notebook), cases)
            for name in hidden:
                several[name] = _with_hidden(several[name], name, told[name], cases[name])
    return [
        {name: _with_source(findings.best(several[name]), name, notebook) for name in names}
        for (notebook, names), several in zip(asked, found, strict=True)
    ]


def _folder(notebook):
    return notebook.path.parent.resolve()


def _passed(finding):
    return finding.verdict is Verdict.PASSED


def _with_hidden(several, name, told, rows):
    """The findings on one exercise, with the outcomes of its hidden cases where it passed."""
    exercise = EXERCISES[name]
    return [
        replace(one, hidden=findings.outcomes(exercise, told, place, rows)) if _passed(one) else one
        for place, one in enumerate(several)
    ]


def _with_source(finding, name, notebook):
    return replace(finding, source=findings.source_of(notebook.cells, EXERCISES[name]))


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
    with processes.ended_by_sigterm():
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
