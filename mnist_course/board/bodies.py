"""What a request brings, made into a digit of 28×28 pixels, or refused with a sentence."""

import io
import json

from PIL import Image, UnidentifiedImageError

from mnist_course import drawing
from mnist_course.runtime import CourseError

MOST_BYTES = 1_000_000  # of a body
MOST_POINTS = 4_000  # of all strokes together; a hand draws a digit in some 200
LONGEST_SIDE = 1_000  # of a picture, in pixels
KEYS = ("strokes", "field", "pen", "options")
SWITCHES = {"ink_on_black": True, "pen": True, "box": True, "centre": True}


class BodyError(CourseError):
    """A body that is no drawing; the message says what was expected."""

    def __init__(self, sentence, status=400):
        super().__init__(sentence)
        self.status = status  # of the answer, as HTTP has it


def image_of(kind, body):
    """What the network sees of a request's body: uint8 (28, 28).

    kind: the body's media type. Raises BodyError for everything that is no drawing.
    """
    readers = {"application/json": _from_json, "image/png": _from_png}
    if kind not in readers:
        raise BodyError(
            "Send strokes as application/json or a picture as image/png, and say in the header "
            "Content-Type which of the two it is.",
            415,
        )
    try:
        return readers[kind](body)
    except drawing.DrawingError as error:  # it can be read, but no digit can be made of it
        sentence = str(error)
        sentence = sentence[:1].upper() + sentence[1:]
        raise BodyError(sentence if sentence.endswith(".") else f"{sentence}.", 422) from error


def _from_json(body):
    sent = _parsed(body)
    return drawing.image_of(
        _strokes(sent), field=sent.get("field"), pen=sent.get("pen"), options=_options(sent)
    )


def _parsed(body):
    """A JSON object with known keys. NaN and infinities, which Python would read, are no JSON."""
    try:
        # whole numbers as floats too: one of a thousand digits becomes an infinity, not an error
        sent = json.loads(body.decode("utf-8"), parse_int=float, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BodyError("The body can't be read as JSON.") from error
    if not isinstance(sent, dict):
        raise BodyError('The body must be a JSON object: {"strokes": [[[x, y], …], …]}.')
    for key in sent:
        if key not in KEYS:
            raise BodyError(f"The body holds something unknown; known are {', '.join(KEYS)}.")
    return sent


def _refuse_constant(name):
    raise BodyError(f"The body holds {name}, which is no number in JSON.")


def _strokes(sent):
    """The strokes: lists of lists of pairs of numbers, and not too many of them."""
    strokes = sent.get("strokes")
    lists = isinstance(strokes, list) and all(isinstance(stroke, list) for stroke in strokes)
    if not lists:
        raise BodyError('The strokes must be lists of points: {"strokes": [[[x, y], …], …]}.')
    count = sum(map(len, strokes))
    if count > MOST_POINTS:
        raise BodyError(f"At most {MOST_POINTS:,} points are read, and these are {count:,}.", 413)
    if not all(_is_point(point) for stroke in strokes for point in stroke):
        raise BodyError("Each point of a stroke must be two numbers: [x, y].")
    return strokes


def _is_point(point):
    return isinstance(point, list) and list(map(type, point)) == [float, float]


def _options(sent):
    """The steps that are taken, from switches; a step that is not named is taken."""
    switches = sent.get("options", {})
    known = isinstance(switches, dict) and all(name in SWITCHES for name in switches)
    if not known or not all(isinstance(value, bool) for value in switches.values()):
        raise BodyError(f"The options are true or false, of {', '.join(SWITCHES)}.")
    switches = SWITCHES | switches
    pen = drawing.Options().pen if switches.pop("pen") else None
    return drawing.Options(pen=pen, **switches)


def _from_png(body):
    try:
        with Image.open(io.BytesIO(body), formats=("PNG",)) as picture:
            # Pillow knows the size from the header, before it decodes a single pixel
            if max(picture.size) > LONGEST_SIDE:
                raise BodyError(
                    f"The picture has {picture.width} × {picture.height} pixels, and at most "
                    f"{LONGEST_SIDE} × {LONGEST_SIDE} are read. Make it smaller and send it again.",
                    413,
                )
            picture.load()
            return drawing.from_picture(picture).image
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BodyError(
            f"The picture is too large: at most {LONGEST_SIDE} × {LONGEST_SIDE} pixels are read.",
            413,
        ) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise BodyError("The body is no PNG that can be read; perhaps it was cut off.") from error
