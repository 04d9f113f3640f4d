"""The JAX side of the seam."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import keras

from keras_isa.memory import available_bytes


def has_accelerator() -> bool:
    return jax.default_backend() != "cpu"


def free_bytes() -> int:
    statistics = jax.devices()[0].memory_stats() if has_accelerator() else None
    if statistics and "bytes_limit" in statistics:
        return statistics["bytes_limit"] - statistics["bytes_in_use"]
    return available_bytes()


def to_device(array: Any) -> jax.Array:
    """Places an array on the default device; an array that lives there is not copied."""
    return jax.device_put(array)


def compiled(function: Callable, donate: tuple[int, ...] = ()) -> Callable:
    """Compiles a pure function of arrays; the arguments numbered in `donate` may be overwritten."""
    return jax.jit(function, donate_argnums=donate)


def value_and_grad(function: Callable) -> Callable:
    """`function(arrays, *rest) -> (loss, aux)` becomes `-> ((loss, aux), gradients of arrays)`."""
    return jax.value_and_grad(function, has_aux=True)


def repeat(body: Callable, count: Any, state: Any) -> Any:
    """Applies `state = body(state)` `count` times in one compiled loop; `count` may be traced."""
    return jax.lax.fori_loop(0, count, lambda _, carried: body(carried), state)


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


def make_train_step(trainer: keras.Model, step: Callable) -> Callable:
    """Turns the trainer's stateful `step(data)` into Keras's `(state, data) -> (logs, state)`.

    Keras's JAX trainer keeps four lists of raw arrays (trainable, non-trainable, optimizer and
    metric variables) and hands them to every step.
    """

    def train_step(state: tuple, data: Any) -> tuple[Any, tuple]:
        groups = (
            trainer.trainable_variables,
            trainer.non_trainable_variables,
            trainer.optimizer.variables,
            trainer.metrics_variables,
        )
        return _in_groups(step, groups, state, data)

    return train_step


def make_test_step(trainer: keras.Model, step: Callable) -> Callable:
    """As `make_train_step`, with Keras's three lists of an evaluation (no optimizer)."""

    def test_step(state: tuple, data: Any) -> tuple[Any, tuple]:
        groups = (
            trainer.trainable_variables,
            trainer.non_trainable_variables,
            trainer.metrics_variables,
        )
        return _in_groups(step, groups, state, data)

    return test_step


def _in_groups(step: Callable, groups: tuple, state: tuple, data: Any) -> tuple[Any, tuple]:
    variables = [variable for group in groups for variable in group]
    values = [value for group in state for value in group]
    logs, values = stateless(step, variables)(values, data)
    sizes = [len(group) for group in groups]
    starts = [sum(sizes[:index]) for index in range(len(sizes))]
    return logs, tuple(values[a : a + n] for a, n in zip(starts, sizes, strict=True))


def compiled_ahead(
    function: Callable, arguments: tuple, donate: tuple[int, ...] = ()
) -> tuple[Callable, int]:
    """Compiles a function for arguments of known shapes, which need not be in memory.

    Args:
        function: Pure function of arrays.
        arguments: Its arguments; only `shape` and `dtype` of each array are looked at.
        donate: Numbers of the arguments that may be overwritten.

    Returns:
        The compiled function, and the bytes that a call takes beside its arguments.
    """
    shapes = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), arguments)
    executable = compiled(function, donate).lower(*shapes).compile()
    memory = executable.memory_analysis()
    extra = memory.temp_size_in_bytes + memory.output_size_in_bytes - memory.alias_size_in_bytes
    return executable, extra


def wait(arrays: Any) -> Any:
    """Returns when arrays have been computed."""
    return jax.block_until_ready(arrays)
