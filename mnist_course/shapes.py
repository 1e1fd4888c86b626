"""Shapes in images of digits: what can be measured without a network."""

import numpy as np


def count_holes(images, threshold=128):
    """Regions of paper that ink encloses, for each image: bytes (N, H, W) to a list of N numbers.

    Ink is what is at least at the threshold. Paper is connected over sides, not over corners, so
    a thin ring that runs in a slant is closed.
    """
    from scipy import ndimage

    images = np.asarray(images.cpu() if hasattr(images, "cpu") else images)
    paper = np.pad(images < threshold, ((0, 0), (1, 1), (1, 1)), constant_values=True)
    # the frame joins all the paper outside, so that it is one region
    return [ndimage.label(one)[1] - 1 for one in paper]
