"""Every network of the course trains by its recipe."""

import math

import pytest
import torch

from mnist_course import data, recipes
from mnist_course.training import Recipe, fit


@pytest.mark.parametrize("name", recipes.NETWORKS)
def test_each_network_learns_from_a_batch_by_its_recipe(few, name):
    build, recipe = recipes.NETWORKS[name]
    torch.manual_seed(0)
    network = build()
    size = 16 if name == "a" else 64
    world = data.Digits(few.train[:size], few.validation[:size])
    before = {key: value.clone() for key, value in network.named_parameters()}
    history = fit(network, world, Recipe(**{**vars(recipe), "epochs": 1}))
    assert math.isfinite(history.train_loss[0])
    for key, value in network.named_parameters():
        assert not torch.equal(value, before[key]), f"{key} learned nothing"


def test_each_call_builds_a_new_network():
    for build, _ in recipes.NETWORKS.values():
        assert build() is not build()


def test_only_the_two_write_ups_that_never_shuffle_keep_their_images_in_order():
    fixed = {name for name, (_, recipe) in recipes.NETWORKS.items() if not recipe.shuffle}
    assert fixed == {"b", "d1", "d2", "d3", "d4"}


def test_the_fully_connected_network_learns_as_lenet_does():
    assert recipes.NETWORKS["mlp"][1] == recipes.NETWORKS["lenet5"][1]


def test_write_up_d_has_four_models():
    dropouts = {
        name: [layer.p for layer in recipes.NETWORKS[name][0]() if hasattr(layer, "p")]
        for name in ("d1", "d2", "d3", "d4")
    }
    assert dropouts == {"d1": [0, 0], "d2": [0, 0], "d3": [0.5, 0.5], "d4": [0, 0]}
    assert recipes.NETWORKS["d1"][1].optimizer == "sgd"
    assert all(recipes.NETWORKS[name][1].decay == 0.7 for name in dropouts)
