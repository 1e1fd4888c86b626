"""One JupyterLab and one Chromium for all browser tests: `make test-browser`."""

import browser
import nbformat
import pytest


def pytest_collection_modifyitems(items):
    """The tests of one lesson go to one worker, which opens it once."""
    for item in items:
        lesson = item.callspec.params.get("lesson", "") if hasattr(item, "callspec") else ""
        item.add_marker(pytest.mark.xdist_group(f"{item.path.name} {lesson}"))


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
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells],
            metadata={
                "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
            },
        )
        nbformat.write(notebook, f"{lab['root_dir']}/{name}")
        opened.append(browser.Notebook(chromium, lab, name))
        return opened[-1]

    yield write
    for notebook in opened:
        notebook.close()
