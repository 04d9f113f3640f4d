"""Images in several files, stored as rows of numbers, one colour plane after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from keras_isa.datasets.parts import Part

# One file of images: class numbers `(N,)` as it has them, and a function that returns the images
# `(N, C * H * W)` uint8, which is called again for each pass, so that only one file is in memory.
Batch = tuple[np.ndarray, Callable[[], np.ndarray]]


def part_from_batches(
    batches: Sequence[Batch], labels: np.ndarray, shape: tuple[int, int, int]
) -> Part:
    """Returns the images of several batches, one after another, as a part.

    Args:
        batches: The batches in their order.
        labels: Class numbers `(N,)` of all images.
        shape: Shape `(H, W, C)` of an image, which is stored channel by channel.
    """
    height, width, channels = shape
    starts = np.cumsum([0, *(len(own) for own, _ in batches)])

    def read(positions: np.ndarray) -> Iterator[np.ndarray]:
        positions = np.asarray(positions)
        for (_, rows_of), start, end in zip(batches, starts[:-1], starts[1:], strict=True):
            chosen = positions[(positions >= start) & (positions < end)] - start
            if len(chosen):
                rows = rows_of()
                for place in chosen:
                    planes = rows[place].reshape(channels, height, width)
                    yield np.ascontiguousarray(planes.transpose(1, 2, 0))

    return Part(labels.astype(np.int32), read)


def all_labels(batches: Sequence[Batch]) -> np.ndarray:
    """Returns the labels of several batches as the files have them, `(N,)` int64."""
    return np.concatenate([labels for labels, _ in batches])


def renumber_labels(labels: np.ndarray, numbers: np.ndarray, file: Path) -> np.ndarray:
    """Returns labels `(N,)` int32 that count the classes of the training part without gaps.

    Args:
        labels: Class numbers `(N,)` as the files have them.
        numbers: Class numbers of the training part, ascending.
        file: The file with the labels, for the error.

    Raises:
        ValueError: If a label is not among `numbers`.
    """
    if not np.isin(labels, numbers).all():
        raise ValueError(
            "`source` must have no class in its test part that its training part lacks. Received: "
            f"{np.setdiff1d(labels, numbers)[0]} in {file}"
        )
    return np.searchsorted(numbers, labels).astype(np.int32)


def label_array(labels: object) -> np.ndarray:
    """Returns the labels of a file as `(N,)` int64.

    Raises:
        ValueError: If they are not whole numbers. The message is only the reason.
    """
    # Nested lists are refused before NumPy makes an array of them: a short file can refer to the
    # same list many times, and the array would fill the memory.
    is_list = isinstance(labels, list | tuple) and all(type(label) is int for label in labels)
    array = np.asarray(labels if is_list or isinstance(labels, np.ndarray) else None)
    if array.ndim == 2 and 1 in array.shape:
        array = array.reshape(-1)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError("its labels are not whole numbers")
    return array.astype(np.int64)


def check_rows(rows: object, count: int, size: int) -> np.ndarray:
    """Returns the images of a file if they are an array `(count, size)` uint8.

    Raises:
        ValueError: If they are anything else. The message is only the reason.
    """
    if not isinstance(rows, np.ndarray) or rows.dtype != np.uint8 or rows.shape != (count, size):
        found = f"{rows.dtype} {rows.shape}" if isinstance(rows, np.ndarray) else "no array"
        raise ValueError(f"its images must be uint8 ({count}, {size}), but are {found}")
    return rows
