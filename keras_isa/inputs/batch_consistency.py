"""The batches of a pipeline mean the same: their pixel units, columns and kinds of labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_isa.inputs.class_names import first_ten
from keras_isa.inputs.pixel_units import BatchUnits
from keras_isa.inputs.values import columns_of


class BatchConsistency:
    """Compares each batch of a pipeline with its first one.

    Args:
        argument: The caller's name for the pipeline, used in errors.

    Example:

    >>> import numpy as np
    >>> from keras_isa.inputs.batch_consistency import BatchConsistency
    >>> same = BatchConsistency("batches")
    >>> images = np.zeros((2, 4, 4), "uint8")
    >>> for number in range(2):
    ...     same.check(images, images, np.array([0, 1]), number)
    """

    def __init__(self, argument: str) -> None:
        self._argument = argument
        self._units = BatchUnits(argument)
        self._first: tuple[int, list[str] | None, np.dtype] | None = None

    def check(self, given: Any, images: np.ndarray, labels: np.ndarray, number: int) -> None:
        """Raises an error if a batch differs from the first one in what its numbers mean.

        Args:
            given: The images as the pipeline gave them, which may be a data frame.
            images: The images as an array `(n, ...)`.
            labels: The labels as an array.
            number: The number of the batch in the pipeline, from 0 on.

        Raises:
            ValueError: The batch has other columns, another kind of labels or another pixel unit.
        """
        columns = columns_of(given)
        self._first = self._first or (number, columns, labels.dtype)
        first, first_columns, first_dtype = self._first
        if columns != first_columns:
            raise ValueError(
                f"`{self._argument}` must give data frames with the same columns in the same "
                f"order. Received: {_named(columns)} in batch {number}, {_named(first_columns)} in "
                f"batch {first}"
            )
        if (labels.dtype.kind in "US") != (first_dtype.kind in "US"):
            raise ValueError(
                f"`{self._argument}` must give labels of one kind, class names or class numbers. "
                f"Received: {labels.dtype} in batch {number}, {first_dtype} in batch {first}"
            )
        self._units.check(images, number)


def _named(columns: Sequence[str] | None) -> str:
    return "no columns" if columns is None else f"the columns {first_ten(columns)}"
