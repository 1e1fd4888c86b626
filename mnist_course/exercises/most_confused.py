"""The exercise `most-confused`: answer, cases, and typical mistakes with their hints."""

import torch

from mnist_course.assessment.exercise import Case, Exercise


def table(*rows):
    return torch.tensor(rows)


EXERCISE = Exercise(
    name="most-confused",
    points=1,
    cases=(
        Case((table([90, 3, 0], [2, 80, 4], [5, 1, 70]),)),
        Case((table([50, 0, 6, 1], [2, 40, 1, 3], [0, 2, 60, 0], [1, 4, 3, 70]),)),
        Case((table([9, 0], [1, 9]),)),
        Case((table([10, 7, 1], [0, 10, 5], [0, 4, 10]),)),
        Case((table([3, 2, 9, 4], [0, 300, 0, 0], [0, 1, 2, 0], [8, 0, 0, 5]),)),
    ),
    hints=(
        "A pair stands in two places of the table: once as a row and a column, and once the other "
        "way round.",
        "`table + table.T` adds up both directions of every pair at once.",
        "Go through all pairs with two loops, `for a in range(…)` and `for b in range(a + 1, …)`, "
        "and keep the pair whose sum is largest.",
    ),
)


@EXERCISE.answer
def most_confused(table):
    both = (table + table.T).triu(diagonal=1)
    place = int(both.argmax())
    return place // len(table), place % len(table)


def by(worth):
    """A wrong answer: the pair of the largest worth, a function of the table."""

    def answer(table):
        worths = worth(table)
        place = int(worths.argmax())
        return place // len(table), place % len(table)

    return answer


def off_diagonal(table):
    return table * (1 - torch.eye(len(table), dtype=table.dtype))


EXERCISE.mistake(
    "one direction",
    "You look for the largest single number, so a 4 read as 9 and a 9 read as 4 count apart. Add "
    "the two directions up first.",
)(lambda table: tuple(sorted(by(off_diagonal)(table))))
EXERCISE.mistake(
    "one direction, in order of the table",
    "You look for the largest single number, so a 4 read as 9 and a 9 read as 4 count apart. Add "
    "the two directions up first. And of the two digits the smaller one comes first.",
)(by(off_diagonal))
EXERCISE.mistake(
    "upper half alone",
    "You look at one half of the table only. The other half holds the same pairs, read the other "
    "way round.",
)(by(lambda table: table.triu(diagonal=1) - torch.ones_like(table).tril()))
EXERCISE.mistake(
    "with the diagonal",
    "The largest numbers stand on the diagonal, where the network is right. Leave it out.",
)(by(lambda table: table + table.T))
EXERCISE.mistake("larger digit first", "The pair is right, but the smaller digit comes first.")(
    lambda table: most_confused(table)[::-1]
)
EXERCISE.mistake(
    "the number", "That is how often they are confused. The exercise asks for the two digits."
)(lambda table: int((table + table.T).triu(diagonal=1).max()))
EXERCISE.mistake(
    "least confused", "That pair is confused least often. Which one is confused most often?"
)(by(lambda table: -(table + table.T) - 10**6 * torch.ones_like(table).tril()))
