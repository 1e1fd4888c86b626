"""The drawing page: a small server that shows it and reads drawn digits (Flask, waitress)."""

from mnist_course.board.application import create_app
from mnist_course.board.reader import Reader
from mnist_course.board.server import serve

__all__ = ["Reader", "create_app", "serve"]
