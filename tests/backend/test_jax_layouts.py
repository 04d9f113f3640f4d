"""A step whose batch is divided among two devices, for which a program is compiled ahead."""

import os
import subprocess
import sys

import keras
import pytest

pytestmark = pytest.mark.skipif(keras.backend.backend() != "jax", reason="JAX alone")

PROGRAM = """
import keras, keras_isa
from keras_isa.backend import jax_layouts
everywhere = keras.distribution.DataParallel()
keras.distribution.set_distribution(everywhere)
train, _ = keras_isa.datasets.load("digits")
trainer = keras_isa.FRePoTrainer.from_preset("digits", verbose=False, width=4, steps=4, epochs=2)
print(trainer.plan(train).seconds_per_step > 0)
trainer.fit(train, validation_split=0.2, verbose=0)
images = jax_layouts.to_device(train.x[:6])
print(images.sharding.is_fully_replicated, jax_layouts.described(train.x).sharding.spec)
print(jax_layouts.split_batch(images).sharding.is_fully_replicated)
"""


def test_a_program_that_is_compiled_ahead_takes_what_it_returned():
    """Its variables stay where they are, though the compiler would divide some of them."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=2"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split("\n")[:3] == [
        "True",
        "True P(None, None, None, None)",
        "False",
    ], done.stderr
