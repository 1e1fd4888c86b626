"""Checkpoints come back whole, and what is broken or foreign is neither read nor replaced."""

import json
import math
import os
from dataclasses import asdict, replace

import pytest
import safetensors.torch
import torch
from trainings import AUGMENTED, same, weights

from mnist_course import models, runtime, training, writeups
from mnist_course.augment import MirroredAffine, RandomAffine
from mnist_course.training import Recipe, fit


@pytest.fixture
def trained(few):
    torch.manual_seed(0)
    network = models.lenet5_variant(batch_norm=True)
    return network, fit(network, few, AUGMENTED, seed=3)


def test_a_checkpoint_comes_back_whole(trained, few, tmp_path):
    network, history = trained
    path = training.save_checkpoint(tmp_path / "digits", network, AUGMENTED, history, seed=3)
    assert path == tmp_path / "digits.safetensors"
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "digits.json",
        "digits.safetensors",
    ]
    again = models.lenet5_variant(batch_norm=True)
    assert training.load_checkpoint(tmp_path / "digits", again) == (AUGMENTED, history)
    assert same(weights(again), weights(network))
    expected = training.predict(network, few.validation)
    assert torch.equal(training.predict(again, few.validation), expected)
    about = json.loads((tmp_path / "digits.json").read_text())
    assert about["seed"] == 3
    assert about["versions"] == runtime.versions()
    assert RandomAffine(**about["recipe"]["augment"]) == RandomAffine()


def test_a_checkpoint_names_an_augmentation_that_no_file_can_hold(trained, few, tmp_path):
    network, history = trained
    recipe = replace(AUGMENTED, augment=lambda images, generator: images)
    training.save_checkpoint(tmp_path / "mine", network, recipe, history)
    again, _ = training.load_checkpoint(tmp_path / "mine", network)
    assert "lambda" in again.augment
    assert again.final_augment == recipe.final_augment
    with pytest.raises(TypeError, match="put the function in again"):
        fit(network, few, again)
    assert len(fit(network, few, replace(again, augment=recipe.augment))) == 2


def test_a_checkpoint_needs_no_file_beside_it_and_no_recipe(tmp_path):
    network = models.residual_network().to(memory_format=torch.channels_last)
    path = training.save_checkpoint(tmp_path / "bare.safetensors", network)
    path.with_suffix(".json").unlink()
    again = models.residual_network()
    assert training.load_checkpoint(path, again) == (None, None)
    assert same(weights(again), weights(network))


def test_a_diverged_history_comes_back_too(tmp_path):
    history = training.History([math.inf], [0.1], [math.nan], [0.1], [9.0], [1.0], 200, "cpu", "x")
    path = training.save_checkpoint(tmp_path / "bad", models.lenet5(), Recipe(), history)
    assert repr(training.load_checkpoint(path, models.lenet5())[1]) == repr(history)


def test_how_many_images_each_epoch_showed_comes_back_or_may_be_missing(few, tmp_path):
    network = models.softmax_regression()
    recipe = Recipe(epochs=2, hardest=0.2, others=0.1)
    history = training.fit(network, few, recipe)
    path = training.save_checkpoint(tmp_path / "fast", network, recipe, history)
    assert training.load_checkpoint(path, network) == (recipe, history)
    assert history.learned_from == [200, 60]
    history.learned_from = []  # as in a file from before it was kept
    path = training.save_checkpoint(tmp_path / "old", network, recipe, history)
    assert training.load_checkpoint(path, network)[1] == history
    history.learned_from = [200]
    path = training.save_checkpoint(tmp_path / "wrong", network, recipe, history)
    with pytest.raises(training.CheckpointError, match="not one list of numbers"):
        training.load_checkpoint(path, network)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_another_precision_are_read(tmp_path, dtype):
    path = training.save_checkpoint(tmp_path / "half", models.lenet5().to(dtype))
    network = models.lenet5()
    training.load_checkpoint(path, network)
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


def test_a_recipe_from_before_there_was_a_choice_of_interpolation(tmp_path):
    """Bilinear, then; so the text of a recipe that is bilinear is what it was."""
    assert "interpolation" not in Recipe(augment=RandomAffine()).plain()["augment"]
    recipe = Recipe(augment=RandomAffine(interpolation="nearest"), final_augment=RandomAffine())
    assert recipe.plain()["augment"]["interpolation"] == "nearest"
    path = training.save_checkpoint(tmp_path / "nearest", models.lenet5(), recipe)
    assert training.load_checkpoint(path, models.lenet5())[0] == recipe


def test_a_recipe_that_mirrors_comes_back_as_it_was(tmp_path):
    recipe = Recipe(augment=MirroredAffine(degrees=3, mirrored=0.25), final_augment=RandomAffine())
    assert recipe.plain() != replace(recipe, augment=RandomAffine(degrees=3)).plain()
    path = training.save_checkpoint(tmp_path / "mirrored", models.lenet5(), recipe)
    assert training.load_checkpoint(path, models.lenet5())[0] == recipe


FOREIGN = {
    "cases.json": b'{"cases": [1, 2, 3]}',
    "cases.safetensors": safetensors.torch.save({"weight": torch.zeros(2)}),
}


@pytest.mark.parametrize("content", ["good", b"not what it is called", b"[" * 100_000, b"[1]"])
@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_that_is_not_ours_is_not_replaced(tmp_path, name, content):
    content = FOREIGN[name] if content == "good" else content
    (tmp_path / name).write_bytes(content)
    for call in (
        training.check_place,
        lambda path: training.save_checkpoint(path, models.lenet5()),
    ):
        with pytest.raises(
            training.CheckpointError, match=f"{name} is there already.*another name"
        ):
            call(tmp_path / "cases")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {name: content}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_folder_is_not_replaced(tmp_path, name):
    (tmp_path / name).mkdir()
    for call in (
        training.check_place,
        lambda path: training.save_checkpoint(path, models.lenet5()),
    ):
        with pytest.raises(training.CheckpointError, match=f"{name} is there already"):
            call(tmp_path / "cases")


def test_an_empty_file_is_replaced(tmp_path):
    """There is nothing in it to lose; a trial that was killed leaves one behind."""
    (tmp_path / "new.safetensors").touch()
    training.check_place(tmp_path / "new")
    training.load_checkpoint(
        training.save_checkpoint(tmp_path / "new", models.lenet5()), models.lenet5()
    )


def test_a_place_is_tried_and_left_as_it_was(tmp_path):
    training.check_place(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []
    training.save_checkpoint(tmp_path / "kept", models.lenet5())
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    training.check_place(tmp_path / "kept")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("function", ["replace", "fsync"])
def test_a_place_that_cannot_be_written(tmp_path, monkeypatch, function):
    def fail(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, function, fail)
    with pytest.raises(training.CheckpointError, match="can't be written .Permission denied"):
        training.check_place(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["", ".", "/"])
def test_a_path_without_a_name(path):
    network = models.softmax_regression()
    for call in (
        training.check_place,
        lambda path: training.save_checkpoint(path, network),
        lambda path: training.load_checkpoint(path, network),
    ):
        with pytest.raises(training.CheckpointError, match="give the file a name"):
            call(path)


def test_a_name_too_long_for_a_file(tmp_path):
    with pytest.raises(training.CheckpointError, match="can't be written"):
        training.check_place(tmp_path / ("long" * 80))


def test_names_with_a_dot_do_not_overwrite_each_other(tmp_path):
    for rate in (0.1, 0.9):
        training.save_checkpoint(tmp_path / f"rate-{rate}", models.lenet5(), seed=round(10 * rate))
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "rate-0.1.json", "rate-0.1.safetensors", "rate-0.9.json", "rate-0.9.safetensors",
    ]  # fmt: skip
    training.load_checkpoint(tmp_path / "rate-0.1", models.lenet5())


def tensors():
    return {name: tensor.clone() for name, tensor in models.lenet5().state_dict().items()}


def saved(about=None, change=lambda tensor: tensor):
    metadata = None if about is None else {"mnist_course": about}
    changed = {name: change(tensor) for name, tensor in tensors().items()}
    return safetensors.torch.save(changed, metadata)


def with_recipe(**settings):
    return saved(json.dumps({"recipe": asdict(Recipe()) | settings, "history": None}))


def with_history(history):
    return saved(json.dumps({"recipe": None, "history": history}))


GOOD = json.dumps({"recipe": asdict(Recipe()), "history": None})
BROKEN = {
    "truncated": (saved(GOOD)[:-100], "is broken"),
    "header cut": (saved(GOOD)[:20], "is broken"),
    "empty": (b"", "is broken"),
    "text": (b"<html>Please log in</html>", "is broken"),
    "a pickle": (b"\x80\x04\x95cos\nsystem\n", "is broken"),
    "foreign": (saved(), "not saved by this course"),
    "no JSON": (saved("{oops"), "is broken"),
    "JSON of another kind": (saved("[1, 2]"), "is broken"),
    "null": (saved("null"), "is broken"),
    "nested deeply": (saved("[" * 100_000), "is broken"),
    "JSON without a recipe": (saved("{}"), "not saved by this course"),
    "half a recipe": (saved('{"recipe": {"epochs": 3}, "history": null}'), "not saved by this"),
    "a recipe that can't work": (with_recipe(optimizer="sdg"), "no optimizer 'sdg'"),
    "a recipe that is a list": (saved('{"recipe": [5], "history": null}'), "no Recipe but"),
    "a recipe that is a text": (saved('{"recipe": "sgd", "history": null}'), "no Recipe but"),
    "nested settings": (with_recipe(betas=[[[0.9]], {"a": [0.9]}]), "betas are two numbers"),
    "a setting of another type": (with_recipe(epochs="3"), "at least 1 epoch"),
    "a setting from a newer version": (
        with_recipe(mass=0.9), "a newer version of the course saved it .its Recipe has mass",
    ),
    "an augmentation from a newer version": (
        with_recipe(augment={"bend": 1}), "a newer version of the course saved it .*bend",
    ),
    "an augmentation that can't work": (with_recipe(augment={"degrees": "ten"}), "degrees must be"),
    "an odd history": (with_history({"loss": []}), "a newer version .*its History has loss"),
    "a history that is a list": (with_history([1]), "no History but"),
    "an empty list for a history": (with_history([]), "no History but"),
    "a history of numbers": (with_history({"train_loss": 5}), "one list of numbers"),
    "a history of texts": (with_history({"train_loss": ["low"]}), "one list of numbers"),
    "a history of lists": (with_history({"train_loss": [[0.1]]}), "one list of numbers"),
    "a history with a gap": (
        with_history({"train_loss": [1.0, 2.0], "train_accuracy": [0.1]}), "one list of numbers",
    ),
    "whole numbers": (saved(GOOD, lambda one: one.long()), "holds other numbers: .*int64"),
    "complex numbers": (saved(GOOD, lambda one: one + 1j), "holds other numbers: .*complex64"),
    "truth values": (saved(GOOD, lambda one: one > 0), "holds other numbers: .*torch.bool"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_or_foreign_checkpoint_is_refused(tmp_path, kind):
    content, words = BROKEN[kind]
    (tmp_path / "bad.safetensors").write_bytes(content)
    network = models.lenet5()
    before = weights(network)
    with pytest.raises(training.CheckpointError, match=words) as caught:
        training.load_checkpoint(tmp_path / "bad", network)
    assert "bad.safetensors" in str(caught.value)
    assert same(weights(network), before)
    assert isinstance(caught.value, runtime.CourseError)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (models.lenet5_variant, r"0.bias|is \(6,\)|None"),
        (lambda: writeups.network_d(channels=(8, 16)), r"is .* in the file and .* here"),
        (models.softmax_regression, "another network"),
    ],
)
def test_a_checkpoint_of_another_network_is_refused(tmp_path, build, words):
    path = training.save_checkpoint(tmp_path / "other", models.lenet5())
    network = build()
    before = weights(network)
    with pytest.raises(training.CheckpointError, match="holds another network") as caught:
        training.load_checkpoint(path, network)
    assert caught.match(words)
    assert same(weights(network), before)


def test_a_checkpoint_that_is_not_there(tmp_path):
    with pytest.raises(training.CheckpointError, match="there is no lenet5.safetensors in .*run"):
        training.load_checkpoint(tmp_path / "lenet5", models.lenet5())


@pytest.mark.parametrize("function", ["replace", "fsync"])
def test_a_write_that_fails_leaves_the_old_checkpoint(tmp_path, monkeypatch, function):
    old, new = models.lenet5(), models.lenet5()
    path = training.save_checkpoint(tmp_path / "kept", old, seed=1)
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, function, fail)
    with pytest.raises(training.CheckpointError, match="No space left on device.*make room"):
        training.save_checkpoint(path, new, seed=2)
    monkeypatch.undo()
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before
    training.load_checkpoint(path, new)
    assert same(weights(new), weights(old))


def test_an_interrupted_write_leaves_no_rest(tmp_path, monkeypatch):
    def interrupt(handle):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        training.save_checkpoint(tmp_path / "new", models.lenet5())
    assert list(tmp_path.iterdir()) == []
