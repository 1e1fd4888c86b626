# %% [markdown]
# # 06 Reading the errors
#
# Your network of lesson 05 misreads about one digit in two hundred. That is a number, and a number
# does not say what to do next. Are these digits unreadable, so that nobody could do better? Are
# their labels wrong? Or did the network look at the wrong place, so that there is something to
# mend? To find out, you have to look at the errors themselves. In this lesson you name the hardest
# digits yourself, against the network. Then you measure what makes a digit hard, and you ask
# whether the network knows when it is in doubt. At the end you promise two numbers, and the test
# set says whether you were right.
#
# | | |
# |---|---|
# | **For whom** | You have trained networks with `fit`, and you know what validation images, logits and probabilities are. |
# | **Before this lesson** | [05 The residual network](05_residual_network.ipynb): its network and its recipe, label smoothing, an interval for a share |
# | **You will be able to** | read a confusion matrix · sort errors into kinds · find out with a patch and with slopes what a network looks at · test an idea about errors by measuring, with error bars · find labels that are probably wrong, and say what ceiling they set · measure calibration and mend it with a temperature · promise a number before the test set is opened |
# | **Time to plan** | about 4 hours, half of it for the exercises; one possible plan: [](#rule) to [](#occlusion) on one day, the rest on another |
# | **Running time** | about {{lessons.06.minutes}} min on two CPU cores, without a GPU |

# %% [markdown]
# ## 1. Which errors may be read? {#rule}
#
# You opened the test set in lesson 05, once. Its 10,000 images hold errors, too, and it would be
# easy to look at them, find out what they have in common, and mend it. But then you would have
# chosen your next network by what helps on exactly these images. The next test accuracy would be
# too good, just as in the experiment with the pretend test set of lesson 05. Therefore this lesson
# keeps to one rule:
#
# > **Errors are read on validation images. The test set is opened once, at the end, and nobody looks
# > at its images to decide anything.**
#
# You lose little by that, because the validation images were drawn by lot from the same 60,000
# images as the training images, so that you find every kind of error among them. But there is one
# difference. The makers of MNIST (LeCun, Cortes and Burges) took care that nobody who wrote digits
# of the training set wrote digits of the test set. So only the test set can tell whether what you
# find holds for other writers, too. Therefore [](#sealed) opens it, for two numbers that you write
# down before.

# %%
import math
import statistics
from dataclasses import replace

from mnist_course import (
    data, experiments, metrics, models, plots, recipes, results, runtime, shapes, widgets,
)  # fmt: skip
from mnist_course.augment import affine_matrices, move
from mnist_course.checks import check, hint
from mnist_course.training import Recipe, fit, predict

import torch
from scipy import ndimage

# %%
runtime.report()
digits = data.load()
validation = digits.validation

# %% [markdown]
# ## 2. A network to read {#network}
#
# First we need a network that makes errors. The next cell trains lesson 05's network by lesson 05's
# recipe, and then keeps its logits for all validation images. (If you saved your own network there,
# you can load it instead with `load_checkpoint("residual", network)`.) How many errors do you
# expect?

# %%
runtime.seed_everything(10)  # as in lesson 05
network = models.residual_network()
history = fit(network, digits, recipes.RESIDUAL, seed=10, show=plots.LiveCurve())
runtime.check_floor(history.accuracy, quick_floor=0.9, full_floor=0.99)
network.cpu()
logits = predict(network, validation)
probabilities = logits.softmax(dim=1)
confidence, predictions = probabilities.max(dim=1)
wrong = predictions != validation.labels
print(f"{int(wrong.sum())} of {len(validation):,} validation images are misread")

# %% [markdown]
# The largest of the ten probabilities is called the **confidence**: it is what the network claims
# about its own answer. You will need this word all the time from here on.

# %% [markdown]
# ## 3. You against the network {#contest}
#
# Before you see a single error, do the work yourself. The explorer asks you the 40 validation
# digits that this network finds hardest, those whose label got the lowest probability. Click on the
# digit once, and then type 0 to 9, or use the buttons. There is no button for "I don't know",
# because the network has none either. Nothing is revealed before the end, so take your time. If you
# stop earlier, you are compared on the digits that you named.

# %%
contest = widgets.contest(validation, logits)
contest

# %% [markdown]
# Who won? Be careful with the answer. The 40 digits were chosen because *this network* has doubts
# about them, so nearly all of its errors are among them. Nobody looked for the 40 digits that *you*
# find hardest. So the contest is unfair to the network, and if you win, it does not follow that you
# are better on all 5,000. This is selection bias again: whoever chooses the questions by the weak
# points of one side has decided a part of the result.
#
# The digits on which both of you disagree with the label are more interesting. Look at them once
# more. Would a friend of yours name them as the label does? Your answers stay in
# `contest.answers`, so the next cell can work with them.

# %%
mine = torch.tensor(contest.answers, dtype=torch.int64)
their, label = (torch.tensor(one)[: len(mine)] for one in (contest.theirs, contest.labels))
if len(mine):
    print(f"you and the network agree on {int((mine == their).sum())} of {len(mine)} digits")
    print(f"both differ from the label on {int(((mine != label) & (their != label)).sum())}")
else:
    print("no digit is named yet; run this cell again afterwards")

# %% [markdown]
# ## 4. The confusion matrix {#confusion}
#
# Which digits are taken for which? A **confusion matrix** is a table that counts it. Each row
# stands for a label and each column for an answer, so the right answers lie on the diagonal, and
# every error has a place beside it. The function is short: it goes through all images and adds 1
# in the place of each.


# %%
def confusion(predictions, labels, classes=10):
    """How often each label (row) got each answer (column): int64 (classes, classes)."""
    table = torch.zeros(classes, classes, dtype=torch.int64)
    for label, prediction in zip(labels, predictions, strict=True):
        table[label, prediction] += 1
    return table


# %%
table = confusion(predictions, validation.labels)
errors = table.clone().fill_diagonal_(0)  # without the right answers
plots.show(
    plots.confusion(predictions, validation.labels),
    alt="The confusion matrix: large numbers on the diagonal, a few single errors beside it.",
    trained=True,
)
print("misread, by label: ", errors.sum(dim=1).tolist())
print("wrongly named so:  ", errors.sum(dim=0).tolist())

# %% [markdown]
# Read a row first: of all images with this label, where did the errors go? Then read a column: what
# was wrongly called by this name? The two lists below the picture are the sums of both. A digit may
# be high in one of them and low in the other; for example, a network that says 7 too readily has
# few misread 7s, but many digits in the column of the 7.
#
# One network makes few errors on 5,000 images, so most places hold 0 or 1, and you can't conclude
# much from such numbers. For more errors, we need more networks. We trained lesson 05's network
# from {{errors.seeds}} other seeds, and stored which validation images each of them misreads. The
# next picture adds up their errors. Which pairs stand out?

# %%
stored = results.load("errors")
misread = [  # for each network [place, label, answer, confidence]; quick mode has fewer images
    [row for row in rows if row[0] < len(validation)] for rows in stored["misread"]
]
answers = validation.labels.repeat(len(misread), 1)  # right, but for what was misread
for network_number, rows in enumerate(misread):
    for place, _, answer, _ in rows:
        answers[network_number, place] = answer
plots.show(
    plots.confusion(answers.flatten(), validation.labels.repeat(len(misread))),
    alt="The confusion matrix of all stored networks; the columns of 1 and 7 hold nearly half of the errors.",
)
print(sum(len(rows) for rows in misread), "errors in all")

# %% [markdown]
# Now there is something to see, because the errors are not spread evenly. In a full run nearly half
# of them stand in two columns, those of the 1 and of the 7. The pair that is confused most is 2 and
# 7, and the next one is 1 and 7. You may have expected 4 and 9, because everybody speaks of them,
# but for these networks they come only sixth.

# %% [markdown]
# ### Exercise 06.1: The pair that is confused most
#
# A 4 that is read as 9 and a 9 that is read as 4 stand in two places of the table, although they
# are the same kind of error. Write a function that adds up both directions and finds the pair of
# digits that is confused most often. When the check says "Right", try it on the stored networks, in
# a cell of your own: `most_confused(confusion(answers.flatten(), validation.labels.repeat(5)))`.


# %%
def most_confused(table):
    """The two digits that are confused most often, both directions added: (smaller, larger).

    table: a confusion matrix, int64 (classes, classes), of at least two classes. The diagonal
    counts the right answers. One pair is ahead of all others.
    Returns two whole numbers. The table stays as it is.

    >>> most_confused(torch.tensor([[90, 3, 0], [2, 80, 4], [5, 1, 70]]))
    (0, 1)
    """
    ### BEGIN SOLUTION
    both = (table + table.T).triu(diagonal=1)
    place = int(both.argmax())
    return place // len(table), place % len(table)
    ### END SOLUTION


# %%
check("most-confused", most_confused)

# %% [markdown]
# ## 5. All errors on one page {#page}
#
# A table counts errors, but it does not show why they happened. So here they all are: every
# validation image that your network misreads, sorted by confidence. First come those about which it
# was surest. "4 not 9" means that the network says 4 and the label says 9. Go through them slowly
# and give each one a mark: **u** for unreadable, **l** for a label that you doubt, **n** for
# readable, so that the network is to blame.

# %%
order = wrong.nonzero()[:, 0]
order = order[confidence[order].argsort(descending=True)]
captions = [
    f"{answer} not {label}\n{sure:.0%}"
    for answer, label, sure in zip(
        predictions[order].tolist(), validation.labels[order].tolist(),
        confidence[order].tolist(), strict=True,
    )
]  # fmt: skip
plots.show(
    plots.image_grid(validation.images[order], captions, columns=10, lines=2),
    alt=f"{len(order)} misread digits with answer, label and confidence; the surest come first.",
    trained=True,
)

# %%
marks = ""  # your letters in the order of the page, for example "nnulnn"
for letter, kind in (("u", "unreadable"), ("l", "a doubtful label"), ("n", "the network's fault")):
    print(f"{marks.count(letter):3} {kind}")
print(f"{len(marks)} of {len(order)} digits are marked")

# %% [markdown]
# How many of each kind did you find? You will probably have marked some digits as **u**, where a
# stroke is missing or one digit is written over another, and very few as **l**. If there remain
# digits that you read without effort, think about those, because only there can a better network
# gain anything.
#
# Look at the order, too. The first errors of the page are the dangerous ones. A program that reads
# cheques could ask a person whenever the network is in doubt, and so it would catch the last errors
# of the page, but never the first ones. [](#calibration) comes back to that.

# %% [markdown]
# ## 6. What does the network look at? {#occlusion}
#
# To mend an error you have to know where it comes from. The first tool is very simple: **cover a
# part** of the digit with paper, and see what the network says of the rest. If the probability of
# the right digit falls, the covered part was needed. The second tool is finer. It asks for each
# pixel how much a logit would rise if the pixel got a little more ink. You know such a number: it
# is a slope, and backpropagation computes it. Until now slopes went to the weights, but they go
# just as well to the image. The map of these slopes is called a **saliency map**.

# %%
six = validation[order[:6]]
images = data.normalise(data.scale(six.images)).requires_grad_()
network.eval()
of_label = network(images).gather(1, six.labels[:, None])  # each image's logit of its label
of_label.sum().backward()  # a logit depends on its own image alone, so the sum mixes nothing
slopes = images.grad[:, 0]
slopes = slopes / slopes.abs().amax(dim=(1, 2), keepdim=True)  # each map on a scale of its own

# %%
captions = [f"logit of {label}" for label in six.labels.tolist()]
plots.show(
    plots.image_grid(six.images, captions, columns=6), alt="Six misread digits.", trained=True
)
plots.show(
    plots.kernels(slopes, captions, columns=6),
    alt="For each of the six digits the slopes of its label's logit, each map on a scale of its "
    "own: orange where more ink would help, purple where it would harm.",
    trained=True,
)

# %% [markdown]
# Orange pixels ask for ink: there the network misses something that the label should have. Purple
# pixels have ink, or are near ink, that speaks against the label. A saliency map looks grainy,
# because it holds only for very small changes, and a single pixel seldom decides anything. So take
# it as a clue, and test the clue with a patch. A patch is a large change, and what it does to the
# answer is a fact.
#
# The explorer shows both. It begins with the digits that your network misreads, and other ones
# follow. Press on the digit to cover a part of it, drag the patch, or use the arrow keys, and watch
# the ten probabilities. The map beside them shows the probability of the label for every place of
# the patch at once: the fuller its orange, the better the label survives there, and where it is
# lost you see bare paper. Try to *mend* an error, too. Is there a stroke without which the network
# reads the digit as its label says?

# %%
right = (~wrong).nonzero()[:, 0]
widgets.occlusion_explorer(network, validation[torch.cat([order, right[:100]])])

# %% [markdown]
# On most digits that are read well, the map has a small bare spot: there lies a stroke without
# which the digit becomes another one. Everywhere else the patch changes little. On a misread digit
# it is often the other way round. The map is bare nearly everywhere, and a small orange spot marks
# the stroke that misled the network, because without it the label wins. Some errors can't be mended
# like that, because there something is missing and nothing is too much.

# %% [markdown]
# ### Exercise 06.2: The map of a patch
#
# The explorer computes its map in the page. Write the same in Python: for every place where the
# patch fits, the probability of the label. It takes two loops, and you have to be careful with one
# thing: each place needs the *whole* digit again, so that the patches don't pile up.


# %%
def occlusion_map(network, image, label, size, paper):
    """The label's probability for every place of a square patch.

    network: an `nn.Module` in evaluation mode, (N, 1, H, W) to logits (N, K); image: float32
    (1, H, W), normalised, which stays as it is; label: a whole number; size: the patch's side in
    pixels; paper: the number that an empty pixel has after normalisation.
    Returns float32 (H - size + 1, W - size + 1): in row r and column c the upper left corner of
    the patch lies on the pixel (r, c).

    >>> network = torch.nn.Flatten()  # a network that returns the pixels themselves as logits
    >>> image = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])
    >>> occlusion_map(network, image, label=0, size=1, paper=0.0)
    tensor([[0.2500, 0.4754],
            [0.4754, 0.4754]])
    """
    ### BEGIN SOLUTION
    height, width = image.shape[1:]
    found = torch.zeros(height - size + 1, width - size + 1)
    for row in range(height - size + 1):
        for column in range(width - size + 1):
            covered = image.clone()
            covered[:, row : row + size, column : column + size] = paper
            with torch.no_grad():
                found[row, column] = network(covered[None])[0].softmax(dim=0)[label]
    return found
    ### END SOLUTION


# %%
check("occlusion-map", occlusion_map)

# %% [markdown]
# ## 7. Two suspicions, measured {#shapes}
#
# Reports on MNIST often end with a sentence like "errors happen between 4 and 9, because the top
# may be open or closed, and with 7s, whose bar differs in length and slant". Write-up E
# (基于PyTorch的手写数字识别实验深度总结) says so, too. It sounds right. But no number stands beside it, and what
# sounds right may still be wrong. We have 60,000 images and the errors of several networks, so let
# us measure.
#
# ### 4 against 9 {#four-nine}
#
# The suspicion is about the top: a 4 with a closed top looks like a 9, and a 9 with an open top
# looks like a 4. To test that, a program must see whether the top is closed. If it is closed, the
# ink encloses some paper, which means that there is a **hole**. `ndimage.label` of the library
# scipy finds regions: it gets an array of True and False, numbers the connected pieces of True, and
# returns the numbered array and how many pieces there are. Before you run the next cell, count the
# pieces yourself. Pixels that touch only at a corner are not connected.

# %%
paper = torch.tensor([
    [1, 0, 0, 1],
    [1, 0, 1, 0],
    [1, 1, 0, 0],
]).bool()  # fmt: skip
numbered, pieces = ndimage.label(paper.numpy())
print(pieces, "pieces")
print(numbered)

# %% [markdown]
# There are three pieces, because the two lonely pixels touch each other and the first piece only at
# corners.

# %% [markdown]
# ### Exercise 06.3: Count the holes
#
# Write a function that counts the holes in an image. The paper around the digit is a region, too,
# and it is no hole. And it may be more than one region: a stroke that runs from edge to edge cuts
# the outside in two. How do you keep all of the outside apart from the holes?


# %%
def count_holes(image, threshold):
    """How many regions of paper are enclosed by ink: a whole number.

    image: bytes, uint8 (H, W); threshold: 1 or more; pixels from this number on are ink, the
    others paper. Paper is connected over sides, not over corners. A region that touches the edge
    is no hole.

    >>> ring = torch.tensor([[9, 9, 9], [9, 0, 9], [9, 9, 9]], dtype=torch.uint8)
    >>> count_holes(ring, threshold=5), count_holes(ring, threshold=10)
    (1, 0)
    """
    ### BEGIN SOLUTION
    framed = torch.nn.functional.pad(image, (1, 1, 1, 1))
    _, regions = ndimage.label((framed < threshold).numpy())
    return regions - 1
    ### END SOLUTION


# %%
check("count-holes", count_holes)

# %% [markdown]
# The package has this function as `shapes.count_holes`, for many images at once. First we count
# over all training images: how many 4s have a closed top, and how many 9s an open one?

# %%
whole = data.load_all_training()
whole = whole[:10_000] if runtime.quick() else whole
for digit in (4, 9):
    images = whole.images[whole.labels == digit]
    closed = sum(holes > 0 for holes in shapes.count_holes(images))
    low, high = metrics.interval(closed, len(images))
    print(f"closed tops among {len(images):,} {digit}s: {closed / len(images):.1%}, "
          f"95 % interval {low:.1%} to {high:.1%}")  # fmt: skip

# %% [markdown]
# So both kinds are common. In a full run about one 4 in eleven is closed, and about one 9 in five
# is open, yet the networks read nearly all of them. Are those at least misread more often? To count
# that, we need validation images again, because the networks have learned from the training images,
# and on those they make hardly any errors. The table puts the 4s and 9s into four groups. It says
# how many of a group were misread by at least one of the stored networks, and it gives the 95 %
# interval of that share, by Wilson's formula of lesson 05. If the suspicion is right, which
# intervals should lie apart?

# %%
missed = (answers != validation.labels).any(dim=0)
tops = torch.tensor(shapes.count_holes(validation.images)) > 0
print("group      images  misread  share misread")
for digit in (4, 9):
    for top, name in ((False, "open"), (True, "closed")):
        group = (validation.labels == digit) & (tops == top)
        images, count = int(group.sum()), int(missed[group].sum())
        low, high = metrics.interval(count, images)
        print(f"{digit}, {name:6} {images:7} {count:8}  {low:6.2%} to {high:.2%}")

# %% [markdown]
# The intervals overlap widely. A handful of errors, spread over four groups, can't tell whether the
# top matters. That is an honest result, too: from these counts alone, nobody should claim anything.
#
# But counting throws much away, because it treats a digit that was barely right like one that
# was clearly right. The **margin** keeps that: the logit of the label minus the logit of the other
# digit. It is negative where the other digit wins. Here are the margins of your own network, on
# validation images, as means with an error bar of one standard deviation of the mean.

# %%
margins, spreads, names = [], [], []
for digit, other in ((4, 9), (9, 4)):
    for top, name in ((False, "open"), (True, "closed")):
        group = (validation.labels == digit) & (tops == top)
        margin = logits[group, digit] - logits[group, other]
        margins.append(margin.mean().item())
        spreads.append(margin.std().item() / len(margin) ** 0.5)
        names.append(f"{digit}, {name} ({len(margin)})")
        print(f"{digit}, {name:6} {margins[-1]:.2f} ± {spreads[-1]:.2f}")
ax = plots.bars(margins, names, errors=spreads, ylabel="mean margin to the other digit")
plots.show(ax, alt="Four bars of nearly the same height; the numbers stand above.", trained=True)

# %% [markdown]
# In a full run the closed 4s have a smaller margin than the open ones, and the open 9s mostly a
# smaller one than the closed ones. So the suspicion has a core of truth: the top does push a digit
# towards the other. But compare the difference with the height of the bars. Even a 4 with a closed
# top is, on average, very clearly a 4 to this network. So it must look at something else, too. What
# could it be? Find a closed 4 in the explorer of [](#occlusion), cover its top, and then its corner
# at the left.
#
# ### The 7s {#sevens}
#
# For a 7, two lengths are in question. The **bar** is the stroke at the top, and we take its length
# to be the width of the ink in the upper third of the digit. The **slant** of the stem says how
# many pixels it moves to the left for each pixel that it goes down. We fit a straight line through
# the ink of the lower half, by the method of least squares, and take its slope.


# %%
def bar_and_slant(image):
    """Length of the bar of a 7, in pixels, and the slant of its stem, from bytes (28, 28)."""
    ink = image >= 128
    rows = ink.any(dim=1).nonzero()[:, 0]
    top, height = rows[0], rows[-1] - rows[0] + 1
    bar = ink[top : top + height // 3].any(dim=0).nonzero()[:, 0]
    down, across = ink[top + height // 2 :].nonzero().T.tolist()
    return (bar[-1] - bar[0] + 1).item(), -statistics.linear_regression(down, across).slope


def measured(images):
    """Bars and slants of many 7s: two float tensors."""
    pairs = torch.tensor([bar_and_slant(image) for image in images])
    return pairs[:, 0].contiguous(), pairs[:, 1].contiguous()


# %% [markdown]
# Does this measure what we meant? Look at the 7s with the smallest and the largest slant, and with
# the shortest and the longest bar, among all training images.

# %%
sevens = whole.images[whole.labels == 7]
bars, slants = measured(sevens)
picked = torch.stack([slants.argmin(), slants.argmax(), bars.argmin(), bars.argmax()])
captions = [f"bar {bars[one]:.0f}\nslant {slants[one]:.2f}" for one in picked]
plots.show(
    plots.image_grid(sevens[picked], captions, columns=4, size=1.2, lines=2),
    alt="Four 7s: with the smallest and the largest slant, the shortest and the longest bar.",
    trained=True,
)

# %% [markdown]
# Always look at the extremes of a measure before you trust it: they show whether it measures what
# you meant. Here it does, more or less. But the 7 with the smallest slant has a hook that hangs
# down so far that it was taken for a part of the stem, and a 7 with a curved stem has no single
# slant. A rough measure has to live with a few such cases.
#
# Now cut the 7s of the validation set into five groups, from the shortest bars to the longest, each
# with about a fifth of them. (Bars are whole numbers of pixels, so that their groups can't be
# equal.) For each group the picture will show the mean margin: how far the logit of 7 lies above
# the next one, averaged over the stored networks. The error bars reach two standard deviations of
# the mean to each side. The right picture does the same for the slant. The lines below tell in
# which groups the misread 7s are.


# %%
def fifths(values):
    """The group of each value: 0 for the smallest fifth of them, up to 4 for the largest."""
    return torch.bucketize(values, values.quantile(torch.tensor([0.2, 0.4, 0.6, 0.8])))


is_seven = validation.labels == 7
bars, slants = measured(validation.images[is_seven])
margin = torch.tensor(stored["margins"])[: len(validation)][is_seven]

# %%
_, axes = plots.subplots(1, 2, height=2.8, sharey=True)
for ax, values, name in zip(axes, (bars, slants), ("bar, pixels", "slant"), strict=True):
    group, counts = fifths(values), []
    for number in group.unique():
        of_group = margin[group == number]
        spread = of_group.std() / len(of_group) ** 0.5
        ax.errorbar(values[group == number].mean(), of_group.mean(), 2 * spread,
                    color=plots.BLUE, marker="o", capsize=3)  # fmt: skip
        counts.append(f"{int(missed[is_seven][group == number].sum())} of {len(of_group)}")
    ax.set(xlabel=f"{name}, mean of the group", ylabel="mean margin")
    print(f"{name:12} misread by at least one network: {', '.join(counts)}")
plots.show(axes, alt="Mean margin of the 7s in five groups by length of the bar, and by slant of "
           "the stem: lowest at the left of both pictures.", trained=True)  # fmt: skip

# %% [markdown]
# In a full run both pictures rise at the left and are nearly level afterwards. So the length of the
# bar matters only where it is short, and a longer bar brings nothing more. The slant tells the same
# story: **upright** 7s, those of the first two groups, have smaller margins than the others, and
# all misread 7s are among them. That is not what the reports suggest, because they speak of slant
# as if it did harm. And it fits the confusion matrix: an upright 7 with a short bar is nearly a 1,
# and 7s read as 1 are among the most frequent errors. Both differences are more than twice their
# spread, so by the rule of lesson 04 they are settled.
#
# Keep in mind that the misread 7s are few, and that whoever looks at two measures, in five groups
# each, finds something by chance more easily than whoever looks at one.
#
# ### A group is no cause {#cause}
#
# Does the slant itself make a 7 easy to read? The groups can't tell, because people who write
# upright 7s may write them differently in other ways, too. To test a cause, you have to *change* it.
# So the next cells take the upright 7s, those of the first group, slant the very same images
# further, and ask your network again. If the slant is the cause, their margin must rise to that of
# the middle group. Will it?


# %%
def slanted(images, shear):
    """The same images, bytes (N, 28, 28), slanted by `shear` pixels more for each pixel down."""
    nothing = torch.zeros(len(images))
    maps = affine_matrices(nothing, nothing + 1, nothing + shear, nothing, nothing)
    return (255 * move(data.scale(images), maps)[:, 0]).round().to(torch.uint8)


def mean_margin(part):
    """How far your network's logit of 7 lies above the next one, averaged over a part."""
    found = predict(network, part)
    others = found.clone()
    others[:, 7] = -torch.inf
    return (found[:, 7] - others.amax(dim=1)).mean().item()


# %%
places, group = is_seven.nonzero()[:, 0], fifths(slants)
upright, middle = (validation[places[group == number]] for number in (0, 2))
print("                    mean slant  mean margin")
for shear in (0, 0.1, 0.2, 0.3, 0.4):
    part = data.Part(slanted(upright.images, shear), upright.labels)
    slant = measured(part.images)[1].mean()
    print(f"upright, {shear:.1f} more{slant:13.2f}{mean_margin(part):13.2f}")
print(f"middle group{slants[group == 2].mean():18.2f}{mean_margin(middle):13.2f}")

# %% [markdown]
# In our full runs the margin rises at first, by about a third of the way at most, and then no
# further, although at the end the slant is nearly that of the middle group. So most of the
# difference does not come from the slant. Upright 7s are written differently in other ways, and the
# slant is more a sign of that than its cause. Therefore a difference between groups, even a settled
# one, does not yet say what would help. Only a change can tell.
#
# ## 8. How far do networks agree? {#agreement}
#
# Train the same network from another seed, and it makes about as many errors. But are they the
# *same* errors? The answer tells you where errors come from. If each network errs on other images,
# the errors are bad luck of a training, and several networks that vote would correct each other. If
# all err on the same images, the images themselves are to blame.

# %%
runs = [{row[0] for row in rows} for rows in misread]
times = [sum(place in run for run in runs) for place in set.union(*runs)]
counts = [times.count(number) for number in range(1, len(runs) + 1)]
ax = plots.bars(
    counts, range(1, len(runs) + 1), xlabel="misread by so many of the networks", ylabel="images"
)
ax.locator_params(axis="y", integer=True)
plots.show(ax, alt=f"Images that were misread by exactly 1 to {len(runs)} networks: {counts}.")
average = statistics.mean(len(run) for run in runs)
print(f"one network misreads {average:.1f} images on average")
print(f"expected in common of two that err independently: {average**2 / len(validation):.1f}")

# %% [markdown]
# Any two of the stored networks share {{errors.agreement.shared_by_two | .1f}} errors on average,
# out of about {{errors.agreement.each | .0f}}. If they erred independently, hardly one image would
# be misread by both. So more than half of a network's errors come back with another seed, which
# means that they lie in the images. The left bars are the other part: {{errors.agreement.any}}
# images were misread by at least one network, but only {{errors.agreement.all}} by all
# {{errors.seeds}}. Where only one or two err, the others can outvote them. That is one reason why
# the two networks that vote in lesson 05 were better than either of them.
#
# Here are the images that all of them misread. The caption says what most of the networks
# answered, and how sure these were on average. Would you mark them with **u**, **l** or **n**?

# %%
everyone = sorted(set.intersection(*runs))
captions = []
for place in everyone:
    said = [row[2:] for rows in misread for row in rows if row[0] == place]
    most = statistics.mode(answer for answer, _ in said)
    surety = statistics.mean(sure for answer, sure in said if answer == most)
    captions.append(f"{most} not {validation.labels[place]}\n{surety:.0%}")
plots.show(
    plots.image_grid(validation.images[everyone], captions, columns=8, lines=2),
    alt=f"{len(everyone)} validation images that all stored networks misread.",
)

# %% [markdown]
# Look at the one that says "1 not 7" with more than 90 %. All networks agree, and they are nearly
# as sure as they can be. Is it a 7? In many countries of Europe people write a 1 in exactly this
# way, with a flag at the top. So either the label is wrong, or the writer makes unusual 7s, and
# only the writer could tell us. Others were filled with ink, so that hardly anybody could read
# them.
#
# ## 9. Labels that are wrong {#labels}
#
# An image that five networks misread with confidence may simply have a wrong label. MNIST's digits
# come from forms on which people copied printed numbers, and some of them, or whoever cut the forms
# into single digits, made mistakes. In 2021 Curtis Northcutt, Anish Athalye and Jonas Mueller
# looked for wrong labels in the test sets of ten well-known datasets (*Pervasive Label Errors in
# Test Sets Destabilize Machine Learning Benchmarks*). They let networks find suspicious images,
# about which a network is sure and disagrees with the label, and then asked people. For the test
# set of MNIST they report 15 label errors among the 10,000, which is 0.15 %. Only suspicious images
# were shown to people, so there may be a few more. You can see them at
# [labelerrors.com](https://labelerrors.com), but we don't show them here, because they belong to
# the sealed test set.
#
# What follows from that? A network that reads every digit as it was meant disagrees with 15 labels,
# so its test accuracy is 99.85 %. This is the **ceiling** that wrong labels set. Unreadable digits
# lower it further, because on those even the best reader can only guess.
#
# Can a network score higher than the ceiling? In 2020 Sanghyeon An and others reported up to 99.91
# % (*An Ensemble of Simple Convolutional Neural Network Models for MNIST Digit Recognition*). That
# is 9 errors. So if 15 labels are wrong, their networks must agree with at least 6 of the wrong
# ones, which no good reader does. And "up to" names the best of several tries on the test set, so
# that lesson 05's selection bias is in this number, too. Therefore near 99.8 % a gain of a few
# images no longer says that digits are read better.
#
# On validation images we may look, and you just did: the images that all networks misread with high
# confidence are the suspicious ones. The next cell goes through the stored record, and keeps the
# images on which at least four of the networks give the same answer against the label. How many of
# them would you call a wrong label?

# %%
suspicious = []  # mean confidence, place, answer
for place in set.union(*runs):
    said = [row[2:] for rows in misread for row in rows if row[0] == place]
    answer = statistics.mode(answer for answer, _ in said)
    agreeing = [sure for given, sure in said if given == answer]
    if len(agreeing) >= 4:
        suspicious.append((statistics.mean(agreeing), place, answer, len(agreeing)))
suspicious.sort(reverse=True)
unanimous = sum(count == len(runs) for *_, count in suspicious)
print(f"all {len(runs)} networks give the same answer against the label: {unanimous} images")
print(f"ceiling if all these labels were wrong: {1 - unanimous / len(validation):.2%}")

# %%
found = [place for _, place, *_ in suspicious]
captions = [f"{a} not {validation.labels[p]}\n{sure:.0%}" for sure, p, a, _ in suspicious]
plots.show(
    plots.image_grid(validation.images[found], captions, columns=8, lines=2),
    alt=f"{len(found)} images on which four or five networks agree against the label.",
)

# %% [markdown]
# One or two, if you are strict: such images deserve a second look by a person. But suppose the
# worst, that every label is wrong which all networks contradict with one voice. In a full run these
# are seven images, so the ceiling of these 5,000 would be 99.86 %, close to the published one of
# the test set. The stored networks reach {{errors.rows.residual.text.mean}} % on average. So of the
# {{errors.agreement.each | .0f}} errors that each of them makes, by this count wrong labels explain
# seven, and the others are digits that are hard to read or faults of the network. Whoever blames
# the labels has to show them.
#
# What should you do with such labels? In the *training* images you may correct them or leave them
# out, but say so in your report. In *validation* images you may count how many there are, so that
# you know your ceiling. In the *test* set you may do neither. As soon as you change test labels
# because your network disagrees with them, the network marks its own exam.

# %% [markdown]
# ## 10. Does the network know what it knows? {#calibration}
#
# If a network says "9, with 80 %" a hundred times, it should be right about eighty times. A network
# for which that holds at every confidence is called **calibrated**. It matters whenever somebody
# acts on the confidence, for example, when all digits below 90 % are shown to a person.
#
# To see it, sort the images into bins by confidence: 0 to 10 %, 10 to 20 %, and so on. In each bin,
# compare the mean confidence with the accuracy. The picture of it is a **reliability diagram**. The
# bars are 95 % intervals, and they are long where a bin holds few images. On the dotted line
# confidence and accuracy are equal. Where does your network lie?

# %%
plots.show(
    plots.reliability({"your network": probabilities}, validation.labels),
    alt="A reliability diagram: accuracy over confidence in ten bins, with the diagonal.",
    trained=True,
)
print(f"mean confidence {confidence.mean():.2%}, accuracy {1 - wrong.float().mean():.2%}")

# %% [markdown]
# In a full run the points lie *above* the line: the network is right more often than it claims. You
# may have heard that networks are too sure of themselves, and often they are. This one is modest,
# and there is a reason, which you know. Its recipe has **label smoothing**: it never asked for a
# probability of 1, but for 0.955, because that is the target of the right class. So the network
# learned to say about 95 %, even where it is right every time.

# %% [markdown]
# ### Exercise 06.4: One number for it
#
# The distance between confidence and accuracy, averaged over the images, is called the **expected
# calibration error**. For each bin, take the distance between its mean confidence and its accuracy,
# whichever of the two is larger. Then average the distances, and let each bin count as much as it
# has images.


# %%
def calibration_error(confidence, right, bins):
    """The expected calibration error: a float in 0..1.

    confidence: float32 (N,) in 0..1; right: bool (N,), whether each answer was right; bins: how
    many bins of equal width there are. A confidence c belongs to the bin number c * bins, rounded
    down, and 1 to the last bin. Empty bins count nothing.

    >>> confidence = torch.tensor([0.9, 0.95, 0.3, 0.35])
    >>> right = torch.tensor([True, False, True, True])
    >>> round(calibration_error(confidence, right, bins=2), 4)  # gaps of 0.425 and 0.675
    0.55
    """
    ### BEGIN SOLUTION
    number = (confidence * bins).long().clamp(max=bins - 1)
    total = 0.0
    for one in range(bins):
        inside = number == one
        if inside.any():
            gap = confidence[inside].mean() - right[inside].float().mean()
            total += abs(gap.item()) * inside.sum().item()
    return total / len(confidence)
    ### END SOLUTION


# %%
check("calibration-error", calibration_error)

# %% [markdown]
# ### A temperature {#temperature}
#
# Calibration can be mended without any training. Divide all logits by one number, the
# **temperature**, before softmax. A temperature above 1 brings the logits closer together, so that
# the probabilities become more alike. Below 1 it drives them apart, and the network becomes surer.
# The largest logit stays the largest, so **no answer changes**, and the accuracy stays exactly the
# same. Which temperature is best? The one with the smallest loss on images that the network has not
# learned from. We try many on one half of the validation images, and judge on the other half, since
# whoever chooses on some images must not report on them. Will the best one be above 1 or below?


# %%
def best_temperature(logits, labels):
    """The temperature with the smallest loss, of 201 from 0.1 to 10 that are tried."""
    tried = torch.logspace(-1, 1, 201)
    losses = [torch.nn.functional.cross_entropy(logits / one, labels).item() for one in tried]
    return tried[torch.tensor(losses).argmin()].item()


half = torch.arange(len(validation)) % 2 == 0  # every second image
temperature = best_temperature(logits[half], validation.labels[half])
print(f"temperature {temperature:.2f}")

# %% [markdown]
# Now judge it on the other half. What will the points do in the reliability diagram?

# %%
judged = validation.labels[~half]
shares = {
    "before": probabilities[~half],
    "after": (logits[~half] / temperature).softmax(dim=1),
}
for name, one in shares.items():
    error = metrics.expected_calibration_error(one, judged)
    print(f"calibration error on the other half, {name}: {error:.2%}")
plots.show(
    plots.reliability(shares, judged),
    alt="Reliability before and after temperature scaling, on the other half of the validation "
    "images.",
    trained=True,
)

# %% [markdown]
# In a full run the temperature is about one half, so the logits are doubled, and the calibration
# error becomes a small part of what it was. The bins in the middle hold only a few images each, and
# their bars show that nothing can be said of them one by one. Over the {{errors.seeds}} stored
# networks together, the mean confidence was {{errors.calibration.before.mean_confidence | .1%}}
# before, and the calibration error {{errors.calibration.before.error | .1%}}. With temperatures of
# {{errors.calibration.temperature | .2f}} on average it fell to {{errors.calibration.after.error |
# .1%}}.
#
# ### Is it the smoothing? {#smoothing}
#
# We said that label smoothing makes the network modest. That is a claim about a cause, and such a
# claim can be tested: train the same network once more, with one thing changed. What temperature do
# you expect without smoothing?

# %%
runtime.seed_everything(10)
plain = models.residual_network()
fit(plain, digits, replace(recipes.RESIDUAL, label_smoothing=0.0), seed=10)
plain_logits = predict(plain.cpu(), validation)
print("smoothing  temperature  mean confidence  calibration error  misread")
for name, one in (("0.05", logits), ("none", plain_logits)):
    fitting = best_temperature(one[half], validation.labels[half])
    sure_of_it, said = one[~half].softmax(dim=1).max(dim=1)
    error = metrics.expected_calibration_error(one[~half].softmax(dim=1), judged)
    count = int((said != judged).sum())
    print(f"{name:9} {fitting:12.2f} {sure_of_it.mean():16.2%} {error:18.2%} {count:8}")

# %% [markdown]
# In a full run the network without smoothing is nearly calibrated as it comes, with a temperature
# near 1. So the smoothing was the cause. Was it a mistake, then? No: it was chosen because it helps
# the accuracy a little, and a temperature takes its modesty away again. But it shows that a
# confidence of 95 % is a number like any other. It means what the training made of it, and before
# you act on it, you have to measure it.

# %% [markdown]
# ## 11. An experiment {#experiment}
#
# What else makes a network too sure, or too modest? The next trial is small enough to answer in
# seconds. It trains lesson 03's softmax regression on a few hundred images, and returns its mean
# confidence minus its accuracy, in percentage points. Above 0 it is too sure, below 0 too modest.


# %%
def trial(recipe, seed):
    """How much too sure a softmax regression is, in percentage points, on validation images."""
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(digits.train), generator=generator)[: recipe["images"]]
    parts = data.Digits(digits.train[chosen], validation[:500])
    runtime.seed_everything(seed)
    small = models.softmax_regression()
    settings = Recipe(epochs=recipe["epochs"], batch_size=50, optimizer="adam",
                      learning_rate=0.003, label_smoothing=recipe["smoothing"])  # fmt: skip
    fit(small, parts, settings, seed=seed, device="cpu")
    shares, said = predict(small, parts.validation).softmax(dim=1).max(dim=1)
    return 100 * (shares.mean() - (said == parts.validation.labels).float().mean()).item()


# %% [markdown]
# As an example, change the smoothing from 0 to 0.2. What should come out, after all that you have
# just seen?

# %%
BASE = {"images": 500, "epochs": 40, "smoothing": 0.0}
compare = experiments.Comparison(trial, "too sure by, in points")
before, after = compare(
    BASE, {**BASE, "smoothing": 0.2}, prediction="lower",
    because="smoothed targets never ask for a probability of one", seeds=range(5),
)  # fmt: skip

# %% [markdown]
# ### Exercise 06.5: Change, predict, test
#
# Now make an experiment of your own, as in the lessons before. Change one setting of the base,
# predict "higher", "lower" or "unclear", call `compare` once with at least five seeds, and conclude
# by the rule: all numbers after above all before, all below, or neither. When the check says
# "Right", run the real thing in a cell of your own: `experiment(BASE, compare)`.


# %%
def experiment(base, compare):
    """Change one setting of a recipe, predict, test, and conclude.

    base: a recipe, a dict of settings, which stays as it is; compare: an
    `experiments.Comparison`, to be called once, with at least five seeds.
    Returns what came out ("higher", "lower" or "unclear") and whether it was predicted (a bool).

    >>> def same_always(recipe, seed):  # a trial in which no change matters
    ...     return 3 + seed
    >>> compare = experiments.Comparison(same_always, quiet=True)
    >>> found, came_true = experiment({"images": 500, "epochs": 40, "smoothing": 0.0}, compare)
    >>> found
    'unclear'
    """
    ### BEGIN SOLUTION
    changed = {**base, "epochs": 4 * base["epochs"]}
    prediction, because = "higher", "more epochs leave time to learn images by heart"
    before, after = compare(base, changed, prediction, because, seeds=range(5))
    found = "unclear"
    if min(after) > max(before):
        found = "higher"
    if max(after) < min(before):
        found = "lower"
    return found, found == prediction
    ### END SOLUTION


# %%
check("calibration-experiment", experiment)

# %% [markdown]
# <details><summary>What came out when we tried some changes (open this after your own experiment)</summary>
#
# From `BASE`, in full mode: 160 epochs gave "higher", because the small network learns its 500 images
# by heart and becomes sure of itself, while the accuracy on new images does not follow. 10 epochs
# gave "lower". Smoothing of 0.2 gave "lower", and the network became far too modest. Twice the images
# gave "unclear", which surprised us: more images leave less to learn by heart, but they also mean
# twice as many steps, and the two work against each other.</details>

# %% [markdown]
# ## 12. Does it hold for other writers? {#sealed}
#
# All that you have measured so far was measured on validation images, whose writers wrote training
# images, too. So two questions are left that these images can't answer. Does the network misread as
# few digits of people whom it has never met? And does the temperature, which was chosen on familiar
# hands, suit other hands as well?
#
# The test set can answer both, because it comes from other writers. But an answer counts only if it
# could have come out against you. Therefore write down first what you expect, in numbers, and open
# the test set afterwards. That is called **preregistration**. Without it you could say of almost
# any result that you had expected it.
#
# How exact can the first promise be? The share s of misread images was counted on a sample of n
# images, so its standard deviation is √(s(1 − s) / n), as in lesson 05. Now two such shares are
# compared, one of the validation images and one of 10,000 test images, and the squares of their
# deviations are added, as for the gains of lesson 04. If other writers make no difference, the two
# shares should not lie more than twice this spread apart.

# %%
share = wrong.float().mean().item()
spread = math.sqrt(share * (1 - share) * (1 / len(validation) + 1 / 10_000))
least, most = 10_000 * max(0, share - 2 * spread), 10_000 * (share + 2 * spread)
print(f"promise 1: from {least:.0f} to {most:.0f} of 10,000 test images are misread")
print("promise 2: the temperature makes the calibration error smaller")

# %% [markdown]
# Add a number of your own: how large will the calibration error be with the temperature? Network
# and temperature are fixed by now, and nothing will be changed after what you see next. So break
# the seal. The cell prints numbers alone and shows no image, because an image could give you ideas
# for the next network.

# %%
test = data.open_test_set("lesson 06: do errors and temperature hold for other writers?")
test_logits = predict(network, test)
test_wrong = int((test_logits.argmax(dim=1) != test.labels).sum())
kept = "kept" if least <= test_wrong <= most else "broken"
print(f"{test_wrong} of {len(test):,} test images are misread: promise 1 is {kept}")
for name, one in (("without", test_logits), ("with", test_logits / temperature)):
    error = metrics.expected_calibration_error(one.softmax(dim=1), test.labels)
    print(f"calibration error {name} the temperature: {error:.2%}")

# %% [markdown]
# Was the first one kept? The {{residual.seeds}} stored runs of lesson 05 say what to expect. On
# average they read {{residual.rows.residual.text.mean}} % of the validation images and
# {{residual.rows.residual.test.text.mean}} % of the test images, and the luck of the images alone
# could move two such numbers much farther apart. So as far as these images can tell, other writers
# cost this network next to nothing, and what you have read in the validation errors is worth
# something beyond them.
#
# Was the second one kept? The {{errors.seeds}} stored networks of [](#agreement) were put to both
# promises, each with its own numbers and its own temperature, and all of them kept both. They read
# {{errors.rows.residual.test.low | .2%}} to {{errors.rows.residual.test.high | .2%}} of the test
# images. Their calibration errors on these were {{errors.test_calibration.before.low | .1%}} to
# {{errors.test_calibration.before.high | .1%}} without the temperature, and with it
# {{errors.test_calibration.after.low | .2%}} to {{errors.test_calibration.after.high | .2%}}, which
# is only a small part of that. So a temperature that was chosen on familiar hands suits other hands
# as well.
#
# And what if a promise is broken? Then you have learned more, not less: the validation images were
# too much like the training images, and you would have to set whole *writers* aside, instead of
# images, before you choose the next network. What you must not do is to look through the test
# images for the reason. Once the seal is broken, the test set has said what it can say about this
# network.

# %% [markdown]
# ## What usually goes wrong {#faults}
#
# - **The confusion matrix is the wrong way round.** Some programs put labels into rows, others into
#   columns. Read the names of the axes first, because otherwise "4 read as 9" becomes "9 read as
#   4".
# - **All errors look like 100 % confidence, or none does.** Logits were taken for probabilities, or
#   softmax was applied twice.
# - **The saliency map is empty, or "element 0 of tensors does not require grad".** The images need
#   `requires_grad_()` before the forward pass, and the pass must not stand inside
#   `torch.no_grad()`.
# - **Every patch changes the answer.** The patch is not paper. After normalisation paper is not 0,
#   but (0 − mean) / deviation; a patch of 0 is grey, a thing that the network has never seen.
# - **Too many holes.** The threshold is too low, so grey dirt counts as ink, or the outside was
#   counted as well.
# - **The calibration error changes with the number of bins.** It is an estimate, so state the
#   number of bins along with it, and compare only numbers with the same bins.
# - **"After temperature scaling the accuracy fell."** It can't, since no answer changes. Probably
#   the logits were divided in one place and not in another.

# %% [markdown]
# ## Summary {#summary}
#
# - Errors are read on validation images. The test set is opened once, for numbers that were
#   promised, and no image of it decides anything.
# - A confusion matrix counts which digits are taken for which; several networks together give it
#   enough errors to say something.
# - A patch shows what a network needs, and a saliency map gives clues where to put the patch.
# - A suspicion about errors becomes knowledge when it is measured over a whole set, with an
#   interval. Whether something is a cause shows only when it is changed.
# - Networks from different seeds share more than half of their errors, so these lie in the images.
# - Wrong labels set a ceiling: 15 of 10,000 in MNIST's test set, by a published search. A score
#   above it agrees with wrong labels.
# - Confidence has to be measured before it is used. Label smoothing makes it too low, and one
#   temperature, chosen on validation images, mends it without changing an answer.
# - What you expect of the test set, you write down before it is opened.

# %% [markdown]
# ## Five questions {#questions}
#
# <details><summary>1. In a confusion matrix, row 7 is nearly empty beside the diagonal, but column 7 is full. What does the network do?</summary>
# It says 7 too readily. It hardly misses a 7, but calls many other digits 7.</details>
#
# <details><summary>2. A friend finds the 40 test digits that his network finds hardest, names them himself, and gets more of them right than the network. Give two objections.</summary>
# The digits were chosen by the doubts of the network, so the comparison is unfair to it. And they
# are test digits: whoever looks at them will choose his next network by them.</details>
#
# <details><summary>3. Ten networks from ten seeds misread the same image with the same answer. Would a vote of the ten help?</summary>
# Not on this image, because all ten votes are the same. A vote helps where networks err on
# different images.</details>
#
# <details><summary>4. Every image gets the confidence 90 %, and 90 % of the answers are right. Is the network calibrated? Is it useful to know its confidence?</summary>
# It is calibrated, but the confidence is the same everywhere, so it does not tell good answers from
# bad ones. Calibration alone is not enough.</details>
#
# <details><summary>5. A temperature of 0.5 halves the calibration error of a network. How does its accuracy change?</summary>
# Not at all. Dividing all logits by the same positive number leaves the largest the largest.</details>

# %% [markdown]
# ## Key terms {#terms}
#
# | English | 中文 | where |
# |---|---|---|
# | error analysis | 误差分析(错误分析) | [](#page) |
# | confidence | 置信度 | [](#network) |
# | confusion matrix | 混淆矩阵 | [](#confusion) |
# | occlusion | 遮挡 | [](#occlusion) |
# | saliency map | 显著图 | [](#occlusion) |
# | margin | 间隔 | [](#four-nine) |
# | least squares | 最小二乘法 | [](#sevens) |
# | label noise | 标签噪声 | [](#labels) |
# | calibration | 校准 | [](#calibration) |
# | reliability diagram | 可靠性图 | [](#calibration) |
# | expected calibration error | 期望校准误差 | [](#calibration) |
# | temperature scaling | 温度缩放 | [](#temperature) |
# | preregistration | 预注册 | [](#sealed) |
