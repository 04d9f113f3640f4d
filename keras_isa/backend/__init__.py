"""What the library needs of a backend and `keras.ops` does not offer.

Only this package imports JAX, TensorFlow and PyTorch. It has one module for each, with the same
names. All others use `keras.ops`, and ask here for gradients, compiled steps and compiled loops.
"""

import importlib
import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import keras

from keras_isa.backend.differentiation import freely_differentiable as freely_differentiable
from keras_isa.backend.differentiation import is_freely_differentiable as is_freely_differentiable
from keras_isa.memory import keep_freed_memory

if TYPE_CHECKING:
    from keras_isa.backend.compile_log import CompileLog

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


def cache_programs(root: str | os.PathLike | None = None) -> bool:
    """Keeps compiled programs for later processes, so that they need not compile them again.

    Only JAX compiles whole programs. The programs are in a folder of their own for each kind of
    processor and each version of JAX. A file that is damaged or of another program is not used. A
    folder that cannot be written to, or that other users can write to, keeps nothing. The command
    line does this by itself.

    Args:
        root: Folder of the caches; by default `keras_isa` in the user's folder of caches.

    Returns:
        Whether programs are kept: not on other backends, and not where JAX has a cache of its own
        (`JAX_COMPILATION_CACHE_DIR`) or is told to have none (`JAX_ENABLE_COMPILATION_CACHE=0`).

    Raises:
        RuntimeError: As `current`.
    """
    if current().__name__ != "keras_isa.backend.jax":
        return False
    from keras_isa.backend.file_cache import user_folder
    from keras_isa.backend.jax_cache import use_cache

    return use_cache(Path(root or user_folder())) is not None


def device_name() -> str:
    """Returns the name of what the active backend computes on, such as "the CPU".

    Raises:
        RuntimeError: As `current`.
    """
    return current().device_name()


def advice_for_gpu() -> str | None:
    """Returns how JAX could use a GPU of this machine that it does not use, or `None`."""
    if not is_xla_on_cpu():
        return None
    from keras_isa.backend.nvidia import advice_for_gpu

    return advice_for_gpu()


def log_compilations() -> "CompileLog | None":
    """Returns a log of what is compiled from now on, or `None` if JAX does not compute."""
    if keras.backend.backend() != "jax":
        return None
    from keras_isa.backend.compile_log import CompileLog

    return CompileLog()


def computes_in_threads() -> bool:
    """Whether independent loops run in a thread each, by `keras_isa.backend.jax_threads`.

    That is so for XLA on a CPU of several cores, whose compiled loops keep only one of them busy.
    """
    alone = keras.distribution.distribution() is None
    return is_xla_on_cpu() and alone and (os.cpu_count() or 1) > 1


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


def memory_advice() -> str:
    """Returns the end of an error about missing memory of the device.

    Returns:
        On JAX with an accelerator what to know of the share that JAX takes, otherwise nothing.
    """
    if keras.backend.backend() != "jax" or not has_accelerator():
        return ""
    return (
        "; JAX takes three quarters of the device's memory when it starts; "
        "XLA_PYTHON_CLIENT_MEM_FRACTION=0.95 in the environment takes nearly all"
    )
