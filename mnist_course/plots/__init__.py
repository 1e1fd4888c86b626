"""Pictures: arrays or a `History` in, matplotlib axes out.

Every picture of a lesson is shown by `show`, with a text that says what is to be seen: screen
readers read it, and it stands where a picture can't.

A picture looks the same whatever style or matplotlibrc the user has, because everything here is
drawn in `own_style`. The user's own settings stay as they are for the user's own plots.
"""

from mnist_course.plots.charts import bars, curves, lines
from mnist_course.plots.convolution import channels_to_map, patch_to_number
from mnist_course.plots.errors import reliability
from mnist_course.plots.images import (
    augmented,
    class_rows,
    confusion,
    image_grid,
    kernels,
    number_matrix,
    predictions,
)
from mnist_course.plots.learning import (
    batch_norm,
    compare_runs,
    descent,
    rate_search,
    softmax_and_loss,
    spread_lines,
)
from mnist_course.plots.live import LiveCurve
from mnist_course.plots.networks import backpropagation, lenet_diagram, residual_towers
from mnist_course.plots.style import (
    BLUE,
    COLOURS,
    DPI,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    SIGNED,
    SKY,
    Axes,
    Figure,
    mark_quick,
    own_style,
    picture,
    show,
    subplots,
)

__all__ = [
    "Axes", "BLUE", "COLOURS", "DPI", "Figure", "GREEN", "GREY", "LiveCurve", "ORANGE", "PURPLE",
    "RED", "SIGNED", "SKY", "augmented", "backpropagation", "bars", "batch_norm",
    "channels_to_map", "class_rows", "compare_runs", "confusion", "curves", "descent",
    "image_grid", "kernels", "lenet_diagram", "lines", "mark_quick", "number_matrix", "own_style",
    "patch_to_number", "picture", "predictions", "rate_search", "reliability", "residual_towers",
    "show",
    "softmax_and_loss", "spread_lines", "subplots",
]  # fmt: skip
