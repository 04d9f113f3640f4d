"""Images as sums of shared bases."""

from __future__ import annotations

import dataclasses

import numpy as np
from keras import ops

from keras_isa.ops.arguments import whole_number
from keras_isa.parametrizations.base import Parametrization
from keras_isa.parametrizations.resizing import enlarging, shrinking

MOST_SHRINKING = 8


@dataclasses.dataclass(frozen=True)
class Bases(Parametrization):
    """Each image is a sum of bases that all classes share, with coefficients and labels of its own.

    With bases B `(K, ...)` and coefficients A `(n, K)` the images are `A B`. Source: Deng and
    Russakovsky, "Remember the Past: Distilling Datasets into Addressable Memories for Neural
    Networks" (LinBa), whose images are `y' A_i B` for a one-hot label y and addressing matrices
    A_i: their rows are the coefficients here. Ours are the free label of each image, smaller bases
    that are enlarged bilinearly, and the start: the K greatest singular vectors of real images.

    Args:
        count: Number of bases K, at most the images of the set.
        shrink: How many times smaller the sides of the bases are than those of images, 1 to 8.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    >>> from keras_isa.parametrizations import Bases
    >>> Bases(8).shapes((28, 28, 1), 10, (3,) * 10)
    {'bases': (8, 28, 28, 1), 'coefficients': (30, 8), 'labels': (30, 10)}
    """

    count: int
    shrink: int = 1

    def __post_init__(self) -> None:
        whole_number("count", self.count)
        if not 1 <= whole_number("shrink", self.shrink) <= MOST_SHRINKING:
            raise ValueError(
                f"`shrink` must be 1 to {MOST_SHRINKING}. Received: shrink={self.shrink}"
            )

    def __str__(self) -> str:
        return f"bases:{self.count}" + (f":{self.shrink}" if self.shrink > 1 else "")

    @property
    def pixel_names(self):
        return ("bases",)

    def check(self, image_shape, num_rows):
        if self.count > num_rows:
            raise ValueError(
                f"`parametrization` must not have more bases than the set has images, {num_rows}: "
                f"take fewer bases or more `images_per_class`. Received: {self}"
            )
        if self.shrink > 1 and (len(image_shape) != 3 or min(image_shape[:2]) < 2 * self.shrink):
            raise ValueError(
                f"`parametrization` must suit the images: {self} needs images of at least "
                f"{2 * self.shrink} pixels a side. Received: shape {tuple(image_shape)}"
            )

    def shapes(self, image_shape, num_classes, counts):
        rows = sum(counts)
        return {
            "bases": (self.count, *self._basis_shape(image_shape)),
            "coefficients": (rows, self.count),
            "labels": (rows, num_classes),
        }

    def decode(self, stored, image_shape):
        bases = ops.convert_to_tensor(stored["bases"])
        if self.shrink > 1:
            small = self._basis_shape(image_shape)
            down, across = (enlarging(small[k], image_shape[k]) for k in (0, 1))
            bases = ops.einsum("ph,khwc->kpwc", down, bases)
            bases = ops.einsum("qw,kpwc->kpqc", across, bases)
        images = ops.matmul(stored["coefficients"], ops.reshape(bases, (self.count, -1)))
        return ops.reshape(images, (-1, *image_shape)), stored["labels"]

    def encode(self, images, labels):
        small, image_shape = self._basis_shape(images.shape[1:]), images.shape[1:]
        if self.shrink > 1:
            down, across = (shrinking(image_shape[k], small[k]) for k in (0, 1))
            images = np.einsum("ph,qw,nhwc->npqc", down, across, images, optimize=True)
        flat = images.reshape(len(images), -1).astype("float64")
        left, sizes, right = np.linalg.svd(flat, full_matrices=False)
        # Both factors get the same size, and bases beyond the rank of few pixels are zero.
        roots = np.sqrt(sizes[: self.count])
        bases = np.zeros((self.count, flat.shape[1]), "float32")
        coefficients = np.zeros((len(images), self.count), "float32")
        bases[: len(roots)] = roots[:, None] * right[: self.count]
        coefficients[:, : len(roots)] = left[:, : self.count] * roots
        return {
            "bases": bases.reshape(self.count, *small),
            "coefficients": coefficients,
            "labels": labels,
        }

    def first(self, values, counts, kept):
        bases, rows = values["bases"], sum(kept)
        of_images = {name: value for name, value in values.items() if name != "bases"}
        _, found = super().first(of_images, counts, kept)
        if rows >= self.count:
            return self, {"bases": bases, **found}
        # Fewer images than bases: they are their own bases, which takes least and loses nothing.
        own = np.tensordot(found["coefficients"], bases, axes=1).astype("float32")
        found["coefficients"] = np.eye(rows, dtype="float32")
        return dataclasses.replace(self, count=rows), {"bases": own, **found}

    def _basis_shape(self, image_shape: tuple[int, ...]) -> tuple[int, ...]:
        if self.shrink == 1:
            return tuple(image_shape)
        sides = (-(-side // self.shrink) for side in image_shape[:2])
        return (*sides, image_shape[2])
