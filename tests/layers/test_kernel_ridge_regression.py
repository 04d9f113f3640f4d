import keras
import numpy as np
import pytest

from keras_isa import ops
from keras_isa.layers import KernelRidgeRegression


@pytest.fixture
def inputs():
    rng = np.random.default_rng(0)
    shapes = (8, 16), (6, 16), (6, 3)
    return tuple(rng.normal(size=shape).astype("float32") for shape in shapes)


def test_equals_the_function(inputs):
    layer = KernelRidgeRegression(regularization=0.3)
    expected = ops.kernel_regression(*inputs, regularization=0.3)
    np.testing.assert_allclose(layer(inputs), expected, rtol=1e-6)
    assert layer.built and layer.weights == []


def test_computes_in_float32_under_a_mixed_policy(inputs):
    expected = KernelRidgeRegression()(inputs)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        layer = KernelRidgeRegression()
        assert keras.layers.Dense(1).compute_dtype == "bfloat16"
        np.testing.assert_array_equal(layer(inputs), expected)
        halves = [keras.ops.cast(x, "bfloat16") for x in inputs]
        assert keras.backend.standardize_dtype(layer(halves).dtype) == "float32"
    finally:
        keras.config.set_dtype_policy(before)
    restored = KernelRidgeRegression.from_config(layer.get_config())
    np.testing.assert_array_equal(restored(inputs), expected)
    np.testing.assert_array_equal(KernelRidgeRegression(dtype="bfloat16")(inputs), expected)


def test_in_a_saved_functional_model(inputs, tmp_path):
    ends = [keras.Input(x.shape[1:], batch_size=len(x)) for x in inputs]
    model = keras.Model(ends, KernelRidgeRegression(0.5, name="krr")(tuple(ends)))
    assert model.output_shape == (8, 3)
    model.save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    assert restored.get_layer("krr").regularization == 0.5
    np.testing.assert_array_equal(restored(list(inputs)), model(list(inputs)))


def test_serialises():
    layer = KernelRidgeRegression(0.25, name="named")
    restored = keras.layers.deserialize(keras.layers.serialize(layer))
    assert type(restored) is KernelRidgeRegression
    assert restored.get_config() == layer.get_config()
    assert restored.regularization == 0.25


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), False, "1"])
def test_bad_regularization_is_refused_at_construction(value):
    with pytest.raises(ValueError, match="`regularization` must .*Received: regularization="):
        KernelRidgeRegression(value)


def test_bad_inputs(inputs):
    with pytest.raises(ValueError, match="`inputs` must be a tuple .*Received: 2"):
        KernelRidgeRegression()(inputs[:2])
