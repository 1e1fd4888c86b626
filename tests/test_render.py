"""Lessons as web pages, on notebooks of a few cells, and what nbconvert makes of a lesson."""

import subprocess
import sys

import make_notebooks
import nbformat
import pytest
import render
from bs4 import BeautifulSoup
from nbconvert import ScriptExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

HEADER = """# {} <Title>

| | |
|---|---|
| **Running time** | about 3 min |

See [the other](02_second.ipynb), [its end](02_second.ipynb#end), [a site](https://example.org)."""


@pytest.fixture
def course(tmp_path):
    """A function that writes a notebook of these code cells into a folder."""

    def write(name, *code):
        cells = [new_markdown_cell(HEADER.format(name[:2])), *map(new_code_cell, code)]
        path = tmp_path / f"{name}.ipynb"
        nbformat.write(new_notebook(cells=cells), path)
        return path

    return write


PICTURE = """
from mnist_course import plots
plots.show(plots.bars([1, 2], "ab"), alt="Two bars.")
"""
SLIDER = """
import ipywidgets
ipywidgets.IntSlider()
"""
EXPLORER = """
import numpy
from mnist_course.widgets import Explorer, Picture
picture = Picture(numpy.zeros((2, 2, 3), numpy.uint8), "A black square.")
Explorer(lambda: picture, {}, "Square")
"""


def test_an_explorer_leaves_its_still_picture_on_the_page(course, tmp_path):
    render.render([course("01_first", EXPLORER)], tmp_path / "site")
    page = (tmp_path / "site" / "01_first.html").read_text(encoding="utf-8")
    assert 'alt="Square: A black square."' in page
    assert 'src="data:image/png;base64,' in page
    assert "open this lesson in JupyterLab" in page
    assert "widget-view" not in page


def test_pages_stand_on_their_own(course, tmp_path):
    first = course("01_first", "open('kept', 'w').write('42')", PICTURE, SLIDER)
    second = course("02_second", "print(open('kept').read(), 'was kept')")
    site = tmp_path / "site"
    render.render([first, second], site)
    assert sorted(path.name for path in site.iterdir()) == [
        "01_first.html", "02_second.html", "index.html",
    ]  # fmt: skip
    page = (site / "01_first.html").read_text(encoding="utf-8")
    assert '<html lang="en">' in page
    assert "<title>01 &lt;Title&gt;</title>" in page
    assert 'alt="Two bars."' in page
    assert "open this lesson in JupyterLab" in page
    # links lead to pages
    assert 'href="02_second.html"' in page
    assert 'href="02_second.html#end"' in page
    assert 'href="https://example.org"' in page
    assert '<a href="02_second.html" rel="next">02 &lt;Title&gt; →</a>' in page
    # nothing is fetched and nothing runs
    for fetching in ("<script", "<link", "@import", 'src="http', "url("):
        assert fetching not in page
    # the lessons share a folder
    assert "42 was kept" in (site / "02_second.html").read_text(encoding="utf-8")
    index = (site / "index.html").read_text(encoding="utf-8")
    assert '<a href="01_first.html">01 &lt;Title&gt;</a>' in index
    assert "about 3 min" in index


def page_of(code, prose=""):
    """A page of a lesson with a cell of code, which has printed and drawn, and one of prose."""
    data = {"text/html": '<table><tr><th></th><th>a</th></tr></table><svg viewBox="0 0 9 9"/>'}
    outputs = [new_output("stream", text="1 < 2\n"), new_output("display_data", data)]
    cells = [new_markdown_cell(HEADER), new_code_cell(code, outputs=outputs)]
    notebook = new_notebook(cells=[*cells, new_markdown_cell(prose)])
    links = render.links(("01.html", "first"), ("03.html", "third"))
    return BeautifulSoup(render.page("Title", render.lesson_body(notebook), links), "html.parser")


def test_what_scrolls_sideways_can_be_reached_by_keyboard_and_has_a_name():
    page = page_of("if 1 < 2:\n    print('é &amp;')", "```\nlong\n```\n")
    assert [
        (region["aria-label"], region.get_text().strip()[:26])
        for region in page.select('[tabindex="0"][role="group"]')
    ] == [
        ("Table", "Running time\nabout 3 min"),
        ("Code", "if 1 < 2:\n    print('é &am"),
        ("Output", "1 < 2"),
        ("Output", "a"),
        ("Code", "long"),
    ]
    for pre in page.select("pre"):
        assert pre.has_attr("tabindex") or pre.find_parent(tabindex="0")
    assert page.svg["viewbox"] == "0 0 9 9"  # browsers know it in lower case, too


def test_navigation_above_and_below_have_names_of_their_own():
    above, below = page_of("").select("nav")
    assert above["aria-label"] != below["aria-label"]
    assert [link["href"] for link in above.select("a")] == ["01.html", "index.html", "03.html"]
    assert above.select("a") == below.select("a")


def test_tables_say_which_cells_are_heads():
    page = page_of("", "| English | 中文 |\n|---|---|\n| loss | 损失 |\n")
    empty, terms = page.select(".text_cell table")
    assert not empty.select("thead")
    assert [(head["scope"], head.text) for head in empty.select("th")] == [("row", "Running time")]
    assert [(head["scope"], head.text) for head in terms.select("th")] == [
        ("col", "English"), ("col", "中文"),
    ]  # fmt: skip
    assert [cell.text for cell in terms.select('[lang="zh"]')] == ["中文", "损失"]


# --- nbconvert ----------------------------------------------------------------------------


def test_nbconvert_makes_a_script_of_a_lesson():
    lesson = sorted(make_notebooks.LESSONS.glob("*.py"))[0]
    source, resources = ScriptExporter().from_notebook_node(make_notebooks.build(lesson))
    assert resources["output_extension"] == ".py"
    compile(source, lesson.name, "exec")


def test_the_line_of_the_docs_makes_a_page_with_still_pictures_of_explorers(course, tmp_path):
    docs = (render.ROOT / "docs" / "install.md").read_text(encoding="utf-8").splitlines()
    [line] = [line for line in docs if line.startswith("jupyter nbconvert --to html")]
    _, *words, _ = line.split()
    path = course("01_first", EXPLORER)
    subprocess.run([sys.executable, "-m", *words, path], check=True, capture_output=True)
    page = path.with_suffix(".html").read_text(encoding="utf-8")
    assert 'alt="Square: A black square."' in page
    assert "widget-view" not in page


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("# why\nlen(3)", "\"len(3)\", fails with TypeError: object of type 'int' has no len()"),
        ("import os\nos._exit(1)", '"import os", fails with Kernel died'),
        ("while True: pass", '"while True: pass", fails with A cell timed out'),
    ],
)
def test_a_cell_that_fails_is_named_and_no_page_is_written(
    course, tmp_path, monkeypatch, code, reason
):
    monkeypatch.setattr(render, "SECONDS_FOR_A_CELL", 5)
    path = course("01_first", "1 + 1", code)
    with pytest.raises(render.RenderError) as caught:
        render.render([path], tmp_path / "site")
    assert str(caught.value).startswith("01_first: cell 3 of 3, which begins ")
    assert reason in str(caught.value)
    assert not (tmp_path / "site").exists()


def test_a_lesson_that_is_not_there():
    assert "There are no such lessons" in render.main(["99"])
