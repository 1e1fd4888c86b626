"""Pictures and photographs of digits, against the MNIST images from which they were made."""

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from mnist_course import data, drawing, training
from mnist_course.drawing import pictures

COUNT = 30


@pytest.fixture(scope="module")
def images(digits):
    return digits.validation.images[:COUNT].numpy()


@pytest.fixture(scope="module")
def read():
    """What the board's network says of images: a list of digits."""
    network, _ = drawing.board_network()

    def read(images):
        part = data.Part(torch.from_numpy(np.stack(images)), torch.zeros(len(images)).long())
        return training.predict(network, part).argmax(dim=1).tolist()

    return read


def enlarged(image, times, way=Image.Resampling.BICUBIC):
    return np.asarray(Image.fromarray(image).resize((28 * times, 28 * times), way))


def moved(image):
    page = np.zeros((400, 500), dtype=np.uint8)
    page[230:370, 20:160] = enlarged(image, 5)
    return page


def transparent(image):
    colours = np.zeros((280, 280, 4), dtype=np.uint8)
    colours[:, :, 3] = np.kron(image, np.ones((10, 10), dtype=np.uint8))
    return colours


# how a digit is changed: (the change, the mean difference of a pixel that may remain)
EXACT, SMOOTHED = 0.6, 12
CHANGES = {
    "nothing": (lambda image: image, EXACT),
    "black on white": (lambda image: 255 - image, EXACT),
    "enlarged": (lambda image: np.kron(image, np.ones((10, 10), dtype=np.uint8)), EXACT),
    "enlarged and smoothed": (lambda image: enlarged(image, 10), SMOOTHED),
    "moved": (moved, SMOOTHED),
    "grey": (lambda image: (200 - 0.4 * enlarged(image, 7)).astype(np.uint8), SMOOTHED),
    "floats": (lambda image: 1 - image / 255, EXACT),
    "colours": (lambda image: np.stack([255 - image] * 3, axis=2), EXACT),
    "transparent": (transparent, EXACT),
    "light and transparent": (
        lambda image: np.stack([255 * np.ones_like(image)] * 3 + [image], axis=2),
        EXACT,
    ),
    "a PIL image": (lambda image: Image.fromarray(255 - image), EXACT),
    "16 bits": (lambda image: Image.fromarray((255 - image).astype(np.uint16) * 257), EXACT),
    "32 bits": (lambda image: Image.fromarray((255 - image).astype(np.int32) * 257), EXACT),
    "a PIL image of floats": (
        lambda image: Image.fromarray((1 - image / 255).astype(np.float32)),
        EXACT,
    ),
    "a palette": (lambda image: Image.fromarray(255 - image).convert("P"), EXACT),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_digit_comes_back(change, images, read):
    make, limit = CHANGES[change]
    found = [drawing.from_picture(make(image)).image for image in images]
    differing = np.abs(np.stack(found).astype(int) - images).mean(axis=(1, 2))
    assert differing.mean() <= limit
    same = np.mean(np.array(read(found)) == read(list(images)))
    assert same == 1 if limit == EXACT else same >= 0.96


def test_noise_and_thin_lines_are_read(read):
    random = np.random.default_rng(0)
    page = 230 + random.normal(0, 4, (280, 280))
    image = Image.fromarray(page.clip(0, 255).astype(np.uint8))
    for x in range(2):  # a seven of one thin line
        for (left, top), (right, bottom) in (((60, 60), (200, 60)), ((200, 60), (120, 230))):
            for share in np.linspace(0, 1, 400):
                place = (left + share * (right - left) + x, top + share * (bottom - top))
                image.putpixel(tuple(map(int, place)), 40)
    found = drawing.from_picture(image)
    assert read([found.image]) == [7]
    assert found.image.sum() / 255 > 1.5 * found.image.max(axis=1).sum() / 255 / 2
    thin = drawing.from_picture(image, drawing.Options(pen=None))
    assert thin.image.sum() < found.image.sum() / 2


def test_without_the_box_the_whole_picture_is_shrunk(images):
    page = moved(images[0])
    found = drawing.from_picture(page, drawing.Options(box=False, centre=False))
    assert np.array_equal(found.image, found.pen)
    assert np.flatnonzero(found.image.any(axis=0))[-1] < 12  # it stays on the left


@pytest.mark.parametrize("read_it", [drawing.from_picture, drawing.read_photograph])
@pytest.mark.parametrize("level", [0, 90, 255])
def test_a_blank_picture_is_refused(read_it, level):
    with pytest.raises(drawing.NothingDrawn, match="Nothing drawn"):
        read_it(np.full((280, 280), level, dtype=np.uint8))


@pytest.mark.parametrize(
    ("picture", "sentence"),
    [
        (np.zeros((0, 3)), "3 × 0 pixels"),
        (np.zeros((4, 4, 7)), r"got \(4, 4, 7\)"),
        (np.zeros(5), r"got \(5,\)"),
        (np.full((9, 9), np.nan), "has other numbers"),
        (np.full((9, 9), 200.0), "has other numbers"),
        (np.zeros((9, 9), dtype=int), "int64"),
        (np.zeros((9, 9), dtype=object), "object"),
        ("a picture", "expected"),
        (None, "expected"),
        ([[1, 2], [3]], "different lengths"),
        (np.broadcast_to(np.uint8(0), (100_000, 10_000)), "10000 × 100000 pixels"),
        (np.broadcast_to(np.float32(0), (100_000, 10_000)), "10000 × 100000 pixels"),
        (Image.new("1", (100_000, 10_000)), "100000 × 10000 pixels"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_is_no_picture_is_refused(picture, sentence):
    for read_it in (drawing.from_picture, drawing.read_photograph):
        with pytest.raises(drawing.DrawingError, match=sentence):
            read_it(picture)


def test_uneven_paper_is_refused_where_one_digit_is_expected(images):
    light = np.linspace(0.2, 1, 280) * np.ones((280, 1))
    with pytest.raises(drawing.DrawingError, match="read_photograph"):
        drawing.from_picture(light * (1 - enlarged(images[0], 10) / 300))


def test_shrinking_takes_the_mean_of_what_is_covered():
    random = np.random.default_rng(0)
    picture = random.random((12, 20))
    assert np.allclose(
        pictures.shrink(picture, 0.25), picture.reshape(3, 4, 5, 4).mean(axis=(1, 3))
    )
    assert np.allclose(pictures.shrink(picture, 1.0), picture)
    # 20 columns to 20 · 0.3 = 6; the mean of all stays what it is
    third = pictures.shrink(picture, 0.3)
    assert third.shape == (4, 6)
    assert third.sum() == pytest.approx(picture.sum() * 0.09)


# --- photographs --------------------------------------------------------------------------


def photograph(images, columns, noise=0.02):
    """Digits in rows on paper that a lamp from the right and a shadow's edge light unevenly."""
    random = np.random.default_rng(0)
    rows = len(images) // columns
    page = np.zeros((rows * 110 + 60, columns * 90 + 60))
    for number, image in enumerate(images):
        row, column = divmod(number, columns)
        top, left = 30 + row * 110 + random.integers(16), 30 + column * 90 + random.integers(6)
        spot = page[top : top + 84, left : left + 84]
        np.maximum(spot, enlarged(image, 3) / 255, out=spot)
    height, width = page.shape
    down, across = np.mgrid[:height, :width]
    light = 0.35 + 0.6 * (across / width) * (0.5 + 0.5 * down / height)
    light = light * np.where(across > 0.55 * width + 0.2 * down, 0.6, 1)
    light = ndimage.gaussian_filter(light, 4)
    grey = light * (1 - 0.75 * page) + random.normal(0, noise, page.shape)
    return (255 * grey.clip(0, 1)).astype(np.uint8)


def test_a_photograph_in_uneven_light_is_cut_apart_in_reading_order(images, read):
    page = photograph(images, 6)
    found = drawing.read_photograph(page)
    assert len(found) == COUNT
    said = np.array(read([one.image for one in found]))
    assert np.mean(said == read(list(images))) >= 0.96
    for number, one in enumerate(found):
        left, top, right, bottom = one.box
        row, column = divmod(number, 6)
        assert 30 + column * 90 <= (left + right) / 2 <= 120 + column * 90
        assert 30 + row * 110 <= (top + bottom) / 2 <= 140 + row * 110
        assert one.ink.shape == (bottom - top, right - left)


def test_chalk_on_a_board_is_read_too(images, read):
    found = drawing.read_photograph(255 - photograph(images[:12], 6))
    assert read([one.image for one in found]) == read(list(images[:12]))


def test_a_large_photograph_tells_places_in_its_own_pixels(images):
    page = np.kron(photograph(images[:6], 6), np.ones((7, 7), dtype=np.uint8))
    assert page.size > pictures.ENOUGH_PIXELS
    for given in (page, Image.fromarray(page).convert("RGB")):
        found = drawing.read_photograph(given)
        assert len(found) == 6
        assert 0.8 * page.shape[1] < found[-1].box[2] <= page.shape[1]


@pytest.mark.parametrize(("orientation", "turn"), [(3, 180), (6, 90), (8, -90)])
def test_a_photograph_is_read_upright_however_the_telephone_was_held(
    images, orientation, turn, tmp_path
):
    page = Image.fromarray(photograph(images[:6], 3))
    exif = Image.Exif()
    exif[0x0112] = orientation  # the tag "Orientation": how to turn it for looking at it
    page.rotate(turn, expand=True).save(tmp_path / "held.png", exif=exif)
    upright = drawing.read_photograph(page)
    with Image.open(tmp_path / "held.png") as held:
        found = drawing.read_photograph(held)
    assert [one.box for one in found] == [one.box for one in upright]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(found, upright, strict=True))


def test_a_photograph_of_something_else_is_refused():
    tile = np.full((30, 30), 255, dtype=np.uint8)
    tile[8:22, 12:16] = 0
    with pytest.raises(drawing.DrawingError, match="625 things on this photograph look like ink"):
        drawing.read_photograph(np.tile(tile, (25, 25)))
