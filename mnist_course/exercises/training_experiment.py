"""The exercise `training-experiment`: a change, a prediction, a test."""

from mnist_course.exercises.experiment import experiment_exercise

EXERCISE = experiment_exercise(
    "training-experiment", {"learning_rate": 0.3, "epochs": 3, "weights": 1.0}
)
