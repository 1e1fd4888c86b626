"""Your own digits: strokes, pictures and photographs to 28×28 as MNIST made its own."""

from mnist_course.drawing.collection import Collection, Drawn, load_collection, merge
from mnist_course.drawing.pictures import Found, from_picture, read_photograph
from mnist_course.drawing.steps import (
    PEN,
    DrawingError,
    NothingDrawn,
    Options,
    Steps,
    from_strokes,
    image_of,
)
from mnist_course.drawing.weights import board_network

__all__ = [
    "PEN", "Collection", "Drawn", "DrawingError", "Found", "NothingDrawn", "Options", "Steps",
    "board_network", "from_picture", "from_strokes", "image_of", "load_collection", "merge",
    "read_photograph",
]  # fmt: skip
