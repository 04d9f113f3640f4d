"""What the library needs of TensorFlow and `keras.ops` does not offer."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from keras_isa.backend.differentiation import differentiating, freely_differentiable
from keras_isa.backend.shared import apply_adam as apply_adam
from keras_isa.backend.shared import draw_each as draw_each
from keras_isa.backend.shared import named_devices, vectorized_gradients
from keras_isa.backend.shared import process as process
from keras_isa.backend.shared import random_key as random_key
from keras_isa.backend.shared import split_batch as split_batch
from keras_isa.memory import available_bytes

# Whether one compiled call runs many steps.
LOOPS = True
# A step of five networks on ten images of 8x8 pixels took 27 ms vectorised by XLA and 84 ms one
# network at a time. With 16x16 pixels it took 80 ms on one core, and 120 ms shared by two cores.
_MOST_VECTORIZED_PIXELS = 1000


def device_name() -> str:
    gpus = tf.config.get_visible_devices("GPU")
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    names = [about.get("device_name", "GPU") for about in details]
    return named_devices(names or ["TPU"] * len(tf.config.get_visible_devices("TPU")))


def has_accelerator() -> bool:
    return bool(tf.config.get_visible_devices("GPU") or tf.config.get_visible_devices("TPU"))


@contextlib.contextmanager
def standard_settings() -> Iterator[None]:
    """A context that refuses settings under which operations are not run or fail."""
    with tf.init_scope():  # asks outside of a function that is being compiled
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
    """Whether operations convert dtypes by NumPy's rules; no public function says this."""
    try:
        from tensorflow.python.framework.ops import is_auto_dtype_conversion_enabled
    except ImportError:  # in other versions; there the operation that fails raises its own error
        return False
    return is_auto_dtype_conversion_enabled()


def numeric_settings() -> dict[str, Any]:
    """Settings and versions on which the last bits of results may depend."""
    config = tf.config
    found = {
        "tensorflow": tf.__version__,
        "threads": config.threading.get_intra_op_parallelism_threads(),
        "jit": config.optimizer.get_jit(),
        "options": config.optimizer.get_experimental_options(),
        "eager": config.functions_run_eagerly(),
        "built": dict(tf.sysconfig.get_build_info()),
    }
    if has_accelerator():  # a CPU does not round products
        found["rounds"] = config.experimental.tensor_float_32_execution_enabled()
    return found


def run_in_calling_thread() -> None:
    """Does nothing, because TensorFlow's threads reuse freed memory already."""


def free_bytes() -> int:
    devices = tf.config.get_visible_devices("GPU")
    if not devices:
        return available_bytes()
    import psutil  # TensorFlow may not say how much memory the device has

    used = tf.config.experimental.get_memory_info("GPU:0")["current"]
    details = tf.config.experimental.get_device_details(devices[0])
    return details.get("memory_limit", psutil.virtual_memory().total) - used


def to_device(array: Any) -> tf.Tensor:
    """Places an array on the default device."""
    return tf.convert_to_tensor(array)


def compiled(function: Callable, dtype: str = "float32") -> Callable:
    """Compiles a function of tensors."""
    del dtype  # TensorFlow compiles for every dtype alike
    return tf.function(function, reduce_retracing=True, autograph=False)


def forget_compiled() -> None:
    """Does nothing, because a graph is freed together with its function."""


def value_and_grad(function: Callable) -> Callable:
    """Turns `function(arrays, *rest) -> (loss, aux)` into `-> ((loss, aux), gradients)`."""

    def run(arrays: list, *rest: Any) -> tuple[tuple, list]:
        # The tape watches copies: other uses of the same arrays in the function are constants.
        arrays = [tf.identity(array) for array in arrays]
        with differentiating(), tf.GradientTape() as tape:
            tape.watch(arrays)
            loss, aux = function(arrays, *rest)
        zero = tf.UnconnectedGradients.ZERO
        return (loss, aux), tape.gradient(loss, arrays, unconnected_gradients=zero)

    return run


def side_by_side(pixels: int, known: bool) -> bool:
    """Whether several networks are computed side by side, vectorised, instead of one by one.

    Args:
        pixels: Pixels that one network sees in one step.
        known: Whether all layers are this library's own; XLA does not compile all others.
    """
    return has_accelerator() or (known and pixels <= _MOST_VECTORIZED_PIXELS)


@functools.partial(tf.function, jit_compile=True, reduce_retracing=True, autograph=False)
def cholesky(matrix: Any) -> Any:
    """Returns the Cholesky factor of a symmetric matrix, with NaN in it if no factor exists."""
    return tf.linalg.cholesky(matrix)  # without XLA this raises an error when there is no factor


def short_product(left: Any, right: Any) -> Any:
    """Multiplies 16-bit matrices `(n, k)` and `(k, m)` as float32 ones and returns `(n, m)`."""
    return tf.matmul(tf.cast(left, "float32"), tf.cast(right, "float32"))


def full_precision() -> Any:
    """A context in which products of float32 matrices are not rounded to a shorter format."""
    # TensorFlow has one switch for the whole process and reads it when a product runs, which may be
    # after the context. So the rounding stays switched off.
    tf.config.experimental.enable_tensor_float_32_execution(False)
    return contextlib.nullcontext()


gradients_of_each = functools.partial(vectorized_gradients, value_and_grad)


def linearized(function: Callable, point: list) -> tuple[Callable, Callable]:
    """Linearises a function at a point, for many products.

    Args:
        function: Takes as many arrays as the point has, and returns one array.
        point: Arrays.

    Returns:
        `push(change) -> moved`, the product of the Jacobian with a list of arrays, and
        `pull(upstream) -> list`, that of its transpose.
    """

    def push(change: list) -> Any:
        with freely_differentiable():
            return keras.ops.jvp(function, tuple(point), tuple(change))[1]

    def pull(upstream: Any) -> list:
        def total(arrays: list) -> tuple[Any, tuple]:
            return tf.reduce_sum(function(*arrays) * upstream), ()

        return value_and_grad(total)(point)[1]

    return push, pull


def looped(
    step: Callable, variables: list[keras.Variable], dtype: str = "float32", small: bool = False
) -> Callable:
    """Makes `call(count, *args)`, which runs `step(*args)` `count` times in one compiled program.

    The step assigns `variables`. `small` says that the step has many small operations; on a CPU XLA
    then compiles it. That takes ten seconds, and the step draws other random numbers than without
    XLA.
    """
    del variables, dtype  # the graph assigns the variables by itself

    def steps(count: Any, *args: Any) -> None:
        _repeat(lambda: step(*args), count)

    # The whole loop is compiled: a step alone would be compiled again when its counter changes.
    by_xla = True if small and not has_accelerator() else None
    run = tf.function(steps, jit_compile=by_xla, reduce_retracing=True, autograph=False)
    return lambda count, *args: run(tf.constant(count, "int32"), *args)


def train_function(trainer: Any, eager: bool) -> Callable:
    """Returns what Keras's TensorFlow trainer calls in `fit`, with an iterator of batches."""

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
    """Returns what Keras's TensorFlow trainer calls in `evaluate`."""
    run = trainer.validation_logs if eager else compiled(trainer.validation_logs)
    return lambda iterator: run(*trainer.validation_inputs(next(iterator)))


def repeat(step: Callable, variables: list[keras.Variable], count: Any) -> None:
    """Runs `step()`, which assigns `variables`, `count` times inside of a compiled step.

    Args:
        step: Function without arguments.
        variables: All that it reads or assigns.
        count: How often, an integer that may be traced.
    """
    del variables  # the graph assigns them by itself
    _repeat(step, count)


def _repeat(body: Callable, count: Any) -> None:
    def once(done: Any) -> tuple:
        body()
        return (done + 1,)

    tf.while_loop(lambda done: done < count, once, [tf.constant(0)], parallel_iterations=1)
