"""How one number of a feature map is made."""

import numpy as np
from matplotlib import patches

from mnist_course.plots.images import number_matrix, plain
from mnist_course.plots.style import BLUE, GREY, INK, SIGNED, own_style, subplots, values

READABLE = 8  # the longest side of a matrix whose numbers are written in


def correlate(image, kernel, padding=0, stride=1):
    """Cross-correlation of (H, W) with (h, w), as a 2-D array of floats."""
    padded = np.pad(plain(image).astype(float), padding)
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)
    return (windows[::stride, ::stride] * kernel).sum(axis=(2, 3))


def frame(ax, row, column, height, width):
    """A frame around pixels, whose first one is at this row and column."""
    ax.add_patch(
        patches.Rectangle(
            (column - 0.5, row - 0.5),
            width,
            height,
            fill=False,
            edgecolor=BLUE,
            linewidth=2.2,
            zorder=5,
            clip_on=False,
        )  # fmt: skip
    )


def bare_image(ax, image, title="", signed=False):
    """An image without ticks; with `signed` in colours, white at 0."""
    limit = max(float(np.abs(image).max()), 1e-9)
    limits = {"vmin": -limit, "vmax": limit, "cmap": SIGNED} if signed else {"cmap": "gray_r"}
    ax.imshow(image, **limits)
    ax.set(xticks=[], yticks=[])
    ax.set_title(title, fontsize=9)
    for spine in ax.spines.values():
        spine.set_color(GREY)
        spine.set_linewidth(0.6)


def _matrix(ax, matrix, signed):
    """A matrix with its numbers, or without them where they would be too small to read."""
    if max(matrix.shape) <= READABLE:
        short = len(matrix) > 4 and np.any(matrix != np.round(matrix))
        number_matrix(matrix, ax, 1 if short else None, signed)
    else:
        bare_image(ax, matrix, signed=bool(signed) or matrix.min() < 0)


def _check_place(name, place, size):
    """Raise ValueError unless the map has this row or column."""
    if not 0 <= place < size:
        raise ValueError(f"the map has {size} {name}s, 0 to {size - 1}; there is no {name} {place}")


@own_style()
def patch_to_number(image, kernel, row, column, padding=0, stride=1):
    """How one number of a feature map is made: its patch times the kernel, added up.

    image: (H, W); kernel: (k, k); row, column: the place of the number in the map, from 0.
    Five axes: the image with the patch framed, the patch, the kernel, the products, the map with
    the number framed. Raises ValueError for a place outside of the map.
    """
    image, kernel = plain(image).astype(float), plain(kernel).astype(float)
    result = correlate(image, kernel, padding, stride)
    _check_place("row", row, result.shape[0])
    _check_place("column", column, result.shape[1])
    top, left = row * stride, column * stride
    height, width = kernel.shape
    padded = np.pad(image, padding)
    patch = padded[top : top + height, left : left + width]
    products = patch * kernel
    figure, axes = subplots(1, 5, 10, 2.7, width_ratios=[1.35, 1, 1, 1, 1.35])
    figure.get_layout_engine().set(wspace=0.12)
    whole, beside, weights, product, feature_map = axes
    bare_image(whole, padded, "image" if not padding else f"image, padded by {padding}")
    frame(whole, top, left, height, width)
    whole_numbers = all(np.all(part == np.round(part)) for part in (patch, kernel))
    digits = 0 if whole_numbers else 2
    number_matrix(patch, beside, digits, signed=False)
    number_matrix(kernel, weights, digits, signed=True)
    number_matrix(products, product, digits, signed=True)
    for ax, title in ((beside, "patch"), (weights, "kernel"), (product, "products")):
        ax.set_title(title, fontsize=9)
    frame(beside, 0, 0, height, width)
    bare_image(feature_map, result, "feature map", signed=bool(result.min() < 0))
    frame(feature_map, row, column, 1, 1)
    total = f"{result[row, column]:z.{digits}f}"
    product.set_xlabel(f"sum: {total}", fontsize=10, color=BLUE, fontweight="bold")
    feature_map.set_xlabel(f"row {row}, column {column}: {total}", fontsize=9, color=BLUE)
    for ax, sign in zip(axes[1:], ("→", "×", "=", "→"), strict=True):
        _sign_before(ax, sign)
    return axes


def _sign_before(ax, sign):
    """An operator in the gap at the left of an axes."""
    ax.text(
        -0.09, 0.5, sign, transform=ax.transAxes, fontsize=15, color=INK, ha="center",
        va="center",
    )  # fmt: skip


def _sum_in_words(terms, total, bias):
    """The terms of a sum and what comes out, with two decimals where one of them has any."""
    digits = 0 if np.all(np.round(terms) == terms) else 2
    first, *rest = [f"{abs(term):.{digits}f}" for term in terms]
    signs = ["−" if term < 0 else "+" for term in terms]
    words = ("−" if terms[0] < 0 else "") + first
    for sign, term in zip(signs[1:], rest, strict=True):
        words += f" {sign} {term}"
    words += " (bias)" if bias else ""
    line = "\n" if len(words) > 20 else " "  # it stands below a map and must not be much wider
    return f"{words}{line}= {total:z.{digits}f}".replace("-", "−")


@own_style()
def channels_to_map(channels, kernels, bias=0.0, row=0, column=0):
    """How several input channels make one feature map: each has its kernel, and all are added.

    channels: (C, H, W); kernels: (C, k, k); row, column: the number of the map that is followed,
    from 0. One row a channel: the channel, its kernel, and what the two give; at the right their
    sum with the bias. Matrices of more than 8 rows or columns have no numbers. Returns 3 C + 1
    axes, the sum last. Raises ValueError unless there are as many kernels as channels, and for a
    place outside of the map.
    """
    if len(channels) != len(kernels):
        raise ValueError(f"{len(kernels)} kernels for {len(channels)} channels")
    channels = [plain(one).astype(float) for one in channels]
    kernels = [plain(one).astype(float) for one in kernels]
    parts = [correlate(*pair) for pair in zip(channels, kernels, strict=True)]
    bias = float(values(bias))
    total = sum(parts) + bias
    _check_place("row", row, total.shape[0])
    _check_place("column", column, total.shape[1])
    figure, empty = subplots(1, 1, 8, 1.75 * len(parts))
    empty.remove()
    grid = figure.add_gridspec(len(parts), 4, width_ratios=[1, 0.75, 1, 1.5], wspace=0.1)
    axes = []
    for index, matrices in enumerate(zip(channels, kernels, parts, strict=True)):
        line = [figure.add_subplot(grid[index, place]) for place in range(3)]
        for ax, matrix, signed in zip(line, matrices, (None, True, True), strict=True):
            _matrix(ax, matrix, signed)
        line[0].set_ylabel(f"channel {index}", fontsize=9)
        frame(line[0], row, column, *matrices[1].shape)
        frame(line[2], row, column, 1, 1)
        _sign_before(line[1], "∗")
        _sign_before(line[2], "=")
        if index:
            line[2].set_title("+", fontsize=13, pad=2)
        axes += line
    titles = ("input channels", "one kernel each", "what each gives")
    for ax, title in zip(axes[:3], titles, strict=True):
        ax.set_title(title, fontsize=9)
    last = figure.add_subplot(grid[:, 3])
    _matrix(last, total, signed=True)
    frame(last, row, column, 1, 1)
    last.set_title("one feature map", fontsize=9)
    written = [part[row, column] for part in parts] + ([bias] if bias else [])
    last.set_xlabel(_sum_in_words(written, total[row, column], bool(bias)), fontsize=9, color=BLUE)
    _sign_before(last, "=")
    return np.array([*axes, last], dtype=object)
