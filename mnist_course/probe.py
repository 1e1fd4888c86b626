"""Look inside any network without changing it: activations, gradients, kernels."""

import logging
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def looking(network):
    """Evaluation mode for the time of a look, then every layer's own mode again.

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


def activations(network, images):
    """What leaves every innermost layer: a dict from layer name to a detached tensor.

    The network runs once, in evaluation mode and without gradients; nothing of it changes.
    """
    with looking(network), torch.no_grad():
        return _record(network, images)


def _record(network, images):
    recorded = {}
    names = set(layer_names(network))

    def remember(name):
        def hook(layer, inputs, output):
            # a copy: a later in-place ReLU would overwrite the tensor itself
            recorded[name] = output.detach().clone()

        return hook

    handles = [
        layer.register_forward_hook(remember(name))
        for name, layer in network.named_modules()
        if name in names
    ]
    try:
        network(images)
    finally:
        for handle in handles:
            handle.remove()
    return recorded


def gradients(network, images, labels, loss_function=None):
    """Gradient of the mean loss for every parameter that learns: a dict from name to a tensor.

    Runs in training mode on a throw-away copy, so that neither the parameters' own gradients
    nor batch norm's statistics change. Default loss: cross-entropy.
    """
    import copy

    loss_function = loss_function or nn.CrossEntropyLoss()
    twin = copy.deepcopy(network)
    twin.train()
    parameters = {name: p for name, p in twin.named_parameters() if p.requires_grad}
    loss = loss_function(twin(images), labels)
    slopes = torch.autograd.grad(loss, list(parameters.values()))
    return dict(zip(parameters, slopes, strict=True))


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
    """One black image on the network's device; the CPU when it has no parameters."""
    device = next(network.parameters(), torch.empty(0)).device
    return torch.zeros(1, *image_shape, device=device)


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
    with looking(network), torch.no_grad(), counter:
        network(_blank(network, image_shape))
    return counter.get_total_flops() // 2  # one multiply and one add each
