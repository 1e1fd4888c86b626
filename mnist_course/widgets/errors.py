"""What explorers raise."""

from mnist_course import runtime


class ExplorerError(runtime.CourseError):
    """A foreseen mistake in what an explorer was given; the message says what to do."""
