"""Checks that turn the labels that a caller passes into class numbers and class names."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_isa.inputs.class_names import (
    classes_by_value,
    first_difference,
    first_ten,
    is_whole,
    look_alikes,
    sort_names,
)
from keras_isa.inputs.values import decoded_words, refuse_where, to_array, wrong_dtype

# The tolerance for rows of probabilities, which sum to one.
_SUM_TOLERANCE = 1e-3
# How numbers are predicted instead of classes.
_ASK = (
    "if they are numbers to predict, ask for it: task='regression' in `Dataset.from_arrays`, "
    "`DistilledData.from_samples` or `keras_isa.datasets.load`, --task regression at the command "
    "line"
)
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
    if class_names is not None and labels.dtype.kind == "U":
        numbers = {name: [number] for number, name in enumerate(class_names)}
        needed = f"hold names out of {first_ten(class_names)}"
        labels, by_value = _looked_up(labels, numbers, argument, needed), False
    elif labels.size and labels.dtype.kind not in "ui":
        if labels.dtype.kind == "f":
            refuse_where(~np.isfinite(labels), labels, argument, "hold a class for every image")
        needed = "be class numbers of an integer dtype, or class names if `class_names` are given"
        if labels.dtype.kind == "f" and (labels % 1 != 0).any():
            needed += f"; {_ASK}"
        raise wrong_dtype(labels, argument, needed)
    if len(labels) != num_images:
        raise ValueError(
            f"`{argument}` must hold one label per image. Received: {len(labels)} labels for "
            f"{num_images} images, which are counted along their first axis"
        )
    values = classes_by_value(class_names) if by_value and class_names is not None else None
    if values is not None:
        names = f"{first_ten(class_names)} ({first_difference(class_names, values)})"
        needed = f"hold the numbers that are class names, {names}, or class names as strings"
        found = _looked_up(labels, values, argument, f"{needed}, each of one class")
        if warn:
            how = "labels are matched to the names by their value"
            _warn_of_values(class_names, values, argument, how)
        return found
    needed = "hold class numbers from 0 on; remove images without a label if it stands for none"
    refuse_where(labels < 0, labels, argument, needed, one="a label ")
    needed = "hold class numbers that fit int32"
    refuse_where(labels > np.iinfo(np.int32).max, labels, argument, needed, one="a label ")
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
    dtype = getattr(labels, "dtype", None)
    labels = _label_vector(labels, argument)
    if labels.dtype.kind != "U":
        return None
    used = set(labels.tolist())
    names = tuple(sort_names(used))
    if getattr(dtype, "ordered", False) or type(dtype).__name__ == "Enum":
        order = list(map(str, dtype.categories))
        if used.issubset(order):
            names = tuple(name for name in order if name in used)
    needed = "have a class name for every image; add the missing name or remove the image"
    refuse_where(np.isin(labels, [n for n in names if not n.strip()]), labels, argument, needed)
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
            _warn_of_values(class_names, values, argument, how)
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


def _label_vector(labels: object, argument: str) -> np.ndarray:
    """Returns one label per image, `(N,)`, with names as strings, or raises an error."""
    labels = to_array(labels, argument)
    if labels.dtype.kind == "S":
        labels = decoded_words(labels, argument)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim == 1:
        return labels
    is_table = labels.ndim == 2 and labels.size > 0 and labels.dtype.kind in "uifb"
    sums = labels.sum(axis=1) if is_table else np.empty(0)
    only_ones = is_table and np.isin(labels, (0, 1)).all()
    advice = ", or a class name"
    if is_table and labels.dtype.kind == "f" and (labels % 1 != 0).any():
        advice += f"; {_ASK}"
    received = f", with {labels[0, 0]} at row 0, column 0" if is_table else ""
    if only_ones and (sums == 1).all():
        advice = "; use `.argmax(axis=1)` on one-hot labels"
    elif labels.size > 1 and labels.size == max(labels.shape):
        advice = "; `.ravel()` removes the other axes"
    elif only_ones:
        row = int(np.argmax(sums != 1))
        advice = "; images with several classes or without a class are not supported"
        received = f", with {int(sums[row])} classes in row {row}"
    elif is_table and labels.min() >= 0 and (abs(sums - 1) < _SUM_TOLERANCE).all():
        advice = "; soft labels are not supported; `.argmax(axis=1)` takes the greatest value"
    raise ValueError(
        f"`{argument}` must hold one class number per image, shape (N,){advice}. Received: "
        f"shape={labels.shape}{received}"
    )


def _looked_up(
    labels: np.ndarray, numbers: Mapping[Any, Sequence[int]], argument: str, needed: str
) -> np.ndarray:
    """Returns class numbers `(N,)` int32, or raises an error for labels without one or with more.

    Args:
        labels: names or integers `(N,)`.
        numbers: class numbers by label.
        argument: the caller's name for `labels`.
        needed: what `labels` must do.
    """
    used, inverse = np.unique(labels, return_inverse=True)
    found = [numbers.get(label, ()) for label in used.tolist()]
    wrong = np.array([len(one) != 1 for one in found], bool)[inverse]
    refuse_where(wrong, labels, argument, needed)
    return np.array([number for number, *_ in found], np.int32)[inverse]


def _warn_of_values(
    class_names: Sequence[str], values: Mapping[int, Sequence[int]], argument: str, how: str
) -> None:
    """Warns of integer labels that could be class numbers or class names; `how` are they read?"""
    warnings.warn(
        f"`{argument}` holds whole numbers, and some of the class names {first_ten(class_names)} "
        f"are whole numbers too, for instance {first_difference(class_names, values)}: {how}",
        stacklevel=3,
    )


def check_classes(labels: np.ndarray, num_classes: int, argument: str) -> None:
    """Raises a ValueError for a label that is no number of one of `num_classes` classes.

    Args:
        labels: `(N,)` int32, no label negative.
        num_classes: the number of classes, which have the numbers `0 .. num_classes - 1`.
        argument: the caller's name for `labels`.
    """
    needed = f"hold classes from 0 to {num_classes - 1}"
    refuse_where(labels >= num_classes, labels, argument, needed, one="a label ")


def check_every_class_present(labels: np.ndarray, num_classes: int, argument: str) -> None:
    """Raises a ValueError if one of `num_classes` classes has no label; it names the first one.

    Args:
        labels: `(N,)` int32, no label negative.
        num_classes: the number of classes, which have the numbers `0 .. num_classes - 1`.
        argument: the caller's name for `labels`.
    """
    present = np.unique(labels)
    missing = np.setdiff1d(np.arange(num_classes), present)
    if missing.size:
        raise ValueError(
            f"`{argument}` must use every class from 0 to {num_classes - 1}: class "
            f"{missing[0]} has no images. Received: {len(present)} different labels, for "
            f"{num_classes} class names"
        )
