"""Make docs/exercises.md, the table of all exercises: `python scripts/make_exercise_table.py`."""

import importlib
import sys
from pathlib import Path

from mnist_course import runtime
from mnist_course.exercises import EXERCISES

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "exercises.md"
HEAD = """# The exercises

Every check is tested with wrong and right answers, which stand in `tests/mutants/`. A wrong one
must be rejected, also on inputs that the check does not hold; where the mistake has a name, the
hint for it must come, and no other. A right one must be accepted. "Hints" counts the mistakes that
have a hint of their own; three general hints come on top of them.

| | exercise | points | hints | wrong answers tested | right answers tested |
|---|---|---|---|---|---|
"""


def page():
    """The text of the page, from the exercises and from tests/mutants/."""
    if str(ROOT / "tests") not in sys.path:
        sys.path.insert(0, str(ROOT / "tests"))
    mutants = importlib.import_module("mutants")
    for path in sorted((ROOT / "tests" / "mutants").glob("lesson_*.py")):
        importlib.import_module(f"mutants.{path.stem}")
    rows = [
        (one.points, len(one.mistakes), len(mutants.WRONG[one.name]), len(mutants.RIGHT[one.name]))
        for one in EXERCISES.values()
    ]
    lines = [
        f"| {one.number} | {one.title} | {' | '.join(map(str, row))} |"
        for one, row in zip(EXERCISES.values(), rows, strict=True)
    ]
    total = " | ".join(str(sum(column)) for column in zip(*rows, strict=True))
    return HEAD + "\n".join([*lines, f"| | all {len(rows)} | {total} |", ""])


if __name__ == "__main__":
    runtime.write_whole(PAGE, page().encode())
