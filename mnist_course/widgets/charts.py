"""Charts for explorers: axes, lines and ticks on a sheet, drawn by the page like all else."""

import math
from dataclasses import dataclass

from matplotlib.ticker import LogLocator, MaxNLocator

from mnist_course import runtime
from mnist_course.widgets import pixels

STEPS = (1, 2, 5, 10)  # between ticks: these, times a power of ten
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Axes:
    """A place on a sheet with a scale across and one upwards.

    x, y, width, height: of the plotted area in pixels; across, up: (low, high) of the values;
    log: whether the values go up by powers of ten.
    """

    sheet: pixels.Sheet
    x: int
    y: int
    width: int
    height: int
    across: tuple[float, float]
    up: tuple[float, float]
    log: bool = False

    def place(self, across, up):
        """Where a point stands on the sheet; beyond the axes it stands at their edge."""
        low, high = self.up
        if self.log:
            up, low, high = (math.log10(max(value, 1e-300)) for value in (up, low, high))
        share = (across - self.across[0]) / (self.across[1] - self.across[0])
        height = min(1.02, max(-0.02, (up - low) / (high - low)))
        return self.x + share * self.width, self.y + (1 - height) * self.height

    def frame(self, title, across="", share=False, whole=True, ticks=5):
        """Draw title, grid, ticks and the two axes.

        across: label of the axis; share: percent upwards, for values 0..1; whole: ticks across at
        whole numbers alone.
        """
        bottom, right = self.y + self.height, self.x + self.width
        self.sheet.text(self.x, self.y - 22, title, 12, bold=True)
        for value in self._ticks(self.up, ticks):
            _, y = self.place(self.across[0], value)
            self.sheet.line([(self.x, y), (right, y)], pixels.LINE, 1)
            self.sheet.text(self.x - 6, y, self._label(value, share), 10, pixels.SOFT, "rm")
        for value in MaxNLocator(ticks, integer=whole, steps=STEPS).tick_values(*self.across):
            if not self.across[0] <= value <= self.across[1]:
                continue
            x, _ = self.place(value, self.up[0])
            self.sheet.line([(x, bottom), (x, bottom + 4)], pixels.SOFT, 1)
            self.sheet.text(x, bottom + 6, f"{value:g}".replace("-", "−"), 10, pixels.SOFT, "ma")
        self.sheet.line([(self.x, self.y), (self.x, bottom), (right, bottom)], pixels.SOFT, 1)
        if across:
            middle = self.x + self.width // 2
            self.sheet.text(middle, bottom + 20, across, 11, pixels.SOFT, "ma")

    def _ticks(self, span, ticks):
        locator = LogLocator(numticks=ticks) if self.log else MaxNLocator(ticks, steps=STEPS)
        return [value for value in locator.tick_values(*span) if span[0] <= value <= span[1]]

    def _label(self, value, share):
        if share:
            return f"{100 * value:.4g} %"
        if self.log:
            return "10" + f"{math.log10(value):.0f}".translate(RAISED)
        return f"{value:g}".replace("-", "−")

    def line(self, across, up, colour, dash=(), thick=2):
        """A line through points; where a value is not finite, it has a gap."""
        piece = []
        for point in [*zip(across, up, strict=True), (0, math.nan)]:
            if math.isfinite(point[1]):
                piece.append(self.place(*point))
                continue
            if len(piece) > 1:
                self.sheet.line(piece, colour, thick, dash)
            elif piece:
                [(x, y)] = piece
                self.sheet.dot(x, y, thick, colour)
            piece = []

    def band(self, across, lows, highs, colour):
        """The area between two lines."""
        there = [self.place(*point) for point in zip(across, highs, strict=True)]
        back = [self.place(*point) for point in zip(across, lows, strict=True)]
        self.sheet.line([*there, *reversed(back)], colour, fill=True, alpha=0.3)

    def upright(self, across):
        """A line from bottom to top."""
        x, _ = self.place(across, self.up[0])
        self.sheet.line([(x, self.y), (x, self.y + self.height)], pixels.SOFT, 1)

    def level(self, up, colour):
        """A line from left to right."""
        _, y = self.place(self.across[0], up)
        self.sheet.line([(self.x, y), (self.x + self.width, y)], colour, 1, (5, 4))

    def dot(self, across, up, colour, radius=4, hollow=False):
        """A point; one that is not finite is left out."""
        if math.isfinite(up):
            x, y = self.place(across, up)
            self.sheet.dot(x, y, radius, colour, hollow)


def legend(sheet, x, y, entries, gap=18):
    """Names of lines side by side, each behind a piece of its line.

    entries: (name, colour, dash); gap: pixels between two of them. A name takes 6.5 pixels a
    letter at most.
    """
    for name, colour, dash in entries:
        sheet.line([(x, y + 7), (x + 24, y + 7)], colour, 2, dash)
        sheet.text(x + 30, y, name, 11)
        x += 30 + round(6.5 * len(name)) + gap


def mark_quick(sheet):
    """Write in the corner that a full run gives other numbers, if this is quick mode."""
    if runtime.quick():
        text = "quick mode: few images and steps, a full run gives other numbers"
        sheet.text(sheet.width - 8, sheet.height - 14, text, 9, pixels.RED, "ra")
