# %% [markdown]
# # 01 Loading data
#
# A program that reads handwritten digits has to start somewhere. It starts with a file of
# bytes. In this lesson you open that file, find the images in it, and get them ready for
# learning.
#
# | | |
# |---|---|
# | **Before this lesson** | Python: lists, loops, functions. Nothing about neural networks. Mathematics: functions and their curves; slope, powers and logarithms from lesson 02 on. |
# | **You will be able to** | say what learning from data means · use tensors · read an image file byte by byte · make batches · compute the mean and the deviation of a dataset · augment images · explain why there are three sets of images |
# | **Running time** | about {{lessons.01.minutes}} min on two CPU cores, without a GPU |

# %% [markdown]
# ## 1. What learning from data means {#learning}
#
# How would you tell a program what a 7 looks like? You could write rules: a bar at the top, a
# slanted line below. Then somebody writes a 7 with a stroke through it, or without the bar's
# left end. The rules grow, and they are never complete.
#
# **Learning from data** goes another way. You collect many images, and for each one the right
# answer, its **label**. You write a function with thousands of adjustable numbers in it, its
# **parameters**. At first they are random, and so are its answers. Then you show it image after
# image. Each time you change the parameters a little, so that the right answer becomes more
# likely. Nobody writes a rule for a 7.
#
# Three things are needed, and the course takes them in this order:
#
# 1. **data**: images and labels (this lesson),
# 2. **a function with parameters**: a network (lessons 02 and 03),
# 3. **a way to change the parameters**: a loss and an optimiser (lessons 02 and 03).

# %% [markdown]
# ## 2. Before you start {#start}
#
# The next cell imports what this lesson needs and prints what it runs on. `torch` is the library
# that the course computes with; its full name is PyTorch. `torchvision` adds images to it, and
# `mnist_course` holds the course's own helpers. It comes before `torch`, because it tells `torch` to
# share the processor with other programs. Look at the device: `cuda` or `mps` means that a GPU
# was found, `cpu` means that the processor does the work. The whole course works on `cpu`.
#
# Some cells begin with `# NBVAL_CHECK_OUTPUT`. It is a note to a test program, which compares what
# the cell prints with what it should print. You can ignore it.

# %%
import struct
import time

from mnist_course import data, plots, runtime, widgets
from mnist_course.augment import RandomAffine
from mnist_course.checks import check, hint

import torch
import torchvision
from matplotlib import ticker

runtime.report()

# %% [markdown]
# ## 3. Tensors in ten lines {#tensors}
#
# A **tensor** is a box of numbers of one type, with a shape. A list of three numbers has the
# shape `(3,)`. A table of two rows and three columns has the shape `(2, 3)`. Sixty thousand
# images of 28 rows and 28 columns have the shape `(60000, 28, 28)`.
#
# Each entry of a shape is the size of one **axis**, counted from 0. In the table, axis 0 counts the
# rows and axis 1 the columns. Of the sixty thousand images, axis 0 counts the images, axis 1 the
# rows, axis 2 the columns. torch writes `dim` for an axis. A few signs are new. `:` means "all" and
# `-1` "the last". `reshape(-1)` puts all numbers into one row. `unsqueeze(0)` puts an axis of size
# 1 in front. `.T` swaps rows and columns. `@` is the matrix product: each row times each column,
# summed.
#
# The answers stand below the cell already. Cover them, and guess each line before you look.

# %%
# NBVAL_CHECK_OUTPUT
table = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
print("shape        ", tuple(table.shape))
print("type         ", table.dtype)
print("second row   ", table[1].tolist())
print("last column  ", table[:, -1].tolist())
print("times ten    ", (table * 10).tolist())
print("column means ", table.mean(dim=0).tolist())
print("above 2.5    ", (table > 2.5).tolist())
print("flattened    ", table.reshape(-1).tolist())
print("new axis     ", tuple(table.unsqueeze(0).shape))
print("matrix product", (table @ table.T).tolist())

# %% [markdown]
# Two things are worth a second look. `table * 10` worked on all six numbers at once: there was
# no loop. And `mean(dim=0)` made the first axis disappear: of `(2, 3)` it left `(3,)`. An
# operation along an axis uses that axis up. Of the matrix product, check the top left number:
# 1·1 + 2·2 + 3·3 = 14.

# %% [markdown]
# ## 4. A file of bytes {#bytes}
#
# The dataset is called **MNIST**. Its images were written by employees of a census office and
# by school students in the USA. It comes as four files: images and labels for training, images
# and labels for testing. `data.mnist_root()` unpacks them on first use and checks that no bit
# is wrong.
#
# We open the training images as what they are, a long row of bytes. A byte is a whole number
# from 0 to 255. Bytes are usually written in **hexadecimal**: two signs for each byte, 0 to 9 and
# then a to f for 10 to 15. So `1c` is 1 · 16 + 12 = 28, and `ea` is 14 · 16 + 10 = 234. In Python you
# write `0xEA`.
#
# What do the first 16 bytes look like?

# %%
# NBVAL_CHECK_OUTPUT
path = data.mnist_root() / "MNIST" / "raw" / "train-images-idx3-ubyte"
content = path.read_bytes()
print("bytes in the file:", f"{len(content):,}")
print("the first 16:     ", content[:16].hex(" "))

# %% [markdown]
# The format is called **IDX**. Its header says what follows:
#
# | bytes | value here | meaning |
# |---|---|---|
# | 0 and 1 | `00 00` | always zero |
# | 2 | `08` | the type of the numbers: 8 is an unsigned byte |
# | 3 | `03` | three axes follow |
# | 4 to 7 | `00 00 ea 60` | size of the first axis: images |
# | 8 to 11 | `00 00 00 1c` | size of the second axis: rows |
# | 12 to 15 | `00 00 00 1c` | size of the third axis: columns |
#
# A size takes four bytes, the largest part first (**big-endian**). So `00 00 ea 60` is
# 0 · 256³ + 0 · 256² + 234 · 256 + 96. The function `struct.unpack` does that sum: `>` stands for
# big-endian, `I` for a whole number of four bytes, `H` for one of two bytes, `B` for a single
# byte. All three are **unsigned**: never negative.

# %%
# NBVAL_CHECK_OUTPUT
zeros, kind, axes = struct.unpack(">HBB", content[:4])
count, rows, columns = struct.unpack(">III", content[4:16])
print("type", kind, "with", axes, "axes:", count, "images of", rows, "x", columns)
print("by hand:", 0 * 256**3 + 0 * 256**2 + 0xEA * 256 + 0x60)
print("header and pixels:", 16 + count * rows * columns, "bytes")

# %% [markdown]
# The last line is a check that you should always make: header and pixels together are exactly
# as long as the file. Everything after the header is pixels, one byte each, row by row. So the
# images are one `reshape` away.

# %%
# NBVAL_CHECK_OUTPUT
copy = bytearray(content[16:])  # a copy that may be changed, as torch wants
pixels = torch.frombuffer(copy, dtype=torch.uint8)
images = pixels.reshape(count, rows, columns)
print(tuple(images.shape), images.dtype)

# %% [markdown]
# ### Exercise 01.1: Read the labels
#
# Now it is your turn. Each lesson has some exercises like this one. You write the body of a
# function; the text in quotes says what it should do and shows an example. The cell below it
# checks your answer at once, with small inputs of its own. If something is wrong, it says what, and
# you try again. For a hint, type `hint("idx-labels")` in a cell of your own. Nothing is lost if
# you leave an exercise for later: no other cell needs your answer.
#
# The labels have an IDX file, too. It has one axis instead of three, and so a shorter header. Write
# a function that takes the bytes of such a file and gives its labels.


# %%
def read_labels(content):
    """The labels in the bytes of an IDX file of labels.

    content: bytes; after the header one unsigned byte for each label.
    Returns an int64 tensor of shape (N,), with values from 0 to 255.

    >>> content = bytes.fromhex("00 00 08 01 00 00 00 03 05 00 04")  # three labels
    >>> read_labels(content)
    tensor([5, 0, 4])
    """
    ### BEGIN SOLUTION
    return torch.tensor(list(content[8:]), dtype=torch.int64)
    ### END SOLUTION


# %%
check("idx-labels", read_labels)

# %% [markdown]
# ## 5. An image is a matrix of numbers {#image}
#
# Here is the first image, with its numbers written in. 0 is the background, 255 is full ink.
# Look for the soft edges: pixels that the pen touched only in part have values between the two.

# %%
digit = images[0]
box = digit[3:27, 3:27]  # rows and columns 3 to 26; the rest is 0
plots.show(
    plots.number_matrix(box, size=0.34, title="the first training image, rows and columns 3 to 26"),
    alt="The first image of MNIST as a table of numbers from 0 to 255. Large numbers form a 5.",
)

# %% [markdown]
# You saw a 5. The computer has 784 numbers. Everything that a network will ever know about this
# digit is in them.

# %% [markdown]
# ## 6. The same with torchvision {#torchvision}
#
# Reading bytes is good to have done once. From now on a library does it. `torchvision` reads the
# same files; `download=False` makes sure that it fetches nothing. Are its images the same as
# ours?

# %%
# NBVAL_CHECK_OUTPUT
mnist = torchvision.datasets.MNIST(data.mnist_root(), train=True, download=False)
print("images:", tuple(mnist.data.shape), mnist.data.dtype)
print("labels:", tuple(mnist.targets.shape), mnist.targets.dtype)
print("same pixels as read by hand:", torch.equal(images, mnist.data))
print("the first ten labels:", mnist.targets[:10].tolist())

# %% [markdown]
# They are the same to the last bit. Now look at some digits with their labels. Which of them
# would you have read differently?

# %%
chosen = slice(59_000, 59_032)
plots.show(
    plots.image_grid(mnist.data[chosen], mnist.targets[chosen].tolist(), columns=8),
    alt="Thirty-two handwritten digits, each with its label above.",
)

# %% [markdown]
# The strokes are thick and thin, upright and slanted. But every digit has about the same size
# and stands in the middle. That is no accident. Yann LeCun, Corinna Cortes and Christopher
# Burges, who made MNIST, fitted each digit into a box of 20 × 20 pixels. Then they moved its centre
# of mass to the middle of 28 × 28. A network that learns from these images will rely on it.

# %% [markdown]
# ## 7. How many of each? {#counts}
#
# If nine of ten images showed a 1, a program that always says "1" would be right nine times in
# ten, and useless. So count before you learn. The red line is where all bars would end if the
# digits were equally frequent.

# %%
counts = torch.bincount(mnist.targets)
ax = plots.bars(counts.tolist(), range(10), xlabel="digit", ylabel="training images")
ax.axhline(len(mnist) / 10, color=plots.RED, linestyle="--")
plots.show(ax, alt="Bars: every digit occurs 5,421 to 6,742 times; 1 is the most frequent.")

# %%
# NBVAL_CHECK_OUTPUT
for digit_name, number in enumerate(counts.tolist()):
    print(digit_name, f"{number:5d} images, {number / len(mnist):.2%}")

# %% [markdown]
# The ten digits are the **classes** here. They are nearly balanced. A program that always answers
# "1" is right for 11.24 % of the training images. That is the number that any real method has to
# beat.

# %% [markdown]
# ## 8. Mean and deviation {#statistics}
#
# Networks learn best from numbers around 0 that are neither huge nor tiny; lesson 03 says why. So
# we scale the bytes to the range from 0 to 1, subtract the **mean**, and divide by the **standard
# deviation**, the typical distance from the mean. Both are computed over all pixels of all training
# images. To do this is to **normalise** the images.
#
# There are 47 million pixels, but a byte has only 256 different values. So it is enough to count how
# often each value occurs. Its frequency is the weight of the value in the mean. The deviation is the
# root of the mean squared distance, with the same weights. Counting needs hardly any memory, while
# each scaled pixel would take four bytes, and a copy of all pixels is soon too much for a laptop.

# %%
# NBVAL_CHECK_OUTPUT
frequencies = torch.bincount(mnist.data.flatten(), minlength=256) / mnist.data.numel()
values = torch.arange(256) / 255  # what the bytes 0 to 255 are scaled to
mean = (frequencies * values).sum()
deviation = (frequencies * (values - mean) ** 2).sum().sqrt()
print(f"mean {mean:.4f}, standard deviation {deviation:.4f}")
normalised = (values - mean) / deviation
mean_after = (frequencies * normalised).sum()
deviation_after = (frequencies * (normalised - mean_after) ** 2).sum().sqrt()
print(f"after: mean {abs(mean_after):.2f}, standard deviation {deviation_after:.2f}")
print(f"background becomes {normalised[0]:.2f}, full ink {normalised[-1]:.2f}")

# %% [markdown]
# You will meet 0.1307 and 0.3081 in many programs about MNIST. Now you know where they come
# from.
#
# One rule matters here: these two numbers come from the *training* images. Later images are
# treated with the same two numbers, never with their own.

# %% [markdown]
# ## 9. A batch {#batch}
#
# A network could look at one image at a time, or at all of them. One image at a time is slow, and
# the changes are unsteady: each image changes the parameters in its own favour. All at once is slow
# too: a single small change for 60,000 images of work. The middle way is a **batch**, of 64 or 256
# images, say.
#
# Four steps make a batch: draw images at random, scale, add an axis for the **channel** (grey has
# one, colour would have three), normalise.
#
# The random numbers of a computer are computed from a start number, the **seed**. The same seed
# gives the same "random" order again. That is useful for comparing: `manual_seed(0)` in the next
# cell and `seed=0` in the one after it draw the same 64 images.

# %%
# NBVAL_CHECK_OUTPUT
generator = torch.Generator().manual_seed(0)
order = torch.randperm(len(mnist), generator=generator)  # a random order of all images
indices = order[:64]  # the first batch
batch = mnist.data[indices]
print("bytes            ", tuple(batch.shape), batch.dtype)
batch = batch.float() / 255
print("scaled           ", tuple(batch.shape), batch.dtype)
batch = batch.unsqueeze(1)
print("with a channel   ", tuple(batch.shape), batch.dtype)
batch = (batch - data.MEAN) / data.DEVIATION
print("normalised       ", tuple(batch.shape), batch.dtype)
labels = mnist.targets[indices]
print("labels           ", tuple(labels.shape), labels.dtype)

# %% [markdown]
# The shape of a batch is always **N, C, H, W**: number of images, channels, height, width. You
# will see these four letters in every lesson.
#
# Why a random order? If the images came sorted, the network would see only zeros for a while, then
# only ones, and forget the zeros. One pass over all images, in a new random order each time, is
# called an **epoch**. `data.Batches` does all of this; you have just done its steps by hand.
# (`data.scale` does the second and third step, `data.normalise` the last, with `data.MEAN` and
# `data.DEVIATION`, the two numbers of [](#statistics).) `next(iter(batches))` takes the first batch.

# %%
# NBVAL_CHECK_OUTPUT
digits = data.load_all_training()
batches = data.Batches(digits, batch_size=64, shuffle=True, seed=0)
first_images, first_labels = next(iter(batches))
print("batches in an epoch:", len(batches))
print(
    "same batch as by hand:", torch.allclose(first_images, batch), torch.equal(first_labels, labels)
)

# %% [markdown]
# ### Exercise 01.2: A batch of colour images
#
# A colour image has three channels: red, green, blue. Files often store the three bytes of a pixel
# side by side, so a batch has the shape N, H, W, 3. A network wants N, 3, H, W. And each channel
# has its own mean and its own deviation, computed on the training images.
#
# Two tools are new. `tensor.permute(…)` puts the axes in another order. And an axis of size 1 serves
# for every place of a longer one: from a tensor N, 3, H, W you can subtract one of shape `(3, 1, 1)`,
# a number for each channel.


# %%
def colour_batch(images, means, deviations):
    """Colour images as a network wants them: channels first, scaled, normalised.

    images: uint8 (N, H, W, 3) in 0..255; means, deviations: float32 (3,), of pixels in 0..1.
    Returns float32 (N, 3, H, W); the images stay as they are.

    >>> image = torch.tensor([[[[0, 51, 255]]]], dtype=torch.uint8)  # a single pixel
    >>> means, deviations = torch.tensor([0.5, 0.0, 0.5]), torch.tensor([0.5, 0.1, 0.25])
    >>> colour_batch(image, means, deviations).flatten()
    tensor([-1.,  2.,  2.])
    """
    ### BEGIN SOLUTION
    scaled = images.permute(0, 3, 1, 2).float() / 255  # N, 3, H, W
    return (scaled - means.reshape(3, 1, 1)) / deviations.reshape(3, 1, 1)
    ### END SOLUTION


# %%
check("colour-batch", colour_batch)

# %% [markdown]
# ## 10. Augmentation: more digits from the same digits {#augmentation}
#
# A 4 that is turned a little is still a 4. So we can turn, shift, resize and slant the images at
# random, and the network sees a slightly different digit each time. This is called **data
# augmentation**. It costs no new labels.
#
# How is an image turned? For each pixel of the *new* image we ask where it comes from in the *old*
# one. A small matrix gives the answer: an **affine map**. That place usually lies between four
# pixels, so their values are mixed (**bilinear** interpolation). `RandomAffine` draws one matrix
# for each image and moves the whole batch in one call. Here it draws a rotation of up to 10° either
# way, a shift of up to a tenth of the image's side, a size from 0.9 to 1.1, and a slant of up to
# 0.1 pixel sideways for each pixel of height.

# %%
augment = RandomAffine(degrees=10, shift=0.1, scale=0.1, shear=0.1)
generator = torch.Generator().manual_seed(1)
example = data.scale(digits.images[59_008:59_009])
same = example.expand(23, 1, 28, 28)  # the same image 23 times, without copying
copies = augment(same, generator)
captions = ["original"] + [""] * 23
plots.show(
    plots.image_grid(torch.cat([example, copies]), captions, columns=8),
    alt="One digit, and twenty-three copies that are slightly turned, moved, resized or slanted.",
)

# %% [markdown]
# Twenty-three new digits from one, and you read every one of them the same way. That is the
# condition: **a change must not change the label**. Mirroring is fine for cats. For digits it is
# not: see what it makes of a 2 and a 5, and what half a turn makes of a 6.

# %%
two, five, six = (digits.images[digits.labels == label][0] for label in (2, 5, 6))
changed = torch.stack([two, two.flip(1), five, five.flip(1), six, six.flip(0, 1)])
captions = ["2", "2 mirrored", "5", "5 mirrored", "6", "6, half a turn"]
plots.show(
    plots.image_grid(changed, captions, columns=6, size=1.3),
    alt="A 2 and its mirror image, which is no digit; a 5, whose mirror image looks like a 2; "
    "a 6, which half a turn makes a 9.",
)

# %% [markdown]
# The mirrored 2 is no digit at all. The mirrored 5 could be read as a 2, and the turned 6 is a
# perfect 9. With the old labels, the network would learn something wrong.
#
# How far may a change go? Try it. The sliders turn, move, resize and slant one digit; on the right
# are random draws of `augment`; the explorer calls its ranges the *recipe*. Drag *Digit* to a 6 or a
# 4 (18 and 2 are two of them). For each slider find the place from which on you would no longer bet
# on the label. Is the recipe's range, shown below the digits, on the safe side of it?

# %%
widgets.augmentation_lab(digits, augment)

# %% [markdown]
# A digit bears far more slant and change of size than the recipe asks for. Rotation is the
# dangerous one: after half a turn the 6 is a 9, and long before that you would not bet on it. The
# recipe's ranges for rotation, size and slant lie well inside all of this. Its shift, of up to
# nearly 3 pixels, does not always: a digit that fills its image may lose the end of a stroke at the
# border. It can still be read.

# %% [markdown]
# ### Exercise 01.3: Every image its own shift
#
# Write the simplest augmentation yourself. Each image of a batch is moved by its own whole number
# of pixels. What leaves the image is gone, and zeros come in at the other side. A negative number
# moves the image to the left, or up.


# %%
def shift_each(images, right, down):
    """Move each image by its own number of pixels; zeros come in.

    images: float32 (N, C, H, W); right, down: int64 (N,), from -(W - 1) to W - 1 and from
    -(H - 1) to H - 1. Returns a new tensor like images; the images stay as they are.

    >>> images = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).expand(2, 1, 2, 2)  # the same twice
    >>> shift_each(images, torch.tensor([1, 0]), torch.tensor([0, -1])).tolist()
    [[[[0.0, 1.0], [0.0, 3.0]]], [[[3.0, 4.0], [0.0, 0.0]]]]
    """
    ### BEGIN SOLUTION
    height, width = images.shape[2:]
    shifted = torch.zeros_like(images)
    for index, (x, y) in enumerate(zip(right.tolist(), down.tolist(), strict=True)):
        kept = images[index, :, max(0, -y) : height - max(0, y), max(0, -x) : width - max(0, x)]
        top, left = max(0, y), max(0, x)
        shifted[index, :, top : top + kept.shape[1], left : left + kept.shape[2]] = kept
    return shifted
    ### END SOLUTION


# %%
check("shift-each", shift_each)

# %% [markdown]
# ## 11. Loading fast {#speed}
#
# The usual way to get batches in PyTorch is a `DataLoader`. It takes the images one by one: it
# turns each into a picture object, changes it, and makes a tensor of it again. Our `Batches`
# handles a whole batch in one call. Both rotate and shift by the same amounts here. How many
# images a second does each make?

# %%
transforms = torchvision.transforms.Compose([
    torchvision.transforms.RandomAffine(degrees=10, translate=(0.1, 0.1)),
    torchvision.transforms.ToTensor(),
    torchvision.transforms.Normalize(data.MEAN, data.DEVIATION),
])  # fmt: skip
dataset = torchvision.datasets.MNIST(data.mnist_root(), train=True, transform=transforms)
one_by_one = torch.utils.data.DataLoader(dataset, batch_size=256, shuffle=True)
whole_batches = data.Batches(
    digits, 256, shuffle=True, augment=RandomAffine(degrees=10, shift=0.1, scale=0, shear=0)
)


def images_per_second(loader, batches):
    """Images a second over the first `batches` batches of a loader."""
    started, seen = time.perf_counter(), 0
    for number, (_, labels) in enumerate(loader, start=1):
        seen += len(labels)
        if number == batches:
            break
    return seen / (time.perf_counter() - started)


# %%
speeds = [
    images_per_second(one_by_one, 5 if runtime.quick() else 40),
    images_per_second(whole_batches, len(whole_batches)),
]
ax = plots.bars(speeds, ["DataLoader", "Batches"], ylabel="images a second")
ax.yaxis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))
plots.show(ax, alt=f"DataLoader {speeds[0]:,.0f} images a second, Batches {speeds[1]:,.0f}.",
           trained=True)  # fmt: skip
print(f"whole batches are {speeds[1] / speeds[0]:.0f} times faster")

# %% [markdown]
# Why such a difference? The arithmetic is nearly the same. But every image on its own costs many
# Python calls. A batch makes about as many, for all its images together. The training images take
# 47 million bytes; where the data fits into memory, work on whole batches.
#
# ### Why a GPU? {#gpu}
#
# The same thought leads to the **GPU**. A processor has a few fast cores. A GPU has thousands of
# slower ones that all do the same thing to different numbers. Training a network is just that:
# the same multiplications for every pixel of every image. You can see the idea on your
# processor. Here a million numbers are added in a Python loop, and in one call.

# %%
numbers = torch.rand(1_000_000)
as_list = numbers.tolist()


def milliseconds(work):
    """Milliseconds that a function without arguments takes; the best of five."""
    times = []
    for _ in range(5):
        started = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - started))
    return min(times)


def add_in_a_loop():
    total = 0.0
    for number in as_list:
        total = total + number
    return total


loop, one_call = milliseconds(add_in_a_loop), milliseconds(numbers.sum)
print(f"loop {loop:.1f} ms, one call {one_call:.3f} ms: {loop / one_call:.0f} times faster")

# %% [markdown]
# In one call Python is asked once, and the processor adds several numbers at a time. A GPU goes
# further the same way.

# %% [markdown]
# ## 12. Why three sets of images {#three-sets}
#
# You will try many things in this course: networks, settings, augmentation. Each time you will ask
# which is best. On which images do you decide?
#
# Not on the training images: a network can learn those by heart. So you set some images aside and
# decide on them. But there is a trap. Suppose that 200 networks are all equally good: each is right
# for 98 % of all digits in the world. On 1,000 images set aside some have good luck and some have
# bad luck. You choose the one that does best there. Then you try it on 10,000 fresh images.
#
# No networks are needed to see what happens. For each answer draw a random number from 0 to 1, and
# count it as right when it is below 0.98. A row of the table is one network, and the share of right
# answers in it is its **accuracy**.

# %%
# NBVAL_CHECK_OUTPUT
generator = torch.Generator().manual_seed(3)
right_on_aside = (torch.rand(200, 1000, generator=generator) < 0.98).float().mean(dim=1)
right_on_fresh = (torch.rand(200, 10_000, generator=generator) < 0.98).float().mean(dim=1)
best = right_on_aside.argmax()
print(f"true accuracy of every network      {0.98:.2%}")
print(f"the best, on the images set aside   {right_on_aside[best]:.2%}")
print(f"the same network, on fresh images   {right_on_fresh[best]:.2%}")

# %% [markdown]
# Now see all 200 networks. Where does the one you choose stand?

# %%
_, ax = plots.subplots(height=2.6)
edges = torch.arange(0.9625, 0.9935, 0.001)
ax.hist(right_on_aside.numpy(), bins=edges, color=plots.SKY, edgecolor="white")
ax.axvline(0.98, color="black", label="true accuracy of all of them")
ax.axvline(right_on_aside[best], color=plots.RED, linestyle="--", label="the one you choose")
ax.axvline(right_on_fresh[best], color=plots.GREEN, linestyle=":", label="the same, fresh images")
ax.set(xlabel="accuracy on 1,000 images", ylabel="networks")
ax.xaxis.set_major_formatter(ticker.PercentFormatter(1))
ax.legend(frameon=False, fontsize=8)
plots.show(ax, alt="A histogram of 200 accuracies, centred at 98 %. The chosen network stands at its "
           "right end; on fresh images it is back in the middle.")  # fmt: skip

# %% [markdown]
# The choice itself made the number too good. The network did not get worse on the fresh images;
# it was never that good. So three sets are needed:
#
# | set | images | what for | how often |
# |---|---|---|---|
# | **training** | 55,000 | the network learns from them | every epoch |
# | **validation** | 5,000 | you choose on them | often, but its number gets a little too good |
# | **test** | 10,000 | one honest number at the end | once |
#
# Many programs that you find have no validation set. They choose on the test set, and then
# report the result on the same test set. In lesson 05 you will measure what that does.
#
# In this course the test set is **sealed**. Only `data.open_test_set("a reason")` opens it, and
# each opening is written to a file beside your work.

# %%
parts = data.load()
print("training  ", tuple(parts.train.images.shape))
print("validation", tuple(parts.validation.images.shape))

# %% [markdown]
# The split is **stratified**: each digit has the same share in both sets. And it is fixed: you
# and everyone else validate on the same images, so your numbers can be compared. Compare the two
# columns.

# %%
shares = {
    name: torch.bincount(part.labels, minlength=10) / len(part)
    for name, part in (("training", parts.train), ("validation", parts.validation))
}
print("digit  training  validation")
for digit_name in range(10):
    print(
        f"{digit_name:5d} {shares['training'][digit_name]:9.2%} {shares['validation'][digit_name]:11.2%}"
    )

# %% [markdown]
# In a full run the shares agree within two hundredths of a percentage point.
#
# One small thing is left. The mean and the deviation of [](#statistics) came from all 60,000 images, and
# 5,000 of those are now for validation. On the 55,000 alone, both are the same to four digits.

# %% [markdown]
# ### Exercise 01.4: A stratified split
#
# Write a stratified split yourself. To have one right answer, nothing is drawn at random here: of
# each label, the first images go to validation. How many? The number of its images divided by
# `parts`, rounded down: of 5 images and 2 parts, 2. The function gives **places**: 0 is the place of
# the first image.


# %%
def stratified_split(labels, parts):
    """Places of the training and of the validation images; each label keeps its share.

    labels: int64 (N,); parts: a whole number from 2 on. Of the places of each label, the first
    `count // parts` go to validation, all others to training.
    Returns two int64 tensors, training and validation, each in ascending order.

    >>> stratified_split(torch.tensor([7, 3, 7, 7, 3, 7]), 2)
    (tensor([3, 4, 5]), tensor([0, 1, 2]))
    """
    ### BEGIN SOLUTION
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique():
        places = (labels == label).nonzero()[:, 0]
        chosen[places[: len(places) // parts]] = True
    return (~chosen).nonzero()[:, 0], chosen.nonzero()[:, 0]
    ### END SOLUTION


# %%
check("stratified-split", stratified_split)

# %% [markdown]
# ## What usually goes wrong {#faults}
#
# - **"shape ... is invalid for input of size 47040016".** The header was not skipped: 16 bytes too
#   many.
# - **The digits are shifted and wrap around the border.** A wrong number of bytes was skipped.
# - **The digits lie on their side, mirrored.** Rows and columns were swapped.
# - **"Input type (unsigned char) and bias type (float) should be the same".** A network wants floats;
#   the file has bytes. Scale first.
# - **Scaled twice.** Dividing by 255 twice leaves numbers so near 0 that all images look alike, and
#   the network learns slowly or not at all. `data.scale` refuses anything but bytes for that reason.
# - **"expected input[1, 64, 28, 28] to have 1 channels, but got 64".** The channel is missing:
#   `unsqueeze(1)`.
# - **The test accuracy is a little below the validation accuracy.** You chose on the validation
#   set, many times: [](#three-sets). A large gap has another cause; look for an error.
# - **Worker processes that hang.** `DataLoader(num_workers=4)` in a notebook on Windows or macOS
#   starts four new Pythons. With data in memory you need none.

# %% [markdown]
# ## Summary {#summary}
#
# - Learning from data: a function with parameters is changed until its answers fit the labels.
# - An image is a matrix of numbers; MNIST keeps it as 784 bytes, after a header of 16.
# - A batch has the shape N, C, H, W: float numbers, scaled and normalised with the training
#   set's mean and deviation.
# - Augmentation changes images without changing labels.
# - Choose on validation; open the test set once.

# %% [markdown]
# ## Five questions {#questions}
#
# <details><summary>1. The label file has a header of 8 bytes. Why not 16?</summary>
# Labels have one axis, not three. The header has four bytes for zeros, type and number of axes,
# and four for each axis: 4 + 4 = 8.</details>
#
# <details><summary>2. What is the shape of a batch of 32 colour images of 64 × 48 (width × height)?</summary>
# (32, 3, 48, 64): N, C, H, W. Height comes before width.</details>
#
# <details><summary>3. Why must the mean of the validation images not be used to normalise them?</summary>
# The network learned from images that were shifted by the training mean. An image must be treated
# in the same way later, whatever other images are in the batch. Also, an image in use comes alone:
# it has no set to take a mean of.</details>
#
# <details><summary>4. You augment with rotations of up to 180°. Which digits suffer most?</summary>
# 6 and 9, since half a turn makes one of the other. Their labels become wrong.</details>
#
# <details><summary>5. A friend tries 50 settings and reports the best test accuracy. What is wrong?</summary>
# The test set was used to choose, so luck was chosen along with quality. The best of 50 on a
# validation set, then one look at the test set, is an honest number.</details>

# %% [markdown]
# ## Key terms {#terms}
#
# | English | 中文 | where |
# |---|---|---|
# | label | 标签 | [](#learning) |
# | parameter | 参数 | [](#learning) |
# | tensor | 张量 | [](#tensors) |
# | big-endian | 大端序 | [](#bytes) |
# | pixel | 像素 | [](#image) |
# | mean, standard deviation | 均值、标准差 | [](#statistics) |
# | normalisation | 标准化(也常称归一化) | [](#statistics) |
# | batch | 小批量(批次) | [](#batch) |
# | channel | 通道 | [](#batch) |
# | epoch | 迭代周期(轮次) | [](#batch) |
# | data augmentation | 数据增广(数据增强) | [](#augmentation) |
# | affine map | 仿射变换 | [](#augmentation) |
# | training, validation, test set | 训练集、验证集、测试集 | [](#three-sets) |
# | stratified split | 分层抽样划分 | [](#three-sets) |
#
# Next: [02 Convolution and pooling](02_convolution_and_pooling.ipynb).
