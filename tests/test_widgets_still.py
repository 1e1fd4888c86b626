"""Every explorer leaves a still picture where its widget can't be shown: pages, prints, viewers."""

import base64
import io
from html.parser import HTMLParser

import nbformat
import numpy as np
import pytest
import render
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from PIL import Image

START = """
import torch
from mnist_course import augment, data, models, results, widgets
from mnist_course.training import Recipe, Snapshots, fit
digits = data.load()
few = data.Digits(digits.train[:100], digits.validation[:50])
torch.manual_seed(0)
network = models.lenet5_variant()
snapshots = Snapshots(network)
recipe = Recipe(epochs=2, batch_size=50)
history = fit(network, few, recipe, after_epoch=snapshots)
"""
EXPLORERS = {
    "Kernel lab": "widgets.kernel_lab(few.train)",
    "Pooling lab": "widgets.pooling_lab(few.train)",
    "Augmentation lab": "widgets.augmentation_lab(few.train, augment.RandomAffine())",
    "Feature maps": "widgets.feature_maps(network, few.validation)",
    "Epoch scrubber": "widgets.epoch_scrubber(network, snapshots, history, few.validation)",
    "Why is my loss 2.303?": "widgets.loss_explorer(few.train, 3)",
    "Look into a network": "widgets.network_explorer(network, few.validation)",
    "Shift a digit": "widgets.shift_explorer({'LeNet-5': network}, few.validation)",
    "Cover a part": "widgets.occlusion_explorer(network, few.validation)",
    "You against the network": "widgets.contest(few.validation, torch.eye(10).repeat(5, 1))",
    "Draw a digit": "widgets.drawing_pad(network)",
    "Down a slope": "widgets.descent_explorer()",
    "From logits to the loss": "widgets.softmax_explorer()",
    "Band, not number": (
        "widgets.band_explorer(history, results.load('residual')['runs'], recipe)"
    ),
}


class Pictures(HTMLParser):
    """The pictures of a page: (alt text, what is drawn)."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        if tag == "img":
            named = dict(attributes)
            content = base64.b64decode(named["src"].removeprefix("data:image/png;base64,"))
            drawn = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
            self.found.append((named.get("alt", ""), drawn))


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A notebook with every explorer, run, and saved as JupyterLab does: without widgets' state."""
    cells = [START, *EXPLORERS.values()]
    notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))
    folder = tmp_path_factory.mktemp("notebook")
    client = NotebookClient(
        notebook, timeout=120, store_widget_state=False,
        resources={"metadata": {"path": str(folder)}},
    )  # fmt: skip
    return client.execute()


def page(notebook, way):
    """The notebook as nbconvert makes a page of it, or as `make site` does."""
    if way == "nbconvert":
        return HTMLExporter().from_notebook_node(notebook)[0]
    copy = nbformat.from_dict(notebook)
    render.replace_widgets(copy)
    return str(render.lesson_page(copy))


@pytest.mark.parametrize("way", ["nbconvert", "site"])
def test_every_explorer_leaves_a_picture_with_its_text(executed, way):
    pictures = Pictures(page(executed, way)).found
    assert [alt.split(": ")[0] for alt, _ in pictures] == list(EXPLORERS)
    for alt, drawn in pictures:
        assert len(alt) > 80  # a sentence at least, beside the title
        assert any(sign.isdigit() for sign in alt)  # it says what is seen, not only what it is
        height, width, _ = drawn.shape
        assert height >= 300
        assert width >= 800
        colours = drawn.astype(np.int64) @ [1 << 16, 1 << 8, 1]  # one number a pixel
        assert len(np.unique(colours)) > 10


def test_a_viewer_of_files_finds_picture_and_text_in_the_output(executed):
    for cell, title in zip(executed.cells[1:], EXPLORERS, strict=True):
        [output] = cell.outputs
        assert "application/vnd.jupyter.widget-view+json" in output.data
        assert output.data["text/plain"].startswith(f"{title}: ")
        content = base64.b64decode(output.data["image/png"])
        shown = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
        [(_, drawn)] = Pictures(output.data["text/html"]).found
        np.testing.assert_array_equal(shown, drawn)
