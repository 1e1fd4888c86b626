"""The exercise `idx-labels`: answer, cases, and typical mistakes with their hints."""

import struct

import torch

from mnist_course.assessment.exercise import Case, Exercise


def label_file(*labels):
    """The bytes of an IDX file of labels."""
    return struct.pack(">HBBI", 0, 8, 1, len(labels)) + bytes(labels)


EXERCISE = Exercise(
    name="idx-labels",
    points=1,
    cases=(
        Case((label_file(5, 0, 4, 1, 9, 2, 1, 3, 1, 4, 3),)),
        Case((label_file(7, 2, 1, 0, 4, 1, 4, 9, 5, 9, 0, 6, 9, 0),)),
        Case((label_file(8, 0, 0, 8, 8, 3, 200, 255, 1, 127, 128),)),
        Case((label_file(*range(10), *range(10)),)),
        Case((label_file(5, 0, 4),)),
        Case((label_file(7),)),
        Case((label_file(*(place * 3 % 10 for place in range(300))),), "a file of 300 labels"),
    ),
    hints=(
        "How long is the header? Four bytes for zeros, type and number of axes, and four more for "
        "each axis.",
        "`content[n:]` is everything from byte n on. The images of [section](#bytes) were read in "
        "the same way.",
        "`list(content[n:])` is a list of whole numbers, one for each byte. `torch.tensor` takes "
        "a list and a `dtype`.",
    ),
)


@EXERCISE.answer
def read_labels(content):
    return torch.tensor(list(content[8:]), dtype=torch.int64)


EXERCISE.mistake(
    "16 bytes skipped",
    "The first eight labels are missing. The header of an image file has 16 bytes, because images "
    "have three axes. How many have labels?",
)(lambda content: torch.tensor(list(content[16:]), dtype=torch.int64))
EXERCISE.mistake(
    "4 bytes skipped",
    "The size of the axis still stands in front of your labels. It belongs to the header, too, "
    "and takes four bytes.",
)(lambda content: torch.tensor(list(content[4:]), dtype=torch.int64))
EXERCISE.mistake("header read as labels", "The header is among your labels. They begin after it.")(
    lambda content: torch.tensor(list(content), dtype=torch.int64)
)
EXERCISE.mistake("first label lost", "The first label is missing.")(
    lambda content: read_labels(content)[1:]
)
EXERCISE.mistake("last label lost", "The last label is missing.")(
    lambda content: read_labels(content)[:-1]
)


@EXERCISE.mistake(
    "signed bytes", "Labels above 127 came out negative. The bytes are *unsigned*: from 0 to 255."
)
def _(content):
    labels = read_labels(content)
    return torch.where(labels > 127, labels - 256, labels)


EXERCISE.mistake("one label", "That is the first label alone. The exercise asks for all of them.")(
    lambda content: read_labels(content)[0]
)
EXERCISE.mistake(
    "a count of one byte",
    "You read one byte of the size. It has four, so that a file can hold more than 255 labels.",
)(lambda content: read_labels(content)[: content[7]])


@EXERCISE.mistake(
    "ended at the count",
    "The last labels are missing. The first label is byte 8, so the last one is not at the place "
    "that their number names.",
)
def _(content):
    (count,) = struct.unpack(">I", content[4:8])
    return torch.tensor(list(content[8:count]), dtype=torch.int64)


EXERCISE.mistake(
    "the count", "That is how many labels there are, as the header says. The labels follow it."
)(lambda content: torch.tensor(struct.unpack(">I", content[4:8])[0]))
