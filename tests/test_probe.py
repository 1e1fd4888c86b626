"""What probe tells of a network, against manual passes; and the network stays as it is."""

import copy
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mnist_course import data, models, probe, writeups


@pytest.fixture
def network():
    """A residual network in the middle of a training: mixed modes, gradients, statistics."""
    torch.manual_seed(0)
    network = models.residual_network(4)
    network(torch.rand(8, 1, 28, 28)).square().mean().backward()
    network[4].eval()  # as when a part is frozen
    return network


@pytest.fixture
def images(few):
    return data.normalise(data.scale(few.train.images[:6]))


def state(network):
    """All that a call of probe could change."""
    return {
        "weights": {name: tensor.clone() for name, tensor in network.state_dict().items()},
        "modes": {name: layer.training for name, layer in network.named_modules()},
        "gradients": {name: p.grad.clone() for name, p in network.named_parameters()},
        "hooks": {name: len(layer._forward_hooks) for name, layer in network.named_modules()},
    }


CALLS = {
    "activations": lambda network, images: probe.activations(network, images),
    "gradients": lambda network, images: probe.gradients(network, images, torch.arange(6)),
    "kernels": lambda network, images: probe.kernels(network)["1"].zero_(),
    "layer_names": lambda network, images: probe.layer_names(network),
    "shape_table": lambda network, images: probe.shape_table(network),
    "multiply_accumulates": lambda network, images: probe.multiply_accumulates(network),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_call_changes_nothing(network, images, call):
    before = state(network)
    CALLS[call](network, images)
    after = state(network)
    assert before["modes"] == after["modes"]
    assert before["hooks"] == after["hooks"]
    for part in ("weights", "gradients"):
        assert before[part].keys() == after[part].keys()
        for name, tensor in before[part].items():
            assert torch.equal(tensor, after[part][name]), name


def test_a_call_that_fails_changes_nothing(network):
    before = state(network)
    with pytest.raises(RuntimeError):
        probe.activations(network, torch.zeros(1, 3, 28, 28))
    assert state(network)["modes"] == before["modes"]
    assert state(network)["hooks"] == before["hooks"]


def test_activations_equal_a_manual_forward_pass(few):
    torch.manual_seed(0)
    network = models.lenet5_variant(batch_norm=True, dropout=0.5)
    images = data.scale(few.train.images[:6])
    found = probe.activations(network, images)
    assert list(found) == [str(index) for index in range(len(network))]
    twin = copy.deepcopy(network).eval()
    with torch.no_grad():
        for name, layer in zip(found, twin, strict=True):
            images = layer(images)
            assert torch.equal(found[name], images)
    assert network.training
    assert not any(tensor.requires_grad for tensor in found.values())


def test_activations_inside_a_block(network, images):
    found = probe.activations(network, images)
    assert list(found)[:6] == ["0", "1", "2", "3", "4.conv1", "4.norm1"]
    block = copy.deepcopy(network[4]).eval()
    with torch.no_grad():
        torch.testing.assert_close(found["4.conv1"], block.conv1(found["3"]))


def test_an_activation_is_not_overwritten_by_a_relu_in_place():
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 30), nn.ReLU(inplace=True))
    found = probe.activations(network, torch.randn(4, 1, 28, 28))
    assert found["1"].min() < 0
    assert torch.equal(found["2"], found["1"].clamp(min=0))


def test_gradients_are_autograds(network, images):
    labels = torch.arange(6)
    found = probe.gradients(network, images, labels)
    twin = copy.deepcopy(network).train()
    twin.zero_grad()
    F.cross_entropy(twin(images), labels).backward()
    assert list(found) == [name for name, _ in twin.named_parameters()]
    for name, parameter in twin.named_parameters():
        torch.testing.assert_close(found[name], parameter.grad)


def test_gradients_of_another_loss(images):
    network = models.softmax_regression()
    found = probe.gradients(network, images, torch.ones(6, 10), nn.L1Loss())
    nn.functional.l1_loss(network(images), torch.ones(6, 10)).backward()
    torch.testing.assert_close(found["1.weight"], network[1].weight.grad)


def test_gradients_of_a_network_with_a_frozen_layer(images):
    network = models.lenet5()
    network[0].requires_grad_(False)
    found = probe.gradients(network, images, torch.arange(6))
    assert "0.weight" not in found
    assert len(found) == 8


def test_layer_names_by_kind(network):
    assert probe.layer_names(network, nn.Linear) == ["9"]
    convolutions = probe.layer_names(network, nn.Conv2d)
    assert len(convolutions) == 8
    assert "5.shortcut.0" in convolutions
    assert "4" not in probe.layer_names(network)  # a block has layers inside


def test_kernels_are_the_weights(network):
    found = probe.kernels(network)
    assert list(found) == probe.layer_names(network, nn.Conv2d)
    assert torch.equal(found["1"], network[1].weight)
    assert found["5.shortcut.0"].shape == (8, 4, 1, 1)
    with pytest.raises(ValueError, match="no convolution"):
        probe.kernels(models.softmax_regression())


def test_the_shape_table_of_lenet5_is_the_books():
    table = probe.shape_table(models.lenet5())
    assert [(kind, shape, count) for _, kind, shape, count in table] == [
        ("Conv2d", "N, 6, 28, 28", 156), ("Sigmoid", "N, 6, 28, 28", 0),
        ("AvgPool2d", "N, 6, 14, 14", 0),
        ("Conv2d", "N, 16, 10, 10", 2416), ("Sigmoid", "N, 16, 10, 10", 0),
        ("AvgPool2d", "N, 16, 5, 5", 0),
        ("Flatten", "N, 400", 0),
        ("Linear", "N, 120", 48_120), ("Sigmoid", "N, 120", 0),
        ("Linear", "N, 84", 10_164), ("Sigmoid", "N, 84", 0),
        ("Linear", "N, 10", 850),
    ]  # fmt: skip


@pytest.mark.parametrize("build", [models.residual_network, writeups.network_a, writeups.network_e])
def test_the_shape_table_counts_every_parameter(build):
    network = build()
    total = sum(parameter.numel() for parameter in network.parameters())
    assert sum(count for *_, count in probe.shape_table(network)) == total


def test_tables_of_layers_without_parameters():
    network = nn.Sequential(nn.MaxPool2d(2), nn.Flatten())
    rows = probe.shape_table(network, (3, 8, 8))
    assert rows == [("0", "MaxPool2d", "N, 3, 4, 4", 0), ("1", "Flatten", "N, 48", 0)]
    assert probe.multiply_accumulates(network) == 0


def test_tables_on_another_device():
    network = models.residual_network().to("meta")
    assert len(probe.shape_table(network)) == len(probe.layer_names(network))
    assert probe.multiply_accumulates(network) > 1e6


def test_counting_work_says_nothing_where_torch_lacks_triton():
    """As a torch for CUDA does on Windows; a line on stderr fails a notebook under test."""
    code = (
        "import sys; sys.modules['triton'] = None; import torch; torch.version.cuda = '13.0'\n"
        "from mnist_course import models, probe\n"
        "print(probe.multiply_accumulates(models.lenet5()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr == ""
    assert int(done.stdout) == probe.multiply_accumulates(models.lenet5())
