"""The pixel values of black and white: checked if given, otherwise inferred from the pixels."""

from __future__ import annotations

import numbers
import warnings

import numpy as np

from keras_isa.inputs.arrays import StoredImages, chunks

# The largest pixel of 8, 10, 12, 14 and 16 bits, as most cameras and files have.
_USUAL_MAXIMA = (255.0, 1023.0, 4095.0, 16383.0, 65535.0)
# uint8 may hold pixels of 5, 6 or 7 bits, or grey levels up to 16 as in scikit-learn's digits.
_SMALL_UINT8_MAXIMA = (31, 63, 127)
_MAX_GREY_LEVEL = 16
# Pixels that differ from the set's by this factor are in another unit. A smaller factor may come
# from darker or brighter images.
UNIT_FACTOR = 15.0
# Pixels that are below zero by more than this share of the range are in another unit. Resizing
# alone overshoots by less.
UNDERSHOOT = 0.1
# How many images are looked at together. In nearly all sets the first ones show the range.
_FEW_IMAGES = 64


def check_pixel_range(pixel_range: tuple[float, float]) -> tuple[float, float]:
    """Returns `pixel_range` as two finite floats, the lower first, or raises an error."""
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
    low = float(min(part.min() for part in chunks(images)))
    high = float(max(part.max() for part in chunks(images)))
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
        images: What `check_images` returned. Only the first images are looked at.
        argument: The caller's name for `images`.
        pixel_range: Lowest and highest pixel value of the set.
    """
    if images.ndim != 4:
        return
    some = next(chunks(images, _FEW_IMAGES))
    # As floats, because the negative of a uint8 number would wrap around.
    lows, highs = (found(axis=(1, 2, 3)).astype(float) for found in (some.min, some.max))
    low, high = lows.min(), highs.max()
    held = np.median(np.maximum(-lows, highs))  # the greatest magnitude in a typical image
    if held == 0 or low == high:
        return
    darkest, brightest = pixel_range
    widest, beyond = max(map(abs, pixel_range)), UNDERSHOOT * (brightest - darkest)
    if (
        not widest / UNIT_FACTOR <= held <= widest * UNIT_FACTOR
        or (darkest >= 0 and np.median(lows) < -beyond)
        or (darkest < -beyond and low >= 0)
    ):
        warnings.warn(
            f"`{argument}` holds numbers from {low:g} to {high:g}, and the distilled set has "
            f"pixels from {darkest:g} to {brightest:g}: give pixels in the unit of the images that "
            "the set was made of, because the set preprocesses them itself",
            stacklevel=2,
        )


def _range_of_bytes(images: np.ndarray | StoredImages, argument: str) -> tuple[float, float]:
    high = 0
    for part in chunks(images, _FEW_IMAGES):
        high = max(high, int(part.max()))
        if high > _SMALL_UINT8_MAXIMA[-1]:
            return 0.0, 255.0
    if high == 0 or (high > _MAX_GREY_LEVEL and high not in _SMALL_UINT8_MAXIMA):
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
