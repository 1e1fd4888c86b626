"""The network explorer and the shift explorer: what they send, what they refuse, what they leave.

What the page computes with it is compared with torch in test_export_description.py; here the
diagram's own arithmetic and receptive fields are, in Node.js.
"""

import base64
import io
import json

import numpy as np
import pytest
import torch
from PIL import Image
from test_export_description import unsettle
from test_web import NODE, in_node
from torch import nn

from mnist_course import data, export, models, probe, recipes, web, widgets, writeups

needs_node = pytest.mark.skipif(NODE is None, reason="there is no Node.js")


@pytest.fixture
def connected():
    """A fully connected network."""
    torch.manual_seed(1)
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 77), nn.ReLU(), nn.Linear(77, 10))


# --- what is sent -------------------------------------------------------------------------


def test_network_digits_and_labels_are_sent_once(lenet, digits):
    part = digits.validation
    explorer = widgets.network_explorer(lenet, part, normalisation=(0.5, 0.25))
    description, weights = export.describe(lenet, normalisation=(0.5, 0.25))
    assert (explorer.descriptions, explorer.weights) == ([description], [weights])
    assert explorer.digits == part.images[:200].numpy().tobytes()
    assert explorer.labels == part.labels[:200].tolist()
    assert np.frombuffer(weights, "<f4").size == 61_706


def test_each_network_is_sent_with_its_name(lenet, connected, few):
    explorer = widgets.shift_explorer({"LeNet-5": lenet, "full": connected}, few.validation[:3])
    assert explorer.names == ["LeNet-5", "full"]
    assert explorer.weights == [export.describe(one)[1] for one in (lenet, connected)]
    assert len(explorer.digits) == 3 * 784


def test_one_network_needs_no_name(lenet, few):
    assert widgets.shift_explorer(lenet, few.validation).names == ["your network"]


def test_an_explorer_shows_the_network_as_it_was_made_with(lenet, few):
    explorer = widgets.network_explorer(lenet, few.validation)
    before = explorer.weights[0]
    with torch.no_grad():
        lenet[0].weight.zero_()
    assert explorer.weights[0] == before
    assert widgets.network_explorer(lenet, few.validation).weights[0] != before


def test_what_is_sent_depends_on_no_default_of_torch(lenet, few, other_default):
    explorer = widgets.network_explorer(lenet, few.validation)
    torch.set_default_device(None)
    torch.set_default_dtype(torch.float32)
    expected = widgets.network_explorer(lenet, few.validation)
    assert explorer.descriptions == expected.descriptions
    assert explorer.weights == expected.weights
    assert explorer.still == expected.still


# --- what is refused ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "error", "sentence"),
    [
        ("lenet", widgets.ExplorerError, "expected a network"),
        (writeups.network_a(), widgets.ExplorerError, "478 million multiply-accumulates"),
        (models.voting_networks(), widgets.ExplorerError, r"such as network.networks\[0\]"),
        (nn.Sequential(nn.Flatten(), nn.Linear(784, 3)), widgets.ExplorerError, "ten classes"),
        (nn.Sequential(nn.Flatten(), nn.GELU()), export.DescriptionError, "is a GELU"),
        (nn.Linear(5, 10), probe.InspectionError, "can't take images"),
    ],
)
def test_a_network_that_cant_be_shown_is_refused(network, error, sentence, few):
    with pytest.raises(error, match=sentence):
        widgets.network_explorer(network, few.validation)


@pytest.mark.parametrize("networks", [{}, dict.fromkeys("abcd")])
def test_one_to_three_networks_are_compared(networks, few):
    with pytest.raises(widgets.ExplorerError, match="one to three networks, got"):
        widgets.shift_explorer(networks, few.validation)


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        (lambda part: part.images, "expected images with their labels"),
        (lambda part: part[:0], "at least one"),
        (lambda part: data.Part(part.images.float(), part.labels), r"bytes \(torch.uint8\)"),
        (lambda part: data.Part(part.images[:, :20], part.labels), r"shape \(N, 28, 28\)"),
    ],
)
def test_anything_but_digits_is_refused(part, sentence, lenet, few):
    with pytest.raises(widgets.ExplorerError, match=sentence):
        widgets.network_explorer(lenet, part(few.validation))


# --- the still picture --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["network", "shift"])
def test_a_still_picture_says_what_the_network_does(name, residual, few):
    make = {"network": widgets.network_explorer, "shift": widgets.shift_explorer}[name]
    bundle, *_ = explorer_bundle(make(residual, few.validation))
    image = few.validation.images[0]
    if name == "shift":
        moved = torch.zeros_like(image)
        moved[:, 3:] = image[:, :-3]
        image = moved
    with torch.no_grad():
        logits = residual.eval()(data.normalise(data.scale(image[None])))[0]
    assert f"says {logits.argmax()} with {logits.softmax(0).max():.0%}" in bundle["text/plain"]
    assert f"label is {few.validation.labels[0]}" in bundle["text/plain"] or name == "shift"
    shape = np.asarray(Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))).shape
    assert shape[:2] == (400, 900)
    assert bundle["text/html"].count("data:image/png") == 2  # for light and for dark pages


def explorer_bundle(explorer):
    bundle = explorer._repr_mimebundle_()
    return bundle if isinstance(bundle, tuple) else (bundle,)


# --- the page's code ---------------------------------------------------------------------


@needs_node
@pytest.mark.parametrize("name", ["network.js", "shift.js"])
def test_the_modules_of_an_explorer_fit_into_one(name):
    """Two of them with the same name at their top level would be an error."""
    in_node("--check", code=web.module(name))


# --- the page's arithmetic ----------------------------------------------------------------

# For places of each stage of a network: what `stages.js` says of them.
WORK = """
const { description, weights, image } = GIVEN;
const network = new Network(description, weights);
network.runDigit(bytesOf(image));
const stages = stagesOf(network);
const found = stages.map((stage, number) => {
  const [channels, height, width] = stage.shape;
  const corners = [[0, 0, 0], [channels - 1, height - 1, width - 1],
    [channels >> 1, height >> 1, width >> 1], [0, height - 1, 0]];
  return {
    node: network.nodes[stage.head], out: network.nodes[stage.out].name,
    from: stage.from, title: stage.title, steps: stage.steps, shape: stage.shape,
    places: corners.map(([channel, row, column]) => {
      const place = { stage: number, channel, row, column };
      const work = workOf(network, stages, place);
      work.terms = [...work.terms];
      const value = network.values[stage.out][indexOf(stage.shape, place)];
      return { place, work, value, fields: fieldsOf(network, stages, place) };
    }),
  };
});
console.log(JSON.stringify(found));
"""


def stages(network, image):
    """What the page's diagram makes of a network and an image: a list of stages."""
    description, weights = export.describe(network)
    given = {
        "description": description,
        "weights": base64.b64encode(weights).decode(),
        "image": base64.b64encode(image.numpy().tobytes()).decode(),
    }
    code = web.module("stages.js") + WORK.replace("GIVEN", json.dumps(given))
    return json.loads(in_node(code=code))


ALL = [name for name in recipes.NETWORKS if name not in ("a", "residual-long")]


@needs_node
@pytest.mark.parametrize("name", ALL)
def test_the_sum_behind_a_number_gives_that_number(name, few):
    torch.manual_seed(0)
    network = unsettle(recipes.NETWORKS[name][0]()).eval()
    found = stages(network, few.validation.images[0])
    for stage in found:
        for one in stage["places"]:
            work = one["work"]
            assert work["value"] == one["value"]
            if stage["node"]["kind"] in ("conv", "linear"):
                sums = sum(work["terms"]) + work["bias"]
                assert sums == pytest.approx(work["head"], abs=1e-4)
            before = work["head"]
            for step in work["steps"]:
                assert step["before"] == before
                expected = {
                    "batch_norm": lambda step=step: step["before"] * step["scale"] + step["shift"],
                    "relu": lambda step=step: max(step["before"], 0),
                    "sigmoid": lambda step=step: torch.tensor(step["before"]).sigmoid().item(),
                }.get(step["kind"])
                if expected:
                    assert step["after"] == pytest.approx(expected(), abs=1e-4)
                before = step["after"]
    assert len(found[-1]["node"]["shape"]) == 1


@needs_node
def test_the_stages_of_lenet_are_those_of_the_book(lenet, few):
    found = stages(lenet, few.validation.images[0])
    assert [(one["title"], one["steps"], one["shape"]) for one in found] == [
        ("input", [], [1, 28, 28]),
        ("conv 5×5", ["sigmoid"], [6, 28, 28]),
        ("mean 2×2", [], [6, 14, 14]),
        ("conv 5×5", ["sigmoid"], [16, 10, 10]),
        ("mean 2×2", [], [16, 5, 5]),
        ("linear", ["sigmoid"], [120, 1, 1]),
        ("linear", ["sigmoid"], [84, 1, 1]),
        ("linear", [], [10, 1, 1]),
    ]


@needs_node
def test_a_shortcut_leads_from_the_blocks_input_to_its_sum(few):
    network = models.residual_network()
    found = stages(network, few.validation.images[0])
    sums = [stage for stage in found if stage["title"] == "add"]
    titles = [[found[source]["title"] for source in stage["from"]] for stage in sums]
    assert titles == [["conv 3×3", "conv 5×5"], ["conv 3×3", "conv 1×1"], ["conv 3×3", "add"]]
    assert [stage["title"] for stage in found[-2:]] == ["max", "linear"]


@needs_node
@pytest.mark.parametrize("name", ["lenet5", "residual", "b", "e"])
def test_the_field_in_the_digit_is_the_one_that_probe_finds(name, few):
    torch.manual_seed(0)
    network = recipes.NETWORKS[name][0]()
    inspector = probe.Inspector(network)
    inspector.copy()
    compared = 0
    for stage in stages(network, few.validation.images[0]):
        layer = stage["node"]["name"]
        if layer not in inspector.layers or len(stage["node"]["shape"]) != 3:
            continue
        for one in stage["places"]:
            place = one["place"]
            top, bottom, left, right = inspector.receptive_field(
                layer, place["row"], place["column"]
            )
            assert one["fields"][0] == [top, bottom + 1, left, right + 1]
            compared += 1
    assert compared >= 16
