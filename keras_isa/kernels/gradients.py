"""Functions whose gradient is written by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops


def with_gradient(function: Callable[..., tuple[Any, Callable[[Any], Any]]]) -> Callable[..., Any]:
    """`keras.ops.custom_gradient` with one way to receive the upstream gradient on every backend.

    TensorFlow keeps the graph of a compiled function that calls one for as long as the process.

    Args:
        function: Maps tensors to one tensor and to a function that takes the gradient of that one
            to those of the arguments: one, or a tuple of several.

    Returns:
        A function of the same arguments that gives the tensor.

    Example:

    >>> from keras import ops
    >>> from keras_isa.kernels.gradients import with_gradient
    >>> double = with_gradient(lambda x: (2 * x, lambda upstream: 2 * upstream))
    >>> print(float(double(ops.ones(()))))
    2.0
    """

    @ops.custom_gradient
    def call(*arguments):
        result, of_arguments = function(*arguments)

        def gradient(*received, upstream=None):
            # PyTorch hands over the arguments too, and the gradient by name.
            return of_arguments(received[0] if upstream is None else upstream)

        return result, gradient

    return call
