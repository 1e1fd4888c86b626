"""The exercise `keep-the-modes`: answer, cases, and typical mistakes with their hints."""

import contextlib

import torch
from torch import nn

from mnist_course.assessment.exercise import Case, Exercise
from mnist_course.exercises.inputs import spread_out


def network_in_modes(modes, images, labels):
    """A small network with fixed weights, its layers in these modes: (network, images, labels)."""
    channels = images.shape[1]
    network = nn.Sequential(
        nn.Conv2d(channels, 3, 2), nn.BatchNorm2d(3), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Sequential(nn.Dropout(0.5), nn.Linear(3, 3)),
    )  # fmt: skip
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(spread_out(*parameter.shape))
    means = torch.tensor([1.0, -1.0, 0.5])
    network.load_state_dict({"1.running_mean": means, "5.1.bias": torch.zeros(3)}, strict=False)
    for layer, training in zip(network.modules(), modes, strict=True):
        layer.training = training
    return network, images, labels


@contextlib.contextmanager
def modes_kept(layers):
    """Afterwards each of these layers is in the mode in which it was."""
    modes = [(layer, layer.training) for layer in layers]
    yield
    for layer, training in modes:
        layer.training = training


def accuracy_and_modes(returned, network, images, labels):
    """What a student sees of a call: the accuracy, and which layers train after it."""
    training = [type(layer).__name__ for layer in network.modules() if layer.training]
    return {"accuracy": returned, "layers in training mode afterwards": " ".join(training)}


@torch.no_grad()
def accuracy_now(network, images, labels):
    """The accuracy in whatever mode the layers are."""
    return (network(images).argmax(dim=1) == labels).float().mean().item()


def evaluated_and_left(network, images, labels):
    network.eval()
    return accuracy_now(network, images, labels)


def counted(network, images, labels):
    return round(accuracy_without_a_trace(network, images, labels) * len(labels))


LAYERS = 9  # of `network_in_modes`, the network itself and the one inside of it included


ALL, NONE = [True] * LAYERS, [False] * LAYERS


NORM_FROZEN = [True, True, False, *[True] * 6]


ONLY_DROPOUT = [False] * 7 + [True, False]


IMAGES = spread_out(6, 1, 3, 3) * torch.linspace(1, 3.5, 6).reshape(6, 1, 1, 1)


EXERCISE = Exercise(
    name="keep-the-modes",
    points=3,
    prepare=network_in_modes,
    outcome=accuracy_and_modes,
    cases=(
        Case(
            (ALL, IMAGES, torch.tensor([0, 2, 1, 2, 0, 1])),
            "a network with batch norm and dropout, all of it in training mode, and 6 images",
        ),
        Case(
            (NONE, IMAGES, torch.tensor([0, 2, 0, 0, 0, 1])),
            "the same network, all of it in evaluation mode",
        ),
        Case(
            (NORM_FROZEN, IMAGES[:5], torch.tensor([0, 2, 0, 2, 1])),
            "the same network in training mode, but its batch norm in evaluation mode; 5 images",
        ),
        Case(
            (ONLY_DROPOUT, IMAGES[:4], torch.tensor([0, 2, 0, 1])),
            "the same network in evaluation mode, but its dropout in training mode; 4 images",
        ),
    ),
    hints=(
        "Three steps: remember the modes, look, set the modes again.",
        "`[(layer, layer.training) for layer in network.modules()]` remembers every layer's mode.",
        "At the end go through that list and set `layer.training = training`. `train(...)` would "
        "set the layers inside as well.",
    ),
)


@EXERCISE.answer
def accuracy_without_a_trace(network, images, labels):
    with modes_kept(network.modules()):
        return evaluated_and_left(network, images, labels)


@EXERCISE.mistake(
    "eval forgotten",
    "The network was asked in the mode in which it came. Call `eval()` first, or dropout "
    "and batch norm behave as in training.",
)
def _(network, images, labels):
    return accuracy_now(network, images, labels)


@EXERCISE.mistake(
    "asked in training mode",
    "The network was asked in training mode. For an accuracy it has to be in evaluation mode.",
)
def _(network, images, labels):
    with modes_kept(network.modules()):
        return accuracy_now(network.train(), images, labels)


@EXERCISE.mistake(
    "left in evaluation mode",
    "The accuracy is right, but the network stays in evaluation mode. Remember each "
    "layer's `training` before you call `eval()`, and set it again at the end.",
)
def _(network, images, labels):
    return evaluated_and_left(network, images, labels)


@EXERCISE.mistake(
    "set to training mode",
    "The accuracy is right, but afterwards the whole network is in training mode. It may "
    "have come in evaluation mode.",
)
def _(network, images, labels):
    accuracy = evaluated_and_left(network, images, labels)
    network.train()
    return accuracy


@EXERCISE.mistake(
    "one mode for all",
    "The accuracy is right, and so is the network's own mode. But `train(...)` sets all "
    "its layers to that mode, and here one of them had another. Remember the mode of each.",
)
def _(network, images, labels):
    before = network.training
    accuracy = evaluated_and_left(network, images, labels)
    network.train(before)
    return accuracy


@EXERCISE.mistake(
    "children alone",
    "The accuracy is right. But the network itself has a mode, too, and so have layers "
    "inside of layers; they stay in evaluation. `network.modules()` goes through all of "
    "them; `children()` does not.",
)
def _(network, images, labels):
    with modes_kept(network.children()):
        return evaluated_and_left(network, images, labels)


@EXERCISE.mistake(
    "layers inside of layers",
    "The accuracy is right, and so are the modes of the network and of its children. But "
    "a child may hold layers, too, and they stay in evaluation. `network.modules()` goes "
    "through all of them.",
)
def _(network, images, labels):
    with modes_kept([network, *network.children()]):
        return evaluated_and_left(network, images, labels)


@EXERCISE.mistake(
    "share of mistakes", "This is the share that is wrong. Asked is the share that is right."
)
def _(network, images, labels):
    return 1 - accuracy_without_a_trace(network, images, labels)


@EXERCISE.mistake(
    "counted, not divided", "This is how many images are right. Asked is their share."
)
def _(network, images, labels):
    return counted(network, images, labels)


@EXERCISE.mistake("in percent", "These are percent. Asked is a share from 0 to 1.")
def _(network, images, labels):
    return 100 * accuracy_without_a_trace(network, images, labels)
