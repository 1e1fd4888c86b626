"""How every picture looks, and how it is shown.

A picture is a white card with round corners, and everything outside of the card is transparent. So
it reads the same in a light and in a dark notebook, where the ink of a digit stays dark. The
colours can be told apart by people who are colour-blind (Okabe & Ito), and signed values also
carry their numbers or a scale.
"""

import base64
import functools
import html
import inspect
import io
import textwrap
import threading
from contextlib import contextmanager

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import axes as matplotlib_axes
from matplotlib import figure as matplotlib_figure
from matplotlib import patches, style
from matplotlib.layout_engine import ConstrainedLayoutEngine

from mnist_course import runtime

BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GREY = (
    "#0072b2", "#e69f00", "#009e73", "#b84a00", "#cc79a7", "#56b4e9", "#6b6b6b",
)  # fmt: skip
COLOURS = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GREY)
INK, PAPER = "#1b1e23", "#ffffff"  # as in the pages: web/theme.css
AMBER = "#8a5a00"  # orange for words: it can be read on white
SIGNED = "PuOr_r"  # colour map for values on both sides of 0: orange above, purple below
DPI = 144  # twice the usual 72: sharp on today's screens, shown at half the size
MARGIN = 0.08  # inches between the edge of the card and what is drawn on it
NOTE_LETTERS = 17  # that find room on an inch of a note
NOTE_LINE = 0.12  # inches that a line of a note takes
CARD = "card"  # the name by which it is found again

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


def values(array):
    """A torch tensor, a numpy array or a list as a numpy array of floats."""
    array = array.detach().cpu() if hasattr(array, "detach") else array
    return np.asarray(array, dtype=float)


def open_frame(ax):
    """Axes at the left and below only, and a light grid."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(alpha=0.25)


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
        _note(figure, "quick mode: few images and steps, a full run gives other numbers")


def _note(figure, text):
    """Write a small note under a figure, after what is noted there already.

    A narrow figure gets several lines, and becomes higher by them.
    """
    noted = figure.get_supxlabel()
    notes = [note for note in (noted.replace("\n", " "), text) if note]
    width, height = figure.get_size_inches()
    lines = textwrap.wrap("; ".join(notes), max(12, int(NOTE_LETTERS * width)))
    figure.supxlabel("\n".join(lines), fontsize=7, color=RED, x=0.99, ha="right")
    figure.set_size_inches(width, height + NOTE_LINE * (len(lines) - 1 - noted.count("\n")))


def _lay_on_card(figure):
    """Put a white card with round corners behind a figure, once."""
    if any(artist.get_gid() == CARD for artist in figure.artists):
        return
    width, height = figure.get_size_inches()
    card = patches.FancyBboxPatch(
        (0, 0), width, height, boxstyle="round,pad=0,rounding_size=0.06", gid=CARD,
        transform=figure.dpi_scale_trans, facecolor=PAPER, edgecolor="none", zorder=-10,
    )  # fmt: skip
    figure.patch.set_visible(False)
    figure.add_artist(card)
    if isinstance(figure.get_layout_engine(), ConstrainedLayoutEngine):
        across, up = MARGIN / width, MARGIN / height
        figure.get_layout_engine().set(rect=(across, up, 1 - 2 * across, 1 - 2 * up))


@own_style()
def picture(figure, alt):
    """A figure as what a notebook displays: a dict from MIME type to content.

    Both contain the same PNG. The HTML carries the alternative text, for which JupyterLab has no
    place beside an image; the image is what nbconvert puts into LaTeX, where HTML means nothing.
    """
    _lay_on_card(figure)
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=DPI)
    width = round(figure.get_figwidth() * 100)
    png = base64.b64encode(content.getvalue()).decode()
    source = f"data:image/png;base64,{png}"
    tag = f'<img src="{source}" alt="{html.escape(alt)}" width="{width}">'
    return {"text/html": tag, "image/png": content.getvalue(), "text/plain": alt}


@own_style()
def show(axes, alt, trained=False, note=""):
    """Display the figure of `axes` (one, or an array of them) in the notebook and close it.

    alt: what is to be seen, in a sentence or two, for those who can't see it; a script without a
    notebook prints it. trained: the numbers come from a training, or from other work that quick
    mode shortens, so that in quick mode the figure says so. note: what else has to be said under
    the figure, if anything; it is added to `alt`, too.
    """
    figure = np.ravel(np.asarray(axes, dtype=object))[0].figure
    if trained:
        mark_quick(figure)
    if note:
        _note(figure, note)
        alt = f"{alt} ({note})"
    plt.close(figure)
    display(None, picture(figure, alt))


def in_ipython():
    from IPython import get_ipython

    return get_ipython() is not None


def display(handle, data):
    """Show data, or put it in place of what `handle` shows. Returns the handle.

    Outside of IPython, print its text: `display` would print the picture's bytes.
    """
    from IPython.display import DisplayHandle

    if not in_ipython():
        print(data["text/plain"])
        return handle
    if handle is None:
        handle = DisplayHandle()
        handle.display(data, raw=True)
    else:
        handle.update(data, raw=True)
    return handle
