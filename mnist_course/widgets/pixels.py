"""Maps of numbers, and a sheet to put them on: a plain description that the page draws.

A sheet holds no colours, only what each thing is for: ink, soft, line, mark. The page draws it in
the colours of its theme (`web/sheet.js`), so that it fits a light and a dark notebook and changes
with it; `raster.py` draws the same where no page is, for stills and tests. Numbers of a map travel
as one byte each, which takes less than a millisecond to make and to send.

Signed values are orange above 0 and purple below, which the colour-blind tell apart. Where there is
room, every square clearly below 0 also carries a bar, the minus sign, so that the sign shows
without colour.
"""

import json
import numbers
from dataclasses import dataclass

import numpy as np

from mnist_course.widgets.errors import ExplorerError

# Names of colours: each is a custom property of the page, such as --mc-ink (see web/theme.css).
INK, SOFT, LINE, SURFACE, MARK = "ink", "muted", "line", "surface", "accent"
ORANGE, RED = "positive", "warning"
ZERO, FULL, NOTHING = 127, 254, 255  # levels of a map: 0 or white, the most, and NaN or infinite
CLEARLY = 0.25  # share of the full colour; smaller amounts below 0 carry no bar
BAR_FROM = 5  # pixels that a square needs to have room for a bar


def number(value, digits=2):
    """A number as it is written in a picture, with a real minus sign and no negative zero.

    Infinity becomes ∞, and NaN a dash.
    """
    text = f"{value:z.{digits}f}".replace("-", "−")
    return text.replace("inf", "∞").replace("nan", "–")


@dataclass(frozen=True)
class Map:
    """Numbers as levels of a colour scale.

    levels: uint8 (H, W); palette: "grey" or "signed"; scale: pixels of the picture for each of
    its squares; bars: whether a square clearly below 0 carries a bar.
    """

    levels: np.ndarray
    palette: str
    scale: int = 1
    bars: bool = False


def grey(values, scale=1, low=0.0, high=1.0):
    """Values (H, W) in grey: `low` and below as paper, `high` and above as ink. A `Map`."""
    values = np.asarray(values)
    finite = np.isfinite(values)
    share = (np.where(finite, values, low) - low) / max(high - low, 1e-9)
    levels = np.clip(share * FULL, 0, FULL).round().astype(np.uint8)
    levels[~finite] = NOTHING
    return Map(levels, "grey", scale)


def signed(values, scale=1, limit=None):
    """Signed values (H, W): full colour at `limit` (by default the largest amount). A `Map`.

    From a scale of `BAR_FROM` on, a square clearly below 0 carries a bar. Values near 0 carry
    none, because a map would be full of them.
    """
    values = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(values)
    limit = float(np.abs(values).max(initial=0, where=finite)) if limit is None else limit
    share = np.clip(np.where(finite, values, 0) / max(limit, 1e-9), -1, 1)
    levels = (ZERO + share * ZERO).round().astype(np.uint8)
    levels[~finite] = NOTHING
    return Map(levels, "signed", scale, scale >= BAR_FROM)


class Sheet:
    """An empty sheet of `width` × `height` pixels: put maps on it, write, draw, and frame.

    What would reach beyond its edges is cut off. `items` and `regions` are plain values, and
    `encode` makes bytes of them for the page.
    """

    def __init__(self, width, height):
        self.width, self.height = width, height
        self.items, self.regions = [], []
        self._maps, self._length = [], 0  # bytes of the maps, one after the other

    @property
    def bytes_of_maps(self):
        return b"".join(self._maps)

    def encode(self):
        """The sheet as the page gets it: length of the JSON text, the text, bytes of the maps."""
        plain = {
            "width": self.width, "height": self.height,
            "items": self.items, "regions": self.regions,
        }  # fmt: skip
        text = json.dumps(plain, separators=(",", ":")).encode()
        return len(text).to_bytes(4, "little") + text + self.bytes_of_maps

    def _add(self, kind, **item):
        self.items.append({"kind": kind, **item})

    def _store(self, array):
        """Keep the bytes of an array; returns the place where they begin."""
        place, content = self._length, np.ascontiguousarray(array).tobytes()
        self._maps.append(content)
        self._length += len(content)
        return place

    def paste(self, content, x, y, line=True, cell=None):
        """Put a `Map` with the top left corner at (x, y).

        line: with a thin frame; cell: width and height of a square, where it is none.
        """
        rows, columns = content.levels.shape
        wide, high = cell or (content.scale, content.scale)
        if line:
            self.frame(x - 1, y - 1, columns * wide + 2, rows * high + 2, LINE, 1)
        self._add(
            "map", x=x, y=y, rows=rows, columns=columns, wide=wide, high=high,
            palette=content.palette, bars=content.bars, at=self._store(content.levels),
        )  # fmt: skip

    def fill(self, x, y, width, height, colour, alpha=1):
        """A rectangle of one colour."""
        self._add("fill", x=x, y=y, width=width, height=height, colour=colour, alpha=alpha)

    def frame(self, x, y, width, height, colour=MARK, thick=2):
        """A frame inside the rectangle of `width` × `height` at (x, y)."""
        self._add("frame", x=x, y=y, width=width, height=height, colour=colour, thick=thick)

    def line(self, points, colour, thick=2, dash=(), fill=False, alpha=1):
        """A line through points [(x, y), …]; fill: the area that it encloses instead."""
        flat = [round(float(value), 1) for point in points for value in point]
        self._add(
            "line", points=flat, colour=colour, thick=thick, dash=list(dash), fill=fill, alpha=alpha
        )

    def dot(self, x, y, radius, colour, hollow=False):
        """A disc, or a ring, around (x, y)."""
        x, y = round(float(x), 1), round(float(y), 1)
        self._add("dot", x=x, y=y, radius=radius, colour=colour, hollow=hollow)

    def text(self, x, y, text, size=12, colour=INK, anchor="la", bold=False, on=None):
        """Write at (x, y); `anchor` as Pillow has it: "la" top left, "mm" middle, "ra" top right.

        on: (palette, level) of the square on which it stands, for ink that can be read on it.
        """
        self._add(
            "text", x=x, y=y, text=text, size=size, colour=colour, anchor=anchor, bold=bold,
            on=None if on is None else [on[0], int(on[1])],
        )  # fmt: skip

    def numbers(self, values, x, y, cell=(44, 28), limit=None, size=12, digits=2, colour=True):
        """A small matrix with its numbers written in, coloured by sign and amount.

        `colour=False`: in grey, for values from 0 to `limit`.
        """
        wide, high = cell
        if limit is None:
            limit = float(np.abs(values).max(initial=1e-9, where=np.isfinite(values)))
        tints = signed(values, 1, limit) if colour else grey(values, 1, 0, limit)
        self.paste(tints, x, y, cell=cell)
        for (row, column), value in np.ndenumerate(values):
            left, top = x + column * wide, y + row * high
            on = (tints.palette, tints.levels[row, column])
            place = left + wide // 2, top + high // 2
            self.text(*place, number(value, digits), size, anchor="mm", on=on)

    def legend(self, x, y, limit, width=150, low=None):
        """A strip with the colours from −limit to limit, or in grey from `low` to `limit`."""
        palette = "signed" if low is None else "grey"
        levels = np.linspace(0, FULL, 51).round().astype(np.uint8)[None]
        self.paste(Map(levels, palette), x, y, cell=(width / 51, 8))
        ends = (f"−{number(limit)}", f"+{number(limit)}")
        if low is not None:
            ends = (number(low), number(limit))
        self.text(x, y + 11, ends[0], 10, SOFT)
        self.text(x + width, y + 11, ends[1], 10, SOFT, "ra")
        if low is None:
            self.text(x + width // 2, y + 11, "0", 10, SOFT, "ma")

    def point(
        self, x, y, rows, columns, cell, control, label, start=0, step=None, by=1,
        hover=True, keys=True,
    ):  # fmt: skip
        """A place where pointing sets a control: squares of `cell` pixels, row by row from `start`.

        control: its name among the explorer's; step: how many columns a row adds, by default all
        of its own; by: how much a column adds;
        hover: whether the pointer sets it without a button; keys: whether arrow keys do.
        """
        wide, high = cell
        self.regions.append({
            "kind": "point", "x": x, "y": y, "rows": rows, "columns": columns,
            "wide": wide, "high": high, "control": control, "label": label,
            "start": start, "step": columns if step is None else step, "by": by,
            "hover": hover, "keys": keys,
        })  # fmt: skip

    def editable(self, x, y, rows, columns, cell, control, labels, limit, slider):
        """Squares whose numbers are changed in place, with one slider for the chosen one.

        control: name of the control whose value is the list of numbers; limit: the largest amount;
        labels: of the squares, for screen readers; slider: (x, y, width) of the slider.
        """
        wide, high = cell
        self.regions.append({
            "kind": "edit", "x": x, "y": y, "rows": rows, "columns": columns,
            "wide": wide, "high": high, "control": control, "labels": list(labels),
            "limit": limit, "slider": list(slider),
        })  # fmt: skip


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
