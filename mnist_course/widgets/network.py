"""A network to look into, and digits to shift, both computed in the page: no kernel is asked.

The networks go to the page once, as they are when the explorer is made (`export.describe`), and
the page runs them (`web/forward.js`). So every move of the digit shows at once, also while a cell
runs. After more training, run the cell again.
"""

import anywidget
import torch
import traitlets
from torch import nn

from mnist_course import augment, data, export, probe, web
from mnist_course.widgets import diagram
from mnist_course.widgets.explorer import ExplorerError, torch_defaults
from mnist_course.widgets.pixels import check_part
from mnist_course.widgets.still import WithStill

DIGITS = 200  # that are sent to the page, 784 bytes each
MOST_WORK = 20_000_000  # multiply-accumulates a digit; the page has a few milliseconds


class PageExplorer(WithStill, anywidget.AnyWidget):
    """What an explorer that computes in the page sends there: everything once.

    names, descriptions, weights: of the networks; digits: bytes, 784 a digit; labels: of them.
    """

    title = traitlets.Unicode().tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    descriptions = traitlets.List(traitlets.Dict()).tag(sync=True)
    weights = traitlets.List(traitlets.Bytes()).tag(sync=True)
    digits = traitlets.Bytes().tag(sync=True)
    labels = traitlets.List(traitlets.Int()).tag(sync=True)

    def __init__(self, title, networks, part, normalisation):
        check_digits(part)
        part = part[:DIGITS].to("cpu")
        with torch_defaults():
            sent = [described(one, normalisation) for one in networks.values()]
            self.still = self.draw_still(title, networks, part, normalisation)
        super().__init__(
            title=title,
            names=list(networks),
            descriptions=[description for description, _ in sent],
            weights=[weights for _, weights in sent],
            digits=part.images.contiguous().numpy().tobytes(),
            labels=part.labels.tolist(),
        )

    def draw_still(self, title, networks, part, normalisation):
        """The mimebundle of the still picture of the first digit."""
        raise NotImplementedError


class NetworkExplorer(PageExplorer):
    """See `network_explorer`."""

    _esm = web.module("network.js")
    _css = web.styles("theme.css", "network.css")

    def draw_still(self, title, networks, part, normalisation):
        [network] = networks.values()
        image = network_input(part.images[:1], normalisation)
        inspection = probe.Inspector(network).inspect(image)
        return diagram.network_still(title, part.images[0], int(part.labels[0]), inspection)


class ShiftExplorer(PageExplorer):
    """See `shift_explorer`."""

    _esm = web.module("shift.js")
    _css = web.styles("theme.css", "network.css")

    def draw_still(self, title, networks, part, normalisation):
        image = augment.shift(part.images[0], diagram.SHIFT, 0)
        inputs = network_input(image[None], normalisation)
        probabilities = {
            name: probe.Inspector(one).inspect(inputs).probabilities
            for name, one in networks.items()
        }
        return diagram.shift_still(title, image, int(part.labels[0]), probabilities)


def network_input(images, normalisation):
    """Bytes (N, 28, 28) as what a network takes: float32 (N, 1, 28, 28), normalised."""
    return data.normalise(data.scale(images), *normalisation)


def check_digits(part):
    """Raise ExplorerError unless this is a `Part` of images that are bytes (N, 28, 28)."""
    check_part(part)
    images = part.images
    if not torch.is_tensor(images) or images.dtype != torch.uint8 or images.shape[1:] != (28, 28):
        kind = f"{images.dtype}, {tuple(images.shape)}" if torch.is_tensor(images) else type(images)
        raise ExplorerError(
            "expected images as bytes (torch.uint8) of the shape (N, 28, 28), such as those of "
            f"digits.validation; got {kind}"
        )


def described(network, normalisation):
    """A network's description and weights. Raises what `export.describe` does, and ExplorerError
    where the page would be too slow for it."""
    if not isinstance(network, nn.Module):
        raise ExplorerError(
            f"expected a network (nn.Module), got {type(network).__name__}: the network comes "
            "first, then the digits"
        )
    description, weights = export.describe(network, normalisation=normalisation)
    classes = description["nodes"][-1]["shape"]
    if classes != [10]:
        raise ExplorerError(f"expected logits of ten classes, the network gives {classes[0]}")
    work = description["multiply_accumulates"]
    if work > MOST_WORK:
        raise ExplorerError(
            f"this network needs {work / 1e6:.0f} million multiply-accumulates a digit, and the "
            f"page computes at most {MOST_WORK // 10**6} million at each move: take a smaller one"
        )
    return description, weights


def network_explorer(network, part, normalisation=data.NORMALISATION):
    """An explorer: the network as a diagram of its own maps, down to the sum behind one number.

    network: one that `export.describe` can describe, such as each of `models` but the one that
    votes; part: a `data.Part`, whose first 200 digits are sent to the page; normalisation: mean
    and deviation by which the network's images were normalised, as in the recipe.
    The network is shown as it is now; after more training, make the explorer again.
    Raises ExplorerError, `export.DescriptionError` or `probe.InspectionError`, whose messages say
    what can't be shown and why.
    """
    if any(node["kind"] == "mean" for node in described(network, normalisation)[0]["nodes"]):
        raise ExplorerError(
            "these are several networks that vote, and the diagram shows one: give it one of them, "
            "such as network.networks[0]"
        )
    return NetworkExplorer("Look into a network", {"your network": network}, part, normalisation)


def shift_explorer(networks, part, normalisation=data.NORMALISATION):
    """An explorer: move a digit by a few pixels and see what each network says of it.

    networks: a dict from name to network, one to three, such as {"LeNet-5": …, "fully connected":
    …}; part and normalisation as in `network_explorer`. Raises what `network_explorer` raises.
    """
    if not isinstance(networks, dict):
        networks = {"your network": networks}
    if not 1 <= len(networks) <= 3:
        raise ExplorerError(f"expected one to three networks, got {len(networks)}")
    networks = {str(name): network for name, network in networks.items()}
    return ShiftExplorer("Shift a digit", networks, part, normalisation)
