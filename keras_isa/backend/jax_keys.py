"""Random keys of JAX with which programs compile faster."""

import functools
import math
from typing import Any

import jax
from jax.extend import random


def random_key(key: Any) -> jax.Array:
    """Returns a key with which `keras.random` draws numbers as one row and then reshapes them.

    The numbers stay the same, and programs compile faster. Kernels have short axes, in whose loops
    LLVM would unroll the generator. That took half of a step's compilation (benchmarks/NOTES.md).

    Args:
        key: A raw key, `(2,)` uint32, as `keras.random.SeedGenerator.next()` returns it.

    Returns:
        A typed key of JAX, `()`; the raw key when the user has chosen another generator.
    """
    if jax.config.jax_default_prng_impl != "threefry2x32":
        return key
    return jax.random.wrap_key_data(key, impl=_flat_threefry())


@functools.cache
def _flat_threefry() -> Any:
    own = random.threefry_prng_impl

    def bits(key: Any, width: int, shape: tuple) -> jax.Array:
        return own.random_bits(key, width, (math.prod(shape),)).reshape(shape)

    return random.define_prng_impl(
        key_shape=own.key_shape,
        seed=own.seed,
        split=own.split,
        random_bits=bits,
        fold_in=own.fold_in,
        name="flat_threefry",
        tag="row",
    )
