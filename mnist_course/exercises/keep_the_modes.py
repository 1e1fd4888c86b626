"""The exercise `keep-the-modes`: answer, cases, and typical mistakes with their hints."""

import contextlib

import torch
from torch import nn

from mnist_course.assessment.exercise import Case, Exercise
from mnist_course.exercises.inputs import network_in_modes, spread_out, tensor


def accuracy_and_modes(returned, network, images, labels):
    """What a student sees of a call: the accuracy, and which layers train after it."""
    training = [type(layer).__name__ for layer in network.modules() if layer.training]
    return {"accuracy": returned, "layers in training mode afterwards": " ".join(training)}


IMAGES = spread_out(6, 1, 3, 3) * torch.linspace(1, 3.5, 6).reshape(6, 1, 1, 1)
ALL, NONE = [True] * 12, [False] * 12
NORM_FROZEN = [True, True, False, *[True] * 9]
SOME_DROPOUT = [False] * 8 + [True, True, False, False]
NETWORK = "a network with batch norm, dropout, and layers that add noise while training,"


def case(modes, labels, text):
    images = IMAGES[: len(labels)]
    return Case((modes, images, torch.tensor(labels)), f"{text}; images: {len(images)}")


EXERCISE = Exercise(
    name="keep-the-modes",
    points=3,
    prepare=network_in_modes,
    outcome=accuracy_and_modes,
    cases=(
        case(ALL, [0, 2, 1, 2, 0, 1], f"{NETWORK} in training mode"),
        case(NONE, [0, 2, 0, 0, 0, 1], "the same network in evaluation mode"),
        case(NORM_FROZEN, [0, 2, 0, 2, 1], "in training mode, but batch norm in evaluation mode"),
        case(SOME_DROPOUT, [0, 2, 0, 1], "only a ReLU and a dropout in training mode"),
        case(ALL, [0], "the same network in training mode"),
        Case(
            ([True] * 3, tensor(1, 2, 4, 3, shape=(2, 1, 1, 2)), torch.tensor([1, 1])),
            "the example of the lesson",
        ),
    ),
    hints=(
        "Three steps: remember the modes, look, set the modes again.",
        "`[(layer, layer.training) for layer in network.modules()]` remembers every layer's mode.",
        "At the end go through that list and set `layer.training = training`. `train(...)` would "
        "set the layers inside as well.",
    ),
)


@contextlib.contextmanager
def modes_kept(layers):
    """Afterwards each of these layers is in the mode in which it was."""
    modes = [(layer, layer.training) for layer in layers]
    yield
    for layer, training in modes:
        layer.training = training


@torch.no_grad()
def accuracy_now(network, images, labels):
    """The accuracy in whatever mode the layers are."""
    return (network(images).argmax(dim=1) == labels).float().mean().item()


@EXERCISE.answer
def accuracy_without_a_trace(network, images, labels):
    with modes_kept(network.modules()):
        return accuracy_now(network.eval(), images, labels)


def keeping(layers_of):
    """An answer that keeps the modes of some layers alone."""

    def answer(network, images, labels):
        with modes_kept(list(layers_of(network))):
            return accuracy_now(network.eval(), images, labels)

    return answer


EXERCISE.mistake(
    "eval forgotten",
    "You ask the network in the mode in which it comes, so dropout and batch norm behave as in "
    "training. Which call changes that?",
)(accuracy_now)


@EXERCISE.mistake(
    "asked in training mode",
    "You ask the network in training mode. For an accuracy it has to be in evaluation mode.",
)
def _(network, images, labels):
    with modes_kept(network.modules()):
        return accuracy_now(network.train(), images, labels)


@EXERCISE.mistake(
    "some kinds of layers alone",
    "You look for kinds of layers by name, but there are more: `Dropout2d`, for example, or a "
    "layer that somebody wrote. `eval()` reaches all of them.",
)
def _(network, images, labels):
    kinds = nn.Dropout, nn.BatchNorm1d, nn.BatchNorm2d
    layers = [layer for layer in network.modules() if isinstance(layer, kinds)]
    with modes_kept(layers):
        for layer in layers:
            layer.training = False
        return accuracy_now(network, images, labels)


EXERCISE.mistake(
    "left in evaluation mode",
    "The accuracy is right, but the network stays in evaluation mode. Remember the mode of each "
    "layer before you call `eval()`, so that you can set it again at the end.",
)(lambda network, images, labels: accuracy_now(network.eval(), images, labels))


@EXERCISE.mistake(
    "set to training mode",
    "The accuracy is right, but afterwards the whole network is in training mode. It may have "
    "come in evaluation mode.",
)
def _(network, images, labels):
    accuracy = accuracy_now(network.eval(), images, labels)
    network.train()
    return accuracy


@EXERCISE.mistake(
    "one mode for all",
    "The accuracy is right, and so is the network's own mode. But `train(...)` sets all its "
    "layers to that mode, and here one of them had another. Remember the mode of each.",
)
def _(network, images, labels):
    before = network.training
    accuracy = accuracy_now(network.eval(), images, labels)
    network.train(before)
    return accuracy


EXERCISE.mistake(
    "children alone",
    "The accuracy is right. But the network itself has a mode, too, and so have layers inside of "
    "layers, and these stay in evaluation mode, because `children()` does not reach them.",
)(keeping(nn.Module.children))
EXERCISE.mistake(
    "layers inside of layers",
    "The accuracy is right, and so are the modes of the network and of its children. But a child "
    "may hold layers, too, and these stay in evaluation mode. What goes through all of them?",
)(keeping(lambda network: [network, *network.children()]))
EXERCISE.mistake(
    "share of mistakes", "This is the share that is wrong. How large is the share that is right?"
)(lambda *given: 1 - accuracy_without_a_trace(*given))
EXERCISE.mistake(
    "counted, not divided", "This is how many images are right. The exercise asks for their share."
)(lambda *given: round(accuracy_without_a_trace(*given) * len(given[2])))
EXERCISE.mistake("in percent", "This is a percentage. The exercise asks for a share from 0 to 1.")(
    lambda *given: 100 * accuracy_without_a_trace(*given)
)
