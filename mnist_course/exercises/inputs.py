"""Inputs for the cases of exercises: the same at each call, and without a pattern."""

import math

import torch


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
