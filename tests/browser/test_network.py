"""The explorers that compute in the page, in JupyterLab and in a page without Python."""

import base64
import json
import re
from pathlib import Path

import browser
import pytest
from playwright.sync_api import expect

from mnist_course import data, export, models, web

SCREENSHOTS = Path(__file__).parents[2] / "screenshots"
MAKE = """
import torch
from torch import nn
from mnist_course import data, models, widgets
from mnist_course.training import Recipe, fit
digits = data.load()
few = data.Digits(digits.train[:2000], digits.validation[:300])
torch.manual_seed(0)
networks = {
    "LeNet": models.lenet5_variant(),
    "full": nn.Sequential(nn.Flatten(), nn.Linear(784, 77), nn.ReLU(), nn.Linear(77, 10)),
}
recipe = Recipe(epochs=2, batch_size=50, optimizer="adam", learning_rate=0.003)
for network in networks.values():
    fit(network, few, recipe)
"""
# What a network says of a digit that was moved, in the words of the page.
SAYS = """
def says(name, index, right, down):
    image = torch.zeros(28, 28, dtype=torch.uint8)
    digit = digits.validation.images[index]
    image[max(down, 0) : 28 + min(down, 0), max(right, 0) : 28 + min(right, 0)] = digit[
        max(-down, 0) : 28 + min(-down, 0), max(-right, 0) : 28 + min(-right, 0)
    ]
    network = networks[name].eval()
    with torch.no_grad():
        shares = network(data.normalise(data.scale(image[None])))[0].softmax(0)
    return f"says {shares.argmax()} with {100 * shares.max():.1f} %"
"""
CORNER = "(canvas) => [...canvas.getContext('2d').getImageData(8, 8, 1, 1).data].slice(0, 3)"
SAID = re.compile(r"says \d with [\d.]+ %")


@pytest.fixture(scope="module")
def notebook(chromium, lab):
    """Both explorers in JupyterLab, on trained networks."""
    network = "widgets.network_explorer(networks['LeNet'], digits.validation)"
    shift = "widgets.shift_explorer(networks, digits.validation)"
    browser.write_notebook(lab, "network.ipynb", MAKE + SAYS, network, shift)
    notebook = browser.Notebook(chromium, lab, "network.ipynb")
    notebook.run_all()
    assert notebook.errors() == []
    yield notebook
    notebook.close()


def said(explorer):
    return SAID.findall(explorer.locator(".mc-status").inner_text())


def corner(canvas):
    """The colour of the paper in a canvas: red, green, blue, of its first pixel inside a frame."""
    return canvas.evaluate(CORNER)


def test_a_network_is_looked_into_by_pointer_and_keyboard_while_the_kernel_is_busy(notebook):
    page = notebook.page
    explorer = page.locator(".mc-network")
    explorer.scroll_into_view_if_needed()
    status, equation = explorer.locator(".mc-status"), explorer.locator(".mc-equation")
    pad, overview = explorer.locator(".mc-pad"), explorer.locator(".mc-overview")
    expected = json.loads(
        notebook.execute(
            "import json; print(json.dumps([says('LeNet', *one) for one in "
            "[(0, 0, 0), (7, 0, 0), (7, 3, -2), (7, -1, 0)]]))"
        )
    )
    expect(status).to_contain_text(expected[0])
    with notebook.busy():
        explorer.locator("input[type=range]").focus()
        for _ in range(7):
            page.keyboard.press("ArrowRight")
        expect(status).to_contain_text(expected[1])
        box = pad.bounding_box()  # 6 pixels of the screen for each of the digit, in a frame of 1
        page.mouse.move(box["x"] + 80, box["y"] + 80)
        page.mouse.down()
        page.mouse.move(box["x"] + 80 + 18, box["y"] + 80 - 12, steps=5)
        page.mouse.up()
        expect(status).to_contain_text(expected[2])
        expect(explorer.locator(".mc-caption")).to_contain_text("moved by 3, −2")
        for key in ("ArrowLeft",) * 4 + ("ArrowDown",) * 2:
            page.keyboard.press(key)  # the pad has the focus since it was dragged
        expect(status).to_contain_text(expected[3])

        overview.focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowDown")
        expect(status).to_contain_text("conv 5×5 + ReLU, map 1, row 5, column 5")
        explorer.locator(".mc-select").focus()
        page.keyboard.press("ArrowUp")
        expect(status).to_contain_text("map 1, row 4, column 5")
        chosen = equation.inner_text()
        sums = explorer.locator(".mc-work").get_attribute("aria-label")
        assert sums.startswith("conv 5×5 + ReLU, map 1, row 4, column 5: ")
        assert sums.count("+") + sums.count("−") >= 6  # one for each map below

        page.mouse.move(*middle(overview, 0.82, 0.5))  # points, and chooses nothing
        page.mouse.move(*middle(overview, 0.97, 0.4))
        expect(equation).to_contain_text("softmax:")
        page.mouse.move(*middle(status, 0.5, 0.5))
        expect(equation).to_have_text(chosen.replace("\n", ""))
        page.mouse.click(*middle(overview, 0.97, 0.4))
        expect(status).to_contain_text("linear, number")

        overview.focus()
        page.keyboard.press("Enter")
        expect(explorer.get_by_role("button", name="One layer")).to_have_attribute(
            "aria-pressed", "true"
        )
        page.keyboard.press("Escape")
        expect(explorer.get_by_role("button", name="All layers")).to_have_attribute(
            "aria-pressed", "true"
        )
        explorer.get_by_role("button", name="Clear").click()
        page.mouse.move(box["x"] + 80, box["y"] + 30)
        page.mouse.down()
        page.mouse.move(box["x"] + 80, box["y"] + 140, steps=12)
        page.mouse.up()
        drawn = said(explorer)
        explorer.get_by_role("button", name="Put back").click()
        expect(status).to_contain_text(expected[1])
        assert drawn != [expected[1]]
    keep_screenshots(page, explorer, "network")
    assert notebook.complaints == []


def middle(element, across, down):
    box = element.bounding_box()
    return box["x"] + across * box["width"], box["y"] + down * box["height"]


def keep_screenshots(page, explorer, name):
    """In both themes, whose paper the canvas gets; the pictures lie in screenshots/."""
    SCREENSHOTS.mkdir(exist_ok=True)
    page.set_viewport_size({"width": 1280, "height": 1100})  # all of it in one picture
    pad = explorer.locator(".mc-pad").element_handle()
    for theme, paper in (
        ("JupyterLab Dark", "Math.max(...pixel) < 60"),
        ("JupyterLab Light", "Math.min(...pixel) > 240"),
    ):
        browser.use_theme(page, theme)
        page.wait_for_function(
            f"(pad) => {{ const pixel = ({CORNER})(pad); return {paper}; }}", arg=pad
        )
        path = SCREENSHOTS / f"{name}-{theme.split()[1].lower()}.png"
        explorer.screenshot(path=path)


def test_a_shifted_digit_is_read_by_each_network_while_the_kernel_is_busy(notebook):
    page = notebook.page
    explorer = page.locator(".mc-shift")
    explorer.scroll_into_view_if_needed()
    expected = json.loads(
        notebook.execute(
            "import json; print(json.dumps([[says(name, *one) for name in networks] for one in "
            "[(0, 0, 0), (0, 4, 0), (0, 4, 5)]]))"
        )
    )
    assert said(explorer) == expected[0]
    with notebook.busy():
        explorer.get_by_role("slider", name="Right").focus()
        for _ in range(4):
            page.keyboard.press("ArrowRight")
        expect(explorer.locator(".mc-status")).to_contain_text("moved by 4 right, 0 down")
        assert said(explorer) == expected[1]
        around = explorer.locator(".mc-around").first
        page.mouse.click(*middle(around, (10.5 * 13 + 1) / 171, (11.5 * 13 + 1) / 171))
        expect(explorer.locator(".mc-status")).to_contain_text("moved by 4 right, 5 down")
        assert said(explorer) == expected[2]
        expect(explorer.locator(".mc-around").last).to_have_attribute(
            "aria-label",
            re.compile(r"full: more than 50 % for the right digit at \d+ of 169 places"),
        )
    keep_screenshots(page, explorer, "shift")
    assert notebook.complaints == []
    assert explorer.locator(".mc-around").count() == 2


PAGE = """<!doctype html>
<html lang="en"><title>A network</title><style>{css}</style><body><main></main>
<script type="module">{code}
const model = new Map(Object.entries({given}));
render({{ model, el: document.querySelector("main") }});
</script>
"""


@pytest.mark.parametrize("build", [models.lenet5, models.residual_network])
def test_the_same_files_make_a_page_without_python(build, chromium, tmp_path):
    import torch

    torch.manual_seed(0)
    network = build().eval()
    part = data.load().validation[:5]
    description, weights = export.describe(network)
    given = {
        "title": "A network",
        "descriptions": [description],
        "weights": [base64.b64encode(weights).decode()],
        "digits": base64.b64encode(part.images.numpy().tobytes()).decode(),
        "labels": part.labels.tolist(),
    }
    path = tmp_path / "page.html"
    css = web.styles("theme.css", "network.css")
    code = web.module("network.js")
    path.write_text(PAGE.format(css=css, code=code, given=json.dumps(given)), encoding="utf-8")
    page = chromium.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(path.as_uri())
    with torch.no_grad():
        shares = network(data.normalise(data.scale(part.images[:1])))[0].softmax(0)
    text = f"says {shares.argmax()} with {100 * shares.max():.1f} %"
    expect(page.locator(".mc-status")).to_contain_text(text)
    assert max(corner(page.locator(".mc-pad"))) < 60
    # on a phone only the diagram is wider than the page, and it scrolls by itself
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    page.emulate_media(color_scheme="light")
    page.wait_for_timeout(300)
    assert min(corner(page.locator(".mc-pad"))) > 240
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"page-{build.__name__}-390.png", full_page=True)
    assert complaints == []
    page.close()
