"""What a parametrisation says, and the one that stores images as they are."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_isa.types import Tensor

Shapes = dict[str, tuple[int, ...]]

# Numbers of all images may be so many times those that are stored. It bounds what a file from a
# stranger can make of a few bytes.
MOST_EXPANSION = 256


@dataclasses.dataclass(frozen=True)
class Parametrization:
    """Leads from stored variables to images and labels; it has no variables of its own.

    A subclass says the shapes of what is stored, how many images follow from it, and how they
    follow (`decode`, differentiable) and come back (`encode`). Its text, `str(parametrization)`, is
    what files and presets keep, see `parametrization_of`.
    """

    @property
    def pixel_names(self) -> tuple[str, ...]:
        """Names of the stored variables that hold pixels in model space."""
        return ("images",)

    def check(self, image_shape: Sequence[int], num_rows: int) -> None:
        """Raises a ValueError if it does not suit the images.

        Args:
            image_shape: Shape of one image.
            num_rows: Images of the set, all classes together.
        """

    def rows(self, counts: Sequence[int]) -> tuple[int, ...]:
        """Images of each class that follow from `images_per_class`.

        Args:
            counts: `images_per_class` of each class, C integers.
        """
        return tuple(counts)

    def shapes(self, image_shape: Sequence[int], num_classes: int, counts: Sequence[int]) -> Shapes:
        """Shapes of the stored variables by name.

        Args:
            image_shape: Shape of one image.
            num_classes: Number of classes C.
            counts: `images_per_class` of each class, C integers.
        """
        raise TypeError(f"{type(self).__name__} does not define `shapes`")

    def decode(
        self, stored: Mapping[str, Any], image_shape: Sequence[int]
    ) -> tuple[Tensor, Tensor]:
        """Images and labels of what is stored, differentiable.

        Args:
            stored: Values of the stored variables by name.
            image_shape: Shape of one image.

        Returns:
            Images `(n, *image_shape)` and labels `(n, C)`, ordered by class.
        """
        raise TypeError(f"{type(self).__name__} does not define `decode`")

    def encode(self, images: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
        """What is stored for images, as near to them as the parametrisation allows.

        Args:
            images: `(n, ...)` in model space, as many as `decode` gives, in the same order.
            labels: `(n, C)`.
        """
        raise TypeError(f"{type(self).__name__} does not define `encode`")

    def first(
        self, values: Mapping[str, np.ndarray], counts: Sequence[int], kept: Sequence[int]
    ) -> tuple[Parametrization, dict[str, np.ndarray]]:
        """What gives the first images of each class, as they were.

        Args:
            values: Values of the stored variables.
            counts: `images_per_class` of each class, C integers.
            kept: Those that are kept, C integers of at most as many.

        Returns:
            The parametrisation of the smaller set, and the values that it stores.
        """
        return self, {name: first_rows(value, counts, kept) for name, value in values.items()}

    def file_shapes(self, shapes: Shapes) -> dict[str, tuple[tuple[int, ...], str]]:
        """Shape and dtype of every array in a file, by name.

        Args:
            shapes: What `shapes` returned.
        """
        return {name: (shape, "float32") for name, shape in shapes.items()}

    def pack(self, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The arrays of a file.

        Args:
            values: Values of the stored variables.
        """
        return values

    def unpack(self, arrays: Mapping[str, np.ndarray], shapes: Shapes) -> dict[str, np.ndarray]:
        """Values of the stored variables from the arrays of a file.

        Args:
            arrays: What `pack` returned.
            shapes: What `shapes` returns.
        """
        return {name: np.asarray(arrays[name]) for name in shapes}


@dataclasses.dataclass(frozen=True)
class Identity(Parametrization):
    """Every image is stored as it is.

    Example:

    >>> from keras_isa.parametrizations import Identity
    >>> Identity().shapes((8, 8, 1), 2, (1, 1))
    {'images': (2, 8, 8, 1), 'labels': (2, 2)}
    """

    def __str__(self) -> str:
        return "identity"

    def shapes(self, image_shape, num_classes, counts):
        rows = sum(counts)
        return {"images": (rows, *image_shape), "labels": (rows, num_classes)}

    def decode(self, stored, image_shape):
        return stored["images"], stored["labels"]

    def encode(self, images, labels):
        return {"images": images, "labels": labels}


def first_rows(values: np.ndarray, counts: Sequence[int], kept: Sequence[int]) -> np.ndarray:
    """The rows of the first images of each class.

    Args:
        values: `(n, ...)`, ordered by class, with equally many rows for every image.
        counts: Images of each class, C integers.
        kept: Those that are kept, C integers of at most as many.

    Example:

    >>> import numpy as np
    >>> from keras_isa.parametrizations.base import first_rows
    >>> first_rows(np.arange(10), counts=(3, 2), kept=(1, 2)).tolist()
    [0, 1, 6, 7, 8, 9]
    """
    inside = np.concatenate([np.arange(n) < k for n, k in zip(counts, kept, strict=True)])
    return values[np.repeat(inside, len(values) // len(inside))]


def checked_shapes(
    parametrization: Parametrization,
    image_shape: Sequence[int],
    num_classes: int,
    counts: Sequence[int],
) -> Shapes:
    """Shapes of what is stored, if the parametrisation suits the images.

    Args:
        parametrization: The parametrisation.
        image_shape: Shape of one image.
        num_classes: Number of classes C.
        counts: `images_per_class` of each class, C integers.

    Raises:
        ValueError: If it does not suit the images, or many more numbers follow than are stored.

    Example:

    >>> from keras_isa.parametrizations import Identity
    >>> from keras_isa.parametrizations.base import checked_shapes
    >>> checked_shapes(Identity(), (5,), 2, (1, 2))
    {'images': (3, 5), 'labels': (3, 2)}
    """
    rows = sum(parametrization.rows(counts))
    parametrization.check(image_shape, rows)
    shapes = parametrization.shapes(image_shape, num_classes, counts)
    stored = sum(math.prod(shape) for shape in shapes.values())
    if rows * math.prod(image_shape) > MOST_EXPANSION * stored:
        raise ValueError(
            f"`parametrization` must give at most {MOST_EXPANSION} times as many numbers as it "
            f"stores. Received: {parametrization}, {rows:,} images of shape {tuple(image_shape)} "
            f"from {stored:,} numbers"
        )
    return shapes
