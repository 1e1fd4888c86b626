// Draws a sheet, the plain description of a picture, on a canvas in the colours of the page.
//
// `mnist_course/widgets/pixels.py` makes the description, and `raster.py` draws the same without
// a page. Colours have names, such as "ink", which are custom properties of `theme.css`.

const FULL = 254; // the highest level of a map; 255 is for what is no number
const CLEARLY = 127 - Math.round(0.25 * 127); // levels below it are clearly below 0
const STOPS = {
  grey: ["paper", "ink"],
  signed: ["negative", "negative-soft", "paper", "positive-soft", "positive"],
};
const ALIGN = { l: "left", m: "center", r: "right" };
const BASELINE = { a: "top", m: "middle", s: "alphabetic" };

// Length of the JSON text, the text, bytes of the maps.
export function decodeSheet(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = 4 + view.getUint32(0, true);
  const content = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sheet = JSON.parse(new TextDecoder().decode(content.subarray(4, end)));
  return { ...sheet, maps: content.subarray(end) };
}

// The colours of a page as its theme has them now. A canvas knows no custom properties, so an
// element is asked what colour each of them is.
export class Colours {
  constructor(element) {
    this.probe = element.ownerDocument.createElement("span");
    this.probe.className = "mc";
    this.probe.hidden = true;
    element.append(this.probe);
    this.forget();
  }

  end() {
    this.probe.remove();
  }

  get font() {
    return getComputedStyle(this.probe).fontFamily;
  }

  // The theme has changed.
  forget() {
    this.known = new Map();
    this.scales = {};
  }

  // [red, green, blue] of a name.
  rgb(name) {
    if (!this.known.has(name)) {
      this.probe.style.color = `var(--mc-${name})`;
      const told = getComputedStyle(this.probe)
        .color.match(/[\d.]+/g)
        .slice(0, 3);
      this.known.set(name, told.map(Number));
    }
    return this.known.get(name);
  }

  css = (name) => `rgb(${this.rgb(name).join()})`;

  // The colours of all levels of a palette, four bytes each.
  scale(palette) {
    this.scales[palette] ??= this.makeScale(STOPS[palette].map((name) => this.rgb(name)));
    return this.scales[palette];
  }

  makeScale(stops) {
    const every = new Uint8ClampedArray(4 * 256).fill(255);
    for (let level = 0; level <= FULL; level += 1) {
      const place = (level / FULL) * (stops.length - 1);
      const first = Math.min(Math.floor(place), stops.length - 2);
      const mix = (one, channel) => one + (stops[first + 1][channel] - one) * (place - first);
      every.set(stops[first].map(mix), 4 * level);
    }
    every.set(this.rgb("line"), 4 * 255);
    return every;
  }

  of = (palette, level) => [...this.scale(palette).subarray(4 * level, 4 * level + 3)];
}

// Black or white, whichever has more contrast with a colour (WCAG 2.1, section 1.4.3).
function inkOn([red, green, blue]) {
  const [r, g, b] = [red, green, blue].map((level) => (level / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b < 0.179 ? "#ffffff" : "#000000";
}

function mapPixels(item, maps, colours) {
  const count = item.rows * item.columns;
  const image = new ImageData(item.columns, item.rows);
  const scale = colours.scale(item.palette);
  for (let place = 0; place < count; place += 1) {
    const level = maps[item.at + place];
    image.data.set(scale.subarray(4 * level, 4 * level + 4), 4 * place);
  }
  return image;
}

const DRAW = {
  map(context, item, { maps, colours, spare }) {
    const { x, y, rows, columns, wide, high } = item;
    if (rows > spare.height || columns > spare.width) {
      spare.width = Math.max(columns, spare.width);
      spare.height = Math.max(rows, spare.height);
    }
    spare.getContext("2d").putImageData(mapPixels(item, maps, colours), 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(spare, 0, 0, columns, rows, x, y, columns * wide, rows * high);
    if (!item.bars) return;
    const thick = Math.max(1, Math.floor(high / 6));
    const long = Math.max(1, Math.floor(wide / 2));
    for (let place = 0; place < rows * columns; place += 1) {
      const level = maps[item.at + place];
      if (level >= CLEARLY) continue;
      context.fillStyle = inkOn(colours.of(item.palette, level));
      const left = x + (place % columns) * wide + Math.floor((wide - long) / 2);
      const top = y + Math.floor(place / columns) * high + Math.floor((high - thick) / 2);
      context.fillRect(left, top, long, thick);
    }
  },

  fill(context, { x, y, width, height, colour, alpha }, { colours }) {
    context.globalAlpha = alpha;
    context.fillStyle = colours.css(colour);
    context.fillRect(x, y, width, height);
    context.globalAlpha = 1;
  },

  frame(context, { x, y, width, height, colour, thick }, { colours }) {
    context.strokeStyle = colours.css(colour);
    context.lineWidth = thick;
    context.strokeRect(x + thick / 2, y + thick / 2, width - thick, height - thick);
  },

  line(context, { points, colour, thick, dash, fill, alpha }, { colours }) {
    context.beginPath();
    for (let place = 0; place < points.length; place += 2) {
      context.lineTo(points[place], points[place + 1]);
    }
    context.globalAlpha = alpha;
    if (fill) {
      context.fillStyle = colours.css(colour);
      context.fill();
    } else {
      context.strokeStyle = colours.css(colour);
      context.lineWidth = thick;
      context.lineJoin = "round";
      context.setLineDash(dash);
      context.stroke();
      context.setLineDash([]);
    }
    context.globalAlpha = 1;
  },

  dot(context, { x, y, radius, colour, hollow }, { colours }) {
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    if (hollow) {
      context.strokeStyle = colours.css(colour);
      context.lineWidth = 2;
      context.stroke();
    } else {
      context.fillStyle = colours.css(colour);
      context.fill();
    }
  },

  text(context, { x, y, text, size, colour, anchor, bold, on }, { colours, font }) {
    context.fillStyle = on ? inkOn(colours.of(...on)) : colours.css(colour);
    context.font = `${bold ? "bold " : ""}${size}px ${font}`;
    context.textAlign = ALIGN[anchor[0]];
    context.textBaseline = BASELINE[anchor[1]];
    context.fillText(text, x, y);
  },
};

// sheet: what decodeSheet returned; colours: a Colours of the same page; shown: how many pixels
// wide the canvas is on the page, so that it is as sharp as the screen.
export function drawSheet(canvas, sheet, colours, shown = sheet.width) {
  const density = ((window.devicePixelRatio || 1) * shown) / sheet.width;
  const [width, height] = [sheet.width, sheet.height].map((length) => Math.round(length * density));
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  canvas.style.width = `${sheet.width}px`;
  const context = canvas.getContext("2d");
  context.setTransform(density, 0, 0, density, 0, 0);
  context.fillStyle = colours.css("paper");
  context.fillRect(0, 0, sheet.width, sheet.height);
  drawSheet.spare ??= document.createElement("canvas"); // maps are drawn there first, unscaled
  const tools = { maps: sheet.maps, colours, font: colours.font, spare: drawSheet.spare };
  for (const item of sheet.items) DRAW[item.kind](context, item, tools);
}
