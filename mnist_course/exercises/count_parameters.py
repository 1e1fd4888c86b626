"""The exercise `count-parameters`: answer, cases, and typical mistakes with their hints."""

from mnist_course.assessment.exercise import Case, Exercise

EXERCISE = Exercise(
    name="count-parameters",
    points=2,
    cases=(
        Case((4, [("conv", 2, 3, 1), ("pool", 2), ("linear", 3)])),
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
        Case((6, [("conv", 2, 5, 1), ("conv", 3, 4, 2), ("linear", 2)])),
        Case((5, [("conv", 3, 2, 0)])),
        Case((16, [("conv", 2, 3, 1), ("pool", 2), ("conv", 3, 3, 0), ("pool", 2), ("linear", 4)])),
    ),
    hints=(
        "Go through the layers as [section](#parameters) does, and keep three numbers: the side "
        "of the maps, how many maps there are, and the sum so far.",
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


def counted(
    size, layers, bias=1, pooled=True, padded=2, inputs=True, flat=True, linear=True, power=2,
    grown=True, chained=True, side_power=2, rounded_up=False, kept=False, channel_bias=False,
):  # fmt: skip
    """The number of parameters, with one thing left out or done wrong."""
    channels, total = 1, 0
    for kind, *settings in layers:
        if kind == "conv":
            outputs, kernel, padding = settings
            total += outputs * (channels if inputs else 1) * kernel**power + bias * outputs * (
                channels if channel_bias else 1
            )
            if not (kept and padding):
                size += padding * padded - kernel + 1
            channels = outputs if grown else 1
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


EXERCISE.mistake("no biases", "The biases are missing. Each output has one.")(
    lambda size, layers: counted(size, layers, bias=0)
)
EXERCISE.mistake(
    "a bias for each input channel",
    "A convolution has one bias for each output channel, however many input channels there are.",
)(lambda size, layers: counted(size, layers, channel_bias=True))
EXERCISE.mistake(
    "padding keeps the side",
    "You take it that a padded convolution keeps the side. That depends on kernel and padding: "
    "the formula of the output size tells.",
)(lambda size, layers: counted(size, layers, kept=True))
EXERCISE.mistake(
    "pooling ignored",
    "Pooling has no parameters, but it makes the maps smaller, so the fully connected layer after "
    "it has fewer inputs.",
)(lambda size, layers: counted(size, layers, pooled=False))
EXERCISE.mistake(
    "padding ignored",
    "You do not use the padding. It makes the maps larger, so the first fully connected layer has "
    "more inputs.",
)(lambda size, layers: counted(size, layers, padded=0))
EXERCISE.mistake(
    "one input channel",
    "You count each convolution with one input channel. It has as many as the layer before it has "
    "outputs.",
)(lambda size, layers: counted(size, layers, inputs=False))
EXERCISE.mistake(
    "not flattened",
    "The first fully connected layer sees every number of every map, not just one for each "
    "channel.",
)(lambda size, layers: counted(size, layers, flat=False))
EXERCISE.mistake(
    "convolutions alone", "The fully connected layers are missing, and most parameters are in them."
)(lambda size, layers: counted(size, layers, linear=False))
EXERCISE.mistake("the last layer alone", "That is the last layer alone. Add the layers up.")(
    lambda size, layers: count_parameters(size, layers) - count_parameters(size, layers[:-1])
)
EXERCISE.mistake(
    "the first layer alone", "That is the first layer alone. Is there a `return` inside the loop?"
)(lambda size, layers: count_parameters(size, layers[:1]))
EXERCISE.mistake("padding on one side", "Padding puts zeros on both sides, so it counts twice.")(
    lambda size, layers: counted(size, layers, padded=1)
)
EXERCISE.mistake(
    "one bias a layer", "You count one bias for each layer. But each output of a layer has one."
)(lambda size, layers: counted(size, layers, bias=0) + sum(layer[0] != "pool" for layer in layers))
EXERCISE.mistake(
    "kernel not squared", "A kernel of 5 has 5 × 5 weights for each input channel, not 5."
)(lambda size, layers: counted(size, layers, power=1))
EXERCISE.mistake(
    "every fully connected layer at the image",
    "You count each fully connected layer with the inputs of the first. But the next one has as "
    "many inputs as the layer before it has outputs.",
)(lambda size, layers: counted(size, layers, chained=False))
EXERCISE.mistake(
    "one channel throughout",
    "You count every layer as if one channel came in. But a convolution leaves as many channels "
    "as it has outputs, for the next convolution and for the fully connected layer.",
)(lambda size, layers: counted(size, layers, grown=False))
EXERCISE.mistake(
    "side not squared",
    "A map has side × side numbers, and all of them enter the fully connected layer. You count "
    "only one side.",
)(lambda size, layers: counted(size, layers, side_power=1))
EXERCISE.mistake(
    "pooling rounded up", "You round up after pooling. But an odd last row or column is dropped."
)(lambda size, layers: counted(size, layers, rounded_up=True))
EXERCISE.mistake("fully connected layers alone", "The convolutions are missing.")(
    lambda size, layers: count_parameters(size, layers) - counted(size, layers, linear=False)
)
