"""Where a number in a feature map comes from: its receptive field, and the patch behind it."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from mnist_course import runtime
from mnist_course.probe.passes import record


@torch.no_grad()
def receptive_fields(network, names, image_shape=(1, 28, 28)):
    """Which rows and columns of the image reach each place of each layer.

    network: on the CPU, in evaluation mode; names: of the layers. Returns a dict from layer to
    bool (H + W, rows, columns): entry r says which places row r of an H × W image reaches, entry
    H + c the same for column c. Layers that don't give maps (N, C, rows, columns) are left out.

    Found by trying: a NaN in a row makes every number that is computed from it a NaN; a layer
    that compares and then puts a constant in its place hides it. Only the structure counts, not
    the weights.
    """
    _, height, width = image_shape
    images = torch.zeros(height + width, *image_shape, device="cpu", dtype=torch.float32)
    for row in range(height):
        images[row, :, row] = torch.nan
    for column in range(width):
        images[height + column, :, :, column] = torch.nan

    # found on the CPU alone, since NumPy reads nothing from elsewhere
    runtime.require_one_device('network = network.to("cpu")', network=network, images=images)

    def reached(maps):
        return maps.isnan().any(dim=1).numpy() if maps.ndim == 4 else None

    # NNPACK, which torch uses where it has no oneDNN, convolves tiles by Fourier or Winograd
    # transforms, so that one NaN spoils its whole tile.
    with torch.backends.nnpack.flags(enabled=False):
        _, outputs, _ = record(network, images, names, reached)
    return outputs


def patch(layer, maps, row, column):
    """What a convolution or pooling layer sees for one place: (C, height, width) of its input.

    layer: `nn.Conv2d`, `nn.MaxPool2d` or `nn.AvgPool2d`; maps: its input, (C, H, W), numpy or
    torch, on the CPU. Padding is −∞ for a maximum, and NaN for a mean that leaves it out.
    """
    size, stride, dilation = (
        _pair(getattr(layer, name, 1)) for name in ("kernel_size", "stride", "dilation")
    )
    padding = layer.padding
    if isinstance(padding, str):  # "valid" or "same"
        total = [
            d * (k - 1) if padding == "same" else 0 for k, d in zip(size, dilation, strict=True)
        ]
        sides = [(t // 2, t - t // 2) for t in total]
    else:
        sides = [(p, p) for p in _pair(padding)]
    mode = getattr(layer, "padding_mode", "zeros")
    pad = (*sides[1], *sides[0])
    maps = torch.as_tensor(maps, device="cpu")[None]
    if mode != "zeros":
        padded = F.pad(maps, pad, mode=mode)
    elif isinstance(layer, nn.MaxPool2d):
        padded = F.pad(maps, pad, value=-torch.inf)
    else:
        padded = F.pad(maps, pad, value=0 if getattr(layer, "count_include_pad", True) else np.nan)
    top, left = row * stride[0], column * stride[1]
    down = slice(top, top + dilation[0] * (size[0] - 1) + 1, dilation[0])
    right = slice(left, left + dilation[1] * (size[1] - 1) + 1, dilation[1])
    return padded[0, :, down, right].numpy()


def _pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def source_channels(layer):
    """From how many input channels one output channel of a layer is computed."""
    return layer.weight.shape[1] if isinstance(layer, nn.Conv2d) else 1
