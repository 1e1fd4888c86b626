"""The pages of a grading in Chromium: wide and narrow, light and dark, by keyboard, clean for axe.

The pictures are left in `screenshots/`.
"""

from pathlib import Path

import invented_marks
import pytest
from axe_playwright_python.sync_playwright import Axe

from mnist_course.exercises import EXERCISES
from mnist_course.grading import reports

SCREENSHOTS = Path(__file__).parent.parent.parent / "screenshots"
SIZES = {"wide": (1280, 900), "narrow": (390, 844)}
PAGES = ("class", "feedback")  # the latter of the student in the middle of the class
TOO_WIDE = """() => [...document.querySelectorAll('body *')]
    .filter((one) => !one.closest('.wide, pre, .unseen'))
    .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
    .map((one) => one.outerHTML.slice(0, 80))"""
FOCUSED = (
    "() => (document.activeElement.innerText || document.activeElement.ariaLabel || '').trim()"
)
# what can be reached by the Tab key, in the order of the page
REACHABLE = """() => [...document.querySelectorAll('a[href], summary, [tabindex="0"]')]
    .filter((one) => one.checkVisibility({ contentVisibilityAuto: true })).length"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The paths of the pages of a class of 30."""
    folder = tmp_path_factory.mktemp("to")
    marks = sorted(invented_marks.students(), key=lambda one: one.points)
    reports.write_all(marks, EXERCISES, folder)
    middle = marks[len(marks) // 2].key
    return {"class": folder / "class.html", "feedback": folder / "feedback" / f"{middle}.html"}


@pytest.fixture
def opened(chromium, pages):
    """Open a page as a student or teacher does, from the disk; whatever it complains of fails."""
    contexts, complaints = [], []

    def open_page(name, size="wide", scheme="light", **options):
        width, height = SIZES[size]
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        requests = []
        page.goto(pages[name].as_uri())
        assert requests == [pages[name].as_uri()]  # nothing else is fetched
        return page

    open_page.complaints = complaints
    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_and_nothing_sticks_out(opened, name, size, scheme):
    page = opened(name, size, scheme)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}-{size}-{scheme}.png", full_page=True)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate(TOO_WIDE) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_two_schemes_differ(opened):
    background = "getComputedStyle(document.body).backgroundColor"
    light, dark = (opened("class", scheme=one).evaluate(background) for one in ("light", "dark"))
    assert (light, dark) == ("rgb(255, 255, 255)", "rgb(21, 24, 27)")


@pytest.mark.parametrize("name", PAGES)
def test_the_keyboard_reaches_everything(opened, name):
    page = opened(name)
    count = page.evaluate(REACHABLE)
    assert count > 20
    reached = []
    for _ in range(count):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.matches(':focus-visible')")
        reached.append(page.evaluate(FOCUSED))
    assert all(reached)  # each says what it is
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement === document.body")  # and then it leaves the page


def test_a_link_leads_to_its_exercise(opened):
    page = opened("feedback")
    page.locator("nav a.wrong").first.click()
    target = page.locator("article.wrong h3").first
    assert page.evaluate("location.hash") == f"#{target.get_attribute('id')}"
    assert target.is_visible()


def test_print_is_dark_on_white_and_shows_closed_answers(opened):
    page = opened("feedback", scheme="dark")
    closed = page.locator("details:not([open]) pre").first
    assert not closed.is_visible()
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(26, 26, 26)"
    assert closed.is_visible()


def test_the_policy_stops_a_script_that_got_past_everything(opened):
    page = opened("feedback")
    page.evaluate("""() => {
        const script = document.createElement('script');
        script.textContent = 'window.ran = true';
        document.body.append(script);
    }""")
    assert page.evaluate("window.ran") is None
    [complaint] = opened.complaints
    assert "Content Security Policy" in complaint
    opened.complaints.clear()
