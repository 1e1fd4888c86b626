// Shows one of the pictures that the kernel has sent, on a canvas, with a line of text below.
//
// Every picture carries its state: the values of the controls that it belongs to. The page keeps
// pictures by their state. When a control moves, it shows the picture of the new values at once
// if it has that one; otherwise the kernel draws it. The kernel has the last word, because each
// picture that it sends replaces the kept one of the same state.

const KEPT = 4; // pictures besides those of the kernel's last message; each takes megabytes

// A promise of a bitmap, or of null for a broken file.
const decode = (png) => createImageBitmap(new Blob([png], { type: "image/png" })).catch(() => null);
const close = (picture) => picture.bitmap.then((bitmap) => bitmap?.close());

// A name for values of controls: the page's 0.1 + 0.2 is the kernel's 0.3.
const nameOf = (values) =>
  JSON.stringify(values, (_, one) => (typeof one === "number" ? Number(one.toFixed(6)) : one));

const bytesOf = (png) => new Uint8Array(png.buffer, png.byteOffset, png.byteLength);

function sameBytes(png, other) {
  if (png.byteLength !== other.byteLength) return false;
  const others = bytesOf(other);
  return bytesOf(png).every((byte, place) => byte === others[place]);
}

class Pictures {
  // What the page keeps: by the name of its state, { png, bitmap, text }, the oldest first.
  kept = new Map();
  sent = []; // names of the pictures in the kernel's last message

  put(name, png, text) {
    const old = this.kept.get(name);
    const same = old && sameBytes(old.png, png);
    if (old && !same) close(old);
    this.kept.delete(name); // so that it becomes the newest
    this.kept.set(name, { png, text, bitmap: same ? old.bitmap : decode(png) });
    for (const [oldest, picture] of this.kept) {
      if (this.kept.size <= KEPT + this.sent.length) break;
      if (this.sent.includes(oldest)) continue;
      this.kept.delete(oldest);
      close(picture);
    }
  }

  // The picture of these values. Where there is none, the one that the kernel sent last; if it
  // sent several, none of those, unless the values are not known.
  find(values) {
    const found = this.kept.get(nameOf(values));
    if (found || (this.sent.length > 1 && values.length > 0)) return found;
    return this.kept.get(this.sent.at(-1));
  }

  clear() {
    for (const picture of this.kept.values()) close(picture);
    this.kept.clear();
  }
}

function render({ model, el }) {
  const canvas = document.createElement("canvas");
  const line = document.createElement("p");
  canvas.setAttribute("role", "img");
  line.setAttribute("role", "status");
  el.append(canvas, line);
  const pictures = new Pictures();
  let controls = [];
  let shown = null; // the bitmap on the canvas
  let turn = 0; // number of the newest call of `paint`
  let gone = false;

  async function paint(picture) {
    turn += 1;
    const mine = turn;
    const bitmap = await picture.bitmap;
    if (mine !== turn) return; // a newer one is on its way
    const text = bitmap ? picture.text : "The picture is broken. Run the cell again.";
    if (line.textContent !== text) line.textContent = text; // it is read out when it changes
    if (bitmap === null || bitmap === shown) return;
    if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
      canvas.width = bitmap.width;
      canvas.height = bitmap.height;
    }
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    shown = bitmap;
    canvas.dispatchEvent(new Event("drawn", { bubbles: true }));
  }

  function show() {
    const stale = model.get("stale"); // there is an error, and no picture until the next message
    canvas.classList.toggle("mnist-stale", stale);
    canvas.setAttribute("aria-label", model.get("name"));
    if (stale) {
      turn += 1;
      line.textContent = "";
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

  function receiveAhead({ state, text }, [png]) {
    pictures.put(nameOf(state), png, text);
  }

  async function watchControls() {
    const names = model.get("controls").map((name) => name.replace("IPY_MODEL_", ""));
    const found = await Promise.all(names.map((name) => model.widget_manager.get_model(name)));
    if (gone) return;
    controls = found;
    for (const control of controls) control.on("change:value change:index", show);
    show();
  }

  model.on("change", receive);
  model.on("msg:custom", receiveAhead);
  watchControls().catch(() => {}); // without the controls the kernel alone shows
  receive();
  return () => {
    gone = true;
    turn += 1;
    model.off("change", receive);
    model.off("msg:custom", receiveAhead);
    for (const control of controls) control.off("change:value change:index", show);
    pictures.clear();
  };
}

export default { render };
