"""Make notebooks/ from lessons/: `make notebooks`, or solved ones in solutions/: `make solutions`.

    python scripts/make_notebooks.py               every lesson
    python scripts/make_notebooks.py 03 05         these lessons
    python scripts/make_notebooks.py --solved 03   with solutions, in solutions/

A lesson is a text file (py:percent). Its prose quotes results by marks such as
`{{residual.rows.residual.mean | .2%}}`, which are filled in from mnist_course/results/ here.
Outputs are stored in cells with `# NBVAL_CHECK_OUTPUT` alone. They come from a run in quick
mode, in which these cells print the same as in a full one; a lesson whose code has not changed
is not run again.

An exercise is two cells: an answer, in which the solution stands between BEGIN and END, and its
check, `check("its-name", ...)`. Students get the answer without the lines from BEGIN to END.
Both cells carry nbgrader's metadata, and ids made from the exercise's name.

A heading ends with an id, `## 7. Pooling {#pooling}`, by which links and hints name it, so that a
section can be renamed or moved. `[windows](#pooling)` is a link, and `[](#pooling)` one that says
the section's number. What the hints need of headings and exercises goes into contents.json.

Every lesson ends with the same words on handing in, which stand here.
"""

import hashlib
import json
import os
import re
import sys
import tempfile
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

from mnist_course import results, runtime
from mnist_course.assessment import display

ROOT = Path(__file__).parent.parent
LESSONS = ROOT / "lessons"
NOTEBOOKS = ROOT / "notebooks"
SOLUTIONS = ROOT / "solutions"
CONTENTS = ROOT / "mnist_course" / "exercises" / "contents.json"
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
CHECK = re.compile(r'^check\("([\w-]+)"', re.MULTILINE)
CHECKED = "# NBVAL_CHECK_OUTPUT"
HEADING = re.compile(r"^(##+) (.+?) \{#([\w-]+)\}$", re.MULTILINE)
HAND_IN = """\
## Hand in

If your teacher collects your work, you can hand it in from here. Type this line into a new cell,
then save the notebook (Ctrl-S), and only then run the cell, because what is not saved can't be
handed in:

```
!mnist-course hand-in .
```

First you read what is solved in each notebook of this folder. Then one file is made of them,
`hand-in.zip`, which lies beside this notebook. Give it to your teacher. On a class's server it goes
there by itself. You may hand in as often as you like."""
EXERCISE = re.compile(r"^### Exercise (\d\d\.\d): (.+)$", re.MULTILINE)


def without_solution(source):
    """A cell's source without the lines from BEGIN to END. Raises ValueError for a mark alone."""
    kept, inside = [], False
    for line in source.splitlines():
        mark = line.strip()
        if mark in (BEGIN, END):
            if inside == (mark == BEGIN):
                raise ValueError(f"{mark} without its partner in:\n{source}")
            inside = not inside
        elif not inside:
            kept.append(line)
    if inside:
        raise ValueError(f"{BEGIN} without its partner in:\n{source}")
    return "\n".join(kept).rstrip()


def sections(cells):
    """The headings of a lesson by id. Raises ValueError for an id that stands twice."""
    found = {}
    for cell in cells:
        for heading in HEADING.finditer(cell.source if cell.cell_type == "markdown" else ""):
            if heading[3] in found:
                raise ValueError(f"the id {heading[3]} stands twice")
            found[heading[3]] = heading[2]
    return found


def contents(lessons):
    """What the exercises take from the lessons: headings by id; number, title and section."""
    headings, places = {}, {}
    for lesson in lessons:
        cells = jupytext.read(lesson).cells
        headings[lesson.stem[:2]] = sections(cells)
        answers = {answer.source: name for name, answer, _ in exercise_cells(cells)}
        section = named = None
        for cell in cells:
            if cell.source in answers:
                place = {"number": named[1], "title": named[2], "section": section}
                places[answers[cell.source]] = place
            elif cell.cell_type == "markdown":
                named = EXERCISE.search(cell.source) or named
                for heading in HEADING.finditer(cell.source):
                    section = heading[3] if heading[1] == "##" else section
    return {"exercises": places, "sections": headings}


def linked(source, headings):
    """Prose with its ids resolved: headings without them, links to where JupyterLab jumps.

    Raises KeyError for a link to an id that is not there.
    """
    source = HEADING.sub(r"\1 \2", source)
    return display.LINK.sub(
        lambda link: f"[{display.term(link, headings)}](#{display.anchor(headings[link[2]])})",
        source,
    )


def exercise_cells(cells):
    """Yield (name, answer cell, check cell) for each exercise among the cells of a lesson.

    Raises ValueError for an answer without a check after it, and for a check without an answer.
    """
    answer = None
    for cell in cells:
        found = CHECK.search(cell.source) if cell.cell_type == "code" else None
        if found and answer is None:
            raise ValueError(f"no answer stands before:\n{cell.source}")
        if found:
            yield found[1], answer, cell
            answer = None
        elif BEGIN in cell.source:
            if answer is not None:
                raise ValueError(f"no check stands after:\n{answer.source}")
            answer = cell
    if answer is not None:
        raise ValueError(f"no check stands after:\n{answer.source}")


def label(cell, name, **nbgrader):
    """Give a cell of an exercise its id, and nbgrader's metadata, schema 3."""
    cell.id = name
    # what nbgrader calls locked is a cell that JupyterLab lets nobody edit or delete
    cell.metadata = {"deletable": False, "editable": not nbgrader["locked"]}
    cell.metadata["nbgrader"] = {"schema_version": 3, "task": False, "grade_id": name, **nbgrader}


def build(lesson, solved=False):
    """The notebook of a lesson file, without outputs; without solutions too, unless `solved`.

    Raises ValueError for an exercise that lacks a part, and KeyError for one without a check.
    """
    # imported only now, because it reads contents.json, which `main` writes first
    from mnist_course.exercises import EXERCISES

    notebook = jupytext.read(lesson)
    headings = sections(notebook.cells)
    seen = {}
    notebook.cells.append(nbformat.v4.new_markdown_cell(HAND_IN))
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = linked(results.fill(cell.source), headings)
        else:
            cell.outputs, cell.execution_count = [], None
        cell.metadata = {}
        # The same cell keeps its id when others come and go.
        digest = hashlib.sha256(cell.source.encode()).hexdigest()[:12]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
    for name, answer, check in exercise_cells(notebook.cells):
        label(answer, name, grade=False, solution=True, locked=False)
        points = EXERCISES[name].points
        label(check, f"check-{name}", grade=True, solution=False, locked=True, points=points)
        if not solved:
            answer.source = without_solution(answer.source)
    notebook.metadata = {
        "kernelspec": {
            "display_name": "Python 3 (ipykernel)",
            "language": "python",
            "name": "python3",
        },
        # what a kernel would write; nbconvert takes a script's ending and colours from it
        "language_info": {
            "name": "python",
            "file_extension": ".py",
            "mimetype": "text/x-python",
            "pygments_lexer": "ipython3",
        },
    }
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def checked_outputs(notebook):
    """What the checked cells of a notebook print, by cell id."""
    return {
        cell.id: cell.outputs
        for cell in notebook.cells
        if cell.cell_type == "code" and CHECKED in cell.source
    }


def code(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def make(lesson):
    """Write the notebook of a lesson, with the outputs of its checked cells."""
    notebook = build(lesson)
    path = NOTEBOOKS / f"{lesson.stem}.ipynb"
    existing = nbformat.read(path, as_version=4) if path.exists() else None
    if existing and code(existing) == code(notebook):
        outputs = checked_outputs(existing)
    else:
        print(f"running {lesson.stem} in quick mode", flush=True)
        ran = nbformat.from_dict(notebook)
        os.environ["MNIST_COURSE_QUICK"] = "1"
        with tempfile.TemporaryDirectory() as folder:
            NotebookClient(ran, timeout=600, resources={"metadata": {"path": folder}}).execute()
        outputs = checked_outputs(ran)
    write(notebook, outputs, path)


def make_solved(lesson, folder=SOLUTIONS):
    """Write the solved notebook of a lesson; its checked cells print what the student's print."""
    student = nbformat.read(NOTEBOOKS / f"{lesson.stem}.ipynb", as_version=4)
    path = folder / f"{lesson.stem}.ipynb"
    write(build(lesson, solved=True), checked_outputs(student), path)


def write(notebook, outputs, path):
    """Write a notebook with these outputs, by cell id."""
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.id in outputs:
            cell.outputs = outputs[cell.id]
            cell.execution_count = number  # nbval takes a cell without a number for one not run
    nbformat.validate(notebook)
    runtime.write_whole(path, (nbformat.writes(notebook) + "\n").encode())
    print(path)


def main(arguments):
    solved = "--solved" in arguments
    chosen = [argument for argument in arguments if argument != "--solved"]
    lessons = sorted(LESSONS.glob("*.py"))
    table = json.dumps(contents(lessons), indent=1, ensure_ascii=False) + "\n"
    runtime.write_whole(CONTENTS, table.encode())
    for lesson in lessons:
        if not chosen or lesson.stem[:2] in chosen:
            make_solved(lesson) if solved else make(lesson)


if __name__ == "__main__":
    main(sys.argv[1:])
