"""How a step of RCIG solves its two systems: for the change, and for its adjoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_isa.ops.linear_systems import Vector, conjugate_gradients, descend_by_adam
from keras_isa.types import Tensor

# Learning rates of Adam at first: for the change of the weights, and for its adjoint.
_RATES = (1e-5, 5e-5)
_GROWTH, _BACK = 1.2, 0.7
# After so many solutions a rate is changed, if so many of them failed, or did not.
_WINDOW, _FAILED, _FELL = 50, 0.29, 0.7
_LOWER, _HIGHER = 0.9, 1.05


class ConjugateGradients:
    """Solves both systems by conjugate gradients, which needs no learning rate.

    Args:
        steps: Products of a system.
    """

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def solve(
        self, system: int, product: Callable[[Vector], Vector], right: Vector, scale: Tensor
    ) -> Vector:
        """Solves `H x = b`.

        Args:
            system: 0 for the change of the weights, 1 for its adjoint.
            product: Takes a vector to its product with H.
            right: The right-hand side b.
            scale: By what the published method multiplies H and, for the change, b.
        """
        return conjugate_gradients(product, right, self.steps)


class TunedAdam(keras.layers.Layer):
    """Approaches both solutions by Adam, with learning rates that tune themselves, as published.

    A rate grows by a fifth with each step of the method until what is minimised no longer falls in
    every step of Adam, and then goes back by 0.7. From then on it is changed after every 50
    solutions: by 0.9 if at least 29 % failed, by 1.05 if at least 70 % fell throughout. RCIG's code
    lets the rates grow before its first step; here they do so during the first ones. Source: the
    code released with RCIG (Loo et al. 2023).

    Args:
        steps: Steps of Adam.
        **kwargs: Further arguments of `keras.layers.Layer`.
    """

    def __init__(self, steps: int, **kwargs: Any) -> None:
        super().__init__(trainable=False, dtype="float32", **kwargs)
        self.steps = steps

        def numbers(name: str, value: Any) -> keras.Variable:
            return self.add_weight(
                shape=(len(_RATES),),
                initializer=lambda shape, dtype: ops.array(value, dtype),
                trainable=False,
                autocast=False,
                name=name,
            )

        none = [0.0] * len(_RATES)
        self.rates = numbers("rates", _RATES)
        self.tuned, self.solved, self.failed = (
            numbers(name, none) for name in ("tuned", "solved", "failed")
        )
        self.built = True

    def solve(
        self, system: int, product: Callable[[Vector], Vector], right: Vector, scale: Tensor
    ) -> Vector:
        """Approaches the solution of `H x = b`; arguments as in `ConjugateGradients.solve`."""
        adjoint = system == 1

        def scaled(vector: Vector) -> Vector:
            return [scale * one for one in product(vector)]

        rate = ops.take(self.rates, system, axis=0)
        right = right if adjoint else [scale * one for one in right]
        found, fell = descend_by_adam(scaled, right, self.steps, rate)
        self._tune(system, fell)
        return [scale * one for one in found] if adjoint else found

    def _tune(self, system: int, fell: Tensor) -> None:
        """Counts a solution and changes the learning rate."""
        fell = ops.cast(fell, "float32")
        rate, tuned, solved, failed = (
            ops.take(one, system, axis=0)
            for one in (self.rates, self.tuned, self.solved, self.failed)
        )
        solved, failed = solved + tuned, failed + tuned * (1 - fell)
        is_full = solved >= _WINDOW
        share = failed / _WINDOW
        later = ops.where(share >= _FAILED, _LOWER, ops.where(1 - share >= _FELL, _HIGHER, 1.0))
        growing = ops.where(fell > 0, _GROWTH, _BACK)
        factor = ops.where(tuned > 0, ops.where(is_full, later, 1.0), growing)
        values = (
            (self.rates, rate * factor),
            (self.tuned, ops.maximum(tuned, 1 - fell)),
            (self.solved, ops.where(is_full, 0.0, solved)),
            (self.failed, ops.where(is_full, 0.0, failed)),
        )
        for variable, value in values:
            row = [value if n == system else variable[n] for n in range(len(_RATES))]
            variable.assign(ops.stack(row))


SOLVERS = {"conjugate_gradients": ConjugateGradients, "adam": TunedAdam}
