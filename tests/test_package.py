"""What gets installed, on which road, and which module may import which."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

from mnist_course import runtime
from mnist_course.cli import checkup

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

# The package's modules, and which of the others each may import. Data and models know nothing
# of plots; nothing imports widgets or cli but cli itself.
ARROWS = {
    "capacity": set(),
    "runtime": {"capacity"},
    "names": set(),
    "data": {"runtime"},
    "augment": set(),
    "models": set(),
    "writeups": {"models"},
    "metrics": {"runtime"},
    "shapes": set(),
    "records": {"data", "augment", "names"},
    "checkpoints": {"records", "augment", "runtime"},
    "training": {"data", "records", "checkpoints", "runtime"},
    "probe": {"runtime"},
    "plots": {"metrics", "runtime"},  # quick mode is marked on every plot
    "recipes": {"models", "writeups", "augment", "training", "names"},
    "results": set(),
    "web": set(),
    "export": {"data", "probe", "runtime"},
    "board": {"drawing", "web", "export", "data", "recipes", "names", "checkpoints", "runtime"},
    "drawing": {"data", "augment", "models", "checkpoints", "runtime"},
    "widgets": {
        "web",
        "plots",
        "probe",
        "models",
        "data",
        "augment",
        "training",
        "runtime",
        "export",
        "drawing",
    },
    "assessment": set(),
    "experiments": set(),
    "exercises": {"assessment", "experiments"},
    "checks": {"assessment", "exercises", "runtime"},  # what a lesson calls
    # it counts the openings of the seal, and web holds the looks of its pages
    "grading": {"assessment", "exercises", "data", "runtime", "web"},
}
LIBRARY = tuple(ARROWS)
ARROWS["cli"] = set(LIBRARY)


def imported_modules(path):
    """Names of the package's own modules that a file imports, at its top or in a function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports by a relative name"
            module = node.module or ""
            if module == "mnist_course":
                yield from (name.name for name in node.names)
            elif module.startswith("mnist_course."):
                yield module.split(".")[1]
        elif isinstance(node, ast.Import):
            names = (name.name.partition(".") for name in node.names)
            yield from (rest.partition(".")[0] for top, _, rest in names if top == "mnist_course")


def source_files():
    package = ROOT / "mnist_course"
    return sorted(
        (path.relative_to(package).parts[0].removesuffix(".py"), path)
        for path in package.rglob("*.py")
        if path.name != "__init__.py" or path.parent != package
    )


@pytest.mark.parametrize(
    ("module", "path"), source_files(), ids=lambda value: getattr(value, "stem", value)
)
def test_a_module_imports_only_what_it_may(module, path):
    assert module in ARROWS, f"{module} is no module of the design"
    foreign = set(imported_modules(path)) - ARROWS[module] - {module, "__version__"}
    assert not foreign, f"{path.name} may not import {', '.join(sorted(foreign))}"


@pytest.mark.parametrize("module", LIBRARY)
def test_a_module_takes_every_import_that_it_may(module):
    """An arrow that nobody takes would let one in that nobody has thought about."""
    paths = [path for name, path in source_files() if name == module]
    taken = {name for path in paths for name in imported_modules(path)}
    assert not ARROWS[module] - taken


def offline(*command, cwd=ROOT):
    """Run this Python with pip cut off from every index."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PIP_")}
    environment |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1"}
    done = subprocess.run(
        [sys.executable, *command], cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def saved_by_a_test_run():
    """A file beside the notebooks, as `make test` leaves them there."""
    path = ROOT / "notebooks" / "a-test-of-the-wheel.safetensors"
    path.write_bytes(b"")
    yield path
    path.unlink(missing_ok=True)


def test_a_wheel_holds_data_results_lessons_and_settings(tmp_path, saved_by_a_test_run):
    offline("-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path))
    [wheel] = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, pattern in (
        ("mnist_course/data/mnist", "*.gz"),
        ("mnist_course/results", "*.json"),
        ("mnist_course/web", "*.*s"),
        ("mnist_course/web", "*.jinja"),
        ("mnist_course/web", "*.svg"),
        ("mnist_course/board", "*.html"),
        ("mnist_course/drawing", "*.safetensors"),
    ):
        for path in (ROOT / folder).glob(pattern):
            assert f"{folder}/{path.name}" in names
    lessons = {f"mnist_course/notebooks/{p.name}" for p in (ROOT / "notebooks").glob("*.ipynb")}
    assert {name for name in names if name.startswith("mnist_course/notebooks/")} == lessons
    [settings] = (name for name in names if "overrides.d" in name)
    assert settings.endswith(".data/data/share/jupyter/lab/settings/overrides.d/mnist-course.json")
    assert len([name for name in names if name.endswith("ubyte.gz")]) == 4
    licences = {name.partition("/licenses/")[2] for name in names if ".dist-info/licenses/" in name}
    assert licences == {
        "LICENSE", "mnist_course/data/mnist/README.md", "mnist_course/drawing/glyphs/OFL.txt",
    }  # fmt: skip
    for name in ("board.safetensors", "glyphs/ems.json", "glyphs/hershey.json"):
        assert f"mnist_course/drawing/{name}" in names
    assert "mnist_course/data/mnist/README.md" in names
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"mnist_course"}


# --- environment.yml ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def environment():
    return yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


def test_conda_brings_python_and_pip_alone(environment):
    """Whatever else stood there could drift from pyproject.toml."""
    conda = [item for item in environment["dependencies"] if isinstance(item, str)]
    assert conda == ["python" + PROJECT["requires-python"], "pip"]


def test_the_pip_part_installs_this_package(environment, tmp_path):
    [pip_part] = (d["pip"] for d in environment["dependencies"] if isinstance(d, dict))
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("\n".join(pip_part))
    report = tmp_path / "report.json"
    # from the repository's folder, as conda does
    offline(
        "-m", "pip", "install", "--dry-run", "--no-build-isolation", "--quiet",
        "--report", str(report), "--requirement", str(requirements),
    )  # fmt: skip
    [installed] = json.loads(report.read_text())["install"]
    metadata = installed["metadata"]
    assert metadata["name"] == "mnist-course"
    assert metadata["requires_python"] == PROJECT["requires-python"]
    plain = {r.replace(" ", "") for r in metadata["requires_dist"] if "extra" not in r}
    assert plain == set(PROJECT["dependencies"])


# --- one fact, one place ------------------------------------------------------------------


def test_the_d2l_line_is_the_same_everywhere():
    [version] = re.findall(r'^D2L = "(d2l==.+)"$', (ROOT / "scripts/setup.py").read_text(), re.M)
    assert checkup.D2L == f"--no-deps {version}"
    assert f"pip install --no-deps {version}" in (ROOT / "docs" / "install.md").read_text(
        encoding="utf-8"
    )


def test_the_oldest_python_is_the_same_everywhere():
    source = (ROOT / "scripts/setup.py").read_text()
    [major, minor] = re.findall(r"^OLDEST = \((\d+), (\d+)\)$", source, re.M)[0]
    assert PROJECT["requires-python"] == f">={major}.{minor}"


def test_the_doctor_looks_at_every_dependency():
    names = {re.split(r"[<>=]", text)[0] for text in PROJECT["dependencies"]}
    not_looked_at = {
        "click", "platformdirs",  # without them the doctor itself can't start
        # d2l's: the doctor says that d2l can't be imported, and which of them it lacks
        "pandas", "requests", "scipy", "matplotlib-inline", "pillow",
    }  # fmt: skip
    assert names - set(runtime.PACKAGES) == not_looked_at


def test_every_dependency_has_a_reason_beside_it_or_above_it():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = text[text.index("dependencies = [") : text.index("[project.scripts]")]
    lines = [line for line in block.splitlines() if line.startswith('  "')]
    assert [line.strip(' ",') for line in lines if "#" not in line] == [
        "pandas", "requests", "matplotlib-inline",  # d2l's, under one heading
        "mnist-course[test]",
    ]  # fmt: skip


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no git repository")
def test_git_passes_over_what_the_lessons_save(saved_by_a_test_run):
    command = ["git", "check-ignore", saved_by_a_test_run, saved_by_a_test_run.with_suffix(".json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert len(done.stdout.splitlines()) == 2, done.stderr
    tracked = subprocess.run(
        ["git", "check-ignore", *(ROOT / "notebooks").glob("*.ipynb")], cwd=ROOT
    )
    assert tracked.returncode == 1


def test_every_make_command_explains_itself():
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for command in (
        "help",
        "lab",
        "board",
        "setup",
        "wheels",
        "test",
        "lint",
        "notebooks",
        "clean",
    ):
        assert re.search(rf"^make {command} +\w", shown, re.M)


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for Python is a shell script")
@pytest.mark.parametrize(
    ("command", "said"),
    [("test", "1, strict"), ("test-full", "0, strict floors"), ("site", ", strict floors")],
)
def test_which_make_commands_fail_below_a_floor(command, said, tmp_path):
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "quick $MNIST_COURSE_QUICK, strict $MNIST_COURSE_STRICT"\n')
    python.chmod(0o755)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MNIST_COURSE_")}
    done = subprocess.run(
        ["make", "--silent", command, "SETUP=true", f"BIN={tmp_path}"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == f"quick {said}"
