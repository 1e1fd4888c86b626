"""The workflows, the hooks and the CI script: valid, and calling the commands that exist."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from mnist_course.cli import checkup

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MAKE = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))

CLASS = ROOT / "docs" / "class-workflow.yml"  # for other repositories

every_workflow = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
ours_and_the_class_s = pytest.mark.parametrize("path", [*FILES, CLASS], ids=lambda path: path.stem)


def load(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def steps(path):
    return [step for job in load(path)["jobs"].values() for step in job["steps"]]


def commands(path):
    return [step["run"] for step in steps(path) if "run" in step]


def test_there_are_three():
    assert [path.stem for path in FILES] == ["pages", "test", "weekly"]


@ours_and_the_class_s
def test_a_workflow_is_valid(path):
    check = ["-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(path)]
    done = subprocess.run([sys.executable, *check], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@ours_and_the_class_s
def test_a_workflow_may_read_and_no_more(path):
    workflow = load(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"] <= 180
        if name == "publish":
            assert job["permissions"] == {"pages": "write", "id-token": "write"}
        else:
            assert "permissions" not in job


@ours_and_the_class_s
def test_actions_are_github_s_own_and_name_a_major_version(path):
    for step in steps(path):
        if "uses" in step:
            assert re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"])


@every_workflow
def test_a_workflow_calls_make_s_commands(path):
    for command in commands(path):
        word, target = command.split()
        assert word == "make"
        assert target in MAKE


@pytest.mark.skipif(sys.platform == "win32", reason="the class runs on Linux")
def test_a_class_sees_points_and_runs_strictly(tmp_path):
    d2l, points, strict = commands(CLASS)[1:]
    assert checkup.D2L in d2l
    assert "my-lessons" in load(CLASS)[True]["push"]["paths"][0]
    # the points: the command itself, where the runner's programs would be
    environment = {**os.environ, "RUNNER_TEMP": str(tmp_path)}
    environment["GITHUB_STEP_SUMMARY"] = str(tmp_path / "summary.md")
    program = tmp_path / "mnist-course"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from mnist_course.cli import main\nmain()\n"
    )
    program.chmod(0o755)
    environment["PATH"] = f"{tmp_path}{os.pathsep}{environment['PATH']}"
    (tmp_path / "my-lessons").mkdir()
    subprocess.run(["bash", "-ec", points], cwd=tmp_path, env=environment, check=True)
    summary = (tmp_path / "summary.md").read_text().splitlines()
    assert summary[0] == summary[-1] == "```"
    assert summary[-2].startswith("all lessons")
    # the checks
    [step] = [step for step in steps(CLASS) if step.get("run") == strict]
    assert step["env"] == {"MNIST_COURSE_QUICK": "1", "MNIST_COURSE_STRICT": "1"}
    (tmp_path / "my-lessons" / "05_one.new-1.ipynb").write_text("{")
    program = tmp_path / "pytest"
    program.write_text('#!/bin/sh\necho "$@" > called.txt\nls my-lessons > found.txt\n')
    program.chmod(0o755)
    lessons = {"LESSONS": "my-lessons/04_*.ipynb my-lessons/05_*.ipynb"}
    for name in ("04_one.ipynb", "05_one.ipynb"):
        (tmp_path / "my-lessons" / name).write_text("{}")
    subprocess.run(["bash", "-ec", strict], cwd=tmp_path, env=environment | lessons, check=True)
    called = (tmp_path / "called.txt").read_text()
    assert called.startswith("--nbval-lax --nbval-current-env")
    assert called.endswith(" my-lessons/04_one.ipynb my-lessons/05_one.ipynb\n")
    assert (
        load(CLASS)["jobs"]["exercises"]["env"]["LESSONS"] == "${{ vars.LESSONS || 'my-lessons' }}"
    )


def test_the_readme_s_test_command_is_what_runs_everywhere():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```\w*\n(.*?)^```", readme, re.M | re.S)
    lines = {line.partition("#")[0].strip() for block in blocks for line in block.splitlines()}
    assert "make test" in lines
    assert "make test" in commands(ROOT / ".github" / "workflows" / "test.yml")
    last = (ROOT / ".ci" / "run").read_text().splitlines()[-2:]
    assert last == ["make test", "make test-browser"]


def test_three_systems_and_the_oldest_python():
    matrix = load(ROOT / ".github/workflows/test.yml")["jobs"]["test"]["strategy"]["matrix"]
    assert [os.partition("-")[0] for os in matrix["os"]] == ["ubuntu", "macos", "windows"]
    oldest, newest = matrix["python"]
    assert PROJECT["requires-python"] == f">={oldest}"
    for path in FILES:  # elsewhere the newest
        for step in steps(path):
            version = step.get("with", {}).get("python-version", newest)
            assert version in (newest, "${{ matrix.python }}")


def test_a_push_and_a_pull_request_are_tested_and_a_week_is_too():
    # YAML 1.1 reads the word "on" as true
    assert set(load(ROOT / ".github/workflows/test.yml")[True]) == {"push", "pull_request"}
    assert set(load(ROOT / ".github/workflows/weekly.yml")[True]) == {
        "schedule", "workflow_dispatch",
    }  # fmt: skip


def test_hooks_are_commands_that_exist():
    [local] = load(ROOT / ".pre-commit-config.yaml")["repos"]
    assert local["repo"] == "local"  # so that no version goes stale and no network is needed
    for hook in local["hooks"]:
        word, target = hook["entry"].split()
        assert word == "make"
        assert target in MAKE
        assert hook["language"] == "system"
        re.compile(hook.get("files", ""))
