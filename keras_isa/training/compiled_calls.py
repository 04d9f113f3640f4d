"""What one call of a compiled step is given and does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras import ops

from keras_isa import backend
from keras_isa.asset.samples import checked_labels
from keras_isa.global_settings import in_standard_settings, without_keras_limits
from keras_isa.inputs.arrays import to_numpy
from keras_isa.ops.arguments import integer_tensor, whole_number
from keras_isa.training.device_data import DeviceData, MemberSweep
from keras_isa.training.running_scores import RunningScores


@contextmanager
def divided() -> Iterator[None]:
    """A context in which `keras.distribution` takes all data as divided among processes."""
    distribution = keras.distribution.distribution()
    if distribution is None:
        yield
        return
    before, distribution.auto_shard_dataset = distribution.auto_shard_dataset, False
    try:
        yield
    finally:
        distribution.auto_shard_dataset = before


class CompiledCalls:
    """The part of a trainer that Keras's loops and the backends call.

    A trainer has `distilled`, `sampler`, `running_scores`, `distillation_step` and
    `validation_step`.
    """

    # Whether a step takes a batch of real images. A method whose steps do not, such as one that
    # matches stored trajectories, starts from the images and is validated on them all the same.
    takes_batches = True
    _updates_per_batch = 1
    # Whether `fit` keeps a running score of each training sample, for methods whose loss has one.
    track_samples = False
    # Whether the loss of the method has one, its `sample_losses`.
    scores_samples = False
    # What `track_samples` was when the step was last compiled.
    _tracks = False
    _device_data: DeviceData | None = None
    _sweeping: MemberSweep | None = None
    # Steps of the first epoch that an earlier process has taken, where a run is resumed.
    _to_skip = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """A context in which compiled steps run.

        Processes have divided the data among themselves, and small systems of equations are solved
        in one thread. `fit` keeps Keras's limits of epochs and steps and warns of them.
        """
        with divided(), without_keras_limits(), backend.solving(len(self.distilled.class_ids)):
            yield

    @in_standard_settings
    def train_on_batch(self, x: Any, y: Any, *, return_dict: bool = False) -> Any:
        """One step on a batch, as `keras.Model.train_on_batch` takes it, but without weights.

        Args:
            x: Images `(B, H, W, C)` in pixel units.
            y: Classes `(B,)`, integers from 0; in regression targets in their own units.
            return_dict: Whether to return the metrics by name.

        Raises:
            TypeError: If the classes are no integers.
            ValueError: If they are no vector, or out of range.
        """
        y = self.distilled.standardize_targets(checked_labels(self.distilled, y, len(x), "y"))
        return super().train_on_batch(x, y, return_dict=return_dict)

    def make_train_function(self, force: bool = False) -> None:
        # Keras would call single steps from Python. This function loops inside one compiled call.
        if self.train_function is None or force:
            self.train_function = backend.current().train_function(self, self.run_eagerly)

    def make_test_function(self, force: bool = False) -> None:
        if self.test_function is None or force:
            self.test_function = backend.current().test_function(self, self.run_eagerly)

    def call_inputs(self, batch: Any) -> tuple[Any, Any] | None:
        """What one call of the compiled step takes.

        Args:
            batch: What the iterator over the data gave.

        Returns:
            The training arrays if they are on the device, otherwise the batch; and the number of
            steps, `(1,)` int32, or `None` for a single one. `None` in place of both if an earlier
            process has taken the steps.
        """
        if self._to_skip:
            self._to_skip -= int(batch[0]["steps"][0]) if _is_device_data(batch) else 1
            return None
        if not _is_device_data(batch):
            return batch, None
        steps = batch[0]["steps"]
        return self._device_data.arrays, None if self.steps_per_execution == 1 else steps

    @property
    def updates_per_batch(self) -> int:
        """Updates of the set in a step; a positive integer that is fixed when it is compiled."""
        return self._updates_per_batch

    @updates_per_batch.setter
    def updates_per_batch(self, value: int) -> None:
        if self.compiled:
            raise ValueError(
                "`updates_per_batch` must be set before `compile`, as the step and the count of "
                f"steps depend on it. Received: updates_per_batch={value!r}"
            )
        self._updates_per_batch = whole_number("updates_per_batch", value)

    @property
    def steps_taken(self) -> int:
        """Steps since the first one; it waits until they have been computed."""
        return int(to_numpy(self.optimizer.iterations)) // self.updates_per_batch

    @property
    def steps_to_skip(self) -> int:
        """Steps of the first epoch that an earlier process took and that are not counted yet."""
        return max(self._to_skip, 0)

    def skipped_logs(self) -> dict:
        """Logs of a call whose steps an earlier process took; the last such call has metrics."""
        return {} if self.steps_to_skip else self.training_logs()

    def validation_inputs(self, batch: Any) -> tuple[dict, Any]:
        """What one call of the compiled validation takes: a chunk and a member, `(1,)` int32."""
        if not _is_device_data(batch):
            raise TypeError(
                "evaluate and validation_data take arrays (x, y) or a dataset with .x and .y"
            )
        return self._sweeping.chunk(int(batch[0]["chunk"][0])), batch[0]["member"]

    def training_step(self, data: Any) -> None:
        """One step on what `call_inputs` gave."""
        if isinstance(data, dict):
            self._device_step(data)
        else:
            self._streamed_step(data)

    def training_logs(self) -> dict:
        """The metrics so far."""
        return self.get_metrics_result()

    def _device_step(self, arrays: dict) -> None:
        if not self.takes_batches:
            self.distillation_step(None, None)
            return
        rows = self.sampler.next_rows()
        split = backend.current().split_batch
        chosen = {name: split(ops.take(array, rows, axis=0)) for name, array in arrays.items()}
        losses = self.distillation_step(self._in_model_space(chosen), chosen["class_ids"])
        if self._tracks and losses is not None:
            self.running_scores.update(rows, losses)

    def track(self, given: Any) -> None:
        """Makes the running scores of the training samples, where they are asked for.

        Args:
            given: The checked data of `fit`, an `AdaptedData`.

        Raises:
            ValueError: If the method has no loss of single samples, or they are not on the device.
        """
        if self._tracks != self.track_samples:
            self._tracks, self.train_function = self.track_samples, None
        if not self.track_samples:
            return
        if not self.scores_samples:
            raise ValueError(
                "`track_samples` must be False for a method whose loss is none of single samples. "
                f"Received: track_samples=True for {type(self).__name__}"
            )
        if self._device_data is None or not self.takes_batches:
            raise ValueError(
                "`track_samples` must be False for data that are read batch by batch, or that no "
                "step draws: it scores arrays on the device. Received: track_samples=True"
            )
        positions, total = given.positions
        if self.running_scores is None or not self.running_scores.serves(positions, total):
            self.running_scores = RunningScores(positions, total)
            self.train_function = None

    def _streamed_step(self, data: tuple) -> None:
        images, class_ids, _ = keras.utils.unpack_x_y_sample_weight(data)
        if tuple(images.shape[1:]) != self.distilled.image_shape:
            raise ValueError(
                f"`x` must give images of shape {self.distilled.image_shape}, channels last. "
                f"Received: {tuple(images.shape[1:])}"
            )
        if self.distilled.is_regression:
            class_ids = ops.convert_to_tensor(class_ids, "float32")
        else:
            class_ids = ops.cast(integer_tensor("y", class_ids, "B"), "int32")
        self.distillation_step(self.distilled(images), class_ids)

    def _in_model_space(self, arrays: dict) -> Any:
        if "prepared" in arrays:
            return arrays["prepared"]
        return self.distilled(arrays["pixels"])

    def validation_logs(self, chunk: dict, member: Any) -> dict:
        """The metrics after one more chunk of held-out images, seen by a member."""
        images = self._in_model_space(chunk)
        self.validation_step(images, chunk["class_ids"], chunk["weights"], member[0])
        results = self.get_metrics_result()
        return {name: results[name] for name in ("loss", self.distilled.measure)}


def _is_device_data(data: Any) -> bool:
    return isinstance(data, (tuple, list)) and isinstance(data[0], dict)
