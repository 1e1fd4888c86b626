"""Answers to the exercises of lesson 07."""

import itertools

import numpy
import torch

from mnist_course.assessment.exercise import Case
from mutants import further, right, wrong
from mutants.experiment import experiment_answers

# --- merge-classes ------------------------------------------------------------------------

SIX = torch.tensor(
    [
        [30, 1, 4, 2, 0, 5],
        [2, 41, 0, 3, 1, 0],
        [6, 0, 37, 1, 8, 2],
        [0, 3, 2, 50, 1, 1],
        [1, 0, 9, 0, 33, 4],
        [7, 2, 1, 0, 3, 28],
    ]
)

further(
    "merge-classes",
    Case((SIX, [0, 1, 0, 2, 0, 1])),
    Case((SIX, [2, 2, 1, 0, 0, 1])),
    Case((SIX, [0, 1, 2, 3, 4, 4])),
    Case((SIX[:3, :3].clone(), [1, 0, 0])),
    Case((torch.tensor([[7, 2], [5, 11]]), [1, 0])),
)


@wrong("merge-classes", "overwritten")
def the_last_one_stays(table, groups):
    groups = torch.tensor(groups)
    merged = torch.zeros(groups.max() + 1, groups.max() + 1, dtype=torch.int64)
    for label in range(len(table)):
        for answer in range(len(table)):
            merged[groups[label], groups[answer]] = table[label, answer]
    return merged


@wrong("merge-classes", "rows and columns swapped")
def answers_in_the_rows(table, groups):
    number = max(groups) + 1
    merged = torch.zeros(number, number, dtype=torch.int64)
    for label, answer in itertools.product(range(len(table)), repeat=2):
        merged[groups[answer], groups[label]] += table[label, answer]
    return merged


@wrong("merge-classes", "rows alone")
def labels_merged(table, groups):
    number = max(groups) + 1
    rows = [
        sum(table[label] for label in range(len(table)) if groups[label] == group)
        for group in range(number)
    ]
    return torch.stack(rows)


@wrong("merge-classes", "columns alone")
def answers_merged(table, groups):
    number = max(groups) + 1
    columns = [
        sum(table[:, answer] for answer in range(len(table)) if groups[answer] == group)
        for group in range(number)
    ]
    return torch.stack(columns, dim=1)


@wrong("merge-classes", "errors inside a group dropped")
def no_errors_among_friends(table, groups):
    number = max(groups) + 1
    merged = torch.zeros(number, number, dtype=torch.int64)
    for a, b in itertools.product(range(len(table)), repeat=2):
        if a != b and groups[a] == groups[b]:
            continue
        merged[groups[a], groups[b]] += table[a, b]
    return merged


@wrong("merge-classes", "diagonal alone")
def what_is_right(table, groups):
    number = max(groups) + 1
    totals = torch.zeros(number, dtype=torch.int64)
    for a, b in itertools.product(range(len(table)), repeat=2):
        if groups[a] == groups[b]:
            totals[groups[a]] += table[a, b]
    return torch.diag(totals)


@wrong("merge-classes", "counted")
def how_many_places(table, groups):
    number = max(groups) + 1
    merged = torch.zeros(number, number, dtype=torch.int64)
    for a, _ in enumerate(table):
        for b, _ in enumerate(table):
            merged[groups[a], groups[b]] += 1
    return merged


@wrong("merge-classes", "as many groups as classes")
def too_large(table, groups):
    size = len(table)
    merged = torch.zeros(size, size, dtype=table.dtype)
    for a, b in itertools.product(range(size), repeat=2):
        merged[groups[a], groups[b]] += table[a, b]
    return merged


@wrong("merge-classes", "changed")
def into_the_old_one(table, groups):
    number = max(groups) + 1
    merged = torch.zeros(number, number, dtype=torch.int64)
    for a, b in itertools.product(range(len(table)), repeat=2):
        merged[groups[a], groups[b]] += table[a, b]
        table[a, b] = 0
    return merged


@right("merge-classes")
def two_loops(table, groups):
    number = max(groups) + 1
    merged = torch.zeros((number, number), dtype=torch.int64)
    for a in range(len(groups)):
        for b in range(len(groups)):
            merged[groups[a]][groups[b]] += table[a][b].item()
    return merged


@right("merge-classes")
def a_product_of_matrices(table, groups):
    members = torch.zeros(max(groups) + 1, len(groups), dtype=torch.int64)
    members[groups, range(len(groups))] = 1
    return members @ table @ members.T


@right("merge-classes")
def with_masks(table, groups):
    groups = torch.tensor(groups)
    names = range(int(groups.max()) + 1)
    rows = [[table[groups == a][:, groups == b].sum().item() for b in names] for a in names]
    return torch.tensor(rows)


@right("merge-classes")
def index_add_twice(table, groups):
    groups = torch.tensor(groups)
    count = int(groups.max()) + 1
    rows = torch.zeros(count, len(table), dtype=table.dtype).index_add_(0, groups, table)
    return torch.zeros(count, count, dtype=table.dtype).index_add_(1, groups, rows)


# --- first-rate ---------------------------------------------------------------------------

further(
    "first-rate",
    Case((0.031, 0.7, 14)),
    Case((1.0, 0.8, 3)),
    Case((5.0, 1.0, 2)),
    Case((0.9, 0.1, 1)),
    Case((12.0, 0.95, 40)),
)


@wrong("first-rate", "decayed before the first epoch")
def counts_from_one(total, decay, epochs):
    worth = 0.0
    for epoch in range(epochs):
        worth += decay ** (epoch + 1)
    return total / worth


@wrong("first-rate", "one epoch too many")
def includes_the_end(total, decay, epochs):
    powers = [decay**epoch for epoch in range(0, epochs + 1)]
    return total / sum(powers)


@wrong("first-rate", "one epoch too few")
def leaves_out_the_last(total, decay, epochs):
    worth, rate = 0, 1
    for _ in range(epochs - 1):
        worth += rate
        rate *= decay
    return total / worth


@wrong("first-rate", "no decay")
def shares_evenly(total, decay, epochs):
    return total * 1.0 / epochs


@wrong("first-rate", "infinitely many epochs")
def endless(total, decay, epochs):
    left = 1 - decay
    return left * total


@wrong("first-rate", "the last rate")
def where_it_ends(total, decay, epochs):
    worth = sum(decay**epoch for epoch in range(epochs))
    rate = total / worth
    for _ in range(epochs - 1):
        rate = rate * decay
    return rate


@wrong("first-rate", "straight fall")
def on_a_line(total, decay, epochs):
    fall = 1 - decay
    return total / sum(1 - fall * epoch for epoch in range(epochs))


@wrong("first-rate", "multiplied by the sum")
def the_other_way(total, decay, epochs):
    worth = sum(decay**epoch for epoch in range(epochs))
    return worth * total


@wrong("first-rate", "1 - decay divides by zero")
def by_the_formula(total, decay, epochs):
    worth = (1 - decay**epochs) / (1 - decay)
    return total / worth


@right("first-rate")
def a_loop(total, decay, epochs):
    worth, rate = 0.0, 1.0
    for _ in range(epochs):
        worth += rate
        rate *= decay
    return total / worth


@right("first-rate")
def the_formula_with_its_exception(total, decay, epochs):
    if decay == 1:
        return total / epochs
    return total * (1 - decay) / (1 - decay**epochs)


@right("first-rate")
def with_numpy(total, decay, epochs):
    return float(total / numpy.power(decay, numpy.arange(epochs, dtype=float)).sum())


# --- mirror-each --------------------------------------------------------------------------


def flags(*values):
    return torch.tensor(values, dtype=torch.bool)


def shades(*shape):
    count = int(numpy.prod(shape))
    return ((torch.arange(count) * 5 + 2) % 13).float().reshape(shape)


further(
    "mirror-each",
    Case((shades(4, 1, 3, 5), flags(True, False, False, True))),
    Case((shades(2, 2, 4, 4), flags(True, False))),
    Case((shades(3, 1, 2, 3).to(torch.uint8), flags(False, True, False))),
    Case((shades(1, 1, 5, 2), flags(True))),
    Case((shades(2, 3, 3, 2), flags(False, True))),
)


@wrong("mirror-each", "upside down")
def turns_the_rows(images, flags):
    mirrored = images.clone()
    mirrored[flags] = images[flags].flip(2)
    return mirrored


@wrong("mirror-each", "turned by half a turn")
def turns_both(images, flags):
    mirrored = images.clone()
    mirrored[flags] = images[flags].flip(2).flip(3)
    return mirrored


@wrong("mirror-each", "the others")
def where_it_is_false(images, flags):
    mirrored = images.clone()
    mirrored[~flags] = images[~flags].flip(3)
    return mirrored


@wrong("mirror-each", "all of them")
def everyone(images, flags):
    return torch.flip(images, dims=[3])


@wrong("mirror-each", "none of them")
def forgets_to_assign(images, flags):
    mirrored = images.clone()
    for image, flag in zip(mirrored, flags, strict=True):
        if flag:
            image = image.flip(-1)  # noqa: PLW2901
    return mirrored


@wrong("mirror-each", "order of the batch turned")
def another_image(images, flags):
    mirrored = images.clone()
    turned = torch.flip(images, [0])
    for place in range(len(images)):
        if flags[place]:
            mirrored[place] = turned[place]
    return mirrored


@wrong("mirror-each", "all as the first")
def one_flag_for_all(images, flags):
    if flags[0].item():
        return images.flip(3)
    return 1 * images


@wrong("mirror-each", "only the mirrored ones")
def a_part_of_the_batch(images, flags):
    return torch.flip(images[flags], dims=(3,))


@wrong("mirror-each", "first channel alone")
def one_channel(images, flags):
    mirrored = images.clone()
    for place, flag in enumerate(flags):
        if flag:
            mirrored[place, 0] = images[place, 0].flip(-1)
    return mirrored


@wrong("mirror-each", "changed")
def in_place(images, flags):
    images[flags] = images[flags].flip(-1)
    return images.clone()


@wrong("mirror-each", "shape")
def without_channels(images, flags):
    return torch.where(flags[:, None, None], images[:, 0].flip(-1), images[:, 0])


@wrong("mirror-each", "dtype")
def into_a_table_of_floats(images, flags):
    mirrored = torch.zeros(images.shape)
    for place, flag in enumerate(flags.tolist()):
        mirrored[place] = images[place].flip(-1) if flag else images[place]
    return mirrored


@right("mirror-each")
def image_by_image(images, flags):
    answer = torch.empty_like(images)
    for place in range(len(images)):
        answer[place] = images[place].flip(2) if flags[place] else images[place]
    return answer


@right("mirror-each")
def columns_by_index(images, flags):
    width = images.shape[-1]
    there = torch.arange(width)
    columns = torch.where(flags[:, None], width - 1 - there, there)  # N, W
    return images.gather(3, columns[:, None, None, :].expand_as(images))


@right("mirror-each")
def through_numpy(images, flags):
    array = images.numpy().copy()
    array[flags.numpy()] = array[flags.numpy()][..., ::-1]
    return torch.from_numpy(array)


@right("mirror-each")
def a_masked_copy(images, flags):
    answer = images.clone()
    answer[flags] = images[flags].flip(-1)
    return answer


# --- schedule-experiment ------------------------------------------------------------------

experiment_answers(
    "schedule-experiment", {"learning_rate": 0.1, "decay": 0.9, "momentum": 0.5, "epochs": 3}
)
