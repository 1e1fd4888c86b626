"""Maps become the right colours, and what is written on a sheet stays on it."""

import json
import math

import numpy as np
import pytest
import torch
from sheets import colour, decoded, map_pixels

from mnist_course import data
from mnist_course.widgets import ExplorerError, pixels, raster

PALETTES = ("grey", "signed")


def test_signed_values_have_the_levels_of_their_share():
    values = np.array([[-2.0, -1.0, 0.0, 1.0, 2.0, 9.0, -9.0]])
    assert pixels.signed(values, limit=2).levels.tolist() == [[0, 64, 127, 190, 254, 254, 0]]


def test_without_a_limit_the_largest_amount_has_the_full_colour():
    values = np.array([[-4.0, 0.5]])
    given = pixels.signed(values, limit=4).levels
    np.testing.assert_array_equal(pixels.signed(values).levels, given)


def test_a_map_of_zeros_has_one_colour():
    drawn = map_pixels(pixels.signed(np.zeros((3, 3)), scale=5))
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) == 1


@pytest.mark.parametrize("theme", raster.THEMES)
def test_levels_go_through_the_colours_of_the_theme(theme):
    signed = raster.scale_of("signed", theme)
    for level, name in ((0, "negative"), (127, "paper"), (254, "positive")):
        assert signed[level].tolist() == list(colour(name, theme))
    for level, name in ((63, "negative-soft"), (191, "positive-soft")):  # half a step beside it
        assert np.abs(signed[level].astype(int) - colour(name, theme)).max() <= 1
    grey = raster.scale_of("grey", theme)
    assert [grey[0].tolist(), grey[254].tolist()] == [
        list(colour("paper", theme)), list(colour("ink", theme)),
    ]  # fmt: skip
    assert grey[255].tolist() == signed[255].tolist() == list(colour("line", theme))
    middle = np.mean([colour("paper", theme), colour("ink", theme)], axis=0)
    assert np.abs(grey[127] - middle).max() <= 1


@pytest.mark.parametrize("scale", [5, 8, 24])
@pytest.mark.parametrize(
    ("value", "bar"), [(1.0, False), (0.0, False), (-0.2, False), (-0.3, True), (-1.0, True)]
)
def test_a_bar_stands_on_values_clearly_below_0_alone(scale, value, bar):
    square = map_pixels(pixels.signed(np.array([[value]]), scale, limit=1.0))
    assert square.shape == (scale, scale, 3)
    assert (len(np.unique(square.reshape(-1, 3), axis=0)) == 2) == bar
    for rim in (0, -1):
        assert (square[rim] == square[0, 0]).all()


@pytest.mark.parametrize(("scale", "count"), [(1, 0), (4, 0), (5, 2), (8, 4), (24, 48)])
def test_a_bar_is_as_long_as_there_is_room(scale, count):
    square = map_pixels(pixels.signed(np.array([[-1.0]]), scale))
    assert (square != square[-1, -1]).any(axis=2).sum() == count


def test_grey_goes_from_paper_to_ink():
    values = np.array([[0.0, 2.0, 4.0, -1.0, 5.0]])
    shown = pixels.grey(values, low=0, high=4)
    assert shown.levels.tolist() == [[0, 127, 254, 0, 254]]
    assert map_pixels(pixels.grey(values, scale=3)).shape == (3, 15, 3)
    assert not pixels.grey(np.ones((2, 2)), low=1, high=1).levels.any()  # all the same: no ink


def test_numbers_have_a_real_minus_and_no_negative_zero():
    assert pixels.number(-1.234) == "−1.23"
    assert pixels.number(-0.001) == "0.00"
    assert pixels.number(3, 0) == "3"


@pytest.mark.parametrize("theme", raster.THEMES)
@pytest.mark.parametrize("anchor", ["la", "mm"])
def test_a_text_is_written_in_its_colour(anchor, theme):
    sheet = pixels.Sheet(60, 30)
    sheet.text(30, 15, "■", 20, pixels.RED, anchor)
    drawn = raster.draw(sheet, theme)
    assert list(colour("warning", theme)) in drawn.reshape(-1, 3).tolist()
    paper = (drawn == colour("paper", theme)).all(axis=2)
    assert paper[0].all()
    assert paper[:, 0].all()


@pytest.mark.parametrize("place", [(-5, -5), (55, 25), (200, 200), (-200, 3)])
def test_what_reaches_beyond_the_sheet_is_cut_off(place):
    sheet = pixels.Sheet(60, 30)
    sheet.text(*place, "text", 20)
    sheet.frame(*place, 20, 20)
    sheet.fill(*place, 20, 20, pixels.INK, 0.5)
    sheet.paste(pixels.grey(np.ones((3, 3)), 9), *place)
    assert raster.draw(sheet).shape == (30, 60, 3)


@pytest.mark.parametrize("zoom", [1, 2, 3])
def test_shapes_stand_where_they_are_put(zoom):
    sheet = pixels.Sheet(40, 30)
    sheet.fill(2, 3, 10, 5, pixels.INK)
    sheet.frame(20, 3, 10, 8, pixels.MARK, 1)
    sheet.dot(8, 20, 4, pixels.RED)
    sheet.line([(20, 20), (36, 20)], pixels.INK, 2)
    drawn = raster.draw(sheet, zoom=zoom)

    def box(name):
        found = np.argwhere((drawn == colour(name)).all(axis=2)) / zoom
        return np.concatenate([found.min(axis=0), found.max(axis=0) + 1 / zoom])

    assert box("accent").tolist() == [3, 20, 11, 30]
    assert np.abs(box("warning") - [16, 4, 24, 12]).max() <= 1
    assert np.abs(box("ink") - [3, 2, 21, 36]).max() <= 1
    inside = drawn[7 * zoom, 25 * zoom]
    assert inside.tolist() == list(colour("paper"))  # a frame is hollow


def test_an_area_lets_through_what_is_below():
    sheet = pixels.Sheet(20, 20)
    sheet.line([(0, 0), (20, 0), (20, 20), (0, 20)], pixels.INK, fill=True, alpha=0.5)
    middle = np.mean([colour("paper"), colour("ink")], axis=0)
    assert np.abs(raster.draw(sheet)[10, 10] - middle).max() <= 1


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ((), [(0, 10)]),
        ((4, 2), [(0, 4), (6, 10)]),
        ((3, 3), [(0, 3), (6, 9)]),
        ((20, 1), [(0, 10)]),
    ],
)
def test_a_dashed_line_has_its_pattern(pattern, expected):
    pieces = raster._dashes([(0, 0), (5, 0), (10, 0)], pattern)
    joined = []  # a dash that goes around a corner is drawn in two pieces
    for piece in pieces:
        start, end = piece[0][0], piece[-1][0]
        if joined and joined[-1][1] == pytest.approx(start):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    assert np.ravel(joined) == pytest.approx(np.ravel(expected))


def test_what_is_no_number_has_a_colour_of_its_own_and_the_others_keep_theirs():
    values = np.array([[-1.0, -np.inf, 0.5], [np.nan, 0.0, 1.0]])
    finite = np.isfinite(values)
    known = np.where(finite, values, 0)
    for painted, alone in (
        (pixels.signed(values), pixels.signed(known)),
        (pixels.grey(values, 1, -1, 1), pixels.grey(known, 1, -1, 1)),
    ):
        np.testing.assert_array_equal(painted.levels[finite], alone.levels[finite])
        assert (painted.levels[~finite] == pixels.NOTHING).all()
    assert pixels.number(-np.inf) == "−∞"
    assert pixels.number(np.nan) == "–"
    sheet = pixels.Sheet(150, 60)
    sheet.numbers(values, 0, 0, cell=(40, 20))
    drawn = raster.draw(sheet)
    assert drawn[2, 42].tolist() == list(colour("line"))
    assert drawn[2, 2].tolist() == list(colour("negative"))


def test_a_page_reads_what_a_sheet_holds():
    sheet = pixels.Sheet(50, 40)
    sheet.paste(pixels.grey(np.eye(3)), 5, 6)
    sheet.text(1, 2, "− Ziffer", bold=True)
    sheet.paste(pixels.signed(np.array([[-1.0, 1.0]])), 20, 6)
    sheet.point(5, 6, 3, 3, (1, 1), "position", "Place")
    plain, content = decoded(sheet.encode())
    assert plain["items"] == sheet.items
    assert plain["regions"] == sheet.regions
    assert (plain["width"], plain["height"]) == (50, 40)
    places = [item["at"] for item in plain["items"] if item["kind"] == "map"]
    assert [content[place] for place in places] == [254, 0]
    assert len(content) == 9 + 2
    json.dumps(plain, allow_nan=False)


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
    sheet.paste(pixels.Map(np.full((3, 4), pixels.FULL, np.uint8), "grey"), 2, 5)
    drawn = raster.draw(sheet)
    assert (drawn[5:8, 2:6] == colour("ink")).all()
    assert drawn[4, 1].tolist() == drawn[8, 6].tolist() == list(colour("line"))
    assert (drawn[:4] == 255).all()


@pytest.mark.parametrize("theme", raster.THEMES)
@pytest.mark.parametrize("palette", PALETTES)
def test_ink_can_be_read_on_every_colour(palette, theme):
    for tint in raster.scale_of(palette, theme):
        assert contrast(raster.ink_on(tint), tint) >= 4.5, tint  # what WCAG asks for


@pytest.mark.parametrize("theme", raster.THEMES)
def test_words_and_marks_can_be_read_on_paper(theme):
    for name in (pixels.INK, pixels.SOFT, pixels.RED):
        assert contrast(colour(name, theme), colour("paper", theme)) >= 4.5, name
    layers = [name for name in raster.colours(theme) if name.startswith("layer-")]
    assert len(layers) == 9
    for name in (pixels.MARK, pixels.ORANGE, "negative", *layers):  # lines and shapes
        assert contrast(colour(name, theme), colour("paper", theme)) >= 3, name


def contrast(one, other):
    """The contrast ratio of two colours. Source: WCAG 2.1, section 1.4.3."""

    def luminance(colour):
        share = np.asarray(colour) / 255
        linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        return linear @ (0.2126, 0.7152, 0.0722)

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
