"""The exercises, one module each: right answer, cases, typical mistakes with their hints.

What a lesson says of an exercise (number, title, section) stands in the lesson alone.
`make notebooks` reads it from there and keeps it in contents.json.
"""

import importlib
import json
from pathlib import Path

CONTENTS = Path(__file__).parent / "contents.json"


def _load():
    """Every exercise by name, in the order of the lessons."""
    contents = json.loads(CONTENTS.read_text(encoding="utf-8"))
    found = {}
    for name, place in contents["exercises"].items():
        module = importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
        exercise = module.EXERCISE
        exercise.number, exercise.title = place["number"], place["title"]
        exercise.section = place["section"]
        exercise.sections = contents["sections"][exercise.lesson]
        found[name] = exercise
    return found


EXERCISES = _load()
LESSONS = tuple(sorted({one.lesson for one in EXERCISES.values()}))  # two digits each
