"""A student's copies are never overwritten; JupyterLab runs on them with our settings."""

import json
import os
from pathlib import Path

import browser
import pytest

from mnist_course import runtime
from mnist_course.cli import lessons

ROOT = Path(__file__).parent.parent


@pytest.fixture
def course(tmp_path):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (folder / "01_loading.ipynb").write_text("first version")
    return folder


@pytest.fixture
def work(tmp_path):
    return tmp_path / "my-lessons"


def notebooks(folder):
    return {path.name: path.read_text() for path in folder.glob("*.ipynb")}


def test_lessons_are_copied_once(course, work):
    assert lessons.copy_lessons(course, work) == []
    assert notebooks(work) == {"01_loading.ipynb": "first version"}
    (work / "01_loading.ipynb").write_text("mine")
    assert lessons.copy_lessons(course, work) == []
    assert notebooks(work) == {"01_loading.ipynb": "mine"}


def test_an_unedited_copy_follows_the_course(course, work):
    lessons.copy_lessons(course, work)
    (course / "01_loading.ipynb").write_text("second version")
    [line] = lessons.copy_lessons(course, work)
    assert "up to date" in line
    assert notebooks(work) == {"01_loading.ipynb": "second version"}


def test_an_edited_copy_stays_and_each_new_version_lies_beside_it_once(course, work):
    lessons.copy_lessons(course, work)
    (work / "01_loading.ipynb").write_text("mine")
    for number in (1, 2):
        (course / "01_loading.ipynb").write_text(f"version {number + 1}")
        [line] = lessons.copy_lessons(course, work)
        assert f"01_loading.new-{number}.ipynb" in line
        assert lessons.copy_lessons(course, work) == []
    assert notebooks(work) == {
        "01_loading.ipynb": "mine",
        "01_loading.new-1.ipynb": "version 2",
        "01_loading.new-2.ipynb": "version 3",
    }


def test_a_name_that_is_taken_is_left_alone(course, work):
    lessons.copy_lessons(course, work)
    (work / "01_loading.ipynb").write_text("mine")
    (work / "01_loading.new-1.ipynb").write_text("also mine")
    (course / "01_loading.ipynb").write_text("second version")
    lessons.copy_lessons(course, work)
    assert notebooks(work)["01_loading.new-1.ipynb"] == "also mine"
    assert notebooks(work)["01_loading.new-2.ipynb"] == "second version"


@pytest.mark.parametrize("record", [None, "{broken", "[]"])
def test_without_a_record_every_copy_counts_as_edited(course, work, record):
    lessons.copy_lessons(course, work)
    (work / lessons.RECORD).unlink()
    if record:
        (work / lessons.RECORD).write_text(record)
    (course / "01_loading.ipynb").write_text("second version")
    lessons.copy_lessons(course, work)
    assert notebooks(work)["01_loading.ipynb"] == "first version"
    assert notebooks(work)["01_loading.new-1.ipynb"] == "second version"


def test_a_deleted_copy_comes_back(course, work):
    lessons.copy_lessons(course, work)
    (work / "01_loading.ipynb").unlink()
    lessons.copy_lessons(course, work)
    assert notebooks(work) == {"01_loading.ipynb": "first version"}


def test_a_copy_that_cannot_be_written_leaves_nothing_half_done(course, work, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        lessons.copy_lessons(course, work)
    assert list(work.iterdir()) == []


def test_a_course_without_lessons_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(lessons, "checkout", lambda: tmp_path)
    with pytest.raises(runtime.CourseError, match="no lessons"):
        lessons.course_folder()


def test_work_folder_in_and_outside_a_checkout(monkeypatch, tmp_path):
    assert lessons.work_folder() == ROOT / "my-lessons"
    monkeypatch.setattr(lessons, "checkout", lambda: None)
    monkeypatch.chdir(tmp_path)
    assert lessons.work_folder() == tmp_path / "my-lessons"
    (tmp_path / "my-lessons").mkdir()
    monkeypatch.chdir(tmp_path / "my-lessons")
    assert lessons.work_folder() == tmp_path / "my-lessons"


# --- JupyterLab itself --------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    (home / "notebooks").mkdir()
    (home / "notebooks" / "01_loading.ipynb").write_text("a lesson")
    with browser.jupyterlab(home, home / "notebooks") as running:
        yield running


def test_jupyterlab_opens_my_lessons(server):
    assert Path(server["root_dir"]).name == "my-lessons"
    found = browser.ask(server, "api/contents")["content"]
    assert [file["name"] for file in found] == ["01_loading.ipynb"]


def test_our_settings_are_in_force_in_jupyterlab(server):
    wanted = json.loads((ROOT / "mnist_course" / "jupyterlab.json").read_text())
    assert wanted["@jupyterlab/apputils-extension:kernels-settings"] == {
        "commsOverSubshells": "disabled"  # widget callbacks on the main thread
    }
    for plugin, values in wanted.items():
        answer = browser.ask(server, f"lab/api/settings/{plugin}")
        assert answer["settings"] == {}  # none of the user's own
        for key, value in values.items():
            assert answer["schema"]["properties"][key]["default"] == value
