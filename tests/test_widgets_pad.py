"""The drawing pad: what is sent to the page, what is kept of what comes back, and the still."""

import json

import numpy as np
import pytest
from test_web import NODE, in_node

from mnist_course import drawing, export, web, widgets

SEVEN = [[[40, 60], [180, 60], [110, 220]]]


@pytest.fixture
def pad(lenet):
    return widgets.drawing_pad(lenet)


def page_sends(pad, content):
    pad._handle_custom_msg(content, [])


def test_the_network_is_sent_once(pad, lenet):
    description, weights = export.describe(lenet)
    assert (pad.description, pad.weights) == (description, weights)
    assert isinstance(pad.weights, bytes)


def test_a_drawing_is_kept_with_its_label(pad):
    page_sends(pad, {"keep": {"strokes": SEVEN, "label": 7, "pen": 16}})
    assert (pad.kept, pad.problem, pad.collection.labels) == (1, "", [7])
    image = pad.collection.as_part().images[0]
    assert np.array_equal(image, drawing.image_of(SEVEN, (0, 0, 280), 16))


@pytest.mark.parametrize(
    "content",
    [
        {"keep": {"strokes": [], "label": 7, "pen": 16}},
        {"keep": {"strokes": SEVEN, "label": 11, "pen": 16}},
        {"keep": {"strokes": SEVEN, "pen": 16}},
        {"keep": 3},
        {"other": 1},
    ],
)
def test_what_is_no_drawing_is_not_kept(pad, content):
    page_sends(pad, content)
    assert pad.kept == len(pad.collection) == 0
    assert pad.problem


def test_a_collection_goes_on(lenet):
    collection = drawing.Collection()
    collection.add(SEVEN, 7)
    pad = widgets.drawing_pad(lenet, collection)
    page_sends(pad, {"keep": {"strokes": SEVEN, "label": 7, "pen": 16}})
    assert (len(collection), pad.kept) == (2, 2)


def test_a_drawing_is_kept_with_its_writer(lenet):
    pad = widgets.drawing_pad(lenet, writer="李伟")
    page_sends(pad, {"keep": {"strokes": SEVEN, "label": 7, "pen": 16}})
    assert [one.writer for one in pad.collection.digits] == ["李伟"]
    with pytest.raises(drawing.DrawingError, match="a writer is a name, got 7"):
        widgets.drawing_pad(lenet, writer=7)


def test_what_is_on_the_pad_is_read_in_the_kernel(pad):
    with pytest.raises(drawing.NothingDrawn):
        pad.steps()
    pad.drawn = json.dumps({"strokes": SEVEN, "pen": 16})
    expected = drawing.from_strokes(SEVEN, (0, 0, 280), 16)
    assert np.array_equal(pad.steps().image, expected.image)


def test_a_wrong_network_or_collection_is_refused(lenet):
    with pytest.raises(drawing.DrawingError, match="expected a drawing.Collection, got list"):
        widgets.drawing_pad(lenet, [])
    with pytest.raises(widgets.ExplorerError, match="expected a network"):
        widgets.drawing_pad("lenet")


def test_a_still_picture_stands_where_widgets_cant(pad):
    bundle = pad._repr_mimebundle_()
    bundle = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "A pad to draw on" in bundle["text/plain"]
    assert bundle["text/html"].count("data:image/png") == 2


@pytest.mark.skipif(NODE is None, reason="there is no Node.js")
def test_the_modules_of_the_pad_fit_into_one():
    in_node("--check", code=web.module("draw.js"))
