"""The exercise `centred-digit`: answer, cases, and typical mistakes with their hints."""

import torch

from mnist_course.assessment.exercise import Case, Exercise


def with_ink(height, width, *ink):
    """An image of bytes with a few inked pixels, each as (row, column, byte)."""
    image = torch.zeros(height, width, dtype=torch.uint8)
    for row, column, byte in ink:
        image[row, column] = byte
    return image


EXAMPLE = with_ink(3, 4, (0, 0, 100), (0, 1, 200))
# heavy at the right end: the middle of the box is another place
HEAVY = with_ink(7, 9, (1, 1, 40), (1, 2, 40), (1, 3, 40), (1, 4, 40), (1, 5, 255), (2, 5, 255),
                 (3, 5, 250))  # fmt: skip
TO_THE_UPPER_LEFT = with_ink(6, 8, (5, 7, 200), (5, 6, 180), (4, 7, 100))
# two pixels of ink at the left, a far heavier one at the right: what leaves must not come back
OVER_THE_EDGE = with_ink(5, 9, (2, 0, 60), (3, 1, 60), (2, 7, 255), (2, 8, 255), (1, 8, 255),
                         (3, 8, 255))  # fmt: skip
MIDDLE = with_ink(5, 5, (2, 2, 90))
SQUARE = with_ink(8, 8, (0, 1, 200), (1, 1, 200), (2, 1, 220), (0, 2, 10), (0, 3, 10))
# balances on row 2.6 and column 1.3 of 4 × 6: one up, two to the right
FRACTIONS = with_ink(4, 6, (3, 1, 120), (2, 1, 20), (3, 2, 60), (2, 2, 60))

EXERCISE = Exercise(
    name="centred-digit",
    points=2,
    cases=(
        Case((EXAMPLE,)),
        Case((HEAVY,), "most of the ink at the right of the digit"),
        Case((TO_THE_UPPER_LEFT,), "ink in the lower right corner"),
        Case((OVER_THE_EDGE,), "ink at both edges"),
        Case((MIDDLE,), "ink in the middle already"),
        Case((SQUARE,), "a square image, with ink in the upper left corner"),
        Case((FRACTIONS,), "ink that balances between pixels"),
        Case((torch.zeros(3, 5, dtype=torch.uint8),), "no ink"),
    ),
    hints=(
        "Three steps: the centre of mass, the shift in whole pixels, and the move itself.",
        "The centre's row is the mean of the row numbers, weighted by the ink in each row. `round` "
        "makes whole pixels of `height // 2 - row`.",
        "Start from an image of zeros. The pixel of the old image at (row, column) comes to "
        "(row + down, column + right), where that lies inside.",
    ),
)


def centre(image):
    """Row and column of the centre of mass of an image with ink."""
    ink = image.double()
    height, width = image.shape
    row = (ink.sum(dim=1) * torch.arange(height)).sum() / ink.sum()
    column = (ink.sum(dim=0) * torch.arange(width)).sum() / ink.sum()
    return row.item(), column.item()


def moved(image, down, right):
    result = torch.zeros_like(image)
    height, width = image.shape
    for row in range(max(0, down), min(height, height + down)):
        for column in range(max(0, right), min(width, width + right)):
            result[row, column] = image[row - down, column - right]
    return result


def shift(image, place=centre, whole=round):
    """By how many pixels down and right, where `place` says what has to come to the middle."""
    (row, column), (height, width) = place(image), image.shape
    return whole(height // 2 - row), whole(width // 2 - column)


@EXERCISE.answer
def centred(image):
    return moved(image, *shift(image)) if image.any() else image


def with_shift(change):
    """An answer that moves by what `change` makes of the right shift."""
    return lambda image: moved(image, *change(*shift(image))) if image.any() else image


def box_middle(image):
    rows, columns = (image.any(dim=axis).nonzero()[:, 0] for axis in (1, 0))
    return (rows[0] + rows[-1]).item() / 2, (columns[0] + columns[-1]).item() / 2


EXERCISE.mistake(
    "rolled",
    "What leaves your image comes in again on the other side, as `roll` does it. It should be "
    "gone.",
)(lambda image: image.roll(shift(image), dims=(0, 1)) if image.any() else image)
EXERCISE.mistake(
    "the other way", "You move the ink away from the middle: the shift has the wrong sign."
)(with_shift(lambda down, right: (-down, -right)))
EXERCISE.mistake(
    "rows and columns swapped",
    "You move down by what belongs to the columns, and right by what belongs to the rows.",
)(with_shift(lambda down, right: (right, down)))
EXERCISE.mistake(
    "middle of the box",
    "You bring the middle of the ink's box to the middle. The exercise asks for the "
    "[centre of mass](#centre), where each pixel counts by its byte.",
)(lambda image: moved(image, *shift(image, box_middle)) if image.any() else image)
EXERCISE.mistake(
    "every pixel counts the same",
    "In your function each inked pixel counts the same. A pixel weighs what its byte says.",
)(
    lambda image: (
        moved(image, *shift(image, lambda one: centre((one > 0).byte()))) if image.any() else image
    )
)
EXERCISE.mistake(
    "cut off instead of rounded",
    "`int` cuts off what stands behind the point. `round` goes to the nearest whole pixel.",
)(lambda image: moved(image, *shift(image, whole=int)) if image.any() else image)
EXERCISE.mistake("rows alone", "You move up and down, but not to the sides.")(
    with_shift(lambda down, right: (down, 0))
)
EXERCISE.mistake("not moved", "Nothing has moved.")(lambda image: image)
EXERCISE.mistake(
    "where 28 pixels have their middle",
    "You move to row 14 and column 14. The middle of an image of another size is row `H // 2` and "
    "column `W // 2`.",
)(
    lambda image: (
        moved(image, *(round(14 - place) for place in centre(image))) if image.any() else image
    )
)
