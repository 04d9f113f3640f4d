"""Compiling is most of the time of these tests."""

import jax
import pytest


@pytest.fixture(autouse=True)
def compile_fast():
    """XLA optimises little: these tests compile for longer than they run."""
    option = "jax_disable_most_optimizations"
    before = jax.config.read(option)
    jax.config.update(option, True)
    yield
    jax.config.update(option, before)
