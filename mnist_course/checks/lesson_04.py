"""The exercises of lesson 04."""

import math
import statistics

import torch
from torch.nn import functional as F

from mnist_course.checks.exercise import Case, Exercise, Mistake


def tensor(*numbers, shape=(-1,)):
    return torch.tensor(numbers, dtype=torch.float32).reshape(shape)


def spread_out(*shape):
    """Numbers from -2 to 2 without a pattern, float32: a case for any shape."""
    count = math.prod(shape)
    return (2 * torch.sin(1.7 * torch.arange(count, dtype=torch.float32) + 1)).reshape(shape)


# --- 04.1 ---------------------------------------------------------------------------------


def leaky_relu(inputs, slope):
    return torch.where(inputs > 0, inputs, slope * inputs)


LEAKY_RELU = Exercise(
    name="leaky-relu",
    number="04.1",
    title="A ReLU that can't die",
    points=1,
    paragraph="1. Another activation: ReLU",
    reference=leaky_relu,
    cases=(
        Case((tensor(-2, 0, 3), 0.1)),
        Case((tensor(-1, 2, -3, 4, -0.5, 0.25, shape=(2, 3)), 0.5)),
        Case((spread_out(2, 1, 2, 3), 0.01), "a batch of two small feature maps, slope 0.01"),
        Case((tensor(-4, 5), 0.0)),
        Case((tensor(-4, 5), 1.0)),
    ),
    mistakes=(
        Mistake(
            "plain relu",
            lambda inputs, slope: torch.relu(inputs),
            "This is the plain [ReLU](1. Another activation: ReLU): what is negative became 0. "
            "Here it shall become small, and stay negative.",
        ),
        Mistake(
            "slope for all",
            lambda inputs, slope: slope * inputs,
            "Positive numbers were multiplied by the slope, too. They shall stay as they are.",
        ),
        Mistake(
            "sides swapped",
            lambda inputs, slope: torch.where(inputs > 0, slope * inputs, inputs),
            "The two sides are swapped: the positive numbers were made small, the negative ones "
            "kept.",
        ),
        Mistake(
            "slope itself",
            lambda inputs, slope: torch.where(
                inputs > 0, inputs, torch.full_like(inputs, slope) * (inputs < 0)
            ),
            "Negative numbers all became the slope itself. Each shall be multiplied by it, so that "
            "-4 becomes twice as large as -2.",
        ),
        Mistake(
            "slope itself, for 0 as well",
            lambda inputs, slope: torch.where(inputs > 0, inputs, slope),
            "All that is not positive became the slope itself. Each number shall be multiplied by "
            "it: -4 becomes twice as large as -2, and 0 stays 0.",
        ),
        Mistake(
            "minus the slope, for 0 as well",
            lambda inputs, slope: torch.where(inputs > 0, inputs, -slope),
            "All that is not positive became minus the slope. Each number shall be multiplied by "
            "the slope: -4 becomes twice as large as -2, and 0 stays 0.",
        ),
        Mistake(
            "slope subtracted below 0",
            lambda inputs, slope: torch.where(inputs < 0, inputs - slope, inputs),
            "The slope was subtracted from what is below 0. Multiply it by the slope.",
        ),
        Mistake(
            "slope added below 0",
            lambda inputs, slope: torch.where(inputs < 0, inputs + slope, inputs),
            "The slope was added to what is below 0. Multiply it by the slope.",
        ),
        Mistake(
            "sign lost",
            lambda inputs, slope: torch.where(inputs > 0, inputs, -slope * inputs),
            "Negative numbers came out positive. A negative number times a positive slope stays "
            "negative.",
        ),
        Mistake(
            "parts overlap",
            lambda inputs, slope: torch.relu(inputs) + slope * inputs,
            "Positive numbers grew: they were kept, and then the slope's part was added to them as "
            "well. Each number shall go through one of the two ways only.",
        ),
        Mistake(
            "minus the slope",
            lambda inputs, slope: torch.where(inputs < 0, torch.full_like(inputs, -slope), inputs),
            "Negative numbers all became minus the slope. Each shall be multiplied by it, so that "
            "-4 becomes twice as large as -2.",
        ),
        Mistake(
            "slope fixed",
            lambda inputs, slope: F.leaky_relu(inputs),
            "Your slope is always 0.01, torch's own. Hand over the one that is given.",
        ),
        Mistake(
            "slope subtracted",
            lambda inputs, slope: torch.where(inputs > 0, inputs, inputs - slope),
            "The slope was subtracted from the negative numbers. Multiply them by it.",
        ),
        Mistake(
            "slope added",
            lambda inputs, slope: torch.where(inputs > 0, inputs, inputs + slope),
            "The slope was added to the negative numbers. Multiply them by it.",
        ),
    ),
    hints=(
        "For each number there are two ways: kept, or multiplied by the slope.",
        "`inputs > 0` is a tensor of True and False in the shape of the inputs: it says which way "
        "each number goes.",
        "`torch.where(condition, a, b)` takes a number of a where the condition is True, else one "
        "of b.",
    ),
)


# --- 04.2 ---------------------------------------------------------------------------------


def update_running_mean(running_mean, batch, momentum):
    return (1 - momentum) * running_mean + momentum * batch.mean(dim=(0, 2, 3))


def channel_means(batch):
    return batch.mean(dim=(0, 2, 3))


def image_by_image(running_mean, batch, momentum):
    for image in batch:
        running_mean = (1 - momentum) * running_mean + momentum * image.mean(dim=(1, 2))
    return running_mean


RUNNING_MEAN = Exercise(
    name="running-mean",
    number="04.2",
    title="What batch norm remembers",
    points=2,
    paragraph="2. One change at a time",
    reference=update_running_mean,
    cases=(
        Case((tensor(0, 10), tensor(0, 2, 1, 5, shape=(1, 2, 1, 2)), 0.1)),
        Case((tensor(1, -1), tensor(*range(12), shape=(2, 2, 1, 3)), 0.25)),
        Case((tensor(0.5, 2, -3), spread_out(4, 3, 2, 5), 0.1), "four images, three channels"),
        Case((tensor(5), tensor(1, 2, 3, 4, shape=(1, 1, 2, 2)), 1.0)),
    ),
    mistakes=(
        Mistake(
            "shares swapped",
            lambda running, batch, momentum: (
                momentum * running + (1 - momentum) * channel_means(batch)
            ),
            "The two shares are swapped: the momentum is the share of the *new* mean. With 0.1 "
            "nine parts of ten are old.",
        ),
        Mistake(
            "nothing forgotten",
            lambda running, batch, momentum: running + momentum * channel_means(batch),
            "The new mean was added, but nothing of the old one was taken away: it would grow "
            "with every batch. The two shares make 1 together.",
        ),
        Mistake(
            "old forgotten",
            lambda running, batch, momentum: channel_means(batch) + 0 * running,
            "This is the mean of the batch alone. The running mean moves only a little way to it.",
        ),
        Mistake(
            "one mean for all",
            lambda running, batch, momentum: (1 - momentum) * running + momentum * batch.mean(),
            "All channels got the same batch mean. Take one for each channel: over the axes 0, 2 "
            "and 3, not over axis 1.",
        ),
        Mistake(
            "sum for mean",
            lambda running, batch, momentum: (
                (1 - momentum) * running + momentum * batch.sum(dim=(0, 2, 3))
            ),
            "The numbers of a channel were added up, but the sum was not divided by their number.",
        ),
        Mistake(
            "divided by images",
            lambda running, batch, momentum: (
                (1 - momentum) * running + momentum * batch.sum(dim=(0, 2, 3)) / len(batch)
            ),
            "The sum of a channel was divided by the number of images. It goes over all places of "
            "all images: divide by N · H · W.",
        ),
        Mistake(
            "first image only",
            lambda running, batch, momentum: (
                (1 - momentum) * running + momentum * batch[0].mean(dim=(1, 2))
            ),
            "Only the first image was looked at. The mean of a channel goes over all images of the "
            "batch.",
        ),
        Mistake(
            "a mean for each image",
            lambda running, batch, momentum: (
                (1 - momentum) * running + momentum * batch.mean(dim=(1, 2, 3))
            ),
            "You take a mean for each image: the axes 1, 2 and 3 are used up. A channel has its "
            "own mean, over the axes 0, 2 and 3.",
        ),
        Mistake(
            "a mean for each image and channel",
            lambda running, batch, momentum: (
                (1 - momentum) * running + momentum * batch.mean(dim=(2, 3))
            ),
            "You take a mean for each image: axis 0 is still there. A channel has one mean, over "
            "the axes 0, 2 and 3.",
        ),
        Mistake(
            "image by image",
            image_by_image,
            "The running mean moves once for each image. It moves once for a batch, to the mean "
            "over all its images.",
        ),
        Mistake(
            "last image only",
            lambda running, batch, momentum: (
                (1 - momentum) * running + momentum * batch[-1].mean(dim=(1, 2))
            ),
            "Only the last image counts. The mean of a channel goes over all images of the batch.",
        ),
        Mistake(
            "images added up",
            lambda running, batch, momentum: (
                (1 - momentum) * running + momentum * batch.mean(dim=(2, 3)).sum(dim=0)
            ),
            "The means of the images were added up. Divide by the number of images, too.",
        ),
        Mistake(
            "half of each",
            lambda running, batch, momentum: (running + channel_means(batch)) / 2,
            "You take half of the old and half of the new. The momentum says which share is new.",
        ),
        Mistake(
            "momentum fixed",
            lambda running, batch, momentum: 0.9 * running + 0.1 * channel_means(batch),
            "Your momentum is always 0.1. Use the one that is handed in.",
        ),
        Mistake(
            "moved away",
            lambda running, batch, momentum: running - momentum * (channel_means(batch) - running),
            "The running mean moves away from the batch's mean. It should move towards it.",
        ),
    ),
    hints=(
        "Do it in two lines: the mean of the batch, one number a channel; then the mix of old and "
        "new.",
        "`batch` has the axes N, C, H, W. Which of them has to stay? The mean uses up the others.",
        "`tensor.mean(dim=(…))` takes several axes at once. The old share is 1 - momentum.",
    ),
)


# --- 04.3 ---------------------------------------------------------------------------------


def last_epoch(accuracies, patience):
    best, waited = -math.inf, 0
    for epoch, accuracy in enumerate(accuracies, start=1):
        waited = 0 if accuracy > best else waited + 1
        best = max(best, accuracy)
        if waited == patience:
            return epoch
    return len(accuracies)


def ties_are_better(accuracies, patience):
    best, waited = -math.inf, 0
    for epoch, accuracy in enumerate(accuracies, start=1):
        waited = 0 if accuracy >= best else waited + 1
        best = max(best, accuracy)
        if waited == patience:
            return epoch
    return len(accuracies)


def compared_with_the_one_before(accuracies, patience):
    before, waited = -math.inf, 0
    for epoch, accuracy in enumerate(accuracies, start=1):
        waited = 0 if accuracy > before else waited + 1
        before = accuracy
        if waited == patience:
            return epoch
    return len(accuracies)


def never_reset(accuracies, patience):
    best, waited = -math.inf, 0
    for epoch, accuracy in enumerate(accuracies, start=1):
        waited += accuracy <= best
        best = max(best, accuracy)
        if waited == patience:
            return epoch
    return len(accuracies)


def stop_counted_from_0(accuracies, patience):
    longer = [*accuracies, math.inf]  # so that the end of training differs from a stop there
    epoch = last_epoch(longer, patience)
    return epoch - 1 if epoch < len(longer) else len(accuracies)


def best_epoch(accuracies, patience):
    seen = accuracies[: last_epoch(accuracies, patience)]
    return seen.index(max(seen)) + 1 if seen else 0


def compared_with_the_first(accuracies, patience):
    waited = -1  # the first is not above itself
    for epoch, accuracy in enumerate(accuracies, start=1):
        waited = 0 if accuracy > accuracies[0] else waited + 1
        if waited == patience:
            return epoch
    return len(accuracies)


EARLY_STOPPING = Exercise(
    name="early-stopping",
    number="04.3",
    title="When to stop",
    points=2,
    paragraph="4. An ablation with error bars",
    reference=last_epoch,
    cases=(
        Case(([0.95, 0.97, 0.96, 0.97, 0.98], 2)),
        Case(([0.9, 0.8, 0.85, 0.86, 0.95, 0.96], 3)),
        Case(([0.5, 0.6, 0.55, 0.7, 0.65, 0.8, 0.75, 0.9], 2)),
        Case(([0.9, 0.91, 0.92], 1)),
        Case(([0.9, 0.8, 0.7, 0.6, 0.5, 0.4], 2)),
        Case(([0.9, 0.8, 0.7], 5)),
        Case(([0.9, 0.8, 0.95], 1)),
        Case(([0.6, 0.7, 0.65, 0.66, 0.9], 2)),
        Case(([], 3)),
    ),
    mistakes=(
        Mistake(
            "ties are better",
            ties_are_better,
            "An accuracy that only equals the best was taken for a new best. It has to be higher.",
        ),
        Mistake(
            "compared with the one before",
            compared_with_the_one_before,
            "Each accuracy was compared with the one just before it. Compare with the best of all "
            "so far.",
        ),
        Mistake(
            "compared with the first",
            compared_with_the_first,
            "Each accuracy was compared with the first. A new best has to be remembered, for the "
            "epochs after it.",
        ),
        Mistake(
            "return inside the loop",
            lambda accuracies, patience: len(accuracies) if accuracies else None,
            "Your training always goes on to the last epoch, and without epochs nothing is "
            "returned. Does the last `return` stand inside the loop?",
        ),
        Mistake(
            "never reset",
            never_reset,
            "Epochs without a new best were counted over the whole training. They must come in a "
            "row: a new best starts the count again.",
        ),
        Mistake(
            "one too late",
            lambda accuracies, patience: last_epoch(accuracies, patience + 1),
            "Training ended one epoch too late. With a patience of 1 it ends after the first epoch "
            "without a new best.",
        ),
        Mistake(
            "one too early",
            lambda accuracies, patience: last_epoch(accuracies, max(1, patience - 1)),
            "Training ended one epoch too early. With a patience of 2 one epoch without a new best "
            "is forgiven, the second is the last.",
        ),
        Mistake(
            "counted from 0",
            lambda accuracies, patience: max(0, last_epoch(accuracies, patience) - 1),
            "Epochs were counted from 0. The first one is epoch 1.",
        ),
        Mistake(
            "stop counted from 0",
            stop_counted_from_0,
            "Where training is stopped, epochs were counted from 0. The first one is epoch 1.",
        ),
        Mistake(
            "never stops",
            lambda accuracies, patience: len(accuracies),
            "Your training always goes on to the last epoch. It ends as soon as the patience is "
            "used up.",
        ),
        Mistake(
            "lower is better",
            lambda accuracies, patience: last_epoch([-one for one in accuracies], patience),
            "You wait for a lower number, as for a loss. An accuracy is better when it is higher.",
        ),
        Mistake(
            "best epoch of all",
            lambda accuracies, patience: accuracies.index(max(accuracies)) + 1 if accuracies else 0,
            "This is the epoch with the best accuracy of the whole list. Training that stops early "
            "never sees the end of the list; and it goes on after its best epoch, by the patience.",
        ),
        Mistake(
            "best epoch",
            best_epoch,
            "This is the epoch with the best accuracy. Asked is the epoch after which training "
            "ends; that is later, by the patience.",
        ),
    ),
    hints=(
        "Go through the epochs in order, as training does: it can't know what comes later.",
        "Two things have to be remembered: the best accuracy so far, and how many epochs have "
        "passed since.",
        "When an accuracy is above the best, set the count to 0; else add 1. When the count is the "
        "patience, return the epoch. `enumerate(accuracies, start=1)` counts from 1.",
    ),
)


# --- 04.4 ---------------------------------------------------------------------------------


def drop_units(units, draws, share, training):
    if not training:
        return units.clone()
    return units * (draws >= share) / (1 - share)


def enlarged_by_what_is_left(units, draws, share, training):
    if not training:
        return units.clone()
    kept = (draws >= share).float()
    return units * kept / kept.mean() if kept.any() else 0 * units


FOUR_DRAWS = tensor(0.1, 0.9, 0.3, 0.7)

INVERTED_DROPOUT = Exercise(
    name="inverted-dropout",
    number="04.4",
    title="Dropout",
    points=2,
    paragraph="5. When there is too little data: dropout and weight decay",
    reference=drop_units,
    cases=(
        Case((torch.ones(4), FOUR_DRAWS, 0.5, True)),
        Case((tensor(1, 2, 3, 4), FOUR_DRAWS, 0.2, True)),
        Case((tensor(1, 2, 3, 4), FOUR_DRAWS, 0.2, False)),
        Case((tensor(8, 9, -4), tensor(0.75, 0.5, 0.25), 0.75, True)),
        Case((tensor(5, -6), tensor(0.0, 0.4), 0.0, True)),
        Case(
            (spread_out(2, 2, 3), 0.5 + spread_out(2, 2, 3).flip(0) / 4.1, 0.3, True),
            "units in three axes, a share of 0.3",
        ),
    ),
    mistakes=(
        Mistake(
            "not enlarged",
            lambda units, draws, share, training: (
                units * (draws >= share) if training else units.clone()
            ),
            "The right units were dropped, but the others were not enlarged: their sum is too "
            "small on average.",
        ),
        Mistake(
            "divided by the dropped share",
            lambda units, draws, share, training: (
                units * (draws >= share) / share if training else units.clone()
            ),
            "The kept units were divided by the share that is dropped. When a fifth is dropped, "
            "four fifths are left: which number makes up for that?",
        ),
        Mistake(
            "enlarged by 1 / share",
            lambda units, draws, share, training: (
                units * (draws >= share) * (1 / share) if training else units.clone()
            ),
            "The factor is 1 / share, from the share that is dropped; without any it can't be "
            "computed. When a fifth is dropped, four fifths are left: which number makes up for "
            "that?",
        ),
        Mistake(
            "multiplied by what is left",
            lambda units, draws, share, training: (
                units * (draws >= share) * (1 - share) if training else units.clone()
            ),
            "The kept units became smaller. They have to stand in for the dropped ones: make them "
            "larger.",
        ),
        Mistake(
            "kept and dropped swapped",
            lambda units, draws, share, training: (
                units * (draws < share) / (1 - share) if training else units.clone()
            ),
            "Kept and dropped are swapped: a unit is dropped where its draw is *below* the share.",
        ),
        Mistake(
            "kept below what is left",
            lambda units, draws, share, training: (
                units * (draws < 1 - share) / (1 - share) if training else units.clone()
            ),
            "You keep the units whose draws are small. As many are kept on average, but asked are "
            "others: a unit is dropped where its draw is *below* the share.",
        ),
        Mistake(
            "dropped in evaluation",
            lambda units, draws, share, training: units * (draws >= share) / (1 - share),
            "Units were dropped in evaluation, too. With `training=False` all of them are returned "
            "as they are.",
        ),
        Mistake(
            "modes swapped",
            lambda units, draws, share, training: drop_units(units, draws, share, not training),
            "The modes are swapped: units are dropped while training, and kept in evaluation.",
        ),
        Mistake(
            "scaled in evaluation",
            lambda units, draws, share, training: (
                units * (draws >= share) if training else units * (1 - share)
            ),
            "Here the units are made smaller in evaluation, which was the first form of dropout. "
            "Asked is the other form: enlarge while training, and leave evaluation alone.",
        ),
        Mistake(
            "dropped at the share",
            lambda units, draws, share, training: (
                units * (draws > share) / (1 - share) if training else units.clone()
            ),
            "Nearly right. A unit whose draw equals the share is kept: dropped is what lies below.",
        ),
        Mistake(
            "enlarged by what is left",
            enlarged_by_what_is_left,
            "The kept units were enlarged by how many were left this time. Use the share itself: "
            "the factor is the same in every step, and right on average.",
        ),
        Mistake(
            "always doubled",
            lambda units, draws, share, training: (
                2 * units * (draws >= share) if training else units.clone()
            ),
            "The kept units are always doubled. That is right when half of the units are dropped; "
            "here the share may be another.",
        ),
        Mistake(
            "brackets forgotten",
            lambda units, draws, share, training: (
                units * (draws >= share) - share if training else units.clone()
            ),
            "Python divides before it subtracts: `/ 1 - share` divides by 1 and takes the share "
            "away. Brackets: `/ (1 - share)`.",
        ),
        Mistake(
            "its own random numbers",
            lambda units, draws, share, training: F.dropout(units, share, training),
            "This is torch's dropout, which draws random numbers itself. Here they are handed in, "
            "as `draws`.",
        ),
    ),
    hints=(
        "There are two cases, training or not. The second is the easy one: begin with it.",
        "`draws >= share` is True where a unit is kept. A number times True is itself, times "
        "False 0.",
        "When the share is dropped, 1 - share is left. Divide what is kept by that.",
    ),
)


# --- 04.5 ---------------------------------------------------------------------------------


def gain_and_spread(base, new):
    gain = statistics.mean(new) - statistics.mean(base)
    squares = statistics.variance(base) / len(base) + statistics.variance(new) / len(new)
    return gain, math.sqrt(squares)


def with_spread(spread):
    """A wrong answer: the right gain, and another spread."""
    return lambda base, new: (statistics.mean(new) - statistics.mean(base), spread(base, new))


def of_a_mean(runs):
    return statistics.stdev(runs) / math.sqrt(len(runs))


def pooled(base, new):
    squares = sum(statistics.variance(runs) * (len(runs) - 1) for runs in (base, new))
    shares = 1 / len(base) + 1 / len(new)
    return math.sqrt(squares / (len(base) + len(new) - 2) * shares)


GAIN_AND_SPREAD = Exercise(
    name="gain-and-spread",
    number="04.5",
    title="Is it a gain?",
    points=3,
    paragraph="6. How many seeds?",
    reference=gain_and_spread,
    package=("metrics.gain",),
    cases=(
        Case(([98.0, 99.0, 100.0], [99.0, 101.0])),
        Case(([98.5, 98.75, 99.0, 98.25], [99.0, 99.5, 98.875])),
        Case(([99.25, 99.0], [98.0, 98.5, 98.25, 98.125, 98.75])),
        Case(([97.0, 97.0, 97.0], [97.5, 98.5])),
    ),
    mistakes=(
        Mistake(
            "sign turned",
            lambda base, new: (-gain_and_spread(base, new)[0], gain_and_spread(base, new)[1]),
            "The gain has the wrong sign: it is positive when the new runs are better.",
        ),
        Mistake(
            "spreads added",
            with_spread(lambda base, new: of_a_mean(base) + of_a_mean(new)),
            "The spreads of the two means were added as they are. Square them first, add, and take "
            "the root: luck and bad luck partly cancel.",
        ),
        Mistake(
            "spread of single runs",
            with_spread(
                lambda base, new: math.hypot(statistics.stdev(base), statistics.stdev(new))
            ),
            "This is how far the difference of two single *runs* spreads. A "
            "[mean](6. How many seeds?) of n runs spreads √n times less.",
        ),
        Mistake(
            "divided by n",
            with_spread(
                lambda base, new: math.hypot(
                    statistics.stdev(base) / len(base), statistics.stdev(new) / len(new)
                )
            ),
            "The deviations were divided by the number of runs. A mean of n runs spreads √n times "
            "less, not n times.",
        ),
        Mistake(
            "root forgotten",
            with_spread(lambda base, new: of_a_mean(base) ** 2 + of_a_mean(new) ** 2),
            "The last root is missing: this is the square of the spread.",
        ),
        Mistake(
            "deviation with n",
            with_spread(
                lambda base, new: math.hypot(
                    statistics.pstdev(base) / math.sqrt(len(base)),
                    statistics.pstdev(new) / math.sqrt(len(new)),
                )
            ),
            "The deviation was computed with n. For a few runs that is too small: use n - 1, as "
            "`statistics.stdev` does.",
        ),
        Mistake(
            "difference of squares",
            with_spread(
                lambda base, new: math.sqrt(abs(of_a_mean(new) ** 2 - of_a_mean(base) ** 2))
            ),
            "The squares of the spreads were subtracted. Add them: both means bring luck of their "
            "own.",
        ),
        Mistake(
            "divided by all runs",
            with_spread(
                lambda base, new: math.sqrt(
                    (statistics.variance(base) + statistics.variance(new)) / (len(base) + len(new))
                )
            ),
            "The squares were added first and divided by the number of all runs. Each square is "
            "divided by the number of its own runs, and then they are added.",
        ),
        Mistake(
            "difference of spreads",
            with_spread(lambda base, new: abs(of_a_mean(new) - of_a_mean(base))),
            "The spreads were subtracted. The gain is a difference, but its spread is not: both "
            "means bring luck of their own, so it becomes larger.",
        ),
        Mistake(
            "pooled deviation",
            with_spread(pooled),
            "You take one deviation for both lists, as if they spread alike. Each mean has its own "
            "spread.",
        ),
        Mistake(
            "results swapped",
            lambda base, new: gain_and_spread(base, new)[::-1],
            "The two results are swapped: the gain comes first.",
        ),
        Mistake(
            "best runs compared",
            lambda base, new: (max(new) - max(base), gain_and_spread(base, new)[1]),
            "The spread is right, but the gain compares the best runs. Compare the means.",
        ),
        Mistake(
            "all in one heap",
            with_spread(lambda base, new: of_a_mean(base + new)),
            "All runs were thrown into one heap. Then the gain counts as spread, too. Compute the "
            "deviation of each list on its own.",
        ),
    ),
    hints=(
        "Three steps: the two means and their difference; the spread of each mean; the spread of "
        "the difference.",
        "The spread of a mean is `statistics.stdev(runs) / len(runs) ** 0.5`. Both lists have one.",
        "Square both spreads, add them, and take the root of the sum: `math.hypot` or `** 0.5`.",
    ),
)

EXERCISES = (LEAKY_RELU, RUNNING_MEAN, EARLY_STOPPING, INVERTED_DROPOUT, GAIN_AND_SPREAD)
