"""Checks that turn whatever a caller hands in into images and labels the library can trust."""

from __future__ import annotations

import numbers
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_isa.arrays import StoredImages, chunks


def check_images(images: object, argument: str) -> np.ndarray | StoredImages:
    """Returns `images` as uint8 or float32 with a channel axis, or says what is wrong with them.

    Args:
        images: array-like of shape `(N, H, W)`, `(N, H, W, C)`, or `(N, F)` for flat features, or
            `StoredImages` of such a shape. uint8 stays uint8 (a quarter of the device memory);
            other integers and floats become float32. Stored images stay stored: they are
            converted when they are read, and only floats are read here, a few at a time.
        argument: the name the caller knows `images` by, used in the error.

    Returns:
        `(N, H, W, C)` or `(N, F)`, an array or `StoredImages` as it came.

    Raises:
        TypeError: the values are not numbers.
        ValueError: wrong number of dimensions, no pixels at all, or a NaN or infinite pixel.
    """
    if not isinstance(images, StoredImages):
        images = _to_array(images, argument)
    if images.dtype.kind not in "uif":
        raise TypeError(
            f"`{argument}` must hold numbers (uint8 or float pixels). Received: dtype="
            f"{images.dtype}"
        )
    if images.ndim not in (2, 3, 4):
        raise ValueError(
            f"`{argument}` must have shape (N, H, W) or (N, H, W, C), or (N, F) for flat features. "
            f"Received: shape={images.shape}"
        )
    if images.size == 0:
        raise ValueError(
            f"`{argument}` must hold at least one image. Received: shape={images.shape}"
        )
    images = _with_library_form(images)
    if images.dtype != np.uint8:
        _check_finite_images(images, argument)
    return images


def _with_library_form(images: np.ndarray | StoredImages) -> np.ndarray | StoredImages:
    """uint8 or float32, with a channel axis."""
    dtype = np.dtype(np.uint8 if images.dtype == np.uint8 else np.float32)
    if isinstance(images, StoredImages):
        if images.dtype == dtype and images.ndim != 3:
            return images
        return StoredImages(_Converted(images, dtype))
    return _converted(images, dtype)


def _converted(images: np.ndarray, dtype: np.dtype) -> np.ndarray:
    with np.errstate(over="ignore"):  # what is too large for float32 is found to be infinite
        images = images.astype(dtype, copy=False)
    return images[..., np.newaxis] if images.ndim == 3 else images


class _Converted:
    """Stored images that get their channel axis and their dtype when they are read."""

    def __init__(self, images: StoredImages, dtype: np.dtype) -> None:
        self.images = images
        self.dtype = dtype
        self.shape = (*images.shape, 1) if images.ndim == 3 else images.shape

    def __getitem__(self, rows: Any) -> np.ndarray:
        return _converted(self.images[rows], self.dtype)


def _check_finite_images(images: np.ndarray | StoredImages, argument: str) -> None:
    bad = np.concatenate(
        [~np.isfinite(part).reshape(len(part), -1).all(axis=1) for part in chunks(images)]
    )
    if bad.any():
        raise ValueError(
            f"`{argument}` must hold finite pixels; remove or mend the images with NaN or infinite "
            f"ones. Received: {np.count_nonzero(bad)} such images, the first at index "
            f"{int(np.argmax(bad))}"
        )


def check_finite(values: object, argument: str) -> np.ndarray:
    """Returns `values` as an array of finite numbers, or says what is wrong with them."""
    values = _to_array(values, argument)
    if values.dtype.kind not in "uif":
        raise TypeError(f"`{argument}` must hold numbers. Received: dtype={values.dtype}")
    if not np.isfinite(values).all():
        raise ValueError(
            f"`{argument}` must hold finite numbers. Received: "
            f"{np.count_nonzero(~np.isfinite(values))} that are NaN or infinite"
        )
    return values


def check_labels(
    labels: object, num_images: int, argument: str, class_names: Sequence[str] | None = None
) -> np.ndarray:
    """Returns `labels` as `(N,)` int32, or says what is wrong with them.

    Args:
        labels: array-like of `num_images` class numbers, of an integer dtype; or, where
            `class_names` are given, of class names.
        num_images: how many labels there must be.
        argument: the name the caller knows `labels` by, used in the error.
        class_names: the names in the order of the class numbers.

    Raises:
        TypeError: the labels are neither of an integer dtype nor names (bool and whole floats are
            refused too: they are more often a mistake than a class number).
        ValueError: not one dimension, not one label per image, a negative label or a name that is
            not in `class_names`.

    Example:

    >>> from keras_isa.checks import check_labels
    >>> check_labels(["dog", "cat"], 2, "y", class_names=["cat", "dog"])
    array([1, 0], dtype=int32)
    """
    labels = _to_array(labels, argument)
    if labels.ndim != 1:
        raise ValueError(
            f"`{argument}` must hold one class number per image, shape (N,); use "
            f"`.argmax(axis=1)` on one-hot labels and `.reshape(-1)` on a column. "
            f"Received: shape={labels.shape}"
        )
    if class_names is not None and _are_names(labels):
        labels = _numbers_of(_strings(labels), class_names, argument)
    if labels.size and labels.dtype.kind not in "ui":
        raise TypeError(
            f"`{argument}` must be class numbers of an integer dtype, or class names where the "
            f"names of all classes are given. Received: dtype={labels.dtype}"
        )
    if len(labels) != num_images:
        raise ValueError(
            f"`{argument}` must hold one label per image. Received: {len(labels)} labels for "
            f"{num_images} images"
        )
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


def names_in(labels: object, argument: str) -> tuple[str, ...] | None:
    """Returns the different class names that `labels` hold, sorted; `None` for other labels.

    Args:
        labels: array-like of class names, or of anything else.
        argument: the name the caller knows `labels` by, used in the error.

    Raises:
        ValueError: lists of unequal length.

    Example:

    >>> from keras_isa.checks import names_in
    >>> names_in(["dog", "cat", "dog"], "y"), names_in([1, 0, 1], "y")
    (('cat', 'dog'), None)
    """
    labels = _to_array(labels, argument)
    return tuple(np.unique(_strings(labels)).tolist()) if _are_names(labels) else None


def _are_names(labels: np.ndarray) -> bool:
    if labels.dtype.kind == "O":
        return labels.size > 0 and all(isinstance(label, str) for label in labels.flat)
    return labels.size > 0 and labels.dtype.kind in "UT"


def _strings(names: np.ndarray) -> np.ndarray:
    return names if names.dtype.kind == "U" else np.array(names.tolist(), dtype=str)


def _numbers_of(labels: np.ndarray, class_names: Sequence[str], argument: str) -> np.ndarray:
    used, inverse = np.unique(labels, return_inverse=True)
    numbers = {name: number for number, name in enumerate(class_names)}
    unknown = next((str(name) for name in used if str(name) not in numbers), None)
    if unknown is not None:
        raise ValueError(
            f"`{argument}` must hold names out of {_some(class_names)}. Received: {unknown!r} at "
            f"index {int(np.argmax(labels == unknown))}"
        )
    return np.array([numbers[str(name)] for name in used], dtype=np.int32)[inverse]


def _some(names: Sequence[str], most: int = 10) -> str:
    """The first few names, in one line."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


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


def check_class_names(class_names: Sequence[str]) -> tuple[str, ...]:
    """Returns `class_names` as a tuple of different strings, or says what is wrong with them."""
    if isinstance(class_names, str):
        raise TypeError(
            "`class_names` must be a sequence of strings, one per class. Received: "
            f"class_names={class_names!r}"
        )
    try:
        names = tuple(class_names)
    except TypeError:
        raise TypeError(
            "`class_names` must be a sequence of strings, one per class. Received: "
            f"class_names={class_names!r}"
        ) from None
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"`class_names` must be strings. Received: {name!r}")
    repeated = next((name for name, times in Counter(names).items() if times > 1), None)
    if repeated is not None:
        raise ValueError(f"`class_names` must differ from each other. Received: {repeated!r} twice")
    return tuple(str(name) for name in names)


def check_pixel_range(pixel_range: tuple[float, float]) -> tuple[float, float]:
    """Returns `pixel_range` as two finite floats, the lower first, or says what is wrong."""
    try:
        low, high = pixel_range
        if not all(isinstance(bound, numbers.Real) for bound in (low, high)):
            raise TypeError
        low, high = float(low), float(high)
    except (TypeError, ValueError):
        raise TypeError(
            f"`pixel_range` must be two numbers (low, high). Received: pixel_range={pixel_range!r}"
        ) from None
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise ValueError(
            f"`pixel_range` must be finite with low < high. Received: pixel_range={(low, high)!r}"
        )
    return low, high


def pixel_range_of(images: np.ndarray | StoredImages, argument: str) -> tuple[float, float]:
    """Returns the values of black and white, told from the pixels.

    Args:
        images: what `check_images` returned.
        argument: the name the caller knows `images` by, used in the error.

    Returns:
        (0, 255) for uint8, (0, 1) for other numbers that all lie in it, else the smallest and the
        largest pixel.

    Raises:
        ValueError: every pixel has one value, outside of 0 to 1.

    Example:

    >>> import numpy as np
    >>> from keras_isa.checks import pixel_range_of
    >>> pixel_range_of(np.array([[0.0, 9.5, 16.0]], "float32"), "x")
    (0.0, 16.0)
    """
    if images.dtype == np.uint8:
        return 0.0, 255.0
    low = float(min(part.min() for part in chunks(images)))
    high = float(max(part.max() for part in chunks(images)))
    if low >= 0.0 and high <= 1.0:
        return 0.0, 1.0
    if low == high:
        raise ValueError(
            f"`{argument}` must hold more than one pixel value, or come with a `pixel_range`. "
            f"Received: every pixel is {low:g}"
        )
    return low, high


def _to_array(values: object, argument: str) -> np.ndarray:
    try:
        return np.asarray(values)
    except ValueError as error:  # lists of unequal length
        raise ValueError(
            f"`{argument}` must be an array, or lists of equal length. Received: "
            f"{type(values).__name__}"
        ) from error


def check_dictionary(values: dict | None, argument: str) -> dict:
    """Returns `values`, an empty dictionary for `None`, or raises a TypeError for anything else."""
    if values is not None and not isinstance(values, dict):
        raise TypeError(f"`{argument}` must be a dictionary. Received: {values!r}")
    return {} if values is None else values


def check_keys(values: Mapping[str, object], known: Iterable[str], argument: str) -> None:
    """Refuses a mapping with keys that mean nothing.

    Args:
        values: the mapping.
        known: the keys that may occur.
        argument: the name the caller knows `values` by, used in the error.

    Raises:
        TypeError: `values` is no mapping.
        ValueError: a key is not among `known`.
    """
    if not isinstance(values, Mapping):
        raise TypeError(
            f"`{argument}` must be a mapping from names to values. Received: {values!r}"
        )
    known = list(known)
    unknown = sorted(map(str, set(values) - set(known)))
    if unknown:
        raise ValueError(
            f"`{argument}` must have keys out of {', '.join(known)}. Received: {', '.join(unknown)}"
        )
