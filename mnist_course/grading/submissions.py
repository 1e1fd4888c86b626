"""The submissions of a class, as platforms, git and students leave them: whose they are, and files.

A platform writes a student's name and a number into the names of files or folders. By these the
grades go back later, so they decide whose a submission is, whatever stands inside of it. Nothing
is unpacked here: a file's bytes are read when they are asked for, with a limit on their size.
"""

import csv
import functools
import io
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from mnist_course.grading import hand_in, sources
from mnist_course.grading.notebooks import LARGEST, one_line
from mnist_course.grading.sources import SubmissionsError

KEPT = 300  # files of a submission
TOTAL = 500_000_000  # bytes of the files of a submission

LOOKED_INTO = 20  # files of a submission whose names say nothing
LARGEST_UNNAMED = 20_000_000  # bytes of such a file
NAMED = 20  # problems of a submission that are named one by one


# Moodle: mod/assign/classes/downloader.php. Folders ended in "_" before 4.1; in flat mode the
# file's name follows. A team without a group has no number. "_" in a name is a space there.
MOODLE = re.compile(
    r"(?P<name>.+?)(?:_(?P<number>\d+))?_assignsubmission_[a-z]+(?:_(?P<file>.*))?", re.DOTALL
)
# Canvas: lib/content_zipper.rb. An id is a number, or anonymous. A text entry is "…_text.html".
CANVAS = re.compile(
    r"(?:(?P<late_too>LATE_)?(?P<anonymous>anon_[^_/]+)"
    r"|(?P<name>\w+?)_(?P<late>LATE_)?(?P<number>\d+))"
    r"(?:_\d+_(?P<file>.+)|_(?:text|link)\.html)",
    re.DOTALL,
)
# Blackboard: Assignment_user_attempt_DATE_file, and without a file its receipt, a text
BLACKBOARD = re.compile(
    r".+?_(?P<name>[^_/]+)_attempt_(?P<attempt>\d{4}(?:-\d\d){5})(?:_(?P<file>.+)|\.txt)", re.DOTALL
)
LESSON = re.compile(r"\d\d[_ -]")  # how the course's own notebooks begin
NOTEBOOK = re.compile(r"\.ipynb(?:\.txt|\.json)?$", re.IGNORECASE)  # a browser may add the second
OTHER_ARCHIVES = (".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")

ROSTERS = ("roster.csv", "students.csv", "scores.csv")  # of Classroom 50, beside the clones


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


def read(path):
    """The submissions in a folder, an archive or a single notebook: a list, in order of their keys.

    A damaged or hostile part costs only the student whose it is: it is named in `problems`.
    Raises SubmissionsError when nothing can be read.
    """
    path = Path(path)
    if not path.exists():
        raise SubmissionsError(f"there is no {path}: name a zip or a folder of submissions")
    found: dict[tuple, dict[str, list[sources.Item]]] = {}  # by student, by attempt
    for item, student, attempt in _sorted_out(path):
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
    """A part of a path: no separators, control or reserved characters, not long, not empty."""
    part = "".join("_" if c in '<>:"/\\|?*' or not c.isprintable() else c for c in part)
    stem, dot, suffix = part.rpartition(".")
    part = f"{stem[:60]}{dot}{suffix[:20]}" if dot else part[:80]
    part = part.strip(" .")
    # a device's name on Windows, whatever follows its dot
    if re.fullmatch(r"(con|prn|aux|nul|(com|lpt)\d)(\..*)?", part, re.IGNORECASE):
        part = f"_{part}"
    return part or "_"


# --- whose it is --------------------------------------------------------------------------


# --- whose it is ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Layout:
    """How the submissions of a class lie, and so whose an item is."""

    title: str  # of the folder or archive
    clones: frozenset[str]  # folders that are git clones
    names: dict[str, str]  # of the students, by their user names
    is_canvas: bool
    is_one_students: bool  # notebooks lie there under the course's own names
    owners_differ: bool  # whose a file in a drop box is tells who made it

    def whose(self, item):
        """(student, attempt, parts inside of the submission), or None for what is no student's.

        student: (name, number, late).
        """
        first, *rest = item.parts
        if moodle := MOODLE.fullmatch(first):
            return (moodle["name"], moodle["number"] or "", False), "", (moodle["file"], *rest)
        if blackboard := BLACKBOARD.fullmatch(first):
            inner = (blackboard["file"] or "receipt.txt", *rest)
            return (blackboard["name"], "", False), blackboard["attempt"], inner
        if rest or not (item.read or item.reason):  # a folder for each student
            name, number = _user(first, self.names) if first in self.clones else (first, "")
            return (name, number, False), "", tuple(rest)
        return self._whose_file(item, first)

    def _whose_file(self, item, name):
        """The same for a file that lies beside the students' folders."""
        if self.is_canvas and (canvas := CANVAS.fullmatch(name)):
            late = bool(canvas["late"] or canvas["late_too"])
            number = canvas["number"] or canvas["anonymous"]
            student = (canvas["name"] or "anonymous", number, late)
            return student, "", (canvas["file"] or "entry.html",)
        if handed_in := hand_in.DROPPED.fullmatch(name):
            user = handed_in["name"]
            # else anybody could replace another's hand-in
            if self.owners_differ and item.owner != user:
                user = f"{user} (a file of {item.owner})"
            return (user, "", False), handed_in["time"], ("hand-in.zip",)
        if NOTEBOOK.search(name):
            title = self.title if self.is_one_students else NOTEBOOK.sub("", name)
            return (title, "", False), "", (name,)
        if self.is_one_students and item.suffix == ".py":
            return (self.title, "", False), "", (name,)
        if item.reason or item.suffix == ".zip":
            return (PurePosixPath(name).stem, "", False), "", (name,)
        return None  # the teacher's own, or the platform's


def _sorted_out(path):
    """Yield (item with its path inside of the submission, student, attempt)."""
    items, title, clones = _items(path)
    if () in clones or any(item.parts == (hand_in.MANIFEST,) for item in items):
        for item in items:  # all of it is one student's
            yield item, (title, "", False), ""
        return
    items = _unwrapped(items, clones, is_archive=not path.is_dir())
    files = [item.parts[0] for item in items if len(item.parts) == 1 and item.read]
    notebooks = [name for name in files if NOTEBOOK.search(name)]
    layout = _Layout(
        title,
        frozenset(place[-1] for place in clones if place),
        _roster(path),
        2 * sum(bool(CANVAS.fullmatch(name)) for name in files) > len(files),
        bool(notebooks) and all(LESSON.match(name) for name in notebooks),
        _owners_differ(items),
    )
    for item in items:
        if found := layout.whose(item):
            student, attempt, inner = found
            yield item.under(*filter(None, inner)), student, attempt


def _owners_differ(items):
    """Whether the owners of hand-ins say who made them.

    They don't when one user has made those of several: so it is where each student works in a
    container, and outside of a drop box.
    """
    found = [(item.owner, hand_in.DROPPED.fullmatch(item.parts[-1])) for item in items]
    owners = {owner for owner, dropped in found if dropped}
    users = {dropped["name"] for _, dropped in found if dropped}
    return "" not in owners and (len(owners) > 1 or len(users) == 1)


def _items(path):
    """What lies at a path, what it is called, and where git clones are in it."""
    title = unicodedata.normalize("NFC", path.resolve().name)
    if path.is_dir():
        items, clones = sources.of_folder(path)
        return items, title, clones
    if NOTEBOOK.search(title):
        return [sources.file_item(path, (title,))], NOTEBOOK.sub("", title), set()
    return sources.of_class(path), PurePosixPath(title).stem, set()


def _unwrapped(items, clones, is_archive):
    """The items without a folder that holds the whole class, as most programs pack one."""
    firsts = {item.parts[0] for item in items}
    inner = [item for item in items if len(item.parts) > 1]
    if len(firsts) != 1 or any(item.read for item in items if len(item.parts) == 1):
        return items
    [first] = firsts
    seconds = {item.parts[1] for item in inner}
    known = any(MOODLE.fullmatch(name) or BLACKBOARD.fullmatch(name) for name in seconds)
    several = len({item.parts[1] for item in inner if len(item.parts) > 2}) > 1
    loose = [item.parts[1] for item in inner if len(item.parts) == 2 and item.read]
    loose = [name for name in loose if NOTEBOOK.search(name) or name.lower().endswith(".zip")]
    lessons = any(LESSON.match(name) for name in loose)
    if MOODLE.fullmatch(first) or (first,) in clones or lessons:
        return items
    if known or several or (is_archive and len(loose) > 1):
        return [item.under(*item.parts[1:]) for item in inner]
    return items


def _roster(folder):
    """Names of students by their user names, from a list that lies beside git clones."""
    names: dict[str, str] = {}
    for file in ROSTERS:
        try:
            text = sources.read_file(folder / file).decode("utf-8-sig")
            for row in csv.DictReader(io.StringIO(text)):
                user = (row.get("username") or "").strip()
                full = f"{row.get('first_name') or ''} {row.get('last_name') or ''}".strip()
                if user and not names.get(user):
                    names[user] = full
        except (OSError, ValueError, csv.Error):
            continue  # it is only asked for better names
    return names


def _user(folder, names):
    """(name, number) of the student whose clone lies in a folder: CLASS-ASSIGNMENT-USERNAME."""
    fitting = [user for user in names if f"-{folder.casefold()}".endswith(f"-{user.casefold()}")]
    if not fitting:
        return folder, ""
    user = max(fitting, key=len)  # "ann-lee" rather than "lee"
    return names[user] or user, user


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
        problems.append("no notebook" + (f", only {one_line(others, 100)}" if others else ""))
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
