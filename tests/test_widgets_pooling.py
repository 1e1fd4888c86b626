"""The pooling lab draws what torch's pooling computes, and says why where it can't."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from mnist_course import data
from mnist_course.widgets import ExplorerError, pixels, pooling, pooling_lab

GENERATOR = torch.Generator().manual_seed(0)
IMAGES = torch.randint(0, 256, (12, 28, 28), dtype=torch.uint8, generator=GENERATOR)
PART = data.Part(IMAGES, torch.arange(12) % 10)
TORCHS = {"max": F.max_pool2d, "average": F.avg_pool2d}


def torchs(image, kind, size, stride):
    return TORCHS[kind](image[None, None].float() / 255, size, stride)[0, 0].numpy()


def drawn(picture, column, row, shape):
    """The colours of a map on the sheet, one for each of its numbers."""
    scale = pooling.SIDE // max(shape)
    x, y = pooling.LEFT[column], pooling.TOP[row]
    rows, columns = (scale * length for length in shape)
    return picture[y : y + rows, x : x + columns][scale - 1 :: scale, scale - 1 :: scale]


@pytest.mark.parametrize("kind", ["max", "average"])
@pytest.mark.parametrize("size", [1, 4, 7])
@pytest.mark.parametrize("stride", [1, 4, 7])
def test_the_pooled_map_has_the_greys_of_torchs(kind, size, stride):
    expected = torchs(IMAGES[0], kind, size, stride)
    np.testing.assert_allclose(
        pooling.pool(IMAGES[0].numpy() / np.float32(255), kind, size, stride), expected, atol=1e-6
    )
    picture = pooling.pooling_picture(IMAGES[0], kind, size, stride, 0, 0)
    for column in (0, 1):  # not shifted: both are the same
        shown = drawn(picture.pixels, column, 1, expected.shape)[..., 0].astype(float)
        assert np.abs(shown - (255 - 255 * expected)).max() <= 1.01
    assert f"keeps {expected.size} numbers of 784" in picture.text


@pytest.mark.parametrize(("right", "down"), [(-7, 0), (0, 7), (7, -7), (0, 0), (3, 1)])
def test_a_shift_moves_every_pixel_and_brings_in_zeros(right, down):
    image = IMAGES[1].numpy()
    expected = np.zeros_like(image)
    for row in range(28):
        for column in range(28):
            if 0 <= row - down < 28 and 0 <= column - right < 28:
                expected[row, column] = image[row - down, column - right]
    np.testing.assert_array_equal(pooling.shift(image, right, down), expected)
    picture = pooling.pooling_picture(IMAGES[1], "max", 2, 2, right, down).pixels
    shown = drawn(picture, 1, 0, (28, 28))[..., 0].astype(int)
    assert np.abs(shown - (255 - expected.astype(int))).max() <= 1


def test_the_difference_is_drawn_with_its_sign():
    picture = pooling.pooling_picture(IMAGES[2], "average", 4, 4, 2, 0).pixels
    before = torchs(IMAGES[2], "average", 4, 4)
    moved = torch.from_numpy(pooling.shift(IMAGES[2].numpy(), 2, 0).copy())
    after = torchs(moved, "average", 4, 4)
    colours = pixels.signed(after - before, 1, 1.0).astype(int)
    assert np.abs(drawn(picture, 2, 1, (7, 7)).astype(int) - colours).max() <= 8


def test_a_change_worked_out_by_hand():
    image = np.zeros((28, 28), np.uint8)
    image[4:6, 4:6] = 255
    # moved by 1: 2 of 4 pixels of ink leave, 2 come: 4 / 4
    # 2 × 2 windows: the largest of one was 1, now of two: a change of 1, and 1.5 on the mean
    picture = pooling.pooling_picture(image, "max", 2, 2, 1, 0)
    assert "change by 100% and the pooled map by 67%" in picture.text
    # 4 × 4 windows: still in the same one
    picture = pooling.pooling_picture(image, "max", 4, 4, 1, 0)
    assert "change by 100% and the pooled map by 0%" in picture.text
    # moved up or left by 1 instead: half of it is in the window before
    picture = pooling.pooling_picture(image, "average", 4, 4, 0, -1)
    assert "1 up, the pixels change by 100% and the pooled map by 100%" in picture.text


def test_an_empty_image_does_not_change():
    picture = pooling.pooling_picture(np.zeros((28, 28), np.uint8), right=3)
    assert "change by 0% and the pooled map by 0%" in picture.text


def test_nothing_in_common_is_200_percent():
    a, b = np.eye(2), np.eye(2)[::-1]
    assert pooling.relative_change(a, b) == 2
    assert pooling.relative_change(a, a) == 0
    empty, full = np.zeros((2, 2)), np.ones((2, 2))
    assert pooling.relative_change(empty, full) == pooling.relative_change(full, empty) == 2


@pytest.mark.parametrize("kind", ["max", "average"])
def test_no_change_is_above_200_percent(kind):
    """Also where the windows miss the one point of ink before the shift, or after it."""
    image = np.zeros((28, 28))
    image[7, 8] = 1
    moved = pooling.shift(image, 1, 1)
    changes = {
        pooling.relative_change(*(pooling.pool(each, kind, size, stride) for each in pair))
        for size in range(1, 8)
        for stride in range(1, 8)
        for pair in ((image, moved), (moved, image))
    }
    assert (min(changes), max(changes)) == (0, 2)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"image": torch.zeros(1, 28, 28, dtype=torch.uint8)}, r"got the shape \(1, 28, 28\)"),
        ({"image": torch.zeros(28, 28)}, "bytes"),
        ({"kind": "median"}, "max and average pooling, not 'median'"),
        ({"size": 0}, "size must be from 1 to 7"),
        ({"size": 8}, "size must be from 1 to 7"),
        ({"stride": 0}, "stride must be from 1 to 7"),
        ({"stride": 8}, "stride must be from 1 to 7"),
        ({"right": 8}, "shift to the right must be from -7 to 7"),
        ({"down": -8}, "shift down must be from -7 to 7"),
    ],
)
def test_what_does_not_work_is_a_sentence(change, sentence):
    with pytest.raises(ExplorerError, match=sentence):
        pooling.pooling_picture(**{"image": IMAGES[0], **change})


@pytest.mark.parametrize(
    ("name", "values"),
    [("digit", (0, 6, 11)), ("kind", ("average", "max")), ("size", (1, 3, 7)),
     ("stride", (1, 5, 7)), ("right", (-7, 0, 7)), ("down", (-7, 2, 7))],
)  # fmt: skip
def test_every_control_leads_to_the_picture_of_the_pure_function(name, values):
    lab = pooling_lab(PART)
    for value in values:
        lab.controls[name].value = value
        now = lab.settings
        expected = pooling.pooling_picture(IMAGES[now.pop("digit")], **now)
        shown = np.asarray(Image.open(io.BytesIO(lab.view.frames[0])))
        np.testing.assert_array_equal(shown, expected.pixels)
        assert lab.error is None


def test_images_without_labels_are_a_sentence():
    with pytest.raises(ExplorerError, match="images with their labels.*got Tensor"):
        pooling_lab(IMAGES)
