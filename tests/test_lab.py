"""A student's copies are never overwritten; JupyterLab runs on them with our settings."""

import errno
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import browser
import pytest
from click.testing import CliRunner

from mnist_course import runtime
from mnist_course.cli import checkup, jupyter, lessons, main

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


@pytest.mark.parametrize(
    "record", [None, b"{broken", b"[]", b'{"01_loading.ipynb": 1}', b"\xff\xfe", b"[" * 100_000]
)
def test_without_a_record_every_copy_counts_as_edited(course, work, record):
    lessons.copy_lessons(course, work)
    (work / lessons.RECORD).unlink()
    if record:
        (work / lessons.RECORD).write_bytes(record)
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
    monkeypatch.delenv("MNIST_COURSE_WORK", raising=False)
    assert lessons.work_folder() == ROOT / "my-lessons"
    monkeypatch.setattr(lessons, "checkout", lambda: None)
    monkeypatch.chdir(tmp_path)
    assert lessons.work_folder() == tmp_path / "my-lessons"
    (tmp_path / "my-lessons").mkdir()
    monkeypatch.chdir(tmp_path / "my-lessons")
    assert lessons.work_folder() == tmp_path / "my-lessons"


# --- a course that several people share ---------------------------------------------------


@pytest.fixture
def shared(monkeypatch, tmp_path):
    """A checkout in a folder of its own, a home, and nobody who set a folder."""
    checkout, home = tmp_path / "course", tmp_path / "home"
    for folder in (checkout, home):
        folder.mkdir()
    monkeypatch.delenv("MNIST_COURSE_WORK", raising=False)
    monkeypatch.setattr(lessons, "checkout", lambda: checkout)
    monkeypatch.setattr(lessons.Path, "home", lambda: home)
    return checkout


def refuse_below(monkeypatch, folder, code, writing=os.O_CREAT):
    """Let the system refuse to open files below a folder for writing, as for a second user."""
    open_file = os.open

    def refuse(path, flags, *rest, **options):
        if Path(path).is_relative_to(folder) and flags & writing:
            raise OSError(code, os.strerror(code), str(path))
        return open_file(path, flags, *rest, **options)

    monkeypatch.setattr(os, "open", refuse)


def test_one_s_own_folder_where_the_checkout_cannot_be_written(shared, monkeypatch):
    assert lessons.work_folder() == shared / "my-lessons"
    assert list(shared.iterdir()) == []  # it was tried, and nothing stays
    for code in (errno.EACCES, errno.EPERM, errno.EROFS):
        with monkeypatch.context() as patch:
            refuse_below(patch, shared, code)
            own = lessons.work_folder()
            assert own == shared.parent / "home" / "mnist-lessons"
            reason = f", because you can't write in {shared / 'my-lessons'}"
            assert lessons.place(own) == f"Your lessons are in {own}{reason}"
    assert lessons.place(lessons.work_folder()) == f"Your lessons are in {shared / 'my-lessons'}"


def test_a_full_disk_does_not_move_the_lessons(shared, monkeypatch):
    refuse_below(monkeypatch, shared, errno.ENOSPC)
    assert lessons.work_folder() == shared / "my-lessons"


def test_one_s_own_folder_where_the_copies_are_someone_else_s(shared, course, monkeypatch):
    work = lessons.work_folder()
    lessons.copy_lessons(course, work)
    assert lessons.work_folder() == work
    refuse_below(monkeypatch, work / "01_loading.ipynb", errno.EACCES, writing=os.O_WRONLY)
    assert lessons.work_folder() == shared.parent / "home" / "mnist-lessons"


def test_a_record_that_belongs_to_someone_else_locks_nobody_out(course, work, monkeypatch):
    """In a folder that everyone may write, a file may still be its owner's to replace."""
    lessons.copy_lessons(course, work)
    replace = os.replace

    def refuse(source, target):
        if Path(target).name == lessons.RECORD:
            raise PermissionError(1, "Operation not permitted", str(target))
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    assert lessons.copy_lessons(course, work) == []
    (work / "01_loading.ipynb").write_text("mine")
    (course / "01_loading.ipynb").write_text("second version")
    [line] = lessons.copy_lessons(course, work)
    assert "01_loading.new-1.ipynb" in line
    assert lessons.copy_lessons(course, work) == []  # once, though there is no record of it
    assert not list(work.glob(".*.ipynb-*"))


@pytest.fixture
def open_to_all():
    """A folder that other users can reach, which pytest's own is not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def as_nobody(work):
    """What a function returns, as text, when a user of the name nobody calls it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgid(65534)
        os.setuid(65534)
        try:
            said = str(work())
        except BaseException as error:
            said = repr(error)
        os.write(writing, said.encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with open(reading, encoding="utf-8") as pipe:
        return pipe.read()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs two users")
@pytest.mark.parametrize(("mode", "made"), [(0o1777, True), (0o777, True), (0o755, False)])
def test_a_second_user_of_a_folder_works_too(monkeypatch, course, open_to_all, mode, made):
    """For real: root made the lessons, and another user comes second."""
    home = open_to_all / "home"
    home.mkdir()
    home.chmod(0o777)
    monkeypatch.delenv("MNIST_COURSE_WORK", raising=False)
    monkeypatch.setattr(lessons, "checkout", lambda: open_to_all)
    monkeypatch.setattr(lessons.Path, "home", lambda: home)
    content = course.rename(open_to_all / "notebooks")
    if made:
        lessons.copy_lessons(content, open_to_all / "my-lessons")
        (open_to_all / "my-lessons").chmod(mode)

    def come_second():
        folder = lessons.work_folder()
        lessons.copy_lessons(content, folder)
        return folder

    assert as_nobody(come_second) == str(home / "mnist-lessons")
    assert notebooks(home / "mnist-lessons") == {"01_loading.ipynb": "first version"}
    # asked for by name, the folder of the first one is refused in a sentence, before anything opens
    if made:
        refused = as_nobody(lambda: lessons.refusal(open_to_all / "my-lessons").filename)
        assert refused == str(open_to_all / "my-lessons" / "01_loading.ipynb")


def test_the_folder_can_be_named(shared, tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_COURSE_WORK", str(tmp_path / "named"))
    assert lessons.work_folder() == tmp_path / "named"
    monkeypatch.setenv("MNIST_COURSE_WORK", "named")
    with pytest.raises(runtime.CourseError, match="MNIST_COURSE_WORK=named would mean"):
        lessons.work_folder()


def lab(*options):
    return CliRunner().invoke(main, ["lab", *options])


def test_lab_works_in_the_folder_that_is_named(shared, course, monkeypatch, tmp_path):
    started = []
    monkeypatch.setattr(lessons, "course_folder", lambda: course)
    monkeypatch.setattr(jupyter, "start", lambda *given: started.append(given))
    monkeypatch.chdir(tmp_path)
    done = lab("--no-browser", "--folder", "of mine", "--port", "8899")
    folder = (tmp_path / "of mine").resolve()
    assert done.output == f"Your lessons are in {folder}\n"
    assert started == [(folder, ("--no-browser", "--port", "8899"), False)]
    assert notebooks(folder) == {"01_loading.ipynb": "first version"}

    refuse_below(monkeypatch, folder, errno.EACCES, writing=os.O_WRONLY)
    done = lab("--folder", str(folder))
    assert done.exit_code == 1
    assert "you can't write" in done.output
    assert "lab --folder DIR" in done.output
    assert len(started) == 1


def test_the_doctor_tries_to_write(shared, monkeypatch):
    assert checkup.folder().text == f"Your lessons are in {shared / 'my-lessons'}"
    assert checkup.folder().remedy == ""
    refuse_below(monkeypatch, shared.parent, errno.EROFS)
    finding = checkup.folder()
    assert finding.text.startswith("you can't write ")
    assert "lab --folder DIR" in finding.remedy


# --- JupyterLab itself --------------------------------------------------------------------


CONFIGURATION = """
c.ServerApp.root_dir = {elsewhere!r}
c.ServerApp.notebook_dir = {elsewhere!r}
c.ServerApp.preferred_dir = {elsewhere!r}
c.FileContentsManager.root_dir = {elsewhere!r}
c.FileContentsManager.preferred_dir = {elsewhere!r}
"""


def foreign_kernel(folder):
    """A kernel named python3, as another course may have left it in the user's home."""
    (folder / "kernels" / "python3").mkdir(parents=True)
    kernel = {"argv": ["/no/python", "{connection_file}"], "display_name": "foreign"}
    text = json.dumps({**kernel, "language": "python"})
    (folder / "kernels" / "python3" / "kernel.json").write_text(text)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A JupyterLab of a user who configured other folders, and has a kernel of our name."""
    home = tmp_path_factory.mktemp("home")
    for name in ("notebooks", "config", "elsewhere"):
        (home / name).mkdir()
    (home / "notebooks" / "01_loading.ipynb").write_text("a lesson")
    for name in ("jupyter_server_config.py", "jupyter_lab_config.py"):
        text = CONFIGURATION.format(elsewhere=str(home / "elsewhere"))
        (home / "config" / name).write_text(text)
    foreign_kernel(home / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_DATA_DIR", str(home / "data"))
        patch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
        with browser.jupyterlab(home, home / "notebooks") as running:
            patch.undo()  # the tests themselves have no such kernel
            yield {**running, "home": home}


def test_jupyterlab_opens_my_lessons(server):
    assert Path(server["root_dir"]).name == "my-lessons"
    found = browser.ask(server, "api/contents")["content"]
    assert [file["name"] for file in found] == ["01_loading.ipynb"]


def test_a_lesson_s_kernel_is_this_python_and_shares_the_machine(server):
    """Asked of a kernel that the server started."""
    from jupyter_client import BlockingKernelClient

    assert browser.ask(server, "api/kernelspecs")["kernelspecs"]["python3"]["spec"]["argv"][0] in (
        checkup.own_names()
    )
    identity = browser.ask(server, "api/kernels", method="POST")["id"]
    [connection] = (server["home"] / "runtime").glob(f"kernel-{identity}.json")
    client = BlockingKernelClient(connection_file=str(connection))
    client.load_connection_file()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=120)
        said = []
        client.execute_interactive(
            "import os, sys; print(sys.prefix, os.environ['OMP_WAIT_POLICY'])",
            timeout=120,
            output_hook=lambda message: said.append(message["content"].get("text", "")),
        )
        assert "".join(said) == f"{sys.prefix} PASSIVE\n"
    finally:
        client.stop_channels()
        browser.ask(server, f"api/kernels/{identity}", method="DELETE")


def test_the_doctor_s_advice_about_kernels_helps(monkeypatch, tmp_path):
    """A kernel in the home: start by `lab`. One that takes our place itself: install ours."""
    assert checkup.kernel().remedy == ""
    before = dict(os.environ)
    foreign_kernel(tmp_path / "home")
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "home"))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    finding = checkup.kernel()
    assert "/no/python" in finding.text
    assert finding.remedy == "always open the lessons with " + runtime.command("lab")
    monkeypatch.delenv("JUPYTER_PATH", raising=False)
    jupyter.prefer_this_python()  # what `lab` does
    assert checkup.kernel_start() in checkup.own_names()
    monkeypatch.delenv("JUPYTER_PATH")

    foreign_kernel(tmp_path / "prefix" / "share" / "jupyter")
    monkeypatch.setattr(jupyter.sys, "prefix", str(tmp_path / "prefix"))
    finding = checkup.kernel()
    assert finding.text == "notebooks run on another Python: /no/python"
    command = finding.remedy.replace("--sys-prefix", f'--prefix "{tmp_path / "prefix"}"')
    subprocess.run(command, shell=True, check=True, capture_output=True)
    assert "notebooks run on another Python" not in checkup.kernel().text
    assert "JUPYTER_PATH" not in os.environ or "JUPYTER_PATH" in before


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
