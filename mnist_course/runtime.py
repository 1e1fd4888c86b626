"""Where a lesson runs: device, seeds, quick mode, folders, whole files, versions."""

import importlib.metadata
import math
import os
import platform
import random
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path

import platformdirs

PACKAGES = (
    "torch", "torchvision", "numpy", "matplotlib", "scikit-learn", "jupyterlab", "ipykernel",
    "ipywidgets", "anywidget", "nbval", "d2l", "safetensors",
    "tqdm",
)  # fmt: skip


class CourseError(Exception):
    """A foreseen mistake; its message says what to do.

    The command line and a notebook show the sentence alone, without a traceback.
    """

    def _render_traceback_(self):
        return [str(self)]


def device(name=None):
    """The `torch.device` to compute on: the one named, or the best that this machine has.

    Without a name the order is CUDA, then MPS (Apple), then CPU. Raises ValueError when the
    named device is not there.
    """
    import torch

    available = ["cpu"]
    for kind, backend in (("mps", torch.backends.mps), ("cuda", torch.cuda)):
        if backend.is_available():
            try:
                torch.zeros(1, device=kind)  # a virtual machine may claim a GPU that it lacks
            except RuntimeError:
                continue
            available.insert(0, kind)
    if name is None:
        return torch.device(available[0])
    try:
        wanted = torch.device(name)
        torch.zeros(1, device=wanted)  # "cuda:7" may be one too many
    except (RuntimeError, AssertionError):  # the second from a torch without CUDA
        wanted = None
    if wanted is None or wanted.type not in available:  # "meta" computes nothing
        raise ValueError(f"no device {name!r} here; this machine has {', '.join(available)}")
    return wanted


def seed_everything(seed):
    """Start every random number stream (Python, NumPy, torch) at `seed`, an int from 0 on.

    Call it before a network is built: its initial weights are drawn from torch's stream.
    """
    import numpy
    import torch

    random.seed(seed)
    numpy.random.seed(seed)
    torch.manual_seed(seed)


def _is_set(variable):
    return os.environ.get(variable, "0") not in ("", "0")


def quick():
    """True in quick mode (`MNIST_COURSE_QUICK=1`): the same cells, fewer images and steps."""
    return _is_set("MNIST_COURSE_QUICK")


def data_folder():
    """The folder of the unpacked datasets: `MNIST_COURSE_DATA`, or the user's data folder."""
    named = os.environ.get("MNIST_COURSE_DATA")
    if named:
        return Path(named).expanduser().resolve()
    return platformdirs.user_data_path("mnist-course", appauthor=False)


def command(words):
    """The line that runs `mnist-course` with these words in a shell, wherever it is installed."""
    program = "mnist-course"
    if not shutil.which(program):  # its environment is not activated
        program = str(Path(sysconfig.get_path("scripts")) / program)
        program = f'"{program}"' if " " in program else program
    return f"{program} {words}"


def work_folder():
    """The folder of the student's own files: where the notebook runs."""
    return Path.cwd()


def write_whole(path, content):
    """Write bytes to a file, whole or not at all; safe when two programs do it at once.

    The bytes go to a temporary file beside `path`, which then takes its name in one step.
    Raises OSError (no space, no permission) and leaves no half-written file behind.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes files that only their owner can read
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def versions():
    """Versions of Python and of the packages that matter, as a dict of strings.

    A package that is not installed has the version "missing".
    """
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "missing"
    return found


def machine():
    """This machine in a few words: processor, number of cores, system."""
    name = platform.processor() or platform.machine()
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return f"{name}, {os.cpu_count()} cores, {platform.system()}"


def report():
    """Print what a lesson runs on: device, machine, versions, and whether it is quick mode."""
    found = versions()
    print(f"device: {device()} ({machine()})")
    names = ("python", "torch", "torchvision", "numpy")
    print(", ".join(f"{name} {found[name]}" for name in names))
    if quick():
        print("QUICK MODE: the same cells with few images and steps. Figures mean little.")
        print("For a full run, start without MNIST_COURSE_QUICK.")


def check_floor(accuracy, quick_floor, full_floor):
    """Compare an accuracy (0..1) with the least that a working network reaches here.

    The floors of the two modes lie far below the spread of random seeds. Prints a sentence. A
    miss is an AssertionError in automatic runs: in quick mode, and in full mode with
    `MNIST_COURSE_FLOORS=1`, which make test-full and make site set. The accuracy is nan when a
    training was interrupted in its first epoch.
    """
    floor = quick_floor if quick() else full_floor
    text = f"{100 * floor:.4g}%"  # 98.5%, but 90%
    if accuracy >= floor:
        print(f"{accuracy:.2%}: above {text}, as a working network should be here")
        return
    message = (
        f"{accuracy:.2%}: below {text}. If you interrupted the training, run this cell again. If "
        "not, something is broken: check that the cells above ran in order, then restart the "
        "kernel and run all cells"
    )
    if math.isnan(accuracy):
        message = "Nothing to judge: no epoch was completed. Run this cell again, to its end."
    if quick() or _is_set("MNIST_COURSE_FLOORS"):
        raise AssertionError(message)
    print(message)
