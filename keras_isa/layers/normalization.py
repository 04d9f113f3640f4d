"""Normalisation layers with correct second derivatives on every backend.

TensorFlow's variance treats the mean as a constant (`tf.nn.moments`). This is correct for first
derivatives only. If the input is centred before, the second ones are correct too, because its mean
is always zero.
"""

import keras
from keras import ops

from keras_isa import backend


@keras.saving.register_keras_serializable(package="keras_isa")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization`, which can be differentiated twice.

    Args:
        **kwargs: Arguments of the Keras layer.

    Call arguments:
        inputs: Tensor of shape `(B, ..., C)`.
        training: As in the Keras layer.

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
        if _treats_mean_as_constant() and mask is None:
            centred = inputs - ops.mean(inputs, axis=self._reduction_axes, keepdims=True)
            _, variance = super()._moments(centred, mask)
        return mean, variance


@keras.saving.register_keras_serializable(package="keras_isa")
class GroupNormalization(keras.layers.GroupNormalization):
    """`keras.layers.GroupNormalization`, which can be differentiated twice.

    Args:
        **kwargs: Arguments of the Keras layer.

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
        if _treats_mean_as_constant():
            axes = list(range(1, len(reshaped_inputs.shape)))
            # The axis of the groups comes before that of the channels in a group.
            axes.remove(axes[-2] if self.axis == -1 else self.axis)
            reshaped_inputs -= ops.mean(reshaped_inputs, axis=axes, keepdims=True)
        return super()._apply_normalization(reshaped_inputs, input_shape)


def _treats_mean_as_constant() -> bool:
    """Whether the backend's variance would give wrong derivatives in the current computation."""
    return backend.is_freely_differentiable() and keras.backend.backend() == "tensorflow"
