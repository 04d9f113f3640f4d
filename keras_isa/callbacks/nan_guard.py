"""A callback that returns to an earlier state when training diverges."""

from __future__ import annotations

import math
import warnings

import keras
import numpy as np

from keras_isa.inputs.arrays import to_numpy
from keras_isa.ops.arguments import whole_number
from keras_isa.training.run_state import state_variables

# Numbers of steps between two checks of the loss, which wait for the device, and between two copies
# of the state, which take longer, because the whole state leaves the device.
_CHECKED_EVERY = 100
_KEPT_EVERY = 5000


class NaNGuard(keras.callbacks.Callback):
    """Returns to the last finite state and halves the learning rates when training diverges.

    Training has diverged when the loss or the set is not finite. This is checked every 100 steps
    and at the end of an epoch, before its validation. The whole state is copied every 5,000 steps
    and at the end of an epoch. Each return gives a warning.

    Args:
        tries: Number of returns after which it gives up.

    Raises:
        ValueError: If `tries` is not a positive integer.
        RuntimeError: From `fit`, when it gives up; the set is then the last finite one.

    Example:

    >>> import keras_isa
    >>> from keras_isa.callbacks import NaNGuard
    >>> train, test = keras_isa.datasets.load("digits")
    >>> trainer = keras_isa.FRePoTrainer.from_preset("digits", verbose=False, width=4, steps=4)
    >>> guard = NaNGuard()
    >>> history = trainer.fit(train, epochs=1, callbacks=[guard], verbose=0)
    >>> guard.returns
    0
    """

    def __init__(self, tries: int = 5) -> None:
        super().__init__()
        self.tries = whole_number("tries", tries)
        self.returns = 0
        self._good: list[np.ndarray] | None = None
        self._checked = self._kept = 0

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.returns = 0
        self._good = self._finite_state()
        if self._good is None:
            raise ValueError(
                "`fit` must start from a finite state, but images, labels or weights of the "
                "trainer hold NaN or infinity already."
            )

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._checked = self._kept = 0

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        last = batch + 1 >= (self.params.get("steps") or math.inf)
        if batch + 1 - self._checked < _CHECKED_EVERY and not last:
            return
        self._checked = batch + 1
        # The logs are means over the epoch, which stay not finite once they are so.
        if all(np.isfinite(float(value)) for value in (logs or {}).values()):
            if not last and batch + 1 - self._kept < _KEPT_EVERY:
                return
            self._kept = batch + 1
            state = self._finite_state()
            if state is not None:
                self._good = state
                return
        self._return()

    def _return(self) -> None:
        self.returns += 1
        trainer = self.model
        rates = [to_numpy(variable) / 2 for variable in trainer.rate_variables]
        for variable, value in zip(state_variables(trainer), self._good, strict=True):
            variable.assign(value)
        for variable, rate in zip(trainer.rate_variables, rates, strict=True):
            variable.assign(rate)
        if self.returns > self.tries:
            raise RuntimeError(
                f"training diverged {self.returns} times, although the learning rate was halved "
                "each time; take a lower learning_rate or a greater regularization, and look for "
                "images that are not finite. The set is the last one that was finite."
            )
        warnings.warn(
            f"training diverged: it goes back to the last finite state with half the learning rate "
            f"(time {self.returns} of {self.tries})",
            stacklevel=2,
        )

    def _finite_state(self) -> list[np.ndarray] | None:
        state = [to_numpy(variable) for variable in state_variables(self.model)]
        floats = (array for array in state if np.issubdtype(array.dtype, np.floating))
        return state if all(np.isfinite(array).all() for array in floats) else None
