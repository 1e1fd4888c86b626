"""What `mnist-course doctor` looks at. Nothing here trusts that a package works."""

import importlib
import importlib.metadata
import json
import platform
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from mnist_course import runtime
from mnist_course.cli import lessons

MODULES = {  # where it isn't the package's name
    "scikit-learn": "sklearn", "d2l": "d2l.torch", "pillow": "PIL",
    "matplotlib-inline": "matplotlib_inline",
}  # fmt: skip
NOT_NEEDED = {"nbval", "tqdm"}  # by a lesson
D2L = "--no-deps d2l==1.0.3"  # as in scripts/setup.py, which says why
SETTINGS = Path(__file__).parent.parent / "jupyterlab.json"
COMMS = ("@jupyterlab/apputils-extension:kernels-settings", "commsOverSubshells")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    name: str
    text: str
    remedy: str = ""  # the line to type; empty when all is well
    needed: bool = True  # no lesson runs without it


def examine():
    """Yield a `Finding` for everything that a lesson needs, broken packages included."""
    yield Finding("machine", runtime.machine())
    yield Finding("Python", f"{platform.python_version()} ({sys.executable})")
    for name, version in runtime.versions().items():
        if name != "python":
            yield package(name, version)
    for look in (device, mnist, fashion, kernel, settings, disk):
        try:
            yield look()
        except Exception as error:  # whatever is broken must not hide the rest
            remedy = "first mend what is missing above"
            yield Finding(look.__name__, f"can't tell: {error}", remedy, needed=look is mnist)


def package(name, version):
    needed = name not in NOT_NEEDED
    if version == "missing":
        return Finding(name, "not installed", install(name), needed)
    try:
        importlib.import_module(MODULES.get(name, name))
    except ModuleNotFoundError as error:  # it needs another one, such as d2l pandas
        lacking = (error.name or name).partition(".")[0]
        lacking = {module: package for package, module in MODULES.items()}.get(lacking, lacking)
        return Finding(
            name, f"{version}, but it can't be imported: {error}", install(lacking), needed
        )
    except Exception as error:
        reason = f"{version}, but it can't be imported: {error}"
        return Finding(name, reason, install(name, "--force-reinstall"), needed)
    return Finding(name, version)


def install(name, *options):
    """The line that installs a package, as the course's own metadata asks for it."""
    wanted = D2L if name == "d2l" else name
    for requirement in importlib.metadata.requires("mnist-course") or []:
        if re.match(rf"{re.escape(name)}(?![\w.-])", requirement) and "extra" not in requirement:
            wanted = f'"{requirement}"'
    return " ".join([f'"{sys.executable}"', "-m pip install", *options, wanted])


def device():
    found = runtime.device()
    text = "cpu (no GPU found; nothing needs one)" if found.type == "cpu" else str(found)
    if found.type == "cpu" and sys.platform == "win32":
        text += '; for an NVIDIA GPU see "With a GPU" in the README'
    return Finding("device", text)


def mnist():
    from mnist_course import data

    try:
        return Finding("MNIST", f"70,000 images in {data.mnist_root()}, every file checked")
    except runtime.CourseError as error:
        return Finding("MNIST", str(error), runtime.command("data mnist"))


def fashion():
    from mnist_course import data

    try:
        root = data.fashion_root()
    except runtime.CourseError as error:
        remedy = runtime.command("data fashion")
        return Finding("Fashion-MNIST", str(error), remedy, needed=False)
    return Finding("Fashion-MNIST", f"70,000 images in {root}, every file checked")


def kernel():
    """Notebooks run on the kernel `python3`; is that this very Python?"""
    from jupyter_client.kernelspec import KernelSpecManager

    start = KernelSpecManager().get_kernel_spec("python3").argv[0]
    own = {"python", "python3", "python{}.{}".format(*sys.version_info), sys.executable}
    if start in own:  # JupyterLab puts its own Python in place of a bare name
        return Finding("kernel", "notebooks run on this Python")
    remedy = f'"{sys.executable}" -m ipykernel install --sys-prefix'
    return Finding("kernel", f"notebooks run on another Python: {start}", remedy)


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
        remedy = f'"{sys.executable}" -m pip install --force-reinstall --no-deps {source}'
    else:
        return Finding("JupyterLab", "our settings are in force")
    return Finding("JupyterLab", text, remedy, needed=False)


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
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    if free < 1:
        return Finding("disk", f"{free:.1f} GB free here", "make at least 1 GB free", needed=False)
    return Finding("disk", f"{free:.0f} GB free here")
