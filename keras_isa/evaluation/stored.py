"""The recipe and the predictor that an asset stores for its evaluation."""

from __future__ import annotations

from typing import Any

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.recipe import Recipe
from keras_isa.inputs.checks import check_dictionary, check_keys
from keras_isa.ops.arguments import true_or_false
from keras_isa.ops.kernel_regression import check_regularization

_PREDICTOR = "predictor"
_RIDGE = "kernel ridge regression"


def stored_recipe(distilled: DistilledData) -> Recipe:
    """Returns the stored recipe of a set, by which networks are trained on it.

    Args:
        distilled: The set.

    Raises:
        TypeError, ValueError: If the stored values are not a recipe.
    """
    values = {name: value for name, value in distilled.recipe.items() if name != _PREDICTOR}
    if distilled.is_regression:  # to move or turn an image may change its targets
        values = {"augmentation": (), **values}
    return Recipe.from_dict(values, distilled.image_shape)


def check_loss(recipe: Recipe, distilled: DistilledData) -> None:
    """Raises a ValueError for a recipe whose loss is for classes, where a set has targets.

    Args:
        recipe: How networks are to be trained.
        distilled: The set.
    """
    if distilled.is_regression and recipe.loss != "squared_error":
        raise ValueError(
            "`recipe` must have loss='squared_error' for a set with task='regression'. Received: "
            f"loss={recipe.loss!r}"
        )


def stored_predictor(distilled: DistilledData) -> dict[str, Any]:
    """Returns the settings of the kernel ridge regression that evaluates a set.

    They are those of the regression that judged the set during training. Sets of keras_isa 0.1.0
    have them in their provenance. A set that something else has judged gets the default settings.

    Args:
        distilled: The set.

    Returns:
        `regularization` and `flip`.

    Raises:
        TypeError, ValueError: If the stored values are not settings of a regression.

    Example:

    >>> import keras_isa
    >>> from keras_isa.evaluation.stored import stored_predictor
    >>> stored_predictor(keras_isa.DistilledData((8, 8, 1), 10, 1))
    {'regularization': 1e-06, 'flip': False}
    """
    values = distilled.recipe.get(_PREDICTOR, distilled.provenance)
    if values is not distilled.provenance:
        check_dictionary(values, _PREDICTOR)
        if values.get("kind", _RIDGE) != _RIDGE:
            values = {}
        check_keys(values, ("kind", "regularization", "flip"), _PREDICTOR)
    return {
        "regularization": check_regularization(values.get("regularization", 1e-6)),
        "flip": true_or_false("flip", values.get("flip", False)),
    }
