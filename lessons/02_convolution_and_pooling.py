# %% [markdown]
# # 02 Convolution and pooling
#
# A network that reads digits looks for small patterns first, for example an edge here and a corner
# there. The operation that looks for one small pattern everywhere in an image is **convolution**.
# In this lesson you write it yourself, watch what it does to a digit and to a photograph, and then
# see how a pattern can be *learned* instead of chosen. For that you need to know what a slope is
# and how torch finds it, so this lesson also shows how learning works in general.
#
# | | |
# |---|---|
# | **For whom** | You know how to use tensors. From mathematics you need the slope of a curve; that of w² is 2w. |
# | **Before this lesson** | [01 Loading data](01_loading_data.ipynb): tensors, shapes, batches |
# | **You will be able to** | compute a convolution by hand and in code · say what a kernel looks for · work out output sizes with padding and stride · handle several channels · say what a slope, the chain rule and autograd are · learn a kernel by gradient descent · compute max and average pooling and say what pooling forgives |
# | **Time to plan** | about 5 hours, half of it for the exercises |
# | **Running time** | about {{lessons.02.minutes}} min on two CPU cores, without a GPU |

# %%
import time

from mnist_course import data, experiments, plots, runtime, widgets
from mnist_course.checks import check, hint

import torch
from sklearn.datasets import load_sample_image
from torch import nn
from torch.nn import functional as F

runtime.report()
digits = data.load()

# %% [markdown]
# ## 1. Why not look at all pixels at once? {#why-convolution}
#
# The parameters of a network are mostly **weights**, which are numbers that inputs are multiplied
# by. A **unit** multiplies each of its inputs by a weight and adds up the products. A digit has 784
# pixels, so a unit that looks at all of them needs 784 weights, and a hundred such units need
# 78,400. There is a worse problem: each of these weights is tied to one pixel. Suppose that a unit
# has learned to see a stroke at the left. Then it knows nothing about the same stroke at the right,
# because other weights belong to those pixels.
#
# Two observations about images help, and both have a name.
#
# 1. **Patterns are small.** An edge can be seen in 3 × 3 pixels, so nobody needs to look at the
#    whole image to find it. This is called **locality**.
# 2. **Patterns move.** An edge is an edge wherever it stands. To move a thing without turning it is
#    called a **translation**. What looks for an edge should work after a translation just as it did
#    before.
#
# Therefore we take one small table of weights, a **kernel**, and slide it over the whole image. The
# table is small because of locality, and the same table serves everywhere because patterns move. So
# nine weights do the work for which a unit needed hundreds.

# %% [markdown]
# ## 2. Correlation by hand {#correlation}
#
# Put the kernel on the top left corner of the image. Multiply each pixel by the weight that lies on
# it, and add up the products: that is one number of the output. Then move the kernel one pixel to
# the right and do the same again, until it has been everywhere.
#
# Here is a small example, with an image of 3 × 3 and a kernel of 2 × 2. The first output number is
# 2·1 + 0·(−1) + 3·2 + 1·0 = 8. Work out the other three on paper before you go on.

# %%
image = torch.tensor([[2.0, 0.0, 1.0], [3.0, 1.0, 4.0], [0.0, 5.0, 2.0]])
kernel = torch.tensor([[1.0, -1.0], [2.0, 0.0]])

_, axes = plots.subplots(1, 2, width=3.5, height=2)
for ax, matrix, name in zip(axes, (image, kernel), ("image", "kernel"), strict=True):
    plots.number_matrix(matrix, ax, title=name)
plots.show(axes, alt="Image: 2 0 1, 3 1 4, 0 5 2, row by row. Kernel: 1 -1, 2 0.")

# %% [markdown]
# Now in code. The function is called `corr2d`, as in the book [Dive into Deep
# Learning](https://d2l.ai), whose chapter on convolutional networks explains the same operation
# with other numbers. Two loops walk over the places of the output. At each place the **patch**,
# which is the part of the image under the kernel, is multiplied with the kernel, and the products
# are summed.


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
print("ours :", corr2d(image, kernel).tolist())
torchs = F.conv2d(image[None, None], kernel[None, None])
print("torch:", torchs[0, 0].tolist())

# %% [markdown]
# Were your three numbers 1, 2 and 7? torch's own function, `F.conv2d`, agrees. It wants a batch
# with channels, N, C, H, W, and so our single matrix needs two more axes. An index `None` puts an
# axis of length 1 at its place, like `unsqueeze`, so that `image[None, None]` has the shape (1, 1,
# 3, 3).
#
# One remark about names. Mathematicians call this operation **cross-correlation**. Their
# *convolution* first turns the kernel round, left to right and top to bottom. Deep learning calls
# the version without the turn convolution, and so do we. For a kernel that is learned it makes no
# difference, because the turned kernel would be learned instead.
#
# Is ours right on a real digit, too? And how does one number of the output come about there?

# %%
# NBVAL_CHECK_OUTPUT
digit = data.scale(digits.train.images[7:8])[0, 0]  # 28, 28, from 0 to 1
random_kernel = torch.randn(3, 3, generator=torch.Generator().manual_seed(0))
by_hand = corr2d(digit, random_kernel)
by_torch = F.conv2d(digit[None, None], random_kernel[None, None])[0, 0]
print("shape:", tuple(by_hand.shape))
print("same: ", torch.allclose(by_hand, by_torch, atol=1e-5))

# %%
left_to_right = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])
axes = plots.patch_to_number(digit, left_to_right, row=12, column=11)
plots.show(axes, alt="A digit with a framed patch of 3 by 3 pixels; the patch, times a kernel, gives "
           "nine products; their sum is one framed number of the feature map.")  # fmt: skip

# %% [markdown]
# Read the picture from left to right: the patch is multiplied with the kernel, place by place, and
# the sum of the nine products becomes a single number. All these numbers together are again an
# image, the map at the right. In colour you see what this kernel does: it answers at the sides of
# the stroke.
#
# Two loops in Python are easy to read, but how long do they take? A single measurement of a first
# call would say little, because much is prepared in a first call and other programs may disturb it.
# Therefore each version runs once to warm up, and then the best of several tries counts.
# (`lambda: …` is a small function without a name.)


# %%
def milliseconds(work, tries=7):
    """Milliseconds that a function without arguments takes: the best of some tries, once warm."""
    work()
    times = []
    for _ in range(tries):
        started = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - started))
    return min(times)


loops = milliseconds(lambda: corr2d(digit, random_kernel))
one_call = milliseconds(lambda: F.conv2d(digit[None, None], random_kernel[None, None]))
print(f"two loops {loops:.3f} ms, one call of torch {one_call:.3f} ms: "
      f"{loops / one_call:.0f} to 1")  # fmt: skip

# %% [markdown]
# The loops call torch several times at each of the 676 places, while `F.conv2d` is called once and
# then walks over all places in compiled code, on several cores if there are any. From here on we
# use torch's version, because you know now what it does.

# %% [markdown]
# ## 3. What kernels do to a digit {#kernels}
#
# You can read a kernel as a question that is put to each place of the image. For example, a kernel
# with −1 at the left and +1 at the right asks: is there more ink on the right than on the left? The
# answer is a positive number for "yes", a negative one for "no, less", and 0 for "the same". Here
# are six kernels. Guess for each what it will make of the digit, and only then run the second cell.

# %%
questions = {
    "blur": torch.full((3, 3), 1 / 9),
    "sharpen": torch.tensor([[0.0, -1.0, 0.0], [-1.0, 5.0, -1.0], [0.0, -1.0, 0.0]]),
    "vertical edges": left_to_right,
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
# Orange is a positive answer, purple a negative one, and white is zero.
#
# - **Blur** takes the mean of nine pixels, so edges become soft.
# - **Sharpen** raises a pixel that has more ink than its neighbours.
# - **Vertical edges** subtracts the left from the right. It answers at the sides of a stroke: going
#   from left to right, orange where ink begins and purple where it ends. In areas of one shade it
#   says nothing, because left and right are equal there.
# - **Horizontal edges** asks the same from top to bottom.
# - **All edges** compares a pixel with all its neighbours.
# - **Shift right** copies each pixel's left neighbour.
#
# The edge kernels share something: their weights add up to 0. Therefore an area of one shade gives
# 0, whether it is all ink or all paper.
#
# Kernels like these were used long before networks, for example in programs that work on
# photographs. The next cell takes a photograph of a temple in China and asks both questions about
# edges. In which of the two answers will the columns stand out, and in which the roofs? (The
# photograph comes with scikit-learn. It was taken by danielbuechele and is free to use under the
# licence CC BY 2.0.)

# %%
photograph = torch.from_numpy(load_sample_image("china.jpg").copy())  # rows, columns, 3 colours
grey = photograph.float().mean(dim=2) / 255
both = F.conv2d(grey[None, None], stack[2:4])[0]  # vertical and horizontal edges

_, axes = plots.subplots(1, 3, width=9.6, height=2.5)
axes[0].imshow(grey, cmap="gray", vmin=0, vmax=1)
for ax, edges_found in zip(axes[1:], both, strict=True):
    ax.imshow(edges_found.abs(), cmap="gray_r", vmin=0, vmax=2)
for ax, name in zip(axes, ("photograph", "vertical edges", "horizontal edges"), strict=True):
    ax.set(xticks=[], yticks=[], title=name)
plots.show(axes, alt="A temple; beside it dark lines where the picture changes from left to right, "
           "as at columns, and where it changes from top to bottom, as at roofs.")  # fmt: skip

# %% [markdown]
# The columns show up in the middle picture, and so do the rows of tiles, because there the
# brightness changes from left to right. The long edges of roofs and railings are strong in the
# right one, and the smooth sky has disappeared from both. A network that could use such maps would
# no longer have to deal with shades of grey; it could ask where the edges are.

# %% [markdown]
# ## 4. Padding, stride, output size {#output-size}
#
# The output of `corr2d` was smaller than the image, 26 × 26 instead of 28 × 28. The reason is that
# a kernel of 3 × 3 has no room to stand with its middle on a border pixel. **Padding** puts a frame
# of zeros around the image. With one row of zeros on each side, a 3 × 3 kernel gives an output as
# large as the input, and nothing at the border is lost.
#
# **Stride** is the step of the kernel. With stride 2 it takes every second place, so the output has
# half the rows and half the columns. That saves three quarters of the work, but it keeps less
# detail.
#
# For an input of size n, a kernel of size k, padding p and stride s, the output has the size
#
# > **(n + 2p − k) / s**, rounded down, **+ 1**
#
# You don't have to learn this by heart, because it can be counted. The padded input has n + 2p
# pixels. If the kernel's left edge stands on pixel 0, its right edge stands on pixel k − 1; at its
# last place, the right edge stands on the last pixel, and the left edge on number n + 2p − k. So
# the kernel can move n + 2p − k pixels, which makes (n + 2p − k) / s whole steps. The place where
# it began adds 1.
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
# The two columns agree. The first line is our `corr2d`. The third is the first layer of LeNet-5,
# the network that you build in lesson 03, and with the last one begins the network of lesson 05.

# %% [markdown]
# ### Exercise 02.1: The size after several layers
#
# A network has many layers, and what leaves one enters the next. Therefore you will often want to
# know how large an image is after all of them. Use the formula for a whole list of layers. (The
# names in the list stand for k, p and s. For a hint, type `hint("output-size")` in a cell of your
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
# Here you can change every weight of a kernel and watch the map. Guess before you move anything:
#
# 1. Choose the preset *identity*, then *shift right*. Make *Padding* larger. What happens to the
#    size of the output?
# 2. Choose *Sobel, vertical edges*, which is the kernel of [](#kernels) under its inventor's name,
#    and move the window over the digit. The nine products are shown. At which places do they
#    cancel, and where not?
# 3. Set *Stride* to 3. What becomes of the output, and of the formula?
# 4. *Dilation* 2 leaves a gap of one pixel between the weights. The kernel still has nine of them.
#    How wide is it now?

# %%
widgets.kernel_lab(digits.train)

# %% [markdown]
# Identity gives the digit back, without its border as long as there is no padding. Shift right
# moves it by one pixel. Each step of padding adds two rows and two columns to the output, because
# the frame has two sides. The Sobel products cancel wherever the window sees an area of one shade,
# but at the left and right edges of a stroke they don't. With stride 3 the output keeps about one
# place in nine. And with dilation 2 the kernel reaches over 5 pixels, so that is the k of the
# formula then.

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
    >>> strided_correlation(image, torch.tensor([[1.0, -1.0], [2.0, 0.0]]), 2)
    tensor([[ 7., 11.],
            [23., 27.]])
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
# A grey image has one channel and a colour image has three. In a network there are more. The six
# kernels of [](#kernels) made six maps of one digit; such a map is called a **feature map**, and
# together they are the channels of what enters the next layer.
#
# How does a kernel deal with several input channels? It is a stack then, with one table of weights
# for each channel. Each table is correlated with its own channel, and the results are added, so
# that one stack makes one output channel. Small numbers first: the second channel here is the first
# one, with 1 added to every pixel.


# %%
# NBVAL_CHECK_OUTPUT
def corr2d_channels(images, kernels):
    """(C, H, W) and (C, h, w) to one feature map: correlate channel by channel, then add."""
    maps = [corr2d(image, kernel) for image, kernel in zip(images, kernels, strict=True)]
    return torch.stack(maps).sum(dim=0)


two_channels = torch.stack([image, image + 1])  # 2, 3, 3
two_kernels = torch.stack([kernel, kernel - 1])  # 2, 2, 2
print("sum:  ", corr2d_channels(two_channels, two_kernels).tolist())
print("torch:", F.conv2d(two_channels[None], two_kernels[None])[0, 0].tolist())

# %%
plots.show(
    plots.channels_to_map(two_channels, two_kernels),
    alt="Two rows: channel, kernel, and the map that they give. At the right the sum of both maps.",
)

# %% [markdown]
# Follow the framed number through the picture: both rows give a number, and the map at the right
# holds their sum.
#
# For several output channels there are several such stacks. So the weights of a convolution have
# four axes: **output channels, input channels, height, width**. How many numbers is that for 6
# input channels, 16 output channels and kernels of 5 × 5? Count before you run the cell. Each
# output channel also has one **bias**, a number that is added everywhere.

# %%
layer = nn.Conv2d(in_channels=6, out_channels=16, kernel_size=5)
print("weights", tuple(layer.weight.shape), "=", 16 * 6 * 5 * 5, "numbers")
print("biases ", tuple(layer.bias.shape), "=", 16, "numbers")
print("total  ", sum(parameter.numel() for parameter in layer.parameters()))

# %% [markdown]
# Now compare. A **fully connected layer** joins every input number to every output number, each
# with a weight of its own. Between the same two images (6 × 14 × 14 in, 16 × 10 × 10 out) it would
# have 1,881,600 weights. The convolution has 2,400, because it looks at small patches (locality)
# and uses the same weights at every place (translation).
#
# This saving has a price: an output number of this layer depends on 5 × 5 numbers of each input
# channel only. The part of the *image* that an output number depends on is called its **receptive
# field**. It grows with every layer whose kernel or window is larger than one pixel, because each
# number of a patch has seen a patch itself.
#
# A special case is the **1 × 1 convolution**. It looks at one pixel only, but at all channels of
# that pixel. So it mixes channels, and it leaves places and the receptive field as they are. You
# will need it in lesson 05.

# %%
# NBVAL_CHECK_OUTPUT
mix = nn.Conv2d(6, 16, kernel_size=1)
print("1 x 1 convolution:", tuple(mix(torch.zeros(1, 6, 14, 14)).shape), "from (1, 6, 14, 14)")

# %% [markdown]
# ### Exercise 02.3: Several output channels
#
# `corr2d_channels` makes one feature map from one stack of kernels. Write a whole layer: one
# feature map for each stack, and each with its bias. You may call `corr2d_channels`. (`torch.stack`
# puts a list of tensors of one shape together, along a new first axis.)


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
# ## 6. Slope: which way is down? {#slope}
#
# So far somebody chose the weights. How could a program find them? Suppose that we have digits, and
# for each digit the map that a right kernel would make. Then any kernel can be judged: let it make
# its own maps, and measure how far they are from the right ones. The mean of the squared
# differences is the **loss**. It is 0 if all answers are right, and it grows the more wrong they
# are. (They are squared so that a difference counts in both directions, and so that large ones
# count most.)
#
# We keep a kernel secret, the one for vertical edges, and use it to make the right maps. To begin
# with the simplest case, eight of the nine weights are given away, and one is missing.

# %%
examples = data.normalise(data.scale(digits.train.images[:256]))  # 256, 1, 28, 28
secret = left_to_right[None, None]  # 1, 1, 3, 3
targets = F.conv2d(examples, secret)  # the maps of the right kernel


def loss_of(kernel):
    """The mean squared difference between a kernel's maps and the targets."""
    return ((F.conv2d(examples, kernel) - targets) ** 2).mean()


def loss_with(weight):
    """The loss of a kernel that is right but for one weight, in the middle of the right column."""
    kernel = secret.clone()
    kernel[0, 0, 1, 2] = weight
    return loss_of(kernel)


# %% [markdown]
# How does the loss depend on this one weight? Think of the curve as a valley, and of yourself as
# standing somewhere on its side in thick fog. You can't see the lowest place. But you can feel
# under your feet which way is down and how steep it is, and that is enough to take a step.

# %%
axes = plots.descent(loss_with, start=-1.0, learning_rate=0.15, steps=6, limits=(-2, 6))
plots.show(axes, alt="The loss against one weight is a valley with its lowest place at 2. Left: the "
           "slope at -1 as a triangle. Right: steps that begin at -1 and become "
           "smaller towards 2.")  # fmt: skip

# %% [markdown]
# The left picture shows where we start, at the weight −1. The straight line has the **slope** of
# the curve there: how much the loss changes for each unit that the weight grows. It is negative,
# because the loss falls towards the right. So the weight should grow, which means that it should
# move *against* its slope. The right picture repeats this rule six times:
#
# > new weight = weight − learning rate · slope
#
# The **learning rate** is a small number that says how far to go for a given slope. Look at the
# steps: they become shorter by themselves, although the learning rate stays the same, because the
# valley becomes flatter towards its lowest place.
#
# A slope can be measured. Move the weight a little to each side, and see how much the loss changes;
# this is called a **difference quotient**.

# %%
step = 0.01
rise = loss_with(-1 + step) - loss_with(-1 - step)
print(f"slope at -1: {rise / (2 * step):.1f}")

# %% [markdown]
# With the explorer you can try other starts and other learning rates. Guess first: what happens
# with a very small learning rate, what with a large one, and is there a learning rate for which the
# steps lead away from the lowest place? And in the curve with two valleys, where do the steps end?

# %%
widgets.descent_explorer()

# %% [markdown]
# With a very small learning rate the steps are safe but hardly get anywhere. A larger one jumps
# over the lowest place and comes back from the other side, and if it is too large, each step lands
# higher than the one before. With two valleys, small steps end in the one where they began, because
# in the fog nobody sees that there is a deeper one. The learning rate is not learned but chosen, so
# it is a hyperparameter, and often the one that matters most.

# %% [markdown]
# ## 7. Autograd: torch finds the slopes {#autograd}
#
# To measure a slope took two losses for a single weight. A network has thousands or millions of
# weights, so that would take far too long. Fortunately slopes can be computed, and torch does it
# for you. The idea behind it is small enough for one example: a weight w with the value 1, an input
# 3, and a target 6.
#
# | step | value here | how fast it grows with what went in |
# |---|---|---|
# | answer = 3 · w | 3 | 3 times as fast as w |
# | difference = answer − 6 | −3 | as fast as the answer: 1 |
# | loss = difference² | 9 | 2 · difference = −6 |
#
# How fast does the loss grow with w? If w grows by a tiny amount, the answer grows 3 times as much,
# the difference 1 time as much as that, and the loss −6 times as much as that. So the slope is
# (−6) · 1 · 3 = −18: **the slopes along the way are multiplied**. This is the **chain rule**. It
# works for chains of any length, and a network is nothing but a long chain. Where a weight acts in
# several places, as a kernel's weight does everywhere in the image, the slopes of all its ways are
# added.
#
# In torch you ask for this with `requires_grad=True`. It makes torch note each step that is
# computed from the weight. `backward()` then walks through these notes from the loss back to the
# weight, multiplies the slopes, and leaves the result in `weight.grad`. That is called **automatic
# differentiation**, or autograd.

# %%
# NBVAL_CHECK_OUTPUT
weight = torch.tensor(1.0, requires_grad=True)  # torch shall note what is computed from it
answer = 3 * weight
difference = answer - 6
loss = difference**2
loss.backward()  # from the loss back to the weight
print("by autograd:", weight.grad.item())
by_two_losses = ((3 * 1.001 - 6) ** 2 - (3 * 0.999 - 6) ** 2) / 0.002
print(f"by two losses: {by_two_losses:.3f}")

# %% [markdown]
# The difference quotient says the same. Does it also work for the convolution of the last section?
# There the weight acts on 256 images at hundreds of places each, and the slopes of all these ways
# have to be added. Compare the next number with the one that you measured at −1.

# %%
weight = torch.tensor(-1.0, requires_grad=True)
loss_with(weight).backward()
print(f"slope at -1 by autograd: {weight.grad:.1f}")

# %% [markdown]
# It agrees, and it needed one loss instead of two. What is more, for a thousand weights it would
# still need only one, because a single walk back passes all of them.
#
# Now take a step, and meet the three things that surprise everyone once:
#
# - The step itself must not be noted, since it is no part of a loss. `torch.no_grad()` switches the
#   notes off for a few lines.
# - `backward()` *adds* to `grad`. Therefore you set it to zero before the next `backward()`.
# - A result that you want to print, draw or keep needs no notes any more. `.detach()` gives the
#   same numbers without them.

# %%
before = loss_with(weight).detach()
with torch.no_grad():
    weight -= 0.15 * weight.grad
print(f"loss {before:.2f} before the step, {loss_with(weight).detach():.2f} after it")
loss_with(weight).backward()
print(f"grad with the old slope in it: {weight.grad:.2f}")
weight.grad.zero_()
loss_with(weight).backward()
print(f"grad of the new place alone:   {weight.grad:.2f}")
print("with notes:", weight, "without:", weight.detach())

# %% [markdown]
# The step made the loss smaller. The first `grad` after it was the sum of two slopes, one of which
# belongs to a place that the weight has left; only after `zero_()` it was the slope of the new
# place. (In torch, a name that ends with `_` changes a tensor in place.)

# %% [markdown]
# ## 8. A kernel that is learned {#learned-kernel}
#
# Now all nine weights are unknown. The plan is the same:
#
# 1. Start with random weights.
# 2. Let the kernel make its maps, and compare them with the right ones: the loss.
# 3. Find the slope of each weight with `backward()`. All nine slopes together are the **gradient**.
# 4. Move each weight a small step against its slope, and repeat.
#
# That is **gradient descent**. Read the loop and find the four points in it; you have met every
# line.

# %%
runtime.seed_everything(0)
learned = torch.randn(1, 1, 3, 3, requires_grad=True)
learning_rate = 0.04
losses, snapshots = [], []
for step in range(401):
    loss = loss_of(learned)
    loss.backward()
    losses.append(loss.item())  # .item(): a Python number
    if step in (0, 10, 50, 400):
        copy = learned.detach().clone()  # a copy, which later steps don't change
        snapshots.append((f"step {step}", copy[0, 0]))
    with torch.no_grad():
        learned -= learning_rate * learned.grad
    learned.grad.zero_()

# %% [markdown]
# On the left see the loss, on a **logarithmic** axis, where each mark is ten times the one below.
# On the right see the kernel at four moments, and the secret one at the end. When do you begin to
# recognise it?

# %%
assert losses[-1] < losses[0] / 100
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
# told the program anything about edges. It saw digits and right answers, and it found the nine
# weights because each step made its answers a little less wrong.
#
# This is all that "learning" means in this course. In a real network nobody gives the right map of
# each kernel, because nobody knows it. Only the label at the very end is known. But the chain rule
# passes slopes back from there through all layers, so that every kernel learns what helps the
# answer.

# %% [markdown]
# ### Exercise 02.4: The gradient of a kernel
#
# Write the part of the loop above that finds the gradient of the loss, one slope for each weight,
# without the step that changes the kernel. The loss is the mean squared difference between the
# correlation of the image with the kernel and the targets. You may work it out by hand, or let
# torch compute it. If torch does it, work on a copy: `weights = kernel.clone().requires_grad_()` is
# a copy for which torch will keep notes, and `backward()` puts the slopes into `weights.grad`.


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
# ## 9. An experiment with the recipe {#experiment}
#
# The loop has several hyperparameters: the learning rate, the number of steps, the number of
# images. We add one more, because real data is never quite right: to each of the right answers a
# random number is added, the **noise**. Which of these four settings matters most?
#
# As in lesson 01, an experiment needs one try as a function. It takes a recipe and a seed, learns a
# kernel, and gives a number: how far the worst of the nine weights is from the secret one. A
# smaller number is better here.


# %%
def task(recipe, generator):
    """Random digits, and the secret kernel's maps of them with noise."""
    chosen = torch.randperm(len(digits.train), generator=generator)[: recipe["images"]]
    images = data.normalise(data.scale(digits.train.images[chosen]))
    maps = F.conv2d(images, secret)
    return images, maps + recipe["noise"] * torch.randn(maps.shape, generator=generator)


# %%
def trial(recipe, seed):
    """The largest error among the nine weights after learning with this recipe."""
    generator = torch.Generator().manual_seed(seed)
    images, maps = task(recipe, generator)
    kernel = (0.1 * torch.randn(1, 1, 3, 3, generator=generator)).requires_grad_()
    for _ in range(recipe["steps"]):
        ((F.conv2d(images, kernel) - maps) ** 2).mean().backward()
        with torch.no_grad():
            kernel -= recipe["learning_rate"] * kernel.grad
        kernel.grad.zero_()
    return (kernel.detach() - secret).abs().max().item()


# %% [markdown]
# Here is one experiment as an example. Fewer steps should leave the kernel farther away, so the
# prediction is "higher". The rule is that of lesson 01: the result is "higher" only if *every*
# number after the change lies above every number before it.

# %%
BASE = {"learning_rate": 0.04, "steps": 50, "images": 64, "noise": 0.0}
compare = experiments.Comparison(trial, "largest error of a weight")
before, after = compare(
    BASE, {**BASE, "steps": 10}, prediction="higher",
    because="with fewer steps the weights can't come as close", seeds=range(5),
)  # fmt: skip

# %% [markdown]
# ### Exercise 02.5: Predict what a setting does
#
# Now choose a change yourself: a larger or smaller learning rate, fewer images, or noise. Write a
# function that changes one setting of the recipe it is given, predicts "higher", "lower" or
# "unclear" for the numbers after the change, and calls `compare` once. Then it returns the word for
# what came out, and whether that is the word you predicted.
#
# The check hands your function made-up numbers, so it looks at how you test and conclude, and not
# at what you predict. When it says "Right", run the real thing in a cell of your own:
# `experiment(BASE, compare)`. If the result surprises you, all the better: find out why.


# %%
def experiment(base, compare):
    """Change one setting of a recipe, predict, test, and conclude.

    base: a recipe, a dict of settings, which stays as it is; compare: an
    `experiments.Comparison`, to be called once, with at least five seeds.
    Returns what came out ("higher", "lower" or "unclear") and whether it was predicted (a bool).

    >>> def same_always(recipe, seed):  # a trial in which no change matters
    ...     return 0.1 * seed
    >>> compare = experiments.Comparison(same_always, quiet=True)
    >>> found, came_true = experiment({"learning_rate": 0.04, "steps": 50, "noise": 0.5}, compare)
    >>> found
    'unclear'
    """
    ### BEGIN SOLUTION
    changed = {**base, "learning_rate": 2 * base["learning_rate"]}
    prediction, because = "lower", "larger steps come closer in the same number of steps"
    before, after = compare(base, changed, prediction, because, seeds=range(5))
    found = "unclear"
    if min(after) > max(before):
        found = "higher"
    if max(after) < min(before):
        found = "lower"
    return found, found == prediction
    ### END SOLUTION


# %%
check("kernel-experiment", experiment)

# %% [markdown]
# <details><summary>What came out when we tried some changes (open this after your own experiment)</summary>
#
# From `BASE`: twice the learning rate gave "lower", because larger steps come closer in 50 steps,
# and half of it gave "higher". But a learning rate of 0.2 gave "higher", too, with enormous
# numbers: each step jumps over the valley and lands higher than before. So more is better only up
# to a limit. Eight images instead of 64 gave "unclear": even eight digits hold thousands of
# patches, which is plenty for nine weights. And noise of 1 gave "unclear", although every single
# answer was wrong: the errors point in all directions, so in the mean over many patches they nearly
# cancel.</details>

# %% [markdown]
# ## 10. Pooling {#pooling}
#
# After a convolution has found patterns, their exact place matters less and less. For example, a 7
# is a 7 whether its corner stands in column 20 or 21. **Pooling** uses that: it takes a small
# window of a feature map and keeps one number of it, either the largest (**max pooling**) or the
# mean (**average pooling**). The usual window is 2 × 2 with stride 2. Then every number of the map
# lies in one window, and the map shrinks to half its rows and columns, so that all later layers
# have less to do. Pooling has no weights.
#
# Here is a feature map with its windows. Work out both kinds of pooling on paper, and then run the
# cell.

# %%
feature_map = torch.tensor(
    [[1.0, 3.0, 2.0, 0.0], [5.0, 7.0, 1.0, 1.0], [0.0, 2.0, 4.0, 8.0], [2.0, 4.0, 0.0, 4.0]]
)
ax = plots.number_matrix(feature_map, title="feature map", digits=0, size=0.5)
ax.axhline(1.5, color=plots.RED)
ax.axvline(1.5, color=plots.RED)
plots.show(ax, alt="1 3 2 0, 5 7 1 1, 0 2 4 8, 2 4 0 4, row by row, in four windows of 2 by 2.")

# %%
largest = F.max_pool2d(feature_map[None, None], kernel_size=2)[0, 0]
mean = F.avg_pool2d(feature_map[None, None], kernel_size=2)[0, 0]
_, axes = plots.subplots(1, 2, width=4.4, height=2)
for ax, matrix, name in zip(axes, (largest, mean), ("max pooling", "average pooling"), strict=True):
    plots.number_matrix(matrix, ax, title=name, digits=0)
plots.show(axes, alt="Max pooling gives 7 2 4 8, average pooling 4 1 2 4.")

# %% [markdown]
# In the window at the top left, the largest of 1, 3, 5 and 7 is 7, and their mean is 16 / 4 = 4.
# Max pooling answers "is the pattern here at all?", while average pooling answers "how much of it
# is here?".
#
# Here is max pooling in code. Compare it with `corr2d`: the sum has become a maximum, and the
# window moves by its own size.


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
# ### Exercise 02.6: Average pooling with overlap
#
# Now write average pooling. The window no longer moves by its own size but by `stride` pixels, so
# that windows may overlap, or leave gaps. Only windows that lie inside the image count.


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
# ## 11. What pooling forgives {#invariance}
#
# Shift a digit by one pixel. For you nothing has changed, but for a network nearly every pixel has
# a new value. A convolution moves its map along with the digit, so the map has changed as much as
# the digit. How much of the change is left after pooling?
#
# We take the left edges of the strokes of 500 digits, shift the digits by 0 to 4 pixels, and
# measure how much the map changes: the mean absolute difference, as a share of the mean value. 0
# means no change, and 2 means that the two maps have nothing in common. Which of the three curves
# will lie lowest?


# %%
def edges(images):
    """Where ink begins, from left to right: (N, 1, H, W). F.relu sets negative answers to 0."""
    return F.relu(F.conv2d(images, secret, padding=1))


views = {
    "no pooling": edges,
    "max pooling 4 × 4": lambda images: F.max_pool2d(edges(images), 4),
    "average pooling 4 × 4": lambda images: F.avg_pool2d(edges(images), 4),
}


# %%
some = data.scale(digits.train.images[:500])
# roll: what leaves at the right comes in at the left; the border is almost always empty
shifted = [some.roll(shift, dims=3) for shift in range(5)]
change = {
    name: [float((view(moved) - view(some)).abs().mean() / view(some).mean()) for moved in shifted]
    for name, view in views.items()
}
ax = plots.lines(
    change, x=range(5), xlabel="shift to the right in pixels", ylabel="relative change"
)
ax.set_xticks(range(5))
plots.show(ax, alt="All three curves rise with the shift; without pooling it rises fastest.")

# %% [markdown]
# Without pooling, a shift by one pixel changes the map by nearly as much as its own mean. After
# pooling it changes far less, and after max pooling least, because the largest number usually stays
# in its window. So **pooling forgives small shifts**. It does not forgive large ones: at four
# pixels the pattern has moved to the next window. What does not change at all when something is
# moved is called **translation invariant**; pooling makes a network a little more so.
#
# There is a price. After pooling nobody can tell where in the window the pattern was, and two
# strokes that are close together may melt into one. Here is a digit after pooling once, twice and
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
# At 14 × 14 the digit is still clear, at 7 × 7 you guess, and at 3 × 3 it is gone. (7 is odd, so
# the last row and column were dropped.) Networks get around the price in the following way: while
# pooling makes the maps smaller, convolutions make more of them. Place is lost, but *what* was seen
# is spread over more channels.
#
# See both sides on a digit of your choice. The explorer shows the digit as pixels and pooled, each
# before and after a shift. At a shift of 1, read the percentage of the pixels and write it down.
# Then go on: at which shift does the pooled map reach that number? After that choose the pooling
# *average*, and then a *Size* and a *Stride* of 7. Could you still name the digit from the pooled
# map?

# %%
widgets.pooling_lab(digits.train)

# %% [markdown]
# For most digits the pooled map changes far less than the pixels after one step. It reaches the
# number that you wrote down when the shift comes near the size of the window, because by then much
# of the ink stands in the next one. Average pooling forgives less for most digits, since every
# pixel of a window counts in it, and not only the largest. Larger windows forgive more and show
# less: on a map of 4 × 4 you can hardly tell the digits apart.

# %% [markdown]
# ## What usually goes wrong {#faults}
#
# - **"Expected 3D (unbatched) or 4D (batched) input to conv2d".** `F.conv2d` wants N, C, H, W. A
#   single image needs two more axes: `image[None, None]`.
# - **The output is one pixel too small.** Put your numbers into the formula of [](#output-size);
#   the rounding down is easily forgotten.
# - **"Given groups=1, weight of size [16, 6, 5, 5], expected input[1, 3, 14, 14] to have 6
#   channels, but got 3 channels instead".** The second axis of the weights must equal the channels
#   of the input.
# - **The loss explodes.** The learning rate is too large, so that each step jumps over the valley
#   and lands higher on the other side. Try 0.2 in [](#learned-kernel).
# - **The kernel does not settle.** Without `grad.zero_()` old slopes are added to new ones.
# - **"a leaf Variable that requires grad is being used in an in-place operation".** The step stands
#   outside of `torch.no_grad()`, so torch would have to note it.
# - **"Can't call numpy() on Tensor that requires grad".** torch keeps notes for this tensor. Use
#   `.detach()` before you draw or convert it.

# %% [markdown]
# ## Summary {#summary}
#
# - Patterns are small (locality) and may stand anywhere (translation). Therefore a convolution
#   slides one small table of weights over the image.
# - A kernel asks a question at each place, and the feature map holds the answers.
# - Output size: (n + 2p − k) / s, rounded down, plus 1.
# - Weights have the axes output channels, input channels, height, width.
# - A slope says how fast the loss grows with a weight. Along a chain slopes are multiplied (chain
#   rule), and autograd does it for all weights in one walk back.
# - Gradient descent finds weights from examples: loss, slopes, a small step against them, repeat.
# - Pooling keeps one number of each window, and so it forgives small shifts.

# %% [markdown]
# ## Five questions {#questions}
#
# <details><summary>1. A 28 × 28 image goes through a 5 × 5 kernel without padding and then 2 × 2 pooling. What size comes out?</summary>
# 28 − 5 + 1 = 24, and half of it: 12 × 12.</details>
#
# <details><summary>2. Which kernel of 3 × 3 leaves an image unchanged, and why do the weights of an edge kernel add up to 0?</summary>
# 1 in the middle and 0 everywhere else (with padding 1). In an area of one shade every pixel has
# the same value v, so the answer is v times the sum of the weights. For an edge kernel it should be
# 0 whatever v is, because there is no edge.</details>
#
# <details><summary>3. The slope of the loss for a weight is −4. Should the weight grow or shrink, and by how much with a learning rate of 0.1?</summary>
# It should grow, because the loss falls when the weight grows. New weight = weight − 0.1 · (−4), so
# it grows by 0.4.</details>
#
# <details><summary>4. How many parameters has nn.Conv2d(16, 32, kernel_size=3)?</summary>
# 32 · 16 · 3 · 3 weights and 32 biases: 4,608 + 32 = 4,640.</details>
#
# <details><summary>5. Two convolutions of 3 × 3 in a row: how large is the part of the image that one output number depends on? And with a 1 × 1 convolution after them?</summary>
# 5 × 5, because each adds one pixel on every side. The 1 × 1 convolution adds nothing.</details>

# %% [markdown]
# ## Key terms {#terms}
#
# | English | 中文 | where |
# |---|---|---|
# | weight | 权重 | [](#why-convolution) |
# | kernel | 卷积核 | [](#why-convolution) |
# | locality | 局部性 | [](#why-convolution) |
# | translation | 平移 | [](#why-convolution) |
# | convolution | 卷积 | [](#correlation) |
# | cross-correlation | 互相关 | [](#correlation) |
# | edge detection | 边缘检测 | [](#kernels) |
# | padding | 填充 | [](#output-size) |
# | stride | 步幅 | [](#output-size) |
# | layer | 层 | [](#output-size) |
# | feature map | 特征映射(特征图) | [](#channels) |
# | bias | 偏置 | [](#channels) |
# | fully connected layer | 全连接层 | [](#channels) |
# | receptive field | 感受野 | [](#channels) |
# | 1 × 1 convolution | 1 × 1 卷积 | [](#channels) |
# | loss | 损失 | [](#slope) |
# | slope (derivative) | 斜率(导数) | [](#slope) |
# | learning rate | 学习率 | [](#slope) |
# | chain rule | 链式法则 | [](#autograd) |
# | automatic differentiation | 自动微分 | [](#autograd) |
# | gradient | 梯度 | [](#learned-kernel) |
# | gradient descent | 梯度下降 | [](#learned-kernel) |
# | noise | 噪声 | [](#experiment) |
# | max pooling, average pooling | 最大汇聚、平均汇聚(又称最大池化、平均池化) | [](#pooling) |
# | translation invariance | 平移不变性 | [](#invariance) |
#
# Next: [03 LeNet-5](03_lenet.ipynb).
