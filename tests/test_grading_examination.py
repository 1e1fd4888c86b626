"""One submission is examined: which notebooks, which answers, and that no hidden case leaks."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from classroom import Here, notebook, right, stub, wrong

from mnist_course import runtime
from mnist_course.assessment.verdict import Verdict
from mnist_course.exercises import EXERCISES
from mnist_course.grading import examination, sandbox
from mnist_course.grading.examination import MOST_NOTEBOOKS, Examined
from mnist_course.grading.examiners import Examiner, ExaminerLost

FOUR = [name for name, one in EXERCISES.items() if one.lesson == "04"]
HIDDEN = {"leaky-relu": [[{"tensor": [-3.25, 5.0], "dtype": "float32"}, 0.5]],
          "early-stopping": [[[0.5, 0.25], 1]]}  # fmt: skip


def examined(folder, notebooks, names=FOUR, cases=None):
    """What is found in notebooks, given as bytes by name."""
    for name, content in notebooks.items():
        (folder / name).write_bytes(content)
    task = {"folder": str(folder), "paths": [[name, name] for name in notebooks],
            "names": names, "cases": cases or {}}  # fmt: skip
    return Examined.decoded(Here().ask(**task))


def test_the_best_answer_of_several_notebooks_counts(tmp_path):
    found = examined(
        tmp_path,
        {
            "04 (1).ipynb": notebook({"leaky-relu": right("leaky-relu")}),
            "04.ipynb": notebook(
                {"leaky-relu": wrong("leaky-relu"), "running-mean": right("running-mean")}
            ),
            "02.ipynb": notebook({"output-size": right("output-size")}),
        },
    )
    assert found.files == {"02": ["02.ipynb"], "04": ["04 (1).ipynb", "04.ipynb"]}
    verdicts = {name: one.verdict for name, one in found.findings.items()}
    assert verdicts.pop("leaky-relu") is verdicts.pop("running-mean") is Verdict.PASSED
    assert set(verdicts.values()) == {Verdict.UNSOLVED}
    assert "output-size" not in verdicts, "it was not asked for"


def test_what_can_t_be_read_or_fits_no_lesson_is_remarked(tmp_path):
    found = examined(tmp_path, {"a.ipynb": b"{", "b.ipynb": notebook({}), "c\x1b.ipynb": b""})
    assert found.files == found.findings == {}
    assert [remark.partition(" ")[0] for remark in found.remarks] == ["a.ipynb", "b.ipynb", "c"]
    assert all(remark.isprintable() for remark in found.remarks)


def test_a_copy_is_not_run_again_and_too_many_are_left_out(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(examination, "judged", lambda given, cases: asked.append(given) or [])
    content = notebook({"leaky-relu": stub("leaky-relu")})
    names = [f"{number:03}.ipynb" for number in range(MOST_NOTEBOOKS + 3)]
    found = examined(tmp_path, dict.fromkeys(names, content))
    assert [len(given) for given in asked] == [1]
    assert len(found.files["04"]) == MOST_NOTEBOOKS
    assert f"the first {MOST_NOTEBOOKS} were looked at" in found.remarks[-1]


SPIES = """
import math
def leaky_relu(inputs, slope):
    math.seen = [*getattr(math, "seen", []), *inputs.flatten().tolist()]
    return inputs.clamp(min=0) + slope * inputs.clamp(max=0)
"""
TELLS = """
import math
def last_epoch(accuracies, patience):
    seen = getattr(math, "seen", [])
    print(seen)
    raise type(f"Seen{seen}", (ValueError,), {})(str(seen))
"""


def test_an_answer_that_notes_a_hidden_input_can_tell_it_to_nobody(tmp_path):
    """Also to no other notebook: this process, unlike a worker, even keeps what it noted."""
    spies = {"leaky-relu": SPIES, "early-stopping": TELLS}
    found = examined(
        tmp_path,
        {"1.ipynb": notebook(spies), "2.ipynb": notebook({"early-stopping": TELLS})},
        cases=HIDDEN,
    )
    assert found.findings["leaky-relu"].hidden == ("passed",)
    assert found.findings["early-stopping"].verdict is Verdict.RAISED
    told = json.dumps(found.encoded())
    assert "-0.5, 0.25" in told, "it does tell of visible inputs"
    assert "3.25" not in told.replace(json.dumps(SPIES), "")


def test_hidden_cases_are_not_run_where_the_visible_ones_failed(tmp_path):
    found = examined(
        tmp_path, {"04.ipynb": notebook({"leaky-relu": wrong("leaky-relu")})}, cases=HIDDEN
    )
    assert found.findings["leaky-relu"].hidden == ()


# --- in a process of its own --------------------------------------------------------------


@pytest.fixture
def task(tmp_path):
    """What an examiner is asked: one right answer, and one that never ends."""
    content = notebook({"leaky-relu": right("leaky-relu"), "running-mean": "while True: pass"})
    (tmp_path / "04.ipynb").write_bytes(content)
    return {"folder": str(tmp_path), "paths": [["04.ipynb", "04.ipynb"]], "cases": HIDDEN}


def test_an_examiner_answers_until_it_is_ended_and_another_one_starts_for_one_that_is_killed(task):
    """One story, because every start reads torch anew."""
    with Examiner() as examiner:
        for name, verdict in (("leaky-relu", "passed"), ("early-stopping", "unsolved")):
            [found] = examiner.ask(**task, names=[name])["findings"].values()
            assert found["verdict"] == verdict
        told = psutil.Process(examiner.process.pid).environ()
        assert told[sandbox.TRIED] == sandbox.problem()
        examiner.process.kill()
        with pytest.raises(ExaminerLost):
            examiner.ask(**task, names=["leaky-relu"])
        [found] = examiner.ask(**task, names=["leaky-relu"])["findings"].values()
        assert found["hidden"] == ["passed"]
        process = examiner.process
    assert process.poll() is not None
    with pytest.raises(ExaminerLost):
        examiner.ask(**task, names=[])


def test_an_examiner_that_can_t_start_says_why(task, monkeypatch, tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "psutil.py").write_text("raise OSError('no such thing')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "broken"))
    with Examiner() as examiner, pytest.raises(ExaminerLost, match="OSError: no such thing"):
        examiner.ask(**task, names=[])


def test_a_machine_that_can_t_run_answers_is_no_fault_of_a_student(task, monkeypatch):
    def refuse(*arguments):
        raise runtime.CourseError("Python can't run the checks")

    monkeypatch.setattr(examination.supervision.Session, "run", refuse)
    with pytest.raises(runtime.CourseError, match="can't run the checks"):
        examination.examine(**task, names=["leaky-relu"])


OWNER = """
import json, sys
from mnist_course.grading.examiners import Examiner
Examiner().ask(**json.loads(sys.argv[1]))
"""


def below(process):
    """What runs below a process."""
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.Error:
        return []


def works(process):
    """Whether a worker is at work below a process."""
    for one in below(process):
        try:
            if "mnist_course.grading.worker" in one.cmdline():
                return True
        except psutil.Error:
            pass
    return False


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_when_whoever_asks_is_killed_nothing_is_left(task):
    asked = json.dumps({**task, "names": ["running-mean"]})
    with subprocess.Popen([sys.executable, "-c", OWNER, asked]) as process:
        try:
            while not works(process):
                assert process.poll() is None
                time.sleep(0.05)
            started = below(process)
        finally:
            process.send_signal(signal.SIGKILL)
    assert psutil.wait_procs(started, timeout=120)[1] == []
