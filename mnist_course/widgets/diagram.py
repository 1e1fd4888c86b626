"""The still pictures of the explorers that compute in the page, in both themes."""

import io

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from mnist_course import plots
from mnist_course.widgets import raster, still
from mnist_course.widgets.picture import quick_note

SHIFT = 3  # pixels to the right, in the still of the shift explorer
IN_A_ROW = 10  # digits of a contest
MOST = 32  # maps of a layer that are drawn
SIZE = 900, 400  # pixels
DOTS = 100  # pixels an inch


def network_still(title, image, label, inspection):
    """The digit, the maps of each size as they leave the network's last layer of that size, and
    the probabilities: a mimebundle."""
    stages = {maps.shape: maps for maps in inspection.outputs.values() if maps[0].size > 1}
    best = int(inspection.probabilities.argmax())
    sizes = ", ".join("×".join(map(str, shape)) for shape in stages)
    text = (
        f"From the digit to the ten probabilities through maps of the sizes {sizes}. The network "
        f"says {best} with {inspection.probabilities[best]:.0%}; the label is {label}."
        f"{quick_note()}"
    )

    def draw(figure, theme):
        columns = len(stages) + 2
        axes = figure.subplots(1, columns, width_ratios=[1] * (columns - 1) + [1.3])
        _draw_digit(axes[0], image, theme)
        for ax, (shape, maps) in zip(axes[1:-1], stages.items(), strict=True):
            limit = np.abs(maps).max() or 1
            ax.imshow(_tiled(maps[:MOST]), cmap=_palette("signed", theme), vmin=-limit, vmax=limit)
            ax.set_title("×".join(map(str, shape)), color=theme["ink"], fontsize=10)
        _draw_bars(axes[-1], inspection.probabilities, label, theme)

    return _bundle(title, text, draw)


def shift_still(title, image, label, probabilities):
    """A digit that was moved, and what each network says of it: a mimebundle.

    probabilities: a dict from the network's name to (10,).
    """
    said = [
        f"{name} says {int(one.argmax())} with {one.max():.0%}"
        for name, one in probabilities.items()
    ]
    text = (
        f"A digit with the label {label}, moved by {SHIFT} pixels to the right: {'; '.join(said)}."
        f"{quick_note()}"
    )

    def draw(figure, theme):
        axes = figure.subplots(1, len(probabilities) + 1)
        _draw_digit(axes[0], image, theme)
        for ax, (name, one) in zip(axes[1:], probabilities.items(), strict=True):
            _draw_bars(ax, one, label, theme)
            ax.set_title(name, color=theme["ink"], fontsize=10)

    return _bundle(title, text, draw)


def pad_still(title, steps):
    """A digit after each step, `drawing.Steps`: a mimebundle."""
    text = (
        "A pad to draw on, in a running notebook. The pictures show a digit after each step: as it "
        "was drawn, as light ink on black, with MNIST's pen, scaled into 20×20 pixels, and moved "
        "until its centre of mass lies in the middle."
    )

    def draw(figure, theme):
        axes = figure.subplots(1, 5)
        for ax, (name, image) in zip(axes, steps.pictures().items(), strict=True):
            ax.imshow(image, cmap="gray", vmin=0, vmax=255)
            ax.set_title(name, color=theme["ink"], fontsize=10)

    return _bundle(title, text, draw)


def occlusion_still(title, image, label, probabilities, slopes, names):
    """An image, what the network says of it, and the slopes of the label's logit (28, 28).

    names: those of the ten classes.
    """
    best = int(probabilities.argmax())
    text = (
        f"An image with the label {names[label]}: the network says {names[best]} with "
        f"{probabilities[best]:.0%}. Beside it the slopes of the logit of {names[label]} with "
        f"respect to the pixels.{quick_note()}"
    )

    def draw(figure, theme):
        axes = figure.subplots(1, 3)
        _draw_digit(axes[0], image, theme)
        _draw_bars(axes[1], probabilities, label, theme, names)
        limit = float(slopes.abs().max()) or 1
        axes[2].imshow(slopes.numpy(), cmap=_palette("signed", theme), vmin=-limit, vmax=limit)
        axes[2].set_title(f"slopes of the logit of {names[label]}", color=theme["ink"], fontsize=10)

    return _bundle(title, text, draw)


def contest_still(title, images, chosen=True):
    """The images that are asked, without a word of what they are: a mimebundle.

    chosen: whether they are the hardest of more.
    """
    which = ", those that the network finds hardest" if chosen else ""
    text = f"{len(images)} images to be named{which}.{quick_note()}"

    def draw(figure, theme):
        rows = -(-len(images) // IN_A_ROW)
        axes = figure.subplots(rows, IN_A_ROW, squeeze=False)
        for ax, image in zip(axes.flat, images, strict=False):
            _draw_digit(ax, image, theme)
            ax.set_title("")

    return _bundle(title, text, draw)


def _tiled(maps):
    """Maps (C, H, W) in two columns, or in one where there are up to six, with gaps of 0."""
    columns = 1 if len(maps) <= 6 else 2
    rows = -(-len(maps) // columns)
    _, height, width = maps.shape
    tiles = np.zeros((rows * (height + 1) - 1, columns * (width + 1) - 1))
    for number, one in enumerate(maps):
        top, left = number // columns * (height + 1), number % columns * (width + 1)
        tiles[top : top + height, left : left + width] = one
    return tiles


def _palette(name, theme):
    """The colour map of a palette of the sheets, in the colours of a theme."""
    return LinearSegmentedColormap.from_list(name, [theme[stop] for stop in raster.STOPS[name]])


def _draw_digit(ax, image, theme):
    ax.imshow(image.numpy(), cmap=_palette("grey", theme), vmin=0, vmax=255)
    ax.set_title("28×28", color=theme["ink"], fontsize=10)


def _draw_bars(ax, probabilities, label, theme, names="0123456789"):
    colours = [theme["accent" if digit == label else "muted"] for digit in range(10)]
    ax.barh(range(10), probabilities, color=colours)
    ax.set(xlim=(0, 1.35), ylim=(9.6, -0.6))
    for digit, share in enumerate(probabilities):
        ax.text(-0.05, digit, names[digit], color=theme["ink"], ha="right", va="center")
        ax.text(share + 0.04, digit, f"{share:.0%}", color=theme["ink"], va="center", fontsize=9)


def _bundle(title, text, draw):
    """A mimebundle with the picture in both themes and its text."""
    return still.bundle(title, text, [_png(draw, theme) for theme in raster.THEMES], SIZE[0])


def _png(draw, theme):
    """The bytes of a picture, drawn without pyplot. draw: called with a figure and the colours."""
    named = raster.colours(theme).items()
    colours = {name: tuple(level / 255 for level in colour) for name, colour in named}
    inches = SIZE[0] / DOTS, SIZE[1] / DOTS
    with plots.own_style():
        figure = Figure(inches, DOTS, facecolor=colours["paper"], layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure, colours)
        for ax in figure.axes:
            ax.set_axis_off()
        file = io.BytesIO()
        figure.savefig(file, format="png", facecolor=colours["paper"])
    return file.getvalue()
