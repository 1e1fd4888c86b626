"""The write-ups' networks against listings of their own, and what runs of their programs today."""

import argparse
import inspect
import pickle
import re
import sys
from pathlib import Path

import pytest
import torch
import torchvision
from click.testing import CliRunner
from torch import nn
from torch.nn import functional as F

from mnist_course import cli, data, models, recipes, writeups

ROOT = Path(__file__).parent.parent

# --- the networks, written out a second time from the published descriptions ----------------


class ResidualA(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.skip = nn.Conv2d(channels, channels, 1)

    def forward(self, x):
        y = F.relu(self.first(x))
        y = self.second(y)
        return F.relu(self.skip(x) + y)


class A(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 5, padding=2)
        self.norm1 = nn.BatchNorm2d(32)
        self.block1 = ResidualA(32)
        self.conv2 = nn.Conv2d(32, 64, 5, padding=2)
        self.norm2 = nn.BatchNorm2d(64)
        self.block2 = ResidualA(64)
        self.conv3 = nn.Conv2d(64, 128, 5, padding=2)
        self.norm3 = nn.BatchNorm2d(128)
        self.block3 = ResidualA(128)
        self.conv4 = nn.Conv2d(128, 192, 5, padding=2)
        self.norm4 = nn.BatchNorm2d(192)
        self.block4 = ResidualA(192)
        self.hidden = nn.Linear(192 * 7 * 7, 256)
        self.last = nn.Linear(256, 10)

    def forward(self, x):
        x = self.block1(F.relu(self.norm1(self.conv1(x))))
        x = self.norm2(F.relu(self.conv2(x)))  # the one stage with ReLU before batch norm
        x = F.max_pool2d(self.block2(x), 2)
        x = self.block3(F.relu(self.norm3(self.conv3(x))))
        x = F.relu(self.norm4(self.conv4(x)))
        x = F.max_pool2d(self.block4(x), 2)
        return self.last(F.relu(self.hidden(x.flatten(1))))


class B(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
        self.conv3 = nn.Conv2d(16, 32, 3, padding=1)
        self.last = nn.Linear(1568, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.last(F.relu(self.conv3(x)).flatten(1))


class C(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.hidden = nn.Linear(1568, 16)
        self.last = nn.Linear(16, 10)

    def forward(self, x):
        x = F.max_pool2d(self.conv1(x), 2)
        x = F.max_pool2d(self.conv2(x), 2)
        return self.last(F.relu(self.hidden(x.flatten(1))))


class D(nn.Module):
    def __init__(self, dropout=0.0):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.hidden1 = nn.Linear(400, 120)
        self.hidden2 = nn.Linear(120, 84)
        self.last = nn.Linear(84, 10)
        self.dropout = dropout

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.dropout(F.relu(self.hidden1(x.flatten(1))), self.dropout, self.training)
        x = F.dropout(F.relu(self.hidden2(x)), self.dropout, self.training)
        return self.last(x)


class DWithD2l(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.hidden1 = nn.Linear(400, 120)
        self.hidden2 = nn.Linear(120, 84)
        self.last = nn.Linear(84, 10)

    def forward(self, x):
        x = F.avg_pool2d(self.conv1(x).sigmoid(), 2)
        x = F.avg_pool2d(self.conv2(x).sigmoid(), 2)
        x = self.hidden1(x.flatten(1)).sigmoid()
        return self.last(self.hidden2(x).sigmoid())


class E(nn.Module):
    def __init__(self, batch_norm=False):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.norm1 = nn.BatchNorm2d(6) if batch_norm else nn.Identity()
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.norm2 = nn.BatchNorm2d(16) if batch_norm else nn.Identity()
        self.hidden1 = nn.Linear(256, 120)
        self.hidden2 = nn.Linear(120, 84)
        self.last = nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm1(self.conv1(x))), 2)
        x = F.max_pool2d(F.relu(self.norm2(self.conv2(x))), 2)
        x = F.relu(self.hidden1(x.flatten(1)))
        x = F.relu(self.hidden2(x))
        return F.log_softmax(self.last(x), dim=1)


LISTINGS = {
    "A": (writeups.network_a, A),
    "B": (writeups.network_b, B),
    "C": (writeups.network_c, C),
    "D": (writeups.network_d, D),
    "D, dropout": (lambda: writeups.network_d(dropout=0.5), lambda: D(dropout=0.5)),
    "D, d2l": (models.lenet5, DWithD2l),
    "E": (writeups.network_e, E),
    "E, batch norm": (lambda: writeups.network_e(batch_norm=True), lambda: E(batch_norm=True)),
}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", LISTINGS)
def test_a_network_is_the_published_one(name, training):
    """The same weights in, the same logits out, in both modes, and the same running means after."""
    build, listing = LISTINGS[name]
    torch.manual_seed(0)
    ours, theirs = build(), listing()
    for values in ours.state_dict().values():  # batch norm's weights too, which start as 1 and 0
        if values.is_floating_point():
            values.add_(torch.rand_like(values) / 10)
    # both list their layers in the order in which an image passes them
    renamed = dict(zip(theirs.state_dict(), ours.state_dict().values(), strict=True))
    theirs.load_state_dict({name: values.clone() for name, values in renamed.items()})
    ours.train(training)
    theirs.train(training)
    images = torch.rand(6, 1, 28, 28)
    torch.manual_seed(1)  # dropout draws the same from here
    found = ours(images)
    torch.manual_seed(1)
    torch.testing.assert_close(found, theirs(images), atol=1e-4, rtol=1e-4)
    for one, other in zip(ours.buffers(), theirs.buffers(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_b_and_c_see_plain_pixels_and_a_and_e_the_nearest():
    for name in ("b", "c"):
        assert recipes.NETWORKS[name][1].normalisation == (0.0, 1.0)
        assert recipes.NETWORKS[name][1].augment is None
    for name in ("a", "e"):
        assert recipes.NETWORKS[name][1].normalisation == (data.MEAN, data.DEVIATION)
        assert recipes.NETWORKS[name][1].augment.interpolation == "nearest"
    pixels = torch.arange(256, dtype=torch.uint8)[:, None, None]
    [(ours, _)] = data.Batches(
        data.Part(pixels, torch.zeros(256)), 256, normalisation=recipes.WRITEUP_B.normalisation
    )
    to_tensor = torchvision.transforms.ToTensor()
    theirs = torch.stack([to_tensor(pixel[:, :, None].numpy()) for pixel in pixels])
    assert torch.equal(ours, theirs)


def test_network_e_returns_log_probabilities():
    torch.manual_seed(0)
    answer = writeups.network_e()(torch.rand(6, 1, 28, 28))
    labels = torch.arange(6)
    torch.testing.assert_close(answer.exp().sum(dim=1), torch.ones(6))
    torch.testing.assert_close(F.cross_entropy(answer, labels), F.nll_loss(answer, labels))


# --- what docs/writeups.md says of the programs ---------------------------------------------


@pytest.fixture(scope="module")
def page():
    return (ROOT / "docs" / "writeups.md").read_text(encoding="utf-8")


def row(page, letter):
    """The line of the table that begins with a write-up's letter, and the one that continues it."""
    lines = page.splitlines()
    [first] = (number for number, line in enumerate(lines) if line.startswith(f"| {letter} |"))
    return lines[first] + (lines[first + 1] if lines[first + 1].startswith("| | ") else "")


@pytest.fixture
def no_network(monkeypatch):
    for dataset in (torchvision.datasets.MNIST, torchvision.datasets.FashionMNIST):
        monkeypatch.setattr(dataset, "mirrors", [])


@pytest.mark.parametrize("download", [False, True])
@pytest.mark.parametrize("train", [False, True])
def test_torchvision_reads_the_folder_that_the_command_prints(no_network, train, download):
    printed = CliRunner().invoke(cli.main, ["data", "mnist"]).stdout
    folder = re.search(r"in (.+), every file checked", printed)[1]
    images = torchvision.datasets.MNIST(folder, train=train, download=download)
    assert len(images) == (60_000 if train else 10_000)


def test_the_files_can_be_put_where_a_program_looks(no_network, page, tmp_path, monkeypatch):
    assert 'MNIST_COURSE_DATA="$PWD/data" mnist-course data mnist' in page
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MNIST_COURSE_DATA", str(tmp_path / "data"))
    assert CliRunner().invoke(cli.main, ["data", "mnist"]).exit_code == 0
    assert len(torchvision.datasets.MNIST(root="./data", train=True, download=True)) == 60_000


def test_program_a_has_to_leave_verbose_out(page):
    assert "`ReduceLROnPlateau(verbose=…)`" in row(page, "A")
    optimizer = torch.optim.SGD(writeups.network_b().parameters(), 0.06, momentum=0.5)
    settings = {"mode": "max", "factor": 0.5, "patience": 2, "threshold": 5e-5}
    # the oldest torch that the course takes still warns, and warnings are errors here
    with pytest.raises((TypeError, UserWarning, DeprecationWarning), match="verbose"):
        torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, verbose=True, **settings)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **settings)
    schedule.step(0.99)
    assert schedule.get_last_lr() == [0.06]


def test_program_b_runs(page, no_network):
    assert "everything" in row(page, "B")
    images = torchvision.datasets.MNIST(
        data.mnist_root(), train=True, download=True, transform=torchvision.transforms.ToTensor()
    )
    torch.manual_seed(0)
    model, losses = B(), []
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    loader = torch.utils.data.DataLoader(torch.utils.data.Subset(images, range(64 * 60)), 64)
    for inputs, labels in loader:
        loss = nn.CrossEntropyLoss()(model.forward(inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-10:]) / 10 < 0.7 < 2 < losses[0]


def test_program_cs_file_is_refused(page, tmp_path):
    assert "`torch.load` refuses the model" in row(page, "C")
    torch.manual_seed(0)
    model, again = C(), C()
    torch.save(model, tmp_path / "model.pth")
    with pytest.raises(pickle.UnpicklingError, match="weights_only"):
        torch.load(tmp_path / "model.pth")
    images = torch.rand(3, 1, 28, 28)
    whole = torch.load(tmp_path / "model.pth", weights_only=False)
    assert torch.equal(whole(images), model(images))
    torch.save(model.state_dict(), tmp_path / "weights.pth")
    again.load_state_dict(torch.load(tmp_path / "weights.pth"))
    assert torch.equal(again(images), model(images))


def test_program_ds_options_end_a_cell_of_a_notebook(page, monkeypatch, capsys):
    assert "`parser.parse_args()` in a notebook" in row(page, "D")
    # what the kernel of a notebook is started with
    monkeypatch.setattr(sys, "argv", ["ipykernel_launcher.py", "-f", "kernel-1.json"])
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--dry-run", action="store_true")
    with pytest.raises(SystemExit):
        parser.parse_args()
    assert "unrecognized arguments: -f kernel-1.json" in capsys.readouterr().err
    assert parser.parse_args([]).batch_size == 256


@pytest.mark.skipif(
    inspect.signature(torch.onnx.export).parameters["dynamo"].default is not True,
    reason="before torch 2.9 the export is another program",
)
def test_program_es_export_needs_a_package(page, tmp_path, monkeypatch):
    assert "`torch.onnx.export(…)`: since torch 2.9 it needs the package `onnxscript`" in row(
        page, "E"
    )
    monkeypatch.setitem(sys.modules, "onnxscript", None)  # as where it is not installed
    model = E().eval()
    with pytest.raises(ImportError, match="onnxscript"):
        torch.onnx.export(model, torch.zeros(1, 1, 28, 28), tmp_path / "model.onnx")
