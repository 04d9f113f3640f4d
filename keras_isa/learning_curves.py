"""The metrics of a run after each epoch, for its record."""

from __future__ import annotations

import math
from typing import Any

import keras


class LearningCurves(keras.callbacks.Callback):
    """Notes all finite metrics after each epoch.

    Args:
        rows: Where the rows are added: dictionaries with `epoch`, from 1 on, and the metrics by
            name. It holds those of the epochs that an earlier process has run.

    Example:

    >>> from keras_isa.learning_curves import LearningCurves
    >>> rows = []
    >>> LearningCurves(rows).on_epoch_end(0, {"loss": 0.5, "accuracy": float("nan")})
    >>> rows
    [{'epoch': 1, 'loss': 0.5}]
    """

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        super().__init__()
        self._rows = rows

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        values = {name: float(value) for name, value in (logs or {}).items()}
        finite = {name: value for name, value in values.items() if math.isfinite(value)}
        self._rows.append({"epoch": epoch + 1, **finite})
