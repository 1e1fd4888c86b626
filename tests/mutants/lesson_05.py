"""Answers to the exercises of lesson 05."""

import copy
import fractions
import functools
import itertools
import math
import operator
import statistics

import numpy
import torch
from torch import nn
from torch.nn import functional as F

from mnist_course.assessment.exercise import Case
from mutants import further, right, wrong
from mutants.experiment import experiment_answers

# --- padded-shortcut ----------------------------------------------------------------------


def maps(*shape):
    """Feature maps without a pattern, none of them 0, float32."""
    count = torch.Size(shape).numel()
    return (torch.cos(torch.arange(count) * 1.3 + 0.4) * 5).reshape(shape)


further(
    "padded-shortcut",
    Case((maps(2, 2, 6, 5), 5, 2)),
    Case((maps(1, 3, 5, 7), 8, 3)),
    Case((maps(3, 1, 4, 4), 2, 1)),
    Case((maps(1, 2, 4, 6), 2, 2)),
)


@wrong("padded-shortcut", "zeros in front")
def puts_zeros_first(images, outputs, stride):
    kept = images[:, :, ::stride, ::stride]
    zeros = torch.zeros(kept.shape[0], outputs - kept.shape[1], *kept.shape[2:])
    return torch.cat([zeros, kept], dim=1)


@wrong("padded-shortcut", "channels repeated")
def repeats_channels(images, outputs, stride):
    kept = images[:, :, ::stride, ::stride]
    times = -(-outputs // kept.shape[1])
    return torch.cat([kept] * times, dim=1)[:, :outputs]


@wrong("padded-shortcut", "rows only")
def skips_rows_alone(images, outputs, stride):
    kept = images[:, :, ::stride, :]
    return F.pad(kept, (0, 0, 0, 0, 0, outputs - images.shape[1]))


@wrong("padded-shortcut", "columns only")
def skips_columns_alone(images, outputs, stride):
    kept = images[:, :, :, ::stride]
    return F.pad(kept, (0, 0, 0, 0, 0, outputs - images.shape[1]))


@wrong("padded-shortcut", "stride ignored")
def keeps_every_place(images, outputs, stride):
    zeros = torch.zeros(len(images), outputs - images.shape[1], *images.shape[2:])
    return torch.cat([images, zeros], dim=1)


@wrong("padded-shortcut", "zeros forgotten")
def adds_no_channels(images, outputs, stride):
    return images[..., ::stride, ::stride] + 0


@wrong("padded-shortcut", "zeros added to the count")
def adds_all_the_outputs(images, outputs, stride):
    kept = images[:, :, ::stride, ::stride]
    return torch.cat([kept, torch.zeros(len(kept), outputs, *kept.shape[2:])], dim=1)


@wrong("padded-shortcut", "cropped")
def takes_the_corner(images, outputs, stride):
    height, width = images.shape[2:]
    kept = images[:, :, : -(-height // stride), : -(-width // stride)]
    return F.pad(kept, (0, 0, 0, 0, 0, outputs - images.shape[1]))


@wrong("padded-shortcut")
def pads_with_ones(images, outputs, stride):
    kept = images[:, :, ::stride, ::stride]
    return F.pad(kept, (0, 0, 0, 0, 0, outputs - images.shape[1]), value=1.0)


@wrong("padded-shortcut")
def pads_the_wrong_axis(images, outputs, stride):
    kept = images[:, :, ::stride, ::stride]
    return F.pad(kept, (0, 0, 0, outputs - images.shape[1]))


@wrong("padded-shortcut")
def pools_and_loses_the_rest(images, outputs, stride):
    kept = F.max_pool2d(images, stride)
    return F.pad(kept, (0, 0, 0, 0, 0, outputs - images.shape[1]))


@wrong("padded-shortcut", "shape")
def forgets_that_there_is_a_batch(images, outputs, stride):
    kept = images[0, :, ::stride, ::stride]
    return torch.cat([kept, torch.zeros(outputs - len(kept), *kept.shape[1:])])


@wrong("padded-shortcut", "changed")
def clears_the_input(images, outputs, stride):
    answer = F.pad(images[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, outputs - images.shape[1]))
    images.zero_()
    return answer


@right("padded-shortcut")
def joined(images, outputs, stride):
    kept = images[:, :, ::stride, ::stride]
    zeros = torch.zeros(len(kept), outputs - kept.shape[1], *kept.shape[2:])
    return torch.cat([kept, zeros], dim=1)


@right("padded-shortcut")
def padded_first(images, outputs, stride):
    return F.pad(images, (0, 0, 0, 0, 0, outputs - images.shape[1]))[..., ::stride, ::stride]


@right("padded-shortcut")
def a_fixed_convolution(images, outputs, stride):
    weights = torch.eye(outputs, images.shape[1])[:, :, None, None]
    return F.conv2d(images, weights, stride=stride)


@right("padded-shortcut")
def pooled_one_by_one(images, outputs, stride):
    kept = F.max_pool2d(images, kernel_size=1, stride=stride)
    answer = torch.zeros(len(images), outputs, *kept.shape[2:])
    for channel in range(images.shape[1]):
        answer[:, channel] = kept[:, channel]
    return answer


@wrong("padded-shortcut", "stride fixed")
def halves_whatever_is_asked(images, outputs, stride):
    kept = images[:, :, ::2, ::2]
    return F.pad(kept, (0, 0, 0, 0, 0, outputs - images.shape[1]))


@wrong("padded-shortcut", "averaged")
def takes_means(images, outputs, stride):
    kept = F.avg_pool2d(images, stride, ceil_mode=True, count_include_pad=False)
    return torch.cat([kept, kept.new_zeros(len(kept), outputs - kept.size(1), *kept.shape[2:])], 1)


@right("padded-shortcut")
def by_choosing_rows_and_columns(images, outputs, stride):
    rows, columns = (torch.arange(0, size, stride) for size in images.shape[2:])
    kept = images.index_select(2, rows).index_select(3, columns)
    return torch.constant_pad_nd(kept, [0, 0, 0, 0, 0, outputs - images.size(1)])


@right("padded-shortcut")
def channel_by_channel(images, outputs, stride):
    def channel(number):
        part = images[:, min(number, images.shape[1] - 1), ::stride, ::stride]
        return part if number < images.shape[1] else torch.zeros_like(part)

    return torch.stack([channel(number) for number in range(outputs)], dim=1)


@wrong("padded-shortcut", "stride forgotten for equal channels")
def enough_channels_already(images, outputs, stride):
    if outputs == images.shape[1]:
        return images
    return F.pad(images[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, outputs - images.shape[1]))


@wrong("padded-shortcut")
def sides_divided_by_the_stride(images, outputs, stride):
    count, channels, height, width = images.shape
    wanted = torch.zeros(count, outputs, height // stride, width // stride)
    wanted[:, :channels] = images[:, :, : height // stride * stride : stride,
                                  : width // stride * stride : stride]  # fmt: skip
    return wanted


# --- receptive-field ----------------------------------------------------------------------

further(
    "receptive-field",
    Case(([(4, 2), (3, 3), (2, 1), (5, 2)],)),
    Case(([(3, 2), (5, 2), (3, 1)],)),
    Case(([(2, 2), (2, 2), (2, 2)],)),
    Case(([(7, 1)],)),
    Case(([(1, 3), (6, 1)],)),
    Case(([(2, 1), (1, 2), (1, 2), (3, 1)],)),
    Case(([(2, 3), (3, 2), (2, 1)],)),
)


@wrong("receptive-field", "strides ignored")
def adds_kernels_without_steps(layers):
    return 1 + sum(kernel - 1 for kernel, _ in layers)


@wrong("receptive-field", "step too early")
def doubles_first(layers):
    field = step = 1
    for kernel, stride in layers:
        step = step * stride
        field = field + (kernel - 1) * step
    return field


@wrong("receptive-field", "whole kernels")
def grows_by_the_kernel(layers):
    field = step = 1
    for kernel, stride in layers:
        field += kernel * step
        step *= stride
    return field


@wrong("receptive-field", "strides added")
def adds_the_strides(layers):
    field = step = 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step += stride
    return field


@wrong("receptive-field")
def adds_what_a_stride_skips(layers):
    field = step = 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step += stride - 1
    return field


@wrong("receptive-field", "last stride alone")
def keeps_the_last_stride(layers):
    field = step = 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step = stride
    return field


@wrong("receptive-field", "from output to image")
def goes_backwards(layers):
    field = step = 1
    for kernel, stride in reversed(layers):
        field += (kernel - 1) * step
        step *= stride
    return field


@wrong("receptive-field", "kernels multiplied")
def multiplies(layers):
    field = 1
    for kernel, _ in layers:
        field *= kernel
    return field


@wrong("receptive-field", "starts at 0")
def begins_with_nothing(layers):
    field, step = 0, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
    return field


@wrong("receptive-field", "the step")
def returns_the_step(layers):
    return math.prod(stride for _, stride in layers)


@wrong("receptive-field", "an area")
def returns_the_square(layers):
    field = step = 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
    return field**2


@wrong("receptive-field", "return inside the loop")
def ends_in_the_first_turn(layers):
    field = step = 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
        return field


@wrong("receptive-field", "kernel and stride swapped")
def takes_them_in_the_wrong_order(layers):
    field = step = 1
    for stride, kernel in layers:
        field += (kernel - 1) * step
        step *= stride
    return field


@wrong("receptive-field", "field multiplied")
def multiplies_the_field_itself(layers):
    field = 1
    for kernel, stride in layers:
        field += kernel - 1
        field *= stride
    return field


@wrong("receptive-field", "raised")
def takes_a_dict(layers):
    field = step = 1
    for layer in layers:
        field += (layer["kernel"] - 1) * step
        step *= layer["stride"]
    return field


@wrong("receptive-field", "type")
def returns_a_pair(layers):
    field = step = 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
    return field, step


@right("receptive-field")
def from_the_output(layers):
    field = 1
    for kernel, stride in reversed(layers):
        field = (field - 1) * stride + kernel
    return field


@right("receptive-field")
def by_recursion(layers):
    if not layers:
        return 1
    (kernel, stride), *rest = layers
    return kernel + (by_recursion(rest) - 1) * stride


@right("receptive-field")
def as_one_sum(layers):
    return 1 + sum(
        (kernel - 1) * math.prod(stride for _, stride in layers[:index])
        for index, (kernel, _) in enumerate(layers)
    )


@right("receptive-field")
def by_gradients(layers):
    row = torch.ones(1, 1, 500, requires_grad=True)
    signal = row
    for kernel, stride in layers:
        signal = F.conv1d(signal, torch.ones(1, 1, kernel), stride=stride)
    signal[0, 0, 0].backward()
    return int(row.grad.nonzero()[-1, 2]) + 1


@wrong("receptive-field", "from output to image")
def the_other_formula_in_the_same_order(layers):
    field = 1
    for kernel, stride in layers:
        field = (field - 1) * stride + kernel
    return field


@wrong("receptive-field", "type")
def returns_a_number_of_numpy(layers):
    kernels, strides = numpy.array(layers, dtype=int).reshape(-1, 2).T
    steps = numpy.cumprod([1, *strides])[:-1]
    return 1 + ((kernels - 1) * steps).sum()


@right("receptive-field")
def by_products_so_far(layers):
    strides = [stride for _, stride in layers[:-1]]
    steps = itertools.accumulate(strides, operator.mul, initial=1)
    return 1 + sum((layer[0] - 1) * step for layer, step in zip(layers, steps, strict=bool(layers)))


@right("receptive-field")
def by_reduce(layers):
    return functools.reduce(
        lambda pair, layer: (pair[0] + (layer[0] - 1) * pair[1], pair[1] * layer[1]), layers, (1, 1)
    )[0]


@wrong("receptive-field", "kernel of 1 left out")
def a_kernel_of_1_does_nothing(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        if kernel > 1:
            field += (kernel - 1) * step
            step *= stride
    return field


@wrong("receptive-field")
def at_least_a_step_a_layer(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        field += max(1, kernel - 1) * step
        step *= stride
    return field


@wrong("receptive-field")
def gaps_counted_as_seen(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        field += (max(kernel, stride) - 1) * step
        step *= stride
    return field


@wrong("receptive-field")
def kernels_that_leave_gaps_add_nothing(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step if kernel >= stride else 0
        step *= stride
    return field


# --- one-cycle-rate -----------------------------------------------------------------------

further(
    "one-cycle-rate",
    Case((0, 20, 0.1, 0.3)),
    Case((3, 20, 0.1, 0.3)),
    Case((6, 20, 0.1, 0.3)),
    Case((11, 20, 0.1, 0.3)),
    Case((17, 20, 0.1, 0.3)),
    Case((20, 20, 0.1, 0.3)),
    Case((5, 12, 2.0, 0.5)),
    Case((10, 12, 2.0, 0.5)),
    Case((1, 5, 0.7, 0.25)),
    Case((3, 5, 0.7, 0.25)),
    Case((1, 6, 0.3, 0.1)),
    Case((1, 1, 0.5, 0.25)),
)


@wrong("one-cycle-rate", "straight fall")
def falls_on_a_line(step, steps, peak, warm_up):
    top = steps * warm_up
    if step <= top:
        return peak * step / top
    return peak * (steps - step) / (steps - top)


@wrong("one-cycle-rate", "t from step 0")
def counts_t_from_the_start(step, steps, peak, warm_up):
    top = steps * warm_up
    if step < top:
        return peak * step / top
    return peak * (1 + math.cos(math.pi * step / steps)) / 2


@wrong("one-cycle-rate", "not halved")
def forgets_the_half(step, steps, peak, warm_up):
    top = steps * warm_up
    if step < top:
        return peak * step / top
    return peak * (1 + math.cos(math.pi * (step - top) / (steps - top)))


@wrong("one-cycle-rate", "cosine alone")
def forgets_the_one(step, steps, peak, warm_up):
    top = steps * warm_up
    if step < top:
        return peak * step / top
    return peak * math.cos(math.pi * (step - top) / (steps - top))


@wrong("one-cycle-rate", "π forgotten")
def forgets_pi(step, steps, peak, warm_up):
    top = steps * warm_up
    if step < top:
        return peak * step / top
    return peak * (1 + math.cos((step - top) / (steps - top))) / 2


@wrong("one-cycle-rate", "no rise")
def begins_at_the_peak(step, steps, peak, warm_up):
    top = steps * warm_up
    if step < top:
        return peak
    return peak * (1 + math.cos(math.pi * (step - top) / (steps - top))) / 2


@wrong("one-cycle-rate", "rise over all steps")
def rises_too_slowly(step, steps, peak, warm_up):
    top = steps * warm_up
    if step < top:
        return peak * step / steps
    return peak * (1 + math.cos(math.pi * (step - top) / (steps - top))) / 2


@wrong("one-cycle-rate", "t over all steps")
def divides_t_by_all_steps(step, steps, peak, warm_up):
    top = steps * warm_up
    if step < top:
        return peak * step / top
    return peak * (1 + math.cos(math.pi * (step - top) / steps)) / 2


@wrong("one-cycle-rate", "never falls")
def never_falls(step, steps, peak, warm_up):
    return min(peak, peak * step / (warm_up * steps))


@wrong("one-cycle-rate", "degrees")
def thinks_in_degrees(step, steps, peak, warm_up):
    top = steps * warm_up
    if step < top:
        return peak * step / top
    return peak * (1 + math.cos(180 * (step - top) / (steps - top))) / 2


@wrong("one-cycle-rate", "brackets forgotten")
def divides_before_it_subtracts(step, steps, peak, warm_up):
    top = steps * warm_up
    if step < top:
        return peak * step / top
    t = (step - top) / steps - top
    return peak * (1 + math.cos(math.pi * t)) / 2


@wrong("one-cycle-rate", "peak forgotten")
def shares_of_the_peak(step, steps, peak, warm_up):
    top = steps * warm_up
    return step / top if step < top else math.cos(math.pi / 2 * (step - top) / (steps - top)) ** 2


@wrong("one-cycle-rate", "type")
def returns_a_tensor(step, steps, peak, warm_up):
    top = steps * warm_up
    if step < top:
        return torch.tensor(peak * step / top)
    t = torch.tensor((step - top) / (steps - top))
    return peak * (1 + torch.cos(math.pi * t)) / 2


@wrong("one-cycle-rate", "type")
def only_says_the_rise(step, steps, peak, warm_up):
    if step <= warm_up * steps:
        return peak * step / (warm_up * steps)


@right("one-cycle-rate")
def squared_cosine(step, steps, peak, warm_up):
    top = steps * warm_up
    if step <= top:
        return step / top * peak
    return peak * math.cos(math.pi / 2 * (step - top) / (steps - top)) ** 2


@right("one-cycle-rate")
def in_shares(step, steps, peak, warm_up):
    share = step / steps
    if share < warm_up:
        return peak * share / warm_up
    return peak / 2 * (1 + math.cos(math.pi * (share - warm_up) / (1 - warm_up)))


@right("one-cycle-rate")
def the_smaller_of_rise_and_fall(step, steps, peak, warm_up):
    top = steps * warm_up
    t = max(0.0, (step - top) / (steps - top))
    return min(peak * step / top, peak) * (1 + math.cos(math.pi * t)) / 2


@right("one-cycle-rate")
def with_torch(step, steps, peak, warm_up):
    top = steps * warm_up
    if step < top:
        return float(torch.linspace(0, 1, 2, dtype=torch.float64)[1] * peak * step / top)
    t = torch.tensor((step - top) / (steps - top), dtype=torch.float64)
    return (peak * (1 + torch.cos(math.pi * t)) / 2).item()


@wrong("one-cycle-rate", "rises again")
def turns_the_cosine_round(step, steps, peak, warm_up):
    top = warm_up * steps
    if step < top:
        return peak * step / top
    return peak * (1 - math.cos(math.pi * (step - top) / (steps - top))) / 2


@wrong("one-cycle-rate", "warm-up rounded")
def counts_whole_steps(step, steps, peak, warm_up):
    top = int(warm_up * steps)
    if step < top:
        return peak * step / top
    return peak * (1 + math.cos(math.pi * (step - top) / (steps - top))) / 2


@right("one-cycle-rate")
def with_numbers_of_numpy(step, steps, peak, warm_up):
    top = warm_up * steps
    fall = (1 + numpy.cos(numpy.pi * (step - top) / (steps - top))) / 2
    return peak * numpy.interp(step, [0, top], [0, 1]) if step < top else peak * fall


@right("one-cycle-rate")
def with_a_sine_squared(step, steps, peak, warm_up):
    rise = step / (warm_up * steps)
    left = (steps - step) / (steps * (1 - warm_up))
    return peak * rise if rise < 1 else peak * math.sin(math.pi / 2 * left) ** 2


@wrong("one-cycle-rate")
def a_warm_up_of_at_least_a_step(step, steps, peak, warm_up):
    top = max(1, warm_up * steps)
    if step < top:
        return peak * step / top
    return peak * (1 + math.cos(math.pi * (step - top) / max(1e-9, steps - top))) / 2


@wrong("one-cycle-rate")
def a_fall_of_at_least_a_step(step, steps, peak, warm_up):
    top = warm_up * steps
    if step < top:
        return peak * step / top
    return peak * (1 + math.cos(math.pi * (step - top) / max(1, steps - top))) / 2


# --- wilson-interval ----------------------------------------------------------------------

further(
    "wilson-interval",
    Case((45, 60, 1.96)),
    Case((0, 25, 1.96)),
    Case((30, 30, 1.96)),
    Case((9_912, 10_000, 1.96)),
    Case((7, 9, 1.0)),
    Case((1, 3, 2.576)),
    Case((0, 1, 1.96)),
    Case((9_950, 10_000)),
)


@wrong("wilson-interval", "plain interval")
def the_plain_one(correct, total, z=1.96):
    p = correct / total
    half = z * math.sqrt(p * (1 - p) / total)
    return p - half, p + half


@wrong("wilson-interval", "plain interval, cut")
def the_plain_one_kept_inside(correct, total, z=1.96):
    p = correct / total
    half = z * (p * (1 - p) / total) ** 0.5
    return max(0.0, p - half), min(1.0, p + half)


@wrong("wilson-interval", "not divided by d")
def never_divides(correct, total, z=1.96):
    p = correct / total
    middle = p + z**2 / (2 * total)
    half = z * math.sqrt(p * (1 - p) / total + z**2 / (4 * total**2))
    return middle - half, middle + half


@wrong("wilson-interval", "half not divided by d")
def divides_the_middle_alone(correct, total, z=1.96):
    p = correct / total
    d = 1 + z**2 / total
    middle = (p + z**2 / (2 * total)) / d
    half = z * math.sqrt(p * (1 - p) / total + z**2 / (4 * total**2))
    return middle - half, middle + half


@wrong("wilson-interval", "root forgotten")
def takes_no_root(correct, total, z=1.96):
    p, d = correct / total, 1 + z * z / total
    middle = (p + z * z / (2 * total)) / d
    half = z / d * (p * (1 - p) / total + z * z / (4 * total * total))
    return middle - half, middle + half


@wrong("wilson-interval", "z fixed")
def always_takes_196(correct, total, z=1.96):
    z = 1.96
    p, d = correct / total, 1 + z * z / total
    middle = (p + z * z / (2 * total)) / d
    half = z / d * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    return max(0.0, middle - half), min(1.0, middle + half)


@wrong("wilson-interval", "high before low")
def begins_with_the_upper_end(correct, total, z=1.96):
    p, d = correct / total, 1 + z * z / total
    middle = (p + z * z / (2 * total)) / d
    half = z / d * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    return middle + half, middle - half


@wrong("wilson-interval", "middle and half")
def returns_what_it_computed(correct, total, z=1.96):
    p, d = correct / total, 1 + z * z / total
    middle = (p + z * z / (2 * total)) / d
    return middle, z / d * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total))


@wrong("wilson-interval", "brackets forgotten in the middle")
def reads_z_2_2n_as_it_stands(correct, total, z=1.96):
    p, d = correct / total, 1 + z * z / total
    middle = (p + z**2 / 2 * total) / d
    half = z / d * math.sqrt(p * (1 - p) / total + z**2 / (4 * total**2))
    return middle - half, middle + half


@wrong("wilson-interval", "share of mistakes")
def takes_the_share_of_mistakes(correct, total, z=1.96):
    p, d = 1 - correct / total, 1 + z * z / total
    middle = (p + z * z / (2 * total)) / d
    half = z / d * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    return middle - half, middle + half


@wrong("wilson-interval", "rounded")
def rounds_as_in_the_example(correct, total, z=1.96):
    p, d = correct / total, 1 + z * z / total
    middle = (p + z * z / (2 * total)) / d
    half = z / d * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    return round(middle - half, 4), round(middle + half, 4)


@wrong("wilson-interval", "type")
def returns_tensors(correct, total, z=1.96):
    p, d = torch.tensor(correct / total), 1 + z * z / total
    middle = (p + z * z / (2 * total)) / d
    half = z / d * torch.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    return middle - half, middle + half


@wrong("wilson-interval", "whole division")
def divides_whole_numbers(correct, total, z=1.96):
    p, d = correct // total, 1 + z * z / total
    middle = (p + z * z / (2 * total)) / d
    half = z / d * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    return middle - half, middle + half


@right("wilson-interval")
def with_pseudo_counts(correct, total, z=1.96):
    p, weight = correct / total, z * z
    middle = (correct + weight / 2) / (total + weight)
    half = z * math.sqrt(total * p * (1 - p) + weight / 4) / (total + weight)
    return middle - half, middle + half


@right("wilson-interval")
def by_the_quadratic_equation(correct, total, z=1.96):
    a = total + z * z
    b = -(2 * correct + z * z)
    c = correct * correct / total
    root = math.sqrt(max(0.0, b * b - 4 * a * c))
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


@right("wilson-interval")
def by_bisection(correct, total, z=1.96):
    share = correct / total

    def edge(inside, outside):
        for _ in range(80):
            between = (inside + outside) / 2
            if (share - between) ** 2 <= z * z * between * (1 - between) / total:
                inside = between
            else:
                outside = between
        return inside

    return edge(share, 0.0), edge(share, 1.0)


@right("wilson-interval")
def with_tensors_in_between(correct, total, z=1.96):
    p = torch.tensor(correct / total, dtype=torch.float64)
    d = 1 + z**2 / total
    middle = (p + z**2 / (2 * total)) / d
    half = z / d * torch.sqrt(p * (1 - p) / total + z**2 / (4 * total**2))
    return tuple(torch.stack([middle - half, middle + half]).clamp(0, 1).tolist())


@wrong("wilson-interval", "z not squared in d")
def forgets_a_square_in_d(correct, total, z=1.96):
    p, d = correct / total, 1 + z / total
    middle = (p + z**2 / (2 * total)) / d
    half = z / d * math.sqrt(p * (1 - p) / total + z**2 / (4 * total**2))
    return middle - half, middle + half


@wrong("wilson-interval", "type")
def returns_a_list(correct, total, z=1.96):
    p, d = correct / total, 1 + z * z / total
    middle = (p + z * z / (2 * total)) / d
    half = z / d * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    return [middle - half, middle + half]


@right("wilson-interval")
def ends_of_numpy(correct, total, z=1.96):
    p = numpy.divide(correct, total)
    root = numpy.sqrt(p * (1 - p) / total + numpy.square(z / (2 * total)))
    middle, half = p + z**2 / total / 2, z * root
    low, high = numpy.clip(numpy.array([middle - half, middle + half]) / (1 + z**2 / total), 0, 1)
    return low, high


@right("wilson-interval")
def with_exact_fractions(correct, total, z=1.96):
    p, z = fractions.Fraction(correct, total), fractions.Fraction(z)
    d = 1 + z * z / total
    middle = (p + z * z / (2 * total)) / d
    half = float(z / d) * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    return float(middle) - half, float(middle) + half


@wrong("wilson-interval", "arguments")
def z_without_a_default(correct, total, z):
    p = correct / total
    d = 1 + z**2 / total
    middle = (p + z**2 / (2 * total)) / d
    half = z / d * math.sqrt(p * (1 - p) / total + (z / (2 * total)) ** 2)
    return middle - half, middle + half


@wrong("wilson-interval")
def two_deviations_by_default(correct, total, z=2):
    p, d = correct / total, 1 + z * z / total
    middle = (p + z * z / (2 * total)) / d
    half = z / d * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    return middle - half, middle + half


@wrong("wilson-interval")
def one_image_tells_nothing(correct, total, z=1.96):
    if total == 1:
        return 0.0, 1.0
    p, d = correct / total, 1 + z * z / total
    middle = (p + z * z / (2 * total)) / d
    half = z / d * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    return middle - half, middle + half


# --- keep-the-modes -----------------------------------------------------------------------


def small_network(*trained):
    """Batch norm and dropout; `trained` names the layers that are in training mode."""
    network = nn.Sequential(
        nn.Flatten(), nn.BatchNorm1d(2), nn.Sequential(nn.Dropout(0.5), nn.Linear(2, 2))
    )
    buffers = {
        "1.running_mean": torch.tensor([1.0, -1.0]),
        "1.running_var": torch.tensor([4.0, 0.25]),
        "2.1.weight": torch.tensor([[1.0, -0.5], [-1.0, 0.5]]),
        "2.1.bias": torch.tensor([0.4, 0.0]),
    }
    network.load_state_dict(buffers, strict=False)
    for name, layer in network.named_modules():
        layer.training = name in trained
    return network


SOME = torch.tensor([[3.0, 0.0], [0.0, -1.0], [2.0, 1.0], [4.0, -2.0], [-1.0, 0.5], [1.5, -0.8]])
SOME = SOME.reshape(6, 1, 1, 2)
ANSWERS = small_network()(SOME).argmax(dim=1)
FIVE_RIGHT = ANSWERS.where(torch.arange(6) != 2, 1 - ANSWERS)
THREE_RIGHT = ANSWERS.where(torch.arange(6) % 2 == 0, 1 - ANSWERS)


MAPS = maps(8, 2, 2, 2)


class Shaken(nn.Sequential):
    """Layers whose input is noisy while training."""

    def forward(self, values):
        return super().forward(values + 5 * torch.randn_like(values) if self.training else values)


def whole_family(*training):
    """Layers that behave differently while training, of several kinds, in modes by turns."""
    network = nn.Sequential(
        nn.Dropout2d(0.5), nn.InstanceNorm2d(2, track_running_stats=True), nn.Flatten(),
        Shaken(nn.AlphaDropout(0.4), nn.Linear(8, 6)), nn.Dropout(0.3), nn.ReLU(), nn.Linear(6, 2),
        Shaken(nn.Dropout(0.5)),
    )  # fmt: skip
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(maps(*parameter.shape))
        network[-2].bias.sub_(network.eval()(MAPS).mean(dim=0))  # so that both classes occur
    for layer, mode in zip(network.modules(), itertools.cycle(training)):
        layer.training = mode
    return network


EVALUATED = whole_family(False).eval()(MAPS).argmax(dim=1)

further(
    "keep-the-modes",
    Case((small_network("", "0", "1", "2", "2.0", "2.1"), SOME, FIVE_RIGHT)),
    Case((small_network(), SOME, THREE_RIGHT)),
    Case((small_network("", "2", "2.0"), SOME, FIVE_RIGHT)),
    Case((small_network("1"), SOME[:4], THREE_RIGHT[:4])),
    Case((whole_family(True), MAPS, EVALUATED)),
    Case((whole_family(False), MAPS, EVALUATED)),
    Case((whole_family(True, False), MAPS[:1], EVALUATED[:1])),
    Case((whole_family(False, True), MAPS[:7], EVALUATED[:7])),
)


@wrong("keep-the-modes", "left in evaluation mode")
def leaves_it_in_evaluation(network, images, labels):
    network.eval()
    with torch.no_grad():
        return (network(images).argmax(1) == labels).float().mean().item()


@wrong("keep-the-modes", "set to training mode")
def always_trains_afterwards(network, images, labels):
    network.eval()
    with torch.no_grad():
        accuracy = (network(images).argmax(1) == labels).float().mean().item()
    network.train()
    return accuracy


@wrong("keep-the-modes", "one mode for all")
def keeps_the_network_s_mode_alone(network, images, labels):
    before = network.training
    network.eval()
    with torch.no_grad():
        accuracy = (network(images).argmax(1) == labels).float().mean().item()
    network.train(before)
    return accuracy


@wrong("keep-the-modes", "eval forgotten")
def never_calls_eval(network, images, labels):
    with torch.no_grad():
        return (network(images).argmax(1) == labels).float().mean().item()


@wrong("keep-the-modes", "counted, not divided")
def returns_a_count(network, images, labels):
    twin = copy.deepcopy(network).eval()
    with torch.no_grad():
        return float((twin(images).argmax(1) == labels).sum())


@wrong("keep-the-modes", "in percent")
def returns_percent(network, images, labels):
    twin = copy.deepcopy(network).eval()
    with torch.no_grad():
        return 100 * (twin(images).argmax(1) == labels).float().mean().item()


@wrong("keep-the-modes", "children alone")
def keeps_the_children_s_modes_alone(network, images, labels):
    modes = [(layer, layer.training) for layer in network.children()]
    network.eval()
    with torch.no_grad():
        accuracy = (network(images).argmax(1) == labels).float().mean().item()
    for layer, mode in modes:
        layer.training = mode
    return accuracy


@wrong("keep-the-modes", "one mode for all")
def sets_them_back_by_train(network, images, labels):
    modes = [(layer, layer.training) for layer in network.modules()]
    network.eval()
    with torch.no_grad():
        accuracy = (network(images).argmax(1) == labels).float().mean().item()
    for layer, mode in reversed(modes):  # `train` reaches the layers inside, too
        layer.train(mode)
    return accuracy


@wrong("keep-the-modes", "share of mistakes")
def returns_the_share_of_mistakes(network, images, labels):
    twin = copy.deepcopy(network).eval()
    with torch.no_grad():
        return (twin(images).argmax(1) != labels).float().mean().item()


@wrong("keep-the-modes", "type")
def returns_a_tensor_of_it(network, images, labels):
    twin = copy.deepcopy(network).eval()
    with torch.no_grad():
        return (twin(images).argmax(1) == labels).float().mean()


@wrong("keep-the-modes", "raised")
def takes_the_labels_for_one_hot(network, images, labels):
    twin = copy.deepcopy(network).eval()
    with torch.no_grad():
        return (twin(images).argmax(1) == labels.argmax(1)).float().mean().item()


@wrong("keep-the-modes", "setting")
def turns_gradients_off_for_ever(network, images, labels):
    torch.set_grad_enabled(False)
    twin = copy.deepcopy(network).eval()
    return (twin(images).argmax(1) == labels).float().mean().item()


@right("keep-the-modes")
def turns_gradients_off_and_on(network, images, labels):
    torch.set_grad_enabled(False)
    twin = copy.deepcopy(network).eval()
    accuracy = (twin(images).argmax(1) == labels).float().mean()
    torch.set_grad_enabled(True)
    return accuracy.item()


@right("keep-the-modes")
def asks_a_twin(network, images, labels):
    twin = copy.deepcopy(network).eval()
    with torch.no_grad():
        return (twin(images).argmax(dim=1) == labels).float().mean().item()


@right("keep-the-modes")
def keeps_modes_by_name(network, images, labels):
    modes = {name: layer.training for name, layer in network.named_modules()}
    try:
        network.eval()
        with torch.inference_mode():
            correct = int((network(images).max(dim=1).indices == labels).sum())
    finally:
        for name, layer in network.named_modules():
            layer.training = modes[name]
    return correct / len(labels)


@right("keep-the-modes")
def sets_back_from_outside_in(network, images, labels):
    modes = [layer.training for layer in network.modules()]
    network.train(False)
    logits = network(images).detach()
    for layer, mode in zip(network.modules(), modes, strict=True):
        layer.train(mode)  # each layer comes before those inside it
    return sum(logits.argmax(1) == labels).item() / len(labels)


@wrong("keep-the-modes", "layers inside of layers")
def looks_one_level_deep(network, images, labels):
    layers = [network, *(network[place] for place in range(len(network)))]
    modes = [layer.training for layer in layers]
    with torch.no_grad():
        accuracy = (network.eval()(images).argmax(1) == labels).float().mean().item()
    for layer, mode in zip(layers, modes, strict=True):
        layer.training = mode
    return accuracy


@wrong("keep-the-modes", "changed")
def looks_once_before(network, images, labels):
    network(images)  # batch norm learns from it
    twin = copy.deepcopy(network).eval()
    return (twin(images).argmax(dim=1) == labels).float().mean().item()


@wrong("keep-the-modes", "eval forgotten")
def forgets_the_brackets(network, images, labels):
    modes = [layer.training for layer in network.modules()]
    network.eval  # noqa: B018
    with torch.no_grad():
        accuracy = (network(images).argmax(1) == labels).float().mean().item()
    for layer, mode in zip(network.modules(), modes, strict=True):
        layer.training = mode
    return accuracy


@right("keep-the-modes")
def with_a_context_of_its_own(network, images, labels):
    class Looking:
        def __enter__(self):
            self.training = [layer for layer in network.modules() if layer.training]
            network.eval()

        def __exit__(self, *reason):
            for layer in self.training:
                layer.training = True

    with Looking(), torch.no_grad():
        return statistics.fmean((network(images).argmax(dim=1) == labels).tolist())


@right("keep-the-modes")
def goes_from_layer_to_layer(network, images, labels):
    def remembered(layer):
        return layer.training, [remembered(child) for child in layer.children()]

    def set_back(layer, modes):
        layer.training = modes[0]
        for child, mode in zip(layer.children(), modes[1], strict=True):
            set_back(child, mode)

    modes = remembered(network)
    found = network.eval()(images).max(1)[1].eq(labels).double().mean()
    set_back(network, modes)
    return float(found)


def with_these_in_evaluation(network, images, labels, kinds):
    """The accuracy with the layers of some kinds alone in evaluation mode, and their modes kept."""
    modes = [(layer, layer.training) for layer in network.modules() if isinstance(layer, kinds)]
    for layer, _ in modes:
        layer.training = False
    with torch.no_grad():
        accuracy = (network(images).argmax(dim=1) == labels).float().mean().item()
    for layer, mode in modes:
        layer.training = mode
    return accuracy


@wrong("keep-the-modes", "some kinds of layers alone")
def the_kinds_of_the_lesson(network, images, labels):
    kinds = nn.Dropout, nn.BatchNorm1d, nn.BatchNorm2d
    return with_these_in_evaluation(network, images, labels, kinds)


@wrong("keep-the-modes")
def all_of_torch_s_own_kinds(network, images, labels):
    kinds = nn.modules.dropout._DropoutNd, nn.modules.batchnorm._NormBase
    return with_these_in_evaluation(network, images, labels, kinds)


@wrong("keep-the-modes")
def layers_without_layers_inside(network, images, labels):
    modes = [(layer, layer.training) for layer in network.modules()]
    for layer, _ in modes:
        if not list(layer.children()):
            layer.training = False
    with torch.no_grad():
        accuracy = (network(images).argmax(dim=1) == labels).float().mean().item()
    for layer, mode in modes:
        layer.training = mode
    return accuracy


@wrong("keep-the-modes")
def one_mode_for_each_kind(network, images, labels):
    modes = {type(layer): layer.training for layer in network.modules()}
    with torch.no_grad():
        accuracy = (network.eval()(images).argmax(dim=1) == labels).float().mean().item()
    for layer in network.modules():
        layer.training = modes[type(layer)]
    return accuracy


@wrong("keep-the-modes", "raised")
def a_single_image_loses_its_axis(network, images, labels):
    twin = copy.deepcopy(network).eval()
    with torch.no_grad():
        predictions = twin(images).squeeze().argmax(dim=1)
    return (predictions == labels).float().mean().item()


@wrong("keep-the-modes", "changed")
def parameters_stay_frozen(network, images, labels):
    twin = network.requires_grad_(False)
    modes = [(layer, layer.training) for layer in network.modules()]
    accuracy = (twin.eval()(images).argmax(dim=1) == labels).float().mean().item()
    for layer, mode in modes:
        layer.training = mode
    return accuracy


# --- recipe-experiment --------------------------------------------------------------------

experiment_answers("recipe-experiment", {"epochs": 3, "channels": 8, "learning_rate": 0.05})
