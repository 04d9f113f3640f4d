"""Where arrays are: on one device, or divided among those of `keras.distribution`."""

from typing import Any

import jax
import keras
import numpy as np


def to_device(array: Any) -> jax.Array:
    """Places an array on the default device, or on all devices of `keras.distribution`.

    An array that is there already is not copied.
    """
    everywhere = _on_all_devices(np.ndim(array))
    if everywhere is None:
        return jax.device_put(array)
    return keras.distribution.distribute_tensor(array, everywhere)


def split_batch(array: Any) -> Any:
    """Splits a batch along its first axis over the devices of `keras.distribution`."""
    distribution = keras.distribution.distribution()
    if distribution is None:
        return array
    layout = distribution.get_data_layout(array.shape)
    return keras.distribution.distribute_tensor(array, layout)


def kept_in_place(groups: tuple, logs: Any, state: tuple) -> tuple[Any, tuple]:
    """Leaves the new values of variables where `keras.distribution` has the variables.

    The compiler would divide some of them among the devices, and the next call of the same program
    could not take them.

    Args:
        groups: Lists of variables.
        logs: What is returned as it is.
        state: Their values, inside of a compiled function.
    """
    distribution = keras.distribution.distribution()
    if distribution is None:
        return logs, state

    def placed(value: Any, variable: keras.Variable) -> Any:
        layout = distribution.get_variable_layout(variable)
        return jax.lax.with_sharding_constraint(value, layout.backend_layout)

    pairs = zip(state, groups, strict=True)
    return logs, tuple([*map(placed, values, group)] for values, group in pairs)


def described(array: Any) -> jax.ShapeDtypeStruct:
    """Returns shape, dtype and, with `keras.distribution`, place of an array that is to come.

    Args:
        array: An array of JAX, or one of NumPy, which goes to all devices.
    """
    # A program would divide an array among the devices whose place is not known.
    place, everywhere = None, _on_all_devices(array.ndim)
    if everywhere is not None:
        place = getattr(array, "sharding", everywhere.backend_layout)
    return jax.ShapeDtypeStruct(array.shape, array.dtype, sharding=place)


def _on_all_devices(dimensions: int) -> keras.distribution.TensorLayout | None:
    """The layout of an array that each device of `keras.distribution` has whole; else `None`."""
    distribution = keras.distribution.distribution()
    if distribution is None:
        return None
    return keras.distribution.TensorLayout([None] * dimensions, distribution.device_mesh)
