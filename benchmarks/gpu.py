"""Try the course on a GPU, and time lesson 05's training there: `make gpu`.

    python benchmarks/gpu.py                  everything, in at most 8 minutes
    python benchmarks/gpu.py --minutes 4      less time; what finds none is named
    python benchmarks/gpu.py --to gpu.json    the report into this file, too
    python benchmarks/gpu.py --store          into research/evidence/gpu.json, to be quoted
    python benchmarks/gpu.py --trial          in small, to see that it runs

It needs torch, NumPy and this checkout, and nothing else: neither pip nor a network. So it runs on
a machine that is rented for a few minutes. Without a GPU it does the same on the CPU.

First come the checks of `tests/device_checks.py`. Then the losses of the first steps are compared
with the CPU's. Then lesson 05's network is trained from ten seeds in four ways: `plain` by `fit`;
`graphs` with each step captured as a CUDA graph (`captured.py`); `compiled` and `compiled-graphs`
are the same two after `torch.compile`. A way that this machine can't go is named, and the rest goes
on. The report is written after each part, so that
a run that is cut short has left what it had.
"""

import argparse
import datetime
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "benchmarks")]

import mnist_course  # noqa: E402, F401  # before torch, because it sets how torch waits

# isort: split
import device_checks  # noqa: E402
import torch  # noqa: E402
from captured import Captured, synchronise  # noqa: E402
from torch import nn  # noqa: E402

from mnist_course import data, recipes, runtime  # noqa: E402
from mnist_course.training import fit, make_optimizer, make_schedules  # noqa: E402

EVIDENCE = ROOT / "research" / "evidence" / "gpu.json"
BUILD, RECIPE = recipes.NETWORKS["residual"]
AIM = 0.995  # of validation images
SEEDS, LOSSES = 10, 20  # trainings of each way, and first steps whose losses are compared
TO_COMPILE = 90  # seconds that must be left before anything is compiled


class Deadline:
    """How much time is left. now: a clock in seconds."""

    def __init__(self, minutes, now=time.monotonic):
        self.now = now
        self.end = now() + 60 * minutes

    def allows(self, seconds=0):
        """Whether so many seconds are left, or any at all."""
        return self.now() + seconds < self.end


@contextmanager
def told(report, what):
    """Whatever fails inside is told in a line, and kept in the report; then the rest goes on."""
    try:
        yield
    except Exception as error:
        lines = str(error).strip().splitlines() or [""]
        leave_out(report, f"{what}: {type(error).__name__}: {lines[0]}")


def leave_out(report, line):
    print(f"left out: {line}", flush=True)
    report["left_out"].append(line)


# --- the data and the machine -------------------------------------------------------------


def own_split(whole):
    """A stratified split of a `Part` by torch alone, fixed, as `Digits`: every twelfth image of
    each digit is for validation, in an order that a seed gives."""
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(len(whole), generator=generator)
    order = order[whole.labels[order].argsort(stable=True)]
    for_validation = torch.arange(len(order)) % 12 == 0
    train, validation = (
        part[torch.randperm(len(part), generator=generator)]
        for part in (order[~for_validation], order[for_validation])
    )
    return data.Digits(whole[train], whole[validation])


def load_digits(trial):
    """The training and validation images, and a sentence on how they were parted."""
    if importlib.util.find_spec("sklearn") is None:
        digits = own_split(data.load_all_training())
        split = "scikit-learn is not installed here, so the split is this script's own"
    else:
        digits, split = data.load(), "the course's own split"
    if trial:
        digits = data.Digits(digits.train[:600], digits.validation[:200])
    return digits, f"{split}: {len(digits.train):,} and {len(digits.validation):,} images"


def about(device):
    """What the figures depend on: the device, the machine, versions."""
    found = {
        "device": str(device),
        "machine": runtime.machine(),
        "versions": {
            name: version for name, version in runtime.versions().items() if version != "missing"
        },
    }
    if device.type == "cuda":
        found |= {
            "name": torch.cuda.get_device_name(device),
            "gigabytes": round(torch.cuda.get_device_properties(device).total_memory / 1e9),
            "cuda": torch.version.cuda or f"ROCm {torch.version.hip}",
            "cudnn": torch.backends.cudnn.version(),
            "driver": driver(),
        }
    return found


def driver():
    """The version of NVIDIA's driver, None where nothing tells it."""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.splitlines()[0].strip()


# --- the parts ----------------------------------------------------------------------------


def run_checks(device, folder, deadline):
    """Yields a row for each check of `device_checks` that there is time for."""
    for name, check in device_checks.CHECKS.items():
        if not deadline.allows():
            return
        row = {"name": name, "verdict": "passed", "sentence": ""}
        started = time.perf_counter()
        try:
            row["measured"] = check(device, folder) or {}
        except device_checks.LeftOut as reason:
            row |= {"verdict": "left out", "sentence": str(reason)}
        except Exception as error:
            row |= {"verdict": "failed", "sentence": f"{type(error).__name__}: {error}"}
        row["seconds"] = round(time.perf_counter() - started, 2)
        measured = ", ".join(f"{key} {value:.2g}" for key, value in row.get("measured", {}).items())
        print(f"{row['verdict']:>8}  {name}  {row['sentence'] or measured}", flush=True)
        yield row


def first_losses(device, digits, steps):
    """The loss of each of the first steps of lesson 05's training, on one device: a list."""
    runtime.seed_everything(0)
    network = BUILD().to(device)
    batches = data.Batches(
        digits.train, RECIPE.batch_size, shuffle=True, augment=RECIPE.augment, device=device
    )
    optimizer = make_optimizer(network, RECIPE)
    schedule, _ = make_schedules(optimizer, RECIPE, RECIPE.epochs * len(batches))
    loss_function = nn.CrossEntropyLoss(label_smoothing=RECIPE.label_smoothing)
    losses = []
    network.train()
    with device_checks.full_precision():
        for images, labels in batches:
            loss = loss_function(network(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
            if len(losses) == steps:
                break
    return losses


def compared_losses(device, digits, steps):
    """The first losses here and on the CPU, in float32 without TF32."""
    here, on_cpu = (first_losses(one, digits, steps) for one in (device, torch.device("cpu")))
    gaps = [abs(one - other) / other for one, other in zip(here, on_cpu, strict=True)]
    print(f"losses of the first {len(here)} steps: {', '.join(f'{one:.4f}' for one in here)}")
    print(f"              and on the CPU: {', '.join(f'{one:.4f}' for one in on_cpu)}")
    print(f"they differ by at most {max(gaps):.1e} of their size", flush=True)
    return {"here": here, "on the CPU": on_cpu, "largest_gap": max(gaps)}


def shares(device, digits):
    """Seconds of one epoch's pieces, each alone: what is drawn on the CPU, what makes batches."""
    count = len(digits.train)
    generator = torch.Generator().manual_seed(0)
    batches = data.Batches(
        digits.train, RECIPE.batch_size, shuffle=True, augment=RECIPE.augment, device=device
    )
    sizes = [len(one) for one in torch.arange(count).split(RECIPE.batch_size)]

    def seconds(work):
        work()
        synchronise(device)
        started = time.perf_counter()
        work()
        synchronise(device)
        return time.perf_counter() - started

    def draw(counts):
        torch.randperm(count, generator=generator)
        for one in counts:
            RECIPE.augment.matrices(one, generator)

    found = {
        "steps": len(batches),
        "drawn_by_batch": seconds(lambda: draw(sizes)),
        "drawn_at_once": seconds(lambda: draw([count])),
        "batches": seconds(lambda: [None for _ in batches]),
    }
    print(
        f"of an epoch of {len(batches)} steps, random numbers drawn batch by batch take "
        f"{1000 * found['drawn_by_batch']:.1f} ms, drawn at once "
        f"{1000 * found['drawn_at_once']:.1f} ms, and the augmented batches themselves "
        f"{1000 * found['batches']:.1f} ms",
        flush=True,
    )
    return found


# --- trainings ----------------------------------------------------------------------------
#
# Each function prepares one way to train: it returns a function from a seed to a `History`, after
# the first steps, which load libraries or compile, and would be timed with the first training.


def short(digits, recipe):
    """A training of a few steps: digits that make one batch of each size, and a recipe."""
    images = recipe.batch_size + len(digits.train) % recipe.batch_size
    return data.Digits(digits.train[:images], digits.validation), replace(recipe, epochs=3)


def plain(digits, recipe, device):
    """`fit`, as the lesson calls it."""
    fit(BUILD(), *short(digits, recipe), device=device)

    def train(seed):
        runtime.seed_everything(seed)
        return fit(BUILD(), digits, recipe, seed=seed, device=device)

    return train


def compiled(digits, recipe, device):
    """`fit` with a network that `torch.compile` has turned into few kernels and CUDA graphs."""
    network = BUILD().to(device)
    quick = torch.compile(network, mode="reduce-overhead", dynamic=False)
    fit(quick, *short(digits, recipe), device=device)

    def train(seed):
        runtime.seed_everything(seed)
        network.load_state_dict(BUILD().state_dict())
        return fit(quick, digits, recipe, seed=seed, device=device)

    return train


def captured(digits, recipe, device):
    """Each step replayed from a CUDA graph."""
    return Captured(BUILD, digits, recipe, device).train


def captured_and_compiled(digits, recipe, device):
    """Each step replayed from a CUDA graph of the compiled network."""
    return Captured(BUILD, digits, recipe, device, compiled=True).train


# name: (function that prepares it, whether it compiles, whether it needs CUDA)
WAYS = {
    "plain": (plain, False, False),
    "graphs": (captured, False, True),
    "compiled": (compiled, True, True),
    "compiled-graphs": (captured_and_compiled, True, True),
}


def seconds_to(history, accuracy):
    """Seconds of training up to the first epoch that validates at an accuracy, None without one."""
    taken = 0.0
    for seconds, reached in zip(history.seconds, history.validation_accuracy, strict=True):
        taken += seconds
        if reached >= accuracy:
            return taken
    return None


def trainings(name, digits, recipe, device, deadline, seeds):
    """Train in one way from several seeds: accuracy and seconds of each, mean and deviation."""
    started = time.perf_counter()
    train = WAYS[name][0](digits, recipe, device)
    synchronise(device)
    ready = time.perf_counter() - started
    rows = []
    for seed in range(seeds):
        if not deadline.allows():
            break
        history = train(seed)
        row = asdict(history) | {
            "seed": seed,
            "accuracy": history.accuracy,
            "training_seconds": sum(history.seconds),
            "seconds_to_aim": seconds_to(history, AIM),
        }
        rows.append(row)
        print(
            f"{name}, seed {seed}: {history.accuracy:.2%} of validation images in "
            f"{row['training_seconds']:.2f} s",
            flush=True,
        )
    return summary(rows) | {"seconds_to_prepare": ready, "rows": rows}


def summary(rows):
    """Means and deviations of several trainings; empty for none."""
    if not rows:
        return {"count": 0}
    accuracies = [row["accuracy"] for row in rows]
    seconds = [row["training_seconds"] for row in rows]
    reached = [row["seconds_to_aim"] for row in rows if row["seconds_to_aim"] is not None]
    return {
        "count": len(rows),
        "mean": statistics.mean(accuracies),
        "deviation": statistics.stdev(accuracies) if len(rows) > 1 else None,
        "seconds": {
            "median": statistics.median(seconds), "low": min(seconds), "high": max(seconds),
        },
        "aim": AIM,
        "reached_by": len(reached),
        "seconds_to_aim": statistics.median(reached) if reached else None,
    }  # fmt: skip


# --- the report ---------------------------------------------------------------------------


def as_table(report):
    """The trainings as lines of text."""
    lines = [
        f"{'training':16} {'seeds':>5} {'validation accuracy':>20} {'s a training':>13} "
        f"{'s to ' + format(AIM, '.1%'):>11} {'s before':>9}"
    ]
    for name, found in report["trainings"].items():
        if not found["count"]:
            continue
        spread = f" ± {100 * found['deviation']:.2f}" if found["deviation"] is not None else ""
        to_aim = "–" if found["seconds_to_aim"] is None else f"{found['seconds_to_aim']:.2f}"
        lines.append(
            f"{name:16} {found['count']:5} {100 * found['mean']:.2f}{spread:>8} %"
            f"{found['seconds']['median']:>18.2f} {to_aim:>11} {found['seconds_to_prepare']:>9.1f}"
        )
    return "\n".join(lines)


def everything(options, device, folder, deadline, keep):
    """Run the parts that there is time for; `keep` is handed the report after each."""
    digits, split = load_digits(options.trial)
    recipe = replace(RECIPE, epochs=1) if options.trial else RECIPE
    seeds, steps = (2, 3) if options.trial else (SEEDS, LOSSES)
    report = {
        "command": "python benchmarks/gpu.py",
        "made": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "trial": options.trial,
        **about(device),
        "split": split,
        "recipe": recipe.plain(),
        "checks": [],
        "trainings": {},
        "left_out": [],
    }
    for key in ("device", "name", "cuda", "driver", "machine", "split"):
        print(f"{key}: {report.get(key)}" if report.get(key) else f"{key}: unknown")
    print(f"torch {torch.__version__}, NumPy {report['versions']['numpy']}", flush=True)

    with told(report, "checks"):
        for row in run_checks(device, folder, deadline):
            report["checks"].append(row)
            keep(report)
    missing = len(device_checks.CHECKS) - len(report["checks"])
    if missing:
        leave_out(report, f"{missing} checks: no time was left")
    for key, part in (
        ("losses", lambda: compared_losses(device, digits, steps)),
        ("shares", lambda: shares(device, digits)),
    ):
        if not deadline.allows():
            leave_out(report, f"{key}: no time was left")
            continue
        with told(report, key):
            report[key] = part()
        keep(report)
    for name, (_, compiles, needs_cuda) in WAYS.items():
        if needs_cuda and device.type != "cuda":
            leave_out(report, f"{name}: CUDA graphs need a CUDA GPU, and here is {device.type}")
        elif not deadline.allows(TO_COMPILE if compiles else 0):
            leave_out(report, f"{name}: no time was left")
        else:
            with told(report, name):
                report["trainings"][name] = trainings(name, digits, recipe, device, deadline, seeds)
        keep(report)
    return report


def place_of(options):
    """The file of the report, or None."""
    if options.to:
        return Path(options.to)
    if options.store:
        return EVIDENCE
    folder = os.environ.get("OUT")  # where a rented machine collects what it sends back
    return Path(folder) / "gpu.json" if folder else None


def parsed(arguments):
    """The options, checked. Ends with a sentence where they can't work."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=8, help="begin nothing after so many")
    parser.add_argument("--device", help="cuda, mps or cpu; by default the best there is")
    parser.add_argument("--to", metavar="FILE", help="write the report into this file")
    parser.add_argument("--store", action="store_true", help=f"write it into {EVIDENCE.name}")
    parser.add_argument("--trial", action="store_true", help="in small, to see that it runs")
    options = parser.parse_args(arguments)
    if options.store and options.trial:
        parser.error("a trial is never stored: its figures mean nothing")
    try:
        options.device = runtime.device(options.device)
    except ValueError as error:
        parser.error(str(error))
    if options.store and options.device.type == "cpu":
        parser.error("torch sees no GPU here, and only figures of a GPU are stored")
    return options


def main(arguments=None):
    options = parsed(arguments)
    deadline = Deadline(options.minutes)
    os.environ.pop("MNIST_COURSE_QUICK", None)  # --trial is this script's own quick mode
    started, place = time.perf_counter(), place_of(options)

    def keep(report):
        report["seconds"] = time.perf_counter() - started
        if place is not None:
            text = json.dumps(report, indent=1, ensure_ascii=False) + "\n"
            runtime.write_whole(place, text.encode())

    with tempfile.TemporaryDirectory() as folder:
        if importlib.util.find_spec("platformdirs") is None:
            # it knows where a user's data belongs; without it the images are unpacked here
            os.environ.setdefault("MNIST_COURSE_DATA", folder)
        report = everything(options, options.device, Path(folder), deadline, keep)
        keep(report)
    print()
    print(as_table(report))
    failed = [row["name"] for row in report["checks"] if row["verdict"] == "failed"]
    for line in report["left_out"]:
        print(f"left out: {line}")
    for name in failed:
        print(f"FAILED: {name}")
    if options.trial:
        print("This was a trial: these are not figures.")
    print(f"{report['seconds']:.0f} s in all" + (f"; the report is in {place}" if place else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
