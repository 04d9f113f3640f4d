"""A choice of some classes of a data set, which are then renumbered."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Sequence

import numpy as np

from keras_isa.inputs.class_names import format_names


def class_numbers(classes: Sequence[str | int], class_names: Sequence[str]) -> list[int]:
    """Returns the class numbers of `classes`, in their order.

    Args:
        classes: Names out of `class_names` or class numbers, each once.
        class_names: All class names in the order of their numbers.

    Raises:
        TypeError: If `classes` is a single class, or holds other than strings and integers.
        ValueError: If a class is unknown or given twice, or none is given.

    Example:

    >>> from keras_isa.datasets.classes import class_numbers
    >>> class_numbers(["ship", 0], ["cat", "dog", "ship"])
    [2, 0]
    """
    if isinstance(classes, str) or not isinstance(classes, Iterable):
        raise TypeError(f"`classes` must be a sequence of classes. Received: classes={classes!r}")
    places = {name: number for number, name in enumerate(class_names)}
    places |= {number: number for number in range(len(class_names))}
    found: list[int] = []
    for one in classes:
        if isinstance(one, bool) or not isinstance(one, str | numbers.Integral):
            raise TypeError(f"`classes` must be names or class numbers. Received: {one!r}")
        if one not in places:
            raise ValueError(
                f"`classes` must be out of {format_names(class_names, 10)}, or numbers from 0 to "
                f"{len(class_names) - 1}. Received: {one!r}"
            )
        number = places[one]
        if number in found:
            raise ValueError(
                f"`classes` must name each class once. Received: {class_names[number]!r} twice"
            )
        found.append(number)
    if not found:
        raise ValueError("`classes` must name at least one class. Received: none")
    return found


def renumber(labels: np.ndarray, chosen: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rows of the chosen classes and their new class numbers.

    Args:
        labels: Class numbers `(N,)`, none negative.
        chosen: Class numbers, each once; `chosen[i]` becomes class i.

    Returns:
        Rows `(n,)`, ascending, and labels `(n,)` int32.

    Example:

    >>> import numpy as np
    >>> from keras_isa.datasets.classes import renumber
    >>> renumber(np.array([0, 1, 2, 2, 0]), [2, 0])
    (array([0, 2, 3, 4]), array([1, 0, 0, 1], dtype=int32))
    """
    new = np.full(max(int(labels.max(initial=0)), *chosen) + 1, -1, dtype=np.int32)
    new[list(chosen)] = np.arange(len(chosen))
    labels = new[labels]
    rows = np.flatnonzero(labels >= 0)
    return rows, labels[rows]
