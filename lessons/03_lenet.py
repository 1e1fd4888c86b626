# %% [markdown]
# # 03 LeNet-5: sigmoid and average pooling
#
# LeNet-5 was published in 1998; banks in the USA read cheques with it. It is small enough to be
# understood line by line, and its parts are found in most image networks since. In this lesson you
# build it, count its numbers, train it with a loop that you see whole, and find out why it
# sometimes refuses to learn.
#
# | | |
# |---|---|
# | **Before this lesson** | [01 Loading data](01_loading_data.ipynb) and [02 Convolution and pooling](02_convolution_and_pooling.ipynb) |
# | **You will be able to** | read a network's shapes and count its parameters · work out a fully connected layer, a loss and a step of gradient descent by hand · explain the training loop line by line · explain a loss of 2.303 · say what `train()` and `eval()` change · save and load a network |
# | **Running time** | about {{lessons.03.minutes}} min on two CPU cores, without a GPU |

# %%
import math

from mnist_course import data, models, plots, probe, results, runtime, widgets
from mnist_course.checks import check, hint
from mnist_course.training import (
    Recipe,
    Snapshots,
    fit,
    load_checkpoint,
    predict,
    save_checkpoint,
)

import torch
from d2l import torch as d2l
from torch import nn

runtime.report()
digits = data.load()

# %% [markdown]
# ## 1. The network, layer by layer {#layers}
#
# LeNet-5 does two things one after the other.
#
# 1. **It looks for patterns.** Convolution, activation, pooling; and the same again. The maps
#    become smaller, and there are more of them.
# 2. **It decides.** Three fully connected layers turn 400 numbers into 10, one for each digit.
#
# Between the layers stands an **activation**, here the **sigmoid**. It squeezes any number into the
# range from 0 to 1. The sigmoid of x is 1 / (1 + e⁻ˣ), where e is the number 2.718…: 0 becomes 0.5, 2
# becomes 0.88, −2 becomes 0.12. Far from 0 the curve is flat: 10 and 20 both become nearly 1.
# ([Section](#vanishing) draws it.) Why is it needed? Without it, two layers in a row would be one: a sum of sums
# is a sum. The bend in the sigmoid lets a deeper network compute more.
#
# `nn.Sequential` runs its layers one after the other. `nn.Flatten` puts the 16 · 5 · 5 = 400 numbers
# of an image into one row. `nn.Linear(400, 120)` is a fully connected layer with 400 inputs and 120
# outputs. The comment beside each line is the shape of what leaves it. N is the number of images.
#
# Ours is the simplified form of the book *Dive into Deep Learning*. The network of 1998 had another
# activation (a scaled tanh), pooling with weights, and another last layer.


# %%
def lenet5():
    """LeNet-5 with sigmoid and average pooling, 61,706 parameters.

    Source: LeCun et al. (1998), as simplified in Dive into Deep Learning, section 7.6.
    """
    network = nn.Sequential(
        nn.Conv2d(1, 6, kernel_size=5, padding=2), nn.Sigmoid(),  # N, 6, 28, 28
        nn.AvgPool2d(kernel_size=2, stride=2),                    # N, 6, 14, 14
        nn.Conv2d(6, 16, kernel_size=5), nn.Sigmoid(),            # N, 16, 10, 10
        nn.AvgPool2d(kernel_size=2, stride=2),                    # N, 16, 5, 5
        nn.Flatten(),                                             # N, 400
        nn.Linear(400, 120), nn.Sigmoid(),                        # N, 120
        nn.Linear(120, 84), nn.Sigmoid(),                         # N, 84
        nn.Linear(84, 10),                                        # N, 10
    )  # fmt: skip
    return initialise_xavier(network)


# %% [markdown]
# The last line calls a function that draws the first weights. [Section](#xavier) explains it; here it is.


# %%
def initialise_xavier(network):
    """Xavier (Glorot) uniform weights for every linear and convolutional layer, in place.

    Source: Glorot & Bengio (2010), equation 16.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight)
    return network


# %% [markdown]
# ## 2. Shapes and parameters {#parameters}
#
# Send one image through and write down the shape after each layer. Follow a line from top to
# bottom: how does 28 become 14, 10, 5? Use the formula of lesson 02.

# %%
# NBVAL_CHECK_OUTPUT
runtime.seed_everything(0)
network = lenet5()
print(f"{'layer':12} {'output shape':16} parameters")
for name, kind, shape, count in probe.shape_table(network):
    print(f"{name:>2} {kind:9} {shape:16} {count:10,}")
print("total", sum(parameter.numel() for parameter in network.parameters()))

# %% [markdown]
# Now count the parameters by hand.
#
# - A convolution has *output channels × input channels × height × width* weights and one bias
#   for each output channel.
# - A fully connected layer has *inputs × outputs* weights and one bias for each output.
# - Pooling, activation and flattening have none.

# %%
# NBVAL_CHECK_OUTPUT
first_convolution = 6 * 1 * 5 * 5 + 6
second_convolution = 16 * 6 * 5 * 5 + 16
hidden_1 = 400 * 120 + 120
hidden_2 = 120 * 84 + 84
last = 84 * 10 + 10
print(first_convolution, second_convolution, hidden_1, hidden_2, last)
print(first_convolution + second_convolution + hidden_1 + hidden_2 + last)

# %% [markdown]
# Look where the parameters are: 48,120 of 61,706 sit in the first fully connected layer. The two
# convolutions together have 2,572.

# %% [markdown]
# ### Exercise 03.1: Count another network's parameters
#
# Now for any network of this kind. It is given as a list: `("conv", 6, 5, 2)` is a convolution with
# 6 output channels, kernels of 5 × 5 and padding 2; `("pool", 2)` is pooling with windows of 2 × 2
# that don't overlap (an odd last row or column is dropped); `("linear", 10)` is a fully connected
# layer with 10 outputs. The image has one channel, the stride of a convolution is 1, and every
# convolution and fully connected layer has biases. (For a hint, type `hint("count-parameters")` in a
# cell of your own.)


# %%
def count_parameters(size, layers):
    """How many parameters a network has.

    size: the side of the square image, which has one channel; layers: a list of
    ("conv", outputs, kernel, padding), ("pool", window) and ("linear", outputs). Once a "linear"
    has come, only "linear" follow. Returns an int.

    >>> count_parameters(4, [("conv", 2, 3, 1), ("pool", 2), ("linear", 3)])  # 20 + 27
    47
    """
    ### BEGIN SOLUTION
    channels, total = 1, 0
    for kind, *settings in layers:
        if kind == "conv":
            outputs, kernel, padding = settings
            total += outputs * channels * kernel * kernel + outputs
            size, channels = size + 2 * padding - kernel + 1, outputs
        elif kind == "pool":
            size = size // settings[0]
        else:
            outputs = settings[0]
            total += outputs * channels * size * size + outputs
            size, channels = 1, outputs
    return total
    ### END SOLUTION


# %%
check("count-parameters", count_parameters)

# %% [markdown]
# ## 3. From image to loss, with small numbers {#loss}
#
# ### A fully connected layer {#fully-connected}
#
# Each output is a weighted sum of *all* inputs, plus a bias. With two inputs and three outputs
# you can do it on paper: the first output is 1·1 + 2·2 + 0.5 = 5.5.

# %%
# NBVAL_CHECK_OUTPUT
inputs = torch.tensor([1.0, 2.0])
weights = torch.tensor([[1.0, 2.0], [0.0, -1.0], [1.0, 0.5]])  # one row an output
biases = torch.tensor([0.5, 1.0, 0.0])
logits = weights @ inputs + biases
print("row 0:", 1 * 1 + 2 * 2 + 0.5)
print("row 1:", 0 * 1 + -1 * 2 + 1.0)
print("row 2:", 1 * 1 + 0.5 * 2 + 0.0)
print("torch:", logits.tolist())

# %% [markdown]
# ### Softmax: from logits to probabilities {#softmax}
#
# The outputs of the last layer are called **logits**. They can be any numbers. They are not
# probabilities: those lie between 0 and 1 and add up to 1. **Softmax** makes probabilities of
# logits. Raise e to the power of each, then divide by the sum.

# %%
# NBVAL_CHECK_OUTPUT
powers = [math.exp(logit) for logit in (5.5, -1.0, 2.0)]
probabilities = [power / sum(powers) for power in powers]
print("by hand:", [round(probability, 4) for probability in probabilities])
print("torch:  ", [round(p, 4) for p in logits.softmax(dim=0).tolist()])
print("sum:    ", round(sum(probabilities), 6))

# %% [markdown]
# ### Cross-entropy: how wrong was that? {#cross-entropy}
#
# The **loss** measures how wrong the network is. **Cross-entropy** looks at one number only: the
# probability *p* that the network gave to the right class. The loss is −ln *p*. (ln is the natural
# logarithm: ln *p* is the power to which e must be raised to give *p*. In Python it is `math.log`.)
#
# - p = 1: certain and right. The loss is 0.
# - p = 0.5: the loss is 0.69.
# - p near 0: certain and wrong. The loss has no upper limit.
#
# Suppose that class 2 is right. Then *p* is the third probability.

# %%
# NBVAL_CHECK_OUTPUT
print("by hand:", round(-math.log(probabilities[2]), 4))
loss = nn.functional.cross_entropy(logits[None], torch.tensor([2]))
print("torch:  ", round(loss.item(), 4))

# %% [markdown]
# `cross_entropy` takes *logits*: it does the softmax itself. To put a softmax before it is a
# common mistake. The network then learns, but slowly.

# %% [markdown]
# ### Exercise 03.2: Cross-entropy that bears large logits
#
# Write the loss of a batch: the mean cross-entropy of its images. Mind large logits. A float32 has
# room for e to the power of 88, not of 89. But logits of 1000 may come, and the loss must be right
# all the same. Slopes will be needed, so the result is a tensor that `backward()` can start from.
# (torch's own `cross_entropy` does all of it at once, and the check would take it. You learn more
# when you write what it does; `logsumexp` or `log_softmax` may help.)


# %%
def cross_entropy(logits, labels):
    """Mean cross-entropy of a batch, also for logits of 1000 and more.

    logits: float32 (N, K), with requires_grad; labels: int64 (N,), from 0 to K - 1.
    Returns a float32 tensor of shape () from which `backward()` works.

    >>> logits = torch.tensor([[1000.0, 1000.0], [0.0, 0.0]], requires_grad=True)
    >>> round(cross_entropy(logits, torch.tensor([1, 0])).item(), 3)  # ln 2 for both
    0.693
    """
    ### BEGIN SOLUTION
    right = logits[torch.arange(len(labels)), labels]
    return (logits.logsumexp(dim=1) - right).mean()
    ### END SOLUTION


# %%
check("stable-cross-entropy", cross_entropy)

# %% [markdown]
# ### One step of gradient descent {#gradient-step}
#
# Now the loss should become smaller. For each logit there is a simple rule: its slope is its
# probability, minus 1 if it is the right class. So the right logit is pushed up, all others are
# pushed down, each by as much as it was wrong. A weight's slope is the slope of its output times
# its input.
#
# We compute the slope of the weight from input 1 to output 2 (both counted from 0) by hand. Then
# all of them with `backward()`. We take one step with the learning rate 0.1, and see whether the
# loss fell. The biases stay as they are here.

# %%
# NBVAL_CHECK_OUTPUT
slope_of_logit = probabilities[2] - 1
print("slope of one weight, by hand:", round(slope_of_logit * 2.0, 4))

trial = weights.clone().requires_grad_()  # a copy: the cell can be run again
loss = nn.functional.cross_entropy((trial @ inputs + biases)[None], torch.tensor([2]))
loss.backward()
print("the same from torch:         ", round(trial.grad[2, 1].item(), 4))

with torch.no_grad():
    trial -= 0.1 * trial.grad
after = nn.functional.cross_entropy((trial @ inputs + biases)[None], torch.tensor([2]))
print(f"loss before {loss.item():.4f}, after {after.item():.4f}")

# %% [markdown]
# The loss fell. In a network with many layers, `backward()` passes the slopes on from layer to
# layer, from the loss back to the first weights. That is **backpropagation**.
#
# How does a slope pass a layer? By multiplication. Suppose that an activation's output grows by
# 0.25 when its input grows by 1. That 0.25 is the activation's **own slope**. If the loss has the
# slope 2 for the output, it has the slope 2 · 0.25 = 0.5 for the input. A weight passes slopes back
# in the same way, multiplied by itself.

# %% [markdown]
# ### Exercise 03.3: The gradient of a batch
#
# You know the slope of each logit for one image: its probability, minus 1 if it is the right class.
# The loss of a batch is the mean over its images. What are the slopes then? All of them together
# are the gradient for the logits. You may use the rule, or let torch compute them.


# %%
def loss_gradient(logits, labels):
    """The gradient of the mean cross-entropy of a batch: one slope for each logit.

    logits: float32 (N, K); labels: int64 (N,), from 0 to K - 1.
    Returns float32 (N, K), plain numbers without what torch remembers for gradients; the logits
    stay as they are.

    >>> loss_gradient(torch.zeros(2, 2), torch.tensor([0, 1]))
    tensor([[-0.2500,  0.2500],
            [ 0.2500, -0.2500]])
    """
    ### BEGIN SOLUTION
    targets = nn.functional.one_hot(labels, logits.shape[1])
    return (logits.softmax(dim=1) - targets) / len(labels)
    ### END SOLUTION


# %%
check("loss-gradient", loss_gradient)

# %% [markdown]
# ## 4. Where to start: Xavier {#xavier}
#
# The first weights are random, but how large should they be? If they are too small, each layer
# makes the differences between its numbers smaller, and after five layers nothing is left of the
# image. If they are too large, every sigmoid is at its end, at 0 or at 1. There it is flat, and its
# slope is 0.
#
# **Xavier initialisation** chooses the range so that the **spread** (the standard deviation) stays
# about the same: for the numbers on the way forward, and for the slopes on the way back. The first
# needs the number of inputs, the second the number of outputs; so both are in its formula.
#
# See the spread of what leaves each layer for three choices. To see the weights alone, the layers
# here are linear, eight of them with 100 units.

# %%
runtime.seed_everything(0)
signal = torch.randn(256, 100)
spreads = {}
for name, limit in (("too small", 0.05), ("Xavier", math.sqrt(6 / 200)), ("too large", 0.5)):
    values, spreads[name] = signal, [signal.std().item()]
    for _ in range(8):
        values = values @ ((torch.rand(100, 100) * 2 - 1) * limit)  # from -limit to limit
        spreads[name].append(values.std().item())
ax = plots.lines(spreads, x=range(9), xlabel="after layer", ylabel="spread of values", log=True)
plots.show(
    ax, alt="Too small: the spread falls to nearly 0. Too large: it grows. Xavier: it stays."
)

# %% [markdown]
# Only the middle line stays level. The Xavier limit is √(6 / (inputs + outputs)), and 6 / 200 is
# just that for 100 inputs and 100 outputs. Xavier reckons with linear layers. A sigmoid shrinks the
# spread all the same; [](#vanishing) shows what follows.
#
# For a convolution, inputs are input channels × height × width of the kernel, and outputs are
# output channels × height × width. Biases keep torch's own first values. The images themselves obey
# the same rule: huge inputs push a sigmoid to its end, tiny ones leave no differences. That is why
# lesson 01 normalised them.

# %% [markdown]
# ## 5. The training loop {#loop}
#
# Here is the heart of the course. Four lines do the work, always in this order: **forward, loss,
# backward, step**. The rest is counting.


# %%
def train_epoch(network, batches, loss_function, optimizer):
    """Show the network every batch once. Returns the mean loss and the accuracy (0..1)."""
    network.train()
    total_loss, correct, seen = 0.0, 0, 0
    for images, labels in batches:
        logits = network(images)  # forward
        loss = loss_function(logits, labels)
        optimizer.zero_grad()
        loss.backward()  # backward
        optimizer.step()  # step
        total_loss += loss.detach() * len(labels)
        correct += (logits.argmax(dim=1) == labels).sum()
        seen += len(labels)
    return float(total_loss) / seen, int(correct) / seen


# %% [markdown]
# Line by line:
#
# - `network.train()` says that learning follows. [Section](#modes) shows what that changes.
# - `network(images)` is the **forward pass**: from images to logits.
# - `zero_grad()` throws the old slopes away. torch would add the new ones to them.
# - `loss.backward()` computes the slope of the loss for every parameter.
# - `optimizer.step()` moves every parameter a little against its slope.
# - `loss_function` is cross-entropy here, and `optimizer` is the rule for the step: gradient descent
#   on one batch at a time, called **SGD**.
# - `loss` is the mean of the batch. Times `len(labels)` it is the sum, so that a smaller last batch
#   counts less. `detach()` takes the value alone, without what torch remembers for slopes.
# - `argmax(dim=1)` is the network's answer: the class with the largest logit.
#
# To validate, the same without learning. `torch.no_grad()` tells torch not to remember what it
# would need for slopes; that saves time and memory. Written with `@` above a function, it holds for
# the whole function; this `@` is no matrix product. `reduction="sum"` adds up the losses of the
# batch. That is the mean times `len(labels)`, as above.


# %%
@torch.no_grad()
def evaluate(network, batches):
    """Mean cross-entropy and accuracy (0..1) of the network, without learning."""
    network.eval()
    total_loss, correct, seen = 0.0, 0, 0
    for images, labels in batches:
        logits = network(images)
        total_loss += nn.functional.cross_entropy(logits, labels, reduction="sum")
        correct += (logits.argmax(dim=1) == labels).sum()
        seen += len(labels)
    return float(total_loss) / seen, int(correct) / seen


# %% [markdown]
# Before the first step, measure the untrained network. Ten classes, random weights: what
# accuracy do you expect? And what loss?

# %%
batch_size = 32 if runtime.quick() else 256
device = runtime.device()
network = network.to(device)
batches = data.Batches(digits.train, batch_size, shuffle=True, device=device)
validation = data.Batches(digits.validation, 1000, device=device)

loss, accuracy = evaluate(network, validation)
print(f"untrained: loss {loss:.3f}, accuracy {accuracy:.1%}")

# %% [markdown]
# About one in ten is right, as by guessing. Now 120 batches, in two parts. Watch the loss.

# %%
optimizer = torch.optim.SGD(network.parameters(), lr=0.9)
loss_function = nn.CrossEntropyLoss()
few = data.Batches(digits.train[: 60 * batch_size], batch_size, shuffle=True, device=device)
for part in (1, 2):
    loss, accuracy = train_epoch(network, few, loss_function, optimizer)
    print(f"60 batches, part {part}: training loss {loss:.3f}, accuracy {accuracy:.1%}")

# %% [markdown]
# That is a disappointment. The loss went to 2.3 and stopped there. The network is hardly better
# than guessing. Nothing is broken. You have met the most common riddle of this field.

# %% [markdown]
# ## 6. Why is my loss 2.303? {#vanishing}
#
# A network that knows nothing gives every class the same probability, 1/10. Its loss is
# −ln(1/10) = ln 10.

# %%
# NBVAL_CHECK_OUTPUT
print("ln 10 =", round(math.log(10), 4))
equal = torch.zeros(1, 10)  # ten equal logits
print(
    "loss of ten equal logits:",
    round(nn.functional.cross_entropy(equal, torch.tensor([4])).item(), 4),
)

# %% [markdown]
# An untrained network starts somewhat above that. Its random last layer prefers some digits, the
# same ones for every image, and such a preference costs. The first steps take it away, and the loss
# is 2.303. So 2.303 means: **the network does not yet tell the images apart**.
#
# It can stay there for a long time, and the curve of the loss is flat: a **plateau**. Why? Look at
# the sigmoid's own slope: how much its output grows when its input grows. It is largest in the
# middle, and even there it is only 0.25. Going back through four sigmoids, a slope is multiplied four
# times by at most 0.25. Together that is less than 0.004. (The weights multiply it too, and can make
# up for a part.)

# %%
x = torch.linspace(-8, 8, 200, requires_grad=True)
y = torch.sigmoid(x)
y.sum().backward()
ax = plots.lines(
    {"sigmoid": y.tolist(), "its slope": x.grad.tolist()}, x=x.tolist(), xlabel="input"
)
ax.axhline(0.25, color=plots.GREY, linewidth=0.8)
ax.text(-8, 0.27, "0.25", fontsize=8)
plots.show(
    ax, alt="The sigmoid rises from 0 to 1; its slope is 0.25 in the middle and 0 at both ends."
)

# %% [markdown]
# Measure it on a new LeNet: how large are the slopes of the weights in each layer? The picture
# shows the typical size (root mean square), on a logarithmic scale. The second line is the same
# network with another activation, ReLU, which lesson 04 explains.

# %%
runtime.seed_everything(0)
images, labels = next(iter(data.Batches(digits.train, 256)))
slopes = {}
sigmoid = lenet5()
# each sigmoid becomes a ReLU; the other layers, with their weights, are the same
swapped = [nn.ReLU() if isinstance(layer, nn.Sigmoid) else layer for layer in sigmoid]
for name, new in (("sigmoid (LeNet-5)", sigmoid), ("the same with ReLU", nn.Sequential(*swapped))):
    found = probe.gradients(new, images, labels)
    slopes[name] = [g.square().mean().sqrt().item() for key, g in found.items() if "weight" in key]
names = ["conv 1", "conv 2", "linear 1", "linear 2", "linear 3"]
ax = plots.lines(slopes, x=names, ylabel="size of the slopes", log=True)
plots.show(ax, alt="Five layers. With sigmoids the slopes rise more than a hundredfold from the first to "
           "the last layer; with ReLU the first layer's are largest.")  # fmt: skip

# %% [markdown]
# With sigmoids the first layer gets slopes more than a hundred times smaller than the last layer's.
# It stands nearly still. This is the **vanishing gradient**. With ReLU the first layers' slopes are
# larger than the last layer's.
#
# But why does the last layer not learn, with its large slopes? Look forward instead of back. Each
# sigmoid also makes the *differences between images* smaller. Here is how much the output of each
# sigmoid differs from image to image (the standard deviation):

# %%
runtime.seed_everything(0)
for name, values in probe.activations(lenet5(), images).items():
    if name in ("1", "4", "8", "10"):  # the four sigmoids
        print(f"after layer {name:>2}: images differ by {values.std(dim=0).mean():.4f}")

# %% [markdown]
# To the last layer all images look nearly the same. All it can learn from them is how frequent each
# digit is, and that gives 2.3. Patience helps: as the layers before it move, slowly, the
# differences and the slopes grow together, and the loss falls off a cliff.
#
# Try it. The explorer below trains a LeNet for its first steps whenever you move a control. On the
# left is the loss, with ln 10 as a dashed red line; in the middle the size of the gradient, the
# slopes of each layer; on the right the share of **saturated** units, those whose slope is less than a
# tenth of what it can be. *tanh* is a sigmoid that goes from −1 to 1. Change one thing at a time. What
# brings the loss clearly below the red line?

# %%
widgets.loss_explorer(digits.train)

# %% [markdown]
# With sigmoids no learning rate helps in so few steps: the loss stays near the red line or above
# it, and the largest rates saturate the units. Each further layer makes the first one's slopes
# smaller. With tanh or ReLU, Xavier's weights and a rate of 0.1 the loss falls at once. With ReLU
# about half of the units count as saturated from the start: their answer is 0, and so is their
# slope. That does no harm here, since the other half passes its slopes on whole. Tiny first weights
# bring the plateau back.

# %% [markdown]
# ## 7. Train to the end {#training}
#
# From here on we use `fit`. Inside it runs the package's copy of this loop, the same letter by
# letter: a test of this course compares the two. (If you change the loop above, `fit` does not
# change.) It adds what is tedious: validation after each epoch, a history, and a curve that grows
# while you watch. You can stop it with *Kernel → Interrupt* and lose nothing.
#
# How a training is to go stands in a `Recipe`: epochs, batch size, optimiser, learning rate and
# momentum here, more of it in the next lessons.
#
# We start again with a new network, so that the whole way can be seen. Each point of the curves
# stands for one epoch. The training loss is the *mean* over the epoch; the validation loss is
# measured at its *end*. Compare the two at epoch 1: what happened in between?

# %%
runtime.seed_everything(1)
network = models.lenet5()  # the same code as above
recipe = Recipe(epochs=10, batch_size=batch_size, optimizer="sgd", learning_rate=0.9, momentum=0.0)
snapshots = Snapshots(network)  # the weights before training, and then after each epoch
history = fit(network, digits, recipe, seed=1, show=plots.LiveCurve(), after_epoch=snapshots)
runtime.check_floor(history.accuracy, quick_floor=0.3, full_floor=0.95)

# %% [markdown]
# At epoch 1 the mean is close to 2.303: most of the epoch was plateau. The validation loss is
# already lower: at the end of the epoch the fall has begun. In the second epoch it goes on steeply;
# after that the loss creeps down. (In quick mode the plateau is much longer.) How long the plateau
# lasts depends on the first weights, which are random. The stored runs with {{lenet.seeds}}
# different seeds ended between {{lenet.rows.lenet5.low | .1%}} and {{lenet.rows.lenet5.high | .1%}}
# on validation.
#
# One number at the end says little. The **band** below is the range of the stored runs, epoch by
# epoch. Move the slider from the first epoch to the last. Does your curve stay inside? (One of the
# stored runs has your seed, 1, so your curve should lie close to that one. For a real test change
# both seeds in the cell above to 11. Afterwards set them back to 1 and run that cell again: later
# cells count on it.)

# %%
widgets.band_explorer(history, results.load("lenet")["runs"], recipe)

# %% [markdown]
# In accuracy the band is widest at epoch 1: at its end some seeds have left the plateau, others
# not. When your run lies below, the line under the picture names what may be the reason.
#
# What does the network see? A page of predictions, with what it says in black, and mistakes in
# red: "9 not 2" means that it says 9 and the label is 2. Would you have known better? (`predict` runs
# all images through the network in evaluation mode and gives their logits.)

# %%
page = digits.validation[:48]
probabilities = predict(network, page).softmax(dim=1)
plots.show(
    plots.predictions(page.images, probabilities, page.labels, columns=12, names="0123456789"),
    alt="Forty-eight digits with the network's answers, most of them right.",
    trained=True,
)

# %% [markdown]
# And what do its first kernels look like? Nobody designed them.

# %%
weights = next(iter(probe.kernels(network).values()))[:, 0].cpu()
plots.show(
    plots.kernels(weights, [f"kernel {index}" for index in range(6)], columns=6, size=1.2),
    alt="Six learned kernels of 5 by 5 weights, orange above 0 and purple below, in coherent patches.",
    trained=True,
)

# %% [markdown]
# Orange weights ask for ink, purple ones for its absence. Neighbouring weights often have the same
# sign: they are no longer random.
#
# How did they become what they are? `snapshots` kept the weights of each epoch. Press play, or move
# the slider *Epoch*. Look at the kernels and the probabilities: when does the network begin to tell
# this digit from the others?

# %%
widgets.epoch_scrubber(network, snapshots, history, digits.validation)

# %% [markdown]
# Before training the ten probabilities hardly depend on the digit: drag *Digit* at epoch 0 to see it.
# As the loss falls, the kernels get stronger colours and the maps more contrast.
#
# Now look at every layer, before training and after, side by side. The same seed gives the same first
# weights once more.
#
# 1. Drag *Digit*. How much do the ten bars move on the left, and how much on the right?
# 2. Choose the layers *1*, *4* and *5*, one after the other. Which side tells the digits apart?
# 3. In the layers *0* and *3* drag *Position*. The blue frame on the digit is the receptive field. Below
#    it stand kernel and patch, as in lesson 02; in layer 3 those of one *Input channel*.

# %%
runtime.seed_everything(1)
untrained = models.lenet5()  # the weights that training started from
pair = {"before training": untrained, "after training": network}
widgets.feature_maps(pair, digits.validation)

# %% [markdown]
# Before training the bars are nearly the same for every digit: the network does not tell the images
# apart, which is what [](#vanishing) measured. After training one bar stands out. Before training each
# map of layer 5 is nearly even, and the same for every digit. After training it has light and dark
# places, which change with the digit. Away from the border, one number of layer 0 depends on 5 × 5
# pixels, one of layer 3 on 14 × 14. (In quick mode the network has learned less, and the two sides
# differ less.)

# %% [markdown]
# ## 8. Is that good? A baseline {#baseline}
#
# A number means little alone. So compare with the simplest thing that could work: one fully
# connected layer from 784 pixels to 10 logits, called **softmax regression**. It has no idea of
# neighbouring pixels.


# %%
def softmax_regression():
    """One linear layer: the simplest network that reads digits, 7,850 parameters."""
    return nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 10))


# %%
runtime.seed_everything(0)
simplest = softmax_regression()
simple_recipe = Recipe(epochs=3, batch_size=batch_size, learning_rate=0.1, momentum=0.0)
simple_history = fit(simplest, digits, simple_recipe)

rows = (("softmax regression", simplest, simple_history), ("LeNet-5", network, history))
for name, one, its_history in rows:
    count = sum(parameter.numel() for parameter in one.parameters())
    print(f"{name:20} {count:7,} parameters, {its_history.accuracy:.2%} on validation")
runtime.check_floor(simple_history.accuracy, quick_floor=0.7, full_floor=0.88)

# %% [markdown]
# How sure can you be of such a number? The validation set has 5,000 images. With other 5,000 you
# would get a slightly different accuracy. So we give a range for the true accuracy, the **95 %
# confidence interval**. If many people did this, each with other 5,000 images, about 19 of 20 such
# ranges would hold the true accuracy.
#
# The usual formula: say that each image is right with probability p, like a coin that is not fair.
# Then the share of right ones among n images spreads around p with a standard deviation of
# √(p(1 − p) / n). About 95 % of such shares lie within 1.96 deviations of p. We don't know p, so we
# put in the share that we measured. (Near 100 % this becomes too rough. Lesson 05 has a better
# formula.)

# %%
n = len(digits.validation)
for name, _, its_history in rows:
    p = its_history.accuracy
    half = 1.96 * math.sqrt(p * (1 - p) / n)
    print(f"{name:20} 95 % interval {p - half:.2%} to {p + half:.2%}")

# %% [markdown]
# In a full run the two intervals lie far apart: the choice of images does not explain it. (The luck
# of the first weights is another matter: see the seeds in [](#training).) Softmax regression was the
# baseline for LeNet-5. LeNet-5 is now the one that the next lessons have to beat.

# %% [markdown]
# ## 9. The same with d2l {#d2l}
#
# *Dive into Deep Learning* is a well-known book, and `d2l` is its package. It has a training
# function for LeNet, `train_ch6`, with its own initialisation and its own live plot, the
# `Animator`. It takes a second set of images and calls it "test". We give it *validation* data:
# the curve is looked at after every epoch, so the test set has no place there.
#
# Does it come to the same result as our loop? In its plot you find the training loss, the training
# accuracy, and as "test acc" our validation accuracy.

# %%
runtime.seed_everything(1)
their_network = lenet5()
d2l.train_ch6(their_network, batches, validation, num_epochs=recipe.epochs, lr=0.9, device=device)

# %%
their_loss, their_accuracy = evaluate(their_network, validation)
print(f"ours: {history.accuracy:.2%} on validation")
print(f"d2l:  {their_accuracy:.2%} on validation")

# %% [markdown]
# The curve went the same way: a loss near 2.3 at first, then a steep fall, while both accuracies
# rise. `train_ch6` draws its own first weights (Xavier, too) and gets the images in another order. So
# the two results differ by luck. Both loops do the same four things: forward, loss, backward, step.

# %% [markdown]
# ## 10. `train()` and `eval()` {#modes}
#
# A network is in one of two modes. `network.train()` and `network.eval()` switch between them.
# In LeNet-5 no layer cares. Two kinds of layers do, and you will use both in lesson 04:
#
# - **Dropout** sets random units to 0 while training, and does nothing in evaluation.
# - **Batch norm** shifts and scales the numbers between layers to mean 0 and deviation 1. While
#   training it takes mean and deviation of the batch, and remembers them, mixed with those of the
#   batches before. (Instead of the deviation it keeps its square, the **variance**.) In evaluation it
#   uses what it remembers, its **running mean** and variance.
#
# See what dropout does to the same eight ones, twice in each mode.

# %%
# NBVAL_CHECK_OUTPUT
runtime.seed_everything(0)
layer = nn.Dropout(0.5)
ones = torch.ones(8)
layer.train()
print("train:", layer(ones).tolist())
print("train:", layer(ones).tolist())
layer.eval()
print("eval: ", layer(ones).tolist())
print("eval: ", layer(ones).tolist())

# %% [markdown]
# In training mode the result changes from call to call. (What is left is doubled, so that the sum
# stays the same on average.) Whoever forgets `eval()` gets random answers from dropout.
#
# Now batch norm. The number 2 stands in two batches, each time as its last. Is it treated alike?

# %%
# NBVAL_CHECK_OUTPUT
layer = nn.BatchNorm1d(1)
small, large = torch.tensor([[0.0], [1.0], [2.0]]), torch.tensor([[2.0], [9.0], [2.0]])
layer.train()
for batch in (small, large):
    print("train:", [round(value, 2) for value in layer(batch).flatten().tolist()])
layer.eval()
for batch in (small, large):
    print("eval: ", [round(value, 2) for value in layer(batch).flatten().tolist()])

# %% [markdown]
# In training mode the last number depends on its neighbours in the batch: above their mean in the
# first, below it in the second. In evaluation it is the same both times. With batch norm, whoever
# forgets `eval()` gets answers that depend on the other images of the batch; lesson 05 shows how much
# that costs.

# %% [markdown]
# ### Exercise 03.4: Evaluate one class
#
# A good accuracy may hide a class that is read badly. Write an `evaluate` that looks at one class:
# of the images that have this label, how many does the network get right? The network may hold
# dropout or batch norm, and it comes in training mode.


# %%
def class_accuracy(network, batches, label):
    """Share of the images of one class that the network gets right, in evaluation.

    network: (N, C, H, W) to logits (N, K); batches: a list of (images, labels), with labels int64
    (N,); label: the class, which occurs at least once. Returns a float from 0 to 1. The
    network's parameters and running means stay as they are; its mode may change.

    >>> batches = [(torch.tensor([[9.0, 0.0], [0.0, 9.0], [0.0, 9.0]]), torch.tensor([0, 0, 1]))]
    >>> class_accuracy(nn.Identity(), batches, 0)  # the images are their own logits here
    0.5
    """
    ### BEGIN SOLUTION
    network.eval()
    correct = total = 0
    with torch.no_grad():
        for images, labels in batches:
            predictions = network(images).argmax(dim=1)
            of_class = labels == label
            correct += (predictions[of_class] == label).sum().item()
            total += of_class.sum().item()
    return correct / total
    ### END SOLUTION


# %%
check("class-accuracy", class_accuracy)

# %% [markdown]
# ## 11. Save and load {#checkpoint}
#
# The trained network is worth keeping: the next lessons load it. Its weights go into a file of
# numbers (`.safetensors`), and beside it a text file says how it was made. Many programs save
# the whole network object as a *pickle*. Loading a pickle can run any code that somebody put
# into it, so this course never does.

# %%
path = save_checkpoint("lenet5", network, recipe, history, seed=1)
again = models.lenet5()  # new random weights
print("before loading:", f"{evaluate(again.to(device), validation)[1]:.1%}")
load_checkpoint(path, again)
print("after loading: ", f"{evaluate(again, validation)[1]:.2%}")
assert evaluate(again, validation) == evaluate(network, validation)

# %% [markdown]
# ## What usually goes wrong {#faults}
#
# - **The loss stays at 2.303.** See [](#vanishing). Give it more epochs; if it stays, check the
#   learning rate, the initialisation, and that `optimizer.step()` is called.
# - **The loss is `nan`.** The steps are too long. Divide the learning rate by ten and build the
#   network anew: its weights are `nan`, too.
# - **The loss falls, but slowly.** Is there a softmax before the cross-entropy?
# - **The loss jumps up and down.** `zero_grad()` is missing, so all old slopes pile up.
# - **Validation changes each time it is called.** `eval()` is missing.
# - **"Expected all tensors to be on the same device".** The network is on the GPU and the batch
#   is not, or the other way round.

# %% [markdown]
# ## Summary {#summary}
#
# - LeNet-5: two rounds of convolution, sigmoid and pooling; then three fully connected layers.
# - Logits become probabilities by softmax; cross-entropy is −ln of the right one's.
# - The loop: forward, loss, backward, step.
# - A network that can't tell the images apart has the loss ln 10 = 2.303. Sigmoids make slopes and
#   differences vanish, so it can stay there.
# - A result needs a baseline, an interval and the right mode.

# %% [markdown]
# ## Five questions {#questions}
#
# <details><summary>1. With 100 classes, near which loss does an untrained network start?</summary>
# Near ln 100 = 4.605, usually a little above.</details>
#
# <details><summary>2. The first layer is changed to kernel_size=3, padding=1. How many parameters does the network have then?</summary>
# The layer has 6 · 9 + 6 = 60 parameters instead of 156, so 61,706 − 96 = 61,610. The shapes after
# it stay the same.</details>
#
# <details><summary>3. Why is the slope of the right logit never positive?</summary>
# It is p − 1, and a probability is at most 1. The step goes against the slope, so the right
# logit is always pushed up.</details>
#
# <details><summary>4. A network says 0.8 for the right class. What is its loss?</summary>
# −ln 0.8 = 0.223.</details>
#
# <details><summary>5. Training accuracy in epoch 1 is often below the validation accuracy after epoch 1. Why?</summary>
# Training accuracy is counted while the network learns: its first batches met a worse network.
# Validation comes after all steps.</details>

# %% [markdown]
# ## Key terms {#terms}
#
# | English | 中文 | where |
# |---|---|---|
# | activation function | 激活函数 | [](#layers) |
# | sigmoid | sigmoid 函数 | [](#layers) |
# | stochastic gradient descent (SGD) | 随机梯度下降 | [](#loop) |
# | logits | 未规范化的预测(logits) | [](#loss) |
# | softmax | softmax 函数 | [](#loss) |
# | cross-entropy | 交叉熵 | [](#loss) |
# | backpropagation | 反向传播 | [](#loss) |
# | Xavier initialisation | Xavier 初始化 | [](#xavier) |
# | optimiser | 优化器 | [](#loop) |
# | forward pass | 前向传播 | [](#loop) |
# | vanishing gradient | 梯度消失 | [](#vanishing) |
# | baseline | 基线 | [](#baseline) |
# | confidence interval | 置信区间 | [](#baseline) |
# | dropout | 暂退法(dropout) | [](#modes) |
# | batch norm | 批量规范化 | [](#modes) |
# | checkpoint | 检查点 | [](#checkpoint) |
#
# Next: [04 ReLU and max pooling](04_relu_and_max_pooling.ipynb).
