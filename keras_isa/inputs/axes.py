"""Which axis of an array of samples is what."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

# N samples; H rows, W columns and C channels of images; T steps and F features of sequences, or F
# features alone.
AXES = ("NHWC", "NCHW", "NHW", "NTF", "NFT", "NF")

# What the arrays of the library have, by the number of axes of a sample.
LIBRARY_AXES = {3: "NHWC", 2: "NTF", 1: "NF"}

# Grey, grey with transparency, colour, colour with transparency.
_MOST_USUAL_CHANNELS = 4
# Pictures are rarely longer than this many times their width; tables of numbers over time are.
_MOST_ASPECT = 4
# What is stored as pictures are, in bytes or with an axis for channels, may be a line of text.
_MOST_PICTURE_ASPECT = 8

_KINDS = {
    "NHWC": "images",
    "NCHW": "channels-first images",
    "NHW": "grey images",
    "NTF": "sequences",
    "NFT": "features-first sequences",
    "NF": "flat features",
}


def check_axes(axes: str | None) -> str | None:
    """Returns `axes`, or raises a ValueError where it is neither `None` nor out of `AXES`."""
    if axes is not None and axes not in AXES:
        raise ValueError(f"`axes` must be one of {', '.join(AXES)}. Received: axes={axes!r}")
    return axes


def axes_of(image_shape: Sequence[int]) -> str:
    """Returns the axes of the library's arrays whose samples have this shape.

    Args:
        image_shape: `(H, W, C)`, `(T, F)` or `(F,)`.

    Example:

    >>> from keras_isa.inputs.axes import axes_of
    >>> axes_of((8, 8, 1)), axes_of((48, 3))
    ('NHWC', 'NTF')
    """
    return LIBRARY_AXES[len(image_shape)]


def kind_of(image_shape: Sequence[int]) -> str:
    """Returns what samples of this shape are called: images, sequences or flat features."""
    return _KINDS[axes_of(image_shape)]


def kind_with_axes(image_shape: Sequence[int]) -> str:
    """Returns what samples of this shape are called, with their axes.

    Args:
        image_shape: `(H, W, C)`, `(T, F)` or `(F,)`.

    Example:

    >>> from keras_isa.inputs.axes import kind_with_axes
    >>> kind_with_axes((8, 8, 1)), kind_with_axes((20,))
    ('images (H, W, C)', 'flat features (F,)')
    """
    return f"{kind_of(image_shape)} {_spelled(axes_of(image_shape)[1:])}"


def find_axes(
    shape: Sequence[int],
    dtype: np.dtype,
    argument: str,
    axes: str | None = None,
    image_shape: Sequence[int] | None = None,
) -> str:
    """Returns which axis of an array is what: as it was said, or as its shape shows.

    What could be read in two ways, and is read in one, is said in a warning; what could be read in
    two ways and neither is more likely is refused.

    Args:
        shape: Of the array.
        dtype: Of the array.
        argument: The name the caller knows the array by.
        axes: One of `AXES` where the caller said so.
        image_shape: Shape of a sample `(H, W, C)`, `(T, F)` or `(F,)` where it is known.

    Returns:
        One of `AXES`.

    Raises:
        ValueError: The shape has another number of axes than `axes`, or is that of volumes, or of
            two things at once.

    Example:

    >>> import numpy as np
    >>> from keras_isa.inputs.axes import find_axes
    >>> find_axes((10, 28, 28), np.dtype("uint8"), "x")
    'NHW'
    >>> find_axes((10, 3, 32, 32), np.dtype("uint8"), "x", axes="NCHW")
    'NCHW'
    """
    shape = tuple(shape)
    if axes is not None:
        if len(check_axes(axes)) != len(shape):
            raise ValueError(
                f"`axes` must have one letter for each axis of `{argument}`. Received: "
                f"axes={axes!r} and shape={shape}"
            )
        return axes
    if len(shape) == 5:
        raise ValueError(
            f"`{argument}` must hold images, sequences or flat features. Received: shape={shape}, "
            "which are volumes or videos; give single slices or frames (N, H, W, C)"
        )
    if len(shape) not in (2, 3, 4):
        raise ValueError(
            f"`{argument}` must have shape (N, H, W) or (N, H, W, C) for images, (N, T, F) for "
            f"sequences, or (N, F) for flat features. Received: shape={shape}"
        )
    if len(shape) == 2:
        return "NF"
    if image_shape is not None and len(image_shape) > 1:
        return _axes_for(shape, tuple(image_shape), argument)
    if len(shape) == 3:
        return _axes_of_rank_3(shape, np.dtype(dtype), argument)
    return _axes_of_rank_4(shape, argument)


def to_library_axes(array: np.ndarray, axes: str) -> np.ndarray:
    """Returns an array with the axes of the library, `(N, H, W, C)`, `(N, T, F)` or `(N, F)`.

    Args:
        array: Array with `axes`.
        axes: One of `AXES`.

    Example:

    >>> import numpy as np
    >>> from keras_isa.inputs.axes import to_library_axes
    >>> to_library_axes(np.zeros((2, 3, 8, 9)), "NCHW").shape
    (2, 8, 9, 3)
    """
    if axes == "NHW":
        return array[..., np.newaxis]
    if axes in ("NCHW", "NFT"):
        return np.moveaxis(array, 1, -1)
    return array


def library_shape(shape: Sequence[int], axes: str) -> tuple[int, ...]:
    """Returns the shape that `to_library_axes` gives an array of this shape."""
    count, *rest = shape
    if axes == "NHW":
        return (count, *rest, 1)
    if axes in ("NCHW", "NFT"):
        return (count, *rest[1:], rest[0])
    return (count, *rest)


def _axes_for(shape: tuple[int, ...], image_shape: tuple[int, ...], argument: str) -> str:
    """Axes of an array that is to hold samples of a known shape."""
    expected = "NHW" if len(shape) == 3 and len(image_shape) == 3 else axes_of(image_shape)
    if len(shape) != len(expected):  # the caller refuses it, as the shape is another one
        return "NHWC" if len(shape) == 4 else "NTF"
    turned = _TURNED.get(expected)
    if turned is None or shape[1:] == image_shape:
        return expected
    fits_turned = library_shape(shape, turned)[1:] == image_shape
    return _told(shape, turned, argument) if fits_turned else expected


def _axes_of_rank_4(shape: tuple[int, ...], argument: str) -> str:
    _, first, middle, last = shape
    if first == middle == last > _MOST_USUAL_CHANNELS:
        raise _ambiguous(shape, argument, "NHWC")
    if last <= _MOST_USUAL_CHANNELS or first == middle:
        if last == 1 and _is_long(first, middle):
            otherwise = "where these are sequences, leave out the last axis and say axes='NTF'"
            return _told(shape, "NHWC", argument, otherwise)
        return "NHWC"
    if first <= _MOST_USUAL_CHANNELS:
        return _told(shape, "NCHW", argument)
    if middle == last or first < min(middle, last):
        raise _ambiguous(shape, argument, "NCHW", "NHWC")
    return "NHWC"


def _axes_of_rank_3(shape: tuple[int, ...], dtype: np.dtype, argument: str) -> str:
    _, first, last = shape
    if dtype == np.uint8:
        return _told(shape, "NHW", argument) if _is_long(first, last) else "NHW"
    if first == last:
        return "NHW"
    if first >= _MOST_ASPECT * last:
        return _told(shape, "NTF", argument)
    if last >= _MOST_ASPECT * first:
        raise _ambiguous(shape, argument, "NHW", "NTF", "NFT")
    return _told(shape, "NHW", argument)


def _is_long(height: int, width: int) -> bool:
    return 0 < _MOST_PICTURE_ASPECT * min(height, width) < max(height, width)


_TURNED = {"NHWC": "NCHW", "NTF": "NFT"}


def _told(shape: tuple[int, ...], axes: str, argument: str, otherwise: str | None = None) -> str:
    usual = {turned: usual for usual, turned in _TURNED.items()}.get(axes)
    turned = "" if usual is None else f", and turned to {_spelled(usual)}"
    others = [other for other in AXES if len(other) == len(axes) and other != axes]
    otherwise = otherwise or f"where that is wrong, say axes={' or '.join(map(repr, others))}"
    warnings.warn(
        f"`{argument}` of shape {shape} is read as {_KINDS[axes]} {_spelled(axes)}{turned}; "
        f"{otherwise} (--axes)",
        stacklevel=4,
    )
    return axes


def _ambiguous(shape: tuple[int, ...], argument: str, *possible: str) -> ValueError:
    meanings = ", ".join(
        f"{axes!r} for {_KINDS[axes]}"
        + (f" of {library_shape(shape, axes)[-1]} channels" if len(axes) == 4 else "")
        for axes in possible
    )
    volumes = "; volumes and videos are not supported" if len(shape) == 4 else ""
    return ValueError(
        f"`axes` (--axes) must say what `{argument}` is where its shape leaves it open: "
        f"{meanings}{volumes}. Received: shape={shape}"
    )


def _spelled(axes: str) -> str:
    """Axes as a shape is written."""
    return f"({', '.join(axes)}{',' if len(axes) == 1 else ''})"
