"""From pictures to 28×28 pixels: one digit on plain paper, and photographs of many.

A picture of one digit keeps its grey levels. On a photograph the light is uneven, so ink is what is
darker than the paper around it; what comes of it is black and white, as NIST's scans were.
"""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps
from scipy import ndimage

from mnist_course.drawing.steps import (
    BOX,
    SIDE,
    DrawingError,
    NothingDrawn,
    Options,
    finish,
)

MOST_PIXELS = 50_000_000  # of a picture
ENOUGH_PIXELS = 4_000_000  # a larger picture is reduced first, because floats take eight times more
FAINTEST = 0.1  # contrast of ink, as a share of the way from white to black
UNEVEN = 0.25  # of the contrast: paper that varies more is no plain paper
THINNEST = 1.1  # pixels: only lines that are much thinner than MNIST's are thickened
MOST_DIGITS = 500  # on a photograph


@dataclass(frozen=True)
class Found:
    """A digit that was found on a photograph."""

    image: np.ndarray  # bytes (28, 28), what the network sees
    box: tuple[int, int, int, int]  # left, top, right, bottom, in pixels of the photograph, upright
    ink: np.ndarray  # bool (H, W): the ink in that box


def from_picture(picture, options=None):
    """A picture of one digit as an image of 28×28 pixels, step by step. Returns `Steps`.

    picture: a PIL image, or an array of bytes (or floats in 0..1) of the shape (H, W), (H, W, 3)
    or (H, W, 4), of any size; dark on light or light on dark, on paper of one colour; transparent
    is paper. The pen is changed only where lines are much thinner than MNIST's.
    Raises `NothingDrawn` for a blank picture, and DrawingError for what can't be read, such as a
    photograph with uneven light, for which there is `read_photograph`.
    """
    options = options or Options()
    ink = _plain_ink(to_grey(picture)[0])
    field = _squared(ink)
    penned = field if options.pen is None else _thickened(field, SIDE / len(field), options.pen)
    crop = _cropped(ink)
    scale = BOX / max(crop.shape)
    if options.pen is not None:
        thick = _thickened(np.pad(crop, _margin(crop)), scale, options.pen)
        crop = _cropped(thick)
    boxed = _in_middle(shrink(crop, BOX / max(crop.shape)))
    drawn, penned = (_bytes(shrink(one, SIDE / len(one))[:SIDE, :SIDE]) for one in (field, penned))
    return finish(drawn, penned, boxed if options.box else penned, options)


def read_photograph(picture):
    """The digits on a photograph of paper, in reading order: a list of `Found`.

    picture: as in `from_picture`; dark ink on lighter paper or chalk on a board, in any light, the
    digits apart from each other. Raises `NothingDrawn` when there is none, DrawingError for what
    can't be read.
    """
    grey, factor = to_grey(picture)
    ink = _photographed_ink(grey)
    found = []
    for box in _reading_order(_digit_boxes(ink)):
        left, top, right, bottom = box
        inside = ink[top:bottom, left:right]
        steps = _from_bilevel(inside)
        whole = tuple(edge * factor for edge in box)
        found.append(Found(steps.image, whole, inside))
    return found


def to_grey(picture):
    """A picture as float64 (H, W) in 0..1, 1 for white, and by which factor it was reduced.

    Raises DrawingError for anything else.
    """
    if not isinstance(picture, Image.Image):
        picture = _image_of_bytes(picture)
    elif picture.mode == "F":
        picture = np.asarray(picture)
    factor = 1
    if isinstance(picture, Image.Image):
        pixels = picture.width * picture.height
        if pixels > MOST_PIXELS:
            raise _too_large(picture.height, picture.width)
        picture = ImageOps.exif_transpose(picture)  # a telephone only notes how it was held
        if picture.mode.startswith("I"):  # 16 bits: Pillow would cut off what is above 255
            picture = Image.fromarray((np.asarray(picture).clip(0, 65_535) // 257).astype(np.uint8))
        elif picture.mode not in ("L", "RGB", "RGBA"):
            picture = picture.convert("RGBA")
        factor = math.ceil(math.sqrt(pixels / ENOUGH_PIXELS)) or 1
        picture = np.asarray(picture.reduce(factor) if factor > 1 else picture)
    return _grey_of(_values(picture)), factor


def _image_of_bytes(picture):
    """A PIL image where an array of bytes is one and is large; anything else as it came."""
    large = isinstance(picture, np.ndarray) and picture.dtype == np.uint8
    large = large and picture.ndim in (2, 3) and picture.size > ENOUGH_PIXELS
    if large and picture.shape[2:] in ((), (3,), (4,)):
        if picture.shape[0] * picture.shape[1] > MOST_PIXELS:
            raise _too_large(*picture.shape[:2])
        return Image.fromarray(picture)
    return picture


def _values(picture):
    """A picture's numbers, float64 (H, W) or (H, W, C) in 0..1. Raises DrawingError."""
    picture = picture.cpu() if hasattr(picture, "cpu") else picture  # a tensor from a GPU
    try:
        values = np.asarray(picture)
    except ValueError as error:
        raise DrawingError(f"expected a picture, got rows of different lengths: {error}") from error
    if values.dtype == bool:
        values = values.astype(np.float64)
    elif values.dtype == np.uint8:
        values = values / 255
    elif not np.issubdtype(values.dtype, np.floating):
        raise DrawingError(
            f"expected bytes in 0..255 or floats in 0..1, got numbers of the type {values.dtype}"
        )
    if values.ndim not in (2, 3) or (values.ndim == 3 and values.shape[2] not in (1, 3, 4)):
        raise DrawingError(
            "expected a picture of the shape (height, width), or with 3 or 4 colours behind it; "
            f"got {values.shape}"
        )
    height, width = values.shape[:2]
    if min(height, width) < 1:
        raise DrawingError(f"a picture of {width} × {height} pixels holds nothing")
    if height * width > MOST_PIXELS:
        raise _too_large(height, width)
    # also false for NaN
    if not ((values >= 0) & (values <= 1)).all():
        raise DrawingError("a float picture lies in 0..1, and this one has other numbers")
    return values.astype(np.float64)


def _too_large(height, width):
    return DrawingError(
        f"this picture has {width} × {height} pixels; up to {MOST_PIXELS / 1e6:.0f} million are "
        "read, so make it smaller"
    )


def _grey_of(values):
    """Colours in 0..1 as grey; transparent places become the paper that the ink needs."""
    if values.ndim == 2:
        return values
    if values.shape[2] == 1:
        return values[:, :, 0]
    grey = values[:, :, :3] @ (0.299, 0.587, 0.114)
    if values.shape[2] == 3:
        return grey
    alpha = values[:, :, 3]
    seen = alpha.sum()
    paper = 1.0 if seen == 0 or (grey * alpha).sum() / seen < 0.5 else 0.0
    return grey * alpha + paper * (1 - alpha)


def _plain_ink(grey):
    """How much ink there is on plain paper: (H, W) in 0..1. The paper is what the border is."""
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    paper = np.median(border)
    contrast = np.abs(grey - paper).max()
    if contrast < FAINTEST:
        raise NothingDrawn("the picture")
    noise = np.percentile(np.abs(border - paper), 90) / contrast
    if noise > UNEVEN:
        raise DrawingError(
            "the paper around the digit is not of one colour: leave a margin of plain paper around "
            "the digit, in even light (in Python, drawing.read_photograph reads uneven light, too)"
        )
    dark, light = np.clip(paper - grey, 0, None), np.clip(grey - paper, 0, None)
    ink = dark if dark.sum() >= light.sum() else light
    ink = ink / ink.max()
    # what is left of the paper's noise would stretch the box
    ink[ink <= max(0.002, 2 * noise)] = 0
    return ink


def _photographed_ink(grey):
    """Where there is ink on a photograph: bool (H, W), dark on paper or light on a board.

    Of the two that one is ink which covers less.
    """
    found = [ink for ink in (_darker(grey), _darker(1 - grey)) if ink.any()]
    if not found:
        raise NothingDrawn("the photograph")
    return min(found, key=np.count_nonzero)


def _darker(grey):
    """What is darker than the paper around it: bool (H, W).

    A morphological closing fills whatever is dark and narrower than its window, so it leaves the
    paper with its shadows. How much darker ink must be, is Otsu's threshold.
    """
    smooth = ndimage.gaussian_filter(grey, 1)
    paper = ndimage.grey_closing(smooth, max(15, max(grey.shape) // 10))
    darker = np.clip(1 - smooth / np.maximum(paper, 0.05), 0, 1)
    return darker > max(_otsu(darker), FAINTEST)


def _otsu(values):
    """The threshold that parts values in 0..1 best into two groups. Source: Otsu (1979)."""
    counts, edges = np.histogram(values, bins=256, range=(0, 1))
    middles = (edges[1:] + edges[:-1]) / 2
    below, sums = np.cumsum(counts), np.cumsum(counts * middles)
    above = below[-1] - below
    inside = (below > 0) & (above > 0)
    if not inside.any():
        return 1.0
    first = sums[inside] / below[inside]
    second = (sums[-1] - sums[inside]) / above[inside]
    between = below[inside] * above[inside] * (first - second) ** 2
    return edges[1:][inside][between.argmax()]


def _digit_boxes(ink):
    """Boxes (left, top, right, bottom) of what is large enough for a digit.

    Parts of a digit that do not quite touch, such as the bar of a 5, belong together when the gap
    is small for their height. Specks are taken out of `ink`.
    """
    labels, _ = ndimage.label(ink, np.ones((3, 3)))
    areas = np.bincount(labels.ravel())[1:]
    heights = np.array([rows.stop - rows.start for rows, _ in ndimage.find_objects(labels)])
    large = areas >= 0.1 * areas.max()
    tall = np.percentile(heights[large], 75)
    specks = np.flatnonzero(areas < 0.02 * np.median(areas[large])) + 1
    ink &= ~np.isin(labels, specks)
    reach = max(1, round(0.06 * tall))
    joined, count = ndimage.label(ndimage.binary_dilation(ink, np.ones((3, 3)), reach))
    boxes = []
    for number, (rows, columns) in enumerate(ndimage.find_objects(joined), start=1):
        own = ink[rows, columns] & (joined[rows, columns] == number)
        down, across = (np.flatnonzero(own.any(axis=axis)) for axis in (1, 0))
        box = (
            columns.start + across[0], rows.start + down[0],
            columns.start + across[-1] + 1, rows.start + down[-1] + 1,
        )  # fmt: skip
        if box[3] - box[1] >= 0.45 * tall:
            boxes.append(tuple(int(edge) for edge in box))
    if len(boxes) > MOST_DIGITS:
        raise DrawingError(
            f"{len(boxes)} things on this photograph look like ink, and up to {MOST_DIGITS} are "
            "read: is it a photograph of digits on plain paper?"
        )
    if not boxes:
        raise NothingDrawn("the photograph")
    return boxes


def _reading_order(boxes):
    """Boxes line by line, from left to right. A line is what overlaps by half of its height."""
    lines: list[list] = []
    for box in sorted(boxes, key=lambda one: one[1] + one[3]):
        middle = (box[1] + box[3]) / 2
        last = lines[-1][-1] if lines else None
        if last and last[1] <= middle <= last[3]:
            lines[-1].append(box)
        else:
            lines.append([box])
    return [box for line in lines for box in sorted(line)]


def _from_bilevel(inside):
    return from_picture(1.0 - np.pad(inside, 2))


def _squared(ink):
    """A picture in the middle of a square that is as long as its longer side."""
    height, width = ink.shape
    side = max(height, width)
    square = np.zeros((side, side))
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = ink
    return square


def _cropped(ink):
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _margin(crop):
    """Room around a crop for lines that get thicker."""
    return -(-max(crop.shape) // 5)


def _thickened(ink, scale, pen):
    """Ink whose lines will be `pen` wide once it is scaled, if they are much thinner now.

    How wide lines are is told by twice their area over their edge. MNIST's own are left alone.
    """
    edge = np.hypot(*np.gradient(ink)).sum()
    wide = 2 * ink.sum() / edge if edge else 0.0
    if wide * scale >= min(THINNEST, pen):
        return ink
    more = (pen / scale - wide) / 2
    return (ndimage.distance_transform_edt(ink < 0.5) <= more).astype(np.float64)


def shrink(picture, scale):
    """A picture scaled by a factor: each new pixel is the mean of what it covers, 0 outside.

    (H, W) to (⌈H · scale⌉, ⌈W · scale⌉).
    """
    down, across = (_covers(length, scale) for length in picture.shape)
    return down @ picture @ across.T


def _covers(length, scale):
    """How much each new pixel covers of each old one: (⌈length · scale⌉, length), rows to 1."""
    count = max(1, int(np.ceil(length * scale - 1e-9)))
    edges = np.arange(count + 1) / scale
    old = np.arange(length)
    ends = np.minimum(edges[1:, None], old + 1)
    starts = np.maximum(edges[:-1, None], old)
    return np.clip(ends - starts, 0, None) * scale


def _in_middle(small):
    """A picture of at most 20 × 20 in the middle of 28 × 28, as bytes."""
    image = np.zeros((SIDE, SIDE))
    height, width = small.shape
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    image[top : top + height, left : left + width] = small
    return _bytes(image)


def _bytes(ink):
    return np.floor(255 * np.clip(ink, 0, 1) + 0.5).astype(np.uint8)
