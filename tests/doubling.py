"""A small exercise on which the machinery of the checks is tried, in place of the course's own."""

import dataclasses
import json

import torch

from mnist_course.assessment import judgement
from mnist_course.assessment.exercise import Case, Exercise, Mistake
from mnist_course.assessment.observation import Attempt, observe


def double(image, factor):
    return image * factor


EXERCISE = Exercise(
    name="double",
    points=2,
    cases=(
        Case((torch.tensor([1.0, 2.0]), 2)),
        Case((torch.tensor([[3.0, -1.0], [0.5, 4.0]]), 3)),
    ),
    hints=("light", "medium", "strong"),
    reference=double,
    mistakes=[
        Mistake("sum", lambda image, factor: image + factor, "You add."),
        Mistake("square", lambda image, factor: image * image, "You take the square."),
        Mistake("too flat", lambda image, factor: image[0] * factor, "One row alone."),
    ],
    number="02.9",
    title="Double",
    section="pooling",
    sections={"pooling": "7. Pooling", "end": "Summary"},
)


def right(image, factor):
    return factor * image


def through_json(attempt):
    """An attempt as it arrives from another process."""
    return Attempt.decoded(json.loads(json.dumps(attempt.encoded())))


def judged(answer, **changed):
    """What is found of an answer. changed: fields of the exercise.

    The attempt goes through JSON, so every test tries that as well.
    """
    exercise = dataclasses.replace(EXERCISE, **changed)
    return judgement.judge(exercise, through_json(observe(exercise, answer)))
