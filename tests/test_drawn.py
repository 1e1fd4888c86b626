"""`research/drawn.py` on a small world, and what it stored of the board's network."""

from dataclasses import replace

import drawn
import pytest
import quotes
import torch

from mnist_course import data, drawing, recipes, results
from mnist_course.drawing import weights, writers
from mnist_course.training import Recipe, predict


@pytest.fixture
def small(few, monkeypatch, tmp_path):
    """Two writers to learn from, two to read, one epoch; nothing of the course is replaced."""
    monkeypatch.setattr(data, "load", lambda: few)
    monkeypatch.setattr(drawn, "WRITERS", 2)
    monkeypatch.setattr(drawn, "READ", 2)
    short = replace(recipes.RESIDUAL, epochs=1, batch_size=50)
    monkeypatch.setattr(drawn, "RECIPES", dict.fromkeys(drawn.ROWS, short))
    monkeypatch.setattr(weights, "BOARD", tmp_path / "board.safetensors")
    drawn.written.cache_clear()
    drawn.read_part.cache_clear()
    yield tmp_path
    drawn.written.cache_clear()
    drawn.read_part.cache_clear()


def test_the_board_learns_from_mnist_and_from_writers(small, few):
    assert drawn.digits_for("lesson-05") is few
    both = drawn.digits_for("board")
    assert len(both.train) == 220
    assert torch.equal(both.train.images[:200], few.train.images)
    assert both.validation is few.validation


def test_a_run_holds_what_was_read_with_each_step_left_out(small):
    figures, network = drawn.run("board", 0, keep=True)
    assert set(figures["accuracy"]) == set(drawn.OPTIONS)
    assert all(len(one) == 10 for one in figures["accuracy"].values())
    right, total = (sum(pair[place] for pair in figures["habits"].values()) for place in (0, 1))
    assert total == 20
    assert right / total == pytest.approx(sum(figures["accuracy"]["every-step"]) / 10)
    kept, recipe = drawing.board_network()
    assert recipe == drawn.RECIPES["board"]
    assert [path.name for path in small.iterdir()] == ["board.safetensors"]
    for name, values in kept.state_dict().items():
        assert torch.equal(values, network.state_dict()[name])


def test_runs_of_another_recipe_stay_in_the_record(small, monkeypatch):
    monkeypatch.setattr(quotes, "EVIDENCE", small)
    first, _ = drawn.run("board", 0)
    drawn.store([first])
    longer = replace(drawn.RECIPES["board"], epochs=2)
    monkeypatch.setitem(drawn.RECIPES, "board", longer)
    assert drawn.stored() == {}
    second, _ = drawn.run("board", 0)
    for _ in range(2):
        drawn.store([second])
        content = quotes.load("drawn")
        assert [one["recipe"]["epochs"] for one in content["runs"]] == [2]
        assert [one["recipe"]["epochs"] for one in content["earlier"]] == [1]
    [again] = drawn.stored().values()
    assert again["accuracy"] == second["accuracy"]
    del second["recipe"]["hardest"]  # as in a file from before there was that setting
    drawn.store([second])
    assert list(drawn.stored()) == [("board", 0)]


def test_what_is_read_was_not_learned():
    read = {tuple(map(tuple, one.strokes[0])) for one in writers.write("evaluation", 3, 100)}
    learned = {tuple(map(tuple, one.strokes[0])) for one in writers.write("training", 3)}
    assert read.isdisjoint(learned)


def test_the_weights_that_ship_are_those_of_the_stored_run():
    [run] = [
        one for one in quotes.load("drawn")["runs"] if (one["name"], one["seed"]) == ("board", 0)
    ]
    network, recipe = drawing.board_network()
    assert Recipe().plain() | run["recipe"] == recipe.plain()
    part = writers.as_part(writers.write("evaluation", drawn.READ, drawn.READ_SEED)[:500])
    right = (predict(network, part).argmax(dim=1) == part.labels).float().mean().item()
    stored = sum(run["accuracy"]["every-step"]) / 10
    assert right == pytest.approx(stored, abs=0.02)  # 500 of the 2,000 digits


def test_the_weights_that_ship_reach_what_was_aimed_at():
    shipped = results.load("drawn")["rows"]["shipped"]
    assert shipped["every-step"]["mean"] >= 0.98
    assert shipped["every-step"]["lowest"] >= 0.95
    assert shipped["test"]["mean"] >= 0.995
