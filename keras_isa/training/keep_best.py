"""Keeps what was learned when the set scored best on held-out images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_isa.inputs.arrays import to_numpy

_WORST = np.finfo("float32").max


class KeepBest(keras.layers.Layer):
    """Copies of all that is learned, as it was when the set scored best, with the scores.

    Sets are compared by a score, accuracy or R^2, and by loss if scores are equal, which happens
    often to accuracies on a few hundred held-out images.

    Args:
        learned: The variables that are copied, by name.
        measure: Name of the score, `"accuracy"` or `"r2"`.
    """

    def __init__(
        self, learned: dict[str, keras.Variable], measure: str = "accuracy", **kwargs: Any
    ) -> None:
        super().__init__(trainable=False, dtype="float32", **kwargs)
        self.measure = f"val_{measure}"
        self.copies = {name: self._copy_of(one, name) for name, one in learned.items()}
        self._judge: str | None = None
        # Score, loss and epoch of the copy.
        self.scores = self.add_weight(
            shape=(3,),
            initializer=lambda shape, dtype: _no_scores(),
            trainable=False,
            name="scores",
        )
        self.built = True

    def callback(
        self, patience: int | None = None, say: Callable[[str], None] | None = None
    ) -> keras.callbacks.Callback:
        """The callback that compares after each epoch and restores the best when training ends.

        Args:
            patience: Epochs without a better score after which training stops; `None` for none.
            say: Called with a line if training has stopped so.
        """
        return _KeepBestCallback(self, patience, say)

    def waits(self, epoch: int, patience: int | None) -> bool:
        """Whether training goes on after an epoch, because a better score may still come.

        Args:
            epoch: Number of the epoch that has ended, from 0 on.
            patience: As in `callback`.
        """
        _, _, best = to_numpy(self.scores)
        return patience is None or best < 0 or epoch - best < patience

    def record(self, by: str, images: int, share: float) -> dict:
        """How the set was selected, JSON-compatible.

        Args:
            by: What judged the sets, such as "kernel ridge regression".
            images: Number of held-out images.
            share: Share of the training data that `fit` held out; 0 for images given to it.
        """
        score, loss, epoch = to_numpy(self.scores).tolist()
        return {
            "by": f"{self.measure} of {by} on held-out training images",
            "images": images,
            "epoch": int(epoch) + 1,
            self.measure: score,
            "val_loss": loss,
            **({"validation_split": share} if share else {}),
        }

    def offer(
        self, learned: dict[str, keras.Variable], score: float, loss: float, epoch: int
    ) -> bool:
        """Copies the variables if the set scores better with them than with the kept copies."""
        best_score, best_loss, _ = to_numpy(self.scores)
        if not np.isfinite(loss):
            return False
        if not (score > best_score or (score == best_score and loss < best_loss)):
            return False
        for name, copy in self.copies.items():
            copy.assign(to_numpy(learned[name]))
        self.scores.assign(np.array([score, loss, epoch], "float32"))
        return True

    def judge_by(self, images: str) -> None:
        """Takes note of the held-out images, and forgets scores on other images.

        Args:
            images: Fingerprint of the held-out images and their classes.
        """
        if self._judge not in (None, images):
            self.scores.assign(_no_scores())
        self._judge = images

    def restore(self, learned: dict[str, keras.Variable]) -> None:
        """Puts the kept copies back into the variables."""
        if to_numpy(self.scores)[2] < 0:
            return
        for name, copy in self.copies.items():
            learned[name].assign(to_numpy(copy))

    def _copy_of(self, variable: keras.Variable, name: str) -> keras.Variable:
        return self.add_weight(
            shape=variable.shape, initializer="zeros", trainable=False, autocast=False, name=name
        )


def _no_scores() -> np.ndarray:
    """Scores that any set beats. The array is new each time, as JAX may reuse its memory."""
    return np.array([-_WORST, _WORST, -1.0], "float32")


class _KeepBestCallback(keras.callbacks.Callback):
    def __init__(
        self, best: KeepBest, patience: int | None, say: Callable[[str], None] | None
    ) -> None:
        super().__init__()
        self._best, self._patience, self._say = best, patience, say or (lambda line: None)
        self._line: str | None = None

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if logs and self._best.measure in logs:
            learned = self.model.kept_variables()
            self._best.offer(learned, logs[self._best.measure], logs["val_loss"], epoch)
        if not self._best.waits(epoch, self._patience) and epoch + 1 < self.params["epochs"]:
            self.model.stop_training = True
            self._line = (
                f"training stopped after epoch {epoch + 1} of {self.params['epochs']}: no set had "
                f"scored better on the held-out images for {self._patience} epochs"
            )

    def on_train_end(self, logs: dict | None = None) -> None:
        self._best.restore(self.model.kept_variables())
        if self._line is not None:
            self._say(self._line)
