"""Bars and lines: of values, of a training, of several runs."""

import numpy as np
from matplotlib import ticker

from mnist_course.plots.style import BLUE, COLOURS, ORANGE, open_frame, own_style, subplots


def _short(value):
    """A number for the top of its bar: four digits, or thousands with a comma."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


@own_style()
def bars(values, labels, ax=None, errors=None, colour=BLUE, ylabel="", xlabel="", title=""):
    """A bar for each value, with its number above; `errors` draws one standard deviation."""
    if ax is None:
        _, ax = subplots()
    places = range(len(values))  # not the labels, which may occur twice
    drawn = ax.bar(places, values, yerr=errors, color=colour, capsize=3)
    ax.set_xticks(places, [str(label) for label in labels])
    if len(values) <= 12:
        paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}  # a line may cross it
        ax.bar_label(drawn, fmt=_short, fontsize=7, padding=2, bbox=paper)
        ax.margins(y=0.12)
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


@own_style()
def lines(curves, ax=None, x=None, xlabel="", ylabel="", title="", log=False):
    """Named curves, a dict from label to values, drawn with different colours and dashes."""
    if ax is None:
        _, ax = subplots()
    dashes = ("-", "--", "-.", ":")
    for index, (label, values) in enumerate(curves.items()):
        ax.plot(
            range(1, len(values) + 1) if x is None else x, values, label=label,
            color=COLOURS[index % len(COLOURS)], linestyle=dashes[index % len(dashes)],
            marker="o" if len(values) <= 20 else None, markersize=3,
        )  # fmt: skip
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    if log:
        ax.set_yscale("log")
    if len(curves) > 1:
        ax.legend(fontsize=8, frameon=False)
    open_frame(ax)
    return ax


@own_style()
def curves(history, axes=None, epochs=None, band=None):
    """Loss and accuracy of a `History` over epochs, on two axes.

    band: accuracies of other runs, (runs, epochs) in 0..1: their range is shaded.
    """
    if axes is None:
        _, axes = subplots(1, 2)
    left, right = axes
    lines(
        {"training": history.train_loss, "validation": history.validation_loss},
        left, xlabel="epoch", ylabel="loss", title="Loss",
    )  # fmt: skip
    if band is not None:
        band = np.asarray(band)
        right.fill_between(
            range(1, band.shape[1] + 1), band.min(0), band.max(0), color=ORANGE, alpha=0.25,
            label=f"{len(band)} other runs",
        )  # fmt: skip
    lines(
        {"training": history.train_accuracy, "validation": history.validation_accuracy},
        right, xlabel="epoch", ylabel="accuracy", title="Accuracy",
    )  # fmt: skip
    right.yaxis.set_major_formatter(ticker.PercentFormatter(1, decimals=None))
    for ax in (left, right):
        ax.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
        if epochs is not None:
            ax.set_xlim(0.5, epochs + 0.5)
    return axes
