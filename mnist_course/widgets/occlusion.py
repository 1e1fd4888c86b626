"""Two explorers of errors: cover a part of a digit, and name digits blind, against the network.

Both also take other images of ten classes, with the classes' names.
"""

import anywidget
import numpy as np
import torch
import traitlets

from mnist_course import data, probe, web
from mnist_course.widgets import diagram
from mnist_course.widgets.explorer import ExplorerError, torch_defaults
from mnist_course.widgets.network import (
    PageExplorer,
    check_digits,
    network_input,
)
from mnist_course.widgets.still import WithStill

HARDEST = 40  # digits that a contest asks
DIGITS = "0123456789"  # names of the classes where none are given


class OcclusionExplorer(PageExplorer):
    """See `occlusion_explorer`. rivals: for each digit the class other than the label with the
    largest logit; slopes: signed bytes, for each digit 784 of the label's logit and 784 of the
    rival's, the largest of them as 127; classes: their names, none for digits."""

    _esm = web.module("occlusion.js")
    _css = web.styles("theme.css", "network.css", "errors.css")

    rivals = traitlets.List(traitlets.Int()).tag(sync=True)
    slopes = traitlets.Bytes().tag(sync=True)
    classes = traitlets.List(traitlets.Unicode()).tag(sync=True)

    def __init__(self, title, networks, part, normalisation, classes=None):
        self._classes = class_names(classes)  # the still picture is drawn before traits are set
        super().__init__(title, networks, part, normalisation)
        self.classes = self._classes
        [network] = networks.values()
        part = part[: len(self.labels)].to("cpu")
        with torch_defaults():
            twin = probe.Inspector(network).copy()
            images = network_input(part.images, normalisation)
            with torch.no_grad():
                rivals = rivals_of(twin(images), part.labels)
            maps = [probe.saliency(twin, images, of)[:, 0] for of in (part.labels, rivals)]
        self.rivals = rivals.tolist()
        self.slopes = _signed_bytes(torch.stack(maps, dim=1))

    def draw_still(self, title, networks, part, normalisation):
        [network] = networks.values()
        label = int(part.labels[0])
        images = network_input(part.images[:1], normalisation)
        inspector = probe.Inspector(network)
        probabilities = inspector.inspect(images).probabilities
        slopes = probe.saliency(inspector.copy(), images, part.labels[:1])[0, 0]
        image, names = part.images[0], self._classes or DIGITS
        return diagram.occlusion_still(title, image, label, probabilities, slopes, names)


def class_names(classes):
    """Names of ten classes as a list of texts, [] for None. Raises ExplorerError for others."""
    names = [str(name) for name in classes or ()]
    if names and len(set(names)) != 10:
        raise ExplorerError(f"expected ten different names of classes, got {names}")
    return names


def rivals_of(logits, labels):
    """For each row of logits (N, K) the class that is largest when the label is left out: (N,)."""
    others = logits.scatter(1, labels[:, None], -torch.inf)
    return others.argmax(dim=1)


def _signed_bytes(maps):
    """Maps (N, 2, H, W) as bytes from -127 to 127, each with its own scale."""
    limits = maps.abs().amax(dim=(2, 3), keepdim=True).clamp(min=1e-30)
    return (127 * maps / limits).round().to(torch.int8).numpy().tobytes()


def occlusion_explorer(network, part, normalisation=data.NORMALISATION, classes=None):
    """An explorer: drag a patch of paper over a digit, and see what the network says of the rest.

    Beside it stand the probability of the label for each place of the patch, and the saliency: the
    slopes of a logit with respect to the pixels. classes: ten names, where the images are no
    digits. Other arguments and errors as in `network_explorer`.
    """
    networks = {"your network": network}
    return OcclusionExplorer("Cover a part", networks, part, normalisation, classes)


class Contest(WithStill, anywidget.AnyWidget):
    """See `contest`. theirs: the network's answers; answers: those given so far, in the page;
    classes: their names, none for digits."""

    _esm = web.module("contest.js")
    _css = web.styles("theme.css", "network.css", "errors.css")

    title = traitlets.Unicode().tag(sync=True)
    digits = traitlets.Bytes().tag(sync=True)
    labels = traitlets.List(traitlets.Int()).tag(sync=True)
    theirs = traitlets.List(traitlets.Int()).tag(sync=True)
    answers = traitlets.List(traitlets.Int()).tag(sync=True)
    classes = traitlets.List(traitlets.Unicode()).tag(sync=True)


def contest(part, logits, count=HARDEST, seed=0, classes=None):
    """An explorer: name the digits that the network finds hardest, blind, then compare.

    part: a `data.Part`; logits: the network's for it, (N, 10). The `count` images whose label got
    the lowest probability are asked in an order that the seed decides. Nothing is revealed before
    the end. `answers` of what is returned holds what was said, `labels` and `theirs` the labels and
    the network's answers in the same order. classes: ten names, where the images are no digits.
    Raises ExplorerError for anything but digits, and for logits of other images.
    """
    check_digits(part)
    if not torch.is_tensor(logits) or logits.shape != (len(part), 10):
        shape = tuple(logits.shape) if torch.is_tensor(logits) else type(logits).__name__
        raise ExplorerError(
            f"expected logits of the shape ({len(part)}, 10), a row for each digit; got {shape}: "
            "predict(network, part) gives them"
        )
    logits = logits.detach().cpu()
    with torch_defaults():
        places = hardest(logits, part.labels.cpu(), count, seed)
    asked = part[places].to("cpu")
    shown = Contest(
        title="You against the network",
        digits=asked.images.contiguous().numpy().tobytes(),
        labels=asked.labels.tolist(),
        theirs=logits[places].argmax(dim=1).tolist(),
        classes=class_names(classes),
    )
    chosen = len(places) < len(part)  # otherwise all are asked, easy and hard ones
    shown.still = diagram.contest_still(shown.title, asked.images, chosen)
    return shown


def hardest(logits, labels, count, seed=0):
    """Places of the `count` images whose label is least probable, shuffled: (count,)."""
    probability = logits.softmax(dim=1).gather(1, labels[:, None])[:, 0]
    places = probability.argsort(stable=True)[:count]
    order = np.random.default_rng(seed).permutation(len(places))
    return places[torch.from_numpy(order)]
