"""Set the course up in `.venv`: Python packages, d2l, the data. Needs Python 3.11 or newer.

    python scripts/setup.py                  set up; when that is done, it only looks
    python scripts/setup.py --tests          with the packages that the tests need
    python scripts/setup.py --wheels DIR     without a network, from a folder of wheels
    python scripts/setup.py --this-python    even if .venv was made by another version
    python scripts/setup.py --fill DIR       fill such a folder, after a set-up

pip's own settings (an index, a proxy) hold here too. This file keeps to the syntax of
Python 3.6, so that an old Python says what is wrong with it, and to the standard library.
"""

import argparse
import contextlib
import errno
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

OLDEST = (3, 11)

# d2l 1.0.3 pins numpy 1.23.5, matplotlib 3.7.2, pandas 2.0.3 and more, none of which it needs:
# it runs with today's. So it comes without its dependencies (what it imports stands among ours,
# in pyproject.toml). No requirements file can say that, hence a step of its own, here alone.
D2L = "d2l==1.0.3"

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
# A new environment is built beside the old one, which stays until the new one works. These names
# are as long as .venv, since the paths in Windows's launchers can be replaced but not stretched.
NEW = ROOT / ".vnew"
OLD = ROOT / ".vold"
LOCK = ROOT / ".venv.lock"
PROGRAMS = "Scripts" if os.name == "nt" else "bin"
COURSE = VENV / PROGRAMS / "mnist-course"
STATE = "set-up.json"  # in .venv: what is set up
WATCHED = (
    "pyproject.toml",
    "scripts/setup.py",
    "mnist_course/__init__.py",
    "mnist_course/jupyterlab.json",
)


UNREACHABLE = r"connection broken|Max retries|NewConnection|timed out|ProxyError"


class SetUpError(Exception):
    """Set-up can't go on; the message is a sentence that says why and what to do."""


class NoNetworkError(SetUpError):
    """pip can't reach its package index."""


def explain(text):
    """What pip's or the system's error text means, in one sentence; None when unknown."""
    if re.search(r"Errno 28\b|Errno 122\b|WinError 112\b|No space left", text):
        places = (str(ROOT), tempfile.gettempdir())
        free = ", ".join(f"{shutil.disk_usage(p).free / 1e9:.1f} GB free in {p}" for p in places)
        return (
            f"The disk is full ({free}): make room, then try again; a set-up takes about 7 GB, or "
            "2 GB with a CPU-only torch."
        )
    if re.search(r"Errno 13\b|Errno 1\b|Errno 30\b|WinError 5\b|Permission denied", text):
        place = re.search(r"(?:denied|permitted|file system): ['\"](.+?)['\"]", text)
        return (
            f"No permission to write {place.group(1) if place else ROOT}: put the course into a "
            "folder of your own (and close JupyterLab if it runs), then try again."
        )
    if re.search(r"CERTIFICATE_VERIFY_FAILED|SSLError", text):
        return (
            "pip's connection is not trusted, as behind a school's proxy: ask for the proxy's "
            "certificate file and name it (pip config set global.cert FILE), then try again."
        )
    if re.search(UNREACHABLE, text):
        return (
            "pip can't reach its package index: connect to the network (behind a proxy, set "
            "HTTPS_PROXY) and try again, or use a folder of wheels: make setup WHEELS=DIR."
        )
    lacking = re.search(r"No matching distribution found for (\S+)", text)
    if lacking:
        version = "{}.{}".format(*sys.version_info)
        return (
            f"pip finds no {lacking.group(1)} for Python {version} on this system: look at the "
            "network and at pip's index (pip config list), or try another Python: "
            "make setup PYTHON=python3.12."
        )
    return None


def python_of(environment):
    """The Python of an environment."""
    return environment / PROGRAMS / ("python.exe" if os.name == "nt" else "python")


def pip(environment, *arguments):
    """Run an environment's pip; its progress goes to the terminal, its errors are explained."""
    process = subprocess.Popen(
        [str(python_of(environment)), "-m", "pip", "--disable-pip-version-check", *arguments],
        cwd=str(ROOT),
        stderr=subprocess.PIPE,
        encoding="locale",  # as pip writes to a pipe
        errors="replace",
    )
    said = process.communicate()[1]
    if process.returncode == 0:
        return
    sentence = explain(said)
    if sentence is None:
        sys.stderr.write(said)
        sentence = "pip failed for the reason above: mend it, then try again."
    raise NoNetworkError(sentence) if "package index" in sentence else SetUpError(sentence)


def fingerprint():
    """Changes with every file that decides what gets installed."""
    content = b"\0".join((ROOT / name).read_bytes() for name in WATCHED)
    return hashlib.sha256(content).hexdigest()


def read_state():
    """What is set up, a dict; empty where that can't be told; None without .venv."""
    if not os.path.lexists(str(VENV)):
        return None
    if not VENV.exists():  # a link to nowhere
        return {}
    try:
        state = json.loads((VENV / STATE).read_text(encoding="utf-8"))
    except ValueError:  # the power failed
        return {}
    except (FileNotFoundError, NotADirectoryError):
        if not VENV.is_dir() or any(VENV.iterdir()):
            raise SetUpError(
                f"There is a {VENV} that this script did not make: rename or delete it, "
                "then try again."
            ) from None
        return {}
    return state if isinstance(state, dict) else {}


def write_state(environment, state):
    """Note what is set up in an environment. While packages change, "installed" is empty."""
    (environment / STATE).write_text(json.dumps(state), encoding="utf-8")


def works(state):
    """True when .venv was made for this folder and this kind of processor, and its Python starts.

    The folder matters because scripts name the one where they were made.
    """
    machine = platform.machine()
    made_here = state.get("folder") == str(ROOT) and state.get("machine", machine) == machine
    return made_here and starts(VENV)


def starts(environment):
    """True when an environment's Python starts and finds the course."""
    code = "import importlib.util, sys; sys.exit(not importlib.util.find_spec('mnist_course'))"
    command = [str(python_of(environment)), "-c", code]
    try:
        return subprocess.call(command, cwd=str(environment)) == 0
    except OSError:  # it is gone, or made for another processor
        return False


def other_python():
    """True when the environment was made by another minor version of Python than this one."""
    made_by = (VENV / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace")
    made = re.search(r"^version *= *(\d+\.\d+)", made_by, re.MULTILINE)
    return not made or made.group(1) != "{}.{}".format(*sys.version_info)


@contextlib.contextmanager
def alone():
    """Wait until no other set-up of this folder is under way, and keep others waiting.

    The system itself takes the lock from a set-up that was killed.
    """
    with open(str(LOCK), "ab") as file:
        if not lock(file):
            print("Another set-up is under way here: waiting for it.", flush=True)
            while not lock(file):
                time.sleep(0.5)
        yield


def lock(file):
    """Try to lock a file until it is closed; False when another program has locked it."""
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # any other error comes from a network drive without locks: go on without one
        return error.errno not in (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
    return True


def set_up(tests, wheels, this_python):
    """Bring .venv to what pyproject.toml asks for; do nothing when it is there already."""
    source = from_folder(wheels) if wheels else []
    if is_set_up(tests, this_python):  # to look needs no lock, nor a folder that may be written
        print("Set up already.")
        return
    with alone():
        clear_up()
        if is_set_up(tests, this_python):
            print("Set up already.")
            return
        state = read_state()
        wanted = wanted_state(tests, state or {})
        usable = bool(state) and works(state)
        try:
            if not usable or not state.get("installed") or (this_python and other_python()):
                if state is not None:
                    reason = "is unfinished, was made elsewhere or has another Python"
                    print(f"{VENV} {reason}: making it again.", flush=True)
                build(wanted, source)
            elif {**state, "data": True} != wanted:
                update(state, wanted, source)
        except NoNetworkError as error:
            made_for = (state or {}).get("folder", str(ROOT))
            if made_for != str(ROOT):
                raise SetUpError(
                    f"{error} Or give this folder its old name, {made_for}: the environment that "
                    "was made there is kept, and works there."
                ) from None
            if not usable or (this_python and other_python()) or not has_all(wanted["tests"]):
                raise
            print(
                "There is no network, but all that the course needs is here, so it can be used as "
                "it is. The set-up is not complete: try it again when there is a network.",
                flush=True,
            )
            wanted = state
        if subprocess.call([str(COURSE), "data", "mnist"]) != 0:
            sys.exit(1)  # it has said why
        write_state(VENV, {**wanted, "data": True})
    print(f"Set up. Open the lessons with: make lab (or {COURSE} lab)")


def is_set_up(tests, this_python):
    """True when nothing is left to do."""
    state = read_state()
    if not state or state != wanted_state(tests, state):
        return False
    return works(state) and not (this_python and other_python())


def wanted_state(tests, state):
    """What the state should be; tests that are set up already stay."""
    return {
        "folder": str(ROOT),
        "machine": platform.machine(),
        "installed": fingerprint(),
        "tests": tests or state.get("tests", False),
        "data": True,
    }


def clear_up():
    """Put right what a set-up that was killed has left behind."""
    if os.path.lexists(str(OLD)) and not os.path.lexists(str(VENV)):
        OLD.rename(VENV)  # it was killed between the two steps of exchange()
    for left in (NEW, OLD):
        remove(left)


def remove(environment):
    """Remove an environment; of a link to one, the link alone."""
    if environment.is_symlink():
        environment.unlink()
    elif environment.exists():
        shutil.rmtree(str(environment))


def build(wanted, source):
    """A new environment, which takes the place of .venv when it is complete."""
    try:
        import ensurepip  # noqa: F401
        import venv
    except ImportError:
        raise SetUpError(
            "This Python can't make virtual environments: install that part of it (on Debian "
            "and Ubuntu: sudo apt install python3-venv), then try again."
        ) from None
    print(f"Making {VENV} with Python {sys.version.split()[0]}.", flush=True)
    try:
        venv.EnvBuilder(with_pip=True, symlinks=os.name != "nt").create(str(NEW))
        install(NEW, wanted["tests"], source)
        if not starts(NEW):
            raise SetUpError(f"The new environment, {NEW}, does not start: try again.")
        write_state(NEW, {**wanted, "data": False})
        exchange()
    except BaseException:
        remove(NEW)
        raise


def exchange():
    """Put the new environment in the place of the old one, in whose name its scripts run then."""
    before, after = os.fsencode(str(NEW)), os.fsencode(str(VENV))
    for path in [NEW / "pyvenv.cfg", *(NEW / PROGRAMS).iterdir()]:
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            if before in content:
                path.write_bytes(content.replace(before, after))
    if os.path.lexists(str(VENV)):
        VENV.rename(OLD)
    try:
        NEW.rename(VENV)
    except OSError:
        if os.path.lexists(str(OLD)):
            OLD.rename(VENV)
        raise
    with contextlib.suppress(OSError):  # a program that still runs from it; the next set-up tries
        remove(OLD)


def update(state, wanted, source):
    """Install into .venv what has changed."""
    # While "installed" is empty, the environment counts as unfinished, should the power fail now.
    write_state(VENV, {**state, "installed": ""})
    try:
        install(VENV, wanted["tests"], source)
    except SetUpError:
        write_state(VENV, state)  # pip fails before it changes anything
        raise
    write_state(VENV, {**wanted, "data": False})


def has_all(tests):
    """True when .venv has every package that pyproject.toml asks for."""
    command = [str(python_of(VENV)), str(Path(__file__).resolve()), "--look"]
    return subprocess.call(command + ["--tests"] * tests) == 0


def look(tests):
    """True when the Python that runs this has every package that pyproject.toml asks for."""
    import tomllib
    from importlib.metadata import PackageNotFoundError, version

    from pip._vendor.packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = project.get("project", {})
    needed = [*project.get("dependencies", []), D2L]
    if tests:
        needed += project.get("optional-dependencies", {}).get("test", [])
    for requirement in map(Requirement, needed):
        if requirement.marker and not requirement.marker.evaluate():
            continue  # on another system or Python
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            return False
        if not requirement.specifier.contains(found, prereleases=True):
            return False
    return True


def from_folder(wheels):
    """The options that make pip take every package from a folder."""
    folder = Path(wheels).expanduser().resolve()
    if not any(folder.glob("*.whl")):
        raise SetUpError(f"There are no wheels in {folder}: fill it with make wheels.")
    return ["--no-index", "--find-links", str(folder)]


def install(environment, tests, source):
    """The course, editable, with its dependencies; and d2l without."""
    pip(environment, "install", *source, "--editable", ".[test]" if tests else ".")
    pip(environment, "install", *source, "--no-deps", D2L)


def fill(folder):
    """Collect every wheel that a set-up takes, for this kind of system and this Python."""
    if not python_of(VENV).exists():
        raise SetUpError("Set the course up first, with a network: make setup.")
    folder = str(Path(folder).expanduser().resolve())
    # hatchling and editables, which install the course itself, are among the test packages
    pip(VENV, "wheel", "--wheel-dir", folder, ".[test]")
    pip(VENV, "wheel", "--wheel-dir", folder, "--no-deps", D2L)
    print(f"{folder} is filled. In a room without a network: make setup WHEELS={folder}")


def main():
    if sys.version_info < OLDEST:
        needed, found = ("{}.{}".format(*version) for version in (OLDEST, sys.version_info))
        return (
            f"Python {needed} or newer is needed, this is {found} ({sys.executable}): get one from "
            "python.org and try again, or name one that is there: make setup PYTHON=python3.12."
        )
    parser = argparse.ArgumentParser(description="Set the course up in .venv.")
    parser.add_argument("--tests", action="store_true", help="with what the tests need")
    parser.add_argument("--this-python", action="store_true", help="even if .venv has another")
    parser.add_argument("--wheels", metavar="DIR", help="take every package from this folder")
    parser.add_argument("--fill", metavar="DIR", help="fill a folder of wheels instead")
    parser.add_argument("--look", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    sys.stdout.reconfigure(errors="replace")  # a folder's name may hold what a terminal can't show
    try:
        if options.look:
            return int(not look(options.tests))
        if options.fill:
            fill(options.fill)
        else:
            set_up(options.tests, options.wheels, options.this_python)
    except SetUpError as error:
        return str(error)
    except (OSError, subprocess.CalledProcessError) as error:
        output = getattr(error, "output", None) or b""
        text = f"{error} {output.decode(errors='replace')}"
        return explain(text) or f"Set-up failed: {text}"
    except KeyboardInterrupt:
        return "Set-up was stopped: type make setup to begin again."
    return 0


if __name__ == "__main__":
    sys.exit(main())
