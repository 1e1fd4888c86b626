// Inside a network: its overview, one map, and where one number of it comes from, for an image that
// may change at any time. Explorer and drawing page put these parts where they want them.

import { chosenSource, drawWork, sayWork } from "./arithmetic.js";
import { drawLayer, drawOverview } from "./diagram.js";
import { sizeOf } from "./forward.js";
import { Drawn, Maps, colourAt, context, frame, largest, levelOf, write } from "./paint.js";
import { bound, button, make, number } from "./parts.js";
import { fieldsOf, stagesOf, workOf } from "./stages.js";

export const HOW =
  "Point at a number to see where it comes from; a click keeps it. Double click, or Enter, shows one " +
  "layer. Arrow keys work on the diagram, the digit, the map and the sums.";
const SELECT = 170; // side of the enlarged map

const canvas = (name, role, label) =>
  make("canvas", { class: name, tabindex: "0", role, "aria-label": label });

// Normalised floats back to bytes in 0..255; zeros that were added around an image are grey.
function bytesOfInput({ normalisation: [mean, deviation] }, values) {
  return Uint8Array.from(values, (value) => Math.round(255 * (value * deviation + mean)));
}

export class Inside extends Drawn {
  // drawn: called after each drawing, with whether something was
  // changed or chosen, and so may be read out. lit: whether a new image passes through the layers
  // one after the other, a frame for each.
  constructor(network, { drawn, lit = false }) {
    super();
    this.network = network;
    this.stages = stagesOf(this.network);
    this.maps = this.stages.map(() => new Maps());
    this.drawn = drawn;
    this.lit = lit;
    this.fronts = []; // of the images that pass through: the next stage of each
    this.painted = null; // the theme in which all maps are painted
    this.whole = false; // one layer instead of the overview
    this.bars = []; // of the arithmetic, to choose a source map by
    this.source = null; // the source map whose patch is shown; null: the one that adds most
    const works = ({ head }) => ["conv", "linear"].includes(this.network.nodes[head].kind);
    this.pinned = this.middle(Math.max(0, this.stages.findIndex(works)), 0);
    this.pointed = null; // what the pointer is over, until it leaves
    this.build();
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

  // --- the parts of the page -----------------------------------------------------------------

  build() {
    this.views = [
      button("All layers", () => this.show(false)),
      button("One layer", () => this.show(true)),
    ];
    this.buttons = make("span", { role: "group", "aria-label": "View" }, ...this.views);
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
    this.work = canvas("mc-work", "application", "");
    this.equation = make("p", { class: "mc-equation" });
    this.mapCaption = make("figcaption");
    this.workCaption = make("figcaption");
    this.scale = [make("span"), make("span"), make("span")];
    this.scroll = make("div", { class: "mc-scroll" }, this.overview);
    this.legend = make(
      "p",
      { class: "mc-legend mc-muted" },
      this.scale[0],
      make("i", { class: "mc-ramp" }),
      this.scale[1],
      this.scale[2],
    );
    this.figures = [
      make("figure", {}, this.mapCaption, this.select),
      make("figure", { class: "mc-wide" }, this.workCaption, this.work, this.equation),
    ];
  }

  // Begins to listen and to draw, once the parts stand in the page.
  start() {
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
      const found = this.bars.find((bar) => x >= bar.x && x < bar.x + bar.wide && y >= bar.y);
      if (!found) return;
      this.source = found.source;
      this.drawSoon();
    });
    work.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step || this.bars.length === 0) return;
      this.source = bound(chosenSource(this) + step, 0, this.bars.length - 1);
      this.drawSoon();
      event.preventDefault();
    });
    this.watch(this.scroll);
    this.resized = new ResizeObserver(() => this.drawSoon());
    this.resized.observe(this.scroll);
    this.drawSoon();
  }

  end() {
    super.end();
    this.resized.disconnect();
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

  // Another image: bytes in 0..255, or null where nothing is drawn: then every map is 0.
  put(image) {
    this.blank = image === null;
    this.image = image ?? new Uint8Array(sizeOf(this.network.nodes[0].shape));
    this.stale = true;
    this.tell = true;
    this.drawSoon();
  }

  compute() {
    if (this.blank) {
      for (const values of this.network.values) values.fill(0);
      this.probabilities = new Float32Array(this.network.values.at(-1).length);
    } else {
      this.network.runDigit(this.image);
      this.probabilities = this.network.probabilities();
    }
    this.limits = this.stages.map((stage) => largest(this.network.values[stage.out]));
    this.stale = false;
    if (this.lit && this.painted) this.fronts.push(0);
    else this.painted = null;
  }

  // Every map anew, or the maps of the stages that a passing image has reached.
  paintMaps() {
    const anew = this.painted !== this.theme;
    for (const place of anew ? this.stages.keys() : this.fronts) this.paintStage(place);
    const last = this.stages.length - 1;
    this.fronts = anew ? [] : this.fronts.filter((one) => one < last).map((one) => one + 1);
    this.painted = this.theme;
    if (this.fronts.length > 0) this.drawSoon();
  }

  paintStage(place) {
    const stage = this.stages[place];
    const values = this.network.values[stage.out];
    let pixels = values;
    if (stage.isImage && this.blank) pixels = new Uint8Array(values.length);
    else if (stage.isImage) pixels = bytesOfInput(this.network, values);
    this.maps[place].paint(pixels, stage.shape, this.theme, this.limits[place], stage.isImage);
  }

  // --- what is drawn ----------------------------------------------------------------------

  draw() {
    if (this.scroll.clientWidth === 0) {
      setTimeout(() => this.drawSoon(), 200); // the page hides it, so there is no width to fill
      return;
    }
    if (this.stale) this.compute();
    this.paintMaps();
    const { place } = this;
    this.found = workOf(this.network, this.stages, place);
    this.fields = fieldsOf(this.network, this.stages, place);
    this.areas = [];
    if (this.whole) drawLayer(this);
    else drawOverview(this);
    this.drawSelect();
    drawWork(this);
    this.drawTexts();
    const tell = this.tell; // pointing is not read out, moving and choosing are
    this.tell = false;
    this.drawn(tell);
  }

  // The part of the image on which the chosen number depends; null where it is the image's own.
  get field() {
    return this.place.stage > 0 ? this.fields[0] : null;
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

  // --- what is said -----------------------------------------------------------------------

  where() {
    const { place } = this;
    const stage = this.stages[place.stage];
    const name = [stage.title, ...stage.steps].join(" + ");
    if (!stage.isMaps) return `${name}, number ${place.channel}`;
    return `${name}, map ${place.channel}, row ${place.row}, column ${place.column}`;
  }

  drawTexts() {
    const { place } = this;
    const stage = this.stages[place.stage];
    const limit = this.limits[place.stage];
    this.scale[0].textContent = number(-limit);
    this.scale[1].textContent = number(limit);
    this.scale[2].textContent = `colours of ${stage.title}; lines: what adds to the number (orange) or takes away (purple)`;
    this.mapCaption.textContent = stage.isMaps
      ? `${stage.title}, map ${place.channel}`
      : `${stage.title}, number ${place.channel}`;
    this.workCaption.textContent = `Where the number at row ${place.row}, column ${place.column} comes from`;
    if (!stage.isMaps) this.workCaption.textContent = "Where this number comes from";
    const said = sayWork(this);
    this.equation.replaceChildren(...said.map((step) => make("span", {}, step)));
    const more = this.bars.length > 0 ? ". Left and right choose one of the maps below" : "";
    this.work.setAttribute("aria-label", `${this.where()}: ${said.join(", ")}${more}`);
    this.views.forEach((view, whole) => {
      view.setAttribute("aria-pressed", String((whole === 1) === this.whole));
    });
  }
}
