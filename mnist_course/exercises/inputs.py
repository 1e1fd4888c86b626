"""Inputs for the cases of exercises: the same at each call, and without a pattern."""

import math

import torch
from torch import nn


def numbers(*shape, dtype=torch.float32):
    """Small whole numbers, different at each place.

    What is made of them has no symmetry, so a flipped or transposed table gives other results.
    """
    count = math.prod(shape)
    return ((torch.arange(count) * 7 + 3) % 11 - 4).to(dtype).reshape(shape)


def spread_out(*shape):
    """Numbers from -2 to 2, none of them 0, float32."""
    count = math.prod(shape)
    return (2 * torch.sin(1.7 * torch.arange(count, dtype=torch.float32) + 1)).reshape(shape)


def tensor(*values, shape=(-1,)):
    """These numbers as float32, in this shape."""
    return torch.tensor(values, dtype=torch.float32).reshape(shape)


def network_and_batches(seed, sizes, label, without=None):
    """A small network that is half right, batches of 2 × 2 images, and the label.

    seed: of the images; None stands for the example in the lesson. without: the place of a batch
    that holds no image of the class.
    """
    if seed is None:
        logits = torch.tensor([[9.0, 0.0], [0.0, 9.0], [0.0, 9.0]])
        return nn.Identity(), [(logits, torch.tensor([0, 0, 1]))], label
    inner = nn.Sequential(nn.Dropout(0.4), nn.Linear(4, 3))
    network = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(4), inner)
    numbers_by_name = {
        "1.running_mean": torch.tensor([0.6, -0.4, 0.3, -0.5]),
        "1.running_var": torch.tensor([0.3, 2.5, 0.6, 1.5]),
        "2.1.weight": torch.tensor([[2.0, 0, 1, 0], [-1, 1, 0, 2], [0, -2, 1, -1]]),
        "2.1.bias": torch.tensor([0.2, 0.0, -0.1]),
    }
    network.load_state_dict(numbers_by_name, strict=False)
    stream = torch.Generator().manual_seed(seed)
    batches = []
    for number, size in enumerate(sizes):
        images = torch.randn(size, 1, 2, 2, generator=stream)
        labels = torch.randint(3, (size,), generator=stream)
        labels[:3] = torch.tensor([2, 0, 1])[:size]  # every class in every larger batch
        if number == without:
            labels[labels == label] = (label + 1) % 3
        batches.append((images, labels))
    return network.train(), batches, label


class Noisy(nn.Sequential):
    """Layers whose input gets noise while training."""

    def forward(self, values):
        return super().forward(values + 2 * torch.randn_like(values) if self.training else values)


def network_in_modes(modes, images, labels):
    """A small network with fixed weights, its layers in these modes; and images and labels.

    modes: True for training, one for each of the network's modules; three of them stand for the
    network of the lesson's example.
    """
    if len(modes) == 3:
        network = nn.Sequential(nn.Flatten(), nn.Dropout(0.5))
    else:
        inner = Noisy(nn.ReLU(), nn.Dropout(0.5), nn.Linear(3, 3))
        network = nn.Sequential(
            nn.Conv2d(images.shape[1], 3, 2), nn.BatchNorm2d(3), nn.ReLU(), nn.Dropout2d(0.5),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), inner, nn.Identity(),
        )  # fmt: skip
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.copy_(spread_out(*parameter.shape))
        fixed = {"1.running_mean": torch.tensor([1.0, -1.0, 0.5]), "6.2.bias": torch.zeros(3)}
        network.load_state_dict(fixed, strict=False)
    for layer, training in zip(network.modules(), modes, strict=True):
        layer.training = training
    return network, images, labels
