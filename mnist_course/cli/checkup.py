"""What `mnist-course doctor` looks at. Nothing here trusts that a package works."""

import functools
import importlib
import importlib.metadata
import importlib.util
import json
import math
import os
import platform
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from mnist_course import capacity, results, runtime
from mnist_course.cli import jupyter, lessons, sharing

MODULES = {  # where it isn't the package's name
    "scikit-learn": "sklearn", "d2l": "d2l.torch", "pillow": "PIL",
    "matplotlib-inline": "matplotlib_inline",
}  # fmt: skip
NOT_NEEDED = {"nbval", "nbformat", "tqdm", "flask", "waitress"}  # by a lesson
D2L = "--no-deps d2l==1.0.3"  # as in scripts/setup.py, which says why
SETTINGS = Path(__file__).parent.parent / "jupyterlab.json"
COMMS = ("@jupyterlab/apputils-extension:kernels-settings", "commsOverSubshells")


@dataclass(frozen=True)
class Diagnosis:
    """One thing that was looked at."""

    name: str
    text: str
    remedy: str = ""  # the line to type; empty when all is well
    needed: bool = True  # no lesson runs without it


def examine():
    """Yield a `Diagnosis` of everything that a lesson needs, broken packages included."""
    yield Diagnosis("machine", runtime.machine())
    yield memory()
    yield Diagnosis("Python", f"{platform.python_version()} ({sys.executable})")
    for name, version in runtime.versions().items():
        if name != "python":
            yield package(name, version)
    looks = {
        look.__name__: look
        for look in (device, mnist, fashion, folder, kernel, settings, disk, isolation)
    }
    if sharing.is_shared():
        looks |= {name: functools.partial(shared, name) for name in sharing.LOOKS}
    for name, look in looks.items():
        try:
            yield look()
        except runtime.CourseError as error:  # a folder that is named by half of its path
            yield Diagnosis(name, str(error), "do what this line says", needed=look is mnist)
        except Exception as error:  # whatever is broken must not hide the rest
            remedy = "first mend what is missing above"
            yield Diagnosis(name, f"can't tell: {error}", remedy, needed=look is mnist)


def package(name, version):
    needed = name not in NOT_NEEDED
    if version == "missing":
        return Diagnosis(name, "not installed", install(name), needed)
    try:
        importlib.import_module(MODULES.get(name, name))
    except ModuleNotFoundError as error:  # it needs another one, such as d2l pandas
        lacking = (error.name or name).partition(".")[0]
        lacking = {module: package for package, module in MODULES.items()}.get(lacking, lacking)
        return Diagnosis(
            name, f"{version}, but it can't be imported: {error}", install(lacking), needed
        )
    except Exception as error:
        reason = f"{version}, but it can't be imported: {error}"
        return Diagnosis(name, reason, install(name, "--force-reinstall"), needed)
    return Diagnosis(name, version)


def install(name, *options):
    """The line that installs a package, as the course's own metadata asks for it."""
    wanted = D2L if name == "d2l" else name
    for requirement in importlib.metadata.requires("mnist-course") or []:
        if re.match(rf"{re.escape(name)}(?![\w.-])", requirement) and "extra" not in requirement:
            wanted = f'"{requirement}"'
    return " ".join([*installer(), *options, wanted])


def installer():
    """The words of a line that installs packages here; uv makes environments without pip."""
    python = f'"{sys.executable}"'
    if importlib.util.find_spec("pip"):
        return [python, "-m pip install"]
    if shutil.which("uv"):
        return ["uv pip install --python", python]
    return [python, "-m ensurepip &&", python, "-m pip install"]


def memory():
    """Is the memory that may be used enough for the lesson that needs most?"""
    try:
        usable = capacity.memory()
        needed = max(row["peak_megabytes"] for row in measured_lessons()) * 1e6
    except Exception as error:
        return Diagnosis("memory", f"can't tell: {error}", install("psutil"), needed=False)
    text = f"{usable / 1e9:.1f} GB may be used"
    if usable >= needed:
        return Diagnosis("memory", text)
    text += f", and the lesson that needs most took {needed / 1e9:.1f} GB"
    remedy = f"allow at least {math.ceil(needed / 1e9)} GB, or a lesson may be killed"
    return Diagnosis("memory", text, remedy, needed=False)


def measured_lessons():
    """What a run of each lesson took (`make bench ARGS=lessons`)."""
    return [row for row in results.load("lessons").values() if isinstance(row, dict)]


def device():
    found = runtime.device()
    text = "cpu (no GPU found; nothing needs one)" if found.type == "cpu" else str(found)
    if found.type == "cpu" and sys.platform == "win32":
        text += '; for an NVIDIA GPU see "With a GPU" in docs/install.md'
    return Diagnosis("device", text)


def mnist():
    from mnist_course import data

    runtime.data_folder()  # where its name is at fault, no other command would help
    try:
        return Diagnosis("MNIST", f"70,000 images in {data.mnist_root()}, every file checked")
    except runtime.CourseError as error:
        return Diagnosis("MNIST", str(error), runtime.command("data mnist"))


def fashion():
    from mnist_course import data

    runtime.data_folder()
    try:
        root = data.fashion_root()
    except runtime.CourseError as error:
        remedy = runtime.command("data fashion")
        return Diagnosis("Fashion-MNIST", str(error), remedy, needed=False)
    return Diagnosis("Fashion-MNIST", f"70,000 images in {root}, every file checked")


def folder():
    """Can the student work where the lessons are put?"""
    chosen = lessons.work_folder()
    refused = lessons.refusal(chosen)
    if refused is None:
        return Diagnosis("lessons", lessons.place(chosen))
    text = f"you can't write {refused.filename} ({refused.strerror})"
    return Diagnosis("lessons", text, runtime.command("lab --folder DIR"), needed=False)


def kernel():
    """Notebooks run on the kernel `python3`; is that this very Python?"""
    plain = kernel_start()
    before = os.environ.get("JUPYTER_PATH")
    try:
        jupyter.prefer_this_python()
        start = kernel_start()
    finally:
        os.environ.pop("JUPYTER_PATH")
        if before is not None:
            os.environ["JUPYTER_PATH"] = before
    if start not in own_names():
        remedy = f'"{sys.executable}" -m ipykernel install --sys-prefix'
        return Diagnosis("kernel", f"notebooks run on another Python: {start}", remedy)
    if plain not in own_names():
        text = f"a kernel of the same name, started by jupyter lab, is another Python: {plain}"
        remedy = "always open the lessons with " + runtime.command("lab")
        return Diagnosis("kernel", text, remedy, needed=False)
    return Diagnosis("kernel", "notebooks run on this Python")


def kernel_start():
    """The program that the kernel `python3` starts."""
    from jupyter_client.kernelspec import KernelSpecManager

    return KernelSpecManager().get_kernel_spec("python3").argv[0]


def own_names():
    """What this Python is called in a kernel; JupyterLab puts it in place of a bare name."""
    return {"python", "python3", "python{}.{}".format(*sys.version_info), sys.executable}


def settings():
    """Is the setting that keeps figures from mixing in force, or did the user overrule it?"""
    wanted = json.loads(SETTINGS.read_text(encoding="utf-8"))[COMMS[0]][COMMS[1]]
    default, own, file = jupyterlab_setting(*COMMS)
    if own not in (None, wanted):
        text = f"your own setting {COMMS[1]} = {own!r} can mix figures up (ours: {wanted!r})"
        remedy = f"in JupyterLab's Settings Editor restore that setting, kept in {file}"
    elif own is None and default != wanted:
        text = f"our settings are not in force: {COMMS[1]} = {default!r} can mix figures up"
        source = f'--editable "{lessons.checkout()}"' if lessons.checkout() else "mnist-course"
        remedy = " ".join([*installer(), "--force-reinstall --no-deps", source])
    else:
        return Diagnosis("JupyterLab", "our settings are in force")
    return Diagnosis("JupyterLab", text, remedy, needed=False)


def jupyterlab_setting(plugin, key):
    """A setting as JupyterLab finds it: its default, the user's own or None, the user's file."""
    from jupyter_core.paths import jupyter_path
    from jupyterlab.commands import get_app_dir, get_user_settings_dir
    from jupyterlab_server.settings_utils import get_settings

    app, user = Path(get_app_dir()), Path(get_user_settings_dir())
    found, _ = get_settings(
        str(app / "settings"),
        str(app / "schemas"),
        str(user),
        schema_name=plugin,
        labextensions_path=jupyter_path("labextensions"),
    )
    default = found["schema"]["properties"][key]["default"]
    extension, _, name = plugin.partition(":")
    return default, found["settings"].get(key), user / extension / f"{name}.jupyterlab-settings"


def disk():
    """Is there room where the student works?"""
    chosen = lessons.work_folder()
    place = next(place for place in (chosen, *chosen.parents) if place.exists())
    free = shutil.disk_usage(place).free / 1e9
    if free < 1:
        remedy = "make at least 1 GB free"
        return Diagnosis("disk", f"{free:.1f} GB free in {place}", remedy, needed=False)
    return Diagnosis("disk", f"{free:.0f} GB free in {place}")


def isolation():
    """Can students' answers be run in a sandbox? It is tried out; only teachers need it."""
    from mnist_course.grading import sandbox

    if reason := sandbox.problem():
        text = f"no sandbox for grading students' notebooks: {reason}"
        return Diagnosis("sandbox", text, sandbox.remedy(), needed=False)
    return Diagnosis("sandbox", "students' answers are graded in bubblewrap, which was tried out")


def shared(name):
    """What is looked at where several people use one installation, see `sharing`."""
    text, remedy = sharing.LOOKS[name]()
    return Diagnosis(name, text, remedy, needed=False)
