"""The exercise `calibration-error`: answer, cases, and typical mistakes with their hints."""

import torch

from mnist_course.assessment.exercise import Case, Exercise


def case(confidence, right, bins, text=""):
    return Case((torch.tensor(confidence), torch.tensor(right, dtype=torch.bool), bins), text)


EXERCISE = Exercise(
    name="calibration-error",
    points=2,
    cases=(
        case([0.9, 0.95, 0.3, 0.35], [1, 0, 1, 1], 2),
        case([0.61, 0.65, 0.71, 0.99, 0.93, 0.92, 0.55], [1, 0, 1, 1, 1, 0, 0], 10),
        case([0.61, 0.65, 0.71, 0.99, 0.93, 0.92, 0.55], [1, 0, 1, 1, 1, 0, 0], 5),
        case([1.0, 1.0, 1.0, 0.2], [1, 1, 0, 0], 4, "three confidences of exactly 1"),
        case([0.97, 0.98, 0.99], [1, 1, 1], 10),
        case([0.52, 0.88, 0.93, 0.96, 0.97, 0.91], [1, 1, 0, 1, 1, 1], 3),
        case([0.73], [0], 7),
        case([0.5, 0.75, 0.25, 0.25], [0, 1, 1, 0], 2, "a confidence between two bins, 0.5"),
    ),
    hints=(
        "Give each image the number of its bin first. Then go through the bins one by one.",
        "In a bin, compare the mean of `confidence` with the mean of `right.float()`. An empty bin "
        "has no mean, so skip it.",
        "Each bin counts as much as it holds: multiply its gap by its number of images, add up, "
        "and divide by the number of all images.",
    ),
)


@EXERCISE.answer
def calibration_error(confidence, right, bins):
    number = (confidence * bins).long().clamp(max=bins - 1)
    total = 0.0
    for one in range(bins):
        inside = number == one
        if inside.any():
            gap = confidence[inside].mean() - right[inside].float().mean()
            total += abs(gap.item()) * inside.sum().item()
    return total / len(confidence)


def gaps(confidence, right, bins, sure=None):
    """For each bin that is not empty (gap, images); sure: what stands for its confidence."""
    number = (confidence * bins).long().clamp(max=bins - 1)
    found = []
    for one in range(bins):
        inside = number == one
        if inside.any():
            mean = confidence[inside].mean().item() if sure is None else sure(one, bins)
            found.append((mean - right[inside].float().mean().item(), inside.sum().item()))
    return found


def weighted(found):
    return sum(gap * count for gap, count in found) / sum(count for _, count in found)


EXERCISE.mistake(
    "bins alike",
    "You take the plain mean over the bins. A bin with many images has to count more than one with "
    "a few.",
)(lambda *given: sum(abs(gap) for gap, _ in gaps(*given)) / len(gaps(*given)))
EXERCISE.mistake(
    "divided by all bins",
    "You divide by the number of bins, empty ones included. Weigh each bin by its images instead.",
)(lambda *given: sum(abs(gap) for gap, _ in gaps(*given)) / given[-1])
EXERCISE.mistake(
    "signed",
    "Your gaps have signs, so a bin that is too sure makes up for one that is not sure enough. "
    "Take `abs` of each gap.",
)(lambda *given: weighted(gaps(*given)))
EXERCISE.mistake(
    "one bin",
    "You compare the two means over all images. Confidence that is too high here and too low there "
    "would pass; that is what the bins are for.",
)(lambda *given: abs(weighted(gaps(*given))))
EXERCISE.mistake(
    "largest gap",
    "That is the largest gap of all bins. The exercise asks for the mean, weighted by images.",
)(lambda *given: max(abs(gap) for gap, _ in gaps(*given)))
EXERCISE.mistake(
    "middle of the bin",
    "You take the middle of a bin for its confidence. Take the mean of the confidences that lie in "
    "it.",
)(
    lambda confidence, right, bins: weighted(
        [
            (abs(gap), count)
            for gap, count in gaps(confidence, right, bins, lambda one, bins: (one + 0.5) / bins)
        ]
    )
)


@EXERCISE.mistake(
    "1 falls out",
    "A confidence of exactly 1 is in no bin of yours. It belongs to the last one.",
)
def _(confidence, right, bins):
    kept = confidence < 1
    if not kept.any():
        return 0.0
    return calibration_error(confidence[kept], right[kept], bins) * kept.sum().item() / len(right)


@EXERCISE.mistake(
    "edges in the lower bin",
    "A confidence that lies exactly between two bins is in the lower one of yours. `c * bins`, "
    "rounded down, gives the upper one.",
)
def _(confidence, right, bins):
    lower = (confidence * bins).ceil() - 1
    middle = (lower.clamp(min=0) + 0.5) / bins  # of the bin, so that no edge is left
    inside = [middle == one for one in middle.unique()]
    means = [(confidence[one].mean(), right[one].float().mean(), one.sum()) for one in inside]
    return sum(float(abs(sure - share) * count) for sure, share, count in means) / len(right)


EXERCISE.mistake("squared", "Your gaps are squared. Take `abs` of each.")(
    lambda *given: weighted([(gap**2, count) for gap, count in gaps(*given)])
)
EXERCISE.mistake("not divided", "That is a sum over all images. Divide it by their number.")(
    lambda *given: sum(abs(gap) * count for gap, count in gaps(*given))
)
EXERCISE.mistake("percent", "That is a percentage. The exercise asks for a share from 0 to 1.")(
    lambda *given: 100 * calibration_error(*given)
)
EXERCISE.mistake("bins fixed", "Your function always takes 10 bins, whatever `bins` is.")(
    lambda confidence, right, bins: calibration_error(confidence, right, 10)
)
