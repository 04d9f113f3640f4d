"""What fits into a number of bytes."""

from __future__ import annotations

import bisect
import functools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from keras_isa.ops.arguments import image_shape_of, whole_number
from keras_isa.parametrizations.base import Identity, Parametrization, Shapes, checked_shapes
from keras_isa.parametrizations.bases import Bases
from keras_isa.parametrizations.multi_formation import MultiFormation
from keras_isa.parametrizations.quantized import Quantized

_FACTORS = (2, 3)
_BITS = 8
# Bases get this share of the bytes, coefficients and labels the rest.
_SHARE_OF_BASES = 0.5


class Candidate(NamedTuple):
    """A way to fill a number of bytes."""

    parametrization: str
    """How images follow from what is stored, as text."""
    images_per_class: int
    """Stored images per class."""
    images: int
    """Images that follow, of all classes together."""
    stored_bytes: int
    """Bytes of what is stored."""


def bytes_of_set(
    parametrization: Parametrization,
    image_shape: Sequence[int],
    num_classes: int,
    counts: Sequence[int],
) -> int:
    """Bytes of a set, as its `stored_bytes` gives them; nothing is made.

    Args:
        parametrization: How images follow from what is stored.
        image_shape: Shape of one image.
        num_classes: Number of classes C.
        counts: `images_per_class` of each class, C integers.

    Raises:
        ValueError: If the parametrisation does not suit the images.

    Example:

    >>> from keras_isa.parametrizations import Identity
    >>> from keras_isa.parametrizations.budget import bytes_of_set
    >>> bytes_of_set(Identity(), (28, 28, 1), 10, (1,) * 10)
    31760
    """
    return _bytes(
        parametrization, checked_shapes(parametrization, image_shape, num_classes, counts)
    )


def candidates(
    budget_bytes: int, image_shape: Sequence[int], num_classes: int, most: int
) -> list[Candidate]:
    """Sets with as many images per class as fit into a number of bytes.

    They are stored as they are, as 2x2 and 3x3 tiles with one label for all tiles of an image,
    which is as good as a label for each (benchmarks/NOTES.md), and as bases that take half of the
    bytes, each in float32 and with pixels of 8 bits.

    Args:
        budget_bytes: Bytes that a set may take, labels and coefficients included.
        image_shape: Shape of one image.
        num_classes: Number of classes C.
        most: The most images of a class that may follow: as many as the data have.

    Returns:
        Those that suit the images and have room for one image of each class; one at least.

    Raises:
        ValueError: If there is no room for one image of each class in any way, or a number is not
            a positive integer.

    Example:

    >>> from keras_isa.parametrizations.budget import candidates
    >>> for one in candidates(20_000, (28, 28, 1), 10, most=100)[:2]:
    ...     print(one.parametrization, one.images_per_class, one.stored_bytes)
    quantized:8 2 16640
    multi_formation:2:shared+quantized:8 2 16640
    """
    budget_bytes = whole_number("budget_bytes", budget_bytes)
    most = whole_number("most", most)
    image_shape = image_shape_of("image_shape", image_shape)
    num_classes = whole_number("num_classes", num_classes)

    def size_of(one: Parametrization, count: int, check: bool = False) -> int:
        counts = (count,) * num_classes
        if check:
            return bytes_of_set(one, image_shape, num_classes, counts)
        return _bytes(one, one.shapes(image_shape, num_classes, counts))

    found = []
    for one in _forms(budget_bytes, image_shape, num_classes):
        # Bytes grow with the images, so the first number that does not fit is searched.
        numbers = range(1, most // one.rows((1,))[0] + 1)
        count = bisect.bisect_right(numbers, budget_bytes, key=functools.partial(size_of, one))
        try:
            size = size_of(one, count, check=True) if count else None
        except ValueError:
            continue  # it does not suit the images, or has more bases than images
        if size is not None:
            rows = sum(one.rows((count,) * num_classes))
            found.append(Candidate(str(one), count, rows, size))
    if not found:
        least, text = min((size_of(one, 1), str(one)) for one in (Identity(), Quantized(_BITS)))
        raise ValueError(
            f"`budget_bytes` must be at least {least:,}, which one image of each class takes "
            f"({text}); a `parametrization` of fewer bits or of bases may take less, and is not "
            f"tried here. Received: {budget_bytes:,}"
        )
    return found


def _forms(
    budget_bytes: int, image_shape: tuple[int, ...], num_classes: int
) -> Iterator[Parametrization]:
    pixels = math.prod(image_shape)
    for bits in (None, _BITS):
        tiles = (MultiFormation(factor, shared_labels=True) for factor in _FACTORS)
        plain: list[Parametrization] = [Identity(), *tiles]
        # A basis of few bits also stores the least of its values and their step.
        basis = 4 * pixels if bits is None else math.ceil(pixels * bits / 8) + 8
        bases = min(int(_SHARE_OF_BASES * budget_bytes / basis), pixels)
        if bases >= num_classes:  # with fewer, images of different classes would be alike
            plain.append(Bases(bases))
        yield from plain if bits is None else (Quantized(bits, one) for one in plain)


def _bytes(parametrization: Parametrization, shapes: Shapes) -> int:
    arrays = parametrization.file_shapes(shapes).values()
    return sum(math.prod(shape) * np.dtype(dtype).itemsize for shape, dtype in arrays)
