"""The page on a class: what was solved, which mistakes were made, what needs a look."""

import statistics
from collections import Counter
from dataclasses import dataclass

from mnist_course.assessment.verdict import Verdict
from mnist_course.grading import alike
from mnist_course.grading.marks import NOT_HANDED_IN
from mnist_course.grading.pages import marked, page, points, state
from mnist_course.grading.submissions import safe_name

FEWEST = 5  # students on either side; with fewer, a comparison says more of them than of the task
WEAK = 0.2  # a correlation nearer to 0: it hardly matters how the students do elsewhere
COLUMNS = 10  # of the histogram
PARTLY = "partly right"
# what the bar calls a verdict; those in between are called as they are
FIRST = {Verdict.PASSED.value: "right", PARTLY: "partly", Verdict.MISTAKE.value: "mistake"}
LAST = {Verdict.UNSOLVED.value: "open", Verdict.NOT_JUDGED.value: "unknown"}
WORDS = {Verdict.PASSED.value: "right", Verdict.MISTAKE.value: "typical mistake"}
UNKNOWN = (NOT_HANDED_IN, Verdict.NOT_JUDGED.value)  # they say nothing of what a student can do
OUTCOMES = {"out of time": "ran out of time"}


def class_page(marks, exercises):
    """The page on a class, as bytes of HTML, for the teacher alone: it names students.

    marks: of `StudentMark`, in any order; exercises: dict from name to `Exercise`.
    """
    marks = in_order(marks)
    lessons = sorted({lesson.lesson for student in marks for lesson in student.lessons})
    graded = {
        mark.exercise
        for student in marks
        for lesson in student.lessons
        for mark in lesson.exercises
    }
    rows = [_row(marks, exercises[name]) for name in exercises if name in graded]
    groups = alike.groups(marks, exercises)
    names = {student.key: student.name for student in marks}
    return page(
        "class",
        students=[(student, _cells(student, lessons)) for student in marks],
        pages=page_names(marks),
        lessons=lessons,
        overview=_overview(marks),
        histogram=_histogram(marks),
        rows=rows,
        alike=[_alike(group, exercises, names) for group in groups],
        pairs=[(names[one], names[other], count) for one, other, count in alike.pairs(groups)],
        remarks=[(one.name, found) for one in marks if (found := _remarks(one))],
        fewest=FEWEST,
    )


def _remarks(student):
    """Remarks on what a student handed in. Those on single answers are in the table of points."""
    on_lessons = (f"{one.lesson}: {remark}" for one in student.lessons for remark in one.remarks)
    return [*student.remarks, *on_lessons]


def in_order(marks):
    """Students by name, whatever order they came in."""
    return sorted(marks, key=lambda one: (one.name.casefold(), one.key))


def page_names(marks):
    """The file's name of each student's page, by key: one that every system can write."""
    names: dict[str, str] = {}
    taken = set[str]()
    for student in marks:
        name = free = safe_name(student.key)
        number = 1
        while free.casefold() in taken:  # cut, or with other signs, two may be the same
            number += 1
            free = f"{name} ({number})"
        taken.add(free.casefold())
        names[student.key] = f"{free}.html"
    return names


def _cells(student, lessons):
    """The marks of a student's lessons, None where there is none, one for each column."""
    by_number = {lesson.lesson: lesson for lesson in student.lessons if lesson.file}
    return [by_number.get(lesson) for lesson in lessons]


def _handed_in(student):
    return any(lesson.file for lesson in student.lessons)


def _overview(marks):
    totals = [student.points for student in marks if _handed_in(student)]
    return {
        "students": len(marks),
        "handed_in": len(totals),
        "possible": points(max((student.possible for student in marks), default=0)),
        "mean": points(statistics.fmean(totals)) if totals else "–",
        "median": points(statistics.median(totals)) if totals else "–",
    }


def _histogram(marks):
    """How many students earned which share of the points, in tenths; the last holds 100 %."""
    shares = [one.points / one.possible for one in marks if _handed_in(one) and one.possible]
    counts = Counter(min(int(share * COLUMNS), COLUMNS - 1) for share in shares)
    tallest = max(counts.values(), default=1)
    step = 100 // COLUMNS
    return [
        {
            "from": place * step,
            "to": (place + 1) * step,
            "count": counts[place],
            "height": f"{counts[place] / tallest:.3f}",
        }
        for place in range(COLUMNS)
    ]


# --- one exercise -------------------------------------------------------------------------


def _row(marks, exercise):
    """What the page says of one exercise."""
    all_marks = [_mark_of(student, exercise.name) for student in marks]
    handed_in = [mark for mark in all_marks if mark and mark.verdict != NOT_HANDED_IN]
    judged = [mark for mark in handed_in if mark.verdict != Verdict.NOT_JUDGED.value]
    solved = sum(state(mark) == "right" for mark in judged)
    return {
        "number": exercise.number,
        "title": exercise.title,
        "points": exercise.points,
        "answered": len(judged),
        "missing": len(all_marks) - len(handed_in),
        "solved": solved,
        "share": round(100 * solved / len(judged)) if judged else None,
        "found": _found(handed_in),
        "mistakes": _mistakes(handed_in, exercise),
        "hidden": _hidden(handed_in),
        "discrimination": discrimination(marks, exercise.name),
    }


def _mark_of(student, name):
    return next(
        (mark for lesson in student.lessons for mark in lesson.exercises if mark.exercise == name),
        None,
    )


def _found(handed_in):
    """How often each verdict was given, the best first: for a bar, and in words."""
    counts = Counter(PARTLY if state(mark) == "partly" else mark.verdict for mark in handed_in)
    others = sorted(counts.keys() - FIRST.keys() - LAST.keys(), key=lambda one: (-counts[one], one))
    listed, place = [], 0.0
    for verdict in (*FIRST, *others, *LAST):
        if counts[verdict]:
            width = 100 * counts[verdict] / len(handed_in)
            listed.append({
                "name": WORDS.get(verdict, verdict), "count": counts[verdict],
                "fill": (FIRST | LAST).get(verdict, "other"),
                "place": f"{place:.2f}", "width": f"{width:.2f}",
            })  # fmt: skip
            place += width
    return listed


def _mistakes(handed_in, exercise):
    """The typical mistakes that were made, the most frequent first, with their hints."""
    hints = {mistake.name: mistake.hint for mistake in exercise.mistakes}
    counts = Counter(mark.mistake for mark in handed_in if mark.mistake)
    return [
        {"name": name, "count": count, "hint": marked(hints.get(name, ""), exercise.sections)}
        for name, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    ]


def _hidden(handed_in):
    """What hidden cases cost those who passed the visible ones; None when they cost nothing."""
    lost = [sum(case.cost for case in mark.hidden) for mark in handed_in]
    if not any(lost):
        return None
    outcomes = Counter(
        (case.number, OUTCOMES.get(case.outcome, case.outcome))
        for mark in handed_in
        for case in mark.hidden
        if case.cost
    )
    return {
        "students": sum(cost > 0 for cost in lost),
        "points": points(sum(lost)),
        "cases": [(*key, count) for key, count in sorted(outcomes.items())],
    }


# --- discrimination -----------------------------------------------------------------------


@dataclass(frozen=True)
class Discrimination:
    """How those who solved an exercise did in all others, compared with those who didn't.

    solved, others: mean shares of the other points, in per cent; correlation: point-biserial,
    between having solved it and the share of the other points, -1 to 1.
    """

    solved: float
    others: float
    correlation: float

    @property
    def judgement(self):
        """A word on it, and why a teacher may want to look at the exercise."""
        if self.correlation <= -WEAK:
            return (
                "Those who did worse elsewhere solved it more often, so have a look at it: is the "
                "text clear, and does the check take every right answer?"
            )
        if self.correlation < WEAK:
            return "It hardly tells who does well elsewhere."
        return ""


def discrimination(marks, name):
    """`Discrimination` of an exercise, among students whose answers were judged.

    None when too few of them solved it, or too few did not.
    """
    solved: list[float] = []
    others: list[float] = []
    for student in marks:
        mark, rest = None, []
        for one in (one for lesson in student.lessons for one in lesson.exercises):
            if one.exercise == name:
                mark = one
            elif one.verdict not in UNKNOWN:
                rest.append(one)
        possible = sum(one.possible for one in rest)
        if mark and mark.verdict not in UNKNOWN and possible:
            share = sum(one.points for one in rest) / possible
            (solved if state(mark) == "right" else others).append(share)
    if min(len(solved), len(others)) < FEWEST:
        return None
    try:
        flags = [1.0] * len(solved) + [0.0] * len(others)
        correlation = statistics.correlation(flags, solved + others)
    except statistics.StatisticsError:  # all did equally well elsewhere
        correlation = 0.0
    means = 100 * statistics.fmean(solved), 100 * statistics.fmean(others)
    return Discrimination(*means, correlation)


def _alike(group, exercises, names):
    exercise = exercises[group.exercise]
    return {
        "number": exercise.number,
        "title": exercise.title,
        "names": [names[key] for key in group.students],
        "size": group.size,
        "answered": group.answered,
        "right": group.right,
    }
