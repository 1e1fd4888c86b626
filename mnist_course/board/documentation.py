"""What `/api` answers: the interface in the format of OpenAPI, which people and programs read."""

from mnist_course import __version__
from mnist_course.board import bodies

NUMBER = {"type": "number"}
ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string", "description": "One or two sentences."}},
}
SWITCH = {"type": "boolean", "default": True}
DRAWING = {
    "type": "object",
    "required": ["strokes"],
    "additionalProperties": False,
    "properties": {
        "strokes": {
            "type": "array",
            "minItems": 1,
            "description": "Each stroke is a list of points [x, y], in any unit, with y down. "
            f"At most {bodies.MOST_POINTS:,} points in all.",
            "items": {
                "type": "array",
                "items": {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2},
            },
        },
        "field": {
            "type": ["array", "null"],
            "items": NUMBER,
            "minItems": 3,
            "maxItems": 3,
            "description": "The square that was drawn in: [left, top, side]. It only matters where "
            "the step `box` is switched off.",
        },
        "pen": {
            "type": ["number", "null"],
            "exclusiveMinimum": 0,
            "description": "Width of the pen, in the unit of the points.",
        },
        "options": {
            "type": "object",
            "additionalProperties": False,
            "description": "The steps from strokes to 28×28 pixels; false leaves one out.",
            "properties": dict.fromkeys(bodies.SWITCHES, SWITCH),
        },
    },
}
PICTURE = {
    "type": "string",
    "contentMediaType": "image/png",
    "description": "One digit, dark on light or light on dark, of at most "
    f"{bodies.LONGEST_SIDE} × {bodies.LONGEST_SIDE} pixels.",
}
PREDICTION = {
    "type": "object",
    "required": ["prediction", "probabilities", "image"],
    "properties": {
        "prediction": {"type": "integer", "minimum": 0, "maximum": 9},
        "probabilities": {
            "type": "array",
            "items": {"type": "number", "minimum": 0, "maximum": 1},
            "minItems": 10,
            "maxItems": 10,
            "description": "Of the digits 0 to 9; their sum is 1.",
        },
        "image": {
            "type": "array",
            "items": {
                "type": "array",
                "items": {"type": "integer", "minimum": 0, "maximum": 255},
                "minItems": 28,
                "maxItems": 28,
            },
            "minItems": 28,
            "maxItems": 28,
            "description": "What the network saw: 28 rows of 28 pixels, 0 is black.",
        },
    },
}
REFUSALS = {
    "400": "The body can't be read, or the server was asked for by a foreign name.",
    "405": "The address can't be asked in that way.",
    "413": f"Too much: more than {bodies.MOST_BYTES:,} bytes, {bodies.MOST_POINTS:,} points or "
    f"{bodies.LONGEST_SIDE} × {bodies.LONGEST_SIDE} pixels.",
    "415": "The Content-Type is neither application/json nor image/png.",
    "422": "The body can be read, but there is no digit in it: it is empty, for example.",
}


def describe():
    """The interface as a dict: OpenAPI 3.1."""
    refusals = {
        status: {"description": text, "content": {"application/json": {"schema": ERROR}}}
        for status, text in REFUSALS.items()
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Draw a digit",
            "version": __version__,
            "description": "Reads one handwritten digit. Every refusal is JSON with an `error`.",
        },
        "paths": {
            "/api/predict": {
                "post": {
                    "summary": "Read one digit, from strokes or from a picture",
                    "requestBody": {
                        "required": True,
                        "content": {
                            "application/json": {
                                "schema": DRAWING,
                                "example": {"strokes": [[[60, 50], [200, 50], [120, 240]]]},
                            },
                            "image/png": {"schema": PICTURE},
                        },
                    },
                    "responses": {
                        "200": {
                            "description": "What the network says.",
                            "content": {"application/json": {"schema": PREDICTION}},
                        },
                        **refusals,
                    },
                }
            }
        },
    }
