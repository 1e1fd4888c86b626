"""Exported gradebooks are filled in so that the platforms take them, and nothing else changes.

The exports are made, and read again, by the rules in the platforms' own sources.
"""

import csv
import io
import re
from decimal import Decimal

import pytest

from mnist_course.grading.gradebook import GradebookError, fill, members
from mnist_course.grading.marks import LessonMark, StudentMark
from mnist_course.grading.sheet import Sheet, SheetError

# What Moodle's exporter and importer take from a language, and how they write a number.
LANGUAGES = {
    "en": {
        "header": [
            "Identifier", "Full name", "Email address", "Status", "Grade", "Maximum grade",
            "Grade can be changed", "Last modified (submission)", "Last modified (grade)",
            "Feedback comments",
        ],
        "participant": "Participant ", "decimal": ".", "yes": "Yes", "no": "No",
        "status": "Submitted for grading", "date": "Friday, 9 October 2026, 9:30 AM",
    },
    "de": {
        "header": [
            "ID", "Vollständiger Name", "E-Mail-Adresse", "Status", "Bewertung", "Bestwertung",
            "Bewertung kann geändert werden", "Zuletzt geändert (Abgabe)",
            "Zuletzt geändert (Bewertung)", "Feedback als Kommentar",
        ],
        "participant": "Teilnehmer/in", "decimal": ",", "yes": "Ja", "no": "Nein",
        "status": "Zur Bewertung abgegeben", "date": "Freitag, 9. Oktober 2026, 09:30",
    },
    "zh": {
        "header": [
            "标识符", "全名", "Email地址", "状态", "成绩", "最高分", "允许更改成绩",
            "上次修改（作业）", "上次修改（评分）", "反馈评论",
        ],
        "participant": "参与人", "decimal": ".", "yes": "是", "no": "否",
        "status": "已提交 - 待评分", "date": "2026年10月9日 星期五 09:30",
    },
    "fr": {
        "header": [
            "Identifiant", "Nom complet", "Adresse de courriel", "Statut", "Note",
            "Note maximale", "La note peut être modifiée", "Dernière modification (travail remis)",
            "Dernière modification (note)", "Feedback par commentaires",
        ],
        "participant": "Participant", "decimal": ",", "yes": "Oui", "no": "Non",
        "status": "Remis pour évaluation", "date": "vendredi 9 octobre 2026, 09:30",
    },
}  # fmt: skip
NAMES = {"101": "Müller, Ana", "102": "Zoë “Z” O'Neil", "103": "王芳", "104": 'Lee "Bo" Kim'}
COMMENT = '<p>So far, so "good".</p>\n<p>Second line, with ; and ,</p>'


def mark(number, points, possible=24.0, lesson="02", file="02.ipynb", name=None):
    name = name or NAMES.get(number, f"Student {number}")
    lessons = (LessonMark(lesson, file, points, possible, ()),)
    return StudentMark(f"student-{number}", name, number, points, possible, lessons)


def moodle(language="en", grades=(), maximum=24.0, locked=(), bom=True, line_end="\n"):
    """A grading worksheet as Moodle exports it."""
    words = LANGUAGES[language]
    number = lambda value: f"{value:.2f}".replace(".", words["decimal"])  # noqa: E731
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=line_end)
    writer.writerow(words["header"])
    for identity, name in NAMES.items():
        grade = dict(grades).get(identity)
        writer.writerow([
            words["participant"] + identity, name, f"s{identity}@example.org", words["status"],
            "" if grade is None else number(grade), number(maximum),
            words["no" if identity in locked else "yes"], words["date"], "-",
            COMMENT if identity == "102" else "",
        ])  # fmt: skip
    return ("\ufeff" * bom + text.getvalue()).encode()


def taken_by_moodle(content, language, maximum=24.0):
    """The grades that Moodle's importer sets, by the number of a participant."""
    words = LANGUAGES[language]
    text = content.decode("utf-8").removeprefix("\ufeff")
    header, *rows = csv.reader(io.StringIO(re.sub("\r\n?", "\n", text)))
    places = {title.strip(): place for place, title in enumerate(header)}
    identity, grade, _ = (places[words["header"][place]] for place in (0, 4, 8))
    found = {}
    for row in rows:
        assert len(row) == len(header)  # else the whole import is refused
        written = row[grade].replace(" ", "").replace(words["decimal"], ".")
        if written == "" or not 0 <= float(written) <= maximum:
            continue
        found[row[identity][len(words["participant"]) :].strip()] = float(written)
    return found


def cells(content):
    """All cells of a file, and its bytes around them do not matter."""
    return [[cell.value for cell in row] for row in Sheet(content).rows]


def changed(before, after):
    """(row, column, old, new) of each cell that differs."""
    return [
        (y, x, old, new)
        for y, (first, second) in enumerate(zip(cells(before), cells(after), strict=True))
        for x, (old, new) in enumerate(zip(first, second, strict=True))
        if old != new
    ]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("bom", "line_end"), [(True, "\n"), (False, "\r\n")])
def test_moodle_takes_a_filled_worksheet_in_any_language(language, bom, line_end):
    export = moodle(language, bom=bom, line_end=line_end)
    filled = fill(export, [mark("101", 17.5), mark("103", 24), mark("104", 0)])
    assert taken_by_moodle(filled.content, language) == {"101": 17.5, "103": 24, "104": 0}
    assert filled.column == LANGUAGES[language]["header"][4]
    assert (filled.changed, filled.notes) == (3, ())
    assert {x for _, x, _, _ in changed(export, filled.content)} == {4}


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_other_bytes_stay(language):
    export = moodle(language, line_end="\r\n")
    filled = fill(export, [mark("102", 3)]).content
    decimal = LANGUAGES[language]["decimal"]
    grade = f'"3{decimal}00"' if decimal == "," else "3.00"
    row = re.search(b"102,.*?\r\n", export, re.DOTALL)[0]
    status = LANGUAGES[language]["status"].encode() + b","
    assert filled == export.replace(row, row.replace(status, status + grade.encode()))


def test_a_file_comes_out_of_its_cells_as_it_was():
    for content in (moodle(), moodle("de", bom=False), canvas(), canvas(separator=";")):
        sheet = Sheet(content)
        assert sheet.with_values({}) == content
        every = {cell: cell.value for row in sheet.rows for cell in row}
        assert sheet.with_values(every) == content


def test_cells_are_those_that_pythons_own_reader_finds():
    for separator in ",;":
        content = canvas(separator=separator)
        text = content.decode().removeprefix("\ufeff")
        assert cells(content) == list(csv.reader(text.splitlines(), delimiter=separator))
    text = moodle().decode().removeprefix("\ufeff")
    assert cells(moodle()) == list(csv.reader(io.StringIO(text, newline="")))


def test_the_workflow_and_the_groups_of_moodle_are_no_obstacle():
    """More columns: a group, a marker (empty), the state of marking, the text of an answer."""
    export = (
        b"Identifier,Full name,ID number,Status,Group,Marker,Grade,Maximum grade,"
        b"Marking workflow state,Grade can be changed,Last modified (grade)\r\n"
        b'Participant 7,Ada,4711,Submitted,B,,24.00,24.00,"In marking",No,-\r\n'
        b'Participant 8,Bo,4712,Submitted,B,,24.00,24.00,"In marking",Yes,-\r\n'
    )
    filled = fill(export, [mark("7", 3, name="Ada"), mark("8", 4, name="Bo")], replace=True)
    assert [(y, x, new) for y, x, _, new in changed(export, filled.content)] == [(2, 6, "4.00")]
    [note] = filled.notes
    assert "Ada (7): Moodle says that this grade can't be changed" in note


def test_a_cell_in_quotes_stays_in_quotes():
    export = b'"Identifier","Status","Grade","Maximum grade"\n"Participant 7","","","24.00"\n'
    ada = mark("7", 12, name="Participant")
    assert fill(export, [ada]).content == export.replace(b'"","24', b'"12.00","24')


def test_blind_marking_gives_no_names():
    export = (
        b"Identifier,Status,Grade,Maximum grade,Grade can be changed,Last modified (grade)\n"
        b"Participant 7,Submitted,,24.00,Yes,-\n"
    )
    somebody = mark("7", 12, name="Participant")
    assert b"Submitted,12.00,24.00" in fill(export, [somebody]).content
    german = export.replace(b"Participant 7", b"Teilnehmer/in7")
    somebody = mark("7", 12, name="Teilnehmerin")  # as Moodle makes it a file's name
    assert b"Submitted,12.00,24.00" in fill(german, [somebody]).content


def test_a_worksheet_of_one_student_and_a_whole_maximum():
    export = b"Teilnehmer/in,Name,Status,Punkte,Von,Geht\nTeilnehmer/in7,Ada,da,,24,Ja\n"
    assert b",da,12.5,24,Ja" in fill(export, [mark("7", 12.5, name="Ada")]).content


def test_an_unclear_column_is_asked_for():
    header = "Identifier,Name,Mark 1,Maximum 1,Mark 2,Maximum 2,Grade can be changed\n"
    export = (header + "Participant 7,Ada,,24.00,,24.00,Yes\n").encode()
    with pytest.raises(GradebookError, match="“Mark 1”, “Mark 2”. Say which with --column"):
        fill(export, [mark("7", 3, name="Ada")])
    filled = fill(export, [mark("7", 3, name="Ada")], column="mark 2")
    assert [x for _, x, _, _ in changed(export, filled.content)] == [4]
    with pytest.raises(GradebookError, match="no column “Mark 3”"):
        fill(export, [mark("7", 3, name="Ada")], column="Mark 3")


def test_a_grade_that_is_there_is_not_erased_unasked():
    export = moodle("de", grades={"101": 17.5, "102": 8})
    with pytest.raises(GradebookError) as refused:
        fill(export, [mark("101", 17.5), mark("102", 9), mark("103", 1)])
    assert "1 grade in “Bewertung” would be replaced" in str(refused.value)
    assert "O'Neil (102) has 8,00 there and 9 here" in str(refused.value)
    assert "17" not in str(refused.value)  # the same grade again is no conflict
    filled = fill(export, [mark("101", 17.5), mark("102", 9), mark("103", 1)], replace=True)
    assert taken_by_moodle(filled.content, "de") == {"101": 17.5, "102": 9, "103": 1}
    assert filled.changed == 2


def test_whoever_handed_in_nothing_keeps_an_empty_cell_and_strangers_are_not_added():
    export = moodle()
    marks = [mark("101", 3), mark("102", 0, file=""), mark("999", 5), mark("", 5)]
    filled = fill(export, marks)
    assert taken_by_moodle(filled.content, "en") == {"101": 3}
    assert filled.notes == (
        "Zoë “Z” O'Neil (102): no notebook was graded, so it was left as it is.",
        "Student 999 (999) is not in the file, and was not added.",
        "Student (without a number) is not in the file, and was not added.",
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_locked_grade_is_left_alone(language):
    export = moodle(language, grades={"101": 2}, locked={"101"})
    filled = fill(export, [mark("101", 3), mark("102", 4)], replace=True)
    assert taken_by_moodle(filled.content, language) == {"101": 2, "102": 4}
    assert len(filled.notes) == 1


def test_points_of_another_maximum_are_refused_or_converted():
    export = moodle("fr", maximum=100.0)
    with pytest.raises(GradebookError, match="counts up to 100 points, and this grading up to 24"):
        fill(export, [mark("101", 17)])
    filled = fill(export, [mark("101", 17), mark("102", 24)], scale=True)
    assert taken_by_moodle(filled.content, "fr", 100) == {"101": 70.83, "102": 100}


def test_more_points_than_the_maximum_are_refused():
    with pytest.raises(GradebookError, match="25 points, more than the column's maximum, 24"):
        fill(moodle(), [mark("101", 25)])


def test_points_that_no_binary_number_is_are_rounded_as_on_paper():
    assert taken_by_moodle(fill(moodle(), [mark("101", 0.1 + 0.2)]).content, "en") == {"101": 0.3}
    assert taken_by_moodle(fill(moodle(), [mark("101", 1.005)]).content, "en") == {"101": 1.01}


TEAMS = (
    b"Identifier,Full name,Status,Group,Grade,Maximum grade,Grade can be changed\n"
    b"Participant 7,Ada,Submitted,Red,,24.00,Yes\n"
    b"Participant 8,Bo,Submitted,Blue & green,,24.00,No\n"
    b"Participant 9,Cy,Submitted,Blue & green,,24.00,Yes\n"
    b"Participant 10,Di,Submitted,Default group,,24.00,Yes\n"
    b"Participant 11,Red,No submission,Other,,24.00,Yes\n"
)


def test_a_team_s_grade_goes_to_its_members_and_not_to_whoever_has_its_number():
    marks = [
        mark("9", 5, name="Red"),  # its own number is that of somebody of another team
        mark("11", 6, name="Blue green"),
        mark("", 7, name="Default group"),
        mark("10", 8, name="Gone"),
    ]
    filled = fill(TEAMS, marks)
    assert [(y, x, new) for y, x, _, new in changed(TEAMS, filled.content)] == [
        (1, 4, "5.00"), (3, 4, "6.00"), (4, 4, "7.00"),
    ]  # fmt: skip
    assert filled.notes == (
        "Blue green (8): Moodle says that this grade can't be changed, so it was left as it is.",
        "Gone (without a number) is not in the file, and was not added.",
    )
    assert members(TEAMS, marks) == {
        marks[0].key: ["7"], marks[1].key: ["8", "9"], marks[2].key: ["10"], marks[3].key: [],
    }  # fmt: skip


def test_students_of_one_name_are_no_team():
    export = TEAMS.replace(b"Ada", b"Cy").replace(b"Red", b"Blue & green")
    marks = [mark("7", 3, name="Cy"), mark("9", 4, name="Cy")]
    filled = fill(export, marks)
    assert [(y, new) for y, _, _, new in changed(export, filled.content)] == [
        (1, "3.00"), (3, "4.00"),
    ]  # fmt: skip
    assert members(export, marks) == {}


def test_a_number_under_another_name_is_left_alone():
    filled = fill(moodle(), [mark("101", 3, name="Red"), mark("103", 4)])
    assert taken_by_moodle(filled.content, "en") == {"103": 4}
    [note] = filled.notes
    assert "Red (101): the file has another name under this number" in note
    with pytest.raises(GradebookError, match=r"under other names: Red \(101\) is not named"):
        fill(moodle(), [mark("101", 3, name="Red"), mark("102", 4, name="Blue")])


@pytest.mark.parametrize(
    "name", ["Müller Ana", "Red-Müller, Ana", "Mu\u0308ller, Ana", "Participant", "…"]
)
def test_a_name_is_known_as_moodle_writes_it_into_files(name):
    assert taken_by_moodle(fill(moodle(), [mark("101", 3, name=name)]).content, "en") == {"101": 3}


# --- Canvas -------------------------------------------------------------------------------

TITLES = ["Lesson 01: data (901)", "Lesson 02 (902)", "Essay (903)"]


def canvas(separator=",", decimal=".", grades=(), possible=(12, 24, 10), split=False, bom=True):
    """A gradebook as Canvas exports it: two groups of columns, one of them worked out.

    grades: texts for "Lesson 02", by the student's id.
    """
    number = lambda value: f"{value:.2f}".replace(".", decimal)  # noqa: E731
    who = ["LastName", "FirstName"] if split else ["Student"]
    empty = [""] * split
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator="\n")
    writer.writerow([
        *who, "ID", "SIS User ID", "SIS Login ID", "Section", "Notes", *TITLES, "Current Score",
        "Final Score",
    ])  # fmt: skip
    writer.writerow(["", *empty, "", "", "", "", "", "Manual Posting", "", "", "", ""])
    read_only = ["(read only)", "(read only)"]
    writer.writerow(
        ["    Points Possible", *empty, "", "", "", "", "", *map(number, possible), *read_only]
    )
    for identity, name in NAMES.items():
        names = [*reversed(name.split(" ")[:2])] if split else [name]
        writer.writerow([
            *names, *([""] * (split and len(names) < 2)), identity, f"sis{identity}",
            f"s{identity}", "A and B", "", number(3), dict(grades).get(identity, ""), "EX",
            number(25), number(12),
        ])  # fmt: skip
    writer.writerow(["Student, Test", *empty, "990", "", "f00", "A", "", "", "", "", "", ""])
    return ("\ufeff" * bom + text.getvalue()).encode()


def taken_by_canvas(content, assignment="902"):
    """The grades that Canvas's importer reads for an assignment, by the student's id."""
    text = content.decode("utf-8").removeprefix("\ufeff")
    counts = {}
    for separator in ";,":
        lengths = {len(row) for row in csv.reader(text.splitlines()[:3], delimiter=separator)}
        counts[separator] = lengths.pop() if len(lengths) == 1 else 0
    separator = ";" if counts[";"] > counts[","] else ","
    header, *rows = csv.reader(text.splitlines(), delimiter=separator)
    identity = 2 if header[:2] == ["LastName", "FirstName"] else 1
    assert "Student" in header[0] or identity == 2
    assert header[identity] == "ID"
    assert "Section" in header
    known = {re.fullmatch(r"(.*) \((\d+)\)", title)[2]: place for place, title in enumerate(header)
             if re.search(r" \(\d+\)$", title)}  # fmt: skip
    assert set(known) == {"901", "902", "903"}  # any other header would make a new assignment
    found = {}
    for row in rows:
        if "Points Possible" in row[0]:
            continue
        if all(re.fullmatch(r"\s*(Muted|Manual Posting.*)?\s*", cell, re.I) for cell in row):
            continue
        grade = row[known[assignment]].strip()
        if re.fullmatch(r"-?[0-9.,]+%?", grade):
            *whole, last = re.split("[,.]", grade)
            grade = Decimal(".".join(["".join(whole), last]) if whole else last)
        if grade != "":
            found[row[identity]] = grade
    return found


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize(("separator", "decimal"), [(",", "."), (";", ","), (",", ","), (";", ".")])
def test_canvas_takes_a_filled_gradebook(separator, decimal, split):
    export = canvas(separator, decimal, split=split)
    filled = fill(export, [mark("101", 17.5), mark("103", 24), mark("104", 0)])
    assert taken_by_canvas(filled.content) == {"101": Decimal("17.5"), "103": 24, "104": 0}
    assert filled.column == "Lesson 02 (902)"
    assert {x for _, x, _, _ in changed(export, filled.content)} == {7 + split}
    assert taken_by_canvas(filled.content, "901") == taken_by_canvas(export, "901")
    assert f"17{decimal}50" in filled.content.decode()


def test_the_assignment_is_chosen_by_option_or_by_the_lesson():
    export = canvas(possible=(24, 24, 24))
    for lesson, place in (("01", 6), ("02", 7)):
        filled = fill(export, [mark("103", 3, lesson=lesson)], replace=True)
        assert {x for _, x, _, _ in changed(export, filled.content)} <= {place}
        assert filled.column == TITLES[place - 6]
    for wanted in ("essay", "903", "Essay (903)"):
        assert fill(export, [mark("103", 3)], column=wanted).column == "Essay (903)"
    with pytest.raises(GradebookError, match="not clear which assignment is meant.*“Essay"):
        fill(export, [mark("103", 3, lesson="04")])
    with pytest.raises(GradebookError, match="no assignments are called “Final Score”"):
        fill(export, [mark("103", 3)], column="Final Score")


def test_lesson_2_is_not_lesson_12():
    export = canvas().replace(b"Lesson 01: data (901)", b"Lesson 12 (901)")
    assert fill(export, [mark("103", 3)]).column == "Lesson 02 (902)"


def test_the_excused_and_whom_nothing_was_assigned_are_left_alone():
    export = canvas(grades={"101": "EX", "102": "N/A", "103": "-"})
    filled = fill(export, [mark(number, 3) for number in NAMES], replace=True)
    assert taken_by_canvas(filled.content) == {"101": "EX", "102": "N/A", "103": 3, "104": 3}
    excused, not_assigned = filled.notes
    assert "Canvas has the student excused" in excused
    assert "has not assigned" in not_assigned


def test_canvas_compares_two_decimals():
    export = canvas(grades={"101": "17.33"})
    filled = fill(export, [mark("101", 52 / 3)])
    assert (filled.changed, filled.content) == (0, export)


def test_letters_are_no_points():
    with pytest.raises(GradebookError, match="“B\\+” stands where points are expected"):
        fill(canvas(grades={"101": "B+"}), [mark("101", 3)])


def test_a_column_that_canvas_works_out_or_locks_is_never_filled():
    export = canvas().replace(b"24.00", b"(read only)").replace(b"Lesson 01: data", b"Final Score")
    export = export.replace(b"EX", b"")
    filled = fill(export, [mark("101", 3, possible=10)])
    assert filled.column == "Essay (903)"  # it alone is left
    assert {x for _, x, _, _ in changed(export, filled.content)} == {8}


# --- files that are neither ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds no table"),
        (b"PK\x03\x04\xff\xfe", "not in UTF-8"),
        ("Identifier,Größe,c,d\n".encode("cp1252"), "not in UTF-8"),
        (b"a,b,c\n1,2,3\n", "fewer than 4 columns. Export it again"),
        (b"a,b,c,d\n1,2,3,4\n", "neither Moodle's grading worksheet"),
        (b"Identifier,b,c,d\n", "neither Moodle's grading worksheet"),
        (b'Identifier,b,c,d\nParticipant 1,"x,3,4\n', "quotes do not match"),
        (b"Identifier,b,c,d\nParticipant 1,x,3\n", "3 cells and the header 4"),
        (b"Identifier,b,c,d\nParticipant 1,x,y,4\nPerson 2,x,,4\n", "neither Moodle's"),
        (b"Identifier,b,c,d\nParticipant 1,x,,A\n", "no column of grades"),
        (b"Identifier,b,c,d\nParticipant 1,x,,4\nParticipant 1,y,,4\n", "more than one row"),
        (
            b"Student,ID,Section,Lesson 02\n    Points Possible,,,24\nAda,1,B,\n",
            "no column is an assignment of Canvas",
        ),
        (b"Student,ID,SIS Login ID,Section,A (1)\nAda,7,a,B,\n", "“Points Possible” is missing"),
    ],
)
def test_a_file_that_is_no_gradebook_is_refused_with_a_reason(content, said):
    with pytest.raises(SheetError, match=said):
        fill(content, [mark("1", 3)])


def test_the_export_of_another_course_is_refused():
    with pytest.raises(GradebookError, match="none of the 2 students is in this file"):
        fill(moodle(), [mark("1", 3), mark("", 3)])


def test_two_submissions_of_one_number_are_refused():
    with pytest.raises(GradebookError, match="more than one submission belongs to the number 101"):
        fill(moodle(), [mark("101", 3), mark("101", 4)])
