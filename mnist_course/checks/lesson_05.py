"""The exercises of lesson 05."""

from mnist_course.checks.exercise import Exercise

EXERCISES: tuple[Exercise, ...] = ()
