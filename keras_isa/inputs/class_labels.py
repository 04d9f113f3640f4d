"""Checks that turn the labels that a caller passes into class numbers and class names."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from keras_isa.inputs.class_names import first_ten, look_alikes, sort_names
from keras_isa.inputs.class_values import (
    classes_by_value,
    is_whole,
    match_by_value,
    warn_of_values,
)
from keras_isa.inputs.values import (
    columns_of,
    decoded_words,
    describe_first,
    describe_index,
    to_array,
)

# The tolerance for rows of probabilities, which sum to one.
_SUM_TOLERANCE = 1e-3
# What a missing label becomes when other software turns it into text.
_MISSING = ("nan", "none", "null", "<na>", "nat")


def check_labels(
    labels: object,
    num_images: int,
    argument: str,
    class_names: Sequence[str] | None = None,
    *,
    by_value: bool = False,
    warn: bool = True,
) -> np.ndarray:
    """Returns `labels` as class numbers `(N,)` int32, or raises an error.

    Args:
        labels: array-like of `num_images` class numbers of an integer dtype, or of class names if
            `class_names` are given. Its shape is `(N,)` or `(N, 1)`.
        num_images: how many labels there must be.
        argument: the caller's name for `labels`, used in the error.
        class_names: the names in the order of the class numbers.
        by_value: whether integers stand for the class names that are the same whole numbers. This
            matters only if such a name differs from its class number. Otherwise integers are class
            numbers.
        warn: whether a warning says that integers are matched to the names.

    Raises:
        TypeError: the labels are neither of an integer dtype nor names. Bools and floats are
            refused too, because they are usually a mistake.
        ValueError: the number of labels differs from `num_images`, there are several labels per
            image, a label is missing or negative, or it fits none or several of `class_names`.

    Example:

    >>> from keras_isa.inputs.class_labels import check_labels
    >>> check_labels(["dog", "cat"], 2, "y", class_names=["cat", "dog"])
    array([1, 0], dtype=int32)
    """
    labels = _label_vector(labels, argument)
    if class_names is not None and _are_names(labels):
        labels = _look_up_names(decoded_words(labels, argument), class_names, argument)
        by_value = False
    elif labels.size and labels.dtype.kind not in "ui":
        raise _not_class_numbers(labels, argument)
    if len(labels) != num_images:
        raise ValueError(
            f"`{argument}` must hold one label per image. Received: {len(labels)} labels for "
            f"{num_images} images, which are counted along their first axis"
        )
    values = classes_by_value(class_names) if by_value and class_names is not None else None
    if values is not None:
        found = match_by_value(labels, class_names, values, argument)
        if warn:
            how = "labels are matched to the names by their value"
            warn_of_values(class_names, values, argument, how)
        return found
    if labels.min() < 0:
        row = int(np.argmax(labels < 0))
        raise ValueError(
            f"`{argument}` must hold class numbers from 0 on; remove images without a label if "
            f"{labels[row]} stands for none. Received: {np.count_nonzero(labels < 0)} negative "
            f"labels, the first a label {labels[row]} at index {row}"
        )
    if labels.max() > np.iinfo(np.int32).max:
        raise ValueError(
            f"`{argument}` must hold class numbers that fit int32. Received: a label {labels.max()}"
        )
    return labels.astype(np.int32, copy=False)


def infer_classes(
    labels: object, num_images: int, argument: str
) -> tuple[tuple[str, ...], np.ndarray]:
    """Returns the class names that occur in labels, and the class number of each label.

    Class numbers with gaps, such as 1 to 26, are renumbered from 0 in their order. The old numbers
    become the class names, and a warning says so.

    Args:
        labels: array-like of class numbers or of class names.
        num_images: how many labels there must be.
        argument: the caller's name for `labels`, used in the error.

    Returns:
        The names, and the class numbers `(N,)` int32. Every class occurs.

    Raises:
        TypeError, ValueError: as `check_labels`.

    Example:

    >>> from keras_isa.inputs.class_labels import infer_classes
    >>> infer_classes(["dog", "cat", "dog"], 3, "y")
    (('cat', 'dog'), array([1, 0, 1], dtype=int32))
    """
    names = find_class_names(labels, argument)
    numbers = check_labels(labels, num_images, argument, names)
    if names is not None:
        return names, numbers
    used, renumbered = np.unique(numbers, return_inverse=True)
    if used[-1] >= len(used):
        warnings.warn(
            f"`{argument}` has {len(used)} different class numbers, {first_ten(used)}, and not "
            f"all from 0 to {used[-1]}: the classes are renumbered from 0 to {len(used) - 1} and "
            "keep their old numbers as class names",
            stacklevel=3,
        )
    return tuple(map(str, used.tolist())), renumbered.astype(np.int32)


def find_class_names(labels: object, argument: str) -> tuple[str, ...] | None:
    """Returns the class names that occur in `labels`, sorted, or `None` for other labels.

    An ordered `Categorical` of pandas and an `Enum` of polars keep their own order.

    Args:
        labels: array-like of class names, or of anything else.
        argument: the caller's name for `labels`, used in the error.

    Raises:
        TypeError, ValueError: as `check_labels`.

    Example:

    >>> from keras_isa.inputs.class_labels import find_class_names
    >>> find_class_names(["dog", "cat", "dog"], "y"), find_class_names([1, 0, 1], "y")
    (('cat', 'dog'), None)
    """
    order = _order_of(labels)
    labels = _label_vector(labels, argument)
    if not _are_names(labels):
        return None
    labels = decoded_words(labels, argument)
    used = set(labels.tolist())
    names = tuple(sort_names(used))
    if order is not None and used.issubset(order):
        names = tuple(name for name in order if name in used)
    blank = next((name for name in names if not name.strip()), None)
    if blank is not None:
        raise ValueError(
            f"`{argument}` must have a class name for every image; add the missing name or remove "
            f"the image. Received: {blank!r} at index {int(np.argmax(labels == blank))}"
        )
    alike = look_alikes(names)
    if alike is not None:
        raise ValueError(
            f"`{argument}` must hold class names that differ in more than spaces or the form of "
            "their Unicode characters; write the name of a class the same way everywhere. "
            f"Received: {' and '.join(alike)}"
        )
    missing = [name for name in names if name.strip().lower() in _MISSING]
    if missing:
        found = np.isin(labels, missing)
        row = int(np.argmax(found))
        warnings.warn(
            f"`{argument}` has the class {labels[row].item()!r}, which often stands for a missing "
            "label: if it does, remove the images without a label. Received: "
            f"{np.count_nonzero(found)} such labels, the first at index {row}",
            stacklevel=2,
        )
    return names


def to_class_numbers(
    labels: object,
    num_images: int,
    argument: str,
    class_names: Sequence[str],
    *,
    warn: bool = True,
) -> np.ndarray:
    """Returns labels as class numbers `(N,)` int32, given the class names.

    Integers are taken for class numbers if all of them are in range. Otherwise they are matched to
    the names that are the same whole numbers. A warning says which of the two it is if an integer
    could be both a class number and a name.

    Args:
        labels: array-like of class numbers or of class names.
        num_images: how many labels there must be.
        argument: the caller's name for `labels`, used in the error.
        class_names: the names in the order of the class numbers.
        warn: whether to warn that integers are taken for class numbers.

    Raises:
        TypeError, ValueError: as `check_labels`.

    Example:

    >>> from keras_isa.inputs.class_labels import to_class_numbers
    >>> to_class_numbers([1, 0, 1], 3, "y", ["cat", "dog"])
    array([1, 0, 1], dtype=int32)
    """
    labels, values = _label_vector(labels, argument), classes_by_value(class_names)
    by_value = False
    if values is not None and labels.size and labels.dtype.kind in "ui":
        by_value = bool(labels.min() < 0 or labels.max() >= len(class_names))
        if not by_value and warn and any(one in values for one in np.unique(labels).tolist()):
            how = "labels are taken for class numbers; if that is wrong, pass names as strings"
            warn_of_values(class_names, values, argument, how)
    return check_labels(labels, num_images, argument, class_names, by_value=by_value)


def refuse_positions(labels: object, class_names: Sequence[str], argument: str, other: str) -> None:
    """Raises an error for integers that would be positions of class names, not their values.

    Args:
        labels: array-like of labels of any kind. Only integers are looked at.
        class_names: the names that occur in the labels `other`.
        argument: the caller's name for `labels`.
        other: the caller's name for the labels that are class names.

    Raises:
        ValueError: an integer is the class number of a name that is no whole number.

    Example:

    >>> from keras_isa.inputs.class_labels import refuse_positions
    >>> refuse_positions(["dog", "cat"], ["cat", "dog"], "y_test", "y_train")
    """
    labels = _label_vector(labels, argument)
    if labels.dtype.kind not in "ui" or classes_by_value(class_names) is not None:
        return  # names that are other whole numbers are matched by their value
    for label in np.unique(labels).tolist():
        if 0 <= label < len(class_names) and not is_whole(class_names[label]):
            raise ValueError(
                f"`{argument}` must hold class names as `{other}` does. Received: integers; class "
                f"number {label} would be {class_names[label]!r}"
            )


def _order_of(labels: object) -> list[str] | None:
    """Returns the classes of an ordered `Categorical` or an `Enum` in their order."""
    dtype = getattr(labels, "dtype", None)
    if getattr(dtype, "ordered", False) or type(dtype).__name__ == "Enum":
        return [str(name) for name in dtype.categories]
    return None


def _label_vector(labels: object, argument: str) -> np.ndarray:
    """Returns one label per image, `(N,)` of any dtype, or raises an error for other shapes."""
    columns = columns_of(labels)
    labels = to_array(labels, argument)
    if labels.ndim == 2 and labels.shape[1] == 1:
        return labels[:, 0]
    if labels.ndim == 1:
        return labels
    start = f"`{argument}` must hold one class number per image, shape (N,)"
    received = f"Received: shape={labels.shape}"
    if labels.size > 1 and labels.size == max(labels.shape) and not _is_one_hot(labels):
        raise ValueError(f"{start}; `.ravel()` removes the other axes. {received}")
    if labels.ndim != 2 or 0 in labels.shape or labels.dtype.kind not in "uifb":
        raise ValueError(f"{start}, or a class name. {received}")
    if _is_one_hot(labels):
        raise ValueError(f"{start}; use `.argmax(axis=1)` on one-hot labels. {received}")
    if np.isin(labels, (0, 1)).all():
        ones = (labels == 1).sum(axis=1)
        row = int(np.argmax(ones != 1))
        raise ValueError(
            f"{start}; images with several classes or without a class are not supported. "
            f"{received}, with {ones[row]} classes in row {row}"
        )
    if not np.isfinite(labels).all():
        raise ValueError(
            f"{start}. {received}, with {labels[~np.isfinite(labels)][0]} at "
            f"{describe_first(~np.isfinite(labels), columns)}"
        )
    if labels.min() >= 0 and (abs(labels.sum(axis=1) - 1) < _SUM_TOLERANCE).all():
        row = int(np.argmax((labels != 1).all(axis=1)))
        raise ValueError(
            f"{start}; soft labels are not supported; `.argmax(axis=1)` takes the class with the "
            f"greatest value. {received}, with {labels[row].max():g} as the greatest value in row "
            f"{row}"
        )
    where = describe_index((0, 0), columns)
    raise ValueError(f"{start}. {received}, with {labels[0, 0]:g} at {where}")


def _is_one_hot(labels: np.ndarray) -> bool:
    """Returns whether labels have two axes, and each row is a single one among zeros."""
    if labels.ndim != 2 or labels.dtype.kind not in "uifb":
        return False
    return bool(np.isin(labels, (0, 1)).all() and ((labels == 1).sum(axis=1) == 1).all())


def _not_class_numbers(labels: np.ndarray, argument: str) -> TypeError | ValueError:
    """Returns the error about labels that are neither integers nor known names."""
    value = labels[0].item() if labels.dtype.names is None else labels[0]
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        wrong = ~np.isfinite(labels)
        return ValueError(
            f"`{argument}` must hold a class for every image. Received: {labels[wrong][0]} at "
            f"{describe_first(wrong)}"
        )
    if labels.dtype.kind == "f":
        whole = labels == np.round(labels)
        what = "whole numbers as floats, which `.astype('int32')` turns into class numbers"
        if not whole.all():
            value = labels[~whole][0].item()
            what = f"fractions, the first at {describe_first(~whole)}"
    else:
        what = {
            "b": "bools, which `.astype('int32')` turns into class numbers",
            "c": "complex numbers",
            "M": "dates",
            "m": "durations",
            "V": f"records with the fields {', '.join(labels.dtype.names or ())}",
        }.get(labels.dtype.kind, "words")
    return TypeError(
        f"`{argument}` must be class numbers of an integer dtype, or class names if `class_names` "
        f"are given. Received: dtype={labels.dtype}, {what}, such as {value!r}"
    )


def _are_names(labels: np.ndarray) -> bool:
    return labels.size > 0 and labels.dtype.kind in "US"


def _look_up_names(labels: np.ndarray, class_names: Sequence[str], argument: str) -> np.ndarray:
    """Returns the class numbers `(N,)` int32 of class names."""
    used, inverse = np.unique(labels, return_inverse=True)
    numbers = {name: number for number, name in enumerate(class_names)}
    unknown = next((str(name) for name in used if str(name) not in numbers), None)
    if unknown is not None:
        raise ValueError(
            f"`{argument}` must hold names out of {first_ten(class_names)}. Received: "
            f"{unknown!r} at index {int(np.argmax(labels == unknown))}"
        )
    return np.array([numbers[str(name)] for name in used], dtype=np.int32)[inverse]


def check_classes(labels: np.ndarray, num_classes: int, argument: str) -> None:
    """Raises a ValueError for a label that is no number of one of `num_classes` classes.

    Args:
        labels: `(N,)` int32, no label negative.
        num_classes: the number of classes, which have the numbers `0 .. num_classes - 1`.
        argument: the caller's name for `labels`.
    """
    if labels.max() >= num_classes:
        raise ValueError(
            f"`{argument}` must hold classes from 0 to {num_classes - 1}. Received: a label "
            f"{labels.max()} at index {int(np.argmax(labels))}, for {num_classes} class names"
        )


def check_every_class_present(labels: np.ndarray, num_classes: int, argument: str) -> None:
    """Raises a ValueError if one of `num_classes` classes has no label; it names the first one.

    Args:
        labels: `(N,)` int32, no label negative.
        num_classes: the number of classes, which have the numbers `0 .. num_classes - 1`.
        argument: the caller's name for `labels`.
    """
    present = np.unique(labels)
    # A table with an entry per class would take gigabytes for a single wrong label of a billion.
    gaps = np.flatnonzero(present != np.arange(len(present)))
    first_missing = int(gaps[0]) if gaps.size else len(present)
    if first_missing < num_classes:
        raise ValueError(
            f"`{argument}` must use every class from 0 to {num_classes - 1}: class "
            f"{first_missing} has no images. Received: {len(present)} different labels, for "
            f"{num_classes} class names"
        )
