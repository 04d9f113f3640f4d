"""Whether a foreign set is what it is taken for: axes, labels, range, order of classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_isa.inputs.arrays import to_numpy
from keras_isa.inputs.axes import kind_with_axes

# Images of a set are so many times as large as real images of the same space at most, and at least
# the inverse. Those that were read differ by less than 2.
_MOST_RATIO = 6.0
# Real images that the probe is fitted to, and random orders of classes that it is compared with.
_PROBED, _ORDERS = 3000, 1000
_RIDGE = 0.1


def in_library_axes(images: np.ndarray, image_shape: tuple[int, ...]) -> tuple[np.ndarray, str]:
    """Returns images with the channels last.

    Args:
        images: Numbers, one image per row.
        image_shape: Shape of the images of the data, `(H, W, C)`.

    Returns:
        Images `(n, H, W, C)`, and their axes in the file.

    Raises:
        ValueError: If images of the data cannot have this shape, or a value is not finite.
    """
    shape = images.shape[1:]
    if images.dtype.kind not in "iuf" or not len(images):
        raise ValueError(f"its images are {images.dtype} {images.shape}, which are no images")
    if shape == image_shape:
        axes = "NHWC"
    elif shape == (image_shape[-1], *image_shape[:-1]):
        images, axes = np.moveaxis(images, 1, -1), "NCHW"
    elif len(image_shape) == 3 and image_shape[-1] == 1 and shape == image_shape[:-1]:
        images, axes = images[..., np.newaxis], "NHW"
    else:
        raise ValueError(
            f"its images have the shape {shape}; those of the data are "
            f"{kind_with_axes(image_shape)} {image_shape}"
        )
    if not np.isfinite(images).all():
        raise ValueError("its images hold values that are not finite")
    return np.ascontiguousarray(images), axes


def label_rows(labels: np.ndarray, rows: int, num_classes: int) -> tuple[np.ndarray, bool]:
    """Returns a row of numbers for each image.

    Args:
        labels: Classes `(n,)` or `(n, 1)`, also as floats that are whole numbers; or rows
            `(n, C)`.
        rows: Number of images.
        num_classes: Number of classes C.

    Returns:
        Labels `(n, C)` float32, classes as 0 and 1, and whether they were classes.

    Raises:
        ValueError: If there is not one for each image, or they are of other classes.
    """
    if labels.dtype.kind not in "iuf":
        raise ValueError(
            f"its labels are of the dtype {labels.dtype}; they must be numbers of classes, or a "
            "row of numbers for each image"
        )
    if not np.isfinite(labels).all():
        raise ValueError("its labels hold values that are not finite")
    if labels.ndim == 2 and labels.shape[1] == 1 and num_classes > 1:
        labels = labels[:, 0]
    if len(labels) != rows or labels.ndim not in (1, 2):
        raise ValueError(f"it has labels of shape {labels.shape} for {rows} images")
    if labels.ndim == 2:
        if labels.shape[1] != num_classes:
            raise ValueError(
                f"its labels are for {labels.shape[1]} classes; the data have {num_classes}"
            )
        return labels.astype("float32"), False
    whole = np.round(labels).astype("int64")
    if (whole != labels).any() or whole.min() < 0 or whole.max() >= num_classes:
        raise ValueError(
            f"its labels are no classes from 0 to {num_classes - 1}, but {labels.min():g} to "
            f"{labels.max():g}"
        )
    return np.eye(num_classes, dtype="float32")[whole], True


def class_of_rows(labels: np.ndarray) -> np.ndarray:
    """The class of each image, that of its largest label; every class must have one.

    Raises:
        ValueError: If a class has none.
    """
    classes = np.argmax(labels, axis=1)
    counts = np.bincount(classes, minlength=labels.shape[1])
    if not counts.all():
        raise ValueError(f"it has no image of the class {int(np.argmin(counts))}")
    return classes


def range_problem(images: np.ndarray, real: np.ndarray) -> str | None:
    """Says why images cannot be in the space of real ones; `None` if they can.

    Args:
        images: Those of the set.
        real: Real images in the space.
    """
    low, high = float(images.min()), float(images.max())
    found = f"from {low:.3g} to {high:.3g}"
    there = f"from {real.min():.3g} to {real.max():.3g}"
    if low >= 0 and real.min() < -0.25 and high > low:
        return f"its values, {found}, are those of pixels, and real images of its space are {there}"
    ratio = _size(images) / max(_size(real), 1e-12)
    if not 1 / _MOST_RATIO <= ratio <= _MOST_RATIO:
        return (
            f"its values, {found}, are {ratio:.3g} times as large as those of real images in its "
            f"space, {there}"
        )
    return None


def _size(images: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(images, dtype="float64"))))


def order_doubt(images: np.ndarray, classes: np.ndarray, real: np.ndarray, y: np.ndarray) -> bool:
    """Whether images do not look like the classes that they are said to be.

    A linear probe, ridge regression from pixels to classes, is fitted to real images. Its scores
    for the classes of the set are compared with those for classes in random orders.

    Args:
        images: Those of the set in model space, `(n, ...)`.
        classes: Their classes `(n,)`.
        real: Real images in model space, `(N, ...)`.
        y: Their classes `(N,)`.

    Returns:
        True if the scores are not above those of 95 % of random orders.
    """
    num_classes = int(y.max()) + 1
    rows = real.reshape(len(real), -1).astype("float64")
    mean = rows.mean(axis=0)
    rows = rows - mean
    kernel = rows @ rows.T
    targets = np.eye(num_classes)[y] - 1 / num_classes
    ridge = _RIDGE * np.trace(kernel) / len(kernel)
    duals = np.linalg.solve(kernel + ridge * np.eye(len(kernel)), targets)
    scores = (images.reshape(len(images), -1) - mean) @ rows.T @ duals
    # Every image counts the same, however large its scores are.
    scores = scores - scores.mean(axis=1, keepdims=True)
    scores = scores / np.maximum(np.linalg.norm(scores, axis=1, keepdims=True), 1e-12)
    by_class = np.stack([scores[classes == k].sum(axis=0) for k in range(num_classes)])
    rng, each = np.random.default_rng(0), np.arange(num_classes)
    orders = (rng.permutation(num_classes) for _ in range(_ORDERS))
    others = [by_class[each, order].sum() for order in orders if (order != each).any()]
    return bool(np.trace(by_class) <= np.quantile(others, 0.95))


def sample_of(train: Any, rows: int = _PROBED) -> tuple[np.ndarray, np.ndarray]:
    """Real images for these checks, drawn with a fixed seed.

    Args:
        train: The data, with `.x` and `.y`.
        rows: How many at most.

    Returns:
        Images `(m, ...)` in pixel units and their classes.
    """
    order = np.sort(np.random.default_rng(0).permutation(len(train.y))[:rows])
    return np.asarray(train.x[order]), np.asarray(train.y)[order]


def in_space(layer: Any, images: np.ndarray) -> np.ndarray:
    """Pixels `(n, ...)` in the space of a layer, float32."""
    return to_numpy(layer(images)).astype("float32")
