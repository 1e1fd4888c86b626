"""The augmentation lab draws what scipy and the recipe itself compute."""

import math

import numpy as np
import pytest
import torch
from scipy import ndimage
from sheets import map_at, shows

from mnist_course import data, recipes
from mnist_course.augment import RandomAffine
from mnist_course.widgets import ExplorerError, augmentation, augmentation_lab, pixels

RECIPE = recipes.WHOLE_AFFINE
GENERATOR = torch.Generator().manual_seed(0)
IMAGES = torch.randint(0, 256, (12, 28, 28), dtype=torch.uint8, generator=GENERATOR)
IMAGES[:, :6] = IMAGES[:, 22:] = 0  # an empty frame, as in MNIST
IMAGES[:, :, :6] = IMAGES[:, :, 22:] = 0
PART = data.Part(IMAGES, torch.arange(12) % 10)
STILL = {"rotation": 0, "right": 0, "down": 0, "size": 1.0, "shear": 0.0}


def scipys(image, rotation, right, down, size, shear):
    """The same map by scipy: first turn and scale about the middle, then slant, then shift."""
    angle = math.radians(rotation)
    # in rows and columns; a row further down is slanted to the left
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    slant = np.array([[1, 0], [shear, 1]])
    back = turn @ slant / size
    middle = np.array([13.5, 13.5])
    offset = middle - back @ (middle + (down, right))
    return ndimage.affine_transform(image, back, offset, order=1, mode="constant")


@pytest.mark.parametrize("name", STILL)
@pytest.mark.parametrize("place", ["minimum", "middle", "maximum"])
def test_one_setting_is_scipys_map(name, place):
    low, high = augmentation.LIMITS[name]
    value = {"minimum": low, "middle": (3 * high + low) / 4, "maximum": high}[place]
    if name in ("right", "down", "rotation"):
        value = round(value)
    settings = {**STILL, name: value}
    image = IMAGES[0].numpy().astype(np.float32) / 255
    ours = augmentation.transform(torch.from_numpy(image), **settings)
    np.testing.assert_allclose(ours, scipys(image, **settings), atol=2e-4)


def test_all_settings_together_are_scipys_map():
    settings = {"rotation": -120, "right": 4, "down": -3, "size": 1.2, "shear": 0.3}
    image = IMAGES[1].numpy().astype(np.float32) / 255
    ours = augmentation.transform(torch.from_numpy(image), **settings)
    np.testing.assert_allclose(ours, scipys(image, **settings), atol=2e-4)


def test_down_is_down_also_for_a_turned_digit():
    image = torch.zeros(28, 28)
    image[10, 12] = 1  # half a turn about the middle leads to row 17, column 15
    turned = augmentation.transform(image, rotation=180, down=5, right=2)
    assert divmod(int(turned.argmax()), 28) == (22, 17)


def drawn(picture, place):
    """A digit on the sheet, in 0..1."""
    return map_at(picture, *place) / pixels.FULL


@pytest.mark.parametrize("draw", [0, 25, 50])
def test_original_changed_digit_and_draws_stand_on_the_sheet(draw):
    image = IMAGES[2]
    picture = augmentation.augmentation_picture(image, RECIPE, 20, -3, 4, 0.8, 0.1, draw)
    scaled = data.scale(image[None])
    assert np.abs(drawn(picture, augmentation.BEFORE) - image.numpy() / 255).max() <= 0.002
    expected = scipys(scaled[0, 0].numpy(), 20, -3, 4, 0.8, 0.1)
    assert np.abs(drawn(picture, augmentation.AFTER) - expected).max() <= 0.003
    copies = RECIPE(scaled.expand(20, 1, 28, 28), torch.Generator().manual_seed(draw))
    x, y = augmentation.GRID
    for number in (0, 7, 19):
        row, column = divmod(number, augmentation.COLUMNS)
        step = augmentation.STEP
        shown = drawn(picture, (x + column * step, y + row * step))
        assert np.abs(shown - copies[number, 0].numpy()).max() <= 0.002


def test_another_draw_is_another_picture_and_the_same_draw_the_same():
    pictures = [
        augmentation.augmentation_picture(IMAGES[0], RECIPE, draw=draw).pixels for draw in (1, 2, 1)
    ]
    assert not np.array_equal(pictures[0], pictures[1])
    np.testing.assert_array_equal(pictures[0], pictures[2])


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({}, []),
        ({"rotation": 10, "right": 2, "down": -2, "size": 1.1, "shear": -0.1}, []),
        ({"rotation": -11}, ["rotation"]),
        ({"right": 3, "down": -3}, ["right", "down"]),
        ({"size": 0.85, "shear": 0.15}, ["size", "shear"]),
    ],
)
def test_what_the_recipe_never_draws_is_named(change, names):
    far = augmentation.outside(RECIPE, **{**STILL, **change})
    assert [name for name, beyond in far.items() if beyond] == names
    text = augmentation.augmentation_picture(IMAGES[0], RECIPE, **change).text
    told = [augmentation.TOLD[name] for name in names]
    assert ("The recipe could draw this too" in text) == (not names)
    if names:
        verb = "go" if names[1:] else "goes"
        assert f"because {' and '.join(told)} {verb} beyond its range." in text


def test_a_recipe_of_zeros_draws_the_digit_itself():
    still = RandomAffine(degrees=0, shift=0, scale=0, shear=0)
    picture = augmentation.augmentation_picture(IMAGES[0], still)
    shown = drawn(picture, augmentation.GRID)
    assert np.abs(shown - IMAGES[0].numpy() / 255).max() <= 0.002


@pytest.mark.parametrize("name", STILL)
@pytest.mark.parametrize("end", [0, 1])
def test_settings_outside_are_a_sentence(name, end):
    beyond = augmentation.LIMITS[name][end] + (0.1 if end else -0.1)
    with pytest.raises(ExplorerError, match=f"{name} must be from"):
        augmentation.augmentation_picture(IMAGES[0], RECIPE, **{**STILL, name: beyond})


@pytest.mark.parametrize("image", [torch.zeros(28, 28), torch.zeros(14, 14, dtype=torch.uint8)])
def test_another_image_is_a_sentence(image):
    with pytest.raises(ExplorerError, match="expected an image of"):
        augmentation.augmentation_picture(image, RECIPE)


def test_a_negative_draw_is_a_sentence():
    with pytest.raises(ExplorerError, match="draw must be from 0"):
        augmentation.augmentation_picture(IMAGES[0], RECIPE, draw=-1)


@pytest.mark.parametrize(
    ("name", "values"),
    [("digit", (0, 6, 11)), ("draw", (0, 25, 50)), ("rotation", (-180, 45, 180)),
     ("size", (0.5, 1.2, 1.5)), ("shear", (-0.5, 0.25, 0.5)), ("right", (-14, 3, 14)),
     ("down", (-14, 3, 14))],
)  # fmt: skip
def test_every_slider_leads_to_the_picture_of_the_pure_function(name, values):
    lab = augmentation_lab(PART, RECIPE)
    for value in values:
        lab.controls[name].value = value
        now = lab.settings
        expected = augmentation.augmentation_picture(IMAGES[now.pop("digit")], RECIPE, **now)
        assert shows(lab, expected)
        assert lab.error is None


def test_images_without_labels_are_a_sentence():
    with pytest.raises(ExplorerError, match="images with their labels.*got Tensor"):
        augmentation_lab(IMAGES, RECIPE)


def test_a_recipe_that_is_none_is_a_sentence():
    with pytest.raises(ExplorerError, match="expected an augmentation.*got NoneType"):
        augmentation_lab(PART, None)


def test_the_draws_are_made_once_for_a_digit_and_a_draw(few, monkeypatch):
    made = []
    original = augmentation.random_draws
    monkeypatch.setattr(
        augmentation, "random_draws", lambda *given: made.append(given) or original(*given)
    )
    lab = augmentation_lab(few.train, RECIPE)
    for name, value in (("rotation", 30), ("size", 1.2), ("right", 3)):
        lab.controls[name].value = value
    assert len(made) == 1
    lab.controls["draw"].value = 4
    lab.controls["digit"].value = 2
    assert len(made) == 3
    alone = augmentation.augmentation_picture(few.train.images[2], RECIPE, **{
        name: value for name, value in lab.settings.items() if name != "digit"
    })  # fmt: skip
    np.testing.assert_array_equal(lab.picture.pixels, alone.pixels)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "You have not changed the digit yet."),
        ({"rotation": -20}, "You have turned it by 20° clockwise."),
        ({"right": -3, "down": 2}, "moved it 3 pixels to the left and moved it 2 pixels down."),
        ({"rotation": 5, "size": 0.8, "shear": 0.1},
         "turned it by 5° counter-clockwise, made it 0.80 times as large and sheared it by 0.10."),
    ],
)  # fmt: skip
def test_the_text_says_what_was_done(change, words):
    assert words in augmentation.augmentation_picture(IMAGES[0], RECIPE, **change).text
