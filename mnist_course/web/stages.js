// A network as the diagram shows it: stages, what each number was computed from, and from where.
//
// A stage is a layer with what follows it number by number (batch norm, an activation), because
// these don't change the shape. A place is { stage, channel, row, column }; a vector has channels
// alone.

import { ELEMENTWISE, sizeOf, windowOf } from "./forward.js";
import { bound } from "./parts.js";

const FOLLOWS = new Set([
  ...Object.keys(ELEMENTWISE),
  "batch_norm",
  "flatten",
  "softmax",
  "log_softmax",
]);
const STEP = {
  batch_norm: "norm",
  relu: "ReLU",
  leaky_relu: "leaky ReLU",
  sigmoid: "sigmoid",
  tanh: "tanh",
  softmax: "softmax",
  log_softmax: "log-softmax",
};
export const times = (lengths) => lengths.join("×");

// A stage's name, and what else there is to say of its first layer.
function titleOf(node, source) {
  const names = { linear: "linear", add: "add", mean: "mean", image: "input" };
  if (node.kind === "conv") return [`conv ${times(node.kernel)}`];
  if (node.kind === "pad") return [node.shape[1] < source.shape[1] ? "crop" : "pad"];
  if (node.kind.endsWith("_pool")) {
    const kind = node.kind === "max_pool" ? "max" : "mean";
    const whole = times(node.kernel) === times(source.shape.slice(1));
    return whole ? [kind, "of map"] : [`${kind} ${times(node.kernel)}`];
  }
  return [names[node.kind] ?? STEP[node.kind]];
}

// The stages of a network, in order: { head, chain, out, from, shape, title, steps, isMaps, isImage }.
// head, chain and out are numbers of nodes, from numbers of stages; isImage: the digit, maybe cut.
export function stagesOf(network) {
  const { nodes } = network;
  const uses = nodes.map(() => 0);
  for (const node of nodes) for (const source of node.from) uses[source] += 1;
  const stages = [];
  const stageOf = [];
  for (const [place, node] of nodes.entries()) {
    const before = stages[stageOf[node.from[0]]];
    if (before && FOLLOWS.has(node.kind) && uses[node.from[0]] === 1) {
      before.chain.push(place);
      before.out = place;
      if (STEP[node.kind]) before.steps.push(STEP[node.kind]);
      stageOf.push(stageOf[node.from[0]]);
      continue;
    }
    const { shape } = node;
    const isMaps = shape.length === 3 && shape[1] * shape[2] > 1;
    const from = node.from.map((source) => stageOf[source]);
    const [title, ...steps] = titleOf(node, nodes[node.from[0]]);
    stageOf.push(stages.length);
    stages.push({
      head: place,
      chain: [],
      out: place,
      steps,
      from,
      shape: isMaps ? shape : [sizeOf(shape), 1, 1],
      isMaps,
      isImage: place === 0 || (node.kind === "pad" && stages[from[0]].isImage),
      title,
    });
  }
  return stages;
}

export const indexOf = ([, height, width], { channel, row, column }) =>
  (channel * height + row) * width + column;

// The patch of one source map under a window, row by row; 0 where it hangs over the edge.
export function patchOf(network, node, channel, { row, column }) {
  const source = network.source(node);
  const [, height, width] = source.shape;
  const values = network.values[node.from[0]];
  const { top, left } = windowOf(node, row, column, [height, width]);
  return Float32Array.from({ length: node.kernel[0] * node.kernel[1] }, (_, place) => {
    const y = top + Math.floor(place / node.kernel[1]);
    const x = left + (place % node.kernel[1]);
    const inside = y >= 0 && y < height && x >= 0 && x < width;
    return inside ? values[(channel * height + y) * width + x] : 0;
  });
}

// A convolution's kernel for one map and one source map, or a linear layer's weights for them.
export function kernelOf(network, node, output, source) {
  const shape = network.source(node).shape;
  const inputs = node.kind === "conv" ? shape[0] : 1;
  const size = node.kind === "conv" ? node.kernel[0] * node.kernel[1] : sizeOf(shape);
  const start = node.weight + (output * inputs + source) * size;
  return network.weights.subarray(start, start + size);
}

const dot = (one, other) => one.reduce((sum, value, place) => sum + value * other[place], 0);

// What each source map (or, of a vector, each number) adds to one number: a list of sums.
function termsOf(network, stages, place) {
  const stage = stages[place.stage];
  const node = network.nodes[stage.head];
  if (node.kind === "conv") {
    return Array.from({ length: network.source(node).shape[0] }, (_, source) =>
      dot(patchOf(network, node, source, place), kernelOf(network, node, place.channel, source)),
    );
  }
  if (node.kind === "linear") {
    const values = network.values[node.from[0]];
    const weights = kernelOf(network, node, place.channel, 0);
    const [channels, height, width] = stages[stage.from[0]].shape;
    const size = height * width;
    return Array.from({ length: channels }, (_, source) => {
      const part = [source * size, (source + 1) * size];
      return dot(values.subarray(...part), weights.subarray(...part));
    });
  }
  return [];
}

// How a number came about: { value, head, terms, bias, steps }. head: the number before the steps
// that follow; steps: each { name, before, after } and, of batch norm, { scale, shift }.
export function workOf(network, stages, place) {
  const stage = stages[place.stage];
  const node = network.nodes[stage.head];
  const at = indexOf(stage.shape, place);
  const bias = node.bias === null || node.bias === undefined ? 0 : node.bias;
  const work = {
    head: network.values[stage.head][at],
    terms: termsOf(network, stages, place),
    bias: node.bias === null || node.bias === undefined ? 0 : network.weights[bias + place.channel],
    steps: [],
  };
  let before = work.head;
  for (const number of stage.chain) {
    const { kind, scale, shift } = network.nodes[number];
    if (kind === "flatten") continue;
    const after = network.values[number][at];
    const step = { name: STEP[kind], kind, before, after };
    if (kind === "batch_norm") {
      step.scale = network.weights[scale + place.channel];
      step.shift = network.weights[shift + place.channel];
    }
    work.steps.push(step);
    before = after;
  }
  work.value = before;
  return work;
}

const union = (one, other) =>
  one
    ? [
        Math.min(one[0], other[0]),
        Math.max(one[1], other[1]),
        Math.min(one[2], other[2]),
        Math.max(one[3], other[3]),
      ]
    : other;

// The part of a node's source that reaches a part of the node.
function reached(node, source, [top, bottom, left, right]) {
  const [, height = 1, width = 1] = source.shape;
  if (node.kind === "conv" || node.kind.endsWith("_pool")) {
    const first = windowOf(node, top, left, [height, width]);
    const last = windowOf(node, bottom - 1, right - 1, [height, width]);
    return [first.rows[0], last.rows[1], first.columns[0], last.columns[1]];
  }
  if (node.kind === "pad") {
    return [
      bound(top - node.top, 0, height),
      bound(bottom - node.top, 0, height),
      bound(left - node.left, 0, width),
      bound(right - node.left, 0, width),
    ];
  }
  if (node.kind === "linear" || node.kind === "flatten" || source.shape.length === 1) {
    return [0, height, 0, width];
  }
  return [top, bottom, left, right];
}

// For each stage the part of its maps on which a number depends, [first row, last row + 1, first
// column, last column + 1]; undefined where it doesn't.
export function fieldsOf(network, stages, place) {
  const { nodes } = network;
  const stage = stages[place.stage];
  const fields = nodes.map(() => undefined);
  fields[stage.head] = [place.row, place.row + 1, place.column, place.column + 1];
  for (let number = stage.head; number > 0; number -= 1) {
    if (!fields[number]) continue;
    for (const source of nodes[number].from) {
      const part = reached(nodes[number], nodes[source], fields[number]);
      fields[source] = union(fields[source], part);
    }
  }
  return stages.map(({ head }) => fields[head]);
}
