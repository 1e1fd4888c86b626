// Move a digit by a few pixels, and see at once what each of several networks says of it, and at
// which of all the places around it reads the digit right.

import { DigitPad, backButton } from "./digit.js";
import { answerOf, bytesOf, networksOf } from "./forward.js";
import { imageOf, moved } from "./image.js";
import { Drawn, Maps, context, drawProbabilities, frame } from "./paint.js";
import { figure, labelledSlider, make, number, percent, say, section } from "./parts.js";

const FARTHEST = 6; // pixels each way
const PLACES = 2 * FARTHEST + 1; // places in a row of the map of places
const CELL = 13; // pixels of one of them
const BUDGET = 6; // milliseconds of a frame that the map of places may take

class Shift extends Drawn {
  constructor(element, { title, names, networks, digits, labels }) {
    super();
    this.parts = networks.map((network, place) => ({
      name: names[place],
      network,
      places: new Float32Array(PLACES * PLACES),
      maps: new Maps(),
    }));
    this.digits = digits;
    this.labels = labels;
    this.build(element, title);
    this.choose(0);
  }

  build(element, title) {
    this.pad = new DigitPad({ farthest: FARTHEST, changed: (how) => this.changed(how) });
    const shift = (label, axis) =>
      labelledSlider(label, -FARTHEST, FARTHEST, (value) => {
        const to = [...this.pad.shift];
        to[axis] = value;
        this.moveTo(...to);
      });
    this.digit = labelledSlider("Digit", 0, this.labels.length - 1, (value) => this.choose(value));
    this.sliders = [shift("Right", 0), shift("Down", 1)];
    this.caption = make("span");
    this.status = make("p", { class: "mc-status", role: "status" });
    for (const part of this.parts) {
      part.bars = make("canvas", { role: "img" });
      part.around = make("canvas", { role: "img", class: "mc-around" });
      part.count = make("p", { class: "mc-muted" });
      part.around.addEventListener("pointerdown", (event) => {
        const box = part.around.getBoundingClientRect();
        const place = [event.clientX - box.left, event.clientY - box.top];
        this.moveTo(...place.map((one) => Math.floor((one - 1) / CELL) - FARTHEST));
      });
    }
    const root = section(
      "mc-shift",
      title,
      make("div", { class: "mc-bar" }, this.digit.label, this.caption),
      make(
        "div",
        { class: "mc-bar mc-shifts" },
        ...this.sliders.map(({ label }) => label),
        make("span", { class: "mc-muted" }, "or drag the digit, or use the arrow keys on it"),
      ),
      make(
        "div",
        { class: "mc-below" },
        figure("The digit", this.pad.canvas, make("p", {}, backButton(this.pad))),
        ...this.parts.map(({ name, bars, around, count }) =>
          figure(
            name,
            bars,
            make(
              "p",
              { class: "mc-muted" },
              "Probability of the right digit for each shift (click to go there):",
            ),
            around,
            count,
          ),
        ),
      ),
      this.status,
    );
    element.append(root);
    this.watch(root);
  }

  choose(index) {
    this.index = index;
    this.pad.put(imageOf(this.digits, index));
    this.digit.set(index);
    this.changed("chosen");
  }

  moveTo(across, down) {
    this.pad.move(across, down);
    this.changed("moved");
  }

  changed(how) {
    if (how !== "moved") this.left = PLACES * PLACES; // places whose probabilities are to be computed
    this.drawSoon();
  }

  // Some of the places that are still to be computed; the rest has its turn in later frames.
  computeAround() {
    const label = this.labels[this.index];
    const end = performance.now() + BUDGET;
    while (this.left > 0 && performance.now() < end) {
      const place = PLACES * PLACES - this.left;
      const [across, down] = [place % PLACES, Math.floor(place / PLACES)].map(
        (one) => one - FARTHEST,
      );
      const image = moved(this.pad.base, across, down);
      for (const { network, places } of this.parts) {
        network.runDigit(image);
        places[place] = network.probabilities()[label];
      }
      this.left -= 1;
    }
    if (this.left > 0) this.drawSoon();
  }

  draw() {
    const { theme, pad } = this;
    const label = this.labels[this.index];
    pad.draw(theme);
    pad.shift.forEach((value, axis) => this.sliders[axis].set(value));
    const says = this.parts.map((part) => {
      part.network.runDigit(pad.image);
      const probabilities = part.network.probabilities();
      const drawing = context(part.bars, 190, 222);
      drawProbabilities(drawing, theme, probabilities, [1, 1, 188, 220], label);
      const best = answerOf(probabilities);
      const text = `${part.name} says ${best} with ${percent(probabilities[best])}`;
      part.bars.setAttribute("aria-label", text);
      return text;
    });
    this.computeAround();
    for (const part of this.parts) this.drawAround(part);
    this.caption.textContent = `number ${this.index}, label ${label}`;
    const shift = `moved by ${number(pad.shift[0], 0)} right, ${number(pad.shift[1], 0)} down`;
    const said = `Label ${label}, ${shift}: ${says.join("; ")}.`;
    say(this.status, said);
  }

  drawAround({ around, maps, places, count, name }) {
    const { theme, pad } = this;
    const drawing = maps.show(around, places, PLACES, CELL, theme, 1);
    const [x, y] = pad.shift.map((one) => 1 + (one + FARTHEST) * CELL);
    frame(drawing, theme.accent, x, y, CELL, CELL, 2);
    const right = places.filter((share) => share > 0.5).length;
    const text = `more than 50 % for the right digit at ${right} of ${PLACES * PLACES} places`;
    const told = this.left > 0 ? "…" : text;
    say(count, told);
    around.setAttribute("aria-label", `${name}: ${text}`);
  }
}

function render({ model, el }) {
  const explorer = new Shift(el, {
    ...valuesOf(model, ["title", "names", "labels"]),
    networks: networksOf(model),
    digits: bytesOf(model.get("digits")),
  });
  return () => explorer.end();
}

export default { render };
