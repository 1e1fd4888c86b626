# %% [markdown]
# # 04 ReLU and max pooling
#
# LeNet-5 sat on a plateau before it learned anything, and ended below 99 %. In this lesson you
# change one thing at a time and measure what it does: activation, pooling, optimiser, batch
# norm, augmentation, decay, early stopping, dropout. At the end you know which of them matter
# here, and how to find out elsewhere.
#
# | | |
# |---|---|
# | **Before this lesson** | [03 LeNet-5](03_lenet.ipynb): the loop, the loss, the plateau at 2.303 |
# | **You will be able to** | explain why ReLU learns faster than sigmoid · change one thing at a time · use Adam, batch norm, dropout, weight decay and early stopping · read and make an ablation table with error bars · tell a real gain from luck |
# | **Running time** | about {{lessons.04.minutes}} min on two CPU cores, without a GPU |

# %%
import statistics
from dataclasses import replace

from mnist_course import data, metrics, models, plots, results, runtime, widgets
from mnist_course.augment import RandomAffine
from mnist_course.checks import check, hint
from mnist_course.training import (
    CheckpointError,
    Recipe,
    evaluate,
    fit,
    load_checkpoint,
    predict,
    save_checkpoint,
)

import torch
from torch import nn

runtime.report()
digits = data.load()
batch_size = 32 if runtime.quick() else 256

# %% [markdown]
# First a look back. If you have run lesson 03 in this folder, the network that you trained there
# is loaded. It is the one to beat.

# %%
lenet = models.lenet5()
try:
    load_checkpoint("lenet5", lenet)
    _, accuracy = evaluate(lenet, data.Batches(digits.validation, 1000))
    print(f"your LeNet-5 of lesson 03: {accuracy:.2%} on validation")
except CheckpointError as error:
    print(error)

# %% [markdown]
# ## 1. Another activation: ReLU {#relu}
#
# An activation only has to be nonlinear: its curve has to bend. The simplest one is **ReLU**, the
# *rectified linear unit*: keep what is positive, make everything else 0.
#
# Compare the slopes. The sigmoid's is 0.25 at best and nearly 0 for large inputs. ReLU's is 1 for
# every positive input, however large. So where a unit is on, the activation takes nothing from the
# slope. (The weights between the layers still multiply it. Lesson 05 shows what that does in a deep
# network.)

# %%
x = torch.linspace(-6, 6, 241, requires_grad=True)
_, axes = plots.subplots(1, 2, height=2.6)
for ax, name, activation in zip(
    axes, ("sigmoid", "ReLU"), (torch.sigmoid, torch.relu), strict=True
):
    y = activation(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    curves = {name: y.tolist(), "its slope": slope.tolist()}
    plots.lines(curves, ax, x=x.tolist(), xlabel="input", title=name)
    ax.set_ylim(-0.1, 2)
plots.show(
    axes, alt="The sigmoid's slope is a low hump; ReLU's slope is 0 left of zero and 1 right of it."
)

# %% [markdown]
# There is a price: a unit whose input is negative for every image gets no slope and hardly ever
# learns again. It is a **dead** unit. It can happen when a step is too long, so networks with ReLU
# want smaller learning rates than 0.9.
#
# You know the explorer from lesson 03. Choose ReLU, first with a learning rate of 0.1, then with
# 0.9. On the right, a unit of ReLU counts as saturated where it gives 0.

# %%
widgets.loss_explorer(digits.train)

# %% [markdown]
# With 0.1 the loss falls at once. With 0.9 a whole layer dies, the slopes become 0, and the loss stays
# at 2.303 for good.

# %% [markdown]
# ### Exercise 04.1: A ReLU that can't die
#
# A dead unit has no slope to learn from. The **leaky ReLU** leaves it a small one: what is negative
# is not made 0, but multiplied by a small number. Write it. It works on a tensor of any shape, all
# numbers at once.


# %%
def leaky_relu(inputs, slope):
    """Keep what is positive, multiply what is negative by slope.

    inputs: float32, any shape; slope: a number from 0 to 1.
    Returns a new tensor of the same shape and dtype; the inputs stay as they are.

    >>> leaky_relu(torch.tensor([-2.0, 0.0, 3.0]), 0.1)
    tensor([-0.2000,  0.0000,  3.0000])
    """
    ### BEGIN SOLUTION
    return torch.where(inputs > 0, inputs, slope * inputs)
    ### END SOLUTION


# %%
check("leaky-relu", leaky_relu)

# %% [markdown]
# ## 2. One change at a time {#one-change}
#
# Here is LeNet-5 with exchangeable parts. The layers are the ones you know.


# %%
def lenet5_variant(
    activation=nn.ReLU, pooling=nn.MaxPool2d, batch_norm=False, dropout=0.0, channels=(6, 16)
):
    """LeNet-5 with its parts exchanged: by default ReLU and max pooling, 61,706 parameters.

    activation: a class without arguments; pooling: a class that takes a size; batch_norm:
    normalise after each convolution; dropout: share of hidden units dropped in training.
    """
    c1, c2 = channels

    def norm(channels):
        return nn.BatchNorm2d(channels) if batch_norm else nn.Identity()

    return nn.Sequential(
        nn.Conv2d(1, c1, kernel_size=5, padding=2), norm(c1), activation(),  # N, 6, 28, 28
        pooling(2),                                                          # N, 6, 14, 14
        nn.Conv2d(c1, c2, kernel_size=5), norm(c2), activation(),            # N, 16, 10, 10
        pooling(2),                                                          # N, 16, 5, 5
        nn.Flatten(),                                                        # N, 400
        nn.Linear(c2 * 25, 120), activation(), nn.Dropout(dropout),          # N, 120
        nn.Linear(120, 84), activation(), nn.Dropout(dropout),               # N, 84
        nn.Linear(84, 10),                                                   # N, 10
    )  # fmt: skip


# %% [markdown]
# `nn.Identity()` does nothing; it keeps a place free. Five networks follow. Each differs from the
# one before in **one** part. They all get two epochs and the same first seed.
#
# 1. sigmoid and average pooling, as in lesson 03, but with torch's own first weights, not Xavier's,
# 2. **ReLU** instead of sigmoid (with a smaller learning rate),
# 3. **max pooling** instead of average pooling,
# 4. the optimiser **Adam** instead of plain gradient descent,
# 5. **batch norm** after the convolutions.
#
# *Adam* keeps two running means for each parameter: of its slope, and of its slope squared. Each step
# is the learning rate times the first, divided by the square root of the second. So parameters with
# small slopes still take steps of a useful size.
#
# *Batch norm* normalises each channel, as you normalised the images in lesson 01: over all images
# of the batch and all places. Then it lets the network choose a new scale and shift for it. In
# evaluation it uses a running mean and variance (the square of the standard deviation) that it kept
# while training.
#
# Before you run it: which change will help most?

# %%
sgd = Recipe(epochs=2, batch_size=batch_size, learning_rate=0.1, momentum=0.0)
adam = Recipe(epochs=2, batch_size=batch_size, optimizer="adam", learning_rate=0.003)
slow = Recipe(epochs=2, batch_size=batch_size, learning_rate=0.9, momentum=0.0)
steps = {
    "sigmoid, average": ({"activation": nn.Sigmoid, "pooling": nn.AvgPool2d}, slow),
    "ReLU": ({"pooling": nn.AvgPool2d}, sgd),
    "max pooling": ({}, sgd),
    "Adam": ({}, adam),
    "batch norm": ({"batch_norm": True}, adam),
}
one_at_a_time, networks = {}, {}
for name, (parts, recipe) in steps.items():
    runtime.seed_everything(0)
    networks[name] = network = lenet5_variant(**parts)
    one_at_a_time[name] = fit(network, digits, recipe)
    print(f"{name:18} {one_at_a_time[name].accuracy:.2%} on validation")
runtime.check_floor(one_at_a_time["batch norm"].accuracy, quick_floor=0.8, full_floor=0.97)

# %%
errors = [100 - 100 * history.accuracy for history in one_at_a_time.values()]
_, axes = plots.subplots(1, 2, width=9, width_ratios=[1, 1.6])
plots.bars(errors[:2], list(one_at_a_time)[:2], axes[0], ylabel="errors on validation, %")
plots.bars(errors[1:], list(one_at_a_time)[1:], axes[1], title="without the first, enlarged")
plots.show(axes, alt="Bars of validation errors: " + ", ".join(
    f"{name} {value:.1f} %" for name, value in zip(one_at_a_time, errors, strict=True)), trained=True)  # fmt: skip

# %% [markdown]
# The first change is by far the largest. But mind what the first bar shows: two epochs end when
# sigmoids are on their plateau or have just left it. Given ten epochs, the network of lesson 03
# reached {{lenet.rows.lenet5.mean | .1%}} (mean of {{lenet.seeds}} seeds). With ReLU, max pooling
# and Adam, ten epochs give {{relu.rows.lenet5-relu.mean | .1%}}. That is the gain of all these
# changes together; the rest of the first step is time saved. The later changes are smaller steps.
# Are they real, or is it luck? One run each can't tell. [Section](#ablation) shows how to find out.
#
# Keep in mind what was *not* fair here. A learning rate suits one network and not another. So
# numbers 2 and 4 changed two things each: the part and the rate. A change is never quite alone; say
# so in your report.
#
# What does the change look like inside? Here are the first network and the third, side by side, on
# the same digit. Choose the layer *2* (the activation) and then *3* (the pooling). Where there is no
# ink: what does a sigmoid answer, and what does ReLU? Compare the largest values, too. They stand
# above the small maps, as what is drawn black.

# %%
pair = {name: networks[name] for name in ("sigmoid, average", "max pooling")}
widgets.feature_maps(pair, digits.validation)

# %% [markdown]
# A sigmoid answers every place with a number between 0 and 1, also where there is no ink. ReLU
# answers many places with exactly 0, and its largest values are not held below 1. Max pooling passes
# the strongest answers on as they are; average pooling mixes them with their neighbours.

# %% [markdown]
# ### Exercise 04.2: What batch norm remembers
#
# In evaluation batch norm does not use the mean of the batch, but a **running mean** that it kept
# while training. After each batch it moves the running mean a little way to the batch's own mean:
# with a momentum of 0.1, nine parts of the old and one part of the new. (This momentum is the share
# of the new; in lesson 03 it was the share of the old.) Write that step. The batch's mean is one
# number a channel, over all images and all places.


# %%
def update_running_mean(running_mean, batch, momentum):
    """The running mean after one more batch.

    running_mean: float32 (C,); batch: float32 (N, C, H, W); momentum: the new one's share, 0 to 1.
    Returns a new tensor (C,); the old one stays as it is.

    >>> batch = torch.tensor([0.0, 2.0, 1.0, 5.0]).reshape(1, 2, 1, 2)  # 1 image, 2 channels
    >>> update_running_mean(torch.tensor([0.0, 10.0]), batch, 0.1)
    tensor([0.1000, 9.3000])
    """
    ### BEGIN SOLUTION
    batch_mean = batch.mean(dim=(0, 2, 3))
    return (1 - momentum) * running_mean + momentum * batch_mean
    ### END SOLUTION


# %%
check("running-mean", update_running_mean)

# %% [markdown]
# ## 3. Two networks from the web {#two-networks}
#
# Many tutorials train small networks on MNIST. Two of them, with what is good and bad.
#
# **Write-up B** (深度学习--mnist数据集实现卷积神经网络的手写数字识别, CSDN, m0_65065095) has three convolutions of 3 × 3
# with ReLU and trains with Adam and a learning rate of 0.01. It never shuffles the training images,
# and one of its comments miscounts what the line beside it shows.
# It calls `model.forward(images)` itself. Call `model(images)`: it does the same and also runs
# hooks. These are functions that see what leaves a layer. The explorers use them.
#
# **Write-up C** (Pytorch 手写数字识别 深度学习基础分享) has no activation between its two convolutions.
# You know from lesson 03 what that means: two linear layers in a row are one linear layer. Only
# max pooling, which is not linear, stands between them. It also calls the network's raw outputs
# probabilities, one of them 3.03; you know that they are logits. And it saves the whole network
# object, a pickle, which can run code when it is loaded.


# %%
def network_b():
    """Write-up B's three convolutions with ReLU and max pooling, 21,578 parameters."""
    return nn.Sequential(
        nn.Conv2d(1, 8, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2),   # N, 8, 14, 14
        nn.Conv2d(8, 16, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2),  # N, 16, 7, 7
        nn.Conv2d(16, 32, kernel_size=3, padding=1), nn.ReLU(),                  # N, 32, 7, 7
        nn.Flatten(),                                                            # N, 1568
        nn.Linear(32 * 7 * 7, 10),                                               # N, 10
    )  # fmt: skip


def network_c():
    """Write-up C's network: no activation between its two convolutions. 30,074 parameters."""
    return nn.Sequential(
        nn.Conv2d(1, 16, kernel_size=3, padding=1), nn.MaxPool2d(2),   # N, 16, 14, 14
        nn.Conv2d(16, 32, kernel_size=3, padding=1), nn.MaxPool2d(2),  # N, 32, 7, 7
        nn.Flatten(),                                                  # N, 1568
        nn.Linear(32 * 7 * 7, 16), nn.ReLU(),                          # N, 16
        nn.Linear(16, 10),                                             # N, 10
    )  # fmt: skip


def network_c_with_relu():
    """Write-up C's network with one ReLU, after its first convolution."""
    first, *rest = network_c()
    return nn.Sequential(first, nn.ReLU(), *rest)


# %% [markdown]
# We train B in one fixed order, and then with a new order in each epoch. (Its fixed order is that of
# the file. Ours is another one: our split has mixed the images.) We train C as published, and with
# one ReLU between its convolutions; since it names neither its batch size nor whether it shuffles, we
# choose both. Both write-ups feed pixels from 0 to 1 as they are, so our normalisation must change
# nothing: a mean of 0 and a deviation of 1. Two epochs each. Does it matter?

# %%
plain = (0.0, 1.0)  # mean and deviation that leave pixels as they are
recipe_b = Recipe(
    epochs=2,
    batch_size=64,
    shuffle=False,
    optimizer="adam",
    learning_rate=0.01,
    normalisation=plain,
)
recipe_c = Recipe(epochs=2, batch_size=64, learning_rate=0.2, momentum=0.0, normalisation=plain)

for name, build, recipe in (
    ("B, fixed order", network_b, recipe_b),
    ("B, shuffled", network_b, replace(recipe_b, shuffle=True)),
    ("C", network_c, recipe_c),
    ("C with ReLU", network_c_with_relu, recipe_c),
):
    runtime.seed_everything(0)
    history = fit(build(), digits, recipe)
    print(f"{name:15} {history.accuracy:.2%} on validation")
    runtime.check_floor(history.accuracy, quick_floor=0.7, full_floor=0.94)

# %% [markdown]
# All four work. Which is better, one run each can't say. It is worth noticing: MNIST forgives a lot.
# A tutorial's 98 or 99 % does not prove that its choices were good. Only a comparison does.
#
# An order is not harmless because it is fixed, but because it is mixed. What if the images came
# sorted, all zeros first?

# %%
in_order = digits.train.labels.argsort(stable=True)
sorted_digits = data.Digits(digits.train[in_order], digits.validation)
runtime.seed_everything(0)
network = network_b()
history = fit(network, sorted_digits, replace(recipe_b, epochs=1))
answers = predict(network, digits.validation, normalisation=plain).argmax(dim=1)
print(f"B, sorted by digit: {history.accuracy:.2%} on validation")
print("its answers, 0 to 9:", answers.bincount(minlength=10).tolist())

# %% [markdown]
# The last images were nines, and in a full run it now takes everything for a nine. What it had learned
# of the other digits is lost.
#
# The stored runs, with the published optimisers and epochs, on 55,000 images, with
# {{writeups.seeds}} seeds each, ended at {{writeups.rows.b.mean | .2%}} ±
# {{writeups.rows.b.deviation | .2%}} (B in its fixed order), {{writeups.rows.b-shuffled.mean |
# .2%}} ± {{writeups.rows.b-shuffled.deviation | .2%}} (B shuffled) and {{writeups.rows.c.mean |
# .2%}} ± {{writeups.rows.c.deviation | .2%}} (C) on validation. The number after ± is the standard
# deviation of the seeds. Two things to notice. The gain of shuffling is smaller than either of B's
# deviations, so by the rule of [](#seeds) it is not settled. And C's seeds end anywhere from
# {{writeups.rows.c.low | .1%}} to {{writeups.rows.c.high | .1%}}. Smaller differences, such as yours
# between the four lines above, may be luck.
#
# What did B gain from its later epochs?

# %%
for name in ("b", "b-shuffled"):
    mine = [run for run in results.load("writeups")["runs"] if run["name"] == name]
    early, late = (
        statistics.mean(run["validation_accuracy"][epoch - 1] for run in mine) for epoch in (2, 10)
    )
    print(f"{name:10} after 2 epochs {early:.2%}, after 10 epochs {late:.2%}, means of all seeds")

# %% [markdown]
# Next to nothing: its learning rate stays high, and its accuracy jumps from epoch to epoch.

# %% [markdown]
# ## 4. An ablation with error bars {#ablation}
#
# **Write-up E** (基于PyTorch的手写数字识别实验深度总结) reports what each step adds to its network:
#
# | | test accuracy | seconds an epoch |
# |---|---|---|
# | base | 97.5 % | 12 |
# | + augmentation | 98.2 % | 15 |
# | + batch norm | 98.5 % | 13 |
# | + rate decay and early stopping | 98.7 % | 14 |
#
# *Rate decay* divides the learning rate by ten every five epochs. *Early stopping* ends training
# when the validation accuracy has had no new best for three epochs.
#
# Such a table is called an **ablation**. This one raises three questions. Do the rows add up, or
# does each stand alone? (The times speak for the second. Batch norm is more work, yet its row takes
# less time than the row with augmentation.) How far would a second run lie from the first? And is
# the base sound? A gain is easily had over a base that was badly trained.
#
# Three more things do not fit. The text says shifts of ±2 pixels, the code ±10 %, which is 2.8; we
# take 2. It speaks of a validation set but never makes one, so early stopping must have looked at
# something else. And its text says under 5 seconds an epoch, where its table says 12 to 15.
#
# We ran it again: the same network, the write-up's optimiser, each step **alone** and then **all
# together**, {{ablation.seeds}} seeds each, 12 epochs at most, read on validation. These runs take
# longer than a lesson, so their results are stored with the course.
#
# The network's last layer gives ln p instead of logits, and the write-up's loss is −ln p, as in
# lesson 03. A *softmax* before cross-entropy is a mistake. A *log*-softmax does no harm: e to the
# power of ln p is p again, and these already add up to 1.


# %%
def network_e(batch_norm=False):
    """Write-up E's LeNet variant without padding, 44,426 parameters.

    Returns log-probabilities (N, 10), for the negative log-likelihood; cross-entropy gives
    the same loss and gradients, since log-softmax leaves log-probabilities as they are.
    """

    def norm(channels):
        return nn.BatchNorm2d(channels) if batch_norm else nn.Identity()

    return nn.Sequential(
        nn.Conv2d(1, 6, kernel_size=5), norm(6), nn.ReLU(), nn.MaxPool2d(2),    # N, 6, 12, 12
        nn.Conv2d(6, 16, kernel_size=5), norm(16), nn.ReLU(), nn.MaxPool2d(2),  # N, 16, 4, 4
        nn.Flatten(),                                                           # N, 256
        nn.Linear(256, 120), nn.ReLU(),                                         # N, 120
        nn.Linear(120, 84), nn.ReLU(),                                          # N, 84
        nn.Linear(84, 10), nn.LogSoftmax(dim=1),                                # N, 10
    )  # fmt: skip


# %%
rows = results.load("ablation")["rows"]
means = [100 * row["mean"] for row in rows.values()]
deviations = [100 * row["deviation"] for row in rows.values()]
for name, mean, deviation in zip(rows, means, deviations, strict=True):
    print(f"{name:28} {mean:.2f} ± {deviation:.2f} %")
print(f"all together minus base: {means[-1] - means[0]:+.2f} points")

# %% [markdown]
# In the picture, blue is ours, on validation. The red crosses are the write-up's test accuracies,
# each beside the row that comes nearest. If its rows add up, 98.5 has no row here and 98.7 belongs
# to "all together". The two sets of images differ, so differences of 0.1 or 0.2 between red and
# blue mean nothing. Look for the distance between red and blue, then for bars that overlap.

# %%
_, ax = plots.subplots(height=3.2)
ax.errorbar(means, range(len(rows)), xerr=deviations, fmt="o", color=plots.BLUE, capsize=4,
            label="this course, one standard deviation of the seeds")  # fmt: skip
ax.plot(
    [97.5, 98.2, 98.5, 98.7],
    [0, 1, 2, 3],
    "x",
    color=plots.RED,
    label="write-up E, on test, as it reports",
)
ax.set(yticks=range(len(rows)), yticklabels=list(rows), xlabel="accuracy, %")
ax.invert_yaxis()
ax.legend(frameon=False, fontsize=8, loc="lower left")
plots.show(ax, alt="; ".join(
    f"{name}: {mean:.2f} ± {deviation:.2f} %"
    for name, mean, deviation in zip(rows, means, deviations, strict=True)
) + ". Write-up E's crosses: 97.5, 98.2, 98.5, 98.7 %.")  # fmt: skip

# %% [markdown]
# Read the picture slowly.
#
# - **The base was not sound.** The same network with the same optimiser reaches
#   {{ablation.rows.base.mean | .2%}} here, in 12 epochs where the write-up used 20. So neither
#   network nor optimiser explains its 97.5 %. Its text does not say what does.
# - **Its end was low, too.** Its last number, with all steps, is no better than our base without
#   any. So its 1.2 points say little about the steps. On a sound base all steps together add what
#   the last printed line says.
# - **Look at the bars, too.** They show how far single runs lie apart. The dots are means and are
#   steadier; [](#seeds) says by how much.
#
# Now run one row yourself: all steps together. The recipe says everything there is to know. ±2
# pixels of 28 are a share of 2 / 28. The write-up's augmentation does not mix pixels as lesson 01's
# does: each new pixel takes the value of the **nearest** old one.

# %%
row_e = Recipe(
    epochs=12,
    batch_size=64,
    learning_rate=0.01,
    momentum=0.9,
    schedule="step",
    decay=0.1,
    decay_every=5,
    patience=3,
    augment=RandomAffine(degrees=10, shift=2 / 28, scale=0.05, shear=0, interpolation="nearest"),
)
runtime.seed_everything(10)  # the stored runs have smaller seeds
network = network_e(batch_norm=True)
history_e = fit(
    network, digits, row_e, seed=10, show=plots.LiveCurve(title="write-up E, all steps")
)
runtime.check_floor(history_e.accuracy, quick_floor=0.9, full_floor=0.985)

# %%
stored = rows["all together"]
print(f"yours:  {history_e.accuracy:.2%} on validation")
print(
    f"stored: {stored['mean']:.2%} ± {stored['deviation']:.2%}, {len(stored['accuracies'])} seeds"
)

# %% [markdown]
# Put your curve over the range of the stored runs, epoch by epoch.

# %%
together = [run for run in results.load("ablation")["runs"] if run["name"] == "all together"]
widgets.band_explorer(history_e, together, row_e)

# %% [markdown]
# A run that lies a little outside is no error: the stored runs are few, and the band is their
# range. It ends where the first of them stopped early.
#
# Two things in the curves of your training, above, are worth a look.
#
# - **Decay.** After epoch 5 the learning rate is a tenth, and the validation curve becomes calm.
#   Think of the loss as a landscape: long steps find the valley, short steps find its floor.
# - **Training accuracy lies below validation accuracy.** That looks wrong and is right: it is
#   counted on *augmented* images, which are harder, and while the network still learns.
#
# **Early stopping** ends training when the validation accuracy has had no new best for three
# epochs: more would cost time and might overfit ([](#regularisation)). Here the *last* network is kept, not
# the best one; many programs go back to the best. It is a choice made on validation data: one more
# reason to keep the test set out of it.

# %% [markdown]
# ### Exercise 04.3: When to stop
#
# Now decide it yourself. You get the validation accuracies, one an epoch, and the patience: the
# number of epochs in a row that may pass without a new best. After which epoch does training end?
# An accuracy that only equals the best is not a new best.


# %%
def last_epoch(accuracies, patience):
    """The epoch after which early stopping ends training, counted from 1.

    accuracies: a list of floats, one an epoch; patience: a whole number from 1 on.
    Training ends after `patience` epochs in a row without a new best. If that never happens,
    it ends after the last epoch of the list. Returns an int; 0 for an empty list.

    >>> last_epoch([0.95, 0.97, 0.96, 0.97, 0.98], patience=2)
    4
    """
    ### BEGIN SOLUTION
    best, waited = float("-inf"), 0
    for epoch, accuracy in enumerate(accuracies, start=1):
        waited = 0 if accuracy > best else waited + 1
        best = max(best, accuracy)
        if waited == patience:
            return epoch
    return len(accuracies)
    ### END SOLUTION


# %%
check("early-stopping", last_epoch)

# %% [markdown]
# ## 5. When there is too little data: dropout and weight decay {#regularisation}
#
# With 55,000 images LeNet hardly **overfits**. To see overfitting, take images away. With 1,000
# training images the network soon knows each one by heart: the training loss goes to 0, validation
# stays behind.
#
# Two remedies:
#
# - **Dropout**: in every step, a random half of the hidden units (those between input and output)
#   is switched off. No unit can rely on another, so what is learned is spread.
# - **Weight decay**: every weight is pulled a little towards 0 in each step. Large weights, which
#   make a network react strongly to small differences, must be worth it. It is closely related to
#   **L2** regularisation, which adds the squares of all weights to the loss; for plain gradient
#   descent it is the same. Here the learning rate times the decay is 0.001, so each step takes a
#   thousandth off every weight. (The optimiser is called `adamw` there. With decay 0 it is Adam; it
#   only takes the decay off apart from Adam's step.)
#
# Three networks follow, each from the same first weights. 2,000 validation images are enough to see
# it. Look at the validation loss.

# %%
few = data.Digits(digits.train[:1000], digits.validation[:2000])
short = Recipe(epochs=30, batch_size=50, optimizer="adam", learning_rate=0.001)
decayed = Recipe(epochs=30, batch_size=50, optimizer="adamw", learning_rate=0.001, weight_decay=1.0)
remedies = {
    "plain": (0.0, short),
    "dropout 0.5": (0.5, short),
    "weight decay": (0.0, decayed),
}
few_images = {}
for name, (dropout, recipe) in remedies.items():
    runtime.seed_everything(0)
    few_images[name] = fit(lenet5_variant(dropout=dropout), few, recipe)

# %%
_, axes = plots.subplots(1, 3, width=9, sharey=True)
for ax, (name, history) in zip(axes, few_images.items(), strict=True):
    both = {"training": history.train_loss, "validation": history.validation_loss}
    plots.lines(both, ax, xlabel="epoch", title=f"{name}: {history.accuracy:.1%}")
axes[0].set(ylabel="loss", ylim=(0, 0.6))
plots.show(axes, alt="Three panels of loss over 30 epochs. Without a remedy the training loss goes to 0 "
           "and the validation loss stops falling early; with dropout or decay it ends lower.", trained=True)  # fmt: skip

# %% [markdown]
# The number in each title is the validation accuracy at the end. Look at the orange curves first.
# Without a remedy the validation loss soon stops falling, while the training loss goes to 0. With
# either remedy it ends lower. Compare the accuracies in the titles, too; but one run each can't
# settle which remedy is better. Don't trust the blue curve of dropout: it was measured while half
# of the units were off.
#
# More data would be the real cure. Augmentation is the cheapest way to get some.

# %% [markdown]
# ### The same remedies on clothes {#clothes}
#
# Do these remedies help where there is more data? **Write-up D**
# (卷积神经网络(LeNet5)实现对 Fashion_MNIST 分类) tries them on **Fashion-MNIST**: ten kinds of
# clothes, as many images as MNIST has and of the same size. It begins with d2l's LeNet-5. Then come
# four models with ReLU and max pooling, 14 epochs each. It reports:
#
# | | test accuracy |
# |---|---|
# | 1. SGD (plain gradient descent), batches of 100 | about 80 % |
# | 2. Adam, batches of 256, L2 | about 90 %, and it overfits |
# | 3. the same with dropout | about 90 %, and it overfits less |
# | 4. more kernels | a little worse, which it puts down to overfitting |
#
# Two slips first. Its option "no CUDA" is on and can't be turned off, so a GPU is never used. And it
# shuffles its images only when it uses a GPU, so never. How many kernels its fourth model has, it
# does not say. Ours has 16 and 32, instead of 6 and 16.
#
# These are stored runs of this course, {{fashion.seeds}} seeds each. The four models saw their images
# in one fixed order, that of our split. LeNet-5 is d2l's: shuffled, 10 epochs. Is the fourth model
# worse, and does it overfit more?

# %%
clothes = results.load("fashion")["runs"]
for key, name in {
    "lenet5": "LeNet-5, sigmoid", "d1": "1. SGD", "d2": "2. Adam, L2",
    "d3": "3. with dropout", "d4": "4. more kernels",
}.items():  # fmt: skip
    mine = [run for run in clothes if run["name"] == key]
    training = statistics.mean(run["train_accuracy"][-1] for run in mine)
    validation = [run["validation_accuracy"][-1] for run in mine]
    mean, deviation = statistics.mean(validation), statistics.stdev(validation)
    print(f"{name:17} training {training:.1%}, validation {mean:.1%} ± {deviation:.1%}")

# %% [markdown]
# Model 4 is not worse than model 2: they differ by less than one standard deviation of the seeds. And
# it does not overfit more. Both know their training images one or two points better than new ones.
# Model 1 knows its training images hardly better than new ones: it has learned too little, not too
# much.
#
# Model 3's two numbers can't be compared, since its training accuracy was measured while half of the
# units were off. But its validation accuracy is lower than model 2's, by more than twice either
# deviation. With 55,000 images there was little to cure, and half of a small network was missing.
#
# LeNet-5 has the widest spread: its {{fashion.seeds}} runs end from
# {{fashion.rows.lenet5.low | .0%}} to {{fashion.rows.lenet5.high | .0%}}. So "it is worse" needs
# several seeds. And "it overfits" needs two numbers beside it.

# %% [markdown]
# ### Exercise 04.4: Dropout
#
# In lesson 03 you saw that dropout doubles what it leaves when half of the units are dropped. So
# the sum stays the same on average, and in evaluation nothing has to be done. Write it for any
# share. To make the answer the same each time, the random numbers are handed in: one for each
# unit, anywhere from 0 to 1. A unit is dropped where its number is below the share. (torch's own
# `nn.Dropout` does the same, with random numbers that it draws itself.)


# %%
def drop_units(units, draws, share, training):
    """Switch off a share of the units while training, and enlarge the others to make up for it.

    units: float32, any shape; draws: float32 in 0..1, the same shape: a unit is dropped where
    its draw is below share; share: from 0 to below 1; training: True or False.
    Returns a tensor like units; units themselves stay as they are. When not training, nothing
    is dropped or enlarged.

    >>> drop_units(torch.ones(4), torch.tensor([0.1, 0.9, 0.3, 0.7]), share=0.5, training=True)
    tensor([0., 2., 0., 2.])
    """
    ### BEGIN SOLUTION
    if not training:
        return units.clone()
    return units * (draws >= share) / (1 - share)
    ### END SOLUTION


# %%
check("inverted-dropout", drop_units)

# %% [markdown]
# ## 6. How many seeds? {#seeds}
#
# You have seen many differences of 0.1 or 0.2 percentage points. How far do two runs differ when
# *nothing* is changed but the seed? The stored base runs tell.

# %%
base = [100 * accuracy for accuracy in rows["base"]["accuracies"]]
spread = statistics.stdev(base)
print("base, one number a seed:", ", ".join(f"{accuracy:.2f}" for accuracy in base))
print(f"standard deviation of one run: {spread:.2f} points")
print(f"of a mean of {len(base)} runs:        {spread / len(base) ** 0.5:.2f} points")

# %% [markdown]
# A mean of *n* runs spreads √n times less than one run. A gain is the difference of two means, so
# it spreads √2 ≈ 1.4 times as much as one mean. A gain smaller than twice *that* is not settled.
# With a handful of seeds ask for three times the spread: the spread itself is only a rough guess.
#
# Seeds tell you about the luck of training alone. All runs are read on the same 5,000 images. Other
# images would shift the number again: see the interval in lesson 03.

# %% [markdown]
# ### Exercise 04.5: Is it a gain?
#
# Two networks were trained with several seeds each, perhaps not equally many. Compute the gain and
# how far it spreads. For one mean you saw it: the standard deviation of the runs, divided by the
# root of their number. For the difference of two means, the two spreads are **squared, added, and
# the root is taken**. With equal spreads that gives the √2 from above. This holds for runs that
# share no luck, that is, with different seeds.


# %%
def gain_and_spread(base, new):
    """The gain of the new runs over the base runs, and the standard deviation of that gain.

    base, new: lists of accuracies of independent runs, at least two each. The deviation of the
    runs is the one with n - 1, as `statistics.stdev` computes it. Returns a pair of floats.

    >>> gain, spread = gain_and_spread([98.0, 99.0, 100.0], [99.0, 101.0])
    >>> print(f"{gain:.2f} {spread:.2f}")
    1.00 1.15
    """
    ### BEGIN SOLUTION
    gain = statistics.mean(new) - statistics.mean(base)
    squares = statistics.variance(base) / len(base) + statistics.variance(new) / len(new)
    return gain, squares**0.5
    ### END SOLUTION


# %%
check("gain-and-spread", gain_and_spread)

# %% [markdown]
# The package has this too, as `metrics.gain`. Which steps of the ablation are settled, by the rule
# of three times the spread?

# %%
for name, row in rows.items():
    if name != "base":
        gain, gain_spread = metrics.gain(base, [100 * accuracy for accuracy in row["accuracies"]])
        print(f"{name:24} {gain:+.2f} ± {gain_spread:.2f} points, {gain / gain_spread:.1f} times")

# %% [markdown]
# All of them: augmentation alone, batch norm alone, and decay with early stopping alone each add
# more than three times the spread. All together add more than any of them, and less than the sum of
# the three. (The stored rows share their seeds. Two of them, base and decay, are even the same run
# until epoch 5. There the rule makes the spread too large, so it errs on the careful side.)
#
# One last thing: keep the network.

# %%
path = save_checkpoint("network-e", network, row_e, history_e, seed=10)
print("saved", path)

# %% [markdown]
# ## What usually goes wrong {#faults}
#
# - **The loss is stuck at 2.303 with ReLU.** The learning rate is too large and the units are dead.
#   0.9 was fine for sigmoids; try 0.1.
# - **Validation is far worse than training, with batch norm.** Its running mean and variance have not
#   settled (too few steps), or validation images are normalised differently.
# - **Weight decay acts strangely with Adam.** Adam divides the decay by the same root as the slope.
#   `AdamW` keeps the two apart.
# - **Dropout makes it worse.** The network is too small to overfit, and half of it is missing.
# - **A gain that nobody can repeat.** It was luck: one seed, one run.

# %% [markdown]
# ## Summary {#summary}
#
# - ReLU has the slope 1 for positive inputs, so slopes vanish far less. After two epochs this made
#   the largest difference.
# - Change one thing at a time, and say what could not be kept equal.
# - An ablation needs a sound base, several seeds and error bars.
# - For write-up E's network augmentation, batch norm, and decay of the learning rate with early
#   stopping are gains that the luck of seeds does not explain. Dropout and weight decay keep the
#   validation loss down where data is scarce.

# %% [markdown]
# ## Five questions {#questions}
#
# <details><summary>1. What is the slope of ReLU at −3, and at 100?</summary>
# 0 and 1.</details>
#
# <details><summary>2. nn.BatchNorm2d(16) has how many parameters that are learned?</summary>
# 32: a scale and a shift for each of 16 channels. The running mean and variance are not learned.</details>
#
# <details><summary>3. Ablation: A alone adds 0.2, B alone adds 0.2. Do both together add 0.4?</summary>
# Not necessarily. Both may repair the same weakness; then together they add hardly more than
# one.</details>
#
# <details><summary>4. Base 98.9 ± 0.1 %, new 99.0 ± 0.1 % (one standard deviation of the runs, 4 runs each). Is it a gain?</summary>
# A mean of 4 runs spreads by 0.1 / 2 = 0.05, and the difference of two such means by about 0.07.
# A difference of 0.1 is less than twice that, let alone three times: not settled. Run more
# seeds.</details>
#
# <details><summary>5. Why should the learning rate be chosen anew for each optimiser?</summary>
# Because it means something else in each. Plain gradient descent multiplies the slope by it;
# Adam divides by the size of the slopes first, so its steps are about as long as the rate itself.</details>

# %% [markdown]
# ## Key terms {#terms}
#
# | English | 中文 | where |
# |---|---|---|
# | rectified linear unit (ReLU) | 修正线性单元 | [](#relu) |
# | dead unit | 死亡神经元 | [](#relu) |
# | Adam | Adam 算法 | [](#one-change) |
# | batch normalisation | 批量规范化 | [](#one-change) |
# | ablation | 消融实验 | [](#ablation) |
# | error bar | 误差棒 | [](#ablation) |
# | learning-rate decay | 学习率衰减 | [](#ablation) |
# | early stopping | 早停法 | [](#ablation) |
# | overfitting | 过拟合 | [](#regularisation) |
# | dropout | 暂退法 | [](#regularisation) |
# | weight decay (L2) | 权重衰减(L2 正则化) | [](#regularisation) |
# | random seed | 随机种子 | [](#seeds) |
#
# Next: [05 The residual network](05_residual_network.ipynb).
