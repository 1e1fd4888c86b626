"""The exercises of lesson 03."""

from mnist_course.checks.exercise import Exercise

EXERCISES: tuple[Exercise, ...] = ()
