"""Numbers of full-size runs: one JSON a topic, with the command that makes it again."""

import json
from pathlib import Path

FOLDER = Path(__file__).parent


def load(name):
    """The stored results of a topic, as a dict. Raises ValueError for an unknown topic."""
    path = FOLDER / f"{name}.json"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.json")))
        raise ValueError(f"no results named {name!r}; there are {known}")
    return json.loads(path.read_text(encoding="utf-8"))
