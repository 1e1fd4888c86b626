# %% [markdown]
# # 01 Loading data
#
# Every program that learns begins with its data, and most of its strange mistakes begin there, too.
# So this lesson starts with a plain file of bytes, because a file is all that a computer gets. You
# open it, find the digits in it, and prepare them until a network could learn from them. At the end
# you build a first, very simple program that reads digits, and make an experiment with it.
#
# | | |
# |---|---|
# | **For whom** | You know Python's lists, loops and functions, and nothing about neural networks. From mathematics you need functions and their curves, and from lesson 02 on also slope, powers and logarithms. |
# | **Before this lesson** | nothing; this is the first one |
# | **You will be able to** | say what learning from data means · use tensors · read an image file byte by byte · make batches · compute the mean and the deviation of a dataset · augment images · explain why there are three sets of images · change one thing, predict what it does, and test it |
# | **Time to plan** | about 4 hours, half of it for the exercises |
# | **Running time** | about {{lessons.01.minutes}} min on two CPU cores, without a GPU |

# %% [markdown]
# ## 1. What learning from data means {#learning}
#
# How would you explain to a program what a 7 looks like? You could try rules, for example "a bar at
# the top and a slanted line below it". But then somebody writes a 7 with a stroke through it, and
# somebody else leaves out half of the bar. Each new handwriting needs a new rule, so the list grows
# and is never complete.
#
# **Learning from data** goes another way. Instead of rules you collect many images, and for each
# one its right answer, which is called the **label**. Then you write a function that takes an image
# and gives an answer, and you build thousands of adjustable numbers into it, its **parameters**. At
# first these numbers are random, so the answers are random, too. But after each image you can
# change the parameters a little, so that the right answer becomes more likely the next time. Nobody
# ever writes a rule for a 7; the rule ends up in the parameters, because they were changed until
# the answers fitted.
#
# Three things are needed for this, and the course takes them in the same order:
#
# 1. **data**: images and their labels (this lesson),
# 2. **a function with parameters**: a network (lessons 02 and 03),
# 3. **a way to change the parameters**: a *loss* that says how wrong an answer is, and an
#    *optimiser* that uses the loss to make the next answer better (lessons 02 and 03).
#
# Training a network then means to repeat: show images, measure the loss, change the parameters.

# %% [markdown]
# ## 2. Before you start {#start}
#
# The next cell imports what this lesson uses, and prints what it runs on. `torch`, whose full name
# is PyTorch, is the library that does the computing. `torchvision` adds images to it, and
# `mnist_course` holds the helpers of this course. The helpers come first, because they tell torch
# to share the processor with your other programs, and torch reads that only while it is imported.

# %%
import struct
import time

from mnist_course import data, experiments, plots, runtime, widgets
from mnist_course.augment import RandomAffine
from mnist_course.checks import check, hint

import torch
import torchvision
from matplotlib import ticker

runtime.report()

# %% [markdown]
# Two remarks, so that nothing in the notebook surprises you. Some cells begin with
# `# NBVAL_CHECK_OUTPUT`: this is a note to a test program, which compares what the cell prints with
# what it should print, and you can ignore it. And if the lines above speak of **quick mode**,
# somebody started the course with `MNIST_COURSE_QUICK=1`. Quick mode runs the same cells with fewer
# images and fewer steps. It is meant for automatic tests, so don't draw conclusions from its
# numbers.
#
# ### Which device computes? {#device}
#
# A graphics card, or **GPU**, can do the arithmetic of a network much faster than the processor,
# the CPU. torch calls the place where numbers lie and are worked on a **device**. `cuda` is a GPU
# by NVIDIA, `mps` is the one in an Apple computer, and `cpu` is the processor that every machine
# has. Programs usually take the best one that is there, with the following few lines. You will find
# them, or something like them, in nearly every program that uses torch.

# %%
if torch.cuda.is_available():
    device = torch.device("cuda")
elif torch.backends.mps.is_available():
    device = torch.device("mps")
else:
    device = torch.device("cpu")
numbers = torch.tensor([1.0, 2.0, 3.0])  # a new tensor lies on the CPU
there = numbers.to(device)  # a copy on the device
print("chosen:", device, "| made on:", numbers.device, "| after .to(device):", there.device.type)

# %% [markdown]
# `.to(device)` copies numbers to the device; if they are there already, it does nothing. You need
# it because torch computes only with numbers that lie on the same device. Therefore a training
# program moves its network once, and then each batch of images before it is used. The course's
# `runtime.device()` makes the same choice as these lines, so from now on we call that. Everything
# in this course also works on `cpu`.

# %% [markdown]
# ## 3. Tensors in ten lines {#tensors}
#
# A **tensor** is a box of numbers of one type, and it has a **shape**. A list of three numbers has
# the shape `(3,)`, and a table of two rows and three columns has the shape `(2, 3)`. Sixty thousand
# images of 28 rows and 28 columns fit into one tensor of the shape `(60000, 28, 28)`. So a whole
# dataset can have a single name, and a single line of code can work on all of it.
#
# Each entry of a shape is the length of one **axis**, and axes are counted from 0. In the table,
# axis 0 counts the rows and axis 1 counts the columns. torch writes `dim` where it asks for an
# axis. A few signs may be new to you:
#
# - `:` means "all of this axis", so `table[:, 1]` is column 1 of all rows.
# - `-1` as a place means "the last one", as in Python's lists. But as a *size*, in `reshape(-1)`,
#   it means "work the size out yourself". The two have nothing to do with each other.
# - `unsqueeze(0)` puts a new axis of length 1 in front.
# - `.T` swaps rows and columns, and `@` is the matrix product: each row times each column, summed.
#
# Read the next cell line by line, and write down what you think each line prints. Then run it.

# %%
table = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
print("shape        ", tuple(table.shape))
print("type         ", table.dtype)
print("second row   ", table[1].tolist())
print("last column  ", table[:, -1].tolist())
print("times ten    ", (table * 10).tolist())
print("column means ", table.mean(dim=0).tolist())
print("above 2.5    ", (table > 2.5).tolist())
print("in one row   ", table.reshape(-1).tolist())
print("new axis     ", tuple(table.unsqueeze(0).shape))
print("matrix product", (table @ table.T).tolist())

# %% [markdown]
# Which lines did you get wrong? Two of them are worth a second look. `table * 10` worked on all six
# numbers at once, although there is no loop. And `mean(dim=0)` made the first axis disappear: it
# averaged over the rows, so that of the shape `(2, 3)` only `(3,)` was left. In general an
# operation along an axis uses that axis up. In the matrix product, check the number at the top
# left: the first row meets the first column of `table.T`, which is the first row again, and
# 1·1 + 2·2 + 3·3 = 14.

# %% [markdown]
# ## 4. A file of bytes {#bytes}
#
# The dataset of this course is called **MNIST**. Employees of a census office and school students
# in the USA wrote its digits. It comes as four files: images and labels for training, and images
# and labels for testing. `data.mnist_root()` unpacks them the first time, and it checks that not a
# single bit is wrong.
#
# Usually a library reads such files. We do it once by hand, because then you know that nothing
# magic happens there, and because one day you will meet a file that no library can read. The file
# is a long row of bytes, and a **byte** is a whole number from 0 to 255. Bytes are usually written
# in **hexadecimal**, with two signs for each: 0 to 9, and then a to f for 10 to 15. For example,
# `1c` is 1 · 16 + 12 = 28, and `ea` is 14 · 16 + 10 = 234. In Python you write `0xEA` for the same
# number.
#
# Here are the first 16 bytes. Can you find a 28 among them?

# %%
# NBVAL_CHECK_OUTPUT
path = data.mnist_root() / "MNIST" / "raw" / "train-images-idx3-ubyte"
content = path.read_bytes()
print("bytes in the file:", f"{len(content):,}")
print("the first 16:     ", content[:16].hex(" "))

# %% [markdown]
# These 16 bytes are the **header**, which says what follows in the file. The format is called
# **IDX**, and its header has these parts:
#
# | bytes | value here | meaning |
# |---|---|---|
# | 0 and 1 | `00 00` | always zero |
# | 2 | `08` | the type of the numbers: 8 is an unsigned byte |
# | 3 | `03` | three axes follow |
# | 4 to 7 | `00 00 ea 60` | length of the first axis: images |
# | 8 to 11 | `00 00 00 1c` | length of the second axis: rows |
# | 12 to 15 | `00 00 00 1c` | length of the third axis: columns |
#
# A length takes four bytes, because a single byte ends at 255. The byte for the largest part comes
# first, and this order is called **big-endian**. So `00 00 ea 60` means
# 0 · 256³ + 0 · 256² + 234 · 256 + 96. The function `struct.unpack` works that out for you, if you
# describe the bytes in a short code: `>` stands for big-endian, `I` for a whole number of four
# bytes, `H` for one of two bytes and `B` for a single byte. All three are **unsigned**, which means
# never negative.

# %%
# NBVAL_CHECK_OUTPUT
zeros, kind, axes = struct.unpack(">HBB", content[:4])
count, rows, columns = struct.unpack(">III", content[4:16])
print("type", kind, "with", axes, "axes:", count, "images of", rows, "x", columns)
print("by hand:", 0 * 256**3 + 0 * 256**2 + 0xEA * 256 + 0x60)
print("header and pixels:", 16 + count * rows * columns, "bytes")

# %% [markdown]
# Compare the last line with the length of the file, which the cell before it printed. They are
# equal, so the header was understood and nothing is left over. Make such a check whenever you read
# a file, because it finds most mistakes at once.
#
# Everything after the header is **pixels**, the small squares of which an image is made: one byte
# for each, row by row, image after image. Therefore the images are only one `reshape` away.

# %%
# NBVAL_CHECK_OUTPUT
copy = bytearray(content[16:])  # a copy that may be changed, as torch wants
pixels = torch.frombuffer(copy, dtype=torch.uint8)
images = pixels.reshape(count, rows, columns)
print(tuple(images.shape), images.dtype)

# %% [markdown]
# ### Exercise 01.1: Read the labels
#
# Now it is your turn. Each lesson has a few exercises like this one. You write the body of a
# function, and the text in quotes says what the function should do and shows an example. The cell
# below it checks your answer at once, with small inputs of its own. If something is wrong, it tells
# you what, and you can try again as often as you like. For a hint, type `hint("idx-labels")` in a
# cell of your own. No later cell needs your answer, so nothing is lost if you leave an exercise for
# another day.
#
# The labels have an IDX file of their own. A label is a single number, so this file has one axis
# instead of three, and therefore a shorter header. Write a function that takes the bytes of such a
# file and gives its labels. (`list(content)` makes a list of numbers from bytes, and
# `torch.tensor(…, dtype=torch.int64)` makes a tensor from a list.)


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
# A table of numbers with rows and columns is called a **matrix**. To see how a matrix can be an
# image, draw one yourself: write 1 where there is ink and 0 where there is paper. What does the
# matrix in the next cell show? Try to see it in the numbers before you look at the picture.

# %%
drawn = torch.tensor([
    [0, 1, 1, 1, 1, 0],
    [0, 0, 0, 0, 1, 0],
    [0, 0, 0, 1, 0, 0],
    [0, 0, 1, 0, 0, 0],
    [0, 0, 1, 0, 0, 0],
])  # fmt: skip
plots.show(
    plots.number_matrix(drawn, title="ink is 1, paper is 0"),
    alt="A table of five rows and six columns. The ones, drawn dark, form a 7.",
)

# %% [markdown]
# Eight ones were enough for a 7. MNIST does the same with more pixels and with shades of grey: 0 is
# paper and 255 is full ink. Here is its first image, with the numbers written in. Which digit is
# it? And where do you find grey pixels, with numbers between the two ends?

# %%
digit = images[0]
box = digit[3:27, 3:27]  # rows and columns 3 to 26; the rest is 0
plots.show(
    plots.number_matrix(box, size=0.34, title="the first training image, rows and columns 3 to 26"),
    alt="The first image of MNIST as a table of numbers from 0 to 255. Large numbers form a 5.",
)

# %% [markdown]
# You saw a 5, but the computer has 784 numbers. Everything that a network will ever know about this
# digit is in them. The grey pixels lie along the edges of the strokes, and they have a history: the
# original scans were purely black and white. They were larger, and when they were made smaller,
# each new pixel became a mixture of several old ones. So grey means "partly ink, partly paper".

# %% [markdown]
# ## 6. The same with torchvision {#torchvision}
#
# It was good to read the bytes once, but from now on a library does it. `torchvision` knows the
# same four files, and `download=False` makes sure that it fetches nothing from the internet. Does
# it find the same images as we did?

# %%
# NBVAL_CHECK_OUTPUT
mnist = torchvision.datasets.MNIST(data.mnist_root(), train=True, download=False)
print("images:", tuple(mnist.data.shape), mnist.data.dtype)
print("labels:", tuple(mnist.targets.shape), mnist.targets.dtype)
print("same pixels as read by hand:", torch.equal(images, mnist.data))
print("the first ten labels:", mnist.targets[:10].tolist())

# %% [markdown]
# They are the same to the last bit. Now look at some digits together with their labels, because you
# should always see your data before a program learns from it. The first grid holds nine images,
# from number 59,000 on. A tutorial by m0_65065095 on CSDN, 深度学习--mnist数据集实现卷积神经网络的手写数字识别, begins
# with the same nine. The course calls it write-up B, and in lesson 04 you will train its network.

# %%
nine = slice(59_000, 59_009)  # what 59_000:59_009 means, under a name
plots.show(
    plots.image_grid(mnist.data[nine], mnist.targets[nine].tolist(), columns=9),
    alt="Nine handwritten digits in a row, each with its label above.",
)

# %%
more = slice(59_009, 59_041)
plots.show(
    plots.image_grid(mnist.data[more], mnist.targets[more].tolist(), columns=8),
    alt="Thirty-two handwritten digits, each with its label above.",
)

# %% [markdown]
# Are there digits that you would have read differently? The strokes are thick and thin, upright and
# slanted. But every digit has about the same size and stands in the middle, and that is no
# accident. Yann LeCun, Corinna Cortes and Christopher Burges, who made MNIST, fitted each digit
# into a box of 20 × 20 pixels. Then they moved the box so that the digit's centre of mass came to
# the middle of 28 × 28 pixels. A network that learns from these images will rely on that. For this
# reason your own handwriting, drawn small in a corner, may be read wrongly by a network that is
# excellent on MNIST.

# %% [markdown]
# ## 7. How many of each? {#counts}
#
# Suppose that nine of ten images showed a 1. Then a program that always says "1" would be right
# nine times in ten, although it has learned nothing. So count the labels before you learn, because
# only then can you tell whether a result is good. The ten digits are the **classes** here. In the
# picture, the red line is where all bars would end if the classes were equally frequent.

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
# The classes are nearly balanced. A program that always answers "1" is right for 11.24 % of the
# training images, so this is the number that any real method has to beat. The share of right
# answers is called **accuracy**.

# %% [markdown]
# ## 8. Mean and deviation {#statistics}
#
# Networks learn best from numbers around 0 that are neither huge nor tiny; lesson 03 explains why.
# Bytes from 0 to 255 are far from that. Therefore we scale them to the range from 0 to 1, subtract
# the **mean**, and divide by the **standard deviation**, which is the typical distance from the
# mean. Both are computed over all pixels of all training images. To do this is to **normalise** the
# images.
#
# There are 47 million pixels, but a byte has only 256 different values. So it is enough to count
# how often each value occurs: a value that makes up a tenth of all pixels gets the weight 0.1 in
# the mean. The deviation is the root of the mean squared distance, with the same weights. Counting
# needs hardly any memory, while a copy of all pixels as floats would need four times as much as the
# bytes, which can be too much for a small laptop.

# %%
# NBVAL_CHECK_OUTPUT
frequencies = torch.bincount(mnist.data.flatten(), minlength=256) / mnist.data.numel()
values = torch.arange(256) / 255  # what the bytes 0 to 255 are scaled to
mean = (frequencies * values).sum()
deviation = (frequencies * (values - mean) ** 2).sum().sqrt()
print(f"mean {mean:.4f}, standard deviation {deviation:.4f}")

# %% [markdown]
# You will meet 0.1307 and 0.3081 in many programs about MNIST, usually without a word about where
# they come from. Now you know. The next cell normalises with them, and then computes mean and
# deviation once more.

# %%
# NBVAL_CHECK_OUTPUT
normalised = (values - mean) / deviation
mean_after = (frequencies * normalised).sum()
deviation_after = (frequencies * (normalised - mean_after) ** 2).sum().sqrt()
print(f"after: mean {abs(mean_after):.2f}, standard deviation {deviation_after:.2f}")
print(f"background becomes {normalised[0]:.2f}, full ink {normalised[-1]:.2f}")

# %% [markdown]
# The mean is now 0 and the deviation 1, as it should be. Most pixels are background, so they lie a
# little below 0, and the few pixels with ink lie well above it.
#
# One rule matters here: these two numbers come from the *training* images. Images that come later
# are treated with the same two numbers, never with their own. Otherwise the same grey would mean
# one thing while learning and another thing later.

# %% [markdown]
# ## 9. A batch {#batch}
#
# How many images should a network see before its parameters are changed? One image at a time is
# slow, and the changes are unsteady, because each image pulls the parameters its own way. All
# 60,000 at once is slow, too: that is a lot of work for a single small change. The middle way is a
# **batch** of 64 or 256 images, say. It is large enough for the pulls to average out, and small
# enough to allow hundreds of changes in one pass through the images. Such a pass is called an
# **epoch**.
#
# For each epoch the images are put into a new random order. If they came sorted, the network would
# see only zeros for a while, then only ones, and it would forget the zeros.
#
# The random numbers of a computer are not really random: they are computed from a start number, the
# **seed**. The same seed gives the same numbers again, and that is useful for comparing, because
# two programs can then work on the same "random" images.
#
# Four steps make a batch: draw images at random, scale, add an axis for the **channel** (grey has
# one channel, colour would have three), and normalise. Before you run the cell, write down the
# shape that you expect after each step.

# %%
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
# The shape of a batch is always **N, C, H, W**: number of images, channels, height, width. You will
# see these four letters in every lesson. `data.MEAN` and `data.DEVIATION` are the two numbers of
# [](#statistics).
#
# Nobody writes these steps out each time. torch has two helpers for it, and nearly every program
# that you find uses them. A `TensorDataset` ties images and labels together, so that they keep
# belonging to each other in any order. A `DataLoader` shuffles such a dataset and hands out batches
# in a `for` loop. Here is the usual idiom, in the usual place for `.to(device)`:

# %%
dataset = torch.utils.data.TensorDataset(mnist.data, mnist.targets)
loader = torch.utils.data.DataLoader(dataset, batch_size=64, shuffle=True)
for images_of_batch, labels_of_batch in loader:
    images_of_batch = images_of_batch.to(device)
    labels_of_batch = labels_of_batch.to(device)
    break  # here a network would learn from the batch; we only look at the first one
print("batches in an epoch:", len(loader))
print("the first batch:", tuple(images_of_batch.shape), images_of_batch.dtype)

# %% [markdown]
# The batch still holds bytes, because nobody has scaled them yet. The course has a class of its own
# for this, `data.Batches`: it shuffles, scales, adds the channel, and normalises, a whole batch in
# each step. (`data.scale` does the second and third step, `data.normalise` the last.)
# [Section](#speed) compares how fast the two are. With `seed=0` it must give the batch that we made
# by hand, because both then draw the same 64 images. `next(iter(batches))` takes the first batch.

# %%
# NBVAL_CHECK_OUTPUT
digits = data.load_all_training()
batches = data.Batches(digits, batch_size=64, shuffle=True, seed=0)
first_images, first_labels = next(iter(batches))
print("batches in an epoch:", len(batches))
print("same images as by hand:", torch.allclose(first_images, batch))
print("same labels as by hand:", torch.equal(first_labels, labels))

# %% [markdown]
# ### Exercise 01.2: A batch of colour images
#
# A colour image has three channels: red, green and blue. Files often store the three bytes of a
# pixel side by side, so that a batch has the shape N, H, W, 3. But a network wants N, 3, H, W. And
# each channel has its own mean and its own deviation, computed on the training images.
#
# Two tools are new; try them on small tensors first. `tensor.permute(0, 2, 1)` puts the axes in
# another order: here the last two change places. And where two shapes differ, torch **broadcasts**:
# an axis of length 1 serves for every place of a longer one. For example, from a tensor of shape
# `(N, 3, H, W)` you can subtract one of shape `(3, 1, 1)`, which is one number for each channel.


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
# random before each use, and the network sees a slightly different digit every time. This is called
# **data augmentation**. It helps because a network that has seen a digit in many places and sizes
# can no longer rely on one of them, and it costs no new labels.
#
# How does a program turn an image? For each pixel of the *new* image it asks where that pixel comes
# from in the *old* one. A small matrix gives the answer, and such a map of places is called
# **affine**. Usually the place lies between four pixels, so their values are mixed, the nearest one
# most of all (**bilinear** interpolation). `RandomAffine` draws one matrix for each image and moves
# the whole batch in one call. Its settings, the **recipe**, say how far it may go: here a rotation
# of up to 10° either way, a shift of up to a tenth of the image's side, a size from 0.9 to 1.1, and
# a slant of up to 0.1 pixel sideways for each pixel of height.

# %%
augment = RandomAffine(degrees=10, shift=0.1, scale=0.1, shear=0.1)
generator = torch.Generator().manual_seed(1)
example = data.scale(digits.images[59_008:59_009])
same = example.expand(24, 1, 28, 28)  # the same image 24 times, without copying
copies = augment(same, generator)
plots.show(
    plots.augmented(example[0, 0], copies[:, 0], augment),
    alt="A digit with the recipe's ranges, and twenty-four copies that are slightly turned, moved, "
    "resized or slanted.",
)

# %% [markdown]
# You got twenty-four new digits from one, and you read every one of them the same way. That is the
# condition: **a change must not change the label**. For example, a photograph of a cat may be
# mirrored, because a mirrored cat is a cat. Is the same true of digits? Think of a 2, a 5 and a 6
# before you look at the next picture, where the first two are mirrored and the last is turned by
# half a turn.

# %%
# of all images with this label, the first
two, five, six = (digits.images[digits.labels == label][0] for label in (2, 5, 6))
changed = torch.stack([two, two.flip(1), five, five.flip(1), six, six.flip(0, 1)])
captions = ["2", "2 mirrored", "5", "5 mirrored", "6", "6, half a turn"]
plots.show(
    plots.image_grid(changed, captions, columns=6, size=1.3),
    alt="A 2 and its mirror image, which is no digit; a 5, whose mirror image looks like a 2; "
    "a 6, which half a turn makes a 9.",
)

# %% [markdown]
# The mirrored 2 is no digit at all, the mirrored 5 could be read as a 2, and the turned 6 is a
# perfect 9. But each still carries its old label, so a network that learned from them would learn
# something wrong.
#
# How far may a change go, then? Find out by hand. The explorer below turns, moves, resizes and
# slants one digit, and beside it you see random draws of the recipe. Choose a 6 or a 4 (the digits
# number 18 and 2 are two of them). For each control, find the place from which on you are no longer
# sure of the label. Is the recipe's range on the safe side of it?

# %%
widgets.augmentation_lab(digits, augment)

# %% [markdown]
# You can still read a digit with far more slant, or much larger or smaller, than the recipe makes
# it. Rotation is the dangerous change: after half a turn the 6 is a 9, and you are unsure long
# before that. The recipe's ranges for rotation, size and slant lie well inside all of this. Its
# shift, of up to nearly 3 pixels, does not always, because a digit that fills its image may lose
# the end of a stroke at the border. But it can still be read.

# %% [markdown]
# ### A tool: slices on both sides {#slices}
#
# Moving an image means copying a part of it to another place. The tool for that is the **slice**,
# which may stand on both sides of `=`. Here a row of four numbers is moved by one place to the
# right. Where does each number go, and which one is lost?

# %%
row = torch.tensor([5, 6, 7, 8])
moved = torch.zeros_like(row)  # the same shape and type, all zeros
moved[1:] = row[:-1]  # places 1 to 3 take what stood in places 0 to 2
print(moved.tolist())

# %% [markdown]
# The 8 has left, and a 0 has come in at the other side. For a shift by a number that you don't know
# yet, write the slice with it: `row[: 4 - shift]` goes to `moved[shift:]`. An image works in the
# same way, with two slices, one for the rows and one for the columns.

# %% [markdown]
# ### Exercise 01.3: Every image its own shift
#
# Write the simplest augmentation yourself: each image of a batch is moved by its own whole number
# of pixels. What leaves an image is gone, and zeros come in at the other side. A negative number
# moves the image to the left, or up. Two more tools may help: `zip(a, b)` walks through two lists
# at once, and `.tolist()` makes a list of Python numbers from a tensor.


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
# The `DataLoader` of [](#batch) can augment, too, and this is how most programs do it: the dataset
# gets a list of **transforms** and sends each image through them. First it makes a picture object
# of one image, then it turns that picture, then it makes a tensor of it again, and only then comes
# the next image. Our `Batches` handles a whole batch in one call instead. In the next two cells
# both do the same work: they rotate and shift by the same amounts, and both take the nearest pixel
# instead of mixing four. How many images a second will each of them make?

# %%
transforms = torchvision.transforms.Compose([
    torchvision.transforms.RandomAffine(degrees=10, translate=(0.1, 0.1)),
    torchvision.transforms.ToTensor(),
    torchvision.transforms.Normalize(data.MEAN, data.DEVIATION),
])  # fmt: skip
pictures = torchvision.datasets.MNIST(data.mnist_root(), train=True, transform=transforms)
one_by_one = torch.utils.data.DataLoader(pictures, batch_size=256, shuffle=True)
same_changes = RandomAffine(degrees=10, shift=0.1, scale=0, shear=0, interpolation="nearest")
whole_batches = data.Batches(digits, 256, shuffle=True, augment=same_changes)


# %%
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
print(f"Batches make {speeds[1] / speeds[0]:.1f} times as many")

# %% [markdown]
# The arithmetic is nearly the same on both sides, so where does a difference come from? Python is a
# slow language that calls fast functions, and each call costs a little time before any work is
# done. Image by image, these small costs come up for every single digit. In whole batches, they
# come up once for 256 digits. Therefore work on whole batches where the data fits into memory; the
# training images of MNIST take only 47 million bytes.
#
# ### Why a GPU? {#gpu}
#
# The same thought leads to the GPU. The work of a network is mostly one thing: multiply inputs by
# parameters and add up, which is a matrix product. Let 1,000 units look at one image of 784 pixels.
# They need 784,000 multiplications. With a batch of 64 images they need 64 times as many. Will that
# take 64 times as long? The next cell measures it, and counts how many billions of multiplications
# were done each second. It takes the best of five tries after one to warm up, because other
# programs can only make a try slower, never faster.


# %%
def billions_a_second(count, device):
    """Billions of multiplications a second when 1,000 units look at `count` images."""
    parameters = torch.rand(1000, 784, device=device)
    columns = torch.rand(784, count, device=device)  # each column is an image
    repeats = max(1, 1024 // count)
    times = []
    for _ in range(6):
        started = time.perf_counter()
        for _ in range(repeats):
            product = parameters @ columns
        product[0, 0].item()  # waits until the device has finished
        times.append(time.perf_counter() - started)
    return 1000 * 784 * count * repeats / min(times[1:]) / 1e9


# %%
counts_of_images = [1, 4, 16, 64, 256, 1024]
rates = {
    place: [billions_a_second(count, place) for count in counts_of_images]
    for place in sorted({"cpu", runtime.device().type})
}
ax = plots.lines(rates, x=counts_of_images, xlabel="images in a batch",
                 ylabel="billion multiplications a second")  # fmt: skip
ax.set_xscale("log", base=2)
ax.xaxis.set_major_formatter(ticker.ScalarFormatter())
plots.show(ax, alt="Multiplications a second for batches of 1 to 1,024 images: "
           + "; ".join(f"{place} {found[0]:.3g} to {found[-1]:.3g} billion"
                       for place, found in rates.items()))  # fmt: skip

# %% [markdown]
# Read the curve from left to right. Wherever it rises, a larger batch does more multiplications in
# the same second, so each single image costs less. There are two reasons for such a rise. The cost
# of a call is shared by all images of the batch. And the 784,000 parameters must come from the
# memory for each call, but once they are there, they serve every image of the batch. Where the
# curve stops rising, the arithmetic itself is usually the limit.
#
# A GPU moves this limit. The processor has a few cores that can do anything, while a GPU has
# thousands of simple ones that all do the same thing to different numbers. A batch gives them
# enough of the same to do; a single image would leave most of them waiting. If your machine has a
# GPU, its curve is in the picture. If not, you lose little here, because the networks of this
# course are small enough for a processor.

# %% [markdown]
# ## 12. Why three sets of images {#three-sets}
#
# Now that the images are ready, let us build the simplest program that reads digits. It keeps some
# images together with their labels. When it is asked about a new image, it looks for the known
# image that is most like it, and gives that one's label. This method is called the **nearest
# neighbour**. "Most like" means the smallest **distance**: subtract the two images pixel by pixel,
# square the differences, add them up, and take the root. `torch.cdist` works out all distances at
# once.


# %%
def nearest_labels(known, labels, asked):
    """For each asked image the label of the nearest known one. Images: float (N, 1, 28, 28)."""
    distances = torch.cdist(asked.flatten(1), known.flatten(1))  # asked images, known images
    return labels[distances.argmin(dim=1)]  # argmin: the place of the smallest


def accuracy(answers, labels):
    """The share of right answers, in per cent."""
    return 100 * (answers == labels).float().mean().item()


# %% [markdown]
# How good is this program? To test it, we need images whose labels we know. The 500 images that it
# keeps are at hand, and we can also take 500 others. Guess both numbers before you run the cell.
# (For now, `data.load()` gives images in two parts; what they are for is explained below.)

# %%
parts = data.load()
known, known_labels = data.scale(parts.train.images[:500]), parts.train.labels[:500]
others, other_labels = data.scale(parts.validation.images[:500]), parts.validation.labels[:500]
on_known = accuracy(nearest_labels(known, known_labels, known), known_labels)
on_others = accuracy(nearest_labels(known, known_labels, others), other_labels)
print(f"on the images that it keeps {on_known:.1f} %, on others {on_others:.1f} %")

# %% [markdown]
# On its own images the program is perfect, because the nearest neighbour of a known image is that
# image itself. On other images it makes mistakes, and this lower number is the one that matters. A
# program that is much better on the images it has learned from than on new ones **overfits**: it
# has learned these images by heart, with everything that is special about them, instead of what
# makes a 7 a 7. **Overfitting** is the reason why no program is judged on its training images.
# Networks overfit as well, and lesson 04 shows what one does against it.
#
# So you set some images aside, and judge on them. That is enough as long as you judge once. But in
# this course you will try many things: networks, numbers of epochs, augmentation. Such choices,
# which you make and the program doesn't learn, are called **hyperparameters**. Each time you will
# take what does best on the images set aside, and there lies a trap.
#
# Suppose that 200 networks are all equally good: each is right for 98 % of all digits in the world.
# On 1,000 images set aside, some of them have good luck and some have bad luck. You choose the one
# that does best there, and then you try it on 10,000 fresh images. Which number will be higher, the
# one by which you chose or the fresh one?
#
# No networks are needed to find out. For each answer, draw a random number from 0 to 1, and count
# the answer as right when the number is below 0.98. In the code, each row of the table is one
# network.

# %%
generator = torch.Generator().manual_seed(3)
right_on_aside = (torch.rand(200, 1000, generator=generator) < 0.98).float().mean(dim=1)
right_on_fresh = (torch.rand(200, 10_000, generator=generator) < 0.98).float().mean(dim=1)
best = right_on_aside.argmax()
print(f"true accuracy of every network      {0.98:.2%}")
print(f"the best, on the images set aside   {right_on_aside[best]:.2%}")
print(f"the same network, on fresh images   {right_on_fresh[best]:.2%}")

# %% [markdown]
# Now see all 200 networks as a **histogram**: each bar counts the networks whose accuracy lies in
# its range. Where does the one you chose stand?

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
# The choice itself made the number too good. The network did not get worse on the fresh images; it
# was never as good as it seemed, because you had chosen the luckiest of 200. Therefore three sets
# are needed, and each has its own purpose:
#
# | set | images | what for | how often |
# |---|---|---|---|
# | **training** | 55,000 | the network learns from them | every epoch |
# | **validation** | 5,000 | you choose hyperparameters on them | often, so that their number gets a little too good |
# | **test** | 10,000 | one honest number at the end | once |
#
# Many programs that you find have no validation set. They choose on the test set and then report
# the result on the same test set. In lesson 05 you will measure what that does.
#
# In this course the test set is **sealed**: only `data.open_test_set("a reason")` opens it, and
# each opening is written to a file beside your work. The seal is a promise and no lock. For
# example, `torchvision.datasets.MNIST` with `train=False` would read the test images, too, and
# nothing would stop you; but then your number at the end would no longer be honest.

# %%
print("training  ", tuple(parts.train.images.shape))
print("validation", tuple(parts.validation.images.shape))

# %% [markdown]
# The course has split the training images once and for all, so you and everyone else validate on
# the same images, and your numbers can be compared. The split is **stratified**, which means that
# each digit has the same share in both parts. Compare the two columns:

# %%
shares = {
    name: torch.bincount(part.labels, minlength=10) / len(part)
    for name, part in (("training", parts.train), ("validation", parts.validation))
}
print("digit  training  validation")
for digit_name in range(10):
    training, validation = shares["training"][digit_name], shares["validation"][digit_name]
    print(f"{digit_name:5d} {training:9.2%} {validation:11.2%}")

# %% [markdown]
# In a full run the shares agree within two hundredths of a percentage point.
#
# One small thing is left. The mean and the deviation of [](#statistics) came from all 60,000
# images, and 5,000 of those are now for validation. Strictly, they should come from the 55,000
# alone. It makes no difference here, because both numbers stay the same to four digits.

# %% [markdown]
# ### A tool: masks and places {#masks}
#
# To split images by their labels, you have to find the places of a label, and tensors have tools
# for that. A comparison such as `labels == 7` gives True or False for each place; this is called a
# **mask**. `.nonzero()[:, 0]` lists the places where a mask is True, `~` turns a mask round, and
# `labels.unique()` lists the values that occur. Guess what the next cell prints.

# %%
some_labels = torch.tensor([4, 7, 7, 4, 7])
sevens = some_labels == 7
print(sevens.tolist())
print(sevens.nonzero()[:, 0].tolist())
print((~sevens).nonzero()[:, 0].tolist())
print(some_labels.unique().tolist())

# %% [markdown]
# Places are counted from 0, so the sevens stand at 1, 2 and 4. A mask can also choose or set these
# places: `images[sevens]` would be the images of all sevens, and `sevens[0] = True` changes one
# place.

# %% [markdown]
# ### Exercise 01.4: A stratified split
#
# Write a stratified split yourself. Nothing is drawn at random here, so that there is one right
# answer: of each label, the first images go to validation. How many? The number of its images
# divided by `parts`, rounded down; for example, of 5 images and 2 parts it is 2. The function gives
# places, not images.


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
# ## 13. Your first experiment {#experiment}
#
# Does augmentation really help? The nearest neighbour can tell us, because it needs no training and
# answers in a moment. We let it keep 500 images, or these images and some augmented copies of each.
# Such an experiment has four steps, and you will use them in every lesson:
#
# 1. **Change** one setting, and only one. If you change two, you can't tell which one did it.
# 2. **Predict** what will happen, and write down why, *before* you see a number. Afterwards it is
#    too easy to believe that you knew.
# 3. **Test** both recipes with the same seeds, and with several, because a single run may be lucky.
# 4. **Explain** what came out, above all when it is not what you predicted.
#
# First we need one try as a function: it takes a recipe, which is a dict of settings, and a seed,
# and gives a number.


# %%
def trial(recipe, seed):
    """Accuracy of the nearest neighbour, in per cent: on validation images, with this recipe."""
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(parts.train), generator=generator)[: recipe["images"]]
    known = data.scale(parts.train.images[chosen])
    change = RandomAffine(recipe["degrees"], recipe["shift"], scale=0, shear=0)
    copies = [change(known, generator) for _ in range(recipe["copies"])]
    labels = parts.train.labels[chosen].repeat(1 + len(copies))  # a copy keeps its label
    asked = parts.validation[:1000]
    everything = torch.cat([known, *copies])  # *copies: each tensor of the list
    answers = nearest_labels(everything, labels, data.scale(asked.images))
    return accuracy(answers, asked.labels)


# %% [markdown]
# `experiments.Comparison` makes the test fair: it refuses to run anything before it has your
# prediction and your reason, and it tries both recipes on the same seeds. `{**BASE, "copies": 4}`
# is a copy of the recipe `BASE` with one setting changed. What do you predict? The cell below takes
# the side of augmentation: a new digit often stands a little to the left or right of the known
# ones, and among shifted copies there may be one that fits.

# %%
BASE = {"images": 500, "copies": 0, "degrees": 10, "shift": 0.04}
compare = experiments.Comparison(trial, "accuracy in per cent")
before, after = compare(
    BASE, {**BASE, "copies": 4}, prediction="higher",
    because="among four moved copies there may be one that fits", seeds=range(5),
)  # fmt: skip

# %% [markdown]
# How do you read such numbers? Two lists of numbers always differ a little, also when the change
# does nothing at all. The course therefore uses a strict rule. If *every* number after the change
# lies above every number before it, the result is "higher". If every one lies below, it is "lower".
# In all other cases it is "unclear". How strict is that? Suppose that a change brings nothing but
# other luck. Then any five of the ten numbers may land in the second list, and there are 252 ways
# to choose five of ten. Only 2 of these put the lists fully apart, so luck alone fools us less than
# once in a hundred experiments.
#
# Apply the rule to the two lines above. Did the prediction come true?

# %% [markdown]
# ### Exercise 01.5: Change, predict, test
#
# Now make an experiment of your own. Write a function that changes one setting of the recipe it is
# given, predicts "higher", "lower" or "unclear" for the numbers after the change, and calls
# `compare` once. Then it applies the rule: it returns the word for what came out, and whether that
# is the word you predicted. `min` and `max` of the two lists are all that you need for the rule.
#
# The check hands your function made-up numbers, so it looks at how you test and conclude, and not
# at what you predict: a wrong prediction is no mistake. When it says "Right", run the real thing in
# a cell of your own: `experiment({**BASE, "copies": 4}, compare)`.


# %%
def experiment(base, compare):
    """Change one setting of a recipe, predict, test, and conclude.

    base: a recipe, a dict of settings, which stays as it is; compare: an
    `experiments.Comparison`, to be called once, with at least five seeds.
    Returns what came out ("higher", "lower" or "unclear") and whether it was predicted (a bool).

    >>> def same_always(recipe, seed):  # a trial in which no change matters
    ...     return 90 + seed
    >>> compare = experiments.Comparison(same_always, quiet=True)
    >>> found, came_true = experiment({"images": 500, "degrees": 10, "shift": 0.04}, compare)
    >>> found
    'unclear'
    """
    ### BEGIN SOLUTION
    changed = {**base, "images": 2 * base["images"]}
    prediction, because = "higher", "among more images one is nearer"
    before, after = compare(base, changed, prediction, because, seeds=range(5))
    found = "unclear"
    if min(after) > max(before):
        found = "higher"
    if max(after) < min(before):
        found = "lower"
    return found, found == prediction
    ### END SOLUTION


# %%
check("neighbour-experiment", experiment)

# %% [markdown]
# <details><summary>What came out when we tried some changes (open this after your own experiment)</summary>
#
# From `{**BASE, "copies": 4}`, in full mode: twice the images gave "higher". Rotations of up to
# 180° gave "lower", because the copies then hold sixes that are nines. A shift of up to 0.2 of the
# side gave "lower", too: digits that are moved by more than 5 pixels land on places where other
# digits have their strokes, and the nearest neighbour looks at places and at nothing else. No shift
# at all gave "unclear". So augmentation is no magic: it helps while the copies look like digits
# that will really be asked. Lessons 02 and 03 build a network that depends less on
# places.</details>

# %% [markdown]
# ## What usually goes wrong {#faults}
#
# - **"shape '[60000, 28, 28]' is invalid for input of size 47040016".** The header was not skipped:
#   there are 16 bytes too many. With any other wrong number of skipped bytes `reshape` fails in the
#   same way, because the pixels no longer fill 60,000 images exactly.
# - **The digits are shifted and wrap around the border.** Somebody skipped too few bytes *and* cut
#   off the end, so that `reshape` no longer complained. Don't make an error go away before you know
#   its cause.
# - **The digits lie on their side, mirrored.** Rows and columns were swapped.
# - **"Input type (unsigned char) and bias type (float) should be the same".** A network wants
#   floats, but the file has bytes. Scale first.
# - **Scaled twice.** Whoever divides by 255 twice gets numbers so near 0 that all images look
#   alike, and the network learns slowly or not at all. `data.scale` refuses anything but bytes for
#   that reason.
# - **"expected input[1, 64, 28, 28] to have 1 channels, but got 64 channels instead".** The axis
#   for the channel is missing, so torch takes the 64 images for 64 channels: `unsqueeze(1)`.
# - **"Expected all tensors to be on the same device".** The network lies on the GPU and the batch
#   does not, or the other way round. Move both with `.to(device)`.
# - **The test accuracy is a little below the validation accuracy, or above it.** Mostly this is
#   chance: the two sets hold different digits. That you chose on the validation set many times adds
#   a little ([](#three-sets)). A large gap has another cause, so look for an error.
# - **Worker processes that hang.** `DataLoader(num_workers=4)` in a notebook on Windows or macOS
#   starts four new Pythons. With data in memory you need none.

# %% [markdown]
# ## Summary {#summary}
#
# - Learning from data means to change the parameters of a function until its answers fit the
#   labels.
# - An image is a matrix of numbers. MNIST keeps each as 784 bytes, after one header of 16.
# - A batch has the shape N, C, H, W. It holds floats, scaled and then normalised with the training
#   images' mean and deviation.
# - Augmentation changes images without changing labels, so its range must fit the data.
# - Whole batches are fast, because they share the cost of each call; a GPU needs them all the more.
# - A program that learns its images by heart overfits. Therefore choose hyperparameters on
#   validation images, and open the test set once.
# - An experiment changes one thing, predicts, tests with several seeds, and explains.

# %% [markdown]
# ## Five questions {#questions}
#
# <details><summary>1. The label file has a header of 8 bytes. Why not 16?</summary>
# Labels have one axis, not three. The header has four bytes for zeros, type and number of axes, and
# four for each axis: 4 + 4 = 8.</details>
#
# <details><summary>2. What is the shape of a batch of 32 colour images of 64 × 48 (width × height)?</summary>
# (32, 3, 48, 64): N, C, H, W. Height comes before width.</details>
#
# <details><summary>3. Why must the mean of the validation images not be used to normalise them?</summary>
# The network learned from images from which the training mean was subtracted. An image must be
# treated in the same way later, because otherwise the same grey would mean something else. Also, an
# image in use comes alone: it has no set to take a mean of.</details>
#
# <details><summary>4. You augment with rotations of up to 180°. Which digits suffer most?</summary>
# 6 and 9, because half a turn makes one of the other. Their labels become wrong.</details>
#
# <details><summary>5. A friend tries 50 settings and reports the best test accuracy. What is wrong?</summary>
# The test set was used to choose, so luck was chosen along with quality. It would be honest to take
# the best of 50 on a validation set, and then to look at the test set once.</details>

# %% [markdown]
# ## Key terms {#terms}
#
# | English | 中文 | where |
# |---|---|---|
# | label | 标签 | [](#learning) |
# | parameter | 参数 | [](#learning) |
# | device (CPU, GPU) | 设备(中央处理器、图形处理器) | [](#device) |
# | tensor | 张量 | [](#tensors) |
# | big-endian | 大端序 | [](#bytes) |
# | pixel | 像素 | [](#bytes) |
# | matrix | 矩阵 | [](#image) |
# | class | 类别 | [](#counts) |
# | accuracy | 准确率(精度) | [](#counts) |
# | mean, standard deviation | 均值、标准差 | [](#statistics) |
# | normalisation | 标准化(也常称归一化) | [](#statistics) |
# | batch | 小批量(批次) | [](#batch) |
# | epoch | 迭代周期(轮次) | [](#batch) |
# | seed | 随机种子 | [](#batch) |
# | channel | 通道 | [](#batch) |
# | broadcasting | 广播机制 | [](#batch) |
# | data augmentation | 数据增广(数据增强) | [](#augmentation) |
# | affine map | 仿射变换 | [](#augmentation) |
# | nearest neighbour | 最近邻 | [](#three-sets) |
# | overfitting | 过拟合 | [](#three-sets) |
# | hyperparameter | 超参数 | [](#three-sets) |
# | training, validation, test set | 训练集、验证集、测试集 | [](#three-sets) |
# | stratified split | 分层抽样划分 | [](#three-sets) |
#
# Next: [02 Convolution and pooling](02_convolution_and_pooling.ipynb).
