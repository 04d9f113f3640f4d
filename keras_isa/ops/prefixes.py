"""The first images of each class of a set, of several sizes."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from keras import ops

from keras_isa.types import Tensor


class Prefix(NamedTuple):
    """The first images of each class."""

    rows: np.ndarray
    """Their rows in the whole set, `(r,)` int32."""
    new: np.ndarray
    """Whether the next smaller prefix lacks each of them, `(r,)` booleans."""

    def of(self, values: Tensor) -> Tensor:
        """Takes the rows; a gradient flows to the new ones only.

        Args:
            values: `(n, d)`, a row for each image of the whole set.

        Returns:
            Tensor `(r, d)`.
        """
        if len(self.rows) < values.shape[0]:
            values = ops.take(values, self.rows, axis=0)
        if self.new.all():
            return values
        return ops.where(self.new[:, None], values, ops.stop_gradient(values))

    def joined_by_copies(self, count: int) -> "Prefix":
        """The prefix of a set whose rows are all there once more, at the end.

        Args:
            count: Rows of the whole set before.
        """
        return Prefix(np.concatenate([self.rows, self.rows + count]), np.tile(self.new, 2))


def whole_set(count: int) -> Prefix:
    """All rows of a set, each of which takes a gradient.

    Args:
        count: Rows of the set.

    Example:

    >>> from keras_isa.ops.prefixes import whole_set
    >>> print(whole_set(2).rows, whole_set(2).new)
    [0 1] [ True  True]
    """
    return Prefix(np.arange(count, dtype="int32"), np.ones(count, bool))


def prefixes_of(counts: Sequence[int], rows_of_image: int = 1) -> tuple[Prefix, ...]:
    """Prefixes of 1, 2, 5, 10, 20, 50, ... images per class and, at last, the whole set.

    These are the sizes that the field publishes, and those that users cut to.

    Args:
        counts: Images of each class, C positive integers; a class with fewer than others is whole
            in the later prefixes.
        rows_of_image: Rows that each of them has in the set, which is ordered by class.

    Returns:
        The prefixes, from the smallest one on.

    Example:

    >>> from keras_isa.ops.prefixes import prefixes_of
    >>> for one in prefixes_of((3, 1)):
    ...     print(one.rows, one.new)
    [0 3] [ True  True]
    [0 1 3] [False  True False]
    [0 1 2 3] [False False  True False]
    """
    place = np.repeat(np.concatenate([np.arange(count) for count in counts]), rows_of_image)
    most = max(counts)
    steps = (lead * 10**power for power in range(len(str(most))) for lead in (1, 2, 5))
    sizes = [size for size in steps if size < most] + [most]
    found, before = [], 0
    for size in sizes:
        rows = np.flatnonzero(place < size).astype("int32")
        found.append(Prefix(rows, place[rows] >= before))
        before = size
    return tuple(found)
