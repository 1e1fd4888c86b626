"""The drawing page on a port: waitress, a server made for daily use, in front of Flask."""

import ipaddress
import logging
import socket

import torch
import waitress

from mnist_course import runtime
from mnist_course.board import bodies
from mnist_course.board.application import create_app

THREADS = 2  # requests that are worked on at once: more would only wait for Python's lock
# Larger bodies are cut off by waitress itself, in plain text; smaller ones get Flask's sentence.
MOST_BUFFERED = 16 * bodies.MOST_BYTES
# A browser keeps up to six connections open. Of these a class of thirty must not keep out the next
# one; and some systems let a program open no more than 256 files.
CONNECTIONS = 200
IDLE = 20  # seconds until a connection that nobody uses is closed


class ServerError(runtime.CourseError):
    """The server can't start; the message says why and what to do."""


def serve(reader, host="127.0.0.1", port=8800, started=lambda address: None):
    """Serve the drawing page until Ctrl-C. Port 0 takes a free one.

    started: called with the page's address once the server listens. Raises ServerError when
    the port or the host can't be used.
    """
    listening = _listen(host, port)
    torch.set_num_threads(1)  # a digit is too small to share out, and requests run side by side
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # that a request waits is no news
    own_names = (host,) if is_local(host) else (host, socket.gethostname())
    server = waitress.create_server(
        create_app(reader, own_names),
        sockets=[listening],
        threads=THREADS,
        connection_limit=CONNECTIONS,
        channel_timeout=IDLE,
        cleanup_interval=IDLE // 4,
        max_request_body_size=MOST_BUFFERED,
        ident="mnist-course",
        clear_untrusted_proxy_headers=True,
    )
    try:
        started(address(host, listening.getsockname()[1]))
        server.run()
    finally:
        server.close()


def _listen(host, port):
    """A socket that listens. Made here, since waitress leaves its own open when it fails."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, UnicodeError) as error:  # a name that nobody knows, or that can't be one
        raise ServerError(
            f"can't listen on port {port} of {host} ({getattr(error, 'strerror', None) or error}). "
            "Perhaps the page runs already; if not, choose another port: "
            + runtime.command(f"board --port {(port + 1) % 65536}")
        ) from error


def address(host, port):
    """The page's address in a browser on this machine."""
    if host in ("0.0.0.0", "::"):  # every address of this machine; a browser wants one of them
        host = "127.0.0.1"
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def is_local(host):
    """Whether a server on this host can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
