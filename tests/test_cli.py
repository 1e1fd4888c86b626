"""The command line: quick help, errors in a sentence, the doctor."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from mnist_course import __version__, capacity, data, runtime
from mnist_course.cli import checkup, main

ROOT = Path(__file__).parent.parent


def course(*arguments, **environment):
    return CliRunner().invoke(main, arguments, env=environment)


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from mnist_course.cli import main; main(['--help'], standalone_mode=False);"
        "print(*(m for m in sys.modules if '.' not in m), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for command in ("data", "doctor", "lab", "version"):
        assert re.search(rf"^  {command} ", done.stdout, re.MULTILINE)
    heavy = {"torch", "torchvision", "numpy", "matplotlib", "sklearn", "pandas", "jupyterlab"}
    assert not heavy & set(done.stderr.split())


def test_version():
    assert course("version").stdout == f"{__version__}\n"


def test_unknown_command_is_a_usage_error():
    result = course("trian")
    assert result.exit_code == 2
    assert "No such command" in result.stderr


# --- data ---------------------------------------------------------------------------------


def test_data_mnist_unpacks_and_says_where(tmp_path):
    result = course("data", "mnist", MNIST_COURSE_DATA=str(tmp_path))
    assert result.exit_code == 0
    assert str(tmp_path.resolve()) in result.stdout
    assert (tmp_path / "MNIST/raw/train-images-idx3-ubyte").stat().st_size == 16 + 60_000 * 784


def one_sentence(result):
    """The text of a foreseen error: one line on stderr, exit status 1, nothing else."""
    assert result.exit_code == 1
    assert result.stdout == ""
    assert re.fullmatch(r"Error: .+\n", result.stderr)
    return result.stderr


def test_a_data_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    result = course("data", "mnist", MNIST_COURSE_DATA=str(tmp_path / "file" / "below"))
    assert "MNIST_COURSE_DATA" in one_sentence(result)


def test_fashion_from_a_folder_that_is_not_there(tmp_path):
    nowhere = str(tmp_path / "no")
    result = course("data", "fashion", "--from", nowhere, MNIST_COURSE_DATA=str(tmp_path))
    assert "no folder" in one_sentence(result)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            OSError(28, "No space left on device", "x.bin"),
            "No space left on device (x.bin). The disk or your share of it is full: make room, "
            "then try again.",
        ),
        (
            PermissionError(13, "Permission denied", "x.bin"),
            "Permission denied (x.bin). Close what may hold the file, put the course into a "
            "folder of your own, or name a folder in which you may write, then try again.",
        ),
        (OSError(5, "Input/output error", "x.bin"), "Error: Input/output error (x.bin)\n"),
        (ImportError("No module named 'torch'"), f"Type: {runtime.command('doctor')}"),
        (runtime.CourseError("say what to do"), "say what to do"),
    ],
)
def test_every_foreseen_error_is_a_sentence(monkeypatch, error, words):
    def fail():
        raise error

    monkeypatch.setattr(data, "mnist_root", fail)
    assert words in one_sentence(course("data", "mnist"))


def test_a_mistake_of_ours_is_not_hidden(monkeypatch):
    monkeypatch.setattr(data, "mnist_root", lambda: 1 / 0)
    assert isinstance(course("data", "mnist").exception, ZeroDivisionError)


# --- doctor -------------------------------------------------------------------------------


@pytest.fixture
def few_packages(monkeypatch):
    """The doctor looks at few packages here: importing all of them takes seconds."""
    monkeypatch.setattr(runtime, "PACKAGES", ("torch", "safetensors"))


def test_doctor_finds_this_machine_ready(few_packages):
    result = course("doctor")
    assert result.exit_code == 0, result.output
    assert runtime.machine() in result.stdout
    assert sys.executable in result.stdout
    assert re.search(r"^ok +torch +\d", result.stdout, re.MULTILINE)
    assert re.search(r"^ok +MNIST +70,000 images", result.stdout, re.MULTILINE)
    assert re.search(r"^ok +kernel ", result.stdout, re.MULTILINE)


def test_doctor_names_a_missing_package_and_the_line_to_type(monkeypatch):
    monkeypatch.setattr(runtime, "versions", lambda: {"torch": "missing", "d2l": "missing"})
    result = course("doctor")
    assert result.exit_code == 1
    assert f'-> "{sys.executable}" -m pip install "torch>=2.6"' in result.stdout
    assert f'-> "{sys.executable}" -m pip install --no-deps d2l==1.0.3' in result.stdout


@pytest.mark.parametrize(("module", "package"), [("pandas", "pandas"), ("PIL", "pillow")])
def test_doctor_names_the_package_that_another_one_lacks(monkeypatch, module, package):
    def lacking(name):
        raise ModuleNotFoundError(f"No module named '{module}.core'", name=f"{module}.core")

    monkeypatch.setattr(runtime, "versions", lambda: {"d2l": "1.0.3"})
    monkeypatch.setattr(checkup.importlib, "import_module", lacking)
    finding = next(one for one in checkup.examine() if one.name == "d2l")
    assert f"No module named '{module}.core'" in finding.text
    assert finding.remedy == f'"{sys.executable}" -m pip install "{package}"'


def test_doctor_names_a_way_to_install_that_is_there(monkeypatch):
    """uv makes environments without pip."""
    python = f'"{sys.executable}"'
    assert checkup.install("torch") == f'{python} -m pip install "torch>=2.6"'
    monkeypatch.setattr(checkup.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(checkup.shutil, "which", lambda name: None)
    pip = f"{python} -m pip install --no-deps d2l==1.0.3"
    assert checkup.install("d2l") == f"{python} -m ensurepip && {pip}"
    monkeypatch.setattr(checkup.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert checkup.install("torch") == f'uv pip install --python {python} "torch>=2.6"'


def test_doctor_names_too_little_memory(monkeypatch):
    assert checkup.memory().remedy == ""
    assert re.fullmatch(r"\d+\.\d GB may be used", checkup.memory().text)
    most = max(row["peak_megabytes"] for row in checkup.measured_lessons())
    monkeypatch.setattr(capacity, "memory", lambda: (most - 1) * 1_000_000)
    finding = checkup.memory()
    assert f"took {most / 1000:.1f} GB" in finding.text
    assert finding.remedy
    assert not finding.needed


@pytest.mark.skipif(sys.platform == "win32", reason="needs `head`")
def test_a_reader_who_has_enough_ends_the_doctor_in_silence():
    code = "from mnist_course.cli import main; main(['doctor'])"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b"ok")
        process.stdout.close()
        assert process.stderr.read() == b""


def test_doctor_works_with_a_broken_torch(tmp_path):
    (tmp_path / "torch.py").write_text("raise OSError('libtorch_cpu.so: no such file')")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from mnist_course import runtime; runtime.PACKAGES = ('torch', 'safetensors')\n"
        "from mnist_course.cli import main; main(['doctor'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == ""
    assert re.search(r"^MISSING  torch .*libtorch_cpu.so", done.stdout, re.MULTILINE)
    assert '--force-reinstall "torch>=2.6"' in done.stdout
    assert re.search(r"^ok +disk ", done.stdout, re.MULTILINE)


def test_doctor_names_damaged_data(few_packages, monkeypatch, tmp_path):
    monkeypatch.setattr(data.datasets, "PACKAGED_MNIST", tmp_path / "nothing")
    monkeypatch.setenv("MNIST_COURSE_DATA", str(tmp_path))
    result = course("doctor")
    assert result.exit_code == 1
    assert re.search(r"^MISSING +MNIST ", result.stdout, re.MULTILINE)


def test_doctor_lessons_start_without_fashion(few_packages, monkeypatch, tmp_path):
    def missing():
        raise data.DataError("Fashion-MNIST is not on this machine")

    monkeypatch.setattr(data, "fashion_root", missing)
    result = course("doctor")
    assert result.exit_code == 0
    assert re.search(r"^note +Fashion-MNIST ", result.stdout, re.MULTILINE)
    assert f"-> {runtime.command('data fashion')}" in result.stdout


def test_doctor_names_no_command_where_a_folder_s_name_is_at_fault(few_packages, monkeypatch):
    monkeypatch.setenv("MNIST_COURSE_DATA", "digits")
    monkeypatch.setenv("MNIST_COURSE_WORK", "mine")
    said = course("doctor").stdout
    for row in (r"MISSING +mnist +MNIST_COURSE_DATA", r"note +folder +MNIST_COURSE_WORK"):
        assert re.search(
            rf"^{row}=.*whole path.*\n +-> do what this line says$", said, re.MULTILINE
        )
    assert runtime.command("data") not in said


def test_doctor_sees_a_setting_that_the_user_overruled(monkeypatch, tmp_path):
    monkeypatch.setenv("JUPYTERLAB_SETTINGS_DIR", str(tmp_path))
    assert checkup.settings().remedy == ""
    own = tmp_path / "@jupyterlab/apputils-extension/kernels-settings.jupyterlab-settings"
    own.parent.mkdir(parents=True)
    own.write_text(json.dumps({"commsOverSubshells": "perComm"}))
    finding = checkup.settings()
    assert "perComm" in finding.text
    assert str(own) in finding.remedy
    assert not finding.needed


def test_doctor_sees_settings_that_are_not_installed(monkeypatch, tmp_path):
    found = ("perCommTarget", None, tmp_path)
    monkeypatch.setattr(checkup, "jupyterlab_setting", lambda *_: found)
    assert "perCommTarget" in checkup.settings().text
    assert "--editable" in checkup.settings().remedy
