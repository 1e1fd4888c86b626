"""Whether a canvas of the page shows the maps of a sheet, in the colours of the page's theme."""

import numpy as np

from mnist_course.widgets import raster

# On the page: the theme's colours by name.
COLOURS = """() => {
    const probe = document.body.appendChild(document.createElement('span'));
    probe.className = 'mc';
    const named = {};
    for (const name of ['paper', 'ink', 'line', 'negative', 'negative-soft', 'positive',
                        'positive-soft']) {
        probe.style.color = `var(--mc-${name})`;
        named[name] = getComputedStyle(probe).color.match(/[0-9.]+/g).slice(0, 3).map(Number);
    }
    probe.remove();
    return named;
}"""
# In the kernel: a sheet as plain values.
PLAIN = """
def _plain(sheet):
    maps = [dict(item) for item in sheet.items if item["kind"] == "map"]
    for item in maps:
        item["levels"] = list(sheet.bytes_of_maps[item["at"] :][: item["rows"] * item["columns"]])
    return {"width": sheet.width, "maps": maps, "regions": sheet.regions}
"""


def shows_maps(drawn, sheet, named):
    """Whether a canvas shows the maps of a sheet.

    drawn: its pixels, uint8 (H, W, 3); sheet: what `_plain` made of it; named: what COLOURS gave.
    Of each square one pixel is looked at. Frames, bars and numbers lie over some of them.
    """
    drawn = drawn.astype(int)
    share = drawn.shape[1] / sheet["width"]
    scales = {name: raster.make_scale(named, name).astype(int) for name in raster.STOPS}
    for item in sheet["maps"]:
        if item["wide"] < 2:  # a legend, or squares that are smaller than a pixel of the screen
            continue
        levels = np.array(item["levels"]).reshape(item["rows"], item["columns"])
        rows, columns = np.indices(levels.shape)
        # near the corner of each square: beside the bar and the number
        right, down = (min(2, 0.25 * item[side]) for side in ("wide", "high"))
        y = (share * (item["y"] + rows * item["high"] + down)).astype(int)
        x = (share * (item["x"] + columns * item["wide"] + right)).astype(int)
        inside = (y < drawn.shape[0]) & (x < drawn.shape[1])  # the rest is cut off
        differing = np.abs(drawn[y[inside], x[inside]] - scales[item["palette"]][levels[inside]])
        covered = (differing.max(axis=1) > 2).sum()
        if covered > max(4, 0.08 * inside.sum()):
            return False
    return True
