"""The settings that a set says by itself."""

from __future__ import annotations

from typing import Any

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.layers.preprocessing import kind_of_layer
from keras_isa.ops.counts import simplest


def settings_of(distilled: DistilledData) -> dict[str, Any]:
    """Returns the settings whose values are those of a set, whatever a run asked for.

    A preprocessing layer that no setting stands for is left out.

    Args:
        distilled: The set.

    Example:

    >>> import keras_isa
    >>> from keras_isa.methods.given_sets import settings_of
    >>> settings_of(keras_isa.DistilledData((8, 8, 1), 2, 3))
    {'images_per_class': 3, 'parametrization': 'identity', 'preprocessing': 'none'}
    """
    kind = kind_of_layer(distilled.preprocessing)
    return {
        "images_per_class": simplest(distilled.class_counts),
        "parametrization": str(distilled.parametrization),
        **({} if kind is None else {"preprocessing": kind}),
    }
