"""Where a lesson runs: device, seeds, settings, folders, whole files, versions."""

import contextlib
import functools
import glob
import importlib.metadata
import math
import os
import platform
import random
import shutil
import sys
import sysconfig
import threading
import zlib
from pathlib import Path

from mnist_course import capacity

PACKAGES = (
    "torch", "torchvision", "numpy", "matplotlib", "scikit-learn", "jupyterlab", "ipykernel",
    "ipywidgets", "anywidget", "nbval", "d2l", "safetensors", "psutil", "nbformat", "tqdm",
    "jinja2", "flask", "waitress",
)  # fmt: skip
OFF = ("", "0", "false", "no", "off")
ON = ("1", "true", "yes", "on")


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


def require_one_device(advice=None, /, **things):
    """Raise CourseError unless all of these lie on one device, where torch can compute with them.

    things: networks and tensors, each under the word for it in the sentence, such as
    `network=network, images=images`; what lies nowhere, such as a network without weights, passes.
    advice: what to type, with {} for the device of the first of them; by default the `.to` that
    moves the other one.
    """
    places = {name: str(place) for name, thing in things.items() if (place := _place(thing))}
    for name, place in places.items():
        first, wanted = next(iter(places.items()))
        if place != wanted:
            typed = (advice or f'{name} = {name}.to("{{}}")').format(wanted)
            raise CourseError(
                f"The {first} {'is' if first == 'network' else 'are'} on the device {wanted}, but "
                f"the {name} are on {place}, and torch computes only with what is on one device. "
                f"Type: {typed}"
            )


def _place(thing):
    """The device of a tensor, or that of a network's first weights; None where there is none."""
    if hasattr(thing, "parameters"):
        thing = next(thing.parameters(), None)
    return getattr(thing, "device", None)


def seed_everything(seed):
    """Start every random number stream (Python, NumPy, torch) at `seed`, an int from 0 on.

    Call it before a network is built: its initial weights are drawn from torch's stream.
    """
    import numpy
    import torch

    random.seed(seed)
    numpy.random.seed(seed)
    torch.manual_seed(seed)


# --- settings of the environment ----------------------------------------------------------


def flag(name):
    """True when the environment variable `name` is switched on.

    Off are 0, false, no, off, nothing and no such variable; on are 1, true, yes and on, whatever
    the case. Any other value counts as on, and a line on stderr says so, once.
    """
    value = os.environ.get(name, "").strip()
    if value.lower() in OFF:
        return False
    if value.lower() not in ON:
        _say_once(f"{name}={value} counts as on. Write 1 for on, or 0 for off.")
    return True


@functools.cache
def _say_once(line):
    print(line, file=sys.stderr)


def quick():
    """True in quick mode (`MNIST_COURSE_QUICK=1`): the same cells, fewer images and steps."""
    return flag("MNIST_COURSE_QUICK")


def strict(about="exercises"):
    """True in an automatic run, where a cell fails for what a student is only told.

    about: "exercises" that are not passed, or "floors" that a trained network misses.
    `MNIST_COURSE_STRICT=1` means both. `MNIST_COURSE_STRICT=floors` means floors alone, for lessons
    whose exercises nobody has solved. nbgrader counts the cells that do not fail, so where it runs
    a notebook, exercises are strict whatever the variable says.
    """
    if about == "exercises" and os.environ.get("NBGRADER_EXECUTION"):  # "autograde" or "validate"
        return True
    if os.environ.get("MNIST_COURSE_STRICT", "").strip().lower() == "floors":
        return about == "floors"
    return flag("MNIST_COURSE_STRICT")


def named_folder(variable):
    """The folder that an environment variable names, or None when it is not set.

    Raises CourseError unless it is a whole path: a notebook runs in another folder than the shell,
    so that a relative one would mean two folders.
    """
    named = os.environ.get(variable)
    if not named:
        return None
    folder = Path(named).expanduser()
    if not folder.is_absolute():
        raise CourseError(
            f"{variable}={named} would mean one folder to your shell and another to a notebook, "
            f"which runs elsewhere: write the whole path, for example {folder.absolute()}"
        )
    return folder.resolve()


def data_folder():
    """The folder of the unpacked datasets: `MNIST_COURSE_DATA`, or the user's data folder.

    Raises CourseError when the variable holds a relative path.
    """
    named = named_folder("MNIST_COURSE_DATA")
    if named:
        return named
    import platformdirs

    return platformdirs.user_data_path("mnist-course", appauthor=False)


def command(words):
    """The line that runs `mnist-course` with these words in a shell, wherever it is installed."""
    program, scripts = "mnist-course", Path(sysconfig.get_path("scripts"))
    found = shutil.which(program)
    # in cells `lab` lets it be found, but a terminal knows nothing of that
    activated = sys.prefix in (sys.base_prefix, os.environ.get("VIRTUAL_ENV"))
    if not found or (Path(found).parent == scripts and not activated):
        program = str(scripts / program)
        program = f'"{program}"' if " " in program else program
    return f"{program} {words}"


def work_folder():
    """The folder of the student's own files: where the notebook runs."""
    return Path.cwd()


def write_whole(path, content):
    """Write bytes to a file, whole or not at all; safe when two programs do it at once.

    The bytes go to a part file beside `path`, which then takes its name in one step. Part files
    of programs that were killed are removed on the way. A new file gets the permissions that
    `open` would give it; one that is replaced keeps its own where the system allows that. Raises
    OSError (no space, no permission) and leaves no half-written file behind.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_left_behind(path)
    part = path.with_name(f"{_part(path)}{os.getpid()}-{threading.get_native_id()}")
    try:
        with open(part, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(OSError):  # there is no such file, or a network drive refuses
            shutil.copymode(path, part)
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _part(path):
    """How the names of part files begin that this computer writes for a file."""
    return f".{path.name}-{zlib.crc32(platform.node().encode()):08x}-"


def _remove_left_behind(path):
    """Remove the part files whose programs run no more.

    Another computer may use the same network drive, and only itself knows which programs run there.
    So a part file is known by the computer's name too.
    """
    for part in path.parent.glob(glob.escape(_part(path)) + "*-*"):
        import psutil  # only now, because a first file can be written without it

        process = part.name.removeprefix(_part(path)).partition("-")[0]
        if process.isdecimal() and not psutil.pid_exists(int(process)):
            with contextlib.suppress(OSError):  # another user's, or another program was faster
                part.unlink()


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
    """This machine in a few words: processor, cores that may be used, system."""
    name = platform.processor() or platform.machine()
    if sys.platform == "linux":
        first, _, _ = Path("/proc/cpuinfo").read_text(errors="replace").partition("\n\n")
        lines = (line.partition(":") for line in first.splitlines())
        found = {key.strip(): value.strip() for key, _, value in lines}
        name = found.get("model name", name)
        if "cpu family" in found:  # a rented machine may call several generations by one name
            name += f" (family {found['cpu family']}, model {found.get('model')})"
    usable, built_in = capacity.cores(), os.cpu_count()
    count = f"{usable} cores" if usable == built_in else f"{usable} of {built_in} cores"
    return f"{name}, {count}, {platform.system()}"


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
    miss is an AssertionError in automatic runs: in quick mode, and where `strict("floors")`. The
    accuracy is nan when a training was interrupted in its first epoch.
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
    if quick() or strict("floors"):
        raise AssertionError(message)
    print(message)
