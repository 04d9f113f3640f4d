"""Keras's progress bar, with right times where one call takes many steps, and a forecast."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import keras

# Seconds; shorter work is not announced.
_LONG = 10.0


def forecast(work: str, seconds: float, details: str) -> str | None:
    """One line that says how long work will take, or `None` if it takes less than ten seconds.

    Args:
        work: What is done.
        seconds: How long that takes.
        details: What it consists of.

    Returns:
        The line; the number has two digits.

    Example:

    >>> from keras_isa.training.progress import forecast
    >>> forecast("evaluation", 93.7, "15 networks, 1,000 steps each")
    'evaluation: about 94 s (15 networks, 1,000 steps each)'
    """
    if seconds < _LONG:
        return None
    return f"{work}: about {float(f'{seconds:.2g}'):,.0f} s ({details})"


class Forecast(keras.callbacks.Callback):
    """Says once how long the rest of a training will take, when steps have been measured.

    Args:
        steps: Steps in all.
        report: Called with the line.
        may_stop: Whether training may stop before its last step.

    Example:

    >>> from keras_isa.training.progress import Forecast
    >>> callback = Forecast(600, print)
    """

    def __init__(self, steps: int, report: Callable[[str], None], may_stop: bool = False) -> None:
        super().__init__()
        self._steps, self._report = steps, report
        self._most = "at most " if may_stop else ""
        self._done = 0
        self._began: tuple[int, float] | None = None
        self._calls = 0

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._done = epoch * ((self.params or {}).get("steps") or 0)

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        # A resumed run counts the steps of the earlier process, which take no time here.
        counts = getattr(self.model, "steps_to_skip", 0)
        self._began = None if counts else (batch, time.perf_counter())

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if self._began is None:
            return
        first, began = self._began
        self._calls += 1
        if self._calls != 2:  # the first one compiles
            return
        for value in (logs or {}).values():
            float(value)  # waits until the steps have been computed
        each = (time.perf_counter() - began) / (batch - first + 1)
        left = self._steps - self._done - batch - 1
        details = f"{self._most}{left:,} steps of {each:.2g} s"
        line = forecast("training", left * each, details)
        if line is not None:
            self._report(line)


class StepBar(keras.utils.Progbar):
    """A bar whose seconds per step are those of steps alone.

    Keras's own bar divides all seconds by all steps. It counts compilation in the first call and a
    validation after the last step as if steps were slow, and steps of an earlier process as if
    they had taken no time.

    Args:
        target: Steps in all, `None` where nobody knows.
        verbose: 1 for a live bar, 2 for one line at the end.
        done: Steps that were taken in an earlier process.
        compiled: Whether the first call has nothing left to compile.

    Example:

    >>> from keras_isa.training.progress import StepBar
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
            if current <= self._done:  # an earlier process took these steps
                self._begin = self._done, now
            return
        steps, began = self._begin
        self._measured = current
        self._seconds = (now - began) / (current - steps)
        if not self._compiled:  # this call compiled, and later estimates leave it out
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

    async_safe = True  # Keras calls its own bar from another thread too

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
        # The target would be wrong after Ctrl-C, and `seen` too, as Keras may report two calls in
        # any order.
        steps = self.progbar.steps
        if self.target is None:
            self.target = self.progbar.target = steps
        self.progbar.update(steps, list((logs or {}).items()), finalize=True)
        self._done, self._compiled = 0, True
