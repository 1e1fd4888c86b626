"""The exercises of lesson 03: LeNet-5, loss, step and evaluation."""

from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

from mnist_course.checks.comparing import difference
from mnist_course.checks.exercise import Case, Exercise, Mistake, numbers

# --- 03.1 ---------------------------------------------------------------------------------


def count_parameters(size, layers):
    channels, total = 1, 0
    for kind, *numbers_of_layer in layers:
        if kind == "conv":
            outputs, kernel, padding = numbers_of_layer
            total += outputs * channels * kernel * kernel + outputs
            size, channels = size + 2 * padding - kernel + 1, outputs
        elif kind == "pool":
            size //= numbers_of_layer[0]
        else:
            outputs = numbers_of_layer[0]
            total += outputs * channels * size * size + outputs
            size, channels = 1, outputs
    return total


def _counted(
    size, layers, bias=1, pooled=True, padded=2, inputs=True, flat=True, linear=True, power=2,
    grown=True, chained=True, side_power=2, rounded_up=False,
):  # fmt: skip
    """The number of parameters, with one thing left out."""
    channels, total = 1, 0
    for kind, *settings in layers:
        if kind == "conv":
            outputs, kernel, padding = settings
            total += outputs * (channels if inputs else 1) * kernel**power + bias * outputs
            size, channels = size + padding * padded - kernel + 1, outputs if grown else 1
        elif kind == "pool":
            left_over = settings[0] - 1 if rounded_up else 0
            size = (size + left_over) // settings[0] if pooled else size
        else:
            outputs = settings[0]
            area = size**side_power if flat else 1
            total += linear * (outputs * channels * area + bias * outputs)
            if chained:
                size, channels = 1, outputs
    return total


def _bias_for_each_input(size, layers):
    channels, total = 1, 0
    for kind, *settings in layers:
        if kind == "conv":
            outputs, kernel, padding = settings
            total += outputs * channels * (kernel * kernel + 1)
            size, channels = size + 2 * padding - kernel + 1, outputs
        elif kind == "pool":
            size //= settings[0]
        else:
            total += settings[0] * channels * size * size + settings[0]
            size, channels = 1, settings[0]
    return total


def _last_layer(size, layers):
    return count_parameters(size, layers) - count_parameters(size, layers[:-1])


def _one_bias_a_layer(size, layers):
    return _counted(size, layers, bias=0) + sum(layer[0] != "pool" for layer in layers)


def _linear_layers_alone(size, layers):
    return count_parameters(size, layers) - _counted(size, layers, linear=False)


COUNT_PARAMETERS = Exercise(
    name="count-parameters",
    number="03.1",
    title="Count another network's parameters",
    points=2,
    paragraph="2. Shapes and parameters",
    reference=count_parameters,
    cases=(
        Case((8, [("conv", 2, 3, 0), ("pool", 2), ("linear", 10)])),
        Case((7, [("conv", 3, 3, 1), ("pool", 2), ("conv", 4, 2, 0), ("linear", 5)])),
        Case((4, [("linear", 3), ("linear", 2)])),
        Case(
            (
                12,
                [("conv", 4, 5, 2), ("pool", 3), ("conv", 2, 3, 1), ("linear", 6), ("linear", 10)],
            )
        ),
        Case((28, [("conv", 8, 3, 1), ("pool", 2), ("conv", 16, 3, 1), ("linear", 10)])),
    ),
    mistakes=(
        Mistake(
            "no biases", partial(_counted, bias=0), "The biases are missing: one for each output."
        ),
        Mistake(
            "a bias for each input channel",
            _bias_for_each_input,
            "A convolution has one bias for each output channel, however many input channels "
            "there are.",
        ),
        Mistake(
            "pooling ignored",
            partial(_counted, pooled=False),
            "Pooling has no parameters, but it makes the maps smaller. The fully connected layer "
            "after it has fewer inputs.",
        ),
        Mistake(
            "padding ignored",
            partial(_counted, padded=0),
            "The padding is not used: it makes the maps larger, and so the inputs of the first "
            "fully connected layer more.",
        ),
        Mistake(
            "one input channel",
            partial(_counted, inputs=False),
            "Each convolution is counted with one input channel. It has as many as the layer "
            "before it has outputs.",
        ),
        Mistake(
            "not flattened",
            partial(_counted, flat=False),
            "The first fully connected layer joins every number of every map, not just one for "
            "each channel.",
        ),
        Mistake(
            "convolutions alone",
            partial(_counted, linear=False),
            "The fully connected layers are missing: most parameters are in them.",
        ),
        Mistake(
            "the last layer alone",
            _last_layer,
            "That is the last layer alone. Add the layers up.",
        ),
        Mistake(
            "the first layer alone",
            lambda size, layers: count_parameters(size, layers[:1]),
            "That is the first layer alone. Is there a `return` inside the loop?",
        ),
        Mistake(
            "padding on one side",
            partial(_counted, padded=1),
            "Padding puts zeros on both sides, so it counts twice.",
        ),
        Mistake(
            "one bias a layer",
            _one_bias_a_layer,
            "You count one bias for each layer. Each output of a layer has one.",
        ),
        Mistake(
            "kernel not squared",
            partial(_counted, power=1),
            "A kernel of 5 has 5 × 5 weights for each input channel, not 5.",
        ),
        Mistake(
            "every fully connected layer at the image",
            partial(_counted, chained=False),
            "Each fully connected layer is counted with the inputs of the first. After it there "
            "are as many inputs as it has outputs.",
        ),
        Mistake(
            "one channel throughout",
            partial(_counted, grown=False),
            "Every layer is counted as if one channel came in. A convolution leaves as many as it "
            "has outputs, for the convolutions and for the fully connected layer after it.",
        ),
        Mistake(
            "side not squared",
            partial(_counted, side_power=1),
            "A map has side × side numbers, and all of them enter the fully connected layer. You "
            "count one side alone.",
        ),
        Mistake(
            "pooling rounded up",
            partial(_counted, rounded_up=True),
            "You round up after pooling. An odd last row or column is dropped.",
        ),
        Mistake(
            "fully connected layers alone",
            _linear_layers_alone,
            "The convolutions are missing.",
        ),
    ),
    hints=(
        "Go through the layers as [section 2](2. Shapes and parameters) does, and keep three "
        "numbers: the side of the maps, how many maps there are, and the sum so far.",
        "A convolution changes side and channels, pooling the side alone. After a fully connected "
        "layer there are as many channels as it has outputs, and the side is 1.",
        "A fully connected layer has channels · side · side inputs. After a convolution with "
        "stride 1 the side is side + 2 · padding − kernel + 1.",
    ),
)

# --- 03.2 ---------------------------------------------------------------------------------


def cross_entropy(logits, labels):
    rows = torch.arange(len(labels))
    return (logits.logsumexp(dim=1) - logits[rows, labels]).mean()


def _right_ones(values, labels):
    return values[torch.arange(len(labels)), labels]


def _summed(logits, labels):
    return F.cross_entropy(logits, labels, reduction="sum")


def _softmax_twice(logits, labels):
    return F.cross_entropy(logits.softmax(dim=1), labels)


def _overflow(logits, labels):
    powers = logits.exp()
    return -(_right_ones(powers, labels) / powers.sum(dim=1)).log().mean()


def _overflow_of_the_sum(logits, labels):
    return (logits.exp().sum(dim=1).log() - _right_ones(logits, labels)).mean()


def _log_of_zero(logits, labels):
    return -_right_ones(logits.softmax(dim=1), labels).log().mean()


def _along_the_batch(logits, labels):
    return -_right_ones(logits.log_softmax(dim=0), labels).mean()


def _negative(logits, labels):
    return -cross_entropy(logits, labels)


def _no_logarithm(logits, labels):
    return (1 - _right_ones(logits.softmax(dim=1), labels)).mean()


def _mean_over_classes(logits, labels):
    return cross_entropy(logits, labels) / logits.shape[1]


def _of_the_answer(logits, labels):
    return -logits.log_softmax(dim=1).max(dim=1).values.mean()


def _each(logits, labels):
    return F.cross_entropy(logits, labels, reduction="none")


def _of_logits(*rows):
    return torch.tensor(rows, dtype=torch.float32, requires_grad=True)


def _one_maximum(logits, labels):
    return _overflow_of_the_sum(logits - logits.max(), labels)


def _every_label(logits, labels):
    return -logits.log_softmax(dim=1)[:, labels].mean()


def _other_logarithm(logits, labels):
    return cross_entropy(logits, labels) / torch.tensor(2.0).log()


def _maximum_left_out(logits, labels):
    return cross_entropy(logits, labels) - logits.max(dim=1).values.mean()


def _loss_with_its_way_back(loss, logits, labels):
    """The loss; without its graph, if that does not lead to the slopes of a right loss."""
    right = cross_entropy(logits, labels)
    if difference(right, loss, tolerance=1e-3) is not None:
        return loss  # its number tells more
    (wanted,) = torch.autograd.grad(right, logits)
    try:  # the answer's graph is looked at once for each mistake
        (slopes,) = torch.autograd.grad(loss, logits, retain_graph=True, allow_unused=True)
    except RuntimeError:  # `backward()` was called, and its graph is gone
        slopes = None
    # far from 0 a logit keeps few digits behind the point, and so do its powers
    return loss if difference(wanted, slopes, tolerance=0.02) is None else loss.detach()


STABLE_CROSS_ENTROPY = Exercise(
    name="stable-cross-entropy",
    number="03.2",
    title="Cross-entropy that bears large logits",
    points=2,
    paragraph="3. From image to loss, with small numbers",
    reference=cross_entropy,
    prepare=lambda rows, labels: (_of_logits(*rows), torch.tensor(labels)),
    outcome=_loss_with_its_way_back,
    cases=(
        Case(([[5.5, -1.0, 2.0]], [2])),
        Case(([[1.0, 2.0, 0.5, -1.0], [0.0, 0.0, 3.0, 1.0]], [1, 0])),
        Case(([[0.5, -0.5], [2.0, 1.0], [-1.0, 3.0]], [0, 1, 1])),
        Case(([[2.0] * 10], [4])),
        Case(([[1000.0, 0.0, 0.0], [0.0, 1.0, 2.0]], [1, 2])),
        Case(([[-500.0, -500.0, -499.0]], [0])),
        Case(([[1000.0, 0.0]], [0])),
    ),
    mistakes=(
        Mistake(
            "sum instead of mean",
            _summed,
            "You add up the losses of the images. The mean is asked for.",
        ),
        Mistake(
            "a softmax too many",
            _softmax_twice,
            "There is a softmax too many: `cross_entropy` takes logits and does the softmax "
            "[itself](3. From image to loss, with small numbers).",
        ),
        Mistake(
            "overflow",
            _overflow,
            "Right for small logits. But e to the power of 1000 is larger than any number that "
            "fits, and becomes infinite. What happens to a softmax when the same number is "
            "subtracted from all its logits?",
        ),
        Mistake(
            "overflow of the sum",
            _overflow_of_the_sum,
            "Right for small logits. But e to the power of 1000 is infinite, and a sum of e to "
            "the power of −500 is 0. Subtract the largest logit of each row before, and add it "
            "again after the logarithm.",
        ),
        Mistake(
            "logarithm of 0",
            _log_of_zero,
            "A very small probability is rounded to 0, and its logarithm is minus infinity. The "
            "logarithm of the quotient is a difference: work it out on paper, then no probability "
            "is needed.",
        ),
        Mistake(
            "softmax along the batch",
            _along_the_batch,
            "Your softmax goes over the images of the batch. The probabilities of *one* image add "
            "up to 1: `dim=1`.",
        ),
        Mistake("sign", _negative, "The sign is turned: a loss is never negative."),
        Mistake(
            "no logarithm",
            _no_logarithm,
            "You take one minus the probability. Cross-entropy takes its logarithm, with a minus.",
        ),
        Mistake(
            "divided by the classes",
            _mean_over_classes,
            "You divide by the number of classes, too. Each image has one loss; their mean "
            "divides by the number of images.",
        ),
        Mistake(
            "the network's answer",
            _of_the_answer,
            "You take the largest probability. The loss looks at the probability of the *right* "
            "class, whatever the network prefers.",
        ),
        Mistake(
            "one loss for each image",
            _each,
            "There is one loss for each image. Their mean is asked for.",
        ),
        Mistake(
            "one maximum for the batch",
            _one_maximum,
            "You subtract the largest logit of the whole batch. In a row that lies far "
            "below it, all powers are then 0. Each row has a largest logit of its own.",
        ),
        Mistake(
            "maximum not added again",
            _maximum_left_out,
            "The largest logit of each row is subtracted in the sum, but not added again after the "
            "logarithm.",
        ),
        Mistake(
            "every label with every image",
            _every_label,
            "`[:, labels]` takes every label for every image. One logit for each image is "
            "wanted: its own label's.",
        ),
        Mistake(
            "logarithm to base 2",
            _other_logarithm,
            "Your logarithm has another base. ln is the one to base e: `log`.",
        ),
    ),
    hints=(
        "First on paper: −ln of a softmax is ln of a sum, minus one logit. Which?",
        "`logits[torch.arange(len(labels)), labels]` is the logit of the right class, for each "
        "image.",
        "ln(e^a + e^b) = m + ln(e^(a − m) + e^(b − m)) for every m. With the largest logit as m, "
        "nothing becomes infinite. torch knows that as `logsumexp`.",
    ),
    tolerance=1e-3,  # a difference of two numbers near 1000 keeps no more digits
)

# --- 03.3 ---------------------------------------------------------------------------------


def loss_gradient(logits, labels):
    targets = F.one_hot(labels, logits.shape[1])
    return (logits.softmax(dim=1) - targets) / len(labels)


def _of_the_sum(logits, labels):
    return loss_gradient(logits, labels) * len(labels)


def _turned(logits, labels):
    return -loss_gradient(logits, labels)


def _probabilities_alone(logits, labels):
    return logits.softmax(dim=1) / len(labels)


def _softmax_along_the_batch(logits, labels):
    return (logits.softmax(dim=0) - F.one_hot(labels, logits.shape[1])) / len(labels)


def _over_all_numbers(logits, labels):
    return loss_gradient(logits, labels) / logits.shape[1]


def _logits_for_probabilities(logits, labels):
    return (logits - F.one_hot(labels, logits.shape[1])) / len(labels)


def _right_class_alone(logits, labels):
    return loss_gradient(logits, labels) * F.one_hot(labels, logits.shape[1])


def _one_from_every_class(logits, labels):
    return (logits.softmax(dim=1) - 1) / len(labels)


def _added_up(logits, labels):
    return loss_gradient(logits, labels).sum(dim=0)


def _label_subtracted(logits, labels):
    return (logits.softmax(dim=1) - labels[:, None]) / len(labels)


def _over_the_classes(logits, labels):
    return _of_the_sum(logits, labels) / logits.shape[1]


def _every_row_at_every_label(logits, labels):
    gradient = logits.softmax(dim=1)
    gradient[:, labels] -= 1
    return gradient / len(labels)


LOSS_GRADIENT = Exercise(
    name="loss-gradient",
    number="03.3",
    title="The gradient of a batch",
    points=2,
    paragraph="3. From image to loss, with small numbers",
    reference=loss_gradient,
    cases=(
        Case((torch.tensor([[5.5, -1.0, 2.0], [0.0, 0.0, 0.0]]), torch.tensor([2, 0]))),
        Case((torch.tensor([[1.0, 2.0]]), torch.tensor([1]))),
        Case((numbers(3, 4) / 3, torch.tensor([3, 0, 3]))),
        Case((numbers(4, 3) / 2, torch.tensor([0, 1, 2, 1]))),
        Case((numbers(2, 10) / 4, torch.tensor([7, 9]))),
    ),
    mistakes=(
        Mistake(
            "gradient of the sum",
            _of_the_sum,
            "This is the gradient of the *sum* of the losses. The loss of a batch is the mean.",
        ),
        Mistake(
            "sign",
            _turned,
            "The signs are turned: the slope of a right logit is never positive.",
        ),
        Mistake(
            "1 not subtracted",
            _probabilities_alone,
            "The slopes of the right classes are missing their − 1.",
        ),
        Mistake(
            "1 subtracted everywhere",
            _one_from_every_class,
            "You subtract 1 from every probability. Only that of the right class is meant.",
        ),
        Mistake(
            "softmax along the batch",
            _softmax_along_the_batch,
            "Your softmax goes over the images of the batch. The probabilities of *one* image add "
            "up to 1: `dim=1`.",
        ),
        Mistake(
            "divided by all numbers",
            _over_all_numbers,
            "You divide by the number of classes, too. The mean goes over the images.",
        ),
        Mistake(
            "no softmax",
            _logits_for_probabilities,
            "You subtract from the logits. The rule is about the probabilities.",
        ),
        Mistake(
            "right class alone",
            _right_class_alone,
            "Only the right classes have a slope. The others are pushed down.",
        ),
        Mistake(
            "images added up",
            _added_up,
            "You add up the images. Each image has a gradient of its own: the shape of the logits.",
        ),
        Mistake(
            "label subtracted",
            _label_subtracted,
            "You subtract the label itself. A 1 is to be subtracted, at the place that the "
            "label names.",
        ),
        Mistake(
            "divided by the classes",
            _over_the_classes,
            "You divide by the number of classes. The mean goes over the images: divide by their "
            "number.",
        ),
        Mistake(
            "every label in every image",
            _every_row_at_every_label,
            "`[:, labels]` takes every label in every image. In each image one number is meant: "
            "`[torch.arange(N), labels]`.",
        ),
    ),
    hints=(
        "[Section 3](3. From image to loss, with small numbers) states the rule for one image. "
        "What does the mean over N images do to the slope of each?",
        "`logits.softmax(dim=1)` holds all probabilities. In each row, one of them is to be made "
        "smaller by 1.",
        "Where is the 1 to be subtracted? `nn.functional.one_hot(labels, K)` is 1 there and 0 "
        "everywhere else.",
    ),
)

# --- 03.4 ---------------------------------------------------------------------------------


def momentum_step(weights, gradient, velocity, learning_rate, momentum):
    velocity = momentum * velocity + gradient
    return weights - learning_rate * velocity, velocity


def _uphill(weights, gradient, velocity, learning_rate, momentum):
    velocity = momentum * velocity + gradient
    return weights + learning_rate * velocity, velocity


def _plain_descent(weights, gradient, velocity, learning_rate, momentum):
    return weights - learning_rate * gradient, momentum * velocity + gradient


def _old_velocity(weights, gradient, velocity, learning_rate, momentum):
    return weights - learning_rate * velocity, momentum * velocity + gradient


def _rate_in_velocity(weights, gradient, velocity, learning_rate, momentum):
    velocity = momentum * velocity + learning_rate * gradient
    return weights - velocity, velocity


def _mixed(weights, gradient, velocity, learning_rate, momentum):
    velocity = momentum * velocity + (1 - momentum) * gradient
    return weights - learning_rate * velocity, velocity


def _momentum_on_gradient(weights, gradient, velocity, learning_rate, momentum):
    velocity = velocity + momentum * gradient
    return weights - learning_rate * velocity, velocity


def _nothing_kept(weights, gradient, velocity, learning_rate, momentum):
    return weights - learning_rate * gradient, gradient


def _nothing_lost(weights, gradient, velocity, learning_rate, momentum):
    return weights - learning_rate * (velocity + gradient), velocity + gradient


def _looked_ahead(weights, gradient, velocity, learning_rate, momentum):
    velocity = momentum * velocity + gradient
    return weights - learning_rate * (gradient + momentum * velocity), velocity


def _swapped_results(weights, gradient, velocity, learning_rate, momentum):
    return momentum_step(weights, gradient, velocity, learning_rate, momentum)[::-1]


def _velocity_kept_back(weights, gradient, velocity, learning_rate, momentum):
    return momentum_step(weights, gradient, velocity, learning_rate, momentum)[0], velocity


def _no_learning_rate(weights, gradient, velocity, learning_rate, momentum):
    velocity = momentum * velocity + gradient
    return weights - velocity, velocity


def _velocity_downhill(weights, gradient, velocity, learning_rate, momentum):
    velocity = momentum * velocity - learning_rate * gradient
    return weights + velocity, velocity


def _momentum_on_both(weights, gradient, velocity, learning_rate, momentum):
    velocity = momentum * (velocity + gradient)
    return weights - learning_rate * velocity, velocity


MOMENTUM_STEP = Exercise(
    name="momentum-step",
    number="03.4",
    title="A step with momentum",
    points=2,
    paragraph="5. The training loop",
    reference=momentum_step,
    cases=(
        Case((torch.tensor([1.0, 2.0]), torch.tensor([0.5, -1.0]), torch.zeros(2), 0.1, 0.9)),
        Case((torch.tensor([1.0, 2.0]), torch.tensor([0.5, -1.0]), torch.ones(2), 0.1, 0.9)),
        Case((numbers(2, 3), numbers(2, 3) - 1, numbers(2, 3) / 2, 0.2, 0.5)),
        Case((torch.tensor(3.0), torch.tensor(2.0), torch.tensor(-4.0), 0.5, 0.8)),
        Case((numbers(2, 1, 2, 2), numbers(2, 1, 2, 2) * 3, -numbers(2, 1, 2, 2), 0.01, 0.0)),
    ),
    mistakes=(
        Mistake(
            "uphill",
            _uphill,
            "Your weights go up the slope. A step goes against it.",
        ),
        Mistake(
            "plain gradient descent",
            _plain_descent,
            "The velocity is right, but the weights move by the gradient alone. They move by the "
            "velocity.",
        ),
        Mistake(
            "the old velocity",
            _old_velocity,
            "The weights move by the old velocity. Compute the new one first.",
        ),
        Mistake(
            "velocity not handed back",
            _velocity_kept_back,
            "The weights are right, but you hand back the old velocity. The next step needs the "
            "new one.",
        ),
        Mistake(
            "learning rate in the velocity",
            _rate_in_velocity,
            "You multiply the gradient by the learning rate before it enters the velocity. Some "
            "books do; here the learning rate comes last, with the weights.",
        ),
        Mistake(
            "gradient made smaller",
            _mixed,
            "You multiply the gradient by 1 − momentum. Here it enters the velocity in full.",
        ),
        Mistake(
            "momentum on the gradient",
            _momentum_on_gradient,
            "The momentum belongs to the old velocity, not to the gradient.",
        ),
        Mistake(
            "velocity forgotten",
            _nothing_kept,
            "The old velocity is not used: this is a step without momentum.",
        ),
        Mistake(
            "velocity never fades",
            _nothing_lost,
            "The old velocity enters in full. The momentum says how much of it is kept.",
        ),
        Mistake(
            "Nesterov's step",
            _looked_ahead,
            "This is Nesterov's form, which looks one step ahead. The plain one is asked for.",
        ),
        Mistake(
            "results swapped",
            _swapped_results,
            "The two results are swapped: the weights come first.",
        ),
        Mistake(
            "velocity downhill",
            _velocity_downhill,
            "Your velocity is the step itself, with its minus and the learning rate. Some books do "
            "it so; here the velocity collects the gradient, and both come last, with the weights.",
        ),
        Mistake(
            "momentum on both",
            _momentum_on_both,
            "The momentum multiplies the old velocity alone. The gradient is added in full.",
        ),
        Mistake(
            "learning rate forgotten",
            _no_learning_rate,
            "The learning rate is not used.",
        ),
    ),
    hints=(
        "Two lines, in the order of the two formulas: first the new velocity, then the new "
        "weights.",
        "`velocity *= momentum` would change the tensor that was handed in. `velocity = ...` "
        "makes a new one.",
        "The new velocity is made of two parts: the momentum times the old one, and the gradient. "
        "The weights then take a step against it, times the learning rate.",
    ),
)

# --- 03.5 ---------------------------------------------------------------------------------


def class_accuracy(network, batches, label):
    network.eval()
    correct = total = 0
    with torch.no_grad():
        for images, labels in batches:
            of_class = labels == label
            correct += (network(images[of_class]).argmax(dim=1) == label).sum().item()
            total += of_class.sum().item()
    return correct / total


def _network_and_batches(seed, sizes, label, without=None):
    """A small network with batch norm that is half right, and batches of 2×2 images.

    without: which batch, counted from 0, holds no image of the class.
    """
    stream = torch.Generator().manual_seed(seed)
    network = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(4), nn.Linear(4, 3))
    numbers_by_name = {
        "1.running_mean": torch.tensor([0.6, -0.4, 0.3, -0.5]),
        "1.running_var": torch.tensor([0.3, 2.5, 0.6, 1.5]),
        "2.weight": torch.tensor([[2.0, 0, 1, 0], [-1, 1, 0, 2], [0, -2, 1, -1]]),
        "2.bias": torch.tensor([0.2, 0.0, -0.1]),
    }
    network.load_state_dict(numbers_by_name, strict=False)
    batches = []
    for number, size in enumerate(sizes):
        images = torch.randn(size, 1, 2, 2, generator=stream)
        labels = torch.randint(3, (size,), generator=stream)
        labels[:3] = torch.tensor([2, 0, 1])  # every class in every other batch
        if number == without:
            labels[labels == label] = (label + 1) % 3
        batches.append((images, labels))
    return network.train(), batches, label


def _predictions(network, batches, evaluating=True):
    network.train(not evaluating)
    with torch.no_grad():
        predictions = [network(images).argmax(dim=1) for images, _ in batches]
    return predictions, [labels for _, labels in batches]


def _all_classes(network, batches, label):
    predictions, labels = map(torch.cat, _predictions(network, batches))
    return (predictions == labels).float().mean().item()


def _share_of_all(network, batches, label):
    predictions, labels = map(torch.cat, _predictions(network, batches))
    return ((predictions == label) & (labels == label)).float().mean().item()


def _of_the_predicted(network, batches, label):
    predictions, labels = map(torch.cat, _predictions(network, batches))
    return (labels[predictions == label] == label).float().mean().item()


def _mean_of_batches(network, batches, label):
    shares = [
        (predictions[labels == label] == label).float().mean().item()
        for predictions, labels in zip(*_predictions(network, batches), strict=True)
        if (labels == label).any()
    ]
    return sum(shares) / len(shares)


def _mean_with_nan(network, batches, label):
    shares = [
        (predictions[labels == label] == label).float().mean().item()
        for predictions, labels in zip(*_predictions(network, batches), strict=True)
    ]
    return sum(shares) / len(shares)


def _mean_of_all_batches(network, batches, label):
    return sum(class_accuracy(network, [batch], label) for batch in batches) / len(batches)


def _in_training_mode(network, batches, label):
    predictions, labels = map(torch.cat, _predictions(network, batches, evaluating=False))
    return (predictions[labels == label] == label).float().mean().item()


def _class_in_training_mode(network, batches, label):
    network.train()
    with torch.no_grad():
        hits = [
            network(images[labels == label]).argmax(dim=1) == label for images, labels in batches
        ]
    return torch.cat(hits).float().mean().item()


def _last_batch(network, batches, label):
    return class_accuracy(network, batches[-1:], label)


def _first_batch(network, batches, label):
    return class_accuracy(network, batches[:1], label)


def _yes_or_no(network, batches, label):
    predictions, labels = map(torch.cat, _predictions(network, batches))
    return ((predictions == label) == (labels == label)).float().mean().item()


def _percent(network, batches, label):
    return 100 * class_accuracy(network, batches, label)


def _share_of_mistakes(network, batches, label):
    return 1 - class_accuracy(network, batches, label)


def _small_world(sizes, seed, label):
    text = f"a network with batch norm, in training mode; batches of {sizes}; label {label}"
    return Case((seed, sizes, label), text)


_ONE_WITHOUT = Case(
    (4, [6, 5, 9], 1, 1),
    "a network with batch norm, in training mode; batches of [6, 5, 9], the second without an "
    "image of the class; label 1",
)


def _count(network, batches, label):
    predictions, labels = map(torch.cat, _predictions(network, batches))
    return ((predictions == label) & (labels == label)).sum().item()


def _predicted_share(network, batches, label):
    predictions, _ = map(torch.cat, _predictions(network, batches))
    return (predictions == label).float().mean().item()


def _whole_division(network, batches, label):
    return class_accuracy(network, batches, label) // 1


CLASS_ACCURACY = Exercise(
    name="class-accuracy",
    number="03.5",
    title="Evaluate one class",
    points=3,
    paragraph="5. The training loop",
    reference=class_accuracy,
    prepare=_network_and_batches,
    cases=(
        _small_world([8, 5], 1, 0),
        _small_world([8, 5], 1, 1),
        _small_world([8, 5], 1, 2),
        _small_world([20, 12, 4], 2, 0),
        _small_world([20, 12, 4], 2, 1),
        _small_world([30], 3, 2),
        _small_world([7, 4], 6, 1),
        _ONE_WITHOUT,
    ),
    mistakes=(
        Mistake(
            "no eval()",
            _in_training_mode,
            "The network is in training mode: batch norm uses the mean of each batch. "
            "[Section 10](10. train() and eval()) tells more.",
        ),
        Mistake(
            "one class in training mode",
            _class_in_training_mode,
            "The network is in training mode: batch norm uses the mean of the few images that you "
            "hand over. [Section 10](10. train() and eval()) tells more.",
        ),
        Mistake(
            "all classes",
            _all_classes,
            "That is the accuracy over all classes. Look only at the images whose label is "
            "`label`.",
        ),
        Mistake(
            "divided by all images",
            _share_of_all,
            "You divide by the number of all images. How many images of this class are there?",
        ),
        Mistake(
            "of those predicted",
            _of_the_predicted,
            "You ask how many of the images *called* so really are. Asked is how many of the "
            "images that are of this class are called so.",
        ),
        Mistake(
            "mean over the batches",
            _mean_of_batches,
            "You take the mean of the batches' accuracies. Batches hold different numbers of this "
            "class: count over all of them, then divide once.",
        ),
        Mistake(
            "mean over all batches",
            _mean_of_all_batches,
            "You divide in each batch, and a batch may hold no image of this class. Count over all "
            "batches, then divide once.",
        ),
        Mistake(
            "mean over means",
            _mean_with_nan,
            "You take the mean of the batches' means, and a batch without this class has none. "
            "Count over all batches, then divide once.",
        ),
        Mistake(
            "last batch alone",
            _last_batch,
            "That is the last batch alone. Is a counter set to 0 inside the loop?",
        ),
        Mistake(
            "first batch alone",
            _first_batch,
            "That is the first batch alone. Is there a `return` inside the loop?",
        ),
        Mistake(
            "yes or no",
            _yes_or_no,
            "You also count images of other classes that are rightly not called so. Look only at "
            "the images whose label is `label`.",
        ),
        Mistake("percent", _percent, "A share from 0 to 1 is asked for, not percent."),
        Mistake(
            "share of mistakes",
            _share_of_mistakes,
            "That is the share that is wrong. The share that is right is asked for.",
        ),
        Mistake(
            "a count",
            _count,
            "That is how many are right. Divide by how many images of this class there are.",
        ),
        Mistake(
            "share of predictions",
            _predicted_share,
            "You ask how often the network says so, whatever the label is. Look only at the "
            "images whose label is `label`.",
        ),
        Mistake(
            "whole division",
            _whole_division,
            "`//` rounds down, to 0 unless all are right. `/` divides.",
        ),
    ),
    hints=(
        "Begin with `evaluate` of [section 5](5. The training loop). Which two counts does it "
        "keep, and over which images should they go here?",
        "`labels == label` marks the images of the class. `images[labels == label]` are those "
        "images alone.",
        "Two counters, set to 0 before the loop: images of the class, and those of them that the "
        "network is right about. Divide after the loop.",
    ),
)

EXERCISES = (
    COUNT_PARAMETERS,
    STABLE_CROSS_ENTROPY,
    LOSS_GRADIENT,
    MOMENTUM_STEP,
    CLASS_ACCURACY,
)
