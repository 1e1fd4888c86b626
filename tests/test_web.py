"""The page's code parses, draws what it should and chooses the right picture: in Node.js."""

import base64
import json
import shutil
import subprocess

import pytest

from mnist_course import web

NODE = shutil.which("node")
FILES = sorted(web.FOLDER.glob("*.js"))
# A page in small: a canvas that notes what is drawn on it, colours of its own, and a model of the
# widget whose messages come at once. A picture is one letter here.
PAGE = """
const elements = [];
const nothing = () => {};
function makeElement(tag) {
  const element = {
    tag, textContent: "", classes: new Set(), drawn: [], attributes: {}, style: {}, dataset: {},
    calls: [], children: [], clientWidth: 0, listeners: {},
    append: (...others) => element.children.push(...others),
    remove: () => { element.removed = true; },
    addEventListener: (name, listener) => { element.listeners[name] = listener; },
    getBoundingClientRect: () => ({ left: 0, top: 0, width: 100, height: 100 }),
    setAttribute: (name, value) => { element.attributes[name] = value; },
    getContext: () => new Proxy({}, {
      get: (_, name) => (...given) => {
        element.calls.push([name, ...given]);
        if (name === "fillText") element.drawn.push(given[0]);
      },
      set: (_, name, value) => { element.calls.push([name, value]); return true; },
    }),
    dispatchEvent: nothing,
    classList: { toggle: (name, on) => element.classes[on ? "add" : "delete"](name) },
  };
  elements.push(element);
  return element;
}
globalThis.document = { createElement: makeElement, documentElement: {} };
document.body = Object.assign(makeElement("body"), { ownerDocument: document });
globalThis.window = { devicePixelRatio: 1 };
const COLOURS = {
  paper: "rgb(255, 255, 255)", ink: "rgb(0, 0, 0)", line: "rgb(1, 2, 3)",
  negative: "rgb(100, 0, 100)", "negative-soft": "rgb(200, 0, 200)",
  positive: "rgb(100, 50, 0)", "positive-soft": "rgb(200, 100, 0)",
};
globalThis.getComputedStyle = ({ style }) => ({
  fontFamily: "sans", color: COLOURS[style.color?.match(/--mc-([a-z-]+)/)?.[1]],
});
const watched = { theme: [], size: [] };
class Watcher {
  constructor(kind, changed) {
    Object.assign(this, { kind, changed });
    watched[kind].push(changed);
  }
  observe() {}
  disconnect() { watched[this.kind] = watched[this.kind].filter((one) => one !== this.changed); }
}
globalThis.MutationObserver = class extends Watcher { constructor(f) { super("theme", f); } };
globalThis.ResizeObserver = class extends Watcher { constructor(f) { super("size", f); } };
globalThis.matchMedia = () => ({ addEventListener: nothing, removeEventListener: nothing });
globalThis.requestAnimationFrame = (callback) => callback();
globalThis.ImageData = class {
  constructor(width, height) {
    Object.assign(this, { width, height, data: new Uint8ClampedArray(4 * width * height) });
  }
};
// a sheet on which nothing but a text is written, as the kernel encodes it
function encode(sheet, maps = []) {
  const text = new TextEncoder().encode(JSON.stringify(sheet));
  const content = new Uint8Array(4 + text.length + maps.length);
  new DataView(content.buffer).setUint32(0, text.length, true);
  content.set(text, 4);
  content.set(maps, 4 + text.length);
  return new DataView(content.buffer);
}
function sheetOf(letter) {
  if (letter === "!") return new DataView(new ArrayBuffer(3)); // cut off
  const text = { kind: "text", text: letter, x: 0, y: 0, size: 9, colour: "ink", anchor: "la" };
  return encode({ width: 20, height: 10, items: [text], regions: [] });
}
class Model {
  constructor(values) { this.values = values; this.listeners = []; }
  get(name) { return this.values[name]; }
  on(events, listener) { this.listeners.push([events, listener]); }
  off(events, listener) {
    this.listeners = this.listeners.filter(([on, one]) => on !== events || one !== listener);
  }
  tell(event, ...given) {
    for (const [events, listener] of this.listeners) {
      if (events.split(" ").includes(event)) listener(...given);
    }
  }
}
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));
const slider = new Model({ value: 1 });
const list = new Model({ value: "max", index: 0 });
const model = new Model({
  name: "picture", frames: [], texts: [], states: [], stale: false, names: ["number", "kind"],
  controls: ["IPY_MODEL_slider", "IPY_MODEL_list"],
});
model.widget_manager = { get_model: async (name) => ({ slider, list })[name] };
async function move(value) {  // the student moves the slider; the kernel has not heard of it
  slider.values.value = value;
  slider.tell("change:value");
  await settled();
}
async function kernel(frames, states, other = {}) {  // the kernel shows pictures
  const texts = [...frames].map((one) => `text ${one}`);
  Object.assign(model.values, { frames: [...frames].map(sheetOf), texts, states, ...other });
  model.tell("change");
  await settled();
}
async function ahead(frame, state) {  // the kernel has drawn one ahead
  model.tell("msg:custom", { state, text: `text ${frame}` }, [sheetOf(frame)]);
  await settled();
}
const { default: widget } = await import("data:text/javascript;base64,SCRIPT");
await kernel("a", [[1, 0]]);
const gone = widget.render({ model, el: { append: () => {} } });
await settled();
const [canvas, line] = ["canvas", "p"].map((tag) => elements.find((one) => one.tag === tag));
const stage = elements.find((one) => one.className === "mc-stage");
const told = [];
const note = () => told.push(`${canvas.drawn.join("")} ${line.textContent}`);
"""

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no Node.js")


def in_node(*arguments, code):
    done = subprocess.run(
        [NODE, "--input-type=module", *arguments], input=code,
        capture_output=True, text=True, encoding="utf-8", timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_parses(path):
    in_node("--check", code=path.read_text(encoding="utf-8"))


def page(steps):
    """What a page shows after each `note()`: every picture drawn so far, and the line of text."""
    script = base64.b64encode(web.module("picture.js").encode()).decode()
    code = PAGE.replace("SCRIPT", script) + steps + "\nconsole.log(JSON.stringify(told));"
    return json.loads(in_node(code=code))


def test_the_page_shows_what_the_kernel_sends():
    steps = 'note(); await move(2); note(); await kernel("b", [[2, 0]]); note();'
    assert page(steps) == ["a text a", "a text a", "ab text b"]


def test_a_picture_drawn_ahead_is_shown_without_the_kernel_and_only_once():
    steps = 'await ahead("b", [2, 0]); note(); await move(2); note();'
    steps += 'await kernel("b", [[2, 0]]); note();'
    assert page(steps) == ["a text a", "ab text b", "ab text b"]


def test_a_picture_that_was_shown_is_shown_again_without_the_kernel():
    steps = 'await kernel("b", [[2, 0]]); await move(2); await move(1); note();'
    assert page(steps) == ["aba text a"]


def test_values_are_the_kernels_although_the_page_computes_in_other_fractions():
    assert page('await ahead("b", [0.3, 0]); await move(0.1 + 0.2); note();') == ["ab text b"]


def test_the_kernel_has_the_last_word():
    """After more training the picture of the same values is another one."""
    steps = 'await ahead("b", [2, 0]); await move(2); await kernel("c", [[2, 0]]); note();'
    assert page(steps) == ["abc text c"]


def test_a_picture_of_values_that_the_page_has_left_is_shown_on_the_way_only():
    steps = 'await move(3); await kernel("b", [[2, 0]]); note();'
    steps += 'await ahead("c", [3, 0]); await kernel("d", [[2, 0]]); note();'
    assert page(steps) == ["ab text b", "abc text c"]


def test_of_several_pictures_the_controls_choose_and_none_is_shown_for_other_values():
    steps = 'await kernel("bcd", [[1, 0], [2, 0], [3, 0]]); note(); await move(3); note();'
    steps += "await move(9); note(); await move(2); note();"
    assert page(steps) == ["ab text b", "abd text d", "abd text d", "abdc text c"]


def test_after_an_error_the_page_waits_for_the_kernel():
    steps = 'await ahead("b", [2, 0]); await kernel("a", [[1, 0]], { stale: true }); note();'
    steps += "await move(2); note(); told.push([...stage.classes].join());"
    steps += 'await kernel("b", [[2, 0]], { stale: false }); note();'
    steps += "told.push([...stage.classes].join());"
    assert page(steps) == ["a ", "a ", "mc-stale", "ab text b", ""]


def test_a_picture_that_is_broken_is_told():
    steps = 'await ahead("!", [3, 0]); await move(2); await kernel("!", [[2, 0]]); note();'
    steps += 'await kernel("c", [[2, 0]]); note();'
    broken = "a The picture is broken. Run the cell again."
    assert page(steps) == [broken, "ac text c"]


def test_without_controls_the_last_picture_of_the_kernel_is_shown():
    steps = 'model.values.controls = []; await kernel("a", [[]]);'
    steps += "widget.render({ model, el: { append: () => {} } }); await settled();"
    steps += 'for (const one of "bc") await kernel(one, [[]]);'
    steps += "const [other, text] = ['canvas', 'p'].map((tag) => elements.findLast("
    steps += "(one) => one.tag === tag && one !== canvas && one !== line));"
    steps += "told.push(other.drawn.join('') + text.textContent);"
    assert page(steps) == ["abctext c"]


def test_the_page_forgets_old_pictures_and_leaves_nothing_behind_when_it_goes():
    steps = """
    for (let value = 2; value < 40; value += 1) {
      await kernel(String.fromCharCode(96 + value), [[value, 0]]);
      await move(value);
    }
    canvas.drawn.length = 0;
    await move(30);
    told.push(canvas.drawn.length);
    await move(5); // long forgotten: what the kernel sent last is shown
    told.push(canvas.drawn.at(-1) === String.fromCharCode(96 + 39));
    told.push(watched.theme.length, watched.size.length);
    gone();
    told.push(watched.theme.length, watched.size.length);
    told.push(model.listeners.length, slider.listeners.length);
    told.push(elements.filter((one) => one.tag === "span").every((one) => one.removed));
    """
    assert page(steps) == [1, True, 1, 1, 0, 0, 0, 0, True]


def test_a_change_of_theme_draws_the_same_picture_again():
    steps = 'COLOURS.ink = "rgb(9, 9, 9)"; watched.theme[0](); note();'
    steps += "told.push(canvas.calls.findLast(([name, value]) => name === 'fillStyle')[1]);"
    assert page(steps) == ["aa text a", "rgb(9,9,9)"]


def test_the_canvas_is_as_sharp_as_it_is_wide_on_the_page():
    steps = "told.push([canvas.width, canvas.height, canvas.style.width]);"
    steps += "canvas.clientWidth = 10; watched.size[0](); "
    steps += "told.push([canvas.width, canvas.height, canvas.style.width]);"
    steps += "watched.size[0](); note();"
    assert page(steps) == [[20, 10, "20px"], [10, 5, "20px"], "aa text a"]


def test_levels_have_the_colours_between_the_themes():
    steps = """
    const place = { x: 0, y: 0, wide: 8, high: 8 };
    const map = { kind: "map", ...place, rows: 1, columns: 5, bars: false, at: 0 };
    for (const palette of ["grey", "signed"]) {
      const sheet = { width: 40, height: 8, items: [{ ...map, palette }], regions: [] };
      model.values.frames = [encode(sheet, [0, 64, 127, 254, 255])];
      Object.assign(model.values, { texts: [palette], states: [[1, 0]] });
      model.tell("change");
      const spare = elements.findLast((one) => one.calls.some(([name]) => name === "putImageData"));
      const [, image] = spare.calls.findLast(([name]) => name === "putImageData");
      told.push([...image.data]);
    }
    """
    grey, signed = ([row[at : at + 4] for at in range(0, 20, 4)] for row in page(steps))
    assert grey == [
        [255, 255, 255, 255], [191, 191, 191, 255], [128, 128, 128, 255], [0, 0, 0, 255],
        [1, 2, 3, 255],
    ]  # fmt: skip
    assert signed[0] == [100, 0, 100, 255]
    assert signed[1] == pytest.approx([200, 0, 200, 255], abs=2)
    assert signed[2] == [255, 255, 255, 255]
    assert signed[3:] == [[100, 50, 0, 255], [1, 2, 3, 255]]


def test_a_module_brings_what_it_imports_once():
    whole = web.module("picture.js")
    assert whole.count("export default") == whole.count("export ") == 1
    assert "import " not in whole
    for text in ("class Colours", "class Regions", "class Pictures"):
        assert whole.count(text) == 1
