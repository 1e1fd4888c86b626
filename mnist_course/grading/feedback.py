"""What a student gets back: a page on every exercise, and all pages as Moodle takes them.

A page holds the marks of one student alone. Of a hidden case it says what became of it and what
that cost, never what the case was.
"""

import io
import re
import textwrap
import zipfile

from mnist_course.assessment.verdict import Verdict
from mnist_course.grading.marks import NOT_HANDED_IN
from mnist_course.grading.pages import heading_alone, marked, page, points, state

LONGEST = 20_000  # characters of an answer that are shown
SIGNS = {"right": "✓", "partly": "◐", "wrong": "✗", "open": "○", "unknown": "?"}
LABELS = {
    "right": "right",
    "partly": "partly right",
    "wrong": "not right yet",
    "open": "not solved yet",
    "unknown": "could not be checked",
}
OUTCOMES = {
    "failed": "gave another result",
    "crashed": "stopped with an exception",
    "out of time": "took too long and was stopped",
    "printed too much": "printed too much",
    "not run": "was not run",
}
# verdicts that a student is told in the label; the others say nothing that the text does not say
TOLD = {
    one.value
    for one in Verdict
    if one not in (Verdict.PASSED, Verdict.UNSOLVED, Verdict.MISTAKE, Verdict.NOT_JUDGED)
}


def feedback_page(student, exercises):
    """The page of one student, as bytes of HTML.

    student: a `StudentMark`; exercises: dict from name to `Exercise`.
    """
    reading: dict[tuple[str, str], list[str]] = {}  # exercises' numbers by lesson and section
    lessons = [_lesson(lesson, exercises, reading) for lesson in student.lessons]
    return page(
        "feedback",
        student=student,
        lessons=lessons,
        summary=_summary(student),
        reading=[
            {
                "id": _place(lesson, section),
                "lesson": lesson,
                "heading": heading_alone(_sections(exercises, lesson)[section]),
                "exercises": list(dict.fromkeys(numbers)),
            }
            for (lesson, section), numbers in sorted(
                reading.items(), key=lambda one: _order(exercises, *one[0])
            )
        ],
    )


def _sections(exercises, lesson):
    return next(one.sections for one in exercises.values() if one.lesson == lesson)


def _order(exercises, lesson, section):
    return lesson, list(_sections(exercises, lesson)).index(section)


def _place(lesson, section):
    """The id of a section in the list of what to read again."""
    return f"read-{lesson}-{section}"


def _summary(student):
    """One or two sentences on the whole, without praise that nobody earned and without blame."""
    states = [state(mark) for lesson in student.lessons for mark in lesson.exercises]
    right = states.count("right")
    if states.count("unknown") == len(states):
        return "What you handed in could not be graded. Ask your teacher."
    if not any(lesson.file for lesson in student.lessons):
        return "No notebook was found in what you handed in. If there was one, tell your teacher."
    if right == len(states):
        return "Everything is right. Well done!"
    text = f"You solved {right} of {len(states)} exercises."
    if states.count("open") == len(states):
        return f"{text} Start with one of the first exercises of a lesson; they are the shortest."
    return f"{text} For the others, this page says what happened and where to read on."


def _lesson(lesson, exercises, reading):
    earned = sum(mark.points for mark in lesson.exercises)
    possible = sum(mark.possible for mark in lesson.exercises)
    same = (points(earned), points(possible)) == (points(lesson.points), points(lesson.possible))
    return {
        "mark": lesson,
        "missing": all(mark.verdict == NOT_HANDED_IN for mark in lesson.exercises),
        "before": None if same else (points(earned), points(possible)),
        "exercises": [
            _exercise(mark, exercises[mark.exercise], reading) for mark in lesson.exercises
        ],
    }


def _exercise(mark, exercise, reading):
    """What the page says of one exercise. Notes in `reading` which sections it mentions."""
    kind = state(mark)

    def link(section):
        reading.setdefault((exercise.lesson, section), []).append(exercise.number)
        return f"#{_place(exercise.lesson, section)}"

    if kind != "right":
        link(exercise.section)
    sentence, _, example = mark.explanation.strip().partition("\n")
    label = NOT_HANDED_IN if mark.verdict == NOT_HANDED_IN else LABELS[kind]
    if kind == "wrong" and mark.verdict in TOLD:
        label = f"{label}: {mark.verdict}"
    source = "" if mark.verdict == Verdict.UNSOLVED.value else mark.source.strip("\r\n")
    return {
        "mark": mark,
        "id": f"exercise-{exercise.number.replace('.', '-')}",
        "number": exercise.number,
        "title": exercise.title,
        "state": kind,
        "sign": SIGNS[kind],
        "label": label,
        "explanation": marked(sentence, exercise.sections, link),
        "example": textwrap.dedent(example),
        "hint": marked(mark.hint.strip(), exercise.sections, link),
        "hidden": _hidden(mark),
        "source": source[:LONGEST],
        "cut": len(source) > LONGEST,
    }


def _hidden(mark):
    """What became of the hidden cases: a sentence, and one for each that was not passed."""
    if not mark.hidden:
        return None
    passed = sum(case.outcome == "passed" for case in mark.hidden)
    count = len(mark.hidden)
    if passed == count:
        return {"sentence": f"It passed all {count} hidden cases." if count > 1 else
                "It passed the hidden case.", "failed": []}  # fmt: skip
    failed = [
        (case.number, OUTCOMES.get(case.outcome, case.outcome), points(case.cost))
        for case in mark.hidden
        if case.outcome != "passed"
    ]
    return {"sentence": f"It passed {passed} of {count} hidden cases.", "failed": failed}


# --- Moodle's feedback files --------------------------------------------------------------


def feedback_zip(pages):
    """The zip that Moodle takes under "Upload multiple feedback files in a zip", as bytes.

    pages: list of (`StudentMark`, bytes of the page), of students with a number. The folder is
    called as Moodle calls a student's folder in its own zip of all submissions, since 4.1:
    `Full Name_NUMBER_assignsubmission_file` (its `mod/assign/feedback/file/importziplib.php`).
    Nothing is compressed and no time is stored, so that the same pages give the same bytes.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for student, made in pages:
            entry = zipfile.ZipInfo(f"{_folder(student)}/feedback.html")  # of 1 January 1980
            entry.create_system = 3  # as on Linux, whatever this machine is
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, made)
    return content.getvalue()


def _folder(student):
    """A student's folder: Moodle finds the number between the first and the second `_`."""
    name = re.sub(r'[_\s\\/:*?"<>|\x00-\x1f\x7f]+', " ", student.name).strip(" .") or "Participant"
    return f"{name}_{student.number}_assignsubmission_file"
