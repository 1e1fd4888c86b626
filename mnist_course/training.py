"""Training: the loop of lesson 03, and `fit`, which trains a network by a recipe."""

import functools
import math
import time
from collections.abc import Iterable

import torch
from torch import nn
from torch.optim import lr_scheduler

from mnist_course import data, runtime
from mnist_course.checkpoints import (
    CheckpointError,
    Snapshots,
    check_place,
    load_checkpoint,
    save_checkpoint,
)
from mnist_course.records import History, Recipe

__all__ = [
    "CheckpointError", "HardestImages", "History", "Recipe", "Silent", "Snapshots",
    "TerminalProgress", "check_place", "evaluate", "fit", "load_checkpoint", "make_optimizer",
    "make_schedules", "predict", "save_checkpoint", "train_epoch",
]  # fmt: skip


def train_epoch(network, batches, loss_function, optimizer):
    """Show the network every batch once. Returns the mean loss and the accuracy (0..1)."""
    network.train()
    total_loss, correct, seen = 0.0, 0, 0
    for images, labels in batches:
        logits = network(images)  # forward
        loss = loss_function(logits, labels)
        optimizer.zero_grad()
        loss.backward()  # backward
        optimizer.step()  # step
        total_loss += loss.detach() * len(labels)
        correct += (logits.argmax(dim=1) == labels).sum()
        seen += len(labels)
    return float(total_loss) / seen, int(correct) / seen


@torch.no_grad()
def evaluate(network, batches):
    """Mean cross-entropy and accuracy (0..1) of the network, without learning."""
    network.eval()
    total_loss, correct, seen = 0.0, 0, 0
    for images, labels in batches:
        logits = network(images)
        total_loss += nn.functional.cross_entropy(logits, labels, reduction="sum")
        correct += (logits.argmax(dim=1) == labels).sum()
        seen += len(labels)
    return float(total_loss) / seen, int(correct) / seen


def _with_batches_beside_the_network(function):
    """The same function, which raises CourseError for a batch on another device.

    torch raises, too, but its sentence differs from layer to layer and leaves out what to type.
    """

    @functools.wraps(function)
    def call(network, batches, *arguments, **options):
        return function(network, _on_one_device(network, batches), *arguments, **options)

    return call


def _on_one_device(network, batches):
    advice = 'data.Batches(part, batch_size, device="{}")'
    for images, labels in batches:
        runtime.require_one_device(advice, network=network, images=images, labels=labels)
        yield images, labels


# Not by a decorator, because lesson 03 shows the two as they stand above.
train_epoch = _with_batches_beside_the_network(train_epoch)
evaluate = _with_batches_beside_the_network(evaluate)


@torch.no_grad()
def predict(network, part, batch_size=1000, normalisation=data.NORMALISATION):
    """Logits (N, 10) of a `Part`, on the CPU, from the network in evaluation mode."""
    network.eval()
    first = next(network.parameters(), torch.empty(0, device="cpu"))
    batches = data.Batches(
        part, batch_size, device=first.device, normalisation=normalisation, dtype=first.dtype
    )
    return torch.cat([network(images).cpu() for images, _ in batches])


def make_optimizer(network, recipe):
    """The optimizer that a recipe names. Weight decay reaches weights, never biases."""
    weights = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in network.parameters() if parameter.ndim <= 1]
    groups = [
        {"params": weights, "weight_decay": recipe.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    # One fused call updates all parameters: a tenth of the time of a step on a small network.
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(
            groups, recipe.learning_rate, recipe.momentum, nesterov=recipe.nesterov, fused=True
        )
    kind = torch.optim.Adam if recipe.optimizer == "adam" else torch.optim.AdamW
    return kind(groups, recipe.learning_rate, recipe.betas, fused=True)


def make_schedules(optimizer, recipe, steps):
    """The recipe's learning-rate schedule: (stepped after each batch, after each epoch).

    steps: batches of the whole training.
    """
    if recipe.schedule == "one-cycle":
        warm_up = recipe.warm_up
        if warm_up * steps == 1:  # the first step is the peak, where torch would divide by 0
            warm_up *= 1 - 1e-9
        return lr_scheduler.OneCycleLR(
            optimizer, recipe.learning_rate, total_steps=steps, pct_start=warm_up,
            cycle_momentum=False,
        ), None  # fmt: skip
    if recipe.schedule == "exponential":
        return None, lr_scheduler.ExponentialLR(optimizer, recipe.decay)
    if recipe.schedule == "step":
        return None, lr_scheduler.StepLR(optimizer, recipe.decay_every, recipe.decay)
    if recipe.schedule == "plateau":
        return None, lr_scheduler.ReduceLROnPlateau(
            optimizer, mode="max", factor=recipe.decay, patience=2, threshold=5e-5
        )
    return None, None


class HardestImages(nn.CrossEntropyLoss):
    """A loss that remembers what each image cost, so that an epoch can repeat what is hard.

    Called as any loss, right after `batches` gave the images. Source of the idea: Loshchilov &
    Hutter (2015), "Online batch selection for faster training of neural networks".
    """

    def __init__(self, batches, recipe, seed):
        super().__init__(label_smoothing=recipe.label_smoothing, reduction="none")
        self.batches, self.recipe = batches, recipe
        self.costs = None  # of each image, the latest as much as all earlier ones together
        self.generator = torch.Generator("cpu").manual_seed(seed)

    def forward(self, logits, labels):
        losses = super().forward(logits, labels)
        new, indices = losses.detach().float(), self.batches.indices
        if self.costs is None:
            self.costs = new.new_full((len(self.batches.part),), torch.nan)
        old = self.costs[indices]
        self.costs[indices] = torch.where(old.isnan(), new, (old + new) / 2)
        return losses.mean()

    def choose(self, count):
        """Indices of `count` images, ascending: the hardest, and others at random."""
        ranks = self.costs.cpu().argsort(descending=True, stable=True)
        hardest = math.ceil(len(ranks) * self.recipe.hardest)
        rest = len(ranks) - hardest
        mixed = torch.randperm(rest, generator=self.generator, device="cpu")
        return torch.cat([ranks[:hardest], ranks[hardest:][mixed]])[:count].sort().values


def _stepping(batches, schedule):
    """The same batches; the schedule takes a step after each."""
    for batch in batches:
        yield batch
        schedule.step()


class Silent:
    """Shows nothing. `fit` takes anything with these three methods as `show`."""

    def watch(self, batches: Iterable, epoch: int, epochs: int) -> Iterable:
        """The same batches, reported as they pass. epoch counts from 1."""
        return batches

    def update(self, history: History) -> None:
        """An epoch is over."""

    def close(self, history: History) -> None:
        """Training is over, complete or not."""


class TerminalProgress(Silent):
    """A progress bar an epoch and a line of figures after it, for a terminal."""

    def watch(self, batches, epoch, epochs):
        from tqdm import tqdm

        return tqdm(batches, f"epoch {epoch} of {epochs}", leave=False, unit="batch")

    def update(self, history):
        print(
            f"epoch {len(history)}: training loss {history.train_loss[-1]:.4f}, validation loss "
            f"{history.validation_loss[-1]:.4f}, validation accuracy "
            f"{history.validation_accuracy[-1]:.2%}, {history.seconds[-1]:.1f} s",
            flush=True,
        )

    def close(self, history):
        print(history)


def _crashes_in_channels_last(network):
    """Whether training in this layout would crash Python itself, as seen on CPUs.

    There the backward pass of a 1×1 convolution with a stride writes past the end of its memory
    when it has fewer input channels than the processor computes at once, so such a network keeps
    the usual layout. Seen with 8 numbers at once (AVX2, torch 2.14) and with 16 (AVX-512, 2.11).
    """
    at_once = 16 if torch.backends.cpu.get_cpu_capability().startswith("AVX512") else 8
    return any(
        layer.kernel_size == (1, 1) and layer.stride != (1, 1) and layer.in_channels < at_once
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d)
    )


def fit(network, digits, recipe, seed=0, device=None, show=None, after_epoch=None):
    """Train a network by a recipe; validate after each epoch. Returns a `History`.

    network: an `nn.Module`, (N, 1, 28, 28) to logits (N, 10), trained in place and moved to
    the device; digits: a `data.Digits`; seed: of the order of images and of the augmentation
    (seed the weights before the network is built); show: `TerminalProgress()`, or in a
    notebook `plots.LiveCurve()`; after_epoch: called with the epoch's number (from 1), to
    keep checkpoints.

    Kernel → Interrupt ends it without a traceback: the network and the history of the complete
    epochs are kept. A loss that is not finite ends it too, with a sentence that says why.
    """
    show = show or Silent()
    if isinstance(recipe.augment, str) or isinstance(recipe.final_augment, str):
        raise TypeError(
            "this recipe comes from a file, which keeps only the name of an augmentation of your "
            "own: put the function in again, replace(recipe, augment=…)"
        )
    device = runtime.device(device)
    network.to(device)
    dtype = next((weights.dtype for weights in network.parameters()), None)  # None: the usual one
    crashes = device.type == "cpu" and _crashes_in_channels_last(network)
    if recipe.channels_last and not crashes:
        network.to(memory_format=torch.channels_last)
    batches = data.Batches(
        digits.train, recipe.batch_size, shuffle=recipe.shuffle, augment=recipe.augment, seed=seed,
        device=device, normalisation=recipe.normalisation, dtype=dtype,
    )  # fmt: skip
    validation = data.Batches(
        digits.validation, 1000, device=device, normalisation=recipe.normalisation, dtype=dtype
    )
    if recipe.hardest:
        loss_function = HardestImages(batches, recipe, seed)
    else:
        loss_function = nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)
    optimizer = make_optimizer(network, recipe)
    learned_from = recipe.images_each_epoch(len(digits.train))
    steps = sum(math.ceil(images / recipe.batch_size) for images in learned_from)
    each_step, each_epoch = make_schedules(optimizer, recipe, steps)
    history = History(images=len(digits.train), device=str(device))
    best = (-1.0, 0)  # accuracy, epoch
    try:
        for epoch in range(1, recipe.epochs + 1):
            if epoch > recipe.epochs - recipe.final_epochs:
                batches.augment = recipe.final_augment
            if recipe.hardest and epoch > 1:
                batches.chosen = loss_function.choose(learned_from[epoch - 1])
            shown = show.watch(batches, epoch, recipe.epochs)
            if each_step is not None:
                shown = _stepping(shown, each_step)
            started = time.perf_counter()
            loss, accuracy = train_epoch(network, shown, loss_function, optimizer)
            seconds = time.perf_counter() - started
            validation_loss, validation_accuracy = evaluate(network, validation)
            history.learned_from.append(learned_from[epoch - 1])
            history.train_loss.append(loss)
            history.train_accuracy.append(accuracy)
            history.validation_loss.append(validation_loss)
            history.validation_accuracy.append(validation_accuracy)
            history.learning_rate.append(optimizer.param_groups[0]["lr"])
            history.seconds.append(seconds)
            show.update(history)
            if history.diverged:
                history.stopped = (
                    f"Stopped after epoch {epoch}: the loss is {loss}, on validation images "
                    f"{validation_loss}. The steps were too long; try a learning rate below "
                    f"{recipe.learning_rate / 10:g}, on a new network."
                )
                break
            if after_epoch is not None:
                after_epoch(epoch)
            if isinstance(each_epoch, lr_scheduler.ReduceLROnPlateau):
                each_epoch.step(validation_accuracy)
            elif each_epoch is not None:
                each_epoch.step()
            best = max(best, (validation_accuracy, -epoch))
            if recipe.patience is not None and epoch + best[1] >= recipe.patience:
                history.stopped = (
                    f"Stopped early after epoch {epoch}: no better validation accuracy for "
                    f"{recipe.patience} epochs."
                )
                break
    except KeyboardInterrupt:
        history.stopped = (
            f"Interrupted: {len(history)} of {recipe.epochs} epochs are complete. The network "
            "keeps what it has learned; to go on from here, call fit with it again."
        )
        network.eval()  # as after a complete epoch
    show.close(history)
    return history
