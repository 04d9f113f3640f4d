"""Convolutions and 2x2 average pooling that stay fast on CPUs."""

from typing import Any

import keras
from keras import ops

from keras_isa.kernels.convolution import convolve, fastest_way
from keras_isa.kernels.pooling import average_2x2
from keras_isa.ops.arguments import one_of, whole_number

IMPLEMENTATIONS = ("auto", "native", "patches", "winograd")
SEQUENCE_IMPLEMENTATIONS = IMPLEMENTATIONS[:3]
_FIXED = ("strides", "padding", "groups", "dilation_rate", "data_format")


class _PatchConvolution:
    """What `PatchConv2D` and `PatchConv1D` have beside the layer of Keras that both extend."""

    implementations = IMPLEMENTATIONS

    def __init__(
        self, filters: int, kernel_size: int = 3, implementation: str = "auto", **kwargs: Any
    ) -> None:
        one_of("implementation", implementation, self.implementations)
        for argument in _FIXED:
            if argument in kwargs:
                raise ValueError(
                    f"`{argument}` must be left out: it is fixed, unlike that of "
                    f"{type(self).__name__.removeprefix('Patch')}. "
                    f"Received: {argument}={kwargs[argument]!r}"
                )
        if whole_number("kernel_size", kernel_size) % 2 == 0:
            raise ValueError(
                f"`kernel_size` must be one odd integer. Received: kernel_size={kernel_size}"
            )
        if implementation == "winograd" and kernel_size != 3:
            raise ValueError(
                "`kernel_size` must be 3 for implementation='winograd'. "
                f"Received: kernel_size={kernel_size}"
            )
        super().__init__(
            whole_number("filters", filters),
            kernel_size,
            padding="same",
            data_format="channels_last",
            **kwargs,
        )
        self.implementation = implementation

    def build(self, input_shape):
        if self.implementation == "winograd" and None in input_shape[1:3]:
            raise ValueError(
                "`implementation` must not be 'winograd' for images of unknown size. "
                f"Received: input_shape={tuple(input_shape)}"
            )
        super().build(input_shape)

    def convolution_op(self, inputs, kernel):
        return convolve(inputs, kernel, self.way(inputs.shape))

    def call(self, inputs):
        # Convolution, bias and activation of a short format may have been float32.
        return ops.cast(super().call(inputs), self.compute_dtype)

    def way(self, input_shape: tuple) -> str:
        """How inputs of a shape are convolved: as `implementation` says, or as `"auto"` chooses.

        Args:
            input_shape: `(B, H, W, C)` or `(B, T, C)`, with `None` for what is not known.

        Returns:
            `"native"`, `"patches"`, `"winograd"` or `"mixed"`: the native forward pass with
            patch-based gradients.
        """
        if self.implementation != "auto":
            return self.implementation
        return fastest_way(input_shape, self.kernel_size[0], self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        for argument in _FIXED:
            del config[argument]
        config["kernel_size"] = self.kernel_size[0]
        config["implementation"] = self.implementation
        return config


@keras.saving.register_keras_serializable(package="keras_isa")
class PatchConv2D(_PatchConvolution, keras.layers.Conv2D):
    """`keras.layers.Conv2D` with stride 1 and `"same"` padding, computed the fastest way.

    Weights, results and configuration are those of `keras.layers.Conv2D`; only the way of computing
    differs. `"patches"` writes the convolution and both of its gradients as matrix products over
    shifted copies of the image, which keeps its speed inside compiled loops and when it is
    vectorised over several networks. `"winograd"` does so with fewer multiplications, for 3x3
    kernels. `"native"` calls `keras.ops.conv`. `"auto"` chooses by device and by shape: native on
    accelerators; on a CPU patches for few channels and tiny images, Winograd for 3x3 kernels,
    otherwise the native forward pass with patch-based gradients. There patches are float32 in any
    case, and Winograd adds in float32 and multiplies in the compute dtype.

    Args:
        filters: Number of output channels.
        kernel_size: Odd integer, side of the square kernel.
        implementation: `"auto"`, `"native"`, `"patches"` or `"winograd"`, the last one for images
            of known size.
        **kwargs: Further arguments of `keras.layers.Conv2D`, without `strides`, `padding`,
            `groups`, `dilation_rate` and `data_format`, which are fixed.

    Raises:
        ValueError: If `implementation` is unknown or does not suit kernel or images, `kernel_size`
            is even or a fixed argument is given.

    Example:

    >>> import numpy as np
    >>> from keras_isa.layers import PatchConv2D
    >>> PatchConv2D(4, 3)(np.ones((2, 8, 8, 1), "float32")).shape
    (2, 8, 8, 4)
    """


@keras.saving.register_keras_serializable(package="keras_isa")
class PatchConv1D(_PatchConvolution, keras.layers.Conv1D):
    """`keras.layers.Conv1D` with stride 1 and `"same"` padding, the `PatchConv2D` of sequences.

    `"auto"` is `"patches"` on a CPU under JAX, where the native convolution of a compiled loop runs
    on one thread and takes up to 30 times as long, and `"native"` elsewhere.

    Args:
        filters: Number of output channels.
        kernel_size: Odd integer, length of the kernel.
        implementation: `"auto"`, `"native"` or `"patches"`.
        **kwargs: Further arguments of `keras.layers.Conv1D`, without `strides`, `padding`,
            `groups`, `dilation_rate` and `data_format`, which are fixed.

    Raises:
        ValueError: If `implementation` is unknown, `kernel_size` is even or a fixed argument is
            given.

    Example:

    >>> import numpy as np
    >>> from keras_isa.layers import PatchConv1D
    >>> PatchConv1D(4, 3)(np.ones((2, 48, 3), "float32")).shape
    (2, 48, 4)
    """

    implementations = SEQUENCE_IMPLEMENTATIONS


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
    >>> from keras_isa.layers.convolution import AveragePooling2x2
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
