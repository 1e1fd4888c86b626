// Colours of the theme for a canvas, and maps of numbers as pixels.

import { bound, percent, watchTheme } from "./parts.js";

const NAMES = ["ink", "paper", "muted", "line", "surface", "accent", "on-accent"];
const SIGNED = ["negative", "negative-soft", "paper", "positive-soft", "positive"];

// A colour as the browser computes it, such as "rgb(1, 2, 3)" or "rgba(0, 0, 0, 0.87)", as bytes
// on paper of another colour.
function channelsOf(text, paper = [255, 255, 255]) {
  const [red, green, blue, alpha = 1] = text.match(/[\d.]+/g).map(Number);
  return [red, green, blue].map((one, place) => one * alpha + paper[place] * (1 - alpha));
}

// 256 colours as the pixels of an ImageData hold them, evenly from the first to the last.
function ramp(colours) {
  const bytes = new Uint8ClampedArray(4 * 256);
  for (let level = 0; level < 256; level += 1) {
    const place = (level / 255) * (colours.length - 1);
    const below = Math.min(Math.floor(place), colours.length - 2);
    for (let part = 0; part < 3; part += 1) {
      const [from, to] = [colours[below][part], colours[below + 1][part]];
      bytes[4 * level + part] = from + (to - from) * (place - below);
    }
    bytes[4 * level + 3] = 255;
  }
  return new Uint32Array(bytes.buffer);
}

// The theme's colours now, as strings for a canvas; `signed` and `grey` are ramps for maps.
export function themeOf(element) {
  const probe = document.createElement("span");
  element.append(probe);
  const colour = (name) => {
    probe.style.color = `var(--mc-${name})`;
    return getComputedStyle(probe).color;
  };
  const theme = Object.fromEntries(NAMES.map((name) => [name, colour(name)]));
  theme.positive = colour("positive");
  theme.negative = colour("negative");
  theme.font = getComputedStyle(element).fontFamily;
  const paper = channelsOf(theme.paper);
  theme.signed = ramp(SIGNED.map((name) => channelsOf(colour(name), paper)));
  theme.grey = ramp([paper, channelsOf(theme.ink, paper)]);
  probe.remove();
  return theme;
}

// What draws itself in the colours of the page's theme, in a frame of its own: elements have no
// colours before they stand in the page, and of many changes only the last is seen.
export class Drawn {
  // root: the element that it stands in.
  watch(root) {
    this.root = root;
    this.stopWatching = watchTheme(() => {
      this.theme = null;
      this.drawSoon();
    });
  }

  drawSoon() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      if (this.gone || !this.root.isConnected) return;
      this.theme ??= themeOf(this.root);
      this.draw();
    });
  }

  end() {
    this.gone = true;
    this.stopWatching();
  }
}

// A canvas's context in CSS pixels, sharp on every screen, empty.
export function context(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const drawing = canvas.getContext("2d");
  drawing.setTransform(ratio, 0, 0, ratio, 0, 0);
  drawing.clearRect(0, 0, width, height);
  drawing.imageSmoothingEnabled = false;
  return drawing;
}

export function largest(values) {
  let found = 0;
  for (const value of values) found = Math.max(found, Math.abs(value));
  return found;
}

// The place of a signed value in a ramp: -limit 0, zero in the middle, limit 255.
export const levelOf = (value, limit) =>
  bound(Math.round(127.5 + (127.5 * value) / (limit || 1)), 0, 255);

// A colour of a ramp as a string, and whether dark or light writing is read on it.
export function colourAt(colours, level) {
  const [red, green, blue] = new Uint8Array(colours.buffer, 4 * level, 3);
  const linear = [red, green, blue].map((one) => (one / 255) ** 2.2);
  const luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  return { fill: `rgb(${red}, ${green}, ${blue})`, ink: luminance < 0.179 ? "#fff" : "#000" };
}

// Maps (C, H, W) one below the other on a small canvas, a pixel for each number. `ink` is for
// images, bytes in 0..255; otherwise values are signed and `limit` is the full colour.
export class Maps {
  constructor() {
    this.canvas = document.createElement("canvas");
  }

  paint(values, [channels, height, width], theme, limit, ink = false) {
    const { canvas } = this;
    canvas.width = width;
    canvas.height = channels * height;
    const pixels = new Uint32Array(values.length);
    for (let place = 0; place < values.length; place += 1) {
      pixels[place] = ink ? theme.grey[values[place]] : theme.signed[levelOf(values[place], limit)];
    }
    const image = new ImageData(new Uint8ClampedArray(pixels.buffer), width, channels * height);
    canvas.getContext("2d").putImageData(image, 0, 0);
    this.size = [width, height];
  }

  // One of the maps, in a rectangle of another canvas.
  draw(drawing, channel, x, y, wide, high) {
    const [width, height] = this.size;
    drawing.drawImage(this.canvas, 0, channel * height, width, height, x, y, wide, high);
  }

  // One square map alone on a canvas, each number `scale` pixels wide, in a frame.
  show(canvas, values, side, scale, theme, limit, ink = false) {
    const size = side * scale;
    const drawing = context(canvas, size + 2, size + 2);
    this.paint(values, [1, side, side], theme, limit, ink);
    this.draw(drawing, 0, 1, 1, size, size);
    frame(drawing, theme.line, 1, 1, size, size);
    return drawing;
  }
}

// edge: whether the text gets an edge of paper, which keeps it apart from what lies below it.
export function write(drawing, theme, text, x, y, options = {}) {
  const { size = 12, colour = theme.ink, align = "left", bold = false, edge = false } = options;
  drawing.font = `${bold ? "600 " : ""}${size}px ${theme.font}`;
  drawing.fillStyle = colour;
  drawing.textAlign = align;
  drawing.textBaseline = "alphabetic";
  if (edge) {
    drawing.strokeStyle = theme.paper;
    drawing.lineWidth = 5;
    drawing.lineJoin = "round";
    drawing.strokeText(text, x, y);
  }
  drawing.fillText(text, x, y);
}

export function frame(drawing, colour, x, y, wide, high, thick = 1) {
  drawing.strokeStyle = colour;
  drawing.lineWidth = thick;
  drawing.strokeRect(x - thick / 2, y - thick / 2, wide + thick, high + thick);
}

// The probabilities of the classes as bars in fixed places, in a box [x, y, wide, high]. The
// largest is bold; the bar of the label, if it is known, has the accent's colour, else the largest
// has. names: of the classes, where they are no digits. Returns the place of each row: { x, y, wide,
// high }.
export function drawProbabilities(
  drawing,
  theme,
  probabilities,
  [x, y, wide, high],
  label = null,
  names = [],
) {
  const left = names.length > 0 ? 64 : 18; // where the bars begin
  const row = Math.min(32, high / probabilities.length);
  const start = y + (high - row * probabilities.length) / 2;
  const blank = largest(probabilities) === 0; // nothing is drawn, so that nothing was computed
  const best = blank ? -1 : probabilities.indexOf(largest(probabilities));
  return Array.from(probabilities, (share, digit) => {
    const top = start + digit * row;
    const bold = digit === best;
    const bar = [x + left, top + row * 0.2, wide - left - 56, row * 0.6];
    const text = top + row / 2 + 4;
    const name = names[digit] ?? String(digit);
    write(drawing, theme, name, x + left - 7, text, { bold, align: "right" });
    drawing.fillStyle = theme.surface;
    drawing.fillRect(...bar);
    drawing.fillStyle = digit === (label ?? best) ? theme.accent : theme.muted;
    drawing.fillRect(bar[0], bar[1], bar[2] * share, bar[3]);
    if (blank) return { x, y: top, wide, high: row };
    write(drawing, theme, percent(share), x + wide, text, { bold, align: "right" });
    return { x, y: top, wide, high: row };
  });
}

export const GAP = 3; // pixels between maps

// How maps of a shape fill a place `wide` and `high`: columns, and the side of a number, at least 1.
export function fit([channels, height, width], wide, high, most) {
  let best = null;
  for (let columns = 1; columns <= channels; columns += 1) {
    const rows = Math.ceil(channels / columns);
    const across = ((wide + GAP) / columns - GAP) / width;
    const down = ((high + GAP) / rows - GAP) / height;
    const scale = Math.floor(Math.min(across, down, most / Math.max(height, width)));
    if (!best || scale > best.scale) best = { columns, rows, scale };
  }
  best.scale = Math.max(1, best.scale);
  best.wide = best.columns * (width * best.scale + GAP) - GAP;
  return best;
}
