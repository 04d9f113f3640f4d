"""Adam as its authors wrote it."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_isa")
class Adam(keras.optimizers.Adam):
    """`keras.optimizers.Adam` with `epsilon` added after the bias correction.

    Algorithm 1 of Kingma and Ba (2015) divides by `sqrt(v / (1 - beta_2**t)) + epsilon`. Keras adds
    its epsilon before the correction, so that it acts `1 / sqrt(1 - beta_2**t)` times as strongly,
    32 times in the first step. Published results of FRePo and its successors rest on the original
    form. Arguments are those of `keras.optimizers.Adam`.

    Example:

    >>> import keras
    >>> from keras_isa.optimizers import Adam
    >>> weight = keras.Variable([1.0])
    >>> Adam(0.1, epsilon=1.0).apply([keras.ops.ones((1,))], [weight])
    >>> round(float(weight[0]), 4)  # 1 - 0.1 * 1 / (1 + 1)
    0.95
    """

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        """Updates one variable `(...)` by its gradient `(...)`."""
        epsilon = self.epsilon
        step = ops.cast(self.iterations + 1, variable.dtype)
        beta_2 = ops.cast(self.beta_2, variable.dtype)
        # Keras's rule with this epsilon is the original rule with the given one.
        self.epsilon = epsilon * ops.sqrt(1 - ops.power(beta_2, step))
        try:
            super().update_step(gradient, variable, learning_rate)
        finally:
            self.epsilon = epsilon
