"""Maps of numbers as pixels, and a sheet to put them on: numpy and Pillow, no figure.

A whole sheet takes only a few milliseconds, so that the picture follows the slider.
Signed values are orange above 0 and purple below, which the colour-blind tell apart, and every
pixel clearly below 0 also carries a bar, the minus sign, so that the sign shows without colour.
"""

import numbers
from functools import cache, lru_cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mnist_course import plots
from mnist_course.widgets.explorer import ExplorerError

INK, SOFT, LINE, PAPER = "#1a1a1a", "#5a5a5a", "#b0b0b0", "#ffffff"
MARK = plots.BLUE  # of frames; neither orange nor purple, which are for signs
LEGEND = "orange: above 0   purple with a bar: clearly below 0   white: 0"
NOTHING = (200, 200, 200)  # the colour of NaN and of infinite values
CLEARLY = 0.1  # share of the full colour; smaller amounts below 0 carry no bar


@cache
def font(size, bold=False):
    """DejaVu Sans, which comes with matplotlib, so that text is the same on every machine."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(1024)  # most numbers of a picture are those of the one before
def _mask(text, size, anchor, bold):
    """A text as a Pillow mask, and where it lies: (mask, left, top) from the text's place."""
    box = font(size, bold).getbbox(text, anchor=anchor)
    left, top, right, bottom = (int(edge) for edge in box)
    mask = Image.new("L", (max(1, right - left), max(1, bottom - top)))
    ImageDraw.Draw(mask).text((-left, -top), text, 255, font(size, bold), anchor)
    return mask, left, top


@cache
def _signed_colours():
    return (matplotlib.colormaps[plots.SIGNED](np.arange(256))[:, :3] * 255).round().astype("u1")


def number(value, digits=2):
    """A number as it is written in a picture, with a real minus sign and no negative zero.

    Infinity becomes ∞, and NaN a dash.
    """
    text = f"{value:z.{digits}f}".replace("-", "−")
    return text.replace("inf", "∞").replace("nan", "–")


def enlarge(pixels, scale):
    """Every pixel becomes a square of `scale` pixels: (H, W, 3) to (H * scale, W * scale, 3)."""
    return pixels.repeat(scale, axis=0).repeat(scale, axis=1)


def grey(values, scale=1, low=0.0, high=1.0):
    """Values (H, W) in grey: `low` and below white, `high` and above black."""
    finite = np.isfinite(values)
    share = (np.where(finite, values, low) - low) / max(high - low, 1e-9)
    level = 255 - np.clip(share * 255, 0, 255).round().astype(np.uint8)
    shades = np.repeat(level[:, :, None], 3, axis=2)
    shades[~finite] = NOTHING
    return enlarge(shades, scale)


def signed_level(values, limit):
    """Places in the colour map: -limit 0, zero 128, limit 255."""
    share = np.asarray(values, dtype=np.float64) / max(limit, 1e-9)
    return np.where(share == 0, 128, np.clip((share + 1) / 2 * 255, 0, 255).round()).astype(int)


def signed(values, scale=1, limit=None):
    """Signed values (H, W) in colour: full colour at `limit` (by default the largest amount).

    NaN and infinite values are grey. From a scale of 2 on, a square clearly below 0 carries a
    bar, which up to a scale of 3 is only a dot. Values near 0 carry none, because a map would be
    full of them.
    """
    finite = np.isfinite(values)
    limit = float(np.abs(values).max(initial=0, where=finite)) if limit is None else limit
    colours = _signed_colours()[signed_level(np.where(finite, values, 0), limit)]
    colours[~finite] = NOTHING
    pixels = enlarge(colours, scale)
    if scale < 2:
        return pixels
    thick, wide = max(1, scale // 6), max(1, scale - 2 * max(1, scale // 4))
    top, left = (scale - thick) // 2, (scale - wide) // 2
    rows, columns = values.shape
    squares = pixels.reshape(rows, scale, columns, scale, 3)
    bars = squares[:, top : top + thick, :, left : left + wide].transpose(0, 2, 1, 3, 4)
    below = values < -CLEARLY * limit
    bars[below] = (70, 30, 110)
    bars[values < -0.55 * limit] = (255, 255, 255)
    return pixels


def ink_on(colour):
    """Black or white, whichever has more contrast with a colour (three bytes).

    Source: the luminance of WCAG 2.1, section 1.4.3; at 0.179 both contrasts are the same.
    """
    red, green, blue = ((level / 255) ** 2.2 for level in colour.tolist())
    return PAPER if 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.179 else "#000000"


class Sheet:
    """A white sheet of `width` × `height` pixels: put maps on it, write, and frame.

    What would reach beyond its edges is cut off.
    """

    def __init__(self, width, height):
        self._image = Image.new("RGB", (width, height), PAPER)
        self._draw = ImageDraw.Draw(self._image)

    @property
    def pixels(self):
        """What is on the sheet now, as uint8 (height, width, 3)."""
        return np.asarray(self._image)

    def paste(self, pixels, x, y, line=True):
        """Put pixels (H, W, 3) with their top left corner at (x, y); line: with a thin frame."""
        height, width = pixels.shape[:2]
        if line:
            self.frame(x - 1, y - 1, width + 2, height + 2, LINE, 1)
        self._image.paste(Image.fromarray(np.ascontiguousarray(pixels)), (x, y))

    def fill(self, x, y, width, height, colour):
        """A rectangle of one colour."""
        self._image.paste(colour, (x, y, x + width, y + height))

    def frame(self, x, y, width, height, colour=MARK, thick=2):
        """A frame inside the rectangle of `width` × `height` at (x, y)."""
        corners = (x, y, x + width - 1, y + height - 1)
        self._draw.rectangle(corners, outline=colour, width=thick)

    def text(self, x, y, text, size=12, colour=INK, anchor="la", bold=False):
        """Write at (x, y); `anchor` as Pillow has it: "la" top left, "mm" middle."""
        mask, left, top = _mask(text, size, anchor, bold)
        self._image.paste(colour, (x + left, y + top), mask)

    def numbers(self, values, x, y, cell=(44, 28), limit=None, size=12, digits=2, colour=True):
        """A small matrix with its numbers written in, coloured by sign and amount.

        `colour=False`: in grey, for values from 0 to `limit`.
        """
        wide, high = cell
        if limit is None:
            limit = float(np.abs(values).max(initial=1e-9, where=np.isfinite(values)))
        tints = signed(values, 1, limit) if colour else grey(values, 1, 0, limit)
        self.paste(tints.repeat(high, axis=0).repeat(wide, axis=1), x, y)
        for (row, column), value in np.ndenumerate(values):
            left, top = x + column * wide, y + row * high
            ink = ink_on(tints[row, column])
            self.text(left + wide // 2, top + high // 2, number(value, digits), size, ink, "mm")


def digit_image(image):
    """An image as numbers from 0 to 1, float32 (28, 28).

    image: bytes (28, 28), torch or numpy. Raises ExplorerError for another size or type.
    """
    array = np.asarray(image.cpu() if hasattr(image, "cpu") else image)
    if array.shape != (28, 28):
        raise ExplorerError(f"expected an image of 28 × 28 pixels, got the shape {array.shape}")
    if array.dtype != np.uint8:
        raise ExplorerError(f"expected an image of bytes (uint8), got {array.dtype}")
    return array.astype(np.float32) / 255


def check_part(part):
    """Raise ExplorerError unless `part` has images and labels, as a `data.Part` does."""
    if not (hasattr(part, "images") and hasattr(part, "labels")):
        raise ExplorerError(
            f"expected images with their labels, such as digits.train; got {type(part).__name__}"
        )
    try:
        images, labels = len(part.images), len(part.labels)
    except TypeError:  # the label of a single image has no length
        raise ExplorerError(
            "expected images with their labels, such as digits.train[:1]; got a single image"
        ) from None
    if not 0 < images == labels:
        raise ExplorerError(
            f"expected images and as many labels, at least one; got {images} images and {labels} "
            "labels"
        )


def check_range(name, value, low, high):
    """Raise ExplorerError unless `value` is a number and low ≤ value ≤ high."""
    if not (isinstance(value, numbers.Real) and low <= value <= high):
        raise ExplorerError(f"{name} must be from {low} to {high}, got {value!r}")


def check_whole(name, value, low, high):
    """Raise ExplorerError unless `value` is a whole number and low ≤ value ≤ high."""
    check_range(name, value, low, high)
    if not isinstance(value, numbers.Integral):
        raise ExplorerError(f"{name} must be a whole number from {low} to {high}, got {value!r}")
