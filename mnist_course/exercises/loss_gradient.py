"""The exercise `loss-gradient`: answer, cases, and typical mistakes with their hints."""

import torch
from torch.nn import functional as F

from mnist_course.assessment.exercise import Case, Exercise
from mnist_course.exercises.inputs import numbers

EXERCISE = Exercise(
    name="loss-gradient",
    points=2,
    cases=(
        Case((torch.tensor([[5.5, -1.0, 2.0], [0.0, 0.0, 0.0]]), torch.tensor([2, 0]))),
        Case((torch.tensor([[1.0, 2.0]]), torch.tensor([1]))),
        Case((numbers(3, 4) / 3, torch.tensor([3, 0, 3]))),
        Case((numbers(4, 3) / 2, torch.tensor([0, 1, 2, 1]))),
        Case((numbers(2, 10) / 4, torch.tensor([7, 9]))),
        Case((torch.zeros(2, 2), torch.tensor([0, 1]))),
        Case((numbers(2, 5) / 3, torch.tensor([1, 0]))),
        Case((numbers(2, 4) / 3, torch.tensor([0, 2]))),
    ),
    hints=(
        "The rule for one image stands in [the step of gradient descent](#gradient-step). What "
        "does the mean over N images do to the slope of each?",
        "`logits.softmax(dim=1)` holds all probabilities. In each row, one of them has to become "
        "smaller by 1.",
        "Where does the 1 have to be subtracted? `nn.functional.one_hot(labels, K)` is 1 there "
        "and 0 everywhere else.",
    ),
)


@EXERCISE.answer
def loss_gradient(logits, labels):
    targets = F.one_hot(labels, logits.shape[1])
    return (logits.softmax(dim=1) - targets) / len(labels)


def gradient_of_the_sum(logits, labels):
    return loss_gradient(logits, labels) * len(labels)


EXERCISE.mistake(
    "gradient of the sum",
    "This is the gradient of the *sum* of the losses. The loss of a batch is the mean.",
)(lambda logits, labels: gradient_of_the_sum(logits, labels))
EXERCISE.mistake("sign", "The signs are wrong: the slope of a right logit is never positive.")(
    lambda logits, labels: -loss_gradient(logits, labels)
)
EXERCISE.mistake("1 not subtracted", "In the slopes of the right classes the − 1 is missing.")(
    lambda logits, labels: logits.softmax(dim=1) / len(labels)
)
EXERCISE.mistake(
    "1 subtracted everywhere",
    "You subtract 1 from every probability. Subtract it only from that of the right class.",
)(lambda logits, labels: (logits.softmax(dim=1) - 1) / len(labels))
EXERCISE.mistake(
    "softmax along the batch",
    "Your softmax goes over the images of the batch. The probabilities of *one* image add up to "
    "1: `dim=1`.",
)(lambda logits, labels: (logits.softmax(dim=0) - F.one_hot(labels, logits.shape[1])) / len(labels))
EXERCISE.mistake(
    "divided by all numbers",
    "You divide by the number of classes, too. The mean goes over the images alone.",
)(lambda logits, labels: loss_gradient(logits, labels) / logits.shape[1])
EXERCISE.mistake(
    "no softmax", "You subtract from the logits. The rule is about the probabilities."
)(lambda logits, labels: (logits - F.one_hot(labels, logits.shape[1])) / len(labels))
EXERCISE.mistake(
    "right class alone",
    "Your slopes are right for the right classes, and 0 for the others. But the others have "
    "slopes, too: they are pushed down.",
)(lambda logits, labels: loss_gradient(logits, labels) * F.one_hot(labels, logits.shape[1]))
EXERCISE.mistake(
    "images added up",
    "You add up the images. But each image has a gradient of its own, so the result has the shape "
    "of the logits.",
)(lambda logits, labels: loss_gradient(logits, labels).sum(dim=0))
EXERCISE.mistake(
    "label subtracted",
    "You subtract the label itself. Subtract a 1, at the place that the label names.",
)(lambda logits, labels: (logits.softmax(dim=1) - labels[:, None]) / len(labels))
EXERCISE.mistake(
    "divided by the classes",
    "You divide by the number of classes. The mean goes over the images: divide by their number.",
)(lambda logits, labels: gradient_of_the_sum(logits, labels) / logits.shape[1])


@EXERCISE.mistake(
    "every label in every image",
    "`[:, labels]` takes every label in every image. In each image only one number should change: "
    "`[torch.arange(N), labels]`.",
)
def _(logits, labels):
    gradient = logits.softmax(dim=1)
    gradient[:, labels] -= 1
    return gradient / len(labels)


EXERCISE.mistake(
    "number of classes not told",
    "Without a number of classes, `one_hot` makes only as many columns as the largest label "
    "needs. But the last class may be missing in a batch.",
)(lambda logits, labels: (logits.softmax(dim=1) - F.one_hot(labels)) / len(labels))
