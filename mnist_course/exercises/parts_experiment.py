"""The exercise `parts-experiment`: a change of LeNet's parts or steps, a prediction, a test."""

from mnist_course.exercises.experiment import experiment_exercise

EXERCISE = experiment_exercise(
    "parts-experiment", {"learning_rate": 0.003, "epochs": 5, "dropout": 0.0}
)
