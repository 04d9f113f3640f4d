"""A TensorBoard log for runs that may be resumed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import keras

from keras_isa.backend.tf_data import leave_accelerators_alone
from keras_isa.callbacks.event_files import event_files, keep_events
from keras_isa.files import make_folder


class TensorBoardLog(keras.callbacks.TensorBoard):
    """Keras's TensorBoard callback, with every epoch once even if the run is resumed.

    Metrics, learning rate and validation are written to the runs `train` and `validation` after
    each epoch. Graphs are not traced, and nothing is written within an epoch, because one call may
    take many steps. Events of earlier runs in the folder are dropped if their epochs run now.

    Args:
        log_dir: The folder, which is made if it does not exist.

    Raises:
        TypeError: If `log_dir` is not a path.
        ValueError: If the folder cannot be made or written to.

    Example:

    >>> from keras_isa.callbacks import DistilledImages, TensorBoardLog
    >>> logs = [TensorBoardLog("log"), DistilledImages("log")]  # doctest: +SKIP
    >>> trainer.fit(train, callbacks=logs)  # doctest: +SKIP
    """

    async_safe = True  # it does nothing after a batch

    def __init__(self, log_dir: str | os.PathLike) -> None:
        super().__init__(str(make_folder(log_dir, "log_dir")), write_graph=False)
        self._earlier: list[Path] | None = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        leave_accelerators_alone()
        runs = (Path(self.log_dir) / name for name in ("train", "validation"))
        self._earlier = [path for run in runs for path in event_files(run)]
        super().on_train_begin(logs)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        super().on_epoch_begin(epoch, logs)
        if self._earlier:
            steps = self.model.steps_taken - self.model.steps_to_skip
            keep_events(self._earlier, lambda event: _is_before(event, epoch, steps))
        self._earlier = None

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Does nothing; Keras's own method would call TensorFlow for each metric of each call."""

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        super().on_epoch_end(epoch, logs)
        for writer in self._writers.values():
            writer.flush()  # a process that is killed later would lose these events


def _is_before(event: Any, epoch: int, steps: int) -> bool:
    """Whether an event belongs to an epoch before this one, which begins after `steps` steps."""
    by_epoch = event.summary.value[0].tag.startswith("epoch_")  # Keras writes one value per event
    return event.step < epoch if by_epoch else event.step <= steps
