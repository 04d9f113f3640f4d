"""Test images as networks see them, a part at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from keras_isa.inputs.arrays import padded, to_numpy

# Images that one call of the inference looks at.
CHUNK = 500


def inference_batches(x: Any, preprocess: Callable) -> Iterator[tuple[slice, Any]]:
    """Yields all that networks see of test images, a part at a time.

    Args:
        x: Test images `(N, H, W, C)` in pixel units.
        preprocess: Takes pixels to model space.

    Yields:
        The rows of the images, and images in model space; a short last part is filled up.

    Example:

    >>> import numpy as np
    >>> from keras_isa.evaluation.inference import inference_batches
    >>> [(rows, len(images)) for rows, images in inference_batches(np.zeros((600, 4)), np.asarray)]
    [(slice(0, 500, None), 500), (slice(500, 600, None), 500)]
    """
    for start in range(0, len(x), CHUNK):
        rows = slice(start, min(start + CHUNK, len(x)))
        yield rows, preprocess(padded(x[rows], CHUNK))


def read_in_parts(images: Any, read: Callable[[Any], Any]) -> np.ndarray:
    """Returns what a network says of images, a part at a time where they are many.

    Args:
        images: Images `(n, ...)` in model space.
        read: Takes images and returns one row for each.
    """
    if len(images) <= CHUNK:
        return to_numpy(read(images))
    parts = inference_batches(images, np.asarray)
    return np.concatenate([to_numpy(read(part))[: rows.stop - rows.start] for rows, part in parts])
