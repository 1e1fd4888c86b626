"""The README's pictures: the result from the stored runs, a lesson and an explorer from JupyterLab,
and the page on which a digit is drawn.

    python scripts/make_images.py               all of them
    python scripts/make_images.py page result   these

`lesson` runs lesson 03 in full mode, in Chromium.
"""

import sys
import tempfile
from pathlib import Path

from mnist_course import plots, results, runtime

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests" / "browser"), str(ROOT / "benchmarks")]
import board  # noqa: E402
import browser  # noqa: E402

IMAGES = ROOT / ".github" / "images"
# On the page: put a cell at the top, the first one whose code has these words.
SHOW = """(words) => {
    const notebook = window.jupyterapp.shell.currentWidget.content;
    const has = cell => cell.model.sharedModel.getSource().includes(words);
    return notebook.scrollToItem(notebook.widgets.findIndex(has), 'start');
}"""


def result():
    """Validation errors of every stored run over the epochs, and its test accuracy."""
    runs = results.load("residual")["runs"]
    figure, (left, right) = plots.subplots(1, 2, width=9, height=3)
    for run in runs:
        errors = [100 - 100 * accuracy for accuracy in run["validation_accuracy"]]
        left.plot(range(1, len(errors) + 1), errors, color=plots.BLUE, alpha=0.5)
    left.set(
        xlabel="epoch", ylabel="errors on validation, %", title="Training, one line a seed",
        yscale="log", xticks=range(1, len(errors) + 1), yticks=[0.5, 1, 2, 4],
        yticklabels=["0.5", "1", "2", "4"],
    )  # fmt: skip
    tests = [100 * run["test_accuracy"] for run in runs]
    left.minorticks_off()
    right.plot(range(len(tests)), tests, "o", color=plots.BLUE)
    right.axhline(99.5, color=plots.RED, linestyle="--")
    right.set(
        xlabel="seed", ylabel="test accuracy, %", title="Test set, opened once a run",
        xticks=range(len(tests)), ylim=(99.3, 99.8),
    )  # fmt: skip
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(alpha=0.25)
    figure.savefig(IMAGES / "result.png", dpi=plots.DPI)


def lesson():
    """Lesson 03 in JupyterLab after all its cells ran: the training, and the feature maps."""
    with (
        tempfile.TemporaryDirectory() as home,
        browser.jupyterlab(Path(home), browser.NOTEBOOKS) as server,
        browser.chromium() as chromium,
    ):
        notebook = browser.Notebook(chromium, server, "03_lenet.ipynb", width=1280, height=960)
        notebook.run_all(seconds=900)
        assert not notebook.errors(), notebook.errors()
        page = notebook.page
        for _ in range(2):  # cells that come onto the page push the others away
            page.evaluate(SHOW, "snapshots = Snapshots(network)")
            page.wait_for_timeout(2000)
        page.screenshot(path=IMAGES / "lesson.png")
        for _ in range(2):
            page.evaluate(SHOW, "widgets.feature_maps(pair")
            page.wait_for_timeout(2000)
        explorer = page.locator(".mnist-explorer:has-text('before training')")
        for _ in range(2):  # the third image is a 2, which has more to see than the first, a 1
            explorer.get_by_role("slider", name="Digit", exact=True).press("ArrowRight")
        page.wait_for_timeout(2000)
        explorer.screenshot(path=IMAGES / "explorer.png")
        notebook.close()


def page():
    """The drawing page with a 7 on it, as far as the maps of the layers."""
    seven = ([(80, 72), (160, 64), (206, 68), (172, 140), (130, 232)], [(104, 152), (192, 146)])
    with board.serving(board.OURS) as (address, _), browser.chromium() as chromium:
        shown = chromium.new_page(viewport={"width": 1280, "height": 1240})
        shown.goto(address)
        box = shown.locator(".mc-draw").bounding_box()
        for stroke in seven:  # in units of the pad, 280 a side
            for number, (x, y) in enumerate(stroke):
                side = box["width"] / 280
                shown.mouse.move(box["x"] + side * x, box["y"] + side * y, steps=8)
                if number == 0:
                    shown.mouse.down()
            shown.mouse.up()
        shown.wait_for_timeout(1000)
        shown.screenshot(path=IMAGES / "board.png")


PICTURES = {"result": result, "lesson": lesson, "page": page}

if __name__ == "__main__":
    assert not runtime.quick(), "the pictures show a full run: start without MNIST_COURSE_QUICK"
    IMAGES.mkdir(exist_ok=True)
    for name in sys.argv[1:] or PICTURES:
        PICTURES[name]()
