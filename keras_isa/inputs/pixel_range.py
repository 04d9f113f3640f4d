"""The values of black and white: as they are said, or told from the pixels."""

from __future__ import annotations

import numbers
import warnings

import numpy as np

from keras_isa.inputs.arrays import StoredImages, chunks

# Bits of a pixel are 8, 10, 12, 14 or 16 in most cameras and files.
_DEPTHS = (255.0, 1023.0, 4095.0, 16383.0, 65535.0)
# Of uint8: 5, 6 or 7 bits of a file, or up to 16 as in scikit-learn's digits.
_SHALLOW = (31, 63, 127)
_MOST_LEVELS = 16
# How many times larger pixels are where they are in another unit, not only darker or brighter.
_OTHER_UNIT = 15.0
# How far beyond zero they are then, as a share of the range; resized images overshoot by less.
_BEYOND_ZERO = 0.1
# Images that are looked at together: the first ones tell in nearly all sets.
_FEW = 64


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
        For uint8 (0, 255), or (0, m) where the greatest pixel m of images is at most 16, or 31, 63
        or 127.
        For other numbers (0, 1) where they all lie in it; for images also (-1, 1), and (0, 255),
        (0, 1023), (0, 4095), (0, 16383) or (0, 65535) where the greatest pixel lies in its upper
        half; else the smallest and the largest pixel. What is no more than likely is said in a
        warning.

    Raises:
        ValueError: every pixel has one value, outside of 0 to 1.

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
    return _told(argument, f"numbers from {low:g} to {high:g}", likely, (low, high))


def warn_of_other_unit(
    images: np.ndarray | StoredImages, argument: str, pixel_range: tuple[float, float]
) -> None:
    """Warns of images whose pixels are in another unit than those of a set, as 0 to 1 for 0 to 255.

    These are much larger or smaller, negative where the range of the set is not, or nowhere
    negative where it is.

    Args:
        images: What `check_images` returned, of which the first ones are looked at.
        argument: The name the caller knows `images` by.
        pixel_range: Lowest and highest pixel value of the set.
    """
    if images.ndim != 4:
        return
    some = next(chunks(images, _FEW))
    # In 64 bits, where bytes have negatives too.
    lows, highs = (found(axis=(1, 2, 3)).astype(float) for found in (some.min, some.max))
    low, high = lows.min(), highs.max()
    held = np.median(np.maximum(-lows, highs))  # in a usual image
    if held == 0 or low == high:
        return
    darkest, brightest = pixel_range
    widest, beyond = max(map(abs, pixel_range)), _BEYOND_ZERO * (brightest - darkest)
    if (
        not widest / _OTHER_UNIT <= held <= widest * _OTHER_UNIT
        or (darkest >= 0 and np.median(lows) < -beyond)
        or (darkest < -beyond and low >= 0)
    ):
        warnings.warn(
            f"`{argument}` holds numbers from {low:g} to {high:g}, and the distilled set is of "
            f"pixels from {darkest:g} to {brightest:g}: give pixels in the unit of the images that "
            "the set was made of, because it preprocesses them itself",
            stacklevel=2,
        )


def _range_of_bytes(images: np.ndarray | StoredImages, argument: str) -> tuple[float, float]:
    high = 0
    for part in chunks(images, _FEW):
        high = max(high, int(part.max()))
        if high > _SHALLOW[-1]:
            return 0.0, 255.0
    if high == 0 or (high > _MOST_LEVELS and high not in _SHALLOW):
        return 0.0, 255.0
    return _told(argument, f"whole numbers up to {high}", (0.0, float(high)), (0.0, 255.0))


def _usual_range(low: float, high: float) -> tuple[float, float] | None:
    if -1.0 <= low <= -0.5 and 0.5 <= high <= 1.0:
        return -1.0, 1.0
    depth = next((depth for depth in _DEPTHS if depth / 2 < high <= depth), None)
    return None if depth is None or low < 0 else (0.0, depth)


def _told(
    argument: str, held: str, taken: tuple[float, float], other: tuple[float, float]
) -> tuple[float, float]:
    """Returns the range that is taken, and says how to take another."""
    warnings.warn(
        f"`{argument}` holds {held}: black and white are taken to be {taken[0]:g} and {taken[1]:g} "
        f"in pictures; `pixel_range` of the dataset may say ({other[0]:g}, {other[1]:g}) instead",
        stacklevel=4,
    )
    return taken
