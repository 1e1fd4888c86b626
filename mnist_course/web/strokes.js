// From strokes to 28×28 pixels, by the steps by which MNIST was made: see `drawing/steps.py`, which
// does the same. The tests compare the two pixel by pixel.
//
// A stroke is a list of points [x, y]; a field is [left, top, side], the square that is drawn in.

import { SIDE, moved } from "./image.js";
import { bound } from "./parts.js";

export const PEN = 2.6; // pixels: half of MNIST's lines are thinner, half are wider
const BOX = 20; // pixels into which the ink is scaled
const MIDDLE = 14; // the row and the column to which the centre of mass goes
const FINE = 8; // samples in a pixel, each way
const LARGEST_DOT = 4; // no drawing is enlarged until its own pen would be so many times as wide
const SAMPLES = SIDE * FINE;

// Marks every sample that lies within the radius of a segment.
function ink(samples, [x, y], [toX, toY], radius) {
  const first = (low) => bound(Math.ceil((low - radius) * FINE - 0.5), 0, SAMPLES);
  const last = (high) => bound(Math.floor((high + radius) * FINE - 0.5) + 1, 0, SAMPLES);
  const [left, right] = [first(Math.min(x, toX)), last(Math.max(x, toX))];
  const [top, bottom] = [first(Math.min(y, toY)), last(Math.max(y, toY))];
  const [alongX, alongY] = [toX - x, toY - y];
  const length = alongX * alongX + alongY * alongY;
  const square = radius * radius;
  for (let row = top; row < bottom; row += 1) {
    const down = (row + 0.5) / FINE - y;
    for (let column = left; column < right; column += 1) {
      const across = (column + 0.5) / FINE - x;
      // of the way along the segment, to the point that is nearest to the sample
      const share = length > 0 ? bound((across * alongX + down * alongY) / length, 0, 1) : 0;
      const [offX, offY] = [across - share * alongX, down - share * alongY];
      if (offX * offX + offY * offY <= square) samples[row * SAMPLES + column] = 1;
    }
  }
}

// Lines drawn by a round pen: bytes, each the share of the pixel's 8×8 samples that have ink.
function inkOf(lines, radius) {
  const samples = new Uint8Array(SAMPLES * SAMPLES);
  for (const line of lines) {
    if (line.length === 1) ink(samples, line[0], line[0], radius);
    for (let place = 1; place < line.length; place += 1) {
      ink(samples, line[place - 1], line[place], radius);
    }
  }
  const counts = new Uint8Array(SIDE * SIDE);
  for (let row = 0; row < SAMPLES; row += 1) {
    const start = Math.floor(row / FINE) * SIDE;
    for (let column = 0; column < SAMPLES; column += 1) {
      counts[start + Math.floor(column / FINE)] += samples[row * SAMPLES + column];
    }
  }
  return counts.map((count) => Math.floor((count * 255) / FINE ** 2 + 0.5));
}

// By how many whole pixels, down and right, the centre of mass is to be moved.
function centreShift(image) {
  let [total, rows, columns] = [0, 0, 0];
  for (let place = 0; place < image.length; place += 1) {
    total += image[place];
    rows += image[place] * Math.floor(place / SIDE);
    columns += image[place] * (place % SIDE);
  }
  if (total === 0) return [0, 0];
  return [rows, columns].map((sum) => Math.ceil(MIDDLE - 0.5 - sum / total));
}

function inField(lines, [left, top, side], pen) {
  const scale = SIDE / side;
  return inkOf(
    lines.map((line) => line.map(([x, y]) => [(x - left) * scale, (y - top) * scale])),
    pen / 2,
  );
}

// The ink scaled so that it just fits into 20×20, in the middle.
function inBox(lines, ownPen, pen) {
  const low = [Infinity, Infinity];
  const high = [-Infinity, -Infinity];
  for (const line of lines) {
    for (const point of line) {
      for (const axis of [0, 1]) {
        low[axis] = Math.min(low[axis], point[axis]);
        high[axis] = Math.max(high[axis], point[axis]);
      }
    }
  }
  const size = [high[0] - low[0], high[1] - low[1]];
  const extent = Math.max(...size);
  let scale = BOX / (extent + ownPen);
  let wide = ownPen * scale;
  if (pen !== null) {
    wide = pen;
    scale = (LARGEST_DOT * wide) / ownPen;
    if (extent > 0) scale = Math.min(scale, (BOX - wide) / extent);
  }
  // whole pixels in front, so that ink begins where a pixel does
  const margin = size.map((one) => Math.floor((SIDE - (one * scale + wide)) / 2) + wide / 2);
  const place = (point) => point.map((one, axis) => (one - low[axis]) * scale + margin[axis]);
  return inkOf(
    lines.map((line) => line.map(place)),
    wide / 2,
  );
}

const turned = (picture) => picture.map((level) => 255 - level);

// A drawing after each step, as five pictures of 784 bytes: drawn, ink, pen, box, and image, which
// is what a network sees. null when nothing is drawn, or nothing inside the field. Of the steps,
// `pen` is a width in pixels, or null for the pen that drew; the others are taken or not.
export function stepsOf(strokes, field, ownPen, { inkOnBlack, pen, box, centre }) {
  const lines = strokes.filter((line) => line.length > 0);
  if (lines.length === 0) return null;
  const drawn = inField(lines, field, (ownPen * SIDE) / field[2]);
  const penned = pen === null ? drawn : inField(lines, field, pen);
  const boxed = box ? inBox(lines, ownPen, pen) : penned;
  const [down, right] = centre ? centreShift(boxed) : [0, 0];
  const image = moved(boxed, right, down);
  if (!image.some((level) => level > 0)) return null;
  const seen = (picture) => (inkOnBlack ? picture : turned(picture));
  return {
    drawn: turned(drawn),
    ink: seen(drawn),
    pen: seen(penned),
    box: seen(boxed),
    image: seen(image),
    shift: [down, right],
  };
}
