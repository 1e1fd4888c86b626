"""What keeps an answer from the others, from the teacher's files and from the right answers."""

import ast
import os
import sys
import types
from unittest import mock

import hostile
import pytest

from mnist_course.assessment import limits
from mnist_course.assessment.observation import Attempt, argument_values, reference_value
from mnist_course.assessment.verdict import Verdict
from mnist_course.cli import checkup
from mnist_course.exercises import EXERCISES, experiment
from mnist_course.grading import questions, sandbox, supervision
from mnist_course.grading.notebooks import Cell

linux = pytest.mark.skipif(not supervision.FORKS, reason="no child for each exercise here")
LEAKY, MOMENTUM = hostile.ATTACKED, hostile.HONEST


# --- the exercises without their answers ------------------------------------------------------


@pytest.fixture(scope="module", params=EXERCISES)
def pair(request):
    """An exercise, and the same one as the sandbox sees it."""
    name = request.param
    answers, module = types.ModuleType("answers"), types.ModuleType("stripped")
    texts = questions._texts()
    exec(texts["experiment_answers.py"], vars(answers))
    text = texts[f"{name.replace('-', '_')}.py"]
    with mock.patch.object(experiment, "experiment_answers", answers):
        exec(compile(text, name, "exec"), vars(module))
    return EXERCISES[name], module.EXERCISE, text


def test_an_exercise_without_its_answer_has_the_same_cases(pair):
    whole, stripped, _ = pair
    assert len(stripped.cases) == len(whole.cases)
    for one, other in zip(whole.cases, stripped.cases, strict=True):
        assert repr(argument_values(whole, one)) == repr(argument_values(stripped, other))
        expected = reference_value(whole, whole.reference, one)
        assert repr(reference_value(stripped, whole.reference, other)) == repr(expected)


def test_an_exercise_without_its_answer_has_none(pair):
    whole, stripped, text = pair
    assert stripped.mistakes == []
    assert stripped.reference.__name__ == whole.reference.__name__
    with pytest.raises(RuntimeError, match="not here"):
        reference_value(stripped, stripped.reference, stripped.cases[0])
    used = [one.id for one in ast.walk(ast.parse(text)) if isinstance(one, ast.Name)]
    assert whole.reference.__name__ not in used


def test_all_files_of_the_exercises_are_there_and_other_texts_stay_as_they_are(tmp_path):
    questions.write(tmp_path)
    files = {path.name for path in questions.EXERCISES.iterdir() if path.is_file()}
    assert {path.name for path in tmp_path.iterdir()} == files
    for name in ("__init__.py", "inputs.py", "contents.json"):
        assert (tmp_path / name).read_bytes() == (questions.EXERCISES / name).read_bytes()


# --- one worker for several notebooks ---------------------------------------------------------

LEAVES = f"""
import builtins, os, torch
torch.nn.functional.relu = torch.Tensor.clamp = None
builtins.left = True
os.environ["LEFT"] = "1"
{hostile.RIGHT}
"""
LOOKS = f"""
import builtins, os, torch
assert torch.nn.functional.relu and torch.Tensor.clamp
assert not hasattr(builtins, "left")
assert "LEFT" not in os.environ
assert os.listdir() == []
{hostile.MOMENTUM}
"""


def cells(attacked, honest=hostile.MOMENTUM):
    return [Cell(attacked, LEAKY, LEAKY), Cell(honest, MOMENTUM, MOMENTUM)]


def told_of(answer):
    """What is told of this answer to the attacked exercise."""
    with supervision.Session() as session:
        return session.run(cells(answer), [LEAKY], None, {})[LEAKY]


def kinds(told):
    """By exercise, "attempt" or the error's verdict."""
    return {name: one.get("verdict", "attempt") for name, [one] in told.items()}


@pytest.fixture(scope="module")
def session():
    """One for all tests, since each worker reads torch when it starts."""
    with supervision.Session() as session:
        yield session
    assert session._worker is None


@linux
def test_a_session_keeps_its_worker_and_answers_leave_nothing_for_the_next(session, tmp_path):
    names = [LEAKY, MOMENTUM]
    told = session.run(cells(LEAVES, LOOKS), names, tmp_path, {})
    assert kinds(told) == {LEAKY: "attempt", MOMENTUM: "attempt"}, told
    worker = session._worker.process.pid
    told = session.run(cells("exit()"), names, None, {})
    assert kinds(told) == {LEAKY: Verdict.EXITED.value, MOMENTUM: "attempt"}
    told = session.run(cells("1 / 0"), names, None, {})
    assert kinds(told) == {LEAKY: Verdict.RAISED.value, MOMENTUM: "attempt"}
    told = session.run(cells("import os; os._exit(0)"), names, None, {})
    assert kinds(told) == {LEAKY: Verdict.EXITED.value, MOMENTUM: "attempt"}
    assert session._worker.process.pid == worker


def test_a_session_goes_on_after_its_worker_has_ended(session):
    assert kinds(session.run(cells(hostile.RIGHT), [LEAKY], None, {})) == {LEAKY: "attempt"}
    session._worker.process.kill()
    session._worker.process.wait()
    told = session.run(cells(hostile.RIGHT), [LEAKY, MOMENTUM], None, {})
    assert kinds(told) == {LEAKY: Verdict.EXITED.value, MOMENTUM: "attempt"}


def test_an_answer_that_draws_numbers_gives_the_same_each_time():
    draws = "import random, torch\ndef leaky_relu(inputs, slope):\n"
    draws += "    return [random.random(), torch.rand(1).item(), hash('a')]"
    told = [told_of(draws) for _ in range(2)]
    returned = [[row["returned"] for row in one[0]["attempt"]["observations"]] for one in told]
    assert returned[0] == returned[1]


def test_an_answer_may_wait_longer_than_in_a_lesson_because_a_machine_that_grades_is_busy(session):
    looks = "from mnist_course.assessment import limits\ndef leaky_relu(inputs, slope):\n"
    looks += "    return limits.WAITING"
    [told] = session.run(cells(looks), [LEAKY], None, {})[LEAKY]
    observations = Attempt.decoded(told["attempt"]).observations
    assert {one.returned for one in observations} == {supervision.WAITING}
    assert limits.WAITING < supervision.WAITING < supervision.SECONDS_FOR_AN_ANSWER


@pytest.mark.parametrize(
    "line",
    [
        b"", b"{}", b"[]", b"\xff", b'{"name": "x", "told": []}',
        b'{"name": "leaky-relu", "told": 3}', b'{"name": "leaky-relu", "told": [3]}',
        b'{"name": "leaky-relu", "told": [{"error": "x"}]}',
        b'{"name": "leaky-relu", "told": [{"error": 3, "verdict": "out of time"}]}',
        b'{"name": "leaky-relu", "told": [{"error": "x", "verdict": "passed"}]}',
        b'{"name": "leaky-relu", "told": [{"error": "x", "verdict": ["passed"]}]}',
        b'{"name": "leaky-relu", "told": [{"attempt": 1, "points": 3}]}',
    ],
)  # fmt: skip
def test_what_a_worker_does_not_write_is_not_believed(line):
    assert supervision._told(line, LEAKY) is None


# --- modules beside the notebook --------------------------------------------------------------


def test_modules_and_packages_beside_the_notebook_are_handed_over(tmp_path):
    for name in ("helper.py", "tools/__init__.py", "tools/inner/__init__.py", "tools/inner/a.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"# {name} ü", encoding="utf-8")
    for name in ("cases.json", "other.ipynb", "data/values.py", "tools/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("mine")
    (tmp_path / "latin.py").write_bytes(b"# \xfc")
    found = supervision.modules_beside(tmp_path)
    assert found.keys() == {
        "helper.py", "tools/__init__.py", "tools/inner/__init__.py", "tools/inner/a.py",
    }  # fmt: skip
    assert found["tools/inner/a.py"] == "# tools/inner/a.py ü"
    assert supervision.modules_beside(tmp_path / "nothing") == {}


@pytest.mark.skipif(os.name == "nt", reason="on Windows not everyone may make links")
def test_links_beside_the_notebook_are_not_followed(tmp_path):
    secret, folder = tmp_path / "secret", tmp_path / "submission"
    secret.mkdir()
    folder.mkdir()
    (secret / "__init__.py").write_text("secret")
    (folder / "file.py").symlink_to(secret / "__init__.py")
    (folder / "package").symlink_to(secret)
    os.mkfifo(folder / "pipe.py")
    assert supervision.modules_beside(folder) == {}


def test_no_more_modules_than_a_limit_are_handed_over(tmp_path, monkeypatch):
    monkeypatch.setattr(supervision, "BESIDE", 10)
    (tmp_path / "a.py").write_text("# 34567")
    (tmp_path / "b.py").write_text("# 34567")
    (tmp_path / "c.py").write_text("#")
    assert supervision.modules_beside(tmp_path).keys() == {"a.py", "c.py"}


# --- the sandbox, and what to do without it -----------------------------------------------------


@pytest.mark.parametrize(
    ("platform", "programs", "files", "words"),
    [
        ("win32", (), {}, "wsl --install"),
        ("darwin", (), {}, "virtual machine"),
        ("linux", ("apt",), {}, "sudo apt install bubblewrap"),
        ("linux", ("dnf",), {}, "sudo dnf install bubblewrap"),
        ("linux", (), {}, "install the package bubblewrap"),
        ("linux", ("bwrap",), {"container": ""}, "systempaths=unconfined"),
        ("linux", ("bwrap",), {"APPARMOR": "1\n"}, "bwrap-userns-restrict"),
        ("linux", ("bwrap",), {"APPARMOR": "0\n", "USERNS": "0\n"}, "unprivileged_userns_clone=1"),
        ("linux", ("bwrap",), {"NAMESPACES": "0\n"}, "max_user_namespaces"),
        ("linux", ("bwrap",), {"APPARMOR": "0\n"}, "ask whoever"),
    ],
)
def test_each_system_has_a_remedy(tmp_path, monkeypatch, platform, programs, files, words):
    monkeypatch.setattr(sandbox.sys, "platform", platform)
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: name if name in programs else None)
    monkeypatch.setattr(sandbox, "CONTAINERS", (tmp_path / "container",))
    for name in ("APPARMOR", "USERNS", "NAMESPACES"):
        monkeypatch.setattr(sandbox, name, tmp_path / name)
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert words in sandbox.remedy()


def test_the_doctor_says_whether_there_is_a_sandbox(monkeypatch):
    monkeypatch.setattr(sandbox, "problem", lambda: "")
    assert checkup.isolation().remedy == ""
    monkeypatch.setattr(sandbox, "problem", lambda: "it is switched off")
    monkeypatch.setattr(sandbox, "remedy", lambda: "switch it on")
    finding = checkup.isolation()
    assert "it is switched off" in finding.text
    assert finding.remedy == "switch it on"
    assert not finding.needed


def test_an_older_bubblewrap_is_not_asked_for_what_it_lacks(monkeypatch):
    monkeypatch.setattr(sandbox, "_can_forbid_namespaces", lambda: False)
    assert "--disable-userns" not in sandbox.command([sys.executable])
    monkeypatch.setattr(sandbox, "_can_forbid_namespaces", lambda: True)
    assert "--disable-userns" in sandbox.command([sys.executable])


def test_a_folder_that_python_names_but_does_not_have_is_not_asked_for(monkeypatch, tmp_path):
    """Debian's Python names such folders in every virtual environment."""
    there, missing = tmp_path / "there", tmp_path / "missing"
    there.mkdir()
    monkeypatch.setattr(sandbox.site, "getsitepackages", lambda: [str(there), str(missing)])
    readable = sandbox._readable()
    assert str(there.resolve()) in readable
    assert str(missing.resolve()) not in readable


@pytest.mark.parametrize(
    ("platform", "program", "reason"),
    [
        ("darwin", "/bin/true", "on Linux alone"),
        ("linux", None, "is not installed"),
        ("linux", "/bin/false", "can't run here"),
    ],
)
def test_a_sandbox_is_tried_and_not_believed(monkeypatch, platform, program, reason):
    monkeypatch.setattr(sandbox.sys, "platform", platform)
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: program)
    monkeypatch.setattr(sandbox, "command", lambda arguments: [program])
    assert reason in sandbox.problem.__wrapped__()


def test_an_examiner_believes_whoever_started_it(monkeypatch):
    monkeypatch.setenv(sandbox.TRIED, "it is switched off")
    assert sandbox.problem.__wrapped__() == "it is switched off"
