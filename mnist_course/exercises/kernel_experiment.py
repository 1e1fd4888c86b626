"""The exercise `kernel-experiment`: a change, a prediction, a test."""

from mnist_course.exercises.experiment import experiment_exercise

EXERCISE = experiment_exercise(
    "kernel-experiment", {"learning_rate": 0.04, "steps": 50, "noise": 0.5}
)
