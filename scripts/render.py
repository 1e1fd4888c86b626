"""Render the lessons to web pages with outputs, in site/: `make site`.

    python scripts/render.py            every lesson
    python scripts/render.py 03 05      these lessons

Each notebook is run from its first cell to its last, in full mode unless MNIST_COURSE_QUICK is
set, in a temporary folder: no file of a student is touched. The pages need no network, no
JavaScript and no files but themselves.
"""

import html
import re
import sys
import tempfile
from pathlib import Path
from string import Template

import nbformat
from bs4 import BeautifulSoup
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert import HTMLExporter
from pygments.formatters import HtmlFormatter

from mnist_course import runtime

ROOT = Path(__file__).parent.parent
NOTEBOOKS = ROOT / "notebooks"
SITE = ROOT / "site"
SECONDS_FOR_A_CELL = 1800
WIDGET = "application/vnd.jupyter.widget-view+json"
PAGE = Template((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))
ERRORS = (CellExecutionError, CellTimeoutError, DeadKernelError)
# what scrolls sideways where it is wider than the page, and what a screen reader calls it
SCROLLING = {".input_area pre": "Code", ".text_cell pre": "Code", ".output_area": "Output",
             ".text_cell table": "Table"}  # fmt: skip


class RenderError(Exception):
    """A lesson can't be rendered; the message is a sentence that names lesson and cell."""


def execute(notebook, name, folder):
    """Run every cell of a notebook in a folder; outputs go into the notebook.

    Raises RenderError, which names the cell, when one fails, hangs or ends its kernel.
    """
    client = NotebookClient(
        notebook, timeout=SECONDS_FOR_A_CELL, resources={"metadata": {"path": str(folder)}}
    )
    with client.setup_kernel():
        for index, cell in enumerate(notebook.cells):
            try:
                client.execute_cell(cell, index)
            except ERRORS as error:
                reason = f"{error.ename}: {error.evalue}" if hasattr(error, "ename") else error
                raise RenderError(
                    f"{name}: cell {index + 1} of {len(notebook.cells)}, which begins "
                    f'"{first_line(cell)}", fails with {reason}'
                ) from error


def first_line(cell):
    """The first line of code of a cell, without comments."""
    lines = [line.strip() for line in cell.source.splitlines()]
    return next((line for line in lines if line and not line.startswith("#")), "")


def title(notebook):
    """The lesson's heading, the first line of its first cell."""
    return notebook.cells[0].source.splitlines()[0].removeprefix("# ")


def minutes(notebook):
    """The running time from the table in a lesson's first cell."""
    found = re.search(r"\*\*Running time\*\* *\| *(.+?) *\|", notebook.cells[0].source)
    return found[1] if found else ""


def replace_widgets(notebook):
    """A page can't move a slider: show the still picture that a widget brings, and say so."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if WIDGET in output.get("data", {}):
                note = "<p><em>Something to move: open this lesson in JupyterLab.</em></p>"
                still = output.data.get("text/html", "")
                output.data = nbformat.from_dict({"text/html": still + note})


def page(heading, body, links=""):
    """A whole HTML page, with the links to other pages above and below."""
    above, below = (
        f'<nav aria-label="Lessons, {place}">\n{links}\n</nav>' if links else ""
        for place in ("above", "below")
    )
    return PAGE.substitute(
        title=html.escape(heading),
        colours=HtmlFormatter(style="default").get_style_defs(".highlight"),
        above=above,
        below=below,
        body=body,
    )


def links(before, after):
    """A page's links. before, after: (file, title) of the lessons on both sides, or None."""
    items = ['<a href="index.html">All lessons</a>']
    if before:
        items.insert(0, f'<a href="{before[0]}" rel="prev">← {html.escape(before[1])}</a>')
    if after:
        items.append(f'<a href="{after[0]}" rel="next">{html.escape(after[1])} →</a>')
    return "\n".join(items)


def name_heads(table):
    """Say which cells of a table are heads. Markdown can't leave out a head row, only its words."""
    for head in table.select("thead th"):
        head["scope"] = "col"
    if not table.select("thead th:not(:empty)"):
        table.thead.extract()
        for cell in table.select("tr > td:first-child"):
            cell.name = "th"
            cell["scope"] = "row"
    for head in table.select('th:-soup-contains("中文")'):
        column = len(head.find_previous_siblings()) + 1
        for cell in table.select(f"tr > :nth-child({column})"):
            cell["lang"] = "zh"  # else it would be read out, and hyphenated, as English


def lesson_body(notebook):
    """The cells of a notebook as HTML; links to other notebooks lead to their pages."""
    exporter = HTMLExporter(
        template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True
    )
    body, _ = exporter.from_notebook_node(notebook)
    soup = BeautifulSoup(body, "html.parser")
    for table in soup.select(".text_cell table"):
        name_heads(table)
    for selector, name in SCROLLING.items():
        for region in soup.select(selector):
            if region.name == "table":  # a table can't scroll, but what is around it can
                region = region.wrap(soup.new_tag("div", attrs={"class": "wide"}))
            # Safari lets no keyboard into what scrolls unless it is told to
            region.attrs |= {"tabindex": "0", "role": "group", "aria-label": name}
    return re.sub(r'href="([\w.-]+)\.ipynb(["#])', r'href="\1.html\2', str(soup))


def index_body(lessons):
    """The list of lessons. lessons: a dict from file name to notebook."""
    items = "\n".join(
        f'<li><a href="{file}">{html.escape(title(notebook))}</a>'
        f"<br><small>{html.escape(minutes(notebook))}</small></li>"
        for file, notebook in lessons.items()
    )
    versions = runtime.versions()
    made = f"Made with Python {versions['python']} and torch {versions['torch']}"
    if runtime.quick():
        made += ", in quick mode: few images and steps, so the figures mean little"
    return f"""<h1>Recognising handwritten digits</h1>
<p>These are the lessons of the course with all their outputs, to read. To change code, move
sliders and solve exercises, open them in JupyterLab.</p>
<ul class="lessons">
{items}
</ul>
<p><small>{made}.</small></p>
"""


def render(paths, site):
    """Run the notebooks and write a page for each, and index.html, into the folder `site`.

    Raises RenderError when a cell fails; then no page is written.
    """
    lessons = {f"{path.stem}.html": nbformat.read(path, as_version=4) for path in paths}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "my-lessons"  # one for all: a lesson may load what another saved
        work.mkdir()
        for file, notebook in lessons.items():
            print(f"running {title(notebook)}", flush=True)
            execute(notebook, Path(file).stem, work)
            replace_widgets(notebook)
    around = [None, *((file, title(notebook)) for file, notebook in lessons.items()), None]
    pages = {"index.html": page("Recognising handwritten digits", index_body(lessons))}
    for number, (file, notebook) in enumerate(lessons.items()):
        beside = links(around[number], around[number + 2])
        pages[file] = page(title(notebook), lesson_body(notebook), beside)
    for file, content in pages.items():
        runtime.write_whole(site / file, content.encode())
        print(site / file)


def main(chosen):
    paths = [p for p in sorted(NOTEBOOKS.glob("*.ipynb")) if not chosen or p.name[:2] in chosen]
    if not paths:
        return f"There are no such lessons in {NOTEBOOKS}: make them with make notebooks."
    try:
        render(paths, SITE)
    except RenderError as error:
        return str(error)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
