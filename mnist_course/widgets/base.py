"""What every explorer is made of: controls, a pure function, one picture, one line of text.

A function draws: plain settings in, a `Seen` out. An `Explorer` hands it the values of its
controls and shows what comes back. It never draws by pyplot, whose current figure belongs to
the cell that runs: a slider may be moved while another cell plots.
"""

import asyncio
import base64
import html
import struct
import threading
import traceback
import zlib
from contextlib import contextmanager
from dataclasses import dataclass

import anywidget
import ipywidgets
import numpy as np
import traitlets
from matplotlib.backends.backend_agg import FigureCanvasAgg

from mnist_course import runtime

PAUSE = 0.02  # seconds after a change before the next picture is drawn ahead
STYLE = """<style>
.mnist-explorer { max-width: 1000px; padding: 4px 0; overflow: hidden; }
.mnist-explorer canvas { max-width: 100%; height: auto; display: block; }
.mnist-explorer p { margin: 4px 2px; line-height: 1.4; color: var(--jp-ui-font-color1); }
.mnist-explorer .mnist-stale { opacity: 0.35; }
.mnist-explorer .widget-html-content { white-space: normal; line-height: 1.4; }
.mnist-explorer .mnist-error { border-left: 4px solid #d55e00; padding-left: 8px; }
.mnist-explorer .mnist-error pre { font-size: 11px; white-space: pre-wrap; }
</style>"""


class ExplorerError(runtime.CourseError):
    """A foreseen mistake in what an explorer was given; the message says what to do."""


@dataclass(frozen=True)
class Seen:
    """What a drawing function returns.

    picture: uint8 (H, W, 3), or a whole PNG file as bytes; text: what is to be seen in it,
    in a sentence or two, for the line below the picture and for who can't see it.
    """

    picture: np.ndarray | bytes
    text: str


def quick_note():
    """What is said of a trained network in quick mode; "" in full mode."""
    return " (Quick mode: it was trained on few images.)" if runtime.quick() else ""


def png(pixels):
    """Pixels, uint8 (H, W, 3), as a PNG file, fast rather than small. Bytes stay as they are.

    Written by hand: Pillow tries five filters on every row, which takes twice as long and gains
    nothing in pictures made of squares and letters. Source: https://www.w3.org/TR/png-3/
    """
    if isinstance(pixels, bytes):
        return pixels
    height, width, _ = pixels.shape
    rows = np.zeros((height, 1 + 3 * width), np.uint8)  # a row begins with its filter: 0, none
    rows[:, 1:] = pixels.reshape(height, 3 * width)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits, red green blue
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.data, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
        for name, content in parts
    )


def figure_pixels(figure):
    """A `matplotlib.figure.Figure` that is kept and redrawn, as uint8 (H, W, 3), without pyplot."""
    canvas = figure.canvas
    if not isinstance(canvas, FigureCanvasAgg):
        canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def rows(*widgets_of_rows):
    """Controls in rows that wrap where the notebook is narrow: each argument is one row."""
    return ipywidgets.VBox([
        ipywidgets.HBox(list(row), layout={"flex_flow": "row wrap"}) for row in widgets_of_rows
    ])  # fmt: skip


def slider(label, value, low, high, step=1, help="", width="275px"):
    """A slider of whole or of broken numbers, as `step` is; `help` shows over its label."""
    kind = ipywidgets.IntSlider if isinstance(step, int) else ipywidgets.FloatSlider
    return kind(
        value=value, min=low, max=high, step=step, description=label,
        tooltip=f"{label}: {help}" if help else label, continuous_update=True,
        layout={"width": width}, style={"description_width": "initial"},
    )  # fmt: skip


def dropdown(label, options, value=None, help="", width="240px"):
    """A list to choose one of `options` from; the first one unless `value` is given."""
    options = list(options)
    return ipywidgets.Dropdown(
        options=options, value=options[0] if value is None else value, description=label,
        tooltip=f"{label}: {help}" if help else label, layout={"width": width},
        style={"description_width": "initial"},
    )  # fmt: skip


def same_place(position, before, after):
    """Where a place of one map lies in a map of another size; both (rows, columns), row by row."""
    row, column = divmod(position, before[1])
    return row * after[0] // before[0] * after[1] + column * after[1] // before[1]


DRAWN = """
const KEPT = 5;  // pictures by the controls' values: those shown last, and one drawn ahead
function same(png, other) {
  if (!png || !other || png.byteLength !== other.byteLength) return false;
  const [one, two] = [png, other].map((p) => new Uint8Array(p.buffer, p.byteOffset, p.byteLength));
  return one.every((byte, place) => byte === two[place]);
}
function render({ model, el }) {
  const canvas = document.createElement('canvas');
  const line = document.createElement('p');
  canvas.setAttribute('role', 'img');
  line.setAttribute('role', 'status');
  el.append(canvas, line);
  const kept = new Map();
  let frames = [], bitmaps = [], controls = [], shown = null, turn = 0;
  const decode = (png) => createImageBitmap(new Blob([png], { type: 'image/png' }));
  const tidy = (key, value) => typeof value === 'number' ? Number(value.toFixed(6)) : value;
  const name = (values) => JSON.stringify(values, tidy);  // 0.1 + 0.2 is 0.3 here
  const now = () => name(controls.map((one) => one.get('index') ?? one.get('value')));
  function drop(bitmap) {  // megabytes each
    const used = bitmaps.includes(bitmap) || [...kept.values()].some((p) => p.bitmap === bitmap);
    if (!used) bitmap.then((one) => one.close(), () => {});
  }
  function keep(key, png, bitmap, text) {
    const old = [kept.get(key)];
    kept.delete(key);
    kept.set(key, { png, bitmap, text });
    if (kept.size > KEPT) {
      const [oldest] = kept.keys();
      old.push(kept.get(oldest));
      kept.delete(oldest);
    }
    for (const one of old) if (one) drop(one.bitmap);
  }
  async function paint(png, bitmap, text) {
    const mine = ++turn;
    let image = null;
    if (!same(png, shown)) {
      try { image = await bitmap; } catch { text = 'The picture is broken. Run the cell again.'; }
      if (mine !== turn) return;  // a newer one is on its way
    }
    if (line.textContent !== text) line.textContent = text;  // it is read out when it changes
    if (!image) return;
    if (canvas.width !== image.width || canvas.height !== image.height) {
      canvas.width = image.width;
      canvas.height = image.height;
    }
    canvas.getContext('2d').drawImage(image, 0, 0);
    shown = png;
    canvas.dispatchEvent(new Event('drawn', { bubbles: true }));
  }
  function show() {  // what the kernel says
    canvas.setAttribute('aria-label', model.get('name'));
    const index = model.get('index'), text = model.get('texts')[index] ?? '';
    const key = name(model.get('state'));
    if (frames !== model.get('frames')) {
      const old = bitmaps, known = kept.get(key);
      frames = model.get('frames');
      bitmaps = known && same(known.png, frames[0]) ? [known.bitmap] : frames.map(decode);
      old.forEach(drop);
    }
    if (index >= frames.length) return;
    if (controls.length && text) {
      keep(key, frames[index], bitmaps[index], text);
      if (now() !== key && kept.has(now())) return look();  // the page is ahead of this message
    }
    paint(frames[index], bitmaps[index], text);
  }
  function look() {  // what the page has already; the kernel has the last word
    if (!model.get('texts')[model.get('index')]) return;  // an error: the kernel takes it back
    const found = kept.get(now());
    if (found) paint(found.png, found.bitmap, found.text);
  }
  function drawnAhead({ state, text }, [png]) {
    keep(name(state), png, decode(png), text);
  }
  async function watch() {
    const names = model.get('controls').map((name) => name.replace('IPY_MODEL_', ''));
    const found = await Promise.all(names.map((name) => model.widget_manager.get_model(name)));
    if (!found.length || frames === null) return;  // nothing to watch, or the view is gone
    controls = found;
    for (const control of controls) control.on('change:value change:index', look);
    show();  // from now on what is shown is kept
  }
  model.on('change', show);
  model.on('msg:custom', drawnAhead);
  watch().catch(() => {});  // without the controls the kernel alone shows
  show();
  return () => {
    model.off('change', show);
    model.off('msg:custom', drawnAhead);
    for (const control of controls) control.off('change:value change:index', look);
    turn += 1;
    frames = null;
    const old = [...bitmaps, ...[...kept.values()].map((one) => one.bitmap)];
    bitmaps = [];
    kept.clear();
    old.forEach(drop);
  };
}
export default { render };
"""


class Picture(anywidget.AnyWidget):
    """Pictures of which the page shows one, with a line of text below it.

    frames: PNG files; texts: a line for each; index: which one is shown; name: what a screen
    reader calls it. All frames are sent and decoded once, and drawn on one canvas: another index
    shows at once. With an <img> each, the page would decode a frame whenever it is shown.

    controls: widgets on whose values the picture depends; state: these values, for the frame.
    Where they are given, the page keeps some pictures, and shows one again by itself when the
    controls have its values.
    """

    _esm = DRAWN
    frames = traitlets.List(traitlets.Bytes()).tag(sync=True)
    texts = traitlets.List(traitlets.Unicode()).tag(sync=True)
    index = traitlets.Int(0).tag(sync=True)
    name = traitlets.Unicode("").tag(sync=True)
    controls = traitlets.List(traitlets.Instance(ipywidgets.Widget)).tag(
        sync=True, **ipywidgets.widget_serialization
    )
    state: traitlets.List = traitlets.List().tag(sync=True)

    def show(self, seen, state=()):
        """Replace all frames by those of a list of `Seen`; the page gets them in one message."""
        with self.hold_sync():
            self.frames = [png(one.picture) for one in seen]
            self.texts = [one.text for one in seen]
            self.state = list(state)

    def keep(self, seen, state):
        """Give the page a `Seen` to show at once when the controls come to these values."""
        self.send({"state": list(state), "text": seen.text}, [png(seen.picture)])


NAMES = """
const PLAYER = ['Play or pause', 'Stop', 'Repeat'];  // the buttons of a player, which show signs
function name(explorer) {
  for (const slider of explorer.querySelectorAll('.widget-slider')) {
    const text = slider.querySelector('.widget-label')?.textContent;
    slider.querySelector('[role=slider]')?.setAttribute('aria-label', text);
    const readout = slider.querySelector('.widget-readout');
    readout?.setAttribute('role', 'textbox');
    readout?.setAttribute('aria-label', text + ', value');
  }
  for (const player of explorer.querySelectorAll('.widget-play')) {
    player.querySelectorAll('button').forEach((button, number) => {
      button.title = PLAYER[number];
      button.setAttribute('aria-label', PLAYER[number]);
    });
  }
  explorer.querySelector('.mnist-problem .widget-html-content')?.setAttribute('role', 'alert');
}
function render({ el }) {
  requestAnimationFrame(() => {
    const explorer = el.closest('.mnist-explorer');
    if (!explorer) return;
    name(explorer);
    const observer = new MutationObserver((changes) => {  // for controls drawn later
      const added = changes.flatMap((change) => [...change.addedNodes]);
      if (added.some((node) => node.nodeType === Node.ELEMENT_NODE)) name(explorer);
    });
    observer.observe(explorer, { childList: true, subtree: true });
  });
}
export default { render };
"""


class Names(anywidget.AnyWidget):
    """Names sliders and buttons around it for screen readers, and has errors read out.

    ipywidgets 8.1 writes a slider's label beside it, but ties the two together nowhere, and
    its player's buttons have no names.
    """

    _esm = NAMES


class Explorer(ipywidgets.VBox):
    """Controls over a drawing function, with one picture and one line of text below them.

    draw: called with the controls' values by name, returns a `Seen`; controls: a dict from
    setting to widget with a `value`; title: what the picture is called; arrangement: a widget
    in which the controls stand, by default rows that wrap; adjust: called without arguments
    before each drawing, to fit the range of one control to the value of another; ahead: names
    of sliders whose next picture, in the direction of the last move, is drawn ahead when nothing
    else happens (`adjust` must leave the other controls alone when one of these moves).

    The first picture is drawn at once and kept as the still picture. Raises what `draw` raises
    for it, except an `ExplorerError`: that one, and whatever is raised later, is shown under the
    controls as a sentence, and kept in `error`.
    """

    def __init__(self, draw, controls, title, arrangement=None, adjust=None, ahead=()):
        self.draw, self.controls, self.title, self.adjust = draw, dict(controls), title, adjust
        self.ahead, self._planned = ahead, None
        self.error = None  # the exception that the line under the controls tells of
        self.seen = None  # the last `Seen`
        self._lock = threading.RLock()
        self._wanted = self._drawn = 0  # number of the newest change, and of the one drawn
        self._held = 0
        self.picture = Picture(
            name=f"{title}: picture, described in the line below it",
            controls=list(self.controls.values()) if ahead else [],
        )
        self.problem = ipywidgets.HTML()
        arrangement = arrangement or rows(self.controls.values())
        unseen = ipywidgets.VBox([ipywidgets.HTML(STYLE), Names()], layout={"display": "none"})
        # a sentence below a high picture would stand off the screen
        super().__init__([unseen, arrangement, self.problem, self.picture])
        self.add_class("mnist-explorer")
        self.problem.add_class("mnist-problem")
        self._refresh(first=True)
        self._still = self._as_still()
        for control in self.controls.values():
            control.observe(self._changed, "value")

    @property
    def settings(self):
        """The values of all controls, by name."""
        return {name: control.value for name, control in self.controls.items()}

    @contextmanager
    def together(self):
        """Several controls changed inside `with explorer.together():` make one picture."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            self.refresh()

    def _changed(self, change):
        self.refresh()
        self._plan(change)

    def _plan(self, change):
        """Have the next picture drawn ahead, after a pause without another change."""
        if self._planned is not None:
            self._planned.cancel()
        if self._held:  # a preset has moved it, nobody walks
            return
        [name] = [name for name, control in self.controls.items() if control is change.owner]
        if name not in self.ahead:
            return
        step = change.owner.step if change.new > change.old else -change.owner.step
        following = round(change.new + step, 6)  # 0.3, not 0.30000000000000004
        if not change.owner.min <= following <= change.owner.max:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # no page that could wait for it
            return
        self._planned = loop.call_later(PAUSE, self._draw_ahead, {name: following})

    def _draw_ahead(self, following):
        with self._lock:
            try:
                seen = self.draw(**self.settings | following)
            except Exception:  # it is told if it comes to that
                return
            self.picture.keep(seen, self._state(following))

    def _state(self, other=()):
        """What the page knows of the controls: values, and of a list the place in it."""
        known = {name: getattr(one, "index", one.value) for name, one in self.controls.items()}
        return list((known | dict(other)).values())

    def refresh(self):
        """Draw the picture of the present settings; the last change always wins.

        Safe from several threads: one draws at a time, and a change that came while another
        one was drawn is drawn after it, once.
        """
        self._wanted += 1
        if self._held:
            return
        self._refresh()

    def _refresh(self, first=False):
        with self._lock:
            if self._drawn == self._wanted and not first:
                return  # a thread that came later has drawn these settings
            self._drawn = self._wanted
            try:
                if self.adjust:
                    self._held += 1
                    try:
                        self.adjust()
                    finally:
                        self._held -= 1
                        self._drawn = self._wanted
                self.show(self.draw(**self.settings))
            except Exception as error:
                if first and not isinstance(error, ExplorerError):
                    raise
                self._tell(error)

    def show(self, seen):
        """Show a `Seen`, and take back what was said about an error."""
        self.seen = seen
        self.send(seen)
        if self.error is not None:
            self.error = None
            self.problem.value = ""
            self.picture.remove_class("mnist-stale")

    def send(self, seen):
        """Hand the page what it is to show."""
        self.picture.show([seen], self._state())

    def _tell(self, error):
        """Say under the controls what went wrong; the picture, now an old one, turns pale."""
        self.error = error
        foreseen = isinstance(error, ExplorerError)
        sentence = str(error) if foreseen else f"{type(error).__name__}: {error}"
        told = html.escape(sentence)
        if not foreseen:
            trace = html.escape("".join(traceback.format_exception(error)))
            told += f"<details><summary>traceback</summary><pre>{trace}</pre></details>"
        self.problem.value = f'<div class="mnist-error">{told}</div>'
        self.picture.texts = [""] * len(self.picture.frames)
        self.picture.add_class("mnist-stale")

    def _as_still(self):
        """The present picture and text, for front ends without widgets and for printing."""
        text = self.seen.text if self.seen else str(self.error)
        still = {"text/plain": f"{self.title}: {text}"}
        picture = ""
        if self.seen:
            content = base64.b64encode(self.picture.frames[self.picture.index]).decode()
            still["image/png"] = content
            alt = html.escape(f"{self.title}: {text}")
            picture = (
                f'<img src="data:image/png;base64,{content}" alt="{alt}" style="max-width: 100%">'
            )
        still["text/html"] = f"<div>{picture}<p>{html.escape(text)}</p></div>"
        return still

    def _repr_mimebundle_(self, **kwargs):
        """The live widget, and beside it the still picture of the default settings."""
        live = super()._repr_mimebundle_(**kwargs) or {}
        data, *metadata = live if isinstance(live, tuple) else (live,)
        data = {**data, **self._still}
        return (data, *metadata) if metadata else data
