"""Standardisation: statistics, the way back, and saving."""

import keras
import numpy as np
import pytest

from keras_isa.layers import Standardization

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64", "int16"])
def test_statistics_equal_numpy(dtype):
    images = RNG.integers(0, 256, (7, 5, 4, 3)).astype(dtype)
    layer = Standardization(3)
    assert layer.adapt(images) is layer
    wide = images.astype("float64")
    np.testing.assert_allclose(layer.mean, wide.mean(axis=(0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(layer.std, wide.std(axis=(0, 1, 2)), rtol=1e-6)
    result = np.array(layer(images))
    assert result.dtype == "float32"
    np.testing.assert_allclose(result.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(result.std(axis=(0, 1, 2)), 1, rtol=1e-5)


def test_statistics_of_chunks_equal_those_of_the_whole(monkeypatch):
    monkeypatch.setattr("keras_isa.layers.standardization._CHUNK", 3)
    images = RNG.normal(size=(8, 4, 4, 2)) * [1.0, 30.0] + [5.0, -2.0]
    layer = Standardization(2).adapt(images)
    np.testing.assert_allclose(layer.mean, images.mean(axis=(0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(layer.std, images.std(axis=(0, 1, 2)), rtol=1e-6)


def test_a_small_spread_on_a_large_mean_is_not_lost():
    images = 1e6 + RNG.normal(size=(50, 4, 4, 1))
    assert float(Standardization(1).adapt(images).std.value[0]) == pytest.approx(
        images.std(), rel=1e-5
    )


def test_the_way_back():
    images = RNG.integers(0, 256, (7, 5, 4, 3)).astype("uint8")
    layer = Standardization(3).adapt(images)
    np.testing.assert_allclose(layer.inverse(layer(images)), images, atol=1e-4)
    model_space = RNG.normal(size=(2, 5, 4, 3)).astype("float32")
    np.testing.assert_allclose(layer(layer.inverse(model_space)), model_space, atol=1e-5)


def test_a_constant_channel_becomes_zero():
    images = RNG.normal(size=(5, 3, 3, 2)).astype("float32")
    images[..., 1] = 0.1
    layer = Standardization(2).adapt(images)
    np.testing.assert_array_equal(np.array(layer(images))[..., 1], 0)
    assert float(layer.std.value[1]) == 1
    np.testing.assert_allclose(layer.inverse(layer(images)), images, atol=1e-5)


def test_statistics_are_saved_and_not_trained(tmp_path):
    layer = Standardization(1).adapt(RNG.normal(size=(5, 3, 3, 1)) * 4 + 2)
    network = keras.Sequential([keras.Input((3, 3, 1)), layer])
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    assert not network.trainable_variables and not loaded.trainable_variables
    images = RNG.normal(size=(2, 3, 3, 1)).astype("float32")
    np.testing.assert_array_equal(loaded(images), network(images))
    assert np.abs(np.array(network(images)) - images).max() > 0.1
    restored = Standardization.from_config(layer.get_config())
    assert restored.channels == 1 and restored.name == layer.name


def test_float32_under_mixed_precision():
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        result = Standardization(1)(np.full((1, 2, 2, 1), 257, "float32"))
    finally:
        keras.config.set_dtype_policy(policy)
    assert result.dtype == "float32" and float(result[0, 0, 0, 0]) == 257


@pytest.mark.parametrize("channels", [0, -1, 1.0, "3", None, True])
def test_bad_numbers_of_channels_are_refused(channels):
    with pytest.raises(ValueError, match="`channels` must be a positive integer. Received"):
        Standardization(channels)


@pytest.mark.parametrize("shape", [(2, 3, 3, 3), (2, 3, 1), (0, 3, 3, 1)])
def test_images_that_do_not_fit_are_refused(shape):
    with pytest.raises(ValueError, match=r"`images` must .*Received"):
        Standardization(1).adapt(np.zeros(shape))
