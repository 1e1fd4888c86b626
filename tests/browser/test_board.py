"""The drawing page in Chromium, with pointer, finger and keyboard; nothing of it from elsewhere."""

import io
import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import expect

SCREENSHOTS = Path(__file__).parents[2] / "screenshots"
SERVE = "from mnist_course.cli import main; main(['board', '--port', '0', '--no-browser'])"
SEVEN = [[80, 70], [200, 65], [150, 150], [120, 220]]  # in units of the pad, 280 a side
SIZES = {"wide": (1280, 900), "phone": (390, 844), "narrow": (320, 568)}


@pytest.fixture(scope="module")
def address():
    with subprocess.Popen(
        [sys.executable, "-c", SERVE], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield re.search(r"http://\S+", process.stdout.readline())[0]
        finally:
            process.terminate()


class Page:
    """The drawing page. `asked` collects every address, `complaints` what goes wrong in it."""

    def __init__(self, chromium, address, size="wide", **more):
        width, height = SIZES[size]
        self.context = chromium.new_context(viewport={"width": width, "height": height}, **more)
        self.page = self.context.new_page()
        self.asked, self.complaints = [], []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._note)
        self.page.goto(address)
        self.pad = self.page.locator(".mc-draw")
        self.bars = self.page.locator("#bars li")
        self.live = self.page.locator("#live")
        expect(self.live).to_have_text("Nothing is drawn, so the network says nothing.")

    def _note(self, message):
        if message.type == "error":  # a refusal by the content security policy is one
            self.complaints.append(message.text)

    def on_screen(self, point):
        box = self.pad.bounding_box()
        return box["x"] + point[0] * box["width"] / 280, box["y"] + point[1] * box["width"] / 280

    def draw(self, points=SEVEN):
        """A stroke by the mouse, with a few moves between two points."""
        mouse = self.page.mouse
        mouse.move(*self.on_screen(points[0]))
        mouse.down()
        for point in points[1:]:
            mouse.move(*self.on_screen(point), steps=6)
        mouse.up()

    def shares(self):
        """The ten percentages that stand beside the bars; None each where nothing is drawn."""
        texts = [bar.locator("span").last.inner_text() for bar in self.bars.all()]
        return [float(text.rstrip(" %")) if text else None for text in texts]

    def strokes(self):
        return self.page.evaluate("board.pad.strokes")

    def seen(self):
        """The image of the last step as it stands on the page: (28, 28)."""
        values = self.page.locator("[data-step=image]").evaluate(
            "(canvas) => [...canvas.getContext('2d').getImageData(0, 0, 28, 28).data]"
        )
        return np.array(values).reshape(28, 28, 4)[:, :, 0]


@pytest.fixture
def open_page(chromium, address):
    opened = []

    def open_one(**settings):
        opened.append(Page(chromium, address, **settings))
        return opened[-1]

    yield open_one
    for one in opened:
        one.context.close()
        assert one.complaints == []


def ask(address, strokes, **more):
    """What the server says of the same drawing."""
    body = json.dumps({"strokes": strokes, "field": [0, 0, 280], **more}).encode()
    request = urllib.request.Request(
        f"{address}api/predict", body, {"Content-Type": "application/json"}
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        return json.load(answer)


def assert_says(page, expected):
    """The page shows the server's probabilities, to the tenth of a per cent that it writes."""
    shares = page.shares()
    assert shares == pytest.approx([100 * one for one in expected["probabilities"]], abs=0.06)
    assert page.page.locator("#answer").inner_text() == str(expected["prediction"])
    assert (page.seen() == expected["image"]).all()


def test_an_empty_pad_predicts_nothing(open_page):
    page = open_page()
    assert page.shares() == [None] * 10
    assert page.page.locator("#answer").inner_text() == ""
    assert not page.seen().any()
    assert page.page.locator(".mc-below").is_hidden()


def test_page_and_server_say_the_same(open_page, address):
    page = open_page()
    page.draw()
    expect(page.live).to_contain_text("The network says 7")
    assert_says(page, ask(address, page.strokes(), pen=20))
    page.draw([[90, 150], [190, 145]])  # a bar through it
    assert len(page.strokes()) == 2
    assert_says(page, ask(address, page.strokes(), pen=20))


def test_it_follows_each_move_of_the_pen(open_page):
    page = open_page()
    mouse = page.page.mouse
    mouse.move(*page.on_screen(SEVEN[0]))
    mouse.down()
    found = []
    for point in SEVEN[1:]:
        mouse.move(*page.on_screen(point), steps=4)
        found.append(page.shares())
    mouse.up()
    assert None not in found[0]  # while the button is still down
    assert found[0] != found[1] != found[2]
    painted = page.page.locator(".mc-overview").evaluate(
        "(canvas) => new Promise((done) => setTimeout(() => done(new Set(canvas.getContext('2d')"
        ".getImageData(0, 0, canvas.width, canvas.height).data).size), 1000))"
    )
    assert painted > 100  # the maps have many colours


@pytest.mark.parametrize(
    ("name", "option"),
    [("inkOnBlack", "ink_on_black"), ("pen", "pen"), ("box", "box"), ("centre", "centre")],
)
def test_each_step_can_be_switched_off(open_page, address, name, option):
    page = open_page()
    page.draw([[20, 20], [70, 20], [40, 90]])  # small, and in a corner
    whole = page.seen()
    page.page.locator(f"input[name={name}]").uncheck()
    assert (page.seen() != whole).any()
    assert_says(page, ask(address, page.strokes(), pen=20, options={option: False}))
    page.page.locator(f"input[name={name}]").check()
    assert (page.seen() == whole).all()


def test_undo_clear_and_the_width_of_the_pen(open_page, address):
    page = open_page()
    page.draw()
    first = page.shares()
    page.draw([[40, 200], [240, 200]])
    assert page.shares() != first
    page.page.get_by_role("button", name="Undo").click()
    assert page.shares() == first
    page.page.locator("input[name=pen]").uncheck()  # else the pen is MNIST's anyway
    page.page.get_by_label("Pen", exact=True).fill("34")
    assert_says(page, ask(address, page.strokes(), pen=34, options={"pen": False}))
    page.page.get_by_role("button", name="Clear").click()
    assert page.shares() == [None] * 10
    expect(page.live).to_contain_text("Nothing is drawn")


def test_a_digit_is_drawn_by_keyboard(open_page, address):
    page = open_page()
    keyboard = page.page.keyboard
    page.pad.focus()
    for key in ["ArrowLeft"] * 6 + ["ArrowUp"] * 9:
        keyboard.press(key)
    keyboard.press("Space")
    for key in ["ArrowRight"] * 12 + ["ArrowDown", "ArrowDown", "ArrowLeft"] * 8:
        keyboard.press(key)
    keyboard.press("Space")
    expect(page.live).to_contain_text("The network says 7")
    assert_says(page, ask(address, page.strokes(), pen=20))
    keyboard.press("Control+z")
    assert page.shares() == [None] * 10


def test_a_digit_is_drawn_by_finger_and_the_page_stays(open_page, address):
    page = open_page(size="phone", has_touch=True, is_mobile=True, device_scale_factor=2)
    page.pad.scroll_into_view_if_needed()
    before = page.page.evaluate("scrollY")
    touch = page.context.new_cdp_session(page.page)

    def send(kind, point=None):
        points = [dict(zip("xy", page.on_screen(point), strict=True))] if point else []
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    send("touchStart", SEVEN[0])
    for start, end in zip(SEVEN, SEVEN[1:], strict=False):
        for share in (0.25, 0.5, 0.75, 1):
            between = [a + share * (b - a) for a, b in zip(start, end, strict=True)]
            send("touchMove", between)
    send("touchEnd")
    expect(page.live).to_contain_text("The network says 7")
    assert_says(page, ask(address, page.strokes(), pen=20))
    assert page.page.evaluate("scrollY") == before


def test_the_network_is_looked_into(open_page):
    page = open_page()
    page.draw()
    expect(page.live).to_contain_text("The network says 7")
    overview = page.page.locator(".mc-overview")
    overview.scroll_into_view_if_needed()
    overview.focus()
    caption = page.page.locator(".mc-below figcaption").first
    expect(caption).to_have_text(re.compile("conv 5×5, map 0"))
    page.page.keyboard.press("ArrowRight")
    expect(caption).to_have_text(re.compile("conv 3×3, map 0"))
    page.page.keyboard.press("ArrowDown")
    expect(caption).to_have_text(re.compile("conv 3×3, map 1"))
    page.page.keyboard.press("Enter")
    expect(page.page.get_by_role("button", name="One layer")).to_have_attribute(
        "aria-pressed", "true"
    )


def test_on_a_phone_the_layers_stand_one_below_the_other(open_page):
    page = open_page(size="phone", has_touch=True, is_mobile=True)
    page.draw()
    expect(page.live).to_contain_text("The network says 7")
    scroll = page.page.locator(".mc-scroll")
    wide, shown = scroll.evaluate("(element) => [element.scrollWidth, element.clientWidth]")
    assert wide == shown  # nothing is left to scroll to
    areas = page.page.evaluate("board.inside.areas")
    stages = page.page.evaluate("board.inside.stages.length")
    tops = [min(one["y"] for one in areas if one["stage"] == stage) for stage in range(stages)]
    assert tops == sorted(set(tops))
    assert all(0 <= one["x"] and one["x"] + one["wide"] <= shown for one in areas)
    for stage in range(stages):
        last = [one for one in areas if one["stage"] == stage][-1]
        page.page.locator(".mc-overview").tap(
            position={"x": last["x"] + last["wide"] / 2, "y": last["y"] + last["high"] / 2}
        )
        pinned = page.page.evaluate("board.inside.pinned")
        assert (pinned["stage"], pinned["channel"]) == (stage, last["channel"])


def test_the_narrowest_phone_needs_no_scrolling_to_the_side(open_page):
    page = open_page(size="narrow")
    page.draw()
    expect(page.live).to_contain_text("The network says 7")
    for stage in range(page.page.evaluate("board.inside.stages.length")):
        page.page.evaluate(f"board.inside.pin(board.inside.middle({stage}, 0))")
        page.page.evaluate("new Promise((done) => requestAnimationFrame(() => done()))")
        assert page.page.evaluate("document.documentElement.scrollWidth") == 320, stage


def test_the_pen_is_followed_when_the_server_is_gone(chromium, address):
    page = Page(chromium, address)
    page.page.route("**/*", lambda route: route.abort())
    page.draw()
    expect(page.live).to_contain_text("The network says 7")
    page.context.close()
    assert page.complaints == []


def test_a_page_that_can_not_be_set_up_says_so(chromium, address):
    context = chromium.new_context()
    page = context.new_page()
    page.route("**/network.bin", lambda route: route.abort())
    page.goto(address)
    expect(page.get_by_role("alert")).to_contain_text("could not be set up")
    context.close()


def test_nothing_is_asked_of_another_host(open_page, address):
    page = open_page()
    page.draw()
    assert len(page.asked) > 10
    assert {url for url in page.asked if not url.startswith(address)} == set()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_it_is_for_everyone_and_looks_well(open_page, size, scheme):
    page = open_page(size=size, color_scheme=scheme)
    for name in ("blank", "drawn"):
        if name == "drawn":
            page.draw()
            expect(page.live).to_contain_text("The network says 7")
        found = Axe().run(page.page)
        assert found.violations_count == 0, found.generate_report()
        wide = page.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= SIZES[size][0]  # the page itself does not scroll to the side
        SCREENSHOTS.mkdir(exist_ok=True)
        page.page.screenshot(path=SCREENSHOTS / f"board-{size}-{scheme}-{name}.png", full_page=True)


def test_the_theme_can_be_chosen(open_page):
    page = open_page(color_scheme="dark")

    def paper():
        shot = Image.open(io.BytesIO(page.pad.screenshot())).convert("L")
        return shot.getpixel((shot.width // 2, shot.height // 4))

    assert paper() < 60
    page.page.get_by_role("button", name="Light theme").click()
    expect(page.page.get_by_role("button", name="Dark theme")).to_be_visible()
    for _ in range(100):  # not `wait_for_function`: the page's policy forbids what that evaluates
        if paper() > 200:
            break
        page.page.wait_for_timeout(100)
    assert paper() > 200


def test_less_motion_paints_every_layer_at_once(open_page):
    page = open_page(reduced_motion="reduce")
    page.draw()
    expect(page.live).to_contain_text("The network says 7")
    assert page.page.evaluate("board.inside.lit") is False
    assert page.page.evaluate("board.inside.fronts.length") == 0
