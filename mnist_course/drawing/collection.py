"""Your own digits with their labels, kept as strokes in one file, and collected from a class."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from mnist_course import data, runtime
from mnist_course.drawing.steps import (
    PEN,
    SIDE,
    DrawingError,
    check_field,
    check_length,
    check_strokes,
    image_of,
)

MADE_BY = "mnist_course drawings"
MOST_DIGITS = 10_000  # in a file


@dataclass(frozen=True)
class Drawn:
    """One digit as it was drawn: strokes, what it is meant to be, and by whom and with what."""

    strokes: list
    label: int
    field: tuple[float, float, float] = (0.0, 0.0, 280.0)  # left, top, side
    pen: float = 280 * PEN / SIDE  # width, in the unit of the strokes
    writer: str = ""

    def __post_init__(self):
        lines = check_strokes(self.strokes)
        if isinstance(self.label, bool) or self.label not in range(10):
            raise DrawingError(f"a label is a digit from 0 to 9, got {self.label!r}")
        if not isinstance(self.writer, str):
            raise DrawingError(f"a writer is a name, got {self.writer!r}")
        check_length("the pen", self.pen)
        left, top, side = check_field(self.field)
        plain = [[tuple(point) for point in line.tolist()] for line in lines]
        for name, value in (
            ("strokes", plain), ("label", int(self.label)), ("field", (left, top, side)),
            ("pen", float(self.pen)),
        ):  # fmt: skip
            object.__setattr__(self, name, value)

    def image(self, options=None):
        """What the network sees of it: bytes (28, 28)."""
        return image_of(self.strokes, self.field, self.pen, options)


@dataclass
class Collection:
    """Labelled drawings. `len`, `labels` and `as_part` say what is in it."""

    digits: list[Drawn] = field(default_factory=list)

    def __len__(self):
        return len(self.digits)

    @property
    def labels(self):
        return [one.label for one in self.digits]

    def add(self, strokes, label, **about):
        """Keep a drawing. about: `field`, `pen` and `writer`, as in `Drawn`, which checks them."""
        self.digits.append(Drawn(strokes, label, **about))

    def as_part(self, options=None):
        """The drawings as a `data.Part`: images as bytes (N, 28, 28), and labels.

        Raises DrawingError when there are none.
        """
        self._require_digits()
        return part_of([one.image(options) for one in self.digits], self.labels)

    def save(self, path):
        """Write them all into a file (.json). Returns its path.

        A file is never replaced: where the name is taken, the new one is called NAME-2.json, and
        so on. Raises DrawingError when nothing was drawn, or nothing can be written there.
        """
        self._require_digits()
        path = Path(path)
        path = path if path.suffix == ".json" else path.with_name(f"{path.name}.json")
        digits = [
            {
                "label": one.label, "strokes": one.strokes, "field": one.field, "pen": one.pen,
                "writer": one.writer,
            }
            for one in self.digits
        ]  # fmt: skip
        content = json.dumps({"made_by": MADE_BY, "digits": digits}, ensure_ascii=False)
        try:
            path = _free(path)
            runtime.write_whole(path, content.encode())
        except OSError as error:
            raise DrawingError(
                f"{path} can't be written ({error.strerror or error}); name another folder"
            ) from error
        return path

    def _require_digits(self):
        if not self.digits:
            raise DrawingError("this collection is empty: draw digits and keep them first")


def part_of(images, labels):
    """Images of bytes (28, 28) and their labels as a `data.Part`."""
    labels = torch.tensor(labels, dtype=torch.int64, device="cpu")
    return data.Part(torch.from_numpy(np.stack(images)), labels)


def _free(path):
    """The path, or the first of NAME-2, NAME-3 … that is not taken."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free


def load_collection(path):
    """The `Collection` in a file. Raises DrawingError when it is missing, broken or foreign."""
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or content.get("made_by") != MADE_BY:
            raise DrawingError(f"{path} holds no drawings that this course has saved")
        digits = content["digits"]
        if len(digits) > MOST_DIGITS:
            raise DrawingError(f"{path} holds {len(digits)} digits; up to {MOST_DIGITS} are read")
        return Collection([Drawn(**one) for one in digits])
    except OSError as error:
        raise DrawingError(f"{path} can't be read ({error.strerror or error})") from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise DrawingError(f"{path} is broken ({error}); take another copy of it") from error


def merge(paths):
    """One `Collection` of the drawings in several files, such as those of a class.

    A drawing that is in two of the files counts once. Raises what `load_collection` raises.
    """
    digits, seen = [], set()
    for path in paths:
        for one in load_collection(path).digits:
            key = json.dumps([one.strokes, one.label, one.writer])
            if key not in seen:
                seen.add(key)
                digits.append(one)
    return Collection(digits)
