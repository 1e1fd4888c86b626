// Names the sliders and buttons of an explorer for screen readers, and has its errors read out.

const PLAYER = ["Play or pause", "Stop", "Repeat"]; // a player's buttons, which show signs alone

function nameControls(explorer) {
  for (const slider of explorer.querySelectorAll(".widget-slider")) {
    const label = slider.querySelector(".widget-label")?.textContent;
    slider.querySelector("[role=slider]")?.setAttribute("aria-label", label);
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
    });
    observer.observe(explorer, { childList: true, subtree: true }); // for controls drawn later
  });
  return () => observer?.disconnect();
}

export default { render };
