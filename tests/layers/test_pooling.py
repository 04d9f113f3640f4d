"""2x2 averages, written out, against Keras's own pooling."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_isa.inputs.arrays import to_numpy
from keras_isa.layers.pooling import AveragePooling2x2, average_of_four


@pytest.mark.parametrize("shape", [(2, 8, 6, 3), (3, 5, 7, 2), (1, 2, 3, 1)])
def test_value_and_gradient_are_those_of_keras(value_and_gradients, shape):
    rng = np.random.default_rng(0)
    images = rng.normal(size=shape).astype("float32")
    native = keras.layers.AveragePooling2D(2)
    upstream = rng.normal(size=native(images).shape).astype("float32")
    results = (
        value_and_gradients(pool, images, upstream=upstream) for pool in (average_of_four, native)
    )
    for found, expected in zip(*results, strict=True):
        np.testing.assert_allclose(to_numpy(found), to_numpy(expected), rtol=1e-6, atol=1e-6)


def test_of_a_short_format_the_sum_is_rounded_once(value_and_gradients):
    # In bfloat16 256 + 1 is 256: with each sum rounded the mean would be 64.
    images = ops.reshape(ops.array([256.0, 1, 1, 0], "bfloat16"), (1, 2, 2, 1))
    value, gradient = value_and_gradients(average_of_four, images, upstream=64.5)
    assert (ops.dtype(value), float(value[0, 0, 0, 0])) == ("bfloat16", 64.5)
    assert ops.dtype(gradient) == "bfloat16"
    assert (to_numpy(ops.cast(gradient, "float32")) == 64.5 / 4).all()


def test_the_layer_is_the_one_of_keras_for_images_of_unknown_size_too():
    inputs = keras.Input((None, 6, 3))
    model = keras.Model(inputs, AveragePooling2x2()(inputs))
    assert model.output.shape == (None, None, 3, 3)
    images = np.random.default_rng(0).normal(size=(2, 8, 6, 3)).astype("float32")
    expected = keras.layers.AveragePooling2D(2)(images)
    np.testing.assert_allclose(model(images), expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(AveragePooling2x2()(images), expected, rtol=1e-6, atol=1e-6)


def test_config_comes_back():
    layer = AveragePooling2x2(name="pool")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert (type(again), again.get_config()) == (AveragePooling2x2, layer.get_config())
