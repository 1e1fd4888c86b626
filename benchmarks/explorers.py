"""The explorers and, beside each, the same picture the common way: `interact` and pyplot.

`bench.py explorers` puts both into a notebook, moves their sliders in a browser and measures.
Everything here runs in that notebook's kernel.
"""

import functools

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.nn import functional as F

from mnist_course import augment, data, models, plots, probe, results, widgets
from mnist_course.training import Recipe, Snapshots, fit
from mnist_course.widgets import loss

MOVED = {  # the slider that is moved, by its label; the same in both
    "kernel lab": "Position",
    "pooling lab": "Shift right",
    "augmentation lab": "Rotation",
    "feature maps": "Position",
    "epoch scrubber": "Epoch",
    "loss": "Depth",
    "band": "Epoch",
}
STEPS = 200  # of the loss explorer, whichever mode it is


@functools.cache
def student():
    """A small training: digits, network, an untrained one, snapshots, history, recipe."""
    digits = data.load()
    torch.manual_seed(0)
    network, untrained = models.lenet5_variant(), models.lenet5_variant()
    snapshots = Snapshots(network)
    recipe = Recipe(epochs=10, batch_size=50, optimizer="adam", learning_rate=0.003)
    few = data.Digits(digits.train[:500], digits.validation[:500])
    history = fit(network, few, recipe, after_epoch=snapshots)
    return digits, network, untrained, snapshots, history, recipe


def explorer(name):
    """The course's explorer of that name."""
    digits, network, untrained, snapshots, history, recipe = student()
    return {
        "kernel lab": lambda: widgets.kernel_lab(digits.train),
        "pooling lab": lambda: widgets.pooling_lab(digits.train),
        "augmentation lab": lambda: widgets.augmentation_lab(digits.train, augment.RandomAffine()),
        "feature maps": lambda: widgets.feature_maps(
            {"before": untrained, "after": network}, digits.validation
        ),
        "epoch scrubber": lambda: widgets.epoch_scrubber(
            network, snapshots, history, digits.validation
        ),
        "loss": lambda: widgets.loss_explorer(digits.train, STEPS),
        "band": lambda: widgets.band_explorer(history, results.load("lenet")["runs"], recipe),
    }[name]()


def common(name):
    """`interact` over a function that draws the same picture with pyplot, anew each time."""
    draw, start, low, high = {
        "kernel lab": (draw_kernel, 193, 0, 675),
        "pooling lab": (draw_pooling, 1, -7, 7),
        "augmentation lab": (draw_augmentation, 0, -90, 90),
        "feature maps": (draw_feature_maps, 406, 0, 783),
        "epoch scrubber": (draw_epoch, 9, 0, 10),
        "loss": (draw_loss, 2, 1, 6),
        "band": (draw_band, 9, 1, 10),
    }[name]
    slider = ipywidgets.IntSlider(start, low, high, description=MOVED[name])
    ipywidgets.interact(draw, value=slider)


def digit_image(index=7):
    return data.scale(student()[0].train.images[index : index + 1])


def draw_kernel(value):
    image = digit_image()
    kernel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    output = F.conv2d(image, kernel[None, None])[0, 0]
    row, column = divmod(value, output.shape[1])
    patch = image[0, 0, row : row + 3, column : column + 3]
    _, axes = plt.subplots(2, 3, figsize=(8.8, 5))
    axes[0, 0].imshow(image[0, 0], cmap="gray_r")
    axes[0, 0].add_patch(plt.Rectangle((column - 0.5, row - 0.5), 3, 3, fill=False))
    axes[0, 2].imshow(output, cmap=plots.SIGNED)
    axes[0, 2].add_patch(plt.Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False))
    for ax, matrix in ((axes[0, 1], kernel), (axes[1, 0], patch), (axes[1, 1], patch * kernel)):
        plots.number_matrix(matrix, ax, digits=2)
    axes[1, 2].axis("off")
    axes[1, 2].text(0, 0.5, f"= {output[row, column]:.2f}", fontsize=20)
    plt.show()


def draw_pooling(value):
    image = digit_image()
    shifted = torch.roll(image, value, dims=3)
    _, axes = plt.subplots(2, 3, figsize=(8.8, 5))
    for row, size in zip(axes, (1, 4), strict=True):
        first, second = F.max_pool2d(image, size)[0, 0], F.max_pool2d(shifted, size)[0, 0]
        row[0].imshow(first, cmap="gray_r")
        row[1].imshow(second, cmap="gray_r")
        row[2].imshow(second - first, cmap=plots.SIGNED, vmin=-1, vmax=1)
    plt.show()


def draw_augmentation(value):
    image = digit_image()
    turned = augment.RandomAffine(abs(value) + 0.01, 0, 0, 0)
    generator = torch.Generator().manual_seed(0)
    many = augment.RandomAffine()(image.expand(20, 1, 28, 28), generator)
    figure = plt.figure(figsize=(8.8, 4.2))
    for place, one in enumerate((image, turned(image, generator))):
        ax = figure.add_subplot(1, 4, place + 1)
        ax.imshow(one[0, 0], cmap="gray_r")
        ax.axis("off")
    for place, one in enumerate(many):
        ax = figure.add_subplot(4, 10, 10 * (place // 5) + place % 5 + 6)
        ax.imshow(one[0], cmap="gray_r")
        ax.axis("off")
    plt.show()


def draw_feature_maps(value):
    digits, network, untrained, *_ = student()
    batch = data.normalise(data.scale(digits.validation.images[:1]))
    figure = plt.figure(figsize=(8.4, 5.4))
    for half, one in enumerate((untrained, network)):
        found = probe.activations(one, batch)
        maps, probabilities = found["0"][0], found["15"][0].softmax(0)
        row, column = divmod(value, maps.shape[2])
        for place, picture in enumerate((batch[0, 0], maps[0])):
            ax = figure.add_subplot(3, 6, 3 * half + place + 1)
            ax.imshow(picture, cmap="gray_r" if place == 0 else plots.SIGNED)
            ax.add_patch(plt.Rectangle((column - 2.5, row - 2.5), 5, 5, fill=False))
            ax.axis("off")
        figure.add_subplot(3, 6, 3 * half + 3).barh(range(10), probabilities)
        ax = figure.add_subplot(3, 4, 2 * half + 5)
        plots.number_matrix(one[0].weight[0, 0], ax, digits=2)
        padded = F.pad(batch[0, 0], (2, 2, 2, 2))
        ax = figure.add_subplot(3, 4, 2 * half + 6)
        plots.number_matrix(padded[row : row + 5, column : column + 5], ax, digits=2)
        for place, picture in enumerate(maps):
            ax = figure.add_subplot(3, 14, 29 + 7 * half + place)
            ax.imshow(picture, cmap=plots.SIGNED)
            ax.axis("off")
    plt.show()


def draw_epoch(value):
    digits, _, untrained, snapshots, history, _ = student()
    batch = data.normalise(data.scale(digits.validation.images[:1]))
    twin = models.lenet5_variant()
    twin.load_state_dict(snapshots.weights[value])
    found = probe.activations(twin, batch)
    figure = plt.figure(figsize=(8, 4.1))
    figure.add_subplot(3, 3, 1).imshow(batch[0, 0], cmap="gray_r")
    figure.add_subplot(3, 3, 2).bar(range(10), found["15"][0].softmax(0))
    ax = figure.add_subplot(3, 3, 3)
    ax.plot(range(1, 11), history.train_accuracy)
    ax.plot(range(1, 11), history.validation_accuracy)
    ax.axvline(value)
    for row, pictures in ((1, twin[0].weight[:, 0].detach()), (2, found["0"][0])):
        for place, picture in enumerate(pictures):
            ax = figure.add_subplot(3, 6, 6 * row + place + 1)
            ax.imshow(picture, cmap=plots.SIGNED)
            ax.axis("off")
    plt.show()


def draw_loss(value):
    part = student()[0].train
    *_, trace = loss.training_steps(part, "sigmoid", "Xavier", 0.9, value, STEPS)
    _, axes = plt.subplots(1, 3, figsize=(8, 3))
    axes[0].plot(trace.losses)
    axes[0].axhline(np.log(10))
    axes[1].semilogy(trace.gradients, label=loss.layer_names(value))
    axes[2].plot(trace.saturated)
    axes[1].legend()
    plt.show()


def draw_band(value):
    history = student()[4]
    stored = np.array([run["validation_accuracy"] for run in results.load("lenet")["runs"]])
    _, ax = plt.subplots(figsize=(8, 3.2))
    ax.fill_between(range(1, 11), stored.min(0), stored.max(0), alpha=0.3, label="stored runs")
    ax.plot(range(1, value + 1), history.validation_accuracy[:value], "o-", label="yours")
    ax.set(xlabel="epoch", title="validation accuracy")
    ax.legend()
    plt.show()
