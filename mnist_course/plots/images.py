"""Images, kernels and matrices, as pictures with captions or with their numbers."""

import math

import numpy as np
from matplotlib import patches

from mnist_course import metrics
from mnist_course.plots.style import GREY, INK, RED, SIGNED, own_style, subplots


def plain(image):
    """An image as a 2-D array: torch or numpy, (H, W) or (1, H, W)."""
    array = np.asarray(image.detach().cpu() if hasattr(image, "detach") else image)
    return array.reshape(array.shape[-2:]) if array.ndim == 3 else array


@own_style()
def image_grid(
    images,
    captions=None,
    columns=8,
    size=1.0,
    colour="gray_r",
    wrong=(),
    lines=1,
):
    """Images (N, H, W) in a grid; a caption above each; captions of indices in `wrong` red.

    lines: how many lines the longest caption takes.
    Images of bytes share one scale of brightness; others have one each. Without any images, a
    single empty axes says so. Raises ValueError unless there are as many captions as images.
    """
    count = len(images)
    if captions is not None and len(captions) != count:
        raise ValueError(f"{len(captions)} captions for {count} images")
    if count == 0:
        _, axes = subplots(1, 1, 2, 1, squeeze=False)
        axes[0, 0].axis("off")
        axes[0, 0].text(0.5, 0.5, "no images", ha="center", va="center")
        return axes
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    caption_height = 0.07 + 0.15 * lines if captions is not None else 0.06
    _, axes = subplots(rows, columns, columns * size, rows * (size + caption_height), squeeze=False)
    for index, ax in enumerate(axes.flat):
        ax.axis("off")
        if index >= count:
            continue
        image = plain(images[index])
        ax.imshow(image, cmap=colour, **_brightness(image))
        if captions is not None:
            emphasis = {"color": RED, "fontweight": "bold"} if index in wrong else {}
            ax.set_title(str(captions[index]), fontsize=9, pad=2, **emphasis)
    return axes


@own_style()
def number_matrix(matrix, ax=None, digits=None, signed=None, title="", size=0.36):
    """A small matrix as a heat map with its numbers written in.

    digits: decimals to write; by default none for whole numbers and two for others. signed:
    colour by sign, orange above 0 and purple below; by default where a number is negative.
    """
    matrix = plain(matrix)
    if ax is None:
        rows, columns = matrix.shape
        _, ax = subplots(1, 1, max(2.0, columns * size), max(1.0, rows * size) + 0.4)
    whole = np.all(matrix == np.round(matrix))
    digits = (0 if whole else 2) if digits is None else digits
    signed = bool(matrix.min() < 0) if signed is None else signed
    limit = max(abs(float(matrix.min())), abs(float(matrix.max())), 1e-9)
    ax.imshow(matrix, cmap=SIGNED if signed else "gray_r", vmin=-limit if signed else 0, vmax=limit)
    for (row, column), value in np.ndenumerate(matrix):
        dark = abs(value) > 0.6 * limit
        ax.text(
            column, row, f"{value:z.{digits}f}", ha="center", va="center", fontsize=7,
            color="white" if dark else "black",
        )  # fmt: skip
    ax.set(xticks=[], yticks=[], title=title)
    return ax


@own_style()
def predictions(images, probabilities, labels, columns=8, names="0123456789"):
    """A page of predictions: each image with the network's answer, a mistake framed in red.

    images: (N, H, W); probabilities: (N, K); labels: (N,). A mistake says "4 not 9"; where names
    are longer than one letter, as those of clothes, the answer stands above "not coat".
    """
    between = " " if all(len(name) == 1 for name in names) else "\n"
    answers = probabilities.argmax(dim=1)
    captions = [
        names[answer] if answer == label else f"{names[answer]}{between}not {names[label]}"
        for answer, label in zip(answers.tolist(), labels.tolist(), strict=True)
    ]
    wrong = {index for index, caption in enumerate(captions) if f"{between}not " in caption}
    axes = image_grid(images, captions, columns, wrong=wrong, lines=1 if between == " " else 2)
    for index in wrong:
        _frame_in_red(axes.flat[index])
    return axes


def _frame_in_red(ax):
    """A frame around an image whose axis is off."""
    frame = patches.Rectangle(
        (0, 0), 1, 1, transform=ax.transAxes, fill=False, edgecolor=RED, linewidth=2, clip_on=False
    )
    ax.add_patch(frame)


@own_style()
def class_rows(images, labels, names, each=10):
    """The first images of each class, one row a class, with its name at the left.

    images: (N, H, W); labels: (N,), from 0 to len(names) - 1; each: images a row. A class of fewer
    images leaves places empty.
    """
    labels = plain(labels)
    _, axes = subplots(len(names), each, 1.3 + 0.62 * each, 0.64 * len(names), squeeze=False)
    for row, name in zip(range(len(names)), names, strict=True):
        places = np.flatnonzero(labels == row)[:each]
        for ax in axes[row]:
            ax.axis("off")
        for ax, place in zip(axes[row], places, strict=False):
            image = plain(images[int(place)])
            ax.imshow(image, cmap="gray_r", **_brightness(image))
        axes[row, 0].text(
            -0.15, 0.5, name, transform=axes[row, 0].transAxes, fontsize=9, ha="right",
            va="center", color=INK,
        )  # fmt: skip
    return axes


@own_style()
def augmented(image, samples, recipe):
    """An image and a recipe in words at the left, and what the recipe makes of it at the right.

    image: (H, W); samples: (N, H, W), the same image after the augmentation; recipe: an object
    with `degrees`, `shift`, `scale` and `shear`, as `RandomAffine`, or a dict from name to text.
    """
    image = plain(image)
    words = recipe if isinstance(recipe, dict) else _in_words(recipe, image.shape[-1])
    columns = min(6, max(1, len(samples)))
    rows = max(2, math.ceil(len(samples) / columns))
    figure, empty = subplots(1, 1, 3.4 + 1.0 * columns, 1.0 * rows + 0.35)
    empty.remove()
    grid = figure.add_gridspec(rows, columns + 2, width_ratios=[1.5, 1.9, *[1] * columns])
    original, text = figure.add_subplot(grid[:, 0]), figure.add_subplot(grid[:, 1])
    original.imshow(image, cmap="gray_r", **_brightness(image))
    original.set_title("the image", fontsize=9)
    for line, (name, value) in enumerate(words.items()):
        y = 0.92 - line / max(4, len(words))
        text.text(0, y, name, fontsize=9, fontweight="bold", va="top", color=INK)
        text.text(0, y - 0.085, value, fontsize=9, va="top", color=INK)
    text.set_title("the recipe", fontsize=9, loc="left")
    axes = [original, text]
    for index in range(rows * columns):
        ax = figure.add_subplot(grid[index // columns, 2 + index % columns])
        if index < len(samples):
            sample = plain(samples[index])
            ax.imshow(sample, cmap="gray_r", **_brightness(sample))
        axes.append(ax)
    text.axis("off")
    for ax in axes:  # a frame, because a shift can't be seen without one
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_color("#c8ccd2")
    for ax in axes[2 + len(samples) :]:
        ax.axis("off")
    return np.array(axes, dtype=object)


def _in_words(recipe, side):
    """What a random affine map may do to an image of this side, as a dict of short texts."""
    words = {
        "rotate": f"up to {recipe.degrees:g}° each way",
        "shift": f"up to {recipe.shift * side:.2g} pixels each way",
        "size": f"× {1 - recipe.scale:g} to × {1 + recipe.scale:g}",
        "shear": f"up to {recipe.shear:g} pixels a row",
    }
    if mirrored := getattr(recipe, "mirrored", 0):  # a `MirroredAffine`
        words["mirror"] = f"{mirrored:.0%} of the images"
    return words


def _brightness(image):
    """One scale of brightness for all images of bytes."""
    return {"vmin": 0, "vmax": 255} if image.dtype == np.uint8 else {}


def kernels(weights, captions=None, columns=8, size=1.0):
    """Kernels (N, H, W) as heat maps on one scale: orange above 0, purple below, white at 0."""
    limit = max(float(np.abs(plain(kernel)).max()) for kernel in weights)
    axes = image_grid(weights, captions, columns, size, SIGNED)
    for ax in axes.flat:
        for drawn in ax.images:
            drawn.set_clim(-limit, limit)
    return axes


@own_style()
def confusion(predicted, labels, ax=None, names="0123456789"):
    """The confusion matrix as a heat map; the diagonal is left out of the colour scale."""
    counts = metrics.confusion(predicted, labels, len(names)).cpu().numpy()
    if ax is None:
        _, ax = subplots(1, 1, 5, 4.4)
    mistakes = counts.copy()
    np.fill_diagonal(mistakes, 0)
    ax.imshow(mistakes, cmap="Blues")
    for (row, column), count in np.ndenumerate(counts):
        if count:
            dark = row != column and count > 0.6 * mistakes.max()
            ax.text(
                column, row, count, ha="center", va="center", fontsize=7,
                color="white" if dark else GREY if row == column else "black",
            )  # fmt: skip
    ticks = range(len(names))
    ax.set(xlabel="predicted", ylabel="true", xticks=ticks, yticks=ticks)
    upright = {} if all(len(name) == 1 for name in names) else {"rotation": 90}
    ax.set_xticklabels(list(names), **upright)
    ax.set_yticklabels(list(names))
    return ax
