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
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

OLDEST = (3, 11)

# d2l 1.0.3 pins numpy 1.23.5, matplotlib 3.7.2, pandas 2.0.3 and more, none of which it needs:
# it runs with today's. So it comes without its dependencies (what it imports stands among ours,
# in pyproject.toml). No requirements file can say that, hence a step of its own, here alone.
D2L = "d2l==1.0.3"

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
STATE = VENV / "set-up.json"  # what is set up; "{}" while that is under way
WATCHED = (
    "pyproject.toml",
    "scripts/setup.py",
    "mnist_course/__init__.py",
    "mnist_course/jupyterlab.json",
)


class SetUpError(Exception):
    """Set-up can't go on; the message is a sentence that says why and what to do."""


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
    if re.search(r"connection broken|Max retries|NewConnection|timed out|ProxyError", text):
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


def pip(*arguments):
    """Run the environment's pip; its progress goes to the terminal, its errors are explained."""
    process = subprocess.Popen(
        [str(PYTHON), "-m", "pip", "--disable-pip-version-check", *arguments],
        cwd=str(ROOT),
        stderr=subprocess.PIPE,
        universal_newlines=True,
        errors="replace",
    )
    said = process.communicate()[1]
    if process.returncode == 0:
        return
    sentence = explain(said)
    if sentence is None:
        sys.stderr.write(said)
        sentence = "pip failed for the reason above: mend it, then try again."
    raise SetUpError(sentence)


def fingerprint():
    """Changes with every file that decides what gets installed."""
    content = b"\0".join((ROOT / name).read_bytes() for name in WATCHED)
    return hashlib.sha256(content).hexdigest()


def read_state():
    """What is set up, a dict; empty after a set-up that was cut short; None without .venv."""
    if not VENV.exists():
        return None
    try:
        return json.loads(STATE.read_text())
    except ValueError:
        return {}
    except FileNotFoundError:
        if any(VENV.iterdir()):
            raise SetUpError(
                f"There is a {VENV} that this script did not make: rename or delete it, "
                "then try again."
            ) from None
        return {}


def works(state):
    """True when the environment was finished, for this very folder, and its Python starts."""
    if state.get("folder") != str(ROOT) or not PYTHON.exists():
        return False
    return subprocess.call([str(PYTHON), "-c", "import mnist_course"], cwd=str(VENV)) == 0


def other_python():
    """True when the environment was made by another minor version of Python than this one."""
    made = re.search(r"^version *= *(\d+\.\d+)", (VENV / "pyvenv.cfg").read_text(), re.MULTILINE)
    return not made or made.group(1) != "{}.{}".format(*sys.version_info)


def make_environment():
    """A new, empty .venv, marked as unfinished."""
    try:
        import ensurepip  # noqa: F401
        import venv
    except ImportError:
        raise SetUpError(
            "This Python can't make virtual environments: install that part of it (on Debian "
            "and Ubuntu: sudo apt install python3-venv), then try again."
        ) from None
    print(f"Making {VENV} with Python {sys.version.split()[0]}.", flush=True)
    VENV.mkdir()
    STATE.write_text("{}")
    venv.EnvBuilder(with_pip=True, symlinks=os.name != "nt").create(str(VENV))


def set_up(tests, wheels, this_python):
    """Bring .venv to what pyproject.toml asks for; do nothing when it is there already."""
    source = from_folder(wheels) if wheels else []
    state = read_state()
    wanted = {"folder": str(ROOT), "installed": fingerprint(), "tests": tests, "data": True}
    if state and works(state) and not (this_python and other_python()):
        wanted["tests"] = tests or state["tests"]
        if state == wanted:
            print("Set up already.")
            return
    elif state is not None:
        reason = "is unfinished, was made elsewhere or has another Python"
        print(f"{VENV} {reason}: making it again.", flush=True)
        shutil.rmtree(str(VENV))
        state = None

    if state is None:
        make_environment()
        state = {}
    if {**state, "data": True} != wanted:
        # "{}" first: if the power fails now, the next set-up starts afresh.
        STATE.write_text("{}")
        try:
            install(wanted["tests"], source)
        except SetUpError:
            STATE.write_text(json.dumps(state))  # pip fails before it changes anything
            raise
        STATE.write_text(json.dumps({**wanted, "data": False}))
    if subprocess.call([str(BIN / "mnist-course"), "data", "mnist"]) != 0:
        sys.exit(1)  # it has said why
    STATE.write_text(json.dumps(wanted))
    print("Set up. Open the lessons with: make lab (or {})".format(BIN / "mnist-course lab"))


def from_folder(wheels):
    """The options that make pip take every package from a folder."""
    folder = Path(wheels).expanduser().resolve()
    if not any(folder.glob("*.whl")):
        raise SetUpError(f"There are no wheels in {folder}: fill it with make wheels.")
    return ["--no-index", "--find-links", str(folder)]


def install(tests, source):
    """The course, editable, with its dependencies; and d2l without."""
    pip("install", *source, "--editable", ".[test]" if tests else ".")
    pip("install", *source, "--no-deps", D2L)


def fill(folder):
    """Collect every wheel that a set-up takes, for this kind of system and this Python."""
    if not PYTHON.exists():
        raise SetUpError("Set the course up first, with a network: make setup.")
    folder = str(Path(folder).expanduser().resolve())
    # hatchling and editables, which install the course itself, are among the test packages
    pip("wheel", "--wheel-dir", folder, ".[test]")
    pip("wheel", "--wheel-dir", folder, "--no-deps", D2L)
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
    options = parser.parse_args()
    try:
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
