"""What trained networks, and kernel ridge regression on their features, say of images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from keras import ops

from keras_isa import backend
from keras_isa.evaluation.inference import inference_batches, read_in_parts
from keras_isa.inputs.arrays import to_numpy
from keras_isa.inputs.axes import kind_of


def predictions(
    students: Any, x: Any, preprocess: Callable, regularization: float, flip: bool = False
) -> Iterator[tuple[tuple[int, int], slice, np.ndarray]]:
    """Yields kind (0 networks, 1 regression) and network, rows, and predictions `(B, C)`.

    Args:
        students: Trained `Students`.
        x: Images `(N, ...)` in pixel units.
        preprocess: Takes pixels to model space.
        regularization: Ridge of the regression, relative to the kernel's mean diagonal.
        flip: Whether the set is joined by its mirror images in the regression.

    Raises:
        ValueError: If anything but images is to be mirrored.
    """
    if flip and len(x.shape) != 4:
        raise ValueError(
            f"`flip` must be False for {kind_of(x.shape[1:])}: it mirrors images. "
            "Received: flip=True"
        )
    # Solved once per network, as a linear map from features to labels.
    maps = [
        regression_map(*students.features_and_labels(index, flip), regularization)
        for index in range(students.repeats)
    ]
    for rows, images in inference_batches(x, preprocess):
        for index in range(students.repeats):
            logits, features = students.outputs(index, images)
            with backend.full_precision():
                predicted = ops.matmul(features, maps[index])
            for kind, scores in enumerate((logits, predicted)):
                yield (kind, index), rows, to_numpy(scores)[: rows.stop - rows.start]


def logits(students: Any, x: Any, preprocess: Callable) -> np.ndarray:
    """Outputs of the networks, without a regression.

    Args:
        students: Trained `Students`.
        x: Images `(N, ...)` in pixel units.
        preprocess: Takes pixels to model space.

    Returns:
        `(r, N, C)` float32.
    """
    found = []
    for rows, part in inference_batches(x, preprocess):
        each = [to_numpy(students.outputs(index, part)[0]) for index in range(students.repeats)]
        found.append(np.stack(each)[:, : rows.stop - rows.start])
    return np.concatenate(found, axis=1)


def hit_rates(
    students: Any,
    x: Any,
    y: np.ndarray,
    preprocess: Callable,
    regularization: float,
    flip: bool = False,
    top: int = 1,
) -> np.ndarray:
    """Shares of images whose class is among the first of the predicted ones.

    Args:
        students: Trained `Students`.
        x: Test images `(N, ...)` in pixel units.
        y: Their classes `(N,)`.
        preprocess: Takes pixels to model space.
        regularization: As in `predictions`.
        flip: As in `predictions`.
        top: How many of the predicted classes count.

    Returns:
        `(2, r)` float64: by the networks' logits and by the regression; NaN where those are not
        finite. Of equal predictions those of lower classes come first.
    """
    hits = np.zeros((2, students.repeats))
    for place, rows, scores in predictions(students, x, preprocess, regularization, flip):
        hits[place] += np.sum(ranks(scores, y[rows]) < top) if _finite(scores) else np.nan
    return hits / len(x)


def ranks(scores: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Returns how many classes are predicted before the right one.

    Args:
        scores: Predictions `(B, C)`.
        y: Classes `(B,)`.

    Example:

    >>> import numpy as np
    >>> from keras_isa.evaluation.readings import ranks
    >>> ranks(np.array([[0.1, 0.7, 0.2], [0.5, 0.5, 0.0]]), np.array([2, 0])).tolist()
    [1, 0]
    """
    own = np.take_along_axis(scores, y[:, np.newaxis], axis=1)
    before = (scores == own) & (np.arange(scores.shape[1]) < y[:, np.newaxis])
    return np.sum((scores > own) | before, axis=1)


def squared_errors(
    students: Any, x: Any, y: np.ndarray, preprocess: Callable, restore: Callable, **regression: Any
) -> np.ndarray:
    """Mean squared error of every network, and of the regression on its features.

    Args:
        students: Trained `Students`.
        x: Test rows `(N, ...)`, as in `hit_rates`.
        y: Their targets `(N, K)` in their own units.
        preprocess: As in `hit_rates`.
        restore: Takes predictions to the units of the targets.
        **regression: `regularization` and `flip`, as in `predictions`.

    Returns:
        Errors `(2, r, K)`, float64: by the networks' outputs and by the regression.
    """
    errors = np.zeros((2, students.repeats, y.shape[1]))
    for place, rows, scores in predictions(students, x, preprocess, **regression):
        errors[place] += np.sum(np.square(restore(scores) - y[rows]), axis=0)
    return errors / len(x)


def regression_map(features: np.ndarray, labels: np.ndarray, regularization: float) -> np.ndarray:
    """The map `(F, C)` of `ops.fit_kernel_regression`, solved in float64.

    No gradient is needed here, so it can be computed in float64: after a few steps on smooth images
    the features are so alike that float32 finds no solution. Of more rows than features the map
    follows from a system of F equations, which is the same.

    Args:
        features: Features of the set `(n, F)`.
        labels: Its labels `(n, C)`.
        regularization: Ridge, relative to the kernel's mean diagonal.
    """
    features = features.astype(np.float64)
    rows, size = features.shape
    # A dead network, all features zero, predicts zero.
    ridge = regularization * np.sum(np.square(features)) / rows if features.any() else 1.0
    if rows > size:
        moments = features.T @ features + ridge * np.eye(size)
        return np.linalg.solve(moments, features.T @ labels).astype(np.float32)
    duals = np.linalg.solve(features @ features.T + ridge * np.eye(rows), labels)
    return (features.T @ duals).astype(np.float32)


def features_of(students: Any, index: int, images: Any) -> np.ndarray:
    """Features `(n, F)` that a network gives of images, a part at a time where they are many.

    Args:
        students: Trained `Students`.
        index: Number of the network.
        images: Images `(n, ...)` in model space.
    """
    return read_in_parts(images, lambda part: students.outputs(index, part)[1])


def _finite(scores: np.ndarray) -> bool:
    return bool(np.isfinite(scores).all())
