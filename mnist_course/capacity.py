"""What a process may use of a machine that others use too: cores and memory."""

import contextlib
import math
import os
from pathlib import Path

CONTROL_GROUPS = Path("/sys/fs/cgroup")  # where Linux keeps what a container or a job may use
OWN_CONTROL_GROUPS = Path("/proc/self/cgroup")


def share_machine():
    """Let torch wait and start threads as suits a machine with other work, unless you chose.

    Both are settings of the environment, which kernels and other child processes inherit. torch
    reads them only once, when it is imported. So the package calls this when it is imported itself,
    and whoever needs both imports the package first.

    torch's threads wait for each other by spinning. With two trainings at once, one spins on the
    core that the other needs, and each takes many times longer than alone.
    `OMP_WAIT_POLICY=PASSIVE` makes them sleep instead. torch also starts one thread for each core
    that it sees, but it does not see a container's quota. Threads beyond the quota would only be
    halted in turn, so `OMP_NUM_THREADS` leaves them out.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if cores() < _cores_of_process():
        os.environ.setdefault("OMP_NUM_THREADS", str(cores()))


def cores():
    """How many cores this process may use: those it is bound to, fewer where a quota says so."""
    quota = min(_quotas(), default=math.inf)
    return max(1, math.floor(min(_cores_of_process(), quota)))


def _cores_of_process():
    """Cores that this process is bound to, a quota aside."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    # from Python 3.13 on there is a count that knows what Windows binds a process to
    return getattr(os, "process_cpu_count", os.cpu_count)() or 1


def _quotas():
    """Yield every quota of processor time that holds here, in cores."""
    for (limit,) in _control_groups("cpu", "cpu.max"):
        quota, period = limit.split()
        if quota != "max":
            yield int(quota) / int(period)
    for quota, period in _control_groups("cpu", "cpu.cfs_quota_us", "cpu.cfs_period_us"):
        if int(quota) > 0:
            yield int(quota) / int(period)


def memory():
    """How many bytes of memory this process may use: what is built in, or less by a limit."""
    import psutil

    limits = [psutil.virtual_memory().total]
    for name in ("memory.max", "memory.limit_in_bytes"):
        limits += [int(limit) for (limit,) in _control_groups("memory", name) if limit != "max"]
    with contextlib.suppress(ImportError):  # Windows has no such limits
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit != resource.RLIM_INFINITY:
            limits.append(limit)
    return min(limits)


def _control_groups(controller, *names):
    """Yield what files of these names say in our control group, and in each group above it.

    Both versions of Linux's control groups are looked through. Other systems have none.
    """
    try:
        lines = OWN_CONTROL_GROUPS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        root = CONTROL_GROUPS / controller if controllers else CONTROL_GROUPS
        path = Path(group.lstrip("/"))
        for above in (path, *path.parents):  # the last is the root itself
            with contextlib.suppress(OSError):  # a container sees some of these folders only
                yield [(root / above / name).read_text().strip() for name in names]
