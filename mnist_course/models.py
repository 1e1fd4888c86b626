"""The networks of the course, one function each; every one fits on a screen.

All take float32 (N, 1, 28, 28), normalised, and return logits (N, 10) unless stated. The
comment beside a line is the shape of what leaves it. The weights are drawn when the function
is called: seed before.
"""

import torch
from torch import nn
from torch.nn import functional as F


def softmax_regression():
    """One linear layer: the simplest network that reads digits, 7,850 parameters."""
    return nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 10))


def initialise_xavier(network):
    """Xavier (Glorot) uniform weights for every linear and convolutional layer, in place.

    Source: Glorot & Bengio (2010), equation 16.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight)
    return network


def mlp():
    """A fully connected network of LeNet-5's size, with one hidden layer: 61,225 parameters.

    Sigmoid and Xavier's weights as in `lenet5`, so that the two differ in their layers alone.
    """
    network = nn.Sequential(
        nn.Flatten(),                      # N, 784
        nn.Linear(784, 77), nn.Sigmoid(),  # N, 77
        nn.Linear(77, 10),                 # N, 10
    )  # fmt: skip
    return initialise_xavier(network)


def lenet5():
    """LeNet-5 with sigmoid and average pooling, 61,706 parameters.

    Source: LeCun et al. (1998), as simplified in Dive into Deep Learning, section 7.6.
    """
    network = nn.Sequential(
        nn.Conv2d(1, 6, kernel_size=5, padding=2), nn.Sigmoid(),  # N, 6, 28, 28
        nn.AvgPool2d(kernel_size=2, stride=2),                    # N, 6, 14, 14
        nn.Conv2d(6, 16, kernel_size=5), nn.Sigmoid(),            # N, 16, 10, 10
        nn.AvgPool2d(kernel_size=2, stride=2),                    # N, 16, 5, 5
        nn.Flatten(),                                             # N, 400
        nn.Linear(400, 120), nn.Sigmoid(),                        # N, 120
        nn.Linear(120, 84), nn.Sigmoid(),                         # N, 84
        nn.Linear(84, 10),                                        # N, 10
    )  # fmt: skip
    return initialise_xavier(network)


def lenet5_variant(
    activation=nn.ReLU, pooling=nn.MaxPool2d, batch_norm=False, dropout=0.0, channels=(6, 16)
):
    """LeNet-5 with its parts exchanged: by default ReLU and max pooling, 61,706 parameters.

    activation: a class without arguments; pooling: a class that takes a size; batch_norm:
    normalise after each convolution; dropout: share of hidden units dropped in training.
    """
    c1, c2 = channels

    def norm(channels):
        return nn.BatchNorm2d(channels) if batch_norm else nn.Identity()

    return nn.Sequential(
        nn.Conv2d(1, c1, kernel_size=5, padding=2), norm(c1), activation(),  # N, 6, 28, 28
        pooling(2),                                                          # N, 6, 14, 14
        nn.Conv2d(c1, c2, kernel_size=5), norm(c2), activation(),            # N, 16, 10, 10
        pooling(2),                                                          # N, 16, 5, 5
        nn.Flatten(),                                                        # N, 400
        nn.Linear(c2 * 25, 120), activation(), nn.Dropout(dropout),          # N, 120
        nn.Linear(120, 84), activation(), nn.Dropout(dropout),               # N, 84
        nn.Linear(84, 10),                                                   # N, 10
    )  # fmt: skip


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions whose output is added to the input: relu(f(x) + shortcut(x)).

    (N, inputs, H, W) to (N, outputs, H / stride, W / stride). Where the shapes differ, the
    shortcut is a 1×1 convolution. Source: He et al. (2016), figure 2.
    """

    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, images):
        change = F.relu(self.norm1(self.conv1(images)))
        change = self.norm2(self.conv2(change))
        return F.relu(change + self.shortcut(images))


def residual_network(channels=16):
    """The residual network of lesson 05, with 16 channels 38,522 parameters.

    It cuts off the outer two pixels, which hold next to nothing of MNIST's ink.
    """
    wide = 2 * channels
    return nn.Sequential(
        nn.ZeroPad2d(-2),                                             # N, 1, 24, 24
        nn.Conv2d(1, channels, kernel_size=5, stride=2, bias=False),  # N, 16, 10, 10
        nn.BatchNorm2d(channels), nn.ReLU(),                          # N, 16, 10, 10
        ResidualBlock(channels, channels),                            # N, 16, 10, 10
        ResidualBlock(channels, wide, stride=2),                      # N, 32, 5, 5
        ResidualBlock(wide, wide),                                    # N, 32, 5, 5
        nn.AdaptiveMaxPool2d(1), nn.Flatten(),                        # N, 32
        nn.Linear(wide, 10),                                          # N, 10
    )  # fmt: skip


def small_residual_network(channels=11):
    """One more block, and as many channels everywhere: 9,448 parameters."""
    return nn.Sequential(
        nn.ZeroPad2d(-2),                                             # N, 1, 24, 24
        nn.Conv2d(1, channels, kernel_size=5, stride=2, bias=False),  # N, 11, 10, 10
        nn.BatchNorm2d(channels), nn.ReLU(),                          # N, 11, 10, 10
        ResidualBlock(channels, channels),                            # N, 11, 10, 10
        ResidualBlock(channels, channels),                            # N, 11, 10, 10
        ResidualBlock(channels, channels, stride=2),                  # N, 11, 5, 5
        ResidualBlock(channels, channels),                            # N, 11, 5, 5
        nn.AdaptiveMaxPool2d(1), nn.Flatten(),                        # N, 11
        nn.Linear(channels, 10),                                      # N, 10
    )  # fmt: skip


class Ensemble(nn.Module):
    """Several networks that vote: its logits are the mean of theirs.

    (N, 1, 28, 28) to logits (N, 10). In training mode each network sees another share of the
    batch, and the logits are those of the one that saw the image. So each meets the images in
    another order. Source of the idea: Hansen & Salamon (1990).
    """

    def __init__(self, networks):
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, images):
        if self.training:
            logits = []
            shares = images.tensor_split(len(self.networks))
            for network, share in zip(self.networks, shares, strict=True):
                if len(share):  # a small batch may leave a network without images
                    logits.append(network(share))
            return torch.cat(logits)
        return torch.stack([network(images) for network in self.networks]).mean(dim=0)


def voting_networks(channels=22):
    """Two residual networks that vote: with 22 channels 144,472 parameters."""
    return Ensemble([residual_network(channels), residual_network(channels)])


class FivePlaces(nn.Module):
    """A network that votes with itself: logits (N, 10) are the mean of those of five places.

    It reads an image (N, 1, 28, 28) as it is, and moved by a pixel to each side. In training mode
    it sees the image once, as it is. Source of the idea: Krizhevsky et al. (2012), section 4.1.
    """

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, images):
        if self.training:
            return self.network(images)
        edged = nn.functional.pad(images, (1, 1, 1, 1), mode="replicate")
        side = images.shape[-1]
        logits = []
        for row, column in ((1, 1), (0, 1), (2, 1), (1, 0), (1, 2)):
            logits.append(self.network(edged[:, :, row : row + side, column : column + side]))
        return torch.stack(logits).mean(dim=0)
