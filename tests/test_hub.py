"""A class on one server: JupyterHub starts the course for three users, by the file in the docs.

All three are this system's user here, each with a home of their own, because a test has no right
to make users. So who may read whose files is not seen here; docs/server.md says how that was tried.
"""

import importlib.util
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
import zipfile
from pathlib import Path

import pytest

from mnist_course.cli import lessons, sharing

ROOT = Path(__file__).parent.parent
STUDENTS = ("ada", "ben", "chen")
PATIENCE = 600  # seconds until a server that has not started counts as broken
CONFIG = """
load_subconfig({file!r})
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_port = {hub_port}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api_port}"
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = {homes!r} + "/{{username}}"
c.Spawner.environment.update({environment!r})
c.Spawner.args.extend({arguments!r})
c.JupyterHub.services = [dict(name="test", api_token={token!r})]
c.JupyterHub.load_roles = [
    dict(name="test", services=["test"], scopes=["admin:users", "admin:servers", "access:servers"])
]
"""
PROXY = "configurable-http-proxy"

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("jupyterhub") is None or shutil.which(PROXY) is None,
    reason="JupyterHub or its proxy is not installed",
)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Hub:
    """A JupyterHub in a folder of its own, and what its API answers."""

    def __init__(self, folder):
        self.folder, self.token = folder, secrets.token_hex(16)
        port, hub_port, api_port = (free_port() for _ in range(3))
        self.url = f"http://127.0.0.1:{port}"
        self.box = folder / "hand-ins"
        self.box.mkdir()
        self.box.chmod(sharing.DROP_BOX)
        here = os.environ.get("MNIST_COURSE_DATA", "")
        environment = {"MNIST_COURSE_DROPBOX": str(self.box), "MNIST_COURSE_DATA": here}
        config = CONFIG.format(
            file=str(ROOT / "docs" / "jupyterhub_config.py"), port=port, hub_port=hub_port,
            api_port=api_port, homes=str(folder), environment=environment, token=self.token,
            arguments=["--allow-root"] if os.geteuid() == 0 else [],  # in a container
        )  # fmt: skip
        (folder / "config.py").write_text(config, encoding="utf-8")
        self.log = open(folder / "hub.log", "wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", "config.py"],
            cwd=folder, stdout=self.log, stderr=self.log, start_new_session=True,
        )  # fmt: skip

    def ask(self, path, method="GET", body=None):
        """What the hub, or a student's server behind it, answers: parsed JSON, or None."""
        request = urllib.request.Request(
            self.url + path, method=method, data=None if body is None else json.dumps(body).encode()
        )
        request.add_header("Authorization", f"token {self.token}")
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def wait(self, ready):
        """Wait until `ready()` gives something true, and return that."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if found := ready():
                    return found
            except (urllib.error.URLError, ConnectionError):
                pass  # not yet
            time.sleep(0.5)
        self.fail("no answer")

    def start(self, student):
        self.ask(f"/hub/api/users/{student}", "POST")
        self.ask(f"/hub/api/users/{student}/server", "POST")

    def is_ready(self, student):
        servers = self.ask(f"/hub/api/users/{student}")["servers"]
        if not servers:
            self.fail(f"the server of {student} has ended")
        return servers[""]["ready"]

    def fail(self, reason):
        log = (self.folder / "hub.log").read_text(encoding="utf-8", errors="replace")
        pytest.fail(f"{reason}:\n{log}")

    def close(self):
        for student in STUDENTS:
            try:
                self.ask(f"/hub/api/users/{student}/server", "DELETE")
            except (urllib.error.URLError, ConnectionError):
                pass  # it was not running
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        self.log.close()


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    hub = Hub(tmp_path_factory.mktemp("hub"))
    try:
        hub.wait(lambda: hub.ask("/hub/api/"))
        for student in STUDENTS:
            hub.start(student)
        for student in STUDENTS:
            hub.wait(lambda student=student: hub.is_ready(student))
        yield hub
    finally:
        hub.close()


def run(hub, student, source):
    """What a cell prints in a kernel of a student's, as their notebook runs it."""
    import websocket

    kernel = hub.ask(f"/user/{student}/api/kernels", "POST", {"name": "python3"})["id"]
    address = hub.url.replace("http", "ws") + f"/user/{student}/api/kernels/{kernel}/channels"
    channel = websocket.create_connection(
        address, header=[f"Authorization: token {hub.token}"], timeout=PATIENCE
    )
    try:
        message = uuid.uuid4().hex
        header = {"msg_id": message, "msg_type": "execute_request", "session": message,
                  "username": student, "version": "5.3"}  # fmt: skip
        content = {"code": source, "silent": False}
        channel.send(json.dumps({
            "header": header, "parent_header": {}, "metadata": {}, "content": content,
            "channel": "shell",
        }))  # fmt: skip
        printed = ""
        while True:
            told = json.loads(channel.recv())
            if told["parent_header"].get("msg_id") != message:
                continue
            if told["msg_type"] == "stream":
                printed += told["content"]["text"]
            if told["msg_type"] == "execute_reply":
                assert told["content"]["status"] == "ok", told["content"]
            if told["msg_type"] == "status" and told["content"]["execution_state"] == "idle":
                return printed
    finally:
        channel.close()
        hub.ask(f"/user/{student}/api/kernels/{kernel}", "DELETE")


@pytest.mark.parametrize("student", STUDENTS)
def test_each_student_has_copies_that_only_they_can_open(hub, student):
    found = hub.ask(f"/user/{student}/api/contents/")["content"]
    ours = [path.name for path in lessons.course_folder().glob("*.ipynb")]
    assert sorted(one["name"] for one in found) == sorted(ours)
    folder = hub.folder / student / "my-lessons"
    assert folder.stat().st_mode & 0o077 == 0


def test_our_settings_reach_jupyterlab(hub):
    plugin = "@jupyterlab/apputils-extension:kernels-settings"
    found = hub.ask(f"/user/ada/lab/api/settings/{plugin}")
    assert found["schema"]["properties"]["commsOverSubshells"]["default"] == "disabled"


def test_threads_wait_passively_in_a_student_s_kernel(hub):
    printed = run(hub, "ada", "import os\nprint(os.environ['OMP_WAIT_POLICY'])")
    assert printed == "PASSIVE\n"


def test_a_hand_in_goes_into_the_drop_box(hub):
    assert "Made " in run(hub, "ben", "!mnist-course hand-in . --lessons 01 --name Ben")
    [path] = hub.box.glob("*.zip")
    assert path.stat().st_mode & 0o007 == 0
    with zipfile.ZipFile(path) as archive:
        assert any(name.endswith(".ipynb") for name in archive.namelist())
