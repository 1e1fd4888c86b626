"""The candidates of `research/choices.py`: what was chosen is among them, the test set is not."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import choices
import pytest
import quotes
import torch

from mnist_course import data, recipes
from mnist_course.augment import RandomAffine
from mnist_course.training import Recipe, predict

CHOSEN = {
    "residual": (choices.OURS, "16 channels, 5 epochs"),
    "residual-fast": (choices.FASTER, "hardest 20, others 5, 7 epochs"),
    "residual-long": (choices.HALVES, "two of 22 channels vote, calm at the end"),
    "residual-small": (
        "the smallest network", "11 channels throughout, 50 epochs, light augmentation",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHOSEN)
def test_the_networks_of_the_course_are_candidates(name):
    choice, candidate = CHOSEN[name]
    settings, recipe, _ = choices.CANDIDATES[choice][candidate]
    build, ours = recipes.NETWORKS[name]
    assert str(choices.family(**settings)) == str(build())
    if (
        choice == choices.HALVES
    ):  # in full there are twice as many images, and half as many epochs again
        recipe = replace(
            recipe, epochs=recipe.epochs * 3 // 2, final_epochs=recipe.final_epochs * 3 // 2
        )
    assert recipe == ours


def test_every_candidate_is_stored_with_its_recipe():
    stored = {choices.key(one): one for one in quotes.load("choices")["runs"]}
    assert list(stored) == list(choices.wanted())
    for (choice, name, _), one in stored.items():
        settings, recipe, _ = choices.CANDIDATES[choice][name]
        assert (one["network"], Recipe().plain() | one["recipe"]) == (settings, recipe.plain())
        assert len(one["validation_accuracy"]) == recipe.epochs


def test_a_cut_takes_every_image_but_those_of_the_test_set_once(digits, monkeypatch):
    monkeypatch.setattr(data, "load", lambda: digits)
    first, second = choices.split("any", 0), choices.split("any", 1)
    assert (len(first.train), len(first.validation)) == (50_000, 10_000)
    every = data.load_all_training()
    for one in (first, second):
        labels = torch.cat([one.train.labels, one.validation.labels])
        assert torch.equal(labels.bincount(), every.labels.bincount())
        images = torch.cat([one.train.images, one.validation.images])
        assert images.sum(dtype=torch.int64) == every.images.sum(dtype=torch.int64)
    assert not torch.equal(first.validation.labels, second.validation.labels)


def test_halves_change_places():
    first, second = (choices.split(choices.HALVES, number) for number in (0, 1))
    assert len(first.train) == len(first.validation) == 30_000
    assert torch.equal(first.train.images, second.validation.images)
    assert torch.equal(first.validation.labels, second.train.labels)
    every = data.load_all_training()
    labels = torch.cat([first.train.labels, first.validation.labels])
    assert torch.equal(labels.bincount(), every.labels.bincount())
    assert not torch.equal(choices.split(choices.HALVES, 2).train.labels, first.train.labels)


def test_an_augmentation_that_fades():
    fading = choices.Fading(degrees=10, shift=0.1, scale=0.2, shear=0.4, start=2, end=4, least=0.5)
    images = torch.rand(3, 1, 28, 28)
    for complete, left in ((0, 1), (2, 1), (3, 0.75), (4, 0.5), (5, 0.5)):
        choices.note_epoch(complete)
        same = RandomAffine(10 * left, 0.1 * left, 0.2 * left, 0.4 * left)
        found, wanted = (one(images, torch.Generator().manual_seed(0)) for one in (fading, same))
        assert torch.equal(found, wanted)


def test_any_affine_map_can_be_drawn():
    stretched = choices.Stretched(degrees=0, shift=0, scale=0, shear=0, stretch=0.5)
    maps = stretched.matrices(1000, torch.Generator().manual_seed(0))
    assert torch.equal(maps[:, 1], torch.tensor([0.0, 1, 0]).expand(1000, 3))  # height stays
    widths = 1 / maps[:, 0, 0]
    assert 0.5 <= widths.min() < 0.51
    assert 1.49 < widths.max() <= 1.5


def test_a_square_is_erased_in_each_image():
    erased = choices.Erased(degrees=0, shift=0, scale=0, shear=0, stretch=0, side=4)
    images = erased(torch.ones(9000, 1, 28, 28), torch.Generator().manual_seed(0))
    gone = images < 0.5
    assert (gone.sum(dim=(1, 2, 3)) == 16).all()
    assert (gone.any(dim=3).sum(dim=2) == 4).all()  # in four rows
    assert gone.any(dim=0).all()  # everywhere, in one image or another


def test_each_voter_is_read_alone_too(few, monkeypatch):
    recipe = Recipe(epochs=1, batch_size=50, shuffle=False)
    candidates = {"any": {"votes": ({"channels": 2, "votes": 2}, recipe, [0])}}
    monkeypatch.setattr(choices, "CANDIDATES", candidates)
    monkeypatch.setattr(choices, "split", lambda choice, number: few)
    networks = []
    family = choices.family
    monkeypatch.setattr(
        choices, "family", lambda **settings: networks.append(family(**settings)) or networks[-1]
    )
    threads = torch.get_num_threads()
    try:
        alone = choices.run("any", "votes", 0)["alone"]
    finally:
        torch.set_num_threads(threads)
    [ensemble] = (one for one in networks if hasattr(one, "networks"))
    for network, accuracy in zip(ensemble.networks, alone, strict=True):
        right = predict(network, few.validation).argmax(dim=1) == few.validation.labels
        assert accuracy == pytest.approx(right.float().mean().item())


def test_only_what_is_missing_is_made(few, tmp_path, monkeypatch, capsys):
    recipe = Recipe(epochs=1, batch_size=50)
    candidates = {
        "one": {"wide": ({"channels": 8}, recipe, [0]), "narrow": ({"channels": 2}, recipe, [3])}
    }
    monkeypatch.delenv("MNIST_COURSE_QUICK", raising=False)
    monkeypatch.setattr(choices, "CANDIDATES", candidates)
    monkeypatch.setattr(choices, "split", lambda choice, number: few)
    monkeypatch.setattr(choices, "ProcessPoolExecutor", ThreadPoolExecutor)  # sees the patches
    monkeypatch.setattr(quotes, "EVIDENCE", tmp_path)
    monkeypatch.setattr(quotes, "QUOTED", tmp_path / "quoted")
    quotes.QUOTED.mkdir()
    threads = torch.get_num_threads()
    try:
        choices.store([choices.run("one", "narrow", 3)])
        before = json.loads((tmp_path / "choices.json").read_text())["runs"]
        monkeypatch.setattr("sys.argv", ["choices.py", "--jobs", "1"])
        choices.main()
        after = json.loads((tmp_path / "choices.json").read_text())["runs"]
        assert [one["name"] for one in after] == ["wide", "narrow"]
        assert after[1] == before[0]
        assert (quotes.QUOTED / "choices.json").is_file()
        monkeypatch.setattr("sys.argv", ["choices.py", "--list"])
        choices.main()
        reached = after[0]["validation_accuracy"][-1]
        assert f"one: wide, split 0: {reached:.2%}" in capsys.readouterr().out
    finally:
        torch.set_num_threads(threads)
