// The diagram of a network: all its layers as maps, or one of them with the maps below it.
//
// A view holds what is drawn: the network with its stages, their maps, and the number that is
// chosen, `place`. What is drawn leaves its areas in `view.areas`, so that a pointer can find them.

import { sums } from "./arithmetic.js";
import { GAP, Maps, context, drawProbabilities, fit, frame, largest, write } from "./paint.js";
import { kernelOf, times } from "./stages.js";

const HEIGHT = 360; // of the maps in the overview
const ARC = 32; // above their names, where a shortcut passes
const MOST_LINES = 24; // that are drawn to one number
const OUTPUT = 132; // width of the probabilities
// Of the overview that goes downwards:
const GUTTER = 28; // at the left, where the shortcuts pass
const ROW = 66; // most height of a layer's maps
const HEAD = 24; // a layer's name above them
const BETWEEN = 12; // from its maps to the next name

// Where each stage stands in the overview, from left to right: { x, wide, between, columns, scale }.
function layout(view, width) {
  const stages = view.stages.slice(0, -1);
  const narrow = stages.length > 9;
  const gap = narrow ? 14 : 20;
  const sole = (stage) => (stage.isMaps ? (narrow ? 30 : 58) : 16); // width of one map or a strip
  const several = stages.filter((stage) => stage.isMaps && stage.shape[0] > 1);
  const others = stages.filter((stage) => !several.includes(stage));
  const fixed = others.reduce((sum, stage) => sum + sole(stage), OUTPUT + gap * stages.length);
  const least = narrow ? 43 : 88; // where the page is narrower, the diagram goes downwards
  const room = Math.max(least, (width - fixed) / Math.max(1, several.length));
  const columns = stages.map((stage) => {
    if (!stage.isMaps) return { wide: 16 };
    return fit(stage.shape, several.includes(stage) ? room : sole(stage), HEIGHT, 58);
  });
  // what the maps leave over goes between the columns
  const used = columns.reduce((sum, column) => sum + column.wide, 0);
  const between = Math.max(gap, (width - OUTPUT - used - 1) / columns.length);
  let x = 1;
  for (const column of columns) {
    Object.assign(column, { x, between });
    x += column.wide + between;
  }
  return { columns, output: x, narrow, fits: x + OUTPUT - 1 <= width };
}

// What stands above a stage: its name, what follows it, and its shape.
function namesOf(view, stage, narrow) {
  const last = stage === view.stages.at(-1);
  const steps = last && stage.steps.length === 0 ? ["softmax"] : stage.steps;
  const shape = stage.shape[0] === 1 ? stage.shape.slice(1) : stage.shape;
  const title = narrow ? stage.title.split(" ") : [stage.title];
  return { names: [...title, ...steps], shape: times(stage.isMaps ? shape : [stage.shape[0]]) };
}

// Height of what stands above the maps.
function headHeight(view, narrow) {
  return 22 + 14 * Math.max(...view.stages.map((one) => namesOf(view, one, narrow).names.length));
}

// The shortcuts: from a stage to a later one, over those in between.
const shortcuts = ({ stages }) =>
  stages.flatMap((stage, place) =>
    stage.from.filter((source) => source !== place - 1).map((source) => [source, place]),
  );

export function drawOverview(view) {
  const { stages, theme } = view;
  const arcs = shortcuts(view);
  const width = view.scroll.clientWidth;
  const { columns, output, narrow, fits } = layout(view, width);
  if (!fits) return drawDownwards(view, width);
  const top = headHeight(view, narrow) + (arcs.length > 0 ? ARC : 0);
  const drawing = context(view.overview, width, top + HEIGHT + 4);
  const centre = (place) =>
    place < columns.length ? columns[place].x + columns[place].wide / 2 : output + OUTPUT / 2;
  for (const [source, place] of arcs) {
    drawArc(view, drawing, centre(source) + 4, centre(place) - 4, place - source > 2 ? 3 : 13);
  }
  for (const [place, column] of columns.entries()) {
    drawHead(view, drawing, place, centre(place), top, narrow);
    drawStage(view, drawing, place, column, top, HEIGHT);
    if (stages[place + 1].from.includes(place)) {
      const x = column.x + column.wide + column.between / 2;
      write(drawing, theme, "›", x, top + HEIGHT / 2 + 5, {
        size: 16,
        colour: theme.line,
        align: "center",
      });
    }
  }
  drawHead(view, drawing, stages.length - 1, output + OUTPUT / 2, top, narrow);
  drawOutput(view, drawing, output, top, OUTPUT - 2, HEIGHT);
  drawLines(view, drawing);
}

// The overview of a narrow page: the layers one below the other, so that nothing scrolls sideways.
function drawDownwards(view, width) {
  const { stages, theme } = view;
  const left = shortcuts(view).length > 0 ? GUTTER : 1;
  const room = width - left - 1;
  const rows = stages.map((stage, place) => rowOf(stage, place === stages.length - 1, room));
  let bottom = 0;
  for (const row of rows) {
    Object.assign(row, { x: left, top: bottom + HEAD });
    bottom = row.top + row.high + BETWEEN;
  }
  const drawing = context(view.overview, width, bottom);
  for (const [source, place] of shortcuts(view)) {
    const [from, to] = [source, place].map((one) => rows[one].top + rows[one].high / 2);
    drawSideArc(view, drawing, from + 4, to - 4, place - source > 2 ? 3 : 13);
  }
  for (const [place, row] of rows.entries()) {
    if (row.last) drawOutput(view, drawing, left, row.top, room, row.high);
    else drawStage(view, drawing, place, row, row.top, row.high);
  }
  drawLines(view, drawing, true);
  for (const [place, row] of rows.entries()) {
    const { names, shape } = namesOf(view, stages[place], false);
    const colour = place === view.place.stage ? theme.accent : theme.ink;
    const [x, y] = [left, row.top - 7];
    const edge = true; // lines pass below the names
    write(drawing, theme, names[0], x, y, { bold: true, colour, edge });
    const after = x + drawing.measureText(names[0]).width + 8;
    const muted = { colour: theme.muted, edge };
    write(drawing, theme, names.slice(1).join(", "), after, y, muted);
    write(drawing, theme, shape, width - 1, y, { ...muted, align: "right" });
  }
}

// How a stage fills a row: its columns, their scale, and its height.
function rowOf(stage, last, room) {
  if (last) return { last, high: 22 * stage.shape[0] };
  const [channels, height] = stage.shape;
  if (!stage.isMaps)
    return { columns: channels, cell: [Math.min(28, room / channels), 16], high: 16 };
  const row = fit(stage.shape, room, ROW, 58);
  return { ...row, high: row.rows * (height * row.scale + GAP) - GAP };
}

// A shortcut at the left of the rows that it passes; short ones pass nearer to them.
function drawSideArc(view, drawing, from, to, x) {
  const end = GUTTER - 4;
  drawing.strokeStyle = view.theme.muted;
  drawing.lineWidth = 1.5;
  drawing.beginPath();
  drawing.moveTo(end, from);
  drawing.arcTo(x, from, x, from + 7, 7);
  drawing.arcTo(x, to, x + 7, to, 7);
  drawing.lineTo(end, to);
  drawing.moveTo(end - 5, to - 4);
  drawing.lineTo(end, to);
  drawing.lineTo(end - 5, to + 4);
  drawing.stroke();
}

// A line over the stages in between; long ones pass above short ones.
function drawArc(view, drawing, from, to, y) {
  drawing.strokeStyle = view.theme.muted;
  drawing.lineWidth = 1.5;
  drawing.beginPath();
  drawing.moveTo(from, ARC - 2);
  drawing.arcTo(from, y, from + 7, y, 7);
  drawing.arcTo(to, y, to, y + 7, 7);
  drawing.lineTo(to, ARC - 2);
  drawing.moveTo(to - 4, ARC - 7);
  drawing.lineTo(to, ARC - 2);
  drawing.lineTo(to + 4, ARC - 7);
  drawing.stroke();
}

function drawHead(view, drawing, place, x, top, narrow) {
  const { theme } = view;
  const { names, shape } = namesOf(view, view.stages[place], narrow);
  const size = narrow ? 11 : 12;
  const line = (text, y, options) => {
    drawing.font = `600 ${size}px ${theme.font}`;
    const half = drawing.measureText(text).width / 2 + 1;
    write(drawing, theme, text, Math.max(x, half), y, { size, align: "center", ...options });
  };
  const colour = place === view.place.stage ? theme.accent : theme.ink;
  const first = top - headHeight(view, narrow) + 12;
  for (const [one, text] of names.entries()) {
    line(text, first + 14 * one, one === 0 ? { bold: true, colour } : { colour: theme.muted });
  }
  line(shape, top - 7, { size: narrow ? 10 : 12, colour: theme.muted });
}

// The maps of a stage, or its numbers as a strip, from (column.x, top) on. column.cell: width and
// height of a number of a strip; without it the strip goes downwards.
function drawStage(view, drawing, place, column, top, high) {
  const { theme } = view;
  const stage = view.stages[place];
  const [channels, height, width] = stage.shape;
  const size = stage.isMaps
    ? [width * column.scale, height * column.scale]
    : (column.cell ?? [column.wide, Math.min(14, high / channels)]);
  const columns = column.columns ?? 1;
  const rows = Math.ceil(channels / columns);
  const gap = stage.isMaps ? GAP : 0;
  const free = high - (rows * (size[1] + gap) - gap);
  const start = top + Math.max(0, free / 2);
  for (let channel = 0; channel < channels; channel += 1) {
    const x = column.x + (channel % columns) * (size[0] + gap);
    const y = start + Math.floor(channel / columns) * (size[1] + gap);
    view.maps[place].draw(drawing, channel, x, y, ...size);
    if (stage.isMaps) frame(drawing, theme.line, x, y, ...size, 0.75);
    view.areas.push({ stage: place, channel, x, y, wide: size[0], high: size[1] });
  }
  if (!stage.isMaps) {
    frame(drawing, theme.line, column.x, start, columns * size[0], rows * size[1]);
  }
  drawMarks(view, drawing, place);
}

// Frames: the number that is chosen, and in earlier stages what it depends on.
function drawMarks(view, drawing, place) {
  const { theme, place: chosen } = view;
  const stage = view.stages[place];
  const [, height, width] = stage.shape;
  const field = view.fields[place];
  if (!field) return;
  const direct = view.stages[chosen.stage].from.includes(place);
  const one = stage.shape[0] > 1 && onlyChannel(view, place);
  for (const area of view.areas.filter((found) => found.stage === place)) {
    const mine = place === chosen.stage && area.channel === chosen.channel;
    if (place === chosen.stage && !mine) continue;
    if (one !== false && area.channel !== one) continue;
    const [top, bottom, left, right] = field;
    const scale = [area.wide / width, area.high / height];
    if (mine) frame(drawing, theme.accent, area.x, area.y, area.wide, area.high, 1.5);
    const all = top === 0 && left === 0 && bottom === height && right === width;
    if (!mine && (all || !stage.isMaps)) continue;
    drawing.globalAlpha = mine || direct ? 1 : 0.55;
    frame(
      drawing,
      theme.accent,
      area.x + left * scale[0],
      area.y + top * scale[1],
      (right - left) * scale[0],
      (bottom - top) * scale[1],
      mine || direct ? 1.5 : 1,
    );
    drawing.globalAlpha = 1;
  }
}

// Pooling and addition take one map alone: its number, where the stage is their source.
function onlyChannel(view, place) {
  const { head, from } = view.stages[view.place.stage];
  const mixes = ["conv", "linear"].includes(view.network.nodes[head].kind);
  return !mixes && from.includes(place) ? view.place.channel : false;
}

function drawOutput(view, drawing, ...box) {
  const { theme, probabilities, place } = view;
  const stage = view.stages.length - 1;
  const rows = drawProbabilities(drawing, theme, probabilities, box);
  for (const [channel, row] of rows.entries()) {
    view.areas.push({ stage, channel, ...row });
    if (place.stage === stage && place.channel === channel) {
      frame(drawing, theme.accent, row.x, row.y + 1, row.wide, row.high - 2, 1.5);
    }
  }
}

// Lines from what adds to the chosen number, as thick as it adds: orange, or purple below 0. They
// lead to the right, or down.
function drawLines(view, drawing, downwards = false) {
  const { theme, place, areas } = view;
  const end = areas.find(({ stage, channel }) => {
    return stage === place.stage && channel === place.channel;
  });
  const lines = sums(view);
  const most = largest(lines.map(({ sum }) => sum)) || 1;
  lines.sort((one, other) => Math.abs(other.sum) - Math.abs(one.sum));
  for (const { source, channel, sum } of lines.slice(0, MOST_LINES)) {
    const start = areas.find((area) => area.stage === source && area.channel === channel);
    if (!start || !view.fields[source]) continue;
    const [from, to] = (downwards ? endsBelow : endsBeside)(view, start, end);
    const bend = downwards ? [0, (to[1] - from[1]) / 2] : [(to[0] - from[0]) / 2, 0];
    drawing.strokeStyle = sum < 0 ? theme.negative : theme.positive;
    drawing.lineWidth = 0.6 + (2.6 * Math.abs(sum)) / most;
    drawing.globalAlpha = 0.3 + (0.6 * Math.abs(sum)) / most;
    drawing.beginPath();
    drawing.moveTo(...from);
    const [first, second] = [0, 1].map((axis) => [from[axis] + bend[axis], to[axis] - bend[axis]]);
    drawing.bezierCurveTo(first[0], second[0], first[1], second[1], ...to);
    drawing.stroke();
  }
  drawing.globalAlpha = 1;
}

// Width and height of one number of an area.
const numberOf = ({ stages }, { stage, wide, high }) => [
  wide / stages[stage].shape[2],
  high / stages[stage].shape[1],
];

// The ends of a line from an area on the left: from the right edge of what is seen there, to the
// left edge of the chosen number.
function endsBeside(view, start, end) {
  const [top, bottom, , right] = view.fields[start.stage];
  const [across, down] = numberOf(view, start);
  const [wide, high] = numberOf(view, end);
  const column = view.stages[end.stage].isMaps ? view.place.column : 0;
  return [
    [start.x + Math.min(start.wide, across * right), start.y + down * ((top + bottom) / 2)],
    [end.x + wide * column, end.y + high * (view.place.row + 0.5)],
  ];
}

// The same from an area above: from the lower edge of what is seen there, to the upper edge of the
// chosen number.
function endsBelow(view, start, end) {
  const [, bottom, left, right] = view.fields[start.stage];
  const [across, down] = numberOf(view, start);
  const [wide, high] = numberOf(view, end);
  return [
    [start.x + across * ((left + right) / 2), start.y + Math.min(start.high, down * bottom)],
    [end.x + wide * (view.place.column + 0.5), end.y + high * view.place.row],
  ];
}

// One stage and the maps below it, as large as there is room.
export function drawLayer(view) {
  const { place, stages, theme } = view;
  const width = Math.max(view.scroll.clientWidth, 250);
  const stage = stages[place.stage];
  const groups = [...stage.from, place.stage];
  const high = HEIGHT - 12;
  const top = headHeight(view, false);
  const drawing = context(view.overview, width, top + HEIGHT + 4);
  const between = 70;
  const room = (width - between * (groups.length - 1)) / groups.length - 2;
  for (const [part, one] of groups.entries()) {
    const x = 1 + part * (room + between);
    const last = one === stages.length - 1;
    drawHead(view, drawing, one, x + room / 2, top, false);
    if (last) {
      drawOutput(view, drawing, x + room / 2 - 120, top, 240, high);
      continue;
    }
    const column = stages[one].isMaps
      ? fit(stages[one].shape, room, high, 252)
      : { wide: Math.min(60, room) };
    column.x = x + (room - column.wide) / 2;
    drawStage(view, drawing, one, column, top, high);
  }
  drawKernels(view, drawing);
  drawLines(view, drawing);
  if (stage.from.length === 0) {
    write(drawing, theme, "This is what the network sees.", 4, top + 20, {
      colour: theme.muted,
    });
  }
}

// In the view of one layer, each source map carries the kernel that it meets, in its corner.
function drawKernels(view, drawing) {
  const { place, stages, network, theme } = view;
  const node = network.nodes[stages[place.stage].head];
  if (node.kind !== "conv") return;
  const [source] = stages[place.stage].from;
  const kernels = view.found.terms.map((_, one) => kernelOf(network, node, place.channel, one));
  const limit = Math.max(...kernels.map(largest));
  const maps = new Maps();
  for (const area of view.areas.filter((found) => found.stage === source)) {
    const scale = Math.max(2, Math.floor((area.wide * 0.4) / node.kernel[1]));
    const [wide, high] = [node.kernel[1] * scale, node.kernel[0] * scale];
    maps.paint(kernels[area.channel], [1, ...node.kernel], theme, limit);
    const [x, y] = [area.x + area.wide - wide, area.y + area.high - high];
    maps.draw(drawing, 0, x, y, wide, high);
    frame(drawing, theme.ink, x, y, wide, high, 1);
  }
}
