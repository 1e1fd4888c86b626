"""What the doctor looks at where several people use one installation, as on a server."""

import os
import shlex
import stat
import sys
from pathlib import Path

from mnist_course import capacity, runtime
from mnist_course.cli import lessons

HUB = "JUPYTERHUB_USER"  # set in everything that a JupyterHub starts
ROOM = Path(sys.prefix)
DROP_BOX = 0o3773  # everybody may put files in, its group may list them, each keeps its group


def is_shared():
    """Whether a JupyterHub started this, or somebody else looks after the installation."""
    return os.name == "posix" and (HUB in os.environ or not os.access(ROOM, os.W_OK))


def installation():
    """What is said of the installation, and what to do about it."""
    if not os.access(ROOM, os.W_OK):
        return f"in {ROOM}, which you can use but not change", ""
    text = f"you can change {ROOM}, and with it what everybody runs"
    if os.geteuid() == 0:
        return f"{text}, because you are root", ""
    return text, f"let it belong to root: sudo chown -R root: {shlex.quote(str(ROOM))}"


def threads():
    """How torch's threads wait, which `capacity.share_machine` has set unless somebody chose."""
    policy = os.environ.get("OMP_WAIT_POLICY", "")
    count = os.environ.get("OMP_NUM_THREADS") or capacity.cores()
    if policy.upper() == "PASSIVE":
        return f"at most {count} for a kernel, and they wait without keeping a core busy", ""
    return (
        f"OMP_WAIT_POLICY={policy} keeps cores busy while threads wait, so trainings slow each "
        "other several times",
        "take OMP_WAIT_POLICY out of the environment, or set it to PASSIVE",
    )


def privacy():
    """Whether other users can get at the student's lessons."""
    folder = lessons.work_folder()
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if all(_open_to_others(place) for place in (there, *there.parents)):
        return f"other users can read {there}", f"chmod go= {shlex.quote(str(there))}"
    return f"other users can't read {there}", ""


def _open_to_others(folder):
    """Whether others can go through a folder: everybody, or a group that is not the owner's own."""
    import grp
    import pwd

    found = folder.stat()
    if found.st_mode & stat.S_IXOTH:
        return True
    try:
        own = grp.getgrgid(found.st_gid).gr_name == pwd.getpwuid(found.st_uid).pw_name
    except KeyError:  # a number without a name, as in containers
        own = False
    return bool(found.st_mode & stat.S_IXGRP) and not own


def drop_box():
    """Whether hand-ins get into a folder that the students can't look into."""
    box = runtime.named_folder("MNIST_COURSE_DROPBOX")
    if box is None:
        return (
            "no folder for hand-ins is named, so they stay with the students",
            "let the server set MNIST_COURSE_DROPBOX, as docs/server.md shows",
        )
    place = shlex.quote(str(box))
    make = f"mkdir -p {place} && chgrp teachers {place} && chmod {DROP_BOX:o} {place}"
    if not box.is_dir():
        return f"{box} for hand-ins is not there", f"as root: {make}"
    mode = stat.S_IMODE(box.stat().st_mode)
    if mode & 0o003 != 0o003:
        return f"students can't put a hand-in into {box} (its mode is {mode:o})", f"as root: {make}"
    if mode & 0o004:
        return f"students can see what is in {box} (its mode is {mode:o})", f"as root: {make}"
    if not mode & stat.S_ISVTX:
        return f"students can remove hand-ins from {box} (its mode is {mode:o})", f"as root: {make}"
    if not mode & stat.S_ISGID:
        return f"its group can't read hand-ins in {box} (its mode is {mode:o})", f"as root: {make}"
    return f"hand-ins go to {box}, and only its owner and its group can look into it", ""


# what is looked at, by name: functions that give a text and a remedy, which is "" when all is well
LOOKS = {
    "installation": installation,
    "threads": threads,
    "privacy": privacy,
    "drop box": drop_box,
}
