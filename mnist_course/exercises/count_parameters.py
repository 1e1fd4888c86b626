"""The exercise `count-parameters`: answer, cases, and typical mistakes with their hints."""

from mnist_course.assessment.exercise import Case, Exercise


def _counted(
    size, layers, bias=1, pooled=True, padded=2, inputs=True, flat=True, linear=True, power=2,
    grown=True, chained=True, side_power=2, rounded_up=False,
):  # fmt: skip
    """The number of parameters, with one thing left out."""
    channels, total = 1, 0
    for kind, *settings in layers:
        if kind == "conv":
            outputs, kernel, padding = settings
            total += outputs * (channels if inputs else 1) * kernel**power + bias * outputs
            size, channels = size + padding * padded - kernel + 1, outputs if grown else 1
        elif kind == "pool":
            left_over = settings[0] - 1 if rounded_up else 0
            size = (size + left_over) // settings[0] if pooled else size
        else:
            outputs = settings[0]
            area = size**side_power if flat else 1
            total += linear * (outputs * channels * area + bias * outputs)
            if chained:
                size, channels = 1, outputs
    return total


EXERCISE = Exercise(
    name="count-parameters",
    points=2,
    cases=(
        Case((8, [("conv", 2, 3, 0), ("pool", 2), ("linear", 10)])),
        Case((7, [("conv", 3, 3, 1), ("pool", 2), ("conv", 4, 2, 0), ("linear", 5)])),
        Case((4, [("linear", 3), ("linear", 2)])),
        Case(
            (
                12,
                [("conv", 4, 5, 2), ("pool", 3), ("conv", 2, 3, 1), ("linear", 6), ("linear", 10)],
            )
        ),
        Case((28, [("conv", 8, 3, 1), ("pool", 2), ("conv", 16, 3, 1), ("linear", 10)])),
    ),
    hints=(
        "Go through the layers as [section](#parameters) does, and keep three "
        "numbers: the side of the maps, how many maps there are, and the sum so far.",
        "A convolution changes side and channels, pooling the side alone. After a fully connected "
        "layer there are as many channels as it has outputs, and the side is 1.",
        "A fully connected layer has channels · side · side inputs. After a convolution with "
        "stride 1 the side is side + 2 · padding − kernel + 1.",
    ),
)


@EXERCISE.answer
def count_parameters(size, layers):
    channels, total = 1, 0
    for kind, *numbers_of_layer in layers:
        if kind == "conv":
            outputs, kernel, padding = numbers_of_layer
            total += outputs * channels * kernel * kernel + outputs
            size, channels = size + 2 * padding - kernel + 1, outputs
        elif kind == "pool":
            size //= numbers_of_layer[0]
        else:
            outputs = numbers_of_layer[0]
            total += outputs * channels * size * size + outputs
            size, channels = 1, outputs
    return total


@EXERCISE.mistake("no biases", "The biases are missing: one for each output.")
def _(size, layers):
    return _counted(size, layers, bias=0)


@EXERCISE.mistake(
    "a bias for each input channel",
    "A convolution has one bias for each output channel, however many input channels there are.",
)
def _(size, layers):
    channels, total = 1, 0
    for kind, *settings in layers:
        if kind == "conv":
            outputs, kernel, padding = settings
            total += outputs * channels * (kernel * kernel + 1)
            size, channels = size + 2 * padding - kernel + 1, outputs
        elif kind == "pool":
            size //= settings[0]
        else:
            total += settings[0] * channels * size * size + settings[0]
            size, channels = 1, settings[0]
    return total


@EXERCISE.mistake(
    "pooling ignored",
    "Pooling has no parameters, but it makes the maps smaller. The fully connected layer "
    "after it has fewer inputs.",
)
def _(size, layers):
    return _counted(size, layers, pooled=False)


@EXERCISE.mistake(
    "padding ignored",
    "The padding is not used: it makes the maps larger, and so the inputs of the first "
    "fully connected layer more.",
)
def _(size, layers):
    return _counted(size, layers, padded=0)


@EXERCISE.mistake(
    "one input channel",
    "Each convolution is counted with one input channel. It has as many as the layer "
    "before it has outputs.",
)
def _(size, layers):
    return _counted(size, layers, inputs=False)


@EXERCISE.mistake(
    "not flattened",
    "The first fully connected layer joins every number of every map, not just one for "
    "each channel.",
)
def _(size, layers):
    return _counted(size, layers, flat=False)


@EXERCISE.mistake(
    "convolutions alone", "The fully connected layers are missing: most parameters are in them."
)
def _(size, layers):
    return _counted(size, layers, linear=False)


@EXERCISE.mistake("the last layer alone", "That is the last layer alone. Add the layers up.")
def _(size, layers):
    return count_parameters(size, layers) - count_parameters(size, layers[:-1])


@EXERCISE.mistake(
    "the first layer alone", "That is the first layer alone. Is there a `return` inside the loop?"
)
def _(size, layers):
    return count_parameters(size, layers[:1])


@EXERCISE.mistake("padding on one side", "Padding puts zeros on both sides, so it counts twice.")
def _(size, layers):
    return _counted(size, layers, padded=1)


@EXERCISE.mistake(
    "one bias a layer", "You count one bias for each layer. Each output of a layer has one."
)
def _(size, layers):
    return _counted(size, layers, bias=0) + sum(layer[0] != "pool" for layer in layers)


@EXERCISE.mistake(
    "kernel not squared", "A kernel of 5 has 5 × 5 weights for each input channel, not 5."
)
def _(size, layers):
    return _counted(size, layers, power=1)


@EXERCISE.mistake(
    "every fully connected layer at the image",
    "Each fully connected layer is counted with the inputs of the first. After it there "
    "are as many inputs as it has outputs.",
)
def _(size, layers):
    return _counted(size, layers, chained=False)


@EXERCISE.mistake(
    "one channel throughout",
    "Every layer is counted as if one channel came in. A convolution leaves as many as it "
    "has outputs, for the convolutions and for the fully connected layer after it.",
)
def _(size, layers):
    return _counted(size, layers, grown=False)


@EXERCISE.mistake(
    "side not squared",
    "A map has side × side numbers, and all of them enter the fully connected layer. You "
    "count one side alone.",
)
def _(size, layers):
    return _counted(size, layers, side_power=1)


@EXERCISE.mistake(
    "pooling rounded up", "You round up after pooling. An odd last row or column is dropped."
)
def _(size, layers):
    return _counted(size, layers, rounded_up=True)


@EXERCISE.mistake("fully connected layers alone", "The convolutions are missing.")
def _(size, layers):
    return count_parameters(size, layers) - _counted(size, layers, linear=False)
