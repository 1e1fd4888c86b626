"""Networks as diagrams: boxes, arrows, shapes, and the numbers that pass through them."""

import math

import numpy as np
from matplotlib import patches

from mnist_course.plots.images import plain
from mnist_course.plots.style import (
    AMBER,
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PAPER,
    PURPLE,
    own_style,
    subplots,
    values,
)  # fmt: skip

TINTS = {BLUE: "#dcecf7", ORANGE: "#fdf0d5", GREEN: "#d9f2ea", PURPLE: "#f7e6ef", GREY: "#eeeeee"}


def sheet(width, height):
    """An axes without ticks whose units are inches, and which fills its figure."""
    figure, ax = subplots(1, 1, width, height)
    figure.set_layout_engine("none")
    ax.set_position((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(0, height))
    ax.axis("off")
    return ax


def box(ax, x, y, text, colour=BLUE, width=1.3, height=0.34):
    """A box with round corners and its text, centred at (x, y) inches."""
    ax.add_patch(
        patches.FancyBboxPatch(
            (x - width / 2, y - height / 2),
            width,
            height,
            facecolor=TINTS[colour],
            boxstyle="round,pad=0,rounding_size=0.07",
            edgecolor=colour,
            linewidth=1.2,
            zorder=2,
        )  # fmt: skip
    )
    ax.text(x, y, text, fontsize=8.5, ha="center", va="center", color=INK, zorder=3)


def arrow(ax, start, end, colour=INK, width=1.2):
    """A straight arrow from one place to another, in inches."""
    ax.add_patch(
        patches.FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>",
            mutation_scale=11,
            color=colour,
            linewidth=width,
            shrinkA=0,
            shrinkB=0,
            zorder=1,
        )  # fmt: skip
    )


def short(value):
    """A number with three digits and a real minus sign."""
    return f"{value:z.3g}".replace("-", "−")


@own_style()
def backpropagation(x, v, weights, label):
    """A small network as a graph with its numbers: values forward, slopes back.

    x, v: an input and its weight; weights: two, from the hidden unit to the two logits; label: the
    right class, 0 or 1. s = v · x, h = sigmoid(s), one logit z = w · h for each weight, and the
    loss is their cross-entropy. Below each arrow stands its own slope; a slope of the loss is the
    one behind the arrow times the arrow's own, and at h the two ways add up. Raises ValueError for
    another number of weights or another label.
    """
    if len(weights) != 2 or label not in (0, 1):
        raise ValueError(f"two weights and the label 0 or 1, got {weights} and {label}")
    x, v = float(values(x)), float(values(v))
    weights = [float(weight) for weight in values(weights)]
    s = v * x
    h = 1 / (1 + math.exp(-s))
    logits = [weight * h for weight in weights]
    total = sum(math.exp(logit) for logit in logits)
    probabilities = [math.exp(logit) / total for logit in logits]
    slopes = [p - (index == label) for index, p in enumerate(probabilities)]
    ways = [weight * slope for weight, slope in zip(weights, slopes, strict=True)]
    slope_h, own_h = sum(ways), h * (1 - h)
    slope_s = slope_h * own_h
    ax = sheet(10, 4.1)
    up, middle, down = 3.15, 2.15, 1.15
    places = {"x": (0.8, up), "v": (0.8, down), "s": (2.7, middle), "h": (4.7, middle)}
    places |= {"z0": (6.9, up), "z1": (6.9, down), "loss": (9.1, middle)}
    nodes = {
        "x": ("input x", x, None),
        "v": ("weight v", v, slope_s * x),
        "s": ("s = v · x", s, slope_s),
        "h": ("h = sigmoid(s)", h, slope_h),
        "z0": (f"z₀ = {short(weights[0])} · h", logits[0], slopes[0]),
        "z1": (f"z₁ = {short(weights[1])} · h", logits[1], slopes[1]),
        "loss": (f"loss = −ln p{'₀₁'[label]}", -math.log(probabilities[label]), 1.0),
    }
    for name, (text, value, slope) in nodes.items():
        _node(ax, *places[name], text, value, slope)
    edges = (
        ("x", "s", None), ("v", "s", x), ("s", "h", own_h), ("h", "z0", weights[0]),
        ("h", "z1", weights[1]), ("z0", "loss", slopes[0]), ("z1", "loss", slopes[1]),
    )  # fmt: skip
    for start, end, own in edges:
        _edge(ax, places[start], places[end], own)
    ax.text(
        4.7, 1.38, f"two ways back: {short(ways[0])} + {short(ways[1])}".replace("+ −", "− "),
        fontsize=8.5, color=AMBER, ha="center",
    )  # fmt: skip
    ax.text(0.25, 3.8, "forward: values →", fontsize=10, color=BLUE, fontweight="bold")
    ax.text(
        0.25, 0.25, "← back: slope of the loss = slope behind the arrow × the arrow's own slope",
        fontsize=10, color=AMBER, fontweight="bold",
    )  # fmt: skip
    return ax


def _node(ax, x, y, text, value, slope):
    """A box of a graph: what it computes, its value, and the slope of the loss for it."""
    box(ax, x, y, "", BLUE, 1.35, 0.78)
    ax.text(x, y + 0.22, text, fontsize=8.5, ha="center", va="center", color=INK, zorder=3)
    ax.text(
        x, y, short(value), fontsize=9, ha="center", va="center", color=BLUE,
        fontweight="bold", zorder=3,
    )  # fmt: skip
    if slope is not None:
        ax.text(
            x, y - 0.24, f"slope {short(slope)}", fontsize=8.5, ha="center", va="center",
            color=AMBER, fontweight="bold", zorder=3,
        )  # fmt: skip


def _edge(ax, start, end, own):
    """An arrow forward and, where a slope comes back, one back with the edge's own slope."""
    first, last = np.array(start) + (0.7, 0), np.array(end) - (0.7, 0)
    along = (last - first) / np.hypot(*(last - first))
    aside = 0.07 * np.array([-along[1], along[0]])  # the two arrows lie beside each other
    arrow(ax, first + aside, last + aside, BLUE)
    if own is None:
        return
    arrow(ax, last - aside, first - aside, ORANGE)
    below = 0.17 if start[1] == end[1] else 0  # there is no room between level arrows
    ax.text(
        *(first + last) / 2 - (0, below), f"× {short(own)}", fontsize=8.5, ha="center", va="center",
        color=AMBER, zorder=4, bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.2},
    )  # fmt: skip


PITCH = 1.2  # inches from one block of a tower to the next


@own_style()
def residual_towers(blocks=3, channels=16):
    """A plain tower of layers, the same with skips, and one block of it in detail.

    blocks: how many blocks a tower has, 1 to 5; channels: the channels of all layers.
    """
    if not 1 <= blocks <= 5:
        raise ValueError(f"1 to 5 blocks, got {blocks}")
    height = max(4.6, 1.0 + PITCH * blocks)
    ax, top = sheet(9, height), height - 0.95
    for x, name in ((1.3, "plain tower"), (3.9, "tower with skips")):
        ax.text(x, top + 0.42, name, fontsize=10.5, ha="center", fontweight="bold", color=INK)
        _tower(ax, x, top, blocks, skips=x > 2)
    _block(ax, 7.0, top, channels)
    return ax


def _tower(ax, x, top, blocks, skips):
    """Pairs of convolutions from top to bottom; with skips an arc and a sum for each pair."""
    arrow(ax, (x, top + 0.32), (x, top + 0.17))
    for index in range(blocks):
        y = top - PITCH * index
        box(ax, x, y, "3×3 conv", BLUE)
        arrow(ax, (x, y - 0.17), (x, y - 0.31))
        box(ax, x, y - 0.48, "3×3 conv", BLUE)
        arrow(ax, (x, y - 0.65), (x, y - PITCH + 0.17))
        if skips:
            _skip(ax, x, y + 0.26, y - 0.78, 0.95)
    ax.text(x, top - PITCH * blocks + 0.08, "…", fontsize=12, ha="center", va="center", color=INK)


def _skip(ax, x, start, end, far):
    """A way around some layers, and the circle in which the two ways are added."""
    ax.plot([x, x + far, x + far], [start, start, end], color=ORANGE, linewidth=2, zorder=1)
    arrow(ax, (x + far, end), (x + 0.08, end), ORANGE, width=2)
    ax.add_patch(
        patches.Circle((x, end), 0.09, facecolor=PAPER, edgecolor=ORANGE, linewidth=1.6, zorder=4)
    )
    ax.text(x, end - 0.005, "+", fontsize=9, ha="center", va="center", color=INK, zorder=5)


def _block(ax, x, top, channels):
    """A residual block, layer by layer."""
    ax.text(x, top + 0.42, "one block", fontsize=10.5, ha="center", fontweight="bold", color=INK)
    layers = (
        (f"3×3 conv, {channels}", BLUE), ("batch norm", GREEN), ("ReLU", PURPLE),
        (f"3×3 conv, {channels}", BLUE), ("batch norm", GREEN),
    )  # fmt: skip
    ax.text(x - 0.12, top + 0.24, "x", fontsize=10, ha="right", va="center", style="italic")
    y = top - 0.16
    arrow(ax, (x, top + 0.32), (x, y + 0.17))
    for text, colour in layers:
        box(ax, x, y, text, colour, 1.5)
        arrow(ax, (x, y - 0.17), (x, y - 0.36))
        y -= 0.53
    _skip(ax, x, top + 0.14, y + 0.08, 1.25)
    ax.text(x - 0.2, y + 0.08, "f(x) + x", fontsize=9, ha="right", va="center", style="italic")
    ax.text(
        x + 1.36, (top + y) / 2, "skip: x as it is", fontsize=9, rotation=90, va="center",
        color=AMBER,
    )  # fmt: skip
    arrow(ax, (x, y - 0.01), (x, y - 0.2))
    box(ax, x, y - 0.37, "ReLU", PURPLE, 1.5)


# name, maps, side of a map; then how far its sheets stand from the left, in inches
LENET = (
    ("image", 1, 28), ("6 maps", 6, 28), ("6 maps", 6, 14), ("16 maps", 16, 10), ("16 maps", 16, 5),
)  # fmt: skip
BETWEEN = (
    "5×5 conv,\npadding 2,\nsigmoid", "2×2\naverage\npool",
    "5×5 conv,\nsigmoid", "2×2\naverage\npool",
)  # fmt: skip


@own_style()
def lenet_diagram(image=None, maps=(), probabilities=None):
    """LeNet-5 from the image to ten probabilities, with the shape of what each layer gives.

    image: (28, 28); maps: what leaves the convolutions (after the sigmoid) and the pools: (6, 28,
    28), (6, 14, 14), (16, 10, 10), (16, 5, 5); probabilities: (10,). Without them the sheets are
    empty. Raises ValueError for maps of another number or shape.
    """
    contents = [[image] if image is not None else [], *maps]
    shapes = [(count, side, side) for _, count, side in LENET]
    found = [np.shape(one) for one in maps]
    if len(maps) and found != shapes[1:]:
        raise ValueError(f"maps must have the shapes {shapes[1:]}, got {found}")
    ax = sheet(11, 3.0)
    x, middle = 0.25, 1.7
    ends = []
    for index, (name, count, side) in enumerate(LENET):
        shown = contents[index] if index < len(contents) else []
        x, right = _stack(ax, x, middle, count, side, shown, f"{name}\n{side} × {side}")
        ends.append((x, right))
        x = right + 0.74
    for (_, right), (left, _), text in zip(ends, ends[1:], BETWEEN, strict=False):
        _layer_arrow(ax, right, left, middle, text)
    _columns(ax, ends[-1][1], middle, probabilities)
    return ax


def _layer_arrow(ax, start, end, y, text):
    """An arrow from one layer's output to the next, with what happens on the way above it."""
    arrow(ax, (start + 0.06, y), (end - 0.06, y), GREY)
    ax.text((start + end) / 2, y + 0.08, text, fontsize=7, ha="center", va="bottom", color=INK)


def _stack(ax, x, middle, count, side, shown, text):
    """Sheets one behind the other, from x on; returns their left and right ends, in inches."""
    size = 0.28 + 0.62 * side / 28
    step = min(0.07, 0.5 / count)
    right = x + size + step * (count - 1)
    bottom = middle - size / 2 - step * (count - 1) / 2
    for index in reversed(range(count)):
        left, low = x + step * index, bottom + step * index
        if len(shown):
            extent = (left, left + size, low, low + size)
            ax.imshow(plain(shown[index]), cmap="gray_r", extent=extent, zorder=2 + count - index)
        ax.add_patch(
            patches.Rectangle(
                (left, low),
                size,
                size,
                facecolor="none" if len(shown) else TINTS[BLUE],
                edgecolor=BLUE,
                linewidth=0.9,
                zorder=2 + count - index + 0.5,
            )  # fmt: skip
        )
    ax.text((x + right) / 2, 0.32, text, fontsize=8.5, ha="center", va="bottom", color=INK)
    ax.set(xlim=(0, ax.figure.get_figwidth()), ylim=(0, ax.figure.get_figheight()), aspect="auto")
    return x, right


def _columns(ax, start, middle, probabilities):
    """The fully connected layers as columns, and the probabilities as bars."""
    for x, units, text in ((start + 0.66, 120, "flatten,\nlinear"), (start + 1.36, 84, "linear")):
        height = 0.6 + 1.4 * units / 120
        _layer_arrow(ax, x - 0.62, x - 0.02, middle, text)
        ax.add_patch(
            patches.Rectangle(
                (x, middle - height / 2), 0.13, height, facecolor=TINTS[BLUE], edgecolor=BLUE
            )
        )
        ax.text(
            x + 0.06, 0.32, f"{units}\nunits", fontsize=8.5, ha="center", va="bottom", color=INK
        )
    x = start + 2.02
    _layer_arrow(ax, x - 0.6, x - 0.1, middle, "linear")
    step = 0.2
    shares = np.zeros(10) if probabilities is None else values(probabilities)
    for digit in range(10):
        y = middle + (4.5 - digit) * step
        ax.text(x, y, str(digit), fontsize=8, ha="center", va="center", color=INK)
        ax.add_patch(
            patches.Rectangle((x + 0.09, y - 0.06), 0.6, 0.12, facecolor="#eeeeee", linewidth=0)
        )
        colour = ORANGE if digit == shares.argmax() else BLUE
        ax.add_patch(
            patches.Rectangle(
                (x + 0.09, y - 0.06), 0.6 * shares[digit], 0.12, facecolor=colour, linewidth=0
            )
        )
    ax.text(x + 0.35, 0.32, "10\nprobabilities", fontsize=8.5, ha="center", va="bottom", color=INK)
