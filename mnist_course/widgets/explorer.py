"""What every explorer is made of: controls, a pure function, one picture, one line of text.

A function draws: plain settings in, a `Picture` out. An `Explorer` hands it the values of its
controls and shows what comes back. Nothing here draws by pyplot, because its current figure belongs
to the cell that runs, and a slider may be moved while that cell plots.
"""

import html
import threading
import traceback
from contextlib import contextmanager

import ipywidgets
import torch

from mnist_course import runtime
from mnist_course.widgets import raster, still
from mnist_course.widgets.ahead import Ahead
from mnist_course.widgets.controls import rows
from mnist_course.widgets.errors import ExplorerError
from mnist_course.widgets.picture import Names, PictureView, png

__all__ = ["Explorer", "ExplorerError", "torch_defaults"]


@contextmanager
def torch_defaults():
    """CPU and float32 inside, whatever `torch.set_default_device` or `…_dtype` a student calls."""
    dtype = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with torch.device("cpu"):
            yield
    finally:
        torch.set_default_dtype(dtype)


class Explorer(still.WithStill, ipywidgets.VBox):
    """Controls over a drawing function, with one picture and one line of text below them.

    draw: called with the controls' values by name, returns a `Picture`; controls: a dict from
    setting to widget with a `value`; title: what the picture is called; arrangement: a widget
    in which the controls stand, by default rows that wrap; adjust: called without arguments
    before each drawing, to fit the range of one control to the value of another; ahead: names
    of sliders whose next picture is drawn ahead (`adjust` must leave the other controls alone
    when one of these moves).

    The first picture is drawn at once and kept as the still picture. Raises what `draw` raises
    for it, except a `runtime.CourseError`: that one, and whatever is raised later, is shown under
    the controls as a sentence, and kept in `error`.
    """

    def __init__(self, draw, controls, title, arrangement=None, adjust=None, ahead=()):
        self.draw, self.controls, self.title, self.adjust = draw, dict(controls), title, adjust
        self.ahead = Ahead(self, ahead)
        self.error = None  # the exception that the line under the controls tells of
        self.picture = None  # the latest `Picture`
        self._lock = threading.RLock()
        self._wanted = self._drawn = 0  # number of the newest change, and of the one drawn
        self._adjusting = False
        self.view = PictureView(
            name=f"{title}: picture, described in the line below it",
            controls=self.watched(),
            names=list(self.controls),
        )
        self.problem = ipywidgets.HTML()
        arrangement = arrangement or rows(self.controls.values())
        heading = ipywidgets.HTML(f'<p class="mc-title">{html.escape(title)}</p>')
        unseen = ipywidgets.VBox([Names()], layout={"display": "none"})
        # the sentence about an error stands above the picture, because below a high one it would
        # be off the screen
        super().__init__([unseen, heading, arrangement, self.problem, self.view])
        self.add_class("mnist-explorer")
        self.add_class("mc")
        self.problem.add_class("mnist-problem")
        self._refresh(first=True)
        self.still = self._as_still()
        for control in self.controls.values():
            control.observe(self._changed, "value")

    @property
    def settings(self):
        """The values of all controls, by name."""
        return {name: control.value for name, control in self.controls.items()}

    def watched(self):
        """The controls that the page watches, to show pictures by itself and to set them."""
        return list(self.controls.values())

    def drawn(self, **other):
        """The `Picture` of the present settings, or of others where they are given."""
        with self._lock, torch_defaults():
            return self.draw(**self.settings | other)

    def _changed(self, change):
        self.refresh()
        if not self._adjusting:  # otherwise `adjust` has moved it, not the student
            [name] = [name for name, one in self.controls.items() if one is change.owner]
            self.ahead.plan(name, change)

    def refresh(self):
        """Draw the picture of the present settings; the last change always wins.

        Safe from several threads: one draws at a time, and a change that came while another
        one was drawn is drawn after it, once.
        """
        self._wanted += 1
        if not self._adjusting:
            self._refresh()

    def _refresh(self, first=False):
        with self._lock:
            if self._drawn == self._wanted and not first:
                return  # a thread that came later has drawn these settings
            self._drawn = self._wanted
            try:
                if self.adjust:
                    self._adjusting = True
                    try:
                        self.adjust()
                    finally:
                        self._adjusting = False
                        self._drawn = self._wanted
                self.show(self.drawn())
            except Exception as error:
                if first and not isinstance(error, runtime.CourseError):
                    raise
                self._tell(error)

    def show(self, picture):
        """Show a `Picture`, and take back what was said about an error."""
        self.picture = picture
        self.send(picture)
        if self.error is not None:
            self.error = None
            self.problem.value = ""

    def send(self, picture):
        """Hand the page what it is to show."""
        self.view.show([picture], [self.view.state()])

    def _tell(self, error):
        """Say under the controls what went wrong; the picture turns pale, as it is an old one."""
        self.error = error
        foreseen = isinstance(error, runtime.CourseError)
        sentence = str(error) if foreseen else f"{type(error).__name__}: {error}"
        told = html.escape(sentence)
        if not foreseen:
            trace = html.escape("".join(traceback.format_exception(error)))
            told += f"<details><summary>traceback</summary><pre>{trace}</pre></details>"
        self.problem.value = f'<div class="mnist-error">{told}</div>'
        self.view.stale = True

    def _as_still(self):
        """The present picture and text, for front ends without widgets and for printing."""
        if self.picture is None:
            return still.bundle(self.title, str(self.error))
        sheet = self.picture.sheet
        pictures = [png(raster.draw(sheet, theme, zoom=2)) for theme in raster.THEMES]
        return still.bundle(self.title, self.picture.text, pictures, sheet.width)
