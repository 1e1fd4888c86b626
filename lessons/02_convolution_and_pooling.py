# %% [markdown]
# # 02 Convolution and pooling
#
# A network that reads digits looks for small patterns first: an edge here, a corner there. The
# operation that looks for a pattern everywhere in an image is **convolution**. In this lesson
# you write it yourself, watch what it does to a digit, and see how a pattern can be *learned*.
#
# | | |
# |---|---|
# | **Before this lesson** | [01 Loading data](01_loading_data.ipynb): tensors, shapes, batches |
# | **You will be able to** | compute a convolution by hand and in code · say what a kernel looks for · work out output sizes with padding and stride · handle several channels · learn a kernel by gradient descent · compute max and average pooling and say what pooling forgives |
# | **Running time** | about {{lessons.02.minutes}} min on two CPU cores, without a GPU |

# %%
import time

from mnist_course import data, plots, runtime, widgets
from mnist_course.checks import check, hint

import torch
from torch import nn
from torch.nn import functional as F

runtime.report()
digits = data.load()

# %% [markdown]
# ## 1. Why not look at all pixels at once? {#why-convolution}
#
# The parameters of a network are mostly **weights**: numbers that inputs are multiplied by. A
# **unit** multiplies each of its inputs by a weight and adds up. A digit has 784 pixels, so a unit
# that looks at all of them needs 784 weights. A hundred units need 78,400. And each of them is tied
# to one place: if it has learned a stroke at the left, it knows nothing about the same stroke at the
# right.
#
# Two observations help.
#
# 1. **Patterns are small.** An edge can be seen in 3 × 3 pixels.
# 2. **Patterns move.** An edge is an edge wherever it stands.
#
# So take one small table of weights, a **kernel**, and slide it over the whole image. The same
# nine weights look everywhere.

# %% [markdown]
# ## 2. Correlation by hand {#correlation}
#
# Put the kernel on the top left corner of the image. Multiply each pixel by the weight that
# lies on it. Add up. That is one number of the output. Move the kernel one pixel to the right
# and do it again.
#
# A small example, with an image of 3 × 3 and a kernel of 2 × 2. The first output number is
# 0·0 + 1·1 + 3·2 + 4·3 = 19. Work out the other three on paper. After the picture, the code
# computes them.

# %%
image = torch.tensor([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0]])
kernel = torch.tensor([[0.0, 1.0], [2.0, 3.0]])

_, axes = plots.subplots(1, 2, width=3.5, height=2)
for ax, matrix, name in zip(axes, (image, kernel), ("image", "kernel"), strict=True):
    plots.number_matrix(matrix, ax, title=name)
plots.show(axes, alt="Image 0 to 8 in three rows, kernel 0 1 2 3 in two rows.")

# %% [markdown]
# Now in code. Two loops walk over the places of the output. At each place the patch of the image
# under the kernel is multiplied with the kernel, and summed.
#
# torch has a function for it, `F.conv2d`. It wants N, C, H, W. An index `None` puts an axis of size
# 1 at its place, like `unsqueeze`: `image[None, None]` has the shape (1, 1, 3, 3).


# %%
def corr2d(image, kernel):
    """Slide a kernel over an image: (H, W) and (h, w) to (H - h + 1, W - w + 1)."""
    h, w = kernel.shape
    output = torch.zeros(image.shape[0] - h + 1, image.shape[1] - w + 1)
    for row in range(output.shape[0]):
        for column in range(output.shape[1]):
            patch = image[row : row + h, column : column + w]
            output[row, column] = (patch * kernel).sum()
    return output


# %%
# NBVAL_CHECK_OUTPUT
print("ours :", corr2d(image, kernel).tolist())
torchs = F.conv2d(image[None, None], kernel[None, None])
print("torch:", torchs[0, 0].tolist())

# %% [markdown]
# Both agree, and the other three numbers are 25, 37 and 43. Mathematicians call this operation
# **cross-correlation**. Their *convolution* flips the kernel first, left to right and top to
# bottom. Deep learning calls the version without the flip convolution, and so do we. For a kernel
# that is learned it makes no difference: the flipped kernel would be learned instead.
#
# Is ours right on a real digit, too?

# %%
# NBVAL_CHECK_OUTPUT
digit = data.scale(digits.train.images[7:8])[0, 0]  # 28, 28, from 0 to 1
random_kernel = torch.randn(3, 3, generator=torch.Generator().manual_seed(0))
by_hand = corr2d(digit, random_kernel)
by_torch = F.conv2d(digit[None, None], random_kernel[None, None])[0, 0]
print("shape:", tuple(by_hand.shape))
print("same: ", torch.allclose(by_hand, by_torch, atol=1e-5))

# %% [markdown]
# The result is the same. And which is faster?

# %%
started = time.perf_counter()
corr2d(digit, random_kernel)
middle = time.perf_counter()
F.conv2d(digit[None, None], random_kernel[None, None])
ended = time.perf_counter()
print(f"torch is {(middle - started) / (ended - middle):.0f} times faster than the two loops")

# %% [markdown]
# The two loops are far slower. From here on we use torch's version.

# %% [markdown]
# ## 3. What kernels do to a digit {#kernels}
#
# A kernel is a question to each place of the image. Read the weights as a question: "is there
# more ink on the right than on the left?" Here are six kernels. Before you run the cell, guess
# for each what it will make of the digit.

# %%
questions = {
    "blur": torch.full((3, 3), 1 / 9),
    "sharpen": torch.tensor([[0.0, -1.0, 0.0], [-1.0, 5.0, -1.0], [0.0, -1.0, 0.0]]),
    "vertical edges": torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]),
    "horizontal edges": torch.tensor([[-1.0, -2.0, -1.0], [0.0, 0.0, 0.0], [1.0, 2.0, 1.0]]),
    "all edges": torch.tensor([[-1.0, -1.0, -1.0], [-1.0, 8.0, -1.0], [-1.0, -1.0, -1.0]]),
    "shift right": torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]),
}
stack = torch.stack(list(questions.values()))[:, None]  # 6, 1, 3, 3: each has 1 channel
answers = F.conv2d(digit[None, None], stack, padding=1)[0]  # 6, 28, 28

# %%
_, axes = plots.subplots(2, 6, width=9, height=3.4)
for column, name in enumerate(questions):
    decimals = 2 if name == "blur" else 0
    plots.number_matrix(stack[column, 0], axes[0, column], decimals, signed=True, title=name)
    limit = float(answers[column].abs().max())
    axes[1, column].imshow(answers[column], cmap=plots.SIGNED, vmin=-limit, vmax=limit)
    axes[1, column].axis("off")
plots.show(
    axes,
    alt="Six kernels above, and what each makes of a digit below. Edge kernels leave the "
    "outlines: orange where the answer is positive, purple where it is negative.",
)

# %% [markdown]
# Orange is a positive answer, purple a negative one, white is zero.
#
# - **Blur** takes the mean of nine pixels.
# - **Sharpen** raises a pixel that has more ink than its neighbours.
# - **Vertical edges** subtracts the left from the right. It answers at the sides of a stroke: going
#   from left to right, orange where ink begins, purple where it ends. In areas of one shade it says
#   nothing.
# - **Horizontal edges** asks the same from top to bottom.
# - **All edges** compares a pixel with all its neighbours.
# - **Shift right** copies each pixel's left neighbour.
#
# The edge kernels share something: their weights add up to 0. So an area of one shade gives 0, with
# ink or without.

# %% [markdown]
# ## 4. Padding, stride, output size {#output-size}
#
# The output of `corr2d` was smaller than the image: 26 × 26 instead of 28 × 28. A kernel of 3 × 3
# has no room to stand on the border pixels. **Padding** puts a frame of zeros around the image.
# With one row of zeros on each side, a 3 × 3 kernel gives an output as large as the input.
#
# **Stride** is the step of the kernel. With stride 2 it takes every second place, and the output
# has half the rows and half the columns. That saves three quarters of the work.
#
# For an input of size n, a kernel of size k, padding p and stride s the output has the size
#
# > **(n + 2p − k) / s**, rounded down, **+ 1**
#
# Why? The padded input has n + 2p pixels. The kernel's left edge can stand at n + 2p − k + 1
# places, numbered from 0. With stride s it takes every s-th of them, beginning with number 0. The
# last place has the number n + 2p − k. So the kernel makes (n + 2p − k) / s steps, rounded down,
# and the place where it began adds 1.
#
# Compare the formula with torch. `nn.Conv2d` is a **layer**: a convolution that owns its weights.

# %%
# NBVAL_CHECK_OUTPUT
print("kernel  padding  stride   formula   torch")
for k, p, s in ((3, 0, 1), (3, 1, 1), (5, 2, 1), (5, 0, 1), (2, 0, 2), (3, 1, 2), (5, 0, 2)):
    formula = (28 + 2 * p - k) // s + 1
    layer = nn.Conv2d(1, 1, kernel_size=k, padding=p, stride=s)
    measured = layer(torch.zeros(1, 1, 28, 28)).shape[-1]
    print(f"{k:6d} {p:8d} {s:7d} {formula:9d} {measured:7d}")

# %% [markdown]
# The first line is our `corr2d`. The third is LeNet's first layer, which you build in lesson 03.
# The last one's kernel, padding and stride begin the network of lesson 05.

# %% [markdown]
# ### Exercise 02.1: The size after several layers
#
# A network has many layers. What leaves one enters the next. Use the formula for a whole list of
# them. (The names stand for k, p and s. For a hint, type `hint("output-size")` in a cell of your
# own.)


# %%
def size_after(size, layers):
    """The side of the output after all layers.

    size: the side of the image in pixels; layers: a list of (kernel, padding, stride), whole
    numbers, the layer next to the image first; the list may be empty. Returns an int.

    >>> size_after(28, [(5, 2, 1), (2, 0, 2)])
    14
    """
    ### BEGIN SOLUTION
    for kernel, padding, stride in layers:
        size = (size + 2 * padding - kernel) // stride + 1
    return size
    ### END SOLUTION


# %%
check("output-size", size_after)

# %% [markdown]
# ### A kernel to play with {#kernel-lab}
#
# Each slider is one weight of the kernel. Guess before you move:
#
# 1. Choose the preset *identity*, then *shift right*. Drag *Padding* up. What happens to the size of
#    the output?
# 2. Choose *Sobel, vertical edges*, the kernel of [](#kernels) under its inventor's name, and drag
#    *Position*. The blue window walks over the digit, and the nine products stand below. At which
#    places do they cancel, and where not?
# 3. Drag *Stride* to 3. What becomes of the output, and of the formula?
# 4. *Dilation* 2 leaves a gap of one pixel between the weights. The kernel still has nine of them.
#    How wide is it now?

# %%
widgets.kernel_lab(digits.train)

# %% [markdown]
# Identity gives the digit back, without its border as long as there is no padding. Shift right
# moves it by one pixel. Each step of padding, grey in the input, adds two rows and two columns to
# the output. The Sobel products cancel wherever the window sees an area of one shade, with ink or
# without; at the left and right edges of a stroke they don't. With stride 3 the output keeps about
# one place in nine. And with dilation 2 the kernel is 5 pixels wide: that is the k of the formula
# then.

# %% [markdown]
# ### Exercise 02.2: Correlation with stride
#
# `corr2d` visits every place. Write a version that takes steps of `stride` pixels, to the right and
# down. There is no padding.


# %%
def strided_correlation(image, kernel, stride):
    """Slide a kernel over an image in steps of `stride` pixels, without padding.

    image: float32 (H, W); kernel: float32 (h, w), not larger; stride: a whole number from 1 on.
    Returns float32 of the size that the formula gives; image and kernel stay as they are.

    >>> image = torch.arange(16.0).reshape(4, 4)
    >>> strided_correlation(image, torch.tensor([[0.0, 1.0], [2.0, 3.0]]), 2)
    tensor([[24., 36.],
            [72., 84.]])
    """
    ### BEGIN SOLUTION
    h, w = kernel.shape
    rows = (image.shape[0] - h) // stride + 1
    columns = (image.shape[1] - w) // stride + 1
    output = torch.zeros(rows, columns)
    for row in range(rows):
        for column in range(columns):
            top, left = row * stride, column * stride
            output[row, column] = (image[top : top + h, left : left + w] * kernel).sum()
    return output
    ### END SOLUTION


# %%
check("strided-correlation", strided_correlation)

# %% [markdown]
# ## 5. Several channels {#channels}
#
# A grey image has one channel. A colour image has three. And the output of six kernels has six:
# each kernel makes its own **feature map**, and together they are the channels of the next
# layer's input.
#
# A kernel for several input channels is a stack: one table for each. Each table is correlated
# with its channel, and the results are added. One stack makes one output channel. Small
# numbers first:


# %%
# NBVAL_CHECK_OUTPUT
def corr2d_channels(images, kernels):
    """(C, H, W) and (C, h, w) to one feature map: correlate channel by channel, then add."""
    maps = [corr2d(image, kernel) for image, kernel in zip(images, kernels, strict=True)]
    return torch.stack(maps).sum(dim=0)


two_channels = torch.stack([image, image + 1])  # 2, 3, 3
two_kernels = torch.stack([kernel, kernel + 1])  # 2, 2, 2
print("first channel: ", corr2d(two_channels[0], two_kernels[0]).tolist())
print("second channel:", corr2d(two_channels[1], two_kernels[1]).tolist())
print("sum:           ", corr2d_channels(two_channels, two_kernels).tolist())
print("torch:         ", F.conv2d(two_channels[None], two_kernels[None])[0, 0].tolist())

# %% [markdown]
# For several output channels there are several such stacks. So the weights of a convolution have
# four axes: **output channels, input channels, height, width**. How many numbers is that for 6
# input channels, 16 output channels and kernels of 5 × 5? Count before you look at the cell. Each
# output channel also has one **bias**, a number that is added everywhere.

# %%
# NBVAL_CHECK_OUTPUT
layer = nn.Conv2d(in_channels=6, out_channels=16, kernel_size=5)
print("weights", tuple(layer.weight.shape), "=", 16 * 6 * 5 * 5, "numbers")
print("biases ", tuple(layer.bias.shape), "=", 16, "numbers")
print("total  ", sum(parameter.numel() for parameter in layer.parameters()))

# %% [markdown]
# A **fully connected layer** joins every input number to every output number, each with a weight of
# its own. Between the same two images (6 × 14 × 14 in, 16 × 10 × 10 out) it would have
# 1,881,600 weights. The convolution has 2,400. Looking at small patches, with the same weights
# everywhere, saved the rest.
#
# There is one limit. An output number of this layer depends on 5 × 5 numbers of each input channel
# only. The part of the *image* that an output number depends on is called its **receptive field**.
# It grows with every layer.
#
# A special case is the **1 × 1 convolution**. It looks at one pixel only, but at all its
# channels: it mixes channels and leaves places alone. You will need it in lesson 05.

# %%
# NBVAL_CHECK_OUTPUT
mix = nn.Conv2d(6, 16, kernel_size=1)
print("1 x 1 convolution:", tuple(mix(torch.zeros(1, 6, 14, 14)).shape), "from (1, 6, 14, 14)")

# %% [markdown]
# ### Exercise 02.3: Several output channels
#
# `corr2d_channels` makes one feature map from one stack of kernels. Write a whole layer: one feature
# map for each stack, and each with its bias. You may call `corr2d_channels`.


# %%
def convolve(images, kernels, biases):
    """A convolution with several input and output channels, without padding, stride 1.

    images: float32 (C, H, W), the channels of one image; kernels: float32 (K, C, h, w), a stack
    for each output channel; biases: float32 (K,). Returns float32 (K, H - h + 1, W - w + 1).

    >>> images = torch.tensor([[[1.0, 2.0]], [[3.0, 4.0]]])  # 2 channels of 1 × 2 pixels
    >>> kernels = torch.tensor([[[[1.0]], [[0.0]]], [[[1.0]], [[-1.0]]]])  # 2 stacks of 2 tables
    >>> convolve(images, kernels, torch.tensor([10.0, 0.5])).tolist()
    [[[11.0, 12.0]], [[-1.5, -1.5]]]
    """
    ### BEGIN SOLUTION
    maps = [
        corr2d_channels(images, stack) + bias for stack, bias in zip(kernels, biases, strict=True)
    ]
    return torch.stack(maps)
    ### END SOLUTION


# %%
check("output-channels", convolve)

# %% [markdown]
# ## 6. A kernel that is learned {#learned-kernel}
#
# So far somebody chose the weights. Now we find them from examples. The plan:
#
# 1. Take digits, and the answers of a kernel that we keep secret: vertical edges.
# 2. Start with random weights.
# 3. Compare our answers with the secret kernel's: the mean squared difference is the **loss**.
# 4. For each weight ask: if it grew a little, would the loss grow or shrink, and how fast? That is
#    the weight's **slope**. All nine slopes together are the **gradient**. torch computes it.
# 5. Move each weight a small step against its slope. Repeat.
#
# That is **gradient descent**. The size of the step is set by the **learning rate**. Lesson 03
# works one step out with pencil and paper; here, watch it work.

# %%
runtime.seed_everything(0)
examples = data.normalise(data.scale(digits.train.images[:256]))  # 256, 1, 28, 28
secret = questions["vertical edges"][None, None]
targets = F.conv2d(examples, secret)  # the answers of the secret kernel

# %%
learned = torch.randn(1, 1, 3, 3, requires_grad=True)  # torch shall compute slopes for these
learning_rate = 0.04
losses, snapshots = [], []
for step in range(401):
    loss = ((F.conv2d(examples, learned) - targets) ** 2).mean()
    loss.backward()  # fills learned.grad with the slopes
    if step in (0, 10, 50, 400):
        copy = learned.detach().clone()  # the numbers alone, as a copy: later steps don't change it
        snapshots.append((f"step {step}", copy[0, 0]))
    with torch.no_grad():  # the step itself is not part of the loss
        learned -= learning_rate * learned.grad
    learned.grad.zero_()  # else the next slopes would be added to these
    losses.append(loss.item())  # .item(): a Python number
assert losses[-1] < losses[0] / 100

# %% [markdown]
# On the left see the loss, on a **logarithmic** axis: each mark is ten times the one below. On the
# right see the kernel at four moments, and the secret one.

# %%
_, axes = plots.subplots(1, 6, width=9.5, height=2.2, width_ratios=[2.2, 1, 1, 1, 1, 1])
plots.lines({"loss": losses}, axes[0], x=range(401), xlabel="step", ylabel="loss", log=True)
for ax, (name, weights) in zip(axes[1:], [*snapshots, ("secret", secret[0, 0])], strict=True):
    plots.number_matrix(weights, ax, digits=1, signed=True, title=name)
plots.show(
    axes,
    alt=f"The loss falls from {losses[0]:.1f} to {losses[-1]:.2g}; the kernel comes ever closer "
    "to the secret one.",
)

# %% [markdown]
# The loss falls by several powers of ten, and the kernel comes to look like the secret one. Nobody
# told the program about edges. It saw digits and answers, and found the nine weights.
#
# This is all that "learning" means in this course. In a real network nobody gives the answers
# of each kernel: only the label at the very end is known, and the slopes are passed back
# through all layers.

# %% [markdown]
# ### Exercise 02.4: The gradient of a kernel
#
# Write the part of the loop above that finds the gradient of the loss, one slope for each weight,
# without the step that changes the kernel. The loss is the mean squared difference between the
# correlation of the image with the kernel and the targets. You may work it out by hand, or let
# torch compute it. If torch does it, work on a copy: `weights = kernel.clone().requires_grad_()` is
# a copy for which torch will compute slopes, and `backward()` puts them into `weights.grad`.


# %%
def kernel_gradient(image, kernel, targets):
    """The gradient of the mean squared difference: one slope for each weight of a kernel.

    image: float32 (H, W); kernel: float32 (h, w); targets: float32 (H - h + 1, W - w + 1).
    Returns float32 (h, w), plain numbers without what torch remembers for gradients; image,
    kernel and targets stay as they are.

    >>> image, kernel = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0]])
    >>> # the answers are 3 and 6: each is 2 above its target
    >>> kernel_gradient(image, kernel, torch.tensor([[1.0, 4.0]]))
    tensor([[6.]])
    """
    ### BEGIN SOLUTION
    weights = kernel.clone().requires_grad_()
    loss = ((F.conv2d(image[None, None], weights[None, None])[0, 0] - targets) ** 2).mean()
    loss.backward()
    return weights.grad
    ### END SOLUTION


# %%
check("kernel-gradient", kernel_gradient)

# %% [markdown]
# ## 7. Pooling {#pooling}
#
# After a convolution has found patterns, their exact place matters less and less. **Pooling** takes
# a small window of a feature map and keeps one number of it: the largest (**max pooling**) or the
# mean (**average pooling**). The usual window is 2 × 2 with stride 2. Every number of the map lies
# in one window, and the map shrinks to half its rows and columns. Pooling has no weights.
#
# Work both out by hand for this map, then compare.

# %%
feature_map = torch.tensor(
    [[1.0, 3.0, 2.0, 0.0], [5.0, 7.0, 1.0, 1.0], [0.0, 2.0, 4.0, 8.0], [2.0, 4.0, 0.0, 4.0]]
)
largest = F.max_pool2d(feature_map[None, None], kernel_size=2)[0, 0]
mean = F.avg_pool2d(feature_map[None, None], kernel_size=2)[0, 0]
_, axes = plots.subplots(1, 3, width=6.5, height=2)
names = ("feature map", "max pooling", "average pooling")
for ax, matrix, name in zip(axes, (feature_map, largest, mean), names, strict=True):
    plots.number_matrix(matrix, ax, title=name, digits=0)
axes[0].axhline(1.5, color=plots.RED)
axes[0].axvline(1.5, color=plots.RED)
plots.show(axes, alt="Windows of 2 by 2. Max pooling gives 7 2 4 8, average pooling 4 1 2 4.")

# %% [markdown]
# Top left: the largest of 1, 3, 5, 7 is 7; their mean is 16 / 4 = 4.
#
# Max pooling answers "is the pattern here at all?", average pooling "how much of it is here?".
# Here is max pooling in code. Compare it with `corr2d`: the sum became a maximum, and the window
# moves by its own size.


# %%
# NBVAL_CHECK_OUTPUT
def max_pool2d(image, size):
    """The largest value of each size × size window: (H, W) to (H // size, W // size)."""
    output = torch.zeros(image.shape[0] // size, image.shape[1] // size)
    for row in range(output.shape[0]):
        for column in range(output.shape[1]):
            top, left = row * size, column * size
            output[row, column] = image[top : top + size, left : left + size].max()
    return output


print(max_pool2d(feature_map, 2).tolist())

# %% [markdown]
# ### Exercise 02.5: Average pooling with overlap
#
# Now average pooling. And the window no longer moves by its own size but by `stride` pixels, so that
# windows may overlap, or leave gaps. Only windows that lie inside the image count.


# %%
def average_pool(image, size, stride):
    """The mean of each size × size window; the windows begin `stride` pixels apart.

    image: float32 (H, W), not smaller than a window; size, stride: whole numbers from 1 on.
    Returns float32 of the size that the formula of section 4 gives; the image stays as it is.

    >>> image = torch.arange(9.0).reshape(3, 3)
    >>> average_pool(image, 2, 1)
    tensor([[2., 3.],
            [5., 6.]])
    """
    ### BEGIN SOLUTION
    rows = (image.shape[0] - size) // stride + 1
    columns = (image.shape[1] - size) // stride + 1
    output = torch.zeros(rows, columns)
    for row in range(rows):
        for column in range(columns):
            top, left = row * stride, column * stride
            output[row, column] = image[top : top + size, left : left + size].mean()
    return output
    ### END SOLUTION


# %%
check("average-pooling", average_pool)

# %% [markdown]
# ## 8. What pooling forgives {#invariance}
#
# Shift a digit by one pixel. For you nothing has changed. For a network every pixel has a new
# value. How different are the two for the network, before and after pooling?
#
# We take the left edges of the strokes of 500 digits, shift the digits by 0 to 4 pixels, and measure
# how much the map changes: the mean absolute difference, as a share of the mean value. 0 means no
# change; 2 means that the two maps have nothing in common.


# %%
def edges(images):
    """Where ink begins, from left to right: (N, 1, H, W). F.relu sets negative answers to 0."""
    return F.relu(F.conv2d(images, secret, padding=1))


def max_pooled(images):
    return F.max_pool2d(edges(images), 4)


def average_pooled(images):
    return F.avg_pool2d(edges(images), 4)


# %%
some = data.scale(digits.train.images[:500])
# roll: what leaves at the right comes in at the left; the border is almost always empty
views = {
    "no pooling": edges,
    "max pooling 4 × 4": max_pooled,
    "average pooling 4 × 4": average_pooled,
}
change = {
    name: [
        float((view(some.roll(shift, dims=3)) - view(some)).abs().mean() / view(some).abs().mean())
        for shift in range(5)
    ]
    for name, view in views.items()
}
ax = plots.lines(
    change, x=range(5), xlabel="shift to the right in pixels", ylabel="relative change"
)
ax.set_xticks(range(5))
plots.show(ax, alt="All three curves rise with the shift; without pooling it rises fastest.")

# %% [markdown]
# Without pooling, after a shift by one pixel the change is nearly as large as the mean of the map.
# After pooling it changes far less, after max pooling least. So **pooling forgives small shifts**.
# It does not forgive large ones: at four pixels the pattern has moved to the next window.
#
# There is a price. After pooling nobody can tell where in the window the pattern was. Two
# strokes that are close together may melt into one. See a digit after pooling once, twice and
# three times. When do you stop recognising it?

# %%
pooled = [digit[None, None]]
for _ in range(3):
    pooled.append(F.max_pool2d(pooled[-1], 2))
_, axes = plots.subplots(1, 4, width=7, height=2)
for ax, small in zip(axes, pooled, strict=True):
    ax.imshow(small[0, 0], cmap="gray_r", vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[], title=f"{small.shape[-1]} × {small.shape[-1]}")
plots.show(axes, alt="A digit with 28, 14, 7 and 3 pixels a side. At 3 it can't be read.")

# %% [markdown]
# At 14 × 14 the digit is still clear, at 7 × 7 you guess, at 3 × 3 it is gone. (7 is odd: the last
# row and column were dropped.)
#
# Networks get around the price: while pooling makes the maps smaller, convolutions make more of
# them. Place is lost, but *what* was seen is spread over more channels.
#
# See both sides on a digit of your choice. Above is the digit as pixels, below it pooled, each
# before and after a shift. At *Shift right* 1, read the percentage of the pixels and write it down.
# Then drag on: at which shift does the pooled map reach that number? Then choose the pooling
# *average*, and then a *Size* and a *Stride* of 7. Could you still name the digit from the pooled
# map?

# %%
widgets.pooling_lab(digits.train)

# %% [markdown]
# For most digits the blue bar is far shorter than the black one after one step. It reaches the
# number that you wrote down when the shift comes near the size of the window: by then much of the
# ink stands in the next one. Average pooling forgives less for most digits: every pixel of a window
# counts in it, not only the largest. Larger windows forgive more, and show less. On a map of 4 × 4
# you can hardly tell the digits apart.

# %% [markdown]
# ## What usually goes wrong {#faults}
#
# - **"Expected 3D (unbatched) or 4D (batched) input to conv2d".** `F.conv2d` wants N, C, H, W. A
#   single image needs two more axes: `image[None, None]`.
# - **The output is one pixel too small.** Put your numbers into the formula of [](#output-size); the
#   rounding down is easily forgotten.
# - **"Given groups=1, weight of size [16, 6, 5, 5], expected input[1, 3, 14, 14] to have 6
#   channels, but got 3 channels instead".** The second axis of the weights must equal the channels
#   of the input.
# - **The learned kernel explodes.** The learning rate is too large. Think of the loss as a valley
#   that the weights walk down: each step jumps over its floor and lands higher on the other side.
#   Try 0.2 in [](#learned-kernel).
# - **The kernel does not settle.** Without `grad.zero_()` old slopes are added to new ones.

# %% [markdown]
# ## Summary {#summary}
#
# - A convolution slides one small table of weights over the image: few weights, any place.
# - A kernel asks a question at each place; the feature map holds the answers.
# - Output size: (n + 2p − k) / s, rounded down, plus 1.
# - Weights have the axes output channels, input channels, height, width.
# - Gradient descent finds weights from examples: loss, slope, small step, repeat.
# - Pooling keeps one number of each window and forgives small shifts.

# %% [markdown]
# ## Five questions {#questions}
#
# <details><summary>1. A 28 × 28 image goes through a 5 × 5 kernel without padding and then 2 × 2 pooling. What size comes out?</summary>
# 28 − 5 + 1 = 24, and half of it: 12 × 12.</details>
#
# <details><summary>2. Which kernel of 3 × 3 leaves an image unchanged?</summary>
# 1 in the middle, 0 everywhere else (with padding 1).</details>
#
# <details><summary>3. Why do the weights of an edge kernel add up to 0?</summary>
# In an area of one shade every pixel has the same value v, so the answer is v times the sum of the
# weights. It should be 0 whatever v is.</details>
#
# <details><summary>4. How many parameters has nn.Conv2d(16, 32, kernel_size=3)?</summary>
# 32 · 16 · 3 · 3 weights and 32 biases: 4,608 + 32 = 4,640.</details>
#
# <details><summary>5. Two convolutions of 3 × 3 in a row: how large is the part of the image that one output number depends on?</summary>
# 5 × 5. Each adds one pixel on every side.</details>

# %% [markdown]
# ## Key terms {#terms}
#
# | English | 中文 | where |
# |---|---|---|
# | kernel | 卷积核 | [](#why-convolution) |
# | convolution | 卷积 | [](#correlation) |
# | cross-correlation | 互相关 | [](#correlation) |
# | edge detection | 边缘检测 | [](#kernels) |
# | padding | 填充 | [](#output-size) |
# | stride | 步幅 | [](#output-size) |
# | weight | 权重 | [](#why-convolution) |
# | feature map | 特征映射(特征图) | [](#channels) |
# | fully connected layer | 全连接层 | [](#channels) |
# | bias | 偏置 | [](#channels) |
# | 1 × 1 convolution | 1 × 1 卷积 | [](#channels) |
# | loss | 损失 | [](#learned-kernel) |
# | gradient | 梯度 | [](#learned-kernel) |
# | gradient descent | 梯度下降 | [](#learned-kernel) |
# | learning rate | 学习率 | [](#learned-kernel) |
# | max pooling, average pooling | 最大汇聚、平均汇聚(又称最大池化、平均池化) | [](#pooling) |
# | receptive field | 感受野 | [](#channels) |
#
# Next: [03 LeNet-5](03_lenet.ipynb).
