"""The long runs of `make results`: resumable, and none is lost from the record."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import quotes
import runs as long_runs
import torch

from mnist_course import data, models, recipes, runtime
from mnist_course.training import Recipe

ONE_EPOCH = Recipe(epochs=1, batch_size=50, learning_rate=0.1)


@pytest.fixture
def topic(few, tmp_path, monkeypatch):
    """A topic of one small network, two seeds and few images, which opens the test set."""
    monkeypatch.delenv("MNIST_COURSE_QUICK", raising=False)
    for name in ("EVIDENCE", "QUOTED"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(quotes, name, tmp_path / name)
    monkeypatch.setattr(data, "load", lambda name: few)
    threads = torch.get_num_threads()
    monkeypatch.setattr(long_runs, "ProcessPoolExecutor", ThreadPoolExecutor)  # sees the patches
    network(monkeypatch)
    yield tmp_path / "EVIDENCE" / "small.json"
    torch.set_num_threads(threads)


def network(monkeypatch, build=models.softmax_regression, recipe=ONE_EPOCH, opens_test=True):
    """Make the topic hold this network and recipe."""
    topics = {"small": ({"one": (build, recipe)}, 2, "mnist", opens_test)}
    monkeypatch.setattr(long_runs, "TOPICS", topics)


def quoted():
    """What is quoted of the topic; None before that is written."""
    path = quotes.QUOTED / "small.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def seed_of(one):
    return one["seed"]


def make(monkeypatch, *options):
    monkeypatch.setattr("sys.argv", ["runs.py", "--jobs", "1", *options])
    long_runs.main()


def test_only_what_is_missing_is_made(topic, monkeypatch, capsys):
    long_runs.store("small", [long_runs.run("small", "one", 1)])
    before = json.loads(topic.read_text())["runs"]
    assert long_runs.missing("small") == [("one", 0)]
    make(monkeypatch, "--list")
    assert "small 1 runs missing" in capsys.readouterr().out
    make(monkeypatch)
    content = json.loads(topic.read_text())
    assert [one["seed"] for one in content["runs"]] == [0, 1]
    assert content["runs"][1] == before[0]
    assert "earlier" not in content
    accuracies = [one["test_accuracy"] for one in content["runs"]]
    assert quoted()["seeds"] == 2
    assert quoted()["rows"]["one"]["test"]["accuracies"] == accuracies
    make(monkeypatch)
    assert json.loads(topic.read_text()) == content


def wider():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10), torch.nn.ReLU())


@pytest.mark.parametrize(
    "change", [{"recipe": replace(ONE_EPOCH, learning_rate=0.2)}, {"build": wider}]
)
def test_another_recipe_or_network_is_made_again_and_the_old_runs_stay(
    topic, monkeypatch, capsys, change
):
    make(monkeypatch)
    old = json.loads(topic.read_text())["runs"]
    network(monkeypatch, **change)
    assert long_runs.missing("small") == [("one", 0), ("one", 1)]
    make(monkeypatch)  # would read the test set a second time
    assert "--again small makes them" in capsys.readouterr().out
    assert json.loads(topic.read_text())["runs"] == old
    make(monkeypatch, "--again", "small")
    content = json.loads(topic.read_text())
    assert sorted(content["earlier"], key=seed_of) == old
    assert all("test_accuracy" in one for one in old)
    assert quoted()["rows"]["one"]["accuracies"] == [
        one["validation_accuracy"][-1] for one in content["runs"]
    ]
    # each try that has read the test set is quoted, too
    tries = [one["test_accuracy"] for one in content["earlier"]]
    assert [one["test_accuracy"] for one in quoted()["earlier"]] == tries
    assert quoted()["earlier_networks"][old[0]["network"]]["accuracies"] == tries
    reasons = [opening["reason"] for opening in data.test_openings(topic.parent)]
    assert len(set(reasons)) == (4 if "build" in change else 2)
    # back to what it was: nothing is trained again, nothing is lost
    network(monkeypatch)
    assert long_runs.missing("small") == []
    make(monkeypatch)
    back = json.loads(topic.read_text())
    assert (back["runs"], sorted(back["earlier"], key=seed_of)) == (old, content["runs"])


def test_networks_that_vote_in_five_places_keep_what_they_read_in_one(topic, monkeypatch):
    monkeypatch.setattr(long_runs, "FIVE_PLACES", {"small"})
    make(monkeypatch)
    runs = json.loads(topic.read_text())["runs"]
    assert [one["voters"] for one in runs] == [5, 5]
    assert runs[0]["multiply_accumulates"] == 5 * 7840
    row = quoted()["rows"]["one"]
    in_one = [one["test_accuracy_in_one_place"] for one in runs]
    assert row["test_in_one_place"]["accuracies"] == in_one
    assert in_one != row["test"]["accuracies"]
    assert len(data.test_openings(topic.parent)) == 2  # once for both


def test_without_the_test_set_another_recipe_is_made_unasked(topic, monkeypatch):
    network(monkeypatch, opens_test=False)
    make(monkeypatch)
    network(monkeypatch, recipe=replace(ONE_EPOCH, learning_rate=0.2), opens_test=False)
    make(monkeypatch)
    content = json.loads(topic.read_text())
    assert {one["recipe"]["learning_rate"] for one in content["runs"]} == {0.2}
    assert {one["recipe"]["learning_rate"] for one in content["earlier"]} == {0.1}


def test_a_setting_that_came_later_does_not_make_old_runs_missing(topic, monkeypatch):
    make(monkeypatch)
    content = json.loads(topic.read_text())
    for one in content["runs"]:
        del one["recipe"]["shuffle"]  # as in a file from before there was that setting
    topic.write_text(json.dumps(content))
    assert long_runs.missing("small") == []
    network(monkeypatch, recipe=replace(ONE_EPOCH, shuffle=False))
    assert len(long_runs.missing("small")) == 2


def test_stored_runs_are_made_again_when_that_is_asked(topic, monkeypatch):
    make(monkeypatch)
    old = json.loads(topic.read_text())["runs"]
    make(monkeypatch, "--again", "small")
    content = json.loads(topic.read_text())
    assert [one["seed"] for one in content["runs"]] == [0, 1]
    assert sorted(content["earlier"], key=seed_of) == old
    with pytest.raises(SystemExit):
        make(monkeypatch, "--again")  # not everything at once


def test_a_repetition_that_is_stopped_keeps_what_it_did_not_reach(topic, monkeypatch):
    make(monkeypatch)
    old = json.loads(topic.read_text())["runs"]

    def stopped(topic, name, seed, real=long_runs.run):
        if seed == 1:
            raise KeyboardInterrupt
        return real(topic, name, seed)

    monkeypatch.setattr(long_runs, "run", stopped)
    with pytest.raises(KeyboardInterrupt):
        make(monkeypatch, "--again", "small")
    content = json.loads(topic.read_text())
    assert len(content["runs"]) == 2
    assert content["runs"][1] == old[1]
    assert content["earlier"] == [old[0]]


def test_another_recipe_that_is_stopped_goes_on_unasked(topic, monkeypatch):
    make(monkeypatch)
    old = json.loads(topic.read_text())["runs"]
    network(monkeypatch, recipe=replace(ONE_EPOCH, learning_rate=0.2))

    def stopped(topic, name, seed, real=long_runs.run):
        if seed == 1:
            raise KeyboardInterrupt
        return real(topic, name, seed)

    with monkeypatch.context() as patch:
        patch.setattr(long_runs, "run", stopped)
        with pytest.raises(KeyboardInterrupt):
            make(patch, "--again", "small")
    begun = json.loads(topic.read_text())["runs"]
    assert long_runs.missing("small") == [("one", 1)]
    assert [one["seed"] for one in quoted()["runs"]] == [0, 1]  # the prose quotes no half topic
    assert quoted()["runs"][0]["recipe"] == old[0]["recipe"]
    make(monkeypatch)
    assert quoted()["runs"][0]["recipe"] == begun[0]["recipe"]
    content = json.loads(topic.read_text())
    assert content["runs"][0] == begun[0]
    assert [one["seed"] for one in content["runs"]] == [0, 1]
    assert sorted(content["earlier"], key=seed_of) == old


def test_a_topic_may_learn_from_all_images_and_then_has_no_validation(topic, few, monkeypatch):
    make(monkeypatch)
    old = json.loads(topic.read_text())["runs"]
    seen = []

    def fit(network, digits, *rest, real=long_runs.fit, **settings):
        seen.append(len(digits.train))
        return real(network, digits, *rest, **settings)

    whole = data.Part(*(torch.cat([part, part]) for part in vars(few.train).values()))
    monkeypatch.setattr(data, "load_all_training", lambda name: whole)
    monkeypatch.setattr(long_runs, "fit", fit)
    monkeypatch.setattr(long_runs, "WHOLE", {"small"})
    assert len(long_runs.missing("small")) == 2
    make(monkeypatch, "--again", "small")
    content = json.loads(topic.read_text())
    assert seen == [len(whole)] * 2
    assert content["training_images"] == 60_000
    assert sorted(content["earlier"], key=seed_of) == old
    assert not any("validation_accuracy" in one for one in content["runs"])
    accuracies = [one["test_accuracy"] for one in content["runs"]]
    assert quoted()["rows"]["one"]["test"]["accuracies"] == accuracies
    assert "mean" not in quoted()["rows"]["one"]


def test_a_topic_may_also_evaluate_on_moved_images(topic, few, monkeypatch):
    network(monkeypatch, opens_test=False)
    monkeypatch.setattr(long_runs, "SHIFTED", {"small": range(3)})
    run = long_runs.run("small", "one", 0)
    assert len(run["shifted_accuracy"]) == 3
    assert run["shifted_accuracy"][0] == run["validation_accuracy"][-1]
    assert run["shifted_accuracy"][2] < run["shifted_accuracy"][0]


def test_a_shift_is_the_mean_of_four_ways():
    """A network that finds each digit where its one bright pixel is."""
    images = torch.zeros(4, 28, 28, dtype=torch.uint8)
    places = ((9, 9), (9, 19), (19, 9), (19, 19))
    for image, (row, column) in zip(images, places, strict=True):
        image[row, column] = 255
    part = data.Part(images, torch.arange(4))
    reader = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10, bias=False))
    with torch.no_grad():
        reader[1].weight.zero_()
        for label, (row, column) in enumerate(places):
            reader[1].weight[label, 28 * row + column] = 1
            reader[1].weight[label, 28 * row + column + 2] = 1  # also two pixels to the right
    plain = (0.0, 1.0)
    assert long_runs.shifted_accuracy(reader, part, 0, plain) == 1
    # to the right all four are found; elsewhere every logit is 0, and 0 is the answer
    assert long_runs.shifted_accuracy(reader, part, 2, plain) == (1 + 3 * 0.25) / 4


def test_a_seed_that_was_made_twice_counts_once(topic):
    first, second = (long_runs.run("small", "one", 0) for _ in range(2))
    long_runs.store("small", [first])
    long_runs.store("small", [second | {"machine": "another"}])
    assert len(long_runs.all_runs("small")) == 2
    assert [one["machine"] for one in long_runs.stored_runs("small")] == ["another"]


def test_a_run_says_where_and_with_what_it_was_made(topic):
    run = long_runs.run("small", "one", 0)
    assert run["machine"] == runtime.machine()
    assert run["versions"] == runtime.versions()
    assert run["network"] == long_runs.fingerprint(models.softmax_regression())
    assert run["device"] == "cpu"


def test_the_network_learns_on_the_cpu_where_the_test_set_is_read(topic, monkeypatch):
    devices = []

    def choose(name=None):
        devices.append(name)
        return torch.device(name)

    monkeypatch.setattr(runtime, "device", choose)
    long_runs.run("small", "one", 0)
    assert devices == ["cpu"]


def test_a_run_that_diverged_is_kept_once(topic, monkeypatch):
    run = long_runs.run("small", "one", 0) | {"train_loss": [float("nan")]}
    for _ in range(2):
        long_runs.store("small", [run])
    content = json.loads(topic.read_text())
    assert len(content["runs"]) == 1
    assert "earlier" not in content


def test_a_row_may_get_more_seeds_than_its_topic(topic, monkeypatch):
    monkeypatch.setattr(long_runs, "MORE_SEEDS", {("small", "one"): 3, ("another", "one"): 9})
    assert long_runs.missing("small") == [("one", 0), ("one", 1), ("one", 2)]
    make(monkeypatch)
    assert [run["seed"] for run in json.loads(topic.read_text())["runs"]] == [0, 1, 2]


def test_a_row_that_names_a_version_of_torch_is_made_by_it_alone(topic, monkeypatch):
    build, recipe = long_runs.TOPICS["small"][0]["one"]
    rows = {f"one, torch {version}": (build, recipe) for version in ("2.13", "2.1")}
    monkeypatch.setitem(long_runs.TOPICS, "small", (rows, 1, "mnist", False))
    monkeypatch.setattr(long_runs.torch, "__version__", "2.13.0+cpu")
    make(monkeypatch)
    make(monkeypatch, "--again", "small")
    assert [run["name"] for run in json.loads(topic.read_text())["runs"]] == ["one, torch 2.13"]
    assert quoted() is None  # half a comparison
    monkeypatch.setattr(long_runs.torch, "__version__", "2.1.2")
    make(monkeypatch)
    names = [run["name"] for run in json.loads(topic.read_text())["runs"]]
    assert names == ["one, torch 2.13", "one, torch 2.1"]
    assert quoted() is not None


@pytest.mark.parametrize("content", ["<<<<<<< HEAD", "[]", "{}"])
def test_a_damaged_file_is_named_and_stays(topic, monkeypatch, content):
    topic.write_text(content)
    with pytest.raises(SystemExit, match=r"small\.json is damaged .*git checkout"):
        make(monkeypatch)
    assert topic.read_text() == content


def test_every_stored_run_names_its_network():
    for path in quotes.EVIDENCE.glob("*.json"):
        for run in json.loads(path.read_text()).get("runs", []):
            assert {"network", "machine", "versions"} <= run.keys(), path
    first, now = (quotes.load(name)["runs"][0] for name in ("residual-first", "residual"))
    assert first["recipe"] == now["recipe"]
    assert first["network"] != now["network"]


def test_each_stored_run_that_was_read_on_the_test_set_is_in_the_record():
    openings = [opening["reason"] for opening in data.test_openings(quotes.EVIDENCE)]
    for topic in (
        "residual-first", "residual", "residual-long", "residual-small", "residual-fast", "errors",
    ):  # fmt: skip
        content = quotes.load(topic)
        for run in content["runs"] + content.get("earlier", []):
            assert "test_accuracy" in run
            # the first openings for "residual" do not name the network
            first = topic in ("residual-first", "residual")
            network = "" if first else f" (network {run['network']})"
            reason = f"{run['name']}{network}, seed {run['seed']}, after the last epoch"
            there = [opening for opening in openings if opening.endswith(reason)]
            assert len(there) == (2 if first else 1), reason


def test_every_network_but_the_first_baseline_has_its_topic():
    rows = {name for rows, *_ in long_runs.TOPICS.values() for name in rows}
    assert recipes.NETWORKS.keys() - {"softmax"} <= rows


@pytest.mark.parametrize("name", ["writeup-a", "writeups"])
def test_the_write_ups_can_be_made_again_and_the_stored_runs_stay(name, few, tmp_path, monkeypatch):
    """Every row by its own recipe, on few images."""
    before = quotes.load(name)
    monkeypatch.delenv("MNIST_COURSE_QUICK", raising=False)
    monkeypatch.setattr(data, "load", lambda name: data.Digits(few.train[:16], few.validation[:16]))
    monkeypatch.setattr(long_runs, "ProcessPoolExecutor", ThreadPoolExecutor)
    for folder in ("EVIDENCE", "QUOTED"):
        monkeypatch.setattr(quotes, folder, tmp_path)
    path = tmp_path / f"{name}.json"
    path.write_text(json.dumps(before))
    written = []
    monkeypatch.setattr(quotes, "write", written.append)
    threads = torch.get_num_threads()
    try:
        make(monkeypatch, "--again", name)
    finally:
        torch.set_num_threads(threads)
    after = json.loads(path.read_text())
    rows, seeds, _, _ = long_runs.TOPICS[name]
    assert len(after["runs"]) == len(rows) * seeds
    old = before["runs"] + before.get("earlier", [])
    assert len(after["earlier"]) == len(old)
    assert all(one in after["earlier"] for one in old)
    assert written == [name]


# --- what is kept of readings -------------------------------------------------------------


def test_a_reading_keeps_what_was_misread_and_every_margin(topic, monkeypatch, few):
    monkeypatch.setattr(long_runs, "READ", {"small"})
    kept = {}
    labels = few.validation.labels

    def predict(network, part, **named):  # of the test set it says nothing
        return kept["logits"] if len(part) == len(labels) else torch.zeros(len(part), 10)

    monkeypatch.setattr(long_runs, "predict", predict)
    kept["logits"] = torch.randn(len(labels), 10, generator=torch.Generator().manual_seed(0))
    figures = long_runs.run("small", "one", 0)
    shares = kept["logits"].softmax(dim=1)
    wrong = (shares.argmax(dim=1) != labels).nonzero()[:, 0].tolist()
    assert [row[0] for row in figures["misread"]] == wrong
    for place, label, answer, sure in figures["misread"]:
        assert (label, answer) == (labels[place], shares[place].argmax())
        assert sure == pytest.approx(shares[place].max().item(), abs=1e-4)
    for margin, row, label in zip(figures["margins"], kept["logits"], labels, strict=True):
        others = [value for digit, value in enumerate(row.tolist()) if digit != label]
        assert margin == pytest.approx(row[label].item() - max(others), abs=0.0051)
    for rows in figures["test_calibration"].values():
        assert rows[1] == pytest.approx([10_000, 1_000, rows[1][2]], rel=1e-3)  # all are 10 %


def test_each_half_is_read_with_the_temperature_of_the_other():
    """Two halves that need different temperatures: each is scaled by the wrong one."""
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(8000, 10, generator=generator)
    needed = torch.where(torch.arange(8000) % 2 == 0, 1.0, 3.0)[:, None]
    labels = torch.multinomial((logits / needed).softmax(dim=1), 1, generator=generator)[:, 0]
    found = long_runs.calibrated(logits, labels)
    assert found["temperatures"] == pytest.approx([3, 1], rel=0.06)
    assert sum(row[0] for row in found["before"]) == sum(row[0] for row in found["after"]) == 8000
    right = (logits.argmax(dim=1) == labels).sum().item()
    assert sum(row[2] for row in found["after"]) == pytest.approx(right, abs=0.01)


def reading(seed, places, margins):
    """The figures of a run that misread the images at these places."""
    calibration = {
        "temperatures": [1.0, 3.0],
        "before": [[2, 1.0, 2.0], [0, 0.0, 0.0]],
        "after": [[1, 0.5, 1.0], [1, 0.9, 0.0]],
    }
    return {
        "name": "one", "seed": seed, "validation_accuracy": [0.5], "seconds": [1.0],
        "parameters": 1, "recipe": {"epochs": 1}, "calibration": calibration,
        "test_calibration": {key: calibration[key] for key in ("after", "before")},
        "misread": [[place, 0, 1, 0.5] for place in places], "margins": margins,
    }  # fmt: skip


def test_what_is_quoted_of_errors_is_computed_from_the_runs():
    runs = [reading(0, [0, 2], [-1, 1, -2]), reading(1, [2], [1, 1, -4])]
    content = {"command": "none", "runs": runs}
    told = quotes.of_errors(content)
    assert told["agreement"] == {"each": 1.5, "any": 2, "all": 1, "shared_by_two": 1}
    assert told["margins"] == [0, 1, -3]
    assert told["calibration"]["temperature"] == 2
    before, after = told["calibration"]["before"], told["calibration"]["after"]
    assert before == {
        "images": [4, 0], "confidence": [0.5, None], "accuracy": [1.0, None],
        "mean_confidence": 0.5, "error": 0.5, "errors": [0.5, 0.5], "low": 0.5, "high": 0.5,
    }  # fmt: skip
    assert after["error"] == pytest.approx((0.5 * 2 + 0.9 * 2) / 4)
    assert told["test_calibration"] == {"before": before, "after": after}
