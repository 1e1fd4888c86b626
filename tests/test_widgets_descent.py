"""Gradient descent over one weight: steps against torch, and what is said of them."""

import math

import numpy as np
import pytest
import torch
from sheets import dots, shows

from mnist_course.widgets import ExplorerError, descent, descent_explorer


@pytest.mark.parametrize("loss", descent.LOSSES)
@pytest.mark.parametrize("start", [-3.0, 0.4, 5.0])
@pytest.mark.parametrize("rate", [0.01, 0.2, 1.2])
def test_the_steps_are_those_of_torchs_sgd(loss, start, rate):
    curve, slope = descent.LOSSES[loss]
    weight = torch.tensor([start], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=rate)
    found = descent.descend(slope, start, rate, 6)
    for expected in found:
        assert weight.item() == pytest.approx(expected, rel=1e-9)
        optimizer.zero_grad()
        curve(weight).sum().backward()
        optimizer.step()
    assert len(found) == 7 or abs(found[-1]) >= descent.BEYOND


@pytest.mark.parametrize("loss", descent.LOSSES)
def test_a_loss_is_never_below_0_and_within_the_picture(loss):
    places = np.linspace(*descent.WEIGHTS, 901)
    assert (descent.LOSSES[loss][0](places) >= 0).all()


@pytest.mark.parametrize("steps", [1, 15, 30])
def test_there_is_a_point_for_the_start_and_for_every_step(steps):
    points = dots(descent.descent_picture(-1.0, 0.1, steps), "accent")
    # on the curve and beside it, and a ring around the start
    assert len(points) == 2 * (steps + 1) + 1
    valley = points[: steps + 1]
    assert valley[0] == points[steps + 1]  # the ring
    distances = np.diff([x for x, _ in valley])
    assert (distances > -0.11).all()  # always to the right, in places of a tenth of a pixel
    curve, slope = descent.LOSSES["one valley"]
    weights = descent.descend(slope, -1.0, 0.1, steps)
    left, right = 46, 46 + 440
    low, high = descent.WEIGHTS
    expected = [left + (weight - low) / (high - low) * (right - left) for weight in weights]
    assert [x for x, _ in valley] == pytest.approx(expected, abs=0.06)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"steps": 0}, "Allow a step, and the weight moves against the slope."),
        ({"start": -2.0, "learning_rate": 0.1}, "goes to −2.00 − 0.1 · (−6.00) = −1.40."),
        ({"learning_rate": 0.5, "steps": 1}, "w = 1.00 and the loss is 0.000, where the slope"),
        ({"learning_rate": 0.05, "steps": 3}, "so there is still a slope to follow"),
        ({"learning_rate": 1.0, "steps": 5}, "only jump from one side to the other"),
        ({"learning_rate": 1.1, "steps": 4}, "which is more than at the start"),
        ({"learning_rate": 1.2, "steps": 30}, "the learning rate is too large"),
    ],
)
def test_the_text_says_how_it_ends(settings, words):
    assert words in descent.descent_picture(**settings).text


def test_two_starts_end_in_two_valleys():
    slope = descent.LOSSES["two valleys"][1]
    ends = [descent.descend(slope, start, 0.1, 200)[-1] for start in (-3.0, 5.0)]
    assert ends[0] < -1.5
    assert ends[1] > 3.5


@pytest.mark.parametrize("start", [1.0, -3.0, 5.0])
@pytest.mark.parametrize("rate", [0.01, 1.2])
@pytest.mark.parametrize("loss", descent.LOSSES)
def test_no_setting_leaves_the_picture(start, rate, loss):
    picture = descent.descent_picture(start, rate, 30, loss)
    for one in picture.sheet.items:
        if one["kind"] == "line":
            assert all(map(math.isfinite, one["points"]))
            assert max(one["points"][::2]) <= descent.WIDTH
            assert 0 <= min(one["points"][1::2]) <= max(one["points"][1::2]) <= descent.HEIGHT


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"start": -3.1}, "start must be from"),
        ({"start": 5.1}, "start must be from"),
        ({"learning_rate": 0.0}, "learning rate must be from"),
        ({"learning_rate": 1.3}, "learning rate must be from"),
        ({"steps": 31}, "steps must be from 0 to 30"),
        ({"steps": 1.5}, "steps must be a whole number"),
        ({"loss": "hill"}, "no loss 'hill'; there are one valley, two valleys"),
    ],
)
def test_what_does_not_work_is_a_sentence(change, sentence):
    with pytest.raises(ExplorerError, match=sentence):
        descent.descent_picture(**change)


@pytest.mark.parametrize(
    ("name", "values"),
    [("start", (-3.0, 1.0, 5.0)), ("learning_rate", (0.01, 0.5, 1.2)), ("steps", (0, 15, 30)),
     ("loss", ("two valleys", "one valley"))],
)  # fmt: skip
def test_every_control_leads_to_the_picture_of_the_pure_function(name, values):
    explorer = descent_explorer()
    for value in values:
        explorer.controls[name].value = value
        assert shows(explorer, descent.descent_picture(**explorer.settings))
        assert explorer.error is None


def test_a_click_below_the_curve_chooses_the_start_there():
    picture = descent.descent_picture(start=2.5)
    [region] = picture.sheet.regions
    x, _ = dots(picture, "accent")[0]
    column = int((x - region["x"]) / region["wide"])
    assert region["start"] + column * region["by"] == pytest.approx(2.5)
    assert region["start"] + (region["columns"] - 1) * region["by"] == pytest.approx(5.0)
