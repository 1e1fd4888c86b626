"""The exercise `momentum-step`: answer, cases, and typical mistakes with their hints."""

import torch

from mnist_course.assessment.exercise import Case, Exercise
from mnist_course.exercises.inputs import numbers

EXERCISE = Exercise(
    name="momentum-step",
    points=2,
    new_tensors=True,
    cases=(
        Case((torch.tensor([1.0, 2.0]), torch.tensor([0.5, -1.0]), torch.zeros(2), 0.1, 0.9)),
        Case((torch.tensor([1.0, 2.0]), torch.tensor([0.5, -1.0]), torch.ones(2), 0.1, 0.9)),
        Case((numbers(2, 3), numbers(2, 3) - 1, numbers(2, 3) / 2, 0.2, 0.5)),
        Case((torch.tensor(3.0), torch.tensor(2.0), torch.tensor(-4.0), 0.5, 0.8)),
        Case((numbers(2, 1, 2, 2), numbers(2, 1, 2, 2) * 3, -numbers(2, 1, 2, 2), 0.01, 0.0)),
        Case((torch.tensor([1.0, 2.0]), torch.zeros(2), torch.tensor([1.0, -1.0]), 0.1, 0.9)),
        Case((torch.tensor([1.0]), torch.tensor([2.0]), torch.tensor([4.0]), 0.25, 0.5)),
    ),
    hints=(
        "Two lines, in the order of the two formulas: first the new velocity, then the new "
        "weights.",
        "`velocity *= momentum` would change the tensor that you are given, while `velocity = "
        "...` makes a new one.",
        "The new velocity is made of two parts: the momentum times the old one, and the gradient. "
        "The weights then take a step against it, times the learning rate.",
    ),
)


@EXERCISE.answer
def momentum_step(weights, gradient, velocity, learning_rate, momentum):
    velocity = momentum * velocity + gradient
    return weights - learning_rate * velocity, velocity


@EXERCISE.mistake("uphill", "Your weights go up the slope. A step goes against it.")
def _(weights, gradient, velocity, learning_rate, momentum):
    velocity = momentum * velocity + gradient
    return weights + learning_rate * velocity, velocity


@EXERCISE.mistake(
    "plain gradient descent",
    "The velocity is right, but you move the weights by the gradient alone. Move them by the "
    "velocity.",
)
def _(weights, gradient, velocity, learning_rate, momentum):
    return weights - learning_rate * gradient, momentum * velocity + gradient


@EXERCISE.mistake(
    "the old velocity", "You move the weights by the old velocity. Compute the new one first."
)
def _(weights, gradient, velocity, learning_rate, momentum):
    return weights - learning_rate * velocity, momentum * velocity + gradient


@EXERCISE.mistake(
    "velocity not handed back",
    "The weights are right, but you return the old velocity. The next step needs the new one.",
)
def _(weights, gradient, velocity, learning_rate, momentum):
    return momentum_step(weights, gradient, velocity, learning_rate, momentum)[0], velocity


@EXERCISE.mistake(
    "learning rate in the velocity",
    "You multiply the gradient by the learning rate before it enters the velocity. Some books do; "
    "here the learning rate comes last, with the weights.",
)
def _(weights, gradient, velocity, learning_rate, momentum):
    velocity = momentum * velocity + learning_rate * gradient
    return weights - velocity, velocity


@EXERCISE.mistake(
    "gradient made smaller",
    "You multiply the gradient by 1 − momentum. Here it enters the velocity in full.",
)
def _(weights, gradient, velocity, learning_rate, momentum):
    velocity = momentum * velocity + (1 - momentum) * gradient
    return weights - learning_rate * velocity, velocity


@EXERCISE.mistake(
    "momentum on the gradient", "The momentum belongs to the old velocity, not to the gradient."
)
def _(weights, gradient, velocity, learning_rate, momentum):
    velocity = velocity + momentum * gradient
    return weights - learning_rate * velocity, velocity


@EXERCISE.mistake(
    "velocity forgotten", "You do not use the old velocity, so this is a step without momentum."
)
def _(weights, gradient, velocity, learning_rate, momentum):
    return weights - learning_rate * gradient, gradient


@EXERCISE.mistake(
    "velocity never fades",
    "The old velocity enters in full. But the momentum says how much of it is kept.",
)
def _(weights, gradient, velocity, learning_rate, momentum):
    return weights - learning_rate * (velocity + gradient), velocity + gradient


@EXERCISE.mistake(
    "Nesterov's step",
    "This is Nesterov's form, which looks one step ahead. The exercise asks for the plain one.",
)
def _(weights, gradient, velocity, learning_rate, momentum):
    velocity = momentum * velocity + gradient
    return weights - learning_rate * (gradient + momentum * velocity), velocity


@EXERCISE.mistake("results swapped", "The two results are swapped: the weights come first.")
def _(weights, gradient, velocity, learning_rate, momentum):
    return momentum_step(weights, gradient, velocity, learning_rate, momentum)[::-1]


@EXERCISE.mistake(
    "velocity downhill",
    "Your velocity is the step itself, with its minus and its learning rate. Some books do that; "
    "here the velocity only collects gradients, and both come last, with the weights.",
)
def _(weights, gradient, velocity, learning_rate, momentum):
    velocity = momentum * velocity - learning_rate * gradient
    return weights + velocity, velocity


@EXERCISE.mistake(
    "momentum on both",
    "The momentum multiplies the old velocity alone. The gradient is added in full.",
)
def _(weights, gradient, velocity, learning_rate, momentum):
    velocity = momentum * (velocity + gradient)
    return weights - learning_rate * velocity, velocity


@EXERCISE.mistake("learning rate forgotten", "You do not use the learning rate.")
def _(weights, gradient, velocity, learning_rate, momentum):
    velocity = momentum * velocity + gradient
    return weights - velocity, velocity
