"""The one seam to the frameworks: the few things that `keras.ops` lacks.

Every other room writes `keras.ops` and asks here for a gradient, a compiled step or a compiled
loop. One module per backend, with the same names.
"""

from __future__ import annotations

import importlib
from contextlib import AbstractContextManager, nullcontext
from types import ModuleType

import keras

from keras_isa.backend.differentiation import freely_differentiable as freely_differentiable
from keras_isa.backend.differentiation import is_freely_differentiable as is_freely_differentiable
from keras_isa.memory import keep_freed

IMPLEMENTED = ("jax", "tensorflow", "torch")

# Up to so many rows one thread solves a system as fast as two (benchmarks/NOTES.md).
_SMALL_SYSTEM = 2000


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
            f"keras_isa distils and evaluates on {', '.join(IMPLEMENTED)}; the active Keras "
            f"backend is {name!r}. Set the environment variable KERAS_BACKEND=jax before Keras is "
            "imported."
        )
    return importlib.import_module(f"keras_isa.backend.{name}")


def full_precision() -> AbstractContextManager:
    """A context in which products of float32 matrices are not rounded to a shorter format.

    A set is read on any backend of Keras: where there is no implementation nothing changes.
    """
    if keras.backend.backend() not in IMPLEMENTED:
        return nullcontext()
    return current().full_precision()


def standard_settings() -> AbstractContextManager:
    """A context in which the backend's global settings are those that our numbers are made for.

    Raises:
        ValueError: If one that cannot be set for a while lets nothing be computed.
    """
    if keras.backend.backend() not in IMPLEMENTED:
        return nullcontext()
    return current().standard_settings()


def has_accelerator() -> bool:
    """Whether the active backend computes on a GPU or TPU.

    Returns:
        `True` with at least one accelerator, `False` on a CPU.
    """
    return current().has_accelerator()


def is_xla_on_cpu() -> bool:
    """Whether steps are compiled by XLA for a CPU: under JAX without an accelerator.

    What XLA's CPU backend is slow at is then written in another way.
    """
    return keras.backend.backend() == "jax" and not has_accelerator()


def reuse_memory() -> None:
    """Lets a step on a CPU use the memory that the step before it has freed.

    Under Linux a step is up to a fifth shorter for it, as it touches no fresh pages, and the
    process keeps the memory that its largest step has taken. The command line does this by itself.
    A script does it in its first lines: JAX runs programs in the thread that calls from then on,
    which it can no longer change once it holds an array. With an accelerator nothing is gained and
    memory is left as it is.

    Raises:
        RuntimeError: As `current`.

    Example:

    >>> import keras_isa
    >>> keras_isa.backend.reuse_memory()
    """
    current().run_in_calling_thread()
    if not has_accelerator():
        keep_freed()


def solving(rows: int) -> AbstractContextManager:
    """A context for steps that solve a system of equations each.

    On a CPU JAX leaves that to the BLAS library of SciPy, whose threads, once it has used them,
    wait for more with a core each, for about 20 ms that the step itself could use. In this context
    BLAS libraries, NumPy's too, keep to the thread that calls them, if the system is small.

    Args:
        rows: Rows of the system.

    Returns:
        The context; it changes nothing for large systems, on accelerators, on other backends and
        where threadpoolctl is not installed.

    Raises:
        RuntimeError: As `current`.

    Example:

    >>> from keras_isa import backend
    >>> with backend.solving(100):
    ...     pass
    """
    if rows > _SMALL_SYSTEM or not is_xla_on_cpu():
        return nullcontext()
    try:
        import threadpoolctl
    except ImportError:
        return nullcontext()
    return threadpoolctl.threadpool_limits(1, user_api="blas")


def free_bytes() -> int:
    """Memory that is free where arrays of the active backend live.

    Returns:
        Bytes: of the accelerator where there is one, otherwise of this machine.
    """
    return current().free_bytes()
