"""Images that may be larger than memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_isa.types import Tensor

# How many images are read at once when all of them are read in order.
CHUNK = 1024
# Bytes. On a CPU JAX uses an array without a copy if its address is a multiple of this number.
_ALIGNMENT = 64


class StoredImages:
    """Images that stay on disk; rows are read when the object is indexed.

    It has the few attributes of a NumPy array that the library needs. `images[rows]` reads the
    rows. `images.select(rows)` returns stored images of these rows and reads nothing.

    Args:
        source: Anything with `shape` `(N, ...)`, `dtype` and indexing by a slice and by an integer
            array, such as a memory-mapped array.
        rows: Positions in `source` of the images, in their order; by default all.

    Attributes:
        shape: The shape `(N, ...)`.
        dtype: The dtype of the pixels.
        ndim: The number of axes.
        size: The number of pixel values.
        nbytes: The bytes that all rows would take in memory.

    Example:

    >>> import numpy as np
    >>> from keras_isa.inputs.arrays import StoredImages
    >>> images = StoredImages(np.arange(12).reshape(3, 2, 2)).select([2, 0])
    >>> images.shape, images[:1].tolist()
    ((2, 2, 2), [[[8, 9], [10, 11]]])
    """

    def __init__(self, source: Any, rows: Any = None) -> None:
        self._source = source
        self._rows = None if rows is None else np.asarray(rows, dtype=np.int64)
        count = source.shape[0] if rows is None else len(self._rows)
        self.shape = (count, *source.shape[1:])
        self.dtype = np.dtype(source.dtype)
        self.ndim = len(self.shape)
        self.size = math.prod(self.shape)
        self.nbytes = self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> np.ndarray:
        """Returns rows, which it reads: a slice, integers, or one boolean per row."""
        if isinstance(rows, slice) and self._rows is None:
            return np.array(self._source[rows])
        if isinstance(rows, int | np.integer):
            return self[[int(rows)]][0]
        return np.array(self._source[self._positions(rows)])

    def select(self, rows: Any) -> StoredImages:
        """Returns stored images of some rows, in their order, without reading them.

        Args:
            rows: A slice, integers, or one boolean per row.
        """
        return StoredImages(self._source, self._positions(rows))

    def _positions(self, rows: Any) -> np.ndarray:
        if not isinstance(rows, slice):
            rows = np.asarray(rows)
            rows = rows if rows.size else rows.astype(np.int64)
        return (np.arange(len(self)) if self._rows is None else self._rows)[rows]


def select(images: Any, rows: Any) -> Any:
    """Returns some rows of an array, or of `StoredImages` without reading them.

    Args:
        images: Array `(N, ...)` or `StoredImages`.
        rows: A slice, integers, or one boolean per row.

    Returns:
        An object of the type of `images`.
    """
    return images.select(rows) if isinstance(images, StoredImages) else images[rows]


def chunks(images: Any, size: int = CHUNK) -> Iterator[np.ndarray]:
    """Yields images in order, `size` at a time.

    Args:
        images: Array `(N, ...)`, `StoredImages`, or an iterable of arrays `(n, ...)`, which are
            yielded as they are.
        size: How many rows of an array are read at once.

    Yields:
        Arrays `(n, ...)`.
    """
    if not hasattr(images, "shape"):
        yield from (np.asarray(batch) for batch in images)
        return
    for start in range(0, len(images), size):
        yield np.asarray(images[start : start + size])


def padded(images: np.ndarray, rows: int) -> np.ndarray:
    """Fills a short part up with its first row, so that nothing is compiled for it.

    Args:
        images: `(n, ...)`, n at least 1.
        rows: How many rows there are to be.

    Returns:
        `(rows, ...)`, or the images where there are as many.
    """
    missing = rows - len(images)
    if missing <= 0:
        return images
    return np.concatenate([images, np.repeat(images[:1], missing, axis=0)])


def to_numpy(value: Tensor | keras.Variable) -> np.ndarray:
    """Returns a copy of a tensor or a Keras variable as a NumPy array.

    The device may overwrite its own memory afterwards, because the copy does not share it.

    Args:
        value: Tensor or variable of any shape.

    Example:

    >>> import keras
    >>> from keras_isa.inputs.arrays import to_numpy
    >>> to_numpy(keras.Variable([1.0, 2.0])).tolist()
    [1.0, 2.0]
    """
    if isinstance(value, keras.Variable):  # NumPy warns when it converts a variable itself
        value = value.value
    return np.array(keras.ops.convert_to_numpy(value))


def empty_for_device(shape: tuple[int, ...]) -> np.ndarray:
    """Returns an uninitialised float32 array that a CPU device can use without a copy.

    Args:
        shape: Shape of the array.

    Example:

    >>> from keras_isa.inputs.arrays import empty_for_device
    >>> empty_for_device((2, 3)).shape
    (2, 3)
    """
    count = 4 * math.prod(shape)
    memory = np.empty(count + _ALIGNMENT, "uint8")
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + count].view("float32").reshape(shape)
