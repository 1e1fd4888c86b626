"""Look inside any network without changing it: layers, gradients, kernels, receptive fields."""

from mnist_course.probe.inspection import (
    Inspection,
    InspectionError,
    Inspector,
    inspect,
    kind_name,
)
from mnist_course.probe.passes import (
    activations,
    evaluation_mode,
    gradients,
    kernels,
    layer_names,
    multiply_accumulates,
    saliency,
    shape_table,
)
from mnist_course.probe.windows import patch, receptive_fields, source_channels

__all__ = [
    "Inspection",
    "InspectionError",
    "Inspector",
    "activations",
    "evaluation_mode",
    "gradients",
    "inspect",
    "kernels",
    "kind_name",
    "layer_names",
    "multiply_accumulates",
    "patch",
    "receptive_fields",
    "saliency",
    "shape_table",
    "source_channels",
]
