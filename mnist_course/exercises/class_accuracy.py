"""The exercise `class-accuracy`: answer, cases, and typical mistakes with their hints."""

import torch
from torch import nn

from mnist_course.assessment.exercise import Case, Exercise


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


def _small_world(sizes, seed, label):
    text = f"a network with batch norm, in training mode; batches of {sizes}; label {label}"
    return Case((seed, sizes, label), text)


_ONE_WITHOUT = Case(
    (4, [6, 5, 9], 1, 1),
    "a network with batch norm, in training mode; batches of [6, 5, 9], the second without an "
    "image of the class; label 1",
)


EXERCISE = Exercise(
    name="class-accuracy",
    points=3,
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
    hints=(
        "Begin with `evaluate` of [section](#loop). Which two counts does it "
        "keep, and over which images should they go here?",
        "`labels == label` marks the images of the class. `images[labels == label]` are those "
        "images alone.",
        "Two counters, set to 0 before the loop: images of the class, and those of them that the "
        "network is right about. Divide after the loop.",
    ),
)


@EXERCISE.answer
def class_accuracy(network, batches, label):
    network.eval()
    correct = total = 0
    with torch.no_grad():
        for images, labels in batches:
            of_class = labels == label
            correct += (network(images[of_class]).argmax(dim=1) == label).sum().item()
            total += of_class.sum().item()
    return correct / total


@EXERCISE.mistake(
    "no eval()",
    "The network is in training mode: batch norm uses the mean of each batch. "
    "[Section](#modes) tells more.",
)
def _(network, batches, label):
    predictions, labels = map(torch.cat, _predictions(network, batches, evaluating=False))
    return (predictions[labels == label] == label).float().mean().item()


@EXERCISE.mistake(
    "one class in training mode",
    "The network is in training mode: batch norm uses the mean of the few images that you "
    "hand over. [Section](#modes) tells more.",
)
def _(network, batches, label):
    network.train()
    with torch.no_grad():
        hits = [
            network(images[labels == label]).argmax(dim=1) == label for images, labels in batches
        ]
    return torch.cat(hits).float().mean().item()


@EXERCISE.mistake(
    "all classes",
    "That is the accuracy over all classes. Look only at the images whose label is `label`.",
)
def _(network, batches, label):
    predictions, labels = map(torch.cat, _predictions(network, batches))
    return (predictions == labels).float().mean().item()


@EXERCISE.mistake(
    "divided by all images",
    "You divide by the number of all images. How many images of this class are there?",
)
def _(network, batches, label):
    predictions, labels = map(torch.cat, _predictions(network, batches))
    return ((predictions == label) & (labels == label)).float().mean().item()


@EXERCISE.mistake(
    "of those predicted",
    "You ask how many of the images *called* so really are. Asked is how many of the "
    "images that are of this class are called so.",
)
def _(network, batches, label):
    predictions, labels = map(torch.cat, _predictions(network, batches))
    return (labels[predictions == label] == label).float().mean().item()


@EXERCISE.mistake(
    "mean over the batches",
    "You take the mean of the batches' accuracies. Batches hold different numbers of this "
    "class: count over all of them, then divide once.",
)
def _(network, batches, label):
    shares = [
        (predictions[labels == label] == label).float().mean().item()
        for predictions, labels in zip(*_predictions(network, batches), strict=True)
        if (labels == label).any()
    ]
    return sum(shares) / len(shares)


@EXERCISE.mistake(
    "mean over all batches",
    "You divide in each batch, and a batch may hold no image of this class. Count over all "
    "batches, then divide once.",
)
def _(network, batches, label):
    return sum(class_accuracy(network, [batch], label) for batch in batches) / len(batches)


@EXERCISE.mistake(
    "mean over means",
    "You take the mean of the batches' means, and a batch without this class has none. "
    "Count over all batches, then divide once.",
)
def _(network, batches, label):
    shares = [
        (predictions[labels == label] == label).float().mean().item()
        for predictions, labels in zip(*_predictions(network, batches), strict=True)
    ]
    return sum(shares) / len(shares)


@EXERCISE.mistake(
    "last batch alone", "That is the last batch alone. Is a counter set to 0 inside the loop?"
)
def _(network, batches, label):
    return class_accuracy(network, batches[-1:], label)


@EXERCISE.mistake(
    "first batch alone", "That is the first batch alone. Is there a `return` inside the loop?"
)
def _(network, batches, label):
    return class_accuracy(network, batches[:1], label)


@EXERCISE.mistake(
    "yes or no",
    "You also count images of other classes that are rightly not called so. Look only at "
    "the images whose label is `label`.",
)
def _(network, batches, label):
    predictions, labels = map(torch.cat, _predictions(network, batches))
    return ((predictions == label) == (labels == label)).float().mean().item()


@EXERCISE.mistake("percent", "A share from 0 to 1 is asked for, not percent.")
def _(network, batches, label):
    return 100 * class_accuracy(network, batches, label)


@EXERCISE.mistake(
    "share of mistakes", "That is the share that is wrong. The share that is right is asked for."
)
def _(network, batches, label):
    return 1 - class_accuracy(network, batches, label)


@EXERCISE.mistake(
    "a count", "That is how many are right. Divide by how many images of this class there are."
)
def _(network, batches, label):
    predictions, labels = map(torch.cat, _predictions(network, batches))
    return ((predictions == label) & (labels == label)).sum().item()


@EXERCISE.mistake(
    "share of predictions",
    "You ask how often the network says so, whatever the label is. Look only at the "
    "images whose label is `label`.",
)
def _(network, batches, label):
    predictions, _ = map(torch.cat, _predictions(network, batches))
    return (predictions == label).float().mean().item()


@EXERCISE.mistake("whole division", "`//` rounds down, to 0 unless all are right. `/` divides.")
def _(network, batches, label):
    return class_accuracy(network, batches, label) // 1
