"""Programs are compiled with options that a version of XLA may know or not."""

import keras
import pytest

from keras_isa.models.recorded_network import RecordedNetwork

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
    # Later versions have one way left to write kernels.
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


@pytest.fixture
def haste():
    """Whether JAX compiles in haste now; by default it does not while a test runs."""
    import jax

    was = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", False)
    yield lambda: jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", was)


@pytest.mark.parametrize("accelerator", [False, True])
def test_haste_is_for_cpus_and_ends(engine, monkeypatch, haste, accelerator):
    monkeypatch.setattr(engine, "has_accelerator", lambda: accelerator)
    with pytest.raises(RuntimeError, match="stop"), engine.compiling_quickly():
        assert haste() is not accelerator
        raise RuntimeError("stop")
    assert not haste()


def test_haste_of_the_user_stays(engine, haste):
    import jax

    jax.config.update("jax_disable_most_optimizations", True)
    with engine.compiling_quickly():
        assert haste()
    assert haste()


def test_first_values_of_a_network_are_drawn_in_haste(haste):
    found = {"build": [], "draw": []}

    def draw(shape, dtype):
        found["draw"].append(haste())
        return keras.ops.zeros(shape, dtype)

    def build():
        found["build"].append(haste())
        features = keras.Input((3,))
        logits = keras.layers.Dense(2, kernel_initializer=draw)(features)
        return keras.Model(features, [logits, features])

    RecordedNetwork(build, (3,), 2)
    assert found == {"build": [False], "draw": [True]}
