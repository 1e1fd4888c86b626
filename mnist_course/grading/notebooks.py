"""A student's notebook file: its cells of code, and to which exercises it belongs."""

import json
import os
import re
import stat
import warnings
from dataclasses import dataclass
from pathlib import Path

from mnist_course import runtime

LARGEST = 100_000_000  # bytes; a lesson with all its pictures takes five million
TITLE = re.compile(r"^#\s+(\d\d)\s", re.MULTILINE)  # "# 03 LeNet-5: …"


@dataclass(frozen=True)
class Cell:
    """A cell of code, and the two ids by which an answer is found again."""

    source: str
    id: str
    grade_id: str


@dataclass(frozen=True)
class Notebook:
    """What is read of a notebook file."""

    path: Path
    cells: tuple[Cell, ...]  # of code
    lesson: str  # two digits, by its title or its file name; "" when neither says


def find(folder):
    """Paths of all notebooks in a folder and the folders inside it, in order."""
    paths = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths += [Path(parent) / name for name in sorted(names) if name.endswith(".ipynb")]
    return paths


def read(path):
    """The `Notebook` in a file. Raises CourseError, with the reason, for one that can't be read."""
    path = Path(path)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("it is no ordinary file")
        if status.st_size > LARGEST:
            raise ValueError(f"it has {status.st_size:,} bytes; at most {LARGEST:,} are read")
        text = path.read_bytes().decode("utf-8-sig")  # Windows may put a mark before it
        if re.search(r"^(<<<<<<<|>>>>>>>) ", text, re.MULTILINE):
            raise ValueError("it holds the marks of a merge (<<<<<<<): choose one of the versions")
        notebook = json.loads(text)
        if type(notebook) is not dict or type(notebook.get("nbformat")) is not int:
            raise ValueError("it is no notebook")
        if notebook["nbformat"] < 4:
            notebook = _upgraded(text)
        cells = tuple(_cell(cell) for cell in notebook["cells"] if cell["cell_type"] == "code")
        prose = [
            _text(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown"
        ]
        return Notebook(path, cells, _lesson(path, prose))
    except UnicodeDecodeError:
        reason = "it is not in UTF-8"
    except json.JSONDecodeError as error:
        reason = f"line {error.lineno} is no JSON ({error.msg})"
    except (ValueError, OSError) as error:
        reason = str(error)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = f"it is damaged ({type(error).__name__}: {error})"
    raise runtime.CourseError(
        f"{path.name} can't be read: {one_line(reason)}. Open it in JupyterLab, save it, and try "
        "again"
    )


def _upgraded(text):
    """A notebook of an older format in today's. Raises ValueError when that fails."""
    import nbformat  # it takes a moment to import

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # cells had no ids then
            return nbformat.reads(text, as_version=4)
    except Exception as error:  # whatever a damaged file leads it to
        raise ValueError(f"its old format can't be brought up to date ({error})") from error


def _text(source):
    """A cell's source, which is stored as a text or as a list of lines."""
    return source if type(source) is str else "".join(source)


def _cell(cell):
    metadata = cell.get("metadata", {}).get("nbgrader", {})
    return Cell(_text(cell["source"]), str(cell.get("id")), str(metadata.get("grade_id")))


def _lesson(path, prose):
    """The lesson's number by the title in its prose, else by the name of the file."""
    for text in prose:
        if title := TITLE.search(text):
            return title[1]
    number = re.search(r"(?<!\d)(\d\d)_[a-z]", path.name)
    return number[1] if number else ""


def exercises_of(notebook, exercises):
    """Those of the exercises, by name, that the notebook belongs to.

    It is known by its grade ids and cell ids, whatever the file is called; where both were lost,
    by its lesson.
    """
    ids = {cell.grade_id for cell in notebook.cells} | {cell.id for cell in notebook.cells}
    lessons = {exercises[name].lesson for name in ids & exercises.keys()} or {notebook.lesson}
    return [name for name, one in exercises.items() if one.lesson in lessons]


def one_line(text, length=300):
    """A text of anybody's as one line that a terminal can show: no control characters, not long."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * length]).split())
    return line if len(line) <= length else line[: length - 2] + " …"
