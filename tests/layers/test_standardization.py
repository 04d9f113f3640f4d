"""Standardisation: statistics, inverse and saving."""

import importlib.util

import keras
import numpy as np
import pytest

from keras_isa.inputs.arrays import StoredImages
from keras_isa.layers import Standardization, pixel_statistics

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
    monkeypatch.setattr(pixel_statistics, "CHUNK_BYTES", 3 * 32 * 8)
    images = RNG.normal(size=(8, 4, 4, 2)) * [1.0, 30.0] + [5.0, -2.0]
    layer = Standardization(2).adapt(images)
    np.testing.assert_allclose(layer.mean, images.mean(axis=(0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(layer.std, images.std(axis=(0, 1, 2)), rtol=1e-6)


@pytest.mark.parametrize("shape", [(40, 3), (40, 5, 3), (40, 5, 4, 3), (10, 2, 2, 2, 3)])
def test_the_last_axis_holds_the_channels(shape):
    images = RNG.normal(size=shape) * [1.0, 30.0, 0.01] + [5.0, -200.0, 0.0]
    layer = Standardization(3).adapt(images)
    wide = images.reshape(-1, 3)
    np.testing.assert_allclose(layer.mean, wide.mean(axis=0), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(layer.std, wide.std(axis=0), rtol=1e-5)
    result = np.array(layer(images))
    assert result.shape == shape
    np.testing.assert_allclose(layer.inverse(result), images, atol=1e-4)


def test_each_feature_of_sequences_has_one_mean_over_all_steps():
    sequences = RNG.normal(size=(30, 12, 4)) * [1.0, 10.0, 1e-3, 0.0] + [0.0, 5.0, 1e3, 7.0]
    sequences += np.linspace(0, 1, 12)[:, np.newaxis] * [2.0, 0.0, 0.0, 0.0]  # a trend over time
    layer = Standardization(4).adapt(sequences)
    mean = [np.mean(sequences[:, :, k]) for k in range(4)]
    std = [np.std(sequences[:, :, k]) for k in range(3)]
    np.testing.assert_allclose(layer.mean, mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        layer.std, [*std, 1.0], rtol=1e-5
    )  # the constant one is divided by 1
    result = np.array(layer(sequences))
    assert np.isfinite(result).all() and not result[..., 3].any()
    np.testing.assert_allclose(layer.inverse(result), sequences, rtol=1e-5, atol=1e-5)


def test_stored_images_and_batches_equal_an_array():
    images = RNG.integers(0, 256, (23, 4, 4, 3)).astype("uint8")
    expected = Standardization(3).adapt(images)

    def batches():  # one buffer for all of them, and an empty one
        buffer = np.empty((10, 4, 4, 3), "uint8")
        for start in (0, 10, 20, 30):
            part = images[start : start + 10]
            buffer[: len(part)] = part
            yield buffer[: len(part)]

    for given in (batches(), [images[:1], images[1:]], [images], StoredImages(images)):
        layer = Standardization(3).adapt(given)
        np.testing.assert_allclose(layer.mean, expected.mean, rtol=1e-6)
        np.testing.assert_allclose(layer.std, expected.std, rtol=1e-6)


def test_it_is_cheap_enough_for_every_batch():
    assert Standardization(1).elementwise is True


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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_constant_channel_becomes_zero(dtype):
    images = RNG.normal(size=(5, 3, 3, 2)).astype("float32")
    images[..., 1] = 0.1
    layer = Standardization(2).adapt(images.astype(dtype))
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
    assert keras.ops.dtype(result) == "float32" and float(result[0, 0, 0, 0]) == 257


@pytest.mark.parametrize("channels", [0, -1, 1.0, "3", None, True])
def test_bad_numbers_of_channels_are_refused(channels):
    with pytest.raises(ValueError, match="`channels` must be a positive integer. Received"):
        Standardization(channels)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((2, 3, 3, 3)),
        np.zeros(3),
        np.zeros((0, 3, 3, 1)),
        [],
        [np.zeros((2, 3, 3, 1)), np.zeros((2, 3, 4, 1))],
        np.full((2, 3, 3, 1), np.inf),
    ],
)
def test_images_that_do_not_fit_are_refused(images):
    with pytest.raises(ValueError, match=r"`images` must .*Received"):
        Standardization(1).adapt(images)


def test_values_that_are_no_numbers_are_refused():
    with pytest.raises(TypeError, match="`images` must hold real numbers. Received"):
        Standardization(1).adapt(np.full((2, 3, 3, 1), "a"))


# ---------------------------------------------------------------- constants that are published


@pytest.mark.parametrize(
    ("name", "mean", "std"), [("mnist", 0.1307, 0.3081), ("fashion_mnist", 0.2861, 0.3530)]
)
def test_published_constants_of_grey_sets(data_dir, name, mean, std):
    with np.load(data_dir / f"{name}.npz") as data:
        layer = Standardization(1).adapt(data["x_train"][..., np.newaxis])
    assert float(layer.mean.value[0]) / 255 == pytest.approx(mean, abs=1e-4)
    assert float(layer.std.value[0]) / 255 == pytest.approx(std, abs=1e-4)


@pytest.mark.slow
def test_published_constants_of_cifar10(data_dir):
    spec = importlib.util.spec_from_file_location("load_packed", data_dir / "load_packed.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    parts = (data_dir / f"cifar10_part{k}_webp.npz" for k in (1, 2))
    layer = Standardization(3).adapt(module.load_packed(part)["x_train"] for part in parts)
    np.testing.assert_allclose(np.array(layer.mean) / 255, (0.4914, 0.4822, 0.4465), atol=1e-4)
    np.testing.assert_allclose(np.array(layer.std) / 255, (0.2470, 0.2435, 0.2616), atol=1e-4)
