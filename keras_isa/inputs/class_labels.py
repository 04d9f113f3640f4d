"""Checks that turn whatever a caller hands in as labels into class numbers and class names."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from keras_isa.inputs.class_names import first_names, look_alikes, ordered
from keras_isa.inputs.class_values import class_values, matched_by_value, warn_of_values
from keras_isa.inputs.values import columns_of, first, place, to_array

_SUMS_TO_ONE = 1e-3
# Words that stood for a missing label before they became text.
_MISSING = ("nan", "none", "null", "<na>", "nat")


def check_labels(
    labels: object,
    num_images: int,
    argument: str,
    class_names: Sequence[str] | None = None,
    *,
    by_value: bool = False,
    said: bool = False,
) -> np.ndarray:
    """Returns `labels` as `(N,)` int32, or says what is wrong with them.

    Args:
        labels: array-like of `num_images` class numbers, of an integer dtype; or, where
            `class_names` are given, of class names. A column `(N, 1)` is as good.
        num_images: how many labels there must be.
        argument: the name the caller knows `labels` by, used in the error.
        class_names: the names in the order of the class numbers.
        by_value: whether integers are matched to class names that are whole numbers, where one of
            these is another than its own class number; otherwise they are class numbers.
        said: whether the caller has said that they are matched; otherwise a warning does.

    Raises:
        TypeError: the labels are neither of an integer dtype nor names (bool and whole floats are
            refused too: they are more often a mistake than a class number).
        ValueError: not one label per image, labels of several classes at once, a missing or a
            negative label, or one that is in none or in several of `class_names`.

    Example:

    >>> from keras_isa.inputs.class_labels import check_labels
    >>> check_labels(["dog", "cat"], 2, "y", class_names=["cat", "dog"])
    array([1, 0], dtype=int32)
    """
    labels = _vector(labels, argument)
    if class_names is not None and _are_names(labels):
        labels = _numbers_of(_strings(labels), class_names, argument)
        by_value = False
    elif labels.size and labels.dtype.kind not in "ui":
        raise _no_class_numbers(labels, argument)
    if len(labels) != num_images:
        raise ValueError(
            f"`{argument}` must hold one label per image. Received: {len(labels)} labels for "
            f"{num_images} images"
        )
    values = class_values(class_names) if by_value and class_names is not None else None
    if values is not None:
        found = matched_by_value(labels, class_names, values, argument)
        if not said:
            how = "labels are matched to the names by their value"
            warn_of_values(class_names, values, argument, how)
        return found
    if labels.min() < 0:
        raise ValueError(
            f"`{argument}` must hold class numbers from 0 on. Received: a label {labels.min()} "
            f"at index {int(np.argmin(labels))}"
        )
    if labels.max() > np.iinfo(np.int32).max:
        raise ValueError(
            f"`{argument}` must hold class numbers that fit int32. Received: a label {labels.max()}"
        )
    return labels.astype(np.int32, copy=False)


def told_classes(
    labels: object, num_images: int, argument: str
) -> tuple[tuple[str, ...], np.ndarray]:
    """Returns the class names that labels speak of, and the class numbers.

    Class numbers that leave some out, such as 1 to 26, are numbered anew in their order and named
    by what they were; a warning says so.

    Args:
        labels: array-like of class numbers or of class names.
        num_images: how many labels there must be.
        argument: the name the caller knows `labels` by, used in the error.

    Returns:
        Names, and numbers `(N,)` int32 of which each occurs.

    Raises:
        TypeError, ValueError: as `check_labels`.

    Example:

    >>> from keras_isa.inputs.class_labels import told_classes
    >>> told_classes(["dog", "cat", "dog"], 3, "y")
    (('cat', 'dog'), array([1, 0, 1], dtype=int32))
    """
    names = names_in(labels, argument)
    numbers = check_labels(labels, num_images, argument, names)
    if names is not None:
        return names, numbers
    used, renumbered = np.unique(numbers, return_inverse=True)
    if used[-1] >= len(used):
        warnings.warn(
            f"`{argument}` has {len(used)} different class numbers, {first_names(used)}, and not "
            f"all from 0 to {used[-1]}: the classes are numbered anew from 0 to {len(used) - 1} "
            "and keep their old numbers as class names",
            stacklevel=3,
        )
    return tuple(map(str, used.tolist())), renumbered.astype(np.int32)


def names_in(labels: object, argument: str) -> tuple[str, ...] | None:
    """Returns the different class names that `labels` hold, ordered; `None` for other labels.

    Args:
        labels: array-like of class names, or of anything else.
        argument: the name the caller knows `labels` by, used in the error.

    Raises:
        TypeError, ValueError: as `check_labels`.

    Example:

    >>> from keras_isa.inputs.class_labels import names_in
    >>> names_in(["dog", "cat", "dog"], "y"), names_in([1, 0, 1], "y")
    (('cat', 'dog'), None)
    """
    labels = _vector(labels, argument)
    if not _are_names(labels):
        return None
    labels = _strings(labels)
    names = tuple(ordered(set(labels.tolist())))
    blank = next((name for name in names if not name.strip()), None)
    if blank is not None:
        raise ValueError(
            f"`{argument}` must have a class name in every place; fill in or leave out what is "
            f"missing. Received: {blank!r} at index {int(np.argmax(labels == blank))}"
        )
    alike = look_alikes(names)
    if alike is not None:
        raise ValueError(
            f"`{argument}` must hold class names that differ in more than spaces or the form of "
            f"their Unicode characters; write a class in one way. Received: {' and '.join(alike)}"
        )
    missing = [name for name in names if name.strip().lower() in _MISSING]
    if missing:
        found = np.isin(labels, missing)
        row = int(np.argmax(found))
        warnings.warn(
            f"`{argument}` has the class {labels[row].item()!r}, as a missing label is written: "
            "leave the images without a label out, if that is what it is. Received: "
            f"{np.count_nonzero(found)} of them, the first at index {row}",
            stacklevel=2,
        )
    return names


def numbered(
    labels: object,
    num_images: int,
    argument: str,
    class_names: Sequence[str],
    *,
    said: bool = False,
) -> np.ndarray:
    """Returns class numbers `(N,)` int32 where the caller has given the names beside the labels.

    Integers are class numbers then; where one is none, they are matched to names that are whole
    numbers. Either is said where an integer is both a class number and a name.

    Args:
        labels: array-like of class numbers or of class names.
        num_images: how many labels there must be.
        argument: the name the caller knows `labels` by, used in the error.
        class_names: the names in the order of the class numbers.
        said: whether it is known that integers are class numbers, and no warning is needed.

    Raises:
        TypeError, ValueError: as `check_labels`.

    Example:

    >>> from keras_isa.inputs.class_labels import numbered
    >>> numbered([1, 0, 1], 3, "y", ["cat", "dog"])
    array([1, 0, 1], dtype=int32)
    """
    labels, values = _vector(labels, argument), class_values(class_names)
    by_value = False
    if values is not None and labels.size and labels.dtype.kind in "ui":
        by_value = bool(labels.min() < 0 or labels.max() >= len(class_names))
        if not (by_value or said) and any(one in values for one in np.unique(labels).tolist()):
            how = "labels are taken for class numbers; give names as strings where that is wrong"
            warn_of_values(class_names, values, argument, how)
    return check_labels(labels, num_images, argument, class_names, by_value=by_value)


def _vector(labels: object, argument: str) -> np.ndarray:
    """One label per image, `(N,)`, of whatever dtype."""
    columns = columns_of(labels)
    labels = to_array(labels, argument)
    if labels.ndim == 2 and labels.shape[1] == 1:
        return labels[:, 0]
    if labels.ndim == 1:
        return labels
    start = f"`{argument}` must hold one class number per image, shape (N,)"
    received = f"Received: shape={labels.shape}"
    if labels.ndim != 2 or 0 in labels.shape or labels.dtype.kind not in "uifb":
        raise ValueError(f"{start}, or a class name. {received}")
    if np.isin(labels, (0, 1)).all():
        ones = (labels == 1).sum(axis=1)
        if (ones == 1).all():
            raise ValueError(f"{start}; use `.argmax(axis=1)` on one-hot labels. {received}")
        row = int(np.argmax(ones != 1))
        raise ValueError(
            f"{start}; images of several classes or of none are not supported. {received}, with "
            f"{ones[row]} classes in row {row}"
        )
    if not np.isfinite(labels).all():
        raise ValueError(
            f"{start}. {received}, with {labels[~np.isfinite(labels)][0]} at "
            f"{first(~np.isfinite(labels), columns)}"
        )
    if labels.min() >= 0 and (abs(labels.sum(axis=1) - 1) < _SUMS_TO_ONE).all():
        row = int(np.argmax((labels != 1).all(axis=1)))
        raise ValueError(
            f"{start}; soft labels are not supported, take the class of the greatest by "
            f"`.argmax(axis=1)`. {received}, with {labels[row].max():g} as the greatest in row "
            f"{row}"
        )
    raise ValueError(f"{start}. {received}, with {labels[0, 0]:g} at {place((0, 0), columns)}")


def _no_class_numbers(labels: np.ndarray, argument: str) -> TypeError | ValueError:
    """What to say of labels that are neither whole numbers nor names that are known."""
    value = labels[0].item() if labels.dtype.names is None else labels[0]
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        wrong = ~np.isfinite(labels)
        return ValueError(
            f"`{argument}` must hold a class for every image. Received: {labels[wrong][0]} at "
            f"{first(wrong)}"
        )
    if labels.dtype.kind == "f":
        whole = labels == np.round(labels)
        what = "whole numbers as floats, which `.astype('int32')` brings there"
        if not whole.all():
            value, what = labels[~whole][0].item(), f"fractions, the first at {first(~whole)}"
    else:
        what = {
            "b": "bools, which `.astype('int32')` brings there",
            "c": "complex numbers",
            "M": "dates",
            "m": "durations",
            "V": f"records with the fields {', '.join(labels.dtype.names or ())}",
        }.get(labels.dtype.kind, "words")
    return TypeError(
        f"`{argument}` must be class numbers of an integer dtype, or class names where the names "
        f"of all classes are given. Received: dtype={labels.dtype}, {what}, such as {value!r}"
    )


def _are_names(labels: np.ndarray) -> bool:
    return labels.size > 0 and labels.dtype.kind in "US"


def _strings(names: np.ndarray) -> np.ndarray:
    return np.char.decode(names, "utf-8", "replace") if names.dtype.kind == "S" else names


def _numbers_of(labels: np.ndarray, class_names: Sequence[str], argument: str) -> np.ndarray:
    used, inverse = np.unique(labels, return_inverse=True)
    numbers = {name: number for number, name in enumerate(class_names)}
    unknown = next((str(name) for name in used if str(name) not in numbers), None)
    if unknown is not None:
        raise ValueError(
            f"`{argument}` must hold names out of {first_names(class_names)}. Received: "
            f"{unknown!r} at index {int(np.argmax(labels == unknown))}"
        )
    return np.array([numbers[str(name)] for name in used], dtype=np.int32)[inverse]


def check_classes(labels: np.ndarray, num_classes: int, argument: str) -> None:
    """Raises a ValueError for a label that none of `num_classes` classes has.

    Args:
        labels: `(N,)` int32, no label negative.
        num_classes: classes are `0 .. num_classes - 1`.
        argument: the name the caller knows `labels` by.
    """
    if labels.max() >= num_classes:
        raise ValueError(
            f"`{argument}` must hold classes from 0 to {num_classes - 1}. Received: a label "
            f"{labels.max()} at index {int(np.argmax(labels))}"
        )


def check_every_class_present(labels: np.ndarray, num_classes: int, argument: str) -> None:
    """Raises a ValueError naming the first of `num_classes` classes that `labels` never uses.

    Args:
        labels: `(N,)` int32, no label negative.
        num_classes: classes are `0 .. num_classes - 1`.
        argument: the name the caller knows `labels` by.
    """
    present = np.unique(labels)
    # A single stray label of a billion must not cost a billion entries: only `present` is walked.
    gaps = np.flatnonzero(present != np.arange(len(present)))
    first_missing = int(gaps[0]) if gaps.size else len(present)
    if first_missing < num_classes:
        raise ValueError(
            f"`{argument}` must use every class from 0 to {num_classes - 1}: class "
            f"{first_missing} has no images. Received: {len(present)} different labels"
        )
