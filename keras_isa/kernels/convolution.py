"""Ways to compute a convolution, and which of them is taken.

As one product of matrices over shifted copies of the image, a convolution keeps its speed inside of
compiled loops, and when it is vectorised over several networks.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any

from keras import ops

from keras_isa import backend
from keras_isa.kernels.gradients import with_gradient
from keras_isa.kernels.products import widened
from keras_isa.kernels.winograd import convolve_winograd

# On a CPU, XLA's own convolution loses to matrix products (benchmarks/NOTES.md has the figures):
# over shifted patches where channels are few or the image is tiny, over Winograd's tiles elsewhere.
_FEW_CHANNELS = 4
_TINY_IMAGE = 4 * 4


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


def _gradients(upstream: Any, inputs: Any, kernel: Any) -> tuple:
    """The gradients of images and kernel, without XLA's slow backward convolution on a CPU."""
    side, _, channels, filters = kernel.shape
    # The gradient of a "same" convolution is one with the kernel turned by half a circle.
    turned = ops.transpose(ops.flip(kernel, axis=(0, 1)), (0, 1, 3, 2))
    columns = _patches(inputs, (side, side))
    by_kernel = ops.matmul(ops.transpose(columns), ops.reshape(upstream, (-1, filters)))
    return (
        convolve_native(upstream, turned),
        ops.reshape(by_kernel, (side, side, channels, filters)),
    )


# The native convolution of images, with these gradients.
convolve_mixed = with_gradient(convolve_native, _gradients)


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


WAYS = {
    "native": convolve_native,
    "patches": convolve_patches,
    "winograd": convolve_winograd,
    "mixed": convolve_mixed,
}


def convolve(inputs: Any, kernel: Any, way: str) -> Any:
    """Stride-1 "same" convolution.

    Args:
        inputs: Images `(B, H, W, C)` or sequences `(B, T, C)`.
        kernel: Kernel `(k, k, C, F)` or `(k, C, F)`, `k` odd.
        way: A name in `WAYS`: `"native"` or `"patches"`, for images also `"winograd"` or `"mixed"`.

    Returns:
        Tensor of shape `(B, H, W, F)` or `(B, T, F)`, float32 where a short format was widened.

    Example:

    >>> from keras import ops
    >>> from keras_isa.kernels.convolution import convolve
    >>> convolve(ops.ones((2, 8, 8, 3)), ops.ones((3, 3, 3, 4)), "winograd").shape
    (2, 8, 8, 4)
    """
    if way == "native":
        return convolve_native(inputs, kernel)
    if way == "patches" and backend.is_xla_on_cpu():
        # Patches gain little from shorter numbers, and converting costs.
        inputs, kernel = widened(inputs), widened(kernel)
    # A copy is a tensor: TensorFlow refuses variables in functions with gradients of their own.
    return WAYS[way](inputs, ops.copy(kernel))


def fastest_way(input_shape: tuple, kernel_size: int, dtype: str) -> str:
    """The fastest way to convolve images or sequences on this device.

    Args:
        input_shape: `(B, H, W, C)` or `(B, T, C)`, with `None` for what is not known.
        kernel_size: Side of the kernel.
        dtype: What products are computed in.

    Returns:
        A name in `WAYS`.
    """
    if not backend.is_xla_on_cpu():
        return "native"
    sides, channels = input_shape[1:-1], input_shape[-1]
    known = None not in sides
    # XLA's own convolution of sequences runs on one thread in a compiled loop, whatever their size.
    if len(sides) == 1 or channels <= _FEW_CHANNELS or (known and math.prod(sides) <= _TINY_IMAGE):
        return "patches"
    # Winograd's tiles are up to four times the pixels, which float16 may not reach.
    if known and kernel_size == 3 and dtype != "float16":
        return "winograd"
    return "mixed"
