"""Whether the labels of a set say more than its classes."""

from __future__ import annotations

import numpy as np

from keras_isa.asset.distilled_data import DistilledData


def labels_are_learned(distilled: DistilledData) -> bool:
    """Whether the labels of a set are learned in its run, or were so in an earlier one.

    A method that does not learn labels keeps those of the set that its run starts from. For rows
    with targets only the run of the set itself is known.

    Args:
        distilled: The set, with labels `(n, C)`.

    Example:

    >>> import keras_isa
    >>> from keras_isa.asset.label_kind import labels_are_learned
    >>> distilled = keras_isa.DistilledData((8, 8, 1), 2, 1, learn_labels=False)
    >>> labels_are_learned(distilled)
    False
    """
    unclear = distilled.is_regression or distilled.num_classes == 1
    if distilled.learn_labels or unclear or distilled.empty:
        return distilled.learn_labels
    labels = distilled.to_numpy()[1]
    is_own = np.eye(distilled.num_classes, dtype=bool)[distilled.class_ids]
    own, others = labels[is_own], labels[~is_own]
    # Labels of classes have one value for the class and a smaller one for the others.
    rounding = 1e-3 * np.abs(labels).max()
    equal = max(np.ptp(own), np.ptp(others)) <= rounding
    return not (equal and own.min() > others.max())
