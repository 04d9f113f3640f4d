"""How many images of each class a set has."""

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
    there_are = list(available) if isinstance(available, Sequence | np.ndarray) else []
    if not there_are or not all(is_count(count, 0) for count in there_are):
        raise ValueError(
            "`available` must have the number of images of each class. "
            f"Received: available={available!r}"
        )
    available = there_are
    names = [str(k) for k in range(len(available))] if class_names is None else list(class_names)
    if len(names) != len(available):
        raise ValueError(
            f"`class_names` must have {len(available)} entries, as `available`. "
            f"Received: {len(names)}"
        )
    may_be_less = isinstance(images_per_class, str | Mapping)
    if may_be_less and min(available) < 1:
        raise ValueError(
            "`images_per_class` must be an integer or one for each class unless every class has "
            f"an image. Received: {images_per_class!r}, but class {names[available.index(0)]} has "
            "none"
        )
    if isinstance(images_per_class, str):
        wanted = _proportional(images_per_class, available)
    elif may_be_less:
        wanted = _from_mapping(images_per_class, names)
    else:
        wanted = checked_counts(images_per_class, len(available))
    short = [k for k, count in enumerate(wanted) if count > available[k]]
    if short and not may_be_less:
        raise ValueError(
            f"`images_per_class` must not exceed the {available[short[0]]} images of class "
            f'{names[short[0]]}; a mapping or "proportional" takes what there is. '
            f"Received: images_per_class={wanted[short[0]]}"
        )
    if short:
        classes = ", ".join(f"{names[k]} ({available[k]} of {wanted[k]})" for k in short[:10])
        warnings.warn(
            f"there are fewer images than asked for in class {classes}; the set gets all of them",
            stacklevel=2,
        )
    return tuple(map(min, wanted, available))


def checked_counts(
    images_per_class: int | Sequence[int], num_classes: int, name: str = "images_per_class"
) -> tuple[int, ...]:
    """Returns one positive integer per class, from a single integer or a sequence.

    Args:
        images_per_class: The same number for all, or one per class.
        num_classes: Number of classes C.
        name: Name of the argument, for errors.

    Returns:
        C integers.

    Raises:
        ValueError: If a number is not a positive integer, or there are not C of them.
    """
    num_classes = whole_number("num_classes", num_classes)
    counts = images_per_class
    if isinstance(counts, np.ndarray):
        counts = counts.tolist()
    if isinstance(counts, str | bytes) or not isinstance(counts, Sequence):
        counts = [counts] * num_classes
    if len(counts) != num_classes:
        raise ValueError(
            f"`{name}` must have one number per class, {num_classes}. "
            f"Received: {len(counts)} numbers"
        )
    for count in counts:
        if not is_count(count):
            raise ValueError(f"`{name}` must be a positive integer. Received: {count!r}")
    return tuple(int(count) for count in counts)


def simplest(counts: Sequence[int]) -> int | tuple[int, ...]:
    """Returns a single number if all classes have the same one, otherwise all numbers.

    Args:
        counts: One number per class.
    """
    return counts[0] if len(set(counts)) == 1 else tuple(counts)


def rounded_shares(exact: np.ndarray, total: int, least: int, most: int | np.ndarray) -> np.ndarray:
    """Rounds a share of each class to whole numbers whose sum is `total`.

    The classes with the largest remainders get the rest; of equal ones the lower class is first.

    Args:
        exact: The shares, `(C,)` float.
        total: Their sum, an integer; the bounds below may prevent it.
        least: The least of a class.
        most: The most of a class, `(C,)` integers or one for all.

    Returns:
        The numbers, `(C,)` integers.

    Example:

    >>> import numpy as np
    >>> from keras_isa.ops.counts import rounded_shares
    >>> rounded_shares(np.array([0.5, 1.75, 1.75]), 4, least=0, most=4).tolist()
    [0, 2, 2]
    """
    most = np.broadcast_to(most, exact.shape)
    counts = np.clip(np.floor(exact).astype(int), least, most)
    for k in np.argsort(counts - exact, kind="stable"):
        if counts.sum() < total and counts[k] < most[k]:
            counts[k] += 1
    return counts


def _from_mapping(wanted: Mapping, names: list[str]) -> tuple[int, ...]:
    numbers_of = {name: k for k, name in enumerate(names)}
    counts: dict[int, Any] = {}
    for key, count in wanted.items():
        position = int(key) if is_count(key, 0) else numbers_of.get(key, -1)
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


def _proportional(wanted: str, available: list[int]) -> tuple[int, ...]:
    kind, _, mean = wanted.partition(":")
    if kind != PROPORTIONAL or (mean and not (mean.isdecimal() and int(mean))):
        raise ValueError(
            '`images_per_class` must be an integer, a mapping, "proportional" or "proportional:N". '
            f"Received: {wanted!r}"
        )
    total = len(available) * (int(mean) if mean else _PROPORTIONAL_MEAN)
    exact = total * np.asarray(available) / sum(available)
    return tuple(rounded_shares(exact, total, least=1, most=total).tolist())
