"""The exercises of lesson 02: convolution and pooling."""

import math

import torch
from torch.nn import functional as F

from mnist_course.checks.exercise import Case, Exercise, Mistake, numbers

# --- 02.1 ---------------------------------------------------------------------------------


def size_after(size, layers):
    for kernel, padding, stride in layers:
        size = (size + 2 * padding - kernel) // stride + 1
    return size


def _rounded_up(size, layers):
    for kernel, padding, stride in layers:
        size = math.ceil((size + 2 * padding - kernel) / stride) + 1
    return size


def _one_short(size, layers):
    for kernel, padding, stride in layers:
        size = (size + 2 * padding - kernel) // stride
    return size


def _padded_once(size, layers):
    for kernel, padding, stride in layers:
        size = (size + padding - kernel) // stride + 1
    return size


def _last_layer_alone(size, layers):
    return size_after(size, layers[-1:])


def _first_layer_alone(size, layers):
    return size_after(size, layers[:1])


def _without_stride(size, layers):
    return size_after(size, [(kernel, padding, 1) for kernel, padding, _ in layers])


def _divided_first(size, layers):
    for kernel, padding, stride in layers:
        size = size // stride + 2 * padding - kernel + 1
    return size


def _kernel_divided(size, layers):
    for kernel, padding, stride in layers:
        size = size + 2 * padding - kernel // stride + 1
    return size


def _no_padding(size, layers):
    return size_after(size, [(kernel, 0, stride) for kernel, _, stride in layers])


def _one_added_early(size, layers):
    for kernel, padding, stride in layers:
        size = (size + 2 * padding - kernel + 1) // stride
    return size


def _last_layer_first(size, layers):
    return size_after(size, layers[::-1])


def _settings_read_as_stride_and_padding(size, layers):
    return size_after(size, [(kernel, padding, stride) for kernel, stride, padding in layers])


OUTPUT_SIZE = Exercise(
    name="output-size",
    number="02.1",
    title="The size after several layers",
    points=1,
    paragraph="4. Padding, stride, output size",
    reference=size_after,
    cases=(
        Case((28, [(5, 2, 1), (2, 0, 2)])),
        Case((28, [(5, 0, 2), (3, 1, 2), (3, 1, 1)])),
        Case((9, [(2, 0, 2)])),
        Case((15, [(4, 1, 3), (2, 0, 1)])),
        Case((6, [(3, 1, 2), (1, 0, 1), (2, 1, 2)])),
        Case((10, [])),
    ),
    mistakes=(
        Mistake(
            "rounded up",
            _rounded_up,
            "You round up where the formula rounds down. A kernel that would stand half outside "
            "has no place.",
        ),
        Mistake(
            "+ 1 forgotten",
            _one_short,
            "Each layer comes out one too small. Look at the end of the formula.",
        ),
        Mistake(
            "padding on one side",
            _padded_once,
            "Padding puts zeros on both sides, so it counts twice.",
        ),
        Mistake(
            "the last layer alone",
            _last_layer_alone,
            "Your result is that of the last layer alone. Each layer gets what the layer before "
            "it leaves, not the first size.",
        ),
        Mistake(
            "the first layer alone",
            _first_layer_alone,
            "Your result is that of the first layer. Is there a `return` inside the loop?",
        ),
        Mistake(
            "return inside the loop",
            lambda size, layers: size_after(size, layers[:1]) if layers else None,
            "The loop ends in its first turn, and without layers nothing is returned. Is there a "
            "`return` inside the loop?",
        ),
        Mistake(
            "brackets forgotten",
            _kernel_divided,
            "Python divides before it subtracts, so only the kernel is divided. Brackets: "
            "`(size + 2 * padding - kernel) // stride`.",
        ),
        Mistake(
            "stride ignored",
            _without_stride,
            "The stride is not used: with stride 2 about half of the places are left.",
        ),
        Mistake(
            "divided too early",
            _divided_first,
            "You divide the size alone by the stride. The formula divides the whole of "
            "size + 2 · padding − kernel: brackets.",
        ),
        Mistake(
            "padding ignored",
            _no_padding,
            "The padding is not used.",
        ),
        Mistake(
            "1 added too early",
            _one_added_early,
            "You add the 1 before dividing. In the formula it comes last, after the rounding.",
        ),
        Mistake(
            "layers in reverse",
            _last_layer_first,
            "The layers are taken in reverse. The first of the list stands next to the image.",
        ),
        Mistake(
            "padding and stride swapped",
            _settings_read_as_stride_and_padding,
            "Padding and stride are swapped: a layer is (kernel, padding, stride), in this order.",
        ),
    ),
    hints=(
        "The formula of [the output size](4. Padding, stride, output size) gives the size after "
        "one layer. Do it for one layer on paper first.",
        "What leaves one layer enters the next: a loop over the layers, and one variable for the "
        "size, which changes in each turn.",
        "`for kernel, padding, stride in layers:` takes the layers apart. `//` divides and rounds "
        "down in one step.",
    ),
)

# --- 02.2 ---------------------------------------------------------------------------------


def strided_correlation(image, kernel, stride):
    return F.conv2d(image[None, None], kernel[None, None], stride=stride)[0, 0]


def _flipped(image, kernel, stride):
    return strided_correlation(image, kernel.flip(0, 1), stride)


def _transposed_kernel(image, kernel, stride):
    return strided_correlation(image, kernel.T, stride)


def _every_place(image, kernel, stride):
    return strided_correlation(image, kernel, 1)


def _neighbouring_patches(image, kernel, stride):
    rows, columns = strided_correlation(image, kernel, stride).shape
    return strided_correlation(image, kernel, 1)[:rows, :columns]


def _output_too_large(image, kernel, stride):
    right = strided_correlation(image, kernel, stride)
    output = torch.zeros_like(strided_correlation(image, kernel, 1))
    output[: right.shape[0], : right.shape[1]] = right
    return output


def _output_too_small(image, kernel, stride):
    rows = (image.shape[0] - kernel.shape[0]) // stride
    columns = (image.shape[1] - kernel.shape[1]) // stride
    return strided_correlation(image, kernel, stride)[:rows, :columns]


def _mean_of_products(image, kernel, stride):
    return strided_correlation(image, kernel, stride) / kernel.numel()


def _transposed_output(image, kernel, stride):
    return strided_correlation(image, kernel, stride).T


def _largest_product(image, kernel, stride):
    windows = image.unfold(0, kernel.shape[0], stride).unfold(1, kernel.shape[1], stride)
    return (windows * kernel).amax(dim=(2, 3))


def _with_strides(image, kernel, rows, columns):
    return F.conv2d(image[None, None], kernel[None, None], stride=(rows, columns))[0, 0]


def _stride_down_alone(image, kernel, stride):
    return _with_strides(image, kernel, stride, 1)


def _stride_to_the_right_alone(image, kernel, stride):
    return _with_strides(image, kernel, 1, stride)


def _padded(image, kernel, stride):
    return F.conv2d(image[None, None], kernel[None, None], stride=stride, padding=1)[0, 0]


def _kernel_unused(image, kernel, stride):
    return strided_correlation(image, torch.ones_like(kernel), stride)


def _first_row_alone(image, kernel, stride):
    output = strided_correlation(image, kernel, stride)
    output[1:] = 0
    return output


def _first_place_alone(image, kernel, stride):
    output = _first_row_alone(image, kernel, stride)
    output[:, 1:] = 0
    return output


STRIDED_CORRELATION = Exercise(
    name="strided-correlation",
    number="02.2",
    title="Correlation with stride",
    points=2,
    paragraph="4. Padding, stride, output size",
    reference=strided_correlation,
    cases=(
        Case((numbers(4, 4), torch.tensor([[0.0, 1.0], [2.0, 3.0]]), 2)),
        Case((numbers(5, 5), numbers(2, 2), 2)),
        Case((numbers(4, 7), numbers(3, 2), 2)),
        Case((numbers(7, 4), numbers(1, 3), 3)),
        Case((numbers(3, 3), numbers(2, 2), 1)),
    ),
    mistakes=(
        Mistake(
            "flipped kernel",
            _flipped,
            "You compute what mathematicians call convolution: your kernel is turned round. "
            "[Correlation](2. Correlation by hand) lays it on the patch as it is.",
        ),
        Mistake(
            "transposed kernel",
            _transposed_kernel,
            "Rows and columns of the kernel are swapped.",
        ),
        Mistake(
            "stride ignored",
            _every_place,
            "The kernel still visits every place. With stride 2 it stands on every second row "
            "and every second column.",
        ),
        Mistake(
            "neighbouring patches",
            _neighbouring_patches,
            "Your output has the right size, but its patches lie one pixel apart. How far apart "
            "should two neighbouring patches begin?",
        ),
        Mistake(
            "output too large",
            _output_too_large,
            "The numbers at the top left are right, and zeros follow: the output is made for "
            "stride 1. The formula of [the output size](4. Padding, stride, output size) helps.",
        ),
        Mistake(
            "output too small",
            _output_too_small,
            "The last row and the last column are missing: the formula of "
            "[the output size](4. Padding, stride, output size) ends with + 1.",
        ),
        Mistake(
            "first row alone",
            _first_row_alone,
            "The first row of the output is right, and zeros follow. Is there a `return` inside "
            "the loop over the rows?",
        ),
        Mistake(
            "first place alone",
            _first_place_alone,
            "The first number of the output is right, and zeros follow. Is there a `return` inside "
            "the loops?",
        ),
        Mistake(
            "mean instead of sum",
            _mean_of_products,
            "Add the products up; you take their mean.",
        ),
        Mistake(
            "transposed output",
            _transposed_output,
            "Rows and columns of the output are swapped.",
        ),
        Mistake(
            "the largest product",
            _largest_product,
            "You keep the largest product of each patch. Add the products up.",
        ),
        Mistake(
            "stride for the rows alone",
            _stride_down_alone,
            "The kernel takes its steps downwards, but to the right it visits every place.",
        ),
        Mistake(
            "stride for the columns alone",
            _stride_to_the_right_alone,
            "The kernel takes its steps to the right, but downwards it visits every place.",
        ),
        Mistake(
            "padding added",
            _padded,
            "You put zeros around the image. Here there is no padding.",
        ),
        Mistake(
            "kernel not used",
            _kernel_unused,
            "You add up the pixels of each patch. Multiply them by the kernel before.",
        ),
    ),
    hints=(
        "Begin with `corr2d` of [section 2](2. Correlation by hand). Two things change: the size "
        "of the output, and where each patch begins.",
        "In the formula of [the output size](4. Padding, stride, output size) padding is 0 here. "
        "Use it for the rows and, apart from them, for the columns.",
        "Which image row does output row 1 begin at with stride 2? And output row 2? The same "
        "goes for columns.",
    ),
)

# --- 02.3 ---------------------------------------------------------------------------------


def convolve(images, kernels, biases):
    return F.conv2d(images[None], kernels, biases)[0]


def _no_bias(images, kernels, biases):
    return F.conv2d(images[None], kernels)[0]


def _bias_in_every_channel(images, kernels, biases):
    return F.conv2d(images[None], kernels, biases * len(images))[0]


def _first_channel_alone(images, kernels, biases):
    return F.conv2d(images[None, :1], kernels[:, :1], biases)[0]


def _channels_averaged(images, kernels, biases):
    return F.conv2d(images[None], kernels / len(images), biases)[0]


def _first_kernel_alone(images, kernels, biases):
    return F.conv2d(images[None], kernels[:1].expand_as(kernels), biases)[0]


def _outputs_added(images, kernels, biases):
    return F.conv2d(images[None], kernels, biases)[0].sum(dim=0)


def _flipped_kernels(images, kernels, biases):
    return F.conv2d(images[None], kernels.flip(2, 3), biases)[0]


def _first_bias_everywhere(images, kernels, biases):
    return F.conv2d(images[None], kernels, biases[:1].expand_as(biases))[0]


def _channels_at_the_end(images, kernels, biases):
    return convolve(images, kernels, biases).permute(1, 2, 0)


def _bias_multiplied(images, kernels, biases):
    return _no_bias(images, kernels, biases) * biases[:, None, None]


def _convolve_padded(images, kernels, biases):
    return F.conv2d(images[None], kernels, biases, padding=1)[0]


def _one_map(images, kernels, biases):
    return convolve(images, kernels, biases)[0]


def _all_biases_added(images, kernels, biases):
    return _no_bias(images, kernels, biases) + biases.sum()


OUTPUT_CHANNELS = Exercise(
    name="output-channels",
    number="02.3",
    title="Several output channels",
    points=2,
    paragraph="5. Several channels",
    reference=convolve,
    cases=(
        Case((numbers(2, 3, 3), numbers(2, 2, 2, 2), torch.tensor([1.0, -2.0]))),
        Case((numbers(3, 4, 5), numbers(2, 3, 2, 3), torch.tensor([0.5, 3.0]))),
        Case((numbers(2, 5, 4), numbers(4, 2, 3, 1), torch.tensor([2.0, 0.0, -1.0, 4.0]))),
        Case((numbers(1, 3, 3), numbers(1, 1, 3, 3), torch.tensor([2.0]))),
        Case((numbers(3, 2, 2), numbers(2, 3, 1, 1), torch.tensor([1.0, 5.0]))),
    ),
    mistakes=(
        Mistake("bias forgotten", _no_bias, "The biases are not added."),
        Mistake(
            "bias added for every input channel",
            _bias_in_every_channel,
            "The bias is added once for each input channel. It belongs to the output channel: "
            "add it once, after the sum.",
        ),
        Mistake(
            "first bias everywhere",
            _first_bias_everywhere,
            "Every output channel gets the first bias. Each has one of its own.",
        ),
        Mistake(
            "first input channel alone",
            _first_channel_alone,
            "Only the first input channel is looked at. A kernel stack has one table for each "
            "input channel, and the results are added.",
        ),
        Mistake(
            "input channels averaged",
            _channels_averaged,
            "The input channels are averaged. Their results are added.",
        ),
        Mistake(
            "first kernel everywhere",
            _first_kernel_alone,
            "All your output channels come from the first stack of kernels. Each output channel "
            "has a stack of its own.",
        ),
        Mistake(
            "output channels added",
            _outputs_added,
            "You add up the output channels. Only the input channels are added; each stack of "
            "kernels makes a feature map of its own.",
        ),
        Mistake(
            "flipped kernels",
            _flipped_kernels,
            "Your kernels are turned round: [correlation](2. Correlation by hand) lays them on "
            "the patch as they are.",
        ),
        Mistake(
            "channels last",
            _channels_at_the_end,
            "The numbers are right, but the channel is the last axis. It should be the first.",
        ),
        Mistake(
            "bias multiplied",
            _bias_multiplied,
            "The biases are multiplied. A bias is added.",
        ),
        Mistake(
            "padding added",
            _convolve_padded,
            "You put zeros around the images. Here there is no padding.",
        ),
        Mistake(
            "one output channel",
            _one_map,
            "That is the first output channel alone. Is there a `return` inside the loop?",
        ),
        Mistake(
            "biases added up",
            _all_biases_added,
            "Every output channel gets the sum of all biases. Each has one of its own.",
        ),
    ),
    hints=(
        "`corr2d_channels` makes one output channel from one stack of kernels. How many stacks "
        "are there?",
        "The first axis of `kernels` counts the output channels: `kernels[0]` is the first stack "
        "and `biases[0]` its bias.",
        "Make one map for each stack, add its bias, and `torch.stack` the maps.",
    ),
)

# --- 02.4 ---------------------------------------------------------------------------------


def kernel_gradient(image, kernel, targets):
    errors = strided_correlation(image, kernel, 1) - targets
    # each weight meets the part of the image that begins at its own place
    return 2 * strided_correlation(image, errors, 1) / errors.numel()


def _two_forgotten(image, kernel, targets):
    return kernel_gradient(image, kernel, targets) / 2


def _summed_loss(image, kernel, targets):
    return kernel_gradient(image, kernel, targets) * targets.numel()


def _downhill(image, kernel, targets):
    return -kernel_gradient(image, kernel, targets)


def _divided_by_weights(image, kernel, targets):
    return _summed_loss(image, kernel, targets) / kernel.numel()


def _divided_by_pixels(image, kernel, targets):
    return _summed_loss(image, kernel, targets) / image.numel()


def _targets_forgotten(image, kernel, targets):
    return kernel_gradient(image, kernel, torch.zeros_like(targets))


def _turned_round(image, kernel, targets):
    return kernel_gradient(image, kernel, targets).flip(0, 1)


def _steps_taken(image, kernel, targets):
    return kernel - kernel_gradient(image, kernel, targets)


def _gradient_of(image, errors):
    return strided_correlation(image, errors, 1) / errors.numel()


def _not_squared(image, kernel, targets):
    return _gradient_of(image, torch.ones_like(targets))


def _absolute(image, kernel, targets):
    return _gradient_of(image, (strided_correlation(image, kernel, 1) - targets).sign())


def _twice(image, kernel, targets):
    return 2 * kernel_gradient(image, kernel, targets)


def _of_the_image(image, kernel, targets):
    errors = strided_correlation(image, kernel, 1) - targets
    stacked = errors[None, None], kernel[None, None]
    return 2 * F.conv_transpose2d(*stacked)[0, 0] / errors.numel()


def _the_loss(image, kernel, targets):
    return F.mse_loss(strided_correlation(image, kernel, 1), targets)


KERNEL_GRADIENT = Exercise(
    name="kernel-gradient",
    number="02.4",
    title="The gradient of a kernel",
    points=3,
    paragraph="6. A kernel that is learned",
    reference=kernel_gradient,
    cases=(
        Case(
            (
                torch.tensor([[1.0, 2.0], [3.0, 5.0]]),
                torch.tensor([[1.0, 0.0]]),
                torch.tensor([[0.0], [1.0]]),
            )
        ),
        Case((numbers(3, 3), numbers(2, 2), numbers(2, 2) + 1)),
        Case((numbers(4, 5), numbers(3, 2), torch.ones(2, 4))),
        Case((numbers(3, 6), numbers(1, 3), numbers(3, 4) * 2)),
        Case((numbers(2, 2), numbers(2, 2), torch.tensor([[2.0]]))),
    ),
    mistakes=(
        Mistake(
            "2 forgotten",
            _two_forgotten,
            "Your gradient is half as large as it should be. What is the slope of a square?",
        ),
        Mistake(
            "sum instead of mean",
            _summed_loss,
            "This is the gradient of the *sum* of the squared differences. The loss is their mean.",
        ),
        Mistake(
            "sign turned",
            _downhill,
            "Your gradient has the wrong sign. A slope is positive when the loss grows with the "
            "weight; which way to step is decided later.",
        ),
        Mistake(
            "divided by the weights",
            _divided_by_weights,
            "You divide by the number of weights. The mean goes over the numbers of the output.",
        ),
        Mistake(
            "divided by the pixels",
            _divided_by_pixels,
            "You divide by the number of pixels of the image. The mean goes over the numbers of "
            "the output, and the output is smaller.",
        ),
        Mistake(
            "targets forgotten",
            _targets_forgotten,
            "The targets are not used: the loss is about the difference between output and "
            "targets.",
        ),
        Mistake(
            "turned round",
            _turned_round,
            "The right slopes, in the wrong places: first and last are exchanged.",
        ),
        Mistake(
            "a step taken",
            _steps_taken,
            "You return a changed kernel. The gradient alone is asked for.",
        ),
        Mistake(
            "difference not squared",
            _not_squared,
            "This is the gradient of the plain difference. The loss squares it.",
        ),
        Mistake(
            "absolute difference",
            _absolute,
            "This is the gradient of the absolute difference. The loss squares it.",
        ),
        Mistake(
            "twice as large",
            _twice,
            "Your gradient is twice as large as it should be. Is `backward()` called twice? "
            "Without `grad.zero_()` between them torch adds the second gradient to the first.",
        ),
        Mistake(
            "gradient of the image",
            _of_the_image,
            "These are the slopes of the pixels. The kernel's weights are to change, so theirs are "
            "asked for.",
        ),
        Mistake("the loss", _the_loss, "That is the loss itself. Its gradient is asked for."),
    ),
    hints=(
        "Section 6 lets torch compute such a gradient. Which lines of [the loop]"
        "(6. A kernel that is learned) belong to the gradient, and which to the step?",
        "With torch: work on a copy of the kernel that has `requires_grad`, and hand back the "
        "gradient only. By hand: the slope of a square is twice the difference, times the slope of "
        "what is inside.",
        "By hand, for the weight in row r and column c: every output number is that weight times "
        "one pixel, plus other things. Which pixels does it meet, as the kernel slides?",
    ),
    tolerance=0.01,  # differences of the loss itself are a right way, too, but not an exact one
)

# --- 02.5 ---------------------------------------------------------------------------------


def average_pool(image, size, stride):
    return F.avg_pool2d(image[None, None], size, stride)[0, 0]


def _largest(image, size, stride):
    return F.max_pool2d(image[None, None], size, stride)[0, 0]


def _sums(image, size, stride):
    return average_pool(image, size, stride) * size * size


def _moved_by_size(image, size, stride):
    return average_pool(image, size, size)


def _divided_by_side(image, size, stride):
    return average_pool(image, size, stride) * size


def _divided_by_stride(image, size, stride):
    return average_pool(image, size, stride) * size * size / (stride * stride)


def _one_window_short(image, size, stride):
    rows, columns = ((side - size) // stride for side in image.shape)
    return average_pool(image, size, stride)[:rows, :columns]


def _windows_over_the_edge(image, size, stride):
    rows, columns = (-(-side // stride) for side in image.shape)
    windows = [
        image[r * stride : r * stride + size, c * stride : c * stride + size].mean()
        for r in range(rows)
        for c in range(columns)
    ]
    return torch.stack(windows).reshape(rows, columns)


def _windows_side_by_side(image, size, stride):
    rows, columns = average_pool(image, size, stride).shape
    return average_pool(image, size, 1)[:rows, :columns]


def _settings_swapped(image, size, stride):
    return average_pool(image, stride, size)


def _one_pixel_steps(image, size, stride):
    return average_pool(image, size, 1)


def _pooled_transposed(image, size, stride):
    return average_pool(image, size, stride).T


def _ceil_mode(image, size, stride):
    return F.avg_pool2d(image[None, None], size, stride, ceil_mode=True)[0, 0]


def _middle_value(image, size, stride):
    windows = image.unfold(0, size, stride).unfold(1, size, stride)
    return windows.flatten(2).median(dim=2).values


def _first_row_of_windows(image, size, stride):
    output = average_pool(image, size, stride)
    output[1:] = 0
    return output


AVERAGE_POOLING = Exercise(
    name="average-pooling",
    number="02.5",
    title="Average pooling with overlap",
    points=2,
    paragraph="7. Pooling",
    reference=average_pool,
    package=("widgets.pooling.pool",),
    cases=(
        Case((numbers(5, 5), 3, 2)),
        Case((numbers(4, 6), 2, 2)),
        Case((numbers(4, 7), 3, 1)),
        Case((numbers(7, 5), 2, 3)),
        Case((numbers(6, 6), 3, 2)),
    ),
    mistakes=(
        Mistake(
            "the largest instead of the mean",
            _largest,
            "You keep the largest number of each window. Here the mean is asked for.",
        ),
        Mistake("the sum instead of the mean", _sums, "The windows are added up, but not divided."),
        Mistake(
            "moved by its size",
            _moved_by_size,
            "Your window moves by its own size. It should move by `stride`, so that windows may "
            "overlap.",
        ),
        Mistake(
            "windows side by side",
            _windows_side_by_side,
            "Your output has the right size, but its windows lie one pixel apart: where a window "
            "begins depends on the stride.",
        ),
        Mistake(
            "divided by one side",
            _divided_by_side,
            "A mean divides by the number of pixels in the window. How many are in a window of "
            "3 × 3?",
        ),
        Mistake(
            "divided by the stride",
            _divided_by_stride,
            "You divide by the stride times itself. The number of pixels in a window depends on "
            "its size alone.",
        ),
        Mistake(
            "one window short",
            _one_window_short,
            "The last row and column of windows are missing: the formula of "
            "[the output size](4. Padding, stride, output size) ends with + 1.",
        ),
        Mistake(
            "first row alone",
            _first_row_of_windows,
            "The first row of the output is right, and zeros follow. Is there a `return` inside "
            "the loop over the rows?",
        ),
        Mistake(
            "windows over the edge",
            _windows_over_the_edge,
            "Your last windows reach over the edge of the image. Only windows that lie inside "
            "count.",
        ),
        Mistake(
            "size and stride swapped",
            _settings_swapped,
            "Size and stride are swapped: the size is that of the window, the stride that "
            "of its steps.",
        ),
        Mistake(
            "stride ignored",
            _one_pixel_steps,
            "Your window moves pixel by pixel. It should move by `stride` pixels.",
        ),
        Mistake(
            "transposed output",
            _pooled_transposed,
            "Rows and columns of the output are swapped.",
        ),
        Mistake(
            "rounded up",
            _ceil_mode,
            "You round the size of the output up, so the last windows reach over the edge. Only "
            "windows that lie inside the image count.",
        ),
        Mistake(
            "median instead of mean",
            _middle_value,
            "You take the median of each window, the number in the middle. The mean is asked for.",
        ),
    ),
    hints=(
        "Begin with `max_pool2d` of section 7. There the window moves by its size; here it moves "
        "by `stride`.",
        "How many windows fit? The formula of [the output size](4. Padding, stride, output size), "
        "without padding, tells for rows and for columns.",
        "A window is cut out by `image[top : top + size, left : left + size]`. Only where it "
        "begins depends on the stride.",
    ),
)

EXERCISES = (OUTPUT_SIZE, STRIDED_CORRELATION, OUTPUT_CHANNELS, KERNEL_GRADIENT, AVERAGE_POOLING)
