"""Streams of batches: their first images, their labels, and the part that a process takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import tree

from keras_isa import backend
from keras_isa.memory import check_memory
from keras_isa.training.reading import ReadBatches

# The free memory is checked for the first time after so many bytes of images.
_FIRST_LOOK = 2**28


def first_images(batches: Any, class_counts: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Reads batches until every class has enough images to start from.

    Args:
        batches: Iterable of `(images, class_ids)`, as `reading.opened` returns.
        class_counts: Images wanted of each class, C integers.

    Returns:
        All images read, `(N, H, W, C)`, and their classes `(N,)` int32.

    Raises:
        ValueError: If the batches end before, or go on until memory is short.
    """
    images, class_ids = [], []
    read, next_look = 0, _FIRST_LOOK
    counts = np.zeros(len(class_counts), int)
    for batch in batches:
        images.append(batch[0])
        class_ids.append(batch[1])
        counts += np.bincount(class_ids[-1], minlength=len(counts))
        if (counts >= class_counts).all():
            return np.concatenate(images), np.concatenate(class_ids)
        read += images[-1].nbytes
        if read > next_look:  # the stream may be endless and lack a class
            check_memory(read, f"{_short_of(counts, class_counts)}; going on", "look at the stream")
            next_look *= 2
    raise ValueError(_short_of(counts, class_counts))


def _short_of(counts: np.ndarray, class_counts: Sequence[int]) -> str:
    short = int((counts - class_counts).argmin())
    return (
        f"`x` must give at least images_per_class={class_counts[short]} images of every class. "
        f"Received: {counts[short]} of class {short} among {counts.sum():,} images"
    )


def local_batches(batches: Any, endless: bool = False) -> Any:
    """What this process takes of a stream, where several compute together.

    Every process is given the same stream and takes its part of each batch, so that together they
    see what one process would. Keras does so for a `tf.data.Dataset`; this function does it for a
    `keras.utils.PyDataset` too. A stream that is divided already stays as it is: the distribution
    then has `auto_shard_dataset=False`.

    Args:
        batches: A stream as `reading.opened` returns it.
        endless: Whether to begin again at the end of what can be iterated over twice.

    Returns:
        The stream itself where there is nothing to divide or repeat, otherwise another.

    Raises:
        ValueError: If the distribution divides and the stream is of another kind.
    """
    distribution = keras.distribution.distribution()
    process, processes = backend.current().process()
    divides = processes > 1 and distribution.auto_shard_dataset
    if divides and isinstance(batches, keras.utils.PyDataset):
        batches = _ProcessPart(batches, process, processes)
    elif divides:
        batches = _divided(batches, distribution)
    return _repeated(batches) if endless else batches


def _divided(batches: Any, distribution: Any) -> ReadBatches:
    """The part of each batch that Keras gives to this process; it is read as the whole would be."""
    given = batches.given if isinstance(batches, ReadBatches) else batches
    try:
        part = distribution.distribute_dataset(given)
    except ValueError as error:
        raise ValueError(
            "`x` must give equal batches as a tf.data.Dataset or a PyDataset, to be divided among "
            "processes; divide others by yourself and say auto_shard_dataset=False. "
            f"Received: {type(given).__name__} ({error})"
        ) from error
    return batches.with_batches(part)


class EndWithStream(keras.callbacks.Callback):
    """Ends training with a stream that cannot begin again.

    Keras reads a few batches to learn their shapes, and would train on these in every later epoch.

    Args:
        steps: Steps of an epoch; `None` where it ends with the stream.
    """

    def __init__(self, steps: int | None) -> None:
        super().__init__()
        self._steps, self._taken = steps, 0

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._taken = 0

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self._taken = batch + 1

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self._steps is None or self._taken < self._steps:
            self.model.stop_training = True


def _repeated(batches: Any) -> Any:
    if isinstance(batches, keras.utils.PyDataset):
        return _Endless(batches) if batches.num_batches else batches
    if isinstance(batches, Iterable) and not isinstance(batches, Iterator):
        return _passes(batches)
    return batches


def _passes(batches: Iterable) -> Iterator:
    given = True
    while given:
        given = False
        for batch in batches:
            given = True
            yield batch


class _Endless(keras.utils.PyDataset):
    """The batches of a PyDataset, again and again."""

    def __init__(self, batches: keras.utils.PyDataset) -> None:
        super().__init__(batches.workers, batches.use_multiprocessing, batches.max_queue_size)
        self._batches = batches

    @property
    def num_batches(self) -> None:
        return None

    def __getitem__(self, index: int) -> Any:
        return self._batches[index % self._batches.num_batches]

    def on_epoch_begin(self) -> None:
        self._batches.on_epoch_begin()

    def on_epoch_end(self) -> None:
        self._batches.on_epoch_end()


class _ProcessPart(keras.utils.PyDataset):
    """One of several equal parts of every batch.

    Args:
        batches: The whole batches.
        part: Number of the part.
        parts: How many there are.
    """

    def __init__(self, batches: keras.utils.PyDataset, part: int, parts: int) -> None:
        super().__init__(batches.workers, batches.use_multiprocessing, batches.max_queue_size)
        self._batches, self._part, self._parts = batches, part, parts

    @property
    def num_batches(self) -> int | None:
        return self._batches.num_batches

    def __getitem__(self, index: int) -> Any:
        return tree.map_structure(self._rows, self._batches[index])

    def on_epoch_begin(self) -> None:
        self._batches.on_epoch_begin()

    def on_epoch_end(self) -> None:
        self._batches.on_epoch_end()

    def _rows(self, array: Any) -> Any:
        size, rest = divmod(len(array), self._parts)
        if rest:
            raise ValueError(
                f"`x` must give batches of a multiple of {self._parts} images, as many as there "
                f"are processes. Received: {len(array)}"
            )
        return array[self._part * size : (self._part + 1) * size]
