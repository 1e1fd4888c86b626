"""Plain data that stands for any value, so that nobody has to trust the value itself.

An answer may return anything: a number, a tensor, or an object whose `__eq__` says that it equals
everything. `plain` turns it into data of a few closed kinds: None, bool, int, float, str, bytes,
list, tuple, dict, and the three classes below. It runs no method of the value, so a hostile object
can do nothing to whoever compares or shows the result. `encoded` and `decoded` carry such data
through JSON.
"""

import math
import sys
from dataclasses import dataclass
from typing import Any

import numpy
import torch

LARGEST = sys.float_info.max  # a whole number above it has no float
NUMBERS = 100_000  # a tensor with more is described by its form alone; a case has some hundred
PARTS = 10_000  # the same for the parts of lists, tuples and dicts, inner ones included
DEPTH = 20  # lists inside of lists
TEXT = 100_000  # characters and bytes


@dataclass(frozen=True)
class Tensor:
    """What is known of a plain tensor."""

    shape: tuple[int, ...]
    dtype: str  # "float32"
    numbers: tuple | None  # row by row; None where they can't be read
    device: str = "cpu"
    requires_grad: bool = False
    gradient: "Tensor | None" = None


@dataclass(frozen=True)
class Network:
    """What is known of an `nn.Module`: the class's name, and its parameters and buffers by name."""

    name: str
    state: tuple[tuple[str, Tensor], ...]


@dataclass(frozen=True)
class Thing:
    """Anything else: what kind of thing it is, one of KINDS, and a name for a sentence."""

    kind: str
    name: str


KINDS = ("object", "huge", "numpy array", "numpy number", "parameter", "other tensor")

# The real ones: an instance or a metaclass may carry attributes that hide them.
class_name = type.__dict__["__name__"].__get__
bases = type.__dict__["__mro__"].__get__
_grad = torch.Tensor.grad.__get__  # type: ignore[attr-defined]


def module_name(kind):
    """The name of the module in which a class was made."""
    found = type.__dict__["__dict__"].__get__(kind).get("__module__")
    return found if type(found) is str else "builtins"


def plain(value, networks=False):
    """Plain data that stands for `value`. networks: look into an `nn.Module`, too.

    Only an argument that the course made itself may be looked into, since that calls its methods.
    """
    return _Reader(networks).read(value, DEPTH)


class _Reader:
    """Counts what it has read, so that a value of any size ends."""

    def __init__(self, networks):
        self.networks = networks
        self.left = PARTS

    def read(self, value, depth):
        kind = type(value)  # what `isinstance` asks, `__class__`, may lie
        if value is None or kind in (bool, float):
            return value
        if kind is int:
            return value if abs(value) <= LARGEST else _huge_int(value)
        if kind is numpy.float64:  # a kind of float, which is what numpy's mean gives
            return float(value)
        if kind in (str, bytes):
            return value if len(value) <= TEXT else _huge(value)
        if kind in (list, dict) or issubclass(kind, tuple):
            return self._parts(value, kind, depth)
        if kind is torch.Tensor:
            return _tensor(value)
        if self.networks and issubclass(kind, torch.nn.Module):
            return _network(value)
        return _thing(value)

    def _parts(self, value, kind, depth):
        base = tuple if issubclass(kind, tuple) else kind  # a named tuple is a tuple
        count = base.__len__(value)
        self.left -= count
        if self.left < 0 or depth == 0:
            return Thing("huge", f"a {base.__name__} of {count} parts")
        if base is dict:
            return {
                self.read(key, 0): self.read(part, depth - 1) for key, part in dict.items(value)
            }
        return base([self.read(part, depth - 1) for part in base.__iter__(value)])


def _huge(value):
    return Thing("huge", f"{'a text' if type(value) is str else 'bytes'} of length {len(value):,}")


def _huge_int(value):
    return Thing("huge", f"a whole number of {value.bit_length()} bits")


def _thing(value):
    kind = type(value)
    name = class_name(kind)[:60] or "nameless"
    if kind is torch.nn.Parameter:
        return Thing("parameter", "a parameter of a network")
    if issubclass(kind, torch.Tensor):
        return Thing("other tensor", f"a tensor of the class {name}")
    if kind is numpy.ndarray:
        return Thing("numpy array", "a numpy array")
    if issubclass(kind, numpy.generic):
        return Thing("numpy number", f"a number of numpy ({name})")
    return Thing("object", f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}")


def _tensor(tensor):
    """A tensor's data; a `Thing` for one without a plain table of numbers (sparse, nested, …)."""
    own = torch.Tensor  # an instance may carry functions of its own under any name
    try:
        if own.is_quantized.__get__(tensor) or own.is_nested.__get__(tensor):
            return Thing("other tensor", "a quantized or nested tensor")
        if tensor.layout != torch.strided:
            return Thing("other tensor", f"a tensor of the layout {tensor.layout}")
        shape, dtype = tuple(own.size(tensor)), str(tensor.dtype).removeprefix("torch.")
        device, read = str(tensor.device), None
        complex_ = own.is_complex(tensor)
        if math.prod(shape) <= NUMBERS and tensor.device.type != "meta" and not complex_:
            read = tuple(own.reshape(own.detach(tensor), (-1,)).tolist())
        gradient = _grad(tensor) if tensor.is_leaf else None
        return Tensor(
            shape, dtype, read, device, bool(tensor.requires_grad),
            None if gradient is None else _tensor(gradient),
        )  # fmt: skip
    except Exception:  # a kind of tensor that has no list of numbers
        return Thing("other tensor", "a tensor whose numbers can't be read")


def _network(network):
    state = torch.nn.Module.state_dict(network, keep_vars=True)
    return Network(
        class_name(type(network)),
        tuple((name, _tensor(value)) for name, value in state.items()),
    )


# --- through JSON -------------------------------------------------------------------------


def encoded(value) -> Any:
    """Plain data as JSON holds it. What has no kind of its own there becomes {kind: …}."""
    if type(value) is list:
        return [encoded(part) for part in value]
    if type(value) is tuple:
        return {"tuple": [encoded(part) for part in value]}
    if type(value) is dict:
        return {"dict": [[encoded(key), encoded(part)] for key, part in value.items()]}
    if type(value) is bytes:
        return {"bytes": value.hex()}
    if type(value) is Tensor:
        table = {"shape": value.shape, "dtype": value.dtype, "numbers": value.numbers}
        extra = {"device": value.device, "requires_grad": value.requires_grad}
        return {"tensor": {**table, **extra, "gradient": encoded(value.gradient)}}
    if type(value) is Network:
        return {"network": [value.name, [[name, encoded(one)] for name, one in value.state]]}
    if type(value) is Thing:
        return {"thing": [value.kind, value.name]}
    return value


def decoded(data):
    """Plain data from its JSON. Raises ValueError for what `encoded` does not write.

    The data may come from a process that a student's code has taken over: every part is checked,
    so that what comes out is of the closed kinds, whoever wrote it.
    """
    kind = type(data)
    if data is None or kind in (bool, int, float, str):
        return data
    if kind is list:
        return [decoded(part) for part in data]
    if kind is not dict or len(data) != 1:
        raise ValueError(f"unknown data {str(data)[:60]}")
    [(name, content)] = data.items()
    try:
        if name == "tuple":
            return tuple(decoded(part) for part in content)
        if name == "dict":
            return {decoded(key): decoded(part) for key, part in content}
        if name == "bytes":
            return bytes.fromhex(content)
        if name == "tensor":
            return _decoded_tensor(content)
        if name == "network":
            state = tuple((str(one), _decoded_tensor(part["tensor"])) for one, part in content[1])
            return Network(str(content[0]), state)
        if name == "thing" and content[0] in KINDS:
            return Thing(content[0], str(content[1])[:200])
    except (TypeError, KeyError, IndexError, AttributeError) as error:
        raise ValueError(f"damaged data of the kind {name!r}") from error
    raise ValueError(f"unknown data of the kind {name!r}")


def _decoded_tensor(content):
    numbers, gradient = content["numbers"], content["gradient"]
    shape = tuple(map(int, content["shape"]))
    if numbers is not None:
        if len(numbers) != math.prod(shape) or {*map(type, numbers)} - {bool, int, float}:
            raise ValueError("a tensor's numbers do not fit its shape")
        numbers = tuple(numbers)
    return Tensor(
        shape, str(content["dtype"])[:20], numbers, str(content["device"])[:20],
        bool(content["requires_grad"]),
        None if gradient is None else _decoded_tensor(gradient["tensor"]),
    )  # fmt: skip
