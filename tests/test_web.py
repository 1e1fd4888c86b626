"""The page's code parses, and picture.js shows the right picture: in Node.js, if there is one."""

import base64
import json
import shutil
import subprocess

import pytest

from mnist_course import web

NODE = shutil.which("node")
FILES = sorted(web.FOLDER.glob("*.js"))
# A page in small: a canvas that notes what is drawn on it, bitmaps that say whether they were
# closed, and a model of the widget whose messages come at once. A PNG file is one letter here.
PAGE = """
const elements = [];
globalThis.document = {
  createElement: (tag) => {
    const element = {
      tag, textContent: "", classes: new Set(), drawn: [], attributes: {},
      setAttribute: (name, value) => { element.attributes[name] = value; },
      getContext: () => ({ drawImage: (bitmap) => element.drawn.push(bitmap.name) }),
      dispatchEvent: () => {},
      classList: { toggle: (name, on) => element.classes[on ? "add" : "delete"](name) },
    };
    elements.push(element);
    return element;
  },
};
const bitmaps = [];
globalThis.createImageBitmap = async (blob) => {
  const name = await blob.text();
  if (name === "!") throw new Error("no PNG file");
  const bitmap = { name, width: 2, height: 1, closed: 0, close: () => { bitmap.closed += 1; } };
  bitmaps.push(bitmap);
  return bitmap;
};
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
const bytes = (text) => new DataView(new TextEncoder().encode(text).buffer);
const slider = new Model({ value: 1 });
const list = new Model({ value: "max", index: 0 });
const model = new Model({
  name: "picture", frames: [], texts: [], states: [], stale: false,
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
  Object.assign(model.values, { frames: [...frames].map(bytes), texts, states, ...other });
  model.tell("change");
  await settled();
}
async function ahead(frame, state) {  // the kernel has drawn one ahead
  model.tell("msg:custom", { state, text: `text ${frame}` }, [bytes(frame)]);
  await settled();
}
const { default: widget } = await import("data:text/javascript;base64,SCRIPT");
await kernel("a", [[1, 0]]);
const gone = widget.render({ model, el: { append: () => {} } });
await settled();
const [canvas, line] = elements;
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
    script = base64.b64encode((web.FOLDER / "picture.js").read_bytes()).decode()
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
    steps += "await move(2); note(); told.push([...canvas.classes].join());"
    steps += 'await kernel("b", [[2, 0]], { stale: false }); note();'
    steps += "told.push([...canvas.classes].join());"
    assert page(steps) == ["a ", "a ", "mnist-stale", "ab text b", ""]


def test_a_picture_that_is_no_png_file_is_told():
    steps = 'await ahead("!", [3, 0]); await move(2); await kernel("!", [[2, 0]]); note();'
    steps += 'await kernel("c", [[2, 0]]); note();'
    broken = "a The picture is broken. Run the cell again."
    assert page(steps) == [broken, "ac text c"]


def test_without_controls_the_last_picture_of_the_kernel_is_shown():
    steps = 'model.values.controls = []; await kernel("a", [[]]);'
    steps += "widget.render({ model, el: { append: () => {} } }); await settled();"
    steps += 'for (const one of "bc") await kernel(one, [[]]);'
    steps += "told.push(elements[2].drawn.join('') + elements[3].textContent);"
    assert page(steps) == ["abctext c"]


def test_only_a_few_pictures_are_kept_and_all_others_are_closed_once():
    """Each takes megabytes, which the page gets back by `close` alone."""
    steps = """
    for (let value = 2; value < 40; value += 1) {
      await kernel(String.fromCharCode(96 + value), [[value, 0]]);
      await move(value);
    }
    await kernel("xyz", [[40, 0], [41, 0], [42, 0]]);
    const open = () => bitmaps.filter((one) => one.closed === 0).length;
    told.push(open(), Math.max(...bitmaps.map((one) => one.closed)));
    gone();
    await settled();
    told.push(open(), model.listeners.length, slider.listeners.length);
    """
    assert page(steps) == [4 + 3, 1, 0, 0, 0]
