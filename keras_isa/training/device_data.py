"""Placement of training data, on the device or not, and how steps and validation read them."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops, tree

from keras_isa import backend
from keras_isa.asset.distilled_data import DistilledData
from keras_isa.global_settings import apply_keras_limit
from keras_isa.ops.random import KeySequence
from keras_isa.training.streams import local_batches

_DEFAULT_BATCH_SIZE = 1024
# A set is validated on so many images during training. More would cost time and tell little.
MOST_VALIDATION_IMAGES = 2000
# Validation images that one compiled call looks at.
VALIDATION_CHUNK = 500
# Share of the free memory of the device that training data may take.
_DATA_SHARE = 0.5


def placement_of(distilled: DistilledData, images: Any) -> str:
    """Where and in which space training images live.

    Args:
        distilled: The set, for its preprocessing.
        images: Array `(N, ...)` or `StoredImages` in pixel units.

    Returns:
        `"prepared"`: on the device in model space, as preprocessing costs too much to be repeated;
        `"pixels"`: on the device in pixel units, and each batch is preprocessed; `"host"`: not on
        the device, which is too small, and each batch is read when it is drawn.
    """
    room = _DATA_SHARE * backend.free_bytes()
    if not distilled.elementwise and 4 * images.size <= room:
        return "prepared"
    # On a CPU an array is in memory anyway, and reading it in parts would save nothing.
    in_place = isinstance(images, np.ndarray) and not backend.has_accelerator()
    return "pixels" if in_place or images.nbytes <= room else "host"


def prepared(distilled: DistilledData, images: Any) -> tuple[str, Any]:
    """Takes images to model space if preprocessing costs too much to be repeated in each step.

    Args:
        distilled: The set, for its preprocessing.
        images: Array `(N, ...)` or `StoredImages` in pixel units.

    Returns:
        Their placement, `"prepared"` or `"pixels"`, and the images.
    """
    if distilled.elementwise:
        return "pixels", images
    return "prepared", distilled.preprocess(images)


def data_shards() -> int:
    """Parts into which `keras.distribution` divides a batch; 1 without any."""
    distribution = keras.distribution.distribution()
    return 1 if distribution is None else distribution.num_model_replicas


def check_divided(batch_size: int) -> None:
    """Raises an error if the devices cannot share a batch equally.

    Args:
        batch_size: Rows of a batch.

    Raises:
        ValueError: If it is no multiple of the number of devices.
    """
    if batch_size % data_shards():
        raise ValueError(
            f"`batch_size` must be a multiple of the {data_shards()} devices that share a "
            f"batch. Received: batch_size={batch_size}"
        )


def _for_every_shard(number: int) -> np.ndarray:
    """A number in the form in which Keras gives it to each device of this process."""
    _, processes = backend.current().process()
    return np.full(data_shards() // processes, number, "int32")


class CountedBatches(keras.utils.PyDataset):
    """Batches without end that follow from a seed and their number; one thread reads ahead.

    Args:
        seed: Seed of what is drawn.
        first: Number of batches drawn before.
    """

    num_batches = None  # endless: Keras counts steps

    def __init__(self, seed: int, first: int = 0) -> None:
        super().__init__(workers=1, max_queue_size=4)
        self._seed, self.first = seed, first


class HostBatches(CountedBatches):
    """Batches of images that stay where they are, drawn without replacement, pass after pass.

    Where several processes compute together, each reads its own part of every batch.

    Args:
        images: Array `(N, ...)` or `StoredImages` in pixel units.
        class_ids: Array `(N,)` int32.
        batch_size: Rows per batch, at most N; a short rest of a pass is left out.
        seed: Seed of the order.
        first: Number of batches drawn before.
    """

    def __init__(
        self, images: Any, class_ids: np.ndarray, batch_size: int, seed: int, first: int = 0
    ) -> None:
        super().__init__(seed, first)
        self._images, self._class_ids = images, class_ids
        self._batch_size = batch_size
        self._order: tuple[int, np.ndarray] | None = None

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        batches = len(self._images) // self._batch_size
        number, place = divmod(self.first + index, batches)
        order = self._pass(number)[place * self._batch_size :][: self._batch_size]
        process, processes = backend.current().process()
        order = order[process::processes]
        # Rows are read in the order of storage, which is fastest; their order has no meaning.
        rows = np.sort(order)
        return self._images[rows], self._class_ids[rows]

    def _pass(self, number: int) -> np.ndarray:
        if self._order is None or self._order[0] != number:
            generator = np.random.default_rng([self._seed, number])
            self._order = number, generator.permutation(len(self._images))
        return self._order[1]


class DeviceData(keras.utils.PyDataset):
    """Data that live on the device, from which the step draws its batches.

    Keras's loop gets only the number of steps of each call. The arrays do not go through it, as
    some backends would copy them.

    Args:
        arrays: Device arrays: `class_ids` `(N,)` int32 and either `pixels` or `prepared`, images
            `(N, ...)` in pixel units or in model space.
        steps_per_epoch: Steps of one epoch.
        steps_per_call: Steps of one compiled call, at most.
    """

    num_batches = None  # endless: Keras counts steps

    def __init__(self, arrays: dict, steps_per_epoch: int, steps_per_call: int) -> None:
        super().__init__()
        self.arrays = arrays
        self._steps_per_epoch = steps_per_epoch
        self._steps_per_call = steps_per_call
        self._calls = math.ceil(steps_per_epoch / steps_per_call)

    def __getitem__(self, call: int) -> tuple[dict]:
        begin = (call % self._calls) * self._steps_per_call
        count = min(self._steps_per_call, self._steps_per_epoch - begin)
        return ({"steps": _for_every_shard(count)},)


class MemberSweep(keras.utils.PyDataset):
    """Validation: every member of a pool looks at every chunk of the held-out images.

    Keras's loop gets numbers of chunks and members; `chunk` gives the images.

    Args:
        placement: `"pixels"` or `"prepared"`, the space of the images.
        images: Array `(N, ...)`, which goes to the device once, or `StoredImages`, read each time.
        class_ids: Array `(N,)` int32.
        members: Number of pool members.
    """

    def __init__(self, placement: str, images: Any, class_ids: Any, members: int) -> None:
        super().__init__()
        self._placement, self._images, self._class_ids = placement, images, class_ids
        self._members = members
        # All chunks have the same size, as a shorter last one would be compiled separately.
        self._chunks = math.ceil(len(images) / VALIDATION_CHUNK)
        self._size = math.ceil(len(images) / self._chunks)
        self._device_data = None
        if isinstance(images, np.ndarray):
            # Python does not wait for compiled calls: a copy for each would fill the memory.
            self._device_data = [self._to_device(self._chunk(n)) for n in range(self._chunks)]

    @classmethod
    def of(cls, trainer: Any, x: Any, y: Any, limit: int | None = None) -> MemberSweep:
        """The sweep of a trainer's networks over checked images.

        Args:
            trainer: The trainer.
            x: Images `(N, ...)` in pixel units.
            y: Their classes `(N,)` int32.
            limit: Images at most, drawn by the seed of the trainer where there are more.
        """
        if limit is not None and len(x) > limit:
            rows = np.sort(np.random.default_rng(trainer.seed).permutation(len(x))[:limit])
            x, y = x[rows], y[rows]
        placement, x = prepared(trainer.distilled, x)
        return cls(placement, x, y, trainer.validation_members)

    def __len__(self) -> int:
        return self._chunks * self._members

    def __getitem__(self, index: int) -> tuple[dict]:
        member, number = divmod(index, self._chunks)
        return ({"chunk": _for_every_shard(number), "member": _for_every_shard(member)},)

    def chunk(self, number: int) -> dict:
        """Images, classes and weights of a chunk, on the device."""
        return (
            self._to_device(self._chunk(number))
            if self._device_data is None
            else self._device_data[number]
        )

    def _to_device(self, chunk: dict) -> dict:
        return tree.map_structure(backend.current().to_device, chunk)

    def _chunk(self, number: int) -> dict:
        # The last chunk begins earlier where it would not be full, and images that another chunk
        # has get the weight zero.
        start = min(number * self._size, len(self._images) - self._size)
        rows = np.arange(start, start + self._size)
        return {
            self._placement: self._images[start : start + self._size],
            "class_ids": self._class_ids[rows],
            "weights": (rows >= number * self._size).astype("float32"),
        }


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
        # The cursor starts at the end, so that the first batch shuffles.
        self.cursor = self.add_weight(
            shape=(),
            dtype="int32",
            initializer=lambda shape, dtype: ops.full(shape, rows, dtype=dtype),
            trainable=False,
            name="cursor",
        )
        self.built = True

    def serves(self, class_ids: np.ndarray, batch_size: int) -> bool:
        """Whether the sampler was made for as many classes `(N,)` and this batch size."""
        return (self.order.shape[0], self.batch_size) == (len(class_ids), batch_size)

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


class StepData:
    """The part of a trainer that places the training data and counts the steps of an epoch.

    A trainer has `distilled`, `settings`, `sampler`, `takes_batches`, `batch_sampler` and
    `most_rows`.
    """

    def _default_epochs(self, steps_per_epoch: int | None) -> int:
        if self.settings is None or steps_per_epoch is not None:
            return getattr(self.settings, "epochs", 1)
        return self.settings.equal_epochs

    def _training_data(
        self, x: Any, y: Any, batch_size: Any, epochs: int, steps_per_epoch: Any, own: Any
    ) -> tuple[Any, int | None]:
        total = getattr(self.settings, "steps", None)
        if steps_per_epoch is None and total is not None:
            steps_per_epoch = math.ceil(total / epochs)
        self.drawn_rows = None
        if own is not None:
            if steps_per_epoch is None:
                raise ValueError(
                    "`steps_per_epoch` must be given for a method whose steps take no images. "
                    "Received: None"
                )
            self.steps_per_execution = 1
            return own, apply_keras_limit("steps_per_epoch", steps_per_epoch)
        if y is None:
            steps_per_epoch = apply_keras_limit("steps_per_epoch", steps_per_epoch)
            self.steps_per_execution = 1
            return local_batches(x, endless=steps_per_epoch is not None), steps_per_epoch
        size = batch_size or getattr(self.settings, "batch_size", _DEFAULT_BATCH_SIZE)
        self.drawn_rows = size = self.most_rows(int(size), len(x))
        check_divided(size)
        if steps_per_epoch is None:
            steps_per_epoch = math.ceil(len(x) / size)
        steps_per_epoch = apply_keras_limit("steps_per_epoch", steps_per_epoch)
        placement = placement_of(self.distilled, x) if self.takes_batches else "none"
        if placement == "host":
            self.steps_per_execution = 1
            return HostBatches(x, y, size, self.seed, self.steps_taken), steps_per_epoch
        arrays = {}
        if self.takes_batches:
            x = self.distilled.preprocess(x) if placement == "prepared" else x[:]
            if self.sampler is None or not self.sampler.serves(y, size):
                self.sampler = self.batch_sampler(y, size)
                self.train_function = None
            to_device = backend.current().to_device
            arrays = {placement: to_device(x), "class_ids": to_device(y)}
        # Calls have the same number of steps if it divides those of an epoch.
        calls = math.ceil(steps_per_epoch / self._steps_per_call)
        self.steps_per_execution = math.ceil(steps_per_epoch / calls)
        self._device_data = DeviceData(arrays, steps_per_epoch, self.steps_per_execution)
        return self._device_data, steps_per_epoch
