"""Whether the labels of a set say more than its classes."""

from __future__ import annotations

import numpy as np

from keras_isa.asset.distilled_data import DistilledData


def labels_are_learned(distilled: DistilledData) -> bool:
    """Whether the labels of a set are learned in its run, or came soft from an earlier one.

    Args:
        distilled: The set.

    Example:

    >>> import keras_isa
    >>> from keras_isa.asset.label_kind import labels_are_learned
    >>> distilled = keras_isa.DistilledData((8, 8, 1), 2, 1, learn_labels=False)
    >>> labels_are_learned(distilled)
    False
    """
    if distilled.learn_labels or distilled.is_regression or distilled.empty:
        return distilled.learn_labels
    labels = distilled.to_numpy()[1]
    own = labels[np.arange(len(labels)), np.asarray(distilled.class_ids)]
    others = np.where(np.eye(distilled.num_classes)[distilled.class_ids] == 1, np.nan, labels)
    low, high = np.nanmin(others), np.nanmax(others)
    rounding = 1e-3 * (np.abs(labels).max() + 1e-12)
    return bool(high - low > rounding or own.max() - own.min() > rounding or own.min() <= high)
