"""The exercise `flattened-size`: answer, cases, and typical mistakes with their hints."""

from mnist_course.assessment.exercise import Case, Exercise

EXERCISE = Exercise(
    name="flattened-size",
    points=1,
    cases=(
        Case((4, [("conv", 2, 3, 1), ("pool", 2)])),
        Case((28, [("conv", 6, 5, 2), ("pool", 2), ("conv", 16, 5, 0), ("pool", 2)])),
        Case((7, [("conv", 3, 3, 0), ("pool", 2)])),
        Case((9, [("pool", 2), ("conv", 4, 2, 1)])),
        Case((12, [("conv", 4, 5, 1), ("pool", 3), ("conv", 2, 2, 0)])),
        Case((8, [("conv", 5, 4, 2), ("conv", 3, 3, 0)])),
        Case((11, [("pool", 3), ("pool", 2)])),
        Case((6, [])),
    ),
    hints=(
        "Keep two numbers while you go through the layers: the side of the maps, and how many maps "
        "there are. At the start there is one.",
        "A convolution changes both: after it there are as many maps as it has outputs, and the "
        "side follows from the formula of lesson 02. Pooling changes the side alone, by `//`.",
        "At the end each map has side · side numbers, and there are as many maps as the last "
        "convolution left.",
    ),
)


@EXERCISE.answer
def flattened_size(size, layers):
    channels = 1
    for kind, *settings in layers:
        if kind == "conv":
            channels, kernel, padding = settings
            size += 2 * padding - kernel + 1
        else:
            size //= settings[0]
    return channels * size * size


def left(
    size, layers, padded=2, pooled=True, rounded_up=False, plus=1, power=2, last=True, kept=False,
    multiplied=False,
):  # fmt: skip
    """How many numbers are left, with one thing left out or done wrong."""
    channels = 1
    for kind, *settings in layers:
        if kind == "conv":
            outputs, kernel, padding = settings
            channels = channels * outputs if multiplied else outputs
            if not kept:
                size += padded * padding - kernel + plus
        elif pooled:
            size = (size + (settings[0] - 1 if rounded_up else 0)) // settings[0]
    return (channels if last else 1) * size**power


def mistake(name, hint, **done):
    EXERCISE.mistake(name, hint)(lambda size, layers: left(size, layers, **done))


mistake(
    "one map", "That is one map. All maps enter the fully connected layer, so multiply by their "
    "number.", last=False,
)  # fmt: skip
mistake(
    "side not squared", "A map has side · side numbers, because it has as many columns as rows.",
    power=1,
)  # fmt: skip
mistake(
    "padding ignored", "You do not use the padding. It makes the maps larger, on both sides.",
    padded=0,
)  # fmt: skip
mistake("padding on one side", "Padding puts zeros on both sides, so it counts twice.", padded=1)
mistake("+ 1 forgotten", "After a convolution the side comes out one too small. Look at the end of "
        "the formula.", plus=0)  # fmt: skip
mistake("pooling ignored", "Pooling makes the maps smaller: their side is divided by the window.",
        pooled=False)  # fmt: skip
mistake("pooling rounded up", "You round up after pooling. But an odd last row or column is "
        "dropped.", rounded_up=True)  # fmt: skip
mistake("convolution keeps the side", "A convolution changes the side, too, unless its padding is "
        "just right. Use the formula for each one.", kept=True)  # fmt: skip
mistake("channels multiplied", "You multiply the channels of all convolutions. But after a "
        "convolution there are as many maps as it has outputs, however many came in.",
        multiplied=True)  # fmt: skip
EXERCISE.mistake(
    "the last layer alone",
    "Each layer starts from the side that the layer before it left, not from the image.",
)(lambda size, layers: flattened_size(size, layers[-1:]))
EXERCISE.mistake(
    "the first layer alone", "That is what the first layer leaves. Is there a `return` in the loop?"
)(lambda size, layers: flattened_size(size, layers[:1]))
EXERCISE.mistake("the side alone", "That is the side of the last maps. How many numbers are in all "
                 "of them together?")(
    lambda size, layers: left(size, layers, power=1, last=False)
)  # fmt: skip
EXERCISE.mistake(
    "channels squared", "You square the number of maps as well. Only the side is squared."
)(lambda size, layers: left(size, layers, power=1) ** 2)


@EXERCISE.mistake(
    "shape instead of count",
    "You return the shape of the maps. The question is how many numbers they hold together.",
)
def _(size, layers):
    side = left(size, layers, power=1, last=False)
    return [left(size, layers, power=0), side, side]
