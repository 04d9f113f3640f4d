"""The options with which JAX compiles programs."""

import keras
import pytest

pytestmark = pytest.mark.skipif(keras.backend.backend() != "jax", reason="JAX alone")
KNOWN = {"xla_llvm_disable_expensive_passes": True}
UNKNOWN = {"xla_no_such_option": True}


@pytest.fixture
def engine():
    """The module of JAX, which has not asked XLA for its options yet."""
    from keras_isa.backend import jax as engine

    options = engine._compiler_options
    options.cache_clear()
    yield engine
    options.cache_clear()


@pytest.mark.parametrize(
    ("options", "accelerator", "expected"),
    [
        (KNOWN, False, KNOWN),
        (UNKNOWN, False, {}),
        (KNOWN | UNKNOWN, False, KNOWN),
        (KNOWN, True, {}),
    ],
)
def test_a_cpu_gets_the_options_that_xla_knows(engine, monkeypatch, options, accelerator, expected):
    monkeypatch.setattr(engine, "_CPU_OPTIONS", options)
    monkeypatch.setattr(engine, "has_accelerator", lambda: accelerator)
    assert engine._compiler_options("float32") == expected
    assert engine.compiled(lambda x: x + 1)(1.0) == 2.0


def test_this_version_of_xla_knows_every_option(engine, monkeypatch):
    import jax

    monkeypatch.setattr(engine, "has_accelerator", lambda: False)
    # Later versions of XLA no longer have the older code generator.
    gone = {"xla_cpu_use_fusion_emitters"} if jax.__version_info__ >= (0, 11) else set()
    assert set(engine._compiler_options("float32")) == set(engine._CPU_OPTIONS) - gone


def test_products_of_bfloat16_keep_the_library_of_kernels(engine, monkeypatch):
    monkeypatch.setattr(engine, "has_accelerator", lambda: False)
    left_out = set(engine._compiler_options("float32")) - set(engine._compiler_options("bfloat16"))
    assert left_out == {"xla_cpu_experimental_ynn_fusion_type"}


def test_options_reach_the_compiler(engine, monkeypatch):
    import jax

    monkeypatch.setattr(engine, "_compiler_options", lambda dtype: UNKNOWN)
    program = engine.compiled(lambda x: x + 1)
    with pytest.raises(jax.errors.JaxRuntimeError, match="xla_no_such_option"):
        program(1.0)
