"""The network of the drawing page, whose weights come with the package."""

from pathlib import Path

import torch

from mnist_course import checkpoints, models

BOARD = Path(__file__).parent / "board.safetensors"


def board_network():
    """The network that reads drawings, and the recipe it was trained by: (network, `Recipe`).

    It is lesson 05's, which has learned from MNIST and from digits that writers made by rule
    (`writers.write("training", …)`), because MNIST has next to no 1 with a flag and no 7 with a
    bar. In evaluation mode, on the CPU. Each call gives a network of its own.
    """
    with torch.device("cpu"):
        network = models.residual_network()
    recipe, _ = checkpoints.load_checkpoint(BOARD, network)
    return network.eval(), recipe
