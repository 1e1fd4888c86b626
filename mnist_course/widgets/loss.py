"""Why is my loss 2.303? LeNet's first steps; the controls decide whether it learns."""

import asyncio
import itertools
import math
import time
from dataclasses import dataclass, field

import torch
from torch import nn

from mnist_course import data, models, runtime
from mnist_course.widgets import charts, pixels
from mnist_course.widgets.controls import dropdown, rows, slider
from mnist_course.widgets.explorer import Explorer, ExplorerError, torch_defaults
from mnist_course.widgets.picture import Picture

ACTIVATIONS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "ReLU": nn.ReLU}
INITIALISATIONS = ("Xavier", "torch's own", "tiny, 0.01", "huge, 1")
LEARNING_RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.9, 3.0, 10.0)
DEPTHS = (1, 6)  # hidden fully connected layers; LeNet-5 has two
STEPS, QUICK_STEPS = 200, 40
BATCH_SIZE = 32
WIDTH, HEIGHT = 820, 300
SLICE = 0.03  # seconds of training before the kernel reads what the student does
PAUSE = 0.15  # seconds between two pictures


@dataclass
class Trace:
    """What happened in the first steps; one row a step.

    losses: means over the batch; gradients: for each layer with weights, the root mean square
    of its weights' gradient; saturated: for each activation, the share (0..1) of its outputs
    where its slope is below a tenth of its largest.
    """

    losses: list[float] = field(default_factory=list)
    gradients: list[list[float]] = field(default_factory=list)
    saturated: list[list[float]] = field(default_factory=list)


def lenet(activation, initialisation, depth):
    """LeNet-5 with `depth` hidden fully connected layers in place of two.

    With ("sigmoid", "Xavier", 2) it is `models.lenet5()`. Raises ExplorerError for a setting
    that is not there.
    """
    pixels.check_whole("depth", depth, *DEPTHS)
    if activation not in ACTIVATIONS:
        raise ExplorerError(f"no activation {activation!r}; there are {', '.join(ACTIVATIONS)}")
    bend = ACTIVATIONS[activation]
    network = nn.Sequential(
        nn.Conv2d(1, 6, kernel_size=5, padding=2), bend(), nn.AvgPool2d(2),  # N, 6, 14, 14
        nn.Conv2d(6, 16, kernel_size=5), bend(), nn.AvgPool2d(2),            # N, 16, 5, 5
        nn.Flatten(),                                                        # N, 400
    )  # fmt: skip
    sizes = [400, 120, *[84] * (depth - 1)]
    for inputs, outputs in itertools.pairwise(sizes):
        network.extend([nn.Linear(inputs, outputs), bend()])
    network.append(nn.Linear(sizes[-1], 10))
    if initialisation == "Xavier":
        return models.initialise_xavier(network)
    if initialisation == "torch's own":
        return network
    if initialisation not in INITIALISATIONS:
        known = ", ".join(INITIALISATIONS)
        raise ExplorerError(f"no initialisation {initialisation!r}; there are {known}")
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.normal_(layer.weight, std=float(initialisation.split()[1]))
    return network


def share_saturated(layer, outputs):
    """The share (0..1) of an activation's outputs where its slope is below a tenth of its best.

    A sigmoid's slope is y(1 − y), a tanh's 1 − y², ReLU's 0 where y is 0.
    """
    if isinstance(layer, nn.Sigmoid):
        flat = outputs * (1 - outputs) < 0.025
    elif isinstance(layer, nn.Tanh):
        flat = 1 - outputs * outputs < 0.1
    else:
        flat = outputs <= 0
    return flat.float().mean().item()


def root_mean_square(values):
    """The typical size of the numbers of a tensor, a float."""
    return values.square().mean().sqrt().item()


def training_steps(part, activation, initialisation, learning_rate, depth, steps=STEPS):
    """Train a `lenet` by stochastic gradient descent; yields its growing `Trace` after each step.

    part: a `data.Part`. The random streams of the notebook are left as they are. Ends early
    when the loss is not finite. Raises ExplorerError for settings that can't work.
    """
    if not (isinstance(learning_rate, int | float) and 0 < learning_rate < math.inf):
        raise ExplorerError(f"the learning rate must be a number above 0, got {learning_rate}")
    pixels.check_whole("steps", steps, 1, 10**6)
    pixels.check_part(part)
    pixels.digit_image(part.images[0])
    with torch.random.fork_rng(devices=[]), torch_defaults():
        torch.default_generator.manual_seed(0)  # torch.manual_seed would seed GPUs as well
        network = lenet(activation, initialisation, depth)
    layers = [layer for layer in network if isinstance(layer, nn.Linear | nn.Conv2d)]
    optimizer = torch.optim.SGD(network.parameters(), learning_rate)
    batches = data.Batches(part.to("cpu"), BATCH_SIZE, shuffle=True)
    trace = Trace()
    endless = itertools.chain.from_iterable(itertools.repeat(batches))
    for _ in range(steps):
        with torch_defaults():
            images, labels = next(endless)
        logits, flat = images, []
        for layer in network:
            logits = layer(logits)
            if isinstance(layer, tuple(ACTIVATIONS.values())):
                flat.append(share_saturated(layer, logits.detach()))
        loss = nn.functional.cross_entropy(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        trace.losses.append(loss.item())
        trace.gradients.append([root_mean_square(layer.weight.grad) for layer in layers])
        trace.saturated.append(flat)
        yield trace
        if not math.isfinite(trace.losses[-1]):
            return
        optimizer.step()


def layer_names(depth):
    """Names of the layers with weights, first to last."""
    return ["conv 1", "conv 2", *(f"hidden {number}" for number in range(1, depth + 1)), "last"]


DASHES = ((), (6, 3), (2, 3), (8, 3, 2, 3))


def loss_picture(trace, depth, steps=STEPS):
    """Loss, gradients and saturation of a `Trace` over the steps, as a `Picture`.

    depth: as in `lenet`; steps: where the axes end. A loss above 4 leaves the picture.
    """
    sheet = pixels.Sheet(WIDTH, HEIGHT)
    done = range(1, len(trace.losses) + 1)
    spans = ((0, 4), (1e-8, 10), (0, 1))
    loss, gradient, saturation = (
        charts.Axes(sheet, 46 + 276 * column, 40, 212, 180, (0, steps), span, log=column == 1)
        for column, span in enumerate(spans)
    )
    loss.frame("loss", "step")
    gradient.frame("size of gradient", "step")
    saturation.frame("saturated units", "step", share=True)
    loss.level(math.log(10), pixels.RED)
    x, y = loss.place(steps, math.log(10))
    sheet.text(x, y + 3, "ln 10 = 2.303", 10, pixels.RED, "ra")
    loss.line(done, trace.losses, pixels.MARK)
    names = layer_names(depth)
    styles = {name: (f"layer-{i}", DASHES[i % 4]) for i, name in enumerate(layer_names(DEPTHS[1]))}
    for axes, shown, values in (
        (gradient, names, trace.gradients), (saturation, names[:-1], trace.saturated)
    ):  # fmt: skip
        for name, of_a_layer in zip(shown, zip(*values, strict=True), strict=False):
            colour, dash = styles[name]
            axes.line(done, of_a_layer, colour, dash)
    charts.legend(sheet, 46, HEIGHT - 24, [(name, *styles[name]) for name in names])
    charts.mark_quick(sheet)
    return Picture(sheet, _describe(trace, steps))


def _describe(trace, steps):
    latest = trace.losses[-10:]
    loss = sum(latest) / len(latest)
    first, last = trace.gradients[-1][0], trace.gradients[-1][-1]
    step = f"Step {len(trace.losses)} of {steps}:"
    if not math.isfinite(loss):
        return (
            f"{step} the loss is {trace.losses[-1]}, because the steps were too long or the first "
            "weights too large."
        )
    if abs(loss - math.log(10)) < 0.05:
        verdict = "still at ln 10, so the network does not tell the digits apart yet"
    elif loss < math.log(10):
        verdict = "below ln 10, so the network learns"
    else:
        verdict = "above ln 10, which is worse than giving every digit the same probability"
    return (
        f"{step} the loss is {loss:.3f}, {verdict}. The gradient's typical size is {first:.1e} "
        f"in the first layer and {last:.1e} in the last, and {trace.saturated[-1][0]:.0%} of the "
        f"first activation's units are saturated, of the last {trace.saturated[-1][-1]:.0%}."
    )


class _Live(Explorer):
    """An explorer that trains when a control moves, in short slices of the kernel's own loop.

    A callback runs on the kernel's main thread, so that a training inside it would hold up
    everything else. Therefore a task trains for `SLICE` seconds, shows what there is, and lets
    the next message in. The next change ends it and starts another.
    """

    task = None

    def watched(self):
        """None: a picture belongs to a moment of a training, not to the controls' values alone."""
        return []

    def __init__(self, steps_of, picture_of, controls, title, arrangement):
        self.steps_of, self.picture_of = steps_of, picture_of

        def draw(**settings):
            *_, trace = steps_of(**settings)
            return picture_of(trace, **settings)

        super().__init__(draw, controls, title, arrangement)

    def refresh(self):
        """Start again with the present settings; outside a notebook, run to the end at once."""
        if self.task is not None:
            self.task.cancel()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            super().refresh()
        else:
            self.task = loop.create_task(self._train(self.settings))

    async def _train(self, settings):
        try:
            shown, trace, begun = 0.0, None, time.monotonic()
            for trace in self.steps_of(**settings):
                now = time.monotonic()
                if len(trace.losses) == 2 or (len(trace.losses) > 2 and now - shown > PAUSE):
                    self.show(self.picture_of(trace, **settings))
                    shown = begun = time.monotonic()
                    await asyncio.sleep(0.001)
                elif now - begun > SLICE:
                    await asyncio.sleep(0.001)
                    begun = time.monotonic()
            self.show(self.picture_of(trace, **settings))
        except Exception as error:
            self._tell(error)


def loss_explorer(part, steps=None):
    """An explorer: a LeNet's first 200 steps, trained anew whenever a control moves.

    part: a `data.Part` to train on; steps: 200, or fewer in quick mode.
    """
    if steps is None:
        steps = QUICK_STEPS if runtime.quick() else STEPS
    activation = dropdown("Activation", ACTIVATIONS, help="between the layers")
    initialisation = dropdown("First weights", INITIALISATIONS, help="how they are drawn")
    rates = [(f"{rate:g}", rate) for rate in LEARNING_RATES]
    rate = dropdown("Learning rate", rates, 0.9, help="the length of a step")
    depth = slider("Depth", 2, *DEPTHS, help="hidden fully connected layers")

    def steps_of(activation, initialisation, learning_rate, depth):
        return training_steps(part, activation, initialisation, learning_rate, depth, steps)

    def picture_of(trace, depth, **_):
        return loss_picture(trace, depth, steps)

    controls = {
        "activation": activation, "initialisation": initialisation, "learning_rate": rate,
        "depth": depth,
    }  # fmt: skip
    arrangement = rows((activation, initialisation), (rate, depth))
    return _Live(steps_of, picture_of, controls, "Why is my loss 2.303?", arrangement)
