"""The exercises of lesson 05."""

import contextlib
import math

import torch
from torch import nn
from torch.nn import functional as F

from mnist_course.checks.exercise import Case, Exercise, Mistake


def feature_maps(*shape):
    """Numbers without a pattern, none of them 0: float32, the same at each call."""
    count = math.prod(shape)
    return (2 * torch.sin(1.7 * torch.arange(count, dtype=torch.float32) + 1)).reshape(shape)


# --- 05.1 ---------------------------------------------------------------------------------


def padded_shortcut(images, outputs, stride):
    kept = images[:, :, ::stride, ::stride]
    wanted = kept.new_zeros(len(images), outputs, *kept.shape[2:])
    wanted[:, : images.shape[1]] = kept
    return wanted


def filled_up(kept, outputs):
    """Feature maps, followed by channels of zeros."""
    missing = outputs - kept.shape[1]
    return F.pad(kept, (0, 0, 0, 0, 0, missing))


def zeros_on_both_sides(images, outputs, stride):
    missing = outputs - images.shape[1]
    kept = images[:, :, ::stride, ::stride]
    return F.pad(kept, (0, 0, 0, 0, missing // 2, missing - missing // 2))


def channels_repeated(images, outputs, stride):
    index = torch.arange(outputs) % images.shape[1]
    return images[:, index, ::stride, ::stride]


def cropped(images, outputs, stride):
    rows, columns = (math.ceil(size / stride) for size in images.shape[2:])
    return filled_up(images[:, :, :rows, :columns].clone(), outputs)


PADDED_SHORTCUT = Exercise(
    name="padded-shortcut",
    number="05.1",
    title="A shortcut without weights",
    points=2,
    paragraph="2. The block",
    reference=padded_shortcut,
    cases=(
        Case((torch.arange(1.0, 10.0).reshape(1, 1, 3, 3), 2, 2)),
        Case((torch.arange(1.0, 9.0).reshape(1, 2, 2, 2), 3, 1)),
        Case((feature_maps(2, 3, 4, 5), 6, 2), "2 images, 3 channels, 4 x 5; 6 channels, stride 2"),
        Case((feature_maps(1, 2, 7, 4), 5, 3), "1 image, 2 channels, 7 x 4; 5 channels, stride 3"),
        Case((feature_maps(1, 2, 3, 2), 2, 1), "1 image, 2 channels, 3 x 2, nothing to mend"),
    ),
    mistakes=(
        Mistake(
            "zeros in front",
            lambda images, outputs, stride: F.pad(
                images[:, :, ::stride, ::stride], (0, 0, 0, 0, outputs - images.shape[1], 0)
            ),
            "The zeros stand in front. The input's own channels come first.",
        ),
        Mistake(
            "zeros on both sides",
            zeros_on_both_sides,
            "The zeros stand on both sides of the input's own channels. All of them belong behind.",
        ),
        Mistake(
            "channels repeated",
            channels_repeated,
            "The new channels repeat the input's own ones. They shall be zeros.",
        ),
        Mistake(
            "averaged",
            lambda images, outputs, stride: filled_up(
                F.avg_pool2d(images, stride, ceil_mode=True), outputs
            ),
            "Your pixels are means of neighbours, as in average pooling. Here one pixel is taken "
            "as it is, and its neighbours are left out.",
        ),
        Mistake(
            "maximum",
            lambda images, outputs, stride: filled_up(
                F.max_pool2d(images, stride, ceil_mode=True), outputs
            ),
            "Your pixels are the largest of their neighbours, as in max pooling. Here one pixel is "
            "taken as it is, and its neighbours are left out.",
        ),
        Mistake(
            "cropped",
            cropped,
            "You kept the top left corner of each image, without gaps. Take every stride-th row "
            "and column of the whole image.",
        ),
        Mistake(
            "last of each step",
            lambda images, outputs, stride: filled_up(
                images[:, :, stride - 1 :: stride, stride - 1 :: stride], outputs
            ),
            "You begin in the middle of a step. Begin with row 0 and column 0.",
        ),
        Mistake(
            "rows only",
            lambda images, outputs, stride: filled_up(images[:, :, ::stride], outputs),
            "The stride was taken over the rows alone. Columns have it, too.",
        ),
        Mistake(
            "columns only",
            lambda images, outputs, stride: filled_up(images[..., ::stride], outputs),
            "The stride was taken over the columns alone. Rows have it, too.",
        ),
        Mistake(
            "stride ignored",
            lambda images, outputs, stride: filled_up(images, outputs),
            "The zeros are right, but all rows and columns are still there. Take every stride-th.",
        ),
        Mistake(
            "stride fixed",
            lambda images, outputs, stride: filled_up(images[:, :, ::2, ::2], outputs),
            "You take every second row and column, whatever the stride is.",
        ),
        Mistake(
            "zeros forgotten",
            lambda images, outputs, stride: images[:, :, ::stride, ::stride].clone(),
            "Rows and columns are right, but there are too few channels. Add channels of zeros.",
        ),
        Mistake(
            "zeros added to the count",
            lambda images, outputs, stride: filled_up(
                images[:, :, ::stride, ::stride], outputs + images.shape[1]
            ),
            "You added as many channels as there shall be in the end. Some are there already.",
        ),
    ),
    hints=(
        "Two steps: leave out rows and columns, then add channels.",
        "A slice with a step, `row[::2]`, takes every second. It works on each axis of a tensor.",
        "Make a tensor of zeros in the shape that is wanted, and copy what you kept into its first "
        "channels. Or make the missing channels and join both with `torch.cat(..., dim=1)`.",
    ),
)


# --- 05.2 ---------------------------------------------------------------------------------


def receptive_field(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
    return field


def step_too_early(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        step *= stride
        field += (kernel - 1) * step
    return field


def whole_kernels(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        field += kernel * step
        step *= stride
    return field


def strides_added(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step += stride
    return field


def last_stride_alone(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step = stride
    return field


def field_multiplied(layers):
    field = 1
    for kernel, stride in layers:
        field = (field + kernel - 1) * stride
    return field


RECEPTIVE_FIELD = Exercise(
    name="receptive-field",
    number="05.2",
    title="How far does it see?",
    points=1,
    paragraph="3. The network",
    reference=receptive_field,
    cases=(
        Case(([(5, 1), (2, 2)],)),
        Case(([(5, 1), (2, 2), (5, 1)],)),
        Case(([(3, 1), (3, 1), (3, 1)],)),
        Case(([(5, 2), (3, 1), (3, 2), (3, 1)],)),
        Case(([(7, 3), (2, 2), (4, 2), (3, 1)],)),
        Case(([],)),
    ),
    mistakes=(
        Mistake(
            "strides ignored",
            lambda layers: 1 + sum(kernel - 1 for kernel, _ in layers),
            "The strides play no part in yours. After a stride of 2, neighbouring numbers lie 2 "
            "image pixels apart, so the next kernel spans twice as much of the image.",
        ),
        Mistake(
            "step too early",
            step_too_early,
            "A layer's stride was counted for the layer itself. Its kernel still looks at numbers "
            "that lie the *old* step apart; the stride counts for the layers after it.",
        ),
        Mistake(
            "whole kernels",
            whole_kernels,
            "Each layer adds one step too much: a kernel of 3 adds 2 neighbours to the place that "
            "is counted already.",
        ),
        Mistake(
            "strides added",
            strides_added,
            "The strides were added. But steps multiply: 3 after 2 makes 6.",
        ),
        Mistake(
            "last stride alone",
            last_stride_alone,
            "Each stride replaced the step before it. All the strides so far count, multiplied.",
        ),
        Mistake(
            "from output to image",
            lambda layers: receptive_field(layers[::-1]),
            "This is the field of the layers in reverse order. Which end does your loop begin at, "
            "and which end does your formula need?",
        ),
        Mistake(
            "return inside the loop",
            lambda layers: receptive_field(layers[:1]) if layers else None,
            "That is the first layer alone, and for no layers nothing is returned. Is there a "
            "`return` inside the loop?",
        ),
        Mistake(
            "kernel and stride swapped",
            lambda layers: receptive_field([(kernel, stride) for stride, kernel in layers]),
            "Kernel and stride are swapped: a layer is (kernel, stride), in this order.",
        ),
        Mistake(
            "kernels multiplied",
            lambda layers: math.prod(kernel for kernel, _ in layers),
            "The kernels were multiplied. Each layer *adds* to the field: kernel - 1 steps.",
        ),
        Mistake(
            "field multiplied",
            field_multiplied,
            "The whole field was multiplied by the stride. A stride makes the step larger, and so "
            "what the layers *after* it add.",
        ),
        Mistake(
            "kernels added",
            lambda layers: sum(kernel for kernel, _ in layers),
            "The kernel sizes were added. Neighbouring patches overlap, and strides spread them: "
            "each layer adds kernel - 1 steps.",
        ),
        Mistake(
            "starts at 0",
            lambda layers: receptive_field(layers) - 1,
            "One too few: a number sees 1 pixel before the first layer, not 0.",
        ),
        Mistake(
            "the step",
            lambda layers: math.prod(stride for _, stride in layers),
            "That is the step: how far apart neighbouring numbers lie in the image. Asked is how "
            "wide one of them sees.",
        ),
        Mistake(
            "an area",
            lambda layers: receptive_field(layers) ** 2,
            "That is how many pixels there are in the field. Asked is its side.",
        ),
    ),
    hints=(
        "Keep two numbers, `field` and `step`, both 1 at first. Go through the layers in order.",
        "In each layer the field grows by kernel - 1 steps.",
        "After that, and not before, the step is multiplied by the layer's stride.",
    ),
)


# --- 05.3 ---------------------------------------------------------------------------------


def one_cycle(step, steps, peak, warm_up):
    top = warm_up * steps
    if step < top:
        return peak * step / top
    t = (step - top) / (steps - top)
    return peak * (1 + math.cos(math.pi * t)) / 2


def with_fall(fall):
    """A wrong schedule: the right rise, then peak times fall(step, steps, top)."""

    def schedule(step, steps, peak, warm_up):
        top = warm_up * steps
        return peak * step / top if step < top else peak * fall(step, steps, top)

    return schedule


def with_rise(rise):
    """A wrong schedule: peak times rise(step, steps, top), then the right fall."""

    def schedule(step, steps, peak, warm_up):
        top = warm_up * steps
        if step < top:
            return peak * rise(step, steps, top)
        return one_cycle(step, steps, peak, warm_up)

    return schedule


def half_wave(t):
    return (1 + math.cos(math.pi * t)) / 2


ONE_CYCLE_RATE = Exercise(
    name="one-cycle-rate",
    number="05.3",
    title="A cycle of your own",
    points=2,
    paragraph="4. The recipe",
    reference=one_cycle,
    cases=(
        Case((0, 10, 0.4, 0.2)),
        Case((1, 10, 0.4, 0.2)),
        Case((2, 10, 0.4, 0.2)),
        Case((4, 10, 0.4, 0.2)),
        Case((6, 10, 0.4, 0.2)),
        Case((10, 10, 0.4, 0.2)),
        Case((3, 8, 0.02, 0.5)),
        Case((5, 8, 0.02, 0.5)),
        Case((2, 7, 1.0, 0.3)),
        Case((3, 7, 1.0, 0.3)),
    ),
    mistakes=(
        Mistake(
            "straight fall",
            with_fall(lambda step, steps, top: (steps - step) / (steps - top)),
            "The rise is right, but the rate falls on a straight line. It should fall like half a "
            "cosine wave: slowly at first, then faster, then slowly again.",
        ),
        Mistake(
            "t from step 0",
            with_fall(lambda step, steps, top: half_wave(step / steps)),
            "In the fall, t is counted from the first step. It starts with 0 where the warm-up "
            "ends.",
        ),
        Mistake(
            "t over all steps",
            with_fall(lambda step, steps, top: half_wave((step - top) / steps)),
            "In the fall, t does not reach 1 at the last step. Divide by the steps that the fall "
            "has, not by all of them.",
        ),
        Mistake(
            "not halved",
            with_fall(lambda step, steps, top: 2 * half_wave((step - top) / (steps - top))),
            "In the fall the rate is twice as large as it should be: 1 + cos goes from 2 to 0.",
        ),
        Mistake(
            "cosine alone",
            with_fall(lambda step, steps, top: math.cos(math.pi * (step - top) / (steps - top))),
            "The rate becomes negative: a cosine goes from 1 to -1. Lift it by 1 and halve it.",
        ),
        Mistake(
            "quarter of a wave",
            with_fall(
                lambda step, steps, top: math.cos(math.pi / 2 * (step - top) / (steps - top))
            ),
            "This is a quarter of a wave: it ends in a steep fall. Half a wave ends level.",
        ),
        Mistake(
            "π forgotten",
            with_fall(lambda step, steps, top: (1 + math.cos((step - top) / (steps - top))) / 2),
            "In the fall π is missing: `math.cos` takes its angle so that half a wave is π long.",
        ),
        Mistake(
            "degrees",
            with_fall(
                lambda step, steps, top: (1 + math.cos(180 * (step - top) / (steps - top))) / 2
            ),
            "`math.cos` does not count in degrees: half a turn is π, which is `math.pi`.",
        ),
        Mistake(
            "never falls",
            with_fall(lambda step, steps, top: 1.0),
            "After the warm-up your rate stays at its peak. It should fall to 0 by the last step.",
        ),
        Mistake(
            "rises again",
            with_fall(lambda step, steps, top: 1 - half_wave((step - top) / (steps - top))),
            "After the warm-up your rate starts at 0 and rises again. cos 0 is 1: the cosine comes "
            "in with a plus.",
        ),
        Mistake(
            "warm-up rounded",
            lambda step, steps, peak, warm_up: one_cycle(
                step, steps, peak, int(warm_up * steps) / steps
            ),
            "You round the step at which the warm-up ends. It need not be a whole number: 0.3 of "
            "7 steps are 2.1.",
        ),
        Mistake(
            "rise over all steps",
            with_rise(lambda step, steps, top: step / steps),
            "The rise is too slow: it should reach the peak at the end of the warm-up, not at the "
            "end of all steps.",
        ),
        Mistake(
            "brackets forgotten",
            with_fall(lambda step, steps, top: half_wave((step - top) / steps - top)),
            "In the fall, Python divides before it subtracts: `/ steps - top` divides by steps "
            "alone. Brackets: `/ (steps - top)`.",
        ),
        Mistake(
            "peak forgotten",
            lambda step, steps, peak, warm_up: one_cycle(step, steps, 1.0, warm_up),
            "Your rate always rises to 1. Multiply by the peak that is handed in.",
        ),
        Mistake(
            "rise with a cosine",
            with_rise(lambda step, steps, top: (1 - math.cos(math.pi * step / top)) / 2),
            "The fall is right, but your rate rises like a wave too. Here it rises on a straight "
            "line.",
        ),
        Mistake(
            "no rise",
            with_rise(lambda step, steps, top: 1.0),
            "There is no warm-up in yours: the rate is at its peak from the start.",
        ),
        Mistake(
            "one step late",
            lambda step, steps, peak, warm_up: one_cycle(
                min(step + 1, steps), steps, peak, warm_up
            ),
            "Your rate is that of the next step. At step 0 it should be 0.",
        ),
    ),
    hints=(
        "There are two parts. First find the step at which the one ends and the other begins.",
        "The peak is at `top = warm_up * steps`. Before it, which share of the way up has been "
        "gone?",
        "After it, t is (step - top) / (steps - top), and `math.cos(math.pi * t)` goes from 1 to "
        "-1.",
    ),
)


# --- 05.4 ---------------------------------------------------------------------------------


def wilson_interval(correct, total, z=1.96):
    share = correct / total
    d = 1 + z**2 / total
    middle = (share + z**2 / (2 * total)) / d
    half = z / d * math.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def around(middle, half):
    """A wrong interval: middle and half of it as functions of share, total and z."""

    def interval(correct, total, z=1.96):
        values = correct / total, total, z
        return middle(*values) - half(*values), middle(*values) + half(*values)

    return interval


def right_middle(share, total, z):
    return undivided_middle(share, total, z) / (1 + z**2 / total)


def undivided_middle(share, total, z):
    return share + z**2 / (2 * total)


def half_with(last=lambda total, z: z**2 / (4 * total**2), root=math.sqrt, divided=True):
    """A half as a function of share, total and z; `last` stands last under its root."""

    def half(share, total, z):
        d = 1 + z**2 / total if divided else 1
        return z / d * root(share * (1 - share) / total + last(total, z))

    return half


right_half = half_with()


def plain_half(share, total, z):
    return z * math.sqrt(share * (1 - share) / total)


def plain_clipped(correct, total, z=1.96):
    share = correct / total
    half = plain_half(share, total, z)
    return max(0.0, share - half), min(1.0, share + half)


WILSON_INTERVAL = Exercise(
    name="wilson-interval",
    number="05.4",
    title="An honest interval",
    points=2,
    paragraph="6. The seal is broken",
    reference=wilson_interval,
    package=("metrics.interval",),
    cases=(
        Case((100, 100, 1.96)),
        Case((7, 10, 1.96)),
        Case((9, 10, 1.96)),
        Case((0, 5, 1.96)),
        Case((2, 3, 1.0)),
        Case((9_950, 10_000, 1.96)),
        Case((30, 40, 2.576)),
    ),
    tolerance=1e-6,
    mistakes=(
        Mistake(
            "plain interval",
            around(lambda share, total, z: share, plain_half),
            "This is the plain interval, share ± z · root, which is not honest near 0 and 1: for "
            "100 of 100 it has no width.",
        ),
        Mistake(
            "plain interval, cut",
            plain_clipped,
            "This is the plain interval, cut at 0 and 1. For 100 of 100 it still has no width. "
            "Wilson's has another middle, and another half.",
        ),
        Mistake(
            "middle not moved",
            around(lambda share, total, z: share, right_half),
            "The width is right, but the middle is the share itself. Wilson's middle lies nearer "
            "to one half.",
        ),
        Mistake(
            "not divided by d",
            around(undivided_middle, half_with(divided=False)),
            "The division by d is missing, in the middle and in the half.",
        ),
        Mistake(
            "half not divided by d",
            around(right_middle, half_with(divided=False)),
            "The middle is right, but the half has to be divided by d, too.",
        ),
        Mistake(
            "middle not divided by d",
            around(undivided_middle, right_half),
            "The half is right, but the whole middle has to be divided by d, too.",
        ),
        Mistake(
            "root forgotten",
            around(right_middle, half_with(root=float)),
            "The middle is right, but the half lacks its root.",
        ),
        Mistake(
            "n not squared",
            around(right_middle, half_with(last=lambda total, z: z**2 / (4 * total))),
            "The interval is far too wide. Under the root, n is squared in the last part.",
        ),
        Mistake(
            "z not squared",
            around(right_middle, half_with(last=lambda total, z: z / (4 * total**2))),
            "The middle is right. Under the root of the half, z is squared.",
        ),
        Mistake(
            "whole division",
            lambda correct, total, z=1.96: wilson_interval(correct // total * total, total, z),
            "`//` rounds down, so the share is 0 unless all are right. `/` divides.",
        ),
        Mistake(
            "z not squared in d",
            around(
                lambda share, total, z: undivided_middle(share, total, z) / (1 + z / total),
                lambda share, total, z: (
                    right_half(share, total, z) * (1 + z**2 / total) / (1 + z / total)
                ),
            ),
            "In d, z is squared: 1 + z² / n.",
        ),
        Mistake(
            "brackets forgotten in the middle",
            around(
                lambda share, total, z: (share + z**2 / 2 * total) / (1 + z**2 / total), right_half
            ),
            "Python reads `z**2 / 2 * total` from left to right: it multiplies by total. Write "
            "`z**2 / (2 * total)`.",
        ),
        Mistake(
            "brackets forgotten in the half",
            around(right_middle, half_with(last=lambda total, z: z**2 / 4 * total**2)),
            "Python reads `z**2 / 4 * total**2` from left to right: it multiplies by total². Write "
            "`z**2 / (4 * total**2)`.",
        ),
        Mistake(
            "share of mistakes",
            lambda correct, total, z=1.96: tuple(
                1 - end for end in reversed(wilson_interval(correct, total, z))
            ),
            "This is the interval for the share that is wrong. Asked is the one for what is right.",
        ),
        Mistake(
            "whole width as half",
            around(right_middle, lambda share, total, z: 2 * right_half(share, total, z)),
            "The interval is twice as wide as it should be.",
        ),
        Mistake(
            "z fixed",
            lambda correct, total, z=1.96: wilson_interval(correct, total),
            "z is handed in, but your answer always takes 1.96.",
        ),
        Mistake(
            "middle and half",
            lambda correct, total, z=1.96: (
                right_middle(correct / total, total, z),
                right_half(correct / total, total, z),
            ),
            "These are the middle and the half. Asked are the two ends, low and high.",
        ),
        Mistake(
            "high before low",
            lambda correct, total, z=1.96: wilson_interval(correct, total, z)[::-1],
            "The two ends are in the wrong order: low comes first.",
        ),
        Mistake(
            "rounded",
            lambda correct, total, z=1.96: tuple(
                round(end, 4) for end in wilson_interval(correct, total, z)
            ),
            "Your ends are rounded. Return them as they are: who prints them may round.",
        ),
        Mistake(
            "in percent",
            lambda correct, total, z=1.96: tuple(
                100 * end for end in wilson_interval(correct, total, z)
            ),
            "These are percent. Asked are shares from 0 to 1.",
        ),
    ),
    hints=(
        "Begin with the share, correct / total, and with d. Print them for 7 of 10.",
        "Write `middle` and `half` each in a line of its own. `math.sqrt` takes a root, `z**2` is "
        "z squared.",
        "2n under a fraction needs brackets in Python: `z**2 / (2 * total)`. So does 4n²: "
        "`z**2 / (4 * total**2)`.",
    ),
)


# --- 05.5 ---------------------------------------------------------------------------------


def network_in_modes(modes, images, labels):
    """A small network with fixed weights, its layers in these modes: (network, images, labels)."""
    channels = images.shape[1]
    network = nn.Sequential(
        nn.Conv2d(channels, 3, 2), nn.BatchNorm2d(3), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Sequential(nn.Dropout(0.5), nn.Linear(3, 3)),
    )  # fmt: skip
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(feature_maps(*parameter.shape))
    means = torch.tensor([1.0, -1.0, 0.5])
    network.load_state_dict({"1.running_mean": means, "5.1.bias": torch.zeros(3)}, strict=False)
    for layer, training in zip(network.modules(), modes, strict=True):
        layer.training = training
    return network, images, labels


@contextlib.contextmanager
def modes_kept(layers):
    """Afterwards each of these layers is in the mode in which it was."""
    modes = [(layer, layer.training) for layer in layers]
    yield
    for layer, training in modes:
        layer.training = training


def accuracy_without_a_trace(network, images, labels):
    with modes_kept(network.modules()):
        return evaluated_and_left(network, images, labels)


def accuracy_and_modes(returned, network, images, labels):
    """What a student sees of a call: the accuracy, and which layers train after it."""
    training = [type(layer).__name__ for layer in network.modules() if layer.training]
    return {"accuracy": returned, "layers in training mode afterwards": " ".join(training)}


@torch.no_grad()
def accuracy_now(network, images, labels):
    """The accuracy in whatever mode the layers are."""
    return (network(images).argmax(dim=1) == labels).float().mean().item()


def evaluated_and_left(network, images, labels):
    network.eval()
    return accuracy_now(network, images, labels)


def set_to_training(network, images, labels):
    accuracy = evaluated_and_left(network, images, labels)
    network.train()
    return accuracy


def one_mode_for_all(network, images, labels):
    before = network.training
    accuracy = evaluated_and_left(network, images, labels)
    network.train(before)
    return accuracy


def children_alone(network, images, labels):
    with modes_kept(network.children()):
        return evaluated_and_left(network, images, labels)


def two_levels(network, images, labels):
    with modes_kept([network, *network.children()]):
        return evaluated_and_left(network, images, labels)


def counted(network, images, labels):
    return round(accuracy_without_a_trace(network, images, labels) * len(labels))


def in_percent(network, images, labels):
    return 100 * accuracy_without_a_trace(network, images, labels)


def in_training_mode(network, images, labels):
    with modes_kept(network.modules()):
        return accuracy_now(network.train(), images, labels)


LAYERS = 9  # of `network_in_modes`, the network itself and the one inside of it included
ALL, NONE = [True] * LAYERS, [False] * LAYERS
NORM_FROZEN = [True, True, False, *[True] * 6]
ONLY_DROPOUT = [False] * 7 + [True, False]
IMAGES = feature_maps(6, 1, 3, 3) * torch.linspace(1, 3.5, 6).reshape(6, 1, 1, 1)

KEEP_THE_MODES = Exercise(
    name="keep-the-modes",
    number="05.5",
    title="Look without touching",
    points=3,
    paragraph="7. What is wrong with write-up A's protocol",
    reference=accuracy_without_a_trace,
    package=("probe.evaluation_mode",),
    prepare=network_in_modes,
    outcome=accuracy_and_modes,
    cases=(
        Case(
            (ALL, IMAGES, torch.tensor([0, 2, 1, 2, 0, 1])),
            "a network with batch norm and dropout, all of it in training mode, and 6 images",
        ),
        Case(
            (NONE, IMAGES, torch.tensor([0, 2, 0, 0, 0, 1])),
            "the same network, all of it in evaluation mode",
        ),
        Case(
            (NORM_FROZEN, IMAGES[:5], torch.tensor([0, 2, 0, 2, 1])),
            "the same network in training mode, but its batch norm in evaluation mode; 5 images",
        ),
        Case(
            (ONLY_DROPOUT, IMAGES[:4], torch.tensor([0, 2, 0, 1])),
            "the same network in evaluation mode, but its dropout in training mode; 4 images",
        ),
    ),
    mistakes=(
        Mistake(
            "eval forgotten",
            accuracy_now,
            "The network was asked in the mode in which it came. Call `eval()` first, or dropout "
            "and batch norm behave as in training.",
        ),
        Mistake(
            "asked in training mode",
            in_training_mode,
            "The network was asked in training mode. For an accuracy it has to be in evaluation "
            "mode.",
        ),
        Mistake(
            "left in evaluation mode",
            evaluated_and_left,
            "The accuracy is right, but the network stays in evaluation mode. Remember each "
            "layer's `training` before you call `eval()`, and set it again at the end.",
        ),
        Mistake(
            "set to training mode",
            set_to_training,
            "The accuracy is right, but afterwards the whole network is in training mode. It may "
            "have come in evaluation mode.",
        ),
        Mistake(
            "one mode for all",
            one_mode_for_all,
            "The accuracy is right, and so is the network's own mode. But `train(...)` sets all "
            "its layers to that mode, and here one of them had another. Remember the mode of each.",
        ),
        Mistake(
            "children alone",
            children_alone,
            "The accuracy is right. But the network itself has a mode, too, and so have layers "
            "inside of layers; they stay in evaluation. `network.modules()` goes through all of "
            "them; `children()` does not.",
        ),
        Mistake(
            "layers inside of layers",
            two_levels,
            "The accuracy is right, and so are the modes of the network and of its children. But "
            "a child may hold layers, too, and they stay in evaluation. `network.modules()` goes "
            "through all of them.",
        ),
        Mistake(
            "share of mistakes",
            lambda network, images, labels: 1 - accuracy_without_a_trace(network, images, labels),
            "This is the share that is wrong. Asked is the share that is right.",
        ),
        Mistake(
            "counted, not divided",
            counted,
            "This is how many images are right. Asked is their share.",
        ),
        Mistake("in percent", in_percent, "These are percent. Asked is a share from 0 to 1."),
    ),
    hints=(
        "Three steps: remember the modes, look, set the modes again.",
        "`[(layer, layer.training) for layer in network.modules()]` remembers every layer's mode.",
        "At the end go through that list and set `layer.training = training`. `train(...)` would "
        "set the layers inside as well.",
    ),
)

EXERCISES = (PADDED_SHORTCUT, RECEPTIVE_FIELD, ONE_CYCLE_RATE, WILSON_INTERVAL, KEEP_THE_MODES)
