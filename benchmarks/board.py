"""How many digits a second the drawing page's server reads, and whether it grows: `make bench`.

    python benchmarks/bench.py board              clients that send drawings without a pause
    python benchmarks/bench.py board --soak 10    the same for so many minutes, with its memory

The server runs in a process of its own, as `mnist-course board` starts it. The clients are threads
of this process, on the same machine. So the figures are those of a teacher's laptop that also has
to play the class.
"""

import http.client
import json
import re
import statistics
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from urllib.parse import urlsplit

import psutil

from mnist_course.drawing import writers

CLIENTS = 8
SECONDS = 20  # of each server's turn
TURNS = 3
WARM = (
    60  # seconds of a soak until memory is first measured: what is kept for good is there by then
)
OURS = "from mnist_course.cli import main; main(['board', '--port', '0', '--no-browser'])"
# The same application in the server that comes with Flask.
PEER = """
import logging
import torch
from werkzeug.serving import make_server
from mnist_course import board
logging.getLogger("werkzeug").setLevel(logging.ERROR)
torch.set_num_threads(1)
server = make_server("127.0.0.1", 0, board.create_app(board.Reader.shipped()), threaded=True)
print(f"http://127.0.0.1:{server.server_port}/", flush=True)
server.serve_forever()
"""


@contextmanager
def serving(code):
    """A server in a process of its own: yields its address and the process."""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            found = re.search(r"http://\S+", process.stdout.readline())
            if not found:
                raise RuntimeError("the server did not start")
            yield found[0], process
        finally:
            process.terminate()


def drawings():
    """Bodies of requests: digits of writers who are made by rule, as strokes."""
    written = writers.write("evaluation", 20)
    return [
        json.dumps(
            {
                "strokes": [[[float(x), float(y)] for x, y in stroke] for stroke in one.strokes],
                "field": [0, 0, writers.FIELD],
                "pen": float(one.pen),
            }
        )
        for one in written
    ]


class Load:
    """Clients that each send one drawing after the other. `took` are the seconds of each answer."""

    def __init__(self, address, bodies, clients=CLIENTS):
        self.place = urlsplit(address).netloc
        self.bodies = bodies
        self.clients = clients
        self.took = []
        self.failures = []

    def run(self, seconds):
        """Send for so many seconds, and at least once each. Returns predictions a second."""
        begun = time.perf_counter()
        end = begun + seconds
        threads = [
            threading.Thread(target=self._client, args=(number, end))
            for number in range(self.clients)
        ]
        before = len(self.took)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.failures:
            raise RuntimeError(f"the server failed: {self.failures[0]}")
        return (len(self.took) - before) / (time.perf_counter() - begun)

    def _client(self, number, end):
        connection = http.client.HTTPConnection(self.place, timeout=60)
        try:
            while True:
                number = (number + self.clients) % len(self.bodies)
                begun = time.perf_counter()
                connection.request(
                    "POST", "/api/predict", self.bodies[number],
                    {"Content-Type": "application/json"},
                )  # fmt: skip
                answer = connection.getresponse()
                content = answer.read()
                self.took.append(time.perf_counter() - begun)
                if answer.status != 200:
                    raise RuntimeError(f"{answer.status} {content[:200]!r}")
                if time.perf_counter() >= end:
                    return
        except (OSError, http.client.HTTPException, RuntimeError) as error:
            self.failures.append(error)
        finally:
            connection.close()


def bench_board(seconds=SECONDS, turns=TURNS):
    """Predictions a second of 8 clients, against the same application in Flask's own server."""
    bodies = drawings()
    speeds = {"waitress": [], "werkzeug": []}
    took = []
    for _ in range(turns):
        for name, code in (("waitress", OURS), ("werkzeug", PEER)):
            with serving(code) as (address, _):
                Load(address, bodies).run(1)  # warm up
                load = Load(address, bodies)
                speeds[name].append(load.run(seconds))
            if name == "waitress":
                took += load.took
    medians = {name: statistics.median(values) for name, values in speeds.items()}
    return {
        "what": f"drawings read a second by the drawing page's server, {CLIENTS} clients",
        "per_second": medians["waitress"],
        "milliseconds": {
            "median": 1000 * statistics.median(took),
            "percentile_95": 1000 * statistics.quantiles(took, n=20)[-1],
        },
        "peer": "the same application in Flask's own server",
        "peer_per_second": medians["werkzeug"],
        "ratio": medians["waitress"] / medians["werkzeug"],
        "clients": CLIENTS,
        "predictions": len(took),
        "times": speeds,
    }


def soak(minutes, warm=WARM):
    """The server under the same load for some minutes: its memory after each, in megabytes."""
    bodies = drawings()
    with serving(OURS) as (address, process):
        server = psutil.Process(process.pid)
        load = Load(address, bodies)
        load.run(warm)
        megabytes = [server.memory_info().rss / 1e6]
        load.took.clear()
        predictions = 0
        for _ in range(minutes):
            load.run(60)
            predictions += len(load.took)
            load.took.clear()  # ten minutes' times are not kept, and would grow here
            megabytes.append(server.memory_info().rss / 1e6)
            print(f"{predictions:,} predictions, {megabytes[-1]:.1f} MB", flush=True)
    return {
        "minutes": minutes,
        "predictions": predictions,
        "megabytes": [round(one, 1) for one in megabytes],
        "growth_megabytes": round(megabytes[-1] - megabytes[0], 1),
    }
