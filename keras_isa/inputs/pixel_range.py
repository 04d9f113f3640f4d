"""The pixel values of black and white: checked if given, otherwise inferred from the pixels."""

from __future__ import annotations

import warnings

import numpy as np

from keras_isa.inputs.arrays import StoredImages, chunks
from keras_isa.inputs.pixel_units import PixelUnit
from keras_isa.inputs.values import to_array

# The largest pixel of 8, 10, 12, 14 and 16 bits, as most cameras and files have.
_USUAL_MAXIMA = (255.0, 1023.0, 4095.0, 16383.0, 65535.0)
# uint8 may hold grey levels up to 16 as in scikit-learn's digits, or pixels of 5, 6 or 7 bits.
_SMALL_UINT8_MAXIMA = (*range(1, 17), 31, 63, 127)
# How many images are looked at together. In nearly all sets the first ones show the range.
_FEW_IMAGES = 64


def check_pixel_range(pixel_range: tuple[float, float]) -> tuple[float, float]:
    """Returns `pixel_range` as two finite floats, the lower first, or raises an error."""
    bounds = to_array(pixel_range, "pixel_range")
    if bounds.shape != (2,) or bounds.dtype.kind not in "uif":
        raise TypeError(
            f"`pixel_range` must be two numbers (low, high). Received: pixel_range={pixel_range!r}"
        )
    low, high = map(float, bounds)
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise ValueError(
            f"`pixel_range` must be finite with low < high. Received: pixel_range={(low, high)!r}"
        )
    return low, high


def pixel_range_of(images: np.ndarray | StoredImages, argument: str) -> tuple[float, float]:
    """Returns the values of black and white, inferred from the pixels.

    Args:
        images: what `check_images` returned.
        argument: the caller's name for `images`, used in the error.

    Returns:
        For uint8 (0, 255), or (0, m) if the greatest pixel m of images is at most 16, or 31, 63 or
        127.
        For other numbers (0, 1) if all pixels are within it. For images also (-1, 1), and (0, 255),
        (0, 1023), (0, 4095), (0, 16383) or (0, 65535) if the greatest pixel is in its upper half.
        Otherwise the smallest and the largest pixel. A warning names a range that is only a guess.

    Raises:
        ValueError: every pixel has the same value, outside of 0 to 1.

    Example:

    >>> import numpy as np
    >>> from keras_isa.inputs.pixel_range import pixel_range_of
    >>> pixel_range_of(np.array([[0.0, 9.5, 16.0]], "float32"), "x")
    (0.0, 16.0)
    """
    if images.dtype == np.uint8:
        return _range_of_bytes(images, argument) if images.ndim == 4 else (0.0, 255.0)
    bounds = [(float(part.min()), float(part.max())) for part in chunks(images)]
    low, high = min(low for low, _ in bounds), max(high for _, high in bounds)
    if low >= 0.0 and high <= 1.0:
        return 0.0, 1.0
    if low == high:
        raise ValueError(
            f"`{argument}` must hold more than one pixel value, or come with a `pixel_range`. "
            f"Received: every pixel is {low:g}"
        )
    likely = _usual_range(low, high) if images.ndim == 4 else None
    if likely is None or likely == (low, high):
        return low, high
    return _warn_of_guess(argument, f"numbers from {low:g} to {high:g}", likely, (low, high))


def warn_of_other_unit(
    images: np.ndarray | StoredImages, argument: str, pixel_range: tuple[float, float]
) -> None:
    """Warns of images in another pixel unit than the distilled set, such as 0 to 1 for 0 to 255.

    Such pixels are much larger or smaller than those of the set, or only one of the two has
    negative pixels.

    Args:
        images: What `check_images` returned. At most 64 images are looked at.
        argument: The caller's name for `images`.
        pixel_range: Lowest and highest pixel value of the set.
    """
    unit = PixelUnit.of(images) if images.ndim == 4 else None
    low, high = pixel_range
    of_set = PixelUnit(low, high, usual_low=low, usual_size=max(-low, high))
    if unit is not None and unit.may_differ(of_set, high - low):
        warnings.warn(
            f"`{argument}` holds numbers {unit}, and the distilled set has pixels {of_set}: give "
            "pixels in the unit of the images that the set was made of, because the set "
            "preprocesses them itself",
            stacklevel=2,
        )


def _range_of_bytes(images: np.ndarray | StoredImages, argument: str) -> tuple[float, float]:
    high = 0
    for part in chunks(images, _FEW_IMAGES):
        high = max(high, int(part.max()))
        if high > _SMALL_UINT8_MAXIMA[-1]:
            break
    if high not in _SMALL_UINT8_MAXIMA:
        return 0.0, 255.0
    held = f"whole numbers up to {high}"
    return _warn_of_guess(argument, held, (0.0, float(high)), (0.0, 255.0))


def _usual_range(low: float, high: float) -> tuple[float, float] | None:
    if -1.0 <= low <= -0.5 and 0.5 <= high <= 1.0:
        return -1.0, 1.0
    white = next((one for one in _USUAL_MAXIMA if one / 2 < high <= one), None)
    return None if white is None or low < 0 else (0.0, white)


def _warn_of_guess(
    argument: str, held: str, guess: tuple[float, float], other: tuple[float, float]
) -> tuple[float, float]:
    """Returns `guess` after a warning that says how to choose another range."""
    warnings.warn(
        f"`{argument}` holds {held}: {guess[0]:g} is taken for black and {guess[1]:g} for white in "
        "pictures; pass `pixel_range` to the dataset for another range, such as "
        f"({other[0]:g}, {other[1]:g})",
        stacklevel=4,
    )
    return guess
