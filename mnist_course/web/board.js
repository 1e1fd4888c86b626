// The drawing page: each move of the pen becomes 28×28 pixels, step by step, and runs through the
// network. All of it is computed here, so that it follows the pen even when the server is slow.

import { Network, answerOf } from "./forward.js";
import { SIDE } from "./image.js";
import { HOW, Inside } from "./inside.js";
import { Pad, padTools } from "./pad.js";
import { make, number, percent } from "./parts.js";
import { PEN, stepsOf } from "./strokes.js";

const PAUSE = 700; // milliseconds without a change until a screen reader is told what is read
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const $ = (id) => document.getElementById(id);

class Board {
  constructor(network) {
    this.pad = new Pad({ changed: () => this.read() });
    const drawn = () => {
      if (this.pad.theme !== this.inside.theme) this.pad.draw(this.inside.theme);
    };
    this.inside = new Inside(network, { drawn, lit: !calm.matches });
    $("pad").append(this.pad.element, padTools(this.pad));
    this.bars = Array.from({ length: 10 }, (_, digit) => {
      const bar = make("i", { "aria-hidden": "true" });
      const share = make("span");
      const row = make("li", {}, make("span", {}, String(digit)), bar, share);
      $("bars").append(row);
      return { row, bar, share };
    });
    this.switches = [...document.querySelectorAll("input[role=switch]")];
    for (const one of this.switches) one.addEventListener("change", () => this.read());
    this.pictures = [...document.querySelectorAll("canvas[data-step]")];
    this.layOut();
    this.read();
  }

  layOut() {
    const { inside } = this;
    document.querySelector(".inside .mc-bar").append(inside.buttons);
    $("inside").append(
      inside.scroll,
      inside.legend,
      make("div", { class: "mc-below" }, ...inside.figures),
      make("p", { class: "note" }, HOW),
    );
    inside.start();
  }

  // What is drawn, through the steps that are switched on, to what the network says of it.
  read() {
    const on = Object.fromEntries(this.switches.map(({ name, checked }) => [name, checked]));
    const { strokes, field, pen } = this.pad;
    const steps = stepsOf(strokes, field, pen, { ...on, pen: on.pen ? PEN : null });
    document.body.classList.toggle("blank", steps === null);
    for (const picture of this.pictures) paintGrey(picture, steps?.[picture.dataset.step]);
    this.inside.put(steps?.image ?? null);
    this.inside.compute();
    $("shift").textContent = steps ? sayShift(steps.shift, on.centre) : "";
    this.say(this.inside.probabilities);
  }

  say(probabilities) {
    const best = answerOf(probabilities);
    const sure = percent(probabilities[best]);
    const blank = this.inside.blank;
    for (const [digit, { row, bar, share }] of this.bars.entries()) {
      row.classList.toggle("best", digit === best && !blank);
      bar.style.setProperty("--share", String(probabilities[digit]));
      share.textContent = blank ? "" : percent(probabilities[digit]);
    }
    $("answer").textContent = blank ? "" : String(best);
    $("sure").textContent = blank ? "Nothing is drawn yet." : `with ${sure}`;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => {
      $("live").textContent = blank
        ? "Nothing is drawn, so the network says nothing."
        : `The network says ${best}, with ${sure}.`;
    }, PAUSE);
  }
}

// An image of bytes as grey levels on a canvas of 28×28. Where there is none, it is empty paper: white
// before the ink becomes light on black, and black from then on.
function paintGrey(canvas, bytes) {
  const paper = canvas.dataset.step === "drawn" ? 255 : 0;
  const pixels = new Uint8ClampedArray(4 * SIDE * SIDE);
  for (let place = 0; place < SIDE * SIDE; place += 1) {
    pixels.fill(bytes?.[place] ?? paper, 4 * place, 4 * place + 3);
    pixels[4 * place + 3] = 255;
  }
  canvas.getContext("2d").putImageData(new ImageData(pixels, SIDE, SIDE), 0, 0);
}

function sayShift([down, right], centred) {
  if (!centred) return "The ink stays where the last step has put it.";
  if (down === 0 && right === 0) return "The centre of its ink lies in the middle already.";
  const parts = [];
  if (down) parts.push(`${number(Math.abs(down), 0)} ${down > 0 ? "down" : "up"}`);
  if (right) parts.push(`${number(Math.abs(right), 0)} ${right > 0 ? "right" : "left"}`);
  return `Moved by ${parts.join(" and ")}, so that the centre of its ink lies in the middle.`;
}

function chooseTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const show = (theme) => {
    $("theme").textContent = theme === "dark" ? "Light theme" : "Dark theme";
  };
  const system = () => (dark.matches ? "dark" : "light");
  $("theme").addEventListener("click", () => {
    const theme =
      (document.documentElement.dataset.theme ?? system()) === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    show(theme);
  });
  dark.addEventListener("change", () => show(document.documentElement.dataset.theme ?? system()));
  show(system());
}

async function load(name) {
  const answer = await fetch(`/assets/${name}`);
  if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
  return answer;
}

async function start() {
  chooseTheme();
  try {
    const [description, weights] = await Promise.all([
      load("network.json").then((answer) => answer.json()),
      load("network.bin").then((answer) => answer.arrayBuffer()),
    ]);
    globalThis.board = new Board(new Network(description, new Uint8Array(weights)));
  } catch (error) {
    $("problem").textContent = `The page could not be set up (${error.message}). Load it again.`;
    $("problem").hidden = false;
    throw error;
  }
}

start();
