"""Kernel ridge regression as a layer."""

from typing import Any

import keras

from keras_isa.ops.kernel_regression import check_regularization, kernel_regression
from keras_isa.types import Tensor


@keras.saving.register_keras_serializable(package="keras_isa")
class KernelRidgeRegression(keras.layers.Layer):
    """Predict targets by kernel ridge regression fitted on a synthetic set in the same call.

    The layer has no weights: what it fits on is part of its input, and the gradient flows to the
    features and labels of the synthetic set. It computes in float32 under every dtype policy,
    because half precision is not enough to solve the system.

    Source: Eq. 4 of "Boosting Dataset Distillation with the Assistance of Crucial Samples";
    FRePo's meta-training loss.

    Args:
        regularization: Ridge relative to the mean diagonal of the kernel, `>= 0`.
        **kwargs: `name` and the other arguments of a Keras layer; `dtype` is always float32.

    Call arguments:
        inputs: A tuple of `target_features` `(B, d)`, `synthetic_features` `(n, d)` and
            `synthetic_labels` `(n, C)`.

    Returns:
        Predictions, `(B, C)` float32.

    Raises:
        ValueError: If `regularization` is negative or not finite, or the inputs do not fit.

    Example:

    >>> import numpy as np
    >>> from keras_isa import layers
    >>> regression = layers.KernelRidgeRegression(regularization=1e-6)
    >>> labels = np.array([[0.5, -0.5], [-0.5, 0.5]])
    >>> print(np.round(regression((np.array([[2.0, 0.0]]), np.eye(2), labels)), 3))
    [[ 1. -1.]]
    """

    def __init__(self, regularization: float = 1e-6, **kwargs: Any):
        # A mixed policy would cast the inputs to half precision before `call` sees them.
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.regularization = check_regularization(regularization)
        self.built = True

    def call(self, inputs: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        target_features, synthetic_features, synthetic_labels = _three_inputs(inputs)
        return kernel_regression(
            target_features, synthetic_features, synthetic_labels, self.regularization
        )

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, int | None]:
        target_features, _, synthetic_labels = _three_inputs(input_shape)
        return target_features[0], synthetic_labels[1]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "regularization": self.regularization}


def _three_inputs(inputs: Any) -> Any:
    """Returns the inputs, or raises a ValueError when they are not three."""
    several = isinstance(inputs, tuple | list)
    if not several or len(inputs) != 3:
        raise ValueError(
            "`inputs` must be a tuple (target_features, synthetic_features, synthetic_labels). "
            f"Received: {len(inputs) if several else type(inputs).__name__}"
        )
    return inputs
