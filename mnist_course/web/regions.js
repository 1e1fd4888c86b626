// Places of a picture where pointing, dragging or keys change a control of its explorer.
//
// A sheet names them in `regions`. Each becomes an element over the canvas, so that it has a name,
// can be reached by keyboard, and shows where the focus is.

import { ARROWS, bound } from "./parts.js";

const PER_PIXEL = 0.05; // how much dragging by a pixel changes a number
const STEP = 0.25; // how much a key changes it
const BIG_STEP = 1;
const CHANGES = {
  "+": STEP,
  "=": STEP,
  "-": -STEP,
  "−": -STEP,
  PageUp: BIG_STEP,
  PageDown: -BIG_STEP,
};
const shown = (value) => value.toFixed(2).replace("-", "−");
const parsed = (text) => Number(text.trim().replace("−", "-").replace(",", "."));

function element(tag, name, attributes) {
  const made = document.createElement(tag);
  made.className = name;
  made.dataset.lmSuppressShortcuts = "true"; // JupyterLab takes no key from what has the focus
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

const share = (length, whole) => `${(100 * length) / whole}%`;

function place(one, sheet, x, y, width, height) {
  one.style.left = share(x, sheet.width);
  one.style.top = share(y, sheet.height);
  one.style.width = share(width, sheet.width);
  one.style.height = share(height, sheet.height);
}

// Pointing sets the control to the number of a square.
class Point {
  constructor(region, control) {
    this.control = control;
    this.root = element("div", "mc-point", {});
    this.pinned = null; // where the control goes back to when the pointer leaves
    this.root.addEventListener("pointerenter", () => (this.pinned = this.value));
    this.root.addEventListener("pointermove", (event) => {
      if (this.region.hover || event.buttons) this.set(this.under(event));
    });
    this.root.addEventListener("pointerdown", (event) => {
      this.pinned = this.under(event);
      this.set(this.pinned);
    });
    this.root.addEventListener("pointerup", () => (this.pinned = this.value));
    this.root.addEventListener("pointerleave", () => {
      if (this.region.hover && this.pinned !== null) this.set(this.pinned);
      this.pinned = null;
    });
    if (region.keys) this.listenToKeys();
    else this.root.setAttribute("aria-hidden", "true"); // another place or slider has the keys
  }

  listenToKeys() {
    this.root.tabIndex = 0;
    this.root.setAttribute("role", "slider");
    this.root.addEventListener("keydown", (event) => {
      const way = ARROWS[event.key];
      if (!way) return;
      event.preventDefault();
      const row = bound(this.row + way[1], 0, this.region.rows - 1);
      const column = bound(this.column + way[0], 0, this.region.columns - 1);
      this.set(this.numberOf(row, column));
    });
  }

  get value() {
    return this.control.get("value");
  }
  get place() {
    return Math.round((this.value - this.region.start) / this.region.by);
  }
  get row() {
    return Math.floor(this.place / this.region.step);
  }
  get column() {
    return this.place - this.row * this.region.step;
  }

  numberOf(row, column) {
    const { start, step, by } = this.region;
    const number = Number((start + by * (row * step + column)).toFixed(6));
    return bound(number, this.control.get("min") ?? number, this.control.get("max") ?? number);
  }

  under(event) {
    const box = this.root.getBoundingClientRect();
    const { rows, columns } = this.region;
    const row = Math.floor(((event.clientY - box.top) / box.height) * rows);
    const column = Math.floor(((event.clientX - box.left) / box.width) * columns);
    return this.numberOf(bound(row, 0, rows - 1), bound(column, 0, columns - 1));
  }

  set(value) {
    if (value === this.value) return;
    this.control.set("value", value);
    this.control.save_changes();
  }

  update(region, sheet) {
    this.region = region;
    place(
      this.root,
      sheet,
      region.x,
      region.y,
      region.columns * region.wide,
      region.rows * region.high,
    );
    if (!region.keys) return;
    const told = {
      "aria-label": region.label,
      "aria-valuemin": this.numberOf(0, 0),
      "aria-valuemax": this.numberOf(region.rows - 1, region.columns - 1),
      "aria-valuenow": this.value,
      "aria-valuetext":
        region.rows > 1 ? `row ${this.row}, column ${this.column}` : `${this.value}`,
    };
    for (const [name, value] of Object.entries(told)) this.root.setAttribute(name, value);
  }
}

// A small matrix whose numbers are changed in place, with one slider for the chosen one.
class Edit {
  constructor(region, control) {
    this.control = control;
    this.root = element("div", "mc-edit", { role: "group", "aria-label": "Numbers of the kernel" });
    this.squares = region.labels.map((label, number) => this.square(label, number));
    this.chosen = Math.floor(region.labels.length / 2);
    this.range = element("input", "mc-range", { type: "range", step: 0.01 });
    this.range.addEventListener("input", () => this.set(this.chosen, Number(this.range.value)));
    this.root.append(...this.squares, this.range);
  }

  square(label, number) {
    const made = element("input", "mc-square", {
      type: "text",
      inputmode: "decimal",
      role: "spinbutton",
      "aria-label": `Weight, ${label}`,
      readonly: "",
      autocomplete: "off",
      title: "Drag up or down, or: arrow keys choose, + and − change, Enter to type",
    });
    made.addEventListener("focus", () => this.choose(number));
    made.addEventListener("blur", () => this.finish(number));
    made.addEventListener("dblclick", () => this.begin(number));
    made.addEventListener("keydown", (event) => this.key(event, number));
    this.listenToDragging(made, number);
    return made;
  }

  listenToDragging(made, number) {
    let begun = null; // [height of the pointer, value] where the drag began
    made.addEventListener("pointerdown", (event) => {
      if (!made.readOnly) return;
      begun = [event.clientY, this.values[number]];
      made.setPointerCapture(event.pointerId);
    });
    made.addEventListener("pointermove", (event) => {
      if (!begun || !event.buttons) return;
      const moved = Math.round(begun[0] - event.clientY);
      if (moved || this.values[number] !== begun[1]) this.set(number, begun[1] + moved * PER_PIXEL);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      made.addEventListener(end, () => (begun = null));
    }
  }

  get values() {
    return this.control.get("value");
  }

  set(number, value) {
    const { limit } = this.region;
    const now = bound(Math.round(value * 100) / 100, -limit, limit);
    if (now === this.values[number]) return;
    this.control.set("value", this.values.with(number, now));
    this.control.save_changes();
    this.show();
  }

  choose(number) {
    this.chosen = number;
    this.show();
  }

  key(event, number) {
    const made = this.squares[number];
    if (!made.readOnly) {
      if (event.key === "Enter") this.finish(number);
      if (event.key === "Escape") made.readOnly = true;
      if (["Enter", "Escape"].includes(event.key)) this.show();
      return;
    }
    const way = ARROWS[event.key];
    if (way) this.squares[this.beside(number, way)].focus();
    else if (event.key in CHANGES) this.set(number, this.values[number] + CHANGES[event.key]);
    else if (event.key === "Enter") this.begin(number);
    else if (/^[\d.,]$/.test(event.key)) this.begin(number, event.key);
    else return;
    event.preventDefault();
  }

  beside(number, [right, down]) {
    const { rows, columns } = this.region;
    const row = bound(Math.floor(number / columns) + down, 0, rows - 1);
    return row * columns + bound((number % columns) + right, 0, columns - 1);
  }

  // Typing: the number can be edited until Enter, or until the focus leaves.
  begin(number, text = null) {
    const made = this.squares[number];
    made.readOnly = false;
    if (text === null) made.select();
    else made.value = text;
  }

  finish(number) {
    const made = this.squares[number];
    if (made.readOnly) return;
    made.readOnly = true;
    const value = parsed(made.value);
    if (made.value.trim() && Number.isFinite(value)) this.set(number, value);
    this.show();
  }

  show() {
    const { limit, labels } = this.region;
    this.squares.forEach((made, number) => {
      const value = this.values[number];
      if (made.readOnly) made.value = shown(value);
      made.tabIndex = number === this.chosen ? 0 : -1;
      made.classList.toggle("mc-chosen", number === this.chosen);
      made.setAttribute("aria-valuenow", value);
      made.setAttribute("aria-valuetext", shown(value));
      made.setAttribute("aria-valuemin", -limit);
      made.setAttribute("aria-valuemax", limit);
    });
    this.range.min = -limit;
    this.range.max = limit;
    this.range.value = this.values[this.chosen];
    this.range.setAttribute("aria-label", `Chosen weight, ${labels[this.chosen]}`);
  }

  update(region, sheet) {
    this.region = region;
    const { x, y, columns, wide, high, slider } = region;
    place(this.root, sheet, 0, 0, sheet.width, sheet.height);
    this.squares.forEach((made, number) => {
      const [row, column] = [Math.floor(number / columns), number % columns];
      place(made, sheet, x + column * wide, y + row * high, wide, high);
    });
    place(this.range, sheet, slider[0], slider[1], slider[2], 20);
    this.show();
  }
}

const KINDS = { point: Point, edit: Edit };

// The elements over one canvas. `controlOf` gives the model of a control by its name.
export class Regions {
  constructor(stage, controlOf) {
    this.stage = stage;
    this.controlOf = controlOf;
    this.made = new Map();
  }

  // Fit the elements to a sheet. Those that stay keep focus and pointer.
  update(sheet) {
    const wanted = new Set();
    sheet.regions.forEach((region, number) => {
      const control = this.controlOf(region.control);
      if (!control) return;
      const name = `${number} ${region.kind} ${region.control} ${region.keys}`;
      wanted.add(name);
      if (!this.made.has(name)) {
        const one = new KINDS[region.kind](region, control);
        this.made.set(name, one);
        this.stage.append(one.root);
      }
      this.made.get(name).update(region, sheet);
    });
    for (const [name, one] of this.made) {
      if (wanted.has(name)) continue;
      one.root.remove();
      this.made.delete(name);
    }
  }
}
