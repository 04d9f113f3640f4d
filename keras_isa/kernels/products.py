"""Products of matrices in short formats, summed in float32."""

from typing import Any

import keras
from keras import ops

from keras_isa import backend
from keras_isa.global_settings import SHORT_FLOATS


def widened(tensor: Any) -> Any:
    """The tensor in float32 where its format is shorter, otherwise as it is.

    Args:
        tensor: Tensor of real numbers.

    Returns:
        Tensor of the same shape.

    Example:

    >>> from keras import ops
    >>> from keras_isa.kernels.products import widened
    >>> ops.dtype(widened(ops.ones(2, "bfloat16")))
    'float32'
    """
    if keras.backend.standardize_dtype(tensor.dtype) in SHORT_FLOATS:
        return ops.cast(tensor, "float32")
    return tensor


def product(left: Any, right: Any, dtype: str) -> Any:
    """The product of two matrices whose numbers are first rounded to a dtype.

    Sums of products of a short format are float32. Under JAX processors with arithmetic of that
    format use it; elsewhere the rounded numbers are multiplied as float32.

    Args:
        left: `(n, k)`.
        right: `(k, m)`.
        dtype: What is multiplied.

    Returns:
        `(n, m)`, float32 for the short formats, otherwise of `dtype`.

    Example:

    >>> from keras import ops
    >>> from keras_isa.kernels.products import product
    >>> print(float(product(ops.full((1, 2), 1.001), ops.ones((2, 1)), "bfloat16")[0, 0]))
    2.0
    """
    left, right = ops.cast(left, dtype), ops.cast(right, dtype)
    if dtype in SHORT_FLOATS:
        return backend.current().short_product(left, right)
    return ops.matmul(left, right)
