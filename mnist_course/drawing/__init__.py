"""Your own digits: strokes, pictures and photographs to 28×28 as MNIST made its own."""

from mnist_course.drawing.steps import (
    DrawingError,
    NothingDrawn,
    Options,
    Steps,
    from_strokes,
)

__all__ = ["DrawingError", "NothingDrawn", "Options", "Steps", "from_strokes"]
