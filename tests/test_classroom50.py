"""The autograder for Classroom 50 writes what its collector accepts."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import classroom
import pytest
from click.testing import CliRunner

from mnist_course.cli import main
from mnist_course.exercises import EXERCISES

ROOT = Path(__file__).parent.parent
BEGUN = "kernel-gradient"  # and not solved
URL = "https://github.com/school/class-digits-ada"
RUNNER = {  # what Classroom 50's runner sets
    "CLASSROOM": "class",
    "ASSIGNMENT": "digits",
    "SUBMISSION_TAG": "submit/2026-06-01T14-32-05Z-a1b2c3d",
    "COMMIT_URL": f"{URL}/commit/a1b2c3d",
    "RELEASE_URL": f"{URL}/releases/tag/submit%2F2026-06-01T14-32-05Z-a1b2c3d",
}


@pytest.fixture(scope="module")
def script():
    path = ROOT / "docs" / "classroom50.py"
    specification = importlib.util.spec_from_file_location("autograder", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A student's repository with one right answer, one wrong and one that is not begun."""
    folder = tmp_path_factory.mktemp("class digits ada")
    sources = {"idx-labels": classroom.right("idx-labels")}
    sources |= {"output-size": classroom.wrong("output-size"), BEGUN: classroom.stub(BEGUN)}
    (folder / "my answers.ipynb").write_bytes(classroom.notebook(sources))
    return folder


@pytest.fixture(scope="module")
def progress(repository, tmp_path_factory):
    """What `mnist-course progress --json` writes of the repository."""
    file = tmp_path_factory.mktemp("out") / "progress.json"
    done = CliRunner().invoke(main, ["progress", str(repository), "--json", str(file)])
    assert done.exit_code == 0, done.output
    return json.loads(file.read_text(encoding="utf-8"))


def test_progress_writes_for_programs_what_it_prints(progress):
    assert [one["name"] for one in progress["exercises"]] == list(EXERCISES)
    found = {one["name"]: one for one in progress["exercises"]}
    exercise = EXERCISES["idx-labels"]
    assert found["idx-labels"] == {
        "name": "idx-labels", "number": exercise.number, "title": exercise.title,
        "verdict": "right", "remark": "", "points": exercise.points, "possible": exercise.points,
    }  # fmt: skip
    assert found["output-size"]["verdict"] == "not right yet"
    assert found["output-size"]["remark"]
    assert {found[BEGUN]["verdict"], found["leaky-relu"]["verdict"]} == {"not solved yet"}
    assert progress["points"] == exercise.points
    assert progress["possible"] == sum(one.points for one in EXERCISES.values())
    assert set(progress["notebooks"]["01"]) == {"my answers.ipynb"}
    assert progress["notes"] == []


def test_the_result_is_as_classroom_50_wants_it(script, progress):
    result = script.result(progress, RUNNER)
    assert result["schema"] == "classroom50/result/v1"
    assert result["submission"].startswith("submit/")
    assert result["review"] == result["commit"] == RUNNER["COMMIT_URL"]
    for field in ("classroom", "assignment", "commit", "release", "review"):
        assert isinstance(result[field], str)
        assert result[field]
    # in the order of the lessons, and no other lesson's
    tests = result["tests"]
    taught = [one for one in EXERCISES.values() if one.lesson in script.LESSONS]
    assert [one["test-name"] for one in tests] == [f"{one.number} {one.title}" for one in taught]
    for test in tests:
        assert type(test["passed"]) is bool
        assert type(test["score"]) is type(test["max-score"]) is int
        assert 0 <= test["score"] <= test["max-score"]
    assert [one["test-name"][:4] for one in tests if one["passed"]] == [
        EXERCISES["idx-labels"].number
    ]
    assert result["score"] == EXERCISES["idx-labels"].points
    assert result["max-score"] == sum(one.points for one in taught)
    json.dumps(result)


def test_a_review_link_is_kept_where_the_runner_has_one(script, progress):
    link = f"{URL}/compare/1...2"
    assert script.result(progress, RUNNER | {"REVIEW_URL": link})["review"] == link


@pytest.mark.skipif(sys.platform == "win32", reason="it runs on GitHub's Linux")
def test_the_whole_script_with_the_course_that_is_installed(
    script, progress, repository, monkeypatch, tmp_path
):
    """Only the installing is left out: it would need a network."""
    command = tmp_path / "mnist-course"
    command.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from mnist_course.cli import main\nmain()\n"
    )
    command.chmod(0o755)
    monkeypatch.setattr(script, "installed", lambda folder: command)
    monkeypatch.chdir(repository)
    for name, value in RUNNER.items():
        monkeypatch.setenv(name, value)
    script.main()
    written = json.loads((repository / "result.json").read_text(encoding="utf-8"))
    assert written == script.result(progress, RUNNER)


def test_a_module_of_the_student_s_is_not_imported_while_installing(script, monkeypatch, tmp_path):
    for name in ("venv", "pip"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the student wrote this')")
    monkeypatch.chdir(tmp_path)
    lines = []
    run = script.subprocess.run
    monkeypatch.setattr(script.subprocess, "run", lambda line, check: lines.append(line))
    command = script.installed(tmp_path / "course")
    assert command == tmp_path / "course" / "bin" / "mnist-course"
    assert script.COURSE in lines[1][-1]
    for line in lines:  # the very Python and module that were asked for, without installing
        words = [sys.executable, *line[1:4], "--help"]
        run(words, check=True, stdout=subprocess.DEVNULL)
