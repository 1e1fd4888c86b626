"""The exercise `stratified-split`: answer, cases, and typical mistakes with their hints."""

import torch

from mnist_course.assessment.exercise import Case, Exercise

EXERCISE = Exercise(
    name="stratified-split",
    points=2,
    cases=(
        Case((torch.tensor([1, 0, 1, 1, 0, 1, 0, 1, 1]), 3)),
        Case((torch.tensor([2, 2, 0, 0, 1, 0, 2, 0, 0, 1, 0, 1]), 2)),
        Case((torch.tensor([9, 3, 9, 3, 3, 9, 9, 3, 9, 3, 9, 3, 3, 3, 3, 3]), 4)),
        Case((torch.tensor([4, 4, 4, 4, 4]), 2)),
        Case((torch.tensor([0, 1, 2, 0, 1, 2, 2]), 2)),
        Case((torch.tensor([12, 5, 12, 12, 5, 12, 5, 5, 5]), 3)),
        Case((torch.tensor([6, 2, 2, 6, 2]), 3)),
        Case((torch.tensor([7, 3, 7, 7, 3, 7]), 2)),
        Case((torch.tensor([5, 5]), 3)),
    ),
    hints=(
        "Go through the labels that occur, one after the other. Which places has each? How many "
        "of them go to validation?",
        "`(labels == 3).nonzero()[:, 0]` holds the places of the label 3, in ascending order. "
        "`labels.unique()` holds each label once.",
        "A [mask](#masks) of False for every image, set to True at the places chosen, keeps the "
        "order. `~` turns True into False.",
    ),
)


@EXERCISE.answer
def stratified_split(labels, parts):
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique():
        places = (labels == label).nonzero()[:, 0]
        chosen[places[: len(places) // parts]] = True
    return (~chosen).nonzero()[:, 0], chosen.nonzero()[:, 0]


def choosing(places_of):
    """A wrong answer: for validation it takes places_of(places of one label, parts)."""

    def answer(labels, parts):
        chosen = torch.zeros(len(labels), dtype=torch.bool)
        for label in labels.unique():
            chosen[places_of((labels == label).nonzero()[:, 0], parts)] = True
        return (~chosen).nonzero()[:, 0], chosen.nonzero()[:, 0]

    return answer


@EXERCISE.mistake(
    "not stratified",
    "You take the first of all labels together. Take them for each label separately, so that each "
    "keeps its share.",
)
def _(labels, parts):
    indices = torch.arange(len(labels))
    return indices[len(labels) // parts :], indices[: len(labels) // parts]


@EXERCISE.mistake(
    "the same number of each",
    "You take the same number of every label. But a frequent label should give more, so that each "
    "keeps its share.",
)
def _(labels, parts):
    each = len(labels) // parts // len(labels.unique())
    return choosing(lambda places, parts: places[:each])(labels, parts)


EXERCISE.mistake(
    "parts swapped", "The two parts are swapped: training comes first, validation second."
)(lambda labels, parts: stratified_split(labels, parts)[::-1])
EXERCISE.mistake(
    "the last ones",
    "You take the last places of each label for validation. Take the first ones.",
)(choosing(lambda places, parts: places[len(places) - len(places) // parts :]))
EXERCISE.mistake(
    "every few",
    "You take places of a label that are spread out. Take the first `count // parts` of them.",
)(choosing(lambda places, parts: places[::parts]))
EXERCISE.mistake("rounded up", "You round up. Of 5 places and 2 parts, 2 go to validation.")(
    choosing(lambda places, parts: places[: -(-len(places) // parts)])
)
EXERCISE.mistake(
    "at least one of each",
    "You take at least one place of every label. Rounded down, 2 places and 3 parts give none.",
)(choosing(lambda places, parts: places[: max(1, len(places) // parts)]))
EXERCISE.mistake(
    "first label alone",
    "Only places of the first label go to validation. Is there a `return` inside the loop?",
)(
    lambda labels, parts: stratified_split(
        # every other label becomes one that occurs once
        labels.where(labels == labels.min(), torch.arange(len(labels)) + labels.max() + 1),
        parts,
    )
)


@EXERCISE.mistake(
    "not in ascending order",
    "These are the right places, but label by label. They should be in ascending order.",
)
def _(labels, parts):
    train, validation = stratified_split(labels, parts)
    return tuple(part[labels[part].argsort(stable=True)] for part in (train, validation))


EXERCISE.mistake(
    "labels instead of places",
    "You return the labels of the two parts. Return their places, because these choose the "
    "images, too.",
)(lambda labels, parts: tuple(labels[part] for part in stratified_split(labels, parts)))
EXERCISE.mistake(
    "validation also in training",
    "What is in the validation part must not be in the training part as well.",
)(lambda labels, parts: (torch.arange(len(labels)), stratified_split(labels, parts)[1]))
EXERCISE.mistake(
    "parts images of each",
    "You take `parts` images of each label. But `parts` says how many parts there are: divide by "
    "it.",
)(choosing(lambda places, parts: places[:parts]))


@EXERCISE.mistake(
    "True and False instead of places",
    "You return True and False for every image. Return the places that are True; `nonzero()` "
    "finds them.",
)
def _(labels, parts):
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    chosen[stratified_split(labels, parts)[1]] = True
    return ~chosen, chosen


EXERCISE.mistake(
    "labels from 0 to 9 alone",
    "You go through the labels from 0 to 9. There may be others, so go through those that occur.",
)(
    lambda labels, parts: stratified_split(
        labels.where(labels < 10, torch.arange(len(labels)) + 10), parts
    )
)
EXERCISE.mistake(
    "shares swapped",
    "The shares are swapped: `count // parts` go to *validation*, all others to training.",
)(choosing(lambda places, parts: places[: len(places) - len(places) // parts]))
