"""The exercise `merge-classes`: answer, cases, and typical mistakes with their hints."""

import torch

from mnist_course.assessment.exercise import Case, Exercise

EXERCISE = Exercise(
    name="merge-classes",
    points=2,
    new_tensors=True,
    cases=(
        Case((torch.tensor([[5, 2, 1], [3, 6, 0], [0, 1, 7]]), [0, 0, 1])),
        Case((torch.tensor([[5, 2, 1], [3, 6, 0], [0, 1, 7]]), [1, 0, 1])),
        Case(
            (
                torch.tensor([[9, 1, 2, 3], [4, 8, 5, 6], [7, 0, 7, 2], [3, 1, 6, 5]]),
                [0, 1, 0, 2],
            )
        ),
        Case((torch.tensor([[4, 1], [2, 3]]), [0, 1])),
        Case((torch.tensor([[4, 1], [2, 3]]), [0, 0])),
        Case((torch.tensor([[20, 3, 7], [1, 30, 9], [6, 2, 40]]), [2, 0, 1])),
    ),
    hints=(
        "Each number of the large table belongs into one place of the small one. Which place is it "
        "for a label of class a and an answer of class b?",
        "Begin with a table of zeros with as many rows and columns as there are groups. There are "
        "`max(groups) + 1` of them.",
        "Go through all labels and answers with two loops, and add `table[a, b]` to the place "
        "`[groups[a], groups[b]]`.",
    ),
)


@EXERCISE.answer
def merge_classes(table, groups):
    count = max(groups) + 1
    merged = torch.zeros(count, count, dtype=table.dtype)
    for label, row in enumerate(table):
        for answer, images in enumerate(row):
            merged[groups[label], groups[answer]] += images
    return merged


def filled(table, groups, into):
    """A wrong answer's table: `into(merged, a, b)` puts each number where it wants."""
    count = max(groups) + 1
    merged = torch.zeros(count, count, dtype=table.dtype)
    for a in range(len(table)):
        for b in range(len(table)):
            into(merged, a, b)
    return merged


@EXERCISE.mistake(
    "overwritten",
    "Several numbers belong into one place, but in your table each replaces the one before. Add "
    "them up, with `+=`.",
)
def _(table, groups):
    def into(merged, a, b):
        merged[groups[a], groups[b]] = table[a, b]

    return filled(table, groups, into)


EXERCISE.mistake(
    "rows and columns swapped",
    "Your rows are the answers. A row is the group of the label, as in [](#predictions).",
)(lambda table, groups: merge_classes(table, groups).T.clone())


@EXERCISE.mistake(
    "rows alone",
    "You have added up the rows of a group, but the columns are still single classes. Answers "
    "belong to groups, too.",
)
def _(table, groups):
    merged = torch.zeros(max(groups) + 1, len(table), dtype=table.dtype)
    for label, row in enumerate(table):
        merged[groups[label]] += row
    return merged


@EXERCISE.mistake(
    "columns alone",
    "You have added up the columns of a group, but the rows are still single classes. Labels "
    "belong to groups, too.",
)
def _(table, groups):
    merged = torch.zeros(len(table), max(groups) + 1, dtype=table.dtype)
    for answer, column in enumerate(table.T):
        merged[:, groups[answer]] += column
    return merged


@EXERCISE.mistake(
    "errors inside a group dropped",
    "What is confused inside a group belongs to it, too: it is right as far as groups go, so it "
    "counts on the diagonal.",
)
def _(table, groups):
    def into(merged, a, b):
        if a == b or groups[a] != groups[b]:
            merged[groups[a], groups[b]] += table[a, b]

    return filled(table, groups, into)


@EXERCISE.mistake(
    "diagonal alone",
    "Your table holds the right answers only. Where are the errors between groups?",
)
def _(table, groups):
    def into(merged, a, b):
        if groups[a] == groups[b]:
            merged[groups[a], groups[b]] += table[a, b]

    return filled(table, groups, into)


@EXERCISE.mistake(
    "counted",
    "You add 1 for each place of the large table. Add the number that stands there.",
)
def _(table, groups):
    def into(merged, a, b):
        merged[groups[a], groups[b]] += 1

    return filled(table, groups, into)


EXERCISE.mistake(
    "shares",
    "These are shares of each row. The exercise asks for how often, so the numbers stay whole.",
)(
    lambda table, groups: (
        merge_classes(table, groups) / merge_classes(table, groups).sum(dim=1, keepdim=True)
    )
)


@EXERCISE.mistake(
    "as many groups as classes",
    "Your table has a row for each class. It needs one for each group: `max(groups) + 1`.",
)
def _(table, groups):
    merged = torch.zeros_like(table)
    for a in range(len(table)):
        for b in range(len(table)):
            merged[groups[a], groups[b]] += table[a, b]
    return merged
