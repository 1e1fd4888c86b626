"""The pages of `make site` in Chromium: wide and narrow, light and dark, on paper, by keyboard.

Two lessons are rendered for it: a small one, which has one of everything, and lesson 02 in quick
mode. Screenshots of both lie in screenshots/.
"""

from pathlib import Path

import nbformat
import pytest
import render
from axe_playwright_python.sync_playwright import Axe
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from playwright.sync_api import expect

from mnist_course import data, models

SCREENSHOTS = Path(__file__).parents[2] / "screenshots"
PROSE = """# 01 One of everything

| | |
|---|---|
| **You will be able to** | read `a page` |
| **Time to plan** | about 1 hour |

## 1. Pictures {}

| | accuracy |
|---|---|
| base | 97.5 % |

| {} |
|{}
""".format("and `code`", " | ".join(["a long head of a column"] * 12), "---|" * 12)
CODE = (
    "import torch\nfrom mnist_course import data, models, plots, widgets\nfrom torch import nn",
    "axes = plots.bars([1, 2], 'ab')\nplots.show(axes, alt='Two bars.')",
    "_, axes = plots.subplots(1, 2, width=8)\nplots.show(axes, alt='Two empty frames, wide.')",
    "torch.manual_seed(0)\nnetwork = models.lenet5_variant()\ndigits = data.load()",
    "widgets.network_explorer(network, digits.validation)",
    "widgets.network_explorer(network, digits.validation)",
    "widgets.shift_explorer({'LeNet </script>': network, 'again': network}, digits.validation)",
    "widgets.occlusion_explorer(network, digits.validation)",
    "widgets.contest(digits.validation[:3], torch.eye(10)[:3])",
    "widgets.kernel_lab(digits.train)",
    f"print({'a long line ' * 20!r})",
)
LESSON = render.NOTEBOOKS / "02_convolution_and_pooling.ipynb"
# Elements that are wider inside than outside and scroll, but neither they nor what they contain
# can be reached by the Tab key.
UNREACHABLE = """() => [...document.querySelectorAll("main *, nav *")].filter((element) =>
    element.scrollWidth > element.clientWidth && element.clientWidth > 0
    && ["auto", "scroll"].includes(getComputedStyle(element).overflowX)
    && element.tabIndex < 0 && !element.querySelector('[tabindex="0"], a, button, input')
).map((element) => element.outerHTML.slice(0, 80))"""
FOCUSED = """() => {
    const { tagName, className, textContent, scrollWidth, clientWidth } = document.activeElement;
    return { tagName, className, text: textContent.trim().slice(0, 20),
        scrolls: scrollWidth > clientWidth };
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the pages."""
    folder = tmp_path_factory.mktemp("a site é")
    cells = [new_markdown_cell(PROSE), *map(new_code_cell, CODE), new_markdown_cell("## 2. End")]
    small = folder / "01_small.ipynb"
    nbformat.write(new_notebook(cells=cells), small)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNIST_COURSE_QUICK", "1")
        render.render([small, LESSON], folder / "site")
    return folder / "site"


@pytest.fixture
def visit(chromium, site):
    """A function that opens a page: it loads nothing but itself, and no script of it fails."""
    opened, complaints = [], []

    def note(request):
        inside = request.is_navigation_request() and request.url.startswith(site.as_uri())
        if not inside and not request.url.startswith("data:"):
            complaints.append(f"asks for {request.url}")

    def visit(name, width=1280, scheme="light", **options):
        context = chromium.new_context(
            viewport={"width": width, "height": 844}, color_scheme=scheme, **options
        )
        page = context.new_page()
        address = (site / f"{name}.html").as_uri()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else 0)
        page.on("request", note)
        page.goto(address)
        opened.append(context)
        return page

    yield visit
    for context in opened:
        context.close()
    assert complaints == []


def luminance(page):
    """How light the page is, from 0 to 255."""
    colour = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    return sum(map(int, colour.removeprefix("rgb(").removesuffix(")").split(","))) / 3


SETTINGS = [(1280, "light"), (390, "dark"), (1280, "dark"), (390, "light")]


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [(name, *setting) for name in ("index", "01_small") for setting in SETTINGS]
    + [(LESSON.stem, *setting) for setting in SETTINGS[:2]],  # axe is slow on a long page
)
def test_axe_finds_nothing_and_nothing_sticks_out(visit, name, width, scheme):
    page = visit(name, width, scheme)
    assert (luminance(page) > 200) == (scheme == "light")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    assert page.evaluate(UNREACHABLE) == []
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"site-{name}-{width}-{scheme}.png")


def test_a_lesson_is_walked_through_by_the_tab_key(visit):
    page = visit("01_small", 390)
    page.wait_for_function("() => !document.querySelector('.side details').open")
    seen = []
    for _ in range(300):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(FOCUSED))
        if seen[-1]["className"] == "" and "CC BY-SA" in seen[-1]["text"]:
            break
    else:
        raise AssertionError("the end of the page was not reached")
    assert seen[0]["text"] == "Skip to the text"
    assert seen[2]["text"].startswith("Contents")
    kinds = [one["className"] for one in seen]
    for kind in ("wide", "output_area", "mc-pad"):  # a table, a picture, an explorer
        assert kind in kinds
    assert any(one["tagName"] == "PRE" and one["scrolls"] for one in seen)
    # what fits is no stop on the way
    assert all(one["scrolls"] for one in seen if one["tagName"] == "PRE")


def test_a_wide_picture_and_a_wide_table_scroll_by_themselves_on_a_phone(visit):
    page = visit("01_small", 390)
    picture = page.get_by_alt_text("Two empty frames, wide.")
    assert picture.bounding_box()["width"] == 640
    for region in (
        page.locator(".output_area", has=picture),
        page.locator(".wide", has=page.locator("thead th:nth-child(12)")),
    ):
        region.focus()
        page.keyboard.press("ArrowRight")
        handle = region.element_handle()
        page.wait_for_function("(region) => region.scrollLeft > 0", arg=handle)
    assert page.evaluate("() => scrollX") == 0
    narrow = page.get_by_alt_text("Two bars.")
    assert narrow.bounding_box()["width"] <= 640


def test_the_contents_lead_to_a_section_and_show_where_one_is(visit):
    page = visit(LESSON.stem)
    link = page.locator(".side").get_by_role("link", name="10. Pooling")
    link.click()
    expect(link).to_have_attribute("aria-current", "location")
    heading = page.get_by_role("heading", name="10. Pooling")
    expect(heading).to_be_in_viewport()
    assert page.locator('[aria-current="location"]').count() == 1
    current = page.locator('.side [aria-current="page"]')
    expect(current).to_have_text("02 Convolution and pooling")
    page.locator(".neighbours").get_by_role("link", name="01 One of everything").click()
    expect(page).to_have_title("01 One of everything")


def test_a_network_can_be_looked_into_without_python(visit):
    import torch

    torch.manual_seed(0)
    network = models.lenet5_variant().eval()
    digit = data.load().validation.images[0]

    def says(image):
        with torch.no_grad():
            shares = network(data.normalise(data.scale(image[None])))[0].softmax(0)
        return f"says {shares.argmax()} with {100 * shares.max():.1f} %"

    moved = torch.zeros_like(digit)
    moved[:, 2:] = digit[:, :-2]
    for name in ("index", "01_small"):
        page = visit(name)
        explorer = page.locator(".mc-network").first
        expect(explorer.locator(".mc-status")).to_contain_text(says(digit))
        explorer.locator(".mc-pad").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        expect(explorer.locator(".mc-status")).to_contain_text(says(moved))
    shift = page.locator(".mc-shift")
    expect(shift).to_contain_text("LeNet </script>")
    shift.get_by_role("slider", name="Right").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(shift.locator(".mc-status")).to_contain_text(f"again {says(moved)}")
    occlusion = page.locator(".mc-occlusion")
    expect(occlusion.locator(".mc-status")).to_contain_text("Nothing is covered. The network ")
    expect(occlusion.locator(".mc-status")).to_contain_text(says(digit))
    occlusion.locator(".mc-pad").focus()
    page.keyboard.press("ArrowUp")
    covered = digit.clone()
    covered[10:16, 11:17] = 0  # a patch of 6 around row 13 and column 14
    expect(occlusion.locator(".mc-status")).to_contain_text(says(covered))
    # the still pictures of these have made room; that of the kernel lab is there
    assert page.locator(".still:visible").count() == 1


# Jumps with the first slider, and tells what is shown before, two frames after, and in the end.
JUMP = """async (root, value) => {
    const frame = () => new Promise(requestAnimationFrame);
    const slider = root.querySelector('input[type="range"]');
    const shown = () => root.innerText
        + [...root.querySelectorAll("canvas")].map((one) => one.toDataURL()).join();
    const found = [shown()];
    slider.value = value;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    for (const frames of [2, 20]) {
        for (let count = 0; count < frames; count++) await frame();
        found.push(shown());
    }
    return found;
}"""


def test_a_jump_shows_within_two_frames(visit):
    explorer = visit("01_small").locator(".mc-network").first
    expect(explorer.locator(".mc-status")).to_contain_text("says")
    for value in (150, 3, 77):
        before, after_two, at_last = explorer.evaluate(JUMP, value)
        assert before != after_two == at_last


def test_a_contest_can_be_played_without_python(visit):
    page = visit("01_small", 390, "dark")
    contest = page.locator(".mc-contest")
    contest.get_by_role("button", name="1", exact=True).click()
    contest.locator(".mc-play").focus()
    page.keyboard.press("Digit2")
    page.keyboard.press("Digit3")
    expect(contest.locator(".mc-status")).to_contain_text("You agree with the label on")
    assert contest.locator("table").count() == 2
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    contest.screenshot(path=SCREENSHOTS / "site-contest-390-dark.png")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_still_has_the_colours_of_the_page(visit, scheme):
    page = visit("01_small", scheme=scheme)
    picture = page.locator(".still:visible picture")
    shown = picture.locator("img").evaluate("(image) => image.currentSrc")
    meant = {"light": "img", "dark": "source"}[scheme]
    attribute = {"light": "src", "dark": "srcset"}[scheme]
    assert shown == picture.locator(meant).get_attribute(attribute)


def test_on_paper_it_is_light_and_shows_stills(visit):
    page = visit("01_small", scheme="dark")
    expect(page.locator(".mc-status").first).to_contain_text("says")
    page.emulate_media(media="print", color_scheme="dark")
    assert luminance(page) > 200
    assert page.locator(".still:visible").count() == 6
    for gone in (".live", ".side", ".neighbours", ".top"):
        expect(page.locator(gone).first).to_be_hidden()
    page.screenshot(path=SCREENSHOTS / "site-paper.png", full_page=True)


def test_without_javascript_everything_is_there(visit):
    page = visit("01_small", 390, java_script_enabled=False)
    assert page.locator(".still:visible").count() == 6
    expect(page.locator(".side").get_by_role("link", name="2. End")).to_be_visible()
    assert page.locator('.output_area:not([tabindex="0"])').count() == 0
