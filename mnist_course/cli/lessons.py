"""A student's own copies of the lessons: in which folder, and how they follow the course."""

import contextlib
import errno
import hashlib
import json
import os
from pathlib import Path

from mnist_course import runtime

PACKAGE = Path(__file__).parent.parent
RECORD = ".given.json"  # in my-lessons/: for each lesson the digests of all versions given out
FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


def checkout():
    """The folder of the course's repository when the package lives in one, else None."""
    folder = PACKAGE.parent
    return folder if (folder / "pyproject.toml").is_file() else None


def course_folder():
    """The folder of the course's notebooks: the repository's, or those inside the package.

    Raises CourseError when there are none.
    """
    folder = (checkout() or PACKAGE) / "notebooks"
    if not any(folder.glob("*.ipynb")):
        raise runtime.CourseError(f"there are no lessons in {folder}: get the course again")
    return folder


def shared_folder():
    """The folder `my-lessons`: in the repository when there is one, else where you are."""
    here = checkout() or Path.cwd()
    return here if here.name == "my-lessons" else here / "my-lessons"


def own_folder():
    """The folder `mnist-lessons` in the user's home."""
    return Path.home() / "mnist-lessons"


def work_folder():
    """The folder of the student's copies.

    It is the one that `MNIST_COURSE_WORK` names. Without it, it is `my-lessons`, or
    `mnist-lessons` in the user's home where `my-lessons` can't be written, for example in a
    course that several people share. Raises CourseError when the variable holds a relative path.
    """
    named = runtime.named_folder("MNIST_COURSE_WORK")
    if named:
        return named
    folder = shared_folder()
    return own_folder() if refusal(folder) else folder


def place(folder):
    """A line that says where the student's copies are and, if it is not `my-lessons`, why."""
    reason = f", because you can't write in {shared_folder()}" if folder == own_folder() else ""
    return f"Your lessons are in {folder}{reason}"


def refusal(folder):
    """The OSError that keeps this user from working in a folder; None when nothing does.

    It is tried, since permission bits say little about network drives and Windows: a file is
    written and removed, and the copies that are there are opened for writing. The folder need not
    be there yet.
    """
    try:
        for copy in sorted(folder.glob("*.ipynb")):
            os.close(os.open(copy, os.O_WRONLY))
        place = next(place for place in (folder, *folder.parents) if place.exists())
        probe = place / f".mnist-course-{os.getpid()}"
        try:
            os.close(os.open(probe, os.O_CREAT | os.O_WRONLY))
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        # a full disk, say, is no reason to look for the student's work somewhere else
        return error if error.errno in FORBIDDEN else None
    return None


def copy_lessons(course, work):
    """Copy each notebook of the folder `course` to the folder `work`, once.

    A copy that nobody edited follows the course. Beside an edited one a newer version of the
    lesson is put under another name, once for each version. Returns lines that say what was
    done. Raises OSError when `work` can't be written.
    """
    work.mkdir(parents=True, exist_ok=True)
    before = _read(work / RECORD)
    given = {name: list(versions) for name, versions in before.items()}
    lines = []
    for lesson in sorted(course.glob("*.ipynb")):
        content = lesson.read_bytes()
        version = _digest(content)
        versions = given.setdefault(lesson.name, [])
        copy = work / lesson.name
        if copy.exists():
            present = _digest(copy.read_bytes())
            if version in versions or version in (present, *_versions_beside(copy)):
                pass  # this version is there, or was and has been edited
            elif present in versions:
                runtime.write_whole(copy, content)
                lines.append(f"{lesson.name}: brought up to date, you had not edited it")
            else:
                beside = _free_name(copy)
                runtime.write_whole(beside, content)
                lines.append(f"{lesson.name}: yours stays; the new version is {beside.name}")
        else:
            runtime.write_whole(copy, content)
        if version not in versions:
            versions.append(version)
    if given != before:  # else leave it alone: someone else may own it
        _write(work / RECORD, given)
    return lines


def _versions_beside(copy):
    return {_digest(path.read_bytes()) for path in copy.parent.glob(f"{copy.stem}.new-*.ipynb")}


def _free_name(copy):
    number = 1
    while (beside := copy.with_name(f"{copy.stem}.new-{number}.ipynb")).exists():
        number += 1
    return beside


def _digest(content):
    return hashlib.sha256(content).hexdigest()


def _read(record):
    """The record, empty when it is missing or damaged: then every copy counts as edited."""
    try:
        given = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(given, dict):
        return {}
    return {name: versions for name, versions in given.items() if isinstance(versions, list)}


def _write(record, given):
    """Keep the record, unless it belongs to someone else in a folder that several people share.

    Nothing is lost without it: a lesson that is there already is known by its content.
    """
    with contextlib.suppress(PermissionError):
        runtime.write_whole(record, json.dumps(given, indent=1).encode())
