"""The exercise `class-accuracy`: answer, cases, and typical mistakes with their hints."""

import torch
from torch import nn

from mnist_course.assessment.exercise import Case, Exercise
from mnist_course.exercises.inputs import network_and_batches


def case(sizes, *values):
    text = f"a network with batch norm and dropout, in training mode; batches of {sizes}"
    seed, label, *without = values
    where = "".join(f", none of the class in batch {place + 1}" for place in without)
    return Case((seed, sizes, label, *without), f"{text}{where}; label {label}")


EXERCISE = Exercise(
    name="class-accuracy",
    points=3,
    prepare=network_and_batches,
    cases=(
        *(case([8, 5], 1, label) for label in range(3)),
        case([20, 12, 4], 2, 0),
        case([20, 12, 4], 2, 1),
        case([30], 3, 2),
        case([7, 4], 6, 1),
        case([6, 5, 9], 4, 1, 1),
        case([6, 1, 5], 9, 2),
        Case((None, [3], 0), "the example of the lesson"),
    ),
    hints=(
        "Begin with `evaluate` of [](#loop). Which two counts does it keep, and over which images "
        "should they go here?",
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


@torch.no_grad()
def right_by_batch(network, batches, label):
    """For each image of the class whether it is right, a tensor a batch, in the present modes."""
    return [network(images)[labels == label].argmax(dim=1) == label for images, labels in batches]


def mean(flags):
    return flags.float().mean().item()


def mean_now(network, batches, label):
    """The accuracy in whatever mode the layers are."""
    return mean(torch.cat(right_by_batch(network, batches, label)))


EXERCISE.mistake(
    "no eval()",
    "The network is in training mode, so batch norm uses the mean of each batch, and dropout "
    "drops. [Section](#modes) tells more.",
)(mean_now)


@EXERCISE.mistake(
    "one class in training mode",
    "The network is in training mode, so batch norm uses the mean of the few images that you give "
    "it. [Section](#modes) tells more.",
)
def _(network, batches, label):
    alone = [(images[labels == label], labels[labels == label]) for images, labels in batches]
    return mean_now(network, alone, label)


@EXERCISE.mistake(
    "dropout left on",
    "Batch norm is in evaluation mode, but dropout still drops. Which call reaches all layers?",
)
def _(network, batches, label):
    for layer in network.modules():
        layer.training = isinstance(layer, nn.Dropout)
    return mean_now(network, batches, label)


@EXERCISE.mistake(
    "mean over the batches",
    "Batches hold different numbers of this class, so count over all of them and divide once.",
)
def _(network, batches, label):
    shares = [mean(one) for one in right_by_batch(network.eval(), batches, label) if len(one)]
    return sum(shares) / len(shares)


EXERCISE.mistake(
    "mean over all batches",
    "A batch may hold no image of this class, so count over all batches and divide once.",
)(
    lambda network, batches, label: (
        sum(class_accuracy(network, [b], label) for b in batches) / len(batches)
    )
)
EXERCISE.mistake(
    "mean over means",
    "A batch without this class has no mean, so count over all batches and divide once.",
)(
    lambda network, batches, label: (
        sum(map(mean, right_by_batch(network.eval(), batches, label))) / len(batches)
    )
)


def share(of):
    """A wrong answer that is the mean of a flag for each image, from predictions and labels."""

    def answer(network, batches, label):
        with torch.no_grad():
            predictions = [network.eval()(images).argmax(dim=1) for images, _ in batches]
        return mean(of(torch.cat(predictions), torch.cat([labels for _, labels in batches]), label))

    return answer


EXERCISE.mistake(
    "all classes",
    "That is the accuracy over all classes. Look only at the images whose label is `label`.",
)(share(lambda predictions, labels, label: predictions == labels))
EXERCISE.mistake(
    "divided by all images",
    "You divide by the number of all images. How many images of this class are there?",
)(share(lambda predictions, labels, label: (predictions == label) & (labels == label)))
EXERCISE.mistake(
    "of those predicted",
    "You look at the images that the network *calls* so, not at those that really are so.",
)(share(lambda predictions, labels, label: labels[predictions == label] == label))
EXERCISE.mistake(
    "yes or no",
    "You also count images of other classes. Look only at the images whose label is `label`.",
)(share(lambda predictions, labels, label: (predictions == label) == (labels == label)))
EXERCISE.mistake(
    "share of predictions",
    "You count how often the network says `label`. How often is it right about this class?",
)(share(lambda predictions, labels, label: predictions == label))
EXERCISE.mistake(
    "last batch alone", "That is the last batch alone. Is a counter set to 0 inside the loop?"
)(lambda network, batches, label: class_accuracy(network, batches[-1:], label))
EXERCISE.mistake(
    "first batch alone", "That is the first batch alone. Is there a `return` inside the loop?"
)(lambda network, batches, label: class_accuracy(network, batches[:1], label))
EXERCISE.mistake(
    "a count", "That is how many are right. Divide by how many images of this class there are."
)(lambda network, *given: sum(map(int, torch.cat(right_by_batch(network.eval(), *given)))))
EXERCISE.mistake("percent", "That is a percentage. The exercise asks for a share from 0 to 1.")(
    lambda *given: 100 * class_accuracy(*given)
)
EXERCISE.mistake(
    "share of mistakes", "That is the share that is wrong. How large is the share that is right?"
)(lambda *given: 1 - class_accuracy(*given))
EXERCISE.mistake("whole division", "`//` rounds down, so the result is 0 unless all are right.")(
    lambda *given: class_accuracy(*given) // 1
)
