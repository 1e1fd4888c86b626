"""Explorers: sliders over kernels, feature maps, training, on the student's own network."""

from mnist_course.widgets.augmentation import augmentation_lab
from mnist_course.widgets.band import band_explorer
from mnist_course.widgets.descent import descent_explorer
from mnist_course.widgets.explorer import Explorer, ExplorerError
from mnist_course.widgets.kernel import kernel_lab
from mnist_course.widgets.loss import loss_explorer
from mnist_course.widgets.maps import feature_maps
from mnist_course.widgets.network import network_explorer, shift_explorer
from mnist_course.widgets.pad import drawing_pad
from mnist_course.widgets.picture import Picture
from mnist_course.widgets.pooling import pooling_lab
from mnist_course.widgets.scrubber import epoch_scrubber
from mnist_course.widgets.softmax import softmax_explorer

__all__ = [
    "Explorer",
    "ExplorerError",
    "Picture",
    "augmentation_lab",
    "band_explorer",
    "descent_explorer",
    "drawing_pad",
    "epoch_scrubber",
    "feature_maps",
    "kernel_lab",
    "loss_explorer",
    "network_explorer",
    "pooling_lab",
    "shift_explorer",
    "softmax_explorer",
]
