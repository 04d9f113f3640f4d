"""Functions whose gradient is written by hand."""

from collections.abc import Callable
from typing import Any

from keras import ops

from keras_isa import backend


def with_gradient(function: Callable[..., Any], gradient: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a function a gradient written by hand, in place of the one that a backend derives.

    In `backend.freely_differentiable()` it is the function alone, which allows forward mode too.
    TensorFlow keeps the graph of a compiled function that calls one for as long as the process.

    Args:
        function: Maps tensors to one tensor.
        gradient: `gradient(upstream, *arguments)` maps the gradient of that tensor, and the
            arguments of the function, to their gradients: one, or a tuple of several.

    Returns:
        A function of the same arguments that gives the same tensor.

    Example:

    >>> from keras import ops
    >>> from keras_isa.kernels.gradients import with_gradient
    >>> double = with_gradient(lambda x: 2 * x, lambda upstream, x: 2 * upstream)
    >>> print(float(double(ops.ones(()))))
    2.0
    """

    def by_hand(*arguments):
        def of_arguments(*received, upstream=None):
            if upstream is None:
                return gradient(received[0], *arguments)
            # PyTorch gives the gradient by name, and arguments that it can differentiate once more.
            # It does not track those of the outer function here.
            return gradient(upstream, *received)

        return function(*arguments), of_arguments

    def call(*arguments):
        if backend.is_freely_differentiable():
            return function(*arguments)
        return ops.custom_gradient(by_hand)(*arguments)

    return call
