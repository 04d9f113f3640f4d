"""What several backends do in the same way, written with Keras alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops, tree


def vectorized_gradients(value_and_grad: Callable, loss: Callable) -> Callable:
    """Makes `call(*networks)` that takes the gradients of several networks at once.

    Args:
        value_and_grad: That of the backend.
        loss: `loss(weights, *rest) -> (loss, aux)` of one network.

    Returns:
        A function of its arguments for all networks, `(r, ...)` each; it returns the gradients of
        the weights and the second results, `(r, ...)` each.
    """

    # Inside of the map: with the gradient around it XLA compiles again at every call of a loop of
    # TensorFlow.
    def one(network: tuple) -> tuple[list, list]:
        (_, aux), gradients = value_and_grad(loss)(*network)
        return gradients, aux

    return lambda *networks: ops.vectorized_map(one, networks)


def draw_each(draw: Callable, keys: Any) -> Any:
    """Stacks what `draw(key)` returns for each of the keys `(r, 2)`, one after the other."""
    drawn = [draw(key) for key in ops.unstack(keys)]
    return tree.map_structure(lambda *values: ops.stack(values), *drawn)


def apply_adam(optimizer: keras.Optimizer, gradients: list, variables: list) -> None:
    """One step of `keras_isa.optimizers.Adam`."""
    optimizer.apply(gradients, variables)


def random_key(key: Any) -> Any:
    """The key as `keras.random` takes it: as it is."""
    return key


def process() -> tuple[int, int]:
    """Number of this process among those that compute together, and how many there are."""
    return 0, 1  # several are for JAX


def split_batch(array: Any) -> Any:
    """The batch as it is: several devices are for JAX."""
    return array
