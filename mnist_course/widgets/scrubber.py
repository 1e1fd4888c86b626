"""Epoch scrubber: kernels, feature maps and probabilities of a network, epoch by epoch."""

import functools
import math
from dataclasses import dataclass

import ipywidgets
import numpy as np
import torch
from torch import nn

from mnist_course import data, probe
from mnist_course.training import History, Snapshots
from mnist_course.widgets import charts, maps, pixels
from mnist_course.widgets.controls import dropdown, rows, slider
from mnist_course.widgets.explorer import Explorer, ExplorerError
from mnist_course.widgets.picture import Picture, quick_note

WIDTH = 820
SHOWN = 16  # at most so many channels of a layer
TRAINING, VALIDATION = (pixels.MARK, ()), (pixels.ORANGE, (6, 4))  # colour and dashes


@dataclass(frozen=True)
class Excerpt:
    """What a network computes for a digit at one convolution, as far as there is room to show it.

    kernels: (C, h, w), those for the layer's first input channel; maps: (C, H, W), what leaves
    the layer; probabilities: (10,). C is at most SHOWN; channels: how many the layer has;
    sources: from how many input channels each of them is computed.
    """

    kernels: np.ndarray
    maps: np.ndarray
    probabilities: np.ndarray
    channels: int
    sources: int


def excerpts(network, image, normalisation=data.NORMALISATION):
    """What a network in evaluation mode, on the CPU, makes of an image: an `Excerpt` by layer.

    image: bytes (28, 28). Raises ExplorerError for another size.
    """
    inspection = probe.inspect(network, maps.network_input(image, normalisation))
    return {
        name: Excerpt(
            layer.weight[:SHOWN, 0].detach().numpy().copy(),
            inspection.outputs[name][:SHOWN].copy(), inspection.probabilities,
            *layer.weight.shape[:2],
        )
        for name, layer in convolutions(network).items() if name in inspection.outputs
    }  # fmt: skip


def at_layer(excerpts, layer):
    """The `Excerpt` at a layer. Raises ExplorerError where there is none."""
    if layer not in excerpts:
        raise ExplorerError(f"no convolution {layer!r}; there are {', '.join(excerpts)}")
    return excerpts[layer]


def convolutions(network):
    """A network's convolutions: a dict from name to layer."""
    return {name: layer for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d)}


def draw_curve(sheet, history, epoch):
    """The history's accuracies over the epochs on a sheet, with a marker at one of them."""
    every = [*history.train_accuracy, *history.validation_accuracy]
    low = min([value for value in every if math.isfinite(value)], default=0.0)
    x, y, width, height = 420, 40, 386, 150
    axes = charts.Axes(sheet, x, y, width, height, (0, max(len(history), 1)), (min(low, 0.99), 1.0))
    axes.frame("accuracy over epochs", share=True)
    epochs = range(1, len(history) + 1)
    axes.line(epochs, history.train_accuracy, *TRAINING)
    axes.line(epochs, history.validation_accuracy, *VALIDATION)
    axes.upright(epoch)
    if epoch:
        axes.dot(epoch, history.validation_accuracy[epoch - 1], pixels.RED)
    charts.legend(sheet, x + 165, y - 22, [("training", *TRAINING), ("validation", *VALIDATION)])
    if len(history):
        step = width / len(history)  # pointing at an epoch shows it
        sheet.point(
            x - step / 2, y, 1, len(history) + 1, (step, height), "epoch", "Epoch", keys=False
        )


def captions(excerpt):
    """What an `Excerpt` holds of its layer's kernels and of its maps, in words."""
    first = f"first {SHOWN} of {excerpt.channels} " if excerpt.channels > SHOWN else ""
    source = f", input channel 0 of {excerpt.sources}" if excerpt.sources > 1 else ""
    return f"{first}kernels{source}", f"{first}feature maps"


def scrubber_picture(excerpt, image, label, epoch, history, limits=None):
    """One frame: digit, probabilities, curve with marker, kernels, feature maps. A `Picture`.

    excerpt: an `Excerpt`; image: bytes (28, 28); label: 0 to 9; epoch: from 0, before training;
    history: a `History`; limits: values of full colour for kernels and for maps, by default
    the largest in this frame. Raises ExplorerError for an epoch that the history does not have,
    and a label that the network does not know.
    """
    pixels.check_whole("epoch", epoch, 0, len(history))
    pixels.check_whole("label", label, 0, len(excerpt.probabilities) - 1)
    of_kernels, of_maps = limits or (np.abs(excerpt.kernels).max(), np.abs(excerpt.maps).max())
    prediction = int(excerpt.probabilities.argmax())
    when = f"epoch {epoch} of {len(history)}" if epoch else "before training"

    sheet = pixels.Sheet(WIDTH, 336 + 94 * -(-len(excerpt.maps) // 8))
    sheet.text(8, 6, when, 14, bold=True)
    sheet.paste(pixels.grey(pixels.digit_image(image), 5), 8, 44)
    sheet.text(8, 190, f"label {label}", 12)
    _draw_bars(sheet, excerpt.probabilities, label, 172, 44)
    draw_curve(sheet, history, epoch)

    _, high, wide = excerpt.kernels.shape
    scale = max(1, 40 // max(high, wide))
    of_the_kernels, of_the_maps = captions(excerpt)
    sheet.text(8, 232, of_the_kernels, bold=True)
    sheet.legend(370, 230, of_kernels)
    for index, kernel in enumerate(excerpt.kernels):
        sheet.paste(pixels.signed(kernel, scale, of_kernels), 8 + 50 * index, 254)
    _, high, wide = excerpt.maps.shape
    scale = max(1, 84 // max(high, wide))
    sheet.text(8, 312, of_the_maps, bold=True)
    sheet.legend(370, 308, of_maps)
    for index, values in enumerate(excerpt.maps):
        row, column = divmod(index, 8)
        place = 8 + 98 * column, 336 + 94 * row
        sheet.paste(pixels.signed(values, scale, of_maps), *place)

    accuracy = (
        f", when validation accuracy is {history.validation_accuracy[epoch - 1]:.2%}"
        if epoch else ""
    )  # fmt: skip
    when = f"After {when}" if epoch else "Before training"
    share = f"{excerpt.probabilities[prediction]:.1%}"
    text = f"{when}{accuracy}, the network says {prediction} with {share}"
    if prediction == label:
        text += ", which is right."
    else:
        text += f", but the label is {label}, to which it gives {excerpt.probabilities[label]:.1%}."
    return Picture(sheet, text + quick_note())


def _draw_bars(sheet, probabilities, label, x, y):
    """Ten bars; the label's in blue with a frame, the network's prediction as a number."""
    high, wide, step = 124, 14, 18
    sheet.text(x, y - 16, "probabilities", 11)
    prediction = int(probabilities.argmax())
    for digit, value in enumerate(probabilities):
        left, length = x + step * digit, max(1, round(float(value) * high))
        colour = pixels.MARK if digit == label else pixels.SOFT
        sheet.fill(left, y + high - length, wide, length, colour)
        sheet.text(
            left + wide // 2, y + high + 12, str(digit), 12, anchor="mm", bold=digit == label
        )
    sheet.text(x, y + high + 22, f"says {prediction}: {probabilities[prediction]:.1%}", 12)


class _EveryEpoch(Explorer):
    """An explorer whose pictures of all epochs are sent at once, so that the page can turn them.

    The control `epoch` and a play button choose the picture in the browser; the kernel draws
    again only when another control moves.
    """

    def __init__(self, draw, controls, title, arrangement):
        super().__init__(draw, controls, title, arrangement)
        controls["epoch"].unobserve(self._changed, "value")

    def send(self, picture):
        """Every epoch's picture at the present settings."""
        every = range(self.controls["epoch"].max + 1)
        place = self.view.controls.index(self.controls["epoch"])
        states = [self.view.state() for _ in every]
        for epoch, state in zip(every, states, strict=True):
            state[place] = epoch
        self.view.show([self.drawn(epoch=epoch) for epoch in every], states)


def epoch_scrubber(network, snapshots, history, part, normalisation=data.NORMALISATION):
    """An explorer: a slider and a play button over the epochs of a training.

    network: the trained network; it is copied, not changed. snapshots: the
    `training.Snapshots` that `fit` filled; history: what the same `fit` returned; part: a
    `data.Part`, the digits to choose from; normalisation: mean and deviation by which the
    training's images were normalised, as in the recipe. Raises ExplorerError for anything else,
    and for a network without convolutions.
    """
    if not (isinstance(snapshots, Snapshots) and isinstance(history, History)):
        raise ExplorerError(
            "expected network, snapshots and history in this order, the last as fit returns it; "
            f"got {type(snapshots).__name__} and {type(history).__name__} for snapshots and history"
        )
    if not snapshots.weights:
        raise ExplorerError("these snapshots are empty: give them to fit as after_epoch")
    pixels.check_part(part)
    title = "Epoch scrubber"
    copy = maps.inspector(network).copy()
    last = len(snapshots.weights) - 1
    digit = slider("Digit", 0, 0, len(part) - 1, help="index of the image")
    layer = dropdown("Layer", convolutions(copy), help="the convolution that is shown")
    epoch = slider("Epoch", min(last, len(history)), 0, last, help="0 is before training")
    play = ipywidgets.Play(value=epoch.value, max=last, interval=500, tooltip="play the epochs")
    ipywidgets.jslink((play, "value"), (epoch, "value"))

    @functools.lru_cache(maxsize=1)  # so that the network runs once an epoch for a digit
    def every_layer(digit):
        """Every epoch's `Excerpt` by layer."""
        every = []
        for weights in snapshots.weights:
            _load(copy, weights)
            every.append(excerpts(copy, part.images[digit], normalisation))
        return every

    @functools.lru_cache(maxsize=1)
    def one_layer(digit, layer):
        """Every epoch's `Excerpt`, and full colour for the kernels and the maps of all."""
        every = [at_layer(one, layer) for one in every_layer(digit)]
        limits = tuple(
            max(float(np.abs(getattr(one, name)).max()) for one in every)
            for name in ("kernels", "maps")
        )
        return every, limits

    def draw(digit, layer, epoch):
        # a training that was interrupted, or had no finite loss, may lack its last snapshot
        broken = history.stopped.startswith(("Interrupted", "Stopped after"))
        if len(history) - last not in (0, broken):
            raise ExplorerError(
                f"the snapshots hold {last} epochs and the history {len(history)}: give both of "
                "the same call of fit"
            )
        every, limits = one_layer(digit, layer)
        return scrubber_picture(
            every[epoch], part.images[digit], int(part.labels[digit]), epoch, history, limits
        )

    controls = {"digit": digit, "layer": layer, "epoch": epoch}
    explorer = _EveryEpoch(draw, controls, title, rows((digit, layer), (play, epoch)))
    explorer.play = play
    return explorer


def _load(network, weights):
    """Load a snapshot's weights. Raises ExplorerError when they don't fit or are no numbers."""
    if not all(torch.isfinite(tensor).all() for tensor in weights.values()):
        raise ExplorerError(
            "a snapshot holds weights that are no numbers (NaN or infinite). Training has "
            "diverged: build the network again and train with a smaller learning rate"
        )
    try:
        # `torch.compile` puts a word before each name
        network.load_state_dict({
            name.removeprefix("_orig_mod."): tensor for name, tensor in weights.items()
        })  # fmt: skip
    except RuntimeError as error:
        raise ExplorerError(
            "the snapshots are of a network that is built in another way: give the network that "
            "they were taken of"
        ) from error
