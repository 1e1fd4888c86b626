"""A sandbox for a worker: bubblewrap, where the system has it and lets it run.

Inside there is no network, the system is read-only, and of the user's files nothing is seen but
Python, the course and the notebook's own folder. When the sandbox ends, so does all that was
started in it. Source: https://github.com/containers/bubblewrap
"""

import functools
import os
import shutil
import site
import subprocess
import sys
import sysconfig
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc")
WORK = "/tmp/work"  # in a folder of its own, which only the sandbox has
SIZE = 200_000_000  # bytes that an answer may write there


@functools.cache
def problem():
    """Why there is no sandbox here, in a sentence; "" when there is one. It is tried out once."""
    if not sys.platform.startswith("linux"):
        return "bubblewrap runs on Linux alone"
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed (on Debian and Ubuntu: sudo apt install bubblewrap)"
    tried = subprocess.run(
        command([sys.executable, "-c", "import torch"]), capture_output=True, text=True,
        env=environment({}), stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if tried.returncode == 0:
        return ""
    said = (tried.stderr.strip().splitlines() or ["no reason given"])[-1]
    return f"bubblewrap can't run here ({said[:200]})"


def command(arguments, folder=None):
    """The command line that runs `arguments` in the sandbox.

    folder: the notebook's own, which can be read there.
    """
    readable = dict.fromkeys(
        os.path.realpath(path)
        for path in (sys.base_prefix, sys.prefix, sysconfig.get_path("purelib"), str(PACKAGE),
                     *site.getsitepackages())
    )  # fmt: skip
    options = ["--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    for path in SYSTEM:
        if os.path.islink(path):
            options += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            options += ["--ro-bind", path, path]
    options += ["--proc", "/proc", "--dev", "/dev", "--size", str(SIZE), "--tmpfs", "/tmp"]
    for path in readable:
        options += ["--ro-bind", path, path]
    # a virtual environment may be reached by another path than its real one
    if os.path.realpath(sys.prefix) != sys.prefix:
        options += ["--ro-bind", sys.prefix, sys.prefix]
    if folder is not None:
        options += ["--ro-bind", str(folder), str(folder)]
    return ["bwrap", *options, "--dir", WORK, "--chdir", WORK, *map(str, arguments)]


def environment(more):
    """Environment variables for a process in the sandbox: none of the user's own but the path."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": WORK, "LANG": "C.UTF-8", **more}
