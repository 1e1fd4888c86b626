"""What lesson 06 says of stored errors, of shapes and of its experiments, in full mode."""

import ast
import math
import statistics

import pytest
import torch
from test_claims import LESSONS, split
from test_lesson_experiments import base
from test_shown_code import definitions

from mnist_course import data, metrics, models, results, runtime, shapes
from mnist_course.exercises.experiment import concluded
from mnist_course.training import Recipe, fit, predict

[LESSON] = (path for path in LESSONS if path.stem.startswith("06"))
STORED = results.load("errors")
RUNS = [{row[0] for row in rows} for rows in STORED["misread"]]
ANY, ALL = set.union(*RUNS), set.intersection(*RUNS)


@pytest.fixture(scope="module")
def validation():
    return split().validation


def mask(places):
    found = torch.zeros(5000, dtype=torch.bool)
    found[sorted(places)] = True
    return found


@pytest.fixture(scope="module")
def sevens(validation):
    """Of each validation 7: bar, slant, mean margin, and whether any stored network misread it."""
    names = {"statistics": statistics}
    exec(definitions(LESSON)["bar_and_slant"], names)
    those = validation.labels == 7
    measured = [names["bar_and_slant"](image) for image in validation.images[those]]
    bars, slants = torch.tensor(measured).T.contiguous()
    return bars, slants, torch.tensor(STORED["margins"])[those], mask(ANY)[those]


def fifths(values):
    return torch.bucketize(values, values.quantile(torch.tensor([0.2, 0.4, 0.6, 0.8])))


def test_stored_errors_carry_the_labels_of_the_split(validation):
    for rows in STORED["misread"]:
        for place, label, answer, confidence in rows:
            assert label == validation.labels[place] != answer
            assert 0.1 <= confidence <= 1


def test_margins_and_errors_agree():
    for place, margin in enumerate(STORED["margins"]):
        if place in ALL:
            assert margin <= 0
        if place not in ANY:
            assert margin >= 0


def test_4_and_9_are_only_the_sixth_pair_and_2_with_7_the_first():
    table = torch.zeros(10, 10, dtype=torch.int64)
    for rows in STORED["misread"]:
        for _, label, answer, _ in rows:
            table[label, answer] += 1
    pairs = sorted(
        ((int(table[a, b] + table[b, a]), a, b) for a in range(10) for b in range(a + 1, 10)),
        reverse=True,
    )
    assert [pair[1:] for pair in pairs[:2]] == [(2, 7), (1, 7)]
    assert pairs[5][1:] == (4, 9)
    assert pairs[4][0] > pairs[5][0] > pairs[6][0]
    columns = table.sum(dim=0)
    assert set(columns.topk(2).indices.tolist()) == {1, 7}
    assert 0.4 < columns[[1, 7]].sum() / table.sum() < 0.5  # "nearly half"
    assert table.max() == table[7, 1]  # 7s read as 1


def test_the_summary_of_agreement_is_that_of_the_runs():
    told = STORED["agreement"]
    assert (told["any"], told["all"]) == (len(ANY), len(ALL))
    assert told["each"] == statistics.mean(map(len, RUNS))
    assert told["shared_by_two"] > told["each"] / 2  # "more than half"
    assert told["each"] ** 2 / 5000 < 0.5  # "hardly one image"


def test_a_7_that_all_read_as_1_is_read_with_more_than_90_percent(validation):
    rows = [row for run in STORED["misread"] for row in run if row[0] in ALL]
    sure = {place for place in ALL if statistics.mean(r[3] for r in rows if r[0] == place) > 0.9}
    [place] = (one for one in sure if validation.labels[one] == 7)
    assert {row[2] for row in rows if row[0] == place} == {1}


def test_one_4_in_eleven_is_closed_and_one_9_in_five_is_open():
    whole = data.load_all_training()
    closed = [
        torch.tensor(shapes.count_holes(whole.images[whole.labels == digit])).gt(0).float().mean()
        for digit in (4, 9)
    ]
    assert 1 / closed[0] == pytest.approx(11, abs=0.5)
    assert 1 / (1 - closed[1]) == pytest.approx(5, abs=0.5)


def test_counts_can_not_tell_whether_the_top_matters(validation):
    tops = torch.tensor(shapes.count_holes(validation.images)) > 0
    for digit in (4, 9):
        ends = []
        for top in (False, True):
            group = (validation.labels == digit) & (tops == top)
            ends.append(metrics.interval(int(mask(ANY)[group].sum()), int(group.sum())))
        (low, high), (other_low, other_high) = ends
        assert max(low, other_low) < min(high, other_high)


def test_short_bars_and_upright_stems_have_the_smallest_margins(sevens):
    bars, slants, margin, missed = sevens
    for values, small in ((bars, 1), (slants, 2)):  # so many groups with small margins
        group = fifths(values)
        means = [margin[group == one].mean() for one in range(5)]
        assert max(means[:small]) < min(means[small:])
        gap, spread = metrics.gain(margin[group < small].tolist(), margin[group >= small].tolist())
        assert gap > 2 * spread  # settled, by the rule of lesson 04
    assert (fifths(slants)[missed] < 2).all()
    assert missed.sum() > 5


@pytest.mark.parametrize(
    ("change", "result"),
    [({"epochs": 160}, "higher"), ({"epochs": 10}, "lower"), ({"smoothing": 0.2}, "lower"),
     ({"images": 1000}, "unclear")],
    ids=str,
)  # fmt: skip
def test_what_lesson_06_tells_of_its_changes_is_so(change, result, monkeypatch):
    monkeypatch.delenv("MNIST_COURSE_QUICK", raising=False)
    digits = split()
    names = {
        "torch": torch, "data": data, "runtime": runtime, "models": models, "Recipe": Recipe,
        "fit": fit, "predict": predict, "digits": digits, "validation": digits.validation,
    }  # fmt: skip
    exec(definitions(LESSON)["trial"], names)
    before = base(LESSON)
    numbers = [
        [names["trial"](one, seed) for seed in range(5)] for one in (before, before | change)
    ]
    assert concluded(*numbers) == result


def test_the_lesson_s_confusion_and_temperature_are_the_package_s():
    names = {"torch": torch}
    for name in ("confusion", "best_temperature"):
        exec(definitions(LESSON)[name], names)
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(3000, 10, generator=generator)
    labels = torch.multinomial((logits / 2).softmax(dim=1), 1, generator=generator)[:, 0]
    predictions = logits.argmax(dim=1)
    found = names["confusion"](predictions, labels)
    assert torch.equal(found, metrics.confusion(predictions, labels))
    temperature = names["best_temperature"](logits, labels)
    assert temperature == pytest.approx(metrics.temperature(logits, labels), rel=0.02)


def test_on_seven_images_all_networks_give_the_same_answer_against_the_label():
    answers = [{row[2] for run in STORED["misread"] for row in run if row[0] == p} for p in ALL]
    same = sum(len(one) == 1 for one in answers)
    assert same == 7
    assert same < STORED["agreement"]["each"] / 2  # "most of the errors are the networks' own"


def test_validation_and_test_images_are_read_alike_by_the_stored_networks():
    row = results.load("residual")["rows"]["residual"]
    share = 1 - row["mean"]
    spread = math.sqrt(share * (1 - share) * (1 / 5_000 + 1 / 10_000))
    assert abs(row["mean"] - row["test"]["mean"]) < spread / 2  # "much farther apart"


def test_the_stored_networks_keep_both_promises_on_the_test_set():
    row, calibration = STORED["rows"]["residual"], STORED["test_calibration"]
    for validation, test in zip(row["accuracies"], row["test"]["accuracies"], strict=True):
        share = 1 - validation
        spread = math.sqrt(share * (1 - share) * (1 / 5_000 + 1 / 10_000))
        assert abs(validation - test) <= 2 * spread
    before, after = (calibration[key]["errors"] for key in ("before", "after"))
    assert len(before) == len(after) == 5
    assert max(after) < min(before) / 10  # "a small part"


def test_the_test_set_is_opened_after_everything_and_only_read():
    tree = ast.parse(LESSON.read_text(encoding="utf-8")).body
    uses = [
        place
        for place, statement in enumerate(tree)
        if {"test", "test_logits"} & {n.id for n in ast.walk(statement) if isinstance(n, ast.Name)}
    ]
    [opening] = (p for p, one in enumerate(tree) if "open_test_set" in ast.unparse(one))
    assert min(uses) == opening
    assert max(uses) == len(tree) - 1 < opening + 6  # it ends the lesson: nothing is chosen by it
    promises = [place for place, one in enumerate(tree) if "promise 1: from" in ast.unparse(one)]
    assert promises
    assert promises[0] < opening
