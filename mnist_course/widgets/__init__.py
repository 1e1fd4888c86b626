"""Explorers: sliders over kernels, feature maps, training, on the student's own network."""

from mnist_course.widgets.base import Explorer, ExplorerError, Seen

__all__ = ["Explorer", "ExplorerError", "Seen"]
