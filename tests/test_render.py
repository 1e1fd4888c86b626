"""Lessons as web pages, on notebooks of a few cells."""

import nbformat
import pytest
import render
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

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
