"""Measure speed, each figure against a named peer in the same run: `make bench`.

    python benchmarks/bench.py                             every table
    python benchmarks/bench.py training loader             these
    python benchmarks/bench.py explorers --only band loss  these explorers, in a browser
    python benchmarks/bench.py lessons --only 04           one lesson
    python benchmarks/bench.py memory                      of kernel and page, after 1,000 moves
    python benchmarks/bench.py board --soak 10             the server's memory over 10 minutes

Two things to compare are timed in turn, several times each; the table holds medians and the
ratio of the medians. Leave the machine alone meanwhile, because a busy core spoils every figure. On
a machine of its own torch may wait as it does by default, by spinning, so this file imports it
before the course, which makes it wait passively. The tables `sharing`, `cores` and `grading` and
those of notebooks start programs of their own, where torch waits as a student's does. The tables go
into `research/evidence/bench.json`, those of the lessons into `lessons.json` beside it, and what is
quoted of them into `mnist_course/results/`.
"""

import argparse
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch  # isort: skip (before whatever imports the course)

import board
import cores
import explorers
import grading
import latency
import torchvision
from torch import nn

from mnist_course import data, models, recipes, results, runtime, writeups
from mnist_course.augment import RandomAffine
from mnist_course.training import fit, make_optimizer, train_epoch

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "research")]
import quotes  # noqa: E402


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
    network_a = writeups.network_a()
    optimizer = make_optimizer(network_a, recipe)
    loss_function = nn.CrossEntropyLoss()
    batches = list(data.Batches(digits.train[: recipe.batch_size], recipe.batch_size))
    train_epoch(network_a, batches, loss_function, optimizer)  # warm up

    def step_of_a():
        train_epoch(network_a, batches, loss_function, optimizer)

    alone = {name: [] for name in ("lesson 05", "its fast recipe")}

    def ours(name, recipe):
        runtime.seed_everything(0)
        history = fit(models.residual_network(), digits, recipe, device="cpu")
        alone[name].append(sum(history.seconds))  # A's steps are counted without validation, too

    works = {
        "step of write-up A": step_of_a,
        "lesson 05": lambda: ours("lesson 05", recipes.RESIDUAL),
        "its fast recipe": lambda: ours("its fast recipe", recipes.RESIDUAL_FAST),
    }
    medians, times = in_turn(works, 7)
    steps = 5 * -(-60_000 // recipe.batch_size)
    of_a = steps * medians["step of write-up A"]
    took, fast = (statistics.median(values) for values in alone.values())
    return {
        "what": "lesson 05: training to the end, without validation on either side",
        "seconds": took,
        "seconds_with_validation": medians["lesson 05"],
        "peer": f"write-up A's network, default layout, 5 epochs ({steps} median steps)",
        "peer_seconds": of_a,
        "peer_minutes_an_epoch": of_a / 5 / 60,
        "ratio": of_a / took,
        "fast": {"seconds": fast, "ratio": of_a / fast, "share": fast / took},
        "times": times | {f"{name} without validation": values for name, values in alone.items()},
    }


def bench_networks():
    """Whole trainings by each network's recipe, from the median of three epochs timed in turn.

    Write-up A's epochs take too long: one batch stands for each of its steps. Write-up E stops
    early: its epochs are the mean of the stored runs. The fast recipe's epochs are of two lengths:
    the table `training` times all of them.
    """
    digits = data.load()
    one_batch = digits.train[: recipes.WRITEUP_A.batch_size]
    names = [name for name in recipes.NETWORKS if name not in ("softmax", "residual-fast")]
    times = {name: [] for name in names}
    for _ in range(3):
        for name in names:
            build, recipe = recipes.NETWORKS[name]
            part = one_batch if name == "a" else digits.train
            some = data.Digits(part, digits.validation[:1])
            runtime.seed_everything(0)
            [took] = fit(build(), some, replace(recipe, epochs=1), device="cpu").seconds
            times[name].append(took * len(data.Batches(digits.train, len(part))))
    rows = {}
    for name in names:
        epoch, epochs = statistics.median(times[name]), recipes.NETWORKS[name][1].epochs
        if name == "e":
            epochs = results.load("writeups")["rows"]["e"]["mean_epochs"]
        rows[name] = {
            "seconds_an_epoch": epoch,
            "epochs": epochs,
            "minutes": epoch * epochs / 60,
            "times": times[name],
        }
    for name, row in rows.items():
        row["ratio"] = row["minutes"] / rows["residual"]["minutes"]
        print(f"{name}: {row['minutes']:.1f} min, {row['ratio']:.3g} times lesson 05's", flush=True)
    return {
        "what": "minutes of each network's whole training, without validation",
        "peer": "lesson 05's network in the same run",
        "rows": rows,
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


def bench_sharing():
    """Two trainings at once, as on a shared machine, against one alone: what each of them takes."""
    command = [
        Path(sys.executable).with_name("mnist-course"),
        *("train", "residual", "--epochs", "10", "--device", "cpu"),
    ]
    environment = {**os.environ, "MNIST_COURSE_QUICK": "1"}

    def trainings(count):
        """The seconds of each of so many trainings that begin together."""
        running = [
            subprocess.Popen(
                command, env=environment, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )
            for _ in range(count)
        ]  # fmt: skip
        said = [process.communicate()[0] for process in running]
        return [float(re.findall(r"epochs in ([\d.]+) s", text)[0]) for text in said]

    alone, each = [], []
    for _ in range(5):
        alone += trainings(1)
        each += trainings(2)
    return {
        "what": "each of two trainings at once, lesson 05's network in quick mode, 10 epochs",
        "seconds": statistics.median(each),
        "peer": "the same training alone",
        "peer_seconds": statistics.median(alone),
        "ratio": statistics.median(each) / statistics.median(alone),
        "times": {"each of two": each, "alone": alone},
    }


LESSONS = {path.stem[:2]: path for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}

TABLES = {
    "training": bench_training,
    "networks": bench_networks,
    "loader": bench_loader,
    "loop": bench_loop,
    "help": bench_help,
    "sharing": bench_sharing,
    "cores": lambda: cores.bench_cores(LESSONS),
    "grading": grading.bench_grading,
    "board": board.bench_board,
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
    import resource  # Windows has none

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


def bench_lessons(only):
    """Lessons in full and in quick mode, each stored at once: seconds, minutes, peak memory."""
    lessons = quotes.load("lessons")
    about = {
        "command": "python benchmarks/bench.py lessons",
        "peer": "the same lesson in quick mode",
        "machine": runtime.machine(),
        "versions": runtime.versions(),
    }
    for number in only or LESSONS:
        path = LESSONS[number]
        full, quick = run_lesson(path, False), run_lesson(path, True)
        lessons[number] = {
            "seconds": round(full["seconds"], 1),
            "minutes": math.ceil(2 * full["seconds"] / 60),  # a laptop may be slower
            "quick_seconds": round(quick["seconds"], 1),
            "ratio": round(full["seconds"] / quick["seconds"], 2),
            "peak_megabytes": round(max(full["peak_bytes"], quick["peak_bytes"]) / 1e6),
        }
        print(path.stem, lessons[number], flush=True)
        quotes.store("lessons", {**lessons, **about})
        quotes.write("lessons")


def main():
    browsing, chosen = ("explorers", "memory"), {*explorers.MOVED, *LESSONS}
    known = [*TABLES, *browsing, "lessons"]
    parser = argparse.ArgumentParser(description="Measure speed against named peers.")
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=", ".join(known))
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="these explorers or lessons alone"
    )
    parser.add_argument(
        "--moves", type=int, help="explorers and memory: a trial with so many moves, not stored"
    )
    parser.add_argument(
        "--soak", type=int, metavar="MINUTES", help="board: only its memory, for so many minutes"
    )
    parser.add_argument("--one", nargs=2, metavar=("NOTEBOOK", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one_lesson(*options.one)
        return
    unknown = set(options.tables) - set(known)
    if unknown:
        parser.error(f"no table {', '.join(unknown)}; there are {', '.join(known)}")
    unknown = set(options.only or ()) - chosen
    if unknown:
        parser.error(f"no {', '.join(unknown)}; there are {', '.join(sorted(chosen))}")
    if options.only and (len(options.tables) != 1 or options.tables[0] in TABLES):
        parser.error("--only goes with one table: explorers, memory or lessons")
    if options.moves and not set(options.tables) <= set(browsing):
        parser.error(f"--moves goes with {' and '.join(browsing)} alone")
    if options.soak and options.tables != ["board"]:
        parser.error("--soak goes with board alone")
    for name in options.tables or known:
        if options.soak:
            store("soak", board.soak(options.soak))  # a table of its own: it may be another machine
        elif name == "lessons":
            bench_lessons(options.only)
        elif name in browsing:
            # each explorer is stored as soon as it is measured
            measure = {"explorers": latency.latencies, "memory": latency.memories}[name]
            for explorer, row in measure(options.only, options.moves):
                if not options.moves:
                    before = stored().get("explorers", {})
                    store("explorers", latency.table(before, name, explorer, row))
        else:
            store(name, TABLES[name]())


def stored():
    """The tables of earlier runs."""
    return quotes.load("bench")["tables"]


def store(name, row):
    """Put a table into the file, and print what it says."""
    row = {**row, "machine": runtime.machine(), "versions": runtime.versions()}
    if "ratio" in row:
        print(f"{row['what']}: {row['ratio']:.3g} (peer: {row['peer']})", flush=True)
    content = {"command": "python benchmarks/bench.py", "tables": {**stored(), name: row}}
    quotes.store("bench", content)
    quotes.write("bench")


if __name__ == "__main__":
    main()
