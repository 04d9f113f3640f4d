"""One distillation step of a run, compiled and timed without the run's networks and data."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from keras import tree

from keras_isa import backend
from keras_isa.asset.distilled_data import DistilledData
from keras_isa.layers.preprocessing import preprocessing_layer
from keras_isa.planning.cost import TRIAL_FLOPS
from keras_isa.presets.config import Config
from keras_isa.training.device_data import BatchSampler

# The greatest number of steps in a compiled call that is timed.
_MOST_STEPS = 20
# On a CPU a step is timed directly up to this number of floating-point operations. The time of a
# longer step follows from those of shorter ones.
_MOST_FLOPS = 1.5e12
# The numbers of target images, which networks take 64 at a time, and of images of the set in the
# shortest step.
_TRIAL_BATCH = 64
_TRIAL_ROWS = 4
# Seconds in which each shorter step is timed.
_SECONDS = 2.0


class Trial:
    """The step of a run, with as few networks as possible and one batch of random images.

    A step updates one network of a pool in place and takes one batch of the data. So its cost does
    not depend on the numbers of networks and batches.

    Args:
        method: The trainer's class.
        settings: Settings of the run.
        image_shape: `(height, width, channels)`, `(steps, features)` or `(features,)`.
        num_classes: Number of classes C.
        rows: Images of the distilled set n.
        batch_size: Target images per step B.
        placement: As `keras_isa.training.device_data.placement_of` returns it.
        pixel_dtype: Dtype of the raw images.
        directions: Number of directions that are whitened, if the step whitens.
        task: `"classification"` or `"regression"`.

    Raises:
        ValueError: If a setting is out of range.
    """

    def __init__(
        self,
        method: type,
        settings: Config,
        image_shape: Sequence[int],
        num_classes: int,
        *,
        rows: int,
        batch_size: int,
        placement: str = "pixels",
        pixel_dtype: str = "uint8",
        directions: int = 0,
        task: str = "classification",
    ) -> None:
        whitened = preprocessing_layer(settings.preprocessing, image_shape)
        if getattr(whitened, "elementwise", True) is False:
            if placement == "prepared":
                whitened = None  # the step gets whitened images
            else:
                whitened.build_from_config({"image_shape": image_shape, "directions": directions})
        options = {"preprocessing": whitened, "task": task}
        distilled = _SetOfRows(image_shape, num_classes, rows, **options)
        self.trainer = method.from_settings(method.trial_settings(settings), distilled)
        # This replaces the method's own sampler; drawing rows costs next to nothing.
        self.trainer.sampler = BatchSampler(batch_size, batch_size, seed=0)
        self.placement, self.batch_size = placement, batch_size
        self._dtype = "float32" if placement == "prepared" else pixel_dtype
        # In `fit` too, a batch that is read from the host goes through a single step.
        self._steps = 1 if placement == "host" else min(self.trainer._steps_per_call, _MOST_STEPS)
        self._call: Any = None

    def compile(self, validation_rows: int = 0) -> int:
        """Compiles the step and the validation step.

        Args:
            validation_rows: Number of images in one call of the validation; 0 without validation.

        Returns:
            The bytes that the larger one takes in addition to networks, set, preprocessing and
            data.
        """
        engine, trainer, state = backend.current(), self.trainer, self._state()
        options = {"donate": (0,), "dtype": trainer.network_dtype}
        inputs = state, *self._data(self._no_images())
        self._call, extra = engine.compiled_ahead(engine.train_call(trainer), inputs, **options)
        if not validation_rows:
            return extra
        placement = "prepared" if self.placement == "prepared" else "pixels"
        chunk = {
            placement: self._no_images(validation_rows),
            "class_ids": self._labels(validation_rows),
            "weights": np.zeros(validation_rows, "float32"),
        }
        trainable, others, _, metrics = state  # an evaluation in Keras has no optimizer variables
        inputs = (trainable, others, metrics), chunk, np.zeros(1, "int32")
        _, more = engine.compiled_ahead(engine.test_call(trainer), inputs, **options)
        return max(extra, more)

    def seconds(self, least: int, budget: float) -> list[float]:
        """Times the compiled step. It can run once only, because it overwrites the variables.

        Args:
            least: The least number of calls.
            budget: Seconds after which no further call begins.

        Returns:
            The seconds per step of each call.
        """
        random = np.random.default_rng(0)
        images = random.integers(0, 256, self._no_images().shape, dtype="uint8")
        if self.placement == "prepared":
            images = images / np.float32(64) - 2  # about the range of model space
        engine = backend.current()
        data = tree.map_structure(engine.to_device, self._data(images.astype(self._dtype)))
        state, times, spent = self._state(), [], 0.0
        with self.trainer.running():
            while len(times) < least or spent < budget:
                started = time.perf_counter()
                _, state = engine.wait(self._call(state, *data))
                elapsed = time.perf_counter() - started
                spent += elapsed
                times.append(elapsed / self._steps)
        return times

    def _no_images(self, count: int | None = None) -> np.ndarray:
        """Returns an array of the shape of images, by default a batch, that takes no memory."""
        shape = (count or self.batch_size, *self.trainer.distilled.image_shape)
        return np.broadcast_to(np.zeros((), self._dtype), shape)

    def _state(self) -> tuple[list, ...]:
        """Returns the values of the trainer's variables in Keras's four lists."""
        trainer = self.trainer
        groups = (
            trainer.trainable_variables,
            trainer.non_trainable_variables,
            trainer.optimizer.variables,
            trainer.metrics_variables,
        )
        return tuple([variable.value for variable in group] for group in groups)

    def _data(self, images: np.ndarray) -> tuple:
        class_ids = self._labels(self.batch_size)
        if self.placement == "host":
            return (images, class_ids), None
        arrays = {self.placement: images, "class_ids": class_ids}
        return arrays, np.array([self._steps], "int32") if self._steps > 1 else None

    def _labels(self, count: int) -> np.ndarray:
        """Returns classes `(count,)`, or targets `(count, K)` in regression."""
        distilled = self.trainer.distilled
        if distilled.is_regression:
            return np.zeros((count, distilled.num_classes), "float32")
        return np.arange(count, dtype="int32") % distilled.num_classes


def is_short(trial: Trial) -> bool:
    """Whether a step is timed directly, which is so if it is short or runs on an accelerator.

    Args:
        trial: The step.
    """
    rows = len(trial.trainer.distilled.class_ids)
    cost = trial.trainer.cost().step(trial.batch_size, rows)
    return backend.has_accelerator() or cost <= _MOST_FLOPS


def extrapolated_seconds(make: Callable[..., Trial], batch_size: int, rows: int) -> float:
    """Finds the seconds of a step from those of three shorter steps.

    The seconds are a fixed part, a part per target image and a part per image of the set, or parts
    per pair of them. The regression grows with the square and the cube of the set and is timed
    alone.

    Args:
        make: Makes a trial for a `batch_size` and a number of `rows`.
        batch_size: Number of target images of the step B.
        rows: Number of images of the set n.
    """
    cost = make(batch_size=1, rows=1).trainer.cost()
    scale = max(int(TRIAL_FLOPS / cost.step(_TRIAL_BATCH, _TRIAL_ROWS)), 1)
    low, high = (min(batch_size, scale * k * _TRIAL_BATCH) for k in (1, 2))
    few, many = (min(rows, scale * k * _TRIAL_ROWS) for k in (1, 3))
    sizes = [(low, few), (high, few), (low, many)]
    times = []
    for trial_batch, trial_rows in sizes:
        trial = make(batch_size=trial_batch, rows=trial_rows)
        trial.compile()
        times.append(min(trial.seconds(least=2, budget=_SECONDS)))
        del trial
        gc.collect()  # networks and their optimizers refer to each other
    parts = [(1.0, *cost.terms(*size)) for size in sizes]
    slopes = np.linalg.lstsq(np.array(parts), np.array(times), rcond=None)[0]
    if (slopes < 0).any():  # other work has disturbed the measurement
        work = sum(cost.step(*size) for size in sizes)
        return sum(times) * cost.step(batch_size, rows) / work
    seconds = float(slopes @ (1.0, *cost.terms(batch_size, rows)))
    return seconds + cost.regression_seconds(rows)


class _SetOfRows(DistilledData):
    """A set with any number of rows, which may be smaller than the number of classes."""

    def __init__(
        self, image_shape: Sequence[int], num_classes: int, rows: int, **kwargs: Any
    ) -> None:
        self._rows = rows
        super().__init__(image_shape, num_classes, 1, **kwargs)
        random = np.random.default_rng(0)
        images = random.standard_normal((rows, *image_shape), "float32")
        y = self.class_ids
        if self.is_regression:
            y = random.standard_normal((rows, num_classes), "float32")
        self.assign(images, self.encode(y, scaled=True))

    def _stored_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"images": (self._rows, *self.image_shape), "labels": (self._rows, self.num_classes)}

    @property
    def class_ids(self) -> np.ndarray:
        return np.arange(self._rows, dtype="int32") % len(self.class_counts)
