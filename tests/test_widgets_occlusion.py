"""The occlusion explorer and the contest: what they send, what they refuse, what the page counts.

Saliency is compared with small steps, the page's patches with Python's, in Node.js.
"""

import json

import numpy as np
import pytest
import torch
from test_web import in_node
from test_widgets_network import explorer_bundle, needs_node

from mnist_course import data, probe, web, widgets
from mnist_course.widgets import occlusion


@pytest.fixture
def logits(few):
    """Made-up logits for the few validation digits."""
    return torch.randn(len(few.validation), 10, generator=torch.Generator().manual_seed(3))


# --- saliency -----------------------------------------------------------------------------


def test_a_slope_is_what_a_small_step_of_a_pixel_does(few):
    """By central differences, in double precision, on a smooth network."""
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(784, 20), torch.nn.Tanh(), torch.nn.Linear(20, 10)
    ).double()
    images = data.normalise(data.scale(few.validation.images[:2])).double()
    classes = torch.tensor([3, 8])
    slopes = probe.saliency(network, images, classes)
    assert slopes.shape == images.shape
    for row, column in ((14, 14), (5, 20), (27, 0)):
        step = torch.zeros_like(images)
        step[:, :, row, column] = 1e-5
        with torch.no_grad():
            change = network(images + step) - network(images - step)
        expected = change.gather(1, classes[:, None])[:, 0] / 2e-5
        assert slopes[:, 0, row, column].tolist() == pytest.approx(expected.tolist(), abs=1e-7)


def test_saliency_changes_nothing_and_ignores_other_images(residual, few):
    images = data.normalise(data.scale(few.validation.images[:4]))
    labels = few.validation.labels[:4]
    before = {name: values.clone() for name, values in residual.state_dict().items()}
    residual.train()
    with torch.no_grad():
        slopes = probe.saliency(residual, images, labels)
    assert residual.training
    for name, values in residual.state_dict().items():
        assert torch.equal(values, before[name])
    assert all(weights.grad is None for weights in residual.parameters())
    assert not images.requires_grad
    alone = probe.saliency(residual, images[2:3], labels[2:3])
    torch.testing.assert_close(slopes[2:3], alone, rtol=1e-4, atol=1e-6)


# --- the occlusion explorer ---------------------------------------------------------------


def test_slopes_of_the_label_and_of_its_rival_are_sent(residual, few):
    part = few.validation[:5]
    explorer = widgets.occlusion_explorer(residual, part)
    images = data.normalise(data.scale(part.images))
    with torch.no_grad():
        found = residual.eval()(images)
    for row, label, rival in zip(found, part.labels, explorer.rivals, strict=True):
        others = [value for digit, value in enumerate(row.tolist()) if digit != label]
        assert rival != label
        assert row[rival] == max(others)
    sent = np.frombuffer(explorer.slopes, np.int8).reshape(5, 2, 28, 28)
    for which, classes in enumerate((part.labels, torch.tensor(explorer.rivals))):
        slopes = probe.saliency(residual, images, classes)[:, 0]
        for one, expected in zip(sent[:, which], slopes, strict=True):
            assert np.abs(one).max() == 127
            limit = expected.abs().max()
            assert np.abs(one / 127 - (expected / limit).numpy()).max() < 0.005
    assert explorer.digits == part.images.numpy().tobytes()
    bundle, *_ = explorer_bundle(explorer)
    assert f"label {part.labels[0]}: the network says {found[0].argmax()}" in bundle["text/plain"]


def test_a_network_without_slopes_is_shown_too(few):
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
    torch.nn.init.zeros_(network[1].weight)
    explorer = widgets.occlusion_explorer(network, few.validation[:2])
    assert not any(explorer.slopes)


def test_what_the_occlusion_explorer_sends_depends_on_no_default_of_torch(
    lenet, few, other_default
):
    explorer = widgets.occlusion_explorer(lenet, few.validation[:3])
    torch.set_default_device(None)
    torch.set_default_dtype(torch.float32)
    expected = widgets.occlusion_explorer(lenet, few.validation[:3])
    assert (explorer.slopes, explorer.rivals) == (expected.slopes, expected.rivals)


def test_the_occlusion_explorer_refuses_what_the_others_do(few):
    with pytest.raises(widgets.ExplorerError, match="expected a network"):
        widgets.occlusion_explorer(few.validation, few.validation)
    with pytest.raises(widgets.ExplorerError, match="expected images with their labels"):
        widgets.occlusion_explorer(torch.nn.Identity(), few.validation.images)


# --- the contest --------------------------------------------------------------------------


def test_the_hardest_digits_are_asked_in_another_order(few, logits):
    part = few.validation
    contest = widgets.contest(part, logits, count=12)
    shares = logits.softmax(dim=1)[torch.arange(len(part)), part.labels]
    hardest = set(shares.argsort()[:12].tolist())
    places = occlusion.hardest(logits, part.labels, 12).tolist()
    assert set(places) == hardest
    assert places != shares.argsort()[:12].tolist()
    assert contest.labels == part.labels[places].tolist()
    assert contest.theirs == logits[places].argmax(dim=1).tolist()
    assert contest.digits == part.images[places].numpy().tobytes()
    assert contest.answers == []
    assert widgets.contest(part, logits, count=12).labels == contest.labels
    assert widgets.contest(part, logits, count=12, seed=1).digits != contest.digits


def test_a_contest_asks_no_more_digits_than_there_are(few, logits):
    assert len(widgets.contest(few.validation[:7], logits[:7]).labels) == 7


def test_the_still_picture_of_a_contest_reveals_nothing(few, logits):
    contest = widgets.contest(few.validation, logits)
    bundle, *_ = explorer_bundle(contest)
    assert "40 images to be named, those that" in bundle["text/plain"]
    assert "label" not in bundle["text/plain"]


@pytest.mark.parametrize("wrong", [None, torch.zeros(99, 10), torch.zeros(100, 9), [[0.0] * 10]])
def test_logits_of_other_images_are_refused(wrong, few):
    with pytest.raises(widgets.ExplorerError, match=r"predict\(network, part\) gives them"):
        widgets.contest(few.validation, wrong)


# --- classes with names -------------------------------------------------------------------

NAMES = ["T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag",
         "boot"]  # fmt: skip


def test_names_of_classes_are_sent_and_stand_in_the_still_pictures(residual, few, logits):
    part = few.validation
    explorer = widgets.occlusion_explorer(residual, part[:5], classes=tuple(NAMES))
    assert explorer.classes == NAMES
    bundle, *_ = explorer_bundle(explorer)
    assert f"label {NAMES[part.labels[0]]}: the network says" in bundle["text/plain"]
    contest = widgets.contest(part[:7], logits[:7], classes=NAMES)
    assert contest.classes == NAMES
    bundle, *_ = explorer_bundle(contest)
    assert "7 images to be named." in bundle["text/plain"]  # all were asked, none chosen
    assert not any(name in bundle["text/plain"] for name in NAMES)


def test_without_names_classes_are_digits(residual, few, logits):
    assert widgets.occlusion_explorer(residual, few.validation[:2]).classes == []
    assert widgets.contest(few.validation, logits).classes == []


@pytest.mark.parametrize("names", [NAMES[:9], [*NAMES, "hat"], [*NAMES[:9], "coat"]])
def test_other_than_ten_different_names_are_refused(names, residual, few, logits):
    with pytest.raises(widgets.ExplorerError, match="ten different names"):
        widgets.occlusion_explorer(residual, few.validation, classes=names)
    with pytest.raises(widgets.ExplorerError, match="ten different names"):
        widgets.contest(few.validation, logits, classes=names)


# --- the page's code ----------------------------------------------------------------------


@needs_node
@pytest.mark.parametrize("name", ["occlusion.js", "contest.js"])
def test_the_modules_fit_into_one(name):
    in_node("--check", code=web.module(name))


@needs_node
@pytest.mark.parametrize(("x", "y", "size"), [(14, 14, 6), (0, 0, 5), (27, 13, 7), (3, 26, 1)])
def test_a_patch_covers_what_it_says(x, y, size, few):
    image = few.validation.images[0]
    code = web.module("occlusion.js") + (
        f"const patch = patchAround([{x}, {y}], {size});"
        f"const bytes = Uint8Array.from({json.dumps(image.flatten().tolist())});"
        "console.log(JSON.stringify([patch, [...covered(bytes, patch)], [...bytes]]));"
    )
    patch, covered, bytes_after = json.loads(in_node(code=code))
    top, left = max(0, y - size // 2), max(0, x - size // 2)
    bottom, right = min(28, y - size // 2 + size), min(28, x - size // 2 + size)
    assert patch == [top, bottom, left, right]
    expected = image.clone()
    expected[top:bottom, left:right] = 0
    assert covered == expected.flatten().tolist()
    assert bytes_after == image.flatten().tolist()


@needs_node
def test_answers_are_counted_as_a_confusion_matrix():
    answers, labels = [4, 9, 9, 7, 1, 4], [4, 4, 9, 1, 1, 9]
    code = web.module("contest.js") + (
        f"const [answers, labels] = {json.dumps([answers, labels])};"
        "console.log(JSON.stringify([counted(answers, labels),"
        " verdictOf(answers, [4, 4, 4, 7, 1, 9], labels)]));"
    )
    counted, verdict = json.loads(in_node(code=code))
    assert counted["right"] == 3
    expected = torch.zeros(10, 10, dtype=torch.int64)
    for label, answer in zip(labels, answers, strict=True):
        expected[label, answer] += 1
    assert counted["table"] == expected.tolist()
    assert "label on 3 of 6 digits (50.0 %)" in verdict
    assert "the network on 4 (66.7 %)" in verdict
    assert "Both of you disagree with it on 1." in verdict
