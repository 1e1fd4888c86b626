"""The feature map explorer shows what the network computes, and leaves the network alone."""

import copy

import numpy as np
import pytest
import torch
from sheets import frames, map_at, shows, texts
from torch import nn
from torch.nn import functional as F

from mnist_course import data, models, probe
from mnist_course.probe import inspection
from mnist_course.widgets import ExplorerError, feature_maps, panel, pixels
from mnist_course.widgets.maps import EXCHANGED, feature_map_picture

GENERATOR = torch.Generator().manual_seed(0)
IMAGES = torch.randint(0, 256, (12, 28, 28), dtype=torch.uint8, generator=GENERATOR)
PART = data.Part(IMAGES, torch.arange(12) % 10)


def network_input(image):
    return data.normalise(data.scale(image[None]))


# --- what is computed ---------------------------------------------------------------------


def test_a_border_that_is_cut_off_is_in_no_receptive_field():
    network = nn.Sequential(nn.ZeroPad2d(-2), nn.Conv2d(1, 3, 5, stride=2), nn.Flatten())
    inspector = probe.Inspector(network)
    assert inspector.inspect(network_input(IMAGES[0])).outputs["0"].shape == (1, 24, 24)
    assert inspector.receptive_field("0", 0, 23) == (2, 2, 25, 25)
    assert inspector.receptive_field("1", 0, 0) == (2, 6, 2, 6)
    assert inspector.receptive_field("1", 9, 4) == (20, 24, 10, 14)
    picture = feature_map_picture({"net": inspector}, IMAGES[0], "1", position=94)
    assert "5 × 5 pixels of the digit, from row 20 to 24 and from column 10 to 14" in picture.text
    assert "ZeroPad2d" in feature_map_picture({"net": inspector}, IMAGES[0], "0").text


def test_a_place_of_nothing_but_padding_depends_on_no_pixel():
    network = nn.Sequential(nn.Conv2d(1, 2, 3, padding=5), nn.Flatten(), nn.Linear(2 * 36 * 36, 10))
    assert probe.Inspector(network).receptive_field("0", 0, 0) is None
    inspector = {"x": probe.Inspector(network)}
    assert (
        "is reached by no pixel of the digit" in feature_map_picture(inspector, IMAGES[0], "0").text
    )


def test_images_are_normalised_as_the_recipe_says(lenet, few):
    with torch.no_grad():
        expected = lenet.eval()((data.scale(IMAGES[:1]) - 0.5) / 0.5).softmax(dim=1)[0]
    assert np.allclose(
        probe.inspect(lenet, (data.scale(IMAGES[:1]) - 0.5) / 0.5).probabilities, expected
    )
    explorer = feature_maps(lenet, few.validation, normalisation=(0.5, 0.5))
    assert explorer.error is None
    other = feature_maps(lenet, few.validation)
    assert explorer.picture.text != other.picture.text


# --- what is drawn ------------------------------------------------------------------------


@pytest.mark.parametrize(("channel", "position"), [(0, 0), (8, 50), (15, 99)])
def test_the_chosen_map_is_drawn_enlarged_and_signed(lenet, channel, position):
    inspector = probe.Inspector(lenet)
    picture = feature_map_picture({"net": inspector}, IMAGES[0], "3", channel, 2, position)
    maps = inspector.inspect(network_input(IMAGES[0])).outputs["3"]
    assert maps.shape == (16, 10, 10)
    assert maps.min() < 0
    x, y = 8 + panel.MAP[0], panel.MAP[1]
    expected = pixels.signed(maps[channel], limit=float(np.abs(maps).max()))
    np.testing.assert_array_equal(map_at(picture, x, y), expected.levels)
    row, column = divmod(position, 10)
    scale = panel.SIDE // 10
    assert (x + column * scale - 2, y + row * scale - 2, scale + 4, scale + 4) in frames(picture)
    value = pixels.number(maps[channel, row, column])
    assert f"row {row}, column {column}" in picture.text
    assert f"It is {value}. The network says" in picture.text


def test_a_map_without_values_below_0_is_drawn_in_grey(lenet):
    inspector = probe.Inspector(lenet)
    picture = feature_map_picture({"net": inspector}, IMAGES[0], "1", 5, 0, 0)
    maps = inspector.inspect(network_input(IMAGES[0])).outputs["1"]  # after the sigmoid
    expected = pixels.grey(maps[5], low=maps.min(), high=maps.max())
    shown = map_at(picture, 8 + panel.MAP[0], panel.MAP[1])
    np.testing.assert_array_equal(shown, expected.levels)
    assert {pixels.number(maps.min()), pixels.number(maps.max())} <= set(texts(picture))


def test_the_digit_carries_its_receptive_field(lenet):
    picture = feature_map_picture({"net": probe.Inspector(lenet)}, IMAGES[4], "3", 0, 0, 55)
    x, y = 8 + panel.DIGIT[0], panel.DIGIT[1]
    shown = map_at(picture, x, y)
    np.testing.assert_array_equal(shown, pixels.grey(IMAGES[4].numpy() / 255).levels)
    assert (x + 8 * panel.SCALE, y + 8 * panel.SCALE, 14 * panel.SCALE, 14 * panel.SCALE) in frames(
        picture
    )
    assert "14 × 14 pixels of the digit, from row 8 to 21 and from column 8 to 21" in picture.text


def test_two_networks_stand_side_by_side(lenet):
    torch.manual_seed(1)
    other = models.lenet5()
    inspectors = {"before": probe.Inspector(lenet), "after": probe.Inspector(other)}
    both = feature_map_picture(inspectors, IMAGES[0], "3", 3, 1, 42, label=7)
    for number, name in enumerate(inspectors):
        maps = inspectors[name].inspect(network_input(IMAGES[0])).outputs["3"]
        x = 8 + number * (panel.PANEL + panel.GAP) + panel.MAP[0]
        expected = pixels.signed(maps[3], limit=float(np.abs(maps).max()))
        np.testing.assert_array_equal(map_at(both, x, panel.MAP[1]), expected.levels)
    assert 'In "before" it is' in both.text
    assert 'In "after" it is' in both.text
    assert "the label is 7" in both.text


def test_two_networks_of_other_layers_are_both_named(lenet):
    variant = models.lenet5()
    variant[1], variant[2] = nn.ReLU(), nn.MaxPool2d(2)
    explorer = feature_maps({"plain": lenet, "variant": variant}, PART)
    assert explorer.controls["layer"].options[1][0] == "1: Sigmoid and ReLU, 6 × 28 × 28"
    explorer.controls["layer"].value = "1"
    assert "of map 0 of layer 1 (plain: Sigmoid; variant: ReLU)" in explorer.picture.text
    assert explorer.picture.text.count("5 × 5 pixels") == 1  # the same of both
    explorer.controls["layer"].value = "0"
    assert "of map 0 of layer 0 (Conv2d)" in explorer.picture.text


def test_networks_may_be_named_by_numbers(lenet):
    assert 'In "2" it is' in feature_maps({1: lenet, 2: lenet}, PART).picture.text


def test_two_networks_that_see_different_pixels_are_both_told():
    small, large = (
        nn.Sequential(nn.Conv2d(1, 1, size, padding=size // 2), nn.Flatten()) for size in (3, 5)
    )
    inspectors = {"small": probe.Inspector(small), "large": probe.Inspector(large)}
    text = feature_map_picture(inspectors, IMAGES[0], "0", position=29).text
    assert 'in "small" depends on 3 × 3 pixels of the digit, from row 0 to 2' in text
    assert 'and in "large" depends on 4 × 4 pixels of the digit, from row 0 to 3' in text


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (nn.Tanh(), "Tanh works on each number alone:"),
        (nn.BatchNorm2d(2), "BatchNorm2d in evaluation mode, on each number alone:"),
        (nn.BatchNorm2d(2, track_running_stats=False), "BatchNorm2d, at this place:"),
        (nn.LocalResponseNorm(2), "LocalResponseNorm, at this place:"),
    ],
)
def test_only_what_works_on_each_number_alone_is_said_to(layer, expected):
    network = nn.Sequential(nn.Conv2d(1, 2, 5), layer, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert expected in texts(feature_map_picture({"x": probe.Inspector(network)}, IMAGES[0], "1"))
    # the claim itself: of a map in which one number is another, only that one comes out another
    maps = torch.rand(1, 2, 6, 6)
    other = maps.clone()
    other[0, 0, 2, 3] += 5
    changed = (layer.eval()(other) != layer(maps)).sum()
    assert (changed == 1) == ("alone" in expected)


def test_the_padding_of_a_maximum_is_minus_infinity_and_is_drawn_so():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 2, 5), nn.MaxPool2d(3, 2, padding=1), nn.Flatten())
    inspector = probe.Inspector(network)
    found = inspector.inspect(network_input(IMAGES[0]))
    patch = probe.patch(network[1], found.inputs["1"], 0, 0)
    assert np.isneginf(patch[:, 0]).all()
    assert np.isneginf(patch[:, :, 0]).all()
    np.testing.assert_array_equal(patch.max(axis=(1, 2)), found.outputs["1"][:, 0, 0])
    picture = feature_map_picture({"net": inspector}, IMAGES[0], "1")
    shown = map_at(picture, 8 + panel.KERNEL[0], panel.KERNEL[1])
    nothing = shown == pixels.NOTHING
    assert nothing.tolist() == [[True] * 3, [True, False, False], [True, False, False]]
    limit = np.abs(patch[0, 1:, 1:]).max()
    tint = pixels.signed(patch[0, 1:, 1:], limit=limit)
    np.testing.assert_array_equal(shown[1:, 1:], tint.levels)


@pytest.mark.parametrize("layer", ["0", "1", "2", "3.conv1", "3", "4.shortcut.0", "6"])
def test_every_kind_of_layer_has_its_picture(residual, layer):
    picture = feature_map_picture({"net": probe.Inspector(residual)}, IMAGES[0], layer)
    assert picture.pixels.shape == (370, panel.WIDTH, 3)
    assert f"of layer {layer} (" in picture.text


def test_many_and_large_maps_are_shown_as_far_as_they_fit():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 300, 7, padding=3), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(300, 10)
    )
    picture = feature_map_picture({"x": probe.Inspector(network)}, IMAGES[0], "0", 299, 0, 783)
    assert "row 27, column 27 of map 299" in picture.text
    picture = feature_map_picture({"x": probe.Inspector(network)}, IMAGES[0], "1", 299)
    assert "1 × 1" not in picture.text
    assert "28 × 28 pixels" in picture.text


def test_a_map_larger_than_its_room_shows_the_part_around_the_place():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Upsample(224), nn.Conv2d(1, 2, 3, padding=1), nn.AdaptiveMaxPool2d(1), nn.Flatten(),
        nn.Linear(2, 10),
    )  # fmt: skip
    inspector = probe.Inspector(network)
    maps = inspector.inspect(network_input(IMAGES[0])).outputs["1"]
    x, y = 8 + panel.MAP[0], panel.MAP[1]
    for row, column, top, left in ((0, 0, 0, 0), (100, 120, 30, 50), (223, 223, 84, 84)):
        position = 224 * row + column
        picture = feature_map_picture({"x": inspector}, IMAGES[0], "1", position=position)
        assert f"row {row}, column {column}" in picture.text
        expected = pixels.signed(maps[0, top : top + 140, left : left + 140], 1, np.abs(maps).max())
        np.testing.assert_array_equal(map_at(picture, x, y), expected.levels)
        [region] = [one for one in picture.sheet.regions if one["control"] == "position"]
        assert (region["start"], region["step"]) == (224 * top + left, 224)
        assert (region["rows"], region["columns"]) == (140, 140)


# --- nothing of the network changes ---------------------------------------------------------


def fingerprint(network):
    """Everything of a network that a inspector could change."""

    def copied(tensors):
        return {name: tensor.tolist() for name, tensor in tensors if tensor is not None}

    return (
        copied(network.state_dict().items()),
        [layer.training for layer in network.modules()],
        copied((name, p.grad) for name, p in network.named_parameters()),
        [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in network.modules()],
        [(p.requires_grad, str(p.device), str(p.dtype), id(p)) for p in network.parameters()],
    )


def test_a_network_in_training_mode_stays_as_it_is(residual):
    residual.train()
    residual[3].eval()  # a mode of its own
    F.cross_entropy(residual(torch.randn(8, 1, 28, 28)), torch.arange(8)).backward()
    before, random_before = fingerprint(residual), torch.random.get_rng_state()
    explorer = feature_maps(residual, PART)
    for name, value in (("digit", 5), ("layer", "5.conv1"), ("channel", 3), ("position", 7)):
        explorer.controls[name].value = value
        assert explorer.error is None
    assert fingerprint(residual) == before
    assert len(before[2]) == len(list(residual.parameters()))  # there were gradients to lose
    assert torch.equal(torch.random.get_rng_state(), random_before)
    # and what is shown is the network in evaluation mode
    found = probe.Inspector(residual).inspect(network_input(IMAGES[5]))
    expected = copy.deepcopy(residual).eval()(network_input(IMAGES[5])).softmax(dim=1)
    np.testing.assert_allclose(found.probabilities, expected.detach()[0], atol=1e-6)


# --- one forward pass a digit ---------------------------------------------------------------


def test_a_digit_goes_through_the_network_once(lenet, passes):
    explorer = feature_maps(lenet, PART)
    passes.clear()
    for name, values in (
        ("channel", range(6)), ("position", range(0, 784, 50)), ("layer", ("3", "5", "0")),
        ("source", (0, 0)),
    ):  # fmt: skip
        for value in values:
            explorer.controls[name].value = value
    assert passes == []
    for digit in (1, 2, 1, 0, 2):
        explorer.controls["digit"].value = digit
    assert passes == [1, 1]


def test_more_training_shows_in_the_next_picture(lenet):
    explorer = feature_maps(lenet, PART)
    explorer.controls["position"].value = 100
    before = explorer.picture
    optimizer = torch.optim.SGD(lenet.parameters(), lr=1)
    F.cross_entropy(lenet(network_input(IMAGES[0])), torch.tensor([3])).backward()
    optimizer.step()
    explorer.refresh()
    assert explorer.picture.text != before.text
    fresh = feature_maps(lenet, PART)
    fresh.controls["position"].value = 100
    assert explorer.picture.text == fresh.picture.text


def test_weights_are_compared_once_a_picture_and_network(lenet, monkeypatch):
    explorer = feature_maps({"before": copy.deepcopy(lenet), "after": lenet}, PART)
    compared = []
    original = inspection._equal
    monkeypatch.setattr(
        inspection, "_equal", lambda *tensors: compared.append(1) or original(*tensors)
    )
    for position in (3, 4, 5):
        explorer.controls["position"].value = position
        assert explorer.error is None
    assert len(compared) == 3 * 2


# --- the student's hooks, and weights that torch computes --------------------------------------


def test_the_students_hooks_run_on_no_copy(lenet):
    heard = []
    lenet[0].register_forward_hook(lambda layer, given, output: heard.append(1) or 0 * output)
    lenet[0].register_forward_pre_hook(lambda layer, given: heard.append(2))
    lenet[3].register_full_backward_hook(lambda *_: heard.append(3))
    before = fingerprint(lenet)
    explorer = feature_maps(lenet, PART)
    explorer.controls["digit"].value = 3
    assert explorer.error is None
    assert heard == []
    assert fingerprint(lenet) == before
    assert len(lenet[0]._forward_hooks) == len(lenet[3]._backward_hooks) == 1
    weight, bias = lenet[0].weight.detach(), lenet[0].bias.detach()
    expected = F.conv2d(network_input(IMAGES[3]), weight, bias, padding=2)[0]
    np.testing.assert_allclose(
        probe.Inspector(lenet).inspect(network_input(IMAGES[3])).outputs["0"], expected, atol=1e-5
    )
    lenet(network_input(IMAGES[0]))
    assert heard == [2, 1]


def test_a_compiled_network_is_shown_as_it_was_built(lenet):
    compiled = torch.compile(lenet, backend="eager")
    assert [n for _, n in feature_maps(compiled, PART).controls["layer"].options][:2] == ["0", "1"]


@pytest.mark.parametrize("channels", [1, 6, 16, 32])
def test_a_click_on_a_map_chooses_its_channel(channels):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, channels, 5, padding=2), nn.Flatten())
    for channel in {0, channels // 2, channels - 1}:
        picture = feature_map_picture({"net": probe.Inspector(network)}, IMAGES[0], "0", channel)
        [region] = [one for one in picture.sheet.regions if one["control"] == "channel"]
        row, column = divmod(channel, region["columns"])
        assert row < region["rows"]
        place = region["x"] + column * region["wide"], region["y"] + row * region["high"]
        assert place in [frame[:2] for frame in frames(picture)]


# --- what does not work -------------------------------------------------------------------


def test_a_network_without_convolutions():
    with pytest.raises(ExplorerError, match="no convolution"):
        feature_maps(models.softmax_regression(), PART)


def test_arguments_in_the_wrong_order(lenet):
    with pytest.raises(ExplorerError, match=r"expected a network \(nn.Module\), got Part"):
        feature_maps(PART, lenet)
    with pytest.raises(ExplorerError, match="expected a network"):
        feature_maps({"before": "lenet5", "after": lenet}, PART)
    with pytest.raises(ExplorerError, match="images with their labels.*got Tensor"):
        feature_maps(lenet, IMAGES)


def test_a_layer_that_was_exchanged_for_a_smaller_one(lenet):
    network = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LazyLinear(10)
    )
    network(torch.zeros(1, 1, 28, 28))
    explorer = feature_maps(network, PART)
    explorer.controls["channel"].value = 5
    network[0] = nn.Conv2d(1, 3, 7, padding=3)
    network[3] = nn.Linear(3, 10)
    explorer.refresh()
    assert "channel must be from 0 to 2, got 5" in explorer.problem.value
    explorer.controls["channel"].value = 2
    assert explorer.error is None
    assert "depends on 7 × 7 pixels" in explorer.picture.text


def test_a_layer_that_was_exchanged_for_a_larger_one_is_told(lenet):
    explorer = feature_maps(lenet, PART)
    lenet[0], lenet[3] = nn.Conv2d(1, 8, 5, padding=2), nn.Conv2d(8, 16, 5)
    for layer in ("3", "2", "0"):  # of the first of them only the input channels are more
        explorer.controls["layer"].value = layer
        assert explorer.picture.text.endswith(EXCHANGED)
        assert explorer.error is None
    explorer.controls["layer"].value = "4"  # as it was
    assert EXCHANGED not in explorer.picture.text
    again = feature_maps(lenet, PART)
    again.controls["layer"].value = "3"
    assert (again.controls["source"].max, again.error) == (7, None)
    assert EXCHANGED not in again.picture.text


def test_weights_that_are_no_numbers(lenet):
    explorer = feature_maps(lenet, PART)
    with torch.no_grad():
        lenet[3].weight[0, 0, 0, 0] = torch.nan
    explorer.controls["position"].value = 3
    assert "3.weight holds values that are no numbers" in explorer.problem.value
    assert lenet[3].weight[0, 0, 0, 0].isnan()
    with torch.no_grad():
        lenet[3].weight[0, 0, 0, 0] = 0.1
    explorer.controls["position"].value = 4
    assert explorer.error is None


def test_images_of_another_size(lenet):
    inspector = {"net": probe.Inspector(lenet)}
    for image in (torch.zeros(32, 32, dtype=torch.uint8), torch.zeros(28, 28), IMAGES[:1]):
        with pytest.raises(ExplorerError, match="expected an image of"):
            feature_map_picture(inspector, image, "0")
    wrong = data.Part(torch.zeros(3, 32, 32, dtype=torch.uint8), torch.zeros(3, dtype=torch.int64))
    assert "28 × 28 pixels, got the shape (32, 32)" in feature_maps(lenet, wrong).problem.value


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"layer": "9"}, "no layer '9' with maps; there are 0, 1, 2"),
        ({"layer": "7"}, "no layer '7' with maps"),  # it is there, but gives no maps
        ({"channel": -1}, "channel must be from 0 to 15"),
        ({"channel": 16}, "channel must be from 0 to 15"),
        ({"source": 6}, "input channel must be from 0 to 5"),
        ({"position": -1}, "position must be from 0 to 99"),
        ({"position": 100}, "position must be from 0 to 99"),
        ({"position": 1.5}, "position must be a whole number"),
        ({"channel": "0"}, "channel must be from 0 to 15, got '0'"),
    ],
)
def test_what_is_not_there_is_a_sentence(lenet, change, sentence):
    settings = {"layer": "3", "channel": 0, "source": 0, "position": 0, **change}
    with pytest.raises(ExplorerError, match=sentence):
        feature_map_picture({"net": probe.Inspector(lenet)}, IMAGES[0], **settings)


def test_two_networks_must_be_built_alike(lenet, residual):
    other = feature_maps({"one": lenet, "other": residual}, PART)
    assert "side by side must be built alike" in other.problem.value
    wide, narrow = (
        nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3, groups=groups), nn.Flatten())
        for groups in (1, 2)
    )
    inspectors = {"wide": probe.Inspector(wide), "narrow": probe.Inspector(narrow)}
    with pytest.raises(ExplorerError, match="different numbers of input channels"):
        feature_map_picture(inspectors, IMAGES[0], "1", source=3)
    with pytest.raises(ExplorerError, match="one network or two side by side, got 3"):
        feature_maps({"a": lenet, "b": lenet, "c": lenet}, PART)


# --- the controls -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "values"),
    [("digit", (0, 6, 11)), ("layer", ("0", "3", "5")), ("channel", (0, 3, 5)),
     ("position", (0, 400, 783))],
)  # fmt: skip
def test_every_control_leads_to_the_picture_of_the_pure_function(lenet, name, values):
    explorer = feature_maps(lenet, PART)
    inspectors = {"your network": probe.Inspector(lenet)}
    for value in values:
        explorer.controls[name].value = value
        now = explorer.settings
        digit = now.pop("digit")
        label = int(PART.labels[digit])
        expected = feature_map_picture(inspectors, IMAGES[digit], **now, label=label)
        assert shows(explorer, expected)
        assert explorer.error is None


def test_the_channel_stays_within_a_layer_that_was_changed(lenet):
    controls = feature_maps(lenet, PART).controls
    controls["layer"].value = "3"
    controls["channel"].value, controls["source"].value = 15, 5
    controls["layer"].value = "0"
    assert (controls["channel"].value, controls["channel"].max) == (5, 5)
    assert (controls["source"].value, controls["source"].max) == (0, 0)


def test_the_place_on_the_digit_stays_when_the_layer_changes(lenet):
    controls = feature_maps(lenet, PART).controls
    assert divmod(controls["position"].value, 28) == (14, 14)
    controls["layer"].value = "3"
    assert divmod(controls["position"].value, 10) == (5, 5)
    assert controls["position"].max == 99
    controls["layer"].value = "2"
    assert divmod(controls["position"].value, 14) == (7, 7)
    assert controls["position"].max == 195


def test_only_layers_with_maps_can_be_chosen(lenet):
    options = feature_maps(lenet, PART).controls["layer"].options
    assert [name for _, name in options] == ["0", "1", "2", "3", "4", "5"]
    assert options[3][0] == "3: Conv2d, 16 × 10 × 10"
