"""How JupyterLab is started: on the student's folder, with this very Python."""

import os
import sys
import sysconfig
from pathlib import Path

from mnist_course import runtime


def start(folder, options, hub=False):
    """Run JupyterLab on a folder until it is closed.

    options: a list of words that go to it; hub: whether a JupyterHub starts it for one of its
    users, and says by the environment who that is. Raises CourseError where JupyterHub is missing.
    """
    main = _hub_s_program() if hub else _program()
    prefer_this_python()
    find_own_programs()
    os.chdir(folder)
    sys.exit(main([*settings(folder), *options]))


def _program():
    from jupyterlab.labapp import main

    return main


def _hub_s_program():
    if "JUPYTERHUB_API_TOKEN" not in os.environ:
        raise runtime.CourseError(
            "--hub is for JupyterHub, which starts this for its users. To start JupyterLab "
            f"yourself, type: {runtime.command('lab')}"
        )
    try:
        from jupyterhub.singleuser import main
    except ImportError as error:
        raise runtime.CourseError(
            f"JupyterHub is missing in {sys.prefix}, where it is needed too ({error}). Type: "
            f'"{sys.executable}" -m pip install "mnist-course[hub]"'
        ) from error
    return main


def settings(folder):
    """The options that open a folder, whatever the user's own Jupyter configuration says."""
    # Either of the two classes may be configured, and a preferred folder must lie in the first.
    return [
        f"--{owner}.{trait}={folder}"
        for owner in ("ServerApp", "FileContentsManager")
        for trait in ("root_dir", "preferred_dir")
    ]


def prefer_this_python():
    """Let this environment's kernel win over one of the same name, for example in the user's home.

    JUPYTER_PATH is what Jupyter looks through first.
    """
    ours = str(Path(sys.prefix, "share", "jupyter"))
    paths = [ours, os.environ.get("JUPYTER_PATH", "")]
    os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, paths))


def find_own_programs():
    """Let cells find the programs of this environment, also where nobody has activated it.

    So `!mnist-course hand-in .` works in a lesson as it does in a terminal.
    """
    paths = [sysconfig.get_path("scripts"), os.environ.get("PATH", "")]
    os.environ["PATH"] = os.pathsep.join(filter(None, paths))
