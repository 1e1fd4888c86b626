# %% [markdown]
# # 03 LeNet-5: sigmoid and average pooling
#
# In 1998 Yann LeCun and his colleagues described a network that reads digits, called LeNet-5, and a
# system that was built around it read millions of bank cheques a day. It is so small that you can
# follow every number in it from the image to the answer, and since its parts are found in most
# image networks to this day, you will understand those better, too. In this lesson you build
# LeNet-5, count its numbers and train it with a loop that you see whole. You find out why it
# sometimes refuses to learn, and at the end you test whether its convolutions really help.
#
# | | |
# |---|---|
# | **For whom** | You know what a convolution, pooling, a slope and a step of gradient descent are. From mathematics you need powers of e and logarithms. |
# | **Before this lesson** | [01 Loading data](01_loading_data.ipynb) and [02 Convolution and pooling](02_convolution_and_pooling.ipynb) |
# | **You will be able to** | read a network's shapes and count its parameters · work out a fully connected layer, softmax, a loss and a step of gradient descent by hand · explain the training loop line by line · explain a loss of 2.303 · show by numbers why convolution pays · say what `train()` and `eval()` change · save and load a network |
# | **Time to plan** | about 6 hours, a third of it for the exercises. Good places for a break are the ends of [](#loss) and of [](#inside). |
# | **Running time** | about {{lessons.03.minutes}} min on two CPU cores, without a GPU |

# %%
import math

from mnist_course import data, experiments, models, plots, probe, results, runtime, widgets
from mnist_course.augment import shift
from mnist_course.checks import check, hint
from mnist_course.training import Recipe, Snapshots, fit, load_checkpoint, predict, save_checkpoint

import torch
from d2l import torch as d2l
from torch import nn

runtime.report()
digits = data.load()

# %% [markdown]
# ## 1. The whole network in one picture {#overview}
#
# Before you read any code, look at the whole network. Follow the picture from left to right. Each
# sheet is a feature map, as in lesson 02, and what happens between two groups of sheets stands
# above the arrow. Two things change along the way. Which one shrinks, and which one grows?

# %%
plots.show(
    plots.lenet_diagram(digits.validation.images[0]),
    alt="LeNet-5 from left to right: a digit, 6 maps of 28 by 28, 6 of 14 by 14, 16 of 10 by 10, "
    "16 of 5 by 5, then 120 and 84 units and ten probabilities. All maps are still empty.",
)

# %% [markdown]
# The maps shrink from 28 × 28 to 5 × 5, because pooling halves their sides and the second
# convolution has no padding. But their number grows from 1 to 16, because the network looks for
# more and more different patterns. So it gives up *where* something is, little by little, and keeps
# *what* it is.
#
# LeNet-5 does two things, one after the other.
#
# 1. **It looks for patterns.** This is the left part: convolution, activation, pooling, and then
#    the same once more.
# 2. **It decides.** This is the right part: three fully connected layers turn the 400 numbers of
#    the last maps into ten, one for each digit.
#
# You know all of these parts from lesson 02 except one, the activation. We begin with that one.

# %% [markdown]
# ## 2. The network, layer by layer {#layers}
#
# After a layer has multiplied and added, its results go through an **activation function**, number
# by number. LeNet-5 uses the **sigmoid**, which squeezes any number into the range from 0 to 1. The
# sigmoid of x is 1 / (1 + e⁻ˣ), where e is the number 2.718… Look at its curve. Where is it steep,
# and where is it flat?

# %%
x = torch.linspace(-8, 8, 200)
ax = plots.lines({"sigmoid": torch.sigmoid(x).tolist()}, x=x.tolist(), xlabel="input",
                 ylabel="output")  # fmt: skip
plots.show(ax, alt="An S-shaped curve: near 0 for inputs below -5, 0.5 at 0, near 1 above 5.")

# %% [markdown]
# In the middle the curve is steep: 0 becomes 0.5, 2 becomes 0.88, and −2 becomes 0.12. Far from 0
# it is flat, so that 10 and 20 both become nearly 1. Remember this flatness, because it will cause
# trouble in [](#vanishing).
#
# Why is an activation needed at all? Without it, two layers in a row could do no more than one: a
# weighted sum of weighted sums is again a weighted sum of the inputs. So a network of five layers
# would be as weak as a single layer. The bend in the sigmoid prevents that, and therefore a deeper
# network can compute more.
#
# Now read the network in code, and compare it with the picture line by line. `nn.Sequential` runs
# its layers one after the other. `nn.Flatten` puts the 16 · 5 · 5 = 400 numbers of an image into
# one row, and `nn.Linear(400, 120)` is a fully connected layer with 400 inputs and 120 outputs. The
# comment beside each line is the shape of what leaves it, where N is the number of images.
#
# Our version is the simplified one of the book *Dive into Deep Learning*. The network of 1998 had
# another activation (a scaled tanh), pooling with weights, and another last layer.


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
# The last line calls a function that draws the first weights at random. [Section](#xavier) explains
# how large they should be; here is only the code. `network.modules()` walks through all layers,
# `isinstance` asks whether a layer is of one of the two kinds that have weights, and such a layer
# gets new ones.


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
# Now make a network and look into it. The explorer shows it as in the picture above, but with real
# numbers: each map is drawn from what the network computes for the digit. Go from the whole to a
# single number.
#
# 1. **The whole.** Move the slider *Digit*. The maps follow. Do the ten probabilities at the right
#    follow, too?
# 2. **One layer.** Click a map of the first convolution (*conv 5×5*) and press the button *One
#    layer*. Then go back with *All layers*.
# 3. **One number.** Below the network stands the map that you clicked. Point at a place in it.
#    Beside it the number at this place is worked out: which patch, which kernel, which sum, and
#    what does the sigmoid do to it? Do the same in a map after pooling.

# %%
runtime.seed_everything(0)
network = lenet5()
widgets.network_explorer(network, digits.validation)

# %% [markdown]
# You have seen how each number comes about: patch times kernel, summed, plus a bias, and through
# the sigmoid. There is nothing else in the left part of the network. You have also seen that an
# untrained network is useless: its kernels are random, and the ten probabilities stay nearly the
# same whatever the digit is.

# %% [markdown]
# ## 3. Shapes and parameters {#parameters}
#
# Whoever builds networks has to know two things about each layer: the shape of what leaves it, and
# how many parameters it has. The next cell sends an image through and writes both down. Follow the
# shapes from top to bottom. How does 28 become 14, then 10, then 5? Use the formula of lesson 02.

# %%
# NBVAL_CHECK_OUTPUT
print(f"{'layer':12} {'output shape':16} parameters")
for name, kind, shape, count in probe.shape_table(network):
    print(f"{name:>2} {kind:9} {shape:16} {count:10,}")
print("total", sum(parameter.numel() for parameter in network.parameters()))

# %% [markdown]
# Now count the parameters by hand, and see whether the table agrees.
#
# - A convolution has *output channels × input channels × height × width* weights, and one bias for
#   each output channel.
# - A fully connected layer has *inputs × outputs* weights, and one bias for each output.
# - Pooling, activation and flattening have no parameters, because nothing in them is learned.

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
# Look where the parameters are: 48,120 of the 61,706 sit in the first fully connected layer, while
# the two convolutions together have only 2,572. The convolutions are so small because all places of
# a map share one kernel.
#
# ### A tool: a list of layers {#layer-list}
#
# For the next exercises a network is given as a list with one tuple for each layer. For example,
# `("conv", 6, 5, 2)` is a convolution with 6 output channels, kernels of 5 × 5 and padding 2, and
# `("pool", 2)` is pooling with windows of 2 × 2 that don't overlap. The tuples have different
# lengths. Python can take them apart all the same: in `kind, *settings = layer`, the first entry
# goes to `kind`, and the star collects all others in a list. What will the next cell print?

# %%
layers = [("conv", 6, 5, 2), ("pool", 2), ("conv", 16, 5, 0), ("pool", 2)]  # LeNet-5's left part
for kind, *settings in layers:
    if kind == "conv":
        outputs, kernel, padding = settings
        print(f"a convolution: {outputs} channels, kernels of {kernel}, padding {padding}")
    else:
        print(f"pooling: settings is a list, {settings}, and its only entry is {settings[0]}")

# %% [markdown]
# ### Exercise 03.1: How many numbers come out of the maps?
#
# `nn.Linear` has to be told how many inputs it gets. For LeNet-5 it is 400, but for each new
# network you have to work it out, and a wrong number ends in one of torch's most frequent errors,
# "mat1 and mat2 shapes cannot be multiplied". So write a function for it: how many numbers leave
# the convolutions and poolings of a list? The stride of a convolution is 1. Pooling drops an odd
# last row or column. (For a hint, type `hint("flattened-size")` in a cell of your own.)


# %%
def flattened_size(size, layers):
    """How many numbers are left of an image after convolutions and poolings.

    size: the side of the square image, which has one channel; layers: a list of
    ("conv", outputs, kernel, padding) and ("pool", window); the list may be empty. Returns an int.

    >>> flattened_size(4, [("conv", 2, 3, 1), ("pool", 2)])  # 2 maps of 2 × 2
    8
    """
    ### BEGIN SOLUTION
    channels = 1
    for kind, *settings in layers:
        if kind == "conv":
            channels, kernel, padding = settings
            size = size + 2 * padding - kernel + 1
        else:
            size = size // settings[0]
    return channels * size * size
    ### END SOLUTION


# %%
check("flattened-size", flattened_size)

# %% [markdown]
# ### Exercise 03.2: Count another network's parameters
#
# Now count all parameters of a network that is given as such a list. A third kind of layer joins:
# `("linear", 10)` is a fully connected layer with 10 outputs. Every convolution and every fully
# connected layer has biases. The loop is that of the exercise before, with a sum that grows along
# the way.


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
# ## 4. From image to loss, with small numbers {#loss}
#
# The left part of the network gave 400 numbers. What do the fully connected layers do with them,
# and how do we tell whether the answer is good? We follow the way with numbers so small that you
# can check each step on paper.
#
# ### A fully connected layer {#fully-connected}
#
# Each output is a weighted sum of *all* inputs, plus a bias. Here are two inputs and three outputs.
# The first output is 1·1 + 2·2 + 0.5 = 5.5. Work out the other two before you run the cell.

# %%
inputs = torch.tensor([1.0, 2.0])
weights = torch.tensor([[1.0, 2.0], [0.0, -1.0], [1.0, 0.5]])  # one row an output
biases = torch.tensor([0.5, 1.0, 0.0])
logits = weights @ inputs + biases
print("row 0:", 1 * 1 + 2 * 2 + 0.5)
print("row 1:", 0 * 1 + -1 * 2 + 1.0)
print("row 2:", 1 * 1 + 0.5 * 2 + 0.0)
print("torch:", logits.tolist())

# %% [markdown]
# The matrix product `weights @ inputs` did all three weighted sums at once, one for each row of
# weights.
#
# ### Softmax: from logits to probabilities {#softmax}
#
# The outputs of the last layer are called **logits**. They can be any numbers, so they are not
# probabilities, which lie between 0 and 1 and add up to 1. **Softmax** turns logits into
# probabilities in two steps. First it raises e to the power of each logit; this makes all of them
# positive. Then it divides each power by the sum of all, so that the results add up to 1.

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
# The **loss** measures how wrong the network is. **Cross-entropy** looks at one number only, the
# probability *p* that the network gave to the right class, and takes −ln *p*. (ln is the natural
# logarithm: ln *p* is the power to which e must be raised to give *p*. In Python it is `math.log`.)
#
# - p = 1: the network was certain and right. The loss is 0.
# - p = 0.5: the loss is 0.69.
# - p near 0: the network was certain and wrong. The loss grows without limit.
#
# Suppose that class 2 is right in our example. Then *p* is the third probability, which is small,
# so the loss must be large.

# %%
# NBVAL_CHECK_OUTPUT
print("by hand:", round(-math.log(probabilities[2]), 4))
loss = nn.functional.cross_entropy(logits[None], torch.tensor([2]))
print("torch:  ", round(loss.item(), 4))

# %% [markdown]
# Here is the whole way in one picture, with ten logits for an image of a 9. The network finds that
# it looks even more like a 4. What does that do to the probability of the 9, and where does it
# stand on the curve?

# %%
doubtful = torch.tensor([-2.0, -1.0, 0.0, -1.0, 3.0, 0.0, -1.0, 1.0, 0.5, 2.0])
axes = plots.softmax_and_loss(doubtful, label=9)
plots.show(axes, alt="Bars of ten logits, 4 the highest, then 9; bars of the probabilities, 4 far "
           "higher than 9; the curve −ln p, with this image at p = 0.21 and loss 1.56.")  # fmt: skip

# %% [markdown]
# The logits of the 4 and the 9 differ by only 1, but the powers of e pull them apart: e¹ = 2.718,
# so the 4 gets 2.7 times the probability of the 9. The curve at the right shows why cross-entropy
# makes a good teacher. Near p = 1 it is flat, because there is little left to learn from such an
# image. Towards 0 it becomes ever steeper, which means that the worst mistakes push the weights
# hardest.
#
# Try it yourself with four classes. Guess before you move anything:
#
# 1. Raise the logit of a *wrong* class. What happens to the probability of the label, whose own
#    logit has not moved?
# 2. Add 1 to all four logits. What changes?
# 3. Make all four logits equal. What is the loss then?

# %%
widgets.softmax_explorer()

# %% [markdown]
# The label's probability falls although its logit stayed the same, because the sum below the
# fraction has grown. If you add the same number to all logits, nothing changes, because each power
# is multiplied by the same factor, and the factor cancels in the fraction. With four equal logits
# each class gets a quarter, and the loss is ln 4 = 1.386. Remember that last case; you will meet it
# again with ten classes.

# %% [markdown]
# ### One softmax too many {#double-softmax}
#
# torch's `cross_entropy` takes *logits*, because it does the softmax itself. A frequent mistake is
# to put a softmax before it. Nothing complains, and the network even learns. How would you notice?
# Take the best case that such a network could reach: the right class has the probability 1, and all
# others have 0. `cross_entropy` takes these for logits. What loss do you expect?

# %%
perfect = torch.tensor([[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]])
floor = nn.functional.cross_entropy(perfect, torch.tensor([0]))
print(f"loss of a perfect answer: {floor:.3f}, and ln(e + 9) - 1 = {math.log(math.e + 9) - 1:.3f}")

# %% [markdown]
# Even a perfect answer costs 1.461, because as logits 1 and 0 are nearly the same. So the symptom
# of one softmax too many is **a loss that can't fall below 1.461**, while the accuracy looks almost
# normal. Also, the slopes become small, and therefore the network learns more slowly.

# %% [markdown]
# ### Two tools: large logits, and one number from each row {#large-logits}
#
# The formula of softmax has a weak spot. A float32 has room for e to the power of 88, but not for e
# to the power of 89, so a logit of 1000 becomes infinite, and infinite divided by infinite is
# `nan`, no number. The second question above shows the way out. Softmax stays the same if you
# subtract a number from all logits, so subtract the *largest* one. Then the largest power is e⁰ =
# 1, and nothing can overflow.

# %%
# NBVAL_CHECK_OUTPUT
large = torch.tensor([1000.0, 999.0])
print("as it stands:       ", (large.exp() / large.exp().sum()).tolist())
smaller = large - large.max()
print("largest subtracted: ", [round(p, 4) for p in (smaller.exp() / smaller.exp().sum()).tolist()])
print("torch:              ", [round(p, 4) for p in large.softmax(dim=0).tolist()])

# %% [markdown]
# The loss needs the same care. On paper, −ln of a fraction is a difference: for the right logit z
# it is ln(sum of all powers) − z. So no probability is needed at all, only the logarithm of a sum
# of powers, and torch has a function for it that subtracts the largest logit first: `logsumexp`.
#
# The other tool takes one number from each row of a table. If you index with two lists of places,
# one for the rows and one for the columns, torch walks through both at once.

# %%
# NBVAL_CHECK_OUTPUT
print("logsumexp:", large.logsumexp(dim=0).item())
print("by hand:  ", (large.max() + smaller.exp().sum().log()).item())

table = torch.tensor([[10, 11, 12], [20, 21, 22]])
rows, columns = torch.arange(2), torch.tensor([2, 0])
print("row 0, column 2 and row 1, column 0:", table[rows, columns].tolist())

# %% [markdown]
# ### Exercise 03.3: Cross-entropy for large logits
#
# Write the loss of a batch: the mean cross-entropy of its images, which is right for large logits,
# too. `backward()` has to work from your result, so it must be a tensor that torch has computed
# from the logits. (torch's own `cross_entropy` does all of it in one call, and the check would
# accept that. But you learn more if you write what it does.)


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
# Now the loss should become smaller. As in lesson 02, we need the slope of the loss for each
# weight, and then we take a step against it. Softmax and cross-entropy together have a remarkably
# simple rule: **the slope of a logit is its probability, minus 1 if it is the right class**. So the
# step pushes the right logit up and all others down, each by as much as it was wrong.
#
# And a weight? It acts on the loss only through its output, and it multiplies its input there.
# Therefore, by the chain rule, its slope is the slope of its output times its input. The next cell
# works out the slope of the weight from input 1 to output 2 (both counted from 0) by hand. Then
# torch finds all slopes with `backward()`, and we take one step with the learning rate 0.1. The
# biases stay as they are. Will the loss fall?

# %%
slope_of_logit = probabilities[2] - 1
print("slope of one weight, by hand:", round(slope_of_logit * 2.0, 4))

trial_weights = weights.clone().requires_grad_()  # a copy: the cell can be run again
loss = nn.functional.cross_entropy((trial_weights @ inputs + biases)[None], torch.tensor([2]))
loss.backward()
print("the same from torch:         ", round(trial_weights.grad[2, 1].item(), 4))

with torch.no_grad():
    trial_weights -= 0.1 * trial_weights.grad
after = nn.functional.cross_entropy((trial_weights @ inputs + biases)[None], torch.tensor([2]))
print(f"loss before {loss.item():.4f}, after {after.item():.4f}")

# %% [markdown]
# The loss fell. (`requires_grad_`, `no_grad` and `grad` are those of lesson 02: ask for notes, make
# a step without notes, and read the slopes.)
#
# ### Backpropagation: slopes on their way back {#backpropagation}
#
# In a network with many layers, `backward()` passes the slopes on from layer to layer, from the
# loss back to the first weights. This is called **backpropagation**, and it is nothing but the
# chain rule of lesson 02, applied from the end to the beginning. The smallest network that shows
# all of it has one input, one hidden unit with a sigmoid, and two logits. In the picture, blue
# numbers are the values on the way forward, and orange numbers are slopes on the way back. Begin at
# the right, with the loss. How do you get the slope of a box from those of the boxes behind it?

# %%
plots.show(
    plots.backpropagation(x=2.0, v=0.5, weights=(1.0, -1.0), label=0),
    alt="A graph from an input and a weight over a sigmoid unit to two logits and the loss. Blue: "
    "the values forward. Orange: the slopes back, each the slope behind the arrow times the "
    "arrow's own; at the hidden unit two of them add up.",
)

# %% [markdown]
# Each arrow has a slope of its own, written beside it: how fast its end grows when its beginning
# grows. There are two rules.
#
# - **Along one way, multiply.** The slope of the loss behind an arrow, times the arrow's own slope,
#   gives the slope before it. The arrow from h to a logit z = w · h has the own slope w, because z
#   grows w times as fast as h. So slopes pass a weight by being multiplied with that weight. The
#   arrow of the sigmoid has the own slope h · (1 − h).
# - **Where several ways lead from one place to the loss, add.** The hidden unit h feeds both
#   logits, so the loss changes with it in two ways, and both count.
#
# Does torch find the same slope for the weight v?

# %%
v = torch.tensor(0.5, requires_grad=True)
h = torch.sigmoid(v * 2.0)
two_logits = torch.stack([1.0 * h, -1.0 * h])
nn.functional.cross_entropy(two_logits[None], torch.tensor([0])).backward()
print("slope of v from torch:", round(v.grad.item(), 3))

own_slope = h.item() * (1 - h.item())
p0 = two_logits.softmax(dim=0)[0].item()
print("by the two rules:     ", round(((p0 - 1) * 1.0 + (1 - p0) * -1.0) * own_slope * 2.0, 3))

# %% [markdown]
# It does. In LeNet-5 there are thousands of ways from a kernel's weight to the loss, because the
# kernel is used at each place of the image. torch multiplies along all of them and adds, and still
# it walks back through the network only once.

# %% [markdown]
# ### Exercise 03.4: The gradient of a batch
#
# You know the slope of each logit for one image: its probability, minus 1 if it is the right class.
# The loss of a batch is the mean over its images. What are the slopes then? All of them together
# are the gradient for the logits. You may use the rule, or let torch compute them. A tool for the
# rule: `nn.functional.one_hot(torch.tensor([2, 0]), 3)` makes a row for each label, with a 1 at the
# label's place: `[[0, 0, 1], [1, 0, 0]]`.


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
# ## 5. Where to start: Xavier {#xavier}
#
# The first weights are random, but how large should they be? If they are too small, each layer
# makes the differences between its numbers smaller, so that after five layers nothing is left of
# the image. If they are too large, every sigmoid is driven to one of its ends, near 0 or near 1.
# There its curve is flat, which means that its slope is nearly 0 and nothing is learned.
#
# **Xavier initialisation** chooses the range of the random weights so that the **spread** (the
# standard deviation) of the numbers stays about the same from layer to layer, both for the values
# on the way forward and for the slopes on the way back. The way forward depends on the number of
# inputs and the way back on the number of outputs, and therefore both stand in its formula: the
# weights are drawn from −limit to limit, with limit = √(6 / (inputs + outputs)).
#
# The next cell sends random numbers through eight layers with 100 units each, and measures their
# spread after each layer, for three choices of the limit. Here the layers are linear, without an
# activation, so that you see the effect of the weights alone. Which line will stay level?

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
# Only Xavier's line stays level. The other two are straight lines on a logarithmic axis, because
# each layer multiplies the spread by the same factor again.
#
# The formula assumes linear layers. A sigmoid shrinks the spread in addition, and [](#vanishing)
# shows what comes of that. For a convolution, inputs are input channels × height × width of the
# kernel, and outputs are output channels × height × width. The biases keep torch's own first
# values. The images themselves have to obey the same rule, since huge inputs push a sigmoid to its
# end and tiny ones leave no differences. This is why lesson 01 normalised them.

# %% [markdown]
# ## 6. The training loop {#loop}
#
# Here is the heart of the course. Four lines do the work, always in this order: **forward, loss,
# backward, step**. First we write the loop out, as you will find it in many programs, for example
# in write-up B of lesson 01. It prints the loss from time to time, so that you see what happens.
# (Write-up B prints it every 100 batches. Ours sees only 60 batches, so it prints every 20.)
#
# First comes the preparation. `runtime.device()` makes the choice of lesson 01 (a GPU if there is
# one), and the network moves there. `optimizer` is the rule for the step. `SGD` is gradient descent
# on one batch after the other, called **stochastic gradient descent**, because which images are in
# a batch is left to chance; `lr` is the learning rate.

# %%
batch_size = 32 if runtime.quick() else 256
device = runtime.device()
network = network.to(device)
few = data.Batches(digits.train[: 60 * batch_size], batch_size, shuffle=True, device=device)
validation = data.Batches(digits.validation, 1000, device=device)
loss_function = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(network.parameters(), lr=0.9)

# %% [markdown]
# Ten classes and random weights: which loss do you expect for the first batch? And then, will it
# fall? Write both down, and run the loop.

# %%
network.train()
for number, (images, labels) in enumerate(few):
    logits = network(images)  # forward
    loss = loss_function(logits, labels)
    optimizer.zero_grad()
    loss.backward()  # backward
    optimizer.step()  # step
    if number % 20 == 0:
        print(f"batch {number:2d}: loss {loss.item():.3f}")

# %% [markdown]
# Line by line:
#
# - `network.train()` says that learning follows. [Section](#modes) shows what that changes.
# - `network(images)` is the **forward pass**, from images to logits. Call the network itself, and
#   not `network.forward(…)`, because only then does torch do everything that belongs to a call.
# - `loss_function` is cross-entropy, and its result is the mean over the batch.
# - `zero_grad()` throws the old slopes away, because torch would add the new ones to them.
# - `loss.backward()` computes the slope of the loss for every parameter, by backpropagation.
# - `optimizer.step()` moves every parameter a little against its slope.
#
# The first loss was a little above 2.3, and then it went to about 2.3 and stopped there. Before we
# look into that, let us put the loop into a function, since you will need it again and again. It
# counts, too: the mean loss and the share of right answers. `loss` is a mean, so `loss` times
# `len(labels)` is the sum over the batch; added up and divided by all images, this gives a fair
# mean even if the last batch is smaller. `argmax(dim=1)` is the network's answer, the class with
# the largest logit.


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
# Validation runs the same loop, but without the backward pass and the step, because the network
# must not learn from these images. Therefore torch need not keep notes for slopes, which saves time
# and memory; `@torch.no_grad()` above a function switches the notes off for the whole function.
# (This `@` has nothing to do with the matrix product.) `reduction="sum"` adds the losses of the
# batch up instead of taking their mean.


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
# Now the same 60 batches once more, with the functions. Has the network learned to read by then?

# %%
loss, accuracy = train_epoch(network, few, loss_function, optimizer)
print(f"60 more batches: training loss {loss:.3f}, accuracy {accuracy:.1%}")
loss, accuracy = evaluate(network, validation)
print(f"on validation:   loss {loss:.3f}, accuracy {accuracy:.1%}")

# %% [markdown]
# That is a disappointment. The loss still stands near 2.3, and most answers are wrong; pure
# guessing would get one in ten right. But nothing is broken. You have met one of the most common
# riddles of this field.

# %% [markdown]
# ## 7. Why is my loss 2.303? {#vanishing}
#
# A network that knows nothing about the image gives every class the same probability, 1/10. You met
# that case in the explorer, with four classes. With ten, the loss is −ln(1/10) = ln 10.

# %%
# NBVAL_CHECK_OUTPUT
print("ln 10 =", round(math.log(10), 4))
equal = torch.zeros(1, 10)  # ten equal logits
loss_of_equal = nn.functional.cross_entropy(equal, torch.tensor([4]))
print("loss of ten equal logits:", round(loss_of_equal.item(), 4))

# %% [markdown]
# An untrained network starts somewhat above that. Its random last layer prefers some digits, the
# same ones for every image, and such a preference without a reason costs. The first steps take it
# away, and then the loss is 2.303. So 2.303 means: **the network does not yet tell the images
# apart**.
#
# It can stay there for a long time, and the curve of the loss is flat, a **plateau**. Why? Look at
# the sigmoid's own slope in the next picture. How large is it at most?

# %%
x = torch.linspace(-8, 8, 200, requires_grad=True)
y = torch.sigmoid(x)
y.sum().backward()
ax = plots.lines({"sigmoid": y.detach(), "its slope": x.grad}, x=x.detach(), xlabel="input")
ax.axhline(0.25, color=plots.GREY, linewidth=0.8)
ax.text(-8, 0.27, "0.25", fontsize=8)
plots.show(
    ax, alt="The sigmoid rises from 0 to 1; its slope is 0.25 in the middle and 0 at both ends."
)

# %% [markdown]
# The slope is 0.25 in the middle and smaller everywhere else. On its way back from the loss to the
# first layer, a slope passes four sigmoids, so it is multiplied four times by at most 0.25.
# Together that is less than 0.004. The two average pools divide it, too: each hands a quarter of a
# slope to each of the four numbers that it averaged. The weights multiply as well, and the slopes
# of many ways are added; this makes up for a part, but not for all of it.
#
# Measure it on a new LeNet: how large are the slopes of the weights in each layer? A second network
# is the same, with the same weights, but with another activation, **ReLU**, which lesson 04
# explains. (It sets negative numbers to 0 and leaves positive ones as they are, so that its own
# slope is 0 or 1.) The picture shows the typical size of the slopes (the root of their mean square)
# on a logarithmic axis. In which layer are they smallest?

# %%
runtime.seed_everything(0)
images, labels = next(iter(data.Batches(digits.train, 256)))
with_sigmoid = lenet5()
# each sigmoid becomes a ReLU; the other layers, with their weights, are the same
swapped = [nn.ReLU() if isinstance(one, nn.Sigmoid) else one for one in with_sigmoid]
networks = {"sigmoid (LeNet-5)": with_sigmoid, "the same with ReLU": nn.Sequential(*swapped)}

# %%
slopes = {}
for name, one in networks.items():
    found = probe.gradients(one, images, labels)
    slopes[name] = [g.square().mean().sqrt().item() for key, g in found.items() if "weight" in key]
names = ["conv 1", "conv 2", "linear 1", "linear 2", "linear 3"]
ax = plots.lines(slopes, x=names, ylabel="size of the slopes", log=True)
plots.show(ax, alt="Five layers. With sigmoids the slopes rise more than a hundredfold from the first to "
           "the last layer; with ReLU the first layer's are largest.")  # fmt: skip

# %% [markdown]
# With sigmoids the first layer gets slopes that are more than a hundred times smaller than the last
# layer's, so it stands nearly still. This is called the **vanishing gradient**. With ReLU the
# slopes of the first layers are even larger than those of the last.
#
# But why does the last layer not learn, although its slopes are large? Look forward instead of
# back. Each sigmoid also makes the *differences between images* smaller, because its curve is never
# steeper than 0.25. The next cell shows how much the output of each sigmoid differs from image to
# image (the standard deviation).

# %%
runtime.seed_everything(0)
for name, values in probe.activations(lenet5(), images).items():
    if name in ("1", "4", "8", "10"):  # the four sigmoids
        print(f"after layer {name:>2}: images differ by {values.std(dim=0).mean():.4f}")

# %% [markdown]
# To the last layer all images look nearly the same. So all it can learn from them is how frequent
# each digit is, and with that the loss is about 2.3. Patience helps: the layers before it do move,
# if slowly, and as they move, the differences and the slopes grow together. Then, quite suddenly,
# the loss falls.
#
# Try it. The explorer below trains a LeNet for its first steps whenever you move a control. On the
# left is the loss, with ln 10 as a dashed line. In the middle is the size of the slopes of each
# layer. On the right is the share of **saturated** units, whose slope is less than a tenth of what
# it can be. *tanh* is a sigmoid that goes from −1 to 1. Change one thing at a time. What brings the
# loss clearly below the dashed line?

# %%
widgets.loss_explorer(digits.train)

# %% [markdown]
# With sigmoids no learning rate helps in so few steps: the loss stays near the line or above it,
# and the largest rates saturate the units. Each further layer makes the slopes of the first one
# smaller. But with tanh or ReLU, Xavier's weights and a rate of 0.1, the loss falls at once. With
# ReLU about half of the units count as saturated from the start, because their answer is 0, and so
# is their slope. That does no harm here, since the other half passes its slopes on whole. Tiny
# first weights bring the plateau back.

# %% [markdown]
# ## 8. Train to the end {#training}
#
# From here on we use `fit`, which trains a network over several epochs. Inside, it runs the
# package's copy of the loop above, the same letter by letter; a test of this course compares the
# two. (Therefore `fit` does not change if you change the loop above.) It adds what is tedious:
# validation after each epoch, a history, and a curve that grows while you watch. You can stop it
# with *Kernel → Interrupt* and lose nothing.
#
# A `Recipe` holds every choice that you make before training starts. Here these are the number of
# epochs, the batch size, the optimiser and its learning rate; the next lessons add more.
#
# ### Where does 0.9 come from? {#rates}
#
# The learning rate is a hyperparameter: nobody can compute it, so people search for it. They train
# for a short time with several rates, and compare the loss on validation. This picture shows such a
# search, which was made for LeNet-5 beforehand: one run of two epochs with each rate. Where would
# you choose?

# %%
search = results.load("rates")["searches"]["lenet5"]
ax = plots.rate_search(search["rates"], search["losses"], chosen=0.9)
plots.show(ax, alt="The loss after two epochs against the learning rate: at ln 10 for 0.1 and for 6, "
           "and lowest between 0.6 and 1.5, where 0.9 is marked.")  # fmt: skip

# %% [markdown]
# A valley again, but this time it is one of learning rates. At the left the steps are so short that
# two epochs don't lead off the plateau. At the right they are so long that they ruin the weights.
# The floor between them is wide, from about 0.6 to 1.5, so the exact choice matters little. We take
# 0.9, because *Dive into Deep Learning* trains its LeNet with it, and the search shows that it is a
# good choice. For a sigmoid network this is normal; with ReLU the same rate would be far too large,
# as you will see in lesson 04.
#
# ### Ten epochs {#ten-epochs}
#
# Now start again with a new network, so that you see the whole way. Each point of the curves stands
# for one epoch. The training loss is the *mean* over the epoch, and the validation loss is measured
# at its *end*. Compare the two at epoch 1. What happened in between?

# %%
runtime.seed_everything(1)
network = models.lenet5()  # the same code as above
recipe = Recipe(epochs=10, batch_size=batch_size, optimizer="sgd", learning_rate=0.9, momentum=0.0)
snapshots = Snapshots(network)  # the weights before training, and then after each epoch
history = fit(network, digits, recipe, seed=1, show=plots.LiveCurve(), after_epoch=snapshots)
runtime.check_floor(history.accuracy, quick_floor=0.3, full_floor=0.95)

# %% [markdown]
# At epoch 1 the mean is close to 2.303, because most of the epoch was plateau. The validation loss
# is already lower, since at the end of the epoch the fall has begun. In the second epoch it goes on
# steeply, and after that the loss creeps down. (In quick mode the plateau is much longer.) How long
# the plateau lasts depends on the first weights, which are random. The stored runs with
# {{lenet.seeds}} different seeds ended between {{lenet.rows.lenet5.low | .1%}} and
# {{lenet.rows.lenet5.high | .1%}} on validation.
#
# Above the curves stands how long it took, and a number of **images a second**. It is what other
# programs print as "examples/sec": all images that the network learned from, each counted once an
# epoch, divided by the seconds of training. Validation is not counted. The number tells you what a
# longer training would cost on *your* machine. The next cell works it out again, and from it the
# time for an epoch.

# %%
seen = history.images * len(history)
seconds = sum(history.seconds) or math.nan  # nan if you interrupted the first epoch
print(f"{seen:,} images in {seconds:.1f} s: {seen / seconds:,.0f} images a second")
print(f"an epoch takes about {history.images * seconds / max(seen, 1):.1f} s")

# %% [markdown]
# One accuracy at the end says little about a whole training. The **band** below is the range of the
# stored runs, epoch by epoch. Move the slider from the first epoch to the last. Does your curve
# stay inside? (One of the stored runs has your seed, 1, so your curve should lie close to that one.
# For a real test, change both seeds in the training cell to 11. Afterwards set them back to 1 and
# run that cell again, because later cells count on it.)

# %%
widgets.band_explorer(history, results.load("lenet")["runs"], recipe)

# %% [markdown]
# In accuracy the band is widest at epoch 1, because at its end some seeds have left the plateau and
# others have not. If your run lies outside, the sentence under the picture names what may be the
# reason.
#
# ### A page of predictions {#predictions}
#
# Numbers are abstract, so look at what the network says. Each digit has the network's answer above
# it. A mistake stands in a red frame: "9 not 2" means that the network says 9 and the label is 2.
# Would you have known better? (`predict` runs all images through the network in evaluation mode and
# gives their logits.)

# %%
page = digits.validation[:48]
probabilities = predict(network, page).softmax(dim=1)
plots.show(
    plots.predictions(page.images, probabilities, page.labels, columns=12, names="0123456789"),
    alt="Forty-eight digits with the network's answers, most of them right.",
    trained=True,
)

# %% [markdown]
# ## 9. Look inside {#inside}
#
# In a full run nearly all answers are right, so the network reads digits now. How does it do that?
# Look at the six kernels of its first layer. Nobody designed them.

# %%
weights = next(iter(probe.kernels(network).values()))[:, 0].cpu()
plots.show(
    plots.kernels(weights, [f"kernel {index}" for index in range(6)], columns=6, size=1.2),
    alt="Six learned kernels of 5 by 5 weights, orange above 0 and purple below, in coherent patches.",
    trained=True,
)

# %% [markdown]
# Orange weights ask for ink, and purple ones for its absence. Neighbouring weights often have the
# same sign, so the kernels are no longer random.
#
# Go through the whole network once more, as in [](#layers), but with yours, the trained one. Again
# from the whole to a single number:
#
# 1. Move *Digit*. Which maps change most? How sure are the probabilities?
# 2. Click the bar of the right answer at the far right. What adds to it, and what takes away? The
#    lines are orange where a number adds and purple where it takes away.
# 3. Follow a strong line to the left, layer by layer, until you reach pixels. You have traced one
#    reason for the answer.
# 4. Drag the digit itself by a few pixels, or press *Draw* and add a stroke to it. How far does the
#    answer hold?

# %%
widgets.network_explorer(network, digits.validation)

# %% [markdown]
# Every number of the network can be explained by those before it, and yet the answer as a whole is
# hard to put into words: it is a sum of many small votes. You have also found that a digit may be
# moved only a little before the answer changes. [Section](#why-it-pays) measures how far.
#
# How did the kernels become what they are? `snapshots` kept the weights after each epoch. Press
# play, or move the slider *Epoch*, and look at kernels and probabilities. When does the network
# begin to tell this digit from the others?

# %%
widgets.epoch_scrubber(network, snapshots, history, digits.validation)

# %% [markdown]
# Before training the ten probabilities hardly depend on the digit; drag *Digit* at epoch 0 to see
# it. As the loss falls, the kernels get stronger colours and the maps get more contrast.
#
# Now see any layer before training and after it, side by side. The same seed gives the same first
# weights once more.
#
# 1. Drag *Digit*. How much do the ten bars move on the left, and how much on the right?
# 2. Choose the layers *1*, *4* and *5*, one after the other. Which side tells the digits apart?
# 3. In the layers *0* and *3*, drag *Position*, or point at a map. The frame on the digit is the
#    receptive field. Below it stand kernel and patch, as in lesson 02; in layer 3 those of one
#    *Input channel*.

# %%
runtime.seed_everything(1)
untrained = models.lenet5()  # the weights that training started from
pair = {"before training": untrained, "after training": network}
widgets.feature_maps(pair, digits.validation)

# %% [markdown]
# Before training the bars are nearly the same for every digit, and each map of layer 5 is nearly
# even: the network does not tell the images apart, which is what [](#vanishing) measured. After
# training one bar stands out, and the maps have strong and weak places that change with the digit.
# Away from the border, one number of layer 0 depends on 5 × 5 pixels and one of layer 3 on 14 × 14.
# (In quick mode the network has learned less, and the two sides differ less.)

# %% [markdown]
# ## 10. Is that good? A baseline {#baseline}
#
# A number means little alone. So compare LeNet-5 with the simplest thing that could work: one fully
# connected layer from 784 pixels to 10 logits, called **softmax regression**. What simple methods
# reach is called a **baseline**.


# %%
def softmax_regression():
    """One linear layer: the simplest network that reads digits, 7,850 parameters."""
    return nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 10))


# %% [markdown]
# It gets only 3 epochs, and LeNet-5 had 10, so this is not a fair race. But softmax regression has
# no plateau to get over, and after 3 epochs it is already close to the best that it can do. Will it
# read half of the digits, three quarters, or nearly all?

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
# Is that more than you expected of a single layer? How sure can you be of such a number? The
# validation set has 5,000 images. With 5,000 others you would get a slightly different accuracy. So
# we give a range for the true accuracy, the **95 % confidence interval**. If many people did this,
# each with 5,000 other images, about 19 of 20 such ranges would hold the true accuracy.
#
# The usual formula goes like this. Suppose that each image is right with probability p, like a coin
# that is not fair. Then the share of right ones among n images spreads around p with a standard
# deviation of √(p(1 − p) / n), and about 95 % of such shares lie within 1.96 deviations of p. We
# don't know p, so we put in the share that we measured. (Near 100 % this becomes too rough. Lesson
# 05 has a better formula.)

# %%
n = len(digits.validation)
for name, _, its_history in rows:
    p = its_history.accuracy
    half = 1.96 * math.sqrt(p * (1 - p) / n)
    print(f"{name:20} 95 % interval {p - half:.2%} to {p + half:.2%}")

# %% [markdown]
# In a full run the two intervals lie far apart, so the choice of images does not explain the
# difference. (The luck of the first weights is another matter, and only several seeds can tell
# about that.) Softmax regression was the baseline for LeNet-5. LeNet-5 is now the baseline that the
# next lessons have to beat.

# %% [markdown]
# ## 11. Why convolution pays {#why-it-pays}
#
# Softmax regression was an easy opponent, because it has only an eighth of LeNet-5's parameters. To
# see what convolution is worth, we need an opponent of the same size. Here is one: a **fully
# connected network** with one hidden layer, also called a multilayer perceptron, or MLP. It has
# 61,225 parameters where LeNet-5 has 61,706, the same sigmoid, the same kind of first weights, and
# it gets the same recipe. So the two differ in their layers alone.


# %%
def mlp():
    """A fully connected network of LeNet-5's size, with one hidden layer: 61,225 parameters.

    Sigmoid and Xavier's weights as in `lenet5`, so that the two differ in their layers alone.
    """
    network = nn.Sequential(
        nn.Flatten(),                      # N, 784
        nn.Linear(784, 77), nn.Sigmoid(),  # N, 77
        nn.Linear(77, 10),                 # N, 10
    )  # fmt: skip
    return initialise_xavier(network)


# %% [markdown]
# Which of the two will be better after ten epochs, and by how much? Write your guess down.

# %%
runtime.seed_everything(1)
fully_connected = mlp()
its_history = fit(fully_connected, digits, recipe, seed=1)
print(f"fully connected {its_history.accuracy:.2%}, LeNet-5 {history.accuracy:.2%}")
runtime.check_floor(its_history.accuracy, quick_floor=0.7, full_floor=0.95)

# %% [markdown]
# In a full run the difference is small. One run could be luck, so here is what five seeds gave:
# LeNet-5 {{shift.rows.lenet5.text.spread}} %, fully connected {{shift.rows.mlp.text.spread}} %,
# mean ± standard deviation. The two lists overlap, so by the rule of lesson 01 it is unclear which
# is better. And the fully connected network trains in a fraction of the time. Is convolution a
# waste, then?
#
# Remember how MNIST was made: each digit was centred by its mass. So the same stroke is always at
# nearly the same place, and a weight that is tied to one pixel is no handicap. But the digits that
# people write are not centred. The next cell moves all validation digits to the right by 0 to 4
# pixels, and asks both networks again. (`shift` moves images by whole pixels; zeros come in. You
# wrote something like it in exercise 01.3.) What do you expect now?


# %%
def accuracy_on_moved(network, pixels):
    """Accuracy (0..1) on the validation digits, moved to the right by so many pixels."""
    moved = data.Part(shift(digits.validation.images, pixels, 0), digits.validation.labels)
    return evaluate(network, data.Batches(moved, 1000, device=device))[1]


print("shift   LeNet-5   fully connected")
for pixels in range(5):
    row = [accuracy_on_moved(one, pixels) for one in (network, fully_connected)]
    print(f"{pixels:5d} {row[0]:9.1%} {row[1]:17.1%}")

# %% [markdown]
# Now they part. These are your two networks, with one seed and one direction. The picture shows the
# stored runs: five seeds of each network, and for each shift the mean over all four directions. The
# bars at each point are one standard deviation of the seeds.

# %%
stored = results.load("shift")["rows"]
by_network = {
    "LeNet-5": stored["lenet5"]["shifted"]["accuracies"],
    "fully connected": stored["mlp"]["shifted"]["accuracies"],
}
ax = plots.spread_lines(by_network, x=range(5), xlabel="shift in pixels",
                        ylabel="accuracy on validation", percent=True)  # fmt: skip
plots.show(ax, alt="Both lines begin at 97 %. At a shift of 2 pixels LeNet-5 has 86 %, the fully "
           "connected network 76 %; at 4 pixels 44 % and 26 %.")  # fmt: skip

# %% [markdown]
# | shift | LeNet-5 | fully connected |
# |---|---|---|
# | 0 | {{shift.rows.lenet5.shifted.text.0.spread}} % | {{shift.rows.mlp.shifted.text.0.spread}} % |
# | 1 | {{shift.rows.lenet5.shifted.text.1.spread}} % | {{shift.rows.mlp.shifted.text.1.spread}} % |
# | 2 | {{shift.rows.lenet5.shifted.text.2.spread}} % | {{shift.rows.mlp.shifted.text.2.spread}} % |
# | 3 | {{shift.rows.lenet5.shifted.text.3.spread}} % | {{shift.rows.mlp.shifted.text.3.spread}} % |
# | 4 | {{shift.rows.lenet5.shifted.text.4.spread}} % | {{shift.rows.mlp.shifted.text.4.spread}} % |
#
# From a shift of one pixel on, each of the five LeNets is better than each of the five fully
# connected networks, so the rule of lesson 01 says "higher". (That rule needs no arithmetic, but it
# is strict: as soon as two runs overlap, it says "unclear". Lesson 04 adds a finer one, by which a
# gain is *settled* when it is more than twice its spread, with at least five seeds each.)
#
# Why does LeNet-5 hold out longer? Both reasons are those of lesson 02.
#
# - **Translation.** A convolution uses the same kernel everywhere. If the digit moves, its feature
#   maps move with it, and otherwise stay as they were (except at the border). The fully connected
#   network has a weight of its own for each pixel. When a stroke moves by two pixels, it meets
#   other weights, which have learned about something else.
# - **Locality.** Each kernel sees 5 × 5 pixels, so it looks for a small pattern, which is the same
#   in many digits and at many places. Then average pooling blurs where exactly the pattern was, and
#   so it forgives small shifts.
#
# This test measures convolution and pooling together, so it can't say which of the two does more.
# And LeNet-5 falls, too, because its last layers are fully connected: `nn.Flatten` ties each of the
# 400 numbers to a place of its own, and these layers have only ever seen centred digits. So
# convolution gives an advantage, and no guarantee. What helps further is to train with moved
# digits, which is augmentation, and lesson 04 does that.
#
# See it on single digits. Drag the digit, or use the sliders *Right* and *Down*, and watch what
# both networks say. Below the bars each network has a map of all shifts: the colour is the
# probability of the right digit. Which of the two coloured areas is larger, and is it so for each
# digit?

# %%
widgets.shift_explorer({"LeNet-5": network, "fully connected": fully_connected}, digits.validation)

# %% [markdown]
# For most digits LeNet-5 keeps the right answer over a larger area, but there are exceptions. You
# may also have found shifts at which a network is quite sure of a wrong digit: a high probability
# does not mean that the network has seen anything like it before.

# %% [markdown]
# ## 12. An experiment with the recipe {#experiment}
#
# The fully connected network trains so fast that you can try out recipes with it. As in the lessons
# before, an experiment needs one try as a function. This one trains for a moment on a few images,
# and gives the accuracy on 1,000 validation images in per cent. The recipe has a setting that you
# have not seen yet: `weights` multiplies Xavier's first weights.


# %%
def trial(recipe, seed):
    """Accuracy on validation, in per cent, of the fully connected network after a short training."""
    runtime.seed_everything(seed)
    network = models.mlp()
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 1:  # a table of weights, and not biases
                parameter *= recipe["weights"]
    part = data.Digits(digits.train[: recipe["images"]], digits.validation[:1000])
    settings = Recipe(epochs=recipe["epochs"], batch_size=recipe["batch_size"],
                      learning_rate=recipe["learning_rate"], momentum=0.0)  # fmt: skip
    return 100 * fit(network, part, settings, seed=seed).accuracy


# %% [markdown]
# Here is an experiment as an example. Batches of 256 images instead of 64 should make each step
# more reliable, because the luck of single images averages out. So the prediction is "higher". What
# do you think of it?

# %%
BASE = {"learning_rate": 0.3, "epochs": 3, "batch_size": 64, "images": 2000, "weights": 1.0}
compare = experiments.Comparison(trial, "accuracy in per cent")
before, after = compare(
    BASE, {**BASE, "batch_size": 256}, prediction="higher",
    because="larger batches make each step more reliable", seeds=range(5),
)  # fmt: skip

# %% [markdown]
# In a full run the prediction failed: *every* accuracy after the change lies below *every* one
# before it, so the result is "lower". This is worth more than a success, because something was
# missing in the reasoning. Three epochs of 2,000 images are 96 steps in batches of 64, but only 24
# steps in batches of 256. Each step is more reliable, but there are so few of them that the network
# does not get as far.

# %% [markdown]
# ### Exercise 03.5: Predict what a recipe does
#
# Now choose a change yourself: another learning rate, more images, other first weights. Write a
# function that changes one setting of the recipe it is given, predicts "higher", "lower" or
# "unclear" for the accuracies after the change, and calls `compare` once. Then it returns the word
# for what came out, and whether that is the word you predicted.
#
# The check hands your function made-up numbers, so it looks at how you test and conclude, and not
# at what you predict. When it says "Right", run the real thing in a cell of your own:
# `experiment(BASE, compare)`. And then explain what came out, as we did above.


# %%
def experiment(base, compare):
    """Change one setting of a recipe, predict, test, and conclude.

    base: a recipe, a dict of settings, which stays as it is; compare: an
    `experiments.Comparison`, to be called once, with at least five seeds.
    Returns what came out ("higher", "lower" or "unclear") and whether it was predicted (a bool).

    >>> def same_always(recipe, seed):  # a trial in which no change matters
    ...     return 80 + seed
    >>> compare = experiments.Comparison(same_always, quiet=True)
    >>> found, came_true = experiment({"learning_rate": 0.3, "epochs": 3, "weights": 1.0}, compare)
    >>> found
    'unclear'
    """
    ### BEGIN SOLUTION
    changed = {**base, "learning_rate": base["learning_rate"] / 3}
    prediction, because = "lower", "shorter steps get less far in as many epochs"
    before, after = compare(base, changed, prediction, because, seeds=range(5))
    found = "unclear"
    if min(after) > max(before):
        found = "higher"
    if max(after) < min(before):
        found = "lower"
    return found, found == prediction
    ### END SOLUTION


# %%
check("training-experiment", experiment)

# %% [markdown]
# <details><summary>What came out when we tried some changes (open this after your own experiment)</summary>
#
# From `BASE`, in full mode. A learning rate of 0.1 gave "lower": the steps are too short for so few
# of them. One of 0.9 gave "unclear", because one of the five runs was unlucky, and 10 gave "lower",
# since the sigmoids saturate. Twice the images gave "higher", with twice the steps. First weights
# of 10 times Xavier's gave "lower", because most sigmoids start at one of their ends. And
# `"weights": 0.0` gave "lower" by far, about a quarter right: if all weights of a layer are equal,
# all its units compute the same and get the same slopes, so that they stay equal, and 77 units are
# no better than one. This is why first weights are random.</details>

# %% [markdown]
# ## 13. The same with d2l {#d2l}
#
# *Dive into Deep Learning* is a well-known book, and `d2l` is its package. It has a training
# function for LeNet, `train_ch6`, with its own initialisation and its own live plot, the
# `Animator`. Write-up D trains with it. The function takes a second set of images and calls it
# "test". We give it *validation* data, because its curve is looked at after every epoch, and the
# test set has no place there.
#
# Does it come to the same result as our loop? In its plot you find the training loss, the training
# accuracy, and as "test acc" our validation accuracy. The last line has the images a second, which
# d2l calls examples/sec.

# %%
batches = data.Batches(digits.train, batch_size, shuffle=True, device=device)
runtime.seed_everything(1)
their_network = lenet5()
d2l.train_ch6(their_network, batches, validation, num_epochs=recipe.epochs, lr=0.9, device=device)

# %%
their_loss, their_accuracy = evaluate(their_network, validation)
print(f"ours: {history.accuracy:.2%} on validation")
print(f"d2l:  {their_accuracy:.2%} on validation")

# %% [markdown]
# The curve went the same way: a loss near 2.3 at first, and then a steep fall, while both
# accuracies rise. `train_ch6` draws its own first weights (Xavier's, too) and gets the images in
# another order, so the two results differ by luck. Both loops do the same four things: forward,
# loss, backward, step.

# %% [markdown]
# ## 14. `train()` and `eval()` {#modes}
#
# A network is in one of two modes, and `network.train()` and `network.eval()` switch between them.
# In LeNet-5 no layer cares. But two kinds of layers do, and you will use both in lesson 04:
#
# - **Dropout** sets random units to 0 while training, and does nothing in evaluation.
# - **Batch norm** brings the numbers of each channel to mean 0 and deviation 1. Then it multiplies
#   them by a **scale** and adds a **shift**, two numbers for each channel that are learned; they
#   start at 1 and 0. While training it takes mean and deviation from the batch. It also remembers
#   them, mixed with those of the batches before, as **running mean** and **running variance** (the
#   variance is the square of the deviation; the two start at 0 and 1). In evaluation it uses what
#   it remembers.
#
# First dropout. The same eight ones go through it twice in each mode. Which lines will be equal?

# %%
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
# stays the same on average.) So if you forget `eval()`, a network with dropout gives a different
# answer each time.
#
# Now batch norm. The number 2 stands in two batches, each time as the last. Is it treated alike?

# %%
layer = nn.BatchNorm1d(1)
small, large = torch.tensor([[0.0], [1.0], [2.0]]), torch.tensor([[2.0], [9.0], [2.0]])
layer.train()
for batch in (small, large, small):
    print("train:", [round(value, 2) for value in layer(batch).flatten().tolist()])
layer.eval()
for batch in (small, large):
    print("eval: ", [round(value, 2) for value in layer(batch).flatten().tolist()])

# %% [markdown]
# In training mode the last number depends on its neighbours in the batch: it lies above their mean
# in the first, and below it in the second. But the same batch gives the same answer each time, as
# the third line shows, because nothing in batch norm is random. In evaluation the 2 is treated
# alike in both batches.
#
# So a missing `eval()` shows in two ways. With dropout, the answers vary from call to call. With
# batch norm they don't, but they depend on which other images happen to be in the batch, and the
# running mean moves with each batch that you only meant to look at. The second fault is harder to
# notice; lesson 05 shows how much it costs.

# %% [markdown]
# ### Exercise 03.6: Evaluate one class
#
# A good accuracy may hide a class that is read badly. Write an `evaluate` that looks at one class:
# of the images that have this label, how many does the network get right? The network may hold
# dropout or batch norm, and it comes in training mode. (The masks of lesson 01 help: `labels ==
# label` marks the images of the class.)


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
# ## 15. Save and load {#checkpoint}
#
# The trained network is worth keeping, because the next lessons load it. What has to be kept? The
# layers stand in the code, so the weights are enough. `state_dict()` gives them as a dict from
# names to tensors, and `load_state_dict` puts them into another network that is built alike. You
# will find these two in nearly every program.

# %%
for name, tensor in network.state_dict().items():
    print(f"{name:10} {tuple(tensor.shape)}")
twin = models.lenet5().to(device)  # new random weights
print(f"before: {evaluate(twin, validation)[1]:.1%}")
twin.load_state_dict(network.state_dict())
print(f"after:  {evaluate(twin, validation)[1]:.2%}")

# %% [markdown]
# The numbers in front are the places of the layers in `nn.Sequential`. The twin now gives the same
# answers as the original.
#
# To keep the dict in a file, many programs use `torch.save`, and some save the whole network object
# with it. Such files are *pickles*. Loading a pickle can run any code that somebody has put into
# it, so newer versions of torch refuse whole objects unless you insist, and this course never loads
# a pickle. It writes the numbers to a file that can hold nothing else (`.safetensors`), and beside
# it a text file that says how they were made.

# %%
path = save_checkpoint("lenet5", network, recipe, history, seed=1)
again = models.lenet5()  # new random weights
load_checkpoint(path, again)
print(f"from the file: {evaluate(again.to(device), validation)[1]:.2%}")
assert evaluate(again, validation) == evaluate(network, validation)

# %% [markdown]
# ## What usually goes wrong {#faults}
#
# - **The loss goes to 2.303 and stays there.** See [](#vanishing). Give it more epochs. If it
#   stays, check the learning rate and the initialisation.
# - **The loss stays where it started, somewhat above 2.303.** Nothing is learned at all:
#   `optimizer.step()` is missing, or the optimiser was given the parameters of another network.
# - **The loss is `nan`.** The steps are too long. Divide the learning rate by ten and build the
#   network anew, because its weights are `nan`, too.
# - **The loss can't get below 1.461, although the accuracy rises.** There is a softmax before the
#   cross-entropy, see [](#double-softmax).
# - **The loss jumps up and down.** `zero_grad()` is missing, so all old slopes pile up.
# - **Validation gives another result each time.** `eval()` is missing, and the network has dropout.
#   With batch norm it is harder to notice, see [](#modes).
# - **"mat1 and mat2 shapes cannot be multiplied".** The first number of `nn.Linear` is not the
#   number of inputs that come. Print the shape before it, or work it out as in exercise 03.1.
# - **"Expected all tensors to be on the same device".** The network is on the GPU and the batch is
#   not, or the other way round.

# %% [markdown]
# ## Summary {#summary}
#
# - LeNet-5 first looks for patterns, with two rounds of convolution, sigmoid and pooling, and then
#   decides, with three fully connected layers.
# - Softmax turns logits into probabilities, and cross-entropy is −ln of the right one's.
# - Backpropagation is the chain rule from the end to the beginning: multiply along each way, and
#   add where ways meet.
# - The loop: forward, loss, backward, step.
# - A network that can't tell the images apart has the loss ln 10 = 2.303. Sigmoids make slopes and
#   differences vanish, so it can stay there.
# - On centred digits a fully connected network of the same size is as good as LeNet-5. On moved
#   digits it is not, because convolution shares its weights over all places.
# - A result needs a baseline, an interval, several seeds and the right mode.

# %% [markdown]
# ## Five questions {#questions}
#
# <details><summary>1. With 100 classes, near which loss does an untrained network start? And which floor has its loss with one softmax too many?</summary>
# Near ln 100 = 4.605, usually a little above. The floor is ln(e + 99) − 1 = 3.622: the right one
# gives e¹, and the 99 others give e⁰ = 1 each.</details>
#
# <details><summary>2. The first layer is changed to kernel_size=3, padding=1. How many parameters does the network have then?</summary>
# The layer has 6 · 9 + 6 = 60 parameters instead of 156, so 61,706 − 96 = 61,610. The shapes after
# it stay the same.</details>
#
# <details><summary>3. Why is the slope of the right logit never positive?</summary>
# It is p − 1, and a probability is at most 1. The step goes against the slope, so the right logit
# is always pushed up.</details>
#
# <details><summary>4. All pixels of all images, in training and in validation, are put into one fixed, secret new order. Which network suffers, LeNet-5 or the fully connected one?</summary>
# LeNet-5. For the fully connected network each pixel is only a number with a weight of its own, so
# it can learn as well as before. But neighbouring pixels are no longer neighbours, so that locality
# is gone, and a kernel of 5 × 5 finds no strokes any more.</details>
#
# <details><summary>5. Training accuracy in epoch 1 is often below the validation accuracy after epoch 1. Why?</summary>
# Training accuracy is counted while the network learns, and its first batches met a worse network.
# Validation comes after all steps.</details>

# %% [markdown]
# ## Key terms {#terms}
#
# | English | 中文 | where |
# |---|---|---|
# | activation function | 激活函数 | [](#layers) |
# | sigmoid | sigmoid 函数 | [](#layers) |
# | logits | 未规范化的预测(logits) | [](#softmax) |
# | softmax | softmax 函数 | [](#softmax) |
# | cross-entropy | 交叉熵 | [](#cross-entropy) |
# | overflow (of a number) | 上溢 | [](#large-logits) |
# | backpropagation | 反向传播 | [](#backpropagation) |
# | initialisation, Xavier initialisation | 初始化、Xavier 初始化 | [](#xavier) |
# | optimiser | 优化器 | [](#loop) |
# | stochastic gradient descent (SGD) | 随机梯度下降 | [](#loop) |
# | forward pass | 前向传播 | [](#loop) |
# | vanishing gradient | 梯度消失 | [](#vanishing) |
# | saturation | 饱和 | [](#vanishing) |
# | baseline | 基线 | [](#baseline) |
# | softmax regression | softmax 回归 | [](#baseline) |
# | confidence interval | 置信区间 | [](#baseline) |
# | fully connected network, multilayer perceptron (MLP) | 全连接网络、多层感知机 | [](#why-it-pays) |
# | dropout | 暂退法(dropout) | [](#modes) |
# | batch norm | 批量规范化 | [](#modes) |
# | scale and shift | 拉伸参数(scale)和偏移参数(shift) | [](#modes) |
# | checkpoint | 检查点 | [](#checkpoint) |
#
# Next: [04 ReLU and max pooling](04_relu_and_max_pooling.ipynb).
