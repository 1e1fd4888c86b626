"""A network as plain data, for the forward pass in JavaScript (`web/forward.js`).

The network is traced by `torch.fx`, so that networks with shortcuts, a student's own class too,
become a list of nodes: each with its kind, its shape and the numbers of the nodes it comes from.
"""

import operator
from collections.abc import Callable

import numpy as np
import torch
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp
from torch.nn import functional as F

from mnist_course import data, probe, runtime


class DescriptionError(runtime.CourseError):
    """A network that can't be described; the message names the layer and says what to do."""


def describe(network, image_shape=(1, 28, 28), normalisation=data.NORMALISATION):
    """What `web/forward.js` needs to compute a network: (description, weights).

    network: an `nn.Module` that gives logits for images of `image_shape`; nothing of it changes.
    normalisation: mean and deviation by which its images were normalised, as in the recipe.
    description: a dict that JSON can hold, with `nodes`, `normalisation` and the network's number
    of `multiply_accumulates` an image; node 0 is the image. weights: float32 in little-endian
    bytes, into which the nodes point. Batch norm is one factor and one summand a channel, since
    evaluation is all that is done with it.
    Raises DescriptionError for what the page can't compute, and `probe.InspectionError` for
    what can't be copied or run.
    """
    inspector = probe.Inspector(network, image_shape)
    inspector.map_shapes()  # raises, in a sentence, where the images don't fit
    network = inspector.copy()
    images = torch.zeros(1, *image_shape, device="cpu", dtype=torch.float32)
    try:
        traced = fx.symbolic_trace(network)
    except Exception as error:  # whatever a student's own forward does
        raise DescriptionError(
            "the way through this network depends on its numbers, so that it can't be written "
            f"down as a list of layers ({type(error).__name__}: {error})"
        ) from error
    with torch.no_grad():
        ShapeProp(traced).propagate(images)
    writer = _Writer(traced)
    nodes = writer.nodes()
    if len(nodes[-1]["shape"]) != 1:
        raise DescriptionError(
            f"expected logits of the shape (N, classes), got {('N', *nodes[-1]['shape'])}"
        )
    weights = np.concatenate([*writer.arrays, np.zeros(0)]).astype("<f4").tobytes()
    description = {
        "nodes": nodes,
        "normalisation": [float(value) for value in normalisation],
        "multiply_accumulates": _work(nodes),
    }
    return description, weights


def _work(nodes):
    """Multiply-accumulates of the convolutions and linear layers for one image."""
    work = 0
    for node in nodes:
        if node["kind"] in ("conv", "linear"):
            source = nodes[node["from"][0]]["shape"]
            inputs = source[0] * int(np.prod(node.get("kernel", [1])))
            work += inputs * int(np.prod(node["shape"]))
    return work


class _Writer:
    """Writes the nodes of a traced network, and collects their weights."""

    def __init__(self, traced):
        self.traced = traced
        self.arrays = []  # of all nodes, flat, as they come
        self._count = 0  # of numbers in them
        self._nodes = []
        self._place: dict = {}  # of each traced node in `_nodes`; several of those that are stacked

    def nodes(self):
        """The list of nodes. Raises DescriptionError for anything that has no kind here."""
        for node in self.traced.graph.nodes:
            if node.op == "output":
                [last] = node.args
                if not isinstance(last, fx.Node) or self._place[last] != len(self._nodes) - 1:
                    raise DescriptionError(
                        "the network must return what its last layer gives, and nothing else"
                    )
            elif node.op == "placeholder":
                self._write(node, "image", "image", [])
            elif node.op == "call_module":
                self._layer(node, self.traced.get_submodule(node.target))
            else:
                self._function(node)
        return self._nodes

    def _write(self, node, name, kind, sources, **settings):
        shape = list(_shape(node))
        self._place[node] = len(self._nodes)
        self._nodes.append({
            "kind": kind, "name": name, "shape": shape,
            "from": [self._place[source] for source in sources], **settings,
        })  # fmt: skip

    def _layer(self, node, layer):
        """Write a layer; one that only training has, such as dropout, is left out."""
        source = node.args[0]
        if isinstance(layer, nn.Dropout | nn.Identity):
            self._place[node] = self._place[source]
            return
        for kind, settings_of in LAYERS.items():
            if isinstance(layer, kind):
                if getattr(layer, "inplace", False):
                    _check_alone(node, source)
                settings = settings_of(layer, str(node.target), _shape(source), self._put)
                self._write(node, str(node.target), settings.pop("kind"), [source], **settings)
                return
        known = ", ".join(sorted({kind.__name__ for kind in LAYERS}))
        raise DescriptionError(
            f"the layer {node.target} is a {probe.kind_name(layer)}, which the page can't compute. "
            f"It knows {known}"
        )

    def _function(self, node):
        """Write a function or method that a forward calls, such as `F.relu` or `+`."""
        if "tensor_meta" not in node.meta:
            return  # a length, by which the forward reshapes
        if node.target is torch.stack:  # followed by a mean: the vote of an ensemble
            self._place[node] = [self._place[one] for one in node.args[0]]
            return
        kind = FUNCTIONS.get(node.target)
        given = (*node.args, *node.kwargs.values())
        sources = [one for one in given if isinstance(one, fx.Node) and "tensor_meta" in one.meta]
        if not _takes(kind, node, sources):
            called = getattr(node.target, "__name__", node.target)
            raise DescriptionError(
                f"the network's forward calls {called!r} in a way that the page can't compute. "
                "Write it with layers of torch.nn, relu and +"
            )
        if _writes_over_its_input(node):
            _check_alone(node, sources[0])
        self._write(node, node.name, kind, sources[:1] if kind == "mean" else sources)
        if kind == "mean":
            self._nodes[-1]["from"] = self._place[sources[0]]

    def _put(self, values):
        """Keep the numbers of a tensor; returns where they begin, None where there are none."""
        if values is None:
            return None
        start = self._count
        array = values.detach().double().numpy().reshape(-1)
        self.arrays.append(array)
        self._count += array.size
        return start


def _shape(node):
    """The shape of what leaves a traced node, without the batch."""
    return tuple(node.meta["tensor_meta"].shape[1:])


def _takes(kind, node, sources):
    """Whether a function of this kind, called as it is, can be written as a node."""
    if kind == "mean":
        over = (*node.args[1:], *node.kwargs.values())
        return sources[0].target is torch.stack and over == (0,)
    if kind == "add":
        return len(sources) == 2 and _shape(sources[0]) == _shape(sources[1])
    if kind == "flatten":
        return len(sources) == 1 and len(_shape(node)) == 1
    return kind is not None and len(sources) == 1


def _writes_over_its_input(node):
    in_place = node.target is operator.iadd or node.kwargs.get("inplace", False)
    return in_place or (isinstance(node.target, str) and node.target.endswith("_"))


def _check_alone(node, source):
    """Raise DescriptionError if a node that writes over its input changes it for another one."""
    if len(source.users) > 1:
        raise DescriptionError(
            f"{node.name} writes over its input, which is used elsewhere too: leave out "
            "inplace=True, or write x = x + y instead of x += y"
        )


def _pair(value):
    """One length for both directions as two: (rows, columns)."""
    return [int(one) for one in (value if isinstance(value, tuple | list) else (value, value))]


def _refuse(name, setting, wanted):
    raise DescriptionError(
        f"the layer {name} has {setting}, which the page can't compute: it needs {wanted}"
    )


def _convolution(layer, name, shape, put):
    if layer.groups != 1 or _pair(layer.dilation) != [1, 1] or layer.padding_mode != "zeros":
        _refuse(name, "groups, dilation or a padding mode of its own", "a plain convolution")
    padding = layer.padding
    if padding == "valid":
        padding = 0
    elif padding == "same":
        if not all(length % 2 for length in layer.kernel_size):
            _refuse(name, 'an even kernel with padding="same"', "an odd one")
        padding = tuple(length // 2 for length in layer.kernel_size)
    return {
        "kind": "conv", "kernel": _pair(layer.kernel_size), "stride": _pair(layer.stride),
        "padding": _pair(padding), "weight": put(layer.weight), "bias": put(layer.bias),
    }  # fmt: skip


def _linear(layer, name, shape, put):
    if len(shape) != 1:
        _refuse(name, f"inputs of the shape {tuple(shape)}", "a vector, so flatten before it")
    return {"kind": "linear", "weight": put(layer.weight), "bias": put(layer.bias)}


def _batch_norm(layer, name, shape, put):
    if layer.running_var is None:
        _refuse(name, "no running statistics", "track_running_stats=True")
    scale = 1 / (layer.running_var.double() + layer.eps).sqrt()
    shift = -layer.running_mean.double() * scale
    if layer.affine:
        scale, shift = scale * layer.weight, shift * layer.weight + layer.bias
    return {"kind": "batch_norm", "scale": put(scale), "shift": put(shift)}


def _pooling(layer, name, shape, put):
    largest = isinstance(layer, nn.MaxPool2d)
    padding = _pair(layer.padding)
    plain = not layer.ceil_mode and (
        _pair(layer.dilation) == [1, 1] and not layer.return_indices
        if largest
        else not layer.divisor_override and (layer.count_include_pad or padding == [0, 0])
    )
    if not plain:
        _refuse(name, "settings besides size, stride and padding", "these three alone")
    return {
        "kind": "max_pool" if largest else "average_pool", "kernel": _pair(layer.kernel_size),
        "stride": _pair(layer.stride), "padding": padding,
    }  # fmt: skip


def _global_pooling(layer, name, shape, put):
    if _pair(layer.output_size) != [1, 1]:
        _refuse(name, f"an output of {layer.output_size}", "1, one number a map")
    kind = "max_pool" if isinstance(layer, nn.AdaptiveMaxPool2d) else "average_pool"
    size = _pair(tuple(shape[1:]))
    return {"kind": kind, "kernel": size, "stride": size, "padding": [0, 0]}


def _padding(layer, name, shape, put):
    left, _, top, _ = layer.padding
    return {"kind": "pad", "top": int(top), "left": int(left)}


def _flatten(layer, name, shape, put):
    if layer.start_dim != 1 or layer.end_dim not in (-1, len(shape)):
        _refuse(name, "dimensions of its own", "the default ones")
    return {"kind": "flatten"}


def _softmax(layer, name, shape, put):
    if layer.dim not in (1, -1) or len(shape) != 1:
        _refuse(name, f"dim={layer.dim} on the shape {tuple(shape)}", "dim=1 on logits")
    return {"kind": "log_softmax" if isinstance(layer, nn.LogSoftmax) else "softmax"}


def _named(kind):
    return lambda layer, name, shape, put: {"kind": kind}


# For each class of layers the function that gives a node its kind and settings: called with the
# layer, its name, the shape of its input without the batch, and `put`, which keeps weights.
LAYERS: dict[type, Callable] = {
    nn.Conv2d: _convolution,
    nn.Linear: _linear,
    nn.BatchNorm2d: _batch_norm,
    nn.MaxPool2d: _pooling,
    nn.AvgPool2d: _pooling,
    nn.AdaptiveMaxPool2d: _global_pooling,
    nn.AdaptiveAvgPool2d: _global_pooling,
    nn.ZeroPad2d: _padding,
    nn.Flatten: _flatten,
    nn.ReLU: _named("relu"),
    nn.LeakyReLU: lambda layer, *_: {"kind": "leaky_relu", "slope": float(layer.negative_slope)},
    nn.Sigmoid: _named("sigmoid"),
    nn.Tanh: _named("tanh"),
    nn.Softmax: _softmax,
    nn.LogSoftmax: _softmax,
}
FUNCTIONS = {
    F.relu: "relu", torch.relu: "relu", "relu": "relu", "relu_": "relu",
    torch.sigmoid: "sigmoid", F.sigmoid: "sigmoid", "sigmoid": "sigmoid",
    torch.tanh: "tanh", F.tanh: "tanh", "tanh": "tanh",
    operator.add: "add", operator.iadd: "add", torch.add: "add", "add": "add", "add_": "add",
    torch.flatten: "flatten", "flatten": "flatten", "view": "flatten", "reshape": "flatten",
    "mean": "mean", torch.mean: "mean",
}  # fmt: skip
