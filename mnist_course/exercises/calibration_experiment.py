"""The exercise `calibration-experiment`: a change, a prediction, a test."""

from mnist_course.exercises.experiment import experiment_exercise

EXERCISE = experiment_exercise(
    "calibration-experiment", {"images": 500, "epochs": 40, "smoothing": 0.0}
)
