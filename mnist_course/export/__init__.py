"""Networks for programs without torch: a plain description and the weights as bytes."""

from mnist_course.export.description import DescriptionError, describe

__all__ = ["DescriptionError", "describe"]
