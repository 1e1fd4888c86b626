"""Answers to the exercises of lesson 02."""

import functools
import math

import numpy
import torch
from torch.nn import functional as F

from mnist_course.assessment.exercise import Case
from mutants import further, right, wrong
from mutants.experiment import experiment_answers


def wavy(*shape):
    """Numbers without a pattern, float32."""
    return 3 * torch.cos(torch.arange(torch.Size(shape).numel()) * 2.3).reshape(shape)


# --- output-size --------------------------------------------------------------------------

further(
    "output-size",
    Case((32, [(3, 1, 2), (2, 0, 2)])),
    Case((17, [(4, 1, 3), (3, 1, 1), (2, 0, 1)])),
    Case((21, [(5, 2, 4)])),
    Case((13, [(2, 0, 4)])),
    Case((10, [(3, 0, 2), (4, 1, 1), (2, 0, 1)])),
    Case((12, [(3, 0, 1), (3, 2, 2), (3, 0, 1)])),
    Case((14, [])),
    Case((5, [(1, 0, 2), (2, 1, 1), (4, 0, 1), (2, 1, 1)])),
)


@wrong("output-size", "padding on one side")
def padding_once(size, layers):
    for kernel, padding, stride in layers:
        size = (size + padding - kernel) // stride + 1
    return size


@wrong("output-size", "padding ignored")
def padding_ignored(size, layers):
    for kernel, _, stride in layers:
        size = (size - kernel) // stride + 1
    return size


@wrong("output-size", "+ 1 forgotten")
def one_not_added(size, layers):
    for kernel, padding, stride in layers:
        size = (size + 2 * padding - kernel) // stride
    return size


@wrong("output-size", "1 added too early")
def one_added_too_early(size, layers):
    for kernel, padding, stride in layers:
        size = (size + 2 * padding - kernel + 1) // stride
    return size


@wrong("output-size", "stride ignored")
def stride_ignored(size, layers):
    for kernel, padding, _ in layers:
        size = size + 2 * padding - kernel + 1
    return size


@wrong("output-size", "rounded up")
def rounded_up(size, layers):
    for kernel, padding, stride in layers:
        size = math.ceil((size + 2 * padding - kernel) / stride) + 1
    return size


@wrong("output-size", "type")
def not_rounded(size, layers):
    for kernel, padding, stride in layers:
        size = (size + 2 * padding - kernel) / stride + 1
    return float(size)


@wrong("output-size", "the last layer alone")
def last_layer_alone(size, layers):
    result = size
    for kernel, padding, stride in layers:
        result = (size + 2 * padding - kernel) // stride + 1
    return result


@wrong("output-size", "the first layer alone")
def first_layer_alone(size, layers):
    for kernel, padding, stride in layers:
        return (size + 2 * padding - kernel) // stride + 1
    return size


@wrong("output-size", "return inside the loop")
def ends_in_the_first_turn(size, layers):
    for kernel, padding, stride in layers:
        size = (size + 2 * padding - kernel) // stride + 1
        return size


@wrong("output-size", "brackets forgotten")
def only_the_kernel_is_divided(size, layers):
    for kernel, padding, stride in layers:
        size = size + 2 * padding - kernel // stride + 1
    return size


@wrong("output-size", "layers in reverse")
def from_the_last_layer_to_the_first(size, layers):
    for kernel, padding, stride in reversed(layers):
        size = (size + 2 * padding - kernel) // stride + 1
    return size


@wrong("output-size", "padding and stride swapped")
def stride_and_padding_swapped(size, layers):
    for kernel, stride, padding in layers:
        size = (size + 2 * padding - kernel) // stride + 1
    return size


@wrong("output-size", "changed")
def layers_are_used_up(size, layers):
    while layers:
        kernel, padding, stride = layers.pop(0)
        size = (size + 2 * padding - kernel) // stride + 1
    return size


@right("output-size")
def again_and_again(size, layers):
    if not layers:
        return size
    (kernel, padding, stride), *others = layers
    return again_and_again(math.floor((size + 2 * padding - kernel) / stride + 1), others)


@right("output-size")
def by_reduce(size, layers):
    return functools.reduce(
        lambda n, one: (n - one[0] + 2 * one[1] + one[2]) // one[2], layers, size
    )


@right("output-size")
def by_counting_places(size, layers):
    for kernel, padding, stride in layers:
        size = len(range(-padding, size + padding - kernel + 1, stride))
    return size


@wrong("output-size")
def rounded_to_the_nearest(size, layers):
    for kernel, padding, stride in layers:
        size = round((size + 2 * padding - kernel) / stride + 1)
    return size


@wrong("output-size", "type")
def a_list_of_sizes(size, layers):
    sizes = [size]
    for kernel, padding, stride in layers:
        sizes.append((sizes[-1] + 2 * padding - kernel) // stride + 1)
    return sizes


@right("output-size")
def rounded_once_at_the_end(size, layers):
    for layer in layers:
        size = (size + 2 * layer[1] - layer[0]) / layer[2] + 1
    return int(size)


@right("output-size")
def by_trying_it_on_a_row(size, layers):
    row = torch.zeros(1, 1, size)
    for kernel, padding, stride in layers:
        row = F.conv1d(row, torch.ones(1, 1, kernel), stride=stride, padding=padding)
    return row.numel()


@wrong("output-size")
def half_a_kernel_keeps_the_size(size, layers):
    for kernel, padding, stride in layers:
        if padding == kernel // 2:
            size = math.ceil(size / stride)
        else:
            size = (size + 2 * padding - kernel) // stride + 1
    return size


@wrong("output-size")
def kernels_of_1_do_nothing(size, layers):
    for kernel, padding, stride in layers:
        if kernel > 1:
            size = (size + 2 * padding - kernel) // stride + 1
    return size


@wrong("output-size")
def ends_when_the_kernel_is_larger(size, layers):
    for kernel, padding, stride in layers:
        if kernel > size:
            break
        size = (size + 2 * padding - kernel) // stride + 1
    return size


# --- strided-correlation ------------------------------------------------------------------

further(
    "strided-correlation",
    Case((wavy(6, 9), wavy(3, 2), 2)),
    Case((wavy(8, 5), wavy(2, 3), 2)),
    Case((wavy(5, 11), wavy(2, 4), 3)),
    Case((wavy(4, 6), wavy(3, 3), 1)),
    Case((wavy(7, 9), wavy(2, 2), 4)),
    Case((wavy(2, 3), wavy(2, 3), 2)),
)


def correlate(image, kernel, stride):
    return F.conv2d(image[None, None], kernel[None, None], stride=stride)[0, 0]


@wrong("strided-correlation", "flipped kernel")
def kernel_turned_round(image, kernel, stride):
    return correlate(image, kernel.flip((0, 1)), stride)


@wrong("strided-correlation", "stride ignored")
def every_place(image, kernel, stride):
    return correlate(image, kernel, 1)


@wrong("strided-correlation", "output too large")
def room_for_every_place(image, kernel, stride):
    h, w = kernel.shape
    output = torch.zeros(image.shape[0] - h + 1, image.shape[1] - w + 1)
    for i, top in enumerate(range(0, image.shape[0] - h + 1, stride)):
        for j, left in enumerate(range(0, image.shape[1] - w + 1, stride)):
            output[i, j] = (image[top : top + h, left : left + w] * kernel).sum()
    return output


@wrong("strided-correlation", "output too small")
def one_not_added_to_the_size(image, kernel, stride):
    h, w = kernel.shape
    rows, columns = (image.shape[0] - h) // stride, (image.shape[1] - w) // stride
    output = torch.zeros(rows, columns)
    for i in range(rows):
        for j in range(columns):
            patch = image[i * stride : i * stride + h, j * stride : j * stride + w]
            output[i, j] = (patch * kernel).sum()
    return output


@wrong("strided-correlation", "neighbouring patches")
def patches_side_by_side(image, kernel, stride):
    h, w = kernel.shape
    rows, columns = (image.shape[0] - h) // stride + 1, (image.shape[1] - w) // stride + 1
    output = torch.zeros(rows, columns)
    for i in range(rows):
        for j in range(columns):
            output[i, j] = (image[i : i + h, j : j + w] * kernel).sum()
    return output


@wrong("strided-correlation", "first row alone")
def returns_after_a_row(image, kernel, stride):
    h, w = kernel.shape
    output = torch.zeros((image.shape[0] - h) // stride + 1, (image.shape[1] - w) // stride + 1)
    for i in range(output.shape[0]):
        for j in range(output.shape[1]):
            patch = image[i * stride : i * stride + h, j * stride : j * stride + w]
            output[i, j] = (patch * kernel).sum()
        return output


@wrong("strided-correlation", "first place alone")
def returns_after_a_place(image, kernel, stride):
    h, w = kernel.shape
    output = torch.zeros((image.shape[0] - h) // stride + 1, (image.shape[1] - w) // stride + 1)
    for i in range(output.shape[0]):
        for j in range(output.shape[1]):
            patch = image[i * stride : i * stride + h, j * stride : j * stride + w]
            output[i, j] = (patch * kernel).sum()
            return output


@wrong("strided-correlation", "transposed output")
def rows_and_columns_of_the_output_swapped(image, kernel, stride):
    return correlate(image, kernel, stride).T


@wrong("strided-correlation", "the largest product")
def maximum_of_the_products(image, kernel, stride):
    h, w = kernel.shape
    rows, columns = (image.shape[0] - h) // stride + 1, (image.shape[1] - w) // stride + 1
    output = torch.zeros(rows, columns)
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            output[i, j] = (image[top : top + h, left : left + w] * kernel).max()
    return output


@wrong("strided-correlation", "mean instead of sum")
def mean_of_the_products(image, kernel, stride):
    return correlate(image, kernel / kernel.numel(), stride)


@wrong("strided-correlation", "stride for the rows alone")
def stride_for_rows_alone(image, kernel, stride):
    return correlate(image, kernel, (stride, 1))


@wrong("strided-correlation", "padding added")
def padded(image, kernel, stride):
    return F.conv2d(image[None, None], kernel[None, None], stride=stride, padding=1)[0, 0]


@wrong("strided-correlation", "kernel not used")
def patches_added_up_without_the_kernel(image, kernel, stride):
    return correlate(image, torch.ones_like(kernel), stride)


@wrong("strided-correlation", "shape")
def with_the_axes_of_a_batch(image, kernel, stride):
    return F.conv2d(image[None, None], kernel[None, None], stride=stride)


@right("strided-correlation")
def every_place_then_a_slice(image, kernel, stride):
    return correlate(image, kernel, 1)[::stride, ::stride]


@right("strided-correlation")
def by_unfold(image, kernel, stride):
    h, w = kernel.shape
    patches = image.unfold(0, h, stride).unfold(1, w, stride)
    return torch.einsum("ijhw,hw->ij", patches, kernel)


@right("strided-correlation")
def by_lists(image, kernel, stride):
    h, w = kernel.shape
    return torch.tensor(
        [
            [
                (image[top : top + h, left : left + w] * kernel).sum().item()
                for left in range(0, image.shape[1] - w + 1, stride)
            ]
            for top in range(0, image.shape[0] - h + 1, stride)
        ]
    )


@wrong("strided-correlation")
def kernels_are_square(image, kernel, stride):
    side = kernel.shape[0]
    patches = image.unfold(0, side, stride).unfold(1, side, stride)
    return (patches * kernel).sum(dim=(2, 3))


@wrong("strided-correlation", "type")
def numpy_handed_back(image, kernel, stride):
    return correlate(image, kernel, stride).numpy()


@wrong("strided-correlation", "stride for the columns alone")
def every_row(image, kernel, stride):
    return correlate(image, kernel, 1)[:, ::stride]


@right("strided-correlation")
def patches_as_columns(image, kernel, stride):
    columns = F.unfold(image[None, None], kernel.shape, stride=stride)[0]
    rows = (image.shape[0] - kernel.shape[0]) // stride + 1
    return (kernel.flatten() @ columns).reshape(rows, -1)


@right("strided-correlation")
def numpy_s_windows(image, kernel, stride):
    windows = numpy.lib.stride_tricks.sliding_window_view(image.numpy(), tuple(kernel.shape))
    return torch.from_numpy((windows[::stride, ::stride] * kernel.numpy()).sum(axis=(-1, -2)))


@right("strided-correlation")
def weight_by_weight(image, kernel, stride):
    h, w = kernel.shape
    rows, columns = (image.shape[0] - h) // stride + 1, (image.shape[1] - w) // stride + 1
    output = image.new_zeros(rows, columns)
    for r in range(h):
        for c in range(w):
            reached = image[r : r + rows * stride : stride, c : c + columns * stride : stride]
            output += kernel[r, c] * reached[:rows, :columns]
    return output


@wrong("strided-correlation")
def no_gaps_between_patches(image, kernel, stride):
    steps = tuple(min(stride, side) for side in kernel.shape)
    return F.conv2d(image[None, None], kernel[None, None], stride=steps)[0, 0]


@wrong("strided-correlation", "shape")
def one_place_is_no_table(image, kernel, stride):
    return correlate(image, kernel, stride).squeeze()


@wrong("strided-correlation")
def a_table_of_whole_numbers(image, kernel, stride):
    return correlate(image, kernel, stride).long().float()


# --- output-channels ----------------------------------------------------------------------

further(
    "output-channels",
    Case((wavy(3, 4, 6), wavy(2, 3, 3, 2), torch.tensor([0.5, -2.0]))),
    Case((wavy(2, 5, 4), wavy(4, 2, 2, 2), torch.tensor([1.0, 0.0, -1.0, 3.0]))),
    Case((wavy(1, 3, 5), wavy(3, 1, 1, 3), torch.tensor([0.25, 2.0, -4.0]))),
    Case((wavy(2, 1, 3), wavy(3, 2, 1, 1), torch.tensor([1.0, 2.0, 0.0]))),
)


def layer(images, kernels, biases=None):
    return F.conv2d(images[None], kernels, biases)[0]


@wrong("output-channels", "bias forgotten")
def biases_forgotten(images, kernels, biases):
    return layer(images, kernels)


@wrong("output-channels", "bias added for every input channel")
def bias_for_each_input_channel(images, kernels, biases):
    return layer(images, kernels, biases * len(images))


@wrong("output-channels", "one output channel")
def first_stack_alone(images, kernels, biases):
    return layer(images, kernels[:1], biases[:1])[0]


@wrong("output-channels", "first input channel alone")
def first_channel_alone(images, kernels, biases):
    return layer(images[:1], kernels[:, :1], biases)


@wrong("output-channels", "input channels averaged")
def channels_averaged(images, kernels, biases):
    return layer(images, kernels / len(images), biases)


@wrong("output-channels", "output channels added")
def feature_maps_added_up(images, kernels, biases):
    return layer(images, kernels, biases).sum(dim=0)


@wrong("output-channels", "channels last")
def channels_last(images, kernels, biases):
    return layer(images, kernels, biases).permute(1, 2, 0)


@wrong("output-channels", "flipped kernels")
def kernels_turned_round(images, kernels, biases):
    return layer(images, kernels.flip((2, 3)), biases)


@wrong("output-channels", "bias multiplied")
def biases_multiplied(images, kernels, biases):
    return layer(images, kernels) * biases[:, None, None]


@wrong("output-channels", "first bias everywhere")
def first_bias_for_all(images, kernels, biases):
    return layer(images, kernels) + biases[0]


@wrong("output-channels", "biases added up")
def biases_added_up(images, kernels, biases):
    return layer(images, kernels) + biases.sum()


@wrong("output-channels", "padding added")
def maps_padded(images, kernels, biases):
    return F.conv2d(images[None], kernels, biases, padding=1)[0]


@wrong("output-channels", "shape")
def batch_axis_left(images, kernels, biases):
    return F.conv2d(images[None], kernels, biases)


@right("output-channels")
def by_torch(images, kernels, biases):
    return layer(images, kernels, biases)


@right("output-channels")
def by_patches(images, kernels, biases):
    h, w = kernels.shape[2:]
    patches = images.unfold(1, h, 1).unfold(2, w, 1)  # C, rows, columns, h, w
    return torch.einsum("cijhw,kchw->kij", patches, kernels) + biases[:, None, None]


@right("output-channels")
def place_by_place(images, kernels, biases):
    count, _, h, w = kernels.shape
    maps = torch.empty(count, images.shape[1] - h + 1, images.shape[2] - w + 1)
    for k in range(count):
        for i in range(maps.shape[1]):
            for j in range(maps.shape[2]):
                patch = images[:, i : i + h, j : j + w]
                maps[k, i, j] = (patch * kernels[k]).sum() + biases[k]
    return maps


@wrong("output-channels", "graph")
def a_layer_of_torch_s(images, kernels, biases):
    conv = torch.nn.Conv2d(kernels.shape[1], kernels.shape[0], tuple(kernels.shape[2:]))
    conv.weight.data, conv.bias.data = kernels.clone(), biases.clone()
    return conv(images)


@wrong("output-channels")
def channels_added_before(images, kernels, biases):
    return layer(images.sum(dim=0, keepdim=True), kernels.sum(dim=1, keepdim=True), biases)


@wrong("output-channels", "type")
def a_list_of_maps(images, kernels, biases):
    return list(layer(images, kernels, biases))


@right("output-channels")
@torch.no_grad()
def a_layer_without_gradients(images, kernels, biases):
    conv = torch.nn.Conv2d(kernels.shape[1], len(kernels), tuple(kernels.shape[2:]))
    conv.weight.copy_(kernels)
    conv.bias.copy_(biases)
    return conv(images)


@right("output-channels")
def patches_as_columns_of_all_channels(images, kernels, biases):
    columns = F.unfold(images[None], kernels.shape[2:])[0]
    maps = kernels.flatten(1) @ columns + biases[:, None]
    return maps.unflatten(1, (images.shape[1] - kernels.shape[2] + 1, -1))


@right("output-channels")
def channel_by_channel(images, kernels, biases):
    def correlate_one(image, kernel):
        return F.conv2d(image[None, None], kernel[None, None])[0, 0]

    return torch.stack(
        [
            sum(correlate_one(*pair) for pair in zip(images, stack, strict=True)) + bias
            for stack, bias in zip(kernels, biases, strict=True)
        ]
    )


@wrong("output-channels", "shape")
def one_map_is_no_stack(images, kernels, biases):
    return layer(images, kernels, biases).squeeze()


@wrong("output-channels", "value")
def biases_never_negative(images, kernels, biases):
    return layer(images, kernels, biases.relu())


# --- kernel-gradient ------------------------------------------------------------------------

further(
    "kernel-gradient",
    Case((wavy(5, 4), wavy(2, 3), wavy(4, 2).flip(0))),
    Case((wavy(3, 7), wavy(3, 2), wavy(1, 6) + 1)),
    Case((wavy(4, 4), wavy(1, 1), wavy(4, 4) - 2)),
    Case((torch.tensor([[2.0, 4.0]]), torch.tensor([[0.5]]), torch.tensor([[1.0, 2.0]]))),
)


def answers_of(image, kernel):
    return F.conv2d(image[None, None], kernel[None, None])[0, 0]


def gradient_of(loss, image, kernel, targets):
    weights = kernel.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(answers_of(image, weights), targets), weights)
    return gradient


@wrong("kernel-gradient", "sum instead of mean")
def sum_for_the_mean(image, kernel, targets):
    return gradient_of(lambda a, t: ((a - t) ** 2).sum(), image, kernel, targets)


@wrong("kernel-gradient", "2 forgotten")
def factor_2_forgotten(image, kernel, targets):
    difference = answers_of(image, kernel) - targets
    return answers_of(image, difference) / difference.numel()


@wrong("kernel-gradient", "sign turned")
def sign_turned(image, kernel, targets):
    difference = targets - answers_of(image, kernel)
    return 2 * answers_of(image, difference) / difference.numel()


@wrong("kernel-gradient", "difference not squared")
def difference_not_squared(image, kernel, targets):
    return gradient_of(lambda a, t: (a - t).mean(), image, kernel, targets)


@wrong("kernel-gradient", "absolute difference")
def absolute_difference(image, kernel, targets):
    return gradient_of(lambda a, t: (a - t).abs().mean(), image, kernel, targets)


@wrong("kernel-gradient", "targets forgotten")
def targets_forgotten(image, kernel, targets):
    return gradient_of(lambda a, t: (a**2).mean(), image, kernel, targets)


@wrong("kernel-gradient", "divided by the weights")
def divided_by_the_weights(image, kernel, targets):
    difference = answers_of(image, kernel) - targets
    return 2 * answers_of(image, difference) / kernel.numel()


@wrong("kernel-gradient", "gradient of the image")
def gradient_of_the_image(image, kernel, targets):
    pixels = image.clone().requires_grad_()
    ((answers_of(pixels, kernel) - targets) ** 2).mean().backward()
    return pixels.grad


@wrong("kernel-gradient")
def a_step_already(image, kernel, targets):
    gradient = gradient_of(lambda a, t: ((a - t) ** 2).mean(), image, kernel, targets)
    return kernel - 0.1 * gradient


@wrong("kernel-gradient", "the loss")
def the_loss(image, kernel, targets):
    return ((answers_of(image, kernel) - targets) ** 2).mean()


@wrong("kernel-gradient", "graph")
def graph_kept(image, kernel, targets):
    weights = kernel.clone().requires_grad_()
    loss = ((answers_of(image, weights) - targets) ** 2).mean()
    return torch.autograd.grad(loss, weights, create_graph=True)[0]


@wrong("kernel-gradient", "twice as large")
def two_calls_pile_up(image, kernel, targets):
    weights = kernel.clone().requires_grad_()
    for _ in range(2):
        ((answers_of(image, weights) - targets) ** 2).mean().backward()
    return weights.grad


@wrong("kernel-gradient", "changed")
def the_kernel_moves(image, kernel, targets):
    gradient = gradient_of(lambda a, t: ((a - t) ** 2).mean(), image, kernel, targets)
    kernel -= 0.1 * gradient
    return gradient


@wrong("kernel-gradient", "changed")
def asks_the_kernel_itself(image, kernel, targets):
    kernel.requires_grad_()
    ((answers_of(image, kernel) - targets) ** 2).mean().backward()
    return kernel.grad


@wrong("kernel-gradient", "changed")
def asks_the_kernel_and_leaves_the_gradient(image, kernel, targets):
    kernel.requires_grad_()
    ((answers_of(image, kernel) - targets) ** 2).mean().backward()
    kernel.requires_grad_(False)
    return kernel.grad


@right("kernel-gradient")
def by_autograd(image, kernel, targets):
    return gradient_of(F.mse_loss, image, kernel, targets)


@right("kernel-gradient")
def by_hand(image, kernel, targets):
    difference = answers_of(image, kernel) - targets
    return 2 * answers_of(image, difference) / targets.numel()


@right("kernel-gradient")
def by_small_steps(image, kernel, targets):
    image, targets = image.double(), targets.double()
    gradient, weights, step = torch.zeros(kernel.shape), kernel.double(), 1e-5
    for place in range(kernel.numel()):
        nudge = torch.zeros(kernel.numel(), dtype=torch.float64)
        nudge[place] = step
        more, less = weights + nudge.reshape(kernel.shape), weights - nudge.reshape(kernel.shape)
        rise = F.mse_loss(answers_of(image, more), targets)
        slope = (rise - F.mse_loss(answers_of(image, less), targets)) / (2 * step)
        gradient.view(-1)[place] = slope
    return gradient


@wrong("kernel-gradient", "raised")
def nothing_kept_track_of(image, kernel, targets):
    ((answers_of(image, kernel) - targets) ** 2).mean().backward()
    return kernel.grad


@wrong("kernel-gradient", "type")
def not_a_leaf(image, kernel, targets):
    weights = 1 * kernel.clone().requires_grad_()
    ((answers_of(image, weights) - targets) ** 2).mean().backward()
    return weights.grad


@wrong("kernel-gradient")
def root_of_the_mean(image, kernel, targets):
    return gradient_of(lambda a, t: ((a - t) ** 2).mean().sqrt(), image, kernel, targets)


@right("kernel-gradient")
def by_torch_s_convolution_rule(image, kernel, targets):
    errors = answers_of(image, kernel) - targets
    shape = (1, 1, *kernel.shape)
    whole = torch.nn.grad.conv2d_weight(image[None, None], shape, 2 * errors[None, None])
    return whole[0, 0] / errors.numel()


@right("kernel-gradient")
def by_a_function_of_the_kernel(image, kernel, targets):
    def loss(weights):
        return ((answers_of(image, weights) - targets) ** 2).mean()

    return torch.func.grad(loss)(kernel)


@right("kernel-gradient")
def weight_by_weight_in_numpy(image, kernel, targets):
    pixels, errors = image.numpy(), (answers_of(image, kernel) - targets).numpy()
    rows, columns = errors.shape
    gradient = [
        [
            2 * (errors * pixels[r : r + rows, c : c + columns]).mean()
            for c in range(kernel.shape[1])
        ]
        for r in range(kernel.shape[0])
    ]
    return torch.tensor(gradient, dtype=torch.float32)


@wrong("kernel-gradient")
def a_row_for_a_table(image, kernel, targets):
    weights = kernel.clone().requires_grad_()
    loss = ((answers_of(image, weights) - targets) ** 2).mean()
    return torch.autograd.grad(loss, weights)[0].squeeze()


# --- average-pooling ----------------------------------------------------------------------

further(
    "average-pooling",
    Case((wavy(6, 9), 3, 2)),
    Case((wavy(7, 5), 2, 3)),
    Case((wavy(5, 8), 3, 1)),
    Case((wavy(8, 8), 2, 2)),
    Case((wavy(5, 7), 1, 3)),
    Case((wavy(2, 2), 2, 1)),
)


def pool(image, size, stride, **settings):
    return F.avg_pool2d(image[None, None], size, stride, **settings)[0, 0]


@wrong("average-pooling", "the largest instead of the mean")
def the_maximum(image, size, stride):
    return F.max_pool2d(image[None, None], size, stride)[0, 0]


@wrong("average-pooling", "the sum instead of the mean")
def the_sum(image, size, stride):
    return pool(image, size, stride) * size**2


@wrong("average-pooling", "divided by one side")
def divided_by_the_side(image, size, stride):
    return pool(image, size, stride) * size


@wrong("average-pooling", "divided by the stride")
def divided_by_the_stride_squared(image, size, stride):
    return pool(image, size, stride) * size**2 / stride**2


@wrong("average-pooling", "moved by its size")
def moves_by_its_own_size(image, size, stride):
    return pool(image, size, size)


@wrong("average-pooling", "stride ignored")
def moves_pixel_by_pixel(image, size, stride):
    return pool(image, size, 1)


@wrong("average-pooling", "rounded up")
def windows_over_the_edge(image, size, stride):
    return pool(image, size, stride, ceil_mode=True)


@wrong("average-pooling", "one window short")
def one_window_too_few(image, size, stride):
    rows, columns = (image.shape[0] - size) // stride, (image.shape[1] - size) // stride
    return pool(image, size, stride)[:rows, :columns]


@wrong("average-pooling", "first row alone")
def returns_after_a_row_of_windows(image, size, stride):
    rows, columns = ((side - size) // stride + 1 for side in image.shape)
    output = torch.zeros(rows, columns)
    for r in range(rows):
        for c in range(columns):
            window = image[r * stride : r * stride + size, c * stride : c * stride + size]
            output[r, c] = window.mean()
        return output


@wrong("average-pooling", "size and stride swapped")
def size_and_stride_swapped(image, size, stride):
    return pool(image, stride, size)


@wrong("average-pooling", "transposed output")
def height_and_width_of_the_output_swapped(image, size, stride):
    return pool(image, size, stride).T


@wrong("average-pooling", "median instead of mean")
def the_middle_value(image, size, stride):
    return image.unfold(0, size, stride).unfold(1, size, stride).flatten(2).median(dim=2).values


@wrong("average-pooling")
def rounded_down(image, size, stride):
    return pool(image, size, stride).floor()


@wrong("average-pooling", "windows side by side")
def windows_not_moved_by_the_stride(image, size, stride):
    rows, columns = pool(image, size, stride).shape
    return pool(image, size, 1)[:rows, :columns]


@right("average-pooling")
def by_torch_s_pooling(image, size, stride):
    return pool(image, size, stride)


@right("average-pooling")
def windows_by_unfold(image, size, stride):
    return image.unfold(0, size, stride).unfold(1, size, stride).mean(dim=(2, 3))


@right("average-pooling")
def as_a_convolution(image, size, stride):
    kernel = torch.full((1, 1, size, size), 1 / size**2)
    return F.conv2d(image[None, None], kernel, stride=stride)[0, 0]


@right("average-pooling")
def window_by_window(image, size, stride):
    rows = []
    for top in range(0, image.shape[0] - size + 1, stride):
        row = []
        for left in range(0, image.shape[1] - size + 1, stride):
            row.append(image[top : top + size, left : left + size].sum() / (size * size))
        rows.append(torch.stack(row))
    return torch.stack(rows)


@wrong("average-pooling")
def images_are_square(image, size, stride):
    side = (image.shape[0] - size) // stride + 1
    output = torch.zeros(side, side)
    for r in range(side):
        for c in range(side):
            window = image[r * stride : r * stride + size, c * stride : c * stride + size]
            output[r, c] = window.mean()
    return output


@wrong("average-pooling", "shape")
def one_mean_of_all(image, size, stride):
    return pool(image, size, stride).mean()


@right("average-pooling")
def by_sums_of_all_before(image, size, stride):
    sums = F.pad(image, (1, 0, 1, 0)).double().cumsum(0).cumsum(1)
    below, above = sums[size:], sums[:-size]
    totals = below[:, size:] - below[:, :-size] - above[:, size:] + above[:, :-size]
    return (totals[::stride, ::stride] / size**2).float()


@right("average-pooling")
def means_of_numpy_s_windows(image, size, stride):
    windows = numpy.lib.stride_tricks.sliding_window_view(image.numpy(), (size, size))
    return torch.tensor(windows.mean(axis=(2, 3)))[::stride, ::stride]


@right("average-pooling")
def a_module_called(image, size, stride):
    return torch.nn.AvgPool2d(kernel_size=size, stride=stride)(image[None])[0]


@wrong("average-pooling")
def a_window_of_1_changes_nothing(image, size, stride):
    if size == 1:
        return image.clone()
    return pool(image, size, stride=stride)


@wrong("average-pooling", "shape")
def one_window_is_no_table(image, size, stride):
    return pool(image, size, stride=stride).squeeze()


# --- kernel-experiment --------------------------------------------------------------------

experiment_answers("kernel-experiment", {"learning_rate": 0.1, "images": 8, "noise": 0.25})
