# %% [markdown]
# # 04 ReLU and max pooling
#
# LeNet-5 sat on a plateau before it learned anything, and even after ten epochs it was right for
# only {{lenet.rows.lenet5.text.about}} % of the validation images. In this lesson you change it,
# one part at a time. Each change sounds like a good idea, but does it really help? Therefore half
# of this lesson is about a question that many tutorials leave out: how do you tell a real gain from
# luck?
#
# | | |
# |---|---|
# | **For whom** | You know the training loop and the recipe of lesson 03. From mathematics you need mean, square and root. |
# | **Before this lesson** | [03 LeNet-5](03_lenet.ipynb): the loop, the loss, the plateau at 2.303 |
# | **You will be able to** | explain why ReLU learns faster than sigmoid · say what momentum, Adam and batch norm do · change one thing at a time · tell a gain from luck · read and make an ablation table with error bars · use learning-rate decay, early stopping, dropout and weight decay |
# | **Time to plan** | about 6 hours, half of it for the exercises; for example sections 1 to 3, then 4 to 6, then 7 to 9 |
# | **Running time** | about {{lessons.04.minutes}} min on two CPU cores, without a GPU |

# %%
import statistics
from dataclasses import replace

from mnist_course import data, experiments, metrics, models, plots, results, runtime, widgets
from mnist_course.augment import RandomAffine
from mnist_course.checks import check, hint
from mnist_course.training import Recipe, evaluate, fit, load_checkpoint, predict, save_checkpoint

import torch
from torch import nn

runtime.report()
digits = data.load()
batch_size = 32 if runtime.quick() else 256

# %% [markdown]
# First a look back. If you have run lesson 03 in this folder, the next cell loads the network that
# you trained there. It is the one to beat.

# %%
lenet = models.lenet5()
try:
    load_checkpoint("lenet5", lenet)
    _, accuracy = evaluate(lenet, data.Batches(digits.validation, 1000))
    print(f"your LeNet-5 of lesson 03: {accuracy:.2%} on validation")
except runtime.CourseError as error:
    print(error)

# %% [markdown]
# ## 1. Another activation: ReLU {#relu}
#
# Why did LeNet-5 wait so long before it learned? Because of its sigmoids. The slope of a sigmoid is
# 0.25 at best. On their way back through the network all slopes are multiplied by it, once for each
# layer of sigmoids, so hardly anything arrives at the first layer.
#
# But an activation only has to be nonlinear, which means that its curve has to bend. The simplest
# curve that bends is **ReLU**, the *rectified linear unit*: keep what is positive, and make
# everything else 0. In the picture compare the dashed curves, because they are what slopes are
# multiplied by.

# %%
x = torch.linspace(-6, 6, 241, requires_grad=True)
_, axes = plots.subplots(1, 2, height=2.6)
for ax, activation in zip(axes, (torch.sigmoid, torch.relu), strict=True):
    y = activation(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    curves = {activation.__name__: y.tolist(), "its slope": slope.tolist()}
    plots.lines(curves, ax, x=x.tolist(), xlabel="input", title=activation.__name__)
    ax.set_ylim(-0.1, 2)
plots.show(
    axes, alt="The sigmoid's slope is a low hump; ReLU's slope is 0 left of zero and 1 right of it."
)

# %% [markdown]
# The sigmoid's slope is a low hump, while that of ReLU is 1 for every positive input. So where a
# unit is on, the activation takes nothing away from the slope. (The weights between the layers
# still multiply it. Lesson 05 shows what that does in a deep network.) You measured the effect in
# lesson 03. With sigmoids the slopes of LeNet-5's first layer are more than a hundred times smaller
# than those of its last one. With ReLU the first layer even has the largest, so its kernels can
# learn from the first step on.
#
# However, there is a price. If a unit's input is negative for every image, its answer is always 0
# and its slope is, too, so that it hardly ever learns again. Such a unit is called **dead**. A
# single step that is too long can push the weights that far. Therefore networks with ReLU want
# smaller learning rates than the 0.9 of lesson 03.
#
# You know the explorer from lesson 03. Choose ReLU, first with a learning rate of 0.1 and then with
# 0.9. On the right, a unit of ReLU counts as saturated where it gives 0.

# %%
widgets.loss_explorer(digits.train)

# %% [markdown]
# With 0.1 the loss falls at once. With 0.9 a whole layer dies, so all slopes become 0 and the loss
# stays at 2.303 for good. To count the dead, the next cells train LeNet-5 with ReLU on few images,
# with both rates, and then ask each of the 120 units of the first fully connected layer about new
# images. How many of them say 0 to all?


# %%
def lenet_with(activation):
    """LeNet-5 of lesson 03, with another activation in place of its sigmoids."""
    network = models.lenet5()
    for place, layer in enumerate(network):
        if isinstance(layer, nn.Sigmoid):
            network[place] = activation()
    return network


# %%
some = data.Digits(digits.train[:5000], digits.validation[:500])
new_images = data.normalise(data.scale(some.validation.images))
for rate in (0.1, 0.9):
    runtime.seed_everything(1)
    network = lenet_with(nn.ReLU)
    recipe = Recipe(1, batch_size=64, learning_rate=rate, momentum=0.0)
    fit(network, some, recipe, seed=1, device="cpu")
    with torch.no_grad():
        answers = network[:9](new_images)  # N, 120
    dead = (answers == 0).all(dim=0).sum()
    print(f"learning rate {rate}: {dead} of {answers.shape[1]} units are dead")

# %% [markdown]
# With the small rate nearly all units live, and with the large one more than half are dead. (From
# other first weights it may be fewer, or the loss even grows until it is no number any more.)

# %% [markdown]
# ### Exercise 04.1: A ReLU that can't die
#
# A dead unit has no slope to learn from. The **leaky ReLU** leaves it a small one: what is negative
# is multiplied by a small number instead of being made 0, so that there is always a way back. Write
# it, for a tensor of any shape. (`torch.where(condition, a, b)` takes from `a` where the condition
# is True, and from `b` elsewhere.)


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
# ## 2. Better steps: momentum and Adam {#optimisers}
#
# In plain gradient descent a step is the slope times the learning rate. Where is it weak? Think of
# a valley that is long and narrow: its walls are steep, but its floor falls gently. The walls
# decide how long a step may be, because otherwise the weights jump from one wall to the other. So
# along the floor, where the way is long, the steps are far too short.
#
# With **momentum** a step remembers the one before, like a ball that rolls. Slopes that point the
# same way again and again add up, while slopes that change their sign cancel out. In the cell
# below, the loss is such a valley with two weights, one gentle and one steep. Only the momentum
# differs: which of the two is nearer to the bottom after 60 steps?

# %%
paths = {}
for momentum in (0.0, 0.9):
    weights = torch.tensor([10.0, 1.0], requires_grad=True)
    optimizer = torch.optim.SGD([weights], lr=0.02, momentum=momentum)
    losses = []
    for _ in range(60):
        loss = (0.5 * weights[0] ** 2 + 25 * weights[1] ** 2) / 2  # gentle + steep
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    paths[f"momentum {momentum}"] = losses
ax = plots.lines(paths, xlabel="step", ylabel="loss", log=True)
plots.show(ax, alt="Without momentum the loss falls slowly; with it the loss swings, but falls far lower.")  # fmt: skip

# %% [markdown]
# Without momentum the loss falls slowly, because the gentle weight creeps. With momentum it swings,
# as a ball does that rolls past the bottom, but it ends far lower. How much longer do the steps
# become? If the slope stays the same, a momentum of 0.9 lets them grow to 1 / (1 − 0.9) = 10 times
# their length. Therefore a rate that was right without momentum is now about ten times too large.

# %% [markdown]
# ### Exercise 04.2: A step with momentum
#
# Write one step yourself. A second tensor, the **velocity**, remembers the way, and begins at 0:
#
# > new velocity = momentum · old velocity + gradient
# >
# > new weights = old weights − learning rate · new velocity


# %%
def momentum_step(weights, gradient, velocity, learning_rate, momentum):
    """One step of gradient descent with momentum.

    weights, gradient, velocity: float32 of the same shape, any; learning_rate: above 0; momentum:
    from 0 to below 1. Returns two new tensors, weights and velocity; the old ones stay as they
    are.

    >>> weights, gradient, velocity = torch.tensor([1.0]), torch.tensor([2.0]), torch.tensor([4.0])
    >>> momentum_step(weights, gradient, velocity, learning_rate=0.25, momentum=0.5)
    (tensor([0.]), tensor([4.]))
    """
    ### BEGIN SOLUTION
    new_velocity = momentum * velocity + gradient
    return weights - learning_rate * new_velocity, new_velocity
    ### END SOLUTION


# %%
check("momentum-step", momentum_step)

# %% [markdown]
# **Adam** goes one step further and gives each weight a step length of its own. For each weight it
# keeps two running means, in which older values count less and less: of its slope, and of its slope
# squared. Its step is the learning rate times the first, divided by the root of the second. So a
# slope that is a thousand times smaller is also divided by a number that is a thousand times
# smaller. In the cell below one weight has the slope 10 and the other 0.01. What will the first
# step of each optimiser be?

# %%
for kind in (torch.optim.SGD, torch.optim.Adam):
    weights = torch.zeros(2, requires_grad=True)
    optimizer = kind([weights], lr=0.003)
    (10 * weights[0] + 0.01 * weights[1]).backward()
    optimizer.step()
    print(f"{kind.__name__:5}", *(f"{step:.5f}" for step in weights.tolist()))

# %% [markdown]
# The steps of plain gradient descent (SGD) differ a thousand times, as the slopes do, while both of
# Adam's are as long as the learning rate. This helps where some layers have small slopes. But it
# also means that a learning rate says something else in each optimiser, so each needs a rate of its
# own.

# %% [markdown]
# ## 3. Batch norm: keep the numbers in range {#batch-norm}
#
# In lesson 01 you normalised the images, so that the first layer gets numbers around 0. But the
# later layers get whatever the layer before makes of them, and that changes with every step.
# **Batch norm** therefore normalises again, inside the network. For each channel it subtracts the
# mean over all images of the batch and all places, and divides by the standard deviation.
#
# Look at three channels that leave the second convolution of your LeNet-5, before batch norm and
# after it.

# %%
images, _ = next(iter(data.Batches(digits.train, 256)))
with torch.no_grad():
    before = lenet[:4](images)  # N, 16, 10, 10
norm = nn.BatchNorm2d(16)
after = norm(before)
plots.show(
    plots.batch_norm(before, after),
    alt="Histograms of three channels: before, they have different centres and widths; "
    "after, all have mean 0 and deviation 1.",
)

# %% [markdown]
# Each channel had a centre and a width of its own, and now all have the mean 0 and the deviation 1.
# If the network wants another range, it can have it, because batch norm then multiplies by a scale
# and adds a shift, which are learned from 1 and 0 on.
#
# In evaluation, however, an answer must not depend on the other images of its batch. Therefore
# batch norm keeps a **running mean** and a running variance (the square of the deviation) while it
# is trained, and uses these afterwards. Here are the running means of the first channels, in a new
# layer and after the one batch of above. Why did they move such a little way?

# %%
fresh = nn.BatchNorm2d(16)
with torch.no_grad():
    print("mean of this batch    ", *(f"{one:6.2f}" for one in before.mean(dim=(0, 2, 3))[:5]))
    print("running mean, new     ", *(f"{one:6.2f}" for one in fresh.running_mean[:5]))
    print("running mean, 1 batch ", *(f"{one:6.2f}" for one in norm.running_mean[:5]))
    for _ in range(50):
        norm(before)
    print("running mean, 51      ", *(f"{one:6.2f}" for one in norm.running_mean[:5]))

# %% [markdown]
# ### Exercise 04.3: What batch norm remembers
#
# The running mean begins at 0. After each batch it moves a little way to the batch's own mean, so
# that no single batch decides. With a momentum of 0.1 it is nine parts of the old and one part of
# the new. (Mind the word: this momentum is the share of the *new*, while that of [](#optimisers)
# was the share of the *old*.) Write that step. The batch's mean is one number a channel, as in the
# cell above.


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
# ## 4. One change at a time {#one-change}
#
# What does each of these parts bring? If you change two at once and the network gets better, you
# can't tell which one did it. So here is LeNet-5 with parts that can be exchanged one by one.


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
# `nn.Identity()` does nothing; it only keeps a place free. With sigmoids and average pooling this
# is LeNet-5 itself. Six networks follow, and each differs from the one before in **one** part:
#
# 1. LeNet-5 as in lesson 03, with sigmoids and average pooling,
# 2. **ReLU** instead of sigmoid,
# 3. **max pooling** instead of average pooling,
# 4. **momentum** added to gradient descent,
# 5. **Adam** instead of gradient descent with momentum,
# 6. **batch norm** after the convolutions.
#
# All six begin with the weights of Xavier from lesson 03. If only the first one had worse first
# weights, the second would look better than it is. A comparison needs a **sound base**, which means
# a base that was made as carefully as what is compared with it.
#
# The learning rate is the hard part, because a rate that suits one network does not suit another.
# So it was searched for: each dot below is a stored run of two epochs, with its loss on a
# logarithmic axis. Where is the lowest point of each picture? And what happens when the rate is too
# large?

# %%
searches = results.load("rates")["searches"]
chosen = {"lenet5": 0.9, "relu": 0.3, "momentum": 0.03, "adam": 0.003}
_, axes = plots.subplots(1, 4, width=12, height=2.8, sharey=True)
for ax, (name, rate) in zip(axes, chosen.items(), strict=True):
    search = searches[name]
    plots.rate_search(search["rates"], search["losses"], rate, ax, title=name, ylabel="")
axes[0].set(ylabel="validation loss", yscale="log", ylim=(0.04, 4))
axes[0].set_yticks([0.1, 1], ["0.1", "1"])
plots.show(axes, alt="Four curves of loss over the learning rate. The first three fall and then "
           "rise steeply; Adam's is flat. A band marks the rate that was taken.")  # fmt: skip

# %% [markdown]
# The first three curves fall and then rise suddenly, up to the line of a network that has learned
# nothing: with sigmoids above 1.5, with ReLU already at 0.9, because the units die, and with
# momentum at 0.1, because its steps become up to ten times as long. Adam's curve is flat from 0.001
# on, so any of these rates will do.
#
# Look at ReLU once more, at 0.1 and at 0.3. The network is the same, but the loss is not. So a
# careless rate can cost as much as a good part brings, and therefore whoever compares parts has to
# search a rate for each. These are the six recipes, with only two epochs each, so that you need not
# wait long.

# %%
plain = Recipe(epochs=2, batch_size=batch_size, learning_rate=0.9, momentum=0.0)
relu = replace(plain, learning_rate=0.3)
rolling = replace(plain, learning_rate=0.03, momentum=0.9)
adam = Recipe(epochs=2, batch_size=batch_size, optimizer="adam", learning_rate=0.003)
steps = {
    "lenet5": ({"activation": nn.Sigmoid, "pooling": nn.AvgPool2d}, plain),
    "relu": ({"pooling": nn.AvgPool2d}, relu),
    "max-pooling": ({}, relu),
    "momentum": ({}, rolling),
    "adam": ({}, adam),
    "batch-norm": ({"batch_norm": True}, adam),
}

# %% [markdown]
# Before you run the next cell, write down which of the five changes will help most, and which may
# help least.

# %%
one_at_a_time, networks = {}, {}
for name, (parts, recipe) in steps.items():
    runtime.seed_everything(0)
    networks[name] = network = models.initialise_xavier(lenet5_variant(**parts))
    one_at_a_time[name] = fit(network, digits, recipe)
    print(f"{name:12} {one_at_a_time[name].accuracy:.2%} on validation")
runtime.check_floor(one_at_a_time["batch-norm"].accuracy, quick_floor=0.8, full_floor=0.95)

# %%
errors = {name: 100 - 100 * one.accuracy for name, one in one_at_a_time.items()}
_, axes = plots.subplots(1, 2, width=10, width_ratios=[1, 2])
plots.bars(list(errors.values())[:2], list(errors)[:2], axes[0], ylabel="validation errors, %")
plots.bars(list(errors.values())[1:], list(errors)[1:], axes[1], title="enlarged, from relu on")
plots.show(axes, alt="Bars of validation errors: " + ", ".join(
    f"{name} {value:.1f} %" for name, value in errors.items()), trained=True)  # fmt: skip

# %% [markdown]
# The first change is the largest by far. But after two epochs the sigmoids have only just left
# their plateau. Given ten epochs, LeNet-5 reached {{lenet.rows.lenet5.mean | .1%}} (the mean of
# {{lenet.seeds}} seeds), and with ReLU, max pooling and Adam ten epochs give
# {{relu.rows.lenet5-relu.mean | .1%}}. So this is the gain of all these changes together, and the
# rest of the first step is time saved.
#
# The later changes are smaller. Are they real, or is it luck? One run each can't tell, and
# therefore [](#seeds) runs them again.
#
# What does the change look like inside? Here are the first network and the third, on the same
# digit. Choose the layer *2* (the activation) and then *3* (the pooling). Where there is no ink:
# what does a sigmoid answer, and what does ReLU? Compare the largest values, too, which the colour
# scale beside each name shows.

# %%
pair = {name: networks[name] for name in ("lenet5", "max-pooling")}
widgets.feature_maps(pair, digits.validation)

# %% [markdown]
# A sigmoid answers every place with a number between 0 and 1, also where there is no ink. ReLU
# answers many places with exactly 0, and its largest values are not held below 1. Max pooling
# passes the strongest answers on as they are, whereas average pooling mixes them with their
# neighbours.

# %% [markdown]
# ## 5. When is a gain settled? {#seeds}
#
# How far do two runs differ when *nothing* is changed but the seed? To find out, the six networks
# were trained again, with {{steps.seeds}} seeds each. Every number below is the validation accuracy
# of one run, in per cent.

# %%
repeated = results.load("steps")["rows"]
runs = {name: [100 * one for one in row["accuracies"]] for name, row in repeated.items()}
for name, accuracies in runs.items():
    mean, deviation = statistics.mean(accuracies), statistics.stdev(accuracies)
    print(f"{name:12}", *(f"{one:.2f}" for one in accuracies), f"mean {mean:.2f} ± {deviation:.2f}")

# %% [markdown]
# The number after ± is the **standard deviation** of the runs, their typical distance from the
# mean. Compare it with the differences between the means of neighbouring rows. Where the deviation
# is large, one run each would have been a lottery.
#
# You know one rule for such lists from lesson 01: a change counts when *every* number after it lies
# above *every* number before. But that rule says "unclear" as soon as a single run is out of line.
# A finer rule uses all numbers, so let us build it.
#
# - The gain is the difference of the two means.
# - A mean is steadier than a run, since good and bad luck partly cancel in it. The mean of *n* runs
#   spreads √n times less than one run.
# - The gain is the difference of two means, and each brings luck of its own. So it spreads more
#   than one mean: √2 ≈ 1.4 times as much, if both spread equally.
#
# **The rule of this course:** with at least five seeds each, a gain is **settled** when it is more
# than twice its spread. With fewer seeds the answer is "can't tell". Why twice, and why five? Try
# both rules where you know the truth. The next cell makes up 20,000 comparisons of five runs with
# five others. In the first line the change does nothing at all. In the second it really helps, by
# twice the deviation of a run.

# %%
# NBVAL_CHECK_OUTPUT
luck = torch.Generator().manual_seed(0)
for name, truth in (("no gain", 0), ("a real gain", 2)):
    before, after = torch.randn(2, 20_000, 5, generator=luck)
    after = after + truth
    gain = after.mean(dim=1) - before.mean(dim=1)
    spread = ((before.var(dim=1) + after.var(dim=1)) / 5).sqrt()
    apart = after.amin(dim=1) > before.amax(dim=1)
    print(f"{name:12} all above all {apart.double().mean():4.0%}, "
          f"gain above twice its spread {(gain > 2 * spread).double().mean():4.0%}")  # fmt: skip

# %% [markdown]
# Read the two columns against each other. The rule of lesson 01 is hardly ever fooled, but it
# misses most of the real gains. The finer rule finds nearly all of them, and it is fooled a little
# more often, because the spread of five runs is itself only a rough guess. With fewer runs the
# guess becomes useless, and that is why the rule asks for five.
#
# So take lesson 01's rule for plain effects, as in its experiments, and the finer one when gains
# are small, as they are from here on. Neither is a proof: if you test twenty changes that do
# nothing, the finer rule will probably call one of them a gain.

# %% [markdown]
# ### Exercise 04.4: Is it a gain?
#
# Two networks were trained with several seeds each, perhaps not equally many. Compute the gain and
# how far it spreads. The spread of one mean is the standard deviation of its runs, divided by the
# root of their number. For the difference of two means, the two spreads are **squared, added, and
# the root is taken**, which gives the √2 from above where they are equal. This holds for runs that
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
# The package has the same function as `metrics.gain`. Now judge the five changes of above: which of
# them are settled? Put your guess beside each name before you run the cell.


# %%
def judged(base, new):
    """A gain with its spread, in points, and what the course's rule says about it."""
    gain, spread = metrics.gain(base, new)
    verdict = "can't tell"
    if min(len(base), len(new)) >= 5 and abs(gain) > 2 * spread:
        verdict = "settled"
    return f"{gain:+6.2f} ± {spread:.2f} points, {abs(gain) / spread:4.1f} times: {verdict}"


names = list(runs)
for old, new in zip(names, names[1:], strict=False):
    print(f"{new:12} after {old:12}", judged(runs[old], runs[new]))
print("adam         after relu        ", judged(runs["relu"], runs["adam"]))

# %% [markdown]
# Only the first change is settled, and the last one even lost a little. That does *not* mean that
# max pooling, momentum, Adam and batch norm bring nothing, because "can't tell" is not "no": in two
# epochs and with five seeds, each gain is too small to be seen. But look at the last line. From
# *relu* to *adam*, three steps together, the gain is settled. Small gains add up until they can be
# seen.
#
# Beware of a careless base, however. In earlier runs the networks of rows 2 and 3 had a rate of
# 0.1, which had not been searched for. There max pooling seemed to gain 1.0 points, more than four
# times its spread, so it was "settled". With a rate that suits the base, too, most of this gain is
# gone. So the rule guards against luck, but not against an unfair comparison.

# %% [markdown]
# ## 6. An experiment with the recipe {#experiment}
#
# Now it is your turn, in the four steps of lesson 01: change one setting, predict and say why, test
# with several seeds, and explain. There will be ten tries, and therefore the trial below learns
# from few images.


# %%
few = data.Digits(digits.train[: 200 if runtime.quick() else 1000], digits.validation[:1000])


def trial(recipe, seed):
    """Accuracy in per cent on 1,000 validation images, after learning from 1,000 images."""
    runtime.seed_everything(seed)
    network = lenet5_variant(batch_norm=recipe["batch_norm"], dropout=recipe["dropout"])
    models.initialise_xavier(network)
    settings = Recipe(
        epochs=recipe["epochs"], batch_size=recipe["batch_size"],
        optimizer="adam", learning_rate=recipe["learning_rate"],
    )  # fmt: skip
    return 100 * fit(network, few, settings, seed=seed).accuracy


# %% [markdown]
# Here is an example. Larger batches have steadier slopes, because more images share in each. But if
# a batch is five times as large, an epoch has only a fifth of the steps. Which of the two will
# count more? The cell takes the side of the steps. What do you say?

# %%
BASE = {"learning_rate": 0.003, "batch_size": 50, "epochs": 5, "dropout": 0.0, "batch_norm": False}
compare = experiments.Comparison(trial, "accuracy in per cent")
before, after = compare(
    BASE, {**BASE, "batch_size": 250}, prediction="lower",
    because="an epoch has only a fifth of the steps", seeds=range(5),
)  # fmt: skip
print("gain:", judged(before, after))

# %% [markdown]
# Is every number of the second line below every number of the first? And does the last line say
# "settled"? If both rules say yes, you may be quite sure.

# %% [markdown]
# ### Exercise 04.5: Which setting matters?
#
# Choose a setting yourself: the learning rate, the number of epochs, dropout, batch norm. Write a
# function that changes it in the recipe it is given, predicts "higher", "lower" or "unclear" for
# the accuracies, and calls `compare` once. Then it concludes by lesson 01's rule, and returns the
# word for what came out and whether that is what you predicted.
#
# As always, the check looks at how you test, and not at what you predict. When it says "Right", run
# `experiment(BASE, compare)` in a cell of your own, and explain what came out. If it stays
# "unclear", perhaps the finer rule sees more.


# %%
def experiment(base, compare):
    """Change one setting of a recipe, predict, test, and conclude.

    base: a recipe, a dict of settings, which stays as it is; compare: an
    `experiments.Comparison`, to be called once, with at least five seeds.
    Returns what came out ("higher", "lower" or "unclear") and whether it was predicted (a bool).

    >>> def same_always(recipe, seed):  # a trial in which no change matters
    ...     return 90 + seed
    >>> compare = experiments.Comparison(same_always, quiet=True)
    >>> found, came_true = experiment({"learning_rate": 0.003, "epochs": 5, "dropout": 0.0}, compare)
    >>> found
    'unclear'
    """
    ### BEGIN SOLUTION
    changed = {**base, "learning_rate": 10 * base["learning_rate"]}
    prediction, because = "lower", "ten times the step may kill the units"
    before, after = compare(base, changed, prediction, because, seeds=range(5))
    found = "unclear"
    if min(after) > max(before):
        found = "higher"
    if max(after) < min(before):
        found = "lower"
    return found, found == prediction
    ### END SOLUTION


# %%
check("parts-experiment", experiment)

# %% [markdown]
# <details><summary>What came out when we tried some changes (open this after your own experiment)</summary>
#
# In full mode, from `BASE`: ten times the learning rate gave "lower", and by far, because most of
# the units died in all but a few seeds. A tenth of it gave "lower", too, because so short steps
# need more than five epochs. Two epochs gave "lower". Batch norm and dropout 0.5 gave "unclear",
# with a gain that is not settled either. Ten epochs are a case for the finer rule: the gain was
# settled, even where a single run was out of line so that the strict rule said "unclear".</details>

# %% [markdown]
# ## 7. Two networks from the web {#two-networks}
#
# Many tutorials train small networks on MNIST. With what you know now, you can judge them. Here are
# two.
#
# **Write-up B** (深度学习--mnist数据集实现卷积神经网络的手写数字识别, CSDN, m0_65065095) has three convolutions of 3 × 3
# with ReLU, and trains with Adam and a learning rate of 0.01. It never shuffles the training
# images, and one of its comments miscounts what the line beside it shows. It also calls
# `model.forward(images)` itself. Call `model(images)` instead, because that also runs hooks,
# functions by which the explorers of this course see what leaves a layer.


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


# %% [markdown]
# **Write-up C** (Pytorch 手写数字识别 深度学习基础分享) has no activation between its two convolutions. Two
# linear layers in a row are one linear layer, as lesson 03 said. Here max pooling, which is not
# linear, stands between them, so the second convolution is not quite wasted. Write-up C also calls
# the network's raw outputs probabilities, although one of them is 3.03, so that you know they are
# logits. And it saves the whole network object as a *pickle*, a file that can run code when it is
# loaded.


# %%
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
# We train B in one fixed order, and then with a new order in each epoch. (Its fixed order is that
# of the file. Ours is another one, because our split has mixed the images.) We train C as
# published, and with one ReLU between its convolutions. It names neither batch size nor shuffling,
# so we have to choose both. Both write-ups feed pixels from 0 to 1 as they are, and therefore our
# normalisation must change nothing: a mean of 0 and a deviation of 1.

# %%
as_they_are = (0.0, 1.0)  # mean and deviation that leave pixels as they are
epochs = 2 if runtime.quick() else 1
recipe_b = Recipe(
    epochs, batch_size=64, shuffle=False, optimizer="adam", learning_rate=0.01,
    normalisation=as_they_are,
)  # fmt: skip
recipe_c = Recipe(epochs, batch_size=64, learning_rate=0.2, momentum=0.0, normalisation=as_they_are)

# %% [markdown]
# Which of the four will be best after one epoch? Does the fixed order hurt, and does the missing
# activation?

# %%
for name, build, recipe in (
    ("B, fixed order", network_b, recipe_b),
    ("B, shuffled", network_b, replace(recipe_b, shuffle=True)),
    ("C", network_c, recipe_c),
    ("C with ReLU", network_c_with_relu, recipe_c),
):
    runtime.seed_everything(0)
    history = fit(build(), digits, recipe)
    print(f"{name:15} {history.accuracy:.2%} on validation")
    runtime.check_floor(history.accuracy, quick_floor=0.7, full_floor=0.93)

# %% [markdown]
# All four work, and one run each can't say which is better. So MNIST forgives a lot, and a
# tutorial's 98 or 99 % does not prove that its choices were good. Only a comparison does.
#
# The stored runs have the published optimisers and epochs and {{writeups.seeds}} seeds each. B in
# its fixed order ended at {{writeups.rows.b.text.spread}} % on validation, B shuffled at
# {{writeups.rows.b-shuffled.text.spread}} %, and C at {{writeups.rows.c.text.spread}} %. Is the
# gain of shuffling settled?

# %%
rows = results.load("writeups")["rows"]
fixed, shuffled = (
    [100 * accuracy for accuracy in rows[name]["accuracies"]] for name in ("b", "b-shuffled")
)
print("shuffling B:", judged(fixed, shuffled))

# %% [markdown]
# It is not. But look at C: its seeds end anywhere from {{writeups.rows.c.low | .1%}} to
# {{writeups.rows.c.high | .1%}}. If you had run it once, you could have reported either number.
#
# So is a fixed order harmless? This one is, because it is mixed. What if the images came sorted,
# all zeros first? Guess what B will answer after an epoch of that.

# %%
in_order = digits.train.labels.argsort(stable=True)
sorted_digits = data.Digits(digits.train[in_order], digits.validation)
runtime.seed_everything(0)
network = network_b()
history = fit(network, sorted_digits, replace(recipe_b, epochs=1))
answers = predict(network, digits.validation, normalisation=as_they_are).argmax(dim=1)
print(f"B, sorted by digit: {history.accuracy:.2%} on validation")
print("its answers, 0 to 9:", answers.bincount(minlength=10).tolist())

# %% [markdown]
# The last images were nines, and in a full run it now takes everything for a nine. A network only
# remembers what its steps keep coming back to.

# %% [markdown]
# ## 8. An ablation with error bars {#ablation}
#
# **Write-up E** (基于PyTorch的手写数字识别实验深度总结) adds one improvement after another to its network, and
# reports the accuracy each time. Such a table is called an **ablation**:
#
# | | test accuracy | seconds an epoch |
# |---|---|---|
# | base | 97.5 % | 12 |
# | + augmentation | 98.2 % | 15 |
# | + batch norm | 98.5 % | 13 |
# | + rate decay and early stopping | 98.7 % | 14 |
#
# Two words are new. *Rate decay* makes the learning rate smaller during training; here it is
# divided by ten every five epochs. *Early stopping* ends training when the validation accuracy has
# had no new best for three epochs. Read such a table with three questions in mind. What would you
# ask?

# %% [markdown]
# 1. **Do the rows add up, or does each stand alone?** The text does not say. The times speak for
#    the second, since batch norm is more work, yet its row takes less time than the row above it.
# 2. **How far would a second run lie from the first?** There is one run a row, so nobody can tell
#    whether 0.2 points are a gain or luck.
# 3. **Is the base sound?** A gain is easily had over a base that was badly trained.
#
# Three more things do not fit. The text says shifts of ±2 pixels and the code ±10 %, which is 2.8;
# we take 2. The text speaks of a validation set, but none is ever made. And it says under 5 seconds
# an epoch, where the table says 12 to 15.
#
# Therefore we ran it again. Its network is LeNet-5 without padding. The last layer gives ln p
# instead of logits, and the loss is −ln p. A *softmax* before cross-entropy would be a mistake, but
# a *log*-softmax does no harm: e to the power of ln p is p again, and these already add up to 1.


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


# %% [markdown]
# Its augmentation turns, shifts and resizes. It does not mix pixels as lesson 01's does, because
# each new pixel takes the value of the **nearest** old one. ±2 pixels of 28 are a share of 2 / 28.
# Do the samples still look like digits that somebody might write?

# %%
augment_e = RandomAffine(degrees=10, shift=2 / 28, scale=0.05, shear=0, interpolation="nearest")
digit = data.scale(digits.train.images[:1])  # 1, 1, 28, 28
samples = augment_e(digit.expand(12, -1, -1, -1), torch.Generator().manual_seed(0))
plots.show(
    plots.augmented(digit[0, 0], samples[:, 0], augment_e),
    alt="At the left a digit and the recipe in words, at the right twelve samples that are turned, "
    "shifted and resized a little.",
)

# %% [markdown]
# They do, and therefore they keep their label. Now the table once more, with the same optimiser,
# each step **alone** and then **all together**: {{ablation.seeds}} seeds each, at most 12 epochs,
# evaluated on validation images. These runs take longer than a lesson, so their results are stored.
# The seconds are those of the fastest epoch on one processor core. Compare the two columns of
# accuracies first.

# %%
rows = results.load("ablation")["rows"]
reported = [("97.5", 12), ("98.2", 15), ("98.5", 13), ("98.7", 14), ("", "")]
accuracies = {name: [100 * one for one in row["accuracies"]] for name, row in rows.items()}
print(f"{'':24} {'ours, %':14} {'s':6} write-up E, %, s")
for (name, mine), (theirs, seconds) in zip(accuracies.items(), reported, strict=True):
    ours = f"{statistics.mean(mine):.2f} ± {statistics.stdev(mine):.2f}"
    print(f"{name:24} {ours:14} {rows[name]['seconds_an_epoch']:<6.1f} {theirs:13} {seconds}")

# %% [markdown]
# In the picture, blue is ours, on validation. The red crosses are the write-up's test accuracies,
# each beside the row that comes nearest. (If its rows add up, 98.5 has no row here, and 98.7
# belongs to "all together".) The images differ, so a tenth or two between red and blue mean
# nothing. Look for larger distances, and then for bars that overlap.

# %%
_, ax = plots.subplots(height=3.2)
names, means = list(rows), [statistics.mean(mine) for mine in accuracies.values()]
deviations = [statistics.stdev(mine) for mine in accuracies.values()]
ax.errorbar(means, range(len(rows)), xerr=deviations, fmt="o", color=plots.BLUE, capsize=4,
            label="this course, one standard deviation of the seeds")  # fmt: skip
ax.plot([97.5, 98.2, 98.5, 98.7], range(4), "x", color=plots.RED, label="write-up E, as it reports")
ax.set(yticks=range(len(rows)), yticklabels=names, xlabel="accuracy, %")
ax.invert_yaxis()
ax.legend(frameon=False, fontsize=8, loc="lower left")
plots.show(ax, alt="; ".join(
    f"{name}: {mean:.2f} ± {deviation:.2f} %"
    for name, mean, deviation in zip(names, means, deviations, strict=True)
) + ". Write-up E's crosses: 97.5, 98.2, 98.5, 98.7 %.")  # fmt: skip

# %% [markdown]
# What can you read off?
#
# - **The base was not sound.** The same network with the same optimiser reaches
#   {{ablation.rows.base.text.mean}} % here, in 12 epochs where the write-up used 20. So neither
#   network nor optimiser explains its 97.5 %.
# - **Its end was low, too.** Its last number, with all steps, is below our base without any. So its
#   1.2 points say little about the steps.
# - **Batch norm costs time.** An epoch with it took longest. Augmentation costs next to nothing
#   here, because whole batches are moved at once.
#
# And what do the steps bring on a sound base? The bars show how far single runs lie apart, while
# means are steadier. Apply the rule of [](#seeds). Which rows are settled?

# %%
base = accuracies["base"]
for name in names[1:]:
    print(f"{name:24}", judged(base, accuracies[name]))

# %% [markdown]
# All four are. But do the gains add up, so that all together bring the sum of the three? That is a
# question about five means at once: the gain of all together, minus the three single gains. Written
# out with the single rows a, b and c, it is
#
# > (all − base) − (a − base) − (b − base) − (c − base) = all − a − b − c + 2 · base
#
# The base occurs with a factor of 2, and therefore its variance (the square of its deviation)
# counts four times when the squares are added.

# %%
together, *singles = (accuracies[name] for name in reversed(names[1:]))
gain = [statistics.mean(mine) - statistics.mean(base) for mine in (together, *singles)]
missing = gain[0] - sum(gain[1:])
squares = 4 * statistics.variance(base) + sum(map(statistics.variance, (together, *singles)))
spread = (squares / 5) ** 0.5
print(f"all together {gain[0]:+.2f}, the three single gains {sum(gain[1:]):+.2f}")
print(f"difference {missing:+.2f} ± {spread:.2f}, {abs(missing) / spread:.1f} times its spread")

# %% [markdown]
# All together bring less than the sum of the three. But this difference, which is called an
# **interaction**, is less than twice its spread, so it is not settled: we can't tell whether the
# steps partly do the same work. Interactions are hard to see, because so many means bring their
# luck.
#
# One more trap. All rows used the same seeds, so could we compare them seed by seed, and get rid of
# some luck? That helps if a seed that is good for one row is also good for another. The
# *correlation* says whether it is so: +1 means that they go together, 0 that they have nothing to
# do with each other, and −1 that they go opposite ways.

# %%
for name in names[1:]:
    correlation = statistics.correlation(base, accuracies[name])
    pairs = [new - old for old, new in zip(base, accuracies[name], strict=True)]
    by_seed = statistics.stdev(pairs) / len(pairs) ** 0.5
    print(f"{name:24} correlation with base {correlation:+.2f}; "
          f"spread of the gain {metrics.gain(base, accuracies[name])[1]:.3f}, "
          f"seed by seed {by_seed:.3f}")  # fmt: skip

# %% [markdown]
# Two correlations are above 0 and two below, so comparing seed by seed makes the spread smaller for
# two rows and larger for the other two. A changed network makes something else of the same seed.
# Therefore we treat the runs as independent, as the rule does.

# %% [markdown]
# ### Run one row yourself
#
# The last row, with all steps together, is yours. The recipe says everything there is to know.

# %%
row_e = Recipe(
    epochs=12, batch_size=64, learning_rate=0.01, momentum=0.9,
    schedule="step", decay=0.1, decay_every=5, patience=3, augment=augment_e,
)  # fmt: skip
runtime.seed_everything(10)  # the stored runs have smaller seeds
network_of_e = network_e(batch_norm=True)
history_e = fit(
    network_of_e, digits, row_e, seed=10, show=plots.LiveCurve(title="write-up E, all steps")
)
runtime.check_floor(history_e.accuracy, quick_floor=0.9, full_floor=0.985)

# %%
print(f"yours:  {100 * history_e.accuracy:.2f} % on validation")
print(f"stored: {rows['all together']['text']['spread']} %, {len(together)} seeds")

# %% [markdown]
# Look at two things in the curves.
#
# - **Decay.** After epoch 5 the learning rate is a tenth, and the validation curve becomes calm.
#   Think of the loss as a landscape: long steps find the valley, and short steps find its floor.
# - **Training accuracy lies below validation accuracy**, because it is counted on *augmented*
#   images, which are harder, and while the network still learns.
#
# Put your curve over the range of the stored runs, epoch by epoch.

# %%
stored = [run for run in results.load("ablation")["runs"] if run["name"] == "all together"]
widgets.band_explorer(history_e, stored, row_e)

# %% [markdown]
# A run a little outside is no error, since the stored runs are few. The band ends where the first
# of them stopped early.

# %% [markdown]
# ### When to take shorter steps {#schedules}
#
# Write-up E divides its rate by ten every five epochs, by the calendar. Write-up A, which you will
# meet in lesson 05, halves it when the accuracy has had no new best for too long. torch has both,
# as `StepLR` and `ReduceLROnPlateau`. The second is told the accuracy after each epoch. With
# `patience=2` it forgives two epochs without a new best, and it acts at the third.
#
# B's rate never changed, and so its accuracy jumps up and down: after the second epoch it gains
# next to nothing. What would `ReduceLROnPlateau` have done with it? The cell shows it the
# accuracies of one stored run of B, without any training. (An optimiser needs weights; these are
# never used.) In which epochs do you expect the rate to fall?

# %%
[run] = [r for r in results.load("writeups")["runs"] if (r["name"], r["seed"]) == ("b", 2)]
optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.01)
schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", factor=0.5, patience=2)
rates = []
for accuracy in run["validation_accuracy"]:
    rates.append(optimizer.param_groups[0]["lr"])  # the rate of this epoch
    schedule.step(accuracy)

# %%
_, axes = plots.subplots(1, 2, width=9)
plots.lines({"B": run["validation_accuracy"]}, axes[0], xlabel="epoch", title="validation accuracy")
plots.lines({"after a plateau, on B": rates, "by the calendar, E": history_e.learning_rate},
            axes[1], xlabel="epoch", title="learning rate", log=True)  # fmt: skip
plots.show(axes, alt="Left: B's accuracy jumps and has its best in epoch 2. Right: the plateau rule "
           "halves the rate twice; E's rate falls to a tenth after every fifth epoch.")  # fmt: skip

# %% [markdown]
# B's best is in epoch 2. Epochs 3, 4 and 5 bring no new best, so from epoch 6 on the rate is half.
# Three more epochs pass without one, and it is halved again. In a real training the shorter steps
# would then have changed the accuracies, which these stored ones could not show.
#
# **Early stopping** watches the same number, but after three epochs without a new best it ends
# training. More would only cost time, and the network might overfit ([](#regularisation)). Here the
# *last* network is kept, while many programs go back to the best one. Either way the choice is made
# on validation data, and not on the test set.

# %% [markdown]
# ### Exercise 04.6: When to stop
#
# You get the validation accuracies, one an epoch, and the patience: the number of epochs in a row
# that may pass without a new best. After which epoch does training end? An accuracy that only
# equals the best is not a new best.


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
# ## 9. When there is too little data: dropout and weight decay {#regularisation}
#
# A network **overfits** when it learns its training images by heart, as you saw in lesson 01. With
# 55,000 images LeNet hardly does. But with 1,000 images it soon knows each of them, so the training
# loss goes to 0, while validation stays behind. Two remedies make learning by heart harder.
#
# - **Dropout**: in every step, a random half of the hidden units (those between input and output)
#   is switched off. No unit can rely on another, so what is learned has to be spread over many.
# - **Weight decay**: in every step, every weight is pulled a little towards 0. Large weights make a
#   network react strongly to small differences, so they have to be worth it. For plain gradient
#   descent this is the same as **L2** regularisation, which adds the squares of all weights to the
#   loss.
#
# You met dropout in lesson 03. There half of the units were dropped and the others were doubled, so
# that the sum stayed the same on average. But how large a share is dropped is your choice. In the
# next cell `nn.Dropout` first drops half of 100,000 ones, and then a fifth of them. By which number
# does it multiply what is left?

# %%
runtime.seed_everything(0)
units = torch.ones(100_000)
for share in (0.5, 0.2):
    dropped = nn.Dropout(share)(units)  # a new layer is in training mode
    values = [f"{value:.2f}" for value in dropped.unique().tolist()]
    print(f"share {share}: values {values}, mean {dropped.mean():.2f}")

# %% [markdown]
# When half of the units are dropped, the others are doubled. When only a fifth is dropped, a
# smaller factor is enough. Either way the mean stays at 1, and therefore nothing has to be done in
# evaluation.

# %% [markdown]
# ### Exercise 04.7: Dropout
#
# Which factor belongs to which share? Find the rule in what the cell printed, and write dropout
# yourself. So that the answer is the same each time, the random numbers are handed in: one for each
# unit, anywhere from 0 to 1. A unit is dropped where its number is below the share.


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
# Do the remedies help? Three networks follow, each from the same first weights. The learning rate
# times the decay is 0.001 here, so each step takes a thousandth off every weight. (The optimiser is
# called `adamw` there. With decay 0 it is Adam, and it only takes the decay off apart from Adam's
# step.)

# %%
scarce = data.Digits(digits.train[:1000], digits.validation[:2000])
short = Recipe(
    epochs=5 if runtime.quick() else 30, batch_size=50, optimizer="adam", learning_rate=0.001
)
remedies = {
    "plain": (0.0, short),
    "dropout 0.5": (0.5, short),
    "weight decay": (0.0, replace(short, optimizer="adamw", weight_decay=1.0)),
}
few_images = {}
for name, (dropout, recipe) in remedies.items():
    runtime.seed_everything(0)
    few_images[name] = fit(lenet5_variant(dropout=dropout), scarce, recipe)

# %% [markdown]
# Look at the validation loss, the orange dashed curve. Where does it stop falling?

# %%
_, axes = plots.subplots(1, 3, width=9, sharey=True)
for ax, (name, history) in zip(axes, few_images.items(), strict=True):
    both = {"training": history.train_loss, "validation": history.validation_loss}
    plots.lines(both, ax, xlabel="epoch", title=f"{name}: {history.accuracy:.1%}")
axes[0].set(ylabel="loss", ylim=(0, 0.6))
plots.show(axes, alt="Three panels of loss over 30 epochs. Without a remedy the training loss goes to 0 "
           "and the validation loss stops falling early; with dropout or decay it ends lower.", trained=True)  # fmt: skip

# %% [markdown]
# Without a remedy the validation loss soon stops falling, while the training loss goes to 0. With
# either remedy it ends lower. The number in each title is the validation accuracy at the end, but
# one run each can't settle which remedy is better. And don't trust dropout's training loss, because
# it was measured while half of the units were off. The real cure is more data, and augmentation is
# the cheapest way to get some.

# %% [markdown]
# ### Where there is more data {#clothes}
#
# Do these remedies also help with 55,000 images? **Write-up D** (卷积神经网络(LeNet5)实现对 Fashion_MNIST
# 分类) tries them on Fashion-MNIST, ten kinds of clothes in images like MNIST's. It trains the
# network of this lesson by plain gradient descent, by Adam with L2, with dropout, and with more
# kernels. Of the last one it says that it is worse because it overfits, but it gives no number. [07
# Fashion-MNIST](07_fashion_mnist.ipynb) tests that. Until then keep two rules in mind: "it is
# worse" needs several seeds, and "it overfits" needs two numbers beside it, one from training and
# one from validation.
#
# One last thing: keep the network that you trained with write-up E's recipe.

# %%
path = save_checkpoint("network-e", network_of_e, row_e, history_e, seed=10)
print("saved", path)

# %% [markdown]
# ## What usually goes wrong {#faults}
#
# - **The loss is stuck at 2.303 with ReLU.** The learning rate is too large, so the units are dead.
#   0.9 was fine for sigmoids; try 0.1. With momentum 0.9 take a tenth of that.
# - **Validation is far worse than training, with batch norm.** Its running mean and variance have
#   not settled because there were too few steps, or validation images are normalised differently.
# - **Weight decay acts strangely with Adam.** Adam divides the decay by the same root as the slope.
#   `AdamW` keeps the two apart.
# - **Dropout makes it worse.** The network is too small to overfit, and half of it is missing.
# - **A gain that nobody can repeat.** It was luck: one seed, one run. Or the base was not sound.
# - **`ReduceLROnPlateau` does nothing.** It was not told the accuracy (`schedule.step(accuracy)`),
#   or it waits for a *smaller* number: for accuracies it needs `mode="max"`.

# %% [markdown]
# ## Summary {#summary}
#
# - ReLU has the slope 1 for positive inputs, so slopes vanish far less. After two epochs this made
#   the largest difference, and the only one that five seeds could settle.
# - Momentum lets steps grow that point the same way. Adam gives each weight a step length of its
#   own. Therefore each optimiser needs a learning rate of its own.
# - Batch norm normalises inside the network: with the batch's mean while training, with a running
#   mean in evaluation.
# - Change one thing at a time, on a sound base, and search the learning rate for each part.
# - A gain is settled when it is more than twice its spread, with at least five seeds each.
# - For write-up E's network augmentation, batch norm, and decay with early stopping each are
#   settled gains. Whether they add up is not settled.
# - Dropout and weight decay keep the validation loss down where data is scarce.

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
# Not necessarily. Both may repair the same weakness, and then together they add hardly more than
# one. To know it you need many seeds, because the question involves four means.</details>
#
# <details><summary>4. Base 98.9 ± 0.1 %, new 99.0 ± 0.1 % (one standard deviation of the runs, 5 runs each). Is it a gain?</summary>
# A mean of 5 runs spreads by 0.1 / √5 ≈ 0.045, and the difference of two such means by about 0.063.
# A gain of 0.1 is less than twice that, so it is not settled. Run more seeds.</details>
#
# <details><summary>5. Why should the learning rate be chosen anew for each optimiser?</summary>
# Because it means something else in each. Plain gradient descent multiplies the slope by it.
# Momentum 0.9 makes steps up to ten times longer. Adam divides by the size of the slopes first, so
# its steps are about as long as the rate itself.</details>

# %% [markdown]
# ## Key terms {#terms}
#
# | English | 中文 | where |
# |---|---|---|
# | rectified linear unit (ReLU) | 修正线性单元 | [](#relu) |
# | dead unit | 死亡神经元 | [](#relu) |
# | momentum | 动量法 | [](#optimisers) |
# | Adam | Adam 算法 | [](#optimisers) |
# | batch normalisation | 批量规范化 | [](#batch-norm) |
# | running mean | 移动平均 | [](#batch-norm) |
# | standard deviation | 标准差 | [](#seeds) |
# | random seed | 随机种子 | [](#seeds) |
# | ablation | 消融实验 | [](#ablation) |
# | error bar | 误差棒 | [](#ablation) |
# | interaction | 交互作用 | [](#ablation) |
# | learning-rate decay | 学习率衰减 | [](#schedules) |
# | early stopping | 早停法 | [](#schedules) |
# | overfitting | 过拟合 | [](#regularisation) |
# | dropout | 暂退法 | [](#regularisation) |
# | weight decay (L2) | 权重衰减(L2 正则化) | [](#regularisation) |
#
# Next: [05 The residual network](05_residual_network.ipynb).
