"""Pictures: arrays or a `History` in, matplotlib axes out.

Every picture of a lesson is shown by `show`, with a text that says what is to be seen: screen
readers read it, and it stands where a picture can't. The colours can be told apart by people
who are colour-blind (Okabe & Ito), and signed values also carry their numbers or a scale.

A picture looks the same whatever style or matplotlibrc the user has, because everything here is
drawn in `own_style`. The user's own settings stay as they are for the user's own plots.
"""

import base64
import functools
import html
import inspect
import io
import math
import threading
from contextlib import contextmanager

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import axes as matplotlib_axes
from matplotlib import figure as matplotlib_figure
from matplotlib import style, ticker

from mnist_course import metrics, runtime

BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW, GREY = (
    "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#f0e442", "#6b6b6b",
)  # fmt: skip
COLOURS = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GREY)
SIGNED = "PuOr_r"  # colour map for values on both sides of 0: orange above, purple below
DPI = 144  # twice the usual 72: sharp on today's screens, shown at half the size


_turn = threading.Lock()
_here = threading.local()


@contextmanager
def own_style():
    """Inside `with own_style():`, matplotlib's default settings replace the user's.

    Wrap both making a figure and saving or drawing it: artists read some settings when they are
    made and others when they are drawn. May be nested.
    """
    if getattr(_here, "styled", False):
        yield
        return
    # All threads share one set of settings, and a slider's callback may run on a second thread.
    # Without turns, one thread could take the other's settings for the user's and restore those.
    with _turn, style.context({}, after_reset=True):
        _here.styled = True
        try:
            yield
        finally:
            _here.styled = False


def _styled(cls):
    """A subclass whose public methods run in `own_style`: cells also draw by such methods."""

    def in_style(method):
        @functools.wraps(method)
        def call(*args, **options):
            with own_style():
                return method(*args, **options)

        return call

    methods = {
        name: in_style(method)
        for name, method in inspect.getmembers(cls, inspect.isfunction)
        if not name.startswith("_") and name != "cla"  # only calls `clear`; a new one is warned of
    }
    return type(cls.__name__, (cls,), methods)


Axes, Figure = _styled(matplotlib_axes.Axes), _styled(matplotlib_figure.Figure)


@own_style()
def subplots(rows=1, columns=1, width=8.0, height=3.0, **options):
    """Like `plt.subplots`, sized in inches for a lesson."""
    return plt.subplots(
        rows, columns, figsize=(width, height), layout="constrained", FigureClass=Figure,
        subplot_kw={"axes_class": Axes}, **options,
    )  # fmt: skip


def mark_quick(figure):
    """Write under a figure that a full run gives other numbers, if this is quick mode."""
    if runtime.quick():
        figure.supxlabel(
            "quick mode: few images and steps, a full run gives other numbers",
            fontsize=7, color=RED, x=0.99, ha="right",
        )  # fmt: skip


@own_style()
def picture(figure, alt):
    """A figure as what a notebook displays: a dict from MIME type to content.

    Both contain the same PNG. The HTML carries the alternative text, for which JupyterLab has no
    place beside an image; the image is what nbconvert puts into LaTeX, where HTML means nothing.
    """
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=DPI)
    width = round(figure.get_figwidth() * 100)
    png = base64.b64encode(content.getvalue()).decode()
    source = f"data:image/png;base64,{png}"
    tag = f'<img src="{source}" alt="{html.escape(alt)}" width="{width}">'
    return {"text/html": tag, "image/png": content.getvalue(), "text/plain": alt}


@own_style()
def show(axes, alt, trained=False):
    """Display the figure of `axes` (one, or an array of them) in the notebook and close it.

    alt: what is to be seen, in a sentence or two, for those who can't see it; a script without a
    notebook prints it. trained: the numbers come from a training, or from other work that quick
    mode shortens, so that in quick mode the figure says so.
    """
    figure = np.ravel(np.asarray(axes, dtype=object))[0].figure
    if trained:
        mark_quick(figure)
    plt.close(figure)
    _display(None, picture(figure, alt))


def _plain(image):
    """An image as a 2-D array: torch or numpy, (H, W) or (1, H, W)."""
    array = np.asarray(image.detach().cpu() if hasattr(image, "detach") else image)
    return array.reshape(array.shape[-2:]) if array.ndim == 3 else array


@own_style()
def image_grid(images, captions=None, columns=8, size=1.0, colour="gray_r", wrong=()):
    """Images (N, H, W) in a grid; a caption above each; captions of indices in `wrong` red.

    Images of bytes share one scale of brightness; others have one each. Without any images, a
    single empty axes says so. Raises ValueError unless there are as many captions as images.
    """
    count = len(images)
    if captions is not None and len(captions) != count:
        raise ValueError(f"{len(captions)} captions for {count} images")
    if count == 0:
        _, axes = subplots(1, 1, 2, 1, squeeze=False)
        axes[0, 0].axis("off")
        axes[0, 0].text(0.5, 0.5, "no images", ha="center", va="center")
        return axes
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    caption_height = 0.22 if captions is not None else 0.06
    _, axes = subplots(rows, columns, columns * size, rows * (size + caption_height), squeeze=False)
    for index, ax in enumerate(axes.flat):
        ax.axis("off")
        if index >= count:
            continue
        image = _plain(images[index])
        limits = {"vmin": 0, "vmax": 255} if image.dtype == np.uint8 else {}
        ax.imshow(image, cmap=colour, **limits)
        if captions is not None:
            emphasis = {"color": RED, "fontweight": "bold"} if index in wrong else {}
            ax.set_title(str(captions[index]), fontsize=9, pad=2, **emphasis)
    return axes


@own_style()
def number_matrix(matrix, ax=None, digits=None, signed=None, title="", size=0.36):
    """A small matrix as a heat map with its numbers written in.

    digits: decimals to write; by default none for whole numbers and two for others. signed:
    colour by sign, orange above 0 and purple below; by default where a number is negative.
    """
    matrix = _plain(matrix)
    if ax is None:
        rows, columns = matrix.shape
        _, ax = subplots(1, 1, max(2.0, columns * size), max(1.0, rows * size) + 0.4)
    whole = np.all(matrix == np.round(matrix))
    digits = (0 if whole else 2) if digits is None else digits
    signed = bool(matrix.min() < 0) if signed is None else signed
    limit = max(abs(float(matrix.min())), abs(float(matrix.max())), 1e-9)
    ax.imshow(matrix, cmap=SIGNED if signed else "gray_r", vmin=-limit if signed else 0, vmax=limit)
    for (row, column), value in np.ndenumerate(matrix):
        dark = abs(value) > 0.6 * limit
        ax.text(
            column, row, f"{value:z.{digits}f}", ha="center", va="center", fontsize=7,
            color="white" if dark else "black",
        )  # fmt: skip
    ax.set(xticks=[], yticks=[], title=title)
    return ax


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
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(alpha=0.25)
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


class LiveCurve:
    """Progress of `training.fit` in a notebook: a bar within the epoch, curves after each.

    Two displays that are updated in place, so nothing is repeated and nothing jumps. The last
    state of the curves stays in the saved notebook as a picture. A script without a notebook
    prints a sentence after each epoch instead.
    """

    def __init__(self, band=None, title=""):
        self.band = band
        self.title = title
        self.bar = None
        self.curve = None

    def watch(self, batches, epoch, epochs):
        import time

        self.epochs = epochs
        count = len(batches)
        self._progress(epoch, 0, count)
        latest = time.monotonic()
        for number, batch in enumerate(batches, start=1):
            yield batch
            now = time.monotonic()
            if now - latest > 0.25:  # four times a second is smooth enough, and costs little
                latest = now
                self._progress(epoch, number, count)

    def _progress(self, epoch, done, count):
        if not _in_ipython():
            return
        text = f"epoch {epoch} of {self.epochs}, batch {done} of {count}"
        bar = f'<progress value="{done}" max="{count}" aria-label="{text}"></progress> {text}'
        self.bar = _display(self.bar, {"text/html": bar, "text/plain": text})

    @own_style()
    def update(self, history):
        figure = Figure(figsize=(8, 2.8), layout="constrained")
        curves(history, figure.subplots(1, 2), self.epochs, self.band)
        mark_quick(figure)
        if self.title:
            figure.suptitle(self.title, fontsize=11)
        alt = (
            f"Curves of loss and accuracy over {len(history)} of {self.epochs} epochs. Training "
            f"loss {history.train_loss[0]:.3f} to {history.train_loss[-1]:.3f}, "
            f"validation accuracy {history.validation_accuracy[0]:.2%} to "
            f"{history.validation_accuracy[-1]:.2%}."
        )
        self.curve = _display(self.curve, picture(figure, alt))

    def close(self, history):
        self.bar = _display(self.bar, {"text/plain": str(history)})


def _in_ipython():
    from IPython import get_ipython

    return get_ipython() is not None


def _display(handle, data):
    """Show data, or put it in place of what `handle` shows. Returns the handle.

    Outside of IPython, print its text: `display` would print the picture's bytes.
    """
    from IPython.display import DisplayHandle

    if not _in_ipython():
        print(data["text/plain"])
        return handle
    if handle is None:
        handle = DisplayHandle()
        handle.display(data, raw=True)
    else:
        handle.update(data, raw=True)
    return handle


def predictions(images, probabilities, labels, columns=8, names="0123456789"):
    """A page of predictions: each image with the network's answer, a mistake in red as "4 not 9".

    images: (N, H, W); probabilities: (N, K); labels: (N,).
    """
    answers = probabilities.argmax(dim=1)
    captions = [
        names[answer] if answer == label else f"{names[answer]} not {names[label]}"
        for answer, label in zip(answers.tolist(), labels.tolist(), strict=True)
    ]
    wrong = {index for index, caption in enumerate(captions) if " not " in caption}
    return image_grid(images, captions, columns, wrong=wrong)


def kernels(weights, captions=None, columns=8, size=1.0):
    """Kernels (N, H, W) as heat maps on one scale: orange above 0, purple below, white at 0."""
    limit = max(float(np.abs(_plain(kernel)).max()) for kernel in weights)
    axes = image_grid(weights, captions, columns, size, SIGNED)
    for ax in axes.flat:
        for drawn in ax.images:
            drawn.set_clim(-limit, limit)
    return axes


@own_style()
def confusion(predicted, labels, ax=None, names="0123456789"):
    """The confusion matrix as a heat map; the diagonal is left out of the colour scale."""
    counts = metrics.confusion(predicted, labels, len(names)).cpu().numpy()
    if ax is None:
        _, ax = subplots(1, 1, 5, 4.4)
    mistakes = counts.copy()
    np.fill_diagonal(mistakes, 0)
    ax.imshow(mistakes, cmap="Blues")
    for (row, column), count in np.ndenumerate(counts):
        if count:
            dark = row != column and count > 0.6 * mistakes.max()
            ax.text(
                column, row, count, ha="center", va="center", fontsize=7,
                color="white" if dark else GREY if row == column else "black",
            )  # fmt: skip
    ticks = range(len(names))
    ax.set(xlabel="predicted", ylabel="true", xticks=ticks, yticks=ticks)
    ax.set_xticklabels(list(names))
    ax.set_yticklabels(list(names))
    return ax
