"""What the course takes on one core, on two, and on two of which a limit allows one.

On two cores its threads wait for each other. By itself the course lets them sleep, as suits a
machine with other work; the row beside it lets them spin, as torch does by default.

A container or a job of a shared machine sees all cores of the machine, and a control group of Linux
halts it once it has used its share. torch starts a thread for each core that it sees. The course
starts as many as the limit allows; its peer here is the same work with torch's own number.
Linux only, and as root, because a control group is made for this.
"""

import contextlib
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PERIOD = 100_000  # microseconds after which a control group's share is renewed; Linux's default
GROUPS = Path("/sys/fs/cgroup")
LESSONS = ("05",)
REPEATS = 3
TRAINING = ("train", "residual", "--device", "cpu")

# way: (cores, whether a control group allows one of them, what the environment says)
WAYS = {
    "two-cores": (2, False, {}),
    "two-cores-spinning": (2, False, {"OMP_WAIT_POLICY": "ACTIVE"}),
    "one-core": (1, False, {}),
    "limit-of-one": (2, True, {}),
    "limit-of-one-two-threads": (2, True, {"OMP_NUM_THREADS": "2"}),
}


@contextlib.contextmanager
def limit_of_one_core():
    """Yield a new control group's list of processes; whose number is written there has one core."""
    parent = GROUPS if (GROUPS / "cgroup.controllers").exists() else GROUPS / "cpu"
    group = parent / f"mnist-course-{os.getpid()}"
    group.mkdir()
    try:
        if parent == GROUPS:  # version 2
            (group / "cpu.max").write_text(f"{PERIOD} {PERIOD}")
        else:
            (group / "cpu.cfs_quota_us").write_text(str(PERIOD))
            (group / "cpu.cfs_period_us").write_text(str(PERIOD))
        yield group / "cgroup.procs"
    finally:
        group.rmdir()


def run(way, command, members, quick):
    """What a command prints that runs in this way, in quick or in full mode.

    members: the control group's list of processes. Raises subprocess.CalledProcessError if the
    command fails.
    """
    cores, limited, settings = WAYS[way]
    chosen = sorted(os.sched_getaffinity(0))[:cores]

    def confine():
        os.sched_setaffinity(0, chosen)
        if limited:
            members.write_text(str(os.getpid()))

    environment = {**os.environ, "MNIST_COURSE_QUICK": "1" if quick else "0"}
    for name in ("OMP_NUM_THREADS", "OMP_WAIT_POLICY"):
        environment.pop(name, None)  # this process has set them for itself
    done = subprocess.run(
        command, env=environment | settings, preexec_fn=confine,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def training(way, members):
    """Seconds of lesson 05's training, as the command itself says them."""
    command = [str(Path(sys.executable).with_name("mnist-course")), *TRAINING]
    return float(re.findall(r"epochs in ([\d.]+) s", run(way, command, members, False))[0])


def lesson(way, members, path):
    """Seconds of a lesson's whole run in quick mode."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(Path(__file__).with_name("bench.py")), "--one", path, folder]
        return float(re.findall(r'"seconds": ([\d.]+)', run(way, command, members, True))[0])


def bench_cores(notebooks, repeats=REPEATS):
    """Median seconds of lesson 05's training and of lessons, in each way in turn.

    notebooks: {lesson's number: path}. The ratio is the peer's time by ours, of the training.
    """
    works = {"training": training}
    for number in LESSONS:
        path = str(notebooks[number])
        works[number] = lambda way, members, path=path: lesson(way, members, path)
    times = {name: {way: [] for way in WAYS} for name in works}
    with limit_of_one_core() as members:
        for _ in range(repeats):
            for name, work in works.items():
                for way in WAYS:
                    times[name][way].append(work(way, members))
    rows = {
        name: {way: statistics.median(values) for way, values in of_ways.items()}
        for name, of_ways in times.items()
    }
    ours, peer = list(WAYS)[-2:]
    return {
        "what": "lesson 05's training on two cores of which a limit allows one",
        "peer": "the same with a thread for each core that torch sees",
        "ratio": rows["training"][peer] / rows["training"][ours],
        "ratio_of_spinning": rows["training"]["two-cores"] / rows["training"]["two-cores-spinning"],
        "rows": rows,
        "times": times,
    }
