"""What a distilled set starts from: real images of each class, or images and labels as they are."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_isa.inputs import checks, class_labels
from keras_isa.inputs.class_names import check_class_names, check_several_classes
from keras_isa.inputs.pixel_range import pixel_range_of
from keras_isa.layers.preprocessing import preprocessing_layer
from keras_isa.ops import arguments
from keras_isa.ops.counts import checked_counts, class_counts


class Samples(NamedTuple):
    """Real images and their classes.

    Args:
        x: Images `(N, ...)` in pixel units, channels last.
        y: Their classes `(N,)`, integers from 0 to `num_classes - 1`.
        num_classes: Number of classes.
        class_names: Their names.
    """

    x: np.ndarray
    y: np.ndarray
    num_classes: int
    class_names: tuple[str, ...]

    def counts(self, images_per_class: int | Mapping | str | Sequence[int]) -> tuple[int, ...]:
        """Images of each class, as `keras_isa.ops.class_counts` tells them.

        Args:
            images_per_class: As there.

        Raises:
            TypeError, ValueError: As there.
        """
        there_are = np.bincount(self.y, minlength=self.num_classes)
        return class_counts(images_per_class, there_are, self.class_names)

    def adapted(self, preprocessing: keras.layers.Layer | str | None) -> keras.layers.Layer | None:
        """A layer that takes pixels to model space.

        Args:
            preprocessing: A ready layer, `None`, or a kind that is adapted to the images.

        Raises:
            ValueError: If the kind is unknown or not for such images.
        """
        if not isinstance(preprocessing, str):
            return preprocessing
        layer = preprocessing_layer(preprocessing, self.x.shape[1:])
        if layer is not None:
            layer.adapt(self.x)
        return layer

    def pixel_range(self, default: Sequence[float]) -> Sequence[float]:
        """The lowest and the highest pixel value that there may be.

        Args:
            default: The answer for images without differences, which have no range.
        """
        with contextlib.suppress(ValueError):
            return pixel_range_of(self.x, "x")
        return default


def checked_samples(
    x: Any,
    y: Any,
    axes: str | None = None,
    class_names: Sequence[str] | None = None,
    num_classes: int | None = None,
) -> Samples:
    """Checks images and tells their classes from their labels.

    Args:
        x: Real images as `keras_isa.DistilledData.from_samples` takes them.
        y: Their classes `(N,)`, integers from 0 or class names.
        axes: Which axis of `x` is what; by default as its shape shows.
        class_names: Names of all classes, by default told from `y`.
        num_classes: Number of classes, by default that of the names.

    Raises:
        TypeError: If an array has the wrong dtype.
        ValueError: If images or classes do not fit, or there is one class only.

    Example:

    >>> import numpy as np
    >>> from keras_isa.asset.samples import checked_samples
    >>> checked_samples(np.zeros((3, 4)), np.array(["dog", "cat", "dog"])).y
    array([1, 0, 1]...)
    """
    x = checks.check_images(x, "x", axes)
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
    return Samples(x, y, num_classes, class_names)


def checked_pair(
    images: Any, labels: Any, images_per_class: int | Sequence[int] | None = None
) -> tuple[np.ndarray, np.ndarray, int | Sequence[int]]:
    """Checks images in model space and their labels.

    Args:
        images: Numbers `(n, H, W, C)`, `(n, T, F)` or `(n, F)`, ordered by class.
        labels: Numbers `(n, C)`.
        images_per_class: One number or one for each class, by default the same for all.

    Returns:
        Images and labels as arrays, and images per class.

    Raises:
        TypeError: If images or labels are not numbers.
        ValueError: If the shapes do not fit, or a value is not finite.
    """
    images = checks.check_finite(images, "images")
    labels = checks.check_finite(labels, "labels")
    fits = images.ndim in (2, 3, 4) and labels.ndim == 2 and len(images) == len(labels)
    if fits and 0 not in labels.shape:
        if images_per_class is None:
            images_per_class = len(images) // labels.shape[1]
        fits = sum(checked_counts(images_per_class, labels.shape[1])) == len(images)
    if not fits or 0 in labels.shape:
        raise ValueError(
            "`images` must have shape (n, H, W, C), (n, T, F) or (n, F), and `labels` "
            "(n, num_classes), n a multiple of num_classes or the sum of `images_per_class`. "
            f"Received shapes: {images.shape} and {labels.shape}"
        )
    return images, labels, images_per_class


def random_rows(y: np.ndarray, counts: Sequence[int], seed: int) -> np.ndarray:
    """Draws images of each class without replacement.

    Args:
        y: Classes `(N,)`, integers from 0.
        counts: How many of each class.
        seed: Seed of the draw.

    Returns:
        Their rows, ordered by class.

    Raises:
        ValueError: If a class has fewer images.

    Example:

    >>> import numpy as np
    >>> from keras_isa.asset.samples import random_rows
    >>> sorted(random_rows(np.array([1, 0, 1]), (1, 2), seed=0).tolist())
    [0, 1, 2]
    """
    class_counts(tuple(counts), np.bincount(y, minlength=len(counts)))
    rng = np.random.default_rng(seed)
    drawn = [
        rng.choice(np.flatnonzero(y == k), count, replace=False) for k, count in enumerate(counts)
    ]
    return np.concatenate(drawn)
