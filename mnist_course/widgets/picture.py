"""What an explorer shows: a picture with a line of text, and how the page gets it."""

import io
from dataclasses import dataclass
from functools import cached_property

import anywidget
import ipywidgets
import traitlets
from PIL import Image

from mnist_course import runtime, web
from mnist_course.widgets import raster
from mnist_course.widgets.pixels import Sheet


@dataclass(frozen=True)
class Picture:
    """What a drawing function returns.

    text: what the sheet shows, in a sentence or two, for the line below the picture and for readers
    who can't see it.
    """

    sheet: Sheet
    text: str

    @cached_property
    def pixels(self):
        """The picture as it looks in the light theme, uint8 (H, W, 3)."""
        return raster.draw(self.sheet)


def quick_note():
    """What quick mode adds to the text about a trained network; "" in full mode."""
    return " (Quick mode: it was trained on few images.)" if runtime.quick() else ""


def png(pixels):
    """Pixels, uint8 (H, W, 3), as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


class PictureView(anywidget.AnyWidget):
    """The picture on the page: a canvas with a line of text below it.

    The page keeps pictures by their state, the values of the controls that they belong to, and
    shows the one whose state the controls have. That is how it can show a picture before the kernel
    hears of the control that moved; the code for it is in `web/picture.js`.

    frames: sheets as `Sheet.encode` makes them; texts and states: one for each; stale: whether the
    picture is an old one, because there was an error; name: what a screen reader calls the
    picture; controls: the widgets whose values make a state; names: what the sheets call them.
    Without controls every state is empty, and the page shows what the kernel sent last.
    """

    _esm = web.module("picture.js")
    _css = web.styles(*web.STYLES)
    frames = traitlets.List(traitlets.Bytes()).tag(sync=True)
    texts = traitlets.List(traitlets.Unicode()).tag(sync=True)
    states = traitlets.List(traitlets.List()).tag(sync=True)
    stale = traitlets.Bool(False).tag(sync=True)
    name = traitlets.Unicode("").tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    controls = traitlets.List(traitlets.Instance(ipywidgets.Widget)).tag(
        sync=True, **ipywidgets.widget_serialization
    )

    def state(self):
        """The present values of the controls; of a list the place in it, as the page knows it."""
        return [getattr(control, "index", control.value) for control in self.controls]

    def show(self, pictures, states):
        """Replace all frames by those of a list of `Picture`; the page gets them in one message."""
        with self.hold_sync():
            self.frames = [one.sheet.encode() for one in pictures]
            self.texts = [one.text for one in pictures]
            self.states = states
            self.stale = False

    def keep(self, picture, state):
        """Give the page a `Picture` to show at once when the controls come to these values."""
        self.send({"state": state, "text": picture.text}, [picture.sheet.encode()])


class Names(anywidget.AnyWidget):
    """Names sliders and buttons around it for screen readers, and has errors read out.

    ipywidgets 8.1 writes a slider's label beside it but does not tie the two together, and its
    player's buttons have no names.
    """

    _esm = web.FOLDER / "names.js"
