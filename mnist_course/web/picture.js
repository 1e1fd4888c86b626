// Shows one of the pictures that the kernel has sent, on a canvas, with a line of text below.
//
// Every picture carries its state: the values of the controls that it belongs to. The page keeps
// pictures by their state. When a control moves, it shows the picture of the new values at once
// if it has that one; otherwise the kernel draws it. The kernel has the last word, because each
// picture that it sends replaces the kept one of the same state.

import { Colours, decodeSheet, drawSheet } from "./sheet.js";
import { say, watchTheme } from "./parts.js";
import { Regions } from "./regions.js";

const KEPT = 16; // pictures besides those of the kernel's last message; each takes kilobytes

// A name for values of controls: the page's 0.1 + 0.2 is the kernel's 0.3.
const nameOf = (values) =>
  JSON.stringify(values, (_, one) => (typeof one === "number" ? Number(one.toFixed(6)) : one));

const bytesOf = (frame) => new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength);

const same = (one, other) =>
  one.length === other?.length && one.every((byte, place) => byte === other[place]);

// A sheet, or null for broken bytes.
function decode(bytes) {
  try {
    return decodeSheet(bytes);
  } catch {
    return null;
  }
}

class Pictures {
  // What the page keeps: by the name of its state, { bytes, sheet, text }, the oldest first.
  kept = new Map();
  sent = []; // names of the pictures in the kernel's last message

  put(name, frame, text) {
    const old = this.kept.get(name);
    const bytes = bytesOf(frame);
    const picture = same(bytes, old?.bytes) ? old : { bytes, sheet: decode(bytes) };
    this.kept.delete(name); // so that it becomes the newest
    this.kept.set(name, Object.assign(picture, { text }));
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= KEPT + this.sent.length) break;
      if (!this.sent.includes(oldest)) this.kept.delete(oldest);
    }
  }

  // The picture of these values. Where there is none, the one that the kernel sent last; if it
  // sent several, none of those, unless the values are not known.
  find(values) {
    const found = this.kept.get(nameOf(values));
    if (found || (this.sent.length > 1 && values.length > 0)) return found;
    return this.kept.get(this.sent.at(-1));
  }
}

function render({ model, el }) {
  const stage = document.createElement("div");
  const canvas = document.createElement("canvas");
  const line = document.createElement("p");
  stage.className = "mc-stage";
  canvas.setAttribute("role", "img");
  line.setAttribute("role", "status");
  stage.append(canvas);
  el.append(stage, line);
  const pictures = new Pictures();
  const colours = new Colours(document.body); // `el` may be off the page for a while
  let controls = [];
  const controlOf = (name) => controls[model.get("names").indexOf(name)];
  const regions = new Regions(stage, controlOf);
  let shown = null; // the picture on the canvas
  let width = 0; // of the canvas on the page
  let gone = false;

  function paint(picture) {
    const text = picture.sheet ? picture.text : "The picture is broken. Run the cell again.";
    say(line, text);
    if (!picture.sheet || picture === shown) return;
    drawSheet(canvas, picture.sheet, colours, width || undefined);
    regions.update(picture.sheet);
    shown = picture;
    canvas.dispatchEvent(new Event("drawn", { bubbles: true }));
  }

  function show() {
    const stale = model.get("stale"); // there is an error, and no picture until the next message
    stage.classList.toggle("mc-stale", stale);
    canvas.setAttribute("aria-label", model.get("name"));
    if (stale) {
      line.textContent = "";
      shown = null;
      return;
    }
    const picture = pictures.find(controls.map((one) => one.get("index") ?? one.get("value")));
    if (picture) paint(picture);
  }

  function receive() {
    const frames = model.get("frames");
    const texts = model.get("texts");
    pictures.sent = model.get("states").map(nameOf);
    pictures.sent.forEach((name, place) => pictures.put(name, frames[place], texts[place]));
    show();
  }

  function receiveAhead({ state, text }, [frame]) {
    pictures.put(nameOf(state), frame, text);
  }

  function redraw() {
    if (shown) drawSheet(canvas, shown.sheet, colours, width || undefined);
  }

  async function watchControls() {
    const names = model.get("controls").map((name) => name.replace("IPY_MODEL_", ""));
    const found = await Promise.all(names.map((name) => model.widget_manager.get_model(name)));
    if (gone) return;
    controls = found;
    for (const control of controls) control.on("change:value change:index", show);
    if (shown) regions.update(shown.sheet);
    show();
  }

  const endTheme = watchTheme(() => {
    requestAnimationFrame(() => {
      colours.forget();
      redraw();
    });
  });
  const resized = new ResizeObserver(() => {
    if (canvas.clientWidth === width) return;
    width = canvas.clientWidth;
    redraw();
  });
  resized.observe(canvas);
  model.on("change", receive);
  model.on("msg:custom", receiveAhead);
  watchControls().catch(() => {}); // without the controls the kernel alone shows
  receive();
  return () => {
    gone = true;
    endTheme();
    resized.disconnect();
    colours.end();
    model.off("change", receive);
    model.off("msg:custom", receiveAhead);
    for (const control of controls) control.off("change:value change:index", show);
  };
}

export default { render };
