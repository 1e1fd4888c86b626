"""Lessons as web pages, on notebooks of a few cells, and what nbconvert makes of a lesson."""

import base64
import json
import subprocess
import sys

import make_notebooks
import nbformat
import pytest
import render
import torch
from bs4 import BeautifulSoup
from nbconvert import ScriptExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from pygments.styles import get_style_by_name
from pygments.token import Whitespace

from mnist_course import data, export, models
from mnist_course.widgets import raster

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
from mnist_course.widgets import Explorer, Picture, pixels
picture = Picture(pixels.Sheet(2, 2), "A black square.")
Explorer(lambda: picture, {}, "Square")
"""


def test_an_explorer_leaves_its_still_picture_on_the_page(course, tmp_path):
    render.render([course("01_first", EXPLORER)], tmp_path / "site")
    page = (tmp_path / "site" / "01_first.html").read_text(encoding="utf-8")
    assert 'alt="Square: A black square."' in page
    assert 'src="data:image/png;base64,' in page
    assert "open this lesson in JupyterLab" in page
    assert "widget-view" not in page


def test_lines_that_are_printed_one_after_the_other_stand_together(course, tmp_path):
    notebook = nbformat.read(
        course("01_first", "import time\nfor line in 'ab':\n    print(line, flush=True)\n"
               "    time.sleep(0.3)"),
        as_version=4,
    )  # fmt: skip
    render.execute(notebook, "first", tmp_path)
    [output] = notebook.cells[-1].outputs
    assert output.text == "a\nb\n"


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
    # nothing is fetched
    assert [link["href"] for link in BeautifulSoup(page, "html.parser").select("link")] == [
        "data:,"
    ]
    for fetching in ("<script src", "@import", 'src="http', "url(", "fetch(", "import("):
        assert fetching not in page
    # the lessons share a folder
    assert "42 was kept" in (site / "02_second.html").read_text(encoding="utf-8")
    index = (site / "index.html").read_text(encoding="utf-8")
    assert '<a href="01_first.html">01 &lt;Title&gt;</a>' in index
    assert "Running time: about 3 min." in index


def page_of(code, prose=""):
    """A page of a lesson with a cell of code, which has printed and drawn, and one of prose."""
    data = {"text/html": '<table><tr><th></th><th>a</th></tr></table><svg viewBox="0 0 9 9"/>'}
    outputs = [new_output("stream", text="1 < 2\n"), new_output("display_data", data)]
    cells = [new_markdown_cell(HEADER), new_code_cell(code, outputs=outputs)]
    notebook = new_notebook(cells=[*cells, new_markdown_cell(prose)])
    return BeautifulSoup(render.page("Title", str(render.lesson_page(notebook))), "html.parser")


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


def lessons(*sections):
    """Three lessons; the second has these sections."""
    second = "".join(f"\n## {heading}\n" for heading in sections)
    return [
        render.make_lesson(f"{number}.html", new_notebook(cells=[new_markdown_cell(text)]))
        for number, text in enumerate(("# One & all", f"# Two\n{second}", "# Three"), start=1)
    ]


def test_a_page_lists_all_lessons_and_the_sections_of_its_own():
    made = render.pages(lessons("1. `eval()` & why?", "Summary"))
    page = BeautifulSoup(made["2.html"], "html.parser")
    listed = page.select(".side a")
    assert [link.get_text() for link in listed] == [
        "One & all", "Two", "1. eval() & why?", "Summary", "Three",
    ]  # fmt: skip
    for link in listed:
        file, _, place = link["href"].partition("#")
        assert file in made or page.find("h2", id=place).get_text() == link.get_text()
    assert [link.get_text() for link in page.select('[aria-current="page"]')] == ["Two"]


def test_a_page_leads_to_its_neighbours_and_every_nav_has_a_name():
    made = render.pages(lessons())
    found = [
        [link["href"] for link in BeautifulSoup(made[file], "html.parser").select(".neighbours a")]
        for file in ("1.html", "2.html", "3.html")
    ]
    assert found == [
        ["index.html", "2.html"], ["1.html", "index.html", "3.html"], ["2.html", "index.html"],
    ]  # fmt: skip
    names = [nav["aria-label"] for nav in BeautifulSoup(made["2.html"], "html.parser")("nav")]
    assert len(set(names)) == len(names) == 2


def test_the_list_of_lessons_tells_goal_and_times():
    text = """# 01 First

| | |
|---|---|
| **You will be able to** | call `fit` · read |
| **Time to plan** | about 2 hours |
| **Running time** | about 3 min |
"""
    lesson = render.make_lesson("1.html", new_notebook(cells=[new_markdown_cell(text)]))
    index = BeautifulSoup(render.pages([lesson])["index.html"], "html.parser")
    [item] = index.select(".lessons > li")
    assert item.a["href"] == "1.html"
    assert [p.get_text() for p in item("p")] == [
        "Afterwards you can: call fit · read.",
        "Time to plan: about 2 hours. Running time: about 3 min.",
    ]
    assert item.code.get_text() == "fit"


def test_a_mark_for_the_tests_is_not_shown():
    cell = new_code_cell("# NBVAL_CHECK_OUTPUT\nprint(1)")
    lesson = render.make_lesson("1.html", new_notebook(cells=[new_markdown_cell("# A"), cell]))
    assert "NBVAL" not in lesson.body


def contrast(one, other):
    """The contrast of two colours (three bytes each). Source: WCAG 2.1, section 1.4.3."""

    def luminance(colour):
        parts = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
            for part in (byte / 255 for byte in colour)
        ]
        return sum(
            weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True)
        )

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("theme", "style"), [("light", "LightCode"), ("dark", "github-dark")])
def test_code_can_be_read_in_both_themes(theme, style):
    panel = raster.colours(theme)["surface"]
    style = getattr(render, style, None) or get_style_by_name(style)
    colours = {found["color"] for token, found in style if token not in Whitespace}
    for colour in colours - {"", None}:
        assert contrast(bytes.fromhex(colour), panel) >= 4.5, colour


# --- explorers that compute in the page ---------------------------------------------------


@pytest.fixture(scope="module")
def explorers(tmp_path_factory):
    """A notebook with explorers, run."""
    code = """
import torch
from mnist_course import data, models, widgets
digits = data.load().validation
torch.manual_seed(0)
network = models.lenet5_variant()
"""
    cells = [
        code,
        "widgets.network_explorer(network, digits[:3])",
        "widgets.shift_explorer({'</script><b>': network, 'b': network}, digits[:3])",
        "widgets.occlusion_explorer(network, digits[:3])",
        "widgets.contest(digits[:3], torch.eye(10)[:3])",
    ]
    notebook = new_notebook(cells=list(map(new_code_cell, cells)))
    render.execute(notebook, "explorers", tmp_path_factory.mktemp("work"))
    return notebook


def given(script):
    """What a page gives to an explorer."""
    return json.loads(script.partition("new Map(Object.entries(")[2].partition("));\n")[0])


def test_the_page_gets_networks_and_digits(explorers):
    notebook = nbformat.from_dict(explorers)
    notebook.cells.insert(0, new_markdown_cell("# A"))
    lesson = render.make_lesson("1.html", notebook)
    page = BeautifulSoup(lesson.body, "html.parser")
    scripts = page.select('script[type="module"]')
    network, shift, occlusion, contest = (given(script.string) for script in scripts)
    part = data.load().validation[:3]
    torch.manual_seed(0)
    description, weights = export.describe(
        models.lenet5_variant(), normalisation=(data.MEAN, data.DEVIATION)
    )
    alone = ["your network"]
    for one, names in ((network, alone), (shift, ["</script><b>", "b"]), (occlusion, alone)):
        assert one["names"] == names
        assert one["labels"] == part.labels.tolist()
        assert base64.b64decode(one["digits"]) == part.images.numpy().tobytes()
        assert one["descriptions"] == [json.loads(json.dumps(description))] * len(names)
        assert [base64.b64decode(each) for each in one["weights"]] == [weights] * len(names)
    assert len(base64.b64decode(occlusion["slopes"])) == 3 * 2 * 784
    assert len(occlusion["rivals"]) == 3
    assert sorted(contest["labels"]) == sorted(part.labels.tolist())
    assert sorted(contest["theirs"]) == [0, 1, 2]  # the largest logit of each row
    assert contest["answers"] == []
    assert len({one["title"] for one in (network, shift, occlusion, contest)}) == 4
    assert all("still" in live.find_next_sibling()["class"] for live in page.select(".live"))
    # the list of lessons shows the network
    index = BeautifulSoup(render.pages([lesson])["index.html"], "html.parser")
    [script] = index.select('script[type="module"]')
    assert given(script.string) == network


def test_without_the_state_of_widgets_a_page_shows_stills(explorers):
    notebook = nbformat.from_dict(explorers)
    del notebook.metadata["widgets"]
    assert render.replace_widgets(notebook) == []
    page = render.lesson_page(notebook)
    assert len(page.select(".still picture")) == 4
    assert not page.select("script")


def test_tables_say_which_cells_are_heads():
    page = page_of("", "| English | 中文 |\n|---|---|\n| loss | 损失 |\n")
    empty, terms = page.select(".text_cell table")
    assert not empty.select("thead")
    assert [(head["scope"], head.text) for head in empty.select("th")] == [("row", "Running time")]
    assert [(head["scope"], head.text) for head in terms.select("th")] == [
        ("col", "English"), ("col", "中文"),
    ]  # fmt: skip
    assert [cell.text for cell in terms.select('[lang="zh"]')] == ["中文", "损失"]
    _, rows = page_of("", "| | accuracy |\n|---|---|\n| base | 97.5 % |\n").select(
        ".text_cell table"
    )
    assert [(head["scope"], head.text) for head in rows.select("th")] == [
        ("col", "accuracy"), ("row", "base"),
    ]  # fmt: skip
    assert rows.select_one("thead td:empty")


@pytest.mark.parametrize("path", sorted(render.NOTEBOOKS.glob("*.ipynb")), ids=lambda one: one.stem)
def test_no_table_of_a_lesson_has_a_head_without_words(path):
    page = render.lesson_page(nbformat.read(path, as_version=4))
    assert page.select(".text_cell th")
    assert not page.select("th:empty")


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
