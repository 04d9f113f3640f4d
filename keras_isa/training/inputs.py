"""Images and labels as `fit` and `evaluate` accept them, brought into one form and checked."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.datasets.dataset import Dataset
from keras_isa.inputs.arrays import StoredImages
from keras_isa.inputs.axes import kind_of, kind_with_axes
from keras_isa.inputs.checks import check_images
from keras_isa.inputs.class_labels import check_classes, check_labels
from keras_isa.inputs.class_names import first_ten
from keras_isa.inputs.pixel_range import warn_of_other_unit
from keras_isa.ops.arguments import whole_number


@dataclasses.dataclass(frozen=True)
class Given:
    """Images and labels as they came, and what a dataset says of them.

    Args:
        x: Images, or an iterable of batches.
        y: Labels; `None` for batches.
        class_names: Of a dataset, whose labels are then class numbers.
        name: Of a dataset.
        axes: Of a dataset.
        checked: Whether they are those of a `keras_isa.datasets.Dataset`, which has checked them.
    """

    x: Any
    y: Any = None
    class_names: Sequence[str] | None = None
    name: str | None = None
    axes: str | None = None
    checked: bool = False


def unpack(x: Any, y: Any = None, names: tuple[str, str] = ("x", "y")) -> Given:
    """Images and labels of a dataset object, of a pair of arrays, or of two arguments.

    Args:
        x: A dataset with `.x` and `.y`, a pair of arrays, images, or an iterable of batches.
        y: Labels, where `x` is neither a dataset nor a pair.
        names: Names of the two arguments, for errors.

    Raises:
        ValueError: If there is nothing, or labels twice.
        TypeError: If `x` is a path, a pair of datasets or a pair of pairs.
    """
    if x is None:
        raise ValueError(f"`{names[0]}` must hold images, or give batches of them. Received: None")
    if isinstance(x, Given):
        return x
    if isinstance(x, str | bytes | os.PathLike):
        raise TypeError(
            f"`{names[0]}` must hold images, or give batches of them; read a file or folder with "
            f"`keras_isa.datasets.load(...)` first. Received: {x!r}"
        )
    if is_dataset(x):
        if y is not None:
            raise ValueError(
                f"`{names[1]}` must be None where `{names[0]}` is a dataset with labels of its "
                f"own. Received: a {type(x).__name__} and labels"
            )
        given = {name: getattr(x, name, None) for name in ("class_names", "name", "axes")}
        return Given(x.x, x.y, **given, checked=isinstance(x, Dataset))
    if y is None and isinstance(x, tuple) and len(x) == 2:
        if all(is_dataset(one) for one in x):
            raise TypeError(
                f"`{names[0]}` must be one dataset, as the first that `keras_isa.datasets.load` "
                "returns. Received: a pair of datasets"
            )
        if all(isinstance(one, tuple) and len(one) == 2 and is_array(one[0]) for one in x):
            raise TypeError(
                f"`{names[0]}` must be one pair of arrays, as the first that the `load_data` of "
                "`keras.datasets` returns; put two batches into a list. Received: a pair of pairs"
            )
        if not any(isinstance(one, tuple | dict) or is_dataset(one) for one in x):
            x, y = x
    return Given(x, y)


def is_dataset(x: Any) -> bool:
    """Whether `x` has images and labels as `.x` and `.y`, and nothing but them.

    Arrays and frames may have coordinates or columns of these names. What can be iterated over,
    such as a `keras.utils.PyDataset`, may use `.x` and `.y` for other things, so it is none; a
    named tuple or a mapping is one.
    """
    if not (hasattr(x, "x") and hasattr(x, "y")) or is_array(x):
        return False
    gives = hasattr(type(x), "__getitem__") or isinstance(x, Iterable)
    return isinstance(x, tuple | Mapping) or not gives


def is_array(x: Any) -> bool:
    """Whether `x` holds images, not batches of them."""
    if isinstance(x, np.ndarray | StoredImages) or hasattr(x, "__array__"):
        return True
    # Tensors that NumPy does not take: sparse, ragged, symbolic.
    return hasattr(x, "shape") and hasattr(x, "dtype")


def checked_arrays(
    distilled: DistilledData, given: Given, names: tuple[str, str] = ("x", "y"), what: str = ""
) -> tuple[Any, np.ndarray]:
    """Images `(N, ...)`, an array or `StoredImages`, and classes `(N,)` int32 that fit a set.

    Args:
        distilled: The set.
        given: What should be images and their classes.
        names: Names of the two arguments, for errors.
        what: Name of both together, for errors; by default that of the images.

    Raises:
        ValueError: If they do not fit.
        TypeError: If they are no numbers, or the classes no integers.
    """
    what, shape = what or names[0], distilled.image_shape
    if given.y is None:
        raise ValueError(
            f"`{names[1]}` must hold the classes of the images in `{names[0]}`. Received: None"
        )
    several = isinstance(given.x, tuple | list) and given.x and hasattr(given.x[0], "shape")
    if several and len(given.x[0].shape) > len(shape):
        raise ValueError(
            f"`{names[0]}` must be one array of images; several inputs are not supported. "
            f"Received: a {type(given.x).__name__} of {len(given.x)} arrays, the first of shape "
            f"{tuple(given.x[0].shape)}"
        )
    if (
        isinstance(given.x, Iterable)
        and not isinstance(given.x, Sequence)
        and not is_array(given.x)
    ):
        raise ValueError(
            f"`{names[1]}` must be None where `{names[0]}` gives batches, which have the labels. "
            f"Received: a {type(given.x).__name__} and labels"
        )
    x, y = given.x, given.y
    if not given.checked:
        x = check_images(x, names[0], given.axes, shape)
        # Labels of a dataset are class numbers; others may be names.
        by_value = given.class_names is None
        y = check_labels(y, len(x), names[1], distilled.class_names, by_value=by_value)
    check_shape(x.shape[1:], shape, what)
    check_classes(y, distilled.num_classes, names[1])
    if not distilled.empty:
        warn_of_other_unit(x, names[0], distilled.pixel_range)
    return x, y


def check_shape(shape: Sequence[int], wanted: Sequence[int], argument: str) -> None:
    """Raises an error if images have another shape than those of a set or are other data.

    Args:
        shape: Shape of one image, sequence, or row of features.
        wanted: That of the set.
        argument: Name of the argument, for errors.

    Raises:
        ValueError: If the shapes differ.
    """
    shape, wanted = tuple(shape), tuple(wanted)
    if shape == wanted:
        return
    if len(shape) != len(wanted):
        raise ValueError(
            f"`{argument}` must hold {kind_with_axes(wanted)} of shape {wanted}, as the distilled "
            f"set. Received: {kind_with_axes(shape)} of shape {shape}"
        )
    hint = ""
    if len(shape) == 3 and shape[2] == wanted[2]:
        hint = "; resize them, for instance with the `image_size` of `keras_isa.datasets.load`"
    elif len(shape) == 3:
        hint = f", with {wanted[2]} channels"
    raise ValueError(
        f"`{argument}` must hold {kind_of(wanted)} of shape {wanted}, as the distilled set{hint}. "
        f"Received: {shape}"
    )


def checked_validation(distilled: DistilledData, data: Any) -> tuple[Any, np.ndarray]:
    """Images and classes of `validation_data`, a pair of arrays or a dataset, that fit a set.

    Raises:
        ValueError: If they do not fit.
        TypeError: If there are neither, or they have the wrong dtype.
    """
    given = dataset_or_pair(data, "validation_data")
    return checked_data(distilled, given, ("validation_data", "validation_data"))


def dataset_or_pair(data: Any, argument: str) -> Given:
    """Images and labels that have to come together in one argument.

    Args:
        data: A dataset with `.x` and `.y`, or a pair of arrays.
        argument: Name of the argument, for errors.

    Raises:
        TypeError: If it is something else.
    """
    if is_dataset(data):
        return unpack(data)
    if not isinstance(data, tuple | list) or len(data) != 2 or any(map(is_dataset, data)):
        hint = ""
        if isinstance(data, str | os.PathLike):
            hint = "; read a file or folder with `keras_isa.datasets.load(...)`"
        elif isinstance(data, tuple) and len(data) == 3:
            hint = "; sample weights are not supported"
        elif isinstance(data, Iterable) and not is_array(data) and not isinstance(data, dict):
            hint = "; collect batches with `keras_isa.datasets.from_batches(...)`"
        elif hasattr(data, "x") and hasattr(data, "y"):
            hint = f"; give ({argument}.x, {argument}.y) for what it holds"
        raise TypeError(
            f"`{argument}` must be a dataset with .x and .y, or a pair of arrays (x, y){hint}. "
            f"Received: {type(data).__name__}"
        )
    return Given(*data)


def checked_data(
    distilled: DistilledData,
    given: Given,
    names: tuple[str, str] = ("x", "y"),
    what: str = "",
    *,
    named: bool = False,
) -> tuple[Any, np.ndarray]:
    """As `checked_arrays`, and the class names of a dataset are those of the set.

    Args:
        distilled: The set.
        given: Images and labels.
        names: Names of the two arguments, for errors.
        what: Name of both together, for errors; by default that of the images.
        named: Whether a set with default class names accepts only data with default names.

    Raises:
        ValueError, TypeError: As `checked_arrays`, or the class names differ.
    """
    x, y = checked_arrays(distilled, given, names, what)
    check_class_order(distilled, given.class_names, what or names[0], named)
    return x, y


def checked_callbacks(callbacks: Any) -> list[keras.callbacks.Callback]:
    """The callbacks as a list; one may come alone.

    Raises:
        TypeError: If something else is among them.
        ValueError: If one of them saves the whole model: Keras could not load a trainer again.
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
    distilled: DistilledData,
    class_names: Sequence[str] | None,
    argument: str,
    named: bool = False,
    order: str | None = None,
) -> None:
    """Refuses data whose classes have other names than those of a set that has names of its own.

    Args:
        distilled: The set.
        class_names: C names, or `None` where the data have none.
        argument: Name of the argument, for errors.
        named: Whether a set with default class names accepts only data with default names.
        order: How to bring the data into order; by default what a dataset has for it.

    Raises:
        ValueError: If the names differ.
    """
    own = distilled.class_names
    unnamed = tuple(str(k) for k in range(distilled.num_classes))
    if not class_names or tuple(class_names) == own or (own == unnamed and not named):
        return
    order = order or (
        f"bring it into order with `{argument}.select_classes(distilled.class_names)`, or give "
        f"({argument}.x, {argument}.y) if only the names differ"
    )
    raise ValueError(
        f"`{argument}` must have the class names of the distilled set in the same order; {order}. "
        f"Received: {first_ten(class_names)} instead of {first_ten(own)}"
    )


def check_positive(**values: Any) -> None:
    """Refuses numbers, by the names of their arguments, that are neither `None` nor positive.

    Raises:
        ValueError: If a value is no integer above zero.
    """
    for argument, value in values.items():
        if value is not None:
            whole_number(argument, value)
