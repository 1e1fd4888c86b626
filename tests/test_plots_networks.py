"""Diagrams: the numbers on a graph are autograd's, and nothing lies outside of its sheet."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mnist_course import plots, probe

pytestmark = pytest.mark.usefixtures("drawing")


def texts(ax):
    return [text.get_text() for text in ax.texts]


def written(number):
    return f"{number:z.3g}".replace("-", "−")


@pytest.mark.parametrize("label", [0, 1])
def test_the_graph_has_the_values_and_slopes_of_autograd(label):
    v, w0, w1 = (torch.tensor(value, requires_grad=True) for value in (0.5, 1.5, -0.75))
    s = v * 2.0
    h = torch.sigmoid(s)
    logits = torch.stack([w0 * h, w1 * h])
    for one in (s, h, logits):
        one.retain_grad()
    loss = F.cross_entropy(logits[None], torch.tensor([label]))
    loss.backward()
    found = texts(plots.backpropagation(2.0, v, torch.stack([w0, w1]), label))
    for value in (2.0, 0.5, s.item(), h.item(), *logits.tolist(), loss.item()):
        assert written(value) in found
    for slope in (v.grad, s.grad, h.grad, *logits.grad):
        assert f"slope {written(float(slope))}" in found
    ways = [1.5 * logits.grad[0].item(), -0.75 * logits.grad[1].item()]
    [both] = [text for text in found if text.startswith("two ways back")]
    assert all(written(abs(way)) in both for way in ways)
    own = h.item() * (1 - h.item())
    for factor in (2.0, own, 1.5, -0.75, *logits.grad):
        assert f"× {written(float(factor))}" in found


@pytest.mark.parametrize(("weights", "label"), [((1.0,), 0), ((1.0, 2.0, 3.0), 0), ((1.0, 2.0), 2)])
def test_a_graph_of_another_kind(weights, label):
    with pytest.raises(ValueError, match="two weights and the label 0 or 1"):
        plots.backpropagation(1.0, 1.0, weights, label)


def all_inside(ax):
    """Whether every text and shape lies on the sheet."""
    ax.figure.canvas.draw()
    width, height = ax.figure.canvas.get_width_height()
    boxes = [one.get_window_extent() for one in (*ax.texts, *ax.patches, *ax.lines)]
    return all(
        box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height for box in boxes
    )


@pytest.mark.parametrize("blocks", [1, 3, 5])
def test_towers_with_and_without_skips(blocks):
    ax = plots.residual_towers(blocks=blocks, channels=32)
    found = texts(ax)
    assert found.count("3×3 conv") == 4 * blocks
    assert found.count("+") == blocks + 1  # one for each block of the tower, one in the detail
    assert found.count("3×3 conv, 32") == 2
    assert all_inside(ax)


@pytest.mark.parametrize("blocks", [0, 6])
def test_towers_that_do_not_fit(blocks):
    with pytest.raises(ValueError, match=f"1 to 5 blocks, got {blocks}"):
        plots.residual_towers(blocks=blocks)


def test_graphs_and_diagrams_lie_on_their_sheets():
    assert all_inside(plots.backpropagation(-2.123, -1.5, (-1.25, 1.125), 1))
    assert all_inside(plots.lenet_diagram())


SHAPES = [(6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5)]


def test_lenets_shapes_are_those_of_the_network(lenet):
    found = texts(plots.lenet_diagram())
    for count, side, _ in SHAPES:
        assert f"{count} maps\n{side} × {side}" in found
    shapes = [
        tuple(one.shape[1:]) for one in probe.activations(lenet, torch.zeros(1, 1, 28, 28)).values()
    ]
    assert all(shape in shapes for shape in SHAPES)
    for units in (120, 84):
        assert f"{units}\nunits" in found
        assert (units,) in shapes


def test_lenet_shows_the_activations_that_are_given(few, lenet):
    image = few.validation.images[0]
    maps = [torch.rand(shape) for shape in SHAPES]
    probabilities = torch.linspace(0, 0.2, 10, requires_grad=True)
    ax = plots.lenet_diagram(image, maps, probabilities)
    shown = [one.get_array() for one in ax.images]
    assert len(shown) == 1 + 6 + 6 + 16 + 16
    assert np.array_equal(shown[0], image)
    first = [array for array in shown if np.array_equal(array, maps[3][0])]
    assert len(first) == 1
    # the front sheet is the first map, and it lies over the others
    front = max(ax.images[-16:], key=lambda one: one.get_zorder())
    assert np.array_equal(front.get_array(), maps[3][0])
    widths = [one.get_width() for one in ax.patches[-20:] if hasattr(one, "get_width")]
    bars = widths[1::2]
    assert np.allclose(np.array(bars) / 0.6, probabilities.detach(), atol=1e-6)


@pytest.mark.parametrize("maps", [[np.zeros((6, 28, 28))], [np.zeros(s) for s in SHAPES[::-1]]])
def test_maps_of_another_network(maps):
    with pytest.raises(ValueError, match="maps must have the shapes"):
        plots.lenet_diagram(None, maps)
