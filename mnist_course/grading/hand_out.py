"""What a teacher hands out: notebooks without solutions, a page for students, and a note of counts.

The note, `course.json`, says how many cases of each exercise students see and how many they don't
see, never what they are.
"""

import ast
import json
import re
from pathlib import Path

from mnist_course import __version__, runtime
from mnist_course.exercises import EXERCISES, LESSONS
from mnist_course.grading import hand_in, notebooks

PAGE = "README.md"
BEGIN = "### BEGIN SOLUTION"
HOW_TO = """\
# Recognising handwritten digits

This folder holds the lessons {lessons}. Work in these copies, since they are yours.

**Start.** Open a terminal in this folder and type:

```
mnist-course lab --folder .
```

JupyterLab opens. It may put other lessons of the course beside these, which you need not solve.

**Solve.** Each exercise is a function that you complete. The cell under it checks your answer at
once, as often as you like, on the *visible* cases: if one goes wrong, you see its input. {said}

{table}

**Hand in.** Save every notebook (Ctrl-S). Then open a terminal in this folder and type:

```
mnist-course hand-in .
```

This shows what is solved, and makes one file, `hand-in.zip`. Give that file to your teacher. If you
hand in again, the new file gets a number, and the old one stays. In a cell of a notebook the same
works as `!mnist-course hand-in .`, as the end of each lesson says.
"""
HIDDEN = (
    "For the mark, an answer that passes them is tried on *hidden* cases as well, which you never "
    "see: {count} in all. So think of inputs that the check does not try."
)
MAY_BE_HIDDEN = (
    "For the mark, an answer that passes them may be tried on *hidden* cases as well, which you "
    "never see. Your teacher has not said how many there are."
)
NONE_HIDDEN = "The mark depends on these alone, because there are no hidden cases."


def lessons_of(text):
    """The lessons with exercises that a text such as `01-03,05` names, two digits each, in order.

    Raises CourseError for any other text.
    """
    chosen = set()
    for part in text.replace(" ", "").split(","):
        ends = re.fullmatch(r"(\d{1,2})(?:-(\d{1,2}))?", part)
        numbers = range(int(ends[1]), int(ends[2] or ends[1]) + 1) if ends else ()
        names = {f"{number:02}" for number in numbers}
        if not names or not names <= set(LESSONS):
            raise runtime.CourseError(
                f"{part or text!r} names no lessons: type 03, or 01-03, or 01,03. The lessons with "
                f"exercises are {', '.join(LESSONS)}"
            )
        chosen |= names
    return tuple(sorted(chosen))


def files(course, lessons, counts=None):
    """What is handed out: bytes by name.

    course: the folder of the course's notebooks; counts: (visible, hidden) cases by exercise, None
    when nobody has decided on hidden cases yet. Raises CourseError when a lesson is not there, or
    is no longer as the course has it and may hold a solution.
    """
    found: dict[str, bytes] = {}
    exercises = [one for one in EXERCISES.values() if one.lesson in lessons]
    for lesson in lessons:
        paths = sorted(course.glob(f"{lesson}_*.ipynb"))
        if len(paths) != 1:
            raise runtime.CourseError(f"there is no lesson {lesson} in {course}: get it again")
        [path] = paths
        _refuse_solutions(path, [one for one in exercises if one.lesson == lesson])
        found[path.name] = path.read_bytes()
    note = {
        "course": __version__,
        "lessons": list(lessons),
        "exercises": {one.name: _counts(one, counts) for one in exercises},
    }
    found[hand_in.NOTE] = (json.dumps(note, indent=1) + "\n").encode()
    found[PAGE] = _page(lessons, exercises, note["exercises"]).encode()
    return found


def _page(lessons, exercises, counts):
    """The page for students. counts: of each exercise's cases, as the note has them."""
    known = all("hidden" in counts[one.name] for one in exercises)
    hidden = [counts[one.name].get("hidden", 0) for one in exercises]
    said = MAY_BE_HIDDEN
    if known:
        said = HIDDEN.format(count=sum(hidden)) if any(hidden) else NONE_HIDDEN
    rows = ["| exercise | visible cases | hidden cases |", "|---|---|---|"]
    for one, count in zip(exercises, hidden, strict=True):
        visible = counts[one.name]["visible"]
        rows.append(f"| {one.number} {one.title} | {visible} | {count if known else 'not said'} |")
    return HOW_TO.format(lessons=", ".join(lessons), said=said, table="\n".join(rows))


def _counts(exercise, counts):
    """What the note says of an exercise's cases; without "hidden" where that is not known."""
    visible, hidden = (counts or {}).get(exercise.name, (len(exercise.cases), 0))
    return {"visible": visible} if counts is None else {"visible": visible, "hidden": hidden}


def _refuse_solutions(path, exercises):
    """Raises CourseError when a notebook holds more of an exercise than its stub."""
    text = path.read_text(encoding="utf-8")
    cells = notebooks.read(path).cells
    for exercise in exercises:
        function = exercise.reference.__name__
        stubs = [cell for cell in cells if cell.grade_id == exercise.name]
        defining = [node for cell in cells for node in _functions(cell.source, function)]
        if BEGIN in text or len(stubs) != 1 or not defining or not all(map(_is_stub, defining)):
            raise runtime.CourseError(
                f"{path} is not the lesson as the course has it: exercise {exercise.number} may "
                "hold a solution. Get the course again, or make the notebooks again"
            )


def _functions(source, name):
    """The definitions of a function, and assignments to its name, in a cell."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # a cell with one of the notebook's own commands
        if re.search(rf"\b{name}\b\s*[(=]", source):
            yield ast.Pass()
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            yield node
        elif isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store):
            yield node


def _is_stub(node):
    """Whether a definition is a function with a docstring and nothing else."""
    if not isinstance(node, ast.FunctionDef) or len(node.body) != 1:
        return False
    return ast.get_docstring(node) is not None


def write(found, folder):
    """Write what `files` gives into a folder. Returns the paths.

    Raises CourseError when the folder holds anything else, which is left as it is.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise runtime.CourseError(f"{folder} is a file: name a folder with --to")
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    for name in there:
        path = folder / name
        if name not in found or not path.is_file() or path.read_bytes() != found[name]:
            raise runtime.CourseError(
                f"{folder} holds {notebooks.one_line(name, 100)}, which is not what would be "
                "handed out, and nothing is overwritten: name a new folder with --to"
            )
    for name, content in found.items():
        runtime.write_whole(folder / name, content)
    return [folder / name for name in found]
