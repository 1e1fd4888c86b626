"""Feature map explorer: what every layer of a network makes of a digit, and from which pixels."""

import ipywidgets
import torch
from torch import nn

from mnist_course import data, probe
from mnist_course.widgets import pixels
from mnist_course.widgets.controls import rows, same_place, slider
from mnist_course.widgets.explorer import Explorer, ExplorerError
from mnist_course.widgets.panel import ALL, ALL_HEIGHT, GAP, PANEL, WIDTH, Panel
from mnist_course.widgets.picture import Picture, quick_note

EXCHANGED = (
    "The network was rebuilt after this explorer was made, and the sliders don't fit this layer: "
    "run the cell again."
)


def inspector(network):
    """A `probe.Inspector` of a network. Raises ExplorerError when it has no convolution."""
    if not isinstance(network, nn.Module):
        raise ExplorerError(
            f"expected a network (nn.Module), got {type(network).__name__}: the network comes "
            "first, then the digits"
        )
    if not any(isinstance(layer, nn.Conv2d) for layer in network.modules()):
        raise ExplorerError(
            "this network has no convolution (nn.Conv2d), so it has no feature maps to show"
        )
    return probe.Inspector(network)


def network_input(image, normalisation=data.NORMALISATION):
    """Bytes (28, 28) as what a network takes: float32 (1, 1, 28, 28), normalised."""
    digit = torch.from_numpy(pixels.digit_image(image))  # raises for any other size or type
    return data.normalise(digit[None, None], *normalisation)


def feature_map_picture(
    inspectors, image, layer, channel=0, source=0, position=0, label=None,
    normalisation=data.NORMALISATION,
):  # fmt: skip
    """All maps of a layer, one of them enlarged, and what one number of it was computed from.

    inspectors: a dict from name to `probe.Inspector`, one or two; image: bytes (28, 28); layer:
    its name in the network; channel: which map; source: input channel whose kernel is shown;
    position: place in the map, row by row from 0; label: of the image, if known; normalisation:
    mean and deviation by which the network's images were normalised.
    Returns a `Picture`. Raises ExplorerError for whatever is not there, and what `inspect` raises.
    """
    images = network_input(image, normalisation)
    inspections = {name: one.inspect(images) for name, one in inspectors.items()}
    first = next(iter(inspections.values())).outputs
    if layer not in first:
        raise ExplorerError(f"there is no layer {layer!r} with maps; there are {', '.join(first)}")
    for name, inspection in inspections.items():
        outputs = inspection.outputs
        if layer not in outputs or outputs[layer].shape != first[layer].shape:
            raise ExplorerError(
                f"the layer {layer!r} of {name!r} differs from the other network's: two networks "
                "side by side must be built alike"
            )
    channels, height, width = first[layer].shape
    kinds = {name: one.layers[layer] for name, one in inspectors.items()}
    sources = {
        probe.source_channels(kind) for kind in kinds.values() if isinstance(kind, nn.Conv2d)
    }
    if len(sources) > 1:
        raise ExplorerError(
            f"the convolutions {layer!r} have different numbers of input channels: two networks "
            "side by side must be built alike"
        )
    pixels.check_whole("channel", channel, 0, channels - 1)
    pixels.check_whole("input channel", source, 0, max(sources, default=1) - 1)
    pixels.check_whole("position", position, 0, height * width - 1)
    row, column = divmod(position, width)

    alone = len(inspectors) == 1
    sheet = pixels.Sheet(WIDTH, 370 if alone else ALL[1] + ALL_HEIGHT)
    texts = []
    for number, (name, one) in enumerate(inspectors.items()):
        x = 8 + number * (PANEL + GAP)
        panel = Panel(sheet, x, name, one, inspections[name], layer, channel, row, column)
        panel.draw_digit(image, label)
        panel.draw_map(keys=not number)
        panel.draw_probabilities(label)
        panel.draw_work(source)
        place = (x + PANEL + GAP, 46) if alone else (x, ALL[1])
        panel.draw_all(*place, room=310 if alone else ALL_HEIGHT)
        texts.append(panel.text(label, alone))
    kind = _by_name({name: probe.kind_name(kind) for name, kind in kinds.items()})
    fields = {
        name: describe_field(one.receptive_field(layer, row, column))
        for name, one in inspectors.items()
    }
    field = next(iter(fields.values()))
    if len(set(fields.values())) > 1:
        field = " and ".join(f'in "{name}" {text}' for name, text in fields.items())
    where = f"The number at row {row}, column {column} of map {channel} of layer {layer} ({kind})"
    return Picture(sheet, f"{where} {field}. {' '.join(texts)}{quick_note()}")


def _by_name(texts):
    """The texts of each network, by its name; only one of them where both are the same."""
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return "; ".join(f"{name}: {text}" for name, text in texts.items())


def describe_field(field):
    """A receptive field in words."""
    if field is None:
        return "is reached by no pixel of the digit that was found"
    top, bottom, left, right = field
    size = f"{bottom - top + 1} × {right - left + 1}"
    return (
        f"depends on {size} pixels of the digit, from row {top} to {bottom} and from column {left} "
        f"to {right}"
    )


def feature_maps(networks, part, normalisation=data.NORMALISATION):
    """An explorer: any layer of the network you trained, on any digit of `part`.

    networks: a network with at least one `nn.Conv2d`, or a dict from name to network with one or
    two that are built alike, such as {"before": …, "after": …}; part: a `data.Part`;
    normalisation: mean and deviation by which its images were normalised, as in the recipe.
    Nothing of a network changes. Raises ExplorerError when it has no convolution, and
    `probe.InspectionError` when it can't be inspected.
    """
    if not isinstance(networks, dict):
        networks = {"your network": networks}
    if not 1 <= len(networks) <= 2:
        raise ExplorerError(f"expected one network or two side by side, got {len(networks)}")
    inspectors = {str(name): inspector(network) for name, network in networks.items()}
    pixels.check_part(part)
    first = next(iter(inspectors.values()))
    outputs = first.map_shapes()
    kinds = {
        name: [one.layers[name] for one in inspectors.values() if name in one.layers]
        for name in outputs
    }
    options = []
    for name, shape in outputs.items():
        size = " × ".join(str(length) for length in shape)
        names = " and ".join(dict.fromkeys(map(probe.kind_name, kinds[name])))
        options.append((f"{name}: {names}, {size}", name))
    convolutions = [name for name in outputs if isinstance(kinds[name][0], nn.Conv2d)]
    if not convolutions:
        raise ExplorerError("no digit passes through this network's convolutions (nn.Conv2d)")
    start = convolutions[0]
    layer = ipywidgets.Dropdown(
        options=options, value=start, description="Layer", tooltip="Layer whose maps are shown",
        layout={"width": "400px"}, style={"description_width": "96px"},
    )  # fmt: skip
    _, height, width = outputs[start]
    controls = {
        "digit": slider("Digit", 0, 0, len(part) - 1, help="index of the image"),
        "layer": layer,
        "channel": slider("Channel", 0, 0, outputs[start][0] - 1, help="which map of the layer"),
        "source": slider("Input channel", 0, 0, 1, help="whose kernel and patch are shown"),
        "position": slider(
            "Position", height * width // 2 + width // 2, 0, height * width - 1,
            help="place in the map, row by row",
        ),
    }  # fmt: skip
    before = [start]  # the layer of the previous picture

    def adjust():
        channels, height, width = outputs[layer.value]
        position = controls["position"]
        if layer.value != before[0]:  # the same place of the digit, in a map of another size
            place = same_place(position.value, outputs[before[0]][1:], (height, width))
            position.max = max(position.max, place)
            position.value = place
            before[0] = layer.value
        position.max = height * width - 1
        controls["channel"].max = channels - 1
        controls["source"].max = max(map(probe.source_channels, kinds[layer.value])) - 1

    def draw(digit, layer, **settings):
        picture = feature_map_picture(
            inspectors, part.images[digit], layer, label=int(part.labels[digit]),
            normalisation=normalisation, **settings,
        )  # fmt: skip
        same = first.latest.outputs[layer].shape == outputs[layer]
        if same and probe.source_channels(first.layers[layer]) <= controls["source"].max + 1:
            return picture
        return Picture(picture.sheet, f"{picture.text} {EXCHANGED}")

    named = list(controls.values())
    arrangement = rows(named[:2], named[2:])
    ahead = ("digit", "channel", "source", "position")
    return Explorer(draw, controls, "Feature maps", arrangement, adjust, ahead)
