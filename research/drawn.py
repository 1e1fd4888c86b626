"""How well drawings are read: by lesson 05's network, and by the one that the board ships.

    python research/drawn.py                what is missing of the runs
    python research/drawn.py --ship         and the weights of the board's first seed are kept
    python research/drawn.py --test         the test set is opened for the weights that ship, once

Both networks have lesson 05's recipe, the board's with twice the epochs, because it has also
learned from digits that writers made by rule (`drawing.writers`, the group "training"). Both read
the digits of the group "evaluation", whose fonts and habits nobody learned from: with every step on
the way to 28×28 pixels, with each step left out, and with none. Each finished run is kept in
`research/evidence/drawn.json`.
"""

import argparse
from collections import Counter
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import quotes
import torch
from runs import all_runs, fingerprint

from mnist_course import checkpoints, data, models, recipes, runtime
from mnist_course.drawing import Options, weights, writers
from mnist_course.training import Recipe, evaluate, fit, predict

WRITERS = 700  # that the board's network learns from, ten digits each
READ = 200  # writers whose digits are read, ten each
READ_SEED = 100
SEEDS = 3
ROWS = ("lesson-05", "board")
OPTIONS = {
    "every-step": Options(),
    "black-on-white": Options(ink_on_black=False),
    "own-pen": Options(pen=None),
    "no-box": Options(box=False),
    "no-centre": Options(centre=False),
    "no-step": Options(ink_on_black=False, pen=None, box=False, centre=False),
}
# Twice the epochs for the board: drawn digits are one more kind of image to learn, and a page that
# is used for years may take a minute longer once.
RECIPES = {"lesson-05": recipes.RESIDUAL, "board": replace(recipes.RESIDUAL, epochs=10)}


def digits_for(row):
    """What a row learns from and is chosen on: `data.Digits`."""
    digits = data.load()
    if row == "lesson-05":
        return digits
    drawn = writers.training_part(WRITERS)
    parts = digits.train, drawn
    both = data.Part(
        torch.cat([part.images for part in parts]), torch.cat([part.labels for part in parts])
    )
    return replace(digits, train=both)


@cache
def written():
    return writers.write("evaluation", READ, READ_SEED)


@cache
def read_part(option):
    return writers.as_part(written(), OPTIONS[option])


def reading(network):
    """How a network reads the drawings: accuracies by option and class, and by habit."""
    found = {}
    for option in OPTIONS:
        part = read_part(option)
        right = predict(network, part).argmax(dim=1) == part.labels
        found[option] = [right[part.labels == digit].float().mean().item() for digit in range(10)]
        if option == "every-step":
            names = [f"{one.label} {one.habit}" for one in written()]
            wrong = Counter(
                name for name, is_right in zip(names, right, strict=True) if not is_right
            )
            total = Counter(names)
    habits = {name: [total[name] - wrong[name], total[name]] for name in sorted(total)}
    return {"accuracy": found, "habits": habits}


def run(row, seed, keep=False):
    """Train and read; figures as a dict that JSON can hold, and the network.

    keep: put the weights into the package.
    """
    digits = digits_for(row)
    runtime.seed_everything(seed)
    network = models.residual_network()
    recipe = RECIPES[row]
    history = fit(network, digits, recipe, seed=seed, device="cpu")
    if keep:
        checkpoints.save_checkpoint(weights.BOARD, network, recipe, history, seed)
        # the weights hold the same text inside
        Path(weights.BOARD).with_suffix(".json").unlink()
    figures = {
        "name": row,
        "seed": seed,
        "recipe": recipe.plain(),
        "network": fingerprint(network),
        "writers": WRITERS if row == "board" else 0,
        "training_images": len(digits.train),
        **{key: value for key, value in asdict(history).items() if key != "images"},
        **reading(network),
        "machine": runtime.machine(),
        "versions": runtime.versions(),
    }
    return figures, network


def test_accuracy():
    """The accuracy of the weights that ship on the sealed test set, which is opened for it."""
    reason = "python research/drawn.py: the board's weights, after all was chosen"
    test = data.open_test_set(reason, folder=quotes.EVIDENCE)
    network, recipe = weights.board_network()
    return evaluate(network, data.Batches(test, 1000, normalisation=recipe.normalisation))[1]


def stored():
    """The runs that are there and were made as they would be made today, by row and seed."""
    network = fingerprint(models.residual_network())
    defaults = Recipe().plain()  # an older run lacks settings that came later
    return {
        (one["name"], one["seed"]): one
        for one in all_runs("drawn")
        if defaults | one["recipe"] == RECIPES[one["name"]].plain()
        and one["network"] == network
        and one["writers"] in (0, WRITERS)
    }


def store(runs):
    """Write the evidence. Runs that are not in `runs` stay in the record, as earlier ones."""
    runs = sorted(runs, key=lambda one: (ROWS.index(one["name"]), one["seed"]))
    made = [(one["name"], one["seed"], one["recipe"]) for one in runs]
    content = {
        "command": "python research/drawn.py",
        "writers": {"learned_from": WRITERS, "read": READ},
        "digits": 10 * READ,
        "runs": runs,
        "earlier": [
            one
            for one in all_runs("drawn")
            if (one["name"], one["seed"], one["recipe"]) not in made
        ],
    }
    quotes.store("drawn", content)


def main():
    parser = argparse.ArgumentParser(description="Read drawings that are not MNIST.")
    parser.add_argument("--ship", action="store_true", help="keep the board's weights")
    parser.add_argument("--test", action="store_true", help="open the test set for the board")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    options = parser.parse_args()
    if runtime.quick():
        parser.error("these are full-size runs: start without MNIST_COURSE_QUICK")
    torch.set_num_threads(1)
    runs = stored()
    for seed in range(options.seeds):
        for row in reversed(ROWS):
            keep = options.ship and (row, seed) == ("board", 0)
            if (row, seed) in runs and not keep:
                continue
            runs[row, seed] = figures = run(row, seed, keep)[0]
            store(list(runs.values()))
            every = figures["accuracy"]["every-step"]
            reached = figures["validation_accuracy"][-1]
            print(row, seed, f"{reached:.2%}, drawings {sum(every) / 10:.2%}", every, flush=True)
    if options.test and "test_accuracy" not in runs["board", 0]:
        runs["board", 0]["test_accuracy"] = test_accuracy()
        store(list(runs.values()))
    if {(row, seed) for row in ROWS for seed in range(SEEDS)} <= runs.keys():
        quotes.write("drawn")


if __name__ == "__main__":
    main()
