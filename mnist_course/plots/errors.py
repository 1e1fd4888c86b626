"""How far a network's confidence can be trusted, as a picture."""

import numpy as np
from matplotlib import ticker

from mnist_course import metrics
from mnist_course.plots.style import COLOURS, GREY, open_frame, own_style, subplots, values

MARKS = "os^D"


@own_style()
def reliability(series, labels, bins=10, ax=None, title=""):
    """Reliability diagram: accuracy against confidence, bin by bin.

    series: a dict from name to probabilities (N, K); labels: (N,). A bar is the 95 % interval of a
    bin's accuracy. On the dotted line confidence and accuracy are equal; below it the network is
    too sure. Raises ValueError for logits, as `metrics.calibration` does.
    """
    if ax is None:
        _, ax = subplots(width=5.0, height=4.0)
    ax.plot([0, 1], [0, 1], linestyle=":", color=GREY, label="confidence = accuracy")
    for place, (name, probabilities) in enumerate(series.items()):
        found = metrics.calibration(probabilities, labels, bins)
        confidence, accuracy, count = (values(one) for one in found)
        there = count > 0
        confidence, accuracy, count = (one[there] for one in (confidence, accuracy, count))
        low, high = np.transpose(
            [
                metrics.interval(round(share * images), int(images))
                for share, images in zip(accuracy, count, strict=True)
            ]
        )
        spread = [np.clip(accuracy - low, 0, None), np.clip(high - accuracy, 0, None)]
        ax.errorbar(
            confidence, accuracy, spread, label=name, color=COLOURS[place % len(COLOURS)],
            marker=MARKS[place % len(MARKS)], markersize=5, capsize=3, linewidth=1.2,
        )  # fmt: skip
    ax.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1.02), ylim=(0, 1.05), title=title)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(ticker.PercentFormatter(1, decimals=0))
    ax.legend(fontsize=8, frameon=False, loc="lower right")
    open_frame(ax)
    return ax
