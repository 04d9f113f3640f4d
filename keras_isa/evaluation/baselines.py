"""Real images as baselines for distilled ones, chosen at random, by k-means or by herding."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_isa.inputs.arrays import StoredImages, chunks, select
from keras_isa.ops.arguments import whole_number
from keras_isa.ops.counts import checked_counts

KMEANS_POOL = 2000  # k-means runs on at most this many images of a class


def random_indices(
    y: Any, images_per_class: int | Sequence[int], num_classes: int, rng: np.random.Generator
) -> np.ndarray:
    """Returns the positions of random images of each class, drawn without replacement.

    Args:
        y: class ids, integers of shape (N,) or (N, 1), in [0, num_classes).
        images_per_class: how many of each class, one number or one for each.
        num_classes: number of classes.
        rng: the generator that draws; it advances.

    Returns:
        int64 array (n,), n the sum over classes, class-major: all of class 0 first.

    Raises:
        ValueError: when a class has fewer images than `images_per_class`, or the ids are wrong.

    Example:
        >>> import numpy as np
        >>> import keras_isa
        >>> from keras_isa.evaluation.baselines import random_indices
        >>> y = np.array([0, 1, 0, 1, 0])
        >>> y[random_indices(y, 2, 2, np.random.default_rng(0))].tolist()
        [0, 0, 1, 1]
    """
    members = _members(y, images_per_class, num_classes)
    return np.concatenate([rng.choice(rows, size=count, replace=False) for rows, count in members])


def kmeans_indices(
    x: Any, y: Any, images_per_class: int | Sequence[int], num_classes: int, seed: int = 0
) -> np.ndarray:
    """Returns the positions of the real images nearest to the k-means centroids of each class.

    The flattened pixels of each class are clustered into as many clusters as images are wanted.
    Then every centroid takes the nearest image that no earlier centroid has taken. Distances are
    those of the values in `x`: with standardised or whitened images the choice is made in that
    space, and the positions are those of the raw images too. Of a class of more than 2000 images,
    2000 drawn with `seed` are clustered, to save time.

    Args:
        x: images (N, ...), any number of pixel dimensions.
        y: class ids, integers of shape (N,) or (N, 1), in [0, num_classes).
        images_per_class: how many of each class, one number or one for each.
        num_classes: number of classes.
        seed: integer for the sub-sample and for k-means.

    Returns:
        int64 array (n,), n the sum over classes, class-major.

    Raises:
        ValueError: when a class has fewer images than `images_per_class`, when the ids are wrong,
            or when `x` and `y` differ in length.

    Example:
        >>> import numpy as np
        >>> import keras_isa
        >>> from keras_isa.evaluation.baselines import kmeans_indices
        >>> x = np.array([0.0, 1.0, 9.0, 5.0, 6.0, 10.0]).reshape(6, 1)
        >>> kmeans_indices(x, [0, 0, 0, 1, 1, 1], 1, 2).tolist()  # means 3.3 and 7
        [1, 4]
    """
    from sklearn.cluster import KMeans

    members = _members(y, images_per_class, num_classes)
    x = x if isinstance(x, StoredImages) else np.asarray(x)
    _check_lengths(x, y)
    rng = np.random.default_rng(seed)
    chosen = []
    for rows, count in members:
        if len(rows) > KMEANS_POOL:
            size = max(KMEANS_POOL, count)
            rows = np.sort(rng.choice(rows, size=size, replace=False))
        pixels = x[rows].reshape(len(rows), -1).astype("float64")
        kmeans = KMeans(n_clusters=count, n_init=2, random_state=seed).fit(pixels)
        distances = kmeans.transform(pixels)  # (images, centroids)
        for centroid in range(count):
            nearest = int(np.argmin(distances[:, centroid]))
            distances[nearest] = np.inf
            chosen.append(rows[nearest])
    return np.asarray(chosen, dtype="int64")


def herding_indices(
    x: Any, y: Any, images_per_class: int | Sequence[int], num_classes: int, seed: int = 0
) -> np.ndarray:
    """Returns the positions of real images whose mean comes near that of their class.

    Of each class one image after another is taken, each time the one that brings the mean of what
    is taken nearest to the mean of the class. Source: Welling, "Herding Dynamical Weights to Learn"
    (2009), in the form of iCaRL (Rebuffi et al. 2017). The mean is over all images of a class; of
    more than 2000, those that are taken come from 2000 drawn with `seed`.

    Args:
        x: images (N, ...), as in `kmeans_indices`.
        y: class ids, integers of shape (N,) or (N, 1), in [0, num_classes).
        images_per_class: how many of each class, one number or one for each.
        num_classes: number of classes.
        seed: integer for the sub-sample.

    Returns:
        int64 array (n,), n the sum over classes, class-major, in the order in which they are taken.

    Raises:
        ValueError: as `kmeans_indices`.

    Example:
        >>> import numpy as np
        >>> import keras_isa
        >>> from keras_isa.evaluation.baselines import herding_indices
        >>> x = np.array([0.0, 1.0, 9.0, 5.0, 6.0, 10.0]).reshape(6, 1)
        >>> herding_indices(x, [0, 0, 0, 1, 1, 1], 2, 2).tolist()  # means 3.3 and 7
        [1, 2, 4, 5]
    """
    members = _members(y, images_per_class, num_classes)
    x = x if isinstance(x, StoredImages) else np.asarray(x)
    _check_lengths(x, y)
    rng = np.random.default_rng(seed)
    chosen = []
    for rows, count in members:
        total = sum(part.sum(axis=0, dtype="float64") for part in chunks(select(x, rows)))
        mean = total.reshape(-1) / len(rows)
        if len(rows) > KMEANS_POOL:
            rows = np.sort(rng.choice(rows, size=max(KMEANS_POOL, count), replace=False))
        pixels = x[rows].reshape(len(rows), -1).astype("float64")
        taken, left = np.zeros(pixels.shape[1]), np.ones(len(rows), bool)
        for number in range(1, count + 1):
            distances = np.sum(np.square((taken + pixels) / number - mean), axis=1)
            best = int(np.argmin(np.where(left, distances, np.inf)))
            taken, left[best] = taken + pixels[best], False
            chosen.append(rows[best])
    return np.asarray(chosen, dtype="int64")


def _check_lengths(x: np.ndarray, y: Any) -> None:
    if len(x) != len(y):
        raise ValueError(
            f"`x` and `y` must have one row per image. Received: len(x)={len(x)}, len(y)={len(y)}"
        )


def _members(
    y: Any, images_per_class: int | Sequence[int], num_classes: int
) -> list[tuple[np.ndarray, int]]:
    """Checks the arguments, and returns all positions and the wanted number for each class."""
    num_classes = whole_number("num_classes", num_classes)
    counts = checked_counts(images_per_class, num_classes)
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1 or not np.issubdtype(y.dtype, np.integer):
        raise ValueError(
            "`y` must be integer class ids of shape (N,); take the argmax of one-hot labels. "
            f"Received: shape={y.shape}, dtype={y.dtype}"
        )
    if y.size and not (0 <= y.min() and y.max() < num_classes):
        raise ValueError(
            f"`y` must lie in [0, num_classes={num_classes}). "
            f"Received: values from {y.min()} to {y.max()}"
        )
    members = [np.flatnonzero(y == class_id) for class_id in range(num_classes)]
    for class_id, (rows, count) in enumerate(zip(members, counts, strict=True)):
        if len(rows) < count:
            raise ValueError(
                f"`images_per_class` must be at most the images of every class. Received: "
                f"images_per_class={count}, but class {class_id} has {len(rows)}"
            )
    return list(zip(members, counts, strict=True))
