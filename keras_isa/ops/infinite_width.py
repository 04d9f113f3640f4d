"""Kernels of infinitely wide ReLU networks: fully connected, and convolutional without pooling.

The recursion goes from layer to layer. A layer of weights takes a covariance `k` to
`2 * mean(k) + 0.01`, with the mean over its inputs: variances 2 of the weights and 0.01 of the
biases. ReLU takes the covariance of two Gaussian inputs with variances a and b, and the cosine
`c = k / sqrt(a b)`, to `sqrt(a b) * (sqrt(1 - c^2) + (pi - arccos c) c) / (2 pi)`.
"""

from __future__ import annotations

import math
from typing import Any

from keras import ops

from keras_isa import backend
from keras_isa.ops.arguments import float_tensor, one_of, whole_number
from keras_isa.types import Tensor

KINDS = ("nngp", "ntk")
WEIGHT_VARIANCE, BIAS_VARIANCE = 2.0, 0.01
# Pixels, or steps of a sequence, that a convolution sees in each direction.
_SIZE = 3
# The derivative of an angle at two equal inputs is infinite; it is cut here.
_STEEPEST = 1e3
# From this cosine on two inputs are equal: the rounding of float32 would make an angle of 3e-4.
_EQUAL = 1.0 - 1e-6


def infinite_width_kernel(
    first: Tensor, second: Tensor, depth: int = 3, kind: str = "nngp"
) -> Tensor:
    """Returns the kernel of infinitely wide ReLU networks between two sets of inputs.

    Flat features go through `depth` dense layers. Images and sequences go through `depth`
    convolutions over 3 pixels in each direction, with zeros outside, and no pooling; a dense layer
    on the flattened result follows, as one follows in both cases. Weights have variance 2 over
    their number of inputs, biases 0.01.

    Sources: Cho and Saul, "Kernel Methods for Deep Learning" (2009), for ReLU; Novak et al.,
    "Bayesian Deep Convolutional Networks with Many Channels are Gaussian Processes" (2019), for
    convolutions; Jacot et al., "Neural Tangent Kernel" (2018).

    Args:
        first: `(n, H, W, C)`, `(n, T, F)` or `(n, F)`.
        second: `(m, ...)`, of the same shape.
        depth: Layers with ReLU.
        kind: `"nngp"`, the covariance of the outputs of fresh networks, or `"ntk"`, the kernel that
            gradient descent on all weights follows.

    Returns:
        `(n, m)` float32. Its derivatives are exact, but for those of `"ntk"` between inputs that
        are nearly equal, which are cut, as they grow without bound.

    Raises:
        ValueError: If shapes differ, `depth` is not a positive integer or `kind` is unknown.
        TypeError: If inputs are not real numbers.

    Example:

    >>> import numpy as np
    >>> from keras_isa import ops
    >>> kernel = ops.infinite_width_kernel(np.eye(2), np.eye(2), depth=1)
    >>> [round(float(value), 3) for value in kernel[0]]
    [1.02, 0.337]
    """
    first, second = float_tensor("first", first), float_tensor("second", second)
    depth, kind = whole_number("depth", depth), one_of("kind", kind, KINDS)
    shape = tuple(first.shape[1:])
    if not 1 <= len(shape) <= 3 or tuple(second.shape[1:]) != shape:
        raise ValueError(
            "`first` and `second` must hold inputs of one shape, (H, W, C), (T, F) or (F,). "
            f"Received shapes: {tuple(first.shape)}, {tuple(second.shape)}"
        )
    axes = len(shape) - 1
    scale = 1.0 / shape[-1]
    # Places come first: (H, W, n, F), so that all that follows acts on them as a whole.
    first, second = (ops.moveaxis(one, 0, -2) for one in (first, second))
    with backend.full_precision():
        kernel = scale * ops.matmul(first, ops.swapaxes(second, -1, -2))
    variances = [scale * ops.sum(ops.square(one), axis=-1) for one in (first, second)]
    tangent = ops.zeros_like(kernel)
    for _ in range(depth):
        kernel, tangent = _weighted(kernel, tangent, axes)
        variances = [_affine(_window_mean(one, axes)) for one in variances]
        lengths = [ops.sqrt(one) for one in variances]
        both = ops.expand_dims(lengths[0], -1) * ops.expand_dims(lengths[1], -2)
        cosine = ops.clip(kernel / both, -1.0, 1.0)
        angle = ops.stop_gradient(ops.where(cosine > _EQUAL, 0.0, ops.arccos(cosine)))
        kernel = both * _rectified(cosine, angle)
        if kind == "ntk":
            tangent = tangent * _active(cosine, angle)
        variances = [0.5 * one for one in variances]
    if axes:
        kernel, tangent = (ops.mean(one, axis=tuple(range(axes))) for one in (kernel, tangent))
    kernel, tangent = _weighted(kernel, tangent, 0)
    return kernel if kind == "nngp" else tangent


def _weighted(kernel: Tensor, tangent: Tensor, axes: int) -> tuple[Tensor, Tensor]:
    """Both kernels after a layer of weights."""
    kernel = _affine(_window_mean(kernel, axes))
    return kernel, kernel + WEIGHT_VARIANCE * _window_mean(tangent, axes)


def _affine(kernel: Tensor) -> Tensor:
    return WEIGHT_VARIANCE * kernel + BIAS_VARIANCE


def _window_mean(values: Tensor, axes: int) -> Tensor:
    """Means over windows of the first axes, with zeros outside; none with `axes=0`."""
    for axis in range(axes):
        widths = [(0, 0)] * len(values.shape)
        widths[axis] = (_SIZE // 2, _SIZE // 2)
        padded, length = ops.pad(values, widths), values.shape[axis]
        total = sum(_slice(padded, axis, start, length) for start in range(_SIZE))
        values = total / _SIZE
    return values


def _slice(values: Tensor, axis: int, start: int, length: int) -> Any:
    return values[(slice(None),) * axis + (slice(start, start + length),)]


def _rectified(cosine: Tensor, angle: Tensor) -> Tensor:
    """What ReLU makes of a cosine. Its derivative, the angle's share, is finite everywhere, which
    that of the arc cosine in the formula is not."""
    known = ops.stop_gradient(cosine)
    sine = ops.sqrt(ops.maximum((1.0 - known) * (1.0 + known), 0.0))
    share = math.pi - angle
    return (sine + share * known + share * (cosine - known)) / (2 * math.pi)


def _active(cosine: Tensor, angle: Tensor) -> Tensor:
    """How often two inputs are positive together, with a derivative that is cut."""
    known = ops.stop_gradient(cosine)
    least = 1.0 / _STEEPEST**2
    slope = 1.0 / ops.sqrt(ops.maximum((1.0 - known) * (1.0 + known), least))
    return (math.pi - angle + slope * (cosine - known)) / (2 * math.pi)
