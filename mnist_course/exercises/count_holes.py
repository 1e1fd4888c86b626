"""The exercise `count-holes`: answer, cases, and typical mistakes with their hints."""

import torch
from scipy import ndimage

from mnist_course.assessment.exercise import Case, Exercise


def drawn(*rows):
    """An image of bytes: # is full ink, + is half of it, anything else is paper."""
    ink = {"#": 255, "+": 128, "-": 100}
    return torch.tensor([[ink.get(sign, 0) for sign in row] for row in rows], dtype=torch.uint8)


RING = drawn("......", ".####.", ".#..#.", ".####.", "......")
TWO = drawn(".......", ".#####.", ".#...#.", ".#####.", ".#.#.#.", ".#####.", ".......")
OPEN = drawn(".......", ".#...#.", ".#...#.", ".#####.", ".....#.", ".....#.", ".......")
ACROSS = drawn("..#..", "..#..", "..#..", "..#..")
CORNER = drawn("###..", "#.#..", "###..", ".....")
DIAGONAL = drawn(".....", "..#..", ".#.#.", "..#..", ".....")
FAINT = drawn(".....", ".###.", ".+.#.", ".###.", ".....")
FAINTER = drawn(".....", ".###.", ".-.#.", ".###.", ".....")
EXAMPLE = torch.tensor([[9, 9, 9], [9, 0, 9], [9, 9, 9]], dtype=torch.uint8)
EDGES = drawn("#...#", ".#.#.", "..#..", ".#.#.", "#...#")

EXERCISE = Exercise(
    name="count-holes",
    points=2,
    cases=(
        Case((RING, 128)),
        Case((TWO, 128), "an 8 of ink"),
        Case((OPEN, 128), "a 4 that is open at the top"),
        Case((ACROSS, 128), "a line from edge to edge"),
        Case((CORNER, 128), "a ring in the corner"),
        Case((DIAGONAL, 128), "a ring whose pixels touch at corners"),
        Case((FAINT, 128), "a ring with one pixel of exactly 128"),
        Case((FAINTER, 128), "a ring with one pixel of 100"),
        Case((FAINTER, 90), "the same ring, with a lower threshold"),
        Case((EDGES, 128), "a cross from corner to corner"),
        Case((EXAMPLE, 5)),
        Case((EXAMPLE, 10), "the same ring, with a threshold above its ink"),
        Case((torch.zeros(4, 5, dtype=torch.uint8), 128), "no ink"),
        Case((torch.full((3, 3), 255, dtype=torch.uint8), 1), "nothing but ink"),
    ),
    hints=(
        "What is a hole? A region of paper from which no path of paper leads to the edge.",
        "`ndimage.label(paper)` numbers the regions of paper. Which of them touch the edge of the "
        "image?",
        "Put a frame of paper around the image first. Then all the paper outside is one region, "
        "and every other region is a hole.",
    ),
)


@EXERCISE.answer
def count_holes(image, threshold):
    framed = torch.nn.functional.pad(image, (1, 1, 1, 1))
    _, regions = ndimage.label((framed < threshold).numpy())
    return regions - 1


def regions_of(image, threshold, structure=None):
    return ndimage.label((image < threshold).numpy(), structure)[1]


EXERCISE.mistake(
    "outside counted",
    "You count the paper around the ink as well. From it a path leads to the edge, so it is no "
    "hole.",
)(lambda image, threshold: count_holes(image, threshold) + 1)
EXERCISE.mistake(
    "every region counted",
    "You count every region of paper. One that touches the edge is no hole.",
)(regions_of)
EXERCISE.mistake(
    "one subtracted",
    "You subtract one region for the outside. But ink that reaches the edge can cut the outside "
    "into several regions.",
)(lambda image, threshold: regions_of(image, threshold) - 1)
EXERCISE.mistake(
    "one subtracted, not below 0",
    "You subtract one region for the outside, unless there is none. But ink that reaches the edge "
    "can cut the outside into several regions.",
)(lambda image, threshold: max(0, regions_of(image, threshold) - 1))


@EXERCISE.mistake(
    "corners connect paper",
    "With you, paper is connected over corners as well, so it leaks out between two pixels of ink "
    "that touch at a corner.",
)
def _(image, threshold):
    framed = torch.nn.functional.pad(image, (1, 1, 1, 1))
    return regions_of(framed, threshold, [[1] * 3] * 3) - 1


@EXERCISE.mistake(
    "threshold is paper",
    "A pixel that is exactly at the threshold is ink: paper lies below it.",
)
def _(image, threshold):
    return count_holes(image, threshold + 1)


@EXERCISE.mistake(
    "ink counted", "You count regions of ink. A hole is a region of paper with ink all around it."
)
def _(image, threshold):
    return ndimage.label((image >= threshold).numpy())[1]


EXERCISE.mistake("threshold fixed", "Your function always takes 128, whatever `threshold` is.")(
    lambda image, threshold: count_holes(image, 128)
)
EXERCISE.mistake("yes or no", "You say whether there is a hole. How many are there? An 8 has two.")(
    lambda image, threshold: min(1, count_holes(image, threshold))
)
