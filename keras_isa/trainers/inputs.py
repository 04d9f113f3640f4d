"""What `fit` and `evaluate` accept, brought into one form and checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras.ops import is_tensor

from keras_isa.arrays import StoredImages
from keras_isa.checks import check_classes, check_images, check_labels
from keras_isa.layers.distilled_data import DistilledData
from keras_isa.ops.arguments import whole_number


def unpack(x: Any, y: Any) -> tuple[Any, Any, Any, str | None]:
    """Images, classes, class names and name of a dataset object, or of plain arrays."""
    if y is None and hasattr(x, "x") and hasattr(x, "y"):
        return x.x, x.y, getattr(x, "class_names", None), getattr(x, "name", None)
    return x, y, None, None


def checked_arrays(
    distilled: DistilledData, x: Any, y: Any, names: tuple[str, str] = ("x", "y")
) -> tuple[Any, np.ndarray]:
    """Images `(N, ...)`, an array or `StoredImages`, and classes `(N,)` int32 that fit a set.

    Args:
        distilled: The set.
        x: What should be images.
        y: What should be their classes.
        names: What the caller knows `x` and `y` by, used in errors.

    Raises:
        ValueError: If they do not fit.
        TypeError: If they are no numbers, or the classes no integers.
    """
    x = check_images(x, names[0])
    if y is None:
        raise ValueError(
            f"`{names[1]}` must hold the classes of the images in `{names[0]}`. Received: None"
        )
    y = check_labels(y, len(x), names[1], distilled.class_names)
    if x.shape[1:] != distilled.image_shape:
        raise ValueError(
            f"`{names[0]}` must hold images of shape {distilled.image_shape}. "
            f"Received: {x.shape[1:]}"
        )
    check_classes(y, distilled.num_classes, names[1])
    return x, y


def checked_validation(distilled: DistilledData, data: Any) -> tuple[Any, np.ndarray]:
    """Images and classes of `validation_data`, a pair of arrays or a dataset, that fit a set.

    Raises:
        ValueError: If they do not fit.
        TypeError: If there are neither, or they have the wrong dtype.
    """
    is_pair = isinstance(data, tuple | list) and len(data) == 2
    if not is_pair and not (hasattr(data, "x") and hasattr(data, "y")):
        raise TypeError(
            "`validation_data` must be a pair of arrays (x, y), or a dataset with .x and .y. "
            f"Received: {type(data).__name__}"
        )
    x, y = data if is_pair else (data, None)
    return checked_data(distilled, x, y, ("validation_data", "validation_data"))


def checked_data(
    distilled: DistilledData, x: Any, y: Any, names: tuple[str, str] = ("x", "y")
) -> tuple[Any, np.ndarray]:
    """As `checked_arrays`, for a dataset in the place of `x` too."""
    x, y, class_names, _ = unpack(x, y)
    x, y = checked_arrays(distilled, x, y, names)
    check_class_order(distilled, class_names, names[0])
    return x, y


def is_array(x: Any) -> bool:
    """Whether `x` holds images, not batches of them.

    Raises:
        ValueError: If there is nothing.
    """
    if x is None:
        raise ValueError("`x` must hold images, or give batches of them. Received: None")
    return isinstance(x, np.ndarray | StoredImages) or is_tensor(x)


def checked_callbacks(callbacks: Any) -> list[keras.callbacks.Callback]:
    """The callbacks as a list; one may come alone.

    Raises:
        TypeError: If something else is among them.
        ValueError: If one of them saves the model, which a trainer is only on the outside.
    """
    if callbacks is None:
        return []
    found = list(callbacks) if isinstance(callbacks, tuple | list) else [callbacks]
    for callback in found:
        if not isinstance(callback, keras.callbacks.Callback):
            raise TypeError(f"`callbacks` must be Keras callbacks. Received: {callback!r}")
        saves = isinstance(callback, keras.callbacks.ModelCheckpoint)
        if saves and not callback.save_weights_only:
            raise ValueError(
                "`callbacks` cannot save a trainer whole: give ModelCheckpoint "
                "save_weights_only=True, or `fit` a folder to `resume` from, and save the set with "
                "`trainer.distilled.save`."
            )
    return found


def take_class_names(distilled: DistilledData, class_names: Sequence[str] | None) -> None:
    """Gives a set without names of its own the data's class names, or compares them.

    Args:
        distilled: The set.
        class_names: C names, or `None` where the data have none.

    Raises:
        ValueError: If the names differ.
    """
    check_class_order(distilled, class_names, "x")
    if class_names is not None and len(class_names) == distilled.num_classes:
        distilled.class_names = tuple(class_names)


def check_class_order(
    distilled: DistilledData, class_names: Sequence[str] | None, argument: str
) -> None:
    """Refuses data whose classes have other names than those of a set that has names of its own.

    Args:
        distilled: The set.
        class_names: C names, or `None` where the data have none.
        argument: What the caller knows the data by.

    Raises:
        ValueError: If the names differ.
    """
    own = distilled.class_names
    unnamed = tuple(str(k) for k in range(distilled.num_classes))
    if class_names is None or own == unnamed or tuple(class_names) == own:
        return
    raise ValueError(
        f"`{argument}` must have the class names of the distilled set in the same order; bring it "
        f"into order with `{argument}.select_classes(distilled.class_names)`. "
        f"Received: {', '.join(class_names[:10])} instead of {', '.join(own[:10])}"
    )


def check_positive(**values: Any) -> None:
    """Refuses numbers, by the names of their arguments, that are neither `None` nor positive.

    Raises:
        ValueError: If a value is no integer above zero.
    """
    for argument, value in values.items():
        if value is not None:
            whole_number(argument, value)
