"""From stored bytes to what a network sees: scaled, augmented, normalised, in batches."""

import torch

MEAN, DEVIATION = 0.1307, 0.3081  # of MNIST's training pixels in 0..1; lesson 01 computes them
NORMALISATION = (MEAN, DEVIATION)
SIDE = 28  # of MNIST's images, in pixels


def scale(images):
    """Bytes to network input: uint8 (N, 28, 28) in 0..255 to float32 (N, 1, 28, 28) in 0..1.

    After `torch.set_default_dtype` it is that dtype, as the weights of a new network are.
    Raises TypeError for anything but bytes: a float image was probably scaled already. Raises
    ValueError for larger images, which some networks would answer all the same.
    """
    if images.dtype != torch.uint8:
        raise TypeError(f"scale expects bytes (torch.uint8), got {images.dtype}")
    if max(images.shape[-2:], default=0) > SIDE:
        raise ValueError(
            f"these networks read images of {SIDE} × {SIDE} pixels, and this one has "
            f"{' × '.join(map(str, images.shape[-2:]))}. drawing.from_picture, as in lesson 08, "
            "makes such an image of a picture of any size"
        )
    return images.unsqueeze(1).to(torch.get_default_dtype()) / 255


def normalise(images, mean=MEAN, deviation=DEVIATION):
    """Subtract the mean and divide by the standard deviation; float images in 0..1, any shape."""
    return (images - mean) / deviation


class Batches:
    """Batches from memory: iterate for (images, labels).

    part: the images, kept as bytes on `device`; batch_size: images a batch (the last may be
    smaller); shuffle: a new order in each pass; augment: called with float images in 0..1
    and a generator; seed: where the random order and the augmentation start; normalisation: mean
    and standard deviation of pixels in 0..1; dtype: of the images that come out, by default that
    of `scale`.
    Yields float32 (B, 1, 28, 28), normalised, and int64 (B,). There are no worker processes,
    because a batch is a single indexing call.
    Attributes: chosen, indices of the images that a pass shows, at first of all; indices, those of
    the latest batch.
    Raises ValueError when there is nothing to make a batch of, or for a deviation of 0.
    """

    def __init__(
        self, part, batch_size, shuffle=False, augment=None, seed=0, device="cpu",
        normalisation=NORMALISATION, dtype=None,
    ):  # fmt: skip
        if not isinstance(batch_size, int) or batch_size < 1 or len(part) == 0:
            raise ValueError(
                f"batches of {batch_size!r} from {len(part)} images: need at least 1 of each, whole"
            )
        self.mean, self.deviation = normalisation
        if not self.deviation > 0:
            raise ValueError(f"a standard deviation is above 0, got {self.deviation}")
        self.part = part.to(device)
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.augment = augment
        self.dtype = dtype
        # On the CPU whatever torch's default device is: so a seed gives the same order everywhere.
        self.generator = torch.Generator("cpu").manual_seed(seed)
        self.chosen = torch.arange(len(part), device="cpu")
        self.indices = self.chosen[:0]

    def __len__(self):
        return -(-len(self.chosen) // self.batch_size)

    def __iter__(self):
        order = self.chosen
        if self.shuffle:
            order = order[torch.randperm(len(order), generator=self.generator, device="cpu")]
        # Moved at once, because each move lets the processor wait for the device.
        for indices in order.to(self.part.images.device).split(self.batch_size):
            self.indices = indices
            batch = self.part[indices]
            images = scale(batch.images).to(dtype=self.dtype)
            if self.augment is not None:
                images = self.augment(images, self.generator)
            yield normalise(images, self.mean, self.deviation), batch.labels
