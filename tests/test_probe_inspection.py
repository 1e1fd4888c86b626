"""The inspector computes what the network computes, follows its changes, and leaves it alone."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import prune

from mnist_course import data, probe
from mnist_course.probe import inspection

GENERATOR = torch.Generator().manual_seed(0)
IMAGES = torch.randint(0, 256, (12, 28, 28), dtype=torch.uint8, generator=GENERATOR)


def network_input(image):
    return data.normalise(data.scale(image[None]))


def test_maps_and_probabilities_are_the_networks(residual):
    found = probe.Inspector(residual).inspect(network_input(IMAGES[0]))
    expected = probe.activations(residual, network_input(IMAGES[0]))
    for name in ("0", "1", "2", "3.conv1", "4.shortcut.0", "5.norm2"):
        np.testing.assert_allclose(found.outputs[name], expected[name][0], atol=1e-5)
    residual.eval()
    with torch.no_grad():
        logits = residual(network_input(IMAGES[0]))
        stem = residual[:3](network_input(IMAGES[0]))
        np.testing.assert_allclose(found.outputs["3"], residual[3](stem)[0], atol=1e-5)
    np.testing.assert_allclose(found.probabilities, logits.softmax(dim=1)[0], atol=1e-6)
    assert "6" in found.outputs  # pooled to 1 × 1, still maps
    assert "7" not in found.outputs  # flattened: no maps


def test_a_layer_that_works_in_place_does_not_spoil_the_maps_before_it():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 3, 5), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    found = probe.Inspector(network).inspect(network_input(IMAGES[0]))
    convolved = F.conv2d(network_input(IMAGES[0]), network[0].weight, network[0].bias)[0].detach()
    np.testing.assert_allclose(found.outputs["0"], convolved, atol=1e-5)
    np.testing.assert_allclose(found.inputs["1"], convolved, atol=1e-5)
    np.testing.assert_allclose(found.outputs["1"], convolved.relu(), atol=1e-5)
    assert found.outputs["0"].min() < 0


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
    inspector = probe.Inspector(nn.Sequential(layer))
    maps = torch.randn(4, 11, 12)
    with torch.no_grad():
        expected = layer(maps[None])[0].numpy()
    _, height, width = expected.shape
    for row, column in ((0, 0), (height // 2, width // 3), (height - 1, width - 1)):
        patch = probe.patch(layer, maps, row, column)
        for channel in (0, 5):
            sources = probe.source_channels(layer)
            first = channel // (6 // layer.groups) * sources
            total = sum(
                (inspector.kernel("0", channel, source) * patch[first + source]).sum()
                for source in range(sources)
            )
            bias = 0 if layer.bias is None else layer.bias[channel].item()
            assert total + bias == pytest.approx(expected[channel, row, column], abs=1e-5)


@pytest.mark.parametrize("layer", [nn.MaxPool2d(2), nn.AvgPool2d(3, stride=2)])
def test_the_window_of_a_pooling_layer_is_torchs(layer):
    maps = torch.randn(2, 9, 9)
    expected = layer(maps[None])[0]
    patch = torch.from_numpy(probe.patch(layer, maps, 2, 3))
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
        assert probe.Inspector(lenet).receptive_field(layer, *place) == expected


def test_receptive_fields_are_where_gradients_are(residual):
    """With weights and inputs above 0 nothing cancels: a pixel counts where its slope is not 0."""
    twin = copy.deepcopy(residual).eval()
    for layer in twin.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.constant_(layer.weight, 0.01)
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
    inspector = probe.Inspector(residual)
    for depth, name in ((1, "0"), (4, "3"), (5, "4"), (6, "5")):
        image = torch.ones(1, 1, 28, 28, requires_grad=True)
        maps = twin[:depth](image)[0, 0]
        for row, column in ((0, 0), (2, 3), (maps.shape[0] - 1, maps.shape[1] - 1)):
            [slopes] = torch.autograd.grad(maps[row, column], image, retain_graph=True)
            rows, columns = slopes[0, 0].nonzero().unbind(1)
            expected = (rows.min(), rows.max(), columns.min(), columns.max())
            assert inspector.receptive_field(name, row, column) == tuple(
                int(line) for line in expected
            )


@pytest.mark.parametrize("counted", [True, False])
def test_the_padding_of_a_mean_counts_as_0_or_is_left_out(counted):
    pool = nn.AvgPool2d(3, 2, padding=1, count_include_pad=counted)
    maps = torch.rand(2, 9, 9)
    patch = probe.patch(pool, maps, 0, 2)
    mean = patch.mean(axis=(1, 2)) if counted else np.nanmean(patch, axis=(1, 2))
    np.testing.assert_allclose(mean, pool(maps[None])[0, :, 0, 2], rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_another_number_type_is_shown_and_stays(lenet, dtype):
    lenet.to(dtype)
    found = probe.Inspector(lenet).inspect(network_input(IMAGES[0]))
    assert found.outputs["0"].dtype == np.float32
    assert next(lenet.parameters()).dtype == dtype


def test_a_network_elsewhere_is_inspected_on_the_cpu(lenet, monkeypatch):
    """No second device here: pretend that the weights can't be read where they are."""
    inspector = probe.Inspector(lenet)
    moved = []
    original = nn.Module.to

    def to(self, *arguments, **options):
        moved.append(arguments)
        return original(self, *arguments, **options)

    monkeypatch.setattr(nn.Module, "to", to)
    inspector.inspect(network_input(IMAGES[0]))
    assert moved == [("cpu", torch.float32)]


def test_only_the_last_digits_are_remembered(lenet, passes):
    inspector = probe.Inspector(lenet)
    every = torch.arange(inspection.REMEMBERED + 5, dtype=torch.uint8)
    for level in every:
        inspector.inspect(network_input(level.expand(28, 28)))
    assert len(inspector._inspections) == inspection.REMEMBERED
    assert len(passes) == len(every)


def test_a_step_through_data_shows_in_the_next_inspection(lenet):
    """torch's own count of a tensor's changes leaves out those through `data`."""
    inspector = probe.Inspector(lenet)
    inspector.inspect(network_input(IMAGES[0]))
    lenet[0].weight.data += 1
    with torch.no_grad():
        expected = lenet[0](network_input(IMAGES[0]))[0]
    np.testing.assert_allclose(
        inspector.inspect(network_input(IMAGES[0])).outputs["0"], expected, atol=1e-5
    )


def test_another_stride_shows_in_the_next_inspection(lenet):
    network = nn.Sequential(nn.Conv2d(1, 2, 5), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    inspector = probe.Inspector(network)
    assert inspector.inspect(network_input(IMAGES[0])).outputs["0"].shape == (2, 24, 24)
    network[0].stride = (2, 2)  # the same layers with the same weights
    assert inspector.inspect(network_input(IMAGES[0])).outputs["0"].shape == (2, 12, 12)
    assert inspector.receptive_field("0", 1, 1) == (2, 6, 2, 6)


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
def test_every_way_to_change_a_weight_shows_in_the_next_inspection(lenet, change):
    inspector = probe.Inspector(lenet)
    before = inspector.inspect(network_input(IMAGES[0])).outputs["0"]
    change(lenet)
    with torch.no_grad():
        expected = lenet[0](network_input(IMAGES[0]))[0].numpy()
    assert np.abs(expected - before).max() > 1e-4
    np.testing.assert_allclose(
        inspector.inspect(network_input(IMAGES[0])).outputs["0"], expected, atol=1e-5
    )


def test_new_running_statistics_show_in_the_next_inspection(residual):
    inspector = probe.Inspector(residual)
    before = inspector.inspect(network_input(IMAGES[0])).outputs["1"]
    residual.train()(torch.randn(8, 1, 28, 28))
    after = inspector.inspect(network_input(IMAGES[0])).outputs["1"]
    expected = residual.eval()[:2](network_input(IMAGES[0])).detach()[0]
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_allclose(after, expected, atol=1e-5)


def test_another_activation_shows_in_the_next_inspection(lenet):
    inspector = probe.Inspector(lenet)
    assert inspector.inspect(network_input(IMAGES[0])).outputs["1"].min() > 0  # a sigmoid's
    lenet[1] = nn.ReLU()  # no weight is another
    with torch.no_grad():
        expected = lenet[0](network_input(IMAGES[0]))[0].clamp(min=0)
    np.testing.assert_allclose(
        inspector.inspect(network_input(IMAGES[0])).outputs["1"], expected, atol=1e-5
    )


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
    inspector = probe.Inspector(lenet)
    assert list(inspector.map_shapes()) == [str(number) for number in range(6)]
    step(lenet)
    lenet.eval()
    with torch.no_grad():
        expected = lenet[:4](network_input(IMAGES[0]))[0].numpy()
    np.testing.assert_allclose(
        inspector.inspect(network_input(IMAGES[0])).outputs["3"], expected, atol=1e-5
    )
    np.testing.assert_allclose(
        inspector.kernel("3", 2, 1), lenet[3].weight[2, 1].detach(), atol=1e-6
    )
    assert probe.kind_name(inspector.layers["3"]) == "Conv2d"


def test_weights_that_are_no_numbers_from_the_start(lenet):
    nn.init.constant_(lenet[0].weight, torch.inf)
    with pytest.raises(probe.InspectionError, match="smaller learning rate"):
        probe.Inspector(lenet).copy()


def test_a_network_on_the_meta_device():
    with torch.device("meta"):
        network = nn.Sequential(nn.Conv2d(1, 2, 5), nn.Flatten(), nn.Linear(2 * 24 * 24, 10))
    with pytest.raises(probe.InspectionError, match="holds no numbers"):
        probe.Inspector(network).copy()


@pytest.mark.filterwarnings("ignore:Lazy modules")
def test_a_network_without_weights_yet():
    network = nn.Sequential(nn.LazyConv2d(3, 5), nn.Flatten(), nn.LazyLinear(10))
    with pytest.raises(probe.InspectionError, match="run it once"):
        probe.Inspector(network).copy()
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


def test_an_unusual_network_is_inspected_too():
    torch.manual_seed(0)
    network = Unusual()
    found = probe.Inspector(network).inspect(network_input(IMAGES[0]))
    assert list(found.outputs) == ["first", "again", "squares"]
    with torch.no_grad():
        maps = network.first(network_input(IMAGES[0]))
        np.testing.assert_allclose(found.inputs["again"], maps[0], atol=1e-6)
        np.testing.assert_allclose(found.outputs["again"], network.again(maps)[0], atol=1e-6)


class Keeping(nn.Sequential):
    """A network that keeps the maps of its last pass, with their graph."""

    def forward(self, images):
        self.maps = self[0](images)
        return self[2](self[1](self.maps))


def test_a_network_that_keeps_its_maps_is_shown_and_keeps_them():
    network = Keeping(nn.Conv2d(1, 2, 5), nn.Flatten(), nn.Linear(2 * 24 * 24, 10))
    network(network_input(IMAGES[1]))
    maps, before = network.maps, network.maps.tolist()
    found = probe.Inspector(network).inspect(network_input(IMAGES[0]))
    assert network.maps is maps
    assert maps.tolist() == before
    assert maps.grad_fn is not None
    with torch.no_grad():
        expected = network[0](network_input(IMAGES[0]))[0]
    np.testing.assert_allclose(found.outputs["0"], expected, atol=1e-6)


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
    with pytest.raises(probe.InspectionError, match="can't be copied"):
        probe.Inspector(network).copy()
    assert len(network.every) == 2


class Logarithm(nn.Module):
    def forward(self, values):
        return values.log()


def test_logits_that_are_no_numbers_though_the_weights_are():
    network = nn.Sequential(nn.Conv2d(1, 10, 28), nn.Flatten(), nn.ReLU(), Logarithm(), Logarithm())
    with pytest.raises(probe.InspectionError, match="logits for this digit are no numbers"):
        probe.Inspector(network).inspect(network_input(IMAGES[0]))


def test_a_mistake_in_the_students_own_forward():
    with pytest.raises(probe.InspectionError, match="can't take images.*KeyError"):
        probe.Inspector(Failing("missing")).map_shapes()
    with pytest.raises(probe.InspectionError, match="expected logits"):
        probe.Inspector(Failing("pair")).inspect(network_input(IMAGES[0]))


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        (nn.Sequential(nn.Conv2d(3, 2, 5), nn.Flatten()), "can't take images of the shape"),
        (nn.Sequential(nn.Conv2d(1, 2, 5), nn.Flatten(), nn.Linear(7, 10)), "can't take images"),
        (nn.Sequential(nn.Conv2d(1, 2, 5)), "expected logits"),
    ],
)
def test_a_network_that_does_not_read_digits(network, sentence):
    with pytest.raises(probe.InspectionError, match=sentence):
        probe.Inspector(network).inspect(network_input(IMAGES[0]))
