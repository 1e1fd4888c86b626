"""All reports of a grading: what is written, that it stays the same, and the table of points."""

import csv
import io
import re
import urllib.parse
import zipfile

import pytest

from mnist_course.exercises import EXERCISES
from mnist_course.grading import reports
from mnist_course.grading.marks import (
    NOT_HANDED_IN,
    ExerciseMark,
    LessonMark,
    StudentMark,
)
from mnist_course.grading.sheet import SheetError

CANVAS = (
    "Student,ID,SIS Login ID,Section,Lesson 02 (9)\r\n"
    "    Points Possible,,,,10.00\r\n"
    '"Lovelace, Ada",7,ada,A,\r\n'
    '"Bo, ""B""",8,bo,A,\r\n'
)


def exercise(name, verdict="passed", points=1.0, **more):
    return ExerciseMark(name, verdict, points, EXERCISES[name].points, **more)


def student(key, name, number, *marks, remarks=(), on_lesson=(), **lesson):
    points = sum(mark.points for mark in marks)
    settings = {"file": "02.ipynb", "late": False, **lesson}
    one = LessonMark("02", settings["file"], points, 10.0, marks, settings["late"], on_lesson)
    return StudentMark(key, name, number, points, 10.0, (one,), remarks)


ADA = student("ada", "Ada", "7", exercise("output-size"), exercise("output-channels", points=2.0))
BO = student(
    "bo", "=HYPERLINK(1)", "8",
    exercise("output-size", "wrong values", 0.0, remark="Two answers were found."),
    exercise("output-channels", NOT_HANDED_IN, 0.0),
    remarks=("sent twice",), on_lesson=("Saved by an\nolder course.",), late=True,
)  # fmt: skip


def contents(folder):
    return {
        str(path.relative_to(folder).as_posix()): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def table(content):
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_the_files_and_nothing_else_are_written(tmp_path):
    assert reports.write_all([ADA, BO], EXERCISES, tmp_path) == []
    assert list(contents(tmp_path)) == [
        "class.html", "feedback/ada.html", "feedback/bo.html", "grades.csv", "moodle-feedback.zip",
    ]  # fmt: skip
    page = (tmp_path / "class.html").read_text(encoding="utf-8")
    assert 'href="feedback/ada.html"' in page


def test_a_page_for_each_whatever_the_students_are_called(tmp_path):
    long = "王" * 95  # a team's name, of more bytes than a file's name may have
    keys = ["Ada", f"{long} 1", f"{long} 2", "a:b", "a?b", "con", "..", "x/y"]
    reports.write_all([student(key, key, "") for key in keys], EXERCISES, tmp_path)
    names = sorted(path.name for path in (tmp_path / "feedback").iterdir())
    cut = "王" * 66
    assert names == sorted([
        "Ada.html", f"{cut}.html", f"{cut} (2).html", "a_b.html", "a_b (2).html", "_con.html",
        "_.html", "x_y.html",
    ])  # fmt: skip
    links = re.findall(r'href="feedback/([^"]+)"', (tmp_path / "class.html").read_text("utf-8"))
    assert sorted(map(urllib.parse.unquote, links)) == names


def test_the_same_marks_give_the_same_bytes_in_any_order(tmp_path):
    reports.write_all([ADA, BO], EXERCISES, tmp_path / "one")
    reports.write_all([BO, ADA], EXERCISES, tmp_path / "other")
    assert contents(tmp_path / "one") == contents(tmp_path / "other")


def test_a_file_that_stays_the_same_is_not_written_again(tmp_path, monkeypatch):
    reports.write_all([ADA, BO], EXERCISES, tmp_path)
    written = []
    monkeypatch.setattr(reports.runtime, "write_whole", lambda path, content: written.append(path))
    reports.write_all([ADA, BO], EXERCISES, tmp_path)
    assert written == []
    worse = student("ada", "Ada", "7", exercise("output-size", "wrong values", 0.0))
    reports.write_all([worse, BO], EXERCISES, tmp_path)
    assert {path.name for path in written} == {
        "ada.html", "class.html", "grades.csv", "moodle-feedback.zip",
    }  # fmt: skip


def test_the_table_of_points():
    ada, bo = sorted(table(reports.grades([BO, ADA], EXERCISES)), key=lambda row: row["student"])
    assert (ada["02.1 output-size"], ada["02.3 output-channels"]) == ("1", "2")
    assert (ada["points"], ada["possible"], ada["late"], ada["remarks"]) == ("3", "10", "", "")
    assert (bo["02.1 output-size"], bo["02.3 output-channels"]) == ("0", "")
    assert bo["late"] == "late"
    assert (
        bo["remarks"] == "sent twice. 02: Saved by an older course. 02.1: Two answers were found."
    )
    assert "02.2 strided-correlation" not in ada  # it was not graded


def test_no_cell_is_a_formula_and_none_breaks_a_line():
    hostile = [
        student(f"k{place}", name, "1", exercise("output-size"))
        for place, name in enumerate(["=1+1", "+1", "-1", "@x", "\t=1", "a\r\nb", "\x1b[2J\ud800"])
    ]
    names = [row["name"] for row in table(reports.grades(hostile, EXERCISES))]
    assert not any(name[0] in "=+-@\t" for name in names)
    assert not any(character in "\r\n\x1b" for name in names for character in name)


def test_a_gradebook_is_filled_in_beside(tmp_path):
    export = tmp_path / "My export.csv"
    export.write_bytes(CANVAS.encode())
    told = reports.write_all([ADA, BO], EXERCISES, tmp_path / "to", export)
    filled = (tmp_path / "to" / "My export.filled.csv").read_bytes()
    assert filled == CANVAS.replace("ada,A,", "ada,A,3.00").replace("bo,A,", "bo,A,0.00").encode()
    assert export.read_bytes() == CANVAS.encode()
    assert told[0].startswith("2 grades filled into “Lesson 02 (9)” of ")


def test_a_refused_gradebook_leaves_the_other_reports(tmp_path):
    export = tmp_path / "export.csv"
    export.write_bytes(CANVAS.replace("ada,A,", "ada,A,9.00").encode())
    with pytest.raises(SheetError, match="export.csv was not filled in: 1 grade in .*--replace"):
        reports.write_all([ADA, BO], EXERCISES, tmp_path / "to", export)
    assert len(contents(tmp_path / "to")) == 5
    reports.write_all([ADA, BO], EXERCISES, tmp_path / "to", export, replace=True)
    assert b"ada,A,3.00" in (tmp_path / "to" / "export.filled.csv").read_bytes()
    with pytest.raises(SheetError, match="can't be read"):
        reports.write_all([ADA], EXERCISES, tmp_path / "to", tmp_path / "none.csv")


def test_without_numbers_there_is_no_zip_for_moodle(tmp_path):
    reports.write_all([student("ada", "Ada", "", exercise("output-size"))], EXERCISES, tmp_path)
    assert "moodle-feedback.zip" not in contents(tmp_path)


def test_a_class_of_nobody_is_a_class(tmp_path):
    reports.write_all([], EXERCISES, tmp_path)
    assert list(contents(tmp_path)) == ["class.html", "grades.csv"]


def test_a_team_s_page_goes_to_its_members(tmp_path):
    """The number of a team is somebody else's in Moodle, which would give the page to them."""
    export = tmp_path / "worksheet.csv"
    export.write_text(
        "Identifier,Full name,Status,Group,Grade,Maximum grade,Grade can be changed\n"
        "Participant 7,Ada,Submitted,Blue,,10.00,Yes\n"
        "Participant 8,Cy,Submitted,Blue,,10.00,Yes\n"
        "Participant 3,Di,Submitted,Red,,10.00,Yes\n",
        encoding="utf-8",
    )
    team = student("blue", "Blue", "3", exercise("output-size"))
    reports.write_all([team], EXERCISES, tmp_path / "out", export)
    with zipfile.ZipFile(tmp_path / "out" / "moodle-feedback.zip") as archive:
        assert archive.namelist() == [
            "Blue_7_assignsubmission_file/feedback.html",
            "Blue_8_assignsubmission_file/feedback.html",
        ]


def test_the_zip_holds_the_pages(tmp_path):
    reports.write_all([ADA, BO], EXERCISES, tmp_path)
    with zipfile.ZipFile(tmp_path / "moodle-feedback.zip") as archive:
        pages = {name.split("_")[1]: archive.read(name) for name in archive.namelist()}
    assert pages["7"] == (tmp_path / "feedback" / "ada.html").read_bytes()
    assert pages["8"] == (tmp_path / "feedback" / "bo.html").read_bytes()
