"""`times.csv`: how long the answers took, which differs at each run, unlike all other reports."""

import csv
import io
from pathlib import Path

from mnist_course import runtime
from mnist_course.grading.notebooks import one_line

FORMULA = ("=", "+", "-", "@")  # a spreadsheet would work out what begins so


def write(times, to):
    """Write `times.csv` into a folder.

    times: (submission, exercise, seconds) of every answer, on the visible cases.
    """
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(["student", "number", "exercise", "seconds"])
    for submission, exercise, seconds in times:
        writer.writerow([_text(submission.name), _text(submission.number), exercise, seconds])
    # with the mark by which Excel knows UTF-8
    runtime.write_whole(Path(to) / "times.csv", table.getvalue().encode("utf-8-sig", "replace"))


def _text(value):
    """A text of anybody's as one line that no spreadsheet takes for a formula."""
    line = one_line(value)
    return f"'{line}" if line.startswith(FORMULA) else line
