"""What prose quotes is computed from the evidence, and marks are filled in with it."""

import json
import re
from pathlib import Path

import pytest
import quotes

from mnist_course import metrics, results

ROOT = Path(__file__).parent.parent
TOPICS = sorted(path.stem for path in quotes.EVIDENCE.glob("*.json"))


@pytest.mark.parametrize("topic", TOPICS)
def test_what_is_quoted_is_computed_from_the_evidence(topic):
    stored = (results.FOLDER / f"{topic}.json").read_text(encoding="utf-8")
    assert stored == quotes.as_json(quotes.quoted(topic)), "python research/quotes.py"


def test_nothing_lies_among_the_results_that_is_not_quoted():
    assert sorted(path.stem for path in results.FOLDER.glob("*.json")) == TOPICS
    names = {path.name for path in results.FOLDER.iterdir()} - {"__init__.py", "__pycache__"}
    assert names == {f"{topic}.json" for topic in TOPICS}
    pages = [*(ROOT / "lessons").glob("*.py"), *(ROOT / "docs").glob("*.in.md")]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    marked = {mark[0].partition(".")[0] for mark in results.MARK.findall(text)}
    loaded = set(re.findall(r'results\.load\("([\w-]+)"\)', text))
    assert marked | loaded == set(TOPICS)


def test_curves_are_quoted_where_they_are_shown_alone():
    without_rows = {"choices", "rates", "bench", "lessons", "drawn", "gpu", "mended", "versions"}
    for topic in set(TOPICS) - without_rows:
        shown = quotes.CURVES.get(topic, set())
        stored = results.load(topic)
        assert shown <= set(stored["rows"])
        for run in stored["runs"]:
            assert ("train_loss" in run) == (run["name"] in shown)


def test_a_summary_in_numbers_and_in_words():
    accuracies = [0.9952, 0.9948, 0.9956]
    found = quotes.summary(accuracies, images=10_000, aim=0.995)
    assert (found["count"], found["low"], found["high"]) == (3, 0.9948, 0.9956)
    assert found["mean"] == pytest.approx(0.9952)
    assert found["deviation"] == pytest.approx(0.0004)
    text = found["text"]
    assert (text["mean"], text["deviation"], text["spread"]) == ("99.52", "0.04", "99.52 ± 0.04")
    assert text["each"] == "99.52, 99.48, 99.56"
    # Student's t for two degrees of freedom is 4.303: 4.303 · 0.04 / √3 = 0.099
    assert text["seeds"] == "99.42 to 99.62"
    low, high = metrics.interval(9952, 10_000)
    assert text["images"] == f"{100 * low:.2f} to {100 * high:.2f}"
    assert found["aim"]["reached_by"] == 2
    assert found["aim"]["spreads_above"] == pytest.approx(0.0002 / (0.0004 / 3**0.5))


def test_one_run_has_no_deviation():
    found = quotes.summary([0.987])
    assert found["deviation"] is None
    words = {"mean": "98.70", "about": "98.7", "spread": "98.70", "each": "98.70"}
    assert found["text"] == words


def test_accuracies_on_moved_images_are_summed_up_by_shift():
    found = quotes.of_shifts([[0.97, 0.9, 0.5], [0.99, 0.8, 0.5]])
    assert found["accuracies"] == [[0.97, 0.9, 0.5], [0.99, 0.8, 0.5]]
    assert {shift: text["mean"] for shift, text in found["text"].items()} == {
        "0": "98.00", "1": "85.00", "2": "50.00",
    }  # fmt: skip
    assert found["text"]["1"]["deviation"] == "7.07"


def test_the_search_for_learning_rates_is_quoted_by_network():
    def run(name, rate, loss):
        recipe = {"epochs": 2, "learning_rate": rate}
        ends = {"validation_loss": [9.0, loss], "validation_accuracy": [0.1, 1 - loss]}
        return {"name": f"{name} {rate}", "recipe": recipe, **ends}

    order = [("a", 0.1, 0.5), ("a", 0.1, 0.25), ("a", 1, 0.75), ("a", 1, 1.0), ("b", 3, 0.0)]
    found = quotes.of_rates({"command": "c", "runs": [run(*one) for one in order], "earlier": []})
    assert found == {
        "command": "c",
        "searches": {
            "a": {
                "epochs": 2,
                "rates": [0.1, 1],
                "losses": [[0.5, 0.25], [0.75, 1.0]],
                "accuracies": [[0.5, 0.75], [0.25, 0.0]],
            },
            "b": {"epochs": 2, "rates": [3], "losses": [[0.0]], "accuracies": [[1.0]]},
        },
    }


def test_readings_of_drawings_are_summed_up_by_option_and_digit():
    def run(seed, first):
        accuracy = {"every-step": [first] + 9 * [1.0], "no-box": 10 * [0.5]}
        habits = {"0 simplex": [1, 2]}
        return {
            "name": "board", "seed": seed, "validation_accuracy": [0.9, 0.99],
            "accuracy": accuracy, "habits": habits,
        }  # fmt: skip

    runs = [run(0, 0.8), run(1, 0.6)]
    found = quotes.of_drawn({"command": "c", "digits": 20, "runs": runs})
    assert "runs" not in found
    row = found["rows"]["board"]
    assert row["every-step"]["accuracies"] == pytest.approx([0.98, 0.96])
    assert row["every-step"]["digit"]["0"] == "70.0"
    assert row["every-step"]["lowest"] == pytest.approx(0.7)
    assert row["no-box"]["text"]["mean"] == "50.00"
    assert row["validation"]["mean"] == pytest.approx(0.99)
    assert row["habits"] == {"0 simplex": [1, 2]}


def test_two_versions_of_torch_are_compared_by_network():
    found = {"residual, torch 2.13": (0.99, 0.98), "residual, torch 2.14": (0.97, 0.98)}
    runs = [
        {"name": name, "seed": seed, "train_loss": [1, 2], "validation_accuracy": [0.5, accuracy]}
        for name, accuracies in found.items()
        for seed, accuracy in enumerate(accuracies)
    ]
    [(name, row)] = quotes.of_versions({"runs": runs})["networks"].items()
    assert name == "residual"
    assert (row["old"]["mean"], row["new"]["mean"]) == pytest.approx((0.985, 0.975))
    assert row["gain"] == pytest.approx(-1)
    assert row["gain_spread"] == pytest.approx(100 * (2 * 0.00005 / 2) ** 0.5)
    assert row["alike"] == 1
    runs[-1]["train_loss"] = [1, 2.0000001]
    assert quotes.of_versions({"runs": runs})["networks"]["residual"]["alike"] == 0


def test_a_faster_recipe_is_compared_with_lesson_05s_on_the_same_splits():
    def run(choice, name, split, work, *accuracies, learned_from=(10, 10)):
        kept = {"choice": choice, "name": name, "split": split, "multiply_accumulates": work}
        kept |= {"training_images": 10, "learned_from": learned_from, "five_places": 0.98}
        kept |= {"recipe": {"epochs": 1, "hardest": 0.2, "decay": 0.5}}
        return kept | {"validation_accuracy": list(accuracies)}

    fast = quotes.CHOICES["faster"]
    found = quotes.faster([
        run(quotes.COMPARED, "ours", 0, 8, 0.5, 0.96),
        run(quotes.COMPARED, "ours", 1, 8, 0.5, 0.99),
        run(quotes.COMPARED, "ours", 2, 8, 0.5, 0.75),
        run(fast, "1 epoch, half", 1, 4, 0.97, learned_from=[10]),
        run(fast, "1 epoch, half", 0, 4, 0.96, learned_from=[10]),
        run("another", "1 epoch, half", 0, 4, 0.1),
    ])  # fmt: skip
    assert list(found) == ["ours", "1-epoch-half"]
    assert (found["ours"]["lost"], found["ours"]["work"], found["ours"]["splits"]) == (0, 1, 3)
    assert found["ours"]["lost_in_five_places"] == pytest.approx(-8)
    assert found["1-epoch-half"] == pytest.approx(
        {
            "work": 0.25, "splits": 2, "lost": 1, "spread": 1, "epochs": 1, "hardest": 0.2,
            "lost_in_five_places": -0.5, "spread_in_five_places": 1.5,
        }
    )  # fmt: skip


def test_the_seconds_of_an_epoch_are_those_of_the_fastest():
    for name, row in results.load("ablation")["rows"].items():
        runs = [run for run in quotes.load("ablation")["runs"] if run["name"] == name]
        assert row["seconds_an_epoch"] == min(second for run in runs for second in run["seconds"])


def test_json_with_a_list_a_line_says_the_same():
    content = {"runs": [{"name": "a, [b]", "losses": [1.5, 2.0], "none": []}], "±": [["x"], [1]]}
    text = quotes.as_json(content)
    assert json.loads(text) == content
    assert '"losses": [1.5, 2.0]' in text


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """A topic of one result."""
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    text = '{"rows": {"one-two": {"mean": 0.5, "text": "½"}}, "runs": 1234, "deviation": null}'
    (tmp_path / "a-topic.json").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("mark", "filled"),
    [
        ("{{a-topic.runs}}", "1234"),
        ("{{ a-topic.runs | , }}", "1,234"),
        ("{{a-topic.rows.one-two.mean |\n.1%}}", "50.0%"),
        ("{{a-topic.rows.one-two.text}}", "½"),
        ("{a-topic.runs} and {{}}", "{a-topic.runs} and {{}}"),
    ],
)
def test_a_mark_is_filled_in(stored, mark, filled):
    assert results.fill(f"so: {mark}.") == f"so: {filled}."


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        ("{{another.runs}}", "no results named 'another'; there are a-topic"),
        ("{{a-topic.rows.three}}", r"\{\{a-topic.rows.three\}\} names no result: .*'three'"),
        ("{{a-topic.runs.three}}", "no 'three' in a-topic.json"),
        ("{{a-topic.rows}}", "expected a number or a text"),
        ("{{a-topic.deviation | .2%}}", "expected a number or a text"),
        ("{{a-topic.rows.one-two.text | .2%}}", r"\.2%\}\}: "),
    ],
)
def test_a_mark_that_names_no_result_is_named(stored, mark, words):
    with pytest.raises(ValueError, match=words):
        results.fill(mark)
