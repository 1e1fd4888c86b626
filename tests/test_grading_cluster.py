"""Grading on a Dask cluster: the same results, also when a worker dies in the midst of it."""

import asyncio
import os
import signal
import threading
import time

import psutil
import pytest
from classroom import handed_in, notebook, right

distributed = pytest.importorskip("distributed")
dask = pytest.importorskip("dask")

from mnist_course import runtime  # noqa: E402
from mnist_course.assessment.verdict import Verdict  # noqa: E402
from mnist_course.exercises import EXERCISES  # noqa: E402
from mnist_course.grading import batch, cluster, reports, sandbox, submissions  # noqa: E402
from mnist_course.grading.examiners import Examiner  # noqa: E402
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


def processing(client):
    """The address of a worker that is at work on a submission; None while there is none."""
    for address, keys in client.processing().items():
        if any(str(key).startswith("examine-") for key in keys):
            return address
    return None


def kill(client, address):
    """Kill the process of a worker, and return what ran below it."""
    [pid] = client.run(os.getpid, workers=[address]).values()
    process = psutil.Process(pid)
    below = process.children(recursive=True)
    process.send_signal(signal.SIGKILL)
    return below


@pytest.mark.skipif(bool(sandbox.problem()), reason=f"no sandbox here: {sandbox.problem()}")
@pytest.mark.skipif(os.name == "nt", reason="Windows kills in another way")
def test_a_worker_that_is_killed_changes_no_result(workers, folder, tmp_path):
    with Examiner() as examiner:
        expected = graded(folder, tmp_path / "here", [examiner])
    with cluster.Cluster(workers.scheduler_address) as found:
        batch.preflight(OWN, found.each, everywhere=True)
        assert len(found.each) == len(found.examiners) == 2
        left = []

        def disturb():
            while (address := processing(found.client)) is None:
                time.sleep(0.02)
            left.extend(kill(found.client, address))

        thread = threading.Thread(target=disturb)
        thread.start()
        assert graded(folder, tmp_path / "there", found.examiners) == expected
        thread.join()
    assert psutil.wait_procs(left, timeout=120)[1] == []


@pytest.mark.skipif(os.name == "nt", reason="Windows kills in another way")
def test_a_submission_that_ends_worker_after_worker_is_set_aside(workers, tmp_path):
    """Others kill the workers here, since no submission that is known of can."""
    hostile = tmp_path / "class" / "Mallory_1_assignsubmission_file"
    hostile.mkdir(parents=True)
    (hostile / "04.ipynb").write_bytes(notebook({"leaky-relu": NEVER}))
    with cluster.Cluster(workers.scheduler_address, sandboxed=False) as found:
        over = threading.Event()

        def disturb():
            while not over.is_set():
                try:
                    if address := processing(found.client):
                        kill(found.client, address)
                except (OSError, ValueError, asyncio.CancelledError, psutil.Error):
                    pass  # it has just ended
                time.sleep(0.2)

        thread = threading.Thread(target=disturb)
        thread.start()
        try:
            marks, _ = batch.grade(
                submissions.read(tmp_path / "class"), OWN, tmp_path / "to", found.examiners
            )
        finally:
            over.set()
            thread.join()
    assert {one.verdict for one in marks[0].lessons[0].exercises} == {Verdict.NOT_JUDGED.value}
    assert "set aside" in marks[0].remarks[0]
    assert "several workers" in marks[0].remarks[0]


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
            return told

        def close(self):
            self.is_closed = True

    clients: list[Client] = []
    monkeypatch.setattr(distributed, "Client", Client)
    with pytest.raises(runtime.CourseError, match=words):
        cluster.Cluster("tcp://a")
    assert clients[0].is_closed
