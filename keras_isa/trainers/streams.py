"""First images of a stream of batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_isa.checks import check_classes, check_images, check_labels


def first_images(batches: Any, class_counts: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Reads batches until every class has enough images to start from.

    Args:
        batches: Iterable of `(images, class_ids)`, one that can be iterated over again.
        class_counts: Images wanted of each class, C integers.

    Returns:
        All images read, `(N, H, W, C)`, and their classes `(N,)` int32.

    Raises:
        TypeError: If images or classes have the wrong dtype.
        ValueError: If the batches end before, or hold what makes no batch of images and classes.
    """
    images, class_ids = [], []
    counts = np.zeros(len(class_counts), int)
    # A PyDataset is a sequence: iterating over one does not end by itself.
    if hasattr(batches, "__getitem__"):
        batches = (batches[index] for index in range(len(batches)))
    for batch in batches:
        if not isinstance(batch, tuple | list) or len(batch) < 2:
            raise ValueError(
                f"`x` must give batches (images, class_ids). Received: a {type(batch).__name__}"
            )
        images.append(check_images(np.asarray(batch[0]), "x"))
        class_ids.append(check_labels(np.asarray(batch[1]), len(images[-1]), "y"))
        check_classes(class_ids[-1], len(counts), "y")
        counts += np.bincount(class_ids[-1], minlength=len(counts))
        if (counts >= class_counts).all():
            return np.concatenate(images), np.concatenate(class_ids)
    short = int((counts - class_counts).argmin())
    raise ValueError(
        f"`x` must give at least images_per_class={class_counts[short]} images of every class. "
        f"Received: {counts[short]} of class {short}"
    )
