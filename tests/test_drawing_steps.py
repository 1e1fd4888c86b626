"""Strokes to 28×28 pixels, against sums by hand and against MNIST's own proportions."""

import math

import numpy as np
import pytest

from mnist_course import drawing
from mnist_course.drawing import steps

FIELD = (0, 0, 280)
LINE = [[(140.0, 40.0), (140.0, 240.0)]]


def ink_box(image):
    """(top, bottom, left, right) of the ink: first row and last, first column and last."""
    rows, columns = (np.flatnonzero(image.any(axis=axis)) for axis in (1, 0))
    return rows[0], rows[-1], columns[0], columns[-1]


def disc(radius, x, y):
    """The share of each pixel that a disc covers, by many samples: (28, 28)."""
    fine = (np.arange(28 * 40) + 0.5) / 40
    inside = (fine[None] - x) ** 2 + (fine[:, None] - y) ** 2 <= radius**2
    return inside.reshape(28, 40, 28, 40).mean(axis=(1, 3))


def test_a_dot_is_a_disc_as_wide_as_the_pen():
    image = drawing.image_of([[(7.0, 7.0)]])
    assert image.sum() / 255 == pytest.approx(math.pi * 1.3**2, rel=0.03)
    drawn = steps.render([np.array([[10.0, 9.0]])], 3.0)
    assert np.abs(drawn / 255 - disc(3.0, 10, 9)).max() < 0.06


def test_a_line_is_as_wide_as_the_pen_and_as_long_as_the_box():
    for pen in (1.0, 2.6, 4.0):
        image = drawing.image_of(LINE, FIELD, 20, drawing.Options(pen=pen))
        top, bottom, *_ = ink_box(image)
        assert bottom - top + 1 == 20
        assert image[13].sum() / 255 == pytest.approx(pen, abs=0.13)  # a sample is an eighth
    own = drawing.image_of(LINE, FIELD, 20, drawing.Options(pen=None))
    assert own[13].sum() / 255 == pytest.approx(20 * 20 / 220, abs=0.13)


@pytest.mark.parametrize(
    "strokes",
    [
        LINE,
        [[(0.0, 0.0), (300.0, 20.0)]],
        [[(10.0, 10.0), (50.0, 200.0), (90.0, 10.0)]],
        [[(1e6, 1e6), (1e6 + 5, 1e6 + 3)]],
        [[(-1e8, 0.0), (1e8, 1e8)]],
    ],
)
def test_ink_fits_into_the_box_and_its_mass_lies_in_the_middle(strokes):
    image = drawing.image_of(strokes)
    top, bottom, left, right = ink_box(image)
    assert max(bottom - top, right - left) + 1 == 20
    mass = image / image.sum()
    for axis in (0, 1):
        centre = (mass.sum(axis=1 - axis) * np.arange(28)).sum()
        assert 13.5 - 1e-9 <= centre < 14.5 + 1e-9


def test_mnist_itself_follows_the_same_rules(digits):
    images = digits.validation.images.numpy()
    sizes = [max(box[1] - box[0], box[3] - box[2]) + 1 for box in map(ink_box, images)]
    assert np.mean(np.array(sizes) == 20) > 0.999
    still = [steps.centre_shift(image) == (0, 0) for image in images]
    assert np.mean(still) > 0.999


def test_where_and_how_large_one_draws_changes_nothing():
    seven = np.array([(40.0, 60.0), (180.0, 60.0), (110.0, 220.0)])
    first = drawing.image_of([seven], FIELD, 20)
    for factor, place in ((0.5, (0, 0)), (1.0, (60, 30)), (8.0, (-900, 1e4))):
        again = drawing.image_of([seven * factor + place], pen=20 * factor)
        assert np.abs(again.astype(int) - first).max() <= 4


def test_each_step_is_left_out_alone():
    strokes = [[(20.0, 30.0), (120.0, 40.0), (30.0, 150.0)]]
    every = drawing.from_strokes(strokes, FIELD, 14)
    assert list(every.pictures()) == ["drawn", "ink", "pen", "box", "image"]
    assert np.array_equal(every.drawn, 255 - every.ink)
    white = drawing.from_strokes(strokes, FIELD, 14, drawing.Options(ink_on_black=False))
    assert np.array_equal(white.image, 255 - every.image)
    assert np.array_equal(white.drawn, every.drawn)
    thick = drawing.from_strokes(strokes, FIELD, 14, drawing.Options(pen=None))
    assert np.array_equal(thick.pen, thick.ink)
    flat = drawing.from_strokes(strokes, FIELD, 14, drawing.Options(box=False))
    assert np.array_equal(flat.box, flat.pen)
    still = drawing.from_strokes(strokes, FIELD, 14, drawing.Options(centre=False))
    assert np.array_equal(still.image, still.box)
    assert still.shift == (0, 0)
    assert np.array_equal(every.image, np.roll(every.box, every.shift, axis=(0, 1)))


def test_the_last_picture_alone_is_the_same():
    strokes = [[(20.0, 30.0), (120.0, 40.0), (30.0, 150.0)]]
    for options in (drawing.Options(), drawing.Options(pen=None), drawing.Options(box=False)):
        whole = drawing.from_strokes(strokes, FIELD, 14, options)
        assert np.array_equal(drawing.image_of(strokes, FIELD, 14, options), whole.image)


@pytest.mark.parametrize("strokes", [[], [[]], [[], []], np.zeros((0, 2)), iter([])])
def test_an_empty_drawing_is_refused(strokes):
    with pytest.raises(drawing.NothingDrawn, match="Nothing drawn"):
        drawing.from_strokes(strokes)


def test_ink_outside_of_the_field_is_nothing_where_the_field_is_shrunk():
    with pytest.raises(drawing.NothingDrawn, match="in the field"):
        drawing.from_strokes([[(900.0, 900.0)]], FIELD, 20, drawing.Options(box=False))


@pytest.mark.parametrize(
    ("strokes", "sentence"),
    [
        (None, "expected strokes"),
        (7, "expected strokes"),
        ("123", r"\(N, 2\)|expected strokes"),
        ([[("a", "b")]], "expected strokes"),
        ([[(1, 2, 3)]], r"shape \(1, 3\)"),
        ([(1, 2)], r"shape \(2,\)"),
        ([[(1, math.nan)]], "no number"),
        ([[(1, math.inf)]], "no number"),
        ([[(1e300, 1)]], "farther than"),
        ([[(10**400, 1)]], "expected strokes"),
        ([[(0, 0)] * 20_001], "at most 20,000 points"),
        ([[(0, 0), (200, 280), (280, 0)] * 6000], "to and fro"),
        ([[(1, 2), (3,)]], "expected strokes"),
    ],
)
def test_what_is_no_drawing_is_refused(strokes, sentence):
    with pytest.raises(drawing.DrawingError, match=sentence):
        drawing.from_strokes(strokes, FIELD)


@pytest.mark.parametrize("pen", [0, -1, math.nan, math.inf, "wide", True, 1e300])
def test_a_pen_has_a_width(pen):
    with pytest.raises(drawing.DrawingError, match="the pen must have a width"):
        drawing.from_strokes(LINE, FIELD, pen)


@pytest.mark.parametrize("field", [(0, 0), (0, 0, 0), (math.nan, 0, 1), 3, "abc", (0, 0, -5)])
def test_a_field_is_a_square(field):
    with pytest.raises(drawing.DrawingError, match="field"):
        drawing.from_strokes(LINE, field)


@pytest.mark.parametrize(
    "setting", [{"pen": 0}, {"pen": 11}, {"pen": math.nan}, {"box": 1}, {"centre": "no"}]
)
def test_an_option_that_cant_be_is_refused(setting):
    with pytest.raises(drawing.DrawingError, match=next(iter(setting))):
        drawing.Options(**setting)
