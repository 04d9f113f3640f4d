"""What `fit` hands to Keras's loop: arrays on the device, batches that are read, or a stream."""

from __future__ import annotations

import math
from typing import Any

from keras_isa import backend
from keras_isa.global_settings import apply_keras_limit
from keras_isa.training.device_data import (
    DeviceData,
    HostBatches,
    check_divided,
    placement_of,
)
from keras_isa.training.streams import local_batches

_DEFAULT_BATCH_SIZE = 1024


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
