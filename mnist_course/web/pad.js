// A pad to draw on, by mouse, pen, finger or keyboard. It draws by itself, so the ink follows
// whatever else is busy.

import { context, frame, themeOf } from "./paint.js";
import { ARROWS, bound, button, make } from "./parts.js";

const SQUARE = 280; // units of a side; as many CSS pixels, where there is room
const STEP = 8; // units that an arrow key moves the pen
const SMALL_STEP = 2; // with Shift
const HOW =
  "Drawing pad. Arrow keys move the pen, with Shift in small steps. Space puts the pen down and " +
  "lifts it. Control Z takes the last stroke back, Delete clears the pad.";

export class Pad {
  // changed: called after each change of the strokes.
  constructor({ changed }) {
    this.pen = 20; // its width, in units
    this.changed = changed;
    this.strokes = [];
    this.held = null; // the number of the pointer that draws
    this.cursor = [SQUARE / 2, SQUARE / 2]; // where the keyboard's pen is
    this.down = false; // whether the keyboard's pen is on the paper
    this.keyed = false; // whether the keyboard was the last to draw
    this.canvas = make("canvas", {
      class: "mc-draw",
      tabindex: "0",
      role: "application",
      "aria-label": HOW,
    });
    // the pen's state is said aloud, because a screen reader doesn't see the cursor
    this.status = make("span", { class: "mc-unseen", role: "status" });
    this.element = make("div", { class: "mc-drawing" }, this.canvas, this.status);
    this.listen();
  }

  get field() {
    return [0, 0, SQUARE];
  }

  get empty() {
    return this.strokes.length === 0;
  }

  undo() {
    this.lift();
    if (this.strokes.pop()) this.tell();
  }

  clear() {
    this.lift();
    this.strokes = [];
    this.tell();
  }

  setPen(width) {
    this.pen = width;
    this.tell();
  }

  lift() {
    this.down = false;
    this.held = null;
  }

  tell() {
    this.draw();
    this.changed();
  }

  begin(point) {
    this.strokes.push([point]);
    this.tell();
  }

  extend(points) {
    this.strokes[this.strokes.length - 1].push(...points);
    this.tell();
  }

  // --- pointer ------------------------------------------------------------------------------

  listen() {
    const { canvas } = this;
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top].map((one, axis) => {
        const length = axis === 0 ? box.width : box.height;
        return bound((one / length) * SQUARE, 0, SQUARE);
      });
    };
    canvas.addEventListener("pointerdown", (event) => {
      // a second finger, or a palm beside the pen, draws nothing
      if (event.button !== 0 || this.held !== null) return;
      event.preventDefault();
      canvas.focus();
      this.lift();
      this.keyed = false;
      this.held = event.pointerId;
      canvas.setPointerCapture(event.pointerId); // the stroke goes on outside of the pad
      this.begin(place(event));
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.pointerId !== this.held) return;
      // what a fast pen left between two frames
      const events = event.getCoalescedEvents?.() ?? [];
      this.extend((events.length > 0 ? events : [event]).map(place));
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      canvas.addEventListener(end, (event) => {
        if (event.pointerId === this.held) this.held = null;
      });
    }
    // `touch-action: none` keeps the page still, but some older browsers ask for this too
    canvas.addEventListener("touchmove", (event) => event.preventDefault(), { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("blur", () => {
      this.down = false;
      this.draw();
    });
  }

  // --- keyboard -----------------------------------------------------------------------------

  key(event) {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") this.undo();
    else if (event.altKey || event.ctrlKey || event.metaKey) return;
    else if (ARROWS[event.key]) this.step(ARROWS[event.key], event.shiftKey ? SMALL_STEP : STEP);
    else if (event.key === " ") this.dip();
    else if (event.key === "Backspace") this.undo();
    else if (event.key === "Delete") this.clear();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  step(way, length) {
    this.keyed = true;
    this.cursor = this.cursor.map((one, axis) => bound(one + way[axis] * length, 0, SQUARE));
    if (this.down) this.extend([[...this.cursor]]);
    else this.draw();
  }

  dip() {
    this.keyed = true;
    this.down = !this.down;
    if (this.down) this.begin([...this.cursor]);
    else this.draw();
    this.status.textContent = this.down ? "Pen down" : "Pen up";
  }

  // --- what is drawn ------------------------------------------------------------------------

  // In the colours of the theme that it stands in; again with another one.
  draw(theme = this.theme) {
    this.theme = theme ?? themeOf(this.canvas.isConnected ? this.element : document.body);
    const shown = this.canvas.clientWidth || SQUARE; // narrower on a narrow page
    const drawing = context(this.canvas, SQUARE, SQUARE);
    this.canvas.style.height = ""; // as high as wide, whatever the width
    this.canvas.style.width = "";
    drawing.fillStyle = this.theme.paper;
    drawing.fillRect(0, 0, SQUARE, SQUARE);
    drawing.lineCap = "round";
    drawing.lineJoin = "round";
    drawing.strokeStyle = this.theme.ink;
    drawing.lineWidth = this.pen;
    for (const stroke of this.strokes) {
      drawing.beginPath();
      drawing.moveTo(...stroke[0]);
      if (stroke.length === 1) drawing.lineTo(...stroke[0]);
      for (const point of stroke.slice(1)) drawing.lineTo(...point);
      drawing.stroke();
    }
    frame(drawing, this.theme.line, 1, 1, SQUARE - 2, SQUARE - 2);
    if (this.keyed) this.drawCursor(drawing, SQUARE / shown);
  }

  drawCursor(drawing, scale) {
    const [x, y] = this.cursor;
    drawing.lineWidth = 2 * scale;
    drawing.strokeStyle = this.theme.accent;
    drawing.beginPath();
    drawing.arc(x, y, this.pen / 2 + 3, 0, 2 * Math.PI);
    drawing.stroke();
    if (!this.down) return;
    drawing.fillStyle = this.theme.accent;
    drawing.beginPath();
    drawing.arc(x, y, 3 * scale, 0, 2 * Math.PI);
    drawing.fill();
  }
}

// Buttons and a slider beside a pad: undo, clear, width of the pen.
export function padTools(pad) {
  const slider = make("input", {
    type: "range",
    min: "6",
    max: "40",
    step: "2",
    value: String(pad.pen),
  });
  slider.addEventListener("input", () => pad.setPen(Number(slider.value)));
  return make(
    "div",
    { class: "mc-tools", role: "group", "aria-label": "Drawing tools" },
    button("Undo", () => pad.undo()),
    button("Clear", () => pad.clear()),
    make("label", {}, "Pen", slider),
  );
}
