"""First images of a stream of batches."""

from __future__ import annotations

from typing import Any

import numpy as np


def first_images(
    batches: Any, num_classes: int, images_per_class: int
) -> tuple[np.ndarray, np.ndarray]:
    """Reads batches until every class has enough images to start from.

    Args:
        batches: Iterable of `(images, class_ids)`, one that can be iterated over again.
        num_classes: Number of classes.
        images_per_class: Images wanted of each class.

    Returns:
        All images read, `(N, H, W, C)`, and their classes `(N,)` int32.

    Raises:
        ValueError: If the batches end before.
    """
    images, class_ids = [], []
    counts = np.zeros(num_classes, int)
    # A PyDataset is a sequence: iterating over one does not end by itself.
    if hasattr(batches, "__getitem__"):
        batches = (batches[index] for index in range(len(batches)))
    for batch in batches:
        images.append(np.asarray(batch[0]))
        class_ids.append(np.asarray(batch[1]).astype(np.int32))
        counts += np.bincount(class_ids[-1], minlength=num_classes)[:num_classes]
        if counts.min() >= images_per_class:
            return np.concatenate(images), np.concatenate(class_ids)
    short = int(counts.argmin())
    raise ValueError(
        f"`x` must give at least images_per_class={images_per_class} images of every class. "
        f"Received: {counts[short]} of class {short}"
    )
