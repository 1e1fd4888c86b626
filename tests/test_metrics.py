"""Accuracy, its interval, confusion and calibration against scipy, scikit-learn and loops."""

import math

import pytest
import scipy.stats
import sklearn.metrics
import torch

from mnist_course import metrics


@pytest.fixture
def answers():
    """300 labels, and probabilities that are right about half the time."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(10, (300,), generator=generator)
    logits = torch.randn(300, 10, generator=generator)
    logits[torch.arange(300), labels] += 1.5
    return logits.softmax(dim=1), labels


def test_accuracy_worked_by_hand():
    logits = torch.tensor([[0.1, 0.9, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 3.0], [0.0, 5.0, 1.0]])
    assert metrics.accuracy(logits, torch.tensor([1, 0, 2, 2])) == 0.75


def test_accuracy_is_sklearns(answers):
    probabilities, labels = answers
    expected = sklearn.metrics.accuracy_score(labels, probabilities.argmax(dim=1))
    assert metrics.accuracy(probabilities, labels) == pytest.approx(expected)


@pytest.mark.parametrize(("logits", "labels"), [(3, 2), (0, 0)])
def test_accuracy_of_unequal_numbers_or_nothing(logits, labels):
    with pytest.raises(ValueError, match=f"{logits} predictions for {labels} labels"):
        metrics.accuracy(torch.zeros(logits, 10), torch.zeros(labels))


@pytest.mark.parametrize("confidence", [0.68, 0.95, 0.99])
@pytest.mark.parametrize(
    ("correct", "total"), [(0, 10), (10, 10), (1, 1), (7, 10), (9950, 10000), (4999, 5000)]
)
def test_the_interval_is_scipys(correct, total, confidence):
    theirs = scipy.stats.binomtest(correct, total).proportion_ci(confidence, method="wilson")
    ours = metrics.interval(correct, total, confidence)
    assert ours == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert 0 <= ours[0] <= correct / total <= ours[1] <= 1


def test_the_spread_of_a_gain_is_that_of_welchs_test():
    base, new = [98.5, 98.75, 99.0, 98.25], [99.0, 99.5, 98.875]
    found, spread = metrics.gain(base, new)
    assert found == pytest.approx(sum(new) / 3 - sum(base) / 4)
    assert found / spread == pytest.approx(scipy.stats.ttest_ind(new, base, equal_var=False)[0])


@pytest.mark.parametrize(("correct", "total"), [(1, 0), (0, 0), (-1, 10), (11, 10)])
def test_an_impossible_count(correct, total):
    with pytest.raises(ValueError, match=f"{correct} correct of {total} is impossible"):
        metrics.interval(correct, total)


def test_confusion_is_sklearns(answers):
    probabilities, labels = answers
    predictions = probabilities.argmax(dim=1)
    ours = metrics.confusion(predictions, labels)
    theirs = sklearn.metrics.confusion_matrix(labels, predictions, labels=range(10))
    assert ours.tolist() == theirs.tolist()
    assert ours.dtype == torch.int64


def test_confusion_with_classes_that_never_occur():
    two = torch.tensor([0, 1])
    assert metrics.confusion(two, two).shape == (10, 10)
    assert metrics.confusion(two, two, classes=2).tolist() == [[1, 0], [0, 1]]
    nothing = torch.tensor([], dtype=torch.int64)
    assert metrics.confusion(nothing, nothing).sum() == 0


def test_confusion_of_bytes_does_not_overflow():
    labels = torch.tensor([30], dtype=torch.uint8)
    assert metrics.confusion(labels, labels, classes=40)[30, 30] == 1


@pytest.mark.parametrize(
    ("predictions", "labels", "words"),
    [
        ([12], [0], "a prediction lies outside 0 to 9"),
        ([-1], [5], "a prediction lies outside 0 to 9"),
        ([3], [10], "a label lies outside 0 to 9"),
        ([1, 2], [1], "2 predictions for 1 labels"),
    ],
)
def test_confusion_of_what_is_no_class(predictions, labels, words):
    with pytest.raises(ValueError, match=words):
        metrics.confusion(torch.tensor(predictions), torch.tensor(labels))


@pytest.mark.parametrize("bins", [5, 10, 15])
def test_calibration_equals_a_loop(answers, bins):
    probabilities, labels = answers
    found: dict[int, list[tuple[float, bool]]] = {index: [] for index in range(bins)}
    for row, label in zip(probabilities, labels, strict=True):
        confidence = row.max().item()
        found[min(int(confidence * bins), bins - 1)].append(
            (confidence, bool(row[label] == row.max()))
        )
    for index, values in enumerate(
        zip(*metrics.calibration(probabilities, labels, bins), strict=True)
    ):
        confidence, accuracy, count = (value.item() for value in values)
        assert count == len(found[index])
        if count:
            assert confidence == pytest.approx(sum(c for c, _ in found[index]) / count, rel=1e-5)
            assert accuracy == pytest.approx(sum(right for _, right in found[index]) / count)
        else:
            assert math.isnan(confidence)
            assert math.isnan(accuracy)
    if bins > 5:  # of ten probabilities the largest is 0.1 or more: the first bin stays empty
        assert not found[0]


def test_full_confidence_lies_in_the_last_bin():
    _, accuracy, count = metrics.calibration(torch.eye(10), torch.arange(10))
    assert count.tolist() == [0] * 9 + [10]
    assert accuracy[9] == 1


def test_calibration_of_logits_is_refused():
    for logits in (torch.tensor([[-1.0, 0.5]]), torch.tensor([[0.0, 3.0]])):
        with pytest.raises(ValueError, match="softmax"):
            metrics.calibration(logits, torch.tensor([1]))


@pytest.mark.parametrize("bins", [5, 10, 15])
def test_the_calibration_error_equals_a_loop(answers, bins):
    probabilities, labels = answers
    gaps: dict[int, list[float]] = {}
    for row, label in zip(probabilities, labels, strict=True):
        confidence = row.max().item()
        place = min(int(confidence * bins), bins - 1)
        gaps.setdefault(place, []).append(confidence - bool(row[label] == row.max()))
    expected = sum(abs(sum(one)) for one in gaps.values()) / len(labels)
    found = metrics.expected_calibration_error(probabilities, labels, bins)
    assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("true", [0.3, 1.0, 2.5])
def test_the_temperature_is_found_that_labels_were_drawn_with(true):
    generator = torch.Generator().manual_seed(1)
    logits = 4 * torch.randn(20_000, 10, generator=generator)
    shares = (logits / true).softmax(dim=1)
    labels = torch.multinomial(shares, 1, generator=generator)[:, 0]
    found = metrics.temperature(logits, labels)
    assert found == pytest.approx(true, rel=0.03)
    assert metrics.temperature(logits / found, labels) == pytest.approx(1, rel=1e-3)
    before, after = (
        metrics.expected_calibration_error((logits / one).softmax(dim=1), labels)
        for one in (1.0, found)
    )
    assert after <= before
    assert after < 0.02


def test_a_temperature_of_nothing_is_refused():
    with pytest.raises(ValueError, match="0 predictions for 0 labels"):
        metrics.temperature(torch.zeros(0, 10), torch.zeros(0, dtype=torch.int64))
