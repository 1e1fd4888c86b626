"""Answers to the exercises of lesson 08."""

import math
import statistics
from collections import defaultdict

import numpy
import torch
from scipy import ndimage
from torch.nn import functional as F

from mnist_course.assessment.exercise import Case
from mutants import further, right, wrong
from mutants.experiment import experiment_answers

# --- light-on-dark ------------------------------------------------------------------------


def picture(*rows):
    return torch.tensor(rows, dtype=torch.uint8)


BRIGHT = picture([200, 30, 210, 190], [220, 0, 10, 140], [130, 5, 0, 129], [180, 128, 20, 200])
SHORT = picture([250, 240, 30], [20, 5, 255], [251, 249, 252], [248, 247, 246])
GLARE = picture([0, 255, 0, 255], [0, 240, 250, 0], [90, 230, 251, 80], [255, 100, 126, 255])
FAT = F.pad(torch.full((7, 6), 240, dtype=torch.uint8), (1, 1, 1, 1), value=9)
FAT[0, 1:6] = 250
further(
    "light-on-dark",
    Case((BRIGHT,)),
    Case((SHORT,)),
    Case((GLARE,)),
    Case((FAT,)),
    Case((picture([100, 100, 128], [128, 3, 128], [128, 128, 90]),)),
    Case((picture([128, 129, 128], [128, 3, 128], [128, 128, 128]),)),
    Case((picture([200, 10, 30], [20, 250, 15], [5, 0, 40]),)),
    Case((picture([10, 200, 20], [210, 0, 220], [30, 230, 40]),)),
    Case((picture([255, 0, 0, 254], [0, 9, 9, 0], [140, 130, 9, 180], [0, 200, 9, 0]),)),
    Case((picture([128, 0, 128], [0, 255, 0], [128, 0, 128]),)),
    Case((picture([40, 50, 60, 70], [20, 8, 90, 250], [200, 250, 251, 252],
                  [253, 254, 255, 240]),)),
)  # fmt: skip


def border(image):
    """The outermost bytes, each once, as a list."""
    rows = image.tolist()
    sides = [one for row in rows[1:-1] for one in (row[0], row[-1])]
    return [*rows[0], *sides, *rows[-1]]


@wrong("light-on-dark", "the whole picture")
def most_of_all_pixels(image):
    bright = (image >= 128).sum().item()
    return 255 - image if 2 * bright > image.numel() else image


@wrong("light-on-dark", "mean of the whole picture")
def bright_on_average(image):
    if image.double().mean().item() > 127.5:
        return 255 - image
    return image


@wrong("light-on-dark", "one corner")
def upper_left_pixel(image):
    return image if image[0, 0].item() < 128 else 255 - image


@wrong("light-on-dark", "first row alone")
def looks_at_the_top(image):
    top = image[0].tolist()
    return 255 - image if sum(one >= 128 for one in top) > len(top) / 2 else image


@wrong("light-on-dark", "mean of the border")
def average_border(image):
    return 255 - image if statistics.fmean(border(image)) >= 128 else image


@wrong("light-on-dark", "128 is dark")
def more_than_128(image):
    outer = border(image)
    return 255 - image if sum(one > 128 for one in outer) > len(outer) / 2 else image


@wrong("light-on-dark", "half is enough")
def as_many_as_the_others(image):
    outer = border(image)
    bright = [one for one in outer if one >= 128]
    return image if len(bright) < len(outer) - len(bright) else 255 - image


@wrong("light-on-dark", "corners twice")
def four_sides(image):
    count = sum((side >= 128).sum() for side in (image[0], image[-1], image[:, 0], image[:, -1]))
    return 255 - image if count > sum(image.shape) else image


@wrong("light-on-dark", "always turned")
def inverts(image):
    return (255 - image.int()).to(torch.uint8)


@wrong("light-on-dark", "the wrong ones turned")
def the_other_way(image):
    outer = border(image)
    return 255 - image if sum(one >= 128 for one in outer) <= len(outer) / 2 else image


@wrong("light-on-dark", "minus the picture")
def negative(image):
    outer = border(image)
    return -image if sum(one >= 128 for one in outer) > len(outer) / 2 else image


@wrong("light-on-dark", "changed")
def turns_in_place(image):
    outer = border(image)
    if sum(one >= 128 for one in outer) > len(outer) / 2:
        image.copy_(255 - image)
    return image


@right("light-on-dark")
def counted_in_a_list(image):
    outer = border(image)
    bright = sum(one >= 128 for one in outer)
    return 255 - image if bright > len(outer) - bright else image


@right("light-on-dark")
def everything_minus_the_inside(image):
    bright = image >= 128
    outside = bright.sum() - bright[1:-1, 1:-1].sum()
    size = image.numel() - image[1:-1, 1:-1].numel()
    return torch.where(outside > size / 2, 255 - image, image)


@right("light-on-dark")
def median_of_the_border(image):
    outer = torch.cat([image[0], image[-1], image[1:-1, 0], image[1:-1, -1]]) >= 128
    return image ^ 255 if outer.float().mean().item() > 0.5 else image.clone()


# --- centred-digit ------------------------------------------------------------------------


def inked(height, width, *pixels):
    image = torch.zeros(height, width, dtype=torch.uint8)
    for row, column, byte in pixels:
        image[row, column] = byte
    return Case((image,))


further(
    "centred-digit",
    inked(6, 5, (0, 0, 80), (1, 0, 90), (0, 1, 60)),
    inked(9, 10, (8, 9, 255), (7, 9, 200), (8, 2, 30), (7, 2, 5), (8, 1, 9)),
    inked(7, 12, (6, 0, 40), (5, 1, 50), (6, 10, 240), (5, 11, 250), (6, 11, 255)),
    inked(5, 7, (3, 1, 100), (3, 2, 20), (4, 1, 50), (4, 2, 80)),
    inked(30, 30, (2, 3, 200), (2, 4, 100), (3, 3, 150)),
    inked(8, 4, (6, 0, 255), (7, 0, 200), (5, 3, 20), (4, 3, 30)),
    Case((torch.zeros(4, 4, dtype=torch.uint8),)),
)


def balance(image):
    return ndimage.center_of_mass(image.numpy().astype(float))


def carried(image, down, right):
    """Moved by slices; what leaves is gone."""
    height, width = image.shape
    frame = F.pad(image, (width, width, height, height))
    return frame[height - down : 2 * height - down, width - right : 2 * width - right].clone()


def steps_to_the_middle(image):
    places, sides = balance(image), image.shape
    return [round(side // 2 - place) for side, place in zip(sides, places, strict=True)]


@wrong("centred-digit", "rolled")
def with_roll(image):
    if not image.any():
        return image
    down, across = steps_to_the_middle(image)
    return torch.roll(torch.roll(image, down, 0), across, 1)


@wrong("centred-digit", "the other way")
def away_from_the_middle(image):
    if not image.any():
        return image
    down, across = steps_to_the_middle(image)
    return carried(image, -down, -across)


@wrong("centred-digit", "rows and columns swapped")
def across_and_down(image):
    if not image.any():
        return image
    across, down = steps_to_the_middle(image)
    return carried(image, down, across)


@wrong("centred-digit", "middle of the box")
def box_in_the_middle(image):
    if image.sum() == 0:
        return image
    rows, columns = (image.numpy().any(axis=axis).nonzero()[0] for axis in (1, 0))
    down = round(image.shape[0] // 2 - (rows.min() + rows.max()) / 2)
    return carried(image, down, round(image.shape[1] // 2 - (columns.min() + columns.max()) / 2))


@wrong("centred-digit", "every pixel counts the same")
def mean_of_the_places(image):
    places = image.nonzero().double()
    if len(places) == 0:
        return image
    row, column = places.mean(dim=0).tolist()
    return carried(image, round(image.shape[0] // 2 - row), round(image.shape[1] // 2 - column))


@wrong("centred-digit", "cut off instead of rounded")
def whole_part(image):
    if not image.any():
        return image
    row, column = balance(image)
    return carried(image, int(image.shape[0] // 2 - row), int(image.shape[1] // 2 - column))


@wrong("centred-digit", "rows alone")
def up_and_down(image):
    if not image.any():
        return image
    return carried(image, steps_to_the_middle(image)[0], 0)


@wrong("centred-digit", "not moved")
def leaves_it(image):
    return image.clone()


@wrong("centred-digit", "where 28 pixels have their middle")
def as_mnist(image):
    if not image.any():
        return image
    row, column = balance(image)
    return carried_far(image, round(14 - row), round(14 - column))


def carried_far(image, down, right):
    result = torch.zeros_like(image)
    for row, column in image.nonzero().tolist():
        if 0 <= row + down < image.shape[0] and 0 <= column + right < image.shape[1]:
            result[row + down, column + right] = image[row, column]
    return result


@wrong("centred-digit")
def divides_by_no_ink(image):
    ink = image.double()
    row = (ink.sum(dim=1) * torch.arange(image.shape[0])).sum() / ink.sum()
    column = (ink.sum(dim=0) * torch.arange(image.shape[1])).sum() / ink.sum()
    down, across = image.shape[0] // 2 - row.item(), image.shape[1] // 2 - column.item()
    return carried(image, round(down), round(across))


@wrong("centred-digit")
def bytes_overflow(image):
    if not image.any():
        return image
    rows = torch.arange(image.shape[0], dtype=torch.uint8)
    columns = torch.arange(image.shape[1], dtype=torch.uint8)
    total = image.sum().item()
    row = (image * rows[:, None]).sum().item() / total
    column = (image * columns).sum().item() / total
    return carried(image, round(image.shape[0] // 2 - row), round(image.shape[1] // 2 - column))


@right("centred-digit")
def by_scipy(image):
    if not image.any():
        return image
    return carried(image, *steps_to_the_middle(image))


@right("centred-digit")
def pixel_by_pixel(image):
    total = sum(image.flatten().tolist())
    if total == 0:
        return image
    row = sum(r * byte for r, line in enumerate(image.tolist()) for byte in line) / total
    column = sum(c * byte for line in image.tolist() for c, byte in enumerate(line)) / total
    return carried_far(image, round(image.shape[0] // 2 - row), round(image.shape[1] // 2 - column))


@right("centred-digit")
def with_shift_of_scipy(image):
    if not image.any():
        return image.clone()
    array = image.numpy()
    moved = ndimage.shift(array.astype(float), steps_to_the_middle(image), order=0)
    return torch.from_numpy(moved.round().astype(numpy.uint8))


# --- resampled-stroke ---------------------------------------------------------------------


def stroke(*pairs):
    return torch.tensor(pairs, dtype=torch.float32)


further(
    "resampled-stroke",
    Case((stroke((0, 0), (3, 4), (3, 10), (11, 10)), 6)),
    Case((stroke((5, 1), (5, 2), (5, 3), (5, 19), (8, 23)), 4)),
    Case((stroke((1, 1), (4, 1), (4, 1), (1, 1), (1, 9)), 8)),
    Case((stroke((0, 0), (1, 7)), 5)),
    Case((stroke((2, 8)), 4)),
    Case((stroke((-3, 2), (0, 6), (0, 6), (12, 1), (12, -8)), 3)),
)


def travelled(points):
    """Lists: the points, and how far the pen had gone at each."""
    points = points.tolist()
    far = [0.0]
    for (x, y), (to_x, to_y) in zip(points[:-1], points[1:], strict=True):
        far.append(far[-1] + math.hypot(to_x - x, to_y - y))
    return points, far


def point_at(points, far, wanted):
    """The point of a line at a distance along it."""
    for place in range(1, len(points)):
        if far[place] > far[place - 1] and wanted <= far[place] + 1e-9:
            share = (wanted - far[place - 1]) / (far[place] - far[place - 1])
            return [
                a + share * (b - a) for a, b in zip(points[place - 1], points[place], strict=True)
            ]
    return points[-1]


@wrong("resampled-stroke", "equal times")
def interpolates_the_numbers(stroke, count):
    numbers = numpy.linspace(0, len(stroke) - 1, count)
    xs = numpy.interp(numbers, range(len(stroke)), stroke[:, 0])
    ys = numpy.interp(numbers, range(len(stroke)), stroke[:, 1])
    return torch.tensor(numpy.array([xs, ys]).T, dtype=torch.float32)


@wrong("resampled-stroke", "straight from end to end")
def as_a_bird_flies(stroke, count):
    share = torch.linspace(0, 1, count)[:, None]
    return stroke[0] + share * (stroke[-1] - stroke[0])


@wrong("resampled-stroke", "last point missing")
def divides_by_count(stroke, count):
    points, far = travelled(stroke)
    return torch.tensor([point_at(points, far, far[-1] * k / count) for k in range(count)])


@wrong("resampled-stroke", "one point too many")
def from_0_to_count(stroke, count):
    points, far = travelled(stroke)
    return torch.tensor([point_at(points, far, far[-1] * k / count) for k in range(count + 1)])


@wrong("resampled-stroke", "along the axes")
def around_the_blocks(stroke, count):
    points = stroke.tolist()
    far = [0.0]
    for (x, y), (to_x, to_y) in zip(points[:-1], points[1:], strict=True):
        far.append(far[-1] + abs(to_x - x) + abs(to_y - y))
    gap = far[-1] / (count - 1)
    return torch.tensor([point_at(points, far, gap * k) for k in range(count)])


@wrong("resampled-stroke", "squares")
def without_the_root(stroke, count):
    points = stroke.tolist()
    far = [0.0]
    for (x, y), (to_x, to_y) in zip(points[:-1], points[1:], strict=True):
        far.append(far[-1] + (to_x - x) ** 2 + (to_y - y) ** 2)
    gap = far[-1] / (count - 1)
    return torch.tensor([point_at(points, far, gap * k) for k in range(count)])


@wrong("resampled-stroke", "some of its points")
def nearest_points(stroke, count):
    points, far = travelled(stroke)
    wanted = [far[-1] * k / (count - 1) for k in range(count)]
    return torch.tensor(
        [points[min(range(len(far)), key=lambda p: abs(far[p] - one))] for one in wanted]
    )


@wrong("resampled-stroke")
def halves_the_points(stroke, count):
    return stroke[:: max(1, len(stroke) // count)][:count]


@wrong("resampled-stroke")
def returns_distances(stroke, count):
    _, far = travelled(stroke)
    return torch.linspace(0, far[-1], count)


@right("resampled-stroke")
def segment_by_segment(stroke, count):
    points, far = travelled(stroke)
    wanted = [far[-1] * k / (count - 1) for k in range(count)]
    return torch.tensor([point_at(points, far, one) for one in wanted])


@right("resampled-stroke")
def with_searchsorted(stroke, count):
    lengths = (stroke[1:] - stroke[:-1]).double().norm(dim=1)
    keep = torch.cat([torch.tensor([True]), lengths > 0])
    points, far = stroke[keep].double(), torch.cat([torch.zeros(1).double(), lengths[lengths > 0]])
    if len(points) == 1:
        return points.float().repeat(count, 1)
    far = far.cumsum(0)
    wanted = torch.linspace(0, 1, count, dtype=torch.float64) * far[-1]
    after = torch.searchsorted(far, wanted).clamp(1, len(far) - 1)
    share = (wanted - far[after - 1]) / (far[after] - far[after - 1])
    found = points[after - 1] + share[:, None] * (points[after] - points[after - 1])
    return found.float()


@right("resampled-stroke")
def with_complex_numbers(stroke, count):
    line = stroke[:, 0].double().numpy() + 1j * stroke[:, 1].double().numpy()
    gone = numpy.append(0, numpy.abs(numpy.diff(line)).cumsum())
    found = numpy.interp(numpy.linspace(0, gone[-1], count), gone, line)
    return torch.tensor(numpy.column_stack([found.real, found.imag]), dtype=torch.float32)


# --- writer-accuracy ----------------------------------------------------------------------


def digits_of(flags, writers):
    return Case((torch.tensor(flags, dtype=torch.bool), torch.tensor(writers)))


further(
    "writer-accuracy",
    digits_of([1, 0, 0, 1, 1, 1, 1], [12, 12, 12, 40, 40, 3, 3]),
    digits_of([1, 1, 1, 0, 1, 0, 1, 1, 1, 1], [0, 1, 1, 1, 1, 2, 3, 3, 3, 3]),
    digits_of([0, 1], [5, 2]),
    digits_of([1, 1, 0, 0], [-7, 0, 0, -1]),
    digits_of([1, 0, 1, 0, 1, 1, 1, 1], [9, 8, 9, 8, 7, 7, 8, 6]),
)


def by_person(flags, people):
    found = defaultdict(list)
    for flag, person in zip(flags.tolist(), people.tolist(), strict=True):
        found[person].append(flag)
    return [sum(one) / len(one) for one in found.values()]


@wrong("writer-accuracy", "every digit counts the same")
def mean_of_the_digits(right, writers):
    each = by_person(right, writers)
    return right.float().mean().item(), statistics.stdev(each) / math.sqrt(len(each))


@wrong("writer-accuracy", "of the writers, not of the mean")
def how_far_apart(right, writers):
    each = by_person(right, writers)
    return statistics.fmean(each), statistics.stdev(each)


@wrong("writer-accuracy", "n instead of n - 1")
def numpy_s_own(right, writers):
    each = numpy.array(by_person(right, writers))
    return float(each.mean()), float(each.std() / math.sqrt(len(each)))


@wrong("writer-accuracy", "root of the digits")
def root_of_all_digits(right, writers):
    each = torch.tensor(by_person(right, writers), dtype=torch.float64)
    return each.mean().item(), each.std().item() / len(writers) ** 0.5


@wrong("writer-accuracy", "without the root")
def divided_by_n(right, writers):
    each = torch.tensor(by_person(right, writers), dtype=torch.float64)
    return each.mean().item(), (each.std() / len(each)).item()


@wrong("writer-accuracy", "the variance")
def no_root_at_all(right, writers):
    each = by_person(right, writers)
    mean = sum(each) / len(each)
    return mean, sum((one - mean) ** 2 for one in each) / (len(each) - 1) / len(each)


@wrong("writer-accuracy", "percent")
def in_per_cent(right, writers):
    each = [100 * one for one in by_person(right, writers)]
    return statistics.fmean(each), statistics.stdev(each) / math.sqrt(len(each))


@wrong("writer-accuracy", "as if digits were independent")
def ignores_writers(right, writers):
    numbers = right.double()
    return statistics.fmean(by_person(right, writers)), (
        numbers.std().item() / math.sqrt(len(numbers))
    )


@wrong("writer-accuracy")
def writers_from_0_on(right, writers):
    each = [right[writers == one].double().mean().item() for one in range(int(writers.max()) + 1)]
    return statistics.mean(each), statistics.stdev(each) / len(each) ** 0.5


@wrong("writer-accuracy")
def writers_from_0_on_who_are_there(right, writers):
    there = [one for one in range(int(writers.max()) + 1) if (writers == one).any()]
    each = [right[writers == one].double().mean().item() for one in there]
    return statistics.mean(each), statistics.stdev(each) / len(each) ** 0.5


@wrong("writer-accuracy")
def the_mean_alone(right, writers):
    return statistics.fmean(by_person(right, writers))


@right("writer-accuracy")
def from_a_dict(right, writers):
    each = by_person(right, writers)
    return statistics.fmean(each), statistics.stdev(each) / math.sqrt(len(each))


@right("writer-accuracy")
def with_tensors(right, writers):
    _, place, count = writers.unique(return_inverse=True, return_counts=True)
    sums = torch.zeros(len(count), dtype=torch.float64).index_add(0, place, right.double())
    each = sums / count
    return each.mean().item(), each.std().item() / math.sqrt(len(each))


@right("writer-accuracy")
def with_sums_of_squares(right, writers):
    each = by_person(right, writers)
    number, mean = len(each), sum(each) / len(each)
    squares = sum((one - mean) ** 2 for one in each)
    return mean, (squares / (number - 1) / number) ** 0.5


# --- drawing-experiment -------------------------------------------------------------------

experiment_answers(
    "drawing-experiment", {"drawn": 30, "digits": 400, "epochs": 2, "learning_rate": 0.01}
)
