"""Softmax bars: from logits to probabilities, and what a label then costs."""

import math

from mnist_course.widgets import pixels
from mnist_course.widgets.controls import dropdown, rows, slider
from mnist_course.widgets.explorer import Explorer, ExplorerError
from mnist_course.widgets.picture import Picture

CLASSES = 4
START = (2.0, 1.0, 0.5, -1.0)
LIMIT = 6.0  # the largest amount of a logit
WIDTH, HEIGHT = 820, 300
TOP, STEP, BAR = 62, 46, 22  # where the rows begin, how far apart they are, how high a bar is
LOGITS, POWERS, BARS = (70, 170), (290, 150), (500, 240)  # x and width of the three columns


def softmax(logits):
    """Powers of e and their shares of the sum: two lists of floats, as long as `logits`."""
    powers = [math.exp(logit) for logit in logits]
    return powers, [power / sum(powers) for power in powers]


def softmax_picture(logits=START, label=0):
    """Logits, their powers of e, the probabilities, and the loss −ln p of the label. A `Picture`.

    logits: CLASSES numbers of at most ±LIMIT; label: 0 to CLASSES − 1. Raises ExplorerError for
    anything outside.
    """
    if len(logits) != CLASSES:
        raise ExplorerError(f"expected {CLASSES} logits, got {len(logits)}")
    for number, logit in enumerate(logits):
        pixels.check_range(f"logit {number}", logit, -LIMIT, LIMIT)
    pixels.check_whole("label", label, 0, CLASSES - 1)
    powers, shares = softmax(logits)
    sheet = pixels.Sheet(WIDTH, HEIGHT)
    titles = (("logit z", "", LOGITS), ("e to the power z", "never below 0", POWERS),
              ("probability p", "share of the sum", BARS))  # fmt: skip
    for title, below, (x, _) in titles:
        sheet.text(x, 6, title, bold=True)
        sheet.text(x, 24, below, 11, pixels.SOFT)
    for number, row in enumerate(zip(logits, powers, shares, strict=True)):
        _draw_row(sheet, number, row, max(powers), number == label)
    bottom = TOP + CLASSES * STEP + 4
    sheet.text(POWERS[0], bottom, f"sum {sum(powers):.2f}", 12, pixels.SOFT)
    loss = -math.log(shares[label])
    sheet.text(BARS[0], bottom, f"loss = −ln {shares[label]:.3f} = {loss:.3f}", 15, bold=True)
    return Picture(sheet, _describe(logits, powers, shares, label))


def _draw_row(sheet, number, row, largest, right):
    """One class: its logit from the middle to both sides, its power, its probability."""
    logit, power, share = row
    y = TOP + STEP * number
    colour = pixels.MARK if right else pixels.SOFT
    name = f"class {number}" + " ●" * right
    sheet.text(8, y + BAR // 2, name, 12, anchor="lm", bold=right)
    x, width = LOGITS
    middle, length = x + width // 2, round(abs(logit) / LIMIT * width / 2)
    left, tint = (middle, "positive") if logit >= 0 else (middle - length, "negative")
    sheet.fill(left, y, length, BAR, tint)
    sheet.line([(middle, y - 6), (middle, y + BAR + 6)], pixels.LINE, 1)
    sheet.text(x + width + 10, y + BAR // 2, pixels.number(logit, 1), 12, anchor="lm")
    for (x, width), part, text in (
        (POWERS, power / largest, f"{power:.2f}"), (BARS, share, f"{share:.1%}")
    ):  # fmt: skip
        sheet.fill(x, y, width, BAR, pixels.SURFACE)
        sheet.fill(x, y, round(part * width), BAR, colour)
        sheet.text(x + width + 8, y + BAR // 2, text, 12, anchor="lm", bold=right)


def _describe(logits, powers, shares, label):
    best = max(range(CLASSES), key=logits.__getitem__)
    share, loss = shares[label], -math.log(shares[label])
    text = (
        f"The label is class {label}. Its share of the sum is {powers[label]:.2f} / "
        f"{sum(powers):.2f} = {share:.1%}, so the loss is −ln {share:.3f} = {loss:.3f}. "
    )
    if best != label:
        return text + (
            f"Class {best} has the largest logit, so the network is wrong, and that makes the loss "
            "large."
        )
    if share > 0.9:
        return text + "The network is right and sure, so there is little left to learn from here."
    return text + "The network is right, but the larger the label's lead, the smaller the loss."


def softmax_explorer():
    """An explorer: four logits to move, and the probabilities and the loss that follow."""
    logits = {
        f"logit_{number}": slider(f"Logit {number}", value, -LIMIT, LIMIT, 0.1, "before softmax")
        for number, value in enumerate(START)
    }
    label = dropdown("Label", range(CLASSES), help="the class of the image")

    def draw(label, **logits):
        return softmax_picture(list(logits.values()), label)

    controls = {**logits, "label": label}
    named = list(logits.values())
    arrangement = rows(named[:2], named[2:], (label,))
    return Explorer(draw, controls, "From logits to the loss", arrangement, ahead=tuple(logits))
