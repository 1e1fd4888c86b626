"""What is drawn, what a screen reader hears, what a display is sent; and nothing left behind."""

import ast
import base64
import inspect
import io
import math
import re
import subprocess
import sys
import threading
from pathlib import Path

import jupytext
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
from mnist_course.augment import RandomAffine
from mnist_course.training import History, Recipe, fit

LESSONS = sorted((Path(__file__).parent.parent / "lessons").glob("*.py"))

pytestmark = pytest.mark.usefixtures("drawing")


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
    "confusion": lambda images, history: plots.confusion(LABELS, LABELS.flip(0)),
    "reliability": lambda images, history: plots.reliability({"a": PROBABILITIES}, LABELS),
    "class_rows": lambda images, history: plots.class_rows(images, LABELS % 2, ("even", "odd")),
    "augmented": lambda images, history: plots.augmented(images[0], images, RandomAffine()),
    "patch_to_number": lambda images, history: plots.patch_to_number(
        images[0], torch.eye(3), row=4, column=5
    ),
    "channels_to_map": lambda images, history: plots.channels_to_map(
        images[:2, :4, :4], torch.ones(2, 2, 2)
    ),
    "softmax_and_loss": lambda images, history: plots.softmax_and_loss([1.0, -2.0, 0.5], 2),
    "descent": lambda images, history: plots.descent(lambda w: w * w, 2.0, 0.1),
    "batch_norm": lambda images, history: plots.batch_norm(images / 9.0, images / 255),
    "rate_search": lambda images, history: plots.rate_search(
        [0.1, 1], [[0.5, 0.6], [2.3, math.nan]], chosen=0.1
    ),
    "spread_lines": lambda images, history: plots.spread_lines(
        {"a": [[0.1, 0.2], [0.2, 0.1]]}, percent=True
    ),
    "compare_runs": lambda images, history: plots.compare_runs(
        [{"name": "a", **vars(history)}], {"a": "the first"}
    ),
    "backpropagation": lambda images, history: plots.backpropagation(2.0, 0.5, (1.0, -1.0), 0),
    "residual_towers": lambda images, history: plots.residual_towers(),
    "lenet_diagram": lambda images, history: plots.lenet_diagram(),
}


@pytest.fixture
def images(few):
    return few.train.images[:5]


def figure_of(axes):
    return np.ravel(np.asarray(axes, dtype=object))[0].figure


def test_every_function_that_draws_is_among_the_drawings():
    others = {"mark_quick", "own_style", "picture", "show"}
    functions = {name for name in plots.__all__ if inspect.isfunction(getattr(plots, name))}
    assert functions - others == set(DRAWINGS)


@pytest.mark.parametrize("name", DRAWINGS)
def test_every_drawing_returns_axes(images, history, name):
    axes = np.ravel(np.asarray(DRAWINGS[name](images, history), dtype=object))
    assert len(axes) > 0
    assert all(isinstance(ax, Axes) for ax in axes)
    assert plt.get_fignums() == [axes[0].figure.number]
    axes[0].figure.canvas.draw()  # what can't be drawn fails here at the latest


# --- other people's settings --------------------------------------------------------------

SETTINGS = {
    "digits upside down": {"image.origin": "lower", "image.interpolation": "bicubic"},
    "dark": plt.style.library["dark_background"],
    "a style": plt.style.library["ggplot"],
    "large": {"font.size": 20, "lines.linewidth": 5, "axes.titlesize": 30, "lines.marker": "s"},
    "layout": {"figure.autolayout": True, "figure.subplot.left": 0.4, "axes.xmargin": 0.4},
    "grid": {"axes.grid": True, "axes.spines.left": False, "xtick.top": True, "legend.loc": 10},
    "saving": {"savefig.bbox": "tight", "savefig.pad_inches": 2, "figure.dpi": 30},
    "transparent": {"savefig.transparent": True, "savefig.facecolor": "red"},
    "colours": {"axes.prop_cycle": "cycler('color', ['red'])", "image.cmap": "jet"},
    "drawn by hand": {"path.sketch": (1, 100, 2), "axes.autolimit_mode": "round_numbers"},
    "without LaTeX on this machine": {"text.usetex": True},
    "numbers": {"axes.formatter.limits": (0, 0), "axes.unicode_minus": False},
}  # fmt: skip


def drawn_by_a_cell(images):
    """What a lesson does: `subplots`, then methods of the figure and its axes."""
    figure, axes = plots.subplots(2, 3)
    figure.suptitle("all")
    [plot, histogram, image, dots, twin, empty] = axes.flat
    plot.plot([0, -1, 4000], label="a")
    plot.axhline(2)
    plot.legend()
    histogram.hist([1, 2, 2, 3])
    histogram.set(xlabel="value", title="histogram")
    image.imshow(images[0].numpy())
    dots.errorbar([1, 2], [3, 4], yerr=[1, 2])
    dots.annotate("here", (1, 3))
    twin.set_yscale("log")
    twin.scatter([1, 2], [3, 400])
    empty.axis("off")
    return axes


@pytest.fixture(scope="module")
def usual():
    """Pictures with the default settings, by what draws them."""
    return {}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_a_picture_is_the_same_whatever_the_users_settings(images, history, usual, settings):
    some = ("bars", "curves", "image_grid", "number_matrix", "descent", "lenet_diagram")
    drawings = {name: DRAWINGS[name] for name in some}
    drawings["a cell"] = lambda images, history: drawn_by_a_cell(images)
    for name, draw in drawings.items():
        if name not in usual:
            figure = figure_of(draw(images, history))
            usual[name] = plots.picture(figure, "as usual")["image/png"]
        with matplotlib.rc_context(settings):
            before = matplotlib.rcParams.copy()
            figure = figure_of(draw(images, history))
            assert plots.picture(figure, "theirs")["image/png"] == usual[name]
            assert matplotlib.rcParams == before


def test_the_live_curve_is_the_same_whatever_the_users_settings(history, shown):
    for settings in ({}, SETTINGS["dark"] | SETTINGS["large"]):
        with matplotlib.rc_context(settings):
            curve = plots.LiveCurve()
            list(curve.watch([1], epoch=3, epochs=3))
            curve.update(history)
    usual, theirs = (one["data"]["image/png"] for one in shown if "image/png" in one["data"])
    assert theirs == usual


def test_a_matrix_in_the_users_own_figure_is_not_upside_down():
    with matplotlib.rc_context({"image.origin": "lower"}):
        _, ax = plt.subplots()
        plots.number_matrix(np.eye(2), ax)
    assert ax.yaxis_inverted()


def test_the_users_own_plots_keep_the_users_settings():
    with matplotlib.rc_context({"lines.linewidth": 5}):
        plots.lines({"a": [1, 2]})
        _, ax = plt.subplots()
        [line] = ax.plot([1, 2])
    assert line.get_linewidth() == 5


def test_threads_take_turns_with_the_settings():
    """Left in another order than entered, two contexts would make our settings the user's."""
    order, inside = [], threading.Event()

    def other():
        inside.wait()
        with plots.own_style():
            order.append("the second is in")

    thread = threading.Thread(target=other)
    thread.start()
    with matplotlib.rc_context({"lines.linewidth": 5}):
        with plots.own_style():
            inside.set()
            with plots.own_style():
                order.append("the first, nested")
            assert matplotlib.rcParams["lines.linewidth"] == 1.5
            order.append("the first leaves")
        thread.join()
        assert matplotlib.rcParams["lines.linewidth"] == 5
    assert order == ["the first, nested", "the first leaves", "the second is in"]


# --- quick mode ---------------------------------------------------------------------------


@pytest.mark.parametrize("quick", ["0", "1"])
@pytest.mark.parametrize("trained", [False, True])
def test_quick_mode_is_marked_where_it_makes_a_difference(shown, monkeypatch, quick, trained):
    monkeypatch.setenv("MNIST_COURSE_QUICK", quick)
    ax = plots.bars([1, 2], "ab")
    plots.show(ax, "Two bars.", trained=trained)
    assert ("quick mode" in ax.figure.get_supxlabel()) == (trained and quick == "1")


def test_a_note_stands_under_the_figure_and_in_its_text(shown, monkeypatch):
    monkeypatch.setenv("MNIST_COURSE_QUICK", "1")
    ax = plots.bars([1, 2], "ab")
    plots.show(ax, "Two bars.", trained=True, note="digits stand in for clothes")
    below = ax.figure.get_supxlabel()
    assert below.startswith("quick mode: ")
    assert below.endswith("; digits stand in for clothes")
    [message] = shown
    assert message["data"]["text/plain"] == "Two bars. (digits stand in for clothes)"


@pytest.mark.parametrize("count", [1, 2, 8])
def test_a_note_finds_room_under_a_narrow_figure_and_takes_none_from_it(shown, monkeypatch, count):
    monkeypatch.setenv("MNIST_COURSE_QUICK", "1")
    images = torch.ones(count, 28, 28, dtype=torch.uint8)
    plain = plots.image_grid(images)[0, 0]
    plots.show(plain, "Images.")
    ax = plots.image_grid(images)[0, 0]
    figure = ax.figure
    plots.show(ax, "Images.", trained=True, note="digits stand in for clothes")
    for drawn in (figure, plain.figure):
        drawn.draw_without_rendering()  # it was measured at the resolution of the picture
    [note] = [one for one in figure.texts if one.get_text()]
    box = note.get_window_extent()
    assert 0 <= box.x0 < box.x1 <= figure.bbox.width
    assert 0 <= box.y0 < box.y1 < ax.get_window_extent().y0
    high, before = (one.get_window_extent().height for one in (ax, plain))
    assert high > 0.7 * before  # the first line takes a little, the others nothing


SHORTENED = {"fit", "quick", "train_ch6"}  # calls whose results quick mode changes


def names(node, context):
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, context)}


def read_by(node):
    """The names that a node takes from outside of its own loops and functions."""
    own = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.For | ast.comprehension):
            own |= names(inner.target, ast.Store)
        if isinstance(inner, ast.FunctionDef):
            own |= names(inner, ast.Store) | {
                one.arg for one in ast.walk(inner.args) if isinstance(one, ast.arg)
            }
    return names(node, ast.Load) - own


def called_in(node):
    return [inner for inner in ast.walk(node) if isinstance(inner, ast.Call)]


def changed_by(statement):
    """The names that a statement sets, defines, or may change: `x[0] = …`, `x.append(…)`."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}  # what is set inside is set for itself alone
    changed = names(statement, ast.Store)
    for node in ast.walk(statement):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            changed |= names(node.value, ast.Load)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            changed |= names(node.value.func, ast.Load)
        if isinstance(node, ast.For):
            changed |= names(node.iter, ast.Load)  # it may draw into each of some axes
    return changed


def pictures(cells):
    """Yield for each picture of these cells its code, whether it is marked, whether it must be.

    It must be when something in it comes from a call in SHORTENED, directly or by way of others.
    """
    shortened, assigned = set(), set()
    for statement in ast.parse("\n".join(cells)).body:
        calls = called_in(statement)
        sources = [c for c in calls if ast.unparse(c.func).split(".")[-1] in SHORTENED]
        assigned |= names(statement, ast.Store)
        changed = changed_by(statement) & (assigned | {getattr(statement, "name", "")})
        if sources or read_by(statement) & shortened:
            trained = {c.args[0].id for c in sources if c.args and isinstance(c.args[0], ast.Name)}
            shortened |= changed | trained
        else:
            shortened -= names(statement, ast.Store)
        for call in calls:
            if ast.unparse(call.func) == "plots.show":
                marked = any(word.arg == "trained" for word in call.keywords)
                yield ast.unparse(call)[:80], marked, bool(read_by(call) & shortened)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_pictures_of_what_quick_mode_shortens_are_marked(path):
    cells = [cell.source for cell in jupytext.read(path).cells if cell.cell_type == "code"]
    assert [code for code, marked, due in pictures(cells) if due and not marked] == []


def test_such_pictures_are_found():
    cells = [
        "import plots\nnet = lenet()\nlosses = []\nplots.show(plots.kernels(net), alt='')",
        "history = fit(net, digits)\nfor loss in history.losses:\n    losses.append(loss)",
        "losses = list(losses)",
        "plots.show(plots.lines(losses), alt='')\nplots.show(plots.kernels(net), trained=True)",
        "net = lenet()\nplots.show(plots.kernels(net), alt='')",
        "def ink(losses):\n    net = 2 * losses\n    return net\nplots.show(ink(1), alt='')",
        "def last():\n    return losses[-1]\nplots.show(last(), alt='')",
    ]
    assert [found[1:] for found in pictures(cells)] == [
        (False, False), (False, True), (True, True), (False, False), (False, False), (False, True),
    ]  # fmt: skip


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


SCRIPT = """
import torch
from mnist_course import data, models, plots
from mnist_course.training import Recipe, fit

plots.show(plots.bars([1, 2], "ab"), alt="Two bars.")
part = data.Part(torch.zeros(40, 28, 28, dtype=torch.uint8), torch.arange(40) % 10)
recipe = Recipe(epochs=2, batch_size=20)
history = fit(models.softmax_regression(), data.Digits(part, part), recipe, show=plots.LiveCurve())
print("END", history, sep="\\n")
"""


def test_a_script_prints_texts_and_no_bytes_of_pictures():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    told, _, history = done.stdout.partition("END\n")
    bars, first, second, closed = told.split("\n", 3)
    assert bars == "Two bars."
    assert first.startswith("Curves of loss and accuracy over 1 of 2 epochs.")
    assert second.startswith("Curves of loss and accuracy over 2 of 2 epochs.")
    assert closed == history


def test_a_picture_is_as_wide_as_its_figure():
    figure, _ = plots.subplots(width=5, height=2)
    content = plots.picture(figure, "nothing")
    assert Image.open(io.BytesIO(content["image/png"])).size == (5 * plots.DPI, 2 * plots.DPI)
    assert 'width="500"' in content["text/html"]


def test_a_picture_is_a_card_that_reads_the_same_on_any_page():
    """White with round corners; outside of it nothing is painted."""
    ax = plots.bars([1, 2], "ab")
    for _ in range(2):  # showing a figure twice changes nothing
        content = plots.picture(ax.figure, "two bars")["image/png"]
        pixels = np.asarray(Image.open(io.BytesIO(content)))
        opaque = pixels[..., 3]
        assert opaque[[0, 0, -1, -1], [0, -1, 0, -1]].tolist() == [0] * 4
        assert (opaque[20:-20, 20:-20] == 255).all()
        assert (pixels[len(pixels) // 2, 1] == 255).all()
    assert len(ax.figure.artists) == 1


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

    monkeypatch.setattr(plots.live, "picture", picture)
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
    marked = [False, False, True, False, False]
    assert [ax.title.get_color() == plots.RED for ax in axes.flat] == marked
    assert [len(ax.patches) == 1 for ax in axes.flat] == marked
    names = ["coat", "dress", "bag", "shirt", "boot", "shoe", "a", "b", "c", "d"]
    axes = plots.predictions(images, PROBABILITIES, LABELS, names=names)
    titles = ["shirt", "dress", "d\nnot boot", "dress", "shoe"]
    assert [ax.get_title() for ax in axes.flat] == titles


def test_class_rows_show_each_class_in_its_row(images):
    axes = plots.class_rows(images, LABELS, [f"class {label}" for label in range(6)], each=2)
    assert axes.shape == (6, 2)
    for row in range(6):
        assert [text.get_text() for text in axes[row, 0].texts] == [f"class {row}"]
        mine = images[LABELS == row]
        shown = [ax.images[0].get_array() for ax in axes[row] if ax.images]
        assert len(shown) == len(mine)
        assert all(np.array_equal(*pair) for pair in zip(shown, mine, strict=True))


def test_an_augmentation_stands_beside_its_recipe(images):
    recipe = RandomAffine(degrees=15, shift=0.1, scale=0.2, shear=0.3)
    original, words, *samples = plots.augmented(images[0], images[1:], recipe)
    assert np.array_equal(original.images[0].get_array(), images[0])
    texts = [text.get_text() for text in words.texts]
    assert texts == [
        "rotate", "up to 15° each way", "shift", "up to 2.8 pixels each way",
        "size", "× 0.8 to × 1.2", "shear", "up to 0.3 pixels a row",
    ]  # fmt: skip
    shown = [ax.images[0].get_array() for ax in samples if ax.images]
    assert all(np.array_equal(*pair) for pair in zip(shown, images[1:], strict=True))
    words = plots.augmented(images[0], images, {"flip": "half of them"})[1]
    assert [text.get_text() for text in words.texts] == ["flip", "half of them"]


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
