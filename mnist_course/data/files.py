"""Files of a dataset: find them, check them by SHA-256, set damaged ones aside, read them."""

import gzip
import hashlib
import math
import os
import struct
import zlib
from pathlib import Path

import numpy as np

from mnist_course import runtime

IDX_OF_BYTES = b"\0\0\x08"  # how an IDX file of unsigned bytes begins
LARGEST = 2**26  # bytes of an unpacked file; MNIST's largest has 47 million


class DataError(runtime.CourseError):
    """A dataset or a record is missing or damaged; the message says what to do."""


def read_idx(path):
    """Read an IDX file of unsigned bytes, compressed (.gz) or not, as a uint8 array.

    Raises DataError when the file is truncated or is something else.
    Source of the format: http://yann.lecun.com/exdb/mnist/
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} can't be read ({error})") from error
    if len(content) < 4 or content[:3] != IDX_OF_BYTES or len(content) < 4 + 4 * content[3]:
        raise DataError(f"{path} is not an IDX file of bytes: it starts with {content[:4]!r}")
    axes = content[3]
    shape = struct.unpack(f">{axes}I", content[4 : 4 + 4 * axes])
    data = np.frombuffer(content, np.uint8, offset=4 + 4 * axes)
    if data.size != math.prod(shape):
        raise DataError(
            f"{path} is truncated or altered: its header promises {math.prod(shape):,} bytes, "
            f"but {data.size:,} follow"
        )
    try:
        return data.reshape(shape)
    except ValueError as error:  # more axes than numpy knows, or a size beyond its whole numbers
        raise DataError(f"{path} has an impossible header: {axes} axes ({error})") from error


def unpack(sources, digests, raw):
    """Fill the folder `raw` with verified files, each from the first folder of `sources` with it.

    digests: SHA-256 of the uncompressed file, by name. Files that are already there with the
    right digest stay. One with a wrong digest is set aside, with a line that says so. A file is
    replaced in one step, so that another notebook that does the same never finds it missing.
    Returns the names that no source could provide.
    """
    missing = []
    for name, digest in digests.items():
        target = raw / name
        found = target.read_bytes() if target.exists() else None
        if found is not None and _digest(found) == digest:
            continue
        content = _first_good(sources, name, digest, target)
        if found is not None:
            aside = _set_aside(target, found)
            print(f"{target} was damaged or is another file: set aside as {aside.name}")
        if content is None:
            target.unlink(missing_ok=True)
            missing.append(name)
        else:
            runtime.write_whole(target, content)
    return missing


def search(folder, digests):
    """Look through a folder and its subfolders for files with these digests, whatever their names.

    Browsers, 7-Zip and Kaggle rename files, so only the content tells what one is. Returns the
    uncompressed contents, by the names in `digests`; without those that were not found.
    """
    wanted = {digest: name for name, digest in digests.items()}
    found: dict[str, bytes] = {}
    for place, _, names in os.walk(folder):
        for name in sorted(names):
            content = _idx_content(Path(place) / name)
            known = wanted.get(_digest(content))
            if known is not None:
                found[known] = content
            if len(found) == len(digests):
                return found
    return found


def _digest(content):
    return hashlib.sha256(content).hexdigest()


def _idx_content(path):
    """The uncompressed bytes of an IDX file, which may be called anything; b"" for other files."""
    if not path.is_file():  # a pipe would be waited for
        return b""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as file:
            start = file.read(len(IDX_OF_BYTES))
            return start + file.read(LARGEST) if start == IDX_OF_BYTES else b""
    except (OSError, EOFError, zlib.error):
        return b""


def _first_good(sources, name, digest, target):
    for folder in sources:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.resolve() == target.resolve() or not path.is_file():
                continue
            content = _idx_content(path)
            if _digest(content) == digest:
                return content
            print(f"{path} is damaged or another file: passed over")
    return None


def _set_aside(path, content):
    """Keep what a damaged or foreign file held under another name beside it, once."""
    for number in range(1, 1000):
        aside = path.with_name(f"{path.name}.damaged-{number}")
        if not aside.exists():
            runtime.write_whole(aside, content)
            return aside
        if aside.is_file() and aside.read_bytes() == content:  # another notebook was faster
            return aside
    raise DataError(f"{path.parent} holds a thousand damaged copies of {path.name}: delete them")
