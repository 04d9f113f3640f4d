"""Functions of the backends that are written with Keras alone."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops, tree


def vectorized_gradients(value_and_grad: Callable, loss: Callable) -> Callable:
    """Makes `call(*networks)` that takes the gradients of several networks at once.

    Args:
        value_and_grad: The backend's own.
        loss: `loss(weights, *rest) -> (loss, aux)` of one network.

    Returns:
        `call(*networks)`. Its arguments are those of `loss`, stacked to `(r, ...)` for r networks.
        It returns the gradients of the weights and the `aux` of all networks, stacked likewise.
    """

    # The gradient is taken inside the map. With the gradient outside, XLA compiles a loop of
    # TensorFlow again at every call.
    def one(network: tuple) -> tuple[list, list]:
        (_, aux), gradients = value_and_grad(loss)(*network)
        return gradients, aux

    return lambda *networks: ops.vectorized_map(one, networks)


def named_devices(names: list[str]) -> str:
    """Returns the names of accelerators in words, or "the CPU" if there are none.

    Args:
        names: One name for each device.
    """
    if not names:
        return "the CPU"
    return names[0] if len(names) == 1 else f"{len(names)} x {names[0]}"


def draw_each(draw: Callable, keys: Any) -> Any:
    """Calls `draw(key)` for each of the keys `(r, 2)`, one by one, and stacks the results."""
    drawn = [draw(key) for key in ops.unstack(keys)]
    return tree.map_structure(lambda *values: ops.stack(values), *drawn)


def apply_adam(optimizer: keras.Optimizer, gradients: list, variables: list) -> None:
    """One step of `keras_isa.optimizers.Adam`."""
    optimizer.apply(gradients, variables)


def random_key(key: Any) -> Any:
    """Returns the key as it is; only JAX needs another one."""
    return key


def process() -> tuple[int, int]:
    """Returns the index of this process and the number of processes that compute together."""
    return 0, 1  # only JAX computes in several processes


def split_batch(array: Any) -> Any:
    """Returns the batch as it is, because only JAX computes on several devices."""
    return array


def stateless(function: Callable, variables: list[keras.Variable]) -> Callable:
    """Makes a function that assigns Keras variables pure.

    Args:
        function: Function of arrays that reads and assigns `variables`.
        variables: All variables that it reads or whose new values are wanted.

    Returns:
        `pure(values, *args) -> (result, new_values)`; both lists are in the order of `variables`.
    """

    def pure(values: list, *args: Any) -> tuple[Any, list]:
        with keras.StatelessScope(state_mapping=zip(variables, values, strict=True)) as scope:
            result = function(*args)
            # A variable that was never assigned keeps the value it came in with.
            updated = [scope.get_current_value(variable) for variable in variables]
        return result, updated

    return pure


def stateless_call(
    function: Callable, groups: tuple, state: tuple, *args: Any
) -> tuple[Any, tuple]:
    """Calls a function as `stateless` makes it pure, with variables that are in several lists.

    Args:
        function: As for `stateless`.
        groups: Lists of variables.
        state: Lists of their values, in the same order.
        *args: Arguments of the function.

    Returns:
        `(result, new_state)`; the state has the lists of the new values.
    """
    variables, values = tree.flatten(groups), tree.flatten(state)
    result, values = stateless(function, variables)(values, *args)
    return result, tree.pack_sequence_as(state, values)
