"""What each axis of an array of samples means."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

# The letters are N for samples; H, W and C for rows, columns and channels of images; T and F for
# steps and features of sequences; F alone for flat features.
AXES = ("NHWC", "NCHW", "NHW", "NTF", "NFT", "NF")

# Axes with channels or features first, and those that the library moves them to.
_MOVED = {"NCHW": "NHWC", "NFT": "NTF"}

# Usual images have one channel (grey) to four channels (colour with transparency).
_MAX_USUAL_CHANNELS = 4
# Images are rarely longer than this many times their width. Sequences of numbers usually are.
_MAX_ASPECT = 4
# Arrays in bytes or with a channel axis are likely images, which may be as long as a line of text.
_MAX_IMAGE_ASPECT = 8

_KINDS = {
    "NHWC": "images",
    "NCHW": "channels-first images",
    "NHW": "grey images",
    "NTF": "sequences",
    "NFT": "features-first sequences",
    "NF": "flat features",
}


def check_axes(axes: str | None) -> str | None:
    """Returns `axes`, or raises a ValueError if it is neither `None` nor one of `AXES`."""
    if axes is not None and axes not in AXES:
        raise ValueError(f"`axes` must be one of {', '.join(AXES)}. Received: axes={axes!r}")
    return axes


def axes_of(image_shape: Sequence[int]) -> str:
    """Returns the axes of the library's arrays whose samples have this shape.

    Args:
        image_shape: Shape `(H, W, C)`, `(T, F)` or `(F,)` of a sample.

    Example:

    >>> from keras_isa.inputs.axes import axes_of
    >>> axes_of((8, 8, 1)), axes_of((48, 3))
    ('NHWC', 'NTF')
    """
    return {3: "NHWC", 2: "NTF", 1: "NF"}[len(image_shape)]


def kind_of(image_shape: Sequence[int]) -> str:
    """Returns the word for samples of this shape: images, sequences or flat features."""
    return _KINDS[axes_of(image_shape)]


def kind_with_axes(image_shape: Sequence[int]) -> str:
    """Returns the word for samples of this shape, with their axes.

    Args:
        image_shape: Shape `(H, W, C)`, `(T, F)` or `(F,)` of a sample.

    Example:

    >>> from keras_isa.inputs.axes import kind_with_axes
    >>> kind_with_axes((8, 8, 1)), kind_with_axes((20,))
    ('images (H, W, C)', 'flat features (F,)')
    """
    return f"{kind_of(image_shape)} {_in_words(axes_of(image_shape)[1:])}"


def find_axes(
    shape: Sequence[int],
    dtype: np.dtype,
    argument: str,
    axes: str | None = None,
    image_shape: Sequence[int] | None = None,
) -> str:
    """Returns what the axes of an array mean: as `axes` says, or else as its shape suggests.

    If a shape has two meanings and one is more likely, the function takes that one and warns. If no
    meaning is more likely, it raises an error.

    Args:
        shape: Shape of the array.
        dtype: Dtype of the array.
        argument: The caller's name for the array.
        axes: One of `AXES`, or `None` if the caller has not given it.
        image_shape: Shape of a sample `(H, W, C)`, `(T, F)` or `(F,)` if it is known.

    Returns:
        One of `AXES`.

    Raises:
        ValueError: The shape has another number of axes than `axes`, is that of volumes, or has two
            meanings that are equally likely.

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
    if len(shape) not in (2, 3, 4):
        slices = ", volumes or videos; give single slices or frames" if len(shape) == 5 else ""
        raise ValueError(
            f"`{argument}` must have shape (N, H, W) or (N, H, W, C) for images, (N, T, F) for "
            f"sequences, or (N, F) for flat features. Received: shape={shape}{slices}"
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
        array: Array of images, sequences or features.
        axes: What its axes mean, one of `AXES`.

    Example:

    >>> import numpy as np
    >>> from keras_isa.inputs.axes import to_library_axes
    >>> to_library_axes(np.zeros((2, 3, 8, 9)), "NCHW").shape
    (2, 8, 9, 3)
    """
    if axes == "NHW":
        return array[..., np.newaxis]
    if axes in _MOVED:
        return np.moveaxis(array, 1, -1)
    return array


def library_shape(shape: Sequence[int], axes: str) -> tuple[int, ...]:
    """Returns the shape that `to_library_axes` gives an array of this shape."""
    return to_library_axes(np.broadcast_to(0, shape), axes).shape


def _axes_for(shape: tuple[int, ...], image_shape: tuple[int, ...], argument: str) -> str:
    """Returns the axes of an array whose samples should have a known shape."""
    for axes in _of_rank(len(shape)):
        if library_shape(shape, axes)[1:] == image_shape:
            return _warn_of_meaning(shape, axes, argument) if axes in _MOVED else axes
    # The caller raises an error for the other shape.
    return "NHWC" if len(shape) == 4 else "NHW" if len(image_shape) == 3 else "NTF"


def _of_rank(rank: int) -> list[str]:
    return [axes for axes in AXES if len(axes) == rank]


def _axes_of_rank_4(shape: tuple[int, ...], argument: str) -> str:
    _, first, middle, last = shape
    if first == middle == last > _MAX_USUAL_CHANNELS:
        raise _ambiguous(shape, argument, "NHWC")
    if last <= _MAX_USUAL_CHANNELS or first == middle:
        if last == 1 and _is_long(first, middle):
            otherwise = "if these are sequences, remove the last axis and pass axes='NTF'"
            return _warn_of_meaning(shape, "NHWC", argument, otherwise)
        return "NHWC"
    if first <= _MAX_USUAL_CHANNELS:
        return _warn_of_meaning(shape, "NCHW", argument)
    if middle <= _MAX_USUAL_CHANNELS:  # the order of MATLAB
        raise ValueError(
            f"`{argument}` must have the images along its first axis: an axis of length {last} is "
            "last; move it to the front with `np.moveaxis(x, -1, 0)`, or pass axes='NHWC' if it is "
            f"that of the channels. Received: shape={shape}"
        )
    if middle == last or first < min(middle, last):
        raise _ambiguous(shape, argument, "NCHW", "NHWC")
    return "NHWC"


def _axes_of_rank_3(shape: tuple[int, ...], dtype: np.dtype, argument: str) -> str:
    _, first, last = shape
    if dtype == np.uint8:
        return _warn_of_meaning(shape, "NHW", argument) if _is_long(first, last) else "NHW"
    if first == last:
        return "NHW"
    if first >= _MAX_ASPECT * last:
        return _warn_of_meaning(shape, "NTF", argument)
    if last >= _MAX_ASPECT * first:
        raise _ambiguous(shape, argument, "NHW", "NTF", "NFT")
    return _warn_of_meaning(shape, "NHW", argument)


def _is_long(height: int, width: int) -> bool:
    return 0 < _MAX_IMAGE_ASPECT * min(height, width) < max(height, width)


def _warn_of_meaning(
    shape: tuple[int, ...], axes: str, argument: str, otherwise: str | None = None
) -> str:
    """Returns `axes` after a warning that the shape could mean something else."""
    moved = f" and transposed to {_in_words(_MOVED[axes])}" if axes in _MOVED else ""
    if otherwise is None:
        others = " or ".join(repr(other) for other in _of_rank(len(axes)) if other != axes)
        otherwise = f"if that is wrong, pass axes={others}"
        if len(shape) == 3 and shape[-1] in (1, 3, 4):
            otherwise = f"if it is one image (H, W, C), add a first axis; {otherwise}"
    warnings.warn(
        f"`{argument}` of shape {shape} is read as {_KINDS[axes]} {_in_words(axes)}{moved}; "
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
        f"`axes` (--axes) must be given for `{argument}`, because its shape could mean several "
        f"things: {meanings}{volumes}. Received: shape={shape}"
    )


def _in_words(axes: str) -> str:
    """Returns axes in the form of a shape, such as (N, H, W, C)."""
    return f"({', '.join(axes)}{',' if len(axes) == 1 else ''})"
