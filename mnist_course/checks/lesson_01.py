"""The exercises of lesson 01: loading data."""

import struct

import torch

from mnist_course.checks.exercise import Case, Exercise, Mistake, numbers

# --- 01.1 ---------------------------------------------------------------------------------


def read_labels(content):
    return torch.tensor(list(content[8:]), dtype=torch.int64)


def label_file(*labels):
    """The bytes of an IDX file of labels."""
    return struct.pack(">HBBI", 0, 8, 1, len(labels)) + bytes(labels)


def _sixteen_skipped(content):
    return torch.tensor(list(content[16:]), dtype=torch.int64)


def _four_skipped(content):
    return torch.tensor(list(content[4:]), dtype=torch.int64)


def _nothing_skipped(content):
    return torch.tensor(list(content), dtype=torch.int64)


def _first_lost(content):
    return read_labels(content)[1:]


def _last_lost(content):
    return read_labels(content)[:-1]


def _signed(content):
    labels = read_labels(content)
    return torch.where(labels > 127, labels - 256, labels)


def _one_label(content):
    return read_labels(content)[0]


def _count(content):
    return torch.tensor(struct.unpack(">I", content[4:8])[0])


def _count_of_one_byte(content):
    return read_labels(content)[: content[7]]


def _ended_at_the_count(content):
    (count,) = struct.unpack(">I", content[4:8])
    return torch.tensor(list(content[8:count]), dtype=torch.int64)


IDX_LABELS = Exercise(
    name="idx-labels",
    number="01.1",
    title="Read the labels",
    points=1,
    paragraph="4. A file of bytes",
    reference=read_labels,
    cases=(
        Case((label_file(5, 0, 4, 1, 9, 2, 1, 3, 1, 4, 3),)),
        Case((label_file(7, 2, 1, 0, 4, 1, 4, 9, 5, 9, 0, 6, 9, 0),)),
        Case((label_file(8, 0, 0, 8, 8, 3, 200, 255, 1, 127, 128),)),
        Case((label_file(*range(10), *range(10)),)),
        Case((label_file(*(place * 3 % 10 for place in range(300))),), "a file of 300 labels"),
    ),
    mistakes=(
        Mistake(
            "16 bytes skipped",
            _sixteen_skipped,
            "The first eight labels are missing. The header of an image file has 16 bytes; how "
            "many axes have labels?",
        ),
        Mistake(
            "4 bytes skipped",
            _four_skipped,
            "The size of the axis still stands in front of your labels: it takes four bytes of "
            "the header.",
        ),
        Mistake(
            "header read as labels",
            _nothing_skipped,
            "The header is among your labels. They begin after it.",
        ),
        Mistake("first label lost", _first_lost, "The first label is missing."),
        Mistake("last label lost", _last_lost, "The last label is missing."),
        Mistake(
            "signed bytes",
            _signed,
            "Labels above 127 came out negative. The bytes are *unsigned*: from 0 to 255.",
        ),
        Mistake("one label", _one_label, "That is the first label alone. All are asked for."),
        Mistake(
            "a count of one byte",
            _count_of_one_byte,
            "You read one byte of the size. It has four, for files of more than 255 labels.",
        ),
        Mistake(
            "ended at the count",
            _ended_at_the_count,
            "The last labels are missing. The labels begin at byte 8, so the last of them does not "
            "stand at the byte that their number names.",
        ),
        Mistake(
            "the count",
            _count,
            "That is how many labels there are, as the header says. The labels follow it.",
        ),
    ),
    hints=(
        "How long is the header? Four bytes for zeros, type and number of axes, and four more for "
        "each axis.",
        "`content[n:]` is everything from byte n on. The images of [section 4](4. A file of bytes) "
        "were read in the same way.",
        "`list(content[n:])` is a list of whole numbers, one for each byte. `torch.tensor` takes a "
        "list and a `dtype`.",
    ),
    package=("data.read_idx",),
)

# --- 01.2 ---------------------------------------------------------------------------------


def colour_batch(images, means, deviations):
    scaled = images.permute(0, 3, 1, 2).float() / 255
    return (scaled - means[:, None, None]) / deviations[:, None, None]


def _not_scaled(images, means, deviations):
    channels = images.permute(0, 3, 1, 2).float()
    return (channels - means[:, None, None]) / deviations[:, None, None]


def _divided_by_256(images, means, deviations):
    scaled = images.permute(0, 3, 1, 2).float() / 256
    return (scaled - means[:, None, None]) / deviations[:, None, None]


def _reshaped(images, means, deviations):
    count, height, width, channels = images.shape
    scaled = images.reshape(count, channels, height, width).float() / 255
    return (scaled - means[:, None, None]) / deviations[:, None, None]


def _lying_on_their_side(images, means, deviations):
    return colour_batch(images, means, deviations).transpose(2, 3)


def _channels_last(images, means, deviations):
    return (images.float() / 255 - means) / deviations


def _own_statistics(images, means, deviations):
    scaled = images.permute(0, 3, 1, 2).float() / 255
    mean = scaled.mean(dim=(0, 2, 3), keepdim=True)
    return (scaled - mean) / scaled.std(dim=(0, 2, 3), keepdim=True)


def _mean_alone(images, means, deviations):
    return colour_batch(images, means, torch.ones_like(deviations))


def _variance(images, means, deviations):
    return colour_batch(images, means, deviations**2)


def _first_statistics(images, means, deviations):
    return colour_batch(images, means[:1].expand(3), deviations[:1].expand(3))


def _multiplied(images, means, deviations):
    return colour_batch(images, means, 1 / deviations)


def _bytes(*shape):
    return numbers(*shape, dtype=torch.int64).add(4).mul(25).to(torch.uint8)


def _scaled_last(images, means, deviations):
    return _not_scaled(images, means, deviations) / 255


def _only_scaled(images, means, deviations):
    return images.permute(0, 3, 1, 2).float() / 255


def _one_mean_for_all(images, means, deviations):
    return colour_batch(images, means.mean().expand(3), deviations.mean().expand(3))


def _brackets_forgotten(images, means, deviations):
    return _only_scaled(images, means, deviations) - (means / deviations)[:, None, None]


def _along_the_columns(images, means, deviations):
    return (images.permute(0, 3, 1, 2).float() / 255 - means) / deviations


COLOUR_BATCH = Exercise(
    name="colour-batch",
    number="01.2",
    title="A batch of colour images",
    points=2,
    paragraph="9. A batch",
    reference=colour_batch,
    cases=(
        Case(
            (
                torch.tensor([[[[0, 51, 255], [102, 204, 51]]]], dtype=torch.uint8),
                torch.tensor([0.4, 0.2, 0.0]),
                torch.tensor([0.2, 0.1, 0.5]),
            )
        ),
        Case((_bytes(2, 2, 3, 3), torch.tensor([0.5, 0.4, 0.3]), torch.tensor([0.2, 0.25, 0.5]))),
        Case((_bytes(1, 4, 3, 3), torch.tensor([0.1, 0.6, 0.3]), torch.tensor([0.3, 0.2, 0.1]))),
        Case((_bytes(3, 3, 3, 3), torch.tensor([0.2, 0.3, 0.5]), torch.tensor([0.5, 0.2, 0.4]))),
    ),
    mistakes=(
        Mistake(
            "not scaled",
            _not_scaled,
            "The bytes still reach up to 255. Mean and deviation belong to pixels "
            "[from 0 to 1](8. Mean and deviation).",
        ),
        Mistake(
            "divided by 256",
            _divided_by_256,
            "The largest byte should become 1. It is 255.",
        ),
        Mistake(
            "reshaped",
            _reshaped,
            "The shape is right, but the numbers went to wrong places: `reshape` reads them in "
            "their old order and does not move an axis. `permute` does.",
        ),
        Mistake(
            "height and width swapped",
            _lying_on_their_side,
            "Height and width are swapped: N, C, **H, W** is wanted.",
        ),
        Mistake(
            "channels last",
            _channels_last,
            "The numbers are right, but the channel is still the last axis. It should be the "
            "second: N, C, H, W.",
        ),
        Mistake(
            "the batch's own mean",
            _own_statistics,
            "You use the mean and the deviation of these images. Images are always treated with "
            "the two that are given, those of the training set.",
        ),
        Mistake(
            "deviation forgotten",
            _mean_alone,
            "The means are subtracted, but nothing is divided by the deviations.",
        ),
        Mistake(
            "divided by the variance",
            _variance,
            "You divide by the square of the deviation. The deviation itself is wanted.",
        ),
        Mistake(
            "multiplied by the deviation",
            _multiplied,
            "You multiply by the deviations. Divide by them.",
        ),
        Mistake(
            "first channel's numbers for all",
            _first_statistics,
            "All channels are treated with the mean and the deviation of the first.",
        ),
        Mistake(
            "scaled last",
            _scaled_last,
            "You scale after normalising. Mean and deviation belong to pixels from 0 to 1: "
            "scale first.",
        ),
        Mistake(
            "not normalised",
            _only_scaled,
            "The means and the deviations are not used.",
        ),
        Mistake(
            "one mean for all",
            _one_mean_for_all,
            "All channels are treated with the mean of the three means, and of the deviations. "
            "Each channel has its own.",
        ),
        Mistake(
            "brackets forgotten",
            _brackets_forgotten,
            "Python divides before it subtracts, so only the means are divided. Brackets: "
            "(x − mean) / deviation.",
        ),
        Mistake(
            "a mean for each column",
            _along_the_columns,
            "`means` of shape (3,) is laid along the *last* axis, and after `permute` that is the "
            "width. `means.reshape(3, 1, 1)` is laid along the channels.",
        ),
    ),
    hints=(
        "The same steps as in [section 9](9. A batch): scale, bring the channel to its place, "
        "normalise. Print the shape after each.",
        "`images.permute(...)` takes the axes in a new order, by their numbers. The first axis "
        "stays the first; which number has the channel now?",
        "A tensor of shape (3,) fits along the *last* axis. `means.reshape(3, 1, 1)` has the shape "
        "that fits N, 3, H, W.",
    ),
    package=("data.normalise", "data.scale"),
)

# --- 01.3 ---------------------------------------------------------------------------------


def shift_each(images, right, down):
    height, width = images.shape[2:]
    shifted = torch.zeros_like(images)
    for index in range(len(images)):
        x, y = int(right[index]), int(down[index])
        if abs(x) < width and abs(y) < height:
            kept = images[index, :, max(0, -y) : height - max(0, y), max(0, -x) : width - max(0, x)]
            rows = slice(max(0, y), height - max(0, -y))
            shifted[index, :, rows, max(0, x) : width - max(0, -x)] = kept
    return shifted


def _around_the_border(images, right, down):
    return torch.stack(
        [
            image.roll((int(y), int(x)), dims=(1, 2))
            for image, x, y in zip(images, right, down, strict=True)
        ]
    )


def _swapped_directions(images, right, down):
    return shift_each(images, down, right)


def _left_and_up(images, right, down):
    return shift_each(images, -right, -down)


def _up(images, right, down):
    return shift_each(images, right, -down)


def _left(images, right, down):
    return shift_each(images, -right, down)


def _all_as_the_first(images, right, down):
    return shift_each(images, right[:1].expand_as(right), down[:1].expand_as(down))


def _down_forgotten(images, right, down):
    return shift_each(images, right, torch.zeros_like(down))


def _right_forgotten(images, right, down):
    return shift_each(images, torch.zeros_like(right), down)


def _never_negative(images, right, down):
    return shift_each(images, right.clamp(min=0), down.clamp(min=0))


def _never_backwards(images, right, down):
    return shift_each(images, right.abs(), down.abs())


def _edge_repeated(images, right, down):
    rows, columns = (torch.arange(size) for size in images.shape[2:])
    return torch.stack(
        [
            image[:, (rows - y).clamp(0, len(rows) - 1)][
                :, :, (columns - x).clamp(0, len(columns) - 1)
            ]
            for image, x, y in zip(images, right, down, strict=True)
        ]
    )


def _channel_0_alone(images, right, down):
    shifted = images.clone()
    shifted[:, :1] = shift_each(images[:, :1], right, down)
    return shifted


def _other_channels_empty(images, right, down):
    shifted = torch.zeros_like(images)
    shifted[:, :1] = shift_each(images[:, :1], right, down)
    return shifted


def _first_image_alone(images, right, down):
    shifted = torch.zeros_like(images)
    shifted[:1] = shift_each(images[:1], right[:1], down[:1])
    return shifted


SHIFT_EACH = Exercise(
    name="shift-each",
    number="01.3",
    title="Every image its own shift",
    points=3,
    paragraph="10. Augmentation: more digits from the same digits",
    reference=shift_each,
    cases=(
        Case((numbers(2, 1, 3, 3) + 5, torch.tensor([1, 0]), torch.tensor([0, 2]))),
        Case((numbers(3, 1, 3, 4) + 5, torch.tensor([-1, 2, 0]), torch.tensor([1, -1, 0]))),
        Case((numbers(2, 2, 4, 3) + 5, torch.tensor([-2, 1]), torch.tensor([-1, 3]))),
        Case((numbers(2, 1, 2, 2) + 5, torch.tensor([1, -1]), torch.tensor([0, -1]))),
    ),
    mistakes=(
        Mistake(
            "around the border",
            _around_the_border,
            "What leaves at one side comes in at the other, as with `roll`. It should be gone, "
            "and zeros come in.",
        ),
        Mistake(
            "right and down swapped",
            _swapped_directions,
            "Right and down are swapped. The last axis counts the columns.",
        ),
        Mistake(
            "left and up",
            _left_and_up,
            "Your images move the other way, to the left and up.",
        ),
        Mistake("up instead of down", _up, "Your images move up where they should move down."),
        Mistake(
            "left instead of right",
            _left,
            "Your images move to the left where they should move to the right.",
        ),
        Mistake(
            "all as the first",
            _all_as_the_first,
            "All images move as the first does. Each has a shift of its own.",
        ),
        Mistake("down forgotten", _down_forgotten, "Your images move sideways only."),
        Mistake("right forgotten", _right_forgotten, "Your images move up and down only."),
        Mistake(
            "negative shifts forgotten",
            _never_negative,
            "A negative shift goes to the left, or up. Yours does nothing.",
        ),
        Mistake(
            "the sign of the shift lost",
            _never_backwards,
            "A negative shift goes to the left, or up. Yours goes the other way.",
        ),
        Mistake(
            "edge repeated",
            _edge_repeated,
            "The last row or column is repeated where the image has left. Zeros come in there.",
        ),
        Mistake(
            "first image alone",
            _first_image_alone,
            "The first image is right, and the others are empty. Is there a `return` inside the "
            "loop?",
        ),
        Mistake(
            "first channel alone",
            _channel_0_alone,
            "Only the first channel moves. All channels of an image move together.",
        ),
        Mistake(
            "other channels empty",
            _other_channels_empty,
            "Only the first channel is copied to its new place; the others are left at 0.",
        ),
    ),
    hints=(
        "Begin with an output of zeros: `torch.zeros_like(images)`. For each image, copy the part "
        "that stays visible to its new place.",
        "One axis at a time: shifted by 1 to the right, the columns 0 to W − 2 of the image "
        "become the columns 1 to W − 1 of the output.",
        "`roll` does most of the work: what came in at the other side has to be set to 0 "
        "afterwards. How many rows or columns are that, and on which side, for a negative shift?",
    ),
    package=("augment.RandomAffine", "augment.move", "widgets.pooling.shift"),
)

# --- 01.4 ---------------------------------------------------------------------------------


def stratified_split(labels, parts):
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique():
        places = (labels == label).nonzero()[:, 0]
        chosen[places[: len(places) // parts]] = True
    return (~chosen).nonzero()[:, 0], chosen.nonzero()[:, 0]


def _split_by(labels, places_of):
    """Train and validation from a function that chooses among the places of one label."""
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique():
        chosen[places_of((labels == label).nonzero()[:, 0])] = True
    return (~chosen).nonzero()[:, 0], chosen.nonzero()[:, 0]


def _not_stratified(labels, parts):
    indices = torch.arange(len(labels))
    return indices[len(labels) // parts :], indices[: len(labels) // parts]


def _same_number(labels, parts):
    each = len(labels) // parts // len(labels.unique())
    return _split_by(labels, lambda places: places[:each])


def _swapped_parts(labels, parts):
    return stratified_split(labels, parts)[::-1]


def _last_ones(labels, parts):
    return _split_by(labels, lambda places: places[len(places) - len(places) // parts :])


def _rounded_up_split(labels, parts):
    return _split_by(labels, lambda places: places[: -(-len(places) // parts)])


def _at_least_one(labels, parts):
    return _split_by(labels, lambda places: places[: max(1, len(places) // parts)])


def _first_label_alone(labels, parts):
    places = (labels == labels.min()).nonzero()[:, 0]
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    chosen[places[: len(places) // parts]] = True
    return (~chosen).nonzero()[:, 0], chosen.nonzero()[:, 0]


def _class_by_class(labels, parts):
    train, validation = stratified_split(labels, parts)
    return tuple(part[labels[part].argsort(stable=True)] for part in (train, validation))


def _labels_returned(labels, parts):
    return tuple(labels[part] for part in stratified_split(labels, parts))


def _overlapping(labels, parts):
    return torch.arange(len(labels)), stratified_split(labels, parts)[1]


def _every_other(labels, parts):
    return _split_by(labels, lambda places: places[::parts])


def _parts_of_each(labels, parts):
    return _split_by(labels, lambda places: places[:parts])


def _masks(labels, parts):
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    chosen[stratified_split(labels, parts)[1]] = True
    return ~chosen, chosen


def _shares_swapped(labels, parts):
    return _split_by(labels, lambda places: places[: len(places) - len(places) // parts])


def _digits_alone(labels, parts):
    return stratified_split(labels.where(labels < 10, torch.arange(len(labels)) + 10), parts)


STRATIFIED_SPLIT = Exercise(
    name="stratified-split",
    number="01.4",
    title="A stratified split",
    points=2,
    paragraph="12. Why three sets of images",
    reference=stratified_split,
    cases=(
        Case((torch.tensor([1, 0, 1, 1, 0, 1, 0, 1, 1]), 3)),
        Case((torch.tensor([2, 2, 0, 0, 1, 0, 2, 0, 0, 1, 0, 1]), 2)),
        Case((torch.tensor([9, 3, 9, 3, 3, 9, 9, 3, 9, 3, 9, 3, 3, 3, 3, 3]), 4)),
        Case((torch.tensor([4, 4, 4, 4, 4]), 2)),
        Case((torch.tensor([0, 1, 2, 0, 1, 2, 2]), 2)),
        Case((torch.tensor([12, 5, 12, 12, 5, 12, 5, 5, 5]), 3)),
        Case((torch.tensor([6, 2, 2, 6, 2]), 3)),
    ),
    mistakes=(
        Mistake(
            "not stratified",
            _not_stratified,
            "You take the first of all labels together. Take them for each label apart, so that "
            "each has its share.",
        ),
        Mistake(
            "the same number of each",
            _same_number,
            "You take the same number of every label. A frequent label should give more: its "
            "share counts.",
        ),
        Mistake(
            "parts swapped",
            _swapped_parts,
            "The two parts are swapped: training comes first, validation second.",
        ),
        Mistake(
            "the last ones",
            _last_ones,
            "You take the last places of each label for validation. The first ones are wanted.",
        ),
        Mistake(
            "every few",
            _every_other,
            "You take every few places of a label, spread out. The first `count // parts` of them "
            "are wanted.",
        ),
        Mistake(
            "rounded up",
            _rounded_up_split,
            "You round up. Of 5 places and 2 parts, 2 go to validation.",
        ),
        Mistake(
            "at least one of each",
            _at_least_one,
            "You take at least one place of every label. Rounded down, 2 places and 3 parts give "
            "none.",
        ),
        Mistake(
            "first label alone",
            _first_label_alone,
            "Only of the first label something goes to validation. Is there a `return` inside the "
            "loop?",
        ),
        Mistake(
            "not in ascending order",
            _class_by_class,
            "The right places, but label by label. They should be in ascending order.",
        ),
        Mistake(
            "labels instead of places",
            _labels_returned,
            "You return the labels of the two parts. Their places are wanted: with them, images "
            "can be chosen, too.",
        ),
        Mistake(
            "validation also in training",
            _overlapping,
            "What is in the validation part must not be in the training part as well.",
        ),
        Mistake(
            "parts images of each",
            _parts_of_each,
            "You take `parts` images of each label. One part *of* `parts` is wanted: divide "
            "their number.",
        ),
        Mistake(
            "True and False instead of places",
            _masks,
            "You return True and False for every image. Their places are wanted: "
            "`nonzero()` turns one into the other.",
        ),
        Mistake(
            "labels from 0 to 9 alone",
            _digits_alone,
            "You go through the labels from 0 to 9. There may be others: go through those that "
            "occur.",
        ),
        Mistake(
            "shares swapped",
            _shares_swapped,
            "The shares are swapped: `count // parts` go to *validation*, all others to training.",
        ),
    ),
    hints=(
        "Go through the labels that occur, one after the other. Which places has each? How many "
        "of them go to validation?",
        "`(labels == 3).nonzero()[:, 0]` holds the places of the label 3, in ascending order. "
        "`labels.unique()` holds each label once.",
        "A tensor of False for every image, set to True at the places chosen, keeps the order. "
        "`~` turns True into False.",
    ),
)

EXERCISES = (IDX_LABELS, COLOUR_BATCH, SHIFT_EACH, STRATIFIED_SPLIT)
