"""Charts for explorers: matplotlib draws the axes once, and then only what moves."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

DPI = 100  # so an inch of a figure is 100 pixels of the picture


def new_figure(width, height, columns=1, left=45, right=12, top=24, bottom=24, gap=45):
    """A figure of width × height pixels with axes side by side, without pyplot.

    The margins and the gap are given in pixels, because a layout that matplotlib works out takes
    several times as long to draw. Returns (figure, axes).
    """
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    wide = (width - left - right - gap * (columns - 1)) / columns
    axes = [
        figure.add_axes((
            (left + index * (wide + gap)) / width, bottom / height, wide / width,
            (height - top - bottom) / height,
        ))
        for index in range(columns)
    ]  # fmt: skip
    for ax in axes:
        ax.tick_params(labelsize=8)
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(alpha=0.25)
    return figure, axes


def name_axes(ax, title, across=None, share=False):
    """Title and label of axes over whole numbers; share: percent upwards, for values 0..1."""
    ax.set_title(title, fontsize=9)
    ax.set_xlabel(across, fontsize=8)
    ax.xaxis.get_major_locator().set_params(integer=True)
    if share:
        ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.4g} %")


class Chart:
    """A figure in which a few artists move: only they are drawn again for a new picture.

    figure: a `Figure` with its axes, limits and labels set; moving: its artists that change.
    """

    def __init__(self, figure, moving):
        self.canvas = FigureCanvasAgg(figure)
        self.moving = list(moving)
        for artist in self.moving:
            artist.set_animated(True)  # leaves it out of the background
        self.canvas.draw()
        self.background = self.canvas.copy_from_bbox(figure.bbox)

    def pixels(self):
        """The figure with its moving artists as they are now, uint8 (H, W, 3)."""
        self.canvas.restore_region(self.background)
        for artist in self.moving:
            artist.axes.draw_artist(artist)
        return np.asarray(self.canvas.buffer_rgba())[..., :3].copy()
