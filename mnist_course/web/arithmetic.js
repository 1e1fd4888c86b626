// Where one number comes from, drawn and in words: patch and kernel, window, weights, sum.
//
// A view holds what is drawn: see diagram.js.

import { GAP, Maps, colourAt, context, fit, frame, largest, levelOf, write } from "./paint.js";
import { bound, number, percent } from "./parts.js";
import { indexOf, kernelOf, patchOf } from "./stages.js";

// Numbers added up, with the signs between them.
const added = (numbers) =>
  numbers
    .map((one, place) => {
      const text = number(one);
      if (place === 0) return text;
      return text.startsWith("−") ? `− ${text.slice(1)}` : `+ ${text}`;
    })
    .join(" ");

// What goes into the chosen number from each map of the stages below.
export function sums(view) {
  const { place, found } = view;
  const stage = view.stages[place.stage];
  if (found.terms.length > 0) {
    return found.terms.map((sum, channel) => ({ source: stage.from[0], channel, sum }));
  }
  return stage.from.map((source) => {
    const values = view.network.values[view.stages[source].out];
    const same = String(view.stages[source].shape) === String(stage.shape);
    const sum = same ? values[indexOf(stage.shape, place)] : found.head;
    return { source, channel: place.channel, sum };
  });
}

// A small matrix with its numbers written in.
function matrix(view, drawing, values, [rows, columns], x, y, cell, limit, chosen = -1) {
  const { theme } = view;
  const size = bound(cell * 0.3, 8, 12);
  for (let place = 0; place < rows * columns; place += 1) {
    const at = [x + (place % columns) * cell, y + Math.floor(place / columns) * cell];
    const { fill, ink } = colourAt(theme.signed, levelOf(values[place], limit));
    drawing.fillStyle = fill;
    drawing.fillRect(...at, cell, cell);
    if (cell >= 20) {
      const digits = cell < 28 ? 1 : 2;
      write(drawing, theme, number(values[place], digits), at[0] + cell / 2, at[1] + cell / 2 + 4, {
        size,
        colour: ink,
        align: "center",
      });
    }
    if (place === chosen) frame(drawing, theme.accent, at[0] + 2, at[1] + 2, cell - 4, cell - 4, 2);
  }
  frame(drawing, theme.line, x, y, columns * cell, rows * cell);
}

export function drawWork(view) {
  const { place, network } = view;
  const stage = view.stages[place.stage];
  const node = network.nodes[stage.head];
  const width = Math.max(250, view.work.parentElement.clientWidth);
  const drawing = context(view.work, width, 212);
  view.bars = [];
  const draw = {
    conv: () => drawConvolution(view, drawing, node, width),
    linear: () => drawLinear(view, drawing, node, width),
    max_pool: () => drawPooling(view, drawing, node),
    average_pool: () => drawPooling(view, drawing, node),
    add: () => drawSum(view, drawing, width),
  }[node.kind];
  if (draw) draw();
  view.work.hidden = !draw;
}

// The source map whose patch is shown: the one that was chosen, or the one that adds most.
export function chosenSource({ source, found }) {
  const amounts = found.terms.map(Math.abs);
  return source ?? amounts.indexOf(Math.max(...amounts));
}

function drawConvolution(view, drawing, node, width) {
  const { theme, place, network, found } = view;
  const source = chosenSource(view);
  const patch = patchOf(network, node, source, place);
  const kernel = kernelOf(network, node, place.channel, source);
  const many = found.terms.length > 1;
  const most = Math.min(40, (many ? 140 : 168) / node.kernel[0]);
  const cell = Math.floor(bound((width - 110) / 2 / node.kernel[1], 16, most));
  const side = node.kernel[1] * cell;
  const high = node.kernel[0] * cell;
  const label = (text, x) => write(drawing, theme, text, x, 12, { colour: theme.muted });
  label(many ? `patch of map ${source}` : "patch", 1);
  label("kernel", side + 27);
  matrix(view, drawing, patch, node.kernel, 1, 19, cell, largest(patch));
  write(drawing, theme, "×", side + 14, 24 + high / 2, { size: 18, align: "center" });
  matrix(view, drawing, kernel, node.kernel, side + 27, 19, cell, largest(kernel));
  const x = 2 * side + 40;
  const sum = found.terms[source];
  write(drawing, theme, "=", x, 24 + high / 2, { size: 18, align: "center" });
  write(drawing, theme, number(sum), x + 12, 24 + high / 2, { size: 16, bold: true });
  if (many) drawBars(view, drawing, x + 78, width - x - 82, source);
}

// What each map adds, as bars up and down from 0; the chosen one is marked.
function drawBars(view, drawing, x, wide, source) {
  const { theme, found } = view;
  const { terms } = found;
  if (wide < 40) return;
  const bar = Math.min(26, wide / terms.length);
  const most = largest(terms) || 1;
  const [middle, high] = [104, 80];
  write(drawing, theme, "each map's sum", x + wide, 12, { colour: theme.muted, align: "right" });
  for (const [one, sum] of terms.entries()) {
    const long = (high * Math.abs(sum)) / most;
    const left = x + one * bar;
    drawing.fillStyle = sum < 0 ? theme.negative : theme.positive;
    drawing.globalAlpha = one === source ? 1 : 0.6;
    drawing.fillRect(left + 1, sum < 0 ? middle : middle - long, bar - 2, Math.max(1, long));
    drawing.globalAlpha = 1;
    if (one === source) {
      frame(drawing, theme.accent, left, middle - high - 2, bar, 2 * high + 4, 1.5);
    }
    if (bar >= 14) {
      write(drawing, theme, String(one), left + bar / 2, 204, {
        size: 10,
        colour: theme.muted,
        align: "center",
      });
    }
    view.bars.push({ source: one, x: left, y: 16, wide: bar });
  }
  drawing.fillStyle = theme.muted;
  drawing.fillRect(x, middle, bar * terms.length, 1);
}

// Inputs, weights and their products, as maps where the inputs are maps, else as a block.
function drawLinear(view, drawing, node, width) {
  const { theme, network, place, stages } = view;
  const values = network.values[node.from[0]];
  const weights = kernelOf(network, node, place.channel, 0);
  const products = values.map((value, one) => value * weights[one]);
  const source = stages[stages[place.stage].from[0]];
  const shape = source.isMaps
    ? source.shape
    : [1, Math.ceil(values.length / Math.ceil(Math.sqrt(values.length))), 0];
  if (!source.isMaps) shape[2] = Math.ceil(Math.sqrt(values.length));
  const room = (width - 60) / 3;
  const column = fit(shape, room, 180, 180);
  const size = [shape[2] * column.scale, shape[1] * column.scale];
  const middle = 24 + (column.rows * (size[1] + GAP)) / 2;
  const maps = new Maps();
  const parts = [
    ["what comes in", values, ""],
    ["weights", weights, "×"],
    ["products", products, "="],
  ];
  for (const [part, [text, numbers, sign]] of parts.entries()) {
    const x = 1 + part * (Math.min(room, column.wide) + 30);
    write(drawing, theme, text, x, 12, { colour: theme.muted });
    if (sign) write(drawing, theme, sign, x - 15, middle, { size: 18, align: "center" });
    const padded = new Float32Array(shape[0] * shape[1] * shape[2]);
    padded.set(numbers);
    maps.paint(padded, shape, theme, largest(numbers));
    for (let channel = 0; channel < shape[0]; channel += 1) {
      const at = [
        x + (channel % column.columns) * (size[0] + GAP),
        19 + Math.floor(channel / column.columns) * (size[1] + GAP),
      ];
      maps.draw(drawing, channel, ...at, ...size);
      frame(drawing, theme.line, ...at, ...size, 0.75);
    }
  }
}

function drawPooling(view, drawing, node) {
  const { theme, network, place, found } = view;
  const patch = patchOf(network, node, place.channel, place);
  const cell = Math.floor(bound(168 / Math.max(...node.kernel), 16, 56));
  const limit = view.limits[view.stages[place.stage].from[0]];
  const most = node.kind === "max_pool" ? patch.indexOf(found.head) : -1;
  write(drawing, theme, `patch of map ${place.channel}`, 1, 12, { colour: theme.muted });
  matrix(view, drawing, patch, node.kernel, 1, 19, cell, limit, most);
  const x = node.kernel[1] * cell + 16;
  const what = node.kind === "max_pool" ? "the largest:" : "the mean:";
  write(drawing, theme, what, x, 40, { colour: theme.muted });
  write(drawing, theme, number(found.head), x, 64, { size: 18, bold: true });
}

function drawSum(view, drawing, room) {
  const { theme, stages, place } = view;
  const parts = sums(view);
  const between = 40;
  const side = Math.min(150, (room - 2 - between * (parts.length - 1)) / parts.length);
  for (const [part, { source, sum }] of parts.entries()) {
    const [, height, width] = stages[source].shape;
    const scale = Math.max(1, Math.floor(side / Math.max(height, width)));
    const x = 1 + part * (side + between);
    write(drawing, theme, `${stages[source].title}, map ${place.channel}`, x, 12, {
      colour: theme.muted,
    });
    view.maps[source].draw(drawing, place.channel, x, 19, width * scale, height * scale);
    frame(drawing, theme.line, x, 19, width * scale, height * scale);
    const at = [x + place.column * scale, 19 + place.row * scale];
    frame(drawing, theme.accent, ...at, scale, scale, 2);
    write(drawing, theme, number(sum), x, 36 + height * scale, { size: 14, bold: true });
    const plus = [x - between / 2 - 4, 21 + side / 2];
    if (part > 0) write(drawing, theme, "+", ...plus, { size: 18, align: "center" });
  }
}

// The arithmetic of the chosen number step by step, as texts.
export function sayWork(view) {
  const { found, place, network } = view;
  const stage = view.stages[place.stage];
  const node = network.nodes[stage.head];
  const parts = [];
  if (node.kind === "image") {
    const byte = view.image[indexOf(stage.shape, place)];
    const [mean, deviation] = network.normalisation;
    return [`(${byte} ÷ 255 − ${mean}) ÷ ${deviation} = ${number(found.value)}`];
  }
  if (found.terms.length > 0) {
    const { terms } = found;
    const sum = terms.reduce((one, other) => one + other, 0);
    const few = terms.length <= 6 && terms.length > 1;
    parts.push(few ? `${added(terms)} = ${number(sum)}` : `sum of products: ${number(sum)}`);
    if (node.bias !== null) parts.push(`bias: ${added([sum, found.bias])} = ${number(found.head)}`);
  } else if (node.kind === "add") {
    parts.push(`${added(sums(view).map(({ sum }) => sum))} = ${number(found.head)}`);
  } else if (node.kind === "pad") {
    const [row, column] = [place.row - node.top, place.column - node.left];
    parts.push(`row ${row}, column ${column} of the layer before: ${number(found.head)}`);
  } else parts.push(number(found.head));
  for (const step of found.steps) {
    const formula =
      step.kind === "batch_norm"
        ? `norm: ${number(step.before)} × ${added([step.scale, step.shift])}`
        : `${step.name}(${number(step.before)})`;
    parts.push(`${formula} = ${number(step.after)}`);
  }
  if (place.stage === view.stages.length - 1 && !stage.steps.includes("softmax")) {
    parts.push(`softmax: ${percent(view.probabilities[place.channel])}`);
  }
  return parts;
}
