"""Trials that diverge."""

from __future__ import annotations

import keras
import numpy as np

from keras_isa.arrays import to_numpy


class Diverged(RuntimeError):
    """A trial whose loss or set is not finite."""


class StopWhenDiverged(keras.callbacks.Callback):
    """Ends a run whose loss or set is not finite: what follows would be another setting's."""

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        for name, value in (logs or {}).items():
            if not np.isfinite(float(value)):
                raise Diverged(f"diverged: {name} is {float(value)} after {self._steps()} steps")

    def _steps(self) -> int:
        return int(to_numpy(self.model.optimizer.iterations))
