"""The page on a class: its numbers are those of the marks, and it says when they say little."""

import re
import statistics

import invented_marks
import numpy
import pytest
from bs4 import BeautifulSoup

from mnist_course.assessment.verdict import Verdict
from mnist_course.exercises import EXERCISES
from mnist_course.grading import reports
from mnist_course.grading.class_page import class_page, discrimination
from mnist_course.grading.marks import (
    NOT_HANDED_IN,
    ExerciseMark,
    HiddenCase,
    LessonMark,
    StudentMark,
)

MANY, FEW = "output-size", "output-channels"
LONG = """
def convolve(images, kernels, biases):
    {a} = []
    for {b} in range(len(kernels)):
        {a}.append(corr2d_multi_in(images, kernels[{b}]) + biases[{b}])
    return torch.stack({a})
"""


def mark(name, verdict=Verdict.PASSED, points=None, **more):
    verdict = verdict if isinstance(verdict, str) else verdict.value
    possible = EXERCISES[name].points
    points = possible * (verdict == "passed") if points is None else points
    return ExerciseMark(name, verdict, points, possible, **more)


def student(key, *marks, file="02.ipynb", **more):
    points = sum(one.points for one in marks)
    lesson = LessonMark("02", file, points, 3.0, marks, **more)
    return StudentMark(key, f"Name of {key}", "", points, 3.0, (lesson,))


def page(*students):
    return BeautifulSoup(class_page(students, EXERCISES), "html.parser")


def words(node):
    text = " ".join(node.get_text(" ").split())
    return re.sub(r" ([.,:])", r"\1", text)


def article(soup, number="02.1"):
    return next(one for one in soup.select("article") if number in one.h3.get_text())


def test_what_was_found_is_counted_and_drawn():
    soup = page(
        student("a", mark(MANY)),
        student("b", mark(MANY)),
        student("c", mark(MANY, points=0.5)),
        student("d", mark(MANY, Verdict.MISTAKE, mistake="rounded up")),
        student("e", mark(MANY, Verdict.MISTAKE, mistake="rounded up")),
        student("f", mark(MANY, Verdict.MISTAKE, mistake="padding ignored")),
        student("g", mark(MANY, Verdict.SHAPE)),
        student("h", mark(MANY, Verdict.UNSOLVED)),
        student("i", mark(MANY, NOT_HANDED_IN), file=""),
    )
    one = article(soup)
    assert "solved by 2 of 8 (25 %)" in words(one)
    assert [words(li) for li in one.select(".legend li")] == [
        "2 × right", "1 × partly right", "3 × typical mistake", "1 × wrong shape", "1 × unsolved",
        "1 × not handed in",
    ]  # fmt: skip
    bars = [(float(bar["x"]), float(bar["width"])) for bar in one.select("svg.bar rect")]
    assert bars == [(0, 25), (25, 12.5), (37.5, 37.5), (75, 12.5), (87.5, 12.5)]
    assert words(one.summary) == "2 typical mistakes, made by 3 students"
    first, second = (words(li) for li in one.select(".mistakes li"))
    assert first.startswith("2 × rounded up. You round up where the formula rounds down.")
    assert second.startswith("1 × padding ignored.")
    assert [words(node) for node in soup.select(".tiles dd")[:2]] == ["9", "8"]


def test_times_are_beside_the_page(tmp_path):
    reports.write_times([], tmp_path)
    [link] = page(student("a", mark(MANY))).select("a[href$='.csv']")
    assert (tmp_path / link["href"]).is_file()


def test_what_hidden_cases_cost():
    hidden = [HiddenCase(1, "failed", 0.25), HiddenCase(2, "out of time", 0.25)]
    soup = page(
        student("a", mark(MANY, points=0.5, hidden=tuple(hidden))),
        student("b", mark(MANY, points=0.75, hidden=(hidden[0], HiddenCase(2, "passed", 0)))),
        student("c", mark(MANY, hidden=(HiddenCase(1, "passed", 0), HiddenCase(2, "passed", 0)))),
    )
    assert (
        "Hidden cases cost 2 students 0.75 points: case 1 failed twice, case 2 ran out of time "
        "once." in words(article(soup))
    )


def separated(solved, others, best=3.0, worst=1.0):
    """A class in which those who solved MANY earn `best` of 3 elsewhere, the others `worst`."""
    elsewhere = ["count-parameters", "class-accuracy"]

    def one(key, right, points):
        marks = [mark(name, "wrong values", points / 2) for name in elsewhere]
        return student(key, mark(MANY, Verdict.PASSED if right else Verdict.VALUE), *marks)

    return [one(f"s{n}", True, best) for n in range(solved)] + [
        one(f"o{n}", False, worst) for n in range(others)
    ]


def test_discrimination_is_the_point_biserial_correlation():
    marks = invented_marks.students(lessons=("02",))
    found = discrimination(marks, MANY)
    solved, rest = [], []
    for one in marks:
        [lesson] = one.lessons
        if lesson.file:
            [own] = [m for m in lesson.exercises if m.exercise == MANY]
            solved.append(own.points == own.possible)
            others = [m for m in lesson.exercises if m is not own]
            rest.append(sum(m.points for m in others) / sum(m.possible for m in others))
    assert found.correlation == pytest.approx(numpy.corrcoef(solved, rest)[0, 1])
    assert found.solved == pytest.approx(
        100 * statistics.mean(r for s, r in zip(solved, rest, strict=True) if s)
    )
    assert found.others == pytest.approx(
        100 * statistics.mean(r for s, r in zip(solved, rest, strict=True) if not s)
    )


def test_discrimination_in_words():
    apart = words(article(page(*separated(5, 6))))
    assert (
        "those who solved it earned 60 % of the other points, the others 20 % (r = 1.00)" in apart
    )
    assert "look at it" not in apart
    reverse = words(article(page(*separated(5, 6, best=1.0, worst=2.0))))
    assert "(r = −1.00). Those who did worse elsewhere solved it more often" in reverse
    assert "hardly tells" in words(article(page(*separated(5, 6, best=2.0, worst=2.0))))


@pytest.mark.parametrize(("solved", "others"), [(4, 20), (20, 4), (0, 0)])
def test_too_few_say_nothing(solved, others):
    marks = separated(solved, others) or [student("a", mark(MANY, NOT_HANDED_IN), file="")]
    assert discrimination(marks, MANY) is None
    if solved:
        assert "too few on one side to say" in words(article(page(*marks)))


def test_whoever_handed_in_nothing_does_not_count_as_one_who_failed():
    marks = separated(5, 5)
    missing = [
        student(f"m{n}", mark(MANY, NOT_HANDED_IN), mark("class-accuracy", NOT_HANDED_IN), file="")
        for n in range(9)
    ]
    assert discrimination(marks + missing, MANY) == discrimination(marks, MANY)


def test_what_could_not_be_judged_counts_for_nobody_and_against_nobody():
    marks = separated(5, 5)
    others = mark("class-accuracy", "wrong values"), mark("shift-each", Verdict.NOT_JUDGED)
    aside = [student(f"u{n}", mark(MANY, Verdict.NOT_JUDGED), *others) for n in range(9)]
    assert discrimination(marks + aside, MANY) == discrimination(marks, MANY)
    one = article(page(*marks, *aside))
    assert "solved by 5 of 10 (50 %)" in words(one)
    assert "9 × not judged" in words(one.select_one(".legend"))


def test_answers_alike_are_listed_with_how_many_share_them():
    soup = page(
        student("a", mark(FEW, source=LONG.format(a="maps", b="k"))),
        student("b", mark(FEW, source=LONG.format(a="result", b="index"))),
        student("c", mark(FEW, source="def convolve(a, b, c):\n    return a\n")),
    )
    [one] = soup.select(".alike li")
    assert (
        "02.3 Several output channels, 2 of 3 answers (30 pieces): Name of a, Name of b"
        in words(one)
    )
    assert "None were found." in words(page(student("a", mark(FEW))))


def test_the_table_of_students_and_remarks():
    late = student("b", mark(MANY, remark="Two answers."), late=True, remarks=("Older course.",))
    soup = page(student("c", mark(MANY, NOT_HANDED_IN), file=""), late)
    rows = [[words(cell) for cell in row.select("th, td")] for row in soup.select("tr")]
    assert rows == [
        ["Student", "Total", "Lesson 02"],
        ["Name of b", "1", "1 late"],
        ["Name of c", "0", "– nothing"],
    ]
    assert [words(li) for li in soup.select("h3:-soup-contains('Remarks') + ul li")] == [
        "Name of b: 02: Older course."
    ]
    assert soup.select_one("tbody a")["href"] == "feedback/b.html"


def test_the_histogram_counts_everyone_once():
    marks = [student(f"s{n}", mark(MANY, "wrong values", n / 4)) for n in range(13)]  # 0 to 3 of 3
    counts = [int(node.get_text()) for node in page(*marks).select(".histogram .count")]
    assert counts == numpy.histogram(numpy.arange(13) / 12, 10, (0, 1))[0].tolist()


def test_the_order_of_the_students_changes_no_byte():
    marks = invented_marks.students(12, lessons=("02",))
    assert class_page(marks, EXERCISES) == class_page(marks[::-1], EXERCISES)


def test_a_hostile_name_or_remark_does_nothing():
    hostile = "</td><script>alert(1)</script>\u202e\x00"
    lesson = LessonMark("02", "x", 0, 1, (), remarks=(hostile,))
    one = StudentMark("a b/c", hostile, "", 0, 1, (lesson,), (hostile,))
    soup = page(one, student("d", mark(MANY, remark=hostile)))
    assert not soup.select("script")
    assert "‹U+202E›‹U+0000›" in words(soup)
    assert soup.select_one("tbody a")["href"] == "feedback/a%20b_c.html"
