"""Compare what an answer returned with what is right, strictly by type, in a beginner's words.

Both are plain data (`values.plain`), so no code of the answer runs here.
"""

import math
import re

from mnist_course.assessment.values import LARGEST, Network, Tensor, Thing
from mnist_course.assessment.verdict import Verdict

KINDS = {
    int: "a whole number (int)",
    float: "a number (float)",
    bool: "True or False",
    str: "a text (str)",
    bytes: "bytes",
    tuple: "a tuple",
    list: "a list",
    dict: "a dict",
    Tensor: "a torch tensor",
    type(None): "None",
}
FLOATS = ("float64", "float32", "float16", "bfloat16")
SHOWN = 36  # a tensor with more numbers is described, not shown
DEPTH = 4  # lists inside of lists that are shown
TEXT = 300  # characters of a value that are shown
NO_NAME = re.compile(r"[^\w .,:()]")  # what could be taken for a mark in a sentence


def difference(expected, got, tolerance=1e-4, where="the answer", any_number=False):
    """What is wrong with `got`: None, or a pair of a `Verdict` and a sentence, which may be "".

    tolerance: relative, of float numbers; a tenth of it is the absolute one. any_number: 5.0 is
    as good as 5.
    """
    if got is None and expected is not None:
        return Verdict.TYPE, (
            "Your function returns nothing (None). Does every path through it end in `return` with "
            "a value after it?"
        )
    wanted, came = type(expected), type(got)
    if wanted is Tensor:
        return _tensor_difference(expected, got, tolerance, where)
    if wanted in (int, float) and came is Thing and got.kind == "huge":
        return Verdict.VALUE, ""  # a number too large to become a float
    if any_number and {wanted, came} == {int, float}:
        wanted = float
    # 2 is as good as 2.0; True is not, though Python counts it among the whole numbers
    if came is not wanted and not (wanted is float and came in (int, float)):
        return Verdict.TYPE, _wrong_type(expected, got, where)
    if wanted in (tuple, list):
        if len(expected) != len(got):
            parts = f"{_the(where)} should have {len(expected)} parts, not {len(got)}."
            return Verdict.SHAPE, parts
        pairs = zip(expected, got, strict=True)
        names = [f"part {index} of {where}" for index in range(len(expected))]
    elif wanted is dict:
        if expected.keys() != got.keys():
            keys = code(shown(list(expected))), code(shown(list(got)))
            return Verdict.SHAPE, f"The keys of {where} should be {keys[0]}, not {keys[1]}."
        pairs = zip(expected.values(), (got[key] for key in expected), strict=True)
        names = [f"the {key}" for key in expected]
    elif wanted is float:
        return _float_difference(expected, got, tolerance, where)
    else:
        return None if expected == got else (Verdict.VALUE, "")
    for name, (right, other) in zip(names, pairs, strict=True):
        found = difference(right, other, tolerance, name, any_number)
        if found is not None:
            return found
    return None


def _the(where):
    return where[0].upper() + where[1:]


def _float_difference(expected, got, tolerance, where):
    if math.isnan(got) and not math.isnan(expected):
        return (
            Verdict.VALUE,
            f"{_the(where)} is NaN, not a number: 0/0, or infinity minus infinity.",
        )
    close = math.isclose(expected, got, rel_tol=tolerance, abs_tol=tolerance / 10)
    return None if close or math.isnan(expected) and math.isnan(got) else (Verdict.VALUE, "")


def _wrong_type(expected, got, where):
    wanted = type(expected)
    sentence = f"{_the(where)} should be {KINDS[wanted]}, and yours is {_kind(got)}."
    thing = got.kind if type(got) is Thing else ""
    if wanted is tuple:
        return f"{sentence} `return a, b` hands back two things as a tuple."
    if wanted in (int, float) and (type(got) is Tensor or thing in ("numpy number", "parameter")):
        sentence += " `.item()` makes a plain number of it."
    elif wanted is list and type(got) is Tensor:
        sentence += " `.tolist()` makes a list of a tensor."
    elif wanted is Tensor and expected.requires_grad:
        sentence += " `backward()` needs a tensor that was never a plain number on the way."
    elif wanted is Tensor and thing == "numpy array":
        sentence += " `torch.from_numpy(...)` makes one of it."
    elif wanted is Tensor and type(got) in (int, float, list, tuple):
        parts = got if type(got) in (list, tuple) else ()
        if any(type(part) is Tensor for part in parts):
            sentence += " `torch.stack(...)` puts tensors of one shape together."
        else:
            sentence += " `torch.tensor(...)` makes one of it."
    elif wanted is int and type(got) is float:
        sentence += " `/` always gives a float, `//` a whole number."
    return sentence


def _kind(value):
    """What a value is, in a beginner's words."""
    if type(value) in (Thing, Network):
        return shown(value)
    return KINDS[type(value)]


def _tensor_difference(expected, got, tolerance, where):
    if type(got) is not Tensor:
        return Verdict.TYPE, _wrong_type(expected, got, where)
    if got.shape != expected.shape:
        return Verdict.SHAPE, (
            f"{_the(where)} should have the shape {expected.shape}, and yours has {got.shape}."
        )
    if got.dtype != expected.dtype:
        return Verdict.DTYPE, (
            f"{_the(where)} should hold torch.{expected.dtype}, and yours holds torch.{got.dtype}. "
            f"`.to(torch.{expected.dtype})` changes that."
        )
    if got.device != expected.device:
        return Verdict.TYPE, (
            f"{_the(where)} should be on the device of the input, {expected.device}, "
            f"and yours is on {got.device}."
        )
    if got.numbers is None:
        return Verdict.TYPE, f"{_the(where)} is a tensor whose numbers can't be read."
    if _has_nan(got) and not _has_nan(expected):
        nan = f"{_the(where)} holds NaN, not a number: 0/0, or infinity minus infinity."
        return Verdict.VALUE, nan
    if different_places(expected, got, tolerance):
        return Verdict.VALUE, ""
    if got.requires_grad and not expected.requires_grad:
        return Verdict.GRAPH, (
            f"The numbers are right, but {where} still carries the graph that torch keeps for "
            "gradients. `torch.no_grad()` keeps none, `.detach()` leaves it behind."
        )
    if expected.requires_grad and not got.requires_grad:
        return Verdict.GRAPH, (
            f"The numbers are right, but {where} has lost the way back to the input: "
            "`backward()` would not work. Are there `.item()`, `.detach()`, `torch.tensor(...)`, "
            "`torch.no_grad()` or a `backward()` on the way?"
        )
    return None


def _has_nan(tensor):
    return any(number != number for number in tensor.numbers)


def different_places(expected, got, tolerance=1e-4):
    """Where two tensors of one shape differ: places, counted row by row.

    tolerance: of float numbers; whole numbers have to be the same.
    """
    if expected.dtype not in FLOATS:
        tolerance = 0.0
    return [
        place
        for place, (right, other) in enumerate(zip(expected.numbers, got.numbers, strict=True))
        if not (
            right == other
            or abs(right - other) <= tolerance / 10 + tolerance * abs(right) < math.inf
            or (right != right and other != other)  # NaN
        )
    ]


# --- values as texts ----------------------------------------------------------------------


def shown(value, digits=4, depth=DEPTH):
    """Plain data as a short text. depth: how many lists inside of lists are looked into."""
    kind = type(value)
    if kind is Tensor:
        form = f"shape {value.shape}, {value.dtype}"
        if value.numbers is None or len(value.numbers) > SHOWN:
            return f"a tensor of {form}"
        text = shown(_nested(value.numbers, value.shape), digits, len(value.shape))
        if len(value.shape) == 2:
            text = text.replace("], [", "],\n [")  # a row a line, as in the lessons
        return f"{text}, {form}"
    if kind in (Thing, Network):
        name = NO_NAME.sub("?", value.name)
        return name if kind is Thing else f"a network ({name})"
    if kind is float:
        return f"{value:.{digits}g}"
    if kind in (list, tuple, dict) and (len(value) > SHOWN or depth == 0):
        return f"a {kind.__name__} of {len(value)} parts"
    if kind in (list, tuple):
        parts = _cut(", ".join(shown(part, digits, depth - 1) for part in value))
        if kind is tuple:
            return f"({parts}{',' if len(value) == 1 else ''})"
        return f"[{parts}]"
    if kind is dict:
        pairs = (f"{_key(key)}: {shown(one, digits, depth - 1)}" for key, one in value.items())
        return _cut(", ".join(pairs))
    if kind is int and abs(value) > LARGEST:
        return "a huge whole number"
    return _cut(f"the bytes {value[:TEXT].hex(' ')}" if kind is bytes else repr(value))


def _key(key):
    return _cut(key if type(key) is str and key.isprintable() else shown(key), 60)


def code(text):
    """Python's or a student's own words in a sentence: set as code, on one line."""
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    return f"`{text.replace('`', chr(39))}`"


def _cut(text, length=2 * TEXT):
    return text if len(text) <= length else text[: length // 2] + " …"


def _nested(numbers, shape):
    """Numbers row by row as lists inside of lists."""
    if not shape:
        return numbers[0]
    if len(shape) == 1:
        return list(numbers)
    size = math.prod(shape[1:])
    return [_nested(numbers[row * size : (row + 1) * size], shape[1:]) for row in range(shape[0])]


def both_shown(expected, got):
    """Expected and got as texts that differ when the values do."""
    for digits in (4, 7, 10, 4):  # four when no more of them tell a difference
        texts = shown(expected, digits), shown(got, digits)
        if texts[0] != texts[1]:
            break
    if (
        type(expected) is Tensor
        and type(got) is Tensor
        and got.shape == expected.shape
        and expected.numbers is not None
        and got.numbers is not None
        and len(expected.numbers) > SHOWN
    ):
        places = different_places(expected, got)
        if places:
            place = places[0]
            index = _index(place, expected.shape)
            texts = (
                f"{shown(float(expected.numbers[place]), 7)} at {index}, {texts[0]}",
                f"{shown(float(got.numbers[place]), 7)} at {index}, {texts[1]}",
            )
    return texts


def _index(place, shape):
    """A place counted row by row as a list of indices."""
    index: list[int] = []
    for size in reversed(shape):
        place, inner = divmod(place, size)
        index.insert(0, inner)
    return index
