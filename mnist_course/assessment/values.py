"""Plain data that stands for any value, so that nobody has to trust the value itself.

An answer may return anything: a number, a tensor, or an object whose `__eq__` says that it equals
everything. `plain` turns it into data of a few closed kinds: None, bool, int, float, str, bytes,
list, tuple, dict, and the three classes below. It runs no method of the value, so a hostile object
can do nothing to whoever compares or shows the result. `encoded` and `decoded` carry such data
through JSON.
"""

import math
import re
import sys
from dataclasses import dataclass
from typing import Any

import numpy
import torch

LARGEST = sys.float_info.max  # a whole number above it has no float
NUMBERS = 100_000  # a tensor with more is described by its form alone; a case has some hundred
PARTS = 10_000  # the same for the parts of lists, tuples and dicts, inner ones included
DEPTH = 20  # lists inside of lists
TEXT = 100_000  # characters and bytes, all together
DIMENSIONS = 32  # of a tensor
NAME = 60  # characters of a class's name, or of a parameter's
DEVICE = re.compile(r"[a-z]+(:\d+)?")


@dataclass(frozen=True)
class Tensor:
    """What is known of a plain tensor; of its gradient, no gradient again."""

    shape: tuple[int, ...]
    dtype: str  # "float32"
    numbers: tuple | None  # row by row; None where they can't be read
    device: str = "cpu"
    requires_grad: bool = False
    gradient: "Tensor | Thing | None" = None


@dataclass(frozen=True)
class Network:
    """What is known of an `nn.Module`: the class's name, and its parameters and buffers by name."""

    name: str
    state: tuple[tuple[str, "Tensor | Thing"], ...]


@dataclass(frozen=True)
class Thing:
    """Anything else: what kind of thing it is, one of KINDS, and a name for a sentence."""

    kind: str
    name: str


KINDS = ("object", "huge", "numpy array", "numpy number", "parameter", "other tensor")

# The real ones: an instance or a metaclass may carry attributes that hide them.
class_dict = type.__dict__["__dict__"].__get__
bases = type.__dict__["__mro__"].__get__
_class_name = type.__dict__["__name__"].__get__
_grad = torch.Tensor.grad.__get__  # type: ignore[union-attr]


def class_name(kind):
    """The name of a class; it may be empty, or hold any character."""
    return str.__str__(_class_name(kind))  # the name may be of a class of its own


def module_name(kind):
    """The name of the module in which a class was made."""
    found = class_dict(kind).get("__module__")
    return found if type(found) is str else "builtins"


def plain(value, networks=False):
    """Plain data that stands for `value`. networks: look into an `nn.Module`, too.

    Only an argument that the course made itself may be looked into, since that calls its methods.
    """
    return _Reader(networks).read(value, DEPTH)


class _Left:
    """What may still be read of a value, so that one of any size comes to an end."""

    def __init__(self):
        self.parts, self.letters, self.numbers = PARTS, TEXT, NUMBERS

    def take(self, what, count):
        """Whether `count` more parts, letters or numbers are left; if so, they are taken."""
        left = getattr(self, what) - count
        if left >= 0:
            setattr(self, what, left)
        return left >= 0


class _Reader:
    def __init__(self, networks):
        self.networks = networks
        self.left = _Left()

    def read(self, value, depth):
        # What `isinstance` asks, `__class__`, may lie, and `==` of a class may be its metaclass's.
        kind = type(value)
        if value is None or kind is bool or kind is float:
            return value
        if kind is int:
            return value if abs(value) <= LARGEST else _huge_int(value)
        if kind is numpy.float64:  # a kind of float, which is what numpy's mean gives
            return float(value)
        if kind is str or kind is bytes:
            return value if self.left.take("letters", len(value)) else _huge(value)
        if kind is list or kind is dict or issubclass(kind, tuple):
            return self._parts(value, kind, depth)
        if kind is torch.Tensor:
            return self.tensor(value)
        if self.networks and issubclass(kind, torch.nn.Module):
            return self._network(value)
        return _thing(value)

    def _parts(self, value, kind, depth):
        base = tuple if issubclass(kind, tuple) else kind  # a named tuple is a tuple
        count = base.__len__(value)
        if depth == 0 or not self.left.take("parts", count):
            return Thing("huge", f"a {base.__name__} of {count} parts")
        if base is dict:
            return {
                self.read(key, 0): self.read(part, depth - 1) for key, part in dict.items(value)
            }
        return base([self.read(part, depth - 1) for part in base.__iter__(value)])

    def tensor(self, tensor, gradients=True):
        """A tensor's data; a `Thing` for one without a plain table of numbers (sparse, nested, …).

        gradients: whether to read the tensor's own gradient as well.
        """
        own: Any = torch.Tensor  # an instance may carry functions of its own under any name
        try:
            if own.is_quantized.__get__(tensor) or own.is_nested.__get__(tensor):
                return Thing("other tensor", "a quantized or nested tensor")
            if tensor.layout != torch.strided:
                return Thing("other tensor", f"a tensor of the layout {tensor.layout}")
            shape, dtype = tuple(own.size(tensor)), str(tensor.dtype).removeprefix("torch.")
            if len(shape) > DIMENSIONS:
                return Thing("other tensor", f"a tensor of {len(shape)} dimensions")
            numbers = None
            readable = tensor.device.type != "meta" and not own.is_complex(tensor)
            if readable and self.left.take("numbers", math.prod(shape)):
                numbers = tuple(own.reshape(own.detach(tensor), (-1,)).tolist())
            gradient = _grad(tensor) if gradients and tensor.is_leaf else None
            return Tensor(
                shape, dtype, numbers, str(tensor.device), bool(tensor.requires_grad),
                None if gradient is None else self.tensor(gradient, gradients=False),
            )  # fmt: skip
        except Exception:  # a kind of tensor that has no list of numbers
            return Thing("other tensor", "a tensor whose numbers can't be read")

    def _network(self, network):
        state = torch.nn.Module.state_dict(network, keep_vars=True)
        if not self.left.take("parts", len(state)):
            return Thing("huge", "a network of many parts")
        return Network(
            class_name(type(network))[:NAME],
            tuple((str.__str__(name)[:NAME], self.tensor(one)) for name, one in state.items()),
        )


def _huge(value):
    return Thing("huge", f"{'a text' if type(value) is str else 'bytes'} of length {len(value):,}")


def _huge_int(value):
    return Thing("huge", f"a whole number of {value.bit_length()} bits")


def _thing(value):
    kind = type(value)
    name = class_name(kind)[:NAME] or "nameless"
    if kind is torch.nn.Parameter:
        return Thing("parameter", "a parameter of a network")
    if issubclass(kind, torch.Tensor):
        return Thing("other tensor", f"a tensor of the class {name}")
    if kind is numpy.ndarray:
        return Thing("numpy array", "a numpy array")
    if issubclass(kind, numpy.generic):
        return Thing("numpy number", f"a number of numpy ({name})")
    return Thing("object", f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}")


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
    """Plain data from its JSON. Raises ValueError for anything that `encoded` does not write.

    The data may come from a process that a student's code has taken over. So every part is
    checked, and what comes out is of the closed kinds and of limited size, whoever wrote it.
    """
    try:
        return _Decoder().read(data, DEPTH)
    except (LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise ValueError("this is no plain data") from error


class _Decoder:
    def __init__(self):
        self.left = _Left()

    def read(self, data, depth):
        kind = type(data)
        if data is None or kind in (bool, float):
            return data
        if kind is int:
            return _number(data)
        if kind is str:
            self._take("letters", len(data))
            return data
        if kind is list:
            return self._parts(data, depth)
        [(name, content)] = data.items()
        if name == "tuple":
            return tuple(self._parts(content, depth))
        if name == "dict":
            self._count(content, depth)
            return {self.read(key, 0): self.read(part, depth - 1) for key, part in content}
        if name == "bytes":
            letters = bytes.fromhex(content)
            self._take("letters", len(letters))
            return letters
        if name == "tensor":
            return self._tensor(content)
        if name == "network":
            network, state = content
            self._take("parts", len(state))
            found = tuple((_name(one), self._part(part)) for one, part in state)
            return Network(_name(network), found)
        if name == "thing":
            return _decoded_thing(content)
        raise ValueError("plain data of no known kind")

    def _take(self, what, count):
        if not self.left.take(what, count):
            raise ValueError(f"more {what} than there can be")

    def _count(self, content, depth):
        if type(content) is not list or depth == 0:
            raise ValueError("no list, or too many inside each other")
        self._take("parts", len(content))

    def _parts(self, content, depth):
        self._count(content, depth)
        return [self.read(part, depth - 1) for part in content]

    def _part(self, data, gradients=True):
        """A tensor, or what stands for one whose numbers can't be read."""
        [(name, content)] = data.items()
        if name == "thing":
            return _decoded_thing(content)
        return self._tensor(data["tensor"], gradients)

    def _tensor(self, content, gradients=True):
        shape, numbers, gradient = content["shape"], content["numbers"], content["gradient"]
        dtype, device = _name(content["dtype"]), _name(content["device"])
        if len(shape) > DIMENSIONS or not all(type(size) is int and size >= 0 for size in shape):
            raise ValueError("a tensor has no such shape")
        if not isinstance(getattr(torch, dtype, None), torch.dtype) or not DEVICE.fullmatch(device):
            raise ValueError("a tensor of no known dtype or device")
        if numbers is not None:
            self._take("numbers", len(numbers))
            if len(numbers) != math.prod(shape) or {*map(type, numbers)} - {bool, int, float}:
                raise ValueError("a tensor's numbers do not fit its shape")
            numbers = tuple(map(_number, numbers))
        if gradient is not None and not gradients:
            raise ValueError("the gradient of a gradient is not read")
        return Tensor(
            tuple(shape), dtype, numbers, device, content["requires_grad"] is True,
            None if gradient is None else self._part(gradient, gradients=False),
        )  # fmt: skip


def _number(data):
    if type(data) is int and abs(data) > LARGEST:
        raise ValueError("a whole number that is no float")
    return data


def _name(data):
    if type(data) is not str or len(data) > NAME:
        raise ValueError(f"no name of at most {NAME} characters")
    return data


def _decoded_thing(content):
    kind, name = content
    if kind not in KINDS or type(name) is not str or len(name) > 2 * NAME:
        raise ValueError("a thing of no known kind")
    return Thing(kind, name)
