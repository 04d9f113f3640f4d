"""Normalisations whose second derivatives are right on every backend.

TensorFlow's variance holds the mean fixed (`tf.nn.moments`), which only first derivatives allow.
Where the input has been centred before, nothing is lost: its mean is zero whatever changes.
"""

from __future__ import annotations

import keras
from keras import ops

from keras_isa import backend


@keras.saving.register_keras_serializable(package="keras_isa")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization`, which can be differentiated twice.

    Args:
        **kwargs: Those of the Keras layer.

    Call arguments:
        inputs: Tensor of shape `(B, ..., C)`.
        training: As of the Keras layer.

    Returns:
        Tensor of the same shape.

    Example:

    >>> import numpy as np
    >>> from keras_isa.layers.normalization import BatchNormalization
    >>> values = BatchNormalization()(np.array([[1.0], [3.0]], "float32"), training=True)
    >>> print(np.round(values, 2).tolist())
    [[-1.0], [1.0]]
    """

    def _moments(self, inputs, mask):
        mean, variance = super()._moments(inputs, mask)
        if _holds_the_mean_fixed() and mask is None:
            centred = inputs - ops.mean(inputs, axis=self._reduction_axes, keepdims=True)
            _, variance = super()._moments(centred, mask)
        return mean, variance


@keras.saving.register_keras_serializable(package="keras_isa")
class GroupNormalization(keras.layers.GroupNormalization):
    """`keras.layers.GroupNormalization`, which can be differentiated twice.

    Args:
        **kwargs: Those of the Keras layer.

    Call arguments:
        inputs: Tensor of shape `(B, ..., C)`.

    Returns:
        Tensor of the same shape.

    Example:

    >>> import numpy as np
    >>> from keras_isa.layers.normalization import GroupNormalization
    >>> values = GroupNormalization(groups=1)(np.array([[[1.0], [3.0]]], "float32"))
    >>> print(np.round(values, 2).tolist())
    [[[-1.0], [1.0]]]
    """

    def _apply_normalization(self, reshaped_inputs, input_shape):
        if _holds_the_mean_fixed():
            axes = list(range(1, len(reshaped_inputs.shape)))
            # The groups are an axis of their own, before that of the channels in one.
            axes.remove(axes[-2] if self.axis == -1 else self.axis)
            reshaped_inputs -= ops.mean(reshaped_inputs, axis=axes, keepdims=True)
        return super()._apply_normalization(reshaped_inputs, input_shape)


def _holds_the_mean_fixed() -> bool:
    """Whether the variance of this backend is wrong where it is differentiated now."""
    return backend.is_freely_differentiable() and keras.backend.backend() == "tensorflow"
