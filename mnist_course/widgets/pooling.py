"""Pooling lab: what pooling tolerates when a digit moves, and what it loses."""

import numpy as np
import torch

from mnist_course import augment
from mnist_course.widgets import pixels
from mnist_course.widgets.controls import buttons, rows, same_place, slider
from mnist_course.widgets.explorer import Explorer, ExplorerError
from mnist_course.widgets.picture import Picture

KINDS = ("max", "average")
SIDE = 168  # pixels of the picture that a map fills at most: 28 × 6
LEFT = (8, 192, 376)  # where the three columns begin
TOP = (46, 252)  # where the two rows begin
RIGHT, ROOM = 572, 240  # where the column of numbers begins, and how wide it is
WIDTH, HEIGHT = 820, 464


def pool(image, kind, size, stride):
    """The largest value or the mean of every window: (H, W) to (rows, columns).

    Windows that would reach over the border are left out, as torch does.
    """
    every = np.lib.stride_tricks.sliding_window_view(image, (size, size))
    chosen = every[::stride, ::stride]
    return chosen.max(axis=(2, 3)) if kind == "max" else chosen.mean(axis=(2, 3))


def relative_change(before, after):
    """Mean absolute difference as a share of both maps' mean value; 0 where both are empty.

    For values from 0 upwards. 0: nothing has changed; 2: the two have nothing in common.
    """
    mean = (np.abs(before).mean() + np.abs(after).mean()) / 2
    return float(np.abs(after - before).mean() / mean) if mean > 0 else 0.0


def pooling_picture(image, kind="max", size=2, stride=2, right=1, down=0, position=0):
    """A digit and the digit shifted, above as pixels, below pooled, and how much they differ.

    image: bytes (28, 28); kind: "max" or "average"; size and stride 1 to 7 pixels; right and
    down: shift of -7 to 7 pixels; position: number of the window that is worked out, row by row
    from 0. Returns a `Picture`. Raises ExplorerError for anything outside.
    """
    image = pixels.digit_image(image)
    if kind not in KINDS:
        raise ExplorerError(f"there is max and average pooling, not {kind!r}")
    pixels.check_whole("size", size, 1, 7)
    pixels.check_whole("stride", stride, 1, 7)
    pixels.check_whole("shift to the right", right, -7, 7)
    pixels.check_whole("shift down", down, -7, 7)
    moved = augment.shift(torch.from_numpy(image), right, down).numpy()
    pooled, pooled_moved = (pool(each, kind, size, stride) for each in (image, moved))
    pixels.check_whole("position", position, 0, pooled.size - 1)
    row, column = divmod(position, pooled.shape[1])
    changes = relative_change(image, moved), relative_change(pooled, pooled_moved)

    sheet = pixels.Sheet(WIDTH, HEIGHT)
    for x, title in zip(LEFT, ("digit", "digit shifted", "difference"), strict=True):
        sheet.text(x, 4, title, bold=True)
    sheet.text(LEFT[1], TOP[0] - 18, _shift_name(right, down), 11, pixels.SOFT)
    _draw_row(sheet, TOP[0], image, moved, "28 × 28 pixels")
    rows_and_columns = f"{pooled.shape[0]} × {pooled.shape[1]}"
    _draw_row(sheet, TOP[1], pooled, pooled_moved, f"{kind} pooling: {rows_and_columns}")
    sheet.legend(LEFT[2], TOP[1] + SIDE + 8, 1.0, width=SIDE)
    _mark_window(sheet, size, stride, row, column, pooled.shape)
    window = image[row * stride : row * stride + size, column * stride : column * stride + size]
    _draw_window(sheet, window, kind, pooled[row, column])
    _draw_changes(sheet, changes)
    _draw_size(sheet, size, stride, pooled)
    what = "the largest" if kind == "max" else "the mean"
    text = (
        f"The window at row {row}, column {column} covers {size} × {size} pixels of the digit, and "
        f"{what} of them, {pixels.number(pooled[row, column])}, becomes one number of the pooled "
        f"map, so that {pooled.size} numbers are left of 784. "
    )
    if right or down:
        text += (
            f"When the digit is {_shift_name(right, down)}, its pixels change by {changes[0]:.0%}, "
            f"but the pooled map changes by {changes[1]:.0%}."
        )
    else:
        text += "The digit is not shifted, so neither its pixels nor the pooled map change."
    return Picture(sheet, text)


def _mark_window(sheet, size, stride, row, column, shape):
    """The window's frame on both digits, and its number's on the pooled maps."""
    scale, square = SIDE // 28, SIDE // max(shape)
    for x in LEFT[:2]:
        left, top = x + column * stride * scale, TOP[0] + row * stride * scale
        sheet.frame(left, top, size * scale, size * scale)
        sheet.frame(x + column * square, TOP[1] + row * square, square, square)
    step = stride * scale
    begin = (size * scale - step) / 2
    sheet.point(
        LEFT[0] + begin, TOP[0] + begin, *shape, (step, step), "position",
        "Window on the digit", keys=False,
    )  # fmt: skip
    name = "Window, by its place in the pooled map"
    sheet.point(LEFT[0], TOP[1], *shape, (square, square), "position", name)
    sheet.point(LEFT[1], TOP[1], *shape, (square, square), "position", name, keys=False)


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


def _draw_window(sheet, window, kind, value):
    """The window's numbers, and what becomes of them."""
    y = TOP[0]
    sheet.text(RIGHT, 4, "numbers in the window", bold=True)
    cell = min(44, ROOM // len(window)), min(28, 126 // len(window))
    size = 12 if len(window) < 5 else 10
    sheet.numbers(window, RIGHT, y, cell, 1, size, colour=False)
    name = "largest" if kind == "max" else "mean"
    top = y + len(window) * cell[1] + 10
    sheet.text(RIGHT, top, f"{name}: {pixels.number(value)}", 15, bold=True)


def _draw_changes(sheet, changes):
    """How much the shift changed the pixels and the pooled map, as bars."""
    y = TOP[1]
    sheet.text(RIGHT, y - 22, "how much the shift changes", bold=True)
    bars = zip(("pixels", "pooled map"), changes, (pixels.SOFT, pixels.MARK), strict=True)
    for number, (name, change, colour) in enumerate(bars):
        top = y + 40 * number
        sheet.text(RIGHT, top, f"{name}: {change:.0%} of their mean value", 12)
        sheet.fill(RIGHT, top + 17, ROOM, 12, pixels.SURFACE)
        sheet.fill(RIGHT, top + 17, round(ROOM * change / 2), 12, colour)
    sheet.text(RIGHT, y + 80, "0%: the same. 200%: nothing in common.", 11, pixels.SOFT)


def _draw_size(sheet, size, stride, pooled):
    y = TOP[1] + 112
    sheet.text(RIGHT, y, "output size", bold=True)
    lines = (
        "(28 − k) / s + 1, rounded down",
        f"(28 − {size}) / {stride} + 1 → {len(pooled)}",
        f"784 numbers become {pooled.size}",
    )
    for number, line in enumerate(lines):
        sheet.text(RIGHT, y + 20 + 17 * number, line, 11)


def pooling_lab(part):
    """An explorer: pool any digit of `part`, shift it, and see what pooling forgives.

    part: a `data.Part`, such as the training images.
    """
    pixels.check_part(part)
    digit = slider("Digit", min(7, len(part) - 1), 0, len(part) - 1, help="index of the image")
    size = slider("Size", 4, 1, 7, help="side of the window in pixels")
    stride = slider("Stride", 4, 1, 7, help="step of the window in pixels")
    position = slider("Position", 2 * 7 + 3, 0, 7 * 7 - 1, help="number of the window")
    controls = {
        "digit": digit,
        "kind": buttons("Pooling", KINDS, "max", help="largest value or mean of a window"),
        "size": size,
        "stride": stride,
        "position": position,
        "right": slider("Shift right", 1, -7, 7, help="pixels; below 0 to the left"),
        "down": slider("Shift down", 0, -7, 7, help="pixels; below 0 upwards"),
    }
    before = [7]  # windows in a row, in the previous picture

    def adjust():
        side = (28 - size.value) // stride.value + 1
        place = same_place(position.value, (before[0],) * 2, (side, side))
        position.max = max(position.max, place)
        position.value, position.max = place, side * side - 1
        before[0] = side

    def draw(digit, **settings):
        return pooling_picture(part.images[digit], **settings)

    arrangement = rows(
        (digit, controls["kind"]), (size, stride, position), (controls["right"], controls["down"])
    )
    ahead = ("digit", "size", "stride", "position", "right", "down")
    return Explorer(draw, controls, "Pooling lab", arrangement, adjust, ahead)
