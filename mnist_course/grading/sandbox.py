"""A sandbox for a worker: bubblewrap, where the system has it and lets it run.

Inside there is no network, nothing but an empty folder can be written, and of the user's files
nothing is seen but Python and the course. When the sandbox ends, so does all that was started in
it. Source: https://github.com/containers/bubblewrap
"""

import functools
import os
import shutil
import site
import subprocess
import sys
import sysconfig
from pathlib import Path

from mnist_course import runtime

PACKAGE = Path(__file__).parents[1]
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
# Of the settings of the system only those by which programs find their libraries, fonts and time:
# the others tell about the machine and its users.
SETTINGS = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime", "fonts")
WORK = "/tmp/work"  # in a folder of its own, which only the sandbox has
SIZE = 200_000_000  # bytes that an answer may write there
SHARED = 64_000_000  # bytes of memory that programs may share, as torch's loaders do

APPARMOR = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
USERNS = Path("/proc/sys/kernel/unprivileged_userns_clone")
NAMESPACES = Path("/proc/sys/user/max_user_namespaces")
TRIED = "MNIST_COURSE_SANDBOX"  # in an examiner's environment: what `problem` said to its parent
CONTAINERS = (Path("/.dockerenv"), Path("/run/.containerenv"))  # Docker's and Podman's mark


@functools.cache
def problem():
    """Why there is no sandbox here, in a sentence; "" when there is one. It is tried out once."""
    if TRIED in os.environ:
        return os.environ[TRIED]
    if not sys.platform.startswith("linux"):
        return "bubblewrap runs on Linux alone"
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed"
    tried = subprocess.run(
        command([sys.executable, "-c", "import torch"]), capture_output=True, text=True,
        env=environment({}), stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if tried.returncode == 0:
        return ""
    said = (tried.stderr.strip().splitlines() or ["no reason given"])[-1]
    return f"bubblewrap can't run here ({said[:200]})"


def remedy():
    """What to do about `problem`, in a line or two. It is a guess from what the system shows."""
    again = f"Then try {runtime.command('doctor')} again"
    if sys.platform == "win32":
        return (
            'in PowerShell type "wsl --install", open the Ubuntu that it installs, type "sudo apt '
            'install bubblewrap" there, and set the course up inside of it'
        )
    if not sys.platform.startswith("linux"):
        return (
            "grade in a Linux virtual machine, for example Ubuntu in UTM or Multipass, where "
            '"sudo apt install bubblewrap" installs it'
        )
    if shutil.which("bwrap") is None:
        return f"{_installs()}. {again}"
    if any(mark.exists() for mark in CONTAINERS):
        return (
            "start the container with --security-opt seccomp=unconfined --security-opt "
            "apparmor=unconfined --security-opt systempaths=unconfined (Podman: --security-opt "
            f"seccomp=unconfined --security-opt unmask=ALL). {again}"
        )
    if _setting(APPARMOR) == "1":
        return (
            "allow it to bubblewrap: sudo apt install apparmor-profiles && sudo cp "
            "/usr/share/apparmor/extra-profiles/bwrap-userns-restrict /etc/apparmor.d/ && sudo "
            f"systemctl reload apparmor. {again}"
        )
    if _setting(USERNS) == "0":
        return f"type: sudo sysctl -w kernel.unprivileged_userns_clone=1. {again}"
    if _setting(NAMESPACES) == "0":
        return f"type: sudo sysctl -w user.max_user_namespaces=10000. {again}"
    return f"ask whoever looks after this machine to let bubblewrap run. {again}"


def _installs():
    for program, line in (
        ("apt", "sudo apt install bubblewrap"),
        ("dnf", "sudo dnf install bubblewrap"),
        ("zypper", "sudo zypper install bubblewrap"),
        ("pacman", "sudo pacman -S bubblewrap"),
    ):
        if shutil.which(program):
            return f"type: {line}"
    return "install the package bubblewrap of your system"


def _setting(path):
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def command(arguments, questions=None):
    """The command line that runs `arguments` in the sandbox.

    questions: a folder that lies over the course's exercises there, see `questions`.
    """
    options = ["--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    if _can_forbid_namespaces():  # in one of its own an answer could mount a larger folder
        options += ["--unshare-user", "--disable-userns"]
    for path in SYSTEM:
        if os.path.islink(path):
            options += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            options += ["--ro-bind", path, path]
    for name in SETTINGS:
        options += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    options += ["--proc", "/proc", "--dev", "/dev", "--size", str(SHARED), "--tmpfs", "/dev/shm"]
    options += ["--remount-ro", "/dev", "--size", str(SIZE), "--tmpfs", "/tmp"]
    for path in _readable():
        options += ["--ro-bind", path, path]
    # a virtual environment may be reached by another path than its real one
    if os.path.realpath(sys.prefix) != sys.prefix:
        options += ["--ro-bind", sys.prefix, sys.prefix]
    for path in _exercises() if questions else ():
        options += ["--ro-bind", str(questions), path]
    options += ["--dir", WORK, "--remount-ro", "/", "--chdir", WORK]
    return ["bwrap", *options, *map(str, arguments)]


@functools.cache
def _can_forbid_namespaces():
    """Whether bubblewrap is new enough (0.8) to forbid namespaces inside of the sandbox."""
    told = subprocess.run(["bwrap", "--help"], capture_output=True, text=True)
    return "--disable-userns" in told.stdout


def _readable():
    """The folders of Python, its packages and the course."""
    paths = [sys.base_prefix, sys.prefix, *_packages(), str(PACKAGE)]
    # Debian's Python names folders that its virtual environments don't have
    there = [path for path in paths if os.path.isdir(path)]
    return list(dict.fromkeys(os.path.realpath(path) for path in there))


def _packages():
    own = [site.getusersitepackages()] if _has_own_packages() else []
    return [sysconfig.get_path("purelib"), *site.getsitepackages(), *own]


def _has_own_packages():
    """Whether Python finds packages in the user's home, too."""
    return bool(site.ENABLE_USER_SITE) and os.path.isdir(site.getusersitepackages())


def _exercises():
    """Where the sandbox would show the exercises: in this course, and in one that is installed."""
    packages = [PACKAGE, *(Path(path, "mnist_course") for path in _packages())]
    found = (package / "exercises" for package in packages)
    return list(dict.fromkeys(os.path.realpath(path) for path in found if path.is_dir()))


def environment(more):
    """Environment variables for a process in the sandbox: none of the user's own but the path."""
    own = {"PATH": os.environ.get("PATH", os.defpath), "HOME": WORK, "LANG": "C.UTF-8"}
    if _has_own_packages():
        own["PYTHONUSERBASE"] = site.getuserbase()
    return {**own, "USER": "student", **more}
