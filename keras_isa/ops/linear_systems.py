"""Solutions of linear systems that are known by their products with vectors only.

A vector is a list of tensors, such as one for each weight of a network. No gradient flows through
a solution.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops

from keras_isa.types import Tensor

Vector = list[Tensor]
# The moments of Adam, as its authors have them.
_FIRST, _SECOND, _EPSILON = 0.9, 0.999, 1e-8


def conjugate_gradients(product: Callable[[Vector], Vector], right: Vector, steps: int) -> Vector:
    """Solves `H x = b` for a symmetric positive definite `H` by the method of conjugate gradients.

    Source: Hestenes and Stiefel, "Methods of Conjugate Gradients for Solving Linear Systems"
    (1952).

    Args:
        product: Takes a vector to its product with `H`.
        right: The right-hand side b.
        steps: Products; as many as `H` has different eigenvalues give the exact solution.

    Returns:
        The solution after so many steps from zero.

    Example:

    >>> from keras import ops
    >>> from keras_isa.ops.linear_systems import conjugate_gradients
    >>> right = [ops.array([2.0, 3.0])]
    >>> (x,) = conjugate_gradients(lambda v: [v[0] * ops.array([1.0, 2.0])], right, 2)
    >>> [round(float(value), 4) for value in x]
    [2.0, 1.5]
    """

    def step(_: Any, carried: tuple) -> tuple:
        solution, residual, direction, size = carried
        moved = product(direction)
        length = _ratio(size, inner(direction, moved))
        solution = [x + length * d for x, d in zip(solution, direction, strict=True)]
        residual = [r - length * m for r, m in zip(residual, moved, strict=True)]
        new_size = inner(residual, residual)
        share = _ratio(new_size, size)
        direction = [r + share * d for r, d in zip(residual, direction, strict=True)]
        return solution, residual, direction, new_size

    right = [ops.stop_gradient(one) for one in right]
    zeros = [ops.zeros_like(one) for one in right]
    start = zeros, right, list(right), inner(right, right)
    return ops.fori_loop(0, steps, step, start)[0]


def descend_by_adam(
    product: Callable[[Vector], Vector], right: Vector, steps: int, rate: Tensor
) -> tuple[Vector, Tensor]:
    """Approaches the solution of `H x = b` by Adam on `x H x / 2 - b x`, from zero.

    Args:
        product: As for `conjugate_gradients`.
        right: The right-hand side b.
        steps: Steps of Adam.
        rate: Its learning rate, a scalar.

    Returns:
        The vector after the steps, and whether what is minimised has fallen in each, a boolean.
    """

    def step(count: Any, carried: tuple) -> tuple:
        solution, first, second, before, falling = carried
        moved = product(solution)
        value = 0.5 * inner(solution, moved) - inner(right, solution)
        falling = ops.logical_and(falling, value < before)
        gradient = [m - b for m, b in zip(moved, right, strict=True)]
        first = [m + (1 - _FIRST) * (g - m) for m, g in zip(first, gradient, strict=True)]
        second = [
            v + (1 - _SECOND) * (ops.square(g) - v) for v, g in zip(second, gradient, strict=True)
        ]
        power = ops.cast(count, "float32") + 1
        mean, root = 1 - _FIRST**power, ops.sqrt(1 - _SECOND**power)
        change = [
            (m / mean) / (ops.sqrt(v) / root + _EPSILON) for m, v in zip(first, second, strict=True)
        ]
        solution = [x - rate * c for x, c in zip(solution, change, strict=True)]
        return solution, first, second, value, falling

    right = [ops.stop_gradient(one) for one in right]

    def zeros() -> Vector:
        return [ops.zeros_like(one) for one in right]

    start = zeros(), zeros(), zeros(), ops.array(float("inf")), ops.array(True)
    solution, *_, value, falling = ops.fori_loop(0, steps, step, start)
    last = 0.5 * inner(solution, product(solution)) - inner(right, solution)
    return solution, ops.logical_and(falling, last < value)


def inner(left: Vector, right: Vector) -> Tensor:
    """Returns the inner product of two vectors.

    Args:
        left: A vector.
        right: A vector of the same shapes.
    """
    return sum(ops.sum(one * other) for one, other in zip(left, right, strict=True))


def _ratio(value: Tensor, divisor: Tensor) -> Tensor:
    """The quotient, or zero where the divisor is not positive: an exact solution stays."""
    positive = divisor > 0
    return ops.where(positive, value / ops.where(positive, divisor, 1.0), 0.0)
