"""Charts for explorers: axes drawn once by matplotlib, and only what moves drawn again."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

DPI = 100  # so an inch of a figure is 100 pixels of the picture


def new_figure(width, height, columns=1, rows=1, **options):
    """A figure of width × height pixels and its axes (rows, columns), without pyplot."""
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    for ax in axes.flat:
        ax.tick_params(labelsize=8)
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(alpha=0.25)
    return figure, axes


class Chart:
    """A figure of which a few artists move: they alone are drawn for a new picture.

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
