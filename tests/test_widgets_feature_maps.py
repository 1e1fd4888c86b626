"""The feature map explorer shows what the network computes, and leaves the network alone."""

import copy
import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import prune

from mnist_course import data, models, probe
from mnist_course.widgets import ExplorerError, feature_maps, layers, pixels

GENERATOR = torch.Generator().manual_seed(0)
IMAGES = torch.randint(0, 256, (12, 28, 28), dtype=torch.uint8, generator=GENERATOR)
PART = data.Part(IMAGES, torch.arange(12) % 10)


def network_input(image):
    return data.normalise(data.scale(image[None]))


@pytest.fixture
def lenet():
    torch.manual_seed(0)
    return models.lenet5()


@pytest.fixture
def residual():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 4, 5, stride=2, bias=False), nn.BatchNorm2d(4), nn.ReLU(),
        models.ResidualBlock(4, 4), models.ResidualBlock(4, 8, stride=2),
        models.ResidualBlock(8, 8),
        nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(8, 10),
    )  # fmt: skip
    network(torch.randn(8, 1, 28, 28))  # running means that are not 0
    return network


# --- what is computed ---------------------------------------------------------------------


def test_maps_and_probabilities_are_the_networks(residual):
    answer = layers.Look(residual).answer(IMAGES[0])
    expected = probe.activations(residual, network_input(IMAGES[0]))
    for name in ("0", "1", "2", "3.conv1", "4.shortcut.0", "5.norm2"):
        np.testing.assert_allclose(answer.outputs[name], expected[name][0], atol=1e-5)
    residual.eval()
    with torch.no_grad():
        logits = residual(network_input(IMAGES[0]))
        stem = residual[:3](network_input(IMAGES[0]))
        np.testing.assert_allclose(answer.outputs["3"], residual[3](stem)[0], atol=1e-5)
    np.testing.assert_allclose(answer.probabilities, logits.softmax(dim=1)[0], atol=1e-6)
    assert "6" in answer.outputs  # pooled to 1 × 1, still maps
    assert "7" not in answer.outputs  # flattened: no maps


def test_a_layer_that_works_in_place_does_not_spoil_the_maps_before_it():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 3, 5), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    answer = layers.Look(network).answer(IMAGES[0])
    convolved = F.conv2d(network_input(IMAGES[0]), network[0].weight, network[0].bias)[0].detach()
    np.testing.assert_allclose(answer.outputs["0"], convolved, atol=1e-5)
    np.testing.assert_allclose(answer.inputs["1"], convolved, atol=1e-5)
    np.testing.assert_allclose(answer.outputs["1"], convolved.relu(), atol=1e-5)
    assert answer.outputs["0"].min() < 0


@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": 5},
        {"kernel_size": 3, "stride": 2, "padding": 1},
        {"kernel_size": 3, "padding": 2, "dilation": 2},
        {"kernel_size": (3, 5), "stride": (2, 1), "padding": (0, 2)},
        {"kernel_size": 3, "groups": 2, "padding": "same"},
        {"kernel_size": 4, "padding": "same"},
        {"kernel_size": 3, "padding": "valid", "bias": False},
        {"kernel_size": 3, "padding": 1, "padding_mode": "reflect"},
        {"kernel_size": 3, "padding": 1, "padding_mode": "circular"},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
def test_patch_times_kernel_over_all_channels_is_torchs_number(options):
    torch.manual_seed(0)
    layer = nn.Conv2d(4, 6, **options)
    look = layers.Look(nn.Sequential(layer))
    maps = torch.randn(4, 11, 12)
    with torch.no_grad():
        expected = layer(maps[None])[0].numpy()
    _, height, width = expected.shape
    for row, column in ((0, 0), (height // 2, width // 3), (height - 1, width - 1)):
        patch = layers.patch_of(layer, maps, row, column)
        for channel in (0, 5):
            sources = layers.source_channels(layer)
            first = channel // (6 // layer.groups) * sources
            total = sum(
                (layers.kernel_of(look, "0", channel, source) * patch[first + source]).sum()
                for source in range(sources)
            )
            bias = 0 if layer.bias is None else layer.bias[channel].item()
            assert total + bias == pytest.approx(expected[channel, row, column], abs=1e-5)


@pytest.mark.parametrize("layer", [nn.MaxPool2d(2), nn.AvgPool2d(3, stride=2)])
def test_the_window_of_a_pooling_layer_is_torchs(layer):
    maps = torch.randn(2, 9, 9)
    expected = layer(maps[None])[0]
    patch = torch.from_numpy(layers.patch_of(layer, maps, 2, 3))
    kept = patch.amax((1, 2)) if isinstance(layer, nn.MaxPool2d) else patch.mean((1, 2))
    torch.testing.assert_close(kept, expected[:, 2, 3])


@pytest.mark.parametrize("onednn", [True, False])  # macOS has none
@pytest.mark.filterwarnings("ignore:TF32 acceleration")  # told when oneDNN is switched
@pytest.mark.parametrize(
    ("layer", "place", "expected"),
    [
        ("0", (14, 14), (12, 16, 12, 16)),  # 5 × 5
        ("0", (0, 27), (0, 2, 25, 27)),  # cut off by the border
        ("2", (7, 7), (12, 17, 12, 17)),  # 6 × 6
        ("3", (5, 5), (8, 21, 8, 21)),  # 6 + 4 · 2 = 14
        ("5", (2, 2), (6, 21, 6, 21)),  # 14 + 2 = 16
    ],
)
def test_receptive_fields_of_lenet_by_hand(lenet, layer, place, expected, onednn):
    with torch.backends.mkldnn.flags(enabled=onednn):
        assert layers.Look(lenet).field(layer, *place) == expected


def test_receptive_fields_are_where_gradients_are(residual):
    """With weights and inputs above 0 nothing cancels: a pixel counts where its slope is not 0."""
    twin = copy.deepcopy(residual).eval()
    for layer in twin.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.constant_(layer.weight, 0.01)
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
    look = layers.Look(residual)
    for depth, name in ((1, "0"), (4, "3"), (5, "4"), (6, "5")):
        image = torch.ones(1, 1, 28, 28, requires_grad=True)
        maps = twin[:depth](image)[0, 0]
        for row, column in ((0, 0), (2, 3), (maps.shape[0] - 1, maps.shape[1] - 1)):
            [slopes] = torch.autograd.grad(maps[row, column], image, retain_graph=True)
            rows, columns = slopes[0, 0].nonzero().unbind(1)
            expected = (rows.min(), rows.max(), columns.min(), columns.max())
            assert look.field(name, row, column) == tuple(int(line) for line in expected)


def test_a_border_that_is_cut_off_is_in_no_receptive_field():
    network = nn.Sequential(nn.ZeroPad2d(-2), nn.Conv2d(1, 3, 5, stride=2), nn.Flatten())
    look = layers.Look(network)
    assert look.answer(IMAGES[0]).outputs["0"].shape == (1, 24, 24)
    assert look.field("0", 0, 23) == (2, 2, 25, 25)
    assert look.field("1", 0, 0) == (2, 6, 2, 6)
    assert look.field("1", 9, 4) == (20, 24, 10, 14)
    seen = layers.feature_map_picture({"net": look}, IMAGES[0], "1", position=94)
    assert "5 × 5 pixels, rows 20 to 24, columns 10 to 14" in seen.text
    assert "ZeroPad2d" in layers.feature_map_picture({"net": look}, IMAGES[0], "0").text


def test_a_place_of_nothing_but_padding_depends_on_no_pixel():
    network = nn.Sequential(nn.Conv2d(1, 2, 3, padding=5), nn.Flatten(), nn.Linear(2 * 36 * 36, 10))
    assert layers.Look(network).field("0", 0, 0) is None
    look = {"x": layers.Look(network)}
    assert "no pixel of the digit" in layers.feature_map_picture(look, IMAGES[0], "0").text


def test_images_are_normalised_as_the_recipe_says(lenet, few):
    with torch.no_grad():
        expected = lenet.eval()((data.scale(IMAGES[:1]) - 0.5) / 0.5).softmax(dim=1)[0]
    assert np.allclose(layers.Look(lenet, (0.5, 0.5)).answer(IMAGES[0]).probabilities, expected)
    explorer = feature_maps(lenet, few.validation, normalisation=(0.5, 0.5))
    assert explorer.error is None
    other = feature_maps(lenet, few.validation)
    assert explorer.seen.text != other.seen.text


# --- what is drawn ------------------------------------------------------------------------


def drawn(picture, x, y, shape, scale):
    rows, columns = (length * scale for length in shape)
    return picture[y : y + rows, x : x + columns][scale - 1 :: scale, scale - 1 :: scale]


@pytest.mark.parametrize(("channel", "position"), [(0, 0), (8, 50), (15, 99)])
def test_the_chosen_map_is_drawn_enlarged_and_signed(lenet, channel, position):
    look = layers.Look(lenet)
    seen = layers.feature_map_picture({"net": look}, IMAGES[0], "3", channel, 2, position)
    maps = look.answer(IMAGES[0]).outputs["3"]
    assert maps.shape == (16, 10, 10)
    assert maps.min() < 0
    shown = drawn(seen.picture, 8 + layers.MAP[0], layers.MAP[1], (10, 10), layers.SIDE // 10)
    expected = pixels.signed(maps[channel], limit=float(np.abs(maps).max()))
    row, column = divmod(position, 10)
    outside = np.ones((10, 10), dtype=bool)
    outside[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2] = False  # the frame
    np.testing.assert_array_equal(shown[outside], expected[outside])
    value = pixels.number(maps[channel, row, column])
    assert f"row {row}, column {column}" in seen.text
    assert f"value {value}," in seen.text


def test_a_map_without_values_below_0_is_drawn_in_grey(lenet):
    look = layers.Look(lenet)
    seen = layers.feature_map_picture({"net": look}, IMAGES[0], "1", 5, 0, 0)
    maps = look.answer(IMAGES[0]).outputs["1"]  # after the sigmoid
    shown = drawn(seen.picture, 8 + layers.MAP[0], layers.MAP[1], (28, 28), layers.SCALE)
    expected = pixels.grey(maps[5], low=maps.min(), high=maps.max())
    np.testing.assert_array_equal(shown[2:], expected[2:])


def test_the_digit_carries_its_receptive_field(lenet):
    seen = layers.feature_map_picture({"net": layers.Look(lenet)}, IMAGES[4], "3", 0, 0, 55)
    x, y = 8 + layers.DIGIT[0], layers.DIGIT[1]
    shown = drawn(seen.picture, x, y, (28, 28), layers.SCALE)
    inside = np.s_[9:21, 9:21]  # the field is rows and columns 8 to 21; its frame covers the rim
    np.testing.assert_array_equal(shown[inside][..., 0], 255 - IMAGES[4].numpy()[inside])
    blue = pixels._levels(pixels.MARK)
    assert (seen.picture[y + 8 * 5, x + 8 * 5 : x + 22 * 5] == blue).all()
    assert (seen.picture[y + 8 * 5 : y + 22 * 5, x + 22 * 5 - 1] == blue).all()
    assert not (seen.picture[y + 8 * 5 - 1, x : x + 140] == blue).all(axis=1).any()
    assert "14 × 14 pixels, rows 8 to 21, columns 8 to 21" in seen.text


def test_two_networks_stand_side_by_side(lenet):
    torch.manual_seed(1)
    other = models.lenet5()
    looks = {"before": layers.Look(lenet), "after": layers.Look(other)}
    both = layers.feature_map_picture(looks, IMAGES[0], "3", 3, 1, 42, label=7)
    for number, name in enumerate(looks):
        maps = looks[name].answer(IMAGES[0]).outputs["3"]
        x = 8 + number * (layers.PANEL + layers.GAP) + layers.MAP[0]
        shown = drawn(both.picture, x, layers.MAP[1], (10, 10), layers.SIDE // 10)
        expected = pixels.signed(maps[3], limit=float(np.abs(maps).max()))
        np.testing.assert_array_equal(shown[:3], expected[:3])
    assert "before: value" in both.text
    assert "after: value" in both.text
    assert "the label is 7" in both.text


def test_two_networks_of_other_layers_are_both_named(lenet):
    variant = models.lenet5()
    variant[1], variant[2] = nn.ReLU(), nn.MaxPool2d(2)
    explorer = feature_maps({"plain": lenet, "variant": variant}, PART)
    assert explorer.controls["layer"].options[1][0] == "1: Sigmoid and ReLU, 6 × 28 × 28"
    explorer.controls["layer"].value = "1"
    assert "Layer 1 (plain: Sigmoid; variant: ReLU), channel 0, row 14" in explorer.seen.text
    assert explorer.seen.text.count("5 × 5 pixels") == 1  # the same of both
    explorer.controls["layer"].value = "0"
    assert "Layer 0 (Conv2d), channel 0" in explorer.seen.text


def test_networks_may_be_named_by_numbers(lenet):
    assert "2: value" in feature_maps({1: lenet, 2: lenet}, PART).seen.text


def test_two_networks_that_see_different_pixels_are_both_told():
    small, large = (
        nn.Sequential(nn.Conv2d(1, 1, size, padding=size // 2), nn.Flatten()) for size in (3, 5)
    )
    looks = {"small": layers.Look(small), "large": layers.Look(large)}
    text = layers.feature_map_picture(looks, IMAGES[0], "0", position=29).text
    assert "small: it depends on 3 × 3 pixels, rows 0 to 2" in text
    assert "large: it depends on 4 × 4 pixels, rows 0 to 3" in text


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (nn.Tanh(), "Tanh works on each number alone:"),
        (nn.BatchNorm2d(2), "BatchNorm2d in evaluation mode, on each number alone:"),
        (nn.BatchNorm2d(2, track_running_stats=False), "BatchNorm2d, at this place:"),
        (nn.LocalResponseNorm(2), "LocalResponseNorm, at this place:"),
    ],
)
def test_only_what_works_on_each_number_alone_is_said_to(layer, expected, monkeypatch):
    network = nn.Sequential(nn.Conv2d(1, 2, 5), layer, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    written = []
    monkeypatch.setattr(pixels.Sheet, "text", lambda *given, **named: written.append(given[3]))
    layers.feature_map_picture({"x": layers.Look(network)}, IMAGES[0], "1")
    assert expected in written
    # the claim itself: of a map in which one number is another, only that one comes out another
    maps = torch.rand(1, 2, 6, 6)
    other = maps.clone()
    other[0, 0, 2, 3] += 5
    changed = (layer.eval()(other) != layer(maps)).sum()
    assert (changed == 1) == ("alone" in expected)


def test_the_padding_of_a_maximum_is_minus_infinity_and_is_drawn_so():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 2, 5), nn.MaxPool2d(3, 2, padding=1), nn.Flatten())
    look = layers.Look(network)
    answer = look.answer(IMAGES[0])
    patch = layers.patch_of(network[1], answer.inputs["1"], 0, 0)
    assert np.isneginf(patch[:, 0]).all()
    assert np.isneginf(patch[:, :, 0]).all()
    np.testing.assert_array_equal(patch.max(axis=(1, 2)), answer.outputs["1"][:, 0, 0])
    seen = layers.feature_map_picture({"net": look}, IMAGES[0], "1")
    x, y = 8 + layers.KERNEL[0], layers.KERNEL[1]
    corners = seen.picture[y + 2 : y + 99 : 33, x + 2 : x + 144 : 48]  # of the nine cells
    grey = (corners == pixels.NOTHING).all(axis=2)
    assert grey.tolist() == [[True] * 3, [True, False, False], [True, False, False]]
    limit = np.abs(patch[0, 1:, 1:]).max()
    tint = pixels.signed(patch[0, 1:, 1:], limit=limit)
    np.testing.assert_array_equal(corners[1:, 1:], tint)


@pytest.mark.parametrize("counted", [True, False])
def test_the_padding_of_a_mean_counts_as_0_or_is_left_out(counted):
    pool = nn.AvgPool2d(3, 2, padding=1, count_include_pad=counted)
    maps = torch.rand(2, 9, 9)
    patch = layers.patch_of(pool, maps, 0, 2)
    mean = patch.mean(axis=(1, 2)) if counted else np.nanmean(patch, axis=(1, 2))
    np.testing.assert_allclose(mean, pool(maps[None])[0, :, 0, 2], rtol=1e-5)


@pytest.mark.parametrize("layer", ["0", "1", "2", "3.conv1", "3", "4.shortcut.0", "6"])
def test_every_kind_of_layer_has_its_picture(residual, layer):
    seen = layers.feature_map_picture({"net": layers.Look(residual)}, IMAGES[0], layer)
    assert seen.picture.shape == (346, layers.WIDTH, 3)
    assert f"Layer {layer} (" in seen.text


def test_many_and_large_maps_are_shown_as_far_as_they_fit():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 300, 7, padding=3), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(300, 10)
    )
    seen = layers.feature_map_picture({"x": layers.Look(network)}, IMAGES[0], "0", 299, 0, 783)
    assert "channel 299, row 27, column 27" in seen.text
    seen = layers.feature_map_picture({"x": layers.Look(network)}, IMAGES[0], "1", 299)
    assert "1 × 1" not in seen.text
    assert "28 × 28 pixels" in seen.text


def test_a_map_larger_than_its_room_shows_the_part_around_the_place():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Upsample(224), nn.Conv2d(1, 2, 3, padding=1), nn.AdaptiveMaxPool2d(1), nn.Flatten(),
        nn.Linear(2, 10),
    )  # fmt: skip
    look = layers.Look(network)
    small = layers.feature_map_picture({"x": look}, IMAGES[0], "2").picture
    maps = look.answer(IMAGES[0]).outputs["1"]
    x, y = 8 + layers.MAP[0], layers.MAP[1]
    for row, column, top, left in ((0, 0, 0, 0), (100, 120, 30, 50), (223, 223, 84, 84)):
        position = 224 * row + column
        seen = layers.feature_map_picture({"x": look}, IMAGES[0], "1", position=position)
        assert f"row {row}, column {column}" in seen.text
        expected = pixels.signed(maps[0, top : top + 140, left : left + 140], 1, np.abs(maps).max())
        shown = seen.picture[y : y + 140, x : x + 140]
        assert np.array_equal(shown[30], expected[30])  # a line without the frame of the place
        bars = np.s_[y : y + 150, x + 144 : layers.PANEL]  # the probabilities' room
        assert np.array_equal(seen.picture[bars], small[bars])


# --- nothing of the network changes ---------------------------------------------------------


def fingerprint(network):
    """Everything of a network that a look could change."""

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
    answer = layers.Look(residual).answer(IMAGES[5])
    expected = copy.deepcopy(residual).eval()(network_input(IMAGES[5])).softmax(dim=1)
    np.testing.assert_allclose(answer.probabilities, expected.detach()[0], atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_another_number_type_is_shown_and_stays(lenet, dtype):
    lenet.to(dtype)
    answer = layers.Look(lenet).answer(IMAGES[0])
    assert answer.outputs["0"].dtype == np.float32
    assert next(lenet.parameters()).dtype == dtype


def test_a_network_elsewhere_is_looked_at_on_the_cpu(lenet, monkeypatch):
    """No second device here: pretend that the weights can't be read where they are."""
    look = layers.Look(lenet)
    moved = []
    original = nn.Module.to

    def to(self, *arguments, **options):
        moved.append(arguments)
        return original(self, *arguments, **options)

    monkeypatch.setattr(nn.Module, "to", to)
    look.answer(IMAGES[0])
    assert moved == [("cpu", torch.float32)]


# --- one forward pass a digit ---------------------------------------------------------------


@pytest.fixture
def passes(monkeypatch):
    """The batch sizes of all forward passes from now on."""
    seen = []
    original = layers.record

    def record(network, images, keep):
        seen.append(len(images))
        return original(network, images, keep)

    monkeypatch.setattr(layers, "record", record)
    return seen


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


def test_only_the_last_digits_are_remembered(lenet, passes):
    look = layers.Look(lenet)
    every = torch.arange(layers.REMEMBERED + 5, dtype=torch.uint8)
    for level in every:
        look.answer(level.expand(28, 28).contiguous())
    assert len(look._answers) == layers.REMEMBERED
    assert len(passes) == len(every)


def test_more_training_shows_in_the_next_picture(lenet):
    explorer = feature_maps(lenet, PART)
    explorer.controls["position"].value = 100
    before = explorer.seen
    optimizer = torch.optim.SGD(lenet.parameters(), lr=1)
    F.cross_entropy(lenet(network_input(IMAGES[0])), torch.tensor([3])).backward()
    optimizer.step()
    explorer.refresh()
    assert explorer.seen.text != before.text
    fresh = feature_maps(lenet, PART)
    fresh.controls["position"].value = 100
    assert explorer.seen.text == fresh.seen.text


def test_a_step_through_data_shows_in_the_next_picture(lenet):
    """torch's own count of a tensor's changes leaves out those through `data`."""
    look = layers.Look(lenet)
    look.answer(IMAGES[0])
    lenet[0].weight.data += 1
    with torch.no_grad():
        expected = lenet[0](network_input(IMAGES[0]))[0]
    np.testing.assert_allclose(look.answer(IMAGES[0]).outputs["0"], expected, atol=1e-5)


def test_another_stride_shows_in_the_next_picture(lenet):
    network = nn.Sequential(nn.Conv2d(1, 2, 5), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    look = layers.Look(network)
    assert look.answer(IMAGES[0]).outputs["0"].shape == (2, 24, 24)
    network[0].stride = (2, 2)  # the same layers with the same weights
    assert look.answer(IMAGES[0]).outputs["0"].shape == (2, 12, 12)
    assert look.field("0", 1, 1) == (2, 6, 2, 6)


def step(network):
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    F.cross_entropy(network(network_input(IMAGES[0])), torch.tensor([3])).backward()
    optimizer.step()


def replace_parameter(network):
    network[0].weight = nn.Parameter(torch.ones(6, 1, 5, 5))


def change_without_gradients(network):
    with torch.no_grad():
        network[0].weight.mul_(2)


def change_data(network):
    network[0].weight.data.mul_(2)


def exchange_data(network):
    network[0].weight.data = torch.ones(6, 1, 5, 5)


def change_through_numpy(network):
    network[0].weight.detach().numpy()[0] += 1  # torch counts nothing here


def change_one_bias(network):
    network[0].bias.data[5] += 1e-3


def load_weights(network):
    network.load_state_dict({name: 2 * one for name, one in network.state_dict().items()})


@pytest.mark.parametrize(
    "change",
    [step, replace_parameter, change_without_gradients, change_data, exchange_data,
     change_through_numpy, change_one_bias, load_weights],
)  # fmt: skip
def test_every_way_to_change_a_weight_shows_in_the_next_picture(lenet, change):
    look = layers.Look(lenet)
    before = look.answer(IMAGES[0]).outputs["0"]
    change(lenet)
    with torch.no_grad():
        expected = lenet[0](network_input(IMAGES[0]))[0].numpy()
    assert np.abs(expected - before).max() > 1e-4
    np.testing.assert_allclose(look.answer(IMAGES[0]).outputs["0"], expected, atol=1e-5)


def test_new_running_statistics_show_in_the_next_picture(residual):
    look = layers.Look(residual)
    before = look.answer(IMAGES[0]).outputs["1"]
    residual.train()(torch.randn(8, 1, 28, 28))
    after = look.answer(IMAGES[0]).outputs["1"]
    expected = residual.eval()[:2](network_input(IMAGES[0])).detach()[0]
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_allclose(after, expected, atol=1e-5)


def test_weights_are_compared_once_a_picture_and_network(lenet, monkeypatch):
    explorer = feature_maps({"before": copy.deepcopy(lenet), "after": lenet}, PART)
    compared = []
    original = layers._equal
    monkeypatch.setattr(layers, "_equal", lambda *tensors: compared.append(1) or original(*tensors))
    for position in (3, 4, 5):
        explorer.controls["position"].value = position
        assert explorer.error is None
    assert len(compared) == 3 * 2


def test_another_activation_shows_in_the_next_picture(lenet):
    look = layers.Look(lenet)
    assert look.answer(IMAGES[0]).outputs["1"].min() > 0  # a sigmoid's
    lenet[1] = nn.ReLU()  # no weight is another
    with torch.no_grad():
        expected = lenet[0](network_input(IMAGES[0]))[0].clamp(min=0)
    np.testing.assert_allclose(look.answer(IMAGES[0]).outputs["1"], expected, atol=1e-5)


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
        layers.Look(lenet).answer(IMAGES[3]).outputs["0"], expected, atol=1e-5
    )
    lenet(network_input(IMAGES[0]))
    assert heard == [2, 1]


def normed(layer):
    nn.utils.weight_norm(layer)


def pruned(layer):
    prune.l1_unstructured(layer, "weight", 0.5)


@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
@pytest.mark.parametrize(
    "change",
    [
        normed,
        pruned,
        nn.utils.parametrizations.weight_norm,
        nn.utils.parametrizations.spectral_norm,
    ],
)
def test_weights_that_torch_computes_are_shown_as_they_are_after_a_step(lenet, change):
    change(lenet[3])
    explorer = feature_maps(lenet, PART)
    assert [name for _, name in explorer.controls["layer"].options] == [str(n) for n in range(6)]
    step(lenet)
    lenet.eval()
    with torch.no_grad():
        expected = lenet[:4](network_input(IMAGES[0]))[0].numpy()
    look = layers.Look(lenet)
    np.testing.assert_allclose(look.answer(IMAGES[0]).outputs["3"], expected, atol=1e-5)
    np.testing.assert_allclose(
        layers.kernel_of(look, "3", 2, 1), lenet[3].weight[2, 1].detach(), atol=1e-6
    )
    explorer.controls["layer"].value = "3"
    assert "Layer 3 (Conv2d), channel 0" in explorer.seen.text


def test_a_compiled_network_is_shown_as_it_was_built(lenet):
    compiled = torch.compile(lenet, backend="eager")
    assert [n for _, n in feature_maps(compiled, PART).controls["layer"].options][:2] == ["0", "1"]


@pytest.mark.parametrize(
    ("channels", "words"),
    [
        (6, "bar: clearly below 0"),
        (16, "dot: clearly below 0"),
        (32, "purple below 0 (bars: large"),
    ],
)
def test_the_legend_of_all_maps_says_where_signs_can_be_seen(channels, words, written):
    """At 4, 2 and 1 pixels for each number."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, channels, 5, padding=2), nn.Flatten())
    layers.feature_map_picture({"net": layers.Look(network)}, IMAGES[0], "0")
    [(legend, size)] = [(one[2], one[3]) for one in written if "maps: full colour" in one[2]]
    assert words in legend
    assert pixels.font(size).getlength(legend) <= layers.PANEL


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
    assert "it depends on 7 × 7 pixels" in explorer.seen.text


def test_a_layer_that_was_exchanged_for_a_larger_one_is_told(lenet):
    explorer = feature_maps(lenet, PART)
    lenet[0], lenet[3] = nn.Conv2d(1, 8, 5, padding=2), nn.Conv2d(8, 16, 5)
    for layer in ("3", "2", "0"):  # of the first of them only the input channels are more
        explorer.controls["layer"].value = layer
        assert explorer.seen.text.endswith(layers.EXCHANGED)
        assert explorer.error is None
    explorer.controls["layer"].value = "4"  # as it was
    assert layers.EXCHANGED not in explorer.seen.text
    again = feature_maps(lenet, PART)
    again.controls["layer"].value = "3"
    assert (again.controls["source"].max, again.error) == (7, None)
    assert layers.EXCHANGED not in again.seen.text


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


def test_weights_that_are_no_numbers_from_the_start(lenet):
    nn.init.constant_(lenet[0].weight, torch.inf)
    with pytest.raises(ExplorerError, match="smaller learning rate"):
        feature_maps(lenet, PART)


def test_a_network_on_the_meta_device():
    with torch.device("meta"):
        network = nn.Sequential(nn.Conv2d(1, 2, 5), nn.Flatten(), nn.Linear(2 * 24 * 24, 10))
    with pytest.raises(ExplorerError, match="holds no numbers"):
        feature_maps(network, PART)


@pytest.mark.filterwarnings("ignore:Lazy modules")
def test_a_network_without_weights_yet():
    network = nn.Sequential(nn.LazyConv2d(3, 5), nn.Flatten(), nn.LazyLinear(10))
    with pytest.raises(ExplorerError, match="run it once"):
        feature_maps(network, PART)
    assert isinstance(network[0], nn.LazyConv2d)


class Unusual(nn.Module):
    """A convolution called by keyword, maps made of numbers, one layer used twice."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 2, 3, padding=1)
        self.again = nn.Conv2d(2, 2, 3, padding=1)
        self.squares = nn.Unflatten(1, (2, 28, 28))
        self.linear = nn.Linear(2 * 28 * 28, 10)

    def forward(self, images):
        maps = self.first(input=images)
        maps = self.again(self.again(maps)).flatten(1)
        return self.linear(self.squares(maps).flatten(1))


def test_an_unusual_network_is_shown_too():
    torch.manual_seed(0)
    network = Unusual()
    explorer = feature_maps(network, PART)
    for name in ("first", "again", "squares"):
        explorer.controls["layer"].value = name
        assert explorer.error is None
    answer = layers.Look(network).answer(IMAGES[0])
    with torch.no_grad():
        maps = network.first(network_input(IMAGES[0]))
        np.testing.assert_allclose(answer.inputs["again"], maps[0], atol=1e-6)
        np.testing.assert_allclose(answer.outputs["again"], network.again(maps)[0], atol=1e-6)


class Keeping(nn.Sequential):
    """A network that keeps the maps of its last pass, with their graph."""

    def forward(self, images):
        self.maps = self[0](images)
        return self[2](self[1](self.maps))


def test_a_network_that_keeps_its_maps_is_shown_and_keeps_them():
    network = Keeping(nn.Conv2d(1, 2, 5), nn.Flatten(), nn.Linear(2 * 24 * 24, 10))
    network(network_input(IMAGES[1]))
    maps, before = network.maps, network.maps.tolist()
    answer = layers.Look(network).answer(IMAGES[0])
    assert network.maps is maps
    assert maps.tolist() == before
    assert maps.grad_fn is not None
    with torch.no_grad():
        expected = network[0](network_input(IMAGES[0]))[0]
    np.testing.assert_allclose(answer.outputs["0"], expected, atol=1e-6)


class Failing(nn.Module):
    """A student's network with a mistake, or with two outputs."""

    def __init__(self, mistake):
        super().__init__()
        self.mistake = mistake
        self.conv = nn.Conv2d(1, 10, 28)

    def forward(self, images):
        return {"missing": lambda: {}["key"], "pair": lambda: (self.conv(images), images)}[
            self.mistake
        ]()


class Hoarding(Keeping):
    """A network that keeps the maps of all passes, with their graphs."""

    def forward(self, images):
        logits = super().forward(images)
        self.every = [*getattr(self, "every", []), self.maps]
        return logits


def test_a_network_that_can_not_be_copied():
    network = Hoarding(nn.Conv2d(1, 2, 5), nn.Flatten(), nn.Linear(2 * 24 * 24, 10))
    for image in IMAGES[:2]:
        network(network_input(image))
    with pytest.raises(ExplorerError, match="can't be copied"):
        feature_maps(network, PART)
    assert len(network.every) == 2


class Logarithm(nn.Module):
    def forward(self, values):
        return values.log()


def test_answers_that_are_no_numbers_though_the_weights_are():
    network = nn.Sequential(nn.Conv2d(1, 10, 28), nn.Flatten(), nn.ReLU(), Logarithm(), Logarithm())
    with pytest.raises(ExplorerError, match="answers to this digit are no numbers"):
        layers.Look(network).answer(IMAGES[0])


def test_a_mistake_in_the_students_own_forward():
    with pytest.raises(ExplorerError, match="can't take images.*KeyError"):
        feature_maps(Failing("missing"), PART)
    assert "expected logits" in feature_maps(Failing("pair"), PART).problem.value


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        (nn.Sequential(nn.Conv2d(3, 2, 5), nn.Flatten()), "can't take images of the shape"),
        (nn.Sequential(nn.Conv2d(1, 2, 5), nn.Flatten(), nn.Linear(7, 10)), "can't take images"),
        (nn.Sequential(nn.Conv2d(1, 2, 5)), "expected logits"),
    ],
)
def test_a_network_that_does_not_read_digits(network, sentence):
    with pytest.raises(ExplorerError, match=sentence):
        layers.Look(network).answer(IMAGES[0])


def test_images_of_another_size(lenet):
    look = {"net": layers.Look(lenet)}
    for image in (torch.zeros(32, 32, dtype=torch.uint8), torch.zeros(28, 28), IMAGES[:1]):
        with pytest.raises(ExplorerError, match="expected an image of"):
            layers.feature_map_picture(look, image, "0")
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
        layers.feature_map_picture({"net": layers.Look(lenet)}, IMAGES[0], **settings)


def test_two_networks_must_be_built_alike(lenet, residual):
    other = feature_maps({"one": lenet, "other": residual}, PART)
    assert "side by side must be built alike" in other.problem.value
    wide, narrow = (
        nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3, groups=groups), nn.Flatten())
        for groups in (1, 2)
    )
    looks = {"wide": layers.Look(wide), "narrow": layers.Look(narrow)}
    with pytest.raises(ExplorerError, match="different numbers of input channels"):
        layers.feature_map_picture(looks, IMAGES[0], "1", source=3)
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
    looks = {"your network": layers.Look(lenet)}
    for value in values:
        explorer.controls[name].value = value
        now = explorer.settings
        digit = now.pop("digit")
        label = int(PART.labels[digit])
        expected = layers.feature_map_picture(looks, IMAGES[digit], **now, label=label)
        shown = np.asarray(Image.open(io.BytesIO(explorer.picture.frames[0])))
        np.testing.assert_array_equal(shown, expected.picture)
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
