#!/usr/bin/env bash
# A jitted step returns an array divided that it took whole, and is compiled again for it.
#
# State that every device has whole (a replicated NamedSharding) goes into a step that divides a batch
# by with_sharding_constraint. The compiler chooses where the new state is, and with it an order of
# rows, from which the batch is gathered, comes back divided among the devices. The second call of
# the same jitted function, with what the first returned, compiles a second program; the compiled
# object of `lower(...).compile()` refuses its own output. A constraint on what is returned, or
# out_shardings, keeps the state where it was.
#
# Seen with jax 0.10.2 on two devices of one CPU: 2 programs after two calls; the compiled object
# raises "Computation was compiled for input shardings that disagree"; 1 program with the constraint.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --no-compile 'jax==0.10.2'
JAX_PLATFORMS=cpu XLA_FLAGS=--xla_force_host_platform_device_count=2 \
    "$folder/env/bin/python" - <<'PYTHON'
import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

mesh = Mesh(np.array(jax.devices()), ("batch",))
whole = NamedSharding(mesh, PartitionSpec())
divided = NamedSharding(mesh, PartitionSpec("batch"))
images = jax.device_put(np.ones((256, 2), "float32"), whole)
order = jax.device_put(np.arange(256, dtype="int32"), whole)


def step(order):
    order = order[::-1]
    batch = jax.lax.with_sharding_constraint(images[order], divided)
    return order, batch.sum()


def kept(order):
    order, total = step(order)
    return jax.lax.with_sharding_constraint(order, whole), total


def programs(function):
    run = jax.jit(function)
    once, _ = run(order)
    run(once)
    return run._cache_size(), once.sharding.is_fully_replicated


free, pinned = programs(step), programs(kept)
print("programs after two calls, whether the order is whole:", free, "with a constraint:", pinned)
assert free == (2, False) and pinned == (1, True)
compiled = jax.jit(step).lower(order).compile()
once, _ = compiled(order)
try:
    compiled(once)
except ValueError as error:
    print(str(error).splitlines()[0])
    assert "shardings that disagree" in str(error)
else:
    raise AssertionError("the compiled step took its own output")
print("as described")
PYTHON
