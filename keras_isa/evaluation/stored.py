"""What an asset says of its own evaluation."""

from __future__ import annotations

from typing import Any

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.inputs.checks import check_keys
from keras_isa.ops.arguments import true_or_false
from keras_isa.ops.kernel_regression import check_regularization
from keras_isa.presets.recipe import Recipe

_PREDICTOR = "predictor"


def stored_recipe(distilled: DistilledData) -> Recipe:
    """Returns the recipe of a set: how networks are trained on it.

    Args:
        distilled: The set.

    Raises:
        TypeError, ValueError: If what the set stores is no recipe.
    """
    values = {name: value for name, value in distilled.recipe.items() if name != _PREDICTOR}
    return Recipe.from_dict(values, distilled.image_shape)


def stored_predictor(distilled: DistilledData) -> dict[str, Any]:
    """Returns the kernel ridge regression that a set was distilled with.

    Sets of keras_isa 0.1.0 have it in their provenance.

    Args:
        distilled: The set.

    Returns:
        `regularization` and `flip`.

    Raises:
        TypeError, ValueError: If what the set stores is no regression.

    Example:

    >>> import keras_isa
    >>> from keras_isa.evaluation.stored import stored_predictor
    >>> stored_predictor(keras_isa.DistilledData((8, 8, 1), 10, 1))
    {'regularization': 1e-06, 'flip': False}
    """
    values = distilled.recipe.get(_PREDICTOR, distilled.provenance)
    if values is not distilled.provenance:
        check_keys(values, ("regularization", "flip"), _PREDICTOR)
    return {
        "regularization": check_regularization(values.get("regularization", 1e-6)),
        "flip": true_or_false("flip", values.get("flip", False)),
    }
