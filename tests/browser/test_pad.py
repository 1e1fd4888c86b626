"""The drawing pad: in a page without Python, and in JupyterLab, with real pointers and keys."""

import base64
import json
import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from mnist_course import drawing, export, web

SCREENSHOTS = Path(__file__).parents[2] / "screenshots"
PAGE = """<!doctype html>
<html lang="en"><title>Draw</title><meta name="viewport" content="width=device-width">
<style>{css} body {{ background: var(--mc-paper); color-scheme: light dark; }}</style>
<body><main><h1>Draw</h1></main><p style="height: 2000px">Below.</p>
<script type="module">{code}
const {{ description, weights }} = {network};
globalThis.drawing = new Drawing(document.querySelector("main"), {{ title: "Draw a digit",
  network: new Network(description, weights), keep: (one) => (globalThis.kept ??= []).push(one) }});
</script>
"""
SEVEN = [[(40, 60), (120, 55), (180, 60), (110, 220)], [(100, 140), (170, 135)]]
THREE_FRAMES = """async () => {
    for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
}"""
SAYS = re.compile(r"The network says \d with [\d.]+ %")


@pytest.fixture(scope="module")
def network():
    return drawing.board_network()[0]


@pytest.fixture
def open_page(chromium, network, tmp_path):
    """Open the pad in a page; complaints must be empty at the end."""
    description, weights = export.describe(network)
    sent = {"description": description, "weights": base64.b64encode(weights).decode()}
    code = web.module("draw.js")
    css = web.styles("theme.css", "network.css", "pad.css")
    path = tmp_path / "page.html"
    path.write_text(PAGE.format(css=css, code=code, network=json.dumps(sent)), encoding="utf-8")
    opened, complaints = [], []

    def open_it(**settings):
        page = chromium.new_page(**settings)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path.as_uri())
        expect(page.locator(".mc-status")).to_contain_text("an empty pad predicts nothing")
        opened.append(page)
        return page

    yield open_it
    for page in opened:
        page.close()
    assert complaints == []


def draw(page, strokes):
    box = page.locator(".mc-draw").bounding_box()
    scale = box["width"] / 280
    for (x, y), *rest in strokes:
        page.mouse.move(box["x"] + scale * x, box["y"] + scale * y)
        page.mouse.down()
        for to_x, to_y in rest:
            page.mouse.move(box["x"] + scale * to_x, box["y"] + scale * to_y, steps=8)
        page.mouse.up()


def expected(network, strokes, pen, **options):
    """What the page must say of strokes."""
    import torch

    from mnist_course import data

    image = drawing.image_of(strokes, (0, 0, 280), pen, drawing.Options(**options))
    inputs = data.normalise(data.scale(torch.from_numpy(image)[None]))
    with torch.no_grad():
        shares = network(inputs)[0].softmax(0)
    return f"The network says {shares.argmax()} with {100 * shares.max():.1f} %."


def strokes_of(page):
    return page.evaluate("() => globalThis.drawing.pad.strokes")


def test_a_mouse_draws_and_each_step_can_be_left_out(open_page, network):
    page = open_page(viewport={"width": 1000, "height": 900})
    status = page.locator(".mc-status")
    draw(page, SEVEN)
    expect(status).to_have_text(SAYS)
    strokes = strokes_of(page)
    assert len(strokes) == 2
    assert status.inner_text() == expected(network, strokes, 20)
    for name, option in (("Ink on black", {"ink_on_black": False}), ("20×20 box", {"box": False})):
        page.get_by_role("checkbox", name=name).uncheck()
        expect(status).to_have_text(expected(network, strokes, 20, **option))
        page.get_by_role("checkbox", name=name).check()
    keep_screenshots(page)
    page.get_by_role("button", name="Undo").click()
    assert len(strokes_of(page)) == 1
    page.get_by_label("It is a").fill("7")
    page.get_by_role("button", name="Keep").click()
    expect(status).to_contain_text("predicts nothing")
    [kept] = page.evaluate("() => globalThis.kept")
    assert kept == {"strokes": strokes[:1], "label": 7, "pen": 20}
    found = Axe().run(page, context=".mc-draw-digit")
    assert found.response["violations"] == []


def keep_screenshots(page):
    SCREENSHOTS.mkdir(exist_ok=True)
    for theme in ("dark", "light"):
        page.emulate_media(color_scheme=theme)
        page.wait_for_timeout(300)
        page.locator(".mc-draw-digit").screenshot(path=SCREENSHOTS / f"pad-{theme}.png")


def test_keys_draw_and_say_whether_the_pen_is_down(open_page, network):
    page = open_page()
    page.locator(".mc-draw").focus()
    for key in ("ArrowUp",) * 9 + ("Space",) + ("ArrowDown",) * 18 + ("Space", "ArrowLeft"):
        page.keyboard.press(key)
    assert strokes_of(page) == [[[140, 68 + 8 * step] for step in range(19)]]
    expect(page.locator(".mc-unseen")).to_have_text("Pen up")
    expect(page.locator(".mc-status")).to_have_text(expected(network, strokes_of(page), 20))
    page.keyboard.press("Control+z")
    expect(page.locator(".mc-status")).to_contain_text("predicts nothing")


def test_a_finger_draws_and_the_page_stays_where_it_is(open_page, network):
    page = open_page(viewport={"width": 360, "height": 700}, has_touch=True)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    box = page.locator(".mc-draw").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + 30
    session = page.context.new_cdp_session(page)

    def touch(kind, *points):
        points = [{"x": x, "y": y} for x, y in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (x, y))
    for step in range(1, 12):
        touch("touchMove", (x, y + 15 * step))
    touch("touchEnd")
    expect(page.locator(".mc-status")).to_have_text(SAYS)
    [stroke] = strokes_of(page)
    assert stroke[-1][1] - stroke[0][1] > 120
    assert page.evaluate("() => window.scrollY") == 0
    assert page.locator(".mc-status").inner_text() == expected(network, strokes_of(page), 20)
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / "pad-360.png")


MAKE = """
from mnist_course import drawing, widgets
pad = widgets.drawing_pad(drawing.board_network()[0])
pad
"""


def test_the_pad_draws_in_jupyterlab_while_the_kernel_is_busy(write_notebook, network):
    notebook = write_notebook("pad.ipynb", MAKE)
    notebook.run_all()
    assert notebook.errors() == []
    page = notebook.page
    pad = page.locator(".mc-draw-digit")
    pad.scroll_into_view_if_needed()
    status = pad.locator(".mc-status")
    with notebook.busy():
        draw(page, SEVEN)
        expect(status).to_have_text(SAYS)
        page.locator(".mc-draw").focus()
        for key in ("Space", "ArrowRight", "ArrowRight", "Space"):
            page.keyboard.press(key)  # JupyterLab must not take them
        page.evaluate(THREE_FRAMES)  # an answer is computed in the frame after a stroke
        said = status.inner_text()
    pad.get_by_label("It is a").fill("7")
    pad.get_by_role("button", name="Keep").click()
    expect(pad.locator(".mc-keep")).to_contain_text("1 kept")
    code = (
        "import json; one = pad.collection.digits[0]; print(json.dumps([one.label, one.strokes]))"
    )
    label, strokes = json.loads(notebook.execute(code))
    assert (label, len(strokes)) == (7, 3)
    assert said == expected(network, strokes, 20)
    assert notebook.complaints == []
