"""Maps become the right colours, and what is written on a sheet stays on it."""

import math

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image, ImageColor, ImageDraw

from mnist_course import data, plots
from mnist_course.widgets import ExplorerError, pixels


def test_signed_values_have_the_colours_of_the_map_at_their_place():
    values = np.array([[-2.0, -1.0, 0.0, 1.0, 2.0, 9.0, -9.0]])
    colours = matplotlib.colormaps[plots.SIGNED]([0, 64, 128, 191, 255, 255, 0])
    expected = (255 * colours[:, :3]).round()
    np.testing.assert_array_equal(pixels.signed(values, limit=2)[0], expected)


def test_without_a_limit_the_largest_amount_has_the_full_colour():
    values = np.array([[-4.0, 0.5]])
    np.testing.assert_array_equal(pixels.signed(values), pixels.signed(values, limit=4))


def test_a_map_of_zeros_has_one_colour():
    assert len(np.unique(pixels.signed(np.zeros((3, 3)), scale=5).reshape(-1, 3), axis=0)) == 1


@pytest.mark.parametrize("scale", [2, 3, 8, 24])
@pytest.mark.parametrize(
    ("value", "bar"), [(1.0, False), (0.0, False), (-0.05, False), (-0.2, True), (-1.0, True)]
)
def test_a_bar_stands_on_values_clearly_below_0_alone(scale, value, bar):
    square = pixels.signed(np.array([[value]]), scale, limit=1.0)
    assert square.shape == (scale, scale, 3)
    assert (len(np.unique(square.reshape(-1, 3), axis=0)) == 2) == bar
    assert (square[-1] == square[-1, -1]).all()  # never at the lower rim
    assert scale == 2 or (square[0] == square[0, 0]).all()  # nor at the upper one


@pytest.mark.parametrize(("scale", "count"), [(1, 0), (2, 1), (3, 1), (4, 2), (8, 4)])
def test_a_bar_is_as_long_as_there_is_room(scale, count):
    square = pixels.signed(np.array([[-1.0]]), scale)
    assert (square != square[-1, -1]).any(axis=2).sum() == count


def test_grey_goes_from_white_to_black():
    values = np.array([[0.0, 2.0, 4.0, -1.0, 5.0]])
    shown = pixels.grey(values, low=0, high=4)
    assert shown[0, :, 0].tolist() == [255, 127, 0, 255, 0]
    assert (shown[..., 0] == shown[..., 2]).all()
    assert pixels.grey(values, scale=3).shape == (3, 15, 3)
    assert (pixels.grey(np.ones((2, 2)), low=1, high=1) == 255).all()  # all the same: no ink


def test_numbers_have_a_real_minus_and_no_negative_zero():
    assert pixels.number(-1.234) == "−1.23"
    assert pixels.number(-0.001) == "0.00"
    assert pixels.number(3, 0) == "3"


@pytest.mark.parametrize("anchor", ["la", "mm"])
def test_a_text_is_written_in_its_colour(anchor):
    sheet = pixels.Sheet(60, 30)
    sheet.text(30, 15, "■", 20, "#ff0000", anchor)
    assert [255, 0, 0] in sheet.pixels.reshape(-1, 3).tolist()
    white = (sheet.pixels == 255).all(axis=2)
    assert white[0].all()
    assert white[:, 0].all()


@pytest.mark.parametrize("anchor", ["la", "mm"])
@pytest.mark.parametrize("text", ["−12.05", "0.99 × −1.00 = −0.99", "7"])
def test_numbers_put_together_from_letters_look_as_pillow_writes_them(text, anchor):
    sheet = pixels.Sheet(240, 40)
    sheet.text(120, 20, text, 12, "#000000", anchor)
    whole = Image.new("RGB", (240, 40), "white")
    ImageDraw.Draw(whole).text((120, 20), text, "black", pixels.font(12), anchor)
    ours, pillows = (
        np.argwhere(np.asarray(image)[..., 0] < 128) for image in (sheet.pixels, whole)
    )
    assert np.abs(ours.min(axis=0) - pillows.min(axis=0)).max() <= 1
    assert np.abs(ours.max(axis=0) - pillows.max(axis=0)).max() <= 1
    assert abs(len(ours) - len(pillows)) <= 0.05 * len(pillows)


def test_an_empty_text_writes_nothing():
    sheet = pixels.Sheet(20, 20)
    sheet.text(10, 10, "")
    assert (sheet.pixels == 255).all()


@pytest.mark.parametrize("place", [(-5, -5), (55, 25), (200, 200), (-200, 3)])
def test_what_reaches_beyond_the_sheet_is_cut_off(place):
    sheet = pixels.Sheet(60, 30)
    sheet.text(*place, "text", 20)
    sheet.frame(*place, 20, 20)
    assert sheet.pixels.shape == (30, 60, 3)


def test_what_is_no_number_is_grey_and_the_others_keep_their_colours():
    values = np.array([[-1.0, -np.inf, 0.5], [np.nan, 0.0, 1.0]])
    finite = np.isfinite(values)
    known = np.where(finite, values, 0)
    for painted, alone in (
        (pixels.signed(values), pixels.signed(known)),
        (pixels.grey(values, 1, -1, 1), pixels.grey(known, 1, -1, 1)),
    ):
        np.testing.assert_array_equal(painted[finite], alone[finite])
        assert (painted[~finite] == pixels.NOTHING).all()
    assert pixels.number(-np.inf) == "−∞"
    assert pixels.number(np.nan) == "–"
    sheet = pixels.Sheet(150, 60)
    sheet.numbers(values, 0, 0, cell=(40, 20))
    assert sheet.pixels[2, 42].tolist() == list(pixels.NOTHING)
    assert sheet.pixels[2, 2].tolist() == pixels.signed(known)[0, 0].tolist()


def part(images, labels):
    return data.Part(
        torch.zeros(images, 28, 28, dtype=torch.uint8), torch.zeros(labels, dtype=torch.int64)
    )


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (part(0, 0), "got 0 images and 0 labels"),
        (part(3, 5), "got 3 images and 5 labels"),
        (None, "got NoneType"),
        (torch.zeros(3, 28, 28), "got Tensor"),
        (part(3, 3)[0], "got a single image"),
    ],
)
def test_a_part_needs_images_and_as_many_labels(given, sentence):
    with pytest.raises(ExplorerError, match=sentence):
        pixels.check_part(given)


@pytest.mark.parametrize("value", [-1, 4, 1.5, math.nan, "2", None])
def test_a_setting_that_must_be_whole_is_checked(value):
    pixels.check_whole("stride", np.int64(3), 0, 3)
    with pytest.raises(ExplorerError, match=f"from 0 to 3, got {value!r}"):
        pixels.check_whole("stride", value, 0, 3)


def test_a_map_is_pasted_with_a_line_around_it():
    sheet = pixels.Sheet(10, 10)
    sheet.paste(np.zeros((3, 4, 3), np.uint8), 2, 5)
    assert (sheet.pixels[5:8, 2:6] == 0).all()
    assert sheet.pixels[4, 1].tolist() == sheet.pixels[8, 6].tolist() == [0xB0] * 3
    assert (sheet.pixels[:4] == 255).all()


def test_ink_can_be_read_on_every_colour():
    assert pixels.ink_on(np.array([255, 255, 255])) == "#000000"
    assert pixels.ink_on(np.array([0, 0, 0])) == pixels.PAPER
    for colour in pixels.signed(np.linspace(-1, 1, 41)[None])[0]:
        ink = ImageColor.getrgb(pixels.ink_on(colour))
        assert contrast(ink, colour) >= 4.5, colour  # what WCAG asks for


def contrast(one, other):
    """The contrast ratio of two colours. Source: WCAG 2.1, section 1.4.3."""

    def luminance(colour):
        share = np.asarray(colour) / 255
        linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        return linear @ (0.2126, 0.7152, 0.0722)

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
