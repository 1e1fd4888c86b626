"""Softmax bars against torch, and the loss that they lead to."""

import pytest
import torch
from sheets import shows, texts
from torch.nn import functional as F

from mnist_course.widgets import ExplorerError, softmax, softmax_explorer

CASES = [softmax.START, (-6.0, -6.0, -6.0, -6.0), (6.0, -6.0, 0.0, 0.1), (6.0, 6.0, 6.0, -6.0)]


@pytest.mark.parametrize("logits", CASES)
@pytest.mark.parametrize("label", [0, 1, 3])
def test_probabilities_and_loss_are_torchs(logits, label):
    given = torch.tensor([logits], dtype=torch.float64)
    powers, shares = softmax.softmax(logits)
    assert powers == pytest.approx(given.exp()[0].tolist())
    assert shares == pytest.approx(given.softmax(1)[0].tolist())
    expected = F.cross_entropy(given, torch.tensor([label])).item()
    picture = softmax.softmax_picture(logits, label)
    assert f"= {expected:.3f}. " in picture.text
    assert f"loss = −ln {shares[label]:.3f} = {expected:.3f}" in texts(picture)


@pytest.mark.parametrize("logits", CASES)
def test_a_bar_is_as_long_as_its_share(logits):
    _, shares = softmax.softmax(logits)
    x, width = softmax.BARS
    bars = [
        one["width"] for one in softmax.softmax_picture(logits, 2).sheet.items
        if one["kind"] == "fill" and one["x"] == x and one["colour"] != "surface"
    ]  # fmt: skip
    assert bars == [round(share * width) for share in shares]


def test_logits_go_to_both_sides_of_their_middle():
    x, width = softmax.LOGITS
    fills = [
        (one["x"], one["width"], one["colour"])
        for one in softmax.softmax_picture((6.0, -6.0, 3.0, 0.0), 0).sheet.items
        if one["kind"] == "fill" and x <= one["x"] < x + width
    ]
    middle = x + width // 2
    assert fills == [
        (middle, width // 2, "positive"), (x, width // 2, "negative"),
        (middle, 42, "positive"), (middle, 0, "positive"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("logits", "label", "words"),
    [
        ((2.0, 1.0, 0.0, 0.0), 1, "Class 0 has the largest logit, so the network is wrong"),
        ((6.0, 0.0, 0.0, 0.0), 0, "right and sure"),
        ((1.0, 0.0, 0.0, 0.0), 0, "the smaller the loss"),
    ],
)
def test_the_text_says_what_the_loss_tells(logits, label, words):
    assert words in softmax.softmax_picture(logits, label).text


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"logits": (1.0, 2.0)}, "expected 4 logits, got 2"),
        ({"logits": (0.0, 0.0, 6.1, 0.0)}, "logit 2 must be from -6.0 to 6.0"),
        ({"logits": (0.0, 0.0, float("nan"), 0.0)}, "logit 2 must be from"),
        ({"label": 4}, "label must be from 0 to 3"),
        ({"label": -1}, "label must be from 0 to 3"),
    ],
)
def test_what_does_not_work_is_a_sentence(change, sentence):
    with pytest.raises(ExplorerError, match=sentence):
        softmax.softmax_picture(**change)


@pytest.mark.parametrize(
    ("name", "values"),
    [("logit_0", (-6.0, 0.0, 6.0)), ("logit_3", (-6.0, 1.0, 6.0)), ("label", (1, 3, 0))],
)
def test_every_control_leads_to_the_picture_of_the_pure_function(name, values):
    explorer = softmax_explorer()
    for value in values:
        explorer.controls[name].value = value
        now = explorer.settings
        label = now.pop("label")
        assert shows(explorer, softmax.softmax_picture(list(now.values()), label))
        assert explorer.error is None
