"""Band, not number: a student's curve over the range of many seeds, and why it may lie outside."""

import math

import numpy as np

from mnist_course.training import History, Recipe
from mnist_course.widgets import charts, pixels
from mnist_course.widgets.controls import dropdown, slider
from mnist_course.widgets.explorer import Explorer, ExplorerError
from mnist_course.widgets.picture import Picture

WIDTH, HEIGHT = 820, 330
# name: (key of a run and of a History, label of the axis, whether more is better)
MEASURES = {
    "validation accuracy": ("validation_accuracy", True),
    "validation loss": ("validation_loss", False),
    "training loss": ("train_loss", False),
}
IMAGES = 55_000  # every stored run was trained on all of lesson 01's training images
ONLY_WITH = {  # settings of a recipe that only matter with some optimisers or schedules
    "momentum": ("optimizer", {"sgd"}),
    "nesterov": ("optimizer", {"sgd"}),
    "betas": ("optimizer", {"adam", "adamw"}),
    "epochs": (
        "schedule",
        {"one-cycle"},
    ),  # else an epoch is the same however many follow
    "warm_up": ("schedule", {"one-cycle"}),
    "decay": ("schedule", {"exponential", "step", "plateau"}),
    "decay_every": ("schedule", {"step"}),
}
WITHOUT_EFFECT = ("channels_last", "patience")  # on the numbers of an epoch that was reached
STORED = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "recipe")


def curves_of(runs, key):
    """The curves of stored runs as an array (runs, epochs), cut to the shortest."""
    curves = [run[key] for run in runs]
    shortest = min(map(len, curves))
    return np.array([curve[:shortest] for curve in curves])


def standing(value, band, better):
    """How a value compares with the band (low, high): "inside", or "better" or "worse" than it.

    better: whether more is better. A value that is not finite is worse.
    """
    low, high = band
    if low <= value <= high:
        return "inside"
    return "better" if math.isfinite(value) and (value > high) == better else "worse"


def differences(history, stored, recipe=None):
    """What was done differently from a stored run: a list of sentences.

    history: the student's `History`; stored: one of the runs of a result; recipe: the student's
    `Recipe`, if it is to be compared.
    """
    found = []
    if history.images != IMAGES:
        found.append(f"it saw {history.images:,} training images, the stored runs {IMAGES:,}")
    if recipe is None:
        return found
    # a stored run may be older than some settings; it was made with what are now their defaults
    mine, others = recipe.plain(), Recipe().plain() | stored["recipe"]
    for name, theirs in others.items():
        setting, values = ONLY_WITH.get(name, (None, set()))
        if setting and not {mine[setting], others[setting]} <= values:
            continue
        if mine[name] == theirs or name in WITHOUT_EFFECT:
            continue
        if name == "augment":
            how = "augmented by other settings than"
            if not (mine[name] and theirs):
                how = "augmented, unlike" if mine[name] else "not augmented, unlike"
            found.append(f"its images were {how} those of the stored runs")
        else:
            label = name.replace("_", " ").replace("optimizer", "optimiser")
            found.append(f"{label}: {mine[name]}, in the stored runs {theirs}")
    return found


def reasons(history, runs, epoch, recipe=None):
    """Why a curve may lie outside the band, from what is known of both runs: a list of sentences.

    history: the student's `History`; runs: stored runs, as `results.load(topic)["runs"]`;
    epoch: counted from 1; recipe: the student's `Recipe`, to compare with the stored one. The
    surest reasons come first.
    """
    stored = runs[0]
    found = []
    loss = history.train_loss[epoch - 1]
    if not math.isfinite(loss):
        found.append("its loss is no longer a number: the steps were too long")
    elif abs(loss - math.log(10)) < 0.05:
        found.append("its loss is still at ln 10 = 2.303: it does not tell the digits apart yet")
    found += differences(history, stored, recipe)
    gap = history.train_accuracy[epoch - 1] - history.validation_accuracy[epoch - 1]
    usual = np.median([
        run["train_accuracy"][epoch - 1] - run["validation_accuracy"][epoch - 1] for run in runs
    ])  # fmt: skip
    if gap - usual > 0.02:
        found.append(
            f"training accuracy is {gap:.1%} above validation, {gap - usual:.1%} more than usual: "
            "it overfits"
        )
    if history.stopped and len(history) < len(stored["validation_accuracy"]):
        found.append(f"it ended after {len(history)} epochs")
    return found


def _draw(sheet, lows, highs, mine, epoch, name):
    """The band of the stored runs, and the student's values up to an epoch over it.

    lows, highs: of the stored runs at every epoch; mine: the student's values.
    """
    known = [value for value in (*lows, *highs, *mine) if math.isfinite(value)]
    room = max(1e-3, 0.06 * (max(known) - min(known)))
    last = max(len(lows), len(mine))
    axes = charts.Axes(
        sheet, 66, 40, WIDTH - 86, HEIGHT - 88, (0.7, last + 0.3),
        (min(known) - room, max(known) + room),
    )  # fmt: skip
    axes.frame(f"{name}, epoch by epoch", "epoch", share="accuracy" in name, ticks=6)
    epochs = range(1, len(lows) + 1)
    axes.band(epochs, lows, highs, pixels.ORANGE)
    axes.line(epochs, lows, pixels.ORANGE, thick=1)
    axes.line(epochs, highs, pixels.ORANGE, thick=1)
    axes.line(range(1, epoch + 1), mine[:epoch], pixels.MARK)
    for number, value in enumerate(mine[:epoch], 1):
        axes.dot(number, value, pixels.MARK, 3)
    axes.dot(epoch, mine[epoch - 1], pixels.MARK, 7, hollow=True)
    charts.legend(
        sheet, WIDTH - 290, 18,
        [("yours", pixels.MARK, ()), ("range of the stored runs", pixels.ORANGE, ())],
    )  # fmt: skip
    step = axes.width / (last - 0.4)
    left, _ = axes.place(0.5, known[0])
    sheet.point(
        left, axes.y, 1, len(mine), (step, axes.height), "epoch", "Epoch", start=1, keys=False
    )
    charts.mark_quick(sheet)


def check(history, runs, recipe, keys=STORED):
    """Raise ExplorerError unless these are a `History`, stored runs, and a `Recipe` or None.

    keys: what each run must hold.
    """
    if not isinstance(history, History):
        raise ExplorerError(f"expected the history that fit returned, got {type(history).__name__}")
    if not (isinstance(runs, list) and all(isinstance(run, dict) for run in runs)):
        raise ExplorerError(
            f'expected stored runs, as results.load(topic)["runs"]; got {type(runs).__name__}'
        )
    missing = [key for key in keys if not all(key in run for run in runs)]
    if missing:
        raise ExplorerError(f"these are no stored runs: they have no {', '.join(missing)}")
    if not (recipe is None or isinstance(recipe, Recipe)):
        raise ExplorerError(f"expected the recipe that fit got, got {type(recipe).__name__}")


def band_picture(history, runs, epoch, name="validation accuracy", recipe=None):
    """The student's curve up to an epoch over the band of stored runs. A `Picture`.

    history: a `History`; runs: the stored runs, dicts with one list an epoch; epoch: from 1;
    name: one of MEASURES; recipe: the student's, if it is to be compared. Raises ExplorerError
    for an epoch or a measure that is not there.
    """
    if name not in MEASURES:
        raise ExplorerError(f"no measure {name!r}; there are {', '.join(MEASURES)}")
    key, better = MEASURES[name]
    check(history, runs, recipe, keys=[key])
    if not len(history):
        raise ExplorerError("this history holds no epoch yet: train the network first")
    if not runs:
        raise ExplorerError("there are no stored runs to compare with")
    pixels.check_whole("epoch", epoch, 1, len(history))
    stored, mine = curves_of(runs, key), getattr(history, key)
    lows, highs = stored.min(axis=0), stored.max(axis=0)
    sheet = pixels.Sheet(WIDTH, HEIGHT)
    _draw(sheet, lows.tolist(), highs.tolist(), mine, epoch, name)
    return Picture(sheet, _describe(history, runs, epoch, name, recipe))


def _describe(history, runs, epoch, name, recipe):
    key, better = MEASURES[name]
    stored, value = curves_of(runs, key), getattr(history, key)[epoch - 1]

    def told(number):
        return f"{number:.2%}" if "accuracy" in name else f"{number:.4f}"

    begin = f"After epoch {epoch} your {name} is {told(value)}"
    if epoch > stored.shape[1]:
        shortest = stored.shape[1]
        return (
            f"{begin}. There is nothing to compare it with, because the band ends at epoch "
            f"{shortest} with the shortest of the stored runs."
        )
    low, high = stored[:, epoch - 1].min(), stored[:, epoch - 1].max()
    span = f"where the {len(runs)} stored runs lie between {told(low)} and {told(high)}"
    where = standing(value, (low, high), better)
    if where == "inside":
        return f"{begin}, {span}, so it is inside the band."
    side = "below" if value < low else "above"
    text = f"{begin}, {side} the band, {span}"
    if where == "better":
        text += ", and that is better"
        found = differences(history, runs[0], recipe)
        luck = f". About one run in {len(runs) + 1} is, by luck."
    else:
        found = reasons(history, runs, epoch, recipe)
        luck = ". Nothing known explains it, so it may be bad luck."
    return text + (f". Likely reasons: {'; '.join(found[:3])}." if found else luck)


def band_explorer(history, runs, recipe=None):
    """An explorer: the student's curve, epoch by epoch, over the band of stored runs.

    history: what `fit` returned; runs: `results.load(topic)["runs"]`; recipe: what `fit` got.
    Raises ExplorerError for anything else.
    """
    check(history, runs, recipe)
    last = max(1, len(history))
    epoch = slider("Epoch", last, 1, max(last, 2), help="the curve is drawn up to here")
    epoch.max = last
    name = dropdown("Measure", MEASURES, help="what the curve shows")

    def draw(epoch, name):
        return band_picture(history, runs, epoch, name, recipe)

    controls = {"epoch": epoch, "name": name}
    return Explorer(draw, controls, "Band, not number", ahead=("epoch",))
