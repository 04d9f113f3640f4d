"""The JAX side of the seam."""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import jax
import keras
import numpy as np
from jax.extend import random

from keras_isa.backend.differentiation import differentiating
from keras_isa.backend.shared import apply_adam as apply_adam
from keras_isa.backend.shared import vectorized_gradients
from keras_isa.backend.stateless import in_groups
from keras_isa.backend.stateless import stateless as stateless
from keras_isa.memory import available_bytes, return_freed

# Many steps of a run go through one compiled call.
LOOPS = True

_KERNEL_LIBRARY = "xla_cpu_experimental_ynn_fusion_type"
# benchmarks/NOTES.md has the figures of both.
_CPU_OPTIONS = {
    # Of XLA's two ways to write kernels the older: they are as fast, and the compiler takes two
    # thirds of the time and half of the memory.
    "xla_cpu_use_fusion_emitters": False,
    # Of its library of kernels (YNN) the sums alone: products as small as those of a convolution
    # are faster without it. Programs of bfloat16 keep all of it.
    _KERNEL_LIBRARY: "LIBRARY_FUSION_TYPE_REDUCE",
}
# Ten images of 8x8 pixels each took 15 ms at once and 17 one by one, of 16x16 pixels 46 and 37.
_FEW_PIXELS = 1000
_FEW_OPTIMISATIONS = "jax_disable_most_optimizations"


def has_accelerator() -> bool:
    try:
        return jax.default_backend() != "cpu"
    except (RuntimeError, AssertionError) as error:  # by version and platform
        platforms = jax.config.jax_platforms
        raise ValueError(
            "`jax_platforms` must name a platform that this machine and this installation of JAX "
            "have; leave it out, or set the environment variable JAX_PLATFORMS=cpu. "
            f"Received: jax_platforms={platforms!r}"
        ) from error


# Settings under which other numbers are drawn than by default, or operations of ours or of Keras
# fail: in 64 bits some indices are not of one type, and keys are raw, of the default generator.
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
    """A context with the settings of `_STANDARD`, and with transfers to and from the device."""
    has_accelerator()  # says so where there is no device at all
    with contextlib.ExitStack() as stack:
        for name, value in _STANDARD.items():
            if getattr(jax.config, f"jax_{name}") != value:
                stack.enter_context(getattr(jax, name)(value))
        stack.enter_context(jax.transfer_guard("allow"))
        yield


def run_in_calling_thread() -> None:
    """Runs programs on a CPU in the thread that calls them; no effect once there is an array."""
    jax.config.update("jax_cpu_enable_async_dispatch", False)


def free_bytes() -> int:
    statistics = jax.devices()[0].memory_stats() if has_accelerator() else None
    if statistics and "bytes_limit" in statistics:
        return statistics["bytes_limit"] - statistics["bytes_in_use"]
    return available_bytes()


def random_key(key: Any) -> jax.Array:
    """The key as `keras.random` takes it, so that its numbers are drawn in a row, then reshaped.

    The numbers are the same. Around loops over short axes, as kernels have, LLVM would unroll the
    generator, and take half of a step's compilation for it (benchmarks/NOTES.md).

    Args:
        key: A raw key, `(2,)` uint32, as `keras.random.SeedGenerator.next()` returns it.

    Returns:
        A typed key of JAX, `()`; the raw one where the user has chosen another generator.
    """
    if jax.config.jax_default_prng_impl != "threefry2x32":
        return key
    return jax.random.wrap_key_data(key, impl=_threefry_in_a_row())


@functools.cache
def _threefry_in_a_row() -> Any:
    own = random.threefry_prng_impl

    def bits(key: Any, width: int, shape: tuple) -> jax.Array:
        return own.random_bits(key, width, (math.prod(shape),)).reshape(shape)

    return random.define_prng_impl(
        key_shape=own.key_shape,
        seed=own.seed,
        split=own.split,
        random_bits=bits,
        fold_in=own.fold_in,
        name="threefry_in_a_row",
        tag="row",
    )


def to_device(array: Any) -> jax.Array:
    """Places an array on the default device, or on all of `keras.distribution`.

    An array that lives there is not copied.
    """
    distribution = keras.distribution.distribution()
    if distribution is None:
        return jax.device_put(array)
    everywhere = keras.distribution.TensorLayout([None] * np.ndim(array), distribution.device_mesh)
    return keras.distribution.distribute_tensor(array, everywhere)


def process() -> tuple[int, int]:
    """Number of this process among those that compute together, and how many there are."""
    return jax.process_index(), jax.process_count()


def split_batch(array: Any) -> Any:
    """Gives each device of `keras.distribution` its part of a batch, along the first axis."""
    distribution = keras.distribution.distribution()
    if distribution is None:
        return array
    layout = distribution.get_data_layout(array.shape)
    return keras.distribution.distribute_tensor(array, layout)


def compiled(function: Callable, donate: tuple[int, ...] = (), dtype: str = "float32") -> Callable:
    """Compiles a pure function of arrays.

    Args:
        function: The function.
        donate: Numbers of the arguments that may be overwritten.
        dtype: What its networks multiply in.
    """
    return jax.jit(function, donate_argnums=donate, compiler_options=_compiler_options(dtype))


@contextlib.contextmanager
def compiling_quickly() -> Iterator[None]:
    """A context in which single operations on a CPU are compiled with few optimisations."""
    before = jax.config.read(_FEW_OPTIMISATIONS)
    jax.config.update(_FEW_OPTIMISATIONS, before or not has_accelerator())
    try:
        yield
    finally:
        jax.config.update(_FEW_OPTIMISATIONS, before)


@functools.cache
def _compiler_options(dtype: str) -> dict[str, Any]:
    """What `jax.jit` hands to XLA for networks of a dtype: on a CPU those of `_CPU_OPTIONS` that
    this version knows."""
    if has_accelerator():
        return {}
    options = dict(_CPU_OPTIONS)
    if dtype == "bfloat16":
        options.pop(_KERNEL_LIBRARY, None)
    return {name: value for name, value in options.items() if _is_known({name: value})}


def _is_known(option: dict[str, Any]) -> bool:
    """Whether this version of XLA takes the option: their names come and go."""
    try:
        jax.jit(lambda: 0, compiler_options=option).lower().compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True


def forget_compiled() -> None:
    """Drops every compiled program, and with it whatever objects it holds on to."""
    jax.clear_caches()


def value_and_grad(function: Callable) -> Callable:
    """`function(arrays, *rest) -> (loss, aux)` becomes `-> ((loss, aux), gradients of arrays)`."""
    return jax.value_and_grad(differentiating()(function), has_aux=True)


def looped(
    step: Callable, variables: list[keras.Variable], dtype: str = "float32", small: bool = False
) -> Callable:
    """Makes `call(count, *args)` that runs `step(*args)`, which assigns `variables`, many times.

    It is compiled for products in `dtype`, as by `compiled`; `small` says of a step that it is
    many little operations.
    """
    del small  # XLA joins operations in any case

    def loop(values: list, count: Any, *args: Any) -> list:
        pure = stateless(step, variables)
        return _repeat(lambda carried: pure(carried, *args)[1], count, values)

    run = compiled(loop, donate=(0,), dtype=dtype)

    def call(count: int, *args: Any) -> None:
        # Copies, on the device: a value may be shared, as equal initial values are, and is
        # overwritten.
        values = [jax.numpy.array(variable.value, copy=True) for variable in variables]
        for variable, value in zip(variables, run(values, np.int32(count), *args), strict=True):
            variable.assign(value)

    return call


def train_call(trainer: Any) -> Callable:
    """The pure function behind `train_function`.

    Args:
        trainer: A trainer with `training_step(data)` and `training_logs()`, which read and assign
            its variables.

    Returns:
        `call(state, data, count) -> (logs, state)`; the state are Keras's four lists of raw arrays
        (trainable, non-trainable, optimizer and metric variables), the count of steps is `(1,)`
        int32, or `None` for one step outside of any loop.
    """

    def call(state: tuple, data: Any, count: Any) -> tuple[Any, tuple]:
        groups = (
            trainer.trainable_variables,
            trainer.non_trainable_variables,
            trainer.optimizer.variables,
            trainer.metrics_variables,
        )

        def step(state: tuple) -> tuple:
            return in_groups(trainer.training_step, groups, state, data)[1]

        state = step(state) if count is None else _repeat(step, count[0], state)
        return in_groups(trainer.training_logs, groups, state)

    return call


def test_call(trainer: Any) -> Callable:
    """As `train_call`: `call(state, data, member) -> (logs, state)`, no optimizer in the lists."""

    def call(state: tuple, data: Any, member: Any) -> tuple[Any, tuple]:
        groups = (
            trainer.trainable_variables,
            trainer.non_trainable_variables,
            trainer.metrics_variables,
        )
        return in_groups(trainer.validation_logs, groups, state, data, member)

    return call


# What Keras's JAX trainer calls its lists of arrays.
_STATE = tuple(
    f"{group}_variables" for group in ("trainable", "non_trainable", "optimizer", "metrics")
)


def train_function(trainer: Any, eager: bool) -> Callable:
    """What Keras's JAX trainer calls in `fit`, with its state and an iterator over batches."""
    run = train_call(trainer)
    if not eager:
        run = _compiled_first(compiled(run, donate=(0,), dtype=trainer.network_dtype))

    def step(state: Any, iterator: Any) -> tuple[Any, Any]:
        inputs = trainer.call_inputs(next(iterator))
        if inputs is not None:
            return run(state, *inputs)
        # The metrics are the last of Keras's lists.
        return stateless(trainer.skipped_logs, trainer.metrics_variables)(state[-1])[0], state

    def function(state: Any, iterator: Any) -> tuple[Any, Any]:
        try:
            return step(state, iterator)
        except BaseException:
            # Keras has taken the values out of the variables; it puts back what it finds here.
            if not any(array.is_deleted() for array in jax.tree.leaves(state)):
                trainer._jax_state = dict(zip(_STATE, state, strict=True))
            raise

    return function


def _compiled_first(run: Callable) -> Callable:
    """Lets go of what the compiler leaves behind before the first call takes memory of its own."""
    ready = False

    def call(*arguments: Any) -> Any:
        nonlocal ready
        if not ready:
            run.lower(*arguments).compile()  # the call finds it
            return_freed()
            ready = True
        return run(*arguments)

    return call


def test_function(trainer: Any, eager: bool) -> Callable:
    """What Keras's JAX trainer calls in `evaluate`."""
    run = test_call(trainer)
    if not eager:
        run = compiled(run, donate=(0,), dtype=trainer.network_dtype)

    def function(state: Any, iterator: Any) -> tuple[Any, Any]:
        # Keras's iterator counts `steps_per_execution` batches per call here too.
        logs = {}
        for batch in itertools.islice(iterator, trainer.steps_per_execution):
            logs, state = run(state, *trainer.validation_inputs(batch))
        return logs, state

    return function


def _repeat(body: Callable, count: Any, state: Any) -> Any:
    """Applies `state = body(state)` `count` times in one compiled loop; `count` may be traced."""
    return jax.lax.fori_loop(0, count, lambda _, carried: body(carried), state)


def side_by_side(pixels: int, known: bool) -> bool:
    """Whether networks that see so many pixels each are computed all at once, or one by one.

    A CPU's caches hold the work of one; but products of few rows do not keep its cores busy.

    Args:
        pixels: Pixels of one step of one network.
        known: Whether they are of this library, or of any other layers.
    """
    del known  # JAX vectorises whatever it compiles
    return has_accelerator() or pixels <= _FEW_PIXELS


def draw_each(draw: Callable, keys: Any) -> Any:
    """Stacks what `draw(key)` returns for each of the keys `(r, 2)`."""
    return keras.ops.vectorized_map(draw, keys)


gradients_of_each = functools.partial(vectorized_gradients, value_and_grad)


def cholesky(matrix: Any) -> Any:
    """Cholesky factor of a symmetric matrix; not finite where there is none."""
    return jax.numpy.linalg.cholesky(matrix)


def short_product(left: Any, right: Any) -> Any:
    """The product `(n, m)` of matrices `(n, k)` and `(k, m)` of a short format, in float32."""
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
        The compiled function, and the bytes that a call takes beside its arguments.
    """
    shapes = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), arguments)
    executable = compiled(function, donate, dtype).lower(*shapes).compile()
    memory = executable.memory_analysis()
    extra = memory.temp_size_in_bytes + memory.output_size_in_bytes - memory.alias_size_in_bytes
    return executable, extra


def wait(arrays: Any) -> Any:
    """Returns when arrays have been computed."""
    return jax.block_until_ready(arrays)
