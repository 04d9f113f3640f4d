"""Checks of images, numbers and dictionaries that a caller passes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_isa.inputs.arrays import StoredImages, chunks
from keras_isa.inputs.axes import find_axes, library_shape, to_library_axes
from keras_isa.inputs.pixel_units import check_list_units
from keras_isa.inputs.values import (
    READ_FILES,
    columns_of,
    describe_index,
    refuse_where,
    to_array,
    wrong_dtype,
)


def check_images(
    images: object,
    argument: str,
    axes: str | None = None,
    image_shape: Sequence[int] | None = None,
) -> np.ndarray | StoredImages:
    """Returns `images` as uint8 or float32 with the library's axes, or raises an error.

    Args:
        images: array-like of images `(N, H, W)`, `(N, H, W, C)` or `(N, C, H, W)`, of sequences
            `(N, T, F)`, or of flat features `(N, F)`; or `StoredImages` of such a shape. uint8
            stays uint8, which takes a quarter of the device memory; other integers and floats
            become float32. Stored images stay on disk and are converted when they are read. Only
            stored floats are read here, a few at a time, to find infinite pixels.
        argument: the caller's name for `images`, used in the error.
        axes: one of `keras_isa.inputs.axes.AXES`, or `None` to infer the axes from the shape.
        image_shape: shape of one image if it is known.

    Returns:
        `(N, H, W, C)`, `(N, T, F)` or `(N, F)`: `StoredImages` if `images` are, otherwise an array.

    Raises:
        TypeError: the values are not numbers.
        ValueError: the number of axes is wrong, the shape is ambiguous, there are no pixels, a
            pixel is missing, NaN, infinite or too large for float32, or the images of a list have
            different pixel units.
    """
    columns = columns_of(images)
    listed = isinstance(images, list | tuple)
    if not isinstance(images, StoredImages):
        images = to_array(images, argument)
    check_pixels(images, argument, columns)
    axes = find_axes(images.shape, images.dtype, argument, axes, image_shape)
    if images.size == 0:
        raise ValueError(
            f"`{argument}` must hold at least one image. Received: shape={images.shape}"
        )
    dtype = np.dtype(np.uint8 if images.dtype == np.uint8 else np.float32)
    if not isinstance(images, StoredImages):
        images = _converted(images, dtype, axes)
    elif images.dtype != dtype or library_shape(images.shape, axes) != images.shape:
        images = StoredImages(_Converted(images, dtype, axes))
    if dtype != np.uint8:
        _check_finite_images(images, argument, columns)
    if listed:
        check_list_units(images, argument)
    return images


def check_pixels(
    images: np.ndarray | StoredImages, argument: str, columns: Sequence[str] | None = None
) -> None:
    """Raises a TypeError for images that are no numbers, such as the names of files."""
    needed = "hold numbers (uint8 or float pixels)"
    if images.dtype.kind in "US":
        needed += f" and not names or bytes of files; {READ_FILES}"
    if images.dtype.kind not in "uif":
        raise wrong_dtype(images, argument, needed, columns)


def _converted(images: np.ndarray, dtype: np.dtype, axes: str) -> np.ndarray:
    with np.errstate(over="ignore"):  # too large values become infinite and are refused later
        images = images.astype(dtype, copy=False)
    return to_library_axes(images, axes)


class _Converted:
    """Stored images whose axes and dtype are converted when they are read."""

    def __init__(self, images: StoredImages, dtype: np.dtype, axes: str) -> None:
        self.images = images
        self.dtype = dtype
        self.axes = axes
        self.shape = library_shape(images.shape, axes)

    def __getitem__(self, rows: Any) -> np.ndarray:
        return _converted(self.images[rows], self.dtype, self.axes)


def _check_finite_images(
    images: np.ndarray | StoredImages, argument: str, columns: Sequence[str] | None
) -> None:
    bad = np.concatenate(
        [~np.isfinite(part).reshape(len(part), -1).all(axis=1) for part in chunks(images)]
    )
    if bad.any():
        row = int(np.argmax(bad))
        inside = np.argwhere(~np.isfinite(np.asarray(images[row])))[0]
        raise ValueError(
            f"`{argument}` must hold finite pixels, up to 3.4e38 as float32 does; repair, scale or "
            f"remove the images with others. Received: {np.count_nonzero(bad)} such images, the "
            f"first at {describe_index((row, *inside), columns)}"
        )


def check_finite(values: object, argument: str) -> np.ndarray:
    """Returns `values` as an array of finite numbers, or raises an error."""
    columns = columns_of(values)
    values = to_array(values, argument)
    if values.dtype.kind not in "uif":
        raise wrong_dtype(values, argument, "hold numbers", columns)
    listed = np.atleast_1d(values)
    refuse_where(~np.isfinite(listed), listed, argument, "hold finite numbers", columns)
    return values


def check_dictionary(values: dict | None, argument: str) -> dict:
    """Returns `values`, an empty dictionary for `None`, or raises a TypeError for anything else."""
    if values is not None and not isinstance(values, dict):
        raise TypeError(f"`{argument}` must be a dictionary. Received: {values!r}")
    return {} if values is None else values


def check_keys(values: Mapping[str, object], known: Iterable[str], argument: str) -> None:
    """Raises an error if a mapping has unknown keys.

    Args:
        values: the mapping.
        known: the keys that may occur.
        argument: the caller's name for `values`, used in the error.

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
