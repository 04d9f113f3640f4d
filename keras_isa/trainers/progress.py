"""Keras's progress bar with numbers that hold where one call takes many steps."""

from __future__ import annotations

import sys
import time
from typing import Any

import keras


def resolved_verbosity(verbose: Any) -> Any:
    """`"auto"` becomes 1, a live bar, on a terminal or in a notebook, and 2, a line, elsewhere."""
    if verbose != "auto":
        return verbose
    return 1 if sys.stdout.isatty() or "ipykernel" in sys.modules else 2


class StepBar(keras.utils.Progbar):
    """A bar whose seconds per step are those of steps alone.

    Keras's own divides all seconds by all steps: a first call that compiles counts as if its steps
    were slow, a validation after the last step too, and steps that a resumed run had taken before
    as if they had taken no time.

    Args:
        target: Steps in all, `None` where nobody knows.
        verbose: 1 for a live bar, 2 for one line at the end.
        done: Steps that were taken in an earlier process.
        compiled: Whether the first call has nothing left to compile.

    Example:

    >>> from keras_isa.trainers.progress import StepBar
    >>> bar = StepBar(2, verbose=2)
    >>> bar.measure(1)
    >>> bar.update(2)  # doctest: +SKIP
    2/2 - 0s - 12us/step
    """

    def __init__(
        self, target: int | None, verbose: int = 1, done: int = 0, compiled: bool = False
    ) -> None:
        super().__init__(target, verbose=verbose, unit_name="step", stateless_metrics=set())
        self._done = self._measured = done
        self._begin = done, time.perf_counter()
        self._compiled = compiled
        self._seconds = 0.0

    @property
    def steps(self) -> int:
        """Steps taken so far, the most that `measure` was told."""
        return self._measured

    def measure(self, current: int) -> None:
        """Takes the time.

        Args:
            current: Steps taken so far.
        """
        now = time.perf_counter()
        if current <= self._measured:
            if current <= self._done:  # counted through: the steps begin after them
                self._begin = self._done, now
            return
        steps, began = self._begin
        self._measured = current
        self._seconds = (now - began) / (current - steps)
        if not self._compiled:  # the next estimate leaves this call out
            self._compiled, self._begin = True, (current, now)

    def update(self, current: int, values: Any = None, finalize: bool | None = None) -> None:
        """As Keras's, after `measure`."""
        self.measure(current)
        super().update(current, values, finalize)

    def _estimate_step_duration(self, current: int, now: float) -> float:
        return self._seconds


class StepBarLogger(keras.callbacks.ProgbarLogger):
    """Shows `StepBar` during `fit`, in the place of Keras's own callback.

    Args:
        done: Steps of the first epoch that were taken in an earlier process.
    """

    async_safe = True  # as Keras treats its own

    def __init__(self, done: int = 0) -> None:
        super().__init__()
        self._done, self._compiled = done, False

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        super().on_epoch_begin(epoch, logs)
        self.progbar = StepBar(self.target, self.verbose, self._done, self._compiled)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.progbar.measure(batch + 1)
        super().on_train_batch_end(batch, logs)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        # Not the target: Ctrl-C ends an epoch before. Nor `seen`: Keras may report two calls in any
        # order.
        steps = self.progbar.steps
        if self.target is None:
            self.target = self.progbar.target = steps
        self.progbar.update(steps, list((logs or {}).items()), finalize=True)
        self._done, self._compiled = 0, True
