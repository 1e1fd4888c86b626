"""What is quoted, computed from the evidence: `mnist_course/results/` from `research/evidence/`.

    python research/quotes.py          every file again; nothing is trained or measured
    python research/quotes.py lenet    this one

A file of evidence holds all that was recorded of its runs, also of those that were made again
later. What is quoted from it holds summaries, each seed's accuracy, and the curves that a lesson
or an explorer shows. `make results` and `make bench` end with this.
"""

import itertools
import json
import re
import statistics
import sys
from pathlib import Path

from scipy.stats import t as students_t

from mnist_course import metrics, runtime

EVIDENCE = Path(__file__).parent / "evidence"
# of this checkout, whichever one the package is imported from
QUOTED = Path(__file__).parent.parent / "mnist_course" / "results"
# topic: the rows whose curves a lesson or an explorer shows, epoch by epoch
CURVES = {
    "lenet": {"lenet5"},
    "residual": {"residual"},
    "ablation": {"all together"},
    "writeups": {"b", "b-shuffled"},
    "fashion": {"lenet5", "d1", "d2", "d3", "d4"},
    "fashion-why": {"constant", "ten-times", "normalised"},
}
PER_EPOCH = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")
# topic: the mean test accuracy that was aimed at before the test set was opened
AIMS = {"residual": 0.995, "residual-fast": 0.995, "residual-small": 0.995, "residual-long": 0.9965}
TEST_IMAGES = 10_000
# short names of what is quoted from choices.json: marks can't hold spaces
CHOICES = {
    "longer": "the longer network",
    "longer-still": "a longer network still",
    "halves": "the longer network, on halves",
    "smallest": "the smallest network",
    "faster": "a faster recipe",
}
COMPARED = "lesson 05's network, to compare"
ON_HALVES = {
    "vote": "two of 22 channels vote, calm at the end",
    "single": "28 channels, calm at the end",
}
IMAGE_EXPLORERS = ("kernel lab", "pooling lab", "augmentation lab", "feature maps")


def load(topic):
    """The evidence of a topic, as a dict."""
    return json.loads((EVIDENCE / f"{topic}.json").read_text(encoding="utf-8"))


def store(topic, content):
    """Write the evidence of a topic."""
    runtime.write_whole(EVIDENCE / f"{topic}.json", as_json(content).encode())


def as_json(content):
    """JSON in which a list of plain values takes one line."""
    text = json.dumps(content, indent=1, ensure_ascii=False)
    return re.sub(r"\[\s+([^][{}]+?)\s+\]", lambda f: f"[{' '.join(f[1].split())}]", text) + "\n"


def summary(accuracies, images=None, aim=None):
    """What is said of a row of accuracies in 0..1: numbers, and texts in per cent.

    images: how many each accuracy was counted on, where their chance is to be stated, too; aim:
    the mean that was aimed at. Intervals are for 95 %: `seeds` from Student's t, `images` from
    Wilson's formula. One run alone has no deviation.
    """
    count, mean = len(accuracies), statistics.mean(accuracies)
    deviation = statistics.stdev(accuracies) if count > 1 else None
    found = {
        "count": count,
        "mean": mean,
        "deviation": deviation,
        "low": min(accuracies),
        "high": max(accuracies),
        "accuracies": accuracies,
    }
    text = {
        "mean": f"{100 * mean:.2f}",
        "about": f"{100 * mean:.1f}",
        "spread": f"{100 * mean:.2f}",
        "each": ", ".join(f"{100 * accuracy:.2f}" for accuracy in accuracies),
    }
    if deviation is not None:
        text["deviation"] = f"{100 * deviation:.2f}"
        text["spread"] += f" ± {100 * deviation:.2f}"
        of_mean = deviation / count**0.5
        half = students_t.ppf(0.975, count - 1) * of_mean
        text["seeds"] = f"{100 * (mean - half):.2f} to {100 * (mean + half):.2f}"
    if images:
        low, high = metrics.interval(mean * images, images)
        text["images"] = f"{100 * low:.2f} to {100 * high:.2f}"
    found["text"] = text
    if aim and deviation:
        found["aim"] = {
            "text": f"{100 * aim:.2f}",
            "reached_by": sum(accuracy >= aim for accuracy in accuracies),
            "spreads_above": (mean - aim) / of_mean,
        }
    return found


def work_to_train(content):
    """Multiply-accumulates of all forward passes of a training; an image passes one voter."""
    run = content["runs"][0]
    passes = images_learned_from(run, content["training_images"])
    return run["multiply_accumulates"] / run["voters"] * passes


def images_learned_from(run, training_images):
    """How many images a training has learned from, each as often as it came."""
    if "learned_from" in run:
        return sum(run["learned_from"])
    return training_images * run["recipe"]["epochs"]  # an older run: it saw everything


def of_trainings(topic, content):
    """What is quoted from the evidence of a topic of `runs.py`."""
    rows: dict = {}
    for run in content["runs"]:
        rows.setdefault(run["name"], []).append(run)
    quoted = {key: value for key, value in content.items() if key not in ("runs", "earlier")}
    quoted |= {"seeds": min(map(len, rows.values())), "rows": {}, "runs": []}
    for name, mine in rows.items():
        row, first = {}, mine[0]
        if "validation_accuracy" in first:
            row = summary([run["validation_accuracy"][-1] for run in mine])
        if "test_accuracy" in first:
            tests = [run["test_accuracy"] for run in mine]
            row["test"] = summary(tests, TEST_IMAGES, AIMS.get(topic))
        if "test_accuracy_in_one_place" in first:
            alone = [run["test_accuracy_in_one_place"] for run in mine]
            row["test_in_one_place"] = summary(alone, TEST_IMAGES)
        took = [sum(run["seconds"]) for run in mine]
        row |= {
            "parameters": first["parameters"],
            "epochs": first["recipe"]["epochs"],
            "mean_epochs": statistics.mean(len(run["seconds"]) for run in mine),  # may stop early
            "seconds": {"low": min(took), "high": max(took)},
            # of all epochs the fastest, because other work on the machine can only slow one down
            "seconds_an_epoch": min(min(run["seconds"]) for run in mine),
        }
        if "shifted_accuracy" in first:
            row["shifted"] = of_shifts([run["shifted_accuracy"] for run in mine])
        if "multiply_accumulates" in first:
            row["million_multiply_accumulates"] = first["multiply_accumulates"] / 1e6
        if topic in AIMS:
            times = work_to_train(content) / work_to_train(load("residual"))
            row["work_to_train_in_lesson_05s"] = times
        quoted["rows"][name] = row
        curves = PER_EPOCH if name in CURVES.get(topic, ()) else ()
        quoted["runs"] += [of_run(run, curves) for run in mine if curves or "test_accuracy" in run]
    # Whatever has read the test set is quoted, so that a report can say how many tries there were.
    tries = [run for run in content.get("earlier", []) if "test_accuracy" in run]
    if tries:
        quoted["earlier"] = [of_run(run, ()) for run in tries]
        quoted["earlier_networks"] = {}
        for network in dict.fromkeys(run["network"] for run in tries):
            earlier = [run["test_accuracy"] for run in tries if run["network"] == network]
            now = [run["test_accuracy"] for run in content["runs"]]
            gain, spread = metrics.gain(earlier, now)
            row = summary(earlier, TEST_IMAGES) | {"gain": 100 * gain, "gain_spread": 100 * spread}
            quoted["earlier_networks"][network] = row
    return quoted


def of_errors(content):
    """What is quoted of networks from several seeds: which images each misread, how many of them
    they share, and the mean margin of every validation image."""
    quoted = of_trainings("errors", content)
    misread = [run["misread"] for run in content["runs"]]
    places = [{row[0] for row in rows} for rows in misread]
    pairs = list(itertools.combinations(places, 2))
    quoted["misread"] = misread
    together = zip(*(run["margins"] for run in content["runs"]), strict=True)
    quoted["margins"] = [round(statistics.mean(one), 2) for one in together]
    quoted["agreement"] = {
        "each": statistics.mean(map(len, places)),
        "any": len(set.union(*places)),
        "all": len(set.intersection(*places)),
        "shared_by_two": statistics.mean(len(one & other) for one, other in pairs),
    }
    runs = content["runs"]
    temperatures = [one for run in runs for one in run["calibration"]["temperatures"]]
    quoted["calibration"] = {"temperature": statistics.mean(temperatures)}
    quoted["calibration"] |= of_bins([run["calibration"] for run in runs])
    quoted["test_calibration"] = of_bins([run["test_calibration"] for run in runs])
    return quoted


def of_bins(calibrations):
    """Bins of all runs together, before and after temperature scaling; for each images, mean
    confidence and accuracy, None where it is empty; and the calibration errors of single runs."""
    found: dict = {}
    for key in ("before", "after"):
        rows = [one[key] for one in calibrations]
        bins = [[sum(cell) for cell in zip(*same, strict=True)] for same in zip(*rows, strict=True)]
        images = sum(row[0] for row in bins)
        found[key] = {
            "images": [round(row[0]) for row in bins],
            "confidence": [row[1] / row[0] if row[0] else None for row in bins],
            "accuracy": [row[2] / row[0] if row[0] else None for row in bins],
            "mean_confidence": sum(row[1] for row in bins) / images,
            "error": error_of(bins),
            "errors": [error_of(one) for one in rows],
        }
        found[key] |= {"low": min(found[key]["errors"]), "high": max(found[key]["errors"])}
    return found


def error_of(bins):
    """The calibration error of bins of (images, sum of confidences, right answers)."""
    return sum(abs(row[1] - row[2]) for row in bins) / sum(row[0] for row in bins)


def of_shifts(accuracies):
    """What is said of accuracies on moved images: for each run one a pixel of shift, from 0 on."""
    by_shift = [summary(list(of_runs)) for of_runs in zip(*accuracies, strict=True)]
    texts = {f"{pixels}": row["text"] for pixels, row in enumerate(by_shift)}
    return {"accuracies": accuracies, "text": texts}


def of_rates(content):
    """What is quoted from the search for learning rates: the end of each run, by network."""
    quoted = {key: value for key, value in content.items() if key not in ("runs", "earlier")}
    quoted["searches"] = {}
    for run in content["runs"]:
        name = run["name"].partition(" ")[0]
        search = quoted["searches"].setdefault(
            name, {"epochs": run["recipe"]["epochs"], "rates": [], "losses": [], "accuracies": []}
        )
        rate = run["recipe"]["learning_rate"]
        if rate not in search["rates"]:
            search["rates"].append(rate)
            search["losses"].append([])
            search["accuracies"].append([])
        search["losses"][-1].append(round(run["validation_loss"][-1], 6))
        search["accuracies"][-1].append(run["validation_accuracy"][-1])
    return quoted


def of_versions(content):
    """What is quoted of the same trainings with two versions of torch, by network.

    "alike" counts the seeds whose losses and accuracies agree in every epoch to the last digit.
    """
    rows: dict = {}
    for run in content["runs"]:
        network, _, version = run["name"].partition(", torch ")
        of_network = rows.setdefault(network, {})
        of_network.setdefault(version, {})[run["seed"]] = run
    quoted = {key: value for key, value in content.items() if key not in ("runs", "earlier")}
    quoted["networks"] = {}
    for network, (old, new) in ((name, found.values()) for name, found in rows.items()):
        before, after = (
            [run["validation_accuracy"][-1] for run in of_version.values()]
            for of_version in (old, new)
        )
        gain, spread = metrics.gain(before, after)
        quoted["networks"][network] = {
            "old": summary(before),
            "new": summary(after),
            "gain": 100 * gain,
            "gain_spread": 100 * spread,
            "alike": sum(
                all(run[key] == new[seed][key] for key in ("train_loss", "validation_accuracy"))
                for seed, run in old.items()
                if seed in new
            ),
        }
    return quoted


def of_run(run, curves):
    """The part of a run that is quoted; curves: keys of its values epoch by epoch."""
    kept = {key: run[key] for key in ("name", "seed", "parameters", "recipe")}
    kept |= {key: [round(value, 6) for value in run[key]] for key in curves}
    return kept | {key: run[key] for key in ("test_accuracy",) if key in run}


def of_choices(content):
    """What is quoted from the comparison of candidates."""
    kept = ("choice", "name", "split", "multiply_accumulates", "validation_accuracy", "alone")
    quoted = {"command": content["command"], "candidates": {}, "misread": {}, "runs": []}
    for short, choice in CHOICES.items():
        names = {run["name"] for run in content["runs"] if run["choice"] == choice}
        quoted["candidates"][short] = len(names)
    for short, name in ON_HALVES.items():
        wanted = CHOICES["halves"], name
        mine = [run for run in content["runs"] if (run["choice"], run["name"]) == wanted]
        if mine:
            errors = [100 * (1 - run["validation_accuracy"][-1]) for run in mine]
            quoted["misread"][short] = statistics.mean(errors)
        quoted["runs"] += [{key: run[key] for key in kept if key in run} for run in mine]
    quoted["faster"] = faster(content["runs"])
    return quoted


def faster(runs):
    """What less work than lesson 05's recipe has cost, by candidate, on the same splits.

    work: multiply-accumulates of a whole training, as a share of lesson 05's; lost: mean of the
    lost accuracy, in points, and lost_in_five_places, after a vote of five places against lesson
    05's network in one; spread, spread_in_five_places: that mean's standard deviation, from the
    pairs.
    """
    ours = {run["split"]: run for run in runs if run["choice"] == COMPARED}
    found: dict = {}
    for run in runs:
        if run["choice"] in (COMPARED, CHOICES["faster"]):
            found.setdefault(run["name"], []).append((ours[run["split"]], run))

    def work(run):
        return run["multiply_accumulates"] * images_learned_from(run, run["training_images"])

    quoted = {}
    for name, pairs in found.items():
        recipe = pairs[0][1]["recipe"]
        row = {"work": work(pairs[0][1]) / work(pairs[0][0]), "splits": len(pairs)}
        row |= {key: recipe[key] for key in ("epochs", "hardest", "others") if key in recipe}
        for ending, reached in (
            ("", lambda run: run["validation_accuracy"][-1]),
            ("_in_five_places", lambda run: run["five_places"]),
        ):
            lost = [100 * (one["validation_accuracy"][-1] - reached(run)) for one, run in pairs]
            row["lost" + ending] = statistics.mean(lost)
            row["spread" + ending] = statistics.stdev(lost) / len(lost) ** 0.5
        quoted[name.replace(",", "").replace(" ", "-")] = row
    return quoted


def of_bench(content):
    """The tables of `make bench` without single times, and what is said of several rows at once."""
    tables = without(content["tables"], {"times", "versions"})
    training = content["tables"]["training"]
    steps = training["times"]["step of write-up A"]
    tables["training"] |= {
        "ratio_by_fastest_step": min(steps) / statistics.median(steps) * training["ratio"],
        "peer_minutes": training["peer_seconds"] / 60,
    }
    a = tables["networks"]["rows"]["a"]
    a["minutes_an_epoch"] = a["seconds_an_epoch"] / 60
    tables["grading"]["hours_for_ten_thousand"] = (
        10_000 / tables["grading"]["notebooks_per_minute"] / 60
    )
    table = tables["explorers"]
    rows = [table["explorers"][name] for name in IMAGE_EXPLORERS]
    loss = table["explorers"]["loss"]
    table |= {
        "step": ends(row["explorer"]["median"] for row in rows),
        "late_step": ends(row["explorer"]["percentile_95"] for row in rows),
        "jump": ends(row["on demand"]["median"] for row in rows),
        "bare": ends(table["least_milliseconds"].values()),
        "scrubber": table["explorers"]["epoch scrubber"]["explorer"]["median"],
        "ratio_of_jump": min(
            row["interact"]["median"] / row["on demand"]["median"] for row in rows
        ),
        "ratio_of_loss": loss["interact"]["median"] / loss["explorer"]["median"],
    }  # fmt: skip
    return {"command": content["command"], "tables": tables}


def of_gpu(content):
    """A GPU, and what a training took there in each way, without the single trainings."""
    kept = ("command", "name", "machine", "cuda", "driver")
    quoted = {key: content[key] for key in kept if key in content}
    quoted |= {"torch": content["versions"]["torch"], "trainings": {}}
    for name, found in content["trainings"].items():
        row = {key: value for key, value in found.items() if key != "rows"}
        quoted["trainings"][name] = row | summary([one["accuracy"] for one in found["rows"]])
    if "losses" in content:
        quoted["largest_gap"] = content["losses"]["largest_gap"]
    if "shares" in content:
        quoted["shares"] = content["shares"]
    return quoted


def of_drawn(content):
    """How each network reads drawings: by what was left out, of all digits and of each."""
    quoted = {key: value for key, value in content.items() if key not in ("runs", "earlier")}
    # Whatever has read the test set is quoted.
    tries = [run for run in content.get("earlier", []) if "test_accuracy" in run]
    quoted["earlier"] = {
        f"{run['recipe']['epochs']}-epochs": {"test": summary([run["test_accuracy"]])}
        for run in tries
    }
    quoted["rows"] = {}
    rows: dict = {}
    for run in content["runs"]:
        rows.setdefault(run["name"], []).append(run)
    if "board" in rows:
        rows["shipped"] = rows["board"][:1]
    for name, mine in rows.items():
        reached = [run["validation_accuracy"][-1] for run in mine]
        row = {"validation": summary(reached), "epochs": len(mine[0]["validation_accuracy"])}
        if "test_accuracy" in mine[0]:  # of the network that ships
            row["test"] = summary([mine[0]["test_accuracy"]], TEST_IMAGES)
        for option in mine[0]["accuracy"]:
            by_digit = [run["accuracy"][option] for run in mine]
            of_all = [statistics.mean(one) for one in by_digit]
            each = [statistics.mean(one) for one in zip(*by_digit, strict=True)]
            texts = [f"{100 * share:.1f}" for share in each]
            row[option] = summary(of_all, content["digits"]) | {
                "each": each,
                "lowest": min(each),
                "digit": {str(digit): text for digit, text in enumerate(texts)},
            }
        row["habits"] = mine[0]["habits"]
        quoted["rows"][name] = row
    return quoted


def of_mended(content):
    """What lesson 08 finds in a full run. Of each mend a row for each of its test sets."""
    quoted = {key: value for key, value in content.items() if key not in ("mends", "versions")}
    quoted["mends"] = {
        name: {test: summary([run[test] for run in runs]) for test in runs[0]}
        for name, runs in content["mends"].items()
    }
    return quoted


def of_lessons(content):
    """What each lesson took, and the most memory that one of them did."""
    lessons = {
        number: row for number, row in content.items() if isinstance(row, dict) and "minutes" in row
    }
    most = max(row["peak_megabytes"] for row in lessons.values())
    about = {name: content[name] for name in ("command", "machine")}
    return {**about, **lessons, "most_megabytes": most}


def ends(values):
    """The lowest and the highest of several values."""
    values = list(values)
    return {"low": min(values), "high": max(values)}


def without(content, keys):
    """A dict, and every dict in it, without these keys."""
    if not isinstance(content, dict):
        return content
    return {key: without(value, keys) for key, value in content.items() if key not in keys}


def quoted(topic):
    """What `mnist_course/results/` holds of a topic."""
    content = load(topic)
    by_name = {
        "choices": of_choices,
        "rates": of_rates,
        "bench": of_bench,
        "lessons": of_lessons,
        "drawn": of_drawn,
        "mended": of_mended,
        "errors": of_errors,
        "versions": of_versions,
        "gpu": of_gpu,
    }
    return by_name[topic](content) if topic in by_name else of_trainings(topic, content)


def write(topic):
    """Compute what is quoted of a topic, and write it."""
    runtime.write_whole(QUOTED / f"{topic}.json", as_json(quoted(topic)).encode())


def main(topics):
    for topic in topics or sorted(path.stem for path in EVIDENCE.glob("*.json")):
        write(topic)


if __name__ == "__main__":
    main(sys.argv[1:])
