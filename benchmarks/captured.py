"""A training of which each step is one launch: captured as a CUDA graph, then replayed.

A step of lesson 05's network is a few hundred small pieces of work. A GPU does each of them in some
millionths of a second, and Python needs longer than that to ask for it. A graph holds all of them,
so that Python asks once a step. What it computes is what `fit` computes, in the same order and from
the same random numbers.
"""

import time
import warnings

import torch
from torch import nn

from mnist_course import augment, data, runtime
from mnist_course.training import History, evaluate, make_optimizer, make_schedules

WARM_UP = 3  # steps before capturing, in which libraries choose their methods


class Captured:
    """Trains networks of one kind by one recipe, from seed after seed, with the same graphs.

    build: makes the network; digits: a `data.Digits`; recipe: by Adam or AdamW, with a one-cycle
    schedule and one augmentation; device: where; graphs: False runs each step as it is, which every
    device can; compiled: the network goes through `torch.compile` first.
    Raises ValueError for another recipe.
    """

    def __init__(self, build, digits, recipe, device, graphs=True, compiled=False):
        if recipe.optimizer == "sgd" or recipe.schedule != "one-cycle" or recipe.final_epochs:
            raise ValueError(
                "only a training by Adam or AdamW, with a one-cycle schedule and the same "
                f"augmentation in each epoch, is captured; got {recipe.optimizer}, "
                f"{recipe.schedule} and {recipe.final_epochs} final epochs"
            )
        self.build, self.recipe, self.device = build, recipe, device
        self.part = digits.train.to(device)
        self.validation = data.Batches(
            digits.validation, 1000, device=device, normalisation=recipe.normalisation
        )
        self.generator = torch.Generator("cpu")
        self.network = build().to(device)
        if recipe.channels_last:
            self.network.to(memory_format=torch.channels_last)
        self.forward = torch.compile(self.network, dynamic=False) if compiled else self.network
        self.loss_function = nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)
        self.optimizer = make_optimizer(self.network, recipe)
        # In a tensor, because a graph has a number of Python's built in for good.
        self.rate = torch.tensor(recipe.learning_rate, device=device)
        for group in self.optimizer.param_groups:
            group["lr"], group["capturable"] = self.rate, graphs
        self.rates = torch.tensor(learning_rates(recipe, self.steps), device=device)
        self.total_loss = torch.zeros((), device=device)
        self.correct = torch.zeros((), dtype=torch.int64, device=device)
        sizes = {len(one) for one in torch.arange(len(self.part)).split(recipe.batch_size)}
        self.replays = {size: self.prepared(size, graphs) for size in sizes}

    @property
    def steps(self):
        """Steps of an epoch."""
        return -(-len(self.part) // self.recipe.batch_size)

    def step(self, indices, matrices):
        """One step of the training: the images of these indices, each moved by its own map."""
        images = data.scale(self.part.images[indices])
        if self.recipe.augment is not None:
            images = augment.move(images, matrices, self.recipe.augment.interpolation)
        labels = self.part.labels[indices]
        logits = self.forward(data.normalise(images, *self.recipe.normalisation))
        loss = self.loss_function(logits, labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.total_loss += loss.detach() * len(labels)
        self.correct += (logits.argmax(dim=1) == labels).sum()

    def prepared(self, size, graphs):
        """A function like `step` for batches of this size, which replays a graph."""
        if not graphs:
            return self.step
        indices = torch.arange(size, device=self.device)
        matrices = torch.eye(2, 3, device=self.device).repeat(size, 1, 1)
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a step runs before it is captured
            self.network.train()
            for _ in range(WARM_UP):
                self.step(indices, matrices)
        torch.cuda.current_stream().wait_stream(aside)
        self.optimizer.zero_grad()  # so that the graph has gradients of its own
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.step(indices, matrices)

        def replay(new_indices, new_matrices):
            indices.copy_(new_indices)
            matrices.copy_(new_matrices)
            graph.replay()

        return replay

    def begin(self, seed):
        """New weights, drawn from this seed, and an optimizer that has seen nothing."""
        runtime.seed_everything(seed)
        self.network.load_state_dict(self.build().state_dict())
        for state in self.optimizer.state.values():
            for value in state.values():
                value.zero_()
        self.generator.manual_seed(seed)

    def draw_epoch(self):
        """The order of the images and the map of each, for an epoch: (N,) and (N, 2, 3).

        Drawn at once, and yet the numbers that `data.Batches` draws batch by batch.
        """
        order = torch.arange(len(self.part))
        if self.recipe.shuffle:
            order = torch.randperm(len(self.part), generator=self.generator)
        if self.recipe.augment is None:
            return order, torch.eye(2, 3).expand(len(order), 2, 3)
        return order, self.recipe.augment.matrices(len(order), self.generator)

    def train(self, seed):
        """Train from a seed and validate after each epoch, as `fit` does. Returns a `History`.

        Its `seconds` include the drawing, and leave out validation and the preparation.
        """
        self.begin(seed)
        history = History(images=len(self.part), device=str(self.device))
        for epoch in range(self.recipe.epochs):
            rates = self.rates[epoch * self.steps : (epoch + 1) * self.steps]
            self.network.train()
            synchronise(self.device)
            started = time.perf_counter()
            self.total_loss.zero_()
            self.correct.zero_()
            order, matrices = (one.to(self.device) for one in self.draw_epoch())
            size = self.recipe.batch_size
            for rate, *batch in zip(rates, order.split(size), matrices.split(size), strict=True):
                self.rate.copy_(rate)
                self.replays[len(batch[0])](*batch)
            loss, correct = self.total_loss.item(), self.correct.item()  # waits for the device
            history.seconds.append(time.perf_counter() - started)
            history.train_loss.append(loss / len(self.part))
            history.train_accuracy.append(correct / len(self.part))
            validation_loss, accuracy = evaluate(self.network, self.validation)
            history.validation_loss.append(validation_loss)
            history.validation_accuracy.append(accuracy)
            history.learning_rate.append(self.rates[(epoch + 1) * self.steps].item())
        return history


def learning_rates(recipe, steps):
    """The learning rate of every step by the recipe's own schedule, and the one after the last."""
    optimizer = make_optimizer(nn.Linear(1, 1), recipe)
    schedule, _ = make_schedules(optimizer, recipe, recipe.epochs * steps)
    rates = []
    for _ in range(recipe.epochs * steps):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()  # of nothing, but without it the schedule warns
        schedule.step()
    return [*rates, schedule.get_last_lr()[0]]


def synchronise(device):
    """Wait until a device has done what it was asked for."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
