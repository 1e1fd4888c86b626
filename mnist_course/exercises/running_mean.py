"""The exercise `running-mean`: answer, cases, and typical mistakes with their hints."""

from mnist_course.assessment.exercise import Case, Exercise
from mnist_course.exercises.inputs import spread_out, tensor


def channel_means(batch):
    return batch.mean(dim=(0, 2, 3))


EXERCISE = Exercise(
    name="running-mean",
    points=2,
    cases=(
        Case((tensor(0, 10), tensor(0, 2, 1, 5, shape=(1, 2, 1, 2)), 0.1)),
        Case((tensor(1, -1), tensor(*range(12), shape=(2, 2, 1, 3)), 0.25)),
        Case((tensor(0.5, 2, -3), spread_out(4, 3, 2, 5), 0.1), "four images, three channels"),
        Case((tensor(5), tensor(1, 2, 3, 4, shape=(1, 1, 2, 2)), 1.0)),
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


@EXERCISE.mistake(
    "shares swapped",
    "The two shares are swapped: the momentum is the share of the *new* mean. With 0.1 "
    "nine parts of ten are old.",
)
def _(running, batch, momentum):
    return momentum * running + (1 - momentum) * channel_means(batch)


@EXERCISE.mistake(
    "nothing forgotten",
    "The new mean was added, but nothing of the old one was taken away: it would grow "
    "with every batch. The two shares make 1 together.",
)
def _(running, batch, momentum):
    return running + momentum * channel_means(batch)


@EXERCISE.mistake(
    "old forgotten",
    "This is the mean of the batch alone. The running mean moves only a little way to it.",
)
def _(running, batch, momentum):
    return channel_means(batch) + 0 * running


@EXERCISE.mistake(
    "one mean for all",
    "All channels got the same batch mean. Take one for each channel: over the axes 0, 2 "
    "and 3, not over axis 1.",
)
def _(running, batch, momentum):
    return (1 - momentum) * running + momentum * batch.mean()


@EXERCISE.mistake(
    "sum for mean",
    "The numbers of a channel were added up, but the sum was not divided by their number.",
)
def _(running, batch, momentum):
    return (1 - momentum) * running + momentum * batch.sum(dim=(0, 2, 3))


@EXERCISE.mistake(
    "divided by images",
    "The sum of a channel was divided by the number of images. It goes over all places of "
    "all images: divide by N · H · W.",
)
def _(running, batch, momentum):
    return (1 - momentum) * running + momentum * batch.sum(dim=(0, 2, 3)) / len(batch)


@EXERCISE.mistake(
    "first image only",
    "Only the first image was looked at. The mean of a channel goes over all images of the batch.",
)
def _(running, batch, momentum):
    return (1 - momentum) * running + momentum * batch[0].mean(dim=(1, 2))


@EXERCISE.mistake(
    "a mean for each image",
    "You take a mean for each image: the axes 1, 2 and 3 are used up. A channel has its "
    "own mean, over the axes 0, 2 and 3.",
)
def _(running, batch, momentum):
    return (1 - momentum) * running + momentum * batch.mean(dim=(1, 2, 3))


@EXERCISE.mistake(
    "a mean for each image and channel",
    "You take a mean for each image: axis 0 is still there. A channel has one mean, over "
    "the axes 0, 2 and 3.",
)
def _(running, batch, momentum):
    return (1 - momentum) * running + momentum * batch.mean(dim=(2, 3))


@EXERCISE.mistake(
    "image by image",
    "The running mean moves once for each image. It moves once for a batch, to the mean "
    "over all its images.",
)
def _(running_mean, batch, momentum):
    for image in batch:
        running_mean = (1 - momentum) * running_mean + momentum * image.mean(dim=(1, 2))
    return running_mean


@EXERCISE.mistake(
    "last image only",
    "Only the last image counts. The mean of a channel goes over all images of the batch.",
)
def _(running, batch, momentum):
    return (1 - momentum) * running + momentum * batch[-1].mean(dim=(1, 2))


@EXERCISE.mistake(
    "images added up", "The means of the images were added up. Divide by the number of images, too."
)
def _(running, batch, momentum):
    return (1 - momentum) * running + momentum * batch.mean(dim=(2, 3)).sum(dim=0)


@EXERCISE.mistake(
    "half of each",
    "You take half of the old and half of the new. The momentum says which share is new.",
)
def _(running, batch, momentum):
    return (running + channel_means(batch)) / 2


@EXERCISE.mistake("momentum fixed", "Your momentum is always 0.1. Use the one that is handed in.")
def _(running, batch, momentum):
    return 0.9 * running + 0.1 * channel_means(batch)


@EXERCISE.mistake(
    "moved away", "The running mean moves away from the batch's mean. It should move towards it."
)
def _(running, batch, momentum):
    return running - momentum * (channel_means(batch) - running)
