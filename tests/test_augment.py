"""Random affine maps against torchvision, scipy and pixels moved by hand."""

import math
from dataclasses import replace

import pytest
import scipy.ndimage
import torch
from torchvision.transforms import functional as TF

from mnist_course import data
from mnist_course.augment import MirroredAffine, RandomAffine, mirror, shift

STILL = RandomAffine(degrees=0, shift=0, scale=0, shear=0)


@pytest.fixture
def images(few):
    return data.scale(few.train.images[:20])


def draw(monkeypatch, **parts):
    """Let every image draw these numbers from -1 to 1, and 0 where none is named."""
    order = ("angle", "size", "shear", "right", "down")
    row = torch.tensor([(parts.get(name, 0.0) + 1) / 2 for name in order])
    monkeypatch.setattr(torch, "rand", lambda count, _, **options: row.repeat(count, 1))


def torchvisions(
    images,
    angle=0.0,
    translate=(0, 0),
    scale=1.0,
    shear=(0.0, 0.0),
    mode=TF.InterpolationMode.BILINEAR,
):
    return TF.affine(images, angle, list(translate), scale, list(shear), mode)


def test_ranges_of_zero_change_nothing(images):
    torch.testing.assert_close(STILL(images), images)
    identity = torch.tensor([[1.0, 0, 0], [0, 1, 0]]).expand(5, 2, 3)
    torch.testing.assert_close(STILL.matrices(5), identity)


@pytest.mark.parametrize(
    ("right", "down"), [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (0.5, -0.5)]
)
def test_a_shift_moves_pixels_exactly(monkeypatch, images, right, down):
    """A pixel of the new image comes from `right` and `down` of its place in the old one."""
    draw(monkeypatch, right=right, down=down)
    moved = RandomAffine(degrees=0, shift=4 / 28, scale=0, shear=0)(images)
    right, down = int(4 * right), int(4 * down)
    by_hand = torch.zeros_like(images)
    for row in range(28):
        for column in range(28):
            if 0 <= row + down < 28 and 0 <= column + right < 28:
                by_hand[:, :, row, column] = images[:, :, row + down, column + right]
    torch.testing.assert_close(moved, by_hand, atol=1e-5, rtol=0)
    torch.testing.assert_close(
        moved, torchvisions(images, translate=(-right, -down)), atol=1e-5, rtol=0
    )


def test_a_quarter_turn_is_counter_clockwise(monkeypatch, images):
    draw(monkeypatch, angle=1)
    turned = RandomAffine(degrees=90, shift=0, scale=0, shear=0)(images)
    torch.testing.assert_close(turned, torch.rot90(images, 1, dims=(2, 3)), atol=1e-4, rtol=0)


@pytest.mark.parametrize("angle", [-1.0, 0.3, 1.0])
def test_a_rotation_is_torchvisions(monkeypatch, images, angle):
    draw(monkeypatch, angle=angle)
    turned = RandomAffine(degrees=20, shift=0, scale=0, shear=0)(images)
    # torchvision counts its angles clockwise
    torch.testing.assert_close(turned, torchvisions(images, -20 * angle), atol=1e-4, rtol=0)


@pytest.mark.parametrize("size", [-1.0, 0.5, 1.0])
def test_a_scale_is_torchvisions(monkeypatch, images, size):
    draw(monkeypatch, size=size)
    scaled = RandomAffine(degrees=0, shift=0, scale=0.2, shear=0)(images)
    expected = torchvisions(images, scale=1 + 0.2 * size)
    torch.testing.assert_close(scaled, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("shear", [-1.0, 1.0])
def test_a_shear_is_torchvisions(monkeypatch, images, shear):
    draw(monkeypatch, shear=shear)
    sheared = RandomAffine(degrees=0, shift=0, scale=0, shear=0.3)(images)
    angle = math.degrees(math.atan(0.3 * shear))
    expected = torchvisions(images, shear=(angle, 0.0))
    torch.testing.assert_close(sheared, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("angle", "size", "right"),
    [(1, 0, 0), (-0.35, 0, 0), (0, 1, 0), (0, -0.5, 0), (0.7, -0.3, 0), (0, 0, 1), (0, 0, -0.3)],
)
def test_the_nearest_pixel_is_torchvisions(monkeypatch, images, angle, size, right):
    """Every pixel but the very few that lie half-way between two, where rounding decides."""
    draw(monkeypatch, angle=angle, size=size, right=right)
    augment = RandomAffine(degrees=20, shift=4 / 28, scale=0.2, shear=0, interpolation="nearest")
    nearest = TF.InterpolationMode.NEAREST
    expected = torchvisions(images, -20 * angle, (-4 * right, 0), 1 + 0.2 * size, mode=nearest)
    assert (augment(images) != expected).float().mean() < 0.002
    assert not torch.equal(expected, images)
    assert set(augment(images).unique().tolist()) <= set(images.unique().tolist())
    if abs(right) < 1:  # a shift by whole pixels mixes nothing
        bilinear = replace(augment, interpolation="bilinear")(images)
        assert not set(bilinear.unique().tolist()) <= set(images.unique().tolist())


def test_each_image_gets_its_own_map_and_it_is_scipys(images):
    """All changes at once: rotate, shear and scale about the centre, then shift."""
    augment = RandomAffine(degrees=25, shift=0.15, scale=0.2, shear=0.2)
    moved = augment(images, torch.Generator().manual_seed(4))
    matrices = augment.matrices(len(images), torch.Generator().manual_seed(4))
    for image, result, matrix in zip(images[:, 0], moved[:, 0], matrices, strict=True):
        # scipy counts pixels, row first; (-1 to 1) is 28 pixels, the centre lies at 13.5
        linear = matrix[:, :2].flip(0, 1).double()
        offset = (
            14 * matrix[:, 2].flip(0).double() + 13.5 - linear @ torch.full((2,), 13.5).double()
        )
        expected = scipy.ndimage.affine_transform(
            image.double().numpy(), linear.numpy(), offset.numpy(), order=1, mode="grid-constant"
        )
        torch.testing.assert_close(result.double(), torch.from_numpy(expected), atol=1e-4, rtol=0)
    assert len(matrices.unique(dim=0)) == len(images)


def test_maps_stay_within_their_ranges_and_fill_them():
    matrices = RandomAffine(10, 0.1, 0.2, 0.3).matrices(5_000, torch.Generator().manual_seed(0))
    linear, shift = matrices[:, :, :2].double(), matrices[:, :, 2]
    # linear = rotation @ shear / size: undo it step by step
    size = linear[:, :, 0].norm(dim=1).reciprocal()
    angle = torch.atan2(linear[:, 1, 0], linear[:, 0, 0]).rad2deg()
    shear = (linear[:, :, 0] * linear[:, :, 1]).sum(dim=1) * size**2
    for values, low, high in (
        (size, 0.8, 1.2), (angle, -10, 10), (shear, -0.3, 0.3),
        (shift[:, 0], -0.2, 0.2), (shift[:, 1], -0.2, 0.2),
    ):  # fmt: skip
        margin = 0.01 * (high - low)
        assert low - 1e-5 <= values.min() <= low + margin
        assert high - margin <= values.max() <= high + 1e-5
        assert abs(values.mean() - (low + high) / 2) < 3 * margin


def test_maps_follow_the_generator(images):
    def moved(seed):
        return RandomAffine()(images, torch.Generator().manual_seed(seed))

    assert torch.equal(moved(1), moved(1))
    assert not torch.equal(moved(1), moved(2))
    generator = torch.Generator().manual_seed(1)
    assert not torch.equal(RandomAffine()(images, generator), RandomAffine()(images, generator))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16])
def test_shape_and_dtype_stay(images, dtype):
    colour = images.expand(20, 3, 28, 28).to(dtype)
    moved = RandomAffine()(colour)
    assert (moved.shape, moved.dtype) == (colour.shape, dtype)
    assert torch.equal(moved[:, 0], moved[:, 2])  # all channels of an image move together


def test_images_that_are_not_given_in_stay_as_they_are(images):
    before = images.clone()
    RandomAffine()(images)
    assert torch.equal(images, before)


def test_bytes_are_refused(few):
    with pytest.raises(TypeError, match="float images.*got torch.uint8"):
        RandomAffine()(few.train.images.unsqueeze(1))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"degrees": -1}, "degrees must be a number from 0 on, got -1"),
        ({"degrees": "ten"}, "degrees must be a number"),
        ({"shift": math.nan}, "shift must be a number"),
        ({"shift": True}, "shift must be a number"),
        ({"scale": math.inf}, "scale must be a number"),
        ({"scale": 1}, "scale must be below 1"),
        ({"shear": None}, "shear must be a number"),
        ({"interpolation": "bicubic"}, "no interpolation 'bicubic'; there are bilinear, nearest"),
        ({"interpolation": 0}, "no interpolation 0"),
    ],
)
def test_an_augmentation_that_cannot_work(settings, words):
    with pytest.raises(ValueError, match=words):
        RandomAffine(**settings)


def test_maps_are_the_same_whatever_torchs_defaults_are(images):
    augment = RandomAffine()
    expected = augment(images, torch.Generator().manual_seed(1))
    with torch.device("meta"):
        found = augment(images, torch.Generator("cpu").manual_seed(1))
    assert torch.equal(found, expected)
    torch.set_default_dtype(torch.float64)
    try:
        found = augment(images, torch.Generator().manual_seed(1))
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(found, expected)


# --- whole pixels -------------------------------------------------------------------------


@pytest.mark.parametrize(("right", "down"), [(0, 0), (2, 0), (-1, 0), (0, 3), (0, -4), (3, -2)])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_a_shift_by_whole_pixels_is_scipys(few, right, down, dtype):
    images = few.train.images[:3].to(dtype)
    expected = scipy.ndimage.shift(images.numpy(), (0, down, right), order=0)
    shifted = shift(images, right, down)
    assert shifted.dtype == dtype
    assert torch.equal(shifted, torch.from_numpy(expected))
    assert torch.equal(shift(images[:, None], right, down)[:, 0], shifted)


def test_a_shift_by_the_whole_side_or_more_leaves_nothing():
    images = torch.ones(1, 4, 6)
    for right, down in ((6, 0), (-7, 0), (0, 4), (0, -9)):
        assert shift(images, right, down).sum() == 0
    assert images.sum() == 24  # the image that was given in stays as it is
    assert shift(images, 5, -3).sum() == 1


# --- mirror images ------------------------------------------------------------------------


def test_flagged_images_are_mirrored_and_the_others_stay(images):
    flags = torch.arange(len(images)) % 3 == 0
    found = mirror(images, flags)
    for image, flag, one in zip(images, flags, found, strict=True):
        assert torch.equal(one, TF.hflip(image) if flag else image)


def test_a_share_of_the_images_is_mirrored(images):
    still = {"degrees": 0, "shift": 0, "scale": 0, "shear": 0}
    torch.testing.assert_close(MirroredAffine(**still, mirrored=0)(images), images)
    torch.testing.assert_close(MirroredAffine(**still, mirrored=1)(images), images.flip(-1))
    many = images[:1].expand(400, -1, -1, -1)
    found = MirroredAffine(**still)(many, torch.Generator().manual_seed(0))
    turned = (found - images[0]).abs().amax(dim=(1, 2, 3)) > 0.1
    assert 160 < turned.sum() < 240
    torch.testing.assert_close(found[turned], many[turned].flip(-1))


def test_mirrored_images_are_moved_as_others_are(images):
    affine = MirroredAffine(mirrored=0.0)
    generator = torch.Generator().manual_seed(4)
    found = affine(images, generator)
    generator = torch.Generator().manual_seed(4)
    torch.rand(len(images), generator=generator)  # what decides who is mirrored
    torch.testing.assert_close(found, RandomAffine()(images, generator))


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_share_outside_is_refused(share):
    with pytest.raises(ValueError, match="mirrored is a share"):
        MirroredAffine(mirrored=share)
