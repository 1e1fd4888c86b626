// A digit that can be moved, drawn into and erased: by pointer, pen, finger or keyboard.

import { SIDE, moved } from "./image.js";
import { Maps, frame } from "./paint.js";
import { ARROWS, bound, button, make } from "./parts.js";

const SCALE = 6; // pixels of the screen for one of them

// A round pencil of some two pixels at a place in pixels, or a rubber of twice that.
function touch(bytes, x, y, rubber) {
  const reach = rubber ? 2.4 : 1.7;
  for (let row = Math.max(0, Math.floor(y - 3)); row < Math.min(SIDE, y + 3); row += 1) {
    for (let column = Math.max(0, Math.floor(x - 3)); column < Math.min(SIDE, x + 3); column += 1) {
      const cover = bound(reach - Math.hypot(column + 0.5 - x, row + 0.5 - y), 0, 1);
      const place = row * SIDE + column;
      if (rubber) bytes[place] = Math.round(bytes[place] * (1 - cover));
      else bytes[place] = Math.max(bytes[place], Math.round(255 * cover));
    }
  }
}

export class DigitPad {
  // farthest: how many pixels the digit may be moved each way; changed: called after each change.
  constructor({ farthest = 10, changed }) {
    this.farthest = farthest;
    this.changed = changed;
    this.mode = "move";
    this.maps = new Maps();
    this.canvas = make("canvas", {
      class: "mc-pad",
      tabindex: "0",
      role: "application",
      "aria-label": "The digit. Arrow keys move it, Home puts it back.",
    });
    this.put(new Uint8Array(SIDE * SIDE));
    this.listen();
  }

  // Another digit, at its place.
  put(bytes) {
    this.original = Uint8Array.from(bytes);
    this.base = Uint8Array.from(bytes); // before it is moved
    this.edited = false; // whether it was drawn into
    this.move(0, 0);
  }

  move(across, down) {
    this.shift = [across, down].map((one) => bound(one, -this.farthest, this.farthest));
    this.image = moved(this.base, ...this.shift);
  }

  restore() {
    this.put(this.original);
    this.changed("restored");
  }

  clear() {
    this.base = new Uint8Array(SIDE * SIDE);
    this.edited = true;
    this.move(0, 0);
    this.changed("cleared");
  }

  listen() {
    const { canvas } = this;
    let held = null; // where the pointer was, in pixels of the digit, and the shift then
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return [
        ((event.clientX - box.left) / box.width) * SIDE,
        ((event.clientY - box.top) / box.height) * SIDE,
      ];
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      canvas.focus();
      event.preventDefault();
      held = { from: place(event), shift: this.shift };
      if (this.mode !== "move") {
        this.base = Uint8Array.from(this.image); // what is drawn stays where it is seen
        this.shift = [0, 0];
        this.stroke(held.from, held.from);
      }
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!held) return;
      const now = place(event);
      if (this.mode === "move") {
        const [across, down] = now.map((one, part) => Math.round(one - held.from[part]));
        const before = this.shift.join();
        this.move(held.shift[0] + across, held.shift[1] + down);
        if (this.shift.join() !== before) this.changed("moved");
        return;
      }
      for (const one of event.getCoalescedEvents?.() ?? [event]) {
        const next = place(one);
        this.stroke(held.from, next);
        held.from = next;
      }
    });
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, () => {
        held = null;
      });
    }
    canvas.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const step = ARROWS[event.key];
      if (step) {
        this.move(this.shift[0] + step[0], this.shift[1] + step[1]);
        this.changed("moved");
      } else if (event.key === "Home") this.restore();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  stroke(from, to) {
    const steps = Math.max(1, Math.ceil(2 * Math.hypot(to[0] - from[0], to[1] - from[1])));
    for (let step = 1; step <= steps; step += 1) {
      const [x, y] = from.map((one, part) => one + ((to[part] - one) * step) / steps);
      touch(this.base, x, y, this.mode === "erase");
    }
    this.image = Uint8Array.from(this.base);
    this.edited = true;
    this.changed("drawn");
  }

  // Draws the digit; `field`, if given, is [first row, last row + 1, first column, last column + 1].
  draw(theme, field = null) {
    const drawing = this.maps.show(this.canvas, this.image, SIDE, SCALE, theme, 255, true);
    if (field) {
      const [top, bottom, left, right] = field.map((one) => one * SCALE + 1);
      frame(drawing, theme.accent, left, top, right - left, bottom - top, 2);
    }
  }
}

// A button that puts the digit back.
export function backButton(pad) {
  return button("Put back", () => pad.restore());
}

// Buttons for what the pointer does to a pad, to clear it, and to put the digit back.
export function padButtons(pad) {
  const modes = { move: "Move", draw: "Draw", erase: "Erase" };
  const buttons = Object.entries(modes).map(([mode, label]) => {
    const one = button(label, () => choose(mode));
    one.dataset.mode = mode;
    return one;
  });
  function choose(mode) {
    pad.mode = mode;
    pad.canvas.dataset.mode = mode;
    for (const one of buttons) {
      one.setAttribute("aria-pressed", String(one.dataset.mode === mode));
    }
  }
  const clear = button("Clear", () => {
    pad.clear();
    choose("draw");
  });
  const back = backButton(pad);
  back.addEventListener("click", () => choose("move"));
  choose("move");
  const group = make("span", { role: "group", "aria-label": "What the pointer does to the digit" });
  group.append(...buttons, clear, back);
  return group;
}
