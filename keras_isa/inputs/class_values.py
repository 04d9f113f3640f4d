"""Class names that are whole numbers, and integer labels that stand for such names."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence

import numpy as np

from keras_isa.inputs.class_names import first_ten

_WHOLE = re.compile(r"\s*([+-]?\d{1,18})(?:\.0*)?\s*")


def is_whole(name: str) -> bool:
    """Returns whether a class name is a whole number, such as "7" or "7.0"."""
    return _WHOLE.fullmatch(name) is not None


def classes_by_value(class_names: Sequence[str]) -> dict[int, list[int]] | None:
    """Returns the class numbers of each whole number among the names.

    Args:
        class_names: the names in the order of the class numbers.

    Returns:
        Maps each whole number to its class numbers. There are several if names such as "1" and
        "1.0" have the same value. The result is `None` if no name is a whole number, or if every
        such name equals its class number.

    Example:

    >>> from keras_isa.inputs.class_values import classes_by_value
    >>> classes_by_value(["1", "2.0", "unknown"]), classes_by_value(["0", "1", "a"])
    ({1: [0], 2: [1]}, None)
    """
    values: dict[int, list[int]] = {}
    for number, name in enumerate(class_names):
        if found := _WHOLE.fullmatch(name):
            values.setdefault(int(found[1]), []).append(number)
    return None if all(found == [value] for value, found in values.items()) else values


def match_by_value(
    labels: np.ndarray,
    class_names: Sequence[str],
    values: Mapping[int, Sequence[int]],
    argument: str,
) -> np.ndarray:
    """Returns the class numbers `(N,)` int32 of the names that are the numbers in `labels`.

    Args:
        labels: integers `(N,)`.
        class_names: the names in the order of the class numbers.
        values: class numbers by value, as `classes_by_value` returns them.
        argument: the caller's name for `labels`, used in the error.

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
                f"{first_ten(class_names)} ({_first_difference(class_names, values)}), or class "
                f"names as strings. Received: {label} at index {row}"
            )
        if len(found) > 1:
            raise ValueError(
                f"`{argument}` must hold class names as strings if several of them are the same "
                f"number. Received: {label} at index {row}, which fits the class names "
                f"{' and '.join(repr(class_names[number]) for number in found)}"
            )
    return np.array([values[label][0] for label in used.tolist()], np.int32)[inverse]


def warn_of_values(
    class_names: Sequence[str],
    values: Mapping[int, Sequence[int]],
    argument: str,
    how: str,
) -> None:
    """Warns of integer labels that could be class numbers or class names.

    Args:
        class_names: the names in the order of the class numbers.
        values: class numbers by value, as `classes_by_value` returns them.
        argument: the caller's name for the labels.
        how: how the labels are read, the end of the message.
    """
    warnings.warn(
        f"`{argument}` holds whole numbers, and some of the class names {first_ten(class_names)} "
        f"are whole numbers too, for instance {_first_difference(class_names, values)}: {how}",
        stacklevel=3,
    )


def _first_difference(class_names: Sequence[str], values: Mapping[int, Sequence[int]]) -> str:
    """Returns a few words about the first class whose name is a number other than its own."""
    differs = min(number for value, found in values.items() for number in found if number != value)
    return f"class number {differs} is {class_names[differs]!r}"
