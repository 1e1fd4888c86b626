"""The exercise `drawing-experiment`: a change, a prediction, a test."""

from mnist_course.exercises.experiment import experiment_exercise

EXERCISE = experiment_exercise(
    "drawing-experiment", {"drawn": 100, "digits": 1000, "epochs": 1, "learning_rate": 0.002}
)
