"""Explorers: sliders over kernels, feature maps, training, on the student's own network."""

from mnist_course.widgets.base import Explorer, ExplorerError, Seen
from mnist_course.widgets.kernel import kernel_lab
from mnist_course.widgets.pooling import pooling_lab

__all__ = ["Explorer", "ExplorerError", "Seen", "kernel_lab", "pooling_lab"]
