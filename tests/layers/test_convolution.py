"""Every way of computing the convolution against `keras.layers.Conv2D`."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_isa import backend
from keras_isa.inputs.arrays import to_numpy
from keras_isa.layers import PatchConv1D, PatchConv2D
from keras_isa.layers.convolution import (
    IMPLEMENTATIONS,
    SEQUENCE_IMPLEMENTATIONS,
    AveragePooling2x2,
)

RNG = np.random.default_rng(0)


def arrays(side, shape=(2, 5, 7, 3), filters=4):
    inputs = RNG.normal(size=shape).astype("float32")
    kernel = RNG.normal(size=(side, side, shape[-1], filters)).astype("float32")
    upstream = RNG.normal(size=(*shape[:3], filters)).astype("float32")
    return inputs, kernel, upstream


def by_keras(inputs, kernel):
    return ops.conv(inputs, kernel, strides=1, padding="same", data_format="channels_last")


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize(("channels", "shape"), [(1, (5, 7)), (6, (10, 9))])
def test_the_layer_equals_conv2d(implementation, channels, shape):
    options = {"activation": "relu", "bias_initializer": "ones"}
    layer = PatchConv2D(4, 3, implementation=implementation, **options)
    reference = keras.layers.Conv2D(4, 3, padding="same", **options)
    images = RNG.normal(size=(2, *shape, channels)).astype("float32")
    layer.build(images.shape)
    reference.build(images.shape)
    reference.set_weights(layer.get_weights())
    values, expected = to_numpy(layer(images)), to_numpy(reference(images))
    np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-5)
    assert layer.compute_output_shape(images.shape) == (2, *shape, 4)


@pytest.mark.parametrize("implementation", SEQUENCE_IMPLEMENTATIONS)
@pytest.mark.parametrize(("steps", "size"), [(1, 3), (2, 5), (11, 5), (8, 1)])
def test_the_layer_of_sequences_equals_conv1d(
    value_and_gradients, implementation, steps, size, tmp_path
):
    options = {"activation": "relu", "bias_initializer": "ones"}
    layer = PatchConv1D(4, size, implementation=implementation, **options)
    reference = keras.layers.Conv1D(4, size, padding="same", **options)
    sequences = RNG.normal(size=(2, steps, 3)).astype("float32")
    layer.build(sequences.shape)
    reference.build(sequences.shape)
    reference.set_weights(layer.get_weights())
    values, expected = to_numpy(layer(sequences)), to_numpy(reference(sequences))
    np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-5)
    kernel = to_numpy(layer.kernel)
    upstream = RNG.normal(size=values.shape).astype("float32")
    problem = sequences, kernel
    found = value_and_gradients(layer.convolution_op, *problem, upstream=upstream)
    wanted = value_and_gradients(by_keras, *problem, upstream=upstream)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(to_numpy(one), to_numpy(other), rtol=1e-4, atol=1e-4)
    restored = PatchConv1D.from_config(layer.get_config())
    assert restored.get_config() == layer.get_config() and restored.kernel_size == (size,)


def test_sequences_are_convolved_natively_but_on_a_cpu_with_jax(monkeypatch):
    monkeypatch.setattr(backend, "has_accelerator", lambda: False)
    expected = "patches" if keras.backend.backend() == "jax" else "native"
    assert PatchConv1D(4).way((None, 8, 3)) == expected
    with pytest.raises(ValueError, match="`implementation` must be one of .*'winograd'"):
        PatchConv1D(4, implementation="winograd")
    with pytest.raises(ValueError, match="`strides` .*unlike that of Conv1D.*strides=2"):
        PatchConv1D(4, strides=2)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="the next test says what others do")
def test_auto_chooses_by_shape_on_a_cpu(monkeypatch):
    layer = PatchConv2D(4)
    monkeypatch.setattr(backend, "has_accelerator", lambda: False)
    assert layer.way((2, 32, 32, 3)) == "patches"
    assert layer.way((2, 4, 4, 64)) == "patches"
    assert layer.way((2, 8, 8, 64)) == "winograd"
    assert PatchConv2D(4, 5).way((2, 8, 8, 64)) == "mixed"
    assert PatchConv2D(4, dtype="mixed_bfloat16").way((2, 8, 8, 64)) == "winograd"
    assert PatchConv2D(4, dtype="mixed_float16").way((2, 8, 8, 64)) == "mixed"
    assert layer.way((None, None, None, 64)) == "mixed"


def test_auto_is_native_on_accelerators_and_on_other_backends(monkeypatch):
    for accelerated in {True, keras.backend.backend() == "jax"}:
        monkeypatch.setattr(backend, "has_accelerator", lambda answer=accelerated: answer)
        for shape in ((2, 32, 32, 3), (2, 4, 4, 64), (2, 8, 8, 64), (None, None, None, 64)):
            assert PatchConv2D(4).way(shape) == "native"


@pytest.mark.parametrize("implementation", ["native", "patches", "auto"])
def test_symbolic_batches_and_sizes(implementation):
    inputs = keras.Input((None, None, 2))
    network = keras.Model(inputs, PatchConv2D(3, 3, implementation=implementation)(inputs))
    assert network.output_shape == (None, None, None, 3)
    for shape in ((2, 5, 6, 2), (1, 9, 9, 2)):
        assert network(np.ones(shape, "float32")).shape == (*shape[:3], 3)


def test_winograd_needs_images_of_known_size():
    with pytest.raises(ValueError, match="`implementation` must not be 'winograd'.*None, 8, 2"):
        PatchConv2D(3, 3, implementation="winograd")(keras.Input((None, 8, 2)))


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_mixed_precision_gives_the_compute_dtype(implementation):
    layer = PatchConv2D(4, 3, implementation=implementation, dtype="mixed_bfloat16")
    symbol = layer(keras.Input((6, 6, 5)))
    assert symbol.dtype == ops.dtype(layer(np.ones((1, 6, 6, 5)))) == "bfloat16"
    assert layer.kernel.dtype == "float32"


@pytest.mark.parametrize("implementation", ["patches", "winograd"])
def test_in_bfloat16_about_as_exact_as_the_native_convolution(value_and_gradients, implementation):
    images, kernel, upstream = arrays(3, (4, 8, 8, 16), filters=24)

    def results(convolve):
        return map(to_numpy, value_and_gradients(convolve, images, kernel, upstream=upstream))

    def errors(implementation):
        """Those of value and gradients, relative to the greatest number."""
        layer = PatchConv2D(24, implementation=implementation, dtype="mixed_bfloat16")
        layer.build(images.shape)

        def convolve(images, kernel):
            with keras.StatelessScope([(layer.kernel, kernel)]):
                return ops.cast(layer(images), "float32")

        pairs = zip(results(convolve), results(by_keras), strict=True)
        return [float(abs(a - b).max() / abs(b).max()) for a, b in pairs]

    for error, allowed in zip(errors(implementation), errors("native"), strict=True):
        # On processors without AVX-512, TensorFlow's own is wrong by up to 0.04.
        assert 0 < error < min(3 * allowed, 0.1)


def test_config_round_trip(tmp_path):
    layer = PatchConv2D(
        4,
        5,
        implementation="patches",
        activation="relu",
        use_bias=False,
        name="mine",
        kernel_initializer="lecun_normal",
        kernel_regularizer=keras.regularizers.L2(0.1),
    )
    restored = PatchConv2D.from_config(layer.get_config())
    assert restored.get_config() == layer.get_config()
    assert restored.kernel_size == (5, 5) and restored.implementation == "patches"
    network = keras.Sequential([keras.Input((6, 6, 1)), layer])
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    images = RNG.normal(size=(2, 6, 6, 1)).astype("float32")
    values, expected = to_numpy(loaded(images)), to_numpy(network(images))
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)
    assert type(loaded.layers[0]) is PatchConv2D


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"implementation": "fast"}, "`implementation` must be one of 'auto'.*Received.*'fast'"),
        ({"kernel_size": 2}, "`kernel_size` must be one odd integer. Received: kernel_size=2"),
        ({"kernel_size": (3, 5)}, r"`kernel_size`.*Received: kernel_size=\(3, 5\)"),
        (
            {"implementation": "winograd", "kernel_size": 5},
            "`kernel_size` must be 3 for .*Received: kernel_size=5",
        ),
        ({"strides": 2}, "`strides` .*Received: strides=2"),
        ({"padding": "valid"}, "`padding` .*Received: padding='valid'"),
        ({"data_format": "channels_first"}, "`data_format` .*Received: data_format="),
    ],
)
def test_arguments_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        PatchConv2D(4, **options)


# ---------------------------------------------------------------- 2x2 averages


def test_pooling_is_the_one_of_keras_for_images_of_unknown_size_too():
    inputs = keras.Input((None, 6, 3))
    model = keras.Model(inputs, AveragePooling2x2()(inputs))
    assert model.output.shape == (None, None, 3, 3)
    images = np.random.default_rng(0).normal(size=(2, 8, 6, 3)).astype("float32")
    expected = keras.layers.AveragePooling2D(2)(images)
    np.testing.assert_allclose(model(images), expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(AveragePooling2x2()(images), expected, rtol=1e-6, atol=1e-6)


def test_the_config_of_pooling_comes_back():
    layer = AveragePooling2x2(name="pool")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert (type(again), again.get_config()) == (AveragePooling2x2, layer.get_config())
