"""Explorers used by pointer and keyboard: what is changed in the picture itself, and themes."""

import json

import browser
import numpy as np
import pytest
from canvas import COLOURS, PLAIN, shows_maps
from PIL import Image
from playwright.sync_api import expect

LABS = """
import torch
from mnist_course import data, models, widgets
digits = data.load()
torch.manual_seed(0)
labs = {
    "kernel": widgets.kernel_lab(digits.train),
    "pooling": widgets.pooling_lab(digits.train),
    "maps": widgets.feature_maps(models.lenet5_variant(), digits.validation),
    "descent": widgets.descent_explorer(),
}
"""
HELPERS = """
import json
def settings(name):
    print(json.dumps(labs[name].settings))

def sheet(name):
    print(json.dumps(_plain(labs[name].drawn().sheet)))
"""


class Lab:
    """One explorer of the notebook, by its name in `labs`."""

    def __init__(self, notebook, name, number):
        self.notebook, self.name = notebook, name
        self.page = notebook.page
        self.root = notebook.page.locator(".mnist-explorer").nth(number)

    def settings(self):
        return json.loads(self.notebook.execute(f"settings({self.name!r})"))

    def comes_to(self, **wanted):
        """Wait until the kernel has these settings; fails after 20 seconds."""
        for _ in range(200):
            found = self.settings()
            if all(found[name] == value for name, value in wanted.items()):
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"wanted {wanted}, found {found}")

    def sheet(self):
        return json.loads(self.notebook.execute(f"sheet({self.name!r})"))

    def map(self, label):
        """The element over the map whose places have this label."""
        return self.root.get_by_role("slider", name=label)

    def over(self, element, row, column, rows, columns):
        """Where a square of an element's grid is on the screen."""
        box = element.bounding_box()
        return (
            box["x"] + (column + 0.5) * box["width"] / columns,
            box["y"] + (row + 0.5) * box["height"] / rows,
        )


@pytest.fixture(scope="module")
def notebook(chromium, lab):
    cells = [LABS, *(f"labs[{name!r}]" for name in ("kernel", "pooling", "maps", "descent"))]
    browser.write_notebook(lab, "explorers.ipynb", *cells)
    opened = browser.Notebook(chromium, lab, "explorers.ipynb", height=1000)
    opened.run_all()
    assert opened.errors() == []
    opened.execute(PLAIN + HELPERS)
    yield opened
    opened.close()


@pytest.fixture
def explorer(notebook):
    def scrolled(name):
        number = ["kernel", "pooling", "maps", "descent"].index(name)
        one = Lab(notebook, name, number)
        browser.scroll_to(one.root)
        return one

    yield scrolled
    notebook.page.mouse.move(2, 2)


def test_pointing_at_the_output_shows_a_window_and_a_click_keeps_it(explorer):
    lab = explorer("kernel")
    before = lab.settings()["position"]
    output = lab.map("Window, by its place in the output")
    mouse = lab.page.mouse
    mouse.move(*lab.over(output, 3, 4, 26, 26))
    lab.comes_to(position=3 * 26 + 4)
    mouse.move(2, 2)
    lab.comes_to(position=before)
    mouse.click(*lab.over(output, 25, 25, 26, 26))
    lab.comes_to(position=25 * 26 + 25)
    mouse.move(2, 2)
    lab.page.wait_for_timeout(300)
    lab.comes_to(position=25 * 26 + 25)
    expect(lab.root.locator("[role=status]")).to_contain_text("row 25, column 25")
    readout = lab.root.locator(".widget-slider").filter(has_text="Position")
    assert "675" in readout.inner_text()


def test_arrow_keys_move_the_window_in_all_four_directions(explorer):
    lab = explorer("kernel")
    output = lab.map("Window, by its place in the output")
    lab.page.mouse.click(*lab.over(output, 5, 5, 26, 26))
    lab.page.mouse.move(2, 2)
    lab.comes_to(position=5 * 26 + 5)
    output.focus()
    place = 5 * 26 + 5
    for key, step in (("ArrowUp", -26), ("ArrowLeft", -1), ("ArrowDown", 26), ("ArrowRight", 1)):
        lab.page.keyboard.press(key)
        place += step
        lab.comes_to(position=place)
    assert output.get_attribute("aria-valuetext") == "row 5, column 5"


def square(lab, name):
    return lab.root.get_by_role("spinbutton", name=f"Weight, {name}", exact=True)


def test_a_weight_is_changed_by_dragging_its_square(explorer):
    lab = explorer("kernel")
    lab.root.get_by_role("button", name="identity").click()
    lab.comes_to(kernel=[0, 0, 0, 0, 1, 0, 0, 0, 0])
    box = square(lab, "left").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    lab.page.mouse.move(x, y)
    lab.page.mouse.down()
    for step in range(1, 21):
        lab.page.mouse.move(x, y - step)
    lab.page.mouse.up()
    lab.comes_to(kernel=[0, 0, 0, 1, 1, 0, 0, 0, 0])  # 20 pixels up
    lab.page.mouse.down()
    lab.page.mouse.move(x, y + 400, steps=10)
    lab.page.mouse.up()
    lab.comes_to(kernel=[0, 0, 0, -5, 1, 0, 0, 0, 0])  # and no further than the limit


def test_a_weight_is_changed_by_keys_and_by_typing(explorer):
    lab = explorer("kernel")
    lab.root.get_by_role("button", name="identity").click()
    lab.comes_to(kernel=[0, 0, 0, 0, 1, 0, 0, 0, 0])
    press = lab.page.keyboard.press
    square(lab, "centre").click()
    press("ArrowUp")
    press("ArrowRight")
    press("+")
    press("PageUp")
    press("-")
    press("-")
    lab.comes_to(kernel=[0, 0, 0.75, 0, 1, 0, 0, 0, 0])
    press("ArrowDown")
    for key in ("1", ".", "5", "Enter"):
        press(key)
    lab.comes_to(kernel=[0, 0, 0.75, 0, 1, 1.5, 0, 0, 0])
    press("ArrowDown")
    press("Enter")
    for key in ("-", "9", "9", "Enter"):
        press(key)
    lab.comes_to(kernel=[0, 0, 0.75, 0, 1, 1.5, 0, 0, -5])
    press("7")
    press("Escape")
    press("ArrowLeft")
    assert lab.settings()["kernel"] == [0, 0, 0.75, 0, 1, 1.5, 0, 0, -5]
    assert square(lab, "bottom right").get_attribute("aria-valuenow") == "-5"
    assert square(lab, "bottom right").input_value() == "−5.00"


def test_the_one_slider_changes_the_chosen_weight(explorer):
    lab = explorer("kernel")
    lab.root.get_by_role("button", name="identity").click()
    lab.comes_to(kernel=[0, 0, 0, 0, 1, 0, 0, 0, 0])
    square(lab, "top").click()
    slider = lab.root.get_by_role("slider", name="Chosen weight, top")
    box = slider.bounding_box()
    lab.page.mouse.click(box["x"] + box["width"] - 2, box["y"] + box["height"] / 2)
    lab.comes_to(kernel=[0, 5, 0, 0, 1, 0, 0, 0, 0])
    slider.press("ArrowLeft")
    lab.comes_to(kernel=[0, 4.99, 0, 0, 1, 0, 0, 0, 0])
    pressed = lab.root.locator(".widget-toggle-buttons button.mod-active")
    assert pressed.count() == 0  # it is no known kernel any more


def test_every_preset_is_a_button_that_sets_nine_weights(explorer):
    from mnist_course.widgets import kernel

    lab = explorer("kernel")
    for name, weights in kernel.PRESETS.items():
        button = lab.root.get_by_role("button", name=name)
        button.click()
        lab.comes_to(kernel=list(weights))
        assert "mod-active" in button.get_attribute("class")


def test_pointing_at_a_pooled_map_shows_its_window(explorer):
    lab = explorer("pooling")
    pooled = lab.map("Window, by its place in the pooled map")
    lab.page.mouse.click(*lab.over(pooled, 6, 0, 7, 7))
    lab.comes_to(position=42)
    expect(lab.root.locator("[role=status]")).to_contain_text("row 6, column 0")


def test_a_click_chooses_a_feature_map_and_pointing_its_place(explorer):
    lab = explorer("maps")
    [tiles] = [one for one in lab.sheet()["regions"] if one["control"] == "channel"]
    canvas = lab.root.locator("canvas").bounding_box()
    share = canvas["width"] / lab.sheet()["width"]
    lab.page.mouse.click(
        canvas["x"] + share * (tiles["x"] + 1.5 * tiles["wide"]),
        canvas["y"] + share * (tiles["y"] + 0.5 * tiles["high"]),
    )
    lab.comes_to(channel=1)
    place = lab.map("Place in the map")
    lab.page.mouse.move(*lab.over(place, 27, 1, 28, 28))
    lab.comes_to(position=27 * 28 + 1)


def test_a_click_below_the_curve_chooses_where_to_start(explorer):
    lab = explorer("descent")
    [region] = [one for one in lab.sheet()["regions"] if one["control"] == "start"]
    canvas = lab.root.locator("canvas").bounding_box()
    share = canvas["width"] / lab.sheet()["width"]
    lab.page.mouse.click(
        canvas["x"] + share * (region["x"] + 70.5 * region["wide"]),
        canvas["y"] + share * (region["y"] + 30),
    )
    lab.comes_to(start=4.0)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_maps_have_the_colours_of_the_theme(explorer, theme):
    lab = explorer("kernel")
    lab.root.get_by_role("button", name="Sobel, vertical edges").click()
    lab.page.mouse.move(2, 2)
    browser.use_theme(lab.page, f"JupyterLab {theme.capitalize()}")
    paper = lab.page.evaluate(
        "() => getComputedStyle(document.querySelector('.mnist-explorer')).backgroundColor"
    )
    for _ in range(200):
        drawn = lab.notebook.pixels(lab.root.locator("canvas"))
        if (drawn[2, 2].mean() < 60) == (theme == "dark"):
            break
        lab.page.wait_for_timeout(50)
    assert f"rgb({', '.join(map(str, drawn[2, 2]))})" == paper  # no sheet of another colour
    assert (drawn[2, 2].mean() < 60) == (theme == "dark")
    sheet, named = lab.sheet(), lab.page.evaluate(COLOURS)
    assert shows_maps(drawn, sheet, named)
    # the same picture in other colours, or with other numbers, would be noticed
    assert not shows_maps(drawn, sheet, named | {"ink": named["paper"]})
    for one in sheet["maps"]:
        one["levels"].reverse()
    assert not shows_maps(drawn, sheet, named)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_in_an_explorer(explorer, theme):
    from axe_playwright_python.sync_playwright import Axe

    for name in ("kernel", "pooling", "maps", "descent"):
        lab = explorer(name)
        browser.use_theme(lab.page, f"JupyterLab {theme.capitalize()}")
        lab.root.evaluate("(root) => { root.dataset.looked = 'at'; }")
        found = Axe().run(lab.page, context="[data-looked]")
        lab.root.evaluate("(root) => { delete root.dataset.looked; }")
        told = [
            (one["id"], node["html"][:200], node["failureSummary"])
            for one in found.response["violations"]
            for node in one["nodes"]
        ]
        assert told == []


def test_the_text_of_a_list_stands_in_the_middle_of_its_box(write_notebook, tmp_path):
    """Also beside another kind of widget, whose style sheet comes later and has its own lists.

    It stands last, because it opens a notebook of its own where the others share one.
    """
    cells = LABS + "labs['maps']", "widgets.network_explorer(models.lenet5(), digits.validation)"
    notebook = write_notebook("list.ipynb", *cells)
    notebook.run_all()
    assert notebook.errors() == []
    chosen = notebook.page.locator(".mnist-explorer select")
    chosen.screenshot(path=tmp_path / "list.png")
    grey = np.asarray(Image.open(tmp_path / "list.png").convert("L")).astype(int)
    inside = grey[3:-3, 6 : grey.shape[1] // 2]  # without the border and the arrow
    [rows] = (abs(inside - inside[0, 0]).max(axis=1) > 100).nonzero()
    above, below = rows[0] + 3, len(grey) - 4 - rows[-1]
    assert abs(above - below) <= 4, (above, below)
