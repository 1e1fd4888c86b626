// A network to look into: every layer as maps of a digit, one layer, and the arithmetic of one
// number. All of it is computed in the page, so that it follows each move of the digit.

import { DigitPad, padButtons } from "./digit.js";
import { Network, bytesOf, floatsOf } from "./forward.js";
import {
  Maps,
  colourAt,
  context,
  drawProbabilities,
  frame,
  labelledSlider,
  largest,
  levelOf,
  make,
  number,
  percent,
  section,
  themeOf,
  watchTheme,
  write,
} from "./paint.js";
import { fieldsOf, indexOf, kernelOf, patchOf, stagesOf, times, workOf } from "./stages.js";

const HEIGHT = 360; // of the maps in the overview
const ARC = 32; // above their names, where a shortcut passes
const OUTPUT = 132; // width of the probabilities
const GAP = 3; // between maps
const MOST_LINES = 24; // that are drawn to one number
const SELECT = 170; // side of the enlarged map

const bound = (value, low, high) => Math.max(low, Math.min(high, value));

// How maps of a shape fill a place `wide` and `high`: columns, and the side of a number, at least 1.
function fit([channels, height, width], wide, high, most) {
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

const canvas = (name, role, label) =>
  make("canvas", { class: name, tabindex: "0", role, "aria-label": label });

// Normalised floats back to bytes in 0..255; zeros that were added around an image are grey.
function bytesOfInput({ normalisation: [mean, deviation] }, values) {
  return Uint8Array.from(values, (value) => Math.round(255 * (value * deviation + mean)));
}

// Numbers added up, with the signs between them.
const added = (numbers) =>
  numbers
    .map((one, place) => {
      const text = number(one);
      if (place === 0) return text;
      return text.startsWith("−") ? `− ${text.slice(1)}` : `+ ${text}`;
    })
    .join(" ");

class Explorer {
  constructor(element, { title, networks, digits, labels }) {
    const [{ description, weights }] = networks;
    this.network = new Network(description, weights);
    this.stages = stagesOf(this.network);
    this.maps = this.stages.map(() => new Maps());
    this.digits = digits;
    this.labels = labels;
    this.whole = false; // one layer instead of the overview
    this.source = null; // the source map whose patch is shown; null: the one that adds most
    const works = ({ head }) => ["conv", "linear"].includes(this.network.nodes[head].kind);
    this.pinned = this.middle(Math.max(0, this.stages.findIndex(works)), 0);
    this.pointed = null; // what the pointer is over, until it leaves
    this.build(element, title);
    this.choose(0);
  }

  get place() {
    return this.pointed ?? this.pinned;
  }

  middle(stage, channel) {
    const [channels, height, width] = this.stages[stage].shape;
    return {
      stage,
      channel: bound(channel, 0, channels - 1),
      row: Math.floor(height / 2),
      column: Math.floor(width / 2),
    };
  }

  // --- the page ---------------------------------------------------------------------------

  build(element, title) {
    this.pad = new DigitPad({ changed: () => this.computeSoon() });
    this.slider = labelledSlider("Digit", 0, this.labels.length - 1, (value) => this.choose(value));
    this.caption = make("span", { class: "mc-caption" });
    this.views = ["All layers", "One layer"].map((label, whole) => {
      const button = make("button", { type: "button" }, label);
      button.addEventListener("click", () => this.show(whole === 1));
      return button;
    });
    this.overview = canvas(
      "mc-overview",
      "application",
      "The network. Left and right choose a layer, up and down a map, Enter enlarges the layer.",
    );
    this.select = canvas(
      "mc-select",
      "application",
      "The map that is chosen. Arrow keys choose a number of it.",
    );
    this.work = make("canvas", { class: "mc-work", role: "img" });
    this.equation = make("p", { class: "mc-equation" });
    this.status = make("p", { class: "mc-status", role: "status" });
    this.mapCaption = make("figcaption");
    this.workCaption = make("figcaption");
    this.scale = [make("span"), make("span"), make("span")];
    this.scroll = make("div", { class: "mc-scroll" }, this.overview);
    this.root = section(
      "mc-network",
      title,
      make(
        "div",
        { class: "mc-bar" },
        this.slider.label,
        this.caption,
        make("span", { role: "group", "aria-label": "View", class: "mc-right" }, ...this.views),
      ),
      this.scroll,
      make(
        "p",
        { class: "mc-legend mc-muted" },
        this.scale[0],
        make("i", { class: "mc-ramp" }),
        this.scale[1],
        this.scale[2],
      ),
      make(
        "div",
        { class: "mc-below" },
        make(
          "figure",
          {},
          make("figcaption", {}, "The digit: drag it"),
          this.pad.canvas,
          padButtons(this.pad),
        ),
        make("figure", {}, this.mapCaption, this.select),
        make("figure", { class: "mc-wide" }, this.workCaption, this.work, this.equation),
      ),
      this.status,
    );
    element.append(this.root);
    this.listen();
  }

  listen() {
    const { overview, select, work } = this;
    overview.addEventListener("pointermove", (event) => this.point(this.hit(event)));
    overview.addEventListener("pointerleave", () => this.point(null));
    overview.addEventListener("pointerdown", (event) => {
      const place = this.hit(event);
      if (place) this.pin(place);
    });
    overview.addEventListener("dblclick", () => this.show(!this.whole));
    overview.addEventListener("keydown", (event) => this.key(event, true));
    select.addEventListener("keydown", (event) => this.key(event, false));
    const within = (event) => {
      const box = select.getBoundingClientRect();
      const { stage, channel } = this.pinned;
      const [, height, width] = this.stages[stage].shape;
      const scale = this.selectScale(this.pinned);
      return {
        stage,
        channel,
        row: bound(Math.floor((event.clientY - box.top - 1) / scale), 0, height - 1),
        column: bound(Math.floor((event.clientX - box.left - 1) / scale), 0, width - 1),
      };
    };
    select.addEventListener("pointermove", (event) => {
      if (this.stages[this.pinned.stage].isMaps) this.point(within(event));
    });
    select.addEventListener("pointerleave", () => this.point(null));
    select.addEventListener("pointerdown", (event) => {
      if (this.stages[this.pinned.stage].isMaps) this.pin(within(event));
    });
    work.addEventListener("pointerdown", (event) => {
      const box = work.getBoundingClientRect();
      const [x, y] = [event.clientX - box.left, event.clientY - box.top];
      const found = this.bars?.find((bar) => x >= bar.x && x < bar.x + bar.wide && y >= bar.y);
      if (!found) return;
      this.source = found.source;
      this.drawSoon();
    });
    this.endings = [watchTheme(() => this.drawSoon(true))];
    const size = new ResizeObserver(() => this.drawSoon());
    size.observe(this.scroll);
    this.endings.push(() => size.disconnect());
  }

  end() {
    this.gone = true;
    for (const end of this.endings) end();
  }

  // What the pointer is over in the overview: a place, or null.
  hit(event) {
    const box = this.overview.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const found = this.areas.find(
      (area) => x >= area.x && x < area.x + area.wide && y >= area.y && y < area.y + area.high,
    );
    if (!found) return null;
    const [, height, width] = this.stages[found.stage].shape;
    return {
      stage: found.stage,
      channel: found.channel,
      row: bound(Math.floor(((y - found.y) / found.high) * height), 0, height - 1),
      column: bound(Math.floor(((x - found.x) / found.wide) * width), 0, width - 1),
    };
  }

  point(place) {
    this.pointed = place;
    this.source = null;
    this.drawSoon();
  }

  pin(place) {
    this.pinned = place;
    this.pointed = null;
    this.source = null;
    this.drawSoon();
    this.tell = true;
  }

  show(whole) {
    this.whole = whole;
    this.pointed = null;
    this.drawSoon();
  }

  key(event, layers) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const { stage, channel, row, column } = this.pinned;
    const [channels, height, width] = this.stages[stage].shape;
    const last = this.stages.length - 1;
    const numbers = !layers || event.shiftKey;
    const to = (changes) => this.pin({ ...this.pinned, ...changes });
    const across = (step) => {
      if (numbers) return to({ column: bound(column + step, 0, width - 1) });
      return this.pin(this.middle(bound(stage + step, 0, last), channel));
    };
    const down = (step) => {
      if (numbers && this.stages[stage].isMaps) {
        return to({ row: bound(row + step, 0, height - 1) });
      }
      return to({ channel: bound(channel + step, 0, channels - 1) });
    };
    const actions = {
      ArrowLeft: () => across(-1),
      ArrowRight: () => across(1),
      ArrowUp: () => down(-1),
      ArrowDown: () => down(1),
      PageUp: () => to({ channel: bound(channel - 1, 0, channels - 1) }),
      PageDown: () => to({ channel: bound(channel + 1, 0, channels - 1) }),
      Enter: () => this.show(!this.whole),
      Escape: () => this.show(false),
    };
    if (!actions[event.key]) return;
    actions[event.key]();
    event.preventDefault();
    event.stopPropagation();
  }

  choose(index) {
    this.index = index;
    this.pad.put(this.digits.subarray(index * 784, (index + 1) * 784));
    this.slider.set(index);
    this.computeSoon();
  }

  // --- what is computed -------------------------------------------------------------------

  computeSoon() {
    this.stale = true;
    this.tell = true;
    this.drawSoon();
  }

  drawSoon(newTheme = false) {
    if (newTheme) this.theme = null;
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      if (!this.gone && this.root.isConnected) this.draw();
    });
  }

  compute() {
    this.network.runDigit(this.pad.image);
    this.probabilities = this.network.probabilities();
    this.limits = this.stages.map((stage) => largest(this.network.values[stage.out]));
    this.stale = false;
    this.painted = false;
  }

  paintMaps() {
    for (const [place, stage] of this.stages.entries()) {
      const values = this.network.values[stage.out];
      const pixels = stage.isImage ? bytesOfInput(this.network, values) : values;
      this.maps[place].paint(pixels, stage.shape, this.theme, this.limits[place], stage.isImage);
    }
    this.painted = true;
  }

  // --- what is drawn ----------------------------------------------------------------------

  draw() {
    if (!this.theme) {
      this.theme = themeOf(this.root);
      this.painted = false;
    }
    if (this.stale) this.compute();
    if (!this.painted) this.paintMaps();
    const { place } = this;
    this.found = workOf(this.network, this.stages, place);
    this.fields = fieldsOf(this.network, this.stages, place);
    this.areas = [];
    if (this.whole) this.drawLayer();
    else this.drawOverview();
    const [field] = place.stage > 0 ? this.fields : [null];
    this.pad.draw(this.theme, field);
    this.drawSelect();
    this.drawWork();
    this.drawTexts();
  }

  // Where each stage stands in the overview: { x, wide, between, columns, scale }.
  layout(width) {
    const stages = this.stages.slice(0, -1);
    const narrow = stages.length > 9;
    const gap = narrow ? 14 : 20;
    const sole = (stage) => (stage.isMaps ? (narrow ? 30 : 58) : 16); // width of one map or a strip
    const several = stages.filter((stage) => stage.isMaps && stage.shape[0] > 1);
    const others = stages.filter((stage) => !several.includes(stage));
    const fixed = others.reduce((sum, stage) => sum + sole(stage), OUTPUT + gap * stages.length);
    const room = Math.max(43, (width - fixed) / Math.max(1, several.length));
    const columns = stages.map((stage) => {
      if (!stage.isMaps) return { wide: 16 };
      return fit(stage.shape, several.includes(stage) ? room : sole(stage), HEIGHT, 58);
    });
    // what the maps leave over goes between the columns
    const used = columns.reduce((sum, column) => sum + column.wide, 0);
    const between = Math.max(gap, (width - OUTPUT - used) / columns.length);
    let x = 1;
    for (const column of columns) {
      Object.assign(column, { x, between });
      x += column.wide + between;
    }
    return { columns, output: x, width: Math.max(width, x + OUTPUT), narrow };
  }

  // What stands above a stage: its name, what follows it, and its shape.
  lines(stage, narrow) {
    const last = stage === this.stages.at(-1);
    const steps = last && stage.steps.length === 0 ? ["softmax"] : stage.steps;
    const shape = stage.shape[0] === 1 ? stage.shape.slice(1) : stage.shape;
    const title = narrow ? stage.title.split(" ") : [stage.title];
    return { names: [...title, ...steps], shape: times(stage.isMaps ? shape : [stage.shape[0]]) };
  }

  // Height of what stands above the maps.
  head(narrow) {
    return 16 + 14 * Math.max(...this.stages.map((one) => this.lines(one, narrow).names.length));
  }

  drawOverview() {
    const { stages, theme } = this;
    const arcs = stages.flatMap((stage, place) =>
      stage.from.filter((source) => source !== place - 1).map((source) => [source, place]),
    );
    const { columns, output, width, narrow } = this.layout(this.scroll.clientWidth);
    const top = this.head(narrow) + (arcs.length > 0 ? ARC : 0);
    const drawing = context(this.overview, width, top + HEIGHT + 4);
    const centre = (place) =>
      place < columns.length ? columns[place].x + columns[place].wide / 2 : output + OUTPUT / 2;
    for (const [source, place] of arcs) {
      this.drawArc(drawing, centre(source) + 4, centre(place) - 4, place - source > 2 ? 3 : 13);
    }
    for (const [place, column] of columns.entries()) {
      this.drawHead(drawing, place, centre(place), top, narrow);
      this.drawStage(drawing, place, column, top, HEIGHT);
      if (stages[place + 1].from.includes(place)) {
        const x = column.x + column.wide + column.between / 2;
        write(drawing, theme, "›", x, top + HEIGHT / 2 + 5, {
          size: 16,
          colour: theme.line,
          align: "center",
        });
      }
    }
    this.drawHead(drawing, stages.length - 1, output + OUTPUT / 2, top, narrow);
    this.drawOutput(drawing, output, top, OUTPUT - 2, HEIGHT);
    this.drawLines(drawing);
  }

  // A line over the stages in between; long ones pass above short ones.
  drawArc(drawing, from, to, y) {
    drawing.strokeStyle = this.theme.muted;
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

  drawHead(drawing, place, x, top, narrow) {
    const { theme } = this;
    const { names, shape } = this.lines(this.stages[place], narrow);
    const size = narrow ? 11 : 12;
    const line = (text, y, options) => {
      drawing.font = `600 ${size}px ${theme.font}`;
      const half = drawing.measureText(text).width / 2 + 1;
      write(drawing, theme, text, Math.max(x, half), y, { size, align: "center", ...options });
    };
    const colour = place === this.place.stage ? theme.accent : theme.ink;
    const first = top - this.head(narrow) + 12;
    for (const [one, text] of names.entries()) {
      line(text, first + 14 * one, one === 0 ? { bold: true, colour } : { colour: theme.muted });
    }
    line(shape, top - 7, { size: narrow ? 10 : 12, colour: theme.muted });
  }

  // The maps of a stage, or its numbers as a strip, from (column.x, top) on.
  drawStage(drawing, place, column, top, high, marks = true) {
    const { theme } = this;
    const stage = this.stages[place];
    const [channels, height, width] = stage.shape;
    const size = stage.isMaps
      ? [width * column.scale, height * column.scale]
      : [column.wide, Math.min(14, high / channels)];
    const columns = column.columns ?? 1;
    const rows = Math.ceil(channels / columns);
    const gap = stage.isMaps ? GAP : 0;
    const free = high - (rows * (size[1] + gap) - gap);
    const start = top + Math.max(0, free / 2);
    for (let channel = 0; channel < channels; channel += 1) {
      const x = column.x + (channel % columns) * (size[0] + gap);
      const y = start + Math.floor(channel / columns) * (size[1] + gap);
      this.maps[place].draw(drawing, channel, x, y, ...size);
      if (stage.isMaps) frame(drawing, theme.line, x, y, ...size, 0.75);
      this.areas.push({ stage: place, channel, x, y, wide: size[0], high: size[1] });
    }
    if (!stage.isMaps) frame(drawing, theme.line, column.x, start, size[0], channels * size[1]);
    if (marks) this.drawMarks(drawing, place);
  }

  // Frames: the number that is chosen, and in earlier stages what it depends on.
  drawMarks(drawing, place) {
    const { theme, place: chosen } = this;
    const stage = this.stages[place];
    const [, height, width] = stage.shape;
    const field = this.fields[place];
    if (!field) return;
    const direct = this.stages[chosen.stage].from.includes(place);
    const one = stage.shape[0] > 1 && this.onlyChannel(place);
    for (const area of this.areas.filter((found) => found.stage === place)) {
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
  onlyChannel(place) {
    const { head, from } = this.stages[this.place.stage];
    const mixes = ["conv", "linear"].includes(this.network.nodes[head].kind);
    return !mixes && from.includes(place) ? this.place.channel : false;
  }

  drawOutput(drawing, ...box) {
    const { theme, probabilities, place } = this;
    const stage = this.stages.length - 1;
    const rows = drawProbabilities(drawing, theme, probabilities, box);
    for (const [channel, row] of rows.entries()) {
      this.areas.push({ stage, channel, ...row });
      if (place.stage === stage && place.channel === channel) {
        frame(drawing, theme.accent, row.x, row.y + 1, row.wide, row.high - 2, 1.5);
      }
    }
  }

  // Lines from what adds to the chosen number, as thick as it adds: orange, or purple below 0.
  drawLines(drawing) {
    const { theme, found, place, areas } = this;
    const stage = this.stages[place.stage];
    const end = areas.find(({ stage: one, channel }) => {
      return one === place.stage && channel === place.channel;
    });
    const lines = this.sums();
    const most = largest(lines.map(({ sum }) => sum)) || 1;
    lines.sort((one, other) => Math.abs(other.sum) - Math.abs(one.sum));
    for (const { source, channel, sum } of lines.slice(0, MOST_LINES)) {
      const start = areas.find((area) => area.stage === source && area.channel === channel);
      const field = this.fields[source];
      if (!start || !field) continue;
      const [, height, width] = this.stages[source].shape;
      const from = [
        start.x + Math.min(start.wide, (start.wide / width) * field[3]),
        start.y + (start.high / height) * ((field[0] + field[1]) / 2),
      ];
      const to = [
        end.x + (stage.isMaps ? (end.wide / stage.shape[2]) * place.column : 0),
        end.y + (end.high / stage.shape[1]) * (place.row + 0.5),
      ];
      const bend = (to[0] - from[0]) / 2;
      drawing.strokeStyle = sum < 0 ? theme.negative : theme.positive;
      drawing.lineWidth = 0.6 + (2.6 * Math.abs(sum)) / most;
      drawing.globalAlpha = 0.3 + (0.6 * Math.abs(sum)) / most;
      drawing.beginPath();
      drawing.moveTo(...from);
      drawing.bezierCurveTo(from[0] + bend, from[1], to[0] - bend, to[1], ...to);
      drawing.stroke();
    }
    drawing.globalAlpha = 1;
    return found;
  }

  // What goes into the chosen number from each map of the stages below.
  sums() {
    const { place, found } = this;
    const stage = this.stages[place.stage];
    if (found.terms.length > 0) {
      return found.terms.map((sum, channel) => ({ source: stage.from[0], channel, sum }));
    }
    return stage.from.map((source) => {
      const values = this.network.values[this.stages[source].out];
      const same = String(this.stages[source].shape) === String(stage.shape);
      const sum = same ? values[indexOf(stage.shape, place)] : found.head;
      return { source, channel: place.channel, sum };
    });
  }

  // One stage and the maps below it, as large as there is room.
  drawLayer() {
    const { place, stages, theme } = this;
    const width = Math.max(this.scroll.clientWidth, 320);
    const stage = stages[place.stage];
    const groups = [...stage.from, place.stage];
    const high = HEIGHT - 12;
    const top = this.head(false);
    const drawing = context(this.overview, width, top + HEIGHT + 4);
    const between = 70;
    const room = (width - between * (groups.length - 1)) / groups.length - 2;
    for (const [part, one] of groups.entries()) {
      const x = 1 + part * (room + between);
      const last = one === stages.length - 1;
      this.drawHead(drawing, one, x + room / 2, top, false);
      if (last) {
        this.drawOutput(drawing, x + room / 2 - 120, top, 240, high);
        continue;
      }
      const column = stages[one].isMaps
        ? fit(stages[one].shape, room, high, 252)
        : { wide: Math.min(60, room) };
      column.x = x + (room - column.wide) / 2;
      this.drawStage(drawing, one, column, top, high);
    }
    this.drawKernels(drawing);
    this.drawLines(drawing);
    if (stage.from.length === 0) {
      write(drawing, theme, "This is what the network sees.", 4, top + 20, {
        colour: theme.muted,
      });
    }
  }

  // In the view of one layer, each source map carries the kernel that it meets, in its corner.
  drawKernels(drawing) {
    const { place, stages, network, theme } = this;
    const node = network.nodes[stages[place.stage].head];
    if (node.kind !== "conv") return;
    const [source] = stages[place.stage].from;
    const kernels = this.found.terms.map((_, one) => kernelOf(network, node, place.channel, one));
    const limit = Math.max(...kernels.map(largest));
    const maps = new Maps();
    for (const area of this.areas.filter((found) => found.stage === source)) {
      const scale = Math.max(2, Math.floor((area.wide * 0.4) / node.kernel[1]));
      const [wide, high] = [node.kernel[1] * scale, node.kernel[0] * scale];
      maps.paint(kernels[area.channel], [1, ...node.kernel], theme, limit);
      const [x, y] = [area.x + area.wide - wide, area.y + area.high - high];
      maps.draw(drawing, 0, x, y, wide, high);
      frame(drawing, theme.ink, x, y, wide, high, 1);
    }
  }

  selectScale({ stage }) {
    const [, height, width] = this.stages[stage].shape;
    return Math.max(1, Math.floor(SELECT / Math.max(height, width)));
  }

  // The chosen map alone, enlarged, with its number in a frame; of a vector the number.
  drawSelect() {
    const { theme, place } = this;
    const stage = this.stages[place.stage];
    const [, height, width] = stage.shape;
    const scale = this.selectScale(place);
    const drawing = context(this.select, width * scale + 2, height * scale + 2);
    this.maps[place.stage].draw(drawing, place.channel, 1, 1, width * scale, height * scale);
    frame(drawing, theme.line, 1, 1, width * scale, height * scale);
    if (stage.isMaps) {
      const at = [1 + place.column * scale, 1 + place.row * scale];
      frame(drawing, theme.accent, ...at, scale, scale, 2);
      return;
    }
    const level = levelOf(this.found.value, this.limits[place.stage]);
    const { ink } = colourAt(theme.signed, level);
    write(drawing, theme, number(this.found.value), scale / 2, scale / 2 + 10, {
      size: 28,
      colour: ink,
      align: "center",
    });
  }

  // A small matrix with its numbers written in.
  matrix(drawing, values, [rows, columns], x, y, cell, limit, chosen = -1) {
    const { theme } = this;
    const size = bound(cell * 0.3, 8, 12);
    for (let place = 0; place < rows * columns; place += 1) {
      const at = [x + (place % columns) * cell, y + Math.floor(place / columns) * cell];
      const { fill, ink } = colourAt(theme.signed, levelOf(values[place], limit));
      drawing.fillStyle = fill;
      drawing.fillRect(...at, cell, cell);
      if (cell >= 20) {
        const digits = cell < 28 ? 1 : 2;
        write(
          drawing,
          theme,
          number(values[place], digits),
          at[0] + cell / 2,
          at[1] + cell / 2 + 4,
          {
            size,
            colour: ink,
            align: "center",
          },
        );
      }
      if (place === chosen)
        frame(drawing, theme.accent, at[0] + 2, at[1] + 2, cell - 4, cell - 4, 2);
    }
    frame(drawing, theme.line, x, y, columns * cell, rows * cell);
  }

  drawWork() {
    const { place, network } = this;
    const stage = this.stages[place.stage];
    const node = network.nodes[stage.head];
    const width = Math.max(300, this.work.parentElement.clientWidth);
    const drawing = context(this.work, width, 212);
    this.bars = [];
    const draw = {
      conv: () => this.drawConvolution(drawing, node, width),
      linear: () => this.drawLinear(drawing, node, width),
      max_pool: () => this.drawPooling(drawing, node),
      average_pool: () => this.drawPooling(drawing, node),
      add: () => this.drawSum(drawing),
    }[node.kind];
    if (draw) draw();
    this.work.hidden = !draw;
  }

  drawConvolution(drawing, node, width) {
    const { theme, place, network, found } = this;
    const amounts = found.terms.map(Math.abs);
    const source = this.source ?? amounts.indexOf(Math.max(...amounts));
    const patch = patchOf(network, node, source, place);
    const kernel = kernelOf(network, node, place.channel, source);
    const many = found.terms.length > 1;
    const most = Math.min(many ? 28 : 40, 168 / node.kernel[0]);
    const cell = Math.floor(bound((width - 110) / 2 / node.kernel[1], 16, most));
    const side = node.kernel[1] * cell;
    const high = node.kernel[0] * cell;
    const label = (text, x) => write(drawing, theme, text, x, 12, { colour: theme.muted });
    label(many ? `patch of map ${source}` : "patch", 1);
    label("kernel", side + 27);
    this.matrix(drawing, patch, node.kernel, 1, 19, cell, largest(patch));
    write(drawing, theme, "×", side + 14, 24 + high / 2, { size: 18, align: "center" });
    this.matrix(drawing, kernel, node.kernel, side + 27, 19, cell, largest(kernel));
    const x = 2 * side + 40;
    const sum = found.terms[source];
    write(drawing, theme, "=", x, 24 + high / 2, { size: 18, align: "center" });
    write(drawing, theme, number(sum), x + 12, 24 + high / 2, { size: 16, bold: true });
    if (many) this.drawBars(drawing, x + 78, width - x - 82, source);
  }

  // What each map adds, as bars up and down from 0; the chosen one is marked.
  drawBars(drawing, x, wide, source) {
    const { theme, found } = this;
    const { terms } = found;
    if (wide < 60) return;
    const bar = Math.min(26, wide / terms.length);
    const most = largest(terms) || 1;
    const [middle, high] = [104, 80];
    write(drawing, theme, wide < 150 ? "each map's sum" : "each map's sum: choose one", x, 12, {
      colour: theme.muted,
    });
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
      this.bars.push({ source: one, x: left, y: 16, wide: bar });
    }
    drawing.fillStyle = theme.muted;
    drawing.fillRect(x, middle, bar * terms.length, 1);
  }

  // Inputs, weights and their products, as maps where the inputs are maps, else as a block.
  drawLinear(drawing, node, width) {
    const { theme, network, place, stages } = this;
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

  drawPooling(drawing, node) {
    const { theme, network, place, found } = this;
    const patch = patchOf(network, node, place.channel, place);
    const cell = Math.floor(bound(168 / Math.max(...node.kernel), 16, 56));
    const limit = this.limits[this.stages[place.stage].from[0]];
    const most = node.kind === "max_pool" ? patch.indexOf(found.head) : -1;
    write(drawing, theme, `patch of map ${place.channel}`, 1, 12, { colour: theme.muted });
    this.matrix(drawing, patch, node.kernel, 1, 19, cell, limit, most);
    const x = node.kernel[1] * cell + 16;
    const what = node.kind === "max_pool" ? "the largest:" : "the mean:";
    write(drawing, theme, what, x, 40, { colour: theme.muted });
    write(drawing, theme, number(found.head), x, 64, { size: 18, bold: true });
  }

  drawSum(drawing) {
    const { theme, stages, place } = this;
    for (const [part, { source, sum }] of this.sums().entries()) {
      const [, height, width] = stages[source].shape;
      const scale = Math.max(1, Math.floor(150 / Math.max(height, width)));
      const x = 1 + part * 190;
      write(drawing, theme, `${stages[source].title}, map ${place.channel}`, x, 12, {
        colour: theme.muted,
      });
      this.maps[source].draw(drawing, place.channel, x, 19, width * scale, height * scale);
      frame(drawing, theme.line, x, 19, width * scale, height * scale);
      const at = [x + place.column * scale, 19 + place.row * scale];
      frame(drawing, theme.accent, ...at, scale, scale, 2);
      write(drawing, theme, number(sum), x, 36 + height * scale, { size: 14, bold: true });
      if (part > 0) write(drawing, theme, "+", x - 24, 96, { size: 18, align: "center" });
    }
  }

  // --- what is said -----------------------------------------------------------------------

  // The arithmetic of the chosen number step by step, as texts.
  said() {
    const { found, place, network } = this;
    const stage = this.stages[place.stage];
    const node = network.nodes[stage.head];
    const parts = [];
    if (node.kind === "image") {
      const byte = this.pad.image[indexOf(stage.shape, place)];
      const [mean, deviation] = network.normalisation;
      return [`(${byte} ÷ 255 − ${mean}) ÷ ${deviation} = ${number(found.value)}`];
    }
    if (found.terms.length > 0) {
      const { terms } = found;
      const sum = terms.reduce((one, other) => one + other, 0);
      const few = terms.length <= 6 && terms.length > 1;
      parts.push(few ? `${added(terms)} = ${number(sum)}` : `sum of products: ${number(sum)}`);
      if (node.bias !== null)
        parts.push(`bias: ${added([sum, found.bias])} = ${number(found.head)}`);
    } else if (node.kind === "add") {
      parts.push(`${added(this.sums().map(({ sum }) => sum))} = ${number(found.head)}`);
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
    if (place.stage === this.stages.length - 1 && !stage.steps.includes("softmax")) {
      parts.push(`softmax: ${percent(this.probabilities[place.channel])}`);
    }
    return parts;
  }

  where() {
    const { place } = this;
    const stage = this.stages[place.stage];
    const name = [stage.title, ...stage.steps].join(" + ");
    if (!stage.isMaps) return `${name}, number ${place.channel}`;
    return `${name}, map ${place.channel}, row ${place.row}, column ${place.column}`;
  }

  drawTexts() {
    const { place, pad } = this;
    const stage = this.stages[place.stage];
    const best = this.probabilities.indexOf(largest(this.probabilities));
    const answer = `${best} with ${percent(this.probabilities[best])}`;
    const [across, down] = pad.shift;
    const parts = [`number ${this.index}, label ${this.labels[this.index]}`];
    if (across || down) parts.push(`moved by ${number(across, 0)}, ${number(down, 0)}`);
    this.caption.textContent = parts.join(", ");
    const limit = this.limits[place.stage];
    this.scale[0].textContent = number(-limit);
    this.scale[1].textContent = number(limit);
    this.scale[2].textContent = `colours of ${stage.title}; lines: what adds to the number (orange) or takes away (purple)`;
    this.mapCaption.textContent = stage.isMaps
      ? `${stage.title}, map ${place.channel}`
      : `${stage.title}, number ${place.channel}`;
    this.workCaption.textContent = `Where the number at row ${place.row}, column ${place.column} comes from`;
    if (!stage.isMaps) this.workCaption.textContent = "Where this number comes from";
    const said = this.said();
    this.equation.replaceChildren(...said.map((step) => make("span", {}, step)));
    this.work.setAttribute("aria-label", `${this.where()}: ${said.join(", ")}`);
    this.views.forEach((button, whole) => {
      button.setAttribute("aria-pressed", String((whole === 1) === this.whole));
    });
    if (!this.tell) return; // pointing is not read out, moving and choosing are
    this.tell = false;
    this.status.textContent = `The network says ${answer}. ${this.where()}: ${number(this.found.value)}.`;
  }
}

// Puts the explorer into an element of any page. given: { title, networks: [{ description,
// weights }], digits, labels }; weights and digits as bytes or as base64. Returns what ends it.
export function exploreNetwork(element, given) {
  const explorer = new Explorer(element, {
    title: given.title,
    networks: given.networks.map(({ description, weights }) => ({
      description,
      weights: floatsOf(bytesOf(weights)),
    })),
    digits: bytesOf(given.digits),
    labels: given.labels,
  });
  return () => explorer.end();
}

function render({ model, el }) {
  const weights = model.get("weights");
  const networks = model.get("descriptions").map((description, place) => ({
    description,
    weights: weights[place],
  }));
  const [title, digits, labels] = ["title", "digits", "labels"].map((name) => model.get(name));
  return exploreNetwork(el, { title, networks, digits, labels });
}

export default { render };
