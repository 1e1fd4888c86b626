"""What a request brings, made into a digit of 28×28 pixels, or refused with a sentence."""

import json

from mnist_course import drawing
from mnist_course.runtime import CourseError

MOST_BYTES = 1_000_000  # of a body
MOST_POINTS = 4_000  # of all strokes together; a hand draws a digit in some 200
KEYS = {"strokes", "field", "pen", "options"}
OPTIONS = {"ink_on_black", "pen", "box", "centre"}


class BodyError(CourseError):
    """A body that is no drawing; the message says what was expected."""

    def __init__(self, sentence, status=400):
        super().__init__(sentence)
        self.status = status  # of the answer, as HTTP has it


def image_of(kind, body):
    """The 28×28 bytes that a network sees of a request's body.

    kind: its media type. Raises BodyError for everything that is no drawing.
    """
    try:
        if kind == "application/json":
            return _from_json(body)
        if kind == "image/png":
            return drawing.from_png(body).image
    except drawing.DrawingError as error:
        raise BodyError(f"{error}.".replace("..", "."), 422) from error
    raise BodyError(
        "Send strokes as application/json, or a picture as image/png, and say which of the two in "
        "the Content-Type.",
        415,
    )


def _from_json(body):
    sent = _parsed(body)
    strokes = sent.get("strokes")
    if strokes is None:
        raise BodyError(
            'The strokes are missing. Send {"strokes": [[[x, y], [x, y], …], …]}, each stroke a list '
            "of points."
        )
    _check_strokes(strokes)
    options = sent.get("options", {})
    if not isinstance(options, dict) or set(options) - OPTIONS:
        raise BodyError(f"The options are an object with some of {_listed(OPTIONS)}.")
    return drawing.from_strokes(
        strokes,
        field=sent.get("field"),
        pen=sent.get("pen"),
        options=drawing.Options(**options),
    ).image


def _parsed(body):
    """A JSON object. NaN and infinities, which Python would read, are no JSON."""
    try:
        sent = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BodyError("The body is no JSON that can be read.") from error
    if not isinstance(sent, dict) or set(sent) - KEYS:
        raise BodyError(f"The body is an object with strokes and, if you like, {_listed(KEYS)}.")
    return sent


def _refuse_constant(name):
    raise BodyError(f"{name} is no number of JSON, and no place in a drawing.")


def _check_strokes(strokes):
    """Raise BodyError unless these are lists of lists of pairs of numbers, and not too many."""
    lists = isinstance(strokes, list) and all(isinstance(stroke, list) for stroke in strokes)
    if not lists or not all(_is_point(point) for stroke in strokes for point in stroke):
        raise BodyError("Strokes are lists of points, and a point is two numbers: [x, y].")
    count = sum(map(len, strokes))
    if count > MOST_POINTS:
        raise BodyError(f"At most {MOST_POINTS:,} points are read, and these are {count:,}.", 413)


def _is_point(point):
    return isinstance(point, list) and len(point) == 2 and all(map(_is_number, point))


def _is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


def _listed(names):
    return ", ".join(sorted(names))
