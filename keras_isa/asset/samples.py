"""What a distilled set starts from: real images of each class, or images and labels as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_isa.asset.stored_set import group_count
from keras_isa.inputs import checks, class_labels
from keras_isa.inputs.class_names import check_class_names, check_several_classes
from keras_isa.inputs.targets import TASKS, check_targets, target_names
from keras_isa.ops import arguments
from keras_isa.ops.counts import checked_counts, class_counts


def checked_samples(
    x: Any,
    y: Any,
    axes: str | None = None,
    class_names: Sequence[str] | None = None,
    num_classes: int | None = None,
    task: str = "classification",
) -> tuple[np.ndarray, np.ndarray, int, Sequence[str] | None]:
    """Checks images and tells their classes from their labels, or checks their targets.

    Args:
        x: Real images as `keras_isa.DistilledData.from_samples` takes them.
        y: Their classes `(N,)`, integers from 0 or class names; in regression numbers.
        axes: Which axis of `x` is what; by default as its shape shows.
        class_names: Names of all classes, by default told from `y`; in regression of targets.
        num_classes: Number of classes, by default that of the names; in regression of targets.
        task: `"classification"` or `"regression"`.

    Returns:
        Images `(N, ...)` in pixel units, channels last; their classes `(N,)`, integers from 0 to
        C - 1; the number of classes C; and their names, or `None` for class numbers that are to be
        the names. In regression targets `(N, K)` and K in place of classes and C.

    Raises:
        TypeError: If an array has the wrong dtype.
        ValueError: If images or classes do not fit, or there is one class only.

    Example:

    >>> import numpy as np
    >>> from keras_isa.asset.samples import checked_samples
    >>> checked_samples(np.zeros((3, 4)), np.array(["dog", "cat", "dog"]))[1:]
    (array([1, 0, 1]...), 2, ('cat', 'dog'))
    """
    x = checks.check_images(x, "x", axes)
    if arguments.one_of("task", task, TASKS) == "regression":
        names = target_names(y) if class_names is None else class_names
        y = check_targets(y, len(x), "y", num_classes)
        return x, y, y.shape[1], names
    if class_names is None and num_classes is None:
        class_names, y = class_labels.infer_classes(y, len(x), "y")
        check_several_classes(class_names, "y")
    elif class_names is None:
        class_names = class_labels.find_class_names(y, "y")
        y = class_labels.check_labels(y, len(x), "y", class_names)
    else:
        class_names = check_class_names(class_names)
        y = class_labels.to_class_numbers(y, len(x), "y", class_names, warn=False)
    num_classes = len(class_names) if num_classes is None else num_classes
    num_classes = arguments.whole_number("num_classes", num_classes)
    class_labels.check_classes(y, num_classes, "y")
    return x, y, num_classes, class_names


def checked_labels(
    distilled: Any, y: Any, num_rows: int, argument: str, **options: Any
) -> np.ndarray:
    """Returns the labels of real images if they fit a set.

    Args:
        distilled: The set, a `StoredSet` with `class_names`.
        y: Classes, integers or names of the set; in regression numbers.
        num_rows: How many there must be.
        argument: The caller's name for `y`.
        **options: `by_value` and `warn` of `keras_isa.inputs.class_labels.check_labels`.

    Returns:
        Classes `(N,)` int32, or targets `(N, K)` float64 in their own units.

    Raises:
        TypeError, ValueError: If they do not fit.
    """
    if distilled.is_regression:
        return check_targets(y, num_rows, argument, distilled.num_classes)
    y = class_labels.check_labels(y, num_rows, argument, distilled.class_names, **options)
    class_labels.check_classes(y, distilled.num_classes, argument)
    return y


def checked_pair(
    images: Any,
    labels: Any,
    images_per_class: int | Sequence[int] | None = None,
    task: str = "classification",
) -> tuple[np.ndarray, np.ndarray, int | Sequence[int]]:
    """Checks images in model space and their labels.

    Args:
        images: Numbers `(n, H, W, C)`, `(n, T, F)` or `(n, F)`, ordered by class.
        labels: Numbers `(n, C)`.
        images_per_class: One number or one for each class, by default the same for all.
        task: `"classification"` or `"regression"`.

    Returns:
        Images and labels as arrays, and images per class.

    Raises:
        TypeError: If images or labels are not numbers.
        ValueError: If the shapes do not fit, or a value is not finite.
    """
    images = checks.check_finite(images, "images")
    labels = checks.check_finite(labels, "labels")
    fits = images.ndim in (2, 3, 4) and labels.ndim == 2 and len(images) == len(labels)
    fits = fits and labels.size > 0
    if fits:
        groups = group_count(task, labels.shape[1])
        if images_per_class is None:
            images_per_class = len(images) // groups
        fits = sum(checked_counts(images_per_class, groups)) == len(images)
    if not fits:
        raise ValueError(
            "`images` must have shape (n, H, W, C), (n, T, F) or (n, F), and `labels` "
            "(n, num_classes), n a multiple of num_classes or the sum of `images_per_class`. "
            f"Received shapes: {images.shape} and {labels.shape}"
        )
    return images, labels, images_per_class


def counts_of_groups(
    wanted: Any, y: np.ndarray, num_classes: int, class_names: Sequence[str] | None = None
) -> tuple[int, ...]:
    """Finds the number of rows of each class, or of a whole set for regression.

    Args:
        wanted: As in `keras_isa.ops.class_counts`; for regression a number of rows.
        y: Classes `(N,)` of the data, or targets `(N, K)`.
        num_classes: Number of classes C.
        class_names: C names, for mappings and messages.

    Returns:
        C positive integers, or one.

    Raises:
        ValueError: If they are more than there are, or no numbers.

    Example:

    >>> import numpy as np
    >>> from keras_isa.asset.samples import counts_of_groups
    >>> counts_of_groups(2, np.zeros((9, 3)), 3)
    (2,)
    """
    if y.ndim == 1:
        return class_counts(wanted, np.bincount(y, minlength=num_classes), class_names)
    (rows,) = checked_counts(wanted, 1)
    if rows > len(y):
        raise ValueError(
            f"`images_per_class` must be at most the {len(y)} rows of the data: for regression it "
            f"is the number of rows of the set. Received: {rows}"
        )
    return (rows,)


def random_rows(y: np.ndarray, counts: Sequence[int], seed: int, again: bool = False) -> np.ndarray:
    """Draws images of each class without replacement.

    Args:
        y: Classes `(N,)`, integers from 0.
        counts: How many of each class.
        seed: Seed of the draw.
        again: Whether a class that has fewer images gives them again.

    Returns:
        Their rows, ordered by class.

    Raises:
        ValueError: If a class has fewer images, or none.

    Example:

    >>> import numpy as np
    >>> from keras_isa.asset.samples import random_rows
    >>> sorted(random_rows(np.array([1, 0, 1]), (1, 2), seed=0).tolist())
    [0, 1, 2]
    """
    there = np.bincount(y, minlength=len(counts))
    class_counts(tuple(np.clip(there, 1, counts)) if again else tuple(counts), there)
    rng = np.random.default_rng(seed)
    drawn = []
    for k, count in enumerate(counts):
        rows, left = np.flatnonzero(y == k), count
        while left > 0:
            drawn.append(rng.choice(rows, min(left, len(rows)), replace=False))
            left -= len(rows)
    return np.concatenate(drawn)
