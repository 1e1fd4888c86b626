"""The networks of the five published write-ups, one function each, as they were published.

They take and return what the networks of `models` do. The lessons and `docs/writeups.md` name the
write-ups; what differs in training stands in `recipes`.
"""

from torch import nn
from torch.nn import functional as F

from mnist_course import models


class WriteupABlock(nn.Module):
    """Write-up A's residual block: no batch norm, and a 1×1 convolution on the shortcut."""

    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.shortcut = nn.Conv2d(channels, channels, 1)

    def forward(self, images):
        return F.relu(self.conv2(F.relu(self.conv1(images))) + self.shortcut(images))


def network_a():
    """Write-up A's residual network, 4,393,962 parameters, 478 million multiply-accumulates.

    As published: in its second stage batch norm stands after ReLU, in the others before.
    """
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2), nn.BatchNorm2d(32), nn.ReLU(),      # N, 32, 28, 28
        WriteupABlock(32),                                                  # N, 32, 28, 28
        nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.BatchNorm2d(64),     # N, 64, 28, 28
        WriteupABlock(64), nn.MaxPool2d(2),                                 # N, 64, 14, 14
        nn.Conv2d(64, 128, 5, padding=2), nn.BatchNorm2d(128), nn.ReLU(),   # N, 128, 14, 14
        WriteupABlock(128),                                                 # N, 128, 14, 14
        nn.Conv2d(128, 192, 5, padding=2), nn.BatchNorm2d(192), nn.ReLU(),  # N, 192, 14, 14
        WriteupABlock(192), nn.MaxPool2d(2),                                # N, 192, 7, 7
        nn.Flatten(),                                                       # N, 9408
        nn.Linear(192 * 7 * 7, 256), nn.ReLU(),                             # N, 256
        nn.Linear(256, 10),                                                 # N, 10
    )  # fmt: skip


def network_b():
    """Write-up B's three convolutions with ReLU and max pooling, 21,578 parameters."""
    return nn.Sequential(
        nn.Conv2d(1, 8, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2),   # N, 8, 14, 14
        nn.Conv2d(8, 16, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2),  # N, 16, 7, 7
        nn.Conv2d(16, 32, kernel_size=3, padding=1), nn.ReLU(),                  # N, 32, 7, 7
        nn.Flatten(),                                                            # N, 1568
        nn.Linear(32 * 7 * 7, 10),                                               # N, 10
    )  # fmt: skip


def network_c():
    """Write-up C's network: no activation between its two convolutions. 30,074 parameters."""
    return nn.Sequential(
        nn.Conv2d(1, 16, kernel_size=3, padding=1), nn.MaxPool2d(2),   # N, 16, 14, 14
        nn.Conv2d(16, 32, kernel_size=3, padding=1), nn.MaxPool2d(2),  # N, 32, 7, 7
        nn.Flatten(),                                                  # N, 1568
        nn.Linear(32 * 7 * 7, 16), nn.ReLU(),                          # N, 16
        nn.Linear(16, 10),                                             # N, 10
    )  # fmt: skip


def network_d(dropout=0.0, channels=(6, 16)):
    """Write-up D's ReLU and max-pool LeNet; with dropout 0.5 its third model.

    Its fourth model has more channels; how many, the write-up does not say.
    """
    return models.lenet5_variant(dropout=dropout, channels=channels)


def network_e(batch_norm=False):
    """Write-up E's LeNet variant without padding, 44,426 parameters.

    Returns log-probabilities (N, 10), for the negative log-likelihood; cross-entropy gives
    the same loss and gradients, since log-softmax leaves log-probabilities as they are.
    """

    def norm(channels):
        return nn.BatchNorm2d(channels) if batch_norm else nn.Identity()

    return nn.Sequential(
        nn.Conv2d(1, 6, kernel_size=5), norm(6), nn.ReLU(), nn.MaxPool2d(2),    # N, 6, 12, 12
        nn.Conv2d(6, 16, kernel_size=5), norm(16), nn.ReLU(), nn.MaxPool2d(2),  # N, 16, 4, 4
        nn.Flatten(),                                                           # N, 256
        nn.Linear(256, 120), nn.ReLU(),                                         # N, 120
        nn.Linear(120, 84), nn.ReLU(),                                          # N, 84
        nn.Linear(84, 10), nn.LogSoftmax(dim=1),                                # N, 10
    )  # fmt: skip
