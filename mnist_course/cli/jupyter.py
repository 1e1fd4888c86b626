"""How JupyterLab is started: on the student's folder, with this very Python."""

import os
import sys
from pathlib import Path


def start(folder, options):
    """Run JupyterLab on a folder until it is closed. options: a list of words that go to it."""
    from jupyterlab.labapp import main

    prefer_this_python()
    os.chdir(folder)
    sys.exit(main([*settings(folder), *options]))


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
