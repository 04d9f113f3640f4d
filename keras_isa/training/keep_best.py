"""Keeps the set that scored best on held-out images."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.inputs.arrays import to_numpy

_WORST = np.finfo("float32").max


class KeepBest(keras.layers.Layer):
    """Copies of the best images and labels so far, as variables, with their scores.

    Sets are compared by accuracy, and by loss if accuracies are equal, which happens often on a few
    hundred held-out images.

    Args:
        distilled: The set that is being trained.
    """

    def __init__(self, distilled: DistilledData, **kwargs: Any) -> None:
        super().__init__(trainable=False, dtype="float32", **kwargs)
        self.images = self._copy_of(distilled.images, "images")
        self.labels = self._copy_of(distilled.labels, "labels")
        self._judge: str | None = None
        # Accuracy, loss and epoch of the copy.
        self.scores = self.add_weight(
            shape=(3,),
            initializer=lambda shape, dtype: _no_scores(),
            trainable=False,
            name="scores",
        )
        self.built = True

    def callback(self) -> keras.callbacks.Callback:
        """The callback that compares after each epoch and restores the best when training ends."""
        return _KeepBestCallback(self)

    def record(self, by: str, images: int, share: float) -> dict:
        """How the set was selected, JSON-compatible.

        Args:
            by: What judged the sets, such as "kernel ridge regression".
            images: Number of held-out images.
            share: Share of the training data that `fit` held out; 0 for images given to it.
        """
        accuracy, loss, epoch = to_numpy(self.scores).tolist()
        return {
            "by": f"val_accuracy of {by} on held-out training images",
            "images": images,
            "epoch": int(epoch) + 1,
            "val_accuracy": accuracy,
            "val_loss": loss,
            **({"validation_split": share} if share else {}),
        }

    def offer(self, distilled: DistilledData, accuracy: float, loss: float, epoch: int) -> bool:
        """Keeps a copy of `distilled` if it scores better than the kept one."""
        best_accuracy, best_loss, _ = to_numpy(self.scores)
        if not np.isfinite(loss):
            return False
        if not (accuracy > best_accuracy or (accuracy == best_accuracy and loss < best_loss)):
            return False
        self.images.assign(to_numpy(distilled.images))
        self.labels.assign(to_numpy(distilled.labels))
        self.scores.assign(np.array([accuracy, loss, epoch], "float32"))
        return True

    def judge_by(self, images: str) -> None:
        """Takes note of the held-out images, and forgets scores on other images.

        Args:
            images: Fingerprint of the held-out images and their classes.
        """
        if self._judge not in (None, images):
            self.scores.assign(_no_scores())
        self._judge = images

    def restore(self, distilled: DistilledData) -> None:
        """Puts the kept copy back into `distilled`."""
        if to_numpy(self.scores)[2] < 0:
            return
        distilled.images.assign(to_numpy(self.images))
        distilled.labels.assign(to_numpy(self.labels))

    def _copy_of(self, variable: keras.Variable, name: str) -> keras.Variable:
        return self.add_weight(
            shape=variable.shape, initializer="zeros", trainable=False, autocast=False, name=name
        )


def _no_scores() -> np.ndarray:
    """Scores that any set beats. The array is new each time, as JAX may reuse its memory."""
    return np.array([-1.0, _WORST, -1.0], "float32")


class _KeepBestCallback(keras.callbacks.Callback):
    def __init__(self, best: KeepBest) -> None:
        super().__init__()
        self._best = best

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if logs and "val_accuracy" in logs:
            self._best.offer(self.model.distilled, logs["val_accuracy"], logs["val_loss"], epoch)

    def on_train_end(self, logs: dict | None = None) -> None:
        self._best.restore(self.model.distilled)
