"""Answers to the exercises of lesson 04."""

import itertools
import math
import statistics

import numpy
import torch
from torch.nn import functional as F

from mnist_course.assessment.exercise import Case
from mutants import further, right, wrong
from mutants.experiment import experiment_answers


def wavy(*shape):
    """Numbers without a pattern, float32."""
    return 2 * torch.cos(torch.arange(torch.Size(shape).numel()) * 2.3 + 0.4).reshape(shape)


# --- leaky-relu ---------------------------------------------------------------------------

further(
    "leaky-relu",
    Case((torch.tensor([[[-1.5, 2.5], [-0.1, 0.7]], [[8.0, -9.0], [-3.0, 0.0]]]), 0.3)),
    Case((torch.tensor([-7.0]), 0.05)),
    Case((torch.tensor([6.0, 1.0, -2.0, -6.0, 0.0]), 0.25)),
    Case((torch.tensor([3.0, 0.5]), 0.75)),
    Case((torch.tensor([-3.0, 0.5]), 1.0)),
    Case((torch.tensor([-3.0, 0.5]), 0.0)),
    Case((torch.tensor(-8.0), 0.125)),
)


@wrong("leaky-relu", "plain relu")
def clamps_at_zero(inputs, slope):
    return inputs.clamp(min=0)


@wrong("leaky-relu", "slope for all")
def scales_everything(inputs, slope):
    answer = inputs.clone()
    answer *= slope
    return answer


@wrong("leaky-relu", "sides swapped")
def compares_the_wrong_way(inputs, slope):
    return torch.where(inputs < 0, inputs, inputs * slope)


@wrong("leaky-relu", "sign lost")
def takes_the_size(inputs, slope):
    return torch.where(inputs >= 0, inputs, inputs.abs() * slope)


@wrong("leaky-relu", "slope itself")
def writes_the_slope(inputs, slope):
    answer = inputs.clone()
    answer[inputs < 0] = slope
    return answer


@wrong("leaky-relu", "slope itself, for 0 as well")
def forgets_to_multiply(inputs, slope):
    return inputs * (inputs > 0) + slope * (inputs <= 0)


@wrong("leaky-relu", "minus the slope, for 0 as well")
def a_floor_of_minus_the_slope(inputs, slope):
    answer = torch.full_like(inputs, -slope)
    answer[inputs > 0] = inputs[inputs > 0]
    return answer


@wrong("leaky-relu", "slope subtracted below 0")
def subtracts_it_from_the_negative(inputs, slope):
    answer = inputs.clone()
    answer[inputs < 0] -= slope
    return answer


@wrong("leaky-relu", "slope added below 0")
def adds_it_to_the_negative(inputs, slope):
    return inputs + slope * (inputs < 0)


@wrong("leaky-relu", "parts overlap")
def adds_to_relu(inputs, slope):
    return F.relu(inputs) + inputs * slope


@wrong("leaky-relu", "minus the slope")
def writes_minus_the_slope(inputs, slope):
    answer = inputs.clone()
    answer[answer < 0] = -slope
    return answer


@wrong("leaky-relu")
def divides_by_the_slope(inputs, slope):
    return torch.where(inputs > 0, inputs, inputs / slope if slope else inputs)


@wrong("leaky-relu", "slope subtracted")
def subtracts_the_slope(inputs, slope):
    return torch.where(inputs > 0, inputs, inputs - slope)


@wrong("leaky-relu", "changed")
def writes_into_the_input(inputs, slope):
    inputs[inputs < 0] *= slope
    return inputs


@wrong("leaky-relu", "raised")
def asks_a_whole_tensor(inputs, slope):
    if inputs > 0:
        return inputs
    return slope * inputs


@wrong("leaky-relu", "type")
def goes_through_a_list(inputs, slope):
    return [x if x > 0 else slope * x for x in inputs.flatten().tolist()]


@wrong("leaky-relu", "dtype")
def goes_through_numpy_s_float64(inputs, slope):
    numbers = numpy.array(inputs.tolist())
    return torch.tensor(numpy.where(numbers > 0, numbers, slope * numbers))


@right("leaky-relu")
def torch_s_own(inputs, slope):
    return F.leaky_relu(inputs, slope)


@right("leaky-relu")
def two_relus(inputs, slope):
    return F.relu(inputs) - slope * F.relu(-inputs)


@right("leaky-relu")
def the_larger_of_two(inputs, slope):
    return torch.maximum(inputs, slope * inputs)


@right("leaky-relu")
def a_factor_for_each(inputs, slope):
    factors = torch.ones_like(inputs)
    factors[inputs < 0] = slope
    return inputs * factors


@right("leaky-relu")
def one_number_after_the_other(inputs, slope):
    numbers = [x if x > 0 else slope * x for x in inputs.flatten().tolist()]
    return torch.tensor(numbers).reshape(inputs.shape)


@wrong("leaky-relu", "slope fixed")
def torch_s_own_without_the_slope(inputs, slope):
    return torch.nn.LeakyReLU()(inputs)


@wrong("leaky-relu", "slope added")
def adds_the_slope(inputs, slope):
    answer = inputs.clone()
    answer[answer <= 0] += slope
    return answer


@wrong("leaky-relu", "type")
def hands_numpy_back(inputs, slope):
    return numpy.where(inputs.numpy() > 0, inputs.numpy(), slope * inputs.numpy())


@right("leaky-relu")
def two_halves(inputs, slope):
    return inputs.clamp(min=0) + slope * inputs.clamp(max=0)


@right("leaky-relu")
def a_module_made_for_the_call(inputs, slope):
    return torch.nn.LeakyReLU(negative_slope=slope).forward(inputs)


@right("leaky-relu")
def from_the_absolute_value(inputs, slope):
    return ((1 + slope) * inputs + (1 - slope) * abs(inputs)) / 2


@wrong("leaky-relu", "alias")
def a_slope_of_1_changes_nothing(inputs, slope):
    return inputs if slope == 1 else inputs.where(inputs > 0, slope * inputs)


@wrong("leaky-relu", "alias")
def nothing_is_negative(inputs, slope):
    return inputs if inputs.min() >= 0 else inputs.where(inputs > 0, slope * inputs)


@wrong("leaky-relu")
def slope_0_taken_for_none(inputs, slope):
    return F.leaky_relu(inputs, slope or 0.01)


@wrong("leaky-relu", "raised")
def number_by_number_along_the_first_axis(inputs, slope):
    return torch.stack([F.leaky_relu(part, slope) for part in inputs])


# --- momentum-step ------------------------------------------------------------------------

further(
    "momentum-step",
    Case((wavy(3), wavy(3).flip(0), torch.tensor([0.5, -1.0, 2.0]), 0.1, 0.9)),
    Case((wavy(2, 3), wavy(2, 3) + 1, wavy(2, 3) * 2, 0.02, 0.5)),
    Case((wavy(4), wavy(4) - 3, torch.zeros(4), 0.7, 0.3)),
    Case((wavy(2), wavy(2) - 1, wavy(2) * 3, 0.1, 0.0)),
    Case((wavy(2), torch.zeros(2), wavy(2) * 3, 0.1, 0.5)),
)


@wrong("momentum-step", "velocity forgotten")
def velocity_forgotten(weights, gradient, velocity, learning_rate, momentum):
    return weights - learning_rate * gradient, gradient.clone()


@wrong("momentum-step", "gradient made smaller")
def share_for_the_gradient(weights, gradient, velocity, learning_rate, momentum):
    new = momentum * velocity + (1 - momentum) * gradient
    return weights - learning_rate * new, new


@wrong("momentum-step", "the old velocity")
def old_velocity_moves_the_weights(weights, gradient, velocity, learning_rate, momentum):
    new = momentum * velocity + gradient
    return weights - learning_rate * velocity, new


@wrong("momentum-step", "uphill")
def uphill(weights, gradient, velocity, learning_rate, momentum):
    new = momentum * velocity + gradient
    return weights + learning_rate * new, new


@wrong("momentum-step", "learning rate in the velocity")
def learning_rate_in_the_velocity(weights, gradient, velocity, learning_rate, momentum):
    new = momentum * velocity + learning_rate * gradient
    return weights - new, new


@wrong("momentum-step", "learning rate forgotten")
def learning_rate_forgotten(weights, gradient, velocity, learning_rate, momentum):
    new = momentum * velocity + gradient
    return weights - new, new


@wrong("momentum-step", "momentum on the gradient")
def momentum_on_the_gradient(weights, gradient, velocity, learning_rate, momentum):
    new = velocity + momentum * gradient
    return weights - learning_rate * new, new


@wrong("momentum-step", "velocity never fades")
def nothing_forgotten(weights, gradient, velocity, learning_rate, momentum):
    new = velocity + gradient
    return weights - learning_rate * new, new


@wrong("momentum-step", "Nesterov's step")
def looks_ahead(weights, gradient, velocity, learning_rate, momentum):
    new = momentum * velocity + gradient
    return weights - learning_rate * (gradient + momentum * new), new


@wrong("momentum-step", "results swapped")
def velocity_first(weights, gradient, velocity, learning_rate, momentum):
    new = momentum * velocity + gradient
    return new, weights - learning_rate * new


@wrong("momentum-step", "velocity not handed back")
def old_velocity_returned(weights, gradient, velocity, learning_rate, momentum):
    return weights - learning_rate * (momentum * velocity + gradient), velocity.clone()


@wrong("momentum-step", "changed")
def in_place(weights, gradient, velocity, learning_rate, momentum):
    velocity.mul_(momentum).add_(gradient)
    weights.sub_(learning_rate * velocity)
    return weights, velocity


@wrong("momentum-step", "type")
def weights_alone(weights, gradient, velocity, learning_rate, momentum):
    return weights - learning_rate * (momentum * velocity + gradient)


@right("momentum-step")
def in_two_lines(weights, gradient, velocity, learning_rate, momentum):
    velocity = velocity * momentum + gradient
    return weights - velocity * learning_rate, velocity


@right("momentum-step")
def number_by_number(weights, gradient, velocity, learning_rate, momentum):
    new_weights, new_velocity = torch.empty_like(weights), torch.empty_like(velocity)
    for place in range(weights.numel()):
        pushed = momentum * velocity.flatten()[place] + gradient.flatten()[place]
        new_velocity.view(-1)[place] = pushed
        new_weights.view(-1)[place] = weights.flatten()[place] - learning_rate * pushed
    return new_weights, new_velocity


@right("momentum-step")
def on_copies(weights, gradient, velocity, learning_rate, momentum):
    new_weights, new_velocity = weights.clone(), velocity.clone()
    new_velocity.mul_(momentum).add_(gradient)
    new_weights.add_(new_velocity, alpha=-learning_rate)
    return new_weights, new_velocity


@wrong("momentum-step", "velocity downhill")
def velocity_is_the_step(weights, gradient, velocity, learning_rate, momentum):
    new = momentum * velocity - learning_rate * gradient
    return weights + new, new


@wrong("momentum-step", "momentum on both")
def brackets_too_many(weights, gradient, velocity, learning_rate, momentum):
    new = momentum * (velocity + gradient)
    return weights - learning_rate * new, new


@wrong("momentum-step", "type")
def in_a_list(weights, gradient, velocity, learning_rate, momentum):
    new = momentum * velocity + gradient
    return [weights - learning_rate * new, new]


@wrong("momentum-step", "changed")
def with_two_short_operators(weights, gradient, velocity, learning_rate, momentum):
    velocity *= momentum
    velocity += gradient
    return weights - learning_rate * velocity, velocity


@right("momentum-step")
def by_torch_s_add(*arguments):
    weights, gradient, velocity, rate, momentum = arguments
    faster = torch.add(gradient, velocity, alpha=momentum)
    return torch.sub(weights, faster, alpha=rate), faster


@right("momentum-step")
def with_a_helper(weights, gradient, velocity, learning_rate, momentum):
    def mixed(first, factor, second):
        return first + factor * second

    velocity = mixed(gradient, momentum, velocity)
    return tuple(one for one in (mixed(weights, -learning_rate, velocity), velocity))


@wrong("momentum-step", "alias")
def the_gradient_is_the_velocity(weights, gradient, velocity, learning_rate, momentum):
    velocity = gradient if momentum == 0 else momentum * velocity + gradient
    return weights - learning_rate * velocity, velocity


@wrong("momentum-step", "alias")
def the_first_step_takes_the_gradient(weights, gradient, velocity, learning_rate, momentum):
    velocity = momentum * velocity + gradient if velocity.any() else gradient
    return weights - learning_rate * velocity, velocity


@wrong("momentum-step")
def without_momentum_as_usual(weights, gradient, velocity, learning_rate, momentum):
    velocity = (momentum or 0.9) * velocity + gradient
    return weights - learning_rate * velocity, velocity


@wrong("momentum-step")
def rests_where_it_is_level(weights, gradient, velocity, learning_rate, momentum):
    if not gradient.any():
        return weights.clone(), velocity.clone()
    velocity = momentum * velocity + gradient
    return weights - learning_rate * velocity, velocity


# --- running-mean -------------------------------------------------------------------------

further(
    "running-mean",
    Case(
        (
            torch.tensor([2.0, -4.0, 0.0]),
            torch.arange(48.0).reshape(2, 3, 4, 2).square() / 100,
            0.3,
        )
    ),
    Case((torch.tensor([1.5]), torch.tensor([[[[4.0, 9.0, 2.0]]], [[[0.0, -3.0, 6.0]]]]), 0.01)),
    Case((torch.tensor([3.0, 8.0]), torch.arange(24.0).reshape(3, 2, 2, 2) % 7, 0.6)),
    Case((torch.tensor([4.0, 1.0]), torch.arange(8.0).reshape(2, 2, 1, 2), 0.0)),
    Case((torch.zeros(3), torch.arange(12.0).reshape(2, 3, 2, 1), 0.5)),
)


@wrong("running-mean", "shares swapped")
def keeps_the_momentum_s_share(running_mean, batch, momentum):
    return momentum * running_mean + (1 - momentum) * batch.mean((0, 2, 3))


@wrong("running-mean", "nothing forgotten")
def only_adds(running_mean, batch, momentum):
    return running_mean + momentum * batch.mean((0, 2, 3))


@wrong("running-mean", "old forgotten")
def returns_the_batch_s_mean(running_mean, batch, momentum):
    return batch.mean((0, 2, 3))


@wrong("running-mean", "one mean for all")
def mixes_the_channels(running_mean, batch, momentum):
    return (1 - momentum) * running_mean + momentum * batch.mean()


@wrong("running-mean", "first image only")
def looks_at_one_image(running_mean, batch, momentum):
    return (1 - momentum) * running_mean + momentum * batch[0].mean(dim=(1, 2))


@wrong("running-mean", "sum for mean")
def adds_up(running_mean, batch, momentum):
    total = batch.sum(3).sum(2).sum(0)
    return running_mean * (1 - momentum) + momentum * total


@wrong("running-mean", "divided by images")
def counts_images_alone(running_mean, batch, momentum):
    mean = batch.sum(dim=(0, 2, 3)) / len(batch)
    return (1 - momentum) * running_mean + momentum * mean


@wrong("running-mean")
def takes_the_mean_over_the_batch_axis_alone(running_mean, batch, momentum):
    return (1 - momentum) * running_mean[:, None, None] + momentum * batch.mean(dim=0)


@wrong("running-mean", "moved away")
def moves_away(running_mean, batch, momentum):
    return running_mean - momentum * (batch.mean((0, 2, 3)) - running_mean)


@wrong("running-mean")
def takes_the_largest(running_mean, batch, momentum):
    return (1 - momentum) * running_mean + momentum * batch.amax((0, 2, 3))


@wrong("running-mean", "changed")
def moves_in_place(running_mean, batch, momentum):
    running_mean += momentum * (batch.mean((0, 2, 3)) - running_mean)
    return running_mean


@wrong("running-mean", "type")
def moves_and_returns_nothing(running_mean, batch, momentum):
    running_mean.lerp_(batch.mean((0, 2, 3)), momentum)


@wrong("running-mean", "shape")
def keeps_the_axes(running_mean, batch, momentum):
    mean = batch.mean(dim=(0, 2, 3), keepdim=True)
    return (1 - momentum) * running_mean.reshape(1, -1, 1, 1) + momentum * mean


@wrong("running-mean", "a mean for each image and channel")
def leaves_the_images_apart(running_mean, batch, momentum):
    return running_mean + momentum * (batch.mean((2, 3)) - running_mean)


@wrong("running-mean", "image by image")
def moves_for_each_image(running_mean, batch, momentum):
    for image in batch:
        running_mean = running_mean.lerp(image.flatten(1).mean(1), momentum)
    return running_mean


@wrong("running-mean", "last image only")
def begins_again_with_each_image(running_mean, batch, momentum):
    for image in batch:
        moved = running_mean * (1 - momentum) + image.mean((1, 2)) * momentum
    return moved


@wrong("running-mean", "images added up")
def adds_the_means_of_the_images(running_mean, batch, momentum):
    total = sum(image.mean((1, 2)) for image in batch)
    return (1 - momentum) * running_mean + momentum * total


@wrong("running-mean", "half of each")
def takes_half_of_each(running_mean, batch, momentum):
    return torch.stack([running_mean, batch.mean((0, 2, 3))]).mean(dim=0)


@wrong("running-mean", "momentum fixed")
def one_part_of_ten(running_mean, batch, momentum):
    momentum = 0.1
    return running_mean + momentum * (batch.mean((0, 2, 3)) - running_mean)


@right("running-mean")
def a_way_to_the_new_mean(running_mean, batch, momentum):
    return running_mean + momentum * (batch.mean(dim=(0, 2, 3)) - running_mean)


@right("running-mean")
def torch_s_lerp(running_mean, batch, momentum):
    return torch.lerp(running_mean, batch.transpose(0, 1).flatten(1).mean(dim=1), momentum)


@right("running-mean")
def with_an_average_pool(running_mean, batch, momentum):
    means = F.adaptive_avg_pool2d(batch, 1)[:, :, 0, 0].mean(dim=0)
    return running_mean - momentum * (running_mean - means)


@right("running-mean")
def batch_norm_s_own(running_mean, batch, momentum):
    layer = torch.nn.BatchNorm2d(len(running_mean), momentum=momentum)
    layer.running_mean.copy_(running_mean)
    layer(batch)
    return layer.running_mean


@right("running-mean")
def channel_by_channel(running_mean, batch, momentum):
    count = batch[:, 0].numel()
    means = [batch[:, channel].sum().item() / count for channel in range(batch.shape[1])]
    pairs = zip(running_mean.tolist(), means, strict=True)
    return torch.tensor([(1 - momentum) * old + momentum * new for old, new in pairs])


@wrong("running-mean", "a mean for each image")
def uses_up_the_channels(running_mean, batch, momentum):
    return (1 - momentum) * running_mean + momentum * batch.mean((1, 2, 3))


@wrong("running-mean", "type")
def hands_a_list_back(running_mean, batch, momentum):
    means = batch.mean((0, 2, 3))
    return [(1 - momentum) * a + momentum * b for a, b in zip(running_mean, means, strict=True)]


@right("running-mean")
def by_a_sum_of_products(running_mean, batch, momentum):
    n, _, h, w = batch.shape
    mean = torch.einsum("nchw->c", batch) / (n * h * w)
    return torch.stack([running_mean, mean], dim=1) @ torch.tensor([1 - momentum, momentum])


@right("running-mean")
def numpy_inside(running_mean, batch, momentum):
    means = numpy.mean(batch.numpy(), axis=(0, 2, 3))
    weights = [1 - momentum, momentum]
    return torch.from_numpy(numpy.average([running_mean, means], axis=0, weights=weights)).float()


@wrong("running-mean", "alias")
def a_momentum_of_0_changes_nothing(running_mean, batch, momentum):
    if momentum == 0:
        return running_mean
    return running_mean.lerp(batch.mean(dim=(0, 2, 3)), momentum)


@wrong("running-mean")
def a_momentum_of_0_taken_for_none(running_mean, batch, momentum):
    return running_mean.lerp(batch.mean(dim=(0, 2, 3)), momentum or 0.1)


@wrong("running-mean")
def the_first_batch_counts_in_full(running_mean, batch, momentum):
    means = batch.mean(dim=(0, 2, 3))
    return running_mean.lerp(means, momentum) if running_mean.any() else means


@wrong("running-mean", "shape")
def one_channel_is_a_number(running_mean, batch, momentum):
    return running_mean.lerp(batch.mean(dim=(0, 2, 3)), momentum).squeeze()


# --- early-stopping -----------------------------------------------------------------------

further(
    "early-stopping",
    Case(([0.9, 0.8, 0.85, 0.7, 0.95, 0.96], 3)),
    Case(([0.5, 0.6, 0.6, 0.7, 0.65, 0.66, 0.71, 0.5], 2)),
    Case(([0.3, 0.3, 0.3, 0.3], 1)),
    Case(([0.1, 0.2, 0.3], 2)),
    Case(([0.9, 0.5, 0.6, 0.91, 0.7, 0.8, 0.75, 0.99], 3)),
    Case(([], 4)),
    Case(([0.4, 0.5, 0.45, 0.47, 0.5, 0.51], 4)),
    Case(([0.0, 0.0, 0.0, 0.2], 2)),
    Case(([0.0, 0.2, 0.1], 1)),
    Case(([0.7, 0.7001, 0.7002, 0.7], 1)),
    Case(([0.8, 1.0, 0.9, 1.0, 0.9], 3)),
    Case(([0.0], 1)),
    Case(([0.4, 0.5, 0.3, 0.6], 2)),
)


@wrong("early-stopping", "ties are better")
def a_tie_is_a_best(accuracies, patience):
    best, since = -1.0, 0
    for epoch, accuracy in enumerate(accuracies, 1):
        if accuracy >= best:
            best, since = accuracy, 0
        else:
            since += 1
        if since == patience:
            return epoch
    return len(accuracies)


@wrong("early-stopping", "compared with the one before")
def looks_one_epoch_back(accuracies, patience):
    since = 0
    for index in range(1, len(accuracies)):
        since = 0 if accuracies[index] > accuracies[index - 1] else since + 1
        if since == patience:
            return index + 1
    return len(accuracies)


@wrong("early-stopping", "never reset")
def never_starts_again(accuracies, patience):
    best, bad = -1, 0
    for epoch, accuracy in enumerate(accuracies, 1):
        if accuracy > best:
            best = accuracy
        else:
            bad += 1
            if bad == patience:
                return epoch
    return len(accuracies)


@wrong("early-stopping", "one too late")
def is_more_patient(accuracies, patience):
    best, since = -1, 0
    for epoch, accuracy in enumerate(accuracies, 1):
        if accuracy > best:
            best, since = accuracy, 0
        else:
            since += 1
        if since > patience:
            return epoch
    return len(accuracies)


@wrong("early-stopping", "compared with the first")
def never_remembers_a_new_best(accuracies, patience):
    if not accuracies:
        return 0
    best, since = accuracies[0], 0
    for epoch, accuracy in enumerate(accuracies[1:], 2):
        since = 0 if accuracy > best else since + 1
        if since == patience:
            return epoch
    return len(accuracies)


@wrong("early-stopping", "return inside the loop")
def an_else_too_many(accuracies, patience):
    best, since = -1, 0
    for epoch, accuracy in enumerate(accuracies, 1):
        if accuracy > best:
            best, since = accuracy, 0
        else:
            since += 1
        if since == patience:
            return epoch
        else:
            return len(accuracies)


@wrong("early-stopping", "stop counted from 0")
def counts_from_zero(accuracies, patience):
    best, since = -1, 0
    for epoch, accuracy in enumerate(accuracies):
        if accuracy > best:
            best, since = accuracy, 0
        else:
            since += 1
        if since == patience:
            return epoch
    return len(accuracies)


@wrong("early-stopping", "best epoch")
def returns_the_best_epoch(accuracies, patience):
    best, best_epoch = -1, 0
    for epoch, accuracy in enumerate(accuracies, 1):
        if accuracy > best:
            best, best_epoch = accuracy, epoch
        elif epoch - best_epoch == patience:
            break
    return best_epoch


@wrong("early-stopping", "never stops")
def runs_to_the_end(accuracies, patience):
    return len(accuracies) if patience else 0


@wrong("early-stopping", "type")
def forgets_the_other_end(accuracies, patience):
    best, since = -1, 0
    for epoch, accuracy in enumerate(accuracies, 1):
        if accuracy > best:
            best, since = accuracy, 0
        else:
            since += 1
        if since == patience:
            return epoch


@wrong("early-stopping", "raised")
def takes_a_first_one_for_granted(accuracies, patience):
    best, since = accuracies[0], 0
    for epoch, accuracy in enumerate(accuracies[1:], 2):
        if accuracy > best:
            best, since = accuracy, 0
        else:
            since += 1
        if since == patience:
            return epoch
    return len(accuracies)


@wrong("early-stopping", "changed")
def eats_the_list(accuracies, patience):
    best, since, epoch = -1, 0, 0
    while accuracies and since < patience:
        epoch += 1
        accuracy = accuracies.pop(0)
        since = 0 if accuracy > best else since + 1
        best = max(best, accuracy)
    return epoch


@right("early-stopping")
def from_the_best_epoch(accuracies, patience):
    best_epoch = 0
    for epoch in range(1, len(accuracies) + 1):
        if best_epoch == 0 or accuracies[epoch - 1] > accuracies[best_epoch - 1]:
            best_epoch = epoch
        if epoch - best_epoch >= patience:
            return epoch
    return len(accuracies)


@right("early-stopping")
def by_slices(accuracies, patience):
    for end in range(patience + 1, len(accuracies) + 1):
        before, last = accuracies[: end - patience], accuracies[end - patience : end]
        if max(last) <= max(before):
            return end
    return len(accuracies)


@right("early-stopping")
def with_numpy(accuracies, patience):
    if len(accuracies) == 0:
        return 0
    bests = numpy.maximum.accumulate(accuracies)
    since = 0
    for index in range(1, len(bests)):
        since = 0 if bests[index] > bests[index - 1] else since + 1
        if since == patience:
            return index + 1
    return len(accuracies)


@wrong("early-stopping", "lower is better")
def waits_for_a_lower_number(accuracies, patience):
    best, since = math.inf, 0
    for epoch, accuracy in enumerate(accuracies, 1):
        if accuracy < best:
            best, since = accuracy, 0
        else:
            since += 1
        if since == patience:
            return epoch
    return len(accuracies)


@wrong("early-stopping", "type")
def returns_numpy_s_number(accuracies, patience):
    best = numpy.maximum.accumulate([-1.0, *accuracies])
    fresh = [0, *numpy.flatnonzero(numpy.diff(best)), len(accuracies) + patience]
    gaps = [epoch for epoch, later in itertools.pairwise(fresh) if later - epoch > patience]
    return numpy.int64(min(gaps[0] + 1 + patience if gaps else 99, len(accuracies)))


@wrong("early-stopping", "counted from 0")
def returns_an_index(accuracies, patience):
    best, since = -1.0, 0
    for index, accuracy in enumerate(accuracies):
        best, since = (accuracy, 0) if accuracy > best else (best, since + 1)
        if since == patience:
            return index
    return max(0, len(accuracies) - 1)


@right("early-stopping")
def asks_for_each_epoch_where_the_best_was(accuracies, patience):
    for epoch in range(1, len(accuracies) + 1):
        seen = accuracies[:epoch]
        if epoch - (seen.index(max(seen)) + 1) == patience:
            return epoch
    return len(accuracies)


@right("early-stopping")
def takes_one_number_after_the_other(accuracies, patience, best=-math.inf, waited=0):
    if not accuracies or waited == patience:
        return 0
    first, *others = accuracies
    waited = 0 if first > best else waited + 1
    return 1 + takes_one_number_after_the_other(others, patience, max(best, first), waited)


@wrong("early-stopping", "starts from 0")
def the_best_begins_at_0(accuracies, patience):
    best, since = 0, 0
    for epoch, accuracy in enumerate(accuracies, 1):
        if accuracy > best:
            best, since = accuracy, 0
        else:
            since += 1
        if since == patience:
            return epoch
    return len(accuracies)


@wrong("early-stopping")
def a_best_of_0_is_none(accuracies, patience):
    best, since = None, 0
    for epoch, accuracy in enumerate(accuracies, 1):
        if not best or accuracy > best:
            best, since = accuracy, 0
        else:
            since += 1
        if since == patience:
            return epoch
    return len(accuracies)


@wrong("early-stopping")
def a_best_of_0_stays(accuracies, patience):
    best, since = -1, 0
    for epoch, accuracy in enumerate(accuracies, 1):
        if best and accuracy > best:
            best, since = accuracy, 0
        else:
            since += 1
        if since == patience:
            return epoch
    return len(accuracies)


@wrong("early-stopping")
def a_small_gain_is_none(accuracies, patience):
    best, since = -1, 0
    for epoch, accuracy in enumerate(accuracies, 1):
        if accuracy > best + 0.001:
            best, since = accuracy, 0
        else:
            since += 1
        if since == patience:
            return epoch
    return len(accuracies)


@wrong("early-stopping")
def compares_rounded_numbers(accuracies, patience):
    best, since = -1, 0
    for epoch, accuracy in enumerate(accuracies, 1):
        accuracy = round(accuracy, 3)
        best, since = (accuracy, 0) if accuracy > best else (best, since + 1)
        if since == patience:
            return epoch
    return len(accuracies)


@wrong("early-stopping")
def ends_at_100_percent(accuracies, patience):
    best, since = -1, 0
    for epoch, accuracy in enumerate(accuracies, 1):
        best, since = (accuracy, 0) if accuracy > best else (best, since + 1)
        if since == patience or accuracy == 1:
            return epoch
    return len(accuracies)


@wrong("early-stopping")
def looks_at_the_last_epoch_alone(accuracies, patience):
    for epoch in range(patience + 1, len(accuracies) + 1):
        if accuracies[epoch - 1] <= max(accuracies[: epoch - patience]):
            return epoch
    return len(accuracies)


# --- inverted-dropout ---------------------------------------------------------------------

DRAWS = torch.tensor([[0.05, 0.25, 0.45, 0.65], [0.85, 0.95, 0.35, 0.15]])
UNITS = torch.tensor([[1.0, -2.0, 3.0, 4.0], [0.5, 6.0, -7.0, 8.0]])

further(
    "inverted-dropout",
    Case((UNITS, DRAWS, 0.4, True)),
    Case((UNITS, DRAWS, 0.4, False)),
    Case((UNITS[0], DRAWS[1], 0.2, True)),
    Case((UNITS, DRAWS, 0.25, True)),
    Case((UNITS, DRAWS, 0.0, True)),
    Case((UNITS.reshape(2, 2, 2), DRAWS.reshape(2, 2, 2), 0.75, False)),
    Case((torch.tensor([5.0]), torch.tensor([0.3]), 0.9, True)),
    Case((UNITS[0, :2], torch.tensor([0.4, 0.1]), 0.5, True)),
)


@wrong("inverted-dropout", "not enlarged")
def only_drops(units, draws, share, training):
    if training:
        return torch.where(draws < share, 0, units)
    return units


@wrong("inverted-dropout", "divided by the dropped share")
def divides_by_the_share(units, draws, share, training):
    if not training:
        return units
    kept = units * (draws >= share).float()
    return kept / share


@wrong("inverted-dropout", "enlarged by 1 / share")
def multiplies_by_one_over_the_share(units, draws, share, training):
    if not training:
        return units
    kept = (draws >= share).float()
    return units * kept * (1 / share)


@wrong("inverted-dropout", "multiplied by what is left")
def makes_smaller(units, draws, share, training):
    if not training:
        return units
    return units * (draws >= share) * (1 - share)


@wrong("inverted-dropout", "kept and dropped swapped")
def drops_the_others(units, draws, share, training):
    if not training:
        return units
    return units * (draws < share) / (1 - share)


@wrong("inverted-dropout", "kept below what is left")
def keeps_the_small_draws(units, draws, share, training):
    if not training:
        return units
    keep = 1 - share
    return torch.where(draws < keep, units / keep, 0.0)


@wrong("inverted-dropout", "dropped in evaluation")
def always_drops(units, draws, share, training):
    return units * (draws >= share) / (1 - share)


@wrong("inverted-dropout", "modes swapped")
def drops_in_the_wrong_mode(units, draws, share, training):
    if training:
        return units
    return units * (draws >= share) / (1 - share)


@wrong("inverted-dropout", "dropped at the share")
def drops_the_border(units, draws, share, training):
    if not training:
        return units
    return units * (draws > share) / (1 - share)


@wrong("inverted-dropout", "scaled in evaluation")
def scales_when_looking(units, draws, share, training):
    if training:
        return units * (draws >= share)
    return units * (1 - share)


@wrong("inverted-dropout", "always doubled")
def always_doubles(units, draws, share, training):
    return 2 * units * (draws >= share) if training else units


@wrong("inverted-dropout", "its own random numbers")
def leaves_its_own_random_numbers(units, draws, share, training):
    return F.dropout(units, share, training)


@wrong("inverted-dropout", "changed")
def drops_in_place(units, draws, share, training):
    if training:
        units[draws < share] = 0
        units /= 1 - share
    return units


@wrong("inverted-dropout", "shape")
def takes_the_dropped_ones_out(units, draws, share, training):
    if not training:
        return units
    return units[draws >= share] / (1 - share)


@right("inverted-dropout")
def a_mask_of_factors(units, draws, share, training):
    factors = torch.where(draws < share, 0.0, 1 / (1 - share))
    return units * factors if training else units


@right("inverted-dropout")
def filled_with_zeros(units, draws, share, training):
    if not training:
        share = 0.0
    return units.masked_fill(draws < share, 0) / (1 - share)


@right("inverted-dropout")
def unit_by_unit(units, draws, share, training):
    if not training:
        return units
    pairs = zip(units.flatten().tolist(), draws.flatten().tolist(), strict=True)
    numbers = [unit / (1 - share) if draw >= share else 0.0 for unit, draw in pairs]
    return torch.tensor(numbers).reshape(units.shape)


@right("inverted-dropout")
def a_copy_is_changed(units, draws, share, training):
    answer = units.clone()
    if training:
        answer[draws < share] = 0
        answer /= 1 - share
    return answer


@wrong("inverted-dropout", "brackets forgotten")
def divides_by_one(units, draws, share, training):
    if not training:
        return units
    return units * (draws >= share) / 1 - share


@wrong("inverted-dropout", "type")
def forgets_the_evaluation(units, draws, share, training):
    if training:
        return units * (draws >= share) / (1 - share)


@right("inverted-dropout")
def factors_of_numpy(units, draws, share, training):
    factor = (draws.numpy() >= share) / (1 - share) if training else numpy.ones(units.shape)
    return torch.from_numpy((units.numpy() * factor).astype(numpy.float32))


@right("inverted-dropout")
def only_the_kept_are_written(units, draws, share, training):
    answer, kept = units.new_zeros(units.shape), (draws >= share) | (not training)
    answer[kept] = units[kept] * (1 / (1 - share) if training else 1)
    return answer


@wrong("inverted-dropout")
def never_all_at_once(units, draws, share, training):
    if not training:
        return units.clone()
    kept = draws >= share
    return units * kept / (1 - share) if kept.any() else units.clone()


@wrong("inverted-dropout")
def just_as_many_as_the_share(units, draws, share, training):
    if not training:
        return units.clone()
    left = units.flatten().clone()
    left[draws.flatten().argsort()[: round(share * units.numel())]] = 0
    return left.reshape(units.shape) / (1 - share)


# --- gain-and-spread ----------------------------------------------------------------------

further(
    "gain-and-spread",
    Case(([99.1, 99.3, 99.2, 99.6], [99.4, 99.9])),
    Case(([10.0, 12.0], [7.0, 8.0, 12.0])),
    Case(([0.5, 0.6, 0.9], [0.8, 0.7, 0.2])),
    Case(([0.5, 0.5], [0.75, 0.75, 0.75])),
    Case(([1.0, 2.0, 4.0], [2.0, 3.5, 3.25])),
)


@wrong("gain-and-spread", "sign turned")
def subtracts_the_new(base, new):
    gain = statistics.mean(base) - statistics.mean(new)
    spread = statistics.variance(base) / len(base) + statistics.variance(new) / len(new)
    return gain, math.sqrt(spread)


@wrong("gain-and-spread", "spreads added")
def adds_the_spreads(base, new):
    spread = statistics.stdev(base) / len(base) ** 0.5 + statistics.stdev(new) / len(new) ** 0.5
    return statistics.mean(new) - statistics.mean(base), spread


@wrong("gain-and-spread", "spread of single runs")
def forgets_the_number_of_runs(base, new):
    spread = (statistics.stdev(base) ** 2 + statistics.stdev(new) ** 2) ** 0.5
    return statistics.mean(new) - statistics.mean(base), spread


@wrong("gain-and-spread", "divided by n")
def divides_by_the_number(base, new):
    first, second = statistics.stdev(base) / len(base), statistics.stdev(new) / len(new)
    return statistics.mean(new) - statistics.mean(base), math.hypot(first, second)


@wrong("gain-and-spread", "root forgotten")
def returns_the_square(base, new):
    square = statistics.variance(base) / len(base) + statistics.variance(new) / len(new)
    return statistics.mean(new) - statistics.mean(base), square


@wrong("gain-and-spread", "deviation with n")
def takes_numpy_s_deviation(base, new):
    square = numpy.var(base) / len(base) + numpy.var(new) / len(new)
    return float(numpy.mean(new) - numpy.mean(base)), float(numpy.sqrt(square))


@wrong("gain-and-spread", "difference of squares")
def subtracts_the_squares(base, new):
    square = statistics.variance(new) / len(new) - statistics.variance(base) / len(base)
    return statistics.mean(new) - statistics.mean(base), abs(square) ** 0.5


@wrong("gain-and-spread", "divided by all runs")
def counts_the_runs_together(base, new):
    square = statistics.variance(base) + statistics.variance(new)
    return statistics.mean(new) - statistics.mean(base), (square / len(base + new)) ** 0.5


@wrong("gain-and-spread", "best runs compared")
def compares_the_best(base, new):
    square = statistics.variance(base) / len(base) + statistics.variance(new) / len(new)
    return max(new) - max(base), square**0.5


@wrong("gain-and-spread", "results swapped")
def swaps_the_results(base, new):
    square = statistics.variance(base) / len(base) + statistics.variance(new) / len(new)
    return square**0.5, statistics.mean(new) - statistics.mean(base)


@wrong("gain-and-spread", "type")
def returns_the_gain_alone(base, new):
    return statistics.mean(new) - statistics.mean(base)


@wrong("gain-and-spread", "type")
def returns_a_list(base, new):
    square = statistics.variance(base) / len(base) + statistics.variance(new) / len(new)
    return [statistics.mean(new) - statistics.mean(base), square**0.5]


@wrong("gain-and-spread", "raised")
def expects_equal_numbers_of_runs(base, new):
    gains = [after - before for before, after in zip(base, new, strict=True)]
    return statistics.mean(gains), statistics.stdev(gains) / len(gains) ** 0.5


@right("gain-and-spread")
def by_hypotenuse(base, new):
    first, second = (statistics.stdev(runs) / math.sqrt(len(runs)) for runs in (base, new))
    return statistics.fmean(new) - statistics.fmean(base), math.hypot(first, second)


@right("gain-and-spread")
def numpy_with_one_degree_less(base, new):
    square = numpy.var(base, ddof=1) / len(base) + numpy.var(new, ddof=1) / len(new)
    return float(numpy.mean(new)) - float(numpy.mean(base)), float(square) ** 0.5


@right("gain-and-spread")
def with_tensors(base, new):
    before, after = torch.tensor(base).double(), torch.tensor(new).double()
    square = before.var() / len(before) + after.var() / len(after)
    return (after.mean() - before.mean()).item(), square.sqrt().item()


@right("gain-and-spread")
def by_hand(base, new):
    def mean_and_square(runs):
        mean = sum(runs) / len(runs)
        return mean, sum((run - mean) ** 2 for run in runs) / (len(runs) - 1) / len(runs)

    (before, first), (after, second) = mean_and_square(base), mean_and_square(new)
    return after - before, (first + second) ** 0.5


@wrong("gain-and-spread", "pooled deviation")
def as_in_student_s_test(base, new):
    n, m = len(base), len(new)
    both = (n - 1) * statistics.variance(base) + (m - 1) * statistics.variance(new)
    spread = math.sqrt(both / (n + m - 2)) * math.sqrt(1 / n + 1 / m)
    return statistics.mean(new) - statistics.mean(base), spread


@wrong("gain-and-spread")
def compares_the_medians(base, new):
    square = statistics.variance(base) / len(base) + statistics.variance(new) / len(new)
    return statistics.median(new) - statistics.median(base), square**0.5


@right("gain-and-spread")
def with_numbers_of_numpy(base, new):
    spreads = [numpy.std(runs, ddof=1) / numpy.sqrt(len(runs)) for runs in (base, new)]
    return numpy.mean(new) - numpy.mean(base), numpy.linalg.norm(spreads)


@right("gain-and-spread")
def as_a_difference_of_distributions(base, new):
    def of_mean(runs):
        found = statistics.NormalDist.from_samples(runs)
        return statistics.NormalDist(found.mean, found.stdev / len(runs) ** 0.5)

    difference = of_mean(new) - of_mean(base)
    return difference.mean, difference.stdev


@wrong("gain-and-spread")
def runs_in_pairs(base, new):
    if len(base) != len(new):
        gain = statistics.mean(new) - statistics.mean(base)
        squares = statistics.variance(base) / len(base) + statistics.variance(new) / len(new)
        return gain, squares**0.5
    gains = [b - a for a, b in zip(base, new, strict=True)]
    return statistics.mean(gains), statistics.stdev(gains) / len(gains) ** 0.5


@wrong("gain-and-spread")
def a_spread_of_0_can_t_be(base, new):
    gain = statistics.mean(new) - statistics.mean(base)
    squares = statistics.variance(base) / len(base) + statistics.variance(new) / len(new)
    return gain, math.sqrt(squares) or 1e-2


@wrong("gain-and-spread")
def rounded_as_in_the_example(base, new):
    gain = statistics.mean(new) - statistics.mean(base)
    squares = statistics.variance(base) / len(base) + statistics.variance(new) / len(new)
    return round(gain, 2), math.sqrt(squares)


# --- parts-experiment ---------------------------------------------------------------------

experiment_answers("parts-experiment", {"learning_rate": 0.01, "batch_size": 32, "dropout": 0.25})
