"""The files of a submission in a folder of their own, and a digest that tells when they change."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from mnist_course.grading import submissions


@dataclass
class Collected:
    """What was taken of a submission."""

    notebooks: list[list[str]]  # of each its place in the folder, and its own path
    digest: str  # of the paths and bytes of all files


def collect(submission, folder):
    """Write a submission's files into an empty folder. Returns what was `Collected`.

    One file is in memory at a time. A file that can't be read is named in `submission.problems`.
    """
    notebooks, digest = [], hashlib.sha256()
    for file, place in submissions.prepare(submission, folder):
        with open(place, "rb") as content:
            each = hashlib.file_digest(content, "sha256").hexdigest()
        digest.update(repr((str(file.path), each)).encode("utf-8", "backslashreplace"))
        if place.suffix == ".ipynb":
            notebooks.append([place.relative_to(Path(folder)).as_posix(), str(file.path)])
    return Collected(notebooks, digest.hexdigest())
