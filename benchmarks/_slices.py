"""Runs that end at a deadline and go on in the next process, as if nothing had been between."""

from __future__ import annotations

import time
from typing import Any

import keras

from keras_isa.training.run_state import Position, RunFolder


class SliceEnded(Exception):
    """The deadline has come and the state is in the folder.

    Args:
        steps: Steps that the whole run has taken.
    """

    def __init__(self, steps: int) -> None:
        super().__init__(f"{steps} steps")
        self.steps = steps


class SlicedRun(RunFolder):
    """The folder of a run, which also remembers where the run stood when the process found it."""

    start = Position()

    def restore(self, trainer: keras.Model, identity: Any) -> Position:
        self.start = super().restore(trainer, identity)
        return self.start


class Deadline(keras.callbacks.Callback):
    """Ends `fit` by `SliceEnded` after the first compiled call that begins when time is up.

    The state is saved by the folder's own callback, which looks at `stop_training` at the end of a
    call and runs after this one; the exception comes when Keras then turns to the validation, which
    `fit` must have been given, and spares it. Every process takes one call at least, so that the
    run gets on however short the slices are.

    Args:
        run: The folder that `fit(resume=...)` gets.
        deadline: By `time.monotonic`, or `None` for no end.
    """

    def __init__(self, run: SlicedRun, deadline: float | None) -> None:
        super().__init__()
        self._run, self._deadline = run, deadline
        self._up = False
        self._epoch = self._taken = 0

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        # Keras counts through the steps that were taken before; nothing is computed or saved there.
        start = self._run.start
        skipped = self._epoch == start.epoch and batch < start.step
        if self._deadline is not None and not skipped and time.monotonic() >= self._deadline:
            self._up = self.model.stop_training = True

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        steps = self.params["steps"]
        self._taken = self._epoch * steps + min(batch + 1, steps)

    def on_test_begin(self, logs: dict | None = None) -> None:
        if self._up:
            raise SliceEnded(self._taken)
