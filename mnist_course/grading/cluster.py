"""Examine submissions on a Dask cluster, whose workers are the teacher's own machines.

A task gets the bytes of a submission's files and gives a text of JSON. Inside of it the same
process examines them as on one machine, with the same sandbox, so the results are the same. Dask
carries tasks as pickles between client and workers; nothing that a submission holds ever is more
than bytes in one. Source: https://distributed.dask.org/en/stable/resilience.html
"""

import asyncio
import contextlib
import itertools
import json
import tempfile
from pathlib import Path, PurePosixPath

from mnist_course import runtime
from mnist_course.grading import sandbox
from mnist_course.grading.examiners import Examiner, ExaminerLost
from mnist_course.grading.records import engine

SECONDS = 900  # for the course's own solutions on one worker, which has to load torch as well

_here: list[Examiner] = []  # the examiner of a worker's process, which serves one task at a time


class Cluster:
    """A connection to a scheduler.

    examiners: as many as there are workers, each of whom asks any of them. each: one for each
    worker, who asks that one alone.
    """

    def __init__(self, address, sandboxed=True):
        """Raises CourseError when the cluster can't be used, with what to do."""
        try:
            import distributed
        except ImportError as error:
            raise runtime.CourseError(
                "grading on a cluster needs the package distributed: "
                'pip install "mnist-course[cluster]"'
            ) from error
        self.distributed = distributed
        try:
            self.client = distributed.Client(address, timeout=30, set_as_default=False)
        except (OSError, ValueError) as error:
            raise runtime.CourseError(
                f"no Dask scheduler answers at {address} ({error}). Start one: dask scheduler"
            ) from error
        try:
            addresses = self._workers(sandboxed)
        except BaseException:
            self.close()
            raise
        self.each = [RemoteExaminer(self, address) for address in addresses]
        self.examiners = [RemoteExaminer(self) for _ in addresses]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        """End what the workers still do, and leave the scheduler."""
        with contextlib.suppress(Exception):  # a worker may be gone, and its examiner with it
            self.client.run(stop, on_error="ignore")
        self.client.close()

    def _workers(self, sandboxed):
        """The addresses of the workers. Raises CourseError for one that can't grade."""
        workers = self.client.scheduler_info(n_workers=-1)["workers"]
        if not workers:
            raise runtime.CourseError(
                "the scheduler has no workers. Start one on each machine: dask worker ADDRESS "
                "--nthreads 1 --nworkers auto"
            )
        for address, worker in workers.items():
            if worker["nthreads"] != 1:
                raise runtime.CourseError(
                    f"the worker {address} has {worker['nthreads']} threads, but an answer needs a "
                    "process of its own. Start it with --nthreads 1 --nworkers auto"
                )
        try:
            told = self.client.run(state, sandboxed)
        except ImportError as error:
            raise runtime.CourseError(
                f"a worker lacks something ({error}). Install the course in the environment of "
                "every worker"
            ) from error
        except OSError as error:
            raise runtime.CourseError(
                f"a worker of the cluster does not answer ({error}). Start it again"
            ) from error
        for address, (code, problem) in told.items():
            if code != engine():
                raise runtime.CourseError(
                    f"the worker {address} has another version of the course, of torch or of "
                    "Python. Install the same there, so that all are graded alike"
                )
            if problem:
                raise runtime.CourseError(f"the worker {address} has no sandbox: {problem}")
        return list(workers)


def state(sandboxed):
    """Of a worker: a digest of its code, and why it lacks a sandbox, if one is asked for."""
    return engine(), sandboxed and sandbox.problem()


def stop():
    """End the examiner of a worker, which a cancelled task alone would leave at work."""
    while _here:
        _here.pop().end()


class WorkersLost(ExaminerLost):
    """A submission was tried on several workers, and has ended all of them."""

    for_good = True


class RemoteExaminer:
    """Asks a cluster as `Examiner` asks a process. What a dying worker had to do, another does."""

    _numbers = itertools.count()

    def __init__(self, cluster, address=None):
        """address: of the worker that alone may answer; by default any may."""
        self.cluster, self.address = cluster, address
        self.future, self.ended = None, False

    def ask(self, *, folder, paths, names, cases):
        """What `Examiner.ask` gives, and raises."""
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(Path(folder).rglob("*"))
            if path.is_file()
        }
        if self.ended:
            raise ExaminerLost("it was given up")
        where = {"workers": [self.address], "allow_other_workers": False} if self.address else {}
        try:
            self.future = self.cluster.client.submit(
                examine, files, json.dumps({"paths": paths, "names": names, "cases": cases}),
                key=f"examine-{Path(folder).name}-{next(self._numbers)}", pure=False, **where,
            )  # fmt: skip
            answer = json.loads(self.future.result(SECONDS if self.address else None))
        except self.cluster.distributed.KilledWorker as error:
            raise WorkersLost("it ended several workers of the cluster") from error
        except (asyncio.CancelledError, self.cluster.distributed.client.FutureCancelledError) as e:
            if self.ended:
                raise ExaminerLost("it was given up") from e
            raise runtime.CourseError(
                "the scheduler of the cluster has gone. Start it and its workers again, and then "
                "give the same command: what was graded is kept"
            ) from e
        except TimeoutError as error:
            raise runtime.CourseError(
                f"the worker {self.address} did not answer within {SECONDS} s: see what it prints"
            ) from error
        finally:
            self._let_go()
        if "lost" in answer:
            raise ExaminerLost(answer["lost"])
        if "error" in answer:
            raise runtime.CourseError(answer["error"])
        return answer["examined"]

    def _let_go(self):
        """Let the cluster forget an answer, which it would else find again if a worker died."""
        future, self.future = self.future, None
        if future is not None:
            future.release()

    def end(self):
        """Give up what is asked."""
        self.ended = True
        if self.future is not None:
            with contextlib.suppress(Exception):  # the scheduler may be gone, and the task with it
                self.future.cancel()


def examine(files, task):
    """The task of a worker: examine a submission. Returns JSON, so that nothing is unpickled.

    files: bytes by place; task: JSON with the other arguments of `examination.examine`.
    """
    if not _here:
        _here.append(Examiner())
    examiner = _here[0]
    with tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True) as folder:
        for place, content in files.items():
            path = Path(folder, *PurePosixPath(place).parts)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        try:
            return json.dumps({"examined": examiner.ask(folder=folder, **json.loads(task))})
        except ExaminerLost as error:
            return json.dumps({"lost": str(error)})
        except runtime.CourseError as error:
            return json.dumps({"error": str(error)})
