"""Pooling lab: what pooling tolerates when a digit moves, and what it loses."""

import numpy as np

from mnist_course import plots
from mnist_course.widgets import pixels
from mnist_course.widgets.controls import dropdown, rows, slider
from mnist_course.widgets.explorer import Explorer, ExplorerError
from mnist_course.widgets.picture import Picture

KINDS = ("max", "average")
SIDE = 168  # pixels of the picture that a map fills at most: 28 × 6
LEFT = (8, 190, 372)  # where the three columns begin
TOP = (40, 256)  # where the two rows begin
WIDTH, HEIGHT = 838, 432


def pool(image, kind, size, stride):
    """The largest value or the mean of every window: (H, W) to (rows, columns).

    Windows that would reach over the border are left out, as torch does.
    """
    every = np.lib.stride_tricks.sliding_window_view(image, (size, size))
    chosen = every[::stride, ::stride]
    return chosen.max(axis=(2, 3)) if kind == "max" else chosen.mean(axis=(2, 3))


def shift(image, right, down):
    """The image moved by whole pixels; what leaves it is lost, what comes in is 0."""
    height, width = image.shape
    frame = max(abs(right), abs(down))
    padded = np.pad(image, frame)
    return padded[frame - down : frame - down + height, frame - right : frame - right + width]


def relative_change(before, after):
    """Mean absolute difference as a share of both maps' mean value; 0 where both are empty.

    For values from 0 upwards. 0: nothing has changed; 2: the two have nothing in common.
    """
    mean = (np.abs(before).mean() + np.abs(after).mean()) / 2
    return float(np.abs(after - before).mean() / mean) if mean > 0 else 0.0


def pooling_picture(image, kind="max", size=2, stride=2, right=1, down=0):
    """A digit and the digit shifted, above as pixels, below pooled, and how much they differ.

    image: bytes (28, 28); kind: "max" or "average"; size and stride 1 to 7 pixels; right and
    down: shift of -7 to 7 pixels. Returns a `Picture`. Raises ExplorerError for anything outside.
    """
    image = pixels.digit_image(image)
    if kind not in KINDS:
        raise ExplorerError(f"there is max and average pooling, not {kind!r}")
    pixels.check_whole("size", size, 1, 7)
    pixels.check_whole("stride", stride, 1, 7)
    pixels.check_whole("shift to the right", right, -7, 7)
    pixels.check_whole("shift down", down, -7, 7)
    moved = shift(image, right, down)
    pooled, pooled_moved = (pool(each, kind, size, stride) for each in (image, moved))
    changes = relative_change(image, moved), relative_change(pooled, pooled_moved)

    sheet = pixels.Sheet(WIDTH, HEIGHT)
    for x, title in zip(LEFT, ("digit", "digit shifted", "difference"), strict=True):
        sheet.text(x, 4, title, bold=True)
    sheet.text(LEFT[1], TOP[0] - 18, _shift_name(right, down), 11, pixels.SOFT)
    _draw_row(sheet, TOP[0], image, moved, "28 × 28 pixels")
    rows_and_columns = f"{pooled.shape[0]} × {pooled.shape[1]}"
    _draw_row(sheet, TOP[1], pooled, pooled_moved, f"{kind} pooling: {rows_and_columns}")
    scale = SIDE // 28
    # the first window and the next one to the right, on the digit itself
    sheet.frame(LEFT[0], TOP[0], size * scale, size * scale)
    if stride + size <= 28:
        sheet.frame(LEFT[0] + stride * scale, TOP[0], size * scale, size * scale, plots.RED, 1)
    _draw_changes(sheet, changes, size, stride, pooled)
    text = (
        f"{kind.capitalize()} pooling {size} × {size} with stride {stride} keeps {pooled.size} "
        f"numbers of 784. {_shift_name(right, down).capitalize()}, the pixels change by "
        f"{changes[0]:.0%} and the pooled map by {changes[1]:.0%}."
    )
    return Picture(sheet.pixels, text)


def _shift_name(right, down):
    sideways = f"{abs(right)} to the {'right' if right > 0 else 'left'}"
    upright = f"{abs(down)} {'down' if down > 0 else 'up'}"
    parts = [sideways] * (right != 0) + [upright] * (down != 0)
    return "shifted " + ", ".join(parts) if parts else "not shifted"


def _draw_row(sheet, y, before, after, title):
    scale = SIDE // max(before.shape)
    sheet.text(LEFT[0], y - 18, title, 11, pixels.SOFT)
    sheet.paste(pixels.grey(before, scale), LEFT[0], y)
    sheet.paste(pixels.grey(after, scale), LEFT[1], y)
    sheet.paste(pixels.signed(after - before, scale, 1.0), LEFT[2], y)


def _draw_changes(sheet, changes, size, stride, pooled):
    """How much the shift changed the pixels and the pooled map, as bars; and the size."""
    x, longest = 562, 260
    sheet.text(x, 4, "how much the shift changes", bold=True)
    bars = zip(("pixels", "pooled map"), changes, (pixels.INK, plots.BLUE), strict=True)
    for number, (name, change, colour) in enumerate(bars):
        y = 40 + 52 * number
        sheet.text(x, y, f"{name}: {change:.0%} of their mean value", 12)
        sheet.frame(x, y + 18, longest, 14, pixels.LINE, 1)
        sheet.fill(x, y + 18, round(longest * change / 2), 14, colour)
    sheet.text(x, 146, "0%: the same. 200%: nothing in common.", 11, pixels.SOFT)
    lines = (
        "(28 − k) / s, rounded down, + 1",
        f"(28 − {size}) / {stride}, rounded down, + 1 = {len(pooled)}",
        f"784 numbers become {pooled.size}",
    )
    sheet.text(x, TOP[1] - 18, "output size", bold=True)
    for number, line in enumerate(lines):
        sheet.text(x, TOP[1] + 4 + 18 * number, line, 11)
    for number, line in enumerate(pixels.LEGEND.split("   ")):
        sheet.text(x, TOP[1] + 78 + 16 * number, line, 11, pixels.SOFT)
    sheet.text(x, TOP[1] + 136, "frames on the digit: the first two windows", 11, pixels.SOFT)


def pooling_lab(part):
    """An explorer: pool any digit of `part`, shift it, and see what pooling forgives.

    part: a `data.Part`, such as the training images.
    """
    pixels.check_part(part)
    digit = slider("Digit", min(7, len(part) - 1), 0, len(part) - 1, help="index of the image")
    controls = {
        "digit": digit,
        "kind": dropdown("Pooling", KINDS, help="largest value or mean of a window"),
        "size": slider("Size", 4, 1, 7, help="side of the window in pixels"),
        "stride": slider("Stride", 4, 1, 7, help="step of the window in pixels"),
        "right": slider("Shift right", 1, -7, 7, help="pixels; below 0 to the left"),
        "down": slider("Shift down", 0, -7, 7, help="pixels; below 0 upwards"),
    }

    def draw(digit, **settings):
        return pooling_picture(part.images[digit], **settings)

    named = list(controls.values())
    arrangement = rows(named[:2], named[2:4], named[4:])
    ahead = ("digit", "size", "stride", "right", "down")
    return Explorer(draw, controls, "Pooling lab", arrangement, ahead=ahead)
