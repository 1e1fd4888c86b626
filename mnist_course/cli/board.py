"""What `mnist-course board` does."""

import threading
import webbrowser

import click

from mnist_course import board
from mnist_course.board.server import is_local


def run(port, host, weights, network, show):
    """Serve the drawing page until Ctrl-C.

    weights: a file, or None for those that come with the course. show: open a browser on the page.
    Raises CheckpointError, DescriptionError or ServerError, each with what to do.
    """
    reader = board.Reader.from_file(weights, network) if weights else board.Reader.shipped()

    def started(address):
        click.echo(f"The drawing page: {address}   (Ctrl-C ends it)")
        if not is_local(host):
            click.echo(
                "Everyone who reaches this machine by its network can use it, unencrypted. Without "
                "--host it is for this machine alone."
            )
        if show:  # beside the server, because some systems wait until the browser is closed
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    board.serve(reader, host, port, started)
