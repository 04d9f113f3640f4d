"""Images that belong together but have different pixel units, such as 0 to 255 and 0 to 1."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence

import numpy as np

from keras_isa.inputs.arrays import StoredImages

# Pixels that differ from others by this factor may be in another unit. A smaller factor may come
# from darker or brighter images.
_UNIT_FACTOR = 15.0
# Pixels that are below zero by more than this share of their range are in another unit than pixels
# that are not. Resizing alone overshoots by less.
_UNDERSHOOT = 0.1
# Pixels that differ by this factor are refused, if that cannot be an accident.
_CLEAR_FACTOR = 20.0
# How many images are looked at. They are spread over the whole set.
_SAMPLE = 64
# Fewer images than this may all be dark by accident.
_ENOUGH = 8
# Fewer rows of features than this may all be positive by accident.
_ENOUGH_ROWS = 16


@dataclasses.dataclass(frozen=True)
class PixelUnit:
    """What some images tell about their pixel unit. Images of a single value tell nothing.

    Args:
        low: Smallest pixel.
        high: Largest pixel.
        usual_low: Smallest pixel of a typical image.
        usual_size: Largest absolute value of a typical image.
        count: How many images tell something.
        features: Whether they are rows of features.
        fractions: Whether the pixels are within -1 to 1 and not whole.
    """

    low: float
    high: float
    usual_low: float
    usual_size: float
    count: int = _SAMPLE
    features: bool = False
    fractions: bool = False

    @classmethod
    def of(cls, images: np.ndarray | StoredImages) -> PixelUnit | None:
        """Returns the unit of the images, or `None` if they tell nothing.

        Args:
            images: Numbers `(N, ...)`. At most 64 images are read.

        Example:

        >>> import numpy as np
        >>> from keras_isa.inputs.pixel_units import PixelUnit
        >>> PixelUnit.of(np.array([[0.0, 0.5], [0.0, 1.0]])).fractions
        True
        """
        if images.ndim < 2 or not len(images):
            return None
        rows = np.unique(np.linspace(0, len(images) - 1, _SAMPLE).astype(int))
        some = np.asarray(images[rows])
        lows, highs = _bounds(some)
        told = lows < highs
        if not told.any():
            return None
        lows, highs = lows[told], highs[told]
        low, high = float(lows.min()), float(highs.max())
        return cls(
            low,
            high,
            usual_low=float(np.median(lows)),
            usual_size=float(np.median(np.maximum(-lows, highs))),
            count=int(told.sum()),
            features=some.ndim == 2,
            fractions=_are_fractions(some, low, high),
        )

    @property
    def size(self) -> float:
        """The largest absolute value."""
        return max(-self.low, self.high)

    def differs_clearly(self, other: PixelUnit) -> bool:
        """Returns whether the two certainly have different units.

        Their largest and their usual values differ by a factor of more than 20, and darkness does
        not explain the smaller ones: they are fractions within -1 to 1, as pixels are after
        scaling, or belong to eight images or more. Of rows of features both must have eight.
        """
        small, large = sorted((self, other), key=lambda unit: unit.size)
        factor = min(large.size / small.size, large.usual_size / small.usual_size)
        if factor <= _CLEAR_FACTOR:
            return False
        if small.features:  # a single row may have an outlier
            return min(small.count, large.count) >= _ENOUGH
        return small.fractions or small.count >= _ENOUGH

    def may_differ(self, other: PixelUnit, width: float | None = None) -> bool:
        """Returns whether the two may have different units.

        Args:
            other: The other unit.
            width: The range of pixels that is known; by default that of the lower unit.
        """
        small, large = sorted((self, other), key=lambda unit: unit.usual_size)
        if large.usual_size > _UNIT_FACTOR * small.usual_size:
            return True
        below, above = sorted((self, other), key=lambda unit: unit.low)
        if above.features and above.count < _ENOUGH_ROWS:
            return False
        width = below.high - below.low if width is None else width
        return above.low >= 0 and below.usual_low < -_UNDERSHOOT * width

    def __str__(self) -> str:
        return f"from {self.low:g} to {self.high:g}"


def check_same_unit(train: np.ndarray | StoredImages, test: np.ndarray | StoredImages) -> None:
    """Raises an error if training and test images have different pixel units, or warns of it.

    Args:
        train: What `check_images` returned for `x_train`. At most 64 images are read.
        test: The same for `x_test`.

    Raises:
        ValueError: One of the two is uint8 and the other is not, or their values differ by a factor
            of more than 20.

    Example:

    >>> import numpy as np
    >>> from keras_isa.inputs.pixel_units import check_same_unit
    >>> check_same_unit(np.array([[0.0, 0.5]]), np.array([[0.0, 1.0]]))
    """
    units = BatchUnits("x_test")
    units.compare(train, "x_train")
    units.compare(test, "x_test")


class BatchUnits:
    """Checks that all batches of a stream have the pixel unit of its first batch.

    Args:
        argument: The caller's name for the stream, used in errors.

    Example:

    >>> import numpy as np
    >>> from keras_isa.inputs.pixel_units import BatchUnits
    >>> units = BatchUnits("batches")
    >>> units.check(np.zeros((2, 4, 4), "uint8"), 0)
    >>> units.check(np.ones((2, 4, 4), "uint8"), 1)
    """

    def __init__(self, argument: str) -> None:
        self._argument = argument
        self._first: tuple[np.dtype, str] | None = None
        self._unit: tuple[PixelUnit, str] | None = None
        self._said = False

    def check(self, images: np.ndarray, number: int) -> None:
        """Raises an error if a batch has another pixel unit than the first one, or warns of it.

        Args:
            images: The images of a batch, `(n, ...)`. At most 64 of them are looked at.
            number: The number of the batch in the stream, from 0 on.

        Raises:
            ValueError: The batch is uint8 and the first one is not, the reverse, or the pixels of
                the two differ by a factor of more than 20.
        """
        # Batches of features may be sorted by class, and the features of a class may be small.
        self.compare(images, f"batch {number}", refuse=images.ndim > 2)

    def compare(self, images: np.ndarray | StoredImages, name: str, *, refuse: bool = True) -> None:
        """Does what `check` does with images that have a name of their own.

        Args:
            images: Images `(N, ...)`.
            name: Their name, used in errors.
            refuse: Whether a factor of more than 20 raises an error; otherwise it gives a warning.
        """
        if images.dtype.kind not in "uif":
            return
        dtype, first = self._first = self._first or (images.dtype, name)
        needed = f"`{self._argument}` must have the pixel unit of {first}"
        if (images.dtype == np.uint8) != (dtype == np.uint8):
            raise ValueError(
                f"{needed}: both must be uint8, or neither. Received: {first} of {dtype}, "
                f"{name} of {images.dtype}"
            )
        unit = PixelUnit.of(images)
        if unit is None:
            return
        known, first = self._unit = self._unit or (unit, name)
        if refuse and unit.differs_clearly(known):
            raise ValueError(
                f"{needed}; scale both alike. Received: {first} {known}, {name} {unit}"
            )
        if unit.may_differ(known) and not self._said:
            self._said = True
            warnings.warn(
                f"`{self._argument}` has values {unit} in {name}, and {known} in {first}: scale "
                "both alike, if their pixel units differ",
                stacklevel=4,
            )


def check_list_units(images: np.ndarray, argument: str) -> None:
    """Raises an error if single images of a list have another pixel unit than most of them.

    An image is in another unit if it is within -1 to 1 with fractions, and the values of most
    images are more than 20 times larger, or if the reverse holds.

    Args:
        images: The images of the list, `(N, H, W)` or `(N, H, W, C)`, of one dtype.
        argument: The caller's name for the list.

    Raises:
        ValueError: An image is in another unit.
    """
    if images.dtype.kind not in "f" or images.ndim < 3:
        return
    lows, highs = _bounds(images)
    sizes = np.where(lows < highs, np.maximum(-lows, highs), 0.0)
    if not sizes.any():
        return
    # Of two images the larger one is typical, of more the one in the middle.
    typical = int(np.argsort(sizes)[len(sizes) - (np.count_nonzero(sizes) + 1) // 2])
    size = sizes[typical]
    apart = (sizes > _CLEAR_FACTOR * size) | (sizes * _CLEAR_FACTOR < size)
    for row in np.flatnonzero(apart & (sizes > 0.5)):
        small = min(int(row), typical, key=lambda one: sizes[one])
        if _are_fractions(images[small], lows[small], highs[small]):
            raise ValueError(
                f"`{argument}` must hold images of one pixel unit; scale all alike. Received: "
                f"from {lows[row]:g} to {highs[row]:g} at index {row}, from {lows[typical]:g} to "
                f"{highs[typical]:g} at index {typical}"
            )


def check_list_dtypes(arrays: Sequence[np.ndarray], argument: str) -> None:
    """Raises an error if some arrays of a list are uint8 and others are not.

    Args:
        arrays: The arrays.
        argument: The caller's name for the list.

    Raises:
        ValueError: The arrays are of both kinds.
    """
    whole = [array.dtype == np.uint8 for array in arrays]
    other = next((row for row, one in enumerate(whole) if one != whole[0]), None)
    if other is not None:
        raise ValueError(
            f"`{argument}` must hold images of one pixel unit: all must be uint8, or none. "
            f"Received: {arrays[other].dtype} at index {other}, {arrays[0].dtype} at index 0"
        )


def _bounds(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the smallest and the largest value of each image as floats `(n,)`."""
    flat = images.reshape(len(images), -1)
    # As floats, because the negative of a uint8 number would wrap around.
    return flat.min(axis=1).astype(float), flat.max(axis=1).astype(float)


def _are_fractions(images: np.ndarray, low: float, high: float) -> bool:
    return -1 <= low and 0.5 < max(-low, high) <= 1 and bool((images != np.round(images)).any())
