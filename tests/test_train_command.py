"""The command `mnist-course train`, on runs of a second."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from mnist_course import cli, data, names, recipes, training
from mnist_course.cli import training as command

ROOT = Path(__file__).parent.parent


@pytest.fixture
def asked():
    """Names of the datasets that were loaded."""
    return []


@pytest.fixture
def course(few, asked, monkeypatch):
    """Run the command on 200 images of whatever dataset it asks for."""

    def load(name):
        asked.append(name)
        return few

    monkeypatch.setattr(data, "load", load)
    monkeypatch.setattr(data, "open_test_set", None)

    def run(*arguments):
        return CliRunner().invoke(cli.main, ["train", *map(str, arguments)])

    return run


def recipe_of(monkeypatch, course, *arguments):
    """The recipe, seed and device that the command passes to `fit`."""
    passed = []

    def fit(network, digits, recipe, seed, device, show):
        passed.append((recipe, seed, device))
        return training.History([1.0], [0.1], [1.0], [0.1], [0.1], [1.0])

    monkeypatch.setattr(command, "fit", fit)
    assert course(*arguments).exit_code == 0
    return passed[0]


def test_help_lists_every_network_and_imports_nothing_heavy():
    code = (
        "import sys; from mnist_course.cli import main;"
        "main(['train', '--help'], standalone_mode=False);"
        "print(*(m for m in sys.modules if '.' not in m), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "numpy", "matplotlib", "sklearn"} & set(done.stderr.split())
    words = set(re.findall(r"[\w-]+", done.stdout))
    assert set(recipes.NETWORKS) <= words
    assert {"--data", "--epochs", "--batch-size", "--learning-rate", "--optimizer"} <= words
    assert {"--decay", "--seed", "--device", "--dry-run", "--save"} <= words


def test_every_name_has_a_network_and_no_other_list_has_it():
    assert list(recipes.NETWORKS) == list(names.Network)
    for one in names.Network:
        assert (f"{one}", recipes.NETWORKS[one]) == (one.value, recipes.NETWORKS[one.value])
    for module in (ROOT / "mnist_course").rglob("*.py"):
        texts = [
            node.value
            for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
            if isinstance(node, ast.Constant)
        ]
        assert ("residual-small" in texts) == (module.name == "names.py"), module


def test_every_optimizer_has_its_kind():
    kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    assert tuple(kinds) == names.OPTIMIZERS
    for name, kind in kinds.items():
        network, recipe = torch.nn.Linear(2, 2), training.Recipe(optimizer=name)
        assert type(training.make_optimizer(network, recipe)) is kind


@pytest.mark.parametrize("name", recipes.NETWORKS)
def test_without_options_the_recipe_is_the_packages(monkeypatch, course, name):
    recipe, seed, device = recipe_of(monkeypatch, course, name)
    assert recipe == recipes.NETWORKS[name][1]
    assert (seed, device) == (0, training.runtime.device())


def test_options_change_the_recipe(monkeypatch, course):
    recipe, seed, device = recipe_of(
        monkeypatch, course, "residual", "--epochs", 14, "--batch-size", 64, "--optimizer", "sgd",
        "--learning-rate", 0.05, "--decay", 0.7, "--seed", 9, "--device", "cpu",
    )  # fmt: skip
    changed = {
        name for name, value in vars(recipe).items() if value != vars(recipes.RESIDUAL)[name]
    }
    assert changed == {"epochs", "batch_size", "optimizer", "learning_rate", "decay", "schedule"}
    assert (recipe.epochs, recipe.batch_size, recipe.optimizer) == (14, 64, "sgd")
    assert (recipe.learning_rate, recipe.decay, recipe.schedule) == (0.05, 0.7, "exponential")
    assert (seed, device) == (9, torch.device("cpu"))


def test_a_run_reports_each_epoch_and_images_a_second(course, asked):
    result = course("lenet5-relu", "--epochs", 2, "--batch-size", 50)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert re.search(r"^lenet5-relu, 61,706 parameters, on 200 images of mnist", lines[0])
    assert "Epochs: 2, batch size: 50, optimizer: adam, learning rate: 0.003" in lines[0]
    assert [line.partition(":")[0] for line in lines[1:3]] == ["epoch 1", "epoch 2"]
    assert re.search(r"2 epochs in .* s \([\d,]+ images a second on \w+\)", lines[3])
    assert len(lines) == 4
    assert asked == ["mnist"]


def test_fashion(course, asked):
    result = course("softmax", "--data", "fashion", "--epochs", 1)
    assert result.exit_code == 0
    assert asked == ["fashion"]
    assert "of fashion" in result.stdout


def test_a_dry_run_is_one_batch(monkeypatch, course, tmp_path):
    sizes = []

    def counting(network, batches, *others, real=training.train_epoch):
        sizes.append(len(batches.part) if hasattr(batches, "part") else None)
        return real(network, batches, *others)

    monkeypatch.setattr(training.TerminalProgress, "watch", training.Silent.watch)
    monkeypatch.setattr(training, "train_epoch", counting)
    file = tmp_path / "kept.safetensors"
    result = course("softmax", "--batch-size", 32, "--dry-run", "--save", file)
    assert result.exit_code == 0, result.output
    assert sizes == [32]
    assert "It works." in result.stdout
    assert not file.exists()


@pytest.mark.parametrize("name", sorted(set(recipes.NETWORKS) - {"a"}))
def test_a_dry_run_of_every_network(course, name):
    result = course(name, "--dry-run", "--batch-size", 16)
    assert result.exit_code == 0, result.output
    assert "It works." in result.stdout


def test_the_fast_recipe_says_what_its_later_epochs_show(course):
    result = course("residual-fast", "--epochs", 2)
    assert result.exit_code == 0, result.output
    assert "after the first show the 20% of the images that cost most so far, and 5%" in (
        result.stdout
    )
    assert "after the first" not in course("residual-fast", "--epochs", 1).stdout


def saved(result):
    [line] = [line for line in result.stdout.splitlines() if line.startswith("Saved: ")]
    return line.removeprefix("Saved: ").partition(", and")[0]


def test_a_network_is_saved_with_its_recipe(course, few, tmp_path):
    result = course("e", "--epochs", 1, "--save", tmp_path / "e", "--seed", 5)
    assert result.exit_code == 0
    build, published = recipes.NETWORKS["e"]
    network = build()
    recipe, history = training.load_checkpoint(saved(result), network)
    assert recipe == training.Recipe(**{**vars(published), "epochs": 1})
    batches = data.Batches(few.validation, 100)
    assert training.evaluate(network, batches)[1] == history.validation_accuracy[0]
    assert json.loads((tmp_path / "e.json").read_text())["seed"] == 5


def test_a_seed_repeats_a_run(course, tmp_path):
    def file(seed, name):
        result = course("lenet5-relu", "--epochs", 1, "--seed", seed, "--save", tmp_path / name)
        network = recipes.NETWORKS["lenet5-relu"][0]()
        training.load_checkpoint(saved(result), network)
        return torch.cat([tensor.flatten() for tensor in network.state_dict().values()])

    assert torch.equal(file(1, "a"), file(1, "b"))
    assert not torch.equal(file(1, "a"), file(2, "c"))


def test_an_interrupt_keeps_and_saves_what_is_there(course, monkeypatch, tmp_path):
    def watch(self, batches, epoch, epochs):
        for number, batch in enumerate(batches):
            if (epoch, number) == (2, 2):
                raise KeyboardInterrupt
            yield batch

    monkeypatch.setattr(training.TerminalProgress, "watch", watch)
    result = course("lenet5-relu", "--batch-size", 50, "--save", tmp_path / "half")
    assert result.exit_code == 0
    assert "Interrupted: 1 of 10 epochs are complete." in result.stdout
    _, history = training.load_checkpoint(saved(result), recipes.NETWORKS["lenet5-relu"][0]())
    assert len(history) == 1


@pytest.mark.parametrize("options", [["--dry-run"], []])
def test_an_interrupt_in_the_first_epoch_replaces_nothing(course, monkeypatch, tmp_path, options):
    assert course("lenet5-relu", "--epochs", 1, "--save", tmp_path / "good").exit_code == 0
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def watch(self, batches, epoch, epochs):
        for number, batch in enumerate(batches):
            if number == 1 or options:
                raise KeyboardInterrupt
            yield batch

    monkeypatch.setattr(training.TerminalProgress, "watch", watch)
    result = course("lenet5-relu", "--batch-size", 50, "--save", tmp_path / "good", *options)
    assert result.exit_code == 1
    assert "no epoch is complete, so nothing is saved" in result.stderr
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_save_replaces_its_own_file_and_no_other(course, tmp_path, asked):
    assert course("softmax", "--epochs", 1, "--save", tmp_path / "mine").exit_code == 0
    assert course("softmax", "--epochs", 1, "--seed", 1, "--save", tmp_path / "mine").exit_code == 0
    assert json.loads((tmp_path / "mine.json").read_text())["seed"] == 1
    asked.clear()
    (tmp_path / "cases.json").write_text('{"cases": []}')
    result = course("softmax", "--save", tmp_path / "cases")
    assert (result.exit_code, asked) == (1, [])
    assert "cases.json is there already and was not saved by this course" in result.stderr
    assert (tmp_path / "cases.json").read_text() == '{"cases": []}'
    assert not (tmp_path / "cases.safetensors").exists()


def test_a_place_that_cannot_be_written_is_found_before_training(
    course, tmp_path, asked, monkeypatch
):
    def refuse(*arguments):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "replace", refuse)
    result = course("softmax", "--save", tmp_path / "new")
    assert (result.exit_code, asked) == (1, [])
    assert "new.safetensors can't be written (Read-only file system)" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_largest_seed(course):
    assert course("softmax", "--dry-run", "--seed", 2**32 - 1).exit_code == 0


def test_a_loss_that_is_not_finite(course, tmp_path):
    result = course("lenet5-relu", "--learning-rate", 1e30, "--save", tmp_path / "bad")
    assert result.exit_code == 1
    assert "try a learning rate below" in result.stdout
    assert re.fullmatch(r"Error: .*nothing is saved\n", result.stderr.rpartition("\r")[2])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words", "status"),
    [
        (["lenet"], "'lenet' is not one of 'softmax', 'mlp', 'lenet5', 'lenet5-relu',", 2),
        ([], "Missing argument 'NETWORK'", 2),
        (["lenet5", "--data", "cifar"], "'mnist', 'fashion'", 2),
        (["lenet5", "--epochs", 0], "--epochs", 2),
        (["lenet5", "--batch-size", "many"], "--batch-size", 2),
        (["lenet5", "--learning-rate", -1], "--learning-rate", 2),
        (["lenet5", "--decay", 1.5], "--decay", 2),
        (["lenet5", "--optimizer", "lion"], "'sgd', 'adam', 'adamw'", 2),
        (["lenet5", "--learning-rate", "nan"], "must be above 0", 1),
        (["lenet5", "--optimizer", "adam"], "adam needs --learning-rate as well", 1),
        (["lenet5", "--device", "gpu"], "no device 'gpu' here", 1),
        (["lenet5", "--save", "nowhere/at/all"], "can't be written: there is no folder", 1),
        (["lenet5", "--save", "nowhere/at/all", "--dry-run"], "can't be written", 1),
        (["lenet5", "--save", "a" * 300], "can't be written", 1),
        (["lenet5", "--save", ""], "name a file; without --save nothing is saved", 2),
        (["lenet5", "--save", "  "], "name a file", 2),
        (["lenet5", "--save", "."], "is a directory", 2),
        (["lenet5", "--seed", 5_000_000_000], "5000000000 is not in the range", 2),
        (["lenet5", "--seed", 2**32], "is not in the range", 2),
        (["lenet5", "--seed", -1], "is not in the range", 2),
        (["lenet5", "--learning-rate", "inf"], "must be above 0, and finite", 1),
    ],
)
def test_a_mistake_is_a_sentence_before_anything_is_trained(
    course, asked, arguments, words, status
):
    result = course(*arguments)
    assert result.exit_code == status
    assert words in result.stderr
    assert result.stdout == ""
    assert asked == []


def test_a_dataset_that_is_missing(course, monkeypatch):
    def missing(name):
        raise data.DataError(
            "Fashion-MNIST is not on this machine. Type: mnist-course data fashion"
        )

    monkeypatch.setattr(data, "load", missing)
    result = course("softmax", "--data", "fashion")
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: Fashion-MNIST is not on this machine. Type: mnist-course data fashion\n"
    )
