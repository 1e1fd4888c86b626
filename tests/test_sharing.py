"""What the doctor says where several people use one installation."""

import os
import re
import sys
import types
from pathlib import Path

import pytest
from click.testing import CliRunner
from traitlets.config import Config

from mnist_course.cli import checkup, main, sharing

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.skipif(os.name != "posix", reason="permissions as POSIX has them")


@pytest.fixture
def box(tmp_path, monkeypatch):
    """A drop box with the right permissions, named as a server names it."""
    folder = tmp_path / "hand ins"
    folder.mkdir()
    folder.chmod(sharing.DROP_BOX)
    monkeypatch.setenv("MNIST_COURSE_DROPBOX", str(folder))
    return folder


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A student's folder, which lies in folders that everybody may go through."""
    folder = tmp_path / "my-lessons"
    folder.mkdir()
    really = sharing._open_to_others
    monkeypatch.setattr(
        sharing, "_open_to_others", lambda place: place != folder or really(place)
    )  # pytest's own folders are closed
    monkeypatch.setenv("MNIST_COURSE_WORK", str(folder))
    return folder


def writable(monkeypatch, answer):
    monkeypatch.setattr(sharing.os, "access", lambda path, mode: answer)


def names():
    return [finding.name for finding in checkup.examine()]


@pytest.mark.parametrize(
    ("hub", "may_write", "shared"),
    [(None, True, False), (None, False, True), ("ada", True, True), ("ada", False, True)],
)
def test_a_hub_or_somebody_else_s_installation_is_shared(monkeypatch, hub, may_write, shared):
    monkeypatch.delenv(sharing.HUB, raising=False)
    if hub:
        monkeypatch.setenv(sharing.HUB, hub)
    writable(monkeypatch, may_write)
    assert sharing.is_shared() == shared


def test_the_doctor_looks_at_it_where_it_is_shared_alone(monkeypatch):
    for name in ("device", "mnist", "fashion", "kernel", "settings", "isolation"):
        monkeypatch.setattr(checkup, name, lambda: checkup.Diagnosis("quick", ""))
    monkeypatch.setattr(checkup.runtime, "versions", dict)
    parts = {"installation", "threads", "privacy", "drop box"}
    monkeypatch.setattr(sharing, "is_shared", lambda: False)
    assert not parts & set(names())
    monkeypatch.setattr(sharing, "is_shared", lambda: True)
    assert parts <= set(names())


def test_an_installation_belongs_to_root(monkeypatch):
    writable(monkeypatch, False)
    assert sharing.installation() == (f"in {sys.prefix}, which you can use but not change", "")
    writable(monkeypatch, True)
    monkeypatch.setattr(sharing.os, "geteuid", lambda: 1001)
    text, remedy = sharing.installation()
    assert "what everybody runs" in text
    assert f"chown -R root: {sys.prefix}" in remedy
    monkeypatch.setattr(sharing.os, "geteuid", lambda: 0)
    assert sharing.installation()[1] == ""


def test_threads_wait_passively_unless_somebody_chose_otherwise(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("OMP_WAIT_POLICY", "passive")
    text, remedy = sharing.threads()
    assert text.startswith("at most 3 for a kernel")
    assert remedy == ""
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    text, remedy = sharing.threads()
    assert text.startswith("OMP_WAIT_POLICY=ACTIVE keeps cores busy")
    assert "PASSIVE" in remedy


@pytest.mark.parametrize(("mode", "private"), [(0o700, True), (0o755, False), (0o711, False)])
def test_lessons_are_private_where_no_other_user_gets_through(home, mode, private):
    home.chmod(mode)
    can, line = ("can't", "") if private else ("can", f"chmod go= {home}")
    assert sharing.privacy() == (f"other users {can} read {home}", line)


def test_a_drop_box_takes_hand_ins_and_shows_none(box):
    text, remedy = sharing.drop_box()
    assert text == f"hand-ins go to {box}, and only its owner and its group can look into it"
    assert remedy == ""


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        (0o3770, "students can't put a hand-in into"), (0o3772, "students can't put a hand-in"),
        (0o3777, "students can see what is in"), (0o2773, "students can remove hand-ins from"),
        (0o1773, "its group can't read hand-ins in"),
    ],
)  # fmt: skip
def test_a_drop_box_with_other_permissions_is_no_drop_box(box, mode, said):
    box.chmod(mode)
    text, remedy = sharing.drop_box()
    assert text.startswith(said)
    assert f"(its mode is {mode:o})" in text
    assert f"chmod 3773 '{box}'" in remedy


def test_a_drop_box_may_be_missing_or_not_named(box, monkeypatch):
    box.rmdir()
    text, remedy = sharing.drop_box()
    assert text.endswith("is not there")
    assert f"mkdir -p '{box}'" in remedy
    monkeypatch.delenv("MNIST_COURSE_DROPBOX")
    text, remedy = sharing.drop_box()
    assert "stay with the students" in text
    assert "MNIST_COURSE_DROPBOX" in remedy


# --- as JupyterHub starts it --------------------------------------------------------------


@pytest.fixture
def work(tmp_path):
    return tmp_path / "my-lessons"


def lab(folder):
    return CliRunner().invoke(main, ["lab", "--hub", "--folder", str(folder)])


def test_hub_is_an_option_for_a_hub_alone(monkeypatch, work):
    monkeypatch.delenv("JUPYTERHUB_API_TOKEN", raising=False)
    result = lab(work)
    assert result.exit_code == 1
    assert "To start JupyterLab yourself, type: " in result.output


def test_a_student_s_folder_is_closed_to_others_and_the_hub_s_program_gets_it(monkeypatch, work):
    given = []
    program = types.SimpleNamespace(main=lambda words: given.extend(words))
    monkeypatch.setitem(sys.modules, "jupyterhub", types.ModuleType("jupyterhub"))
    monkeypatch.setitem(sys.modules, "jupyterhub.singleuser", program)
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "secret")
    monkeypatch.setenv("JUPYTER_PATH", "")
    monkeypatch.chdir(work.parent)
    result = lab(work)
    assert result.exit_code == 0, result.output
    assert f"--ServerApp.root_dir={work}" in given
    assert list(work.glob("*.ipynb"))
    assert work.stat().st_mode & 0o077 == 0


def test_where_jupyterhub_is_missing_the_line_to_type_is_named(monkeypatch, work):
    monkeypatch.setitem(sys.modules, "jupyterhub", None)  # what importing finds is an ImportError
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "secret")
    result = lab(work)
    assert result.exit_code == 1
    assert 'pip install "mnist-course[hub]"' in result.output


def test_the_settings_of_the_docs_name_what_the_course_has():
    settings = Config()
    path = ROOT / "docs" / "jupyterhub_config.py"
    exec(path.read_text(encoding="utf-8"), {"get_config": lambda: settings})
    program, *words = settings.Spawner.cmd
    assert program == str(Path(sys.prefix, "bin", "mnist-course"))
    command, option = words
    assert option in [name for one in main.commands[command].params for name in one.opts]
    sources = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "mnist_course").rglob("*.py"))
    for name in settings.Spawner.environment:
        assert name == "PATH" or f'"{name}"' in sources
    page = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
    data, box = (settings.Spawner.environment[f"MNIST_COURSE_{n}"] for n in ("DATA", "DROPBOX"))
    assert f"MNIST_COURSE_DATA={data}\n" in page
    assert f"chmod {sharing.DROP_BOX:o} {box}\n" in page


def test_the_page_on_servers_says_what_each_lesson_needs():
    text = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
    table = text.partition("memory of its kernel")[2].partition("\n\n")[0]
    listed = re.findall(r"^\| (\d\d) \| \d+ MB \|$", table, re.MULTILINE)
    assert listed == sorted(path.name[:2] for path in (ROOT / "notebooks").glob("*.ipynb"))
