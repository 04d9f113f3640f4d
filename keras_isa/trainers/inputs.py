"""What `fit` and `evaluate` accept, brought into one form and checked."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_isa.checks import check_images, check_labels
from keras_isa.layers.distilled_data import DistilledData


def unpack(x: Any, y: Any) -> tuple[Any, Any, Any, str | None]:
    """Images, classes, class names and name of a dataset object, or of plain arrays."""
    if y is None and hasattr(x, "x") and hasattr(x, "y"):
        return x.x, x.y, getattr(x, "class_names", None), getattr(x, "name", None)
    return x, y, None, None


def pair(data: Any) -> tuple[Any, Any]:
    """`(x, y)` of a pair; a dataset object and nothing otherwise."""
    return tuple(data) if isinstance(data, (tuple, list)) else (data, None)


def checked_arrays(distilled: DistilledData, x: Any, y: Any) -> tuple[Any, np.ndarray]:
    """Images `(N, ...)`, an array or `StoredImages`, and classes `(N,)` int32 that fit a set.

    Raises:
        ValueError: If they do not.
        TypeError: If they are no numbers, or the classes no integers.
    """
    x = check_images(x, "x")
    y = check_labels(y, len(x), "y", distilled.class_names)
    if x.shape[1:] != distilled.image_shape:
        raise ValueError(
            f"`x` must hold images of shape {distilled.image_shape}. Received: {x.shape[1:]}"
        )
    if y.max() >= distilled.num_classes:
        raise ValueError(
            f"`y` must hold classes from 0 to {distilled.num_classes - 1}. Received: {y.max()}"
        )
    return x, y


def take_class_names(distilled: DistilledData, class_names: Sequence[str] | None) -> None:
    """Gives a set without names of its own the data's class names, or compares them.

    Args:
        distilled: The set.
        class_names: C names, or `None` where the data have none.

    Raises:
        ValueError: If the names differ.
    """
    own = distilled.class_names
    if class_names is None or tuple(class_names) == own:
        return
    if own == tuple(str(k) for k in range(distilled.num_classes)):
        if len(class_names) == len(own):
            distilled.class_names = tuple(class_names)
        return
    raise ValueError(
        "`x` must have the class names of the distilled set in the same order; bring it into order "
        f"with `x.select_classes(distilled.class_names)`. Received: {', '.join(class_names[:10])} "
        f"instead of {', '.join(own[:10])}"
    )


def is_positive_integer(value: Any) -> bool:
    """Whether `value` is an integer above zero; a bool is not."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool) and value >= 1


def check_positive(**values: Any) -> None:
    """Refuses numbers, by the names of their arguments, that are neither `None` nor positive.

    Raises:
        ValueError: If a value is no integer above zero.
    """
    for argument, value in values.items():
        if value is not None and not is_positive_integer(value):
            raise ValueError(f"`{argument}` must be a positive integer. Received: {value!r}")
