"""The exercise `light-on-dark`: answer, cases, and typical mistakes with their hints."""

import torch

from mnist_course.assessment.exercise import Case, Exercise


def bytes_of(*rows):
    return torch.tensor(rows, dtype=torch.uint8)


EXAMPLE = bytes_of([250, 250, 20], [250, 10, 250], [250, 250, 250])
BLACKBOARD = bytes_of([5, 0, 9, 4], [0, 200, 220, 0], [3, 180, 255, 8], [0, 7, 1, 0])
# a fat digit: most of the picture is ink, and ink also covers the upper left corner
FAT_ON_WHITE = torch.full((8, 7), 15, dtype=torch.uint8)
FAT_ON_WHITE[[0, -1]] = 240
FAT_ON_WHITE[:, [0, -1]] = 225
FAT_ON_WHITE[:2, 0] = 30
FAT_ON_BLACK = 255 - FAT_ON_WHITE
# the first row alone is ink, and so is the last column
TOP_OF_INK = bytes_of(
    [10, 20, 15, 5], [250, 240, 100, 245], [240, 50, 255, 250], [250, 245, 240, 235],
    [240, 250, 255, 250],
)  # fmt: skip
EDGE_OF_BRIGHT = bytes_of([128, 128, 128], [128, 7, 128], [128, 128, 128])
EDGE_OF_DARK = bytes_of([127, 127, 127], [127, 250, 127], [127, 127, 127])
# a few very bright pixels raise the mean, and most of the border is dark all the same
SPECKS = bytes_of([255, 100, 255, 110], [120, 200, 220, 100], [255, 110, 120, 127])
# half of the border is bright, which is not most of it; with two of the four corners
HALF = bytes_of([200, 210, 130, 90], [20, 240, 250, 10], [255, 220, 30, 0])
# the four corners alone are bright
CORNERS = bytes_of([200, 10, 20, 210], [30, 0, 0, 40], [220, 50, 60, 230])

EXERCISE = Exercise(
    name="light-on-dark",
    points=1,
    cases=(
        Case((EXAMPLE,)),
        Case((BLACKBOARD,), "chalk on a blackboard"),
        Case((FAT_ON_WHITE,), "a fat digit on white paper"),
        Case((FAT_ON_BLACK,), "a fat digit on black paper"),
        Case((TOP_OF_INK,), "white paper with ink along the upper edge"),
        Case((EDGE_OF_BRIGHT,), "paper of exactly 128"),
        Case((EDGE_OF_DARK,), "paper of exactly 127"),
        Case((SPECKS,), "dark paper with a few bright specks"),
        Case((HALF,), "a border of which just half is bright"),
        Case((CORNERS,), "dark paper with four bright corners"),
    ),
    hints=(
        "Two steps: find the outermost pixels, and ask whether most of them are 128 or brighter.",
        "The outermost pixels are all but `picture[1:-1, 1:-1]`. A mask of True and False can say "
        "which they are.",
        "The mean of True and False is the share of True. Where it is above one half, return "
        "`255 - picture`.",
    ),
)


def outermost(picture):
    mask = torch.ones(picture.shape, dtype=torch.bool)
    mask[1:-1, 1:-1] = False
    return picture[mask]


@EXERCISE.answer
def light_on_dark(picture):
    bright = (outermost(picture) >= 128).float().mean() > 0.5
    return 255 - picture if bright else picture


def turned_where(bright):
    """An answer that turns a picture round where `bright` says so."""
    return lambda picture: 255 - picture if bright(picture) else picture


EXERCISE.mistake(
    "the whole picture",
    "You look at all pixels. A fat digit covers more than half of its picture, so look at the "
    "outermost pixels alone.",
)(turned_where(lambda picture: (picture >= 128).float().mean() > 0.5))
EXERCISE.mistake(
    "mean of the whole picture",
    "You take the mean of all pixels. A fat digit covers more than half of its picture, so look at "
    "the outermost pixels alone.",
)(turned_where(lambda picture: picture.float().mean() > 127.5))
EXERCISE.mistake(
    "one corner",
    "One pixel decides in your function. Ink may reach a corner, so ask all outermost pixels.",
)(turned_where(lambda picture: picture[0, 0] >= 128))
EXERCISE.mistake(
    "first row alone",
    "The first row decides in your function. The last row and both outer columns belong to the "
    "border, too.",
)(turned_where(lambda picture: (picture[0] >= 128).float().mean() > 0.5))
EXERCISE.mistake(
    "mean of the border",
    "You take the mean of the border's bytes, and a few very bright pixels can raise it. Ask of "
    "each pixel whether it is 128 or brighter, and count.",
)(turned_where(lambda picture: outermost(picture).float().mean() >= 128))
EXERCISE.mistake("128 is dark", "A pixel of exactly 128 counts as bright: `>=` instead of `>`.")(
    turned_where(lambda picture: (outermost(picture) > 128).float().mean() > 0.5)
)
EXERCISE.mistake(
    "half is enough",
    "Bright paper needs most of the outermost pixels, so more than half of them: `>` instead of "
    "`>=`.",
)(turned_where(lambda picture: (outermost(picture) >= 128).float().mean() >= 0.5))


@EXERCISE.mistake(
    "corners twice",
    "Your corners count twice, because each lies in a row and in a column. Each pixel counts once.",
)
@turned_where
def _(picture):
    sides = torch.cat([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    return (sides >= 128).float().mean() > 0.5


EXERCISE.mistake(
    "always turned", "You turn every picture round, also one whose paper is dark already."
)(lambda picture: 255 - picture)
EXERCISE.mistake(
    "the wrong ones turned",
    "You turn round the pictures that are right already. Bright paper has to be turned.",
)(lambda picture: picture if (outermost(picture) >= 128).float().mean() > 0.5 else 255 - picture)
EXERCISE.mistake(
    "minus the picture",
    "You return `-picture`, or subtract from something else than 255. Black, 0, has to become 255.",
)(lambda picture: -picture if (outermost(picture) >= 128).float().mean() > 0.5 else picture)
