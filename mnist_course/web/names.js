// Names the sliders and buttons of an explorer for screen readers, and has its errors read out.

const PLAYER = ["Play or pause", "Stop", "Repeat"]; // a player's buttons, which show signs alone

// The steps of a slider add up to -0.9999999999999991, which nobody wants to have read out.
function sayRounded(handle) {
  const said = handle.getAttribute("aria-valuetext");
  const rounded = String(Number(Number(said).toFixed(6)));
  if (said && said !== rounded && rounded !== "NaN") handle.setAttribute("aria-valuetext", rounded);
}

function nameControls(explorer) {
  for (const slider of explorer.querySelectorAll(".widget-slider")) {
    const label = slider.querySelector(".widget-label")?.textContent;
    const handle = slider.querySelector("[role=slider]");
    handle?.setAttribute("aria-label", label);
    if (handle) sayRounded(handle);
    const readout = slider.querySelector(".widget-readout");
    readout?.setAttribute("role", "textbox");
    readout?.setAttribute("aria-label", `${label}, value`);
  }
  for (const player of explorer.querySelectorAll(".widget-play")) {
    player.querySelectorAll("button").forEach((button, place) => {
      button.title = PLAYER[place];
      button.setAttribute("aria-label", PLAYER[place]);
    });
  }
  explorer.querySelector(".mnist-problem .widget-html-content")?.setAttribute("role", "alert");
}

function render({ el }) {
  let observer = null;
  requestAnimationFrame(() => {
    const explorer = el.closest(".mnist-explorer");
    if (!explorer) return;
    nameControls(explorer);
    observer = new MutationObserver((changes) => {
      const added = changes.flatMap((change) => [...change.addedNodes]);
      if (added.some((node) => node.nodeType === Node.ELEMENT_NODE)) nameControls(explorer);
      for (const change of changes) if (change.type === "attributes") sayRounded(change.target);
    });
    // for controls drawn later, and for sliders that move
    observer.observe(explorer, {
      childList: true,
      subtree: true,
      attributeFilter: ["aria-valuetext"],
    });
  });
  return () => observer?.disconnect();
}

export default { render };
