"""Holes in digits, against scipy's own filling of holes and shapes worked by hand."""

import pytest
import torch
from scipy import ndimage

from mnist_course import shapes


def drawn(*rows):
    return torch.tensor([[255 * (sign == "#") for sign in row] for row in rows], dtype=torch.uint8)


@pytest.mark.parametrize(
    ("image", "holes"),
    [
        (drawn("#####", "#...#", "#####"), 1),
        (drawn("#####", "#.#.#", "#####"), 2),
        (drawn("#...#", "#...#", "#####"), 0),  # open at the top
        (drawn("..#..", "..#..", "..#.."), 0),  # from edge to edge
        (drawn(".....", ".....", "....."), 0),
        (drawn("#####", "#####", "#####"), 0),
        (drawn(".###.", ".#.#.", "..#.."), 1),  # ink that touches at corners encloses
    ],
)
def test_holes_worked_by_hand(image, holes):
    assert shapes.count_holes(image[None]) == [holes]


def test_holes_are_those_that_scipy_fills(digits):
    images = digits.validation.images[:200]
    for threshold in (60, 128, 200):
        found = shapes.count_holes(images, threshold)
        for image, holes in zip(images.numpy(), found, strict=True):
            ink = image >= threshold
            assert holes == ndimage.label(ndimage.binary_fill_holes(ink) & ~ink)[1]


def test_no_images_have_no_holes():
    assert shapes.count_holes(torch.zeros(0, 28, 28, dtype=torch.uint8)) == []
