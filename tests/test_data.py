"""Files found, verified, mended; the split; the sealed test set; batches."""

import ast
import datetime
import gzip
import hashlib
import io
import json
import os
import struct
import subprocess
import sys
import types
import urllib.error
from pathlib import Path

import numpy as np
import platformdirs
import pytest
import torch
import torchvision
from click.testing import CliRunner
from torchvision.datasets.mnist import read_image_file, read_label_file

from mnist_course import cli, data, runtime
from mnist_course.augment import RandomAffine

ROOT = Path(__file__).parent.parent
NAMES = tuple(data.MNIST_DIGESTS)


@pytest.fixture(autouse=True)
def full_mode(monkeypatch):
    monkeypatch.delenv("MNIST_COURSE_QUICK", raising=False)


def idx(array):
    """An array of bytes in the IDX format, written here a second time, as an oracle."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


def digest(content):
    return hashlib.sha256(content).hexdigest()


# --- reading IDX --------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_read_idx_agrees_with_torchvision(name):
    path = data.mnist_root() / "MNIST" / "raw" / name
    theirs = read_image_file(str(path)) if "images" in name else read_label_file(str(path))
    ours = data.read_idx(path)
    assert ours.dtype == np.uint8
    assert np.array_equal(ours, theirs)
    assert np.array_equal(data.read_idx(data.datasets.PACKAGED_MNIST / f"{name}.gz"), ours)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 4), (0, 28, 28)])
def test_read_idx_reads_any_number_of_axes(tmp_path, shape):
    array = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    (tmp_path / "plain").write_bytes(idx(array))
    (tmp_path / "packed.gz").write_bytes(gzip.compress(idx(array)))
    assert np.array_equal(data.read_idx(tmp_path / "plain"), array)
    assert np.array_equal(data.read_idx(tmp_path / "packed.gz"), array)


GOOD = idx(np.zeros((4, 28, 28), np.uint8))
PACKED = gzip.compress(GOOD, mtime=0)  # without the time, or the tests' names would differ


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty", b""),
        ("text", b"<html>Please log in</html>"),
        ("floats", b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0"),
        ("header-cut", GOOD[:9]),
        ("header-alone", GOOD[:16]),
        ("cut", GOOD[:-1]),
        ("too-long", GOOD + b"\0"),
        ("huge", b"\0\0\x08\x03" + struct.pack(">3I", 2**31, 2**31, 4)),  # 0 in 64 bits
        ("no-size", b"\0\0\x08\x04" + struct.pack(">4I", 0, *[2**32 - 1] * 3)),
        ("255-axes-of-1", b"\0\0\x08\xff" + struct.pack(">255I", *[1] * 255) + b"\0"),
        ("255-axes-of-0", b"\0\0\x08\xff" + bytes(4 * 255)),
        ("255-huge-axes", b"\0\0\x08\xff" + b"\xff" * 4 * 255),
        ("255-axes-cut", b"\0\0\x08\xff" + bytes(100)),
        ("no-axes", b"\0\0\x08\0"),
        ("cut.gz", PACKED[:-9]),
        ("altered.gz", PACKED[:15] + b"\xff\xff" + PACKED[17:]),
        ("no.gz", GOOD),
        ("missing", None),
    ],
)
def test_read_idx_refuses_what_is_no_idx_file(tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(data.DataError, match=name):
        data.read_idx(tmp_path / name)


# --- MNIST as it ships --------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_files_have_the_digests_of_mnist(name):
    content = gzip.decompress((data.datasets.PACKAGED_MNIST / f"{name}.gz").read_bytes())
    assert digest(content) == data.MNIST_DIGESTS[name]


def test_it_is_mnist():
    """Facts of the published dataset, which no digest of ours made true."""
    whole = data.load_all_training()
    assert whole.images.shape == (60_000, 28, 28)
    assert whole.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert torch.bincount(whole.labels).tolist() == counts
    pixels = whole.images.double() / 255
    assert round(pixels.mean().item(), 4) == data.MEAN
    assert round(pixels.std().item(), 4) == data.DEVIATION


def test_torchvision_reads_the_same_folder():
    theirs = torchvision.datasets.MNIST(data.mnist_root(), download=False)
    ours = data.load_all_training()
    assert torch.equal(theirs.data, ours.images)
    assert torch.equal(theirs.targets, ours.labels)


def test_the_data_folder_can_be_named(monkeypatch, tmp_path):
    monkeypatch.setenv("MNIST_COURSE_DATA", str(tmp_path / "here"))
    assert runtime.data_folder() == tmp_path.resolve() / "here"
    monkeypatch.setenv("MNIST_COURSE_DATA", "~")
    assert runtime.data_folder() == Path.home().resolve()
    monkeypatch.delenv("MNIST_COURSE_DATA")
    assert runtime.data_folder() == Path(platformdirs.user_data_dir("mnist-course", False))


# --- a small dataset in place of MNIST, to damage -----------------------------------------


def small_files(seed):
    """Four IDX files of a dataset of 30 and 10 random images: a dict from name to content."""
    draw = np.random.default_rng(seed)
    files = {}
    for prefix, count in (("train", 30), ("t10k", 10)):
        images = draw.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        files[f"{prefix}-images-idx3-ubyte"] = idx(images)
        files[f"{prefix}-labels-idx1-ubyte"] = idx(draw.integers(0, 10, count, dtype=np.uint8))
    return files


def digests(files):
    return {name: digest(content) for name, content in files.items()}


def put(folder, files, packed=False):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(content) if packed else content)


def held(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A small dataset that the package takes for MNIST; returns its files."""
    files = small_files(seed=0)
    put(tmp_path / "package", files, packed=True)
    monkeypatch.setattr(data.datasets, "PACKAGED_MNIST", tmp_path / "package")
    monkeypatch.setattr(data.datasets, "MNIST_DIGESTS", digests(files))
    monkeypatch.setenv("MNIST_COURSE_DATA", str(tmp_path / "data"))
    return files


@pytest.fixture
def raw(tmp_path):
    return tmp_path.resolve() / "data" / "MNIST" / "raw"


def forget():
    """As in a new process: files are checked once a process."""
    data.datasets._checked_mnist.cache_clear()


def test_first_use_unpacks_and_says_nothing(small, raw, capsys):
    assert data.mnist_root() == raw.parent.parent
    assert held(raw) == small
    assert capsys.readouterr().out == ""


def test_good_files_are_not_written_again(small, raw):
    data.mnist_root()
    before = {path: path.stat().st_mtime_ns for path in raw.iterdir()}
    forget()
    data.mnist_root()
    assert before == {path: path.stat().st_mtime_ns for path in raw.iterdir()}


DAMAGES = {
    "truncated": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "altered": lambda content: content[:-1] + bytes([content[-1] ^ 1]),
    "foreign": lambda content: b"<html>Please log in</html>",
    "another dataset": lambda content: idx(np.ones((30, 28, 28), np.uint8)),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_file_is_named_set_aside_and_replaced(small, raw, capsys, name, damage):
    damaged = DAMAGES[damage](small[name])
    put(raw, {**small, name: damaged})
    data.mnist_root()
    assert held(raw) == {**small, f"{name}.damaged-1": damaged}
    [line] = capsys.readouterr().out.splitlines()
    assert str(raw / name) in line
    assert f"{name}.damaged-1" in line


def test_a_second_damage_does_not_overwrite_the_first(small, raw):
    for content in (b"one", b"two"):
        put(raw, {NAMES[0]: content})
        forget()
        data.mnist_root()
    assert (raw / f"{NAMES[0]}.damaged-1").read_bytes() == b"one"
    assert (raw / f"{NAMES[0]}.damaged-2").read_bytes() == b"two"


def test_the_same_damage_is_set_aside_once(small, raw):
    for content in (b"one", b"two", b"one", b"two"):
        put(raw, {NAMES[0]: content})
        forget()
        data.mnist_root()
    assert set(held(raw)) == {*small, f"{NAMES[0]}.damaged-1", f"{NAMES[0]}.damaged-2"}


def test_a_damaged_package_is_never_trained_on(small, raw, tmp_path):
    (tmp_path / "package" / f"{NAMES[0]}.gz").write_bytes(b"damaged")
    put(raw, {NAMES[0]: b"damaged too"})
    for _ in range(2):
        with pytest.raises(data.DataError, match=f"{NAMES[0]}.*make setup"):
            data.load()
        assert not (raw / NAMES[0]).exists()


def test_a_root_is_the_same_folder_after_a_change_of_folder(small, tmp_path, monkeypatch):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        assert held(data.mnist_root("data") / "MNIST" / "raw") == small
        assert (tmp_path / name / "data" / "MNIST" / "raw").is_dir()


@pytest.mark.parametrize(
    ("function", "error"),
    [
        ("os.replace", OSError(28, "No space left on device")),
        ("os.fsync", OSError(28, "No space left on device")),
        ("builtins.open", PermissionError(13, "Permission denied")),
        ("pathlib.Path.mkdir", OSError(30, "Read-only file system")),
    ],
)
def test_a_folder_that_cannot_be_written(small, raw, monkeypatch, function, error):
    opened = open

    def fail(*arguments, **options):
        if function == "builtins.open" and "r" in arguments[1]:  # the package can be read
            return opened(*arguments, **options)
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(function, fail)
        with pytest.raises(data.DataError) as caught:
            data.load()
    assert error.strerror in str(caught.value)
    assert "MNIST_COURSE_DATA" in str(caught.value)
    assert not raw.exists() or held(raw) == {}
    data.mnist_root()  # a second try works
    assert held(raw) == small


def test_two_processes_unpack_at_once(tmp_path):
    raw = tmp_path / "MNIST" / "raw"
    put(raw, {NAMES[0]: b"damaged" * 1_000_000})
    code = (
        "import sys, hashlib; from mnist_course import data; sys.stdin.readline()\n"
        "print(len(data.load_all_training()))"
    )
    environment = {**os.environ, "MNIST_COURSE_DATA": str(tmp_path), "OMP_NUM_THREADS": "1"}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code], cwd=ROOT, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]  # fmt: skip
    ends = [one.communicate("go\n", timeout=120) for one in running]
    for one, (printed, errors) in zip(running, ends, strict=True):
        assert one.returncode == 0, errors
        assert printed.splitlines()[-1] == "60000"
    for name in NAMES:
        assert digest((raw / name).read_bytes()) == data.MNIST_DIGESTS[name]
    assert {path.name for path in raw.iterdir()} - set(NAMES) == {f"{NAMES[0]}.damaged-1"}


# --- Fashion-MNIST ------------------------------------------------------------------------


@pytest.fixture
def fashion(monkeypatch, tmp_path):
    """Files that the package takes for Fashion-MNIST, not yet anywhere; the folder is `work`."""
    files = small_files(seed=1)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("MNIST_COURSE_DATA", str(tmp_path / "user"))
    monkeypatch.setattr(data.datasets, "FASHION_DIGESTS", digests(files))
    monkeypatch.setattr(data.datasets, "REPOSITORY_DATA", tmp_path / "repository" / "data")
    monkeypatch.setattr(data.datasets, "DEBIAN_FASHION", tmp_path / "debian")

    def no_network(*arguments, **options):
        raise AssertionError("a download was tried")

    monkeypatch.setattr(torchvision.datasets, "FashionMNIST", no_network)
    return files


@pytest.mark.parametrize("inner", ["", "FashionMNIST/raw"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "place", ["given", "user", "work/data", "data", "repository/data", "debian"]
)
def test_fashion_is_found(fashion, tmp_path, place, packed, inner):
    put(tmp_path / place / inner, fashion, packed)
    folder = tmp_path / place if place == "given" else None
    root = data.fashion_root(folder=folder, download=True)
    assert root == tmp_path / "user"
    there = held(root / "FashionMNIST" / "raw")
    assert {name: there[name] for name in fashion} == fashion


# how a browser, 7-Zip and Kaggle leave train-images-idx3-ubyte.gz behind
RENAMED = {
    "a second download": "{name} (1).gz",
    "7-Zip": "{dotted}",
    "Kaggle": "{name}/{name}",
    "unpacked by the browser, with the old name": "{name}.gz",
    "no ending": "downloads/of today/{number}",
    "other letters": "{upper}.GZ",
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", RENAMED)
def test_fashion_is_known_by_its_content_whatever_its_name(fashion, tmp_path, kind, packed):
    for number, (name, content) in enumerate(fashion.items()):
        words = {"name": name, "dotted": name.replace("-idx", ".idx"), "upper": name.upper()}
        path = tmp_path / "given" / RENAMED[kind].format(number=number, **words)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(content) if packed else content)
    (tmp_path / "given" / "train-images.idx3-ubyte (2)").write_bytes(fashion[NAMES[0]][:-1])
    (tmp_path / "given" / "cut.gz").write_bytes(gzip.compress(fashion[NAMES[0]])[:-20])
    root = data.fashion_root(folder=tmp_path / "given", download=True)
    assert held(root / "FashionMNIST" / "raw") == fashion


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_a_pipe_in_the_folder_is_not_waited_for(fashion, tmp_path):
    put(tmp_path / "given" / "below", fashion)
    os.mkfifo(tmp_path / "given" / "a pipe")
    os.mkfifo(tmp_path / "given" / NAMES[0])
    data.fashion_root(folder=tmp_path / "given")


def test_what_a_folder_lacks_is_named(fashion, tmp_path):
    """Also with download=True, as the command has it: who names a folder wants no download."""
    put(tmp_path / "given", {name: fashion[name] for name in NAMES[:2]})
    (tmp_path / "given" / NAMES[2]).write_bytes(b"damaged")
    with pytest.raises(data.DataError) as caught:
        data.fashion_root(folder=tmp_path / "given", download=True)
    text = str(caught.value)
    assert str(tmp_path.resolve() / "given") in text
    assert [name for name in NAMES if name in text] == list(NAMES[2:])
    assert "Unpack archives" in text
    assert "data fashion" not in text  # it would ask for what was just typed


@pytest.mark.parametrize("writable", [True, False])
def test_the_command_takes_a_folder_and_gives_d2l_a_copy_where_it_can(
    fashion, tmp_path, monkeypatch, writable
):
    put(tmp_path / "given" / "archive", {f"{name} (1)": fashion[name] for name in NAMES})
    monkeypatch.setattr(cli.lessons, "checkout", lambda: tmp_path / "checkout")
    if writable:
        (tmp_path / "checkout").mkdir()
    else:
        (tmp_path / "checkout").touch()  # no folder can be made in a file
    given = str(tmp_path / "given")
    result = CliRunner().invoke(cli.main, ["data", "fashion", "--from", given])
    assert result.exit_code == 0, result.output
    assert held(tmp_path / "user" / "FashionMNIST" / "raw") == fashion
    if writable:
        assert held(tmp_path / "checkout" / "data" / "FashionMNIST" / "raw") == fashion
    else:
        assert "Without a second copy for d2l: Fashion-MNIST can't be put into" in result.output


def test_fashion_that_is_damaged_is_passed_over(fashion, tmp_path, capsys):
    name = NAMES[0]
    put(tmp_path / "given", {**fashion, name: b"damaged"})
    put(tmp_path / "debian", fashion, packed=True)
    (tmp_path / "debian" / f"{NAMES[1]}.gz").write_bytes(b"damaged")
    root = data.fashion_root(folder=tmp_path / "given")
    assert held(root / "FashionMNIST" / "raw") == fashion
    [line] = capsys.readouterr().out.splitlines()
    assert str(tmp_path / "given" / name) in line
    assert "passed over" in line


@pytest.mark.parametrize("damaged", [False, True])
def test_fashion_is_missing(fashion, tmp_path, damaged):
    raw = tmp_path / "user" / "FashionMNIST" / "raw"
    if damaged:
        put(raw, {**fashion, NAMES[0]: b"damaged"})
    with pytest.raises(data.DataError, match="Type: .*mnist-course data fashion"):
        data.load("fashion")
    assert not (raw / NAMES[0]).exists()
    assert (raw / f"{NAMES[0]}.damaged-1").exists() == damaged


def test_fashion_from_a_folder_that_is_not_there(fashion, tmp_path):
    with pytest.raises(data.DataError, match="no folder"):
        data.fashion_root(folder=tmp_path / "nowhere")


def test_fashion_is_downloaded_when_asked_for(fashion, tmp_path, monkeypatch):
    raw = tmp_path / "user" / "FashionMNIST" / "raw"

    def download(root, download):
        assert download
        put(Path(root) / "FashionMNIST" / "raw", fashion)

    monkeypatch.setattr(torchvision.datasets, "FashionMNIST", download)
    assert data.fashion_root(download=True) == tmp_path / "user"
    assert held(raw) == fashion


@pytest.mark.parametrize(
    "error",
    [
        urllib.error.URLError("no route to host"),
        RuntimeError("Error downloading train-images-idx3-ubyte.gz"),
        ConnectionResetError(104, "Connection reset by peer"),
    ],
)
def test_a_download_that_fails(fashion, monkeypatch, error):
    def fail(root, download):
        raise error

    monkeypatch.setattr(torchvision.datasets, "FashionMNIST", fail)
    with pytest.raises(data.DataError, match="can't be downloaded.*--from FOLDER"):
        data.fashion_root(download=True)


def test_a_download_of_something_else_is_never_used(fashion, tmp_path, monkeypatch):
    def download(root, download):
        put(Path(root) / "FashionMNIST" / "raw", {**fashion, NAMES[0]: b"altered on the way"})

    monkeypatch.setattr(torchvision.datasets, "FashionMNIST", download)
    with pytest.raises(data.DataError, match="not on this machine"):
        data.fashion_root(download=True)
    assert not (tmp_path / "user" / "FashionMNIST" / "raw" / NAMES[0]).exists()


def test_fashion_into_a_folder_that_cannot_be_written(fashion, tmp_path):
    put(tmp_path / "debian", fashion)
    (tmp_path / "file").write_text("")
    with pytest.raises(data.DataError, match="can't be put into .*MNIST_COURSE_DATA"):
        data.fashion_root(tmp_path / "file" / "below")


def test_d2l_finds_fashion_where_it_looks(fashion, tmp_path, monkeypatch):
    d2l = types.SimpleNamespace()
    monkeypatch.setitem(sys.modules, "d2l", types.SimpleNamespace(torch=d2l))
    put(tmp_path / "debian", fashion, packed=True)
    data.prepare_d2l_fashion()
    assert held(tmp_path / "data" / "FashionMNIST" / "raw") == fashion
    assert d2l.get_dataloader_workers() == 0


fashion_is_installed = pytest.mark.skipif(
    not data.datasets.DEBIAN_FASHION.is_dir(), reason="Fashion-MNIST is not installed here"
)


@fashion_is_installed
def test_the_real_d2l_loads_the_real_fashion_mnist(tmp_path, monkeypatch):
    from d2l import torch as d2l

    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(d2l, "get_dataloader_workers", d2l.get_dataloader_workers)  # restores it
    monkeypatch.setattr(torchvision.datasets.FashionMNIST, "mirrors", [])  # nowhere to get it from
    data.prepare_d2l_fashion()
    training, test = d2l.load_data_fashion_mnist(256)
    assert (len(training.dataset), len(test.dataset)) == (60_000, 10_000)
    assert training.num_workers == test.num_workers == 0
    images, labels = next(iter(training))
    assert (images.shape, labels.shape) == ((256, 1, 28, 28), (256,))


@fashion_is_installed
def test_the_real_fashion_mnist(tmp_path):
    root = data.fashion_root(tmp_path, data.datasets.DEBIAN_FASHION)
    theirs = torchvision.datasets.FashionMNIST(root, download=False)
    assert torch.bincount(theirs.targets).tolist() == [6000] * 10
    assert theirs.classes[theirs.targets[0]] == "Ankle boot"


def test_there_are_two_datasets():
    for call in (data.load, data.load_all_training):
        with pytest.raises(ValueError, match="'mnist' and 'fashion'"):
            call("cifar")


# --- the split ----------------------------------------------------------------------------


def rows(part):
    """Each image with its label as one row of bytes, sorted."""
    table = torch.cat([part.images.flatten(1), part.labels.byte().unsqueeze(1)], dim=1).numpy()
    return sorted(row.tobytes() for row in table)


def test_training_and_validation_are_all_training_images_each_once(digits):
    assert (len(digits.train), len(digits.validation)) == (55_000, 5_000)
    both = data.Part(
        torch.cat([digits.train.images, digits.validation.images]),
        torch.cat([digits.train.labels, digits.validation.labels]),
    )
    assert rows(both) == rows(data.load_all_training())


def test_the_split_is_stratified_within_one_image(digits):
    shares = torch.bincount(data.load_all_training().labels) / 60_000
    for part in (digits.train, digits.validation):
        assert (torch.bincount(part.labels) - len(part) * shares).abs().max() < 1


def test_the_split_is_the_same_on_every_machine(digits):
    """Stored results were chosen on these very 5,000 images."""
    content = digits.validation.images.numpy().tobytes() + bytes(digits.validation.labels.tolist())
    assert digest(content) == "1ee016c26c436a9595845a24e7cb5c44e9cbc8399415cf2f3803cae7d6a8daa7"


def test_the_split_is_the_same_on_every_call(digits):
    again = data.load()
    for name in ("train", "validation"):
        one, two = getattr(digits, name), getattr(again, name)
        assert torch.equal(one.images, two.images)
        assert torch.equal(one.labels, two.labels)


def test_quick_mode_takes_a_tenth(digits, monkeypatch):
    monkeypatch.setenv("MNIST_COURSE_QUICK", "1")
    quick = data.load()
    assert (len(quick.train), len(quick.validation)) == (5_500, 500)
    assert torch.equal(quick.train.images, digits.train.images[:5_500])
    assert torch.bincount(quick.train.labels).min() > 400
    monkeypatch.setenv("MNIST_COURSE_QUICK", "0")
    assert not runtime.quick()


# --- the sealed test set ------------------------------------------------------------------


def test_the_test_set_is_mnists(tmp_path, capsys):
    test = data.open_test_set("to compare it with torchvision's", folder=tmp_path)
    theirs = torchvision.datasets.MNIST(data.mnist_root(), train=False, download=False)
    assert torch.equal(test.images, theirs.data)
    assert torch.equal(test.labels, theirs.targets)


def test_each_opening_is_recorded_and_counted(small, tmp_path, capsys, monkeypatch):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    reasons = ["to see it once", "mal sehen, wie gut\u2028es ist: 你好"]
    for reason in reasons:
        assert len(data.open_test_set(reason)) == 10
    openings = data.test_openings()
    assert [one["reason"] for one in openings] == reasons
    assert [one["dataset"] for one in openings] == ["mnist", "mnist"]
    assert [one["quick"] for one in openings] == [False, False]
    for one in openings:
        age = datetime.datetime.now().astimezone() - datetime.datetime.fromisoformat(one["time"])
        assert datetime.timedelta(0) <= age < datetime.timedelta(minutes=5)
    first, second = (line for line in capsys.readouterr().out.split("\n") if line)
    assert "1 time" in first
    assert "2 time" in second
    assert reasons[0] in first
    assert data.test_openings(tmp_path) == []


@pytest.mark.parametrize("reason", ["", "   ", "why", None, 5])
def test_no_reason_no_test_set(small, tmp_path, reason):
    with pytest.raises(ValueError, match="why the test set is opened"):
        data.open_test_set(reason, folder=tmp_path)
    assert data.test_openings(tmp_path) == []


def test_an_opening_that_cannot_be_recorded_is_none(small, tmp_path):
    with pytest.raises(data.DataError, match="can't be written.*stays closed"):
        data.open_test_set("to see it once", folder=tmp_path / "nowhere")


def test_a_damaged_record_is_named(small, tmp_path):
    good = json.dumps({"reason": "to see it once"})
    (tmp_path / data.TEST_RECORD).write_text(f"{good}\n{good[:9]}\n")
    with pytest.raises(data.DataError, match="line 2 of .*openings.jsonl is damaged"):
        data.open_test_set("to see it twice", folder=tmp_path)


def opened(folder):
    return [one["reason"] for one in data.test_openings(folder)]


def test_a_record_whose_last_line_has_no_end_loses_nothing(small, tmp_path):
    for reason in ("to see it once", "to see it twice"):
        data.open_test_set(reason, folder=tmp_path)
        record = tmp_path / data.TEST_RECORD
        record.write_text(record.read_text().rstrip("\n"))
    data.open_test_set("to see it again", folder=tmp_path)
    assert opened(tmp_path) == ["to see it once", "to see it twice", "to see it again"]
    assert len((tmp_path / data.TEST_RECORD).read_text().splitlines()) == 3


def test_a_record_with_a_mark_in_front_is_read(small, tmp_path):
    line = json.dumps({"reason": "to see it once"})
    (tmp_path / data.TEST_RECORD).write_bytes(b"\xef\xbb\xbf" + line.encode() + b"\r\n")
    data.open_test_set("to see it twice", folder=tmp_path)
    assert opened(tmp_path) == ["to see it once", "to see it twice"]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "gbk", "utf-8"])
def test_an_opening_succeeds_where_the_output_cannot_show_its_reason(
    small, tmp_path, monkeypatch, encoding
):
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, encoding=encoding))
    reason = "why not 你好 ü \ud83d"  # the last is half a character, which no output can show
    assert len(data.open_test_set(reason, folder=tmp_path)) == 10
    assert opened(tmp_path) == [reason]
    sys.stdout.flush()
    assert b"Reason: why not" in shown.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (json.dumps({"reason": "schön"}, ensure_ascii=False).encode("latin-1"), "save it as UTF-8"),
        (json.dumps({"reason": "to see it"}).encode("utf-16"), "save it as UTF-8"),
        (b"[" * 100_000 + b"\n", "line 1 of .* is damaged"),
        (b'{"reason": ' * 100_000 + b"\n", "line 1 of .* is damaged"),
        (b'{"reason": "once"}\n5\n', "line 2 of .* is damaged"),
        (b"null\n", "line 1 of .* is damaged"),
    ],
)
def test_a_record_that_cannot_be_read_keeps_the_test_set_closed(small, tmp_path, content, words):
    record = tmp_path / data.TEST_RECORD
    record.write_bytes(content)
    for call in (lambda: data.open_test_set("to see it", folder=tmp_path),
                 lambda: data.test_openings(tmp_path)):  # fmt: skip
        with pytest.raises(data.DataError, match=words):
            call()
    assert record.read_bytes() == content


def test_a_record_that_may_not_be_read(small, tmp_path, monkeypatch):
    (tmp_path / data.TEST_RECORD).write_text("")

    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(data.DataError, match="can't be read .Permission denied.*readable"):
        data.open_test_set("to see it", folder=tmp_path)


def test_a_folder_in_place_of_the_record(small, tmp_path):
    (tmp_path / data.TEST_RECORD).mkdir()
    with pytest.raises(data.DataError, match="is not a file"):
        data.open_test_set("to see it", folder=tmp_path)


def test_no_other_function_reads_the_test_set(monkeypatch):
    read = []

    def reading(path, real=data.read_idx):
        read.append(path.name)
        return real(path)

    monkeypatch.setattr(data.datasets, "read_idx", reading)
    data.load()
    data.load_all_training()
    assert set(read) == {"train-images-idx3-ubyte", "train-labels-idx1-ubyte"}


def test_no_other_code_of_the_package_names_the_test_set():
    """Only digests and `open_test_set` know its files; nothing in the package opens it."""
    for path in (ROOT / "mnist_course").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        # node: the name of the function or variable at the top that holds it
        inside: dict[ast.AST, str | None] = {}
        for top in tree.body:
            name = getattr(top, "name", None)
            if isinstance(top, ast.Assign):
                name = ast.unparse(top.targets[0])
            inside.update((node, name) for node in ast.walk(top))
        for node, name in inside.items():
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if node.value.startswith("t10k"):
                    assert (path.parent.name, path.name, name) in {
                        ("data", "datasets.py", "MNIST_DIGESTS"),
                        ("data", "datasets.py", "FASHION_DIGESTS"),
                        ("data", "seal.py", "open_test_set"),
                    }
            if isinstance(node, ast.keyword) and node.arg == "train":
                raise AssertionError(f"{path}: torchvision's switch for the test set")
            if isinstance(node, ast.Attribute | ast.Name):
                assert getattr(node, "attr", getattr(node, "id", "")) != "open_test_set", path


# --- a student's own settings of torch ----------------------------------------------------


def test_data_is_the_same_whatever_torchs_defaults_are(digits, other_default, tmp_path):
    loaded = data.load()
    assert loaded.train.images.device.type == loaded.train.labels.device.type == "cpu"
    assert torch.equal(loaded.validation.images, digits.validation.images)
    assert torch.equal(loaded.validation.labels, digits.validation.labels)
    assert len(data.open_test_set("to see that it loads", folder=tmp_path)) == 10_000


def test_batches_are_the_same_whatever_torchs_defaults_are(few, other_default):
    batches = data.Batches(few.train, 64, shuffle=True, augment=RandomAffine(), seed=1)
    found = torch.cat([images for images, _ in batches])
    torch.set_default_device(None)
    assert found.dtype == torch.get_default_dtype()  # that of a network's new weights
    torch.set_default_dtype(torch.float32)
    batches = data.Batches(few.train, 64, shuffle=True, augment=RandomAffine(), seed=1)
    expected = torch.cat([images for images, _ in batches])
    torch.testing.assert_close(found.float(), expected, atol=1e-5, rtol=1e-5)


# --- tensors ------------------------------------------------------------------------------


def test_scale_and_normalise():
    images = torch.tensor([0, 51, 255], dtype=torch.uint8).reshape(1, 1, 3)
    scaled = data.scale(images)
    assert scaled.shape == (1, 1, 1, 3)
    assert scaled.dtype == torch.float32
    torch.testing.assert_close(scaled.flatten(), torch.tensor([0, 0.2, 1]))
    torch.testing.assert_close(
        data.normalise(scaled).flatten(), (torch.tensor([0, 0.2, 1]) - 0.1307) / 0.3081
    )
    assert data.normalise(scaled, 0.5, 0.5).max() == 1


def test_scale_refuses_what_was_scaled_already():
    with pytest.raises(TypeError, match="bytes.*got torch.float32"):
        data.scale(torch.zeros(1, 28, 28))


def test_scale_refuses_a_picture_that_is_too_large_for_a_network():
    with pytest.raises(ValueError, match=r"has 280 × 280. drawing.from_picture"):
        data.scale(torch.zeros(1, 280, 280, dtype=torch.uint8))


def test_a_part_is_cut_by_slices_and_indices(few):
    part = few.train
    assert len(part) == 200
    for index in (slice(3, 9), torch.tensor([7, 0, 7]), part.labels == 4):
        cut = part[index]
        assert torch.equal(cut.images, part.images[index])
        assert torch.equal(cut.labels, part.labels[index])


def test_batches_are_the_images_in_order(few):
    part = few.train
    batches = data.Batches(part, 64)
    assert len(batches) == 4
    for _ in range(2):  # each pass is the same
        start = 0
        for images, labels in batches:
            assert len(images) == len(labels) == min(64, 200 - start)
            assert (images.dtype, labels.dtype) == (torch.float32, torch.int64)
            by_hand = (part.images[start : start + 64, None].float() / 255 - 0.1307) / 0.3081
            torch.testing.assert_close(images, by_hand)
            assert torch.equal(labels, part.labels[start : start + 64])
            start += len(labels)
        assert start == 200


def numbered(count):
    """Images that carry their own number in the first pixel."""
    images = torch.zeros(count, 28, 28, dtype=torch.uint8)
    images[:, 0, 0] = torch.arange(count)
    return data.Part(images, torch.arange(count))


def orders(seed, passes=3):
    batches = data.Batches(numbered(100), 32, shuffle=True, seed=seed)
    return [torch.cat([labels for _, labels in batches]).tolist() for _ in range(passes)]


def test_shuffled_batches_hold_each_image_once_in_a_new_order_each_pass():
    first, second, third = orders(seed=5)
    assert sorted(first) == sorted(second) == sorted(third) == list(range(100))
    assert first != second != third != first != list(range(100))
    assert orders(seed=5) == [first, second, third]
    assert orders(seed=6)[0] != first


@pytest.mark.parametrize("shuffle", [True, False])
def test_batches_of_chosen_images(shuffle):
    batches = data.Batches(numbered(100), 32, shuffle=shuffle)
    assert len(batches) == 4
    batches.chosen = torch.arange(10, 80)
    assert len(batches) == 3
    places = []
    for _, labels in batches:
        assert torch.equal(labels, batches.part.labels[batches.indices])
        places += batches.indices.tolist()
    assert sorted(places) == list(range(10, 80))
    assert (places == sorted(places)) != shuffle


def test_images_stay_with_their_labels_when_shuffled():
    for images, labels in data.Batches(numbered(100), 32, shuffle=True, normalisation=(0, 1)):
        assert torch.equal((images[:, 0, 0, 0] * 255).round().long(), labels)


def test_batches_leave_the_global_stream_alone(few):
    before = torch.get_rng_state()
    list(data.Batches(few.train, 64, shuffle=True, augment=RandomAffine(), seed=1))
    assert torch.equal(torch.get_rng_state(), before)


def test_augmentation_comes_between_scaling_and_normalising(few):
    seen = []

    def augment(images, generator):
        seen.append((images.min().item(), images.max().item(), generator))
        return images * 0

    batches = data.Batches(few.train, 100, augment=augment)
    for images, _ in batches:
        torch.testing.assert_close(images, torch.full_like(images, -0.1307 / 0.3081))
    assert seen == [(0, 1, batches.generator)] * 2


def test_augmented_batches_follow_their_seed(few):
    def pixels(seed):
        batches = data.Batches(few.train, 64, shuffle=True, augment=RandomAffine(), seed=seed)
        return torch.cat([images for images, _ in batches])

    assert torch.equal(pixels(1), pixels(1))
    assert not torch.equal(pixels(1), pixels(2))


def test_batches_live_on_the_device_that_was_named(few):
    batches = data.Batches(few.train, 64, shuffle=True, augment=RandomAffine(), device="meta")
    assert batches.part.images.device.type == "meta"
    shapes = [(images.device.type, labels.device.type, len(images)) for images, labels in batches]
    assert shapes == [("meta", "meta", size) for size in (64, 64, 64, 8)]


@pytest.mark.parametrize(("size", "count"), [(0, 10), (-1, 10), (2.5, 10), ("8", 10), (32, 0)])
def test_batches_of_nothing(few, size, count):
    with pytest.raises(ValueError, match="need at least 1"):
        data.Batches(few.train[:count], size)


@pytest.mark.parametrize("deviation", [0, 0.0, -1.0, float("nan")])
def test_batches_that_would_be_divided_by_nothing(few, deviation):
    with pytest.raises(ValueError, match="a standard deviation is above 0"):
        data.Batches(few.train, 10, normalisation=(0.1, deviation))
