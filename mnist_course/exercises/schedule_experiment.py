"""The exercise `schedule-experiment`: a change, a prediction, a test."""

from mnist_course.exercises.experiment import experiment_exercise

EXERCISE = experiment_exercise(
    "schedule-experiment", {"learning_rate": 0.03, "decay": 0.7, "momentum": 0.0, "epochs": 5}
)
