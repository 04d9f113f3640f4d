"""How many images of each class a set has."""

from __future__ import annotations

import numbers
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_isa.inputs.class_names import format_names
from keras_isa.ops.arguments import is_count, whole_number

PROPORTIONAL = "proportional"
# Mean number of images per class of plain "proportional".
_PROPORTIONAL_MEAN = 10


def class_counts(
    images_per_class: int | Mapping | str | Sequence[int],
    available: Sequence[int],
    class_names: Sequence[str] | None = None,
) -> tuple[int, ...]:
    """Finds the number of images of each class from what a user asks for.

    With an integer every class must have at least this number of images. With a mapping or
    `"proportional"` a class that has fewer images than asked for gives all of them, with a warning.

    Args:
        images_per_class: The same number for all classes; a mapping from every class (name or
            number) to its number of images; `"proportional"` or `"proportional:N"`, for N per class
            on average (10 without N), in proportion to the classes in the data and at least one of
            each; or one number per class.
        available: Images of each class, C integers.
        class_names: C names, for mappings and messages; by default the class numbers.

    Returns:
        C positive integers.

    Raises:
        ValueError: If a number is not a positive integer, a class is missing, unknown or without
            images, an integer exceeds the images of a class, or there are no classes.

    Example:

    >>> from keras_isa.ops.counts import class_counts
    >>> class_counts(2, [5, 9])
    (2, 2)
    >>> class_counts({"cat": 1, "dog": 3}, [5, 9], ["cat", "dog"])
    (1, 3)
    >>> class_counts("proportional:3", [10, 20])
    (2, 4)
    """
    available = _checked_available(available)
    names = [str(k) for k in range(len(available))] if class_names is None else list(class_names)
    if len(names) != len(available):
        raise ValueError(
            f"`class_names` must have {len(available)} entries, as `available`. "
            f"Received: {len(names)}"
        )
    if isinstance(images_per_class, str | Mapping):
        if min(available) < 1:
            empty = names[available.index(0)]
            raise ValueError(
                "`images_per_class` must be an integer or one for each class unless every class "
                f"has an image. Received: {images_per_class!r}, but class {empty} has none"
            )
        if isinstance(images_per_class, str):
            return _proportional(images_per_class, available, names)
        return _as_available(_from_mapping(images_per_class, names), available, names)
    counts = checked_counts(images_per_class, len(available))
    for name, wanted, there in zip(names, counts, available, strict=True):
        if wanted > there:
            raise ValueError(
                f"`images_per_class` must not exceed the {there} images of class {name}; a mapping "
                f'or "proportional" takes what there is. Received: images_per_class={wanted}'
            )
    return counts


def checked_counts(images_per_class: int | Sequence[int], num_classes: int) -> tuple[int, ...]:
    """Returns one positive integer per class, from a single integer or a sequence.

    Args:
        images_per_class: The same number for all, or one per class.
        num_classes: Number of classes C.

    Returns:
        C integers.

    Raises:
        ValueError: If a number is not a positive integer, or there are not C of them.
    """
    num_classes = whole_number("num_classes", num_classes)
    is_array = isinstance(images_per_class, np.ndarray) and images_per_class.ndim == 1
    if is_array or (
        isinstance(images_per_class, Sequence) and not isinstance(images_per_class, str | bytes)
    ):
        counts = list(images_per_class)
        if len(counts) != num_classes:
            raise ValueError(
                f"`images_per_class` must have one number per class, {num_classes}. "
                f"Received: {len(counts)} numbers"
            )
    else:
        counts = [images_per_class] * num_classes
    for count in counts:
        if not is_count(count):
            raise ValueError(f"`images_per_class` must be a positive integer. Received: {count!r}")
    return tuple(int(count) for count in counts)


def simplest(counts: Sequence[int]) -> int | tuple[int, ...]:
    """Returns a single number if all classes have the same one, otherwise all numbers.

    Args:
        counts: One number per class.
    """
    return counts[0] if len(set(counts)) == 1 else tuple(counts)


def _checked_available(available: Sequence[int]) -> list[int]:
    counts = list(available) if isinstance(available, Sequence | np.ndarray) else []
    if not counts or not all(is_count(count, 0) for count in counts):
        raise ValueError(
            "`available` must have the number of images of each class. "
            f"Received: available={available!r}"
        )
    return [int(count) for count in counts]


def _from_mapping(wanted: Mapping, names: list[str]) -> tuple[int, ...]:
    numbers_of = {name: k for k, name in enumerate(names)}
    counts: dict[int, Any] = {}
    for key, count in wanted.items():
        is_number = isinstance(key, numbers.Integral) and not isinstance(key, bool)
        position = int(key) if is_number else numbers_of.get(key, -1)
        if not 0 <= position < len(names) or position in counts:
            raise ValueError(
                "`images_per_class` must map each class once, by name or number, out of "
                f"{format_names(names, 20)}. Received: {key!r}"
            )
        counts[position] = count
    missing = [name for k, name in enumerate(names) if k not in counts]
    if missing:
        raise ValueError(
            "`images_per_class` must map every class; to leave classes out, select the others "
            f"from the data set. Missing: {format_names(missing, 20)}"
        )
    return checked_counts([counts[k] for k in range(len(names))], len(names))


def _proportional(wanted: str, available: list[int], names: list[str]) -> tuple[int, ...]:
    kind, _, mean = wanted.partition(":")
    if kind != PROPORTIONAL or (mean and not (mean.isdecimal() and int(mean))):
        raise ValueError(
            '`images_per_class` must be an integer, a mapping, "proportional" or "proportional:N". '
            f"Received: {wanted!r}"
        )
    total = len(available) * (int(mean) if mean else _PROPORTIONAL_MEAN)
    exact = total * np.asarray(available) / sum(available)
    counts = np.maximum(np.floor(exact).astype(int), 1)
    # The classes with the largest remainders get the rest; of equal ones the lower class is first.
    for k in np.argsort(counts - exact, kind="stable"):
        if counts.sum() < total:
            counts[k] += 1
    return _as_available(tuple(counts.tolist()), available, names)


def _as_available(wanted: tuple, available: list[int], names: list[str]) -> tuple[int, ...]:
    short = [k for k, count in enumerate(wanted) if count > available[k]]
    if short:
        classes = ", ".join(f"{names[k]} ({available[k]} of {wanted[k]})" for k in short[:10])
        warnings.warn(
            f"there are fewer images than asked for in class {classes}; the set gets all of them",
            stacklevel=3,
        )
    return tuple(min(count, there) for count, there in zip(wanted, available, strict=True))
