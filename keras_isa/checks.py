"""Checks that turn whatever a caller hands in into images and labels the library can trust."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np


def check_images(images: object, argument: str) -> np.ndarray:
    """Returns `images` as `(N, H, W, C)` uint8 or float32, or says what is wrong with them.

    Args:
        images: array-like of shape `(N, H, W)` or `(N, H, W, C)`. uint8 stays uint8 (a quarter of
            the device memory); other integers and floats become float32.
        argument: the name the caller knows `images` by, used in the error.

    Raises:
        TypeError: the values are not numbers.
        ValueError: wrong number of dimensions, no pixels at all, or a NaN or infinite pixel.
    """
    images = _to_array(images, argument)
    if images.dtype.kind not in "uif":
        raise TypeError(
            f"`{argument}` must hold numbers (uint8 or float pixels). Received: dtype="
            f"{images.dtype}"
        )
    if images.ndim not in (3, 4):
        raise ValueError(
            f"`{argument}` must have shape (N, H, W) or (N, H, W, C); flat features are not "
            f"supported yet, so reshape them to images. Received: shape={images.shape}"
        )
    if images.size == 0:
        raise ValueError(
            f"`{argument}` must hold at least one image. Received: shape={images.shape}"
        )
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if images.dtype == np.uint8:
        return images
    with np.errstate(over="ignore"):  # a float64 too large for float32 is reported just below
        images = images.astype(np.float32, copy=False)
    finite = np.isfinite(images).all(axis=(1, 2, 3))
    if not finite.all():
        raise ValueError(
            f"`{argument}` must hold finite pixels; remove or mend the images with NaN or infinite "
            f"ones. Received: {np.count_nonzero(~finite)} such images, the first at index "
            f"{int(np.argmin(finite))}"
        )
    return images


def check_labels(labels: object, num_images: int, argument: str) -> np.ndarray:
    """Returns `labels` as `(N,)` int32, or says what is wrong with them.

    Args:
        labels: array-like of `num_images` class numbers, of an integer dtype.
        num_images: how many labels there must be.
        argument: the name the caller knows `labels` by, used in the error.

    Raises:
        TypeError: the labels are not of an integer dtype (bool and whole floats are refused too:
            they are more often a mistake than a class number).
        ValueError: not one dimension, not one label per image, or a negative label.
    """
    labels = _to_array(labels, argument)
    if labels.ndim != 1:
        raise ValueError(
            f"`{argument}` must hold one class number per image, shape (N,); use "
            f"`.argmax(axis=1)` on one-hot labels and `.reshape(-1)` on a column. "
            f"Received: shape={labels.shape}"
        )
    if labels.size and labels.dtype.kind not in "ui":
        raise TypeError(
            f"`{argument}` must be class numbers of an integer dtype. Received: dtype="
            f"{labels.dtype}"
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
    names = tuple(class_names)
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"`class_names` must be strings. Received: {name!r}")
    repeated = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if repeated is not None:
        raise ValueError(f"`class_names` must differ from each other. Received: {repeated!r} twice")
    return tuple(str(name) for name in names)


def check_pixel_range(pixel_range: tuple[float, float]) -> tuple[float, float]:
    """Returns `pixel_range` as two finite floats, the lower first, or says what is wrong."""
    try:
        low, high = (float(bound) for bound in pixel_range)
    except (TypeError, ValueError):
        raise TypeError(
            f"`pixel_range` must be two numbers (low, high). Received: pixel_range={pixel_range!r}"
        ) from None
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise ValueError(
            f"`pixel_range` must be finite with low < high. Received: pixel_range={(low, high)!r}"
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


def check_keys(values: Mapping[str, object], known: Iterable[str], argument: str) -> None:
    """Refuses a mapping with keys that mean nothing.

    Args:
        values: the mapping.
        known: the keys that may occur.
        argument: the name the caller knows `values` by, used in the error.

    Raises:
        ValueError: a key is not among `known`.
    """
    known = list(known)
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ValueError(
            f"`{argument}` must have keys out of {', '.join(known)}. Received: {', '.join(unknown)}"
        )
