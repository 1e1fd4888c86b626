"""Make the long runs whose numbers the lessons and the README quote: `make results`.

    python research/runs.py                 every topic, what is missing of it
    python research/runs.py residual relu   these topics
    python research/runs.py --again lenet   also what is stored
    python research/runs.py --list          topics, and how many runs each still lacks
    python research/runs.py versions        in an environment with each version of torch in turn

Each run is one random seed. Its figures go into `research/evidence/TOPIC.json` as soon as it
ends, so an interrupted evening loses at most one run for each process. A stored run is made again
when its recipe or its network has changed, or with --again; the old one stays in the file, under
"earlier". Where a topic opens the test set, only --again starts on another recipe or network; if
that is interrupted, the same command without --again makes the rest.
Once no run of a topic is missing, `quotes.py` computes what is quoted of it, so that the prose
never quotes half a topic.
Runs are spread over processes of one thread each, because times are measured elsewhere
(`make bench`).
"""

import argparse
import hashlib
import json
import statistics
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, replace
from itertools import product

import quotes
import torch
from torch import nn
from tqdm import tqdm

from mnist_course import augment, data, metrics, models, probe, recipes, runtime, writeups
from mnist_course.recipes import NETWORKS
from mnist_course.training import Recipe, evaluate, fit, predict

E = replace(recipes.WRITEUP_E, epochs=12)
E_ALONE = replace(E, schedule="constant", patience=None, augment=None)
ABLATION = {
    "base": (writeups.network_e, E_ALONE),
    "augmentation alone": (writeups.network_e, replace(E_ALONE, augment=recipes.AUGMENT_E)),
    "batch norm alone": (lambda: writeups.network_e(batch_norm=True), E_ALONE),
    "decay, early stop alone": (writeups.network_e, replace(E, augment=None)),
    "all together": (lambda: writeups.network_e(batch_norm=True), E),
}


def lenet_with(**parts):
    """Builds LeNet-5 with these parts exchanged, and with the weights of Xavier in every row."""
    return lambda: models.initialise_xavier(models.lenet5_variant(**parts))


# Lesson 04 changes one thing at a time, from lesson 03's network on. A part may need another rate:
# the search below shows the rates that were tried.
SHORT = replace(recipes.LENET, epochs=2)
RELU = replace(SHORT, learning_rate=0.3)
MOMENTUM = replace(SHORT, learning_rate=0.03, momentum=0.9)
ADAM = replace(recipes.LENET_RELU, epochs=2)
STEPS = {
    "lenet5": (models.lenet5, SHORT),
    "relu": (lenet_with(pooling=nn.AvgPool2d), RELU),
    "max-pooling": (lenet_with(), RELU),
    "momentum": (lenet_with(), MOMENTUM),
    "adam": (lenet_with(), ADAM),
    "batch-norm": (lenet_with(batch_norm=True), ADAM),
}
# name: (the learning rates that were tried, what else is as it is above or in lesson 05)
SEARCHES = {
    "lenet5": ((0.1, 0.3, 0.6, 0.9, 1.5, 3, 6), STEPS["lenet5"]),
    "residual": (
        (0.0006, 0.002, 0.006, 0.02, 0.06, 0.2),
        (models.residual_network, replace(recipes.RESIDUAL, epochs=2)),
    ),
    "relu": ((0.03, 0.1, 0.3, 0.9), STEPS["relu"]),
    "momentum": ((0.003, 0.01, 0.03, 0.1), STEPS["momentum"]),
    "adam": ((0.0003, 0.001, 0.003, 0.01), STEPS["adam"]),
}

# Why does write-up D's first model stay behind? Its recipe with one change each. After eight of its
# 14 epochs the rate has fallen to a twelfth, and 95 % of what the rates add up to is spent.
FIRST = replace(recipes.WRITEUP_D_SGD, epochs=8)
WHY = {
    "constant": replace(FIRST, schedule="constant"),
    "ten-times": replace(FIRST, learning_rate=0.1),
    "normalised": replace(FIRST, normalisation=recipes.FASHION_NORMALISATION),
}


def uncut():
    """Lesson 05's network without its cut of the border, where clothes have ink."""
    return models.residual_network()[1:]


# Lesson 05's recipe on clothes: as it is, and with the three settings that are fitted to clothes.
FITTED = {
    "unchanged": NETWORKS["residual"],
    "fitted": (uncut, recipes.RESIDUAL_FASHION),
}

# What do a network's figures owe to the version of torch? A row that names one is made by it alone.
VERSIONS = ("2.13", "2.14")

# topic: (runs as {name: (build, recipe)}, seeds, dataset, whether the test set is opened)
TOPICS = {
    "lenet": ({"lenet5": NETWORKS["lenet5"]}, 10, "mnist", False),
    "relu": ({"lenet5-relu": NETWORKS["lenet5-relu"]}, 10, "mnist", False),
    "residual": ({"residual": NETWORKS["residual"]}, 10, "mnist", True),
    "residual-fast": ({"residual-fast": NETWORKS["residual-fast"]}, 10, "mnist", True),
    "residual-long": ({"residual-long": NETWORKS["residual-long"]}, 10, "mnist", True),
    "residual-small": ({"residual-small": NETWORKS["residual-small"]}, 10, "mnist", True),
    "ablation": (ABLATION, 5, "mnist", False),
    "writeups": (
        {
            "b": NETWORKS["b"],
            "b-shuffled": (writeups.network_b, replace(recipes.WRITEUP_B, shuffle=True)),
            "c": NETWORKS["c"],
            "e": NETWORKS["e"],
        },
        5,
        "mnist",
        False,
    ),
    "fashion": (
        {
            # write-up D starts with d2l's LeNet-5, on pixels from 0 to 1
            "lenet5": (models.lenet5, replace(recipes.LENET, normalisation=(0.0, 1.0))),
            **{name: NETWORKS[name] for name in ("d1", "d2", "d3", "d4")},
        },
        3,
        "fashion",
        False,
    ),
    "fashion-why": (
        {name: (writeups.network_d, recipe) for name, recipe in WHY.items()},
        3,
        "fashion",
        False,
    ),
    "fashion-residual": (FITTED, 3, "fashion", False),
    "shift": ({name: NETWORKS[name] for name in ("mlp", "lenet5")}, 5, "mnist", False),
    "steps": (STEPS, 5, "mnist", False),
    "rates": (
        {
            f"{name} {rate}": (build, replace(recipe, learning_rate=rate))
            for name, (rates, (build, recipe)) in SEARCHES.items()
            for rate in rates
        },
        1,
        "mnist",
        False,
    ),
    "errors": ({"residual": NETWORKS["residual"]}, 5, "mnist", True),
    "versions": (
        {
            f"{name}, torch {version}": NETWORKS[name]
            for name in ("residual", "b")
            for version in VERSIONS
        },
        10,
        "mnist",
        False,
    ),
    "writeup-a": (
        {"a": (writeups.network_a, replace(recipes.WRITEUP_A, epochs=1))},
        1,
        "mnist",
        False,
    ),
}

# Rows that get more seeds than their topic: whether write-up D's fourth model is worse than its
# second is a question for the course's rule, which asks for five.
MORE_SEEDS = {("fashion", "d2"): 5, ("fashion", "d4"): 5}

# Topics that learn from all 60,000 images: when everything is chosen, validation has no more use.
WHOLE = {"residual-long"}

# Topics whose networks are also evaluated on validation images that were moved by so many pixels.
SHIFTED = {"shift": range(5)}

# Topics whose networks read each test image in five places, and vote.
FIVE_PLACES = {"residual-fast"}

# Topics that keep which images were misread, and how well the network knows what it knows.
READ = {"errors"}


def fingerprint(network):
    """Twelve hexadecimal digits that differ for networks of other layers or other work.

    A version of torch that prints a layer in other words changes them too, because one training
    too many is better than the figure of another network.
    """
    text = f"{network} {probe.multiply_accumulates(network)}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def run(topic, name, seed):
    """Train one network from one seed; its figures as a dict that JSON can hold."""
    torch.set_num_threads(1)
    rows, _, dataset, opens_test = TOPICS[topic]
    build, recipe = rows[name]
    digits = data.load(dataset)
    if topic in WHOLE:
        digits = replace(digits, train=data.load_all_training(dataset))
    runtime.seed_everything(seed)
    network = build()
    # always on the CPU, where the test set is evaluated below, so that figures stay comparable
    history = fit(network, digits, recipe, seed=seed, device="cpu")
    voting = models.FivePlaces(network) if topic in FIVE_PLACES else network
    figures = {
        "name": name,
        "seed": seed,
        "recipe": recipe.plain(),
        "network": fingerprint(network),
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "multiply_accumulates": probe.multiply_accumulates(voting),
        "voters": voters(voting),
        "whole": topic in WHOLE,
        **{key: value for key, value in asdict(history).items() if key != "images"},
        "machine": runtime.machine(),
        "versions": runtime.versions(),
    }
    if topic in WHOLE:  # it has learned from its validation images, so they say nothing
        del figures["validation_loss"], figures["validation_accuracy"]
    if topic in SHIFTED:
        figures["shifted_accuracy"] = [
            shifted_accuracy(network, digits.validation, pixels, recipe.normalisation)
            for pixels in SHIFTED[topic]
        ]
    if topic in READ:
        logits = predict(network, digits.validation, normalisation=recipe.normalisation)
        figures["misread"] = misread(logits, digits.validation.labels)
        figures["margins"] = margins(logits, digits.validation.labels)
        figures["calibration"] = calibrated(logits, digits.validation.labels)
    if opens_test:
        network_name = f"{name} (network {figures['network']})"
        reason = f"make results: {topic}, {network_name}, seed {seed}, after the last epoch"
        test = data.open_test_set(reason, dataset, quotes.EVIDENCE)
        batches = data.Batches(test, 1000, normalisation=recipe.normalisation)
        figures["test_accuracy"] = evaluate(voting, batches)[1]
        if topic in FIVE_PLACES:
            figures["test_accuracy_in_one_place"] = evaluate(network, batches)[1]
        if topic in READ:  # as lesson 06 does: with the temperature of every second image
            temperature = figures["calibration"]["temperatures"][1]
            logits = predict(network, test, normalisation=recipe.normalisation)
            figures["test_calibration"] = {
                key: in_bins(scaled.softmax(dim=1), test.labels).tolist()
                for key, scaled in (("before", logits), ("after", logits / temperature))
            }
    return figures


def voters(network):
    """How many votes decide what an image shows; while a network learns, it gives one."""
    if isinstance(network, models.Ensemble):
        return len(network.networks)
    return 5 if isinstance(network, models.FivePlaces) else 1


def shifted_accuracy(network, part, pixels, normalisation):
    """Accuracy on images moved by so many pixels: the mean over right, left, down and up."""
    ways = ((pixels, 0), (-pixels, 0), (0, pixels), (0, -pixels))
    accuracies = []
    for right, down in ways:
        moved = data.Part(augment.shift(part.images, right, down), part.labels)
        batches = data.Batches(moved, 1000, normalisation=normalisation)
        accuracies.append(evaluate(network, batches)[1])
    return statistics.mean(accuracies)


def misread(logits, labels):
    """For each misread image [place, label, prediction, confidence in 0..1]."""
    confidence, predictions = (found.tolist() for found in logits.softmax(dim=1).max(dim=1))
    return [
        [place, label, prediction, round(sure, 4)]
        for place, (label, prediction, sure) in enumerate(
            zip(labels.tolist(), predictions, confidence, strict=True)
        )
        if prediction != label
    ]


def margins(logits, labels):
    """For each image the logit of its label minus the largest of the others: (N,) as a list."""
    labels = labels[:, None]
    others = logits.scatter(1, labels, -torch.inf).amax(dim=1)
    return [round(one, 2) for one in (logits.gather(1, labels)[:, 0] - others).tolist()]


def calibrated(logits, labels):
    """How honest the confidence is, as it comes and after temperature scaling.

    Two halves are read in turn, each with the temperature that fits the other. For every bin of
    confidence: images, sum of confidences, right answers.
    """
    halves = torch.arange(len(labels)) % 2
    found: dict = {"temperatures": [], "losses": [[], []], "before": 0, "after": 0}
    for half in (0, 1):
        read, other = halves == half, halves != half
        temperature = metrics.temperature(logits[other], labels[other])
        found["temperatures"].append(temperature)
        for key, scaled in (("before", logits[read]), ("after", logits[read] / temperature)):
            loss = nn.functional.cross_entropy(scaled, labels[read]).item()
            found["losses"][key == "after"].append(loss)
            found[key] = found[key] + in_bins(scaled.softmax(dim=1), labels[read])
    return found | {key: found[key].tolist() for key in ("before", "after")}


def in_bins(probabilities, labels):
    """Images, sum of confidences and right answers in each bin of confidence: (bins, 3)."""
    confidence, accuracy, count = metrics.calibration(probabilities, labels)
    sums = torch.stack([count, confidence * count, accuracy * count], dim=1)
    return sums.double().nan_to_num()


def store(topic, runs):
    """Write a topic's evidence: what made it, and each run.

    Stored runs that are not in `runs` stay in the record, as earlier ones.
    """
    rows, _, dataset, _ = TOPICS[topic]
    written = {json.dumps(one) for one in runs}  # as text: tuples are lists there, NaN equals NaN
    earlier = [one for one in all_runs(topic) if json.dumps(one) not in written]
    content = {
        "command": f"python research/runs.py {topic}",
        "dataset": dataset,
        "training_images": 60_000 if topic in WHOLE else 55_000,
        "threads": 1,
        "runs": sorted(runs, key=lambda one: (list(rows).index(one["name"]), one["seed"])),
    }
    if earlier:
        content["earlier"] = earlier
    quotes.store(topic, content)


def all_runs(topic):
    """Every run in a topic's file, today's and earlier ones."""
    path = quotes.EVIDENCE / f"{topic}.json"
    if not path.is_file():
        return []
    try:
        content = quotes.load(topic)
        return content["runs"] + content.get("earlier", [])
    except (ValueError, KeyError, TypeError) as error:
        sys.exit(f"{path} is damaged ({error}). Take the last whole one: git checkout {path}")


def pairs_of(topic):
    """Every (name, seed) of a topic, seed by seed."""
    rows, seeds, _, _ = TOPICS[topic]
    counts = {name: MORE_SEEDS.get((topic, name), seeds) for name in rows}
    every = product(range(max(counts.values())), rows)
    return [(name, seed) for seed, name in every if seed < counts[name]]


def stored_runs(topic):
    """The runs of a topic that are there and were made by today's recipe and network."""
    rows, due = TOPICS[topic][0], set(pairs_of(topic))
    wanted = {
        name: (recipe.plain(), fingerprint(build())) for name, (build, recipe) in rows.items()
    }
    defaults = Recipe().plain()  # an older run lacks settings that came later
    found: dict = {}  # a seed that was made twice counts once
    for one in all_runs(topic):
        made_by = (defaults | one["recipe"], one.get("network"))
        if one.get("whole", False) != (topic in WHOLE):  # the oldest runs lack it: none was whole
            continue
        pair = one["name"], one["seed"]
        if pair in due and made_by == wanted.get(one["name"]):
            found.setdefault(pair, one)
    return list(found.values())


def missing(topic):
    """The (name, seed) pairs that a topic still lacks."""
    there = {(one["name"], one["seed"]) for one in stored_runs(topic)}
    return [pair for pair in pairs_of(topic) if pair not in there]


def made_here(name):
    """Whether a row can be made in this environment: with any torch, unless it names a version."""
    version = name.partition(", torch ")[2]
    return not version or torch.__version__.startswith(f"{version}.")


def would_open_again(topic, pairs):
    """Whether another recipe or network of one of these pairs has read the test set already."""
    read = {(one["name"], one["seed"]) for one in all_runs(topic)}
    return TOPICS[topic][3] and not read.isdisjoint(pairs)


def main():
    parser = argparse.ArgumentParser(description="Make the long runs.")
    parser.add_argument("topics", nargs="*", metavar="TOPIC", help=", ".join(TOPICS))
    parser.add_argument("--jobs", type=int, default=torch.get_num_threads(), help="processes")
    parser.add_argument("--list", action="store_true", help="only say what is missing")
    parser.add_argument("--again", action="store_true", help="make stored runs again, too")
    options = parser.parse_args()
    unknown = set(options.topics) - set(TOPICS)
    if unknown:
        parser.error(f"no topic {', '.join(unknown)}; there are {', '.join(TOPICS)}")
    if runtime.quick():
        parser.error("these are full-size runs: start without MNIST_COURSE_QUICK")
    if options.again and not options.topics:
        parser.error("--again needs a topic")
    torch.set_num_threads(1)  # a process that is forked can't use the threads of this one
    for topic in options.topics or TOPICS:
        pairs = [pair for pair in missing(topic) if made_here(pair[0])]
        if options.list:
            print(f"{topic:{max(map(len, TOPICS))}} {len(pairs)} runs missing")
            continue
        if options.again:
            pairs = [pair for pair in pairs_of(topic) if made_here(pair[0])]
        elif not stored_runs(topic) and would_open_again(topic, pairs):
            print(
                f"{topic}: its network or recipe is not the one whose runs are stored. New runs "
                f"would read the test set once more: --again {topic} makes them"
            )
            continue
        runs = {(one["name"], one["seed"]): one for one in stored_runs(topic)}
        if runs:  # a recipe that was taken back finds its runs among the earlier ones
            store(topic, list(runs.values()))
        with ProcessPoolExecutor(options.jobs) as pool:
            waiting = [pool.submit(run, topic, *pair) for pair in pairs]
            for done in tqdm(as_completed(waiting), topic, len(waiting), unit="run"):
                one = done.result()
                runs[one["name"], one["seed"]] = one
                store(topic, list(runs.values()))
        if runs and not missing(topic):
            quotes.write(topic)


if __name__ == "__main__":
    main()
