"""The distance of two gradients of a network, unit by unit, which gradient matching makes small."""

from __future__ import annotations

from collections.abc import Sequence

from keras import ops

from keras_isa.types import Tensor

# Added to the product of two lengths, as in the code released with DC.
_EPSILON = 1e-6
# Squared lengths below it have no gradient: the root of zero has no slope.
_LEAST_SQUARE = 1e-20


def gradient_distance(found: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
    """Returns the sum over layers and their output units of one minus the cosine.

    The gradient of a unit is that of all weights that lead to it. Arrays with one axis, such as
    biases and the scales of a normalisation, are left out.

    Source: Zhao, Mopuri and Bilen, "Dataset Condensation with Gradient Matching", and the code
    released with it.

    Args:
        found: Gradients of the weights of a network, arrays whose last axis counts output units.
        wanted: Gradients of the same shapes.

    Returns:
        The distance, a scalar, float32.

    Example:

    >>> from keras_isa import ops
    >>> found = ops.gradient_distance([[[1.0, 0.0], [0.0, 2.0]]], [[[3.0, 0.0], [0.0, -1.0]]])
    >>> round(float(found), 3)  # 0 for the first unit, 2 for the second
    2.0
    """
    total = ops.zeros((), "float32")
    for one, other in zip(found, wanted, strict=True):
        one, other = (ops.cast(ops.convert_to_tensor(each), "float32") for each in (one, other))
        if len(one.shape) < 2:
            continue
        one, other = (ops.reshape(each, (-1, each.shape[-1])) for each in (one, other))
        lengths = ops.sqrt(_square(one)) * ops.sqrt(_square(other))
        cosines = ops.sum(one * other, axis=0) / (lengths + _EPSILON)
        total = total + ops.sum(1.0 - cosines)
    return total


def _square(columns: Tensor) -> Tensor:
    return ops.maximum(ops.sum(ops.square(columns), axis=0), _LEAST_SQUARE)
