"""What lesson 08 says of its steps, of stored readings and of its mend."""

import ast
import math

import jupytext
import numpy as np
import pytest
import torch
from test_claims import LESSONS
from test_lesson_experiments import base
from test_shown_code import definitions

from mnist_course import data, drawing, metrics, results
from mnist_course.drawing import writers
from mnist_course.exercises.experiment import concluded
from mnist_course.training import predict

[LESSON] = (path for path in LESSONS if path.stem.startswith("08"))
CELLS = [cell.source for cell in jupytext.read(LESSON).cells if cell.cell_type == "code"]
DRAWN = results.load("drawn")["rows"]
MENDED = results.load("mended")


def lesson_names(*functions, **names):
    """Functions of the lesson, defined with what they need."""
    found = {"torch": torch, "np": np, "math": math, "data": data, "drawing": drawing, **names}
    for name in functions:
        exec(definitions(LESSON)[name], found)
    return found


# --- the steps ----------------------------------------------------------------------------


def by_hand(one):
    """The lesson's own pictures of a written digit: with MNIST's pen, boxed, and centred."""
    names = lesson_names("dots_along", "ink_of", "fit_in_box", "centre_of_mass")
    strokes = [torch.tensor(stroke) for stroke in one.strokes]
    in_field = [stroke * 28 / 280 for stroke in strokes]
    boxed = names["ink_of"](names["fit_in_box"](strokes, 2.6), 2.6)
    row, column = names["centre_of_mass"](boxed)
    image = boxed.roll((round(14 - row), round(14 - column)), dims=(0, 1))
    ink = names["ink_of"](in_field, one.pen * 28 / 280)
    return {"ink": ink, "pen": names["ink_of"](in_field, 2.6), "box": boxed, "image": image}


@pytest.mark.parametrize("digit", range(10))
def test_the_steps_by_hand_are_the_package_s_but_for_samples_at_the_edge(digit):
    one = writers.write("evaluation", 2, seed=100)[digit]
    package = one.steps().pictures()
    for name, picture in by_hand(one).items():
        apart = np.abs(picture.numpy().astype(int) - package[name].astype(int))
        assert apart.max() <= 12, name  # three of 64 samples
        assert apart.mean() < 0.5, name


def test_measures_of_ink_against_sums_by_hand():
    names = lesson_names("side_of_ink", "centre_of_mass")
    image = torch.zeros(28, 28, dtype=torch.uint8)
    image[3, 5], image[10, 8] = 100, 50
    assert names["side_of_ink"](image) == 8
    assert names["centre_of_mass"](image) == pytest.approx((16 / 3, 6.0))


def test_mnist_is_20_pixels_long_and_balances_in_the_middle(digits):
    names = lesson_names("side_of_ink", "centre_of_mass")
    images = digits.validation.images[:300]
    sides = [names["side_of_ink"](image) for image in images]
    assert sides.count(20) > 0.9 * len(sides)  # "nearly all"
    for image in images:
        row, column = names["centre_of_mass"](image)
        assert max(abs(row - 14), abs(column - 14)) < 1


def test_spoilt_digits_come_back(digits):
    names = lesson_names("enlarged", "in_a_corner", "grey")
    for change in ("enlarged", "in_a_corner", "grey"):
        for image in digits.validation.images[:6]:
            back = drawing.from_picture(names[change](image).numpy()).image
            assert np.abs(back.astype(int) - image.numpy().astype(int)).mean() < 1.5


# --- stored readings ----------------------------------------------------------------------


def test_what_lesson_08_says_of_the_steps_is_so():
    row = DRAWN["lesson-05"]
    mean = {option: row[option]["mean"] for option in row if "-" in option}
    assert mean["black-on-white"] < 0.15  # "no better than somebody who guesses"
    assert mean["no-step"] < 0.15
    assert mean["every-step"] - mean["no-box"] > 0.1  # "worth much"
    for option in ("no-centre", "own-pen"):
        assert 0 < mean["every-step"] - mean[option] < 0.01  # "next to nothing"
    lost = [
        before - after
        for before, after in zip(row["every-step"]["each"], row["no-box"]["each"], strict=True)
    ]
    assert set(np.argsort(lost)[-2:]) == {4, 8}


def test_a_6_with_square_corners_is_hardly_ever_read():
    habits = DRAWN["lesson-05"]["habits"]
    shares = {name: right / total for name, (right, total) in habits.items()}
    assert min(shares, key=shares.get) == "6 osmotron"
    assert shares["6 osmotron"] < 0.1
    others = [habits[f"{digit} osmotron"] for digit in range(10) if digit != 6]
    assert sum(one for one, _ in others) / sum(total for _, total in others) > 0.9


def test_what_lesson_08_says_of_the_weights_that_ship_is_so():
    ours, board = DRAWN["lesson-05"], DRAWN["board"]
    gains = np.array(board["every-step"]["each"]) - ours["every-step"]["each"]
    assert (gains > 0).sum() > 5  # "most digits gain"
    assert gains.argmax() == 6
    assert set(np.argsort(gains)[:2]) == {0, 5}
    assert abs(gains[[0, 5]]).max() < 0.005  # "stay where they were"
    lost = {name: total - right for name, (right, total) in board["habits"].items()}
    assert {name for name in lost if lost[name] and name.startswith("5")} == {"5 elfin"}
    assert sum(n for name, n in lost.items() if "elfin" in name) > sum(lost.values()) / 2
    gain = 100 * (board["every-step"]["mean"] - ours["every-step"]["mean"])
    cost = 100 * (ours["validation"]["mean"] - board["validation"]["mean"])
    assert gain == pytest.approx(2, abs=0.5)
    assert abs(cost) < 0.05  # "next to nothing"
    assert board["epochs"] == 2 * ours["epochs"]


# --- the mend -----------------------------------------------------------------------------


def in_spreads(name, test):
    """How much a mend gains over the control on a test set, as a multiple of its spread."""
    runs = [MENDED["mends"][one][test]["accuracies"] for one in ("control", name)]
    points, spread = metrics.gain(*runs)
    return points / spread


def test_what_lesson_08_says_of_the_mend_is_so():
    mends, before = MENDED["mends"], MENDED["before"]
    control = mends["control"]["flags"]
    assert abs(control["mean"] - before["flags"]) < 2 * control["deviation"]
    assert in_spreads("mixed", "flags") > 4  # "much more than twice its spread"
    for test in ("sevens", "others"):
        assert in_spreads("mixed", test) > -2  # "no loss can be told from chance"
    assert in_spreads("mixed", "mnist") < -2  # "small, but settled"
    assert mends["control"]["mnist"]["mean"] - mends["mixed"]["mnist"]["mean"] < 0.003
    assert mends["drawn-alone"]["flags"]["mean"] > mends["mixed"]["flags"]["mean"]
    assert in_spreads("drawn-alone", "others") < -10
    assert in_spreads("drawn-alone", "mnist") < -10


def test_the_family_is_read_as_lesson_08_says():
    digits = np.array(MENDED["family"]["before"]["digits"]).reshape(7, 7)
    assert (digits[:, 0] == 1).all()
    assert (digits[0, 3:] == 7).all()
    assert (digits[2:4, 5:] == 7).all()  # "the third and the fourth row, at the right"
    for name in ("mended", "board"):
        assert MENDED["family"][name]["ones"] > MENDED["family"]["before"]["ones"]


def test_centring_matters_to_the_network_without_augmentation():
    lost = {name: row["every-step"] - row["no-centre"] for name, row in MENDED["steps"].items()}
    assert lost["linear"] > 0.1
    assert abs(lost["network"]) < 0.02


def test_what_lesson_08_says_of_its_experiments_is_so():
    assert MENDED["experiment"]["base"] == base(LESSON)
    said = {
        repr(row["change"]): concluded(row["before"], row["after"])
        for row in MENDED["experiment"]["changes"]
    }
    assert said == {
        "{'drawn': 20}": "lower",
        "{'drawn': 500}": "unclear",
        "{'digits': 250}": "unclear",
        "{'digits': 4000}": "unclear",
        "{'epochs': 4}": "unclear",
        "{'learning_rate': 0.0005}": "lower",
    }
    tried = {repr(row["change"]): row for row in MENDED["experiment"]["changes"]}
    more = tried["{'drawn': 500}"]
    assert max(more["before"]) > min(more["after"])  # "by a hair"
    assert sum(one > sorted(more["before"])[-2] for one in more["after"]) == 5
    fewer = tried["{'digits': 4000}"]
    assert sum(one < min(fewer["before"]) for one in fewer["after"]) >= 3  # "most seeds below"


# --- photographs --------------------------------------------------------------------------


def test_the_photograph_is_cut_into_thirty_digits_in_reading_order():
    from PIL import Image, ImageDraw
    from scipy import ndimage

    names = lesson_names("sheet", Image=Image, ImageDraw=ImageDraw, ndimage=ndimage,
                         writers=writers)  # fmt: skip
    [camera] = (source for source in CELLS if source.startswith("thirty = "))
    exec(camera.partition("\n_, axes")[0], names)
    found = drawing.read_photograph(names["photo"])
    thirty = names["thirty"]
    assert len(found) == len(thirty) == 30
    network, _ = drawing.board_network()
    images = torch.from_numpy(np.stack([one.image for one in found]))
    part = data.Part(images, torch.tensor([one.label for one in thirty]))
    right = predict(network, part).argmax(dim=1) == part.labels
    assert right.float().mean() > 0.9
    paper = ndimage.gaussian_filter(names["light"], 5)
    assert paper.min() < (130 / 255) * paper.max()  # "there is no such level"
    with pytest.raises(drawing.DrawingError, match="not of one colour"):
        drawing.from_picture(names["photo"])


def test_the_lesson_opens_nothing_that_is_sealed():
    calls = {
        ast.unparse(node.func)
        for node in ast.walk(ast.parse(LESSON.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    }
    assert not any("test_set" in name for name in calls)
