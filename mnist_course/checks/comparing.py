"""Compare what an answer returned with what is right, strictly by type, in a beginner's words."""

import math
import sys

import numpy
import torch

KINDS = {
    int: "a whole number (int)",
    float: "a number (float)",
    bool: "True or False",
    str: "a text (str)",
    tuple: "a tuple",
    list: "a list",
    dict: "a dict",
    torch.Tensor: "a torch tensor",
    numpy.ndarray: "a numpy array",
    type(None): "None",
}
SHOWN = 36  # a tensor with more numbers is described, not shown
DEPTH = 4  # lists inside of lists that are shown
LARGEST = sys.float_info.max


def difference(expected, got, tolerance=1e-4, where="the answer", any_number=False):
    """What is wrong with `got`: None, or a pair of a kind and a sentence.

    Kinds: "nothing", "type", "dtype", "shape", "device", "graph", "nan", "value". tolerance:
    relative, of float numbers; a tenth of it is the absolute one. any_number: 5.0 is as good as 5.
    """
    if got is None and expected is not None:
        return (
            "nothing",
            "Your function returns nothing (None). Does every way through it end in `return`, with "
            "a value behind it?",
        )
    if issubclass(type(got), tuple):
        got = tuple(tuple.__iter__(got))  # a named tuple or a torch.Size is one, too
    if isinstance(expected, torch.Tensor):
        return _tensor_difference(expected, got, tolerance, where)
    if type(got) is numpy.float64:
        got = float(got)  # a kind of float; what numpy's mean gives
    wanted = type(expected)
    if any_number and {wanted, type(got)} == {int, float}:
        wanted = float
    # 2 is as good as 2.0; True is not, though for Python it is a whole number
    if type(got) is not wanted and not (wanted is float and type(got) in (int, float)):
        return "type", _wrong_type(expected, got, where)
    if wanted in (tuple, list):
        if len(expected) != len(got):
            return "shape", f"{_the(where)} should have {len(expected)} parts, not {len(got)}."
        for index, (right, other) in enumerate(zip(expected, got, strict=True)):
            part = f"part {index} of {where}"
            found = difference(right, other, tolerance, part, any_number)
            if found is not None:
                return found
        return None
    if wanted is dict:
        if expected.keys() != got.keys():
            return "shape", f"The keys of {where} should be {list(expected)}, not {list(got)}."
        for key, right in expected.items():
            found = difference(right, got[key], tolerance, f"the {key}", any_number)
            if found is not None:
                return found
        return None
    if wanted is float:
        if type(got) is int and abs(got) > LARGEST:
            return "value", ""  # too large to become a float
        if math.isnan(got) and not math.isnan(expected):
            return "nan", f"{_the(where)} is NaN, not a number: 0/0, or infinity minus infinity."
        same = math.isclose(expected, got, rel_tol=tolerance, abs_tol=tolerance / 10) or (
            math.isnan(expected) and math.isnan(got)
        )
    else:
        same = expected == got
    return None if same else ("value", "")


def _the(where):
    return where[0].upper() + where[1:]


def _wrong_type(expected, got, where):
    wanted, found = _kind(expected), _kind(got)
    if isinstance(got, torch.nn.Parameter):
        found = "a parameter of a network"
    sentence = f"{_the(where)} should be {wanted}, and yours is {found}."
    if type(expected) is tuple:
        return f"{sentence} `return a, b` hands back two things as a tuple."
    if isinstance(got, torch.Tensor | numpy.generic) and type(expected) in (int, float):
        sentence += " `.item()` makes a plain number of it."
    elif isinstance(got, torch.Tensor) and type(expected) is list:
        sentence += " `.tolist()` makes a list of a tensor."
    elif isinstance(expected, torch.Tensor) and expected.requires_grad:
        sentence += " `backward()` needs a tensor that was never a plain number on the way."
    elif isinstance(expected, torch.Tensor) and type(got) is numpy.ndarray:
        sentence += " `torch.from_numpy(...)` makes one of it."
    elif isinstance(expected, torch.Tensor) and type(got) in (int, float, list, tuple):
        parts = got if type(got) in (list, tuple) else ()
        if any(isinstance(part, torch.Tensor) for part in parts):
            sentence += " `torch.stack(...)` puts tensors of one shape together."
        else:
            sentence += " `torch.tensor(...)` makes one of it."
    elif type(expected) is int and type(got) is float:
        sentence += " `/` always gives a float, `//` a whole number."
    return sentence


def _kind(value):
    """What a value is, in a beginner's words."""
    name = type(value).__name__
    if isinstance(value, numpy.generic):
        return f"a number of numpy ({name})"
    return KINDS.get(type(value)) or f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def _tensor_difference(expected, got, tolerance, where):
    # An object of another class may say that it equals everything: it is not a tensor.
    if type(got) is not torch.Tensor:
        return "type", _wrong_type(expected, got, where)
    if got.shape != expected.shape:
        return "shape", (
            f"{_the(where)} should have the shape {tuple(expected.shape)}, "
            f"and yours has {tuple(got.shape)}."
        )
    if got.dtype != expected.dtype:
        return "dtype", (
            f"{_the(where)} should hold {expected.dtype}, and yours holds {got.dtype}. "
            f"`.to({expected.dtype})` changes that."
        )
    if got.device != expected.device:
        return "device", (
            f"{_the(where)} should be on the device of the input, {expected.device}, "
            f"and yours is on {got.device}."
        )
    if got.layout != expected.layout:
        return "type", f"{_the(where)} should be an ordinary tensor, and yours is {got.layout}."
    if got.is_floating_point() and bool(got.isnan().any()) and not bool(expected.isnan().any()):
        return "nan", f"{_the(where)} holds NaN, not a number: 0/0, or infinity minus infinity."
    # torch.testing.assert_close compares in the same way, but its first call imports for a second
    close = torch.isclose(
        got.detach(), expected.detach(), rtol=tolerance, atol=tolerance / 10, equal_nan=True
    )
    if not bool(close.all()):
        return "value", ""
    if got.requires_grad and not expected.requires_grad:
        return "graph", (
            f"The numbers are right, but {where} still carries the graph that torch keeps for "
            "gradients. `torch.no_grad()` keeps none, `.detach()` leaves it behind."
        )
    if expected.requires_grad and not got.requires_grad:
        return "graph", (
            f"The numbers are right, but {where} has lost the way back to the input: "
            "`backward()` would not work. Are there `.item()`, `.detach()`, `torch.tensor(...)`, "
            "`torch.no_grad()` or a `backward()` on the way?"
        )
    return None


def shown(value, digits=4, depth=DEPTH):
    """A value as a short text. depth: how many lists inside of lists are looked into."""
    if isinstance(value, torch.Tensor):
        shape = f"shape {tuple(value.shape)}, {str(value.dtype).removeprefix('torch.')}"
        if value.numel() > SHOWN or value.device.type == "meta" or value.layout != torch.strided:
            return f"a tensor of {shape}"
        text = shown(value.detach().tolist(), digits, value.ndim)
        if value.ndim == 2:
            text = text.replace("], [", "],\n [")  # a row a line, as in the lessons
        return f"{text}, {shape}"
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        if len(value) > SHOWN or depth == 0:
            return f"a {type(value).__name__} of {len(value)} parts"
        parts = ", ".join(shown(part, digits, depth - 1) for part in value)
        if isinstance(value, tuple):
            return f"({parts}{',' if len(value) == 1 else ''})"
        return f"[{parts}]"
    if type(value) is dict:
        if len(value) > SHOWN or depth == 0:
            return f"a dict of {len(value)} parts"
        return ", ".join(
            f"{key if type(key) is str else shown(key)}: {shown(one, digits, depth - 1)}"
            for key, one in value.items()
        )
    if isinstance(value, bytes):
        return f"the bytes {value.hex(' ')}"
    if type(value) is int and abs(value) > LARGEST:
        text = f"a whole number of {value.bit_length()} bits"  # Python writes no such number
    elif type(value) in (int, bool, str, type(None)):
        text = repr(value)
    else:
        text = f"a {type(value).__name__}"  # its own repr could do anything
    return text if len(text) <= 300 else text[:300] + " …"


def both_shown(expected, got):
    """Expected and got as texts that differ when the values do."""
    for digits in (4, 7, 10, 4):  # four when no more of them tell a difference
        texts = shown(expected, digits), shown(got, digits)
        if texts[0] != texts[1]:
            break
    if (
        isinstance(expected, torch.Tensor)
        and type(got) is torch.Tensor
        and got.shape == expected.shape
        and expected.numel() > SHOWN
        and got.device == expected.device
    ):
        right, other = expected.detach().double(), got.detach().double()
        places = (~torch.isclose(other, right, rtol=1e-4, atol=1e-5)).nonzero()
        if len(places):
            place = tuple(places[0].tolist())
            texts = (
                f"{shown(right[place].item(), 7)} at {list(place)}, {texts[0]}",
                f"{shown(other[place].item(), 7)} at {list(place)}, {texts[1]}",
            )
    return texts
