"""Multi-formation: each stored image holds tiles that become images of full size."""

from __future__ import annotations

import dataclasses

import numpy as np
from keras import ops

from keras_isa.inputs.axes import kind_of
from keras_isa.ops.arguments import true_or_false, whole_number
from keras_isa.parametrizations.base import Parametrization
from keras_isa.parametrizations.resizing import enlarging, shrinking, tile_starts

MOST_TILES = 8


@dataclasses.dataclass(frozen=True)
class MultiFormation(Parametrization):
    """Each stored image holds `factor` x `factor` tiles, each of them an image of full size.

    Tiles are enlarged bilinearly. Where a side cannot be divided they overlap. A set starts from
    `factor**2` real images for each stored one, averaged down to tiles. Source: Kim et al.,
    "Dataset Condensation via Efficient Synthetic-Data Parameterization" (IDC); the overlap and
    labels for each tile are ours.

    Args:
        factor: Tiles along each side, 2 to 8.
        shared_labels: Whether all tiles of a stored image have one label; else each has its own.

    Raises:
        TypeError, ValueError: If an argument has the wrong type or is out of range.

    Example:

    >>> from keras_isa.parametrizations import MultiFormation
    >>> tiles = MultiFormation(2)
    >>> tiles.shapes((28, 28, 1), 10, (1,) * 10)
    {'images': (10, 28, 28, 1), 'labels': (40, 10)}
    """

    factor: int
    shared_labels: bool = False

    def __post_init__(self) -> None:
        if not 2 <= whole_number("factor", self.factor) <= MOST_TILES:
            raise ValueError(f"`factor` must be 2 to {MOST_TILES}. Received: factor={self.factor}")
        true_or_false("shared_labels", self.shared_labels)

    def __str__(self) -> str:
        return f"multi_formation:{self.factor}" + (":shared" if self.shared_labels else "")

    def check(self, image_shape, num_rows):
        if len(image_shape) != 3 or min(image_shape[:2]) < 2 * self.factor:
            raise ValueError(
                f"`parametrization` must suit the images: {self} needs images of at least "
                f"{2 * self.factor} pixels a side. Received: {kind_of(image_shape)} of shape "
                f"{tuple(image_shape)}"
            )

    def rows(self, counts):
        return tuple(count * self.factor**2 for count in counts)

    def shapes(self, image_shape, num_classes, counts):
        rows = sum(counts)
        labels = rows if self.shared_labels else rows * self.factor**2
        return {"images": (rows, *image_shape), "labels": (labels, num_classes)}

    def decode(self, stored, image_shape):
        down, across = (self._out_of_tiles(size) for size in image_shape[:2])
        tiles = ops.einsum("iph,nhwc->nipwc", down, stored["images"])
        tiles = ops.einsum("jqw,nipwc->nijpqc", across, tiles)
        images = ops.reshape(tiles, (-1, *image_shape))
        labels = ops.convert_to_tensor(stored["labels"])
        return images, ops.repeat(labels, self.factor**2, axis=0) if self.shared_labels else labels

    def encode(self, images, labels):
        image_shape, tiles = images.shape[1:], self.factor**2
        down, across = (self._into_tiles(size) for size in image_shape[:2])
        images = images.reshape(-1, self.factor, self.factor, *image_shape)
        packed = np.einsum("ihp,jwq,nijpqc->nhwc", down, across, images, optimize=True)
        if self.shared_labels:
            labels = labels.reshape(-1, tiles, labels.shape[1]).mean(axis=1)
        return {"images": packed.astype("float32"), "labels": labels}

    def _out_of_tiles(self, size: int) -> np.ndarray:
        """For each tile along an axis the matrix from the stored image to one of full size."""
        tile, starts = tile_starts(size, self.factor)
        matrices = np.zeros((self.factor, size, size), "float32")
        for matrix, start in zip(matrices, starts, strict=True):
            matrix[:, start : start + tile] = enlarging(tile, size)
        return matrices

    def _into_tiles(self, size: int) -> np.ndarray:
        """For each tile the matrix from an image of full size to its part of the stored one."""
        tile, starts = tile_starts(size, self.factor)
        matrices = np.zeros((self.factor, size, size), "float32")
        for matrix, start in zip(matrices, starts, strict=True):
            matrix[start : start + tile] = shrinking(size, tile)
        # A pixel of several tiles takes their mean.
        covered = (matrices != 0).any(axis=2).sum(axis=0)
        return matrices / covered[:, None]
