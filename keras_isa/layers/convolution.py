"""Convolutions that stay fast on CPUs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_isa import backend
from keras_isa.kernels.gradients import with_gradient
from keras_isa.kernels.products import widened
from keras_isa.kernels.winograd import convolve_winograd
from keras_isa.ops.arguments import one_of, whole_number

IMPLEMENTATIONS = ("auto", "native", "patches", "winograd")
SEQUENCE_IMPLEMENTATIONS = IMPLEMENTATIONS[:3]
_FIXED = ("strides", "padding", "groups", "dilation_rate", "data_format")

# On a CPU, XLA's own convolution loses to matrix products (benchmarks/NOTES.md has the figures):
# over shifted patches where channels are few or the image is tiny, over Winograd's tiles elsewhere.
_FEW_CHANNELS = 4
_TINY_IMAGE = 4 * 4


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
        way = self.way(inputs.shape)
        if way == "native":
            return super().convolution_op(inputs, kernel)
        if way == "patches" and backend.is_xla_on_cpu():
            # Patches gain little from shorter numbers, and converting costs.
            inputs, kernel = widened(inputs), widened(kernel)
        # A tensor: TensorFlow refuses variables where gradients are written out.
        return _WAYS[way](inputs, ops.copy(kernel))

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
        if not backend.is_xla_on_cpu():
            return "native"
        _, height, width, channels = input_shape
        known = height is not None and width is not None
        if channels <= _FEW_CHANNELS or (known and height * width <= _TINY_IMAGE):
            return "patches"
        # Winograd's tiles are up to four times the pixels, which float16 may not reach.
        if known and self.kernel_size[0] == 3 and self.compute_dtype != "float16":
            return "winograd"
        return "mixed"

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
        if self.way(inputs.shape) == "native":
            return super().convolution_op(inputs, kernel)
        if backend.is_xla_on_cpu():
            inputs, kernel = widened(inputs), widened(kernel)
        return convolve_patches(inputs, ops.copy(kernel))

    def call(self, inputs):
        # As above: what was computed in float32 goes on in the compute dtype.
        return ops.cast(super().call(inputs), self.compute_dtype)

    def way(self, input_shape: tuple) -> str:
        """How sequences are convolved, `"native"` or `"patches"`; their shape does not matter."""
        del input_shape
        if self.implementation != "auto":
            return self.implementation
        return "patches" if backend.is_xla_on_cpu() else "native"

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


def convolve_patches(inputs, kernel):
    """Stride-1 "same" convolution as one matrix product.

    Args:
        inputs: Images `(B, H, W, C)` or sequences `(B, T, C)`.
        kernel: Kernel `(k, k, C, F)` or `(k, C, F)`, `k` odd.

    Returns:
        Tensor of shape `(B, H, W, F)` or `(B, T, F)`.
    """
    *sides, channels, filters = kernel.shape
    columns = _patches(inputs, sides)
    product = ops.matmul(columns, ops.reshape(kernel, (math.prod(sides) * channels, filters)))
    return ops.reshape(product, (-1, *ops.shape(inputs)[1:-1], filters))


def _patches(inputs, sides: Sequence[int]):
    """Rows of flattened neighbourhoods, one for each place, shape `(B*H*W, k*k*C)`."""
    *sizes, channels = ops.shape(inputs)[1:]
    margins = [(side // 2, side // 2) for side in sides]
    padded = ops.pad(inputs, ((0, 0), *margins, (0, 0)))
    shifted = [
        padded[(slice(None), *(slice(a, a + n) for a, n in zip(starts, sizes, strict=True)))]
        for starts in itertools.product(*map(range, sides))
    ]
    return ops.reshape(ops.concatenate(shifted, axis=-1), (-1, math.prod(sides) * channels))


def _convolve_native(inputs, kernel):
    return ops.conv(inputs, kernel, strides=1, padding="same", data_format="channels_last")


def _convolve_mixed(inputs, kernel):
    """Native forward pass; both gradients avoid XLA's slow backward convolution."""

    @with_gradient
    def convolve(inputs, kernel):
        def gradient(upstream):
            side, _, channels, filters = kernel.shape
            # The gradient of a "same" convolution is one with the kernel turned by half a circle.
            turned = ops.transpose(ops.flip(kernel, axis=(0, 1)), (0, 1, 3, 2))
            columns = _patches(inputs, (side, side))
            by_kernel = ops.matmul(ops.transpose(columns), ops.reshape(upstream, (-1, filters)))
            return (
                _convolve_native(upstream, turned),
                ops.reshape(by_kernel, (side, side, channels, filters)),
            )

        return _convolve_native(inputs, kernel), gradient

    return convolve(inputs, kernel)


_WAYS = {"patches": convolve_patches, "winograd": convolve_winograd, "mixed": _convolve_mixed}
