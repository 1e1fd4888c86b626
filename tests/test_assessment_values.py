"""Any value becomes plain data of limited size, without a call of its own methods, and back."""

import collections
import json
import math

import numpy
import pytest
import torch
from torch._subclasses import FakeTensorMode
from torch.masked import masked_tensor

from mnist_course.assessment import values
from mnist_course.assessment.values import Network, Tensor, Thing, decoded, encoded, plain

ONES = torch.ones(2, 3)


class Hostile(BaseException):
    """Raised by every method that a value can have, and never expected."""


def hostile(self, *arguments):
    raise Hostile


METHODS = """__str__ __repr__ __format__ __eq__ __ne__ __hash__ __len__ __iter__ __bool__
__getitem__ __getattribute__ __contains__ __int__ __float__ __index__ __reduce__ __copy__
__deepcopy__ __instancecheck__ __subclasscheck__ __array__ __torch_function__ __dir__
__call__""".split()
HOSTILE = {**dict.fromkeys(METHODS, hostile), "__class__": property(hostile)}
HOSTILE |= {"__name__": property(hostile), "__mro__": property(hostile)}


class Text(str):
    """A name that does what it likes."""

    __getitem__ = __len__ = __iter__ = __str__ = __format__ = hostile


class Anything:
    """Answers to every attribute."""

    def __getattr__(self, name):
        return self


class Longer(tuple):
    """A tuple that hides what it holds."""

    def __len__(self):
        return 2

    def __iter__(self):
        return iter((1, 2))


def of_metaclass():
    return type("Meta", (type,), HOSTILE)


def caught_in(transform, *arguments):
    """The tensor that a function sees inside one of torch's transforms."""
    caught = []
    transform(lambda inside: caught.append(inside) or inside.sum())(*arguments)
    return caught[0]


def fake():
    with FakeTensorMode():
        return torch.ones(2)


def with_everything_hidden():
    tensor = torch.ones(2)
    for name in ("size", "shape", "detach", "tolist", "reshape", "layout", "is_complex"):
        try:
            setattr(tensor, name, hostile)
        except (AttributeError, TypeError):
            pass
    return tensor


def with_a_circle_of_gradients():
    one, other = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    one.grad, other.grad = other, one
    return one


def endless_list():
    endless = [1]
    endless.append(endless)
    return endless


def many_tensors():
    return [torch.zeros(90_000) for _ in range(100)]


def deep(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


STRANGE = {
    "quantized": lambda: torch.quantize_per_tensor(ONES, 0.1, 0, torch.qint8),
    "nested": lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
    "jagged": lambda: torch.nested.nested_tensor([torch.ones(2)], layout=torch.jagged),
    "masked": lambda: masked_tensor(torch.ones(2), torch.tensor([True, False])),
    "fake": fake,
    "of vmap": lambda: caught_in(torch.vmap, ONES),
    "of grad": lambda: caught_in(torch.func.grad, ONES),
    "sparse": ONES.to_sparse,
    "meta": lambda: ONES.to("meta"),
    "complex": lambda: torch.ones(2, dtype=torch.complex64),
    "parameter": lambda: torch.nn.Parameter(ONES),
    "of many dimensions": lambda: torch.ones([1] * 1000),
    "that seems large": lambda: torch.ones(1).expand(10**12),
    "hidden": with_everything_hidden,
    "circle": with_a_circle_of_gradients,
    "numpy array": lambda: numpy.ones(2),
    "numpy object": lambda: numpy.array([None], dtype=object),
    "nameless": lambda: type("", (), {})(),
    "of a hostile name": lambda: type(Text("Name"), (), {})(),
    "any attribute": Anything,
    "hostile": lambda: type("Hostile", (), HOSTILE)(),
    "of a hostile metaclass": lambda: object.__new__(of_metaclass()("Made", (), {})),
    "class of a hostile metaclass": lambda: of_metaclass()("Made", (), {}),
    "text of a class": lambda: Text("text"),
    "list of a class": lambda: type("Listed", (list,), HOSTILE)([1]),
    "dict of a class": lambda: type("Table", (dict,), HOSTILE)({1: 2}),
    "number of a class": lambda: type("Number", (int,), HOSTILE)(3),
    "tuple of a class": lambda: type("Row", (tuple,), HOSTILE)([1, 2]),
    "a key of a class": lambda: {type("Key", (), {})(): 1, (1, 2): 3},
    "long text": lambda: "x" * 10**7,
    "long bytes": lambda: b"x" * 10**7,
    "long key": lambda: {"x" * 10**7: 1},
    "many texts": lambda: ["x" * 90_000] * 1000,
    "many tensors": many_tensors,
    "huge number": lambda: 10**5000,
    "deep": lambda: deep(1000),
    "endless": endless_list,
    "module": lambda: math,
    "network": lambda: torch.nn.Linear(1, 1),
    "exception": Hostile,
    "generator": lambda: (one for one in ()),
}


def kinds(value):
    """The kinds of all parts of plain data."""
    found = {type(value)}
    if type(value) in (list, tuple):
        parts = value
    elif type(value) is dict:
        parts = [*value, *value.values()]
    else:
        parts = [vars(value)[name] for name in vars(value)] if type(value) in OWN else []
    return found.union(*map(kinds, parts))


OWN = (Tensor, Thing, Network)
CLOSED = {type(None), bool, int, float, str, bytes, list, tuple, dict, *OWN}


@pytest.mark.filterwarnings("ignore")  # quantized, nested and masked tensors are warned of
@pytest.mark.parametrize("name", STRANGE)
def test_any_value_becomes_small_plain_data_and_none_of_its_methods_is_called(name):
    found = plain(STRANGE[name]())
    assert kinds(found) <= CLOSED
    text = json.dumps(encoded(found))
    assert len(text) < 3_000_000
    again = decoded(json.loads(text))
    assert again == found or repr(again) == repr(found)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("quantized", "a quantized or nested tensor"),
        ("nested", "a quantized or nested tensor"),
        ("jagged", "a tensor of the class NestedTensor"),
        ("masked", "a tensor of the class MaskedTensor"),
        ("fake", "a tensor of the class FakeTensor"),
        ("of vmap", "a tensor whose numbers can't be read"),
        ("of many dimensions", "a tensor of 1000 dimensions"),
        ("sparse", "a tensor of the layout torch.sparse_coo"),
        ("nameless", "a nameless"),
        ("any attribute", "an Anything"),
        ("of a hostile metaclass", "a Made"),
        ("of a hostile name", "a Name"),
        ("hostile", "a Hostile"),
        ("huge number", "a whole number of 16610 bits"),
        ("long text", "a text of length 10,000,000"),
        ("numpy array", "a numpy array"),
        ("parameter", "a parameter of a network"),
    ],
)
def test_a_thing_has_a_name_for_a_sentence(name, said):
    assert plain(STRANGE[name]()).name == said


@pytest.mark.parametrize(
    "value",
    [None, True, 3, 0.5, math.inf, "text", b"\x00", [], (1, [2.0]), {"a": (1,), 2: None}, 10**300],
)
def test_plain_values_stay_as_they_are(value):
    assert plain(value) == value
    assert type(plain(value)) is type(value)
    assert decoded(json.loads(json.dumps(encoded(value)))) == value


def test_what_python_counts_as_a_float_or_a_tuple_is_one():
    assert type(plain(numpy.float64(0.5))) is float
    assert plain(collections.namedtuple("Pair", "a b")(1, 2)) == (1, 2)
    assert plain(torch.Size((1, 2))) == (1, 2)
    assert plain(Longer((1, 2, 3))) == (1, 2, 3)


def test_a_tensor_is_known_by_its_numbers_and_all_that_can_differ():
    tensor = torch.tensor([[1.0, 2.0]], requires_grad=True)
    tensor.grad = torch.tensor([[0.5, 0.25]])
    gradient = Tensor((1, 2), "float32", (0.5, 0.25))
    assert plain(tensor) == Tensor((1, 2), "float32", (1.0, 2.0), "cpu", True, gradient)
    assert plain(torch.tensor(True)) == Tensor((), "bool", (True,))
    assert plain(ONES.bfloat16()).numbers == (1.0,) * 6
    assert plain(ONES.to("meta")) == Tensor((2, 3), "float32", None, "meta")


def test_a_network_of_the_course_is_looked_into_and_one_of_the_answer_is_not():
    network = torch.nn.Sequential(torch.nn.Linear(1, 1))
    found = plain(network, networks=True)
    assert [name for name, _ in found.state] == ["0.weight", "0.bias"]
    assert found == plain(network, networks=True)
    with torch.no_grad():
        network[0].bias.add_(1)
    assert found != plain(network, networks=True)
    assert plain(network) == Thing("object", "a Sequential")


def test_many_small_parts_and_deep_lists_come_to_an_end():
    assert plain(list(range(values.PARTS))) == list(range(values.PARTS))
    assert plain(list(range(values.PARTS + 1))) == Thing("huge", "a list of 10001 parts")
    wide = [[0] * 100] * 100
    assert plain([wide, wide])[1] == Thing("huge", "a list of 100 parts")


TENSOR = {"shape": [1], "dtype": "float32", "numbers": [1.0], "device": "cpu",
          "requires_grad": False, "gradient": None}  # fmt: skip


def tensor(**changed):
    return {"tensor": {**TENSOR, **changed}}


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"a": 1, "b": 2},
        {"unknown": []},
        {"tuple": 3},
        {"tuple": "ab"},
        {"tuple": {"a": 1}},
        {"dict": [[1]]},
        {"dict": [[[], 1]]},
        {"dict": {"a": 1}},
        {"bytes": "xyz"},
        {"bytes": 5},
        {"tensor": None},
        {"tensor": []},
        {"tensor": {}},
        {"network": ["a"]},
        {"network": ["a", [["b", 3]]]},
        {"network": ["a" * 61, []]},
        {"network": [3, []]},
        {"thing": []},
        {"thing": ["object"]},
        {"thing": ["unknown", "a"]},
        {"thing": [["object"], "a"]},
        {"thing": ["object", 5]},
        {"thing": ["object", "x" * 1000]},
        tensor(shape=[2]),
        tensor(shape=[-1]),
        tensor(shape=[1.0]),
        tensor(shape=[True]),
        tensor(shape=["1"]),
        tensor(shape=[1] * 33),
        tensor(shape=None),
        tensor(shape=[10**9], numbers=[1.0] * 5),
        tensor(dtype="load"),
        tensor(dtype="x" * 100),
        tensor(dtype=["float32"]),
        tensor(device="<b>"),
        tensor(device=None),
        tensor(numbers=["1"]),
        tensor(numbers=[[1.0]]),
        tensor(numbers=[10**400]),
        tensor(numbers=5),
        tensor(numbers=[1.0] * (values.NUMBERS + 1), shape=[values.NUMBERS + 1]),
        tensor(gradient=3),
        tensor(gradient=tensor(gradient=tensor())),
        10**400,
        "x" * (values.TEXT + 1),
        ["x" * values.TEXT, "x"],
        [0] * (values.PARTS + 1),
        deep(values.DEPTH + 1),
        deep(10_000),
        {"dict": [[{"tuple": [1]}, 1]]},
        object(),
    ],
    ids=lambda data: repr(data)[:40] if type(data) is dict else type(data).__name__,
)
def test_what_no_value_is_encoded_as_is_refused(data):
    with pytest.raises(ValueError, match="."):
        decoded(data)
