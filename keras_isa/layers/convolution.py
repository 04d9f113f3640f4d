"""Convolutions that stay fast on CPUs."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_isa.kernels.convolution import convolve, fastest_for_images, fastest_for_sequences
from keras_isa.ops.arguments import one_of, whole_number

IMPLEMENTATIONS = ("auto", "native", "patches", "winograd")
SEQUENCE_IMPLEMENTATIONS = IMPLEMENTATIONS[:3]
_FIXED = ("strides", "padding", "groups", "dilation_rate", "data_format")


@keras.saving.register_keras_serializable(package="keras_isa")
class PatchConv2D(keras.layers.Conv2D):
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

    def __init__(
        self, filters: int, kernel_size: int = 3, implementation: str = "auto", **kwargs: Any
    ) -> None:
        one_of("implementation", implementation, IMPLEMENTATIONS)
        _check_fixed(kwargs, kernel_size, "Conv2D")
        super().__init__(
            whole_number("filters", filters),
            kernel_size,
            padding="same",
            data_format="channels_last",
            **kwargs,
        )
        if implementation == "winograd" and self.kernel_size[0] != 3:
            raise ValueError(
                "`kernel_size` must be 3 for implementation='winograd'. "
                f"Received: kernel_size={kernel_size}"
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
        """How images of a shape are convolved: as `implementation` says, or as `"auto"` chooses.

        Args:
            input_shape: `(B, H, W, C)`, with `None` for what is not known.

        Returns:
            `"native"`, `"patches"`, `"winograd"` or `"mixed"`: the native forward pass with
            patch-based gradients.
        """
        if self.implementation != "auto":
            return self.implementation
        return fastest_for_images(input_shape, self.kernel_size[0], self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        for argument in _FIXED:
            del config[argument]
        config["kernel_size"] = self.kernel_size[0]
        config["implementation"] = self.implementation
        return config


@keras.saving.register_keras_serializable(package="keras_isa")
class PatchConv1D(keras.layers.Conv1D):
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

    def __init__(
        self, filters: int, kernel_size: int = 3, implementation: str = "auto", **kwargs: Any
    ) -> None:
        one_of("implementation", implementation, SEQUENCE_IMPLEMENTATIONS)
        _check_fixed(kwargs, kernel_size, "Conv1D")
        super().__init__(
            whole_number("filters", filters),
            kernel_size,
            padding="same",
            data_format="channels_last",
            **kwargs,
        )
        self.implementation = implementation

    def convolution_op(self, inputs, kernel):
        return convolve(inputs, kernel, self.way(inputs.shape))

    def call(self, inputs):
        # As above: what was computed in float32 goes on in the compute dtype.
        return ops.cast(super().call(inputs), self.compute_dtype)

    def way(self, input_shape: tuple) -> str:
        """How sequences are convolved, `"native"` or `"patches"`; their shape does not matter."""
        del input_shape
        if self.implementation != "auto":
            return self.implementation
        return fastest_for_sequences()

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        for argument in _FIXED:
            del config[argument]
        config["kernel_size"] = self.kernel_size[0]
        config["implementation"] = self.implementation
        return config


def _check_fixed(given: dict[str, Any], kernel_size: Any, kind: str) -> None:
    """Refuses a kernel without a middle, and arguments of a Keras layer that are fixed here."""
    for argument in _FIXED:
        if argument in given:
            raise ValueError(
                f"`{argument}` must be left out: it is fixed, unlike that of {kind}. "
                f"Received: {argument}={given[argument]!r}"
            )
    if whole_number("kernel_size", kernel_size) % 2 == 0:
        raise ValueError(
            f"`kernel_size` must be one odd integer. Received: kernel_size={kernel_size}"
        )
