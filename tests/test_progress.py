"""The table of `mnist-course progress`: what it says of a folder, and what it leaves."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest
from classroom import SessionHere
from click.testing import CliRunner
from lesson_four import IMPORTS, LEAKY, STOP, STUB, code, write

from mnist_course.cli import main, points
from mnist_course.exercises import EXERCISES
from mnist_course.grading import sandbox, supervision


@pytest.fixture
def here(monkeypatch):
    """Answers run in this process, where it is not tried what a worker keeps them from."""
    monkeypatch.setattr(supervision, "Session", SessionHere)


def run_progress(*arguments):
    return CliRunner().invoke(main, ["progress", *map(str, arguments)])


def test_the_table(tmp_path):
    write(tmp_path / "04_relu.ipynb", code(IMPORTS), code(STUB, "leaky-relu"))
    newer = [
        code(IMPORTS),
        code(LEAKY, "leaky-relu"),
        code(STOP.replace("+ 1", "+ 2"), "early-stopping"),
    ]
    write(tmp_path / "04_relu.new-1.ipynb", *newer)
    (tmp_path / "05_residual.ipynb").write_text("{")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    result = run_progress(tmp_path)
    assert result.exit_code == 0, result.output
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    lines = result.output.splitlines()
    of_lesson = {
        number: sum(one.points for one in EXERCISES.values() if one.lesson == number)
        for number in ("01", "04", "05")
    }
    total = sum(one.points for one in EXERCISES.values())
    [row] = [line for line in lines if line.startswith("04 (04_relu.ipynb, 04_relu.new-1.ipynb)")]
    assert row.endswith(points.bar(1, of_lesson["04"]))
    assert any(
        line.startswith("    04.1  right ") and line.endswith(EXERCISES["leaky-relu"].title)
        for line in lines
    )
    assert any(line.startswith("    04.2  not solved yet") for line in lines)
    wrong = EXERCISES["early-stopping"].number
    assert any(line.startswith(f"    {wrong}  not right yet") for line in lines)
    [broken] = [line for line in lines if "05_residual.ipynb" in line]
    assert "can't be read" in broken
    assert broken.count("05_residual.ipynb") == 1
    assert any(line.startswith("01 (no notebook here)") for line in lines)
    assert lines[-1].endswith(f"1 of {total} points")


@pytest.mark.parametrize(
    "name",
    [
        "doejane_12345_67890_04_relu_and_max_pooling.ipynb", "Copy of 04_relu.ipynb",
        "04_relu_and_max_pooling (1).ipynb", "Untitled.ipynb", "王 O'Neill/answers/x.ipynb",
    ],
)  # fmt: skip
def test_a_notebook_is_known_by_what_is_in_it(here, tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, code(IMPORTS), code(LEAKY, grade_id="leaky-relu"))
    assert "04.1  right" in run_progress(tmp_path).output


def test_a_notebook_without_ids_is_known_by_its_names_and_another_one_is_listed(here, tmp_path):
    path = write(tmp_path / "mine.ipynb", code(IMPORTS), code("mine = 1"))
    assert "mine.ipynb: fits no lesson" in run_progress(tmp_path).output
    write(path, code(IMPORTS), code(LEAKY))
    assert "04.1  right" in run_progress(tmp_path).output


def test_a_file_beside_the_notebook_can_be_imported(tmp_path):
    (tmp_path / "helpers.py").write_text("import torch\ndef keep(inputs): return inputs > 0\n")
    uses = "import helpers\n" + LEAKY.replace("inputs > 0", "helpers.keep(inputs)")
    write(tmp_path / "04.ipynb", code(IMPORTS), code(uses, "leaky-relu"))
    assert "04.1  right" in run_progress(tmp_path).output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["04.ipynb", "helpers.py"]


def test_what_an_answer_says_is_one_short_line(here, tmp_path):
    loud = 'raise ValueError("\\x1b[2J\\r" + "04.1  right\\n" * 1_000_000)'
    write(tmp_path / "04.ipynb", code(IMPORTS),
          code(f"def leaky_relu(inputs, slope):\n    {loud}", "leaky-relu"),
          code(f"{loud}", "running-mean"))  # fmt: skip
    output = run_progress(tmp_path).output
    assert "\x1b" not in output
    assert "\r" not in output
    assert all(len(line) < 400 for line in output.splitlines())
    assert "    04.1  right" not in output


SPY = """
import os, socket
from pathlib import Path
seen = Path({secret!r}).exists() or "HOME_OF_A_TEST" in os.environ
try:
    socket.create_connection(("127.0.0.1", {port}), timeout=5)
    seen = True
except OSError:
    pass
try:
    Path({folder!r}, "written").touch()
    seen = True
except OSError:
    pass
assert not seen
"""


@pytest.mark.skipif(bool(sandbox.problem()), reason=f"no sandbox here: {sandbox.problem()}")
def test_an_answer_in_the_sandbox_sees_nothing_of_the_user_s(tmp_path, monkeypatch):
    folder, secret = tmp_path / "notebooks", tmp_path / "secret"
    folder.mkdir()
    secret.touch()
    monkeypatch.setenv("HOME_OF_A_TEST", "1")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        spy = SPY.format(secret=str(secret), port=port, folder=str(folder))
        write(folder / "04.ipynb", code(IMPORTS), code(spy + LEAKY, "leaky-relu"))
        assert "04.1  right" in run_progress(folder).output
        monkeypatch.setattr(sandbox, "problem", lambda: "it is switched off")
        output = run_progress(folder).output
    assert "its cell stops with AssertionError" in output
    assert output.endswith("The answers ran with your rights: it is switched off.\n")


STARTED = """
import json, sys
from pathlib import Path
from mnist_course.cli import main
main(["progress", sys.argv[1]])
"""


def workers_of(process):
    """The processes below this one that run answers, in a sandbox or not."""
    found = []
    with contextlib.suppress(psutil.Error):  # one may end while it is looked at
        for one in psutil.Process(process.pid).children(recursive=True):
            if "mnist_course.grading.worker" in one.cmdline():
                found.append(one)
    return found


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_when_progress_is_ended_its_worker_ends_too(tmp_path, number):
    write(tmp_path / "04.ipynb", code(IMPORTS), code("while True: pass", "leaky-relu"))
    own = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
    (tmp_path / "temporary").mkdir()
    command = [sys.executable, "-c", STARTED, str(tmp_path)]
    nothing = subprocess.DEVNULL
    with subprocess.Popen(command, env=own, stdout=nothing, stderr=nothing) as process:
        try:
            while not (workers := workers_of(process)):
                assert process.poll() is None
                time.sleep(0.05)
            process.send_signal(number)
            process.wait(timeout=120)
        finally:
            process.kill()
    assert psutil.wait_procs(workers, timeout=120)[1] == []
    if number != signal.SIGKILL:  # which leaves nobody who could tidy up
        assert list((tmp_path / "temporary").iterdir()) == []


def test_a_folder_that_is_not_there(tmp_path):
    result = run_progress(tmp_path / "none")
    assert result.exit_code == 1
    assert "there is no folder" in result.stderr
    (tmp_path / "one.ipynb").touch()
    result = run_progress(tmp_path / "one.ipynb")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "one.ipynb is a file: name the folder that holds it" in result.stderr


def test_the_help_says_that_students_code_is_run():
    text = " ".join(CliRunner().invoke(main, ["progress", "--help"]).output.split())
    assert "with your rights" in text


def test_what_the_output_can_not_hold_is_replaced(here, tmp_path):
    wrong = 'def leaky_relu(inputs, slope):\n    raise ValueError("→")'
    write(tmp_path / "04_relu.ipynb", code(wrong, "leaky-relu"))
    result = CliRunner(charset="cp1252").invoke(main, ["progress", str(tmp_path)])
    assert result.exit_code == 0, result.exception
    assert 'raise ValueError("?")' in result.stdout
