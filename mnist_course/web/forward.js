// A network in the page: what Python describes and sends once, computed for one image at a time.
//
// A network is a list of nodes in the order in which they run. Node 0 is the image; every other
// node has a kind, a shape, the numbers of the nodes it takes its values `from`, and settings.
// Weights stand in one Float32Array; `weight: 150` says where a node's weights begin in it.
// `mnist_course/export` writes the description, and the tests compare every network with torch.

function floatsOf(bytes) {
  // A copy, because four bytes of a Float32Array must begin at a multiple of four.
  const { buffer, byteOffset, byteLength } = bytes;
  return new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
}

// Bytes as Python sends them, or as base64 in a page without Python.
export function bytesOf(one) {
  if (typeof one === "string") {
    return Uint8Array.from(atob(one), (letter) => letter.charCodeAt(0));
  }
  return new Uint8Array(one.buffer, one.byteOffset, one.byteLength);
}

export const sizeOf = (shape) => shape.reduce((product, length) => product * length, 1);

// What a network takes for a digit: bytes in 0..255 to normalised floats.
export function normalised(bytes, [mean, deviation], values = new Float32Array(bytes.length)) {
  for (let place = 0; place < bytes.length; place += 1) {
    values[place] = (bytes[place] / 255 - mean) / deviation;
  }
  return values;
}

export class Network {
  // description: { nodes, normalisation }; weights: the bytes of the floats that its nodes point
  // into, or these in base64.
  constructor(description, weights) {
    this.nodes = description.nodes;
    this.normalisation = description.normalisation;
    this.weights = floatsOf(bytesOf(weights));
    this.values = this.nodes.map((node) => new Float32Array(sizeOf(node.shape)));
    this.columns = new Float32Array(0); // patches of the convolution that runs
  }

  // Everything that the network computes for an image of normalised floats: the values of each
  // node, channel by channel and row by row. The arrays are used again by the next call.
  run(image) {
    this.values[0].set(image);
    for (const [place, node] of this.nodes.entries()) {
      if (place > 0) RUN[node.kind](this, node, this.values[place], this.inputsOf(node));
    }
    return this.values;
  }

  // The same for a digit of bytes in 0..255, which is normalised first.
  runDigit(bytes) {
    this.image ??= new Float32Array(bytes.length);
    return this.run(normalised(bytes, this.normalisation, this.image));
  }

  inputsOf(node) {
    return node.from.map((place) => this.values[place]);
  }

  source(node) {
    return this.nodes[node.from[0]];
  }

  // The probabilities of the classes, after `run`: softmax of the last node's values, unless the
  // network ends with a softmax of its own. (Log-probabilities give the same softmax.)
  probabilities() {
    const logits = this.values[this.values.length - 1];
    return this.nodes[this.nodes.length - 1].kind === "softmax"
      ? Float32Array.from(logits)
      : softmax(logits);
  }

  // Space for the patches of a convolution, which only grows.
  patches(size) {
    if (this.columns.length < size) this.columns = new Float32Array(size);
    return this.columns;
  }
}

// The networks that an explorer got.
export function networksOf(model) {
  const weights = model.get("weights");
  return model.get("descriptions").map((one, place) => new Network(one, weights[place]));
}

// What a network says: the class whose probability is the largest.
export const answerOf = (probabilities) => probabilities.indexOf(Math.max(...probabilities));

export function softmax(logits) {
  const largest = logits.reduce((one, other) => Math.max(one, other), -Infinity);
  const powers = Float64Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = powers.reduce((one, other) => one + other, 0);
  return Float32Array.from(powers, (power) => power / sum);
}

function logSoftmax(logits) {
  const largest = logits.reduce((one, other) => Math.max(one, other), -Infinity);
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - largest), 0);
  return logits.map((logit) => logit - largest - Math.log(sum));
}

// The functions that work on each number by itself.
export const ELEMENTWISE = {
  relu: (value) => (value > 0 ? value : 0),
  leaky_relu: (value, { slope }) => (value > 0 ? value : value * slope),
  sigmoid: (value) => 1 / (1 + Math.exp(-value)),
  tanh: (value) => Math.tanh(value),
};

function elementwise(network, node, output, [input]) {
  const apply = ELEMENTWISE[node.kind];
  for (let place = 0; place < output.length; place += 1) output[place] = apply(input[place], node);
}

// Where a window begins in the layer below, and its part that lies on the map: first and last + 1.
export function windowOf(node, row, column, [height, width]) {
  const top = row * node.stride[0] - node.padding[0];
  const left = column * node.stride[1] - node.padding[1];
  return {
    top,
    left,
    rows: [Math.max(top, 0), Math.min(top + node.kernel[0], height)],
    columns: [Math.max(left, 0), Math.min(left + node.kernel[1], width)],
  };
}

// Every patch as a row of `patches`: one after another, as long as a kernel with all its channels.
function fillPatches(node, input, shape, patches) {
  const [channels, height, width] = shape;
  const [kernelHeight, kernelWidth] = node.kernel;
  const [, rows, columns] = node.shape;
  let place = 0;
  for (let row = 0; row < rows; row += 1) {
    const top = row * node.stride[0] - node.padding[0];
    for (let column = 0; column < columns; column += 1) {
      const left = column * node.stride[1] - node.padding[1];
      for (let channel = 0; channel < channels; channel += 1) {
        for (let y = top; y < top + kernelHeight; y += 1) {
          const inside = y >= 0 && y < height;
          const line = (channel * height + y) * width;
          for (let x = left; x < left + kernelWidth; x += 1) {
            patches[place] = inside && x >= 0 && x < width ? input[line + x] : 0;
            place += 1;
          }
        }
      }
    }
  }
}

// Products of `rows` of weights with `count` vectors of `length` numbers, plus biases; four rows at
// a time, so that each number of a vector is loaded once for four products.
function multiply(network, node, vectors, count, length, output) {
  const { weights } = network;
  const rows = node.shape[0];
  const bias = (row) => (node.bias === null ? 0 : weights[node.bias + row]);
  let row = 0;
  for (; row + 4 <= rows; row += 4) {
    const first = node.weight + row * length;
    const second = first + length;
    const third = second + length;
    const fourth = third + length;
    for (let vector = 0; vector < count; vector += 1) {
      const start = vector * length;
      let [a, b, c, d] = [0, 0, 0, 0];
      for (let place = 0; place < length; place += 1) {
        const value = vectors[start + place];
        a += value * weights[first + place];
        b += value * weights[second + place];
        c += value * weights[third + place];
        d += value * weights[fourth + place];
      }
      output[row * count + vector] = a + bias(row);
      output[(row + 1) * count + vector] = b + bias(row + 1);
      output[(row + 2) * count + vector] = c + bias(row + 2);
      output[(row + 3) * count + vector] = d + bias(row + 3);
    }
  }
  for (; row < rows; row += 1) {
    const first = node.weight + row * length;
    for (let vector = 0; vector < count; vector += 1) {
      const start = vector * length;
      let sum = 0;
      for (let place = 0; place < length; place += 1) {
        sum += vectors[start + place] * weights[first + place];
      }
      output[row * count + vector] = sum + bias(row);
    }
  }
}

function convolve(network, node, output, [input]) {
  const { shape } = network.source(node);
  const length = shape[0] * node.kernel[0] * node.kernel[1];
  const count = node.shape[1] * node.shape[2];
  const patches = network.patches(length * count);
  fillPatches(node, input, shape, patches);
  multiply(network, node, patches, count, length, output);
}

function linear(network, node, output, [input]) {
  multiply(network, node, input, 1, input.length, output);
}

function batchNorm(network, node, output, [input]) {
  const size = output.length / node.shape[0];
  for (let channel = 0; channel < node.shape[0]; channel += 1) {
    const scale = network.weights[node.scale + channel];
    const shift = network.weights[node.shift + channel];
    for (let place = channel * size; place < (channel + 1) * size; place += 1) {
      output[place] = input[place] * scale + shift;
    }
  }
}

function pool(network, node, output, [input]) {
  const [, height, width] = network.source(node).shape;
  const [channels, rows, columns] = node.shape;
  const area = node.kernel[0] * node.kernel[1];
  const largest = node.kind === "max_pool";
  let place = 0;
  for (let channel = 0; channel < channels; channel += 1) {
    for (let row = 0; row < rows; row += 1) {
      for (let column = 0; column < columns; column += 1) {
        const window = windowOf(node, row, column, [height, width]);
        let found = largest ? -Infinity : 0;
        for (let y = window.rows[0]; y < window.rows[1]; y += 1) {
          const line = (channel * height + y) * width;
          for (let x = window.columns[0]; x < window.columns[1]; x += 1) {
            const value = input[line + x];
            if (!largest) found += value;
            else if (value > found) found = value;
          }
        }
        output[place] = largest ? found : found / area;
        place += 1;
      }
    }
  }
}

// Rows and columns of zeros around the image, or, where `top` and `left` are below 0, cut off.
function pad(network, node, output, [input]) {
  const [, height, width] = network.source(node).shape;
  const [channels, rows, columns] = node.shape;
  let place = 0;
  for (let channel = 0; channel < channels; channel += 1) {
    for (let row = -node.top; row < rows - node.top; row += 1) {
      for (let column = -node.left; column < columns - node.left; column += 1) {
        const inside = row >= 0 && row < height && column >= 0 && column < width;
        output[place] = inside ? input[(channel * height + row) * width + column] : 0;
        place += 1;
      }
    }
  }
}

function add(network, node, output, inputs) {
  output.fill(0);
  for (const input of inputs) {
    for (let place = 0; place < output.length; place += 1) output[place] += input[place];
  }
}

function average(network, node, output, inputs) {
  add(network, node, output, inputs);
  for (let place = 0; place < output.length; place += 1) output[place] /= inputs.length;
}

const RUN = {
  conv: convolve,
  linear,
  batch_norm: batchNorm,
  relu: elementwise,
  leaky_relu: elementwise,
  sigmoid: elementwise,
  tanh: elementwise,
  max_pool: pool,
  average_pool: pool,
  pad,
  add,
  mean: average,
  flatten: (network, node, output, [input]) => output.set(input),
  softmax: (network, node, output, [input]) => output.set(softmax(input)),
  log_softmax: (network, node, output, [input]) => output.set(logSoftmax(input)),
};
