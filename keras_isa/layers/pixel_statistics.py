"""Functions of the preprocessing layers: batches of images, and statistics of a channel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from keras_isa.inputs.arrays import chunks

# The greatest number of bytes of float64 values that are worked on at a time.
CHUNK_BYTES = 2**26


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
