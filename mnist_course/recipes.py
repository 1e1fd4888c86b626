"""Every network of the course with the recipe it is trained by.

`mnist-course train NAME` and the long runs of `make results` take both from here.
"""

from dataclasses import replace

from mnist_course import models
from mnist_course.augment import RandomAffine
from mnist_course.training import Recipe

WHOLE_AFFINE = RandomAffine(degrees=10, shift=0.1, scale=0.1, shear=0.1)
AUGMENT_E = RandomAffine(degrees=10, shift=2 / 28, scale=0.05, shear=0)

LENET = Recipe(epochs=10, batch_size=256, learning_rate=0.9, momentum=0.0)
LENET_RELU = Recipe(epochs=10, batch_size=256, optimizer="adam", learning_rate=0.003)
RESIDUAL = Recipe(
    epochs=5,
    batch_size=256,
    optimizer="adamw",
    learning_rate=0.02,
    betas=(0.9, 0.99),
    weight_decay=0.02,
    schedule="one-cycle",
    label_smoothing=0.05,
    augment=WHOLE_AFFINE,
    channels_last=True,
)

# Two networks of the same family that vote. Each sees its half of every batch, so 256 images a step
# are 128 for each, and 48 epochs are 24: nearly five times ours. More rotation, size and shear,
# since each image is seen more often; less in the last epochs, which look more like real digits.
RESIDUAL_LONG = replace(
    RESIDUAL,
    epochs=48,
    batch_size=256,
    learning_rate=0.015,
    weight_decay=0.05,
    augment=RandomAffine(degrees=15, shift=0.1, scale=0.15, shear=0.2),
    final_epochs=9,
    final_augment=RandomAffine(degrees=8, shift=0.06, scale=0.08, shear=0.1),
)

# For a network with less than a third of the parameters, which overfits less: no smoothing, little
# decay, and ten times the epochs.
RESIDUAL_SMALL = replace(
    RESIDUAL,
    epochs=50,
    batch_size=128,
    weight_decay=0.005,
    label_smoothing=0.0,
    augment=RandomAffine(degrees=10, shift=0.05, scale=0.1, shear=0.1),
)

# The write-ups as published; rates, batches, epochs and the order of images are theirs. Where one
# has weight decay, ours leaves out biases and batch norm.
WRITEUP_A = Recipe(
    epochs=100, batch_size=256, learning_rate=0.06, momentum=0.5, schedule="plateau", decay=0.5,
    augment=RandomAffine(degrees=10, shift=0.1, scale=0, shear=0),
)  # fmt: skip
WRITEUP_B = Recipe(
    epochs=10, batch_size=64, shuffle=False, optimizer="adam", learning_rate=0.01
)  # fmt: skip
WRITEUP_C = Recipe(epochs=5, batch_size=64, learning_rate=0.2, momentum=0.0)
WRITEUP_D = Recipe(
    epochs=14, batch_size=256, shuffle=False, optimizer="adam", learning_rate=0.01,
    weight_decay=0.001, schedule="exponential", decay=0.7, normalisation=(0.5, 0.5),
)  # fmt: skip
WRITEUP_D_SGD = Recipe(
    epochs=14, batch_size=100, shuffle=False, learning_rate=0.01, momentum=0.0,
    schedule="exponential", decay=0.7, normalisation=(0.5, 0.5),
)  # fmt: skip
WRITEUP_E = Recipe(
    epochs=20, batch_size=64, learning_rate=0.01, momentum=0.9, schedule="step", decay=0.1,
    decay_every=5, patience=3, augment=AUGMENT_E,
)  # fmt: skip

# name: (function that builds the network, its recipe)
NETWORKS = {
    "softmax": (models.softmax_regression, Recipe(epochs=3, batch_size=256, momentum=0.0)),
    "lenet5": (models.lenet5, LENET),
    "lenet5-relu": (models.lenet5_variant, LENET_RELU),
    "residual": (models.residual_network, RESIDUAL),
    "residual-long": (models.voting_networks, RESIDUAL_LONG),
    "residual-small": (models.small_residual_network, RESIDUAL_SMALL),
    "a": (models.network_a, WRITEUP_A),
    "b": (models.network_b, WRITEUP_B),
    "c": (models.network_c, WRITEUP_C),
    "d1": (models.network_d, WRITEUP_D_SGD),
    "d2": (models.network_d, WRITEUP_D),
    "d3": (lambda: models.network_d(dropout=0.5), WRITEUP_D),
    "d4": (lambda: models.network_d(channels=(16, 32)), WRITEUP_D),
    "e": (lambda: models.network_e(batch_norm=True), WRITEUP_E),
}
