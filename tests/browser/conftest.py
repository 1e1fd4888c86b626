"""One JupyterLab and one Chromium for all browser tests: `make test-browser`."""

import re

import browser
import pytest
from xdist.scheduler import LoadScopeScheduling


class ByLesson(LoadScopeScheduling):
    """Gives all tests of a file to one worker; of a file with lessons, all tests of each lesson.

    So a worker that has opened a lesson keeps it.
    """

    def _split_scope(self, nodeid):
        file, _, test = nodeid.partition("::")
        lesson = re.search(r"[\w-]+\.ipynb", test)
        return file, lesson and lesson[0]


def pytest_xdist_make_scheduler(config, log):
    return ByLesson(config, log)


@pytest.fixture(scope="session")
def chromium():
    with browser.chromium() as running:
        yield running


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """JupyterLab on a student's copies of the lessons, in quick mode."""
    home = tmp_path_factory.mktemp("student")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNIST_COURSE_QUICK", "1")
        with browser.jupyterlab(home, browser.NOTEBOOKS) as server:
            yield server


@pytest.fixture
def write_notebook(chromium, lab):
    """Make a small notebook of code cells beside the lessons and open it; closed at the end."""
    opened = []

    def write(name, *cells):
        browser.write_notebook(lab, name, *cells)
        opened.append(browser.Notebook(chromium, lab, name))
        return opened[-1]

    yield write
    for notebook in opened:
        notebook.close()
