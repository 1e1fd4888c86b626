"""Random changes to training images, a whole batch at a time, on whatever device it is."""

import math
from dataclasses import dataclass

import torch
from torch.nn import functional as F

INTERPOLATIONS = ("bilinear", "nearest")


@dataclass(frozen=True)
class RandomAffine:
    """A random affine map for each image of a batch: rotate, shift, scale, shear.

    Called with square images, float (N, C, H, H), background 0; returns the same shape and
    dtype. Raises TypeError for bytes, and ValueError for settings that can't work.
    Every image gets its own map, drawn anew at each call. A single call of `grid_sample` moves
    the whole batch, so augmentation costs about as much as a convolution and needs no worker
    processes.
    Source of the idea: Simard, Steinkraus & Platt (2003), section 2.
    """

    degrees: float = 10.0  # rotation from -degrees to +degrees
    shift: float = 0.1  # share of the image's side, each way
    scale: float = 0.1  # size from 1 - scale to 1 + scale
    shear: float = 0.1  # sideways pixels for each pixel of height
    interpolation: str = "bilinear"  # or "nearest", which takes over one pixel's value unmixed

    def __post_init__(self):
        for name in ("degrees", "shift", "scale", "shear"):
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not (number and 0 <= value < math.inf):
                raise ValueError(f"{name} must be a number from 0 on, got {value!r}")
        if not self.scale < 1:
            raise ValueError(f"scale must be below 1, or an image vanishes; got {self.scale}")
        if self.interpolation not in INTERPOLATIONS:
            raise ValueError(
                f"no interpolation {self.interpolation!r}; there are {', '.join(INTERPOLATIONS)}"
            )

    def __call__(self, images, generator=None):
        if not images.is_floating_point():
            raise TypeError(f"RandomAffine expects float images (data.scale), got {images.dtype}")
        matrices = self.matrices(len(images), generator)
        return move(images, matrices.to(images.device, images.dtype), self.interpolation)

    def matrices(self, count, generator=None):
        """Random maps from output to input coordinates (-1 to 1), float32 (count, 2, 3)."""
        # Drawn on the CPU in float32 whatever torch's defaults are, so that a seed means the same.
        draws = torch.rand(count, 5, generator=generator, device="cpu", dtype=torch.float32)
        draws = draws * 2 - 1  # from -1 to 1
        angle, size, shear, right, down = draws.unbind(1)
        return affine_matrices(
            angle * math.radians(self.degrees), 1 + size * self.scale, shear * self.shear,
            right * self.shift, down * self.shift,
        )  # fmt: skip


@dataclass(frozen=True)
class MirroredAffine(RandomAffine):
    """`RandomAffine`, after a random share of the images was mirrored, left to right."""

    mirrored: float = 0.5  # share of the images, from 0 to 1

    def __post_init__(self):
        super().__post_init__()
        if not 0 <= self.mirrored <= 1:
            raise ValueError(f"mirrored is a share from 0 to 1, got {self.mirrored!r}")

    def __call__(self, images, generator=None):
        draws = torch.rand(len(images), generator=generator, device="cpu", dtype=torch.float32)
        return super().__call__(mirror(images, draws < self.mirrored), generator)


def affine_matrices(angle, size, shear, left, up):
    """Maps from output to input coordinates (-1 to 1), float32 (N, 2, 3).

    Each argument float32 (N,). angle: rotation in radians, counter-clockwise; size: 1 keeps it;
    shear: sideways pixels for each pixel of height; left, up: shift as a share of the side.
    """
    cosine, sine = torch.cos(angle) / size, torch.sin(angle) / size
    # An image side is 2 long in these coordinates, so a share of it counts twice.
    left, up = 2 * left, 2 * up
    top = torch.stack([cosine, cosine * shear - sine, left], dim=1)
    bottom = torch.stack([sine, sine * shear + cosine, up], dim=1)
    return torch.stack([top, bottom], dim=1)


def shift(images, right, down):
    """Every image moved by whole pixels: (..., H, W) of any dtype; what comes in is 0.

    right, down: whole numbers of pixels; negative ones move to the left and up. Shift bytes, or
    pixels from 0 to 1: in normalised images the background is not 0.
    """
    height, width = images.shape[-2:]
    shifted = torch.zeros_like(images)
    rows = slice(max(0, down), max(0, height + min(0, down)))
    columns = slice(max(0, right), max(0, width + min(0, right)))
    from_rows = slice(max(0, -down), max(0, height - max(0, down)))
    from_columns = slice(max(0, -right), max(0, width - max(0, right)))
    shifted[..., rows, columns] = images[..., from_rows, from_columns]
    return shifted


def mirror(images, flags):
    """Mirror some images, left to right: (N, C, H, W) of any dtype, and bool (N,) for which."""
    return torch.where(flags.to(images.device)[:, None, None, None], images.flip(-1), images)


def move(images, matrices, interpolation="bilinear"):
    """Each image by its own affine map: float (N, C, H, H), maps (N, 2, 3) of the same dtype.

    interpolation: "bilinear" mixes the four pixels around a place, "nearest" takes the closest.
    """
    side = images.shape[-1]
    places = torch.arange(side, device=images.device, dtype=torch.float32)
    centres = (2 * places + 1) / side - 1  # of the pixels
    rows, columns = torch.meshgrid(centres, centres, indexing="ij")
    pixels = torch.stack([columns, rows, torch.ones_like(rows)]).flatten(1).to(images.dtype)
    # One product for the whole batch: F.affine_grid makes one for each image, and takes about
    # twenty times as long.
    grid = matrices.flatten(0, 1) @ pixels  # N * 2, H * H
    grid = grid.view(-1, 2, side, side).permute(0, 2, 3, 1)  # N, H, H, 2
    return F.grid_sample(images, grid, mode=interpolation, align_corners=False)
