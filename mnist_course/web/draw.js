// Draw a digit: a pad, each step from the strokes to 28×28 pixels, and what the network says of it.

import { Network, answerOf } from "./forward.js";
import { SIDE } from "./image.js";
import { Pad, padTools } from "./pad.js";
import { Drawn, Maps, context, drawProbabilities, frame } from "./paint.js";
import { button, figure, make, percent, say, section } from "./parts.js";
import { PEN, stepsOf } from "./strokes.js";

const SMALL = 4; // pixels of the screen for a pixel of a step
const LARGE = 7; // and for one that the network sees
// the steps before the last, which makes the large picture
const SHOWN = [
  ["drawn", "What you drew", null],
  ["ink", "Ink on black", "inkOnBlack"],
  ["pen", "MNIST's pen", "pen"],
  ["box", "20×20 box", "box"],
];
const GUIDE = "#56b4e9"; // of the box, and of the middle
const BY_KEYS = "By keyboard: arrow keys move the pen, the space bar puts it down and lifts it.";
const BARS = [190, 222];

class Drawing extends Drawn {
  // keep: called with { strokes, label, pen } of a drawing.
  constructor(element, { title, network, keep }) {
    super();
    Object.assign(this, { network, keep });
    this.taken = { inkOnBlack: true, pen: true, box: true, centre: true };
    this.maps = new Maps();
    this.build(element, title);
    this.compute();
  }

  build(element, title) {
    this.pad = new Pad({ changed: () => this.compute() });
    this.bars = make("canvas", { role: "img" });
    this.seen = make("canvas", { role: "img" });
    this.status = make("p", { class: "mc-status", role: "status" });
    this.pictures = SHOWN.map(() => make("canvas", { "aria-hidden": "true" }));
    const figures = SHOWN.map(([, name, option], place) =>
      figure(option ? this.switchOf(option, name) : name, this.pictures[place]),
    );
    const drawn = make(
      "div",
      { class: "mc-pad-side" },
      this.pad.element,
      this.status,
      padTools(this.pad),
      this.keeping(),
      make("p", { class: "mc-muted" }, BY_KEYS),
    );
    const centre = this.switchOf("centre", "Centre of mass: what the network sees");
    const read = make(
      "div",
      { class: "mc-read mc-switches" },
      figure(centre, this.seen),
      figure("What it says", this.bars),
    );
    const steps = make("div", { class: "mc-steps mc-switches" }, ...figures);
    const columns = make("div", { class: "mc-columns" }, drawn, make("div", {}, steps, read));
    const root = section("mc-draw-digit", title, columns);
    element.append(root);
    this.watch(root);
  }

  // A box to tick, for a step that can be left out.
  switchOf(option, name) {
    const input = make("input", { type: "checkbox" });
    input.checked = true;
    input.addEventListener("change", () => {
      this.taken[option] = input.checked;
      this.compute();
    });
    return make("label", {}, input, name);
  }

  // Where a drawing can be kept: its label, and a button.
  keeping() {
    const label = make("input", { type: "number", min: "0", max: "9" });
    this.kept = make("span", { class: "mc-muted", role: "status" });
    const keep = button("Keep", () => {
      const digit = Number(label.value);
      const valid = label.value !== "" && Number.isInteger(digit) && digit >= 0 && digit <= 9;
      if (this.pad.empty) this.kept.textContent = "Draw a digit first.";
      else if (!valid) this.kept.textContent = "A label is a digit from 0 to 9.";
      else {
        this.keep({ strokes: this.pad.strokes, label: digit, pen: this.pad.pen });
        this.pad.clear();
      }
    });
    return make("div", { class: "mc-keep" }, make("label", {}, "It is a", label), keep, this.kept);
  }

  // How many drawings are kept, as the kernel says.
  showKept(count) {
    this.kept.textContent = `${count} kept`;
  }

  options() {
    return { ...this.taken, pen: this.taken.pen ? PEN : null };
  }

  compute() {
    this.steps = stepsOf(this.pad.strokes, this.pad.field, this.pad.pen, this.options());
    this.probabilities = null;
    if (this.steps) {
      this.network.runDigit(this.steps.image);
      this.probabilities = this.network.probabilities();
    }
    this.drawSoon();
  }

  draw() {
    if (this.pad.theme !== this.theme) this.pad.draw(this.theme);
    SHOWN.forEach(([name], place) => this.drawPicture(this.pictures[place], name, SMALL));
    this.drawPicture(this.seen, "image", LARGE);
    const drawing = context(this.bars, ...BARS);
    const shares = this.probabilities ?? new Float32Array(10);
    drawProbabilities(drawing, this.theme, shares, [1, 1, BARS[0] - 2, BARS[1] - 2]);
    const best = answerOf(shares);
    const said = this.probabilities
      ? `The network says ${best} with ${percent(shares[best])}.`
      : "Draw a digit from 0 to 9: an empty pad predicts nothing.";
    this.bars.setAttribute("aria-label", said);
    this.seen.setAttribute("aria-label", this.steps ? "Your digit, 28×28 pixels" : "Nothing");
    say(this.status, said);
  }

  drawPicture(canvas, name, scale) {
    const size = SIDE * scale;
    const drawing = context(canvas, size + 2, size + 2);
    drawing.fillStyle = this.theme.surface;
    drawing.fillRect(1, 1, size, size);
    if (this.steps) {
      // real black and white in every theme, because which of them is ink is one of the steps
      this.maps.paint(this.steps[name], [1, SIDE, SIDE], BLACK, 255, true);
      this.maps.draw(drawing, 0, 1, 1, size, size);
      this.drawGuide(drawing, name, scale);
    }
    frame(drawing, this.theme.line, 1, 1, size, size);
  }

  // The box of 20×20 pixels, and the lines that cross in the middle, where these steps are taken.
  drawGuide(drawing, name, scale) {
    const [margin, side] = [4 * scale + 1, 20 * scale];
    const middle = 14 * scale + 1;
    drawing.strokeStyle = GUIDE;
    drawing.lineWidth = 1;
    drawing.setLineDash([3, 3]);
    drawing.beginPath();
    if (name === "box" && this.taken.box) drawing.rect(margin, margin, side, side);
    if (name === "image" && this.taken.centre) {
      drawing.moveTo(middle, 1);
      drawing.lineTo(middle, SIDE * scale + 1);
      drawing.moveTo(1, middle);
      drawing.lineTo(SIDE * scale + 1, middle);
    }
    drawing.stroke();
    drawing.setLineDash([]);
  }
}

// A theme whose greys are the bytes themselves.
const BLACK = {
  grey: Uint32Array.from({ length: 256 }, (_, level) => 0xff000000 + level * 0x010101),
};

function render({ model, el }) {
  const drawing = new Drawing(el, {
    title: model.get("title"),
    network: new Network(model.get("description"), model.get("weights")),
    keep: (drawn) => model.send({ keep: drawn }),
  });
  const shown = () => drawing.showKept(model.get("kept"));
  const sent = () => {
    model.set("drawn", JSON.stringify({ strokes: drawing.pad.strokes, pen: drawing.pad.pen }));
    model.save_changes();
  };
  // the kernel gets a drawing once it rests, because ink must not wait for it
  for (const event of ["pointerup", "keyup", "click"]) drawing.root.addEventListener(event, sent);
  model.on("change:kept", shown);
  shown();
  return () => {
    model.off("change:kept", shown);
    drawing.end();
  };
}

export default { render };
