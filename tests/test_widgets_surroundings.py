"""Explorers and probe show the same whatever a student has set for torch and matplotlib."""

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib import style

from mnist_course import augment, data, models, probe, results, widgets
from mnist_course.training import Recipe, Snapshots, fit


@pytest.fixture(scope="module")
def trained(few):
    """A short training: network, snapshots, history, recipe."""
    torch.manual_seed(0)
    network = models.lenet5_variant()
    snapshots, recipe = Snapshots(network), Recipe(epochs=2, batch_size=50)
    return network, snapshots, fit(network, few, recipe, after_epoch=snapshots), recipe


EXPLORERS = {  # how each is made, and which of its controls is moved to which value
    "kernel lab": (lambda few, trained: widgets.kernel_lab(few.train), "stride", 2),
    "pooling lab": (lambda few, trained: widgets.pooling_lab(few.train), "kind", "average"),
    "augmentation lab": (
        lambda few, trained: widgets.augmentation_lab(few.train, augment.RandomAffine()), "draw", 3,
    ),
    "feature maps": (
        lambda few, trained: widgets.feature_maps(trained[0], few.validation), "layer", "3",
    ),
    "epoch scrubber": (
        lambda few, trained: widgets.epoch_scrubber(*trained[:3], few.validation), "digit", 5,
    ),
    "loss": (lambda few, trained: widgets.loss_explorer(few.train, 5), "depth", 3),
    "descent": (lambda few, trained: widgets.descent_explorer(), "steps", 3),
    "softmax": (lambda few, trained: widgets.softmax_explorer(), "label", 3),
    "band": (
        lambda few, trained: widgets.band_explorer(
            trained[2], results.load("lenet")["runs"], trained[3]
        ), "name", "training loss",
    ),
}  # fmt: skip


def pictures(name, few, trained):
    """The first picture of an explorer, and the one after a control was moved."""
    make, control, value = EXPLORERS[name]
    explorer = make(few, trained)
    first = explorer.picture
    explorer.controls[control].value = value
    assert explorer.error is None
    return [first, explorer.picture]


@pytest.fixture(params=["float64", "float16", "meta"])
def other_defaults(request):
    """A function that sets another default type or device; on "meta" nothing can be computed."""

    def change():
        if request.param == "meta":
            torch.set_default_device("meta")
        else:
            torch.set_default_dtype(getattr(torch, request.param))

    yield change
    torch.set_default_device(None)
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("name", EXPLORERS)
def test_an_explorer_works_whatever_torchs_defaults_are(name, few, trained, other_defaults):
    expected = pictures(name, few, trained)
    other_defaults()
    device, dtype = torch.get_default_device(), torch.get_default_dtype()
    found = pictures(name, few, trained)
    assert (torch.get_default_device(), torch.get_default_dtype()) == (device, dtype)
    for one, other in zip(found, expected, strict=True):
        assert one.text == other.text
        np.testing.assert_array_equal(one.pixels, other.pixels)


def told(network, images):
    """What probe tells of a network, as plain values and tensors."""
    inspector = probe.Inspector(network)
    found = inspector.inspect(images)
    patch = probe.patch(inspector.layers["3"], found.inputs["3"], 2, 3)
    yield from (found.outputs["3"], found.probabilities, patch, inspector.kernel("3", 2, 1))
    yield from (inspector.receptive_field("3", 2, 3), inspector.map_shapes())
    yield from (probe.shape_table(network), probe.multiply_accumulates(network))
    yield from probe.activations(network, images).values()
    yield from probe.kernels(network).values()
    yield from probe.gradients(network, images, torch.tensor([3], device="cpu")).values()


def test_probe_works_whatever_torchs_defaults_are(lenet, few, other_defaults):
    images = data.normalise(data.scale(few.train.images[:1]))
    expected = list(told(lenet, images))
    other_defaults()
    for one, other in zip(told(lenet, images), expected, strict=True):
        if torch.is_tensor(other):
            assert torch.equal(one, other)
        else:
            np.testing.assert_equal(one, other)


@pytest.mark.parametrize("name", EXPLORERS)
def test_a_picture_is_the_same_whatever_the_users_style_is(name, few, trained):
    expected = pictures(name, few, trained)
    with style.context("dark_background"):
        matplotlib.rcParams.update({
            "font.size": 20, "font.family": "serif", "lines.linewidth": 5, "axes.grid": False,
            "image.origin": "lower", "image.cmap": "gray", "axes.unicode_minus": False,
            "xtick.direction": "in", "axes.formatter.use_locale": True, "figure.dpi": 50,
            "legend.frameon": True, "axes.xmargin": 0.5,
        })  # fmt: skip
        found = pictures(name, few, trained)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)
