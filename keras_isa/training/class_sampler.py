"""Batches with the same number of images of every class."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_isa.ops.random import KeySequence


class ClassSampler(keras.layers.Layer):
    """Draws batches on the device that hold as many images of each class as of any other.

    Each class has an order of its rows. Batches walk through it, and it is shuffled when it is used
    up. A class with fewer images than a batch takes gives some of them twice.

    Args:
        class_ids: Class of each training image `(N,)`.
        batch_size: Rows of a batch, a multiple of the number of classes.
        seed: Seed of the shuffles.

    Raises:
        ValueError: If the batch cannot be divided among the classes.
    """

    def __init__(self, class_ids: np.ndarray, batch_size: int, seed: int, **kwargs: Any) -> None:
        super().__init__(trainable=False, **kwargs)
        counts = np.bincount(class_ids)
        self.batch_size, self._class_ids = batch_size, class_ids
        self._each, rest = divmod(batch_size, len(counts))
        if rest or not self._each:
            raise ValueError(
                f"`batch_size` must be a multiple of the {len(counts)} classes, which share a "
                f"batch. Received: batch_size={batch_size}"
            )
        self.seed_generator = keras.random.SeedGenerator(seed)
        length = max(counts.max(), self._each)
        rows = [np.resize(np.flatnonzero(class_ids == k), length) for k in range(len(counts))]
        # A pass over a class has as many rows as the class, and at least as many as a batch takes.
        self._lengths = np.maximum(counts, self._each).astype("int32")
        self.order = self._variable(np.stack(rows).astype("int32"), "order")
        # The cursors start at the end, so that the first batch shuffles every class.
        self.cursors = self._variable(self._lengths, "cursors")
        self.built = True

    def serves(self, class_ids: np.ndarray, batch_size: int) -> bool:
        """Whether the sampler was made for these classes `(N,)` and this batch size."""
        same = np.array_equal(class_ids, self._class_ids)
        return same and batch_size == self.batch_size

    def next_rows(self) -> Any:
        """Indices of the next batch, `(batch_size,)` int32, class after class."""
        key = self.seed_generator.next()
        order = ops.convert_to_tensor(self.order)
        cursors = ops.convert_to_tensor(self.cursors)
        used_up = cursors + self._each > ops.convert_to_tensor(self._lengths)
        order = ops.cond(
            ops.any(used_up), lambda: self._shuffled(order, used_up, key), lambda: order
        )
        starts = ops.where(used_up, ops.zeros_like(cursors), cursors)
        self.order.assign(order)
        self.cursors.assign(starts + self._each)
        places = ops.expand_dims(starts, 1) + ops.arange(self._each, dtype="int32")
        return ops.reshape(ops.take_along_axis(order, places, axis=1), (-1,))

    def _shuffled(self, order: Any, used_up: Any, key: Any) -> Any:
        """Shuffles the orders of the classes that are used up; padding stays at the end."""
        numbers = keras.random.uniform(order.shape, seed=KeySequence(key))
        places = ops.arange(order.shape[1], dtype="int32")
        inside = places < ops.expand_dims(ops.convert_to_tensor(self._lengths), 1)
        shuffled = ops.take_along_axis(order, ops.argsort(ops.where(inside, numbers, 2.0)), axis=1)
        return ops.where(ops.expand_dims(used_up, 1), shuffled, order)

    def _variable(self, value: np.ndarray, name: str) -> keras.Variable:
        return self.add_weight(
            shape=value.shape,
            dtype="int32",
            initializer=lambda shape, dtype: ops.convert_to_tensor(value, dtype=dtype),
            trainable=False,
            name=name,
        )
