"""One pass through a network, and what it tells: activations, gradients, shapes, work."""

import copy
import logging
from contextlib import contextmanager

import torch
from torch import nn

from mnist_course import runtime


@contextmanager
def evaluation_mode(network):
    """Evaluation mode inside `with evaluation_mode(network):`, then every layer's own mode again.

    In evaluation mode batch norm's statistics stay as they are and dropout is off.
    """
    modes = [(layer, layer.training) for layer in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for layer, training in modes:
            layer.training = training


def layer_names(network, kind=nn.Module):
    """Names of the layers of a kind (an `nn.Module` class) that have no layers inside."""
    return [
        name
        for name, layer in network.named_modules()
        if isinstance(layer, kind) and not list(layer.children()) and name
    ]


def record(network, images, names, keep, inputs=False):
    """Run a network once and record named layers: (inputs, outputs, result).

    names: of layers; keep: called with each layer's tensor, returns what is to be kept of it, or
    None to leave it out; inputs: whether inputs are recorded too. inputs and outputs are dicts
    from layer to what was kept, in the order in which the layers finished; a layer that runs
    twice is recorded as it ran first. result: what the network returns.
    """
    before: dict = {}
    after: dict = {}

    def remember(kept, name, tensor):
        if name not in kept and torch.is_tensor(tensor):
            found = keep(tensor)
            if found is not None:
                kept[name] = found

    def output_hook(name):
        return lambda layer, given, output: remember(after, name, output)

    def input_hook(name):
        # before the layer runs, because one that works in place overwrites its input
        return lambda layer, given, named: remember(
            before, name, next(iter((*given, *named.values())), None)
        )

    handles = []
    for name, layer in network.named_modules():
        if name not in names:
            continue
        handles.append(layer.register_forward_hook(output_hook(name)))
        if inputs:
            hook = layer.register_forward_pre_hook(input_hook(name), with_kwargs=True)
            handles.append(hook)
    try:
        result = network(images)
    finally:
        for handle in handles:
            handle.remove()
    return before, after, result


def activations(network, images):
    """What leaves every innermost layer: a dict from layer name to a detached tensor.

    The network runs once, in evaluation mode and without gradients; nothing of it changes.
    Raises CourseError unless network and images lie on one device.
    """
    runtime.require_one_device(network=network, images=images)
    with evaluation_mode(network), torch.no_grad():
        _, outputs, _ = record(
            network, images, set(layer_names(network)),
            # a copy, because a later in-place ReLU would overwrite the tensor itself
            lambda output: output.detach().clone(),
        )  # fmt: skip
    return outputs


def gradients(network, images, labels, loss_function=None):
    """Gradient of the mean loss for every parameter that learns: a dict from name to a tensor.

    Runs in training mode on a throw-away copy, so that neither the parameters' own gradients
    nor batch norm's statistics change. Default loss: cross-entropy. Raises CourseError unless
    network, images and labels lie on one device.
    """
    runtime.require_one_device(network=network, images=images, labels=labels)
    loss_function = loss_function or nn.CrossEntropyLoss()
    twin = copy.deepcopy(network)
    twin.train()
    parameters = {name: p for name, p in twin.named_parameters() if p.requires_grad}
    loss = loss_function(twin(images), labels)
    slopes = torch.autograd.grad(loss, list(parameters.values()))
    return dict(zip(parameters, slopes, strict=True))


def saliency(network, images, classes):
    """Slopes of one logit an image with respect to its pixels: (N, C, H, W) to the same shape.

    classes: int64 (N,), whose logit is taken. A slope says how much the logit rises if the pixel
    rises a little. Runs in evaluation mode on a throw-away copy; nothing of the network changes.
    Raises CourseError unless network, images and classes lie on one device.
    Source: Simonyan et al. (2013), section 3, there without the sign.
    """
    runtime.require_one_device(network=network, images=images, classes=classes)
    twin = copy.deepcopy(network).eval()
    images = images.detach().clone().requires_grad_()
    with torch.enable_grad():
        logits = twin(images)
        # one sum for all images, because no logit depends on another image
        total = logits.gather(1, classes[:, None]).sum()
        (slopes,) = torch.autograd.grad(total, images)
    return slopes


def kernels(network):
    """The weights of every convolution: a dict from name to (out, in, height, width).

    Raises ValueError when the network has no convolution.
    """
    found = {
        name: layer.weight.detach().clone()
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Conv2d)
    }
    if not found:
        raise ValueError("this network has no convolution (nn.Conv2d), so it has no kernels")
    return found


def _blank(network, image_shape):
    """One black image of the network's device and number type; CPU and float32 without weights."""
    weights = (p for p in network.parameters() if p.is_floating_point())
    like = next(weights, torch.empty(0, device="cpu", dtype=torch.float32))
    return torch.zeros(1, *image_shape, device=like.device, dtype=like.dtype)


def shape_table(network, image_shape=(1, 28, 28)):
    """One row for each innermost layer, in the order in which they run.

    Returns a list of (name, layer type, output shape as text with N for the batch, number of
    parameters).
    """
    layers = dict(network.named_modules())
    rows = []
    for name, output in activations(network, _blank(network, image_shape)).items():
        layer = layers[name]
        shape = ", ".join(["N", *(str(size) for size in output.shape[1:])])
        count = sum(parameter.numel() for parameter in layer.parameters())
        rows.append((name, type(layer).__name__, shape, count))
    return rows


def multiply_accumulates(network, image_shape=(1, 28, 28)):
    """Multiply-accumulates of one forward pass of one image, in convolutions and linears."""
    # A torch for CUDA that lacks triton, as pip brings to Windows, warns on stderr that it can't
    # count triton's kernels. No network here has any.
    logging.getLogger("torch.utils.flop_counter").setLevel(logging.ERROR)
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with evaluation_mode(network), torch.no_grad(), counter:
        network(_blank(network, image_shape))
    return counter.get_total_flops() // 2  # one multiply and one add each
