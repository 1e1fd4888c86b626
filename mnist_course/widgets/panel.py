"""One network's part of the feature map explorer's picture."""

import numpy as np
from torch import nn

from mnist_course import probe
from mnist_course.widgets import pixels

PANEL, GAP = 396, 20  # pixels of the picture for each network, and between them
DIGIT, MAP, BARS = (0, 46), (150, 46), (300, 46)  # places within a panel
KERNEL, ALL = (0, 238), (0, 388)
SIDE = 140  # of the digit and of the enlarged map
ALL_HEIGHT = 178  # room for all maps of a layer
WIDTH = 2 * PANEL + GAP + 8
SCALE = SIDE // 28
POINTWISE = (  # each output depends on one input alone
    nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.CELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish,
    nn.Sigmoid, nn.Tanh, nn.Softplus, nn.Hardtanh, nn.Hardsigmoid, nn.Hardswish,
)  # fmt: skip


class Panel:
    """One network's part of the sheet: digit, chosen map, probabilities, arithmetic, all maps."""

    def __init__(self, sheet, x, name, inspector, inspection, layer, channel, row, column):
        self.sheet, self.x, self.name = sheet, x, name
        self.inspector, self.inspection = inspector, inspection
        self.layer, self.channel, self.row, self.column = layer, channel, row, column
        self.maps = inspection.outputs[layer]
        finite = self.maps[np.isfinite(self.maps)]
        self.low = float(finite.min()) if len(finite) else 0.0
        self.high = float(finite.max()) if len(finite) else 0.0
        self.kind = inspector.layers[layer]
        self.value = self.maps[channel, row, column]

    def text(self, label, alone):
        """What the number is and what the network says, in a sentence or two."""
        guess = int(self.inspection.probabilities.argmax())
        share = f"{self.inspection.probabilities[guess]:.0%}"
        value = pixels.number(self.value)
        text = f"It is {value}. The" if alone else f'In "{self.name}" it is {value}, and that'
        text = f"{text} network says {guess} with {share}"
        if label is None:
            return f"{text}."
        return (
            f"{text}, which is right." if guess == label else f"{text}, but the label is {label}."
        )

    def coloured(self, values, scale):
        """Maps in one scale for the whole layer: signed if it has values below 0, else grey."""
        if self.low < 0:
            return pixels.signed(values, scale, max(-self.low, self.high))
        return pixels.grey(values, scale, self.low, self.high)

    def draw_digit(self, image, label):
        x, y = self.x + DIGIT[0], DIGIT[1]
        self.sheet.text(self.x, 4, self.name, 14, bold=True)
        known = "digit" if label is None else f"digit, label {label} ●"
        self.sheet.text(x, y - 17, known, 11, pixels.SOFT)
        self.sheet.paste(pixels.grey(pixels.digit_image(image), SCALE), x, y)
        field = self.inspector.receptive_field(self.layer, self.row, self.column)
        if field:
            top, bottom, left, right = (SCALE * line for line in field)
            self.sheet.frame(x + left, y + top, right - left + SCALE, bottom - top + SCALE)

    def draw_map(self, keys):
        """The chosen map, enlarged; keys: whether its places can be chosen by keyboard."""
        x, y = self.x + MAP[0], MAP[1]
        height, width = self.maps.shape[1:]
        scale = max(1, SIDE // max(height, width))
        part = "part of " if max(height, width) > SIDE else ""
        title = f"map {self.channel}, {part}{height} × {width}"
        self.sheet.text(x, y - 17, title, 11, pixels.SOFT)
        # a map that is larger than its room shows what lies around the place
        top = max(0, min(self.row - SIDE // 2, height - SIDE))
        left = max(0, min(self.column - SIDE // 2, width - SIDE))
        shown = self.maps[self.channel, top : top + SIDE, left : left + SIDE]
        self.sheet.paste(self.coloured(shown, scale), x, y)
        row, column = self.row - top, self.column - left
        self.sheet.frame(x + column * scale - 2, y + row * scale - 2, scale + 4, scale + 4)
        self.sheet.point(
            x, y, *shown.shape, (scale, scale), "position", "Place in the map",
            start=top * width + left, step=width, hover=not part, keys=keys,
        )  # fmt: skip
        limit = max(-self.low, self.high)
        low = None if self.low < 0 else self.low
        self.sheet.legend(x, y + SIDE + 8, limit if self.low < 0 else self.high, SIDE, low)

    def draw_probabilities(self, label):
        x, y = self.x + BARS[0], BARS[1]
        self.sheet.text(x, y - 17, "probabilities", 11, pixels.SOFT)
        probabilities = self.inspection.probabilities[:10]
        best = int(probabilities.argmax())
        for number, share in enumerate(probabilities):
            top = y + 14 * number
            right = label is not None and number == label
            self.sheet.text(x, top, f"{number}", 11, bold=number == best)
            length = round(36 * float(share))
            colour = pixels.MARK if right or label is None else pixels.SOFT
            self.sheet.fill(x + 12, top + 2, length, 9, colour)
            mark = " ●" if right else ""
            self.sheet.text(x + 16 + length, top, f"{share:.0%}{mark}", 10, pixels.INK)

    def draw_work(self, source):
        """What the chosen number was computed from: kernel and patch, window, or one number."""
        x, y = self.x + KERNEL[0], KERNEL[1]
        inputs = self.inspection.inputs.get(self.layer)
        if isinstance(self.kind, nn.Conv2d):
            self._draw_convolution(inputs, source)
        elif isinstance(self.kind, nn.MaxPool2d | nn.AvgPool2d):
            patch = probe.patch(self.kind, inputs, self.row, self.column)[self.channel]
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
            self.sheet.text(x, y, f"{probe.kind_name(self.kind)}: no kernel to show", 12)
            self.sheet.text(x, y + 22, f"value {pixels.number(self.value)}", 14, bold=True)

    def how(self):
        """How a layer without a window makes one number of another, as far as that is known."""
        name = probe.kind_name(self.kind)
        if isinstance(self.kind, POINTWISE):
            return f"{name} works on each number alone:"
        if isinstance(self.kind, nn.BatchNorm2d) and self.kind.running_mean is not None:
            return f"{name} in evaluation mode, on each number alone:"
        return f"{name}, at this place:"

    def _draw_convolution(self, inputs, source):
        kernel = self.inspector.kernel(self.layer, self.channel, source)
        groups, sources = self.kind.groups, self.kind.weight.shape[1]
        first = self.channel // (len(self.maps) // groups) * sources
        patch = probe.patch(self.kind, inputs, self.row, self.column)[first + source]
        x, y = self.x + KERNEL[0], KERNEL[1]
        title = f"kernel {self.channel}, input channel {source}"
        self.sheet.text(x, y - 17, title, 11, pixels.SOFT)
        width = self._numbers(kernel, x, y)
        right = max(width, 150) + 22  # the titles need room
        self.sheet.text(x + (width + right) // 2, y + 50, "×", 16, pixels.SOFT, anchor="mm")
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
        cell = (min(48, 185 // columns), min(48, 100 // rows))
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
        self.sheet.text(x, y - 17, f"{which}: click one", 11, pixels.SOFT)
        for number, values in enumerate(maps[:shown]):
            row, column = divmod(number, max(1, in_row))
            left, top = x + column * across, y + row * down
            self.sheet.paste(self.coloured(values, scale), left, top)
            if number == self.channel:
                self.sheet.frame(left - 2, top - 2, width * scale + 4, height * scale + 4)
        in_row = max(1, min(in_row, shown))
        self.sheet.point(
            x - 2, y - 2, -(-shown // in_row), in_row, (across, down), "channel", "Map",
            hover=False, keys=False,
        )  # fmt: skip
