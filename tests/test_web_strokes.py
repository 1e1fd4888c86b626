"""Strokes to pixels in the page, compared with Python pixel by pixel, in Node.js."""

import base64
import json

import numpy as np
import pytest
from test_web import NODE, in_node

from mnist_course import drawing, web
from mnist_course.drawing import writers

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no Node.js")

FIELD = (0, 0, 280)
OPTIONS = {
    "every step": drawing.Options(),
    "black on white": drawing.Options(ink_on_black=False),
    "own pen": drawing.Options(pen=None),
    "another pen": drawing.Options(pen=4.0),
    "no box": drawing.Options(box=False),
    "no centre": drawing.Options(centre=False),
    "nothing": drawing.Options(ink_on_black=False, pen=None, box=False, centre=False),
}
PICTURES = ("drawn", "ink", "pen", "box", "image")


def in_page(strokes, options, field=FIELD, pen=20.0):
    """What `stepsOf` gives for each drawing of a list."""
    script = base64.b64encode(web.module("strokes.js").encode()).decode()
    settings = {
        "inkOnBlack": options.ink_on_black, "pen": options.pen, "box": options.box,
        "centre": options.centre,
    }  # fmt: skip
    code = f"""
    const {{ stepsOf }} = await import("data:text/javascript;base64,{script}");
    const [drawings, field, pen, options] = {json.dumps([strokes, field, pen, settings])};
    const found = drawings.map((strokes) => stepsOf(strokes, field, pen, options));
    for (const one of found) {{
      for (const name of Object.keys(one ?? {{}})) one[name] = Array.from(one[name]);
    }}
    console.log(JSON.stringify(found));
    """
    return json.loads(in_node(code=code))


@pytest.fixture(scope="module")
def written():
    return writers.write("training", 3, seed=1) + writers.write("evaluation", 3, seed=1)


@pytest.mark.parametrize("name", OPTIONS)
def test_the_page_and_python_take_the_same_steps(name, written):
    found = in_page([one.strokes for one in written], OPTIONS[name])
    for one, steps in zip(written, found, strict=True):
        expected = drawing.from_strokes(one.strokes, FIELD, 20.0, OPTIONS[name])
        assert steps["shift"] == list(expected.shift)
        for picture in PICTURES:
            here = np.array(steps[picture]).reshape(28, 28)
            # one sample of the 64 in a pixel may lie right on an edge
            assert np.abs(here - getattr(expected, picture)).max() <= 4


@pytest.mark.parametrize(
    "strokes",
    [
        [[(140.0, 140.0)]],  # a dot
        [[(10.0, 10.0), (10.0, 10.0)]],  # a pen that did not move
        [[(140.0, 20.0), (140.0, 260.0)]],
        [[(-500.0, 900.0), (700.0, -300.0)]],  # out of the field, and back in
        [[(100.0, 100.0), (104.0, 103.0)]],  # smaller than its pen
    ],
)
def test_small_and_large_drawings_are_the_same_too(strokes):
    [steps] = in_page([strokes], drawing.Options())
    expected = drawing.from_strokes(strokes, FIELD, 20.0)
    assert np.array_equal(np.array(steps["image"]).reshape(28, 28), expected.image)


@pytest.mark.parametrize("strokes", [[], [[]], [[[900.0, 900.0]]]])
def test_nothing_drawn_is_nothing(strokes):
    options = drawing.Options(box=False)
    assert in_page([strokes], options) == [None]
    with pytest.raises(drawing.NothingDrawn):
        drawing.from_strokes(strokes, FIELD, 20.0, options)
