"""What the tests of trainings and of checkpoints share."""

import torch

from mnist_course.augment import RandomAffine
from mnist_course.training import Recipe

AUGMENTED = Recipe(
    epochs=2, batch_size=64, optimizer="adamw", learning_rate=0.01, schedule="one-cycle",
    augment=RandomAffine(), final_epochs=1, final_augment=RandomAffine(degrees=5),
)  # fmt: skip


def weights(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def same(one, two):
    assert one.keys() == two.keys()
    return all(torch.equal(one[name], two[name]) for name in one)
