"""How the submissions of a class lie in a folder or an archive, and so whose each file is.

A platform writes a student's name and a number into the names of files or folders. By these the
grades go back later, so they decide whose a submission is, whatever stands inside of it.
"""

import csv
import io
import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mnist_course.grading import hand_in, sources

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
    r"(?P<who>.+?_[^_/]+)_attempt_(?P<attempt>\d{4}(?:-\d\d){5})(?:_(?P<file>.+)|\.txt)", re.DOTALL
)
LESSON = re.compile(r"\d\d[_ -]")  # how the course's own notebooks begin
NOTEBOOK = re.compile(r"\.ipynb(?:\.txt|\.json)?$", re.IGNORECASE)  # a browser may add the second
ROSTERS = ("roster.csv", "students.csv", "scores.csv")  # of Classroom 50, beside the clones


@dataclass(frozen=True)
class Layout:
    """How the submissions of a class lie, and so whose an item is."""

    title: str  # of the folder or archive
    clones: frozenset[str]  # folders that are git clones
    names: dict[str, str]  # of the students, by their user names
    is_canvas: bool
    is_one_students: bool  # notebooks lie there under the course's own names
    users: dict[str, str]  # of Blackboard, by what stands before "_attempt_"
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
            return (self.users[blackboard["who"]], "", False), blackboard["attempt"], inner
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


def sorted_out(path, reports=None):
    """Yield (item with its path inside of the submission, student, attempt)."""
    items, title, clones = _items(path)
    if reports is not None and path.resolve() in (there := Path(reports).resolve()).parents:
        inside = sources.named(there.relative_to(path.resolve()).parts)
        items = [item for item in items if item.parts[: len(inside)] != inside]
    if () in clones or any(item.parts == (hand_in.MANIFEST,) for item in items):
        for item in items:  # all of it is one student's
            yield item, (title, "", False), ""
        return
    items = _unwrapped(items, clones, is_archive=not path.is_dir())
    files = [item.parts[0] for item in items if len(item.parts) == 1 and item.read]
    notebooks = [name for name in files if NOTEBOOK.search(name)]
    layout = Layout(
        title,
        frozenset(place[-1] for place in clones if place),
        _roster(path),
        2 * sum(bool(CANVAS.fullmatch(name)) for name in files) > len(files),
        bool(notebooks) and all(LESSON.match(name) for name in notebooks),
        _users({found["who"] for item in items if (found := BLACKBOARD.fullmatch(item.parts[0]))}),
        _owners_differ(items),
    )
    for item in items:
        if found := layout.whose(item):
            student, attempt, inner = found
            yield item.under(*filter(None, inner)), student, attempt


def _users(known):
    """Blackboard's users, by texts of an assignment's name and a user's: `Lesson_03_ann_lee`.

    Either may hold "_". So a user is what follows the last one, unless that is the same for two:
    then it is what differs between all of the texts.
    """
    users = {text: text.rpartition("_")[2] for text in known}
    if len(set(users.values())) < len(users):
        same = os.path.commonprefix([*known]).rpartition("_")[0]
        users = {text: text[len(same) :].removeprefix("_") for text in known}
    return users


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
