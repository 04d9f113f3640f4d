"""A running score of each training sample: how badly the set has explained it so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_isa.inputs.arrays import to_numpy
from keras_isa.ops.arguments import whole_number

# The name under which the loss of a method gives the losses of a batch.
SAMPLE_LOSSES = "sample_losses"


class RunningScores(keras.layers.Layer):
    """The mean loss of each training sample over the steps that have drawn it.

    `fit` makes it where `track_samples` of the trainer is true. Its variables belong to the state
    of a run, so that a resumed run goes on with them.

    Args:
        positions: Where each training sample stands in the data that `fit` was given.
        total: Samples that `fit` was given, held-out ones included.

    Example:

    >>> import keras_isa
    >>> train, test = keras_isa.datasets.load("digits")
    >>> trainer = keras_isa.FRePoTrainer.from_preset(
    ...     "digits", verbose=False, width=4, steps=4, epochs=1)
    >>> trainer.track_samples = True
    >>> history = trainer.fit(train, verbose=0)
    >>> len(trainer.running_scores.hardest(train.y, train.class_names, 2))
    20
    """

    def __init__(self, positions: np.ndarray, total: int, **kwargs: Any) -> None:
        super().__init__(trainable=False, dtype="float32", **kwargs)
        self._positions, self._total = np.asarray(positions), total
        shape = (len(self._positions),)
        self.sums, self.counts = (
            self.add_weight(shape=shape, initializer="zeros", trainable=False, name=name)
            for name in ("sums", "counts")
        )
        self.built = True

    def serves(self, positions: np.ndarray, total: int) -> bool:
        """Whether the scores are those of the same samples.

        Args:
            positions: As in the constructor.
            total: As in the constructor.
        """
        return self._total == total and np.array_equal(self._positions, positions)

    def hardest(
        self, y: np.ndarray, class_names: Sequence[str], per_class: int = 10
    ) -> list[dict[str, Any]]:
        """Returns the samples that the set has explained worst while it was trained.

        Args:
            y: Classes of all samples that `fit` was given `(total,)`.
            class_names: Names of the classes.
            per_class: How many of each class.

        Returns:
            Mappings with `row`, the place in the data that `fit` was given, `class`, `loss` and
            `looks`, the number of steps that have drawn it; class after class, the greatest loss
            first.

        Raises:
            ValueError: If there is not one class for each sample.
        """
        whole_number("per_class", per_class)
        if len(y) != self._total:
            raise ValueError(
                f"`y` must hold the classes of the {self._total} samples that `fit` was given. "
                f"Received: {len(y)}"
            )
        means, looks, found = self.means(), self.looks(), []
        order = np.argsort(np.where(looks > 0, -means, np.inf), kind="stable")
        order = order[: np.count_nonzero(looks)]
        for number, name in enumerate(class_names):
            for row in order[np.asarray(y)[order] == number][:per_class]:
                about = {"loss": float(means[row]), "looks": int(looks[row])}
                found.append({"row": int(row), "class": name, **about})
        return found

    def update(self, rows: Any, losses: Any) -> None:
        """Adds the losses of a batch; a part of a compiled step.

        Args:
            rows: Rows of the batch `(B,)`, each once.
            losses: Their losses `(B,)`.
        """
        places = ops.expand_dims(ops.cast(rows, "int32"), 1)
        for variable, added in ((self.sums, losses), (self.counts, ops.ones_like(losses))):
            old = ops.convert_to_tensor(variable)
            values = ops.take(old, rows, axis=0) + ops.cast(added, old.dtype)
            variable.assign(ops.scatter_update(old, places, values))

    def means(self) -> np.ndarray:
        """Returns the mean losses `(total,)` float64, NaN for samples that no step has drawn."""
        found = np.full(self._total, np.nan)
        sums, counts = (to_numpy(one).astype(np.float64) for one in (self.sums, self.counts))
        found[self._positions] = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
        return found

    def looks(self) -> np.ndarray:
        """Returns how many steps have drawn each sample, `(total,)` int64."""
        found = np.zeros(self._total, np.int64)
        found[self._positions] = to_numpy(self.counts).astype(np.int64)
        return found
