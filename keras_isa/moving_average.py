"""Judges, and keeps, the moving average of a set in place of the set that is trained."""

from __future__ import annotations

import contextlib
from typing import Any

import keras

from keras_isa.inputs.arrays import to_numpy
from keras_isa.optimizers import averages_of, optimizer_groups


class AverageInPlace(keras.callbacks.Callback, contextlib.AbstractContextManager):
    """Puts the optimizer's averages into what is learned while an epoch ends.

    Validation, and what keeps the best set or draws a picture after it, then see the averages; the
    next step goes on from what was trained. Without `use_ema` in the optimizer nothing changes.
    The callback comes after those that are to see the averages. As a context, it leaves the trained
    set in place after an error.
    """

    def __init__(self) -> None:
        super().__init__()
        self._inside = False

    def on_test_begin(self, logs: dict | None = None) -> None:
        # Reading `self.model` copies the state out of Keras's loop, which reads it again.
        self._swap(self.model, inside=True)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._swap(self.model, inside=False)

    def __exit__(self, *error: Any) -> None:
        self._swap(self._model, inside=False)

    def _swap(self, model: Any, inside: bool) -> None:
        if inside == self._inside:
            return
        for optimizer in optimizer_groups(model.optimizer):
            if optimizer.use_ema:
                pairs = zip(optimizer._trainable_variables, averages_of(optimizer), strict=True)
                for variable, average in pairs:
                    trained = to_numpy(variable).copy()  # JAX may reuse the variable's memory
                    variable.assign(to_numpy(average).copy())
                    average.assign(trained)
        self._inside = inside
