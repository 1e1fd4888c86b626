"""The files of a submission that are needed to examine it, in a folder of their own.

Those are the notebooks, and the modules that a notebook may import from beside it. One file is in
memory at a time.
"""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from mnist_course.grading.notebooks import LARGEST, one_line

MODULE = 1_000_000  # bytes of a module beside a notebook
MODULES = 200
FORBIDDEN = re.compile(r'[<>:"/\\|?*]')  # in names of files, on Windows


@dataclass
class Collected:
    """What was taken of a submission."""

    notebooks: list[list[str]] = field(default_factory=list)  # [place in the folder, own path]
    digest: str = ""  # of the names and bytes of all that was taken
    remarks: list[str] = field(default_factory=list)  # on what could not be taken


def collect(submission, folder):
    """Write a submission's notebooks and modules into a folder. Returns what was `Collected`."""
    collected, digest, modules = Collected(), hashlib.sha256(), 0
    for file in sorted(submission.files, key=lambda one: str(one.path)):
        shown = one_line(str(file.path), 100)
        kind = _kind(file.path)
        if not kind:
            continue
        modules += kind == ".py"
        if kind == ".py" and (file.size > MODULE or modules > MODULES):
            collected.remarks.append(f"{shown}: too large, or one module too many; left out")
            continue
        if file.size > LARGEST:
            collected.remarks.append(
                f"{shown}: {file.size:,} bytes; at most {LARGEST:,} are read. Clear the outputs "
                "of all cells and save it"
            )
            continue
        place = _place(file.path, kind, Path(folder))
        try:
            content = file.read()
            (Path(folder) / place).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / place).write_bytes(content)
        except (OSError, ValueError) as error:
            collected.remarks.append(f"{shown}: can't be read ({one_line(str(error))})")
            continue
        digest.update(repr((str(file.path), hashlib.sha256(content).hexdigest())).encode())
        if kind == ".ipynb":
            collected.notebooks.append([str(place), str(file.path)])
    collected.digest = digest.hexdigest()
    return collected


def _kind(path):
    """ ".ipynb" for a notebook, ".py" for a module, "" for what is not needed."""
    name = path.name.lower()
    if re.search(r"\.ipynb(\.(txt|json))?$", name):  # browsers and platforms add an ending
        return ".ipynb"
    return ".py" if name.endswith(".py") else ""


def _place(path, kind, folder):
    """Where a file is put: as it was handed in, but for names that some systems refuse."""
    *parents, name = [_safe(part) for part in path.parts]
    stem = name[: name.lower().rindex(kind)][:100]
    place, number = PurePosixPath(*parents, stem + kind), 1
    while (folder / place).exists():  # two names may have become the same
        number += 1
        place = PurePosixPath(*parents, f"{stem}-{number}{kind}")
    return place


def _safe(part):
    part = "".join(c if c.isprintable() else "_" for c in FORBIDDEN.sub("_", part))
    return part.strip(". ")[-120:] or "_"
