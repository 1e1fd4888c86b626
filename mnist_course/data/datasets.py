"""MNIST and Fashion-MNIST: where they lie, the images as tensors, the fixed split."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from mnist_course import runtime
from mnist_course.data.files import DataError, read_idx, search, unpack

PACKAGED_MNIST = Path(__file__).parent / "mnist"
# `mnist-course data fashion` fills it
REPOSITORY_DATA = Path(__file__).parent.parent.parent / "data"
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

FASHION_HOME = "https://github.com/zalandoresearch/fashion-mnist"
OTHER_FOLDER = (
    "Make room or get write permission there, or name another folder in MNIST_COURSE_DATA."
)


@cache
def _checked_mnist(root):
    try:
        missing = unpack([PACKAGED_MNIST], MNIST_DIGESTS, root / "MNIST" / "raw")
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


def fashion_sources():
    """Folders in which Fashion-MNIST may lie, in the order in which they are tried."""
    places = [
        runtime.data_folder(), Path("data"), Path("../data"), REPOSITORY_DATA, DEBIAN_FASHION,
    ]  # fmt: skip
    return [place / inner for place in places for inner in (".", "FashionMNIST/raw")]


def fashion_root(root=None, folder=None, download=False):
    """The folder in which `torchvision.datasets.FashionMNIST(root)` finds Fashion-MNIST.

    Copies the files to `root`, each verified by SHA-256. They are taken from `folder`, where
    they may have any names and lie in subfolders, or else from `fashion_sources()`.
    With `download=True`, and no `folder`, torchvision fetches what is still missing.
    Raises DataError when the dataset is not to be had.
    """
    root = Path(root) if root else runtime.data_folder()
    folder = Path(folder).resolve() if folder else None
    if folder and not folder.is_dir():
        raise DataError(f"there is no folder {folder}")
    raw = root / "FashionMNIST" / "raw"
    near = [folder, folder / "FashionMNIST" / "raw"] if folder else []
    try:
        missing = unpack([*near, *fashion_sources()], FASHION_DIGESTS, raw)
        if missing and folder:
            found = search(folder, {name: FASHION_DIGESTS[name] for name in missing})
            for name, content in found.items():
                runtime.write_whole(raw / name, content)
            missing = [name for name in missing if name not in found]
        elif missing and download:
            _download_fashion(root)
            missing = unpack([raw], FASHION_DIGESTS, raw)
    except OSError as error:
        raise DataError(
            f"Fashion-MNIST can't be put into {root}: {error.strerror or error}. {OTHER_FOLDER}"
        ) from error
    if missing and folder:
        raise DataError(
            f"no file in {folder} or its subfolders is Fashion-MNIST's {', '.join(missing)}, "
            "under any name: it is missing there, damaged, or still in a .zip. Unpack archives, "
            f"or get the file from {FASHION_HOME} again"
        )
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
            f"{FASHION_HOME} on another machine and type: "
            f"{runtime.command('data fashion --from FOLDER')}"
        ) from error


def prepare_d2l_fashion():
    """Let `d2l.load_data_fashion_mnist` work here: no download, no worker processes.

    That function has the folder `../data` and four workers built in. So the verified files are
    put into `../data`, and d2l is told to use no workers, because on Windows and macOS each of
    them starts a new Python, which takes longer than reading the data.
    """
    from d2l import torch as d2l

    fashion_root(Path("../data"))
    d2l.get_dataloader_workers = lambda: 0


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


def _dataset(name):
    """Root folder, torchvision's folder name and digests of a dataset."""
    if name == "mnist":
        return mnist_root(), "MNIST", MNIST_DIGESTS
    if name == "fashion":
        return fashion_root(), "FashionMNIST", FASHION_DIGESTS
    raise ValueError(f"no dataset {name!r}; there are 'mnist' and 'fashion'")


def read_part(prefix, name):
    """The images and labels in the files of a dataset that begin with `prefix`, as a `Part`."""
    root, dataset, digests = _dataset(name)
    raw = root / dataset / "raw"
    images, labels = (read_idx(raw / file) for file in digests if file.startswith(prefix))
    # On the CPU whatever torch's default device is: from here `Batches` moves them.
    return Part(
        torch.tensor(images, device="cpu"), torch.tensor(labels, dtype=torch.int64, device="cpu")
    )


def load(name="mnist"):
    """The training images of `mnist` or `fashion`, as `Digits`: 55,000 and 5,000.

    The split is stratified and fixed: the same on every machine. In quick mode a tenth of
    each. Raises DataError when the dataset is missing.
    """
    from sklearn.model_selection import StratifiedShuffleSplit

    whole = read_part("train", name)
    splitter = StratifiedShuffleSplit(n_splits=1, test_size=5000, random_state=0)
    train, validation = next(splitter.split(whole.labels, whole.labels))
    digits = Digits(whole[torch.from_numpy(train)], whole[torch.from_numpy(validation)])
    if runtime.quick():
        digits = Digits(digits.train[:5500], digits.validation[:500])
    return digits


def load_all_training(name="mnist"):
    """All 60,000 training images as one `Part`, in their original order."""
    return read_part("train", name)
