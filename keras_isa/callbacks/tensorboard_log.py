"""TensorBoard, for runs that may be resumed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import keras

from keras_isa.backend.tf_data import leave_accelerators_alone
from keras_isa.callbacks.event_files import event_files, keep_events
from keras_isa.files import make_folder
from keras_isa.inputs.arrays import to_numpy


class TensorBoardLog(keras.callbacks.TensorBoard):
    """Keras's TensorBoard callback, with every epoch once however often the run was resumed.

    Metrics, learning rate and validation go to the runs `train` and `validation` after each epoch.
    Nothing is traced, and nothing is written within an epoch: a call may take many steps. What
    earlier runs left in the folder about epochs that run now is dropped.

    Args:
        log_dir: The folder, made where there is none.

    Raises:
        TypeError: If `log_dir` is no path.
        ValueError: If it cannot be made or written to.

    Example:

    >>> from keras_isa.callbacks import DistilledImages, TensorBoardLog
    >>> logs = [TensorBoardLog("log"), DistilledImages("log")]  # doctest: +SKIP
    >>> trainer.fit(train, callbacks=logs)  # doctest: +SKIP
    """

    async_safe = True  # it does nothing per call

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
            steps = int(to_numpy(self.model.optimizer.iterations)) - self.model.steps_to_skip
            keep_events(self._earlier, lambda event: _is_before(event, epoch, steps))
        self._earlier = None

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Nothing: Keras would ask TensorFlow about each metric of each call."""

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        super().on_epoch_end(epoch, logs)
        for writer in self._writers.values():
            writer.flush()  # what a killed process held back would be lost


def _is_before(event: Any, epoch: int, steps: int) -> bool:
    """Whether an event is of an epoch before this one, which began after so many steps."""
    by_epoch = event.summary.value[0].tag.startswith("epoch_")  # one value per event
    return event.step < epoch if by_epoch else event.step <= steps
