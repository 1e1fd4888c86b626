"""Names that the command line offers. Without torch, so that `--help` answers at once."""

from enum import StrEnum

OPTIMIZERS = ("sgd", "adam", "adamw")


class Network(StrEnum):
    """Every network of the course, and those of the write-ups; `recipes` says what each one is."""

    SOFTMAX = "softmax"
    MLP = "mlp"
    LENET5 = "lenet5"
    LENET5_RELU = "lenet5-relu"
    RESIDUAL = "residual"
    RESIDUAL_FAST = "residual-fast"
    RESIDUAL_LONG = "residual-long"
    RESIDUAL_SMALL = "residual-small"
    A = "a"
    B = "b"
    C = "c"
    D1 = "d1"
    D2 = "d2"
    D3 = "d3"
    D4 = "d4"
    E = "e"
