"""A JupyterLab as a student starts it, and a Chromium that uses it as a student does.

The browser tests (`make test-browser`), the explorers' table of `make bench` and the pictures of
the README share this. Chromium is the system's own (Debian: `apt-get install chromium`), driven by
Playwright.
"""

import base64
import io
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

NOTEBOOKS = Path(__file__).parent.parent.parent / "notebooks"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
# Without a sandbox it runs as root too; without the rest it asks no server anything.
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
START = """
import pathlib
from mnist_course.cli import lessons, main
lessons.work_folder = lambda: pathlib.Path({work!r})
lessons.course_folder = lambda: pathlib.Path({course!r})
main(["lab", "--no-browser", "--ServerApp.port=0", "--allow-root",
      "--LabApp.expose_app_in_browser=True"])
"""
# What each code cell's outputs hold, and whether it still runs; asked of JupyterLab's model,
# since cells far from the screen may not be on the page.
CELLS = """() => {
    const panel = window.jupyterapp.shell.currentWidget;
    return {
        kernel: panel.sessionContext.session?.kernel?.status,
        cells: [...panel.content.model.cells].filter(cell => cell.type === 'code').map(cell => ({
            source: cell.sharedModel.getSource(), state: cell.executionState,
            count: cell.executionCount, outputs: cell.outputs.toJSON()})),
    };
}"""
# The same of the kernel alone, and whether it or a cell still runs: to ask for all outputs again
# and again would take more of the processor than many a cell.
KERNEL = "() => window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status"
BUSY = f"""() => ({KERNEL})() !== 'idle'
    || [...window.jupyterapp.shell.currentWidget.content.model.cells]
        .some(cell => cell.executionState === 'running')"""
# Canvases are drawn in the next frame, and what stands far above gets its height only when it is
# near. So a place is steady when it has stayed the same for some frames.
FRAMES = """async (count) => {
    for (; count > 0; count -= 1) await new Promise((done) => requestAnimationFrame(done));
}"""
STEADY = """async (element) => {
    let before = '';
    for (let [frames, same] = [0, 0]; same < 10 && frames < 600; frames += 1) {
        element.scrollIntoView({ block: 'start' });
        await new Promise((done) => requestAnimationFrame(done));
        const now = JSON.stringify(element.getBoundingClientRect());
        same = now === before ? same + 1 : 0;
        before = now;
    }
}"""
PICTURE = "(canvas) => canvas.toDataURL('image/png').split(',')[1]"


def program():
    """The path of the system's Chromium or Chrome; None when there is none."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


@contextmanager
def jupyterlab(home, course):
    """A JupyterLab started by the command `lab`, for a user without settings of their own.

    home: an empty folder; the student's copies go into `my-lessons` in it. course: the folder
    of the notebooks to copy. Yields what the server says of itself: a dict with url and token.
    """
    code = START.format(work=str(home / "my-lessons"), course=str(course))
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
    }
    with open(home / "log", "w") as log:
        process = subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=log)
    try:
        yield _wait_for_server(process, home)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for_server(process, home):
    """The server's address and token, once it answers."""
    for _ in range(600):
        assert process.poll() is None, (home / "log").read_text()
        for path in (home / "runtime").glob("jpserver-*.json"):
            try:
                server = json.loads(path.read_text())
                ask(server, "api/status")
                return server
            except (ValueError, OSError):  # the file is being written, or nobody listens yet
                pass
        time.sleep(0.1)
    raise AssertionError((home / "log").read_text())


def ask(server, path, method="GET"):
    """The answer of JupyterLab's server to a request, from JSON; None when it is empty."""
    request = urllib.request.Request(
        server["url"] + path, method=method, headers={"Authorization": f"token {server['token']}"}
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        return json.loads(answer.read() or "null")


def write_notebook(server, name, *cells):
    """Write a small notebook of code cells, given by their sources, into the student's folder."""
    import nbformat

    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in cells],
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
    )
    nbformat.write(notebook, f"{server['root_dir']}/{name}")


@contextmanager
def chromium():
    """The browser, without a window. Raises RuntimeError when the system has none."""
    from playwright.sync_api import sync_playwright

    if program() is None:
        raise RuntimeError("there is no Chromium here; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


class Notebook:
    """A notebook in a page of its own, with a fresh kernel.

    `complaints` collects the errors that the page writes to its console or does not catch.
    """

    def __init__(self, browser, server, name, width=1280, height=800):
        for session in ask(server, "api/sessions"):  # an old kernel would be used again
            ask(server, f"api/sessions/{session['id']}", "DELETE")
        self.server = server
        self.name = name
        self.complaints = []
        self._channels = None
        self.page = browser.new_page(viewport={"width": width, "height": height})
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(f"{server['url']}lab/tree/{name}?token={server['token']}&reset")
        self.page.wait_for_function(
            "() => window.jupyterapp?.shell.currentWidget?.content?.model?.cells?.length "
            "&& window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel",
            timeout=60_000,
        )
        self.wait(seconds=60)
        self.page.wait_for_timeout(1500)  # the page settles only then: a menu may close itself

    def _note(self, message):
        if message.type == "error":
            place = message.location.get("url", "")
            self.complaints.append(f"{message.text} ({place})")

    def close(self):
        if self._channels is not None:
            self._channels.stop_channels()
        self.page.close()

    def state(self):
        """The kernel's status and every code cell, with its outputs."""
        return self.page.evaluate(CELLS)

    def wait(self, seconds):
        """Wait until the kernel is idle and no cell waits for it, twice in a row."""
        calm, end = 0, time.monotonic() + seconds
        while calm < 2:
            assert time.monotonic() < end, f"{self.name} was not idle after {seconds} s"
            calm = 0 if self.page.evaluate(BUSY) else calm + 1
            self.page.wait_for_timeout(250)

    def run_all(self, seconds=300):
        """Run → Run All Cells, by the menu, to the end."""
        self.start("Run All Cells")
        self.page.wait_for_function(
            "() => [...window.jupyterapp.shell.currentWidget.content.model.cells]"
            ".some(cell => cell.executionState === 'running' || cell.executionCount)",
            timeout=30_000,
        )
        self.wait(seconds)

    def start_cell(self, number):
        """Run one code cell, counted from 0, by Shift+Enter."""
        self.page.locator(".jp-Notebook .jp-CodeCell").nth(number).locator(
            ".jp-InputArea-prompt"
        ).click()
        self.page.keyboard.press("Shift+Enter")

    def start(self, entry, menu="Run"):
        """Choose an entry of a menu."""
        self.page.get_by_role("menuitem", name=menu, exact=True).click()
        self.page.locator(".lm-Menu-itemLabel").get_by_text(entry, exact=True).click()

    def errors(self):
        """The error outputs of all cells, each as a text."""
        return [
            f"{output['ename']}: {output['evalue']} in {cell['source'][:80]!r}"
            for cell in self.state()["cells"]
            for output in cell["outputs"]
            if output["output_type"] == "error"
        ]

    def execute(self, code, seconds=60):
        """Run code in the notebook's kernel, beside the page. Returns what it prints.

        Raises RuntimeError with the traceback when it fails.
        """
        printed, failed = [], []

        def collect(message):
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])
            elif message["msg_type"] == "error":
                failed.append("\n".join(message["content"]["traceback"]))

        client = self._client()
        with suppress(queue.Empty):  # a full queue would lose what this code prints
            while True:
                client.get_iopub_msg(timeout=0)
        client.execute_interactive(code, store_history=False, timeout=seconds, output_hook=collect)
        if failed:
            raise RuntimeError(failed[0])
        return "".join(printed)

    @contextmanager
    def busy(self):
        """The kernel is busy in `with notebook.busy():`, and the page knows that it is."""
        with tempfile.TemporaryDirectory() as folder:
            end = Path(folder, "end")
            code = f"import pathlib, time\nwhile not pathlib.Path({str(end)!r}).exists(): "
            request = self._client().execute(code + "time.sleep(0.01)", store_history=False)
            try:
                # the page takes messages in order: it has all that the kernel sent before
                self.page.wait_for_function(f"() => ({KERNEL})() === 'busy'")
                yield
            finally:
                end.touch()
                while (
                    self._client().get_shell_msg(timeout=60)["parent_header"]["msg_id"] != request
                ):
                    pass

    def _client(self):
        from jupyter_client import BlockingKernelClient

        if self._channels is None:
            [session] = ask(self.server, "api/sessions")
            runtime = Path(self.server["root_dir"]).parent / "runtime"
            self._channels = BlockingKernelClient(
                connection_file=str(runtime / f"kernel-{session['kernel']['id']}.json")
            )
            self._channels.load_connection_file()
            self._channels.start_channels()
        return self._channels

    def pixels(self, canvas):
        """What is drawn on a <canvas> of the page: an array (height, width, 3)."""
        return decode(base64.b64decode(canvas.evaluate(PICTURE)))


def use_theme(page, name):
    """Change JupyterLab's theme, and wait some frames in which most canvases take its colours.

    One that is hidden for a moment does so later: whoever compares colours waits for them.
    """
    page.evaluate(
        "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", name
    )
    page.wait_for_function(
        "(light) => document.body.dataset.jpThemeLight === light", arg=str("Light" in name).lower()
    )
    page.evaluate(FRAMES, 5)


def scroll_to(element):
    """Scroll an element to the top of what is seen, and wait until it stays where it is."""
    element.evaluate(STEADY)


def decode(png):
    """The bytes of a PNG as an array, uint8 (height, width, 3)."""
    import numpy
    from PIL import Image

    return numpy.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
