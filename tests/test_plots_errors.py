"""The reliability diagram: its points and bars are those of the metrics."""

import pytest
import torch

from mnist_course import metrics, plots


@pytest.fixture
def answers():
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(400, 10, generator=generator)
    labels = torch.multinomial(logits.softmax(dim=1), 1, generator=generator)[:, 0]
    return logits.softmax(dim=1), labels


def test_points_and_bars_are_the_metrics(drawing, answers):
    probabilities, labels = answers
    ax = plots.reliability({"a network": probabilities}, labels, bins=5)
    [drawn] = ax.containers
    line, _, [bars] = drawn
    confidence, accuracy, count = metrics.calibration(probabilities, labels, 5)
    there = count > 0
    assert line.get_xdata().tolist() == pytest.approx(confidence[there].tolist())
    assert line.get_ydata().tolist() == pytest.approx(accuracy[there].tolist())
    for segment, share, images in zip(
        bars.get_segments(), accuracy[there].tolist(), count[there].tolist(), strict=True
    ):
        low, high = metrics.interval(round(share * images), int(images))
        assert segment[:, 1].tolist() == pytest.approx([low, high], abs=1e-6)


def test_each_network_has_its_name_and_mark(drawing, answers):
    probabilities, labels = answers
    ax = plots.reliability({"before": probabilities, "after": probabilities**2 /
                            (probabilities**2).sum(1, keepdim=True)}, labels)  # fmt: skip
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["confidence = accuracy", "before", "after"]
    assert len({container[0].get_marker() for container in ax.containers}) == 2


def test_logits_are_refused(drawing):
    with pytest.raises(ValueError, match="softmax"):
        plots.reliability({"a network": torch.tensor([[3.0, -1.0]])}, torch.tensor([0]))
