"""The TensorFlow side of the seam."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from keras_isa.backend.differentiation import differentiating
from keras_isa.backend.shared import apply_adam as apply_adam
from keras_isa.backend.shared import draw_each as draw_each
from keras_isa.backend.shared import process as process
from keras_isa.backend.shared import random_key as random_key
from keras_isa.backend.shared import split_batch as split_batch
from keras_isa.backend.shared import vectorized_gradients
from keras_isa.memory import available_bytes

# Many steps of a run go through one compiled call.
LOOPS = True
# On a CPU a step of five networks on ten images of 8x8 pixels takes 27 ms at once, by XLA, and 84
# one by one; of 16x16 pixels 80 ms of one core, and 120 of two.
_FEW_PIXELS = 1000


def has_accelerator() -> bool:
    return bool(tf.config.get_visible_devices("GPU") or tf.config.get_visible_devices("TPU"))


@contextlib.contextmanager
def standard_settings() -> Iterator[None]:
    """A context that refuses settings under which operations never run, or Keras's own fail."""
    with tf.init_scope():  # out of the functions that are being compiled
        eager = tf.executing_eagerly()
    if not eager:
        raise ValueError(
            "TensorFlow must execute eagerly: leave out tf.compat.v1.disable_eager_execution() and "
            "`with tf.Graph().as_default()`. Received: tf.executing_eagerly() is False"
        )
    if _converts_dtypes():
        raise ValueError(
            "`dtype_conversion_mode` must be 'off' or 'legacy' in "
            "tf.experimental.numpy.experimental_enable_numpy_behavior: operations of Keras fail "
            "under the others. Received: 'all' or 'safe'"
        )
    yield


def _converts_dtypes() -> bool:
    """Whether operations convert dtypes by rules of their own, which TensorFlow tells privately."""
    try:
        from tensorflow.python.framework.ops import is_auto_dtype_conversion_enabled
    except ImportError:  # another version; operations say themselves what fails
        return False
    return is_auto_dtype_conversion_enabled()


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


def to_device(array: Any) -> tf.Tensor:
    """Places an array on the default device."""
    return tf.convert_to_tensor(array)


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
        # Tensors of their own: what the function knows of the arrays otherwise is a constant.
        arrays = [tf.identity(array) for array in arrays]
        with differentiating(), tf.GradientTape() as tape:
            tape.watch(arrays)
            loss, aux = function(arrays, *rest)
        zero = tf.UnconnectedGradients.ZERO
        return (loss, aux), tape.gradient(loss, arrays, unconnected_gradients=zero)

    return run


def side_by_side(pixels: int, known: bool) -> bool:
    """Whether networks that see so many pixels each are computed all at once, or one by one.

    Args:
        pixels: Pixels of one step of one network.
        known: Whether they are of this library: XLA does not compile every layer.
    """
    return has_accelerator() or (known and pixels <= _FEW_PIXELS)


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


gradients_of_each = functools.partial(vectorized_gradients, value_and_grad)


def looped(
    step: Callable, variables: list[keras.Variable], dtype: str = "float32", small: bool = False
) -> Callable:
    """Makes `call(count, *args)` that runs `step(*args)`, which assigns `variables`, many times.

    A `small` step, of many little operations, is compiled by XLA on a CPU. That takes ten seconds,
    and the step draws other random numbers than without.
    """
    del variables, dtype  # a graph assigns them by itself

    def steps(count: Any, *args: Any) -> None:
        _repeat(lambda: step(*args), count)

    # The whole loop: a step alone would be compiled again for every value of its counter.
    by_xla = True if small and not has_accelerator() else None
    run = tf.function(steps, jit_compile=by_xla, reduce_retracing=True, autograph=False)
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
