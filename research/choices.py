"""The candidates that a network and recipe were chosen among, on images cut from the training set.

    python research/choices.py           every run that is missing
    python research/choices.py --list    the candidates, and what they reached

The test set stays sealed here. Each candidate learns from 50,000 of the 60,000 images that are not
in the test set, and is evaluated on the other 10,000 after its last epoch. Where differences are
small, 10,000 images can't show them. So there a candidate learns from one half of the 60,000 and is
evaluated on the other, and then the halves change places. A split's number is also its seed. The
figures go into `research/evidence/choices.json` as soon as a run ends.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from typing import ClassVar

import quotes
import torch
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

from mnist_course import data, probe, recipes, runtime
from mnist_course.augment import RandomAffine
from mnist_course.models import Ensemble, FivePlaces, ResidualBlock
from mnist_course.training import evaluate, fit


@dataclass(frozen=True)
class Bent(RandomAffine):
    """A random affine map, and a smooth random shift of each place on top of it.

    Source: Simard, Steinkraus & Platt (2003), section 2; here bicubic between few points.
    """

    bend: float = 0.03  # standard deviation of the shifts, as a share of the image's side
    points: int = 5  # in each direction, at which shifts are drawn

    def __call__(self, images, generator=None):
        matrices = self.matrices(len(images), generator)
        side = images.shape[-1]
        grid = F.affine_grid(matrices, list(images.shape), align_corners=False)
        drawn = torch.randn(len(images), 2, self.points, self.points, generator=generator)
        shifts = F.interpolate(drawn * 2 * self.bend, size=side, mode="bicubic", align_corners=True)
        return F.grid_sample(images, grid + shifts.permute(0, 2, 3, 1), align_corners=False)


@dataclass(frozen=True)
class Sharp(RandomAffine):
    """A random affine map with bicubic interpolation, which blurs less than a bilinear one."""

    def __call__(self, images, generator=None):
        matrices = self.matrices(len(images), generator)
        grid = F.affine_grid(matrices, list(images.shape), align_corners=False)
        return F.grid_sample(images, grid, mode="bicubic", align_corners=False).clamp(0, 1)


@dataclass(frozen=True)
class Stretched(RandomAffine):
    """A random affine map that also changes the width alone, so that it can be any affine map.

    The idea of other widths: Byerly, Kalganova & Dear (2020), "No Routing Needed Between Capsules".
    """

    stretch: float = 0.15  # width from 1 - stretch to 1 + stretch

    def matrices(self, count, generator=None):
        matrices = super().matrices(count, generator)
        draws = torch.rand(count, 1, generator=generator) * 2 - 1
        matrices[:, 0] /= 1 + draws * self.stretch
        return matrices


@dataclass(frozen=True)
class Erased(Stretched):
    """The same, and a square of each image is background.

    The idea is that of torchvision's `RandomErasing`, which takes one place for a whole batch.
    """

    side: int = 4  # pixels

    def __call__(self, images, generator=None):
        images = super().__call__(images, generator)
        rows, columns = (self.inside(images.shape[-1], len(images), generator) for _ in range(2))
        return images * ~(rows[:, None, :, None] & columns[:, None, None, :])

    def inside(self, length, count, generator):
        """For each image which of its rows, or columns, the square covers: bool (N, length)."""
        first = torch.randint(length - self.side + 1, (count, 1), generator=generator)
        places = torch.arange(length)
        return (places >= first) & (places < first + self.side)


@dataclass(frozen=True)
class Fading(RandomAffine):
    """A random affine map that becomes weaker by an equal step after each epoch."""

    start: int = 0  # complete epochs until which it is at full strength
    end: int = 1  # complete epochs before the last one
    least: float = 0.3  # its strength in the last epoch
    complete: ClassVar[int] = 0  # epochs of the training that this process runs

    def __call__(self, images, generator=None):
        faded = min(1, max(0, (self.complete - self.start) / (self.end - self.start)))
        left = 1 - (1 - self.least) * faded
        now = RandomAffine(
            self.degrees * left, self.shift * left, self.scale * left, self.shear * left
        )
        return now(images, generator)


STRONG = RandomAffine(degrees=15, shift=0.1, scale=0.15, shear=0.2)
STRONGER = RandomAffine(degrees=15, shift=0.12, scale=0.2, shear=0.3)
LIGHT = RandomAffine(degrees=10, shift=0.05, scale=0.1, shear=0.1)
CALM = RandomAffine(degrees=8, shift=0.06, scale=0.08, shear=0.1)
LESS_SHIFT = RandomAffine(degrees=15, shift=0.05, scale=0.15, shear=0.2)
STRONGEST = RandomAffine(degrees=20, shift=0.12, scale=0.2, shear=0.3)
FADING = Fading(degrees=15, scale=0.15, shear=0.2, start=8, end=15)
SHARP = Sharp(degrees=15, scale=0.15, shear=0.2)
SHARP_CALM = Sharp(degrees=8, shift=0.06, scale=0.08, shear=0.1)
STRETCHED = Stretched(degrees=15, scale=0.1, shear=0.2)
ERASED = Erased(degrees=15, scale=0.15, shear=0.2, stretch=0)
BENT = Bent(degrees=10, shift=0.08, scale=0.1, shear=0.1)

LONG = replace(recipes.RESIDUAL, batch_size=128)
LONG_DECAY = replace(LONG, learning_rate=0.015, weight_decay=0.05)
HALF = replace(LONG_DECAY, epochs=16, augment=STRONG)
CALM_END = replace(HALF, final_epochs=3, final_augment=CALM)
# Each network of an ensemble sees only its share of every batch. So two networks need twice the
# epochs to see as many images as a single one does, and twice the batch for as many at each step.
TWO_VOTE = replace(CALM_END, epochs=32, batch_size=256, final_epochs=6)
THREE_VOTE = replace(CALM_END, epochs=48, batch_size=384, final_epochs=9)
BY_SGD = replace(
    CALM_END, optimizer="sgd", learning_rate=0.2, momentum=0.9, nesterov=True, weight_decay=0.0005
)
SMALL = replace(LONG, epochs=40, label_smoothing=0.0, weight_decay=0.005)


def practised(epochs, hardest, others):
    """Lesson 05's recipe, whose later epochs repeat what is hard."""
    return replace(recipes.RESIDUAL, epochs=epochs, hardest=hardest, others=others)


SIX = [0, 1, 2, 3, 4, 5]
OURS = "lesson 05's network, to compare"
FASTER = "a faster recipe"
HALVES = "the longer network, on halves"
IN_FIVE_PLACES = (OURS, FASTER)  # here each network is also evaluated with `models.FivePlaces`
# what is chosen: {candidate: (its network, its recipe, the splits it was tried on)}
CANDIDATES = {
    OURS: {
        "16 channels, 5 epochs": ({"channels": 16}, recipes.RESIDUAL, SIX),
    },
    FASTER: {  # hardest, others: in per cent of the images
        "4 epochs": ({"channels": 16}, replace(recipes.RESIDUAL, epochs=4), SIX),
        "3 epochs": ({"channels": 16}, replace(recipes.RESIDUAL, epochs=3), SIX),
        "3 epochs, batches of 128": ({"channels": 16}, replace(LONG, epochs=3), SIX),
        "first stride 3": ({"channels": 16, "stride": 3}, recipes.RESIDUAL, SIX),
        "12 channels": ({"channels": 12}, recipes.RESIDUAL, SIX),
        "hardest 20, others 10, 6 epochs": ({"channels": 16}, practised(6, 0.2, 0.1), SIX),
        "hardest 20, others 5, 7 epochs": ({"channels": 16}, practised(7, 0.2, 0.05), SIX),
        "hardest 15, others 10, 7 epochs": ({"channels": 16}, practised(7, 0.15, 0.1), SIX),
        "hardest 15, others 10, 8 epochs": ({"channels": 16}, practised(8, 0.15, 0.1), SIX),
        "hardest 12, others 7, 9 epochs": ({"channels": 16}, practised(9, 0.12, 0.07), SIX),
        "hardest 10, others 7, 10 epochs": ({"channels": 16}, practised(10, 0.1, 0.07), SIX),
    },
    "the longer network": {
        "28 channels, 14 epochs": ({"channels": 28}, replace(LONG, epochs=14), [0]),
        "stride 1, 14 epochs": (
            {"channels": 16, "crop": 3, "stride": 1}, replace(LONG, epochs=14), [0],
        ),
        "28 channels, 18 epochs, strong augmentation": (
            {"channels": 28}, replace(LONG_DECAY, epochs=18, augment=STRONG), [0],
        ),
        "28 channels, 24 epochs, strong augmentation": (
            {"channels": 28}, replace(LONG_DECAY, epochs=24, augment=STRONG), [1],
        ),
        "30 channels, 16 epochs, stronger augmentation": (
            {"channels": 30}, replace(LONG_DECAY, epochs=16, augment=STRONGER), [1],
        ),
    },
    "a longer network still": {
        "31 channels, 24 epochs, strong augmentation": (
            {"channels": 31}, replace(LONG_DECAY, epochs=24, augment=STRONG), [1],
        ),
        "28 channels, 24 epochs, bent": (
            {"channels": 28}, replace(LONG_DECAY, epochs=24, augment=BENT), [1],
        ),
        "31 channels, 30 epochs, bent": (
            {"channels": 31}, replace(LONG_DECAY, epochs=30, augment=BENT), [1],
        ),
    },
    HALVES: {
        "28 channels": ({"channels": 28}, HALF, [0, 1]),
        "28 channels, calm at the end": ({"channels": 28}, CALM_END, [0, 1]),
        "28 channels, fading": ({"channels": 28}, replace(HALF, augment=FADING), [0, 1]),
        "28 channels, calm at the end, 32 epochs": (
            {"channels": 28}, replace(CALM_END, epochs=32, final_epochs=6), [0, 1],
        ),
        "28 channels, sharp, calm at the end": (
            {"channels": 28}, replace(CALM_END, augment=SHARP, final_augment=SHARP_CALM), [0, 1],
        ),
        "28 channels, strongest, calm at the end": (
            {"channels": 28}, replace(CALM_END, augment=STRONGEST), [0, 1],
        ),
        "28 channels, dropout, calm at the end": (
            {"channels": 28, "dropout": 0.3}, CALM_END, [0, 1],
        ),
        "28 channels, less shift, calm at the end": (
            {"channels": 28}, replace(CALM_END, augment=LESS_SHIFT), [0, 1],
        ),
        "28 channels, dropout after each block, calm at the end": (
            {"channels": 28, "dropout_in_blocks": 0.1}, CALM_END, [0, 1],
        ),
        "28 channels, SGD, calm at the end": ({"channels": 28}, BY_SGD, [0, 1]),
        "24 channels, no border cut off, calm at the end": (
            {"channels": 24, "crop": 0}, CALM_END, [0, 1],
        ),
        "28 channels, stretched, calm at the end": (
            {"channels": 28}, replace(CALM_END, augment=STRETCHED), [0, 1],
        ),
        "28 channels, erased, calm at the end": (
            {"channels": 28}, replace(CALM_END, augment=ERASED), [0, 1],
        ),
        "28 channels, a finer start, calm at the end": (
            {"channels": 28, "fine": True}, CALM_END, [0, 1],
        ),
        "28 channels, not pooled, calm at the end": (
            {"channels": 28, "pool": False}, CALM_END, [0, 1],
        ),
        "two of 22 channels vote, calm at the end": (
            {"channels": 22, "votes": 2}, TWO_VOTE, [0, 1],
        ),
        "three of 16 channels vote, calm at the end": (
            {"channels": 16, "votes": 3}, THREE_VOTE, [0, 1],
        ),
        "32 channels throughout": ({"channels": 32, "flat": True}, HALF, [0, 1]),
        "24 channels, then 56 in three blocks": (
            {"channels": 24, "wide": 56, "more": 1}, HALF, [0, 1],
        ),
        "24 channels, then 64, calm at the end": (
            {"channels": 24, "wide": 64}, CALM_END, [0, 1],
        ),
    },
    "the smallest network": {
        "8 channels, 30 epochs": ({"channels": 8}, replace(LONG, epochs=30), [0, 1]),
        "8 channels, stride 1, 20 epochs": (
            {"channels": 8, "crop": 3, "stride": 1}, replace(LONG, epochs=20), [1],
        ),
        "8 channels, 40 epochs, no smoothing": ({"channels": 8}, SMALL, [1]),
        "8 channels, 40 epochs, no smoothing, light augmentation": (
            {"channels": 8}, replace(SMALL, augment=LIGHT), [1],
        ),
        "11 channels throughout, 30 epochs, light augmentation": (
            {"channels": 11, "flat": True}, replace(SMALL, epochs=30, augment=LIGHT), [1],
        ),
        "11 channels throughout, 50 epochs": (
            {"channels": 11, "flat": True}, replace(SMALL, epochs=50), [1],
        ),
        "12 channels throughout, 50 epochs, light augmentation": (
            {"channels": 12, "flat": True}, replace(SMALL, epochs=50, augment=LIGHT), [1],
        ),
        "11 channels throughout, 50 epochs, light augmentation": (
            {"channels": 11, "flat": True}, replace(SMALL, epochs=50, augment=LIGHT), [1],
        ),
        "10 channels throughout, 50 epochs, light augmentation": (
            {"channels": 10, "flat": True}, replace(SMALL, epochs=50, augment=LIGHT), [0, 1],
        ),
    },
}  # fmt: skip


def family(
    channels, wide=None, crop=2, stride=2, flat=False, more=0, dropout=0.0, dropout_in_blocks=0.0,
    pool=True, fine=False, votes=1,
):  # fmt: skip
    """A network of lesson 05's blocks.

    wide: channels from the second block on, twice as many unless given; flat: as many channels
    everywhere, and one more block, as in `models.small_residual_network`; more: further blocks;
    dropout, dropout_in_blocks: share of the numbers that are dropped before the linear layer, and
    after each block; pool: with its places left, the linear layer reads 25 numbers a channel;
    fine: two 3×3 convolutions in place of the first, and a shortcut that takes the mean of 2×2
    places where the others take one place of four (He et al., 2019, "Bag of tricks");
    votes: how many networks of this kind vote.
    """
    if votes > 1:
        settings = dict(locals(), votes=1)
        return Ensemble(family(**settings) for _ in range(votes))
    wide = channels if flat else wide or 2 * channels
    stem = [  # built first: its initial weights are the first that are drawn
        nn.ZeroPad2d(-crop),
        nn.Conv2d(1, channels, kernel_size=5, stride=stride, bias=False),
        nn.BatchNorm2d(channels), nn.ReLU(),
    ]  # fmt: skip
    if fine:
        half = channels // 2
        stem[1:2] = [
            nn.Conv2d(1, half, kernel_size=3, bias=False), nn.BatchNorm2d(half), nn.ReLU(),
            nn.Conv2d(half, channels, kernel_size=3, stride=2, bias=False),
        ]  # fmt: skip
    blocks = [
        *[ResidualBlock(channels, channels) for _ in range(2 if flat else 1)],
        ResidualBlock(channels, wide, stride=2),
        *[ResidualBlock(wide, wide) for _ in range(1 + more)],
    ]
    if fine:
        down = blocks[-2 - more]
        down.shortcut[0].stride = 1, 1
        down.shortcut.insert(0, nn.AvgPool2d(2))
    if dropout_in_blocks:
        blocks = [nn.Sequential(block, nn.Dropout(dropout_in_blocks)) for block in blocks]
    return nn.Sequential(
        *stem,
        *blocks,
        *([nn.AdaptiveMaxPool2d(1)] if pool else []), nn.Flatten(),
        *([nn.Dropout(dropout)] if dropout else []),
        nn.Linear(wide if pool else 25 * wide, 10),
    )  # fmt: skip


def split(choice, number):
    """All images that are not in the test set, cut in two at random.

    50,000 and 10,000; for a choice on halves 30,000 and 30,000, and number 1 is number 0 with its
    halves exchanged.
    """
    if choice == HALVES:
        every = data.load_all_training()
        order = shuffled(every, 3000 + number // 2)
        first, second = every[order[:30_000]], every[order[30_000:]]
        return data.Digits(second, first) if number % 2 else data.Digits(first, second)
    digits = data.load()
    parts = digits.train, digits.validation
    every = data.Part(
        torch.cat([part.images for part in parts]), torch.cat([part.labels for part in parts])
    )
    order = shuffled(every, 1000 + number)
    return data.Digits(every[order[10_000:]], every[order[:10_000]])


def shuffled(part, seed):
    return torch.randperm(len(part), generator=torch.Generator().manual_seed(seed))


def run(choice, name, number):
    """Train one candidate on one split; its figures as a dict that JSON can hold."""
    torch.set_num_threads(1)
    settings, recipe, _ = CANDIDATES[choice][name]
    runtime.seed_everything(number)
    network = family(**settings)
    digits = split(choice, number)
    note_epoch(0)
    history = fit(network, digits, recipe, seed=number, device="cpu", after_epoch=note_epoch)
    figures = {
        "choice": choice,
        "name": name,
        "split": number,
        "training_images": len(digits.train),
        "validation_images": len(digits.validation),
        "network": settings,
        "recipe": recipe.plain(),
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "multiply_accumulates": probe.multiply_accumulates(network),
        "learned_from": history.learned_from,
        "train_loss": history.train_loss,
        "validation_loss": history.validation_loss,
        "validation_accuracy": history.validation_accuracy,
        "machine": runtime.machine(),
        "versions": runtime.versions(),
    }
    validation = data.Batches(digits.validation, 1000, normalisation=recipe.normalisation)
    if isinstance(network, Ensemble):
        figures["alone"] = [evaluate(one, validation)[1] for one in network.networks]
    if choice in IN_FIVE_PLACES:
        figures["five_places"] = evaluate(FivePlaces(network), validation)[1]
    return figures


def note_epoch(complete):
    Fading.complete = complete


def wanted():
    """Every run that there should be, as (choice, candidate, split)."""
    for choice, candidates in CANDIDATES.items():
        for name, (_, _, splits) in candidates.items():
            yield from ((choice, name, number) for number in splits)


def key(one):
    return one["choice"], one["name"], one["split"]


def store(runs):
    order = list(wanted())
    content = {
        "command": "python research/choices.py",
        "runs": sorted(runs, key=lambda one: order.index(key(one))),
    }
    quotes.store("choices", content)


def main():
    parser = argparse.ArgumentParser(description="Compare candidates without the test set.")
    parser.add_argument("--jobs", type=int, default=torch.get_num_threads(), help="processes")
    parser.add_argument("--list", action="store_true", help="only say what was reached")
    options = parser.parse_args()
    if runtime.quick():
        parser.error("these are full-size runs: start without MNIST_COURSE_QUICK")
    torch.set_num_threads(1)  # a process that is forked can't use the threads of this one
    path = quotes.EVIDENCE / "choices.json"
    runs = quotes.load("choices")["runs"] if path.is_file() else []
    there = {key(one): one for one in runs}
    if unknown := there.keys() - set(wanted()):
        parser.error(f"stored, but no longer a candidate: {sorted(unknown)}")
    if options.list:
        for choice, name, number in wanted():
            one = there.get((choice, name, number))
            reached = f"{one['validation_accuracy'][-1]:.2%}" if one else "missing"
            print(f"{choice}: {name}, split {number}: {reached}")
        return
    with ProcessPoolExecutor(options.jobs) as pool:
        waiting = [pool.submit(run, *one) for one in wanted() if one not in there]
        for done in tqdm(as_completed(waiting), "choices", len(waiting), unit="run"):
            runs.append(done.result())
            store(runs)
    quotes.write("choices")


if __name__ == "__main__":
    main()
