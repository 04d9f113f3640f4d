"""Class names that are whole numbers, and integers that are matched to them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence

import numpy as np

from keras_isa.inputs.class_names import first_names

_WHOLE = re.compile(r"\s*([+-]?\d{1,18})(?:\.0*)?\s*")


def class_values(class_names: Sequence[str]) -> dict[int, list[int]] | None:
    """Returns the classes of each whole number among the names, where one is not its own number.

    Args:
        class_names: the names in the order of the class numbers.

    Returns:
        The class numbers of each whole number, several where it is written in several ways; `None`
        where there are none, or all are names of the classes that they are the numbers of.

    Example:

    >>> from keras_isa.inputs.class_values import class_values
    >>> class_values(["1", "2.0", "unknown"]), class_values(["0", "1", "a"])
    ({1: [0], 2: [1]}, None)
    """
    values: dict[int, list[int]] = {}
    for number, name in enumerate(class_names):
        if found := _WHOLE.fullmatch(name):
            values.setdefault(int(found[1]), []).append(number)
    return None if all(found == [value] for value, found in values.items()) else values


def matched_by_value(
    labels: np.ndarray,
    class_names: Sequence[str],
    values: Mapping[int, Sequence[int]],
    argument: str,
) -> np.ndarray:
    """Returns the class numbers `(N,)` int32 of the names that have the values of integers.

    Args:
        labels: integers `(N,)`.
        class_names: the names in the order of the class numbers.
        values: of the names, as `class_values` returns them.
        argument: the name the caller knows `labels` by, used in the error.

    Raises:
        ValueError: a label is the value of no name, or of several.
    """
    used, first_rows, inverse = np.unique(labels, return_index=True, return_inverse=True)
    for which in np.argsort(first_rows):
        label, row = int(used[which]), first_rows[which]
        found = values.get(label, ())
        if not found:
            raise ValueError(
                f"`{argument}` must hold the numbers that are class names, "
                f"{first_names(class_names)} ({_mapping(class_names, values)}), or class names as "
                f"strings. Received: {label} at index {row}"
            )
        if len(found) > 1:
            raise ValueError(
                f"`{argument}` must hold class names as strings where several are one number. "
                f"Received: {label} at index {row}, for the class names "
                f"{' and '.join(repr(class_names[number]) for number in found)}"
            )
    return np.array([values[label][0] for label in used.tolist()], np.int32)[inverse]


def warn_of_values(
    class_names: Sequence[str],
    values: Mapping[int, Sequence[int]],
    argument: str,
    how: str,
) -> None:
    """Warns of integers beside class names of which some are other whole numbers.

    Args:
        class_names: the names in the order of the class numbers.
        values: of the names, as `class_values` returns them.
        argument: the name the caller knows the integers by.
        how: what is made of them.
    """
    warnings.warn(
        f"`{argument}` holds whole numbers, and of the class names {first_names(class_names)} some "
        f"are whole numbers too, as {_mapping(class_names, values)}: {how}",
        stacklevel=3,
    )


def _mapping(class_names: Sequence[str], values: Mapping[int, Sequence[int]]) -> str:
    """The first class whose name is another number than its own."""
    differs = min(number for value, found in values.items() for number in found if number != value)
    return f"class number {differs} is {class_names[differs]!r}"
