"""Images in several files, stored as rows of numbers, one colour plane after the other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from keras_isa.datasets.parts import Part


@dataclasses.dataclass(frozen=True, eq=False)
class Batch:
    """One file of images.

    Args:
        labels: Class numbers `(N,)` as the file has them.
        rows: Function that returns the images `(N, C * H * W)` uint8. It is called again for each
            pass, so that only one batch at a time is in memory.
    """

    labels: np.ndarray
    rows: Callable[[], np.ndarray]


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
    starts = np.cumsum([0, *(len(batch.labels) for batch in batches)])

    def read(positions: np.ndarray) -> Iterator[np.ndarray]:
        positions = np.asarray(positions)
        for batch, start, end in zip(batches, starts[:-1], starts[1:], strict=True):
            chosen = positions[(positions >= start) & (positions < end)] - start
            if len(chosen):
                rows = batch.rows()
                for place in chosen:
                    planes = rows[place].reshape(channels, height, width)
                    yield np.ascontiguousarray(planes.transpose(1, 2, 0))

    return Part(labels, read)


def all_labels(batches: Sequence[Batch]) -> np.ndarray:
    """Returns the labels of several batches as the files have them, `(N,)` int64."""
    return np.concatenate([np.zeros(0, np.int64), *(batch.labels for batch in batches)])


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
    if isinstance(labels, list | tuple):
        are_numbers = all(type(label) is int for label in labels)
    else:
        are_numbers = isinstance(labels, np.ndarray)
    if not are_numbers:
        raise ValueError("its labels are not whole numbers")
    try:
        array = np.asarray(labels)
    except (ValueError, OverflowError) as error:
        raise ValueError("its labels are not whole numbers") from error
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
