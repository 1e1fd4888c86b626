"""What tests ask of the sheets that explorers draw: maps, words and lines at their places."""

import json

import numpy as np

from mnist_course.widgets import pixels, raster


def map_at(picture, x, y):
    """The levels (rows, columns) of the map whose top left corner is at (x, y) of a picture."""
    sheet = picture.sheet
    [item] = [
        one for one in sheet.items if one["kind"] == "map" and (one["x"], one["y"]) == (x, y)
    ]  # fmt: skip
    count = item["rows"] * item["columns"]
    levels = np.frombuffer(sheet.bytes_of_maps, np.uint8, count, item["at"])
    return levels.reshape(item["rows"], item["columns"])


def texts(picture):
    """All that is written on a picture."""
    return [one["text"] for one in picture.sheet.items if one["kind"] == "text"]


def lines(picture, colour):
    """The points (n, 2) of every line of a colour."""
    return [
        np.reshape(one["points"], (-1, 2))
        for one in picture.sheet.items
        if one["kind"] == "line" and one["colour"] == colour and not one["fill"]
    ]


def dots(picture, colour):
    """The places (x, y) of every point of a colour."""
    return [
        (one["x"], one["y"])
        for one in picture.sheet.items
        if one["kind"] == "dot" and one["colour"] == colour
    ]


def frames(picture, colour="accent"):
    """(x, y, width, height) of every frame of a colour."""
    return [
        (one["x"], one["y"], one["width"], one["height"])
        for one in picture.sheet.items
        if one["kind"] == "frame" and one["colour"] == colour
    ]


def shows(explorer, picture):
    """Whether the page was sent just this picture."""
    return explorer.view.frames == [picture.sheet.encode()] and explorer.view.texts == [
        picture.text
    ]


def decoded(frame):
    """What a page reads from a frame: the plain description, and the bytes of the maps."""
    end = 4 + int.from_bytes(frame[:4], "little")
    return json.loads(frame[4:end]), frame[end:]


def colour(name, theme="light"):
    """A colour of a theme, three bytes."""
    return raster.colours(theme)[name]


def map_pixels(content):
    """A `pixels.Map` as pixels, uint8 (H * scale, W * scale, 3), with its bars."""
    rows, columns = content.levels.shape
    sheet = pixels.Sheet(columns * content.scale, rows * content.scale)
    sheet.paste(content, 0, 0, line=False)
    return raster.draw(sheet)
