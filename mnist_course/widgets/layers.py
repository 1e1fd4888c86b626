"""Feature map explorer: what every layer of a network makes of a digit, and from which pixels."""

import copy
from collections import OrderedDict
from dataclasses import dataclass

import ipywidgets
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from mnist_course import data, plots
from mnist_course.widgets import pixels
from mnist_course.widgets.base import (
    Explorer,
    ExplorerError,
    Seen,
    quick_note,
    rows,
    same_place,
    slider,
)

PANEL, GAP = 404, 14  # pixels of the picture for each network, and between them
DIGIT, MAP, BARS = (0, 44), (148, 44), (298, 44)  # places within a panel
KERNEL, ALL = (0, 210), (0, 354)
SIDE = 140  # of the digit and of the enlarged map
ALL_HEIGHT = 178  # room for all maps of a layer
WIDTH = 2 * PANEL + GAP + 16
SCALE = SIDE // 28
REMEMBERED = 16  # digits whose answers are kept
EXCHANGED = (
    "The network was rebuilt after this explorer was made, and the sliders don't fit this layer: "
    "run the cell again."
)
POINTWISE = (  # what they make of a number depends on that number alone
    nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.CELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish,
    nn.Sigmoid, nn.Tanh, nn.Softplus, nn.Hardtanh, nn.Hardsigmoid, nn.Hardswish,
)  # fmt: skip
NORMALISATION = (data.MEAN, data.DEVIATION)
PLAIN = frozenset({bool, int, float, str})
HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


@dataclass(frozen=True)
class Answer:
    """What a network makes of one digit: all arrays float32, on the CPU.

    inputs and outputs: a dict from layer to (C, H, W); probabilities: (classes,).
    """

    inputs: dict
    outputs: dict
    probabilities: np.ndarray


class Look:
    """A view of a network that leaves it alone: everything is computed on a copy.

    The copy is in evaluation mode, on the CPU and in float32, wherever and in whatever mode the
    network is. `answer` makes it anew when a weight or a layer was changed since, so a look after
    more training shows the trained network. Each digit goes through the network once and is
    remembered. normalisation: mean and deviation by which the network's images were normalised.
    """

    def __init__(self, network, normalisation=NORMALISATION):
        if not isinstance(network, nn.Module):
            raise ExplorerError(
                f"expected a network (nn.Module), got {type(network).__name__}: the network comes "
                "first, then the digits"
            )
        self.network = plain(network)
        self.normalisation = normalisation
        self.last = Answer({}, {}, np.empty(0))  # the one given last
        self._twin = self._kinds = self._fields = None
        self._layers: list = []  # of the network, their settings, and its numbers, as copied
        self._settings: list = []
        self._tensors: list = []
        self._answers: OrderedDict = OrderedDict()
        if not any(isinstance(layer, nn.Conv2d) for layer in network.modules()):
            raise ExplorerError(
                "this network has no convolution (nn.Conv2d), so it has no feature maps to show"
            )

    @torch.no_grad()
    def twin(self):
        """The copy; made anew after a change. Raises ExplorerError if there can be none."""
        layers = list(self.network.modules())
        settings = [_settings(layer) for layer in layers]
        tensors = [*self.network.parameters(), *self.network.buffers()]
        # The numbers themselves: torch counts no change that is made through `weight.data`, and
        # such a change leaves the tensor where it is.
        same = layers == self._layers and settings == self._settings
        if same and _equal(tensors, self._tensors):
            return self._twin
        if any(nn.parameter.is_lazy(tensor) for tensor in tensors):
            raise ExplorerError(
                "the network has no weights yet: run it once, on one batch, and look again"
            )
        if any(tensor.is_meta for tensor in tensors):
            raise ExplorerError(
                'the network is on the device "meta", which holds no numbers: move it to the CPU '
                "with to_empty and load its weights"
            )
        for name, tensor in [*self.network.named_parameters(), *self.network.named_buffers()]:
            if not torch.isfinite(tensor).all():
                raise ExplorerError(
                    f"{name} holds values that are no numbers (NaN or infinite). Training has "
                    "diverged: build the network again and train with a smaller learning rate"
                )
        self._twin = copied(self.network).to("cpu", torch.float32).eval()
        if not same:  # other layers, other receptive fields
            self._fields = None
        self._kinds = _shown_layers(self._twin)
        self._answers.clear()
        self._layers, self._settings = layers, settings
        self._tensors = [tensor.detach().clone() for tensor in tensors]
        return self._twin

    @property
    def kinds(self):
        """The layers whose outputs are shown, by name, as they were at the last answer."""
        if self._twin is None:
            self.twin()
        return self._kinds

    def answer(self, image):
        """The `Answer` to bytes (28, 28); the network runs once for each digit."""
        pixels.digit_image(image)  # a sentence for any other size or type
        image = torch.as_tensor(image).cpu()
        twin = self.twin()
        key = image.numpy().tobytes()
        if key not in self._answers:
            self._answers[key] = answered(twin, image, self.normalisation)
            if len(self._answers) > REMEMBERED:
                self._answers.popitem(last=False)
        self.last = self._answers[key]
        return self.last

    def field(self, layer, row, column):
        """The receptive field of a place in a layer: (first row, last row, first column, last).

        In the network as it was at the last answer. None where nothing of the digit reaches it.
        """
        if self._fields is None:
            self._fields = receptive_fields(self.twin() if self._twin is None else self._twin)
        touched = self._fields[layer][:, row, column]
        reached = [np.flatnonzero(part) for part in (touched[:28], touched[28:])]
        if not all(len(lines) for lines in reached):
            return None
        return tuple(int(line) for lines in reached for line in (lines[0], lines[-1]))


def answered(network, image, normalisation=NORMALISATION):
    """The `Answer` of a network on the CPU to bytes (28, 28). Raises ExplorerError without one."""
    images = data.normalise(data.scale(image[None]), *normalisation)
    inputs, outputs, logits = record(network, images, keep=lambda maps: maps[0].numpy().copy())
    if not (torch.is_tensor(logits) and logits.ndim == 2):
        got = f"the shape {tuple(logits.shape)}" if torch.is_tensor(logits) else type(logits)
        raise ExplorerError(
            f"expected logits of the shape (1, classes) and nothing else; the network gave {got}"
        )
    if not torch.isfinite(logits).all():
        raise ExplorerError(
            "the network's answers to this digit are no numbers (NaN or infinite), though its "
            "weights are: look for a division by 0 or the logarithm of 0 in its forward"
        )
    return Answer(inputs, outputs, logits.softmax(dim=1)[0].numpy())


def plain(network):
    """The network that `torch.compile` was given, if it was."""
    return getattr(network, "_orig_mod", network)


def copied(network):
    """A copy of a network, on which none of the student's own hooks run.

    A result of its last pass that it keeps is cut off its graph. Raises ExplorerError where
    the network can't be copied.
    """
    network = plain(network)
    instead: dict = {}  # of what `deepcopy` would copy, by identity
    for layer in network.modules():
        for value in vars(layer).values():
            if torch.is_tensor(value) and not value.is_leaf:
                instead[id(value)] = value.detach().clone()  # `deepcopy` takes none with a graph
        for hooks in (getattr(layer, name) for name in HOOKS):
            # by hooks of its own torch computes a weight that is normed or pruned
            instead[id(hooks)] = OrderedDict(
                (number, copy.copy(hook)) for number, hook in hooks.items()
                if type(hook).__module__.startswith("torch.nn.utils.")
            )  # fmt: skip
    try:
        return copy.deepcopy(network, instead)
    except Exception as error:  # whatever the student keeps in it
        raise ExplorerError(
            "the network can't be copied, and only a copy is looked at: it keeps something besides "
            f"layers, tensors and plain values ({type(error).__name__}: {error})"
        ) from error


def _equal(tensors, others):
    """Whether two lists hold tensors of the same types, devices and numbers."""
    return len(tensors) == len(others) and all(
        one.dtype == other.dtype and one.device == other.device and torch.equal(one, other)
        for one, other in zip(tensors, others, strict=True)
    )


def _settings(layer):
    """What a layer was told when it was made, such as its stride: a dict of plain values."""
    return {
        name: value
        for name, value in vars(layer).items()
        if name[0] != "_"
        and name != "training"
        and (type(value) in PLAIN or (type(value) is tuple and PLAIN.issuperset(map(type, value))))
    }


def _shown_layers(network):
    """The layers whose outputs are shown, by name.

    All but mere containers, layers that change nothing, and what only computes a weight.
    """
    return {
        name: layer
        for name, layer in network.named_modules()
        if layer is not network
        and not isinstance(layer, nn.Sequential | nn.Identity | nn.Dropout)
        and "parametrizations" not in name.split(".")
    }


def kind_name(layer):
    """The name of a layer's class, such as "Conv2d", also where its weight is parametrised."""
    return parametrize.type_before_parametrizations(layer).__name__


@torch.no_grad()
def record(network, images, keep):
    """Run a network once: (inputs, outputs, logits), the first two a dict from layer to maps.

    Only layers that give maps (N, C, H, W); `keep` turns them into what is to be kept. A layer
    that runs twice is shown as it ran first. Raises ExplorerError where the network can't run.
    """
    before: dict = {}
    inputs: dict = {}
    outputs: dict = {}

    def remember(name):
        def hook(layer, given, output):
            if torch.is_tensor(output) and output.ndim == 4 and name not in outputs:
                outputs[name] = keep(output)
                inputs[name] = before.get(name)

        return hook

    def remember_input(name):
        def hook(layer, given, named):
            # kept before the layer runs: one that works in place overwrites its input
            maps = next(iter((*given, *named.values())), None)
            if torch.is_tensor(maps) and maps.ndim == 4 and name not in before:
                before[name] = keep(maps)

        return hook

    handles = []
    for name, layer in _shown_layers(network).items():
        handles.append(layer.register_forward_pre_hook(remember_input(name), with_kwargs=True))
        handles.append(layer.register_forward_hook(remember(name)))
    try:
        logits = network(images)
    except Exception as error:  # whatever the student's own code raises
        shape = tuple(images.shape)
        raise ExplorerError(
            f"the network can't take images of the shape {shape}: {type(error).__name__}: {error}"
        ) from error
    finally:
        for handle in handles:
            handle.remove()
    return inputs, outputs, logits


def receptive_fields(network):
    """Which rows and columns of the image reach each place of each layer.

    A dict from layer to bool (56, H, W): entry r says which places row r reaches, entry 28 + c
    the same for column c. Found by trying: a NaN in a row makes every number that is computed
    from it a NaN; a layer that compares and then puts a constant in its place hides it. Only the
    structure counts, not the weights.
    """
    images = torch.zeros(56, 1, 28, 28)
    for line in range(28):
        images[line, 0, line] = torch.nan
        images[28 + line, 0, :, line] = torch.nan
    # NNPACK, which torch uses where it has no oneDNN, convolves tiles by Fourier or Winograd
    # transforms: there one NaN spoils its whole tile.
    with torch.backends.nnpack.flags(enabled=False):
        _, outputs, _ = record(network, images, keep=lambda maps: maps.isnan().any(dim=1).numpy())
    return outputs


def patch_of(layer, maps, row, column):
    """What a convolution or pooling layer sees for one place: (C, height, width) of its input.

    layer: `nn.Conv2d`, `nn.MaxPool2d` or `nn.AvgPool2d`; maps: its input, (C, H, W). Padding is
    −∞ for a maximum, and NaN for a mean that leaves it out.
    """
    size, stride, dilation = (
        _pair(getattr(layer, name, 1)) for name in ("kernel_size", "stride", "dilation")
    )
    padding = layer.padding
    if isinstance(padding, str):  # "valid" or "same"
        total = [
            d * (k - 1) if padding == "same" else 0 for k, d in zip(size, dilation, strict=True)
        ]
        sides = [(t // 2, t - t // 2) for t in total]
    else:
        sides = [(p, p) for p in _pair(padding)]
    mode = getattr(layer, "padding_mode", "zeros")
    pad = (*sides[1], *sides[0])
    maps = torch.as_tensor(maps)[None]
    if mode != "zeros":
        padded = F.pad(maps, pad, mode=mode)
    elif isinstance(layer, nn.MaxPool2d):
        padded = F.pad(maps, pad, value=-torch.inf)
    else:
        padded = F.pad(maps, pad, value=0 if getattr(layer, "count_include_pad", True) else np.nan)
    top, left = row * stride[0], column * stride[1]
    down = slice(top, top + dilation[0] * (size[0] - 1) + 1, dilation[0])
    right = slice(left, left + dilation[1] * (size[1] - 1) + 1, dilation[1])
    return padded[0, :, down, right].numpy()


def _pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def kernel_of(look, layer, channel, source):
    """The kernel (h, w) by which a convolution's channel looks at its input channel `source`."""
    return look.kinds[layer].weight[channel, source].detach().numpy()


def source_channels(layer):
    """How many input channels one output channel of a layer looks at."""
    return layer.weight.shape[1] if isinstance(layer, nn.Conv2d) else 1


# --- the picture --------------------------------------------------------------------------


def feature_map_picture(looks, image, layer, channel=0, source=0, position=0, label=None):
    """All maps of a layer, one of them enlarged, and what one number of it was computed from.

    looks: a dict from name to `Look`, one or two; image: bytes (28, 28); layer: its name in the
    network; channel: which map; source: input channel whose kernel is shown; position: place in
    the map, row by row from 0; label: the right answer, if known.
    Returns a `Seen`. Raises ExplorerError for whatever is not there.
    """
    answers = {name: look.answer(image) for name, look in looks.items()}
    first = next(iter(answers.values())).outputs
    if layer not in first:
        raise ExplorerError(f"there is no layer {layer!r} with maps; there are {', '.join(first)}")
    for name, answer in answers.items():
        if layer not in answer.outputs or answer.outputs[layer].shape != first[layer].shape:
            raise ExplorerError(
                f"the layer {layer!r} of {name!r} differs from the other network's: two networks "
                "side by side must be built alike"
            )
    channels, height, width = first[layer].shape
    kinds = {name: look.kinds[layer] for name, look in looks.items()}
    sources = {source_channels(kind) for kind in kinds.values() if isinstance(kind, nn.Conv2d)}
    if len(sources) > 1:
        raise ExplorerError(
            f"the convolutions {layer!r} have different numbers of input channels: two networks "
            "side by side must be built alike"
        )
    pixels.check_whole("channel", channel, 0, channels - 1)
    pixels.check_whole("input channel", source, 0, max(sources, default=1) - 1)
    pixels.check_whole("position", position, 0, height * width - 1)
    row, column = divmod(position, width)

    alone = len(looks) == 1
    sheet = pixels.Sheet(WIDTH, 346 if alone else ALL[1] + ALL_HEIGHT)
    texts = []
    for number, (name, look) in enumerate(looks.items()):
        x = 8 + number * (PANEL + GAP)
        panel = _Panel(sheet, x, name, look, answers[name], layer, channel, row, column)
        panel.draw_digit(image, label)
        panel.draw_map()
        panel.draw_probabilities(label)
        panel.draw_work(source)
        place = (x + PANEL + GAP, 44) if alone else (x, ALL[1])
        panel.draw_all(*place, room=280 if alone else ALL_HEIGHT)
        texts.append(panel.text(label))
    kind = _by_name({name: kind_name(kind) for name, kind in kinds.items()})
    field = _by_name({
        name: looks_at(look.field(layer, row, column)) for name, look in looks.items()
    })  # fmt: skip
    where = f"Layer {layer} ({kind}), channel {channel}, row {row}, column {column}"
    return Seen(sheet.pixels, f"{where}: {field}. {' '.join(texts)}{quick_note()}")


def _by_name(texts):
    """What is said of each network, by its name; once where the same is said of both."""
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return "; ".join(f"{name}: {text}" for name, text in texts.items())


def looks_at(field):
    """A receptive field in words."""
    if field is None:
        return "no pixel of the digit is found to reach this place"
    top, bottom, left, right = field
    size = f"{bottom - top + 1} × {right - left + 1}"
    return f"it depends on {size} pixels, rows {top} to {bottom}, columns {left} to {right}"


class _Panel:
    """One network's part of the sheet."""

    def __init__(self, sheet, x, name, look, answer, layer, channel, row, column):
        self.sheet, self.x, self.name, self.look, self.answer = sheet, x, name, look, answer
        self.layer, self.channel, self.row, self.column = layer, channel, row, column
        self.maps = answer.outputs[layer]
        finite = self.maps[np.isfinite(self.maps)]
        self.low = float(finite.min()) if len(finite) else 0.0
        self.high = float(finite.max()) if len(finite) else 0.0
        self.kind = look.kinds[layer]
        self.value = self.maps[channel, row, column]

    def text(self, label):
        guess = int(self.answer.probabilities.argmax())
        known = "" if label is None else f"; the label is {label}"
        return (
            f"{self.name}: value {pixels.number(self.value)}, the network says {guess} with "
            f"{self.answer.probabilities[guess]:.0%}{known}."
        )

    def coloured(self, values, scale):
        """Maps in one scale for the whole layer: signed if it has values below 0, else grey."""
        if self.low < 0:
            return pixels.signed(values, scale, max(-self.low, self.high))
        return pixels.grey(values, scale, self.low, self.high)

    def scale_text(self, scale):
        if self.low < 0:
            limit = pixels.number(max(-self.low, self.high))
            if scale < 2:  # no room for bars
                return f"full colour ±{limit}, purple below 0 (bars: large map)"
            return f"full colour ±{limit}, {'dot' if scale < 4 else 'bar'}: clearly below 0"
        return f"white {pixels.number(self.low)}, black {pixels.number(self.high)}"

    def draw_digit(self, image, label):
        x, y = self.x + DIGIT[0], DIGIT[1]
        self.sheet.text(self.x, 4, self.name, 13, bold=True)
        known = "digit" if label is None else f"digit, label {label} ●"
        self.sheet.text(x, y - 17, known, 11, pixels.SOFT)
        self.sheet.paste(pixels.grey(pixels.digit_image(image), SCALE), x, y)
        field = self.look.field(self.layer, self.row, self.column)
        if field:
            top, bottom, left, right = (SCALE * line for line in field)
            self.sheet.frame(x + left, y + top, right - left + SCALE, bottom - top + SCALE)

    def draw_map(self):
        x, y = self.x + MAP[0], MAP[1]
        height, width = self.maps.shape[1:]
        scale = max(1, SIDE // max(height, width))
        part = "part of " if max(height, width) > SIDE else ""
        title = f"map {self.channel}, {part}{height} × {width}"
        self.sheet.text(x, y - 17, title, 11, pixels.SOFT)
        # of a map that is larger than its room, what lies around the place
        top = max(0, min(self.row - SIDE // 2, height - SIDE))
        left = max(0, min(self.column - SIDE // 2, width - SIDE))
        shown = self.maps[self.channel, top : top + SIDE, left : left + SIDE]
        self.sheet.paste(self.coloured(shown, scale), x, y)
        row, column = self.row - top, self.column - left
        self.sheet.frame(x + column * scale - 2, y + row * scale - 2, scale + 4, scale + 4)

    def draw_probabilities(self, label):
        x, y = self.x + BARS[0], BARS[1]
        self.sheet.text(x, y - 17, "probabilities", 11, pixels.SOFT)
        probabilities = self.answer.probabilities[:10]
        best = int(probabilities.argmax())
        for number, share in enumerate(probabilities):
            top = y + 14 * number
            right = label is not None and number == label
            self.sheet.text(x, top, f"{number}", 11, bold=number == best)
            length = round(46 * float(share))
            colour = plots.BLUE if right or label is None else plots.GREY
            self.sheet.fill(x + 12, top + 2, length, 9, colour)
            mark = " ●" if right else ""
            self.sheet.text(x + 16 + length, top, f"{share:.0%}{mark}", 10, pixels.INK)

    def draw_work(self, source):
        """What the chosen number was computed from: kernel and patch, window, or one number."""
        x, y = self.x + KERNEL[0], KERNEL[1]
        inputs = self.answer.inputs.get(self.layer)
        if isinstance(self.kind, nn.Conv2d):
            self._draw_convolution(inputs, source)
        elif isinstance(self.kind, nn.MaxPool2d | nn.AvgPool2d):
            patch = patch_of(self.kind, inputs, self.row, self.column)[self.channel]
            self.sheet.text(x, y - 17, f"window of input map {self.channel}", 11, pixels.SOFT)
            self._numbers(patch, x, y)
            name = "largest" if isinstance(self.kind, nn.MaxPool2d) else "mean"
            self._line(f"{name}: {pixels.number(self.value)}")
        elif (
            inputs is not None
            and inputs.shape == self.maps.shape
            and not list(self.kind.children())
        ):
            before = inputs[self.channel, self.row, self.column]
            self.sheet.text(x, y, self.how(), 12)
            change = f"{pixels.number(before)} becomes {pixels.number(self.value)}"
            self.sheet.text(x, y + 22, change, 14, bold=True)
        else:
            self.sheet.text(x, y, f"{kind_name(self.kind)}: no kernel to show", 12)
            self.sheet.text(x, y + 22, f"value {pixels.number(self.value)}", 14, bold=True)

    def how(self):
        """How a layer without a window makes one number of another; what is known of it."""
        name = kind_name(self.kind)
        if isinstance(self.kind, POINTWISE):
            return f"{name} works on each number alone:"
        if isinstance(self.kind, nn.BatchNorm2d) and self.kind.running_mean is not None:
            return f"{name} in evaluation mode, on each number alone:"
        return f"{name}, at this place:"

    def _draw_convolution(self, inputs, source):
        kernel = kernel_of(self.look, self.layer, self.channel, source)
        groups, sources = self.kind.groups, self.kind.weight.shape[1]
        first = self.channel // (len(self.maps) // groups) * sources
        patch = patch_of(self.kind, inputs, self.row, self.column)[first + source]
        x, y = self.x + KERNEL[0], KERNEL[1]
        title = f"kernel {self.channel}, input channel {source}"
        self.sheet.text(x, y - 17, title, 11, pixels.SOFT)
        width = self._numbers(kernel, x, y)
        right = max(width, 150) + 22  # the titles need room
        self.sheet.text(x + (width + right) // 2, y + 50, "×", 16, anchor="mm")
        title = f"patch of input channel {first + source}"
        self.sheet.text(x + right, y - 17, title, 11, pixels.SOFT)
        self._numbers(patch, x + right, y)
        part = float((kernel * patch).sum())
        value = pixels.number(self.value)
        if sources == 1 and self.kind.bias is None:
            self._line(f"sum of the products: {value}")
        elif sources == 1:
            bias = pixels.number(self.kind.bias[self.channel].item())
            self._line(f"sum of the products {pixels.number(part)}, with bias {bias}: {value}")
        else:
            bias = "" if self.kind.bias is None else " and bias"
            self._line(f"this input channel {pixels.number(part)}; all {sources}{bias}: {value}")

    def _line(self, text):
        self.sheet.text(self.x, KERNEL[1] + 108, text, 12, bold=True)

    def _numbers(self, values, x, y):
        """A small table with its numbers; a larger one as a map without. Returns its width."""
        rows, columns = values.shape
        if max(rows, columns) > 5:
            scale = max(1, 100 // max(rows, columns))
            self.sheet.paste(pixels.signed(values, scale), x, y)
            return columns * scale
        cell = (min(48, 190 // columns), min(48, 100 // rows))
        self.sheet.numbers(values, x, y, cell, size=10 if columns > 3 else 12)
        return columns * cell[0]

    def draw_all(self, x, y, room):
        """All maps of the layer, as large as fits; the chosen one framed."""
        maps = self.maps[:, :room, :PANEL]  # a larger one shows its upper left corner
        channels, height, width = maps.shape
        for scale in range(8, 0, -1):
            across, down = width * scale + 4, height * scale + 4
            in_row, in_column = PANEL // across, room // down
            if in_row * in_column >= channels:
                break
        shown = min(channels, max(1, in_row * in_column))
        which = f"all {channels} maps" if shown == channels else f"{shown} of {channels} maps"
        if maps.shape != self.maps.shape:
            which += ", upper left corner"
        self.sheet.text(x, y - 17, f"{which}: {self.scale_text(scale)}", 11, pixels.SOFT)
        # all maps in one tall strip: coloured in one call, then cut apart
        strip = self.coloured(maps[:shown].reshape(shown * height, width), scale)
        for number, content in enumerate(np.split(strip, shown)):
            row, column = divmod(number, max(1, in_row))
            left, top = x + column * across, y + row * down
            self.sheet.paste(content, left, top)
            if number == self.channel:
                self.sheet.frame(left - 2, top - 2, width * scale + 4, height * scale + 4)


# --- the controls -------------------------------------------------------------------------


def feature_maps(networks, part, normalisation=NORMALISATION):
    """An explorer: any layer of the network you trained, on any digit of `part`.

    networks: a network with at least one `nn.Conv2d`, or a dict from name to network with one or
    two that are built alike, such as {"before": …, "after": …}; part: a `data.Part`;
    normalisation: mean and deviation by which its images were normalised, as in the recipe.
    Nothing of a network changes. Raises ExplorerError when it has no convolution.
    """
    if not isinstance(networks, dict):
        networks = {"your network": networks}
    if not 1 <= len(networks) <= 2:
        raise ExplorerError(f"expected one network or two side by side, got {len(networks)}")
    looks = {str(name): Look(network, normalisation) for name, network in networks.items()}
    pixels.check_part(part)
    first = next(iter(looks.values()))
    _, outputs, _ = record(first.twin(), torch.zeros(1, 1, 28, 28), keep=lambda maps: maps[0].shape)
    kinds = {
        name: [look.kinds[name] for look in looks.values() if name in look.kinds]
        for name in outputs
    }
    options = []
    for name, shape in outputs.items():
        size = " × ".join(str(length) for length in shape)
        names = " and ".join(dict.fromkeys(map(kind_name, kinds[name])))
        options.append((f"{name}: {names}, {size}", name))
    convolutions = [name for name in outputs if isinstance(kinds[name][0], nn.Conv2d)]
    if not convolutions:
        raise ExplorerError("no digit passes through this network's convolutions (nn.Conv2d)")
    start = convolutions[0]
    layer = ipywidgets.Dropdown(
        options=options, value=start, description="Layer", tooltip="Layer whose maps are shown",
        layout={"width": "360px"}, style={"description_width": "initial"},
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
    before = [start]  # the layer of the picture before

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
        controls["source"].max = max(map(source_channels, kinds[layer.value])) - 1

    def draw(digit, layer, **settings):
        seen = feature_map_picture(
            looks, part.images[digit], layer, label=int(part.labels[digit]), **settings
        )
        same = first.last.outputs[layer].shape == outputs[layer]
        if same and source_channels(first.kinds[layer]) <= controls["source"].max + 1:
            return seen
        return Seen(seen.picture, f"{seen.text} {EXCHANGED}")

    named = list(controls.values())
    arrangement = rows(named[:2], named[2:])
    ahead = ("digit", "channel", "source", "position")
    return Explorer(draw, controls, "Feature maps", arrangement, adjust, ahead)
