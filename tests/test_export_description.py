"""A network described for the page computes what torch computes, and others are refused."""

import base64
import json

import pytest
import torch
from test_web import in_node, pytestmark  # noqa: F401  # skips where there is no Node.js
from torch import nn
from torch.nn import functional as F

from mnist_course import data, export, models, probe, recipes, web
from mnist_course.names import Network
from mnist_course.training import Recipe, fit

# Runs a described network on every image, and writes the values of all nodes one after another.
RUN = """
import { readFileSync, writeFileSync } from "node:fs";
import { Network, normalised } from "FORWARD";
const description = JSON.parse(readFileSync("DESCRIPTION"));
const network = new Network(description, readFileSync("WEIGHTS"));
const images = readFileSync("IMAGES");
const found = [];
for (let start = 0; start < images.length; start += 784) {
  const image = normalised(images.subarray(start, start + 784), description.normalisation);
  found.push(...network.run(image).map((one) => Buffer.from(Float32Array.from(one).buffer)));
  found.push(Buffer.from(network.probabilities().buffer));
}
writeFileSync("FOUND", Buffer.concat(found));
"""


def in_the_page(network, images, folder):
    """What `forward.js` computes for each image: a list of (values by node name, probabilities)."""
    description, weights = export.describe(network)
    paths = {name: folder / name for name in ("DESCRIPTION", "WEIGHTS", "IMAGES", "FOUND")}
    paths["DESCRIPTION"].write_text(json.dumps(description), encoding="utf-8")
    paths["WEIGHTS"].write_bytes(weights)
    paths["IMAGES"].write_bytes(images.numpy().tobytes())
    script = base64.b64encode((web.FOLDER / "forward.js").read_bytes()).decode()
    code = RUN.replace("FORWARD", f"data:text/javascript;base64,{script}")
    for name, path in paths.items():
        code = code.replace(f'"{name}"', json.dumps(str(path)))
    in_node(code=code)
    found = torch.frombuffer(bytearray(paths["FOUND"].read_bytes()), dtype=torch.float32)
    shapes = [node["shape"] for node in description["nodes"]]
    lengths = [*(torch.Size(shape).numel() for shape in shapes), 10]
    parts = iter(found.split(lengths * len(images)))
    for _ in images:
        values = {node["name"]: next(parts).reshape(node["shape"]) for node in description["nodes"]}
        yield values, next(parts)


def assert_the_same(network, images, folder):
    """Logits, probabilities and the maps of all layers, to 1e-4 of the largest amount."""
    network.eval()
    pixels = data.normalise(data.scale(images))
    for one, (values, probabilities) in zip(
        pixels, in_the_page(network, images, folder), strict=True
    ):
        with torch.no_grad():
            logits = network(one[None])[0]
        inspection = probe.inspect(network, one[None])
        compared = [(list(values.values())[-1], logits), (probabilities, logits.softmax(0))]
        for name, maps in inspection.outputs.items():
            if name in values:  # a block has no number of its own: its layers have
                compared.append((values[name], torch.from_numpy(maps)))
        assert len(compared) > 2 or not inspection.outputs
        for found, expected in compared:
            tolerance = 1e-4 * max(1, expected.abs().max().item())
            torch.testing.assert_close(found, expected, rtol=0, atol=tolerance)


def unsettle(network):
    """Other statistics and factors than a new network has, where it has batch norm."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for tensor in (layer.running_mean, layer.bias.data):
                tensor.uniform_(-0.5, 0.5)
            for tensor in (layer.running_var, layer.weight.data):
                tensor.uniform_(0.5, 1.5)
    return network


@pytest.mark.parametrize("name", recipes.NETWORKS)
def test_every_network_of_the_course_computes_in_the_page_what_torch_does(name, tmp_path):
    torch.manual_seed(0)
    network = unsettle(recipes.NETWORKS[name][0]())
    count = 1 if name == Network.A else 4  # it takes half a second an image in the page
    images = torch.randint(256, (count, 28, 28), dtype=torch.uint8)
    assert_the_same(network, images, tmp_path)


@pytest.mark.parametrize("build", [models.lenet5, models.lenet5_variant, models.residual_network])
def test_a_trained_network_does_so_for_digits(build, few, tmp_path):
    torch.manual_seed(0)
    network = build()
    fit(network, few, Recipe(epochs=2, batch_size=50, optimizer="adam", learning_rate=0.003))
    assert_the_same(network, few.validation.images[:20], tmp_path)


class Own(nn.Module):
    """What students write: a class of their own, with functions in its forward."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 5, (3, 2), stride=(2, 3), padding=(2, 1))
        self.second = nn.Conv2d(5, 5, 3, padding="same", bias=False)
        self.pool = nn.AvgPool2d(3, stride=2, padding=1)
        self.last = nn.Linear(5 * 8 * 5, 10)

    def forward(self, images):
        maps = torch.tanh(self.first(images))
        maps = F.leaky_relu(maps) if self.training else maps
        maps = self.pool(torch.relu(self.second(maps)) + maps)
        return self.last(maps.view(images.size(0), -1))


@pytest.mark.parametrize(
    "build",
    [
        Own,
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 77), nn.Tanh(), nn.Linear(77, 10)),
        lambda: nn.Sequential(
            nn.Conv2d(1, 6, 3, bias=False), nn.LeakyReLU(0.2), nn.MaxPool2d(3, 2, padding=1),
            nn.ZeroPad2d((1, 2, 0, -3)), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 10),
            nn.Softmax(dim=1),
        ),
    ],
)  # fmt: skip
def test_a_students_own_network_does_so(build, tmp_path):
    torch.manual_seed(0)
    images = torch.randint(256, (3, 28, 28), dtype=torch.uint8)
    network = build()
    if isinstance(list(network.children())[-1], nn.Softmax):
        [(values, probabilities), *_] = in_the_page(network, images, tmp_path)
        with torch.no_grad():
            expected = network(data.normalise(data.scale(images[:1])))[0]
        torch.testing.assert_close(probabilities, expected, rtol=0, atol=1e-4)
        return
    assert_the_same(network, images, tmp_path)


def test_the_network_stays_as_it_is(residual):
    residual.train()
    before = {name: value.clone() for name, value in residual.state_dict().items()}
    export.describe(residual)
    assert residual.training
    for name, value in residual.state_dict().items():
        assert torch.equal(value, before[name])


@pytest.mark.parametrize("name", recipes.NETWORKS)
def test_a_description_is_plain_and_counts_the_work(name):
    network = recipes.NETWORKS[name][0]()
    description, weights = export.describe(network)
    assert json.loads(json.dumps(description)) == description
    assert description["multiply_accumulates"] == probe.multiply_accumulates(network)
    batch_norms = [one for one in network.modules() if isinstance(one, nn.BatchNorm2d)]
    assert len(weights) == 4 * sum(one.numel() for one in network.parameters())
    assert len(batch_norms) == sum(one["kind"] == "batch_norm" for one in description["nodes"])


class Calls(nn.Module):
    def __init__(self, forward):
        super().__init__()
        self.layer = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
        self._forward = forward

    def forward(self, images):
        return self._forward(self.layer(images))


def overwritten(logits):
    changed = F.relu(logits, inplace=True)
    return changed + logits


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.GELU(), nn.Flatten()), "layer 1 is a GELU, which"),
        (nn.Sequential(nn.Conv2d(1, 2, 3, dilation=2), nn.Flatten()), "layer 0 has groups, dil"),
        (
            nn.Sequential(nn.Conv2d(1, 2, 3, padding_mode="reflect", padding=1), nn.Flatten()),
            "a padding mode of its own",
        ),
        (nn.Sequential(nn.MaxPool2d(3, ceil_mode=True), nn.Flatten()), "besides size, stride"),
        (
            nn.Sequential(nn.AvgPool2d(2, padding=1, count_include_pad=False), nn.Flatten()),
            "besides size, stride",
        ),
        (nn.Sequential(nn.AdaptiveMaxPool2d(2), nn.Flatten()), "one number a map"),
        (nn.Sequential(nn.BatchNorm2d(1, track_running_stats=False), nn.Flatten()), "running sta"),
        (nn.Sequential(nn.Linear(28, 10), nn.Flatten()), "flatten before it"),
        (nn.Sequential(nn.Conv2d(1, 2, 3)), "expected logits of the shape"),
        (Calls(lambda logits: logits if logits.sum() > 0 else -logits), "depends on its numbers"),
        (Calls(lambda logits: logits * 2), "calls 'mul'"),
        (Calls(lambda logits: logits + 1), "calls 'add'"),
        (Calls(lambda logits: logits.mean(dim=0, keepdim=True)), "calls 'mean'"),
        (Calls(overwritten), "leave out inplace=True"),
    ],
)  # fmt: skip
def test_what_the_page_cant_compute_is_refused_in_a_sentence(network, sentence):
    with pytest.raises(export.DescriptionError, match=sentence.replace("(", r"\(")):
        export.describe(network)


def test_a_network_that_cant_take_digits_is_refused():
    with pytest.raises(probe.InspectionError, match="can't take images"):
        export.describe(nn.Linear(5, 10))
