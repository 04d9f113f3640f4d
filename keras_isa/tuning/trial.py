"""The parts of a trial: its length, its trainer, its first images, and its end by divergence."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.evaluation.baselines import kmeans_indices
from keras_isa.inputs.arrays import to_numpy
from keras_isa.methods.base import DistillationTrainer
from keras_isa.methods.registry import method
from keras_isa.ops.labels import encode_labels
from keras_isa.presets.config import Config
from keras_isa.tuning.tunable_trainer import TunableTrainer


class Length(NamedTuple):
    """The length of a run."""

    epochs: int
    steps_per_epoch: int
    total: int
    """Steps over which the learning rate decays; a run may end before."""


class Diverged(RuntimeError):
    """A trial whose loss or set is not finite."""


class StopWhenDiverged(keras.callbacks.Callback):
    """Ends a run whose loss is not finite, because a run with other settings would follow."""

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        for name, value in (logs or {}).items():
            if not np.isfinite(float(value)):
                raise Diverged(f"diverged: {name} is {float(value)} after {self._steps()} steps")

    def _steps(self) -> int:
        return int(to_numpy(self.model.optimizer.iterations))


def trainer_of(config: type[Config]) -> type[DistillationTrainer]:
    """Returns the class that trains trials; only FRePo's can run several trials.

    Args:
        config: The class of the settings.

    Raises:
        ValueError: If no registered method has such settings.
    """
    trainer = method(config.method)
    if trainer.Config is not config:
        raise ValueError(
            "`settings` must be those of a registered method, see `keras_isa.methods.register`. "
            f"Received: {config.__name__}"
        )
    return TunableTrainer if issubclass(TunableTrainer, trainer) else trainer


def set_first_images(distilled: DistilledData, kind: str, x: Any, y: np.ndarray, seed: int) -> None:
    """Assigns the first images and labels of a set.

    Args:
        distilled: The set; its preprocessing has been adapted.
        kind: `"random"` real images, the real images nearest to the centroids of `"kmeans"`, or
            `"noise"`, normal in model space.
        x: Training images `(N, ...)` in pixel units.
        y: Their classes `(N,)`.
        seed: Seed of the draw.
    """
    if kind == "random":
        distilled.draw_real_images(x, y, seed)
        return
    class_ids = distilled.class_ids
    if kind == "kmeans":
        rows = kmeans_indices(x, y, distilled.class_counts, distilled.num_classes, seed)
        distilled.images.assign(distilled(x[rows]))
    else:
        noise = np.random.default_rng(seed).normal(size=distilled.images.shape)
        distilled.images.assign(noise.astype("float32"))
    distilled.labels.assign(encode_labels(class_ids, distilled.num_classes, scaled=True))
