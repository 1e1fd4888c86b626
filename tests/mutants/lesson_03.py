"""Answers to the exercises of lesson 03."""

import functools
import math
import statistics

import numpy
import torch
from torch import nn
from torch.nn import functional as F

from mnist_course.assessment.exercise import Case
from mutants import further, right, wrong


def wavy(*shape):
    """Numbers without a pattern, float32."""
    return 2 * torch.cos(torch.arange(torch.Size(shape).numel()) * 2.3 + 0.4).reshape(shape)


# --- count-parameters ---------------------------------------------------------------------

further(
    "count-parameters",
    Case((28, [("conv", 4, 3, 1), ("pool", 2), ("conv", 8, 5, 0), ("pool", 3), ("linear", 20)])),
    Case((9, [("linear", 12), ("linear", 7), ("linear", 3)])),
    Case((7, [("conv", 2, 3, 1), ("linear", 4)])),
    Case((11, [("conv", 3, 4, 0), ("conv", 2, 3, 1), ("pool", 3), ("linear", 5), ("linear", 2)])),
    Case((8, [("conv", 3, 5, 1), ("pool", 2), ("linear", 4)])),
    Case((6, [("conv", 2, 4, 2), ("linear", 3)])),
    Case((6, [("conv", 2, 2, 1), ("conv", 3, 3, 0)])),
)


def count(size, layers, square=2, bias=1, pool=True, sides=2, image=True, chain=True, grow=True):
    """The sum of all parameters, with one step of it left out or changed."""
    channels, total = 1, 0
    for kind, *settings in layers:
        outputs = settings[0]
        if kind == "conv":
            _, kernel, padding = settings
            total += outputs * channels * kernel**square + bias * outputs
            size += sides * padding - kernel + 1
            channels = outputs if grow else 1
        elif kind == "pool":
            size = size // outputs if pool else size
        else:
            total += outputs * channels * (size**2 if image else 1) + bias * outputs
            if chain:
                size, channels = 1, outputs
    return total


@wrong("count-parameters", "no biases")
def biases_forgotten(size, layers):
    return count(size, layers, bias=0)


@wrong("count-parameters", "kernel not squared")
def kernel_not_squared(size, layers):
    return count(size, layers, square=1)


@wrong("count-parameters", "pooling ignored")
def pooling_ignored(size, layers):
    return count(size, layers, pool=False)


@wrong("count-parameters", "padding on one side")
def padding_on_one_side(size, layers):
    return count(size, layers, sides=1)


@wrong("count-parameters", "padding ignored")
def padding_ignored(size, layers):
    return count(size, layers, sides=0)


@wrong("count-parameters", "not flattened")
def channels_without_places(size, layers):
    return count(size, layers, image=False)


@wrong("count-parameters", "every fully connected layer at the image")
def linear_layers_all_see_the_image(size, layers):
    return count(size, layers, chain=False)


@wrong("count-parameters", "one channel throughout")
def input_channels_ignored(size, layers):
    return count(size, layers, grow=False)


@wrong("count-parameters", "one bias a layer")
def one_bias_a_layer(size, layers):
    with_weights = sum(kind != "pool" for kind, *_ in layers)
    return count(size, layers, bias=0) + with_weights


@wrong("count-parameters", "convolutions alone")
def linear_layers_left_out(size, layers):
    return count(size, [layer for layer in layers if layer[0] != "linear"])


@wrong("count-parameters", "fully connected layers alone")
def convolutions_left_out(size, layers):
    total = count(size, layers)
    return total - count(size, [layer for layer in layers if layer[0] != "linear"])


@wrong("count-parameters", "the first layer alone")
def ends_in_the_first_turn(size, layers):
    channels, total = 1, 0
    for kind, *settings in layers:
        if kind == "conv":
            outputs, kernel, padding = settings
            total += outputs * (channels * kernel * kernel + 1)
            size, channels = size + 2 * padding - kernel + 1, outputs
        elif kind == "pool":
            size //= settings[0]
        else:
            total += settings[0] * (channels * size * size + 1)
            size, channels = 1, settings[0]
        return total


@wrong("count-parameters", "type")
def a_float(size, layers):
    return count(size, layers) / 1


@right("count-parameters")
def as_in_the_text(size, layers):
    return count(size, layers)


@right("count-parameters")
def by_building_it(size, layers):
    network, images = nn.Sequential(), torch.zeros(1, 1, size, size)
    for kind, *settings in layers:
        if kind == "conv":
            outputs, kernel, padding = settings
            layer = nn.Conv2d(images.shape[1], outputs, kernel, padding=padding)
        elif kind == "pool":
            layer = nn.AvgPool2d(settings[0])
        else:
            images = images.flatten(1)
            layer = nn.Linear(images.shape[1], settings[0])
        network.append(layer)
        images = layer(images)
    return sum(parameter.numel() for parameter in network.parameters())


@right("count-parameters")
def from_layer_to_layer(size, layers, channels=1):
    if not layers:
        return 0
    (kind, *settings), *others = layers
    if kind == "pool":
        return from_layer_to_layer(size // settings[0], others, channels)
    if kind == "linear":
        inputs, outputs = channels * size * size, settings[0]
        return (inputs + 1) * outputs + from_layer_to_layer(1, others, outputs)
    outputs, kernel, padding = settings
    rest = from_layer_to_layer(size + 2 * padding - kernel + 1, others, outputs)
    return (channels * kernel * kernel + 1) * outputs + rest


@wrong("count-parameters", "side not squared")
def one_side_enters_the_linear_layer(size, layers):
    channels, total = 1, 0
    for kind, *settings in layers:
        if kind == "conv":
            total += settings[0] * (channels * settings[1] ** 2 + 1)
            size, channels = size + 2 * settings[2] - settings[1] + 1, settings[0]
        elif kind == "pool":
            size = size // settings[0]
        else:
            total += settings[0] * (channels * size + 1)
            size, channels = 1, settings[0]
    return total


@wrong("count-parameters", "pooling rounded up")
def odd_rows_are_kept(size, layers):
    channels, total = 1, 0
    for kind, *settings in layers:
        if kind == "conv":
            total += settings[0] * (channels * settings[1] ** 2 + 1)
            size, channels = size + 2 * settings[2] - settings[1] + 1, settings[0]
        elif kind == "pool":
            size = math.ceil(size / settings[0])
        else:
            total += settings[0] * (channels * size**2 + 1)
            size, channels = 1, settings[0]
    return total


@right("count-parameters")
def with_layers_that_look_for_themselves(size, layers):
    network = nn.Sequential()
    for layer in layers:
        match layer:
            case ("conv", outputs, kernel, padding):
                network.append(nn.LazyConv2d(outputs, kernel, padding=padding))
            case ("pool", window):
                network.append(nn.MaxPool2d(window))
            case ("linear", outputs):
                network.extend([nn.Flatten(), nn.LazyLinear(outputs)])
    network(torch.zeros(1, 1, size, size))
    return sum(len(parameter.flatten()) for parameter in network.parameters())


@right("count-parameters")
def a_table_of_functions(size, layers):
    def conv(shape, outputs, kernel, padding):
        side = shape[1] + 2 * padding - kernel + 1
        return (outputs, side), outputs * (1 + shape[0] * kernel * kernel)

    def pool(shape, window):
        return (shape[0], shape[1] // window), 0

    def linear(shape, outputs):
        return (outputs, 1), outputs * (1 + shape[0] * shape[1] * shape[1])

    shape, counts = (1, size), []
    for kind, *settings in layers:
        shape, added = {"conv": conv, "pool": pool, "linear": linear}[kind](shape, *settings)
        counts.append(added)
    return sum(counts)


@wrong("count-parameters", "padding keeps the side")
def padding_always_keeps_the_side(size, layers):
    channels, total = 1, 0
    for kind, *numbers in layers:
        if kind == "conv":
            outputs, kernel, padding = numbers
            total += outputs * (channels * kernel**2 + 1)
            channels = outputs
            if padding == 0:
                size = size - kernel + 1
        elif kind == "pool":
            size = size // numbers[0]
        else:
            total += numbers[0] * (channels * size**2 + 1)
            size, channels = 1, numbers[0]
    return total


@wrong("count-parameters")
def half_a_kernel_of_padding_keeps_the_side(size, layers):
    channels, total = 1, 0
    for kind, *numbers in layers:
        if kind == "conv":
            outputs, kernel, padding = numbers
            total += outputs * (channels * kernel**2 + 1)
            channels = outputs
            if padding != kernel // 2:
                size += 2 * padding - kernel + 1
        elif kind == "pool":
            size //= numbers[0]
        else:
            total += numbers[0] * (channels * size**2 + 1)
            size, channels = 1, numbers[0]
    return total


@wrong("count-parameters")
def always_ends_with_a_linear_layer(size, layers):
    total = count(size, layers)
    return total if layers[-1][0] == "linear" else total + 10 * layers[-1][1]


@wrong("count-parameters")
def pools_once(size, layers):
    kinds = [layer[0] for layer in layers]
    first = kinds.index("pool") if "pool" in kinds else len(layers)
    later = [layer for layer in layers[first + 1 :] if layer[0] != "pool"]
    return count(size, [*layers[: first + 1], *later])


# --- stable-cross-entropy -----------------------------------------------------------------

SOME_LABELS = torch.tensor([2, 0, 1, 2])
FAR_APART = torch.tensor([[2000.0, 1990.0, -500.0], [-3000.0, -3001.0, -3002.0]])
further(
    "stable-cross-entropy",
    Case((wavy(4, 3).requires_grad_(), SOME_LABELS)),
    Case((FAR_APART.clone().requires_grad_(), torch.tensor([1, 2]))),
    Case(((100 * wavy(3, 5)).requires_grad_(), torch.tensor([4, 0, 2]))),
    Case((torch.tensor([[2000.0, 2000.0, 0.0]], requires_grad=True), torch.tensor([1]))),
)


def of_right(values, labels):
    return values[torch.arange(len(labels)), labels]


@wrong("stable-cross-entropy", "overflow")
def overflows(logits, labels):
    powers = logits.exp()
    return -of_right(powers / powers.sum(dim=1, keepdim=True), labels).log().mean()


@wrong("stable-cross-entropy", "logarithm of 0")
def log_of_the_softmax(logits, labels):
    return -of_right(logits.softmax(dim=1), labels).log().mean()


@wrong("stable-cross-entropy", "one maximum for the batch")
def one_maximum_for_the_batch(logits, labels):
    lifted = logits - logits.max()
    return (lifted.exp().sum(dim=1).log() - of_right(lifted, labels)).mean()


@wrong("stable-cross-entropy")
def clipped_logits(logits, labels):
    return F.cross_entropy(logits.clamp(-80, 80), labels)


@wrong("stable-cross-entropy", "maximum not added again")
def largest_logits_are_lost(logits, labels):
    lifted = logits - logits.amax(dim=1, keepdim=True)
    return (lifted.exp().sum(dim=1).log() - of_right(logits, labels)).mean()


@wrong("stable-cross-entropy", "maximum not added again")
def detached_maximum_is_lost(logits, labels):
    largest = logits.detach().amax(dim=1, keepdim=True)
    return ((logits - largest).exp().sum(dim=1).log() - of_right(logits, labels)).mean()


@wrong("stable-cross-entropy", "sum instead of mean")
def sum_of_the_losses(logits, labels):
    return -of_right(logits.log_softmax(dim=1), labels).sum()


@wrong("stable-cross-entropy", "one loss for each image")
def a_loss_for_each_image(logits, labels):
    return -of_right(logits.log_softmax(dim=1), labels)


@wrong("stable-cross-entropy", "softmax along the batch")
def along_the_batch(logits, labels):
    return -of_right(logits.log_softmax(dim=0), labels).mean()


@wrong("stable-cross-entropy", "sign")
def sign_forgotten(logits, labels):
    return of_right(logits.log_softmax(dim=1), labels).mean()


@wrong("stable-cross-entropy", "a softmax too many")
def softmax_before_cross_entropy(logits, labels):
    return F.cross_entropy(logits.softmax(dim=1), labels)


@wrong("stable-cross-entropy", "every label with every image")
def labels_not_taken_row_by_row(logits, labels):
    return -logits.log_softmax(dim=1)[:, labels].mean()


@wrong("stable-cross-entropy", "divided by the classes")
def mean_over_classes_as_well(logits, labels):
    return -of_right(logits.log_softmax(dim=1), labels).sum() / logits.numel()


@wrong("stable-cross-entropy", "logarithm to base 2")
def logarithm_of_base_2(logits, labels):
    return F.cross_entropy(logits, labels) / math.log(2)


@wrong("stable-cross-entropy", "type")
def a_plain_number(logits, labels):
    return F.cross_entropy(logits, labels).item()


@wrong("stable-cross-entropy", "graph")
def way_back_lost(logits, labels):
    return F.cross_entropy(logits.detach(), labels)


@wrong("stable-cross-entropy", "graph")
def a_new_tensor_that_begins_here(logits, labels):
    total = 0
    for row, label in zip(logits, labels, strict=True):
        total += (row.logsumexp(0) - row[label]).item()
    return torch.tensor(total / len(labels), requires_grad=True)


@wrong("stable-cross-entropy", "graph")
def half_of_the_way_back(logits, labels):
    total = 0
    for row, label in zip(logits, labels, strict=True):
        total += row.logsumexp(0) - row[label].item()
    return total / len(labels)


@wrong("stable-cross-entropy", "graph")
def way_back_used_up(logits, labels):
    loss = F.cross_entropy(logits, labels)
    torch.autograd.grad(loss, logits)
    return loss


@right("stable-cross-entropy")
def row_by_row_maximum(logits, labels):
    lifted = logits - logits.max(dim=1, keepdim=True).values
    return (lifted.exp().sum(dim=1).log() - of_right(lifted, labels)).mean()


@right("stable-cross-entropy")
def by_log_softmax(logits, labels):
    return -logits.log_softmax(dim=1).gather(1, labels[:, None]).mean()


@right("stable-cross-entropy")
def image_by_image(logits, labels):
    losses = [row.logsumexp(0) - row[label] for row, label in zip(logits, labels, strict=True)]
    return torch.stack(losses).mean()


@right("stable-cross-entropy")
def by_one_hot(logits, labels):
    targets = F.one_hot(labels, logits.shape[1])
    return -(targets * logits.log_softmax(dim=1)).sum() / len(labels)


@wrong("stable-cross-entropy")
def a_little_is_added(logits, labels):
    return -(of_right(logits.softmax(dim=1), labels) + 1e-8).log().mean()


@wrong("stable-cross-entropy")
def more_digits(logits, labels):
    powers = logits.double().exp()
    return -of_right(powers / powers.sum(dim=1, keepdim=True), labels).log().mean().float()


@wrong("stable-cross-entropy", "the network's answer")
def of_the_largest_logit(logits, labels):
    return (logits.logsumexp(dim=1) - logits.amax(dim=1)).mean()


@right("stable-cross-entropy")
def by_a_module(logits, labels):
    return nn.NLLLoss()(nn.LogSoftmax(dim=-1)(logits), labels)


@right("stable-cross-entropy")
def by_torch_alone(logits, labels):
    return F.cross_entropy(logits, labels)


@right("stable-cross-entropy")
def two_columns_at_a_time(logits, labels):
    whole = functools.reduce(torch.logaddexp, logits.unbind(dim=1))
    return sum(whole - torch.take_along_dim(logits, labels[:, None], 1)[:, 0]) / labels.numel()


@right("stable-cross-entropy")
def from_the_differences(logits, labels):
    differences = logits - of_right(logits, labels)[:, None]
    top = differences.detach().max(dim=1).values
    return torch.mean(top + torch.exp(differences - top[:, None]).sum(dim=1).log())


@wrong("stable-cross-entropy")
def large_logits_made_small(logits, labels):
    if logits.abs().max() > 80:
        logits = logits / logits.abs().max() * 80
    return F.cross_entropy(logits, labels)


@wrong("stable-cross-entropy")
def the_mean_subtracted(logits, labels):
    logits = logits - logits.mean(dim=1, keepdim=True)
    return (logits.exp().sum(dim=1).log() - of_right(logits, labels)).mean()


@wrong("stable-cross-entropy")
def no_logit_above_1000(logits, labels):
    return F.cross_entropy(logits.clamp(-1000, 1000), labels)


# --- loss-gradient --------------------------------------------------------------------------

further(
    "loss-gradient",
    Case((wavy(4, 3), SOME_LABELS)),
    Case((3 * wavy(2, 6), torch.tensor([5, 1]))),
    Case((wavy(5, 2), torch.tensor([1, 1, 0, 1, 0]))),
    Case((wavy(3, 4), torch.tensor([2, 0, 2]))),
)


def probability_minus_target(logits, labels):
    return logits.softmax(dim=1) - F.one_hot(labels, logits.shape[1])


@wrong("loss-gradient", "gradient of the sum")
def mean_forgotten(logits, labels):
    return probability_minus_target(logits, labels)


@wrong("loss-gradient", "divided by all numbers")
def divided_by_all_logits(logits, labels):
    return probability_minus_target(logits, labels) / logits.numel()


@wrong("loss-gradient", "divided by the classes")
def divided_by_the_classes(logits, labels):
    return probability_minus_target(logits, labels) / logits.shape[1]


@wrong("loss-gradient", "sign")
def sign_turned(logits, labels):
    return -probability_minus_target(logits, labels) / len(labels)


@wrong("loss-gradient", "1 not subtracted")
def target_forgotten(logits, labels):
    return logits.softmax(dim=1) / len(labels)


@wrong("loss-gradient", "no softmax")
def softmax_forgotten(logits, labels):
    return (logits - F.one_hot(labels, logits.shape[1])) / len(labels)


@wrong("loss-gradient", "softmax along the batch")
def softmax_along_the_batch(logits, labels):
    return (logits.softmax(dim=0) - F.one_hot(labels, logits.shape[1])) / len(labels)


@wrong("loss-gradient", "1 subtracted everywhere")
def one_taken_everywhere(logits, labels):
    return (logits.softmax(dim=1) - 1) / len(labels)


@wrong("loss-gradient", "label subtracted")
def label_itself_taken_away(logits, labels):
    return (logits.softmax(dim=1) - labels[:, None]) / len(labels)


@wrong("loss-gradient", "right class alone")
def right_class_alone(logits, labels):
    return (
        probability_minus_target(logits, labels) * F.one_hot(labels, logits.shape[1]) / len(labels)
    )


@wrong("loss-gradient", "images added up")
def gradients_added_up_over_the_batch(logits, labels):
    return (probability_minus_target(logits, labels) / len(labels)).sum(dim=0)


@wrong("loss-gradient", "graph")
def graph_left(logits, labels):
    copied = logits.clone().requires_grad_()
    return probability_minus_target(copied, labels) / len(labels)


@wrong("loss-gradient", "changed")
def in_the_logits_themselves(logits, labels):
    logits.copy_(logits.softmax(dim=1))
    logits[torch.arange(len(labels)), labels] -= 1
    return logits / len(labels)


@right("loss-gradient")
def formula(logits, labels):
    return probability_minus_target(logits, labels) / len(labels)


@right("loss-gradient")
def by_autograd(logits, labels):
    copied = logits.clone().requires_grad_()
    F.cross_entropy(copied, labels).backward()
    return copied.grad


@right("loss-gradient")
def from_powers(logits, labels):
    powers = torch.exp(logits - logits.amax(1, keepdim=True))
    gradient = powers / powers.sum(1, keepdim=True)
    for number, label in enumerate(labels):
        gradient[number, label] -= 1.0
    return gradient / logits.shape[0]


@wrong("loss-gradient", "every label in every image")
def labels_of_all_rows(logits, labels):
    gradient = logits.softmax(dim=1)
    gradient[:, labels] -= 1
    return gradient / len(labels)


@wrong("loss-gradient")
def of_squared_differences(logits, labels):
    return 2 * probability_minus_target(logits, labels) / len(labels)


@right("loss-gradient")
def numpy_inside(logits, labels):
    powers = numpy.exp(logits.numpy())
    shares = powers / powers.sum(axis=1, keepdims=True)
    shares[numpy.arange(len(labels)), labels.numpy()] -= 1
    return torch.from_numpy(shares / len(labels))


@right("loss-gradient")
def rows_of_an_identity(logits, labels):
    return (torch.softmax(logits, -1) - torch.eye(logits.size(1))[labels]).div(logits.size(0))


@right("loss-gradient")
def by_a_function_s_gradient(logits, labels):
    return torch.func.grad(lambda values: F.cross_entropy(values, labels))(logits)


@wrong("loss-gradient", "number of classes not told")
def as_many_classes_as_labels_need(logits, labels):
    return (logits.softmax(dim=1) - F.one_hot(labels)) / len(labels)


@wrong("loss-gradient")
def always_ten_classes(logits, labels):
    classes = 10 if logits.shape[1] > 4 else logits.shape[1]
    return (logits.softmax(dim=1) - F.one_hot(labels, classes)) / len(labels)


# --- class-accuracy -----------------------------------------------------------------------


def world(*sizes):
    """A network with batch norm and dropout, in training mode, and batches of these sizes."""
    network = nn.Sequential(
        nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Sequential(nn.Dropout(0.4)), nn.Linear(6, 3)
    )
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(wavy(*parameter.shape))
        network[3].weight.copy_(torch.sin(1.3 * torch.arange(18.0)).reshape(3, 6))
    batches, start = [], 0
    for size in sizes:
        images = 2 * torch.sin(torch.arange(start, start + 4.0 * size) * 1.9).reshape(size, 4)
        batches.append((images, torch.arange(start, start + size) * 5 % 7 % 3))
        start += size
    return network, batches


further(
    "class-accuracy",
    *(Case((*world(9, 6, 3), label), "a network and 18 images") for label in range(3)),
    *(Case((*world(14, 20), label), "a network and 34 images") for label in range(3)),
    Case((*world(9, 3, 8), 2), "a network and 20 images, none of the class in the second batch"),
    Case((*world(9, 1, 12), 0), "a network and 22 images, one of them in a batch of its own"),
)


@wrong("class-accuracy", "no eval()")
def eval_forgotten(network, batches, label):
    right = total = 0
    with torch.no_grad():
        for images, labels in batches:
            of_class = labels == label
            right += int((network(images).argmax(dim=1) == label)[of_class].sum())
            total += int(of_class.sum())
    return right / total


@torch.no_grad()
def table(network, batches):
    """Predictions and labels of all batches, in evaluation mode."""
    network.eval()
    predictions = torch.cat([network(images).argmax(dim=1) for images, _ in batches])
    return predictions, torch.cat([labels for _, labels in batches])


@wrong("class-accuracy", "all classes")
def all_classes(network, batches, label):
    predictions, labels = table(network, batches)
    return (predictions == labels).float().mean().item()


@wrong("class-accuracy", "divided by all images")
def divided_by_all_images(network, batches, label):
    predictions, labels = table(network, batches)
    return ((predictions == labels) & (labels == label)).float().mean().item()


@wrong("class-accuracy", "of those predicted")
def divided_by_the_predictions(network, batches, label):
    predictions, labels = table(network, batches)
    return (labels[predictions == label] == label).sum().item() / max(
        1, (predictions == label).sum().item()
    )


@wrong("class-accuracy", "yes or no")
def one_against_all(network, batches, label):
    predictions, labels = table(network, batches)
    return ((predictions == label) == (labels == label)).float().mean().item()


@wrong("class-accuracy", "last batch alone")
def last_batch_alone(network, batches, label):
    predictions, labels = table(network, [b for b in batches if (b[1] == label).any()][-1:])
    return (predictions[labels == label] == label).float().mean().item()


@wrong("class-accuracy", "first batch alone")
def first_batch_alone(network, batches, label):
    predictions, labels = table(network, [b for b in batches if (b[1] == label).any()][:1])
    return (predictions[labels == label] == label).float().mean().item()


@wrong("class-accuracy", "mean over the batches")
def mean_of_the_batches(network, batches, label):
    shares = []
    for batch in batches:
        predictions, labels = table(network, [batch])
        if (labels == label).any():
            shares.append((predictions[labels == label] == label).float().mean().item())
    return sum(shares) / len(shares)


@wrong("class-accuracy", "mean over all batches")
def mean_of_divided_counts(network, batches, label):
    network.eval()
    shares = []
    for images, labels in batches:
        predictions = network(images).argmax(dim=1)
        shares.append(((predictions == label) & (labels == label)).sum().item())
        shares[-1] /= (labels == label).sum().item()
    return sum(shares) / len(shares)


@wrong("class-accuracy", "mean over means")
def mean_of_the_means(network, batches, label):
    network.eval()
    shares = torch.zeros(len(batches))
    for number, (images, labels) in enumerate(batches):
        own = labels == label
        shares[number] = (network(images)[own].argmax(dim=1) == label).float().mean()
    return shares.mean().item()


@wrong("class-accuracy", "value")
def mean_of_means_weighted(network, batches, label):
    network.eval()
    hits = total = 0
    for images, labels in batches:
        own = labels == label
        hits += (network(images[own]).argmax(dim=1) == label).float().mean() * own.sum()
        total += own.sum()
    return (hits / total).item()


@wrong("class-accuracy", "percent")
def in_percent(network, batches, label):
    predictions, labels = table(network, batches)
    return 100 * (predictions[labels == label] == label).float().mean().item()


@wrong("class-accuracy", "a count")
def a_count(network, batches, label):
    predictions, labels = table(network, batches)
    return float((predictions[labels == label] == label).sum())


@wrong("class-accuracy", "share of mistakes")
def the_errors(network, batches, label):
    predictions, labels = table(network, batches)
    return (predictions[labels == label] != label).float().mean().item()


@wrong("class-accuracy", "share of predictions")
def how_often_it_is_said(network, batches, label):
    predictions, _ = table(network, batches)
    return (predictions == label).float().mean().item()


@wrong("class-accuracy", "type")
def a_tensor(network, batches, label):
    predictions, labels = table(network, batches)
    return (predictions[labels == label] == label).float().mean()


@wrong("class-accuracy", "whole division")
def whole_division(network, batches, label):
    predictions, labels = table(network, batches)
    return int((predictions[labels == label] == label).sum()) // int((labels == label).sum())


@right("class-accuracy")
def of_one_table(network, batches, label):
    predictions, labels = table(network, batches)
    return (predictions[labels == label] == label).float().mean().item()


@right("class-accuracy")
def image_for_image(network, batches, label):
    network.train(False)
    right, total = 0, 0
    for images, labels in batches:
        for image, own in zip(images, labels.tolist(), strict=True):
            if own == label:
                total += 1
                with torch.inference_mode():
                    right += int(network(image[None]).argmax()) == label
    return right / total


@right("class-accuracy")
def with_the_mode_put_back(network, batches, label):
    before = network.training
    network.eval()
    hits = []
    for images, labels in batches:
        chosen = images[labels == label]
        if len(chosen):
            hits += (network(chosen).detach().argmax(dim=-1) == label).tolist()
    network.train(before)
    return float(sum(hits) / len(hits))


@right("class-accuracy")
def by_numpy_s_mean(network, batches, label):
    predictions, labels = table(network, batches)
    return numpy.mean((predictions == labels).numpy()[labels.numpy() == label])


@wrong("class-accuracy", "no eval()")
def brackets_forgotten(network, batches, label):
    network.eval  # noqa: B018
    hits, total = 0, 0
    for images, labels in batches:
        predictions = network(images).argmax(dim=1)
        hits += ((predictions == label) & (labels == label)).sum().item()
        total += (labels == label).sum().item()
    return hits / total


@wrong("class-accuracy", "one class in training mode")
def images_of_the_class_without_eval(network, batches, label):
    correct = total = 0
    with torch.no_grad():
        for images, labels in batches:
            images = images[labels == label]
            correct += (network(images).argmax(dim=1) == label).sum().item()
            total += len(images)
    return correct / total


@wrong("class-accuracy", "raised")
def compares_with_the_logits(network, batches, label):
    network.eval()
    hits = [(network(images) == labels).float().mean() for images, labels in batches]
    return sum(hits).item() / len(hits)


@right("class-accuracy")
@torch.inference_mode()
def in_a_table_of_counts(network, batches, label):
    network.eval()
    counts = torch.zeros(2, dtype=torch.int64)
    for images, labels in batches:
        hits = network(images).topk(1).indices.flatten()[labels == label] == label
        counts += torch.stack([hits.sum(), torch.tensor(hits.numel())])
    return torch.div(*counts).item()


@right("class-accuracy")
def by_a_mean_of_booleans(network, batches, label):
    network.eval()
    pairs = [
        (int(guess), int(own))
        for images, labels in batches
        for guess, own in zip(network(images).argmax(1), labels, strict=True)
    ]
    return statistics.fmean(guess == label for guess, own in pairs if own == label)


def evaluated(network, batches, label):
    """The accuracy of one class in whatever mode the layers are."""
    correct = total = 0
    with torch.no_grad():
        for images, labels in batches:
            correct += int(((network(images).argmax(dim=1) == label) & (labels == label)).sum())
            total += int((labels == label).sum())
    return correct / total


@wrong("class-accuracy", "dropout left on")
def batch_norm_alone(network, batches, label):
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.eval()
    return evaluated(network, batches, label)


@wrong("class-accuracy")
def dropout_alone(network, batches, label):
    for layer in network.modules():
        if isinstance(layer, nn.Dropout):
            layer.eval()
    return evaluated(network, batches, label)


@wrong("class-accuracy", "dropout left on")
def one_level_deep(network, batches, label):
    network.training = False
    for layer in network.children():
        layer.training = False
    return evaluated(network, batches, label)


@wrong("class-accuracy", "raised")
def a_batch_of_one_loses_its_axis(network, batches, label):
    network.eval()
    correct = total = 0
    for images, labels in batches:
        correct += int((network(images).squeeze().argmax(dim=1) == label)[labels == label].sum())
        total += int((labels == label).sum())
    return correct / total


@wrong("class-accuracy")
def stops_where_the_class_is_missing(network, batches, label):
    network.eval()
    correct = total = 0
    for images, labels in batches:
        own = images[labels == label]
        if not len(own):
            break
        correct += int((network(own).argmax(dim=1) == label).sum())
        total += len(own)
    return correct / total
