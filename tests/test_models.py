"""Networks: shapes beside their lines, parameters, multiply-accumulates, blocks by hand."""

import ast
import inspect
import math
import re

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mnist_course import models, probe, writeups

BUILDERS = {
    name: function
    for module in (models, writeups)
    for name, function in inspect.getmembers(module, inspect.isfunction)
    if function.__module__ == module.__name__ and name != "initialise_xavier"
}


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def conv(inputs, outputs, kernel, bias=True):
    return (inputs * kernel**2 + bias) * outputs


def linear(inputs, outputs):
    return (inputs + 1) * outputs


def block(inputs, outputs):
    """A residual block: three layers of batch norm where it has a shortcut's convolution."""
    count = conv(inputs, outputs, 3, False) + conv(outputs, outputs, 3, False) + 4 * outputs
    return count + (conv(inputs, outputs, 1, False) + 2 * outputs if inputs != outputs else 0)


def block_a(channels):
    return 2 * conv(channels, channels, 3) + conv(channels, channels, 1)


LENET = conv(1, 6, 5) + conv(6, 16, 5) + linear(400, 120) + linear(120, 84) + linear(84, 10)
COUNTS = {
    "lenet5": (61_706, LENET),
    "lenet5_variant": (61_706, LENET),
    "network_d": (61_706, LENET),
    "network_b": (21_578, conv(1, 8, 3) + conv(8, 16, 3) + conv(16, 32, 3) + linear(1568, 10)),
    "network_c": (30_074, conv(1, 16, 3) + conv(16, 32, 3) + linear(1568, 16) + linear(16, 10)),
    "network_e": (
        44_426,
        conv(1, 6, 5) + conv(6, 16, 5) + linear(256, 120) + linear(120, 84) + linear(84, 10),
    ),
    "network_a": (
        4_393_962,
        sum(
            conv(a, b, 5) + 2 * b + block_a(b)
            for a, b in ((1, 32), (32, 64), (64, 128), (128, 192))
        )
        + linear(192 * 49, 256)
        + linear(256, 10),
    ),
    "residual_network": (
        38_522,
        conv(1, 16, 5, False) + 32 + block(16, 16) + block(16, 32) + block(32, 32) + linear(32, 10),
    ),
    "small_residual_network": (
        9_448,
        conv(1, 11, 5, False)
        + 2 * 11
        + 4 * block(11, 11)
        + conv(11, 11, 1, False)
        + 2 * 11
        + linear(11, 10),
    ),
    "voting_networks": (
        144_472,
        2 * (conv(1, 22, 5, False) + 44 + block(22, 22) + block(22, 44) + block(44, 44))
        + 2 * linear(44, 10),
    ),
    "softmax_regression": (7_850, linear(784, 10)),
    "mlp": (61_225, linear(784, 77) + linear(77, 10)),
}


def test_every_network_is_counted_here():
    assert set(COUNTS) == set(BUILDERS)


@pytest.mark.parametrize("name", COUNTS)
def test_parameters(name):
    stated, by_hand = COUNTS[name]
    assert parameters(BUILDERS[name]()) == stated == by_hand


@pytest.mark.parametrize("name", BUILDERS)
def test_the_docstring_states_the_number_of_parameters(name):
    text = inspect.getdoc(BUILDERS[name]) or ""
    stated = re.findall(r"([\d,]+) parameters", text)
    assert stated == [f"{COUNTS[name][0]:,}"] or name == "network_d"


# --- shapes -------------------------------------------------------------------------------

NO_SHAPES = {"network_d", "softmax_regression", "voting_networks"}  # nothing stands beside lines


def lines_of_layers(function):
    """[(layers up to the end of a line, shape in the line's comment)] of a `nn.Sequential`."""
    source = inspect.getsource(function)
    calls = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "nn.Sequential"
    ]
    [call] = calls
    lines: dict[int, int] = {}
    for number, layer in enumerate(call.args, start=1):
        assert layer.end_lineno is not None
        lines[layer.end_lineno] = number
    found = []
    for line, number in lines.items():
        comment = re.search(r"# N, ([\d, ]+)$", source.splitlines()[line - 1])
        assert comment, f"no shape beside {source.splitlines()[line - 1]}"
        found.append((number, tuple(int(size) for size in comment[1].split(","))))
    return found


@pytest.mark.parametrize("name", sorted(set(BUILDERS) - NO_SHAPES))
def test_the_shapes_beside_the_lines(name):
    network = BUILDERS[name]().eval()
    images = torch.zeros(2, 1, 28, 28)
    shapes = []
    for layer in network:
        images = layer(images)
        shapes.append(tuple(images.shape[1:]))
    stated = lines_of_layers(BUILDERS[name])
    assert stated[-1][0] == len(shapes)
    for number, shape in stated:
        assert shapes[number - 1] == shape


@pytest.mark.parametrize("name", BUILDERS)
def test_every_network_answers_on_any_device(name):
    """On the meta device there are shapes but no numbers: a tensor left on the CPU would fail."""
    network = BUILDERS[name]().to("meta")
    logits = network(torch.empty(5, 1, 28, 28, device="meta"))
    assert logits.device.type == "meta"
    assert logits.shape == (5, 10)


@pytest.mark.parametrize("name", BUILDERS)
def test_weights_follow_the_seed(name):
    def weights(seed):
        torch.manual_seed(seed)
        return torch.cat([parameter.flatten() for parameter in BUILDERS[name]().parameters()])

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


# --- multiply-accumulates -----------------------------------------------------------------


def macs_by_hooks(network):
    """Outputs of each convolution and linear layer, times the inputs that each one needs."""
    total = 0

    def count(layer, inputs, output):
        nonlocal total
        each = layer.in_features if isinstance(layer, nn.Linear) else layer.weight[0].numel()
        total += output.numel() * each

    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            layer.register_forward_hook(count)
    network.eval()(torch.zeros(1, 1, 28, 28))
    return total


@pytest.mark.parametrize("name", BUILDERS)
def test_multiply_accumulates(name):
    network = BUILDERS[name]()
    assert probe.multiply_accumulates(network) == macs_by_hooks(network)


def test_multiply_accumulates_that_are_stated():
    millions = probe.multiply_accumulates(writeups.network_a()) / 1e6
    stated = re.search(r"(\d+) million multiply-accumulates", str(writeups.network_a.__doc__))
    assert stated
    assert round(millions) == int(stated[1]) == 478
    by_hand = 28**2 * 25 * 6 + 100 * 150 * 16 + 400 * 120 + 120 * 84 + 84 * 10
    assert probe.multiply_accumulates(models.lenet5()) == by_hand == 416_520


# --- the parts ----------------------------------------------------------------------------


def test_xavier_weights_have_the_papers_bound_and_spread():
    torch.manual_seed(0)
    convolution, linear = nn.Conv2d(4, 40, 5), nn.Linear(300, 100)
    network = nn.Sequential(convolution, nn.Sequential(linear))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert models.initialise_xavier(network) is network
    for layer, inputs, outputs in ((convolution, 100, 1000), (linear, 300, 100)):
        bound = math.sqrt(6 / (inputs + outputs))
        assert 0.99 * bound < layer.weight.abs().max() <= bound
        assert layer.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)
    for name in ("0.bias", "1.0.bias"):
        assert torch.equal(network.state_dict()[name], before[name])


def test_lenet5_is_initialised_by_xavier():
    torch.manual_seed(0)
    weight = models.lenet5()[7].weight  # 400 to 120
    assert weight.abs().max().item() == pytest.approx(math.sqrt(6 / 520), rel=1e-3)


def test_the_fully_connected_network_is_of_lenets_size_and_starts_as_lenet_does():
    torch.manual_seed(0)
    network = models.mlp()
    assert abs(parameters(network) - LENET) < 0.01 * LENET
    assert kinds(network) == ["Flatten", "Linear", "Sigmoid", "Linear"]
    weight = network[1].weight
    assert weight.abs().max().item() == pytest.approx(math.sqrt(6 / (784 + 77)), rel=1e-3)


def norm_by_hand(images, norm):
    mean = images.mean(dim=(0, 2, 3), keepdim=True)
    variance = images.var(dim=(0, 2, 3), keepdim=True, unbiased=False)
    scaled = (images - mean) / torch.sqrt(variance + norm.eps)
    return scaled * norm.weight[:, None, None] + norm.bias[:, None, None]


@pytest.mark.parametrize(("inputs", "outputs", "stride"), [(8, 8, 1), (8, 12, 2), (8, 12, 1)])
def test_a_residual_block_by_hand(inputs, outputs, stride):
    torch.manual_seed(0)
    one = models.ResidualBlock(inputs, outputs, stride)
    for parameter in one.parameters():
        nn.init.normal_(parameter, 0.3, 0.5)  # batch norm's weights and biases too
    images = torch.randn(4, inputs, 14, 14)
    change = F.conv2d(images, one.conv1.weight, stride=stride, padding=1)
    change = F.relu(norm_by_hand(change, one.norm1))
    change = norm_by_hand(F.conv2d(change, one.conv2.weight, padding=1), one.norm2)
    shortcut = images
    if inputs != outputs:
        shortcut = F.conv2d(images, one.state_dict()["shortcut.0.weight"], stride=stride)
        shortcut = norm_by_hand(shortcut, list(one.shortcut.children())[1])
    torch.testing.assert_close(one(images), F.relu(change + shortcut), atol=1e-4, rtol=1e-4)
    assert one(images).shape == (4, outputs, 14 // stride, 14 // stride)


def test_a_block_that_changes_nothing_passes_its_input_on():
    one = models.ResidualBlock(8, 8)
    nn.init.zeros_(one.norm2.weight)
    images = torch.rand(2, 8, 6, 6)
    torch.testing.assert_close(one(images), images)


def kinds(network):
    return [type(layer).__name__ for layer in network]


def test_the_parts_of_lenet5_can_be_exchanged():
    assert not {"Sigmoid", "AvgPool2d"} & set(kinds(models.lenet5_variant()))
    same = models.lenet5_variant(activation=nn.Sigmoid, pooling=nn.AvgPool2d)
    assert kinds(same).count("Sigmoid") == 4
    assert kinds(same).count("AvgPool2d") == 2
    twin = models.lenet5()
    plain = [layer for layer in same if not isinstance(layer, nn.Identity | nn.Dropout)]
    assert kinds(plain) == kinds(twin)
    twin.load_state_dict(dict(zip(twin.state_dict(), same.state_dict().values(), strict=True)))
    images = torch.rand(3, 1, 28, 28)
    torch.testing.assert_close(same(images), twin(images))  # dropout of 0: in training mode too
    assert kinds(models.lenet5_variant(batch_norm=True)).count("BatchNorm2d") == 2
    assert parameters(models.lenet5_variant(batch_norm=True)) == LENET + 2 * (6 + 16)
    assert [
        layer.p for layer in writeups.network_d(dropout=0.5) if isinstance(layer, nn.Dropout)
    ] == [
        0.5,
        0.5,
    ]
    with_norm = writeups.network_e(batch_norm=True)
    assert parameters(with_norm) == parameters(writeups.network_e()) + 2 * (6 + 16)
    wide = conv(1, 16, 5) + conv(16, 32, 5) + linear(800, 120) + linear(120, 84) + linear(84, 10)
    assert parameters(writeups.network_d(channels=(16, 32))) == wide


def test_the_width_of_the_residual_network():
    assert parameters(models.residual_network(channels=8)) < 38_522 / 3
    assert models.residual_network(8)(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


# --- networks that vote -------------------------------------------------------------------


def three_voters():
    torch.manual_seed(0)
    return models.Ensemble(models.residual_network(channels=8) for _ in range(3))


def test_the_vote_is_the_mean_of_the_logits():
    ensemble = three_voters().eval()
    images = torch.rand(5, 1, 28, 28)
    total = sum(network(images) for network in ensemble.networks)
    torch.testing.assert_close(ensemble(images), total / 3)
    assert not torch.equal(ensemble.networks[0](images), ensemble.networks[1](images))


def test_each_voter_learns_from_its_own_share():
    """Its logits, gradients and batch norm are those of the network alone on its share."""
    ensemble, alone = three_voters(), three_voters().networks
    images, labels = torch.rand(8, 1, 28, 28), torch.arange(8)
    logits = ensemble(images)
    F.cross_entropy(logits, labels, reduction="sum").backward()
    for network, share in zip(alone, (slice(0, 3), slice(3, 6), slice(6, 8)), strict=True):
        own = network(images[share])
        torch.testing.assert_close(logits[share], own)
        F.cross_entropy(own, labels[share], reduction="sum").backward()
    for inside, outside in zip(ensemble.networks, alone, strict=True):
        for one, other in zip(inside.parameters(), outside.parameters(), strict=True):
            torch.testing.assert_close(one.grad, other.grad)
        for one, other in zip(inside.buffers(), outside.buffers(), strict=True):
            torch.testing.assert_close(one, other)


def test_a_batch_smaller_than_the_ensemble_reaches_some_voters_alone():
    ensemble = three_voters()
    ensemble(torch.rand(2, 1, 28, 28)).sum().backward()
    learned = [network[1].weight.grad is not None for network in ensemble.networks]
    assert learned == [True, True, False]
    assert all(buffer.isfinite().all() for buffer in ensemble.buffers())


def test_five_places_are_the_image_and_its_moves_by_a_pixel():
    torch.manual_seed(0)
    network = models.lenet5_variant(batch_norm=True).eval()
    voting = models.FivePlaces(network).eval()
    images = torch.zeros(4, 1, 28, 28)
    images[:, :, 2:-2, 2:-2] = torch.rand(4, 1, 24, 24)
    moves = [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)]
    alone = [network(images.roll(move, dims=(2, 3))) for move in moves]  # the border is empty
    torch.testing.assert_close(voting(images), torch.stack(alone).mean(dim=0))
    assert not torch.allclose(alone[0], alone[1])
    # what stands at the border is continued: an even background stays one
    even = torch.full((1, 1, 28, 28), -0.4)
    torch.testing.assert_close(voting(even), network(even))


def test_five_places_learn_as_the_network_itself():
    torch.manual_seed(0)
    network = models.lenet5_variant()
    images = torch.rand(4, 1, 28, 28)
    assert torch.equal(models.FivePlaces(network).train()(images), network.train()(images))
    assert probe.multiply_accumulates(models.FivePlaces(network)) == (
        5 * probe.multiply_accumulates(network)
    )
