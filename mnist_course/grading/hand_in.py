"""A hand-in file: one zip with a student's notebooks as saved, what they import, and a list.

The list, `hand-in.json`, says when and with which versions the file was made, how often the sealed
test set was opened, and a digest of each file. Whoever wants to can write another list, so a digest
shows an accidental change and proves nothing.
"""

import ast
import contextlib
import datetime
import hashlib
import io
import json
import os
import re
import secrets
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mnist_course import __version__, runtime
from mnist_course.data import TEST_RECORD, DataError, test_openings
from mnist_course.exercises import EXERCISES
from mnist_course.grading import answers, notebooks, syntax

MANIFEST = "hand-in.json"
NOTE = "course.json"  # in a folder that was handed out: its lessons, and how many cases there are
WHAT = "mnist-course hand-in"
FORM = 1  # of the list
LARGEST_MODULE = 1_000_000  # bytes of a .py file
MODULES = 100  # .py files
# how a file in a drop box is called: user, time, and what nobody can guess
DROPPED = re.compile(
    r"(?P<name>.+)_(?P<time>\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ)_[0-9a-f]{16}\.zip", re.DOTALL
)


@dataclass(frozen=True)
class Part:
    """A file that goes into a hand-in."""

    path: PurePosixPath  # from the folder of the student's work
    content: bytes
    notebook: notebooks.Notebook | None = None  # None for a module, and where it can't be read
    exercises: tuple[str, ...] = ()  # of the notebook
    problem: str = ""  # why it can't be read


@dataclass(frozen=True)
class Stated:
    """What the list in a hand-in file states."""

    made: str  # when, in UTC
    name: str
    versions: dict[str, str]
    openings: int | None  # of the sealed test set; None when the record could not be read
    files: dict[str, str]  # digests by path
    whole: str  # the digest of all of them
    exercises: dict[str, str]  # what the student was told of each


# --- what goes in -------------------------------------------------------------------------


def collect(folder, lessons=None, course=None):
    """What a hand-in of a folder holds: notebooks of the lessons first, then what they import.

    lessons: two digits each; None for all. course: the folder of the course's notebooks, by which
    a newer version that was put beside the student's is known. Returns the parts, and sentences on
    what is left out. Raises OSError when a file can't be read.
    """
    newest = {path.read_bytes() for path in course.glob("*.ipynb")} if course else set()
    folder = Path(folder)
    parts, left_out, modules = [], [], {}
    for path in notebooks.find(folder):
        place = PurePosixPath(path.relative_to(folder).as_posix())
        shown = notebooks.one_line(str(place), 100)
        try:
            notebook = notebooks.read(path)
        except runtime.CourseError as error:
            lesson = re.match(r"\d\d", path.name)
            if path.is_symlink():  # it may show any other file
                left_out.append(f"{shown}: it is a link, and no notebook")
            elif lessons is None or (lesson and lesson[0] in lessons):
                parts.append(Part(place, _content(path), problem=str(error)))
            continue
        names = notebooks.exercises_of(notebook, EXERCISES)
        if not names:
            left_out.append(f"{shown}: belongs to no lesson with exercises")
        elif lessons is not None and not {EXERCISES[name].lesson for name in names} & set(lessons):
            left_out.append(f"{shown}: belongs to a lesson that was not asked for")
        elif re.search(r"\.new-\d+\.ipynb$", path.name) and path.read_bytes() in newest:
            left_out.append(f"{shown}: the course's newer version, which you have not edited")
        else:
            parts.append(Part(place, _content(path), notebook, tuple(names)))
            for module in imported(notebook, left_out):
                modules[PurePosixPath(module.relative_to(folder).as_posix())] = module
    parts += [Part(place, _content(modules[place])) for place in sorted(modules)]
    return parts, left_out


def _content(path):
    """The bytes of a file. Raises CourseError for one that is no ordinary file, or too large."""
    size = path.stat().st_size
    if not path.is_file() or size > notebooks.LARGEST:
        raise runtime.CourseError(
            f"{path} can't be handed in, because only ordinary files of at most "
            f"{notebooks.LARGEST:,} bytes can: clear its outputs, or move it away"
        )
    return path.read_bytes()


def imported(notebook, left_out):
    """Paths of the .py files that a notebook imports from its own folder, and those from there.

    A package counts with the folders in it. What can't be taken is said in `left_out`.
    """
    folder = notebook.path.parent
    names = {name for cell in notebook.cells for name in _names(answers.as_python(cell.source))}
    found: list[Path] = []
    looked_at = set[str]()
    while waiting := sorted(names - looked_at):
        for name in waiting:
            looked_at.add(name)
            for path in _files_of(folder, name):
                problem = _problem(path, folder, len(found))
                if problem:
                    left_out.append(f"{path.relative_to(folder)}: {problem}")
                elif path not in found:
                    found.append(path)
                    names |= _names(path.read_text(encoding="utf-8", errors="replace"))
    return found


def _names(source):
    """The modules that a piece of Python imports, by the first part of their names."""
    found = set()
    for node in (node for one in syntax.statements(source) for node in ast.walk(one)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def _files_of(folder, name):
    """The files of a module or a package that lies in a folder."""
    module, package = folder / f"{name}.py", folder / name
    if package.is_dir():
        return sorted([*package.glob("*.py"), *package.glob("*/*.py")])
    return [module] if module.is_file() else []


def _problem(path, folder, count):
    """Why a .py file can't be taken; "" when it can."""
    if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
        return "it lies outside of the notebook's folder"
    if path.stat().st_size > LARGEST_MODULE:
        return f"it is larger than {LARGEST_MODULE:,} bytes"
    return "" if count < MODULES else f"there are more than {MODULES} files to import"


def openings(folder):
    """How often the sealed test set was opened, and why that can't be told, or ""."""
    try:
        return len(test_openings(folder)), ""
    except DataError as error:
        return None, f"{TEST_RECORD} can't be read: {error}"


def note(folder):
    """What a hand-out noted: its lessons, and how many cases are hidden, None if it doesn't say.

    Empty when there is no note, or it is damaged.
    """
    try:
        data = json.loads((Path(folder) / NOTE).read_text(encoding="utf-8"))
        lessons = [one for one in data["lessons"] if type(one) is str]
        hidden = {name: counts.get("hidden") for name, counts in data["exercises"].items()}
        known = all(type(count) is int for count in hidden.values())
        return {"lessons": lessons, "hidden": hidden if known else None}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


# --- the file -----------------------------------------------------------------------------


def packed(parts, name, openings, told):
    """The bytes of a hand-in file. told: what the student was told of each exercise.

    The same parts, made in the same second, give the same bytes.
    """
    versions = runtime.versions()
    versions = {one: versions[one] for one in ("python", "torch", "numpy")}
    files = {str(part.path): digest(part.content) for part in parts}
    manifest = {
        "what": WHAT,
        "form": FORM,
        "made": now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "name": name,
        "versions": {"mnist-course": __version__, **versions},
        "openings": openings,
        "exercises": told,
        "files": files,
        "digest": whole(files),
    }
    text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
    entries = [(MANIFEST, text.encode(errors="backslashreplace"))]
    entries += [(str(part.path), part.content) for part in parts]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in entries:
            entry = zipfile.ZipInfo(path)  # it has a fixed time
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return buffer.getvalue()


def now():
    """The time in UTC."""
    return datetime.datetime.now(datetime.UTC)


def digest(content):
    """The SHA-256 digest of bytes, as a text."""
    return hashlib.sha256(content).hexdigest()


def whole(files):
    """One digest of many: of lines `digest  path`, sorted by path, as sha256sum prints them."""
    lines = "".join(f"{files[path]}  {path}\n" for path in sorted(files))
    return digest(lines.encode(errors="backslashreplace"))


def stated(content):
    """What the bytes of a list state. Raises ValueError, with the reason, when it is damaged."""
    try:
        data = json.loads(content.decode("utf-8"))
        if data["what"] != WHAT or data["form"] != FORM:
            raise ValueError(f"it is not of form {FORM}")
        openings = data["openings"]
        if openings is not None and (type(openings) is not int or openings < 0):
            raise ValueError("it does not say how often the test set was opened")
        tables = [data[key] for key in ("versions", "files", "exercises")]
        for table in tables:
            if not all(type(text) is str for text in (*table, *table.values())):
                raise ValueError("it is damaged")
        made, name, digest_of_all = str(data["made"]), str(data["name"]), str(data["digest"])
        return Stated(made, name, tables[0], openings, tables[1], digest_of_all, tables[2])
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("it is damaged") from error


def differences(stated, files):
    """Pairs of a file's name and how it differs from what a list states. files: digests by path."""
    found = []
    for path, wanted in stated.files.items():
        if path not in files:
            found.append((path, "it is in the hand-in's list, but not there any more"))
        elif files[path] != wanted:
            found.append((path, "it was changed after the hand-in was made"))
    added = [path for path in files if path not in stated.files]
    found += [(path, "it was added after the hand-in was made") for path in added]
    if whole(stated.files) != stated.whole:
        found.append((MANIFEST, "the list was changed after the hand-in was made"))
    return found


def save(content, target):
    """Write a hand-in beside those that are there, and return its path.

    target: a file, or a folder that is a drop box. A file that is there gets a number: nothing is
    ever overwritten. In a drop box the name says the user and the time. Raises OSError.
    """
    target = Path(target)
    if target.is_dir():
        path = target / _dropped_name()
        # Whoever may enter the folder could open a file whose name is known, so the name can't be
        # guessed; where the folder hands on its group, nobody else may read the file either.
        mode = 0o640 if target.stat().st_mode & 0o2000 else 0o644
        _reserve(path, mode)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        number, path = 1, target
        while not _reserve(path):
            number += 1
            path = target.with_name(f"{target.stem}-{number}{target.suffix}")
    try:
        runtime.write_whole(path, content)
    except BaseException:
        path.unlink(missing_ok=True)  # it is empty still
        raise
    return path


def _reserve(path, mode=0o666):
    """Make an empty file; False when there is one of that name."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
    except FileExistsError:
        return False
    if mode != 0o666:
        with contextlib.suppress(OSError):  # a network drive may refuse, and has rights of its own
            os.chmod(path, mode)  # whatever the user's mask takes away
    return True


def _dropped_name():
    user = file_name(login()) or "unknown"
    return f"{user}_{now():%Y-%m-%dT%H-%M-%SZ}_{secrets.token_hex(8)}.zip"


def file_name(text):
    """A user's name as a part of a file's name."""
    return "".join(c if c.isalnum() or c in ".-_" else "-" for c in text)


def login():
    """The name of the user as the system knows it, or JupyterHub; "" when there is none."""
    try:
        import pwd

        name = pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):  # Windows; a container without names
        name = os.environ.get("USERNAME", "")
    # in Jupyter's own containers every user has the same name
    return os.environ.get("JUPYTERHUB_USER", name) if name in ("", "jovyan") else name
