"""The datasets: find, unpack, verify, split, batch; and the sealed test set.

All of MNIST ships with the package, so nothing here needs a network.
"""

import datetime
import gzip
import hashlib
import json
import math
import struct
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch

from mnist_course import runtime

PACKAGED_MNIST = Path(__file__).parent / "mnist"
REPOSITORY_DATA = Path(__file__).parent.parent / "data"  # `mnist-course data fashion` fills it
DEBIAN_FASHION = Path("/usr/share/datasets/fashion-mnist")

# SHA-256 of the uncompressed IDX files
MNIST_DIGESTS = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
FASHION_DIGESTS = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}

DIGIT_NAMES = tuple("0123456789")
FASHION_NAMES = (
    "T-shirt", "trouser", "pullover", "dress", "coat",
    "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip


class DataError(runtime.CourseError):
    """A dataset is missing or damaged; the message says what to do."""


# --- files --------------------------------------------------------------------------------


def read_idx(path):
    """Read an IDX file of unsigned bytes, compressed (.gz) or not, as a uint8 array.

    Raises DataError when the file is truncated or is something else.
    Source of the format: http://yann.lecun.com/exdb/mnist/
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} can't be read ({error})") from error
    if len(content) < 4 or content[:3] != b"\0\0\x08" or len(content) < 4 + 4 * content[3]:
        raise DataError(f"{path} is not an IDX file of bytes: it starts with {content[:4]!r}")
    axes = content[3]
    shape = struct.unpack(f">{axes}I", content[4 : 4 + 4 * axes])
    data = np.frombuffer(content, np.uint8, offset=4 + 4 * axes)
    if data.size != math.prod(shape):
        raise DataError(
            f"{path} is truncated or altered: its header promises {shape}, it has {data.size} bytes"
        )
    return data.reshape(shape)


def _digest(content):
    return hashlib.sha256(content).hexdigest()


def _set_aside(path, content):
    """Keep what a damaged or foreign file held under another name beside it."""
    for number in range(1, 1000):
        aside = path.with_name(f"{path.name}.damaged-{number}")
        if not aside.exists():
            runtime.write_whole(aside, content)
            return aside
    raise DataError(f"{path.parent} holds a thousand damaged copies of {path.name}: delete them")


def _unpack(sources, digests, raw):
    """Fill the folder `raw` with verified files, each from the first of `sources` that has it.

    Files already there with the right digest stay. One with a wrong digest is set aside,
    with a line that says so, and replaced; in one step, so that another notebook that does
    the same never finds it missing. Returns the names that no source could provide.
    """
    missing = []
    for name, digest in digests.items():
        target = raw / name
        found = target.read_bytes() if target.exists() else None
        if found is not None and _digest(found) == digest:
            continue
        content = _first_good(sources, name, digest, target)
        if found is not None:
            aside = _set_aside(target, found)
            print(f"{target} was damaged or is another file: set aside as {aside.name}")
        if content is None:
            target.unlink(missing_ok=True)
            missing.append(name)
        else:
            runtime.write_whole(target, content)
    return missing


def _first_good(sources, name, digest, target):
    for folder in sources:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.resolve() == target.resolve() or not path.is_file():
                continue
            try:
                content = path.read_bytes()
                if path.suffix == ".gz":
                    content = gzip.decompress(content)
            except (OSError, EOFError, zlib.error):
                content = b""
            if _digest(content) == digest:
                return content
            print(f"{path} is damaged or another file: passed over")
    return None


OTHER_FOLDER = (
    "Make room or get write permission there, or name another folder in MNIST_COURSE_DATA."
)


@cache
def _checked_mnist(root):
    try:
        missing = _unpack([PACKAGED_MNIST], MNIST_DIGESTS, root / "MNIST" / "raw")
    except OSError as error:
        raise DataError(
            f"MNIST can't be unpacked into {root}: {error.strerror or error}. {OTHER_FOLDER}"
        ) from error
    if missing:
        raise DataError(
            f"the package's own copy of {', '.join(missing)} is damaged. Install it again: "
            "make setup"
        )
    return root


def mnist_root(root=None):
    """The folder in which `torchvision.datasets.MNIST(root, download=False)` finds MNIST.

    Unpacks the package's copy on first use and checks every file by SHA-256, once a process.
    """
    return _checked_mnist(Path(root).resolve() if root else runtime.data_folder())


def fashion_sources(folder=None):
    """Folders in which Fashion-MNIST may lie, in the order in which they are tried."""
    named = [Path(folder)] if folder else []
    near = [Path("data"), Path("../data"), REPOSITORY_DATA]
    places = [*named, runtime.data_folder(), *near, DEBIAN_FASHION]
    return [place / inner for place in places for inner in (".", "FashionMNIST/raw")]


def fashion_root(root=None, folder=None, download=False):
    """The folder in which `torchvision.datasets.FashionMNIST(root)` finds Fashion-MNIST.

    Looks in `fashion_sources(folder)`, verifies each file by SHA-256 and copies it to `root`.
    With `download=True` torchvision fetches what is still missing, with a progress bar.
    Raises DataError when the dataset is not to be had.
    """
    root = Path(root) if root else runtime.data_folder()
    if folder and not Path(folder).is_dir():
        raise DataError(f"there is no folder {folder}")
    raw = root / "FashionMNIST" / "raw"
    try:
        missing = _unpack(fashion_sources(folder), FASHION_DIGESTS, raw)
        if missing and download:
            _download_fashion(root)
            missing = _unpack([raw], FASHION_DIGESTS, raw)
    except OSError as error:
        raise DataError(
            f"Fashion-MNIST can't be put into {root}: {error.strerror or error}. {OTHER_FOLDER}"
        ) from error
    if missing:
        raise DataError(
            f"Fashion-MNIST is not on this machine. Type: {runtime.command('data fashion')} "
            "(with the files in a folder add: --from FOLDER)"
        )
    return root


def _download_fashion(root):
    import torchvision

    try:
        torchvision.datasets.FashionMNIST(root, download=True)
    except (RuntimeError, OSError) as error:
        raise DataError(
            f"Fashion-MNIST can't be downloaded ({error}). Get its four .gz files from "
            "https://github.com/zalandoresearch/fashion-mnist on another machine and type: "
            f"{runtime.command('data fashion --from FOLDER')}"
        ) from error


def prepare_d2l_fashion():
    """Let `d2l.load_data_fashion_mnist` work here: no download, no worker processes.

    That function has `../data` and four workers built in. So the verified files are put into
    `../data`, and d2l is told to use none: on Windows and macOS workers start a new Python
    each, which takes longer than reading the data.
    """
    from d2l import torch as d2l

    fashion_root(Path("../data"))
    d2l.get_dataloader_workers = lambda: 0


# --- tensors ------------------------------------------------------------------------------

MEAN, DEVIATION = 0.1307, 0.3081  # of MNIST's training pixels in 0..1; lesson 01 computes them


def scale(images):
    """Bytes to network input: uint8 (N, 28, 28) in 0..255 to float32 (N, 1, 28, 28) in 0..1.

    Raises TypeError for any other dtype: a float image was probably scaled already.
    """
    if images.dtype != torch.uint8:
        raise TypeError(f"scale expects bytes (torch.uint8), got {images.dtype}")
    return images.unsqueeze(1).float() / 255


def normalise(images, mean=MEAN, deviation=DEVIATION):
    """Subtract the mean and divide by the standard deviation; float images in 0..1, any shape."""
    return (images - mean) / deviation


@dataclass(frozen=True)
class Part:
    """Images and labels that belong together: one part of a dataset.

    images: uint8 (N, 28, 28) in 0..255; labels: int64 (N,) in 0..9.
    """

    images: torch.Tensor
    labels: torch.Tensor

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        """The part of the images that a slice or a tensor of indices names."""
        return Part(self.images[index], self.labels[index])

    def to(self, device):
        return Part(self.images.to(device), self.labels.to(device))


@dataclass(frozen=True)
class Digits:
    """What a lesson learns from and what it chooses on. The test set is not in it."""

    train: Part  # 55,000 images
    validation: Part  # 5,000 images, stratified: each digit's share is the same


def _load_part(prefix, root, dataset, digests):
    raw = root / dataset / "raw"
    images, labels = (read_idx(raw / name) for name in digests if name.startswith(prefix))
    return Part(torch.tensor(images), torch.tensor(labels, dtype=torch.int64))


def _dataset(name):
    """Root folder, torchvision's folder name and digests of a dataset."""
    if name == "mnist":
        return mnist_root(), "MNIST", MNIST_DIGESTS
    if name == "fashion":
        return fashion_root(), "FashionMNIST", FASHION_DIGESTS
    raise ValueError(f"no dataset {name!r}; there are 'mnist' and 'fashion'")


def load(name="mnist"):
    """The training images of `mnist` or `fashion`, as `Digits`: 55,000 and 5,000.

    The split is stratified and fixed: the same on every machine. In quick mode a tenth of
    each. Raises DataError when the dataset is missing.
    """
    from sklearn.model_selection import StratifiedShuffleSplit

    whole = _load_part("train", *_dataset(name))
    splitter = StratifiedShuffleSplit(n_splits=1, test_size=5000, random_state=0)
    train, validation = next(splitter.split(whole.labels, whole.labels))
    digits = Digits(whole[torch.from_numpy(train)], whole[torch.from_numpy(validation)])
    if runtime.quick():
        digits = Digits(digits.train[:5500], digits.validation[:500])
    return digits


def load_all_training(name="mnist"):
    """All 60,000 training images as one `Part`, in their original order."""
    return _load_part("train", *_dataset(name))


TEST_RECORD = "test-set-openings.jsonl"


def open_test_set(reason, name="mnist", folder=None):
    """Break the seal: the 10,000 test images as a `Part`, and a line in the record.

    Each opening is added to the file `test-set-openings.jsonl` beside your work (or in
    `folder`), with its time and your reason, and the number of openings so far is printed. A
    test set that is looked at often is a second validation set.
    Raises ValueError without a reason (at least two words), and DataError when the record can't
    be kept: an opening that nobody could count is no opening.
    """
    if not isinstance(reason, str) or len(reason.split()) < 2:
        raise ValueError("say in a few words why the test set is opened; it can be used once only")
    test = _load_part("t10k", *_dataset(name))
    openings = test_openings(folder)
    line = {
        "time": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "dataset": name,
        "reason": reason,
        "quick": runtime.quick(),
    }
    record = Path(folder or runtime.work_folder()) / TEST_RECORD
    try:
        with record.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    except OSError as error:
        raise DataError(
            f"the record {record} can't be written ({error.strerror or error}), so the test set "
            "stays closed. Work in a folder in which you may write."
        ) from error
    print(f"Test set opened, {len(openings) + 1} time(s) in this folder so far. Reason: {reason}")
    return test


def test_openings(folder=None):
    """The record of openings in a folder (default: the work folder), a list of dicts.

    Raises DataError when a line of it is damaged.
    """
    record = Path(folder or runtime.work_folder()) / TEST_RECORD
    if not record.is_file():
        return []
    openings = []
    for number, line in enumerate(record.read_text(encoding="utf-8").split("\n"), start=1):
        try:
            openings += [json.loads(line)] if line.strip() else []
        except ValueError as error:
            raise DataError(
                f"line {number} of {record} is damaged: mend it, or give the file another name"
            ) from error
    return openings


class Batches:
    """Batches from memory: iterate for (images, labels).

    part: the images, kept as bytes on `device`; batch_size: images a batch (the last may be
    smaller); shuffle: a new order in each pass; augment: called with float images in 0..1
    and a generator; seed: the order and the augmentation start from it; normalisation: mean
    and standard deviation of pixels in 0..1.
    Yields float32 (B, 1, 28, 28), normalised, and int64 (B,). No worker processes: a batch is
    one indexing call.
    """

    def __init__(
        self, part, batch_size, shuffle=False, augment=None, seed=0, device="cpu",
        normalisation=(MEAN, DEVIATION),
    ):  # fmt: skip
        if batch_size < 1 or len(part) == 0:
            raise ValueError(f"batches of {batch_size} from {len(part)} images: need at least 1")
        self.part = part.to(device)
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.augment = augment
        self.mean, self.deviation = normalisation
        self.generator = torch.Generator().manual_seed(seed)

    def __len__(self):
        return -(-len(self.part) // self.batch_size)

    def __iter__(self):
        order = torch.arange(len(self.part))
        if self.shuffle:
            order = torch.randperm(len(self.part), generator=self.generator)
        for indices in order.split(self.batch_size):
            batch = self.part[indices.to(self.part.images.device)]
            images = scale(batch.images)
            if self.augment is not None:
                images = self.augment(images, self.generator)
            yield normalise(images, self.mean, self.deviation), batch.labels
