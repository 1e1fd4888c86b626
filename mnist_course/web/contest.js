// You against the network: name digits blind, and compare at the end.

import { bytesOf } from "./forward.js";
import { SIDE, imageOf } from "./image.js";
import { Drawn, Maps } from "./paint.js";
import { button, make, percent, section } from "./parts.js";

const LARGE = 9; // pixels of the screen for one of them, in the digit that is asked
const SMALL = 2; // in the list at the end
const DIGITS = Array.from({ length: 10 }, (_, digit) => String(digit)); // classes without names

// How many of the answers are right, and how often each label (row) got each answer (column).
export function counted(answers, labels) {
  const table = Array.from({ length: 10 }, () => Array.from({ length: 10 }, () => 0));
  let right = 0;
  for (const [place, answer] of answers.entries()) {
    table[labels[place]][answer] += 1;
    if (answer === labels[place]) right += 1;
  }
  return { right, table };
}

// What is said of a contest that is over: answers of the person and of the network. things: what the
// images are called.
export function verdictOf(answers, theirs, labels, things = "digits") {
  const count = answers.length;
  const [mine, networks] = [answers, theirs].map((one) => counted(one, labels).right);
  const both = answers.filter(
    (answer, place) => answer !== labels[place] && theirs[place] !== labels[place],
  ).length;
  return (
    `You agree with the label on ${mine} of ${count} ${things} (${percent(mine / count)}), the network ` +
    `on ${networks} (${percent(networks / count)}). Both of you disagree with it on ${both}.`
  );
}

// What one said of a digit, on a line of its own; `wrong` where it differs from the label.
const line = (text, wrong) => make("span", wrong ? { class: "mc-wrong" } : {}, text);

// A confusion matrix as a table that a screen reader can read.
function tableOf(caption, { table }, names) {
  const columns = names.map((name) => make("th", { scope: "col" }, make("span", {}, name)));
  const head = make("tr", {}, make("td", {}), ...columns);
  const rows = table.map((row, label) => {
    const cells = make("tr", {}, make("th", { scope: "row" }, names[label]));
    for (const [answer, value] of row.entries()) {
      const kinds = [answer === label && "mc-diagonal", value > 0 && "mc-counted"];
      const kind = kinds.filter(Boolean).join(" ");
      cells.append(make("td", kind ? { class: kind } : {}, value ? String(value) : "·"));
    }
    return cells;
  });
  return make(
    "table",
    { class: "mc-confusion" },
    make("caption", {}, caption),
    make("thead", {}, head),
    make("tbody", {}, ...rows),
  );
}

class Contest extends Drawn {
  // theirs: the network's answers; answers: what was said so far; save: called with all answers after each; classes: names of the
  // ten classes, none for digits.
  constructor(element, { title, digits, labels, theirs, answers, save, classes }) {
    super();
    Object.assign(this, { digits, labels, theirs, save });
    this.names = classes.length > 0 ? classes : DIGITS;
    this.thing = classes.length > 0 ? "image" : "digit";
    this.answers = [...answers];
    this.maps = new Maps();
    this.build(element, title);
    this.show();
  }

  build(element, title) {
    this.canvas = make("canvas", { role: "img" });
    this.progress = make("p", { class: "mc-progress" });
    this.status = make("p", { class: "mc-status", role: "status" });
    this.buttons = this.classButtons();
    this.back = button("Take back", () => this.takeBack());
    this.stop = button("Stop here and compare", () => this.finish());
    this.again = button("Start again", () => this.restart());
    const group = make("div", { class: "mc-answers", role: "group", "aria-label": "Your answer" });
    group.append(...this.buttons);
    this.play = make(
      "div",
      {
        class: "mc-play",
        role: "group",
        tabindex: "0",
        "aria-label": this.question(),
      },
      this.canvas,
      make("div", {}, this.progress, group, make("p", { class: "mc-bar" }, this.back, this.stop)),
    );
    this.result = make("div", { hidden: "" });
    const name = this.names === DIGITS ? "mc-contest" : "mc-contest mc-named";
    const root = section(name, title, this.play, this.status, this.result);
    this.again.setAttribute("data-lm-suppress-shortcuts", "true");
    element.append(root);
    this.play.addEventListener("keydown", (event) => this.typed(event));
    this.watch(root);
  }

  // A button with the key that does the same, where its name is another.
  classButtons() {
    return this.names.map((name, number) => {
      const text = name === String(number) ? name : `${number} ${name}`;
      return button(text, () => this.answer(number));
    });
  }

  question() {
    return `Which ${this.thing === "digit" ? "digit" : "class"} is it? Type 0 to 9.`;
  }

  get over() {
    return this.finished || this.answers.length === this.labels.length;
  }

  typed(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || this.over) return;
    if (/^\d$/.test(event.key)) this.answer(Number(event.key));
    else if (event.key === "Backspace") this.takeBack();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  answer(digit) {
    if (this.over) return;
    this.answers.push(digit);
    this.changed();
  }

  takeBack() {
    if (this.over || this.answers.length === 0) return;
    this.answers.pop();
    this.changed();
    // The button may be disabled now, and digits that are typed must not go to JupyterLab.
    this.play.focus();
  }

  finish() {
    if (this.answers.length === 0) return;
    this.finished = true;
    this.show();
    this.again.focus();
  }

  restart() {
    this.finished = false;
    this.answers = [];
    this.changed();
    this.play.focus();
  }

  changed() {
    this.save([...this.answers]);
    const over = this.over;
    this.show();
    if (over) this.again.focus(); // what had the focus is hidden now
  }

  show() {
    this.play.hidden = this.over;
    this.result.hidden = !this.over;
    if (this.over) this.compare();
    else {
      const given = this.answers.length;
      this.back.disabled = given === 0;
      this.stop.disabled = given === 0;
      const thing = this.thing === "digit" ? "Digit" : "Image";
      this.progress.textContent = `${thing} ${given + 1} of ${this.labels.length}: which one is it?`;
      const last = given ? `You said ${this.names[this.answers[given - 1]]}. ` : "";
      this.status.textContent = `${last}${given} of ${this.labels.length} are named.`;
      const what = `The ${this.thing} number ${given + 1}, to be named`;
      this.canvas.setAttribute("aria-label", what);
    }
    this.drawSoon();
  }

  draw() {
    if (this.over) {
      for (const { canvas, place } of this.shown) this.drawDigit(canvas, place, SMALL);
    } else this.drawDigit(this.canvas, this.answers.length, LARGE);
  }

  drawDigit(canvas, place, scale) {
    this.maps.show(canvas, imageOf(this.digits, place), SIDE, scale, this.theme, 255, true);
  }

  compare() {
    const theirs = this.theirs.slice(0, this.answers.length);
    const labels = this.labels.slice(0, this.answers.length);
    this.status.textContent = verdictOf(this.answers, theirs, labels, `${this.thing}s`);
    this.shown = [];
    const { names } = this;
    const missed = make("ul", { class: "mc-missed" });
    for (const [place, answer] of this.answers.entries()) {
      if (answer === labels[place] && theirs[place] === labels[place]) continue;
      const what = `${this.thing} number ${place + 1}`;
      const canvas = make("canvas", { role: "img", "aria-label": what });
      this.shown.push({ canvas, place });
      const label = labels[place];
      missed.append(
        make(
          "li",
          {},
          canvas,
          line(`label ${names[label]}`, false),
          line(`you ${names[answer]}`, answer !== label),
          line(`network ${names[theirs[place]]}`, theirs[place] !== label),
        ),
      );
    }
    this.result.replaceChildren(
      make("p", { class: "mc-muted" }, "Each row is a label, each column an answer."),
      make(
        "div",
        { class: "mc-below" },
        tableOf("Your answers", counted(this.answers, labels), names),
        tableOf("The network's answers", counted(theirs, labels), names),
      ),
      make("p", { class: "mc-heading" }, "Where one of you disagrees with the label"),
      missed,
      make("p", {}, this.again),
    );
  }
}

function render({ model, el }) {
  const save = (answers) => {
    model.set("answers", answers);
    model.save_changes();
  };
  const names = ["title", "labels", "theirs", "answers", "classes"];
  const digits = bytesOf(model.get("digits"));
  const contest = new Contest(el, { ...valuesOf(model, names), digits, save });
  return () => contest.end();
}

export default { render };
