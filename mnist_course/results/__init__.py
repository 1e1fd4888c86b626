"""Results of full-size runs, as prose and explorers quote them: one JSON a topic.

Each is computed from the evidence of its runs and names the command that makes them again.
"""

import json
import re
from pathlib import Path

FOLDER = Path(__file__).parent
MARK = re.compile(r"\{\{\s*([\w.-]+)\s*(?:\|\s*(\S+?)\s*)?\}\}")


def load(name):
    """The stored results of a topic, as a dict. Raises ValueError for an unknown topic."""
    path = FOLDER / f"{name}.json"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.json")))
        raise ValueError(f"no results named {name!r}; there are {known}")
    return json.loads(path.read_text(encoding="utf-8"))


def fill(text):
    """A text in which each mark, `{{topic.key | format}}`, is replaced by the result it names.

    The format is one of Python's, such as `.2%`; without one the result stands as it is stored.
    Raises ValueError for a mark that names no result, or one that its format does not fit.
    """
    return MARK.sub(_quoted, text)


def _quoted(mark):
    """The text that a mark, a match of MARK, stands for."""
    topic, *keys = mark[1].split(".")
    value = load(topic)
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            raise ValueError(f"{mark[0]} names no result: there is no {key!r} in {topic}.json")
        value = value[key]
    if isinstance(value, dict | list) or value is None:
        raise ValueError(f"{mark[0]} names {json.dumps(value)[:60]}, expected a number or a text")
    try:
        return format(value, mark[2] or "")
    except ValueError as error:
        raise ValueError(f"{mark[0]}: {error}") from error
