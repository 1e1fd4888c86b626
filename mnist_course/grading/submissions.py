"""The submissions of a class, as platforms, git and students leave them: whose they are, and files.

A platform puts a student's name and a number into the names of files or folders; by these the grades
go back. The number is Moodle's participant, or Canvas's user.
"""

import io
import re
import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

ENTRIES = 50_000  # files in an archive
BYTES = 4_000_000_000  # of all files of an archive together, unpacked
FILE = 100_000_000  # of one file
RATIO = 200  # times by which a file of an archive may grow; notebooks reach 20
NESTED = 2  # archives inside of archives

# Source of the names: Moodle's mod/assign/locallib.php, Canvas's submission zipper, Blackboard's
# grade centre.
MOODLE = re.compile(r"^(?P<name>.+)_(?P<number>\d+)_assignsubmission_[a-z]+_?(?P<file>.*)$")
CANVAS = re.compile(r"^(?P<name>[^_/]+)(?P<late>_LATE)?_(?P<number>\d+)_\d+_(?P<file>.+)$", re.I)
BLACKBOARD = re.compile(
    r"^.+_(?P<name>[^_/]+)_attempt_\d{4}(?:-\d\d){5}(?:_(?P<file>.+)|\.txt)$", re.I
)


@dataclass(frozen=True)
class File:
    """A file of a submission: its path there, and what reads its bytes."""

    path: PurePosixPath
    size: int
    read: Callable[[], bytes]


@dataclass
class Submission:
    """What one student handed in."""

    name: str  # of the student, as the platform writes it
    number: str = ""  # by which the platform's own files know the student
    late: bool = False  # as the platform says
    files: list[File] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)  # files that could not be taken, and why

    @property
    def key(self):
        """What tells this student from all others."""
        return f"{self.name} {self.number}".strip()


class SubmissionsError(Exception):
    """The submissions can't be read as a whole; the message says why and what to do."""


def read(path):
    """The submissions in a folder, an archive or a single notebook: a list, in order of their keys.

    Raises SubmissionsError when there is nothing to read. A damaged or hostile part costs only the
    student whose it is: it is named in `problems`.
    """
    path = Path(path)
    if not path.exists():
        raise SubmissionsError(f"there is no {path}")
    problems: list[tuple[PurePosixPath, str]] = []
    if path.is_dir():
        entries = _of_folder(path, problems)
    elif zipfile.is_zipfile(path):
        entries = _of_archive(path.read_bytes, PurePosixPath(), problems)
    else:
        entries = [File(PurePosixPath(path.name), path.stat().st_size, path.read_bytes)]
    found: dict[tuple, Submission] = {}
    for entry in entries:
        student, inner = _whose(entry.path)
        found.setdefault(student[:2], Submission(*student[:2])).late |= student[2]
        found[student[:2]].files.append(File(inner, entry.size, entry.read))
    for place, reason in problems:
        student, inner = _whose(place)
        one = found.setdefault(student[:2], Submission(*student[:2]))
        one.problems.append(f"{inner}: {reason}")
    if not found:
        raise SubmissionsError(f"{path} holds no files")
    return [found[key] for key in sorted(found)]


def _whose(path):
    """((name, number, late), path inside of the submission) by a file's place."""
    first, *rest = path.parts
    if moodle := MOODLE.match(first):
        inner = [moodle["file"] or None, *rest]
        student = (moodle["name"].strip(), moodle["number"], False)
    elif len(path.parts) == 1 and (canvas := CANVAS.match(first)):
        inner, student = [canvas["file"]], (canvas["name"], canvas["number"], bool(canvas["late"]))
    elif blackboard := BLACKBOARD.match(first):
        inner = [blackboard["file"] or "receipt.txt", *rest]
        student = (blackboard["name"], "", False)
    elif rest:  # a folder for each student, as git's clones
        inner, student = rest, (first, "", False)
    else:
        inner, student = [first], (PurePosixPath(first).stem, "", False)
    return student, PurePosixPath(*filter(None, inner))


def _of_folder(folder, problems):
    found = []
    for path in sorted(folder.rglob("*")):
        place = PurePosixPath(path.relative_to(folder).as_posix())
        if any(part in (".git", ".ipynb_checkpoints", "__MACOSX") for part in place.parts):
            continue
        status = path.lstat()
        if stat.S_ISDIR(status.st_mode):
            continue
        if not stat.S_ISREG(status.st_mode):
            problems.append((place, "a link, pipe or device, which is not followed"))
        elif status.st_size > FILE:
            problems.append((place, f"{status.st_size:,} bytes; at most {FILE:,} are read"))
        elif path.suffix.lower() == ".zip":
            found += _of_archive(path.read_bytes, place.with_suffix(""), problems)
        else:
            found.append(File(place, status.st_size, path.read_bytes))
    return found


def _of_archive(content, inside, problems, depth=0):
    """The files of a zip archive, and of archives in it. inside: where the archive lies itself."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content()))
        entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        problems.append((inside, f"the archive can't be opened ({error})"))
        return []
    if len(entries) > ENTRIES or sum(entry.file_size for entry in entries) > BYTES:
        problems.append((inside, "the archive holds too many files, or too large ones"))
        return []
    found: list[File] = []
    for entry in entries:
        name = entry.filename.replace("\\", "/")
        place = inside / PurePosixPath(name)
        if entry.is_dir() or "__MACOSX" in place.parts or ".ipynb_checkpoints" in place.parts:
            continue
        if name.startswith("/") or ".." in place.parts or ":" in name.split("/")[0]:
            problems.append((inside / "outside", "a path that leads out of the archive"))
        elif stat.S_ISLNK(entry.external_attr >> 16):
            problems.append((place, "a link, which is not followed"))
        elif entry.flag_bits & 1:
            problems.append((place, "it is encrypted"))
        elif entry.file_size > FILE or entry.file_size > RATIO * max(entry.compress_size, 10_000):
            problems.append(
                (place, f"{entry.file_size:,} bytes packed into {entry.compress_size:,}")
            )
        elif place.suffix.lower() == ".zip" and depth < NESTED:
            inner = _reader(archive, entry)
            found += _of_archive(inner, place.with_suffix(""), problems, depth + 1)
        else:
            found.append(File(place, entry.file_size, _reader(archive, entry)))
    return found


def _reader(archive, entry):
    """What reads one file of an archive; raises ValueError when it is damaged."""

    def read():
        try:
            with archive.open(entry) as file:
                content = file.read(entry.file_size + 1)
        except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError) as error:
            raise ValueError(f"damaged in the archive ({error})") from error
        if len(content) != entry.file_size:
            raise ValueError("larger than the archive says")
        return content

    return read
