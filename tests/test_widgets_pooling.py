"""The pooling lab draws what torch's pooling computes, and says why where it can't."""

import numpy as np
import pytest
import torch
from sheets import frames, map_at, shows
from torch.nn import functional as F

from mnist_course import augment, data
from mnist_course.widgets import ExplorerError, pixels, pooling, pooling_lab

GENERATOR = torch.Generator().manual_seed(0)
IMAGES = torch.randint(0, 256, (12, 28, 28), dtype=torch.uint8, generator=GENERATOR)
PART = data.Part(IMAGES, torch.arange(12) % 10)
TORCHS = {"max": F.max_pool2d, "average": F.avg_pool2d}


def torchs(image, kind, size, stride):
    return TORCHS[kind](image[None, None].float() / 255, size, stride)[0, 0].numpy()


def drawn(picture, column, row):
    """The levels of a map on the sheet, one for each of its numbers."""
    return map_at(picture, pooling.LEFT[column], pooling.TOP[row]).astype(float)


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
        assert np.abs(drawn(picture, column, 1) - pixels.FULL * expected).max() <= 0.51
    left = f"so that {expected.size} numbers are left of 784"
    assert left in picture.text


@pytest.mark.parametrize(("right", "down"), [(-7, 0), (0, 7), (7, -7), (0, 0), (3, 1)])
def test_a_shift_moves_every_pixel_and_brings_in_zeros(right, down):
    image = IMAGES[1].numpy()
    expected = np.zeros_like(image)
    for row in range(28):
        for column in range(28):
            if 0 <= row - down < 28 and 0 <= column - right < 28:
                expected[row, column] = image[row - down, column - right]
    np.testing.assert_array_equal(augment.shift(IMAGES[1], right, down).numpy(), expected)
    picture = pooling.pooling_picture(IMAGES[1], "max", 2, 2, right, down)
    assert np.abs(drawn(picture, 1, 0) - pixels.FULL / 255 * expected).max() <= 0.51


def test_the_difference_is_drawn_with_its_sign():
    picture = pooling.pooling_picture(IMAGES[2], "average", 4, 4, 2, 0)
    before = torchs(IMAGES[2], "average", 4, 4)
    moved = augment.shift(IMAGES[2], 2, 0)
    after = torchs(moved, "average", 4, 4)
    levels = pixels.signed(after - before, 1, 1.0).levels
    assert np.abs(drawn(picture, 2, 1) - levels).max() <= 1


def test_a_change_worked_out_by_hand():
    image = np.zeros((28, 28), np.uint8)
    image[4:6, 4:6] = 255
    # moved by 1: 2 of 4 pixels of ink leave, 2 come: 4 / 4
    # 2 × 2 windows: the largest of one was 1, now of two: a change of 1, and 1.5 on the mean
    picture = pooling.pooling_picture(image, "max", 2, 2, 1, 0)
    assert "change by 100%, but the pooled map changes by 67%" in picture.text
    # 4 × 4 windows: still in the same one
    picture = pooling.pooling_picture(image, "max", 4, 4, 1, 0)
    assert "change by 100%, but the pooled map changes by 0%" in picture.text
    # moved up or left by 1 instead: half of it is in the window before
    picture = pooling.pooling_picture(image, "average", 4, 4, 0, -1)
    assert (
        "shifted 1 up, its pixels change by 100%, but the pooled map changes by 100%"
        in picture.text
    )


def test_an_empty_image_does_not_change():
    picture = pooling.pooling_picture(np.zeros((28, 28), np.uint8), right=3)
    assert "change by 0%, but the pooled map changes by 0%" in picture.text


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
    moved = augment.shift(torch.from_numpy(image), 1, 1).numpy()
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
        ({"position": -1}, "position must be from 0 to 195"),
        ({"position": 196}, "position must be from 0 to 195"),
    ],
)
def test_what_does_not_work_is_a_sentence(change, sentence):
    with pytest.raises(ExplorerError, match=sentence):
        pooling.pooling_picture(**{"image": IMAGES[0], **change})


@pytest.mark.parametrize(
    ("name", "values"),
    [("digit", (0, 6, 11)), ("kind", ("average", "max")), ("size", (1, 3, 7)),
     ("stride", (1, 5, 7)), ("position", (0, 20, 48)), ("right", (-7, 0, 7)), ("down", (-7, 2, 7))],
)  # fmt: skip
def test_every_control_leads_to_the_picture_of_the_pure_function(name, values):
    lab = pooling_lab(PART)
    for value in values:
        lab.controls[name].value = value
        now = lab.settings
        expected = pooling.pooling_picture(IMAGES[now.pop("digit")], **now)
        assert shows(lab, expected)
        assert lab.error is None


@pytest.mark.parametrize("kind", ["max", "average"])
@pytest.mark.parametrize(("size", "stride", "position"), [(1, 1, 0), (4, 3, 40), (7, 7, 15)])
def test_the_chosen_window_is_worked_out(kind, size, stride, position):
    expected = torchs(IMAGES[4], kind, size, stride)
    row, column = divmod(position, expected.shape[1])
    picture = pooling.pooling_picture(IMAGES[4], kind, size, stride, 1, 0, position)
    value = pixels.number(expected[row, column])
    assert f"at row {row}, column {column} covers {size} × {size} pixels" in picture.text
    assert f"of them, {value}, becomes one number" in picture.text
    top, left = row * stride, column * stride
    window = IMAGES[4][top : top + size, left : left + size].numpy() / 255
    shown = map_at(picture, pooling.RIGHT, pooling.TOP[0])
    np.testing.assert_array_equal(shown, pixels.grey(window).levels)
    scale = pooling.SIDE // 28
    place = (pooling.LEFT[0] + left * scale, pooling.TOP[0] + top * scale)
    assert (*place, size * scale, size * scale) in frames(picture)


def test_the_window_stays_at_its_place_when_the_map_changes_its_size():
    lab = pooling_lab(PART)
    position = lab.controls["position"]
    assert (divmod(position.value, 7), position.max) == ((2, 3), 48)
    lab.controls["stride"].value = 2  # 13 × 13
    assert (divmod(position.value, 13), position.max) == ((3, 5), 168)
    lab.controls["stride"].value = 7
    assert position.max == 15
    assert lab.error is None


def test_images_without_labels_are_a_sentence():
    with pytest.raises(ExplorerError, match="images with their labels.*got Tensor"):
        pooling_lab(IMAGES)
