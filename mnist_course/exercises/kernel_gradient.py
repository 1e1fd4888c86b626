"""The exercise `kernel-gradient`: answer, cases, and typical mistakes with their hints."""

import torch
from torch.nn import functional as F

from mnist_course.assessment.exercise import Case, Exercise
from mnist_course.exercises.inputs import numbers, tensor
from mnist_course.exercises.strided_correlation import strided_correlation

EXERCISE = Exercise(
    name="kernel-gradient",
    points=3,
    cases=(
        Case((tensor(1, 2, shape=(1, 2)), tensor(3, shape=(1, 1)), tensor(1, 4, shape=(1, 2)))),
        Case(
            (
                torch.tensor([[1.0, 2.0], [3.0, 5.0]]),
                torch.tensor([[1.0, 0.0]]),
                torch.tensor([[0.0], [1.0]]),
            )
        ),
        Case((numbers(3, 3), numbers(2, 2), numbers(2, 2) + 1)),
        Case((numbers(4, 5), numbers(3, 2), torch.ones(2, 4))),
        Case((numbers(3, 6), numbers(1, 3), numbers(3, 4) * 2)),
        Case((numbers(2, 2), numbers(2, 2), torch.tensor([[2.0]]))),
    ),
    hints=(
        "In the loop of [](#learned-kernel) torch computes such a gradient. Which lines belong to "
        "the gradient, and which to the step?",
        "With torch: work on a copy of the kernel that has `requires_grad`, and return the "
        "gradient only. By hand: the slope of a square is twice the difference, times the slope "
        "of what is inside.",
        "By hand, for the weight in row r and column c: every output number is that weight times "
        "one pixel, plus other things. Which pixels does it meet as the kernel slides?",
    ),
    tolerance=0.01,  # differences of the loss itself are a right way, too, but not an exact one
)


@EXERCISE.answer
def kernel_gradient(image, kernel, targets):
    errors = strided_correlation(image, kernel, 1) - targets
    # each weight meets the part of the image that begins at its own place
    return 2 * strided_correlation(image, errors, 1) / errors.numel()


def gradient_of_the_sum(image, kernel, targets):
    return kernel_gradient(image, kernel, targets) * targets.numel()


def gradient_from(image, errors):
    return strided_correlation(image, errors, 1) / errors.numel()


EXERCISE.mistake(
    "2 forgotten", "Your gradient is half as large as it should be. What is the slope of a square?"
)(lambda image, kernel, targets: kernel_gradient(image, kernel, targets) / 2)
EXERCISE.mistake(
    "sum instead of mean",
    "This is the gradient of the *sum* of the squared differences. The loss is their mean.",
)(gradient_of_the_sum)
EXERCISE.mistake(
    "sign turned",
    "Your gradient has the wrong sign. A slope is positive when the loss grows with the weight; "
    "in which direction to step is decided later.",
)(lambda image, kernel, targets: -kernel_gradient(image, kernel, targets))
EXERCISE.mistake(
    "divided by the weights",
    "You divide by the number of weights. The mean goes over the numbers of the output.",
)(lambda image, kernel, targets: gradient_of_the_sum(image, kernel, targets) / kernel.numel())
EXERCISE.mistake(
    "divided by the pixels",
    "You divide by the number of pixels of the image. The mean goes over the numbers of the "
    "output, and the output is smaller.",
)(lambda image, kernel, targets: gradient_of_the_sum(image, kernel, targets) / image.numel())
EXERCISE.mistake(
    "targets forgotten",
    "The targets are not used: the loss is about the difference between output and targets.",
)(lambda image, kernel, targets: kernel_gradient(image, kernel, torch.zeros_like(targets)))
EXERCISE.mistake(
    "turned round",
    "These are the right slopes in the wrong places: the first and the last are exchanged.",
)(lambda image, kernel, targets: kernel_gradient(image, kernel, targets).flip(0, 1))
EXERCISE.mistake(
    "a step taken", "You return a changed kernel. The exercise asks for the gradient alone."
)(lambda image, kernel, targets: kernel - kernel_gradient(image, kernel, targets))
EXERCISE.mistake(
    "difference not squared", "This is the gradient of the plain difference. The loss squares it."
)(lambda image, kernel, targets: gradient_from(image, torch.ones_like(targets)))
EXERCISE.mistake(
    "absolute difference", "This is the gradient of the absolute difference. The loss squares it."
)(
    lambda image, kernel, targets: gradient_from(
        image, (strided_correlation(image, kernel, 1) - targets).sign()
    )
)
EXERCISE.mistake(
    "twice as large",
    "Your gradient is twice as large as it should be. Do you call `backward()` twice? Without "
    "`grad.zero_()` in between, torch adds the second gradient to the first.",
)(lambda image, kernel, targets: 2 * kernel_gradient(image, kernel, targets))


@EXERCISE.mistake(
    "gradient of the image",
    "These are the slopes of the pixels. The exercise asks for the slopes of the weights, because "
    "the kernel is what learns.",
)
def _(image, kernel, targets):
    errors = strided_correlation(image, kernel, 1) - targets
    stacked = errors[None, None], kernel[None, None]
    return 2 * F.conv_transpose2d(*stacked)[0, 0] / errors.numel()


EXERCISE.mistake("the loss", "That is the loss itself. The exercise asks for its gradient.")(
    lambda image, kernel, targets: F.mse_loss(strided_correlation(image, kernel, 1), targets)
)
