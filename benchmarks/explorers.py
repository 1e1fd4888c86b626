"""The explorers and, beside each, the same picture the common way: `interact` and pyplot.

`bench.py explorers` puts both into a notebook, moves their sliders in a browser and measures,
by `latency.py`. Everything here runs in that notebook's kernel.
"""

import functools

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.nn import functional as F

from mnist_course import augment, data, models, plots, probe, results, widgets
from mnist_course.training import Recipe, Snapshots, fit
from mnist_course.widgets import augmentation, loss, pixels, pooling
from mnist_course.widgets.picture import Picture, PictureView

MOVED = {  # the slider that is moved, by its label; the same in both
    "kernel lab": "Position",
    "pooling lab": "Shift right",
    "augmentation lab": "Rotation",
    "feature maps": "Position",
    "epoch scrubber": "Epoch",
    "loss": "Depth",
    "band": "Epoch",
}
AHEAD = ("kernel lab", "pooling lab", "augmentation lab", "feature maps", "band")
STEPS = 200  # of the loss explorer, in quick mode too


@functools.cache
def digits():
    """MNIST, loaded once."""
    return data.load()


@functools.cache
def student():
    """A small training: network, an untrained one, snapshots, history, recipe."""
    torch.manual_seed(0)
    network, untrained = models.lenet5_variant(), models.lenet5_variant()
    snapshots = Snapshots(network)
    recipe = Recipe(epochs=10, batch_size=50, optimizer="adam", learning_rate=0.003)
    few = data.Digits(digits().train[:500], digits().validation[:500])
    history = fit(network, few, recipe, after_epoch=snapshots)
    return network, untrained, snapshots, history, recipe


def explorer(name):
    """The course's explorer of that name."""
    train, validation = digits().train, digits().validation
    if name == "kernel lab":
        return widgets.kernel_lab(train)
    if name == "pooling lab":
        return widgets.pooling_lab(train)
    if name == "augmentation lab":
        return widgets.augmentation_lab(train, augment.RandomAffine())
    if name == "loss":
        return widgets.loss_explorer(train, STEPS)
    network, untrained, snapshots, history, recipe = student()
    if name == "feature maps":
        return widgets.feature_maps({"before": untrained, "after": network}, validation)
    if name == "epoch scrubber":
        return widgets.epoch_scrubber(network, snapshots, history, validation)
    return widgets.band_explorer(history, results.load("lenet")["runs"], recipe)


def on_demand(name):
    """The same explorer with nothing drawn ahead and nothing kept by the page."""
    one = explorer(name)
    one.ahead.names, one.view.controls = (), []
    return one


def common(name):
    """`interact` over a function that draws the same picture with pyplot, anew each time.

    It starts where the explorer does.
    """
    draw, start, low, high = {
        "kernel lab": (draw_kernel, 193, 0, 675),
        "pooling lab": (draw_pooling, 1, -7, 7),
        "augmentation lab": (draw_augmentation, 0, -180, 180),
        "feature maps": (draw_feature_maps, 406, 0, 783),
        "epoch scrubber": (draw_epoch, 10, 0, 10),
        "loss": (draw_loss, 2, 1, 6),
        "band": (draw_band, 10, 1, 10),
    }[name]
    slider = ipywidgets.IntSlider(start, low, high, description=MOVED[name])
    ipywidgets.interact(draw, value=slider)


def least():
    """A slider over an image of 16 × 16 pixels of one shade: nearly nothing to draw or to send."""
    slider = ipywidgets.IntSlider(128, 0, 255, description="Shade")
    view = PictureView()

    def show(change):
        sheet = pixels.Sheet(16, 16)
        sheet.paste(pixels.Map(np.full((16, 16), slider.value, np.uint8), "grey"), 0, 0, line=False)
        view.show([Picture(sheet, "")], [[]])

    slider.observe(show, "value")
    show(None)
    box = ipywidgets.VBox([slider, view])
    box.add_class("least")
    return box


def digit_image(index):
    """A training image as numbers 0..1, float32 (28, 28)."""
    return data.scale(digits().train.images[index : index + 1])[0, 0]


def show(ax, values, limit=None, title=None):
    """A map on axes without ticks: in grey from 0 to 1, or signed with full colour at a limit."""
    if limit is None:
        ax.imshow(values, cmap="gray_r", vmin=0, vmax=1)
    else:
        ax.imshow(values, cmap=plots.SIGNED, vmin=-limit, vmax=limit)
    ax.set(xticks=[], yticks=[])
    ax.set_title(title, fontsize=8)


def frame(ax, left, top, size):
    ax.add_patch(plt.Rectangle((left - 0.5, top - 0.5), size, size, fill=False))


def draw_kernel(value):
    image = digit_image(7)
    kernel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    output = F.conv2d(image[None, None], kernel[None, None])[0, 0]
    row, column = divmod(value, output.shape[1])
    patch = image[row : row + 3, column : column + 3]
    _, axes = plt.subplots(2, 3, figsize=(8.8, 5))
    show(axes[0, 0], image, title="input")
    frame(axes[0, 0], column, row, 3)
    show(axes[0, 2], output, output.abs().max(), "output")
    frame(axes[0, 2], column, row, 1)
    for ax, matrix in ((axes[0, 1], kernel), (axes[1, 0], patch), (axes[1, 1], patch * kernel)):
        plots.number_matrix(matrix, ax, digits=2)
    axes[1, 2].axis("off")
    axes[1, 2].text(0, 0.5, f"= {output[row, column]:.2f}", fontsize=20)
    plt.show()


def draw_pooling(value):
    image = digit_image(7)
    pairs = [(image.numpy(), augment.shift(image, value, 0).numpy())]
    pairs.append(tuple(pooling.pool(each, "max", 4, 4) for each in pairs[0]))
    figure, axes = plt.subplots(2, 4, figsize=(8.8, 5))
    for row, (before, after) in zip(axes, pairs, strict=True):
        show(row[0], before, title=f"{len(before)} × {len(before)}")
        show(row[1], after, title="shifted")
        show(row[2], after - before, 1, "difference")
    frame(axes[0, 0], 0, 0, 4)
    frame(axes[0, 0], 4, 0, 4)
    changes = [pooling.relative_change(*pair) for pair in pairs]
    axes[0, 3].barh(["pixels", "pooled map"], changes)
    axes[0, 3].set(xlim=(0, 2), title="change")
    axes[0, 3].yaxis.tick_right()
    axes[1, 3].axis("off")
    plt.show()


def draw_augmentation(value):
    image = digit_image(0)
    recipe = augment.RandomAffine()
    many = recipe(image.expand(20, 1, 28, 28), torch.Generator().manual_seed(0))
    figure = plt.figure(figsize=(8.8, 4.2))
    show(figure.add_subplot(2, 4, 1), image, title="original")
    show(figure.add_subplot(2, 4, 2), augmentation.transform(image, value), title="changed")
    ax = figure.add_subplot(2, 2, 3)
    ax.axis("off")
    cells = [
        ["rotation", f"{value}°", f"±{recipe.degrees:g}°"],
        ["shift right", "0 px", f"±{28 * recipe.shift:.1f} px"],
        ["shift down", "0 px", f"±{28 * recipe.shift:.1f} px"],
        ["size", "1.00", f"1 ± {recipe.scale:g}"],
        ["shear", "0.00", f"±{recipe.shear:g}"],
    ]
    ax.table(cells, colLabels=["", "yours", "recipe draws"], loc="center")
    for place, one in enumerate(many):
        show(figure.add_subplot(4, 10, 10 * (place // 5) + place % 5 + 6), one[0])
    plt.show()


def draw_feature_maps(value):
    network, untrained, *_ = student()
    image = digits().validation.images[:1]
    batch = data.normalise(data.scale(image))
    figure = plt.figure(figsize=(8.4, 5.4))
    for half, one in enumerate((untrained, network)):
        found = probe.activations(one, batch)
        maps, probabilities = found["0"][0], list(found.values())[-1][0].softmax(0)
        limit = maps.abs().max()
        row, column = divmod(value, maps.shape[2])
        ax = figure.add_subplot(3, 6, 3 * half + 1)
        show(ax, data.scale(image)[0, 0], title="digit")
        frame(ax, column - 2, row - 2, 5)
        ax = figure.add_subplot(3, 6, 3 * half + 2)
        show(ax, maps[0], limit, "map 0")
        frame(ax, column, row, 1)
        ax = figure.add_subplot(3, 6, 3 * half + 3)
        ax.barh(range(10), probabilities)
        ax.set(yticks=range(10), xticks=[])
        ax = figure.add_subplot(3, 4, 2 * half + 5)
        plots.number_matrix(one[0].weight[0, 0], ax, digits=2)
        padded = F.pad(batch[0, 0], (2, 2, 2, 2))
        ax = figure.add_subplot(3, 4, 2 * half + 6)
        plots.number_matrix(padded[row : row + 5, column : column + 5], ax, digits=2)
        for place, picture in enumerate(maps):
            show(figure.add_subplot(3, 14, 29 + 7 * half + place), picture, limit)
    plt.show()


def at_epoch(epoch):
    """Kernels, maps and probabilities of the first validation digit after an epoch."""
    snapshots = student()[2]
    twin = models.lenet5_variant()
    twin.load_state_dict(snapshots.weights[epoch])
    found = probe.activations(twin, data.normalise(data.scale(digits().validation.images[:1])))
    return twin[0].weight[:, 0].detach(), found["0"][0], list(found.values())[-1][0].softmax(0)


@functools.cache
def epoch_limits():
    """Full colour for the kernels and maps of all epochs."""
    every = [at_epoch(epoch) for epoch in range(11)]
    return [max(one[part].abs().max() for one in every) for part in (0, 1)]


def draw_epoch(value):
    history = student()[3]
    *rows, probabilities = at_epoch(value)
    figure = plt.figure(figsize=(8, 4.1))
    image = data.scale(digits().validation.images[:1])[0, 0]
    show(figure.add_subplot(3, 3, 1), image, title=f"epoch {value}")
    ax = figure.add_subplot(3, 3, 2)
    ax.bar(range(10), probabilities)
    ax.set(xticks=range(10), yticks=[])
    ax = figure.add_subplot(3, 3, 3)
    ax.plot(range(1, 11), history.train_accuracy, label="training")
    ax.plot(range(1, 11), history.validation_accuracy, "--", label="validation")
    ax.axvline(value)
    ax.legend(fontsize=8)
    for row, (pictures, limit) in enumerate(zip(rows, epoch_limits(), strict=True), 1):
        for place, picture in enumerate(pictures):
            show(figure.add_subplot(3, 6, 6 * row + place + 1), picture, limit)
    plt.show()


def draw_loss(value):
    *_, trace = loss.training_steps(digits().train, "sigmoid", "Xavier", 0.9, value, STEPS)
    _, axes = plt.subplots(1, 3, figsize=(8, 3))
    axes[0].plot(trace.losses)
    axes[0].axhline(np.log(10))
    axes[1].semilogy(trace.gradients, label=loss.layer_names(value))
    axes[2].plot(trace.saturated)
    axes[1].legend()
    plt.show()


def draw_band(value):
    history = student()[3]
    stored = np.array([run["validation_accuracy"] for run in results.load("lenet")["runs"]])
    _, ax = plt.subplots(figsize=(8, 3.2))
    ax.fill_between(range(1, 11), stored.min(0), stored.max(0), alpha=0.3, label="stored runs")
    ax.plot(range(1, value + 1), history.validation_accuracy[:value], "o-", label="yours")
    ax.set(xlabel="epoch", title="validation accuracy")
    ax.legend()
    plt.show()
