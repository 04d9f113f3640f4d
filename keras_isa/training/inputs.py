"""What `fit` and `evaluate` are given, checked and adapted."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_isa.asset.compatibility import (
    check_class_order,
    check_shape,
    check_task,
    take_class_names,
)
from keras_isa.asset.distilled_data import DEFAULT_PIXEL_RANGE, DistilledData
from keras_isa.asset.samples import checked_labels
from keras_isa.datasets.dataset import Dataset
from keras_isa.inputs.arrays import StoredImages, select
from keras_isa.inputs.checks import check_images
from keras_isa.inputs.pixel_range import check_pixel_range, pixel_range_of, warn_of_other_unit
from keras_isa.inputs.targets import group_ids
from keras_isa.ops.arguments import whole_number
from keras_isa.ops.splits import rows_fingerprint, validation_mask
from keras_isa.training.reading import BatchReader, opened
from keras_isa.training.streams import first_images


@dataclasses.dataclass(frozen=True)
class Given:
    """Images and labels as they came, and what a dataset says of them.

    Args:
        x: Images, or an iterable of batches.
        y: Labels; `None` for batches.
        class_names: Of a dataset, whose labels are then class numbers.
        name: Of a dataset.
        axes: Of a dataset.
        task: Of a dataset.
        checked: Whether they are those of a `keras_isa.datasets.Dataset`, which has checked them.
    """

    x: Any
    y: Any = None
    class_names: Sequence[str] | None = None
    name: str | None = None
    axes: str | None = None
    task: str | None = None
    checked: bool = False


@dataclasses.dataclass(frozen=True)
class AdaptedData:
    """Training data and held-out images of one call of `fit`.

    Args:
        x: Images `(N, ...)`, an array or `StoredImages`, or a stream as `reading.opened` returns.
        y: Classes `(N,)` int32; `None` for a stream.
        held_out: Images and classes to validate on; `None` without.
        reader: What reads the batches of a stream; `None` for arrays.
        name: Of a dataset.
        pixel_range: Of a dataset.
        split: How the held-out images were drawn, for the record; `None` if they were given.
        mask: Which of the given samples these are, `(N,)` bool; `None` if they were given.
    """

    x: Any
    y: np.ndarray | None
    held_out: tuple[Any, np.ndarray] | None
    reader: BatchReader | None
    name: str | None
    pixel_range: Sequence[float] | None
    split: dict[str, Any] | None = None
    mask: np.ndarray | None = None

    @classmethod
    def checked(
        cls,
        distilled: DistilledData,
        x: Any,
        y: Any,
        validation_data: Any,
        validation_split: float,
        seed: int,
        resumes: bool,
    ) -> AdaptedData:
        """Checks what `fit` was given, and looks at the first batch of a stream.

        Args:
            distilled: The set, which takes the class names of a dataset.
            x: As in `fit`.
            y: As in `fit`.
            validation_data: As in `fit`.
            validation_split: As in `fit`.
            seed: Seed of the draw of held-out images.
            resumes: Whether the run is kept in a folder.

        Raises:
            TypeError, ValueError: If something is not usable.
        """
        given, held_out, reader = unpack(x, y), None, None
        about = given.name, getattr(x, "pixel_range", None)
        x, y = given.x, given.y
        if is_array(x) or y is not None:
            x, y = checked_arrays(distilled, given)
            take_class_names(distilled, given.class_names)
        else:
            reader = BatchReader(distilled, getattr(x, "class_names", None))
        if validation_data is not None:
            held_out = checked_validation(distilled, validation_data)
        if reader is not None:
            _refuse_for_batches(x, validation_split, resumes)
            x = opened(x, reader)
            take_class_names(distilled, reader.class_names)
        elif validation_split and held_out is None:
            mask = validation_mask(group_ids(y), distilled.num_classes, validation_split, seed)
            split = {"split_seed": seed, "rows_sha256": rows_fingerprint(mask)}
            held_out = select(x, mask), y[mask]
            x, y = select(x, ~mask), y[~mask]
            return cls(x, y, held_out, reader, *about, split, mask)
        return cls(x, y, held_out, reader, *about)

    @property
    def positions(self) -> tuple[np.ndarray, int]:
        """Where the training samples stand in the data that were given, and how many these are."""
        if self.mask is None:
            return np.arange(len(self.x)), len(self.x)
        return np.flatnonzero(~self.mask), len(self.mask)

    def fill(self, distilled: DistilledData, *, adapt: bool, seed: int) -> None:
        """Fills an empty set with random real images of the training data.

        A set that has the default pixel range takes that of the dataset, or of the images.

        Args:
            distilled: The set; images and labels of one that holds something stay as they are.
            adapt: Whether the preprocessing is to be adapted to the data, if nobody has done so.
            seed: Seed of the draw.

        Raises:
            TypeError: If a stream holds images or classes of the wrong dtype.
            ValueError: If a class has fewer images than the set, or data are not usable.
        """
        if self.y is not None:
            distilled.measure_targets(self.y)
        preprocessing, empty = distilled.preprocessing, distilled.empty
        adapts = adapt and preprocessing is not None and not preprocessing.adapted
        if not (empty or adapts):
            return
        x, y = self.x, self.y
        if y is None:
            x, y = first_images(x, distilled.row_counts)
        if adapts:
            preprocessing.adapt(x)
        if empty:
            distilled.draw_real_images(x, y, seed)
        if empty and distilled.pixel_range == DEFAULT_PIXEL_RANGE:
            with contextlib.suppress(ValueError):  # images without differences have no range
                told = pixel_range_of(x, "x") if self.pixel_range is None else self.pixel_range
                distilled.pixel_range = check_pixel_range(told)

    def standardized(self, distilled: DistilledData) -> tuple[Any, tuple | None]:
        """Labels of both parts as the set computes with them, see `standardize_targets`.

        Args:
            distilled: The set, after `fill`.
        """
        if self.y is None or not distilled.is_regression:
            return self.y, self.held_out
        convert, held_out = distilled.standardize_targets, self.held_out
        return convert(self.y), held_out and (held_out[0], convert(held_out[1]))

    def own_errors(self) -> contextlib.AbstractContextManager:
        """A context of training, in which an error of the reader comes as it was raised."""
        return contextlib.nullcontext() if self.reader is None else self.reader.own_errors()


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
        given = {name: getattr(x, name, None) for name in ("class_names", "name", "axes", "task")}
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
    check_task(distilled, given.task, what)
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
    check_shape(x.shape[1:], shape, what)
    # Labels of a dataset are class numbers; others may be names.
    y = checked_labels(distilled, y, len(x), names[1], by_value=given.class_names is None)
    if not distilled.empty:
        warn_of_other_unit(x, names[0], distilled.pixel_range)
    return x, y


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


def check_positive(**values: Any) -> None:
    """Refuses numbers, by the names of their arguments, that are neither `None` nor positive.

    Raises:
        ValueError: If a value is no integer above zero.
    """
    for argument, value in values.items():
        if value is not None:
            whole_number(argument, value)


def _refuse_for_batches(x: Any, validation_split: float, resumes: bool) -> None:
    if resumes:
        raise ValueError(
            "`resume` needs arrays or a dataset with .x and .y: batches of an iterable cannot "
            f"be found again. Received: x={type(x).__name__}"
        )
    if validation_split:
        raise ValueError(
            "`validation_split` needs arrays; pass `validation_data` along with batches. "
            f"Received: x={type(x).__name__}"
        )
