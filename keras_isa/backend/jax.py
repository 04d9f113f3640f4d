"""What the library needs of JAX and `keras.ops` does not offer."""

import contextlib
import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jaxlib
import keras
import numpy as np

from keras_isa.backend.differentiation import differentiating, freely_differentiable
from keras_isa.backend.jax_keys import random_key as random_key
from keras_isa.backend.jax_layouts import described, kept_in_place
from keras_isa.backend.jax_layouts import split_batch as split_batch
from keras_isa.backend.jax_layouts import to_device as to_device
from keras_isa.backend.shared import apply_adam as apply_adam
from keras_isa.backend.shared import named_devices, stateless_call, vectorized_gradients
from keras_isa.backend.shared import stateless as stateless
from keras_isa.memory import available_bytes, return_freed_memory

# Whether one compiled call runs many steps.
LOOPS = True

_KERNEL_LIBRARY = "xla_cpu_experimental_ynn_fusion_type"
_MANY_THREADS = "xla_cpu_multi_thread_eigen"
# benchmarks/NOTES.md has the measurements for both.
_CPU_OPTIONS = {
    # XLA has two code generators for kernels. Those of the older one are as fast, and it takes two
    # thirds of the time and half of the memory.
    "xla_cpu_use_fusion_emitters": False,
    # XLA's library of kernels (YNN) computes sums only: products as small as those of a convolution
    # are faster without it. In bfloat16 programs it computes everything.
    _KERNEL_LIBRARY: "LIBRARY_FUSION_TYPE_REDUCE",
}
# Five networks on ten images: 8x8 pixels took 15 ms together and 17 in turn, 16x16 46 and 37.
_MOST_VECTORIZED_PIXELS = 1000


def has_accelerator() -> bool:
    try:
        return jax.default_backend() != "cpu"
    except (RuntimeError, AssertionError) as error:  # JAX's versions differ in which one they raise
        platforms = jax.config.jax_platforms
        raise ValueError(
            "`jax_platforms` must name a platform that this machine and this installation of JAX "
            "have; leave it out, or set the environment variable JAX_PLATFORMS=cpu. "
            f"Received: jax_platforms={platforms!r}"
        ) from error


# Settings of JAX that the library needs. Under others JAX draws other random numbers, or operations
# fail: with 64 bits dtypes of indices differ, and keys must be raw ones of the default generator.
_STANDARD = {
    "enable_x64": False,
    "default_prng_impl": "threefry2x32",
    "threefry_partitionable": True,
    "legacy_prng_key": "allow",
    "numpy_dtype_promotion": "standard",
    "numpy_rank_promotion": "allow",
}


@contextlib.contextmanager
def standard_settings() -> Iterator[None]:
    """A context with the settings of `_STANDARD` that also lets arrays move to and from devices."""
    has_accelerator()  # raises an error that says so when there is no device at all
    with contextlib.ExitStack() as stack:
        for name, value in _STANDARD.items():
            if getattr(jax.config, f"jax_{name}") != value:
                stack.enter_context(getattr(jax, name)(value))
        stack.enter_context(jax.transfer_guard("allow"))
        yield


def device_name() -> str:
    return named_devices([device.device_kind for device in jax.devices() if has_accelerator()])


def numeric_settings() -> dict[str, Any]:
    """Settings and versions on which the last bits of results may depend."""
    names = [name for name in sorted(jax.config.values) if "cache" not in name]
    found = {name: getattr(jax.config, name, jax.config.values[name]) for name in names}
    return {
        **found,
        "jax": jax.__version__,
        "jaxlib": jaxlib.__version__,
        "platform": jax.devices()[0].client.platform_version,
    }


def run_in_calling_thread() -> None:
    """Makes JAX run CPU programs in the calling thread; has no effect once JAX holds an array."""
    jax.config.update("jax_cpu_enable_async_dispatch", False)


def free_bytes() -> int:
    statistics = jax.devices()[0].memory_stats() if has_accelerator() else None
    if statistics and "bytes_limit" in statistics:
        return statistics["bytes_limit"] - statistics["bytes_in_use"]
    return available_bytes()


def process() -> tuple[int, int]:
    """Returns the index of this process and the number of processes that compute together."""
    return jax.process_index(), jax.process_count()


def compiled(function: Callable, donate: tuple[int, ...] = (), dtype: str = "float32") -> Callable:
    """Compiles a pure function of arrays.

    Args:
        function: The function.
        donate: Positions of the arguments whose memory may be overwritten.
        dtype: Compute dtype of the networks in it.
    """
    return jax.jit(function, donate_argnums=donate, compiler_options=_compiler_options(dtype))


@functools.cache
def _compiler_options(dtype: str, one_thread: bool = False) -> dict[str, Any]:
    """Returns the options of XLA for a compute dtype: on a CPU the known ones of `_CPU_OPTIONS`."""
    if has_accelerator():
        return {}
    options = dict(_CPU_OPTIONS)
    if dtype == "bfloat16":
        options.pop(_KERNEL_LIBRARY, None)
    if one_thread:
        options[_MANY_THREADS] = False
    return {name: value for name, value in options.items() if _is_known({name: value})}


def _is_known(option: dict[str, Any]) -> bool:
    """Whether the installed version of XLA has the option; versions differ in this."""
    try:
        jax.jit(lambda: 0, compiler_options=option).lower().compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True


def forget_compiled() -> None:
    """Drops all compiled programs, and with them the objects that they refer to."""
    jax.clear_caches()


def value_and_grad(function: Callable) -> Callable:
    """Turns `function(arrays, *rest) -> (loss, aux)` into `-> ((loss, aux), gradients)`."""
    return jax.value_and_grad(differentiating()(function), has_aux=True)


def linearized(function: Callable, point: list) -> tuple[Callable, Callable]:
    """Linearises a function at a point, once for many products.

    Args:
        function: Takes as many arrays as the point has, and returns one array.
        point: Arrays.

    Returns:
        `push(change) -> moved`, the product of the Jacobian with a list of arrays, and
        `pull(upstream) -> list`, that of its transpose.
    """
    with freely_differentiable():
        _, push = jax.linearize(function, *point)
        transposed = jax.linear_transpose(push, *point)
    return lambda change: push(*change), lambda upstream: list(transposed(upstream))


def looped(
    step: Callable, variables: list[keras.Variable], dtype: str = "float32", small: bool = False
) -> Callable:
    """Makes `call(count, *args)`, which runs `step(*args)` `count` times in one compiled program.

    The step assigns `variables`. `dtype` is as in `compiled`, and `small` says that the step has
    many small operations.
    """
    del small  # XLA fuses operations in any case

    def steps_of_networks(values: list, count: Any, *args: Any) -> list:
        pure = stateless(step, variables)
        return jax.lax.fori_loop(0, count, lambda _, carried: pure(carried, *args)[1], values)

    run = compiled(steps_of_networks, donate=(0,), dtype=dtype)

    def call(count: int, *args: Any) -> None:
        # The loop overwrites its values, and equal initial values may share memory: all are copied.
        values = [jax.numpy.array(variable.value, copy=True) for variable in variables]
        for variable, value in zip(variables, run(values, np.int32(count), *args), strict=True):
            variable.assign(value)

    return call


def repeat(step: Callable, variables: list[keras.Variable], count: Any) -> None:
    """Runs `step()`, which assigns `variables`, `count` times inside of a compiled step.

    Where no variable has a value of its own, as inside of `fit`, the step finds none but these.

    Args:
        step: Function without arguments.
        variables: All that it reads or assigns.
        count: How often, an integer that may be traced.
    """
    pure = stateless(step, variables)
    values = [jax.numpy.asarray(keras.ops.convert_to_tensor(one)) for one in variables]
    values = jax.lax.fori_loop(0, count, lambda _, carried: pure(carried)[1], values)
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def train_call(trainer: Any) -> Callable:
    """Makes the pure function that `train_function` compiles.

    Args:
        trainer: A trainer with `training_step(data)` and `training_logs()`, which read and assign
            its variables.

    Returns:
        `call(state, data, count) -> (logs, state)`. The state is the tuple of Keras's four lists of
        arrays (trainable, non-trainable, optimizer and metric variables). `count` is the number of
        steps, `(1,)` int32, or `None` for one step without a loop.
    """

    def distillation_steps(state: tuple, data: Any, count: Any) -> tuple[Any, tuple]:
        groups = (
            trainer.trainable_variables,
            trainer.non_trainable_variables,
            trainer.optimizer.variables,
            trainer.metrics_variables,
        )

        def step(_: Any, state: tuple) -> tuple:
            return stateless_call(trainer.training_step, groups, state, data)[1]

        state = step(0, state) if count is None else jax.lax.fori_loop(0, count[0], step, state)
        return kept_in_place(groups, *stateless_call(trainer.training_logs, groups, state))

    return distillation_steps


def test_call(trainer: Any) -> Callable:
    """Makes `call(state, data, member) -> (logs, state)`; the state has no optimizer variables."""

    def validation(state: tuple, data: Any, member: Any) -> tuple[Any, tuple]:
        groups = (
            trainer.trainable_variables,
            trainer.non_trainable_variables,
            trainer.metrics_variables,
        )
        logs, state = stateless_call(trainer.validation_logs, groups, state, data, member)
        return kept_in_place(groups, logs, state)

    return validation


# The names of the lists of arrays in Keras's JAX trainer.
_STATE = tuple(
    f"{group}_variables" for group in ("trainable", "non_trainable", "optimizer", "metrics")
)


def train_function(trainer: Any, eager: bool) -> Callable:
    """Returns what Keras's JAX trainer calls in `fit`, with its state and batches."""
    run = train_call(trainer)
    if not eager:
        run = _compiled_first(compiled(run, donate=(0,), dtype=trainer.network_dtype))

    def step(state: Any, iterator: Any) -> tuple[Any, Any]:
        inputs = trainer.call_inputs(next(iterator))
        if inputs is not None:
            return run(state, *inputs)
        # The last of Keras's lists has the metric variables.
        return stateless(trainer.skipped_logs, trainer.metrics_variables)(state[-1])[0], state

    def function(state: Any, iterator: Any) -> tuple[Any, Any]:
        try:
            return step(state, iterator)
        except BaseException:
            # Keras has taken the values out of the variables. It puts back what it finds here.
            if not any(array.is_deleted() for array in jax.tree.leaves(state)):
                trainer._jax_state = dict(zip(_STATE, state, strict=True))
            raise

    return function


def _compiled_first(run: Callable) -> Callable:
    """Compiles before the first call, and frees the compiler's memory before it takes its own."""
    ready = False

    def call(*arguments: Any) -> Any:
        nonlocal ready
        if not ready:
            run.lower(*arguments).compile()  # the call finds the program in JAX's cache
            return_freed_memory()
            ready = True
        return run(*arguments)

    return call


def test_function(trainer: Any, eager: bool) -> Callable:
    """Returns what Keras's JAX trainer calls in `evaluate`."""
    run = test_call(trainer)
    if not eager:
        run = compiled(run, donate=(0,), dtype=trainer.network_dtype)

    def function(state: Any, iterator: Any) -> tuple[Any, Any]:
        # Keras counts `steps_per_execution` batches per call here too.
        logs = {}
        for batch in itertools.islice(iterator, trainer.steps_per_execution):
            logs, state = run(state, *trainer.validation_inputs(batch))
        return logs, state

    return function


def side_by_side(pixels: int, known: bool) -> bool:
    """Whether several networks are computed side by side, vectorised, instead of one by one.

    A CPU's caches hold the work of one network only. Yet with few pixels per network the products
    are too small to keep the cores busy.

    Args:
        pixels: Pixels that one network sees in one step.
        known: Whether all layers are this library's own.
    """
    del known  # JAX vectorises every layer that it compiles
    return has_accelerator() or pixels <= _MOST_VECTORIZED_PIXELS


def draw_each(draw: Callable, keys: Any) -> Any:
    """Calls `draw(key)` for each of the keys `(r, 2)`, vectorised, and stacks the results."""
    return keras.ops.vectorized_map(draw, keys)


gradients_of_each = functools.partial(vectorized_gradients, value_and_grad)


def cholesky(matrix: Any) -> Any:
    """Returns the Cholesky factor of a symmetric matrix, with NaN in it if no factor exists."""
    return jax.numpy.linalg.cholesky(matrix)


def short_product(left: Any, right: Any) -> Any:
    """Multiplies 16-bit matrices `(n, k)` and `(k, m)` and returns a float32 one `(n, m)`."""
    return jax.numpy.matmul(left, right, preferred_element_type=jax.numpy.float32)


def full_precision() -> Any:
    """A context in which products of float32 matrices are not rounded to a shorter format."""
    return jax.default_matmul_precision("highest")


def compiled_ahead(
    function: Callable, arguments: tuple, donate: tuple[int, ...] = (), dtype: str = "float32"
) -> tuple[Callable, int]:
    """Compiles a function for arguments of known shapes, which need not be in memory.

    Args:
        function: Pure function of arrays.
        arguments: Its arguments; only `shape` and `dtype` of each array are looked at.
        donate: As in `compiled`.
        dtype: As in `compiled`.

    Returns:
        The compiled function, and the bytes that a call takes in addition to its arguments.
    """
    shapes = jax.tree.map(described, arguments)
    executable = compiled(function, donate, dtype).lower(*shapes).compile()
    memory = executable.memory_analysis()
    extra = memory.temp_size_in_bytes + memory.output_size_in_bytes - memory.alias_size_in_bytes
    return executable, extra


def wait(arrays: Any) -> Any:
    """Waits until arrays have been computed, and returns them."""
    return jax.block_until_ready(arrays)
