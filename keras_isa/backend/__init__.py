"""The one seam to the frameworks: the few things that `keras.ops` lacks.

Every other room writes `keras.ops` and asks here for a gradient, a compiled step or a compiled
loop. Today there is one implementation, `keras_isa.backend.jax`.
"""

from __future__ import annotations

from types import ModuleType

import keras

IMPLEMENTED = ("jax",)


def current() -> ModuleType:
    """Returns the module for the active Keras backend.

    Raises:
        RuntimeError: If the active Keras backend has no implementation.

    Example:

    >>> from keras_isa import backend
    >>> backend.current().__name__
    'keras_isa.backend.jax'
    """
    name = keras.backend.backend()
    if name not in IMPLEMENTED:
        raise RuntimeError(
            f"keras_isa distils and evaluates on JAX; the active Keras backend is {name!r}. "
            "Set the environment variable KERAS_BACKEND=jax before Keras is imported."
        )
    from keras_isa.backend import jax

    return jax


def has_accelerator() -> bool:
    """Whether the active backend computes on a GPU or TPU.

    Returns:
        `True` with at least one accelerator, `False` on a CPU.
    """
    return current().has_accelerator()


def free_bytes() -> int:
    """Memory that is free where arrays of the active backend live.

    Returns:
        Bytes: of the accelerator where there is one, otherwise of this machine.
    """
    return current().free_bytes()
