"""Every lesson run in JupyterLab, and every explorer in it used as a student uses it."""

import json
import time
from pathlib import Path

import browser
import numpy as np
import pytest
from canvas import COLOURS, PLAIN, shows_maps
from playwright.sync_api import expect

SCREENSHOTS = Path(__file__).parents[2] / "screenshots"
SIZES = ((1280, 800), (1920, 1080))
THEMES = ("JupyterLab Dark", "JupyterLab Light")  # the last one is JupyterLab's default
LESSONS = sorted(path.name for path in browser.NOTEBOOKS.glob("*.ipynb"))
# What JupyterLab writes to the console by itself, whatever a notebook does.
KNOWN_COMPLAINTS = ()
# In the kernel: the explorers in the order in which they were made, and what each should show.
HELPERS = """
def _explorers():
    from ipywidgets.widgets import widget
    from mnist_course.widgets import Explorer
    return [one for one in widget._instances.values() if isinstance(one, Explorer)]

def _sliders(number):
    print(sum("Slider" in type(one).__name__ for one in _explorers()[number].controls.values()))

def _expected(number):
    import hashlib, json
    explorer = _explorers()[number]
    answer = {"settings": repr(explorer.settings), "title": explorer.title}
    answer["values"] = {
        one.description: one.value for one in explorer.controls.values() if hasattr(one, "step")
    }
    task = getattr(explorer, "task", None)
    answer["busy"] = task is not None and not task.done()
    if not answer["busy"]:
        try:
            picture = explorer.drawn()
            content = hashlib.sha256(picture.sheet.encode()).hexdigest()
            answer |= {"text": picture.text, "picture": content, "sheet": _plain(picture.sheet)}
        except Exception as error:
            answer["problem"] = str(error)
    print(json.dumps(answer))

def _ahead(number):  # how many pictures it has drawn ahead since this was asked first
    view = _explorers()[number].view
    if not hasattr(view, "drawn_ahead"):
        view.drawn_ahead, keep = 0, view.keep
        def counted(*arguments):
            keep(*arguments)
            view.drawn_ahead += 1
        view.keep = counted
    print(view.drawn_ahead)

def _frames(number):
    import json
    explorer = _explorers()[number]
    last = explorer.controls["epoch"].max
    print(json.dumps([explorer.drawn(epoch=epoch).text for epoch in range(last + 1)]))
"""
# The label of a slider of each explorer along which pictures are drawn ahead, or None.
AHEAD = """
import json
print(json.dumps([
    one.controls["position" if "position" in names else names[-1]].description if names else None
    for one in _explorers() for names in [one.ahead.names]
]))
"""
# On the page: the picture's text, each time the screen is drawn.
WATCH = """(root) => {
    window.seenFrames = [];
    window.blankFrames = 0;
    const look = () => {
        const canvas = root.querySelector('canvas');
        const text = root.querySelector('[role=status]')?.textContent;
        if (canvas?.getContext('2d').getImageData(0, 0, 1, 1).data[3] && text) {
            if (window.seenFrames.at(-1) !== text) window.seenFrames.push(text);
        } else window.blankFrames += 1;
        requestAnimationFrame(look);
    };
    look();
}"""


class Used:
    """One explorer of a notebook, as it stands on the page."""

    def __init__(self, notebook, number):
        self.notebook, self.number = notebook, number
        self.root = notebook.page.locator(".mnist-explorer").nth(number)

    def expected(self):
        """What the kernel says should be seen: settings, and text and picture, or a problem."""
        return json.loads(self.notebook.execute(f"_expected({self.number})"))

    def shows(self, expected):
        """Whether the page shows just that: every map in the theme's colours, and the text."""
        if expected["busy"]:
            return False
        if "problem" in expected:
            return expected["problem"] in self.root.locator("[role=alert]").text_content()
        if self.root.locator("[role=status]").text_content() != expected["text"]:
            return False
        named = self.notebook.page.evaluate(COLOURS)
        drawn = self.notebook.pixels(self.root.locator("canvas"))
        return shows_maps(drawn, expected["sheet"], named)

    def settle(self, seconds=20):
        """Wait until the page shows what the function draws for the settings. Returns both.

        An error's sentence is no picture: no control of a lesson's explorer may lead to one.
        """
        self.root.scroll_into_view_if_needed()  # the page leaves out what is far from the screen
        end = time.monotonic() + seconds
        while True:
            expected = self.expected()
            if self.shows(expected) and self.expected()["settings"] == expected["settings"]:
                assert "problem" not in expected, f"{expected['title']}: {expected['problem']}"
                return expected
            assert time.monotonic() < end, (
                f"{expected['title']}: the page does not show what {expected['settings']} draws; "
                f"it says {self.root.inner_text()[-300:]!r}"
            )
            self.notebook.page.wait_for_timeout(50)

    def sliders(self):
        """The explorer's sliders; all that the kernel knows are on the page."""
        found = self.root.locator(".widget-slider")
        assert found.count() == int(self.notebook.execute(f"_sliders({self.number})"))
        return [found.nth(number) for number in range(found.count())]


@pytest.fixture(scope="module", params=LESSONS)
def lesson(request, chromium, lab):
    """A lesson, opened and run to its end."""
    notebook = browser.Notebook(chromium, lab, request.param)
    notebook.run_all(seconds=400)
    notebook.execute(PLAIN + HELPERS)
    yield notebook
    notebook.close()


@pytest.fixture
def explorers(lesson):
    count = lesson.page.locator(".mnist-explorer").count()
    assert count == int(lesson.execute("print(len(_explorers()))"))
    return [Used(lesson, number) for number in range(count)]


def test_a_lesson_runs_in_jupyterlab_without_an_error(lesson):
    assert lesson.errors() == []
    counts = [cell["count"] for cell in lesson.state()["cells"]]
    assert counts == list(range(1, len(counts) + 1))
    assert [one for one in lesson.complaints if not one.startswith(KNOWN_COMPLAINTS)] == []


def test_every_explorer_shows_what_its_function_draws(lesson, explorers):
    # those that compute in the page have tests of their own: here they only have to be there
    assert explorers or lesson.page.locator(".mc-occlusion, .mc-contest, .mc-draw").count()
    for explorer in explorers:
        explorer.settle()


def test_every_control_and_picture_has_a_name_for_screen_readers(explorers):
    for explorer in explorers:
        explorer.settle()
        for slider in explorer.sliders():
            label = slider.locator(".widget-label").text_content()
            handle, readout = slider.locator("[role=slider]"), slider.locator(".widget-readout")
            assert handle.get_attribute("aria-label") == label
            number = readout.inner_text().replace("−", "-")  # what is read out is what is shown
            assert float(handle.get_attribute("aria-valuetext")) == float(number), label
            assert readout.get_attribute("role") == "textbox"  # a value can be typed in
        for choice in explorer.root.locator("select").all():
            assert choice.evaluate("(list) => list.labels[0].textContent")
        for button in explorer.root.locator("button").all():
            named = button.get_attribute("aria-label") in ("Play or pause", "Stop", "Repeat")
            assert named or button.inner_text().strip()
        assert "picture" in explorer.root.locator("canvas").get_attribute("aria-label")


def test_every_slider_moves_the_picture_by_keyboard(lesson, explorers):
    for explorer in explorers:
        before = explorer.settle()
        for slider in explorer.sliders():
            handle = slider.locator(".noUi-handle")
            if handle.get_attribute("aria-valuemin") == handle.get_attribute("aria-valuemax"):
                continue  # one place only
            handle.focus()
            at_end = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
            for _ in range(3):
                lesson.page.keyboard.press("ArrowLeft" if at_end else "ArrowRight")
            lesson.page.wait_for_timeout(50)
            after = explorer.settle()
            name = slider.inner_text()
            assert after["settings"] != before["settings"], name
            assert after["picture"] != before["picture"], name
            before = after


def test_every_slider_dragged_by_mouse_ends_on_its_last_value(lesson, explorers):
    for explorer in explorers:
        before = explorer.settle()
        for slider in explorer.sliders():
            handle = slider.locator(".noUi-handle")
            if handle.get_attribute("aria-valuemin") == handle.get_attribute("aria-valuemax"):
                continue
            slider.scroll_into_view_if_needed()
            track, grip = slider.locator(".noUi-base").bounding_box(), handle.bounding_box()
            height = grip["y"] + grip["height"] / 2
            lesson.page.mouse.move(grip["x"] + grip["width"] / 2, height)
            lesson.page.mouse.down()
            start = (grip["x"] + grip["width"] / 2 - track["x"]) / track["width"]
            for share in np.linspace(start, 0.25 if start > 0.5 else 0.8, 30):  # fast: no pause
                lesson.page.mouse.move(track["x"] + share * track["width"], height)
            lesson.page.mouse.up()
            after = explorer.settle()
            name = slider.inner_text()
            assert after["settings"] != before["settings"], name
            label = slider.locator(".widget-label").text_content()
            readout = slider.locator(".widget-readout").inner_text().replace("−", "-")
            assert round(after["values"][label], 2) == float(readout), name  # the kernel has it
            before = after


def test_the_next_picture_is_there_while_the_kernel_is_busy(lesson, explorers):
    """On the way along a slider the page shows the picture that was drawn ahead, by itself."""
    walked = json.loads(lesson.execute(AHEAD))
    for explorer, label in zip(explorers, walked, strict=True):
        if label is None:
            continue
        slider = explorer.root.locator(".widget-slider").filter(has_text=label).first
        handle = slider.locator(".noUi-handle")
        now, low, high = (
            float(handle.get_attribute(f"aria-value{edge}")) for edge in ("now", "min", "max")
        )
        if high - low < 2:
            continue  # in quick mode a training has two epochs: there is no way to walk
        key = "ArrowRight" if now < (low + high) / 2 else "ArrowLeft"
        drawn = lesson.execute(f"_ahead({explorer.number})")
        handle.focus()
        lesson.page.keyboard.press(key)
        before = explorer.settle()
        while lesson.execute(f"_ahead({explorer.number})") == drawn:
            lesson.page.wait_for_timeout(50)
        line = explorer.root.locator("[role=status]")
        with lesson.busy():
            lesson.page.keyboard.press(key)
            expect(line).not_to_have_text(before["text"], timeout=60_000)
            ahead = line.text_content()
        after = explorer.settle()
        assert after["values"][label] != before["values"][label]
        assert ahead == after["text"] != before["text"]


def test_the_scrubber_plays_every_epoch(lesson, explorers):
    """Every frame is seen, in order and as it should be, while the kernel is busy elsewhere."""
    for explorer in explorers:
        if not explorer.root.locator(".widget-play").count():
            continue
        explorer.root.locator(".widget-play + .widget-slider .noUi-handle").focus()
        lesson.page.keyboard.press("Home")
        explorer.settle()
        last = int(lesson.execute(f"print(_explorers()[{explorer.number}].controls['epoch'].max)"))
        lesson.page.evaluate(WATCH, explorer.root.element_handle())
        explorer.root.locator(".widget-play button").first.click()
        lesson.execute(f"import time; time.sleep({0.5 * last + 1.5})")
        shown = lesson.page.evaluate("window.seenFrames")
        assert shown == json.loads(lesson.execute(f"_frames({explorer.number})"))
        assert lesson.page.evaluate("window.blankFrames") == 0
        explorer.settle()


def test_every_list_changes_the_picture(explorers):
    for explorer in explorers:
        lists = explorer.root.locator("select")
        for number in range(lists.count()):
            options = lists.nth(number).locator("option").count()
            if options < 2:
                continue
            before = explorer.settle()
            chosen = lists.nth(number).evaluate("(list) => list.selectedIndex")
            lists.nth(number).select_option(index=(chosen + 1) % options)
            after = explorer.settle()
            assert after["picture"] != before["picture"], explorer.root.inner_text()


def test_nothing_went_wrong_while_the_explorers_were_used(lesson, explorers):
    assert lesson.errors() == []
    assert [one for one in lesson.complaints if not one.startswith(KNOWN_COMPLAINTS)] == []


def test_nothing_of_an_explorer_is_cut_off_and_its_screenshots_are_kept(lesson, explorers):
    """The pictures lie in screenshots/, to be looked at."""
    SCREENSHOTS.mkdir(exist_ok=True)
    for theme in THEMES:
        browser.use_theme(lesson.page, theme)
        for width, height in SIZES:
            lesson.page.set_viewport_size({"width": width, "height": height})
            for number, explorer in enumerate(explorers):
                browser.scroll_to(explorer.root)
                box = explorer.root.bounding_box()
                for part in explorer.root.locator("canvas, .widget-slider, select").all():
                    inner = part.bounding_box()
                    assert inner["x"] >= box["x"] - 1
                    assert inner["x"] + inner["width"] <= box["x"] + box["width"] + 1
                name = f"{lesson.name[:2]}-{number + 1}-{theme.split()[1].lower()}-{width}.png"
                lesson.page.screenshot(path=SCREENSHOTS / name)
