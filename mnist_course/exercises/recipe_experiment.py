"""The exercise `recipe-experiment`: a change, a prediction, a test."""

from mnist_course.exercises.experiment import experiment_exercise

EXERCISE = experiment_exercise(
    "recipe-experiment", {"learning_rate": 0.02, "epochs": 2, "degrees": 10}
)
