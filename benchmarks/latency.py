"""How long an explorer takes from a key to its picture, and what memory it uses, in a browser.

A notebook holds the explorers, and below each the same picture by `interact`, both from
`explorers.py`; and one slider over the smallest of pictures, which shows how long JupyterLab itself
takes on this machine. Memory is measured in a notebook of one explorer alone.
"""

import statistics
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import nbformat
import psutil
from explorers import AHEAD, MOVED

from mnist_course import runtime

sys.path[:0] = [str(Path(__file__).parent.parent / "tests" / "browser")]
import browser  # noqa: E402

PIXELS = ("kernel lab", "pooling lab", "augmentation lab", "feature maps")
# The scrubber's epochs turn in the page alone; another digit is drawn by the kernel.
MOVED_FOR_MEMORY = {**MOVED, "epoch scrubber": "Digit"}
MOVES, MOVES_OF_TRAINING, MOVES_FOR_MEMORY = 60, 9, 1000
PER_MOVE_OF_PEER = 3  # moves of the explorer for one of the others
LEG = 5  # moves in one direction before the way goes back
REST = 250  # milliseconds from a picture to the next key, as of a person who looks at each
WHILE_TRAINING = 100  # milliseconds from a training's first picture to the next key
WARM = 20  # moves before memory is first measured: what is kept for good is there by then
START = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import explorers"
# On the page: milliseconds from a key to the screen's next refresh with the new picture: an
# <img> that has changed and is loaded, or a canvas that was drawn on, with a text that begins as
# `window.wanted` does.
STOPWATCH = """(root) => {
    if (root.timed) return;
    root.timed = true;
    const newest = () => [...root.querySelectorAll('img')].at(-1);
    let begun = null, source = newest()?.src;
    window.took = [];
    window.wanted = '';
    const shown = (start) => requestAnimationFrame(
        () => window.took.push(performance.now() - start));
    root.addEventListener('keydown', () => { begun = performance.now(); }, true);
    root.addEventListener('drawn', () => {
        const text = root.querySelector('[role=status]').textContent;
        if (!text.startsWith(window.wanted)) return;
        if (begun !== null) shown(begun);
        begun = null;
    });
    new MutationObserver(() => {
        const image = newest();
        if (!image || image.src === source) return;
        source = image.src;
        const loaded = () => {
            if (begun !== null && image === newest() && image.src === source) shown(begun);
            begun = null;
        };
        image.complete ? loaded() : image.addEventListener('load', loaded, { once: true });
    }).observe(root, {subtree: true, childList: true, attributes: true, attributeFilter: ['src']});
}"""
# Asked seldom, because each question takes the page's time away from the picture.
TOOK = """() => new Promise((resolve, reject) => {
    const latest = performance.now() + 60_000;
    const ask = () => {
        if (window.took.length) resolve(window.took[0]);
        else if (performance.now() > latest) reject(new Error('no new picture within a minute'));
        else setTimeout(ask, 20);
    };
    ask();
})"""
TRAINED = """(root) => {
    const text = root.querySelector('[role=status]').textContent;
    return /Step (\\d+) of \\1:/.test(text);
}"""


def latencies(names=None, moves=None):
    """Yields (name, row) for each explorer, as soon as it is measured.

    names: of MOVED, by default all; moves: of each explorer, by default MOVES.
    """
    names = names or list(MOVED)
    sources = [f"explorers.{way}({name!r})" for name in names for way in ("explorer", "common")]
    sources += [f"explorers.on_demand({name!r})" for name in names if name in AHEAD]
    with pages() as open_page, open_page(*sources, "explorers.least()") as page:
        every = [page.page.locator(".mnist-explorer").nth(n) for n in range(len(sources))]
        for number, name in enumerate(names):
            ways = {
                "explorer": every[number],
                "interact": page.page.locator(".widget-interact").nth(number),
                "least": page.page.locator(".least"),
            }
            if name in AHEAD:
                place = len(names) + [one for one in names if one in AHEAD].index(name)
                ways["on demand"] = every[place]
            yield name, key_to_picture(page, ways, name, moves)


def memories(names=None, moves=None):
    """Yields (name, row) for each explorer: megabytes before, amid and after many moves.

    names: by default all but the loss explorer, which would train at every move; moves: by
    default MOVES_FOR_MEMORY.
    """
    with pages() as open_page:
        for name in names or [name for name in MOVED if name != "loss"]:
            with open_page(f"explorers.explorer({name!r})") as page:
                yield name, memory_of_moves(page, name, moves or MOVES_FOR_MEMORY)


def table(stored, part, name, row):
    """The explorers' table with one row more. part: "explorers" or "memory"."""
    rows = {**stored.get("explorers", {})}
    memory = {**stored.get("memory", {})}
    (rows if part == "explorers" else memory)[name] = row
    compared = [one for one in PIXELS if one in rows]
    found = {
        "what": f"key to picture, in Chromium: the least gain of {', '.join(compared)}",
        "milliseconds": {one: rows[one]["explorer"]["median"] for one in rows},
        "peer": "the same picture by interact, redrawing a pyplot figure",
        "peer_milliseconds": {one: rows[one]["interact"]["median"] for one in rows},
        "least_milliseconds": {one: rows[one]["least"]["median"] for one in rows},
        "on_demand_milliseconds": {
            one: rows[one]["on demand"]["median"] for one in rows if "on demand" in rows[one]
        },
        "explorers": rows,
        "memory": memory,
    }
    return found | {"ratio": min(rows[one]["ratio"] for one in compared)} if compared else found


@contextmanager
def pages():
    """A JupyterLab and a Chromium; yields a function that opens a notebook of these cells, run."""
    with tempfile.TemporaryDirectory() as folder, browser.chromium() as chromium:
        home = Path(folder)
        (home / "course").mkdir()
        cells = [nbformat.v4.new_code_cell("")]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), home / "course" / "empty.ipynb")
        with browser.jupyterlab(home, home / "course") as server:

            @contextmanager
            def open_page(*sources):
                notebook = nbformat.v4.new_notebook(
                    cells=[nbformat.v4.new_code_cell(source) for source in (START, *sources)]
                )
                notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
                nbformat.write(notebook, Path(server["root_dir"]) / "explorer.ipynb")
                opened = browser.Notebook(chromium, server, "explorer.ipynb", height=1600)
                opened.run_all(seconds=300)
                if opened.errors():
                    sys.exit("\n".join(opened.errors()))
                yield opened
                opened.close()

            yield open_page


def key_to_picture(opened, ways, name, moves=None):
    """Milliseconds from an arrow key to the picture, the explorer and the others in turn.

    ways: a dict from "explorer", "interact", "least" and perhaps "on demand" to what is on the
    page. Each walks some steps along its slider and back. For the loss explorer also "while
    training": from a key during a training to the first picture of the training that it starts.
    """
    for root in ways.values():
        root.evaluate(STOPWATCH)
    moves = moves or (MOVES_OF_TRAINING if name == "loss" else MOVES)
    leg = 1 if name == "loss" else LEG  # its depth begins at 2, and 1 is the least
    times = {way: [] for way in ways}
    for move in range(moves):
        for way, root in ways.items():
            if way != "explorer" and move % PER_MOVE_OF_PEER:
                continue
            key = "ArrowRight" if len(times[way]) // leg % 2 else "ArrowLeft"
            label = "Shade" if way == "least" else MOVED[name]
            times[way].append(press(opened, handle_of(root, label), key))
            if name == "loss":
                wait_for_the_end(opened, ways["explorer"])
            opened.page.wait_for_timeout(REST)
    if name == "loss":
        times["while training"] = times_while_training(opened, ways["explorer"], moves)
    row = {way: spread(values) for way, values in times.items()}
    if name != "loss":  # it shows its first steps, the other way only the last
        row["ratio"] = row["interact"]["median"] / row["explorer"]["median"]
    told = ", ".join(
        f"{way} {row[way]['median']} ms ({row[way]['percentile_95']})" for way in times
    )
    print(f"{name}: {told}", flush=True)
    return row | {"machine": runtime.machine(), "versions": runtime.versions()}


def times_while_training(opened, root, moves):
    """Milliseconds from a key during a training to the first picture of the one it starts."""
    handle, times = handle_of(root, MOVED["loss"]), []
    for _ in range(moves):
        press(opened, handle, "ArrowRight")
        opened.page.wait_for_timeout(WHILE_TRAINING)
        if root.evaluate(TRAINED):
            sys.exit(f"loss: its training ended within {WHILE_TRAINING} ms; nothing to measure")
        times.append(press(opened, handle, "ArrowLeft", "Step 2 of "))
        wait_for_the_end(opened, root)
    return times


def wait_for_the_end(opened, root):
    """Wait until the loss explorer has trained."""
    opened.page.wait_for_function(TRAINED, arg=root.element_handle(), timeout=120_000)


def press(opened, handle, key, wanted=""):
    """Milliseconds from this key on a slider to the picture, with a text that begins so."""
    opened.page.evaluate("(wanted) => { window.took = []; window.wanted = wanted; }", wanted)
    handle.press(key)
    return opened.page.evaluate(TOOK)


def handle_of(root, label):
    """The handle of the slider with this label, scrolled into view."""
    slider = root.locator(".widget-slider").filter(has_text=label).first
    slider.scroll_into_view_if_needed()
    return slider.locator(".noUi-handle")


def spread(milliseconds):
    """Median and 95th percentile, and every value."""
    ordered = sorted(milliseconds)
    return {
        "median": round(statistics.median(ordered), 1),
        "percentile_95": round(ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], 1),
        "times": [round(value, 1) for value in milliseconds],
    }


def memory_of_moves(opened, name, moves):
    """Megabytes of kernel and page before, amid and after many moves of one explorer's slider.

    The slider walks from end to end, so that many different pictures are drawn.
    """
    session = opened.page.context.new_cdp_session(opened.page)
    session.send("Performance.enable")
    whole = opened.page.context.browser.new_browser_cdp_session()

    def megabytes():
        session.send("HeapProfiler.collectGarbage")
        page = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
        processes = whole.send("SystemInfo.getProcessInfo")["processInfo"]
        renderers = [one["id"] for one in processes if one["type"] == "renderer"]
        code = "import gc, psutil; gc.collect(); print(psutil.Process().memory_info().rss)"
        return {
            "kernel": round(int(opened.execute(code)) / 1e6, 1),
            "page, JavaScript": round(page["JSHeapUsedSize"] / 1e6, 1),
            # with the pictures, which lie outside of JavaScript's memory
            "page, processes": round(
                sum(psutil.Process(one).memory_info().rss for one in renderers) / 1e6, 1
            ),
        }

    root = opened.page.locator(".mnist-explorer")
    root.evaluate(STOPWATCH)
    handle = handle_of(root, MOVED_FOR_MEMORY[name])
    key = "ArrowLeft"
    found = {}
    for move in range(WARM + moves):
        if move == WARM:
            found["before"] = megabytes()
        if move == WARM + moves // 2:
            found["middle"] = megabytes()
        now, low, high = (
            float(handle.get_attribute(f"aria-value{edge}")) for edge in ("now", "min", "max")
        )
        if now == (low if key == "ArrowLeft" else high):
            key = "ArrowRight" if key == "ArrowLeft" else "ArrowLeft"
        press(opened, handle, key)
    row = {"moves": moves, **found, "after": megabytes()}
    print(f"{name}: {row}", flush=True)
    return row | {"machine": runtime.machine(), "versions": runtime.versions()}
