"""2x2 average pooling that stays fast on CPUs."""

from __future__ import annotations

from typing import Any

import keras

from keras_isa.kernels.pooling import average_2x2


@keras.saving.register_keras_serializable(package="keras_isa")
class AveragePooling2x2(keras.layers.AveragePooling2D):
    """`keras.layers.AveragePooling2D(2)`, computed the fastest way on this device.

    An odd last row or column is left out.

    Args:
        **kwargs: `name` and the other arguments of a Keras layer.

    Call arguments:
        inputs: Images `(B, H, W, C)`.

    Returns:
        Images `(B, H // 2, W // 2, C)`.

    Example:

    >>> import numpy as np
    >>> from keras_isa.layers.pooling import AveragePooling2x2
    >>> AveragePooling2x2()(np.ones((2, 8, 5, 3), "float32")).shape
    (2, 4, 2, 3)
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(2, data_format="channels_last", **kwargs)

    def call(self, inputs):
        return average_2x2(inputs)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        for fixed in ("pool_size", "strides", "padding", "data_format"):
            del config[fixed]
        return config
