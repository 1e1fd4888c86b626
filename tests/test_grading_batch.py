"""A class is graded: once, again, after a change, and with an examiner that is lost."""

import csv
import hashlib
import io
import json
import threading
from pathlib import Path

import pytest
from classroom import Here, first, notebook, pack, right, wrong

from mnist_course import runtime
from mnist_course.assessment.verdict import Verdict
from mnist_course.exercises import EXERCISES
from mnist_course.grading import batch, records, reports, solutions, submissions
from mnist_course.grading.examiners import ExaminerLost
from mnist_course.grading.policy import Policy

LESSONS = ("01", "02", "03", "04", "05")
FOUR = Policy(("04",))
HIDDEN = {"early-stopping": [[[0.5, 0.25], 1], [[0.25, 0.5], 1]]}


@pytest.fixture
def folder(tmp_path):
    """Two students of lesson 04: Ada has all right, Bob has one wrong."""
    names = [name for name, one in EXERCISES.items() if one.lesson == "04"]
    for student, change in (("Ada_1", {}), ("Bob_2", {"leaky-relu": wrong("leaky-relu")})):
        own = tmp_path / "class" / f"{student}_assignsubmission_file"
        own.mkdir(parents=True)
        content = notebook({name: right(name) for name in names} | change)
        (own / "04.ipynb").write_bytes(content)
    return tmp_path / "class"


def graded(folder, to, policy=FOUR, examiners=None):
    """Marks of a class, and the examiner that was asked."""
    examiners = examiners or [Here()]
    marks, seconds = batch.grade(submissions.read(folder), policy, to, examiners)
    reports.write_all(marks, EXERCISES, to)
    reports.write_times(seconds, to)
    return marks, examiners[0]


def test_a_class_of_thirty_gets_what_it_has_earned(tmp_path):
    path = pack(tmp_path / "class.zip", 30, LESSONS)
    own = Policy(LESSONS, points={name: 0 for name in EXERCISES if name not in few()})
    marks, examiner = graded(path, tmp_path / "out", own)
    assert len(marks) == len(examiner.asked) == 30
    for student, mark in enumerate(marks):
        assert mark.number == str(1000 + student)
        expected = 0
        for lesson in LESSONS:
            for place, name in enumerate(first(lesson)):
                is_right = (student * (place + 1) + int(lesson)) % 4 < 2
                if is_right and (student + int(lesson)) % 7:
                    expected += EXERCISES[name].points
        assert mark.points == expected
    content = (tmp_path / "out" / "grades.csv").read_bytes()
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert len(rows) == 30 * 5
    assert {row["lesson"] for row in rows} == set(LESSONS)
    assert sum(float(row["points"]) for row in rows) == sum(mark.points for mark in marks)

    again, two = graded(path, tmp_path / "two", own, [Here(), Here()])
    assert again == marks
    assert (tmp_path / "two" / "grades.csv").read_bytes() == content
    graded(path, tmp_path / "out", own, [examiner])
    assert len(examiner.asked) == 30, "nothing is graded a second time"
    assert (tmp_path / "out" / "grades.csv").read_bytes() == content


def few():
    return {name for lesson in LESSONS for name in first(lesson)}


def test_only_the_submission_that_changed_is_graded_again(folder, tmp_path):
    before, examiner = graded(folder, tmp_path)
    [path] = (folder / "Bob_2_assignsubmission_file").iterdir()
    path.write_bytes(path.read_bytes().replace(b"nothing", b"something"))
    after, examiner = graded(folder, tmp_path, examiners=[examiner])
    assert after[0] == before[0]
    assert len(examiner.asked) == 3
    assert examiner.asked[2] == sorted(one.name for one in FOUR.exercises())


def test_a_mended_check_is_graded_again_alone_and_says_whose_points_changed(
    folder, tmp_path, monkeypatch
):
    marks, examiner = graded(folder, tmp_path)
    assert batch.changes(marks, tmp_path) == []
    own = EXERCISES["leaky-relu"].cases
    code = records.codes
    monkeypatch.setattr(records, "codes", lambda policy: {**code(policy), "leaky-relu": "mended"})
    monkeypatch.setattr(EXERCISES["leaky-relu"], "cases", own[:0])  # which nobody can fail
    marks, examiner = graded(folder, tmp_path, examiners=[examiner])
    assert examiner.asked[2:] == [["leaky-relu"]] * 2
    possible = sum(one.points for one in FOUR.exercises())
    assert batch.changes(marks, tmp_path) == [
        f"Bob 2: 04.1 0 → 1, all lessons {possible - 1} → {possible}"
    ]
    assert batch.changes(marks, tmp_path) == []


def test_what_an_exercise_is_worth_changes_without_grading_anything_again(folder, tmp_path):
    marks, examiner = graded(folder, tmp_path)
    batch.changes(marks, tmp_path)
    dearer = Policy(("04",), points={"leaky-relu": 5})
    marks, examiner = graded(folder, tmp_path, dearer, [examiner])
    assert len(examiner.asked) == 2
    assert len(batch.changes(marks, tmp_path)) == 1


def test_a_hidden_case_more_is_graded_where_it_is(folder, tmp_path):
    graded(folder, tmp_path)
    marks, examiner = graded(folder, tmp_path, Policy(("04",), cases=HIDDEN))
    assert examiner.asked == [["early-stopping"]] * 2
    [found] = [one for one in marks[0].lessons[0].exercises if one.exercise == "early-stopping"]
    assert [one.outcome for one in found.hidden] == ["passed", "passed"]
    assert found.points == found.possible


def test_an_answer_that_knows_the_visible_cases_alone_loses_the_hidden_share(folder, tmp_path):
    seen = repr({str(case.values): 0 for case in EXERCISES["early-stopping"].cases})
    cheats = right("early-stopping").replace(
        "):\n", f"):\n    if str((accuracies, patience)) not in {seen}: return -1\n", 1
    )
    [path] = (folder / "Ada_1_assignsubmission_file").iterdir()
    path.write_bytes(notebook({"early-stopping": cheats}))
    marks, _ = graded(folder, tmp_path, Policy(("04",), cases=HIDDEN, hidden_share=0.75))
    found = next(o for o in marks[0].lessons[0].exercises if o.exercise == "early-stopping")
    assert found.verdict == "passed"
    assert [(one.outcome, one.cost) for one in found.hidden] == [("failed", 0.75)] * 2
    assert found.points == 0.5
    assert "hidden" in found.remark
    assert "0.25" not in repr((found.explanation, found.remark, found.hint))


def test_a_damaged_record_is_made_anew(folder, tmp_path):
    marks, _ = graded(folder, tmp_path)
    for path in (tmp_path / "records").iterdir():
        path.write_text("{")
    again, examiner = graded(folder, tmp_path)
    assert again == marks
    assert len(examiner.asked) == 2


class Losing(Here):
    """Is lost over Ada's submission, so many times."""

    def __init__(self, times):
        super().__init__()
        self.times = times

    def ask(self, **task):
        [[place, _]] = task["paths"]
        is_ada = b"'nothing'" not in (Path(task["folder"]) / place).read_bytes()
        if is_ada and self.times:
            self.times -= 1
            raise ExaminerLost("killed\n")
        return super().ask(**task)


def test_a_lost_examiner_is_asked_again_and_then_the_submission_is_set_aside(folder, tmp_path):
    whole, _ = graded(folder, tmp_path / "whole")
    assert graded(folder, tmp_path / "once", examiners=[Losing(1)])[0] == whole
    marks, _ = graded(folder, tmp_path / "twice", examiners=[Losing(2)])
    assert marks[1] == whole[1]
    assert {one.verdict for one in marks[0].lessons[0].exercises} == {Verdict.NOT_JUDGED.value}
    assert "set aside" in marks[0].remarks[0]
    marks, examiner = graded(folder, tmp_path / "twice")
    assert marks == whole
    assert len(examiner.asked) == 1, "what was set aside is tried again, and nothing else"


class Failing(Here):
    def ask(self, **task):
        raise self.error


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, runtime.CourseError])
def test_whatever_interrupts_ends_every_examiner_and_keeps_what_is_graded(folder, tmp_path, error):
    failing = Failing()
    failing.error = error("stop")
    waiting = Waiting()
    with pytest.raises(error):
        batch.grade(submissions.read(folder), FOUR, tmp_path, [failing, waiting])
    assert failing.is_ended
    assert waiting.is_ended
    _, examiner = graded(folder, tmp_path)
    assert len(examiner.asked) == 2


class Waiting(Here):
    """Answers only when it is ended, as a process that is killed does."""

    def __init__(self):
        super().__init__()
        self.ended = threading.Event()

    def ask(self, **task):
        self.ended.wait()
        raise ExaminerLost("killed")

    def end(self):
        super().end()
        self.ended.set()


# --- before anybody is graded -------------------------------------------------------------


def test_the_solutions_score_full_marks():
    examiner = Here()
    batch.preflight(Policy(cases=HIDDEN), [examiner])
    assert sorted(sum(examiner.asked, [])) == sorted(EXERCISES)


def test_a_machine_that_lacks_something_grades_nobody(monkeypatch):
    source = solutions.source
    monkeypatch.setattr(
        solutions, "source",
        lambda one: "import no_such_package" if one.name == "leaky-relu" else source(one),
    )  # fmt: skip
    with pytest.raises(runtime.CourseError) as error:
        batch.preflight(FOUR, [Here()])
    assert "nobody was graded" in str(error.value)
    assert "04.1 leaky-relu: " in str(error.value)
    assert "no_such_package" in str(error.value)
    assert "04.2" not in str(error.value)
    assert "doctor" in str(error.value)


class Busy(Here):
    """The time of one answer runs out when it is first asked."""

    def ask(self, **task):
        found = super().ask(**task)
        if len(self.asked) == 1:
            found["findings"]["leaky-relu"]["verdict"] = Verdict.TIME.value
        return found


def test_a_machine_that_was_busy_for_a_moment_is_asked_once_more():
    busy = Busy()
    batch.preflight(FOUR, [busy])
    assert busy.asked == [sorted(one.name for one in FOUR.exercises()), ["leaky-relu"]]


def test_a_hidden_case_that_does_not_fit_is_named():
    own = Policy(("04",), cases={"early-stopping": [[[0.5], 1], ["abc", "x"]]})
    with pytest.raises(runtime.CourseError, match="hidden case 2 of early-stopping does not fit"):
        batch.preflight(own, [Here()])


def test_each_machine_of_a_cluster_grades_all_solutions():
    one, other = Here(), Here()
    batch.preflight(FOUR, [one, other], everywhere=True)
    assert one.asked == other.asked == [sorted(e.name for e in FOUR.exercises())]


@pytest.mark.parametrize("everywhere", [False, True])
def test_the_solutions_are_parsed_on_one_thread(monkeypatch, everywhere):
    threads, make = [], solutions.submission
    monkeypatch.setattr(
        solutions, "submission", lambda part: threads.append(threading.get_ident()) or make(part)
    )
    batch.preflight(Policy(("03", "04")), [Here(), Here()], everywhere)
    assert set(threads) == {threading.get_ident()}


# --- the files ----------------------------------------------------------------------------


def test_a_name_that_begins_as_a_formula_stays_a_text_in_the_table(tmp_path):
    own = tmp_path / "class" / "=HYPERLINK(1)_1_assignsubmission_file"
    own.mkdir(parents=True)
    (own / "04.ipynb").write_bytes(notebook({"leaky-relu": right("leaky-relu")}))
    graded(tmp_path / "class", tmp_path / "out")
    for name in ("grades.csv", "times.csv"):
        rows = csv.reader(io.StringIO((tmp_path / "out" / name).read_text("utf-8-sig")))
        assert {row[0].removesuffix(" 1") for row in rows} == {"student", "'=HYPERLINK(1)"}


def test_records_hold_nothing_that_python_would_run(folder, tmp_path):
    graded(folder, tmp_path)
    for path in (tmp_path / "records").iterdir():
        assert path.suffix == ".json"
        assert json.loads(path.read_text())["key"] in ("Ada 1", "Bob 2")


def test_the_code_of_an_exercise_decides_on_its_digest(monkeypatch):
    before = records.codes(FOUR)
    assert before == records.codes(FOUR)
    assert len(set(before.values())) == len(before)
    monkeypatch.setattr(EXERCISES["leaky-relu"], "title", "Another title")
    after = records.codes(FOUR)
    assert {name for name in before if before[name] != after[name]} == {"leaky-relu"}
    with_cases = records.codes(Policy(("04",), cases=HIDDEN))
    assert with_cases["early-stopping"] != before["early-stopping"]
    monkeypatch.setattr(records, "engine", lambda: hashlib.sha256(b"mended").hexdigest())
    assert not set(records.codes(FOUR).values()) & {*before.values(), *after.values()}
