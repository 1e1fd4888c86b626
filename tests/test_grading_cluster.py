"""Grading on a Dask cluster: the same results, also when a worker dies in the midst of it."""

import contextlib
import json
import os

import psutil
import pytest
from classroom import Here, handed_in, notebook, right

distributed = pytest.importorskip("distributed")
dask = pytest.importorskip("dask")

from mnist_course import runtime  # noqa: E402
from mnist_course.assessment.verdict import Verdict  # noqa: E402
from mnist_course.exercises import EXERCISES  # noqa: E402
from mnist_course.grading import batch, cluster, reports, sandbox, submissions  # noqa: E402
from mnist_course.grading.examiners import ExaminerLost  # noqa: E402
from mnist_course.grading.policy import Policy  # noqa: E402

# Dask's own: it is imported and ended inside of tests in which every warning is an error.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:distributed"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
OWN = Policy(("04",), cases={"early-stopping": [[[0.5, 0.25], 1]]})
NEVER = "while True: pass"


@pytest.fixture
def workers():
    """A cluster of two worker processes on this machine."""
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None,
            host="127.0.0.1",
        ) as here,
    ):  # fmt: skip
        yield here


@pytest.fixture
def folder(tmp_path):
    """Four students of lesson 04."""
    for student in range(4):
        own = tmp_path / "class" / f"Student {student}_{student}_assignsubmission_file"
        own.mkdir(parents=True)
        for name, content in handed_in(student, ["04"]):
            (own / name).write_bytes(content)
    return tmp_path / "class"


def graded(folder, to, examiners):
    marks, _ = batch.grade(submissions.read(folder), OWN, to, examiners)
    reports.write_all(marks, EXERCISES, to)
    return {
        path.relative_to(to): path.read_bytes()
        for path in to.rglob("*")
        if path.is_file() and "records" not in path.parts
    }


def dies_at_work(times, notes):
    """A task in place of `cluster.examine`, which kills its worker in the midst of it.

    times: how often, in all of the cluster. notes: an empty folder, in which each worker that dies
    notes the numbers of the processes that ran below it.
    """

    def examine(files, task):  # it travels to the workers, where there are no tests
        import json
        import os
        import signal
        import threading
        import time
        from pathlib import Path

        import psutil

        from mnist_course.grading import cluster

        for number in range(times):
            try:
                note = open(Path(notes, str(number)), "x")
            except FileExistsError:  # that one has died already
                continue
            work = threading.Thread(target=cluster.examine, args=(files, task), daemon=True)
            work.start()
            here = psutil.Process()
            while work.is_alive() and len(here.children(recursive=True)) < 2:
                time.sleep(0.01)  # until its examiner is at work
            note.write(json.dumps([one.pid for one in here.children(recursive=True)]))
            note.close()
            os.kill(os.getpid(), signal.SIGKILL)
        return cluster.examine(files, task)

    return examine


def left_of(notes):
    """The processes that still run below workers that have died, and the number of these."""
    found, paths = [], list(notes.iterdir())
    for pid in [pid for path in paths for pid in json.loads(path.read_text())]:
        with contextlib.suppress(psutil.Error):
            found.append(psutil.Process(pid))
    return found, len(paths)


@pytest.fixture
def notes(tmp_path):
    (tmp_path / "notes").mkdir()
    return tmp_path / "notes"


@pytest.mark.skipif(bool(sandbox.problem()), reason=f"no sandbox here: {sandbox.problem()}")
@pytest.mark.skipif(os.name == "nt", reason="Windows kills in another way")
def test_a_worker_that_is_killed_changes_no_result(workers, folder, tmp_path, notes, monkeypatch):
    expected = graded(folder, tmp_path / "here", [Here()])
    with cluster.Cluster(workers.scheduler_address) as found:
        batch.preflight(OWN, found.each, everywhere=True)
        assert len(found.each) == len(found.examiners) == 2
        monkeypatch.setattr(cluster, "examine", dies_at_work(1, notes))
        assert graded(folder, tmp_path / "there", found.examiners) == expected
        pids = found.client.run(os.getpid).values()
        below = [one for pid in pids for one in psutil.Process(pid).children(recursive=True)]
    left, died = left_of(notes)
    assert died == 1
    assert below, "the examiners wait for more"
    assert psutil.wait_procs([*left, *below], timeout=120)[1] == []


@pytest.mark.skipif(os.name == "nt", reason="Windows kills in another way")
def test_a_submission_that_ends_worker_after_worker_is_set_aside(
    workers, tmp_path, notes, monkeypatch
):
    """The task itself kills the workers here, since no submission that is known of can."""
    hostile = tmp_path / "class" / "Mallory_1_assignsubmission_file"
    hostile.mkdir(parents=True)
    (hostile / "04.ipynb").write_bytes(notebook({"leaky-relu": NEVER}))
    monkeypatch.setattr(cluster, "examine", dies_at_work(9, notes))
    with cluster.Cluster(workers.scheduler_address, sandboxed=False) as found:
        marks, _ = batch.grade(
            submissions.read(tmp_path / "class"), OWN, tmp_path / "to", found.examiners
        )
    assert {one.verdict for one in marks[0].lessons[0].exercises} == {Verdict.NOT_JUDGED.value}
    assert "set aside" in marks[0].remarks[0]
    assert "several workers" in marks[0].remarks[0]
    left, died = left_of(notes)
    assert died == 2, "no more than may fail"
    assert psutil.wait_procs(left, timeout=120)[1] == []


class Gone:
    """A client whose scheduler has gone, and what it is asked."""

    def __init__(self):
        self.client, self.distributed = self, distributed
        self.said = []

    def submit(self, *arguments, **named):
        self.said.append("asked")
        return self

    def result(self, timeout):
        raise distributed.client.FutureCancelledError("examine", "scheduler-connection-lost")

    def release(self):
        self.said.append("let go")


def test_a_scheduler_that_has_gone_costs_no_student_a_point(tmp_path):
    gone = Gone()
    examiner = cluster.RemoteExaminer(gone)
    with pytest.raises(runtime.CourseError, match="scheduler of the cluster has gone"):
        examiner.ask(folder=tmp_path, paths=[], names=[], cases={})
    assert gone.said == ["asked", "let go"]
    examiner.end()
    with pytest.raises(ExaminerLost, match="given up"):
        examiner.ask(folder=tmp_path, paths=[], names=[], cases={})
    assert gone.said == ["asked", "let go"], "nothing is asked any more"


def test_what_a_worker_says_becomes_what_is_raised(tmp_path, monkeypatch):
    """The task itself, without a cluster."""
    monkeypatch.setattr(cluster, "_here", [])
    files = {"04.ipynb": notebook({"leaky-relu": right("leaky-relu")})}

    class Broken:
        def ask(self, **task):
            raise self.error

    for error, word in (
        (cluster.ExaminerLost("killed"), '{"lost": "killed"}'),
        (runtime.CourseError("no torch"), '{"error": "no torch"}'),
    ):
        broken = Broken()
        broken.error = error
        monkeypatch.setattr(cluster, "_here", [broken])
        assert cluster.examine(files, '{"paths": [], "names": [], "cases": {}}') == word


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch):
    def refuse(*arguments, **named):
        raise OSError("timed out")

    monkeypatch.setattr(distributed, "Client", refuse)
    with pytest.raises(runtime.CourseError, match="no Dask scheduler answers at tcp://nowhere"):
        cluster.Cluster("tcp://nowhere:8786")


@pytest.mark.parametrize(
    ("threads", "told", "words"),
    [
        (None, {}, "no workers"),
        (2, {}, "has 2 threads"),
        (1, {"tcp://a": ("other code", "")}, "another version"),
        (1, {"tcp://a": (cluster.engine(), "bubblewrap is not installed")}, "has no sandbox"),
        (1, OSError("connection refused"), "a worker of the cluster does not answer"),
    ],
)
def test_a_cluster_that_can_t_grade_is_refused(monkeypatch, threads, told, words):
    class Client:
        def __init__(self, *arguments, **named):
            self.is_closed = False
            clients.append(self)

        def scheduler_info(self, **named):
            return {"workers": {} if threads is None else {"tcp://a": {"nthreads": threads}}}

        def run(self, function, *arguments):
            if isinstance(told, OSError):
                raise told
            return told

        def close(self):
            self.is_closed = True

    clients: list[Client] = []
    monkeypatch.setattr(distributed, "Client", Client)
    with pytest.raises(runtime.CourseError, match=words):
        cluster.Cluster("tcp://a")
    assert clients[0].is_closed
