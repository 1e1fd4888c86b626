"""A pad to draw on: each step from strokes to 28×28, and what the network says of it, in the page.

The network goes to the page once, as the pad is made (`export.describe`). So ink, steps and
probabilities follow each move, also while a cell runs. After more training, run the cell again.
"""

import json
from functools import cached_property

import anywidget
import traitlets

from mnist_course import data, drawing, web
from mnist_course.widgets import diagram
from mnist_course.widgets.explorer import torch_defaults
from mnist_course.widgets.network import described
from mnist_course.widgets.still import WithStill

TITLE = "Draw a digit"
SEVEN = [[(40, 60), (120, 55), (70, 200)], [(60, 125), (115, 120)]]  # of the still picture
FIELD = (0.0, 0.0, 280.0)  # the pad's square, as in web/pad.js


class DrawingPad(WithStill, anywidget.AnyWidget):
    """See `drawing_pad`.

    collection: the `drawing.Collection` into which the button Keep puts drawings with a label
    and the name `writer`; problem: what was wrong with the last one, or "".
    """

    _esm = web.module("draw.js")
    _css = web.styles("theme.css", "network.css", "pad.css")
    title = traitlets.Unicode(TITLE).tag(sync=True)
    description = traitlets.Dict().tag(sync=True)
    weights = traitlets.CBytes().tag(sync=True)
    kept = traitlets.Int(0).tag(sync=True)  # digits in the collection
    drawn = traitlets.Unicode("").tag(sync=True)  # what is on the pad, as JSON; "" is nothing

    def __init__(self, description, weights, collection, writer=""):
        self.collection = collection
        self.writer = writer
        self.problem = ""
        super().__init__(description=description, weights=weights, kept=len(collection))
        self.on_msg(self._receive)

    @cached_property
    def still(self):  # type: ignore[override]
        return diagram.pad_still(TITLE, drawing.from_strokes(SEVEN, FIELD))

    def steps(self, options=None):
        """What is on the pad, step by step: `drawing.Steps`. Raises `drawing.NothingDrawn`."""
        now = json.loads(self.drawn or "{}")
        return drawing.from_strokes(now.get("strokes", []), FIELD, now.get("pen"), options)

    def _receive(self, widget, content, buffers):
        """Keep a drawing that the page sends. Whatever is no drawing is left out, and told."""
        try:
            one = content["keep"]
            self.collection.add(
                one["strokes"], one["label"], field=FIELD, pen=one["pen"], writer=self.writer
            )
            self.problem = ""
        except (drawing.DrawingError, KeyError, TypeError) as error:
            self.problem = str(error)
        self.kept = len(self.collection)


def drawing_pad(network, collection=None, normalisation=data.NORMALISATION, writer=""):
    """A pad to draw a digit on, by mouse, pen, finger or keyboard.

    network: one that `export.describe` can describe; it is shown as it is now. collection: the
    `drawing.Collection` that the button Keep adds to, by default a new one, in `pad.collection`.
    normalisation: as in the network's recipe. writer: who draws; the name is kept with each digit.
    Each step from the strokes to the 28×28 pixels that the network sees can be switched off. An
    empty pad predicts nothing.
    Raises what `network_explorer` raises, and `drawing.DrawingError` for a wrong collection or
    writer.
    """
    collection = drawing.Collection() if collection is None else collection
    if not isinstance(collection, drawing.Collection):
        raise drawing.DrawingError(
            f"expected a drawing.Collection, got {type(collection).__name__}"
        )
    if not isinstance(writer, str):
        raise drawing.DrawingError(f"a writer is a name, got {writer!r}")
    with torch_defaults():
        description, weights = described(network, normalisation)
    return DrawingPad(description, weights, collection, writer)
