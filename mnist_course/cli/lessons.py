"""A student's own copies of the lessons."""

import hashlib
import json
from pathlib import Path

from mnist_course import runtime

PACKAGE = Path(__file__).parent.parent
RECORD = ".given.json"  # in my-lessons/: for each lesson the digests of all versions given out


def checkout():
    """The folder of the course's repository when the package lives in one, else None."""
    folder = PACKAGE.parent
    return folder if (folder / "pyproject.toml").is_file() else None


def course_folder():
    """The folder of the course's notebooks: the repository's, or those inside the package."""
    folder = (checkout() or PACKAGE) / "notebooks"
    if not any(folder.glob("*.ipynb")):
        raise runtime.CourseError(f"there are no lessons in {folder}: get the course again")
    return folder


def work_folder():
    """The folder `my-lessons`: in the repository when there is one, else where you are."""
    here = checkout() or Path.cwd()
    return here if here.name == "my-lessons" else here / "my-lessons"


def copy_lessons(course, work):
    """Copy each notebook of the folder `course` to the folder `work`, once.

    A copy that nobody edited follows the course. Beside an edited one a newer version of the
    lesson is put under another name, once for each version. Returns lines that say what was
    done. Raises OSError when `work` can't be written.
    """
    work.mkdir(parents=True, exist_ok=True)
    given = _read(work / RECORD)
    lines = []
    for lesson in sorted(course.glob("*.ipynb")):
        content = lesson.read_bytes()
        version = _digest(content)
        versions = given.setdefault(lesson.name, [])
        copy = work / lesson.name
        if copy.exists():
            present = _digest(copy.read_bytes())
            if version in versions or version == present:
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
    runtime.write_whole(work / RECORD, json.dumps(given, indent=1).encode())
    return lines


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
    except (FileNotFoundError, ValueError):
        return {}
    return given if isinstance(given, dict) else {}
