"""What the library needs of a backend and `keras.ops` does not offer.

Only this package imports JAX, TensorFlow and PyTorch. It has one module for each, with the same
names. All others use `keras.ops`, and ask here for gradients, compiled steps and compiled loops.
"""

import importlib
from contextlib import AbstractContextManager, nullcontext
from types import ModuleType

import keras

from keras_isa.backend.differentiation import freely_differentiable as freely_differentiable
from keras_isa.backend.differentiation import is_freely_differentiable as is_freely_differentiable
from keras_isa.memory import keep_freed_memory

IMPLEMENTED = ("jax", "tensorflow", "torch")

# Up to this number of equations one thread solves a system as fast as two (benchmarks/NOTES.md).
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

    Distilled sets can be read on every backend of Keras. On those that have no module here the
    context changes nothing.
    """
    if keras.backend.backend() not in IMPLEMENTED:
        return nullcontext()
    return current().full_precision()


def standard_settings() -> AbstractContextManager:
    """A context in which the backend has the global settings that the library expects.

    Raises:
        ValueError: If nothing can be computed under a setting that cannot be changed for a while.
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
    """Whether XLA compiles the steps for a CPU, which is so on JAX without an accelerator.

    XLA's CPU backend is slow at some operations. They are then written in another way.
    """
    return keras.backend.backend() == "jax" and not has_accelerator()


def reuse_memory() -> None:
    """Lets a step on a CPU use the memory that the step before it has freed.

    Under Linux this makes a step up to a fifth shorter, because the system need not hand out fresh
    pages. In return the process keeps as much memory as its largest step has taken. The command
    line does this by itself. A script must do it in its first lines: it also makes JAX run programs
    in the calling thread, and JAX cannot change threads any more once it holds an array. With an
    accelerator nothing would be gained, and memory is left as it is.

    Raises:
        RuntimeError: As `current`.

    Example:

    >>> import keras_isa
    >>> keras_isa.backend.reuse_memory()
    """
    current().run_in_calling_thread()
    if not has_accelerator():
        keep_freed_memory()


def solving(rows: int) -> AbstractContextManager:
    """A context for steps that each solve a system of equations.

    On a CPU, JAX solves a system with the BLAS library of SciPy. After that the threads of this
    library keep their cores busy for about 20 ms while they wait for more work, and the step cannot
    use these cores. In this context BLAS libraries, NumPy's too, use one thread for small systems.

    Args:
        rows: Number of equations.

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
    """Returns the free memory of the device that holds the arrays of the active backend.

    Returns:
        Free bytes of the accelerator or, without one, of this machine.
    """
    return current().free_bytes()
