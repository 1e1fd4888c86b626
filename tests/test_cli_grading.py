"""`mnist-course grade`, as a teacher types it: reports, refusals, and what an interrupt leaves."""

import contextlib
import csv
import dataclasses
import datetime
import os
import signal
import subprocess
import sys
import time
from pathlib import PurePosixPath
from unittest import mock

import psutil
import pytest
from classroom import Here, notebook, pack, right, wrong
from click.testing import CliRunner

from mnist_course import runtime
from mnist_course.cli import grading, main, sharing
from mnist_course.grading import hand_in, policy, sandbox, sources

POLICY = 'lessons = ["04"]\n[late]\nstudents = ["Nobody"]\n'


@pytest.fixture
def own_policy(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(POLICY)
    return path


@pytest.fixture
def here(monkeypatch):
    """Grading in this process, as if a sandbox were there."""
    monkeypatch.setattr(grading, "Examiner", Examiner)
    monkeypatch.setattr(sandbox, "problem", lambda: "")


class Examiner(Here):
    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


def grade(*arguments):
    return CliRunner().invoke(main, ["grade", *map(str, arguments)])


def files(folder):
    """The bytes of all reports but the times."""
    return {
        path.relative_to(folder): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "times.csv" and "records" not in path.parts
    }


def test_from_a_zip_to_grades(here, tmp_path, own_policy):
    path = pack(tmp_path / "class.zip", 3, ["04"])
    to = tmp_path / "graded papers"
    result = grade(path, "--to", to, "--policy", own_policy)
    assert result.exit_code == 0, result.output
    assert f"3 submissions are graded. Begin with {to / 'grades.csv'}" in result.output
    assert "Nobody stands in the policy's late rules, but handed in nothing" in result.output
    assert "Since the last time" not in result.output
    whole = files(to)
    assert {"grades.csv", "class.html"} <= {place.name for place in whole}
    assert (to / "times.csv").is_file()
    assert "Since" not in grade(path, "--to", to, "--policy", own_policy).output
    assert files(to) == whole
    grade(path, "--to", tmp_path / "again", "--policy", own_policy, "--workers", 3)
    assert files(tmp_path / "again") == whole
    own_policy.write_text(POLICY + "[points]\nleaky-relu = 9\n")
    result = grade(path, "--to", to, "--policy", own_policy)
    assert "Since the last time points changed for" in result.output
    assert "04.1 1 → 9" in result.output


def drop(box, day, user, source):
    """A hand-in of lesson 04 by a user of a server, put into a drop box as the command does."""
    content = notebook({"leaky-relu": source("leaky-relu")})
    part = hand_in.Part(PurePosixPath("04_relu.ipynb"), content)
    now = datetime.datetime(2026, 11, day, tzinfo=datetime.UTC)
    with (
        mock.patch.object(hand_in, "login", return_value=user),
        mock.patch.object(hand_in, "now", return_value=now),
    ):
        hand_in.save(hand_in.packed([part], user, 0, {}), box)


@pytest.mark.skipif(os.name == "nt", reason="folders and files have other rights there")
def test_the_drop_box_of_a_server_is_graded_as_it_is(here, tmp_path, own_policy):
    """Ada handed in twice and Chen once, and Ben last of all, in Ada's name."""
    box, to = tmp_path / "hand-ins", tmp_path / "graded"
    box.mkdir()
    box.chmod(sharing.DROP_BOX)
    drop(box, 1, "ada", wrong)
    drop(box, 2, "ada", right)
    drop(box, 1, "chen", wrong)
    drop(box, 3, "ada", wrong)
    owners = {"ada_2026-11-03": "ben"}  # of this file alone, its name does not say who made it

    def marks():
        def owner(path, parts, drop_box):
            item = file_item(path, parts, drop_box)
            assert item.owner, "in a drop box the owners are looked up"
            day = path.name.partition("T")[0]
            return dataclasses.replace(item, owner=owners.get(day, day.partition("_")[0]))

        with mock.patch.object(sources, "file_item", owner):
            result = grade(box, "--to", to, "--policy", own_policy)
        assert result.exit_code == 0, result.output
        with open(to / "grades.csv", encoding="utf-8-sig", newline="") as file:
            rows = {row["student"]: row for row in csv.DictReader(file)}
        return {student: row["points"] for student, row in rows.items()}, rows, result.output

    file_item = sources.file_item
    points, rows, _ = marks()
    assert points == {"ada": "1", "ada (a file of ben)": "0", "chen": "0"}
    assert "handed in 2 times; what counts is the attempt of 2026-11-02" in str(rows["ada"])
    drop(box, 4, "chen", right)
    points, _, said = marks()
    assert points["chen"] == "1"
    assert "points changed for 1:" in said
    assert "chen: 04.1 0 → 1" in said


@pytest.mark.parametrize("option", ["class.zip", "--policy", "--fill"])
def test_what_is_not_there_is_named_before_anybody_is_graded(here, tmp_path, own_policy, option):
    path = tmp_path / "class.zip"
    if option != "class.zip":
        pack(path, 1, ["04"])
    more = [option, tmp_path / "no such file"] if option.startswith("--") else []
    result = grade(path, "--to", tmp_path / "to", *more)
    assert result.exit_code == 1
    assert ("class.zip" if not more else "no such file") in result.stderr
    assert not (tmp_path / "to").exists()


def test_reports_among_the_submissions_are_no_submission(here, tmp_path, own_policy):
    folder = tmp_path / "class"
    (folder / "Ada").mkdir(parents=True)
    (folder / "Ada" / "04.ipynb").write_bytes(notebook({"leaky-relu": right("leaky-relu")}))
    for _ in range(2):
        to = folder / "gradéd"
        result = grade(folder, "--to", to, "--policy", own_policy)
        assert "1 submissions are graded" in result.output
    result = grade(folder, "--to", folder, "--policy", own_policy)
    assert result.exit_code == 1
    assert "name another folder with --to" in result.stderr
    assert not (folder / "grades.csv").exists()


@pytest.mark.parametrize("name", ["grades.csv", "Grades.csv"])
def test_the_teacher_s_export_is_not_replaced_by_a_report(here, tmp_path, own_policy, name):
    """Some systems take both names for the same file."""
    export = tmp_path / name
    export.write_text("mine", encoding="utf-8")
    path = pack(tmp_path / "class.zip", 1, ["04"])
    result = grade(path, "--to", tmp_path, "--policy", own_policy, "--fill", export)
    assert result.exit_code == 1
    assert "would replace your export" in result.stderr
    assert export.read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "class.html").exists()


def test_without_a_sandbox_nobody_is_graded_unless_it_is_asked_for(here, tmp_path, monkeypatch):
    path = pack(tmp_path / "class.zip", 1, ["04"])
    monkeypatch.setattr(sandbox, "problem", lambda: "bubblewrap is not installed")
    monkeypatch.setattr(sandbox, "remedy", lambda: "type: sudo apt install bubblewrap")
    result = grade(path, "--to", tmp_path / "to")
    assert result.exit_code == 1
    assert "bubblewrap is not installed" in result.stderr
    assert "sudo apt install bubblewrap" in result.stderr
    assert "--no-sandbox" in result.stderr
    assert not (tmp_path / "to").exists()
    result = grade(path, "--to", tmp_path / "to", "--no-sandbox")
    assert result.exit_code == 0, result.output
    assert result.stderr.count("Without a sandbox an answer may read") == 1


def test_the_example_is_printed_as_it_is():
    result = grade("--example-policy")
    assert result.exit_code == 0
    assert result.output == policy.EXAMPLE.read_text("utf-8")


# Where the tests run in the background, their programs are started deaf to Ctrl-C.
HEARS = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
"""
STARTED = """
import sys
from mnist_course.cli import main
main(["grade", *sys.argv[1:]])
"""


def works_on(process, folder, words):
    """Whether a worker runs below a process while a notebook with these words lies in a folder."""
    with contextlib.suppress(psutil.Error, OSError):  # one may end while it is looked at
        if any(words in path.read_bytes() for path in folder.rglob("*.ipynb")):
            below = psutil.Process(process.pid).children(recursive=True)
            return any("mnist_course.grading.worker" in one.cmdline() for one in below)
    return False


@pytest.mark.skipif(bool(sandbox.problem()), reason=f"no sandbox here: {sandbox.problem()}")
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_when_it_is_ended_nothing_is_left_and_it_goes_on_from_there(tmp_path, own_policy):
    """One class, ended by one signal after the other, since each start reads torch four times."""
    folder, to = tmp_path / "class", tmp_path / "to"
    for name, source in (("Ada", right), ("Bob", wrong)):
        (folder / f"{name}_1_assignsubmission_file").mkdir(parents=True)
        content = notebook({"leaky-relu": source("leaky-relu")})
        if name == "Bob":  # he holds it up until it is ended
            content = content.replace(b"return 'nothing'", b"return 'nothing'\\nwhile True: pass")
        (folder / f"{name}_1_assignsubmission_file" / "04.ipynb").write_bytes(content)
    command = [sys.executable, "-c", HEARS + STARTED, folder, "--to", to, "--policy", own_policy]
    kept = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        temporary = tmp_path / f"temporary of {number}"
        temporary.mkdir()
        with subprocess.Popen(
            [*command, "--workers", "1"], env={**os.environ, "TMPDIR": str(temporary)},
            stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            try:
                while not works_on(process, temporary, b"while True"):
                    assert process.poll() is None
                    time.sleep(0.05)
                started = psutil.Process(process.pid).children(recursive=True)
                process.send_signal(number)
                said = process.communicate(timeout=300)[1]
            finally:
                process.kill()
        assert process.returncode != 0
        assert psutil.wait_procs(started, timeout=120)[1] == []
        assert not (to / "grades.csv").exists()
        if number != signal.SIGKILL:  # which leaves nobody who could say so or tidy up
            assert "Stopped. What is graded is kept" in said
            assert list(temporary.iterdir()) == []
        kept.append({one: one.stat().st_mtime_ns for one in (to / "records").glob("[!.]*")})
        assert len(kept[-1]) == 1
        assert kept[-1] == kept[0]  # Ada is not graded again
    (folder / "Bob_1_assignsubmission_file" / "04.ipynb").write_bytes(
        notebook({"leaky-relu": wrong("leaky-relu")})
    )
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = (to / "grades.csv").read_text("utf-8-sig").splitlines()
    assert len(rows) == 3


def test_the_help_names_every_option():
    text = " ".join(grade("--help").output.split())
    for option in ("--to", "--policy", "--workers", "--fill", "--scheduler", "--no-sandbox"):
        assert option in text
    assert runtime.command("grade").endswith("grade")
