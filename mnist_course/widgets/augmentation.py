"""Augmentation lab: one digit rotated, moved, scaled and sheared, by hand and by the recipe."""

import functools
import math

import torch

from mnist_course import augment
from mnist_course.widgets import pixels
from mnist_course.widgets.controls import rows, slider
from mnist_course.widgets.explorer import Explorer, ExplorerError
from mnist_course.widgets.picture import Picture

LIMITS = {  # of the sliders: far beyond any recipe, so that one sees where a digit is lost
    "rotation": (-180, 180),
    "right": (-14, 14),
    "down": (-14, 14),
    "size": (0.5, 1.5),
    "shear": (-0.5, 0.5),
}
TOLD = {  # names of the settings in a sentence
    "rotation": "the rotation", "right": "the shift to the side", "down": "the shift up or down",
    "size": "the size", "shear": "the shear",
}  # fmt: skip
COLUMNS, ROWS = 5, 4  # of the grid of random draws
BEFORE, AFTER, GRID, RANGES = (8, 28), (194, 28), (384, 28), (8, 244)  # places on the sheet
SCALE, SMALL = 6, 3  # pixels of the picture for each pixel of a digit
STEP = 28 * SMALL + 3  # from one small digit to the next
WIDTH, HEIGHT = 820, 384


def transform(image, rotation=0, right=0, down=0, size=1, shear=0):
    """A digit moved by one affine map: float (28, 28) in 0..1 to the same.

    rotation in degrees, counter-clockwise; right, down in pixels; size 1 keeps it; shear in
    sideways pixels for each pixel of height.
    """
    settings = (math.radians(rotation), size, shear, 0, 0)
    matrices = augment.affine_matrices(*(torch.tensor([float(value)]) for value in settings))
    # The map leads from output to input. The shift comes last, so that "down" is down on the
    # picture even when the digit was rotated.
    place = torch.tensor([2 * right / 28, 2 * down / 28])
    matrices[:, :, 2] = -matrices[:, :, :2] @ place
    image = torch.as_tensor(image, device="cpu")  # where the settings are
    return augment.move(image[None, None], matrices)[0, 0].numpy()


def outside(recipe, rotation, right, down, size, shear):
    """Which settings the recipe would never draw: a dict from name to True or False."""
    amounts = {
        "rotation": (abs(rotation), recipe.degrees),
        "right": (abs(right) / 28, recipe.shift),
        "down": (abs(down) / 28, recipe.shift),
        "size": (abs(size - 1), recipe.scale),
        "shear": (abs(shear), recipe.shear),
    }
    return {name: amount > most + 1e-9 for name, (amount, most) in amounts.items()}


def random_draws(image, recipe, draw=0):
    """A digit's random variants, drawn by the recipe: float (COLUMNS * ROWS, 28, 28) in 0..1.

    image: bytes (28, 28); recipe: an `augment.RandomAffine`; draw: number of the random draw,
    from 0. Raises ExplorerError for anything outside.
    """
    digit = torch.from_numpy(pixels.digit_image(image))
    pixels.check_whole("draw", draw, 0, 10**9)
    generator = torch.Generator().manual_seed(draw)
    return recipe(digit.expand(COLUMNS * ROWS, 1, 28, 28), generator)[:, 0].numpy()


def augmentation_picture(
    image, recipe, rotation=0, right=0, down=0, size=1.0, shear=0.0, draw=0, drawn=None
):  # fmt: skip
    """A digit, the digit changed by the settings, and random variants drawn by the recipe.

    image: bytes (28, 28); recipe: an `augment.RandomAffine`; the settings as in `transform`,
    within `LIMITS`; draw: number of the random draw, from 0; drawn: what `random_draws` returned
    for the same digit and draw, if it is there already.
    Returns a `Picture`. Raises ExplorerError for anything outside.
    """
    digit = torch.from_numpy(pixels.digit_image(image))
    settings = {"rotation": rotation, "right": right, "down": down, "size": size, "shear": shear}
    for name, value in settings.items():
        pixels.check_range(name, value, *LIMITS[name])
    drawn = random_draws(image, recipe, draw) if drawn is None else drawn
    changed = transform(digit, **settings)
    count = COLUMNS * ROWS
    beyond = outside(recipe, **settings)

    sheet = pixels.Sheet(WIDTH, HEIGHT)
    for (x, y), title, content in (
        (BEFORE, "original", digit.numpy()),
        (AFTER, "changed by you", changed),
    ):
        sheet.text(x, y - 20, title, bold=True)
        sheet.paste(pixels.grey(content, SCALE), x, y)
    x, y = GRID
    sheet.text(x, y - 20, f"{count} random draws of the recipe", bold=True)
    for number, copy in enumerate(drawn):
        row, column = divmod(number, COLUMNS)
        sheet.paste(pixels.grey(copy, SMALL), x + column * STEP, y + row * STEP)
    _draw_ranges(sheet, recipe, settings, beyond)

    names = [name for name, far in beyond.items() if far]
    if names:
        far = _listed([TOLD[name] for name in names])
        verb = "go" if names[1:] else "goes"
        verdict = f"The recipe would never draw this, because {far} {verb} beyond its range."
    else:
        verdict = "The recipe could draw this too, because every setting is within its range."
    text = (
        f"{_changes(**settings)} {verdict} Beside it stand {count} variants that the recipe has "
        "drawn."
    )
    return Picture(sheet, text)


def _listed(words):
    """Words in a sentence: "a, b and c"."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def _changes(rotation, right, down, size, shear):
    """What has been done to the digit, in a sentence."""
    done = []
    if rotation:
        way = "counter-clockwise" if rotation > 0 else "clockwise"
        done.append(f"turned it by {abs(rotation):g}° {way}")
    if right:
        done.append(f"moved it {abs(right):g} pixels to the {'right' if right > 0 else 'left'}")
    if down:
        done.append(f"moved it {abs(down):g} pixels {'down' if down > 0 else 'up'}")
    if size != 1:
        done.append(f"made it {size:.2f} times as large")
    if shear:
        done.append(f"sheared it by {pixels.number(shear)}")
    return f"You have {_listed(done)}." if done else "You have not changed the digit yet."


def _draw_ranges(sheet, recipe, settings, beyond):
    """A line for each setting: its value, the recipe's range, and whether it is inside."""
    x, y = RANGES
    shift = f"{28 * recipe.shift:.1f} px"
    lines = {
        "rotation": ("rotation", "{:.0f}°", f"±{recipe.degrees:g}°"),
        "right": ("shift right", "{:.0f} px", f"±{shift}"),
        "down": ("shift down", "{:.0f} px", f"±{shift}"),
        "size": ("size", "{:.2f}", f"1 ± {recipe.scale:g}"),
        "shear": ("shear", "{:.2f}", f"±{recipe.shear:g}"),
    }
    places = (x, x + 110, x + 190, x + 280)
    for place, title in zip(places, ("", "yours", "the recipe", ""), strict=True):
        sheet.text(place, y - 22, title, 11, pixels.SOFT)
    for number, (name, (label, form, span)) in enumerate(lines.items()):
        top = y + 24 * number
        colour = pixels.RED if beyond[name] else pixels.INK
        verdict = "outside" if beyond[name] else "inside"
        value = form.format(settings[name]).replace("-", "−")
        for place, text in zip(places, (label, value, span, verdict), strict=True):
            sheet.text(place, top, text, 12, colour, bold=beyond[name])


def augmentation_lab(part, recipe):
    """An explorer: change any digit of `part` by hand, and see what `recipe` makes of it.

    part: a `data.Part`, such as the training images; recipe: an `augment.RandomAffine`.
    """
    pixels.check_part(part)
    if not isinstance(recipe, augment.RandomAffine):
        raise ExplorerError(
            f"expected an augmentation, such as RandomAffine(); got {type(recipe).__name__}"
        )

    def setting(label, name, value, step, help):
        return slider(label, value, *LIMITS[name], step, help)

    controls = {
        "digit": slider("Digit", 0, 0, len(part) - 1, help="index of the image"),
        "draw": slider("Random draw", 0, 0, 50, help="another number, other random digits"),
        "rotation": setting("Rotation", "rotation", 0, 1, "degrees, counter-clockwise"),
        "size": setting("Size", "size", 1.0, 0.05, "1 keeps the size"),
        "shear": setting("Shear", "shear", 0.0, 0.05, "sideways pixels for a pixel of height"),
        "right": setting("Shift right", "right", 0, 1, "pixels; below 0 to the left"),
        "down": setting("Shift down", "down", 0, 1, "pixels; below 0 upwards"),
    }

    @functools.lru_cache(maxsize=2)  # one that is shown, and one that is drawn ahead
    def drawn(digit, draw):
        return random_draws(part.images[digit], recipe, draw)

    def draw(digit, **settings):
        made = drawn(digit, settings["draw"])
        return augmentation_picture(part.images[digit], recipe, **settings, drawn=made)

    named = list(controls.values())
    arrangement = rows(named[:2], named[2:5], named[5:])
    return Explorer(draw, controls, "Augmentation lab", arrangement, ahead=tuple(controls))
