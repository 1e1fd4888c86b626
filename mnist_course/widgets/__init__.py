"""Explorers: sliders over kernels, feature maps, training, on the student's own network."""

from mnist_course.widgets.augmentation import augmentation_lab
from mnist_course.widgets.base import Explorer, ExplorerError, Seen
from mnist_course.widgets.kernel import kernel_lab
from mnist_course.widgets.pooling import pooling_lab
from mnist_course.widgets.scrubber import epoch_scrubber

__all__ = [
    "Explorer",
    "ExplorerError",
    "Seen",
    "augmentation_lab",
    "epoch_scrubber",
    "kernel_lab",
    "pooling_lab",
]
