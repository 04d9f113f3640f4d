"""The reuse of memory from one compiled step to the next."""

import platform
import subprocess
import sys

import keras
import pytest

PROGRAM = """
import resource
import sys

from keras_isa import backend

if sys.argv[1] == "reuse":
    backend.reuse_memory()

import numpy as np

engine = backend.current()
tall = engine.to_device(np.linspace(-1, 1, 128_000, dtype="float32").reshape(8000, 16))


def step(x):
    # Two temporary arrays, each above the 32 MB that glibc always gives back to the system.
    product = x @ x[:1500].T
    return ((product @ x[:1500]) @ x[:1500].T + product).max()


step = engine.compiled(step)
for _ in range(3):
    total = engine.wait(step(tall))
began = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    engine.wait(step(tall))
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - began)
print(float(total).hex())
"""


# Page faults: five calls allocate 480 MB, in pages of 4 KB.
_ENOUGH = 10_000


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="programs of other backends differ")
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries decide themselves")
def test_a_compiled_step_touches_no_fresh_memory_and_computes_the_same():
    faults, totals = {}, {}
    for what in ("reuse", "by itself"):
        command = [sys.executable, "-c", PROGRAM, what]
        child = subprocess.run(command, capture_output=True, text=True, check=True)
        faults[what], totals[what] = child.stdout.split()
    # Some systems, or a busy one, hand out pages in other ways: there is nothing to compare.
    if int(faults["by itself"]) > _ENOUGH:
        assert int(faults["reuse"]) < 0.5 * int(faults["by itself"])
    assert totals["reuse"] == totals["by itself"]
