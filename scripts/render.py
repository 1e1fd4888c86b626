"""Render the lessons to web pages with outputs, in site/: `make site`.

    python scripts/render.py            every lesson
    python scripts/render.py 03 05      these lessons

Each notebook is run from its first cell to its last, in full mode unless MNIST_COURSE_QUICK is
set, in a temporary folder: no file of a student is touched. The pages need no network and no files
but themselves. An explorer that computes in the page works there, too; of the others the page shows
a still picture, and so it does where JavaScript is off.
"""

import html
import json
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from string import Template

import anywidget
import nbformat
from bs4 import BeautifulSoup
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert import HTMLExporter
from pygments.formatters import HtmlFormatter
from pygments.style import Style
from pygments.token import Comment, Keyword, Literal, Name, Operator

from mnist_course import runtime, web
from mnist_course.widgets.network import NetworkExplorer, ShiftExplorer
from mnist_course.widgets.occlusion import Contest, OcclusionExplorer

HERE = Path(__file__).parent
ROOT = HERE.parent
NOTEBOOKS = ROOT / "notebooks"
SITE = ROOT / "site"
COURSE = "Recognising handwritten digits"
SECONDS_FOR_A_CELL = 1800
WIDGET = "application/vnd.jupyter.widget-view+json"
STATES = "application/vnd.jupyter.widget-state+json"
LIVE = {
    f"{kind.__module__}.{kind.__name__}": kind
    for kind in (NetworkExplorer, ShiftExplorer, OcclusionExplorer, Contest)
}
PAGE = Template((HERE / "page.html").read_text(encoding="utf-8"))
ERRORS = (CellExecutionError, CellTimeoutError, DeadKernelError)
# what scrolls sideways where it is wider than the page, and what a screen reader calls it
SCROLLING = {".input_area pre": "Code", ".text_cell pre": "Code", ".output_area": "Output",
             ".text_cell table": "Table"}  # fmt: skip
STILL = (
    '<div class="still">{picture}<p class="note">To move it, open this lesson in JupyterLab: '
    "<code>make lab</code>.</p></div>"
)
# A page loads no file, so the explorer's code, its network and its digits stand in the page itself.
EXPLORER = """<div class="live" id="{place}"></div>
<div class="still">{picture}</div>
<script type="module">
{code}
const model = new Map(Object.entries({given}));
model.save_changes = () => {{}}; // no kernel waits for what is changed
render({{ model, el: document.getElementById("{place}") }});
</script>
"""


class LightCode(Style):
    """Colours of code on a light page, the counterparts of Pygments' own style "github-dark".

    Each can be read on the panel of the code (`--mc-surface`): 4.5 : 1 or more.
    """

    styles = {
        Comment: "italic #59636e",
        Keyword: "#b31d28",
        Keyword.Constant: "#0550ae",
        Literal: "#0a4fa8",
        Name.Class: "bold #953800",
        Name.Decorator: "bold #6f42c1",
        Name.Exception: "bold #953800",
        Name.Function: "bold #6f42c1",
        Operator: "#b31d28",
    }


class RenderError(Exception):
    """A lesson can't be rendered; the message is a sentence that names lesson and cell."""


@dataclass
class Lesson:
    """A lesson as HTML, ready for its page.

    file: the page's name; facts: the table in its first cell, from the head of a row to what it
    says as HTML; sections: pairs of id and heading; explorer: HTML of the network that the list of
    lessons shows, or "".
    """

    file: str
    title: str
    facts: dict
    sections: list
    body: str
    explorer: str = ""


def execute(notebook, name, folder):
    """Run every cell of a notebook in a folder; outputs go into the notebook.

    Raises RenderError, which names the cell, when one fails, hangs or ends its kernel.
    """
    client = NotebookClient(
        notebook,
        timeout=SECONDS_FOR_A_CELL,
        resources={"metadata": {"path": str(folder)}},
        coalesce_streams=True,  # lines of one table stay together, as in JupyterLab
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
        client.set_widgets_metadata()


def first_line(cell):
    """The first line of code of a cell, without comments."""
    lines = [line.strip() for line in cell.source.splitlines()]
    return next((line for line in lines if line and not line.startswith("#")), "")


def title(notebook):
    """The lesson's heading, the first line of its first cell."""
    return notebook.cells[0].source.splitlines()[0].removeprefix("# ")


def replace_widgets(notebook):
    """Replace widgets, which need a kernel, by what a page can show.

    That is the explorer itself where it computes in the page, and a still picture elsewhere.
    Returns the explorers of networks, as HTML.
    """
    states = notebook.metadata.pop("widgets", {}).get(STATES, {}).get("state", {})
    networks, count = [], 0
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if WIDGET not in output.get("data", {}):
                continue
            picture = output.data.get("text/html", "")
            saved = states.get(output.data[WIDGET]["model_id"], {})
            kind = LIVE.get(saved.get("state", {}).get("_anywidget_id"))
            if kind:
                count += 1
                shown = live(kind, saved, picture, count)
            else:
                shown = STILL.format(picture=picture)
            if kind is NetworkExplorer:
                networks.append(shown)
            output.data = nbformat.from_dict({"text/html": shown})
    return networks


def live(kind, saved, picture, number):
    """An explorer that computes in the page, as HTML, above the picture that stands in for it.

    saved: its state as the notebook format keeps it: values, and bytes in base64 beside them.
    number: of the explorer on its page. A screen reader lists the explorers by their titles, so
    the title contains it.
    """
    every = set(kind.class_trait_names(sync=True))
    names = every - set(anywidget.AnyWidget.class_trait_names(sync=True))
    given = {name: saved["state"].get(name) for name in sorted(names)}
    for buffer in saved.get("buffers", ()):
        name, *places = buffer["path"]
        if places:
            given[name][places[0]] = buffer["data"]
        else:
            given[name] = buffer["data"]
    given["title"] += f" (explorer {number})"
    # "</script>" in a text would end the script
    data = json.dumps(given, ensure_ascii=False).replace("<", "\\u003c")
    place = f"explorer-{number}"
    return EXPLORER.format(place=place, picture=picture, code=kind._esm, given=data)


def styles():
    """The CSS of every page: the course's colours and explorers, the code's colours, the page."""
    light, dark = (
        HtmlFormatter(style=style, nobackground=True).get_style_defs(".highlight")
        for style in (LightCode, "github-dark")
    )
    code = f"{light}\n@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}\n"
    page = (HERE / "page.css").read_text(encoding="utf-8")
    return web.styles("theme.css", "network.css", "errors.css") + code + page


def page(heading, body, contents="", neighbours="", description=""):
    """A whole HTML page, with the contents at its side and the links to other lessons below."""
    return PAGE.substitute(
        course=COURSE,
        title=html.escape(heading),
        description=html.escape(description or heading),
        styles=styles(),
        script=(HERE / "page.js").read_text(encoding="utf-8"),
        kind="with-side" if contents else "",
        contents=contents,
        neighbours=neighbours,
        body=body,
    )


def contents(lessons, current):
    """The list of lessons, with the sections of the current one below it, for a page's side."""
    items = []
    for lesson in lessons:
        here, below = "", ""
        if lesson is current:
            here = ' aria-current="page"'
            sections = "\n".join(
                f'<li><a href="#{html.escape(place)}">{heading}</a></li>'
                for place, heading in lesson.sections
            )
            below = f"\n<ul>\n{sections}\n</ul>" if sections else ""
        items.append(
            f'<li><a href="{lesson.file}"{here}>{html.escape(lesson.title)}</a>{below}</li>'
        )
    listed = "\n".join(items)
    return (
        '<nav class="side" aria-label="Lessons and sections">\n<details open>'
        f"<summary>Contents</summary>\n<ul>\n{listed}\n</ul>\n</details>\n</nav>"
    )


def neighbours(before, after):
    """Links to the lessons on both sides, each a `Lesson` or None, and to the list of all."""
    items = ['<a href="index.html">All lessons</a>']
    if before:
        items.insert(0, f'<a href="{before.file}" rel="prev">← {html.escape(before.title)}</a>')
    if after:
        items.append(f'<a href="{after.file}" rel="next">{html.escape(after.title)} →</a>')
    links = "\n".join(items)
    return f'<nav class="neighbours" aria-label="Neighbouring lessons">\n{links}\n</nav>'


def name_heads(table):
    """Say which cells of a table are heads. Markdown can't leave out a head row, only its words."""
    for head in table.select("thead th"):
        head["scope"] = "col"
    if table.select("thead th:first-child:empty"):  # then the first column names the rows
        for cell in table.select("tr > td:first-child"):
            cell.name = "th"
            cell["scope"] = "row"
    if not table.select("thead th:not(:empty)"):
        table.thead.extract()
    for corner in table.select("thead th:empty"):  # it is no head of anything
        corner.name = "td"
        del corner["scope"]
    for head in table.select('th:-soup-contains("中文")'):
        column = len(head.find_previous_siblings()) + 1
        for cell in table.select(f"tr > :nth-child({column})"):
            cell["lang"] = "zh"  # else it would be read out, and hyphenated, as English


def lesson_page(notebook):
    """The cells of a notebook as HTML, parsed; links to other notebooks lead to their pages."""
    exporter = HTMLExporter(
        template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True
    )
    body, _ = exporter.from_notebook_node(notebook)
    soup = BeautifulSoup(body, "html.parser")
    for mark in soup.select(".anchor-link"):
        mark.extract()
    for table in soup.select(".text_cell table"):
        name_heads(table)
    for selector, name in SCROLLING.items():
        for region in soup.select(selector):
            if region.name == "table":  # a table can't scroll, but what is around it can
                region = region.wrap(soup.new_tag("div", attrs={"class": "wide"}))
            # Safari lets no keyboard into what scrolls unless it is told to
            region.attrs |= {"tabindex": "0", "role": "group", "aria-label": name}
    for link in soup.select("a[href]"):
        link["href"] = re.sub(r"^([\w.-]+)\.ipynb(?=#|$)", r"\1.html", link["href"])
    return soup


def make_lesson(file, notebook):
    """A `Lesson` of a notebook that was run."""
    networks = replace_widgets(notebook)
    for cell in notebook.cells:  # a mark for the tests, of no use to a reader
        cell.source = cell.source.removeprefix("# NBVAL_CHECK_OUTPUT\n")
    soup = lesson_page(notebook)
    table = soup.select_one("table")
    rows = table.select("tr") if table else []
    return Lesson(
        file=file,
        title=title(notebook),
        facts={row.th.get_text(): row.td.decode_contents() for row in rows if row.th and row.td},
        sections=[(head["id"], head.decode_contents()) for head in soup.select("h2[id]")],
        body=str(soup),
        explorer=networks[-1] if networks else "",
    )


def index_body(lessons):
    """The list of lessons, each with what one learns and how long it takes."""
    items = "\n".join(
        f'<li><h2><a href="{lesson.file}">{html.escape(lesson.title)}</a></h2>{facts(lesson)}</li>'
        for lesson in lessons
    )
    versions = runtime.versions()
    made = f"Made with Python {versions['python']} and torch {versions['torch']}"
    if runtime.quick():
        made += ", in quick mode: few images and steps, so the figures mean little"
    # the first network that the course trains
    network = next((lesson.explorer for lesson in lessons if lesson.explorer), "")
    if network:
        network = (
            "<h2>Look into a network</h2>\n<p>This is a network from the lessons, and your browser "
            "computes it. Move the digit or draw your own, and every number on its way to the "
            "answer follows.</p>\n"
            f'<div tabindex="0" role="group" aria-label="A network" class="wide">{network}</div>'
        )
    return f"""<h1>{COURSE}</h1>
<p>A course in notebooks. It begins with the bytes of an image file, and lesson by lesson it comes
to networks that read handwritten digits. You need to know some Python, and nothing about neural
networks.</p>
<p>These pages are for reading: they show each lesson with everything that its cells printed and
drew. To change code, move every slider and have your exercises checked, open the lessons in
JupyterLab, which <code>make lab</code> does.</p>
<ol class="lessons">
{items}
</ol>
{network}
<p class="note">{made}.</p>
"""


def facts(lesson):
    """A lesson's goal and times, as paragraphs."""
    goal = lesson.facts.get("You will be able to")
    times = [
        f"{name}: {lesson.facts[name]}."
        for name in ("Time to plan", "Running time")
        if name in lesson.facts
    ]
    told = f"<p>Afterwards you can: {goal}.</p>" if goal else ""
    return told + (f'<p class="note">{" ".join(times)}</p>' if times else "")


def render(paths, site):
    """Run the notebooks and write a page for each, and index.html, into the folder `site`.

    Raises RenderError when a cell fails; then no page is written.
    """
    notebooks = {f"{path.stem}.html": nbformat.read(path, as_version=4) for path in paths}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "my-lessons"  # one for all: a lesson may load what another saved
        work.mkdir()
        for file, notebook in notebooks.items():
            print(f"running {title(notebook)}", flush=True)
            execute(notebook, Path(file).stem, work)
    lessons = [make_lesson(file, notebook) for file, notebook in notebooks.items()]
    for file, content in pages(lessons).items():
        runtime.write_whole(site / file, content.encode())
        print(site / file)


def pages(lessons):
    """Every page of the site: a dict from file name to HTML."""
    made = {"index.html": page(COURSE, index_body(lessons))}
    around = [None, *lessons, None]
    for lesson, before, after in zip(lessons, around, around[2:], strict=False):
        made[lesson.file] = page(
            lesson.title,
            lesson.body,
            contents(lessons, lesson),
            neighbours(before, after),
            f"{lesson.title}, a lesson of the course {COURSE}",
        )
    return made


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
