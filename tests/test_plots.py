"""What is drawn, what a screen reader hears, what a display is sent; and nothing left behind."""

import base64
import io
import re

import matplotlib
import numpy as np
import pytest
import torch
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from PIL import Image
from traitlets.config import Config

from mnist_course import metrics, models, plots
from mnist_course.training import History, Recipe, fit

matplotlib.use("Agg")  # no windows


@pytest.fixture(autouse=True)
def drawing(monkeypatch):
    """Full mode; no figure left over; settings of matplotlib stay as they are."""
    monkeypatch.delenv("MNIST_COURSE_QUICK", raising=False)
    before = matplotlib.rcParams.copy()
    yield
    plt.close("all")
    assert matplotlib.rcParams == before


@pytest.fixture
def shown():
    """Everything that a notebook would be sent: a list of {data, transient, update}."""
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config)
    shell.display_pub = CapturingDisplayPublisher()
    yield shell.display_pub.outputs
    InteractiveShell.clear_instance()


@pytest.fixture
def history():
    return History(
        [2.0, 1.0, 0.5],
        [0.3, 0.6, 0.8],
        [1.5, 1.0, 0.9],
        [0.5, 0.7, 0.75],
        [0.1] * 3,
        [1.0] * 3,
        200,
    )


LABELS = torch.tensor([3, 1, 4, 1, 5])
PROBABILITIES = torch.eye(10)[torch.tensor([3, 1, 9, 1, 5])]

# every public function that draws: (arguments) to axes
DRAWINGS = {
    "subplots": lambda images, history: plots.subplots(2, 3)[1],
    "image_grid": lambda images, history: plots.image_grid(images, list("abcde"), wrong=(2,)),
    "number_matrix": lambda images, history: plots.number_matrix(images[0][:5, :5]),
    "bars": lambda images, history: plots.bars([1, 2, 3], "abc", errors=[0.1, 0.2, 0.3]),
    "lines": lambda images, history: plots.lines({"a": [1, 2], "b": [2, 1]}, log=True),
    "curves": lambda images, history: plots.curves(history, epochs=5, band=[[0.1, 0.2, 0.3]] * 4),
    "predictions": lambda images, history: plots.predictions(images, PROBABILITIES, LABELS),
    "kernels": lambda images, history: plots.kernels(images / 255 - 0.5),
    "feature_maps": lambda images, history: plots.feature_maps(images / 255),
    "confusion": lambda images, history: plots.confusion(LABELS, LABELS.flip(0)),
}


@pytest.fixture
def images(few):
    return few.train.images[:5]


def figure_of(axes):
    return np.ravel(np.asarray(axes, dtype=object))[0].figure


@pytest.mark.parametrize("name", DRAWINGS)
def test_every_drawing_returns_axes(images, history, name):
    axes = np.ravel(np.asarray(DRAWINGS[name](images, history), dtype=object))
    assert len(axes) > 0
    assert all(isinstance(ax, Axes) for ax in axes)
    assert plt.get_fignums() == [axes[0].figure.number]
    axes[0].figure.canvas.draw()  # what can't be drawn fails here at the latest


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("name", DRAWINGS)
def test_quick_mode_is_marked_and_full_mode_is_not(images, history, monkeypatch, name, quick):
    monkeypatch.setenv("MNIST_COURSE_QUICK", str(int(quick)))
    figure = figure_of(DRAWINGS[name](images, history))
    assert ("quick mode" in figure.get_supxlabel()) == quick


# --- showing ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bars", "curves", "image_grid"])  # one, two, an array of axes
def test_show_says_in_words_what_is_seen_and_closes_the_figure(images, history, shown, name):
    alt = 'Curves: "loss" < 1 & accuracy > 0, 你好'
    plots.show(DRAWINGS[name](images, history), alt)
    assert plt.get_fignums() == []
    [message] = shown
    content = message["data"]
    assert content["text/plain"] == alt
    tag = content["text/html"]
    assert "<img" in tag
    assert 'alt="Curves: &quot;loss&quot; &lt; 1 &amp; accuracy &gt; 0, 你好"' in tag
    inside = base64.b64decode(re.findall(r'src="data:image/png;base64,([^"]+)"', tag)[0])
    assert inside == content["image/png"]
    assert Image.open(io.BytesIO(inside)).format == "PNG"


def test_a_picture_is_as_wide_as_its_figure():
    figure, _ = plots.subplots(width=5, height=2)
    content = plots.picture(figure, "nothing")
    assert Image.open(io.BytesIO(content["image/png"])).size == (5 * plots.DPI, 2 * plots.DPI)
    assert 'width="500"' in content["text/html"]


# --- the live curve -----------------------------------------------------------------------


class Clock:
    """Time that passes a tenth of a second at each look."""

    now = 0.0

    def monotonic(self):
        self.now += 0.1
        return self.now


@pytest.fixture
def clock(monkeypatch):
    import time

    monkeypatch.setattr(time, "monotonic", Clock().monotonic)


def test_the_live_curve_updates_two_displays_in_place(few, shown, clock):
    recipe = Recipe(epochs=3, batch_size=20)
    history = fit(models.softmax_regression(), few, recipe, show=plots.LiveCurve(title="softmax"))
    assert plt.get_fignums() == []
    first: dict[str, dict] = {}  # display id: its first message
    for message in shown:
        name = message["transient"]["display_id"]
        assert message["update"] == (name in first)
        first.setdefault(name, message["data"])
    bar, curve = first
    assert "progress" in first[bar]["text/html"]
    bars = [one["data"] for one in shown if one["transient"]["display_id"] == bar]
    drawn = [one["data"] for one in shown if one["transient"]["display_id"] == curve]
    # three epochs of ten batches; a look at each batch, an update after more than 0.25 s
    assert [one["text/plain"] for one in bars] == [
        *(
            f"epoch {epoch} of 3, batch {batch} of 10"
            for epoch in (1, 2, 3)
            for batch in (0, 3, 6, 9)
        ),
        str(history),
    ]
    assert 'value="3" max="10" aria-label="epoch 1 of 3, batch 3 of 10"' in bars[1]["text/html"]
    assert bars[-1] == {"text/plain": str(history)}  # no bar that looks as if it still ran
    assert len(drawn) == 3
    for epoch, content in enumerate(drawn, start=1):
        assert f"over {epoch} of 3 epochs" in content["text/plain"]
        assert f'alt="{content["text/plain"]}"' in content["text/html"]
        assert f"{history.validation_accuracy[epoch - 1]:.2%}" in content["text/plain"]
    assert len({content["image/png"] for content in drawn}) == 3


def test_the_live_curve_passes_every_batch_on(shown):
    curve = plots.LiveCurve()
    assert list(curve.watch([1, 2, 3], epoch=1, epochs=1)) == [1, 2, 3]


@pytest.mark.parametrize("quick", ["0", "1"])
def test_the_live_curve_marks_quick_mode(history, shown, monkeypatch, quick):
    marked = []

    def picture(figure, alt):
        marked.append(figure)
        return {}

    monkeypatch.setattr(plots, "picture", picture)
    monkeypatch.setenv("MNIST_COURSE_QUICK", quick)
    curve = plots.LiveCurve()
    list(curve.watch([1], epoch=3, epochs=3))
    curve.update(history)
    assert ("quick mode" in marked[0].get_supxlabel()) == (quick == "1")


def test_the_live_curve_of_an_interrupted_run(few, shown):
    class Interrupted(plots.LiveCurve):
        def watch(self, batches, epoch, epochs):
            for number, batch in enumerate(super().watch(batches, epoch, epochs)):
                if (epoch, number) == (2, 1):
                    raise KeyboardInterrupt
                yield batch

    history = fit(models.softmax_regression(), few, Recipe(batch_size=50), show=Interrupted())
    assert shown[-1]["data"]["text/plain"] == str(history)
    assert "Interrupted: 1 of 10" in str(history)


def test_the_live_curve_closed_before_anything_was_shown(shown):
    plots.LiveCurve().close(History(stopped="Interrupted: 0 of 3 epochs are complete."))
    assert [one["data"] for one in shown] == [
        {"text/plain": "Interrupted: 0 of 3 epochs are complete."}
    ]


def test_the_live_curve_of_a_diverged_run(few, shown):
    recipe = Recipe(epochs=3, learning_rate=1e38)
    history = fit(models.lenet5_variant(), few, recipe, show=plots.LiveCurve())
    assert "the loss is" in shown[-1]["data"]["text/plain"]
    assert history.diverged


# --- what is drawn ------------------------------------------------------------------------


def test_a_grid_shows_each_image_with_its_caption(images):
    axes = plots.image_grid(images, list("abcde"), columns=3, wrong={1})
    assert axes.shape == (2, 3)
    for index in range(5):
        [drawn] = axes.flat[index].images
        assert np.array_equal(drawn.get_array(), images[index])
        assert drawn.get_clim() == (0, 255)
        assert axes.flat[index].get_title() == "abcde"[index]
        assert (axes.flat[index].title.get_color() == plots.RED) == (index == 1)
    assert len(axes.flat[5].images) == 0


@pytest.mark.parametrize("kind", ["bytes", "floats", "channel", "numpy", "gradient"])
def test_images_of_every_kind(images, kind):
    given = {
        "bytes": images,
        "floats": images / 255,
        "channel": images[:, None],
        "numpy": images.numpy(),
        "gradient": (images / 255).requires_grad_(),
    }[kind]
    axes = plots.image_grid(given)
    expected = images / 255 if kind in ("floats", "gradient") else images
    assert np.allclose(axes.flat[4].images[0].get_array(), expected[4])


def test_a_grid_without_images_says_so(images):
    for axes in (plots.image_grid(images[:0]), plots.image_grid(images[:0], [])):
        assert [text.get_text() for text in axes.flat[0].texts] == ["no images"]
    nothing = torch.tensor([], dtype=torch.int64)
    plots.predictions(images[:0], torch.zeros(0, 10), nothing)


def test_a_caption_too_few(images):
    with pytest.raises(ValueError, match="4 captions for 5 images"):
        plots.image_grid(images, list("abcd"))


@pytest.mark.parametrize(
    ("matrix", "texts"),
    [
        ([[0, 1], [2, 3]], ["0", "1", "2", "3"]),
        ([[0.5, -0.001]], ["0.50", "0.00"]),
        ([[-1, 1]], ["-1", "1"]),
        (np.zeros((1, 2), np.uint8), ["0", "0"]),
        (torch.tensor([[True, False]]), ["1", "0"]),
    ],
)
def test_a_number_matrix_shows_its_numbers(matrix, texts):
    ax = plots.number_matrix(np.asarray(matrix))
    assert [text.get_text() for text in ax.texts] == texts


def test_a_number_matrix_with_signs_has_white_in_the_middle():
    ax = plots.number_matrix(torch.tensor([[-1.0, 4.0]]), digits=1, title="kernel")
    assert [text.get_text() for text in ax.texts] == ["-1.0", "4.0"]
    assert ax.images[0].get_clim() == (-4, 4)
    assert ax.images[0].get_cmap().name == plots.SIGNED
    assert ax.get_title() == "kernel"
    assert [text.get_color() for text in ax.texts] == ["black", "white"]


def test_bars_have_their_height_and_their_label():
    ax = plots.bars([3, 1, 2], [7, 7, "x"], errors=[1, 1, 1], ylabel="images")
    assert [bar.get_height() for bar in ax.patches] == [3, 1, 2]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["7", "7", "x"]
    assert len({bar.get_x() for bar in ax.patches}) == 3  # two bars may have one name
    assert ax.get_ylabel() == "images"


def test_lines_differ_by_more_than_colour():
    curves = {str(index): [index, 1, 2] for index in range(10)}
    ax = plots.lines(curves, xlabel="epoch")
    looks = {(line.get_color(), line.get_linestyle()) for line in ax.lines}
    assert len(looks) == 10
    assert list(ax.lines[3].get_xdata()) == [1, 2, 3]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(curves)
    assert plots.lines({"one": [1, 2]}, x=["a", "b"]).get_legend() is None


def test_curves_of_a_history(history):
    left, right = plots.curves(history, epochs=5, band=[[0.1, 0.2, 0.3], [0.2, 0.3, 0.4]])
    drawn = {line.get_label(): list(line.get_ydata()) for line in left.lines}
    assert drawn == {"training": history.train_loss, "validation": history.validation_loss}
    drawn = {line.get_label(): list(line.get_ydata()) for line in right.lines}
    assert drawn == {"training": history.train_accuracy, "validation": history.validation_accuracy}
    assert left.get_xlim() == right.get_xlim() == (0.5, 5.5)
    [band] = right.collections
    assert band.get_label() == "2 other runs"
    assert band.get_datalim(right.transData).intervaly.tolist() == [0.1, 0.4]


def test_predictions_mark_mistakes(images):
    axes = plots.predictions(images, PROBABILITIES, LABELS)
    assert [ax.get_title() for ax in axes.flat] == ["3", "1", "9 not 4", "1", "5"]
    colours = [ax.title.get_color() == plots.RED for ax in axes.flat]
    assert colours == [False, False, True, False, False]


def test_kernels_share_one_scale_around_zero():
    weights = torch.tensor([[[0.1, -0.5]], [[0.2, 0.0]]], requires_grad=True)
    axes = plots.kernels(weights)
    assert {ax.images[0].get_clim() for ax in axes.flat} == {(-0.5, 0.5)}
    plots.kernels(torch.zeros(2, 3, 3))


def test_the_confusion_matrix_is_labelled_the_right_way_round():
    predicted, labels = torch.tensor([1, 1, 2, 2]), torch.tensor([1, 2, 2, 2])
    ax = plots.confusion(predicted, labels, names=("a", "b", "c"))
    found = {
        (int(text.get_position()[1]), int(text.get_position()[0])): text.get_text()
        for text in ax.texts
    }
    counts = metrics.confusion(predicted, labels, 3)
    assert found == {
        (row, column): str(counts[row, column].item()) for row, column in counts.nonzero().tolist()
    }
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted", "true")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b", "c"]
    assert ax.images[0].get_array().diagonal().sum() == 0
