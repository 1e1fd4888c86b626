"""Writers made by rule: a set of digits that is not MNIST, with the habits that MNIST lacks.

A writer has a hand (slant, proportions, a pen, how steady and how fast it is) and habits (how a 1,
a 7 or a 9 is written). Two groups share nothing but this code: `TRAINING` writes by the habits
named there and by two of Hershey's fonts, `EVALUATION` writes by the EMS fonts and by habits that
were held out, so that what is measured on it was not learned.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from mnist_course.drawing import habits
from mnist_course.drawing.collection import part_of
from mnist_course.drawing.steps import DrawingError, Options, from_strokes, image_of

GLYPHS = Path(__file__).parent / "glyphs"
FIELD = 280  # side of the square that is written in
GROUPS = ("training", "evaluation")
PENS = (1.7, 3.8)  # pixels of the image: the widths of the pens in training
FROM_FONT = 0.2  # share of the training group's digits that come from a font
BY_HABIT = 0.6  # share of the evaluation group's digits with a held-out habit, where there is one


@dataclass(frozen=True)
class Hand:
    """How somebody writes, whatever the digit."""

    font: str
    slant: float  # pixels to the right for each pixel up
    width: float  # of a digit, as a factor
    turn: float  # radians
    unrest: float  # of each point, as a share of the height
    wave: float  # of whole strokes, as a share of the height
    points: int  # that the pen leaves a stroke: few of a fast one
    pen: float  # in units of the field
    size: float  # height of a digit in units of the field


@dataclass(frozen=True)
class Written:
    """A digit that a writer made: strokes in a field of 280 × 280 units, y down."""

    strokes: list
    label: int
    writer: int
    habit: str
    pen: float  # width, in units of the field

    def steps(self, options=None):
        """The `Steps` to 28×28 pixels."""
        return from_strokes(self.strokes, (0, 0, FIELD), self.pen, options)

    def image(self, options=None):
        """The image that the network sees: bytes (28, 28)."""
        return image_of(self.strokes, (0, 0, FIELD), self.pen, options)


@cache
def fonts(group):
    """The fonts of a group: a dict from name to the strokes of each digit."""
    name = {"training": "hershey", "evaluation": "ems"}[group]
    content = json.loads((GLYPHS / f"{name}.json").read_text(encoding="utf-8"))
    return {
        font: {int(digit): strokes for digit, strokes in digits.items()}
        for font, digits in content["fonts"].items()
    }


def write(group, writers, seed=0, each=1):
    """Digits of so many writers, `each` times 0 to 9 from every one: a list of `Written`.

    group: "training" or "evaluation"; the same seed gives the same digits.
    Raises DrawingError for another group or for no writers.
    """
    if group not in GROUPS:
        raise DrawingError(f"there is no group {group!r} of writers; there are {GROUPS}")
    if not (isinstance(writers, int) and isinstance(each, int) and min(writers, each) > 0):
        raise DrawingError(f"need at least one writer and one digit each, got {writers}, {each}")
    written = []
    for writer in range(writers):
        random = np.random.default_rng([GROUPS.index(group), seed, writer])
        hand = _hand(group, random)
        habit_of = {digit: _habit(group, digit, hand, random) for digit in range(10)}
        for _ in range(each):
            for digit in range(10):
                name, strokes = habit_of[digit]
                if group == "training" and random.random() < 0.3:  # nobody is quite consistent
                    name, strokes = _habit(group, digit, hand, random)
                drawn = _by_hand(strokes, hand, random)
                written.append(Written(drawn, digit, writer, name, hand.pen))
    return written


def as_part(written, options=None):
    """Digits as a `data.Part`: images as bytes (N, 28, 28) and labels."""
    return part_of([one.image(options) for one in written], [one.label for one in written])


def training_part(writers=1500, seed=0):
    """What the board's network learns from besides MNIST: `writers` times ten digits, a `Part`.

    Each writer has a pen of another width, from MNIST's thin ones to its wide ones, so that what is
    learned does not hang on the width.
    """
    written = write("training", writers, seed)
    pens = np.random.default_rng(seed).uniform(*PENS, writers)
    images = [one.image(Options(pen=float(pens[one.writer]))) for one in written]
    return part_of(images, [one.label for one in written])


def _hand(group, random):
    return Hand(
        font=str(random.choice(sorted(fonts(group)))),
        slant=random.normal(0.12, 0.17),
        width=random.uniform(0.6, 1.15),
        turn=random.normal(0, 0.05),
        unrest=random.uniform(0.0, 0.025),
        wave=random.uniform(0.0, 0.04),
        points=int(random.integers(7, 40)),
        pen=random.uniform(6, 26),
        size=random.uniform(70, 200),
    )


def _habit(group, digit, hand, random):
    """(name, strokes) of a digit, the strokes as float arrays (N, 2) of dense points."""
    font = [np.array(stroke) for stroke in fonts(group)[hand.font][digit]]
    if group == "training":
        if random.random() < FROM_FONT:
            return hand.font, font
        weights, choices = zip(*habits.TRAINING[digit], strict=True)
        number = random.choice(len(choices), p=np.array(weights) / sum(weights))
        squeeze = random.uniform(0.45, 0.85)
        return f"habit {number}", _curves(choices[number], squeeze, random, 0.045)
    names = [name for one, name in habits.HELD_OUT if one == digit]
    if not names or random.random() >= BY_HABIT:
        return hand.font, font
    name = str(random.choice(names))
    wide = max(np.concatenate(font)[:, 0].max(), 0.4)
    parts = habits.HELD_OUT[digit, name]
    added = _curves([part for part in parts if part is not None], wide, random, 0.03)
    return name, [*(font if None in parts else []), *added]


def _curves(strokes, wide, random, loose):
    """Strokes through control points that are moved a little, as dense points."""
    curves = []
    for stroke in strokes:
        points = np.array([point[:2] for point in stroke]) + random.normal(
            0, loose, (len(stroke), 2)
        )
        corners = [number for number, point in enumerate(stroke) if len(point) == 3]
        cuts = [0, *corners, len(stroke) - 1]
        parts = [
            _smooth(points[first : last + 1])
            for first, last in zip(cuts, cuts[1:], strict=False)
            if last > first
        ]
        curves.append(np.concatenate(parts) * (wide, 1))
    return curves


def _smooth(points, steps=12):
    """A Catmull-Rom curve through points: (N, 2) to ((N - 1) · steps + 1, 2)."""
    before = np.concatenate([[2 * points[0] - points[1]], points, [2 * points[-1] - points[-2]]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    pieces = []
    for a, b, c, d in zip(before, before[1:], before[2:], before[3:], strict=False):
        pieces.append(
            0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2
                   + (3 * b - a - 3 * c + d) * t**3)
        )  # fmt: skip
    return np.concatenate([*pieces, points[-1:]])


def _by_hand(strokes, hand, random):
    """Strokes of height 1 as a hand writes them somewhere in the field: lists of points."""
    cosine, sine = np.cos(hand.turn), np.sin(hand.turn)
    shape = np.array([[hand.width, 0], [-hand.slant, 1]]) @ np.array(
        [[cosine, sine], [-sine, cosine]]
    )
    size = hand.size * random.uniform(0.9, 1.1)
    stretch = random.normal(1, 0.05)
    drawn = []
    for stroke in strokes:
        line = _paced(np.asarray(stroke, dtype=float), hand.points)
        line = (line - (0.5, 0.5)) @ shape * (stretch, 1)
        line = line + _unsteady(len(line), hand, random)
        drawn.append(line * size)
    points = np.concatenate(drawn)
    low, high = points.min(axis=0), points.max(axis=0)
    room = FIELD - hand.pen - (high - low)
    place = random.uniform(0.15, 0.85, 2) * np.maximum(room, 0) + hand.pen / 2
    return [[tuple(map(float, np.round(point, 2))) for point in line - low + place]
            for line in drawn]  # fmt: skip


def _paced(line, count):
    """A line by so many points at equal distances, as a pen leaves them in equal times.

    The corners stay: a pen is slow there.
    """
    steps = np.hypot(*np.diff(line, axis=0).T)
    gone = np.concatenate([[0], np.cumsum(steps)])
    if gone[-1] == 0:
        return line[:1]
    places = np.linspace(0, gone[-1], max(count, 2))
    ways = np.diff(line, axis=0)[steps > 0]
    turns = np.abs(np.diff(np.unwrap(np.arctan2(ways[:, 1], ways[:, 0]))))
    corners = gone[1:][steps > 0][:-1][turns > 0.6]
    places = np.unique(np.concatenate([places, corners]))
    return np.stack([np.interp(places, gone, line[:, axis]) for axis in (0, 1)], axis=1)


def _unsteady(count, hand, random):
    """Movements of points away from where they should be: small ones, and slow large ones."""
    t = np.linspace(0, 1, count)[:, None]
    phase, speed = random.uniform(0, 2 * np.pi, 2), random.uniform(0.5, 2, 2)
    wave = hand.wave * np.sin(2 * np.pi * speed * t + phase)
    return wave + random.normal(0, hand.unrest, (count, 2))
