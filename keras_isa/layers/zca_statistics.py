"""Mean, covariance and whitening factors of images, on the host in float64."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_isa.layers.pixel_statistics import channel_statistics
from keras_isa.memory import check_memory
from keras_isa.types import Tensor

# The least number of rows that are multiplied at a time. With fewer, adding up their products takes
# longer than computing them.
_PRODUCT_ROWS = 2048


class Whitening(NamedTuple):
    """The arrays of a whitening of d pixels with k directions whose factor is not 1."""

    channel_mean: np.ndarray
    """`(C,)`."""
    channel_std: np.ndarray
    """`(C,)`."""
    mean: np.ndarray
    """Mean standardised image, of the shape of an image."""
    eigenvectors: np.ndarray
    """`(d, k)`, orthonormal columns."""
    scale: np.ndarray
    """`(k,)` factors along them."""


def space_to_blocks(images: Tensor, blocks: int, xp: Any = np) -> Tensor:
    """Divides images into interleaved smaller ones that have every `blocks`-th pixel.

    This is space-to-depth with an axis of its own for the smaller images.

    Args:
        images: `(n, H, W, C)`, or `(n, F)` with `blocks=1`.
        blocks: Stride in both directions; divides H and W.
        xp: The module that computes, `numpy` or `keras.ops`.

    Returns:
        `(n, blocks**2, d)`, d = H * W * C / blocks**2.

    Example:

    >>> import numpy as np
    >>> from keras_isa.layers.zca_statistics import space_to_blocks
    >>> space_to_blocks(np.arange(8).reshape(1, 2, 4, 1), 2).tolist()
    [[[0, 2], [1, 3], [4, 6], [5, 7]]]
    """
    height, width, channels = _grid(images.shape[1:])
    height, width = height // blocks, width // blocks
    grid = xp.reshape(images, (-1, height, blocks, width, blocks, channels))
    return xp.reshape(
        xp.transpose(grid, (0, 2, 4, 1, 3, 5)), (-1, blocks**2, height * width * channels)
    )


def blocks_to_space(parts: Tensor, blocks: int, image_shape: Sequence[int], xp: Any = np) -> Tensor:
    """Puts images together again that `space_to_blocks` has divided.

    Args:
        parts: `(n, blocks**2, d)`.
        blocks: As in `space_to_blocks`.
        image_shape: `(H, W, C)` or `(F,)`.
        xp: As in `space_to_blocks`.

    Returns:
        `(n, *image_shape)`.
    """
    height, width, channels = _grid(image_shape)
    grid = xp.reshape(parts, (-1, blocks, blocks, height // blocks, width // blocks, channels))
    return xp.reshape(xp.transpose(grid, (0, 3, 1, 4, 2, 5)), (-1, *image_shape))


def check_whitening_memory(rows: int, image_shape: Sequence[int], blocks: int) -> None:
    """Refuses a whitening that does not fit into memory.

    Args:
        rows: Images times `blocks**2`.
        image_shape: `(H, W, C)` or `(F,)`.
        blocks: As in `space_to_blocks`.

    Raises:
        ValueError: If it does not fit. The message says how much memory is needed and what to do.
    """
    size = math.prod(image_shape) // blocks**2
    # These are float64 values: the covariance with input, work space and result of its
    # eigen-decomposition, or all rows as they are, their differences from the mean, and the
    # eigenvectors in both precisions.
    needed = 40 * size**2 if rows >= size else 40 * rows**2 + 24 * rows * size
    smaller = len(image_shape) == 3 and blocks == 1 and not (image_shape[0] | image_shape[1]) % 2
    check_memory(
        needed,
        f"whitening {size:,} features",
        ("use blocks=2 (preprocessing 'block_zca'), " if smaller else "use ")
        + "smaller images, or preprocessing 'standardize'",
    )


class BlockMoments:
    """Collects the statistics of images in one pass, for their whitening.

    While there are fewer rows than pixels, it keeps the images themselves. From then on it keeps
    only the sums of the products of all pairs of pixels.

    Args:
        image_shape: `(H, W, C)` or `(F,)`.
        blocks: As in `space_to_blocks`.
    """

    def __init__(self, image_shape: Sequence[int], blocks: int) -> None:
        self.image_shape = tuple(image_shape)
        self.blocks = blocks
        self.count = 0
        self._size = math.prod(image_shape) // blocks**2
        self._pending: list[np.ndarray] = []
        self._pending_rows = 0
        self._products: np.ndarray | None = None
        self._shift: np.ndarray | None = None
        self._total: np.ndarray | None = None

    def add(self, images: np.ndarray) -> None:
        """Adds images `(n, *image_shape)`.

        Raises:
            ValueError: If the memory does not suffice for the products.
        """
        self._pending.append(np.array(images))  # the caller may overwrite the batch
        self._pending_rows += len(images) * self.blocks**2
        self.count += len(images)
        if self._has_few_rows:
            return
        if self._products is None:
            check_whitening_memory(self._rows, self.image_shape, self.blocks)
            self._products = np.zeros((self._size, self._size))
            self._multiply()
        elif self._pending_rows >= _PRODUCT_ROWS:
            self._multiply()

    def whitening(self, regularization: float, standardize: bool) -> Whitening:
        """Computes the whitening of all images added so far, and drops the images.

        Args:
            regularization: Ridge relative to the mean variance.
            standardize: Whether channels are standardised first.

        Raises:
            ValueError: If the memory does not suffice.
        """
        mean, variance, matrix = self._centred_rows() if self._has_few_rows else self._covariance()
        channels = self.image_shape[-1]
        centre, spread = np.zeros(channels), np.ones(channels)
        if standardize:
            centre, spread = channel_statistics(
                mean.reshape(-1, channels), variance.reshape(-1, channels)
            )
        spreads = np.tile(spread, self._size // channels)
        matrix /= spreads
        if self._has_few_rows:
            vectors, scale = _factors_of_rows(matrix, regularization)
        else:
            matrix /= spreads[:, np.newaxis]
            vectors, scale = _factors_of_covariance(matrix, regularization)
        image = blocks_to_space(mean[np.newaxis], self.blocks, self.image_shape)[0]
        return Whitening(centre, spread, (image - centre) / spread, vectors, scale)

    @property
    def _rows(self) -> int:
        return self.count * self.blocks**2

    @property
    def _has_few_rows(self) -> bool:
        return self._rows < self._size

    def _differences(self) -> np.ndarray:
        """Pending images minus the first of all, `(n, blocks**2, d)`."""
        parts = space_to_blocks(np.concatenate(self._pending), self.blocks)
        self._pending, self._pending_rows = [], 0
        if self._shift is None:
            # Small differences keep all digits, and those of a constant pixel are exactly zero.
            self._shift = parts[0].astype(np.float64)
            self._total = np.zeros_like(self._shift)
        return np.subtract(parts, self._shift, dtype=np.float64)

    def _multiply(self) -> None:
        differences = self._differences()
        self._total += differences.sum(axis=0)
        rows = differences.reshape(-1, self._size)
        self._products += rows.T @ rows

    def _covariance(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mean `(blocks**2, d)`, mean variance `(d,)` and covariance `(d, d)` of the blocks."""
        if self._pending:
            self._multiply()
        mean = self._total / self.count
        covariance, self._products = self._products, None
        covariance /= self._rows
        covariance -= mean.T @ mean / len(mean)
        return mean + self._shift, np.diagonal(covariance).copy(), covariance

    def _centred_rows(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The same with all centred rows `(n * blocks**2, d)` in place of the covariance."""
        check_whitening_memory(self._rows, self.image_shape, self.blocks)
        differences = self._differences()
        mean = differences.mean(axis=0)
        differences -= mean
        rows = differences.reshape(-1, self._size)
        return mean + self._shift, np.square(rows).mean(axis=0), rows


def _factors_of_covariance(
    covariance: np.ndarray, regularization: float
) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvectors `(d, k)` and `(k,)` factors from a covariance `(d, d)`."""
    ridge = regularization * np.trace(covariance) / len(covariance)
    values, vectors = np.linalg.eigh(covariance)
    kept = values + ridge > _negligible(values, len(covariance))
    return vectors[:, kept], 1 / np.sqrt(values[kept] + ridge)


def _factors_of_rows(rows: np.ndarray, regularization: float) -> tuple[np.ndarray, np.ndarray]:
    """The same from centred rows `(n, d)` with n < d, by way of their inner products `(n, n)`."""
    gram = rows @ rows.T / len(rows)
    ridge = regularization * np.trace(gram) / rows.shape[1]
    values, left = np.linalg.eigh(gram)
    kept = values > _negligible(values, rows.shape[1])
    vectors = rows.T @ (left[:, kept] / np.sqrt(values[kept] * len(rows)))
    return vectors, 1 / np.sqrt(values[kept] + ridge)


def _negligible(values: np.ndarray, size: int) -> float:
    # Below this a variance is rounding of float32, the dtype in which whitening is applied.
    return size * float(np.finfo(np.float32).eps) ** 2 * max(float(values[-1]), 0.0)


def _grid(image_shape: Sequence[int]) -> tuple[int, int, int]:
    return (1, 1, *image_shape) if len(image_shape) == 1 else tuple(image_shape)
