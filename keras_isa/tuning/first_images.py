"""What a set starts from."""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_isa.evaluation.baselines import kmeans_indices
from keras_isa.layers.distilled_data import DistilledData
from keras_isa.ops.labels import encode_labels


def set_first_images(distilled: DistilledData, kind: str, x: Any, y: np.ndarray, seed: int) -> None:
    """Puts first images and labels into a set.

    Args:
        distilled: The set; its preprocessing has been adapted.
        kind: `"random"` real images, the real images nearest to the centroids of `"kmeans"`, or
            `"noise"`, normal in model space.
        x: Training images `(N, ...)` in pixel units.
        y: Their classes `(N,)`.
        seed: Seed of the draw.
    """
    if kind == "random":
        distilled.draw_real_images(x, y, seed)
        return
    class_ids = distilled.class_ids
    if kind == "kmeans":
        rows = kmeans_indices(x, y, distilled.class_counts, distilled.num_classes, seed)
        distilled.images.assign(distilled(x[rows]))
    else:
        noise = np.random.default_rng(seed).normal(size=distilled.images.shape)
        distilled.images.assign(noise.astype("float32"))
    distilled.labels.assign(encode_labels(class_ids, distilled.num_classes, scaled=True))
