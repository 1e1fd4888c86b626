"""The exercise `stable-cross-entropy`: answer, cases, and typical mistakes with their hints."""

import torch
from torch.nn import functional as F

from mnist_course.assessment.exercise import Case, Exercise


def logits_of(*rows):
    return torch.tensor(rows, dtype=torch.float32, requires_grad=True)


def loss_with_its_way_back(loss, logits, labels):
    """The loss; without its graph, if that does not lead to the slopes of a right loss."""
    right = F.cross_entropy(logits, labels)
    if loss.shape != right.shape or not torch.isclose(loss, right, rtol=1e-3, atol=1e-4):
        return loss  # its number tells more
    (wanted,) = torch.autograd.grad(right, logits)
    try:
        (slopes,) = torch.autograd.grad(loss, logits, allow_unused=True)
    except RuntimeError:  # `backward()` was called, and its graph is gone
        slopes = None
    # far from 0 a logit keeps few digits behind the point, and so do its powers
    close = slopes is not None and torch.allclose(slopes, wanted, rtol=0.02, atol=0.002)
    return loss if close else loss.detach()


EXERCISE = Exercise(
    name="stable-cross-entropy",
    points=2,
    prepare=lambda rows, labels: (logits_of(*rows), torch.tensor(labels)),
    outcome=loss_with_its_way_back,
    cases=(
        Case(([[5.5, -1.0, 2.0]], [2])),
        Case(([[1.0, 2.0, 0.5, -1.0], [0.0, 0.0, 3.0, 1.0]], [1, 0])),
        Case(([[0.5, -0.5], [2.0, 1.0], [-1.0, 3.0]], [0, 1, 1])),
        Case(([[2.0] * 10], [4])),
        Case(([[1000.0, 0.0, 0.0], [0.0, 1.0, 2.0]], [1, 2])),
        Case(([[-500.0, -500.0, -499.0]], [0])),
        Case(([[1000.0, 0.0]], [0])),
        Case(([[0.0, 3000.0]], [0])),
        Case(([[1000.0, 1000.0], [0.0, 0.0]], [1, 0])),
    ),
    hints=(
        "First on paper: −ln of a softmax is ln of a sum, minus one logit. Which?",
        "`logits[torch.arange(len(labels)), labels]` is the logit of the right class, for each "
        "image.",
        "ln(e^a + e^b) = m + ln(e^(a − m) + e^(b − m)) for every m. With the largest logit as m, "
        "nothing becomes infinite. In torch this is `logsumexp`.",
    ),
    tolerance=1e-3,  # a difference of two numbers near 1000 keeps no more digits
)


@EXERCISE.answer
def cross_entropy(logits, labels):
    rows = torch.arange(len(labels))
    return (logits.logsumexp(dim=1) - logits[rows, labels]).mean()


def at_labels(values, labels):
    return values[torch.arange(len(labels)), labels]


def overflow_of_the_sum(logits, labels):
    return (logits.exp().sum(dim=1).log() - at_labels(logits, labels)).mean()


EXERCISE.mistake(
    "sum instead of mean", "You add up the losses of the images. The exercise asks for their mean."
)(lambda logits, labels: F.cross_entropy(logits, labels, reduction="sum"))
EXERCISE.mistake(
    "a softmax too many",
    "There is a softmax too many: `cross_entropy` takes logits and does the softmax "
    "[itself](#loss).",
)(lambda logits, labels: F.cross_entropy(logits.softmax(dim=1), labels))


@EXERCISE.mistake(
    "overflow",
    "Right for small logits. But e to the power of 1000 is larger than any number that fits, and "
    "becomes infinite. What happens to a softmax when the same number is subtracted from all its "
    "logits?",
)
def _(logits, labels):
    powers = logits.exp()
    return -(at_labels(powers, labels) / powers.sum(dim=1)).log().mean()


EXERCISE.mistake(
    "overflow of the sum",
    "Right for small logits. But e to the power of 1000 is infinite, and a sum of e to the power "
    "of −500 is 0. Subtract the largest logit of each row first, and add it again after the "
    "logarithm.",
)(overflow_of_the_sum)
EXERCISE.mistake(
    "logarithm of 0",
    "A very small probability is rounded to 0, and its logarithm is minus infinity. The logarithm "
    "of the quotient is a difference: work it out on paper, then no probability is needed.",
)(lambda logits, labels: -at_labels(logits.softmax(dim=1), labels).log().mean())
EXERCISE.mistake(
    "softmax along the batch",
    "Your softmax goes over the images of the batch. The probabilities of *one* image add up to "
    "1: `dim=1`.",
)(lambda logits, labels: -at_labels(logits.log_softmax(dim=0), labels).mean())
EXERCISE.mistake("sign", "The sign is wrong: a loss is never negative.")(
    lambda logits, labels: -cross_entropy(logits, labels)
)
EXERCISE.mistake(
    "no logarithm",
    "You take one minus the probability. Cross-entropy takes its logarithm, with a minus.",
)(lambda logits, labels: (1 - at_labels(logits.softmax(dim=1), labels)).mean())
EXERCISE.mistake(
    "divided by the classes",
    "You divide by the number of classes, too. Each image has one loss; their mean divides by the "
    "number of images.",
)(lambda logits, labels: cross_entropy(logits, labels) / logits.shape[1])
EXERCISE.mistake(
    "the network's answer",
    "You take the largest probability. The loss looks at the probability of the *right* class, "
    "whatever the network prefers.",
)(lambda logits, labels: -logits.log_softmax(dim=1).max(dim=1).values.mean())
EXERCISE.mistake(
    "one loss for each image",
    "You return one loss for each image. The exercise asks for their mean.",
)(lambda logits, labels: F.cross_entropy(logits, labels, reduction="none"))
EXERCISE.mistake(
    "one maximum for the batch",
    "You subtract the largest logit of the whole batch. In a row that lies far below it, all "
    "powers are then 0. Each row has a largest logit of its own.",
)(lambda logits, labels: overflow_of_the_sum(logits - logits.max(), labels))
EXERCISE.mistake(
    "maximum not added again",
    "You subtract the largest logit of each row in the sum, but do not add it again after the "
    "logarithm.",
)(lambda logits, labels: cross_entropy(logits, labels) - logits.max(dim=1).values.mean())
EXERCISE.mistake(
    "every label with every image",
    "`[:, labels]` takes every label for every image. But each image has only one right logit, "
    "that of its own label.",
)(lambda logits, labels: -logits.log_softmax(dim=1)[:, labels].mean())
EXERCISE.mistake(
    "logarithm to base 2",
    "Your logarithm has another base. ln is the one to base e, in torch `log`.",
)(lambda logits, labels: cross_entropy(logits, labels) / torch.tensor(2.0).log())
