"""The score of predictions that sets are compared by: accuracy, or R^2 in regression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.ops.labels import hits

# Metrics that exist for classes only.
_OF_CLASSES = ("accuracy", "label_margin")


def names_for(names: Sequence[str], distilled: DistilledData) -> tuple[str, ...]:
    """Returns the metrics of a method for the task of a set.

    Args:
        names: Those for classes.
        distilled: The set.

    Example:

    >>> import keras_isa
    >>> from keras_isa.asset.scores import names_for
    >>> distilled = keras_isa.DistilledData((4,), 1, 5, task="regression")
    >>> names_for(("loss", "accuracy", "label_margin"), distilled)
    ('loss', 'r2')
    """
    if not distilled.is_regression:
        return tuple(names)
    found = ["r2" if name == "accuracy" else name for name in names]
    return tuple(name for name in found if name not in _OF_CLASSES)


def metrics_of(names: Sequence[str], distilled: DistilledData) -> dict[str, keras.metrics.Metric]:
    """Returns a metric for each name, and for the score of a set on held-out rows.

    R^2 is the mean over the targets of `1 - sum (y - p)^2 / sum (y - mean y)^2`.

    Args:
        names: Names of means, of which that of the score is one or not.
        distilled: The set.
    """
    metrics = {name: keras.metrics.Mean(name=name) for name in (*names, distilled.measure)}
    if distilled.is_regression:
        metrics["r2"] = keras.metrics.R2Score(name="r2")
        # It makes its variables here, as a compiled step cannot.
        nothing = np.zeros((1, distilled.num_classes), "float32")
        metrics["r2"].update_state(nothing, nothing)
        metrics["r2"].reset_state()
    return metrics


def judged(distilled: DistilledData, predictions: Any, y: Any) -> dict[str, tuple]:
    """Returns what the metric of the score is updated by, by its name.

    Args:
        distilled: The set.
        predictions: `(B, C)`.
        y: Classes `(B,)`, or standardised targets `(B, K)`.
    """
    if distilled.is_regression:
        return {"r2": (y, ops.stop_gradient(predictions))}
    return {"accuracy": (hits(predictions, y),)}
