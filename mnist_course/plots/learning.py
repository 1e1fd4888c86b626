"""What is learned and how: the loss, its slope, steps, batch norm, learning rates."""

import math

import numpy as np
from matplotlib import ticker

from mnist_course.plots.charts import bars, lines
from mnist_course.plots.style import (
    BLUE,
    COLOURS,
    GREY,
    INK,
    ORANGE,
    RED,
    open_frame,
    own_style,
    subplots,
    values,
)  # fmt: skip

FAR = 1e6  # steps that have gone further than this are not followed


@own_style()
def softmax_and_loss(logits, label, names="0123456789"):
    """From logits to the loss: the logits, their softmax as bars, and the curve −ln p.

    logits: (K,); label: the right class, whose bars are orange. Three axes. Raises ValueError
    unless label is one of the classes.
    """
    logits = values(logits)
    if not 0 <= label < len(logits):
        raise ValueError(f"label {label} is none of the classes 0 to {len(logits) - 1}")
    powers = np.exp(logits - logits.max())  # softmax stays the same when all logits move
    probabilities = powers / powers.sum()
    right = probabilities[label]
    loss = math.log(powers.sum()) + logits.max() - logits[label]  # also where p rounds to 0
    colours = [ORANGE if index == label else BLUE for index in range(len(logits))]
    _, axes = subplots(1, 3, 10, 2.8)
    classes = list(names)[: len(logits)]
    for ax, heights, title in (
        (axes[0], logits, "logits: any numbers"),
        (axes[1], probabilities, "softmax: probabilities, sum 1"),
    ):
        bars(heights, classes, ax, colour=colours, xlabel="class", title=title)
        for text, height in zip(ax.texts, heights, strict=True):
            text.set_text(f"{height:z.2f}")
        ax.title.set_fontsize(10)
    axes[0].axhline(0, color=INK, linewidth=0.8)
    axes[1].set_ylim(0, 1.12)
    curve = np.linspace(0.005, 1, 400)
    axes[2].plot(curve, -np.log(curve), color=GREY)
    axes[2].plot(right, loss, "o", color=ORANGE, markersize=8, zorder=3)
    axes[2].vlines(right, 0, loss, color=ORANGE, linestyle=":")
    axes[2].annotate(
        f"p = {right:.2f}\nloss = {loss:.2f}", (right, loss), (-14 if right > 0.7 else 14, 14),
        textcoords="offset points", fontsize=9, ha="right" if right > 0.7 else "left",
    )  # fmt: skip
    axes[2].set(xlabel="p, the probability of the right class", ylabel="−ln p", xlim=(0, 1.02))
    axes[2].set_ylim(0, max(5.3, 1.15 * loss))
    axes[2].set_title("cross-entropy: the loss", fontsize=10)
    open_frame(axes[2])
    return axes


def slope_at(loss, weight):
    """The slope of a function of one number, by a small step to each side."""
    step = 1e-4
    return (float(loss(weight + step)) - float(loss(weight - step))) / (2 * step)


@own_style()
def descent(loss, start, learning_rate, steps=6, limits=None):
    """The loss against one weight: its slope at the start, and steps of gradient descent.

    loss: a function from a number to a number; start: the first weight; limits: lowest and highest
    weight shown, by default those that the steps reach and a little more. Two axes: the tangent
    with its triangle, the steps. Steps that leave the axes are not shown.
    """
    path = [float(start)]
    while len(path) <= steps and abs(path[-1] - path[0]) < FAR:
        path.append(path[-1] - learning_rate * slope_at(loss, path[-1]))
    if limits is None:
        room = (max(path) - min(path)) / 2 or 1.0
        limits = min(path) - room, max(path) + room
    weights = np.linspace(limits[0], limits[1], 300)
    curve = np.array([float(loss(weight)) for weight in weights])
    room = curve.max() - curve.min()
    _, axes = subplots(1, 2, 9, 3.2, sharey=True)
    for ax in axes:
        ax.plot(weights, curve, color=GREY, linewidth=2)
        ax.set(xlabel="weight", xlim=limits, ylim=(curve.min() - 0.1 * room, curve.max()))
        open_frame(ax)
    axes[0].set_ylabel("loss")
    _draw_tangent(axes[0], loss, path[0], (limits[1] - limits[0]) / 4, room / 2)
    _draw_steps(axes[1], path, [float(loss(weight)) for weight in path])
    axes[1].set_title(f"steps with the learning rate {learning_rate:g}", fontsize=10)
    return axes


def _draw_steps(ax, path, losses):
    """Numbered dots with arrows between them, as far as they lie within the axes."""
    (low, high), highest = ax.get_xlim(), ax.get_ylim()[1]
    points = list(zip(path, losses, strict=True))
    inside = [low <= weight <= high and loss <= highest for weight, loss in points]
    labelled = -math.inf  # steps that lie close together share one number
    for index, point in enumerate(points):
        if not inside[index]:
            continue
        ax.plot(*point, "o", color=BLUE, markersize=6, zorder=3)
        if abs(point[0] - labelled) > (high - low) / 40:
            labelled = point[0]
            ax.annotate(
                str(index), point, (0, 7), textcoords="offset points", fontsize=8, ha="center",
                color=BLUE,
            )  # fmt: skip
        if index and inside[index - 1]:
            arrow = {"arrowstyle": "->", "color": BLUE, "shrinkA": 4, "shrinkB": 4}
            ax.annotate("", point, points[index - 1], arrowprops=arrow)


def _draw_tangent(ax, loss, weight, wide, high):
    """The tangent at a weight, and the triangle by which its slope is read off.

    wide, high: how large the triangle may be; its width is one of …, 0.1, 0.2, 0.5, 1, 2, ….
    """
    slope, height = slope_at(loss, weight), float(loss(weight))
    widest = min(wide, high / abs(slope)) if slope else wide
    power = 10 ** math.floor(math.log10(widest))
    run = max(factor * power for factor in (1, 2, 5) if factor * power <= widest)
    ends = np.array([weight - run, weight + run])
    ax.plot(ends, height + slope * (ends - weight), color=ORANGE, linewidth=2)
    ax.plot([weight, weight + run], [height, height], color=ORANGE, linestyle=":")
    ax.plot([weight + run] * 2, [height, height + slope * run], color=ORANGE, linestyle=":")
    ax.plot(weight, height, "o", color=BLUE, markersize=7, zorder=3)
    above = slope <= 0
    ax.annotate(
        f"{run:g} to the right", (weight, height), (8, 4 if above else -4),
        textcoords="offset points", fontsize=8, va="bottom" if above else "top",
    )  # fmt: skip
    ax.annotate(
        f"{slope * run:+.2f}".replace("-", "−"), (weight + run, height + slope * run / 2), (5, 0),
        textcoords="offset points", fontsize=8, va="center",
    )  # fmt: skip
    title = f"slope at weight {weight:g}: {slope * run:z.2f} / {run:g} = {slope:z.2f}"
    ax.set_title(title.replace("-", "−"), fontsize=10)


@own_style()
def batch_norm(before, after, channels=3):
    """What batch norm does to some channels: their numbers before and after, as histograms.

    before, after: (N, C, H, W) or (N, C), what enters and what leaves the layer; channels: how
    many, from the first. Two axes, with mean and deviation of each channel.
    """
    _, axes = subplots(1, 2, 9, 3.0, sharex=True)
    for ax, array, title in zip(
        axes, (before, after), ("before batch norm", "after batch norm"), strict=True
    ):
        array = values(array)
        array = array.reshape(*array.shape[:2], -1)
        shown = [array[:, index].ravel() for index in range(min(channels, array.shape[1]))]
        edges = np.histogram_bin_edges(np.concatenate(shown), 60)
        for index, numbers in enumerate(shown):
            colour = COLOURS[index % len(COLOURS)]
            label = f"channel {index}: mean {numbers.mean():z.2f}, deviation {numbers.std():.2f}"
            ax.hist(numbers, edges, color=colour, alpha=0.2)
            ax.hist(
                numbers, edges, histtype="step", color=colour, linewidth=1.8, label=label,
                linestyle=("-", "--", ":", "-.")[index % 4],
            )  # fmt: skip
        ax.set(xlabel="value", title=title, yticks=[])
        ax.spines[["left", "top", "right"]].set_visible(False)
        ax.set_ylim(0, 1.45 * ax.get_ylim()[1])  # room for the legend
        ax.legend(fontsize=8, frameon=False, loc="upper right")
    axes[0].set_ylabel("how many numbers")
    return axes


@own_style()
def rate_search(rates, losses, chosen=None, ax=None, title="", ylabel="loss after training"):
    """The loss that each learning rate ends with: a dot a run, and a line through the medians.

    rates: (R,); losses: (R, runs), where nan is a run that diverged: a red cross at the top;
    chosen: the rate that was taken. The line of ln 10, where nothing is learned, is drawn when a
    loss is above half of it.
    """
    if ax is None:
        _, ax = subplots(1, 1, 6, 3.2)
    rates, losses = values(rates), values(losses)
    if losses.ndim != 2 or len(losses) != len(rates):
        raise ValueError(f"{len(rates)} rates need losses ({len(rates)}, runs), got {losses.shape}")
    finite = np.where(np.isfinite(losses), losses, np.nan)
    whole = ~np.isnan(finite).any(axis=1)
    ax.plot(rates[whole], np.median(finite[whole], axis=1), color=BLUE, linewidth=1.8)
    for one in finite.T:
        ax.plot(rates, one, "o", color=BLUE, markersize=4, alpha=0.6)
    ax.set_xscale("log")
    diverged = rates[np.isnan(finite).any(axis=1)]
    top = 1.06 * max([0, *finite[~np.isnan(finite)]])
    if len(diverged) or top > math.log(10) / 2:  # otherwise small differences would be flat
        top = max(top, 1.06 * math.log(10))
        ax.axhline(math.log(10), color=RED, linestyle="--", linewidth=1)
        ax.text(
            rates.min(), math.log(10), " ln 10: nothing learned ", fontsize=8, color=RED,
            va="bottom",
        )  # fmt: skip
    ax.set_ylim(0, 1.08 * top)
    if len(diverged):
        ax.plot(diverged, [top] * len(diverged), "x", color=RED, markersize=8, label="diverged")
    if chosen is not None:
        ax.axvline(chosen, color=ORANGE, linewidth=6, alpha=0.3, label=f"chosen: {chosen:g}")
    if ax.get_legend_handles_labels()[0]:
        ax.legend(fontsize=8, frameon=False, loc="center left")
    ax.xaxis.set_major_locator(ticker.FixedLocator(rates))
    ax.xaxis.set_major_formatter(ticker.FuncFormatter(lambda rate, _: f"{rate:g}"))
    ax.xaxis.set_minor_locator(ticker.NullLocator())
    ax.set(xlabel="learning rate", ylabel=ylabel, title=title)
    open_frame(ax)
    return ax


@own_style()
def spread_lines(series, x=None, xlabel="", ylabel="", title="", ax=None, percent=False):
    """Named lines through the means of several runs, with bars of one standard deviation.

    series: a dict from label to (runs, points), two runs at least; percent: values in 0..1 are
    written in per cent.
    """
    means = {label: values(runs).mean(axis=0) for label, runs in series.items()}
    ax = lines(means, ax, x=x, xlabel=xlabel, ylabel=ylabel, title=title)
    for line, runs in zip(list(ax.lines)[-len(series) :], series.values(), strict=True):
        deviations = values(runs).std(axis=0, ddof=1)
        ax.errorbar(
            line.get_xdata(), line.get_ydata(), yerr=deviations, fmt="none", capsize=4,
            ecolor=line.get_color(),
        )  # fmt: skip
    if percent:
        ax.yaxis.set_major_formatter(ticker.PercentFormatter(1, decimals=None))
    ax.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    return ax


@own_style()
def compare_runs(runs, names, training=True, accuracy_from=None):
    """Loss and accuracy of several networks over epochs: the mean of their seeds, and the range.

    runs: a list of dicts as in the stored results, with `name`, `train_loss`, `validation_loss`
    and the like, epoch by epoch; names: a dict from name to label; training: also draw what was
    measured while training, dashed; accuracy_from: where the axis of accuracy begins. The axis of
    loss is logarithmic, so that small losses can be told apart. Where some runs of a name stopped
    early, only the epochs that all of them have are drawn. Raises ValueError for a name without
    runs.
    """
    _, axes = subplots(1, 2, 10, 3.4)
    for index, (name, label) in enumerate(names.items()):
        mine = [run for run in runs if run["name"] == name]
        if not mine:
            known = ", ".join(sorted({run["name"] for run in runs}))
            raise ValueError(f"no runs named {name!r}; there are {known}")
        colour = COLOURS[index % len(COLOURS)]
        for ax, quantity in zip(axes, ("loss", "accuracy"), strict=True):
            epochs = min(len(run[f"validation_{quantity}"]) for run in mine)
            x = np.arange(1, epochs + 1)
            curves = np.array([run[f"validation_{quantity}"][:epochs] for run in mine])
            ax.fill_between(x, curves.min(0), curves.max(0), color=colour, alpha=0.2, linewidth=0)
            ax.plot(x, curves.mean(0), color=colour, linewidth=1.8, label=label)
            if training:
                learned = np.array([run[f"train_{quantity}"][:epochs] for run in mine])
                ax.plot(x, learned.mean(0), "--", color=colour, linewidth=1.2)
    if training:
        axes[0].plot([], [], "--", color=GREY, label="dashed: training")
    for ax, quantity in zip(axes, ("loss", "accuracy"), strict=True):
        ax.set(xlabel="epoch", title=f"{quantity} on validation")
        ax.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
        open_frame(ax)
    axes[0].set_yscale("log")
    axes[0].yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axes[0].yaxis.set_major_formatter(ticker.FuncFormatter(lambda loss, _: f"{loss:g}"))
    axes[0].yaxis.set_minor_locator(ticker.NullLocator())
    axes[1].set_ylim(bottom=accuracy_from)
    axes[1].yaxis.set_major_formatter(ticker.PercentFormatter(1, decimals=None))
    axes[0].legend(fontsize=8, frameon=False, loc="upper right")
    return axes
