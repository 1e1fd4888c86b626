"""Hostile submissions get the right mark, harm no other answer, and leave nothing behind."""

import json
import sys
import tempfile
from pathlib import Path

import hostile
import psutil
import pytest

from mnist_course import runtime
from mnist_course.assessment import display, hidden_cases
from mnist_course.assessment.comparison import difference
from mnist_course.assessment.judgement import judge
from mnist_course.assessment.observation import Attempt, Ending, reference_value
from mnist_course.assessment.verdict import Result, Verdict
from mnist_course.exercises import EXERCISES
from mnist_course.grading import notebooks, processes, sandbox, supervision

NO_SANDBOX = sandbox.problem()
pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"),
    reason="elsewhere an answer can disturb the ones after it in the same notebook",
)
PROCESSES = 1 if NO_SANDBOX else 3  # of a worker that waits: its own, and bubblewrap's two


@pytest.fixture(scope="module", autouse=True)
def small_limits():
    """Limits that are soon reached. An honest answer needs far less, also on a slow machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(supervision, "PROCESSOR", 3)
        patch.setattr(supervision, "MEMORY", 1_500_000_000)
        yield


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """One worker for all submissions, so that each could harm those after it."""
    temporary = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(temporary))
        with supervision.Session() as session:
            yield session
        assert list(temporary.iterdir()) == []
        for one in psutil.Process().children(recursive=True):
            assert "mnist_course.grading.worker" not in one.cmdline()


def written(folder, submission):
    """The path of a submission's notebook, written into a folder."""
    content = submission.make()
    path = folder / "04.ipynb"
    path.write_bytes(content if type(content) is bytes else json.dumps(content).encode())
    for name, text in (submission.files or {}).items():
        (folder / name).write_text(text, encoding="utf-8")
    return path


def marked(session, path, names):
    """Points by exercise, and all that is said of the answers.

    As in grading, the hidden cases are tried after the visible ones, on answers that passed these.
    """
    notebook = notebooks.read(path)
    assert set(names) <= set(notebooks.exercises_of(notebook, EXERCISES))
    told = session.run(notebook.cells, names, path.parent, {})
    points, said = dict.fromkeys(names, 0), [*notebook.remarks]
    for name in names:
        passed = False
        for one in told[name]:
            result = judged(EXERCISES[name], one)
            passed = passed or result.verdict is Verdict.PASSED
            said += [result.sentence, result.hint, result.got]
        if passed:
            again = session.run(notebook.cells, [name], path.parent, hostile.CASES)[name]
            outcome = any(passes_hidden_cases(EXERCISES[name], one) for one in again)
            points[name] = EXERCISES[name].points * outcome
            said.append("" if outcome else "a hidden case failed")
    return points, notebooks.one_line(display.plain(" ".join(said), {}), 3_000)


def judged(exercise, told):
    """The `Result` of one answer by the visible cases."""
    if "error" in told:
        return Result(exercise.name, Verdict(told["verdict"]), 0, sentence=told["error"])
    try:
        return judge(exercise, Attempt.decoded(told["attempt"]))
    except (ValueError, RecursionError):
        return Result(exercise.name, Verdict.NOT_JUDGED, 0, sentence="it disturbed its check")


def passes_hidden_cases(exercise, told):
    if "error" in told:
        return False
    cases = hidden_cases.decoded(exercise, hostile.CASES[exercise.name])
    seen = Attempt.decoded(told["attempt"]).observations[len(exercise.cases) :]
    return len(seen) == len(cases) and all(
        one.ending is Ending.RETURNED
        and difference(reference_value(exercise, exercise.reference, case), one.returned) is None
        for case, one in zip(cases, seen, strict=True)
    )


def running(session):
    """Processes of a session beside its waiting worker, and any that have left it."""
    if session._worker is None:
        return []
    below = processes.below(session._worker.process)
    known = {one.pid for one in below}
    lost = [one for one in processes.marked(session._worker.mark) if one.pid not in known]
    return below[PROCESSES:] + lost


def parametrized(waits):
    return pytest.mark.parametrize(
        "submission",
        [
            pytest.param(one, id=name, marks=pytest.mark.skipif(
                one.sandboxed and bool(NO_SANDBOX), reason=f"no sandbox here: {NO_SANDBOX}"))
            for name, one in hostile.SUBMISSIONS.items() if one.waits == waits
        ],
    )  # fmt: skip


@parametrized(waits=False)
def test_a_hostile_submission_gets_its_mark(tmp_path, session, submission):
    path = written(tmp_path, submission)
    if not submission.points:
        with pytest.raises(runtime.CourseError, match=submission.remark):
            notebooks.read(path)
        return
    points, said = marked(session, path, list(submission.points))
    assert points == submission.points, said
    assert submission.remark in said
    assert said.isprintable()
    assert running(session) == []


@parametrized(waits=True)
def test_an_answer_that_only_waits_is_ended_by_the_clock(
    tmp_path, session, monkeypatch, submission
):
    path = written(tmp_path, submission)
    with monkeypatch.context() as patch:
        patch.setattr(supervision, "SECONDS_FOR_AN_ANSWER", 2)
        points, said = marked(session, path, [hostile.ATTACKED])
    assert points == {hostile.ATTACKED: 0}
    assert submission.remark in said
    assert marked(session, path, [hostile.HONEST])[0] == {hostile.HONEST: 2}
    assert running(session) == []


def test_there_are_enough_of_them():
    assert len(hostile.SUBMISSIONS) >= 40


def test_no_answer_has_written_into_the_course():
    assert not list(Path(runtime.__file__).parent.rglob("left-by-an-answer"))
