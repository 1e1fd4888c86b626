"""A sheet as pixels, where no page draws it: stills, prints, and tests. By Pillow.

It draws what `web/sheet.js` draws, in the colours that `web/theme.css` states.
"""

import re
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from mnist_course import web
from mnist_course.widgets import pixels

THEMES = ("light", "dark")
STOPS = {  # the colours of the palettes, from the lowest level to the highest
    "grey": ("paper", "ink"),
    "signed": ("negative", "negative-soft", "paper", "positive-soft", "positive"),
}


@cache
def colours(theme):
    """The page's colours of a theme: a dict from name to (red, green, blue)."""
    text = "".join((web.FOLDER / name).read_text("utf-8") for name in web.STYLES)
    found = re.findall(r"--mc-([\w-]+):[^;]*light-dark\((#\w{6}), (#\w{6})\)", text)
    place = THEMES.index(theme)
    return {name: ImageColor.getrgb(pair[place]) for name, *pair in found}


@cache
def scale_of(palette, theme):
    """The colours of all levels of a palette, uint8 (256, 3)."""
    return make_scale(colours(theme), palette)


def make_scale(named, palette):
    """The same for any colours: named is a dict from name to (red, green, blue)."""
    stops = STOPS[palette]
    levels = np.linspace(0, pixels.FULL, len(stops))
    channels = [
        np.interp(np.arange(pixels.FULL + 1), levels, [named[stop][channel] for stop in stops])
        for channel in range(3)
    ]
    every = np.stack(channels, axis=1).round().astype(np.uint8)
    return np.concatenate([every, np.array([named["line"]], np.uint8)])


def ink_on(colour):
    """Black or white, whichever has more contrast with a colour (three bytes).

    Source: the luminance of WCAG 2.1, section 1.4.3; at 0.179 both contrasts are the same.
    """
    red, green, blue = ((level / 255) ** 2.2 for level in map(int, colour))
    return (255,) * 3 if 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.179 else (0,) * 3


def draw(sheet, theme="light", zoom=1):
    """A sheet as pixels, uint8 (height * zoom, width * zoom, 3)."""
    return _Drawing(sheet, theme, zoom).pixels()


@cache
def _font(size, bold):
    """DejaVu Sans, which comes with matplotlib, so that text is the same on every machine."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)


class _Drawing:
    def __init__(self, sheet, theme, zoom):
        self.sheet, self.theme, self.zoom = sheet, theme, zoom
        self.named, self.content = colours(theme), sheet.bytes_of_maps
        size = sheet.width * zoom, sheet.height * zoom
        self.image = Image.new("RGB", size, self.named["paper"])
        self.draw = ImageDraw.Draw(self.image)

    def pixels(self):
        for item in self.sheet.items:
            getattr(self, f"_{item['kind']}")(**{k: v for k, v in item.items() if k != "kind"})
        return np.asarray(self.image)

    def _box(self, x, y, width, height):
        """Left, top, right and bottom of a rectangle, the last two inside it, as Pillow wants."""
        left, top, right, bottom = (
            round(value * self.zoom) for value in (x, y, x + width, y + height)
        )
        return left, top, max(left, right - 1), max(top, bottom - 1)

    def _map(self, x, y, rows, columns, wide, high, palette, bars, at):
        size = round(columns * wide * self.zoom), round(rows * high * self.zoom)
        place = round(x * self.zoom), round(y * self.zoom)
        levels = np.frombuffer(self.content, np.uint8, rows * columns, at).reshape(rows, columns)
        tints = scale_of(palette, self.theme)[levels]
        self.image.paste(Image.fromarray(tints).resize(size, Image.Resampling.NEAREST), place)
        if bars:
            limit = pixels.ZERO - round(pixels.CLEARLY * pixels.ZERO)
            for row, column in np.argwhere(levels < limit).tolist():
                self._bar(x + column * wide, y + row * high, wide, high, tints[row, column])

    def _bar(self, x, y, wide, high, tint):
        """The minus sign in a square."""
        thick, long = max(1, high // 6), max(1, wide // 2)
        place = x + (wide - long) // 2, y + (high - thick) // 2
        self.draw.rectangle(self._box(*place, long, thick), ink_on(tint))

    def _fill(self, x, y, width, height, colour, alpha):
        if width > 0 and height > 0:
            self._blend(lambda draw, ink: draw.rectangle(self._box(x, y, width, height), ink),
                        colour, alpha)  # fmt: skip

    def _blend(self, paint, colour, alpha):
        """Paint with a colour that lets through what is below."""
        if alpha == 1:
            paint(self.draw, self.named[colour])
            return
        mask = Image.new("L", self.image.size)
        paint(ImageDraw.Draw(mask), round(255 * alpha))
        self.image.paste(self.named[colour], (0, 0), mask)

    def _frame(self, x, y, width, height, colour, thick):
        box = self._box(x, y, width, height)
        self.draw.rectangle(box, outline=self.named[colour], width=thick * self.zoom)

    def _line(self, points, colour, thick, dash, fill, alpha):
        places = [
            (x * self.zoom, y * self.zoom)
            for x, y in zip(points[::2], points[1::2], strict=True)
        ]  # fmt: skip
        if fill:
            self._blend(lambda draw, ink: draw.polygon(places, ink), colour, alpha)
            return
        width = max(1, round(thick * self.zoom))
        for piece in _dashes(places, [length * self.zoom for length in dash]):
            self.draw.line(piece, self.named[colour], width, joint="curve")

    def _dot(self, x, y, radius, colour, hollow):
        box = [self.zoom * value for value in (x - radius, y - radius, x + radius, y + radius)]
        ink = self.named[colour]
        if hollow:
            self.draw.ellipse(box, outline=ink, width=2 * self.zoom)
        else:
            self.draw.ellipse(box, fill=ink)

    def _text(self, x, y, text, size, colour, anchor, bold, on):
        ink = self.named[colour] if on is None else ink_on(scale_of(on[0], self.theme)[on[1]])
        font = _font(size * self.zoom, bold)
        self.draw.text((x * self.zoom, y * self.zoom), text, ink, font, anchor)


def _dashes(points, pattern):
    """The pieces of a line that are drawn: all of it without a pattern, else its dashes.

    points: [(x, y), …]; pattern: lengths of dash and gap in turn.
    """
    if not pattern:
        return [points] if len(points) > 1 else []
    pieces, place, left = [], 0, pattern[0]
    for start, end in zip(points, points[1:], strict=False):
        vector = np.subtract(end, start)
        length, done = float(np.hypot(*vector)), 0.0
        while done < length:
            step = min(left, length - done)
            if place % 2 == 0:
                shares = [start + vector * (share / length) for share in (done, done + step)]
                pieces.append([tuple(point.tolist()) for point in shares])
            done, left = done + step, left - step
            if left <= 0:
                place = (place + 1) % len(pattern)
                left = pattern[place]
    return pieces
