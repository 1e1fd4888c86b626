"""Kernel lab: what nine weights make of a digit, one window at a time."""

import math

import ipywidgets
import numpy as np

from mnist_course.widgets import pixels
from mnist_course.widgets.controls import buttons, rows, same_place, slider
from mnist_course.widgets.explorer import Explorer, ExplorerError
from mnist_course.widgets.picture import Picture

PRESETS = {
    "identity": (0, 0, 0, 0, 1, 0, 0, 0, 0),
    "shift right": (0, 0, 0, 1, 0, 0, 0, 0, 0),
    "blur": (1 / 9,) * 9,
    "sharpen": (0, -1, 0, -1, 5, -1, 0, -1, 0),
    "Sobel, vertical edges": (-1, 0, 1, -2, 0, 2, -1, 0, 1),
    "Sobel, horizontal edges": (-1, -2, -1, 0, 0, 0, 1, 2, 1),
    "Laplacian": (0, 1, 0, 1, -4, 1, 0, 1, 0),
    "emboss": (-2, -1, 0, -1, 1, 1, 0, 1, 2),
}
PLACES = (
    "top left", "top", "top right", "left", "centre", "right",
    "bottom left", "bottom", "bottom right",
)  # fmt: skip
LIMIT = 5.0  # the largest amount of a weight

SCALE = 8  # pixels of the picture for each pixel of the digit
INPUT, KERNEL, OUTPUT, WORK = (8, 26), (306, 26), (540, 26), (8, 350)  # places on the sheet
SQUARE = (64, 44)  # of the kernel
WIDTH, HEIGHT = 820, 452


def windows(image, stride, padding, dilation):
    """All patches that a 3 × 3 kernel covers: (H, W) to (rows, columns, 3, 3).

    Raises ExplorerError where the kernel does not fit into the image.
    """
    span = 2 * dilation + 1
    padded = np.pad(image, padding)
    if min(padded.shape) < span:
        raise ExplorerError(f"the kernel spans {span} pixels, the padded image {padded.shape}")
    every = np.lib.stride_tricks.sliding_window_view(padded, (span, span))
    return every[::stride, ::stride, ::dilation, ::dilation]


def size_formula(size, stride, padding, dilation):
    """The output's size, and the formula with the numbers filled in."""
    span = 2 * dilation + 1
    result = (size + 2 * padding - span) // stride + 1
    return result, f"({size} + 2·{padding} − {span}) / {stride} + 1 → {result}"


def kernel_picture(image, kernel, stride=1, padding=0, dilation=1, position=0):
    """A digit, a kernel, and the convolution of the two, with one window worked out.

    image: bytes (28, 28); kernel: nine weights, row by row; stride 1 to 3, padding 0 to 3,
    dilation 1 or 2; position: number of the window, row by row from 0.
    Returns a `Picture`. Raises ExplorerError for anything outside.
    """
    image = pixels.digit_image(image)
    try:
        kernel = np.asarray(kernel, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ExplorerError(f"a kernel has nine weights, all of them numbers: {error}") from error
    if kernel.size != 9 or not np.isfinite(kernel).all():
        raise ExplorerError(f"a kernel has nine weights, all of them numbers; got {kernel}")
    kernel = kernel.reshape(3, 3)
    pixels.check_whole("stride", stride, 1, 3)
    pixels.check_whole("padding", padding, 0, 3)
    pixels.check_whole("dilation", dilation, 1, 2)
    patches = windows(image, stride, padding, dilation)
    output = np.einsum("rcij,ij->rc", patches, kernel)
    pixels.check_whole("position", position, 0, output.size - 1)
    row, column = divmod(position, output.shape[1])
    patch = patches[row, column]
    value = output[row, column]

    sheet = pixels.Sheet(WIDTH, HEIGHT)
    _draw_input(sheet, image, stride, padding, dilation, row, column, output.shape)
    _draw_kernel(sheet, kernel, len(image), stride, padding, dilation)
    _draw_output(sheet, output, row, column)
    _draw_work(sheet, patch, kernel, value, row, column)
    low, high = output.min(), output.max()
    text = (
        f"The window at row {row}, column {column} covers nine pixels. Each is multiplied by the "
        f"weight at its place, and the sum of the products, {_terms(patch, kernel)} = "
        f"{pixels.number(value)}, becomes the output's number at row {row}, column {column}. "
        f"The whole output has {output.shape[0]} × {output.shape[1]} numbers, from "
        f"{pixels.number(low)} to {pixels.number(high)}."
    )
    return Picture(sheet, text)


def _terms(patch, kernel):
    """The sum of the nine products, written out; terms with a weight of 0 are left out."""
    terms = [
        f"{pixels.number(p)}·({pixels.number(k)})" if k < 0 else f"{pixels.number(p)}·{k:.2f}"
        for p, k in zip(patch.flat, kernel.flat, strict=True)
        if k != 0
    ]
    return " + ".join(terms) or "0"


def _draw_input(sheet, image, stride, padding, dilation, row, column, shape):
    """The padded digit with the window's frame and its nine pixels."""
    x, y = INPUT
    side = len(image) + 2 * padding
    title = f"input, {len(image)} × {len(image)}" + ", with zeros around" * (padding > 0)
    sheet.text(x, y - 20, title, bold=True)
    if padding:
        sheet.frame(x - 1, y - 1, side * SCALE + 2, side * SCALE + 2, pixels.LINE, 1)
        sheet.fill(x, y, side * SCALE, side * SCALE, pixels.LINE, 0.6)
    edge = padding * SCALE
    sheet.paste(pixels.grey(image, SCALE), x + edge, y + edge)
    span = (2 * dilation + 1) * SCALE
    left, top = x + column * stride * SCALE, y + row * stride * SCALE
    sheet.frame(left, top, span, span)
    if dilation > 1:
        for i in range(3):
            for j in range(3):
                place = left + j * dilation * SCALE, top + i * dilation * SCALE
                sheet.frame(*place, SCALE, SCALE, thick=1)
    step = stride * SCALE  # pointing near the middle of a window chooses it
    begin = (span - step) / 2
    sheet.point(
        x + begin, y + begin, *shape, (step, step), "position", "Window in the input", keys=False
    )


def _draw_kernel(sheet, kernel, size, stride, padding, dilation):
    x, y = KERNEL
    wide, high = SQUARE
    sheet.text(x, y - 20, "kernel: change its numbers", bold=True)
    sheet.numbers(kernel, x, y, cell=SQUARE, size=14)
    sheet.text(x, y + 3 * high + 8, "chosen weight", 11, pixels.SOFT)
    slider = (x, y + 3 * high + 24, 3 * wide)
    sheet.editable(x, y, 3, 3, SQUARE, "kernel", PLACES, LIMIT, slider)
    result, formula = size_formula(size, stride, padding, dilation)
    top = y + 3 * high + 64
    sheet.text(x, top, "output size", bold=True)
    lines = ["(n + 2p − k) / s + 1, rounded down", formula]
    if dilation > 1:
        lines.append(f"with dilation {dilation}, k = {2 * dilation + 1} pixels")
    for number, line in enumerate(lines):
        sheet.text(x, top + 19 + 17 * number, line, 11)


def _draw_output(sheet, output, row, column):
    x, y = OUTPUT
    limit = float(np.abs(output).max())
    rows, columns = output.shape
    sheet.text(x, y - 20, f"output, {rows} × {columns}: point at it", bold=True)
    sheet.paste(pixels.signed(output, SCALE, limit), x, y)
    sheet.frame(x + column * SCALE - 3, y + row * SCALE - 3, SCALE + 6, SCALE + 6)
    sheet.point(
        x, y, rows, columns, (SCALE, SCALE), "position", "Window, by its place in the output"
    )
    sheet.legend(x, y + rows * SCALE + 12, limit, width=max(80, columns * SCALE))


def _draw_work(sheet, patch, kernel, value, row, column):
    """The patch, its nine products, and their sum."""
    x, y = WORK
    sheet.text(x, y - 20, "patch in the window", bold=True)
    sheet.numbers(patch, x, y, cell=(46, 30), limit=1, colour=False)
    sheet.text(x + 155, y + 45, "→", 18, pixels.SOFT, anchor="mm")
    products = patch * kernel
    x += 172
    wide, high = 164, 30
    sheet.text(x, y - 20, "pixel × weight = product", bold=True)
    tints = pixels.signed(products)
    sheet.paste(tints, x, y, cell=(wide, high))
    for (i, j), product in np.ndenumerate(products):
        term = f"{pixels.number(patch[i, j])} × {pixels.number(kernel[i, j])} = "
        left, top = x + wide * j, y + high * i
        sheet.frame(left - 1, top - 1, wide + 2, high + 2, pixels.LINE, 1)
        sheet.text(
            left + wide // 2, top + high // 2, term + pixels.number(product), 12, anchor="mm",
            on=("signed", tints.levels[i, j]),
        )  # fmt: skip
    x += 3 * wide + 14
    sheet.text(x, y - 20, "sum of the nine", bold=True)
    sheet.text(x, y + 20, f"= {pixels.number(value)}", 22, bold=True)
    sheet.text(x, y + 54, f"row {row}, column {column}", 11, pixels.SOFT)
    sheet.text(x, y + 70, "of the output", 11, pixels.SOFT)


def kernel_lab(part):
    """An explorer: a kernel whose numbers can be changed, and what it makes of any digit of `part`.

    part: a `data.Part`, such as the training images. The numbers are changed in the picture; the
    control `kernel` holds all nine, row by row.
    """
    pixels.check_part(part)
    digit = slider("Digit", min(7, len(part) - 1), 0, len(part) - 1, help="index of the image")
    position = slider("Position", 7 * 26 + 11, 0, 26 * 26 - 1, help="number of the window")
    stride = slider("Stride", 1, 1, 3, help="step of the kernel in pixels")
    padding = slider("Padding", 0, 0, 3, help="frame of zeros in pixels")
    dilation = slider("Dilation", 1, 1, 2, help="distance of the kernel's pixels")
    preset = buttons("Kernel", PRESETS, "Sobel, vertical edges", "a known one")
    # a list of numbers of ipywidgets' own; its view is not used, because the picture shows them
    kernel = ipywidgets.FloatsInput(
        value=list(PRESETS[preset.value]), min=-LIMIT, max=LIMIT, description="Weights"
    )

    def draw(digit, position, stride, padding, dilation, kernel):
        return kernel_picture(part.images[digit], kernel, stride, padding, dilation, position)

    def adjust():
        before = math.isqrt(position.max + 1)  # windows in a row, in the previous picture
        size, _ = size_formula(28, stride.value, padding.value, dilation.value)
        place = same_place(position.value, (before, before), (size, size))
        position.max = max(position.max, place)
        position.value, position.max = place, size * size - 1
        known = (name for name, values in PRESETS.items() if np.allclose(values, kernel.value))
        preset.value = next(known, None)

    controls = {
        "digit": digit, "position": position, "stride": stride, "padding": padding,
        "dilation": dilation, "kernel": kernel,
    }  # fmt: skip
    arrangement = rows((digit, position), (stride, padding, dilation), (preset,))
    ahead = ("digit", "position", "kernel")
    explorer = Explorer(draw, controls, "Kernel lab", arrangement, adjust, ahead)
    explorer.preset = preset  # it only sets the kernel, so it is no setting

    def apply_preset(change):
        if change.new is not None:
            kernel.value = list(PRESETS[change.new])

    preset.observe(apply_preset, "value")
    return explorer
