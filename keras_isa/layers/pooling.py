"""A 2x2 average pooling that the compiler joins with its neighbours."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_isa import backend
from keras_isa.kernels.gradients import with_gradient
from keras_isa.kernels.products import widened


@keras.saving.register_keras_serializable(package="keras_isa")
class AveragePooling2x2(keras.layers.AveragePooling2D):
    """`keras.layers.AveragePooling2D(2)`, written as a sum of four on a CPU under JAX.

    There XLA pools with a kernel of its own, for which bias and ReLU before it are written to
    memory, together with an image of zeros to compare with; a sum joins them. An odd last row or
    column is left out.

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
        if backend.is_xla_on_cpu() and None not in inputs.shape[1:3]:
            return average_of_four(inputs)
        return super().call(inputs)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        for fixed in ("pool_size", "strides", "padding", "data_format"):
            del config[fixed]
        return config


def average_of_four(images: Any) -> Any:
    """Averages of 2x2 pixels.

    Args:
        images: `(B, H, W, C)`, H and W known.

    Returns:
        `(B, H // 2, W // 2, C)`.
    """
    height, width = (side // 2 * 2 for side in images.shape[1:3])

    @with_gradient
    def average(images):
        def gradient(upstream):
            return _quarters(upstream, images.shape)

        def every_second(top: int, left: int) -> Any:
            return widened(images[:, top:height:2, left:width:2])

        upper = every_second(0, 0) + every_second(0, 1)
        mean = (upper + (every_second(1, 0) + every_second(1, 1))) / 4
        return ops.cast(mean, images.dtype), gradient

    return average(images)


def _quarters(upstream: Any, shape: tuple) -> Any:
    """A quarter of each number in every pixel that it came from, zeros in an odd row or column."""
    _, height, width, channels = shape
    rows, columns = upstream.shape[1:3]
    spread = ops.broadcast_to(
        ops.expand_dims(upstream / 4, (2, 4)), (upstream.shape[0], rows, 2, columns, 2, channels)
    )
    whole = ops.reshape(spread, (-1, 2 * rows, 2 * columns, channels))
    if (height, width) == (2 * rows, 2 * columns):
        return whole
    return ops.pad(whole, ((0, 0), (0, height - 2 * rows), (0, width - 2 * columns), (0, 0)))
