"""The TensorFlow side of the seam."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_isa.memory import available_bytes

# Many steps of a run go through one compiled call.
LOOPS = True


def has_accelerator() -> bool:
    return bool(tf.config.get_visible_devices("GPU") or tf.config.get_visible_devices("TPU"))


def run_in_calling_thread() -> None:
    """Leaves things as they are: TensorFlow's threads share the heap well enough."""


def free_bytes() -> int:
    devices = tf.config.get_visible_devices("GPU")
    if not devices:
        return available_bytes()
    import psutil  # TensorFlow tells what it uses of a device, not what the device has

    used = tf.config.experimental.get_memory_info("GPU:0")["current"]
    details = tf.config.experimental.get_device_details(devices[0])
    return details.get("memory_limit", psutil.virtual_memory().total) - used


def random_key(key: Any) -> Any:
    """The key as `keras.random` takes it: as it is."""
    return key


def to_device(array: Any) -> tf.Tensor:
    """Places an array on the default device."""
    return tf.convert_to_tensor(array)


def process() -> tuple[int, int]:
    """Number of this process among those that compute together, and how many there are."""
    return 0, 1  # several are for JAX


def split_batch(array: Any) -> Any:
    """The batch as it is: several devices are for JAX."""
    return array


def compiled(function: Callable, dtype: str = "float32") -> Callable:
    """Compiles a function of tensors, whatever their dtype."""
    del dtype
    return tf.function(function, reduce_retracing=True, autograph=False)


def compiling_quickly() -> Any:
    """A context that changes nothing: single operations are not compiled."""
    return contextlib.nullcontext()


def forget_compiled() -> None:
    """Nothing to do: a graph goes with the function that it belongs to."""


def value_and_grad(function: Callable) -> Callable:
    """`function(arrays, *rest) -> (loss, aux)` becomes `-> ((loss, aux), gradients of arrays)`."""

    def run(arrays: list, *rest: Any) -> tuple[tuple, list]:
        arrays = [tf.convert_to_tensor(array) for array in arrays]
        with tf.GradientTape() as tape:
            tape.watch(arrays)
            loss, aux = function(arrays, *rest)
        zero = tf.UnconnectedGradients.ZERO
        return (loss, aux), tape.gradient(loss, arrays, unconnected_gradients=zero)

    return run


def side_by_side(pixels: int) -> bool:
    """Whether networks that see so many pixels each are computed all at once."""
    del pixels
    return has_accelerator()  # a CPU convolves one by one three times as fast


@functools.partial(tf.function, jit_compile=True, reduce_retracing=True, autograph=False)
def cholesky(matrix: Any) -> Any:
    """Cholesky factor of a symmetric matrix; not finite where there is none."""
    return tf.linalg.cholesky(matrix)  # by XLA: otherwise the program ends where there is none


def short_product(left: Any, right: Any) -> Any:
    """The product `(n, m)` of matrices `(n, k)` and `(k, m)` of a short format, widened first."""
    return tf.matmul(tf.cast(left, "float32"), tf.cast(right, "float32"))


def full_precision() -> Any:
    """A context in which products of float32 matrices are not rounded to a shorter format."""
    # TensorFlow has one switch for the process, which is read when a product runs.
    tf.config.experimental.enable_tensor_float_32_execution(False)
    return contextlib.nullcontext()


def looped(step: Callable, variables: list[keras.Variable], dtype: str = "float32") -> Callable:
    """Makes `call(count, *args)` that runs `step(*args)`, which assigns `variables`, many times."""
    del variables, dtype  # a graph assigns them by itself

    @compiled
    def run(count: Any, *args: Any) -> None:
        _repeat(lambda: step(*args), count)

    return lambda count, *args: run(tf.constant(count, "int32"), *args)


def train_function(trainer: Any, eager: bool) -> Callable:
    """What Keras's TensorFlow trainer calls in `fit`, on an iterator over batches."""

    def call(data: Any, count: Any) -> dict:
        if count is None:
            trainer.training_step(data)
        else:
            _repeat(lambda: trainer.training_step(data), count[0])
        return trainer.training_logs()

    run = call if eager else compiled(call)

    def function(iterator: Any) -> dict:
        inputs = trainer.call_inputs(next(iterator))
        return trainer.skipped_logs() if inputs is None else run(*inputs)

    return function


def test_function(trainer: Any, eager: bool) -> Callable:
    """What Keras's TensorFlow trainer calls in `evaluate`."""
    run = trainer.validation_logs if eager else compiled(trainer.validation_logs)
    return lambda iterator: run(*trainer.validation_inputs(next(iterator)))


def _repeat(body: Callable, count: Any) -> None:
    def once(done: Any) -> tuple:
        body()
        return (done + 1,)

    tf.while_loop(lambda done: done < count, once, [tf.constant(0)], parallel_iterations=1)
