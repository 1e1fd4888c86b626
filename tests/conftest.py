"""What several test files share."""

import mnist_course  # noqa: F401  # before torch, because it sets how torch waits

# isort: split
import pytest
import torch
from torch import nn

from mnist_course import data, models

# What takes longest: whole lessons, trainings, and tests that start many processes.
LONG = {
    "test_lesson_fashion", "test_cli_grading", "test_grading_cluster", "test_setup",
    "test_grading_hostile", "test_progress", "test_lesson_experiments", "test_lesson_gains",
    "test_lesson_errors", "test_grading_examination", "test_grading_supervision",
    "test_grading_isolation", "test_nbgrader", "test_hub", "test_render", "test_shown_code",
}  # fmt: skip


def pytest_collection_modifyitems(items):
    """What takes longest comes first, so that no worker is left with it at the end."""
    items.sort(key=lambda item: item.path.suffix != ".ipynb" and item.path.stem not in LONG)


@pytest.fixture(scope="session")
def digits():
    """MNIST as the lessons see it in full mode, loaded once. Not to be changed in place."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MNIST_COURSE_QUICK", raising=False)
        return data.load()


@pytest.fixture(scope="session")
def few(digits):
    """A small world: 200 training and 100 validation images."""
    return data.Digits(digits.train[:200], digits.validation[:100])


@pytest.fixture
def drawing(monkeypatch):
    """Full mode; no windows, no figure left over; settings of matplotlib stay as they are."""
    import matplotlib
    from matplotlib import pyplot as plt

    matplotlib.use("Agg")
    monkeypatch.delenv("MNIST_COURSE_QUICK", raising=False)
    before = matplotlib.rcParams.copy()
    yield
    plt.close("all")
    assert matplotlib.rcParams == before


@pytest.fixture
def lenet():
    torch.manual_seed(0)
    return models.lenet5()


@pytest.fixture
def residual():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 4, 5, stride=2, bias=False), nn.BatchNorm2d(4), nn.ReLU(),
        models.ResidualBlock(4, 4), models.ResidualBlock(4, 8, stride=2),
        models.ResidualBlock(8, 8),
        nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(8, 10),
    )  # fmt: skip
    network(torch.randn(8, 1, 28, 28))  # running means that are not 0
    return network


@pytest.fixture
def passes(monkeypatch):
    """The batch sizes of all forward passes from now on."""
    from mnist_course.probe import inspection

    sizes = []
    original = inspection.record

    def record(network, images, *given, **named):
        sizes.append(len(images))
        return original(network, images, *given, **named)

    monkeypatch.setattr(inspection, "record", record)
    return sizes


@pytest.fixture(params=["meta", "float64"])
def other_default(request):
    """torch's default device or dtype as a student may have set it."""
    if request.param == "meta":  # fails as "cuda" would, but on any machine
        torch.set_default_device("meta")
    else:
        torch.set_default_dtype(torch.float64)
    yield request.param
    torch.set_default_device(None)
    torch.set_default_dtype(torch.float32)
