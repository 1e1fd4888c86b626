// What the pages share besides drawing: numbers as they are written, and elements.

// Where the arrow keys lead: across and down.
export const ARROWS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export const bound = (value, low, high) => Math.max(low, Math.min(high, value));

// Values of a widget's model by their names.
export const valuesOf = (model, names) =>
  Object.fromEntries(names.map((name) => [name, model.get(name)]));

// A number as people write it: a real minus sign, and no negative zero.
export function number(value, digits = 2) {
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

export const percent = (share) => `${number(100 * share, 1)} %`;

// A new element with attributes, whose text or children follow.
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// Puts a text into an element that is read out when it changes, and only then.
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function button(name, clicked) {
  const element = make("button", { type: "button" }, name);
  element.addEventListener("click", clicked);
  return element;
}

export const figure = (caption, ...children) =>
  make("figure", {}, make("figcaption", {}, caption), ...children);

// A slider with its name beside it; changed: called with each new value. `set` calls nobody.
export function labelledSlider(name, low, high, changed) {
  const input = make("input", { type: "range", min: String(low), max: String(high) });
  input.addEventListener("input", () => changed(Number(input.value)));
  const set = (value) => {
    input.value = String(value);
  };
  return { label: make("label", {}, name, input), set };
}

// The outermost element of an explorer. JupyterLab would take arrow keys and Enter for itself, to go
// from cell to cell, unless the element that has the focus says that it wants them.
export function section(name, title, ...children) {
  const root = make("section", { class: `mc ${name}`, "aria-label": title }, ...children);
  for (const element of root.querySelectorAll("input, button, [tabindex]")) {
    element.setAttribute("data-lm-suppress-shortcuts", "true");
  }
  return root;
}

// Calls `changed` when the page turns light or dark. Returns what ends it.
export function watchTheme(changed) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const observer = new MutationObserver(changed);
  for (const element of [document.body, document.documentElement]) {
    observer.observe(element, {
      attributes: true,
      attributeFilter: ["class", "data-theme", "data-jp-theme-light", "data-jp-theme-name"],
    });
  }
  system.addEventListener("change", changed);
  return () => {
    observer.disconnect();
    system.removeEventListener("change", changed);
  };
}
