"""The exercises of lesson 01."""

from mnist_course.checks.exercise import Exercise

EXERCISES: tuple[Exercise, ...] = ()
