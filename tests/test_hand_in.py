"""The hand-in file: what goes in, what is said before, and how it is read back."""

import contextlib
import datetime
import http.server
import io
import json
import os
import re
import shutil
import stat
import sys
import threading
import zipfile
from pathlib import Path, PurePosixPath
from unittest import mock

import make_notebooks
import nbclient
import nbformat
import pytest
from click.testing import CliRunner

from mnist_course import runtime
from mnist_course.cli import hand_in as command
from mnist_course.cli import jupyter, main
from mnist_course.exercises import EXERCISES
from mnist_course.grading import hand_in, hand_out, notebooks, submissions

ROOT = Path(__file__).parent.parent
LEAKY = """
def leaky_relu(inputs, slope):
    return torch.where(inputs > 0, inputs, slope * inputs)
"""


def course(*arguments, **environment):
    return CliRunner().invoke(main, [str(one) for one in arguments], env=environment)


@pytest.fixture
def work(tmp_path):
    """A student's folder with lesson 04 from the course, and one answer in it."""
    folder = tmp_path / "my lessons"
    folder.mkdir()
    [path] = (ROOT / "notebooks").glob("04_*.ipynb")
    notebook = json.loads(path.read_text(encoding="utf-8"))
    [cell] = (cell for cell in notebook["cells"] if cell["id"] == "leaky-relu")
    cell["source"] = LEAKY
    (folder / path.name).write_text(json.dumps(notebook), encoding="utf-8")
    return folder


@pytest.fixture
def quick(monkeypatch):
    """Judges nothing: what an answer is worth has tests of its own, and takes seconds."""

    def judged(part):
        words = {"leaky-relu": "right"}
        return {name: (words.get(name, "not solved yet"), "") for name in part.exercises}

    monkeypatch.setattr(command, "_judged", judged)
    monkeypatch.setattr(command, "_open_in_jupyter", dict)


def add_cell(path, source):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["cells"].append({"cell_type": "code", "source": source, "id": "z", "metadata": {}})
    path.write_text(json.dumps(notebook), encoding="utf-8")


def lesson(folder):
    return folder / "04_relu_and_max_pooling.ipynb"


def names_in(path):
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


# --- the command --------------------------------------------------------------------------


def run_in_a_cell(line, folder):
    """What a line prints in a cell of a notebook in this folder."""
    cell = nbformat.v4.new_code_cell(line)
    notebook = nbformat.v4.new_notebook(cells=[cell])
    where = {"metadata": {"path": str(folder)}}
    nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3", resources=where).execute()
    return "".join(output.text for output in cell.outputs).replace("\r\n", "\n")


def test_from_a_cell_of_the_lesson_to_the_teacher(work, tmp_path, monkeypatch):
    """By the line at the end of each lesson, with the answers judged for real."""
    [line] = re.findall(r"^!.*$", make_notebooks.HAND_IN, re.MULTILINE)
    monkeypatch.setenv("PATH", os.environ["PATH"])
    jupyter.find_own_programs()  # as `mnist-course lab` does
    said = run_in_a_cell(f'{line} --name "Änne"', work)
    assert (work / "hand-in.zip").exists(), said
    [row] = (line for line in said.splitlines() if EXERCISES["leaky-relu"].title in line)
    assert row.split()[:2] == [EXERCISES["leaky-relu"].number, "right"]
    assert row.endswith(f"(cases: {len(EXERCISES['leaky-relu'].cases)} visible)")
    points_here = sum(one.points for one in EXERCISES.values() if one.lesson == "04")
    assert f"{EXERCISES['leaky-relu'].points} of {points_here} points" in said
    assert "not solved yet" in said
    assert "Your teacher may try them on hidden ones, too, and has not said on how many." in said
    assert command.SAVE_FIRST in said
    [one] = submissions.read(work / "hand-in.zip")
    assert (one.remarks, one.problems, one.openings) == ([], [], 0)
    assert one.stated.name == "Änne"
    assert one.stated.exercises["leaky-relu"] == "right"
    assert [str(file.path) for file in one.files] == [lesson(work).name]
    assert one.files[0].read() == lesson(work).read_bytes()
    [(_, place)] = submissions.prepare(one, tmp_path / "graded")
    notebook = notebooks.read(place)
    assert "leaky-relu" in notebooks.exercises_of(notebook, EXERCISES)
    assert LEAKY in [cell.source for cell in notebook.cells]


def test_it_is_read_back_by_eye(work, quick):
    assert course("hand-in", work, "--name", "Änne").exit_code == 0
    result = course("hand-in", "--show", work / "hand-in.zip")
    assert result.exit_code == 0, result.output
    said = result.stdout
    assert f"by Änne with mnist-course {runtime_version()}" in said
    assert hand_in.digest(lesson(work).read_bytes()) in said
    assert "All 1 files are as they were when the file was made." in said
    assert "They prove nothing" in said
    [row] = (line for line in said.splitlines() if EXERCISES["leaky-relu"].title in line)
    assert row.split()[:2] == [EXERCISES["leaky-relu"].number, "right"]


def runtime_version():
    from mnist_course import __version__

    return __version__


def test_a_change_is_shown_and_gives_exit_status_1(work, quick, tmp_path):
    course("hand-in", work)
    changed = tmp_path / "changed.zip"
    with zipfile.ZipFile(work / "hand-in.zip") as archive, zipfile.ZipFile(changed, "w") as new:
        for name in archive.namelist():
            new.writestr(name, archive.read(name).replace(b"inputs > 0", b"inputs >= 0"))
    result = course("hand-in", "--show", changed)
    assert result.exit_code == 1
    assert f"CHANGED: {lesson(work).name}: it was changed" in result.stdout
    assert "as they were" not in result.stdout


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "can't be opened"), (b"text", "can't be opened"), (None, "there is no file")],
)
def test_showing_what_is_no_hand_in(content, said, tmp_path):
    path = tmp_path / "x.zip"
    if content is not None:
        path.write_bytes(content)
    result = course("hand-in", "--show", path)
    assert result.exit_code == 1
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_showing_another_zip(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("03_lenet.ipynb", b"{}")
    result = course("hand-in", "--show", path)
    assert result.exit_code == 1
    assert "is no hand-in file: it has no list hand-in.json" in result.stderr


def test_an_earlier_hand_in_is_never_overwritten(work, quick):
    for _ in range(3):
        assert course("hand-in", work).exit_code == 0
    first = (work / "hand-in.zip").read_bytes()
    assert course("hand-in", work, "--to", work / "hand-in.zip").exit_code == 0
    assert (work / "hand-in.zip").read_bytes() == first
    zips = {path.name for path in work.glob("*.zip")}
    assert zips == {"hand-in.zip", "hand-in-2.zip", "hand-in-3.zip", "hand-in-4.zip"}
    assert names_in(work / "hand-in-4.zip") == ["hand-in.json", lesson(work).name]


def test_nothing_but_notebooks_and_what_they_import_goes_in(work, quick):
    for name, content in {
        "helper.py": "import deeper\nfrom package import part\n",
        "deeper.py": "import helper, nowhere, json\n",
        "package/__init__.py": "from . import part",
        "package/part.py": "def f(:",
        "package/data.csv": "secret",
        "other.py": "x",
        "json.py": "x = 1",
        "password.txt": "secret",
        ".env": "secret",
        ".ipynb_checkpoints/04-checkpoint.ipynb": "{}",
        "notes.ipynb": '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}',
        "test-set-openings.jsonl": '{"reason": "to see it", "dataset": "mnist"}\n',
    }.items():
        (work / name).parent.mkdir(exist_ok=True)
        (work / name).write_text(content, encoding="utf-8")
    add_cell(lesson(work), "import helper\n%timeit 1\ndef f():\n    from torch import nn")
    result = course("hand-in", work)
    assert result.exit_code == 0, result.output
    assert names_in(work / "hand-in.zip") == [
        "hand-in.json", lesson(work).name, "deeper.py", "helper.py", "json.py",
        "package/__init__.py", "package/part.py",
    ]  # fmt: skip
    assert "left out: notes.ipynb: belongs to no lesson" in result.stdout
    assert "opened 1 time(s)" in result.stdout
    [one] = submissions.read(work / "hand-in.zip")
    assert (one.openings, one.remarks) == (1, [])
    assert len(one.files) == 6


@pytest.mark.skipif(sys.platform == "win32", reason="needs rights there")
def test_a_module_that_is_a_link_to_somewhere_else_stays_out(work, quick, tmp_path):
    (tmp_path / "secret.py").write_text("password = 1")
    (work / "helper.py").symlink_to(tmp_path / "secret.py")
    add_cell(lesson(work), "import helper")
    result = course("hand-in", work)
    assert "left out: helper.py: it lies outside" in result.stdout
    assert names_in(work / "hand-in.zip") == ["hand-in.json", lesson(work).name]


def test_too_large_and_too_many_modules_stay_out(work, quick):
    (work / "big.py").write_bytes(b"#" * (hand_in.LARGEST_MODULE + 1))
    (work / "many").mkdir()
    for number in range(hand_in.MODULES + 5):
        (work / "many" / f"m{number:03}.py").touch()
    add_cell(lesson(work), "import big, many")
    result = course("hand-in", work)
    assert result.exit_code == 0
    assert "left out: big.py: it is larger" in result.stdout
    assert len(names_in(work / "hand-in.zip")) == 2 + hand_in.MODULES


def test_lessons_are_chosen_by_the_option_or_by_what_was_handed_out(work, quick):
    [other] = (ROOT / "notebooks").glob("02_*.ipynb")
    shutil.copy(other, work / "Kopie von lesson two.ipynb")
    assert course("hand-in", work, "--lessons", "1-2").exit_code == 0
    assert names_in(work / "hand-in.zip") == ["hand-in.json", "Kopie von lesson two.ipynb"]
    counts = {name: (5, 2) for name, one in EXERCISES.items() if one.lesson == "04"}
    found = hand_out.files(ROOT / "notebooks", ("04",), counts)
    (work / "course.json").write_bytes(found["course.json"])
    result = course("hand-in", work)
    assert names_in(work / "hand-in-2.zip") == ["hand-in.json", lesson(work).name]
    visible = [len(one.cases) for one in EXERCISES.values() if one.lesson == "04"]
    for count in set(visible):
        told = f"(cases: {count} visible, 2 hidden)"
        assert result.stdout.count(told) == visible.count(count)
    assert f"will be tried on the hidden ones, too: {2 * len(counts)} in all." in result.stdout
    assert "Your teacher may" not in result.stdout
    found = hand_out.files(ROOT / "notebooks", ("04",), dict.fromkeys(counts, (5, 0)))
    (work / "course.json").write_bytes(found["course.json"])
    assert "There are no hidden ones." in course("hand-in", work).stdout
    result = course("hand-in", work, "--lessons", "10")
    assert result.exit_code == 1
    assert "names no lessons" in result.stderr


def test_a_notebook_that_can_not_be_read_is_named_and_goes_in_as_it_is(work, quick):
    (work / "02_broken.ipynb").write_bytes(b'{"cells": [')
    result = course("hand-in", work)
    assert result.exit_code == 0
    assert "02_broken.ipynb can't be read: line 1 is no JSON" in result.stdout
    assert "it goes in as it is" in result.stdout
    assert names_in(work / "hand-in.zip") == ["hand-in.json", "02_broken.ipynb", lesson(work).name]


def test_a_newer_version_beside_the_students_own_stays_out_until_it_is_edited(work, quick):
    newer = lesson(work).with_name("04_relu_and_max_pooling.new-1.ipynb")
    shutil.copy(ROOT / "notebooks" / "04_relu_and_max_pooling.ipynb", newer)
    result = course("hand-in", work)
    assert f"left out: {newer.name}: the course's newer version" in result.stdout
    assert len(names_in(work / "hand-in.zip")) == 2
    newer.write_bytes(newer.read_bytes() + b"\n")
    course("hand-in", work)
    assert newer.name in names_in(work / "hand-in-2.zip")


@pytest.mark.skipif(sys.platform == "win32", reason="needs rights there")
def test_a_link_to_any_file_is_no_notebook(work, quick, tmp_path):
    (tmp_path / "secret").write_text("password")
    (work / "04_x.ipynb").symlink_to(tmp_path / "secret")
    result = course("hand-in", work)
    assert "left out: 04_x.ipynb: it is a link, and no notebook" in result.stdout
    assert len(names_in(work / "hand-in.zip")) == 2


def test_nothing_to_hand_in(tmp_path, quick):
    result = course("hand-in", tmp_path)
    assert result.exit_code == 1
    assert "nothing to hand in" in result.stderr
    assert "no folder" in course("hand-in", tmp_path / "nowhere").stderr
    (tmp_path / "03_broken.ipynb").write_bytes(b"")
    assert "is a file: name the" in course("hand-in", tmp_path / "03_broken.ipynb").stderr
    result = course("hand-in", tmp_path)
    assert result.exit_code == 1
    assert "03_broken.ipynb can't be read" in result.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["03_broken.ipynb"]


def test_a_record_of_openings_that_is_damaged_is_said(work, quick):
    (work / "test-set-openings.jsonl").write_text("no JSON\n")
    result = course("hand-in", work)
    assert result.exit_code == 0
    assert "test-set-openings.jsonl can't be read: line 1" in result.stdout
    [one] = submissions.read(work / "hand-in.zip")
    assert one.openings is None
    assert "an unknown number of" in course("hand-in", "--show", work / "hand-in.zip").stdout


def test_a_notebook_that_is_saved_meanwhile_is_not_handed_in_half(work, quick, monkeypatch):
    def judged(part):
        add_cell(part.notebook.path, "# saved by JupyterLab")
        return dict.fromkeys(part.exercises, ("right", ""))

    monkeypatch.setattr(command, "_judged", judged)
    result = course("hand-in", work)
    assert result.exit_code == 1
    assert "was saved while it was looked at" in result.stderr
    assert not list(work.glob("*.zip"))


def test_a_notebook_whose_outputs_alone_are_saved_meanwhile_is_handed_in(work, quick, monkeypatch):
    def judged(part):
        text = part.notebook.path.read_text(encoding="utf-8")
        part.notebook.path.write_text(text.replace('"outputs": []', '"outputs": [ ]'), "utf-8")
        return dict.fromkeys(part.exercises, ("right", ""))

    monkeypatch.setattr(command, "_judged", judged)
    before = lesson(work).read_bytes()
    assert course("hand-in", work).exit_code == 0
    assert lesson(work).read_bytes() != before
    [one] = submissions.read(work / "hand-in.zip")
    assert (one.files[0].read(), one.remarks) == (before, [])


def test_the_same_work_in_the_same_second_gives_the_same_bytes():
    parts = [hand_in.Part(PurePosixPath("ü/03.ipynb"), b"x" * 10_000)]
    now = datetime.datetime(2026, 11, 26, 20, 17, 4, tzinfo=datetime.UTC)
    with mock.patch.object(hand_in, "now", return_value=now):
        first, second = (hand_in.packed(parts, "", 0, {}) for _ in range(2))
    assert first == second
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        stated = hand_in.stated(archive.read("hand-in.json"))
        assert stated.made == "2026-11-26T20:17:04Z"
        assert archive.read("ü/03.ipynb") == b"x" * 10_000
    assert hand_in.differences(stated, {"ü/03.ipynb": hand_in.digest(b"x" * 10_000)}) == []


# --- the drop box -------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="folders have other rights there")
@pytest.mark.parametrize(("mode", "readable"), [(0o1733, 0o644), (0o3733, 0o640)])
def test_a_drop_box_that_can_not_be_listed(mode, readable, work, quick, tmp_path, monkeypatch):
    monkeypatch.setattr(hand_in, "login", lambda: "ann_e")
    box = tmp_path / "box"
    box.mkdir()
    box.chmod(mode)
    if box.stat().st_mode & 0o7777 != mode:
        pytest.skip("this file system keeps no such rights")
    previous = os.umask(0o077)
    try:
        for _ in range(2):
            result = course("hand-in", work, MNIST_COURSE_DROPBOX=str(box))
            assert result.exit_code == 0, result.output
    finally:
        os.umask(previous)
        box.chmod(0o700)
    first, second = sorted(box.iterdir())
    for path in (first, second):
        assert hand_in.DROPPED.fullmatch(path.name)["name"] == "ann_e"
        assert stat.S_IMODE(path.stat().st_mode) == readable
    [one] = submissions.read(box)
    assert (one.key, len(one.remarks)) == ("ann_e", 1)


def test_a_drop_box_on_a_drive_that_refuses_permissions(tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "chmod", refuse)
    assert hand_in.save(b"a hand-in", tmp_path).read_bytes() == b"a hand-in"


@pytest.mark.skipif(sys.platform == "win32", reason="the system says it in another way")
@pytest.mark.parametrize(("system", "said"), [("jovyan", "ann"), ("ben", "ben")])
def test_who_hands_in(system, said, monkeypatch):
    import pwd

    monkeypatch.setenv("JUPYTERHUB_USER", "ann")
    monkeypatch.setattr(pwd, "getpwuid", lambda number: mock.Mock(pw_name=system))
    assert hand_in.login() == said


def test_a_drop_box_that_is_not_there(work, quick, tmp_path):
    result = course("hand-in", work, MNIST_COURSE_DROPBOX=str(tmp_path / "gone"))
    assert result.exit_code == 1
    assert "tell your teacher" in result.stderr
    result = course("hand-in", work, "--to", tmp_path / "x" / "mine.zip", MNIST_COURSE_DROPBOX="x")
    assert result.exit_code == 0, "a file that is named comes first"
    result = course("hand-in", work, "--to", tmp_path / "mine")
    assert result.exit_code == 1
    assert "type --to mine.zip" in result.stderr


def test_a_full_disk_leaves_no_file_behind(tmp_path):
    with (
        mock.patch.object(runtime, "write_whole", side_effect=OSError(28, "No space left")),
        pytest.raises(OSError, match="No space"),
    ):
        hand_in.save(b"x", tmp_path / "hand-in.zip")
    assert list(tmp_path.iterdir()) == []


# --- what can be known of unsaved work ----------------------------------------------------


def test_an_untouched_notebook_is_pointed_out(work, quick):
    result = course("hand-in", work)
    assert "Nothing in it is solved" not in result.stdout
    [path] = (ROOT / "notebooks").glob("03_*.ipynb")
    shutil.copy(path, work)
    result = course("hand-in", work)
    assert result.stdout.count("Nothing in it is solved. If you worked on it") == 1


def test_a_cell_that_hands_in_before_it_was_saved_is_told_so(work, quick, monkeypatch):
    """Its kernel is active at that moment, which says nothing of the file."""
    always = dict.fromkeys(work.iterdir(), datetime.datetime.now(datetime.UTC).replace(year=9000))
    monkeypatch.setattr(command, "_open_in_jupyter", lambda: always)
    own = {"JPY_SESSION_NAME": str(lesson(work))}
    assert "was not saved since you typed it" in course("hand-in", work, **own).stdout
    add_cell(lesson(work), "!mnist-course hand-in .")
    said = course("hand-in", work, **own).stdout
    assert "was not saved since" not in said
    assert "its kernel was active" not in said
    assert "its kernel was active" in course("hand-in", work, JPY_SESSION_NAME="").stdout


@contextlib.contextmanager
def jupyter_server(sessions, token="secret"):
    """A server that answers as Jupyter's does when it is asked for its sessions."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            allowed = self.headers["Authorization"] == f"token {token}"
            self.send_response(200 if allowed and self.path == "/lab/api/sessions" else 403)
            self.end_headers()
            if allowed:
                self.wfile.write(json.dumps(sessions).encode())

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/lab/"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(("seconds", "warned"), [(60, True), (-60, False)])
def test_a_notebook_whose_kernel_was_active_after_it_was_saved(seconds, warned, work, monkeypatch):
    from jupyter_server import serverapp

    monkeypatch.setattr(
        command, "_judged", lambda part: dict.fromkeys(part.exercises, ("right", ""))
    )
    saved = datetime.datetime.fromtimestamp(lesson(work).stat().st_mtime, datetime.UTC)
    active = saved + datetime.timedelta(seconds=seconds)
    session = {"path": lesson(work).name, "kernel": {"last_activity": f"{active:%FT%T.%fZ}"}}
    with jupyter_server([session]) as url:
        server = {"url": url, "token": "secret", "root_dir": str(work)}
        refused = {"url": url, "token": "wrong", "root_dir": str(work)}
        gone = {"url": "http://127.0.0.1:9/", "token": "", "root_dir": str(work)}
        monkeypatch.setattr(serverapp, "list_running_servers", lambda: [gone, refused, server])
        result = course("hand-in", work)
    assert result.exit_code == 0, result.output
    assert ("its kernel was active after it was saved" in result.stdout) == warned


@pytest.mark.parametrize(
    "servers", [RuntimeError("broken"), [{}], [{"url": "no", "token": "", "root_dir": "."}]]
)
def test_a_hint_that_can_not_be_had_is_no_error(servers, work, monkeypatch):
    from jupyter_server import serverapp

    list_running_servers = mock.Mock(
        side_effect=servers if isinstance(servers, Exception) else None, return_value=servers
    )
    monkeypatch.setattr(serverapp, "list_running_servers", list_running_servers)
    assert command._open_in_jupyter() == {}
