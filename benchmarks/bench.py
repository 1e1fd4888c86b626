"""Measure speed, each figure against a named peer in the same run: `make bench`.

    python benchmarks/bench.py                   every table
    python benchmarks/bench.py training loader   these

Two things to compare are timed in turn, several times each; the table holds medians and the
ratio of the medians. Leave the machine alone meanwhile: a busy core spoils every figure. The
tables go into `mnist_course/results/bench.json`, those of the lessons into `lessons.json`.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
import torchvision
from torch import nn

from mnist_course import data, models, recipes, results, runtime
from mnist_course.augment import RandomAffine
from mnist_course.training import fit, make_optimizer, train_epoch

ROOT = Path(__file__).parent.parent


def seconds(work):
    """Seconds that a function without arguments takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def in_turn(works, repeats):
    """Median seconds of each of several functions, run one after the other, several times."""
    times = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            times[name].append(seconds(work))
    return {name: statistics.median(values) for name, values in times.items()}, times


def bench_training():
    """Lesson 05's whole training against write-up A's five epochs, by the time of its step."""
    digits = data.load()
    recipe = recipes.WRITEUP_A
    network_a = models.network_a()
    optimizer = make_optimizer(network_a, recipe)
    loss_function = nn.CrossEntropyLoss()
    batches = list(data.Batches(digits.train[: recipe.batch_size], recipe.batch_size))
    train_epoch(network_a, batches, loss_function, optimizer)  # warm up

    def step_of_a():
        train_epoch(network_a, batches, loss_function, optimizer)

    def ours():
        runtime.seed_everything(0)
        fit(models.residual_network(), digits, recipes.RESIDUAL)

    medians, times = in_turn({"step of write-up A": step_of_a, "lesson 05": ours}, 5)
    steps = 5 * -(-60_000 // recipe.batch_size)
    of_a = steps * medians["step of write-up A"]
    return {
        "what": "lesson 05: training to the end, validation each epoch included",
        "seconds": medians["lesson 05"],
        "peer": f"write-up A's network, default layout, 5 epochs ({steps} median steps)",
        "peer_seconds": of_a,
        "ratio": of_a / medians["lesson 05"],
        "times": times,
    }


def bench_loader():
    """Images a second: augmented batches in memory, against torchvision's loader through PIL."""
    part = data.load_all_training()
    transforms = torchvision.transforms.Compose([
        torchvision.transforms.RandomAffine(degrees=10, translate=(0.1, 0.1)),
        torchvision.transforms.ToTensor(),
        torchvision.transforms.Normalize(data.MEAN, data.DEVIATION),
    ])  # fmt: skip
    dataset = torchvision.datasets.MNIST(data.mnist_root(), train=True, transform=transforms)
    some = torch.utils.data.Subset(dataset, range(12_800))
    augment = RandomAffine(degrees=10, shift=0.1, scale=0, shear=0)
    loaders = {
        "in memory": (data.Batches(part, 256, shuffle=True, augment=augment), len(part)),
        "DataLoader": (torch.utils.data.DataLoader(some, 256, shuffle=True), len(some)),
        "DataLoader, 2 workers": (
            torch.utils.data.DataLoader(some, 256, shuffle=True, num_workers=2), len(some),
        ),
    }  # fmt: skip

    def walk(loader):
        for _ in loader:
            pass

    works = {name: lambda loader=loader: walk(loader) for name, (loader, _) in loaders.items()}
    medians, times = in_turn(works, 5)
    speeds = {name: loaders[name][1] / medians[name] for name in loaders}
    return {
        "what": "augmented images a second, rotation and shift, batches of 256, in memory",
        "images_per_second": speeds["in memory"],
        "peer": "torchvision's DataLoader through PIL, num_workers=0",
        "peer_images_per_second": speeds["DataLoader"],
        "ratio": speeds["in memory"] / speeds["DataLoader"],
        "two_workers_images_per_second": speeds["DataLoader, 2 workers"],
        "ratio_two_workers": speeds["in memory"] / speeds["DataLoader, 2 workers"],
        "times": times,
    }


def bench_loop():
    """One epoch of LeNet-5 by our loop, against d2l's `train_ch6` on the same batches."""
    import matplotlib

    matplotlib.use("agg")
    from d2l import torch as d2l

    part = data.load().train[:10_000]
    batches = data.Batches(part, 256, shuffle=True)
    validation = data.Batches(part[:1000], 256)

    def ours():
        network = models.lenet5()
        train_epoch(
            network, batches, nn.CrossEntropyLoss(), torch.optim.SGD(network.parameters(), lr=0.9)
        )

    def theirs():
        d2l.train_ch6(models.lenet5(), batches, validation, 1, 0.9, torch.device("cpu"))

    with open(os.devnull, "w") as nowhere:
        standard, sys.stdout = sys.stdout, nowhere
        try:
            medians, times = in_turn({"ours": ours, "d2l": theirs}, 5)
        finally:
            sys.stdout = standard
    return {
        "what": "LeNet-5, one epoch of 10,000 images by train_epoch",
        "seconds": medians["ours"],
        "peer": "d2l.train_ch6 on the same batches, with its live plot and its evaluation",
        "peer_seconds": medians["d2l"],
        "ratio": medians["d2l"] / medians["ours"],
        "times": times,
    }


def bench_help():
    """`mnist-course --help` against a Python that does nothing."""
    command = Path(sys.executable).with_name("mnist-course")
    works = {
        "help": lambda: subprocess.run([command, "--help"], stdout=subprocess.DEVNULL, check=True),
        "python": lambda: subprocess.run([sys.executable, "-c", "pass"], check=True),
    }
    medians, times = in_turn(works, 9)
    return {
        "what": "mnist-course --help",
        "seconds": medians["help"],
        "peer": "python -c pass",
        "peer_seconds": medians["python"],
        "ratio": medians["help"] / medians["python"],
        "times": times,
    }


# On the page: milliseconds from a key to the screen's next refresh with the new picture: an
# <img> that has changed and is decoded, or a canvas that was drawn on.
STOPWATCH = """(root) => {
    const newest = () => [...root.querySelectorAll('img')].at(-1);
    let begun = null, source = newest()?.src;
    window.took = [];
    const shown = (start) => requestAnimationFrame(
        () => window.took.push(performance.now() - start));
    root.addEventListener('keydown', () => { begun = performance.now(); }, true);
    root.addEventListener('drawn', () => {
        if (begun !== null) shown(begun);
        begun = null;
    });
    new MutationObserver(async () => {
        const image = newest();
        if (!image || image.src === source) return;
        source = image.src;
        if (begun === null) return;
        const start = begun;
        begun = null;
        try { await image.decode(); } catch { begun = start; return; }  // already replaced
        shown(start);
    }).observe(root, {subtree: true, childList: true, attributes: true, attributeFilter: ['src']});
}"""
MOVES, MOVES_OF_TRAINING, MOVES_FOR_MEMORY = 60, 5, 1000


def bench_explorers():
    """Key to picture in a browser: each explorer against `interact` and pyplot; memory after."""
    sys.path[:0] = [str(ROOT / "scripts")]
    import browser
    import nbformat
    from explorers import MOVED

    sources = [f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import explorers"]
    for name in MOVED:
        sources += [f"explorers.explorer({name!r})", f"explorers.common({name!r})"]
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in sources]
    )
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    with tempfile.TemporaryDirectory() as folder, browser.chromium() as chromium:
        home = Path(folder)
        (home / "course").mkdir()
        nbformat.write(notebook, home / "course" / "explorers.ipynb")
        with browser.jupyterlab(home, home / "course") as server:
            opened = browser.Notebook(chromium, server, "explorers.ipynb", height=1200)
            opened.run_all(seconds=600)
            if opened.errors():
                sys.exit("\n".join(opened.errors()))
            latency = {name: key_to_picture(opened, number, name, MOVED[name])
                       for number, name in enumerate(MOVED)}  # fmt: skip
            memory = memory_of_moves(opened, list(MOVED).index("feature maps"), "Position")
            opened.close()
    pixels = ["kernel lab", "pooling lab", "augmentation lab", "feature maps"]
    return {
        "what": "key to picture, in Chromium: the explorer of pixels that gains least",
        "milliseconds": {name: row["explorer"]["median"] for name, row in latency.items()},
        "peer": "the same picture by interact, redrawing a pyplot figure",
        "peer_milliseconds": {name: row["interact"]["median"] for name, row in latency.items()},
        "ratio": min(latency[name]["ratio"] for name in pixels),
        "explorers": latency,
        "memory": memory,
    }


def key_to_picture(opened, number, name, label):
    """Milliseconds from an arrow key to the picture, the two ways in turn."""
    ways = {
        "explorer": opened.page.locator(".mnist-explorer").nth(number),
        "interact": opened.page.locator(".widget-interact").nth(number),
    }
    times = {way: [] for way in ways}
    for move in range(MOVES_OF_TRAINING if name == "loss" else MOVES):
        for way, root in ways.items():
            handle = handle_of(root, label)
            if move == 0:
                root.evaluate(STOPWATCH)
            root.evaluate("() => { window.took = []; }")
            handle.press("ArrowRight" if move % 2 else "ArrowLeft")
            opened.page.wait_for_function("window.took.length", timeout=120_000)
            times[way].append(opened.page.evaluate("window.took[0]"))
            opened.wait(seconds=120) if name == "loss" else opened.page.wait_for_timeout(30)
    row = {way: spread(values) for way, values in times.items()}
    row["ratio"] = row["interact"]["median"] / row["explorer"]["median"]
    print(f"{name:17} {row['explorer']} interact {row['interact']}", flush=True)
    return row


def handle_of(root, label):
    """The grip of the slider with this label, on the screen."""
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


def memory_of_moves(opened, number, label):
    """Megabytes of kernel and page before and after many moves of one explorer's slider."""
    session = opened.page.context.new_cdp_session(opened.page)
    session.send("Performance.enable")

    def megabytes():
        session.send("HeapProfiler.collectGarbage")
        page = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
        code = "import gc, psutil; gc.collect(); print(psutil.Process().memory_info().rss)"
        return {"kernel": int(opened.execute(code)) / 1e6, "page": page["JSHeapUsedSize"] / 1e6}

    root = opened.page.locator(".mnist-explorer").nth(number)
    handle = handle_of(root, label)
    before = megabytes()
    for move in range(MOVES_FOR_MEMORY):
        root.evaluate("() => { window.took = []; }")
        handle.press("ArrowRight" if move % 2 else "ArrowLeft")
        opened.page.wait_for_function("window.took.length", timeout=30_000)
    return {"moves": MOVES_FOR_MEMORY, "before": before, "after": megabytes()}


TABLES = {
    "training": bench_training,
    "loader": bench_loader,
    "loop": bench_loop,
    "help": bench_help,
    "explorers": bench_explorers,
}


def run_lesson(path, quick):
    """Seconds and peak memory (bytes) of a lesson's whole run, kernel start included.

    It runs in a process of its own, since the peak of a child is known only once it has ended.
    """
    environment = {**os.environ, "MNIST_COURSE_QUICK": "1" if quick else "0"}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--one", str(path), folder]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{path.name} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def one_lesson(path, folder):
    """Execute one notebook in a folder; print its figures as JSON."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=1200, resources={"metadata": {"path": folder}})
    took = seconds(client.execute)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(
        json.dumps(
            {"seconds": took, "peak_bytes": peak * (1 if sys.platform == "darwin" else 1024)}
        )
    )


def bench_lessons():
    """Every lesson in full and in quick mode: seconds, minutes to state, peak memory."""
    stored = results.FOLDER / "lessons.json"
    lessons = json.loads(stored.read_text()) if stored.exists() else {}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        full, quick = run_lesson(path, False), run_lesson(path, True)
        lessons[path.stem[:2]] = {
            "seconds": round(full["seconds"], 1),
            "minutes": max(1, -(-int(full["seconds"]) // 60)),
            "quick_seconds": round(quick["seconds"], 1),
            "peak_megabytes": round(max(full["peak_bytes"], quick["peak_bytes"]) / 1e6),
        }
        print(path.stem, lessons[path.stem[:2]], flush=True)
    return {
        "command": "python benchmarks/bench.py lessons",
        "machine": runtime.machine(),
        **lessons,
    }


def main():
    parser = argparse.ArgumentParser(description="Measure speed against named peers.")
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"{', '.join(TABLES)}, lessons")
    parser.add_argument("--one", nargs=2, metavar=("NOTEBOOK", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one_lesson(*options.one)
        return
    unknown = set(options.tables) - {*TABLES, "lessons"}
    if unknown:
        parser.error(f"no table {', '.join(unknown)}; there are {', '.join(TABLES)}, lessons")
    stored = results.FOLDER / "bench.json"
    tables = json.loads(stored.read_text())["tables"] if stored.exists() else {}
    for name in options.tables or [*TABLES, "lessons"]:
        if name == "lessons":
            text = json.dumps(bench_lessons(), indent=1) + "\n"
            runtime.write_whole(results.FOLDER / "lessons.json", text.encode())
            continue
        row = TABLES[name]()
        tables[name] = {**row, "machine": runtime.machine(), "versions": runtime.versions()}
        print(f"{row['what']}: {row['ratio']:.3g} (peer: {row['peer']})", flush=True)
        content = {"command": "python benchmarks/bench.py", "tables": tables}
        runtime.write_whole(stored, (json.dumps(content, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
