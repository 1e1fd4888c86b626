"""Training: a recipe, the loop of lesson 03, what happened, and checkpoints."""

import json
import math
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import nn
from torch.optim import lr_scheduler

from mnist_course import data, runtime
from mnist_course.augment import RandomAffine

OPTIMIZERS = ("sgd", "adam", "adamw")
SCHEDULES = ("constant", "one-cycle", "exponential", "step", "plateau")


@dataclass(frozen=True)
class Recipe:
    """Everything that is chosen before training starts.

    Raises ValueError for a setting that can't work.
    """

    epochs: int = 10  # passes over the training images
    batch_size: int = 128  # images a step
    shuffle: bool = True  # a new order of the training images in each epoch
    optimizer: str = "sgd"  # one of OPTIMIZERS
    learning_rate: float = 0.1  # with one-cycle its peak, else its start
    momentum: float = 0.9  # SGD only
    nesterov: bool = False  # SGD only
    betas: tuple[float, float] = (0.9, 0.999)  # Adam and AdamW only
    weight_decay: float = 0.0  # on weights alone, not on biases and batch norm
    schedule: str = "constant"  # one of SCHEDULES
    warm_up: float = 0.3  # one-cycle: share of the steps before the peak
    decay: float = 0.5  # exponential (each epoch), step, plateau: factor on the learning rate
    decay_every: int = 5  # step: epochs between two decays
    label_smoothing: float = 0.0  # share of the target that goes to all ten classes
    augment: RandomAffine | None = None
    final_epochs: int = 0  # so many at the end are augmented in another way:
    final_augment: RandomAffine | None = None
    patience: int | None = None  # stop after so many epochs without a better validation accuracy
    normalisation: tuple[float, float] = (data.MEAN, data.DEVIATION)
    channels_last: bool = False  # memory layout in which convolutions run faster

    def __post_init__(self):
        if self.epochs < 1 or self.batch_size < 1:
            raise ValueError("a recipe needs at least 1 epoch and batches of at least 1 image")
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"no optimizer {self.optimizer!r}; there are {', '.join(OPTIMIZERS)}")
        if self.schedule not in SCHEDULES:
            raise ValueError(f"no schedule {self.schedule!r}; there are {', '.join(SCHEDULES)}")
        if not self.learning_rate > 0:
            raise ValueError(f"the learning rate must be above 0, got {self.learning_rate}")
        if not 0 < self.decay <= 1 or self.decay_every < 1:
            raise ValueError(
                f"the learning rate decays by a factor above 0, up to 1, every 1 or more epochs; "
                f"got {self.decay} every {self.decay_every}"
            )
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(f"label smoothing lies from 0 to below 1, got {self.label_smoothing}")
        if self.patience is not None and self.patience < 1:
            raise ValueError(f"patience is at least 1 epoch, or None; got {self.patience}")
        if self.final_epochs < 0:
            raise ValueError(f"there are 0 or more final epochs, got {self.final_epochs}")

    def plain(self):
        """The recipe as JSON holds it: a dict, its tuples as lists, your own functions as texts."""
        return json.loads(json.dumps(asdict(self), default=str))


@dataclass
class History:
    """What happened, epoch by epoch. Losses are means an image; accuracies lie in 0..1."""

    train_loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)  # while learning, augmented
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)  # at the end of the epoch
    seconds: list[float] = field(default_factory=list)  # training alone, without validation
    images: int = 0  # training images an epoch
    device: str = ""
    stopped: str = ""  # why training ended early, if it did

    def __len__(self):
        return len(self.train_loss)

    @property
    def accuracy(self):
        """The validation accuracy (0..1) after the last complete epoch, nan without one."""
        return self.validation_accuracy[-1] if self.validation_accuracy else math.nan

    @property
    def images_per_second(self):
        """Training images a second, over all complete epochs."""
        return self.images * len(self.seconds) / sum(self.seconds) if self.seconds else 0.0

    @property
    def diverged(self):
        """True when a loss of the last epoch is not finite."""
        last = self.train_loss[-1:] + self.validation_loss[-1:]
        return not all(math.isfinite(loss) for loss in last)

    def __str__(self):
        if not len(self):
            return self.stopped or "not trained"
        text = (
            f"{len(self)} epoch{'s' * (len(self) > 1)} in {sum(self.seconds):.1f} s "
            f"({self.images_per_second:,.0f} images a second on {self.device}): "
            f"training loss {self.train_loss[-1]:.4f}, "
            f"validation accuracy {self.accuracy:.2%}"
        )
        return f"{text}. {self.stopped}" if self.stopped else text


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


@torch.no_grad()
def predict(network, part, batch_size=1000, normalisation=(data.MEAN, data.DEVIATION)):
    """Logits (N, 10) of a `Part`, on the CPU, from the network in evaluation mode."""
    network.eval()
    device = next(network.parameters(), torch.empty(0)).device
    batches = data.Batches(part, batch_size, device=device, normalisation=normalisation)
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


def make_schedules(optimizer, recipe, steps_per_epoch):
    """The recipe's learning-rate schedule: (stepped after each batch, after each epoch)."""
    if recipe.schedule == "one-cycle":
        return lr_scheduler.OneCycleLR(
            optimizer,
            recipe.learning_rate,
            total_steps=recipe.epochs * steps_per_epoch,
            pct_start=recipe.warm_up,
            cycle_momentum=False,
        ), None
    if recipe.schedule == "exponential":
        return None, lr_scheduler.ExponentialLR(optimizer, recipe.decay)
    if recipe.schedule == "step":
        return None, lr_scheduler.StepLR(optimizer, recipe.decay_every, recipe.decay)
    if recipe.schedule == "plateau":
        return None, lr_scheduler.ReduceLROnPlateau(
            optimizer, mode="max", factor=recipe.decay, patience=2, threshold=5e-5
        )
    return None, None


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
    """Whether training in this layout would end Python itself, seen with torch 2.14 on a CPU.

    The backward pass of a 1×1 convolution with a stride and fewer than 8 input channels writes
    past the end of its memory there. Such a network keeps the usual layout.
    """
    return any(
        layer.kernel_size == (1, 1) and layer.stride != (1, 1) and layer.in_channels < 8
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
    if recipe.channels_last and not _crashes_in_channels_last(network):
        network.to(memory_format=torch.channels_last)
    batches = data.Batches(
        digits.train, recipe.batch_size, shuffle=recipe.shuffle, augment=recipe.augment, seed=seed,
        device=device, normalisation=recipe.normalisation,
    )  # fmt: skip
    validation = data.Batches(
        digits.validation, 1000, device=device, normalisation=recipe.normalisation
    )
    loss_function = nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)
    optimizer = make_optimizer(network, recipe)
    each_step, each_epoch = make_schedules(optimizer, recipe, len(batches))
    history = History(images=len(digits.train), device=str(device))
    best = (-1.0, 0)  # accuracy, epoch
    try:
        for epoch in range(1, recipe.epochs + 1):
            if epoch > recipe.epochs - recipe.final_epochs:
                batches.augment = recipe.final_augment
            shown = show.watch(batches, epoch, recipe.epochs)
            if each_step is not None:
                shown = _stepping(shown, each_step)
            started = time.perf_counter()
            loss, accuracy = train_epoch(network, shown, loss_function, optimizer)
            seconds = time.perf_counter() - started
            validation_loss, validation_accuracy = evaluate(network, validation)
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


# --- checkpoints --------------------------------------------------------------------------


class Snapshots:
    """The weights before training and after each epoch, in memory, to look back at.

    Give it to `fit` as `after_epoch`. weights: a list of state dicts on the CPU, the first
    from before training; LeNet-5's take a quarter of a megabyte each.
    """

    def __init__(self, network):
        self.network = network
        self.weights = []
        self(0)

    def __call__(self, epoch):
        state = self.network.state_dict()
        self.weights.append({name: tensor.detach().cpu().clone() for name, tensor in state.items()})


class CheckpointError(runtime.CourseError):
    """A checkpoint can't be saved, or is missing, broken, foreign, or of another network."""


def _weights_path(path):
    """The path with the ending .safetensors; "rate-0.1" is a name, not an ending to replace."""
    path = Path(path)
    return path if path.suffix == ".safetensors" else path.with_name(f"{path.name}.safetensors")


def save_checkpoint(path, network, recipe=None, history=None, seed=None):
    """Keep a network: weights in `path` (.safetensors), how they were made in a JSON beside it.

    Each file is written whole or not at all. The weights carry the same JSON inside, so they
    are complete without the other file. No pickle: loading a checkpoint runs no code.
    Returns the path of the weights. Raises CheckpointError when it can't be written.
    """
    path = _weights_path(path)
    about = {
        "made_by": "mnist_course",
        "recipe": recipe.plain() if recipe else None,
        "history": asdict(history) if history else None,
        "seed": seed,
        "versions": runtime.versions(),
    }
    text = json.dumps(about, indent=1)
    weights = {
        name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()
    }
    try:
        runtime.write_whole(path, safetensors.torch.save(weights, {"mnist_course": text}))
        runtime.write_whole(path.with_suffix(".json"), text.encode())
    except OSError as error:
        raise CheckpointError(
            f"{path} can't be written ({error.strerror or error}); make room or name another folder"
        ) from error
    return path


def load_checkpoint(path, network):
    """Fill `network` with the weights of a checkpoint. Returns (recipe, history), or None each.

    Raises CheckpointError, and leaves the network as it is, when the file is missing, broken,
    not from this course or of a network with other layers.
    """
    path = _weights_path(path)
    if not path.is_file():
        raise CheckpointError(
            f"there is no {path.name} in {path.parent.resolve()}: the lesson that trains this "
            "network saves it; run that first"
        )
    try:
        with safetensors.safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        about = json.loads(metadata["mnist_course"])
        recipe, history = _recipe(about["recipe"]), _history(about["history"])
    except KeyError as error:
        raise CheckpointError(
            f"{path} was not saved by this course; give the name of a file that was"
        ) from error
    except (safetensors.SafetensorError, OSError, ValueError, TypeError) as error:
        raise CheckpointError(f"{path} is broken ({error}); train and save again") from error
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    if expected != found:
        different = sorted(
            name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
        )
        raise CheckpointError(
            f"{path.name} holds another network: {different[0]} is {found.get(different[0])} in "
            f"the file and {expected.get(different[0])} here"
        )
    network.load_state_dict(weights)
    return recipe, history


def _recipe(settings):
    """A `Recipe` from what `asdict` and JSON made of it; None from None."""
    if settings is None:
        return None
    pairs = {name: tuple(settings[name]) for name in ("betas", "normalisation")}
    maps = {
        name: RandomAffine(**settings[name])
        for name in ("augment", "final_augment")
        if isinstance(settings.get(name), dict)  # a text stands for a function of your own
    }
    return Recipe(**settings | pairs | maps)


def _history(figures):
    return figures and History(**figures)
