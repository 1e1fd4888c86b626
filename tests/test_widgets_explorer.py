"""An explorer shows what its function draws: always the last change, and every error."""

import asyncio
import base64
import io
import threading
import time

import ipywidgets
import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image
from sheets import decoded

from mnist_course.widgets import (
    Explorer,
    ExplorerError,
    Picture,
    ahead,
    controls,
    picture,
    pixels,
)


def decode(frame):
    """The levels of a frame that holds one map and nothing else."""
    plain, content = decoded(frame)
    [item] = plain["items"]
    return np.frombuffer(content, np.uint8).reshape(item["rows"], item["columns"])


def square(level, size):
    """A grey square: the simplest drawing function."""
    if level == 13:
        raise ExplorerError("13 brings bad luck: choose another level")
    if level == 14:
        raise ZeroDivisionError("fourteen <b>")
    return Picture(one_map(level, size), f"grey {level}, <size {size}>")


def one_map(level, size):
    """A sheet with nothing but a map of one level."""
    sheet = pixels.Sheet(size, size)
    sheet.paste(pixels.Map(np.full((size, size), level, np.uint8), "grey"), 0, 0, line=False)
    return sheet


@pytest.fixture
def explorer():
    controls = {"level": ipywidgets.IntSlider(20, 0, 255), "size": ipywidgets.IntSlider(4, 1, 9)}
    return Explorer(square, controls, title="Square")


@pytest.mark.parametrize(("level", "size"), [(0, 1), (128, 4), (255, 9)])
def test_a_slider_changes_the_picture(explorer, level, size):
    explorer.controls["level"].value = level
    explorer.controls["size"].value = size
    np.testing.assert_array_equal(
        decode(explorer.view.frames[0]), np.full((size, size), level, np.uint8)
    )
    assert explorer.view.texts[0] == f"grey {level}, <size {size}>"


def test_a_message_of_the_front_end_changes_the_picture(explorer):
    explorer.controls["level"].set_state({"value": 99})
    assert decode(explorer.view.frames[0])[0, 0] == 99


def test_a_foreseen_error_is_a_sentence(explorer):
    explorer.controls["level"].value = 13
    assert "13 brings bad luck" in explorer.problem.value
    assert "Traceback" not in explorer.problem.value
    assert isinstance(explorer.error, ExplorerError)
    assert explorer.view.stale


def test_an_error_stands_between_controls_and_picture(explorer):
    """Below a high picture it would be off the screen."""
    unseen, heading, arrangement, problem, view = explorer.children
    assert "Square" in heading.value
    assert (problem, view) == (explorer.problem, explorer.view)
    [row] = arrangement.children
    assert row.children == tuple(explorer.controls.values())


def test_another_error_is_a_sentence_with_its_traceback(explorer):
    explorer.controls["level"].value = 14
    assert "ZeroDivisionError: fourteen &lt;b&gt;" in explorer.problem.value
    assert "Traceback" in explorer.problem.value
    assert "in square" in explorer.problem.value


def test_after_an_error_the_next_picture_is_shown_as_ever(explorer):
    explorer.controls["level"].value = 13
    explorer.controls["level"].value = 12
    assert (explorer.error, explorer.problem.value) == (None, "")
    assert not explorer.view.stale
    assert decode(explorer.view.frames[0])[0, 0] == 12


def test_an_unforeseen_error_in_the_first_picture_fails_the_cell():
    with pytest.raises(ZeroDivisionError):
        Explorer(square, {"level": ipywidgets.IntSlider(14), "size": ipywidgets.IntSlider(4)}, "")


def test_a_foreseen_one_in_the_first_picture_is_shown():
    controls = {"level": ipywidgets.IntSlider(13), "size": ipywidgets.IntSlider(4)}
    broken = Explorer(square, controls, "Square")
    assert "13 brings bad luck" in broken.problem.value
    assert "13 brings bad luck" in broken._repr_mimebundle_()["text/html"]


def test_a_notebook_shows_the_sentence_alone():
    assert ExplorerError("do this").args == ("do this",)
    assert ExplorerError("do this")._render_traceback_() == ["do this"]


def test_the_output_carries_a_still_picture_with_a_text(explorer):
    first = explorer.picture.pixels
    explorer.controls["level"].value = 200
    bundle = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    still = np.asarray(Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))))
    assert np.array_equal(still[::2, ::2], first)  # twice as large, for sharp letters
    assert 'alt="Square: grey 20, &lt;size 4&gt;"' in bundle["text/html"]
    assert bundle["text/plain"] == "Square: grey 20, <size 4>"


def test_adjusting_one_control_to_another_makes_one_picture():
    controls = {"level": ipywidgets.IntSlider(20, 0, 255), "size": ipywidgets.IntSlider(4, 1, 9)}

    def adjust():
        controls["level"].max = 20 * controls["size"].value

    explorer = Explorer(square, controls, "Square", adjust=adjust)
    controls["level"].value = 80
    pictures = []
    explorer.view.observe(lambda change: pictures.append(decode(change.new[0])), "frames")
    controls["size"].value = 2
    assert len(pictures) == 1
    assert pictures[0].shape == (2, 2)
    assert pictures[0][0, 0] == controls["level"].value == 40


@pytest.fixture
def walker():
    """An explorer whose level is walked along, and what it has given the page for later."""
    controls = {"level": ipywidgets.IntSlider(20, 0, 99), "size": ipywidgets.IntSlider(4, 1, 9)}
    explorer = Explorer(square, controls, title="Square", ahead=("level",))
    explorer.kept = []
    explorer.view.send = lambda content, buffers: explorer.kept.append((content, buffers))
    return explorer


def walk(explorer, *moves, pause=5 * ahead.PAUSE):
    """Move controls, as messages of a page do: in the kernel's loop."""

    async def moved():
        for name, value in moves:
            explorer.controls[name].value = value
            await asyncio.sleep(pause)
        await asyncio.sleep(5 * ahead.PAUSE)

    asyncio.run(moved())
    return [content["state"] for content, _ in explorer.kept]


def test_the_next_picture_of_a_walk_is_given_to_the_page_ahead(walker):
    assert walk(walker, ("level", 21), ("level", 24), ("level", 22)) == [[22, 4], [27, 4], [20, 4]]
    content, [file] = walker.kept[0]
    assert file == square(22, 4).sheet.encode()
    assert content["text"] == square(22, 4).text
    assert walker.picture.text == square(22, 4).text  # what is shown is what was asked for
    assert walker.view.states == [[22, 4]]
    assert walker.view.controls == list(walker.controls.values())


def test_in_a_hurry_only_the_last_next_picture_is_drawn(walker):
    assert walk(walker, *(("level", level) for level in range(40, 60)), pause=0) == [[60, 4]]


@pytest.mark.parametrize("move", [("level", 99), ("level", 0), ("size", 5), ("level", 12)])
def test_no_picture_is_drawn_ahead_beyond_the_end_along_others_or_where_it_fails(walker, move):
    if move == ("level", 12):
        walker.controls["level"].value = 11  # the next one is 13
    if move == ("level", 0):
        walker.controls["level"].value = 1
    assert walk(walker, move) == []
    assert walker.error is None


def test_a_slider_of_broken_numbers_is_walked_by_its_steps():
    def draw(share):
        return square(round(100 * share), 1)

    slider = ipywidgets.FloatSlider(0.1, min=0, max=1, step=0.1)
    explorer = Explorer(draw, {"share": slider}, "Share", ahead=("share",))
    explorer.kept = []
    explorer.view.send = lambda content, buffers: explorer.kept.append((content, buffers))
    assert walk(explorer, ("share", 0.2)) == [[0.3]]


def test_outside_a_notebook_nothing_is_drawn_ahead(walker):
    walker.controls["level"].value = 30
    assert walker.kept == []


def test_the_last_change_wins_when_callbacks_come_from_many_threads():
    calls = []

    def slow(level):
        time.sleep(0.002)
        calls.append(level)
        return Picture(one_map(level, 1), str(level))

    level = ipywidgets.IntSlider(0, 0, 255)
    explorer = Explorer(slow, {"level": level}, "Slow")
    started = threading.Barrier(8)

    def drag(thread):
        started.wait()
        for value in range(25):
            level.value = 8 * value + thread

    threads = [threading.Thread(target=drag, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert decode(explorer.view.frames[0])[0, 0] == level.value
    assert explorer.view.texts[0] == str(level.value)
    assert len(calls) <= 1 + 200


def test_no_widget_is_made_and_no_figure_opened_by_moving_a_slider(explorer):
    widgets_before = len(ipywidgets.widget._instances)
    figures_before = plt.get_fignums()
    for level in range(100, 200):
        explorer.controls["level"].value = level
    assert len(ipywidgets.widget._instances) == widgets_before
    assert plt.get_fignums() == figures_before


def test_each_explorer_brings_what_names_its_sliders_on_the_page(explorer):
    unseen = explorer.children[0]
    assert unseen.layout.display == "none"
    assert isinstance(unseen.children[0], picture.Names)
    assert "mnist-explorer" in explorer._dom_classes
    assert "mnist-problem" in explorer.problem._dom_classes


@pytest.mark.parametrize(
    ("position", "before", "after", "expected"),
    [(0, (28, 28), (10, 10), 0), (14 * 28 + 14, (28, 28), (10, 10), 55),
     (783, (28, 28), (10, 10), 99), (99, (10, 10), (28, 28), 25 * 28 + 25),
     (3 * 5 + 4, (4, 5), (8, 10), 6 * 10 + 8)],
)  # fmt: skip
def test_a_place_is_found_again_in_a_map_of_another_size(position, before, after, expected):
    assert controls.same_place(position, before, after) == expected


def test_sliders_have_labels():
    whole = controls.slider("Digit", 3, 0, 9, help="which image")
    assert isinstance(whole, ipywidgets.IntSlider)
    assert (whole.description, whole.tooltip) == ("Digit", "Digit: which image")
    assert isinstance(controls.slider("Share", 0.5, 0.0, 1.0, 0.1), ipywidgets.FloatSlider)
    assert controls.dropdown("Kind", ["max", "average"]).value == "max"


def test_a_list_of_numbers_is_walked_in_all_of_them():
    def draw(numbers):
        return square(round(sum(numbers)), 1)

    numbers = ipywidgets.FloatsInput(value=[1.0, 2.0, 3.0], min=-5, max=5)
    explorer = Explorer(draw, {"numbers": numbers}, "Numbers", ahead=("numbers",))
    explorer.kept = []
    explorer.view.send = lambda content, buffers: explorer.kept.append((content, buffers))
    assert walk(explorer, ("numbers", [1.0, 2.5, 3.0])) == [[[1.0, 3.0, 3.0]]]
    assert walk(explorer, ("numbers", [1.0, 4.9, 3.0])) == [[[1.0, 3.0, 3.0]]]  # 7.3 is too much
