"""What a student does while a cell runs: interrupt a training, move a slider."""

import json

TRAIN = """
from mnist_course import data, models, plots
from mnist_course.training import Recipe, fit
digits = data.load()
network = models.lenet5_variant()
recipe = Recipe(epochs=500, optimizer="adam", learning_rate=0.003)
history = fit(network, digits, recipe, show=plots.LiveCurve())
"""
AFTER = "print(len(history), history.stopped, next(network.parameters()).isfinite().all().item())"


def test_interrupting_a_training_keeps_network_and_history(write_notebook):
    notebook = write_notebook("interrupt.ipynb", TRAIN, AFTER)
    notebook.start("Run All Cells")
    notebook.page.wait_for_function(
        "() => document.querySelector('.jp-OutputArea img[alt^=Curves]')", timeout=60_000
    )
    notebook.start("Interrupt Kernel", menu="Kernel")
    notebook.wait(seconds=30)
    assert notebook.errors() == []  # no traceback
    training, after = notebook.state()["cells"]
    bar, curves = training["outputs"]  # nothing repeated, nothing printed
    assert "Interrupted: " in bar["data"]["text/plain"]
    if not after["count"]:  # a cell that waited was taken back
        notebook.start_cell(1)
        notebook.wait(seconds=30)
    [printed] = notebook.state()["cells"][1]["outputs"]
    count, stopped, *_, finite = printed["text"].split()
    assert (stopped, finite) == ("Interrupted:", "True")
    assert 1 <= int(count) < 500


EXPLORER = """
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from mnist_course.widgets import Explorer, Picture
from mnist_course.widgets.controls import slider
from mnist_course.widgets.pixels import Map, Sheet
def pixels(figure):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
def draw(level):
    figure = Figure(figsize=(3, 1))
    ax = figure.subplots()
    for place in range(101):
        ax.axvspan(place, place + 0.5, color="red" if place == level else "grey")
    sheet = Sheet(300, 100)
    sheet.paste(Map(pixels(figure)[..., 0], "grey"), 0, 0, line=False)
    return Picture(sheet, f"level {level}")
explorer = Explorer(draw, {"level": slider("level", 0, 0, 100)}, "levels")
explorer
"""
PLOT = """
import time
import matplotlib.pyplot as plt
def plot(number, pause):
    plt.figure(figsize=(2, 1))
    for part in range(4):
        plt.bar(range(part, number, 4), part + 1)
        time.sleep(pause)
    plt.axis([-1, 41, 0, 5])
    figure = plt.gcf()
    plt.close(figure)
    return pixels(figure)
print("plotting", flush=True)
figures = [plot(number, pause=0.02) for number in range(1, 41)]
moved = explorer.settings["level"]
"""
COMPARE = """
import json
import numpy as np
wrong = [n for n, one in enumerate(figures, 1) if not np.array_equal(one, plot(n, pause=0))]
same = np.array_equal(explorer.picture.pixels, draw(**explorer.settings).pixels)
print(json.dumps([len(figures), wrong, moved, explorer.settings["level"], bool(same)]))
"""


def test_a_slider_moved_while_a_cell_plots_harms_neither(write_notebook):
    notebook = write_notebook("figures.ipynb", EXPLORER, PLOT)
    notebook.start_cell(0)
    handle = notebook.page.locator(".mnist-explorer .noUi-handle")
    handle.focus()
    notebook.page.keyboard.press("ArrowRight")  # where callbacks had a thread, it would start now
    notebook.page.get_by_text("level 1", exact=True).wait_for()
    notebook.start_cell(1)
    notebook.page.get_by_text("plotting", exact=True).wait_for()
    handle.focus()
    for _ in range(59):
        notebook.page.keyboard.press("ArrowRight")
        notebook.page.wait_for_timeout(40)
    notebook.wait(seconds=120)
    notebook.page.get_by_text("level 60", exact=True).wait_for()
    count, wrong, moved, level, same = json.loads(notebook.execute(COMPARE))
    assert notebook.errors() == []
    assert (count, wrong, level, same) == (40, [], 60, True)
    assert moved == 1  # by the course's setting for JupyterLab callbacks wait for the cell
