"""`grades.csv`, a row for each student and lesson, and `times.csv`, as spreadsheets read them."""

import csv
import io
from pathlib import Path

from mnist_course import runtime
from mnist_course.exercises import EXERCISES
from mnist_course.grading.marks import NOT_HANDED_IN

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run what begins so


def write(marks, exercises, to):
    """Write `grades.csv` into a folder. The same marks give the same bytes.

    exercises: those that are graded, in order; each has a column.
    """
    names = [one.name for one in exercises]
    titles = [f"{EXERCISES[name].number} {name}" for name in names]
    header = ["student", "number", "lesson", *titles, "points", "possible", "all lessons",
              "remarks"]  # fmt: skip
    rows = [header]
    for mark in marks:
        for place, lesson in enumerate(mark.lessons):
            points = {one.exercise: _number(one.points) for one in lesson.exercises}
            remarks = [*(mark.remarks if place == 0 else ()), *lesson.remarks]
            if all(one.verdict == NOT_HANDED_IN for one in lesson.exercises):
                remarks.append(NOT_HANDED_IN)
            remarks += [
                f"{EXERCISES[one.exercise].number}: {one.remark}"
                for one in lesson.exercises
                if one.remark
            ]
            rows.append([
                text(mark.name), text(mark.number), lesson.lesson,
                *(points.get(name, "") for name in names), _number(lesson.points),
                _number(lesson.possible), _number(mark.points), text("; ".join(remarks)),
            ])  # fmt: skip
    runtime.write_whole(Path(to) / "grades.csv", _bytes(rows))


def write_times(times, to):
    """Write `times.csv`: how long answers took on the visible cases, which differs at each run.

    times: (submission, exercise, seconds).
    """
    rows = [["student", "number", "exercise", "seconds"]]
    rows += [[text(one.name), text(one.number), name, s] for one, name, s in times]
    runtime.write_whole(Path(to) / "times.csv", _bytes(rows))


def text(value):
    """A text of anybody's that no spreadsheet takes for a formula."""
    return f"'{value}" if value.startswith(FORMULA) else value


def _number(points):
    return f"{points:.2f}".rstrip("0").rstrip(".")


def _bytes(rows):
    table = io.StringIO()
    csv.writer(table).writerows(rows)
    # with the mark by which Excel knows UTF-8
    return table.getvalue().encode("utf-8-sig", "replace")
