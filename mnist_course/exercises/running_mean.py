"""The exercise `running-mean`: answer, cases, and typical mistakes with their hints."""

from mnist_course.assessment.exercise import Case, Exercise
from mnist_course.exercises.inputs import spread_out, tensor

EXERCISE = Exercise(
    name="running-mean",
    points=2,
    new_tensors=True,
    cases=(
        Case((tensor(0, 10), tensor(0, 2, 1, 5, shape=(1, 2, 1, 2)), 0.1)),
        Case((tensor(1, -1), tensor(*range(12), shape=(2, 2, 1, 3)), 0.25)),
        Case((tensor(0.5, 2, -3), spread_out(4, 3, 2, 5), 0.1), "four images, three channels"),
        Case((tensor(5), tensor(1, 2, 3, 4, shape=(1, 1, 2, 2)), 1.0)),
        Case((tensor(2, 7), tensor(*range(4), shape=(1, 2, 1, 2)), 0.0)),
        Case((tensor(0, 0), tensor(*range(4), shape=(2, 2, 1, 1)), 0.2)),
    ),
    hints=(
        "Do it in two lines: the mean of the batch, one number a channel; then the mix of old and "
        "new.",
        "`batch` has the axes N, C, H, W. Which of them has to stay? The mean uses up the others.",
        "`tensor.mean(dim=(…))` takes several axes at once. The old share is 1 - momentum.",
    ),
)


@EXERCISE.answer
def update_running_mean(running_mean, batch, momentum):
    return (1 - momentum) * running_mean + momentum * batch.mean(dim=(0, 2, 3))


def with_mean(of):
    """A wrong answer: the right mix with another mean of the batch."""
    return lambda running, batch, momentum: (1 - momentum) * running + momentum * of(batch)


def channel_means(batch):
    return batch.mean(dim=(0, 2, 3))


EXERCISE.mistake(
    "shares swapped",
    "The two shares are swapped: the momentum is the share of the *new* mean. With 0.1, nine "
    "parts of ten are old.",
)(lambda running, batch, momentum: momentum * running + (1 - momentum) * channel_means(batch))
EXERCISE.mistake(
    "nothing forgotten",
    "You add the new mean, but take nothing of the old one away, so the running mean would grow "
    "with every batch. The two shares should add up to 1.",
)(lambda running, batch, momentum: running + momentum * channel_means(batch))
EXERCISE.mistake(
    "old forgotten",
    "This is the mean of the batch alone. The running mean should move only a little way towards "
    "it.",
)(lambda running, batch, momentum: channel_means(batch) + 0 * running)
EXERCISE.mistake(
    "one mean for all",
    "All channels get the same batch mean. Take one for each channel: over the axes 0, 2 and 3, "
    "but not over axis 1.",
)(with_mean(lambda batch: batch.mean()))
EXERCISE.mistake(
    "sum for mean",
    "You add up the numbers of a channel, but do not divide by how many there are.",
)(with_mean(lambda batch: batch.sum(dim=(0, 2, 3))))
EXERCISE.mistake(
    "divided by images",
    "You divide the sum of a channel by the number of images. But it goes over all places of all "
    "images. How many numbers are that?",
)(with_mean(lambda batch: batch.sum(dim=(0, 2, 3)) / len(batch)))
EXERCISE.mistake(
    "first image only",
    "You only look at the first image. The mean of a channel goes over all images of the batch.",
)(with_mean(lambda batch: batch[0].mean(dim=(1, 2))))
EXERCISE.mistake(
    "a mean for each image",
    "You take a mean for each image, because you use up the axes 1, 2 and 3. A channel has its "
    "own mean, over the axes 0, 2 and 3.",
)(with_mean(lambda batch: batch.mean(dim=(1, 2, 3))))
EXERCISE.mistake(
    "a mean for each image and channel",
    "You take a mean for each image, because axis 0 is still there. A channel has one mean, over "
    "the axes 0, 2 and 3.",
)(with_mean(lambda batch: batch.mean(dim=(2, 3))))


@EXERCISE.mistake(
    "image by image",
    "Your running mean moves once for each image. It should move once for the whole batch, "
    "towards the mean over all its images.",
)
def _(running_mean, batch, momentum):
    for image in batch:
        running_mean = (1 - momentum) * running_mean + momentum * image.mean(dim=(1, 2))
    return running_mean


EXERCISE.mistake(
    "last image only",
    "Only the last image counts in your mean. The mean of a channel goes over all images of the "
    "batch.",
)(with_mean(lambda batch: batch[-1].mean(dim=(1, 2))))
EXERCISE.mistake(
    "images added up", "You add up the means of the images. Divide by the number of images, too."
)(with_mean(lambda batch: batch.mean(dim=(2, 3)).sum(dim=0)))
EXERCISE.mistake(
    "half of each",
    "You take half of the old and half of the new. The momentum says which share is new.",
)(lambda running, batch, momentum: (running + channel_means(batch)) / 2)
EXERCISE.mistake("momentum fixed", "Your momentum is always 0.1. Use the one that is given.")(
    lambda running, batch, momentum: 0.9 * running + 0.1 * channel_means(batch)
)
EXERCISE.mistake(
    "moved away", "The running mean moves away from the batch's mean. It should move towards it."
)(lambda running, batch, momentum: running - momentum * (channel_means(batch) - running))
