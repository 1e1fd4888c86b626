"""The band of stored runs: curves where they belong, and what a miss is put down to."""

import math
from dataclasses import replace

import numpy as np
import pytest
from sheets import dots, lines, texts

from mnist_course import augment, recipes, results
from mnist_course.training import History
from mnist_course.widgets import ExplorerError, band

RUNS = results.load("residual")["runs"]
KEYS = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")


def history_of(run, images=55_000, **changes):
    """A history with the curves of a stored run, some of them changed."""
    curves = {key: list(run[key]) for key in KEYS} | changes
    return History(**curves, images=images)


@pytest.fixture
def history():
    return history_of(RUNS[0])


def test_the_band_is_the_range_of_the_runs():
    runs = [{"validation_loss": [3.0, 1.0, 9.0]}, {"validation_loss": [2.0, 4.0]}]
    np.testing.assert_array_equal(band.curves_of(runs, "validation_loss"), [[3, 1], [2, 4]])


@pytest.mark.parametrize(
    ("value", "better", "expected"),
    [
        (0.5, True, "inside"), (0.4, True, "inside"), (0.6, True, "inside"),
        (0.39, True, "worse"), (0.61, True, "better"),
        (0.39, False, "better"), (0.61, False, "worse"),
        (math.nan, True, "worse"), (math.inf, False, "worse"),
    ],
)  # fmt: skip
def test_standing(value, better, expected):
    assert band.standing(value, (0.4, 0.6), better) == expected


@pytest.mark.parametrize("name", band.MEASURES)
@pytest.mark.parametrize("epoch", [1, 3, 5])
def test_a_stored_run_lies_inside_its_own_band(history, epoch, name):
    assert band.band_picture(history, RUNS, epoch, name).text.endswith("it is inside the band.")


def test_curve_and_band_stand_at_their_values():
    """A band from 0 to 1 and a curve at a half: it lies in the middle of the band."""
    flat = [0.5] * 4
    mine = History(flat, flat, flat, flat)
    runs = [{"validation_accuracy": [0.0] * 4}, {"validation_accuracy": [1.0] * 4}]
    picture = band.band_picture(mine, runs, 4)
    assert picture.pixels.shape == (band.HEIGHT, band.WIDTH, 3)
    lows, highs = (one for one in lines(picture, "positive") if len(one) == 4)
    [curve] = [one for one in lines(picture, "accent") if len(one) == 4]
    for edge in (lows, highs, curve):
        assert len(set(edge[:, 1])) == 1  # level
        np.testing.assert_array_equal(edge[:, 0], curve[:, 0])
    bottom, middle, top = lows[0, 1], curve[0, 1], highs[0, 1]
    assert bottom - top == pytest.approx((band.HEIGHT - 88) / 1.12, abs=0.2)
    assert middle == pytest.approx((top + bottom) / 2, abs=0.1)
    [area] = [one for one in picture.sheet.items if one["kind"] == "line" and one["fill"]]
    corners = np.reshape(area["points"], (-1, 2))
    assert set(corners[:, 1]) == {top, bottom}


def test_the_curve_ends_at_the_epoch(history):
    ends = []
    for epoch in (1, 3, 4, 5):
        points = dots(band.band_picture(history, RUNS, epoch), "accent")
        assert len(set(points)) == epoch
        assert points[-1] == points[-2]  # a ring around the last
        ends.append(points[-1][0])
    step = (band.WIDTH - 86) / 4.6  # pixels an epoch
    assert np.diff(ends) == pytest.approx([2 * step, step, step], abs=0.2)


def test_pointing_at_the_chart_chooses_the_epoch_there(history):
    picture = band.band_picture(history, RUNS, 3)
    [region] = picture.sheet.regions
    assert (region["control"], region["start"], region["columns"]) == ("epoch", 1, 5)
    x, _ = dots(picture, "accent")[-1]
    assert x == pytest.approx(region["x"] + 2.5 * region["wide"], abs=0.1)


def test_the_axes_are_marked_in_percent(history):
    assert any(one.endswith(" %") for one in texts(band.band_picture(history, RUNS, 2)))
    shown = texts(band.band_picture(history, RUNS, 2, "training loss"))
    assert not any(one.endswith(" %") for one in shown)


def test_a_better_run_is_called_luck(history):
    picture = band.band_picture(history_of(RUNS[0], validation_accuracy=[0.9999] * 5), RUNS, 5)
    assert "above the band" in picture.text
    assert "and that is better" in picture.text
    picture = band.band_picture(history_of(RUNS[0], validation_loss=[0.001] * 5), RUNS, 5,
                             "validation loss")  # fmt: skip
    assert "below the band" in picture.text
    assert "and that is better" in picture.text


# --- why a curve lies below ---------------------------------------------------------------


def why(recipe=None, **changes):
    images = changes.pop("images", 55_000)
    changes = {"validation_accuracy": [0.9] * 5} | changes
    text = band.band_picture(history_of(RUNS[0], images, **changes), RUNS, 5, recipe=recipe).text
    assert "below the band" in text
    return text


def why_better(recipe=None, images=55_000):
    mine = history_of(RUNS[0], images, train_loss=[0.01] * 5)
    text = band.band_picture(mine, RUNS, 5, "training loss", recipe).text
    assert "below the band" in text
    assert "and that is better" in text
    return text


@pytest.mark.parametrize("images", [5_500, 60_000])
def test_other_images_are_named(images):
    words = f"Likely reasons: it saw {images:,} training images, the stored runs 55,000"
    assert words in why(images=images)
    assert words in why_better(images=images)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"epochs": 3}, "epochs: 3, in the stored runs 5"),
        ({"learning_rate": 0.5}, "learning rate: 0.5, in the stored runs 0.02"),
        ({"optimizer": "sgd"}, "optimiser: sgd, in the stored runs adamw"),
        ({"shuffle": False}, "shuffle: False, in the stored runs True"),  # stored before it was one
        ({"batch_size": 8}, "batch size: 8, in the stored runs 256"),
        ({"schedule": "constant"}, "schedule: constant, in the stored runs one-cycle"),
        ({"betas": (0.9, 0.999)}, "betas: [0.9, 0.999], in the stored runs [0.9, 0.99]"),
        ({"weight_decay": 0.0}, "weight decay: 0.0, in the stored runs 0.02"),
        ({"warm_up": 0.1}, "warm up: 0.1, in the stored runs 0.3"),
        ({"label_smoothing": 0.0}, "label smoothing: 0.0, in the stored runs 0.05"),
        ({"normalisation": (0, 1)}, "normalisation: [0, 1], in the stored runs [0.1307, 0.3081]"),
        ({"augment": None}, "its images were not augmented, unlike those of the stored runs"),
        ({"augment": augment.RandomAffine(degrees=45)}, "augmented by other settings than those"),
        ({"augment": lambda images, generator: images}, "augmented by other settings than those"),
    ],
)
def test_another_recipe_is_named(change, words):
    for text in (why, why_better):
        told = text(replace(recipes.RESIDUAL, **change))
        assert words in told
        assert "Likely reasons" in told
        assert words not in text(recipes.RESIDUAL)


def test_another_momentum_is_named():
    runs = results.load("lenet")["runs"]
    mine = history_of(runs[0], validation_accuracy=[0.5] * 10)
    recipe = replace(recipes.LENET, momentum=0.9)
    text = band.band_picture(mine, runs, 10, recipe=recipe).text
    assert "Likely reasons: momentum: 0.9, in the stored runs 0.0" in text


@pytest.mark.parametrize(
    "change",
    [{"momentum": 0.1, "nesterov": True}, {"decay": 0.1, "decay_every": 1},
     {"channels_last": False, "patience": 9}],
)  # fmt: skip
def test_settings_that_change_nothing_are_not_named(change):
    """The stored runs have AdamW and one cycle."""
    assert "luck" in why(replace(recipes.RESIDUAL, **change), train_accuracy=[0.9] * 5)
    assert "luck" in why_better(replace(recipes.RESIDUAL, **change))


def test_the_loss_of_2_303_is_named():
    assert "still at ln 10" in why(train_loss=[2.3] * 5)


def test_a_loss_that_is_no_number_is_named():
    assert "no longer a number" in why(train_loss=[math.nan] * 5)


def test_overfitting_is_named():
    assert "it overfits" in why(train_accuracy=[0.999] * 5)
    assert "it overfits" not in why(train_accuracy=[0.9] * 5)


def test_where_nothing_explains_it_luck_is_offered():
    assert "it may be bad luck" in why(train_accuracy=[0.9] * 5)


# --- bad input, and the explorer ----------------------------------------------------------


@pytest.mark.parametrize("epoch", [0, 6])
def test_an_epoch_outside_is_named(history, epoch):
    with pytest.raises(ExplorerError, match="epoch must be from 1 to 5"):
        band.band_picture(history, RUNS, epoch)


def test_a_measure_that_is_not_there_is_named(history):
    with pytest.raises(ExplorerError, match="no measure 'speed'"):
        band.band_picture(history, RUNS, 1, "speed")


def test_an_empty_history_and_no_runs_get_a_sentence(history):
    assert "no epoch yet" in str(band.band_explorer(History(), RUNS).error)
    assert "no stored runs" in str(band.band_explorer(history, []).error)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"history": RUNS}, "expected the history that fit returned, got list"),
        ({"runs": {"runs": RUNS}}, "expected stored runs.*got dict"),
        ({"runs": [{"seed": 0}]}, "have no train_loss, train_accuracy"),
        ({"recipe": "adam"}, "expected the recipe that fit got, got str"),
    ],
)
def test_arguments_of_another_kind_get_a_sentence(history, change, sentence):
    with pytest.raises(ExplorerError, match=sentence):
        band.band_explorer(**{"history": history, "runs": RUNS, **change})


def test_more_epochs_than_the_stored_runs_have():
    longer = history_of(RUNS[0], **{key: [*RUNS[0][key], 0.5] for key in KEYS})
    text = band.band_picture(longer, RUNS, 6).text
    assert text.endswith("because the band ends at epoch 5 with the shortest of the stored runs.")
    stopped = {key: value[:4] if key in KEYS else value for key, value in RUNS[0].items()}
    text = band.band_picture(history_of(RUNS[1]), [stopped, *RUNS[1:]], 5).text
    assert "band ends at epoch 4" in text


def test_a_curve_that_is_not_finite_is_drawn_without_a_warning():
    broken = history_of(RUNS[0], validation_loss=[0.1, math.nan, 0.1, 0.1, math.inf])
    assert band.band_picture(broken, RUNS, 5, "validation loss").text.count("above the band") == 1


def test_the_explorer_draws_what_the_function_draws(history):
    explorer = band.band_explorer(history, RUNS)
    for epoch in (1, 4):
        explorer.controls["epoch"].value = epoch
        explorer.controls["name"].value = "training loss"
        expected = band.band_picture(history, RUNS, epoch, "training loss")
        np.testing.assert_array_equal(explorer.picture.pixels, expected.pixels)
        assert explorer.picture.text == expected.text


def test_a_history_of_one_epoch_has_a_slider_of_one_place():
    short = history_of(RUNS[0], **{key: RUNS[0][key][:1] for key in KEYS})
    explorer = band.band_explorer(short, RUNS)
    assert explorer.error is None
    assert (explorer.controls["epoch"].min, explorer.controls["epoch"].max) == (1, 1)
