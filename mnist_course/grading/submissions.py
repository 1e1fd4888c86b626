"""The submissions of a class: of each student the files, as platforms, git and students leave them.

Nothing is unpacked here: a file's bytes are read when they are asked for, with a limit on their
size. Whose a file is, `layouts` tells.
"""

import functools
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from mnist_course.grading import hand_in, layouts, sources
from mnist_course.grading.layouts import NOTEBOOK
from mnist_course.grading.notebooks import LARGEST, one_line
from mnist_course.grading.sources import SubmissionsError

KEPT = 300  # files of a submission
TOTAL = 500_000_000  # bytes of the files of a submission
LOOKED_INTO = 20  # files of a submission whose names say nothing
LARGEST_UNNAMED = 20_000_000  # bytes of such a file
LONGEST_NAME = 200  # bytes; most systems take 255, endings included
NAMED = 20  # problems of a submission that are named one by one
OTHER_ARCHIVES = (".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")


@dataclass(frozen=True)
class File:
    """A file of a submission.

    read: gives its bytes. Raises ValueError or OSError, with the reason, when it can't be read.
    """

    path: PurePosixPath  # inside of the submission; its parts may hold any character
    size: int  # bytes, as the folder or the archive says
    read: Callable[[], bytes] = field(repr=False)


@dataclass
class Submission:
    """What one student, or one team, handed in."""

    name: str  # as the platform writes it
    number: str = ""  # by which the platform's own files know the student
    late: bool = False  # as the platform says
    files: list[File] = field(default_factory=list)  # notebooks, and the .py files beside them
    problems: list[str] = field(default_factory=list)  # what could not be taken, and why
    remarks: list[str] = field(default_factory=list)  # what the teacher should know besides
    stated: hand_in.Stated | None = None  # what the list in a hand-in file states

    @property
    def key(self):
        """What tells this student from all others."""
        return f"{self.name} {self.number}".strip()

    @property
    def openings(self):
        """How often the sealed test set was opened, as a hand-in file says; None when none does."""
        return self.stated.openings if self.stated else None


def read(path, reports=None):
    """The submissions in a folder, an archive or a single notebook: a list, in order of their keys.

    reports: the folder for what is written, which is passed over where it lies among them.
    A damaged or hostile part costs only the student whose it is: it is named in `problems`.
    Raises SubmissionsError when nothing can be read.
    """
    path = Path(path)
    if not path.exists():
        raise SubmissionsError(f"there is no {path}: name a zip or a folder of submissions")
    found: dict[tuple, dict[str, list[sources.Item]]] = {}  # by student, by attempt
    for item, student, attempt in layouts.sorted_out(path, reports):
        found.setdefault(student, {}).setdefault(attempt, []).append(item)
    if not found:
        raise SubmissionsError(f"{path} holds no notebooks: name a zip or a folder of submissions")
    submissions = [_submission(student, found[student]) for student in sorted(found)]
    return _with_keys_of_their_own(submissions)


def prepare(submission, folder):
    """Write a submission's files into an empty folder. Returns pairs of `File` and where it is.

    The names are made safe for every system, and notebooks end in .ipynb. A file that can't be
    read is added to `problems` instead. Raises FileExistsError for a folder that is not empty.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty")
    written, taken = [], set[str]()
    for file in submission.files:
        place = folder.joinpath(*_safe(file.path, taken))
        try:
            content = file.read()
            place.parent.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:  # the second for a folder named as a file
            submission.problems.append(_problem(file.path.parts, sources.said(error)))
            continue
        with open(place, "xb") as target:
            target.write(content)
        written.append((file, place))
    return written


@dataclass
class Collected:
    """What was taken of a submission."""

    notebooks: list[list[str]]  # of each its place in the folder, and its own path
    digest: str  # of the paths and bytes of all files


def collect(submission, folder):
    """Write a submission's files into an empty folder, as `prepare`. Returns what was `Collected`.

    One file is in memory at a time.
    """
    notebooks, digest = [], hashlib.sha256()
    for file, place in prepare(submission, folder):
        with open(place, "rb") as content:
            each = hashlib.file_digest(content, "sha256").hexdigest()
        digest.update(repr((str(file.path), each)).encode("utf-8", "backslashreplace"))
        if place.suffix == ".ipynb":
            notebooks.append([place.relative_to(Path(folder)).as_posix(), str(file.path)])
    return Collected(notebooks, digest.hexdigest())


# --- names that any system can write ------------------------------------------------------


def _safe(path, taken):
    """The parts of a path as names that every system can write, and that are not taken yet."""
    *folders, name = (_safe_part(part) for part in path.parts)
    stem, suffix = PurePosixPath(name).stem, PurePosixPath(name).suffix
    if suffix.lower() == ".py":  # Canvas and browsers number a copy, but an import has no number
        stem = re.sub(r"(-\d+| \(\d+\))$", "", stem)
    else:
        stem, suffix = _safe_part(NOTEBOOK.sub("", path.name)), ".ipynb"
    number, name = 1, f"{stem}{suffix}"
    while "/".join((*folders, name)).casefold() in taken:
        number += 1
        name = f"{stem} ({number}){suffix}"
    taken.add("/".join((*folders, name)).casefold())
    return (*folders, name)


def _safe_part(part):
    """A part of a path, not long."""
    stem, dot, suffix = part.rpartition(".")
    return safe_name(f"{stem[:60]}{dot}{suffix[:20]}" if dot else part[:80])


def safe_name(text):
    """A text as a name that every system can write.

    Without separators, control or reserved characters, not empty, and not too long: most systems
    count bytes, of which a Chinese character takes three.
    """
    name = "".join("_" if c in '<>:"/\\|?*' or not c.isprintable() else c for c in text)
    name = name.encode()[:LONGEST_NAME].decode(errors="ignore").strip(" .")
    # a device's name on Windows, whatever follows its dot
    if re.fullmatch(r"(con|prn|aux|nul|(com|lpt)\d)(\..*)?", name, re.IGNORECASE):
        name = f"_{name}"
    return name or "_"


def _submission(student, attempts):
    """The submission of a student, from the items of the newest attempt that has files."""
    name, number, late = student
    for attempt in sorted(attempts, reverse=True):
        submission = Submission(one_line(name, 100) or "unnamed", number, late)
        _keep(list(sources.opened_up(attempts[attempt])), submission)
        if submission.files or attempt == min(attempts):
            break
    if len(attempts) > 1:
        submission.remarks.append(
            f"handed in {len(attempts)} times; what counts is the attempt of {attempt}"
        )
    return submission


def _problem(parts, reason):
    return f"{sources.shown(parts)}: {reason}" if parts else reason


def _keep(items, submission):
    """Put what grading needs of the items into the submission, and say what can't be taken."""
    problems = [_problem(item.parts, item.reason) for item in items if item.reason]
    files = sorted(
        (item for item in items if item.read and not item.reason and item.parts),
        key=lambda item: item.parts,
    )
    problems += [
        _problem(item.parts, "of archives, only .zip is opened: ask for one")
        for item in files
        if item.suffix in OTHER_ARCHIVES
    ]
    manifests = [item for item in files if item.parts[-1] == hand_in.MANIFEST]
    notebooks = _notebooks(files)
    kept = _within_limits([*notebooks, *_modules(files, notebooks)], problems)
    submission.files = [
        File(PurePosixPath(*parts), one.size, functools.partial(sources.content_of, one))
        for parts, one in kept.items()
    ]
    if not notebooks and not problems:
        others = ", ".join(item.parts[-1] for item in files[:3])
        problems.append(f"there was only {one_line(others, 100)}" if others else "it was empty")
    submission.problems = problems[:NAMED]
    if len(problems) > NAMED:
        submission.problems.append(f"and {len(problems) - NAMED} more of that kind")
    if manifests:
        _compare(manifests[0], submission)


def _notebooks(files):
    """The notebooks among files, in order: by their names, or by what is in them."""
    unnamed = [item for item in files if _may_be_notebook(item)][:LOOKED_INTO]
    return [
        item
        for item in files
        if NOTEBOOK.search(item.parts[-1]) or (item in unnamed and _is_notebook(item))
    ]


def _may_be_notebook(item):
    """Whether the name of a file leaves open that it is a notebook."""
    name = item.parts[-1]
    wanted = item.suffix in ("", ".json", ".txt") and item.size <= LARGEST_UNNAMED
    return wanted and name != hand_in.MANIFEST and not NOTEBOOK.search(name)


def _is_notebook(item):
    """Whether a file is a notebook by its content."""
    try:
        content = item.read()
    except (OSError, ValueError):
        return False
    return content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{" and b'"nbformat"' in content


def _modules(files, notebooks):
    """The modules beside notebooks, and those in packages beside them."""
    beside = {item.parts[:-1] for item in notebooks}
    return [
        item
        for item in files
        if item.suffix == ".py" and {item.parts[:-1], item.parts[:-2], item.parts[:-3]} & beside
    ]


def _within_limits(items, problems):
    """The items by their paths, as far as their number and sizes allow."""
    total = 0
    kept: dict[tuple[str, ...], sources.Item] = {}
    for item in items:
        if item.size > LARGEST:
            problems.append(_problem(item.parts, sources.too_large(item.size)))
            continue
        total += item.size
        if len(kept) == KEPT or total > TOTAL:
            problems.append(f"more than {KEPT} files, or {TOTAL:,} bytes: the rest is left out")
            break
        kept[_free(item.parts, kept)] = item
    return kept


def _free(parts, kept):
    """A path that is not taken: an archive may hold two files of one name."""
    number, free = 1, parts
    while free in kept:
        number += 1
        path = PurePosixPath(parts[-1])
        free = (*parts[:-1], f"{path.stem} ({number}){path.suffix}")
    return free


def _compare(manifest, submission):
    """Compare the files with the digests that a hand-in file states of them."""
    try:
        stated = hand_in.stated(sources.content_of(manifest))
    except (OSError, ValueError) as error:
        submission.remarks.append(
            f"the list in the hand-in file can't be read: {sources.said(error)}"
        )
        return
    submission.stated = stated
    root = PurePosixPath(*manifest.parts).parent
    here = {}
    for file in submission.files:
        if file.path.is_relative_to(root):
            try:
                here[str(file.path.relative_to(root))] = hand_in.digest(file.read())
            except (OSError, ValueError) as error:
                submission.problems.append(_problem(file.path.parts, sources.said(error)))
    submission.remarks += [
        f"{one_line(name, 100)}: {words}" for name, words in hand_in.differences(stated, here)
    ]


def _with_keys_of_their_own(submissions):
    """The submissions, in the order of their keys, of which no two are alike."""
    taken = set[str]()
    for one in submissions:
        name, number = one.name, 1
        while one.key.casefold() in taken:
            number += 1
            one.name = f"{name} ({number})"
        taken.add(one.key.casefold())
    return sorted(submissions, key=lambda one: one.key)
