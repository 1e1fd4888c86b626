"""JupyterHub for a class on one server; docs/server.md says how to use it.

Each student has an account on the server. JupyterHub starts the course for each of them as that
user, with copies of the lessons in the student's home.
"""

import sys
from pathlib import Path

BIN = Path(sys.prefix, "bin")  # of the environment that holds the course and JupyterHub

c = get_config()  # noqa: F821

c.JupyterHub.bind_url = "http://127.0.0.1:8000"  # a web server in front of it brings HTTPS

c.Authenticator.allow_all = True  # whoever has an account and a password here

# This copies the lessons, once, and then starts JupyterLab on them.
c.Spawner.cmd = [str(BIN / "mnist-course"), "lab", "--hub"]
c.Spawner.default_url = "/lab"
c.Spawner.environment = {
    "PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin",
    "MNIST_COURSE_WORK": "~/my-lessons",
    "MNIST_COURSE_DATA": "/srv/mnist-course",  # unpacked once, for all
    "MNIST_COURSE_DROPBOX": "/srv/hand-ins",
    "OMP_NUM_THREADS": "2",  # for each kernel: a server has many cores, and many students
}
c.Spawner.args = [
    # A kernel that nobody has used for an hour gives its memory back, also if its page is open.
    "--MappingKernelManager.cull_idle_timeout=3600",
    "--MappingKernelManager.cull_connected=True",
]
# When everybody starts at once, it takes a while.
c.Spawner.start_timeout = 300
c.Spawner.http_timeout = 300
