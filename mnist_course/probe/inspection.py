"""The inspector of a trained network: its maps for one image, and where each number comes from."""

import copy
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn.utils import parametrize

from mnist_course import runtime
from mnist_course.probe.passes import record
from mnist_course.probe.windows import receptive_fields

REMEMBERED = 16  # images whose inspections are kept
PLAIN = frozenset({bool, int, float, str})
HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


class InspectionError(runtime.CourseError):
    """A network that can't be inspected; the message says why and what to do."""


@dataclass(frozen=True)
class Inspection:
    """What a network computes for one image: all arrays float32, on the CPU.

    inputs and outputs: of each layer that gives maps, a dict from name to (C, H, W);
    probabilities: (classes,).
    """

    inputs: dict
    outputs: dict
    probabilities: np.ndarray


class Inspector:
    """Looks into a network and leaves it alone, because everything is computed on a copy.

    The copy is in evaluation mode, on the CPU and in float32, wherever and in whatever mode the
    network is. It is made anew when a weight or a layer has changed since, so that an inspection
    after more training shows the trained network. Each image goes through the network once and
    is remembered.

    network: an `nn.Module`; image_shape: (C, H, W) of its images. Raises InspectionError for
    anything else.
    """

    def __init__(self, network, image_shape=(1, 28, 28)):
        if not isinstance(network, nn.Module):
            raise InspectionError(f"expected a network (nn.Module), got {type(network).__name__}")
        self.network = _uncompiled(network)
        self.image_shape = image_shape
        self.latest = Inspection({}, {}, np.empty(0))  # the one returned last
        self._copy = self._layers = self._fields = None
        self._modules: list = []  # of the network, their settings, and its numbers, as copied
        self._settings: list = []
        self._tensors: list = []
        self._inspections: OrderedDict = OrderedDict()

    @torch.no_grad()
    def copy(self):
        """The copy, as the network is now. Raises InspectionError if there can be none."""
        modules = list(self.network.modules())
        settings = [_settings(module) for module in modules]
        tensors = [*self.network.parameters(), *self.network.buffers()]
        # The numbers themselves are compared: torch counts no change that is made through
        # `weight.data`, and such a change leaves the tensor where it is.
        same = modules == self._modules and settings == self._settings
        if same and _equal(tensors, self._tensors):
            return self._copy
        _check_numbers(self.network)
        self._copy = copied(self.network).to("cpu", torch.float32).eval()
        if not same:  # other layers have other receptive fields
            self._fields = None
        self._layers = recorded_layers(self._copy)
        self._inspections.clear()
        self._modules, self._settings = modules, settings
        self._tensors = [tensor.detach().clone() for tensor in tensors]
        return self._copy

    @property
    def layers(self):
        """The layers that are recorded, by name, as they were at the latest inspection."""
        if self._copy is None:
            self.copy()
        return self._layers

    def inspect(self, images):
        """The `Inspection` of one image. The network runs once for each image.

        images: a batch of one, float32 (1, C, H, W), as the network takes it.
        """
        network, images = self.copy(), images.cpu()
        key = images.numpy().tobytes()
        if key not in self._inspections:
            self._inspections[key] = inspect(network, images)
            if len(self._inspections) > REMEMBERED:
                self._inspections.popitem(last=False)
        self.latest = self._inspections[key]
        return self.latest

    @torch.no_grad()
    def map_shapes(self):
        """The layers that give maps, in the order in which they run: a dict from name to (C, H, W).

        Raises InspectionError when the network can't take images of `image_shape`.
        """
        network = self.copy()
        images = torch.zeros(1, *self.image_shape, device="cpu", dtype=torch.float32)
        with _told(images):
            _, outputs, _ = record(
                network, images, self.layers,
                lambda maps: tuple(maps.shape[1:]) if maps.ndim == 4 else None,
            )  # fmt: skip
        return outputs

    def receptive_field(self, layer, row, column):
        """The pixels behind a place in a layer: (first row, last row, first column, last column).

        In the network as it was at the latest inspection. None where no pixel reaches the place.
        """
        if self._fields is None:
            network = self.copy() if self._copy is None else self._copy
            self._fields = receptive_fields(network, self.layers, self.image_shape)
        reached = self._fields[layer][:, row, column]
        height = self.image_shape[1]
        lines = [np.flatnonzero(part) for part in (reached[:height], reached[height:])]
        if not all(len(found) for found in lines):
            return None
        return tuple(int(line) for found in lines for line in (found[0], found[-1]))

    def kernel(self, layer, channel, source):
        """The kernel (h, w) of a convolution's channel for its input channel `source`."""
        return self.layers[layer].weight[channel, source].detach().numpy()


@torch.no_grad()
def inspect(network, images):
    """The `Inspection` of a network as it is, for a batch of one image.

    Raises InspectionError where the network can't run or gives anything but finite logits, and
    CourseError unless network and images lie on one device.
    """
    runtime.require_one_device(network=network, images=images)
    with _told(images):
        inputs, outputs, logits = record(
            network, images, recorded_layers(network),
            lambda maps: maps[0].cpu().numpy().copy() if maps.ndim == 4 else None, inputs=True,
        )  # fmt: skip
    if not (torch.is_tensor(logits) and logits.ndim == 2):
        got = f"the shape {tuple(logits.shape)}" if torch.is_tensor(logits) else type(logits)
        raise InspectionError(
            f"expected logits of the shape (1, classes) and nothing else; the network gave {got}"
        )
    if not torch.isfinite(logits).all():
        raise InspectionError(
            "the network's logits for this digit are no numbers (NaN or infinite), though its "
            "weights are: look for a division by 0 or the logarithm of 0 in its forward"
        )
    return Inspection(inputs, outputs, logits.softmax(dim=1)[0].cpu().numpy())


@contextmanager
def _told(images):
    """Whatever a student's own forward raises becomes an InspectionError."""
    try:
        yield
    except Exception as error:
        shape = tuple(images.shape)
        raise InspectionError(
            f"the network can't take images of the shape {shape}: {type(error).__name__}: {error}"
        ) from error


def _check_numbers(network):
    """Raise InspectionError unless the network has weights and all of them are numbers."""
    tensors = [*network.named_parameters(), *network.named_buffers()]
    if any(nn.parameter.is_lazy(tensor) for _, tensor in tensors):
        raise InspectionError(
            "the network has no weights yet: run it once, on one batch, and try again"
        )
    if any(tensor.is_meta for _, tensor in tensors):
        raise InspectionError(
            'the network is on the device "meta", which holds no numbers: move it to the CPU '
            "with to_empty and load its weights"
        )
    for name, tensor in tensors:
        if not torch.isfinite(tensor).all():
            raise InspectionError(
                f"{name} holds values that are no numbers (NaN or infinite). Training has "
                "diverged: build the network again and train with a smaller learning rate"
            )


def _uncompiled(network):
    """The network that `torch.compile` was given, if it was."""
    return getattr(network, "_orig_mod", network)


def copied(network):
    """A copy of a network, on which none of the student's own hooks run.

    A result of its last pass that the network keeps is cut off from its graph. Raises
    InspectionError where the network can't be copied.
    """
    network = _uncompiled(network)
    instead: dict = {}  # of what `deepcopy` would copy, by identity
    for layer in network.modules():
        for value in vars(layer).values():
            if torch.is_tensor(value) and not value.is_leaf:
                instead[id(value)] = value.detach().clone()  # `deepcopy` takes none with a graph
        for hooks in (getattr(layer, name) for name in HOOKS):
            # by hooks of its own torch computes a weight that is normed or pruned
            instead[id(hooks)] = OrderedDict(
                (number, copy.copy(hook)) for number, hook in hooks.items()
                if type(hook).__module__.startswith("torch.nn.utils.")
            )  # fmt: skip
    try:
        return copy.deepcopy(network, instead)
    except Exception as error:  # whatever the student keeps in it
        raise InspectionError(
            "the network can't be copied, and only a copy is inspected: it keeps something "
            f"besides layers, tensors and plain values ({type(error).__name__}: {error})"
        ) from error


def _equal(tensors, others):
    """Whether two lists hold tensors of the same types, devices and numbers."""
    return len(tensors) == len(others) and all(
        one.dtype == other.dtype and one.device == other.device and torch.equal(one, other)
        for one, other in zip(tensors, others, strict=True)
    )


def _settings(layer):
    """What a layer was told when it was made, such as its stride: a dict of plain values."""
    return {
        name: value
        for name, value in vars(layer).items()
        if name[0] != "_"
        and name != "training"
        and (type(value) in PLAIN or (type(value) is tuple and PLAIN.issuperset(map(type, value))))
    }


def recorded_layers(network):
    """The layers whose outputs are worth a picture: a dict from name to layer.

    All but mere containers, layers that change nothing, and what only computes a weight.
    """
    return {
        name: layer
        for name, layer in network.named_modules()
        if layer is not network
        and not isinstance(layer, nn.Sequential | nn.Identity | nn.Dropout)
        and "parametrizations" not in name.split(".")
    }


def kind_name(layer):
    """The name of a layer's class, such as "Conv2d", also where its weight is parametrised."""
    return parametrize.type_before_parametrizations(layer).__name__
