"""The datasets: find, unpack, verify, split, batch; and the sealed test set.

All of MNIST ships with the package, so nothing here needs a network.
"""

from mnist_course.data.batches import DEVIATION, MEAN, NORMALISATION, Batches, normalise, scale
from mnist_course.data.datasets import (
    FASHION_DIGESTS,
    MNIST_DIGESTS,
    Digits,
    Part,
    fashion_root,
    load,
    load_all_training,
    mnist_root,
    prepare_d2l_fashion,
)
from mnist_course.data.files import DataError, read_idx
from mnist_course.data.seal import TEST_RECORD, open_test_set, test_openings

__all__ = [
    "DEVIATION", "FASHION_DIGESTS", "MEAN", "MNIST_DIGESTS", "NORMALISATION",
    "TEST_RECORD", "Batches", "DataError", "Digits", "Part", "fashion_root", "load",
    "load_all_training", "mnist_root", "normalise", "open_test_set", "prepare_d2l_fashion",
    "read_idx", "scale", "test_openings",
]  # fmt: skip
