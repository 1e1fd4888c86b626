"""What lies in a folder or an archive of submissions, bounded and without writing anything.

A link is never followed, a path never leads outside, and an archive is never believed: what is
damaged, hostile or too large becomes an `Item` with a reason.
"""

import functools
import io
import os
import re
import stat
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from mnist_course import runtime
from mnist_course.grading import hand_in
from mnist_course.grading.notebooks import LARGEST, one_line

ENTRIES = 20_000  # files in an archive that a student packed
CLASS_ENTRIES = 1_000_000  # files in the archive of a class
NESTED = 2  # archives inside of archives
ARCHIVES = 20  # of a submission: to open more may take hours
DEPTH = 20  # folders inside of folders
NOT_STUDENTS = ("__macosx", "__pycache__", "node_modules")


class SubmissionsError(runtime.CourseError):
    """The submissions can't be read as a whole; the message says why and what to do."""


@dataclass(frozen=True)
class Item:
    """Something found: a file, a folder (no `read`, no reason), or what can't be taken."""

    parts: tuple[str, ...]
    size: int = 0
    read: Callable[[], bytes] | None = None
    reason: str = ""
    owner: str = ""  # the login of its owner, in a drop box

    @property
    def suffix(self):
        """The ending of its name, in small letters."""
        return PurePosixPath(*self.parts).suffix.lower()

    def under(self, *parts):
        """The same at another place."""
        return replace(self, parts=parts)


def shown(parts):
    """The parts of a path as one line."""
    return one_line("/".join(parts), 120)


def said(error):
    """What an error says, in one line."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return one_line(text, 200)


# --- folders ------------------------------------------------------------------------------


def of_folder(folder):
    """The items of a folder, and the places of git clones in it."""
    items: list[Item] = []
    clones: set[tuple[str, ...]] = set()
    drop_box = _is_drop_box(folder)

    def refused(error):
        parts = Path(error.filename).relative_to(folder).parts
        if not parts:
            raise SubmissionsError(f"{folder} can't be read: {said(error)}") from error
        # the empty name tells a folder from a file
        items.append(Item((*named(parts), ""), reason=f"it can't be read: {said(error)}"))

    for parent, folders, names in os.walk(folder, onerror=refused):
        here = Path(parent).relative_to(folder).parts
        if ".git" in folders or ".git" in names:
            clones.add(named(here))
        links = [name for name in folders if _is_link(Path(parent, name))]
        folders[:] = sorted(
            name for name in folders if name not in links and not _is_left_out(name)
        )
        if len(here) >= DEPTH:
            items.append(Item(named(here), reason="it lies too deep in other folders"))
            folders.clear()
        items += [Item(named((*here, name))) for name in folders]
        for name in sorted(names + links):
            if not _is_left_out(name):
                item = file_item(Path(parent, name), named((*here, name)), drop_box)
                items.append(item)
    return items, clones


def named(parts):
    """Names from a disk as text in one normal form: macOS writes "ü" as two characters."""
    texts = (os.fsencode(part).decode(errors="replace") for part in parts)
    return tuple(unicodedata.normalize("NFC", text) for text in texts)


def _is_left_out(name):
    return name.startswith(".") or name.lower() in NOT_STUDENTS


def _is_link(path):
    return path.is_symlink() or (hasattr(path, "is_junction") and path.is_junction())


def file_item(path, parts, drop_box=False):
    """The item of a file in a folder, which may turn out to be a link or a pipe."""
    try:
        status = path.lstat()
    except OSError as error:
        return Item(parts, reason=said(error))
    owner = hand_in.file_name(_login(status.st_uid)) if drop_box else ""
    reason = "" if stat.S_ISREG(status.st_mode) else "a link, pipe or device, which is not followed"
    return Item(parts, status.st_size, functools.partial(read_file, path), reason, owner)


def read_file(path):
    """The bytes of an ordinary file, even if somebody puts something else into its place."""
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0)
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with open(os.open(path, flags), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("it is no ordinary file")
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ValueError(too_large(len(content)))
    return content


def _is_drop_box(folder):
    """Whether everybody may put files into a folder, but not take away those of others."""
    mode = folder.stat().st_mode
    return bool(mode & stat.S_ISVTX and mode & stat.S_IWOTH)


def _login(number):
    try:
        import pwd

        return pwd.getpwuid(number).pw_name
    except (ImportError, KeyError):  # Windows; a user who is gone
        return str(number)


# --- archives -----------------------------------------------------------------------------


def of_class(path):
    """The items of the zip of a class. Raises SubmissionsError when it is none."""
    try:
        archive = zipfile.ZipFile(path)
    except Exception as error:  # whatever a damaged archive leads zipfile to
        raise SubmissionsError(
            f"{path} can't be opened as a zip ({said(error)}): get it from the platform again"
        ) from error
    entries = archive.infolist()
    if len(entries) > CLASS_ENTRIES:
        raise SubmissionsError(f"{path} holds {len(entries):,} files: give it in several parts")
    return [_entry_item(entry, (), lambda: archive) for entry in entries if _is_wanted(entry)]


def _of_archive(item):
    """The items of an archive that a student packed, below the archive's own place."""
    inside = (*item.parts[:-1], PurePosixPath(item.parts[-1]).stem)
    try:
        content = content_of(item)
        if content.count(b"PK\x01\x02") > ENTRIES:  # known before its list takes up memory
            raise ValueError(f"it holds more than {ENTRIES:,} files")
        entries = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except Exception as error:  # whatever a hostile archive leads zipfile to
        return [Item(item.parts, reason=f"the archive can't be opened: {said(error)}")]
    opened = functools.partial(_opened, item)
    return [_entry_item(entry, inside, opened) for entry in entries if _is_wanted(entry)]


@functools.lru_cache(maxsize=1)  # so that memory holds one student's archive at a time
def _opened(item):
    return zipfile.ZipFile(io.BytesIO(content_of(item)))


def content_of(item):
    """The bytes of an item that is a file. Raises ValueError or OSError, with the reason."""
    if item.size > LARGEST:
        raise ValueError(too_large(item.size))
    return item.read()


def too_large(size):
    """What is said of a file of so many bytes."""
    return f"{size:,} bytes; at most {LARGEST:,} are read"


def _is_wanted(entry):
    parts = _entry_name(entry).split("/")
    return not any(_is_left_out(part) for part in parts if part not in ("", ".", ".."))


def _entry_name(entry):
    """The name of an archive's entry.

    Without a flag for UTF-8, zipfile takes it for the DOS code page, but many programs have written
    UTF-8 nevertheless. Some on Windows separate folders by a backslash.
    """
    name = entry.filename
    if not entry.flag_bits & 0x800:
        try:
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            pass
    return unicodedata.normalize("NFC", name.replace("\\", "/"))


def _entry_item(entry, inside, opened):
    """An entry of an archive. opened: gives the archive; inside: the place of the archive."""
    name = _entry_name(entry)
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if name.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", name):
        # what is before the way out says whose it is, if anything does
        parts = parts[: parts.index("..")] if ".." in parts else ()
        return Item((*inside, *parts, "outside"), reason=f"its path leads outside ({name})")
    if not parts or len(parts) > DEPTH:
        parts = (*parts[:DEPTH], "unnamed")
        return Item((*inside, *parts), reason="it has no name, or lies too deep in other folders")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return Item((*inside, *parts), reason="a link, pipe or device, which is not followed")
    if name.endswith("/"):
        return Item((*inside, *parts))
    return Item((*inside, *parts), entry.file_size, functools.partial(_unpacked, entry, opened))


def _unpacked(entry, opened):
    """The bytes of an archive's entry. Raises ValueError when it is damaged, or lies."""
    if entry.flag_bits & 0x41:
        raise ValueError("it is encrypted: ask for it without a password")
    # the other ways unpack at once what may be a thousand times as large
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("it is packed in a rare way: ask for an ordinary zip")
    if entry.file_size > LARGEST:
        raise ValueError(too_large(entry.file_size))
    try:
        with opened().open(entry) as file:
            content = file.read(LARGEST + 1)
    except Exception as error:  # whatever a hostile archive leads zipfile to
        raise ValueError(f"it is damaged in the archive ({said(error)})") from error
    if len(content) != entry.file_size:
        raise ValueError("it is damaged in the archive (it has another size than it says)")
    return content


def opened_up(items, left=None, depth=0):
    """Yield the items of a submission, and in place of each archive what is in it."""
    left = iter(range(ARCHIVES)) if left is None else left
    for item in items:
        if item.reason or not item.read or item.suffix != ".zip":
            yield item
        elif depth == NESTED:
            yield replace(item, reason="it is an archive in an archive in an archive")
        elif next(left, None) is None:
            yield replace(item, reason=f"no more than {ARCHIVES} archives are opened")
        else:
            yield from opened_up(_of_archive(item), left, depth + 1)
