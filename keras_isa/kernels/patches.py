"""Convolutions as one product of matrices, over shifted copies of the image.

That keeps its speed inside of compiled loops, and when it is vectorised over several networks.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

from keras import ops

from keras_isa.kernels.gradients import with_gradient


def convolve_native(inputs: Any, kernel: Any) -> Any:
    """Stride-1 "same" convolution by the backend's own operation.

    Args:
        inputs: Images `(B, H, W, C)` or sequences `(B, T, C)`.
        kernel: Kernel `(k, k, C, F)` or `(k, C, F)`.

    Returns:
        Tensor of shape `(B, H, W, F)` or `(B, T, F)`.
    """
    return ops.conv(inputs, kernel, strides=1, padding="same", data_format="channels_last")


def convolve_patches(inputs: Any, kernel: Any) -> Any:
    """Stride-1 "same" convolution as one product of matrices.

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


def convolve_mixed(inputs: Any, kernel: Any) -> Any:
    """The native convolution, whose gradients avoid XLA's slow backward convolution on a CPU.

    Args:
        inputs: Images `(B, H, W, C)`.
        kernel: Kernel `(k, k, C, F)`, `k` odd.

    Returns:
        Tensor of shape `(B, H, W, F)`.
    """
    return _native_with_gradients(inputs, kernel)


def _gradients(upstream: Any, inputs: Any, kernel: Any) -> tuple:
    side, _, channels, filters = kernel.shape
    # The gradient of a "same" convolution is one with the kernel turned by half a circle.
    turned = ops.transpose(ops.flip(kernel, axis=(0, 1)), (0, 1, 3, 2))
    columns = _patches(inputs, (side, side))
    by_kernel = ops.matmul(ops.transpose(columns), ops.reshape(upstream, (-1, filters)))
    return (
        convolve_native(upstream, turned),
        ops.reshape(by_kernel, (side, side, channels, filters)),
    )


_native_with_gradients = with_gradient(convolve_native, _gradients)


def _patches(inputs: Any, sides: Sequence[int]) -> Any:
    """Rows of flattened neighbourhoods, one for each place, shape `(B*H*W, k*k*C)`."""
    *sizes, channels = ops.shape(inputs)[1:]
    margins = [(side // 2, side // 2) for side in sides]
    padded = ops.pad(inputs, ((0, 0), *margins, (0, 0)))
    shifted = [
        padded[(slice(None), *(slice(a, a + n) for a, n in zip(starts, sizes, strict=True)))]
        for starts in itertools.product(*map(range, sides))
    ]
    return ops.reshape(ops.concatenate(shifted, axis=-1), (-1, math.prod(sides) * channels))
