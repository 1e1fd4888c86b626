"""Numbers that say how good a classifier is.

Where a function takes several tensors, it raises CourseError unless they lie on one device.
"""

import math
from statistics import NormalDist, mean, variance

import torch

from mnist_course import runtime


def accuracy(logits, labels):
    """Share of rows whose largest logit is the label's: (N, K) and (N,) to a float in 0..1.

    Raises ValueError when there are not as many rows as labels, or none.
    """
    if len(logits) != len(labels) or len(labels) == 0:
        raise ValueError(f"{len(logits)} predictions for {len(labels)} labels")
    runtime.require_one_device(logits=logits, labels=labels)
    return (logits.argmax(dim=1) == labels).float().mean().item()


def interval(correct, total, confidence=0.95):
    """Wilson's interval for an accuracy of `correct` out of `total`: (low, high) in 0..1.

    It answers: which true accuracies are compatible with what was counted?
    Raises ValueError unless 0 <= correct <= total and total > 0.
    Source: Wilson (1927), Journal of the American Statistical Association 22.
    """
    if total <= 0 or not 0 <= correct <= total:
        raise ValueError(f"{correct} correct of {total} is impossible")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = correct / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    spread = math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    half = z / (1 + z * z / total) * spread
    # rounding must not leave the share itself outside
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


def gain(base, new):
    """How much better the new runs are on average than the base runs: (gain, its spread).

    base, new: accuracies of independent runs, at least two each. The spread is the standard
    deviation of the difference of the two means. Raises StatisticsError for fewer runs.
    """
    spread = math.sqrt(variance(base) / len(base) + variance(new) / len(new))
    return mean(new) - mean(base), spread


def confusion(predictions, labels, classes=10):
    """How often each true label (row) got each prediction (column): int64 (classes, classes).

    predictions and labels: whole numbers (N,). Raises ValueError when their numbers differ or
    one lies outside 0..classes - 1.
    """
    if len(predictions) != len(labels):
        raise ValueError(f"{len(predictions)} predictions for {len(labels)} labels")
    runtime.require_one_device(predictions=predictions, labels=labels)
    for name, values in (("prediction", predictions), ("label", labels)):
        if len(values) and not 0 <= values.min() <= values.max() < classes:
            raise ValueError(f"a {name} lies outside 0 to {classes - 1}")
    labels = labels.long()  # bytes would overflow in the next line
    return torch.bincount(labels * classes + predictions, minlength=classes**2).reshape(
        classes, classes
    )


def calibration(probabilities, labels, bins=10):
    """How often the network is right at each level of confidence.

    probabilities: (N, K), rows sum to 1. Returns three float tensors (bins,): mean confidence,
    accuracy and count of images in each bin of confidence; NaN in an empty bin.
    Raises ValueError for logits: they are no probabilities before a softmax.
    Source: Guo et al. (2017), section 2.
    """
    runtime.require_one_device(probabilities=probabilities, labels=labels)
    if probabilities.min() < 0 or probabilities.max() > 1 + 1e-5:
        raise ValueError("calibration expects probabilities in 0..1: logits.softmax(dim=1)")
    confidence, predictions = probabilities.max(dim=1)
    right = (predictions == labels).float()
    index = (confidence * bins).long().clamp(max=bins - 1)
    count = torch.bincount(index, minlength=bins).float()
    total_confidence = torch.bincount(index, weights=confidence, minlength=bins)
    total_right = torch.bincount(index, weights=right, minlength=bins)
    return total_confidence / count, total_right / count, count


def expected_calibration_error(probabilities, labels, bins=10):
    """How far confidence and accuracy lie apart on average over the images: a float in 0..1.

    Arguments and errors as in `calibration`. Source: Guo et al. (2017), equation 3.
    """
    confidence, accuracy, count = calibration(probabilities, labels, bins)
    gap = (confidence - accuracy).abs().nan_to_num()  # an empty bin weighs nothing
    return ((gap * count).sum() / count.sum()).item()


def temperature(logits, labels):
    """The number by which to divide logits (N, K) so that their loss on labels (N,) is smallest.

    Above 1 the network was too sure, below 1 not sure enough. No prediction changes. It is looked
    for between 0.01 and 100, where an end means that the loss has no smallest value.
    Raises ValueError when there are not as many rows as labels, or none.
    Source: Guo et al. (2017), section 4.2.
    """
    from scipy.optimize import minimize_scalar

    if len(logits) != len(labels) or len(labels) == 0:
        raise ValueError(f"{len(logits)} predictions for {len(labels)} labels")
    logits, labels = logits.detach().cpu().double(), labels.cpu()  # not every GPU has doubles

    def loss(exponent):
        return torch.nn.functional.cross_entropy(logits / 10**exponent, labels).item()

    return 10 ** float(minimize_scalar(loss, bounds=(-2, 2), method="bounded").x)
