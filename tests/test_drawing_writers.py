"""Writers made by rule: the same from a seed, apart from each other, and read by the board."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mnist_course import drawing, recipes
from mnist_course.drawing import habits, writers
from mnist_course.training import predict


@pytest.mark.parametrize("group", writers.GROUPS)
def test_a_seed_gives_the_same_digits_and_another_gives_others(group):
    first = writers.write(group, 2, seed=3, each=2)
    assert first == writers.write(group, 2, seed=3, each=2)
    assert first[:20] == writers.write(group, 1, seed=3, each=2)  # more writers change none
    assert first != writers.write(group, 2, seed=4, each=2)
    assert [one.label for one in first] == 4 * list(range(10))
    assert [one.writer for one in first] == 20 * [0] + 20 * [1]


@pytest.mark.parametrize("group", writers.GROUPS)
def test_digits_lie_in_the_field_and_differ_in_place_and_size(group):
    written = writers.write(group, 12)
    for one in written:
        points = np.concatenate([np.array(stroke) for stroke in one.strokes])
        assert (points >= 0).all()
        assert (points <= writers.FIELD).all()
    heights = [np.ptp(np.concatenate(one.strokes)[:, 1]) for one in written]
    assert max(heights) > 2 * min(heights)
    assert len({round(one.pen) for one in written}) > 5


def test_the_two_groups_share_no_font_and_no_habit():
    fonts = [set(writers.fonts(group)) for group in writers.GROUPS]
    assert fonts[0].isdisjoint(fonts[1])
    trained = [repr(strokes) for choices in habits.TRAINING.values() for _, strokes in choices]
    held_out = [repr(strokes) for strokes in habits.HELD_OUT.values()]
    assert set(trained).isdisjoint(held_out)
    names = {one.habit for one in writers.write("training", 30)}
    assert {one.habit for one in writers.write("evaluation", 30)}.isdisjoint(names)


def test_every_font_has_ten_digits_in_a_box_of_height_1():
    for group in writers.GROUPS:
        for digits in writers.fonts(group).values():
            assert sorted(digits) == list(range(10))
            for strokes in digits.values():
                points = np.concatenate([np.array(stroke) for stroke in strokes])
                assert points.min(axis=0).tolist() == [0, 0]
                assert points[:, 1].max() == 1


def test_a_smooth_curve_goes_through_its_points():
    points = np.array([[0.0, 0.0], [1.0, 0.5], [0.2, 1.0]])
    curve = writers._smooth(points, steps=5)
    assert np.allclose(curve[::5], points)
    straight = writers._smooth(np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]))
    assert np.allclose(straight[:, 0], straight[:, 1])


def test_a_slow_pen_leaves_equal_distances_and_every_corner():
    corner = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 1.0]])
    paced = writers._paced(corner, 9)
    assert [3.0, 0.0] in paced.tolist()
    assert len(writers._paced(np.array([[1.0, 1.0], [1.0, 1.0]]), 5)) == 1


def test_training_digits_have_pens_of_many_widths():
    part = writers.training_part(writers=4)
    assert (part.images.shape, part.images.dtype) == ((40, 28, 28), torch.uint8)
    assert part.labels.tolist() == 4 * list(range(10))
    ink = part.images.reshape(4, -1).float().mean(dim=1)
    assert ink.max() > 1.2 * ink.min()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [(("others", 1), "no group"), (("training", 0), "at least"), (("training", 1.5), "at least")],
)
def test_writers_that_cant_be_are_refused(given, sentence):
    with pytest.raises(drawing.DrawingError, match=sentence):
        writers.write(*given)


def test_the_board_reads_what_writers_write():
    network, recipe = drawing.board_network()
    assert not network.training
    assert recipe == replace(recipes.RESIDUAL, epochs=10)
    part = writers.as_part(writers.write("evaluation", 20, seed=7))
    right = predict(network, part).argmax(dim=1) == part.labels
    assert right.float().mean() > 0.94


def test_black_ink_on_white_is_not_read():
    """The step without which no network of this course reads a drawing."""
    network, _ = drawing.board_network()
    written = writers.write("evaluation", 10, seed=8)
    part = writers.as_part(written, drawing.Options(ink_on_black=False))
    right = predict(network, part).argmax(dim=1) == part.labels
    assert right.float().mean() < 0.4


def test_each_board_network_is_its_own():
    first, second = (drawing.board_network()[0] for _ in range(2))
    with torch.no_grad():
        next(first.parameters()).zero_()
    assert next(second.parameters()).any()
