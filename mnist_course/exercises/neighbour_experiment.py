"""The exercise `neighbour-experiment`: a change, a prediction, a test."""

from mnist_course.exercises.experiment import experiment_exercise

EXERCISE = experiment_exercise(
    "neighbour-experiment", {"images": 500, "degrees": 10, "shift": 0.04}
)
