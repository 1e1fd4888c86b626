"""A student's notebook file: its cells of code, and to which exercises it belongs."""

import json
import os
import re
import stat
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from mnist_course import runtime

LARGEST = 50_000_000  # bytes; a lesson with all its pictures takes five million
CELLS = 5_000  # a lesson has about a hundred
TITLE = re.compile(r"^#\s+(\d\d)\s", re.MULTILINE)  # "# 03 LeNet-5: …"
DEFINES = re.compile(r"^(?:def|class)\s+(\w+)", re.MULTILINE)
CHECK = re.compile(r"""\bcheck\(\s*["']([\w-]+)["']""")


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
    cells: tuple[Cell, ...]  # of code, and those of another type that define a function
    lesson: str  # two digits, by its title or its file name; "" when neither says
    remarks: tuple[str, ...] = ()  # what is unusual about it, in a sentence each


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
            raise ValueError(
                f"it has {status.st_size:,} bytes, and at most {LARGEST:,} are read: clear its "
                "outputs"
            )
        text = path.read_bytes().decode("utf-8-sig")  # Windows may put a mark before it
        if re.search(r"^(<<<<<<<|>>>>>>>) ", text, re.MULTILINE):
            raise ValueError("it holds the marks of a merge (<<<<<<<): choose one of the versions")
        notebook = json.loads(text)
        if type(notebook) is not dict or type(notebook.get("nbformat")) is not int:
            raise ValueError("it is no notebook")
        if notebook["nbformat"] < 4:
            notebook = _upgraded(text)
        return _notebook(path, notebook)
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


def _notebook(path, notebook):
    """The `Notebook` of a file's content. Raises what a damaged one leads to."""
    found = notebook["cells"]
    if len(found) > CELLS:
        raise ValueError(f"it has {len(found):,} cells, and at most {CELLS:,} are read")
    remarks, cells, prose = [], [], []
    for cell in found:
        text = _text(cell["source"])
        if cell["cell_type"] == "code":
            cells.append(_cell(cell, text))
        elif (names := _defined(text)) and "```" not in text:  # no example in prose
            cells.append(_cell(cell, text))  # its type was changed, by a slip of the keyboard
            name = one_line(min(names), 40)
            remarks.append(f"the cell that defines {name} is no cell of code, but was read as one")
        else:
            prose.append(text)
    language = _kernel(notebook)
    if language not in ("", "python"):
        remarks.append(f"it was saved with a kernel for {one_line(language, 40)}")
    return Notebook(path, tuple(cells), _lesson(path, prose), tuple(remarks))


def _kernel(notebook):
    """The language of the kernel that it was saved with, in small letters; "" when not said."""
    kernel = _dict(_dict(notebook.get("metadata")).get("kernelspec"))
    return str(kernel.get("language") or "").lower()


def _dict(value):
    return value if isinstance(value, dict) else {}


def _defined(source):
    """The names of the functions and classes that a text defines.

    It is not parsed as Python: that may take a whole process with it, and this one has no limits.
    """
    return set(DEFINES.findall(source))


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


def _cell(cell, text):
    nbgrader = _dict(_dict(cell.get("metadata")).get("nbgrader"))
    return Cell(text, str(cell.get("id")), str(nbgrader.get("grade_id")))


def _lesson(path, prose):
    """The lesson's number by the title in its prose, else by the name of the file."""
    for text in prose:
        if title := TITLE.search(text):
            return title[1]
    number = re.search(r"(?<!\d)(\d\d)_[a-z]", path.name)
    return number[1] if number else ""


def exercises_of(notebook, exercises):
    """Those of the exercises, by name, that the notebook belongs to.

    It is known by its grade ids and cell ids, whatever the file is called. Where both were lost, by
    the functions that it defines and the checks that it calls; where these were lost, too, by its
    lesson.
    """
    lessons = {exercises[name].lesson for name in _ids(notebook) & exercises.keys()}
    lessons = lessons or _lessons_by_names(notebook, exercises) or {notebook.lesson}
    return [name for name, one in exercises.items() if one.lesson in lessons]


def _ids(notebook):
    return {cell.grade_id for cell in notebook.cells} | {cell.id for cell in notebook.cells}


def _lessons_by_names(notebook, exercises):
    count = Counter(one.reference.__name__ for one in exercises.values())
    defined = {name for cell in notebook.cells for name in _defined(cell.source)}
    defined -= {name for name in defined if count[name] > 1}  # these say nothing of the lesson
    checked = {name for cell in notebook.cells for name in CHECK.findall(cell.source)}
    return {
        one.lesson
        for name, one in exercises.items()
        if name in checked or one.reference.__name__ in defined
    }


def one_line(text, length=300):
    """A text of anybody's as one line that a terminal can show: no control characters, not long."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * length]).split())
    return line if len(line) <= length else line[: length - 2] + " …"
