"""Findings become marks: points, hidden cases, weights, late rules, remarks."""

import pytest

from mnist_course.assessment.verdict import Verdict
from mnist_course.exercises import EXERCISES
from mnist_course.grading import hand_in
from mnist_course.grading.examination import Examined
from mnist_course.grading.findings import Finding
from mnist_course.grading.marking import MOST_REMARKS, mark
from mnist_course.grading.marks import NOT_HANDED_IN
from mnist_course.grading.policy import Policy
from mnist_course.grading.submissions import Submission

ROWS = [[[0.5, 0.25], 1]] * 3
PASSED = Finding(Verdict.PASSED, hidden=("passed", "crashed", "passed"))
LESSON = [name for name, one in EXERCISES.items() if one.lesson == "04"]
POSSIBLE = sum(EXERCISES[name].points for name in LESSON)


def examined(**findings):
    found = {name: findings.get(name.replace("-", "_"), Finding(Verdict.PASSED)) for name in LESSON}
    return Examined(found, {"04": ["04.ipynb"]})


def of(student, name):
    [found] = [one for one in student.lessons[0].exercises if one.exercise == name]
    return found


def test_a_hidden_case_that_fails_costs_its_part():
    own = Policy(("04",), hidden_share=0.5, cases={"early-stopping": ROWS})
    student = mark(Submission("Ada"), examined(early_stopping=PASSED), own)
    found = of(student, "early-stopping")
    assert [(one.number, one.outcome, one.cost) for one in found.hidden] == [
        (1, "passed", 0), (2, "crashed", 0.34), (3, "passed", 0),
    ]  # fmt: skip
    assert found.points == 1.66
    assert found.remark == "1 of 3 hidden cases: crashed"
    assert student.points == POSSIBLE - 0.34


def test_without_the_visible_cases_nothing_is_earned_and_each_part_is_named():
    own = Policy(("04",), hidden_share=0.25, cases={"early-stopping": ROWS})
    wrong = Finding(Verdict.VALUE, remark="All wrong.")
    found = of(mark(Submission("Ada"), examined(early_stopping=wrong), own), "early-stopping")
    assert (found.points, found.possible, found.remark) == (0, 2, "All wrong.")
    assert [one.outcome for one in found.hidden] == ["not run"] * 3
    assert round(sum(one.cost for one in found.hidden), 2) == 0.5


def test_weights_and_late_rule_apply_to_the_lesson():
    own = Policy(("04", "05"), weights={"04": 1.5, "05": 2}, late_percent=10)
    student = mark(Submission("Ada", "7", late=True), examined(), own)
    late, missing = student.lessons
    assert late.possible == 1.5 * POSSIBLE
    assert late.points == pytest.approx(1.5 * POSSIBLE * 0.9)
    assert late.late
    assert late.remarks == (f"late: 10 % of {1.5 * POSSIBLE:g} points taken off",)
    assert (missing.points, missing.file, missing.late) == (0, "", False)
    assert {one.verdict for one in missing.exercises} == {NOT_HANDED_IN}
    assert student.points == late.points
    assert student.possible == late.possible + missing.possible


def test_several_notebooks_of_a_lesson_are_named():
    found = examined()
    found.files["04"] = ["a.ipynb", "b.ipynb"]
    [lesson] = mark(Submission("Ada"), found, Policy(("04",))).lessons
    assert lesson.file == "a.ipynb"
    assert lesson.remarks == (
        "2 notebooks of this lesson, and the best answer to each exercise counts: a.ipynb, b.ipynb",
    )


def test_what_was_set_aside_is_not_judged_and_not_missing():
    student = mark(Submission("Ada", remarks=["set aside"]), None, Policy(("04",)))
    assert {one.verdict for one in student.lessons[0].exercises} == {"not judged"}
    assert student.remarks == ("set aside",)


def test_remarks_are_few_and_each_is_one_line():
    problems = ["a\nb\x1b[2J"] * 3 + [str(number) for number in range(100)]
    student = mark(Submission("=Ada\n", problems=problems), Examined(), Policy(("04",)))
    assert student.remarks[:2] == ("no notebook of a lesson was handed in", "a b [2J")
    assert len(student.remarks) == MOST_REMARKS + 1
    assert student.remarks[-1] == "and 84 more like these"


@pytest.mark.parametrize(("count", "words"), [(1, "opened once"), (3, "opened 3 times")])
def test_how_often_the_test_set_was_opened_is_remarked(count, words, monkeypatch):
    monkeypatch.setattr(Submission, "openings", count)
    [remark] = mark(Submission("Ada"), examined(), Policy(("04",))).remarks
    assert words in remark


@pytest.mark.parametrize(("stated", "told"), [("Bob\x1b[2J", True), ("ADA", False), ("", False)])
def test_the_name_in_a_hand_in_file_is_remarked_where_the_platform_gives_another(stated, told):
    """Several files called hand-in.zip, which came by mail, could not be told apart otherwise."""
    one = Submission("Ada", stated=hand_in.Stated("", stated, {}, None, {}, "", {}))
    remarks = mark(one, examined(), Policy(("04",))).remarks
    assert remarks == (("the hand-in file says that it is by Bob [2J",) if told else ())
