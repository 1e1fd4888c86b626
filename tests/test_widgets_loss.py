"""Why is my loss 2.303: steps against steps by hand, at the ends of each control; the live run."""

import asyncio
import math

import ipywidgets
import numpy as np
import pytest
import torch
from sheets import lines, texts
from torch import nn
from torch.nn import functional as F

from mnist_course import data, models, probe
from mnist_course.widgets import ExplorerError, loss, loss_explorer


def trace_of(part, activation="sigmoid", initialisation="Xavier", rate=0.9, depth=2, steps=3):
    *_, trace = loss.training_steps(part, activation, initialisation, rate, depth, steps)
    return trace


def test_the_default_network_is_lenet5():
    torch.manual_seed(3)
    ours = loss.lenet("sigmoid", "Xavier", 2)
    torch.manual_seed(3)
    for one, other in zip(ours.parameters(), models.lenet5().parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("depth", [1, 3, 6])
@pytest.mark.parametrize("activation", loss.ACTIVATIONS)
def test_depth_counts_hidden_layers(activation, depth):
    network = loss.lenet(activation, "torch's own", depth)
    linears = [layer for layer in network if isinstance(layer, nn.Linear)]
    assert len(linears) == depth + 1
    assert sum(isinstance(one, loss.ACTIVATIONS[activation]) for one in network) == depth + 2
    assert len(loss.layer_names(depth)) == depth + 3
    assert network(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize(("initialisation", "deviation"), [("tiny, 0.01", 0.01), ("huge, 1", 1.0)])
def test_first_weights_have_the_named_deviation(initialisation, deviation):
    torch.manual_seed(0)
    network = loss.lenet("ReLU", initialisation, 2)
    assert network[7].weight.std().item() == pytest.approx(deviation, rel=0.02)


@pytest.mark.parametrize("rate", [0.001, 0.1, 0.9])
@pytest.mark.parametrize(("activation", "depth"), [("sigmoid", 1), ("tanh", 3), ("ReLU", 6)])
def test_three_steps_are_gradient_descent(few, activation, depth, rate):
    trace = trace_of(few.train, activation, "Xavier", rate, depth)
    torch.manual_seed(0)
    network = loss.lenet(activation, "Xavier", depth)
    batches = data.Batches(few.train, loss.BATCH_SIZE, shuffle=True, seed=0)
    for step, (images, labels) in zip(range(3), batches, strict=False):
        slopes = probe.gradients(network, images, labels)
        value = F.cross_entropy(network(images), labels)
        assert trace.losses[step] == pytest.approx(value.item(), rel=1e-4)
        sizes = [g.square().mean().sqrt().item() for n, g in slopes.items() if "weight" in n]
        assert trace.gradients[step] == pytest.approx(sizes, rel=1e-3)
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                parameter -= rate * slopes[name]


def test_saturation_by_hand():
    y = torch.tensor([0.02, 0.03, 0.5, 0.97, 0.98])  # 0.98 · 0.02 = 0.0196, 0.97 · 0.03 = 0.0291
    assert loss.share_saturated(nn.Sigmoid(), y) == pytest.approx(2 / 5)
    assert loss.share_saturated(nn.Tanh(), torch.tensor([-0.96, 0.0, 0.94])) == pytest.approx(1 / 3)
    assert loss.share_saturated(nn.ReLU(), torch.tensor([0.0, 0.0, 1.0])) == pytest.approx(2 / 3)


def test_saturation_is_that_of_the_slope(few):
    """By autograd: the share of units whose slope is below a tenth of the largest possible."""
    for activation, best in (("sigmoid", 0.25), ("tanh", 1.0), ("ReLU", 1.0)):
        inputs = torch.linspace(-6, 6, 1001, requires_grad=True)
        layer = loss.ACTIVATIONS[activation]()
        outputs = layer(inputs)
        (slope,) = torch.autograd.grad(outputs.sum(), inputs)
        expected = (slope < best / 10).float().mean().item()
        assert loss.share_saturated(layer, outputs.detach()) == pytest.approx(expected, abs=2e-3)


def test_the_notebook_s_random_stream_stays_as_it_is(few):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    trace_of(few.train)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("seed", ["cuda.manual_seed_all", "mps.manual_seed", "xpu.manual_seed_all"])
def test_the_random_streams_of_gpus_stay_as_they_are(few, monkeypatch, seed):
    monkeypatch.setattr(f"torch.{seed}", lambda _: pytest.fail(f"torch.{seed} was called"))
    trace_of(few.train)


def test_the_same_settings_give_the_same_steps(few):
    assert trace_of(few.train, steps=5) == trace_of(few.train, steps=5)


def test_more_steps_than_batches_go_round_again(few):
    assert len(trace_of(few.train[:40], steps=7).losses) == 7


def test_a_loss_that_is_not_finite_ends_it_with_a_sentence(few):
    trace = trace_of(few.train, "ReLU", "huge, 1", 10.0, steps=50)
    assert len(trace.losses) < 50
    picture = loss.loss_picture(trace, 2, 50)
    assert "too long" in picture.text


@pytest.mark.parametrize("value", [0.0, 2.0, 3.9])
def test_the_loss_is_drawn_where_it_is(value):
    trace = loss.Trace([value] * 50, [[1e-3] * 5] * 50, [[0.5] * 4] * 50)
    picture = loss.loss_picture(trace, 2, 100)
    assert picture.pixels.shape == (loss.HEIGHT, loss.WIDTH, 3)
    [line] = lines(picture, "accent")
    [level] = lines(picture, "warning")
    bottom, top = 220, 40
    assert line[:, 1] == pytest.approx([bottom - (bottom - top) * value / 4] * 50, abs=0.1)
    assert level[0, 1] == pytest.approx(bottom - (bottom - top) * math.log(10) / 4, abs=0.1)
    assert line[-1, 0] == pytest.approx((level[0, 0] + level[-1, 0]) / 2, abs=0.1)  # half is done


def test_gradients_stand_on_a_scale_of_powers_and_each_layer_has_its_line():
    gradients = [[1e-8, 1e-6, 1e-3, 1e-1, 10.0]] * 20
    trace = loss.Trace([2.0] * 20, gradients, [[0.0, 0.25, 0.5, 1.0]] * 20)
    picture = loss.loss_picture(trace, 2, 20)
    names = loss.layer_names(loss.DEPTHS[1])
    drawn = [lines(picture, f"layer-{names.index(name)}") for name in loss.layer_names(2)]
    for of_a_layer, value in zip(drawn, gradients[0], strict=True):
        height = (np.log10(value) + 8) / 9
        assert of_a_layer[0][:, 1] == pytest.approx([220 - 180 * height] * 20, abs=0.1)
    for of_a_layer, share in zip(drawn[:-1], (0.0, 0.25, 0.5, 1.0), strict=True):
        assert of_a_layer[1][:, 1] == pytest.approx([220 - 180 * share] * 20, abs=0.1)
    assert len(drawn[-1]) == 2  # the last layer has no activation: gradients, and the legend
    assert set(loss.layer_names(2)) <= set(texts(picture))


def test_what_leaves_the_axes_stays_at_their_edge():
    trace = loss.Trace([1e9, 2.0], [[0.0, 1e30, 1.0, 1.0, 1.0]] * 2, [[0.5] * 4] * 2)
    picture = loss.loss_picture(trace, 2, 20)
    for one in picture.sheet.items:
        if one["kind"] == "line":
            assert min(one["points"][1::2]) >= 30
            assert max(one["points"][1::2]) <= loss.HEIGHT


@pytest.mark.parametrize(
    ("value", "words"),
    [(math.log(10), "still at ln 10"), (0.5, "the network learns"), (3.5, "which is worse than")],
)
def test_the_text_says_where_the_loss_stands(value, words):
    trace = loss.Trace([value] * 20, [[1e-3] * 5] * 20, [[0.5] * 4] * 20)
    picture = loss.loss_picture(trace, 2, 20)
    assert words in picture.text
    assert f"the loss is {value:.3f}" in picture.text


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"activation": "step"}, "no activation 'step'"),
        ({"initialisation": "zeros"}, "no initialisation 'zeros'"),
        ({"rate": 0.0}, "above 0"),
        ({"rate": -0.1}, "above 0"),
        ({"rate": math.nan}, "above 0, got nan"),
        ({"rate": math.inf}, "above 0, got inf"),
        ({"rate": "0.1"}, "above 0"),
        ({"depth": 2.5}, "depth must be a whole number"),
        ({"depth": 0}, "depth must be from 1 to 6"),
        ({"depth": 7}, "depth must be from 1 to 6"),
    ],
)
def test_settings_outside_get_a_sentence(few, settings, sentence):
    with pytest.raises(ExplorerError, match=sentence):
        trace_of(few.train, **settings)


def test_images_of_another_size_get_a_sentence(few):
    wrong = data.Part(few.train.images[:, :20], few.train.labels)
    with pytest.raises(ExplorerError, match="28 × 28"):
        trace_of(wrong)
    assert "28 × 28" in loss_explorer(wrong, 3).problem.value


def test_what_is_no_part_gets_a_sentence(few):
    assert "got Tensor" in loss_explorer(few.train.images, 3).problem.value
    assert "got Digits" in loss_explorer(few, 3).problem.value
    assert "steps must be from 1" in loss_explorer(few.train, 0).problem.value


# --- the explorer -------------------------------------------------------------------------


def test_without_a_loop_a_change_trains_at_once(few):
    explorer = loss_explorer(few.train, steps=4)
    explorer.controls["activation"].value = "ReLU"
    expected = explorer.draw(**explorer.settings)
    np.testing.assert_array_equal(explorer.picture.pixels, expected.pixels)
    assert "Step 4 of 4" in explorer.picture.text


def test_the_learning_rates_are_a_list_of_numbers(few):
    """A slider over a list would tell a screen reader the place in the list, not the number."""
    rate = loss_explorer(few.train, steps=1).controls["learning_rate"]
    assert isinstance(rate, ipywidgets.Dropdown)
    assert (rate.value, rate.options[-1]) == (0.9, ("10", 10.0))


def test_in_a_notebook_it_trains_in_slices_and_the_last_change_wins(few, monkeypatch):
    """The loop stays free: with slices of no length another task has a turn after each step."""
    monkeypatch.setattr(loss, "SLICE", -1)
    monkeypatch.setattr(loss, "PAUSE", math.inf)  # no pictures but those of steps 2 and 30
    explorer = loss_explorer(few.train, steps=30)
    steps_of, show = explorer.steps_of, explorer.show
    turns, turns_at_steps, shown = 0, [], []

    def counted(**settings):
        for trace in steps_of(**settings):
            turns_at_steps.append(turns)
            yield trace

    def kept(picture):
        shown.append(picture.text.partition(":")[0])
        show(picture)

    explorer.steps_of, explorer.show = counted, kept

    async def student():
        nonlocal turns
        explorer.controls["learning_rate"].value = 0.1
        while len(turns_at_steps) < 5 and not explorer.task.done():
            turns += 1
            await asyncio.sleep(0)
        assert not explorer.task.done()
        explorer.controls["activation"].value = "ReLU"
        while not explorer.task.done():
            turns += 1
            await asyncio.sleep(0)

    asyncio.run(student())
    assert explorer.error is None
    assert len(turns_at_steps) == 5 + 30
    assert len(set(turns_at_steps)) == 5 + 30  # no two steps in the same turn
    # the training of the first change was ended before its last step
    assert shown == ["Step 2 of 30", "Step 2 of 30", "Step 30 of 30"]
    expected = explorer.draw(**explorer.settings)
    np.testing.assert_array_equal(explorer.picture.pixels, expected.pixels)


def test_an_error_in_the_live_run_is_said_under_the_controls(few, monkeypatch):
    explorer = loss_explorer(few.train, steps=4)

    async def student():
        monkeypatch.setattr(loss, "share_saturated", lambda *_: 1 / 0)
        explorer.controls["depth"].value = 3
        await explorer.task

    asyncio.run(student())
    assert isinstance(explorer.error, ZeroDivisionError)
    assert "ZeroDivisionError" in explorer.problem.value
