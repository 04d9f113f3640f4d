"""Statistics of images for the preprocessing layers, on the host in float64."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from keras_isa.inputs.arrays import chunks
from keras_isa.memory import check_memory
from keras_isa.types import Tensor

# The greatest number of bytes of float64 values that are worked on at a time.
CHUNK_BYTES = 2**26
# The least number of rows that are multiplied at a time. With fewer, adding up their products takes
# longer than computing them.
_PRODUCT_ROWS = 2048


def image_batches(images: Any) -> Iterator[np.ndarray]:
    """Goes through images once, in parts of bounded size, and checks each part.

    Args:
        images: Array `(N, ...)`, `StoredImages`, or an iterable of such arrays, of any real dtype.

    Yields:
        Arrays `(n, ...)`, `n >= 1`, all of one image shape.

    Raises:
        TypeError: If the values are not real numbers, or `images` cannot be iterated over.
        ValueError: If there is no image, the image shape changes, or a value is not finite.
    """
    if isinstance(images, str) or not isinstance(images, Iterable) and not hasattr(images, "shape"):
        raise TypeError(
            f"`images` must be an array or an iterable of arrays. Received: {type(images).__name__}"
        )
    if getattr(images, "shape", None) == ():
        raise ValueError("`images` must have shape (N, ..., C). Received: ()")
    first = None
    for batch in chunks(images, _rows_at_once(images)):
        if batch.dtype.kind not in "buif":
            raise TypeError(f"`images` must hold real numbers. Received: dtype={batch.dtype}")
        if batch.size == 0:
            continue
        first = batch.shape if first is None else first
        if batch.ndim < 2 or batch.shape[1:] != first[1:]:
            raise ValueError(
                f"`images` must have shape (N, ..., C), the same for all. Received: {batch.shape}"
                f"{'' if batch.shape == first else f' after {first}'}"
            )
        if batch.dtype.kind == "f" and not np.isfinite(batch).all():
            raise ValueError("`images` must hold finite pixels. Received: NaN or infinite ones")
        yield from chunks(batch, _rows_at_once(batch))
    if first is None:
        raise ValueError(
            "`images` must hold at least one image. Received: "
            + (f"images.shape={tuple(images.shape)}" if hasattr(images, "shape") else "none")
        )


def channel_statistics(mean: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Finds mean and standard deviation of each channel from those of every pixel.

    Args:
        mean: Means over the images, `(..., C)` float64.
        variance: Variances over the images, `(..., C)` float64. Either of both may be averaged over
            an axis already.

    Returns:
        Mean and standard deviation, `(C,)` each. A constant channel gets 1.
    """
    mean = mean.reshape(-1, mean.shape[-1])
    variance = variance.reshape(-1, variance.shape[-1])
    centre = mean.mean(axis=0)
    std = np.sqrt(np.maximum(variance.mean(axis=0) + mean.var(axis=0), 0.0))
    # A spread that float32 cannot represent beside the mean comes from rounding.
    varies = std > np.finfo(np.float32).eps / 2 * np.abs(centre)
    return centre, np.where(varies, std, 1.0)


def _rows_at_once(images: Any) -> int:
    row = int(np.prod(getattr(images, "shape", (1,))[1:], dtype=np.int64)) * 8
    return max(CHUNK_BYTES // max(row, 1), 1)


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
    >>> from keras_isa.layers.pixel_statistics import space_to_blocks
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
        self._size = math.prod(image_shape) // blocks**2
        self._rows = 0
        # Differences of images from the first of all, and the sums that have taken them up.
        self._pending: list[np.ndarray] = []
        self._shift: np.ndarray | None = None
        self._total: np.ndarray | float = 0.0
        self._products: np.ndarray | None = None

    def add(self, images: np.ndarray) -> None:
        """Adds images `(n, *image_shape)`.

        Raises:
            ValueError: If the memory does not suffice for the products.
        """
        parts = space_to_blocks(images, self.blocks)
        if self._shift is None:
            self._shift = parts[0].astype(np.float64)
        # Small differences keep all digits, and those of a constant pixel are exactly zero.
        self._pending.append(np.subtract(parts, self._shift, dtype=np.float64))
        self._rows += len(images) * self.blocks**2
        if self._rows < self._size:
            return
        if self._products is None:
            check_whitening_memory(self._rows, self.image_shape, self.blocks)
            self._products = np.zeros((self._size, self._size))
            self._multiply()
        elif sum(map(len, self._pending)) * self.blocks**2 >= _PRODUCT_ROWS:
            self._multiply()

    def _multiply(self) -> None:
        differences, self._pending = np.concatenate(self._pending), []
        self._total = self._total + differences.sum(axis=0)
        rows = differences.reshape(-1, self._size)
        self._products += rows.T @ rows

    def whitening(self, regularization: float, standardize: bool) -> dict[str, np.ndarray]:
        """Computes the whitening of all images added so far, and drops the images.

        Args:
            regularization: Ridge relative to the mean variance.
            standardize: Whether channels are standardised first.

        Returns:
            The arrays of `whitening_shapes`, by name.

        Raises:
            ValueError: If the memory does not suffice.
        """
        # The covariance `(d, d)` of the blocks, or with few of them their centred rows `(n, d)`.
        few = self._products is None
        if few:
            check_whitening_memory(self._rows, self.image_shape, self.blocks)
            matrix, self._pending = np.concatenate(self._pending), []
            mean = matrix.mean(axis=0)
            matrix -= mean
            matrix = matrix.reshape(-1, self._size)
            variance = np.square(matrix).mean(axis=0)
        else:
            if self._pending:
                self._multiply()
            mean = self._total / (self._rows // self.blocks**2)
            matrix, self._products = self._products, None
            matrix /= self._rows
            matrix -= mean.T @ mean / len(mean)
            variance = np.diagonal(matrix).copy()
        mean = mean + self._shift
        channels = self.image_shape[-1]
        centre, spread = np.zeros(channels), np.ones(channels)
        if standardize:
            centre, spread = channel_statistics(
                mean.reshape(-1, channels), variance.reshape(-1, channels)
            )
        spreads = np.tile(spread, self._size // channels)
        matrix /= spreads
        if not few:
            matrix /= spreads[:, np.newaxis]
        vectors, scale = _factors(matrix, few, regularization)
        image = blocks_to_space(mean[np.newaxis], self.blocks, self.image_shape)[0]
        return {
            "channel_mean": centre,
            "channel_std": spread,
            "mean": (image - centre) / spread,
            "eigenvectors": vectors,
            "scale": scale,
        }


def _factors(
    matrix: np.ndarray, are_rows: bool, regularization: float
) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvectors `(d, k)` and `(k,)` factors from a covariance `(d, d)` or from centred rows.

    From rows `(n, d)` with n < d they are found by way of the inner products `(n, n)`.
    """
    count, size = matrix.shape
    symmetric = matrix @ matrix.T / count if are_rows else matrix
    ridge = regularization * np.trace(symmetric) / size
    values, vectors = np.linalg.eigh(symmetric)
    # Below this a variance is rounding of float32, the dtype in which whitening is applied.
    negligible = size * float(np.finfo(np.float32).eps) ** 2 * max(float(values[-1]), 0.0)
    kept = values + (0.0 if are_rows else ridge) > negligible
    values, vectors = values[kept], vectors[:, kept]
    if are_rows:
        vectors = matrix.T @ (vectors / np.sqrt(values * count))
    return vectors, 1 / np.sqrt(values + ridge)


def _grid(image_shape: Sequence[int]) -> tuple[int, int, int]:
    return (1, 1, *image_shape) if len(image_shape) == 1 else tuple(image_shape)
