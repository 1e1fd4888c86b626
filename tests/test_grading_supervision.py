"""A worker runs answers: none harms another, and nothing that they start is left."""

import os
import subprocess
import sys

import pytest
from lesson_four import GAIN, LEAKY, RIGHT, STOP, WRONG, code, judged

from mnist_course.grading import processes, supervision


def test_what_an_answer_does_costs_its_own_points_alone(tmp_path, monkeypatch):
    if supervision.FORKS:  # the system ends a child sooner than ten seconds would end its cell
        monkeypatch.setattr(supervision, "PROCESSOR", 3)
    (tmp_path / "kept.txt").write_text("mine")
    found = judged(
        tmp_path,
        code("while True:\n    pass\n" + LEAKY, grade_id="leaky-relu"),
        code("import os\nos._exit(0)\n", grade_id="running-mean"),
        code("print('x' * 10**6)\nimport os\nassert not os.listdir()\n" + STOP, "early-stopping"),
        code("def momentum_step(weights:\n", grade_id="momentum-step"),
        code("exit()\n" + GAIN, grade_id="gain-and-spread"),
        apart=True,
    )
    assert {name: word for name, (word, _) in found.items()} == {
        "leaky-relu": WRONG,
        "running-mean": WRONG,
        "early-stopping": RIGHT,
        "momentum-step": WRONG,
        "gain-and-spread": WRONG,
    }
    assert "did not come to an end" in found["leaky-relu"][1]
    assert "ended Python" in found["running-mean"][1]
    assert "SyntaxError" in found["momentum-step"][1]
    assert "SystemExit" in found["gain-and-spread"][1]


NOISE = """
import os
import subprocess
import sys
for descriptor in range(3, 20):
    try:
        os.write(descriptor, b'{"name": "leaky-relu", "state": RIGHT, "text": ""}')
        os.write(descriptor, b"\\n{}\\n")
    except OSError:
        pass
"""


def test_an_answer_that_writes_where_the_check_does_costs_its_own_points(tmp_path):
    cells = (
        code(LEAKY, "leaky-relu"),
        code(NOISE + GAIN, "gain-and-spread"),
        code(STOP, "early-stopping"),
    )
    found = judged(tmp_path, *cells, apart=True)
    assert list(found) == ["leaky-relu", "gain-and-spread", "early-stopping"]  # as they were run
    assert found["leaky-relu"][0] == RIGHT
    assert found["gain-and-spread"] == (WRONG, "it disturbed its check")
    assert found["early-stopping"][0] == RIGHT


LEAVES_A_PROCESS = """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no sessions")
def test_what_an_answer_starts_is_ended_with_it(tmp_path, monkeypatch):
    """One worker runs an answer that is right, one that ends Python, and one that never ends."""
    marks = []
    environment = supervision._environment
    monkeypatch.setattr(
        supervision, "_environment", lambda mark: marks.append(mark) or environment(mark)
    )
    loops = "def last_epoch(*values):\n    while True: pass"
    found = judged(
        tmp_path,
        code(f"{LEAVES_A_PROCESS}\n{LEAKY}", "leaky-relu"),
        code(f"{LEAVES_A_PROCESS}\n{STOP}\n{loops}", "early-stopping"),
        code(f"{LEAVES_A_PROCESS}\n{GAIN}\nimport os; os._exit(0)", "gain-and-spread"),
        apart=True,
    )
    assert {name: word for name, (word, _) in found.items()} == {
        "leaky-relu": RIGHT, "early-stopping": WRONG, "gain-and-spread": WRONG,
    }  # fmt: skip
    assert marks
    for mark in marks:
        assert processes.marked(mark) == []


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="Windows has no process groups")
@pytest.mark.parametrize("error", [ProcessLookupError, PermissionError])
def test_a_process_group_that_has_ended_is_no_error(tmp_path, monkeypatch, error):
    """Linux does not find it, macOS forbids to stop it."""

    def refuse(group, number):
        raise error

    monkeypatch.setattr(processes.os, "killpg", refuse)
    assert judged(tmp_path, code(LEAKY), apart=True) == {"leaky-relu": (RIGHT, "")}


def test_an_answer_prints_any_character_as_in_a_notebook(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")  # what Windows takes for a pipe
    found = judged(tmp_path, code(LEAKY + 'print("→ done ✓")\n'), apart=True)
    assert found == {"leaky-relu": (RIGHT, "")}


def test_a_worker_computes_on_one_thread():
    code = "import mnist_course, torch; print(torch.get_num_threads())"
    environment = {**os.environ, **processes.environment()}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    assert done.stdout.split() == [b"1"]
