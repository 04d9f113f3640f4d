"""Which of the ways to compute a convolution is taken."""

from __future__ import annotations

from typing import Any

from keras import ops

from keras_isa import backend
from keras_isa.kernels.patches import convolve_mixed, convolve_native, convolve_patches
from keras_isa.kernels.products import widened
from keras_isa.kernels.winograd import convolve_winograd

WAYS = {
    "native": convolve_native,
    "patches": convolve_patches,
    "winograd": convolve_winograd,
    "mixed": convolve_mixed,
}

# On a CPU, XLA's own convolution loses to matrix products (benchmarks/NOTES.md has the figures):
# over shifted patches where channels are few or the image is tiny, over Winograd's tiles elsewhere.
_FEW_CHANNELS = 4
_TINY_IMAGE = 4 * 4


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


def fastest_for_images(input_shape: tuple, kernel_size: int, dtype: str) -> str:
    """The fastest way to convolve images on this device.

    Args:
        input_shape: `(B, H, W, C)`, with `None` for what is not known.
        kernel_size: Side of the kernel.
        dtype: What products are computed in.

    Returns:
        A name in `WAYS`.
    """
    if not backend.is_xla_on_cpu():
        return "native"
    _, height, width, channels = input_shape
    known = height is not None and width is not None
    if channels <= _FEW_CHANNELS or (known and height * width <= _TINY_IMAGE):
        return "patches"
    # Winograd's tiles are up to four times the pixels, which float16 may not reach.
    if known and kernel_size == 3 and dtype != "float16":
        return "winograd"
    return "mixed"


def fastest_for_sequences() -> str:
    """The fastest way to convolve sequences on this device, whatever their shape."""
    return "patches" if backend.is_xla_on_cpu() else "native"
