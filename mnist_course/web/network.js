// A network to look into: every layer as maps of a digit, one layer, and the arithmetic of one
// number. All of it is computed in the page, so that it follows each move of the digit.

import { DigitPad, padButtons } from "./digit.js";
import { answerOf, bytesOf, networksOf } from "./forward.js";
import { imageOf } from "./image.js";
import { HOW, Inside } from "./inside.js";
import { figure, labelledSlider, make, number, percent, section, valuesOf } from "./parts.js";

class Explorer {
  constructor(element, { title, network, digits, labels }) {
    this.inside = new Inside(network, { drawn: (tell) => this.drawn(tell) });
    this.digits = digits;
    this.labels = labels;
    this.build(element, title);
    this.choose(0);
    this.inside.start();
  }

  build(element, title) {
    const { inside } = this;
    this.pad = new DigitPad({ changed: () => inside.put(this.pad.image) });
    this.slider = labelledSlider("Digit", 0, this.labels.length - 1, (value) => this.choose(value));
    this.caption = make("span", { class: "mc-caption" });
    this.status = make("p", { class: "mc-status", role: "status" });
    inside.buttons.setAttribute("class", "mc-right");
    const root = section(
      "mc-network",
      title,
      make("div", { class: "mc-bar" }, this.slider.label, this.caption, inside.buttons),
      inside.scroll,
      inside.legend,
      make(
        "div",
        { class: "mc-below" },
        figure("The digit: drag it", this.pad.canvas, padButtons(this.pad)),
        ...inside.figures,
      ),
      this.status,
      make("p", { class: "mc-muted" }, HOW),
    );
    element.append(root);
  }

  choose(index) {
    this.index = index;
    this.pad.put(imageOf(this.digits, index));
    this.slider.set(index);
    this.inside.put(this.pad.image);
  }

  // After each drawing of the network: the digit with what the chosen number sees, and the words.
  drawn(tell) {
    const { inside, pad } = this;
    pad.draw(inside.theme, inside.field);
    const [across, down] = pad.shift;
    const digit = `number ${this.index}, label ${this.labels[this.index]}`;
    const parts = [pad.edited ? "your drawing" : digit];
    if (across || down) parts.push(`moved by ${number(across, 0)}, ${number(down, 0)}`);
    this.caption.textContent = parts.join(", ");
    if (!tell) return;
    const best = answerOf(inside.probabilities);
    const answer = `${best} with ${percent(inside.probabilities[best])}`;
    this.status.textContent = `The network says ${answer}. ${inside.where()}: ${number(inside.found.value)}.`;
  }
}

function render({ model, el }) {
  const [network] = networksOf(model);
  const explorer = new Explorer(el, {
    ...valuesOf(model, ["title", "labels"]),
    network,
    digits: bytesOf(model.get("digits")),
  });
  return () => explorer.inside.end();
}

export default { render };
