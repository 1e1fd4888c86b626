"""Make notebooks/ from lessons/: `make notebooks`.

    python scripts/make_notebooks.py          every lesson
    python scripts/make_notebooks.py 03 05    these lessons

A lesson is a text file (py:percent). Its prose quotes results by marks such as
`{{residual.rows.residual.mean | .2%}}`, which are filled in from mnist_course/results/ here.
Outputs are stored in cells with `# NBVAL_CHECK_OUTPUT` alone. They come from a run in quick
mode, in which these cells print the same as in a full one; a lesson whose code has not changed
is not run again.
"""

import hashlib
import os
import re
import sys
import tempfile
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

from mnist_course import results, runtime

ROOT = Path(__file__).parent.parent
LESSONS = ROOT / "lessons"
NOTEBOOKS = ROOT / "notebooks"
CHECKED = "# NBVAL_CHECK_OUTPUT"
MARK = re.compile(r"\{\{\s*([\w.-]+)\s*(?:\|\s*(\S+?)\s*)?\}\}")


def quoted(mark):
    """The text that a mark stands for: the stored value, formatted."""
    topic, *keys = mark[1].split(".")
    value = results.load(topic)
    for key in keys:
        value = value[key]
    return format(value, mark[2] or "")


def build(lesson):
    """The notebook of a lesson file, without outputs."""
    notebook = jupytext.read(lesson)
    seen = {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = MARK.sub(quoted, cell.source)
        else:
            cell.outputs, cell.execution_count = [], None
        cell.metadata = {}
        # The same cell keeps its id when others come and go.
        digest = hashlib.sha256(cell.source.encode()).hexdigest()[:12]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
    notebook.metadata = {
        "kernelspec": {
            "display_name": "Python 3 (ipykernel)",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
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
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.id in outputs:
            cell.outputs = outputs[cell.id]
            cell.execution_count = number  # nbval takes a cell without a number for one not run
    nbformat.validate(notebook)
    runtime.write_whole(path, (nbformat.writes(notebook) + "\n").encode())
    print(path.relative_to(ROOT))


def main(chosen):
    lessons = sorted(LESSONS.glob("*.py"))
    for lesson in lessons:
        if not chosen or lesson.stem[:2] in chosen:
            make(lesson)


if __name__ == "__main__":
    main(sys.argv[1:])
