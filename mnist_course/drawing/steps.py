"""From strokes to 28×28 pixels, by the steps by which MNIST was made.

NIST's digits were black and white. For MNIST each was scaled, so that its ink just fits into 20×20
pixels and keeps its proportions, which made grey levels along the edges. Then it was moved by whole
pixels, until its centre of mass lay in the middle of 28×28 pixels.
Source: LeCun, Cortes & Burges, The MNIST database of handwritten digits, yann.lecun.com/exdb/mnist.

`web/strokes.js` does the same in the page, number by number, and the tests compare the two.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch

from mnist_course import augment, runtime

SIDE = 28  # pixels of an image
BOX = 20  # pixels into which the ink is scaled
MIDDLE = 14  # the row and the column to which the centre of mass goes
PEN = 2.6  # pixels: half of MNIST's lines are thinner, half are wider
FINE = 8  # samples in a pixel, each way
FARTHEST = 1e9  # of a coordinate from 0
MOST_POINTS = 20_000  # of a drawing
MOST_SAMPLES = 50_000_000  # that a line may come near; a digit needs a hundredth of it
LARGEST_DOT = 4  # a drawing is not enlarged until its own pen would be so many times as wide


class DrawingError(runtime.CourseError):
    """A drawing that can't be read; the message says why, and what would do."""


class NothingDrawn(DrawingError):
    """An empty drawing."""

    def __init__(self, what="the drawing"):
        super().__init__(f"Nothing drawn: there is no ink in {what}, so there is nothing to read.")


@dataclass(frozen=True)
class Options:
    """Which steps are taken. Each can be left out, to see what the network says then."""

    ink_on_black: bool = True  # MNIST has light ink on black; without, black ink on white
    pen: float | None = PEN  # width of the line in the image, in pixels; None: as it was drawn
    box: bool = True  # scaled into 20×20; without, the whole field is shrunk to 28×28
    centre: bool = True  # moved by its centre of mass

    def __post_init__(self):
        for name in ("ink_on_black", "box", "centre"):
            if not isinstance(getattr(self, name), bool):
                raise DrawingError(f"{name} is True or False, got {getattr(self, name)!r}")
        if self.pen is not None:
            number = isinstance(self.pen, int | float) and not isinstance(self.pen, bool)
            if not (number and 0 < self.pen <= BOX / 2):
                raise DrawingError(
                    f"a pen is above 0 and up to {BOX // 2} pixels wide, or None for the one that "
                    f"drew; got {self.pen!r}"
                )


@dataclass(frozen=True)
class Steps:
    """A drawing after each step: bytes (28, 28), what the network sees last.

    A step that is left out passes on the picture that it got.
    """

    drawn: np.ndarray  # the whole field, black ink on white paper
    ink: np.ndarray  # light ink on black
    pen: np.ndarray  # lines as wide as MNIST's
    box: np.ndarray  # scaled into 20×20, in the middle
    image: np.ndarray  # moved, so that the centre of mass lies in the middle
    shift: tuple[int, int] = (0, 0)  # pixels down and right, of the last step

    def pictures(self):
        """The five pictures by name, in the order of the steps."""
        return {name: getattr(self, name) for name in ("drawn", "ink", "pen", "box", "image")}


def from_strokes(strokes, field=None, pen=None, options=None):
    """A drawing of strokes as an image of 28×28 pixels, step by step. Returns `Steps`.

    strokes: a list of strokes, each a list of points (x, y), x to the right and y down, in any
    unit; one point alone is a dot. field: the square that was drawn in, (left, top, side) in the
    same unit, by default one around the drawing; it matters where `box` is left out. pen: width of
    the pen in that unit, by default as wide as MNIST's.
    Raises `NothingDrawn` without a point, and DrawingError for what is no drawing.
    """
    options = options or Options()
    drawing = _Drawing(strokes, field, pen)
    drawn = drawing.in_field(None)
    penned = drawn if options.pen is None else drawing.in_field(options.pen)
    boxed = drawing.in_box(options.pen) if options.box else penned
    return finish(drawn, penned, boxed, options)


def image_of(strokes, field=None, pen=None, options=None):
    """The last picture of `from_strokes` alone, which takes a third of the time."""
    options = options or Options()
    drawing = _Drawing(strokes, field, pen)
    ink = drawing.in_box(options.pen) if options.box else drawing.in_field(options.pen)
    return finish(ink, ink, ink, options).image


class _Drawing:
    """Checked strokes with the field and the pen that they were drawn in and with."""

    def __init__(self, strokes, field, pen):
        self.lines = check_strokes(strokes)
        points = np.concatenate(self.lines)
        self.low, self.high = points.min(axis=0), points.max(axis=0)
        field = _field_around(self.low, self.high) if field is None else check_field(field)
        *self.corner, self.side = field
        self.pen = PEN * self.side / SIDE if pen is None else check_length("the pen", pen)

    def in_field(self, pen):
        """The whole field on 28×28, by a pen of so many pixels; None: by the one that drew."""
        scale = SIDE / self.side
        wide = self.pen * scale if pen is None else pen
        return render([(line - self.corner) * scale for line in self.lines], wide / 2)

    def in_box(self, pen):
        """The ink scaled so that it just fits into the box, in the middle of 28×28."""
        size = self.high - self.low
        extent = size.max()
        if pen is None:
            scale = BOX / (extent + self.pen)
            wide = self.pen * scale
        else:
            wide = pen
            scale = LARGEST_DOT * wide / self.pen
            if extent * scale > BOX - wide:  # so nothing is divided by next to nothing
                scale = (BOX - wide) / extent
        # whole pixels in front, so that ink begins where a pixel does
        margin = np.floor((SIDE - (size * scale + wide)) / 2) + wide / 2
        return render([(line - self.low) * scale + margin for line in self.lines], wide / 2)


def finish(drawn, penned, boxed, options):
    """The last step, and the pictures of all as `Steps`. Light ink on black comes in."""
    down, right = centre_shift(boxed) if options.centre else (0, 0)
    image = augment.shift(torch.from_numpy(boxed), right, down).numpy()
    if not image.any():
        raise NothingDrawn("the field")

    def seen(picture):
        return picture if options.ink_on_black else 255 - picture

    return Steps(255 - drawn, seen(drawn), seen(penned), seen(boxed), seen(image), (down, right))


def check_strokes(strokes):
    """Strokes as a list of float64 (N, 2), without empty ones.

    Raises `NothingDrawn` when there is no point, and DrawingError for anything else than finite
    points, and for too many.
    """
    try:
        strokes = list(strokes)
        lines = [np.asarray(stroke, dtype=np.float64) for stroke in strokes]
    except (TypeError, ValueError, OverflowError) as error:
        raise DrawingError(
            "expected strokes, each a list of points (x, y), such as [[(3, 4), (5, 6)]]; "
            f"{type(error).__name__}: {error}"
        ) from error
    lines = [line for line in lines if line.size]
    for number, line in enumerate(lines):
        if line.ndim != 2 or line.shape[1] != 2:
            raise DrawingError(
                f"stroke {number} has the shape {line.shape}, expected points (x, y), so (N, 2)"
            )
        if not (np.abs(line) <= FARTHEST).all():  # also false for NaN
            raise DrawingError(
                f"stroke {number} has a point that is no number or lies farther than "
                f"{FARTHEST:.0e} from 0"
            )
    count = sum(map(len, lines))
    if count > MOST_POINTS:
        raise DrawingError(f"a digit has at most {MOST_POINTS:,} points here, got {count:,}")
    if not count:
        raise NothingDrawn
    return lines


def check_length(name, value):
    """The width of something. Raises DrawingError unless it is above 0 and finite."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (number and 1 / FARTHEST <= value <= FARTHEST):
        raise DrawingError(f"{name} must have a width above 0, and a finite one; got {value!r}")
    return value


def check_field(field):
    """A field as three floats (left, top, side). Raises DrawingError for anything else."""
    try:
        left, top, side = map(float, field)
    except (TypeError, ValueError, OverflowError) as error:
        raise DrawingError(f"a field is (left, top, side), got {field!r}") from error
    if not (abs(left) <= FARTHEST and abs(top) <= FARTHEST):
        raise DrawingError(f"a field begins at finite numbers, got {field!r}")
    return left, top, check_length("a field", side)


def _field_around(low, high):
    """(left, top, side) of a square around a drawing, with the margin of MNIST's images."""
    side = max((high - low).max() * SIDE / BOX, 1.0)
    left, top = (low + high) / 2 - side / 2
    return left, top, side


def render(lines, radius):
    """Lines drawn by a round pen on 28×28 pixels: bytes, light ink on black.

    lines: float64 (N, 2) each, in pixels; radius: of the pen, in pixels. Each pixel is the share of
    its 8×8 samples that lie within the radius of a line, because NIST's forms were scanned in black
    and white, and MNIST's grey levels came from scaling them down.
    Raises DrawingError for lines that go to and fro for ever.
    """
    inked = np.zeros((SIDE * FINE, SIDE * FINE), dtype=bool)
    segments = np.concatenate([_segments(line) for line in lines])
    # the samples that a segment can reach: from the first to before the last
    reach = np.stack([segments[:, :2], segments[:, 2:]])
    first = np.ceil((reach.min(axis=0) - radius) * FINE - 0.5)
    last = np.floor((reach.max(axis=0) + radius) * FINE - 0.5) + 1
    first, last = (np.clip(one, 0, SIDE * FINE).astype(int) for one in (first, last))
    if (last - first).prod(axis=1).sum() > MOST_SAMPLES:
        raise DrawingError("the line goes to and fro too often for a digit: draw it again")
    samples = (np.arange(SIDE * FINE) + 0.5) / FINE
    square = radius * radius
    for (x, y, to_x, to_y), (left, top), (right, bottom) in zip(segments, first, last, strict=True):
        if left >= right or top >= bottom:
            continue
        across = samples[left:right] - x
        down = (samples[top:bottom] - y)[:, None]
        along_x, along_y = to_x - x, to_y - y
        length = along_x * along_x + along_y * along_y
        share = 0.0  # of the way along the segment, to the point that is nearest to a sample
        if length > 0:
            share = np.clip((across * along_x + down * along_y) / length, 0.0, 1.0)
        off_x, off_y = across - share * along_x, down - share * along_y
        inked[top:bottom, left:right] |= off_x * off_x + off_y * off_y <= square
    counted = inked.reshape(SIDE, FINE, SIDE, FINE).sum(axis=(1, 3))
    return np.floor(counted * 255 / FINE**2 + 0.5).astype(np.uint8)


def _segments(line):
    """From each point to the next: (N, 4); a point alone is a segment to itself."""
    return np.hstack([line[:-1], line[1:]]) if len(line) > 1 else np.hstack([line, line])


def centre_shift(image):
    """By how many whole pixels, down and right, the centre of mass is to be moved.

    Zeros for an image without ink.
    """
    ink = image.astype(np.int64)
    total = int(ink.sum())
    if not total:
        return 0, 0
    places = np.arange(SIDE)
    rows, columns = (ink.sum(axis=axis) for axis in (1, 0))
    return tuple(
        math.ceil(MIDDLE - 0.5 - int((one * places).sum()) / total) for one in (rows, columns)
    )
