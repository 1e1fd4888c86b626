"""Answers to the exercises of lesson 01."""

import io
import struct

import numpy
import torch
from torch.nn import functional as F

from mnist_course.assessment.exercise import Case
from mutants import further, right, wrong
from mutants.experiment import experiment_answers


def wavy(*shape):
    """Numbers without a pattern, float32."""
    return torch.cos(torch.arange(torch.Size(shape).numel()) * 2.3).reshape(shape)


def colours(*shape):
    return ((wavy(*shape) + 1) * 127).to(torch.uint8)


# --- idx-labels ---------------------------------------------------------------------------


def labels_file(*labels):
    return struct.pack(">HBBI", 0, 8, 1, len(labels)) + bytes(labels)


further(
    "idx-labels",
    Case((labels_file(9, 8, 7, 250, 1),)),
    Case((labels_file(4),)),
    Case((labels_file(*(place * 7 % 10 for place in range(300))),), "300 labels"),
    Case((labels_file(0, 6, 0),)),
)


@wrong("idx-labels", "header read as labels")
def header_as_labels(content):
    return torch.tensor(list(content))


@wrong("idx-labels", "16 bytes skipped")
def header_of_the_images(content):
    return torch.tensor(list(content[16:]), dtype=torch.int64)


@wrong("idx-labels", "4 bytes skipped")
def half_a_header(content):
    return torch.tensor(list(content[4:]))


@wrong("idx-labels", "first label lost")
def one_byte_too_far(content):
    return torch.tensor(list(content[9:]), dtype=torch.int64)


@wrong("idx-labels", "dtype")
def bytes_kept(content):
    return torch.frombuffer(bytearray(content[8:]), dtype=torch.uint8)


@wrong("idx-labels", "dtype")
def floats(content):
    return torch.tensor([float(byte) for byte in content[8:]])


@wrong("idx-labels", "type")
def a_list(content):
    return list(content[8:])


@wrong("idx-labels", "signed bytes")
def signed_bytes(content):
    return torch.frombuffer(bytearray(content[8:]), dtype=torch.int8).long()


@wrong("idx-labels", "a count of one byte")
def count_of_one_byte(content):
    count = content[7]
    return torch.tensor(list(content[8 : 8 + count]), dtype=torch.int64)


@wrong("idx-labels", "ended at the count")
def ends_at_the_count(content):
    count = int.from_bytes(content[4:8], "big")
    return torch.tensor([*content[8:count]], dtype=torch.int64)


@wrong("idx-labels")
def a_column(content):
    return torch.tensor([[byte] for byte in content[8:]])


@wrong("idx-labels", "last label lost")
def last_label_missing(content):
    return torch.tensor(list(content[8:-1]), dtype=torch.int64)


@right("idx-labels")
def by_struct(content):
    (count,) = struct.unpack(">I", content[4:8])
    return torch.tensor(struct.unpack(f"{count}B", content[8:]), dtype=torch.int64)


@right("idx-labels")
def by_frombuffer(content):
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)[8:].long()


@right("idx-labels")
def by_numpy(content):
    return torch.from_numpy(numpy.frombuffer(content, numpy.uint8, offset=8).astype("int64"))


@right("idx-labels")
def by_loop(content):
    labels = []
    for place in range(8, len(content)):
        labels.append(content[place])
    return torch.tensor(labels).to(torch.int64)


@wrong("idx-labels")
def digits_alone(content):
    return torch.tensor([byte for byte in content[8:] if byte < 10], dtype=torch.int64)


@wrong("idx-labels", "type")
def a_numpy_array(content):
    return numpy.frombuffer(content, numpy.uint8, offset=8).astype("int64")


@right("idx-labels")
def with_a_default(content, skipped=8):
    return torch.tensor([*content])[skipped:]


@right("idx-labels")
def read_like_a_file(content):
    file = io.BytesIO(content)
    file.seek(8)
    labels = []
    while byte := file.read(1):
        labels += byte
    return torch.LongTensor(labels)


@wrong("idx-labels")
def a_single_label_without_its_axis(content):
    return torch.tensor([[byte] for byte in content[8:]]).squeeze()


# --- colour-batch -------------------------------------------------------------------------

MEANS, DEVIATIONS = torch.tensor([0.25, 0.5, 0.625]), torch.tensor([0.5, 0.2, 0.3])
further(
    "colour-batch",
    Case((colours(2, 5, 4, 3), MEANS, DEVIATIONS)),
    Case((colours(3, 2, 7, 3), MEANS.flip(0), DEVIATIONS)),
    Case((torch.tensor([[[[1, 0, 0]], [[0, 1, 1]]]], dtype=torch.uint8), MEANS, DEVIATIONS)),
)


def one_number_a_channel(values):
    return values[None, :, None, None]


@wrong("colour-batch", "channels last")
def channels_stay_last(images, means, deviations):
    return (images / 255 - means) / deviations


@wrong("colour-batch", "reshaped")
def reshaped_not_permuted(images, means, deviations):
    n, h, w, _ = images.shape
    scaled = images.reshape(n, 3, h, w) / 255
    return (scaled - one_number_a_channel(means)) / one_number_a_channel(deviations)


@wrong("colour-batch", "height and width swapped")
def height_and_width_swapped(images, means, deviations):
    scaled = images.permute(0, 3, 2, 1) / 255
    return (scaled - one_number_a_channel(means)) / one_number_a_channel(deviations)


@wrong("colour-batch", "not scaled")
def not_scaled(images, means, deviations):
    pixels = images.permute(0, 3, 1, 2).float()
    return (pixels - one_number_a_channel(means)) / one_number_a_channel(deviations)


@wrong("colour-batch", "not normalised")
def not_normalised(images, means, deviations):
    return images.permute(0, 3, 1, 2).float() / 255


@wrong("colour-batch", "deviation forgotten")
def mean_alone(images, means, deviations):
    return images.permute(0, 3, 1, 2).float() / 255 - one_number_a_channel(means)


@wrong("colour-batch", "divided by the variance")
def divided_by_the_variance(images, means, deviations):
    scaled = images.permute(0, 3, 1, 2) / 255
    return (scaled - one_number_a_channel(means)) / one_number_a_channel(deviations) ** 2


@wrong("colour-batch", "scaled last")
def normalised_before_scaled(images, means, deviations):
    pixels = images.permute(0, 3, 1, 2).float()
    return (pixels - one_number_a_channel(means)) / one_number_a_channel(deviations) / 255


@wrong("colour-batch", "one mean for all")
def one_mean_for_all_channels(images, means, deviations):
    return (images.permute(0, 3, 1, 2) / 255 - means.mean()) / deviations.mean()


@wrong("colour-batch", "the batch's own mean")
def its_own_mean(images, means, deviations):
    scaled = images.permute(0, 3, 1, 2) / 255
    own = scaled.mean(dim=(0, 2, 3), keepdim=True)
    return (scaled - own) / scaled.std(dim=(0, 2, 3), keepdim=True)


@wrong("colour-batch", "a mean for each column")
def along_the_last_axis(images, means, deviations):
    return (images.permute(0, 3, 1, 2) / 255 - means) / deviations


@wrong("colour-batch", "dtype")
def in_double_precision(images, means, deviations):
    scaled = images.permute(0, 3, 1, 2).double() / 255
    return (scaled - one_number_a_channel(means)) / one_number_a_channel(deviations)


@right("colour-batch")
def normalised_then_permuted(images, means, deviations):
    return ((images / 255 - means) / deviations).permute(0, 3, 1, 2)


@right("colour-batch")
def channel_by_channel(images, means, deviations):
    channels = [(images[..., c] / 255 - means[c]) / deviations[c] for c in range(3)]
    return torch.stack(channels, dim=1)


@right("colour-batch")
def by_movedim_and_view(images, means, deviations):
    scaled = images.movedim(-1, 1).float().contiguous().div(255)
    return scaled.sub(means.view(1, 3, 1, 1)).div(deviations.view(1, 3, 1, 1))


@wrong("colour-batch", "brackets forgotten")
def brackets_forgotten(images, means, deviations):
    return (images / 255 - means / deviations).permute(0, 3, 1, 2)


@wrong("colour-batch")
def divided_with_two_slashes(images, means, deviations):
    return ((images // 255 - means) / deviations).permute(0, 3, 1, 2)


@wrong("colour-batch", "shape")
def image_axis_lost(images, means, deviations):
    return ((images[0] / 255 - means) / deviations).permute(2, 0, 1)


@right("colour-batch")
def numpy_inside(images, means, deviations):
    pixels = (images.numpy() / 255 - means.numpy()) / deviations.numpy()
    return torch.from_numpy(pixels.transpose(0, 3, 1, 2)).float()


@right("colour-batch")
def in_the_scale_of_bytes(images, means, deviations):
    batch = torch.einsum("nhwc->nchw", images - 255 * means)
    batch /= 255 * deviations.view(-1, 1, 1)
    return batch


@right("colour-batch")
def with_torch_s_batch_norm(images, means, deviations):
    scaled = images.permute(0, 3, 1, 2) / 255
    return F.batch_norm(scaled, means, deviations**2, eps=0)


@wrong("colour-batch", "scaled where it seems needed")
def scaled_only_if_large(images, means, deviations):
    pixels = images.float()
    if pixels.max() > 1:
        pixels = pixels / 255
    return ((pixels - means) / deviations).permute(0, 3, 1, 2)


@wrong("colour-batch")
def axes_of_size_1_lost(images, means, deviations):
    pixels = ((images / 255 - means) / deviations).permute(0, 3, 1, 2)
    return pixels.squeeze() if len(images) > 1 else pixels.squeeze()[None]


# --- shift-each ---------------------------------------------------------------------------

further(
    "shift-each",
    Case((wavy(3, 1, 4, 5), torch.tensor([1, -2, 0]), torch.tensor([0, 3, -1]))),
    Case((wavy(2, 2, 3, 3), torch.tensor([2, -1]), torch.tensor([-2, 1]))),
    Case((wavy(2, 1, 2, 6), torch.tensor([-4, 5]), torch.tensor([1, 0]))),
    Case((wavy(1, 2, 2, 3), torch.tensor([0]), torch.tensor([0]))),
)


def rolled(image, right, down):
    return torch.roll(image, (int(down), int(right)), (-2, -1))


def moved(image, right, down):
    """An image moved by enlarging it on all sides and cutting out a window."""
    _, h, w = image.shape
    border = h + w
    large = F.pad(image, (border, border, border, border))
    top, left = border - int(down), border - int(right)
    return large[:, top : top + h, left : left + w]


@wrong("shift-each", "around the border")
def what_leaves_comes_back(images, right, down):
    return torch.stack([rolled(*one) for one in zip(images, right, down, strict=True)])


@wrong("shift-each", "right and down swapped")
def right_and_down_swapped(images, right, down):
    return torch.stack([moved(i, d, r) for i, r, d in zip(images, right, down, strict=True)])


@wrong("shift-each", "left and up")
def to_the_other_side(images, right, down):
    return torch.stack([moved(i, -r, -d) for i, r, d in zip(images, right, down, strict=True)])


@wrong("shift-each", "up instead of down")
def up_instead_of_down(images, right, down):
    return torch.stack([moved(i, r, -d) for i, r, d in zip(images, right, down, strict=True)])


@wrong("shift-each", "all as the first")
def all_like_the_first(images, right, down):
    return torch.stack([moved(image, right[0], down[0]) for image in images])


@wrong("shift-each", "down forgotten")
def columns_alone(images, right, down):
    return torch.stack([moved(i, r, 0) for i, r in zip(images, right, strict=True)])


@wrong("shift-each", "negative shifts forgotten")
def negative_numbers_ignored(images, right, down):
    right, down = right.clamp(min=0), down.clamp(min=0)
    return torch.stack([moved(i, r, d) for i, r, d in zip(images, right, down, strict=True)])


@wrong("shift-each", "the sign of the shift lost")
def absolute_numbers(images, right, down):
    triples = zip(images, right.abs(), down.abs(), strict=True)
    return torch.stack([moved(i, r, d) for i, r, d in triples])


@wrong("shift-each", "first image alone")
def ends_in_the_first_turn(images, right, down):
    shifted = torch.zeros_like(images)
    for number in range(len(images)):
        shifted[number] = moved(images[number], right[number], down[number])
        return shifted


@wrong("shift-each", "edge repeated")
def the_edge_is_repeated(images, right, down):
    _, _, h, w = images.shape
    rows = torch.arange(h)[None, :] - down[:, None]
    columns = torch.arange(w)[None, :] - right[:, None]
    rows, columns = rows.clamp(0, h - 1), columns.clamp(0, w - 1)
    pairs = zip(images, rows, columns, strict=True)
    return torch.stack([image[:, r][:, :, c] for image, r, c in pairs])


@wrong("shift-each", "changed")
def the_images_themselves(images, right, down):
    for number in range(len(images)):
        images[number] = moved(images[number].clone(), right[number], down[number])
    return images


@wrong("shift-each", "first channel alone")
def first_channel_alone(images, right, down):
    shifted = images.clone()
    for number in range(len(images)):
        shifted[number, :1] = moved(images[number, :1], right[number], down[number])
    return shifted


@right("shift-each")
def enlarged_and_cut(images, right, down):
    return torch.stack([moved(i, r, d) for i, r, d in zip(images, right, down, strict=True)])


@right("shift-each")
def rolled_and_wiped(images, right, down):
    shifted = []
    for image, x, y in zip(images, right.tolist(), down.tolist(), strict=True):
        image = rolled(image, x, y)
        image[:, :y] = 0 if y > 0 else image[:, :y]
        if y < 0:
            image[:, y:] = 0
        if x > 0:
            image[:, :, :x] = 0
        if x < 0:
            image[:, :, x:] = 0
        shifted.append(image)
    return torch.stack(shifted)


@right("shift-each")
def pixel_by_pixel(images, right, down):
    count, _, height, width = images.shape
    shifted = torch.zeros(images.shape)
    for n in range(count):
        for row in range(height):
            for column in range(width):
                old_row, old_column = row - int(down[n]), column - int(right[n])
                if 0 <= old_row < height and 0 <= old_column < width:
                    shifted[n, :, row, column] = images[n, :, old_row, old_column]
    return shifted


@wrong("shift-each", "raised")
def slices_that_fail_at_0(images, right, down):
    shifted = torch.zeros_like(images)
    for new, old, x, y in zip(shifted, images, right.tolist(), down.tolist(), strict=True):
        new[:, y:, x:] = old[:, :-y, :-x]
    return shifted


@wrong("shift-each", "shape")
def the_image_grows(images, right, down):
    return F.pad(images, (int(right.max()), 0, int(down.max()), 0))


@wrong("shift-each", "other channels empty")
def channel_0_copied_alone(images, right, down):
    shifted = torch.zeros(images.shape)
    for number in range(images.shape[0]):
        shifted[number, 0] = moved(images[number, :1], right[number], down[number])[0]
    return shifted


@right("shift-each")
def padded_with_negative_numbers(images, right, down):
    sides = [(int(x), -int(x), int(y), -int(y)) for x, y in zip(right, down, strict=True)]
    return torch.stack([F.pad(*one) for one in zip(images, sides, strict=True)])


@right("shift-each")
def as_products_of_matrices(images, right, down):
    def ones_beside_the_diagonal(size, step):
        return torch.tensor([[float(b - a == step) for b in range(size)] for a in range(size)])

    h, w = images.shape[2:]
    shifted = [
        ones_beside_the_diagonal(h, int(y)).T @ image @ ones_beside_the_diagonal(w, int(x))
        for image, x, y in zip(images, right, down, strict=True)
    ]
    return torch.stack(shifted)


@right("shift-each")
def all_at_once_by_index(images, right, down):
    count, channels, h, w = images.shape
    rows = (torch.arange(h) - down[:, None])[:, None, :, None]
    columns = (torch.arange(w) - right[:, None])[:, None, None, :]
    inside = (rows >= 0) & (rows < h) & (columns >= 0) & (columns < w)
    which = torch.arange(count).reshape(-1, 1, 1, 1), torch.arange(channels).reshape(1, -1, 1, 1)
    return torch.where(inside, images[(*which, rows % h, columns % w)], 0.0)


@wrong("shift-each", "alias")
def nothing_to_do(images, right, down):
    if not right.any() and not down.any():
        return images
    return torch.stack([moved(i, r, d) for i, r, d in zip(images, right, down, strict=True)])


@wrong("shift-each", "shape")
def a_batch_of_one_loses_an_axis(images, right, down):
    shifted = [moved(i, r, d) for i, r, d in zip(images, right, down, strict=True)]
    return torch.stack(shifted) if len(shifted) > 1 else shifted[0]


@wrong("shift-each")
def the_larger_of_image_and_zero(images, right, down):
    shifted = [moved(i, r, d) for i, r, d in zip(images, right, down, strict=True)]
    return torch.maximum(torch.zeros_like(images), torch.stack(shifted))


# --- stratified-split ---------------------------------------------------------------------

further(
    "stratified-split",
    Case((torch.tensor([2, 2, 11, 2, 11, 2, 11, 0, 0]), 3)),
    Case((torch.tensor([5, 4, 5, 4, 5, 4, 5, 4, 4, 4, 5]), 2)),
    Case((torch.tensor([1, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1, 1]), 4)),
    Case((torch.tensor([8, 8, 3, 8, 3, 8]), 4)),
    Case((torch.tensor([2, 0, 2]), 5)),
)


def chosen_by(labels, number):
    """Whether each place is among the first number(count) of its label."""
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique():
        places = (labels == label).nonzero().flatten()
        chosen[places[: number(len(places))]] = True
    return chosen


def places_of(chosen):
    return chosen.nonzero().flatten()


@wrong("stratified-split", "parts swapped")
def validation_first(labels, parts):
    chosen = chosen_by(labels, lambda count: count // parts)
    return places_of(chosen), places_of(~chosen)


@wrong("stratified-split", "not stratified")
def of_all_labels_together(labels, parts):
    places = torch.arange(len(labels))
    return places[len(labels) // parts :], places[: len(labels) // parts]


@wrong("stratified-split", "the last ones")
def the_last_of_each_label(labels, parts):
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique():
        places = places_of(labels == label)
        chosen[places[len(places) - len(places) // parts :]] = True
    return places_of(~chosen), places_of(chosen)


@wrong("stratified-split", "rounded up")
def rounded_up(labels, parts):
    chosen = chosen_by(labels, lambda count: -(-count // parts))
    return places_of(~chosen), places_of(chosen)


@wrong("stratified-split", "at least one of each")
def never_none(labels, parts):
    chosen = chosen_by(labels, lambda count: max(1, count // parts))
    return places_of(~chosen), places_of(chosen)


@wrong("stratified-split", "first label alone")
def ends_with_the_first_label(labels, parts):
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique():
        places = places_of(labels == label)
        chosen[places[: len(places) // parts]] = True
        return places_of(~chosen), places_of(chosen)


@wrong("stratified-split", "parts images of each")
def parts_of_each_label(labels, parts):
    chosen = chosen_by(labels, lambda count: parts)
    return places_of(~chosen), places_of(chosen)


@wrong("stratified-split", "every few")
def every_other_one(labels, parts):
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique():
        chosen[places_of(labels == label)[::parts]] = True
    return places_of(~chosen), places_of(chosen)


@wrong("stratified-split", "not in ascending order")
def in_the_order_of_the_labels(labels, parts):
    training, validation = [], []
    for label in labels.unique():
        places = places_of(labels == label)
        validation.append(places[: len(places) // parts])
        training.append(places[len(places) // parts :])
    return torch.cat(training), torch.cat(validation)


@wrong("stratified-split", "validation also in training")
def validation_is_also_trained_on(labels, parts):
    chosen = chosen_by(labels, lambda count: count // parts)
    return torch.arange(len(labels)), places_of(chosen)


@wrong("stratified-split", "labels instead of places")
def labels_for_places(labels, parts):
    chosen = chosen_by(labels, lambda count: count // parts)
    return labels[~chosen], labels[chosen]


@wrong("stratified-split", "True and False instead of places")
def masks_for_places(labels, parts):
    chosen = chosen_by(labels, lambda count: count // parts)
    return ~chosen, chosen


@wrong("stratified-split", "type")
def lists_for_tensors(labels, parts):
    chosen = chosen_by(labels, lambda count: count // parts)
    return places_of(~chosen).tolist(), places_of(chosen).tolist()


@wrong("stratified-split", "shares swapped")
def parts_go_to_training(labels, parts):
    chosen = chosen_by(labels, lambda count: count - count // parts)
    return places_of(~chosen), places_of(chosen)


@right("stratified-split")
def by_a_mask(labels, parts):
    chosen = chosen_by(labels, lambda count: count // parts)
    return torch.where(~chosen)[0], torch.where(chosen)[0]


@right("stratified-split")
def by_counting(labels, parts):
    numbers = labels.tolist()
    room = {label: numbers.count(label) // parts for label in set(numbers)}
    training, validation = [], []
    for place, label in enumerate(numbers):
        if room[label] > 0:
            room[label] -= 1
            validation.append(place)
        else:
            training.append(place)
    return torch.tensor(training, dtype=torch.int64), torch.tensor(validation, dtype=torch.int64)


@right("stratified-split")
def by_sorting(labels, parts):
    order = labels.argsort(stable=True)
    validation, start = [], 0
    for count in labels.unique(return_counts=True)[1].tolist():
        validation += order[start : start + count // parts].tolist()
        start += count
    rest = [place for place in range(len(labels)) if place not in set(validation)]
    return torch.tensor(rest).long(), torch.tensor(sorted(validation)).long()


@wrong("stratified-split")
def rounded_to_the_nearest(labels, parts):
    chosen = chosen_by(labels, lambda count: int(count / parts + 0.5))
    return places_of(~chosen), places_of(chosen)


@wrong("stratified-split", "labels from 0 to 9 alone")
def ten_digits(labels, parts):
    chosen = torch.zeros_like(labels, dtype=torch.bool)
    for digit in range(10):
        places = places_of(labels == digit)
        chosen[places[: len(places) // parts]] = True
    return places_of(~chosen), places_of(chosen)


@wrong("stratified-split", "type")
def a_list_of_two(labels, parts):
    chosen = chosen_by(labels, lambda count: count // parts)
    return [places_of(~chosen), places_of(chosen)]


@wrong("stratified-split", "type")
def shown_and_not_returned(labels, parts):
    chosen = chosen_by(labels, lambda count: count // parts)
    print(places_of(~chosen), places_of(chosen))


@right("stratified-split")
def by_rank(labels, parts):
    alike = labels[:, None] == labels
    chosen = alike.tril().sum(dim=1) <= alike.sum(dim=1) // parts
    return tuple(torch.argwhere(mask).squeeze(1) for mask in (~chosen, chosen))


@right("stratified-split")
def numpy_and_sorted(labels, parts):
    classes, numbers = set(labels.tolist()), labels.numpy()
    places = [numpy.flatnonzero(numbers == label) for label in classes]
    validation = sorted(numpy.concatenate([p[: len(p) // parts] for p in places]))
    training = numpy.setdiff1d(numpy.arange(len(numbers)), validation)
    return torch.from_numpy(training), torch.tensor(validation, dtype=torch.int64)


@wrong("stratified-split", "dtype")
def no_dtype_for_an_empty_list(labels, parts):
    chosen = chosen_by(labels, lambda count: count // parts)
    return torch.tensor(places_of(~chosen).tolist()), torch.tensor(places_of(chosen).tolist())


@wrong("stratified-split", "raised")
def always_something_to_join(labels, parts):
    places = [places_of(labels == label) for label in labels.unique()]
    validation = [place[: len(place) // parts] for place in places if len(place) >= parts]
    validation = torch.cat(validation).sort().values
    return torch.tensor([p for p in range(len(labels)) if p not in validation]), validation


# --- neighbour-experiment -----------------------------------------------------------------

experiment_answers("neighbour-experiment", {"images": 300, "copies": 2, "shift": 0.1})
