"""Programs are compiled with options that a version of XLA may know or not."""

import keras
import pytest

jax_only = pytest.mark.skipif(keras.backend.backend() != "jax", reason="options of XLA under JAX")


@pytest.fixture
def with_options(monkeypatch):
    """`with_options(options)` gives the engine, which compiles for a CPU with these options."""
    from keras_isa.backend import jax as engine

    def give(options):
        monkeypatch.setattr(engine, "_CPU_OPTIONS", options)
        engine._compiler_options.cache_clear()
        return engine

    yield give
    engine._compiler_options.cache_clear()


@jax_only
def test_known_options_reach_the_compiler(with_options, monkeypatch):
    engine = with_options({"xla_llvm_disable_expensive_passes": True})
    monkeypatch.setattr(engine, "has_accelerator", lambda: False)
    assert engine._compiler_options() == {"xla_llvm_disable_expensive_passes": True}
    assert engine.compiled(lambda x: x + 1)(1.0) == 2.0


@jax_only
def test_programs_compile_without_options_that_xla_does_not_know(with_options, monkeypatch):
    engine = with_options({"xla_no_such_option": True})
    monkeypatch.setattr(engine, "has_accelerator", lambda: False)
    assert engine._compiler_options() is None
    assert engine.compiled(lambda x: x + 1)(1.0) == 2.0


@jax_only
def test_an_accelerator_keeps_xlas_own_choice(with_options, monkeypatch):
    engine = with_options({"xla_llvm_disable_expensive_passes": True})
    monkeypatch.setattr(engine, "has_accelerator", lambda: True)
    assert engine._compiler_options() is None
