"""The teacher's own exported gradebook, filled in: Moodle's grading worksheet, Canvas's gradebook.

A gradebook is never written from nothing. Of the exported file only empty cells of one column are
filled, and whatever would erase or create something on the platform is refused or left alone.

What the platforms do with such a file is written in their sources: Moodle in
`mod/assign/gradingtable.php` (what is exported) and `mod/assign/feedback/offline/` (what is
imported), Canvas in `lib/gradebook_exporter.rb` and `lib/gradebook_importer.rb`.
"""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from mnist_course.grading.notebooks import one_line
from mnist_course.grading.sheet import Cell, Sheet, SheetError

HUNDREDTH = Decimal("0.01")  # both platforms show two decimals, and Canvas compares by them
# how Moodle says in "Grade can be changed" that one can't, in its most used languages
NO = {"no", "nein", "non", "não", "nee", "nej", "nei", "nie", "ne", "нет", "ні", "ei", "nem", "nu"}
NO |= {"όχι", "hayır", "لا", "לא", "否", "不", "いいえ", "아니오", "아니요", "không", "tidak"}
PARTICIPANT = re.compile(r"(\D+?)\s*(\d+)")  # "Participant 7", in the language of the site
ASSIGNMENT = re.compile(r"(.*) \((\d+)\)", re.DOTALL)  # "Lesson 02 (4711)"
# Canvas works these columns out, and takes no assignment whose title holds one of them
WORKED_OUT = re.compile(
    r"(Current|Final) (Score|Points|Grade)|Override (Score|Grade|Status)", re.IGNORECASE
)
NO_STUDENT = re.compile(r"\s*(Muted|Manual Posting.*)?\s*", re.IGNORECASE)
LISTED = 10  # conflicts; more would hide the sentence that says what to do


class GradebookError(SheetError):
    """A gradebook can't be filled in; the message says why, and what to do."""


@dataclass(frozen=True)
class Filled:
    """A gradebook filled in: the file's bytes, the column's name, how many cells are new."""

    content: bytes
    column: str
    changed: int
    notes: tuple[str, ...]  # a sentence for each student or grade that was left alone


@dataclass(frozen=True)
class _Column:
    """The column of grades, and what the file says about it."""

    name: str
    maximum: str  # as the file writes it
    cells: dict[str, Cell]  # by the student's number, for students that it can be filled in for
    kept: dict[str, str]  # why a grade can't be changed, by the student's number
    teams: dict[str, list[str]]  # the numbers of a team's members, by the key of its mark


def fill(content, marks, column="", replace=False, scale=False):
    """Fill grades into the bytes of an exported gradebook. Returns `Filled`.

    marks: of `StudentMark`, whose numbers are the platform's own. column: the name of the column
    to fill, needed where more than one can be meant. replace: whether a grade that is there, and
    differs, may be replaced. scale: whether points are brought from what the course gives to the
    column's maximum. Raises GradebookError, or SheetError for a file that is no table, and then
    nothing is filled in at all.
    """
    sheet = Sheet(content)
    _no_number_twice(marks)
    read = _canvas if _is_canvas(sheet.header) else _moodle
    found = read(sheet, column, marks)
    people = [
        (mark, number, _who(mark, number))
        for mark in marks
        for number in found.teams.get(mark.key, [mark.number]) or [""]
    ]
    if not any(number in found.cells or number in found.kept for _, number, _ in people):
        raise GradebookError(
            f"none of the {len(marks)} students is in this file. Is it the export of another "
            "course or assignment? Export it again from where these were handed in"
        )
    maximum = _number(found.maximum)
    notes, values, conflicts = [], {}, []
    for mark, number, who in people:
        if not any(lesson.file for lesson in mark.lessons):
            notes.append(f"{who}: no notebook was graded, so it was left as it is.")
        elif number in found.kept:
            notes.append(f"{who}: {found.kept[number]}, so it was left as it is.")
        elif number not in found.cells:
            notes.append(f"{who} is not in the file, and was not added.")
        else:
            cell = found.cells[number]
            grade = _grade(mark, maximum, scale)
            there = cell.value.strip()
            if there in ("", "-"):
                values[cell] = _text(grade, found.maximum)
            elif not _same(there, grade):
                conflicts.append(f"{who} has {there} there and {_plain(grade)} here")
                values[cell] = _text(grade, found.maximum)
    if conflicts and not replace:
        count = "1 grade" if len(conflicts) == 1 else f"{len(conflicts)} grades"
        raise GradebookError(
            f"{count} in “{found.name}” would be replaced: {'; '.join(conflicts[:LISTED])}"
            f"{'; …' if len(conflicts) > LISTED else ''}. To replace them, add --replace"
        )
    return Filled(sheet.with_values(values), found.name, len(values), tuple(notes))


def _no_number_twice(marks):
    """Raises GradebookError when two marks have the same number of the platform."""
    counts = Counter(mark.number for mark in marks if mark.number)
    if twice := sorted(number for number, count in counts.items() if count > 1):
        raise GradebookError(
            f"more than one submission belongs to the number {', '.join(twice)}. Keep the one that "
            "counts, and grade again"
        )


def _who(mark, number):
    return f"{one_line(mark.name, 100)} ({number or 'without a number'})"


# --- numbers ------------------------------------------------------------------------------


def _number(text):
    """A number as either platform writes it; None for anything else. "1 234,50" is 1234.50."""
    digits = re.sub(r"[\s\u00a0\u202f]", "", text).removesuffix("%")
    if not re.fullmatch(r"-?\d[\d.,]*", digits):
        return None
    *whole, last = re.split("[.,]", digits)
    return Decimal(".".join(["".join(whole), last]) if whole else last)


def _plain(number):
    """A number without needless zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _text(grade, like):
    """A grade as the file writes numbers: with its decimal sign, and at least its decimals."""
    text, sign = _plain(grade), re.search(r"([.,])(\d*)\s*$", like)
    if not sign:
        return text
    whole, _, decimals = text.partition(".")
    return f"{whole}{sign[1]}{decimals.ljust(len(sign[2]), '0')}"


def _grade(mark, maximum, scale):
    """The grade of a student, to two decimals. Raises GradebookError when it doesn't fit."""
    points, possible = Decimal(str(mark.points)), Decimal(str(mark.possible))
    if scale and maximum > 0 and possible > 0:
        points = points * maximum / possible
    elif possible != maximum:
        raise GradebookError(
            f"the column counts up to {_plain(maximum)} points, and this grading up to "
            f"{_plain(possible)}. Change the assignment's maximum on the platform and export "
            "again, or let the points be converted by --scale"
        )
    grade = points.quantize(HUNDREDTH, ROUND_HALF_UP)
    if grade > maximum:
        raise GradebookError(
            f"{_who(mark, mark.number)} has {_plain(grade)} points, more than the column's "
            f"maximum, {_plain(maximum)}. A platform would refuse them, or count them as a bonus; "
            "raise the maximum there and export again"
        )
    return grade


def _same(there, grade):
    """Whether the file has this grade already. Raises GradebookError for what is no number."""
    number = _number(there)
    if number is None:
        raise GradebookError(
            f"“{there}” stands where points are expected. An assignment that is graded by letters "
            "or by a scale can't be filled in with points"
        )
    return number.quantize(HUNDREDTH, ROUND_HALF_UP) == grade


# --- Moodle -------------------------------------------------------------------------------


def _moodle(sheet, wanted, marks):
    """The column of grades in Moodle's grading worksheet, whose header is in the site's language.

    It is known by what stands in it. The first column says "Participant N" in some language. A
    column of grades, empty or filled, is followed by one that repeats the same maximum.
    """
    rows = _participants(sheet)
    numbers, students = list(rows), list(rows.values())
    teams = _teams(rows, marks)
    fitting = [place for place in range(1, len(sheet.header) - 1) if _is_grade(students, place)]
    # equal grades look like a maximum to an empty column before them
    fitting = [place for place in fitting if place + 1 not in fitting]
    index = _one(sheet.header, fitting, wanted)
    kept, cells = {}, {}
    for number, row in zip(numbers, students, strict=True):
        # between the maximum and the answer there may be a column of the marking workflow
        if NO & {cell.value.strip().casefold() for cell in row[index + 2 : index + 4]}:
            kept[number] = "Moodle says that this grade can't be changed"
        else:
            cells[number] = row[index]
    if not teams:
        kept |= _other_names(rows, marks)
    return _Column(sheet.header[index], students[0][index + 1].value, cells, kept, teams)


def _participants(sheet):
    """The rows of Moodle's worksheet by the number of the participant, in their order."""
    students = sheet.rows[1:]
    _same_length(sheet, students)
    names = [PARTICIPANT.fullmatch(row[0].value.strip()) for row in students]
    if not students or not all(names) or len({name[1] for name in names if name}) > 1:
        raise GradebookError(
            "the file is neither Moodle's grading worksheet, whose first column says “Participant” "
            "and a number, nor Canvas's gradebook, which begins with Student and ID. How to export "
            "them is in docs/gradebooks.md"
        )
    numbers = [name[2] for name in names if name]
    _no_twice(numbers)
    return dict(zip(numbers, students, strict=True))


def members(content, marks):
    """The numbers of the members of each team, by the key of its mark.

    content: the bytes of Moodle's worksheet. It is empty where students hand in alone, and for any
    other file.
    """
    try:
        return _teams(_participants(Sheet(content)), marks)
    except SheetError:
        return {}


def _teams(rows, marks):
    """The same for the rows of a worksheet, by the number of the participant.

    Where teams hand in, the number in the name of a file is the team's own. The worksheet knows
    participants alone, so that the same number there is a stranger's. But it has a column with the
    name of each participant's team. The column of full names looks alike, only that there the name
    of a submission stands beside its own number.
    """
    names: dict[str, list] = {}
    for mark in marks:  # two students may have the same name
        names.setdefault(_letters(mark.name), []).append(mark)
    columns = []
    for place in range(1, min(map(len, rows.values()))):
        found: dict[str, list[str]] = {}
        for number, row in rows.items():
            for mark in names.get(_letters(row[place].value), []):
                found.setdefault(mark.key, []).append(number)
        columns.append(found)
    most = max(columns, key=len)
    own = sum(mark.number in most.get(mark.key, ()) for mark in marks)
    return {mark.key: most.get(mark.key, []) for mark in marks} if 2 * own < len(most) else {}


def _other_names(rows, marks):
    """Why a grade is left alone, by number: in the worksheet the number has another name.

    Raises GradebookError when that is so for all. A worksheet without names, as blind marking
    gives it, goes with submissions that are called as its first column calls each participant.
    """
    here = [mark for mark in marks if mark.number in rows]
    others = [mark for mark in here if not _is_named(mark, rows[mark.number])]
    if here and len(others) == len(here):
        mark = others[0]
        raise GradebookError(
            f"the numbers are in the file, but under other names: {_who(mark, mark.number)} is not "
            "named in the row of that number. Where teams hand in, a number in the zip is the "
            "team's; then export the worksheet of the same assignment, which names the teams"
        )
    return {mark.number: "the file has another name under this number" for mark in others}


def _is_named(mark, row):
    """Whether a row holds the name of a submission, which Moodle writes into files without signs.

    Older sites write the team before the name, and a long name is cut here.
    """
    name = _letters(mark.name)
    first = re.sub(r"\d+\s*$", "", row[0].value)  # "Participant", as blind marking names all
    for text in map(_letters, (first, *(cell.value for cell in row[1:]))):
        if name == text or (min(len(name), len(text)) > 1 and (name in text or text in name)):
            return True
    return not name


def _letters(name):
    """What is the same in a name and in a file's name that a platform makes of it."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFC", name).casefold()))


def _is_grade(students, place):
    """Whether a column may hold grades: numbers or nothing, and beside it the same maximum."""
    [maximum, *others] = {row[place + 1].value.strip() for row in students}
    most = _number(maximum)
    if others or most is None or most <= 0:
        return False
    grades = [row[place].value.strip() for row in students]
    numbers = [_number(grade) for grade in grades if grade not in ("", "-")]
    return all(number is not None and number <= most for number in numbers)


def _one(header, fitting, wanted):
    """The place of the one column that is meant. Raises GradebookError unless it is one."""
    if wanted:
        fitting = [place for place in fitting if header[place].casefold() == wanted.casefold()]
        if not fitting:
            raise GradebookError(
                f"there is no column “{wanted}” with grades and their maximum beside it. "
                f"The columns are {_named(header)}"
            )
    if not fitting:
        raise GradebookError(
            "no column of grades with a maximum beside it was found. An assignment that is graded "
            "by a scale has none; set its grade type to points in Moodle, and export again"
        )
    if len(fitting) > 1:
        raise GradebookError(
            f"more than one column may hold the grades: {_named(header[p] for p in fitting)}. "
            "Say which with --column"
        )
    return fitting[0]


def _named(names):
    return ", ".join(f"“{name}”" for name in names)


def _no_twice(numbers):
    if twice := sorted(number for number, count in Counter(numbers).items() if count > 1):
        raise GradebookError(f"the file has more than one row of the student {', '.join(twice)}")


def _same_length(sheet, rows):
    """Raise GradebookError for a row of a student that has too many or too few cells."""
    for row in rows:
        if len(row) != len(sheet.header):
            raise GradebookError(
                f"the row of “{one_line(row[0].value, 100)}” has {len(row)} cells and the header "
                f"{len(sheet.header)}. Export the file again"
            )


# --- Canvas -------------------------------------------------------------------------------


def _is_canvas(header):
    return header[:2] == ["Student", "ID"] or header[:3] == ["LastName", "FirstName", "ID"]


def _canvas(sheet, wanted, marks):
    """The column of an assignment in Canvas's gradebook, whose header is always in English."""
    identity = sheet.header.index("ID")
    above = [row for row in sheet.rows[1:] if "Points Possible" in row[0].value]
    if not above:
        raise GradebookError(
            "the row “Points Possible” is missing, by which Canvas tells what an assignment "
            "counts. Export the gradebook again"
        )
    students = [
        row
        for row in sheet.rows[1:]
        if row not in above and not all(NO_STUDENT.fullmatch(cell.value) for cell in row)
    ]
    _same_length(sheet, [*students, above[0]])
    fitting = [
        place
        for place, title in enumerate(sheet.header)
        if place > identity
        and _title_and_id(title)
        and not WORKED_OUT.search(title)
        and not re.search(r"read\s+only", above[0][place].value)
    ]
    index = _assignment(sheet.header, fitting, wanted, {x.lesson for m in marks for x in m.lessons})
    numbers = [row[identity].value.strip() for row in students]
    _no_twice([number for number in numbers if number])
    maximum = above[0][index].value
    if _number(maximum) is None:
        raise GradebookError(
            f"“{sheet.header[index]}” has no points possible. Set them in Canvas, and export again"
        )
    kept, cells = {}, {}
    for number, row in zip(numbers, students, strict=True):
        there = row[index].value.strip().upper()
        if there == "EX":
            kept[number] = "Canvas has the student excused"
        elif there == "N/A":
            kept[number] = "Canvas has not assigned this to the student, or hides the grade"
        else:
            cells[number] = row[index]
    return _Column(sheet.header[index], maximum, cells, kept, {})


def _assignment(header, fitting, wanted, lessons):
    """The place of the assignment's column: the one that is wanted, or that names the lesson."""
    titles = {place: _title_and_id(header[place]) for place in fitting}
    if not titles:
        raise GradebookError(
            "no column is an assignment of Canvas, which it calls “Title (number)”, so that it "
            "would make a new one. Export the gradebook again, and change no header"
        )
    if wanted:
        meant = [
            place
            for place, (title, identity) in titles.items()
            if wanted.casefold() in (header[place].casefold(), title.casefold(), identity)
        ]
        why = f"{len(meant) or 'no'} assignments are called “{wanted}”"
    else:
        meant = fitting
        if len(fitting) > 1 and len(lessons) == 1:
            number = rf"(?<!\d)0*{int(*lessons)}(?!\d)"
            meant = [place for place, (title, _) in titles.items() if re.search(number, title)]
        why = "it is not clear which assignment is meant"
    if len(meant) != 1:
        raise GradebookError(
            f"{why}. Say which with --column: {_named(header[place] for place in fitting)}"
        )
    return meant[0]


def _title_and_id(header):
    """What Canvas takes a header apart into; nothing when it names no assignment."""
    found = ASSIGNMENT.fullmatch(header)
    return found.groups() if found else ()
