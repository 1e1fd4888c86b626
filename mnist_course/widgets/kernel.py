"""Kernel lab: what nine weights make of a digit, one window at a time."""

import math

import ipywidgets
import numpy as np

from mnist_course.widgets import pixels
from mnist_course.widgets.controls import dropdown, same_place, slider
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
OWN = "your own"
PLACES = (
    "top left", "top", "top right", "left", "centre", "right",
    "bottom left", "bottom", "bottom right",
)  # fmt: skip
LIMIT = 5.0  # the largest weight that a slider reaches

SCALE = 8  # pixels of the picture for each pixel of the digit
INPUT, KERNEL, OUTPUT, WORK = (8, 24), (300, 24), (532, 24), (8, 330)  # places on the sheet
WIDTH, HEIGHT = 838, 432


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
    return result, f"({size} + 2·{padding} − {span}) / {stride}, rounded down, + 1 = {result}"


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
    _draw_input(sheet, image, stride, padding, dilation, row, column)
    _draw_kernel(sheet, kernel, len(image), stride, padding, dilation)
    _draw_output(sheet, output, row, column)
    _draw_work(sheet, patch, kernel, value, row, column)
    low, high = output.min(), output.max()
    text = (
        f"Output {output.shape[0]} × {output.shape[1]}, values from {pixels.number(low)} to "
        f"{pixels.number(high)}. Window {position} stands at row {row}, column {column}: "
        f"patch × kernel = {_terms(patch, kernel)} = {pixels.number(value)}."
    )
    return Picture(sheet.pixels, text)


def _terms(patch, kernel):
    """The sum of the nine products, written out; terms with a weight of 0 are left out."""
    terms = [
        f"{pixels.number(p)}·({pixels.number(k)})" if k < 0 else f"{pixels.number(p)}·{k:.2f}"
        for p, k in zip(patch.flat, kernel.flat, strict=True)
        if k != 0
    ]
    return " + ".join(terms) or "0"


def _draw_input(sheet, image, stride, padding, dilation, row, column):
    """The padded digit with the window's frame and its nine pixels."""
    x, y = INPUT
    padded = np.pad(image, padding)
    sheet.text(x, y - 18, f"input {len(image)} × {len(image)}" + ", padding grey" * (padding > 0))
    shades = pixels.grey(padded, SCALE)
    edge = padding * SCALE
    if edge:
        frame = np.ones(shades.shape[:2], dtype=bool)
        frame[edge:-edge, edge:-edge] = False
        shades[frame] = 215
    sheet.paste(shades, x, y)
    span = (2 * dilation + 1) * SCALE
    left, top = x + column * stride * SCALE, y + row * stride * SCALE
    sheet.frame(left, top, span, span)
    if dilation > 1:
        for i in range(3):
            for j in range(3):
                place = left + j * dilation * SCALE, top + i * dilation * SCALE
                sheet.frame(*place, SCALE, SCALE, thick=1)


def _draw_kernel(sheet, kernel, size, stride, padding, dilation):
    x, y = KERNEL
    sheet.text(x, y - 18, "kernel")
    sheet.numbers(kernel, x, y, cell=(70, 40), size=14)
    _, formula = size_formula(size, stride, padding, dilation)
    lines = ["(n + 2p − k) / s, rounded down, + 1", *formula.split(", ", 1)]
    if dilation > 1:
        lines.append(f"k = {2 * dilation + 1} pixels with dilation {dilation}")
    sheet.text(x, y + 134, "output size", bold=True)
    for number, line in enumerate(lines):
        sheet.text(x, y + 153 + 17 * number, line, 11)
    for number, line in enumerate(pixels.LEGEND.split("   ")):
        sheet.text(x, y + 230 + 16 * number, line, 11, pixels.SOFT)


def _draw_output(sheet, output, row, column):
    x, y = OUTPUT
    limit = float(np.abs(output).max())
    rows, columns = output.shape
    title = f"output {rows} × {columns}, full colour: ±{pixels.number(limit)}"
    sheet.text(x, y - 18, title)
    sheet.paste(pixels.signed(output, SCALE, limit), x, y)
    sheet.frame(x + column * SCALE - 3, y + row * SCALE - 3, SCALE + 6, SCALE + 6)


def _draw_work(sheet, patch, kernel, value, row, column):
    """The patch, its nine products, and their sum."""
    x, y = WORK
    sheet.text(x, y - 18, "patch in the window")
    sheet.numbers(patch, x, y, cell=(44, 30), limit=1, colour=False)
    sheet.text(x + 154, y + 45, "×", 20, anchor="mm")
    products = patch * kernel
    x += 176
    sheet.text(x, y - 18, "pixel × weight = product")
    tints = pixels.signed(products)
    sheet.paste(tints.repeat(30, axis=0).repeat(164, axis=1), x, y)
    for (i, j), product in np.ndenumerate(products):
        term = f"{pixels.number(patch[i, j])} × {pixels.number(kernel[i, j])} = "
        ink = pixels.ink_on(tints[i, j])
        left, top = x + 164 * j, y + 30 * i
        sheet.frame(left - 1, top - 1, 166, 32, pixels.LINE, 1)
        sheet.text(left + 82, top + 15, term + pixels.number(product), 12, ink, "mm")
    x += 3 * 164 + 12
    sheet.text(x, y - 18, "sum of the nine")
    sheet.text(x, y + 20, f"= {pixels.number(value)}", 22, bold=True)
    sheet.text(x, y + 60, f"output row {row}, column {column}", 11, pixels.SOFT)


def kernel_lab(part):
    """An explorer: nine sliders over a kernel, and what it makes of any digit of `part`.

    part: a `data.Part`, such as the training images.
    """
    pixels.check_part(part)
    digit = slider("Digit", min(7, len(part) - 1), 0, len(part) - 1, help="index of the image")
    preset = dropdown("Preset", [*PRESETS, OWN], "Sobel, vertical edges", "a known kernel")
    weights = [
        slider(place, float(weight), -LIMIT, LIMIT, 0.01, "weight of the kernel", width="270px")
        for place, weight in zip(PLACES, PRESETS[preset.value], strict=True)
    ]
    for weight in weights:
        weight.style.description_width = "90px"
    stride = slider("Stride", 1, 1, 3, help="step of the kernel in pixels")
    padding = slider("Padding", 0, 0, 3, help="frame of zeros in pixels")
    dilation = slider("Dilation", 1, 1, 2, help="distance of the kernel's pixels")
    position = slider("Position", 7 * 26 + 11, 0, 26 * 26 - 1, help="number of the window")
    named = {f"weight_{place}": widget for place, widget in zip(PLACES, weights, strict=True)}

    def draw(digit, stride, padding, dilation, position, **weights):
        return kernel_picture(
            part.images[digit], list(weights.values()), stride, padding, dilation, position
        )

    def adjust():
        before = math.isqrt(position.max + 1)  # windows in a row, in the previous picture
        size, _ = size_formula(28, stride.value, padding.value, dilation.value)
        place = same_place(position.value, (before, before), (size, size))
        position.max = max(position.max, place)
        position.value, position.max = place, size * size - 1
        values = tuple(weight.value for weight in weights)
        chosen = (name for name, kernel in PRESETS.items() if np.allclose(kernel, values))
        preset.value = next(chosen, OWN)

    grid = ipywidgets.GridBox(weights, layout={"grid_template_columns": "repeat(3, 275px)"})
    arrangement = ipywidgets.VBox([
        ipywidgets.HBox([digit, position, preset], layout={"flex_flow": "row wrap"}),
        grid,
        ipywidgets.HBox([stride, padding, dilation], layout={"flex_flow": "row wrap"}),
    ])  # fmt: skip
    controls = {
        "digit": digit, "position": position, "stride": stride, "padding": padding,
        "dilation": dilation, **named,
    }  # fmt: skip
    ahead = ("digit", "position", *named)
    explorer = Explorer(draw, controls, "Kernel lab", arrangement, adjust, ahead)
    explorer.preset = preset  # it only moves the nine sliders, so it is no setting

    def apply_preset(change):
        if change.new == OWN:
            return
        with explorer.together():
            for widget, value in zip(weights, PRESETS[change.new], strict=True):
                widget.value = value

    preset.observe(apply_preset, "value")
    return explorer
