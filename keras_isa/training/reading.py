"""Batches of a stream, each checked and brought into one form before it is used."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np

from keras_isa.asset.compatibility import check_class_order, check_shape
from keras_isa.asset.distilled_data import DistilledData
from keras_isa.inputs.axes import find_axes
from keras_isa.inputs.batch_consistency import BatchConsistency
from keras_isa.inputs.checks import check_images, check_pixels
from keras_isa.inputs.class_labels import check_classes, check_labels
from keras_isa.inputs.class_names import check_class_names
from keras_isa.inputs.pairs import check_batched, unpack_batch, warn_of_unused
from keras_isa.inputs.pixel_range import warn_of_other_unit
from keras_isa.inputs.values import to_array

_STREAM_ORDER = (
    "number the classes of the batches in that order, or leave out the `class_names` of `x` if "
    "only the names differ"
)


class BatchReader:
    """Turns what a stream gives into images and classes that fit a set.

    The first batch settles which axis is what and how labels are matched to names; a warning tells
    the choice.

    Args:
        distilled: The set.
        class_names: The stream's own, where it has some: its integers are class numbers then.

    Raises:
        TypeError: If the class names are no strings.
        ValueError: If the class names differ from those of the set, or it is one of a regression.
    """

    def __init__(self, distilled: DistilledData, class_names: Sequence[str] | None = None) -> None:
        if distilled.is_regression:  # the units of targets follow from all of them
            raise ValueError(
                "`x` must be an array, with targets in `y`, or a dataset for task='regression'; "
                "collect batches in arrays first. Received: batches"
            )
        if class_names is not None:
            class_names = check_class_names(class_names)
            check_class_order(distilled, class_names, "x", order=_STREAM_ORDER)
        self.class_names = class_names
        self._shape, self._num_classes = distilled.image_shape, distilled.num_classes
        self._known_names = class_names or distilled.class_names
        self._by_value = class_names is None
        # An empty set takes the pixel range of the data.
        self._pixel_range = None if distilled.empty else distilled.pixel_range
        self._axes: dict[int, str] = {}
        self._same = BatchConsistency("x")
        self._said = False
        self.error: Exception | None = None

    def __call__(self, batch: Any, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns images `(n, ...)`, uint8 or float32, and classes `(n,)` int32.

        Args:
            batch: What the stream gave.
            number: Its number in the stream, from 0 on.

        Raises:
            TypeError, ValueError: If it is no batch that fits the set; its number is named.
        """
        try:
            return self._read(batch, number)
        except (TypeError, ValueError) as error:
            # The error is kept, as some backends raise one of their own instead.
            named = f"batch {number}" in str(error)
            self.error = type(error)(str(error) if named else f"{error}, in batch {number}")
            raise self.error from error

    @contextlib.contextmanager
    def own_errors(self) -> Iterator[None]:
        """A context in which an error of this reader is raised as it was, whatever the backend."""
        try:
            yield
        except Exception as error:
            if self.error is None or error is self.error:
                raise
            raise self.error from error

    def _read(self, batch: Any, number: int) -> tuple[np.ndarray, np.ndarray]:
        pair = unpack_batch(batch, "x")
        images, labels = map(to_array, pair, ("x", "y"))
        check_batched(images, labels, "x")
        self._same.check(pair[0], images, labels, number)
        check_pixels(images, "x")
        if images.ndim not in self._axes:
            axes = find_axes(images.shape, images.dtype, "x", image_shape=self._shape)
            self._axes[images.ndim] = axes
        images = check_images(images, "x", self._axes[images.ndim])
        check_shape(images.shape[1:], self._shape, "x")
        labels = check_labels(
            labels,
            len(images),
            "y",
            self._known_names,
            by_value=self._by_value,
            warn=not self._said,
        )
        check_classes(labels, self._num_classes, "y")
        if not self._said:
            warn_of_unused(batch, "x")
            if self._pixel_range is not None:
                warn_of_other_unit(images, "x", self._pixel_range)
        self._said = True
        return images, labels


def opened(batches: Any, reader: BatchReader) -> Any:
    """Returns a stream whose batches are read by `reader`; the first one is looked at here.

    Args:
        batches: A `keras.utils.PyDataset`, a list of batches, or another iterable of them.
        reader: What reads each batch.

    Returns:
        A `keras.utils.PyDataset` for one and for a list; otherwise an iterable, or an iterator if
        `batches` is one that may end.

    Raises:
        TypeError: If `batches` cannot be iterated over, or the first batch is refused.
        ValueError: If there is no batch, or the first one is refused.
    """
    if isinstance(batches, list | tuple):  # Keras would take them for arrays
        batches = Listed(batches)
    if not isinstance(batches, Iterable | keras.utils.PyDataset):
        holds = hasattr(batches, "x") and hasattr(batches, "y")
        hint = "; give (x.x, x.y) for the arrays that it holds" if holds else ""
        raise TypeError(
            "`x` must hold images, or give batches of them, as a DataLoader does of a dataset of "
            f"PyTorch{hint}. Received: a {type(batches).__name__}"
        )
    if isinstance(batches, keras.utils.PyDataset):
        if batches.num_batches == 0:
            raise ValueError("`x` must give at least one batch. Received: none")
        reader(batches[0], 0)
        return _ReadDataset(batches, reader)
    endless = isinstance(batches, itertools.cycle)
    given = list(itertools.islice(iter(batches), 1))
    if isinstance(batches, Iterator):
        batches = itertools.chain(given, batches)
    if not given:
        raise ValueError("`x` must give at least one batch. Received: none")
    reader(given[0], 0)
    if isinstance(batches, Iterator) and not endless:
        return _read_all(batches, reader)
    return ReadBatches(batches, reader)


class ReadBatches:
    """Batches that can be iterated over again, each read as it comes.

    Args:
        batches: The batches as they are given, then the attribute `given`.
        read: Turns a batch and its number into images and classes.
    """

    def __init__(self, batches: Iterable, read: Callable) -> None:
        self.given, self._read = batches, read

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return _read_all(self.given, self._read)

    def with_batches(self, batches: Iterable) -> ReadBatches:
        """Others, read as these are."""
        return ReadBatches(batches, self._read)


def steps_of_a_pass(stream: Any) -> int | None:
    """Steps of an epoch that is one pass over a stream, or `None` if Keras finds the end itself.

    Args:
        stream: As `opened` returns it.

    Raises:
        ValueError: If the stream has no length. Counting could take as long as training.
    """
    number = None
    if isinstance(stream, ReadBatches):
        with contextlib.suppress(TypeError, NotImplementedError):
            number = len(stream.given)
    elif isinstance(stream, Iterator) or stream.num_batches is not None:
        return None
    if number is None:
        raise ValueError(
            "`steps_per_epoch` must be given for batches that do not say how many they are, or "
            "have no end. Received: None"
        )
    return number


def _read_all(batches: Iterable, read: Callable) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for number, batch in enumerate(batches):
        yield read(batch, number)


class Listed(keras.utils.PyDataset):
    """Batches that are in a list."""

    def __init__(self, batches: Sequence) -> None:
        super().__init__()
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> Any:
        return self._batches[index]


class _ReadDataset(keras.utils.PyDataset):
    """A PyDataset whose batches are read as they come.

    Args:
        batches: The dataset.
        read: Turns a batch and its number into images and classes.
    """

    def __init__(self, batches: keras.utils.PyDataset, read: Callable) -> None:
        super().__init__(batches.workers, batches.use_multiprocessing, batches.max_queue_size)
        self._batches, self._read = batches, read

    @property
    def num_batches(self) -> int | None:
        return self._batches.num_batches

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return self._read(self._batches[index], index)

    def on_epoch_begin(self) -> None:
        self._batches.on_epoch_begin()

    def on_epoch_end(self) -> None:
        self._batches.on_epoch_end()
