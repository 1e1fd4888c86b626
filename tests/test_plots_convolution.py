"""The pictures of a convolution show what torch computes."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mnist_course import plots

pytestmark = pytest.mark.usefixtures("drawing")


def numbers(ax):
    """The numbers written into a matrix, without the sign that stands before it."""
    return [text.get_text() for text in ax.texts if text.get_transform() == ax.transData]


def frames(ax):
    """(row, column, height, width) of each frame around pixels."""
    return [
        (round(one.get_y() + 0.5), round(one.get_x() + 0.5), one.get_height(), one.get_width())
        for one in ax.patches
    ]


@pytest.mark.parametrize(("padding", "stride"), [(0, 1), (1, 1), (2, 2)])
def test_a_patch_and_its_number(padding, stride):
    torch.manual_seed(0)
    image, kernel = torch.randint(0, 9, (6, 7)), torch.randint(-2, 3, (3, 3))
    whole, patch, weights, products, result = plots.patch_to_number(
        image, kernel, row=1, column=2, padding=padding, stride=stride
    )
    expected = F.conv2d(
        image[None, None].float(), kernel[None, None].float(), padding=padding, stride=stride
    )[0, 0]
    assert np.array_equal(result.images[0].get_array(), expected)
    padded = F.pad(image, [padding] * 4)
    assert np.array_equal(whole.images[0].get_array(), padded)
    top, left = stride, 2 * stride
    assert frames(whole) == [(top, left, 3, 3)]
    assert frames(result) == [(1, 2, 1, 1)]
    inside = padded[top : top + 3, left : left + 3]
    assert np.array_equal(patch.images[0].get_array(), inside)
    assert np.array_equal(weights.images[0].get_array(), kernel)
    assert np.array_equal(products.images[0].get_array(), inside * kernel)
    assert numbers(patch) == [str(int(number)) for number in inside.flatten()]
    total = f"{expected[1, 2]:.0f}"
    assert products.get_xlabel() == f"sum: {total}"
    assert result.get_xlabel() == f"row 1, column 2: {total}"
    signs = [ax.texts[-1].get_text() for ax in (patch, weights, products, result)]
    assert signs == ["→", "×", "=", "→"]


def test_fractions_are_written_with_two_decimals():
    image = torch.full((3, 3), 0.25)
    _, patch, _, products, _ = plots.patch_to_number(image, torch.ones(2, 2), 0, 0)
    assert numbers(patch) == ["0.25"] * 4
    assert products.get_xlabel() == "sum: 1.00"


@pytest.mark.parametrize(("row", "column", "what"), [(3, 0, "row"), (0, -1, "column")])
def test_a_place_outside_of_the_map(row, column, what):
    with pytest.raises(ValueError, match=f"the map has 3 {what}s, 0 to 2; there is no {what}"):
        plots.patch_to_number(torch.ones(5, 5), torch.ones(3, 3), row, column)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("bias", [0.0, -1.5])
def test_channels_are_added_into_one_map(count, bias):
    torch.manual_seed(0)
    channels, kernels = torch.randint(0, 4, (count, 4, 5)), torch.randint(-2, 3, (count, 2, 2))
    axes = plots.channels_to_map(channels, kernels, bias=bias, row=1, column=2)
    assert len(axes) == 3 * count + 1
    expected = F.conv2d(channels[None].float(), kernels[None].float(), torch.tensor([bias]))[0, 0]
    assert np.array_equal(axes[-1].images[0].get_array(), expected)
    assert frames(axes[-1]) == [(1, 2, 1, 1)]
    parts = []
    for index in range(count):
        channel, kernel, part = axes[3 * index : 3 * index + 3]
        assert np.array_equal(channel.images[0].get_array(), channels[index])
        assert np.array_equal(kernel.images[0].get_array(), kernels[index])
        assert frames(channel) == [(1, 2, 2, 2)]
        assert channel.get_ylabel() == f"channel {index}"
        parts.append(part.images[0].get_array())
    assert np.array_equal(sum(parts) + bias, expected)
    digits = 2 if bias else 0
    total = f"= {expected[1, 2]:z.{digits}f}".replace("-", "−")
    assert axes[-1].get_xlabel().endswith(total)
    assert axes[-1].get_xlabel().startswith(f"{parts[0][1, 2]:z.{digits}f}".replace("-", "−"))
    assert ("bias" in axes[-1].get_xlabel()) == (bias != 0)


def test_large_channels_are_shown_without_their_numbers():
    axes = plots.channels_to_map(torch.rand(2, 14, 14) - 0.5, torch.rand(2, 5, 5), row=3, column=9)
    assert [len(numbers(ax)) for ax in axes] == [0, 25, 0, 0, 25, 0, 0]
    assert frames(axes[0]) == [(3, 9, 5, 5)]
    assert axes[0].images[0].get_cmap().name == plots.SIGNED


def test_a_kernel_too_few():
    with pytest.raises(ValueError, match="2 kernels for 3 channels"):
        plots.channels_to_map(torch.ones(3, 4, 4), torch.ones(2, 2, 2))
