"""Programs are compiled with options that a version of XLA may know or not."""

import keras
import pytest

pytestmark = pytest.mark.skipif(keras.backend.backend() != "jax", reason="options of XLA's own")
KNOWN = {"xla_llvm_disable_expensive_passes": True}
UNKNOWN = {"xla_no_such_option": True}


@pytest.fixture
def engine():
    """The JAX side of the seam, which has not asked XLA yet."""
    from keras_isa.backend import jax as engine

    options = engine._compiler_options
    options.cache_clear()
    yield engine
    options.cache_clear()


@pytest.mark.parametrize(
    ("options", "accelerator", "expected"),
    [(KNOWN, False, KNOWN), (UNKNOWN, False, None), (KNOWN, True, None)],
)
def test_a_cpu_gets_the_options_that_xla_knows(engine, monkeypatch, options, accelerator, expected):
    monkeypatch.setattr(engine, "_CPU_OPTIONS", options)
    monkeypatch.setattr(engine, "has_accelerator", lambda: accelerator)
    assert engine._compiler_options() == expected
    assert engine.compiled(lambda x: x + 1)(1.0) == 2.0


def test_options_reach_the_compiler(engine, monkeypatch):
    import jax

    monkeypatch.setattr(engine, "_compiler_options", lambda: UNKNOWN)
    program = engine.compiled(lambda x: x + 1)
    with pytest.raises(jax.errors.JaxRuntimeError, match="xla_no_such_option"):
        program(1.0)
