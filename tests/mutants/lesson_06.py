"""Answers to the exercises of lesson 06."""

import itertools

import numpy
import torch
from scipy import ndimage
from torch import nn
from torch.nn import functional as F

from mnist_course.assessment.exercise import Case
from mutants import further, right, wrong
from mutants.experiment import experiment_answers

# --- most-confused ------------------------------------------------------------------------

further(
    "most-confused",
    Case((torch.tensor([[7, 1, 2, 0], [4, 9, 3, 1], [3, 1, 8, 2], [5, 2, 2, 9]]),)),
    Case((torch.tensor([[1, 9, 2], [0, 1, 6], [1, 5, 1]]),)),
    Case((torch.tensor([[40, 2, 1, 0, 3], [1, 50, 0, 6, 0], [8, 1, 60, 0, 0],
                        [0, 5, 0, 70, 1], [2, 0, 0, 1, 80]]),)),
)  # fmt: skip


@wrong("most-confused", "one direction")
def largest_number_beside_the_diagonal(table):
    best, found = -1, None
    for row in range(len(table)):
        for column in range(len(table)):
            if row != column and table[row, column] > best:
                best, found = table[row, column], (row, column)
    return min(found), max(found)


@wrong("most-confused", "one direction, in order of the table")
def the_cell_itself(table):
    clean = table.clone().fill_diagonal_(0)
    place = clean.argmax().item()
    return divmod(place, table.shape[1])


@wrong("most-confused", "with the diagonal")
def sums_with_the_diagonal(table):
    sums = table + table.T
    row, column = (sums == sums.max()).nonzero()[0].tolist()
    return row, column


@wrong("most-confused", "upper half alone")
def reads_to_the_right(table):
    pairs = list(itertools.combinations(range(len(table)), 2))
    return max(pairs, key=lambda pair: table[pair].item())


@wrong("most-confused", "larger digit first")
def the_other_way_round(table):
    pairs = itertools.combinations(range(len(table)), 2)
    a, b = max(pairs, key=lambda pair: (table[pair] + table[pair[::-1]]).item())
    return b, a


@wrong("most-confused", "the number")
def how_often(table):
    sums = table + table.T
    return max(sums[a, b].item() for a in range(len(table)) for b in range(a))


@wrong("most-confused")
def reads_from_below(table):
    sums = (table + table.T).tril(-1)
    return sums.argmax().item()


@wrong("most-confused", "changed")
def clears_the_diagonal(table):
    table.fill_diagonal_(0)
    place = (table + table.T).triu().argmax().item()
    return divmod(place, len(table))


@right("most-confused")
def two_loops(table):
    best, found = -1, None
    for a in range(len(table)):
        for b in range(a + 1, len(table)):
            both = table[a, b] + table[b, a]
            if both > best:
                best, found = both, (a, b)
    return found


@right("most-confused")
def by_pairs(table):
    pairs = itertools.combinations(range(len(table)), 2)
    return max(pairs, key=lambda pair: (table[pair] + table[pair[::-1]]).item())


@right("most-confused")
def with_numpy(table):
    sums = numpy.array(table) + numpy.array(table).T
    numpy.fill_diagonal(sums, -1)
    row, column = numpy.unravel_index(sums.argmax(), sums.shape)
    return int(min(row, column)), int(max(row, column))


# --- count-holes --------------------------------------------------------------------------


def image(*rows):
    return torch.tensor(rows, dtype=torch.uint8)


further(
    "count-holes",
    Case((image([0, 200, 200, 200], [0, 200, 0, 200], [0, 200, 200, 200]), 150)),
    Case((image([0, 9, 0], [9, 0, 9], [0, 9, 0]), 9)),
    Case((image([0, 9, 0], [9, 0, 9], [0, 9, 0]), 10)),
    Case((image([5, 5, 5, 5, 5], [5, 0, 5, 0, 5], [5, 5, 5, 5, 5], [0, 0, 0, 0, 0]), 5)),
    Case((image([0, 0, 7, 0, 0], [7, 7, 7, 7, 7], [0, 0, 7, 0, 0]), 3)),
    Case((image([128, 128, 128], [128, 127, 128], [128, 128, 128]), 128)),
    Case((torch.zeros(3, 4, dtype=torch.uint8), 1)),
)


@wrong("count-holes", "one subtracted")
def all_regions_but_one(image, threshold):
    _, found = ndimage.label(numpy.array(image) < threshold)
    return found - 1


@wrong("count-holes", "every region counted")
def all_regions(image, threshold):
    labels, _ = ndimage.label(numpy.array(image) < threshold)
    return int(labels.max())


@wrong("count-holes", "outside counted")
def with_the_frame(image, threshold):
    paper = numpy.pad(numpy.array(image) < threshold, 1, constant_values=True)
    return ndimage.label(paper)[1]


@wrong("count-holes", "threshold is paper")
def paper_up_to_the_threshold(image, threshold):
    paper = numpy.pad(numpy.array(image) <= threshold, 1, constant_values=True)
    return ndimage.label(paper)[1] - 1


@wrong("count-holes", "corners connect paper")
def eight_neighbours(image, threshold):
    paper = numpy.pad(numpy.array(image) < threshold, 1, constant_values=True)
    return ndimage.label(paper, structure=numpy.ones((3, 3)))[1] - 1


@wrong("count-holes", "ink counted")
def pieces_of_ink(image, threshold):
    return ndimage.label(numpy.array(image >= threshold))[1]


@wrong("count-holes", "threshold fixed")
def always_at_the_middle(image, threshold):
    paper = numpy.pad(numpy.array(image) < 128, 1, constant_values=True)
    return ndimage.label(paper)[1] - 1


@wrong("count-holes", "type")
def tells_which_pixels(image, threshold):
    paper = numpy.pad(numpy.array(image) < threshold, 1, constant_values=True)
    labels, _ = ndimage.label(paper)
    return torch.tensor(labels[1:-1, 1:-1] > 1)


@right("count-holes")
def regions_that_touch_no_edge(image, threshold):
    labels, count = ndimage.label(numpy.array(image) < threshold)
    edges = {*labels[0], *labels[-1], *labels[:, 0], *labels[:, -1]}
    return count - len(edges - {0})


@right("count-holes")
def filled_and_compared(image, threshold):
    ink = numpy.array(image) >= threshold
    holes = ndimage.binary_fill_holes(ink) & ~ink
    return ndimage.label(holes)[1]


@right("count-holes")
def by_hand(image, threshold):
    paper = F.pad((image < threshold).float(), (1, 1, 1, 1), value=1.0).tolist()

    def wash(row, column):
        spots = [(row, column)]
        while spots:
            r, c = spots.pop()
            if 0 <= r < len(paper) and 0 <= c < len(paper[0]) and paper[r][c]:
                paper[r][c] = 0.0
                spots += [(r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)]

    wash(0, 0)
    found = 0
    for row in range(len(paper)):
        for column in range(len(paper[0])):
            if paper[row][column]:
                found += 1
                wash(row, column)
    return found


# --- calibration-error --------------------------------------------------------------------


def calibrated(confidence, right_or_not, bins):
    return Case((torch.tensor(confidence), torch.tensor(right_or_not, dtype=torch.bool), bins))


further(
    "calibration-error",
    calibrated([0.21, 0.51, 0.55, 0.81, 0.83, 1.0, 0.99], [1, 1, 0, 0, 1, 1, 0], 5),
    calibrated([0.95, 0.94, 0.93, 0.2], [1, 0, 1, 1], 4),
    calibrated([0.61, 0.71, 0.8, 0.85, 1.0], [0, 1, 1, 1, 0], 8),
    calibrated([0.41, 0.45, 0.9, 0.92, 0.97, 0.99], [1, 1, 1, 1, 1, 1], 2),
    calibrated([0.75, 0.75, 0.5, 0.9, 0.6], [1, 0, 0, 1, 1], 4),
)


def per_bin(confidence, flags, bins):
    """For each bin that holds something: its confidence, its accuracy, its images."""
    groups = {}
    for sure, flag in zip(confidence.tolist(), flags.tolist(), strict=True):
        groups.setdefault(min(int(sure * bins), bins - 1), []).append((sure, flag))
    return [
        (sum(s for s, _ in group) / len(group), sum(f for _, f in group) / len(group), len(group))
        for group in groups.values()
    ]


@wrong("calibration-error", "bins alike")
def mean_of_the_bins(confidence, right, bins):
    found = per_bin(confidence, right, bins)
    return sum(abs(sure - share) for sure, share, _ in found) / len(found)


@wrong("calibration-error", "divided by all bins")
def mean_of_all_bins(confidence, right, bins):
    total = 0
    for sure, share, _ in per_bin(confidence, right, bins):
        total += abs(sure - share)
    return total / bins


@wrong("calibration-error", "signed")
def without_abs(confidence, right, bins):
    parts = [(s - a) * n for s, a, n in per_bin(confidence, right, bins)]
    return sum(parts) / len(confidence)


@wrong("calibration-error", "one bin")
def over_all_images(confidence, right, bins):
    return (confidence.mean() - right.float().mean()).abs().item()


@wrong("calibration-error", "largest gap")
def the_worst_bin(confidence, right, bins):
    return max(abs(sure - share) for sure, share, _ in per_bin(confidence, right, bins))


@wrong("calibration-error", "percent")
def in_points(confidence, right, bins):
    return 100 * sum(abs(s - a) * n / len(right) for s, a, n in per_bin(confidence, right, bins))


@wrong("calibration-error", "not divided")
def summed(confidence, right, bins):
    return sum(abs(s - a) * n for s, a, n in per_bin(confidence, right, bins))


@wrong("calibration-error", "squared")
def squares(confidence, right, bins):
    found = per_bin(confidence, right, bins)
    return sum((s - a) ** 2 * n for s, a, n in found) / sum(n for *_, n in found)


@wrong("calibration-error", "1 falls out")
def half_open_bins(confidence, right, bins):
    total = 0.0
    for place in range(bins):
        inside = (confidence >= place / bins) & (confidence < (place + 1) / bins)
        if inside.sum() > 0:
            gap = (confidence[inside].mean() - right[inside].float().mean()).abs()
            total += (gap * inside.sum() / len(right)).item()
    return total


@wrong("calibration-error", "edges in the lower bin")
def half_open_on_the_other_side(confidence, right, bins):
    total = 0.0
    for place in range(bins):
        inside = (confidence > place / bins) & (confidence <= (place + 1) / bins)
        if inside.any():
            gap = confidence[inside].mean() - right[inside].float().mean()
            total += abs(gap.item()) * int(inside.sum()) / len(right)
    return total


@right("calibration-error")
def with_groups(confidence, right, bins):
    return sum(abs(s - a) * n / len(right) for s, a, n in per_bin(confidence, right, bins))


@right("calibration-error")
def with_sums(confidence, right, bins):
    number = (confidence * bins).long().clamp(max=bins - 1)
    gaps = torch.zeros(bins).index_add(0, number, confidence - right.float())
    return (gaps.abs().sum() / len(right)).item()


@right("calibration-error")
def in_numpy(confidence, right, bins):
    sure, hit = numpy.array(confidence), numpy.array(right, dtype=float)
    place = numpy.minimum((sure * bins).astype(int), bins - 1)
    sums = numpy.bincount(place, sure - hit, bins)
    return float(numpy.abs(sums).sum() / len(hit))


# --- occlusion-map ------------------------------------------------------------------------


def asked(height, width, label, size, paper, seed):
    """A network without a pattern, an image, and the rest."""
    stream = torch.Generator().manual_seed(seed)
    network = nn.Sequential(nn.Conv2d(1, 2, 2), nn.Tanh(), nn.Flatten(),
                            nn.Linear(2 * (height - 1) * (width - 1), 4))  # fmt: skip
    with torch.no_grad():
        for weights in network.parameters():
            weights.copy_(torch.randn(weights.shape, generator=stream))
    picture = torch.randn(1, height, width, generator=stream)
    return Case((network.eval(), picture, label, size, paper))


further(
    "occlusion-map",
    asked(4, 5, 3, 2, -0.7, 1),
    asked(6, 4, 0, 3, 0.2, 2),
    asked(5, 5, 1, 4, -1.5, 3),
    asked(3, 6, 2, 1, 0.9, 4),
)


def walked(network, image, size, paper, worth):
    """worth(logits) at each place, as a map."""
    rows, columns = (side - size + 1 for side in image.shape[1:])
    found = torch.empty(rows, columns)
    for row, column in itertools.product(range(rows), range(columns)):
        covered = image.clone()
        covered[:, row : row + size, column : column + size] = paper
        found[row, column] = worth(network(covered[None])).item()
    return found


@wrong("occlusion-map", "logits")
def forgets_softmax(network, image, label, size, paper):
    return walked(network, image, size, paper, lambda logits: logits[0, label])


@wrong("occlusion-map", "largest probability")
def how_sure_it_is(network, image, label, size, paper):
    return walked(network, image, size, paper, lambda logits: logits.softmax(1).max())


@wrong("occlusion-map", "patches pile up")
def one_copy_for_all(network, image, label, size, paper):
    covered = image.clone()
    rows, columns = (side - size + 1 for side in image.shape[1:])
    found = torch.empty(rows, columns)
    for row, column in itertools.product(range(rows), range(columns)):
        covered[:, row : row + size, column : column + size] = paper
        found[row, column] = network(covered[None]).softmax(1)[0, label].item()
    return found


@wrong("occlusion-map", "changed")
def draws_into_the_image(network, image, label, size, paper):
    rows, columns = (side - size + 1 for side in image.shape[1:])
    found = torch.empty(rows, columns)
    for row, column in itertools.product(range(rows), range(columns)):
        before = image.clone()
        image[:, row : row + size, column : column + size] = paper
        found[row, column] = network(image[None]).softmax(1)[0, label].item()
        if row + column < rows + columns - 2:
            image.copy_(before)
    return found


@wrong("occlusion-map", "covered with 0")
def black_squares(network, image, label, size, paper):
    return walked(network, image, size, 0.0, lambda logits: logits.softmax(1)[0, label])


@wrong("occlusion-map", "rows and columns swapped")
def column_by_column(network, image, label, size, paper):
    found = walked(network, image, size, paper, lambda logits: logits.softmax(1)[0, label])
    return found.transpose(0, 1)


@wrong("occlusion-map", "last place missing")
def stops_too_early(network, image, label, size, paper):
    height, width = image.shape[1:]
    rows = []
    for row in range(height - size):
        line = []
        for column in range(width - size):
            covered = image.clone()
            covered[:, row : row + size, column : column + size] = paper
            line.append(network(covered[None]).softmax(1)[0, label].item())
        rows.append(line)
    return torch.tensor(rows).reshape(height - size, width - size)


@wrong("occlusion-map", "beyond the edge")
def a_place_for_each_pixel(network, image, label, size, paper):
    found = torch.empty(image.shape[1:])
    for row, column in itertools.product(*map(range, image.shape[1:])):
        covered = image.clone()
        covered[:, row : row + size, column : column + size] = paper
        found[row, column] = network(covered[None]).softmax(1)[0, label].item()
    return found


@wrong("occlusion-map", "the drop")
def what_is_lost(network, image, label, size, paper):
    whole = network(image[None]).softmax(1)[0, label].item()
    left = walked(network, image, size, paper, lambda logits: logits.softmax(1)[0, label])
    return whole - left


@right("occlusion-map")
def place_by_place(network, image, label, size, paper):
    return walked(network, image, size, paper, lambda logits: logits.softmax(1)[0, label])


@right("occlusion-map")
def in_one_batch(network, image, label, size, paper):
    rows, columns = (side - size + 1 for side in image.shape[1:])
    batch = image.repeat(rows * columns, 1, 1, 1)
    for place, one in enumerate(batch):
        row, column = divmod(place, columns)
        one[:, row : row + size, column : column + size] = paper
    with torch.no_grad():
        return network(batch).softmax(dim=1)[:, label].reshape(rows, columns)


@right("occlusion-map")
def with_masks(network, image, label, size, paper):
    height, width = image.shape[1:]
    down, across = torch.arange(height)[:, None], torch.arange(width)
    lines = []
    for top in range(height - size + 1):
        line = []
        for left in range(width - size + 1):
            inside = (down >= top) & (down < top + size) & (across >= left) & (across < left + size)
            logits = network(torch.where(inside, torch.tensor(paper), image)[None])[0]
            line.append(torch.softmax(logits, 0)[label])
        lines.append(torch.stack(line))
    return torch.stack(lines).detach()


# --- calibration-experiment ---------------------------------------------------------------

experiment_answers("calibration-experiment", {"images": 300, "epochs": 10, "smoothing": 0.1})
