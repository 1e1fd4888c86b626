// Cover a part of a digit and see at once what the network says of the rest; which parts it can't do
// without; and how each pixel would move a logit.

import { answerOf, bytesOf, networksOf } from "./forward.js";
import { SIDE, imageOf } from "./image.js";
import { Drawn, Maps, context, drawProbabilities, frame } from "./paint.js";
import {
  ARROWS,
  bound,
  button,
  figure,
  labelledSlider,
  make,
  percent,
  say,
  section,
} from "./parts.js";

const SCALE = 7; // pixels of the screen for one of them
const STEP = 2; // pixels of the digit from one place of the map to the next
const PLACES = SIDE / STEP; // in a row of the map
const BUDGET = 6; // milliseconds of a frame that the map may take
const CANVAS = SIDE * SCALE + 2;
const BARS = 172; // pixels wide; so the four pictures fit into one row of an exported page
const NAMED = 206; // pixels of the bars where classes have names

// The rows and columns that a square patch around a place covers, as far as they lie on the digit:
// [top, bottom, left, right], the ends not among them.
export function patchAround([x, y], size) {
  const [left, top] = [x, y].map((one) => one - Math.floor(size / 2));
  return [top, top + size, left, left + size].map((line) => bound(line, 0, SIDE));
}

// The digit with paper on a patch.
export function covered(bytes, patch) {
  const image = Uint8Array.from(bytes);
  const [top, bottom, left, right] = patch;
  for (let row = top; row < bottom; row += 1) {
    image.fill(0, row * SIDE + left, row * SIDE + right);
  }
  return image;
}

// The pixel of the digit, [column, row], at which the pointer is on a canvas.
function placeOf(event, canvas) {
  const box = canvas.getBoundingClientRect();
  const at = [event.clientX - box.left - 1, event.clientY - box.top - 1];
  return at.map((one) => bound(Math.floor(one / SCALE), 0, SIDE - 1));
}

class Occlusion extends Drawn {
  // slopes: for each digit 784 signed bytes for the label's logit, then 784 for the rival's; classes:
  // names of the ten classes, none for digits.
  constructor(element, { title, network, digits, labels, rivals, slopes, classes }) {
    super();
    Object.assign(this, { network, digits, labels, rivals, slopes, classes });
    this.wide = classes.length > 0 ? NAMED : BARS;
    this.thing = classes.length > 0 ? "image" : "digit";
    this.around = new Float32Array(PLACES * PLACES);
    this.maps = { digit: new Maps(), around: new Maps(), slopes: new Maps() };
    this.size = 6;
    this.build(element, title);
    this.choose(0);
  }

  build(element, title) {
    const which = this.thing === "digit" ? "Digit" : "Image";
    this.digit = labelledSlider(which, 0, this.labels.length - 1, (value) => this.choose(value));
    const size = labelledSlider("Size of the patch", 1, 14, (value) => {
      this.size = value;
      this.changed(true);
    });
    size.set(this.size);
    this.caption = make("span");
    this.pad = make("canvas", {
      class: "mc-pad",
      tabindex: "0",
      role: "application",
      "aria-label": `The ${this.thing} and the patch. Arrow keys move the patch, Delete takes it away.`,
    });
    this.bars = make("canvas", { role: "img" });
    this.map = make("canvas", { role: "img", class: "mc-around" });
    this.saliency = make("canvas", { role: "img" });
    this.told = make("p", { class: "mc-muted" });
    this.meaning = make("p", { class: "mc-muted" });
    this.status = make("p", { class: "mc-status", role: "status" });
    const away = button("Take the patch away", () => this.moveTo(null));
    this.buttons = ["the label", "its rival"].map((name, place) =>
      button(name, () => {
        this.which = place;
        this.drawSoon();
      }),
    );
    this.which = 0;
    const choice = make("span", { role: "group", "aria-label": "Whose logit" });
    choice.append(...this.buttons);
    const root = section(
      this.thing === "digit" ? "mc-occlusion" : "mc-occlusion mc-named",
      title,
      make("div", { class: "mc-bar" }, this.digit.label, this.caption),
      make(
        "div",
        { class: "mc-bar" },
        size.label,
        make(
          "span",
          { class: "mc-muted" },
          `press on the ${this.thing} to cover a part of it, and drag; arrow keys move the patch`,
        ),
      ),
      make(
        "div",
        { class: "mc-below" },
        figure(`The ${this.thing}`, this.pad, make("p", {}, away)),
        figure("What the network says", this.bars),
        figure("Probability of the label, by place of the patch", this.map, this.told),
        figure("Saliency: the slopes of a logit", this.saliency, choice, this.meaning),
      ),
      this.status,
    );
    element.append(root);
    this.listen();
    this.watch(root);
  }

  listen() {
    const { pad } = this;
    let held = false;
    pad.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      pad.setPointerCapture(event.pointerId);
      pad.focus();
      event.preventDefault();
      held = true;
      this.moveTo(placeOf(event, pad));
    });
    pad.addEventListener("pointermove", (event) => {
      if (held) this.moveTo(placeOf(event, pad));
    });
    for (const end of ["pointerup", "pointercancel"]) {
      pad.addEventListener(end, () => {
        held = false;
      });
    }
    this.map.addEventListener("pointerdown", (event) => this.moveTo(placeOf(event, this.map)));
    pad.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const step = ARROWS[event.key];
      if (step) {
        const from = this.place ?? [SIDE / 2, SIDE / 2];
        this.moveTo(from.map((one, axis) => bound(one + step[axis], 0, SIDE - 1)));
      } else if (event.key === "Delete") this.moveTo(null);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  choose(index) {
    this.index = index;
    this.bytes = imageOf(this.digits, index);
    this.digit.set(index);
    this.changed(true);
  }

  // place: [column, row] of the patch's middle, or null for none
  moveTo(place) {
    this.place = place;
    this.changed(false);
  }

  changed(map) {
    if (map) this.left = PLACES * PLACES; // places of the map that are still to be computed
    this.drawSoon();
  }

  // What a class is called.
  name(number) {
    return this.classes[number] ?? String(number);
  }

  run(image) {
    this.network.runDigit(image);
    return this.network.probabilities();
  }

  // Some places of the map; the rest has its turn in later frames.
  computeAround() {
    const end = performance.now() + BUDGET;
    while (this.left > 0 && performance.now() < end) {
      const number = PLACES * PLACES - this.left;
      const place = [number % PLACES, Math.floor(number / PLACES)].map((one) => STEP * one + 1);
      const image = covered(this.bytes, patchAround(place, this.size));
      this.around[number] = this.run(image)[this.labels[this.index]];
      this.left -= 1;
    }
    if (this.left > 0) this.drawSoon();
  }

  draw() {
    const label = this.labels[this.index];
    const patch = this.place && patchAround(this.place, this.size);
    const image = patch ? covered(this.bytes, patch) : this.bytes;
    const probabilities = Float32Array.from(this.run(image));
    this.drawDigit(image, patch);
    const bars = context(this.bars, this.wide, CANVAS);
    const box = [1, 1, this.wide - 2, CANVAS - 2];
    drawProbabilities(bars, this.theme, probabilities, box, label, this.classes);
    const best = answerOf(probabilities);
    const says = `The network says ${this.name(best)} with ${percent(probabilities[best])}`;
    this.bars.setAttribute("aria-label", says);
    this.computeAround();
    this.drawAround(label);
    this.drawSlopes(label);
    this.caption.textContent = `number ${this.index}, label ${this.name(label)}`;
    const where = patch
      ? `Rows ${patch[0]} to ${patch[1] - 1} and columns ${patch[2]} to ${patch[3] - 1} are covered.`
      : "Nothing is covered.";
    const share = percent(probabilities[label]);
    const said = `${where} ${says}; the label is ${this.name(label)}, with ${share}.`;
    say(this.status, said);
  }

  drawDigit(image, patch) {
    const drawing = this.maps.digit.show(this.pad, image, SIDE, SCALE, this.theme, 255, true);
    if (patch) this.framePatch(drawing, patch);
  }

  framePatch(drawing, [top, bottom, left, right]) {
    const [x, y] = [left, top].map((one) => one * SCALE + 1);
    const sides = [right - left, bottom - top].map((one) => one * SCALE);
    frame(drawing, this.theme.accent, x, y, ...sides, 2);
  }

  drawAround(label) {
    const { theme } = this;
    const drawing = this.maps.around.show(this.map, this.around, PLACES, STEP * SCALE, theme, 1);
    if (this.place) {
      const [x, y] = this.place.map((one) => Math.floor(one / STEP) * STEP * SCALE + 1);
      frame(drawing, theme.accent, x, y, STEP * SCALE, STEP * SCALE, 2);
    }
    const lost = this.around.filter((share) => share < 0.5).length;
    const places = `${lost} of ${PLACES * PLACES} places`;
    const text = `${this.name(label)} falls below 50 % at ${places}. Click to go there.`;
    const told = this.left > 0 ? "…" : text;
    say(this.told, told);
    this.map.setAttribute("aria-label", told);
  }

  drawSlopes(label) {
    const { theme, which } = this;
    const rival = this.name(this.rivals[this.index]);
    const name = which === 0 ? this.name(label) : rival;
    const slopes = imageOf(this.slopes, 2 * this.index + which);
    this.maps.slopes.show(this.saliency, slopes, SIDE, SCALE, theme, 127);
    this.saliency.setAttribute("aria-label", `The slopes of the logit of ${name}`);
    const more = `Orange: more ink here raises the logit of ${name}. Purple: it lowers it.`;
    say(this.meaning, more);
    const names = [`the label, ${this.name(label)}`, `its rival, ${rival}`];
    for (const [place, one] of this.buttons.entries()) {
      say(one, names[place]);
      one.setAttribute("aria-pressed", String(place === which));
    }
  }
}

function render({ model, el }) {
  const [network] = networksOf(model);
  const slopes = bytesOf(model.get("slopes"));
  const explorer = new Occlusion(el, {
    ...valuesOf(model, ["title", "labels", "rivals", "classes"]),
    network,
    digits: bytesOf(model.get("digits")),
    slopes: new Int8Array(slopes.buffer, slopes.byteOffset, slopes.byteLength),
  });
  return () => explorer.end();
}

export default { render };
