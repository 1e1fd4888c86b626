"""All that comes out of a grading, written into a folder.

Every report but `times.csv` is made from the marks alone. The same marks give the same bytes, in
whatever order the students come and on whatever machine, so that a file changes only when a mark
does.
"""

import csv
import io
import re
from dataclasses import replace as changed
from pathlib import Path

from mnist_course import runtime
from mnist_course.grading.class_page import class_page, in_order, page_names
from mnist_course.grading.feedback import feedback_page, feedback_zip
from mnist_course.grading.gradebook import fill, members
from mnist_course.grading.marks import NOT_HANDED_IN
from mnist_course.grading.pages import points, visible
from mnist_course.grading.sheet import SheetError

TABLES = ("grades.csv", "times.csv")  # what is written, beside a gradebook that is filled in
FORMULA = re.compile(r"[=+\-@]")  # how a cell begins that a spreadsheet would work out


def write_all(marks, exercises, to, export=None, column="", replace=False, scale=False):
    """Write every report into a folder. Returns sentences that the teacher should read.

    marks: of `StudentMark`; exercises: dict from name to `Exercise`. export: the path of an
    exported gradebook, which is filled in and written under another name; for `column`, `replace`
    and `scale` see `gradebook.fill`. It comes last: when it is refused with a SheetError, the other
    reports are there. Files that would stay the same are not touched.
    """
    to, marks = Path(to), in_order(marks)
    pages = [(student, feedback_page(student, exercises)) for student in marks]
    names = page_names(marks)
    for student, made in pages:
        _write(to / "feedback" / names[student.key], made)
    _write(to / "grades.csv", grades(marks, exercises))
    _write(to / "class.html", class_page(marks, exercises))
    teams = _members(Path(export), marks) if export else {}
    numbered = [
        (changed(student, number=number), made)
        for student, made in pages
        for number in teams.get(student.key, [student.number])
        if number
    ]
    if numbered:
        _write(to / "moodle-feedback.zip", feedback_zip(numbered))
    return _fill(marks, to, Path(export), column, replace, scale) if export else []


def _members(export, marks):
    try:
        return members(export.read_bytes(), marks)
    except OSError:
        return {}  # said when it is filled in


def _fill(marks, to, export, column, replace, scale):
    try:
        filled = fill(export.read_bytes(), marks, column, replace, scale)
    except OSError as error:
        raise SheetError(f"{export} can't be read: {error.strerror}") from None
    except SheetError as error:
        raise SheetError(f"{export.name} was not filled in: {error}.") from None
    path = to / f"{export.stem}.filled{export.suffix}"
    _write(path, filled.content)
    count = "1 grade" if filled.changed == 1 else f"{filled.changed} grades"
    return [f"{count} filled into “{filled.column}” of {path}", *filled.notes]


def _write(path, content):
    if not (path.is_file() and path.read_bytes() == content):
        runtime.write_whole(path, content)


def grades(marks, exercises):
    """The table of all points as the bytes of a CSV file: a row for each student and lesson."""
    graded = {mark.exercise for one in marks for lesson in one.lessons for mark in lesson.exercises}
    columns = [one for name, one in exercises.items() if name in graded]
    rows = [
        ["student", "name", "number", "lesson", "file", "late"]
        + [f"{one.number} {one.name}" for one in columns]
        + ["points", "possible", "remarks"]
    ]
    for student in in_order(marks):
        for lesson in student.lessons:
            row = [student.key, student.name, student.number, lesson.lesson, lesson.file]
            row += ["late" if lesson.late else "", *_points(lesson, columns)]
            row += [points(lesson.points), points(lesson.possible)]
            row.append(_sentences([*student.remarks, *_remarks(lesson, exercises)]))
            rows.append(row)
    return _table(rows)


def write_times(times, to):
    """Write `times.csv`, which differs at each run, into a folder.

    times: (submission, exercise, seconds) of every answer, on the visible cases.
    """
    rows = [["student", "number", "exercise", "seconds"]]
    rows += [[one.name, one.number, exercise, f"{took}"] for one, exercise, took in times]
    runtime.write_whole(Path(to) / "times.csv", _table(rows))


def _table(rows):
    """Rows of texts as the bytes of a CSV file, with the mark by which Excel knows UTF-8."""
    text = io.StringIO()
    csv.writer(text).writerows(map(_harmless, row) for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _points(lesson, columns):
    """The points of a lesson's exercises, one text for each column."""
    found = {
        mark.exercise: "" if mark.verdict == NOT_HANDED_IN else points(mark.points)
        for mark in lesson.exercises
    }
    return [found.get(one.name, "") for one in columns]


def _remarks(lesson, exercises):
    """The remarks on one lesson and its exercises, each with what it is about."""
    found = [f"{lesson.lesson}: {remark}" for remark in lesson.remarks]
    for mark in lesson.exercises:
        if mark.remark:
            found.append(f"{exercises[mark.exercise].number}: {mark.remark}")
    return found


def _sentences(remarks):
    """Remarks in one text: each ends as a sentence does."""
    return " ".join(
        one if one.endswith((".", "!", "?", "…", ":")) else f"{one}." for one in remarks
    )


def _harmless(text):
    """A cell as one line, which a spreadsheet takes for a text and never for a formula."""
    line = visible(" ".join(text.split()))
    return f"'{line}" if FORMULA.match(line) else line
