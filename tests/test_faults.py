"""What the lessons say of common faults, made on purpose and in small."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torchvision import transforms

from mnist_course import data, models, probe, training


def batches(part, size=100):
    return data.Batches(part, size, shuffle=True)


def test_a_second_softmax_has_a_floor_that_no_training_gets_below():
    """Cross-entropy of a probability of 1 for the right class, taken for a logit."""
    floor = math.log(math.e + 9) - 1
    assert round(floor, 3) == 1.461
    perfect = F.one_hot(torch.arange(10)).float()
    assert F.cross_entropy(perfect, torch.arange(10)).item() == pytest.approx(floor)
    torch.manual_seed(0)
    for probabilities in torch.randn(50, 10, 10).mul(8).softmax(dim=2):
        assert F.cross_entropy(probabilities, torch.arange(10)) > floor


def test_a_network_without_a_step_stays_at_the_loss_it_started_with(few, lenet):
    """That is not ln 10: untrained logits are not equal."""

    class Still(torch.optim.SGD):
        def step(self, closure=None):
            return None

    start, _ = training.evaluate(lenet, batches(few.train))
    optimizer = Still(lenet.parameters(), lr=0.9)
    for _ in range(3):
        loss, _ = training.train_epoch(lenet, batches(few.train), F.cross_entropy, optimizer)
        assert loss == pytest.approx(start, rel=1e-5)


def test_the_loss_of_an_untrained_lenet_lies_above_ln_10(few):
    losses = []
    for seed in range(10):
        torch.manual_seed(seed)
        losses.append(training.evaluate(models.lenet5(), batches(few.train))[0])
    assert min(losses) > math.log(10)
    assert max(losses) < 3


@pytest.fixture
def images(few):
    return data.scale(few.validation.images)


@torch.no_grad()
def test_without_eval_batch_norm_answers_by_the_batch(images):
    """The same batch gives the same answer each time; another batch gives another."""
    network = models.lenet5_variant(batch_norm=True).train()
    first = network(images)
    assert torch.equal(network(images), first)
    assert not torch.allclose(network(images[:50]), first[:50], atol=1e-3)
    network.eval()
    torch.testing.assert_close(network(images[:50]), network(images)[:50], atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_without_eval_batch_norm_also_learns_from_what_it_only_should_judge(images):
    network = models.lenet5_variant(batch_norm=True).train()
    before = network[1].running_mean.clone()
    network(images)
    assert not torch.equal(network[1].running_mean, before)


@torch.no_grad()
def test_without_eval_dropout_answers_at_random(images):
    network = models.lenet5_variant(dropout=0.5).train()
    assert not torch.equal(network(images), network(images))
    network.eval()
    assert torch.equal(network(images), network(images))


def test_running_statistics_start_at_0_and_1():
    norm = nn.BatchNorm2d(3)
    assert norm.running_mean.tolist() == [0, 0, 0]
    assert norm.running_var.tolist() == [1, 1, 1]
    assert norm.weight.tolist() == [1, 1, 1]
    assert norm.bias.tolist() == [0, 0, 0]


def test_average_pooling_divides_slopes_by_four():
    """So do LeNet-5's two pools, on top of its four sigmoids."""
    image = torch.zeros(1, 1, 2, 2, requires_grad=True)
    F.avg_pool2d(image, 2).sum().backward()
    assert image.grad.flatten().tolist() == [0.25] * 4


def test_a_1x1_convolution_and_an_activation_do_not_widen_the_receptive_field():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 4, 1), nn.Conv2d(4, 1, 3))
    fields = probe.receptive_fields(network.eval(), ["0", "1", "2", "3"])
    rows = [int(fields[name][:28, 10, 10].sum()) for name in ("0", "1", "2", "3")]
    assert rows == [3, 3, 3, 5]


def test_torchvisions_affine_map_takes_the_nearest_pixel():
    """The course's own mixes four, so the two loaders do not do the same work."""
    usual = transforms.RandomAffine(10).interpolation
    assert usual is transforms.InterpolationMode.NEAREST
