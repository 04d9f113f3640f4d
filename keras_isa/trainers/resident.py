"""Training data that lives on the device, and how steps and validation read it."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_isa.ops.random import KeySequence

# Validation images that one compiled call looks at.
_CHUNK = 500


class ResidentData(keras.utils.PyDataset):
    """Hands the same device arrays to every call; the step draws its batches from them.

    Args:
        images: Device array `(N, H, W, C)` in pixel units.
        class_ids: Device array `(N,)` int32.
        steps_per_epoch: Steps of one epoch.
        steps_per_call: Steps of one compiled call, at most.
    """

    num_batches = None  # endless: Keras counts steps

    def __init__(
        self, images: Any, class_ids: Any, steps_per_epoch: int, steps_per_call: int
    ) -> None:
        super().__init__()
        self._arrays = {"images": images, "class_ids": class_ids}
        self._steps_per_epoch = steps_per_epoch
        self._steps_per_call = steps_per_call
        self._calls = math.ceil(steps_per_epoch / steps_per_call)

    def __getitem__(self, call: int) -> tuple[dict]:
        if self._steps_per_call == 1:
            return (self._arrays,)
        begin = (call % self._calls) * self._steps_per_call
        count = min(self._steps_per_call, self._steps_per_epoch - begin)
        return ({**self._arrays, "steps": np.int32(count)},)


class MemberSweep(keras.utils.PyDataset):
    """Validation: every member of a pool looks at every chunk of the held-out images.

    Args:
        images: Array `(N, H, W, C)` in pixel units.
        class_ids: Array `(N,)` int32.
        members: Number of pool members.
    """

    def __init__(self, images: Any, class_ids: Any, members: int) -> None:
        super().__init__()
        self._images, self._class_ids, self._members = images, class_ids, members
        # Equal chunks, so that nothing is compiled for a short last one.
        self._chunks = math.ceil(len(images) / _CHUNK)
        self._size = math.ceil(len(images) / self._chunks)

    def __len__(self) -> int:
        return self._chunks * self._members

    def __getitem__(self, index: int) -> tuple[dict]:
        member, chunk = divmod(index, self._chunks)
        # The last chunk starts early enough to be full; a weight of zero hides what was seen.
        start = min(chunk * self._size, len(self._images) - self._size)
        rows = np.arange(start, start + self._size)
        return (
            {
                "images": self._images[rows],
                "class_ids": self._class_ids[rows],
                "weights": (rows >= chunk * self._size).astype("float32"),
                "member": np.int32(member),
            },
        )


class BatchSampler(keras.layers.Layer):
    """Draws batches on the device, without replacement until the data are used up.

    A permutation of the rows is kept as a variable and walked through; when fewer rows than a batch
    are left, it is shuffled anew. The cursor and the generator are variables too.

    Args:
        rows: Number of rows N.
        batch_size: Rows per batch, at most N.
        seed: Seed of the shuffles.
    """

    def __init__(self, rows: int, batch_size: int, seed: int, **kwargs: Any) -> None:
        super().__init__(trainable=False, **kwargs)
        self.batch_size = batch_size
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.order = self.add_weight(
            shape=(rows,),
            dtype="int32",
            initializer=lambda shape, dtype: ops.arange(rows, dtype=dtype),
            trainable=False,
            name="order",
        )
        # Starts used up, so that the first batch shuffles.
        self.cursor = self.add_weight(
            shape=(),
            dtype="int32",
            initializer=lambda shape, dtype: ops.full(shape, rows, dtype=dtype),
            trainable=False,
            name="cursor",
        )
        self.built = True

    def next_rows(self) -> Any:
        """Indices of the next batch, `(batch_size,)` int32."""
        rows = self.order.shape[0]
        key = self.seed_generator.next()
        order = ops.convert_to_tensor(self.order)
        cursor = ops.convert_to_tensor(self.cursor)
        used_up = cursor + self.batch_size > rows
        order = ops.cond(
            used_up,
            lambda: keras.random.shuffle(order, seed=KeySequence(key)),
            lambda: order,
        )
        start = ops.where(used_up, ops.zeros_like(cursor), cursor)
        self.order.assign(order)
        self.cursor.assign(start + self.batch_size)
        return ops.slice(order, [start], [self.batch_size])
