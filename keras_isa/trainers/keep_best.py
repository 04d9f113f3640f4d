"""Keeps the set that scored best on held-out images."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from keras_isa.layers.distilled_data import DistilledData


class KeepBest(keras.layers.Layer):
    """Copies of the best images and labels so far, as variables, with their scores.

    The order is by accuracy, and by loss where accuracies are equal: a few hundred held-out images
    give accuracies that tie often.

    Args:
        distilled: The set that is being trained.
    """

    def __init__(self, distilled: DistilledData, **kwargs: Any) -> None:
        super().__init__(trainable=False, dtype="float32", **kwargs)
        self.images = self._copy_of(distilled.images, "images")
        self.labels = self._copy_of(distilled.labels, "labels")
        # Accuracy, loss and epoch of the copy.
        self.scores = self.add_weight(
            shape=(3,),
            initializer=lambda shape, dtype: np.array([-1.0, np.inf, -1.0], "float32"),
            trainable=False,
            name="scores",
        )
        self.built = True

    def callback(self) -> keras.callbacks.Callback:
        """The callback that compares after each epoch and restores the best when training ends."""
        return _KeepBestCallback(self)

    def record(self) -> dict:
        """Scores of the kept set, JSON-compatible."""
        accuracy, loss, epoch = np.array(self.scores.value).tolist()
        return {"epoch": int(epoch) + 1, "val_accuracy": accuracy, "val_loss": loss}

    def offer(self, distilled: DistilledData, accuracy: float, loss: float, epoch: int) -> bool:
        """Keeps a copy of `distilled` if it scores better than the kept one."""
        best_accuracy, best_loss, _ = np.array(self.scores.value)
        if not (accuracy > best_accuracy or (accuracy == best_accuracy and loss < best_loss)):
            return False
        self.images.assign(np.array(distilled.images.value))
        self.labels.assign(np.array(distilled.labels.value))
        self.scores.assign(np.array([accuracy, loss, epoch], "float32"))
        return True

    def restore(self, distilled: DistilledData) -> None:
        """Puts the kept copy back into `distilled`."""
        if np.array(self.scores.value)[2] < 0:
            return
        distilled.images.assign(np.array(self.images.value))
        distilled.labels.assign(np.array(self.labels.value))

    def _copy_of(self, variable: keras.Variable, name: str) -> keras.Variable:
        return self.add_weight(
            shape=variable.shape, initializer="zeros", trainable=False, autocast=False, name=name
        )


class _KeepBestCallback(keras.callbacks.Callback):
    def __init__(self, best: KeepBest) -> None:
        super().__init__()
        self._best = best

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if logs and "val_accuracy" in logs:
            self._best.offer(self.model.distilled, logs["val_accuracy"], logs["val_loss"], epoch)

    def on_train_end(self, logs: dict | None = None) -> None:
        self._best.restore(self.model.distilled)
