"""A set joined by its mirror images, left to right."""

from __future__ import annotations

from keras import ops

from keras_isa.types import Tensor


def with_mirror_images(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Returns images followed by their mirror images, and labels twice.

    Source: FRePo (Zhou et al. 2022), whose code joins small sets of colour pictures so.

    Args:
        images: `(n, H, W, C)`.
        labels: `(n, K)`.

    Example:

    >>> from keras import ops
    >>> from keras_isa.ops.mirror_images import with_mirror_images
    >>> images, labels = with_mirror_images(ops.array([[[[1.0], [2.0]]]]), ops.array([[1.0]]))
    >>> ops.convert_to_numpy(images).reshape(2, 2).tolist()
    [[1.0, 2.0], [2.0, 1.0]]
    """
    images = ops.concatenate([images, ops.flip(images, axis=2)], axis=0)
    return images, ops.concatenate([labels, labels], axis=0)
